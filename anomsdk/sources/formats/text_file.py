"""Text as it lies in a file: packed by gzip or not, in whatever encoding, a line at a time."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from anomsdk.errors import InputError

MAX_CSV_LINE = 65_536
"""Characters: a file without line ends must not become one string."""
MAX_FREE_CHARACTERS, MAX_RATIO = 8 << 20, 200
"""What is packed unpacks to so much, or to so many times its size: text of real samples packs to a third or a tenth."""
_SAMPLE = 1 << 16
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def suffix_of(path: Path | str) -> str:
    """The suffix that says what a file is, in small letters; ``.csv.gz`` is one.

    Examples
    --------
    >>> suffix_of("herd/day.1.CSV.gz"), suffix_of("a.tar.gz"), suffix_of("a.npz")
    ('.csv.gz', '.gz', '.npz')
    """
    name = Path(path).name.lower()
    return ".csv.gz" if name.endswith(".csv.gz") else Path(name).suffix


def encoding_of(path: Path, where: str) -> str:
    """The encoding of a text: by its mark, by its zeros where it is UTF-16 without one, else UTF-8 or Windows-1252.

    Raises
    ------
    InputError : it is an archive
    """
    with bytes_of(path) as file:
        start = file.read(_SAMPLE)
    if start.startswith(_ZIP):
        raise InputError(f"{where}: is a .zip archive or a spreadsheet; unpack it, or save it as .csv")
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    head = start[:512]
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) > 8 and head[first::2].count(0) > 0.4 * len(head) / 2 and not head[1 - first :: 2].count(0):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, final=False)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def text_lines(path: Path, encoding: str, where: str, offset: int = 0, first: int = 1) -> Iterator[str]:
    """Lines of a file; one without line ends does not become one string, nor a few bytes a text without end.

    Parameters
    ----------
    offset, first : byte of the text, unpacked, that begins line ``first``

    Raises
    ------
    InputError : a line is too long, or it unpacks to more than any recording does
    """
    most, done = most_unpacked(path), 0
    with bytes_of(path) as raw:
        if offset:
            raw.seek(offset)
        with io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline=None) as file:
            for number, line in enumerate(iter(partial(file.readline, MAX_CSV_LINE), ""), first):
                if len(line) == MAX_CSV_LINE:
                    raise InputError(f"{where}, line {number}: {MAX_CSV_LINE} characters; write one sample a line")
                done += len(line)
                check_unpacked(done, most, where)
                yield line.replace("\0", "?") if "\0" in line else line


def most_unpacked(path: Path) -> int:
    """Bytes that a file may unpack to."""
    return max(MAX_FREE_CHARACTERS, MAX_RATIO * path.stat().st_size)


def check_unpacked(done: int, most: int, where: str) -> None:
    """Refuse a file of which more was unpacked than `most_unpacked`."""
    if done > most:
        raise InputError(f"{where}: unpacks to {MAX_RATIO} times its size, and no recording does; unpack it")


def bytes_of(path: Path) -> Any:
    """Its bytes, unpacked where they are packed, whatever its name says."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path, "rb") if packed else path.open("rb", buffering=0)
