"""Targets: the processor cores that programs can be compiled for and run on."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.errors import InputError, printable


@dataclass(frozen=True)
class Target:
    """Processor core.

    Parameters
    ----------
    name : name that users give
    cpu : ``-mcpu`` of the compiler
    model : suffix of the emulator's constant UC_CPU_ARM_...
    has_float : the emulated core has registers s0 to s31
    """

    name: str
    cpu: str
    model: str
    has_float: bool = False


TARGETS = {
    target.name: target
    for target in (
        Target("cortex-m0", "cortex_m0", "CORTEX_M0"),
        Target("cortex-m3", "cortex_m3", "CORTEX_M3"),
        Target("cortex-m4", "cortex_m4", "CORTEX_M4", True),
        Target("cortex-m7", "cortex_m7", "CORTEX_M7", True),
        Target("cortex-m33", "cortex_m33", "CORTEX_M33", True),
    )
}
"""Name -> target, the small cores first."""


def find_target(name: str) -> Target:
    """Find a target by its name; ``m4`` is short for ``cortex-m4``.

    Raises
    ------
    InputError : there is no target of this name
    """
    found = TARGETS.get(name) or TARGETS.get(f"cortex-{name}")
    if found is None:
        raise InputError(f"target '{printable(name)}' is unknown; choose from {', '.join(TARGETS)}")
    return found
