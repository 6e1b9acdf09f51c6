"""Time stamps of rows: their rate, how even they are, and where samples are missing. Nothing is bridged in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError

Values = NDArray[np.float64]
Stamped: TypeAlias = tuple[Values, Values]
"""Stamps in seconds (n,), and rows (n, axes)."""

GAP_STEPS, JITTERED_GAP_STEPS = 1.5, 2.5
"""A step of so many usual ones is a gap; the second where stamps jitter, and one missing sample may be jitter."""
_OFF, _MOST_OFF = 0.3, 0.01
"""Stamps jitter when more than 1 % of the steps are more than 0.3 steps off."""
LONGEST_S = 1e10
"""Three centuries: stamps further from the first are damaged, or of another unit."""
PAUSE_S = 60.0
"""A gap of this length or more is a pause between recordings; samples missing in shorter ones were dropped."""
MOST_DROPPED = 0.3


@dataclass(frozen=True)
class Timeline:
    """What stamps tell.

    Parameters
    ----------
    rate_hz : rows a second, where none are missing
    jittered : rows must be interpolated before they are a stream at this rate
    gaps, lost_s : interruptions, and how long all of them last
    """

    rate_hz: float
    jittered: bool
    gaps: int
    lost_s: float

    @property
    def longest_step_s(self) -> float:
        """Beyond this, samples are missing."""
        return (JITTERED_GAP_STEPS if self.jittered else GAP_STEPS) / self.rate_hz


class StampSurvey:
    """Takes all stamps of a recording once.

    Parameters
    ----------
    where : what messages call the recording
    row_name : what they call the row with an index from 0, as in ``line 12``
    """

    def __init__(self, where: str, row_name: Callable[[int], str]) -> None:
        self._where, self._row_name = where, row_name
        self._last: float | None = None
        self._step = 0.0
        self._rows = self._off = self._regular = 0
        self._near = 0
        self._regular_s = self._near_s = 0.0
        self._gaps = [_Gaps(GAP_STEPS), _Gaps(JITTERED_GAP_STEPS)]

    def push(self, stamps: Values) -> None:
        """Take the next stamps, seconds; the first ones tell the usual step."""
        check_span(stamps, self._where, lambda at: self._row_name(self._rows + at))
        with_last = stamps if self._last is None else np.concatenate([[self._last], stamps])
        steps = np.diff(with_last)
        if (steps <= 0).any():
            at = int((steps <= 0).argmax())
            self._refuse(self._rows + at + (self._last is None), steps[at])
        self._rows += len(stamps)
        self._last = float(stamps[-1]) if len(stamps) else self._last
        if not len(steps):
            return
        if not self._step:
            self._step = usual_step(steps)
        relative = steps / self._step
        near = (relative > 0.5) & (relative < 1.5)
        self._regular += int(near.sum())
        self._regular_s += float(steps[near].sum())
        self._near += int((relative <= JITTERED_GAP_STEPS).sum())
        self._near_s += float(steps[relative <= JITTERED_GAP_STEPS].sum())
        self._off += int((np.abs(relative - np.maximum(1, np.rint(relative))) > _OFF).sum())
        for gaps in self._gaps:
            gaps.push(relative, self._step)

    def timeline(self) -> Timeline:
        """What they tell.

        Raises
        ------
        InputError : too few rows, or too many dropped
        """
        if not self._step:
            raise InputError(f"{self._where}: a single row has no rate; record more, or leave it out")
        jittered = self._off > _MOST_OFF * (self._rows - 1)
        gaps = self._gaps[jittered]
        share = gaps.dropped / (gaps.dropped + self._rows)
        if share > MOST_DROPPED:
            raise InputError(
                f"{self._where}: {share:.0%} of the samples were dropped, more than {MOST_DROPPED:.0%}; mend the "
                "logger or the radio link, and record again"
            )
        step = self._regular_s / self._regular if self._regular else self._step
        if jittered:  # sums of neighbours: what one stamp is early, the next step makes up
            step = self._near_s / self._near
        return Timeline(float(f"{1 / step:.4g}"), jittered, gaps.n, gaps.lost_s)

    def _refuse(self, row: int, step: float) -> None:
        where = f"{self._where}, {self._row_name(row)}"
        if step == 0:
            raise InputError(
                f"{where}: the same time as the row before; remove duplicates, or write times with more digits"
            )
        raise InputError(f"{where}: {-step:.6g} s before the row above; sort the rows by time, or split the file")


def check_span(stamps: Values, where: str, row_name: Callable[[int], str]) -> None:
    """Refuse stamps, seconds since the first, that no recording can last until."""
    beyond = ~(np.abs(stamps) <= LONGEST_S)  # true for NaN
    if beyond.any():
        row = row_name(int(beyond.argmax()))
        raise InputError(f"{where}, {row}: a time more than 300 years from the first; correct it, or say its unit")


class _Gaps:
    """Counts the steps that are longer than so many usual ones."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self.n = self.dropped = 0
        self.lost_s = 0.0

    def push(self, relative: Values, step: float) -> None:
        gaps = relative[relative > self._longest]
        self.n += len(gaps)
        self.lost_s += float((gaps - 1).sum()) * step
        self.dropped += int(np.rint(gaps[gaps * step < PAUSE_S] - 1).sum())


def usual_step(steps: Values) -> float:
    """The step between neighbours: the median, unless every other sample or more is missing.

    Examples
    --------
    >>> usual_step(np.array([2.0, 1.0, 2.0, 2.0, 1.0, 3.0, 2.0, 2.0]))
    1.0
    """
    middle = float(np.median(steps))
    short = steps[steps < 0.75 * middle]
    if len(short) < 0.1 * len(steps):
        return middle
    half = float(np.median(short))
    even = np.mean(np.abs(short - half) < 0.1 * half) > 0.9
    return half if even and abs(middle / half - round(middle / half)) < 0.1 else middle


def stretches(rows: Iterator[Stamped], timeline: Timeline) -> Iterator[Stamped | int]:
    """Rows as they come, and between them the number of samples that are missing, 1 or more."""
    last: float | None = None
    for stamps, values in rows:
        if not len(stamps):
            continue
        steps = np.diff(stamps, prepend=stamps[0] if last is None else last)
        begin = 0
        for at in np.flatnonzero(steps > timeline.longest_step_s).tolist():
            if at > begin:
                yield stamps[begin:at], values[begin:at]
            yield max(1, round(float(steps[at]) * timeline.rate_hz) - 1)
            begin = at
        yield stamps[begin:], values[begin:]
        last = float(stamps[-1])
