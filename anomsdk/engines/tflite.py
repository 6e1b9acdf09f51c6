"""Engine tflite: the chain with its model stage in tflite-runtime 2.14, BUILTIN_REF: the oracle for ``==``.

An interpreter is trusted only once it has opened the probe model and rounded as the contract says:
importing proves nothing (tflite-runtime imports beside numpy 2 and fails on the first model), and other
runtimes round differently.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anomsdk.core.fixed import Ints
from anomsdk.core.pipeline import Chain
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError

MAX_MODEL_BYTES = 16 << 20

# One FULLY_CONNECTED layer, 1 x 1, written by `tflite_file.write_tflite` (a test regenerates it).
PROBE = base64.b64decode("PROBE_BASE64")
# Inputs whose outputs differ between the double rounding of the contract and a single one.
PROBE_INPUTS = (-127, -3, -2, -1, 0, 1, 2, 3, 127)
PROBE_OUTPUTS = ()


class TfliteEngine(Chain):
    """The chain with the interpreter as model stage.

    Parameters
    ----------
    plan : Plan, read from a folder that holds its model

    Raises
    ------
    InputError : no trusted interpreter here, or the model file is missing or is another one
    """

    def __init__(self, plan: Plan) -> None:
        model = model_bytes(plan)
        super().__init__(plan, InterpreterModel(open_oracle(model), plan))

    def reconstruct(self, inputs: Ints) -> Ints:
        """The model stage alone: int8 range (n, n_in) to (n, n_out), int64."""
        return self._model.run(inputs)


class InterpreterModel:
    """The model stage in an interpreter, one invoke a row. Runs a zero input last: no feature stays inside."""

    def __init__(self, interpreter: Any, plan: Plan) -> None:
        self._interpreter = interpreter
        (given,), (taken,) = interpreter.get_input_details(), interpreter.get_output_details()
        self._in, self._out = given["index"], taken["index"]
        self._input = _Edge(given, plan.layers[0].input_zero_point)
        self._output = _Edge(taken, plan.layers[-1].output_zero_point)
        self._given = np.zeros(given["shape"], given["dtype"])
        self._n_out = plan.layers[-1].n_out

    def run(self, inputs: Ints) -> Ints:
        """Int8 outputs (n, n_out) for int8 inputs (n, n_in), both int64."""
        outputs = np.zeros((len(inputs), self._n_out), np.int64)
        for row, output in zip(inputs, outputs, strict=True):
            self._invoke(self._input.encode(row))
            output[:] = self._output.decode(self._interpreter.get_tensor(self._out).reshape(-1))
        self._invoke(np.zeros(1, self._given.dtype))
        return outputs

    def _invoke(self, values: Any) -> None:
        self._given[...] = values if values.size == 1 else values.reshape(self._given.shape)
        self._interpreter.set_tensor(self._in, self._given)
        self._interpreter.invoke()


@dataclass(frozen=True)
class _Conversion:
    scale: float
    zero_point: int


class _Edge:
    """int8 values of the plan to and from the type at the model's edge (peeled QUANTIZE, DEQUANTIZE)."""

    def __init__(self, details: Any, zero_point: int) -> None:
        self._dtype = np.dtype(details["dtype"])
        self._zero_point = zero_point
        self.scale = 1.0

    def encode(self, values: Ints) -> Any:
        if self._dtype == np.uint8:
            return (values + 128).astype(np.uint8)
        if self._dtype == np.float32:
            return ((values - self._zero_point) * np.float64(self.scale)).astype(np.float32)
        return values.astype(np.int8)

    def decode(self, values: Any) -> Ints:
        if self._dtype == np.uint8:
            return values.astype(np.int64) - 128
        if self._dtype == np.float32:
            return np.rint(values.astype(np.float64) / self.scale).astype(np.int64) + self._zero_point
        return values.astype(np.int64)
