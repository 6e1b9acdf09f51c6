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
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from anomsdk.errors import InputError, UnusableInputsError, printable
from anomsdk.runtime.memory import wiping_libraries
from anomsdk.sources.audio import stored_recording
from anomsdk.sources.conditions import Condition, NothingChosenError, OfAny, parsed, picked
from anomsdk.sources.devices import Devices, read_devices
from anomsdk.sources.formats.csv import csv_file
from anomsdk.sources.formats.npy import npy_file
from anomsdk.sources.formats.npz import npz_file
from anomsdk.sources.formats.sound import sound_file
from anomsdk.sources.formats.stdin import standard_input
from anomsdk.sources.formats.stored import refusing
from anomsdk.sources.formats.text_file import suffix_of
from anomsdk.sources.motion_files import open_motion, refuse_for_counts
from anomsdk.sources.recording import OpenedFile, Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

SUFFIXES = (".wav", ".flac", ".ogg", ".npy", ".npz", ".csv", ".csv.gz")
MOTION_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".npy", ".npz")


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
        refuse_for_counts("standard input", reading)
        if reading.rate_hz is not None:
            raise InputError("--rate: standard input is at the plan's rate, and not resampled; leave it out")
        sound_hz = stream_format.rate_hz if stream_format.kind == "audio" else None
        return [stored_recording(standard_input(stream_format.columns, sound_hz), stream_format, reading.channel)]
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
            reading = replace(way.reading, where=(*conditions, *way.reading.where))
            return open_motion(path, name, where, stream_format, reading, way.devices)
        if conditions and suffix != ".npz":
            raise InputError(
                f"{where}: only an .npz, and a table of motion, can be chosen from; leave out what is behind it"
            )
        if suffix in (".csv", ".csv.gz"):
            found = csv_file(path, name, where, columns=stream_format.columns)
        else:
            found = {".npy": npy_file, ".npz": npz_file}.get(suffix, sound_file)(path, name, where)
    chosen = picked(path, where, len(found), conditions)
    channel = way.reading.channel
    return OpenedFile(
        path, name, tuple(stored_recording(found[i], stream_format, channel) for i in chosen), chosen, len(found)
    )


def _unknown(suffix: str) -> str:
    """What is wrong with a file of another kind."""
    if suffix in SUFFIXES:
        return "holds no motion"
    if suffix in (".gz", ".zip", ".7z", ".bz2", ".xz", ".zst", ".tar", ".rar"):
        return "packed, and only .csv.gz is read so: unpack it"
    return "unknown kind of file"
