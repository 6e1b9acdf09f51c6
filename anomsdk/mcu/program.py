"""A compiled program: what of an ELF file an emulator and a report of sizes need."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property

from anomsdk.errors import InputError, printable


@dataclass(frozen=True)
class Symbol:
    """A function or a variable.

    Parameters
    ----------
    name : in C
    address : of its first byte
    size : bytes
    section : that holds it, e.g. ``.text``
    """

    name: str
    address: int
    size: int
    section: str


@dataclass(frozen=True)
class Segment:
    """A piece of memory that is there before the program begins.

    Parameters
    ----------
    address : of its first byte
    data : its bytes
    writable, executable : what the program may do there
    """

    address: int
    data: bytes
    writable: bool
    executable: bool


@dataclass(frozen=True, eq=False)
class Program:
    """A program as linked.

    Parameters
    ----------
    segments : memory
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
        InputError : it is none, or pyelftools is missing
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
                symbols=tuple(
                    Symbol(
                        name=symbol.name,
                        address=symbol["st_value"] & ~1
                        if symbol["st_info"]["type"] == "STT_FUNC"
                        else symbol["st_value"],
                        size=symbol["st_size"],
                        section=file.get_section(symbol["st_shndx"]).name,
                    )
                    for symbol in (table.iter_symbols() if table else ())
                    if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT") and isinstance(symbol["st_shndx"], int)
                ),
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
        """The function or variable of this name.

        Raises
        ------
        InputError : the program has none
        """
        if name not in self._by_name:
            raise InputError(f"the program has no symbol '{printable(name)}'; name it in keep= when it is compiled")
        return self._by_name[name]

    def place(self, address: int) -> str:
        """Where an address is, for people: ``anom_fft_run+12``, or in hex outside of everything known."""
        for symbol in self.symbols:
            if symbol.address <= address < symbol.address + symbol.size:
                return f"{symbol.name}+{address - symbol.address}"
        return f"0x{address:08x}"
