"""Rows of delimited text: read many at once where the text is plain, else one by one with the csv module."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.sources.formats.tables.dialect import Dialect, cells_of
from anomsdk.sources.formats.tables.numbers import Bytes
from anomsdk.sources.formats.text_file import MAX_CSV_LINE, bytes_of, check_unpacked, most_unpacked, text_lines

PIECE_BYTES = 1 << 19
"""Bytes that are read from the file at once."""
_OF_BYTES = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "cp1252": "cp1252"}
"""Encodings in which an ASCII byte always means that character, and the encoding of the text after its first line."""
_NEWLINE, _RETURN, _QUOTE, _SPACE, _TAB = b'\n\r" \t'

Rows: TypeAlias = Iterator[tuple[int, list[str]]]
"""Line number and cells of each row."""


@dataclass(frozen=True)
class Cells:
    """The places of all cells in one piece of text, whose lines are rows with as many cells as there are headings.

    Parameters
    ----------
    data : uint8, the text; its memory is used again for the next piece
    starts, ends : int64 (rows, columns), first byte of each cell, and the byte after its last one
    line : line number of the first row, from 1
    """

    data: Bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    line: int

    def column(self, at: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the cells of one column begin and end, without blanks around them: two int64 (rows,)."""
        starts, ends = self.starts[:, at].copy(), self.ends[:, at].copy()
        while (blank := (starts < ends) & _blank(self.data[np.minimum(starts, len(self.data) - 1)])).any():
            starts += blank
        while (blank := (starts < ends) & _blank(self.data[ends - 1])).any():
            ends -= blank
        return starts, ends


def _blank(data: Bytes) -> NDArray[np.bool_]:
    """Tell which bytes are blanks."""
    return (data == _SPACE) | (data == _TAB)


def rows_of(path: Path, where: str, dialect: Dialect) -> Rows:
    """Yield line number and cells of each row below the headings; empty lines are skipped."""
    return _rows(islice(text_lines(path, dialect.encoding, where), dialect.skip, None), dialect, dialect.skip)


def pieces_of(path: Path, where: str, dialect: Dialect) -> Iterator[Cells | Rows]:
    """Yield all rows below the headings in pieces; each piece must be used up before the next one is taken."""
    if dialect.encoding not in _OF_BYTES or dialect.delimiter == " ":
        yield rows_of(path, where, dialect)
        return
    most, encoding = most_unpacked(path), _OF_BYTES[dialect.encoding]
    with bytes_of(path) as file:
        offset = _first_row(file, dialect)
        if offset is None:
            yield rows_of(path, where, dialect)
            return
        line, held = dialect.skip + 1, 0
        data = np.empty(PIECE_BYTES + 1, np.uint8)
        file.seek(offset)
        try:
            while True:
                n = held + _filled(file, data[held:PIECE_BYTES])
                check_unpacked(offset + n, most, where)
                over = n < PIECE_BYTES
                newlines = np.flatnonzero(data[:n] == _NEWLINE)
                stop = n if over else int(newlines[-1]) + 1 if len(newlines) else 0
                if not n:
                    return
                if over and data[n - 1] != _NEWLINE:
                    data[n] = _NEWLINE
                    stop = n + 1
                piece = data[:stop]
                cells = _cells(piece, dialect, line) if stop else None
                if cells is not None:
                    yield cells
                    line += len(cells.starts)
                elif not stop or _needs_all(piece):
                    yield _rest(path, where, dialect, offset, line)
                    return
                else:
                    text = piece.tobytes().decode(encoding, "replace")
                    lines = io.StringIO(text, newline="\n")  # one at a time: each takes the memory of the one before
                    yield _rows(_checked(lines, where, line), dialect, line - 1)
                    line += int((piece == _NEWLINE).sum())
                if over:
                    return
                offset += stop
                held = n - stop
                data[:held] = data[stop:n].copy()
        finally:
            data.fill(0)  # also where an error that is kept keeps the array


def _filled(file: IO[bytes], room: Bytes) -> int:
    """Read until memory is full or the file ends; return the number of bytes that were read."""
    done = 0
    while done < len(room) and (count := file.readinto(room[done:])):  # type: ignore[attr-defined]
        done += count
    return done


def _first_row(file: IO[bytes], dialect: Dialect) -> int | None:
    """Return the byte at which the first row of numbers begins; None where lines end with a carriage return alone."""
    head = file.read(PIECE_BYTES)
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    for _ in range(dialect.skip):
        at = head.find(b"\n", at) + 1
        if not at:
            return None
    return None if b"\r" in head[:at].replace(b"\r\n", b"") else at


def _cells(piece: Bytes, dialect: Dialect, line: int) -> Cells | None:
    """Find all cells of a piece; None where quotes, line ends or the number of cells are not plain."""
    delimiter, width = ord(dialect.delimiter), len(dialect.names)
    if (piece == _QUOTE).any():
        return None
    at = np.flatnonzero((piece == delimiter) | (piece == _NEWLINE))
    rows = len(at) // width
    if len(at) != rows * width:
        return None
    at = at.reshape(rows, width)
    last = at[:, -1]
    if (piece[last] != _NEWLINE).any() or (piece[at[:, :-1]] != delimiter).any():
        return None
    ends = at.copy()
    starts = np.empty_like(at)
    starts[:, 1:] = at[:, :-1] + 1
    starts[0, 0], starts[1:, 0] = 0, last[:-1] + 1
    lengths = last - starts[:, 0]
    returns = int((piece == _RETURN).sum())
    if returns:
        if returns != rows or (piece[last - 1] != _RETURN).any():
            return None
        ends[:, -1] -= 1
        lengths = lengths - 1
    # Row by row, lines that are too long are refused, and rows of empty cells are skipped.
    if int(lengths.max()) >= MAX_CSV_LINE - 1 or int(lengths.min()) < width:
        return None
    return Cells(piece, starts, ends, line)


def _needs_all(piece: Bytes) -> bool:
    """Tell whether a piece must be read together with the rest of the file: quotes and line ends may span pieces."""
    returns = int((piece == _RETURN).sum())
    in_pairs = int(((piece[:-1] == _RETURN) & (piece[1:] == _NEWLINE)).sum())
    return bool((piece == _QUOTE).any()) or returns != in_pairs


def _rest(path: Path, where: str, dialect: Dialect, offset: int, line: int) -> Rows:
    """Yield the rows from a byte of the text on, one by one."""
    yield from _rows(text_lines(path, _OF_BYTES[dialect.encoding], where, offset, line), dialect, line - 1)


def _checked(lines: Iterable[str], where: str, first: int) -> Iterator[str]:
    """Yield lines, which end with a newline, and refuse one that is too long."""
    for number, line in enumerate(lines, first):
        if len(line) >= MAX_CSV_LINE:
            raise InputError(f"{where}, line {number}: {MAX_CSV_LINE} characters or more; write one sample per line")
        yield line.replace("\0", "?")


def _rows(lines: Iterable[str], dialect: Dialect, before: int) -> Rows:
    """Yield line number and cells of each line that is not empty; ``before`` lines precede the first one."""
    if dialect.delimiter == " ":
        yield from ((n, row) for n, line in enumerate(lines, before + 1) if (row := cells_of(line, " ")))
        return
    reader = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=True)
    for row in reader:
        if any(map(str.strip, row)):
            yield before + reader.line_num, row
