"""FULLY_CONNECTED layers of a .tflite file, each refused unless the engines can run it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.autoencoder import MAX_LAYERS, MAX_MACS
from anomsdk.plans.tflite.container import AGAIN, QUANTISE, Container, Tensor, is_normal, names_of, read_only
from anomsdk.plans.tflite.model import ACTIVATIONS, MAX_BIAS_SCALE_ERROR, FullyConnected

_TYPE_ADVICE = {
    "FLOAT32": f"the model is float, not quantised: {QUANTISE}",
    "INT16": "the 16x8 scheme does not run here: quantise with int8 activations",
    "UINT8": "that is the legacy scheme: convert again to int8",
    "INT4": "4-bit weights do not run here: quantise with int8 weights",
}


class LayerReader(Container):
    """Reads one layer after the other, and counts their multiply-accumulates."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data, name)
        self.layers: list[FullyConnected] = []
        self.macs = 0

    def layer(self, operator: Any, inputs: tuple[int, ...], source: Tensor, target: Tensor) -> FullyConnected:
        """Read the layer of an operator that takes ``source`` and gives ``target``."""
        self.need(len(inputs) in (2, 3), f"it has {len(inputs)} inputs, not 2 or 3: {AGAIN}")
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
        self.need(is_normal(products), f"input scale times weight scale is no normal float32: {QUANTISE}")
        bias = np.zeros(target.count, np.int32)
        if len(inputs) == 3 and inputs[2] != -1:
            bias = self.bias(self.tensor(inputs[2]), products, target)
        return FullyConnected(
            name=name,
            weights=values,
            bias=read_only(bias),
            input_scale=input_scale,
            input_zero_point=input_zero_point,
            weight_scales=read_only(weights.scales),
            weight_zero_point=int(weights.zero_points[0]),
            output_scale=output_scale,
            output_zero_point=output_zero_point,
            activation=activation,
        )

    def fused_activation(self, operator: Any) -> str:
        """Return the name of the activation that an operator applies to its outputs."""
        unions = self.schema.BuiltinOptions
        kind, table = operator.BuiltinOptionsType(), operator.BuiltinOptions()
        if kind == unions.NONE or table is None:
            return "NONE"  # tflite's default
        self.need(kind == unions.FullyConnectedOptions, f"its options belong to another operator: {AGAIN}")
        options = self.schema.FullyConnectedOptions()
        options.Init(table.Bytes, table.Pos)
        default = options.WeightsFormat() == self.schema.FullyConnectedOptionsWeightsFormat.DEFAULT
        self.need(default, f"its weights are shuffled (weights_format is not DEFAULT): {AGAIN}")
        number = options.FusedActivationFunction()
        activation = names_of(self.schema.ActivationFunctionType).get(number, str(number))
        message = f"the fused activation {activation} does not run here: use one of {', '.join(ACTIVATIONS)}"
        self.need(activation in ACTIVATIONS, message)
        return activation

    def check_types(self, source: Tensor, weights: Tensor, target: Tensor) -> None:
        """Refuse any type but int8."""
        hybrid = source.type == "FLOAT32" and weights.type in ("INT8", "UINT8", "INT4")
        self.need(not hybrid, f"a hybrid ({weights.type.lower()} weights, float activations): {QUANTISE}")
        for role, tensor in (("input is", source), ("weights are", weights), ("output is", target)):
            advice = _TYPE_ADVICE.get(tensor.type, QUANTISE)
            self.need(tensor.type == "INT8", f"the {role} {tensor.type.lower()}, not int8: {advice}")

    def check_scales(self, tensor: Tensor, channels: int) -> None:
        """Refuse a tensor without one scale or one for each channel, or with a scale that is no normal number."""
        n, n_zero_points = tensor.scales.size, tensor.zero_points.size
        self.need(n, f"{tensor.name} has no quantisation: {QUANTISE}")
        wanted = "1" if channels == 1 else f"1 or {channels}"
        self.need(n in (1, channels), f"{tensor.name} has {n} scales where {wanted} belong: {AGAIN}")
        self.need(n == n_zero_points, f"{tensor.name} has {n} scales, {n_zero_points} zero points: {AGAIN}")
        along_outputs = n == 1 or tensor.dimension == 0
        self.need(along_outputs, f"{tensor.name} has scales along its inputs (quantized_dimension): {AGAIN}")
        normal = is_normal(tensor.scales)
        self.need(normal, f"{tensor.name} has a scale that is no positive normal number: {QUANTISE}")

    def per_tensor(self, tensor: Tensor) -> tuple[float, int]:
        """Return scale and zero point of a tensor that has one of each."""
        self.check_scales(tensor, 1)
        zero_point = int(tensor.zero_points[0])
        message = f"{tensor.name} has the zero point {zero_point}, outside [-128, 127]: {QUANTISE}"
        self.need(-128 <= zero_point <= 127, message)
        return float(tensor.scales[0]), zero_point

    def weights(self, tensor: Tensor, n_in: int, n_out: int) -> NDArray[np.int8]:
        """Read the weights (n_out, n_in), checked against the limits of a model."""
        shape = list(tensor.shape)
        self.need(len(shape) == 2, f"the weights have the shape {shape}, not (outputs, inputs): {AGAIN}")
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

    def bias(self, tensor: Tensor, products: NDArray[np.float64], target: Tensor) -> NDArray[np.int32]:
        """Read the bias (n_out,), whose scales must be the products of input scale and weight scales."""
        what, n_out = f"the bias {tensor.name}", target.count
        self.need(tensor.type == "INT32", f"{what} is {tensor.type.lower()}, not int32: {QUANTISE}")
        shape = list(tensor.shape)
        self.need(shape == [n_out], f"{what} has the shape {shape}, not [{n_out}]: {AGAIN}")
        self.check_scales(tensor, n_out)
        self.need(not tensor.zero_points.any(), f"{what} has a zero point that is not 0: {QUANTISE}")
        # tflite checks this per tensor only, but a wrong scale per channel also means a wrong bias.
        error = np.abs(products - tensor.scales).max() / float(target.scales[0])
        same = error <= MAX_BIAS_SCALE_ERROR
        self.need(same, f"{what} has a scale other than input scale times weight scale: {QUANTISE}")
        return self.constant(tensor, "<i4")

    def constant(self, tensor: Tensor, dtype: str) -> NDArray[Any]:
        """Copy a constant to native byte order; the caller has bounded its shape."""
        n_bytes = tensor.count * np.dtype(dtype).itemsize
        size = tensor.data.size
        self.need(size, f"{tensor.name} is not a constant: freeze the weights and {AGAIN}")
        self.need(size == n_bytes, f"{tensor.name} has {size} bytes, but its shape needs {n_bytes}: {AGAIN}")
        values = np.frombuffer(tensor.data.tobytes(), dtype).reshape(tensor.shape)
        return read_only(values.astype(values.dtype.newbyteorder("=")))
