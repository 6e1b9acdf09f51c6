"""Autoencoder: int8 FULLY_CONNECTED layers with TensorFlow Lite's integer arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require, require_array
from anomsdk.core.fixed import INT32_MAX, Ints, multiply_by_quantized_multiplier

MAX_WIDTH = 4096
MAX_LAYERS = 64
MAX_MACS = 8 << 20


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """One layer: ``out = clip(round((sum (x - zx)(w - zw) + bias) * M) + zo, act_low, act_high)``."""

    weights: NDArray[np.int8]  # (n_out, n_in)
    bias: NDArray[np.int32]  # (n_out,)
    multiplier: NDArray[np.int32]  # (1,) or (n_out,): q31 mantissa of M, 0 or 2**30 to 2**31 - 1
    shift: NDArray[np.int8]  # as multiplier: M = multiplier * 2**(shift - 31)
    input_zero_point: int
    weight_zero_point: int
    output_zero_point: int
    act_low: int  # range of the outputs, and so of the next layer's inputs
    act_high: int

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.weights.shape[1]

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return self.weights.shape[0]

    def check(self, low: int, high: int, what: str) -> None:
        """Prove the 32-bit bound of the accumulator for inputs from low to high."""
        require(self.weights.ndim == 2, f"{what}: weights have {self.weights.ndim} dimensions, not 2")
        require(
            1 <= self.n_in <= MAX_WIDTH and 1 <= self.n_out <= MAX_WIDTH,
            f"{what}: {self.n_in} x {self.n_out} weights, not 1 to {MAX_WIDTH} each way",
        )
        require_array(self.weights, "i1", (self.n_out, self.n_in), f"{what}: weights")
        require_array(self.bias, "<i4", (self.n_out,), f"{what}: bias")
        n = len(self.multiplier)
        require(n in (1, self.n_out), f"{what}: {n} multipliers for {self.n_out} outputs")
        require_array(self.multiplier, "<i4", (n,), f"{what}: multiplier")
        require_array(self.shift, "i1", (n,), f"{what}: shift")
        for zero_point in (self.input_zero_point, self.weight_zero_point, self.output_zero_point):
            require(-128 <= zero_point <= 127, f"{what}: a zero point of {zero_point} is not int8")
        require(
            -128 <= self.act_low <= self.act_high <= 127,
            f"{what}: output range {self.act_low} to {self.act_high} is not in int8",
        )
        mantissa, shift = self.multiplier.astype(np.int64), self.shift.astype(np.int64)
        require(
            ((mantissa == 0) | (mantissa >= 1 << 30)).all() and (mantissa <= INT32_MAX).all(),
            f"{what}: a multiplier is not normalised",
        )
        require((shift >= -31).all() and (shift <= 30).all(), f"{what}: a shift is not -31 to 30")
        weights = np.abs(self.weights.astype(np.int64) - self.weight_zero_point).sum(axis=1)
        reach = max(abs(low - self.input_zero_point), abs(high - self.input_zero_point))
        worst = weights * reach + np.abs(self.bias.astype(np.int64))
        require(
            (worst <= INT32_MAX).all(),
            f"{what}: the accumulator of output {int(np.argmax(worst))} can reach {worst.max()}, beyond 32 bits",
        )
        # A left shift comes before the multiplication and the zero point after it: both are part of the bound.
        shifted = (worst << np.maximum(shift, 0)) + 128
        require(
            (shifted <= INT32_MAX).all(),
            f"{what}: output {int(np.argmax(shifted))} leaves 32 bits once shifted left by {shift.max()}",
        )


def check_layers(layers: tuple[LayerPlan, ...]) -> None:
    """Prove every layer, for any int8 input to the first."""
    require(1 <= len(layers) <= MAX_LAYERS, f"autoencoder: {len(layers)} layers, not 1 to {MAX_LAYERS}")
    macs = sum(layer.weights.size for layer in layers)
    require(macs <= MAX_MACS, f"autoencoder: {macs} multiply-accumulates, more than {MAX_MACS}")
    low, high = -128, 127
    for index, layer in enumerate(layers):
        layer.check(low, high, f"autoencoder: layer {index}")
        low, high = layer.act_low, layer.act_high
    for index, (one, next_one) in enumerate(pairwise(layers)):
        require(
            one.n_out == next_one.n_in,
            f"autoencoder: layer {index} gives {one.n_out} values, layer {index + 1} takes {next_one.n_in}",
        )
        require(
            one.output_zero_point == next_one.input_zero_point,
            f"autoencoder: layer {index} ends on another zero point than layer {index + 1} begins with",
        )


class Autoencoder:
    """Model stage in numpy, layer by layer: its readable contract."""

    def __init__(self, layers: tuple[LayerPlan, ...]) -> None:
        self._layers = [_Layer(layer) for layer in layers]

    def run(self, inputs: Ints) -> Ints:
        """Compute the outputs of the last layer.

        Parameters
        ----------
        inputs : int64 (n, n_in), any int8 values

        Returns
        -------
        int64 (n, n_out) in int8 range
        """
        values = inputs
        for layer in self._layers:
            values = layer.run(values)
        return values


class _Layer:
    def __init__(self, plan: LayerPlan) -> None:
        self._plan = plan
        # Sums of products of integers below 2**53 are exact in float64, in any order: this is the integer
        # product, computed by BLAS because numpy has no fast one for integers.
        self._weights = (plan.weights.astype(np.int64) - plan.weight_zero_point).T.astype(np.float64)
        self._bias = plan.bias.astype(np.int64)
        self._multiplier = plan.multiplier.astype(np.int64)
        self._shift = plan.shift.astype(np.int64)

    def run(self, inputs: Ints) -> Ints:
        plan = self._plan
        centred = (inputs - plan.input_zero_point).astype(np.float64)
        accumulator = (centred @ self._weights).astype(np.int64) + self._bias
        scaled = multiply_by_quantized_multiplier(accumulator, self._multiplier, self._shift)
        return np.clip(scaled + plan.output_zero_point, plan.act_low, plan.act_high)
