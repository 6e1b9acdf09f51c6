"""Numpy arrays in .npy files, stored by rows or by columns and read as a stream; nothing is ever unpickled."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES, StoredRecording, refusing

MAX_COLUMN_STREAMS = 64
"""Most columns of an array stored by columns: for each one the file is opened once more and read side by side."""

_LONGEST_HEADER = 10_000
"""Most bytes of a header, as for numpy itself."""


def npy_file(path: Path, name: str, where: str) -> list[StoredRecording]:
    """Check the header and return the recording; no sample is read yet."""
    # Unbuffered: a buffer of Python would keep samples.
    array = StoredArray(where, path.stat().st_size, lambda: path.open("rb", buffering=0))
    return [StoredRecording(name, where, None, array.channels, array.rows, partial(array.read, 0, array.rows))]


class StoredArray:
    """Reads the rows of one array; recordings that are read in order share one pass, so that it is unpacked once.

    Parameters
    ----------
    where : name of the array in messages
    size : size of the .npy in bytes
    open_stream : opens the .npy at its first byte
    any_number : accept all integers and floats; otherwise only int16
    """

    def __init__(
        self, where: str, size: int, open_stream: Callable[[], IO[bytes]], *, any_number: bool = False
    ) -> None:
        self._where, self._open_stream = where, open_stream
        with open_stream() as stream:
            shape, self.dtype, by_column = array_layout(stream, size, where)
            self._data_start = stream.tell()
        if any_number and (self.dtype.kind not in "iuf" or self.dtype.itemsize > 8):
            raise InputError(f"{where}: {quoted(self.dtype)} values; save integers or floats of at most 64 bits")
        if not any_number and self.dtype.str != "<i2":
            how = ", multiply by 32768 where full scale is 1.0" if self.dtype.kind == "f" else ""
            raise InputError(f"{where}: {quoted(self.dtype)} values; convert to little-endian int16{how}")
        if len(shape) not in (1, 2):
            raise InputError(f"{where}: {len(shape)} dimensions; save it as (n,) or (n, columns)")
        if math.prod(shape) == 0:
            raise InputError(f"{where}: it holds no samples; record it again or leave it out")
        self.rows, self.channels = shape[0], shape[1] if len(shape) == 2 else 1
        if by_column and self.channels > MAX_COLUMN_STREAMS:
            raise InputError(f"{where}: {self.channels} columns, stored by columns; save numpy.ascontiguousarray of it")
        # Contiguous runs of values, each read by a stream of its own: one in all, or one for each column.
        self._runs = self.channels if by_column else 1
        self._parked: tuple[int, list[IO[bytes]]] | None = None

    def read(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        """Yield rows ``start`` to ``stop - 1`` in blocks (n, channels), n <= ``rows``: int16, or else float64."""
        with refusing(self._where), ExitStack() as closing:
            streams = self._take_parked(start) or [self._open_run(run, start, closing) for run in range(self._runs)]
            for stream in streams:
                closing.callback(stream.close)
            for row in range(start, stop, rows):
                n = min(stop, row + rows) - row
                parts = [self._values(stream, n, row) for stream in streams]
                block = parts[0] if self._runs == 1 else np.concatenate(parts, axis=1)
                yield block.astype(np.int16 if self.dtype.str[1:] == "i2" else np.float64, copy=False)
            if stop < self.rows:
                self._parked = (stop, streams)
                closing.pop_all()

    def _open_run(self, run: int, row: int, closing: ExitStack) -> IO[bytes]:
        """Open a stream that stands at one row of one run."""
        stream = closing.enter_context(self._open_stream())
        skip = self._data_start + (run * self.rows + row) * self._row_bytes
        scratch = np.empty(min(skip, 2 * BLOCK_VALUES), np.uint8)
        while skip and (skipped := _filled(stream, scratch[:skip])):
            skip -= skipped  # read, not sought: zipfile would seek in steps of 16 MiB
        return stream

    def _values(self, stream: IO[bytes], n: int, row: int) -> NDArray[Any]:
        """Read the values of ``n`` rows of one run, of which the first is ``row``."""
        values = np.empty((n, self._row_bytes // self.dtype.itemsize), self.dtype)
        if _filled(stream, values.reshape(-1).view(np.uint8)) != n * self._row_bytes:
            raise InputError(f"{self._where}: cut off after row {row}; copy or save it again")
        return values

    @property
    def _row_bytes(self) -> int:
        """Bytes of one row in one run."""
        return self.dtype.itemsize * self.channels // self._runs

    def _take_parked(self, row: int) -> list[IO[bytes]] | None:
        """Return the streams that the recording before left open if they stand at ``row``; close them otherwise."""
        parked, self._parked = self._parked, None
        if parked is not None and parked[0] != row:
            for stream in parked[1]:
                stream.close()
            return None
        return None if parked is None else parked[1]


def _filled(stream: IO[bytes], room: NDArray[np.uint8]) -> int:
    """Read until memory is full or the stream ends; return the number of bytes that were read."""
    done = 0
    while done < len(room) and (count := stream.readinto(room[done:])):  # type: ignore[attr-defined]
        done += count
    return done


def array_header(stream: IO[bytes], size: int, where: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and type of a small array in a .npy of ``size`` bytes; the stream is left at the first value."""
    shape, dtype, by_column = array_layout(stream, size, where)
    if by_column:
        raise InputError(f"{where}: stored by columns; save numpy.ascontiguousarray of it")
    return shape, dtype


def array_layout(stream: IO[bytes], size: int, where: str) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Return shape, type and whether an array is stored by columns; the stream is left at the first value."""
    npy: Any = np.lib.format
    readers = {(1, 0): (2, npy.read_array_header_1_0), (2, 0): (4, npy.read_array_header_2_0)}
    try:
        length_bytes, reader = readers[npy.read_magic(stream)]
        length = stream.read(length_bytes)
        n = int.from_bytes(length, "little")
        if n > _LONGEST_HEADER:  # read() would allocate whatever the file claims, up to 4 GB
            raise ValueError(f"a header of {n} bytes")
        shape, by_column, dtype = reader(io.BytesIO(length + stream.read(n)))
    except Exception as error:  # the header is a Python literal, and parsing a damaged one can raise almost anything
        raise InputError(f"{where}: no .npy array, or a damaged one; write it with numpy.save") from error
    if dtype.hasobject:
        raise InputError(f"{where}: Python objects are never unpickled; convert them to little-endian int16")
    wanted, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if not all(type(n) is int for n in shape):  # numpy's reader lets True pass
        raise InputError(f"{where}: a shape of {quoted(shape)}, which is not of whole numbers; copy or save it again")
    if min(shape, default=0) < 0 or wanted != there:
        raise InputError(f"{where}: {there} bytes of values, not the {wanted} of its shape; copy or save it again")
    return shape, dtype, bool(by_column) and len(shape) > 1
