"""The dialect of a table in text (encoding, delimiter, decimal sign, headings), found from its first lines."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anomsdk.errors import InputError
from anomsdk.runtime.memory import wipe_leftovers
from anomsdk.sources.formats.tables.numbers import ANY_NUMBER, Marks, marks_of
from anomsdk.sources.formats.tables.preamble import NO_FACTS, TableFacts, facts_in, headings_in
from anomsdk.sources.formats.text_file import encoding_of, text_lines
from anomsdk.sources.formats.timing.date_forms import is_date, is_time_of_day

__all__ = ["LIST", "Dialect", "cells_of", "dialect_of", "text_lines"]

_DELIMITERS = ("\t", ";", "|", ",", " ")
_CLEAR, _LEAST_NUMBERS = ("\t", ";", "|"), 3
"""Delimiters that win with this many columns of numbers; a comma and a space may also be marks of thousands."""
_MOST_BEFORE = 128
"""Most lines before the first row of numbers: GENEActiv writes 100."""
_DATE = re.compile(r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d.*")
_PART_OF_DATE = re.compile(r"\d{1,4}[-/.]\d\d?[-/.]\d{1,4}([T ].*)?|\d\d?:\d\d([:.,]\d.*)?")
_LEAST_WITH_DATES = 4
"""Fewest cells of a row in which a day or a time of day counts as a number."""
_TEXTS = 4096
"""Small objects of each size that are overwritten after the first lines, which all become texts, were read."""
_IN_LIST = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
LIST = re.compile(rf"[\[({{]\s*{_IN_LIST}(?:(?:\s*[,;]\s*|\s+){_IN_LIST})*\s*[\])}}]|{_IN_LIST}(?: +{_IN_LIST}){{2,}}")
"""Several numbers in one cell, ``[1, 2, 3]``, or ``1 2 3`` if three or more: a row holds a packet of samples."""


@dataclass(frozen=True)
class Dialect:
    """The dialect of one table.

    Parameters
    ----------
    encoding : name of the encoding, as Python calls it
    delimiter : character between cells; a space stands for any white space
    marks : meaning of the marks in the numbers of each column, as the first rows show it
    names : heading of each column, empty where there is none
    skip : number of lines before the first row of numbers
    lists : columns whose cells hold several numbers each
    dated : columns whose cells are dates with a time
    facts : what the lines above the headings say of the samples
    """

    encoding: str
    delimiter: str
    marks: tuple[Marks, ...]
    names: tuple[str, ...]
    skip: int
    lists: frozenset[int] = frozenset()
    dated: tuple[int, ...] = ()
    facts: TableFacts = NO_FACTS


def dialect_of(path: Path, where: str) -> Dialect:
    """Find out the dialect of a table from its first lines.

    Raises
    ------
    InputError : there is no row of numbers in the first 128 lines, or it has more cells than the headings
    """
    try:
        return _dialect(path, where)
    finally:
        # At once: memory of small objects that others have taken meanwhile can no longer be overwritten.
        wipe_leftovers(_TEXTS)


def _dialect(path: Path, where: str) -> Dialect:
    encoding = encoding_of(path, where)
    lines = []
    for _, line in zip(range(_MOST_BEFORE + 64), text_lines(path, encoding, where), strict=False):
        lines.append(line)
    found = [_in(lines, delimiter) for delimiter in _DELIMITERS]
    clear = [
        each for each, sign in zip(found, _DELIMITERS, strict=True) if sign in _CLEAR and each[3] >= _LEAST_NUMBERS
    ]
    first, width, *_ = best = max(clear or found, key=lambda each: each[2:] + each[1:2])
    if not width:
        raise InputError(
            f"{where}: no rows of numbers in its first {_MOST_BEFORE} lines; write each sample as a line of numbers"
        )
    delimiter = _DELIMITERS[found.index(best)]
    rows = [cells_of(line, delimiter) for line in lines[first:] if line.strip()]
    columns = [[row[at] for row in rows if at < len(row) and ANY_NUMBER.fullmatch(row[at])] for at in range(width)]
    marks = tuple(marks_of(columns, comma_cells=delimiter != ","))
    of_table = [row for row in rows if len(row) == width]
    spare = next((n for n in range(width) if any(row[width - 1 - n] for row in of_table)), 0)
    names = headings_in([_heading_cells(line, delimiter, width, spare) for line in lines[:first]], width)
    facts = facts_in(lines[:first], rows if first == 0 else (), where)
    if first == 0 and not any(names) and facts.skip:
        return Dialect(encoding, delimiter, marks, names, facts.skip, facts=facts)
    above = cells_of(lines[first - 1], delimiter) if first else []
    if delimiter == "," and not any(names) and 2 < (n := len(above)) < width and not _numbers(above, delimiter):
        advice = "separate with semicolons where commas are decimal"
        raise InputError(f"{where}, line {first + 1}: {width} values below {n} headings; {advice}")
    lists = frozenset(column for column in range(width) if delimiter != " " and _is_listed(of_table, column))
    dated = tuple(column for column in range(width) if _mostly(_is_dated, of_table, column))
    return Dialect(encoding, delimiter, marks, names, first, lists, dated, facts)


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line, without blanks around them."""
    if delimiter == " ":
        return [cell.strip('"') for cell in line.split()]  # R quotes headings and text
    return [cell.strip() for row in csv.reader([line], delimiter=delimiter, skipinitialspace=True) for cell in row]


def _heading_cells(line: str, delimiter: str, width: int, spare: int) -> list[str]:
    """Return the cells of a line above the numbers, filled up where it lacks the delimiters of empty columns."""
    cells = cells_of(line.lstrip(" #%"), delimiter)
    if len(cells) + 1 == width and line.rstrip().endswith(delimiter):
        cells.append("")
    if 2 < len(cells) < width <= len(cells) + spare:
        cells += [""] * (width - len(cells))
    return cells


def _in(lines: list[str], delimiter: str) -> tuple[int, int, bool, int]:
    """Find the first row of numbers with one delimiter.

    Lines of ``key,value`` above or below the headings are no rows: a row is what most lines of numbers look like.

    Returns
    -------
    index of the row, its number of cells, whether some cells are lists, and the number of columns of numbers; all 0
        where there is no row of numbers
    """
    rows = [[] if line.lstrip().startswith(("#", "%")) else cells_of(line, delimiter) for line in lines]
    numbered = {index: _numbers(row, delimiter) for index, row in enumerate(rows)}
    known = {index: [_is_number(cell, row, delimiter) for cell in row] for index, row in enumerate(rows)}
    likely = [
        index for index, row in enumerate(rows) if len(row) > 1 and 2 * numbered[index] >= sum(map(bool, row)) > 1
    ]
    wide = [index for index in likely if numbered[index] > 2 or any(LIST.fullmatch(cell) for cell in rows[index])]
    if not (likely := wide or likely):
        return 0, 0, False, 0
    width, _ = Counter(len(rows[index]) for index in reversed(likely)).most_common(1)[0]
    alike = [index for index in likely if len(rows[index]) == width]
    of_numbers = [column for column in range(width) if 2 * sum(known[index][column] for index in alike) > len(alike)]
    start = next(index for index in alike if all(known[index][column] for column in of_numbers[:1]))
    # Lines are left out down to the headings only: a line below them may be a damaged row of the table.
    head = max((index for index in range(start) if _may_be_headings(rows[index], numbered[index], width)), default=-1)
    first = next((index for index in range(head + 1, start) if _may_be_row(rows[index], numbered[index])), start)
    counted = rows[first] == [str(n) for n in range(len(rows[first]))]
    if counted and len(alike) > 1 and first == alike[0] and any("." in cell or "," in cell for cell in rows[alike[1]]):
        first = alike[1]  # pandas numbers columns that have no names
    lists = delimiter != " " and any(_is_listed([rows[index] for index in alike], column) for column in range(width))
    return (first, width, lists, len(of_numbers)) if first < _MOST_BEFORE else (0, 0, False, 0)


def _numbers(row: Sequence[str], delimiter: str) -> int:
    """Count the cells of a row that are numbers."""
    return sum(_is_number(cell, row, delimiter) for cell in row)


def _is_number(cell: str, row: Sequence[str], delimiter: str) -> bool:
    """Tell whether a cell is a number, a date, a list, or, in a row of 4 cells or more, a day or a time of day."""
    if ANY_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell) or LIST.fullmatch(cell):
        return True
    return len(row) >= _LEAST_WITH_DATES and delimiter != " " and _PART_OF_DATE.fullmatch(cell) is not None


def _may_be_headings(row: Sequence[str], numbers: int, width: int) -> bool:
    """Tell whether a row has the width of the table, and words but no numbers."""
    return len(row) == width and sum(map(bool, row)) > 1 and not numbers


def _may_be_row(row: Sequence[str], numbers: int) -> bool:
    """Tell whether most cells of a row are numbers; ``fs,20,,`` is no row of the table."""
    filled = sum(map(bool, row))
    return filled > 2 and 2 * numbers >= filled


def _is_dated(cell: str) -> bool:
    """Tell whether a cell is a date with a time."""
    return ":" in cell and is_date(cell) and not is_time_of_day(cell)


def _is_listed(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Tell whether a column holds lists; if all its cells look like ``1 012 345`` they are numbers with thousands."""

    def is_list(cell: str) -> bool:
        return LIST.fullmatch(cell) is not None

    cells = [row[column] for row in rows if is_list(row[column])]
    return 2 * len(cells) > len(rows) and not all(map(ANY_NUMBER.fullmatch, cells))


def _mostly(is_so: Callable[[str], bool], rows: Sequence[Sequence[str]], column: int) -> bool:
    """Tell whether a condition holds for more than half of the cells of a column."""
    return 2 * sum(is_so(row[column]) for row in rows) > len(rows)
