"""Offsets and sizes of the members of C structs, as compilers place them for 4 and 8 byte pointers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from anomsdk.audit.retention.kept import NEVER, Holds, Kept
from anomsdk.audit.retention.members import POINTER_TYPE, STRUCTS, Member

PADDING = "(padding)"
"""Last part of the name of bytes that only align what follows."""
_BITS_IN_A_WORD = 32


class Placed(NamedTuple):
    """Member that is no struct, or padding, at its place in a struct.

    Parameters
    ----------
    name : names of the members on the way to it, joined by dots; those of members that share a word, joined by plus
    offset, size : bytes from the beginning of the struct, and bytes
    member : what it holds; of members that share a word the first, with the words of all
    """

    name: str
    offset: int
    size: int
    member: Member


def size_and_alignment(c_type: str, pointer_bytes: int) -> tuple[int, int]:
    """Compute size and alignment of a C type in bytes."""
    if c_type == POINTER_TYPE:
        return pointer_bytes, pointer_bytes
    if c_type.endswith("[]"):
        return 0, size_and_alignment(c_type.removesuffix("[]"), pointer_bytes)[1]
    if c_type in STRUCTS:
        placed = list(places(c_type, pointer_bytes))
        return placed[-1].offset + placed[-1].size, _alignment(c_type, pointer_bytes)
    found = re.fullmatch(r"u?int(8|16|32|64)_t(?:\[(\d+)\])?", c_type)
    assert found is not None, f"{c_type} has no size"
    size = int(found[1]) // 8
    return size * int(found[2] or 1), size


def places(struct: str, pointer_bytes: int) -> Iterator[Placed]:
    """Place the members of a struct, structs within it taken apart; each byte belongs to one of them.

    Parameters
    ----------
    struct : name of a struct in `STRUCTS`
    pointer_bytes : 4 or 8
    """
    end, before = 0, ""
    for placed in members_of(struct, pointer_bytes):
        if placed.offset > end:
            yield padding(before, end, placed.offset - end)
        if placed.member.type in STRUCTS:
            for part in places(placed.member.type, pointer_bytes):
                yield part._replace(name=f"{placed.name}.{part.name}", offset=placed.offset + part.offset)
        elif placed.size:
            yield placed
        end, before = placed.offset + placed.size, placed.name
    if rest := -end % _alignment(struct, pointer_bytes):
        yield padding(before, end, rest)


def members_of(struct: str, pointer_bytes: int) -> Iterator[Placed]:
    """Place the members of a struct, those that are structs as a whole, without padding."""
    at = 0
    for name, member in _words(STRUCTS[struct]):
        size, alignment = _size_and_alignment(member, pointer_bytes)
        at += -at % alignment
        yield Placed(name, at, size, member)
        at += size


def padding(behind: str, offset: int, size: int) -> Placed:
    """Return bytes that only align what follows, named by what they lie behind."""
    what = "aligns what follows; keeps what the memory held before"
    return Placed(f"{behind}.{PADDING}", offset, size, Member(PADDING, "uint8_t", Holds.PADDING, NEVER, what))


def _words(members: tuple[Member, ...]) -> Iterator[tuple[str, Member]]:
    """Yield members with their names; those that share a word come as one."""
    shared: list[Member] = []
    for member in members:
        if ":" not in member.type:
            yield member.name, member
            continue
        shared.append(member)
        if sum(int(part.type.partition(":")[2]) for part in shared) == _BITS_IN_A_WORD:
            first = shared[0]
            words = "; ".join(part.what for part in shared)
            yield "+".join(part.name for part in shared), Member(first.name, first.type, first.holds, first.kept, words)
            shared = []
    assert not shared, f"{shared[0].name} begins a word that is not full"


def _alignment(struct: str, pointer_bytes: int) -> int:
    return max(_size_and_alignment(member, pointer_bytes)[1] for member in STRUCTS[struct])


def _size_and_alignment(member: Member, pointer_bytes: int) -> tuple[int, int]:
    return (4, 4) if ":" in member.type else size_and_alignment(member.type, pointer_bytes)


def parts_of(name: str, struct: str, pointer_bytes: int) -> Iterator[Placed]:
    """Place the members of a struct that stands in memory under a name."""
    return (part._replace(name=f"{name}.{part.name}") for part in places(struct, pointer_bytes))


def buffer(name: str, size: int, holds: Holds, kept: Kept, what: str) -> Placed:
    """Place bytes that are no member of a struct; parameters as the fields of `Placed` and `Member`."""
    return Placed(name, 0, size, Member(name, "uint8_t", holds, kept, what))


def filled(name: str, parts: Iterator[Placed], size: int | None) -> Iterator[Placed]:
    """Yield parts and the padding behind them, up to a size in bytes; None: up to a multiple of 8."""
    used = 0
    for part in parts:
        used += part.size
        yield part
    rest = -used % 8 if size is None else size - used
    assert rest >= 0, f"{name} has {used} bytes, more than {size}"
    if rest:
        yield padding(name, 0, rest)
