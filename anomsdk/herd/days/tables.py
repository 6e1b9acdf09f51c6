"""Tables of diaries: rows of many devices, read batch by batch from Parquet and CSV.

A row has the name of the device, the time at which its slot begins, and the columns of the diary. A file without a
column ``device`` is named by its device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.days import MISSING
from anomsdk.errors import InputError, printable, quoted

DEVICE, TIME = "device", "time"
SUFFIXES = (".parquet", ".csv")
_BATCH_ROWS = 1 << 19
_BLOCK_BYTES = 1 << 24
_LATEST_S = 32_503_680_000
"""Seconds from 1970 to the year 3000: a number above it counts ms or less."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of a table.

    Parameters
    ----------
    names : names of the devices that occur, an Arrow array of strings
    codes : (n,), index in ``names``
    times_s : (n,), seconds since 1970 of the wall clock
    values : int16 (n, columns), -32768: missing
    """

    names: Any
    codes: NDArray[np.int64]
    times_s: NDArray[np.int64]
    values: NDArray[np.int16]


def table_files(source: Path) -> list[Path]:
    """List the tables of a folder, or the one table.

    Raises
    ------
    InputError : there is none, or two files of the folder are named by one device
    """
    where = printable(source)
    if source.is_file():
        if source.suffix.lower() not in SUFFIXES:
            raise InputError(f"{where}: is no .parquet or .csv; export the diaries as one of them")
        return [source]
    if not source.is_dir():
        raise InputError(f"{where}: no such file or folder; check the path")
    files = sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise InputError(f"{where}: holds no .parquet and no .csv; give the folder with the diaries")
    return files


def read_batches(files: Sequence[Path], columns: Sequence[str]) -> Iterator[tuple[int, Batch]]:
    """Read tables.

    Parameters
    ----------
    files : .parquet or .csv
    columns : columns of the diary in the order of the plan

    Yields
    ------
    index of the file, rows

    Raises
    ------
    InputError : a file cannot be read, lacks a column, or holds a value that no diary can have; two files without a
        column ``device`` have one name
    """
    stems: dict[str, Path] = {}
    for index, path in enumerate(files):
        for names, batch in _arrow_batches(path, columns):
            if DEVICE not in names and stems.setdefault(path.stem, path) != path:
                raise InputError(
                    f"{printable(path)}: {printable(stems[path.stem].name)} is of the same device; keep one of them, "
                    "or rename one"
                )
            yield index, _batch(path, batch, columns, DEVICE in names)


def _arrow_batches(path: Path, columns: Sequence[str]) -> Iterator[tuple[list[str], Any]]:
    """Read the columns of a file; its schema is checked first."""
    try:
        import pyarrow as pa
        from pyarrow import csv
        from pyarrow import parquet as pq
    except ImportError:
        raise InputError(
            "days: needs pyarrow, which is not installed; install it with: pip install 'anomsdk[parquet]'"
        ) from None
    try:
        if path.suffix.lower() == ".parquet":
            names = pq.read_schema(path).names
            with pq.ParquetFile(path, read_dictionary=[DEVICE] if DEVICE in names else None) as file:
                _check_columns(path, names, columns)
                wanted = [name for name in (DEVICE, TIME, *columns) if name in names]
                for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
                    yield names, batch
            return
        with path.open("rb") as lines:
            names = next(iter(lines), b"").decode("utf-8-sig", "replace").strip().replace('"', "").split(",")
        _check_columns(path, names, columns)
        wanted = [name for name in (DEVICE, TIME, *columns) if name in names]
        reader = csv.open_csv(
            path,
            csv.ReadOptions(block_size=_BLOCK_BYTES),
            convert_options=csv.ConvertOptions(
                include_columns=wanted,
                column_types={DEVICE: pa.string(), **dict.fromkeys(columns, pa.float64())},
            ),
        )
        for batch in reader:
            yield names, batch
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        kind = "Parquet file" if path.suffix.lower() == ".parquet" else "CSV table of such columns"
        first = quoted(str(error).splitlines()[0] if str(error) else type(error).__name__, 120)
        raise InputError(f"{printable(path)}: is no whole {kind} ({first}); export it again") from None


def _check_columns(path: Path, names: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in (TIME, *columns) if name not in names]
    if missing:
        there = ", ".join(quoted(name, 24) for name in names[:8])
        raise InputError(
            f"{printable(path)}: has no column {', '.join(missing)}, only {there}; give rows with the columns of the "
            f"plan: {', '.join((TIME, *columns))}"
        )


def _batch(path: Path, batch: Any, columns: Sequence[str], has_device: bool) -> Batch:
    import pyarrow as pa

    if batch.column(TIME).null_count:
        batch = batch.filter(batch.column(TIME).is_valid())
    times = _seconds(path, batch.column(TIME))
    if has_device:
        names, codes = _devices(path, batch)
    else:
        names, codes = pa.array([path.stem]), np.zeros(len(times), np.int64)
    values = np.empty((len(times), len(columns)), np.int16)
    for at, name in enumerate(columns):
        values[:, at] = _counts(path, name, batch.column(name))
    return Batch(names, codes, times, values)


def _devices(path: Path, batch: Any) -> tuple[Any, NDArray[np.int64]]:
    import pyarrow as pa

    column = batch.column(DEVICE)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if column.indices.null_count or column.dictionary.null_count:
        raise InputError(f"{printable(path)}: a row has no name in the column {DEVICE}; name each row's device")
    return column.dictionary.cast(pa.string()), np.asarray(column.indices).astype(np.int64)


def _seconds(path: Path, column: Any) -> NDArray[np.int64]:
    """Convert times to seconds of the wall clock."""
    import pyarrow as pa
    import pyarrow.compute as pc

    where = f"{printable(path)}: the column {TIME}"
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        seconds = np.floor(np.asarray(column.to_numpy(zero_copy_only=False))).astype(np.int64)
        if len(seconds) and int(seconds.max()) > _LATEST_S:
            raise InputError(f"{where} counts no seconds since 1970; convert it, or write dates")
        return seconds
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = pc.local_timestamp(column)
    try:
        stamps = column.cast(pa.timestamp("s"), safe=False)
    except pa.ArrowException:
        raise InputError(f"{where} is no time; write 2026-05-01T13:00:00, or seconds since 1970") from None
    return np.asarray(stamps.cast(pa.int64()))


def _counts(path: Path, name: str, column: Any) -> NDArray[np.int16]:
    """Convert a column to int16; null, NaN and -1 are missing."""
    import pyarrow as pa

    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise InputError(f"{printable(path)}: the column {name} holds no numbers; export counts")
    if not column.null_count and column.type == pa.int16():
        found = np.asarray(column)
    else:
        stored = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
        found = np.where(np.isnan(stored), MISSING, np.rint(stored))
    low, high = (int(found.min()), int(found.max())) if len(found) else (0, 0)
    if high > 32767 or low < MISSING:
        raise InputError(
            f"{printable(path)}: {high if high > 32767 else low} in the column {name} is beyond int16; scale the "
            "values as those that the plan learnt from"
        )
    if low < 0:
        wrong = found[(found < -1) & (found != MISSING)]
        if len(wrong):
            raise InputError(
                f"{printable(path)}: {int(wrong[0])} in the column {name} is below 0; a diary counts from 0, and -1 is "
                "missing"
            )
        found = np.where(found < 0, MISSING, found)
    return found.astype(np.int16)
