"""The rate of rows in time, where samples are missing between them, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.formats.packets import Form

Values = NDArray[np.float64]
Rows = NDArray[Any]
Stamped: TypeAlias = tuple[Values, Values]
"""Stamps in seconds (n,), and rows (n, axes)."""

GAP_STEPS, JITTERED_GAP_STEPS = 1.5, 2.5
"""A step of so many usual ones is a gap; the second where stamps jitter, and one missing sample may be jitter."""


@dataclass(frozen=True)
class Timeline:
    """What stamps tell.

    Parameters
    ----------
    rate_hz : rows a second, where none are missing
    jittered : rows must be interpolated before they are a stream at this rate
    usual_s : usual step of the first rows, which tells gaps; 0: there are no stamps
    gaps, lost_s : gaps that are neither bridged nor pauses of a duty cycle, and how long all of them last
    form : of packets, whose rows are spread evenly; None: each row has a stamp of its own
    repeats : rows that repeat an earlier one, its stamp and its values, are left out
    bridge : missing samples of a gap up to which the row before it is repeated
    bridged : samples that are made so
    notes : what else is done or was noticed, in words
    """

    rate_hz: float
    jittered: bool = False
    usual_s: float = 0.0
    gaps: int = 0
    lost_s: float = 0.0
    form: Form | None = None
    repeats: bool = True
    bridge: int = 0
    bridged: int = 0
    notes: tuple[str, ...] = ()

    @property
    def longest_steps(self) -> float:
        """Beyond so many usual steps, samples are missing."""
        return JITTERED_GAP_STEPS if self.jittered else GAP_STEPS


def usual_step(steps: Values) -> float:
    """The step between neighbours: the median, unless every other sample or more is missing, or stamps are shared.

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
    """The row before a gap, n times."""
    return stamp + np.arange(1, n + 1) / timeline.rate_hz, np.repeat(row, n, axis=0)
