"""Tables with a column of time and a column an axis, .csv and .parquet: which column is what, and in which unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.formats.dates import ClockNumbers, clock_of
from anomsdk.formats.headings import (
    axis_columns,
    column_of,
    date_column,
    left_out,
    said_by,
    time_column,
    unit_in,
    without_gravity,
)
from anomsdk.formats.motion import MotionRows
from anomsdk.formats.stamps import Stamped, usual_step
from anomsdk.formats.units import LONG_TIME_UNITS, TIME_UNITS, scales, sensor_units, unit_of
from anomsdk.wanted import Reading, Wanted

BATCH_ROWS = 16_384
_EPOCHS_S = (946_684_800.0, 4_102_444_800.0)
"""The years 2000 to 2100."""
_LONGEST_STEP, _SHORTEST_STEP = 1e20, 1e-20
"""Between these lies any step of time, in seconds to nanoseconds."""
_RATES = (0.4, 8.0)
"""A rate of this many times the wanted one is believed of time stamps that do not say their unit."""

_MOST_BELIEVED = 100.0
"""A heading's unit is believed up to this many times the wanted rate, where another unit gives about the wanted."""
_MOSTLY_RISING = 0.9
_LONG_NAMES = {"min": "minutes", "h": "hours", "d": "days"}
_NO_UNIT_OF_TIME = re.compile(
    r"(utc|gmt|local|unix|epoch|posix|iso|txt|text|date|time|stamp|timestamp|relative|elapsed|abs|absolute|clock|system|"
    r"sensor|device|gps|zulu|since start|8601|t0|[a-z]+/[a-z_]+|[ymdhsf]{1,4}|[+-]?\d\d?(:?\d\d)?|[ :./_t-])+"
)
"""What stands in brackets behind a heading of time and is no unit: a zone, a form, a clock."""

Times = NDArray[Any]
"""float64 in a unit to be found out, or int64 nanoseconds of dates."""


@dataclass(frozen=True)
class Table:
    """A file of rows and columns.

    Parameters
    ----------
    name, where : what people and messages call it
    names : headings, empty where there are none
    read : read(time, columns, date) yields (stamps (n,), values float64 (n, columns)); damaged cells are refused. A
        column of days, or None, belongs to times of day only
    row_name : what messages call the row with an index from 0
    """

    name: str
    where: str
    names: tuple[str, ...]
    read: Callable[[int, Sequence[int], int | None], Iterator[tuple[Times, NDArray[np.float64]]]]
    row_name: Callable[[int], str]


def table_motion(table: Table, wanted: Wanted, reading: Reading) -> MotionRows:
    """Find axes, units and time, and read the first rows.

    Raises
    ------
    InputError : a column, the unit or the unit of time is not clear
    """
    names, where = table.names, table.where
    columns = axis_columns(names, reading.axes, wanted.columns, where)
    chosen, given = _chosen_time(reading)
    time = column_of(names, chosen, "--time", where) if chosen else time_column(names, where)
    if time in columns:
        raise InputError(f"{where}: {quoted(names[time] or time + 1)} is the time and an axis; correct --axes")
    date = date_column(names, time)
    first = next(table.read(time, columns, date), None)
    if first is None:
        raise InputError(f"{where}: there are no samples in it; record it again or leave it out")
    shown = [names[column] or f"column {column + 1}" for column in columns]
    with np.errstate(over="ignore"):
        magnitude = float(np.median(np.sqrt((first[1][:, :3] ** 2).sum(axis=1))))
    units = sensor_units(
        [said_by(names[column]) for column in columns],
        shown,
        scales(reading, len(columns), where),
        magnitude,
        wanted,
        reading,
        where,
        ", or name the columns ax_g or so",
    )
    per_second = None if first[0].dtype == np.int64 else clock_of(first[0])
    if per_second is None:
        factor, note = _time_factor(names[time], given, first[0], wanted.rate_hz, where)
    else:
        factor, note = 1.0, (f"time in {'HHMMSSmmm' if per_second > 1 else 'HHMMSS'}, by its values",)
    origin = first[0][0]

    def read() -> Iterator[Stamped]:
        clock = None if per_second is None else ClockNumbers(per_second)
        start: float | None = None
        done = 0
        for stamps, values in table.read(time, columns, date):
            if clock is not None:
                of_clock = clock.seconds(stamps)
                if of_clock is None:
                    raise InputError(
                        f"{where}: {quoted(names[time])} has digits of a clock, and some that are none, from "
                        f"{table.row_name(done)} on; write seconds, or hh:mm:ss.fff"
                    )
                start = float(of_clock[0]) if start is None else start
                yield of_clock - start, values
            else:
                if given == "" and stamps.dtype != np.int64 and done and clock_of(stamps) is not None:
                    raise InputError(
                        f"{where}: {quoted(names[time])} has digits of a clock (HHMMSS), from {table.row_name(done)} "
                        "on; write seconds, or hh:mm:ss.fff"
                    )
                yield _seconds(stamps, origin, factor), values
            done += len(stamps)

    return MotionRows(
        table.name,
        where,
        units.unit,
        units.units,
        None,
        stamped=True,
        read=read,
        row_name=table.row_name,
        notes=(*left_out(names, columns), *units.notes, *note),
        rotation_unsaid=shown[3] if units.unsaid else None,
        without_gravity=next(filter(without_gravity, shown[:3]), None),
    )


def _seconds(stamps: Times, origin: Any, factor: float) -> NDArray[np.float64]:
    """Seconds since the first stamp; infinite where the difference is beyond what 64 bits hold."""
    if stamps.dtype == np.int64:
        apart = stamps - origin  # wraps, and then it has the sign of neither
        wrapped = ((stamps ^ origin) & (stamps ^ apart)) < 0
        return np.where(wrapped, np.inf, apart * factor)
    with np.errstate(over="ignore"):
        return (stamps - origin) * factor


def _chosen_time(reading: Reading) -> tuple[str, str]:
    """The column of time and its unit, as `Reading.time` has them; empty where it has not."""
    name, colon, after = (reading.time or "").rpartition(":")
    unit = unit_of(after) if colon else None
    return (name, unit) if unit in TIME_UNITS or unit in LONG_TIME_UNITS else (reading.time or "", "")


def _time_factor(name: str, given: str, stamps: Times, wanted_hz: float, where: str) -> tuple[float, tuple[str, ...]]:
    """Seconds in one of a stored time, and how that is known when nobody said it."""
    if stamps.dtype == np.int64:
        return 1e-9, ()
    bare, in_heading = unit_in(name)
    said = in_heading or (bare if bare in TIME_UNITS else None) or said_by(name)
    if given or said in LONG_TIME_UNITS:
        unit = given or str(said)
        return (TIME_UNITS | LONG_TIME_UNITS)[unit], () if given else (f"time in {_LONG_NAMES[unit]}, by its heading",)
    if said is not None and said not in TIME_UNITS and _NO_UNIT_OF_TIME.fullmatch(said.strip("'").lower()) is None:
        what = "counts of something" if said == "counts" else f"in {said}, no known unit of time"
        raise InputError(f"{where}: {quoted(name)} is {what}; say what one is with --time {_option(bare)}:ms or so")
    if len(stamps) < 2:
        if said in TIME_UNITS:
            return TIME_UNITS[said], ()
        raise InputError(f"{where}: a single row has no rate; record more, or leave it out")
    with np.errstate(over="ignore"):
        steps = np.diff(stamps)
    if not (np.abs(steps) < _LONGEST_STEP).all():
        if said in TIME_UNITS:
            return TIME_UNITS[said], ()
        raise InputError(f"{where}: times that are {_LONGEST_STEP:.0e} apart and more; correct the column of times")
    step = usual_step(np.abs(steps))
    rates = {unit: 1 / (step * seconds) / wanted_hz for unit, seconds in TIME_UNITS.items() if step > _SHORTEST_STEP}
    near = [u for u, ratio in rates.items() if _RATES[0] <= ratio <= _RATES[1]]
    if said in TIME_UNITS:
        ratio = rates.get(said, 1.0)
        # Of packets the steps within one tell nothing, but their mean does; of rows in disorder neither does.
        span_s = float(stamps[-1] - stamps[0]) * TIME_UNITS[said]
        mean_ratio = len(steps) / span_s / wanted_hz if span_s > 0 else 1.0
        far = [not _RATES[0] / 2 <= each <= _MOST_BELIEVED for each in (ratio, mean_ratio)]
        rising = np.mean(steps >= 0) > _MOSTLY_RISING
        if len(near) == 1 and near[0] != said and all(far) and rising:
            raise InputError(
                f"{where}: {quoted(name)} says {said}, and its steps of {step:.6g} would be {ratio * wanted_hz:.6g} "
                f"Hz, in {near[0]} they are {rates[near[0]] * wanted_hz:.6g} Hz; say which, e.g. --time "
                f"{_option(name)}:{near[0]}"
            )
        return TIME_UNITS[said], ()
    low, high = _EPOCHS_S
    epochs = [u for u, s in TIME_UNITS.items() if low <= abs(stamps[0]) * s <= high and 0.01 <= rates.get(u, 0) <= 1000]
    numbered = bool((steps == 1).all()) and not epochs
    found = epochs or near
    if len(found) != 1 or numbered:
        shown = quoted(name) or "--time"
        raise InputError(
            f"{where}: times in steps of {step:.6g} and no unit: say which, e.g. --time {shown}:ms; they are no "
            "numbers of samples"
        )
    return TIME_UNITS[found[0]], (f"time in {found[0]}, by its values",)


def _option(name: str) -> str:
    """A heading as one word of a command line."""
    shown = quoted(name)
    return shown if re.fullmatch(r"[\w.\-/]+", shown) else f"'{shown}'"
