"""Compiled program: the parts of an ELF file that an emulator and a report of sizes need."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from anomsdk.errors import InputError, printable


@dataclass(frozen=True)
class Symbol:
    """Function or variable of a program.

    Parameters
    ----------
    name : name in C
    address : address of its first byte
    size : number of bytes
    section : section that holds it, e.g. ``.text``
    source : file that it was compiled from, without its folder; empty if the program does not name it, as for a
        variable that other files see
    """

    name: str
    address: int
    size: int
    section: str
    source: str = ""


@dataclass(frozen=True)
class Segment:
    """Range of memory that is filled before the program begins.

    Parameters
    ----------
    address : address of its first byte
    data : contents
    writable, executable : the program may write to it, run code in it
    """

    address: int
    data: bytes
    writable: bool
    executable: bool


@dataclass(frozen=True, eq=False)
class Program:
    """Linked program.

    Parameters
    ----------
    segments : initial memory
    symbols : functions and variables
    section_bytes : size of each section that takes memory on the device
    """

    segments: tuple[Segment, ...]
    symbols: tuple[Symbol, ...]
    section_bytes: dict[str, int]

    @classmethod
    def from_elf(cls, elf: bytes) -> Program:
        """Read an ELF file.

        Raises
        ------
        InputError : it is no ELF file, or pyelftools is missing
        """
        try:
            from elftools.common.exceptions import ELFError
            from elftools.elf.elffile import ELFFile
        except ImportError:
            raise InputError("the reader of ELF files is missing here: pip install 'anomsdk[mcu]'") from None
        try:
            file = ELFFile(io.BytesIO(elf))
            allocated = [section for section in file.iter_sections() if section["sh_flags"] & 2 and section["sh_size"]]
            table = file.get_section_by_name(".symtab")
            return cls(
                segments=tuple(
                    Segment(
                        address=segment["p_vaddr"],
                        data=segment.data().ljust(segment["p_memsz"], b"\0"),
                        writable=bool(segment["p_flags"] & 2),
                        executable=bool(segment["p_flags"] & 1),
                    )
                    for segment in file.iter_segments()
                    if segment["p_type"] == "PT_LOAD" and segment["p_memsz"]
                ),
                symbols=tuple(_symbols(file, table.iter_symbols() if table else ())),
                section_bytes={section.name: section["sh_size"] for section in allocated},
            )
        except (ELFError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise InputError(
                f"the program is no ELF file that can be read ({printable(error)}); compile it again"
            ) from None

    @cached_property
    def _by_name(self) -> dict[str, Symbol]:
        return {symbol.name: symbol for symbol in self.symbols}

    def symbol(self, name: str) -> Symbol:
        """Find a function or variable by its name.

        Raises
        ------
        InputError : the program has no such symbol
        """
        if name not in self._by_name:
            raise InputError(f"the program has no symbol '{printable(name)}'; name it in `keep` when it is compiled")
        return self._by_name[name]

    def symbol_at(self, address: int) -> Symbol | None:
        """Find the function or variable that contains an address; None if there is none."""
        for symbol in self.symbols:
            if symbol.address <= address < symbol.address + symbol.size:
                return symbol
        return None

    def place(self, address: int) -> str:
        """Describe an address for people: ``anom_fft_run+12``, or in hex outside of all symbols."""
        symbol = self.symbol_at(address)
        return f"0x{address:08x}" if symbol is None else f"{symbol.name}+{address - symbol.address}"

    def code(self, first: int, end: int) -> Iterator[int]:
        """Yield the addresses of the Thumb instructions from ``first`` to before ``end``."""
        segment = next(s for s in self.segments if s.address <= first < s.address + len(s.data))
        while first < end:
            yield first
            half = int.from_bytes(segment.data[first - segment.address :][:2], "little")
            first += 4 if half >> 11 >= 0b11101 else 2


def _symbols(file: Any, entries: Iterable[Any]) -> Iterator[Symbol]:
    """Yield the functions and variables of a symbol table.

    A FILE symbol stands before the local symbols of that file: its static functions and variables, and a mapping symbol
    ``$t`` at each address where its code begins. Global functions come after all local symbols: their source is the
    file of the mapping symbol at the nearest address before them.
    """
    found, pieces, within = [], [], ""
    for entry in entries:
        kind, section, name = entry["st_info"]["type"], entry["st_shndx"], entry.name
        if kind == "STT_FILE":
            within = name.replace("\\", "/").rpartition("/")[2]
        elif name.startswith("$t"):
            pieces.append((section, entry["st_value"] & ~1, within))
        elif kind in ("STT_FUNC", "STT_OBJECT") and isinstance(section, int):
            found.append((entry, within if entry["st_info"]["bind"] == "STB_LOCAL" else ""))
    pieces.sort()
    for entry, source in found:
        section, address = entry["st_shndx"], entry["st_value"]
        if entry["st_info"]["type"] == "STT_FUNC":
            address &= ~1
            before = bisect_right(pieces, (section, address, "\U0010ffff")) - 1
            if not source and before >= 0 and pieces[before][0] == section:
                source = pieces[before][2]
        yield Symbol(entry.name, address, entry["st_size"], file.get_section(section).name, source)
