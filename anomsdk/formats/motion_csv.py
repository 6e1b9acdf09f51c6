"""Motion in a .csv, read as a stream: a column of time and one an axis, however the text was written."""

from __future__ import annotations

import csv
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
    width = len(dialect.names)
    with refusing(where):
        rows = _rows(path, where, dialect)
        while batch := list(islice(rows, BATCH_ROWS)):
            for number, row in batch:
                if len(row) != width and any(row[width:] or [True] * (len(row) < width)):
                    raise InputError(f"{where}, line {number}: {_misfit(row, dialect)}")
            lines = [number for number, _ in batch]

            def cells(column: int, rows: list[tuple[int, list[str]]] = batch) -> list[str]:
                return [row[column].strip() for _, row in rows]

            def names(column: int, where: str = where) -> str:
                return dialect.names[column] or f"column {column + 1}"

            stamps = _stamps(cells(time), lines, f"{where}, line", names(time), dialect)
            values = [_numbers(cells(c), lines, f"{where}, line", names(c), dialect) for c in columns]
            yield stamps, np.stack(values, axis=1)


def _misfit(row: list[str], dialect: Dialect) -> str:
    width = len(dialect.names)
    what = f"{len(row)} values, not {width}"
    if dialect.delimiter == "," and len(row) > width:
        return f"{what}; separate with semicolons where commas are decimal"
    return f"{what}; complete the line or remove it: the gap is found by the time"


def _numbers(cells: list[str], lines: list[int], where: str, name: str, dialect: Dialect) -> NDArray[np.float64]:
    text = [cell.replace(",", ".") for cell in cells] if dialect.decimal_comma else cells
    try:
        if "_" in "".join(text):
            raise ValueError
        found = np.array(list(map(float, text)))
        if np.isfinite(found).all():
            return found
    except ValueError:
        pass
    at = next(i for i, cell in enumerate(text) if not _is_finite(cell))
    if not text[at]:
        what = "is empty; remove such lines: the gap is found by the time"
    elif cells[at].lower() in ("nan", "null", "none", "na", "n/a", "inf", "-inf"):
        what = f"is {cells[at]}; remove such lines: the gap is found by the time"
    else:
        what = f"is {printable(cells[at])[:20]!r}, no number; correct it"
    raise InputError(f"{where} {lines[at]}: {quoted(name)} {what}")


def _is_finite(text: str) -> bool:
    try:
        return "_" not in text and bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _stamps(cells: list[str], lines: list[int], where: str, name: str, dialect: Dialect) -> Times:
    """Numbers, or dates of ISO 8601 as nanoseconds."""
    if not DATE.fullmatch(cells[0]):
        return _numbers(cells, lines, where, name, dialect)
    return dates(cells, [f"{where} {line}" for line in lines], name)
