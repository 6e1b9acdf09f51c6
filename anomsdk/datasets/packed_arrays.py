"""Arrays as compressed bytes, for the state that the commits of a data set keep."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.datasets.schema import import_pyarrow
from anomsdk.errors import InputError, printable

_SIZE = struct.Struct("<Q")


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Compress named arrays."""
    data = io.BytesIO()
    np.savez(data, **arrays)
    plain = data.getvalue()
    return _SIZE.pack(len(plain)) + bytes(import_pyarrow("data set").compress(plain, codec="zstd", asbytes=True))


def unpacked(data: bytes, where: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of `packed`.

    Raises
    ------
    InputError : the bytes are damaged
    """
    pyarrow = import_pyarrow(where)
    try:
        plain = pyarrow.decompress(data[_SIZE.size :], _SIZE.unpack_from(data)[0], codec="zstd", asbytes=True)
        with np.load(io.BytesIO(plain), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, struct.error, zipfile.BadZipFile, pyarrow.ArrowException):
        raise InputError(f"{where}: is damaged; gather into a new folder") from None


def read_packed(path: Path) -> dict[str, NDArray[Any]]:
    """Read a file of `packed` arrays.

    Raises
    ------
    InputError : the file cannot be read, or is damaged
    """
    where = printable(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "the system refuses"
        raise InputError(f"{where}: cannot be read: {reason}; gather into a new folder") from None
    return unpacked(data, where)
