"""What is left in a pipeline's own arrays after a call, a gap, an exception and a close."""

import shutil

import numpy as np
import pytest

import anomsdk
from anomsdk.plans.file import reference_models_folder
from tests.support.make import FOLLOWED, SPECS, lively, noise
from tests.support.supervised_models import supervised

STATE = {"_samples", "_cut", "_history", "_sums"}
"""Arrays that carry something from one call to the next (_cut is a view of _samples); the rest is scratch or tables."""
LEARNT = {"level", "spread", "anchor", "seen", "totals", "total_anchor", "_own"}
"""Arrays of the own profile of days, which outlives a gap."""
OF_DAYS = {"_rows", *LEARNT}


def samples_of(kind, usual):
    """Number of samples for a test: rows are fewer than samples of a signal."""
    return {"external": 200, "days": 400}.get(kind, usual)


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
    return anomsdk.Pipeline(plan, "reference"), anomsdk.Pipeline(plan, "reference")._engine


@pytest.mark.parametrize("kind", SPECS)
def test_only_the_state_outlives_a_call(plans, kind):
    pipeline, fresh = opened(plans[kind])
    x = noise(samples_of(kind, 30_000), columns=plans[kind].columns)
    for block in np.split(x, 7 if len(x) % 7 == 0 else 8):
        pipeline.process(block)
        assert changed(pipeline._engine, fresh) <= (OF_DAYS if kind == "days" else STATE)
    assert ("_rows" if kind == "days" else "_history") in changed(pipeline._engine, fresh)


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
    pipeline.process(noise(samples_of(kind, 30_000), columns=plans[kind].columns))
    assert sum(len(levels) for levels, _ in given) > 20 and not any(levels.any() for levels, _ in given)


@pytest.mark.parametrize("kind", SPECS)
def test_nothing_outlives_a_gap_or_a_close(plans, kind):
    """Days: a gap of a day forgets the rows, and the profile stays until the close."""
    pipeline, fresh = opened(plans[kind])
    x = noise(samples_of(kind, 10_007), columns=plans[kind].columns)
    pipeline.process(x)
    pipeline.gap(plans[kind].extractor.slots if kind == "days" else 1)
    found = changed(pipeline._engine, fresh)
    assert found <= LEARNT and "level" in found if kind == "days" else found == set()
    pipeline.process(x)
    engine = pipeline._engine
    pipeline.close()
    assert changed(engine, fresh) == set()


@pytest.mark.parametrize("kind", FOLLOWED)
def test_a_gap_leaves_the_baseline_and_a_reset_or_a_close_does_not(following, kind):
    plan, start = following[kind], (300_000 << 16, 0)
    pipeline = anomsdk.Pipeline(plan, "reference")
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


@pytest.mark.parametrize("name", ["audio_scene", "human_motion"])
def test_health_keeps_numbers_of_a_column_and_a_close_leaves_none(name):
    plan = supervised(name, {"latch": True}, {})[0]
    (pipeline, fresh), rng = opened(plan), np.random.default_rng(3)
    n = plan.samples_to_first_tick + 9 * plan.samples_per_tick
    for end in ("reset", "close"):
        pipeline.process(rng.integers(-30_000, 30_000, (n, plan.columns)).astype(np.int16))
        pipeline.missing(10_000), pipeline.clock(5), pipeline.supply(True), pipeline.gap(100)
        engine = pipeline._engine
        assert changed(engine, fresh) <= {"_last", "_lowest", "_highest", "_sum", "_run", "_mean_q8", "_counts"}
        assert "_last" in changed(engine, fresh)
        assert health_numbers(engine) != health_numbers(fresh)
        getattr(pipeline, end)()
        assert changed(engine, fresh) == set()
        assert health_numbers(engine) == health_numbers(fresh)


def health_numbers(engine):
    """All that health and the alarm keep beside arrays."""
    kept = [engine._supervisor, engine._supervisor._health, engine._supervisor._alarm, engine._supervisor._alarm._rung]
    return [{name: value for name, value in vars(each).items() if isinstance(value, int)} for each in kept]


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


@pytest.fixture(scope="module")
def with_diary(tmp_path_factory):
    """Plan of a collar whose diary takes levels of movement."""
    made = tmp_path_factory.mktemp("diary") / "collar"
    shutil.copytree(reference_models_folder() / "cattle_collar", made)
    (made / "spec.toml").write_text(f"{(made / 'spec.toml').read_text()}\n[diary]\n")
    return anomsdk.plan(made)


@pytest.mark.parametrize("broken", [None, "_model.run", "_score.run", "_diary.hop", "_diary.tick"])
def test_levels_that_a_diary_takes_are_zeroed_at_once(with_diary, monkeypatch, broken):
    pipeline, fresh = opened(with_diary)
    engine, taken = pipeline._engine, []
    push = type(engine._extractor).push

    def spied(extractor, frames):
        found = push(extractor, frames)
        taken.append(extractor.watched_levels)
        assert taken[-1].all() and taken[-1].shape == (len(found[0]), 2)
        return found

    monkeypatch.setattr(type(engine._extractor), "push", spied)
    x = noise(with_diary.samples_to_first_tick + 5 * with_diary.samples_per_tick, columns=with_diary.columns)
    if broken is None:
        pipeline.process(x)
        assert changed(engine, fresh) <= STATE | {"_last", "_lowest", "_highest", "_sum", "_run", "_mean_q8", "_counts"}
    else:
        stage, method = broken.split(".")
        monkeypatch.setattr(getattr(engine, stage), method, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pipeline.process(x)
        assert changed(engine, fresh) == set()
    assert sum(map(len, taken)) > 0 and not any(levels.any() for levels in taken)


HEADER = 40 + 18 * np.dtype(np.uintp).itemsize  # of the C port's pipeline: positions and counters, no signal
POINTERS = 2 * np.dtype(np.uintp).itemsize
"""Of the rung that freezes the baseline, right behind the header: to the levels and the timing of its own plan."""


def native_memory(plan, *blocks):
    """All that the C port keeps between calls, after these blocks."""
    pipeline = anomsdk.Pipeline(plan, "native")
    for block in blocks:
        pipeline.process(block)
    return pipeline, pipeline._engine._memory


@pytest.mark.parametrize("kind", FOLLOWED)
def test_the_native_engine_keeps_a_window_and_a_context(plans, kind, native):
    plan = plans[kind]
    _, fresh = native_memory(plan)
    n = plan.samples_to_first_tick + 5 * plan.samples_per_tick
    pipeline, memory = native_memory(plan, noise(n, columns=plan.columns, level=20_000))
    used = memory != fresh
    hops_kept = plan.framer.window - plan.framer.hop
    window = 2 * hops_kept * plan.columns
    room = 2 * plan.framer.window * plan.columns
    history = (plan.context.frames - 1) * plan.extractor.n_features
    samples, rest = used[HEADER : HEADER + room], used[HEADER + room :]
    assert samples[:window].mean() > 0.9 if window else True
    assert not samples[window:].any(), "what the next window does not need"
    sums = 8 + 8 * (plan.extractor.filterbank.n_bands + 1) if kind == "bands" else 0
    at = -(-room // 8) * 8 - room + sums
    assert rest[at : at + history].any()
    assert not rest[at + -(-history // 8) * 8 :].any(), "features and scratch"
    pipeline.gap(1)
    assert (memory[HEADER:] == fresh[HEADER:]).all()


@pytest.mark.parametrize("kind", SPECS)
def test_a_native_reset_or_close_leaves_what_a_fresh_one_has(following, kind, native):
    plan = following[kind]
    _, fresh = native_memory(plan)
    for end in ("reset", "close"):
        pipeline, memory = native_memory(plan, lively(plan))
        assert (memory[HEADER:] != fresh[HEADER:]).any()
        getattr(pipeline, end)()
        assert (memory[HEADER + POINTERS :] == fresh[HEADER + POINTERS :]).all()


def test_the_native_engine_keeps_no_score_and_no_event(following, native):
    pipeline = anomsdk.Pipeline(following["external"], "native")
    results = pipeline.process(lively(following["external"]))
    assert sum(result.score > 0 for result in results) > 20 and any(result.events for result in results)
    room = pipeline._engine._room
    assert len(room._scores) >= len(results) and not room._scores.any() and not room._events.any()


def test_a_copy_that_the_native_engine_must_make_is_wiped(plans, native, monkeypatch):
    """A block that is not in one piece, as every second channel of a stereo recording is."""
    x = np.repeat(noise(5000, level=20_000), 2)[::2].view(Spied)
    x.copies = copies = []
    anomsdk.Pipeline(plans["bands"], "native")._engine.process(x.reshape(-1, 1))
    assert len(copies) == 1 and not np.asarray(copies[0]).any()


def test_it_is_wiped_when_the_call_is_stopped(plans, native, monkeypatch):
    x = np.repeat(noise(5000, level=20_000), 2)[::2].view(Spied)
    x.copies = []
    engine = anomsdk.Pipeline(plans["bands"], "native")._engine
    monkeypatch.setattr(engine, "_process", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        engine.process(x.reshape(-1, 1))
    assert len(x.copies) == 1 and not np.asarray(x.copies[0]).any()


class Spied(np.ndarray):
    """Remembers the copies that are made of it."""

    def __array_finalize__(self, parent):
        self.copies = getattr(parent, "copies", [])

    def copy(self, order="C"):
        self.copies.append(super().copy(order))
        return self.copies[-1]


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
