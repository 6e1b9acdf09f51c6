"""Changes of one day against an animal's own days before it, in sizes and in words.

A size is a ratio to the mean of the days before, over the slots that both have. Words are of sizes alone: they do not
say why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_CHANGE = 0.10
"""Share of the usual total from which a change is told."""
LEAST_SPREADS = 2.0
"""Own deviations from day to day from which a change is told, and from which it has a direction."""
SMALLEST_SPREAD = 0.03
LEAST_DAYS = 3
"""Days before that a size needs."""
_NIGHT_CHANGE, _RESTLESS = 0.25, 0.5
_LONGEST_SHIFT_H, _LEAST_SHIFT_H = 8, 2
_SHIFT_GAIN, _SHIFT_LIKENESS = 0.2, 0.5
_RHYTHM_LOST, _RHYTHM_THERE = 0.4, 0.15
_DAY_SHARE = 0.75
"""Share of a day's slots that its shape needs."""


@dataclass(frozen=True)
class Sense:
    """Words for more and for less of a column."""

    less: str
    more: str


SENSES = {
    "movement": Sense("moved {} less", "moved {} more"),
    "sound": Sense("was {} quieter", "was {} louder"),
    "score": Sense("{name} {} lower", "{name} {} higher"),
    "coverage": Sense("was recorded {} less", "was recorded {} more"),
    "other": Sense("{name} {} lower", "{name} {} higher"),
}
"""Sense of a column of a diary -> its words."""


@dataclass(frozen=True, eq=False)
class Sizes:
    """Change of today for each of several devices, of one column.

    Parameters
    ----------
    change : ratio of today's total to the usual one, less 1; NaN: not enough days
    spreads : ``change`` in own deviations from day to day
    """

    change: Floats
    spreads: Floats

    @property
    def direction(self) -> NDArray[np.int64]:
        """1 for more, -1 for less, 0 for about as usual or unknown."""
        told = (np.abs(self.change) >= LEAST_CHANGE) & (np.abs(self.spreads) >= LEAST_SPREADS)
        return np.where(told, np.sign(np.nan_to_num(self.change)), 0).astype(np.int64)


def sizes(values: Floats) -> Sizes:
    """Compare the last day with the days before it.

    Parameters
    ----------
    values : (devices, days, slots), today last; NaN: missing

    Examples
    --------
    >>> days = np.array([[[10.0, 10]] * 4 + [[5.0, 7]]])
    >>> sizes(days).change
    array([-0.4])
    """
    past, today = values[:, :-1], values[:, -1]
    known = ~np.isnan(past)
    counts = known.sum(axis=1)
    usual = np.where(known, past, 0).sum(axis=1) / np.maximum(counts, 1)
    here = ~np.isnan(today) & (counts >= LEAST_DAYS)
    total = np.where(here, usual, 0).sum(axis=1)
    change = np.where(here, today, 0).sum(axis=1) / np.where(total > 0, total, np.nan) - 1
    both = known & here[:, None]
    own = np.where(both, usual[:, None], 0).sum(axis=2)
    ratios = np.where(both, past, 0).sum(axis=2) / np.where(own > 0, own, np.nan)
    enough = ~np.isnan(ratios)
    n = enough.sum(axis=1)
    mean = np.where(enough, ratios, 0).sum(axis=1) / np.maximum(n, 1)
    variance = np.where(enough, (ratios - mean[:, None]) ** 2, 0).sum(axis=1) / np.maximum(n - 1, 1)
    change = np.where(n >= LEAST_DAYS, change, np.nan)
    return Sizes(change, change / np.maximum(np.sqrt(variance), SMALLEST_SPREAD))


def described(values: Floats, sense: str, name: str) -> list[str]:
    """Tell what changed in a column on the last day, the largest first; empty: nothing that words exist for.

    Parameters
    ----------
    values : (days, slots), today last; NaN: missing
    sense : of `SENSES`
    name : name of the column
    """
    found = sizes(values[None])
    change, direction = float(found.change[0]), int(found.direction[0])
    if np.isnan(change):
        return []
    usual, today = usual_day(values), values[-1]
    told, shape = list[str](), _shape(usual, today)
    night, night_name = own_night(usual)
    if direction:
        side = SENSES[sense].more if direction > 0 else SENSES[sense].less
        days = int((~np.isnan(values[:-1])).any(axis=1).sum())
        words = f"{side.format(share(change), name=name)} than in the last {days} days"
        start = _since(values, direction)
        told.append(words + (f", since {clock(start, len(usual))}" if start else ""))
    at_night = _ratio(today, usual, night)
    if shape or at_night is None:  # another night is a part of another shape
        return [*shape, *told]
    if at_night >= _RESTLESS and at_night > 2 * change and _is_beyond(values, night):
        told.append(f"restless {night_name}" if sense == "movement" else f"{night_name} {share(at_night)} more")
    elif direction and abs(at_night) < max(_NIGHT_CHANGE / 2, abs(change) / 3):
        told.append(f"{night_name} unchanged")
    return told


def usual_day(values: Floats) -> Floats:
    """Return the mean of the days before, by slot; NaN for a slot of fewer than `LEAST_DAYS` days."""
    past = values[:-1]
    known = ~np.isnan(past)
    counts = known.sum(axis=0)
    means = np.where(known, past, 0).sum(axis=0) / np.maximum(counts, 1)
    return np.asarray(np.where(counts >= LEAST_DAYS, means, np.nan))


def own_night(usual: Floats) -> tuple[NDArray[np.bool_], str]:
    """Find the quietest third of the own day in a row, and name it: night, if most of it lies from 20:00 to 8:00."""
    slots = len(usual)
    width = slots // 3
    level = np.where(np.isnan(usual), np.nanmean(usual), usual)
    sums = np.array([np.roll(level, -start)[:width].sum() for start in range(slots)])
    chosen = np.roll(np.arange(slots) < width, int(sums.argmin()))
    hours = np.arange(slots) * 24 / slots
    dark = (hours >= 20) | (hours < 8)
    return chosen, "night" if 2 * int((chosen & dark).sum()) > width else "quiet hours"


def share(change: float) -> str:
    """Write a change in percent without its sign."""
    return f"{abs(100 * change):.0f} %"


def clock(slot: int, slots: int) -> str:
    """Write the time of day at which a slot begins."""
    minutes = slot * 1440 // slots
    return f"{minutes // 60}:{minutes % 60:02}"


def _ratio(today: Floats, usual: Floats, chosen: NDArray[np.bool_]) -> float | None:
    here = chosen & ~np.isnan(today) & ~np.isnan(usual)
    total = float(usual[here].sum())
    if int(here.sum()) * 2 < int(chosen.sum()) or total <= 0:
        return None
    return float(today[here].sum()) / total - 1


def _is_beyond(values: Floats, chosen: NDArray[np.bool_]) -> bool:
    part = sizes(values[None, :, chosen])
    return bool(abs(part.spreads[0]) >= LEAST_SPREADS)


def _since(values: Floats, direction: int) -> int | None:
    """Find the slot from which the change lasts to the end of the day; None: from its beginning."""
    usual, today = usual_day(values), values[-1]
    here = np.flatnonzero(~np.isnan(today) & ~np.isnan(usual))
    spread = np.nanstd(values[:-1][:, here], axis=0) + usual[here] / 8 + 1e-9
    apart = direction * (today[here] - usual[here]) / spread
    if len(apart) < 6:
        return None
    # A step: the split with the largest difference of means, in deviations of a mean
    n = len(apart)
    after = apart[::-1].cumsum()[::-1]
    best = max(range(2, n - 1), key=lambda at: _step(apart, after, at))
    before, later = _change(today, usual, here[:best]), _change(today, usual, here[best:])
    if direction * later < LEAST_CHANGE or direction * before > abs(later) / 3:
        return None
    return int(here[best])


def _step(apart: Floats, after: Floats, at: int) -> float:
    n = len(apart)
    later, before = after[at] / (n - at), (after[0] - after[at]) / at
    return float((later - before) * np.sqrt(at * (n - at) / n))


def _change(today: Floats, usual: Floats, slots: NDArray[np.int64]) -> float:
    total = float(usual[slots].sum())
    return float(today[slots].sum()) / total - 1 if total > 0 else 0.0


def _shape(usual: Floats, today: Floats) -> list[str]:
    """Tell a shift of the rhythm, or that there is none."""
    slots = len(usual)
    here = ~np.isnan(today) & ~np.isnan(usual)
    if int(here.sum()) < _DAY_SHARE * slots:
        return []
    day, own = np.where(here, today, usual), np.where(np.isnan(usual), np.nanmean(usual), usual)
    if day.sum() <= 0 or own.sum() <= 0:
        return []
    if _amplitude(own) >= _RHYTHM_THERE and _amplitude(day) < _RHYTHM_LOST * _amplitude(own):
        return ["no rhythm: busy and quiet hours are alike"]
    if own.std() == 0 or day.std() == 0:
        return []
    per_h = slots // 24 or 1
    lags = range(-_LONGEST_SHIFT_H * per_h, _LONGEST_SHIFT_H * per_h + 1)
    like = {lag: float(np.corrcoef(np.roll(own, lag), day)[0, 1]) for lag in lags}
    best = max(like, key=lambda lag: like[lag])
    hours = abs(best) * 24 / slots
    if hours < _LEAST_SHIFT_H or like[best] < _SHIFT_LIKENESS or like[best] - like[0] < _SHIFT_GAIN:
        return []
    return [f"rhythm {hours:g} h {'later' if best > 0 else 'earlier'}"]


def _amplitude(day: Floats) -> float:
    """Return the deviation over the slots as a share of their mean."""
    return float(day.std() / day.mean())
