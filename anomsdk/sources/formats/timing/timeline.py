"""Timelines: the rate of a recording, how evenly its rows come, and where samples are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.formats.timing.packets import PacketForm

Values = NDArray[np.float64]
Rows = NDArray[Any]
Stamped: TypeAlias = tuple[Values, Values]
"""Time stamps (n,) in seconds, and their rows (n, axes)."""

GAP_STEPS, JITTERED_GAP_STEPS = 1.5, 2.5
"""Shortest gap in usual steps: with even stamps, and with jittering ones, where one missing sample may be jitter."""


@dataclass(frozen=True)
class Timeline:
    """The rate of a recording and how its rows become an even stream.

    Parameters
    ----------
    rate_hz : rows per second where none are missing
    jittered : the stamps jitter, so that rows are interpolated to even times
    usual_s : usual step between the first rows in seconds, by which gaps are found; 0 without stamps
    gaps, lost_s : number of gaps that are neither bridged nor pauses of a duty cycle, and their total length in seconds
    form : form of the packets whose rows are spread evenly; None where each row has a stamp of its own
    repeats : leave out rows whose stamp and values are those of an earlier row
    bridge : largest number of missing samples of a gap that is bridged by repeating the row before it
    bridged : number of samples that are made by bridging
    set_s : longest time in seconds by which the clock was set; 0 where it was not
    notes : what else is done to the rows or was noticed, as sentences for the user
    """

    rate_hz: float
    jittered: bool = False
    usual_s: float = 0.0
    gaps: int = 0
    lost_s: float = 0.0
    form: PacketForm | None = None
    repeats: bool = True
    bridge: int = 0
    bridged: int = 0
    set_s: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def longest_steps(self) -> float:
        """Length of a step, in usual steps, beyond which samples are missing."""
        return JITTERED_GAP_STEPS if self.jittered else GAP_STEPS


def usual_step(steps: Values) -> float:
    """Return the usual step between neighbouring stamps.

    It is the median of the steps. Where rows share stamps it is the mean step; where every second sample or more is
    missing it is the shorter step that divides the median.

    Examples
    --------
    >>> usual_step(np.array([2.0, 1.0, 2.0, 2.0, 1.0, 3.0, 2.0, 2.0])), usual_step(np.array([0.0, 0.0, 0.0, 1.0] * 9))
    (1.0, 0.25)
    """
    middle = float(np.median(steps))
    if middle == 0 and (positive := steps[steps > 0]).size:
        return float(np.median(positive)) * len(positive) / len(steps)
    short = steps[steps < 0.75 * middle]
    if len(short) < 0.1 * len(steps):
        return middle
    half = float(np.median(short))
    even = np.mean(np.abs(short - half) < 0.1 * half) > 0.9
    return half if even and abs(middle / half - round(middle / half)) < 0.1 else middle


def bridge_rows(n: int, stamp: float, row: Rows, timeline: Timeline) -> Stamped:
    """Return the row before a gap n times, with stamps at the rate of the timeline."""
    return stamp + np.arange(1, n + 1) / timeline.rate_hz, np.repeat(row, n, axis=0)
