"""Layers of the model as the integers that TensorFlow Lite's reference kernels derive from a file."""

from __future__ import annotations

import math

import numpy as np

from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.checks import checked_cast, require
from anomsdk.core.plan import EdgePlan, ModelPlan
from anomsdk.plans.tflite.model import FullyConnected, TfliteModel


def layer_plan(layer: FullyConnected) -> LayerPlan:
    """Plan the integers of a layer as TensorFlow Lite 2.14's reference kernel derives them.

    The multiplier comes from the float32 product of input and weight scale where the weights have one
    scale, from the float64 product where each output has its own (`GetQuantizedConvolutionMultipler`,
    `PopulateConvolutionQuantizationParams`).
    """
    scales = layer.weight_scales
    if len(scales) == 1:
        product = [float(np.float32(layer.input_scale) * scales[0])]
    else:
        product = [layer.input_scale * float(scale) for scale in scales]
    pairs = [quantize_multiplier(p / layer.output_scale) for p in product]
    low, high = _activation_range(layer)
    return LayerPlan(
        weights=layer.weights,
        bias=layer.bias,
        multiplier=checked_cast([mantissa for mantissa, _ in pairs], "i4", f"{layer.name}: multiplier"),
        shift=checked_cast([shift for _, shift in pairs], "i1", f"{layer.name}: shift"),
        input_zero_point=layer.input_zero_point,
        weight_zero_point=layer.weight_zero_point,
        output_zero_point=layer.output_zero_point,
        act_low=low,
        act_high=high,
    )


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Write ``real`` as ``mantissa * 2**(shift - 31)``. Source: TensorFlow Lite `QuantizeMultiplier`."""
    fraction, shift = math.frexp(real)
    mantissa = math.floor(fraction * 2**31 + 0.5)
    if mantissa == 2**31:
        mantissa, shift = 2**30, shift + 1
    if shift < -31:
        return 0, 0
    require(shift <= 30, f"model: a scale ratio of {real:g} is beyond what 32 bits can hold; quantise it again")
    return mantissa, shift


def _activation_range(layer: FullyConnected) -> tuple[int, int]:
    """Return the int8 range of a fused activation. Source: TensorFlow Lite `CalculateActivationRangeQuantized`."""
    ends = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
    low, high = ends[layer.activation]

    def quantized(real: float) -> int:
        ratio = float(np.float32(real) / np.float32(max(layer.output_scale, 2.0**-20)))  # beyond int8 either way
        return layer.output_zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))

    act_low = -128 if low is None else max(-128, quantized(low))
    act_high = 127 if high is None else min(127, quantized(high))
    require(act_low <= act_high, f"{layer.name}: its {layer.activation} leaves no value of int8; quantise it again")
    return act_low, act_high


def model_plan(model: TfliteModel) -> ModelPlan:
    """Describe the model file for engine tflite: hash, and type, scale and zero point of its input and output."""

    def edge(kind: str, scale: float, zero_point: int) -> EdgePlan:
        return EdgePlan(kind, zero_point, int(np.array(scale, "<f4").view("<u4")))

    first, last = model.layers[0], model.layers[-1]
    return ModelPlan(
        model.sha256,
        edge(model.input_type, first.input_scale, first.input_zero_point),
        edge(model.output_type, last.output_scale, last.output_zero_point),
    )
