"""Count of instructions that IT blocks skip: a core spends a cycle on each, but the emulator does not count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from anomsdk.mcu.program import Program


@dataclass(frozen=True)
class ItBlock:
    """IT instruction and the instructions that depend on it.

    Parameters
    ----------
    address : address of the IT instruction
    instructions : addresses of the one to four instructions that follow it
    end : address after the last of them
    """

    address: int
    instructions: tuple[int, ...]
    end: int


def it_blocks(program: Program) -> list[ItBlock]:
    """Find all IT blocks of a program; constants in its code that look like one are harmless, as they never run."""
    blocks = []
    for segment in program.segments:
        if segment.executable:
            code = [int.from_bytes(segment.data[i : i + 2], "little") for i in range(0, len(segment.data) & ~1, 2)]
            blocks += [_block(code, i, segment.address) for i, half in enumerate(code) if _is_it(half)]
    return blocks


def watched(blocks: list[ItBlock]) -> Iterator[tuple[int, int]]:
    """Yield first and last address of each range that must be watched; ranges do not overlap."""
    first = last = -1
    for block in sorted(blocks, key=lambda block: block.address):
        if block.address > last:
            if first >= 0:
                yield first, last
            first = block.address
        last = max(last, block.end - 1)
    if first >= 0:
        yield first, last


def skipped(blocks: list[ItBlock], ran: Counter[int]) -> int:
    """Count the instructions that were skipped; ``ran`` holds the number of times that each address ran."""
    return sum(
        len(block.instructions) * ran[block.address] - sum(ran[address] for address in block.instructions)
        for block in blocks
        if ran[block.address]
    )


def _is_it(half: int) -> bool:
    return half & 0xFF00 == 0xBF00 and half & 0xF != 0


def _block(code: list[int], i: int, base: int) -> ItBlock:
    mask = code[i] & 0xF
    addresses = []
    at = i + 1
    for _ in range(4 - ((mask & -mask).bit_length() - 1)):
        addresses.append(base + 2 * at)
        at += 2 if at < len(code) and code[at] >> 11 >= 0b11101 else 1
    return ItBlock(base + 2 * i, tuple(addresses), base + 2 * at)
