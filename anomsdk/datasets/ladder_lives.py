"""Lives of ladders: what each device and boot has counted so far, and what the exports of a day add to it.

A life holds periods that follow one another: the ticks of service that exports told, each once. A later export goes on
behind them, or takes the place of those within it. Only sums and the last period of a life are in memory. The periods
before it, which only differences leave behind, are in a `LifeJournal`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.ladder import MAX_COUNT
from anomsdk.datasets.day_exports import DayExports, Periods, contradiction
from anomsdk.datasets.life_journal import PERIOD, LifeJournal

Counts = NDArray[np.uint32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_FEW_NAMES = 1000
LIFE = np.dtype(
    [
        *(("device", "<u8"), ("boot", "<u2"), ("start", "<u4"), ("top", "<u4"), ("reached", "<u4"), ("ticks", "<u4")),
        *(("seen", "?"), ("group", "<i4"), ("file", "<i4"), ("export", "<i4")),
    ]
)
"""Life: ticks of service at which its first period begins, its last period begins, and its last period ends; ticks in
all periods; whether an export told of it; its group; file of its last export, and the number of it there."""


@dataclass(frozen=True, eq=False)
class DayRows:
    """Service and counts that the exports of a day add, one row for each device and boot, in the order of these.

    Parameters
    ----------
    device, boot : uint64, uint16 (n,); boot 0: rows of earlier days tell later ticks of service of the device
    first, ticks : int64 (n,), ticks of service before the row, and in it
    level_tag : uint8 (n,), of the last export
    group : int32 (n,), index of its group
    counts : uint32 (n, 1 + 5 rungs), days of service, then the counts of each rung
    """

    device: NDArray[np.uint64]
    boot: NDArray[np.uint16]
    first: Ints
    ticks: Ints
    level_tag: NDArray[np.uint8]
    group: NDArray[np.int32]
    counts: Counts


class LadderLives:
    """Lives of the ladders of a herd, sorted by device and boot.

    Parameters
    ----------
    n_rungs : of the ladder
    journal : periods that others follow; None: there are none yet
    """

    def __init__(self, n_rungs: int, journal: LifeJournal | None = None) -> None:
        self.journal = LifeJournal() if journal is None else journal
        self.lives: NDArray[Any] = np.zeros(0, LIFE)
        width = 1 + 5 * n_rungs
        self.total: Counts = np.zeros((0, width), np.uint32)
        """uint32 (lives, 1 + 5 rungs), counts of all periods of a life."""
        self.last: Counts = np.zeros((0, width), np.uint32)
        """uint32 (lives, 1 + 5 rungs), counts of the last period of a life."""
        self.files: list[str] = []
        """Names of files that `lives` refers to."""

    def take(self, given: DayExports, on_bad: Callable[[str], None]) -> DayRows:
        """Take all exports of a day, and return what they add.

        Parameters
        ----------
        given : exports of a day that is later than those before
        on_bad : called with one line for each life whose exports contradict one another or earlier ones; the exports
            of that life on this day are left out
        """
        rows = _Taking(self, given, on_bad).rows()
        self.files += given.names.files
        if len(self.files) > 2 * len(self.lives) + _FEW_NAMES:
            self._forget_names()
        return rows

    def placed(self, device: NDArray[np.uint64], boot: NDArray[np.uint16]) -> Ints:
        """Return the places of lives, (n,), sorted as they are; new ones are added."""
        found = _places(self.lives, device, boot)
        new = np.flatnonzero(found < 0)
        if not len(new):
            return found
        pairs = np.unique(np.rec.fromarrays([device[new], boot[new]], dtype=[("device", "<u8"), ("boot", "<u2")]))
        more = np.zeros(len(pairs), LIFE)
        more["device"], more["boot"] = pairs["device"], pairs["boot"]
        lives = np.concatenate([self.lives, more])
        order = np.lexsort((lives["boot"], lives["device"]))
        none = np.zeros((len(more), self.total.shape[1]), np.uint32)
        self.lives = lives[order]
        if len(order) == len(none):
            self.total, self.last = none, none.copy()
        else:
            self.total = np.concatenate([self.total, none])[order]
            self.last = np.concatenate([self.last, none])[order]
        return _places(self.lives, device, boot)

    def _forget_names(self) -> None:
        """Keep only the names of files that lives refer to."""
        used, at = np.unique(self.lives["file"], return_inverse=True)
        self.files = [self.files[each] for each in used.tolist()]
        self.lives["file"] = at

    def name(self, place: int) -> str:
        """Name the last export of a life in messages."""
        life = self.lives[place]
        number = int(life["export"])
        return self.files[int(life["file"])] + (f" (export {number})" if number else "")


class _Taking:
    """Exports of one day, on their way into the lives."""

    def __init__(self, lives: LadderLives, given: DayExports, on_bad: Callable[[str], None]) -> None:
        self._all, self._names, self._on_bad = lives, given.names, on_bad
        periods = given.periods(on_bad)
        at = lives.placed(periods.device, periods.boot)
        self._bad = np.zeros(len(lives.lives), bool)
        """Lives whose exports of this day are left out."""
        self._check(periods, at)
        kept = ~self._bad[at]
        self._periods, self._at = periods.chosen(kept), at[kept]
        self._touched, begins = np.unique(self._at, return_index=True)
        self._turn = np.arange(len(self._at)) - np.repeat(begins, np.diff(np.r_[begins, len(self._at)]))
        self._first = np.zeros(len(lives.lives), np.int64)
        self._in_order = self._newest_boots(lives.lives)
        self._level = np.zeros(len(lives.lives), np.uint8)

    def rows(self) -> DayRows:
        """Add the periods to their lives, and return what they add."""
        every, touched = self._all, self._touched
        before, total, last = every.lives[touched], every.total[touched], every.last[touched]
        for turn in range(int(self._turn.max(initial=-1)) + 1):
            chosen = np.flatnonzero((self._turn == turn) & ~self._bad[self._at])
            self._add(self._periods.chosen(chosen), self._at[chosen], turn == 0)
        refused = self._bad[touched]
        back = touched[refused]
        every.lives[back], every.total[back], every.last[back] = before[refused], total[refused], last[refused]
        good = touched[~refused]
        lives, old = every.lives[good], total[~refused]
        new = every.total[good]
        return DayRows(
            lives["device"],
            np.where(self._in_order[good], lives["boot"], 0).astype(np.uint16),
            self._first[good],
            lives["ticks"].astype(np.int64) - before["ticks"][~refused],
            self._level[good],
            lives["group"],
            np.where(new > old, new - old, 0),
        )

    def _check(self, periods: Periods, at: Ints) -> None:
        """Refuse a clock that goes backwards, and a device in two groups."""
        lives = self._all.lives
        known = lives[at]
        for row in np.flatnonzero(known["seen"] & (periods.least < known["reached"])).tolist():
            tick = f"tick {known['reached'][row]} of an earlier day, and tick {periods.least[row]}"
            self._refuse(int(at[row]), periods, row, f"{tick}; a clock that goes backwards")
        group = lives["group"].copy()
        group[at] = np.where(known["seen"], known["group"], periods.group)
        told = lives["seen"].copy()
        told[at] = True
        owner = np.searchsorted(lives["device"], lives["device"])  # first life of the same device
        first_told = np.full(len(lives), len(lives))
        np.minimum.at(first_told, owner[told], np.flatnonzero(told))
        for row in np.flatnonzero(periods.group != group[first_told[owner[at]]]).tolist():
            other = int(first_told[owner[at[row]]])
            words = "is in two groups; keep its exports in one"
            self._refuse(int(at[row]), periods, row, words, other if lives["seen"][other] else None)

    def _refuse(self, place: int, periods: Periods, row: int, why: str, other: int | None = -1) -> None:
        if self._bad[place]:
            return
        self._bad[place] = True
        other = place if other == -1 else other
        earlier = "" if other is None or not self._all.files else f"{self._all.name(other)} and "
        device, boot = periods.device[row], periods.boot[row]
        self._on_bad(f"{earlier}{self._names[int(periods.name[row])]}: device {device}, boot {boot}: {why}")

    def _newest_boots(self, lives: NDArray[Any]) -> Flags:
        """Return which lives have the largest boot of their device among those of earlier days, or a larger one."""
        owner = np.searchsorted(lives["device"], lives["device"])
        newest = np.zeros(len(lives), np.uint16)
        np.maximum.at(newest, owner, np.where(lives["seen"], lives["boot"], 0))
        found: Flags = lives["boot"] >= newest[owner]
        return found

    def _add(self, periods: Periods, at: Ints, is_first: bool) -> None:
        """Add at most one period to each life; those of a life come in the order of their ticks."""
        lives = self._all.lives[at]
        first, last = periods.first, periods.last
        top, reached = lives["top"].astype(np.int64), lives["reached"].astype(np.int64)
        start, seen = lives["start"].astype(np.int64), lives["seen"]
        behind, within = seen & (first >= reached), seen & (first < reached)
        longer = within & (first <= top)
        inner = within & (first > top)
        nothing = inner | (behind & (periods.last == reached))  # told before
        self._check_inner(periods, at, lives, np.flatnonzero(inner))
        deep = np.flatnonzero(longer & (first > start) & (first < top))
        base, base_ticks, over = np.zeros_like(periods.counts), np.zeros(len(at), np.int64), np.zeros(len(at), bool)
        if len(deep):
            found = self._all.journal.before(
                periods.device[deep], periods.boot[deep], first[deep], top[deep], base.shape[1]
            )
            base_ticks[deep], base[deep], over[deep] = found
        same_top = np.flatnonzero(longer & (first == top) & (first > start))
        base[same_top] = self._all.total[at[same_top]] - self._all.last[at[same_top]]
        base_ticks[same_top] = lives["ticks"][same_top] - (reached - top)[same_top]
        for row in np.flatnonzero(over).tolist():
            self._refuse(int(at[row]), periods, row, _overlapping(int(start[row]), int(reached[row]), periods, row))
        self._check_longer(periods, at, np.flatnonzero(longer & ~over), base)
        fine = ~self._bad[at]
        rows = np.flatnonzero(fine & ~nothing)
        into, was_seen = at[rows], seen[rows]
        pushed = rows[behind[rows] & (reached[rows] > top[rows]) & (last[rows] > reached[rows])]
        self._leave_behind(lives[pushed], at[pushed])
        every = self._all
        gained = np.where(behind, lives["ticks"].astype(np.int64) + last - first, base_ticks + last - first)[rows]
        new_total = np.where(
            behind[rows, None], every.total[into] + periods.counts[rows], base[rows] + periods.counts[rows]
        )
        contiguous = ~within | inner | (lives["ticks"] - base_ticks == reached - first)
        begin = np.where(~seen | (behind & (first > reached)), first, reached)
        begin = np.where(contiguous, begin, np.where(first < start, first, lives["ticks"]))
        every.total[into] = new_total
        every.last[into] = periods.counts[rows]
        changed = every.lives[into]
        changed["start"] = np.where(was_seen, np.minimum(start, first)[rows], first[rows])
        changed["top"], changed["reached"], changed["ticks"], changed["seen"] = first[rows], last[rows], gained, True
        self._label(changed, periods, rows)
        every.lives[into] = changed
        place = at[fine]
        self._level[place] = periods.level_tag[fine]
        if is_first:
            self._first[place] = begin[fine]
        self._in_order[place] &= contiguous[fine]
        if not is_first:
            self._in_order[place] &= ~behind[fine] | (first == reached)[fine]

    def _check_inner(self, periods: Periods, at: Ints, lives: NDArray[Any], rows: Ints) -> None:
        """Refuse a period that begins within the last one, unless it ends with it and counts no more."""
        for row in rows.tolist():
            place, one = int(at[row]), lives[row]
            if int(periods.last[row]) > int(one["reached"]):
                self._refuse(place, periods, row, _overlapping(int(one["top"]), int(one["reached"]), periods, row))
            elif (periods.counts[row] > self._all.last[place]).any():
                longer = one["top"], one["reached"]
                self._refuse(place, periods, row, contradiction(longer, (periods.first[row], periods.last[row])))

    def _check_longer(self, periods: Periods, at: Ints, rows: Ints, base: Counts) -> None:
        """Refuse a period that counts less than those within it."""
        mine, theirs = periods.counts[rows], self._all.total[at[rows]] - base[rows]
        lives = self._all.lives[at[rows]]
        same = (lives["top"] == periods.first[rows]) & (lives["reached"] == periods.last[rows])
        full = mine >= MAX_COUNT
        full[:, 1::5] = False  # ticks in alarm have 32 bits
        wrong = ((mine < theirs) & ~full).any(axis=1) | (same & (mine != theirs).any(axis=1))
        for each in np.flatnonzero(wrong).tolist():
            row, one = int(rows[each]), lives[each]
            inner = max(int(one["start"]), int(periods.first[row])), int(one["reached"])
            longer = int(periods.first[row]), int(periods.last[row])
            self._refuse(int(at[row]), periods, row, contradiction(longer, inner))

    def _leave_behind(self, lives: NDArray[Any], at: Ints) -> None:
        left = np.zeros(len(lives), PERIOD)
        left["device"], left["boot"], left["first"], left["last"] = (
            lives[name] for name in ("device", "boot", "top", "reached")
        )
        self._all.journal.add(left, self._all.last[at])

    def _label(self, lives: NDArray[Any], periods: Periods, rows: Ints) -> None:
        """Note the group of lives, and the export that was read last."""
        files, numbers = self._names.places(periods.name[rows])
        lives["group"] = periods.group[rows]
        lives["file"], lives["export"] = len(self._all.files) + files, numbers


def _places(lives: NDArray[Any], device: NDArray[np.uint64], boot: NDArray[np.uint16]) -> Ints:
    """Return the place of each life, (n,); -1: it is not there."""
    found = np.full(len(device), -1, np.int64)
    low = np.searchsorted(lives["device"], device, "left")
    high = np.searchsorted(lives["device"], device, "right")
    open_ones = np.flatnonzero(low < high)
    while len(open_ones):
        same = lives["boot"][low[open_ones]] == boot[open_ones]
        found[open_ones[same]] = low[open_ones[same]]
        open_ones = open_ones[~same]
        low[open_ones] += 1
        open_ones = open_ones[low[open_ones] < high[open_ones]]
    return found


def _overlapping(first: int, last: int, periods: Periods, row: int) -> str:
    return (
        f"ticks {first} to {last} and {periods.first[row]} to {periods.last[row]} overlap; give exports from the first "
        "tick, or differences that follow one another"
    )
