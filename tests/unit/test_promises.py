"""Promises: budgets as they are written, and the arithmetic of certificates against integrals, tables and formulas."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from anomsdk import InputError
from anomsdk.core.ladder import Unit
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import (
    LONGEST_NEED_DAYS,
    bound,
    certified,
    check_reachable,
    days_needed,
    dispersion,
    pooled_certified,
    pooled_days_needed,
    pooled_evidence,
)

# Budgets


@pytest.mark.parametrize(
    ("text", "count", "unit", "days", "written"),
    [
        ("1 alarm-day/30d", 1, Unit.ALARM_DAY, Fraction(30), "1 alarm-day/30d"),
        ("2 alarm-days / 90 d", 2, Unit.ALARM_DAY, Fraction(90), "2 alarm-days/90d"),
        ("1 alarm/7d", 1, Unit.ALARM, Fraction(7), "1 alarm/7d"),
        ("3 alarms/8h", 3, Unit.ALARM, Fraction(1, 3), "3 alarms/8h"),
        ("1 alarm/48h", 1, Unit.ALARM, Fraction(2), "1 alarm/2d"),
        ("2 episodes/90d", 2, Unit.EPISODE, Fraction(90), "2 episodes/90d"),
        ("  1  episode/14d ", 1, Unit.EPISODE, Fraction(14), "1 episode/14d"),
        ("100 alarms/1d", 100, Unit.ALARM, Fraction(1), "100 alarms/1d"),
    ],
)
def test_a_budget_is_read_and_written(text, count, unit, days, written):
    budget = Budget.parse(text)
    assert (budget.count, budget.unit, budget.days) == (count, unit, days)
    assert str(budget) == written and Budget.parse(str(budget)) == budget and Budget.parse(budget) is budget
    assert budget.rate == Fraction(count) / days


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0/30d", "'0/30d' is no budget; write it as '1 alarm-day/30d'"),
        ("0 alarms/30d", "'0 alarms/30d' allows nothing, which no number of days can show"),
        ("0 alarm-days/30d", "allows nothing"),
        ("1/0d", "is no budget"),
        ("1 alarm/0d", "'1 alarm/0d' is in no time; give days, as in '1 alarm/7d'"),
        ("1 alarm/0h", "is in no time"),
        ("1 alarm-day/0d", "is in no time"),
        ("1 alarm-weak/30d", "'1 alarm-weak/30d' is no budget"),
        ("1 alarm-day/30", "is no budget"),
        ("1 alarm-day/30w", "is no budget"),
        ("1 alarm-day/30.5d", "is no budget"),
        ("-1 alarm/7d", "is no budget"),
        ("1 alarm/-7d", "is no budget"),
        ("one alarm/7d", "is no budget"),
        ("1 alarm/7d/2", "is no budget"),
        ("\u0661 alarm/7d", "is no budget"),  # a digit of another script
        ("", "is no budget"),
        ("10000 alarms/7d", "is no budget"),
        ("1 alarm-day/24h", "counts days in hours; give days"),
        ("1 episode/72h", "counts days in hours"),
        ("30 alarm-days/30d", "allows one on every day, which is no limit"),
        ("31 episodes/30d", "allows one on every day"),
        ("101 alarms/1d", "'101 alarms/1d' is more than 100 a day; allow fewer"),
        ("5 alarms/1h", "is more than 100 a day"),
    ],
)
def test_what_is_no_budget_is_refused_in_one_line(text, says):
    with pytest.raises(InputError) as caught:
        Budget.parse(text)
    assert says in str(caught.value) and str(caught.value).startswith("`budget`: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [None, 7, 0.5, b"1 alarm/7d", ["1 alarm/7d"]])
def test_what_is_no_text_is_refused_as_a_budget(other):
    with pytest.raises(InputError, match="is no budget"):
        Budget.parse(other)


def test_long_text_is_quoted_shortened():
    with pytest.raises(InputError) as caught:
        Budget.parse("x" * 5000)
    assert len(str(caught.value)) < 300


def test_a_yearly_budget_of_one_device_is_refused_with_its_days():
    with pytest.raises(InputError) as caught:
        check_reachable(Budget.parse("1 alarm-day/365d"), 0.95)
    days = days_needed(0, "1 alarm-day/365d")
    assert f"a device needs {days} days with none before '1 alarm-day/365d' is certified, more than a year" in str(
        caught.value
    )
    assert 600 < days < 1400
    longest = max(n for n in range(30, 200) if days_needed(0, f"1 alarm-day/{n}d") <= LONGEST_NEED_DAYS)
    check_reachable(Budget.parse(f"1 alarm-day/{longest}d"), 0.95)
    with pytest.raises(InputError):
        check_reachable(Budget.parse(f"1 alarm-day/{longest + 1}d"), 0.95)


# Tables


def test_days_of_alarm_days_are_those_of_the_table():
    assert [days_needed(count, "1 alarm-day/30d") for count in range(4)] == [109, 196, 262, 321]
    assert [days_needed(count, "1 alarm-day/7d") for count in range(3)] == [24, 44, 59]
    assert [days_needed(count, "1 episode/30d") for count in range(4)] == [109, 196, 262, 321]


def test_times_of_alarms_are_those_of_the_table():
    found = [days_needed(count, "1 alarm/7d") / 7 for count in (0, 1, 2, 3, 5)]
    assert [round(each, 2) for each in found] == [3.59, 6.55, 8.83, 10.85, 14.52]


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("count", [0, 1, 3, 15])
def test_fixed_bounds_are_those_of_the_textbooks(count, confidence):
    """Garwood for alarms: the chi-squared quantile. Clopper-Pearson for days: the binomial tail at the budget."""
    units = days_needed(count, "1 alarm/1d", confidence, method="fixed")
    assert stats.poisson.cdf(count, units) == pytest.approx(1 - confidence, rel=1e-9)
    days = days_needed(count, "1 alarm-day/30d", confidence, method="fixed")
    assert stats.binom.cdf(count, days, 1 / 30) <= 1 - confidence < stats.binom.cdf(count, days - 1, 1 / 30)


# Evidence by integrals


def poisson_evidence(count, units):
    """The integral over rates below the budget's, in units of it, of the likelihood by a Gamma(1/2, 1) density."""
    weight, _ = integrate.quad(lambda u: 2 * math.exp(-u * u), 0, 1)  # x = u**2 takes the pole at 0 away
    mixture, _ = integrate.quad(lambda u: 2 * u ** (2 * count) * math.exp(-u * u * (1 + units)), 0, 1, epsabs=0)
    return math.log(mixture / weight) + units


def bernoulli_evidence(count, days, rate):
    """The integral over probabilities below the budget's of the likelihood by a Beta(1/2, 1 / (2 rate)) density."""
    b, top = 1 / (2 * rate), math.sqrt(rate)
    weight, _ = integrate.quad(lambda u: 2 * (1 - u * u) ** (b - 1), 0, top)
    mixture, _ = integrate.quad(
        lambda u: 2 * u ** (2 * count) * (1 - u * u) ** (days - count + b - 1), 0, top, epsabs=0, limit=200
    )
    return math.log(mixture / weight) - count * math.log(rate) - (days - count) * math.log1p(-rate)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 10, 15])
def test_alarms_are_certified_where_the_integral_says(count, confidence):
    units, wanted = days_needed(count, "1 alarm/1d", confidence), -math.log(1 - confidence)
    assert poisson_evidence(count, units) == pytest.approx(wanted, abs=1e-6)
    assert poisson_evidence(count, units * 0.999) < wanted


@pytest.mark.parametrize(
    "budget", ["1 alarm-day/30d", "1 alarm-day/7d", "1 alarm-day/2d", "2 episodes/90d", "29 alarm-days/30d"]
)
@pytest.mark.parametrize("count", [0, 1, 3, 8, 15])
def test_days_are_certified_where_the_integral_says(count, budget):
    days, rate, wanted = days_needed(count, budget), float(Budget.parse(budget).rate), math.log(20)
    assert bernoulli_evidence(count, days, rate) >= wanted > bernoulli_evidence(count, days - 1, rate)


def test_the_evidence_is_fair_at_the_budget():
    """Its expected value is 1 on every day, as that of an e-process is where the rate is that of the budget."""
    days, rate = 60, 1 / 30
    likely = stats.binom.pmf(np.arange(days + 1), days, rate)
    # the mixture of binomials of n days over that of the budget: the coefficient cancels
    found = sum(p * math.exp(bernoulli_evidence(count, days, rate)) for count, p in enumerate(likely) if p > 1e-14)
    assert found == pytest.approx(1, abs=1e-6)
    units = 5.0
    arrivals = stats.poisson.pmf(np.arange(60), units)
    found = sum(p * math.exp(poisson_evidence(count, units)) for count, p in enumerate(arrivals) if p > 1e-14)
    assert found == pytest.approx(1, abs=1e-6)


# What holds between the functions

BUDGETS = st.sampled_from(["1 alarm-day/30d", "1 alarm-day/7d", "1 episode/14d", "1 alarm/7d", "2 alarms/3d"])


@given(BUDGETS, st.integers(0, 20), st.sampled_from([0.8, 0.95, 0.99]), st.sampled_from(["anytime", "fixed"]))
@settings(max_examples=60, deadline=None)
def test_what_is_needed_is_what_certifies(budget, count, confidence, method):
    needed = days_needed(count, budget, confidence, method=method)
    assert certified(count, needed * (1 + 1e-9), budget, confidence, method=method)
    less = needed - 1 if isinstance(needed, int) else needed * 0.9999
    assert not certified(count, less, budget, confidence, method=method)
    assert days_needed(count + 1, budget, confidence, method=method) > needed


@given(st.integers(0, 10), st.integers(20, 800), st.sampled_from(list(Unit)), st.sampled_from(["anytime", "fixed"]))
@settings(max_examples=60, deadline=None)
def test_the_bound_is_the_smallest_rate_that_is_certified(count, days, unit, method):
    rate = bound(count, days, unit, method=method)
    assert rate > count / days
    if unit == Unit.ALARM:
        assert rate * days == pytest.approx(days_needed(count, "1 alarm/1d", method=method))
        return
    evidence = bernoulli_evidence(count, days, min(rate, 0.98))
    if method == "anytime" and rate < 1:
        assert evidence == pytest.approx(math.log(20), abs=1e-4)
    if method == "fixed" and rate < 1:
        assert stats.binom.cdf(count, days, rate) == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("budget", ["364 alarm-days/365d", "9998 alarm-days/9999d", "99 alarm-days/100d"])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_the_bound_of_what_is_certified_keeps_to_a_budget_near_every_day(budget, confidence):
    parsed = Budget.parse(budget)
    needed = [days_needed(count, budget, confidence) for count in range(16)]
    assert needed == sorted(needed)
    for count, days in enumerate(needed):
        for more in (0, 1, 50):
            assert bound(count, days + more, parsed.unit, confidence) <= float(parsed.rate)


def test_anytime_costs_more_days_than_a_fixed_number():
    for count in range(6):
        assert days_needed(count, "1 alarm-day/30d") > days_needed(count, "1 alarm-day/30d", method="fixed")


def test_nothing_is_known_of_too_few_days():
    assert bound(0, 1) > 0.95 and bound(1, 1) == 1 and bound(3, 3, Unit.EPISODE) == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: days_needed(-1, "1 alarm/7d"), "`count`: -1 is no count"),
        (lambda: days_needed(1.5, "1 alarm/7d"), "`count`: 1.5 is no count"),
        (lambda: days_needed(True, "1 alarm/7d"), "`count`: True is no count"),
        (lambda: days_needed(0, "1 alarm/7d", 0.4), "`confidence`: 0.4 is not 0.5 to 0.999"),
        (lambda: days_needed(0, "1 alarm/7d", 1), "`confidence`: 1 is not 0.5 to 0.999"),
        (lambda: days_needed(0, "1 alarm/7d", "95"), "`confidence`: '95' is not"),
        (lambda: days_needed(0, "1 alarm/7d", float("nan")), "`confidence`: nan is not"),
        (lambda: days_needed(0, "1 alarm/7d", method="exact"), "`method`: 'exact' is neither anytime nor fixed"),
        (lambda: certified(0, 0, "1 alarm/7d"), "`days`: 0 days of service certify nothing"),
        (lambda: certified(0, float("inf"), "1 alarm/7d"), "`days`: inf days of service"),
        (lambda: certified(0, -3, "1 alarm/7d"), "`days`: -3 days"),
        (lambda: certified(31, 30, "1 alarm-day/30d"), "`count`: 31 in 30 days is more than one a day"),
        (lambda: bound(2, 1.5), "`count`: 2 in 1 days is more than one a day"),
        (lambda: pooled_evidence([0.5], "1 alarm/7d"), "devices are pooled by alarm-days, and '1 alarm/7d' has none"),
        (lambda: pooled_evidence([1.5], "1 alarm-day/7d"), "`shares`: a share is not 0 to 1"),
        (lambda: pooled_evidence([float("nan")], "1 alarm-day/7d"), "`shares`: a share is not 0 to 1"),
        (lambda: dispersion([1], [0]), "`devices`: a day without a device"),
        (lambda: dispersion([1, 2], [5]), "`devices`: a day without a device"),
    ],
)
def test_what_is_out_of_range_is_refused_in_one_line(call, says):
    with pytest.raises(InputError) as caught:
        call()
    assert says in str(caught.value) and "\n" not in str(caught.value)


# Herds


def test_a_herd_needs_92_days_at_1_in_30_however_large():
    assert pooled_days_needed("1 alarm-day/30d") == 92
    assert not pooled_certified(np.zeros(91), "1 alarm-day/30d") and pooled_certified(np.zeros(92), "1 alarm-day/30d")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.sampled_from([7, 30]))
@settings(max_examples=60, deadline=None)
def test_pooled_evidence_is_a_weighted_mean_of_products(shares, days):
    rate = 1 / days
    stakes = [*(k / 10 / (1 - rate) for k in range(1, 10)), 1 / (1 - rate)]
    weights = [1 / 72] * 9 + [7 / 8]
    products = [math.prod(max(0.0, 1 + stake * (rate - share)) for share in shares) for stake in stakes]
    mean = sum(weight * product for weight, product in zip(weights, products, strict=True))
    found = math.exp(pooled_evidence(shares, f"1 alarm-day/{days}d"))
    assert found == pytest.approx(mean, rel=1e-9, abs=1e-12)


def test_a_day_on_which_all_are_in_alarm_is_one_bad_day():
    clean, one = pooled_evidence(np.zeros(300), "1 alarm-day/30d"), np.zeros(300)
    one[7] = 1
    assert pooled_evidence(one, "1 alarm-day/30d") < clean and pooled_certified(one, "1 alarm-day/30d")
    assert pooled_evidence([1, 1, 1], "1 alarm-day/30d") < -2


def test_dispersion_is_1_for_independent_devices_and_grows_with_what_they_share():
    rng = np.random.default_rng(5)
    days, n = 2000, 50
    apart = rng.binomial(n, 0.05, days)
    shared = rng.binomial(n, rng.beta(0.5, 9.5, days))
    devices = np.full(days, n)
    assert dispersion(apart, devices) == pytest.approx(1, abs=0.1)
    assert dispersion(shared, devices) > 3
    assert dispersion([0, 0], [5, 5]) == dispersion([5, 5], [5, 5]) == dispersion([1], [5]) == 1
