"""Ladder: what its rungs count, which level a walk chooses, and when a promise is broken."""

from __future__ import annotations

from dataclasses import astuple, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomsdk import InputError
from anomsdk.core.event import Promise
from anomsdk.core.ladder import (
    MAX_DELAY,
    Choice,
    Ladder,
    LadderPlan,
    PromisePlan,
    RungCounts,
    Unit,
    ladder_bytes,
    takes,
    walk,
)
from anomsdk.core.record import Record
from anomsdk.core.rung import Rung, TimingPlan, levels
from tests.support.tiny_plans import promise_plan

PLAIN = TimingPlan(1, 1, 0, 0, 0, clear_ratio_q16=52429, high_ratio_q16=0)
LOW, FIRST, SECOND, THIRD = 0, 1000, 1200, 1440


def plan_of(day=4, rest=0, gap=1, scores=(FIRST, SECOND, THIRD)):
    return LadderPlan(np.array(scores, np.uint32), day, rest, gap)


def ladder_of(*promises, timing=PLAIN, **plan):
    return Ladder(plan_of(**plan), promises or (promise_plan(),), timing)


def give(ladder, *scores):
    for score in scores:
        ladder.step(score)
    return ladder


timings = st.builds(
    lambda m, spare, on, off, cooldown, clear, high, after: TimingPlan(
        m, m + spare, on, off, cooldown, clear_ratio_q16=clear, high_ratio_q16=high, clear_after=after
    ),
    st.integers(1, 4),
    st.integers(0, 4),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 9),
    st.sampled_from([1, 32768, 52429, 65536]),
    st.sampled_from([0, 65537, 98304]),
    st.sampled_from([None, 1, 4]),
)
steps = st.lists(
    st.one_of(
        st.sampled_from([LOW, 900, FIRST, 1100, SECOND, 1300, THIRD, 2200]),
        st.just("gap"),
        st.tuples(st.just("pause"), st.integers(0, 6)),
        st.just("stop"),
    ),
    max_size=80,
)
plans = st.builds(
    plan_of, day=st.integers(1, 6), rest=st.sampled_from([0, 1, 32768, 65535]), gap=st.sampled_from([0, 1, 2, 5])
)


def apply(ladder, step):
    if step == "gap":
        ladder.gap()
    elif step == "stop":
        ladder.stop()
    elif isinstance(step, tuple):
        ladder.pause(step[1])
    else:
        ladder.step(step)


# Counts


@given(plans, timings, steps)
@settings(max_examples=80, deadline=None)
def test_a_ladder_counts_what_a_list_of_rungs_without_a_cooldown_does(plan, timing, given_steps):
    """Each rung on its own, and its days from the list of its ticks in alarm."""
    ladder = Ladder(plan, (), timing)
    for step in given_steps:
        apply(ladder, step)
    for score, counts in zip(plan.raise_scores.tolist(), ladder.counts, strict=True):
        rung, raised, in_alarm = Rung(timing, levels(score, timing), cooldown=0), 0, []
        for step in given_steps:
            if step == "gap":
                rung.gap(7)
            elif step == "stop":
                rung.reset()
            elif isinstance(step, tuple):
                rung.pause(step[1])
            else:
                raised += rung.step(step) >= 2
                in_alarm.append(rung.in_alarm)
        n_days = (len(in_alarm) << 16) // plan.day_q16
        ends = [-(-(day * plan.day_q16) >> 16) for day in range(n_days + 1)]  # the tick that completes each day
        days = [any(in_alarm[a:b]) for a, b in pairwise(ends)]
        episodes, at_risk, quiet = 0, 0, plan.episode_gap
        for day in days:
            risk = plan.episode_gap > 0 and quiet >= plan.episode_gap
            at_risk, episodes, quiet = at_risk + risk, episodes + (risk and day), 0 if day else quiet + 1
        assert astuple(counts) == (sum(in_alarm), raised, sum(days), episodes, at_risk)
        assert (ladder.ticks, ladder.days) == (len(in_alarm), n_days)


@given(plans, timings, st.lists(st.sampled_from([LOW, 900, FIRST, 1100, SECOND, THIRD]), max_size=80))
@settings(max_examples=80, deadline=None)
def test_alarm_days_do_not_rise_with_the_level_where_one_tick_decides(plan, timing, scores):
    """Without a high level, delays and votes of several ticks a higher rung is in alarm only where a lower one is."""
    one = replace(timing, m=1, n=1, on_delay=0, high_ratio_q16=0)
    ladder = give(Ladder(plan, (), one), *scores)
    days, ticks = [c.days for c in ladder.counts], [c.ticks for c in ladder.counts]
    assert days == sorted(days, reverse=True) and ticks == sorted(ticks, reverse=True)


def test_a_day_in_alarm_without_a_raise_is_an_alarm_day():
    ladder = give(ladder_of(), LOW, LOW, LOW, FIRST, *[900] * 4, LOW, LOW, LOW, LOW)
    assert (ladder.counts[0].alarms, ladder.counts[0].days, ladder.days) == (1, 2, 3)


def test_only_complete_days_count():
    ladder = give(ladder_of(day=3, rest=32768), FIRST, LOW, LOW)
    assert (ladder.days, ladder.counts[0].days) == (0, 0)
    assert (give(ladder, LOW).days, ladder.counts[0].days) == (1, 1)
    assert give(ladder, LOW, LOW).days == 1 and give(ladder, LOW).days == 2, (
        "seven ticks are two days of three and a half"
    )


@pytest.mark.parametrize("rest", [0, 1, 30000, 65535])
def test_many_days_do_not_drift(rest):
    ladder = give(ladder_of(day=2, rest=rest), *[LOW] * 1000)
    assert ladder.days == (1000 << 16) // (2 * 65536 + rest)


# The walk

counts_of = st.builds(
    RungCounts,
    ticks=st.integers(0, 120),
    alarms=st.integers(0, 20),
    days=st.integers(0, 20),
    episodes=st.integers(0, 20),
    at_risk=st.integers(0, 40),
)


@given(
    st.lists(counts_of, min_size=3, max_size=3),
    st.sampled_from(list(Unit)),
    st.integers(0, 400),
    st.integers(0, 100),
    st.integers(0, 2),
    st.sampled_from([1, 3277, 32768, 65536]),
)
@settings(max_examples=300, deadline=None)
def test_a_walk_takes_the_lowest_rung_above_the_first_that_fails(counts, unit, ticks, days, lowest, most):
    plan, promise = plan_of(), promise_plan(unit, first=3, most=most)

    def keeps(rung):
        count = {Unit.ALARM: rung.alarms, Unit.ALARM_DAY: rung.days, Unit.EPISODE: rung.episodes}[unit]
        watched = {Unit.ALARM: ticks, Unit.ALARM_DAY: days, Unit.EPISODE: rung.at_risk}[unit]
        return count <= 15 and watched >= 3 * (count + 1) and rung.ticks * 65536 <= most * ticks

    whole = [index for index in range(lowest, 3) if all(keeps(each) for each in counts[index:])]
    found = walk(plan, promise, counts, ticks, days, lowest)
    assert found.rung == (min(whole) if whole else None)
    assert found.rung is not None or found.days >= 0


def test_the_highest_rung_says_what_is_missing():
    plan, clean = plan_of(day=10), [RungCounts()] * 3
    assert walk(plan, promise_plan(first=30), clean, 40, 4) == Choice(None, 26)
    assert walk(plan, promise_plan(Unit.ALARM, first=30), clean, 9, 0) == Choice(None, 3), "21 ticks are 3 days of 10"
    many = [RungCounts(), RungCounts(), RungCounts(days=16)]
    assert walk(plan, promise_plan(), many, 40, 65535) == Choice(None, 0)
    long = [RungCounts(), RungCounts(), RungCounts(ticks=21)]
    assert walk(plan, promise_plan(most=32768), long, 40, 2) == Choice(None, 0)


# Levels


def test_calibrate_lowers_under_the_same_promise_only():
    """What was certified stays, and another promise or a level that somebody set is taken from anew."""
    ladder = give(ladder_of(promise_plan(first=2), promise_plan(first=1)), FIRST, *[LOW] * 7)
    ladder.calibrate(0)
    assert (ladder.tag, ladder.take_news()) == (2, (Promise.CERTIFIED, 0)), "one alarm-day of two: two days are too few"
    give(ladder, *[LOW] * 8).calibrate(0)
    assert (ladder.tag, ladder.promise) == (1, 1)
    give(ladder, *[FIRST] * 7, LOW).calibrate(0)
    assert (ladder.tag, ladder.promise) == (1, 1) and ladder.take_news() == (Promise.CERTIFIED, 0), "not raised"
    ladder.set_level(1)
    ladder.calibrate(0)
    assert (ladder.tag, ladder.promise) == (2, 1), "from a level that was set the certified rung is taken, if higher"
    ladder.set_level(3)
    ladder.calibrate(1)
    assert (ladder.tag, ladder.promise) == (1, 2), "and if lower: three alarm-days need four days of the second"


def test_a_certificate_stands_until_its_promise_is_broken():
    """Alarm-days beyond the table of needs, spread thin: no walk certifies a rung any more, and none is broken."""
    ladder = give(ladder_of(promise_plan(first=2), promise_plan(first=1)), *[LOW] * 8)
    ladder.calibrate(0)
    for _ in range(16):
        give(ladder, THIRD, *[LOW] * 399)
    assert ladder.choose(0).rung is None and ladder.tag == 1
    ladder.calibrate(0)
    assert (ladder.tag, ladder.promise, ladder.take_news()) == (1, 1, (Promise.CERTIFIED, 0))
    ladder.calibrate(1)
    assert (ladder.tag, ladder.promise, ladder.take_news()) == (1, 1, (Promise.FAILED, 0)), "of another promise"


def test_without_a_certificate_the_level_stays():
    ladder = ladder_of(promise_plan(first=300))
    for tag in (0, 2):
        ladder.set_level(tag)
        ladder.calibrate(0)
        assert (ladder.tag, ladder.promise, ladder.take_news()) == (tag, 0, (Promise.NEEDS, 255))
    give(ladder, *[THIRD] * 70)
    ladder.calibrate(0)
    assert (ladder.tag, ladder.take_news()) == (2, (Promise.FAILED, 0))


def test_news_are_taken_once():
    ladder = ladder_of()
    assert ladder.take_news() is None
    ladder.set_level(2)
    ladder.set_level(0)
    assert ladder.take_news() == (Promise.SET, 0) and ladder.take_news() is None


# A promise that is broken


def broken(ladder):
    return ladder.take_news() == (Promise.BROKEN, 0)


def test_a_level_that_alarms_every_day_is_raised_and_never_certified_again():
    """A rung above that keeps the promise by all counts takes its place, and the promise goes on."""
    ladder = give(ladder_of(), *[LOW] * 8)
    ladder.calibrate(0)
    assert (ladder.tag, ladder.take_news()) == (1, (Promise.CERTIFIED, 0))
    give(ladder, *[FIRST, LOW, LOW, LOW] * 2)
    assert (ladder.tag, ladder.take_news()) == (1, None), "2 * (72000 - 4370) is below 200000"
    give(ladder, FIRST, LOW, LOW, LOW)
    assert (ladder.tag, ladder.promise, broken(ladder)) == (2, 1, True)
    give(ladder, *[LOW] * 400).calibrate(0)
    assert ladder.tag == 2, "the first rung has kept the promise since, and is not taken"
    ladder.set_level(0)
    ladder.calibrate(0)
    assert ladder.tag == 1, "until somebody sets a level"


def test_where_no_rung_above_keeps_the_promise_the_next_one_runs_without_it():
    ladder = give(ladder_of(), *[LOW] * 8)
    ladder.calibrate(0)
    ladder.take_news()
    give(ladder, *[THIRD, LOW, LOW, LOW] * 3)
    assert (ladder.tag, ladder.promise, broken(ladder)) == (2, 0, True)
    give(ladder, *[THIRD, LOW, LOW, LOW] * 9)
    assert (ladder.tag, ladder.take_news()) == (2, None)


def test_the_evidence_of_a_level_that_keeps_its_budget_falls_for_ever_and_no_further():
    ladder = give(ladder_of(promise_plan(day_q16=1 << 24)), *[LOW] * 8)
    ladder.calibrate(0)
    give(ladder, *[LOW] * 4 * 80)
    record = Record(0, b"", 0, 0)
    ladder.save(record)
    assert int.from_bytes(record.ladder[16:20], "little", signed=True) == -(1 << 30)


# Records


@given(plans, timings, steps, steps, st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_ladder_that_is_restored_goes_on_as_if_it_had_never_stopped(plan, timing, before, after, asks):
    promises = (promise_plan(first=1, broken_q16=100000), promise_plan(Unit.ALARM, first=3, broken_q16=60000))
    whole, other = (Ladder(plan, promises, timing) for _ in range(2))
    for step in before:
        apply(whole, step)
    if asks:
        whole.calibrate(len(before) % 2)
    record = Record(0, b"", 0, 0)
    whole.save(record)
    assert len(record.ladder) == ladder_bytes(plan) and takes(plan, 2, timing, record)
    other.restore(record, releveled=False)
    for step in after:
        apply(whole, step)
        apply(other, step)
        assert other.take_news() == whole.take_news()
    found = [Record(0, b"", 0, 0) for _ in range(2)]
    for ladder, each in zip((whole, other), found, strict=True):
        ladder.save(each)
    assert found[0] == found[1]


def test_a_record_of_another_plan_ends_the_promise_and_keeps_the_level():
    ladder = give(ladder_of(), *[LOW] * 8)
    ladder.calibrate(0)
    record = Record(0, b"", 0, 0)
    ladder.save(record)
    other = ladder_of()
    other.restore(record, releveled=True)
    assert (other.tag, other.promise, other.counts, other.days) == (1, 0, ladder.counts, 2)


# Plans


@pytest.mark.parametrize(
    ("change", "timing", "says"),
    [
        ({"raise_scores": np.array([5], np.uint32)}, {}, "ladder: 1 rungs, not 2 to 24"),
        ({"raise_scores": np.arange(1, 26, dtype=np.uint32)}, {}, "ladder: 25 rungs, not 2 to 24"),
        ({"raise_scores": np.array([5, 5], np.uint32)}, {}, "ladder: raise_scores do not rise from 1 or more"),
        ({"raise_scores": np.array([0, 5], np.uint32)}, {}, "ladder: raise_scores do not rise from 1 or more"),
        ({"raise_scores": np.array([1, 5], np.int32)}, {}, "ladder: raise_scores"),
        ({"day_ticks": 0}, {}, "ladder: a day of 0 ticks, not 1 to 2**32 - 1"),
        ({"day_ticks": 2**32}, {}, "ladder: a day of 4294967296 ticks"),
        ({"day_rest_q16": 65536}, {}, "ladder: day_rest_q16 is 65536, not 0 to 65535"),
        ({"day_rest_q16": -1}, {}, "ladder: day_rest_q16 is -1"),
        ({"episode_gap": 255}, {}, "ladder: episode_gap is 255 days, not 0 to 254"),
        ({}, {"on_delay": MAX_DELAY + 1}, "ladder: on_delay is 65535 ticks, more than 65534; shorten it"),
        ({}, {"off_delay": MAX_DELAY + 1}, "ladder: off_delay is 65535 ticks"),
        ({}, {"clear_after": MAX_DELAY + 1}, "ladder: clear_after is 65535 ticks"),
    ],
)
def test_a_ladder_out_of_range_is_refused(change, timing, says):
    plan_of().check(replace(PLAIN, on_delay=MAX_DELAY, off_delay=MAX_DELAY, clear_after=MAX_DELAY, cooldown=2**31 - 1))
    with pytest.raises(InputError) as caught:
        replace(plan_of(), **change).check(replace(PLAIN, **timing))
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"unit": 3}, "promise: unit 3 is unknown"),
        ({"unit": 2}, "promise: a budget of episodes, but the ladder counts none; set episode_gap_days"),
        ({"needs": np.zeros(15, np.uint32)}, "promise: needs"),
        ({"needs": np.arange(16, dtype=np.uint32)}, "promise: needs fall, or begin with 0"),
        ({"needs": np.arange(16, 0, -1, dtype=np.uint32)}, "promise: needs fall, or begin with 0"),
        ({"most_in_alarm_q16": 0}, "promise: most_in_alarm_q16 is 0, not 1 to 65536"),
        ({"most_in_alarm_q16": 65537}, "promise: most_in_alarm_q16 is 65537"),
        ({"event_q16": 0}, "promise: event_q16 is 0, not 1 to 2**24"),
        ({"day_q16": (1 << 24) + 1}, "promise: day_q16 is 16777217"),
        ({"broken_q16": 0}, "promise: broken_q16 is 0"),
    ],
)
def test_a_promise_out_of_range_is_refused(change, says):
    promise_plan(Unit.EPISODE).check(plan_of(gap=1))
    with pytest.raises(InputError) as caught:
        replace(promise_plan(), **change).check(plan_of(gap=0))
    assert str(caught.value).startswith(says)
    assert isinstance(promise_plan(), PromisePlan)
