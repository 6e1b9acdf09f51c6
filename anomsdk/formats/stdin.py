"""Standard input: raw little-endian int16, columns interleaved, handed on as soon as it arrives."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from anomsdk.errors import InputError
from anomsdk.formats.stored import Block, Stored, refusing

_NAME = "standard input"
_MOST_VALUES = 4096
"""Values that are taken from the pipe at once, whatever waits there: a quarter of a second of sound at 16 kHz."""


def standard_input(columns: int) -> Stored:
    """Check that something is piped in; nothing is read yet, and it can be read once."""
    if getattr(sys.stdin, "buffer", None) is None or sys.stdin.isatty():
        raise InputError(f"{_NAME}: nothing is piped in; pipe raw little-endian int16 samples, or give a file")
    return Stored(_NAME, _NAME, None, columns, None, partial(_blocks, columns))


def _blocks(columns: int, rows: int) -> Iterator[Block]:
    # Python's own buffer would keep samples, and hold back what has already arrived.
    stream: Any = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    row_bytes, held, first = 2 * columns, 0, True
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
                if first and held >= 4:
                    _refuse_containers(bytes(view[:4]))
                    first = False
                if n := held // row_bytes:
                    block = samples[:n].astype(np.int16)
                    rest = bytes(view[n * row_bytes : held])  # less than a row
                    view[:held] = bytes(held)
                    held = len(rest)
                    view[:held] = rest
                    yield block
                    del block
    finally:
        values.fill(0)  # raw samples stay no longer than they are needed
    if held:
        raise InputError(f"{_NAME}: ends with {held} of {row_bytes} bytes of a row; send whole rows")


def _refuse_containers(magic: bytes) -> None:
    """A file that was piped in whole would be heard as noise."""
    kinds = {b"RIFF": "wav", b"fLaC": "flac", b"OggS": "ogg", b"\x93NUM": "npy", b"PK\x03\x04": "npz"}
    if magic in kinds:
        raise InputError(f"{_NAME}: is a .{kinds[magic]} file, not raw samples; give the file's name instead of -")
