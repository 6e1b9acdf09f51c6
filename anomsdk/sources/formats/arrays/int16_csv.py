"""Plain .csv files of int16 values, separated by commas, one row per line, below at most one line of names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from anomsdk.errors import InputError, printable
from anomsdk.sources.formats.stored_samples import Block, StoredRecording, refusing
from anomsdk.sources.formats.text_file import MAX_CSV_LINE, encoding_of, text_lines

__all__ = ["MAX_CSV_LINE", "csv_file"]


def csv_file(path: Path, name: str, where: str, *, columns: int) -> list[StoredRecording]:
    """Return the recording in a .csv; nothing is read or checked yet, as it has no header."""
    return [StoredRecording(name, where, None, columns, None, partial(_blocks, path, where, columns))]


def _blocks(path: Path, where: str, columns: int, rows: int) -> Iterator[Block]:
    """Yield blocks of at most ``rows`` rows, (n, columns)."""
    block, n, good, blank = np.empty((rows, columns), np.int16), 0, 0, 0
    with refusing(where):
        for number, line in enumerate(text_lines(path, encoding_of(path, where), where), 1):
            if not (text := line.strip()):
                blank = blank or number
                continue
            if blank:
                raise InputError(f"{where}, line {blank}: empty line among samples; fill it in")
            if number == 1 and _is_header(text, columns):
                continue
            row = _integers(text)
            if len(row) != columns:
                raise InputError(f"{where}, line {number}: {_fault(text, columns, known=good > 0)}")
            block[n] = row
            n, good = n + 1, good + 1
            if n == rows:
                yield block
                block, n = np.empty((rows, columns), np.int16), 0
    if n:
        yield block[:n]


def _is_header(text: str, columns: int) -> bool:
    """Tell whether the first line holds names only; one of ``nan`` or ``1.5`` is a bad sample, not a header."""
    names = text.split(",")
    for name in names:
        with suppress(ValueError):
            float(name)
            return False
    return len(names) == columns


def _integers(text: str) -> list[int]:
    """Return the values of a row; an empty list where one of them is no int16."""
    try:
        row = [int(value) for value in text.split(",")]
    except ValueError:
        return []
    return row if min(row) >= -32768 and max(row) <= 32767 and "_" not in text else []  # Python reads 1_000


_PLAIN = re.compile(r"[-+.\d_eE]{0,400}|[-+]?(?i:nan|inf|infinity)|[-+.\d;\s]{0,200}")
"""Texts that look like numbers, which a message may quote even before a row of integers was read."""


def _fault(row: str, columns: int, *, known: bool) -> str:
    """Describe what is wrong with a row.

    Its text is quoted only once rows of integers were read: before, the file may be anything, even a secret.
    """
    fields = row.split(",")
    if len(fields) != columns:
        advice = "separate with commas, not semicolons" if ";" in row else f"write {columns} a line"
        return f"{len(fields)} values, not {columns}; {advice}"
    wrong = next(value for value in fields if not _integers(value))
    advice = "separate with commas" if ";" in wrong else "scale and round to int16"
    text = wrong.strip()
    shown = repr(printable(text)[:20]) if known or len(text) < 2 or _PLAIN.fullmatch(text) else "a value"
    return f"{shown} is no integer in -32768..32767; {advice}"
