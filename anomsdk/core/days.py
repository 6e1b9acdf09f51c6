"""days: how the last 24 hours lie to the own profile, one frame for each slot of the day.

A sample is a row of a diary: one slot of the day. The rows of 24 hours are kept. A row is learnt when it leaves them,
24 hours later, so that a day is never compared with itself; while the reference rung is in alarm nothing is learnt, for
a stated time at most. Slots count from the start: there is no clock.

A row with a value of -32768 is missing, and so are rows of nothing but 0 for longer than ``off_body`` slots: the sensor
lay on a table. Missing rows give no frame, and neither does a day with more than ``most_missing`` of them; the
other slots of such a day stand at their own levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.affine import AffinePlan
from anomsdk.core.checks import require, require_array
from anomsdk.core.extractor import Extractor
from anomsdk.core.figures import LARGEST, N_FIGURES, Figure, of_day
from anomsdk.core.fixed import Ints, log2_q10
from anomsdk.core.profile import (
    MOST_DEVIATION_Q8,
    MOST_SEEN,
    RELEARNT_SEEN,
    Profile,
    ProfilePlan,
    reciprocal_q16,
)
from anomsdk.core.reasons import Group

MISSING = -32768
DAY_S = 86_400
SLOTS = (12, 16, 20, 24, 32, 36, 40, 48, 60, 64, 72, 80, 96)
"""Slots that a day may have: slots of 7,200 to 900 s, so that four of them make a quarter of a day."""
MAX_COLUMNS = 8
MAX_JUDGED = 4
N_QUARTERS = 4
TREND_DAYS = 7
N_TRENDS = 3
LARGEST_TREND = 16383
_TREND_3D = np.array([1, 1, -1, -1, -1, 0, 0])
_TREND_7D = np.array([5, 3, 1, -1, -3, -5, -7])


@dataclass(frozen=True, eq=False)
class DaysPlan:
    """Rows that are taken, and what is compared."""

    kind: ClassVar[str] = "days"
    sensor: ClassVar[str] = "diary"
    hops_per_frame: ClassVar[int] = 1

    columns: int  # values in a row
    judged: NDArray[np.uint8]  # columns that are compared; figures are of the first
    shift: NDArray[np.uint8]  # of each of them: its values are kept shifted up by so many bits
    cos_q14: NDArray[np.int16]  # (slots,), one period of the cosine
    profile: ProfilePlan
    most_missing: int  # slots of the last 24 hours
    off_body: int  # slots in a row with nothing but 0 that count as missing; 0: none do
    normalisation: AffinePlan

    @property
    def slots(self) -> int:
        """Number of slots of a day."""
        return self.profile.slots

    @property
    def window(self) -> int:
        """Number of rows in a window: 1."""
        return 1

    @property
    def warm_up(self) -> int:
        """Number of rows without a frame after the start, if none is missing."""
        return self.profile.mature * self.slots

    @property
    def n_deviations(self) -> int:
        """Number of deviations in a frame: of each slot and of the total, for each judged column."""
        return (self.slots + 1) * self.profile.columns

    @property
    def n_features(self) -> int:
        """Width of a frame: deviations, figures with quarters of the day, trends."""
        return self.n_deviations + N_FIGURES + N_QUARTERS + N_TRENDS

    @property
    def parts(self) -> tuple[tuple[int, int, int], ...]:
        """Groups of the score: first and last input; 1: errors count by their square, 0: by their size.

        They are the slots, the totals, the figures with the quarters of the day, and the trends.
        """
        sizes = (self.slots * self.profile.columns, self.profile.columns, N_FIGURES + N_QUARTERS, N_TRENDS)
        first = [sum(sizes[:part]) for part in range(len(sizes))]
        return tuple((at, at + sizes[part] - 1, int(part == 2)) for part, at in enumerate(first))

    @property
    def groups(self) -> tuple[Group, ...]:
        """Group that a reason names for each value of a frame, (n_features,)."""
        n = self.profile.columns
        slots = (Group.HOURS_OF_DAY,) * (self.slots * n) + (Group.DAY_TOTAL,) * n
        day = (*(figure.group for figure in Figure), *(Group.HOURS_OF_DAY,) * N_QUARTERS)
        return (*slots, *day, *(Group.TREND,) * N_TRENDS)

    def check(self) -> None:
        """Prove that no integer leaves 32 bits, for any rows."""
        require(1 <= self.columns <= MAX_COLUMNS, f"days: {self.columns} columns, not 1 to {MAX_COLUMNS}")
        n, slots = len(self.judged), self.slots
        most = min(MAX_JUDGED, self.columns)
        require(1 <= n <= most, f"days: {n} judged columns, not 1 to {most}")
        require_array(self.judged, "u1", (n,), "days: judged")
        require_array(self.shift, "u1", (n,), "days: shift")
        require(
            len(set(self.judged.tolist())) == n and int(self.judged.max()) < self.columns,
            "days: a judged column is named twice, or is not there",
        )
        require(int(self.shift.max()) <= 14, "days: a shift is more than 14")
        require(slots in SLOTS, f"days: {slots} slots a day, not {', '.join(map(str, SLOTS))}")
        require(self.profile.columns == n, f"days: a profile of {self.profile.columns} columns for {n} that are judged")
        self.profile.check()
        require_array(self.cos_q14, "<i2", (slots,), "days: cos_q14")
        period = np.rint(16384 * np.cos(2 * np.pi * np.arange(slots) / slots))
        require(bool((np.abs(period - self.cos_q14) <= 1).all()), "days: cos_q14 is not one period of the cosine")
        for name, most in (("most_missing", slots // 4), ("off_body", slots)):
            value = getattr(self, name)
            require(0 <= value <= most, f"days: {name} is {value}, not 0 to {most}")
        largest = largest_levels(slots, n)
        self.normalisation.check(self.n_features, -largest, largest, "days: normalisation")


def largest_levels(slots: int, columns: int) -> Ints:
    """Return the largest magnitude of each value of a frame, for a number of judged columns."""
    parts = (
        ((slots + 1) * columns, MOST_DEVIATION_Q8),
        (N_FIGURES, LARGEST),
        (N_QUARTERS, MOST_DEVIATION_Q8 * slots // N_QUARTERS),
        (N_TRENDS, LARGEST_TREND),
    )
    return np.concatenate([np.full(size, reach, np.int64) for size, reach in parts])


class Days(Extractor):
    """Streaming extractor: a frame for each row once the profile is mature, one row at a time."""

    largest_batch = 1

    def __init__(self, plan: DaysPlan) -> None:
        super().__init__(plan.normalisation)
        self._plan = plan
        self._judged, self._shift = plan.judged.astype(np.int64), plan.shift.astype(np.int64)
        self._cos_q14 = plan.cos_q14.astype(np.int64)
        self._total_shift = (plan.slots - 1).bit_length()
        self._profile = Profile(plan.profile)
        self._rows = np.zeros((plan.slots, len(plan.judged)), np.int64)  # of the last 24 hours, by slot of the day
        self._own = np.zeros(N_FIGURES, np.int64)  # level of each figure
        self.reset()

    def reset(self) -> None:
        """Forget the last rows and the profile."""
        self._profile.reset()
        self._own.fill(0)
        self._slot = 0  # of the next row
        self._seen = 0  # days that the figures have learnt, 0 to MOST_SEEN
        self._frozen = 0  # slots that the reference rung has been in alarm
        self._alarm = False
        self.restart()

    def restart(self) -> None:
        """Forget the last rows; the profile stays."""
        self._rows.fill(MISSING)
        self._zeros = 0  # rows of nothing but 0 in a row

    @property
    def is_ready(self) -> bool:
        """Return True once the profile is mature: before that nothing is judged."""
        return self._profile.is_mature

    def follow(self, alarm: bool) -> None:
        """Learn nothing for the time being if the reference rung is in alarm."""
        self._alarm = alarm

    def save(self) -> bytes:
        """Return the profile, the rows of the last 24 hours and the counts: all but the alarm, which a rung has."""
        counts = np.array([self._slot, self._frozen, self._zeros], np.int64)
        small = np.array([self._profile.days, self._profile.n_totals, self._seen, 0], np.int64)
        return b"".join(
            [
                *(each.astype("<i2").tobytes() for each in (counts, *self._wide())),
                *(each.astype("u1").tobytes() for each in (small, self._profile.seen)),
            ]
        )

    def restore(self, data: bytes) -> None:
        """Take a state that `takes_state` has found to be in range."""
        counts, wide, small, seen = _parts(self._plan, data)
        self._slot, self._frozen, self._zeros = counts.tolist()
        at = 0
        for own in self._wide():
            own[:] = wide[at : at + own.size].reshape(own.shape)
            at += own.size
        self._profile.days, self._profile.n_totals, self._seen, _ = small.tolist()
        self._profile.seen[:] = seen

    def _wide(self) -> tuple[Ints, ...]:
        profile = self._profile
        cells = profile.level, profile.spread, profile.anchor
        return (self._own, self._rows, profile.total_anchor, profile.totals, *cells)

    def gap(self, hops: int) -> None:
        """Let slots pass without a row."""
        for _ in range(min(hops, self._plan.slots)):
            self._step(None)
        self._slot = (self._slot + max(0, hops - self._plan.slots)) % self._plan.slots

    def levels(self, frames: Ints) -> tuple[Ints, Ints]:
        """Compute the frames that rows (n, 1, columns) complete."""
        found, at = [], []
        for index, row in enumerate(frames[:, 0]):
            frame = self._step(None if bool((row == MISSING).any()) else np.maximum(row[self._judged], 0))
            if frame is not None:
                found.append(frame)
                at.append(index)
        return np.array(found, np.int64).reshape(len(at), self._plan.n_features), np.array(at, np.int64)

    def _is_frozen(self) -> bool:
        """Tell whether this slot learns nothing; at the end of the hold the profile begins to move faster."""
        if not self._alarm:
            self._frozen = 0
            return False
        if self._frozen == self._plan.profile.hold:
            return False
        self._frozen += 1
        if self._frozen == self._plan.profile.hold:
            self._profile.relearn()
            self._seen = min(self._seen, RELEARNT_SEEN)
        return True

    def _values(self) -> Ints:
        """Return the last 24 hours, (slots, columns); missing slots stand at their own levels."""
        return np.where(self._rows == MISSING, self._profile.level, self._rows)

    def _trends(self, total: Ints) -> Ints:
        """Compare the last three days with those before, fit a line to eight days, and compare with the anchor."""
        profile, trends = self._profile, np.zeros(N_TRENDS, np.int64)
        if profile.n_totals >= TREND_DAYS:
            logs = log2_q10(profile.totals[:TREND_DAYS, 0] + 1)
            trends[0] = log2_q10(total + 1) + (_TREND_3D * logs).sum()
            trends[1] = (7 * log2_q10(total + 1) + (_TREND_7D * logs).sum()) >> 3
        trends[2] = log2_q10(profile.mean_total[0] + 1) - log2_q10(profile.total_anchor[0] + 1)
        return np.clip(trends, -LARGEST_TREND, LARGEST_TREND)

    def _frame_of_slot(self, values: Ints, own: Ints) -> Ints:
        """Put together the frame of a slot: deviations, figures about their own levels, quarters of the day, trends."""
        totals = values.sum(axis=0) >> self._total_shift
        deviations = self._profile.deviations_q8(values, totals)
        quarters = deviations[:-1, 0].reshape(N_QUARTERS, -1).sum(axis=1)
        return np.concatenate(
            [
                deviations.ravel(),
                own,
                quarters,
                self._trends(totals[0]),
            ]
        )

    def _about_own(self, day: Ints, learns: bool) -> Ints:
        """Return figures about their own levels, and learn them with a day that is over.

        The first day has no profile to compare with.
        """
        distance = np.clip(day - self._own, -LARGEST, LARGEST)
        if learns and self._profile.n_totals > 0:
            self._seen = min(self._seen + 1, MOST_SEEN)
            step = (distance * reciprocal_q16(self._seen) + 32768) >> 16
            self._own[:] = day if self._seen == 1 else self._own + step
        return distance

    def _step(self, row: Ints | None) -> Ints | None:
        """Take the row of the next slot and return its frame; None for none."""
        plan, slot = self._plan, self._slot
        self._slot = (slot + 1) % plan.slots
        frozen = self._is_frozen()
        if self._rows[slot, 0] != MISSING and not frozen:
            self._profile.learn(slot, self._rows[slot])
        self._rows[slot] = MISSING if row is None else np.minimum(row << self._shift, 32767)
        is_zero = plan.off_body > 0 and row is not None and not row.any()
        self._zeros = self._zeros + 1 if is_zero else 0
        if is_zero and self._zeros == plan.off_body:
            self._zeros -= 1
            self._rows[(slot - np.arange(plan.off_body)) % plan.slots] = MISSING
        if int((self._rows[:, 0] == MISSING).sum()) > plan.most_missing:
            return None
        values, is_last = self._values(), self._slot == 0
        is_judged = self._profile.is_mature and self._rows[slot, 0] != MISSING
        if not (is_judged or is_last):
            return None
        day = of_day(values[:, 0], self._profile.level[:, 0], slot, self._cos_q14)
        learns = is_last and not frozen
        own = self._about_own(day, learns)
        frame = self._frame_of_slot(values, own) if is_judged else None
        if learns:
            self._profile.learn_day(values.sum(axis=0) >> self._total_shift)
        return frame


def state_bytes(plan: DaysPlan) -> int:
    """Return the length of what `Days.save` returns."""
    n, slots = plan.profile.columns, plan.slots
    return 2 * (3 + N_FIGURES + n * (1 + MOST_SEEN + 4 * slots)) + 4 + slots


def takes_state(plan: DaysPlan, data: bytes) -> bool:
    """Tell whether bytes of the right length are a state that a pipeline of this plan can have."""
    counts, wide, small, seen = _parts(plan, data)
    slot, frozen, zeros = counts.tolist()
    days, n_totals, figures_seen, zero = small.tolist()
    n = plan.slots * plan.profile.columns
    rows, profile = wide[N_FIGURES : N_FIGURES + n].reshape(plan.slots, -1), wide[N_FIGURES + n :]
    missing = rows == MISSING
    return (
        0 <= slot < plan.slots
        and 0 <= frozen <= plan.profile.hold
        and 0 <= zeros < max(1, plan.off_body)
        and bool((missing.all(axis=1) | (rows >= 0).all(axis=1)).all())
        and bool((profile >= 0).all())
        and days <= plan.profile.mature
        and max(n_totals, figures_seen, int(seen.max())) <= MOST_SEEN
        and zero == 0
    )


def _parts(plan: DaysPlan, data: bytes) -> tuple[Ints, Ints, Ints, Ints]:
    """Split a state into counts of slots, own figures to anchors, the small counts, and the days of each slot."""
    wide = np.frombuffer(data[: -4 - plan.slots], "<i2").astype(np.int64)
    small = np.frombuffer(data[-4 - plan.slots :], "u1").astype(np.int64)
    return wide[:3], wide[3:], small[:4], small[4:]
