"""Post-training quantisation of a network to int8 FULLY_CONNECTED layers."""

from __future__ import annotations

import numpy as np

from anomsdk.core.checks import checked_cast
from anomsdk.plans.tflite.reader import FullyConnected
from anomsdk.train.models.network import Dense, Floats, Network

_SIGNIFICANT = 12
"""Bits of a scale's mantissa: so few that float32 and float64 products of two scales are the same number."""
_MOST = 2.0**29
"""Largest bias, and half of the largest scaled sum: the weights of a layer of any width fit beside it in 32 bits."""
_SHARES = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.25)
"""Parts of the largest activation that are tried as a hidden layer's range."""


def short_scale(scale: float) -> float:
    """A scale rounded up to 12 significant bits: exact in float32, and so are its products."""
    mantissa, exponent = np.frexp(scale)
    return float(np.ldexp(np.ceil(mantissa * 2**_SIGNIFICANT), exponent - _SIGNIFICANT))


def quantise(network: Network, inputs: Floats, input_scale: float) -> list[FullyConnected]:
    """Int8 layers of a network whose last layer is linear.

    Weights are symmetric per output. A hidden layer's range begins at 0, with zero point -127 so that its values
    stay within +-127; a linear one is moved up into such a range. It ends where the mean squared error on
    ``inputs`` is least (a few that saturate cost less than coarse steps for all), or at its ceiling. The output
    has the input's scale and zero point 0.

    Parameters
    ----------
    network : as trained
    inputs : (n, n_in), real values that the network sees in use
    input_scale : real value of one int8 step of the input (and the output)
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
        # No finer than what the largest sum, scaled to it, still has room for in 32 bits.
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
    """Scale of the weights of each output: their largest is 127, unless the bias would not fit into `_MOST` then."""
    largest, bias = np.abs(layer.weight).max(axis=0), np.abs(layer.bias)
    needed = np.maximum(np.maximum(largest, 1e-6) / 127, bias / (scale * _MOST))
    return np.array([short_scale(float(each)) for each in needed])


def _range_end(values: Floats, *, signed: bool = False) -> float:
    """End of the range from 0, or around 0, that quantises values with the least squared error."""
    largest = float(np.abs(values).max())
    steps = 127 if signed else 254

    def error(end: float) -> float:
        step = max(end, 1e-9) / steps
        return float(np.mean((np.clip(np.rint(values / step), -steps if signed else 0, steps) * step - values) ** 2))

    return min((share * largest for share in _SHARES), key=error)


def _lifted(network: Network, inputs: Floats) -> Network:
    """Linear hidden layers as ReLU layers: each value is lifted above 0, and the next layer takes that back."""
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
