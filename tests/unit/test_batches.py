"""How many windows are processed together is a matter of speed, never of results."""

import numpy as np
import pytest

from anomsdk.core.framer import BATCH, Framer
from anomsdk.core.pipeline import extractor_for
from anomsdk.planner.front_end import framer_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.data.feature_levels import feature_levels_of
from anomsdk.train.data.input_maps import unlearnt_extractor
from benchmarks import training

BANDS = {"kind": "bands", "fft_length": 64, "hop_length": 32, "n_bands": 6, "fmin_hz": 200, "fmax_hz": 4000}
LOGMEL = {"kind": "logmel", "fft_length": 64, "hop_length": 32, "n_mels": 8, "fmax_hz": 4000}


def spec_of(features):
    tree = {"format": 1, "name": "batches", "sensor": {"kind": "audio", "rate_hz": 8000}, "features": features}
    return PipelineSpec.from_dict({**tree, "context": {"kind": "stack", "frames": 1}})


def sound(n, seed=0):
    """Loud, quiet and silent stretches, so that exponents differ from hop to hop."""
    rng = np.random.default_rng(seed)
    steps = np.repeat(rng.choice([0.0, 2.0, 300.0, 12_000.0], n // 200 + 1), 200)[:n]
    return np.clip(rng.standard_normal(n) * steps, -32768, 32767).astype(np.int16)[:, None]


def levels(spec, rows, batch, cut):
    """Levels of rows that arrive in blocks of ``cut``, and which hop completed each."""
    framer = Framer(framer_plan(spec), 1, batch)
    extractor = extractor_for(unlearnt_extractor(spec), batch)
    found, hops = [], []
    for start in range(0, len(rows), cut):
        for first, frames in framer.push(rows[start : start + cut]):
            each, completed_by = extractor.levels(frames)
            found.append(each)
            hops += (first + completed_by).tolist()
    return np.concatenate(found), hops


@pytest.mark.parametrize(
    "features", [*({**BANDS, "band_hops": hops} for hops in (1, 2, 7, 16, 40)), LOGMEL], ids=lambda f: str(f)[-24:]
)
def test_levels_are_those_of_one_window_at_a_time(features):
    spec, rows = spec_of(features), sound(12_345)
    expected, hops = levels(spec, rows, 1, 1 << 20)
    per = spec.hops_per_frame
    assert hops == list(range(per - 1, per * len(hops), per)) and len(hops) > 5
    for batch, cut in ((3, 777), (BATCH, 1 << 20), (BATCH, 100), (128, 5_000)):
        found, completed_by = levels(spec, rows, batch, cut)
        assert np.array_equal(found, expected) and completed_by == hops, (batch, cut)


def test_training_hears_what_a_pipeline_hears():
    spec, rows = spec_of({**BANDS, "band_hops": 16}), sound(40_000, seed=1)
    assert np.array_equal(feature_levels_of(spec, rows), levels(spec, rows, BATCH, 1 << 20)[0])


def test_the_path_that_the_benchmark_keeps_gives_the_same_levels(monkeypatch):
    """`make bench` compares the time of two ways to the same levels; that they are the same, it would notice."""
    spec, sounds = PipelineSpec.from_toml(training.SPEC), [sound[: 16_000 * 8] for sound in training.recordings(1)]
    assert training.same_levels(spec, sounds)
    made = []
    monkeypatch.setattr(training.HopByHop, "_frame", lambda self: made.append(1) or np.zeros(18, np.int64))
    assert not training.same_levels(spec, sounds) and made
    found = training.Measured(now=[10.0, 30.0, 12.0], before=[30.0, 40.0, 24.0], same=True)
    assert found.ratio == 0.5 and found.is_met
    assert (
        not training.Measured([6.0], [10.0], same=True).is_met
        and not training.Measured([1.0], [9.0], same=False).is_met
    )
