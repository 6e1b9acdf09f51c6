"""Promises: what must have been counted, and for how long, until a rate of alarms is known to keep to a budget.

A certificate is a test of the hypothesis that the true rate is at the budget or above. The evidence against it is an
e-process: a likelihood ratio of a mixture over rates below the budget to the budget itself, whose expected value never
exceeds 1 while the hypothesis holds (Ramdas et al. 2023, Game-theoretic statistics and safe anytime-valid inference).
By Ville's inequality it ever reaches 1 / (1 - confidence) with probability of at most 1 - confidence: nobody is misled
by looking every day and stopping at the first success, as with bounds for a number of days that was fixed before.

Three things are counted. Alarms, if they come independently of one another (a Poisson process): clusters of alarms
break the certificate. Alarm-days, each with a probability, given the days before, that is what is bounded: clusters
within a day do no harm, spells of several days do. Episodes: alarm-days after some quiet days, among the days on which
one could begin, for alarm-days that come in spells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.ladder import Unit
from anomsdk.errors import quoted
from anomsdk.stats.budgets import Budget

Method = Literal["anytime", "fixed"]
"""anytime: valid however often and whenever somebody looks; fixed: for a number of days that was fixed before."""

LONGEST_NEED_DAYS = 365
"""Days without any alarm that one device may need for a certificate."""
CHANCE = 3
"""Ratio of the rate that the test of a running promise is made for to the budget's."""
_SHAPE = 0.5
"""Shape of the mixture: Gamma(1/2, 1) in units of the budget's rate, and Beta(1/2, 1/(2p)), both truncated to it."""
_HIGHEST_BOUND = 0.9999
"""Largest bound of a share of days that is looked for, above that of any budget; above it nothing is known."""
_NEAR_ONE = 0.9
"""Rate above which the series of the incomplete beta function takes long, and that of its rest does not."""
_SURE = 1e-9
"""Evidence in ln that is asked for beyond the threshold, so that rounding never certifies."""
STAKES = np.concatenate([np.arange(1, 10) / 10, [1.0]])
STAKE_WEIGHTS = np.array([1 / 72] * 9 + [7 / 8])
"""Mixture over stakes of the test of daily shares: parts of the largest stake, and their weights."""


def days_needed(count: int, budget: str | Budget, confidence: float = 0.95, *, method: Method = "anytime") -> float:
    """Compute the days of service after which a budget is certified.

    Parameters
    ----------
    count : number of alarms, alarm-days or episodes counted by then, 0 or more
    budget : see `Budget.parse`
    confidence : 0.5 to 0.999
    method : anytime (by an e-process) or fixed (Garwood for alarms, Clopper-Pearson for days, one-sided)

    Returns
    -------
    days of service; a whole number for alarm-days, and for episodes, where they are the days at risk

    Raises
    ------
    InputError : an argument out of its range

    Examples
    --------
    >>> [days_needed(count, "1 alarm-day/30d") for count in (0, 1, 2, 3)]
    [109, 196, 262, 321]
    >>> round(days_needed(0, "1 alarm/7d") / 7, 2), round(days_needed(0, "1 alarm/7d", method="fixed") / 7, 2)
    (3.59, 3.0)
    """
    budget = Budget.parse(budget)
    _check(count, confidence, method)
    if budget.unit == Unit.ALARM:
        return _units_needed(count, confidence, method) / float(budget.rate)
    rate = float(budget.rate)
    return _smallest(lambda n: _certified_days(count, n, rate, confidence, method), count)


def certified(
    count: int, days: float, budget: str | Budget, confidence: float = 0.95, *, method: Method = "anytime"
) -> bool:
    """Return True if the counts of a time of service certify a budget.

    Parameters
    ----------
    count : number of alarms, alarm-days or episodes counted, 0 or more
    days : days of service, above 0; complete days for alarm-days, days at risk for episodes
    budget, confidence, method : see `days_needed`

    Raises
    ------
    InputError : an argument out of its range, zero days, or more alarm-days than days

    Examples
    --------
    >>> certified(0, 108, "1 alarm-day/30d"), certified(0, 109, "1 alarm-day/30d")
    (False, True)
    """
    budget = Budget.parse(budget)
    _check(count, confidence, method)
    _check_days(count, days, budget.unit)
    if budget.unit == Unit.ALARM:
        return days * float(budget.rate) >= _units_needed(count, confidence, method)
    return _certified_days(count, int(days), float(budget.rate), confidence, method)


def bound(
    count: int, days: float, unit: Unit = Unit.ALARM_DAY, confidence: float = 0.95, *, method: Method = "anytime"
) -> float:
    """Compute the smallest rate a day that the counts of a time of service certify.

    The bound may be read on any day: the true rate is ever above it with probability of at most 1 - confidence.

    Parameters
    ----------
    count, days, confidence, method : see `certified`
    unit : what was counted

    Returns
    -------
    rate a day; 1 for alarm-days and episodes of which nothing is known

    Examples
    --------
    >>> round(30 * bound(0, 109), 2)
    1.0
    """
    _check(count, confidence, method)
    _check_days(count, days, unit)
    if unit == Unit.ALARM:
        return _units_needed(count, confidence, method) / days
    low, high = 0.0, _HIGHEST_BOUND
    if not _certified_days(count, int(days), high, confidence, method):
        return 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if _certified_days(count, int(days), middle, confidence, method) else (middle, high)
    return high


def check_reachable(budget: Budget, confidence: float) -> None:
    """Refuse a budget that one device needs more than a year without any alarm for.

    Raises
    ------
    InputError : says how many days it needs
    """
    days = math.ceil(days_needed(0, budget, confidence))
    require(
        days <= LONGEST_NEED_DAYS,
        f"`budget`: a device needs {days} days with none before '{budget}' is certified, more than a year; give a "
        "budget over a shorter time",
    )


def pooled_days_needed(budget: str | Budget, confidence: float = 0.95) -> int:
    """Compute the calendar days without any alarm after which the daily shares of a herd certify a budget.

    Examples
    --------
    >>> pooled_days_needed("1 alarm-day/30d")
    92
    """
    budget = Budget.parse(budget)
    _check(0, confidence, "anytime")
    return _smallest(lambda n: pooled_evidence(np.zeros(n), budget) >= _threshold(confidence), 1)


def pooled_evidence(shares: Sequence[float] | NDArray[np.float64], budget: str | Budget) -> float:
    """Compute the evidence that the share of devices in alarm on a day is below a budget, on the long-run average.

    A day's share is one observation between 0 and 1, so that any dependence between the devices of a day is allowed: a
    day on which all are in alarm is one bad day. For each of several stakes the evidence is the product over days of
    ``1 + stake * (rate - share)``; their weighted mean is an e-process as long as a day's expected share, given the
    days before, is at the budget or above (Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables
    by betting).

    Parameters
    ----------
    shares : (days,), devices in alarm over devices in service, 0 to 1, in the order of the days
    budget : of alarm-days

    Returns
    -------
    ln of the evidence; the budget is certified where it reaches -ln(1 - confidence)
    """
    rate = _rate_of_alarm_days(budget)
    values = np.asarray(shares, np.float64)
    require(values.ndim == 1 and bool(((values >= 0) & (values <= 1)).all()), "`shares`: a share is not 0 to 1")
    stakes = STAKES / (1 - rate)
    with np.errstate(divide="ignore"):
        logs = np.log1p(np.clip(stakes[:, None] * (rate - values), -1, None)).sum(axis=1)
    highest = logs.max()
    if not np.isfinite(highest):
        return -math.inf
    return float(highest + np.log((STAKE_WEIGHTS * np.exp(logs - highest)).sum()))


def pooled_certified(
    shares: Sequence[float] | NDArray[np.float64], budget: str | Budget, confidence: float = 0.95
) -> bool:
    """Return True if the daily shares of a herd certify a budget. See `pooled_evidence`."""
    _check(0, confidence, "anytime")
    return pooled_evidence(shares, budget) >= _threshold(confidence)


def dispersion(alarms: Sequence[int] | NDArray[np.int64], devices: Sequence[int] | NDArray[np.int64]) -> float:
    """Compute the variance of the daily share of devices in alarm, over that of independent devices (binomial).

    Above 1 devices share what raises their alarms, such as a day's weather; then device-days are fewer than they look.
    The estimate is Pearson's chi-squared statistic over its degrees of freedom.

    Parameters
    ----------
    alarms : (days,), devices in alarm on each day
    devices : (days,), devices in service on it, 1 or more

    Returns
    -------
    ratio; 1 where no device was ever in alarm, or every one always, or there is one day
    """
    x, n = np.asarray(alarms, np.float64), np.asarray(devices, np.float64)
    require(x.shape == n.shape and x.ndim == 1 and bool((n >= 1).all()), "`devices`: a day without a device")
    p = x.sum() / max(1.0, n.sum())
    if len(x) < 2 or not 0 < p < 1:
        return 1.0
    return float(((x - n * p) ** 2 / (n * p * (1 - p))).sum() / (len(x) - 1))


# Evidence


def _units_needed(count: int, confidence: float, method: Method) -> float:
    """Compute the time, in units of the budget's rate, after which a count of alarms certifies it."""
    if method == "fixed":
        from scipy.stats import chi2

        return float(chi2.ppf(confidence, 2 * count + 2) / 2)  # Garwood 1936
    low, high = 0.0, 2.0 * count + 8
    while _poisson_evidence(count, high) < _threshold(confidence):
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if _poisson_evidence(count, middle) >= _threshold(confidence) else (middle, high)
    return high


def _certified_days(count: int, days: int, rate: float, confidence: float, method: Method) -> bool:
    if method == "fixed":
        from scipy.stats import beta

        upper = 1.0 if count >= days else float(beta.ppf(confidence, count + 1, days - count))  # Clopper-Pearson 1934
        return upper <= rate
    return _bernoulli_evidence(count, days, rate) >= _threshold(confidence)


def _poisson_evidence(count: int, units: float) -> float:
    """Compute ln of the mixture's likelihood over that of the budget, after a time in units of the budget's rate.

    Rates are in units of the budget's: the integral over (0, 1) of ``x**count * exp(-x * units)`` by the density
    ``x**(-1/2) * exp(-x) / gamma(1/2, 1)``, over ``exp(-units)``.
    """
    s = count + _SHAPE
    mixture = _ln_lower_gamma(s, units + 1) - s * math.log(units + 1) - _ln_lower_gamma(_SHAPE, 1.0)
    return mixture + units


def _bernoulli_evidence(count: int, days: int, rate: float) -> float:
    """Compute ln of the mixture's likelihood over that of the budget, of alarm-days among days."""
    b = 1 / (2 * rate)
    mixture = _ln_lower_beta(count + _SHAPE, days - count + b, rate) - _ln_lower_beta(_SHAPE, b, rate)
    return mixture - count * math.log(rate) - (days - count) * math.log1p(-rate)


def _ln_lower_gamma(s: float, x: float) -> float:
    """Compute ln of the lower incomplete gamma function by its series (DLMF 8.7.1)."""
    term = total = 1 / s
    n = 0
    while term > total * 1e-17:
        n += 1
        term *= x / (s + n)
        total += term
    return s * math.log(x) - x + math.log(total)


def _ln_lower_beta(a: float, b: float, x: float) -> float:
    """Compute ln of the incomplete beta function, not divided by the complete one, by its series (DLMF 8.17.8)."""
    if x > max(_NEAR_ONE, (a + 1) / (a + b + 2)):
        whole = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
        return whole + math.log1p(-math.exp(_ln_lower_beta(b, a, 1 - x) - whole))
    term, total, n = 1.0, 1.0, 0
    while term > total * 1e-17:
        term *= (a + b + n) / (a + 1 + n) * x
        n += 1
        total += term
    return a * math.log(x) + b * math.log1p(-x) - math.log(a) + math.log(total)


def _smallest(holds: Callable[[int], bool], least: int) -> int:
    """Find the smallest whole number at which something holds that holds from there on."""
    low, high = least - 1, max(1, least)
    while not holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _threshold(confidence: float) -> float:
    return -math.log1p(-confidence) + _SURE


# Checks


def _check(count: int, confidence: float, method: str) -> None:
    whole = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
    require(whole and count >= 0, f"`count`: {count!r} is no count; give 0 or more")
    require(
        isinstance(confidence, (int, float)) and 0.5 <= confidence <= 0.999,
        f"`confidence`: {confidence!r} is not 0.5 to 0.999; 0.95 is usual",
    )
    require(method in ("anytime", "fixed"), f"`method`: '{quoted(str(method))}' is neither anytime nor fixed")


def _check_days(count: int, days: float, unit: Unit) -> None:
    require(
        isinstance(days, (int, float, np.integer, np.floating)) and math.isfinite(days) and days > 0,
        f"`days`: {days!r} days of service certify nothing; give more than 0",
    )
    require(unit == Unit.ALARM or count <= int(days), f"`count`: {count} in {int(days)} days is more than one a day")


def _rate_of_alarm_days(budget: str | Budget) -> float:
    parsed = Budget.parse(budget)
    require(
        parsed.unit == Unit.ALARM_DAY,
        f"`budget`: devices are pooled by alarm-days, and '{parsed}' has none",
    )
    return float(parsed.rate)
