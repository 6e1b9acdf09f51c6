"""Motion in arrays: an .npz with x, fs, offsets, t0, scale, unit and channels, or a .npy of the plan's counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.arrays.npy import StoredArray, npy_file
from anomsdk.sources.formats.arrays.npz import open_archive, small_array
from anomsdk.sources.formats.motion.motion_rows import SAME_RATE, MotionRows, row_from_0
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES
from anomsdk.sources.formats.tables.headings import axis_columns, left_out, said_by, without_gravity
from anomsdk.sources.formats.tables.units import sensor_units, unit_of, units_in_sentence
from anomsdk.sources.formats.timing.timeline import Stamped
from anomsdk.sources.stream_format import IN_DPS, UNITS, ReadOptions, StreamFormat, usable_scale

_FIRST_ROWS = 16_384
"""Most rows of which the median magnitude is measured."""
_NO_STAMPS: NDArray[np.float64] = np.zeros(0)


def npz_motion(
    path: Path, name: str, where: str, stream_format: StreamFormat, reading: ReadOptions
) -> list[MotionRows]:
    """Open the recordings of an .npz: check its headers and its unit, by the first rows.

    Raises
    ------
    InputError : no such array, an unknown axis or unit, or a scale that does not fit
    """
    archive = open_archive(path, where, reading.array, any_number=True)
    samples, before = archive.samples, reading.array.removesuffix("x")
    channels = small_array(path, where, f"{before}channels", "U")
    columns, notes = _columns(channels, samples, stream_format, reading, where)
    names = channels or [""] * samples.channels
    text, key = small_array(path, where, f"{before}unit", "U"), f"{before}unit"
    scale = _scale(
        small_array(path, where, f"{before}scale", "iuf"), reading, samples.channels, columns, f"{before}scale", where
    )
    told = _told(text, [names[column] for column in columns], columns, samples.channels)
    if reading.unit is None and told[0] is None:
        choice = f"give `unit`, one of {', '.join(UNITS)}"
        if text is not None:
            raise InputError(f"{where}: {key} {quoted(' '.join(text), 60)!r} is not one unit; {choice}")
        raise InputError(f"{where}: does not say its unit (no array {key}); {choice}")
    if reading.unit is None and told[0] == "counts" and set(scale) != {1.0}:
        raise InputError(f"{where}: its unit is counts, and it has a {before}scale; say with `unit` to what it scales")
    magnitude = _magnitude(samples, archive.parts[0], columns)
    if reading.unit is None and text == ["counts"] and _rests(magnitude / (stream_format.counts_per_g or 1.0)):
        reading = replace(reading, unit="counts")
    shown = [names[column] or f"column {column + 1}" for column in columns]
    units = sensor_units(told, shown, scale, magnitude, stream_format, reading, where)
    per_value = units.units
    if units.unit == "counts":  # unchanged, except for a gyroscope in a unit of its own
        per_value = (1.0,) * 3 + tuple(each if reading.rotation in IN_DPS else 1.0 for each in per_value[3:])
    exact, notes = set(per_value) == {1.0} and units.unit == "counts", notes + left_out(names, columns) + units.notes
    rate_hz = _rate(archive.rate_hz, reading, f"{before}fs", where)
    return [
        MotionRows(
            name + suffix,
            where + suffix,
            units.unit,
            per_value,
            rate_hz,
            stamped=False,
            read=partial(_rows, samples, start, stop, tuple(columns), exact),
            row_name=row_from_0,
            notes=notes,
            rotation_unsaid=shown[3] if units.unsaid else None,
            without_gravity=next(filter(without_gravity, shown[:3]), None),
            start_ns=partial(_known, start_ns),
        )
        for (suffix, start, stop), start_ns in zip(archive.parts, archive.starts_ns, strict=True)
    ]


def npy_motion(path: Path, name: str, where: str, stream_format: StreamFormat, reading: ReadOptions) -> MotionRows:
    """Open a .npy of the plan's counts, at the rate `ReadOptions.rate_hz`; no sample is read yet.

    Raises
    ------
    InputError : the values are no int16, or the number of columns is not the plan's
    """
    (stored,) = npy_file(path, name, where)
    if stored.channels != stream_format.columns:
        raise InputError(f"{where}: {stored.channels} columns; give rows of {stream_format.columns} values")

    def read() -> Iterator[Stamped]:
        for block in stored.read(max(1, BLOCK_VALUES // stored.channels)):
            yield _NO_STAMPS, block

    return MotionRows(
        name,
        where,
        "counts",
        (1.0,) * stream_format.columns,
        reading.rate_hz,
        stamped=False,
        read=read,
        row_name=row_from_0,
    )


def _rate(stored_hz: float | None, reading: ReadOptions, key: str, where: str) -> float | None:
    if stored_hz is None or reading.rate_hz is None:
        return reading.rate_hz if stored_hz is None else stored_hz
    if not math.isclose(stored_hz, reading.rate_hz, rel_tol=SAME_RATE):
        raise InputError(
            f"{where}: `rate_hz` is {reading.rate_hz:g}, and its {key} says {stored_hz:g} Hz; leave `rate_hz` out, or "
            f"correct {key}"
        )
    return stored_hz


def _rows(samples: StoredArray, start: int, stop: int, columns: tuple[int, ...], counts: bool) -> Iterator[Stamped]:
    for block in samples.read(start, stop, max(1, BLOCK_VALUES // samples.channels)):
        chosen = block[:, columns]
        yield _NO_STAMPS, chosen if counts else chosen.astype(np.float64, copy=False)


def _known(start_ns: int | None) -> int | None:
    return start_ns


def _columns(
    channels: list[str] | None, samples: StoredArray, stream_format: StreamFormat, reading: ReadOptions, where: str
) -> tuple[list[int], tuple[str, ...]]:
    n = samples.channels
    if channels is not None and len(channels) != n:
        raise InputError(f"{where}: {len(channels)} channels are named, and x has {n} columns; correct channels")
    if n < stream_format.columns:
        raise InputError(
            f"{where}: {n} columns, and the plan needs {stream_format.columns} axes; record them, or plan for 3"
        )
    if channels is None and not reading.axes and n == stream_format.columns:
        return list(range(n)), ("columns taken in order",)
    return axis_columns(channels or [""] * n, reading.axes, stream_format.columns, where), ()


def _told(text: list[str] | None, names: list[str], columns: list[int], channels: int) -> list[str | None]:
    """Find the unit that the file states for each chosen column: by words, a sentence, or names of channels."""
    if text is not None and len(text) == channels > 1:
        return [unit_of(text[column]) or repr(quoted(text[column], 20)) for column in columns]
    by_name = [said_by(each) for each in names]
    if text is None:
        return by_name
    acceleration, rotation = units_in_sentence(" ".join(text))
    return [acceleration] * 3 + [rotation or each for each in by_name[3:]]


def _rests(magnitude_g: float) -> bool:
    """Tell whether a median magnitude fits the plan's counts per g, and neither twice nor half as many."""
    return 0.75 <= magnitude_g <= 1.5


def _magnitude(samples: StoredArray, part: tuple[str, int, int], columns: list[int]) -> float:
    """Measure the median magnitude of the acceleration in the first rows, as stored."""
    _, start, stop = part
    block = next(samples.read(start, min(stop, start + _FIRST_ROWS), _FIRST_ROWS))[:, columns[:3]]
    with np.errstate(all="ignore"):
        return float(np.median(np.sqrt((block.astype(np.float64) ** 2).sum(axis=1))))


def _scale(
    stored: list[float] | None, reading: ReadOptions, channels: int, columns: list[int], key: str, where: str
) -> tuple[float, ...]:
    """Find the size of one stored step of each chosen column."""
    given = list(reading.scale) or stored or [1.0]
    if len(given) == 1:
        given *= channels
    if reading.scale and len(columns) == 6 and len(given) == 2:
        given = [given[0]] * 3 + [given[1]] * 3
    if len(given) == len(columns) != channels and reading.scale:
        return tuple(given)
    if len(given) != channels:
        raise InputError(f"{where}: {len(given)} scales for {channels} columns; correct {key}, or give `scale`")
    if not all(map(usable_scale, given)):
        raise InputError(f"{where}: a scale that is not between 1e-12 and 1e12; correct {key}, or give `scale`")
    return tuple(float(given[column]) for column in columns)
