"""Diaries in tables (.csv and .parquet): columns of values, of time, and of the animal or device."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.diary.diary_slots import DiaryValues
from anomsdk.sources.formats.tables.headings import column_of, listed
from anomsdk.sources.formats.tables.herds import ANIMALS
from anomsdk.sources.formats.tables.table import MAX_PARTS, Table, by_names, table_parts
from anomsdk.sources.formats.tables.time_headings import date_column, time_column, times_by_words, times_named
from anomsdk.sources.formats.tables.time_units import chosen_time, start_of_clock, time_factor
from anomsdk.sources.formats.timing.date_forms import SECOND_NS
from anomsdk.sources.formats.timing.dates import Dates
from anomsdk.sources.stream_format import NO_TIME, ReadOptions, StreamFormat


class DiaryTable:
    """Table of a diary, read once: one recording, or one for each animal or device.

    Parameters
    ----------
    table : table, of which no row was read
    stream_format : format that the pipeline takes
    reading : options of the caller

    Raises
    ------
    InputError : a column of the plan or of time is not clear, a damaged cell, or more than 1,000 animals
    """

    def __init__(self, table: Table, stream_format: StreamFormat, reading: ReadOptions) -> None:
        self._where, self._names = table.where, table.names
        self._columns = named_columns(table.names, stream_format, reading, table.where)
        self._time, self._unit = _time(table, reading, self._columns)
        date = date_column(table.names, self._time)
        reading = replace(reading, by=reading.by or _naming(table, [*self._columns, self._time, date]))
        self.by = tuple(by_names(table, reading))
        """Headings of the columns that divide the table; empty: none do."""
        keys = [column_of(table.names, each, "by", table.where) for each in reading.by]
        (part,) = table_parts(table, replace(reading, by=()))
        self._table = part.table
        seen: deque[Dates] = deque(maxlen=1)
        read = part.table.read(self._time, self._columns, date, seen.append, blanks=True)
        stamps, values = list[NDArray[np.generic]](), list[NDArray[np.float64]]()
        for some_stamps, some_values in read:
            stamps.append(some_stamps.copy())
            values.append(some_values.copy())
        self._values = np.concatenate(values) if values else np.zeros((0, len(self._columns)))
        self._step_s = None if reading.rate_hz is None else 1 / reading.rate_hz
        if self._time is None:
            self._step_s = self._step_s or float(stream_format.slot_s or 0)
        self._set_seconds(np.concatenate(stamps) if stamps else np.zeros(0), seen, stream_format)
        labels = [cells for batch in part.table.cells(keys) for cells in batch] if keys else []
        self.parts: dict[tuple[str, ...], NDArray[np.int64]] = _divided(labels, len(self._values))
        """Values in the columns ``by`` -> indices of the rows that have them."""
        if len(self.parts) > MAX_PARTS:
            raise InputError(f"{table.where}: more than {MAX_PARTS} values of {', '.join(self.by)}; divide the file")

    def values_of(self, rows: NDArray[np.int64], where: str) -> DiaryValues:
        """Return the values of some rows, with the name of their recording in messages."""
        counted = self._time is None
        seconds = np.arange(len(rows)) * float(self._step_s or 0) if counted else self._seconds[rows]

        def row_name(row: int) -> str:
            return self._table.row_name(int(rows[row]))

        names = tuple(self._names[column] or f"column {column + 1}" for column in self._columns)
        return DiaryValues(where, names, seconds, self.is_dated, self._values[rows], row_name, self._step_s)

    def start_ns(self, day: int) -> int | None:
        """Return the midnight at which a day begins, in nanoseconds since 1970-01-01 UTC; None where it is unknown."""
        return None if self._zero_s is None else (day * 86_400 + self._zero_s) * SECOND_NS

    def _set_seconds(self, stamps: NDArray[np.generic], seen: deque[Dates], stream_format: StreamFormat) -> None:
        self.is_dated, self._zero_s = False, None
        """The times are those of a calendar or of a clock; seconds from 1970 UTC to second 0."""
        self._seconds: NDArray[np.float64] = np.zeros(0)
        self.notes: tuple[str, ...] = ()
        if self._time is None or not len(stamps):
            self.notes = ("no column of time: slots are counted from the first row",) if self._time is None else ()
            return
        if stamps.dtype == np.int64:
            offset_ns = seen[0].offset_ns if seen else None
            zero_ns = seen[0].zero_ns if seen else None
            self.is_dated = offset_ns is not None
            whole, part = np.divmod(stamps.astype(np.int64), SECOND_NS)
            self._seconds = whole + part / SECOND_NS + (offset_ns or 0) // SECOND_NS
            if self.is_dated and zero_ns is not None:
                self._zero_s = (zero_ns - (offset_ns or 0)) // SECOND_NS
            return
        numbers = stamps.astype(np.float64)
        name = self._names[self._time]
        factor, self.notes = time_factor(name, self._unit, numbers, stream_format.rate_hz, self._where)
        start_ns = start_of_clock(name, float(numbers[0]), factor)
        self._seconds = (numbers - numbers[0]) * factor
        if start_ns is not None:
            self._seconds += start_ns / SECOND_NS
            self.is_dated, self._zero_s = True, 0


def named_columns(names: Sequence[str], stream_format: StreamFormat, reading: ReadOptions, where: str) -> list[int]:
    """Find the column of each column of the plan, by its name or as `ReadOptions.axes` says.

    Raises
    ------
    InputError : a column is not there, or named twice
    """
    if reading.axes:
        found = [column_of(names, each, "axes", where) for each in reading.axes]
        if len(set(found)) != len(found):
            raise InputError(f"{where}: `axes` names a column twice; name each once")
        return found
    found = []
    for wanted in stream_format.names:
        same = [at for at, each in enumerate(names) if each.strip().lower() == wanted.lower()]
        if len(same) != 1:
            what = "several columns are" if same else "no column is"
            raise InputError(
                f"{where}: {what} {wanted}; the plan takes {', '.join(stream_format.names)}, and there is "
                f"{listed(names) or 'no heading'}: name the columns in this order with `axes`"
            )
        found += same
    return found


def _time(table: Table, reading: ReadOptions, columns: Sequence[int]) -> tuple[int | None, str]:
    """Find the column of time and the unit that the caller gave for it; None where rows only follow each other."""
    names, (chosen, unit) = table.names, chosen_time(reading)
    if chosen == NO_TIME:
        return None, ""
    if chosen:
        time = column_of(names, chosen, "time", table.where)
        if time in columns:
            raise InputError(f"{table.where}: {quoted(names[time])} is the time and a value; correct `time` or `axes`")
        return time, unit
    named = [at for at in times_named(names) if at not in columns]
    dated = [at for at in table.dated if at not in columns]
    if not named and len(dated) != 1:
        by_words = [at for at in times_by_words(names) if at not in columns]
        if len(by_words) == 1:
            return by_words[0], unit
    if not named and dated:
        if len(dated) > 1:
            several = listed(names[at] for at in dated)
            raise InputError(f"{table.where}: the time could be {several}; choose with `time`")
        return dated[0], unit
    return (time_column(names, table.where), unit) if named else (None, "")


def _naming(table: Table, used: Sequence[int | None]) -> tuple[str, ...]:
    """Find the column that names the animal or device of a row, by its heading; empty where there is none."""
    found = [name for at, name in enumerate(table.names) if at not in used and ANIMALS.fullmatch(name.strip())]
    if len(found) > 1:
        raise InputError(
            f"{table.where}: {listed(found)} may name the animals; choose with `by`, e.g. `by='{found[0]}'`"
        )
    return tuple(found)


def _divided(labels: list[tuple[str, ...]], n: int) -> dict[tuple[str, ...], NDArray[np.int64]]:
    """Return the indices of the rows of each label, in the order in which labels first occur."""
    if not labels:
        return {(): np.arange(n)}
    codes: dict[tuple[str, ...], int] = {}
    of_row = np.fromiter((codes.setdefault(each, len(codes)) for each in labels), np.int64, len(labels))
    order = np.argsort(of_row, kind="stable")
    bounds = np.searchsorted(of_row[order], np.arange(len(codes) + 1))
    return {label: order[bounds[code] : bounds[code + 1]] for label, code in codes.items()}
