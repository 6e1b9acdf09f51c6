"""The clock behind time stamps: counters that wrap are read on, a step back begins a new piece, disorder is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError

Values = NDArray[np.float64]

WRAPS_S = (2**32 * 1e-3, 2**32 * 1e-6, 86_400.0, 2**16 * 1e-3)
"""After how many seconds clocks start again: ms and us of 32 bits, the time of day, ms of 16 bits."""
LONGEST_GAP_S = 365 * 86_400.0
"""A clock that goes on by more was set, such as from 1970 to today: nothing is missing."""
HOUR_S = 3600.0
LEAST_ROWS, LEAST_S = 20, 1.0
"""Between two steps back of a clock lie this many rows and seconds, at least: less is disorder of the rows."""
_MOST_PIECES = 4096


@dataclass(frozen=True)
class Piece:
    """Rows of a block whose stamps lie on one run of the clock.

    Parameters
    ----------
    start, stop : rows of the block
    stamps : float64 (stop - start,), seconds; they never go back by more than the slack of the clock
    broken : the clock was set before the first row: it does not follow on the row before
    """

    start: int
    stop: int
    stamps: Values
    broken: bool


class Clock:
    """Tells runs of a clock apart, block by block; however the rows are cut into blocks, the runs are the same.

    Parameters
    ----------
    wrap_slack_s : from the last stamp before a wrap to the first one after it, at most
    slack_s : steps back of this length and less are no steps of the clock: rows of one packet
    on_set, on_wrap : called with the row (from 0), and with the step in seconds, or the length of the wrap
    """

    def __init__(
        self,
        wrap_slack_s: float,
        slack_s: float,
        on_set: Callable[[int, float], None] = lambda row, step: None,
        on_wrap: Callable[[int, float], None] = lambda row, length: None,
    ) -> None:
        self._wrap_slack_s, self._slack_s = wrap_slack_s, slack_s
        self._on_set, self._on_wrap = on_set, on_wrap
        self._rows, self._offset = 0, 0.0
        self._last: float | None = None

    def push(self, stamps: Values) -> Iterator[Piece]:
        """Take the next stamps (n,), seconds as they are stored."""
        if not len(stamps):
            return
        steps = np.diff(stamps, prepend=stamps[0] if self._last is None else self._last)
        self._last = float(stamps[-1])
        begin, broken = 0, False
        corrected = stamps + self._offset
        for at in np.flatnonzero((steps < -self._slack_s) | (steps > LONGEST_GAP_S)).tolist():
            if wrap := self._wrap(float(steps[at])):
                self._offset += wrap
                corrected[at:] += wrap
                self._on_wrap(self._rows + at, wrap)
                continue
            if at > begin:
                yield Piece(begin, at, corrected[begin:at], broken)
            begin, broken = at, True
            self._on_set(self._rows + at, float(steps[at]))
        self._rows += len(stamps)
        yield Piece(begin, len(stamps), corrected[begin:], broken)

    def _wrap(self, step: float) -> float | None:
        """After how many seconds the clock wrapped, if a step back is that."""
        return next((wrap for wrap in WRAPS_S if 1e-6 < step + wrap <= self._wrap_slack_s), None)


class Order:
    """Refuses rows in disorder: what a clock that was set back never gives.

    Parameters
    ----------
    where, row_name : as `anomsdk.sources.formats.timestamps.StampSurvey`
    next_s : usual time from a row (a packet) to the next
    """

    def __init__(self, where: str, row_name: Callable[[int], str], next_s: float) -> None:
        self._where, self._row_name, self._next_s = where, row_name, next_s
        self._begin_row, self._begin_s = 0, 0.0
        self._starts, self._left = list[float](), list[tuple[float, int, float]]()
        self._back: tuple[int, float] | None = None
        self._gap: tuple[int, float, float] | None = None

    def begin(self, stamp: float) -> None:
        """A recording begins."""
        self._begin_s = stamp
        self._starts.append(stamp)

    def back(self, row: int, step: float, before: float) -> None:
        """The clock went back by ``step`` seconds to this row, from a row with the stamp ``before``."""
        few = row - self._begin_row < LEAST_ROWS or before - self._begin_s < LEAST_S
        if not self._left and row > 1 and before + step <= self._begin_s:
            few = False  # a device that restarted soon
        if self._gap is not None:  # rows that were ahead of their time, and not the clock
            gap_row, gap_before, gap_after = self._gap
            few |= row - gap_row < LEAST_ROWS and gap_before < before + step <= gap_after
        if few or len(self._left) == _MOST_PIECES:
            self._refuse(row, step)
        self.end(before)
        self._left.append((before, row, step))
        self._back, self._gap = (row, step), None
        self._begin_row, self._begin_s = row, before + step
        self._starts.append(self._begin_s)

    def gap(self, row: int, before: float, after: float) -> None:
        """Samples are missing before this row: what was left behind must not go on here."""
        self._gap = row, before, after
        if self._back is None:
            return
        left, back_row, step = self._left[-1]
        near = row - self._begin_row < LEAST_ROWS or before - self._begin_s < LEAST_S
        returns = abs((after - before - self._next_s) - (self._next_s - step)) <= self._next_s
        if near and (before < left <= after or returns):
            self._refuse(back_row, step)
        for left, back_row, step in self._left:
            if self._follows(left, after):
                self._refuse(back_row, step)

    def end(self, stamp: float) -> None:
        """A run of the clock ends: where it began before must not follow."""
        if self._back is not None and any(self._follows(stamp, start) for start in self._starts[:-1]):
            self._refuse(*self._back)

    def _follows(self, before: float, after: float) -> bool:
        return abs(after - before - self._next_s) < 0.5 * self._next_s

    def _refuse(self, row: int, step: float) -> None:
        raise InputError(
            f"{self._where}, {self._row_name(row)}: {-step:.6g} s before the row above; sort the rows by time, or "
            "split the file"
        )
