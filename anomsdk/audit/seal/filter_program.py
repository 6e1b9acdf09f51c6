"""Filter of system calls as a program of classic BPF, which the kernel runs before every call."""

from __future__ import annotations

from typing import TypeAlias

from anomsdk.audit.seal.allowed_calls import NUMBERS, Condition, allowed_calls

Instruction: TypeAlias = tuple[int, int, int, int]
"""Code, jump if true, jump if false (instructions to leave out), constant."""

ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT, _ARGUMENT_BYTES = 0, 4, 16, 8
"""Offsets in struct seccomp_data. Both architectures are little-endian: the lower word of an argument comes first."""
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def filter_program(machine: str, events: tuple[int, ...]) -> list[Instruction]:
    """Write the filter of an architecture.

    A call of another architecture is never allowed: numbers have other meanings there. Numbers are compared whole, so
    that a call of x32, which has bit 30 beside the number, is not allowed either.

    Parameters
    ----------
    machine : ``x86_64`` or ``aarch64``
    events : descriptors that may be written to

    Returns
    -------
    list of instructions
    """
    kill = (_RETURN, 0, 0, KILL_PROCESS)
    program = [(_LOAD, 0, 0, _ARCHITECTURE_AT), (_EQUAL, 1, 0, AUDIT_ARCH[machine]), kill, (_LOAD, 0, 0, _NUMBER_AT)]
    for name, conditions in allowed_calls(events).items():
        if name not in NUMBERS[machine]:
            continue
        body = [each for condition in conditions for each in _condition(condition)]
        body.append((_RETURN, 0, 0, ALLOW))
        program += [(_EQUAL, 0, len(body), NUMBERS[machine][name]), *body]
    return [*program, kill]


def _condition(condition: Condition) -> list[Instruction]:
    """Compare an argument with each value, and kill the process if it equals none."""
    at = _ARGUMENTS_AT + _ARGUMENT_BYTES * condition.argument
    n = len(condition.values)
    compared = [(_EQUAL, n - i, 0, value) for i, value in enumerate(condition.values)]
    return [(_LOAD, 0, 0, at), (_AND, 0, 0, condition.mask), *compared, (_RETURN, 0, 0, KILL_PROCESS)]
