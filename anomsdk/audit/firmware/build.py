"""A user's build in one address space: a linked program as it is, object files laid one behind the other."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from anomsdk.audit.firmware.archive import MAGIC, THIN, members
from anomsdk.audit.firmware.objects import ElfFile, Section, read_elf
from anomsdk.errors import InputError, printable
from anomsdk.utils.files import read_limited

_FIRST, _ALIGNMENT = 0x10000, 16
LARGEST = 1 << 28
"""Largest program or archive that is read, bytes."""


@dataclass(frozen=True)
class Name:
    """Function or variable of a build.

    Parameters
    ----------
    name : name in C
    address : address of its first byte, without the Thumb bit
    size : number of bytes; 0 where the file does not say
    kind : ``function`` or ``variable``
    local : only its own source sees it
    source : file that it was compiled from; of object files the one that holds it; empty if the build does not say
    of_port : the C port defines it: by its name or source, or as all that an object file of the port holds
    thumb : function of Thumb instructions
    writable : variable that the program may write to
    """

    name: str
    address: int
    size: int
    kind: str
    local: bool
    source: str
    of_port: bool
    thumb: bool = False
    writable: bool = False


@dataclass(frozen=True, eq=False)
class Build:
    """Linked program, object file or archive of object files.

    Parameters
    ----------
    path : file
    sha256 : of the file, 64 hex digits
    machine : value of `anomsdk.audit.firmware.objects.MACHINES`
    bits : 32 or 64
    big_endian : most significant byte first
    linked : linked program
    sections : sections that take memory; those of object files are laid one behind the other
    names : functions and variables, by address
    needed : undefined symbol -> object files of the C port that need it; empty for a linked program
    left_out : object files of an archive that hold nothing of the C port, and are not judged
    relocated : address of a place that a linker fills in -> (kind, address or None, name, addend); of objects alone
    constants : ranges of addresses in code that hold constants, as mapping symbols mark them
    """

    path: Path
    sha256: str
    machine: str
    bits: int
    big_endian: bool
    linked: bool
    sections: tuple[Section, ...]
    names: tuple[Name, ...]
    needed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    relocated: dict[int, tuple[int, int | None, str, int | None]] = field(default_factory=dict)
    constants: tuple[tuple[int, int], ...] = ()

    @cached_property
    def functions(self) -> tuple[Name, ...]:
        """Functions, by address."""
        return tuple(name for name in self.names if name.kind == "function")

    @cached_property
    def by_name(self) -> dict[str, Name]:
        """Name -> function or variable that other files see; of two local ones the last."""
        ordered = sorted(self.names, key=lambda name: not name.local)
        return {name.name: name for name in ordered}

    @cached_property
    def _starts(self) -> tuple[list[int], list[Name]]:
        sized = sorted((name for name in self.names if name.size), key=lambda name: (name.address, name.local))
        return [name.address for name in sized], sized

    @cached_property
    def entry_points(self) -> dict[int, Name]:
        """Address of its first instruction -> function."""
        return {name.address: name for name in sorted(self.functions, key=lambda name: (name.local, name.name))[::-1]}

    def at(self, address: int) -> Name | None:
        """Find the function or variable that holds an address; None if there is none."""
        starts, names = self._starts
        for i in range(bisect_right(starts, address) - 1, max(-1, bisect_right(starts, address) - 9), -1):
            if names[i].address <= address < names[i].address + names[i].size:
                return names[i]
        return None

    def section_at(self, address: int) -> Section | None:
        """Find the section that holds an address; None if there is none."""
        return next((s for s in self.sections if s.address <= address < s.address + s.size), None)

    def word(self, address: int) -> int | None:
        """Read an address that stands in memory before the program begins; None if nothing stands there."""
        if address in self.relocated:
            _, target, _, addend = self.relocated[address]
            if target is None:
                return None
            return target + (addend if addend is not None else self._stored(address) or 0)
        return self._stored(address)

    def _stored(self, address: int) -> int | None:
        section, size = self.section_at(address), self.bits // 8
        if section is None or not section.data:
            return None
        stored = section.data[address - section.address :][:size]
        return int.from_bytes(stored, "big" if self.big_endian else "little") if len(stored) == size else None


def read_build(path: Path) -> Build:
    """Read a linked program, an object file or an archive.

    Raises
    ------
    InputError : the file cannot be read, is none of these, is damaged, or holds nothing of the C port
    """
    shown = printable(path)
    data = read_limited(path, LARGEST, advice="give a linked program, an archive or an object file")
    if data.startswith((MAGIC, THIN)):
        parts = [read_elf(content, f"{path.name}({name})") for name, content in members(data, path.name)]
    else:
        parts = [read_elf(data, path.name)]
    kinds = {(part.machine, part.bits, part.big_endian) for part in parts}
    if len(kinds) > 1:
        raise InputError(f"{shown}: holds objects of {len(kinds)} architectures; give those of one")
    digest = hashlib.sha256(data).hexdigest()
    return _linked(path, digest, parts[0]) if parts[0].linked else _laid_out(path, digest, parts)


def _linked(path: Path, digest: str, part: ElfFile) -> Build:
    if not any(entry.kind in ("function", "variable") for entry in part.entries):
        raise InputError(f"{printable(path)}: has no symbols; give the program as it was before it was stripped")
    names = _names(
        part, {index: section.address for index, section in part.sections.items()}, part.sections, linked=True
    )
    _check_port(path, names)
    return Build(
        path=path,
        sha256=digest,
        machine=part.machine,
        bits=part.bits,
        big_endian=part.big_endian,
        linked=True,
        sections=tuple(part.sections.values()),
        names=tuple(names),
        constants=tuple(_constants(part, dict.fromkeys(part.sections, 0), part.sections)),
    )


def _laid_out(path: Path, digest: str, parts: list[ElfFile]) -> Build:
    if any(part.linked for part in parts):
        raise InputError(f"{printable(path)}: holds a linked program among its objects; give that program alone")
    mine = [part for part in parts if _is_of_port(part)]
    at, bases, sections = _FIRST, [], []
    for part in mine:
        base = {}
        for index, section in part.sections.items():
            base[index] = at
            sections.append(replace(section, address=at))
            at += -(-section.size // _ALIGNMENT) * _ALIGNMENT
        bases.append(base)
    names: list[Name] = []
    for part, base in zip(mine, bases, strict=True):
        names += _names(part, base, part.sections, linked=False)
    _check_port(path, names)
    shared = {name.name: name for name in names if not name.local}
    needed: dict[str, list[str]] = {}
    relocated = {}
    for part, base in zip(mine, bases, strict=True):
        for entry in part.entries:
            if entry.section is None and entry.name and entry.name not in shared:
                needed.setdefault(entry.name, []).append(part.name)
        for row in part.relocations:
            if row.symbol >= len(part.entries):
                continue
            entry = part.entries[row.symbol]
            target = base[entry.section] + entry.value if entry.section in base else None
            if target is None and entry.name in shared:
                target = shared[entry.name].address | shared[entry.name].thumb
            relocated[base[row.section] + row.offset] = (row.kind, target, entry.name, row.addend)
    constants: list[tuple[int, int]] = []
    for part, base in zip(mine, bases, strict=True):
        constants += _constants(part, base, part.sections)
    return Build(
        path=path,
        sha256=digest,
        machine=parts[0].machine,
        bits=parts[0].bits,
        big_endian=parts[0].big_endian,
        linked=False,
        sections=tuple(sections),
        names=tuple(sorted(names, key=lambda name: name.address)),
        needed={name: tuple(sorted(set(users))) for name, users in sorted(needed.items())},
        left_out=tuple(part.name for part in parts if part not in mine),
        relocated=relocated,
        constants=tuple(constants),
    )


def _is_of_port(part: ElfFile) -> bool:
    """Tell whether an object file holds something of the C port; a copy under another file name counts, too."""
    member = part.name.rpartition("(")[2]
    return member.startswith("anom_") or any(
        entry.name.startswith("anom_") and entry.section is not None and entry.kind in ("function", "variable")
        for entry in part.entries
    )


def _check_port(path: Path, names: list[Name]) -> None:
    if not any(name.name.startswith("anom_") and name.kind == "function" for name in names):
        raise InputError(f"{printable(path)}: holds no function of the C port (anom_...); give the build that has it")


def _names(part: ElfFile, base: dict[int, int], sections: dict[int, Section], *, linked: bool) -> list[Name]:
    """Make the functions and variables of a file; common variables stand behind everything, at address 0."""
    found = []
    member = part.name.rpartition("(")[2].rstrip(")")
    for entry in part.entries:
        common = entry.section == -1
        if entry.kind not in ("function", "variable") or (entry.section not in sections and not common):
            continue
        thumb = part.machine == "Arm" and entry.kind == "function" and bool(entry.value & 1)
        offset = 0 if linked or common else base[entry.section or 0]
        found.append(
            Name(
                name=entry.name,
                address=0 if common else offset + entry.value - thumb,
                size=entry.size,
                kind=entry.kind,
                local=entry.binding == "local",
                source=entry.source if linked else member,
                of_port=not linked or entry.name.startswith("anom_") or entry.source.startswith("anom_"),
                thumb=thumb,
                writable=common or is_writable(sections[entry.section or 0]),
            )
        )
    return found


def is_writable(section: Section) -> bool:
    """Tell whether a program can write to a section after it began; `.data.rel.ro` is written by the loader alone."""
    return section.writable and not section.name.startswith((".data.rel.ro", ".got", ".init_array", ".fini_array"))


def _constants(part: ElfFile, base: dict[int, int], sections: dict[int, Section]) -> list[tuple[int, int]]:
    """Find the constants in code: from a mapping symbol ``$d`` to the next one."""
    marks = sorted(
        (entry.section, entry.value & ~1, entry.name[:2])
        for entry in part.entries
        if entry.name[:2] in ("$d", "$t", "$a", "$x") and entry.section in sections
    )
    found = []
    for i, (index, value, kind) in enumerate(marks):
        section = sections[index]
        if kind != "$d" or not section.executable:
            continue
        following = next((other[1] for other in marks[i + 1 :] if other[0] == index and other[2] != "$d"), None)
        end = section.address + section.size if following is None else following
        found.append((base[index] + value, base[index] + end))
    return found
