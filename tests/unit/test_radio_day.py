"""Events of a day by radio: no signal makes a device send more alarms than `radio_day` says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anomsdk import Pipeline
from anomsdk.core.duty import DutyPlan
from anomsdk.core.plan import SensorPlan
from anomsdk.core.rung import levels
from anomsdk.plans.radio import radio_day
from tests.support.tiny_plans import RAISE, row, tiny_plan

RATE_HZ = 0.1
DAY = 8640
"""Rows of a day."""
DUTY = DutyPlan(10, 60)


def plan_of(high, **changes):
    """A plan whose rows are 10 s long, with or without a high level."""
    plan = tiny_plan(**changes)
    timing = plan.timing if high else replace(plan.timing, high_ratio_q16=0)
    sensor = SensorPlan("external", int(1000 * RATE_HZ))
    return replace(plan, sensor=sensor, timing=timing, levels=levels(RAISE, timing))


def alarms_of_a_day(plan):
    """Alarms of the signal that alarms most often: high until the alarm is raised, low until it clears."""
    at = alarms = 0
    stands = False
    with Pipeline(plan) as pipeline:
        while at < DAY:
            on = DAY if plan.duty is None else plan.duty.on
            for _ in range(min(on, DAY - at)):
                word = "low" if stands else "top" if plan.levels.high_score else "hit"
                results = pipeline.process(np.array([row(word)], np.int16))
                for event in (event for result in results for event in result.events):
                    alarms += event.raised
                    stands = not event.cleared and (stands or event.raised)
                at += 1
            if plan.duty is not None:
                pipeline.gap(plan.duty.every - plan.duty.on)
                at += plan.duty.every - plan.duty.on
    return alarms


@pytest.mark.parametrize("high", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"off_delay": 3, "cooldown": 7, "m": 2, "n": 3},
        {"off_delay": 3, "cooldown": 1, "m": 2, "n": 3, "on_delay": 4},
        {"cooldown": 60, "duty": DUTY},
        {"off_delay": 1000, "clear_after": 120, "duty": DUTY},
        {"off_delay": 1000, "clear_after": 2, "duty": DUTY},
        {"off_delay": 15, "clear_after": 120, "cooldown": 70, "m": 3, "n": 5, "duty": DUTY},
    ],
)
def test_no_signal_makes_more_alarms(changes, high):
    plan = plan_of(high, **changes)
    most, found = radio_day(plan).most_alarms, alarms_of_a_day(plan)
    assert found <= most
    if plan.duty is None:
        assert found == most, "without a pause it is the number itself"
    else:
        assert found > most / 8


@pytest.mark.parametrize(
    ("repeat", "after", "every"),
    [(0, 0, 0), (7, 0, 0), (0, 10, 0), (0, 10, 25), (5, 10, 0), (10, 10, 0), (7, 10, 0), (30, 10, 0), (7, 10, 40)],
)
def test_events_of_a_day_while_an_alarm_stands(repeat, after, every):
    """An escalation begins the time until the next repeat anew."""
    plan = plan_of(False, repeat=repeat, escalate_after=after, escalate_every=every)
    with Pipeline(plan) as pipeline:
        pipeline.process(np.array([row("hit")], np.int16))
        results = pipeline.process(np.array([row("hit")] * DAY, np.int16))
    found = sum(len(result.events) for result in results)
    of_a_period = 2 + every // repeat if repeat else 2
    assert abs(radio_day(plan).standing - found) < of_a_period, "the first escalation need not wait for `every`"
