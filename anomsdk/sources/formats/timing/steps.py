"""Steps of time from row to row of a block, computed once for all who look for repetitions, settings and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Steps from each row to the next, the first one from the row before the block.

    Parameters
    ----------
    before : stamp of the row before the block, seconds
    seconds : float64 (n,), stamp of each row less that of the row before it
    low, high : shortest and longest step, seconds; NaN where a stamp is NaN
    """

    before: float
    seconds: Values
    low: float
    high: float

    @classmethod
    def of(cls, stamps: Values, before: float) -> Steps:
        """Take the stamps of a block, float64 (n,), n >= 1, in seconds.

        Examples
        --------
        >>> steps = Steps.of(np.array([1.0, 2.0, 2.5]), 0.5)
        >>> steps.seconds.tolist(), steps.low, steps.high
        ([0.5, 1.0, 0.5], 0.5, 1.0)
        """
        seconds = np.empty(len(stamps))
        seconds[0] = stamps[0] - before
        np.subtract(stamps[1:], stamps[:-1], out=seconds[1:])
        return cls(before, seconds, float(seconds.min()), float(seconds.max()))

    @property
    def rise(self) -> bool:
        """Tell whether each stamp is later than the one before it."""
        return self.low > 0
