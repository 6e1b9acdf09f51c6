"""Standard input: raw little-endian int16 with interleaved columns, handed on as soon as it arrives."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from anomsdk.errors import InputError
from anomsdk.runtime.memory import private_block
from anomsdk.sources.formats.file_signatures import kind_of, mpeg_stream
from anomsdk.sources.formats.sound.sample_encodings import Bytes, raw_encoding_of, signal_of
from anomsdk.sources.formats.stored_samples import Block, StoredRecording, refusing

_NAME = "standard input"
_MOST_VALUES = 4096
"""Most values that are read from the pipe at once: a quarter of a second of sound at 16 kHz."""
_LONGEST_START = 32
"""Most bytes that are held back at the start while all of them are text."""
_MPEG_BYTES = 2048
"""First bytes in which an .mp3 is recognised: more than one of its frames."""
_TEXT = bytes([*range(32, 127), *b"\t\r\n"])
_TEXT_BYTES = 256
"""Fewest bytes, all of them characters of text, that are text even without blanks: base64, hexadecimal."""
_READ = ("wav", "flac", "ogg", "npy", "npz", "parquet", "gz")
"""Kinds of files that are read when their name is given."""
_DECODED = ("wav", "flac", "ogg", "mp3", "aiff", "au", "voc", "sph")
"""Kinds of files that sox decodes."""
_PACKED = ("bz2", "zst", "xz", "7z")
"""Kinds of files that have to be unpacked first."""
_BLOCKS = 256
"""Blocks in which a signal is searched to check its encoding; after more silence any encoding is accepted."""


def standard_input(columns: int, sound_hz: float | None = None) -> StoredRecording:
    """Check that something is piped in and return it as a recording, which can be read once; nothing is read yet.

    Parameters
    ----------
    columns : number of values in a row
    sound_hz : expected samples per second of sound; None for rows of anything else
    """
    if getattr(sys.stdin, "buffer", None) is None or sys.stdin.isatty():
        raise InputError(f"{_NAME}: nothing is piped in; pipe raw little-endian int16 samples, or give a file")
    return StoredRecording(_NAME, _NAME, None, columns, None, partial(_blocks, columns, sound_hz))


def _blocks(columns: int, sound_hz: float | None, rows: int) -> Iterator[Block]:
    """Yield rows (n, columns), n <= ``rows``, as they arrive; refuse the first bytes if they are no samples."""
    # Python's own buffer would keep samples, and hold back what has already arrived.
    stream: Any = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    row_bytes, held, unknown = 2 * columns, 0, True
    before, unheard = 0, 0 if sound_hz is None or columns > 1 else _BLOCKS
    values = private_block(min(rows, max(1, _MOST_VALUES // columns)) * row_bytes).view("<i2")
    samples = values.reshape(-1, columns)
    view = values.data.cast("B")
    try:
        with refusing(_NAME):
            while (count := stream.readinto(view[held:])) != 0:
                if count is None:  # a non-blocking pipe that is empty
                    select.select([stream], [], [])
                    continue
                held += count
                if unknown:
                    if _may_be_text(bytes(view[: min(held, _LONGEST_START)])) and held < min(_LONGEST_START, len(view)):
                        continue  # it may be numbers as text that arrive a few bytes at a time
                    _refuse_others(bytes(view[: min(held, _MPEG_BYTES)]), sound_hz)
                    unknown = False
                if unheard and sound_hz is not None:
                    signal = signal_of(values.view(np.uint8)[-before % 24 : held])
                    _refuse_form(signal, sound_hz)
                    unheard = 0 if len(signal) else unheard - 1
                if n := held // row_bytes:
                    block = samples[:n].astype(np.int16)
                    rest = bytes(view[n * row_bytes : held])  # less than a row
                    before += n * row_bytes
                    view[:held] = bytes(held)
                    held = len(rest)
                    view[:held] = rest
                    yield block
                    del block
            if unknown and held:
                _refuse_others(bytes(view[:held]), sound_hz)
                if n := held // row_bytes:
                    yield samples[:n].astype(np.int16)
                    held -= n * row_bytes
    finally:
        values.fill(0)  # raw samples stay in memory no longer than needed
    if held:
        raise InputError(f"{_NAME}: ends with {held} of {row_bytes} bytes of a row; send whole rows")


def _may_be_text(start: bytes) -> bool:
    """Tell whether the first bytes, fewer than `_LONGEST_START`, may be those of a file or of lines of numbers.

    In sound and motion every second byte is the upper one of a small number, 0 or 255, which text does not have.
    """
    return len(start) < 4 or not start.translate(None, _TEXT) or start.startswith(b"\xef\xbb\xbf")


def _are_floats(start: bytes) -> bool:
    """Tell whether bytes are 32-bit floats from -4 to 4 of both signs: as int16, every second value has few sizes."""
    values = np.frombuffer(start[: len(start) // 4 * 4], "<f4")
    with np.errstate(invalid="ignore"):
        likely = (np.abs(values) > 1e-6) & (np.abs(values) < 4)
        return len(values) >= 16 and bool(likely.all() and (values > 0).any() and (values < 0).any())


def _refuse_form(start: Bytes, sound_hz: float) -> None:
    """Refuse samples of another size, byte order or number of channels, which would be read as noise."""
    if (found := raw_encoding_of(start)) is not None:
        what, options = found
        raise InputError(f"{_NAME}: is {what}, not 16-bit little-endian mono; {_conversion(options, sound_hz)}")


def _conversion(options: str, sound_hz: float) -> str:
    """Advise a command of sox; ``options`` describe its input and, behind "remix", a channel."""
    read, _, effect = options.partition(" remix")
    return f"convert it on the way (sox -r {sound_hz:g} {read} -t s16 -L -{' remix' * bool(effect)}{effect})"


def _refuse_others(start: bytes, sound_hz: float | None) -> None:
    """Refuse a whole file, floats or text, which would be read as noise."""
    kind = kind_of(start) or ("mp3" if mpeg_stream(start) else None)
    if kind is not None:
        ways = ["give the file's name instead of -"] if kind in _READ or sound_hz is None else []
        if sound_hz is not None and kind in _DECODED:
            ways.append(f"decode it on the way (sox -t {kind} - -t s16 -L -c 1 -r {sound_hz:g} -)")
        elif not ways and kind in _PACKED:
            ways.append("unpack it first")
        elif not ways:
            ways.append(f"decode it on the way (ffmpeg -i - -f s16le -ac 1 -ar {sound_hz:g} -)")
        raise InputError(f"{_NAME}: is a .{kind} file, not raw samples; {', or '.join(ways)}")
    if _are_floats(start):
        way = "send 16-bit little-endian ones" if sound_hz is None else _conversion("-t f32 -L -c 1 -", sound_hz)
        raise InputError(f"{_NAME}: is 32-bit floats, not 16-bit integers; {way}")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") and len(start) >= 8:
        half = start[3 if start[0] == 0xFF else 2 : 32 : 2], start[2 if start[0] == 0xFF else 3 : 32 : 2]
        if not any(half[0]) and not half[1].translate(None, _TEXT):
            start = half[1]  # UTF-16
    text = start.removeprefix(b"\xef\xbb\xbf")[:_LONGEST_START]
    several = len(set(text)) > 2 and any(each in text for each in b"\n\r,;\t ")
    long = len(start) >= _TEXT_BYTES and len(set(start)) > 4
    of_text = len(text) >= 8 and not text.translate(None, _TEXT)
    if of_text and (several or (long and not start.translate(None, _TEXT))):
        raise InputError(f"{_NAME}: is text, not raw samples; save it to a .csv and give its name instead of -")
