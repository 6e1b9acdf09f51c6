"""Parts of a data set: its Parquet files, which are written under a name of their own until they are committed."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomsdk.datasets.device_day import DeviceDay, table_of
from anomsdk.datasets.schema import Facts, import_pyarrow
from anomsdk.utils.files import unwritable

PENDING = ".tmp"
"""Suffix of a file that is not committed yet."""


@dataclass(frozen=True)
class Part:
    """File of a data set.

    Parameters
    ----------
    name : path below the folder of the data set, with / between its parts
    rows : number of rows
    size : bytes
    """

    name: str
    rows: int
    size: int


class PartWriter:
    """Writer of parts, in any thread; each has a number of its own.

    Parameters
    ----------
    folder : of the data set
    facts : about its plan
    number : of the next part
    """

    def __init__(self, folder: Path, facts: Facts, number: int) -> None:
        self._folder, self._facts, self._number = folder, facts, number
        self._lock = threading.Lock()

    def write(self, partition: str, rows: Sequence[DeviceDay]) -> Part:
        """Write rows of one day to a pending file, sorted by device and start, and make sure that they are stored.

        Raises
        ------
        InputError : the file cannot be written; nothing of it is left
        """
        ordered = sorted(rows, key=lambda row: (row.device, row.start_us or 0, row.first))
        return self.write_table(partition, table_of(ordered, self._facts))

    def write_table(self, partition: str, table: Any) -> Part:
        """Write a pyarrow table of rows of one day, as `write` writes rows."""
        with self._lock:
            number, self._number = self._number, self._number + 1
        name = f"{partition}/part-{number:05d}.parquet"
        return write_pending(self._folder, name, _parquet(table), table.num_rows)

    def drop(self, part: Part) -> None:
        """Remove a pending file."""
        pending = self._folder / f"{part.name}{PENDING}"
        with suppress(OSError):
            pending.unlink(missing_ok=True)
        with suppress(OSError):
            pending.parent.rmdir()


def write_pending(folder: Path, name: str, data: bytes | memoryview, rows: int = 0) -> Part:
    """Write a pending file of a data set, and make sure that it is stored.

    Parameters
    ----------
    folder : of the data set
    name : of the file once it is committed, below the folder
    data : its bytes
    rows : number of rows in it

    Raises
    ------
    InputError : the file cannot be written; nothing of it is left
    """
    pending = folder / f"{name}{PENDING}"
    try:
        pending.parent.mkdir(parents=True, exist_ok=True)
        with pending.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        with suppress(OSError):
            pending.unlink(missing_ok=True)
        with suppress(OSError):
            pending.parent.rmdir()  # if no other file is in it
        if isinstance(error, OSError):
            raise unwritable(pending, error) from None
        raise
    return Part(name, rows, len(data))


def _parquet(table: Any) -> memoryview:
    """Make the bytes of a Parquet file."""
    pyarrow = import_pyarrow("data set")
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=["device", "recording", "score_id"],
        write_page_checksum=True,
    )
    return memoryview(sink.getvalue())


def stored(folder: Path) -> None:
    """Make sure that the names in a folder are stored; systems that cannot open folders store them by themselves."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
