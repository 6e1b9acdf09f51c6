"""Motion in an .npz: array x of any numbers, and beside it fs, offsets, scale, unit and channels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.formats.arrays import StoredArray, npy_file
from anomsdk.formats.headings import axis_columns, unit_in
from anomsdk.formats.motion import SAME_RATE, MotionRows, row_from_0
from anomsdk.formats.npz import opened, said
from anomsdk.formats.stamps import Stamped
from anomsdk.formats.stored import BLOCK_VALUES
from anomsdk.wanted import UNITS, Reading, Wanted, usable_scale

_NO_STAMPS: NDArray[np.float64] = np.zeros(0)


def npz_motion(path: Path, name: str, where: str, wanted: Wanted, reading: Reading) -> list[MotionRows]:
    """Check all headers; no sample is read yet.

    Raises
    ------
    InputError : no such array, unknown axes or unit, a scale that does not fit
    """
    archive = opened(path, where, reading.array, any_number=True)
    samples, before = archive.samples, reading.array.removesuffix("x")
    columns, notes = _columns(said(path, where, f"{before}channels", "U"), samples, wanted, reading, where)
    text = said(path, where, f"{before}unit", "U")
    unit = _unit(None if text is None else " ".join(text), reading, f"{before}unit", where)
    scale = _scale(
        said(path, where, f"{before}scale", "iuf"), reading, samples.channels, columns, f"{before}scale", where
    )
    if unit == "counts" and reading.unit != "counts" and set(scale) != {1.0}:
        raise InputError(f"{where}: its unit is counts, and it has a {before}scale; say with --unit of what")
    units = (1.0,) * len(columns) if unit == "counts" else scale
    rate_hz = _rate(archive.rate_hz, reading, f"{before}fs", where)
    return [
        MotionRows(
            name + suffix,
            where + suffix,
            unit,
            units,
            rate_hz,
            stamped=False,
            read=partial(_rows, samples, start, stop, tuple(columns), unit == "counts"),
            row_name=row_from_0,
            notes=notes,
        )
        for suffix, start, stop in archive.parts
    ]


def npy_motion(path: Path, name: str, where: str, wanted: Wanted, reading: Reading) -> MotionRows:
    """Rows of the plan's counts at a rate that somebody said; no sample is read yet.

    Raises
    ------
    InputError : no int16, or another number of columns
    """
    (stored,) = npy_file(path, name, where)
    if stored.channels != wanted.columns:
        raise InputError(f"{where}: {stored.channels} columns; give rows of {wanted.columns} values")

    def read() -> Iterator[Stamped]:
        for block in stored.read(max(1, BLOCK_VALUES // stored.channels)):
            yield _NO_STAMPS, block

    return MotionRows(
        name, where, "counts", (1.0,) * wanted.columns, reading.rate_hz, stamped=False, read=read, row_name=row_from_0
    )


def _rate(stored_hz: float | None, reading: Reading, key: str, where: str) -> float | None:
    if stored_hz is None or reading.rate_hz is None:
        return reading.rate_hz if stored_hz is None else stored_hz
    if not math.isclose(stored_hz, reading.rate_hz, rel_tol=SAME_RATE):
        raise InputError(
            f"{where}: --rate is {reading.rate_hz:g} Hz, and its {key} says {stored_hz:g} Hz; leave --rate out, or "
            f"correct {key}"
        )
    return stored_hz


def _rows(samples: StoredArray, start: int, stop: int, columns: tuple[int, ...], counts: bool) -> Iterator[Stamped]:
    for block in samples.read(start, stop, max(1, BLOCK_VALUES // samples.channels)):
        chosen = block[:, columns]
        yield _NO_STAMPS, chosen if counts else chosen.astype(np.float64, copy=False)


def _columns(
    channels: list[str] | None, samples: StoredArray, wanted: Wanted, reading: Reading, where: str
) -> tuple[list[int], tuple[str, ...]]:
    n = samples.channels
    if channels is not None and len(channels) != n:
        raise InputError(f"{where}: {len(channels)} channels are named, and there are {n}; correct channels")
    if n < wanted.columns:
        raise InputError(f"{where}: {n} columns, and {wanted.columns} axes are wanted; record them, or plan for 3")
    if channels is None and not reading.axes and n == wanted.columns:
        return list(range(n)), ("columns taken in order",)
    return axis_columns(channels or [""] * n, reading.axes, wanted.columns, where), ()


def _unit(text: str | None, reading: Reading, key: str, where: str) -> str:
    """The unit of the accelerometer: as somebody gave it, as a word, or out of a sentence such as ``g = x/2048``."""
    if reading.unit is not None:
        return reading.unit
    if text is not None:
        words = {unit_in(f"x [{text}]")[1], *(unit_in(f"x [{each}]")[1] for each in re.findall(r"(\S+)\s*=", text))}
        if len(found := words & set(UNITS)) == 1:
            return str(found.pop())
        raise InputError(f"{where}: {key} {quoted(text, 60)!r} is not one unit; say --unit {'|'.join(UNITS)}")
    raise InputError(f"{where}: does not say its unit (no array {key}); say --unit {'|'.join(UNITS)}")


def _scale(
    stored: list[float] | None, reading: Reading, channels: int, columns: list[int], key: str, where: str
) -> tuple[float, ...]:
    """What one of a stored value is, of each chosen column."""
    given = list(reading.scale) or stored or [1.0]
    if len(given) == 1:
        given *= channels
    if len(given) == len(columns) != channels and reading.scale:
        return tuple(given)
    if len(given) != channels:
        raise InputError(f"{where}: {len(given)} scales for {channels} columns; correct {key}, or give --scale")
    if not all(map(usable_scale, given)):
        raise InputError(f"{where}: a scale that is not between 1e-12 and 1e12; correct {key}, or give --scale")
    return tuple(float(given[column]) for column in columns)
