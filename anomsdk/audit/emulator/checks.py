"""Checks in the emulator: memory and registers of shipped builds, their wipes, and a program of the user."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from anomsdk.audit.check import Check, Finding, Subject, Verdict
from anomsdk.audit.emulator.build import CELLS, Cell, compiled, functions_without, users_build
from anomsdk.audit.emulator.difference import MEMORY, REGISTER, STACK, VARIABLE
from anomsdk.audit.emulator.twins import Looked, Twins, sum_of_looks
from anomsdk.audit.emulator.wipes import Wipes, wipes
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.mcu.emit import emit_c

RAM, REGISTERS = (STACK, MEMORY, VARIABLE), (REGISTER,)
"""Kinds of residues, see `anomsdk.audit.emulator.difference.Residue`."""
_WIPED_CELLS = (Cell("cortex-m0", "-Os"), Cell("cortex-m4", "-Os"))
_SHOWN = 4
"""Most residues that a result names; the evidence has them all."""
_seen: dict[tuple[str, tuple[int, ...], tuple[Cell, ...]], dict[str, list[Looked]]] = {}
"""Latest run: memory and registers are looked at together."""


def look_at_builds(plan: Plan, seeds: tuple[int, ...], cells: tuple[Cell, ...] = CELLS) -> dict[str, list[Looked]]:
    """Compile a plan for each cell, run it on a pair of signals for each seed, and look after each call.

    Returns
    -------
    Name of the cell -> what was found with each seed

    Raises
    ------
    InputError : ziglang, unicorn or pyelftools is missing, or a program faults
    """
    key = (plan.id, seeds, cells)
    if key not in _seen:
        check_tools()
        found = {}
        with tempfile.TemporaryDirectory() as folder:
            emitted = emit_c(plan, Path(folder) / plan.name).folder
            for cell in cells:
                elf = compiled(plan, emitted, cell)
                found[cell.name] = [Twins(elf, cell.target, plan, seed).run() for seed in seeds]
        _seen.clear()
        _seen[key] = found
    return _seen[key]


def check_tools() -> None:
    """Refuse to begin if the compiler, the emulator or the reader of ELF files is missing."""
    for module in ("ziglang", "unicorn", "elftools"):
        if importlib.util.find_spec(module) is None:
            raise InputError(
                "the compiler and the emulator for microcontrollers are missing here: pip install 'anomsdk[audit]'"
            )


def finding_of(
    found: Mapping[str, Sequence[Looked]], kinds: tuple[str, ...], what: str, looked_at: Mapping[str, str]
) -> Finding:
    """Judge what was found in each build.

    Parameters
    ----------
    found : name of the build -> what was found with each seed
    kinds : kinds of residues that count, see `anomsdk.audit.emulator.difference.Residue`
    what : what was looked at, for the sentence of the result: ``byte of RAM`` or ``register``
    looked_at : name -> hash
    """
    left = {
        name: dict(sorted((where, how) for looked in each for where, how in looked.of(*kinds).items()))
        for name, each in found.items()
    }
    controls = sorted({kind for each in found.values() for looked in each for kind in looked.controls if kind in kinds})
    looks = sum_of_looks([looked for each in found.values() for looked in each])
    evidence: dict[str, Any] = {
        "builds": list(found),
        "looks after each function": looks,
        "residues": {name: places for name, places in left.items() if places},
        "planted controls that were not found": controls,
        "deepest stack in bytes": {name: max(looked.stack_bytes for looked in each) for name, each in found.items()},
    }
    residues = [f"{name}, {where} ({how})" for name, places in left.items() for where, how in places.items()]
    if controls:
        return Finding(
            Verdict.FAILED, f"planted values were not found in: {', '.join(controls)}", evidence, looked_at, _versions()
        )
    if residues:
        more = f"; and {len(residues) - _SHOWN} more" if len(residues) > _SHOWN else ""
        result = f"{len(residues)} places hold something of the signal: {'; '.join(residues[:_SHOWN])}{more}"
        return Finding(Verdict.FAILED, result, evidence, looked_at, _versions())
    total = sum(looks.values())
    result = f"no {what} depends on the signal beyond the retention table, after {total:,} calls in {len(found)} builds"
    return Finding(Verdict.SHOWN, result, evidence, looked_at, _versions())


def finding_of_wipes(found: Mapping[str, Wipes], looked_at: Mapping[str, str]) -> Finding:
    """Judge the wipes of each build."""
    missing = [f"{name}, {where}: {n} bytes" for name, each in found.items() for where, n in each.missing.items()]
    idle = [name for name, each in found.items() if min(each.calls.values()) == 0]
    evidence = {
        name: {"calls of anom_wipe": each.calls, "bytes of each field": each.fields, "not wiped": each.missing}
        for name, each in found.items()
    }
    if missing or idle:
        result = f"not everything is wiped: {'; '.join(missing[:_SHOWN] or [f'{name} calls no wipe' for name in idle])}"
        return Finding(Verdict.FAILED, result, evidence, looked_at, _versions())
    calls = sum(sum(each.calls.values()) for each in found.values())
    result = f"{calls} calls of anom_wipe cover every byte of window, history, features and scratch that was written"
    return Finding(Verdict.SHOWN, result, evidence, looked_at, _versions())


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("ziglang", "unicorn")}


def _plan_of(subject: Subject) -> Plan:
    if subject.plan is None:
        raise InputError("the emulator compares with the retention table of a plan; give the plan, too")
    return subject.plan


def _ram(subject: Subject) -> Finding:
    plan = _plan_of(subject)
    return finding_of(look_at_builds(plan, subject.seeds), RAM, "byte of RAM", {plan.name: plan.id})


def _registers(subject: Subject) -> Finding:
    plan = _plan_of(subject)
    return finding_of(look_at_builds(plan, subject.seeds), REGISTERS, "register", {plan.name: plan.id})


def _wipe_is_called(subject: Subject) -> Finding:
    plan = _plan_of(subject)
    check_tools()
    found = {}
    folder = subject.folder / "emulator-wipes"
    emitted = emit_c(plan, folder).folder
    for cell in _WIPED_CELLS:
        found[cell.name] = wipes(compiled(plan, emitted, cell), cell.target, plan, subject.seeds[0])
    shutil.rmtree(folder)
    return finding_of_wipes(found, {plan.name: plan.id})


def _own_build(subject: Subject) -> Finding:
    plan = _plan_of(subject)
    if subject.elf is None:
        raise InputError("no build of your own was given; name it with `elf`")
    check_tools()
    elf, target = users_build(subject.elf, plan)
    found = {f"{subject.elf.name} on {target}": [Twins(elf, target, plan, seed).run() for seed in subject.seeds]}
    looked_at = {subject.elf.name: hashlib.sha256(elf).hexdigest(), plan.name: plan.id}
    finding = finding_of(found, (*RAM, *REGISTERS), "byte of RAM and no register", looked_at)
    missing = functions_without(elf)
    evidence = {**finding.evidence, "functions that the program lacks": missing}
    says = f"{finding.result}; the program lacks {', '.join(missing)}" if missing else finding.result
    return replace(finding, result=says, evidence=evidence)


_METHOD = (
    "The emitted sources are compiled for four cores at -Os, at -O2 and at -Os -flto. Each program runs twice in an"
    " emulator, with the same calls and two signals; after each call"
)
_LIMITS = (
    "Two signals of each seed are compared: what does not differ between them was not seen to depend on the signal.",
    "The builds are those of the clang in ziglang; a build of another compiler or with other flags is looked at by"
    " emulator.own-build.",
    "Fields that hold something of the signal by the retention table are compared with their contents only for the"
    " samples of the window; retention.image compares all of them.",
    "Results, records and exports are handed to the caller, and are not looked at; neither are the blocks that the"
    " caller pushes, which are the caller's to wipe.",
    "During a call everything may be in RAM and in registers, also where an interrupt saves them.",
)

CHECKS: tuple[Check, ...] = (
    Check(
        id="emulator.ram",
        title="After each call, no byte of RAM, dead stack included, depends on the signal beyond the retention table",
        method=f"{_METHOD}, the memory of the pipeline, the whole stack and all variables are compared.",
        limits=_LIMITS,
        run=_ram,
    ),
    Check(
        id="emulator.registers",
        title="After each call, no register depends on the signal but r0, which holds the result",
        method=f"{_METHOD}, r1 to r12, lr, the flags and s0 to s31 are compared.",
        limits=_LIMITS,
        run=_registers,
    ),
    Check(
        id="emulator.wipe-is-called",
        title="Every byte of window, history, features and scratch that is written is wiped by a call of anom_wipe",
        method="The emitted sources are compiled at -Os for two cores and run in an emulator, which follows each write"
        " and each call of anom_wipe.",
        limits=(
            "It is shown for the calls that were made: pushes and polls up to the second tick, a gap and a reset.",
            "A build that makes anom_wipe part of its callers, as -flto may, has no call that can be followed.",
        ),
        run=_wipe_is_called,
    ),
    Check(
        id="emulator.own-build",
        title="After each call of this build, no RAM and no register depends on the signal beyond the retention table",
        method="The functions of the pipeline in a linked program run twice in an emulator, in memory and with a stack"
        " that the audit gives them, with two signals; after each call everything is compared.",
        limits=(
            "Start-up code, drivers, interrupts and the rest of the program do not run; nobody looks at their buffers.",
            "Only functions that the program holds are called, and it needs its symbols.",
            *_LIMITS[3:],
        ),
        run=_own_build,
        needs="elf",
    ),
)
