"""What differs between devices: unit, scale, axes and the like, a line a device in a .csv."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.formats.stored import refusing
from anomsdk.sources.formats.text_file import encoding_of, text_lines
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

_OF_WHAT = ("file", "device")
_SAYS = {"unit": "unit", "scale": "scale", "axes": "axes", "rate": "rate_hz", "time": "time", "array": "array"}
_MOST_LINES = 100_000


@dataclass(frozen=True)
class Device:
    """One line.

    Parameters
    ----------
    line : its number
    file : a name or path below the folder, with * and ? for any; empty: any
    device : a folder on the way to the file, the file's name without its suffix, or a value of --by; empty: any
    said : what it says, as the options of the command line have it
    """

    line: int
    file: str
    device: str
    said: Mapping[str, str]


class Devices:
    """Lines of a .csv of devices; made by `read_devices`."""

    def __init__(self, where: str, lines: Sequence[Device]) -> None:
        self._where, self._lines = where, tuple(lines)

    def reading(self, name: str, values: Sequence[str], reading: ReadOptions) -> tuple[ReadOptions, str]:
        """How one recording is read: its line, and for cells that are empty the options of the command line.

        Parameters
        ----------
        name : of the file, a path below the folder
        values : of the columns of --by
        reading : of the command line

        Returns
        -------
        reading : with what the line says
        said : which line that is, for messages

        Raises
        ------
        InputError : no line is for it, or two are
        """
        found = [each for each in self._lines if _fits(each, name, values)]
        shown = printable(name) + "".join(f" ({quoted(value)})" for value in values)
        if not found:
            raise InputError(f"{shown}: no line of {self._where} is for it; add one, or file = * for all others")
        closest = max(_closeness(each, name) for each in found)
        found = [each for each in found if _closeness(each, name) == closest]
        if len(found) > 1:
            lines = f"{found[0].line} and {found[1].line}"
            raise InputError(f"{self._where}: lines {lines} are both for {shown}; leave one")
        return _read_with(found[0], reading), f"line {found[0].line} of {self._where}"


def read_devices(path: str | Path, stream_format: StreamFormat, reading: ReadOptions) -> Devices:
    """Read a .csv of devices.

    Parameters
    ----------
    path : its first line names the columns: ``file`` or ``device`` or both, and of ``unit``, ``scale``, ``axes``,
        ``rate``, ``time`` and ``array`` those that differ; several values in a cell stand apart by spaces
    stream_format : what the pipeline takes
    reading : of the command line, for cells that are empty

    Raises
    ------
    InputError : no such file, an unknown column, a value that the option would not take; with the line

    Examples
    --------
    >>> read_devices("devices.csv", StreamFormat(25, "motion", 3, 4096, None, 8), ReadOptions())  # doctest: +SKIP
    """
    where, place = printable(path), Path(path)
    lines = list[Device]()
    with refusing(where):
        if not str(path) or not place.is_file():
            raise InputError(f"--devices {where}: no such file; check the path")
        text = text_lines(place, encoding_of(place, where), where)
        names: list[str] = []
        separator = ","
        for number, line in enumerate(text, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if not names:
                separator = ";" if line.count(";") > line.count(",") else ","
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]
            if not names:
                names = _names(cells, f"{where}, line {number}")
                continue
            if len(cells) != len(names):
                raise InputError(
                    f"{where}, line {number}: {len(cells)} cells below {len(names)} headings; separate several values "
                    "in a cell by spaces"
                )
            lines.append(
                _line(number, dict(zip(names, cells, strict=True)), f"{where}, line {number}", stream_format, reading)
            )
            if len(lines) > _MOST_LINES:
                raise InputError(f"{where}: more than {_MOST_LINES} lines; keep those of these recordings")
    if not lines:
        raise InputError(f"{where}: no line of a device; write e.g. file,unit,scale and a line for each file")
    return Devices(where, lines)


def _names(cells: Sequence[str], where: str) -> list[str]:
    names = [cell.lower() for cell in cells]
    known = (*_OF_WHAT, *_SAYS)
    if not set(names) & set(_OF_WHAT) or not set(names) & set(_SAYS):
        raise InputError(f"{where}: no headings such as file,unit,scale; name file or device, and what it says")
    for name in names:
        if name not in known:
            raise InputError(f"{where}: {quoted(name) or 'an empty heading'} is not known; name {', '.join(known)}")
        if names.count(name) > 1:
            raise InputError(f"{where}: two columns are {name}; leave one")
    return names


def _line(
    number: int, cells: Mapping[str, str], where: str, stream_format: StreamFormat, reading: ReadOptions
) -> Device:
    file, device = cells.get("file", ""), cells.get("device", "")
    if not file and not device:
        raise InputError(f"{where}: names no file and no device; name one, or * for all others")
    said = {_SAYS[name]: cell for name, cell in cells.items() if name in _SAYS and cell}
    if re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", said.get("scale", "")):
        one = said["scale"].replace(",", ".")
        both = said["scale"].replace(",", " ")
        what = "is one number to some and two to others"
        raise InputError(f"{where}: scale {said['scale']} {what}; write {one} or {both}")
    for name in ("axes", "scale", "unit"):
        if name in said:
            cell = said[name].replace(";", ",")
            said[name] = cell if "," in cell else ",".join(cell.split())
    found = Device(number, file, device, said)
    try:
        _read_with(found, reading).check(stream_format)
    except InputError as error:
        raise InputError(f"{where}: {quoted(str(error).removeprefix('--'), 200)}") from None
    return found


def _read_with(line: Device, reading: ReadOptions) -> ReadOptions:
    said = ReadOptions.parsed(**line.said)
    own = {name: getattr(said, name) for name in line.said}
    if "unit" in own:  # of one sensor, or of two
        own["unit"], own["rotation"] = said.unit or reading.unit, said.rotation or reading.rotation
    return replace(reading, devices=None, **own)


def _fits(line: Device, name: str, values: Sequence[str]) -> bool:
    path = PurePosixPath(name)
    if line.file and not (fnmatchcase(name, line.file) or fnmatchcase(path.name, line.file)):
        return False
    base = path.name.partition(".")[0]
    return not line.device or line.device in (*path.parts[:-1], path.stem, base, *values) or line.device == "*"


def _closeness(line: Device, name: str) -> tuple[bool, bool, int]:
    """How closely a line names what it fits: the whole path, a name, then the more of it the better."""
    named = line.file + line.device
    any_of = any(sign in named for sign in "*?[")
    return line.file == name, not any_of, len(named.replace("*", "")) if any_of else bool(line.file) + bool(line.device)
