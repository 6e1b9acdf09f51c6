"""Thumb code, read without running it: calls of a function, stack below each, and what is stored in loops."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from anomsdk.audit.firmware.build import Build, Name
from anomsdk.audit.firmware.registers import State, Value, is_call, merged, stepped
from anomsdk.errors import InputError, printable

MOST_STACK = 1 << 20
_RETURN_TABLES = re.compile(r"__gnu_thumb1_case_\w+|__ARM_common_switch8\w*")
_COMPARED = ("cbz", "cbnz")
_BRANCH = re.compile(r"b(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?(\.[nw])?$")
_CALLS_FROM_OBJECTS = (10, 28, 30, 51, 102)
"""R_ARM_THM_CALL, PLT32, THM_JUMP24, THM_JUMP19, THM_JUMP11."""


@dataclass(frozen=True)
class Call:
    """Call that a function makes.

    Parameters
    ----------
    address : address of the instruction
    depth : bytes of stack of the function at that place
    target : address of the function that is called; None if it is in no section, or if a register holds it
    name : name of a function that is in no section; empty otherwise
    value : what is known of the register that holds the address; None for a direct call
    arguments : what is known of r0, r1 and r2
    """

    address: int
    depth: int
    target: int | None = None
    name: str = ""
    value: Value = None
    arguments: tuple[Value, Value, Value] = (None, None, None)

    @property
    def is_indirect(self) -> bool:
        """A register holds the address."""
        return self.target is None and not self.name


@dataclass(frozen=True)
class Code:
    """Function as its instructions show it.

    Parameters
    ----------
    function : its name and place
    stack : largest number of bytes of stack that it uses itself
    calls : calls, tail calls included
    addresses : addresses that it computes or loads from constants of its own
    zeroes_in_a_loop : a loop stores a register that holds zero, and not to the function's own stack
    instructions : number of instructions
    """

    function: Name
    stack: int
    calls: tuple[Call, ...]
    addresses: frozenset[int]
    zeroes_in_a_loop: bool
    instructions: int


@dataclass
class _Found:
    """Results of a walk, as they come."""

    stack: int = 0
    calls: dict[int, Call] = field(default_factory=dict)
    addresses: set[int] = field(default_factory=set)


class Reader:
    """Reader of the Thumb functions of a build.

    Raises
    ------
    InputError : capstone is missing, or the build is for another architecture
    """

    def __init__(self, build: Build) -> None:
        if build.machine != "Arm" or build.big_endian:
            raise InputError(f"code for {build.machine} is not read here; only that of Arm Cortex-M is")
        try:
            import capstone
        except ImportError:
            raise InputError("the disassembler is missing here: pip install 'anomsdk[audit]'") from None
        self._build = build
        mode = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8
        self._capstone = capstone.Cs(capstone.CS_ARCH_ARM, mode)
        self._capstone.detail = True
        self._read: dict[int, Code] = {}

    def code(self, function: Name) -> Code:
        """Read a function.

        Raises
        ------
        InputError : it is no Thumb code, an instruction is not known, or its stack cannot be followed
        """
        if function.address not in self._read:
            self._read[function.address] = self._walked(function)
        return self._read[function.address]

    def _walked(self, function: Name) -> Code:
        if not function.thumb:
            raise InputError(f"{printable(function.name)} is no Thumb code, which alone is read here")
        instructions = self._instructions(function)
        found, states = _Found(), dict[int, State]()
        waiting = [(function.address, State.at_entry())]
        unseen = set(instructions)
        while waiting:
            at, state = waiting.pop()
            if at not in instructions:
                raise InputError(f"{printable(function.name)}: its code at 0x{at:08x} cannot be read here")
            known = states.get(at)
            new = state if known is None else merged(known, state)
            if known is not None and new == known:
                continue
            if new.depth > MOST_STACK:
                raise InputError(f"{printable(function.name)}: its stack grows in a loop at 0x{at:08x}")
            states[at] = new
            unseen.discard(at)
            one = instructions[at]
            following = self._next(function, one, new, found)
            if is_call(one.mnemonic) or _is_filling(one):  # behind a call that does not return may be constants
                following = [each for each in following if each[0] in instructions]
            waiting += following
            if not waiting and unseen and self._has_table(instructions, states):
                unseen -= {at for at in unseen if _is_filling(instructions[at])}
                at = min(unseen, default=0)
                waiting += [(at, states[max(place for place in states if place < at)].fresh())] if unseen else []
        return Code(
            function=function,
            stack=found.stack,
            calls=tuple(found.calls[at] for at in sorted(found.calls)),
            addresses=frozenset(found.addresses),
            zeroes_in_a_loop=_zeroes_in_a_loop([(instructions[at], states[at]) for at in sorted(states)]),
            instructions=len(states),
        )

    def _instructions(self, function: Name) -> dict[int, Any]:
        """Decode a function, without the constants in it: address -> instruction."""
        section = self._build.section_at(function.address)
        if section is None or not section.executable or not section.data:
            raise InputError(f"{printable(function.name)} has no code in this file")
        starts = [other for other in self._build.entry_points if other > function.address]
        following = min(starts, default=section.address + section.size)
        end = min(section.address + section.size, function.address + function.size if function.size else following)
        constants = [(max(first, function.address), last) for first, last in self._build.constants if last > first]
        constants = sorted((first, last) for first, last in constants if first < end and last > function.address)
        found, literals, at = dict[int, Any](), set[int](), function.address
        while at < end:
            skipped = next((last for first, last in constants if first <= at < last), None)
            if skipped is not None or at in literals:
                at = skipped if skipped is not None else at + 4
                continue
            stop = min((first for first, _ in constants if first > at), default=end)
            begin = at
            # In one run, as an IT instruction makes those behind it conditional.
            for one in self._capstone.disasm(section.data[at - section.address : stop - section.address], at):
                if one.address in literals:
                    break
                if (literal := literal_of(one)) is not None:
                    literals.add(literal)
                found[at] = one
                at += one.size
            if at == begin:
                raise InputError(
                    f"{printable(function.name)}: the instruction at 0x{at:08x} is not known to the disassembler"
                )
        return found

    def _next(self, function: Name, one: Any, state: State, found: _Found) -> list[tuple[int, State]]:
        """Apply an instruction: the places where the function goes on, with the state there."""
        build, mnemonic, at = self._build, one.mnemonic, one.address
        behind = at + one.size
        after = stepped(one, state, build, found.addresses)
        found.stack = max(found.stack, state.depth, after.depth)
        if mnemonic == "bl" and self._is_far_jump(function, one):
            return [(self._target(one)[0], state.without("lr"))]
        if is_call(mnemonic):
            call = found.calls[at] = self._called(one, state)
            callee = call.name or getattr(build.entry_points.get(call.target or -1), "name", "")
            return [] if _RETURN_TABLES.match(callee) else [(behind, after.called())]
        if _BRANCH.match(mnemonic) or mnemonic in _COMPARED:
            conditional = mnemonic.partition(".")[0] != "b"
            goes_on = [(behind, after)] if conditional else []
            target, outside = self._target(one)
            if outside or not function.address <= target < function.address + (function.size or 1 << 30):
                found.calls[at] = self._called(one, state)
                return goes_on
            return [*goes_on, (target, after)]
        if mnemonic[:2] == "bx" and one.operands[0].type == 1:
            value = state.register(one.op_str)
            if one.op_str not in ("lr",) and value != ("popped",) and value != ("return",):
                found.calls[at] = Call(at, state.depth, value=value or ("unknown",))
            return [] if mnemonic in ("bx", "bxns") else [(behind, after)]
        listed = one.op_str.partition("{")[2] if mnemonic.startswith(("pop", "ldm")) else ""
        if mnemonic[:2] == "tb" or one.op_str.startswith("pc,") or re.search(r"\bpc\b", listed):
            if mnemonic[:3] == "ldr" and (value := after.loaded_pc) is not None and value[0] == "const":
                found.calls[at] = Call(at, state.depth, value=value)
            return [(behind, after)] if _is_conditional(mnemonic) else []
        if mnemonic in ("udf", "bkpt", "udf.w"):
            return []
        return [(behind, after)]

    def _target(self, one: Any) -> tuple[int, bool]:
        """Address that a direct branch goes to, and whether a linker fills it in."""
        row = self._build.relocated.get(one.address)
        return int(one.operands[-1].imm), row is not None and row[0] in _CALLS_FROM_OBJECTS

    def _is_far_jump(self, function: Name, one: Any) -> bool:
        """Tell a call into the middle of its own function: gcc jumps so on a Cortex-M0 where a branch is too short."""
        target, outside = self._target(one)
        return not outside and function.address < target < function.address + function.size

    def _called(self, one: Any, state: State) -> Call:
        at = one.address
        given = (state.register("r0"), state.register("r1"), state.register("r2"))
        row = self._build.relocated.get(at)
        if row is not None and row[0] in _CALLS_FROM_OBJECTS:
            _, target, name, _ = row
            if target is None:
                return Call(at, state.depth, name=name, arguments=given)
            shift = 0 if target in self._build.entry_points or target & 1 else int(one.operands[-1].imm) - at
            return Call(at, state.depth, target=(target & ~1) + shift, arguments=given)
        if one.operands[-1].type == 2:
            return Call(at, state.depth, target=int(one.operands[-1].imm) & ~1, arguments=given)
        return Call(at, state.depth, value=state.register(one.op_str) or ("unknown",))

    def _has_table(self, instructions: dict[int, Any], states: dict[int, State]) -> bool:
        """Tell whether a function jumps by a table, so that code follows that no branch names."""
        for at in states:
            one = instructions[at]
            if one.mnemonic[:2] == "tb" or (one.mnemonic[:3] in ("mov", "ldr", "add") and one.op_str.startswith("pc,")):
                return True
            if one.mnemonic == "bl":
                call = self._called(one, states[at])
                callee = call.name or getattr(self._build.entry_points.get(call.target or -1), "name", "")
                if _RETURN_TABLES.match(callee):
                    return True
        return False


def literal_of(one: Any) -> int | None:
    """Address of the constant that an instruction loads; None if it loads none."""
    if one.mnemonic.startswith("ldr") and (offset := re.search(r"\[pc, #(-?)(0x[0-9a-f]+|\d+)\]", one.op_str)):
        value = int(offset[2], 0)
        return int((one.address + 4 & ~3) + (-value if offset[1] else value))
    return None


def _is_filling(one: Any) -> bool:
    """Tell an instruction that only fills the space before a table."""
    return one.mnemonic.partition(".")[0] == "nop" or (one.mnemonic == "mov" and one.op_str == "r8, r8")


def _is_conditional(mnemonic: str) -> bool:
    return re.search(r"(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)(\.[nw])?$", mnemonic) is not None and not (
        mnemonic.startswith(("tbb", "tbh", "mls"))
    )


def _zeroes_in_a_loop(ordered: list[tuple[Any, State]]) -> bool:
    """Tell whether a loop stores a register that holds zero."""
    loops = [
        (int(one.operands[-1].imm), one.address)
        for one, _ in ordered
        if _BRANCH.match(one.mnemonic) and one.operands[-1].type == 2 and one.operands[-1].imm <= one.address
    ]
    for one, state in ordered:
        if not any(first <= one.address < last for first, last in loops):
            continue
        if one.mnemonic.startswith("stm"):
            base, _, listed = one.op_str.partition(",")
            stored = set(re.findall(r"r\d+", listed))
        elif one.mnemonic.startswith("str") and (place := re.search(r"\[(\w+)", one.op_str)):
            base, stored = place[1], set(re.findall(r"r\d+", one.op_str.partition("[")[0]))
        else:
            continue
        value = state.register(base.rstrip("!"))
        zeros = any(state.register(name) == ("const", 0) for name in stored)
        if zeros and base != "sp" and (value is None or value[0] != "stack"):
            return True
    return False
