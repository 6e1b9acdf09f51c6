"""Differences between two runs of a program on two signals: bytes and registers that depend on the signal."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from anomsdk.audit.emulator.device import Device, Snapshot
from anomsdk.audit.retention.table import Field

STACK, REGISTER, MEMORY, VARIABLE = "stack", "register", "memory", "variable"


@dataclass(frozen=True)
class Residue:
    """Bytes that depend on the signal.

    Parameters
    ----------
    kind : ``stack``, ``register``, ``memory`` of the pipeline, or ``variable``
    place : name of the register, field or variable; ``stack below the caller``
    data : contents from the first to the last byte that depends on the signal, in the first of the runs
    depth : bytes from the caller's frame down to the deepest of these bytes, for the stack; 0 otherwise
    """

    kind: str
    place: str
    data: bytes
    depth: int = 0


def residues(device: Device, one: Snapshot, other: Snapshot, returns: bool = True) -> Iterator[Residue]:
    """Yield everything that differs between two snapshots, and may not by the retention table.

    Parameters
    ----------
    device : one of the two devices
    one, other : snapshots after the same call in both runs
    returns : r0 is the result of the function, and does not count
    """
    for name, value in one.registers.items():
        if value != other.registers[name] and not (returns and name == "r0"):
            yield Residue(REGISTER, name, value.to_bytes(4, "little"))
    if one.stack != other.stack:
        first, last = _differing(one.stack, other.stack)
        yield Residue(STACK, "stack below the caller", one.stack[first : last + 1], len(one.stack) - first)
    yield from _of_memory(device.fields, one.memory, other.memory)
    for address, data in one.variables.items():
        yield from _of_variables(device, address, data, other.variables[address])


def _of_memory(fields: tuple[Field, ...], one: bytes, other: bytes) -> Iterator[Residue]:
    """Yield the fields that hold nothing of the signal by the table, and depend on it."""
    if one == other:
        return
    starts = [field.offset for field in fields]
    seen = set()
    for at in np.flatnonzero(np.frombuffer(one, np.uint8) != np.frombuffer(other, np.uint8)).tolist():
        field = fields[bisect.bisect_right(starts, at) - 1]
        if not field.holds.is_of_signal and field.name not in seen:
            seen.add(field.name)
            first, last = _differing(one[field.offset : field.end], other[field.offset : field.end])
            yield Residue(MEMORY, field.name, one[field.offset + first : field.offset + last + 1])


def _of_variables(device: Device, address: int, one: bytes, other: bytes) -> Iterator[Residue]:
    """Yield the variables of the program that differ."""
    if one == other:
        return
    seen = set()
    for at in np.flatnonzero(np.frombuffer(one, np.uint8) != np.frombuffer(other, np.uint8)).tolist():
        symbol = device.program.symbol_at(address + at)
        name = "memory of no symbol" if symbol is None else symbol.name
        if name not in seen:
            seen.add(name)
            start, size = (address + at, 4) if symbol is None else (symbol.address, symbol.size)
            within = slice(start - address, start - address + size)
            first, last = _differing(one[within], other[within])
            yield Residue(VARIABLE, name, one[within][first : last + 1])


def _differing(one: bytes, other: bytes) -> tuple[int, int]:
    """Return the indices of the first and of the last byte that differ."""
    differs = np.flatnonzero(np.frombuffer(one, np.uint8) != np.frombuffer(other, np.uint8))
    return int(differs[0]), int(differs[-1])
