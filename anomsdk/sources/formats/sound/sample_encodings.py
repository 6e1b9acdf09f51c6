"""Encodings of raw samples other than 16-bit little-endian mono, and how they are recognised in a pipe."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_SIGNAL_BYTES = 4096
"""Bytes of a signal that are looked at."""
_FEWEST = 256
"""Fewest 16-bit values for a verdict: fewer look like any encoding by chance."""
_DISTINCT = 16
"""Fewest distinct values of a signal that varies."""
_UNIFORM = 12_000.0
"""Mean magnitude from which on 16-bit values are the lower halves of larger numbers, whose mean is near 2**14."""
_SMALL = 20
"""Largest distance from 0 of the upper byte of a small number."""
_PAIRS = "-t s16 -L -c 2 - remix {}"
"""Options of sox that take one of two channels."""


Bytes: TypeAlias = NDArray[np.uint8]


def signal_of(data: Bytes) -> Bytes:
    """Return the bytes behind the silence at the start, which looks the same in every encoding; empty if too few.

    Parameters
    ----------
    data : uint8 (n,), beginning at a multiple of 24 bytes of the pipe, so that a value of any size begins there
    """
    rows = data[: len(data) // 24 * 24].reshape(-1, 24)
    other = (rows != rows[:1]).any(axis=1)
    if not other.any():
        return data[:0]
    signal = rows[int(other.argmax()) :].reshape(-1)[:_SIGNAL_BYTES]
    values = signal.view("<i2")
    return signal if len(values) >= _FEWEST and np.count_nonzero(values) >= len(values) // 8 else data[:0]


def raw_encoding_of(signal: Bytes) -> tuple[str, str] | None:
    """Return the encoding of bytes in words and as options of sox; None where they may be 16-bit little-endian mono.

    Parameters
    ----------
    signal : uint8 (n,), from `signal_of`

    Examples
    --------
    >>> sound = (3_000 * np.sin(np.arange(1200) / 9)).astype(np.int16)
    >>> raw_encoding_of(signal_of(sound.astype(">i2").view(np.uint8)))
    ('16-bit big-endian integers', '-t s16 -B -c 1 -')
    >>> raw_encoding_of(signal_of(sound.view(np.uint8)))
    """
    if not len(signal):
        return None
    raw = signal[: len(signal) // 24 * 24]
    for width, order in ((32, "<"), (32, ">"), (64, "<"), (64, ">")):
        with np.errstate(invalid="ignore", over="ignore"):
            values = raw.view(f"{order}f{width // 8}").astype(np.float64)
        if _floats(values):
            return f"{width}-bit floats", f"-t f{width} -{'L' if order == '<' else 'B'} -c 1 -"
    values = raw.view("<i2").astype(np.float64)
    return _bytes(raw) or _pairs(values) or _other(raw, values)


def _floats(values: NDArray[np.float64]) -> bool:
    """Tell whether values are floats of a signal, of both signs and many sizes: integers read so have few sizes."""
    with np.errstate(invalid="ignore"):
        sizes = np.abs(values[values != 0])
        likely = len(sizes) >= len(values) // 8 and bool(((sizes > 1e-6) & (sizes < 2.0**31)).all())
        octaves = len(np.unique(np.frexp(sizes)[1])) if likely else 0
        return octaves >= 3 and bool((values > 0).any() and (values < 0).any())


def _bytes(raw: Bytes) -> tuple[str, str] | None:
    """Recognise 8-bit samples."""
    low, high = raw[0::2], raw[1::2]
    if min(len(np.unique(low)), len(np.unique(high))) < 3:
        return None
    if bool(((raw >= 96) & (raw < 160)).all()):
        return "8-bit unsigned integers", "-t u8 -c 1 -"
    # The upper bytes of quiet 16-bit samples are 0 and 255 alone, and were excluded above.
    return ("8-bit signed integers", "-t s8 -c 1 -") if bool(((raw < 32) | (raw >= 224)).all()) else None


def _pairs(values: NDArray[np.float64]) -> tuple[str, str] | None:
    """Recognise two channels and 32-bit integers: every second 16-bit value is of another kind, or a repetition."""
    first, second = values[0::2], values[1::2]
    varied = [len(np.unique(each)) >= _DISTINCT for each in (first, second)]
    if varied[0] and np.array_equal(first, second):
        return "two channels", _PAIRS.format(1)
    if varied[0] and np.array_equal(second, np.where(first < 0, -1.0, 0.0)):
        return "16 bits at the bottom of 32", _PAIRS.format(1)
    if (varied[1] and not first.any()) or (varied[0] and not second.any()):
        return "two channels of which one is dead, or 32-bit integers", _PAIRS.format(2 if varied[1] else 1)
    packed = not (first % 256).any() and bool((second % 256).any())
    uniform = float(np.abs(first).mean()) > _UNIFORM and float(np.abs(second).mean()) < _UNIFORM / 3
    if all(varied) and (packed or uniform):
        return "32-bit integers", "-t s32 -L -c 1 -"
    return None


def _other(raw: Bytes, values: NDArray[np.float64]) -> tuple[str, str] | None:
    """Recognise unsigned, big-endian and 24-bit integers, whose upper bytes stand at other places."""
    if float(np.abs(values).min()) >= 24_576 and len(np.unique(values)) >= _DISTINCT:
        return "16-bit unsigned integers", "-t u16 -L -c 1 -"
    if _upper(raw[0::2]) and _lower(raw[1::2]):
        return "16-bit big-endian integers", "-t s16 -B -c 1 -"
    if _upper(raw[2::3]) and _lower(raw[1::3]):
        return "24-bit integers", "-t s24 -L -c 1 -"
    return None


def _near_zero(part: Bytes) -> float:
    """Return the share of bytes that are near 0, as signed numbers."""
    return float(((part <= _SMALL) | (part >= 256 - _SMALL)).mean())


def _upper(part: Bytes) -> bool:
    """Tell whether bytes are upper ones of small numbers of both signs; lower bytes of shifted samples are not."""
    return _near_zero(part) > 0.9 and min(float((part == edge).mean()) for edge in (0, 255)) > 0.01


def _lower(part: Bytes) -> bool:
    """Tell whether bytes are lower ones: many values, none of them as frequent as the upper byte of clipped samples."""
    most = float(np.bincount(part).max()) / len(part)
    return _near_zero(part) < 0.6 and most < 0.25 and len(np.unique(part)) >= 64
