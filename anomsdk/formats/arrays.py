"""Arrays of numpy, .npy: int16 rows, read as a stream; nothing is ever unpickled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from anomsdk.errors import InputError, printable
from anomsdk.formats.stored import BLOCK_VALUES, Block, Stored, refusing


def npy_file(path: Path, name: str, where: str) -> list[Stored]:
    """Check the header; no sample is read yet."""
    array = StoredArray(where, path.stat().st_size, lambda: path.open("rb"))
    return [Stored(name, where, None, array.channels, array.rows, partial(array.read, 0, array.rows))]


class StoredArray:
    """Rows of one int16 array; consecutive recordings share one pass: a compressed one is unpacked once."""

    _parked: tuple[int, IO[bytes]] | None = None

    def __init__(self, where: str, size: int, open_stream: Callable[[], IO[bytes]]) -> None:
        self._where, self._open_stream = where, open_stream
        with open_stream() as stream:
            shape, dtype = array_header(stream, size, where)
            self._data_start = stream.tell()
        if dtype.str != "<i2":
            raise InputError(f"{where}: {printable(dtype)} values; convert to little-endian int16")
        if len(shape) not in (1, 2):
            raise InputError(f"{where}: {len(shape)} dimensions; save it as (n,) or (n, columns)")
        if math.prod(shape) == 0:
            raise InputError(f"{where}: there are no samples in it; record it again or leave it out")
        self.rows, self.channels = shape[0], shape[1] if len(shape) == 2 else 1

    def read(self, start: int, stop: int, rows: int) -> Iterator[Block]:
        """Rows start to stop as blocks of at most `rows`, int16 (n, channels)."""
        row_bytes = 2 * self.channels
        with refusing(self._where), ExitStack() as closing:
            parked = self._take_parked(start)
            stream = closing.enter_context(parked or self._open_stream())
            skip = 0 if parked else self._data_start + start * row_bytes
            while skip and (skipped := len(stream.read(min(skip, 2 * BLOCK_VALUES)))):
                skip -= skipped  # read, not sought: zipfile would seek in steps of 16 MiB
            for row in range(start, stop, rows):
                wanted = (min(stop, row + rows) - row) * row_bytes
                data = stream.read(wanted)
                if len(data) != wanted:
                    raise InputError(f"{self._where}: cut off after row {row}; copy or save it again")
                yield np.frombuffer(data, "<i2").reshape(-1, self.channels).astype(np.int16)
            if stop < self.rows:
                self._parked = (stop, stream)
                closing.pop_all()

    def _take_parked(self, row: int) -> IO[bytes] | None:
        """The stream left open by the recording before, if it stands at `row`; if not, it closes here."""
        parked, self._parked = self._parked, None
        return parked[1] if parked is not None and parked[0] == row else None


def array_header(stream: IO[bytes], size: int, where: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of the array in a .npy of `size` bytes; the stream is left at the first value."""
    npy: Any = np.lib.format
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        shape, by_column, dtype = readers[npy.read_magic(stream)](stream)
    except Exception as error:  # the header is a Python literal: a damaged one can raise almost anything
        raise InputError(f"{where}: no .npy array, or a damaged one; use numpy.save") from error
    if dtype.hasobject:
        raise InputError(f"{where}: Python objects are never unpickled; convert to little-endian int16")
    if by_column and len(shape) > 1:
        raise InputError(f"{where}: stored by columns; save numpy.ascontiguousarray of it")
    wanted, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or wanted != there:
        raise InputError(f"{where}: {there} bytes of values, not {wanted}; copy or save it again")
    return shape, dtype
