"""What every format hands on: rows of values in blocks, and one way of saying that a file cannot be read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable

Block: TypeAlias = NDArray[np.int16]
Reader: TypeAlias = Callable[[int], Iterator[NDArray[Any]]]

BLOCK_VALUES = 65_536  # int16 values in a block: 128 KiB, whatever the number of columns


@dataclass(frozen=True)
class Stored:
    """Samples as they are stored.

    Parameters
    ----------
    name : what people call it
    where : what messages call it
    rate_hz : rows a second; None when not stored: taken to be the wanted one
    channels : values in a row
    rows : how many there are; None when unknown before reading
    read : read(n) yields blocks (1 to n, channels), in int16 units
    exact : the blocks are int16; float64 otherwise
    notes : what is done to the samples on the way, in words
    """

    name: str
    where: str
    rate_hz: float | None
    channels: int
    rows: int | None
    read: Reader
    exact: bool = True
    notes: tuple[str, ...] = ()


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """What the operating system, zipfile, zlib or libsndfile (a RuntimeError) cannot read is bad input."""
    try:
        yield
    except InputError:
        raise
    except (OSError, EOFError, RuntimeError, ValueError, struct.error, zlib.error, BadZipFile) as error:
        if isinstance(error, UnicodeEncodeError):
            raise InputError(f"{where}: a file name that is not UTF-8 cannot be opened; rename the file") from error
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", None) or error
        raise InputError(f"{where}: cannot be read ({printable(reason)}); check the file or copy it again") from error
