"""Pooling: one level for all devices of a herd, certified by what they did together on each calendar day."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.ladder import Unit
from anomsdk.errors import CheckError
from anomsdk.stats.budgets import Budget
from anomsdk.stats.dependence import LEAST_DAYS, MOST_DISPERSED
from anomsdk.stats.promises import bound, certified, days_needed, dispersion, pooled_certified
from anomsdk.tune.calendar_days import CalendarDays
from anomsdk.tune.certificates import check_alarm_fraction, rungs_of
from anomsdk.tune.herd import Herd, Pooled, Row, Tuned

_MOST_DAYS = 3650
"""Most further days that are looked for; a rung that needs more fails."""


def pool(
    herd: Herd,
    budget: Budget,
    confidence: float = 0.95,
    *,
    max_alarm_fraction: float = 0.05,
    independent: bool = False,
) -> Tuned:
    """Choose one level for all devices of a herd.

    The certificate is for the mean of the devices, not for each of them: some may be over the budget. The walk goes
    down from the highest rung and stops at the first that fails.

    Parameters
    ----------
    herd : herd of exports with calendar days
    budget : of alarm-days
    confidence, max_alarm_fraction : as `anomsdk.tune.choose`
    independent : count each day of each device as a trial; only where devices raise alarms independently of one
        another. False: the share of devices in alarm on a day is one observation (`anomsdk.tune.pooled_certified`)

    Raises
    ------
    InputError : another unit, exports without calendar days, or zero hours of service
    CheckError : independent devices were declared, and the daily share varies by more than `MOST_DISPERSED` times what
        independent devices would make it, or there are fewer calendar days than `LEAST_DAYS` with half as many
        devices as on the fullest, or more
    """
    require(budget.unit == Unit.ALARM_DAY, f"`budget`: devices are pooled by alarm-days, and '{budget}' has none")
    check_alarm_fraction(max_alarm_fraction)
    days = CalendarDays(herd)
    n_rungs = rungs_of(herd.plan).n_rungs
    ladders = herd.ladders
    ticks = int(ladders.ticks.sum())
    require(ticks > 0, "tune: zero hours of service certify nothing; let the devices run")

    def passes(rung: int) -> bool:
        if int(ladders.count("ticks", rung).sum()) > max_alarm_fraction * ticks:
            return False
        if independent:
            return certified(int(days.alarms[:, rung].sum()), int(days.devices.sum()), budget, confidence)
        return pooled_certified(days.shares(rung), budget, confidence)

    chosen: int | None = None
    for rung in range(n_rungs - 1, -1, -1):
        if not passes(rung):
            break
        chosen = rung
    walked = range(max(0, (n_rungs if chosen is None else chosen) - 1), n_rungs)
    varies = max(dispersion(days.alarms[:, rung], days.devices) for rung in walked)
    if independent and varies > MOST_DISPERSED:
        raise CheckError(
            f"`independent`: the share of devices in alarm varies from day to day {varies:.2g} times as much as with "
            f"independent devices, more than {MOST_DISPERSED}: devices share what raises their alarms; use `pooled`"
        )
    shown = int((2 * days.devices >= days.devices.max()).sum())
    if independent and shown < LEAST_DAYS:
        raise CheckError(
            f"`independent`: {shown} calendar days with half of the devices or more do not show whether devices raise "
            f"alarms independently of one another, at least {LEAST_DAYS} are needed; use `pooled`, or wait"
        )
    judged = n_rungs - 1 if chosen is None else chosen
    count = int(days.alarms[:, judged].sum())
    pooled = Pooled(independent, len(days.days), int(days.devices.sum()), varies)
    missing, upper = 0, None
    if chosen is None:
        missing = _missing(days, judged, budget, confidence, independent)
    elif independent:
        upper = bound(count, pooled.device_days, Unit.ALARM_DAY, confidence) * float(budget.days)
    else:
        upper = _bound(days.shares(judged), confidence) * float(budget.days)
    plan, of_judged = herd.plan, ladders.count("days", judged).tolist()
    level = plan.levels.raise_score if chosen is None else int(rungs_of(plan).raise_scores[chosen])
    rows = tuple(
        Row(
            device,
            herd.groups[device],
            "certified" if chosen is not None else "more days" if missing else "fails",
            level,
            chosen,
            upper,
            missing,
            days_in_alarm,
            int(ladders.days[place]),
        )
        for place, (device, days_in_alarm) in enumerate(zip(ladders, of_judged, strict=True))
    )
    return Tuned(herd, budget, confidence, "anytime", max_alarm_fraction, rows, pooled)


def _missing(days: CalendarDays, rung: int, budget: Budget, confidence: float, independent: bool) -> int:
    """Compute the further calendar days without an alarm until a rung is certified; 0: more than ten years."""
    if independent:
        needed = days_needed(int(days.alarms[:, rung].sum()), budget, confidence) - float(days.devices.sum())
        further = math.ceil(needed / float(days.devices.mean()))
        return further if 0 < further <= _MOST_DAYS else 0
    shares = days.shares(rung)

    def holds(n: int) -> bool:
        return pooled_certified(np.concatenate([shares, np.zeros(n)]), budget, confidence)

    return _least(holds, _MOST_DAYS) if holds(_MOST_DAYS) and not holds(0) else 0


def _least(holds: Callable[[int], bool], high: int) -> int:
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _bound(shares: NDArray[np.float64], confidence: float) -> float:
    """Compute the smallest rate a day that daily shares certify, to 1 in 10,000."""
    low, high = 0, 9_999
    while high - low > 1:
        middle = (low + high) // 2
        made = Budget(1, Unit.ALARM_DAY, Fraction(10_000, middle))
        low, high = (low, middle) if pooled_certified(shares, made, confidence) else (middle, high)
    return high / 10_000
