"""Cause of a level: the alarm that the rung below raises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from anomsdk.core.fixed import Ints
from anomsdk.core.plan import Plan
from anomsdk.core.rung import levels
from anomsdk.train.alarm_simulation import alarms_of
from anomsdk.tune.certificates import rungs_of
from anomsdk.tune.device_scores import ScoredDevice
from anomsdk.utils.text import clock


@dataclass(frozen=True)
class Cause:
    """Alarm of a recording: the second at which it is raised, and its highest score."""

    recording: str
    second: float
    score: int

    def __str__(self) -> str:
        return f"{self.recording} at {clock(self.second)}"


def cause_of(device: ScoredDevice | None, plan: Plan, rung: int) -> Cause | None:
    """Find the strongest alarm that the rung below raises while this one is not in alarm.

    Parameters
    ----------
    device : its scores; None: they are not at hand
    plan : Plan with a ladder
    rung : index of the rung that was chosen; the number of rungs where even the highest one fails

    Returns
    -------
    Cause; None where the scores are not at hand, or the lowest rung was chosen
    """
    rungs = rungs_of(plan)
    if device is None or rung == 0:
        return None
    best: Cause | None = None
    for stretch in device.stretches:
        scores = stretch.scores.astype(np.int64)
        above = list(_alarms(scores, plan, int(rungs.raise_scores[rung]))) if rung < rungs.n_rungs else []
        for first, stop in _alarms(scores, plan, int(rungs.raise_scores[rung - 1])):
            if any(first < end and start < stop for start, end in above):
                continue
            found = Cause(stretch.recording, float(stretch.ends_s[first]), int(scores[first:stop].max(initial=0)))
            if best is None or found.score > best.score:
                best = found
    return best


def _alarms(scores: Ints, plan: Plan, level: int) -> Iterator[tuple[int, int]]:
    timing = replace(plan.timing, cooldown=0)
    yield from alarms_of(scores, levels(level, timing), timing)
