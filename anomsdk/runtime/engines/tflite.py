"""Engine tflite: the chain with its model stage in tflite-runtime 2.14, BUILTIN_REF: the oracle for ``==``.

An interpreter never opens a file from outside, as a damaged file can end the process. It gets a new file with the
layers that the strict reader found (`anomsdk.plans.tflite.writer.write_anew`).

An interpreter is trusted only once it has opened the probe model and rounded as the contract says:
importing proves nothing (tflite-runtime imports beside numpy 2 and fails on the first model), and other
runtimes round differently.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from types import ModuleType
from typing import Any

import numpy as np

from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.checks import checked_cast
from anomsdk.core.fixed import Ints
from anomsdk.core.plan import EdgePlan, ModelPlan, Plan
from anomsdk.errors import InputError, printable
from anomsdk.runtime.engines import probe
from anomsdk.runtime.engines.chain import ChainEngine
from anomsdk.utils.files import inside, read_limited

ORACLE = "tflite_runtime.interpreter"
MAX_MODEL_BYTES = 16 << 20
_TRIALS = 8
CROSS_CHECK = "ai_edge_litert.interpreter"


class TfliteEngine(ChainEngine):
    """Chain with the interpreter as model stage.

    Parameters
    ----------
    plan : Plan, read from a folder that holds its model

    Raises
    ------
    InputError : no trusted interpreter here, or the model file is missing or is another one
    """

    def __init__(self, plan: Plan) -> None:
        model = InterpreterModel(open_oracle(model_bytes(plan)), plan.model)
        _check_that_it_is_the_planned_one(model, plan)
        super().__init__(plan, model)


def _check_that_it_is_the_planned_one(model: InterpreterModel, plan: Plan) -> None:
    """Refuse a model file whose outputs differ from those of the plan's layers; its hash does not prove them equal."""
    n = plan.n_inputs
    rows = np.arange(_TRIALS * n, dtype=np.int64).reshape(_TRIALS, n) ** 2 * 7919 // 64 % 256 - 128
    if (model.n_in, model.n_out) != (n, n) or not np.array_equal(model.run(rows), Autoencoder(plan.layers).run(rows)):
        raise InputError("engine tflite: the model file does not compute what the plan's layers say; plan again")


class InterpreterModel:
    """Model stage in an interpreter: one invocation a row, then one on zeros, so that no feature stays inside."""

    def __init__(self, interpreter: Any, model: ModelPlan) -> None:
        self._interpreter = interpreter
        (given,), (taken,) = interpreter.get_input_details(), interpreter.get_output_details()
        self._in, self._out = given["index"], taken["index"]
        self._edges = model.input, model.output
        self._given = np.zeros(given["shape"], given["dtype"])
        self.n_in, self.n_out = int(np.prod(given["shape"])), int(np.prod(taken["shape"]))

    def run(self, inputs: Ints) -> Ints:
        """Int8 outputs (n, n_out) for int8 inputs (n, n_in), both int64."""
        outputs = np.zeros((len(inputs), self.n_out), np.int64)
        encoded = _encode(inputs, self._edges[0])
        for row, values in enumerate(encoded):
            self._given[...] = values.reshape(self._given.shape)
            self._invoke()
            outputs[row] = _decode(self._interpreter.get_tensor(self._out).reshape(-1), self._edges[1])
        self._given.fill(0)
        self._invoke()
        return outputs

    def _invoke(self) -> None:
        self._interpreter.set_tensor(self._in, self._given)
        self._interpreter.invoke()


def _encode(values: Ints, edge: EdgePlan) -> Any:
    """Convert int8 values to the type of the model's input; its QUANTIZE turns them into the same int8 values."""
    if edge.type == "uint8":
        return checked_cast(values + 128, "u1", "model inputs")
    if edge.type == "float32":
        return ((values - edge.zero_point) * edge.scale).astype(np.float32)
    return checked_cast(values, "i1", "model inputs")


def _decode(values: Any, edge: EdgePlan) -> Ints:
    if edge.type == "uint8":
        return np.asarray(values, np.int64) - 128
    if edge.type == "float32":
        return np.rint(values.astype(np.float64) / edge.scale).astype(np.int64) + edge.zero_point
    return np.asarray(values, np.int64)


def model_bytes(plan: Plan) -> bytes:
    """Read the model file beside a plan; refuse a file that is not the planned one."""
    name = plan.provenance.get("model_file", "model.tflite")
    if plan.folder is None:
        raise InputError(
            f"engine tflite: the plan was not read from a folder, so {printable(name)} cannot be found; "
            "use read_plan or plan"
        )
    path = inside(plan.folder, name, "engine tflite: the plan's model_file")
    shown = printable(path)
    try:
        advice = "put the model there, or use `engine='reference'`"
        data = read_limited(path, MAX_MODEL_BYTES, advice=advice)
    except InputError as error:
        raise InputError(f"engine tflite: {printable(error)}") from None
    if hashlib.sha256(data).hexdigest() != plan.model.sha256:
        raise InputError(
            f"engine tflite: {shown} is not the model of this plan (sha256 differs); restore it or plan again"
        )
    return data


def open_oracle(model: bytes) -> Any:
    """Open the layers of a file in tflite-runtime with the reference kernels, once the probe has proven its rounding.

    Raises
    ------
    InputError : says which runtime is missing, why it is not trusted, or why the file is refused
    """
    runtime = _import(ORACLE)
    _prove(runtime)
    return _open(runtime, _written_anew(model))


def open_cross_check(model: bytes) -> Any:
    """Open the layers of a file in ai-edge-litert, which rounds otherwise: only to count differences."""
    return _open(_import(CROSS_CHECK), _written_anew(model))


def _written_anew(model: bytes) -> bytes:
    from anomsdk.plans.tflite.writer import write_anew

    return write_anew(model, name="engine tflite: the model")


def why_missing() -> str | None:
    """Say in one line why the oracle does not work here; None if it works."""
    try:
        _prove(_import(ORACLE))
    except InputError as error:
        return str(error)
    return None


def _import(name: str) -> ModuleType:
    package = name.partition(".")[0].replace("_", "-")
    try:
        return importlib.import_module(name)
    except ImportError:
        version = f"Python {sys.version_info.major}.{sys.version_info.minor} on {sys.platform}"
        hint = (
            "it exists for Python 3.10 and 3.11 on Linux only; engine reference gives the same integers"
            if name == ORACLE
            else f"pip install {package}"
        )
        raise InputError(f"{package} is not installed ({version}): {hint}") from None


def _open(runtime: ModuleType, model: bytes) -> Any:
    try:
        interpreter = runtime.Interpreter(
            model_content=model,
            num_threads=1,
            experimental_op_resolver_type=runtime.OpResolverType.BUILTIN_REF,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, TypeError, AttributeError, ImportError, SystemError) as error:
        reason = printable(str(error).splitlines()[0]) if str(error) else type(error).__name__
        raise InputError(
            f"{runtime.__name__.partition('.')[0]} cannot open a model here ({reason}); with numpy {np.__version__}: "
            "tflite-runtime 2.14 needs numpy below 2"
        ) from None
    return interpreter


def _prove(runtime: ModuleType) -> None:
    interpreter = _open(runtime, probe.MODEL)
    given, taken = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    outputs = []
    for value in probe.INPUTS:
        interpreter.set_tensor(given, np.array([[value]], np.int8))
        interpreter.invoke()
        outputs.append(int(interpreter.get_tensor(taken).item()))
    if tuple(outputs) != probe.OUTPUTS:
        raise InputError(
            f"engine tflite: this runtime rounds otherwise than the contract (probe gave {outputs}, "
            f"expected {list(probe.OUTPUTS)}); install tflite-runtime 2.14"
        )
