"""Values of any step no longer than a slot, summed to the rows of a diary.

A time is that of the beginning of a step. Slots are counted from the midnight before the first value, or, where the
values only count on from some moment, from the first of them. A slot that has less than half of its steps is missing;
one that lacks some is its mean times the number of its steps. Scores and coverages are averaged, all else is summed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.days import DAY_S, MISSING
from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.timing.timeline import usual_step
from anomsdk.sources.stream_format import StreamFormat
from anomsdk.utils.text import counted, duration

Values = NDArray[np.float64]
Rows = NDArray[np.int16]
LARGEST = 32767
"""Largest value of a row."""
MOST_DAYS = 3660
"""Most days from the first to the last value of a recording."""
_MISSING_IN_FILES = (-1.0, float(MISSING))
"""Values that stand for a missing one in files; -32768 is that of rows that were written by a device."""
_AVERAGED = ("score", "coverage")
"""Senses of columns that are averaged over a slot."""
_SAME_STEP = 0.02
"""Relative difference below which two steps are the same; clocks of loggers are no more exact."""
_EARLY = 1 / 20
"""Share of a step by which a value may come before its step begins."""
_MOST_TWICE_S = 3600
"""Longest time of one day that may be there twice, as where a clock is set back in autumn."""
_LONG_REST_DAYS = 2
"""Days of nothing but 0 that are noted."""


@dataclass(frozen=True)
class DiaryValues:
    """Values of one recording as a file holds them.

    Parameters
    ----------
    where : name of the recording in messages
    names : headings of its columns, in the order of the plan
    seconds : time of each value, (n,): since a midnight where ``from_midnight``, else since any moment
    from_midnight : the times are those of a calendar or of a clock
    values : float64 (n, columns); NaN, -1 and -32768 are missing
    row_name : function that names the row with an index from 0 in messages
    step_s : length of a step in seconds; None: found from the times
    """

    where: str
    names: tuple[str, ...]
    seconds: Values
    from_midnight: bool
    values: Values
    row_name: Callable[[int], str]
    step_s: float | None = None


@dataclass(frozen=True)
class DiarySlots:
    """Rows of a diary, one a slot.

    Parameters
    ----------
    rows : int16 (slots, columns); -32768 is missing
    day : number of the first day, counted from that of second 0
    step_s : length of a step of the file in seconds
    notes : what was done to the values, in words
    odd : the notes that may point to a mistake
    """

    rows: Rows
    day: int
    step_s: float
    notes: tuple[str, ...]
    odd: tuple[str, ...]


def slots_of(found: DiaryValues, stream_format: StreamFormat, scale: tuple[float, ...] = ()) -> DiarySlots:
    """Sum the values of a recording to slots.

    Parameters
    ----------
    found : values of one recording
    stream_format : format that the pipeline takes, of kind "diary"
    scale : as `anomsdk.sources.ReadOptions.scale`

    Raises
    ------
    InputError : no value, a negative or infinite one, a step longer than a slot, a time that goes back or jumps by
        years, two devices in one recording, or a sum that is larger than a row can hold
    """
    assert stream_format.slot_s is not None
    slot_s, odd = stream_format.slot_s, list[str]()
    if not len(found.seconds):
        raise InputError(f"{found.where}: there are no rows in it; leave it out")
    values = _checked(found)
    order = _order(found, odd)
    seconds, values = found.seconds[order], values[order]
    step_s = _step(seconds, found, slot_s)
    day, numbers = 0, np.zeros(0, np.int64)
    if found.from_midnight:
        day = math.floor((seconds[0] + _EARLY * step_s) / DAY_S)
    origin = day * DAY_S if found.from_midnight else seconds[0]
    numbers = np.floor((seconds - origin) / step_s + _EARLY).astype(np.int64)
    slots = np.floor((seconds - origin + _EARLY * step_s) / slot_s).astype(np.int64)
    if int(slots[-1]) >= MOST_DAYS * DAY_S // slot_s:
        at = int(np.diff(slots, prepend=slots[0]).argmax())
        raise InputError(
            f"{found.where}, {found.row_name(int(order[at]))}: the time jumps by "
            f"{(seconds[at] - seconds[max(0, at - 1)]) / DAY_S:,.0f} days; remove the rows before the clock was set"
        )
    values, slots = _once(values, numbers, slots, step_s, found, order, odd)
    per_slot = slot_s / step_s
    rows = _summed(values, slots, per_slot, found, stream_format, scale)
    notes = list[str]()
    if per_slot > 1 + _SAME_STEP:
        notes.append(f"steps of {duration(step_s)} summed to slots of {duration(slot_s)}")
    if rest := _longest_rest(rows):
        days = rest * slot_s / DAY_S
        if days >= _LONG_REST_DAYS:
            odd.append(f"nothing but 0 for {days:.1f} days: the sensor was not on the body, or did not work")
    return DiarySlots(rows, day, step_s, (*notes, *odd), tuple(odd))


def _checked(found: DiaryValues) -> Values:
    """Return the values with NaN for each missing one; refuse those that no diary has."""
    values = found.values.copy()
    values[np.isin(values, _MISSING_IN_FILES)] = np.nan
    for column, name in enumerate(found.names):
        wrong = (values[:, column] < 0) | np.isinf(values[:, column])
        if wrong.any():
            at = int(wrong.argmax())
            raise InputError(
                f"{found.where}, {found.row_name(at)}: {quoted(name)} is {values[at, column]:g}; a diary has no "
                "negative or infinite values (a missing one is empty or -1): correct it"
            )
    return values


def _order(found: DiaryValues, odd: list[str]) -> NDArray[np.int64]:
    """Return the order of the rows by time; refuse times that count on and go back."""
    back = np.flatnonzero(np.diff(found.seconds) < 0)
    if not len(back):
        return np.arange(len(found.seconds))
    if not found.from_midnight:
        row = found.row_name(int(back[0]) + 1)
        raise InputError(
            f"{found.where}, {row}: the time goes back: the device began to count anew, and the hours in between are "
            "not known; write dates, or cut the recording there"
        )
    odd.append(f"{counted(len(back), 'row')} out of order: sorted by their time")
    return np.argsort(found.seconds, kind="stable").astype(np.int64)


def _step(seconds: Values, found: DiaryValues, slot_s: int) -> float:
    """Find the length of a step in seconds, and refuse one that is longer than a slot."""
    step_s, steps = found.step_s, np.diff(seconds)
    steps = steps[steps > 0]
    if step_s is None:
        step_s = float(slot_s)
        if len(steps):
            usual = usual_step(steps)
            step_s = usual if usual <= slot_s or steps.min() >= 1.5 * slot_s else step_s
    if not 0 < step_s <= slot_s * (1 + _SAME_STEP):
        raise InputError(
            f"{found.where}: a row each {duration(step_s)}, and a slot of the plan is {duration(slot_s)}; record "
            "shorter steps, or plan for longer slots"
        )
    whole = slot_s / max(1, round(slot_s / step_s))
    return whole if abs(step_s - whole) <= _SAME_STEP * whole else step_s


def _once(
    values: Values,
    numbers: NDArray[np.int64],
    slots: NDArray[np.int64],
    step_s: float,
    found: DiaryValues,
    order: NDArray[np.int64],
    odd: list[str],
) -> tuple[Values, NDArray[np.int64]]:
    """Keep one row of each step: of rows with the same values the first, of others their mean."""
    again = np.flatnonzero(np.diff(numbers) == 0) + 1
    if not len(again):
        return values, slots
    differs = ~np.all((values[again] == values[again - 1]) | np.isnan(values[again] + values[again - 1]), axis=1)
    days = numbers[again[differs]] * step_s // DAY_S
    most = max(1, math.floor(_MOST_TWICE_S / step_s))
    several = [day for day, n in zip(*np.unique(days, return_counts=True), strict=True) if n > most]
    if several:
        at = again[differs][int(np.flatnonzero(days == several[0])[0])]
        raise InputError(
            f"{found.where}, {found.row_name(int(order[at]))}: a time that another row has with other values, and so "
            f"more than {duration(most * step_s)} of a day: two devices under one name? Give each its own, or name the "
            "column that tells them apart with `by`"
        )
    same, other = int((~differs).sum()), int(differs.sum())
    if same:
        odd.append(f"{counted(same, 'row')} left out: the time and values of another row")
    if other:
        odd.append(f"{counted(other, 'time')} twice with other values (a clock set back?): their mean is taken")
    first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    there = ~np.isnan(values)
    sums = np.add.reduceat(np.where(there, values, 0.0), first, axis=0)
    counts = np.add.reduceat(there.astype(np.float64), first, axis=0)
    with np.errstate(invalid="ignore"):
        return sums / counts, slots[first]


def _summed(
    values: Values,
    slots: NDArray[np.int64],
    per_slot: float,
    found: DiaryValues,
    stream_format: StreamFormat,
    scale: tuple[float, ...],
) -> Rows:
    """Sum or average the values of each slot, and round them to whole numbers."""
    n, columns = int(slots[-1]) + 1, stream_format.columns
    rows = np.full((n, columns), MISSING, np.int16)
    factors = scale if len(scale) == columns else (*scale, 1.0)[:1] * columns
    for column in range(columns):
        there = ~np.isnan(values[:, column])
        counts = np.bincount(slots[there], minlength=n)
        sums = np.bincount(slots[there], values[there, column], minlength=n)
        usable = counts >= max(1.0, per_slot / 2 - 1e-9)
        steps = 1.0 if stream_format.senses[column] in _AVERAGED else per_slot
        slot_values = np.floor(sums[usable] / counts[usable] * steps * factors[column] + 0.5)
        if len(slot_values) and slot_values.max() > LARGEST:
            largest = float(slot_values.max())
            fitting = factors[column] * 10.0 ** -math.ceil(math.log10(largest / LARGEST))
            raise InputError(
                f"{found.where}: {quoted(found.names[column])} reaches {largest:,.0f} in a slot, and a row holds at "
                f"most {LARGEST}; choose a coarser unit, e.g. `scale={fitting:g}`"
            )
        rows[usable, column] = slot_values
    return rows


def _longest_rest(rows: Rows) -> int:
    """Count the slots of the longest stretch with nothing but 0; missing slots end it."""
    ends = np.flatnonzero(np.concatenate([[True], (rows != 0).any(axis=1), [True]]))
    return int(np.diff(ends).max()) - 1


def blocks_of(rows: Rows, most: int) -> Iterator[Rows]:
    """Yield copies of rows in blocks of at most ``most`` values."""
    n = max(1, most // rows.shape[1])
    for start in range(0, len(rows), n):
        yield rows[start : start + n].copy()
