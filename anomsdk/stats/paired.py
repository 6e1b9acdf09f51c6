"""Changes from one plan to another on the same recordings, with intervals: pure functions of counts.

Whole groups are drawn again, as for every figure of `anomsdk.evaluate`, because alarms of one day come together. Where
few alarms differ, draws say too little: none that differs gives an interval of no width. So each end is the wider of
two, that of the draws and the exact one: of alarms that are independent, and of shares of groups where there are two or
more, else of recordings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.stats.intervals import Figure, bootstrap, difference, exact, paired_bootstrap, poisson_rate, trials, wider
from anomsdk.stats.metrics import Counts, FigureOf

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
    return wider(drawn, difference(added, lost, drawn.value))


def share_change(groups: Sequence[object], old: Values, new: Values, seed: int) -> Figure:
    """Share of recordings found by the new plan, less that of the old one.

    Parameters
    ----------
    groups : one label a recording
    old, new : (n,) bool, whether it was found
    seed : of the draws
    """
    drawn = paired_bootstrap(groups, (), share_of(new), share_of(old), seed=seed)
    gained, missed = (exact(float(changed.mean()), trials(groups)) for changed in (new & ~old, old & ~new))
    return wider(drawn, difference(gained, missed, drawn.value))


def share_found(groups: Sequence[object], found: Values, seed: int) -> Figure:
    """Share of recordings found.

    Parameters
    ----------
    groups, seed : as `share_change`
    found : (n,) bool
    """
    return bootstrap(groups, (), share_of(found), seed=seed, rests_on=trials(groups))


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
