"""Motion in a .csv, read as a stream of stamps and values, in any dialect of text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.motion.columns import by_columns
from anomsdk.sources.formats.stored_samples import refusing
from anomsdk.sources.formats.tables.cell_faults import BLANKS, fault_of, misfit
from anomsdk.sources.formats.tables.delimited_text import Cells, Rows, pieces_of, rows_of
from anomsdk.sources.formats.tables.dialect import LIST, Dialect, dialect_of
from anomsdk.sources.formats.tables.list_cells import (
    MAX_PACKET,
    cells_in_list,
    one_or_two_numbers,
    separators_in_list,
    spread_packets,
)
from anomsdk.sources.formats.tables.numbers import Marks, check_marks
from anomsdk.sources.formats.tables.table import BATCH_ROWS, MAX_LABEL, Only, Table, Times
from anomsdk.sources.formats.timing.date_forms import is_date, is_time_of_day
from anomsdk.sources.formats.timing.dates import Dates

_PACKET_ROWS = 256
"""Rows of packets that are read at once."""
_NO_STAMPS: NDArray[np.float64] = np.zeros(0)


def csv_table(path: Path, name: str, where: str) -> Table:
    """Open a .csv as a table: find out how its text is written; no row is read yet.

    Raises
    ------
    InputError : the file holds no rows of numbers
    """
    dialect = dialect_of(path, where)

    def table(only: Only) -> Table:
        return Table(
            name,
            where,
            dialect.names,
            partial(_read, path, where, dialect, only),
            partial(_row_name, path, where, dialect, only),
            partial(_cells, path, where, dialect, only),
            table,
            lists=dialect.lists,
            dated=dialect.dated,
            facts=dialect.facts,
        )

    return table(())


def _row_name(path: Path, where: str, dialect: Dialect, only: Only, row: int) -> str:
    line = dialect.skip
    with refusing(where):
        for line, cells in _rows(path, where, dialect, only):  # noqa: B007
            row -= max(
                (len(cells_in_list(cells[column])) for column in dialect.lists if column < len(cells)), default=1
            )
            if row < 0:
                break
    return f"line {line}"


def _rows(path: Path, where: str, dialect: Dialect, only: Only = ()) -> Rows:
    """Yield the line number and the cells of each row below the headings, without empty lines.

    Parameters
    ----------
    only : pairs (column, values): a row is left out where its cell in one of these columns is another value
    """
    for number, row in rows_of(path, where, dialect):
        if all(column >= len(row) or row[column].strip() in values for column, values in only):
            yield number, row


def _cells(
    path: Path, where: str, dialect: Dialect, only: Only, columns: Sequence[int]
) -> Iterator[list[tuple[str, ...]]]:
    """Yield the text in some columns, in batches of the same rows as `_read`; a missing cell is empty text."""
    with refusing(where):
        rows = _rows(path, where, dialect, only)
        while True:
            found = list[tuple[str, ...]]()
            for number, row in islice(rows, BATCH_ROWS):
                cells = tuple(row[column].strip() if column < len(row) else "" for column in columns)
                for column, cell in zip(columns, cells, strict=True):
                    if len(cell) > MAX_LABEL:
                        name = quoted(_name(dialect, column))
                        raise InputError(f"{where}, line {number}: {name} has {len(cell)} characters; it is no label")
                found.append(cells)
            if not found:
                return
            yield found


def _read(
    path: Path,
    where: str,
    dialect: Dialect,
    only: Only,
    time: int | None,
    columns: Sequence[int],
    date: int | None = None,
    on_dates: Callable[[Dates], None] | None = None,
    *,
    blanks: bool = False,
) -> Iterator[tuple[Times, NDArray[np.float64]]]:
    reader = _Reader(where, dialect, time, columns, date, on_dates, blanks)
    if dialect.lists & set(columns):
        yield from spread_packets(_packets(path, where, dialect, only, reader), where)
        return
    with refusing(where):
        for piece in pieces_of(path, where, dialect) if not only else [_rows(path, where, dialect, only)]:
            if isinstance(piece, Cells):
                stamps, values = reader.of_cells(piece)
                for at in range(0, len(values), BATCH_ROWS):
                    yield stamps[at : at + BATCH_ROWS], values[at : at + BATCH_ROWS]
            else:
                yield from reader.of_rows(piece)
        check_marks(reader.marks, reader.names, where)


def _packets(
    path: Path, where: str, dialect: Dialect, only: Only, reader: _Reader
) -> Iterator[tuple[Times, list[int], NDArray[np.float64]]]:
    """Yield batches of packets: their stamps, the number of samples in each, and the samples."""
    with refusing(where):
        rows = _rows(path, where, dialect, only)
        while True:
            times, lines, lengths = list[str](), list[int](), list[int]()
            values = list[NDArray[np.float64]]()
            for number, row in islice(rows, _PACKET_ROWS):
                reader.check_width(number, row)
                values.append(reader.packet(number, row))
                if reader.own_times:
                    cells = cells_in_list(row[reader.time or 0])
                    if len(cells) != len(values[-1]):
                        raise InputError(
                            f"{where}, line {number}: {len(cells)} times for {len(values[-1])} samples; "
                            "all lists of a line must have the same length"
                        )
                    lengths += [1] * len(cells)
                else:
                    cells = [reader.time_of(row)]
                    lengths.append(len(values[-1]))
                times += cells
                lines += [number] * len(cells)
            if not values:
                reader.check_lists()
                return
            yield reader.stamps(times, lines), lengths, np.concatenate(values)


class _Reader:
    """Reader that converts cells of text to stamps and values.

    Parameters
    ----------
    where : name of the file in messages
    dialect : form of its text
    time : column of time; None: there are no stamps
    columns : columns of values
    date : column of days beside times of day; None where there is none
    on_dates, blanks : as `anomsdk.sources.formats.tables.table.ReadTable`
    """

    def __init__(
        self,
        where: str,
        dialect: Dialect,
        time: int | None,
        columns: Sequence[int],
        date: int | None,
        on_dates: Callable[[Dates], None] | None,
        blanks: bool,
    ) -> None:
        self._blanks = blanks
        self._where, self._dialect, self.time, self._columns = where, dialect, time, columns
        self.names = [_name(dialect, column) for column in columns]
        self.marks = [replace(dialect.marks[column]) for column in columns]
        self.own_times = time in dialect.lists
        self._date = None if time is None or self.own_times else date
        self._time_name = "" if time is None else _name(dialect, time)
        self._time_marks = Marks(".", True) if time is None or self.own_times else replace(dialect.marks[time])
        self._dates: Dates | None = None
        self._on_dates = on_dates
        self._numbers = False
        self._list_marks: dict[tuple[str, bool], Marks] = {}
        self._decimal_commas = False

    def of_cells(self, cells: Cells) -> tuple[Times, NDArray[np.float64]]:
        """Convert a piece of plain text to stamps (n,) and values (n, columns)."""
        encoding = "cp1252" if self._dialect.encoding == "cp1252" else "utf-8"

        def text(start: int, end: int) -> str:
            return cells.data[start:end].tobytes().decode(encoding, "replace").replace("\0", "?").strip()

        def numbers(column: int, marks: Marks, name: str) -> NDArray[np.float64]:
            starts, ends = cells.column(column)
            found, odd = marks.numbers(cells.data, starts, ends)
            for row in np.flatnonzero(odd).tolist():
                found[row] = self._number(text(starts[row], ends[row]), cells.line + row, marks, name)
            return found

        values = by_columns(len(cells.starts), len(self._columns))
        for at, (column, marks, name) in enumerate(zip(self._columns, self.marks, self.names, strict=True)):
            values[:, at] = numbers(column, marks, name)
        if self.time is None:
            return _NO_STAMPS, values
        starts, ends = cells.column(self.time)
        if self._is_dates(text(starts[0], ends[0])):
            assert self._dates is not None
            if self._date is None:
                return self._dates.of_bytes(cells.data, starts, ends, lambda row: self._line(cells.line + row)), values
            days = cells.column(self._date)
            both = zip(*(each.tolist() for each in (*days, starts, ends)), strict=True)
            texts = [f"{text(a, b)} {text(c, d)}" for a, b, c, d in both]
            return self._dates.push(texts, lambda row: self._line(cells.line + row)), values
        return numbers(self.time, self._time_marks, self._time_name), values

    def of_rows(self, rows: Rows) -> Iterator[tuple[Times, NDArray[np.float64]]]:
        """Convert rows, one by one, to blocks of stamps and values."""
        while True:
            # Row by row into one array: the text of a row is freed before the next one takes its place in memory.
            values = np.empty((BATCH_ROWS, len(self._columns)))
            times, lines = list[str](), list[int]()
            for number, row in islice(rows, BATCH_ROWS):
                self.check_width(number, row)
                for at, column in enumerate(self._columns):
                    values[len(times), at] = self._number(row[column].strip(), number, self.marks[at], self.names[at])
                times.append(self.time_of(row))
                lines.append(number)
            if not times:
                return
            yield self.stamps(times, lines), values[: len(times)]

    def check_width(self, line: int, row: list[str]) -> None:
        """Refuse a row whose number of cells is not that of the headings."""
        width = len(self._dialect.names)
        if len(row) != width and any(row[width:] or [True] * (len(row) < width)):
            raise InputError(f"{self._line(line)}: {misfit(row, self._dialect)}")

    def time_of(self, row: list[str]) -> str:
        """Join the cells of day and time of a row; empty text without a time."""
        if self.time is None:
            return ""
        day = "" if self._date is None else f"{row[self._date].strip()} "
        return day + row[self.time].strip()

    def packet(self, line: int, row: list[str]) -> NDArray[np.float64]:
        """Convert a row of lists to its samples, (n, columns)."""
        parts = list[list[float]]()
        for column, name in zip(self._columns, self.names, strict=True):
            cells = cells_in_list(row[column])
            if not cells or not LIST.fullmatch(row[column].strip()):
                raise InputError(f"{self._line(line)}: {quoted(name)} is no list of numbers; correct it")
            commas = sum("," in cell for cell in cells)
            self._decimal_commas = self._decimal_commas or commas > 0
            if (commas and "," in separators_in_list(row[column])) or (
                self._decimal_commas and one_or_two_numbers(row[column])
            ):
                raise InputError(
                    f"{self._line(line)}: {quoted(name)} has commas within numbers, and commas that may separate "
                    "numbers; write decimal points in lists"
                )
            marks = self._list_marks.setdefault((name, commas > 0), Marks("," if commas else ".", True))
            parts.append([self._number(cell, line, marks, name) for cell in cells])
        lengths = sorted(set(map(len, parts)))
        if len(lengths) > 1:
            raise InputError(
                f"{self._line(line)}: lists of {lengths[0]} and of {lengths[1]} values; all axes must have the same "
                "number"
            )
        if lengths[0] > MAX_PACKET:
            raise InputError(
                f"{self._line(line)}: {lengths[0]} values in one cell, at most {MAX_PACKET}; write one line for each "
                "packet"
            )
        return np.array(parts).T

    def check_lists(self) -> None:
        """Refuse lists in which commas or points may separate thousands."""
        for (name, _), marks in self._list_marks.items():
            check_marks([marks], [name], self._where)

    def stamps(self, cells: list[str], lines: list[int]) -> Times:
        """Convert cells of time to numbers, or to int64 nanoseconds of dates; empty without a column of time."""
        if self.time is None:
            return _NO_STAMPS
        if self._is_dates(cells[0].rpartition(" ")[2] if self._date is not None else cells[0]):
            assert self._dates is not None
            return self._dates.push(cells, lambda row: self._line(lines[row]))
        if self._date is not None:
            cells = [cell.rpartition(" ")[2] for cell in cells]
        marks, name = self._time_marks, self._time_name
        return np.array([self._number(cell, line, marks, name) for cell, line in zip(cells, lines, strict=True)])

    def _is_dates(self, cell: str) -> bool:
        """Tell whether the column of time holds dates, by its first cell.

        A column of days beside it is used for times of day only.
        """
        if self._dates is None and not self._numbers:
            if is_date(cell):
                self._dates = Dates(self._time_name)
                if self._on_dates is not None:
                    self._on_dates(self._dates)
                self._date = self._date if is_time_of_day(cell) else None
            self._numbers = self._dates is None
        return self._dates is not None

    def _line(self, number: int) -> str:
        return f"{self._where}, line {number}"

    def _number(self, cell: str, line: int, marks: Marks, name: str) -> float:
        found = marks.number(cell)
        if found is None and self._blanks and name in self.names and cell.lower() in BLANKS:
            return math.nan
        if found is None:
            raise InputError(f"{self._line(line)}: {quoted(name)} {fault_of(cell)}")
        return found


def _name(dialect: Dialect, column: int) -> str:
    return dialect.names[column] or f"column {column + 1}"
