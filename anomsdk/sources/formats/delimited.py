"""Rows of delimited text: many at once where a piece of the file is plain, else one by one, by the csv module."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.sources.formats.dialect import Dialect, cells_of
from anomsdk.sources.formats.numbers import Bytes
from anomsdk.sources.formats.text_file import MAX_CSV_LINE, bytes_of, check_unpacked, most_unpacked, text_lines

_PIECE = 1 << 19
"""Bytes that are taken from the file at once."""
_OF_BYTES = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "cp1252": "cp1252"}
"""Encodings in which a byte that is ASCII is that sign, and nothing else; and how they go on after the first line."""
_NEWLINE, _RETURN, _QUOTE, _SPACE, _TAB = b'\n\r" \t'

Rows: TypeAlias = Iterator[tuple[int, list[str]]]
"""Line numbers and cells."""


@dataclass(frozen=True)
class Cells:
    """Rows of one piece of text, of which each is a line with as many cells as the headings.

    Parameters
    ----------
    data : the text, to be used before the next piece is asked for: its memory is used again
    starts, ends : of each cell, (rows, columns)
    line : number of the first row
    """

    data: Bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    line: int

    def column(self, at: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the cells of one column begin and end, without blanks around them."""
        starts, ends = self.starts[:, at].copy(), self.ends[:, at].copy()
        while (blank := (starts < ends) & _blank(self.data[np.minimum(starts, len(self.data) - 1)])).any():
            starts += blank
        while (blank := (starts < ends) & _blank(self.data[ends - 1])).any():
            ends -= blank
        return starts, ends


def _blank(data: Bytes) -> NDArray[np.bool_]:
    return (data == _SPACE) | (data == _TAB)


def rows_of(path: Path, where: str, dialect: Dialect) -> Rows:
    """Line numbers and cells of the rows below the headings; empty lines are none."""
    return _rows(islice(text_lines(path, dialect.encoding, where), dialect.skip, None), dialect, dialect.skip)


def pieces_of(path: Path, where: str, dialect: Dialect) -> Iterator[Cells | Rows]:
    """All rows below the headings, in pieces; an iterator among them is used up before the next piece is asked for."""
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
        data = np.empty(_PIECE + 1, np.uint8)
        file.seek(offset)
        while True:
            n = held + _filled(file, data[held:_PIECE])
            check_unpacked(offset + n, most, where)
            over = n < _PIECE
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
                yield _rows(_checked(text.split("\n")[:-1], where, line), dialect, line - 1)
                line += int((piece == _NEWLINE).sum())
            if over:
                return
            offset += stop
            held = n - stop
            data[:held] = data[stop:n].copy()


def _filled(file: IO[bytes], room: Bytes) -> int:
    done = 0
    while done < len(room) and (count := file.readinto(room[done:])):  # type: ignore[attr-defined]
        done += count
    return done


def _first_row(file: IO[bytes], dialect: Dialect) -> int | None:
    """Where the first row of numbers begins; None where lines end with a carriage return alone."""
    head = file.read(_PIECE)
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    for _ in range(dialect.skip):
        at = head.find(b"\n", at) + 1
        if not at:
            return None
    return None if b"\r" in head[:at].replace(b"\r\n", b"") else at


def _cells(piece: Bytes, dialect: Dialect, line: int) -> Cells | None:
    """Where the cells of a piece are; None where it is not plain."""
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
    if int(lengths.max()) >= MAX_CSV_LINE - 1 or int(lengths.min()) < width:  # a row of empty cells is none
        return None
    return Cells(piece, starts, ends, line)


def _needs_all(piece: Bytes) -> bool:
    """Whether a row may go on in the next piece, or end without a new line."""
    returns = int((piece == _RETURN).sum())
    in_pairs = int(((piece[:-1] == _RETURN) & (piece[1:] == _NEWLINE)).sum())
    return bool((piece == _QUOTE).any()) or returns != in_pairs


def _rest(path: Path, where: str, dialect: Dialect, offset: int, line: int) -> Rows:
    yield from _rows(text_lines(path, _OF_BYTES[dialect.encoding], where, offset, line), dialect, line - 1)


def _checked(lines: list[str], where: str, first: int) -> Iterator[str]:
    for number, line in enumerate(lines, first):
        if len(line) >= MAX_CSV_LINE - 1:
            raise InputError(f"{where}, line {number}: {MAX_CSV_LINE} characters; write one sample a line")
        yield line.replace("\0", "?") + "\n"


def _rows(lines: Iterable[str], dialect: Dialect, before: int) -> Rows:
    if dialect.delimiter == " ":
        yield from ((n, row) for n, line in enumerate(lines, before + 1) if (row := cells_of(line, " ")))
        return
    reader = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=True)
    for row in reader:
        if any(map(str.strip, row)):
            yield before + reader.line_num, row
