"""Motion in a .csv, read as a stream: a column of time and one an axis, however the text was written."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable, quoted
from anomsdk.formats.dates import dates
from anomsdk.formats.dialect import DATE, LIST, Dialect, sniffed, text_lines
from anomsdk.formats.packets import MAX_PACKET, spread
from anomsdk.formats.stored import refusing
from anomsdk.formats.table import BATCH_ROWS, MAX_LABEL, Only, Table, Times

_PACKET_ROWS = 256
"""Rows of packets that are unfolded at once."""


_NO_STAMPS: NDArray[np.float64] = np.zeros(0)


def csv_table(path: Path, name: str, where: str) -> Table:
    """Find out how a .csv was written.

    Raises
    ------
    InputError : it holds no rows of numbers
    """
    dialect = sniffed(path, where)

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
            told=dialect.told,
        )

    return table(())


def _row_name(path: Path, where: str, dialect: Dialect, only: Only, row: int) -> str:
    line = dialect.skip
    with refusing(where):
        for line, cells in _rows(path, where, dialect, only):  # noqa: B007
            row -= max((len(_listed(cells[column])) for column in dialect.lists if column < len(cells)), default=1)
            if row < 0:
                break
    return f"line {line}"


def _rows(path: Path, where: str, dialect: Dialect, only: Only = ()) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells of the rows below the headings; empty lines are none.

    Parameters
    ----------
    only : (column, values) pairs: a row is left out where a cell of these columns says something else
    """
    lines = islice(text_lines(path, dialect.encoding, where), dialect.skip, None)
    if dialect.delimiter == " ":
        rows = ((n, row) for n, line in enumerate(lines, dialect.skip + 1) if (row := line.split()))
    else:
        reader = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=True)
        rows = ((dialect.skip + reader.line_num, row) for row in reader if any(map(str.strip, row)))
    if not only:
        yield from rows
        return
    for number, row in rows:
        if all(column >= len(row) or row[column].strip() in values for column, values in only):
            yield number, row


def _cells(
    path: Path, where: str, dialect: Dialect, only: Only, columns: Sequence[int]
) -> Iterator[list[tuple[str, ...]]]:
    """The text of some columns, in batches of as many rows as `_read` yields; what is missing is empty."""
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
    path: Path, where: str, dialect: Dialect, only: Only, time: int | None, columns: Sequence[int]
) -> Iterator[tuple[Times, NDArray[np.float64]]]:
    if dialect.lists & set(columns):
        yield from spread(_packets(path, where, dialect, only, time, columns), where)
        return
    width, names = len(dialect.names), [_name(dialect, column) for column in columns]
    with refusing(where):
        rows = _rows(path, where, dialect, only)
        while True:
            # Row by row into one array: cells of text are freed before the next ones are made, in the same place.
            values = np.empty((BATCH_ROWS, len(columns)))
            times, lines = list[str](), list[int]()
            for number, row in islice(rows, BATCH_ROWS):
                if len(row) != width and any(row[width:] or [True] * (len(row) < width)):
                    raise InputError(f"{where}, line {number}: {_misfit(row, dialect)}")
                for at, column in enumerate(columns):
                    values[len(times), at] = _number(row[column].strip(), number, where, dialect, names[at])
                times.append("" if time is None else row[time].strip())
                lines.append(number)
            if not times:
                return
            stamps = _NO_STAMPS if time is None else _stamps(times, lines, where, _name(dialect, time), dialect)
            yield stamps, values[: len(times)]


def _packets(
    path: Path, where: str, dialect: Dialect, only: Only, time: int | None, columns: Sequence[int]
) -> Iterator[tuple[Times, list[int], NDArray[np.float64]]]:
    """Batches of packets: their stamps, how many samples each holds, and the samples."""
    width = len(dialect.names)
    with refusing(where):
        rows = _rows(path, where, dialect, only)
        while True:
            times, lines, lengths = list[str](), list[int](), list[int]()
            values = list[NDArray[np.float64]]()
            own_times = time in dialect.lists
            for number, row in islice(rows, _PACKET_ROWS):
                if len(row) != width and any(row[width:] or [True] * (len(row) < width)):
                    raise InputError(f"{where}, line {number}: {_misfit(row, dialect)}")
                values.append(_packet(row, number, where, dialect, columns))
                cells = [""] if time is None else [row[time].strip()]
                if time is not None and own_times:
                    cells = _listed(row[time])
                    if len(cells) != len(values[-1]):
                        raise InputError(
                            f"{where}, line {number}: {len(cells)} times of {len(values[-1])} samples; "
                            "all lists are as long"
                        )
                lengths += [1] * len(cells) if own_times else [len(values[-1])]
                times += cells
                lines += [number] * len(cells)
            if not times:
                return
            stamps = _NO_STAMPS if time is None else _stamps(times, lines, where, _name(dialect, time), dialect)
            yield stamps, lengths, np.concatenate(values)


def _packet(row: list[str], line: int, where: str, dialect: Dialect, columns: Sequence[int]) -> NDArray[np.float64]:
    """The samples of one packet, (n, columns)."""
    parts = list[list[float]]()
    for column in columns:
        name = _name(dialect, column)
        cells = _listed(row[column])
        if not cells or not LIST.fullmatch(row[column].strip()):
            raise InputError(f"{where}, line {line}: {quoted(name)} is no list of numbers; correct it")
        parts.append([_number(cell, line, where, dialect, name) for cell in cells])
    lengths = sorted(set(map(len, parts)))
    if len(lengths) > 1:
        raise InputError(
            f"{where}, line {line}: lists of {lengths[0]} and of {lengths[1]} values; all axes have as many"
        )
    if lengths[0] > MAX_PACKET:
        raise InputError(
            f"{where}, line {line}: {lengths[0]} values in one cell; at most {MAX_PACKET}, a line a packet"
        )
    return np.array(parts).T


def _listed(cell: str) -> list[str]:
    return [each for each in re.split(r"[\s,;\[\](){}]+", cell) if each]


def _name(dialect: Dialect, column: int) -> str:
    return dialect.names[column] or f"column {column + 1}"


def _number(cell: str, line: int, where: str, dialect: Dialect, name: str) -> float:
    try:
        found = float(cell.replace(",", ".") if dialect.decimal_comma else cell)
        if math.isfinite(found) and "_" not in cell:
            return found
    except ValueError:
        pass
    raise InputError(f"{where}, line {line}: {quoted(name)} {_fault(cell)}")


def _fault(cell: str) -> str:
    if not cell:
        return "is empty; remove such lines: the gap is found by the time"
    if cell.lower() in ("nan", "null", "none", "na", "n/a", "inf", "-inf"):
        return f"is {cell}; remove such lines: the gap is found by the time"
    return f"is {printable(cell)[:20]!r}, no number; correct it"


def _misfit(row: list[str], dialect: Dialect) -> str:
    width = len(dialect.names)
    what = f"{len(row)} values, not {width}"
    if dialect.delimiter == "," and len(row) > width:
        return f"{what}; separate with semicolons where commas are decimal"
    return f"{what}; complete the line or remove it: the gap is found by the time"


def _stamps(cells: list[str], lines: list[int], where: str, name: str, dialect: Dialect) -> Times:
    """Numbers, or dates of ISO 8601 as nanoseconds."""
    if not DATE.fullmatch(cells[0]):
        return np.array([_number(cell, line, where, dialect, name) for cell, line in zip(cells, lines, strict=True)])
    return dates(cells, [f"{where}, line {line}" for line in lines], name)
