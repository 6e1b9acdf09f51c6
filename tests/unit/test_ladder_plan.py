"""Spec section [ladder]: where rungs are placed, how long a day is, what budgets become, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk import InputError, PipelineSpec
from anomsdk.core.duty import DutyPlan
from anomsdk.core.ladder import Unit
from anomsdk.planner.calibration import AlarmLevels, Calibration, alarm_levels
from anomsdk.planner.ladder import NARROWEST, WIDEST, ladder_plan, promise_plan, promise_plans, rung_scores
from anomsdk.plans.describe import as_text, describe
from anomsdk.plans.file import parse_plan
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import days_needed
from tests.support.tiny_plans import tiny_plan, with_ladder
from tests.unit.test_supervised_plans import AUDIO, MOTION, ROWS, spec_of

TOP = 2**32 - 1
GIVEN = {"lowest": 1000, "highest": 20000}


def laddered(tree=ROWS, **ladder):
    return spec_of(tree, ladder={**GIVEN, **ladder})


# Rungs


@given(st.integers(1, TOP), st.integers(1, TOP), st.integers(2, 24))
@settings(max_examples=300, deadline=None)
def test_rungs_rise_by_equal_ratios_up_to_the_highest(a, b, n):
    lowest, highest = min(a, b), max(a, b)
    scores = rung_scores(lowest, highest, n)
    assert len(scores) == n and scores[0] >= 1 and scores[-1] <= max(TOP, highest)
    assert all(x < y for x, y in pairwise(scores))
    assert scores[-1] >= highest, "a ladder whose highest rung is too low certifies nothing"
    ratios = [y / x for x, y in pairwise(scores) if x > 1000]
    assert all(NARROWEST - 0.002 < ratio < WIDEST + 0.002 for ratio in ratios[:-1])


def test_a_narrow_span_is_reached_over_and_a_wide_one_keeps_its_highest():
    narrow = rung_scores(1000, 1100, 24)
    assert narrow[0] == 1000 and narrow[-1] == round(1000 * 1.06**23)
    fits = rung_scores(1000, 10_000, 24)
    assert (fits[0], fits[-1]) == (1000, 10_000)
    wide = rung_scores(10, 10_000_000, 24)
    assert wide[-1] == 10_000_000 and wide[0] == round(10_000_000 / 1.2**23)
    assert rung_scores(1000, 1000, 24) == narrow, "one level alone"


def test_tiny_and_huge_scores_have_rungs_that_differ():
    assert rung_scores(1, 1, 24) == list(range(1, 25)) and rung_scores(1, 2, 2) == [2, 3]
    top = rung_scores(TOP, TOP, 24)
    assert top[-1] == TOP and top[0] == round(TOP / 1.06**23) and len(set(top)) == 24


@pytest.mark.parametrize("n", [2, 3, 24])
def test_any_span_makes_a_plan_that_is_proven(n):
    for lowest, highest in ((1, 1), (1, TOP), (TOP, TOP), (TOP - 1, TOP), (77, 78), (1000, 30000)):
        with_ladder(tiny_plan(), *rung_scores(lowest, highest, n))


# The calibration


def calibrated(**levels):
    made = alarm_levels([np.arange(1, 1001)])
    return Calibration.model_construct(alarm_levels=made.model_copy(update=levels))


def test_rungs_lie_between_the_bulk_of_normal_scores_and_the_highest():
    made = ladder_plan(spec_of(ROWS, ladder={}), tiny_plan(), calibrated(score_99=991, highest_score=5000))
    assert made.raise_scores[0] == 991 and made.raise_scores[-1] == 5001
    made = ladder_plan(spec_of(ROWS, ladder={}), tiny_plan(), calibrated(score_99=0, highest_score=0))
    assert made.raise_scores[0] == 1
    made = ladder_plan(spec_of(ROWS, ladder={"lowest": 9000}), tiny_plan(), calibrated(score_99=1, highest_score=50))
    assert made.raise_scores[0] == 9000, "the highest normal score lies below what the spec says"
    made = ladder_plan(spec_of(ROWS, ladder={"highest": 700}), tiny_plan(), calibrated(score_99=991))
    assert made.raise_scores[0] == 991
    made = ladder_plan(spec_of(ROWS, ladder={}), tiny_plan(), calibrated(score_99=TOP, highest_score=TOP))
    assert made.raise_scores[-1] == TOP


@pytest.mark.parametrize("n", [1, 2, 99, 100, 101, 1000])
def test_the_bulk_is_the_smallest_score_that_99_percent_do_not_exceed(n):
    scores = np.random.default_rng(n).permutation(np.arange(10, 10 + n))
    found = alarm_levels([scores[: n // 2], scores[n // 2 :]]).score_99
    share = [np.mean(scores <= each) for each in sorted(scores)]
    assert np.mean(scores <= found) >= 0.99 or found == scores.max()
    assert found in scores and sum(s < 0.99 for s in share) <= found - 10 + 1
    assert alarm_levels([]).score_99 == 0


def test_a_calibration_from_before_is_read_and_says_what_to_do():
    old = AlarmLevels.model_validate({**alarm_levels([np.arange(9)]).model_dump(exclude={"score_99"})})
    assert old.score_99 is None
    with pytest.raises(InputError) as caught:
        ladder_plan(spec_of(ROWS, ladder={}), tiny_plan(), calibrated(score_99=None))
    assert str(caught.value) == (
        "calibration.json: was written before it said where rungs begin; train or calibrate again, or give ladder.lowest"
    )
    ladder_plan(spec_of(ROWS, ladder={"lowest": 5}), tiny_plan(), calibrated(score_99=None))


@pytest.mark.parametrize("ladder", [{}, {"lowest": 5}, {"highest": 5}])
def test_calibrated_rungs_need_a_calibration(ladder):
    with pytest.raises(InputError) as caught:
        ladder_plan(spec_of(ROWS, ladder=ladder), tiny_plan(), None)
    assert str(caught.value) == (
        "ladder.lowest and ladder.highest are calibrated, but there is no calibration.json: train first, or give numbers"
    )


# Days


@pytest.mark.parametrize("rate_hz", [0.001, 0.007, 1 / 60, 1 / 900, 86.133, 1, 10, 16_000])
@pytest.mark.parametrize("stride", [1, 3])
def test_a_day_has_the_ticks_of_86400_seconds(rate_hz, stride):
    """Rows each minute or quarter of an hour, too, whose rate is no multiple of a millihertz."""
    plan = tiny_plan(stride=stride)
    spec = spec_of(ROWS, sensor={"kind": "external", "rate_hz": rate_hz}, ladder=GIVEN)
    made = ladder_plan(spec, plan, None)
    assert abs(made.day_q16 - 86400 * Fraction(rate_hz) / plan.samples_per_tick * 65536) <= Fraction(1, 2)
    assert (made.day_ticks, made.day_rest_q16) == divmod(made.day_q16, 65536)
    assert (made.day_ticks, made.day_rest_q16) == divmod(made.day_q16, 65536)


def test_a_day_with_a_duty_has_the_ticks_of_its_on_times():
    """Each judged tick stands for the pauses, too: five ticks of every sixty rows."""
    plan = tiny_plan(duty=DutyPlan(on=5, every=60))
    exact = Fraction(86400 * 10 * 5, 60)
    spec = spec_of(ROWS, sensor={"kind": "external", "rate_hz": 10}, ladder=GIVEN)
    assert ladder_plan(spec, plan, None).day_q16 == exact * 65536


# Promises


@pytest.mark.parametrize("budget", ["1 alarm-day/30d", "1 alarm-day/7d", "2 episodes/90d", "1 alarm/7d", "3 alarms/8h"])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_needs_are_the_days_of_the_arithmetic_rounded_up(budget, confidence):
    ladder = ladder_plan(laddered(), tiny_plan(), None)
    made = promise_plan(Budget.parse(budget), confidence, 0.05, ladder)
    made.check(ladder)
    unit = Budget.parse(budget).unit
    day = ladder.day_q16 / 65536 if unit == Unit.ALARM else 1
    for count, need in enumerate(made.needs.tolist()):
        days = days_needed(count, budget, confidence)
        assert days <= need / day + 1e-6 / day and (need - 1) / day < days
    assert made.unit == unit and made.most_in_alarm_q16 == round(0.05 * 65536)
    assert made.broken_q16 / 65536 == pytest.approx(-math.log(1 - confidence), abs=2e-5)
    assert made.broken_q16 / 65536 >= -math.log(1 - confidence), "never broken too early"
    assert made.day_q16 >= 2 * Budget.parse(budget).rate * 65536 and made.event_q16 <= math.log(3) * 65536


def test_the_test_of_a_running_promise_is_fair():
    """At the budget the expected growth of an e-process is at most 1: 3**alarm * exp(-2 rate), for a day or an alarm."""
    for budget in ("1 alarm-day/30d", "1 alarm-day/2d", "1 episode/7d"):
        made = promise_plan(Budget.parse(budget), 0.95, 0.05, ladder_plan(laddered(), tiny_plan(), None))
        rate = float(Budget.parse(budget).rate)
        step = math.exp(made.event_q16 / 65536), math.exp(-made.day_q16 / 65536)
        assert (rate * step[0] + 1 - rate) * step[1] <= 1
    made = promise_plan(Budget.parse("1 alarm/7d"), 0.95, 0.05, ladder_plan(laddered(), tiny_plan(), None))
    mean = sum(math.exp(-1 / 7) / 7**k / math.factorial(k) * math.exp(k * made.event_q16 / 65536) for k in range(30))
    assert mean * math.exp(-made.day_q16 / 65536) <= 1


def test_a_promise_that_one_device_cannot_reach_is_refused():
    with pytest.raises(InputError, match="a device needs 1342 days with none before '1 alarm-day/365d' is certified"):
        promise_plan(Budget.parse("1 alarm-day/365d"), 0.95, 0.05, ladder_plan(laddered(), tiny_plan(), None))


def test_promises_follow_the_budgets_in_their_order():
    spec = laddered(budgets=["1 alarm/7d", "1 alarm-day/14d"], confidence=0.9, max_alarm_fraction=1.0)
    made = promise_plans(spec, ladder_plan(spec, tiny_plan(), None))
    assert [each.unit for each in made] == [Unit.ALARM, Unit.ALARM_DAY] and made[0].most_in_alarm_q16 == 65536
    assert promise_plans(spec_of(ROWS), None) is None and ladder_plan(spec_of(ROWS), tiny_plan(), None) is None


# Specs


@pytest.mark.parametrize(
    ("ladder", "says"),
    [
        ({"budgets": ["0/30d"]}, "'0/30d' is no budget"),
        ({"budgets": ["1/0d"]}, "'1/0d' is no budget"),
        ({"budgets": ["1 alarm-weak/30d"]}, "'1 alarm-weak/30d' is no budget"),
        ({"budgets": ["0 alarms/30d"]}, "allows nothing"),
        (
            {"budgets": ["1 alarm-day/365d"]},
            "a device needs 1342 days with none before '1 alarm-day/365d' is certified",
        ),
        ({"budgets": ["1 alarm-day/30d", "1 alarm/500d"]}, "more than a year"),
        ({"budgets": []}, "budgets"),
        ({"budgets": ["1 alarm-day/30d"] * 5}, "budgets"),
        ({"budgets": "1 alarm-day/30d"}, "budgets"),
        ({"budgets": [30]}, "budgets"),
        ({"confidence": 0.4}, "confidence"),
        ({"confidence": 1.0}, "confidence"),
        ({"confidence": 0.999, "budgets": ["1 alarm-day/60d"]}, "more than a year"),
        ({"rungs": 1}, "rungs"),
        ({"rungs": 25}, "rungs"),
        ({"rungs": 24.5}, "rungs"),
        ({"lowest": 0}, "lowest"),
        ({"lowest": 2**32}, "lowest"),
        ({"highest": "top"}, "highest"),
        ({"lowest": 500, "highest": 500}, "lowest 500 is not below highest 500; lower it"),
        ({"episode_gap_days": 0}, "episode_gap_days"),
        ({"episode_gap_days": 255}, "episode_gap_days"),
        ({"max_alarm_fraction": 0.0}, "max_alarm_fraction"),
        ({"max_alarm_fraction": 1.01}, "max_alarm_fraction"),
        ({"budget": "1 alarm/7d"}, "budget"),
    ],
)
def test_a_section_out_of_range_is_refused_in_one_line(ladder, says):
    with pytest.raises(InputError) as caught:
        spec_of(ROWS, ladder=ladder)
    assert says in str(caught.value) and "\n" not in str(caught.value) and "ladder" in str(caught.value)
    assert "`budget`" not in str(caught.value), "a spec has no such parameter"


@pytest.mark.parametrize("ladder", [{}, GIVEN, {**GIVEN, "budgets": ["2 episodes/90d", "1 alarm/8h"], "rungs": 7}])
@pytest.mark.parametrize("tree", [AUDIO, MOTION, ROWS], ids=["audio", "motion", "rows"])
def test_a_spec_is_written_and_read_back(tree, ladder):
    spec = spec_of(tree, ladder=ladder)
    text = spec.to_toml()
    assert "[ladder]" in text and PipelineSpec.from_toml(text) == spec


def test_a_spec_without_the_section_has_none():
    assert spec_of(ROWS).ladder is None
    assert b"ladder" not in anomsdk.reference_model("human_motion").canonical_bytes


# Plans


def test_score_id_depends_on_the_rungs_and_not_on_the_promises():
    """Exports of devices with other budgets add up; those with other rungs do not."""
    plan = with_ladder(tiny_plan())
    without = replace(plan, promises=())
    assert without.score_id == plan.score_id and without.id != plan.id
    for change in ({"day_ticks": 5}, {"episode_gap": 2}, {"raise_scores": plan.ladder.raise_scores + 1}):
        other = replace(plan, ladder=replace(plan.ladder, **change))
        assert other.score_id != plan.score_id and other.id != plan.id
    assert plan.is_supervised and replace(plan, alarm=None, health=None).is_supervised


@pytest.mark.parametrize("promises", [(), None])
def test_a_plan_with_a_ladder_is_read_back(promises):
    plan = with_ladder(tiny_plan(), promises=promises)
    assert parse_plan(plan.canonical_bytes, name="p") == plan


def test_promises_need_a_ladder_and_a_ladder_has_at_most_four():
    plan = with_ladder(tiny_plan())
    for changed in (
        replace(plan, ladder=None),
        replace(plan, promises=None),
        replace(plan, promises=plan.promises * 5),
    ):
        with pytest.raises(InputError, match="promises; a ladder has up to 4, and without one there are none"):
            changed.check()


def test_inspect_shows_rungs_budgets_and_what_is_kept():
    ladder = ladder_plan(laddered(), tiny_plan(), None)
    promises = tuple(promise_plan(Budget.parse(text), 0.95, 0.05, ladder) for text in ("1 alarm-day/30d", "1 alarm/7d"))
    plan = replace(tiny_plan(), ladder=ladder, promises=promises)
    found = describe(plan)
    assert found["ladder"]["levels"] == ladder.raise_scores.tolist() and found["ladder"]["rungs"] == 24
    assert found["ladder"]["needs_0_days"] == ["0: 109", "1: 196", "2: 262", "3: 321"]
    hourly = promise_plan(Budget.parse("1 alarm/8h"), 0.95, 0.05, ladder)
    named = replace(plan, promises=(hourly,), provenance={"budgets": "1 alarm/8h"})
    assert describe(named)["ladder"]["needs_0_hours"][0] == "0: 28.71"
    assert found["ladder"]["needs_1_days"] == ["0: 25.12", "1: 45.87", "2: 61.78", "3: 75.95"]
    assert "1 alarm-day in 29.99 days, 0.95 confidence" in found["ladder"]["budget_0"]
    assert (found["ladder"]["state_bytes"], found["ladder"]["record_bytes"]) == (440, 576)
    assert found["retention"]["ladder_bytes"] == 440 and "no signal" in found["retention"]["ladder_counts"]
    assert "levels           1000, " in as_text(found)
    assert "ladder" not in describe(tiny_plan()) and "ladder_bytes" not in describe(tiny_plan())["retention"]
