"""Writer of .tflite files that hold one chain of int8 FULLY_CONNECTED layers: what `reader` reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast
from anomsdk.errors import InputError
from anomsdk.plans.tflite.model import ACTIVATIONS, MAX_BIAS_SCALE_ERROR, FullyConnected
from anomsdk.plans.tflite.reader import parse_tflite

EDGES = {"int8": ("INT8", 0), "uint8": ("UINT8", 128), "float32": ("FLOAT32", 0)}
"""Type of the file's input or output -> type of its tensor, and its zero point minus that of int8."""

_VERSIONS = {"FULLY_CONNECTED": 4, "QUANTIZE": 2, "DEQUANTIZE": 2}
"""Operator -> its first version in the schema that takes int8."""


def write_tflite(
    layers: Sequence[FullyConnected],
    *,
    input_type: str = "int8",
    output_type: str = "int8",
    description: str = "anomsdk",
) -> bytes:
    """Build a .tflite file of int8 FULLY_CONNECTED layers.

    The same layers give the same bytes. Two or more `weight_scales` are written per channel. A bias of zeros is left
    out where its scale, rounded to float32, would be too far from input scale times weight scale for an interpreter.

    Parameters
    ----------
    layers : sequence of FullyConnected
        In the order in which they run; output scale and zero point of a layer equal the input's of the next one.
        Scales are float32 values. The name "layer 3 (x)" is written as "x" and read again as "layer 3 (x)".
    input_type, output_type : str
        "int8", "uint8" or "float32": type of the file's own input and output, as in `TfliteModel`. An input of
        another type than int8 adds a first QUANTIZE, such an output a last DEQUANTIZE or QUANTIZE.
    description : str
        Free text in the file.

    Returns
    -------
    bytes
        `parse_tflite` reads the same layers from them.

    Raises
    ------
    InputError
        The layers do not fit each other, or `parse_tflite` would refuse the file.

    Examples
    --------
    >>> import numpy as np
    >>> from anomsdk.plans.tflite.model import FullyConnected
    >>> from anomsdk.plans.tflite.reader import parse_tflite
    >>> layer = FullyConnected(
    ...     name="x", weights=np.ones((3, 2), np.int8), bias=np.zeros(3, np.int32), activation="RELU",
    ...     input_scale=0.5, input_zero_point=0, weight_scales=np.ones(1, np.float32), weight_zero_point=0,
    ...     output_scale=0.5, output_zero_point=-127)
    >>> parse_tflite(write_tflite([layer]), name="x.tflite").layers[0].name
    'layer 1 (x)'
    """
    if not layers:
        raise InputError("no layers to write: give at least one")
    for number, layer in enumerate(layers, 1):
        _check_layer(layer, f"layer {number} to write", layers[number - 2] if number > 1 else None)
    for edge in (input_type, output_type):
        if edge not in EDGES:
            raise InputError(f"no type {edge!r} at an edge: use one of {', '.join(EDGES)}")
    data = _Writer().write(layers, input_type, output_type, description)
    parse_tflite(data, name="layers to write")
    return data


def write_anew(data: bytes, *, name: str) -> bytes:
    """Write a new .tflite file with the layers of a given one, for an interpreter to open in its place.

    Interpreters trust a file. A damaged or malicious one makes them read and write outside of their memory, even if the
    part that holds the layers is whole. The new file takes only integers and scales from the old one: no offset, no
    name, nothing that the layers do not need. The outputs are the same integers.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        Name of the file in messages.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        `parse_tflite` refuses the file.
    """
    model = parse_tflite(data, name=name)
    layers = [replace(layer, name=f"layer {number}") for number, layer in enumerate(model.layers, 1)]
    return write_tflite(layers, input_type=model.input_type, output_type=model.output_type)


def _check_layer(layer: FullyConnected, where: str, before: FullyConnected | None) -> None:
    """Refuse a layer that the file cannot store exactly; the reader checks everything else."""
    arrays = ((layer.weights, np.int8, 2), (layer.bias, np.int32, 1), (layer.weight_scales, np.float32, 1))
    if any(values.dtype != dtype or values.ndim != rank for values, dtype, rank in arrays):
        raise InputError(f"{where}: give int8 weights (n_out, n_in), int32 bias, float32 weight_scales")
    if layer.activation not in ACTIVATIONS:
        raise InputError(f"{where}: no activation {layer.activation!r}: use one of {', '.join(ACTIVATIONS)}")
    if any(float(np.float32(scale)) != scale for scale in (layer.input_scale, layer.output_scale)):
        raise InputError(f"{where}: input_scale and output_scale are not float32 values: round them first")
    edge = (layer.input_scale, layer.input_zero_point)
    if before and edge != (before.output_scale, before.output_zero_point):
        raise InputError(
            f"{where}: input scale and zero point differ from the output of the layer before: make them equal"
        )


def _narrow(values: Any, dtype: str) -> NDArray[Any]:
    """Convert the values of a field to its type; scales are float32 already."""
    return np.array(values, dtype) if np.dtype(dtype).kind == "f" else checked_cast(values, dtype, "field to write")


class _Writer:
    """Writer that adds buffers and tensors in the order of the layers, so that the bytes depend on nothing else."""

    def __init__(self) -> None:
        import flatbuffers
        import tflite

        self.builder = flatbuffers.Builder(1024)
        self.schema = tflite
        self.buffers = [self.table("Buffer")]  # buffer 0 is empty by convention: "not a constant"
        self.tensors: list[int] = []
        self.codes: dict[str, int] = {}

    def table(self, kind: str, **fields: int) -> int:
        getattr(self.schema, kind + "Start")(self.builder)
        for field, value in fields.items():
            getattr(self.schema, f"{kind}Add{field}")(self.builder, value)
        return int(getattr(self.schema, kind + "End")(self.builder))

    def array(self, values: Any, dtype: str) -> int:
        return int(self.builder.CreateNumpyVector(_narrow(values, dtype)))

    def offsets(self, items: Sequence[int]) -> int:
        self.builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            self.builder.PrependUOffsetTRelative(item)
        return int(self.builder.EndVector())

    def buffer(self, raw: bytes) -> int:
        """Add a constant and return its index, aligned to 16 bytes as tflite's own converter does."""
        self.builder.StartVector(1, len(raw), 16)
        self.builder.head -= len(raw)
        self.builder.Bytes[self.builder.head : self.builder.head + len(raw)] = raw
        self.buffers.append(self.table("Buffer", Data=self.builder.EndVector()))
        return len(self.buffers) - 1

    def tensor(self, name: str, kind: str, shape: Any, scales: Any, zero_points: Any, data: bytes = b"") -> int:
        """Add a tensor and return its index; a float tensor has no scales."""
        fields = {
            "Shape": self.array(shape, "<i4"),
            "Type": getattr(self.schema.TensorType, kind),
            "Buffer": self.buffer(data) if data else 0,
            "Name": self.builder.CreateString(name),
        }
        if kind != "FLOAT32":
            fields["Quantization"] = self.table(
                "QuantizationParameters",
                Scale=self.array(scales, "<f4"),
                ZeroPoint=self.array(zero_points, "<i8"),
            )
        self.tensors.append(self.table("Tensor", **fields))
        return len(self.tensors) - 1

    def layer(self, layer: FullyConnected, source: int) -> tuple[int, int]:
        """Add a layer that takes tensor `source`; return its operator and the index of its output."""
        name = re.sub(r"^layer \d+(?: \((.*)\))?$", r"\1", layer.name)
        scales, n_out = layer.weight_scales, len(layer.weights)
        zeros = np.zeros(scales.size, np.int64)
        raw = np.ascontiguousarray(layer.weights).tobytes()
        weights = self.tensor(name, "INT8", layer.weights.shape, scales, zeros + layer.weight_zero_point, raw)
        bias = self.bias(f"{name}/bias", layer)
        edge = ([layer.output_scale], [layer.output_zero_point])
        target = self.tensor(f"{name}/output", "INT8", (1, n_out), *edge)
        activation = getattr(self.schema.ActivationFunctionType, layer.activation)
        options = self.table("FullyConnectedOptions", FusedActivationFunction=activation)
        operator = self.operator(
            "FULLY_CONNECTED",
            [source, weights, bias],
            target,
            BuiltinOptionsType=self.schema.BuiltinOptions.FullyConnectedOptions,
            BuiltinOptions=options,
        )
        return operator, target

    def bias(self, name: str, layer: FullyConnected) -> int:
        """Add the bias of a layer and return its index, or -1 if it is left out."""
        with np.errstate(over="ignore"):  # the reader refuses the infinity
            products = np.float32(layer.input_scale) * layer.weight_scales
            error = np.abs(layer.input_scale * layer.weight_scales.astype(np.float64) - products).max(initial=0.0)
        if error > MAX_BIAS_SCALE_ERROR * layer.output_scale and not layer.bias.any():
            return -1
        zeros = np.zeros(products.size, np.int64)
        return self.tensor(name, "INT32", layer.bias.shape, products, zeros, layer.bias.astype("<i4").tobytes())

    def operator(self, kind: str, inputs: Sequence[int], output: int, **options: int) -> int:
        index = list(self.codes).index(kind) if kind in self.codes else len(self.codes)
        self.codes.setdefault(kind, getattr(self.schema.BuiltinOperator, kind))
        fields = {"OpcodeIndex": index} if index else {}
        return self.table(
            "Operator", **fields, Inputs=self.array(inputs, "<i4"), Outputs=self.array([output], "<i4"), **options
        )

    def edge(self, name: str, kind: str, n: int, scale: float, zero_point: int) -> int:
        """Add the tensor of the file's input or output and return its index."""
        tensor_type, above = EDGES[kind]
        return self.tensor(name, tensor_type, (1, n), [scale], [zero_point + above])

    def write(self, layers: Sequence[FullyConnected], input_type: str, output_type: str, description: str) -> bytes:
        operators: list[int] = []
        first, last = layers[0], layers[-1]
        given = first.weights.shape[1], first.input_scale, first.input_zero_point
        taken = last.weights.shape[0], last.output_scale, last.output_zero_point
        target = self.edge("input", input_type, *given)
        if input_type != "int8":
            target = self.edge("input/int8", "int8", *given)
            operators.append(self.operator("QUANTIZE", [0], target))
        for layer in layers:
            operator, target = self.layer(layer, target)
            operators.append(operator)
        if output_type != "int8":
            source, target = target, self.edge("output", output_type, *taken)
            kind = "DEQUANTIZE" if output_type == "float32" else "QUANTIZE"
            operators.append(self.operator(kind, [source], target))
        graph = self.table(
            "SubGraph",
            Tensors=self.offsets(self.tensors),
            Inputs=self.array([0], "<i4"),
            Outputs=self.array([target], "<i4"),
            Operators=self.offsets(operators),
        )
        codes = [
            self.table("OperatorCode", DeprecatedBuiltinCode=number, BuiltinCode=number, Version=_VERSIONS[kind])
            for kind, number in self.codes.items()
        ]
        model = self.table(
            "Model",
            Version=3,
            OperatorCodes=self.offsets(codes),
            Subgraphs=self.offsets([graph]),
            Description=self.builder.CreateString(description),
            Buffers=self.offsets(self.buffers),
        )
        self.builder.Finish(model, file_identifier=b"TFL3")
        return bytes(self.builder.Output())
