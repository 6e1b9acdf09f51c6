"""Rows of motion by axis, each axis one run of memory, in which numpy finds extremes fastest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Values of some rows by axis, and the extremes of each axis.

    Parameters
    ----------
    values : float64 (axes, n)
    low, high : float64 (axes,), least and greatest value of each axis; NaN where one is NaN
    """

    values: Values
    low: Values
    high: Values

    @classmethod
    def of(cls, rows: NDArray[Any]) -> Columns:
        """Take rows, (n, axes) of any numbers, n >= 1; rows that are stored by columns are not copied."""
        values = rows.T.astype(np.float64, order="C", copy=False)
        return cls(values, values.min(axis=1), values.max(axis=1))

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.values.shape[1]


def by_columns(n: int, axes: int) -> Values:
    """Make an array for n rows, float64 (n, axes), that is stored by columns."""
    return np.empty((axes, n)).T
