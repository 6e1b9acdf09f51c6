"""Dependence of alarm-days on one another, which a certificate in alarm-days assumes away: spells and drift.

Both tests need no more than the counts of a ladder. A third check is `anomsdk.stats.promises.dispersion`, for devices
that have their alarm-days in common. A test that flags nothing proves nothing where few alarm-days were counted: add
the counts of several devices, or test a lower rung, which has more of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anomsdk.core.checks import require

FLAGGED = 0.05
"""Probability below which a test flags: so often at most it flags alarm-days that are independent and steady."""
MOST_DISPERSED = 1.5
"""Largest `anomsdk.stats.promises.dispersion` of devices whose device-days may count as independent."""
LEAST_DAYS = 90
"""Calendar days that a dispersion must rest on before device-days may count as independent. Until the first common day
it is about 1: with certificates after a few quiet days, up to half of the herds had a false one (make bench-promises).
"""

Numbers = NDArray[np.float64]


def spells(alarm_days: ArrayLike, episodes: ArrayLike, days: ArrayLike, gap: int) -> Numbers:
    """Test whether alarm-days come in spells: soon after one another more often than independent ones do.

    An alarm-day that begins no episode follows another one within ``gap`` days. If the alarm-days of a device are
    independent and steady, every set of days is as likely as any other with as many, and one alarm-day follows the
    last one within ``gap`` days with probability ``1 - C(days - gap, k) / C(days, k)``, where k is their number. The
    p-value is that of a binomial distribution with the mean of all devices, which is no narrower than the exact one.

    Parameters
    ----------
    alarm_days, episodes, days : (..., devices) counts of complete days at one rung; a number: one device
    gap : quiet days after which an alarm-day begins an episode, 1 or more: `LadderPlan.episode_gap`

    Returns
    -------
    (...,) p-value of each herd, 0 to 1; 1 where no device has two alarm-days

    Examples
    --------
    >>> round(float(spells(8, 3, 240, gap=3)), 4)
    0.0002
    """
    k, e, n = _herds(alarm_days, episodes, days)
    require(gap >= 1, f"`gap`: {gap} days; give 1 or more")
    require(bool(((e <= k) & (k <= n) & ((e > 0) == (k > 0))).all()), "`episodes`: not 1 to the number of alarm-days")
    from scipy.special import gammaln
    from scipy.stats import binom

    pairs = np.maximum(k - 1, 0)
    rest = n - gap - k  # days that are neither alarm-days nor in one gap; below 0: no gap is that long
    free = np.maximum(rest, 0)
    apart = np.exp(gammaln(n - gap * (rest >= 0) + 1) - gammaln(free + 1) - gammaln(n + 1) + gammaln(n - k + 1))
    follows = np.where(rest >= 0, 1 - apart, 1.0)
    trials = pairs.sum(axis=-1)
    mean = (pairs * follows).sum(axis=-1) / np.maximum(trials, 1)
    return np.where(trials > 0, binom.sf((k - e).sum(axis=-1) - 1, trials, np.clip(mean, 0, 1)), 1.0)


def drift(first: ArrayLike, first_days: ArrayLike, second: ArrayLike, second_days: ArrayLike) -> Numbers:
    """Test whether alarm-days became more or fewer from a first period to a second one, such as halves.

    If they are steady, each alarm-day of a device falls into the first period with probability ``first_days`` over all
    days. The p-value is that of a binomial distribution with the mean of all devices, two-sided.

    Parameters
    ----------
    first, second : (..., devices) alarm-days of each period; a number: one device
    first_days, second_days : (..., devices) complete days of each period

    Returns
    -------
    (...,) p-value of each herd, 0 to 1; 1 where there was no alarm-day

    Examples
    --------
    >>> round(float(drift(1, 60, 9, 60)), 3)
    0.021
    """
    a, n, b, m = _herds(first, first_days, second, second_days)
    require(bool(((a <= n) & (b <= m)).all()), "`first`: more alarm-days than days")
    from scipy.stats import binom

    trials = (a + b).sum(axis=-1)
    mean = ((a + b) * n / np.maximum(n + m, 1)).sum(axis=-1) / np.maximum(trials, 1)
    early = a.sum(axis=-1)
    tail = np.minimum(binom.cdf(early, trials, mean), binom.sf(early - 1, trials, mean))
    return np.where(trials > 0, np.minimum(1.0, 2 * tail), 1.0)


def _herds(*counts: Any) -> list[Numbers]:
    """Return counts as arrays of one shape (..., devices)."""
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(each, np.float64)) for each in counts))
    for each in arrays:
        require(bool((np.isfinite(each) & (each >= 0)).all()), "counts: a count is negative or none")
    return list(arrays)
