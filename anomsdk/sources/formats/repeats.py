"""Rows that come twice, time and values: a logger that writes a row again, a radio that sends a packet again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Digests = NDArray[np.uint64]

_LEAST_ROWS = 4
_MEMORY_ROWS = 512
"""Rows back to which a repetition is found."""


def digests(rows: NDArray[Any]) -> Digests:
    """A number for each row (n, axes) that tells it from others; nothing of the signal can be read from it.

    Examples
    --------
    >>> found = digests(np.array([[0.5, 1.0], [1.0, 0.5], [0.5, 1.0]]))
    >>> found[0] == found[2], found[0] == found[1]
    (True, False)
    """
    bits = np.ascontiguousarray(rows, np.float64).view(np.uint64)
    found = np.zeros(len(bits), np.uint64)
    for column in bits.T:
        found = (found ^ column) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return found


def packets_again(stamps: Values, found: Digests, rows: int) -> int:
    """Packets of so many rows that come once more right behind themselves, under their own stamp.

    Parameters
    ----------
    stamps, found : as of `Repeats.keep`
    rows : of a packet; fewer than four, or such as hardly differ, tell nothing

    Examples
    --------
    >>> packets_again(np.repeat([0.0, 1.0], [8, 4]), np.array([5, 6, 7, 8, 5, 6, 7, 8, 1, 2, 3, 4], np.uint64), 4)
    1
    """
    if rows < _LEAST_ROWS or len(stamps) < 2 * rows:
        return 0
    same = np.append(False, (stamps[rows:] == stamps[:-rows]) & (found[rows:] == found[:-rows]))
    edges = np.flatnonzero(np.diff(np.append(same, False)))
    n = 0
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - begin >= rows and 2 * len(np.unique(found[begin : begin + rows])) >= rows:
            n += (end - begin) // rows
    return n


class Repeats:
    """Finds rows that repeat earlier ones, block by block; however the rows are cut into blocks, these are the same."""

    def __init__(self) -> None:
        self._stamps: Values = np.zeros(0)
        self._digests: Digests = np.zeros(0, np.uint64)
        self._lag = self._left = 0  # a repetition that goes on: how far back, and of how many rows more

    def keep(self, stamps: Values, found: Digests) -> NDArray[np.bool_]:
        """Which of the next rows are no repetitions.

        Parameters
        ----------
        stamps : float64 (n,), as they are stored
        found : uint64 (n,), `digests` of the rows
        """
        done = len(self._stamps)
        stamps, found = np.concatenate([self._stamps, stamps]), np.concatenate([self._digests, found])
        kept = np.ones(len(stamps), np.bool_)
        row = self._passed(stamps, found, kept, done)
        for at in (np.flatnonzero(np.diff(stamps) <= 0) + 1).tolist():
            if at < row:
                continue
            first = max(0, at - _MEMORY_ROWS)
            same = np.flatnonzero((stamps[first:at] == stamps[at]) & (found[first:at] == found[at]))
            if len(same):
                self._lag = self._left = at - first - int(same[-1])
                row = self._passed(stamps, found, kept, at)
        self._stamps, self._digests = stamps[-_MEMORY_ROWS:].copy(), found[-_MEMORY_ROWS:].copy()
        return kept[done:]

    def _passed(self, stamps: Values, found: Digests, kept: NDArray[np.bool_], row: int) -> int:
        """Leave rows out from here on, as long as they repeat those before; the row that does not."""
        lag = self._lag
        while row < len(stamps) and self._left:
            if stamps[row] != stamps[row - lag] or found[row] != found[row - lag]:
                self._left = 0
                break
            kept[row] = False
            row, self._left = row + 1, self._left - 1
        return row
