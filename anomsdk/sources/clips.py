"""Recordings as labelled, grouped clips, read as streams: what training and evaluation work on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from anomsdk.errors import InputError, UnusableInputsError, printable
from anomsdk.sources.conditions import parsed
from anomsdk.sources.dropouts import SHORTEST_CONSTANT_S, ConstantCutter, Samples, shortest_constant
from anomsdk.sources.files import open_files, open_skippable_files
from anomsdk.sources.formats.stored import BLOCK_VALUES
from anomsdk.sources.groups import group_labels
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

__all__ = [
    "SHORTEST_CONSTANT_S",
    "Clip",
    "Clips",
    "ConstantCutter",
    "Facts",
    "clip_from_array",
    "noticed",
    "open_clips",
    "pieces",
    "survey",
]

_MOST_NOTES = 9


@dataclass(frozen=True)
class Clip:
    """One recording, and what it must not be separated from.

    Parameters
    ----------
    name : what people call it
    group : clips that share it (subject, animal, day) stay together
    length : samples (rows); approximate when resampled, None when unknown before reading
    kind : "audio", "motion" or "external": constant stretches are cut out of audio only
    rate_hz : samples (rows) a second
    columns : values in a row, 1 for audio
    stored_hz : rate of the file, where it says one: resampled from less, a recording holds nothing above half of it
    notes, odd : what is done to the samples on the way, and what may be a mistake, as `anomsdk.sources.Recording`
    """

    name: str
    group: str
    length: int | None
    kind: str
    rate_hz: float
    columns: int
    stored_hz: float | None
    _read: Callable[[], Iterator[Samples | int]] = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()

    def blocks(self, cutter: ConstantCutter | None = None) -> Iterator[tuple[bool, Samples]]:
        """Read the samples from the beginning; of audio, without digitally constant stretches of 0.1 s or more.

        Parameters
        ----------
        cutter : a fresh one of `cutter`, for who wants to know its counts

        Yields
        ------
        new_piece : the block does not follow on the one before: something was cut out or is missing; true for the first
        block : int16 (n,) for audio, (n, columns) otherwise; n >= 1 and at most about 65,536 values

        Raises
        ------
        InputError : the samples are damaged, cut off or out of range, or there are none
        """
        cutter = self.cutter() if cutter is None else cutter
        for block in self._read():
            if isinstance(block, int):
                yield from cutter.gap(block)
            else:
                yield from cutter.push(block)
        yield from cutter.finish()

    def cutter(self) -> ConstantCutter:
        """What cuts this clip: nothing is cut unless it is audio."""
        return ConstantCutter(shortest_constant(self.rate_hz) if self.kind == "audio" else None)


@dataclass(frozen=True)
class Clips:
    """Clips that can be read, and what was left out.

    Parameters
    ----------
    clips : in the order of the files
    bad : one line for each file or clip that cannot be read and was left out
    """

    clips: tuple[Clip, ...]
    bad: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What one pass over a clip tells.

    Parameters
    ----------
    piece_lengths : samples of each piece between constant stretches, in order; empty when all is constant
    cut : samples in constant stretches
    clipped : samples in rows of two or more at the edge of int16
    digest : sha256 of the samples that are not cut, 64 hex digits
    missing : samples missing in gaps
    """

    piece_lengths: tuple[int, ...]
    cut: int
    clipped: int
    digest: str
    missing: int = 0

    @property
    def kept(self) -> int:
        """Samples that are not cut."""
        return sum(self.piece_lengths)

    @property
    def length(self) -> int:
        """Samples that its time has: cut and missing ones, too."""
        return self.kept + self.cut + self.missing


def open_clips(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    group: str | None = None,
    skip_bad: bool = False,
) -> Clips:
    """Find the clips in a file or folder, check the headers, and group them.

    Parameters
    ----------
    path : as `anomsdk.sources.open_recordings`, but no standard input
    stream_format, reading : as `anomsdk.sources.open_recordings`
    group : None: the first column that tables are divided by, else the sub-folder where recordings lie in more than
        one, else each recording on its own; "folder": the sub-folder; "file": the file, all recordings of an .npz
        together; any other word: the name of an array in the .npz with one entry a recording, or of a column that
        tables are divided by
    skip_bad : leave files that cannot be read out; by default they are an error, which names all of them

    Returns
    -------
    Clips, at least one; no sample is read yet: damage behind a header shows in `survey`

    Raises
    ------
    InputError : nothing there or nothing readable, an unreadable file, no such array, nothing chosen

    Examples
    --------
    >>> open_clips("cows.npz:normal=True", StreamFormat.of(plan.sensor, plan.columns), group="cow")  # doctest: +SKIP
    """
    if str(path) == "-":
        raise InputError("standard input: clips are read more than once; save them to a file or a folder first")
    place, _ = parsed(str(path))
    bad = list[str]()

    if not skip_bad:
        files = open_skippable_files(path, stream_format, reading=reading)
    else:
        try:
            files = open_files(path, stream_format, reading=reading, on_bad=bad.append)
        except InputError:
            if len(bad) < 2:
                raise
            raise UnusableInputsError(bad) from None  # none is left
    divided = reading is not None and bool(reading.by)
    if group is None and not divided and len({Path(file.name).parent for file in files}) > 1:
        group = "folder"
    found = []
    for file in files:
        labels = group_labels(file, group, place)
        for recording, label in zip(file.recordings, labels, strict=True):
            found.append(
                Clip(
                    recording.name,
                    label,
                    recording.length,
                    stream_format.kind,
                    stream_format.rate_hz,
                    stream_format.columns,
                    recording.stored_hz,
                    recording.blocks,
                    recording.notes,
                    recording.odd,
                )
            )
    return Clips(tuple(found), tuple(bad))


def clip_from_array(
    name: str, group: object, samples: Samples, *, kind: str = "audio", rate_hz: float = 16_000
) -> Clip:
    """A clip from memory.

    Parameters
    ----------
    name : what messages and reports call it
    group : label; clips that share it are never separated
    samples : int16 (n,), or (n, columns) with kind "external", or with "motion" in the plan's counts; not copied
    kind, rate_hz : as `Clip`

    Raises
    ------
    InputError : no int16 array of such a shape, or empty
    """
    if not isinstance(samples, np.ndarray) or samples.dtype != np.int16:
        raise InputError(f"{printable(name)}: the samples are no int16 array; scale and convert them first")
    if samples.ndim not in (1, 2) or samples.size == 0 or (kind == "audio" and samples.size != len(samples)):
        raise InputError(f"{printable(name)}: shape {samples.shape}; give int16 (n,) for audio, else (n, columns)")
    columns = 1 if samples.ndim == 1 else samples.shape[1]
    rows = samples.reshape(-1) if kind == "audio" else samples.reshape(-1, columns)
    read = partial(_in_blocks, rows, max(1, BLOCK_VALUES // columns))
    return Clip(name, str(group), len(rows), kind, rate_hz, columns, None, read)


def noticed(clips: Sequence[Clip]) -> Iterator[str]:
    """What is done to motion on the way and what was noticed of any recording, a line each; what many share, once.

    Parameters
    ----------
    clips : of `open_clips`

    Yields
    ------
    line : at most 10 of them
    """
    yield from shared((clip.name, clip.notes if clip.kind == "motion" else clip.odd) for clip in clips)


def shared(notes: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Notes of recordings, a line each; what many share, once.

    Parameters
    ----------
    notes : (name of a recording, its notes)

    Yields
    ------
    line : at most 10 of them
    """
    names: dict[str, list[str]] = {}
    for name, said in notes:
        for note in said:
            names.setdefault(note, []).append(name)
    lines = [f"{n[0] if len(n) == 1 else f'{len(n)} recordings'}: {note}" for note, n in names.items()]
    yield from lines[:_MOST_NOTES]
    if len(lines) > _MOST_NOTES:
        yield f"and {len(lines) - _MOST_NOTES} more such lines; anomsdk watch prints all"


def pieces(clip: Clip) -> list[Samples]:
    """A short clip in memory.

    Parameters
    ----------
    clip : read from the beginning

    Returns
    -------
    int16 (n,) or (n, columns) each: what lies between constant stretches, in order

    Raises
    ------
    InputError : as `Clip.blocks`
    """
    found = list[list[Samples]]()
    for new_piece, block in clip.blocks():
        if new_piece:
            found.append([])
        found[-1].append(block)
    return [np.concatenate(blocks) for blocks in found]


def survey(
    clips: Clips, *, skip_bad: bool = False, progress: Callable[[int], None] = lambda done: None
) -> tuple[Clips, tuple[Facts, ...]]:
    """Read every clip once, keep no sample: damaged ones are named, counted and left out, the same for everyone.

    Parameters
    ----------
    clips : of `open_clips` or `clip_from_array`
    skip_bad : leave clips that turn out damaged out; by default they are an error, which names all of them
    progress : called with the clips read so far

    Returns
    -------
    clips : those that can be read to their end; ``bad`` names the others, too
    facts : one for each of them

    Raises
    ------
    InputError : a damaged clip, or nothing readable is left
    """
    good, facts, bad = list[Clip](), list[Facts](), list(clips.bad)
    for done, clip in enumerate(clips.clips, 1):
        try:
            facts.append(_facts(clip))
            good.append(clip)
        except InputError as error:
            bad.append(str(error))
        progress(done)
    if not skip_bad and (damaged := bad[len(clips.bad) :]):
        raise UnusableInputsError(damaged, skippable=True)
    if clips.clips and not good:
        raise InputError(f"none of {len(clips.clips)} recordings can be read; the first is {bad[len(clips.bad)]}")
    return Clips(tuple(good), tuple(bad)), tuple(facts)


def _facts(clip: Clip) -> Facts:
    cutter, digest, lengths = clip.cutter(), hashlib.sha256(), list[int]()
    for new_piece, block in clip.blocks(cutter):
        if new_piece:
            lengths.append(0)
        lengths[-1] += len(block)
        digest.update(np.ascontiguousarray(block).data)
    return Facts(tuple(lengths), cutter.cut, cutter.clipped, digest.hexdigest(), cutter.missing)


def _in_blocks(rows: Samples, n: int) -> Iterator[Samples]:
    for start in range(0, len(rows), n):
        yield rows[start : start + n]
