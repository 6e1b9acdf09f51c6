"""Clips, the labelled and grouped recordings of training and evaluation, read as streams."""

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
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES
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
"""Lines of notes that are shown before the rest is counted."""


@dataclass(frozen=True)
class Clip:
    """A recording with the group from which it must not be separated.

    Parameters
    ----------
    name : name of the recording in messages and reports
    group : label such as a subject, an animal or a day; clips with the same label stay together
    length : samples (rows); approximate when resampled, None when unknown before reading
    kind : "audio", "motion", "external" or "diary"; constant stretches are cut out of audio only
    rate_hz : samples (rows) a second
    columns : values in a row, 1 for audio
    stored_hz : samples (rows) a second in the file, None where it states no rate; a clip that was resampled from a
        lower rate holds nothing above half of it
    notes, odd : remarks on the samples, as in `anomsdk.sources.Recording`
    start_ns : time of the first sample, as in `anomsdk.sources.Recording`
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
    start_ns: int | None = None

    def blocks(self, cutter: ConstantCutter | None = None) -> Iterator[tuple[bool, Samples]]:
        """Read the samples from the beginning; digitally constant stretches of 0.1 s or more are cut out of audio.

        Parameters
        ----------
        cutter : a new result of `cutter`, for callers that read its counts afterwards

        Yields
        ------
        new_piece : true for the first block, and where samples before a block were cut out or are missing
        block : int16 (n,) for audio, (n, columns) otherwise; n >= 1, at most about 65,536 values

        Raises
        ------
        InputError : the recording is damaged, cut off or empty, or a value is out of range
        """
        cutter = self.cutter() if cutter is None else cutter
        for block in self._read():
            if isinstance(block, int):
                yield from cutter.gap(block)
            else:
                yield from cutter.push(block)
        yield from cutter.finish()

    def cutter(self) -> ConstantCutter:
        """Make a cutter for this clip; it cuts constant stretches out of audio, and nothing out of other kinds."""
        return ConstantCutter(shortest_constant(self.rate_hz) if self.kind == "audio" else None)


@dataclass(frozen=True)
class Clips:
    """Clips that can be read, and messages about those that were left out.

    Parameters
    ----------
    clips : clips in the order of the files
    bad : one line for each file or clip that cannot be read and was left out
    """

    clips: tuple[Clip, ...]
    bad: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Counts and digest of one pass over a clip.

    Parameters
    ----------
    piece_lengths : samples of each piece between constant stretches, in order; empty when the clip is constant
    cut : samples in constant stretches
    clipped : samples with two or more in a row at the edge of int16
    digest : sha256 of the samples that are not cut out, 64 hex digits
    missing : samples missing in gaps
    """

    piece_lengths: tuple[int, ...]
    cut: int
    clipped: int
    digest: str
    missing: int = 0

    @property
    def kept(self) -> int:
        """Number of samples that are not cut out."""
        return sum(self.piece_lengths)

    @property
    def length(self) -> int:
        """Number of samples from the beginning to the end, with those cut out and those missing."""
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
    path : as `anomsdk.sources.open_recordings`, but not standard input
    stream_format, reading : as `anomsdk.sources.open_recordings`
    group : "folder": recordings of one sub-folder are a group. "file": all recordings of one file, such as an .npz, are
        a group. Any other word: name of an array of the .npz with one entry for each recording, or of a column that
        divides tables. None: the first column that divides tables, else the sub-folder where there are several, else
        each recording is its own group
    skip_bad : leave out files that cannot be read; by default they are an error that names all of them

    Returns
    -------
    clips : at least one; damage behind the header of a file is found by `survey`

    Raises
    ------
    InputError : no such path, an unreadable file, no such array, or no recording that fulfils all conditions

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
            raise UnusableInputsError(bad) from None  # no file is left
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
                    recording.start_ns,
                )
            )
    return Clips(tuple(found), tuple(bad))


def clip_from_array(
    name: str, group: object, samples: Samples, *, kind: str = "audio", rate_hz: float = 16_000
) -> Clip:
    """Make a clip of samples in memory.

    Parameters
    ----------
    name : name of the clip in messages and reports
    group : label; clips with the same label are never separated
    samples : int16 (n,) for "audio", (n, columns) for "external", and for "motion" in counts of the plan; not copied
    kind, rate_hz : as `Clip`

    Raises
    ------
    InputError : the samples are no int16 array of such a shape, or empty
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
    """List the notes on motion and diaries, and odd notes on other clips; a note that many share is listed once.

    Parameters
    ----------
    clips : from `open_clips`

    Yields
    ------
    line : at most 10 of them
    """
    yield from shared((clip.name, clip.notes if clip.kind in ("motion", "diary") else clip.odd) for clip in clips)


def shared(notes: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """List notes of recordings, one line each; a note that many recordings share is listed once.

    Parameters
    ----------
    notes : pairs of a recording's name and its notes

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
    """Read a short clip into memory.

    Parameters
    ----------
    clip : clip, which is read from the beginning

    Returns
    -------
    pieces : int16 (n,) or (n, columns) each: the samples between constant stretches and gaps, in order

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
    """Read every clip once and keep no sample, to find damaged clips and to count.

    Parameters
    ----------
    clips : from `open_clips`, or made of `clip_from_array`
    skip_bad : leave out damaged clips; by default they are an error that names all of them
    progress : function that is called with the number of clips read

    Returns
    -------
    clips : clips that can be read to their end; ``bad`` has a line for each of the others
    facts : one for each of ``clips.clips``

    Raises
    ------
    InputError : a damaged clip, or no readable clip is left
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
