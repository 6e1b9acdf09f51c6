"""Recordings found in files, in folders and on standard input, opened with their headers checked.

Every recording is read as a stream of int16 blocks, in memory that does not grow with its length.

Sound is mixed down (or one channel is taken), resampled, and rounded to 16 bits, where necessary; `Recording.notes`
says so. Sound that is mono, 16-bit and at the rate of the plan passes bit for bit, and only its beginning is examined
when it is opened. Other sound is examined in 64 places, and completely where something looks wrong. External rows are
never altered. A .npy, a .csv of sound or external rows, and standard input store no rate: the rate of the plan is
assumed.

Motion in a .csv, .csv.gz or .parquet needs a column of time or a rate, headings that name the axes, and a unit in the
headings or in `ReadOptions.unit`; columns can divide one table into recordings of many animals. Motion in an .npz has
numbers of any type, with ``fs``, ``scale``, ``unit`` and ``channels``. Motion is brought to the rate, axes and counts
of the plan. Where more samples are missing than `ReadOptions.max_bridge`, a gap divides the recording. A file of motion
is read once when it is opened, so that its notes are complete and impossible values are refused before any of it is
used. A .npy and standard input hold int16 counts of the plan.
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
from anomsdk.sources.formats.arrays.int16_csv import csv_file
from anomsdk.sources.formats.arrays.npy import npy_file
from anomsdk.sources.formats.arrays.npz import npz_file
from anomsdk.sources.formats.motion.first_reading import Hear
from anomsdk.sources.formats.sound.sound_files import sound_file
from anomsdk.sources.formats.standard_input import standard_input
from anomsdk.sources.formats.stored_samples import refusing
from anomsdk.sources.formats.text_file import suffix_of
from anomsdk.sources.motion_files import open_motion, refuse_for_counts
from anomsdk.sources.recording import OpenedFile, Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

SUFFIXES = (".wav", ".flac", ".ogg", ".npy", ".npz", ".csv", ".csv.gz")
"""Suffixes of files of sound and of external rows."""
MOTION_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".npy", ".npz")
"""Suffixes of files of motion."""


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
    path : a .wav, .flac, .ogg, .npy, .npz, .csv or .csv.gz; for motion a .csv, .csv.gz, .parquet, .npy or .npz; a
        folder, which means all such files below it, sorted by path, without hidden ones; or ``-`` for raw little-endian
        int16 on standard input, columns interleaved. Conditions behind a colon choose recordings:
        ``file.npz:label=Rain,Sea waves:fold!=4`` those whose array ``label`` has one of the two values and ``fold`` is
        not 4, ``herd.csv:cow=12`` those rows of a table of motion. A file whose name is the whole text comes first
    stream_format : format that the pipeline takes: audio is mixed down and resampled to it, motion is resampled and
        scaled; external rows must have exactly its number of columns and, where a file states a rate, exactly its rate
    reading : options for files of motion, and the channel of sound that is taken; None: `ReadOptions()`
    on_bad : function that is called with one line for each unusable file below a folder, which is then left out; by
        default unusable files are an error that names all of them

    Returns
    -------
    recordings : at least one; all samples of motion were read once, some samples of sound, to check the header

    Raises
    ------
    InputError : no such path, an unknown or damaged file, an array of the wrong type or shape, a wrong rate, or no
        usable file in a folder. For motion also: an unknown unit or axis, time stamps that do not rise, an axis that
        never changes, values that are impossible in this unit, or too many missing samples

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
            raise InputError("`rate_hz`: standard input is at the plan's rate, and not resampled; leave it out")
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
    hear: Hear | None = None,
) -> list[Recording]:
    """Find recordings as `open_recordings` does; an error about unusable files names `skip_bad`, which leaves them out.

    Parameters
    ----------
    path, stream_format, reading, on_bad : as `open_recordings`
    hear : as `open_files`
    """
    if str(path) == "-":
        return open_recordings(path, stream_format, reading=reading, on_bad=on_bad)
    if on_bad is not None:
        files = open_files(path, stream_format, reading=reading, on_bad=on_bad, hear=hear)
    else:
        files = open_skippable_files(path, stream_format, reading=reading, hear=hear)
    return [recording for file in files for recording in file.recordings]


def open_skippable_files(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    hear: Hear | None = None,
) -> list[OpenedFile]:
    """Open files as `open_files` does; an error about unusable files names `skip_bad`, which leaves them out.

    Parameters
    ----------
    path, stream_format, reading : as `open_recordings`
    hear : as `open_files`
    """
    bad = list[str]()
    try:
        found = open_files(path, stream_format, reading=reading, on_bad=bad.append, hear=hear)
    except InputError:
        if not bad:
            raise
        raise UnusableInputsError(bad) from None  # no file is left
    if bad:
        raise UnusableInputsError(bad, skippable=True)
    return found


def open_files(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    on_bad: Callable[[str], None] | None = None,
    hear: Hear | None = None,
) -> list[OpenedFile]:
    """Find recordings as `open_recordings` does, file by file, but not on standard input.

    Parameters
    ----------
    path, stream_format, reading, on_bad : as `open_recordings`
    hear : called with the blocks of each recording of motion while that is read for the first time, so that it need not
        be read twice; its result, other than None, is `Recording.heard`. Where the recording turns out to be damaged,
        or the blocks to be others than `Recording.blocks` yields, the result is dropped

    Returns
    -------
    files : at least one, sorted by path

    Raises
    ------
    InputError : as `open_recordings`
    """
    listing = list_files(path, stream_format, reading=reading)
    if not listing.is_folder:
        return [listing.open(listing.files[0])]
    opened, bad = list[OpenedFile](), list[str]()
    for file in listing.files:
        try:
            opened.append(listing.open(file))
        except NothingChosenError:
            continue
        except InputError as error:
            bad.append(str(error))
            if on_bad is not None:
                on_bad(bad[-1])
    if bad and on_bad is None:
        raise UnusableInputsError(bad)
    if opened or not bad:
        listing.check_chosen()
    if not opened and not bad:
        raise NothingChosenError(f"{listing.where}: no recording fulfils all conditions; remove one of them")
    if not opened:
        raise InputError(f"{listing.where}: none of its {len(bad)} files can be used; the first is {bad[0]}")
    return opened


@dataclass(frozen=True)
class ListedFile:
    """File that may hold recordings, not opened yet.

    Parameters
    ----------
    path : path of the file
    name : file name, or path below the folder that was listed
    """

    path: Path
    name: str


@dataclass(frozen=True)
class FileListing:
    """Files of a source, and the parameters with which each is opened; `list_files` makes it.

    Parameters
    ----------
    root : file or folder that was listed, without conditions
    where : the same, for messages
    is_folder : the source is a folder
    files : at least one, sorted by path
    """

    root: str
    where: str
    is_folder: bool
    files: tuple[ListedFile, ...]
    _opening: _Opening

    def open(self, file: ListedFile) -> OpenedFile:
        """Open one of ``files``, in any thread.

        Raises
        ------
        NothingChosenError : no recording of the file fulfils all conditions
        InputError : as `open_recordings`, for this file
        """
        return _open_file(file.path, file.name, self._opening)

    def check_chosen(self) -> None:
        """Refuse a condition with a value that occurred in none of the files of a folder. All of them were opened."""
        for each in self._opening.reading.where if self.is_folder else ():
            if isinstance(each, OfAny):
                each.check(self.where)


def list_files(path: str | Path, stream_format: StreamFormat, *, reading: ReadOptions | None = None) -> FileListing:
    """List the files that may hold recordings, and open none of them.

    Parameters
    ----------
    path, stream_format, reading : as `open_recordings`, but not standard input

    Raises
    ------
    InputError : no such path, or no such file in a folder; wrong options
    """
    reading = reading or ReadOptions()
    stream_format.check()
    reading.check(stream_format)
    suffixes = MOTION_SUFFIXES if stream_format.kind == "motion" else SUFFIXES
    place, conditions = parsed(str(path))
    root, where = Path(place), printable(place)
    devices = None if reading.devices is None else read_devices(reading.devices, stream_format, reading)
    opening = _Opening(stream_format, reading, conditions, devices, hear)
    with refusing(where):
        if not str(path) or not root.exists():
            raise InputError(f"{where or 'the empty path'}: no such file or folder; {_advice(place, stream_format)}")
        if not root.is_dir():
            return FileListing(place, where, False, (ListedFile(root, root.name),), opening)
        names = _names_below(root, suffixes)
    if not names:
        raise InputError(f"{where}: no recordings in this folder; it needs {', '.join(suffixes)} files")
    of_any = [OfAny(each.key, each.values, each.excluded) for each in reading.where]
    opening = replace(opening, reading=replace(reading, where=tuple(of_any)))
    return FileListing(place, where, True, tuple(ListedFile(root / name, name) for name in names), opening)


def _advice(path: str, stream_format: StreamFormat) -> str:
    """Say what to do about a path that does not exist."""
    before, colon, conditions = path.partition(":")
    if not colon or "=" not in conditions or not Path(before).exists():
        return "check the path"
    what = (
        "in folders choose with `where`" if stream_format.kind == "motion" else "choose from its .npz files one by one"
    )
    return f"only an .npz or a table takes conditions behind a colon: {what}"


def _names_below(root: Path, suffixes: tuple[str, ...]) -> list[str]:
    """List all supported files below a folder, as sorted paths, without hidden files and folders."""
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(folder).relative_to(root)
        names += [(here / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(name for name in names if suffix_of(name) in suffixes)


@dataclass(frozen=True)
class _Opening:
    """Parameters with which each file is opened.

    Parameters
    ----------
    stream_format, reading : as `open_files`
    conditions : conditions behind the path
    devices : options of single devices; None where there are none
    hear : as `open_files`
    """

    stream_format: StreamFormat
    reading: ReadOptions
    conditions: tuple[Condition, ...]
    devices: Devices | None
    hear: Hear | None


def _open_file(path: Path, name: str, opening: _Opening) -> OpenedFile:
    with wiping_libraries():  # motion is read here, once
        return _opened(path, name, opening)


def _opened(path: Path, name: str, opening: _Opening) -> OpenedFile:
    stream_format, conditions = opening.stream_format, opening.conditions
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
            reading = replace(opening.reading, where=(*conditions, *opening.reading.where))
            return open_motion(path, name, where, stream_format, reading, opening.devices, opening.hear)
        if conditions and suffix != ".npz":
            raise InputError(
                f"{where}: only an .npz and a table of motion take conditions; leave out the text behind the path"
            )
        if suffix in (".csv", ".csv.gz"):
            found = csv_file(path, name, where, columns=stream_format.columns)
        else:
            found = {".npy": npy_file, ".npz": npz_file}.get(suffix, sound_file)(path, name, where)
    chosen = picked(path, where, len(found), conditions)
    channel = opening.reading.channel
    return OpenedFile(
        path, name, tuple(stored_recording(found[i], stream_format, channel) for i in chosen), chosen, len(found)
    )


def _unknown(suffix: str) -> str:
    """Say why a file with this suffix is not read."""
    if suffix in SUFFIXES:
        return "holds no motion"
    if suffix in (".gz", ".zip", ".7z", ".bz2", ".xz", ".zst", ".tar", ".rar"):
        return "packed, and only .csv.gz is read packed: unpack it"
    return "unknown kind of file"
