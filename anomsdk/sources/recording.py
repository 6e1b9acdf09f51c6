"""Recordings as streams of int16 blocks, and the files that hold them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from anomsdk.errors import InputError, printable, quoted
from anomsdk.runtime.memory import made_wiping
from anomsdk.sources.formats.arrays.npz import entries_of
from anomsdk.sources.formats.stored_samples import Block


@dataclass(frozen=True)
class Recording:
    """A recording that can be read as blocks; `open_recordings` makes it.

    Parameters
    ----------
    name : file name, path below the folder that was opened, ``file.npz[3]`` or ``standard input``
    notes : conversions of the samples and remarks on them, in words; empty when samples are read unchanged
    length : samples (rows) after conversion, without gaps; approximate when resampled, None when unknown before reading
    stored_hz : samples (rows) a second in the file; None where the file states no rate
    kept_by : library that may keep values of the recording in its own memory, which is not wiped: pyarrow for a
        .parquet; None where there is none
    odd : the notes that may point to a mistake, such as a dead channel or a header that was never completed
    start_ns : time of the first sample in nanoseconds since 1970-01-01 UTC, in the years 2000 to 2100; a date without
        a zone is taken as UTC. None where the file does not tell it exactly: its stamps count from another moment, are
        those of packets, or have a zone that is only named, or the clock was set by more than two hours
    heard : result of the function `hear` of `open_files` for these samples; None where it was not called, or was called
        with other blocks than `blocks` yields
    """

    name: str
    notes: tuple[str, ...]
    length: int | None
    stored_hz: float | None
    _where: str = field(repr=False)
    _read: Callable[[], Iterator[Block | int]] = field(repr=False, compare=False)
    kept_by: str | None = None
    odd: tuple[str, ...] = ()
    start_ns: int | None = None
    heard: Any = field(default=None, repr=False, compare=False)

    def blocks(self) -> Generator[Block | int, None, None]:
        """Read the samples from the beginning; standard input can be read only once.

        Memory of the blocks, and of all decoding, mixing and resampling before them, is zeroed when it is freed.

        Yields
        ------
        block : int16 (n,) for audio, (n, columns) otherwise; n >= 1, at most 65,536 values. For motion also an int, a
            gap: the number of samples missing between two blocks, as `anomsdk.Pipeline.gap` takes it

        Raises
        ------
        InputError : the recording is damaged, cut off or empty, or a value is out of range or not finite
        """
        empty = True
        for block in made_wiping(self._read()):
            empty = False
            yield block
            del block
        if empty:
            raise InputError(f"{self._where}: there are no samples in it; record it again or leave it out")


@dataclass(frozen=True)
class OpenedFile:
    """A file whose headers were checked; `open_files` makes it.

    Parameters
    ----------
    path : path of the file
    name : file name, or path below the folder that was opened
    recordings : recordings that fulfil all conditions, at least one, in the order of the file
    chosen : index in the file of each of these recordings, from 0
    stored : number of recordings in the file
    values : column that divides a table -> its value for each of ``recordings``
    """

    path: Path
    name: str
    recordings: tuple[Recording, ...]
    chosen: tuple[int, ...]
    stored: int
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def entries(self, key: str) -> list[str]:
        """Read the entry of each recording in an array of the .npz, or in a column that divides the table.

        Parameters
        ----------
        key : name of the array or column

        Returns
        -------
        entries : text, one for each of ``recordings``

        Raises
        ------
        InputError : no such array or column; the message lists those that exist
        """
        where = printable(self.path)
        if self.path.suffix.lower() == ".npz":
            found = entries_of(self.path, where, key, self.stored)
            return [found[index] for index in self.chosen]
        if key not in self.values:
            there = ", ".join(map(quoted, self.values))
            advice = f"it was divided by {there}" if there else "that takes an .npz, or a table divided with `by`"
            raise InputError(f"{where}: has no array {printable(key)}; {advice}")
        return list(self.values[key])


def read_recording(recording: Recording) -> Block:
    """Read a whole recording into memory.

    Parameters
    ----------
    recording : from `open_recordings`

    Returns
    -------
    samples : int16 (length,) for audio, (length, columns) otherwise; writable

    Raises
    ------
    InputError : as `Recording.blocks`; or the recording has gaps
    """
    joined = bytearray()  # grows with the samples that are read: a header with a false length costs no memory
    row: tuple[int, ...] = ()
    for block in recording.blocks():
        if isinstance(block, int):
            raise InputError(
                f"{recording.name}: {block} samples are missing in it; read it with Recording.blocks, which yields gaps"
            )
        row = block.shape[1:]
        joined += np.ascontiguousarray(block).data.cast("B")
    return np.frombuffer(joined, dtype=np.int16).reshape(-1, *row)
