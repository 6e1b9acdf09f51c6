"""Levels: energies to logarithms with a floor, shared by the extractors that hear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomsdk.core import energy
from anomsdk.core.checks import require
from anomsdk.core.fixed import Ints

HIGHEST_LOG2 = 130
"""Largest binary logarithm of an energy, before its offset: 31 bits of mantissa, an exponent of at most
2 * (23 + 15) from segment and window, 2 from adding three segments, 9 from adding all bands, 12 from the hops."""


@dataclass(frozen=True, eq=False)
class LimitsPlan:
    """Limits of a level, log2 of power in q10 (1024 is 3.01 dB)."""

    floor_q10: int  # absolute: the level of silence
    range_q10: int  # below the loudest band of the same frame

    def check(self) -> None:
        """Refuse limits out of range."""
        require(-(1 << 20) <= self.floor_q10 <= 0, f"limits: floor_q10 is {self.floor_q10}, not -2**20 to 0")
        require(0 < self.range_q10 <= 1 << 20, f"limits: range_q10 is {self.range_q10}, not 1 to 2**20")


def floored(plan: LimitsPlan, mantissa: Ints, exponent: Ints, offset_q10: Ints | np.int64) -> Ints:
    """Compute logarithms of energies (..., n), at least the absolute floor; an energy of 0 gives the floor."""
    level = np.maximum(energy.log2(mantissa, exponent) + offset_q10, plan.floor_q10)
    return np.where(mantissa == 0, plan.floor_q10, level)


def limited(plan: LimitsPlan, level: Ints) -> Ints:
    """Raise levels (n, n_bands) that are further below the largest level of their frame than the range."""
    return np.maximum(level, level.max(axis=-1, keepdims=True) - plan.range_q10)
