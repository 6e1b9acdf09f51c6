"""Linker maps: memory regions, sections and symbols, as GNU ld and LLVM's lld write them."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from anomsdk.errors import InputError, printable
from anomsdk.utils.files import read_limited

_LARGEST = 1 << 27
_GNU, _LLD = "Linker script and memory map", re.compile(r"^ *VMA +LMA +Size +Align +Out +In +Symbol *$", re.M)
_VARIABLES = re.compile(r"\.s?(?:data|bss)(?:\.|$)|\.noinit|COMMON$|\.ram|\.dma")
_NOT_LOADED = re.compile(r"\.(?:debug|comment|ARM\.attributes|note|stab|symtab|strtab|shstrtab|riscv\.attributes)")


@dataclass(frozen=True)
class MemoryRegion:
    """Memory of the device, as the linker script declares it.

    Parameters
    ----------
    name : name in the script
    origin, length : first address, and number of bytes
    """

    name: str
    origin: int
    length: int

    @property
    def end(self) -> int:
        """Address behind the last byte."""
        return self.origin + self.length


@dataclass(frozen=True)
class Span:
    """Section or symbol of a map.

    Parameters
    ----------
    name : name of a symbol, or of a section with its object file
    address : address of its first byte
    size : number of bytes; 0: not known
    depth : 0 for a section of the program, 1 for one of an object file, 2 for a symbol
    """

    name: str
    address: int
    size: int
    depth: int


@dataclass(frozen=True)
class LinkerMap:
    """Map of a linked program.

    Parameters
    ----------
    path : file
    sha256 : of the file, 64 hex digits
    regions : memory regions; empty where the linker writes none, as lld
    spans : sections and symbols
    """

    path: Path
    sha256: str
    regions: tuple[MemoryRegion, ...]
    spans: tuple[Span, ...]

    @cached_property
    def _sorted(self) -> tuple[list[int], list[Span]]:
        ordered = sorted((s for s in self.spans if s.depth), key=lambda span: (span.address, span.depth))
        return [span.address for span in ordered], ordered

    def address(self, symbol: str) -> int | None:
        """Address of a symbol; None if the map does not name it."""
        found = [span for span in self.spans if span.depth == 2 and span.name == symbol]
        found += [
            span for span in self.spans if span.depth == 1 and re.match(rf"\.\w+\.{re.escape(symbol)} of ", span.name)
        ]
        return found[0].address if found else None

    def region_at(self, address: int) -> MemoryRegion | None:
        """Region that holds an address, the smallest one; None if there is none."""
        holding = [region for region in self.regions if region.origin <= address < region.end]
        return min(holding, key=lambda region: region.length, default=None)

    @property
    def variables(self) -> tuple[int, int] | None:
        """First address of the sections of variables, and the address behind them; None if the map has none."""
        found = [span for span in self.spans if span.depth == 0 and span.size and _VARIABLES.match(span.name)]
        if not found:
            return None
        return min(span.address for span in found), max(span.address + span.size for span in found)

    def place(self, address: int) -> str | None:
        """Name a symbol or section and the offset in it, such as ``block+12``; None outside of all."""
        starts, ordered = self._sorted
        before = ordered[: bisect_right(starts, address)][::-1]
        section = next((each for each in before if each.depth == 1 and address < each.address + each.size), None)
        if section is None:
            return None
        for each in before:  # GNU ld writes no sizes of symbols: one without ends with its section
            is_inside = each.address >= section.address and (not each.size or address < each.address + each.size)
            if each.depth == 2 and is_inside:
                return f"{each.name}+{address - each.address}"
        symbol = re.match(r"\.\w+\.([A-Za-z_]\w*)(?:\.\d+)? of ", section.name)
        return f"{symbol[1] if symbol else section.name}+{address - section.address}"


def read_map(path: Path) -> LinkerMap:
    """Read a linker map.

    Raises
    ------
    InputError : it cannot be read, or is no map of GNU ld or lld
    """
    shown = printable(path)
    data = read_limited(path, _LARGEST, advice="give the map that the linker wrote")
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    digest = hashlib.sha256(data).hexdigest()
    if _GNU in text:
        before, _, after = text.partition(_GNU)
        found = LinkerMap(path, digest, tuple(_gnu_regions(before)), tuple(_gnu_spans(after)))
    elif header := _LLD.search(text):
        found = LinkerMap(path, digest, (), tuple(_lld_spans(text[header.end() :])))
    else:
        raise InputError(f"{shown}: is no map of GNU ld or lld; link with -Wl,-Map=FILE and give that file")
    if not any(span.depth for span in found.spans):
        raise InputError(f"{shown}: names no section and no symbol; give the whole map that the linker wrote")
    return found


def _gnu_regions(text: str) -> Iterator[MemoryRegion]:
    _, _, table = text.partition("Memory Configuration")
    for name, origin, length in re.findall(r"^(\S+) +0x([0-9a-f]+) +0x([0-9a-f]+)(?: +\w+)?$", table, re.M):
        if name != "*default*" and int(length, 16):
            yield MemoryRegion(name, int(origin, 16), int(length, 16))


def _gnu_spans(text: str) -> Iterator[Span]:
    for name, at, size in re.findall(r"^(\.[\w.$]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\b", text, re.M):
        if not _NOT_LOADED.match(name):
            yield Span(name, int(at, 16), int(size, 16), 0)
    pattern = r"^ (\.[\w.$-]+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$"
    for name, at, size, file in re.findall(pattern, text, re.M):
        if int(size, 16) and int(at, 16) and not _NOT_LOADED.match(name):
            yield Span(f"{name} of {_file(file)}", int(at, 16), int(size, 16), 1)
    for at, name in re.findall(r"^ {10,}0x([0-9a-f]+) {2,}([A-Za-z_.$][\w.$@]*)$", text, re.M):
        yield Span(name, int(at, 16), 0, 2)


def _lld_spans(text: str) -> Iterator[Span]:
    for at, size, rest in re.findall(r"^ *([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) +\d+ ( *\S.*)$", text, re.M):
        depth = (len(rest) - len(rest.lstrip())) // 8
        name = rest.strip()
        if depth == 1:
            file, _, section = name.rpartition(":(")
            name = f"{section.rstrip(')')} of {_file(file)}" if file else name
        if depth <= 2 and (int(size, 16) or depth == 2) and not _NOT_LOADED.match(name):
            yield Span(name, int(at, 16), int(size, 16), depth)


def _file(path: str) -> str:
    """Name of an object file, without its folder; of a member of an archive both names."""
    return path.replace("\\", "/").rpartition("/")[2]
