"""The integer front ends lie within the stated bounds of float64."""

from functools import reduce
from operator import add

import pytest

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
