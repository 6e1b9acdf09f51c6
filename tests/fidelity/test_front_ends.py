"""The integer front ends lie within the stated bounds of float64."""

from functools import reduce
from operator import add

import numpy as np
import pytest

from anomsdk.core import motion
from anomsdk.planner.spec import PipelineSpec
from benchmarks import fidelity, signals


def errors(found, ours, oracle, shape):
    each = {name: fidelity.compare(ours(x, *shape), oracle(x, *shape), shape[2]) for name, x in found.items()}
    return reduce(add, each.values()), each


def assert_within(pooled, each):
    assert pooled.rms_all <= fidelity.BOUND_ALL_DB and pooled.rms_80 <= fidelity.BOUND_80_DB
    assert pooled.count_80 > 10_000
    for name, one in each.items():
        assert one.rms_80 <= fidelity.BOUND_80_DB, name


@pytest.mark.parametrize("shape", fidelity.LOGMEL_SHAPES)
def test_logmel_on_synthetic_signals(shape):
    found = signals.synthetic(seconds=2.0)
    assert_within(*errors(found, fidelity.logmel_levels, fidelity.librosa_levels, shape))


@pytest.mark.parametrize("shape", fidelity.BANDS_SHAPES)
def test_bands_on_synthetic_signals(shape):
    found = signals.synthetic(seconds=16.0)
    pooled, each = errors(found, fidelity.bands_levels, fidelity.float_bands_levels, shape)
    assert_within(pooled, each)


@pytest.mark.skipif(not signals.ESC10.exists(), reason="../shared/data is absent: no real clips")
@pytest.mark.parametrize("shape", fidelity.LOGMEL_SHAPES)
def test_logmel_on_real_clips(shape):
    assert_within(*errors(signals.real_clips(80), fidelity.logmel_levels, fidelity.librosa_levels, shape))


def test_peak_and_crest_of_bands():
    for x in signals.synthetic(seconds=4.0).values():
        ours = fidelity.bands_levels(x, 512, 256, 16, 256)[:, 16:]
        oracle = fidelity.float_bands_levels(x, 512, 256, 16, 256)[:, 16:]
        assert abs(ours - oracle).max() < 0.1


MOTION = """
format = 1
name = "fidelity"
[sensor]
kind = "motion"
rate_hz = 50
axes = 6
counts_per_g = 4096
counts_per_dps = 16.4
[features]
kind = "motion"
window_s = {window_s}
hop_s = 0.4
gravity_s = {gravity_s}
[context]
kind = "stack"
frames = 1
"""


def movements(seed):
    """A minute of a body that lies, walks, runs and turns, in counts."""
    rng = np.random.default_rng(seed)
    t = np.arange(3000) / 50
    strength = np.repeat([100, 400, 2000, 6000, 1000, 200], 500)[:, None]
    pace = np.column_stack([np.sin(2 * np.pi * f * t) for f in (1.7, 3.4, 0.9, 2.1, 1.3, 4.2)])
    tilt = np.cumsum(rng.standard_normal(3000)) / 60
    gravity = 4096 * np.column_stack([np.cos(tilt), np.sin(tilt), np.full(3000, 0.3), *np.zeros((3, 3000))])
    x = gravity + strength * (pace + 0.5 * rng.standard_normal((3000, 6)))
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize(("window_s", "gravity_s"), [(2, 1), (2.06, 0.5), (0.62, 0.3)])
def test_motion(window_s, gravity_s):
    spec = PipelineSpec.from_toml(MOTION.format(window_s=window_s, gravity_s=gravity_s))
    x = movements(int(100 * window_s))
    ours, oracle = fidelity.motion_levels(x, spec), fidelity.float_motion_levels(x, spec)
    assert ours.keys() == oracle.keys() == set(motion.FEATURES)
    error = {name: np.abs(ours[name] - oracle[name]) for name in ours}
    for name in ("mean_crossings", "dominant_frequency"):
        assert np.mean(error[name] > 0) < 0.03, name
    loud = oracle["band_energies"] > oracle["band_energies"].max(axis=1, keepdims=True) - 40
    assert error["band_energies"][loud].max() < fidelity.MOTION_BOUND_BANDS_DB
    assert error["posture_change"].max() < fidelity.MOTION_BOUND_ANGLE
    for name in error.keys() - {"mean_crossings", "dominant_frequency", "posture_change", "band_energies"}:
        if name in fidelity.MOTION_LINEAR:
            assert error[name].max() < fidelity.MOTION_BOUND_COUNTS, name
        else:
            assert error[name][oracle[name] >= 10 * np.log10(200)].max() < fidelity.MOTION_BOUND_DB, name
