"""Streams: however they are cut, stopped or interrupted, the results are those of the contract."""

import numpy as np
import pytest

import anomsdk
from benchmarks import signals
from tests.support.make import FOLLOWED, SPECS, lively, make_folder, noise, without_missing

pytestmark = pytest.mark.usefixtures("engine")
LENGTH = {"bands": 50_000, "logmel": 50_000, "motion": 2_000, "external": 400, "days": 400}


def stream(plan, x, cuts):
    with anomsdk.Pipeline(plan) as pipeline:
        return [r for block in np.split(x, cuts) for r in pipeline.process(block)]


def cuttings(n, hop):
    rng = np.random.default_rng(0)
    for size in (1, 7, hop - 1, hop, hop + 1, 10_000):
        if 0 < size < n and not (size == 1 and n > 20_000):
            yield f"blocks of {size}", np.arange(size, n, size)
    for seed in range(4):
        yield f"random {seed}", np.sort(rng.integers(0, n, rng.integers(1, 300)))


@pytest.mark.parametrize("baseline", [False, True])
@pytest.mark.parametrize("kind", SPECS)
def test_cuts_do_not_matter(plans, following, kind, baseline):
    plan = (following if baseline else plans)[kind]
    x = lively(plan)
    whole = stream(plan, x, [])
    assert len(whole) == plan.ticks_in(len(x)) > 20
    for name, cuts in cuttings(len(x), plan.framer.hop):
        assert stream(plan, x, cuts) == whole, name
    assert any(r.events for r in whole)
    assert anomsdk.score(plan, x).tolist() == [r.score for r in whole]
    assert len(anomsdk.features(plan, x)) == len(whole)


def test_single_samples_do_not_matter(plans):
    plan = plans["bands"]
    x = noise(9_000)
    assert stream(plan, x, np.arange(1, len(x))) == stream(plan, x, [])


@pytest.mark.skipif(not signals.ESC10.exists(), reason="../shared/data is absent: real audio not cut")
def test_cuts_do_not_matter_on_real_audio():
    plan = anomsdk.reference_model("audio_scene")
    for name, clip in signals.real_clips(64).items():
        whole = stream(plan, clip, [])
        for cut, cuts in cuttings(len(clip), plan.framer.hop):
            assert stream(plan, clip, cuts) == whole, (name, cut)


@pytest.mark.parametrize("kind", SPECS)
def test_hops_and_counts_follow_their_formulas(plans, kind):
    plan = plans[kind]
    window, hop = plan.framer.window, plan.framer.hop
    per_frame, frames, stride = plan.extractor.hops_per_frame, plan.context.frames, plan.context.stride
    warm_up = plan.extractor.warm_up
    for n in [0, 1, window - 1, window, window + hop, plan.samples_to_first_tick - 1, plan.samples_to_first_tick, 7777]:
        x = without_missing(plan, noise(max(n, 1), columns=plan.columns)[:n])
        hops = max(0, 1 + (n - window) // hop - warm_up)
        ticks = max(0, 1 + (hops // per_frame - frames) // stride)
        found = stream(plan, x, [])
        assert len(found) == ticks == plan.ticks_in(n)
        assert [r.hop for r in found] == [warm_up + (frames + t * stride) * per_frame - 1 for t in range(ticks)]


@pytest.mark.parametrize("kind", FOLLOWED)  # days keep their profile over a gap: tests/unit/test_own_profile.py
@pytest.mark.parametrize("at", [0, 1, 3000, 20_000])
@pytest.mark.parametrize("lost", [1, 255, 256, 8_000])
def test_behind_a_gap_features_are_those_of_a_fresh_pipeline(plans, kind, at, lost):
    plan = plans[kind]
    at, lost = (at, lost) if plan.columns == 1 else (at // 100, lost // 100 + 1)
    x = noise(LENGTH[kind], columns=plan.columns)
    with anomsdk.Pipeline(plan) as pipeline:
        before = pipeline.process(x[:at])
        pipeline.gap(lost)
        after = pipeline.process(x[at + lost :])
    first_hop = -(-(at + lost) // plan.framer.hop)
    fresh = stream(plan, x[first_hop * plan.framer.hop :], [])
    assert [(r.hop, r.score) for r in after] == [(r.hop + first_hop, r.score) for r in fresh]
    assert before == stream(plan, x[:at], [])


def test_gap_of_nothing_changes_nothing(plans):
    x = noise(20_000)
    with anomsdk.Pipeline(plans["bands"]) as pipeline:
        found = pipeline.process(x[:5000])
        pipeline.gap(0)
        found += pipeline.process(x[5000:])
    assert found == stream(plans["bands"], x, [])


def test_an_alarm_outlives_a_gap(tmp_path):
    text = SPECS["external"].replace("[alert]", "[alert]\nraise_score = 1\nhigh_ratio = 0\nm = 1\nn = 1")
    plan = anomsdk.plan(make_folder(tmp_path, text))
    loud, n = noise(50, columns=6, level=20_000), 10
    with anomsdk.Pipeline(plan) as pipeline:
        events = [e for r in pipeline.process(loud) for e in r.events]
        pipeline.gap(n)
        events += [e for r in pipeline.process(loud) for e in r.events]
    assert len(events) == 1  # raised once, not again behind the gap


def test_hop_counts_modulo_two_to_the_32(plans):
    plan = plans["external"]
    with anomsdk.Pipeline(plan) as pipeline:
        for _ in range(2):
            pipeline.gap(2**31 - 1)
        found = pipeline.process(noise(10, columns=6))
    assert [r.hop for r in found] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_gap_lets_the_alert_know_of_whole_ticks(tmp_path):
    text = SPECS["bands"].replace("stride = 1", "stride = 2")  # a tick is 4 hops a frame, 2 frames: 8 hops
    with anomsdk.Pipeline(anomsdk.plan(make_folder(tmp_path, text)), "reference") as pipeline:
        told = []
        pipeline._engine._alert.gap = told.append
        for hops in (7, 8, 23, 24):
            pipeline.reset()
            pipeline.gap(hops * 256)
    assert told == [0, 1, 2, 3]


def test_learnt_maps_stay_within_127(plans):
    for kind, plan in plans.items():
        for value in (-32768, 32767):
            x = np.full((LENGTH[kind], plan.columns), value, np.int16)
            x[::2] = -value - 1
            features = anomsdk.features(plan, without_missing(plan, x))
            assert features.min() >= -127, kind
    assert anomsdk.features(plans["external"], np.full((9, 6), -32768, np.int16)).min() == -127


@pytest.mark.parametrize("baseline", [False, True])
def test_reset_starts_again_at_hop_0(plans, following, baseline):
    x = noise(20_000)
    with anomsdk.Pipeline((following if baseline else plans)["logmel"]) as pipeline:
        first = pipeline.process(x)
        pipeline.reset()
        assert pipeline.process(x) == first


def test_blocks_that_are_fine(plans):
    plan = plans["bands"]
    x = noise(30_000)
    whole = stream(plan, x, [])
    read_only = x.copy()
    read_only.flags.writeable = False
    for block in (read_only, np.stack([x, x], axis=1)[:, 0], x[:, None], np.repeat(x, 2)[::2], x[::-1].copy()[::-1]):
        assert stream(plan, block, []) == whole
    before = x.copy()
    assert stream(plan, x, [0, 0, 5, 5, 30_000]) == whole and (x == before).all()
    wide = np.asfortranarray(noise(100, columns=6))
    assert stream(plans["external"], wide, []) == stream(plans["external"], np.ascontiguousarray(wide), [])


@pytest.mark.parametrize(
    "block",
    [
        np.zeros(10),
        np.zeros(10, np.float32),
        np.zeros(10, np.int32),
        np.zeros(10, np.uint16),
        np.zeros(10, ">i2"),
        np.zeros((10, 2), np.int16),
        np.zeros((2, 2, 2), np.int16),
        np.zeros((), np.int16),
        [1, 2, 3],
        b"\0\0",
        None,
    ],
)
def test_blocks_that_are_not(plans, block):
    with anomsdk.Pipeline(plans["bands"]) as pipeline:
        with pytest.raises(anomsdk.InputError) as caught:
            pipeline.process(block)
        assert "\n" not in str(caught.value) and "samples" in str(caught.value)
        assert pipeline.process(noise(30_000)) == stream(plans["bands"], noise(30_000), [])  # nothing was taken


def test_rows_of_the_wrong_width(plans):
    for block in (np.zeros((10, 5), np.int16), np.zeros(12, np.int16)):
        with anomsdk.Pipeline(plans["external"]) as pipeline, pytest.raises(anomsdk.InputError, match=r"\(n, 6\)"):
            pipeline.process(block)


@pytest.mark.parametrize("n", [-1, 1.5, "3", None, True, 2**31])
def test_gaps_that_are_none(plans, n):
    with anomsdk.Pipeline(plans["bands"]) as pipeline, pytest.raises(anomsdk.InputError, match="number of samples"):
        pipeline.gap(n)


def test_use_after_close(plans):
    pipeline = anomsdk.Pipeline(plans["bands"])
    pipeline.close()
    pipeline.close()
    for use in (lambda: pipeline.process(noise(10)), lambda: pipeline.gap(1), pipeline.reset, pipeline.__enter__):
        with pytest.raises(anomsdk.InputError, match="closed"):
            use()


def test_tap(plans):
    plan, x = plans["bands"], noise(40_000)
    with anomsdk.Pipeline(plan, tap=True) as pipeline:
        tapped = []
        for block in np.split(x, 5):
            pipeline.process(block)
            tapped.append(pipeline.tapped)
    assert len(np.concatenate(tapped)) == plan.ticks_in(len(x)) > 5
    assert (np.concatenate(tapped) == anomsdk.features(plan, x)).all()
    with anomsdk.Pipeline(plan) as pipeline, pytest.raises(anomsdk.InputError, match="tap=True"):
        _ = pipeline.tapped


def test_reconstruct_refuses_what_is_not_int8(plans):
    for inputs in (np.zeros((3, 54)), np.zeros((3, 53), np.int8), np.zeros(54, np.int8), None):
        with pytest.raises(anomsdk.InputError, match=r"must be int8 \(n, 54\)"):
            anomsdk.reconstruct(plans["bands"], inputs)


def test_a_silent_frame_is_the_absolute_floor(plans):
    plan = plans["bands"]
    silent = anomsdk.features(plan, np.zeros(40_000, np.int16))
    assert (silent == silent[0]).all()
    normalisation = plan.extractor.normalisation
    floor = (
        plan.extractor.limits.floor_q10 * normalisation.gain.astype(np.int64) + normalisation.bias
        >> normalisation.shift
    )
    from anomsdk.core.pipeline import extractor_for

    frame = extractor_for(plan.extractor).push(np.zeros((16, 512, 1), np.int64))[0]
    assert (frame[0, :17] == np.clip(floor[:17], -127, 127)).all()
