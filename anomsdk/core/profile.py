"""Own profile: what is usual for one animal, person or room in each slot of the day, learnt slowly and in integers.

Each slot has a level (a winsorised moving mean), a spread (5 / 4 of the moving mean of the distances from it, which is
the deviation of a normal distribution), and an anchor: the level at the end of the first days, which never moves again
and by which a slow change is still seen. Of whole days the last totals are kept.

Source: winsorised exponential smoothing after Gelper, Fried and Croux, J. Forecasting 2010, doi:10.1002/for.1125.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.fixed import Ints, floor_sqrt, log2_q10

MOST_SEEN = 14
"""Days that a profile remembers: a level then moves by 1 / 14 of its distance."""
WINSOR_SPREADS = 3
"""Spreads of the level within which a day is learnt; one that lies further counts as one that lies there."""
RELEARNT_SEEN = 4
"""Days for which a profile counts that was frozen for as long as it may be: it then moves by 1 / 5 of its distance."""
FIRST_WINSORISED = 3
LARGEST = 32767
FLOOR_SHIFT = 4
"""Part of the mean total of a day that is added to each spread, as a shift."""

MOST_DEVIATION_Q8 = 2047
"""Largest magnitude of a deviation, in spreads."""

# fmt: off
POWER_Q14 = np.array([16384, 15689, 15024, 14387, 13777, 13193, 12634, 12098, 11585, 11094, 10624, 10173, 9742, 9329,
                      8933, 8555])
"""``round(2**14 * 2**(-i / 16))`` for i = 0 to 15."""
# fmt: on


def reciprocal_q16(n: int) -> int:
    """Return ``round(65536 / n)``, 0 for n = 0."""
    return (65536 + (n >> 1)) // n if n > 0 else 0


@dataclass(frozen=True)
class ProfilePlan:
    """Size of a profile, and its two times."""

    slots: int  # of a day
    columns: int  # values of a slot
    mature: int  # days before anything is judged
    hold: int  # slots: the longest that an alarm freezes it

    def check(self) -> None:
        """Refuse times that cannot be counted."""
        require(2 <= self.mature <= MOST_SEEN, f"profile: mature after {self.mature} days, not 2 to {MOST_SEEN}")
        most = MOST_SEEN * self.slots
        require(1 <= self.hold <= most, f"profile: a hold of {self.hold} slots is not 1 to {most}")


class Profile:
    """Own profile of one animal, person or room; values are 0 to 32767.

    Parameters
    ----------
    plan : ProfilePlan
    """

    def __init__(self, plan: ProfilePlan) -> None:
        self._plan = plan
        shape = plan.slots, plan.columns
        self.level = np.zeros(shape, np.int64)
        self.spread = np.zeros(shape, np.int64)
        self.anchor = np.zeros(shape, np.int64)
        self.seen = np.zeros(plan.slots, np.int64)  # days that each slot has learnt, 0 to MOST_SEEN
        self.totals = np.zeros((MOST_SEEN, plan.columns), np.int64)  # of the last days, the newest first
        self.total_anchor = np.zeros(plan.columns, np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        for each in (self.level, self.spread, self.anchor, self.seen, self.totals, self.total_anchor):
            each.fill(0)
        self.days = 0  # learnt, 0 to mature
        self.n_totals = 0  # 0 to MOST_SEEN

    @property
    def is_mature(self) -> bool:
        """Return True once it has learnt enough days for a judgement."""
        return self.days == self._plan.mature

    def learn(self, slot: int, values: Ints) -> None:
        """Learn the values of a slot of the day, (columns,)."""
        seen = int(self.seen[slot])
        self.seen[slot] = min(seen + 1, MOST_SEEN)
        if seen == 0:
            self.level[slot] = values
            return
        distance = values - self.level[slot]
        size = np.abs(distance)
        if seen >= FIRST_WINSORISED:
            size = np.minimum(size, WINSOR_SPREADS * (self.spread[slot] + self._floor))
        deviation = np.minimum(size * 5 >> 2, LARGEST)
        self.spread[slot] += _part(deviation - self.spread[slot], seen)
        self.level[slot] += _part(np.sign(distance) * size, min(seen + 1, MOST_SEEN))

    def learn_day(self, totals: Ints) -> None:
        """Learn the totals of a day, (columns,), and become mature at the end of the first days."""
        if self.n_totals >= FIRST_WINSORISED:
            reach = WINSOR_SPREADS * self._total_spreads()
            low, high = np.maximum(self.mean_total - reach, 0), np.minimum(self.mean_total + reach, LARGEST)
            totals = np.clip(totals, low, high)
        self.totals[:] = np.concatenate([totals[None], self.totals[:-1]])
        self.n_totals = min(self.n_totals + 1, MOST_SEEN)
        if not self.is_mature:
            self.days += 1
            if self.is_mature:
                self.anchor[:], self.total_anchor[:] = self.level, self.mean_total

    def relearn(self) -> None:
        """Move faster, as after few days: a change has lasted for as long as an alarm may freeze the profile."""
        np.minimum(self.seen, RELEARNT_SEEN, out=self.seen)
        self.n_totals = min(self.n_totals, RELEARNT_SEEN)

    @property
    def mean_total(self) -> Ints:
        """Mean of the totals that are remembered, (columns,); 0 for none."""
        total = self.totals[: self.n_totals].sum(axis=0)
        return np.minimum(total * reciprocal_q16(self.n_totals) >> 16, LARGEST)

    def deviations_q8(self, values: Ints, totals: Ints) -> Ints:
        """Compute how many spreads values lie above their levels, and totals above the mean total.

        Parameters
        ----------
        values : (slots, columns)
        totals : (columns,)

        Returns
        -------
        (slots + 1, columns), in q8, rounded down, at most `MOST_DEVIATION_Q8` in magnitude
        """
        distances = np.concatenate([values - self.level, [totals - self.mean_total]])
        return _over(distances, np.concatenate([self.spread + self._floor, [self._total_spreads()]]))

    @property
    def _floor(self) -> Ints:
        """Smallest spread of a slot, (columns,)."""
        return (self.mean_total >> FLOOR_SHIFT) + 1

    def _total_spreads(self) -> Ints:
        """Compute the deviation of the totals that are remembered, with its floor."""
        mean = self.mean_total
        squares = ((self.totals[: self.n_totals] - mean) ** 2).sum(axis=0)
        variance = squares * reciprocal_q16(self.n_totals) >> 16
        return floor_sqrt(variance) + (mean >> FLOOR_SHIFT) + 1


def _over(distance: Ints, spread: Ints) -> Ints:
    """Divide distances, below 2**16 in magnitude, by spreads, 1 to 2**16, in q8 and limited.

    A spread is taken as a power of 2.
    """
    log2_q4 = log2_q10(spread) >> 6
    found = distance * POWER_Q14[log2_q4 & 15] >> (6 + (log2_q4 >> 4))
    return np.clip(found, -MOST_DEVIATION_Q8, MOST_DEVIATION_Q8)


def _part(distance: Ints, n: int) -> Ints:
    """Divide a distance, below 2**16 in magnitude, by ``n``, rounded away from 0."""
    return np.sign(distance) * (np.abs(distance) * reciprocal_q16(n) + 65535 >> 16)
