"""Strict reader of .tflite files that hold one chain of int8 FULLY_CONNECTED layers.

For design time only: nothing on a device or in a sealed process parses such a file. What is read here is
what tflite-runtime 2.14 (BUILTIN_REF) runs, so whatever has no plain meaning is refused with one line that
names it. Messages count operators and layers from 1.

Zero point of the weights, as measured with BUILTIN_REF: with one scale per tensor it multiplies by
(weight - zero point), so every int8 value is read; with a scale per channel it ignores the zero
points without a word, so only 0 is accepted.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable, quoted
from anomsdk.plans.tflite.offsets import OutsideError, check_offsets

MAX_BYTES = 16 * 1024 * 1024
MAX_LAYERS = 64
MAX_WIDTH = 4096
MAX_MACS = 8 * 1024 * 1024
ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")

_MAX_ITEMS = 4096  # tensors, buffers, operators: far above what the limits above let a file need
_MAX_NAME = 1024  # bytes
_MAX_RANK = 8
MAX_BIAS_SCALE_ERROR = 0.02  # output steps: the bound of tflite's GetQuantizedConvolutionMultipler
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_AGAIN = "export the model again"
_CHAIN = "export one linear chain of layers"
_QUANTISE = "quantise after training to full int8 (weights and activations)"
_TYPE_ADVICE = {
    "FLOAT32": f"the model is float, not quantised: {_QUANTISE}",
    "INT16": "the 16x8 scheme does not run here: quantise with int8 activations",
    "UINT8": "that is the legacy scheme: convert again to int8",
    "INT4": "4-bit weights do not run here: quantise with int8 weights",
}
_CONVERSIONS = {  # operator, type in, type out: where it may stand
    ("QUANTIZE", "FLOAT32", "INT8"): "first",
    ("QUANTIZE", "UINT8", "INT8"): "first",
    ("DEQUANTIZE", "INT8", "FLOAT32"): "last",
    ("QUANTIZE", "INT8", "UINT8"): "last",
}


@dataclass(frozen=True, eq=False)
class FullyConnected:
    """One int8 layer as the file has it: output = activation(requantise(weights @ input + bias)).

    Real value = scale * (integer - zero point). Arrays that come from the reader are read-only.
    """

    name: str  # what messages call it, e.g. "layer 3 (functional_1/dense_2/MatMul)"
    weights: NDArray[np.int8]  # (n_out, n_in)
    bias: NDArray[np.int32]  # (n_out,) in steps of input scale * weight scale; zeros where the file has none
    input_scale: float  # exactly the float32 in the file
    input_zero_point: int  # [-128, 127]
    weight_scales: NDArray[np.float32]  # (1,): per tensor; (n_out,): per channel
    weight_zero_point: int  # [-128, 127] per tensor, 0 per channel
    output_scale: float  # exactly the float32 in the file
    output_zero_point: int  # [-128, 127]
    activation: str  # one of ACTIVATIONS


@dataclass(frozen=True, eq=False)
class TfliteModel:
    """The layers of a file in the order in which they run, int8 from end to end."""

    layers: tuple[FullyConnected, ...]
    sha256: str  # of the whole file, 64 hex digits
    input_type: str  # "int8" | "uint8" | "float32": the type at the file's own edge
    output_type: str  # likewise

    @property
    def n_in(self) -> int:
        """Number of inputs of the first layer."""
        return int(self.layers[0].weights.shape[1])

    @property
    def n_out(self) -> int:
        """Number of outputs of the last layer."""
        return int(self.layers[-1].weights.shape[0])

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(int(layer.weights.size) for layer in self.layers)


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
        What messages call the file.

    Returns
    -------
    TfliteModel

    Raises
    ------
    InputError
        One line: file, operator and layer, what is wrong, what to do. Damaged files end here too.
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
        # What the flatbuffers layer raises when an offset or a length points outside the file.
        raise InputError(f"{name}: the file is damaged (it points outside itself): copy it again") from None


def _check_container(data: bytes, name: str) -> None:
    if not data:
        raise InputError(f"{name}: the file is empty: copy it again")
    if data.startswith(_LFS_POINTER):
        raise InputError(f"{name}: this is a Git LFS pointer, not the model: run `git lfs pull`")
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES} bytes: give a small dense autoencoder")
    if data[4:8] != b"TFL3":
        raise InputError(f"{name}: not a TensorFlow Lite file (no TFL3 mark): export the model as .tflite")


def _names(enumeration: Any) -> dict[int, str]:
    return {value: key for key, value in vars(enumeration).items() if isinstance(value, int)}


def _normal(scales: NDArray[Any]) -> bool:
    """Whether all are positive float32 values with full precision: no NaN, infinity, subnormal."""
    limits = np.finfo(np.float32)
    return bool(((scales >= limits.tiny) & (scales <= limits.max)).all())


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values


@dataclass(frozen=True, eq=False)
class _Tensor:
    name: str
    type: str  # as the schema spells it: INT8, FLOAT32
    shape: tuple[int, ...]
    signature: tuple[int, ...]  # the shape with -1 for open sizes; empty where all are fixed
    scales: NDArray[np.float32]  # empty: not quantised
    zero_points: NDArray[np.int64]
    dimension: int  # that the scales run along
    data: NDArray[np.uint8]  # a view of the file; empty: not a constant

    @property
    def count(self) -> int:
        return math.prod(self.shape)


class _File:
    """Flatbuffers access that checks every length and index; `where` is the part that a message names."""

    def __init__(self, data: bytes, name: str) -> None:
        import tflite

        self.name, self.where, self.size = name, "", len(data)
        self.schema = tflite
        self.types = _names(tflite.TensorType)
        self.model = tflite.Model.GetRootAs(data, 0)
        self.graph: Any = None

    def need(self, condition: object, message: str) -> None:
        if not condition:
            raise InputError(": ".join(filter(None, (self.name, self.where, message))))

    def count(self, table: Any, field: str, limit: int = _MAX_ITEMS) -> int:
        """Length of a vector: known to be sane before anything loops over it or copies it."""
        length = int(getattr(table, field + "Length")())
        limit = min(limit, self.size)
        self.need(length <= limit, f"it claims {length} entries of {field}, at most {limit} can be: {_AGAIN}")
        return length

    def vector(self, table: Any, field: str, limit: int = _MAX_ITEMS) -> NDArray[Any]:
        if self.count(table, field, limit) == 0:
            return np.zeros(0, np.int64)
        return np.asarray(getattr(table, field + "AsNumpy")())

    def integers(self, table: Any, field: str, limit: int = _MAX_ITEMS) -> tuple[int, ...]:
        return tuple(int(value) for value in self.vector(table, field, limit))

    def item(self, table: Any, field: str, index: int) -> Any:
        """Element of a vector of tables; the generated code does not check the index."""
        self.need(0 <= index < self.count(table, field), f"{field} has no entry {index}: {_AGAIN}")
        return getattr(table, field)(index)

    def text(self, raw: bytes | None) -> str:
        raw = raw or b""
        self.need(len(raw) <= _MAX_NAME, f"a name is longer than {_MAX_NAME} bytes: shorten it, {_AGAIN}")
        return quoted(raw.decode("utf-8", "replace"), 80)

    def tensor(self, index: int) -> _Tensor:
        table = self.item(self.graph, "Tensors", index)
        name = self.text(table.Name())
        self.need(not table.IsVariable(), f"{name} is a variable tensor: export a model without state")
        self.need(table.Sparsity() is None, f"{name} is a sparse tensor: export with dense weights")
        scales, zero_points, dimension = np.zeros(0), np.zeros(0), 0
        if (quantisation := table.Quantization()) is not None:
            self.need(quantisation.DetailsType() == 0, f"{name} has a custom quantisation: {_QUANTISE}")
            scales = self.vector(quantisation, "Scale", MAX_WIDTH)
            zero_points = self.vector(quantisation, "ZeroPoint", MAX_WIDTH)
            dimension = int(quantisation.QuantizedDimension())
        return _Tensor(
            name=name,
            type=self.types.get(table.Type(), f"type {table.Type()}"),
            shape=self.integers(table, "Shape", _MAX_RANK),
            signature=self.integers(table, "ShapeSignature", _MAX_RANK),
            scales=scales.astype(np.float32),
            zero_points=zero_points.astype(np.int64),
            dimension=dimension,
            data=self.buffer(table.Buffer(), name),
        )

    def buffer(self, index: int, name: str) -> NDArray[np.uint8]:
        from flatbuffers.number_types import Uint64Flags

        table = self.item(self.model, "Buffers", index)
        # Slots 6 and 8 are `offset` and `size`: old releases of the schema package have no method for them.
        external = any(table._tab.GetSlot(slot, 0, Uint64Flags) for slot in (6, 8))
        self.need(not external, f"{name} has its values in an external buffer: export them inside the model")
        return self.vector(table, "Data", MAX_BYTES).astype(np.uint8, copy=False)

    def operator(self, operator: Any) -> str:
        code = self.item(self.model, "OperatorCodes", operator.OpcodeIndex())
        # The code was a byte at first: tflite takes the larger of the old field and the new one.
        number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        if number == self.schema.BuiltinOperator.CUSTOM:
            return f"the custom operator {self.text(code.CustomCode())}".rstrip()
        return _names(self.schema.BuiltinOperator).get(number, f"builtin operator {number}")


class _Reader(_File):
    """Walks the operators from the graph's input to its output and collects the layers."""

    def read(self) -> TfliteModel:
        self.need(self.model.Version() == 3, f"schema version {self.model.Version()} is unknown: {_AGAIN}")
        graphs = self.count(self.model, "Subgraphs")
        self.need(graphs == 1, f"the model has {graphs} subgraphs: export one without control flow")
        self.graph = self.model.Subgraphs(0)
        self.layers: list[FullyConnected] = []
        self.macs = 0
        first, last = (self.integers(self.graph, field) for field in ("Inputs", "Outputs"))
        self.need(len(first) == 1, f"the model has {len(first)} inputs: export it with exactly one")
        self.need(len(last) == 1, f"the model has {len(last)} outputs: export it with exactly one")
        chain, tensor = [first[0]], self.activation(first[0])
        input_type = tensor.type
        for position in range(self.count(self.graph, "Operators", 4 * MAX_LAYERS)):
            self.where = f"operator {position + 1}"
            tensor = self.step(self.graph.Operators(position), chain, tensor)
        self.where = ""
        self.need(chain[-1] == last[0], f"the last operator does not compute the model's output: {_CHAIN}")
        self.need(self.layers, "the model has no FULLY_CONNECTED layer: export a dense int8 autoencoder")
        sha256 = hashlib.sha256(self.model._tab.Bytes).hexdigest()
        return TfliteModel(tuple(self.layers), sha256, input_type.lower(), tensor.type.lower())

    def step(self, operator: Any, chain: list[int], source: _Tensor) -> _Tensor:
        """Read the operator that takes `source`, the end of the chain; return its output, the new end."""
        kind = self.operator(operator)
        inputs, outputs = (self.integers(operator, field) for field in ("Inputs", "Outputs"))
        self.need(inputs and len(outputs) == 1, f"{kind} without one output or an input: {_CHAIN}")
        label = self.text(self.item(self.graph, "Tensors", outputs[0]).Name())
        self.where += f" is {kind} ({label})"
        run_time = kind in ("SHAPE", "STRIDED_SLICE", "PACK")
        self.need(not run_time, "it computes a shape at run time: export with a fixed batch of 1")
        known = kind in ("FULLY_CONNECTED", "RESHAPE", "QUANTIZE", "DEQUANTIZE")
        self.need(known, "only FULLY_CONNECTED layers run here: export a dense int8 autoencoder")
        if inputs[0] != chain[-1]:
            float_weights = kind == "DEQUANTIZE" and self.tensor(inputs[0]).data.size
            self.need(not float_weights, f"it turns weights into float before they are used: {_QUANTISE}")
        linear = inputs[0] == chain[-1] and outputs[0] not in chain
        self.need(linear, f"it does not take the output of the operator before: {_CHAIN}")
        target = self.activation(outputs[0])
        if kind == "FULLY_CONNECTED":
            self.layers.append(self.layer(operator, inputs, source, target))
        elif kind == "RESHAPE":
            self.reshape(inputs, source, target)
        else:
            self.convert(kind, source, target)
        chain.append(outputs[0])
        return target

    def activation(self, index: int) -> _Tensor:
        tensor = self.tensor(index)
        what, shape, n = f"the activation {tensor.name}", tensor.shape, tensor.count
        sizes = len(shape) > 0 and min(shape) > 0
        self.need(sizes, f"{what} has the shape {list(shape)}: export with a fixed batch of 1")
        self.need(n <= MAX_WIDTH, f"{what} has {n} values, at most {MAX_WIDTH} run here: make it smaller")
        self.need(not tensor.data.size, f"{what} is a constant: {_CHAIN}")
        # Only the batch may be left open: with another open size the number of values is unknown.
        fixed = tensor.signature in ((), shape, (-1, *shape[1:]))
        self.need(fixed, f"{what} has the open shape {list(tensor.signature)}: export with fixed sizes")
        return tensor

    def same_count(self, source: _Tensor, target: _Tensor) -> None:
        n_in, n_out = source.count, target.count
        self.need(n_in == n_out, f"it turns {n_in} values into {n_out}: {_AGAIN}")

    def reshape(self, inputs: tuple[int, ...], source: _Tensor, target: _Tensor) -> None:
        self.same_count(source, target)
        constant = len(inputs) == 1 or (len(inputs) == 2 and self.tensor(inputs[1]).data.size)
        self.need(constant, "the new shape is not a constant: export with a fixed batch of 1")
        same = source.type == target.type and np.array_equal(source.scales, target.scales)
        same = same and np.array_equal(source.zero_points, target.zero_points)
        self.need(same, f"it changes the type, scale or zero point: {_AGAIN}")

    def convert(self, kind: str, source: _Tensor, target: _Tensor) -> None:
        """Check an operator that is dropped: it must not change what an int8 value means."""
        self.same_count(source, target)
        place = _CONVERSIONS.get((kind, source.type, target.type))
        types = f"{source.type.lower()} to {target.type.lower()}"
        self.need(place == ("last" if self.layers else "first"), f"{types} does not belong here: {_QUANTISE}")
        if "UINT8" in (source.type, target.type):
            int8, uint8 = (target, source) if target.type == "INT8" else (source, target)
            same = np.array_equal(int8.scales, uint8.scales)
            same = same and np.array_equal(int8.zero_points + 128, uint8.zero_points)
            self.need(same, "int8 and uint8 differ in scale or lie not 128 apart: export with int8 edges")

    def layer(self, operator: Any, inputs: tuple[int, ...], source: _Tensor, target: _Tensor) -> FullyConnected:
        self.need(len(inputs) in (2, 3), f"it has {len(inputs)} inputs, not 2 or 3: {_AGAIN}")
        weights = self.tensor(inputs[1])
        number = len(self.layers) + 1
        name = f"layer {number} ({weights.name})" if weights.name else f"layer {number}"
        self.where = f"{self.where.split(' is ')[0]}, FULLY_CONNECTED {name}"
        self.need(number <= MAX_LAYERS, f"at most {MAX_LAYERS} layers run here: make the model smaller")
        activation = self.fused_activation(operator)
        self.check_types(source, weights, target)
        input_scale, input_zero_point = self.per_tensor(source)
        output_scale, output_zero_point = self.per_tensor(target)
        values = self.weights(weights, source.count, target.count)
        products = input_scale * weights.scales.astype(np.float64)
        self.need(_normal(products), f"input scale times weight scale is no normal float32: {_QUANTISE}")
        bias = np.zeros(target.count, np.int32)
        if len(inputs) == 3 and inputs[2] != -1:
            bias = self.bias(self.tensor(inputs[2]), products, target)
        return FullyConnected(
            name=name,
            weights=values,
            bias=_read_only(bias),
            input_scale=input_scale,
            input_zero_point=input_zero_point,
            weight_scales=_read_only(weights.scales),
            weight_zero_point=int(weights.zero_points[0]),
            output_scale=output_scale,
            output_zero_point=output_zero_point,
            activation=activation,
        )

    def fused_activation(self, operator: Any) -> str:
        unions = self.schema.BuiltinOptions
        kind, table = operator.BuiltinOptionsType(), operator.BuiltinOptions()
        if kind == unions.NONE or table is None:
            return "NONE"  # tflite's default
        self.need(kind == unions.FullyConnectedOptions, f"its options belong to another operator: {_AGAIN}")
        options = self.schema.FullyConnectedOptions()
        options.Init(table.Bytes, table.Pos)
        default = options.WeightsFormat() == self.schema.FullyConnectedOptionsWeightsFormat.DEFAULT
        self.need(default, f"its weights are shuffled (weights_format is not DEFAULT): {_AGAIN}")
        number = options.FusedActivationFunction()
        activation = _names(self.schema.ActivationFunctionType).get(number, str(number))
        message = f"the fused activation {activation} does not run here: use one of {', '.join(ACTIVATIONS)}"
        self.need(activation in ACTIVATIONS, message)
        return activation

    def check_types(self, source: _Tensor, weights: _Tensor, target: _Tensor) -> None:
        hybrid = source.type == "FLOAT32" and weights.type in ("INT8", "UINT8", "INT4")
        self.need(not hybrid, f"a hybrid ({weights.type.lower()} weights, float activations): {_QUANTISE}")
        for role, tensor in (("input is", source), ("weights are", weights), ("output is", target)):
            advice = _TYPE_ADVICE.get(tensor.type, _QUANTISE)
            self.need(tensor.type == "INT8", f"the {role} {tensor.type.lower()}, not int8: {advice}")

    def check_scales(self, tensor: _Tensor, channels: int) -> None:
        n, n_zero_points = tensor.scales.size, tensor.zero_points.size
        self.need(n, f"{tensor.name} has no quantisation: {_QUANTISE}")
        wanted = "1" if channels == 1 else f"1 or {channels}"
        self.need(n in (1, channels), f"{tensor.name} has {n} scales where {wanted} belong: {_AGAIN}")
        self.need(n == n_zero_points, f"{tensor.name} has {n} scales, {n_zero_points} zero points: {_AGAIN}")
        along_outputs = n == 1 or tensor.dimension == 0
        self.need(along_outputs, f"{tensor.name} has scales along its inputs (quantized_dimension): {_AGAIN}")
        normal = _normal(tensor.scales)
        self.need(normal, f"{tensor.name} has a scale that is no positive normal number: {_QUANTISE}")

    def per_tensor(self, tensor: _Tensor) -> tuple[float, int]:
        self.check_scales(tensor, 1)
        zero_point = int(tensor.zero_points[0])
        message = f"{tensor.name} has the zero point {zero_point}, outside [-128, 127]: {_QUANTISE}"
        self.need(-128 <= zero_point <= 127, message)
        return float(tensor.scales[0]), zero_point

    def weights(self, tensor: _Tensor, n_in: int, n_out: int) -> NDArray[np.int8]:
        shape = list(tensor.shape)
        self.need(len(shape) == 2, f"the weights have the shape {shape}, not (outputs, inputs): {_AGAIN}")
        message = f"the weights are {shape}, but {n_in} values come in and {n_out} go out"
        self.need(shape == [n_out, n_in], f"{message}: export with a fixed batch of 1")
        self.macs += n_in * n_out
        self.need(self.macs <= MAX_MACS, f"more than {MAX_MACS} multiply-accumulates: make the model smaller")
        self.check_scales(tensor, n_out)
        if tensor.scales.size == 1:
            self.per_tensor(tensor)
        symmetric = tensor.scales.size == 1 or not tensor.zero_points.any()
        self.need(symmetric, "scales per channel with a zero point that is not 0: quantise symmetrically")
        return self.constant(tensor, "<i1")

    def bias(self, tensor: _Tensor, products: NDArray[np.float64], target: _Tensor) -> NDArray[np.int32]:
        what, n_out = f"the bias {tensor.name}", target.count
        self.need(tensor.type == "INT32", f"{what} is {tensor.type.lower()}, not int32: {_QUANTISE}")
        shape = list(tensor.shape)
        self.need(shape == [n_out], f"{what} has the shape {shape}, not [{n_out}]: {_AGAIN}")
        self.check_scales(tensor, n_out)
        self.need(not tensor.zero_points.any(), f"{what} has a zero point that is not 0: {_QUANTISE}")
        # tflite tests this per tensor only; per channel a wrong scale means a wrong bias just as much.
        error = np.abs(products - tensor.scales).max() / float(target.scales[0])
        same = error <= MAX_BIAS_SCALE_ERROR
        self.need(same, f"{what} has a scale other than input scale times weight scale: {_QUANTISE}")
        return self.constant(tensor, "<i4")

    def constant(self, tensor: _Tensor, dtype: str) -> NDArray[Any]:
        """Copy of a constant in native byte order; the caller has bounded its shape."""
        n_bytes = tensor.count * np.dtype(dtype).itemsize
        size = tensor.data.size
        self.need(size, f"{tensor.name} is not a constant: freeze the weights and {_AGAIN}")
        self.need(size == n_bytes, f"{tensor.name} has {size} bytes, but its shape needs {n_bytes}: {_AGAIN}")
        values = np.frombuffer(tensor.data.tobytes(), dtype).reshape(tensor.shape)
        return _read_only(values.astype(values.dtype.newbyteorder("=")))
