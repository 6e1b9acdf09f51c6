"""Forms in which samples themselves may stand in memory: integers, floats, shifted and altered values, and text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.scan.rows import Needles, entropy_bits, minimum_run, row

_FULL_SCALE = 32768
_SHIFTS = (*range(1, 17),)
"""Left shifts of a sample within 32 bits: 1 to 15 as an FFT normalises a window, 16 as decoders widen samples."""
_SEPARATORS = {
    "a row a line": (",", "\n"),
    "numbers between commas": (",", ","),
    "numbers between commas and blanks": (", ", ", "),
    "numbers between blanks": (" ", " "),
}
"""Text -> what stands within a row and between rows; JSON and Python write commas and blanks."""


def sample_forms(samples: NDArray[np.int16]) -> Iterator[Needles]:
    """Yield a signal in every form of its samples.

    Parameters
    ----------
    samples : int16 (n, columns)
    """
    bits = entropy_bits(samples)
    origin = np.repeat(np.arange(len(samples)), samples.shape[1]).reshape(samples.shape)
    for name, values in _numbers(samples):
        minimum = minimum_run(bits, values.dtype.itemsize)
        yield row(name, values, origin, minimum)
        if samples.shape[1] > 1:  # tables are read column by column
            yield row(f"{name} of one column", values.T, origin.T, minimum)
    for name, values, origins in _altered(samples, origin):
        yield row(name, values, origins, minimum_run(entropy_bits(values), values.dtype.itemsize))
    yield from _texts(samples)


def _numbers(samples: NDArray[np.int16]) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "int16", samples
    yield "int16 in the other byte order", samples.byteswap()
    wide = samples.astype(np.int32)
    yield "int32", wide
    yield "int64", samples.astype(np.int64)
    yield "float32", samples.astype(np.float32)
    yield "float64", samples.astype(np.float64)
    yield "float32 of full scale 1", (samples / _FULL_SCALE).astype(np.float32)
    yield "float64 of full scale 1", samples / _FULL_SCALE
    for shift in _SHIFTS:
        yield f"int32 << {shift}", wide << shift


def _altered(samples: NDArray[np.int16], origin: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Yield plain changes of the signal, with the index of the sample of each element."""
    yield "float16", samples.astype(np.float16), origin
    yield "float16 of full scale 1", (samples / _FULL_SCALE).astype(np.float16), origin
    yield "int16, last sample first", samples[::-1], origin[::-1]
    yield "int16, negative", -samples, origin
    yield "int16, every second sample", *(np.concatenate([each[::2], each[1::2]]) for each in (samples, origin))
    yield "int16, differences", np.diff(samples, axis=0), origin[1:]


def _texts(samples: NDArray[np.int16]) -> Iterator[Needles]:
    """Yield the signal as decimal text with different separators."""
    lines = [",".join(map(str, values)) + "\n" for values in samples.tolist()]
    table, lengths = "".join(lines).encode(), np.array([len(line) for line in lines])
    value_bits, n, columns = entropy_bits(samples), len(samples), samples.shape[1]
    for name, (within, between) in _SEPARATORS.items():
        data = table.replace(b",", within.encode()).replace(b"\n", between.encode())
        longer = (columns - 1) * (len(within) - 1) + len(between) - 1
        origin = np.repeat(np.arange(n, dtype=np.int32), lengths + longer)
        character_bits = value_bits * samples.size / max(1, len(data))  # separators and signs tell little or nothing
        yield Needles(f"text, {name}", 1, data, minimum_run(character_bits, 1), origin)
