"""Rows of a data set: ticks of one device by day, equal to what a pipeline and a ladder of scores give."""

import json
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import Kind
from anomsdk.datasets.default_ladder import counting, with_rungs
from anomsdk.datasets.device_day import day_of
from anomsdk.datasets.device_scoring import DeviceScoring, Scoring
from anomsdk.datasets.open_row import log2_q8
from anomsdk.datasets.sample_clock import time_us
from anomsdk.errors import InputError
from anomsdk.evaluate.stretch_scores import score_stretches, without_ladder
from anomsdk.plans.recording_digests import entries_of
from anomsdk.runtime.engines import open_engine
from anomsdk.sources.clips import Clip
from anomsdk.stats.budgets import Budget
from anomsdk.tune.device_scores import ScoredDevice
from tests.support.herds import plan_with_ladder, rows_of
from tests.support.tiny_plans import CLIPS, tiny_plan

MIDNIGHT = time_us("2026-06-01T00:00Z")
LADDER = plan_with_ladder().ladder
ROW_US = 100_000
DAY_ROWS = 864_000


def scored(plan, pieces, start_us=MIDNIGHT, *, scores="exact", engine="reference", certifies=True):
    """Rows of one recording."""
    pipeline = DeviceScoring(Scoring(plan, plan, scores), open_engine(engine, plan), "cow")
    rows = list(pipeline.take("r", pieces, start_us, certifies=certifies))
    return rows + list(pipeline.finish())


def totals(rows):
    """Counts of rows together: service, days, and (rungs, 5)."""
    return (
        sum(row.service_ticks for row in rows),
        sum(row.service_days for row in rows),
        sum((row.counts for row in rows[1:]), rows[0].counts).tolist(),
    )


def counts_of(ladder):
    return (
        ladder.ticks,
        ladder.days,
        [[each.ticks, each.alarms, each.days, each.episodes, each.at_risk] for each in ladder.counts],
    )


def tuned(plan, pieces, name="r"):
    """What tune counts from the same recording."""
    clip = Clip(name, "cow", None, plan.sensor.kind, plan.rate_hz, plan.columns, None, lambda: iter(pieces))
    found = score_stretches(without_ladder(plan), clip, "reference")
    return counts_of(ScoredDevice("cow", found.stretches).ladder(plan))


roots = st.sampled_from([1, 1, 1, 8, 9, 10, 12, 15, 20])
pieces_of = st.lists(
    st.one_of(
        st.lists(st.tuples(roots, st.sampled_from([0, 0, 0, 0, CLIPS])), min_size=1, max_size=25),
        st.integers(1, 5),
        st.sampled_from([DAY_ROWS - 3, DAY_ROWS, 3 * DAY_ROWS + 1]),
    ),
    min_size=1,
    max_size=8,
)


def as_blocks(pieces):
    return [each if isinstance(each, int) else np.array(each, np.int16).reshape(-1, 2) for each in pieces]


PLANS = {
    "supervised": replace(tiny_plan(latch=0, heartbeat=7, repeat=3), ladder=LADDER, promises=()),
    "plain": plan_with_ladder(m=2, n=3, off_delay=1),
    "slow": replace(tiny_plan(stride=3), ladder=LADDER, promises=()),
}


@pytest.mark.parametrize("name", PLANS)
@given(pieces=pieces_of, before=st.integers(0, 20), engine=st.sampled_from(["reference", "native"]))
@settings(deadline=None, max_examples=60)
def test_rows_are_the_results_of_a_pipeline_divided_at_midnight(name, pieces, before, engine):
    """Every field of every row, from results one by one and times in exact integers."""
    plan, blocks, start = PLANS[name], as_blocks(pieces), MIDNIGHT - before * ROW_US
    expected, order = {}, []
    last, alarm, lost, unsaid, pending = None, False, 0, [], []

    def row_of(day):
        if day not in expected:
            order.append(day)
            expected[day] = {"ticks": 0, "void": [], "events": [], "scores": [], "gaps": [], "alarm": 0, "raised": 0}
        return expected[day]

    def say(row, event):
        row["events"].append((row["ticks"], bytes(event)))
        row["raised"] += event.raised

    with anomsdk.Pipeline(plan, "reference") as pipeline:
        for block in blocks:
            if isinstance(block, int):
                results, lost = pipeline.gap(block), lost + block
            else:
                results = pipeline.process(block)
            for result in results:
                if not result.judged:
                    for event in result.events:
                        alarm = event.raised or (alarm and not event.cleared)
                        if last is None:
                            unsaid.append(event)
                        else:
                            pending.append(event)
                    continue
                day = (start + (result.hop + 1) * ROW_US - 1) // 86_400_000_000
                row = row_of(day)
                for event in pending:  # between two ticks: it belongs to the row of the next one
                    say(row, event)
                pending = []
                if last is None:
                    for event in unsaid:
                        say(row, event)
                if lost:
                    row["gaps"].append((row["ticks"], lost))
                last, lost = day, 0
                for event in result.events:
                    alarm = event.raised or (alarm and not event.cleared)
                    say(row, event)
                if result.void:
                    row["void"].append(row["ticks"])
                else:
                    row["alarm"] += alarm
                row["scores"].append(result.score)
                row["ticks"] += 1
            if last is not None:
                for event in pending:
                    say(row_of(last), event)
            pending = []
    if last is not None and lost:
        expected[last]["gaps"].append((expected[last]["ticks"], lost))
    rows = [row for row in scored(plan, blocks, start, engine=engine) if row.ticks]
    assert [row.day for row in rows] == [day_of(day * 86_400_000_000) for day in order]
    for row, day in zip(rows, order, strict=True):
        want = expected[day]
        assert row.ticks == want["ticks"]
        assert row.scores.tolist() == want["scores"]
        void = [at for first, n in row.void.tolist() for at in range(first, first + n)]
        assert void == want["void"]
        assert row.void_ticks == len(void)
        assert [tuple(each) for each in row.gaps.tolist()] == want["gaps"]
        assert (row.alarms, row.alarm_ticks) == (want["raised"], want["alarm"])
        judged = [score for at, score in enumerate(want["scores"]) if at not in set(void)]
        assert row.highest == (int(log2_q8(np.array([max(judged)], np.uint32))[0]) if judged else 0)
        assert row.service_ticks == len(judged)
        assert list(row.events) == want["events"]
        assert 0 <= row.coverage <= 1
        assert day_of(row.stop_us - 1) == row.day
        assert row.start_us < row.stop_us
    assert all(later.start_us >= row.stop_us for row, later in pairwise(rows))


@given(pieces=pieces_of, before=st.integers(0, 20))
@example(pieces=[[(1, 0), (10, 0)], 1, [(10, 0), (1, 0)]], before=1)  # votes do not go on over a gap
@settings(deadline=None, max_examples=40)
def test_rows_add_up_to_what_tune_counts_from_the_same_recording(pieces, before):
    plan = PLANS["plain"]
    blocks = as_blocks(pieces)
    rows = scored(plan, blocks, MIDNIGHT - before * ROW_US)
    if not sum(row.ticks for row in rows):
        return
    assert totals(rows) == tuned(plan, blocks)
    whole = scored(plan, blocks, None)
    assert totals(whole) == totals(rows), "the time of day changes no count"
    assert (
        np.concatenate([row.scores for row in rows]).tolist() == np.concatenate([row.scores for row in whole]).tolist()
    )


@pytest.mark.parametrize("pauses", [True, False])
@pytest.mark.parametrize("void_first", [0, 3])
def test_days_of_a_duty_are_as_long_as_tune_takes_them(pauses, void_first):
    """Recordings of a bench come without pauses: their days have more ticks."""
    duty = DutyPlan(10, 50)
    plan = replace(tiny_plan(duty=duty), alarm=None, ladder=LADDER, promises=())
    rng = np.random.default_rng(3)
    blocks = []
    for _ in range(40):
        block = np.stack([rng.choice([1, 1, 1, 1, 11, 15], 10), np.zeros(10, np.int64)], 1).astype(np.int16)
        blocks += [block, 40] if pauses else [block]
    blocks[0][:void_first, 1] = CLIPS
    for start in (None, MIDNIGHT - 3 * ROW_US, MIDNIGHT - 15 * ROW_US):
        rows = scored(plan, blocks, start)
        assert totals(rows) == tuned(plan, blocks)
        assert len(rows) == (1 if start is None else 2)
        assert rows[-1].first == sum(row.service_ticks for row in rows[:-1])


def test_exact_scores_of_a_motion_plan_are_those_of_score():
    plan = anomsdk.reference_model("cattle_collar")
    plan = counting(plan)
    samples = np.random.default_rng(1).integers(-3000, 3000, (20_000, 6)).astype(np.int16)
    blocks = [samples[:7000], samples[7000:7001], samples[7001:]]
    rows = scored(plan, blocks, MIDNIGHT - 1_000_000_000, engine=None)
    expected = anomsdk.score(plan, samples)
    assert len(rows) == 2
    assert np.concatenate([row.scores for row in rows]).tolist() == expected.tolist()
    assert {row.coverage for row in rows} == {1.0}
    assert totals(rows) == tuned(plan, blocks)
    aligned = [samples[:5000], 5 * 20, samples[5000:9000], 5 * 1000, samples[9000:]]
    assert totals(scored(plan, aligned, engine=None)) == tuned(plan, aligned), (
        "gaps of whole hops, as tune divides them"
    )
    logs = scored(plan, blocks, MIDNIGHT - 1_000_000_000, scores="log2", engine=None)
    assert np.concatenate([row.scores for row in logs]).tolist() == log2_q8(expected).tolist()
    assert {row.scores for row in scored(plan, blocks, scores="none", engine=None)} == {None}


def test_a_tick_that_ends_at_midnight_belongs_to_the_day_that_is_over():
    rows = scored(PLANS["plain"], [rows_of(np.ones(20, np.uint32))], MIDNIGHT - 10 * ROW_US)
    assert [(row.day, row.ticks) for row in rows] == [(date(2026, 5, 31), 10), (date(2026, 6, 1), 10)]
    assert rows[0].stop_us == rows[1].start_us == MIDNIGHT
    assert rows[0].start_us == MIDNIGHT - 10 * ROW_US


def test_without_a_time_a_row_has_at_most_24_hours():
    block = rows_of(np.ones(DAY_ROWS // 2, np.uint32))
    rows = scored(PLANS["plain"], [block, block, block[:1]], None, engine=None, scores="none")
    assert [(row.day, row.start_us, row.ticks) for row in rows] == [(None, None, DAY_ROWS), (None, None, 1)]
    assert rows[0].partition == "day=__HIVE_DEFAULT_PARTITION__"


def test_coverage_is_the_share_of_the_time_of_the_row():
    """10 rows before midnight, then a gap of a day and a half, then 10 rows."""
    block = rows_of(np.ones(10, np.uint32))
    first, second = scored(
        PLANS["plain"], [block, DAY_ROWS + DAY_ROWS // 2 - 10, block], MIDNIGHT - DAY_ROWS // 2 * ROW_US
    )
    assert first.coverage == 10 / (DAY_ROWS // 2)
    assert (second.day, second.coverage) == (date(2026, 6, 2), 1.0)
    assert first.gaps.tolist() == []
    assert second.gaps.tolist() == [[0, DAY_ROWS + DAY_ROWS // 2 - 10]]


def parts(plan, recordings, *, between=None, scores="exact"):
    """Rows of recordings (blocks, start) of one device; ``between``: a record after each, as runs of other days."""
    pipeline = DeviceScoring(Scoring(plan, plan, scores), open_engine("reference", plan), "cow")
    rows = []
    for at, (blocks, start) in enumerate(recordings):
        rows += pipeline.take(f"r{at}", blocks, start)
        if between is not None:
            rows += pipeline.finish()
            record = between(pipeline.record())
            pipeline = DeviceScoring(Scoring(plan, plan, scores), open_engine("reference", plan), "cow")
            pipeline.go_on(record)
    return rows + list(pipeline.finish())


@given(pieces=pieces_of, gap=st.integers(0, 40), more=pieces_of)
@settings(deadline=None, max_examples=40)
def test_recordings_in_sequence_are_one_recording_with_a_gap(pieces, gap, more):
    plan = PLANS["supervised"]
    first, second = as_blocks(pieces), as_blocks(more)
    length = sum(each if isinstance(each, int) else len(each) for each in first)
    start = MIDNIGHT - 7 * ROW_US
    one = scored(plan, [*first, *([gap] if gap else []), *second], start)
    two = parts(plan, [(first, start), (second, start + (length + gap) * ROW_US)])
    shown = [
        [
            (row.day, row.ticks, row.start_us, row.stop_us, row.gaps.tolist(), row.void.tolist(), row.events)
            for row in rows
        ]
        for rows in (one, two)
    ]
    assert shown[0] == shown[1]
    assert totals(one) == totals(two) if one else not two


@given(pieces=pieces_of, gap=st.integers(1, 40), more=pieces_of)
@settings(deadline=None, max_examples=30)
def test_a_later_run_goes_on_where_the_record_ends(pieces, gap, more):
    """Counts, alarm and service add up to those of one run; the record goes through JSON."""
    plan = PLANS["plain"]
    first, second = as_blocks(pieces), as_blocks(more)
    length = sum(each if isinstance(each, int) else len(each) for each in first)
    start = MIDNIGHT - 7 * ROW_US
    recordings = [(first, start), (second, start + (length + gap) * ROW_US)]
    one, two = parts(plan, recordings), parts(plan, recordings, between=lambda tree: json.loads(json.dumps(tree)))
    for field in ("ticks", "alarms", "alarm_ticks", "service_ticks", "service_days", "void_ticks"):
        assert sum(getattr(row, field) for row in one) == sum(getattr(row, field) for row in two), field
    if one:
        assert totals(one) == totals(two)
        assert [score for row in one for score in row.scores.tolist()] == [
            score for row in two for score in row.scores.tolist()
        ]
        served = 0
        for row in two:
            assert row.first == served
            served += row.service_ticks


def test_a_restart_is_said_in_the_row_that_goes_on():
    plan = PLANS["supervised"]
    block = rows_of(np.ones(10, np.uint32))
    rows = parts(plan, [([block], MIDNIGHT), ([block], MIDNIGHT + 15 * ROW_US)], between=lambda tree: tree)
    kinds = [[anomsdk.Event.from_bytes(event).kind for _, event in row.events] for row in rows]
    assert Kind.RESTART in kinds[1]
    assert rows[1].gaps.tolist() == [[0, 5]]


def test_an_overlap_and_a_time_that_is_missing_are_refused():
    block = rows_of(np.ones(100, np.uint32))
    with pytest.raises(InputError, match="r1: begins 5 s before the recording of device cow before it ends"):
        parts(PLANS["plain"], [([block], MIDNIGHT), ([block], MIDNIGHT + 5_000_000)])
    with pytest.raises(InputError, match="r1: has no time, and the recording of device cow before it has one"):
        parts(PLANS["plain"], [([block], MIDNIGHT), ([block], None)])
    rows = parts(PLANS["plain"], [([block], MIDNIGHT), ([block], MIDNIGHT + 9_500_000)])
    assert [row.ticks for row in rows] == [200], "times in whole seconds may overlap by less than one"
    assert rows[0].gaps.tolist() == []


def test_a_damaged_record_is_refused():
    plan = PLANS["plain"]
    pipeline = DeviceScoring(Scoring(plan, plan), open_engine("reference", plan), "cow")
    list(pipeline.take("r", [rows_of(np.ones(30, np.uint32))], MIDNIGHT))
    list(pipeline.finish())
    record = pipeline.record()
    for damage in (
        {"pipeline": "00"},
        {"service": {}},
        {"service": record["service"] | {"ladder": "00"}},
        {"service": record["service"] | {"ladder": "ff" * (len(record["service"]["ladder"]) // 2)}},
        {"position": None},
    ):
        fresh = DeviceScoring(Scoring(plan, plan), open_engine("reference", plan), "cow")
        with pytest.raises(InputError, match="device cow: its record is damaged"):
            fresh.go_on(record | damage)


def test_recordings_that_made_the_plan_are_no_service():
    rows = scored(PLANS["plain"], [rows_of(np.full(30, 225, np.uint32))], certifies=False)
    (row,) = rows
    assert (row.ticks, row.service_ticks, row.service_days, int(row.counts.sum())) == (30, 0, 0, 0)
    assert row.alarm_ticks > 0
    assert entries_of("trained", ["0" * 64])


def test_default_rungs_do_not_depend_on_a_budget():
    plan = anomsdk.reference_model("cattle_collar")
    found = counting(plan)
    for budget, confidence in (("1 alarm-day/30d", 0.95), ("2 episodes/90d", 0.5), ("1 alarm/8h", 0.999)):
        other = with_rungs(plan, Budget.parse(budget), confidence)
        assert found.ladder.raise_scores.tolist() == other.ladder.raise_scores.tolist()
        assert found.score_id == other.score_id
    assert counting(replace(plan, folder=None)) is None
    assert counting(PLANS["plain"]) is PLANS["plain"]
