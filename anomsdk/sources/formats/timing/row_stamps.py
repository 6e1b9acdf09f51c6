"""Rows with a time stamp each: how even the stamps are, and the stream of rows between the gaps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.formats.timing.device_clock import Piece, RowOrder
from anomsdk.sources.formats.timing.gaps import Gaps
from anomsdk.sources.formats.timing.steps import Steps
from anomsdk.sources.formats.timing.timeline import (
    GAP_STEPS,
    JITTERED_GAP_STEPS,
    Rows,
    Stamped,
    Timeline,
    bridge_rows,
)

_OFF, _MOST_OFF = 0.3, 0.01
"""Stamps jitter where more than 1 % of the steps differ by more than 0.3 steps from a whole number of steps."""

_NO_STEPS = Steps(math.nan, np.zeros(0), math.nan, math.nan)


class RowStamps:
    """Collects the steps and the gaps of a recording whose rows have a stamp each.

    Parameters
    ----------
    step_s : usual step in seconds
    max_bridge : largest number of missing samples of a gap that may be bridged
    pause_s : as `anomsdk.sources.stream_format.StreamFormat`
    """

    def __init__(self, step_s: float, max_bridge: int, pause_s: tuple[float, float] | None = None) -> None:
        self._step = step_s
        self._steps = self._off = self._regular = self._near = 0
        self._regular_s = self._near_s = 0.0
        self._longest = GAP_STEPS, JITTERED_GAP_STEPS
        self._gaps = Gaps(max_bridge, pause_s), Gaps(max_bridge, pause_s)

    def push(
        self, piece: Piece, last: float | None, numbers: Sequence[int] | NDArray[np.int64], order: RowOrder
    ) -> None:
        """Take the stamps of a piece; ``last`` is the stamp before it, ``numbers`` are its rows in the recording."""
        first = int(last is None)  # 1 where no step leads to the first row of the piece
        known = piece.steps
        if known is None or known.before != last:
            stamps = piece.stamps if last is None else np.concatenate([[last], piece.stamps])
            known = Steps.of(stamps[1:], float(stamps[0])) if len(stamps) > 1 else _NO_STEPS
        steps = known.seconds
        self._steps += len(steps)
        if 0.75 < known.low / self._step <= known.high / self._step < 1.25:  # all are near, none is off
            total = float(steps.sum())
            self._regular, self._near = self._regular + len(steps), self._near + len(steps)
            self._regular_s, self._near_s = self._regular_s + total, self._near_s + total
            for gaps in self._gaps:
                if piece.broken:
                    gaps.broken()
                gaps.rows(len(piece.stamps))
            return
        stamps = piece.stamps if last is None else np.concatenate([[last], piece.stamps])
        relative = steps / self._step
        near = (relative > 0.5) & (relative < 1.5)
        self._regular += int(near.sum())
        self._regular_s += float(steps[near].sum())
        self._near += int((relative <= JITTERED_GAP_STEPS).sum())
        self._near_s += float(steps[relative <= JITTERED_GAP_STEPS].sum())
        self._off += int((np.abs(relative - np.maximum(1, np.rint(relative))) > _OFF).sum())
        for gaps, longest in zip(self._gaps, self._longest, strict=True):
            if piece.broken:
                gaps.broken()
            done = 0
            for at in np.flatnonzero(relative > longest).tolist():
                gaps.rows(at + first - done)
                done = at + first
                row = int(numbers[at + first])
                gaps.gap(row, float(stamps[at]), float(stamps[at + 1]), float(relative[at]) - 1, self._step)
                if longest == GAP_STEPS:
                    order.gap(row, float(stamps[at]), float(stamps[at + 1]))
            gaps.rows(len(piece.stamps) - done)

    def timeline(self) -> tuple[Timeline, Gaps]:
        """Return the rate, whether the stamps jitter, and the gaps that follow from it."""
        jittered = self._off > _MOST_OFF * self._steps
        step = self._regular_s / self._regular if self._regular else self._step
        if jittered:  # the mean of neighbouring steps: a stamp that is early makes the next step longer
            step = self._near_s / self._near
        return Timeline(float(f"{1 / step:.4g}"), jittered, self._step), self._gaps[jittered]


class RowStretches:
    """Hands on rows with a stamp each, bridges short gaps, and tells how many samples are missing in the others.

    Parameters
    ----------
    timeline : Timeline, of `RowStamps`
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._last: tuple[float, Rows] | None = None

    def push(self, piece: Piece, values: Rows) -> Iterator[Stamped | int]:
        """Take rows; yield them and bridged samples, and the number of samples missing in a gap that is not bridged."""
        timeline, stamps, known = self._timeline, piece.stamps, piece.steps
        if known is None:
            known = Steps.of(stamps, float(stamps[0]) if self._last is None else self._last[0])
        steps = known.seconds
        if known.high / timeline.usual_s <= timeline.longest_steps:
            yield stamps, values
            self._last = float(stamps[-1]), values[-1:].copy()
            return
        begin = 0
        relative = steps / timeline.usual_s
        for at in np.flatnonzero(relative > timeline.longest_steps).tolist():
            if at > begin:
                yield stamps[begin:at], values[begin:at]
                self._last = float(stamps[at - 1]), values[at - 1 : at]
            assert self._last is not None
            few = max(1, round(float(relative[at]) - 1))
            stamp, row = self._last
            if few <= timeline.bridge:
                yield bridge_rows(few, stamp, row, timeline)
            else:
                yield max(1, round(float(steps[at]) * timeline.rate_hz) - 1)
            begin = at
        yield stamps[begin:], values[begin:]
        self._last = float(stamps[-1]), values[-1:].copy()

    def finish(self) -> Iterator[Stamped | int]:
        """End the run of the clock; no row is held back."""
        self._last = None
        yield from ()
