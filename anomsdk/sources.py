"""Files, folders and standard input as streams of int16 blocks, in memory that does not grow with length.

Audio is mixed down (or one channel taken), resampled and brought to 16 bits where needed, as `Recording.notes` says;
what is mono, 16-bit and at the wanted rate passes bit for bit. Other sound is looked at when it is opened: a long .wav,
.flac or .ogg in 64 places, and as a whole where something is odd. External rows are never altered. A .npy and standard
input carry no rate: they are taken to be at the wanted one; so is a .csv of audio or external rows.

Motion in a .csv or .parquet needs a column of time, headings that name the axes, and a unit that the headings or
`Reading` say; in an .npz it has any numbers with ``fs``, ``scale``, ``unit`` and ``channels``. It is brought to the
wanted rate, axes and counts. Where samples are missing a recording goes on after a gap; nothing bridges it. These files
are read once when they are opened, so that the notes are complete, and what cannot be right is refused before anything
is done with it. A .npy and standard input hold int16 that are the wanted counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, UnusableInputsError, printable
from anomsdk.formats.arrays import npy_file
from anomsdk.formats.csv import MAX_CSV_LINE, csv_file
from anomsdk.formats.motion import Motion, MotionRows, check_unit, surveyed
from anomsdk.formats.motion_csv import csv_table
from anomsdk.formats.motion_npz import npz_motion
from anomsdk.formats.motion_parquet import parquet_table
from anomsdk.formats.npz import MAX_RECORDINGS, npz_file
from anomsdk.formats.plausibility import check_channels, looked
from anomsdk.formats.sound import FLOAT_LIMIT, sound_file
from anomsdk.formats.stdin import standard_input
from anomsdk.formats.stored import BLOCK_VALUES, Block, Reader, Stored, refusing
from anomsdk.formats.table import table_motion
from anomsdk.memory import made_wiping, wipe, wiping_libraries
from anomsdk.wanted import Reading, Wanted

__all__ = [
    "AUDIO_RATES_HZ",
    "BLOCK_VALUES",
    "FLOAT_LIMIT",
    "MAX_CHANNELS",
    "MAX_CSV_LINE",
    "MAX_RECORDINGS",
    "MOTION_SUFFIXES",
    "SUFFIXES",
    "Block",
    "OpenedFile",
    "Reading",
    "Recording",
    "Wanted",
    "open_files",
    "open_recordings",
    "open_skippable",
    "read_recording",
]

MAX_CHANNELS = 64  # more is a transposed array or a damaged header, no microphone array that is mixed down
AUDIO_RATES_HZ = (100, 768_000)
SUFFIXES = (".wav", ".flac", ".ogg", ".npy", ".npz", ".csv")
MOTION_SUFFIXES = (".csv", ".parquet", ".npy", ".npz")


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
    recordings : at least one, in the order of the file
    """

    path: Path
    name: str
    recordings: tuple[Recording, ...]


def open_recordings(
    path: str | Path,
    wanted: Wanted,
    *,
    reading: Reading | None = None,
    on_bad: Callable[[str], None] | None = None,
) -> list[Recording]:
    """Find the recordings in a file, a folder or standard input, and check their headers.

    Parameters
    ----------
    path : a .wav, .flac, .ogg, .npy, .npz or .csv file, for motion a .csv, .parquet, .npy or .npz; a folder (all such
        files below it, sorted by path, hidden ones skipped); or ``-`` for raw little-endian int16 on standard input,
        columns interleaved
    wanted : audio is mixed down and resampled as needed, motion is resampled and scaled; external rows have exactly so
        many columns, and where a file has a rate, exactly this one
    reading : what files of motion do not say themselves, and which channel of sound is taken
    on_bad : called with one line for every file below a folder that cannot be used, which is then left out;
        by default such files are an error, which names all of them

    Returns
    -------
    recordings : at least one; no sample is read yet, but of motion and of sound that is not 16-bit mono

    Raises
    ------
    InputError : nothing there, an unknown or damaged file, an array of the wrong type or shape, a wrong rate,
        or no usable file in a folder; motion: an unknown unit or axis, stamps that do not rise, a stuck axis, values
        that cannot be in this unit, or too many dropped samples

    Examples
    --------
    >>> for recording in open_recordings("recordings/", Wanted(16_000)):  # doctest: +SKIP
    ...     for block in recording.blocks():
    ...         ...
    """
    if str(path) == "-":
        wanted.check()
        (reading or Reading()).check(wanted)
        return [_recording(standard_input(wanted.columns), wanted, (reading or Reading()).channel)]
    files = open_files(path, wanted, reading=reading, on_bad=on_bad)
    return [recording for file in files for recording in file.recordings]


def open_skippable(
    path: str | Path,
    wanted: Wanted,
    *,
    reading: Reading | None = None,
    on_bad: Callable[[str], None] | None = None,
) -> list[Recording]:
    """As `open_recordings`; the error that names bad files in a folder says how the command line leaves them out.

    Parameters
    ----------
    path, wanted, reading, on_bad : as `open_recordings`
    """
    bad = list[str]()
    try:
        found = open_recordings(path, wanted, reading=reading, on_bad=bad.append if on_bad is None else on_bad)
    except InputError:
        if not bad:
            raise
        raise UnusableInputsError(bad, skippable=True) from None
    if bad:
        raise UnusableInputsError(bad, skippable=True)
    return found


def open_files(
    path: str | Path,
    wanted: Wanted,
    *,
    reading: Reading | None = None,
    on_bad: Callable[[str], None] | None = None,
) -> list[OpenedFile]:
    """As `open_recordings`, file by file; standard input is none.

    Parameters
    ----------
    path, wanted, reading, on_bad : as `open_recordings`

    Returns
    -------
    files : at least one, sorted by path

    Raises
    ------
    InputError : as `open_recordings`
    """
    reading = reading or Reading()
    wanted.check()
    reading.check(wanted)
    suffixes = MOTION_SUFFIXES if wanted.kind == "motion" else SUFFIXES
    root, where = Path(path), printable(path)
    with refusing(where):
        if not str(path) or not root.exists():
            raise InputError(f"{where or 'the empty path'}: no such file or folder; check the path")
        if not root.is_dir():
            return [_open_file(root, root.name, wanted, reading)]
        names = _names_below(root, suffixes)
    if not names:
        raise InputError(f"{where}: no recordings in this folder; it needs {', '.join(suffixes)} files")
    opened, bad = list[OpenedFile](), list[str]()
    for name in names:
        try:
            opened.append(_open_file(root / name, name, wanted, reading))
        except InputError as error:
            bad.append(str(error))
            if on_bad is not None:
                on_bad(bad[-1])
    if bad and on_bad is None:
        raise UnusableInputsError(bad)
    if not opened:
        raise InputError(f"{where}: none of its {len(bad)} files can be used; the first is {bad[0]}")
    return opened


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


def _names_below(root: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Paths below a folder of all supported files, sorted, with nothing hidden on the way."""
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(folder).relative_to(root)
        names += [(here / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(name for name in names if Path(name).suffix.lower() in suffixes)


def _open_file(path: Path, name: str, wanted: Wanted, reading: Reading) -> OpenedFile:
    with wiping_libraries():  # motion is read once here
        return _opened(path, name, wanted, reading)


def _opened(path: Path, name: str, wanted: Wanted, reading: Reading) -> OpenedFile:
    where, name, suffix = printable(path), printable(name), path.suffix.lower()
    suffixes = MOTION_SUFFIXES if wanted.kind == "motion" else SUFFIXES
    if suffix not in suffixes:
        what = "holds no motion" if suffix in SUFFIXES else "unknown kind of file"
        raise InputError(f"{where}: {what}; convert it to one of {', '.join(suffixes)}")
    with refusing(where):
        if not path.is_file():
            raise InputError(f"{where}: no regular file; give a file or a folder")
        if path.stat().st_size == 0:
            raise InputError(f"{where}: the file is empty; record it again or leave it out")
        if wanted.kind == "motion" and suffix != ".npy":
            rows = _motion_rows(path, name, where, wanted, reading)
            kept_by = "pyarrow" if suffix == ".parquet" else None
            return OpenedFile(
                path, name, tuple(replace(each, kept_by=kept_by) for each in _motion(rows, wanted, reading))
            )
        if suffix == ".csv":
            found = csv_file(path, name, where, columns=wanted.columns)
        else:
            found = {".npy": npy_file, ".npz": npz_file}.get(suffix, sound_file)(path, name, where)
    return OpenedFile(path, name, tuple(_recording(stored, wanted, reading.channel) for stored in found))


def _motion_rows(path: Path, name: str, where: str, wanted: Wanted, reading: Reading) -> list[MotionRows]:
    if path.suffix.lower() == ".npz":
        return npz_motion(path, name, where, wanted, reading)
    open_table = csv_table if path.suffix.lower() == ".csv" else parquet_table
    return [table_motion(open_table(path, name, where), wanted, reading)]


# --- what becomes of stored samples


def _recording(stored: Stored, wanted: Wanted, channel: int | None) -> Recording:
    if wanted.kind == "audio":
        return _audio(stored, int(wanted.rate_hz), channel)
    return _rows(stored, wanted.rate_hz, wanted.columns)


def _motion(rows: list[MotionRows], wanted: Wanted, reading: Reading) -> Iterator[Recording]:
    """Recordings of one file, read once; one of several that is damaged is refused when it is read again."""
    read = list[Motion | InputError]()
    for each in rows:
        try:
            read.append(surveyed(each, wanted, reading.max_bridge))
        except InputError as error:
            read.append(error)
    good = [each for each in read if isinstance(each, Motion)]
    if not good:
        raise next(each for each in read if isinstance(each, InputError))
    checked = iter(check_unit(good))
    for each, found in zip(rows, read, strict=True):
        if isinstance(found, InputError):
            yield Recording(each.name, (), None, each.rate_hz, each.where, partial(_refuse, found))
            continue
        motion = next(checked)
        yield Recording(each.name, motion.notes, motion.length, motion.timeline.rate_hz, each.where, motion.blocks)


def _refuse(error: InputError) -> NoReturn:
    raise error


def _rows(stored: Stored, rate_hz: float, columns: int) -> Recording:
    """Rows of values, exactly as stored."""
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
    return Recording(stored.name, stored.notes, stored.rows, stored.rate_hz, where, read)


def _audio(stored: Stored, rate_hz: int, channel: int | None) -> Recording:
    """One channel at the wanted rate, converted only where it has to be."""
    where, channels, notes, length, odd = stored.where, stored.channels, stored.notes, stored.rows, stored.odd
    stored_hz = rate_hz if stored.rate_hz is None else _whole_rate(stored.rate_hz, where)
    if channels > MAX_CHANNELS:
        raise InputError(f"{where}: {channels} channels, at most {MAX_CHANNELS}; store instants as rows")
    if channel is not None and channel > channels:
        raise InputError(f"{where}: {channels} channel{'s' * (channels > 1)}, and --channel {channel}; choose another")
    if channels > 1 and channel is None:
        notes += (f"{channels} channels mixed down",)
        per_block = max(1, BLOCK_VALUES // channels)
        odd += check_channels(stored.look or looked(made_wiping(stored.read(per_block)), channels))
    elif channels > 1:
        notes += (f"channel {channel} of {channels}",)
    if stored_hz != rate_hz:
        low, high = AUDIO_RATES_HZ
        if not low <= rate_hz <= high:
            raise InputError(f"{where}: cannot be resampled to {rate_hz} Hz; choose {low} to {high}")
        notes += (f"{stored_hz} Hz resampled to {rate_hz} Hz",)
        length = None if length is None else max(1, round(length * rate_hz / stored_hz))
    # Upsampled, a block is longer than what was read for it.
    rows = max(1, int(BLOCK_VALUES / channels * min(1.0, stored_hz / rate_hz)))
    one = stored.read if channels == 1 or channel is None else partial(_column, stored.read, channel - 1)
    same = stored.exact and (channels == 1 or channel is not None) and stored_hz == rate_hz
    read = partial(_flat, one, rows) if same else partial(_mono, one, rows, stored_hz, rate_hz)
    return Recording(stored.name, notes + odd, length, stored.rate_hz, where, read, odd=odd)


def _whole_rate(rate_hz: float, where: str) -> int:
    low, high = AUDIO_RATES_HZ
    if rate_hz != int(rate_hz):
        raise InputError(f"{where}: fs is {_number(rate_hz)}; save one whole number")
    if not low <= rate_hz <= high:
        raise InputError(f"{where}: {_number(rate_hz)} Hz is no audio rate ({low} to {high}); correct the header")
    return int(rate_hz)


def _millihertz(rate_hz: float) -> float:
    """To the nearest whole one, as a plan has it; infinite where a damaged rate is too large for that."""
    return round(rate_hz * 1000, 0)


def _number(value: float) -> str:
    """All its digits, and no more."""
    return str(value).removesuffix(".0")


def _column(read: Reader, column: int, rows: int) -> Iterator[NDArray[Any]]:
    for block in read(rows):
        yield np.ascontiguousarray(block[:, column : column + 1])


def _flat(read: Reader, rows: int) -> Iterator[Block]:
    for block in read(rows):
        yield block.reshape(-1)


def _mono(read: Reader, rows: int, stored_hz: int, rate_hz: int) -> Iterator[Block]:
    """Mix down, resample, then round half to even and clip, once."""
    # As float64 before it is added up: what numpy converts on the way it keeps in buffers of its own.
    mixed = (block.astype(np.float64, copy=False).mean(axis=1) for block in read(rows))
    for samples in mixed if stored_hz == rate_hz else _resampled(mixed, stored_hz, rate_hz):
        rounded = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
        wipe(samples)
        for start in range(0, len(rounded), BLOCK_VALUES):
            yield rounded[start : start + BLOCK_VALUES]


def _resampled(blocks: Iterator[NDArray[np.float64]], stored_hz: int, rate_hz: int) -> Iterator[NDArray[np.float64]]:
    import soxr

    # float64: soxr dithers int16, and the result would depend on the block size.
    stream = soxr.ResampleStream(stored_hz, rate_hz, 1, dtype="float64", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0), last=True)
