"""Certificates: the level of a ladder that keeps a promise, and the evidence for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast, require
from anomsdk.core.export import Export
from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.ladder import LadderPlan, PromisePlan, Unit, walk
from anomsdk.core.plan import Plan
from anomsdk.core.record import SCORE_TAG_BYTES
from anomsdk.planner.ladder import counted_in, promise_plan
from anomsdk.runtime.blocks import NO_LADDER
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import Method, bound
from anomsdk.tune.ladders import MergedLadder

Status = Literal["certified", "provisional", "more days", "fails"]
"""Standing of a device: certified; with the level of its group; in need of more days; its highest rung fails."""


@dataclass(frozen=True)
class Certificate:
    """Result of `choose`.

    Parameters
    ----------
    status : certified, more days or fails
    rung : index of the rung that is certified; None: none is
    level : score of that rung; None: none is certified, or no plan was given
    bound : upper bound of the rate, in the budget's unit per its period; None: nothing is certified
    missing_days : days that the highest rung is still to be watched if nothing more is counted; 0 where it is
        certified, or fails
    count : alarms, alarm-days or episodes that the certified rung counted, or else the highest one
    days : of service in which they were counted: complete days for alarm-days, days at risk for episodes
    """

    status: Status
    rung: int | None
    level: int | None
    bound: float | None
    missing_days: int
    count: int
    days: float

    @property
    def level_tag(self) -> int:
        """Level tag of the rung in events and heartbeats: its index + 1; 0 for the plan's own level."""
        return 0 if self.rung is None else self.rung + 1


def choose(
    ladder: Export | MergedLadder | bytes,
    budget: str | Budget,
    confidence: float = 0.95,
    *,
    plan: Plan | None = None,
    max_alarm_fraction: float = 0.05,
    method: Method = "anytime",
) -> Certificate:
    """Choose the lowest rung of a ladder that keeps a promise, as all rungs above it do.

    The walk goes down from the highest rung and stops at the first that fails, so that no correction for the number of
    rungs is due (a fixed sequence of hypotheses, Maurer et al. 1995). With ``method="anytime"`` no correction for the
    number of looks is due either (Ville 1939). It is the integer walk of a device with the same budget.

    The certificate holds for this device, in service like that of the period. It says nothing of another season, place
    or wearer, nor of data that placed the rungs, or trained or calibrated the plan: leave these out.

    Parameters
    ----------
    ladder : export of a device, also as the bytes of `anomsdk.Pipeline.export`, or its merged ladder
    budget : as `anomsdk.tune.Budget.parse` reads it
    confidence : 0.5 to 0.999
    plan : plan of the ladder; None: no score of the level is returned, and a budget of alarms cannot be judged
    max_alarm_fraction : share of the time in alarm above which a rung fails, above 0 to 1; a limit, not a test
    method : anytime; or fixed: only valid where the number of days was fixed before, and nobody looks earlier

    Returns
    -------
    Certificate

    Raises
    ------
    InputError : an argument out of its range, a ladder of another plan, no tick of service, a budget of alarms without
        a plan or of episodes that the ladder does not count, or one that needs more than a year without any alarm

    Examples
    --------
    >>> from anomsdk.core.ladder import RungCounts
    >>> counts = (RungCounts(days=3), RungCounts())
    >>> choose(MergedLadder("cow 5", bytes(8), 200 * 86_400, 200, 0, counts), "1 alarm-day/30d").rung
    1
    """
    parsed = Budget.parse(budget)
    ladder = Export.from_bytes(ladder) if isinstance(ladder, bytes) else ladder
    check_alarm_fraction(max_alarm_fraction)
    rungs = _rungs(ladder, parsed, plan)
    require(ladder.ticks > 0, f"device {ladder.device}: zero hours of service certify nothing; let it run")
    promise = _promise(parsed, confidence, max_alarm_fraction, rungs.day_q16, method)
    promise.check(rungs)
    found = walk(rungs, promise, ladder.counts, ladder.ticks, ladder.days)
    judged = rungs.n_rungs - 1 if found.rung is None else found.rung
    count, days = counted_in(rungs, ladder.counts[judged], ladder.ticks, ladder.days, parsed.unit)
    if found.rung is None:
        return Certificate("more days" if found.days else "fails", None, None, None, found.days, count, days)
    upper = upper_bound(count, days, parsed, confidence, method)
    level = None if plan is None else int(rungs.raise_scores[found.rung])
    return Certificate("certified", found.rung, level, upper, 0, count, days)


def check_alarm_fraction(fraction: float) -> None:
    """Refuse a share of the time in alarm that is none; InputError says the range."""
    require(
        isinstance(fraction, (int, float)) and 0 < fraction <= 1,
        f"`max_alarm_fraction`: {fraction!r} is not above 0 and up to 1; 0.05 is usual",
    )


@lru_cache(maxsize=65_536)
def _promise(budget: Budget, confidence: float, max_alarm_fraction: float, day_q16: int, method: Method) -> PromisePlan:
    """Plan a promise; the devices of a herd share it."""
    days = LadderPlan(_rising(2), day_q16 >> 16, day_q16 & 0xFFFF, 0)
    return promise_plan(budget, confidence, max_alarm_fraction, days, method=method)


@lru_cache(maxsize=65_536)
def upper_bound(count: int, days: float, budget: Budget, confidence: float, method: Method) -> float:
    """Compute the upper bound of a rate in the budget's unit per its period; devices of a herd share many of them."""
    return bound(count, days, budget.unit, confidence, method=method) * float(budget.days)


def rungs_of(plan: Plan) -> LadderPlan:
    """Return the ladder of a plan; InputError without one."""
    if plan.ladder is None:
        require(False, NO_LADDER.format(plan.name))
    assert plan.ladder is not None
    return plan.ladder


def score_tag_of(plan: Plan) -> bytes:
    """Return the first bytes of a plan's score_id, which exports have."""
    return bytes.fromhex(plan.score_id)[:SCORE_TAG_BYTES]


def _rungs(ladder: Export | MergedLadder, budget: Budget, plan: Plan | None) -> LadderPlan:
    """Return the ladder's plan; without the whole plan one that holds all that is asked for."""
    if plan is None:
        require(
            budget.unit != Unit.ALARM,
            f"`plan`: '{budget}' is counted in ticks, and only the plan has their length; give the plan",
        )
        return LadderPlan(_rising(len(ladder.counts)), UINT32_MAX, 0, ladder.episode_gap)
    rungs = rungs_of(plan)
    require(
        ladder.score_tag == score_tag_of(plan) and len(ladder.counts) == rungs.n_rungs,
        f"device {ladder.device}: its ladder is of score_id {ladder.score_tag.hex()}, and the plan's is "
        f"{plan.score_id[: 2 * SCORE_TAG_BYTES]}; give the plan that the device runs",
    )
    return rungs


def provisional_rung(certified: list[int], share: float = 0.9) -> int:
    """Return the lowest rung that a share of certified devices are at or below.

    Examples
    --------
    >>> provisional_rung([3] * 9 + [7]), provisional_rung([3] * 8 + [7] * 2)
    (3, 7)
    """
    return sorted(certified)[math.ceil(share * len(certified) - 1e-9) - 1]


def _rising(n: int) -> NDArray[np.uint32]:
    """Return any levels that rise, for a ladder of which only the counts are asked."""
    return checked_cast(np.arange(1, n + 1), "<u4", "rungs")
