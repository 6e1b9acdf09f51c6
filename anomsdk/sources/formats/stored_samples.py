"""Stored samples, which every format hands on in blocks of rows, and errors for files that cannot be read."""

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
from anomsdk.sources.formats.sound.plausibility import SoundStatistics

Block: TypeAlias = NDArray[np.int16]
Reader: TypeAlias = Callable[[int], Iterator[NDArray[Any]]]

BLOCK_VALUES = 65_536
"""Values in a block, whatever the number of columns: 128 KiB of int16."""


@dataclass(frozen=True)
class StoredRecording:
    """One recording as it is stored in a file.

    Parameters
    ----------
    name : name of the recording for people
    where : name of the recording in messages
    rate_hz : rows per second; None where the file does not say it, and the rate of the plan is assumed
    channels : number of values in a row
    rows : number of rows; None where it is unknown before reading
    read : read(n) yields blocks (m, channels), 1 <= m <= n, in int16 units
    exact : the blocks are int16; float64 otherwise
    notes : what is done to the samples on reading, in words
    odd : what may be a mistake in the file, in words
    statistics : statistics of the samples of a sound file; None where they were not looked at
    start_ns : time of the first sample, as in `anomsdk.sources.Recording`
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
    statistics: SoundStatistics | None = None
    start_ns: int | None = None


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (MemoryError, "it asks for more than there is room for; it is damaged, or cut it into pieces"),
    (UnicodeError, "it is no UTF-8 text"),
    (BadZipFile, "it is no whole .zip archive"),
    (zlib.error, "what is packed in it is damaged"),
    (gzip.BadGzipFile, "what is packed in it is damaged"),
    (EOFError, "it ends too early"),
)
"""Reason that a message gives for an exception: the text of the exception itself may quote the file."""


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """Turn exceptions of the operating system, zipfile, zlib and libsndfile (RuntimeError) into InputError.

    Only texts of the system and of libsndfile are quoted: those of other exceptions may hold bytes of the file.
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
