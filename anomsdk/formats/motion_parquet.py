"""Motion in a .parquet: a column of time and one an axis. Extra `parquet`: pip install 'anomsdk[parquet]'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable
from anomsdk.formats.motion import row_from_0
from anomsdk.formats.motion_csv import dates
from anomsdk.formats.stored import refusing
from anomsdk.formats.table import BATCH_ROWS, Table, Times


def parquet_table(path: Path, name: str, where: str) -> Table:
    """Check the header; no row is read yet.

    Raises
    ------
    InputError : pyarrow is missing, or cannot read it
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise InputError(f"{where}: needs pyarrow; pip install 'anomsdk[parquet]', or write a .csv") from None
    with refusing(where), pyarrow.parquet.ParquetFile(path) as file:
        names = tuple(map(str, file.schema_arrow.names))
    return Table(name, where, names, partial(_read, path, where, names), row_from_0)


def _read(
    path: Path, where: str, names: tuple[str, ...], time: int, columns: Sequence[int]
) -> Iterator[tuple[Times, NDArray[np.float64]]]:
    import pyarrow.parquet

    done = 0
    wanted = [names[column] for column in (time, *columns)]
    with refusing(where), pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
            if not len(batch):
                continue
            stamps = _stamps(batch.column(wanted[0]), where, done, wanted[0])
            values = [_numbers(batch.column(each), where, done, each) for each in wanted[1:]]
            done += len(batch)
            yield stamps, np.stack(values, axis=1)


def _numbers(column: Any, where: str, done: int, name: str) -> NDArray[np.float64]:
    import pyarrow

    if not (pyarrow.types.is_integer(column.type) or pyarrow.types.is_floating(column.type)):
        raise InputError(f"{where}: {printable(name)} is {printable(column.type)}, no numbers; convert it")
    found = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
    if not np.isfinite(found).all():
        row = row_from_0(done + int((~np.isfinite(found)).argmax()))
        raise InputError(
            f"{where}, {row}: {printable(name)} is empty or no number; remove such rows: the gap is found by the time"
        )
    return found


def _stamps(column: Any, where: str, done: int, name: str) -> Times:
    import pyarrow

    types = pyarrow.types
    if types.is_string(column.type) or types.is_large_string(column.type):
        text = [each or "" for each in column.to_pylist()]
        return dates(text, [f"{where}, {row_from_0(done + i)}" for i in range(len(text))], name)
    if not types.is_timestamp(column.type):
        return _numbers(column, where, done, name)
    if column.null_count:
        row = row_from_0(done + column.is_null().to_pylist().index(True))
        raise InputError(f"{where}, {row}: {printable(name)} is empty; remove such rows")
    nanoseconds = column.cast(pyarrow.timestamp("ns", column.type.tz)).cast(pyarrow.int64())
    return np.asarray(nanoseconds.to_numpy(zero_copy_only=False), np.int64)
