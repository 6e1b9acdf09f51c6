"""Ladder: where the rungs lie, how long a day is, and the evidence that promises ask for."""

from __future__ import annotations

import math

from anomsdk.core.checks import checked_cast, require
from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.ladder import N_NEEDS, LadderPlan, PromisePlan, RungCounts, Unit
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration
from anomsdk.planner.sections import LadderSection
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.tables import rounded
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import CHANCE, Method, check_reachable, days_needed

DAY_S = 86_400
NARROWEST, WIDEST = 1.06, 1.2
"""Smallest and largest ratio of a rung's level to that of the one below."""
_ROUNDING = 1e-6
"""Part of a tick by which a float may exceed a whole number of ticks that it stands for."""


def ladder_plan(spec: PipelineSpec, made: Plan, calibration: Calibration | None) -> LadderPlan | None:
    """Plan the rungs and the length of a day; None for a spec without a ladder section.

    Parameters
    ----------
    spec : PipelineSpec
    made : the rest of the plan
    calibration : scores of normal recordings; None: the spec must say where the rungs lie
    """
    section = spec.ladder
    if section is None:
        return None
    lowest, highest = _ends(section, calibration)
    day_ticks, day_rest_q16 = divmod(_day_q16(made, spec.sensor.rate_hz), 1 << 16)
    require(
        1 <= day_ticks <= UINT32_MAX,
        f"ladder: a day has {day_ticks} ticks of this plan, not 1 to 2**32 - 1; change hop, stride or duty",
    )
    scores = rung_scores(lowest, highest, section.rungs)
    return LadderPlan(
        checked_cast(scores, "<u4", "ladder: raise_scores"), day_ticks, day_rest_q16, section.episode_gap_days
    )


def promise_plans(spec: PipelineSpec, ladder: LadderPlan | None) -> tuple[PromisePlan, ...] | None:
    """Plan the promises of a ladder section; None for a spec without one."""
    section = spec.ladder
    if section is None or ladder is None:
        return None
    return tuple(
        promise_plan(Budget.parse(text), section.confidence, section.max_alarm_fraction, ladder)
        for text in section.budgets
    )


def promise_plan(
    budget: Budget, confidence: float, max_alarm_fraction: float, ladder: LadderPlan, *, method: Method = "anytime"
) -> PromisePlan:
    """Plan one promise.

    Parameters
    ----------
    budget : Budget
    confidence : 0.5 to 0.999
    max_alarm_fraction : share of the time in alarm above which a rung fails, above 0 to 1
    ladder : says how many ticks a day has
    method : a plan holds anytime; fixed is for evidence that is looked at once

    Raises
    ------
    InputError : a device would need more than a year without any alarm
    """
    check_reachable(budget, confidence)
    days = [days_needed(count, budget, confidence, method=method) for count in range(N_NEEDS)]
    unit = ladder.day_q16 / 65536 if budget.unit == Unit.ALARM else 1
    needs = [math.ceil(each * unit - _ROUNDING) for each in days]
    require(
        needs[-1] <= UINT32_MAX, f"ladder: budget '{budget}' needs {needs[-1]} ticks, more than 2**32 - 1; shorten it"
    )
    return PromisePlan(
        unit=int(budget.unit),
        needs=checked_cast(needs, "<u4", "promise: needs"),
        most_in_alarm_q16=max(1, rounded(max_alarm_fraction * 65536)),
        event_q16=math.floor(math.log(CHANCE) * 65536),
        day_q16=math.ceil(budget.rate * (CHANCE - 1) * 65536),
        broken_q16=math.ceil(-math.log1p(-confidence) * 65536),
    )


def counted_in(rungs: LadderPlan, counts: RungCounts, ticks: int, days: int, unit: Unit) -> tuple[int, float]:
    """Return the count of a budget's unit, and the days of service among which it is judged."""
    if unit == Unit.ALARM:
        return counts.alarms, ticks * 65536 / rungs.day_q16
    if unit == Unit.ALARM_DAY:
        return counts.days, days
    return counts.episodes, counts.at_risk


def rung_scores(lowest: int, highest: int, rungs: int) -> list[int]:
    """Place rungs at levels of equal ratio, 1.06 to 1.2.

    Where that is wider than from ``lowest`` to ``highest``, the rungs reach above it. Where it is narrower, they begin
    above ``lowest``: a ladder whose highest rung is too low certifies nothing.

    Parameters
    ----------
    lowest, highest : 1 to 2**32 - 1
    rungs : 2 or more

    Returns
    -------
    levels, rising
    """
    ratio = (highest / lowest) ** (1 / (rungs - 1)) if highest > lowest else NARROWEST
    ratio = min(WIDEST, max(NARROWEST, ratio))
    start = min(max(lowest, highest / ratio ** (rungs - 1)), UINT32_MAX / ratio ** (rungs - 1))
    found: list[int] = []
    for rung in range(rungs):
        found.append(max(rounded(start * ratio**rung), found[-1] + 1 if found else 1))
    found[-1] = max(found[-1], min(highest, UINT32_MAX))
    return found


def _ends(section: LadderSection, calibration: Calibration | None) -> tuple[int, int]:
    """Return the lowest and the highest level, as the spec says or as normal recordings have set them."""
    given = section.lowest, section.highest
    if "calibrated" in given and calibration is None:
        raise InputError(
            f"ladder.lowest and ladder.highest are calibrated, but there is no {CALIBRATION_FILE}: train first, or "
            "give numbers"
        )
    lowest, highest = given
    if lowest == "calibrated":
        assert calibration is not None
        if calibration.alarm_levels.score_99 is None:
            raise InputError(
                f"{CALIBRATION_FILE}: was written before it said where rungs begin; train or calibrate again, or give "
                "ladder.lowest"
            )
        lowest = max(1, calibration.alarm_levels.score_99)
    if highest == "calibrated":
        assert calibration is not None
        highest = min(UINT32_MAX, calibration.alarm_levels.highest_score + 1)
    return int(lowest), max(int(lowest), int(highest))


def _day_q16(made: Plan, rate_hz: float) -> int:
    """Compute the ticks of 86,400 s in q16; under a duty those of its ``on`` times.

    The rate is that of the spec: a plan keeps it in whole millihertz, which slow rows are no multiple of.
    """
    ticks, samples = 1, made.samples_per_tick
    if made.duty is not None:
        ticks, samples = made.ticks_in(made.duty.on), made.duty.every
    return rounded(DAY_S * rate_hz * ticks * 65536 / samples)
