"""Duplicate rows, equal in time and values: a logger wrote a row twice, or a radio sent a packet twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.formats.timing.steps import Steps

Values = NDArray[np.float64]
Digests = NDArray[np.uint64]

_LEAST_ROWS = 4
"""Fewest rows of a packet of which a repetition is no chance."""
_MEMORY_ROWS = 512
"""Number of earlier rows among which the original of a repeated row is searched."""


def digests(rows: NDArray[Any]) -> Digests:
    """Return a hash (n,) of each row (n, axes), by which equal rows are found without keeping their values.

    Examples
    --------
    >>> found = digests(np.array([[0.5, 1.0], [1.0, 0.5], [0.5, 1.0]]))
    >>> found[0] == found[2], found[0] == found[1]
    (True, False)
    """
    found = np.zeros(len(rows), np.uint64)
    for axis in range(rows.shape[1]):
        column = np.ascontiguousarray(rows[:, axis], np.float64).view(np.uint64)
        found = (found ^ column) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return found


class RowDigests:
    """The `digests` of the rows of a block, of which those that nobody asks for are not computed.

    Parameters
    ----------
    rows : (n, axes)
    """

    def __init__(self, rows: NDArray[Any]) -> None:
        self._rows = rows

    def __call__(self, part: slice) -> Digests:
        """Return the digests of some rows."""
        return digests(self._rows[part])

    def later(self, part: slice) -> Callable[[], Digests]:
        """Return a function that computes the digests of some rows, and keeps these rows alive, but not the block."""
        rows = self._rows[part].copy()
        return lambda: digests(rows)


class KnownDigests(RowDigests):
    """Digests of rows that were computed before."""

    def __call__(self, part: slice) -> Digests:
        """Return the digests of some rows."""
        return self._rows[part]

    def later(self, part: slice) -> Callable[[], Digests]:
        """Return a function that returns the digests of some rows."""
        found = self._rows[part].copy()
        return lambda: found


def repeated_packets(stamps: Values, found: Digests, rows: int) -> int:
    """Count the packets that are followed at once by themselves, with the same stamp and values.

    Parameters
    ----------
    stamps, found : as `Repeats.keep` takes them
    rows : number of rows in a packet; packets of fewer than 4 rows, or of rows that hardly differ, are not counted

    Examples
    --------
    >>> repeated_packets(np.repeat([0.0, 1.0], [8, 4]), np.array([5, 6, 7, 8, 5, 6, 7, 8, 1, 2, 3, 4], np.uint64), 4)
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
    """Finds rows that repeat earlier ones, block by block; the size of blocks changes nothing."""

    def __init__(self) -> None:
        self._stamps: Values = np.zeros(0)
        self._digests: Callable[[], Digests] = lambda: np.zeros(0, np.uint64)
        self._lag = self._left = 0  # a repetition that goes on: rows back to its original, and rows left

    def keep(self, stamps: Values, digests_of_rows: RowDigests, steps: Steps | None = None) -> NDArray[np.bool_] | None:
        """Tell which of the next rows repeat no earlier row.

        Parameters
        ----------
        stamps : float64 (n,), seconds as they are stored
        digests_of_rows : gives `digests` of the rows
        steps : steps of these stamps, where they are known

        Returns
        -------
        bool (n,), False for a repetition; None where there is none
        """
        done = len(self._stamps)
        if not self._left and self._rise(stamps, steps):
            if len(stamps) >= _MEMORY_ROWS:
                last = slice(len(stamps) - _MEMORY_ROWS, len(stamps))
                self._stamps, self._digests = stamps[last].copy(), digests_of_rows.later(last)
            else:
                self._remember(
                    np.concatenate([self._stamps, stamps]),
                    np.concatenate([self._digests(), digests_of_rows(slice(0, len(stamps)))]),
                )
            return None
        found = digests_of_rows(slice(0, len(stamps)))
        stamps, found = np.concatenate([self._stamps, stamps]), np.concatenate([self._digests(), found])
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
        self._remember(stamps, found)
        kept = kept[done:]
        return None if kept.all() else kept

    def _rise(self, stamps: Values, steps: Steps | None) -> bool:
        """Tell whether each stamp is later than the one before it."""
        if steps is not None and len(self._stamps) and steps.before == self._stamps[-1]:
            return steps.rise
        follows = not len(self._stamps) or bool(len(stamps) and stamps[0] > self._stamps[-1])
        return follows and bool((stamps[1:] > stamps[:-1]).all())

    def _remember(self, stamps: Values, found: Digests) -> None:
        """Keep the last rows, among which the originals of later ones are searched."""
        last = found[-_MEMORY_ROWS:].copy()
        self._stamps, self._digests = stamps[-_MEMORY_ROWS:].copy(), lambda: last

    def _passed(self, stamps: Values, found: Digests, kept: NDArray[np.bool_], row: int) -> int:
        """Mark rows from ``row`` on as long as the repetition goes on; return the first row that is none."""
        lag = self._lag
        while row < len(stamps) and self._left:
            if stamps[row] != stamps[row - lag] or found[row] != found[row - lag]:
                self._left = 0
                break
            kept[row] = False
            row, self._left = row + 1, self._left - 1
        return row
