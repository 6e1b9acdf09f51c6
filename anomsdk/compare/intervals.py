"""Changes from one plan to another on the same recordings, with intervals: pure functions of counts.

Whole groups are drawn again, as for every figure of `anomsdk.evaluate`, because alarms of one day come together. Where
few alarms differ, draws say too little: none that differs gives an interval of no width. So each end is the wider of
two, that of the draws and the exact one of counts that are independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.evaluate.metrics import CONFIDENCE, Counts, Figure, FigureOf, bootstrap, paired_bootstrap, poisson_rate

Values = NDArray[Any]


def rate_change(
    groups: Sequence[object],
    old: Values,
    new: Values,
    hours: tuple[Values, Values],
    n_changed: tuple[int, int],
    seed: int,
) -> Figure:
    """Alarms an hour of the new plan, less those of the old one.

    Parameters
    ----------
    groups : one label a recording
    old, new : (n,) alarms on each recording
    hours : (n,) heard of each recording by either plan
    n_changed : alarms added and lost
    seed : of the draws
    """
    drawn = paired_bootstrap(groups, (), ratio_of(new, hours[1]), ratio_of(old, hours[0]), seed=seed)
    added, lost = poisson_rate(n_changed[0], float(hours[1].sum())), poisson_rate(n_changed[1], float(hours[0].sum()))
    return _wider(drawn, added, lost)


def share_change(groups: Sequence[object], old: Values, new: Values, seed: int) -> Figure:
    """Share of recordings found by the new plan, less that of the old one.

    Parameters
    ----------
    groups : one label a recording
    old, new : (n,) bool, whether it was found
    seed : of the draws
    """
    drawn = paired_bootstrap(groups, (), share_of(new), share_of(old), seed=seed)
    return _wider(
        drawn, _exact_share(int((new & ~old).sum()), len(old)), _exact_share(int((old & ~new).sum()), len(old))
    )


def share(groups: Sequence[object], found: Values, seed: int) -> Figure:
    """Share of recordings found.

    Parameters
    ----------
    groups, seed : as `share_change`
    found : (n,) bool
    """
    return bootstrap(groups, (), share_of(found), seed=seed)


def mcnemar(gained: int, missed: int) -> float:
    """Two-sided p of McNemar's exact test: that gains and misses are as likely, recordings being independent.

    Parameters
    ----------
    gained, missed : recordings found by one plan only, >= 0

    Examples
    --------
    >>> mcnemar(0, 0), mcnemar(1, 1), mcnemar(6, 0)
    (1.0, 1.0, 0.03125)
    """
    n = gained + missed
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(min(gained, missed) + 1)) / 2**n)


def ratio_of(part: Values, whole: Values) -> FigureOf:
    """Sum of one over the sum of the other, as a function of counts; NaN where the whole is 0."""

    def figure(counts: Counts, _: Counts) -> NDArray[np.float64]:
        total = counts @ whole
        return np.divide(counts @ part, total, out=np.full(len(counts), np.nan), where=total != 0)

    return figure


def share_of(found: Values) -> FigureOf:
    """Share of recordings found, as a function of counts."""
    return ratio_of(found.astype(np.int64), np.ones(len(found), np.int64))


def _exact_share(count: int, n: int) -> Figure:
    """Share with the exact two-sided interval (Clopper and Pearson, Biometrika 26 (1934) 404)."""
    from scipy.stats import beta

    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - tail, count + 1, n - count)) if count < n else 1.0
    return Figure(count / n, low, high)


def _wider(drawn: Figure, more: Figure, less: Figure) -> Figure:
    """The wider, at each end, of what was drawn and of the interval of ``more - less``.

    The latter from the intervals of both (Zou and Donner, Statistics in Medicine 27 (2008) 1693): where nothing
    differs it is the exact bound of a count of 0.
    """
    value = drawn.value
    ends = (more.value, more.low, more.high, less.value, less.low, less.high)
    if value is None or None in ends:
        return drawn
    m, m_low, m_high, s, s_low, s_high = (float(x or 0) for x in ends)
    low, high = value - math.hypot(m - m_low, s_high - s), value + math.hypot(m_high - m, s - s_low)
    return Figure(
        value,
        low if drawn.low is None else min(low, drawn.low),
        high if drawn.high is None else max(high, drawn.high),
    )
