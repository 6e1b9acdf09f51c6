"""Affine map: integers in a feature's own unit to int8, one gain and bias for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require, require_array
from anomsdk.core.fixed import INT32_MAX, Ints, affine_int8


@dataclass(frozen=True, eq=False)
class AffinePlan:
    """``clip((value * gain + bias) >> shift, low, high)``."""

    gain: NDArray[np.int32]  # (n,), 0 to 2**31 - 1
    bias: NDArray[np.int32]  # (n,), with one half for rounding
    shift: NDArray[np.uint8]  # (n,), 1 to 31
    low: int  # -128 <= low < high <= 127
    high: int

    def check(self, n: int, smallest: Ints, largest: Ints, what: str) -> None:
        """Prove the 32-bit bound for values from smallest to largest, both (n,)."""
        require_array(self.gain, "<i4", (n,), f"{what}: gain")
        require_array(self.bias, "<i4", (n,), f"{what}: bias")
        require_array(self.shift, "u1", (n,), f"{what}: shift")
        require((self.shift >= 1).all() and (self.shift <= 31).all(), f"{what}: a shift is not 1 to 31")
        require((self.gain >= 0).all(), f"{what}: a gain is negative")
        require(-128 <= self.low < self.high <= 127, f"{what}: int8 range {self.low} to {self.high}")
        reach = np.maximum(np.abs(smallest), np.abs(largest))
        worst = reach * self.gain + np.abs(self.bias.astype(np.int64))
        require((reach <= INT32_MAX).all(), f"{what}: feature {int(np.argmax(reach))} can leave 32 bits")
        require(
            (worst <= INT32_MAX).all(),
            f"{what}: the product of feature {int(np.argmax(worst))} can leave 32 bits",
        )


class Affine:
    """Affine map of an `AffinePlan`, ready to apply."""

    def __init__(self, plan: AffinePlan) -> None:
        self._gain, self._bias, self._shift = (a.astype(np.int64) for a in (plan.gain, plan.bias, plan.shift))
        self._low, self._high = plan.low, plan.high

    def run(self, values: Ints) -> Ints:
        """Map values (..., n) to int8 range; the result is int64."""
        return affine_int8(values, self._gain, self._bias, self._shift, self._low, self._high)
