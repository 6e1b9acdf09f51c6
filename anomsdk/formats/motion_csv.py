"""Motion in a .csv, read as a stream: a column of time and one an axis, however the text was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable, quoted
from anomsdk.formats.dates import Dates, is_date, is_time_of_day
from anomsdk.formats.delimited import Cells, Rows, pieces_of, rows_of
from anomsdk.formats.dialect import Dialect, sniffed
from anomsdk.formats.numbers import ANY_NUMBER, Marks, check_marks
from anomsdk.formats.stored import refusing
from anomsdk.formats.table import BATCH_ROWS, Table, Times


def csv_table(path: Path, name: str, where: str) -> Table:
    """Find out how a .csv was written.

    Raises
    ------
    InputError : it holds no rows of numbers
    """
    dialect = sniffed(path, where)
    return Table(
        name, where, dialect.names, partial(_read, path, where, dialect), partial(_row_name, path, where, dialect)
    )


def _row_name(path: Path, where: str, dialect: Dialect, row: int) -> str:
    return f"line {next(islice(rows_of(path, where, dialect), row, None))[0]}"


def _read(
    path: Path, where: str, dialect: Dialect, time: int, columns: Sequence[int], date: int | None = None
) -> Iterator[tuple[Times, NDArray[np.float64]]]:
    reader = _Reader(where, dialect, time, columns, date)
    with refusing(where):
        for piece in pieces_of(path, where, dialect):
            if isinstance(piece, Cells):
                stamps, values = reader.of_cells(piece)
                for at in range(0, len(stamps), BATCH_ROWS):
                    yield stamps[at : at + BATCH_ROWS], values[at : at + BATCH_ROWS]
            else:
                yield from reader.of_rows(piece)
        check_marks(reader.marks, reader.names, where)


class _Reader:
    """Cells of text become stamps and values.

    Parameters
    ----------
    where : what messages call the file
    dialect : how it is written
    time, columns, date : columns of time and values, and of the day where the time is one of day
    """

    def __init__(self, where: str, dialect: Dialect, time: int, columns: Sequence[int], date: int | None) -> None:
        self._where, self._dialect, self._time, self._columns, self._date = where, dialect, time, columns, date
        self.names = [_name(dialect, column) for column in columns]
        self.marks = [replace(dialect.marks[column]) for column in columns]
        self._time_marks = replace(dialect.marks[time])
        self._dates: Dates | None = None
        self._numbers = False

    def of_cells(self, cells: Cells) -> tuple[Times, NDArray[np.float64]]:
        """Stamps (n,) and values (n, columns) of a piece of plain text."""

        def text(start: int, end: int) -> str:
            return cells.data[start:end].tobytes().decode("utf-8", "replace").replace("\0", "?").strip()

        def numbers(column: int, marks: Marks, name: str) -> NDArray[np.float64]:
            starts, ends = cells.column(column)
            found, odd = marks.numbers(cells.data, starts, ends)
            for row in np.flatnonzero(odd).tolist():
                found[row] = self._number(text(starts[row], ends[row]), cells.line + row, marks, name)
            return found

        values = np.empty((len(cells.starts), len(self._columns)))
        for at, (column, marks, name) in enumerate(zip(self._columns, self.marks, self.names, strict=True)):
            values[:, at] = numbers(column, marks, name)
        starts, ends = cells.column(self._time)
        if self._is_dates(text(starts[0], ends[0])):
            assert self._dates is not None
            if self._date is None:
                return self._dates.of_bytes(cells.data, starts, ends, lambda row: self._line(cells.line + row)), values
            days = cells.column(self._date)
            both = zip(*(each.tolist() for each in (*days, starts, ends)), strict=True)
            texts = [f"{text(a, b)} {text(c, d)}" for a, b, c, d in both]
            return self._dates.push(texts, lambda row: self._line(cells.line + row)), values
        return numbers(self._time, self._time_marks, _name(self._dialect, self._time)), values

    def of_rows(self, rows: Rows) -> Iterator[tuple[Times, NDArray[np.float64]]]:
        """The same of rows one by one, in blocks."""
        width, where = len(self._dialect.names), self._where
        while True:
            # Row by row into one array: cells of text are freed before the next ones are made, in the same place.
            values = np.empty((BATCH_ROWS, len(self._columns)))
            times, lines = list[str](), list[int]()
            for number, row in islice(rows, BATCH_ROWS):
                if len(row) != width and any(row[width:] or [True] * (len(row) < width)):
                    raise InputError(f"{where}, line {number}: {_misfit(row, self._dialect)}")
                for at, column in enumerate(self._columns):
                    values[len(times), at] = self._number(row[column].strip(), number, self.marks[at], self.names[at])
                day = "" if self._date is None else f"{row[self._date].strip()} "
                times.append(day + row[self._time].strip())
                lines.append(number)
            if not times:
                return
            yield self._stamps(times, lines), values[: len(times)]

    def _stamps(self, cells: list[str], lines: list[int]) -> Times:
        """Numbers, or dates as nanoseconds."""
        if self._is_dates(cells[0].rpartition(" ")[2] if self._date is not None else cells[0]):
            assert self._dates is not None
            return self._dates.push(cells, lambda row: self._line(lines[row]))
        if self._date is not None:
            cells = [cell.rpartition(" ")[2] for cell in cells]
        name = _name(self._dialect, self._time)
        numbers = [self._number(cell, line, self._time_marks, name) for cell, line in zip(cells, lines, strict=True)]
        return np.array(numbers)

    def _is_dates(self, cell: str) -> bool:
        """Whether the column of time holds dates, by its first cell; a day beside it belongs to a time of day only."""
        if self._dates is None and not self._numbers:
            if is_date(cell):
                self._dates = Dates(_name(self._dialect, self._time))
                self._date = self._date if is_time_of_day(cell) else None
            self._numbers = self._dates is None
        return self._dates is not None

    def _line(self, number: int) -> str:
        return f"{self._where}, line {number}"

    def _number(self, cell: str, line: int, marks: Marks, name: str) -> float:
        found = marks.number(cell)
        if found is None:
            raise InputError(f"{self._line(line)}: {quoted(name)} {_fault(cell)}")
        return found


def _name(dialect: Dialect, column: int) -> str:
    return dialect.names[column] or f"column {column + 1}"


def _fault(cell: str) -> str:
    if not cell:
        return "is empty; remove such lines: the gap is found by the time"
    if cell.lower() in ("nan", "null", "none", "na", "n/a", "inf", "-inf"):
        return f"is {cell}; remove such lines: the gap is found by the time"
    if ":" in cell:
        return (
            f"is {printable(cell)[:32]!r}, no number and no date in a form that is known; write 2024-03-05T09:24:51.050"
        )
    if ANY_NUMBER.fullmatch(cell) and ("," in cell or "." in cell):
        what = "marks of decimals or thousands that do not fit the others"
        return f"is {printable(cell)[:20]!r}, with {what}; write one kind"
    return f"is {printable(cell)[:20]!r}, no number; correct it"


def _misfit(row: list[str], dialect: Dialect) -> str:
    width = len(dialect.names)
    what = f"{len(row)} values, not {width}"
    if dialect.delimiter == "," and len(row) > width:
        return f"{what}; separate with semicolons where commas are decimal"
    return f"{what}; complete the line or remove it: the gap is found by the time"
