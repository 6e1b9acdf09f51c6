"""Twins: two devices with the same program, the same calls and different signals, looked at after every call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from anomsdk.audit.emulator.device import Device, Snapshot
from anomsdk.audit.emulator.difference import MEMORY, REGISTER, STACK, Residue, residues
from anomsdk.audit.scan.needles import Needles, needles_of
from anomsdk.audit.scan.signals import canary
from anomsdk.core.plan import Plan

_OTHER = 500_000
"""Added to the seed of a signal: seed of the signal of the other device."""
_TICKS = 2
"""Ticks after the first one."""
_PLANTED = b"\x35\x4a"
_NAMED_BYTES = 8
"""Fewest bytes in a row by which a residue is recognised as a form of the signal."""
_VARIED = 5
"""Fewest different bytes in a piece by which a residue is recognised."""
_TRIES = 2
"""Most residues in the same place that are looked up."""
_SOUGHT = 512
"""Most bytes of a residue that are looked up."""


@dataclass
class Looked:
    """Residues, looks and controls of one build with one seed.

    Parameters
    ----------
    looks : function -> number of calls after which everything was looked at
    found : residue by function and place, such as ``poll: register r2``, -> form of the signal, or what it depends on
    controls : planted controls that were not found
    stack_bytes : depth of the stack that was ever written to
    """

    looks: dict[str, int] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    controls: list[str] = field(default_factory=list)
    stack_bytes: int = 0

    def of(self, *kinds: str) -> dict[str, str]:
        """Return the residues of these kinds, such as ``register``."""
        return {where: what for where, what in self.found.items() if where.partition(": ")[2].startswith(kinds)}


class Twins:
    """Two devices in step.

    Parameters
    ----------
    elf : program with the functions of a pipeline and the plan
    target : name of one of `anomsdk.mcu.TARGETS`
    plan : plan that the program holds
    seed : seed of the signals
    """

    def __init__(self, elf: bytes, target: str, plan: Plan, seed: int) -> None:
        self._plan, self._looked = plan, Looked()
        self._devices = (Device(elf, target, plan), Device(elf, target, plan))
        framer = plan.framer
        self._to_a_frame = framer.window + framer.hop * (plan.extractor.hops_per_frame + 1)
        parts = 3 * (framer.hop // 2 + 1)
        n = plan.samples_to_first_tick + _TICKS * plan.samples_per_tick + parts + self._to_a_frame
        signals = [canary(plan, at, n).reshape(n, plan.columns) for at in (seed, seed + _OTHER)]
        # Rows of a diary count from 1 on here, so that both devices judge the same slots.
        self._signals = signals if plan.days is None else [np.abs(signal) for signal in signals]
        self._at = 0
        self._tried: dict[str, int] = {}
        self._needles: list[Needles] | None = None

    def run(self) -> Looked:
        """Make the calls of a product, and look after each."""
        plan, devices = self._plan, self._devices
        self._both("init", Device.init)
        begun = [device.look().memory for device in devices]
        self._hear(plan.samples_to_first_tick + plan.samples_per_tick)
        self._control()
        if devices[0].has("pipeline_save"):
            self._both("save", Device.save)
        if devices[0].has("pipeline_export"):
            self._both("export", Device.export)
        if devices[0].has("pipeline_downlink"):
            self._both("downlink", Device.downlink)
            self._poll()
        self._hear(plan.samples_per_tick)
        self._push(plan.framer.hop // 2 + 1)
        if devices[0].has("pipeline_gap"):
            self._both("gap", lambda device: device.gap(2 * plan.samples_per_tick + 1))
            self._poll()
        self._hear(self._to_a_frame)
        self._push(plan.framer.hop // 2 + 1)
        if devices[0].has("pipeline_reset"):
            self._both("reset", Device.reset)
            self._compare_with(begun, "reset")
        if devices[0].has("pipeline_save") and devices[0].has("pipeline_restore"):
            self._push(plan.framer.hop // 2 + 1)
            self._both("restore", Device.restore)
            self._poll()
        if devices[0].has("selftest"):
            self._both("selftest", Device.selftest)
            self._compare_with([bytes(devices[0].size)] * 2, "selftest")
        stack = devices[0].look().stack
        self._looked.stack_bytes = len(stack.lstrip(b"\0"))
        return self._looked

    def _hear(self, n: int) -> None:
        """Hear ``n`` more samples in blocks of uneven lengths: push what is taken, and poll until 0."""
        hop, end = self._plan.framer.hop, self._at + n
        sizes = (hop, hop // 2 + 1, hop + 1)
        turn = 0
        while self._at < end:
            self._push(min(sizes[turn % len(sizes)], end - self._at))
            turn += 1

    def _push(self, n: int) -> None:
        """Push the next ``n`` samples, and poll until 0 after each push."""
        at = self._at
        for device, signal in zip(self._devices, self._signals, strict=True):
            device.block(signal[at : at + n])
        self._at += n
        first = 0
        while first < n:
            left = n - first
            taken = self._both("push", partial(Device.push, first=first, n=left))[0]
            self._compare_samples(at + first + taken)
            first += taken
            self._poll()
            self._compare_samples(at + first)

    def _poll(self) -> None:
        while max(self._both("poll", Device.poll)) > 0:
            pass

    def _both(self, name: str, call: Callable[[Device], int | None]) -> list[int]:
        """Make a call on both devices, look at them, and return both results."""
        results = [call(device) or 0 for device in self._devices]
        one, other = (device.look() for device in self._devices)
        self._looked.looks[name] = self._looked.looks.get(name, 0) + 1
        for residue in residues(self._devices[0], one, other):
            self._note(name, residue)
        return results

    def _note(self, name: str, residue: Residue) -> None:
        where = f"{name}: {residue.kind} {residue.place}" if residue.kind != STACK else f"{name}: {residue.place}"
        deep = f", {residue.depth} bytes deep" if residue.depth else ""
        tried = self._tried.get(where, 0)
        if tried < _TRIES:
            self._tried[where] = tried + 1
            form = self._form_of(residue.data)
            if form or not tried:
                self._looked.found[where] = f"{form or 'depends on the signal'}{deep}"

    def _compare_samples(self, end: int) -> None:
        """Note samples in the window that the table does not allow: all but the last ``have`` ones must be 0."""
        for device, signal in zip(self._devices, self._signals, strict=True):
            fields = {field.name: field for field in device.fields}
            memory = device.cpu.read(device.memory, device.size)
            have_field, window = fields["pipeline.framer.have"], fields["framer.samples"]
            have = int.from_bytes(memory[have_field.offset : have_field.end], "little")
            if have > self._plan.framer.window:
                continue  # closed until the next poll
            held = memory[window.offset : window.end]
            if held != signal[end - have : end].astype("<i2").tobytes().ljust(window.size, b"\0"):
                self._looked.found.setdefault("window: memory framer.samples", "more than the samples of the window")

    def _compare_with(self, expected: Sequence[bytes], name: str) -> None:
        """Note each field of the memory that is not as expected after a call that wipes everything."""
        for device, wanted in zip(self._devices, expected, strict=True):
            memory = device.look().memory
            for place in device.fields:
                held = memory[place.offset : place.end]
                if place.holds.is_of_signal and held != wanted[place.offset : place.end]:
                    what = self._form_of(held) or "is not wiped"
                    self._looked.found.setdefault(f"{name}: {MEMORY} {place.name}", what)

    def _form_of(self, data: bytes) -> str | None:
        """Name the form of the signal that a residue holds a piece of; None if it is too short, or of none."""
        if len(data) < _NAMED_BYTES:
            return None
        if self._needles is None:
            self._needles = [each for each in needles_of(self._plan, self._signals[0]) if each.is_searched]
        for needles in self._needles:
            size = max(_NAMED_BYTES, 2 * needles.element_bytes)
            for at in range(min(len(data) - size + 1, _SOUGHT)):
                piece = data[at : at + size]
                if len(set(piece)) >= _VARIED and _stands_in(piece, needles):
                    return needles.form
        return None

    def _control(self) -> None:
        """Plant two samples in a register, on the stack and in the scratch of both devices, look, and put them back."""
        device = self._devices[0]
        scratch = next(field for field in device.fields if field.name == "scratch")
        register = "s7" if "s7" in device.cpu.registers else "r3"
        for kind, address in (
            (REGISTER, None),
            (STACK, device.cpu.stack_end - 64),
            (MEMORY, device.memory + scratch.offset + 4),
        ):
            before: list[Snapshot] = []
            for each, piece in zip(self._devices, (_PLANTED, _PLANTED[::-1]), strict=True):
                if address is None:
                    held = each.cpu.registers[register]
                    each.cpu.set_register(register, int.from_bytes(piece, "little"))
                    before.append(each.look())
                    each.cpu.set_register(register, held)
                else:
                    kept = each.cpu.read(address, 2)
                    each.cpu.write(address, piece)
                    before.append(each.look())
                    each.cpu.write(address, kept)
            if not any(residue.kind == kind for residue in residues(device, before[0], before[1])):
                self._looked.controls.append(kind)


def _stands_in(piece: bytes, needles: Needles) -> bool:
    """Tell whether a piece stands in the needles, from the beginning of an element on."""
    at = needles.data.find(piece)
    while at >= 0 and at % needles.element_bytes:
        at = needles.data.find(piece, at + 1)
    return at >= 0


def sum_of_looks(looked: Sequence[Looked]) -> dict[str, int]:
    """Sum up after how many calls of each function everything was looked at."""
    names = dict.fromkeys(name for each in looked for name in each.looks)
    return {name: sum(each.looks.get(name, 0) for each in looked) for name in names}
