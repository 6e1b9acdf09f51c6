"""Generated alarms of devices for `benchmarks.promises`: each stream keeps exactly to a given rate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.bool_]
"""(devices, days): a day has a tick in alarm."""
Counts = NDArray[np.int64]
"""(devices, days): alarms of each day."""

MEAN_GAP_DAYS = 10 / 1440
"""Mean time between the alarms of a cluster: 10 minutes."""
RELAPSE = 0.3
"""Probability of an alarm-day on a day soon after a spell."""


def independent(rng: np.random.Generator, devices: int, days: int, rate: float) -> Days:
    """Make alarm-days that are independent of one another, with this probability each."""
    return rng.random((devices, days), dtype=np.float32) < rate


def clusters(
    rng: np.random.Generator,
    devices: int,
    days: int,
    *,
    size: int,
    alarm_days: float | None = None,
    alarms: float | None = None,
    by_day: bool = False,
) -> Counts:
    """Make alarms that come in clusters; the clusters are a Poisson process.

    Parameters
    ----------
    size : alarms of a cluster, 1 or more; a cluster may reach over midnight
    alarm_days : share of days with an alarm; or
    alarms : mean number of alarms a day
    by_day : clusters begin only in the 8 hours around noon
    """
    if alarm_days is None:
        assert alarms is not None
        rate = alarms / size
    else:
        # a cluster touches 1 day, and another one with the probability that midnight lies in it
        rate = -math.log1p(-alarm_days) / (1 + (0 if by_day else (size - 1) * MEAN_GAP_DAYS))
    n = rng.poisson(rate * (days + 1), devices)
    device = np.repeat(np.arange(devices), n)
    start = rng.uniform(-1, days, len(device))  # one day before, whose clusters may reach into the first one
    if by_day:
        start = np.floor(start) + rng.uniform(1 / 3, 2 / 3, len(device))
    gaps = rng.exponential(MEAN_GAP_DAYS, (len(device), size))
    gaps[:, 0] = 0
    day = np.floor(start[:, None] + gaps.cumsum(axis=1)).astype(np.int64)
    kept = (day >= 0) & (day < days)
    at = (device[:, None] * days + day)[kept]
    return np.bincount(at, minlength=devices * days).reshape(devices, days)


def spells(rng: np.random.Generator, devices: int, days: int, rate: float, mean: float) -> Days:
    """Make alarm-days in spells of a mean length in days: a Markov chain in its steady state, in alarm at this rate."""
    stays = 1 - 1 / mean
    begins = rate / (1 - rate) * (1 - stays)
    found = np.zeros((devices, days), bool)
    now = rng.random(devices) < rate
    for day in range(days):
        found[:, day] = now
        now = rng.random(devices) < np.where(now, stays, begins)
    return found


def episodes(rng: np.random.Generator, devices: int, days: int, rate: float, mean: float, gap: int) -> Days:
    """Make episodes: spells that begin with a probability on each day at risk, and come back soon now and then.

    Parameters
    ----------
    rate : probability that an episode begins on a day at risk
    mean : mean length of a spell in days
    gap : quiet days after which a day is at risk
    """
    found = np.zeros((devices, days), bool)
    now, quiet = np.zeros(devices, bool), np.full(devices, gap)
    for day in range(days):
        now = rng.random(devices) < np.where(now, 1 - 1 / mean, np.where(quiet >= gap, rate, RELAPSE))
        found[:, day], quiet = now, np.where(now, 0, np.minimum(quiet + 1, gap))
    return found


def drifting(rng: np.random.Generator, devices: int, days: int, rate: float) -> Days:
    """Make alarm-days whose probability grows steadily from 0 to twice its mean."""
    return rng.random((devices, days)) < 2 * rate * (np.arange(days) + 0.5) / days


def herds(rng: np.random.Generator, n: int, devices: int, days: int, rate: float, correlation: float) -> Counts:
    """Make herds of devices that share their alarm-days: beta-binomial.

    Parameters
    ----------
    n : number of herds
    correlation : intraclass correlation of the alarms of a day, 0 to below 1

    Returns
    -------
    (n, days) devices in alarm on each day
    """
    if correlation == 0:
        return rng.binomial(devices, rate, (n, days))
    weight = 1 / correlation - 1
    return rng.binomial(devices, rng.beta(rate * weight, (1 - rate) * weight, (n, days)))


def episodes_of(alarm_days: Days, gap: int) -> tuple[Days, Days]:
    """Return the days on which an episode begins, and the days at risk, as a ladder counts them."""
    begins, at_risk = np.zeros_like(alarm_days), np.zeros_like(alarm_days)
    quiet = np.full(len(alarm_days), gap)
    for day in range(alarm_days.shape[1]):
        at_risk[:, day] = quiet >= gap
        begins[:, day] = at_risk[:, day] & alarm_days[:, day]
        quiet = np.where(alarm_days[:, day], 0, np.minimum(quiet + 1, gap))
    return begins, at_risk
