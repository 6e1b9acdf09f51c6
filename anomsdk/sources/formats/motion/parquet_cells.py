"""Columns of a .parquet converted to numbers, labels and time stamps, and tests of their types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.motion.motion_rows import row_from_0
from anomsdk.sources.formats.tables.list_cells import MAX_PACKET
from anomsdk.sources.formats.tables.table import MAX_LABEL, Times
from anomsdk.sources.formats.timing.date_forms import is_date, is_time_of_day
from anomsdk.sources.formats.timing.dates import Dates

RowNumbers: TypeAlias = NDArray[np.int64] | range
"""Index in the file of each row of a batch."""
_LONGEST_DATE = 80
"""Most characters of a date with its time zone."""


def list_lengths(column: Any, where: str, rows: RowNumbers, name: str) -> NDArray[np.int64]:
    """Count the values in each list of a column.

    Raises
    ------
    InputError : an empty cell, or a list of more than `MAX_PACKET` values
    """
    import pyarrow.compute

    if column.null_count:
        row = row_from_0(int(rows[column.is_null().to_pylist().index(True)]))
        raise InputError(f"{where}, {row}: {quoted(name)} is empty; remove such rows")
    found = np.asarray(pyarrow.compute.list_value_length(column).to_numpy(zero_copy_only=False), np.int64)
    if (found > MAX_PACKET).any():
        at = int((found > MAX_PACKET).argmax())
        row = row_from_0(int(rows[at]))
        raise InputError(
            f"{where}, {row}: {found[at]} values in one cell, at most {MAX_PACKET}; store one row for each packet"
        )
    return found


def labels_of(column: Any, where: str, name: str) -> tuple[list[str], NDArray[np.int64]]:
    """Find the different values of a column, as text, and for each row the index of its value.

    An empty cell is empty text.
    """
    import pyarrow
    import pyarrow.compute

    types = pyarrow.types
    if not types.is_dictionary(column.type):
        if types.is_nested(column.type) or types.is_binary(column.type):
            raise InputError(f"{where}: {quoted(name)} is {quoted(column.type)}, and no labels; choose another column")
        column = column.dictionary_encode()
    indices = np.asarray(column.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    used, at = np.unique(indices, return_inverse=True)
    entries = column.dictionary.take(pyarrow.array(used[used >= 0]))
    if is_text(entries.type):
        long = np.asarray(pyarrow.compute.binary_length(entries).fill_null(0).to_numpy(zero_copy_only=False))
        if (long > MAX_LABEL).any():
            raise InputError(f"{where}: {quoted(name)} has {int(long.max())} characters; it is no label")
    if types.is_temporal(entries.type):
        entries = entries.cast(pyarrow.string())
    found = ["" if each is None else str(each) for each in entries.to_pylist()]
    return [""] * int((used < 0).sum()) + found, at.reshape(-1)


def is_list(kind: Any) -> bool:
    """Tell whether a column holds plain lists: a packet in each cell."""
    import pyarrow

    types = pyarrow.types
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(lists and not types.is_nested(kind.value_type))


def is_dated(kind: Any) -> bool:
    """Tell whether a column holds dates with a time, or durations."""
    import pyarrow

    return bool(pyarrow.types.is_timestamp(kind) or pyarrow.types.is_duration(kind))


def is_label(kind: Any) -> bool:
    """Tell whether a column may name the animal or device of a row."""
    import pyarrow

    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(is_text(kind) or types.is_integer(kind) or types.is_boolean(kind) or types.is_floating(kind))


def is_text(kind: Any) -> bool:
    """Tell whether a column holds text."""
    import pyarrow

    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def is_number(kind: Any) -> bool:
    """Tell whether a column holds plain integers or floats."""
    import pyarrow

    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind))


def plain_numbers(
    batch: Any, where: str, rows: RowNumbers, names: Sequence[str], out: NDArray[np.float64], *, blanks: bool = False
) -> None:
    """Convert columns of plain numbers, which `is_number` tells, to float64.

    Parameters
    ----------
    batch : batch with the columns
    where : name of the file in messages
    rows : indices in the file of the values, for messages
    names : names of the columns
    out : float64 (n, columns)
    blanks : as `anomsdk.sources.formats.tables.table.ReadTable`

    Raises
    ------
    InputError : a cell is empty or no number
    """
    for at, name in enumerate(names):
        out[:, at] = batch.column(name).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(out.T.sum()):  # otherwise they may all be finite still
            return
    for at, name in enumerate(names):
        _refuse_no_numbers(out[:, at], where, rows, name, blanks)


def numbers_of(
    column: Any,
    where: str,
    rows: RowNumbers,
    name: str,
    out: NDArray[np.float64] | None = None,
    *,
    blanks: bool = False,
) -> NDArray[np.float64]:
    """Convert a column to float64, in ``out`` where it is given.

    Parameters
    ----------
    column : column of a batch
    where, name : name of the file and of the column in messages
    rows : indices in the file of the values, for messages
    out : float64 (n,)
    blanks : as `anomsdk.sources.formats.tables.table.ReadTable`

    Raises
    ------
    InputError : the column has another type, or a cell is empty or no number
    """
    import pyarrow

    if pyarrow.types.is_dictionary(column.type) and not is_text(column.type.value_type):
        column = column.dictionary_decode()
    if pyarrow.types.is_decimal(column.type):
        if column.null_count:
            column = column.cast(pyarrow.float64())
        else:
            column = pyarrow.array([float(each) for each in column.to_pylist()], pyarrow.float64())
    if not is_number(column.type):
        raise InputError(f"{where}: {quoted(name)} is {quoted(column.type)}, no numbers; convert it")
    if out is None:
        found = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
    else:
        found = out
        found[:] = column.to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore", invalid="ignore"):
        finite = bool(np.isfinite(found.sum()))  # a sum of finite values may be none, too
    if not finite:
        _refuse_no_numbers(found, where, rows, name, blanks)
    return found


def _refuse_no_numbers(values: NDArray[np.float64], where: str, rows: RowNumbers, name: str, blanks: bool) -> None:
    """Refuse a column in which a value is not finite, or with ``blanks`` infinite."""
    finite = ~np.isinf(values) if blanks else np.isfinite(values)
    if not finite.all():
        row = row_from_0(int(rows[int(finite.argmin())]))
        raise InputError(
            f"{where}, {row}: {quoted(name)} is empty or no number; remove such rows: the gap is found by the time"
        )


def stamps_in(batch: Any, where: str, rows: RowNumbers, name: str, dates: Dates, days: str | None) -> Times:
    """Convert column ``name`` of a batch to stamps; column ``days`` is joined to times of day."""
    column = batch.column(name)
    return stamps_of(column, where, rows, name, dates, None if days is None else batch.column(days))


def stamps_of(column: Any, where: str, rows: RowNumbers, name: str, dates: Dates, days: Any | None = None) -> Times:
    """Convert a column of any type to stamps; the column ``days`` is joined to times of day.

    Returns
    -------
    stamps : int64 nanoseconds of dates, or float64 of numbers

    Raises
    ------
    InputError : a cell is empty, or no date or number
    """
    import pyarrow

    types = pyarrow.types
    if types.is_dictionary(column.type) and (days is not None or not is_text(column.type.value_type)):
        column = column.dictionary_decode()
    if days is not None and (types.is_time(column.type) or (is_text(column.type) and _of_day(column))):
        return _days_and_times(days, column, where, rows, name, dates)
    if types.is_time(column.type):
        return _text_dates(column.cast(pyarrow.string()), where, rows, name, dates)
    if is_text(column.type):
        return _text_dates(column, where, rows, name, dates)
    if types.is_dictionary(column.type) and is_text(column.type.value_type):
        return _dates(column, where, rows, name, dates)
    if types.is_integer(column.type) and not column.null_count and len(column) and is_date(str(column[0].as_py())):
        return _text_dates(column.cast(pyarrow.string()), where, rows, name, dates)
    if not types.is_timestamp(column.type) and not types.is_duration(column.type):
        return numbers_of(column, where, rows, name)
    if column.null_count:
        row = row_from_0(int(rows[column.is_null().to_pylist().index(True)]))
        raise InputError(f"{where}, {row}: {quoted(name)} is empty; remove such rows")
    if types.is_timestamp(column.type):
        dates.count_from_1970()
    counts = np.asarray(column.view(pyarrow.int64()).to_numpy(zero_copy_only=False), np.int64)
    factor = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[column.type.unit]
    limit = np.iinfo(np.int64).max // factor
    if len(counts) and not -limit <= counts.min() <= counts.max() <= limit:
        beyond = (counts > limit) | (counts < -limit)
        row = row_from_0(int(rows[int(beyond.argmax())]))
        raise InputError(f"{where}, {row}: {quoted(name)} is no date between 1678 and 2261; correct it")
    return counts * factor


def _of_day(column: Any) -> bool:
    """Tell whether a column of text holds times of day, by its first cell."""
    return bool(len(column)) and is_time_of_day(str(column[0].as_py()))


def _days_and_times(days: Any, times: Any, where: str, rows: RowNumbers, name: str, dates: Dates) -> Times:
    """Join a column of days and a column of times of day to stamps."""
    import pyarrow.compute

    text = pyarrow.string()
    both = pyarrow.compute.binary_join_element_wise(days.cast(text), times.cast(text), " ")
    return _text_dates(both, where, rows, name, dates)


def _text_dates(column: Any, where: str, rows: RowNumbers, name: str, dates: Dates) -> Times:
    import pyarrow.compute

    if column.null_count:
        row = row_from_0(int(rows[column.is_null().to_pylist().index(True)]))
        raise InputError(f"{where}, {row}: {quoted(name)} is empty; remove such rows")
    long = np.asarray(pyarrow.compute.binary_length(column).to_numpy(zero_copy_only=False)) > _LONGEST_DATE
    if long.any():
        row = row_from_0(int(rows[int(long.argmax())]))
        raise InputError(f"{where}, {row}: {quoted(name)} is no date of ISO 8601, and long; correct it")
    return dates.push(column.to_pylist(), lambda row: f"{where}, {row_from_0(int(rows[row]))}")


def _dates(column: Any, where: str, rows: RowNumbers, name: str, dates: Dates) -> Times:
    """Convert dates in a dictionary of text; a text that is too long for a date is refused before it is copied."""
    import pyarrow.compute

    def refuse(row: int, what: str) -> NoReturn:
        raise InputError(f"{where}, {row_from_0(int(rows[row]))}: {quoted(name)} is {what}")

    if column.null_count:
        refuse(column.is_null().to_pylist().index(True), "empty; remove such rows")
    indices = np.asarray(column.indices.to_numpy(zero_copy_only=False), np.int64)
    used, at = np.unique(indices, return_inverse=True)
    entries = column.dictionary.take(pyarrow.array(used))
    long = np.asarray(pyarrow.compute.binary_length(entries).to_numpy(zero_copy_only=False)) > _LONGEST_DATE
    if long.any():
        refuse(int(long[at].argmax()), "no date of ISO 8601, and long; correct it")
    found = entries.to_pylist()
    return dates.push([found[i] for i in at], lambda row: f"{where}, {row_from_0(int(rows[row]))}")
