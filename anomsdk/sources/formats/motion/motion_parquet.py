"""Motion in a .parquet, read as a stream of stamps and values. Extra `parquet`: pip install 'anomsdk[parquet]'."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.motion.columns import by_columns
from anomsdk.sources.formats.motion.motion_rows import row_from_0
from anomsdk.sources.formats.motion.parquet_cells import (
    RowNumbers,
    is_dated,
    is_label,
    is_list,
    is_number,
    is_text,
    labels_of,
    list_lengths,
    numbers_of,
    plain_numbers,
    stamps_in,
    stamps_of,
)
from anomsdk.sources.formats.stored_samples import refusing
from anomsdk.sources.formats.tables.list_cells import spread_packets
from anomsdk.sources.formats.tables.parquet_pages import FOOTER_ITEMS, FOOTER_STRING, check_pages, footer_chunks
from anomsdk.sources.formats.tables.table import BATCH_ROWS, Only, Table, Times
from anomsdk.sources.formats.timing.dates import Dates

_PACKET_ROWS = 256
"""Rows of packets that are read at once."""
_NO_STAMPS: NDArray[np.float64] = np.zeros(0)


def parquet_table(path: Path, name: str, where: str) -> Table:
    """Open a .parquet as a table: check its header; no row is read yet.

    Raises
    ------
    InputError : pyarrow is missing, or cannot read the file
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise InputError(f"{where}: needs pyarrow; pip install 'anomsdk[parquet]', or write a .csv") from None
    with path.open("rb") as raw:
        footer_chunks(raw, path.stat().st_size, where)
    with _opened(path, where) as file:
        names = tuple(map(str, file.schema_arrow.names))
        kinds = [field.type for field in file.schema_arrow]
    types = pyarrow.types

    def table(only: Only) -> Table:
        return Table(
            name,
            where,
            names,
            partial(_read, path, where, names, only),
            partial(_row_name, path, where, names, only, lists),
            partial(_cells, path, where, names, only),
            table,
            lists=lists,
            nested=frozenset(column for column, kind in enumerate(kinds) if types.is_nested(kind)) - lists,
            dated=tuple(column for column, kind in enumerate(kinds) if is_dated(kind)),
            labels=tuple(column for column, kind in enumerate(kinds) if is_label(kind)),
        )

    lists = frozenset(column for column, kind in enumerate(kinds) if is_list(kind))
    return table(())


def _row_name(path: Path, where: str, names: tuple[str, ...], only: Only, lists: frozenset[int], row: int) -> str:
    """Name the row of the file that holds sample ``row``: rows may be left out, or hold packets of samples."""
    if not only and not lists:
        return row_from_0(row)
    last = 0
    for rows, lengths in _counted(path, where, names, only, min(lists, default=None)):
        for last, n in zip(rows.tolist(), lengths.tolist(), strict=True):
            row -= n
            if row < 0:
                return row_from_0(last)
    return row_from_0(last)


@contextmanager
def _opened(path: Path, where: str, dates: Sequence[str] = ()) -> Iterator[Any]:
    """Open a .parquet so that nothing is read ahead, and only in this thread; refuse what pyarrow cannot read.

    Parameters
    ----------
    dates : columns of text that are read as dictionaries: a long text would be copied into each row otherwise
    """
    import pyarrow.parquet

    with refusing(where):
        try:
            with pyarrow.parquet.ParquetFile(
                path,
                pre_buffer=False,
                thrift_string_size_limit=FOOTER_STRING,
                thrift_container_size_limit=FOOTER_ITEMS,
                read_dictionary=list(dates),
            ) as file:
                yield file
        except (pyarrow.ArrowException, KeyError, IndexError, TypeError) as error:
            raise InputError(
                f"{where}: cannot be read (it is no complete .parquet); check the file or copy it again"
            ) from error


def _read(
    path: Path,
    where: str,
    names: tuple[str, ...],
    only: Only,
    time: int | None,
    columns: Sequence[int],
    date: int | None = None,
    on_dates: Callable[[Dates], None] | None = None,
    *,
    blanks: bool = False,
) -> Iterator[tuple[Times, NDArray[np.float64]]]:
    import pyarrow

    column_names = [names[column] for column in (*(() if time is None else (time,)), *columns)]
    days = None if time is None or date is None else names[date]
    others = [*(names[column] for column, _ in only), *([] if days is None else [days])]
    kinds = _kinds(path, where, names, [*column_names, *others])
    packed = [is_list(kind) for kind in kinds[len(column_names) - len(columns) : len(column_names)]]
    if any(packed):
        if not all(packed):
            raise InputError(f"{where}: some axes are lists and others are not; store all of them as lists, or none")
        dates = None if time is None else _dates_of(column_names[0], on_dates)
        yield from spread_packets(_packets(path, where, names, only, time, columns, days, dates), where)
        return
    for each, kind in zip(column_names, kinds, strict=False):
        if pyarrow.types.is_nested(kind):
            raise InputError(f"{where}: {quoted(each)} is {quoted(kind)}, no numbers; convert it")
    text = [] if time is None or not is_text(kinds[0]) or days is not None else column_names[:1]
    dates = None if time is None else _dates_of(column_names[0], on_dates)
    with_days = column_names if days is None else [*column_names, days]
    of_axes = [names[column] for column in columns]
    plain = all(map(is_number, kinds[len(column_names) - len(columns) : len(column_names)]))
    for batch, rows in _batches(path, where, names, only, with_days, text, BATCH_ROWS):
        stamps = _NO_STAMPS if dates is None else stamps_in(batch, where, rows, column_names[0], dates, days)
        found = by_columns(len(batch), len(columns))
        if plain:
            plain_numbers(batch, where, rows, of_axes, found, blanks=blanks)
        else:
            for at, each in enumerate(of_axes):
                numbers_of(batch.column(each), where, rows, each, found[:, at], blanks=blanks)
        yield stamps, found


def _dates_of(name: str, on_dates: Callable[[Dates], None] | None) -> Dates:
    dates = Dates(name)
    if on_dates is not None:
        on_dates(dates)
    return dates


def _packets(
    path: Path,
    where: str,
    names: tuple[str, ...],
    only: Only,
    time: int | None,
    columns: Sequence[int],
    days: str | None,
    dates: Dates | None,
) -> Iterator[tuple[Times, list[int], NDArray[np.float64]]]:
    """Yield batches of packets: their stamps, the number of samples in each, and the samples."""
    column_names = [names[column] for column in (*(() if time is None else (time,)), *columns)]
    kind = _kinds(path, where, names, column_names)[0]
    own_times = time is not None and is_list(kind)
    text = [] if time is None or not is_text(kind) or days is not None else column_names[:1]
    packed = [names[column] for column in columns] + (column_names[:1] if own_times else [])
    with_days = column_names if days is None else [*column_names, days]
    for batch, rows in _batches(path, where, names, only, with_days, text, _PACKET_ROWS):
        stamps = _NO_STAMPS
        if dates is not None and not own_times:
            stamps = stamps_in(batch, where, rows, column_names[0], dates, days)
        lengths = np.stack([list_lengths(batch.column(each), where, rows, each) for each in packed])
        if (lengths != lengths[0]).any():
            at = int((lengths != lengths[0]).any(axis=0).argmax())
            raise InputError(
                f"{where}, {row_from_0(int(rows[at]))}: lists of {lengths[:, at].min()} and of {lengths[:, at].max()} "
                "values; all axes must have the same number"
            )
        n, of_sample = lengths[0], np.repeat(rows, lengths[0])
        values = [numbers_of(batch.column(names[each]).flatten(), where, of_sample, names[each]) for each in columns]
        found = np.stack(values, axis=1)
        if dates is not None and own_times:
            stamps = stamps_of(batch.column(column_names[0]).flatten(), where, of_sample, column_names[0], dates)
        if own_times:
            yield stamps, [1] * len(found), found
        elif n.any():
            yield stamps[n > 0] if len(stamps) else stamps, n[n > 0].tolist(), found


def _kinds(path: Path, where: str, names: tuple[str, ...], column_names: Sequence[str]) -> list[Any]:
    """Check the pages of some columns, and return their types."""
    if len(set(names)) != len(names) and any(names.count(each) > 1 for each in column_names):
        raise InputError(f"{where}: two columns have the same name; rename one")
    try:
        now = path.stat()
        version = now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns
    except OSError:
        version = None  # the error of opening it is the clearer one
    return list(_checked_kinds(path, where, version, tuple(map(names.index, column_names)), tuple(column_names)))


@lru_cache(maxsize=8)
def _checked_kinds(
    path: Path, where: str, version: tuple[int, ...] | None, columns: tuple[int, ...], column_names: tuple[str, ...]
) -> tuple[Any, ...]:
    """Do what `_kinds` does, once for each ``version`` of a file."""
    with _opened(path, where) as file:
        kinds = tuple(file.schema_arrow.field(column).type for column in columns)
    with path.open("rb") as raw:
        size = path.stat().st_size
        check_pages(raw, size, footer_chunks(raw, size, where), list(column_names), where)
    return kinds


def _batches(
    path: Path,
    where: str,
    names: tuple[str, ...],
    only: Only,
    column_names: Sequence[str],
    text: Sequence[str],
    rows: int,
) -> Iterator[tuple[Any, RowNumbers]]:
    """Yield batches of the selected rows, with some columns, and the indices of these rows in the file.

    Parameters
    ----------
    only : pairs (column, values) that select rows, as `anomsdk.sources.formats.tables.table.Only`
    column_names : names of the columns; their pages were checked
    text : names of the columns that hold text
    rows : most rows of a batch
    """
    import pyarrow

    done = 0
    chosen = [names[column] for column, _ in only]
    kinds = _kinds(path, where, names, chosen) if chosen else []
    text = [*text, *(each for each, kind in zip(chosen, kinds, strict=True) if is_text(kind))]
    with _opened(path, where, text) as file:
        for batch in file.iter_batches(rows, columns=list(dict.fromkeys([*column_names, *chosen])), use_threads=False):
            if not len(batch):
                continue
            if not only:
                yield batch, range(done, done + len(batch))
                done += len(batch)
                continue
            kept = np.ones(len(batch), bool)
            for column, values in only:
                there, at = labels_of(batch.column(names[column]), where, names[column])
                kept &= np.array([each in values for each in there], bool)[at]
            of_file = done + np.flatnonzero(kept)
            done += len(batch)
            if kept.all():
                yield batch, of_file
            elif kept.any():
                yield batch.filter(pyarrow.array(kept)), of_file


def _cells(
    path: Path, where: str, names: tuple[str, ...], only: Only, columns: Sequence[int]
) -> Iterator[list[tuple[str, ...]]]:
    """Yield the text in some columns, in batches of the same rows as `_read`."""
    column_names = [names[column] for column in columns]
    text = [
        each for each, kind in zip(column_names, _kinds(path, where, names, column_names), strict=True) if is_text(kind)
    ]
    for batch, _ in _batches(path, where, names, only, column_names, text, BATCH_ROWS):
        found = [labels_of(batch.column(each), where, each) for each in column_names]
        yield list(zip(*([there[i] for i in at.tolist()] for there, at in found), strict=True))


def _counted(
    path: Path, where: str, names: tuple[str, ...], only: Only, packed: int | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield batches of the selected rows: their indices in the file, and the number of samples in each."""
    column_names = [names[0 if packed is None else packed]] if packed is not None or not only else [names[only[0][0]]]
    for batch, rows in _batches(
        path, where, names, only, column_names, (), BATCH_ROWS if packed is None else _PACKET_ROWS
    ):
        lengths = np.ones(len(batch), np.int64)
        if packed is not None:
            lengths = list_lengths(batch.column(names[packed]), where, rows, names[packed])
        yield np.asarray(rows), lengths
