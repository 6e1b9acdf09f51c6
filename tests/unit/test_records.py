"""Records: what a pipeline takes up again after a reset, under its own plan and others, and which ones it refuses."""

from __future__ import annotations

import threading
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk import Annunciation, InputError, Kind, Pipeline, State
from anomsdk.core.event import Restart
from anomsdk.core.record import RECORD_BYTES, Record
from anomsdk.core.rung import levels
from anomsdk.plans.file import parse_plan
from anomsdk.runtime.engines import open_engine
from anomsdk.runtime.native_module import why_missing
from tests.support.stems.pipeline import bands_plan, file_of, logmel_plan, loud_then_quiet, rows_plan, rows_that_jump
from tests.support.stems.record import with_sections
from tests.support.tiny_plans import events_of, give, give_all, tiny_plan

ENGINES = ("reference", "tflite", "native")
TINY_ENGINES = ("reference", "native")  # a tiny plan has no model file


def engines(*names):
    return pytest.mark.parametrize("engine", names, indirect=True)


@pytest.fixture
def engine(request):
    """Each engine by its name."""
    if request.param == "native" and (reason := why_missing()):
        pytest.skip(reason)
    return request.param


# Under other plans of the same score_id


def leveled(plan, raise_score):
    return replace(plan, levels=levels(raise_score, plan.timing))


@engines(*TINY_ENGINES)
@pytest.mark.parametrize(("raise_score", "ends"), [(50, False), (100, True), (300, True)])
def test_an_alarm_that_stands_is_judged_by_the_new_level(engine, raise_score, ends):
    """A score of 81 is between the old levels 80 and 100, above a clear level of 40, and below one of 240."""
    plan, word = tiny_plan(), "middle" if raise_score != 100 else "low"
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, ["nothing", "hit"])
        record = pipeline.state()
    with Pipeline(leveled(plan, raise_score), engine) as pipeline:
        (restart,) = events_of(pipeline.restore(record))
        assert (restart.kind, restart.restart, restart.state) == (Kind.RESTART, Restart.RESTORED, State.UNACK_ALARM)
        assert restart.sequence == 2 + 1024, "no number is used twice"
        states = [event.state for event in events_of(give(pipeline, word))]
        assert states == ([State.NORMAL] if ends else [])


@engines(*TINY_ENGINES)
@pytest.mark.parametrize("raise_score", [60, 99, 100])
def test_votes_of_another_level_do_not_count(engine, raise_score):
    plan = tiny_plan(m=2, n=2)
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, ["nothing", "hit"])
        record = pipeline.state()
    with Pipeline(leveled(plan, raise_score), engine) as pipeline:
        pipeline.restore(record)
        raised = events_of(give(pipeline, "hit"))
    assert bool(raised) == (raise_score == 100)


@engines(*TINY_ENGINES)
def test_a_latched_alarm_ends_under_a_plan_without_latch(engine):
    with Pipeline(tiny_plan(latch=1), engine) as pipeline:
        give_all(pipeline, ["nothing", "hit", "low"])
        record = pipeline.state()
    with Pipeline(tiny_plan(), engine) as pipeline:
        (restart,) = events_of(pipeline.restore(record))
        assert (restart.state, restart.latched) == (State.NORMAL, False)
        assert [event.state for event in events_of(give(pipeline, "hit"))] == [State.UNACK_ALARM]


@engines(*TINY_ENGINES)
def test_an_escalated_alarm_that_ends_so_is_no_longer_escalated(engine):
    """Neither is the next one, before it has escalated itself."""
    with Pipeline(tiny_plan(latch=1, escalate_after=2), engine) as pipeline:
        give_all(pipeline, ["nothing", "hit", "hit", "hit", "low"])
        assert pipeline.annunciation & Annunciation.ESCALATED
        record = pipeline.state()
    with Pipeline(tiny_plan(), engine) as pipeline:
        pipeline.restore(record)
        assert pipeline.annunciation == 0
        give(pipeline, "hit")
        assert pipeline.annunciation == Annunciation.SOUND | Annunciation.LIGHT


@engines(*TINY_ENGINES)
@pytest.mark.parametrize("words", [["hit"], ["hit", "acknowledge"], ["low"], ["out"]])
def test_from_a_plan_with_a_life_cycle_to_one_without_and_back(engine, words):
    plan = replace(tiny_plan(), health=None)
    plain = replace(plan, alarm=None)
    assert plan.score_id == plain.score_id
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, ["nothing", *words])
        record = pipeline.state()
    with Pipeline(plain, engine) as pipeline:
        assert pipeline.restore(record) == []
        cleared = events_of(give(pipeline, "low"))
        assert [event.state for event in cleared] == [State.NORMAL] * ("hit" in words)
        give(pipeline, "hit")
        record = pipeline.state()
    with Pipeline(plan, engine) as pipeline:
        (restart,) = events_of(pipeline.restore(record))
        assert restart.state == State.UNACK_ALARM
        (acknowledged,) = events_of(pipeline.acknowledge())
        assert acknowledged.state == State.ACK_ALARM


@engines(*TINY_ENGINES)
@pytest.mark.parametrize(
    "changes", [{"off_delay": 1}, {"clear_after": 3}, {"m": 1, "n": 2}, {"warm_up": 1}, {"stride": 2}]
)
def test_a_record_of_another_score_is_refused(engine, changes):
    with Pipeline(tiny_plan(**changes), engine) as pipeline:
        give_all(pipeline, ["nothing", "low", "low", "hit"])
        record = pipeline.state()
    with Pipeline(tiny_plan(), engine) as pipeline:
        give_all(pipeline, ["nothing", "hit"])
        with pytest.raises(InputError) as caught:
            pipeline.restore(record)
        assert str(caught.value) == (
            "Pipeline.restore: record: of a plan with another score_id, whose scores are not comparable; the pipeline "
            "begins anew"
        )
        (restart,) = events_of(give(pipeline, "nothing"))
        assert (restart.restart, restart.state, restart.sequence) == (Restart.REFUSED, State.NORMAL, 0)


# Going on


def restored(plan, engine, blocks):
    """Results of blocks, with a restore of the own record between them."""
    with Pipeline(plan, engine) as pipeline:
        found = []
        for block in blocks:
            found += pipeline.process(block)
            assert pipeline.restore(pipeline.state()) == []
    return numbered(found)


def after_a_pause_of_none(plan, blocks):
    """Results of blocks of the core, where windows and frames begin anew between them and time goes on."""
    chain = open_engine("reference", plan)
    found = []
    for block in blocks:
        found += chain.process(block).results()
        lost = chain._framer.gap(0)
        chain._extractor.restart()
        chain._context.restart()
        chain._pass(lost, pause=True)
    return numbered(found)


def numbered(results):
    """Results without the sequence of their events."""
    return [replace(r, events=tuple(replace(event, sequence=0) for event in r.events)) for r in results]


PLANS = {
    "windows that overlap": (logmel_plan(), loud_then_quiet(64 + 24 * 8, 74)),
    "bands and a baseline": (bands_plan(), loud_then_quiet(64 + 24 * 12, 75)),
    "rows and a baseline": (rows_plan(), rows_that_jump(50)),
    "rows, duty, the end by time": (
        with_sections(rows_plan(), {"m": 2, "n": 3, "clear_after": 4, "off_delay": 6}, duty={"on": 9, "every": 40}),
        rows_that_jump(60),
    ),
}


@engines("reference", "native")
@pytest.mark.parametrize("name", PLANS)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_restored_pipeline_goes_on_as_after_a_pause_of_no_sample(engine, name, cuts):
    tree, samples = PLANS[name]
    plan = parse_plan(file_of(tree), name="plan")
    stream = np.array(samples, np.int16).reshape(-1, plan.columns)
    blocks = np.split(stream, sorted(cut % len(stream) for cut in cuts))
    assert restored(plan, engine, blocks) == after_a_pause_of_none(plan, blocks)


@engines(*ENGINES)
def test_the_level_of_a_reference_model_goes_on(engine):
    """What the baseline has followed for a minute is not lost, and a reset without a record forgets it."""
    plan = anomsdk.reference_model("audio_scene")
    noise = np.random.default_rng(7).normal(0, 3000, 16000 * 10).astype(np.int16)
    with Pipeline(plan, engine) as pipeline:
        ticks = pipeline.process(noise)
        record = Record.from_bytes(pipeline.state())
        pipeline.reset()
        fresh = Record.from_bytes(pipeline.state())
        pipeline.restore(bytes(record))
        again = Record.from_bytes(pipeline.state())
        results = pipeline.process(noise[: plan.samples_to_first_tick + plan.framer.hop])
    assert fresh.level_q16 == plan.baseline.start << 16 != record.level_q16 == again.level_q16
    assert results[0].hop > ticks[-1].hop, "time goes on"


# Bad inputs


@engines(*TINY_ENGINES)
@pytest.mark.parametrize("wrong", ["61720100", None, 3, [1, 2], np.zeros(RECORD_BYTES, np.int16).tolist()])
def test_what_is_no_record_is_refused_and_nothing_is_done(engine, wrong):
    with Pipeline(tiny_plan(), engine) as pipeline:
        give_all(pipeline, ["nothing", "hit"])
        with pytest.raises(
            InputError, match=r"^Pipeline.restore: \w+ is no record; give the bytes that Pipeline.state"
        ):
            pipeline.restore(wrong)
        assert [event.state for event in events_of(give(pipeline, "low"))] == [State.NORMAL], "the alarm still stood"


@engines(*TINY_ENGINES)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_a_record(engine, kind):
    with Pipeline(tiny_plan(), engine) as pipeline:
        give_all(pipeline, ["nothing", "hit"])
        (restart,) = events_of(pipeline.restore(kind(pipeline.state())))
    assert restart.restart == Restart.RESTORED


@engines(*TINY_ENGINES)
def test_a_record_says_what_is_wrong_with_it(engine):
    with Pipeline(tiny_plan(), engine) as pipeline:
        whole = pipeline.state()
    record = Record.from_bytes(whole)
    of_the_future = bytearray(whole[:-4])
    of_the_future[2] = 2
    for bad, words in (
        (b"", "record: 0 bytes, not 136"),
        (whole[:-1], "record: 135 bytes, not 136"),
        (whole + b"\0", "record: 137 bytes, not 136"),
        (b"\0" * RECORD_BYTES, "record: it does not begin as one"),
        (whole[:60] + b"\1" + whole[61:], "record: torn, its CRC is wrong"),
        (sealed(of_the_future), "record: version 2 is not 1, that of this release"),
        (bytes(replace(record, state=1)), "record: a number in it is out of its range"),
        (bytes(replace(record, ahead=2)), "record: a number in it is out of its range"),
        (bytes(replace(record, score_tag=bytes(8))), "record: of a plan with another score_id"),
    ):
        with Pipeline(tiny_plan(), engine) as pipeline, pytest.raises(InputError) as caught:
            pipeline.restore(bad)
        said = str(caught.value)
        assert said.startswith(f"Pipeline.restore: {words}") and said.endswith("; the pipeline begins anew")


def sealed(data):
    """A record with the CRC that fits it."""
    return bytes(data) + zlib.crc32(bytes(data)).to_bytes(4, "little")


@engines(*TINY_ENGINES)
def test_a_closed_pipeline_has_no_state(engine):
    pipeline = Pipeline(tiny_plan(), engine)
    record = pipeline.state()
    pipeline.close()
    for call in (pipeline.state, lambda: pipeline.restore(record)):
        with pytest.raises(InputError, match="closed"):
            call()


@engines(*TINY_ENGINES)
def test_a_pipeline_in_use_by_another_thread_is_refused(engine):
    with Pipeline(tiny_plan(), engine) as pipeline:
        give(pipeline, "hit")
        record = pipeline.state()
        said = []

        def call(method):
            try:
                method()
            except InputError as error:
                said.append(str(error))

        pipeline._busy.acquire()
        for method in (pipeline.state, lambda: pipeline.restore(record)):
            thread = threading.Thread(target=call, args=(method,))
            thread.start()
            thread.join()
        pipeline._busy.release()
        assert len(said) == 2 and all("thread" in line for line in said)
        assert [event.state for event in events_of(give(pipeline, "low"))] == [State.NORMAL]


@engines(*TINY_ENGINES)
def test_a_save_changes_nothing_and_tapped_inputs_are_forgotten_by_a_restore(engine):
    with Pipeline(tiny_plan(), engine, tap=True) as pipeline:
        give_all(pipeline, ["nothing", "hit"])
        assert pipeline.state() == pipeline.state()
        assert len(pipeline.tapped) == 1
        pipeline.restore(pipeline.state())
        assert len(pipeline.tapped) == 0


@engines(*TINY_ENGINES)
def test_the_sequence_wraps_over_a_restore(engine):
    with Pipeline(tiny_plan(), engine) as pipeline:
        pipeline.restore(bytes(replace(Record.from_bytes(pipeline.state()), sequence=65535 - 1023)))
        assert events_of(give(pipeline, "hit"))[0].sequence == 1
