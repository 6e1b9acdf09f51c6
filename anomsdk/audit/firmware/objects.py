"""ELF files as the linker sees them: sections, symbols and relocations of an object file or of a linked program."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from anomsdk.errors import InputError, printable

MACHINES = {
    "EM_ARM": "Arm",
    "EM_X86_64": "x86-64",
    "EM_386": "x86",
    "EM_AARCH64": "AArch64",
    "EM_RISCV": "RISC-V",
}
"""Name of an architecture in pyelftools -> name for people."""
_BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")
_NO_CODE = "holds the compiler's intermediate code (-flto), not machine code; give the linked program, or build without"
_DAMAGE = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError, AssertionError, struct.error)


@dataclass(frozen=True, eq=False)
class Section:
    """Section that takes memory on the device.

    Parameters
    ----------
    name : name, such as ``.text``
    index : number in its file
    address : address of its first byte; 0 in an object file
    size : number of bytes
    data : contents; empty for a section that begins as zeros
    writable, executable : the program may write to it, run code in it
    """

    name: str
    index: int
    address: int
    size: int
    data: bytes
    writable: bool
    executable: bool


@dataclass(frozen=True)
class Entry:
    """Row of a symbol table.

    Parameters
    ----------
    name : name of the symbol
    kind : ``function``, ``variable``, or another word of pyelftools in lower case
    binding : ``local``, ``global`` or ``weak``
    section : number of the section that holds it; None: undefined; -1: common; -2: absolute
    value : address, or offset in its section; bit 0 of a Thumb function is set
    size : number of bytes
    source : file that it was compiled from; empty if that is not named
    """

    name: str
    kind: str
    binding: str
    section: int | None
    value: int
    size: int
    source: str


@dataclass(frozen=True)
class Relocation:
    """Place that a linker fills in.

    Parameters
    ----------
    section, offset : number of the section, and offset in it
    kind : number of the kind, as the architecture defines it
    symbol : index in the symbol table
    addend : number that is added; None if it stands at the place itself
    """

    section: int
    offset: int
    kind: int
    symbol: int
    addend: int | None


@dataclass(frozen=True, eq=False)
class ElfFile:
    """Object file or linked program.

    Parameters
    ----------
    name : name of the file, or of the member of an archive
    machine : value of `MACHINES`
    bits : 32 or 64
    big_endian : most significant byte first
    linked : linked program
    sections : sections that take memory, by number
    entries : symbol table, as it stands in the file
    relocations : relocations of sections that take memory; empty for a linked program
    """

    name: str
    machine: str
    bits: int
    big_endian: bool
    linked: bool
    sections: dict[int, Section]
    entries: tuple[Entry, ...]
    relocations: tuple[Relocation, ...]


def read_elf(data: bytes, name: str) -> ElfFile:
    """Read an object file or a linked program.

    Parameters
    ----------
    data : contents of the file
    name : name of the file, for errors

    Raises
    ------
    InputError : it is no ELF file, is truncated, holds no machine code, or is of another architecture
    """
    shown = printable(name)
    if data.startswith(_BITCODE):
        raise InputError(f"{shown}: {_NO_CODE}")
    if not data.startswith(b"\x7fELF"):
        raise InputError(
            f"{shown}: is no ELF file; give a linked program (.elf), an archive (.a) or an object file (.o)"
        )
    try:
        from elftools.common.exceptions import ELFError
        from elftools.construct import ConstructError
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise InputError("the reader of ELF files is missing here: pip install 'anomsdk[audit]'") from None
    try:
        return _read(ELFFile(io.BytesIO(data)), data, name)
    except InputError:
        raise
    except (ELFError, ConstructError, *_DAMAGE) as error:
        reason = printable(error) or type(error).__name__
        raise InputError(f"{shown}: is a truncated or damaged ELF file ({reason}); build it again") from None


def _read(file: Any, data: bytes, name: str) -> ElfFile:
    machine = file["e_machine"]
    if machine not in MACHINES:
        known = ", ".join(MACHINES.values())
        raise InputError(f"{printable(name)}: is for {printable(machine)}, which is not known here; known are {known}")
    linked = file["e_type"] != "ET_REL"
    listed = list(file.iter_sections())
    if any(section.name.startswith(".gnu.lto_") for section in listed) and not any(
        section["sh_flags"] & 4 and section["sh_size"] for section in listed
    ):
        raise InputError(f"{printable(name)}: {_NO_CODE}")
    sections = {}
    for index, section in enumerate(listed):
        if section["sh_flags"] & 2 and section["sh_size"]:
            zeros = section["sh_type"] == "SHT_NOBITS"
            end = section["sh_offset"] + section["sh_size"]
            if not zeros and end > len(data):
                raise InputError(
                    f"{printable(name)}: is truncated: section {printable(section.name)} ends {end - len(data):,} "
                    "bytes after the file; build it again"
                )
            sections[index] = Section(
                name=section.name,
                index=index,
                address=section["sh_addr"],
                size=section["sh_size"],
                data=b"" if zeros else section.data(),
                writable=bool(section["sh_flags"] & 1),
                executable=bool(section["sh_flags"] & 4),
            )
    table = file.get_section_by_name(".symtab")
    return ElfFile(
        name=name,
        machine=MACHINES[machine],
        bits=file.elfclass,
        big_endian=not file.little_endian,
        linked=linked,
        sections=sections,
        entries=tuple(_entries(table.iter_symbols() if table else ())),
        relocations=() if linked else tuple(_relocations(listed, sections)),
    )


def _entries(rows: Iterable[Any]) -> Iterator[Entry]:
    """Yield the symbols; a FILE symbol stands before the local symbols of that file."""
    kinds = {"STT_FUNC": "function", "STT_OBJECT": "variable", "STT_GNU_IFUNC": "function", "STT_COMMON": "variable"}
    places = {"SHN_UNDEF": None, "SHN_COMMON": -1}
    source = ""
    for row in rows:
        kind, binding, place = row["st_info"]["type"], str(row["st_info"]["bind"]), row["st_shndx"]
        local = binding == "STB_LOCAL"
        if kind == "STT_FILE":
            source = row.name.replace("\\", "/").rpartition("/")[2]
        yield Entry(
            name=row.name,
            kind=kinds.get(kind, str(kind).removeprefix("STT_").lower()),
            binding=binding.removeprefix("STB_").lower(),
            section=place if isinstance(place, int) else places.get(place, -2),
            value=row["st_value"],
            size=row["st_size"],
            source=source if local else "",
        )


def _relocations(listed: list[Any], sections: dict[int, Section]) -> Iterator[Relocation]:
    for section in listed:
        if section["sh_type"] in ("SHT_REL", "SHT_RELA") and section["sh_info"] in sections:
            for row in section.iter_relocations():
                addend = row["r_addend"] if section["sh_type"] == "SHT_RELA" else None
                kind, symbol = row["r_info_type"], row["r_info_sym"]
                yield Relocation(section["sh_info"], row["r_offset"], kind, symbol, addend)
