"""Herds of tiny plans with a ladder, whose days have 10 ticks: scores, exports and the levels that they certify."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.core.export import Export
from anomsdk.core.ladder import LadderPlan
from anomsdk.runtime.ladders import ScoreLadder
from tests.support.tiny_plans import tiny_plan

DAY = 10
"""Ticks of a day."""
LEVELS = (50, 100, 150, 200, 300, 400)
"""Scores of the rungs."""
QUIET = 1
"""A score at which no rung alarms, and every alarm clears."""


def plan_with_ladder(**changes: int) -> anomsdk.Plan:
    """A tiny plan with a ladder of 6 rungs, without alarm and health, so that a score is the square of a row."""
    plan = replace(tiny_plan(**changes), alarm=None, health=None)
    plan = replace(plan, ladder=LadderPlan(np.array(LEVELS, np.uint32), DAY, 0, 3), promises=())
    plan.check()
    return plan


def scores_of(days: int, alarms: dict[int, int], *, at: int = 4) -> NDArray[np.uint32]:
    """Scores of days of service, quiet but for one tick on some days.

    Parameters
    ----------
    days : number of days
    alarms : day -> score of its tick ``at``
    at : tick of the day
    """
    scores = np.full(days * DAY, QUIET, np.uint32)
    for day, score in alarms.items():
        scores[day * DAY + at] = score
    return scores


def export_of(plan: anomsdk.Plan, scores: NDArray[np.uint32], device: int, *, boot: int = 1, since: int = 0) -> Export:
    """Export of a device whose ladder counted these scores; ``since``: as a difference to the first so many of them."""
    ladder = ScoreLadder(plan)
    ladder.take(scores[:since])
    earlier = ladder.export(device, boot)
    ladder.take(scores[since:])
    return ladder.export(device, boot).since(earlier) if since else ladder.export(device, boot)


def write_exports(path: Path, *exports: Export) -> Path:
    """Write exports one after the other, and make the folders above."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(bytes, exports)))
    return path


def rows_of(scores: NDArray[np.uint32]) -> NDArray[np.int16]:
    """Rows of a recording that a tiny plan gives these scores, each a square."""
    roots = np.sqrt(scores).round().astype(np.int16)
    return np.stack([roots, np.zeros_like(roots)], axis=1)
