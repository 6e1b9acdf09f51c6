"""Two-sided 95 % intervals of figures: exact ones, those of resampled groups, and the wider of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.stats.metrics import Counts, FigureOf, Peaks, median_of, value_of_all

CONFIDENCE = 0.95
RESAMPLES = 1000
FEWEST_RANKED = 6
"""Fewest values whose median has a 95 % interval: with fewer, the true median too often lies outside of all of them."""
_CHUNK = 2_000_000  # most counts that are in memory at once


@dataclass(frozen=True)
class Figure:
    """Figure with its two-sided 95 % interval.

    Parameters
    ----------
    value : None where it is undefined
    low, high : ends of the interval, ``low <= value <= high``; None where the value is undefined or rests on too
        little. ``low == high`` only where the value is known for sure, as the change from a plan to itself
    """

    value: float | None
    low: float | None = None
    high: float | None = None


def bootstrap(
    groups_normal: Sequence[object],
    groups_anomalous: Sequence[object],
    figure: FigureOf,
    n: int = RESAMPLES,
    seed: int = 0,
    *,
    rests_on: float | None = None,
    span: tuple[float, float] = (0.0, 1.0),
) -> Figure:
    """Compute a figure of all clips, with the percentile interval of resampled groups.

    Whole groups are drawn with replacement, so that the clips of a group come and go together on both sides. Groups
    with normal clips only, with anomalous clips only and with both are drawn apart, each kind as often as it has
    groups.

    Where all draws are equal, e.g. where every event was found, they cannot show how far the figure may be off. With
    ``rests_on``, each end is therefore the wider one of the draws and of `exact`.

    Parameters
    ----------
    groups_normal, groups_anomalous : one label a clip
    figure : figure as a function of counts, e.g. ``auc_of(normal, anomalous)``
    n : number of resamples
    seed : seed of the draws; equal seeds draw equal groups for every figure
    rests_on : number of independent trials that the figure rests on in the worst case (`trials`, `trials_of_pairs`);
        None: the interval is that of the draws alone
    span : as `exact`

    Returns
    -------
    Figure; the draws give no interval when a side has clips of a single group, or when the figure is undefined in more
    than half of the resamples

    Examples
    --------
    >>> from anomsdk.stats.metrics import auc_of
    >>> bootstrap("ab", "cd", auc_of([1, 2], [3, 4]))
    Figure(value=1.0, low=1.0, high=1.0)
    >>> f = bootstrap("ab", "cd", auc_of([1, 2], [3, 4]), rests_on=trials_of_pairs("ab", "cd"))
    >>> f.value, round(f.low, 4), f.high
    (1.0, 0.1581, 1.0)
    """
    drawn = _drawn_figure(groups_normal, groups_anomalous, figure, n, seed)
    return drawn if rests_on is None or drawn.value is None else wider(drawn, exact(drawn.value, rests_on, span))


def _drawn_figure(
    groups_normal: Sequence[object], groups_anomalous: Sequence[object], figure: FigureOf, n: int, seed: int
) -> Figure:
    """Compute a figure with the interval of the draws alone."""
    sides = [[str(label) for label in side] for side in (groups_normal, groups_anomalous)]
    value = value_of_all(figure, len(sides[0]), len(sides[1]))
    if value is None or any(len(set(side)) == 1 for side in sides):
        return Figure(value)
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // (len(sides[0]) + len(sides[1])))
    found = [figure(*_drawn(sides, min(rows, n - done), rng)) for done in range(0, n, rows)]
    resampled = np.concatenate(found)
    defined = resampled[~np.isnan(resampled)]
    if 2 * len(defined) < n:
        return Figure(value)
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()
    return Figure(value, low, high)


def paired_bootstrap(
    groups_normal: Sequence[object],
    groups_anomalous: Sequence[object],
    first: FigureOf,
    second: FigureOf,
    n: int = RESAMPLES,
    seed: int = 0,
    *,
    rests_on: float | None = None,
) -> Figure:
    """Subtract the second of two detectors' figures from the first, on the same clips and the same draws.

    Parameters and interval are those of `bootstrap`. ``rests_on`` is used only where all draws are equal: the interval
    is then the `difference` of the exact intervals of both figures.
    """
    found = bootstrap(groups_normal, groups_anomalous, lambda a, b: first(a, b) - second(a, b), n, seed)
    if rests_on is None or found.value is None or found.low != found.high:
        return found
    more, less = (value_of_all(each, len(groups_normal), len(groups_anomalous)) for each in (first, second))
    if more is None or less is None:
        return found
    return wider(found, difference(exact(more, rests_on), exact(less, rests_on)))


def trials(groups: Sequence[object]) -> int:
    """Count independent trials among clips in the worst case: groups where there are two or more, else clips.

    Parameters
    ----------
    groups : one label a clip

    Examples
    --------
    >>> trials("aabb"), trials("aaaa"), trials("")
    (2, 4, 0)
    """
    several = len({str(label) for label in groups})
    return several if several > 1 else len(groups)


def trials_of_pairs(groups_normal: Sequence[object], groups_anomalous: Sequence[object]) -> int:
    """Count independent trials of a figure that compares normal with anomalous clips: pairs without a common clip.

    The variance of an AUC is at most that of a share of this many independent pairs (Birnbaum and Klose, Annals of
    Mathematical Statistics 28 (1957) 933). Where all pairs are in order, the bound is exact.

    Parameters
    ----------
    groups_normal, groups_anomalous : one label a clip
    """
    return min(trials(groups_normal), trials(groups_anomalous))


def exact(value: float, n: float, span: tuple[float, float] = (0.0, 1.0)) -> Figure:
    """Give a share the exact interval of Clopper and Pearson, also where it is not a whole number of trials.

    Where ``value * n`` is whole, the interval is that of `share`. In between, the beta distribution is evaluated at
    fractions, as for surveys of clusters (Korn and Graubard, Survey Methodology 24 (1998) 193).

    Parameters
    ----------
    value : figure, within ``span``
    n : number of independent trials; 0: no interval
    span : values of the figure at a share of 0 and at a share of 1

    Examples
    --------
    >>> f = exact(0.0, 24)
    >>> f.value, f.low, round(f.high, 4)
    (0.0, 0.0, 0.1425)
    """
    from scipy.stats import beta

    if n <= 0:
        return Figure(value)
    lowest, highest = span
    count = n * min(1.0, max(0.0, (value - lowest) / (highest - lowest)))
    tail, slack = (1 - CONFIDENCE) / 2, 1e-9 * n
    low = float(beta.ppf(tail, count, n - count + 1)) if count > slack else 0.0
    high = float(beta.ppf(1 - tail, count + 1, n - count)) if count < n - slack else 1.0
    low, high = (lowest + (highest - lowest) * end for end in (low, high))
    return Figure(value, min(low, value), max(high, value))


def wider(drawn: Figure, other: Figure) -> Figure:
    """Keep the value of the first figure, and at each end the wider one of both intervals.

    Where only one has an interval, that one is taken. Percentiles of draws may lie on one side of the value; the result
    always includes the value.
    """
    if drawn.low is None and other.low is None:
        return drawn
    low, high = (
        [end for end in ends if end is not None]
        for ends in ((drawn.value, drawn.low, other.low), (drawn.value, drawn.high, other.high))
    )
    return Figure(drawn.value, min(low), max(high))


def difference(more: Figure, less: Figure, value: float | None = None) -> Figure:
    """Subtract two figures; the interval follows from both (Zou and Donner, Statistics in Medicine 27 (2008) 1693).

    The figures are taken as independent. Where one of them has no interval, the difference has none.

    Parameters
    ----------
    more, less : minuend and subtrahend
    value : difference that was measured in another way; None: that of both values
    """
    if more.value is None or less.value is None:
        return Figure(value)
    value = more.value - less.value if value is None else value
    if more.low is None or more.high is None or less.low is None or less.high is None:
        return Figure(value)
    return Figure(
        value,
        value - math.hypot(more.value - more.low, less.high - less.value),
        value + math.hypot(more.high - more.value, less.value - less.low),
    )


def median(values: Peaks, groups: Sequence[object], *, step: float = 0.0, seed: int = 0) -> Figure:
    """Compute a median; its interval is the wider one of resampled groups and of ranks.

    The interval of ranks ends at the quantiles of the exact interval of one half (Woodruff, Journal of the American
    Statistical Association 47 (1952) 635); its number of trials is `trials`.

    Parameters
    ----------
    values : (n,) finite
    groups : one label a value
    step : resolution of the values, in their unit: a true value may be smaller by up to one step
    seed : seed of the draws

    Returns
    -------
    Figure; fewer than `FEWEST_RANKED` values have no interval at 95 %
    """
    ranked = np.sort(np.asarray(values, np.float64))
    if len(ranked) == 0:
        return Figure(None)
    if len(ranked) < FEWEST_RANKED:
        return Figure(float(np.median(ranked)))
    drawn = _drawn_figure((), groups, median_of(np.asarray(values, np.float64)), RESAMPLES, seed)
    half = exact(0.5, trials(groups))
    assert half.low is not None and half.high is not None
    low, high = np.quantile(ranked, half.low, method="lower"), np.quantile(ranked, half.high, method="higher")
    found = wider(drawn, Figure(None, float(low), float(high)))
    assert found.low is not None
    return Figure(found.value, max(min(0.0, found.low), found.low - step), found.high)


def poisson_rate(count: int, hours: float) -> Figure:
    """Rate of events an hour, with the exact two-sided Poisson interval (Garwood, Biometrika 28 (1936) 437).

    Parameters
    ----------
    count : number of events, >= 0
    hours : length of the observation; 0: the rate is undefined

    Examples
    --------
    >>> f = poisson_rate(0, 10)
    >>> f.value, f.low, round(f.high, 4)
    (0.0, 0.0, 0.3689)
    """
    from scipy.stats import chi2

    if hours <= 0:
        return Figure(None)
    tail = (1 - CONFIDENCE) / 2
    low = float(chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    return Figure(count / hours, low / hours, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2 / hours)


def poisson_upper(count: int, hours: float) -> float:
    """Upper end of the exact one-sided 95 % Poisson interval of a rate (Garwood, Biometrika 28 (1936) 437).

    Parameters
    ----------
    count : number of events, >= 0
    hours : length of the observation, above 0

    Returns
    -------
    events an hour

    Examples
    --------
    >>> round(poisson_upper(0, 10), 4)
    0.2996
    """
    from scipy.stats import chi2

    return float(chi2.ppf(CONFIDENCE, 2 * count + 2)) / 2 / hours


def share(count: int, n: int) -> Figure:
    """Share of trials, with the exact two-sided binomial interval (Clopper and Pearson, Biometrika 26 (1934) 404).

    Parameters
    ----------
    count : number of successes, 0 to n
    n : number of trials; 0: the share is undefined

    Examples
    --------
    >>> f = share(0, 10)
    >>> f.value, f.low, round(f.high, 4)
    (0.0, 0.0, 0.3085)
    """
    return exact(count / n, n) if n else Figure(None)


def _drawn(sides: list[list[str]], rows: int, rng: np.random.Generator) -> tuple[Counts, Counts]:
    """Draw groups ``rows`` times: counts (rows, clips) of the normal and of the anomalous clips."""
    normal, anomalous = set(sides[0]), set(sides[1])
    counts: dict[str, Counts] = {}
    for labels in (sorted(normal - anomalous), sorted(anomalous - normal), sorted(normal & anomalous)):
        k = len(labels)
        flat = rng.integers(0, max(1, k), (rows, k)) + k * np.arange(rows)[:, None]
        times = np.bincount(flat.ravel(), minlength=rows * k).reshape(rows, k)
        counts.update(zip(labels, times.T, strict=True))
    drawn = [np.array([counts[label] for label in side], np.int64).reshape(-1, rows).T for side in sides]
    return drawn[0], drawn[1]
