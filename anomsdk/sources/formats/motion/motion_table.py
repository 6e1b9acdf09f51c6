"""Motion in a table: its columns of time and of the axes, their units, and its rate."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, parameter, quoted
from anomsdk.sources.formats.motion.motion_checks import MOST_HZ
from anomsdk.sources.formats.motion.motion_rows import SAME_RATE, MotionRows
from anomsdk.sources.formats.tables.headings import (
    axis_columns,
    column_of,
    is_sensor,
    left_out,
    said_by,
    without_gravity,
)
from anomsdk.sources.formats.tables.herds import HerdWatch, refuse_named_herd
from anomsdk.sources.formats.tables.table import Table
from anomsdk.sources.formats.tables.time_headings import (
    date_column,
    names_days,
    time_column,
    times_by_words,
    times_named,
)
from anomsdk.sources.formats.tables.time_units import chosen_time, seconds_since, start_of_clock, time_factor
from anomsdk.sources.formats.tables.units import SensorUnits, scales, sensor_units
from anomsdk.sources.formats.timing.clock_digits import ClockNumbers, clock_of
from anomsdk.sources.formats.timing.dates import Dates
from anomsdk.sources.formats.timing.epochs import date_ns
from anomsdk.sources.formats.timing.timeline import Stamped
from anomsdk.sources.stream_format import NO_TIME, ReadOptions, StreamFormat


def table_motion(table: Table, stream_format: StreamFormat, reading: ReadOptions) -> MotionRows:
    """Find the columns of the axes and of time, and their units, and read the first rows.

    Parameters
    ----------
    table : rows of one recording
    stream_format : format that the pipeline takes
    reading : options of the caller

    Raises
    ------
    InputError : a column, a unit or the rate is not clear; or the rows are of several animals
    """
    names, where = table.names, table.where
    columns, in_order = _axes(table, stream_format, reading)
    chosen, given = chosen_time(reading)
    time, by_dates = _time(table, chosen, reading, columns)
    if time is not None and time in columns:
        raise InputError(f"{where}: {quoted(names[time] or time + 1)} is the time and an axis; correct `axes`")
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
        factor, note = time_factor(names[time], given, first[0], stream_format.rate_hz, where)
    else:
        factor, note = 1.0, (f"time in {'HHMMSSmmm' if per_second > 1 else 'HHMMSS'}, by its values",)
    origin, is_dated = first[0][0], first[0].dtype == np.int64
    del first  # a recording may live long, and holds no row
    if table.lists & set(columns) and time not in table.lists:
        note = (*note, "each row is a packet of samples, spread evenly from its time to that of the next row")

    seen: deque[Dates] = deque(maxlen=1)

    def start_ns() -> int | None:
        if is_dated:
            zero_ns = seen[0].zero_ns if seen else None
            return None if zero_ns is None else date_ns(zero_ns + int(origin))
        return start_of_clock(names[time], float(origin), factor) if per_second is None else None

    def read() -> Iterator[Stamped]:
        clock = None if per_second is None else ClockNumbers(per_second)
        start: float | None = None
        done = 0
        for number, (stamps, values) in enumerate(table.read(time, columns, date, seen.append)):
            if watch is not None:
                watch.push(number, stamps)
            if clock is not None:
                of_clock = clock.seconds(stamps)
                if of_clock is None:
                    raise InputError(
                        f"{where}: {quoted(names[time])} has digits of a clock (HHMMSS), and other numbers from "
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
                yield seconds_since(stamps, origin, factor), values
            done += len(stamps)

    return replace(rows, stamped=True, read=read, start_ns=start_ns, notes=(*rows.notes, *note))


def _units(
    table: Table, columns: Sequence[int], first: NDArray[np.float64], stream_format: StreamFormat, reading: ReadOptions
) -> tuple[SensorUnits, list[str]]:
    """Find the unit of each sensor, by options, headings or the lines above them; and name the columns for messages."""
    names, n = table.names, len(columns)
    shown = [names[column] or f"column {column + 1}" for column in columns]
    said: list[str | None] = [said_by(names[column]) for column in columns]
    stored = scales(reading, n, table.where)
    notes: tuple[str, ...] = ()
    if table.facts.unit is not None and reading.unit is None and not reading.scale:
        unit, step = table.facts.unit
        said, stored, notes = [unit, unit, unit, *said[3:]], (step,) * 3 + stored[3:], ("Empatica E4: steps of 1/64 g",)
    with np.errstate(over="ignore"):
        magnitude = float(np.median(np.sqrt((first[:, :3] ** 2).sum(axis=1))))
    remedy = ", or name the columns ax_g or so"
    units = sensor_units(said, shown, stored, magnitude, stream_format, reading, table.where, remedy)
    return replace(units, notes=(*notes, *units.notes)), shown


def _axes(table: Table, stream_format: StreamFormat, reading: ReadOptions) -> tuple[list[int], tuple[str, ...]]:
    """Find the columns of the axes, and note how they were found where no heading names them."""
    names, where = table.names, table.where
    if table.facts.empatica and not reading.axes and len(names) == stream_format.columns:
        return list(range(len(names))), ("columns taken in order",)
    for column in sorted(table.lists | table.nested) if not reading.axes else ():
        if is_sensor(names[column]):
            raise InputError(
                f"{where}: {quoted(names[column])} holds several values in each cell, and does not say which axes they "
                "are; write one column for each axis, e.g. acc_x, acc_y, acc_z"
            )
    return axis_columns(names, reading.axes, stream_format.columns, where), ()


def _time(table: Table, chosen: str, reading: ReadOptions, axes: Sequence[int]) -> tuple[int | None, tuple[str, ...]]:
    """Find the column of time, and note how it was found; None where the table has none and its rate is known."""
    names, where = table.names, table.where
    if chosen and chosen != NO_TIME:
        return column_of(names, chosen, "time", where), ()
    if chosen == NO_TIME:
        return None, ()
    dated = [column for column in table.dated if column not in axes]
    named = [column for column in times_named(names) if column not in axes]
    days_only = len(named) == 1 and names_days(names[named[0]])
    if (not named or days_only) and not dated and reading.rate_hz is None:
        by_words = [column for column in times_by_words(names) if column not in (*axes, *named)]
        if len(by_words) == 1:
            return by_words[0], (f"time in {quoted(names[by_words[0]])}, by its heading",)
    if reading.rate_hz is not None or table.facts.rates or (len(dated) == 1 and dated[0] not in named):
        named = [column for column in named if not names_days(names[column])]  # a day is no time of a row
    if not named and len(dated) == 1 and reading.rate_hz is None:
        shown = quoted(names[dated[0]]) or f"column {dated[0] + 1}"
        return dated[0], (f"time in {shown}, the only column of dates",)
    if reading.rate_hz is not None and (there := [*named, *dated]):
        raise InputError(
            f"{where}: {quoted(names[there[0]]) or 'a column of dates'} says when each row was, and `rate_hz` how many "
            f"rows are a second; leave `rate_hz` out, or pass over the column with {parameter('time', NO_TIME)}"
        )
    if not named and (reading.rate_hz is not None or len({rate for rate, _ in table.facts.rates}) == 1):
        return None, ()
    if not named and table.facts.rates:
        _rate(table, reading)
    return time_column(names, where), ()


def _rate(table: Table, reading: ReadOptions) -> tuple[float, tuple[str, ...]]:
    """Find the rate of a table without time, in rows a second, and note how it was found."""
    where, told = table.where, table.facts.rates
    rates = sorted({rate for rate, _ in told})
    if reading.rate_hz is not None:
        for rate, line in told:
            if len(rates) == 1 and not math.isclose(rate, reading.rate_hz, rel_tol=SAME_RATE):
                raise InputError(
                    f"{where}: `rate_hz` is {reading.rate_hz:g}, and line {line} says {rate:g} Hz; leave `rate_hz` "
                    "out, or correct the line"
                )
        return reading.rate_hz, ()
    if len(rates) == 1 and 0 < rates[0] <= MOST_HZ:
        return rates[0], (f"{rates[0]:g} Hz, as line {told[0][1]} says",)
    if len(rates) > 1:
        listed = " and ".join(f"{rate:g} Hz (line {line})" for rate, line in told[:3])
        raise InputError(f"{where}: no column of time, and its lines say {listed}; say which is right with `rate_hz`")
    raise InputError(f"{where}: has no column of time that is read; say with `rate_hz` how many rows are a second")
