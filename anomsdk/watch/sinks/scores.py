"""Score files: a .npy that grows while recordings are watched, and a .npz with one array for each recording.

Both are written as a whole or not at all, and replace nothing but a file of scores.
"""

from __future__ import annotations

import io
import os
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast
from anomsdk.errors import InputError, printable
from anomsdk.utils.files import unwritable, write_atomically

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""Date of all members of a .npz, the earliest that a .zip can hold: the same scores give the same bytes."""
_MARK = b"anomsdk scores"
"""Comment of a .npz that holds scores; behind it, after a space, the beginning of the score_id that they are of."""
_TAG_DIGITS = 16


def check_scores_place(path: Path, suffix: str = ".npz") -> None:
    """Refuse a path that scores cannot be written to, before anything is scored.

    Parameters
    ----------
    path : file to write
    suffix : ".npz" or ".npy", the format to write

    Raises
    ------
    InputError : the name has another suffix, its folder is missing, or the file exists and holds no scores
    """
    where = printable(path)
    if path.suffix != suffix:
        raise InputError(f"{where}: scores are written as {suffix} here; give a name that ends in {suffix}")
    if not path.parent.is_dir():
        raise InputError(f"{where}: there is no folder {printable(path.parent)}; make it first")
    if path.exists() and not (is_scores_npz(path) if suffix == ".npz" else _is_scores_npy(path)):
        raise InputError(f"{where}: exists and holds no scores; choose another name, or move it away")


class ScoresFile:
    """Writer of a .npy of uint32 whose length is known only at the end.

    The scores are written beside the place of the file. The header with their number comes last, and then the file is
    put in place.

    Parameters
    ----------
    path : file to write; must end in .npy

    Raises
    ------
    InputError : see `check_scores_place`, or the folder cannot be written to
    """

    def __init__(self, path: Path) -> None:
        check_scores_place(path, ".npy")
        self._path, self._n = path.resolve(), 0  # a link stays a link
        try:
            handle, self._temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name[:64]}.")
        except OSError as error:
            raise unwritable(self._path, error) from None
        self._file: IO[bytes] = os.fdopen(handle, "wb")
        self._file.write(_npy_header(0))

    def append(self, scores: list[int]) -> None:
        """Write more scores."""
        self._write(checked_cast(scores, "<u4", "scores").tobytes())
        self._n += len(scores)

    def take_back(self, n: int) -> None:
        """Drop the last ``n`` scores."""
        self._n -= n
        self._file.seek(-4 * n, os.SEEK_END)
        self._file.truncate()

    def close(self, complete: bool) -> None:
        """Put the file in place, or drop it if it is not ``complete``."""
        temporary = Path(self._temporary)
        try:
            if complete:
                self._file.seek(0)
                self._write(_npy_header(self._n))
                self._file.flush()
                os.fsync(self._file.fileno())
                temporary.chmod(0o644)
                temporary.replace(self._path)
        except OSError as error:
            raise unwritable(self._path, error) from None
        finally:
            with suppress(OSError):  # a full disk was reported already
                self._file.close()
            temporary.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise unwritable(self._path, error) from None


def write_scores(scores: Mapping[str, NDArray[np.uint32]], path: Path, score_id: str = "") -> None:
    """Write scores as a .npz, one array for each recording under its name.

    Parameters
    ----------
    scores : name of the recording -> uint32 (ticks,), as `anomsdk.watch.score_files.score_files` returns them
    path : file to write, replaced as a whole; must end in .npz
    score_id : of the plan that gave the scores, so that `score_tag_in` can tell it; empty: none

    Raises
    ------
    InputError : see `check_scores_place`, or the file cannot be written
    """
    check_scores_place(path)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.comment = b" ".join([_MARK, score_id[:_TAG_DIGITS].encode("ascii")] if score_id else [_MARK])
        for name, values in scores.items():
            member = io.BytesIO()
            np.save(member, checked_cast(values, "<u4", name))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _FIRST_DAY), member.getvalue())
    write_atomically(path.resolve(), data.getvalue())  # a link stays a link


def is_scores_npz(path: Path) -> bool:
    """Recognise a .npz that an earlier run may have written."""
    return score_tag_in(path) is not None


def score_tag_in(path: Path) -> str | None:
    """Return the first 16 hex digits of the score_id of a .npz of scores; empty: it has none; None: no such file."""
    try:
        with zipfile.ZipFile(path) as archive:
            mark, space, tag = archive.comment.partition(_MARK)
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        return None
    if mark or not space or tag[:1] not in (b"", b" "):
        return None
    return printable(tag[1:].decode("ascii", "replace"))


def _is_scores_npy(path: Path) -> bool:
    """Recognise a .npy that an earlier run may have written."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(128)
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read: {error.strerror}; choose another name") from None
    return head[:10] == _npy_header(0)[:10] and head[10:].startswith(_npy_header(0)[10:24])


def _npy_header(n: int) -> bytes:
    """Make the header of a .npy of ``n`` uint32, always 128 bytes. Format: numpy.lib.format, version 1.0."""
    text = f"{{'descr': '<u4', 'fortran_order': False, 'shape': ({n},), }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.ljust(117).encode("ascii") + b"\n"
