"""Checks for alarm-days that hang together: exact distributions, false flags, and what they flag."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom

from anomsdk.errors import InputError
from anomsdk.stats.dependence import FLAGGED, drift, spells
from benchmarks import promise_streams as streams

GAP = 3


def spells_of(found, gap=GAP):
    """p-values of herds (..., devices, days)."""
    flat = found.reshape(-1, found.shape[-1])
    begins = streams.episodes_of(flat, gap)[0].sum(axis=1).reshape(found.shape[:-1])
    return spells(found.sum(axis=-1), begins, found.shape[-1], gap)


@pytest.mark.parametrize(("days", "k", "gap"), [(12, 3, 1), (12, 4, 3), (9, 5, 2), (8, 8, 1), (6, 2, 5)])
def test_the_mean_is_that_of_all_sets_of_days_and_the_p_value_is_no_smaller(days, k, gap):
    every = np.zeros((len(list(combinations(range(days), k))), days), bool)
    for row, chosen in zip(every, combinations(range(days), k), strict=True):
        row[list(chosen)] = True
    follows = k - streams.episodes_of(every, gap)[0].sum(axis=1)
    mean = follows.mean() / (k - 1)
    p = spells_of(every[:, None], gap)
    np.testing.assert_allclose(p, binom.sf(follows - 1, k - 1, min(1, mean)), rtol=1e-9)
    for level in (0.01, 0.05, 0.2):
        assert (p <= level).mean() <= level


def test_a_herd_adds_up_and_none_has_nothing_to_say():
    assert spells(0, 0, 100, GAP) == spells(1, 1, 100, GAP) == 1
    one, herd = spells(4, 2, 120, GAP), spells([4] * 5, [2] * 5, 120, GAP)
    assert herd.shape == () and herd < one < 1
    assert spells([[4, 0], [0, 0]], [[2, 0], [0, 0]], 120, GAP).tolist() == [float(one), 1.0]
    assert drift(0, 50, 0, 50) == 1
    assert drift([2, 3], 50, [12, 9], 50) < drift(2, 50, 12, 50)
    assert drift(2, 50, 12, 50) == drift(12, 50, 2, 50)
    assert drift(5, 10, 45, 90) == 1  # as many a day


def test_steady_independent_days_are_seldom_flagged_and_what_hangs_together_mostly_is():
    rng, herds, devices, days = np.random.default_rng(3), 300, 20, 180
    flat = herds * devices, days
    for found, by_spells, by_drift in (
        (streams.independent(rng, *flat, 1 / 30), False, False),
        (streams.spells(rng, *flat, 1 / 30, 2), True, None),
        (streams.drifting(rng, *flat, 1 / 30), None, True),
    ):
        found = found.reshape(herds, devices, days)
        half = days // 2
        early, late = found[..., :half].sum(axis=-1), found[..., half:].sum(axis=-1)
        for p, expected in ((spells_of(found), by_spells), (drift(early, half, late, half), by_drift)):
            flagged = (p <= FLAGGED).mean()
            assert expected is None or (flagged >= 0.8 if expected else flagged <= FLAGGED + 0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: spells(2, 3, 100, GAP),
        lambda: spells(2, 0, 100, GAP),
        lambda: spells(101, 3, 100, GAP),
        lambda: spells(-1, 0, 100, GAP),
        lambda: spells(2, 1, np.nan, GAP),
        lambda: spells(2, 1, 100, 0),
        lambda: drift(5, 4, 1, 4),
        lambda: drift(1, 4, 1, np.inf),
    ],
)
def test_impossible_counts_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()
