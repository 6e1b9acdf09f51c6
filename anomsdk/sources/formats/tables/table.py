"""Tables of rows and columns (.csv and .parquet), divided into parts that are one recording each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.conditions import NothingChosenError
from anomsdk.sources.formats.tables.headings import column_of
from anomsdk.sources.formats.tables.preamble import NO_FACTS, TableFacts
from anomsdk.sources.formats.timing.dates import Dates
from anomsdk.sources.stream_format import ReadOptions

BATCH_ROWS = 16_384
"""Rows that are read at once."""
MAX_LABEL = 1024
"""Most characters in a cell that names an animal or device."""
MAX_PARTS = 1000
"""Most recordings that one table is divided into; each costs one pass over the file."""
MAX_VALUES = 100_000
"""Most different values of a column on which a condition is set."""
Times = NDArray[Any]
"""Time stamps: float64 in a unit yet to be found, or int64 nanoseconds of dates; empty without a column of time."""
Only: TypeAlias = tuple[tuple[int, frozenset[str]], ...]
"""Pairs (column, values): a row is read only if its cell in each of these columns is one of the values."""


class ReadTable(Protocol):
    """Reads the rows of a table from the beginning."""

    def __call__(
        self,
        time: int | None,
        columns: Sequence[int],
        date: int | None = None,
        on_dates: Callable[[Dates], None] | None = None,
        *,
        blanks: bool = False,
    ) -> Iterator[tuple[Times, NDArray[np.float64]]]:
        """Yield (stamps (n,), values float64 (n, columns)), and refuse damaged cells.

        Parameters
        ----------
        time : column of time; with None, stamps are empty
        columns : columns of values
        date : column of days beside times of day, or None
        on_dates : called with the reader of the dates, where the column of time may hold dates
        blanks : an empty value is NaN; by default it is refused
        """


@dataclass(frozen=True)
class Table:
    """A file of rows and columns.

    Parameters
    ----------
    name, where : name of the table for people and in messages
    names : headings, "" for a column without one
    read : function that reads the rows, see `ReadTable`
    row_name : function that names the row with an index from 0 in messages
    cells : function; cells(columns) yields batches of rows, each the text in these columns
    only : function; only(pairs) is the table of the rows that the pairs select
    lists : columns whose cells hold several values: packets of samples
    nested : columns whose cells hold anything more complex
    dated : columns that hold dates with a time
    labels : columns that may name the animal or device of a row; None: all may
    facts : statements in the lines above the headings
    """

    name: str
    where: str
    names: tuple[str, ...]
    read: ReadTable
    row_name: Callable[[int], str]
    cells: Callable[[Sequence[int]], Iterator[list[tuple[str, ...]]]]
    only: Callable[[Only], Table]
    lists: frozenset[int] = frozenset()
    nested: frozenset[int] = frozenset()
    dated: tuple[int, ...] = ()
    labels: tuple[int, ...] | None = None
    facts: TableFacts = NO_FACTS


@dataclass(frozen=True)
class Part:
    """A part of a table that is one recording.

    Parameters
    ----------
    values : its values in the columns that divide the table
    table : its rows
    """

    values: tuple[str, ...]
    table: Table


def by_names(table: Table, reading: ReadOptions) -> list[str]:
    """List the headings of the columns that divide a table; a column without a heading as `ReadOptions.by` names it."""
    columns = [column_of(table.names, each, "by", table.where) for each in reading.by]
    return [table.names[column] or each for column, each in zip(columns, reading.by, strict=True)]


def table_parts(table: Table, reading: ReadOptions) -> list[Part]:
    """Select the rows that fulfil ``reading.where``, and divide them by their values in the columns ``reading.by``.

    Raises
    ------
    InputError : no such column or value, or more values than `MAX_PARTS`
    """
    where = table.where
    keys = [column_of(table.names, each.key, "where", where) for each in reading.where]
    by = [column_of(table.names, each, "by", where) for each in reading.by]
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
        raise NothingChosenError(f"{where}: no row fulfils all conditions; remove one of them")
    of_keys = tuple(zip(keys, picked, strict=True))
    shown, found = by_names(table, reading), []
    for values in parts:
        only = table.only((*of_keys, *((column, frozenset([value])) for column, value in zip(by, values, strict=True))))
        said = "".join(f"[{quoted(key)}={quoted(value)}]" for key, value in zip(shown, values, strict=True))
        found.append(Part(values, replace(only, name=table.name + said, where=where + said)))
    return found
