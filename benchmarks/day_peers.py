"""Simple detectors of a changed day, in float64: each compares a day with the animal's last 14 days, or with the herd.

They see the rows that the plan sees, of the same days. Detectors over a herd learn from untouched days of the other
animals, as the plan does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Seen: TypeAlias = dict[str, Floats]
"""Values of a day that detectors need, by name; `Past.compare` computes them."""
Detector: TypeAlias = Callable[[Sequence[Seen]], Floats]

SEEN_DAYS = 14
MATURE_DAYS = 7
WINSOR = 3.0
FLOORS = np.array([0.15, 0.03, 0.015, 0.08, 0.04, 0.2, 0.2, 1.0, 0.1, 0.3])
"""Least deviation of each figure of `day_figures`."""
FIVE = 5
_LARGEST_Z = 6.0


def day_figures(day: Floats, usual: Floats) -> Floats:
    """Compute figures of a day (24,), NaN where missing, beside the usual day (24,).

    They are: log total, shares of the busiest and of the quietest 10 h, correlation with the usual day, amplitude of
    the 24 h component; own quiet and busy hours, lag, roughness, phase. The first five are the `FIVE` day figures.
    """
    missing, slots = np.isnan(day), len(day)
    like = np.nansum(day) / max(1e-9, float(usual[~missing].sum()))
    filled = np.where(missing, usual * like, day)
    total, least = filled.sum(), 0.02 * usual.sum() + 1e-9
    ten = np.convolve(np.concatenate([filled, filled[:10]]), np.ones(10), "valid")[:slots]
    around = np.exp(-2j * np.pi * np.arange(slots) / slots)
    first, own_first = (filled * around).sum(), (usual * around).sum()
    order = np.argsort(usual, kind="stable")
    third = slots // 3
    likeness = np.corrcoef(filled, usual)[0, 1] if filled.std() > 0 and usual.std() > 0 else 0.0
    lags = [np.dot(np.roll(filled, -lag) - filled.mean(), usual - usual.mean()) for lag in range(-6, 7)]
    return np.array(
        [
            np.log2(total + least),
            ten.max() / (total + least),
            ten.min() / (total + least),
            likeness,
            abs(first) / (total + least),
            *(
                np.log2((filled[part].sum() + least) / (usual[part].sum() + least))
                for part in (order[:third], order[-third:])
            ),
            abs(int(np.argmax(lags)) - 6),
            np.log2((np.abs(np.diff(filled)).sum() + least) / (total + least)),
            np.angle(first * np.conj(own_first)),
        ]
    )


class Past:
    """Days of one animal before the day that is compared."""

    def __init__(self) -> None:
        self._days: list[Floats] = []
        self._figures: list[Floats] = []
        self._errors: list[float] = []
        self._level, self._spread = np.full(24, np.nan), np.full(24, np.nan)
        self._seen = np.zeros(24)

    def copy(self) -> Past:
        """Return an independent copy."""
        other = Past()
        other._days, other._figures, other._errors = list(self._days), list(self._figures), list(self._errors)
        other._level, other._spread, other._seen = self._level.copy(), self._spread.copy(), self._seen.copy()
        return other

    @property
    def is_mature(self) -> bool:
        """Return True once it has seen enough days, and each hour of the day."""
        return len(self._days) >= MATURE_DAYS and not np.isnan(self._spread).any()

    def learn(self, day: Floats) -> None:
        """Take a day (24,) with NaN where missing."""
        if not np.isnan(self._level).any():
            self._figures = [*self._figures, day_figures(day, self._usual())][-SEEN_DAYS:]
            self._errors = [*self._errors, float(np.nanmean(np.abs(day - self._level)))][-SEEN_DAYS:]
        self._days = [*self._days, day][-SEEN_DAYS:]
        for hour in np.flatnonzero(~np.isnan(day)):
            self._learn_hour(hour, float(day[hour]))

    def _learn_hour(self, hour: int, value: float) -> None:
        self._seen[hour] += 1
        if self._seen[hour] == 1:
            self._level[hour] = value
            return
        part = max(1 / self._seen[hour], 1 / SEEN_DAYS)
        distance = value - self._level[hour]
        if not np.isnan(self._spread[hour]):
            distance = float(np.clip(distance, -WINSOR * self._spread[hour], WINSOR * self._spread[hour]))
        self._level[hour] += part * distance
        first = np.isnan(self._spread[hour])
        self._spread[hour] = (
            abs(distance) if first else self._spread[hour] + part * (abs(distance) * 1.25 - self._spread[hour])
        )

    def _usual(self) -> Floats:
        return np.maximum(self._level, 0) + 1e-3 * np.nanmean(np.maximum(self._level, 0)) + 1e-9

    def compare(self, day: Floats) -> Seen:
        """Compare a day (24,) with those before it."""
        days = np.array(self._days)
        totals = np.nanmean(days, axis=1)
        typical, mean = np.nanmedian(days, axis=0), float(np.nanmean(days))
        mad = 1.4826 * np.nanmedian(np.abs(days - typical), axis=0) + 0.1 * mean
        spread = np.maximum(self._spread, 0.1 * self._level.mean())
        own = np.array(self._figures)
        middle = np.median(own, axis=0)
        apart = day_figures(day, self._usual()) - middle
        deviation = 1.4826 * np.median(np.abs(own - middle), axis=0) + 0.5 * FLOORS
        total = (np.nanmean(day) - totals.mean()) / (totals.std() + 0.02 * totals.mean() + 1e-9)
        naive = np.nanmean(np.abs(day - self._level)) / (np.mean(self._errors) + 1e-9)
        return {
            "total": np.array([total]),
            "hours_median": np.nan_to_num((day - typical) / mad),
            "hours_ewma": np.nan_to_num((day - self._level) / spread),
            "figures": apart,
            "own_figures": np.clip(apart / deviation, -8, 8),
            "naive": np.array([naive]),
        }


def _column(name: str, n: int | None = None) -> Callable[[Sequence[Seen]], Floats]:
    return lambda seen: np.array([each[name][:n] for each in seen])


def _fixed(name: str, score: Callable[[Floats], Floats]) -> Callable[[Sequence[Seen]], Detector]:
    """Make a detector that learns nothing from the herd."""
    values = _column(name)
    return lambda herd: lambda seen: score(values(seen))


def _robust(herd: Sequence[Seen]) -> Detector:
    """Five day figures about the own median, by the median and MAD of the herd."""
    values = _column("figures", FIVE)
    middle = np.median(values(herd), axis=0)
    mad = 1.4826 * np.median(np.abs(values(herd) - middle), axis=0) + 1e-6
    return lambda seen: np.sqrt((((values(seen) - middle) / mad) ** 2).mean(axis=1))


def _mahalanobis(herd: Sequence[Seen]) -> Detector:
    """Mahalanobis distance of all figures about the own median, with a shrunken covariance of the herd."""
    values = _column("figures")
    centre, scale = values(herd).mean(axis=0), values(herd).std(axis=0) + 1e-6
    z = (values(herd) - centre) / scale
    covariance = 0.9 * np.cov(z.T) + 0.1 * np.eye(z.shape[1])
    inverse = np.linalg.inv(covariance)

    def score(seen: Sequence[Seen]) -> Floats:
        each = (values(seen) - centre) / scale
        return np.sqrt(np.einsum("ni,ij,nj->n", each, inverse, each))

    return score


def _forest(names: Sequence[str]) -> Callable[[Sequence[Seen]], Detector]:
    """Isolation forest of own-relative values."""

    def learn(herd: Sequence[Seen]) -> Detector:
        from sklearn.ensemble import IsolationForest

        def values(seen: Sequence[Seen]) -> Floats:
            found = np.concatenate([_column(name)(seen) for name in names], axis=1)
            return np.clip(found, -_LARGEST_Z, _LARGEST_Z)

        forest = IsolationForest(n_estimators=200, random_state=0, n_jobs=1).fit(values(herd))
        return lambda seen: -forest.score_samples(values(seen))

    return learn


def _mean_size(z: Floats) -> Floats:
    return np.abs(np.clip(z, -_LARGEST_Z, _LARGEST_Z)).mean(axis=1)


PEERS: Mapping[str, Callable[[Sequence[Seen]], Detector]] = {
    "daily total, z over 14 days": _fixed("total", lambda z: np.abs(z[:, 0])),
    "same hour, median and MAD": _fixed("hours_median", _mean_size),
    "same hour, winsorised": _fixed("hours_ewma", _mean_size),
    "five figures, herd's robust z": _robust,
    "five figures, own robust z": _fixed("own_figures", lambda z: np.sqrt((z[:, :FIVE] ** 2).mean(axis=1))),
    "Mahalanobis over the herd": _mahalanobis,
    "seasonal-naive error": _fixed("naive", lambda error: error[:, 0]),
    "IsolationForest, own figures": _forest(["own_figures"]),
    "IsolationForest, own hours": _forest(["hours_ewma"]),
}
"""Name -> function that learns a detector from untouched days of other animals."""
