"""Tables with a column of time and a column an axis, .csv and .parquet: which column is what, and in which unit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.conditions import NothingChosenError
from anomsdk.sources.formats.dates import ClockNumbers, clock_of
from anomsdk.sources.formats.headings import (
    axis_columns,
    column_of,
    date_column,
    is_sensor,
    left_out,
    names_days,
    said_by,
    time_column,
    times_by_words,
    times_named,
    unit_in,
    without_gravity,
)
from anomsdk.sources.formats.herds import HerdWatch, refuse_named_herd
from anomsdk.sources.formats.motion import MOST_HZ, SAME_RATE, MotionRows
from anomsdk.sources.formats.preamble import NOTHING_TOLD, Told
from anomsdk.sources.formats.timestamps import Stamped, usual_step
from anomsdk.sources.formats.units import LONG_TIME_UNITS, TIME_UNITS, SensorUnits, scales, sensor_units, unit_of
from anomsdk.sources.stream_format import NO_TIME, ReadOptions, StreamFormat

BATCH_ROWS = 16_384
_EPOCHS_S = (946_684_800.0, 4_102_444_800.0)
"""The years 2000 to 2100."""
_TICK_S = 1e-7
_TICKS_BEGIN = {1601: 116_444_736e9, 1: 621_355_968e9}
"""Year in which clocks of 100 ns begin (FILETIME of Windows, DateTime of .NET), and what they show at 1970."""
_SERIAL_DAYS = (36_526.0, 73_051.0)
"""The same years in days, as spreadsheets count them."""
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

MAX_LABEL = 1024
"""Characters of a cell that says which animal a row is of."""
MAX_PARTS, MAX_VALUES = 1000, 100_000
"""Recordings that one table is divided into, each a pass over the file; values of a column that rows are chosen by."""

Times = NDArray[Any]
"""float64 in a unit to be found out, or int64 nanoseconds of dates; empty without a column of time."""
Only: TypeAlias = tuple[tuple[int, frozenset[str]], ...]
"""(column, values) pairs: only rows whose cell of this column is one of the values are meant."""


@dataclass(frozen=True)
class Table:
    """A file of rows and columns.

    Parameters
    ----------
    name, where : what people and messages call it
    names : headings, empty where there are none
    read : read(time, columns, date) yields (stamps (n,), values float64 (n, columns)); damaged cells are refused;
        without a time (None) stamps are empty. A column of days, or None, belongs to times of day only
    row_name : what messages call the row with an index from 0
    cells : cells(columns) yields batches of rows, each the text of these columns
    only : only(pairs) is the table of the rows that are meant
    lists : columns that hold several values a row: packets
    nested : columns whose cells hold more than that
    dated : columns that hold dates with a time
    labels : columns that may say which animal a row is of; None: any
    told : what lines above the headings say
    """

    name: str
    where: str
    names: tuple[str, ...]
    read: Callable[[int | None, Sequence[int], int | None], Iterator[tuple[Times, NDArray[np.float64]]]]
    row_name: Callable[[int], str]
    cells: Callable[[Sequence[int]], Iterator[list[tuple[str, ...]]]]
    only: Callable[[Only], Table]
    lists: frozenset[int] = frozenset()
    nested: frozenset[int] = frozenset()
    dated: tuple[int, ...] = ()
    labels: tuple[int, ...] | None = None
    told: Told = NOTHING_TOLD


@dataclass(frozen=True)
class Part:
    """Rows of a table that are one recording.

    Parameters
    ----------
    values : of the columns that it was divided by
    table : these rows
    """

    values: tuple[str, ...]
    table: Table


def by_names(table: Table, reading: ReadOptions) -> list[str]:
    """Headings of the columns that a table is divided by; where there are none, as somebody named them."""
    columns = [column_of(table.names, each, "--by", table.where) for each in reading.by]
    return [table.names[column] or each for column, each in zip(columns, reading.by, strict=True)]


def table_parts(table: Table, reading: ReadOptions) -> list[Part]:
    """The rows that ``reading.where`` means, for each value of the columns ``reading.by`` a part of its own.

    Raises
    ------
    InputError : no such column or value, or more values than `MAX_PARTS`
    """
    where = table.where
    keys = [column_of(table.names, each.key, "--where", where) for each in reading.where]
    by = [column_of(table.names, each, "--by", where) for each in reading.by]
    if not keys and not by:
        return [Part((), table)]
    there: list[set[str]] = [set() for _ in keys]
    seen: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for batch in table.cells((*keys, *by)):
        for cells in dict.fromkeys(batch):
            for occurring, cell in zip(there, cells, strict=False):
                occurring.add(cell)
            seen.setdefault(cells[len(keys) :], set()).add(cells[: len(keys)])
        if len(seen) > MAX_PARTS or any(len(occurring) > MAX_VALUES for occurring in there):
            most = MAX_PARTS if len(seen) > MAX_PARTS else MAX_VALUES
            of = ", ".join(reading.by if len(seen) > MAX_PARTS else (each.key for each in reading.where))
            raise InputError(
                f"{where}: more than {most} values of {printable(of)}; choose a column that names animals or devices"
            )
    picked = [each.picked(values, where) for each, values in zip(reading.where, there, strict=True)]
    parts = [
        parted
        for parted, of_keys in seen.items()
        if any(all(cell in values for cell, values in zip(cells, picked, strict=True)) for cells in of_keys)
    ]
    if not parts:
        raise NothingChosenError(f"{where}: no row is all of this; choose less")
    of_keys = tuple(zip(keys, picked, strict=True))
    shown, found = by_names(table, reading), []
    for values in parts:
        only = table.only((*of_keys, *((column, frozenset([value])) for column, value in zip(by, values, strict=True))))
        said = "".join(f"[{quoted(key)}={quoted(value)}]" for key, value in zip(shown, values, strict=True))
        found.append(Part(values, replace(only, name=table.name + said, where=where + said)))
    return found


def table_motion(table: Table, stream_format: StreamFormat, reading: ReadOptions) -> MotionRows:
    """Find axes, units and time, and read the first rows.

    Raises
    ------
    InputError : a column, the unit or the unit of time is not clear
    """
    names, where = table.names, table.where
    columns, in_order = _axes(table, stream_format, reading)
    chosen, given = _chosen_time(reading)
    time, by_dates = _time(table, chosen, reading, columns)
    if time is not None and time in columns:
        raise InputError(f"{where}: {quoted(names[time] or time + 1)} is the time and an axis; correct --axes")
    date = date_column(names, time)
    first = next(table.read(time, columns, date), None)
    if first is None:
        raise InputError(f"{where}: there are no samples in it; record it again or leave it out")
    units, shown = _units(table, columns, first[1], stream_format, reading)
    rows = MotionRows(
        table.name,
        where,
        units.unit,
        units.units,
        None,
        stamped=False,
        read=lambda: table.read(None, columns, None),
        row_name=table.row_name,
        notes=(*left_out(names, columns), *units.notes, *in_order, *by_dates),
        rotation_unsaid=shown[3] if units.unsaid else None,
        without_gravity=next(filter(without_gravity, shown[:3]), None),
    )
    if time is None:
        rate_hz, said = _rate(table, reading)
        if not reading.by:
            refuse_named_herd(table, columns, timed=False)
        return replace(rows, rate_hz=rate_hz, notes=(*rows.notes, *said))
    watch = None if reading.by else HerdWatch(table, time, columns, date)
    if watch is not None:
        watch.push(0, first[0])
        refuse_named_herd(table, (time, *columns), timed=True)
    per_second = None if first[0].dtype == np.int64 else clock_of(first[0])
    if per_second is None:
        factor, note = _time_factor(names[time], given, first[0], stream_format.rate_hz, where)
    else:
        factor, note = 1.0, (f"time in {'HHMMSSmmm' if per_second > 1 else 'HHMMSS'}, by its values",)
    origin = first[0][0]
    if table.lists & set(columns) and time not in table.lists:
        note = (*note, "packets of samples a row: spread evenly from the time of one to that of the next")

    def read() -> Iterator[Stamped]:
        clock = None if per_second is None else ClockNumbers(per_second)
        start: float | None = None
        done = 0
        for number, (stamps, values) in enumerate(table.read(time, columns, date)):
            if watch is not None:
                watch.push(number, stamps)
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

    return replace(rows, stamped=True, read=read, notes=(*rows.notes, *note))


def _units(
    table: Table, columns: Sequence[int], first: NDArray[np.float64], stream_format: StreamFormat, reading: ReadOptions
) -> tuple[SensorUnits, list[str]]:
    """The unit of each sensor, by the headings or what stands above them; and what messages call each column."""
    names, n = table.names, len(columns)
    shown = [names[column] or f"column {column + 1}" for column in columns]
    said: list[str | None] = [said_by(names[column]) for column in columns]
    stored = scales(reading, n, table.where)
    notes: tuple[str, ...] = ()
    if table.told.unit is not None and reading.unit is None and not reading.scale:
        unit, step = table.told.unit
        said, stored, notes = [unit, unit, unit, *said[3:]], (step,) * 3 + stored[3:], ("Empatica E4: steps of 1/64 g",)
    with np.errstate(over="ignore"):
        magnitude = float(np.median(np.sqrt((first[:, :3] ** 2).sum(axis=1))))
    remedy = ", or name the columns ax_g or so"
    units = sensor_units(said, shown, stored, magnitude, stream_format, reading, table.where, remedy)
    return replace(units, notes=(*notes, *units.notes)), shown


def _axes(table: Table, stream_format: StreamFormat, reading: ReadOptions) -> tuple[list[int], tuple[str, ...]]:
    """Columns of the axes, and how they are known where no heading says it."""
    names, where = table.names, table.where
    if table.told.empatica and not reading.axes and len(names) == stream_format.columns:
        return list(range(len(names))), ("columns taken in order",)
    for column in sorted(table.lists | table.nested) if not reading.axes else ():
        if is_sensor(names[column]):
            raise InputError(
                f"{where}: {quoted(names[column])} holds several values a cell, and does not say which axes they are; "
                "write a column an axis, e.g. acc_x, acc_y, acc_z"
            )
    return axis_columns(names, reading.axes, stream_format.columns, where), ()


def _time(table: Table, chosen: str, reading: ReadOptions, axes: Sequence[int]) -> tuple[int | None, tuple[str, ...]]:
    """The column of time, None where there is none and the rate is said; and how it is known."""
    names, where = table.names, table.where
    if chosen and chosen != NO_TIME:
        return column_of(names, chosen, "--time", where), ()
    if chosen == NO_TIME:
        return None, ()
    dated = [column for column in table.dated if column not in axes]
    named = [column for column in times_named(names) if column not in axes]
    days_only = len(named) == 1 and names_days(names[named[0]])
    if (not named or days_only) and not dated and reading.rate_hz is None:
        by_words = [column for column in times_by_words(names) if column not in (*axes, *named)]
        if len(by_words) == 1:
            return by_words[0], (f"time in {quoted(names[by_words[0]])}, by its heading",)
    if reading.rate_hz is not None or table.told.rates or (len(dated) == 1 and dated[0] not in named):
        named = [column for column in named if not names_days(names[column])]  # a day is no time of a row
    if not named and len(dated) == 1 and reading.rate_hz is None:
        shown = quoted(names[dated[0]]) or f"column {dated[0] + 1}"
        return dated[0], (f"time in {shown}, the only one of dates",)
    if reading.rate_hz is not None and (there := [*named, *dated]):
        raise InputError(
            f"{where}: {quoted(names[there[0]]) or 'a column of dates'} says when each row was, and --rate how many "
            f"there are a second; leave --rate out, or pass the column over with --time {NO_TIME}"
        )
    if not named and (reading.rate_hz is not None or len({rate for rate, _ in table.told.rates}) == 1):
        return None, ()
    if not named and table.told.rates:
        _rate(table, reading)
    return time_column(names, where), ()


def _rate(table: Table, reading: ReadOptions) -> tuple[float, tuple[str, ...]]:
    """Rows a second of a table without time."""
    where, told = table.where, table.told.rates
    rates = sorted({rate for rate, _ in told})
    if reading.rate_hz is not None:
        for rate, line in told:
            if len(rates) == 1 and not math.isclose(rate, reading.rate_hz, rel_tol=SAME_RATE):
                raise InputError(
                    f"{where}: --rate is {reading.rate_hz:g} Hz, and line {line} says {rate:g} Hz; leave --rate out, "
                    "or correct the line"
                )
        return reading.rate_hz, ()
    if len(rates) == 1 and 0 < rates[0] <= MOST_HZ:
        return rates[0], (f"{rates[0]:g} Hz, as line {told[0][1]} says",)
    if len(rates) > 1:
        listed = " and ".join(f"{rate:g} Hz (line {line})" for rate, line in told[:3])
        raise InputError(f"{where}: no column of time, and its lines say {listed}; say which with --rate HZ")
    raise InputError(f"{where}: has no column of time that is read; say with --rate HZ how many rows are a second")


def _seconds(stamps: Times, origin: Any, factor: float) -> NDArray[np.float64]:
    """Seconds since the first stamp; infinite where the difference is beyond what 64 bits hold."""
    if stamps.dtype == np.int64:
        apart = stamps - origin  # wraps, and then it has the sign of neither
        wrapped = ((stamps ^ origin) & (stamps ^ apart)) < 0
        return np.where(wrapped, np.inf, apart * factor)
    with np.errstate(over="ignore"):
        return (stamps - origin) * factor


def _chosen_time(reading: ReadOptions) -> tuple[str, str]:
    """The column of time and its unit, as `ReadOptions.time` has them; empty where it has not."""
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
    if said not in TIME_UNITS and (clock := _clock_of_ticks(stamps)) is not None:
        return _TICK_S, (f"time in 100 ns since the year {clock}, by its values",)
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
    span = abs(float(stamps[-1] - stamps[0]))
    if not near and span > 0:  # of packets that are read at once the steps within one tell nothing, their mean does
        mean = {unit: len(steps) / (span * seconds) / wanted_hz for unit, seconds in TIME_UNITS.items()}
        near = [unit for unit, ratio in mean.items() if _RATES[0] <= ratio <= _RATES[1]]
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
    first_day, last_day = _SERIAL_DAYS
    of_days = 1 / (step * 86_400 * wanted_hz) if step > _SHORTEST_STEP else 0.0
    if first_day <= stamps[0] <= last_day and not near and _RATES[0] <= of_days <= _RATES[1]:
        return 86_400.0, ("time in days of a spreadsheet, by its values",)
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


def _clock_of_ticks(stamps: Times) -> int | None:
    """The year in which a clock that counts 100 ns began, where these are such counts of the years 2000 to 2100."""
    for year, since in _TICKS_BEGIN.items():
        seconds = (np.abs(stamps) - since) * _TICK_S
        if bool(((seconds >= _EPOCHS_S[0]) & (seconds <= _EPOCHS_S[1])).all()):
            return year
    return None


def _option(name: str) -> str:
    """A heading as one word of a command line."""
    shown = quoted(name)
    return shown if re.fullmatch(r"[\w.\-/]+", shown) else f"'{shown}'"
