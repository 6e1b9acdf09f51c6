"""How a table was written as text: encoding, separator, decimal sign, headings; from its first lines."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anomsdk.errors import InputError
from anomsdk.formats.csv import MAX_CSV_LINE
from anomsdk.formats.numbers import ANY_NUMBER, Marks, marks_of

_DELIMITERS = ("\t", ";", "|", ",", " ")
_MOST_BEFORE = 64
"""Lines that may stand before the first row of numbers."""
_DATE = re.compile(r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d.*")
_PART_OF_DATE = re.compile(r"\d{1,4}[-/.]\d\d?[-/.]\d{1,4}([T ].*)?|\d\d?:\d\d([:.,]\d.*)?")
_LEAST_WITH_DATES = 4
"""Cells of a row in which a day, or a time of day, counts as a number does."""
_ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Dialect:
    """How a table was written.

    Parameters
    ----------
    encoding : of the text
    delimiter : between cells; a space stands for any white space
    marks : what the marks in the numbers of each column mean, as its first rows show
    names : headings, empty where there are none: as many as a row has cells
    skip : lines before the first row of numbers
    """

    encoding: str
    delimiter: str
    marks: tuple[Marks, ...]
    names: tuple[str, ...]
    skip: int


def sniffed(path: Path, where: str) -> Dialect:
    """Find out how a table was written.

    Raises
    ------
    InputError : no row of numbers near its beginning
    """
    encoding = _encoding(path)
    lines = []
    for _, line in zip(range(_MOST_BEFORE + 16), text_lines(path, encoding, where), strict=False):
        lines.append(line)
    found = [_in(lines, delimiter) for delimiter in _DELIMITERS]
    first, width = max(found, key=lambda each: each[1])
    if not width:
        raise InputError(f"{where}: no rows of numbers in its first {_MOST_BEFORE} lines; write a line a sample")
    delimiter = _DELIMITERS[found.index((first, width))]
    rows = [cells_of(line, delimiter) for line in lines[first:] if line.strip()]
    columns = [[row[at] for row in rows if at < len(row) and ANY_NUMBER.fullmatch(row[at])] for at in range(width)]
    marks = tuple(marks_of(columns, comma_cells=delimiter != ","))
    names = _names(lines[:first], delimiter, width)
    if delimiter == "," and not any(names) and first and 1 < (n := len(cells_of(lines[first - 1], delimiter))) < width:
        advice = "separate with semicolons where commas are decimal"
        raise InputError(f"{where}, line {first + 1}: {width} values below {n} headings; {advice}")
    return Dialect(encoding, delimiter, marks, names, first)


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line."""
    if delimiter == " ":
        return line.split()
    return [cell.strip() for row in csv.reader([line], delimiter=delimiter, skipinitialspace=True) for cell in row]


def text_lines(path: Path, encoding: str, where: str, offset: int = 0, first: int = 1) -> Iterator[str]:
    """Lines of a file from a byte on, which begins line `first`; one without line ends must not become one string."""
    with path.open(encoding=encoding, errors="replace", newline=None) as file:
        if offset:
            file.seek(offset)
        for number, line in enumerate(iter(partial(file.readline, MAX_CSV_LINE), ""), first):
            if len(line) == MAX_CSV_LINE:
                raise InputError(f"{where}, line {number}: {MAX_CSV_LINE} characters; write one sample a line")
            yield line.replace("\0", "?")


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for mark, name in _ENCODINGS if start.startswith(mark)), "utf-8")


def _in(lines: list[str], delimiter: str) -> tuple[int, int]:
    """The first row of numbers with this delimiter, and how many cells it has; none: (0, 0)."""
    rows = [[] if line.lstrip().startswith(("#", "%")) else cells_of(line, delimiter) for line in lines]
    for index, row in enumerate(rows[:_MOST_BEFORE]):
        known = [ANY_NUMBER, _DATE, *([_PART_OF_DATE] if len(row) >= _LEAST_WITH_DATES and delimiter != " " else [])]
        numbers = sum(any(each.fullmatch(cell) for each in known) for cell in row)
        if len(row) > 1 and 2 * numbers >= len([cell for cell in row if cell]) > 1:
            return index, len(row)
    return 0, 0


def _names(lines: list[str], delimiter: str, width: int) -> tuple[str, ...]:
    """The nearest line above the numbers that has as many cells; a line of units below it is part of it."""
    below: list[str] = []
    for line in reversed(lines):
        cells = cells_of(line.lstrip(" #%"), delimiter)
        if len(cells) + 1 == width and line.rstrip().endswith(delimiter):
            cells.append("")
        if len(cells) != width:
            continue
        units = [re.fullmatch(r"[\[(]?([^\[\]()]{0,8})[\])]?", cell) for cell in cells]
        if not below and all(units) and len(set(cells)) < len(cells):
            below = [unit[1] if unit else "" for unit in units]
            continue
        return tuple(
            f"{name} [{unit}]" if unit else name for name, unit in zip(cells, below or [""] * width, strict=True)
        )
    return ("",) * width
