"""Levels with evidence: certificates, periods that add up, herds, pooling, and the plan with a tuned level."""

import math
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk import tune
from anomsdk.core.export import Export
from anomsdk.core.ladder import RungCounts, walk
from anomsdk.errors import CheckError, InputError
from anomsdk.planner.ladder import promise_plan
from anomsdk.runtime.ladders import ScoreLadder
from anomsdk.stats.budgets import Budget
from anomsdk.tune.certificates import provisional_rung, score_tag_of
from anomsdk.tune.exports import FiledExport, split_exports
from anomsdk.tune.herd import Herd
from anomsdk.tune.herd import tune as tune_herd
from anomsdk.tune.own_level import with_own_level
from anomsdk.tune.pooling import pool
from anomsdk.tune.report_html import as_html
from anomsdk.tune.report_text import as_text
from anomsdk.tune.table import as_csv, cells
from tests.support.herds import DAY, LEVELS, QUIET, export_of, plan_with_ladder, scores_of

BUDGET = "1 alarm-day/30d"
PLAN = plan_with_ladder()


def counted(days=None, *, alarms=(), ticks=(), episodes=(), at_risk=0, service=200, device=1):
    """A ladder of 6 rungs: alarm-days of each, or alarms, or episodes; 0 where none are given."""

    def of(values, rung):
        return values[rung] if rung < len(values) else 0

    counts = tuple(
        RungCounts(of(ticks, rung), of(alarms, rung), of(days or (), rung), of(episodes, rung), at_risk)
        for rung in range(len(LEVELS))
    )
    return Export(device, 1, score_tag_of(PLAN), PLAN.tag, 0, 0, 0, service * DAY, service, 3, counts)


def filed(*exports, days=None, groups=None):
    return [
        FiledExport(f"{i}.ladder", export, None if days is None else days[i], "" if groups is None else groups[i])
        for i, export in enumerate(exports)
    ]


def herd(*exports, **where):
    return Herd.of(PLAN, filed(*exports, **where), [], lambda device: device.ladder(PLAN))


# A certificate


def test_the_lowest_rung_of_those_that_pass_from_the_top_is_chosen():
    found = tune.choose(counted([9, 4, 1, 0, 0, 0]), BUDGET, plan=PLAN)
    assert (found.status, found.rung, found.level, found.level_tag) == ("certified", 2, 150, 3)
    assert (found.count, found.days, found.missing_days) == (1, 200, 0)
    assert found.bound == tune.bound(1, 200) * 30 <= 1
    assert tune.choose(counted([9, 4, 1, 0, 0, 0]), BUDGET).rung == 2, "the rung needs no plan"


def test_a_rung_below_one_that_fails_is_never_taken():
    assert tune.choose(counted([0, 0, 99, 0, 0, 0]), BUDGET).rung == 3


def test_without_a_certificate_the_days_that_are_missing_are_said():
    found = tune.choose(counted(service=100), BUDGET, plan=PLAN)
    assert (found.status, found.rung, found.level, found.bound, found.missing_days) == (
        "more days",
        None,
        None,
        None,
        9,
    )
    assert tune.choose(counted(service=109), BUDGET, plan=PLAN).status == "certified"


def test_the_highest_rung_fails_by_its_count_or_by_its_time_in_alarm():
    assert tune.choose(counted([16] * 6), BUDGET, plan=PLAN).status == "fails"
    long = counted(ticks=[101] * 6)
    assert tune.choose(long, BUDGET, plan=PLAN).status == "fails"
    assert tune.choose(long, BUDGET, plan=PLAN, max_alarm_fraction=0.051).status == "certified"


@given(
    unit=st.sampled_from(["1 alarm-day/30d", "1 alarm/7d", "3 alarms/10d", "2 episodes/90d"]),
    counts=st.lists(st.tuples(*[st.integers(0, 20)] * 3, st.integers(0, 400)), min_size=6, max_size=6),
    service=st.integers(1, 2000),
    confidence=st.sampled_from([0.9, 0.95, 0.99]),
)
@settings(max_examples=60, deadline=None)
def test_it_is_the_walk_of_a_device_with_the_same_promise(unit, counts, service, confidence):
    """`==`, and so a bench and a device never disagree."""
    made = tuple(RungCounts(in_alarm, a, d, e, service) for a, d, e, in_alarm in counts)
    ladder = Export(1, 1, score_tag_of(PLAN), 0, 0, 0, 0, service * DAY, service, 3, made)
    promise = promise_plan(Budget.parse(unit), confidence, 0.05, PLAN.ladder)
    expected = walk(PLAN.ladder, promise, made, service * DAY, service)
    found = tune.choose(ladder, unit, confidence, plan=PLAN)
    assert (found.rung, found.missing_days) == (expected.rung, expected.days)


def test_alarms_need_the_length_of_a_tick():
    found = tune.choose(counted(alarms=[3, 0]), "1 alarm/7d", plan=PLAN)
    assert (found.rung, found.count, found.days) == (0, 3, 200.0)
    with pytest.raises(InputError, match=r"`plan`: '1 alarm/7d' is counted in ticks"):
        tune.choose(counted(), "1 alarm/7d")


def test_a_bound_for_a_fixed_number_of_days_needs_fewer():
    ladder = counted(service=90)
    assert tune.choose(ladder, BUDGET).status == "more days"
    assert tune.choose(ladder, BUDGET, method="fixed").status == "certified"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"budget": "0/30d"}, "is no budget"),
        ({"budget": "0 alarm-days/30d"}, "allows nothing"),
        ({"budget": "1 alarm-day/0d"}, "is in no time"),
        ({"budget": "1 alarm-weak/30d"}, "is no budget"),
        ({"budget": "1 alarm-day/365d"}, "more than a year"),
        ({"confidence": 1.5}, "`confidence`"),
        ({"max_alarm_fraction": 0}, "`max_alarm_fraction`"),
        ({"method": "often"}, "`method`"),
        ({"ladder": counted(service=0)}, "zero hours"),
        ({"ladder": replace(counted(), score_tag=bytes(8)), "plan": PLAN}, "score_id 0000000000000000"),
        ({"ladder": replace(counted(), episode_gap=0), "budget": "2 episodes/90d"}, "episodes"),
        ({"plan": replace(PLAN, ladder=None, promises=None)}, "no ladder section"),
    ],
)
def test_arguments_that_mean_nothing_are_refused_in_one_line(change, words):
    given_ = {"ladder": counted(), "budget": BUDGET, **change}
    with pytest.raises(InputError, match=words) as error:
        tune.choose(given_.pop("ladder"), given_.pop("budget"), **given_)
    assert "\n" not in str(error.value)


# Periods


SCORES = scores_of(12, {1: 120, 4: 220, 5: 60, 9: 500})
CUTS = [0, 7, 30, 31, 64, 120]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_periods_add_up_in_any_order_and_however_often_they_are_read(data):
    """Chains of differences, whole exports along the way and copies of each give the counts of the last whole one."""
    chain = [whole(stop) for stop in CUTS[1:2]]
    chain += [export_of(PLAN, SCORES[:stop], 5, since=start) for start, stop in pairwise(CUTS[1:])]
    wholes = [whole(stop) for stop in CUTS[1:]]
    extra = data.draw(st.lists(st.sampled_from([*chain, *wholes]), max_size=6))
    base = data.draw(st.sampled_from([chain, wholes[-1:]]))
    merged = tune.merge(data.draw(st.permutations([*base, *extra])))[5]
    expected = whole(120)
    assert (merged.ticks, merged.days) == (expected.ticks, expected.days)
    assert merged.counts == expected.counts


def whole(stop, boot=1):
    return export_of(PLAN, SCORES[:stop], 5, boot=boot)


def test_boots_add_up_and_devices_do_not():
    merged = tune.merge([whole(120), whole(64, boot=2), replace(whole(30), device=4)])
    assert list(merged) == [4, 5]
    assert (merged[5].ticks, merged[4].ticks) == (184, 30)
    a, b = whole(120).counts[0], whole(64).counts[0]
    assert merged[5].counts[0].days == a.days + b.days


@pytest.mark.parametrize(
    ("exports", "words"),
    [
        ([whole(64), export_of(PLAN, SCORES, 5, since=30)], "ticks 0 to 64 and 30 to 120 overlap"),
        ([whole(64), replace(whole(64), days=5)], "counts of ticks 0 to 64 differ"),
        ([whole(120), replace(whole(64), counts=tuple([RungCounts(99)] * 6))], "clock that goes backwards"),
        ([whole(64), replace(whole(64), device=6, score_tag=b"otherone")], "devices 5 and 6 have plans of score_id"),
    ],
)
def test_periods_that_do_not_belong_together_are_refused_by_name(exports, words):
    for order in (exports, exports[::-1]):
        with pytest.raises(InputError, match=words) as error:
            tune.merge(order, names=["a.ladder", "b.ladder"])
        assert "a.ladder" in str(error.value)
        assert "b.ladder" in str(error.value)


def test_a_later_day_with_fewer_ticks_is_a_clock_that_goes_backwards():
    days = [date(2026, 5, 1), date(2026, 5, 2)]
    herd(whole(64), whole(120), days=days)
    with pytest.raises(InputError, match=r"tick 120 on 2026-05-01, and tick 64 on 2026-05-02; a clock that goes back"):
        herd(whole(120), whole(64), days=days)


def test_a_device_in_two_groups_is_refused():
    with pytest.raises(InputError, match=r"0\.ladder and 1\.ladder: device 5 is in group north and in south"):
        herd(whole(64), whole(120), groups=["north", "south"])


def test_exports_are_split_and_damage_is_found():
    data = bytes(whole(64)) + bytes(whole(120))
    assert list(split_exports(data)) == [whole(64), whole(120)]
    for damaged in (data[:-1], data[1:], data + b"al", bytes([*data[:40], data[40] ^ 1, *data[41:]]), b"al"):
        with pytest.raises(InputError):
            list(split_exports(damaged))


# A herd


def levels_of(found):
    return [(row.device, row.status, row.rung, row.level) for row in found.rows]


def test_a_device_without_a_certificate_gets_the_level_of_its_group():
    certified = [counted([0] * 6, device=i) for i in range(2, 11)] + [counted([99, 99, 99, 0], device=11)]
    short = [counted(service=20, device=12), counted(service=20, device=13)]
    found = tune_herd(herd(*certified, *short, groups=["a"] * 11 + ["b"]), BUDGET)
    rows = {row.device: row for row in found.rows}
    assert (rows[12].status, rows[12].rung, rows[12].level, rows[12].bound) == ("provisional", 0, 50, None)
    assert rows[12].missing_days == 89
    assert (rows[13].status, rows[13].rung, rows[13].level) == ("more days", None, PLAN.levels.raise_score)
    assert [row.device for row in found.rows if not row.fits] == [11]
    assert found.own_rung == provisional_rung([0] * 9 + [3]) == 0


@pytest.mark.parametrize(("rungs", "typical"), [([2], 2), ([1, 2], 2), ([0] * 9 + [3], 0), ([0] * 9 + [1, 2], 1)])
def test_nine_of_ten_certified_devices_are_at_or_below_the_level_of_their_group(rungs, typical):
    assert provisional_rung(rungs) == provisional_rung(rungs[::-1]) == typical


def test_a_device_that_its_groups_level_does_not_fit_is_named():
    loud = counted([20] * 5 + [0], service=60, device=2)
    found = tune_herd(herd(counted(device=1), loud), BUDGET)
    assert levels_of(found)[1] == (2, "provisional", 0, 50)
    assert not found.rows[1].fits
    assert (
        "more alarms at the level of the group than the budget allows: look at them before you use it: 2\n"
        in as_text(found)
    )


def test_the_sentence_says_how_many_may_be_certified_by_mistake():
    found = tune_herd(herd(counted(device=1), counted([16] * 6, device=2)), BUDGET)
    first = as_text(found).split("\n")[0]
    assert first.startswith("2 devices for 1 alarm-day/30d: 1 certified, 1 over the budget, or too long in alarm")
    assert "each device has a chance of at most 5% of ever being certified at a level that is over the budget" in first
    assert first.endswith("of 2 at most 0.1 on average")


def test_what_a_certificate_does_not_say_is_told_of_devices_and_of_their_mean():
    each = as_text(tune_herd(herd(counted(device=1)), BUDGET))
    assert "it is about the device that was watched, no other" in each
    assert "nor that anything is found" in each
    budget = Budget.parse("1 alarm-day/7d")
    mean = as_text(pool(calendar(3, tune.pooled_days_needed(budget), set()), budget))
    assert "it is about the average of these devices: one of them may have far more alarms" in mean
    assert "no other" not in mean


def test_a_budget_in_hours_is_told_in_hours():
    """1 alarm in 8 h takes 28.7 h without an alarm; a device that was watched for 12 h needs 16.7 more, not 1 day."""
    ladder = replace(counted(device=1), last=DAY // 2, days=0)
    found = tune_herd(herd(ladder), "1 alarm/8h")
    text = as_text(found)
    assert found.missing_time(found.rows[0]) == tune.days_needed(0, "1 alarm/8h") - 0.5
    assert "1 in need of more hours" in text.split("\n")[0]
    assert " ".join(text.split("\n")[1].split()) == "device group status level tag bound missing hours count hours"
    assert text.split("\n")[3].split()[1:] == f"more hours {PLAN.levels.raise_score:,} 0 16.7 0 12.00".split()
    page = as_html(found)
    assert "<h2>Hours missing</h2>" in page
    assert "further hours without an alarm" in page
    assert "number of alarms in 8 hours" in page
    with pytest.raises(CheckError, match=r"needs 16\.7 more hours"):
        with_own_level(found)


def test_a_bound_for_one_look_is_not_said_to_hold_for_ever():
    ladder = herd(counted(service=90))
    assert "of being, at the one look, certified" in as_text(tune_herd(ladder, BUDGET, method="fixed"))
    assert "of ever being certified" in as_text(tune_herd(ladder, BUDGET))


def test_a_device_that_has_not_begun_does_not_stop_the_herd():
    new = counted(service=0, device=9)
    found = tune_herd(herd(counted(device=1), new), BUDGET)
    assert [(row.device, row.status, row.missing_days) for row in found.rows] == [
        (1, "certified", 0),
        (9, "provisional", 109),
    ]
    with pytest.raises(InputError, match="device 9: zero hours"):
        tune_herd(herd(new), BUDGET)


@pytest.mark.parametrize("fraction", [0, 2, math.nan])
def test_pooling_refuses_a_share_of_the_time_that_is_none(fraction):
    with pytest.raises(InputError, match="`max_alarm_fraction`"):
        pool(calendar(1, 2, set()), Budget.parse(BUDGET), max_alarm_fraction=fraction)


def test_table_and_page():
    found = tune_herd(herd(counted([2], device=2), counted(service=20, device=10), groups=["=1+1", "=1+1"]), BUDGET)
    lines = as_csv(found).decode().splitlines()
    assert lines[0] == "device,group,status,level,rung,level_tag,downlink,bound,missing_days,days,count,plan,score_id"
    bound = f"{tune.bound(2, 200) * 30:.6f}".rstrip("0") if tune.choose(counted([2]), BUDGET).rung == 0 else None
    first = lines[1].split(",")
    assert first[:3] == ["2", "'=1+1", "certified"]
    assert first[-2:] == [PLAN.id, PLAN.score_id]
    assert first[6] == f"{int(first[5]):02x}{PLAN.id[:4]}"
    assert bound is None or first[7] == bound
    assert lines[2].split(",")[:9] == ["10", "'=1+1", "provisional", *first[3:7], "", "89"]
    page = as_html(found)
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert page.count("<svg") == 2


def test_the_downlink_of_a_row_puts_its_level_in_force():
    """Each row of the table, sent to a device of the plan; a device without a ladder has none."""
    silent, loud, new = counted(device=1), counted([60] * 6, device=2), counted(service=0, device=3)
    found = tune_herd(herd(silent, loud, new), BUDGET)
    rows = cells(found)
    assert [(row["status"], row["level_tag"]) for row in rows] == [("certified", 1), ("fails", 0), ("provisional", 1)]
    for row in rows:
        with anomsdk.Pipeline(PLAN, "reference") as pipeline:
            pipeline.set_level(3)
            assert len(row["downlink"]) == 6
            pipeline.take_downlink(bytes.fromhex(row["downlink"]))
            assert pipeline.level == row["level_tag"]
    bare = replace(PLAN, ladder=None, promises=None)
    borrowed = replace(found, herd=replace(found.herd, given=bare))
    assert [row["downlink"] for row in cells(borrowed)] == [None] * 3
    assert as_csv(borrowed).decode().splitlines()[1].split(",")[5:7] == ["1", ""]
    assert as_html(borrowed).count("<td>None") == 0


# The plan


def test_a_plan_with_the_tuned_level_alarms_as_the_rung_does():
    scores = scores_of(200, {7: 130, 90: 130, 91: 160})
    found = tune_herd(herd(export_of(PLAN, scores, 1)), BUDGET)
    made = with_own_level(found)
    assert made.levels.raise_score == LEVELS[found.own_rung]
    assert made.score_id == PLAN.score_id
    assert made.id != PLAN.id
    assert "1 alarm-day/30d" in made.provenance["tuned"]
    rows = np.stack([np.sqrt(scores).round().astype(np.int16), np.zeros(len(scores), np.int16)], axis=1)
    with anomsdk.Pipeline(made, "reference") as pipeline:
        raised = [event for result in pipeline.process(rows) for event in result.events if event.raised]
    squares = np.square(rows[:, 0].astype(np.uint32))
    assert len(raised) == export_of(PLAN, squares, 1).counts[found.own_rung].alarms


def test_without_a_certificate_there_is_no_level_to_write():
    with pytest.raises(CheckError, match="needs 89 more days"):
        with_own_level(tune_herd(herd(counted(service=20)), BUDGET))


# Pooling


def calendar(n_devices, n_days, alarms):
    """Exports of each day as differences: ``alarms`` is the set of (device, day) with an alarm of score 120."""
    exports, days = [], []
    for device in range(n_devices):
        scores, before, ladder = (
            scores_of(n_days, {d: 121 for each, d in alarms if each == device}),
            None,
            ScoreLadder(PLAN),
        )
        for day in range(n_days):
            ladder.take(scores[day * DAY : (day + 1) * DAY])
            now = ladder.export(device)
            exports.append(now if before is None else now.since(before))
            days.append(date(2026, 1, 1) + timedelta(day))
            before = now
    return herd(*exports, days=days)


def test_pooled_days_certify_the_mean_of_a_herd():
    budget = Budget.parse("1 alarm-day/7d")
    n = tune.pooled_days_needed(budget)
    found = pool(calendar(3, n, {(0, 1)}), budget)
    assert {row.status for row in found.rows} == {"certified"}
    assert {row.rung for row in found.rows} == {2}, "rungs at 50 and 100 have an alarm, and the first above has none"
    assert found.rows[0].bound <= 1
    short = pool(calendar(3, n - 2, set()), budget)
    assert {(row.status, row.missing_days) for row in short.rows} == {("more days", 2)}


def test_devices_that_alarm_together_are_not_independent():
    budget = Budget.parse("1 alarm-day/9d")
    together = {(device, day) for device in range(4) for day in (3, 49)}
    with pytest.raises(CheckError, match="varies from day to day"):
        pool(calendar(4, 90, together), budget, independent=True)
    assert "devices alarm on the same days" in as_text(tune_herd(calendar(4, 90, together), budget))
    apart = {(device, 20 * device + 3) for device in range(4)}
    found = pool(calendar(4, 90, apart), budget, independent=True)
    assert found.rows[0].status == "certified"
    assert found.pooled.dispersion <= 1.5
    assert found.pooled.device_days == 360
    with pytest.raises(CheckError, match="80 calendar days with half of the devices or more do not show whether"):
        pool(calendar(4, 80, apart), budget, independent=True)


def test_a_herd_that_came_yesterday_is_not_certified_by_a_pilots_days():
    """One device for 90 days and 40 on the last: their day has not shown whether they alarm together."""
    pilot = calendar(1, 90, set())
    exports = [each.export for each in pilot.exports]
    dates = [each.day for each in pilot.exports]
    new = [replace(exports[0], device=device) for device in range(1, 41)]
    grown = herd(*exports, *new, days=[*dates, *[dates[-1]] * 40])
    with pytest.raises(CheckError, match="1 calendar day"):
        pool(grown, Budget.parse(BUDGET), independent=True)
    assert pool(pilot, Budget.parse("1 alarm-day/7d"), independent=True).rows[0].status == "certified"


def test_spells_and_drift_are_said():
    spell = {(0, day) for start in (20, 60, 100) for day in range(start, start + 3)}
    text = as_text(tune_herd(calendar(1, 150, spell), BUDGET))
    assert "alarm-days come in spells (level 50, p = " in text
    late = {(0, day) for day in range(100, 150, 7)}
    text = as_text(tune_herd(calendar(1, 150, late), BUDGET))
    assert "alarm-days became more from the first half" in text
    assert "spells" not in text


def test_pooling_needs_calendar_days():
    with pytest.raises(InputError, match="day=2026-05-31"):
        pool(herd(counted()), Budget.parse(BUDGET))
    with pytest.raises(InputError, match="by alarm-days"):
        pool(calendar(1, 2, set()), Budget.parse("1 alarm/7d"))


def test_cumulative_exports_pool_as_their_differences():
    scores = scores_of(30, {3: 121})
    days = [date(2026, 1, 1) + timedelta(day) for day in range(30)]
    whole_ones = [export_of(PLAN, scores[: (day + 1) * DAY], 0) for day in range(30)]
    found = pool(herd(*whole_ones, days=days), Budget.parse("1 alarm-day/2d"))
    expected = pool(calendar(1, 30, {(0, 3)}), Budget.parse("1 alarm-day/2d"))
    assert levels_of(found) == levels_of(expected)
    assert math.isclose(found.rows[0].bound, expected.rows[0].bound)


def day_of(index):
    return date(2026, 1, 1) + timedelta(index)


def test_a_difference_that_lies_in_many_folders_is_one_day():
    """The same export copied into the folders of 92 days would certify one day in 30."""
    part = export_of(PLAN, scores_of(2, {}), 1, since=DAY)
    copies = herd(*[part] * 92, days=[day_of(index) for index in range(92)])
    found = pool(copies, Budget.parse(BUDGET))
    assert (found.rows[0].status, found.pooled.days, found.pooled.device_days) == ("more days", 1, 1)
    wholes = [export_of(PLAN, scores_of(2, {})[:DAY], 1), export_of(PLAN, scores_of(2, {}), 1)]
    both = herd(wholes[0], part, wholes[1], days=[day_of(0), day_of(1), day_of(1)])
    assert pool(both, Budget.parse(BUDGET)).pooled.device_days == 2


@pytest.mark.parametrize("independent", [False, True])
def test_minutes_a_day_are_no_day_without_an_alarm(independent):
    """A device that is worn for a tenth of each day has a day of service after ten of them."""
    ladder, exports = ScoreLadder(PLAN), []
    for index in range(920):
        ladder.take(scores_of(1, {0: 500 if index == 13 else QUIET})[4:5])
        exports.append(ladder.export(1))
    found = pool(
        herd(*exports, days=[day_of(index) for index in range(920)]), Budget.parse(BUDGET), independent=independent
    )
    assert (found.pooled.days, found.pooled.device_days, found.rows[0].days) == (92, 92, 92)
    assert found.rows[0].status == "more days", "a day of service with an alarm, though the alarm was on another date"
