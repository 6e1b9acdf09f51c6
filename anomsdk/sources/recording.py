"""Recordings that were found, as blocks of int16, and the files that they are in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from anomsdk.errors import InputError, printable, quoted
from anomsdk.runtime.memory import made_wiping
from anomsdk.sources.formats.npz import entries
from anomsdk.sources.formats.stored import Block


@dataclass(frozen=True)
class Recording:
    """One recording that can be read as blocks; made by `open_recordings`.

    Parameters
    ----------
    name : file name, path below the folder that was opened, ``file.npz[3]`` or ``standard input``
    notes : what is done to the samples on the way, in words; empty when nothing is
    length : samples (rows) after conversion, without gaps; approximate when resampled, None when unknown before reading
    stored_hz : samples (rows) a second as stored; None where nothing is stored
    kept_by : a library that may keep values of it in memory of its own, which nobody wipes: pyarrow, of a .parquet
    odd : those of the notes that may point to a mistake: a dead channel, a header that was never completed
    """

    name: str
    notes: tuple[str, ...]
    length: int | None
    stored_hz: float | None
    _where: str = field(repr=False)
    _read: Callable[[], Iterator[Block | int]] = field(repr=False, compare=False)
    kept_by: str | None = None
    odd: tuple[str, ...] = ()

    def blocks(self) -> Generator[Block | int, None, None]:
        """Read the samples from the beginning; standard input only once.

        What is decoded, mixed down and resampled on the way is zeroed when it is freed, and so are the blocks.

        Yields
        ------
        block : int16 (n,) for audio, (n, columns) otherwise; n >= 1 and at most 65,536 values in all. Or, for motion, a
            gap: the number of samples that are missing between two blocks, as `anomsdk.Pipeline.gap` takes it

        Raises
        ------
        InputError : the samples are damaged, cut off, out of range, not finite, or there are none
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
    """A file whose headers were checked; made by `open_files`.

    Parameters
    ----------
    path : where it lies
    name : file name, or path below the folder that was opened
    recordings : those that were chosen, at least one, in the order of the file
    chosen : which of those of the file they are, from 0
    stored : how many there are in the file
    values : columns that a table was divided by -> their value for each recording
    """

    path: Path
    name: str
    recordings: tuple[Recording, ...]
    chosen: tuple[int, ...]
    stored: int
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def entries(self, key: str) -> list[str]:
        """What an array of the .npz, or a column that the table was divided by, says of each recording.

        Raises
        ------
        InputError : no such array or column; the message lists those that there are
        """
        where = printable(self.path)
        if self.path.suffix.lower() == ".npz":
            found = entries(self.path, where, key, self.stored)
            return [found[index] for index in self.chosen]
        if key not in self.values:
            there = ", ".join(map(quoted, self.values))
            advice = f"it was divided by {there}" if there else "that takes an .npz, or a table divided with --by"
            raise InputError(f"{where}: has no array {printable(key)}; {advice}")
        return list(self.values[key])


def read_recording(recording: Recording) -> Block:
    """Join all blocks of a recording, for training.

    Parameters
    ----------
    recording : one of `open_recordings`

    Returns
    -------
    samples : int16 (length,) for audio, (length, columns) otherwise; writable

    Raises
    ------
    InputError : as `Recording.blocks`, or there are gaps in it
    """
    joined = bytearray()  # grows with what is really there: a header that lies about the length costs nothing
    row: tuple[int, ...] = ()
    for block in recording.blocks():
        if isinstance(block, int):
            raise InputError(f"{recording.name}: {block} samples are missing; use Recording.blocks, piece by piece")
        row = block.shape[1:]
        joined += np.ascontiguousarray(block).data.cast("B")
    return np.frombuffer(joined, dtype=np.int16).reshape(-1, *row)
