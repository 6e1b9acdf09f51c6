"""From one rate to another: how many rows there are at the end of a piece, and which."""

from __future__ import annotations

import math

import numpy as np
import pytest

from anomsdk.sources.formats.timing.resampling import Grid, Resampler

OFF = 2e-4
"""Between the stream and one that really goes on, of values about 1: soxr works in floats of 24 bits, block by block."""


def rows(n):
    return np.random.default_rng(n).normal(size=(n, 3)) + np.array([0, 0, 1])


def resampled(values, from_hz, to_hz):
    way = Resampler(from_hz, to_hz)
    return np.concatenate([way.push(values), way.finish()])


@pytest.mark.parametrize(("from_hz", "to_hz"), [(1000, 50), (400, 25), (104, 50)])
def test_a_piece_goes_on_as_it_ended(from_hz, to_hz):
    """Guards a tail that is shorter than the filter, which is the longer the lower the new rate."""
    values = rows(5 * from_hz)
    longer = np.concatenate([values, np.repeat(values[-1:], 10 * from_hz, axis=0)])
    found = resampled(values, from_hz, to_hz)
    off = np.abs(found - resampled(longer, from_hz, to_hz)[: len(found)])
    assert off.max() < OFF, "a filter that starts to reach beyond what it is given"


EXACT = [
    (n, from_hz, to_hz)
    for from_hz, to_hz in ((33.3, 11.1), (66.6, 22.2), (52.4, 13.1), (99.9, 11.1), (31.2, 10.4))
    for n in range(2, 2000)
    if math.floor((n - 1) * to_hz / from_hz) < (n - 1) / round(from_hz / to_hz) == (n - 1) // round(from_hz / to_hz)
]
"""Lengths whose last row lies on a row at the new rate, and floats say that it lies just before."""


@pytest.mark.parametrize(("n", "from_hz", "to_hz"), EXACT[:: max(1, len(EXACT) // 12)])
def test_the_last_row_at_the_new_rate_is_there_when_it_lies_on_the_last_one(n, from_hz, to_hz):
    assert len(resampled(rows(n), from_hz, to_hz)) == (n - 1) // round(from_hz / to_hz) + 1


@pytest.mark.parametrize("step_s", [0.1, 0.02, 0.04, 1 / 26, 1 / 104])
@pytest.mark.parametrize("start", [0.0, 0.3, 1234.56])
def test_a_grid_has_the_last_time_where_a_stamp_lies_on_it(step_s, start):
    """Guards a row less where a quotient of floats is just below a whole number."""
    for n in range(2, 300):
        stamps = start + np.arange(n) * step_s
        assert len(Grid(step_s).push(stamps, rows(n))) == n


def test_there_are_such_lengths():
    assert len(EXACT) > 12
    quotients = [(float(k * 0.1)) / 0.1 for k in range(300)]
    assert any(math.floor(quotient) != round(quotient) for quotient in quotients)
