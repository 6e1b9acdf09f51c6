"""Strict reader of .tflite files that hold one chain of int8 FULLY_CONNECTED layers.

It is for design time only: nothing on a device or in a sealed process parses such a file. It accepts what
tflite-runtime 2.14 (BUILTIN_REF) runs, and refuses anything ambiguous with one line that names it. Messages count
operators and layers from 1.

Zero point of the weights, as measured with BUILTIN_REF: with one scale per tensor the runtime multiplies by
(weight - zero point), so that every int8 value is accepted; with one scale per channel it ignores the zero points
silently, so that only 0 is accepted.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np

from anomsdk.core.autoencoder import MAX_LAYERS, MAX_WIDTH
from anomsdk.errors import InputError, printable, quoted
from anomsdk.plans.tflite.container import AGAIN, CHAIN, QUANTISE, Tensor
from anomsdk.plans.tflite.layers import LayerReader
from anomsdk.plans.tflite.model import MAX_BYTES, TfliteModel
from anomsdk.plans.tflite.offsets import OutsideError, check_offsets

_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_CONVERSIONS = {  # operator, type in, type out: its place in the chain
    ("QUANTIZE", "FLOAT32", "INT8"): "first",
    ("QUANTIZE", "UINT8", "INT8"): "first",
    ("DEQUANTIZE", "INT8", "FLOAT32"): "last",
    ("QUANTIZE", "INT8", "UINT8"): "last",
}


def read_tflite(path: str | Path) -> TfliteModel:
    """Read an int8 autoencoder from a .tflite file.

    Parameters
    ----------
    path : str or Path
        A regular file of at most `MAX_BYTES` bytes. Messages call it by the last part of its path.

    Returns
    -------
    TfliteModel

    Raises
    ------
    InputError
        The file cannot be read, or `parse_tflite` refuses it.
    """
    path = Path(path)
    name = quoted(path.name, 255)
    try:
        if not path.is_file():
            raise InputError(f"{name}: there is no such file: give the path of a .tflite file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror}): check its permissions") from None
    return parse_tflite(data, name=name)


def parse_tflite(data: bytes, *, name: str) -> TfliteModel:
    """Parse the bytes of a .tflite file that holds a chain of int8 FULLY_CONNECTED layers.

    A first QUANTIZE (float32 or uint8 to int8), a last DEQUANTIZE or QUANTIZE (int8 to float32 or uint8) and
    every RESHAPE are dropped: the layers are int8 from end to end.

    Parameters
    ----------
    data : bytes
        The whole file: at most `MAX_BYTES` bytes, 64 layers, widths 1 to 4096, 8 Mi multiply-accumulates.
    name : str
        Name of the file in messages.

    Returns
    -------
    TfliteModel

    Raises
    ------
    InputError
        One line: file, operator and layer, what is wrong, what to do; for damaged files, too.
    """
    name = printable(name)
    _check_container(data, name)
    try:
        check_offsets(data)
    except OutsideError as error:
        raise InputError(f"{name}: the file is damaged ({error}): copy it again") from None
    try:
        return _Reader(data, name).read()
    except InputError:
        raise
    except (struct.error, ArithmeticError, AssertionError, LookupError, MemoryError, TypeError, ValueError):
        # The flatbuffers layer raises these when an offset or a length points outside the file.
        raise InputError(f"{name}: the file is damaged (it points outside itself): copy it again") from None


def _check_container(data: bytes, name: str) -> None:
    if not data:
        raise InputError(f"{name}: the file is empty: copy it again")
    if data.startswith(_LFS_POINTER):
        raise InputError(f"{name}: this is a Git LFS pointer, not the model; run: git lfs pull")
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES} bytes: give a small dense autoencoder")
    if data[4:8] != b"TFL3":
        raise InputError(f"{name}: not a TensorFlow Lite file (no TFL3 mark): export the model as .tflite")


class _Reader(LayerReader):
    """Walks the operators from the graph's input to its output and collects the layers."""

    def read(self) -> TfliteModel:
        self.need(self.model.Version() == 3, f"schema version {self.model.Version()} is unknown: {AGAIN}")
        graphs = self.count(self.model, "Subgraphs")
        self.need(graphs == 1, f"the model has {graphs} subgraphs: export one without control flow")
        self.graph = self.model.Subgraphs(0)
        first, last = (self.integers(self.graph, field) for field in ("Inputs", "Outputs"))
        self.need(len(first) == 1, f"the model has {len(first)} inputs: export it with exactly one")
        self.need(len(last) == 1, f"the model has {len(last)} outputs: export it with exactly one")
        chain, tensor = [first[0]], self.activation(first[0])
        input_type = tensor.type
        for position in range(self.count(self.graph, "Operators", 4 * MAX_LAYERS)):
            self.where = f"operator {position + 1}"
            tensor = self.step(self.graph.Operators(position), chain, tensor)
        self.where = ""
        self.need(chain[-1] == last[0], f"the last operator does not compute the model's output: {CHAIN}")
        self.need(self.layers, "the model has no FULLY_CONNECTED layer: export a dense int8 autoencoder")
        sha256 = hashlib.sha256(self.model._tab.Bytes).hexdigest()
        return TfliteModel(tuple(self.layers), sha256, input_type.lower(), tensor.type.lower())

    def step(self, operator: Any, chain: list[int], source: Tensor) -> Tensor:
        """Read the operator that takes `source`, the end of the chain; return its output, the new end."""
        kind = self.operator(operator)
        inputs, outputs = (self.integers(operator, field) for field in ("Inputs", "Outputs"))
        self.need(inputs and len(outputs) == 1, f"{kind} without one output or an input: {CHAIN}")
        label = self.text(self.item(self.graph, "Tensors", outputs[0]).Name())
        self.where += f" is {kind} ({label})"
        run_time = kind in ("SHAPE", "STRIDED_SLICE", "PACK")
        self.need(not run_time, "it computes a shape at run time: export with a fixed batch of 1")
        known = kind in ("FULLY_CONNECTED", "RESHAPE", "QUANTIZE", "DEQUANTIZE")
        self.need(known, "only FULLY_CONNECTED layers run here: export a dense int8 autoencoder")
        if inputs[0] != chain[-1]:
            float_weights = kind == "DEQUANTIZE" and self.tensor(inputs[0]).data.size
            self.need(not float_weights, f"it turns weights into float before they are used: {QUANTISE}")
        linear = inputs[0] == chain[-1] and outputs[0] not in chain
        self.need(linear, f"it does not take the output of the operator before: {CHAIN}")
        target = self.activation(outputs[0])
        if kind == "FULLY_CONNECTED":
            self.layers.append(self.layer(operator, inputs, source, target))
        elif kind == "RESHAPE":
            self.reshape(inputs, source, target)
        else:
            self.convert(kind, source, target)
        chain.append(outputs[0])
        return target

    def activation(self, index: int) -> Tensor:
        tensor = self.tensor(index)
        what, shape, n = f"the activation {tensor.name}", tensor.shape, tensor.count
        sizes = len(shape) > 0 and min(shape) > 0
        self.need(sizes, f"{what} has the shape {list(shape)}: export with a fixed batch of 1")
        self.need(n <= MAX_WIDTH, f"{what} has {n} values, at most {MAX_WIDTH} run here: make it smaller")
        self.need(not tensor.data.size, f"{what} is a constant: {CHAIN}")
        # Only the batch may be left open: with another open size the number of values is unknown.
        fixed = tensor.signature in ((), shape, (-1, *shape[1:]))
        self.need(fixed, f"{what} has the open shape {list(tensor.signature)}: export with fixed sizes")
        return tensor

    def same_count(self, source: Tensor, target: Tensor) -> None:
        n_in, n_out = source.count, target.count
        self.need(n_in == n_out, f"it turns {n_in} values into {n_out}: {AGAIN}")

    def reshape(self, inputs: tuple[int, ...], source: Tensor, target: Tensor) -> None:
        self.same_count(source, target)
        constant = len(inputs) == 1 or (len(inputs) == 2 and self.tensor(inputs[1]).data.size)
        self.need(constant, "the new shape is not a constant: export with a fixed batch of 1")
        same = source.type == target.type and np.array_equal(source.scales, target.scales)
        same = same and np.array_equal(source.zero_points, target.zero_points)
        self.need(same, f"it changes the type, scale or zero point: {AGAIN}")

    def convert(self, kind: str, source: Tensor, target: Tensor) -> None:
        """Check an operator that is dropped: it must not change what an int8 value means."""
        self.same_count(source, target)
        place = _CONVERSIONS.get((kind, source.type, target.type))
        types = f"{source.type.lower()} to {target.type.lower()}"
        self.need(place == ("last" if self.layers else "first"), f"{types} does not belong here: {QUANTISE}")
        if "UINT8" in (source.type, target.type):
            int8, uint8 = (target, source) if target.type == "INT8" else (source, target)
            same = np.array_equal(int8.scales, uint8.scales)
            same = same and np.array_equal(int8.zero_points + 128, uint8.zero_points)
            self.need(same, "int8 and uint8 differ in scale or lie not 128 apart: export with int8 edges")
