"""Figures against sklearn and brute force; intervals that resample groups."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from anomsdk.stats.intervals import Figure, bootstrap, paired_bootstrap, poisson_rate
from anomsdk.stats.metrics import auc, auc_of, pauc, pauc_of, sensitivity_at, sensitivity_of

peaks = st.lists(st.integers(0, 12), min_size=1, max_size=30)
"""Few values: ties are the rule."""


@given(normal=peaks, anomalous=peaks, max_fpr=st.sampled_from([0.01, 0.1, 0.37, 1.0]))
@settings(max_examples=300, deadline=None)
def test_areas_are_those_of_sklearn(normal, anomalous, max_fpr):
    truth = [0] * len(normal) + [1] * len(anomalous)
    assert auc(normal, anomalous) == pytest.approx(roc_auc_score(truth, normal + anomalous), abs=1e-12)
    wanted = roc_auc_score(truth, normal + anomalous, max_fpr=max_fpr)
    if max_fpr < 1:  # sklearn does not standardise the whole area
        assert pauc(normal, anomalous, max_fpr) == pytest.approx(wanted, abs=1e-12)


def test_areas_of_many_scores_are_those_of_sklearn():
    rng = np.random.default_rng(0)
    normal, anomalous = rng.integers(0, 2**32, 3000), rng.integers(2**30, 2**32, 2000)
    truth, scores = np.repeat([0, 1], [3000, 2000]), np.concatenate([normal, anomalous])
    assert auc(normal, anomalous) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert pauc(normal, anomalous) == pytest.approx(roc_auc_score(truth, scores, max_fpr=0.1), abs=1e-12)


@given(normal=peaks, anomalous=peaks, budget=st.integers(0, 32))
@settings(deadline=None)
def test_sensitivity_is_at_the_lowest_threshold_that_keeps_the_budget(normal, anomalous, budget):
    fit = [level for level in range(14) if sum(peak >= level for peak in normal) <= budget]
    wanted = sum(peak >= min(fit) for peak in anomalous) / len(anomalous)
    assert sensitivity_at(normal, 10.0, anomalous, budget / 10) == pytest.approx(wanted)


def test_the_budget_is_rounded_down_and_not_by_the_last_bit():
    normal, anomalous = [1, 2, 3, 4], [2, 3, 4, 5]
    assert sensitivity_at(normal, 2, anomalous, 0.4999) == 0.25, "no false alarm: above 4"
    assert sensitivity_at(normal, 2, anomalous, 0.5) == 0.5
    assert sensitivity_at(list(range(10)), 1.0, [9, 10], 1) == 1.0, "ten times 0.1 h"
    assert sensitivity_at([1] * 100, 100 * 0.29, [2, 1], 1 / 0.29) == 1.0


@pytest.mark.parametrize("undefined, has_interval", [(0, True), (1, True), (500, True), (501, False), (999, False)])
def test_an_interval_needs_half_of_the_resamples(undefined, has_interval):
    """From the few in which a figure is defined an interval would be too narrow, or of one value."""
    seen = [0]

    def figure(normal, anomalous):
        n = len(normal)
        if n == 1:
            return np.array([0.5])  # of all clips
        numbers = np.arange(seen[0], seen[0] + n)
        seen[0] += n
        return np.where(numbers < undefined, np.nan, numbers / 1000)

    found = bootstrap("abc", "de", figure, n=1000)
    assert found.value == 0.5 and (found.low is not None) == (found.high is not None) == has_interval
    if has_interval:
        defined = np.arange(undefined, 1000) / 1000
        assert [found.low, found.high] == pytest.approx(np.quantile(defined, [0.025, 0.975]).tolist())


def test_what_is_undefined_is_none():
    assert auc([], [1]) is auc([1], []) is pauc([], []) is sensitivity_at([1], 0, [1], 1) is None
    assert sensitivity_at([], 1, [1], 1) is sensitivity_at([1], 1, [], 1) is None
    assert poisson_rate(0, 0) == Figure(None, None, None)
    assert bootstrap([], ["a", "b"], auc_of([], [1, 2])) == Figure(None)
    assert bootstrap(["a", "a"], ["b", "c"], auc_of([1, 2], [1, 2])) == Figure(0.5, None, None)


@given(
    normal=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=9),
    anomalous=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=9),
)
@settings(deadline=None)
def test_a_figure_of_counts_is_the_figure_of_clips_drawn_so_often(normal, anomalous):
    """Guards the shortcut that makes resampling fast."""
    (low, n), (high, m) = (np.array(side).T for side in (normal, anomalous))
    drawn_low, drawn_high = np.repeat(low, n), np.repeat(high, m)
    hours = np.full(len(low), 0.5)
    for figure, wanted in (
        (auc_of(low, high), auc(drawn_low, drawn_high)),
        (pauc_of(low, high, 0.3), pauc(drawn_low, drawn_high, 0.3)),
        (sensitivity_of(low, hours, high, 1), sensitivity_at(drawn_low, len(drawn_low) / 2, drawn_high, 1)),
    ):
        (value,) = figure(n[None], m[None])
        assert (None if math.isnan(value) else value) == pytest.approx(wanted)


def test_groups_are_resampled_not_clips():
    """200 clips of 4 animals are 4 observations: the interval must be as wide as that of one clip an animal."""
    rng = np.random.default_rng(1)
    level = np.repeat([0.0, 1.0, 2.0, 3.0], 50)
    normal, anomalous = level + rng.normal(0, 0.01, 200), np.repeat([0.5, 1.5, 2.5, 3.5], 50)
    animals, each = np.repeat(list("abcd"), 50), [str(i) for i in range(200)]
    grouped = bootstrap(animals, [f"x{g}" for g in animals], auc_of(normal, anomalous))
    single = bootstrap(each, [f"x{i}" for i in each], auc_of(normal, anomalous))
    few = bootstrap("abcd", "ABCD", auc_of(normal[::50], anomalous[::50]))
    assert grouped.value == single.value == few.value == pytest.approx(0.625)
    assert grouped.high - grouped.low > 4 * (single.high - single.low)
    assert grouped.high - grouped.low == pytest.approx(few.high - few.low, abs=0.06)


def test_a_group_with_both_kinds_comes_and_goes_whole():
    """Each animal is told apart from itself alone: resampling the sides apart would mix animals."""
    normal, anomalous, animals = [0, 10, 20, 30], [1, 11, 21, 31], "abcd"

    def same(n_counts, a_counts):
        return (n_counts == a_counts).all(axis=1).astype(float)

    assert bootstrap(animals, animals, same) == Figure(1.0, 1.0, 1.0)
    assert bootstrap(animals, "efgh", same).low == 0.0
    assert bootstrap(animals, animals, auc_of(normal, anomalous)).value == auc(normal, anomalous)


def test_a_side_keeps_its_size():
    def sizes(n_counts, a_counts):
        return n_counts.sum(axis=1) * 100.0 + a_counts.sum(axis=1)

    assert bootstrap("abc", "defg", sizes) == Figure(304.0, 304.0, 304.0)


def test_an_interval_is_the_middle_95_percent_of_the_resamples():
    found = bootstrap("abc", "def", lambda n_counts, a_counts: np.arange(len(n_counts)) * 1.0, n=1001)
    assert (found.low, found.high) == pytest.approx((25.0, 975.0))


def test_an_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(7)
    true = 0.5 * (1 + math.erf(1 / 2))  # Gaussians one deviation apart
    covered = 0
    for i in range(150):
        normal, anomalous = rng.normal(0, 1, 40), rng.normal(1, 1, 40)
        found = bootstrap(range(40), range(100, 140), auc_of(normal, anomalous), n=300, seed=i)
        covered += found.low <= true <= found.high
    assert 0.88 <= covered / 150 <= 0.99


def test_paired_differences_cancel_what_detectors_share():
    rng = np.random.default_rng(3)
    normal, anomalous = rng.normal(0, 1, 60), rng.normal(1, 1, 60)
    labels = range(60), range(60, 120)
    first = auc_of(normal, anomalous)
    assert paired_bootstrap(*labels, first, first) == Figure(0.0, 0.0, 0.0)
    worse = auc_of(normal + rng.normal(0, 0.3, 60), anomalous + rng.normal(0, 0.3, 60))
    paired, alone = paired_bootstrap(*labels, first, worse), bootstrap(*labels, first)
    assert paired.value == pytest.approx(first(*ones(60, 60))[0] - worse(*ones(60, 60))[0])
    assert paired.high - paired.low < 0.6 * (alone.high - alone.low)


def ones(n, m):
    return np.ones((1, n), np.int64), np.ones((1, m), np.int64)


def test_seeds_repeat_and_differ():
    rng = np.random.default_rng(5)
    figure, labels = auc_of(rng.normal(0, 1, 50), rng.normal(1, 1, 50)), (range(50), range(50, 100))
    assert bootstrap(*labels, figure, seed=4) == bootstrap(*labels, figure, seed=4)
    assert bootstrap(*labels, figure, seed=4) != bootstrap(*labels, figure, seed=5)


def test_a_thousand_resamples_of_400_clips_take_a_second():
    rng = np.random.default_rng(0)
    normal, anomalous = rng.integers(0, 10**6, 200), rng.integers(0, 10**6, 200)
    begin = time.process_time()
    bootstrap(range(200), range(200, 400), pauc_of(normal, anomalous))
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0, 3.689), (1, 0.025, 5.572), (10, 4.795, 18.39)])
def test_poisson_intervals_are_garwoods(count, low, high):
    found = poisson_rate(count, 2.0)
    assert (found.value, found.low, found.high) == pytest.approx((count / 2, low / 2, high / 2), rel=1e-3, abs=2e-4)
