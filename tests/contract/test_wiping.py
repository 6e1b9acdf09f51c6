"""What is left in a pipeline's own arrays after a call, a gap, an exception and a close."""

import numpy as np
import pytest

import anomsdk
from tests.make import SPECS, lively, noise

STATE = {"_samples", "_cut", "_history", "_sums"}
"""Arrays that carry something from one call to the next (_cut is a view of _samples); the rest is scratch or tables."""


def arrays(thing, seen):
    """Every array reachable from an object of the package, with its attribute's name."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    for name, value in vars(thing).items():
        if isinstance(value, np.ndarray):
            yield name, value
        elif type(value).__module__.startswith("anomsdk.core") and hasattr(value, "__dict__"):
            yield from arrays(value, seen)


def changed(engine, fresh):
    """Names of the arrays that differ from those of a pipeline that never heard anything."""
    pairs = zip(arrays(engine, set()), arrays(fresh, set()), strict=True)
    return {name for (name, used), (_, new) in pairs if not np.array_equal(used, new)}


def level(pipeline):
    """All that a baseline keeps."""
    baseline = pipeline._engine._baseline
    return baseline.level_q16, baseline._frozen


def opened(plan):
    return anomsdk.Pipeline(plan), anomsdk.Pipeline(plan)._engine


@pytest.mark.parametrize("kind", SPECS)
def test_only_the_state_outlives_a_call(plans, kind):
    pipeline, fresh = opened(plans[kind])
    x = noise(30_000 if kind != "external" else 200, columns=plans[kind].columns)
    for block in np.split(x, 7 if len(x) % 7 == 0 else 8):
        pipeline.process(block)
        assert changed(pipeline._engine, fresh) <= STATE
    assert "_history" in changed(pipeline._engine, fresh)


@pytest.mark.parametrize("kind", SPECS)
def test_levels_are_zeroed_before_they_are_freed(plans, kind):
    """For the external extractor they are the rows themselves."""
    pipeline, _ = opened(plans[kind])
    extractor, given = pipeline._engine._extractor, []
    original = extractor.levels

    def spied(frames):
        given.append(original(frames))
        return given[-1]

    extractor.levels = spied
    pipeline.process(noise(30_000 if kind != "external" else 200, columns=plans[kind].columns))
    assert sum(len(levels) for levels, _ in given) > 20 and not any(levels.any() for levels, _ in given)


@pytest.mark.parametrize("kind", SPECS)
def test_nothing_outlives_a_gap_or_a_close(plans, kind):
    pipeline, fresh = opened(plans[kind])
    x = noise(10_007 if kind != "external" else 100, columns=plans[kind].columns)
    pipeline.process(x)
    pipeline.gap(1)
    assert changed(pipeline._engine, fresh) == set()
    pipeline.process(x)
    engine = pipeline._engine
    pipeline.close()
    assert changed(engine, fresh) == set()


@pytest.mark.parametrize("kind", SPECS)
def test_a_gap_leaves_the_baseline_and_a_reset_or_a_close_does_not(following, kind):
    plan, start = following[kind], (300_000 << 16, 0)
    pipeline = anomsdk.Pipeline(plan)
    engine, tick = pipeline._engine, plan.samples_per_tick
    assert level(pipeline) == start
    blocks = iter(np.split(lively(plan), np.arange(tick, len(lively(plan)), tick)))
    while engine._baseline._frozen == 0 or engine._baseline.level_q16 == start[0]:  # in an alarm, away from the start
        pipeline.process(next(blocks))
    before = level(pipeline)
    pipeline.gap(9 * tick)
    assert level(pipeline) == before
    pipeline.reset()
    assert level(pipeline) == start
    pipeline.process(lively(plan))
    assert level(pipeline) != start
    pipeline.close()
    assert (engine._baseline.level_q16, engine._baseline._frozen) == start


def test_an_exception_in_the_middle_wipes_and_closes(plans, monkeypatch):
    pipeline, fresh = opened(plans["bands"])
    engine = pipeline._engine
    monkeypatch.setattr(engine._score, "run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        pipeline.process(noise(30_000))
    monkeypatch.undo()
    assert changed(engine, fresh) == set()
    with pytest.raises(anomsdk.InputError, match="closed"):
        pipeline.process(noise(10))


def test_no_feature_stays_in_the_interpreter(plans, tflite):
    pipeline = anomsdk.Pipeline(plans["bands"], "tflite")
    pipeline.process(noise(30_000))
    interpreter = pipeline._engine._model._interpreter
    used = [interpreter.get_tensor(d["index"]).copy() for d in interpreter.get_input_details()]
    assert not any(tensor.any() for tensor in used)


def test_plans_cannot_be_changed(plans):
    for plan in (plans["bands"], anomsdk.reference_model("audio_scene")):
        for array in (plan.extractor.fft.cos_q15, plan.layers[0].weights, plan.score.weights, plan.layers[0].shift):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
