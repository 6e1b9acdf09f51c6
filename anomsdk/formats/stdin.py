"""Standard input: raw little-endian int16, columns interleaved, handed on as soon as it arrives."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from anomsdk.errors import InputError
from anomsdk.formats.stored import Block, Stored, kind_of, mpeg_stream, refusing

_NAME = "standard input"
_MOST_VALUES = 4096
"""Values that are taken from the pipe at once, whatever waits there: a quarter of a second of sound at 16 kHz."""
_LONGEST_START = 32
"""Bytes that are held at the start while all of them are text."""
_MPEG_BYTES = 2048
"""Of the first bytes, where so many are there: more than a frame of an .mp3."""
_TEXT = bytes([*range(32, 127), *b"\t\r\n"])
_SOUND = ("wav", "flac", "ogg", "mp3", "aiff", "au")
"""What sox decodes."""


def standard_input(columns: int) -> Stored:
    """Check that something is piped in; nothing is read yet, and it can be read once."""
    if getattr(sys.stdin, "buffer", None) is None or sys.stdin.isatty():
        raise InputError(f"{_NAME}: nothing is piped in; pipe raw little-endian int16 samples, or give a file")
    return Stored(_NAME, _NAME, None, columns, None, partial(_blocks, columns))


def _blocks(columns: int, rows: int) -> Iterator[Block]:
    # Python's own buffer would keep samples, and hold back what has already arrived.
    stream: Any = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    row_bytes, held, unknown = 2 * columns, 0, True
    values = np.zeros(min(rows, max(1, _MOST_VALUES // columns)) * columns, "<i2")
    samples = values.reshape(-1, columns)
    view = values.data.cast("B")
    try:
        with refusing(_NAME):
            while (count := stream.readinto(view[held:])) != 0:
                if count is None:  # not blocking, and nothing there yet
                    select.select([stream], [], [])
                    continue
                held += count
                if unknown:
                    if _may_be_text(bytes(view[: min(held, _LONGEST_START)])) and held < min(_LONGEST_START, len(view)):
                        continue  # numbers as text, a few bytes at a time
                    _refuse_others(bytes(view[: min(held, _MPEG_BYTES)]))
                    unknown = False
                if n := held // row_bytes:
                    block = samples[:n].astype(np.int16)
                    rest = bytes(view[n * row_bytes : held])  # less than a row
                    view[:held] = bytes(held)
                    held = len(rest)
                    view[:held] = rest
                    yield block
                    del block
            if unknown and held:
                _refuse_others(bytes(view[:held]))
                if n := held // row_bytes:
                    yield samples[:n].astype(np.int16)
                    held -= n * row_bytes
    finally:
        values.fill(0)  # raw samples stay no longer than they are needed
    if held:
        raise InputError(f"{_NAME}: ends with {held} of {row_bytes} bytes of a row; send whole rows")


def _may_be_text(start: bytes) -> bool:
    """Whether these bytes, and fewer than `_LONGEST_START`, could begin a file or lines of numbers, and no samples.

    Of sound and motion one byte of two is the upper one of a small number: 0 or 255.
    """
    return len(start) < 4 or not start.translate(None, _TEXT) or start.startswith(b"\xef\xbb\xbf")


def _are_floats(start: bytes) -> bool:
    """Whether these are 32-bit floats from -4 to 4 of either sign: every other int16 would stay in a narrow range."""
    values = np.frombuffer(start[: len(start) // 4 * 4], "<f4")
    with np.errstate(invalid="ignore"):
        likely = (np.abs(values) > 1e-6) & (np.abs(values) < 4)
        return len(values) >= 16 and bool(likely.all() and (values > 0).any() and (values < 0).any())


def _refuse_others(start: bytes) -> None:
    """A file that was piped in whole, or text, would be taken for noise."""
    kind = kind_of(start) or ("mp3" if mpeg_stream(start) else None)
    if kind is not None:
        raise InputError(
            f"{_NAME}: is a .{kind} file, not raw samples; give the file's name instead of -, or decode it on the way "
            f"(sox -t {kind} - -t raw -e signed -b 16 -L -, arecord -t raw -f S16_LE)"
            if kind in _SOUND
            else f"{_NAME}: is a .{kind} file, not raw samples; give the file's name instead of -"
        )
    if _are_floats(start):
        raise InputError(f"{_NAME}: is 32-bit floats, not 16-bit integers; send e.g. sox - -t raw -e signed -b 16 -L -")
    text = start.removeprefix(b"\xef\xbb\xbf")[:_LONGEST_START]
    several = len(set(text)) > 2 and any(each in text for each in b"\n\r,;\t ")
    if len(text) >= 8 and not text.translate(None, _TEXT) and several:
        raise InputError(f"{_NAME}: is text, not raw samples; save it to a .csv and give its name instead of -")
