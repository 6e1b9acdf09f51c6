"""Post-training quantisation of a ReLU autoencoder to int8 FULLY_CONNECTED layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.tflite_file import FullyConnected

Floats: TypeAlias = NDArray[np.floating[Any]]

_SIGNIFICANT = 12
"""Bits of a scale's mantissa: so few that float32 and float64 products of two scales are the same number."""


def short_scale(scale: float) -> float:
    """A scale rounded up to 12 significant bits: exact in float32, and so are its products."""
    mantissa, exponent = np.frexp(scale)
    return float(np.ldexp(np.ceil(mantissa * 2**_SIGNIFICANT), exponent - _SIGNIFICANT))


def quantise(
    weights: Sequence[Floats], biases: Sequence[Floats], inputs: Floats, input_scale: float
) -> list[FullyConnected]:
    """Int8 layers of a network with ReLU between its layers and none after the last.

    Weights are symmetric per output; a hidden layer's range is [0, largest activation on ``inputs``], with
    zero point -127 so that its values stay within +-127; the output has the input's scale and zero point 0.

    Parameters
    ----------
    weights : one (n_in, n_out) a layer
    biases : one (n_out,) a layer
    inputs : (n, n_in), real values that the network sees in use
    input_scale : real value of one int8 step of the input (and the output)
    """
    layers = []
    scale, zero_point, values = short_scale(input_scale), 0, inputs
    for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        last = index == len(weights) - 1
        values = values @ weight + bias
        if not last:
            values = np.maximum(values, 0)
        out_scale = short_scale(input_scale) if last else short_scale(max(float(values.max()), 1e-3) / 254)
        weight_scales = np.array([short_scale(max(float(w), 1e-6) / 127) for w in np.abs(weight).max(axis=0)])
        layers.append(
            FullyConnected(
                name=f"layer {index + 1}",
                weights=np.clip(np.rint(weight / weight_scales), -127, 127).T.astype(np.int8),
                bias=np.rint(bias / (scale * weight_scales)).astype(np.int32),
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
