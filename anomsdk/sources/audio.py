"""Sound as one channel at the rate of the plan, and external rows, which are never altered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, parameter
from anomsdk.runtime.memory import made_wiping, wipe
from anomsdk.sources.formats.sound.plausibility import check_channels, statistics_of
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES, Block, Reader, StoredRecording
from anomsdk.sources.recording import Recording
from anomsdk.sources.stream_format import StreamFormat

MAX_CHANNELS = 64
"""Most channels that are mixed down: a file with more is a transposed array, or its header is damaged."""
AUDIO_RATES_HZ = (100, 768_000)
"""Lowest and highest rate of sound that is read or resampled to."""


def stored_recording(stored: StoredRecording, stream_format: StreamFormat, channel: int | None) -> Recording:
    """Make a recording of stored sound, or of stored external rows.

    Parameters
    ----------
    stored : samples as a file holds them
    stream_format : format that the pipeline takes
    channel : channel of sound that is taken, from 1; None: the mean of all

    Raises
    ------
    InputError : sound of too many channels or of an impossible rate, no such channel; rows of another width or rate, or
        not of int16
    """
    if stream_format.kind == "audio":
        return _audio(stored, int(stream_format.rate_hz), channel)
    return _rows(stored, stream_format.rate_hz, stream_format.columns)


def _rows(stored: StoredRecording, rate_hz: float, columns: int) -> Recording:
    """Make a recording of external rows, whose values stay exactly as stored."""
    where = stored.where
    if stored.channels != columns:
        raise InputError(f"{where}: {stored.channels} columns; give rows of {columns} values")
    if stored.rate_hz is not None and _millihertz(stored.rate_hz) != _millihertz(rate_hz):
        raise InputError(
            f"{where}: {_number(stored.rate_hz)} rows a second; rows are not resampled, record at {_number(rate_hz)}"
        )
    if not stored.exact:
        raise InputError(f"{where}: no 16-bit integers; rows are not scaled, convert them to int16")
    read = partial(stored.read, max(1, BLOCK_VALUES // columns))
    return Recording(stored.name, stored.notes, stored.rows, stored.rate_hz, where, read, start_ns=stored.start_ns)


def _audio(stored: StoredRecording, rate_hz: int, channel: int | None) -> Recording:
    """Make a recording of sound: one channel at the rate of the plan, converted only where necessary."""
    where, channels, notes, length, odd = stored.where, stored.channels, stored.notes, stored.rows, stored.odd
    stored_hz = rate_hz if stored.rate_hz is None else _whole_rate(stored.rate_hz, where)
    if channels > MAX_CHANNELS:
        raise InputError(f"{where}: {channels} channels, at most {MAX_CHANNELS}; store each instant as one row")
    if channel is not None and channel > channels:
        raise InputError(
            f"{where}: {channels} channel{'s' * (channels > 1)}, and {parameter('channel', channel)}; choose another"
        )
    if channels > 1 and channel is None:
        notes += (f"{channels} channels mixed down",)
        per_block = max(1, BLOCK_VALUES // channels)
        odd += check_channels(stored.statistics or statistics_of(made_wiping(stored.read(per_block)), channels))
    elif channels > 1:
        notes += (f"channel {channel} of {channels}",)
    if stored_hz != rate_hz:
        low, high = AUDIO_RATES_HZ
        if not low <= rate_hz <= high:
            raise InputError(f"{where}: cannot be resampled to {rate_hz} Hz; choose {low} to {high}")
        notes += (f"{stored_hz} Hz resampled to {rate_hz} Hz",)
        if stored_hz < rate_hz:
            odd += (f"recorded at {stored_hz} Hz, it holds nothing above {stored_hz / 2:g} Hz",)
        length = None if length is None else max(1, round(length * rate_hz / stored_hz))
    # An upsampled block is longer than the block that was read for it.
    rows = max(1, int(BLOCK_VALUES / channels * min(1.0, stored_hz / rate_hz)))
    one = stored.read if channels == 1 or channel is None else partial(_column, stored.read, channel - 1)
    same = stored.exact and (channels == 1 or channel is not None) and stored_hz == rate_hz
    read = partial(_flat, one, rows) if same else partial(_mono, one, rows, stored_hz, rate_hz)
    return Recording(stored.name, notes + odd, length, stored.rate_hz, where, read, odd=odd, start_ns=stored.start_ns)


def _whole_rate(rate_hz: float, where: str) -> int:
    low, high = AUDIO_RATES_HZ
    if rate_hz != int(rate_hz):
        raise InputError(f"{where}: fs is {_number(rate_hz)}; save it as a whole number")
    if not low <= rate_hz <= high:
        raise InputError(f"{where}: {_number(rate_hz)} Hz is no audio rate ({low} to {high}); correct the header")
    return int(rate_hz)


def _millihertz(rate_hz: float) -> float:
    """Convert to whole millihertz, as a plan has them; infinite where a damaged rate is too large for that."""
    return round(rate_hz * 1000, 0)


def _number(value: float) -> str:
    """Write a number with all its digits, a whole one without a point."""
    return str(value).removesuffix(".0")


def _column(read: Reader, column: int, rows: int) -> Iterator[NDArray[Any]]:
    for block in read(rows):
        yield np.ascontiguousarray(block[:, column : column + 1])


def _flat(read: Reader, rows: int) -> Iterator[Block]:
    for block in read(rows):
        yield block.reshape(-1)


def _mono(read: Reader, rows: int, stored_hz: int, rate_hz: int) -> Iterator[Block]:
    """Mix down and resample in float64, then round half to even and clip once."""
    # Converted to float64 here: numpy would convert within the sum in buffers of its own, which nobody wipes.
    mixed = (block.astype(np.float64, copy=False).mean(axis=1) for block in read(rows))
    for samples in mixed if stored_hz == rate_hz else _resampled(mixed, stored_hz, rate_hz):
        rounded = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
        wipe(samples)
        for start in range(0, len(rounded), BLOCK_VALUES):
            yield rounded[start : start + BLOCK_VALUES]


def _resampled(blocks: Iterator[NDArray[np.float64]], stored_hz: int, rate_hz: int) -> Iterator[NDArray[np.float64]]:
    import soxr

    # In float64: soxr dithers int16, and the result would depend on the block size.
    stream = soxr.ResampleStream(stored_hz, rate_hz, 1, dtype="float64", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0), last=True)
