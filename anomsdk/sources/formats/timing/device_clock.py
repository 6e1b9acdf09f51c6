"""The clock of the device that wrote time stamps: how it wraps, and where it was set.

A counter that wraps around is unwrapped. A clock that was set begins a new piece of the recording. Rows in disorder are
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.sources.formats.timing.steps import Steps

Values = NDArray[np.float64]

WRAPS_S = (2**32 * 1e-3, 2**32 * 1e-6, 86_400.0, 2**16 * 1e-3)
"""Periods in seconds after which time counters wrap: 32 bits of ms and of us, the time of day, 16 bits of ms."""
LONGEST_GAP_S = 365 * 86_400.0
"""Longest gap in seconds. A clock that jumps further was set, such as from 1970 to today: no samples are missing."""
HOUR_S = 3600.0
LEAST_ROWS, LEAST_S = 20, 1.0
"""Fewest rows and seconds between two settings of a clock; steps back that are closer are rows in disorder."""
_MOST_PIECES = 4096
"""Most times that a clock may be set back in one recording."""


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of a block between which the clock was not set.

    Parameters
    ----------
    start, stop : first row of the piece in the block, and the row after its last one
    stamps : float64 (stop - start,), unwrapped seconds; no step back is longer than the slack of the clock
    broken : the clock was set just before the first row, so that the time since the row before is unknown
    steps : steps of the stamps, where they are known; in the first piece of all, that of the first row is 0
    """

    start: int
    stop: int
    stamps: Values
    broken: bool
    steps: Steps | None = None


class Clock:
    """Unwraps time stamps and cuts them where the clock was set, block by block; the size of blocks changes nothing.

    Parameters
    ----------
    wrap_slack_s : longest time in seconds between the stamps before and after a wrap
    slack_s : longest step back in seconds between rows of one packet; a longer one is a setting of the clock
    on_set : called with the row (from 0) before which the clock was set, and by how many seconds
    on_wrap : called with the row (from 0) before which the counter wrapped, and its period in seconds
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

    def push(self, stamps: Values, known: Steps | None = None) -> Iterator[Piece]:
        """Take the next stamps (n,) in seconds as they are stored; yield the pieces that they form.

        Parameters
        ----------
        stamps : float64 (n,)
        known : steps of these stamps, the first one from the last stamp that was taken; None where they are not known
        """
        if not len(stamps):
            return
        if known is None:
            known = Steps.of(stamps, float(stamps[0]) if self._last is None else self._last)
        steps = known.seconds
        self._last = float(stamps[-1])
        if -self._slack_s <= known.low <= known.high <= LONGEST_GAP_S:
            self._rows += len(stamps)
            if self._offset:
                yield Piece(0, len(stamps), stamps + self._offset, False)
            else:
                yield Piece(0, len(stamps), stamps, False, known)
            return
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
        """Return the period in seconds of the counter whose wrap explains a step; None where none does."""
        return next((wrap for wrap in WRAPS_S if 1e-6 < step + wrap <= self._wrap_slack_s), None)


class RowOrder:
    """Refuses rows in disorder and accepts a clock that was set back.

    Rows are in disorder where the clock steps back too often, or where later rows continue a run that it left.

    Parameters
    ----------
    where, row_name : name of the recording and of a row in messages, as `StampSurvey` takes them
    next_s : usual time in seconds from a row (or packet) to the next
    """

    def __init__(self, where: str, row_name: Callable[[int], str], next_s: float) -> None:
        self._where, self._row_name, self._next_s = where, row_name, next_s
        self._begin_row, self._begin_s = 0, 0.0
        self._starts, self._left = list[float](), list[tuple[float, int, float]]()
        self._back: tuple[int, float] | None = None
        self._gap: tuple[int, float, float] | None = None

    def begin(self, stamp: float) -> None:
        """Begin a recording at its first stamp, in seconds."""
        self._begin_s = stamp
        self._starts.append(stamp)

    def back(self, row: int, step: float, before: float) -> None:
        """Take a step of ``step`` < 0 seconds from a row with the stamp ``before`` to row ``row``."""
        few = row - self._begin_row < LEAST_ROWS or before - self._begin_s < LEAST_S
        if not self._left and row > 1 and before + step <= self._begin_s:
            few = False  # a device that restarted soon after it was switched on
        if self._gap is not None:  # rows ahead of their time stand between: disorder, not a clock that was set
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
        """Take a gap before a row; refuse it where the rows after it continue a run that the clock had left."""
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
        """End a run of the clock at a stamp; refuse it where an earlier run begins right after it."""
        if self._back is not None and any(self._follows(stamp, start) for start in self._starts[:-1]):
            self._refuse(*self._back)

    def _follows(self, before: float, after: float) -> bool:
        """Tell whether one stamp comes after another by a usual step."""
        return abs(after - before - self._next_s) < 0.5 * self._next_s

    def _refuse(self, row: int, step: float) -> None:
        """Refuse a recording for a step back."""
        raise InputError(
            f"{self._where}, {self._row_name(row)}: its time is {-step:.6g} s before that of the row above; "
            "sort the rows by time, or split the file"
        )
