"""Tables with a column of time and a column an axis, .csv and .parquet, and their rows that are one recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.conditions import NothingChosenError
from anomsdk.sources.formats.headings import column_of
from anomsdk.sources.formats.preamble import NOTHING_TOLD, Told
from anomsdk.sources.stream_format import ReadOptions

BATCH_ROWS = 16_384
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
