"""Wipes: calls of `anom_wipe` in the emulator, and the bytes of a pipeline that are written to and not wiped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.emulator.device import Device
from anomsdk.audit.scan.signals import canary
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError

WIPE = "anom_wipe"
_KEPT = ("framer.samples", "context.history")
"""Fields that hold samples and features between calls, and are wiped by a gap and a reset."""
_FREED = ("features", "scratch")
"""Fields that hold something only during a call."""


@dataclass
class Wipes:
    """Wipes that were seen.

    Parameters
    ----------
    calls : function -> number of calls of `anom_wipe` that it made
    fields : field -> number of bytes that were wiped at least once
    missing : function and field -> number of bytes that it wrote and did not wipe, or had to wipe and did not
    """

    calls: dict[str, int] = field(default_factory=dict)
    fields: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)


class _Watched:
    """Device whose writes and wipes are followed: which bytes were written to since they were last wiped."""

    def __init__(self, elf: bytes, target: str, plan: Plan) -> None:
        self.device = device = Device(elf, target, plan)
        symbols = {symbol.name: symbol for symbol in device.program.symbols}
        if WIPE not in symbols:
            raise InputError(f"the build has no function {WIPE} that can be watched; it was made part of its callers")
        self._code = symbols[WIPE]
        self.dirty: NDArray[np.bool_] = np.zeros(device.size, np.bool_)
        self.wiped: NDArray[np.bool_] = np.zeros(device.size, np.bool_)
        self.ever: NDArray[np.bool_] = np.zeros(device.size, np.bool_)
        self.calls = 0
        device.cpu.watch(self._code.address, self._code.address, self._wipe)
        device.watch_memory(self._write)

    def _wipe(self, _address: int) -> None:
        device = self.device
        self.calls += 1
        first = device.cpu.register(0) - device.memory
        end = min(first + device.cpu.register(1), device.size)
        if 0 <= first < end:
            self.dirty[first:end] = False
            self.wiped[first:end] = True
            self.ever[first:end] = True

    def _write(self, offset: int, size: int) -> None:
        if not 0 <= self.device.cpu.pc - self._code.address < self._code.size:
            self.dirty[offset : offset + size] = True


def wipes(elf: bytes, target: str, plan: Plan, seed: int) -> Wipes:
    """Run a pipeline to its second tick, a gap and a reset, and follow its wipes.

    Raises
    ------
    InputError : the build has no function `anom_wipe`, or the program faults
    """
    watched, found = _Watched(elf, target, plan), Wipes()
    device, framer = watched.device, plan.framer
    device.init()
    n = plan.samples_to_first_tick + plan.samples_per_tick
    signal = canary(plan, seed, n).reshape(n, plan.columns)
    at = 0
    while at < n:
        rows = framer.hop if at else framer.window
        device.block(signal[at : at + rows])
        first = 0
        while first < rows:
            first += device.push(first, rows - first)
            polled = 1
            while polled > 0:
                before = watched.calls
                polled = device.poll()
                _count(found, "poll", watched.calls - before)
                _missing(found, "poll", watched, _FREED)
                _missing_samples(found, watched)
        at += rows
    part = max(1, framer.hop // 2)
    calls: tuple[tuple[str, Callable[[], int], tuple[str, ...]], ...] = (
        ("gap", lambda: device.gap(1), _KEPT),
        ("reset", device.reset, (*_KEPT, *_FREED)),
    )
    for name, call, fields in calls:
        device.block(signal[:part])
        device.push(0, part)
        before, watched.wiped[:] = watched.calls, False
        call()
        while device.poll() > 0:  # a gap waits for it in a plan with an alarm section
            pass
        _count(found, name, watched.calls - before)
        for each in device.fields:
            unwiped = int((~watched.wiped[each.offset : each.end]).sum())
            if each.name in fields and unwiped:
                found.missing[f"{name}: {each.name}"] = unwiped
    found.fields = {
        each.name: int(watched.ever[each.offset : each.end].sum())
        for each in device.fields
        if watched.ever[each.offset : each.end].any()
    }
    return found


def _count(found: Wipes, name: str, calls: int) -> None:
    found.calls[name] = found.calls.get(name, 0) + calls


def _missing(found: Wipes, name: str, watched: _Watched, fields: Iterable[str]) -> None:
    """Note the fields that have bytes which were written to and not wiped."""
    for each in watched.device.fields:
        dirty = int(watched.dirty[each.offset : each.end].sum()) if each.name in fields else 0
        if dirty:
            found.missing[f"{name}: {each.name}"] = max(dirty, found.missing.get(f"{name}: {each.name}", 0))


def _missing_samples(found: Wipes, watched: _Watched) -> None:
    """Note bytes of the window behind the samples that it holds, which were written to and not wiped."""
    device = watched.device
    fields = {each.name: each for each in device.fields}
    have_field, window = fields["pipeline.framer.have"], fields["framer.samples"]
    have = int.from_bytes(device.cpu.read(device.memory + have_field.offset, have_field.size), "little")
    if have > device.plan.framer.window:
        return
    held = 2 * device.plan.columns * have
    dirty = int(watched.dirty[window.offset + held : window.end].sum())
    if dirty:
        found.missing["poll: framer.samples"] = max(dirty, found.missing.get("poll: framer.samples", 0))
