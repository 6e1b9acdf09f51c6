"""Generated changes of days: put into rows of real or generated days, and declared as generated wherever they count.

Nobody labelled an illness in them. A change keeps missing slots missing, except that a shift moves them with the day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.days import MISSING
from anomsdk.errors import InputError

Rows = NDArray[np.int16]
"""int16 (slots, columns) of whole days, from midnight on; -32768 is missing."""
Floats = NDArray[np.float64]

_LARGEST = 32767
_QUIET_SHARE = 3
"""Part of the day that counts as night: a third, the slots with the lowest usual values."""


@dataclass(frozen=True)
class Change:
    """Kind of change.

    Parameters
    ----------
    name : name of the kind
    words : description for reports
    days : number of days that it takes; the last of them is judged
    make : function of the values (days, slots, columns) with NaN where missing, the usual values (slots, columns), and
        a source of chance
    """

    name: str
    words: str
    days: int
    make: Callable[[Floats, Floats, np.random.Generator], Floats]

    def put(self, rows: Rows, usual: Floats, rng: np.random.Generator) -> Rows:
        """Put the change into days.

        Parameters
        ----------
        rows : int16 (n * slots, columns), whole days. A change of one day is repeated on each of them; a slow change
            takes exactly ``days``
        usual : (slots, columns), usual value of each slot of the animal before these days, see `usual_day`
        rng : source of chance

        Returns
        -------
        int16, of the shape of ``rows``; values are rounded, and kept within 0 to 32767
        """
        slots = len(usual)
        if rows.ndim != 2 or len(rows) == 0 or len(rows) % slots or rows.shape[1:] != usual.shape[1:]:
            raise InputError(f"`rows` of shape {rows.shape} are no whole days of {usual.shape} slots and columns")
        if self.days > 1 and len(rows) != self.days * slots:
            raise InputError(f"`rows`: has {len(rows) // slots} days; {self.words} takes exactly {self.days}")
        values = np.where(rows == MISSING, np.nan, rows.astype(np.float64)).reshape(-1, *usual.shape)
        made = self.make(values, usual, rng)
        whole = np.clip(np.rint(np.nan_to_num(made)), 0, _LARGEST)
        return np.where(np.isnan(made), MISSING, whole).astype(np.int16).reshape(rows.shape)


def usual_day(rows: Rows, slots: int, days: int = 14) -> Floats:
    """Compute the mean of each slot over the last days, (slots, columns); 0 where every value is missing.

    Parameters
    ----------
    rows : int16 (n * slots, columns), whole days
    slots : slots of a day
    days : number of days, from the end of ``rows``
    """
    values = rows.reshape(-1, slots, rows.shape[1])[-days:].astype(np.float64)
    there = values != MISSING
    return np.asarray((values * there).sum(axis=0) / np.maximum(there.sum(axis=0), 1))


def _less(share: float) -> Callable[[Floats, Floats, np.random.Generator], Floats]:
    return lambda values, usual, rng: values * (1 - share)


def _more(values: Floats, usual: Floats, rng: np.random.Generator) -> Floats:
    """Multiply ten hours in a row by 2.5, at a random time of the day."""
    slots = values.shape[1]
    made, at = values.copy(), (rng.integers(slots) + np.arange(slots * 10 // 24)) % slots
    made[:, at] *= 2.5
    return made


def _shifted(values: Floats, usual: Floats, rng: np.random.Generator) -> Floats:
    """Move each day by four hours, earlier or later, around midnight."""
    return np.roll(values, rng.choice([-1, 1]) * values.shape[1] * 4 // 24, axis=1)


def _without_rhythm(values: Floats, usual: Floats, rng: np.random.Generator) -> Floats:
    """Spread the total of each day over its slots at random."""
    drawn = np.where(np.isnan(values), np.nan, rng.gamma(8, 1 / 8, values.shape))
    total, share = np.nansum(values, axis=1, keepdims=True), np.nansum(drawn, axis=1, keepdims=True)
    return np.asarray(drawn * total / np.maximum(share, 1e-9))


def _restless(values: Floats, usual: Floats, rng: np.random.Generator) -> Floats:
    """Add about half of the mean of the day to the slots that are usually the quietest."""
    slots = values.shape[1]
    made = values.copy()
    night = np.argsort(usual.sum(axis=1), kind="stable")[: slots // _QUIET_SHARE]
    drawn = 0.5 * rng.gamma(4, 1 / 4, (len(values), len(night), 1))
    made[:, night] += usual.mean(axis=0) * drawn
    return made


def _declining(share: float) -> Callable[[Floats, Floats, np.random.Generator], Floats]:
    """Lower the values in a line that reaches ``1 - share`` at the end of the last day."""

    def make(values: Floats, usual: Floats, rng: np.random.Generator) -> Floats:
        days, slots = values.shape[:2]
        along = (np.arange(days * slots) + 1).reshape(days, slots, 1) / (days * slots)
        return values * (1 - share * along)

    return make


ONE_DAY: Mapping[str, Change] = {
    change.name: change
    for change in (
        Change("less_30", "30 % less", 1, _less(0.3)),
        Change("less_50", "50 % less", 1, _less(0.5)),
        Change("more_10h", "2.5 times as much for 10 h", 1, _more),
        Change("shifted_4h", "shifted by 4 h", 1, _shifted),
        Change("no_rhythm", "no rhythm, same total", 1, _without_rhythm),
        Change("restless_night", "restless night", 1, _restless),
    )
}
"""Changes of one day, by name."""
SLOW: Mapping[str, Change] = {
    change.name: change
    for change in (
        Change("decline_7d", "decline of 30 % over 7 days", 7, _declining(0.3)),
        Change("decline_21d", "decline of 30 % over 21 days", 21, _declining(0.3)),
    )
}
"""Slow changes, by name."""
CHANGES: Mapping[str, Change] = {**ONE_DAY, **SLOW}
"""All changes, by name."""
