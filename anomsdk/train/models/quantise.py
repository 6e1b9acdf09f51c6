"""Post-training quantisation of a network to int8 FULLY_CONNECTED layers."""

from __future__ import annotations

import numpy as np

from anomsdk.core.checks import checked_cast
from anomsdk.plans.tflite.model import FullyConnected
from anomsdk.train.models.network import Dense, Floats, Network

_SIGNIFICANT = 12
"""Bits of the mantissa of a scale: few enough that float32 and float64 products of two scales are equal."""
_MOST = 2.0**29
"""Largest bias, and half of the largest scaled sum: the products of a layer of any width then fit into 32 bits, too."""
_SHARES = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.25)
"""Shares of the largest activation that are tried as the end of a hidden layer's range."""


def short_scale(scale: float) -> float:
    """Round a scale up to 12 significant bits, so that it and its products are exact in float32."""
    mantissa, exponent = np.frexp(scale)
    return float(np.ldexp(np.ceil(mantissa * 2**_SIGNIFICANT), exponent - _SIGNIFICANT))


def quantise(network: Network, inputs: Floats, input_scale: float) -> list[FullyConnected]:
    """Quantise a network whose last layer is linear to int8 layers.

    Weights are symmetric, with one scale for each output. The range of a hidden layer begins at 0, with zero point
    -127, so that values stay within +-127; a linear hidden layer is lifted into such a range. The range ends at the
    ceiling of the layer, or where the mean squared error on ``inputs`` is least: a few saturated values cost less than
    coarse steps for all. The output has the scale of the input and zero point 0.

    Parameters
    ----------
    network : trained network
    inputs : (n, n_in), typical real values of its input
    input_scale : real value of one int8 step of the input and the output
    """
    network = _lifted(network, inputs)
    layers = []
    scale, zero_point, values = short_scale(input_scale), 0, inputs
    for index, layer in enumerate(network.layers):
        last = index == len(network.layers) - 1
        values = layer.run(values)
        end = _range_end(values) if layer.ceiling is None else layer.ceiling
        weight_scales = _weight_scales(layer, scale)
        weights = checked_cast(np.rint(layer.weight / weight_scales).T, "i1", f"layer {index + 1}: weights")
        bias = checked_cast(np.rint(layer.bias / (scale * weight_scales)), "i4", f"layer {index + 1}: bias")
        worst = np.abs(weights.astype(np.int64)).sum(axis=1) * 255 + np.abs(bias.astype(np.int64))
        # No finer than the step with which the largest sum still fits into 32 bits.
        finest = float((worst * weight_scales).max()) * scale / _MOST
        out_scale = short_scale(input_scale if last else max(max(end, 1e-3) / 254, finest))
        layers.append(
            FullyConnected(
                name=f"layer {index + 1}",
                weights=weights,
                bias=bias,
                input_scale=scale,
                input_zero_point=zero_point,
                weight_scales=weight_scales.astype(np.float32),
                weight_zero_point=0,
                output_scale=out_scale,
                output_zero_point=0 if last else -127,
                activation="NONE" if last else "RELU",
            )
        )
        scale, zero_point = out_scale, 0 if last else -127
    return layers


def _weight_scales(layer: Dense, scale: float) -> Floats:
    """Compute the weight scale of each output: its largest weight becomes 127, unless the bias would exceed `_MOST`."""
    largest, bias = np.abs(layer.weight).max(axis=0), np.abs(layer.bias)
    needed = np.maximum(np.maximum(largest, 1e-6) / 127, bias / (scale * _MOST))
    return np.array([short_scale(float(each)) for each in needed])


def _range_end(values: Floats, *, signed: bool = False) -> float:
    """Find the end of the range with the least squared error of quantised values; it begins at 0, or is around 0."""
    largest = float(np.abs(values).max())
    steps = 127 if signed else 254

    def error(end: float) -> float:
        step = max(end, 1e-9) / steps
        return float(np.mean((np.clip(np.rint(values / step), -steps if signed else 0, steps) * step - values) ** 2))

    return min((share * largest for share in _SHARES), key=error)


def _lifted(network: Network, inputs: Floats) -> Network:
    """Turn linear hidden layers into ReLU layers: values are lifted above 0, and the next layer subtracts the lift."""
    layers: list[Dense] = []
    lift = np.zeros(inputs.shape[1])
    values = inputs
    for index, layer in enumerate(network.layers):
        values = layer.run(values)
        bias = layer.bias - lift @ layer.weight
        hidden = index < len(network.layers) - 1
        lift = np.zeros(len(bias))
        if hidden and not layer.relu:
            lift += _range_end(values, signed=True)
        layers.append(Dense(layer.weight, bias + lift, relu=hidden, ceiling=layer.ceiling))
    return Network(tuple(layers))
