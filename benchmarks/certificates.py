"""Certificates of generated devices, looked at each day, for `benchmarks.promises`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from anomsdk.core.ladder import LadderPlan, PromisePlan
from anomsdk.planner.ladder import promise_plan
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import STAKE_WEIGHTS, STAKES, Method, dispersion, pooled_evidence
from anomsdk.stats.promises import certified as is_certified

CONFIDENCE = 0.95
SURE = 0.01
"""Probability below which a share is said to be above 1 - confidence: the sampling error that bounds allow for."""
GAP_DAYS = 3
"""Quiet days after which an alarm-day begins an episode."""
DAY_TICKS = 96
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Share:
    """Share of devices or herds, with its standard error.

    Parameters
    ----------
    found : number of devices or herds to which it happened
    n : number of all
    """

    found: int
    n: int

    @property
    def value(self) -> float:
        return self.found / self.n

    @property
    def error(self) -> float:
        """Standard error."""
        return math.sqrt(self.value * (1 - self.value) / self.n)

    @property
    def is_kept(self) -> bool:
        """Return True if a true share of 1 - confidence gives as much, or more, with a probability of 1 % or more."""
        return bool(binom.sf(self.found - 1, self.n, 1 - CONFIDENCE) >= SURE)

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} +- {100 * self.error:.1f} %"


def share(which: NDArray[np.bool_]) -> Share:
    """Count a share."""
    return Share(int(which.sum()), len(which))


def planned(budget: str) -> PromisePlan:
    """Plan a promise as a device has it, for days of `DAY_TICKS` ticks."""
    ladder = LadderPlan(np.array([1, 2], np.uint32), DAY_TICKS, 0, GAP_DAYS)
    return promise_plan(Budget.parse(budget), CONFIDENCE, 0.05, ladder)


def needs_of(budget: str) -> NDArray[np.int64]:
    """Return what must be watched with 0, 1, 2, ... counted: days, for alarms ticks; the last entry: never."""
    return np.append(planned(budget).needs.astype(np.int64), NEVER)


def most_counted(budget: str, days: NDArray[np.integer], method: Method = "anytime") -> NDArray[np.int64]:
    """Return the largest count that certifies a budget after each number of days, rising; -1: none does.

    This is `anomsdk.stats.promises.certified`, which has no limit of 15 counted.
    """
    found, most = [], -1
    for each in days.tolist():
        while is_certified(most + 1, each, budget, CONFIDENCE, method=method):
            most += 1
        found.append(most)
    return np.array(found)


def certified(
    counted: NDArray[np.integer], watched: NDArray[np.integer], needs: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell for each day whether a look at its end gives a certificate.

    Parameters
    ----------
    counted : (devices, days) counts by the end of each day
    watched : (days,) or (devices, days) days, for alarms ticks, by then
    """
    return watched >= needs[np.minimum(counted, len(needs) - 1)]


def dispersions(alarms: NDArray[np.integer], devices: int) -> NDArray[np.float64]:
    """Compute `dispersion` of herds after each of their days.

    Parameters
    ----------
    alarms : (herds, days) devices in alarm
    """
    days = np.arange(1, alarms.shape[1] + 1)
    total, squares = alarms.cumsum(axis=1), (alarms**2).cumsum(axis=1)
    p = total / (devices * days)
    with np.errstate(all="ignore"):
        found = (squares - total**2 / days) / (devices * p * (1 - p)) / (days - 1)
    found = np.where((days > 1) & (p > 0) & (p < 1), found, 1.0)
    own = dispersion(alarms[0], np.full(alarms.shape[1], devices))
    assert math.isclose(own, float(found[0, -1]), rel_tol=1e-9), "not dispersion"
    return found


def ever_pooled(alarms: NDArray[np.integer], devices: int, budget: str) -> NDArray[np.bool_]:
    """Tell for each herd whether its daily shares ever certify a budget, as `pooled_evidence` computes it.

    Parameters
    ----------
    alarms : (herds, days) devices in alarm
    """
    rate = float(Budget.parse(budget).rate)
    stakes = STAKES / (1 - rate)
    with np.errstate(divide="ignore"):
        steps = np.log1p(np.clip(stakes[:, None] * (rate - np.arange(devices + 1) / devices), -1, None))
    ever = np.zeros(len(alarms), bool)
    for start in range(0, len(alarms), 500):
        part = alarms[start : start + 500]
        evidence = np.zeros(part.shape)
        for weight, step in zip(STAKE_WEIGHTS, steps, strict=True):
            evidence += weight * np.exp(np.cumsum(step[part], axis=1))
        if start == 0:
            own = math.exp(pooled_evidence(part[0] / devices, budget))
            assert math.isclose(own, float(evidence[0, -1]), rel_tol=1e-9), "not pooled_evidence"
        ever[start : start + 500] = (evidence >= 1 / (1 - CONFIDENCE) * (1 + 1e-9)).any(axis=1)
    return ever


def broken(promise: PromisePlan, counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the day on which each running promise is broken; `NEVER`: it is not.

    A budget of alarms pays each day in advance, one of days at its end, so that both have this evidence at the end of
    a day.

    Parameters
    ----------
    counts : (devices, days) counted on each day
    """
    days = np.arange(1, counts.shape[1] + 1)
    evidence = promise.event_q16 * counts.cumsum(axis=1) - promise.day_q16 * days
    over = evidence >= promise.broken_q16
    return np.where(over.any(axis=1), over.argmax(axis=1) + 1, NEVER)
