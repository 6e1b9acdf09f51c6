"""Days in float64, from the definitions: own profile, figures of a day and trends, with real divisions and logarithms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.days import LARGEST_TREND, MISSING, N_TRENDS, Days, DaysPlan
from anomsdk.core.figures import LARGEST, N_FIGURES, Figure
from anomsdk.core.profile import MOST_DEVIATION_Q8

Floats = NDArray[np.float64]

DEVIATION = (0.05, 8.0)
"""Bound of a deviation: part of its size (a spread is taken down to a power of 2 ** (1 / 16)), and steps of q8."""
FIGURE = 6.0
"""Bound of a figure of a day about its own level, in steps of q10 (phase: of q12)."""
LAG = 256.0
"""Bound of the lag beside that of a figure: two neighbouring lags can be equally like the profile."""
TREND = 6.0
"""Bound of a trend, in steps of q10."""
FIRST_WINSORISED, SPREADS, REMEMBERED = 3, 3, 14


class FloatDays:
    """Days of one animal; nothing raises an alarm.

    Parameters
    ----------
    plan : DaysPlan
    """

    def __init__(self, plan: DaysPlan) -> None:
        self._plan = plan
        shape = plan.slots, len(plan.judged)
        self._level, self._spread, self._seen = np.zeros(shape), np.zeros(shape), np.zeros(plan.slots)
        self._rows = np.full(shape, np.nan)
        self._totals: list[Floats] = []  # the newest first
        self._figures: list[Floats] = []
        self._anchor = np.zeros(shape[1])
        self._own = np.zeros(N_FIGURES)
        self._days = self._slot = self._zeros = 0

    def step(self, row: NDArray[np.int64]) -> Floats | None:
        """Take a row (columns,) and return its frame; None for none."""
        plan, slot = self._plan, self._slot
        self._slot = (slot + 1) % plan.slots
        if not np.isnan(self._rows[slot, 0]):
            self._learn(slot, self._rows[slot])
        there = bool((row != MISSING).all())
        judged = np.maximum(row[plan.judged], 0)
        self._rows[slot] = np.minimum(judged * 2.0**plan.shift, 32767) if there else np.nan
        self._zeros = self._zeros + 1 if there and not judged.any() else 0
        if plan.off_body and self._zeros >= plan.off_body:
            for back in range(plan.off_body):
                self._rows[slot - back] = np.nan
        missing = np.isnan(self._rows[:, 0])
        if missing.sum() > plan.most_missing:
            return None
        values = np.where(missing[:, None], self._level, self._rows)
        day, total = self._figures_of(values[:, 0], slot), values.sum(axis=0) / self._scale
        is_mature = self._days >= plan.profile.mature
        frame = self._frame(values, total, day) if is_mature and not missing[slot] else None
        if self._slot == 0:
            self._learn_day(total, day)
        return frame

    @property
    def _scale(self) -> float:
        return 2.0 ** int(np.ceil(np.log2(self._plan.slots)))

    @property
    def _mean(self) -> Floats:
        return np.mean(self._totals, axis=0) if self._totals else np.zeros(len(self._plan.judged))

    @property
    def _floor(self) -> Floats:
        return self._mean / 16 + 1

    def _total_spread(self) -> Floats:
        return np.std(self._totals, axis=0) + self._floor

    def _learn(self, slot: int, values: Floats) -> None:
        n = self._seen[slot]
        self._seen[slot] = min(n + 1, REMEMBERED)
        if n == 0:
            self._level[slot] = values
            return
        distance = values - self._level[slot]
        size = np.abs(distance)
        if n >= FIRST_WINSORISED:
            size = np.minimum(size, SPREADS * (self._spread[slot] + self._floor))
        self._spread[slot] += (np.minimum(1.25 * size, 32767) - self._spread[slot]) / n
        self._level[slot] += np.sign(distance) * size / min(n + 1, REMEMBERED)

    def _learn_day(self, total: Floats, day: Floats) -> None:
        if self._totals:
            self._figures = [day, *self._figures]
            n = min(len(self._figures), REMEMBERED)
            self._own += day if n == 1 else np.clip(day - self._own, -LARGEST, LARGEST) / n
        if len(self._totals) >= FIRST_WINSORISED:
            reach = SPREADS * self._total_spread()
            total = np.clip(total, self._mean - reach, self._mean + reach)
        self._totals = [total, *self._totals][:REMEMBERED]
        self._days += 1
        if self._days == self._plan.profile.mature:
            self._anchor = self._mean

    def _frame(self, values: Floats, total: Floats, day: Floats) -> Floats:
        def deviations(distance: Floats, spread: Floats) -> Floats:
            return np.clip(256 * distance / spread, -MOST_DEVIATION_Q8 - 1, MOST_DEVIATION_Q8)

        of_slots = deviations(values - self._level, self._spread + self._floor)
        of_total = deviations(total - self._mean, self._total_spread())
        own = np.clip(day - self._own, -LARGEST, LARGEST)
        quarters = of_slots[:, 0].reshape(4, -1).sum(axis=1)
        return np.concatenate([of_slots.ravel(), of_total, own, quarters, self._trends(total[0])])

    def _trends(self, total: float) -> Floats:
        trends = np.zeros(N_TRENDS)
        if len(self._totals) >= 7:
            logs = 1024 * np.log2(1 + np.array([total, *(each[0] for each in self._totals[:7])]))
            trends[0] = logs[:3].sum() - logs[3:6].sum()
            trends[1] = (logs * [7, 5, 3, 1, -1, -3, -5, -7]).sum() / 8
        trends[2] = 1024 * np.log2((1 + self._mean[0]) / (1 + self._anchor[0]))
        return np.clip(trends, -LARGEST_TREND, LARGEST_TREND)

    def _figures_of(self, values: Floats, latest: int) -> Floats:
        """Figures of a day, as the documentation of `anomsdk.core.figures` defines them."""
        slots, levels = len(values), self._level[:, 0]
        floor = max(levels.sum() / 64, 1)
        total = values.sum() + floor
        found = np.zeros(N_FIGURES)

        def log2(x: float) -> float:
            return 1024 * float(np.log2(x))

        def sums(length: int) -> list[float]:
            return [float(values[(np.arange(length) + first) % slots].sum()) for first in range(slots)]

        found[Figure.TOTAL] = log2(total)
        found[Figure.BUSIEST_10H] = log2((max(sums(slots * 10 // 24)) + floor) / total)
        found[Figure.QUIETEST_10H] = log2((min(sums(slots * 10 // 24)) + floor) / total)
        if values.sum() > 0 and levels.sum() > 0:
            apart = np.abs(values / values.sum() - levels / levels.sum()).sum()
            found[Figure.UNLIKENESS] = log2(apart + 1 / 32)
        turns = np.exp(-2j * np.pi * np.arange(slots) / slots)
        of_day, own = (values * turns).sum(), (levels * turns).sum()
        found[Figure.AMPLITUDE] = log2(max(abs(of_day), 1e-9) / total)
        found[Figure.PHASE] = -4096 * np.angle(of_day * np.conj(own))
        order = np.argsort(levels, kind="stable")
        for figure, part in ((Figure.QUIET_HOURS, order[: slots // 3]), (Figure.BUSY_HOURS, order[-(slots // 3) :])):
            found[figure] = log2((values[part].sum() + floor) / (levels[part].sum() + floor))
        most = slots * 6 // 24
        likeness = [float((np.roll(levels, lag) * values).sum()) for lag in range(-most, most + 1)]
        found[Figure.LAG] = 256 * abs(int(np.argmax(likeness)) - most)
        found[Figure.ROUGHNESS] = log2((np.abs(values - np.roll(values, 1)).sum() + floor) / total)
        last = (latest - np.arange(slots * 6 // 24)) % slots
        found[Figure.LAST_6H] = log2((values[last].sum() + floor) / (levels[last].sum() + floor))
        return found


def compared(plan: DaysPlan, rows: NDArray[np.int64]) -> int:
    """Compare all frames of rows (n, columns) with the floats, and return their number.

    Raises
    ------
    AssertionError : a frame is there in one of them only, or lies further from the floats than `bounds_of` says
    """
    ours, floats, found = Days(plan), FloatDays(plan), 0
    for at, row in enumerate(rows):
        frames, _ = ours.levels(row[None, None].copy())
        expected = floats.step(row)
        assert len(frames) == int(expected is not None), f"row {at}: a frame in integers or in floats only"
        if expected is not None:
            found += 1
            over = np.abs(frames[0] - expected) > bounds_of(plan, expected)
            assert not over.any(), f"row {at}: values {np.flatnonzero(over).tolist()}"
    return found


def bounds_of(plan: DaysPlan, frame: Floats) -> Floats:
    """Largest distance that the integers of a frame may have from the floats, (n_features,)."""
    n, parts = len(plan.judged), plan.n_deviations
    share, steps = DEVIATION
    of_slots = share * np.abs(frame[:parts]) + steps
    quarters = of_slots[: parts - n].reshape(-1, n)[:, 0].reshape(4, -1).sum(axis=1)
    figures = np.full(N_FIGURES, FIGURE)
    figures[Figure.LAG] += LAG
    return np.concatenate([of_slots, figures, quarters, np.full(N_TRENDS, TREND)])
