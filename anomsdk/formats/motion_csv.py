"""Motion in a .csv, read as a stream: a column of time and one an axis, however the text was written."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable, quoted
from anomsdk.formats.dates import dates
from anomsdk.formats.dialect import DATE, Dialect, sniffed, text_lines
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
    return f"line {next(islice(_rows(path, where, dialect), row, None))[0]}"


def _rows(path: Path, where: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells of the rows below the headings; empty lines are none."""
    lines = islice(text_lines(path, dialect.encoding, where), dialect.skip, None)
    if dialect.delimiter == " ":
        yield from ((n, row) for n, line in enumerate(lines, dialect.skip + 1) if (row := line.split()))
        return
    reader = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=True)
    for row in reader:
        if any(map(str.strip, row)):
            yield dialect.skip + reader.line_num, row


def _read(
    path: Path, where: str, dialect: Dialect, time: int, columns: Sequence[int]
) -> Iterator[tuple[Times, NDArray[np.float64]]]:
    width, names = len(dialect.names), [_name(dialect, column) for column in columns]
    with refusing(where):
        rows = _rows(path, where, dialect)
        while True:
            # Row by row into one array: cells of text are freed before the next ones are made, in the same place.
            values = np.empty((BATCH_ROWS, len(columns)))
            times, lines = list[str](), list[int]()
            for number, row in islice(rows, BATCH_ROWS):
                if len(row) != width and any(row[width:] or [True] * (len(row) < width)):
                    raise InputError(f"{where}, line {number}: {_misfit(row, dialect)}")
                for at, column in enumerate(columns):
                    values[len(times), at] = _number(row[column].strip(), number, where, dialect, names[at])
                times.append(row[time].strip())
                lines.append(number)
            if not times:
                return
            stamps = _stamps(times, lines, where, _name(dialect, time), dialect)
            yield stamps, values[: len(times)]


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
