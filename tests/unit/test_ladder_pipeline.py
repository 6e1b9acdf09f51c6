"""Pipelines with a ladder: requests, level events, the level in force, exports, and records, in both engines."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomsdk import InputError, Kind, Pipeline, State
from anomsdk.core.event import Promise, Restart
from anomsdk.core.export import Export
from anomsdk.core.ladder import HEAD_BYTES, Unit, ladder_bytes
from anomsdk.core.record import RECORD_BYTES, Record
from anomsdk.core.rung import levels
from anomsdk.runtime.ladders import ScoreLadder
from anomsdk.runtime.native_module import why_missing
from tests.support.tiny_plans import SCORES, events_of, give, give_all, promise_plan, row, tiny_plan, with_ladder


@pytest.fixture(params=["reference", "native"])
def engine(request):
    """Each engine that runs a tiny plan."""
    if request.param == "native" and (reason := why_missing()):
        pytest.skip(reason)
    return request.param


PLAN = with_ladder(
    tiny_plan(), 50, 100, 200, day=2, promises=[promise_plan(first=2), promise_plan(Unit.ALARM, first=4)]
)
"""Rungs below a hit, at a hit and above it; days of two ticks."""


def news(results):
    return [(e.promise, e.reasons[1], e.level_tag) for e in events_of(results) if e.kind == Kind.LEVEL]


def test_from_the_plans_own_level_to_a_certified_one(engine):
    with Pipeline(PLAN, engine) as pipeline:
        give_all(pipeline, ["nothing", "low", "low"])
        assert pipeline.level == 0 and news(pipeline.calibrate()) == [(Promise.NEEDS, 1, 0)]
        give_all(pipeline, ["middle", "low"])
        (event,) = events_of(pipeline.calibrate())
        assert (event.promise, event.reasons[1], event.level_tag, pipeline.level) == (Promise.CERTIFIED, 0, 2, 2)
        assert event.score_log2_q8 == round(256 * np.log2(100) - 0.5), "the score is the level in force"
        assert events_of(give(pipeline, "middle")) == []
        assert [e.level_tag for e in events_of(give(pipeline, "hit"))] == [2]


def test_a_level_that_is_set_judges_and_is_told(engine):
    with Pipeline(PLAN, engine) as pipeline:
        give(pipeline, "nothing")
        assert news(pipeline.set_level(1)) == [(Promise.SET, 0, 1)] and pipeline.level == 1
        assert [e.state for e in events_of(give(pipeline, "middle"))] == [State.UNACK_ALARM]
        assert news(pipeline.set_level(3)) == [(Promise.SET, 0, 3)]
        assert [e.state for e in events_of(give(pipeline, "hit"))] == [State.NORMAL], "below the clear level of 160"
        assert news(pipeline.set_level(np.int64(0))) == [(Promise.SET, 0, 0)] and pipeline.level == 0


def test_a_broken_promise_is_told_behind_the_tick_that_broke_it(engine):
    plan = replace(PLAN, promises=(replace(PLAN.promises[0], broken_q16=100000),))
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, ["nothing", "low", "low", "low", "low"])
        assert news(pipeline.calibrate()) == [(Promise.CERTIFIED, 0, 1)]
        give_all(pipeline, ["middle", "low", "middle"])
        found = give(pipeline, "low")
        assert [(r.judged, r.events[0].kind, r.events[0].level_tag) for r in found if r.events] == [
            (True, Kind.ANOMALY, 1),
            (False, Kind.LEVEL, 2),
        ]
        assert found[-1].hop == found[0].hop + 1 and pipeline.level == 2


def test_a_full_count_stays_full_in_a_difference(engine):
    with Pipeline(PLAN, engine) as pipeline:
        give_all(pipeline, ["nothing", "low", "low"])
        record = Record.from_bytes(pipeline.state(), ladder_bytes(PLAN.ladder))
        at = HEAD_BYTES + 4
        record.ladder = record.ladder[:at] + b"\xff\xff" + record.ladder[at + 2 :]
        pipeline.restore(bytes(record))
        then = pipeline.export(1, 1)
        give_all(pipeline, ["nothing", "low"])
        part = Export.from_bytes(pipeline.export(1, 1, since=then))
        assert part.ticks > 0
        assert [each.alarms for each in part.counts] == [65535, 0, 0]


def test_a_reset_returns_to_the_plans_own_level(engine):
    with Pipeline(PLAN, engine) as pipeline:
        pipeline.set_level(3)
        pipeline.reset()
        assert pipeline.level == 0 and events_of(give(pipeline, "nothing"))[0].level_tag == 0
        assert Export.from_bytes(pipeline.export(0, 1)).ticks == 0


@given(
    st.lists(st.sampled_from(["low", "middle", "hit", "fault", "top"]), min_size=1, max_size=40),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
)
@settings(max_examples=25, deadline=None)
def test_results_do_not_depend_on_how_the_stream_is_cut(words, sizes):
    plan = replace(PLAN, promises=(PLAN.promises[0], replace(PLAN.promises[1], broken_q16=60000, event_q16=70000)))
    rows = np.array([row(word) for word in words], np.int16)
    found = []
    for engine in ("reference", "native"):
        if engine == "native" and why_missing():
            continue
        for cut in ([len(rows)], [1], sizes):
            with Pipeline(plan, engine) as pipeline:
                results = pipeline.set_level(1) + pipeline.calibrate(1)
                rest, i = rows, 0
                while len(rest):
                    results += pipeline.process(rest[: cut[i % len(cut)]])
                    rest, i = rest[cut[i % len(cut)] :], i + 1
                found.append(([(r.hop, r.score, *map(bytes, r.events)) for r in results], pipeline.export(1, 1)))
    assert all(each == found[0] for each in found)


# Requests that are refused


@pytest.mark.parametrize(
    ("name", "argument", "says"),
    [
        ("calibrate", 2, "Pipeline.calibrate: `budget`: 2 is not a whole number from 0 to 1"),
        ("calibrate", -1, "Pipeline.calibrate: `budget`: -1 is not a whole number from 0 to 1"),
        ("calibrate", "1 alarm/7d", "Pipeline.calibrate: `budget`: '1 alarm/7d' is not a whole number from 0 to 1"),
        ("calibrate", True, "Pipeline.calibrate: `budget`: True is not a whole number from 0 to 1"),
        ("set_level", 4, "Pipeline.set_level: `level`: 4 is not a whole number from 0 to 3"),
        ("set_level", 1.0, "Pipeline.set_level: `level`: 1.0 is not a whole number from 0 to 3"),
        ("set_level", None, "Pipeline.set_level: `level`: None is not a whole number from 0 to 3"),
        ("set_level", False, "Pipeline.set_level: `level`: False is not a whole number from 0 to 3"),
    ],
)
def test_a_request_out_of_range_is_refused_and_changes_nothing(engine, name, argument, says):
    with Pipeline(PLAN, engine) as pipeline:
        give(pipeline, "nothing")
        with pytest.raises(InputError) as caught:
            getattr(pipeline, name)(argument)
        assert str(caught.value) == says
        assert give(pipeline, "nothing") == [] and pipeline.level == 0


def test_one_budget_is_no_switch(engine):
    """The largest argument is 1 where a plan has two budgets, or 0: a bool is no index of one."""
    with Pipeline(replace(PLAN, promises=PLAN.promises[:1]), engine) as pipeline:
        for argument in (True, False, 1):
            with pytest.raises(InputError, match="is not a whole number from 0 to 0"):
                pipeline.calibrate(argument)
        pipeline.calibrate(0)


def test_a_ladder_without_budgets_counts_and_certifies_nothing(engine):
    with Pipeline(replace(PLAN, promises=()), engine) as pipeline:
        with pytest.raises(InputError, match="has no budget"):
            pipeline.calibrate()
        give_all(pipeline, ["hit", "hit"])
        assert news(pipeline.set_level(2)) == [(Promise.SET, 0, 2)]
        assert Export.from_bytes(pipeline.export(1, 1)).counts[1].alarms == 1


@pytest.mark.parametrize("plan", [tiny_plan(), replace(tiny_plan(), alarm=None, health=None)], ids=["alarm", "plain"])
def test_a_plan_without_a_ladder_says_so(engine, plan):
    with Pipeline(plan, engine) as pipeline:
        for call in (pipeline.calibrate, lambda: pipeline.set_level(0), lambda: pipeline.export(1, 1)):
            with pytest.raises(InputError) as caught:
                call()
            assert "plan tiny has no ladder section; add [ladder] to its spec.toml and plan again" in str(caught.value)
        assert pipeline.level == 0 and len(pipeline.state()) == RECORD_BYTES


# Exports


def test_reading_clears_nothing_and_differences_add_up(engine):
    with Pipeline(PLAN, engine) as pipeline:
        give_all(pipeline, ["nothing", "hit", "low", "middle"])
        first = pipeline.export(7, 3)
        assert pipeline.export(7, 3) == first
        give_all(pipeline, ["low", "hit", "hit"])
        whole, part = Export.from_bytes(pipeline.export(7, 3)), Export.from_bytes(pipeline.export(7, 3, since=first))
        assert whole.since(Export.from_bytes(first)) == part and (part.first, part.last) == (3, 6)
        assert whole.score_tag.hex() == PLAN.score_id[:16] and whole.plan_tag == PLAN.tag


def test_the_boot_is_the_one_that_was_given_first(engine):
    with Pipeline(PLAN, engine) as pipeline:
        assert Export.from_bytes(pipeline.export(7, 3)).boot == 3 == Export.from_bytes(pipeline.export(7, 4)).boot
        record = pipeline.state()
        pipeline.reset()
        assert Export.from_bytes(pipeline.export(7, 5)).boot == 5
        pipeline.restore(record)
        assert Export.from_bytes(pipeline.export(7, 6)).boot == 3


def torn(export):
    return export[:50] + bytes([export[50] ^ 1]) + export[51:]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((-1, 1), "`device`: -1 is not a whole number from 0 to 18446744073709551615"),
        ((2**64, 1), "`device`: 18446744073709551616 is not"),
        (("a", 1), "`device`: 'a' is not"),
        ((True, 1), "`device`: True is not"),
        ((1, 0), "`boot`: 0 is not a whole number from 1 to 65535"),
        ((1, 65536), "`boot`: 65536 is not"),
        ((1, 1, "export"), "`since`: str is no export; give the bytes of an earlier one"),
        ((1, 1, b""), "`since`: export: it does not begin as one"),
        ((1, 1, "torn"), "`since`: export: torn, its CRC is wrong"),
        ((2, 1, "first"), "of another device, boot or score_id than the earlier one"),
        ((1, 1, "other boot"), "of another device, boot or score_id"),
        ((1, 1, "other rungs"), "of another device, boot or score_id"),
        ((1, 1, "part"), "a difference has no difference; keep exports from the first tick"),
        ((1, 1, "later"), "it counts less than the earlier one; a clock that goes backwards"),
    ],
)
def test_an_export_that_cannot_be_made_is_refused_in_one_line(engine, arguments, says):
    with Pipeline(PLAN, engine) as pipeline:
        give_all(pipeline, ["nothing", "hit", "low"])
        first = pipeline.export(1, 1)
        made = {"first": first, "torn": torn(first), "part": pipeline.export(1, 1, first)}
        made["later"] = bytes(replace(Export.from_bytes(first), last=3))
        made["other boot"] = bytes(replace(Export.from_bytes(first), boot=2))
        made["other rungs"] = bytes(replace(Export.from_bytes(first), counts=Export.from_bytes(first).counts[:2]))
        given_arguments = [
            made.get(each, each) if isinstance(each, str) and i == 2 else each for i, each in enumerate(arguments)
        ]
        if arguments[-1] == "export":
            given_arguments[2] = "export"
        with pytest.raises(InputError) as caught:
            pipeline.export(*given_arguments)
        assert str(caught.value).startswith("Pipeline.export: ") or "export: " in str(caught.value)
        assert says in str(caught.value) and "\n" not in str(caught.value)
        assert pipeline.export(1, 1) == first, "nothing is lost"


# Scores at hand


@given(
    st.lists(
        st.lists(st.sampled_from(["low", "middle", "hit", "top"]), min_size=1, max_size=20), min_size=1, max_size=4
    )
)
@settings(max_examples=25, deadline=None)
def test_scores_at_hand_count_as_a_pipeline_does(recordings):
    """A gap stands between recordings, and lost hops are no service. In C as in Python."""
    engines = [None, "reference"]
    for engine in engines:
        count_as_a_pipeline(recordings, ScoreLadder(PLAN, engine))


def count_as_a_pipeline(recordings, counted):
    plan = replace(PLAN, alarm=None, health=None)
    with Pipeline(plan, "reference") as pipeline:
        for i, words in enumerate(recordings):
            if i:
                pipeline.gap(5)
                counted.gap()
            give_all(pipeline, words)
            counted.take(np.array([SCORES[word] for word in words], np.uint32))
        ours, theirs = counted.export(9), Export.from_bytes(pipeline.export(9, 1))
    assert (ours.ticks, ours.days, ours.counts) == (theirs.ticks, theirs.days, theirs.counts)
    assert (ours.device, ours.boot, ours.first, ours.score_tag[:0]) == (9, 1, 0, b"")


def test_an_export_stays_as_it_was_made(engine):
    counted = ScoreLadder(PLAN, engine)
    counted.take(np.array([100, 0], np.uint32))
    first, data = counted.export(1), bytes(counted.export(1))
    counted.take(np.array([100, 0], np.uint32))
    assert bytes(first) == data and bytes(counted.export(1)) != data


# Records


def test_a_record_carries_the_ladder_on(engine):
    with Pipeline(PLAN, engine) as pipeline:
        give_all(pipeline, ["nothing", "low", "low", "low", "low"])
        pipeline.calibrate()
        give(pipeline, "middle")
        record, before = pipeline.state(), Export.from_bytes(pipeline.export(1, 1))
        assert len(record) == RECORD_BYTES + ladder_bytes(PLAN.ladder)
    with Pipeline(PLAN, engine) as pipeline:
        (restart,) = events_of(pipeline.restore(record))
        assert (restart.restart, restart.state, restart.level_tag) == (Restart.RESTORED, State.UNACK_ALARM, 1)
        assert pipeline.level == 1 and Export.from_bytes(pipeline.export(1, 1)) == before
        assert [e.state for e in events_of(give(pipeline, "low"))] == [State.NORMAL]


def test_another_own_level_keeps_the_level_and_ends_the_promise(engine):
    with Pipeline(PLAN, engine) as pipeline:
        give_all(pipeline, ["nothing", "low", "low", "low", "low"])
        pipeline.calibrate()
        record = pipeline.state()
    other = replace(PLAN, levels=levels(5, PLAN.timing), promises=())
    assert other.score_id == PLAN.score_id
    with Pipeline(other, engine) as pipeline:
        pipeline.restore(record)
        assert pipeline.level == 1 and Export.from_bytes(pipeline.export(1, 1)).promise == 0


SEALED = {
    "a rung in alarm beyond the last": (132, 8),
    "a day of a rung beyond the last": (136, 8),
    "a day that is over": (144, 2),
    "evidence above its end": (148, 1, 0, 0, 0x40),
    "evidence below its end": (148, 255, 255, 255, 0xBF),
    "a level that is not the record's": (158, 1),
    "a promise beyond the last": (159, 3),
    "a lowest rung beyond the last": (160, 3),
    "news that nobody knows": (162, 6),
    "hits of more votes than there are": (202, 2),
    "quiet days above the gap": (214, 2),
}


@pytest.mark.parametrize("case", SEALED)
def test_a_number_that_no_ladder_writes_is_refused(engine, case):
    at, *values = SEALED[case]
    with Pipeline(PLAN, engine) as pipeline:
        give_all(pipeline, ["nothing", "low", "low", "low"])
        data = bytearray(pipeline.state())
        data[at : at + len(values)] = bytes(values)
        forged = bytes(data[:-4]) + zlib.crc32(data[:-4]).to_bytes(4, "little")
        with pytest.raises(InputError) as caught:
            pipeline.restore(forged)
        assert str(caught.value).endswith(
            "record: a number of its ladder is out of its range; the pipeline begins anew"
        )
        (restart,) = events_of(give(pipeline, "nothing"))
        assert restart.restart == Restart.REFUSED and Export.from_bytes(pipeline.export(1, 1)).ticks == 0


def test_records_with_and_without_a_ladder_are_apart(engine):
    plain = replace(PLAN, ladder=None, promises=None)
    with Pipeline(PLAN, engine) as one, Pipeline(plain, engine) as other:
        long, short = one.state(), other.state()
        assert (len(long), len(short)) == (219, 136)
        with pytest.raises(InputError, match="record: 136 bytes, not 219; the pipeline begins anew"):
            one.restore(short)
        with pytest.raises(InputError, match="record: 219 bytes, not 136; the pipeline begins anew"):
            other.restore(long)
