"""Files of ladder exports: one or more exports one after the other, with calendar day and group in their path."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from anomsdk.core.checks import require
from anomsdk.core.export import Export, export_bytes
from anomsdk.datasets.export_files import MAX_BYTES, SUFFIX
from anomsdk.datasets.reading import walked
from anomsdk.errors import InputError, UnusableInputsError, printable, quoted
from anomsdk.utils.files import read_limited

_LENGTH = struct.Struct("<H")
_LENGTH_AT = 4
"""Offset of the length of an export in its head."""


@dataclass(frozen=True)
class FiledExport:
    """Export of a ladder as a file holds it.

    Parameters
    ----------
    name : its file; with its place among several
    export : Export
    day : calendar day that a part of the path names, as in ``day=2026-05-31``; None: none does
    group : name that a part of the path gives, as in ``group=north``; empty: none
    """

    name: str
    export: Export
    day: date | None
    group: str


def is_exports(path: Path) -> bool:
    """Return True for a .ladder file, and for a folder with one in it."""
    if path.is_dir():
        return next(_files_below(path), None) is not None
    return path.suffix.lower() == SUFFIX


def _files_below(folder: Path) -> Iterator[Path]:
    return (below / name for below, names in walked(folder) for name in names if name.lower().endswith(SUFFIX))


def read_exports(path: Path, on_bad: Callable[[str], None] | None = None) -> list[FiledExport]:
    """Read the exports of a file, or of all .ladder files below a folder.

    Parameters
    ----------
    path : file or folder
    on_bad : called with one line for each file that cannot be read, which is then left out; None: they are an error

    Raises
    ------
    InputError : a torn export, one of another version, a file without one, or a day that is none
    """
    files = sorted(_files_below(path)) if path.is_dir() else [path]
    found, bad = list[FiledExport](), list[str]()
    for file in files:
        try:
            found += _read(file)
        except InputError as error:
            bad.append(str(error))
    if bad and (on_bad is None or not found):
        raise UnusableInputsError(bad, skippable=on_bad is None and len(files) > 1)
    for line in bad:
        assert on_bad is not None
        on_bad(line)
    return found


def split_exports(data: bytes) -> Iterator[Export]:
    """Yield the exports that stand one after the other.

    Raises
    ------
    InputError : as `Export.from_bytes`
    """
    at = 0
    while at < len(data):
        rest = len(data) - at
        size = _LENGTH.unpack_from(data, at + _LENGTH_AT)[0] if rest >= export_bytes(0) else rest
        size = size if size >= export_bytes(0) else rest
        yield Export.from_bytes(data[at : at + size])
        at += size


def check_clock(exports: Sequence[FiledExport]) -> None:
    """Refuse a ladder that counts fewer ticks on a later calendar day of the same boot.

    Raises
    ------
    InputError : names both exports
    """
    latest: dict[tuple[int, int], FiledExport] = {}
    dated = [each for each in exports if each.day is not None]
    for each in sorted(dated, key=lambda each: (each.day or date.min, each.export.last)):
        export = each.export
        before = latest.get((export.device, export.boot))
        require(
            before is None or before.day == each.day or export.last >= before.export.last,
            f"{before and before.name} and {each.name}: device {export.device}, boot {export.boot}: tick "
            f"{before and before.export.last} on {before and before.day}, and tick {export.last} on {each.day}; a "
            "clock that goes backwards",
        )
        latest[export.device, export.boot] = each


def _read(file: Path) -> list[FiledExport]:
    name = printable(file)
    data = read_limited(file, MAX_BYTES)
    require(len(data) > 0, f"{name}: is empty; read the device again")
    day, group = _day_of(file), _part_of(file, "group") or ""
    try:
        exports = list(split_exports(data))
    except InputError as error:
        raise InputError(f"{name}: {error}; read the device again") from None
    several = len(exports) > 1
    return [
        FiledExport(f"{name} (export {i})" if several else name, export, day, printable(group))
        for i, export in enumerate(exports, 1)
    ]


def _part_of(file: Path, key: str) -> str | None:
    """Return the value of the last folder of a path that is named KEY=VALUE."""
    values = [part.partition("=")[2] for part in file.parts[:-1] if part.startswith(f"{key}=")]
    return values[-1] if values else None


def _day_of(file: Path) -> date | None:
    text = _part_of(file, "day")
    if text is None:
        return None
    try:
        require(len(text) == 10, "")
        return date.fromisoformat(text)
    except ValueError:  # InputError is one
        raise InputError(f"{printable(file)}: day={quoted(text)} is no day; write it as day=2026-05-31") from None
