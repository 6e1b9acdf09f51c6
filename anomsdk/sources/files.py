"""Files, folders and standard input as streams of int16 blocks, in memory that does not grow with length.

Audio is mixed down (or one channel taken), resampled and brought to 16 bits where needed, as `Recording.notes` says;
what is mono, 16-bit and at the wanted rate passes bit for bit, and only its beginning is looked at when it is opened.
Other sound is looked at in 64 places, and as a whole where something is odd. External rows are never altered. A .npy
and standard input carry no rate: they are taken to be at the wanted one; so is a .csv of audio or external rows.

Motion in a .csv, .csv.gz or .parquet needs a column of time or a rate, headings that name the axes, and a unit that the
headings or `ReadOptions` say; one table of many animals is divided by a column. In an .npz it has any numbers with
``fs``, ``scale``, ``unit`` and ``channels``. It is brought to the wanted rate, axes and counts. Where more samples are
missing than `ReadOptions.max_bridge` says, a recording goes on after a gap. These files are read once when they are
opened, so that the notes are complete, and what cannot be right is refused before anything is done with it. A .npy and
standard input hold int16 that are the wanted counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, UnusableInputsError, printable, quoted
from anomsdk.runtime.memory import made_wiping, wipe, wiping_libraries
from anomsdk.sources.conditions import Condition, NothingChosenError, OfAny, parsed
from anomsdk.sources.devices import Devices, read_devices
from anomsdk.sources.formats.csv import MAX_CSV_LINE, csv_file
from anomsdk.sources.formats.motion import Motion, MotionRows, check_unit, surveyed
from anomsdk.sources.formats.motion_csv import csv_table
from anomsdk.sources.formats.motion_npz import npy_motion, npz_motion
from anomsdk.sources.formats.motion_parquet import parquet_table
from anomsdk.sources.formats.npy import npy_file
from anomsdk.sources.formats.npz import MAX_RECORDINGS, entries, npz_file
from anomsdk.sources.formats.plausibility import check_channels, looked
from anomsdk.sources.formats.sound import FLOAT_LIMIT, sound_file
from anomsdk.sources.formats.stdin import standard_input
from anomsdk.sources.formats.stored import BLOCK_VALUES, Block, Reader, Stored, refusing
from anomsdk.sources.formats.table import by_names, table_motion, table_parts
from anomsdk.sources.formats.text_file import suffix_of
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

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
    "ReadOptions",
    "Recording",
    "StreamFormat",
    "open_files",
    "open_recordings",
    "open_skippable",
    "open_skippable_files",
    "read_recording",
]

MAX_CHANNELS = 64  # more is a transposed array or a damaged header, no microphone array that is mixed down
AUDIO_RATES_HZ = (100, 768_000)
SUFFIXES = (".wav", ".flac", ".ogg", ".npy", ".npz", ".csv", ".csv.gz")
MOTION_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".npy", ".npz")


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


def open_recordings(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    on_bad: Callable[[str], None] | None = None,
) -> list[Recording]:
    """Find the recordings in a file, a folder or standard input, and check their headers.

    Parameters
    ----------
    path : a .wav, .flac, .ogg, .npy, .npz or .csv (.csv.gz) file, for motion a .csv, .parquet, .npy or .npz; a folder
        (all such files below it, sorted by path, hidden ones skipped); or ``-`` for raw little-endian int16 on standard
        input, columns interleaved. ``file.npz:label=Rain,Sea waves:fold!=4`` chooses the recordings of an .npz whose
        array ``label`` says one of these and ``fold`` not 4; ``herd.csv:cow=12`` the rows of a table of motion. A file
        with literally this name wins
    stream_format : what the pipeline takes: audio is mixed down and resampled to it, motion is resampled and scaled;
        external rows must have exactly its number of columns and, where a file has a rate, exactly its rate
    reading : what files of motion do not say themselves, and which channel of sound is taken
    on_bad : called with one line for every file below a folder that cannot be used, which is then left out;
        by default such files are an error, which names all of them

    Returns
    -------
    recordings : at least one; of motion every sample was read, of sound some, to see whether the header is right

    Raises
    ------
    InputError : nothing there, an unknown or damaged file, an array of the wrong type or shape, a wrong rate,
        or no usable file in a folder; motion: an unknown unit or axis, stamps that do not rise, a stuck axis, values
        that cannot be in this unit, or too many dropped samples

    Examples
    --------
    >>> for recording in open_recordings("recordings/", StreamFormat(16_000)):  # doctest: +SKIP
    ...     for block in recording.blocks():
    ...         ...
    """
    if str(path) == "-":
        stream_format.check()
        reading = reading or ReadOptions()
        reading.check(stream_format)
        _refuse_for_counts("standard input", reading)
        if reading.rate_hz is not None:
            raise InputError("--rate: standard input is at the plan's rate, and not resampled; leave it out")
        sound_hz = stream_format.rate_hz if stream_format.kind == "audio" else None
        return [_recording(standard_input(stream_format.columns, sound_hz), stream_format, reading.channel)]
    files = open_files(path, stream_format, reading=reading, on_bad=on_bad)
    return [recording for file in files for recording in file.recordings]


def open_skippable(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    on_bad: Callable[[str], None] | None = None,
) -> list[Recording]:
    """As `open_recordings`; the error that names bad files in a folder says how the command line leaves them out.

    Parameters
    ----------
    path, stream_format, reading, on_bad : as `open_recordings`
    """
    if on_bad is not None or str(path) == "-":
        return open_recordings(path, stream_format, reading=reading, on_bad=on_bad)
    return [
        recording
        for file in open_skippable_files(path, stream_format, reading=reading)
        for recording in file.recordings
    ]


def open_skippable_files(
    path: str | Path, stream_format: StreamFormat, *, reading: ReadOptions | None = None
) -> list[OpenedFile]:
    """As `open_files`; the error that names bad files in a folder says how the command line leaves them out.

    Parameters
    ----------
    path, stream_format, reading : as `open_recordings`
    """
    bad = list[str]()
    try:
        found = open_files(path, stream_format, reading=reading, on_bad=bad.append)
    except InputError:
        if not bad:
            raise
        raise UnusableInputsError(bad) from None  # none is left
    if bad:
        raise UnusableInputsError(bad, skippable=True)
    return found


def open_files(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    on_bad: Callable[[str], None] | None = None,
) -> list[OpenedFile]:
    """As `open_recordings`, file by file; standard input is none.

    Parameters
    ----------
    path, stream_format, reading, on_bad : as `open_recordings`

    Returns
    -------
    files : at least one, sorted by path

    Raises
    ------
    InputError : as `open_recordings`
    """
    reading = reading or ReadOptions()
    stream_format.check()
    reading.check(stream_format)
    suffixes = MOTION_SUFFIXES if stream_format.kind == "motion" else SUFFIXES
    place, conditions = parsed(str(path))
    root, where = Path(place), printable(place)
    devices = None if reading.devices is None else read_devices(reading.devices, stream_format, reading)
    way = _Way(stream_format, reading, conditions, devices)
    with refusing(where):
        if not str(path) or not root.exists():
            raise InputError(f"{where or 'the empty path'}: no such file or folder; {_advice(place, stream_format)}")
        if not root.is_dir():
            return [_open_file(root, root.name, way)]
        names = _names_below(root, suffixes)
    if not names:
        raise InputError(f"{where}: no recordings in this folder; it needs {', '.join(suffixes)} files")
    of_any = [OfAny(each.key, each.values, each.excluded) for each in reading.where]
    way = replace(way, reading=replace(reading, where=tuple(of_any)))
    opened, bad = list[OpenedFile](), list[str]()
    for name in names:
        try:
            opened.append(_open_file(root / name, name, way))
        except NothingChosenError:
            continue
        except InputError as error:
            bad.append(str(error))
            if on_bad is not None:
                on_bad(bad[-1])
    if bad and on_bad is None:
        raise UnusableInputsError(bad)
    for each in of_any if opened or not bad else ():
        each.check(where)
    if not opened and not bad:
        raise NothingChosenError(f"{where}: no recording is all of this; choose less")
    if not opened:
        raise InputError(f"{where}: none of its {len(bad)} files can be used; the first is {bad[0]}")
    return opened


def _advice(path: str, stream_format: StreamFormat) -> str:
    """What to do about a path that there is not."""
    before, colon, conditions = path.partition(":")
    if not colon or "=" not in conditions or not Path(before).exists():
        return "check the path"
    what = (
        "in folders choose with --where" if stream_format.kind == "motion" else "choose from its .npz files one by one"
    )
    return f"only an .npz or a table is chosen from behind a colon: {what}"


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
    return sorted(name for name in names if suffix_of(name) in suffixes)


@dataclass(frozen=True)
class _Way:
    """How files are opened.

    Parameters
    ----------
    stream_format, reading : as `open_files`
    conditions : what was chosen behind the path
    devices : what differs between devices
    """

    stream_format: StreamFormat
    reading: ReadOptions
    conditions: tuple[Condition, ...]
    devices: Devices | None


def _open_file(path: Path, name: str, way: _Way) -> OpenedFile:
    with wiping_libraries():  # motion is read once here
        return _opened(path, name, way)


def _opened(path: Path, name: str, way: _Way) -> OpenedFile:
    stream_format, conditions = way.stream_format, way.conditions
    where, name, suffix = printable(path), printable(name), suffix_of(path)
    suffixes = MOTION_SUFFIXES if stream_format.kind == "motion" else SUFFIXES
    if suffix not in suffixes:
        raise InputError(f"{where}: {_unknown(suffix)}; convert it to one of {', '.join(suffixes)}")
    with refusing(where):
        if not path.is_file():
            raise InputError(f"{where}: no regular file; give a file or a folder")
        if path.stat().st_size == 0:
            raise InputError(f"{where}: the file is empty; record it again or leave it out")
        if stream_format.kind == "motion":
            return _opened_motion(path, name, where, way)
        if conditions and suffix != ".npz":
            raise InputError(
                f"{where}: only an .npz, and a table of motion, can be chosen from; leave out what is behind it"
            )
        if suffix in (".csv", ".csv.gz"):
            found = csv_file(path, name, where, columns=stream_format.columns)
        else:
            found = {".npy": npy_file, ".npz": npz_file}.get(suffix, sound_file)(path, name, where)
    picked = _picked(path, where, len(found), conditions)
    channel = way.reading.channel
    return OpenedFile(
        path, name, tuple(_recording(found[i], stream_format, channel) for i in picked), picked, len(found)
    )


def _unknown(suffix: str) -> str:
    """What is wrong with a file of another kind."""
    if suffix in SUFFIXES:
        return "holds no motion"
    if suffix in (".gz", ".zip", ".7z", ".bz2", ".xz", ".zst", ".tar", ".rar"):
        return "packed, and only .csv.gz is read so: unpack it"
    return "unknown kind of file"


def _picked(path: Path, where: str, n: int, conditions: Sequence[Condition]) -> tuple[int, ...]:
    """Which recordings of an .npz fulfil all conditions; without conditions, all of any file."""
    left = set(range(n))
    for each in conditions:
        found = entries(path, where, each.key, n)
        values = each.picked(set(found), where)
        left = {index for index in left if found[index] in values}
    if not left:
        raise NothingChosenError(f"{where}: no recording is all of this; choose less")
    return tuple(sorted(left))


def _refuse_for_counts(where: str, reading: ReadOptions) -> None:
    """Refuse what is said of tables where rows of the plan's counts are read."""
    for flag, said in (("--where", reading.where), ("--by", reading.by)):
        if said:
            raise InputError(f"{flag}: {where} has no columns with names; leave it out")


def _opened_motion(path: Path, name: str, where: str, way: _Way) -> OpenedFile:
    """A file of motion, read once."""
    stream_format, suffix = way.stream_format, suffix_of(path)
    reading = replace(way.reading, where=(*way.conditions, *way.reading.where))
    if suffix in (".npy", ".npz"):
        if reading.by and suffix == ".npz":
            raise InputError(f"--by: {where} is no table; its recordings are apart already, choose with :key=value")
        own, said = (reading, "") if way.devices is None else way.devices.reading(name, (), reading)
    if suffix == ".npy":
        _refuse_for_counts(where, own)
        if own.rate_hz is None:
            return OpenedFile(
                path,
                name,
                tuple(_recording(each, stream_format, None) for each in npy_file(path, name, where)),
                (0,),
                1,
            )
        rows = [npy_motion(path, name, where, stream_format, own)]
        return OpenedFile(path, name, tuple(_motion(rows, stream_format, own, said=said)), (0,), 1)
    if suffix == ".npz":
        with _said_by(said):
            rows = npz_motion(path, name, where, stream_format, own)
        picked = _picked(path, where, len(rows), own.where)
        chosen = [rows[i] for i in picked]
        return OpenedFile(path, name, tuple(_motion(chosen, stream_format, own, said=said)), picked, len(rows))
    return _opened_table(path, name, where, stream_format, reading, way.devices)


def _opened_table(
    path: Path, name: str, where: str, stream_format: StreamFormat, reading: ReadOptions, devices: Devices | None
) -> OpenedFile:
    """The recordings of a table of motion: one, or one for each value of the columns that it is divided by."""
    is_parquet = suffix_of(path) == ".parquet"
    table = (parquet_table if is_parquet else csv_table)(path, name, where)
    parts = table_parts(table, reading)
    own = [(reading, "") if devices is None else devices.reading(name, part.values, reading) for part in parts]
    rows = list[MotionRows]()
    for part, (how, said) in zip(parts, own, strict=True):
        try:
            with _said_by(said):
                rows.append(table_motion(part.table, stream_format, how))
        except InputError as error:
            if len(parts) == 1:
                raise
            rows.append(_damaged(part.table.name, part.table.where, stream_format, error))
    together = [(rows, "")] if devices is None else [([each], said) for each, (_, said) in zip(rows, own, strict=True)]
    recordings = [
        each
        for several, said in together
        for each in _motion(several, stream_format, reading, alone=len(rows) == 1, one_device=False, said=said)
    ]
    if is_parquet:
        recordings = [replace(each, kept_by="pyarrow") for each in recordings]
    named = [*by_names(table, reading), *reading.by]  # by number, too
    values = {key: tuple(part.values[at % len(reading.by)] for part in parts) for at, key in enumerate(named)}
    return OpenedFile(path, name, tuple(recordings), tuple(range(len(rows))), len(rows), values)


@contextmanager
def _said_by(said: str) -> Iterator[None]:
    """Add to a message which line of a file of devices a recording was read by."""
    try:
        yield
    except InputError as error:
        if not said:
            raise
        raise InputError(f"{error} (read as {said} says: correct it there)") from None


def _damaged(name: str, where: str, stream_format: StreamFormat, error: InputError) -> MotionRows:
    """A part of a table that cannot be read, whose other parts can."""
    return MotionRows(
        name, where, "counts", (1.0,) * stream_format.columns, None, False, partial(_refuse, error), lambda row: ""
    )


# --- what becomes of stored samples


def _recording(stored: Stored, stream_format: StreamFormat, channel: int | None) -> Recording:
    if stream_format.kind == "audio":
        return _audio(stored, int(stream_format.rate_hz), channel)
    return _rows(stored, stream_format.rate_hz, stream_format.columns)


def _motion(
    rows: list[MotionRows],
    stream_format: StreamFormat,
    reading: ReadOptions,
    *,
    alone: bool = True,
    one_device: bool = True,
    said: str = "",
) -> Iterator[Recording]:
    """Recordings of one file, read once; one of several that is damaged is refused when it is read again.

    Parameters
    ----------
    rows : of recordings of one file
    one_device : one device wrote them: they have one unit, and one that rests oddly is only spoken of
    reading : how many missing samples are bridged
    alone : there are no others in the file: where none can be read, the file is refused
    said : the line of a file of devices that they are read by
    """
    read = list[Motion | InputError]()
    for each in rows:
        try:
            with _said_by(said):
                motion = surveyed(each, stream_format, reading.max_bridge)
                read.append(motion if one_device else check_unit([motion])[0])
        except InputError as error:
            read.append(error)
    good = [each for each in read if isinstance(each, Motion)]
    first = next((each for each in read if isinstance(each, InputError)), None)
    if not good and first is not None and (alone or len(rows) > 1):
        raise first
    try:
        with _said_by(said):
            checked = iter(check_unit(good) if good and one_device else good)
    except InputError as error:
        if alone:
            raise
        read, checked = [error] * len(read), iter(())
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
        if stored_hz < rate_hz:
            odd += (f"recorded at {stored_hz} Hz, it holds nothing above {stored_hz / 2:g} Hz",)
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
