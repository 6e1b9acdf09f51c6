"""The walk down a ladder, through `core.ladder` itself: what it certifies falsely, and why it counts days in alarm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomsdk.core import ladder as core
from anomsdk.core.ladder import Ladder, LadderPlan, PromisePlan, RungCounts, walk
from anomsdk.core.rung import Rung, TimingPlan, levels
from anomsdk.planner.ladder import promise_plan
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import days_needed

RUNGS = 24
BUDGET = "1 alarm-day/7d"
LEVELS = np.array([1000 + 100 * rung for rung in range(RUNGS)], np.uint32)


def timing(m=1, n=1, on_delay=0, off_delay=0, ratio=1.0):
    return TimingPlan(m, n, on_delay, off_delay, 0, round(ratio * 65536), 0)


def plan_of(day_ticks: int, scores=LEVELS) -> LadderPlan:
    return LadderPlan(np.asarray(scores, np.uint32), day_ticks, 0, 3)


def promise_of(plan: LadderPlan, most_in_alarm: float = 1.0) -> PromisePlan:
    return promise_plan(Budget.parse(BUDGET), 0.95, most_in_alarm, plan)


# Walk and daily looks


def falsely_certified(bad: int, promise: PromisePlan, devices: int, days: int, seed: int) -> int:
    """Devices whose ladder ever certifies a rung up to ``bad``, with a look at the end of each day.

    A tick is a day. The worst score of a day reaches rung ``bad`` on one day in 7, exactly the budget, and those above
    it 1.3 times less often each.
    """
    plan, rng, found = plan_of(1), np.random.default_rng(seed), 0
    for _ in range(devices):
        ladder = Ladder(plan, [promise], timing())
        reached = bad - np.log(rng.random(days) * 7) / np.log(1.3)
        rungs = np.floor(np.clip(reached, -1, RUNGS - 1)).astype(int)
        for rung in rungs.tolist():
            ladder.step(int(LEVELS[rung]) if rung >= 0 else 0)
            chosen = ladder.choose(0).rung
            if chosen is not None and chosen <= bad:
                found += 1
                break
    return found


@pytest.mark.parametrize("bad", [0, 9, 20])
def test_a_walk_with_daily_looks_keeps_to_5_percent(bad):
    """No correction for rungs or looks: 200 devices, each looked at on each of 100 days."""
    found = falsely_certified(bad, promise_of(plan_of(1)), 200, 100, seed=bad)
    assert 0 < found <= 10


def test_bounds_for_a_fixed_number_of_days_would_not_keep_to_it():
    """The same walk by Clopper-Pearson's bound: the test above would see it."""
    whole = promise_of(plan_of(1))
    needs = [days_needed(count, BUDGET, method="fixed") for count in range(core.N_NEEDS)]
    fixed = PromisePlan(whole.unit, np.array(needs, np.uint32), 65536, whole.event_q16, whole.day_q16, whole.broken_q16)
    assert falsely_certified(9, fixed, 200, 100, seed=9) > 20


def test_the_walk_stops_at_the_first_rung_that_fails_whatever_lies_below():
    """Else each bad rung would be a hypothesis of its own: of 23 independent ones at the budget, one often passes."""
    plan = plan_of(1)
    promise, rng, devices, days, bad = promise_of(plan), np.random.default_rng(1), 1000, 60, 23
    counts = rng.binomial(days, 1 / 7, (devices, bad))
    false, any_below = 0, 0
    for device in counts.tolist():
        rungs = [RungCounts(days=each) for each in device] + [RungCounts()] * (RUNGS - bad)
        chosen = walk(plan, promise, rungs, days, days).rung
        false += chosen is not None and chosen < bad
        any_below += min(device) <= 2  # a count of 2 in 60 days passes
    assert [int(need) <= days for need in promise.needs[:4]] == [True, True, True, False]
    assert false <= 0.05 * devices < any_below / 2


# Days in alarm, not days with a raise


class CountsRaises(Ladder):
    """The ladder as it must not be: a day counts if an alarm was raised on it."""

    def step(self, score: int) -> None:
        before = [counts.alarms for counts in self.counts]
        raised_today = list(self._today)
        ends = self._elapsed + 1 == self._plan.day_ticks
        days = [counts.days for counts in self.counts]
        super().step(score)
        for index, counts in enumerate(self.counts):
            raised = raised_today[index] or counts.alarms > before[index]
            if ends:
                counts.days = days[index] + raised
            else:
                self._today[index] = raised


HOURS = 24
LOW, HIGH = 1000, 1300


def swinging(days: int) -> list[int]:
    """Scores that swing each day between LOW and above HIGH, and fall below LOW's clear level every fourth day."""
    scores = []
    for day in range(days):
        hours = [1400 if hour % 8 < 4 else 1010 for hour in range(HOURS)]
        if day % 10 == 9:
            hours = [1010] * HOURS  # HIGH has a quiet day now and then
        if day % 4 == 3:
            hours[23] = 0
        scores += hours
    return scores


def counted(kind: type[Ladder], most_in_alarm: float) -> tuple[Ladder, LadderPlan, PromisePlan]:
    plan = plan_of(HOURS, [LOW, HIGH])
    promise = promise_of(plan, most_in_alarm)
    ladder = kind(plan, [promise], timing(ratio=0.8))
    for score in swinging(30):
        ladder.step(score)
    return ladder, plan, promise


def test_alarm_days_do_not_rise_with_the_level_where_days_with_a_raise_do():
    """27 of 30 days with a raise at one level, 8 at a lower one that is in alarm 99 % of the time."""
    ladder, plan, promise = counted(Ladder, 1.0)
    assert [counts.days for counts in ladder.counts] == [30, 27]
    assert ladder.counts[0].ticks > 0.98 * ladder.ticks
    assert walk(plan, promise, ladder.counts, ladder.ticks, ladder.days).rung is None

    raises, *_ = counted(CountsRaises, 1.0)
    assert [counts.days for counts in raises.counts] == [8, 27]
    assert raises.counts[0].ticks > 0.98 * raises.ticks


def test_counting_raises_would_certify_a_level_that_is_in_alarm_all_the_time():
    """One alarm that never ends: a single day with a raise, and 30 days in alarm."""
    for kind, chosen in ((Ladder, None), (CountsRaises, 0)):
        plan = plan_of(HOURS, [LOW, HIGH])
        promise = promise_of(plan, 1.0)
        ladder = kind(plan, [promise], timing(ratio=0.8))
        for _ in range(60 * HOURS):
            ladder.step(1010)  # above LOW from the first tick on, never at HIGH
        assert ladder.counts[1].days == 0
        choice = ladder.choose(0)
        assert ladder.counts[0].ticks == ladder.ticks
        assert choice.rung == (1 if chosen is None else chosen), kind


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=120),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from([0.5, 0.8, 1.0]),
    st.integers(1, 2000),
    st.integers(0, 500),
)
@settings(max_examples=300, deadline=None)
def test_a_lower_rung_is_in_alarm_whenever_a_higher_one_is(scores, n, less, on_delay, more, ratio, low, apart):
    """In each tick, if an alarm clears only after a vote's n ticks are calm: off-delay + 1 >= n + on-delay."""
    chosen = timing(max(1, n - less), n, on_delay, n + on_delay - 1 + more, ratio)
    lower, higher = (Rung(chosen, levels(level, chosen), cooldown=0) for level in (low, low + apart))
    for score in scores:
        lower.step(score)
        higher.step(score)
        assert lower.in_alarm or not higher.in_alarm


def test_with_a_shorter_off_delay_a_higher_rung_may_be_in_alarm_alone():
    """2 of 5 with an off-delay of 0: the lower one clears, forgets its hits and needs 2 new ones; the walk allows it."""
    chosen = timing(2, 5)
    lower, higher = (Rung(chosen, levels(level, chosen), cooldown=0) for level in (10, 12))
    for score in (10, 10, 12, 0, 12):
        lower.step(score)
        higher.step(score)
    assert higher.in_alarm and not lower.in_alarm
