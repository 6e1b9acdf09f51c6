"""Units of a column of time, found by an option, by its heading, or by its values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, parameter, quoted
from anomsdk.sources.formats.tables.headings import said_by, unit_in
from anomsdk.sources.formats.tables.table import Times
from anomsdk.sources.formats.tables.units import LONG_TIME_UNITS, TIME_UNITS, unit_of
from anomsdk.sources.formats.timing.epochs import EPOCHS_S, epoch_ns
from anomsdk.sources.formats.timing.timeline import usual_step
from anomsdk.sources.stream_format import ReadOptions

_TICK_S = 1e-7
"""Length of a tick of FILETIME and DateTime, in seconds."""
_TICKS_BEGIN = {1601: 116_444_736e9, 1: 621_355_968e9}
"""Year in which a clock of 100 ns ticks begins (FILETIME of Windows, DateTime of .NET) -> its ticks in 1970."""
_SERIAL_DAYS = (36_526.0, 73_051.0)
"""Years 2000 to 2100, in days as spreadsheets count them."""
_LONGEST_STEP, _SHORTEST_STEP = 1e20, 1e-20
"""Limits of the step between two stamps, in any unit from nanoseconds to seconds."""
_RATES = (0.4, 8.0)
"""Limits of a plausible rate, as multiples of the plan's, where time stamps state no unit."""
_MOST_BELIEVED = 100.0
"""Largest rate, as a multiple of the plan's, at which a heading's unit is believed although another unit fits."""
_MOSTLY_RISING = 0.9
"""Share of steps >= 0 above which stamps are taken to be in order."""
_LONG_NAMES = {"min": "minutes", "h": "hours", "d": "days"}
_NO_UNIT_OF_TIME = re.compile(
    r"(utc|gmt|local|unix|epoch|posix|iso|txt|text|date|time|stamp|timestamp|relative|elapsed|abs|absolute|clock|system|"
    r"sensor|device|gps|zulu|since start|8601|t0|[a-z]+/[a-z_]+|[ymdhsf]{1,4}|[+-]?\d\d?(:?\d\d)?|[ :./_t-])+"
)
"""Text in brackets behind a heading of time that is no unit: a zone, a form of dates, a clock."""


def seconds_since(stamps: Times, origin: Any, factor: float) -> NDArray[np.float64]:
    """Convert stamps to seconds since ``origin``; infinite where the difference exceeds 64 bits.

    Parameters
    ----------
    stamps : float64, or int64 nanoseconds
    origin : first stamp
    factor : seconds in one unit of the stamps
    """
    if stamps.dtype == np.int64:
        apart = stamps - origin  # where this wraps, its sign is that of neither
        if len(stamps) and max(abs(int(each)) for each in (stamps.min(), stamps.max(), origin)) < 1 << 62:
            return apart * factor
        wrapped = ((stamps ^ origin) & (stamps ^ apart)) < 0
        return np.where(wrapped, np.inf, apart * factor)
    with np.errstate(over="ignore"):
        return (stamps - origin) * factor


def start_of_clock(name: str, first: float, factor: float) -> int | None:
    """Find the moment of the first of the time stamps that are numbers, in nanoseconds since 1970.

    None where they count from another moment than 1970, or than a clock of 100 ns ticks does.

    Parameters
    ----------
    name : heading of the column; numbers of a clock of GPS count from 1980, or from 1970: nothing tells which
    first : first stamp
    factor : seconds in one unit of the stamps
    """
    if factor == _TICK_S:
        return next((ns for zero in _TICKS_BEGIN.values() if (ns := epoch_ns(first, factor, zero)) is not None), None)
    if factor not in TIME_UNITS.values() or "gps" in name.lower():
        return None
    return epoch_ns(first, factor)


def chosen_time(reading: ReadOptions) -> tuple[str, str]:
    """Divide `ReadOptions.time` into the column of time and its unit; each is empty where it is not given."""
    name, colon, after = (reading.time or "").rpartition(":")
    unit = unit_of(after) if colon else None
    return (name, unit) if unit in TIME_UNITS or unit in LONG_TIME_UNITS else (reading.time or "", "")


def time_factor(name: str, given: str, stamps: Times, wanted_hz: float, where: str) -> tuple[float, tuple[str, ...]]:
    """Find the unit of time stamps in seconds, and note how it was found where nothing states it.

    Parameters
    ----------
    name : heading of the column
    given : unit that the caller gave; empty where none
    stamps : the first ones
    wanted_hz : rate of the plan, rows a second
    where : name of the file in messages

    Raises
    ------
    InputError : the unit is unknown, not clear, or contradicted by the values
    """
    if stamps.dtype == np.int64:
        return 1e-9, ()
    bare, in_heading = unit_in(name)
    said = in_heading or (bare if bare in TIME_UNITS else None) or said_by(name)
    if given or said in LONG_TIME_UNITS:
        unit = given or str(said)
        return (TIME_UNITS | LONG_TIME_UNITS)[unit], () if given else (f"time in {_LONG_NAMES[unit]}, by its heading",)
    if said not in TIME_UNITS and (clock := _clock_of_ticks(stamps)) is not None:
        return _TICK_S, (f"time in 100 ns since the year {clock}, by its values",)
    if said is not None and said not in TIME_UNITS and _NO_UNIT_OF_TIME.fullmatch(said.strip("'").lower()) is None:
        what = "counts of something" if said == "counts" else f"in {said}, no known unit of time"
        example = parameter("time", f"{quoted(bare)}:ms")
        raise InputError(f"{where}: {quoted(name)} is {what}; give its unit, e.g. {example}")
    if len(stamps) < 2:
        if said in TIME_UNITS:
            return TIME_UNITS[said], ()
        raise InputError(f"{where}: a single row has no rate; record more, or leave it out")
    with np.errstate(over="ignore"):
        steps = np.diff(stamps)
    if not (np.abs(steps) < _LONGEST_STEP).all():
        if said in TIME_UNITS:
            return TIME_UNITS[said], ()
        raise InputError(f"{where}: times that are {_LONGEST_STEP:.0e} or more apart; correct the column of times")
    step = usual_step(np.abs(steps))
    rates = {unit: 1 / (step * seconds) / wanted_hz for unit, seconds in TIME_UNITS.items() if step > _SHORTEST_STEP}
    near = [u for u, ratio in rates.items() if _RATES[0] <= ratio <= _RATES[1]]
    span = abs(float(stamps[-1] - stamps[0]))
    if not near and span > 0:  # steps within a packet tell nothing, their mean does
        mean = {unit: len(steps) / (span * seconds) / wanted_hz for unit, seconds in TIME_UNITS.items()}
        near = [unit for unit, ratio in mean.items() if _RATES[0] <= ratio <= _RATES[1]]
    if said in TIME_UNITS:
        ratio = rates.get(said, 1.0)
        # Steps within a packet tell nothing, but their mean does; for rows in disorder neither does.
        span_s = float(stamps[-1] - stamps[0]) * TIME_UNITS[said]
        mean_ratio = len(steps) / span_s / wanted_hz if span_s > 0 else 1.0
        far = [not _RATES[0] / 2 <= each <= _MOST_BELIEVED for each in (ratio, mean_ratio)]
        rising = np.mean(steps >= 0) > _MOSTLY_RISING
        if len(near) == 1 and near[0] != said and all(far) and rising:
            raise InputError(
                f"{where}: {quoted(name)} says {said}, and its steps of {step:.6g} would be {ratio * wanted_hz:.6g} "
                f"Hz, in {near[0]} they are {rates[near[0]] * wanted_hz:.6g} Hz; say which, e.g. "
                f"{parameter('time', f'{quoted(name)}:{near[0]}')}"
            )
        return TIME_UNITS[said], ()
    low, high = EPOCHS_S
    first_day, last_day = _SERIAL_DAYS
    of_days = 1 / (step * 86_400 * wanted_hz) if step > _SHORTEST_STEP else 0.0
    if first_day <= stamps[0] <= last_day and not near and _RATES[0] <= of_days <= _RATES[1]:
        return 86_400.0, ("time in days of a spreadsheet, by its values",)
    epochs = [u for u, s in TIME_UNITS.items() if low <= abs(stamps[0]) * s <= high and 0.01 <= rates.get(u, 0) <= 1000]
    numbered = bool((steps == 1).all()) and not epochs
    found = epochs or near
    if len(found) != 1 or numbered:
        example = parameter("time", f"{quoted(name) or 'NAME'}:ms")
        raise InputError(
            f"{where}: times in steps of {step:.6g} have no unit: say which, e.g. {example}; numbers of samples "
            "are no times"
        )
    return TIME_UNITS[found[0]], (f"time in {found[0]}, by its values",)


def _clock_of_ticks(stamps: Times) -> int | None:
    """Find the first year of a clock of 100 ns ticks, where the stamps are its ticks in the years 2000 to 2100."""
    for year, since in _TICKS_BEGIN.items():
        seconds = (np.abs(stamps) - since) * _TICK_S
        if bool(((seconds >= EPOCHS_S[0]) & (seconds <= EPOCHS_S[1])).all()):
            return year
    return None
