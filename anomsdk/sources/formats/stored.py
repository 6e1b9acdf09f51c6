"""What every format hands on: rows of values in blocks, and one way of saying that a file cannot be read."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.sources.formats.plausibility import Look

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
    odd : what is odd about the file, and may be a mistake, in words
    look : what was seen of the samples of a sound file; None where nobody looked
    """

    name: str
    where: str
    rate_hz: float | None
    channels: int
    rows: int | None
    read: Reader
    exact: bool = True
    notes: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    look: Look | None = None


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (MemoryError, "it asks for more than there is room for; it is damaged, or cut it into pieces"),
    (UnicodeError, "it is no UTF-8 text"),
    (BadZipFile, "it is no whole .zip archive"),
    (zlib.error, "what is packed in it is damaged"),
    (gzip.BadGzipFile, "what is packed in it is damaged"),
    (EOFError, "it ends too early"),
)
"""What is said of a file by the exception that it raised: the exceptions' own words may quote the file."""


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """What the operating system, zipfile, zlib or libsndfile (a RuntimeError) cannot read is bad input.

    Of the reasons, only the system's and libsndfile's are printed: others may hold bytes of the file.
    """
    try:
        yield
    except InputError:
        raise
    except (OSError, EOFError, MemoryError, RuntimeError, ValueError, struct.error, zlib.error, BadZipFile) as error:
        if isinstance(error, UnicodeEncodeError):
            raise InputError(f"{where}: a file name that is not UTF-8 cannot be opened; rename the file") from error
        said = getattr(error, "strerror", None) or getattr(error, "error_string", None)
        by_kind = (words for kind, words in _REASONS if isinstance(error, kind))
        reason = said if isinstance(said, str) else next(by_kind, "it is damaged, or of another kind")
        raise InputError(f"{where}: cannot be read ({reason}); check the file or copy it again") from error
