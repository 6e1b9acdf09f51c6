"""Writer of .tflite files that hold one chain of int8 FULLY_CONNECTED layers: what `anomsdk.tflite_file` reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast
from anomsdk.errors import InputError
from anomsdk.tflite_file import ACTIVATIONS, FullyConnected, parse_tflite


def write_tflite(layers: Sequence[FullyConnected], *, description: str = "anomsdk") -> bytes:
    """Build a .tflite file of int8 FULLY_CONNECTED layers, int8 at both edges.

    The same layers give the same bytes. Two or more `weight_scales` are written per channel.

    Parameters
    ----------
    layers : sequence of FullyConnected
        In the order in which they run; the output scale and zero point of each are the next one's input.
        Scales are float32 values. The name "layer 3 (x)" is written as "x" and read again as "layer 3 (x)".
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
    >>> from anomsdk.tflite_file import FullyConnected, parse_tflite
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
    data = _Writer().write(layers, description)
    parse_tflite(data, name="layers to write")
    return data


def _check_layer(layer: FullyConnected, where: str, before: FullyConnected | None) -> None:
    """Refuse what the file cannot store as it is; the other rules are the reader's."""
    arrays = ((layer.weights, np.int8, 2), (layer.bias, np.int32, 1), (layer.weight_scales, np.float32, 1))
    if any(values.dtype != dtype or values.ndim != rank for values, dtype, rank in arrays):
        raise InputError(f"{where}: give int8 weights (n_out, n_in), int32 bias, float32 weight_scales")
    if layer.activation not in ACTIVATIONS:
        raise InputError(f"{where}: no activation {layer.activation!r}: use one of {', '.join(ACTIVATIONS)}")
    if any(float(np.float32(scale)) != scale for scale in (layer.input_scale, layer.output_scale)):
        raise InputError(f"{where}: input_scale and output_scale are not float32 values: round them first")
    edge = (layer.input_scale, layer.input_zero_point)
    if before and edge != (before.output_scale, before.output_zero_point):
        raise InputError(f"{where}: input scale and zero point differ from the output of the layer before")


def _narrow(values: Any, dtype: str) -> NDArray[Any]:
    """Values of a field; scales are float32 already."""
    return np.array(values, dtype) if np.dtype(dtype).kind == "f" else checked_cast(values, dtype, "field to write")


class _Writer:
    """Adds buffers and tensors in the order of the layers, so that the bytes depend on nothing else."""

    def __init__(self) -> None:
        import flatbuffers
        import tflite

        self.builder = flatbuffers.Builder(1024)
        self.schema = tflite
        self.buffers = [self.table("Buffer")]  # buffer 0 is empty by convention: "not a constant"
        self.tensors: list[int] = []

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
        """Add a tensor and return its index."""
        fields = {
            "Shape": self.array(shape, "<i4"),
            "Type": getattr(self.schema.TensorType, kind),
            "Buffer": self.buffer(data) if data else 0,
            "Name": self.builder.CreateString(name),
            "Quantization": self.table(
                "QuantizationParameters",
                Scale=self.array(scales, "<f4"),
                ZeroPoint=self.array(zero_points, "<i8"),
            ),
        }
        self.tensors.append(self.table("Tensor", **fields))
        return len(self.tensors) - 1

    def layer(self, layer: FullyConnected, source: int) -> tuple[int, int]:
        """Add a layer that takes tensor `source`; return its operator and the index of its output."""
        name = re.sub(r"^layer \d+(?: \((.*)\))?$", r"\1", layer.name)
        scales, n_out = layer.weight_scales, len(layer.weights)
        zeros = np.zeros(scales.size, np.int64)
        raw = np.ascontiguousarray(layer.weights).tobytes()
        weights = self.tensor(name, "INT8", layer.weights.shape, scales, zeros + layer.weight_zero_point, raw)
        raw = layer.bias.astype("<i4").tobytes()
        with np.errstate(over="ignore"):  # the reader refuses the infinity
            products = np.float32(layer.input_scale) * scales
        bias = self.tensor(f"{name}/bias", "INT32", layer.bias.shape, products, zeros, raw)
        edge = ([layer.output_scale], [layer.output_zero_point])
        target = self.tensor(f"{name}/output", "INT8", (1, n_out), *edge)
        activation = getattr(self.schema.ActivationFunctionType, layer.activation)
        options = self.table("FullyConnectedOptions", FusedActivationFunction=activation)
        operator = self.table(
            "Operator",
            Inputs=self.array([source, weights, bias], "<i4"),
            Outputs=self.array([target], "<i4"),
            BuiltinOptionsType=self.schema.BuiltinOptions.FullyConnectedOptions,
            BuiltinOptions=options,
        )
        return operator, target

    def write(self, layers: Sequence[FullyConnected], description: str) -> bytes:
        operators: list[int] = []
        target = 0
        for layer in layers:
            if not operators:
                shape = (1, layer.weights.shape[1])
                target = self.tensor("input", "INT8", shape, [layer.input_scale], [layer.input_zero_point])
            operator, target = self.layer(layer, target)
            operators.append(operator)
        graph = self.table(
            "SubGraph",
            Tensors=self.offsets(self.tensors),
            Inputs=self.array([0], "<i4"),
            Outputs=self.array([target], "<i4"),
            Operators=self.offsets(operators),
        )
        number = self.schema.BuiltinOperator.FULLY_CONNECTED
        # Version 4 of the operator brought int8.
        code = self.table("OperatorCode", DeprecatedBuiltinCode=number, BuiltinCode=number, Version=4)
        model = self.table(
            "Model",
            Version=3,
            OperatorCodes=self.offsets([code]),
            Subgraphs=self.offsets([graph]),
            Description=self.builder.CreateString(description),
            Buffers=self.offsets(self.buffers),
        )
        self.builder.Finish(model, file_identifier=b"TFL3")
        return bytes(self.builder.Output())
