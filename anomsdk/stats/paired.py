"""Changes from one plan to another on the same recordings, with intervals.

The bootstrap draws whole groups, because alarms of one day come together. Where few alarms differ, draws show too
little: where none differs, their interval has no width. Each end is therefore the wider one of the draws and of an
exact interval, which takes alarms as independent, and shares as those of `anomsdk.stats.intervals.trials`.
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
    """Change in alarms an hour from the old plan to the new one.

    Parameters
    ----------
    groups : one label a recording
    old, new : (n,) number of alarms on each recording
    hours : (n,) hours of each recording that the old and the new plan judged
    n_changed : number of alarms added and lost
    seed : seed of the draws
    """
    drawn = paired_bootstrap(groups, (), ratio_of(new, hours[1]), ratio_of(old, hours[0]), seed=seed)
    added, lost = poisson_rate(n_changed[0], float(hours[1].sum())), poisson_rate(n_changed[1], float(hours[0].sum()))
    return wider(drawn, difference(added, lost, drawn.value))


def share_change(groups: Sequence[object], old: Values, new: Values, seed: int) -> Figure:
    """Change in the share of recordings found from the old plan to the new one.

    Parameters
    ----------
    groups : one label a recording
    old, new : (n,) bool, True where the plan found the recording
    seed : seed of the draws
    """
    drawn = paired_bootstrap(groups, (), share_of(new), share_of(old), seed=seed)
    gained, missed = (exact(float(changed.mean()), trials(groups)) for changed in (new & ~old, old & ~new))
    return wider(drawn, difference(gained, missed, drawn.value))


def share_found(groups: Sequence[object], found: Values, seed: int) -> Figure:
    """Share of recordings found, with the interval of `anomsdk.stats.intervals.bootstrap`.

    Parameters
    ----------
    groups, seed : as `share_change`
    found : (n,) bool, True where the recording was found
    """
    return bootstrap(groups, (), share_of(found), seed=seed, rests_on=trials(groups))


def mcnemar(gained: int, missed: int) -> float:
    """Two-sided p-value of McNemar's exact test.

    The hypothesis is that gains and misses are equally likely; recordings are taken as independent.

    Parameters
    ----------
    gained, missed : number of recordings found by the new plan only, and by the old plan only, >= 0

    Examples
    --------
    >>> mcnemar(0, 0), mcnemar(1, 1), mcnemar(6, 0)
    (1.0, 1.0, 0.03125)
    """
    n = gained + missed
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(min(gained, missed) + 1)) / 2**n)


def ratio_of(part: Values, whole: Values) -> FigureOf:
    """Ratio of two sums over recordings as a function of counts; NaN where ``whole`` sums to 0."""

    def figure(counts: Counts, _: Counts) -> NDArray[np.float64]:
        total = counts @ whole
        return np.divide(counts @ part, total, out=np.full(len(counts), np.nan), where=total != 0)

    return figure


def share_of(found: Values) -> FigureOf:
    """Share of recordings found as a function of counts."""
    return ratio_of(found.astype(np.int64), np.ones(len(found), np.int64))
