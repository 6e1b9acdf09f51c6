"""Text files read line by line: their encoding, and unpacking with gzip in bounded memory."""

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
"""Most characters of a line: a file without line ends must not become one string."""
MAX_FREE_CHARACTERS, MAX_RATIO = 8 << 20, 200
"""Largest size of an unpacked text, in characters and in multiples of its file; real samples pack to 1/3 or 1/10."""
_SAMPLE = 1 << 16
"""Bytes from which the encoding is found."""
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def suffix_of(path: Path | str) -> str:
    """Return the suffix of a file name in small letters; ``.csv.gz`` counts as one.

    Examples
    --------
    >>> suffix_of("herd/day.1.CSV.gz"), suffix_of("a.tar.gz"), suffix_of("a.npz")
    ('.csv.gz', '.gz', '.npz')
    """
    name = Path(path).name.lower()
    return ".csv.gz" if name.endswith(".csv.gz") else Path(name).suffix


def encoding_of(path: Path, where: str) -> str:
    """Find the encoding of a text: by its byte order mark, by the zeros of UTF-16, else UTF-8 or Windows-1252.

    Raises
    ------
    InputError : the file is a .zip archive
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
    """Yield the lines of a file, which is unpacked on the way; memory and total length are bounded.

    Parameters
    ----------
    offset, first : byte of the unpacked text at which reading begins, and the number of the line there

    Raises
    ------
    InputError : a line is longer than `MAX_CSV_LINE`, or the file unpacks to more than `most_unpacked`
    """
    most, done = most_unpacked(path), 0
    with bytes_of(path) as raw:
        if offset:
            raw.seek(offset)
        with io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline=None) as file:
            for number, line in enumerate(iter(partial(file.readline, MAX_CSV_LINE), ""), first):
                if len(line) == MAX_CSV_LINE:
                    advice = "write one sample per line"
                    raise InputError(f"{where}, line {number}: {MAX_CSV_LINE} characters or more; {advice}")
                done += len(line)
                check_unpacked(done, most, where)
                yield line.replace("\0", "?") if "\0" in line else line


def most_unpacked(path: Path) -> int:
    """Return the number of bytes that a file may unpack to."""
    return max(MAX_FREE_CHARACTERS, MAX_RATIO * path.stat().st_size)


def check_unpacked(done: int, most: int, where: str) -> None:
    """Refuse a file of which more than `most_unpacked` was unpacked."""
    if done > most:
        raise InputError(f"{where}: unpacks to over {MAX_RATIO} times its size, as no recording does; unpack it first")


def bytes_of(path: Path) -> Any:
    """Open a file for reading bytes, and unpack it if it is a gzip file, whatever its name says."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path, "rb") if packed else path.open("rb", buffering=0)
