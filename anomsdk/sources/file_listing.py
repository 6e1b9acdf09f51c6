"""Files that may hold recordings: listed below a folder, and opened one by one with their headers checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from anomsdk.errors import InputError, printable
from anomsdk.runtime.memory import clearing_frames, wipe_leftovers, wiping_libraries
from anomsdk.sources.audio import stored_recording
from anomsdk.sources.conditions import Condition, OfAny, parsed, picked
from anomsdk.sources.devices import Devices, read_devices
from anomsdk.sources.diary_files import open_diary
from anomsdk.sources.formats.arrays.int16_csv import csv_file
from anomsdk.sources.formats.arrays.npy import npy_file
from anomsdk.sources.formats.arrays.npz import npz_file
from anomsdk.sources.formats.motion.first_reading import Hear
from anomsdk.sources.formats.sound.sound_files import sound_file
from anomsdk.sources.formats.stored_samples import refusing
from anomsdk.sources.formats.text_file import suffix_of
from anomsdk.sources.motion_files import open_motion
from anomsdk.sources.recording import OpenedFile
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

SUFFIXES = (".wav", ".flac", ".ogg", ".npy", ".npz", ".csv", ".csv.gz")
"""Suffixes of files of sound and of external rows."""
MOTION_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".npy", ".npz")
"""Suffixes of files of motion and of diaries."""
_TABLES = ("motion", "diary")
"""Kinds whose tables have columns with names."""


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

    def open(self, file: ListedFile, hear: Hear | None = None) -> OpenedFile:
        """Open one of ``files``, in any thread.

        Parameters
        ----------
        file : of ``files``
        hear : as `open_files`, in place of that of the listing; None: that of the listing

        Raises
        ------
        NothingChosenError : no recording of the file fulfils all conditions
        InputError : as `open_recordings`, for this file
        """
        opening = self._opening if hear is None else replace(self._opening, hear=hear)
        return _open_file(file.path, file.name, opening)

    def check_chosen(self) -> None:
        """Refuse a condition with a value that occurred in none of the files of a folder. All of them were opened."""
        for each in self._opening.reading.where if self.is_folder else ():
            if isinstance(each, OfAny):
                each.check(self.where)


def list_files(
    path: str | Path, stream_format: StreamFormat, *, reading: ReadOptions | None = None, hear: Hear | None = None
) -> FileListing:
    """List the files that may hold recordings, and open none of them.

    Parameters
    ----------
    path, stream_format, reading, hear : as `open_files`

    Raises
    ------
    InputError : no such path, or no such file in a folder; wrong options
    """
    reading = reading or ReadOptions()
    stream_format.check()
    reading.check(stream_format)
    suffixes = _suffixes(stream_format)
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


def _suffixes(stream_format: StreamFormat) -> tuple[str, ...]:
    """List the suffixes of files that hold this kind of stream."""
    return MOTION_SUFFIXES if stream_format.kind in _TABLES else SUFFIXES


def _advice(path: str, stream_format: StreamFormat) -> str:
    """Say what to do about a path that does not exist."""
    before, colon, conditions = path.partition(":")
    if not colon or "=" not in conditions or not Path(before).exists():
        return "check the path"
    what = (
        "in folders choose with `where`" if stream_format.kind in _TABLES else "choose from its .npz files one by one"
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
    try:
        with wiping_libraries(), clearing_frames():  # motion is read here, once
            return _opened(path, name, opening)
    finally:
        if suffix_of(path) in (".csv", ".csv.gz"):
            wipe_leftovers()


def _opened(path: Path, name: str, opening: _Opening) -> OpenedFile:
    stream_format, conditions = opening.stream_format, opening.conditions
    where, name, suffix = printable(path), printable(name), suffix_of(path)
    suffixes = _suffixes(stream_format)
    if suffix not in suffixes:
        raise InputError(f"{where}: {_unknown(suffix, stream_format.kind)}; convert it to one of {', '.join(suffixes)}")
    with refusing(where):
        if not path.is_file():
            raise InputError(f"{where}: no regular file; give a file or a folder")
        if path.stat().st_size == 0:
            raise InputError(f"{where}: the file is empty; record it again or leave it out")
        reading = replace(opening.reading, where=(*conditions, *opening.reading.where))
        if stream_format.kind == "motion":
            return open_motion(path, name, where, stream_format, reading, opening.devices, opening.hear)
        if stream_format.kind == "diary":
            return open_diary(path, name, where, stream_format, reading)
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


def _unknown(suffix: str, kind: str) -> str:
    """Say why a file with this suffix is not read."""
    if suffix in SUFFIXES:
        return f"holds no {kind}"
    if suffix in (".gz", ".zip", ".7z", ".bz2", ".xz", ".zst", ".tar", ".rar"):
        return "packed, and only .csv.gz is read packed: unpack it"
    return "unknown kind of file"
