"""Motion in a .parquet: a column of time and one an axis. Extra `parquet`: pip install 'anomsdk[parquet]'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.formats.dates import Dates, is_date, is_time_of_day
from anomsdk.formats.motion import row_from_0
from anomsdk.formats.parquet_pages import FOOTER_ITEMS, FOOTER_STRING, check_pages, footer_chunks
from anomsdk.formats.stored import refusing
from anomsdk.formats.table import BATCH_ROWS, Table, Times

_LONGEST_DATE = 80
"""Characters of a date, with its zone."""


def parquet_table(path: Path, name: str, where: str) -> Table:
    """Check the header; no row is read yet.

    Raises
    ------
    InputError : pyarrow is missing, or cannot read it
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise InputError(f"{where}: needs pyarrow; pip install 'anomsdk[parquet]', or write a .csv") from None
    with path.open("rb") as raw:
        footer_chunks(raw, path.stat().st_size, where)
    with _opened(path, where) as file:
        names = tuple(map(str, file.schema_arrow.names))
    return Table(name, where, names, partial(_read, path, where, names), row_from_0)


@contextmanager
def _opened(path: Path, where: str, dates: Sequence[str] = ()) -> Iterator[Any]:
    """The file, of which nothing is read ahead, and in this thread; what pyarrow cannot read is bad input.

    Parameters
    ----------
    dates : columns of text, whose dictionary is kept apart: one long text would be copied into each row
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
                f"{where}: cannot be read (it is no whole .parquet); check the file or copy it again"
            ) from error


def _read(
    path: Path, where: str, names: tuple[str, ...], time: int, columns: Sequence[int], date: int | None = None
) -> Iterator[tuple[Times, NDArray[np.float64]]]:
    import pyarrow

    done = 0
    wanted = [names[column] for column in (time, *columns, *([] if date is None else [date]))]
    days = None if date is None else names[date]
    column_of_dates = Dates(names[time])
    if len(set(names)) != len(names) and any(names.count(each) > 1 for each in wanted):
        raise InputError(f"{where}: two columns have one name; rename them")
    with _opened(path, where) as file:
        kinds = [file.schema_arrow.field(names.index(each)).type for each in wanted]
        for each, kind in zip(wanted[: 1 + len(columns)], kinds, strict=False):
            if pyarrow.types.is_nested(kind):
                raise InputError(f"{where}: {quoted(each)} is {quoted(kind)}, no numbers; convert it")
        with path.open("rb") as raw:
            size = path.stat().st_size
            check_pages(raw, size, footer_chunks(raw, size, where), wanted, where)
    text = wanted[:1] if _is_text(kinds[0]) and days is None else []
    with _opened(path, where, text) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
            if not len(batch):
                continue
            stamps = _stamps(batch.column(wanted[0]), where, done, wanted[0], column_of_dates, days, batch)
            values = [_numbers(batch.column(each), where, done, each) for each in wanted[1 : 1 + len(columns)]]
            done += len(batch)
            yield stamps, np.stack(values, axis=1)


def _is_text(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def _numbers(column: Any, where: str, done: int, name: str) -> NDArray[np.float64]:
    import pyarrow

    if not (pyarrow.types.is_integer(column.type) or pyarrow.types.is_floating(column.type)):
        raise InputError(f"{where}: {quoted(name)} is {quoted(column.type)}, no numbers; convert it")
    found = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
    if not np.isfinite(found).all():
        row = row_from_0(done + int((~np.isfinite(found)).argmax()))
        raise InputError(
            f"{where}, {row}: {quoted(name)} is empty or no number; remove such rows: the gap is found by the time"
        )
    return found


def _stamps(column: Any, where: str, done: int, name: str, dates: Dates, days: str | None, batch: Any) -> Times:
    import pyarrow

    types = pyarrow.types
    if days is not None and (types.is_time(column.type) or (_is_text(column.type) and _of_day(column))):
        return _days_and_times(batch.column(days), column, where, done, name, dates)
    if types.is_time(column.type):
        return _text_dates(column.cast(pyarrow.string()), where, done, name, dates)
    if _is_text(column.type):
        return _text_dates(column, where, done, name, dates)
    if types.is_dictionary(column.type) and _is_text(column.type.value_type):
        return _dates(column, where, done, name, dates)
    if types.is_integer(column.type) and not column.null_count and len(column) and is_date(str(column[0].as_py())):
        return _text_dates(column.cast(pyarrow.string()), where, done, name, dates)
    if not types.is_timestamp(column.type):
        return _numbers(column, where, done, name)
    if column.null_count:
        row = row_from_0(done + column.is_null().to_pylist().index(True))
        raise InputError(f"{where}, {row}: {quoted(name)} is empty; remove such rows")
    counts = np.asarray(column.cast(pyarrow.int64()).to_numpy(zero_copy_only=False), np.int64)
    factor = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[column.type.unit]
    limit = np.iinfo(np.int64).max // factor
    beyond = (counts > limit) | (counts < -limit)
    if beyond.any():
        row = row_from_0(done + int(beyond.argmax()))
        raise InputError(f"{where}, {row}: {quoted(name)} is no date between 1678 and 2261; correct it")
    return counts * factor


def _of_day(column: Any) -> bool:
    """Whether text holds times of day, by its first cell."""
    return bool(len(column)) and is_time_of_day(str(column[0].as_py()))


def _days_and_times(days: Any, times: Any, where: str, done: int, name: str, dates: Dates) -> Times:
    """A column of days and one of times of day."""
    import pyarrow.compute

    text = pyarrow.string()
    both = pyarrow.compute.binary_join_element_wise(days.cast(text), times.cast(text), " ")
    return _text_dates(both, where, done, name, dates)


def _text_dates(column: Any, where: str, done: int, name: str, dates: Dates) -> Times:
    import pyarrow.compute

    if column.null_count:
        row = row_from_0(done + column.is_null().to_pylist().index(True))
        raise InputError(f"{where}, {row}: {quoted(name)} is empty; remove such rows")
    long = np.asarray(pyarrow.compute.binary_length(column).to_numpy(zero_copy_only=False)) > _LONGEST_DATE
    if long.any():
        row = row_from_0(done + int(long.argmax()))
        raise InputError(f"{where}, {row}: {quoted(name)} is no date of ISO 8601, and long; correct it")
    return dates.push(column.to_pylist(), lambda row: f"{where}, {row_from_0(done + row)}")


def _dates(column: Any, where: str, done: int, name: str, dates: Dates) -> Times:
    """Dates that are text; each is unfolded only when it is short enough to be one."""
    import pyarrow.compute

    def refuse(row: int, what: str) -> NoReturn:
        raise InputError(f"{where}, {row_from_0(done + row)}: {quoted(name)} is {what}")

    if column.null_count:
        refuse(column.is_null().to_pylist().index(True), "empty; remove such rows")
    indices = np.asarray(column.indices.to_numpy(zero_copy_only=False), np.int64)
    used, at = np.unique(indices, return_inverse=True)
    entries = column.dictionary.take(pyarrow.array(used))
    long = np.asarray(pyarrow.compute.binary_length(entries).to_numpy(zero_copy_only=False)) > _LONGEST_DATE
    if long.any():
        refuse(int(long[at].argmax()), "no date of ISO 8601, and long; correct it")
    found = entries.to_pylist()
    return dates.push([found[i] for i in at], lambda row: f"{where}, {row_from_0(done + row)}")
