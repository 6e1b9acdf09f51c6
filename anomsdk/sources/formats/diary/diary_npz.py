"""Diaries in arrays: an .npz with x, and optionally offsets, step_s or fs, t0 and columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anomsdk.errors import InputError
from anomsdk.sources.formats.arrays.npz import Archive, open_archive, small_array
from anomsdk.sources.formats.diary.diary_slots import DiaryValues
from anomsdk.sources.formats.diary.diary_table import named_columns
from anomsdk.sources.formats.motion.motion_rows import row_from_0
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES
from anomsdk.sources.formats.timing.date_forms import SECOND_NS
from anomsdk.sources.stream_format import ReadOptions, StreamFormat


class DiaryArchive:
    """Diary in an .npz, of which the headers were read.

    Parameters
    ----------
    path, where : the file, and its name in messages
    stream_format : format that the pipeline takes
    reading : options of the caller

    Raises
    ------
    InputError : no such array, columns that are not the plan's, or two steps
    """

    def __init__(self, path: Path, where: str, stream_format: StreamFormat, reading: ReadOptions) -> None:
        before = reading.array.removesuffix("x")
        self.archive: Archive = open_archive(path, where, reading.array, any_number=True)
        self.notes: tuple[str, ...] = ()
        names, n = small_array(path, where, f"{before}columns", "U"), self.archive.samples.channels
        if names is not None and len(names) != n:
            raise InputError(f"{where}: {len(names)} columns are named, and x has {n}; correct columns")
        if names is None and not reading.axes:
            if n != stream_format.columns:
                raise InputError(
                    f"{where}: {n} columns without names (no array columns), and the plan takes "
                    f"{', '.join(stream_format.names)}; save the names as columns"
                )
            names, self.notes = list(stream_format.names), ("columns taken in order",)
        names = names or [""] * n
        self._columns = named_columns(names, stream_format, reading, where)
        self._names = tuple(names[column] or f"column {column + 1}" for column in self._columns)
        self._step_s = _step(path, where, before, self.archive.rate_hz, reading)
        if self._step_s is None:
            self._step_s = float(stream_format.slot_s or 0)
            self.notes += (f"no array {before}step_s: each row is a slot",)

    def values_of(self, index: int, where: str) -> DiaryValues:
        """Read the values of one recording, with its name in messages."""
        _, start, stop = self.archive.parts[index]
        samples, start_ns = self.archive.samples, self.archive.starts_ns[index]
        n = max(1, BLOCK_VALUES // samples.channels)
        blocks = [block[:, self._columns].astype(np.float64) for block in samples.read(start, stop, n)]
        assert self._step_s is not None
        seconds = np.arange(stop - start) * self._step_s + (0.0 if start_ns is None else start_ns / SECOND_NS)
        return DiaryValues(
            where, self._names, seconds, start_ns is not None, np.concatenate(blocks), row_from_0, self._step_s
        )


def _step(path: Path, where: str, before: str, fs: float | None, reading: ReadOptions) -> float | None:
    """Find the length of a step in seconds: step_s, fs or `ReadOptions.rate_hz`; None where nothing says it."""
    stored = small_array(path, where, f"{before}step_s", "iuf")
    if stored is not None and (len(stored) != 1 or not 0 < stored[0] < np.inf):
        raise InputError(f"{where}: {before}step_s is {stored[:3]}; save one number of seconds above 0")
    if fs is not None and fs <= 0:
        raise InputError(f"{where}: {before}fs is {fs:g}; save rows a second above 0, or step_s")
    found = [*(stored or ()), *(1 / each for each in (fs, reading.rate_hz) if each is not None)]
    if len(found) > 1 and max(found) > 1.001 * min(found):
        raise InputError(
            f"{where}: steps of {' and '.join(f'{each:g}' for each in found)} s are stated (step_s, fs, `rate_hz`); "
            "keep one"
        )
    return float(found[0]) if found else None
