"""Files of ladder exports as arrays: all exports of a folder at once, each checked by its CRC."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.export import MARK, VERSION, Export, export_bytes
from anomsdk.datasets.reading import day_of, part_of, walked
from anomsdk.errors import InputError, printable
from anomsdk.utils.files import read_limited

SUFFIX = ".ladder"
MAX_BYTES = 256 << 20
"""Largest file of exports."""
_CRC_BYTES = 4

Stamp = tuple[int, int]


@dataclass(frozen=True, order=True)
class ExportFolder:
    """Files of exports of one folder, or one file that was given by its name.

    Parameters
    ----------
    day : calendar day that a folder above them names, as in ``day=2026-05-31``
    group : name that a folder above them gives, as in ``group=north``; empty: none
    path : folder, or the file
    """

    day: str
    group: str
    path: Path

    @property
    def key(self) -> str:
        """Name of the folder in the commits of a data set."""
        return str(self.path.resolve())

    def files(self) -> list[tuple[str, os.stat_result]]:
        """List the files with their sizes and times, sorted by name."""
        if not self.path.is_dir():
            return [(str(self.path), self.path.stat())]
        with os.scandir(self.path) as entries:
            found = [(entry.path, entry.stat()) for entry in entries if _is_export(entry.name) and entry.is_file()]
        return sorted(found, key=lambda each: each[0])

    def stamp(self) -> Stamp:
        """Return the bytes of all files, and 63 bits of a digest of their names, sizes and times of change."""
        digest, total = hashlib.sha256(), 0
        for name, stat in self.files():
            total += stat.st_size
            digest.update(f"{Path(name).name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode("utf-8", "replace"))
        return total, int.from_bytes(digest.digest()[:8], "little") >> 1


def export_folders(
    sources: Sequence[str | Path], on_bad: Callable[[str], None]
) -> Iterator[tuple[str, list[ExportFolder]]]:
    """List the folders of exports below some paths by day, in the order of the days.

    Parameters
    ----------
    sources : .ladder files, and folders with such files in them or below
    on_bad : called with one line for each folder that names no day, which is left out

    Raises
    ------
    InputError : a path that is not there or holds no .ladder file
    """
    found = dict[str, ExportFolder]()
    for source in map(Path, sources):
        places = list(_places(source))
        if not places:
            raise InputError(f"{printable(source)}: no {SUFFIX} file; give exports of ladders, or a folder with such")
        for place, file in places:
            try:
                day = day_of(file)
            except InputError as error:
                on_bad(str(error))
                continue
            if not day:
                on_bad(
                    f"{printable(file)}: no folder above it names the day on which the device was read; put it into "
                    "one, such as day=2026-05-31"
                )
                continue
            each = ExportFolder(day, part_of(file, "group"), place)
            found.setdefault(each.key, each)
    for day, folders in groupby(sorted(found.values()), key=lambda each: each.day):
        yield day, list(folders)


def _places(source: Path) -> Iterator[tuple[Path, Path]]:
    """Yield folders with exports, each with one of its files."""
    if not source.is_dir():
        if not source.is_file() or not _is_export(source.name):
            raise InputError(f"{printable(source)}: is no {SUFFIX} file and no folder; give exports of ladders")
        yield source, source
        return
    for folder, names in walked(source):
        one = next((name for name in names if _is_export(name)), None)
        if one is not None:
            yield folder, folder / one


def _is_export(name: str) -> bool:
    return name.lower().endswith(SUFFIX)


def export_dtype(n_rungs: int) -> np.dtype[Any]:
    """Return the layout of an export of a ladder, as `anomsdk.core.export.Export` packs it."""
    rung = [(name, "<u2") for name in ("alarms", "days", "episodes", "at_risk")]
    found = np.dtype(
        [
            *(("mark", "V2"), ("version", "u1"), ("rungs", "u1"), ("length", "<u2"), ("boot", "<u2")),
            *(("device", "<u8"), ("score_tag", "V8"), ("plan_tag", "<u2"), ("level_tag", "u1"), ("promise", "u1")),
            *(("first", "<u4"), ("last", "<u4"), ("days", "<u2"), ("episode_gap", "u1"), ("zero", "u1")),
            *(("counts", [("ticks", "<u4"), *rung], (n_rungs,)), ("crc", "<u4")),
        ]
    )
    assert found.itemsize == export_bytes(n_rungs)
    return found


@dataclass(eq=False)
class ExportNames:
    """Names of exports in messages: the file, and the number of the export where it holds several.

    Parameters
    ----------
    files : names of the files
    counts : int64 (files,), exports of each
    kept : int64 (n,), which of them, in the order of the files, are named
    """

    files: list[str]
    counts: NDArray[np.int64]
    kept: NDArray[np.int64]

    def __post_init__(self) -> None:
        self._ends = np.cumsum(self.counts)

    def __getitem__(self, index: int) -> str:
        at, number = self.file_of(int(self.kept[index]))
        return printable(self.files[at]) + (f" (export {number + 1})" if self.counts[at] > 1 else "")

    def file_of(self, place: int) -> tuple[int, int]:
        """Return the index of the file of an export, and the place of the export in it, from 0."""
        at = int(np.searchsorted(self._ends, place, "right"))
        return at, place - int(self._ends[at]) + int(self.counts[at])

    def places(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the index of the file of each export, and its number there from 1; 0: it is the only one."""
        place = self.kept[indices]
        at = np.searchsorted(self._ends, place, "right")
        number = place - self._ends[at] + self.counts[at] + 1
        return at, np.where(self.counts[at] > 1, number, 0)


def read_exports(
    files: Iterable[str], n_rungs: int, on_bad: Callable[[str], None]
) -> tuple[NDArray[Any], ExportNames, int]:
    """Read all exports of some files.

    Parameters
    ----------
    files : paths
    n_rungs : rungs of the plan's ladder, by which exports have their length
    on_bad : called with one line for each file that cannot be read, and for each export that is torn; they are left out

    Returns
    -------
    exports (n,) of `export_dtype`, their names, and the bytes that were read
    """
    kind = export_dtype(n_rungs)
    parts, names, counts, total = list[bytes](), list[str](), list[int](), 0
    for file in files:
        try:
            data = read_limited(Path(file), MAX_BYTES)
            if not data:
                raise InputError(f"{printable(file)}: is empty; read the device again")
        except InputError as error:
            on_bad(str(error))
            continue
        total += len(data)
        whole, rest = divmod(len(data), kind.itemsize)
        if rest:
            last = data[whole * kind.itemsize :]
            on_bad(f"{_name(file, whole, whole + 1)}: {_fault(last, n_rungs)}; read the device again")
        parts.append(data[: whole * kind.itemsize])
        names.append(file)
        counts.append(whole)
    joined = b"".join(parts)
    exports = np.frombuffer(joined, kind)
    good = _whole(exports, joined, n_rungs)
    every = ExportNames(names, np.array(counts, np.int64), np.arange(len(exports)))
    bad = np.flatnonzero(~good).tolist()
    for _, ones in groupby(bad, key=lambda index: every.file_of(index)[0]):
        first, *others = ones
        data = joined[first * kind.itemsize : (first + 1) * kind.itemsize]
        more = f" (and {len(others):,} more exports of this file)" if others else ""
        on_bad(f"{every[first]}: {_fault(data, n_rungs)}; read the device again{more}")
    return exports[good] if bad else exports, ExportNames(names, every.counts, np.flatnonzero(good)), total


def readable(exports: NDArray[Any], n_rungs: int) -> NDArray[np.bool_]:
    """Return which exports are whole, (n,), without the check of their CRC."""
    return (
        (exports["mark"].view("<u2") == int.from_bytes(MARK, "little"))
        & (exports["version"] == VERSION)
        & (exports["rungs"] == n_rungs)
        & (exports["length"] == exports.dtype.itemsize)
        & (exports["boot"] >= 1)
        & (exports["first"] <= exports["last"])
    )


def _whole(exports: NDArray[Any], data: bytes, n_rungs: int) -> NDArray[np.bool_]:
    view, size, crc32 = memoryview(data), exports.dtype.itemsize, zlib.crc32
    found = np.array([crc32(view[at : at + size - _CRC_BYTES]) for at in range(0, len(data), size)], np.uint32)
    return readable(exports, n_rungs) & (found == exports["crc"])


def _fault(data: bytes, n_rungs: int) -> str:
    """Say what is wrong with the bytes of an export."""
    try:
        Export.from_bytes(data)
    except InputError as error:
        return str(error)
    return f"export: of {data[3]} rungs, and the ladder of the plan has {n_rungs}"


def _name(file: str, index: int, n: int) -> str:
    return printable(file) + (f" (export {index + 1})" if n > 1 else "")
