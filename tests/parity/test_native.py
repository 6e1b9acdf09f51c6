"""Engine native against the reference: every result, feature, output and all state, over any plan and any stream.

`make test-deep` runs a million hops of it.
"""

import dataclasses
import os
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk.runtime.engines.native import passes_selftest
from anomsdk.runtime.engines.tflite import why_missing
from benchmarks import signals
from tests.support.anything import SHAPES, any_plan, any_stream
from tests.support.make import FOLLOWED

HOPS = int(os.environ.get("ANOMSDK_DEEP_HOPS", "20000"))
"""Hops to compare, at least."""
PER_STREAM = 300 if HOPS < 100_000 else 3000


def test_any_plan_and_any_stream(tmp_path_factory, native, capsys):
    folder, compared = tmp_path_factory.mktemp("any"), []

    @given(
        kind=st.sampled_from(sorted(FOLLOWED)),
        shape=st.sampled_from([shape for shape in SHAPES if shape != "real audio" or signals.ESC10.exists()]),
        seed=st.integers(0, 2**32 - 1),
    )
    @settings(max_examples=40 + HOPS // PER_STREAM, deadline=None, suppress_health_check=list(HealthCheck))
    def agree(kind, shape, seed):
        plan = any_plan(folder / f"{kind}-{shape}-{seed}", kind, seed)
        compared.append(compare(plan, any_stream(plan, shape, PER_STREAM, seed), with_tflite=len(compared) % 4 == 0))

    begin = time.perf_counter()
    agree()
    rate = sum(compared) / (time.perf_counter() - begin)
    with capsys.disabled():
        print(f"\n{sum(compared):,} hops in {len(compared)} streams, {rate:,.0f} hops a second through all engines")
    assert sum(compared) >= HOPS


def compare(plan, pieces, *, with_tflite):
    """Run all engines over the pieces side by side; how many hops were heard."""
    names = ["native", *(["tflite"] if with_tflite and why_missing() is None else [])]
    with anomsdk.Pipeline(plan, "reference", tap=True) as reference:
        others = [anomsdk.Pipeline(plan, name, tap=True) for name in names]
        samples = 0
        for piece in pieces:
            if not isinstance(piece, np.ndarray):
                for pipeline in (reference, *others):
                    pipeline.reset() if piece is None else pipeline.gap(piece)
                assert_same_state(reference, others[0])
                continue
            samples += len(piece)
            expected = reference.process(piece)
            for other in others:
                assert other.process(piece) == expected
                assert np.array_equal(other.tapped, reference.tapped)
                outputs = anomsdk.reconstruct(plan, reference.tapped, "reference")
                assert np.array_equal(anomsdk.reconstruct(plan, reference.tapped, other.engine), outputs)
            assert_same_state(reference, others[0])
        for other in others:
            other.close()
    return samples // plan.framer.hop


def assert_same_state(reference, native):
    """All that outlives a call, in Python's objects and in C's structs."""
    ours, theirs = reference._engine, native._engine._pipeline
    ffi, plan = native._engine._ffi, reference.plan
    framer = theirs.framer
    assert (framer.have, framer.skip, framer.next_hop) == (
        ours._framer._have,
        ours._framer._skip,
        ours._framer.next_hop & 0xFFFFFFFF,
    )
    samples = ffi.unpack(framer.samples, framer.have * plan.columns)
    assert samples == ours._framer._samples[: framer.have].ravel().tolist()
    history = ours._context._history
    assert ffi.unpack(theirs.context.history, history.size) == history.ravel().tolist() if history.size else True
    frames, stride, seen = plan.context.frames, plan.context.stride, ours._context._seen
    assert theirs.context.wait == (frames - seen if seen < frames else stride - (seen - frames))
    if plan.extractor.kind == "bands":
        bands, extractor = ffi.cast("uint32_t *", theirs.extractor.state), ours._extractor
        n = extractor._sums.shape[1]
        assert ffi.unpack(ffi.cast("int32_t *", bands), 2) == [extractor._hops, extractor._peak_q10]
        assert ffi.unpack(bands + 2, 2 * n) == extractor._sums.T.ravel().tolist()
    assert theirs.baseline.level_q16 == ours._baseline.level_q16
    assert theirs.baseline.frozen == ours._baseline._frozen
    assert theirs.alert.sequence == ours._alert._sequence
    rungs = [(theirs.alert.rung, ours._alert._rung)]
    if ours._reference is not None:
        behind = ffi.cast("char *", framer.samples) - native._engine._lib.ANOM_REFERENCE_BYTES
        rungs.append((ffi.cast("anom_rung *", behind), ours._reference))
    for a, b in rungs:
        assert (a.in_alarm, a.hits, a.in_row, a.calm, a.cooldown) == (
            *(b.in_alarm, b.hits, b.in_row, b.calm, b.cooldown),
        )


@pytest.mark.skipif(not signals.ESC10.exists(), reason="../shared/data is absent: real audio not compared")
def test_real_audio_through_the_reference_model(native):
    plan = anomsdk.reference_model("audio_scene")
    compare(plan, list(signals.real_clips(16).values()), with_tflite=True)


def test_calls_into_c_let_other_threads_run(plans, native):
    """Two pipelines in two threads: both are inside C at the same time at some point."""
    x = np.random.default_rng(0).integers(-3000, 3000, 2_000_000).astype(np.int16)
    inside, together = [], []

    def run():
        pipeline = anomsdk.Pipeline(plans["logmel"], "native")
        busy = pipeline._busy
        inside.append(busy)
        pipeline.process(x)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        if inside and inside[0].locked():
            together.append(1)  # this thread ran while the other one was inside
    thread.join()
    assert len(together) > 100


@pytest.mark.parametrize("memory", ["None", "too small", "misaligned", "another format", "another size"])
def test_init_refuses_with_a_code(plans, native, memory):
    engine = anomsdk.Pipeline(plans["bands"], "native")._engine
    ffi, lib, plan = engine._ffi, engine._lib, engine._c_plan.pointer
    room, pipeline = engine._c_plan.memory(), ffi.new("anom_pipeline **", engine._pipeline)
    pointer, size = ffi.from_buffer("uint8_t[]", room), len(room)
    digest = bytes(32)

    def statuses():
        return lib.anom_pipeline_init(pipeline, pointer, size, plan), lib.anom_selftest(pointer, size, plan, digest)

    if memory == "None":
        assert lib.anom_pipeline_init(ffi.NULL, pointer, size, plan) == lib.ANOM_ERROR_NULL
        assert lib.anom_pipeline_init(pipeline, pointer, size, ffi.NULL) == lib.ANOM_ERROR_NULL
        assert lib.anom_selftest(pointer, size, plan, ffi.NULL) == lib.ANOM_ERROR_NULL
        pointer, expected = ffi.NULL, lib.ANOM_ERROR_NULL
    elif memory == "too small":
        size, expected = size - 1, lib.ANOM_ERROR_MEMORY
    elif memory == "misaligned":
        pointer, expected = pointer + 4, lib.ANOM_ERROR_ALIGNMENT
    elif memory == "another format":
        plan.format, expected = plan.format + 1, lib.ANOM_ERROR_FORMAT
    else:
        plan.plan_size, expected = plan.plan_size + 8, lib.ANOM_ERROR_FORMAT
    assert statuses() == (expected, expected)
    assert pipeline[0] == ffi.NULL
    assert not room.any(), "nothing was written"


def test_a_plan_that_was_altered_does_not_reach_c(plans, native):
    plan = plans["bands"]
    last = plan.layers[-1]
    wider = dataclasses.replace(last, weights=np.repeat(last.weights, 40, axis=0), bias=np.repeat(last.bias, 40))
    broken = dataclasses.replace(plan, layers=(*plan.layers[:-1], wider))
    for use in (lambda: anomsdk.Pipeline(broken, "native"), lambda: passes_selftest(broken, "00" * 32)):
        with pytest.raises(anomsdk.InputError):
            use()


def test_it_is_the_engine_where_none_is_named(plans, native):
    assert anomsdk.Pipeline(plans["bands"]).engine == "native"
