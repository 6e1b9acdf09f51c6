"""Registers and stack of a Thumb function, followed from instruction to instruction without running it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from anomsdk.audit.firmware.build import Build
from anomsdk.errors import InputError

Value: TypeAlias = "tuple[Any, ...] | None"
"""Knowledge of a register: None, or one of

- ("stack", n): n bytes below the stack pointer at the entry
- ("const", v): the number v
- ("load", base, k): word at offset k of what base points to; base is a Value
- ("plus", base, k): k bytes behind what base points to
- ("argument", i): as the function got it
- ("popped",) and ("return",): from the stack, and the return address
- ("unknown",): nothing, of a register that holds an address all the same
"""

_LOST = ("r0", "r1", "r2", "r3", "ip", "r12", "lr")
_NUMBER = r"#(-?(?:0x[0-9a-f]+|\d+))"
_DEEPEST = 4
_NUMBERS = re.compile(r"movs?|movw|mvns?|lsls?|negs?|rsbs?")
"""Instructions that make numbers: one is an address only where it is used as such, or where a movt completes it."""


@dataclass(frozen=True)
class State:
    """Knowledge before an instruction.

    Parameters
    ----------
    depth : bytes of stack below the stack pointer at the entry
    registers : name of a register -> value
    slots : bytes below the entry -> value of the word that was stored there
    loaded_pc : value that the instruction before has loaded into the program counter
    """

    depth: int
    registers: tuple[tuple[str, Value], ...] = ()
    slots: tuple[tuple[int, Value], ...] = ()
    loaded_pc: Value = None

    @classmethod
    def at_entry(cls) -> State:
        """Knowledge at the first instruction."""
        arguments: list[tuple[str, Value]] = [(f"r{i}", ("argument", i)) for i in range(4)]
        return cls(0, tuple(sorted([*arguments, ("lr", ("return",))])))

    def register(self, name: str) -> Value:
        """Value of a register; None if nothing is known."""
        return dict(self.registers).get(name)

    def without(self, register: str) -> State:
        """Knowledge after a register was given a value that is not known."""
        return replace(self, registers=tuple(each for each in self.registers if each[0] != register))

    def called(self) -> State:
        """Knowledge after a function was called."""
        return replace(self, registers=tuple((name, value) for name, value in self.registers if name not in _LOST))

    def fresh(self) -> State:
        """Knowledge of the stack alone, for a place that a table leads to."""
        of_stack = tuple((name, value) for name, value in self.registers if value is not None and value[0] == "stack")
        return State(self.depth, of_stack, self.slots)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and (self.depth, self.registers, self.slots) == (
            other.depth,
            other.registers,
            other.slots,
        )

    __hash__ = None  # type: ignore[assignment]


def merged(one: State, other: State) -> State:
    """Knowledge where two paths meet: the deeper stack, and the values that both agree on."""
    registers, slots = dict(other.registers), dict(other.slots)
    return State(
        max(one.depth, other.depth),
        tuple((name, value) for name, value in one.registers if registers.get(name) == value),
        tuple((at, value) for at, value in one.slots if slots.get(at) == value),
    )


def stepped(one: Any, state: State, build: Build, addresses: set[int]) -> State:
    """Apply an instruction to what is known; addresses that it makes are added to ``addresses``.

    Raises
    ------
    InputError : it changes the stack pointer in a way that cannot be followed
    """
    registers, slots, depth = dict(state.registers), dict(state.slots), state.depth
    mnemonic, text = one.mnemonic.partition(".")[0], one.op_str
    written = {one.reg_name(register) for register in one.regs_access()[1]}
    if is_call(mnemonic):
        return state
    value = _value(one, mnemonic, text, registers, slots, depth, build)
    if "sp" in written:
        depth = _depth(one, mnemonic, text, registers, slots, depth)
    conditional = _conditional(one)
    stored = re.match(rf"(?:(\w+), )?(\w+), \[(\w+)(?:, {_NUMBER})?\]$", text)
    if mnemonic in ("str", "strd") and stored:
        base: Value = ("stack", state.depth) if stored[3] == "sp" else registers.get(stored[3])
        if base is not None and base[0] == "stack":
            for i, name in enumerate(name for name in (stored[1], stored[2]) if name):
                slots[base[1] - int(stored[4] or "0", 0) - 4 * i] = registers.get(name)
    place = re.search(r"\[(\w+)", text)
    if place and (used := registers.get(place[1])) is not None and used[0] == "const":
        addresses.add(used[1])
    listed = re.findall(r"[a-z]\w*", text.partition("{")[2])
    if mnemonic.startswith(("push", "stm")) and "sp" in written:
        slots |= {depth - 4 * i: registers.get(name) for i, name in enumerate(listed)}
    popped: dict[str, Value] = {}
    if mnemonic.startswith(("pop", "ldm")) and "sp" in written:
        popped = {name: slots.get(state.depth - 4 * i) or ("popped",) for i, name in enumerate(listed)}
    target = text.partition(",")[0]
    for name in written - {"sp", "cpsr", "itstate"}:
        registers.pop(name, None)
        if name in popped:
            registers[name] = popped[name]
    given = {target: value, **_several(one, mnemonic, text, state, build)}
    for name, known in given.items():
        if known is not None and name in written - {"sp", "pc"} and not conditional:
            registers[name] = known
            if known[0] == "const" and not _NUMBERS.fullmatch(mnemonic):
                addresses.add(known[1])
    return State(
        depth,
        tuple(sorted((name, v) for name, v in registers.items() if v is not None)),
        tuple(sorted((at, v) for at, v in slots.items() if v is not None and at <= depth)),
        value if target == "pc" else None,
    )


def is_call(mnemonic: str) -> bool:
    """Tell a call, also a conditional one, from branches such as ``ble`` and ``bls``."""
    return re.match(r"blx?([a-z]{2})?(\.|$)", mnemonic) is not None and mnemonic[:3] != "blo"


def _conditional(one: Any) -> bool:
    """Tell whether an instruction may be skipped, as in an IT block."""
    return int(one.cc) not in (0, 15)


def _value(
    one: Any, mnemonic: str, text: str, registers: dict[str, Value], slots: dict[int, Value], depth: int, build: Build
) -> Value:
    """Value that an instruction gives to its first register; None if it is not known."""
    parts = [part.strip() for part in text.split(",")]
    base = mnemonic.removesuffix("s") if mnemonic not in ("lsls",) else mnemonic
    relocated = build.relocated.get(one.address)
    if relocated and relocated[0] in (47, 48):  # R_ARM_THM_MOVW_ABS_NC, MOVT_ABS: the whole address by the second
        return ("const", relocated[1]) if relocated[1] is not None else ("unknown",)
    if len(parts) == 2 and base in ("mov", "movw") and (number := re.fullmatch(_NUMBER, parts[1])):
        return ("const", int(number[1], 0) & 0xFFFFFFFF)
    if base == "movt" and (number := re.fullmatch(_NUMBER, parts[1])):
        low = registers.get(parts[0])
        return ("const", (low[1] & 0xFFFF) | int(number[1], 0) << 16) if low and low[0] == "const" else None
    if len(parts) == 2 and base == "mov":
        return ("stack", depth) if parts[1] == "sp" else registers.get(parts[1])
    if base in ("add", "sub", "addw", "subw", "adr"):
        return _sum(parts, base[:3] == "sub", registers, depth)
    if base in ("neg", "rsb") and (of := registers.get(parts[1])) and of[0] == "const":
        return ("const", -of[1] & 0xFFFFFFFF)
    if mnemonic in ("lsls", "lsl") and len(parts) == 3 and (number := re.fullmatch(_NUMBER, parts[2])):
        of = registers.get(parts[1])
        return ("const", of[1] << int(number[1], 0) & 0xFFFFFFFF) if of and of[0] == "const" else None
    if mnemonic == "ldr" and (place := re.search(r"\[(\w+), ([a-z]\w+)\]$", text)):
        first, second = registers.get(place[1]), registers.get(place[2])
        if second is not None and second[0] == "const":
            return _loaded(one, place[1], second[1], registers, slots, depth, build)
        return (
            _loaded(one, place[2], first[1], registers, slots, depth, build) if first and first[0] == "const" else None
        )
    if mnemonic == "ldr" and (place := re.search(rf"\[(\w+)(?:, {_NUMBER})?\](!?)$", text)):
        return _loaded(one, place[1], int(place[2] or "0", 0), registers, slots, depth, build)
    return None


def _several(one: Any, mnemonic: str, text: str, state: State, build: Build) -> dict[str, Value]:
    """Values that an instruction loads into several registers: name -> value."""
    before, slots = dict(state.registers), dict(state.slots)
    names, base, first = list[str](), "", 0
    if mnemonic == "ldrd" and (pair := re.match(rf"(\w+), (\w+), \[(\w+)(?:, {_NUMBER})?\]$", text)):
        names, base, first = [pair[1], pair[2]], pair[3], int(pair[4] or "0", 0)
    elif mnemonic in ("ldm", "ldmia") and (listed := re.match(r"(\w+)!?, \{(.*)\}$", text)) and listed[1] != "sp":
        names, base = re.findall(r"\w+", listed[2]), listed[1]
    return {name: _loaded(one, base, first + 4 * i, before, slots, state.depth, build) for i, name in enumerate(names)}


def _sum(parts: list[str], minus: bool, registers: dict[str, Value], depth: int) -> Value:
    number = re.fullmatch(_NUMBER, parts[-1])
    first = parts[1] if len(parts) == 3 else parts[0]
    of: Value = ("stack", depth) if first == "sp" else registers.get(first)
    other: Value = ("const", int(number[1], 0)) if number else registers.get(parts[-1])
    if of is None or other is None or other[0] != "const":
        return None
    by = -other[1] if minus else other[1]
    if of[0] in ("load", "argument", "plus"):
        return ("plus", of[1], of[2] + by) if of[0] == "plus" else ("plus", of, by)
    if of[0] == "stack":
        return ("stack", of[1] - ((by + (1 << 31)) % (1 << 32) - (1 << 31)))
    return ("const", of[1] + by & 0xFFFFFFFF) if of[0] == "const" else None


def _loaded(
    one: Any, base: str, offset: int, registers: dict[str, Value], slots: dict[int, Value], depth: int, build: Build
) -> Value:
    if base == "pc":
        at = (one.address + 4 & ~3) + offset
        word = build.word(at)
        return ("const", word) if word is not None else ("unknown",)
    of: Value = ("stack", depth) if base == "sp" else registers.get(base)
    if of is not None and of[0] == "stack":
        place = of[1] - offset
        return slots.get(place) if place > 0 else ("argument", 4 - place // 4)
    if of is not None and of[0] == "const":
        section = build.section_at(of[1] + offset)
        if section is not None and not section.writable and (word := build.word(of[1] + offset)) is not None:
            return ("const", word)
    if of is not None and of[0] == "plus":
        of, offset = of[1], of[2] + offset
    return ("load", None if _levels(of) >= _DEEPEST else of, offset)


def _levels(value: Value) -> int:
    return 1 + _levels(value[1]) if value is not None and value[0] in ("load", "plus") else 0


def _depth(one: Any, mnemonic: str, text: str, registers: dict[str, Value], slots: dict[int, Value], depth: int) -> int:
    """Depth of the stack after an instruction that writes the stack pointer."""
    conditional = _conditional(one)
    if mnemonic.startswith(("push", "vpush", "pop", "vpop")) or re.match(r"v?(stm|ldm)\w*", mnemonic):
        listed = text.partition("{")[2] or text
        size = sum({"r": 4, "s": 4, "d": 8, "q": 16}.get(name[0], 4) for name in re.findall(r"[a-z]\w*", listed))
        down = mnemonic.startswith(("push", "vpush", "stm", "vstm"))
        return depth + size if down else depth if conditional else max(0, depth - size)
    if (number := re.search(rf"\[sp\], {_NUMBER}$", text)) or (number := re.search(rf"\[sp, {_NUMBER}\]!$", text)):
        by = int(number[1], 0)
        return max(0, depth - by) if by < 0 or not conditional else depth
    parts = [part.strip() for part in text.split(",")]
    if mnemonic in ("add", "sub", "addw", "subw", "adds", "subs"):
        value = _sum(
            parts if len(parts) == 3 else [parts[0], parts[0], parts[1]], mnemonic[:3] == "sub", registers, depth
        )
    elif mnemonic in ("mov", "movs"):
        value = registers.get(parts[1])
    else:
        value = None
    if value is None or value[0] != "stack":
        raise InputError(
            f"the stack pointer at 0x{one.address:08x} is set to what is not known before the program runs"
        )
    return int(value[1]) if not conditional else max(depth, int(value[1]))
