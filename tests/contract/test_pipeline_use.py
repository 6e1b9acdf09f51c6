"""What every engine refuses and forgets: copies of a pipeline, several threads, gaps that are none, tapped inputs."""

import contextlib
import copy
import dataclasses
import pickle
import sys
import threading

import numpy as np
import pytest

import anomsdk
from anomsdk.runtime.engines import ENGINES
from anomsdk.runtime.engines.tflite import why_missing as tflite_missing
from anomsdk.runtime.native_module import why_missing as native_missing
from tests.support.make import noise
from tests.support.tiny_plans import tiny_plan


@pytest.fixture(params=ENGINES)
def engine(request):
    """Each engine in turn."""
    missing = {"native": native_missing, "tflite": tflite_missing}.get(request.param, lambda: None)
    if why := missing():
        pytest.skip(why)
    return request.param


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_pipeline_is_never_copied(plans, engine, copied):
    pipeline = anomsdk.Pipeline(plans["bands"], engine)
    pipeline.process(noise(700))
    with pytest.raises(anomsdk.InputError, match="never copied or pickled; open another") as refused:
        copied(pipeline)
    assert "\n" not in str(refused.value)
    assert len(pipeline.process(noise(20_000))) > 2, "it goes on"


def test_a_reset_forgets_tapped_inputs_and_a_copy_that_was_taken_stays(plans, engine):
    pipeline = anomsdk.Pipeline(plans["bands"], engine, tap=True)
    for forget in (pipeline.reset, pipeline.close):
        pipeline.process(noise(30_000))
        kept, taken = pipeline._tapped, pipeline.tapped
        assert taken.any() and np.array_equal(kept, taken) and taken is not kept
        forget()
        assert len(pipeline.tapped) == 0
        assert not kept.any(), "what the pipeline held is zero"
        assert taken.any(), "what somebody was given is theirs"


def test_tapped_inputs_of_the_call_before_are_zeroed(plans, engine):
    pipeline = anomsdk.Pipeline(plans["bands"], engine, tap=True)
    pipeline.process(noise(30_000))
    before = pipeline._tapped
    pipeline.process(noise(30_000))
    assert not before.any() and pipeline.tapped.any()


@pytest.mark.parametrize("number", [int, np.int64, np.uint8, np.int32])
def test_a_gap_is_any_whole_number_and_none_of_0_changes_nothing(plans, engine, number):
    plan, x = plans["bands"], noise(50_000)
    (whole,) = anomsdk.score_many(plan, [[x[:20_001], x[20_001:]]], engine=engine)
    (nothing,) = anomsdk.score_many(plan, [[x[:20_001], number(0), x[20_001:]]], engine=engine)
    assert np.array_equal(nothing, whole)
    (gapped,) = anomsdk.score_many(plan, [[x[:20_001], number(200), x[20_001:]]], engine=engine)
    (expected,) = anomsdk.score_many(plan, [[x[:20_001], 200, x[20_001:]]], engine="reference")
    assert np.array_equal(gapped, expected) and not np.array_equal(gapped[: len(whole)], whole[: len(gapped)])
    with anomsdk.Pipeline(plan, engine) as pipeline:
        found = pipeline.process(x[:20_001])
        pipeline.gap(number(0))
        found += pipeline.process(x[20_001:])
    assert [result.score for result in found] == whole.tolist()


@pytest.mark.parametrize("gap", [-1, True, 1.0, np.int64(-3), 2**31, np.uint64(2**31), np.float32(1), "1", None])
def test_what_is_no_number_of_lost_samples_is_refused_alike(plans, engine, gap):
    with anomsdk.Pipeline(plans["bands"], engine) as pipeline, pytest.raises(anomsdk.InputError):
        pipeline.gap(gap)
    with pytest.raises(anomsdk.InputError, match=r"^recordings\[0\]: "):
        list(anomsdk.score_many(plans["bands"], [[noise(100), gap]], engine=engine))


@pytest.mark.parametrize("tap", [False, True])
def test_a_second_thread_is_refused_always_and_disturbs_nothing(plans, engine, tap):
    plan = plans["logmel"]
    x = np.random.default_rng(0).integers(-3000, 3000, 4_000_000 if engine == "native" else 100_000).astype(np.int16)
    expected = anomsdk.score(plan, x, engine).tolist()
    pipeline, found = anomsdk.Pipeline(plan, engine, tap=tap), []
    uses = (lambda: pipeline.process(x[:1000]), lambda: pipeline.gap(1), pipeline.reset, pipeline.close)
    refused = dict.fromkeys(range(len(uses)), 0)
    thread = threading.Thread(target=lambda: found.extend(pipeline.process(x)))
    thread.start()
    while not pipeline._busy.locked() and thread.is_alive():
        pass
    while thread.is_alive() and min(refused.values()) < 10:
        for number, use in enumerate(uses):
            if not pipeline._busy.locked():
                break  # the thread is done: from now on each use would be a good one
            with contextlib.suppress(anomsdk.InputError):
                use()
                break
            refused[number] += 1
    thread.join()
    assert min(refused.values()) >= 10, refused
    assert [result.score for result in found] == expected
    assert pipeline.process(x[:9]) == [], "it is still open"


def test_of_many_threads_each_call_is_done_whole_or_refused_whole(plans, engine):
    """Eight threads hammer one pipeline with blocks of one size: the hops count exactly the calls that were taken."""
    plan, calls, taken, wrong = plans["bands"], 60, [], []
    pipeline, block = anomsdk.Pipeline(plan, engine), noise(plan.framer.hop, level=3000)
    start = threading.Barrier(8)

    def hammer():
        start.wait()
        for _ in range(calls):
            try:
                pipeline.process(block)
                taken.append(1)
            except anomsdk.InputError as error:
                if "in use by another thread; give each thread" not in str(error):
                    wrong.append(error)
            except BaseException as error:  # anything but one clear line
                wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=hammer) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong and taken
    expected = anomsdk.Pipeline(plan, "reference").process(np.tile(block, len(taken)))
    more = plan.samples_to_first_tick + 3 * plan.samples_per_tick
    after = pipeline.process(noise(more, level=3000))
    whole = anomsdk.Pipeline(plan, "reference").process(
        np.concatenate([np.tile(block, len(taken)), noise(more, level=3000)])
    )
    assert after == whole[len(expected) :]


def test_an_error_inside_the_engine_closes_the_pipeline_and_wipes_it(plans, engine, monkeypatch):
    pipeline = anomsdk.Pipeline(plans["bands"], engine, tap=True)
    pipeline.process(noise(30_000))
    kept = pipeline._tapped
    monkeypatch.setattr(pipeline._engine, "process", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        pipeline.process(noise(100))
    assert not kept.any() and not pipeline._busy.locked()
    with pytest.raises(anomsdk.InputError, match="closed"):
        pipeline.process(noise(100))


of_tiny_plans = pytest.mark.parametrize("engine", ["reference", "native"], indirect=True)
"""Engines that need no file of a model."""

REFUSED_INPUTS = [
    ("silence", 2**31, "Pipeline.silence: `ticks`: 2147483648 is not a whole number from 0 to 2147483647"),
    ("silence", 2**32, "is not a whole number from 0 to 2147483647"),
    ("silence", -1, "Pipeline.silence: `ticks`: -1 is not a whole number"),
    ("silence", 1.0, "Pipeline.silence: `ticks`: 1.0 is not a whole number"),
    ("silence", True, "Pipeline.silence: `ticks`: True is not a whole number"),
    ("out_of_service", 2, "Pipeline.out_of_service: `on`: 2 is not True or False"),
    ("supply", None, "Pipeline.supply: `low`: None is not True or False"),
    ("self_test", "yes", "Pipeline.self_test: `failed`: 'yes' is not True or False"),
    ("missing", 2**32, "Pipeline.missing: `ms`: 4294967296 is not a whole number from 0 to 4294967295"),
    ("clock", -1, "Pipeline.clock: `ms`: -1 is not a whole number from 0 to 4294967295"),
]


@of_tiny_plans
@pytest.mark.parametrize(("name", "argument", "said"), REFUSED_INPUTS)
def test_an_input_out_of_range_is_refused_alike(engine, name, argument, said):
    pipeline = anomsdk.Pipeline(tiny_plan(), engine)
    with pytest.raises(anomsdk.InputError) as refused:
        getattr(pipeline, name)(argument)
    assert said in str(refused.value) and "\n" not in str(refused.value)
    (result,) = pipeline.process(np.zeros((0, 2), np.int16))
    assert result.events[0].kind == anomsdk.Kind.RESTART, "nothing was done"


@of_tiny_plans
@pytest.mark.parametrize("low", [True, np.True_, 1, np.uint8(1)])
def test_a_state_is_a_bool_or_a_number_of_python_or_numpy(engine, low):
    pipeline = anomsdk.Pipeline(tiny_plan(), engine)
    assert [result.events[0].condition for result in pipeline.supply(low)] == [None, anomsdk.Condition.SUPPLY]


@pytest.mark.parametrize("name", ["acknowledge", "cancel", "test", "out_of_service"])
def test_an_input_of_a_plan_without_sections_is_refused_alike(plans, engine, name):
    pipeline = anomsdk.Pipeline(plans["bands"], engine)
    with pytest.raises(anomsdk.InputError, match=f"Pipeline.{name}.* has no alarm section; add"):
        getattr(pipeline, name)()
    with pytest.raises(anomsdk.InputError, match=r"Pipeline\.annunciation: .* has no alarm section; add"):
        _ = pipeline.annunciation
    assert pipeline.health == 0


@of_tiny_plans
@pytest.mark.parametrize("name", ["supply", "self_test", "missing", "clock"])
def test_an_input_of_health_needs_its_section(engine, name):
    pipeline = anomsdk.Pipeline(dataclasses.replace(tiny_plan(), health=None), engine)
    with pytest.raises(anomsdk.InputError, match=f"Pipeline.{name}: .* has no health section; add"):
        getattr(pipeline, name)(1)


def test_a_reset_zeroes_what_health_keeps_of_the_signal():
    pipeline = anomsdk.Pipeline(tiny_plan(), "reference")
    health = pipeline._engine._supervisor._health
    pipeline.process(np.full((3, 2), 0x5A5A, np.int16))
    kept = (health._last, health._mean_q8, health._sum)
    assert kept[0].all() and kept[1].all()
    pipeline.reset()
    assert not any(each.any() for each in kept)
    assert (health._check, health._last_check, health._clipped) == (0, 0, 0)
