"""Structs of a compiled pipeline, compared member by member with the table that describes them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, TypeAlias

from anomsdk.audit.retention.members import STRUCTS
from anomsdk.audit.retention.placing import members_of

Compiled: TypeAlias = "dict[str, tuple[int, int]]"
"""Member of a struct -> its offset and its size in bytes; bits of a word have the offset and size of the word."""

ONLY_IN_SOURCES = {"gathered"}
"""Structs that no header declares: cffi does not know them, debug information does."""


def described(struct: str, pointer_bytes: int) -> Compiled:
    """Return the members of a struct as the table places them."""
    found: Compiled = {}
    for placed in members_of(struct, pointer_bytes):
        found |= dict.fromkeys(placed.name.split("+"), (placed.offset, placed.size))
    return found


def differences(compiled: dict[str, Compiled], pointer_bytes: int) -> list[str]:
    """Return a line for each member that is not where the table has it, or that only one of both has.

    Parameters
    ----------
    compiled : struct -> its members, as a compiler has placed them
    pointer_bytes : 4 or 8, of that compiler
    """
    lines: list[str] = []
    for struct, members in compiled.items():
        table = described(struct, pointer_bytes)
        for name in sorted(table.keys() | members.keys()):
            if name not in table:
                lines.append(f"{struct}.{name} is compiled and not in the table")
            elif name not in members:
                lines.append(f"{struct}.{name} is in the table and not compiled")
            elif table[name] != members[name]:
                lines.append(f"{struct}.{name} is compiled at {members[name]}, in the table at {table[name]}")
    return lines


def of_cffi(ffi: Any) -> dict[str, Compiled]:
    """Return the structs of the module that cffi has compiled for this machine."""
    found: dict[str, Compiled] = {}
    for struct in STRUCTS.keys() - ONLY_IN_SOURCES:
        found[struct] = {name: (member.offset, ffi.sizeof(member.type)) for name, member in ffi.typeof(struct).fields}
    return found


def of_elf(elf: bytes) -> dict[str, Compiled]:
    """Return the structs in the debug information of a program; those that it does not have are left out.

    Parameters
    ----------
    elf : ELF file that was compiled with ``-g``
    """
    from elftools.elf.elffile import ELFFile

    found: dict[str, Compiled] = {}
    for unit in ELFFile(io.BytesIO(elf)).get_dwarf_info().iter_CUs():
        for entry in unit.iter_DIEs():
            name = _name(entry)
            if entry.tag == "DW_TAG_typedef" and name in STRUCTS and "DW_AT_type" in entry.attributes:
                struct = entry.get_DIE_from_attribute("DW_AT_type")
                if struct.tag == "DW_TAG_structure_type" and "DW_AT_byte_size" in struct.attributes:
                    found[name] = _members(struct.iter_children())
    return found


def _members(entries: Iterable[Any]) -> Compiled:
    members: Compiled = {}
    for entry in entries:
        if entry.tag != "DW_TAG_member":
            continue
        size = _size(entry.get_DIE_from_attribute("DW_AT_type"))
        if "DW_AT_data_bit_offset" in entry.attributes:
            bits = entry.attributes["DW_AT_data_bit_offset"].value
            offset = bits // (8 * size) * size
        else:
            offset = entry.attributes["DW_AT_data_member_location"].value
        members[_name(entry)] = (offset, size)
    return members


def _name(entry: Any) -> str:
    attribute = entry.attributes.get("DW_AT_name")
    return "" if attribute is None else attribute.value.decode()


def _size(entry: Any) -> int:
    """Compute the size of a type; that of an array without a length is 0."""
    if entry.tag == "DW_TAG_array_type":
        (length,) = [_length(each) for each in entry.iter_children() if each.tag == "DW_TAG_subrange_type"]
        return length * _size(entry.get_DIE_from_attribute("DW_AT_type"))
    if "DW_AT_byte_size" in entry.attributes:
        return int(entry.attributes["DW_AT_byte_size"].value)
    if entry.tag == "DW_TAG_pointer_type":
        return int(entry.cu["address_size"])
    return _size(entry.get_DIE_from_attribute("DW_AT_type"))


def _length(entry: Any) -> int:
    """Return the length of an array; 0 if it has none."""
    if "DW_AT_count" in entry.attributes:
        return int(entry.attributes["DW_AT_count"].value)
    last = entry.attributes.get("DW_AT_upper_bound")
    return 0 if last is None else int(last.value) + 1
