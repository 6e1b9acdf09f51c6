"""Plans of days from training to alarms: a herd's model, one animal's profile, a change, a power cut."""

import dataclasses
import json

import numpy as np
import pytest

import anomsdk
from anomsdk import Pipeline, PipelineSpec
from anomsdk.core.days import MISSING
from anomsdk.core.event import Kind, State
from anomsdk.core.pipeline import record_for
from anomsdk.errors import InputError
from anomsdk.plans.file import parse_plan
from tests.support.days import SLOTS, days_spec, herd_rows, rhythm

ENGINE = "reference"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("days") / "animals"
    spec = days_spec(alarm={}, ladder={"budgets": ["1 episode/30d"]})
    anomsdk.train.fit(spec, herd_rows(6, 14), groups=list("abcdef"), out=place)
    return place


@pytest.fixture(scope="module")
def plan(folder):
    return anomsdk.plan(folder)


def new_animal(n_days, seed=77):
    return rhythm(n_days, seed, 1500).astype(np.int16)[:, None]


def alarms(results):
    return [
        result.hop
        for result in results
        for event in result.events
        if event.kind == Kind.ANOMALY and event.state == State.UNACK_ALARM
    ]


def test_a_plan_is_read_back_and_its_parts_are_those_of_the_spec(plan, folder):
    assert parse_plan(plan.canonical_bytes, name="again") == plan
    assert plan.rate_hz * 3600 == pytest.approx(1)
    assert plan.baseline.reference_score is not None and not plan.baseline.is_on
    assert [part.squared for part in plan.score.groups] == [0, 0, 1, 0]
    assert plan.extractor.profile.mature == 3
    spec = PipelineSpec.from_file(folder / "spec.toml")
    assert PipelineSpec.from_toml(spec.to_toml()) == spec


def test_training_twice_gives_the_same_plan(plan, tmp_path):
    again = anomsdk.train.fit(
        days_spec(alarm={}, ladder={"budgets": ["1 episode/30d"]}),
        herd_rows(6, 14),
        groups=list("abcdef"),
        out=tmp_path / "again",
    )
    assert again.id == plan.id


def test_there_is_a_score_for_each_slot_after_the_first_days(plan):
    rows = new_animal(6)
    scores = anomsdk.score(plan, rows, engine=ENGINE)
    assert len(scores) == plan.ticks_in(len(rows)) == 3 * SLOTS
    assert plan.samples_to_first_tick == 3 * SLOTS + 1
    assert len(anomsdk.score(plan, rows[: 3 * SLOTS], engine=ENGINE)) == 0
    rows[4 * SLOTS + 5] = MISSING
    assert len(anomsdk.score(plan, rows, engine=ENGINE)) == 3 * SLOTS - 1


@pytest.mark.parametrize("size", [1, 5, 24, 1000])
def test_results_do_not_depend_on_how_rows_are_cut(plan, size):
    rows = new_animal(6)
    with Pipeline(plan, engine=ENGINE) as pipeline:
        found = [r for start in range(0, len(rows), size) for r in pipeline.process(rows[start : start + size])]
    with Pipeline(plan, engine=ENGINE) as pipeline:
        assert found == pipeline.process(rows)


def test_an_animal_that_moves_less_than_its_own_days_raises_an_alarm_that_says_so(plan):
    rows = new_animal(13)
    calm = anomsdk.score(plan, rows, engine=ENGINE)
    rows[10 * SLOTS :] = rows[10 * SLOTS :] // 4
    changed = anomsdk.score(plan, rows, engine=ENGINE)
    assert (calm[: 7 * SLOTS] == changed[: 7 * SLOTS]).all(), "nothing before the change is another one"
    assert changed[8 * SLOTS - 1] > plan.levels.raise_score > calm[8 * SLOTS - 1]
    with Pipeline(plan, engine=ENGINE) as pipeline:
        results = pipeline.process(rows)
    first = alarms(results)[0]
    assert 10 * SLOTS < first < 11 * SLOTS
    (event,) = next(result for result in results if result.hop == first and result.judged).events
    assert "low" in " ".join(event.words), event.words


@pytest.mark.parametrize("cut", [5 * SLOTS + 3, 9 * SLOTS + 11])
def test_a_power_cut_loses_nothing_that_was_saved(plan, cut):
    rows = new_animal(12)
    with Pipeline(plan, engine=ENGINE) as pipeline:
        before = pipeline.process(rows[:cut])
        record = pipeline.state()
    with Pipeline(plan, engine=ENGINE) as pipeline:
        pipeline.restore(record)
        after = pipeline.process(rows[cut:])
    scores = [result.score for result in before + after if result.judged]
    assert scores == anomsdk.score(plan, rows, engine=ENGINE).tolist()
    judged = [result.score for result in after if result.judged]
    assert judged == anomsdk.score(plan, rows[cut:], engine=ENGINE, state=record).tolist()
    with pytest.raises(InputError, match="torn"):
        anomsdk.score(plan, rows, engine=ENGINE, state=record[:-1] + b"?")


def test_hours_without_power_are_missing_and_the_rest_of_the_day_counts(plan):
    """A device that is off for an hour of each day learns and judges as one that misses this hour."""
    rows, results = new_animal(12), []
    pipeline = Pipeline(plan, engine=ENGINE)
    for day in range(12):
        results += pipeline.process(rows[day * SLOTS : (day + 1) * SLOTS - 1])
        record = pipeline.state()
        pipeline.close()
        pipeline = Pipeline(plan, engine=ENGINE)
        pipeline.restore(record)
        results += pipeline.gap(1)
    pipeline.close()
    rows[SLOTS - 1 :: SLOTS] = MISSING
    with Pipeline(plan, engine=ENGINE) as pipeline:
        expected = [(result.hop, result.score) for result in pipeline.process(rows) if result.judged]
    assert [(result.hop, result.score) for result in results if result.judged] == expected
    assert len(expected) > 7 * (SLOTS - 1)


def test_a_record_is_bound_to_the_score_and_every_torn_one_is_refused(plan):
    with Pipeline(plan, engine=ENGINE) as pipeline:
        pipeline.process(new_animal(5))
        record = pipeline.state()
    record_for(plan, record)
    for size in range(len(record)):
        with pytest.raises(InputError):
            record_for(plan, record[:size])
    for place in range(len(record)):
        torn = bytearray(record)
        torn[place] ^= 0x10
        with pytest.raises(InputError):
            record_for(plan, bytes(torn))
    other = dataclasses.replace(
        plan, extractor=dataclasses.replace(plan.extractor, off_body=plan.extractor.off_body + 1)
    )
    with pytest.raises(InputError, match="score_id"):
        record_for(other, record)


def test_a_record_holds_the_rows_of_a_day_and_none_before(plan):
    rows = new_animal(9)[: 8 * SLOTS + 7]
    with Pipeline(plan, engine=ENGINE) as pipeline:
        pipeline.process(rows)
        learnt = record_for(plan, pipeline.state()).learnt
    kept = np.roll(rows[-SLOTS:, plan.extractor.judged], 7, axis=0).astype(np.int64) << plan.extractor.shift
    assert learnt.count(np.minimum(kept, 32767).astype("<i2").tobytes()) == 1
    for start in range(len(rows) - SLOTS - 6):
        before = rows[start : start + 6, plan.extractor.judged].astype(np.int64) << plan.extractor.shift
        assert np.minimum(before, 32767).astype("<i2").tobytes() not in learnt


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sensor": {"kind": "diary", "slot_s": 60, "columns": [{"name": "a"}]}}, "slot_s"),
        ({"sensor": {"kind": "diary", "slot_s": 5000, "columns": [{"name": "a"}]}}, "slot_s must be"),
        ({"sensor": {"kind": "diary", "slot_s": 3600, "columns": []}}, "columns"),
        ({"sensor": {"kind": "diary", "slot_s": 3600, "columns": [{"name": "a"}, {"name": "a"}]}}, "one name twice"),
        ({"features": {"kind": "days", "judged": ["b"]}}, "no column"),
        ({"features": {"kind": "days", "mature_days": 30}}, "mature_days"),
        ({"context": {"kind": "stack", "frames": 4}}, "context of a diary"),
        ({"ladder": {"budgets": ["1 alarm-day/30d"]}}, "a diary promises episodes"),
        ({"score": {"baseline_s": 60}}, "baseline_s must be 0"),
        ({"sensor": {"kind": "external", "rate_hz": 1}}, 'needs sensor.kind "diary"'),
    ],
)
def test_a_spec_of_days_that_cannot_be_is_refused_by_the_name_of_its_key(changes, words):
    tree = {**json.loads(days_spec().model_dump_json(exclude_none=True)), **changes}
    with pytest.raises(InputError, match=words):
        PipelineSpec.from_dict(tree)


def test_a_herd_of_too_few_days_is_no_herd(tmp_path):
    with pytest.raises(InputError, match="longer than the 3 days that are learnt"):
        anomsdk.train.fit(days_spec(), herd_rows(4, 3), out=tmp_path / "x")
    assert not (tmp_path / "x").exists()
