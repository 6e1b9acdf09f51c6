"""Read options that differ between devices (unit, scale, axes and so on), one line for each device in a .csv."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from anomsdk.errors import InputError, parameter, printable, quoted
from anomsdk.sources.formats.stored_samples import refusing
from anomsdk.sources.formats.text_file import encoding_of, text_lines
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

_KEYS = ("file", "device")
"""Headings of the columns that say which recordings a line is for."""
_OPTIONS = {"unit": "unit", "scale": "scale", "axes": "axes", "rate": "rate_hz", "time": "time", "array": "array"}
"""Heading -> field of `ReadOptions`."""
_MOST_LINES = 100_000
"""Most lines of a file of devices."""


@dataclass(frozen=True)
class Device:
    """Line of a .csv of devices.

    Parameters
    ----------
    line : number of the line, from 1
    file : name of a file, or its path below the folder, where * and ? stand for any characters; empty: any file
    device : a folder on the way to the file, the file's name without its suffix, or a value of `ReadOptions.by`; empty:
        any device
    said : options of the line, as texts for `ReadOptions.parsed`
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
        """Find the options of one recording: those of its line, and for empty cells those of the caller.

        Parameters
        ----------
        name : path of the file below the folder
        values : values of the columns `ReadOptions.by` in this recording
        reading : options of the caller

        Returns
        -------
        reading : options of the recording
        said : the line in words, for messages

        Raises
        ------
        InputError : no line fits the recording, or two lines fit equally well
        """
        found = [each for each in self._lines if _fits(each, name, values)]
        shown = printable(name) + "".join(f" ({quoted(value)})" for value in values)
        if not found:
            raise InputError(
                f"{shown}: no line of {self._where} fits it; add one, or one whose file is * for all others"
            )
        closest = max(_closeness(each, name) for each in found)
        found = [each for each in found if _closeness(each, name) == closest]
        if len(found) > 1:
            lines = f"{found[0].line} and {found[1].line}"
            raise InputError(f"{self._where}: lines {lines} both fit {shown}; delete one of them")
        return _read_with(found[0], reading), f"line {found[0].line} of {self._where}"


def read_devices(path: str | Path, stream_format: StreamFormat, reading: ReadOptions) -> Devices:
    """Read a .csv of devices.

    Parameters
    ----------
    path : a .csv. Its first line names the columns: ``file`` or ``device`` or both, and those of ``unit``, ``scale``,
        ``axes``, ``rate``, ``time`` and ``array`` that differ between devices. Several values in a cell are separated
        by spaces
    stream_format : format that the pipeline takes
    reading : options of the caller, for empty cells

    Raises
    ------
    InputError : no such file, an unknown column, or a value that its option does not take; the message names the line

    Examples
    --------
    >>> read_devices("devices.csv", StreamFormat(25, "motion", 3, 4096, None, 8), ReadOptions())  # doctest: +SKIP
    """
    where, place = printable(path), Path(path)
    lines = list[Device]()
    with refusing(where):
        if not str(path) or not place.is_file():
            raise InputError(f"{parameter('devices', where)}: no such file; check the path")
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
                    "in one cell by spaces"
                )
            lines.append(
                _line(number, dict(zip(names, cells, strict=True)), f"{where}, line {number}", stream_format, reading)
            )
            if len(lines) > _MOST_LINES:
                raise InputError(f"{where}: more than {_MOST_LINES} lines; keep only those for these recordings")
    if not lines:
        raise InputError(f"{where}: no line of a device; write e.g. file,unit,scale and one line for each file")
    return Devices(where, lines)


def _names(cells: Sequence[str], where: str) -> list[str]:
    names = [cell.lower() for cell in cells]
    known = (*_KEYS, *_OPTIONS)
    if not set(names) & set(_KEYS) or not set(names) & set(_OPTIONS):
        raise InputError(
            f"{where}: no headings such as file,unit,scale; name file or device, and at least one of "
            f"{', '.join(_OPTIONS)}"
        )
    for name in names:
        if name not in known:
            raise InputError(
                f"{where}: {quoted(name) or 'an empty heading'} is no known heading; known are {', '.join(known)}"
            )
        if names.count(name) > 1:
            raise InputError(f"{where}: two columns are {name}; delete one of them")
    return names


def _line(
    number: int, cells: Mapping[str, str], where: str, stream_format: StreamFormat, reading: ReadOptions
) -> Device:
    file, device = cells.get("file", ""), cells.get("device", "")
    if not file and not device:
        raise InputError(f"{where}: no file and no device is named; name one, or * for all others")
    said = {_OPTIONS[name]: cell for name, cell in cells.items() if name in _OPTIONS and cell}
    if re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", said.get("scale", "")):
        one = said["scale"].replace(",", ".")
        both = said["scale"].replace(",", " ")
        what = "may be one number with a decimal comma, or two numbers"
        raise InputError(f"{where}: scale {said['scale']} {what}; write {one} or {both}")
    for name in ("axes", "scale", "unit"):
        if name in said:
            cell = said[name].replace(";", ",")
            said[name] = cell if "," in cell else ",".join(cell.split())
    found = Device(number, file, device, said)
    try:
        _read_with(found, reading).check(stream_format)
    except InputError as error:
        raise InputError(f"{where}: {quoted(_in_headings(str(error)), 200)}") from None
    return found


def _in_headings(message: str) -> str:
    """Put headings of the .csv, and cells, in place of the parameters that a message names."""
    headings = {option: heading for heading, option in _OPTIONS.items()} | {"rotation": "unit"}

    def cell(found: re.Match[str]) -> str:
        value = f" {found[2].strip(chr(39))}" if found[2] else ""
        return headings.get(found[1], found[1]) + value

    return re.sub(r"`(\w+)(?:=([^`]*))?`", cell, message)


def _read_with(line: Device, reading: ReadOptions) -> ReadOptions:
    said = ReadOptions.parsed(**line.said)
    own = {name: getattr(said, name) for name in line.said}
    if "unit" in own:  # the unit of one sensor, or of two
        own["unit"], own["rotation"] = said.unit or reading.unit, said.rotation or reading.rotation
    return replace(reading, devices=None, **own)


def _fits(line: Device, name: str, values: Sequence[str]) -> bool:
    path = PurePosixPath(name)
    if line.file and not (fnmatchcase(name, line.file) or fnmatchcase(path.name, line.file)):
        return False
    base = path.name.partition(".")[0]
    return not line.device or line.device in (*path.parts[:-1], path.stem, base, *values) or line.device == "*"


def _closeness(line: Device, name: str) -> tuple[bool, bool, int]:
    """Rank a line that fits: the whole path first, then a name, then patterns, the longest first."""
    named = line.file + line.device
    any_of = any(sign in named for sign in "*?[")
    return line.file == name, not any_of, len(named.replace("*", "")) if any_of else bool(line.file) + bool(line.device)
