"""A program that holds several plans: all of the port and each plan, apart or as one translation unit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anomsdk
from tests.support.c_build import C_PROGRAMS, SOURCES

FLAGS = {
    "O0": "-O0",
    "O1": "-O1",
    "O2": "-O2",
    "O3": "-O3",
    "Os": "-Os",
    "trapv": "-O2 -ftrapv",
    "trapv-O0": "-O0 -ftrapv",
    "unsigned-char": "-O2 -funsigned-char",
    "signed-char": "-O2 -fsigned-char",
    "short-enums": "-O2 -fshort-enums",
    "fast-math": "-O2 -ffast-math",
    "lto": "-O2 -flto",
    "all": "-O3 -ftrapv -funsigned-char -fshort-enums -ffast-math -flto",
}
"""Flags that firmware is compiled with, and with which the integers are the same."""


def said_by(plans: Sequence[anomsdk.Plan]) -> list[str]:
    """What the program prints where every self-test passes."""
    return [f"ok {plan.name}" for plan in plans]


def sources_of(plans: Sequence[anomsdk.Plan], folder: Path) -> tuple[list[Path], list[str]]:
    """C sources of the program, as `emit_c` writes the plans, and flags; a board or `board_host.c` comes to them."""
    emitted = [(plan.name, anomsdk.emit_c(plan, folder / plan.name).folder) for plan in plans]
    flags = [f"-DPLANS={' '.join(f'EACH({name}, {name.upper()})' for name, _ in emitted)}"]
    for name, made in emitted:
        flags += [f"-I{made}", "-include", f"anom_plan_{name}.h", "-include", f"examples/anom_golden_{name}.h"]
    plan_sources = [made / f"anom_plan_{name}.c" for name, made in emitted]
    return [*SOURCES, *plan_sources, C_PROGRAMS / "board_two_plans.c"], flags


def as_one(sources: Sequence[Path], folder: Path) -> list[Path]:
    """One source that includes all of them: what is called a unity build."""
    unit = folder / "unity.c"
    unit.write_text("".join(f'#include "{source}"\n' for source in sources))
    return [unit]
