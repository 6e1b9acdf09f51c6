"""Checks of a user's own build, which read its file and run nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from anomsdk.audit.check import Check, Finding, Subject, Verdict
from anomsdk.audit.firmware.build import Build, Name, is_writable, read_build
from anomsdk.audit.firmware.calls import Graph
from anomsdk.audit.firmware.names import is_allowed, kind_of
from anomsdk.audit.firmware.wipes import WIPE, wipes
from anomsdk.audit.retention.table import table
from anomsdk.errors import InputError, printable
from anomsdk.utils.text import counted

ENTRIES = tuple(f"anom_pipeline_{name}" for name in ("init", "push", "poll", "gap", "reset", "save", "restore"))
"""Functions of anomsdk.h for which the bound of the stack is stated one by one."""
_INLINED = (
    "has no symbol in this program: the compiler has inlined it into code that cannot be told from the program's own"
)


def _opened(subject: Subject) -> Build:
    if subject.elf is None:
        raise InputError("no build was given; give a linked program, an archive or an object file by `elf`")
    try:
        found = subject.elf.stat()
    except (OSError, ValueError):
        return read_build(subject.elf)  # which says why
    return _read(subject.elf, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _read(path: Path, mtime: int, size: int) -> Build:
    """Read a build once for all checks, as long as its file does not change."""
    return read_build(path)


@lru_cache(maxsize=1)
def _graph(build: Build) -> Graph:
    return Graph(build)


def _finding(build: Build, failed: bool, result: str, evidence: dict[str, Any]) -> Finding:
    kind = "linked program" if build.linked else "objects"
    return Finding(
        verdict=Verdict.FAILED if failed else Verdict.SHOWN,
        result=result,
        evidence={"machine": f"{build.machine}, {build.bits} bits", "kind": kind, **evidence},
        looked_at={build.path.name: build.sha256},
    )


def _check_entries(build: Build) -> None:
    """Refuse to say that nothing was found in a program whose port is inlined into other code."""
    if missing := _inlined(build):
        raise InputError(f"{missing[0]} {_INLINED}; give the archive, or the program built without -flto")


def _inlined(build: Build) -> list[str]:
    """Name the functions that every program calls and this linked one has no symbol for."""
    present = {each.name.partition(".")[0] for each in build.functions}
    return [name for name in ("anom_pipeline_push", "anom_pipeline_poll") if build.linked and name not in present]


def check_symbols(subject: Subject) -> Finding:
    """Judge the undefined symbols of objects; of a linked program the calls that leave the C port."""
    build = _opened(subject)
    if build.linked:
        return _calls_outside(build)
    outside = {name: users for name, users in build.needed.items() if not name.startswith("anom_")}
    bad = {name: users for name, users in outside.items() if not is_allowed(name)}
    evidence: dict[str, Any] = {
        "needed": sorted(set(outside) - set(bad)),
        "not allowed": {name: {"for": kind_of(name), "in": list(users)} for name, users in bad.items()},
        "of the C port, in other files": sorted(set(build.needed) - set(outside)),
        "files without anything of the C port": list(build.left_out),
    }
    if bad:
        listed = "; ".join(f"{name} ({kind_of(name)}) in {', '.join(users)}" for name, users in bad.items())
        return _finding(build, True, f"The C port needs {printable(listed)}.", evidence)
    needs = ", ".join(evidence["needed"]) or "nothing"
    return _finding(build, False, f"The C port needs {printable(needs)}, and nothing else from outside.", evidence)


def _calls_outside(build: Build) -> Finding:
    graph = _graph(build)
    reached = graph.reached(graph.roots)
    port = {root.address for root in graph.roots}
    bad = {}
    for address, way in reached.items():
        function = build.entry_points[address]
        if address not in port and not function.local and not is_allowed(function.name):
            bad[function.name] = way
    evidence = {
        "reached": sorted({way[-1] for way in reached.values()}),
        "not allowed": {name: {"for": kind_of(name), "way": list(way)} for name, way in sorted(bad.items())},
    }
    if bad:
        first = {name: way for name, way in bad.items() if way[-2:-1] and way[-2] not in bad} or bad
        listed = "; ".join(f"{name} ({kind_of(name)}), called by {way[-2]}" for name, way in sorted(first.items()))
        return _finding(build, True, f"The C port calls {printable(listed)}.", evidence)
    _check_entries(build)
    allowed = sorted({way[-1] for way in reached.values() if is_allowed(way[-1])})
    text = f"{counted(len(reached), 'function')} of the C port and below call nothing else than "
    return _finding(build, False, f"{text}{', '.join(allowed) or 'each other'}.", evidence)


def check_data(subject: Subject) -> Finding:
    """Find writable data of the C port; of a linked program also what its code points to."""
    build = _opened(subject)
    size = table(subject.plan, build.bits // 8)[-1].end if subject.plan else None
    pipelines = [name for name in build.names if name.kind == "variable" and name.writable and name.size == size]
    found: dict[str, dict[str, Any]] = {}
    for name in build.names:
        if name.kind == "variable" and name.writable and name.of_port and name not in pipelines:
            found[name.name] = {"bytes": name.size, "in": name.source or "a source that is not named"}
    if build.linked:
        # Code that the compiler has mixed with the program's own points to variables of the program.
        found |= {} if _inlined(build) else _pointed_to(build, pipelines)
    else:
        found |= _without_name(build)
    evidence: dict[str, Any] = {
        "writable": found,
        "pipelines": {name.name: name.size for name in sorted(pipelines, key=lambda each: each.name)},
        "bytes of a pipeline": size if size is not None else "no plan was given",
    }
    if found:
        listed = "; ".join(f"{name}, {what['bytes']} bytes, in {what['in']}" for name, what in sorted(found.items()))
        return _finding(build, True, f"The C port has writable data: {printable(listed)}.", evidence)
    if build.linked:
        _check_entries(build)
    declared = ", ".join(f"{name} ({size} bytes)" for name in sorted(evidence["pipelines"]))
    return _finding(
        build, False, f"The C port has no writable data; pipelines: {printable(declared) or 'none seen'}.", evidence
    )


def _pointed_to(build: Build, pipelines: Iterable[Name]) -> dict[str, dict[str, Any]]:
    """Find writable variables whose address the code of the C port makes."""
    graph, allowed, found = _graph(build), set(pipelines), {}
    for address, way in graph.reached(graph.roots).items():
        function = build.entry_points[address]
        if is_allowed(function.name):
            continue
        for target in graph.code(function).addresses:
            section = build.section_at(target)
            if section is None or not is_writable(section) or section.executable:
                continue
            name = build.at(target)
            if name is None or not (name in allowed or is_allowed(name.name)):
                shown = name.name if name else f"0x{target:08x} in {section.name}"
                found[shown] = {"bytes": name.size if name else 0, "in": f"code of {way[-1]}"}
    return found


def _without_name(build: Build) -> dict[str, dict[str, Any]]:
    """Find writable sections of objects in which no variable has a name."""
    named = {build.section_at(name.address) for name in build.names if name.writable and name.address}
    return {
        section.name: {"bytes": section.size, "in": "a section without symbols"}
        for section in build.sections
        if is_writable(section) and section not in named
    }


def check_wipe(subject: Subject) -> Finding:
    """Look for the wipe in the object code, and for calls of it."""
    build = _opened(subject)
    found = wipes(_graph(build))
    evidence = {
        "anom_wipe stores zeros": found.stores_zeros,
        "functions that wipe": list(found.wiping),
        "functions that should wipe and do not": list(found.forgetting),
        "functions without a symbol": list(found.unseen),
        "a wipe lies on the paths of": dict(sorted(found.entries.items())),
    }
    inlined = "anom_pipeline_poll" not in found.entries
    faults = [] if inlined else [f"{name} does not call {WIPE}" for name in found.forgetting]
    if found.stores_zeros is False:
        faults.insert(0, f"{WIPE} stores no zeros in the memory that it is given")
    faults += [f"nothing is wiped on the paths of {name}" for name, reaches in found.entries.items() if not reaches]
    if faults:
        return _finding(build, True, f"{'; '.join(faults)}.", evidence)
    if inlined:
        raise InputError(f"anom_pipeline_poll {_INLINED}; give the archive, or the program built without -flto")
    if found.stores_zeros is None:
        raise InputError(f"{WIPE} has no symbol in this build; give one in which it is a function of its own")
    text = f"{WIPE} stores zeros, and {counted(len(found.wiping), 'function')} call it, on the paths of "
    return _finding(build, False, f"{text}{', '.join(sorted(found.entries))}.", evidence)


def check_recursion(subject: Subject) -> Finding:
    """Look for a circle in the calls of the C port."""
    build = _opened(subject)
    graph = _graph(build)
    if found := graph.circle(graph.roots, certain=True):
        return _finding(
            build, True, f"The C port calls itself: {printable(' -> '.join(found))}.", {"circle": list(found)}
        )
    _check_bounded(graph)
    _check_entries(build)
    n = len(graph.reached(graph.roots))
    return _finding(build, False, f"No circle is in the calls of {counted(n, 'function')}.", {"functions": n})


def _check_bounded(graph: Graph) -> None:
    if found := graph.circle(graph.roots, certain=True):
        raise InputError(
            f"the C port calls itself: {printable(' -> '.join(found))}, so that no bound holds; take that out"
        )
    if found := graph.circle(graph.roots, certain=False):
        raise InputError(
            f"calls through registers may close a circle: {printable(' -> '.join(found))}; give a build with -Os or -O2"
        )


def check_stack(subject: Subject) -> Finding:
    """Bound the stack of the functions of anomsdk.h."""
    build = _opened(subject)
    graph = _graph(build)
    _check_bounded(graph)
    _check_entries(build)
    bounds, deepest, outside = {}, {}, set[str]()
    for name in ENTRIES:
        if name in build.by_name and build.by_name[name].kind == "function":
            bounds[name], way, others = graph.stack(build.by_name[name])
            deepest[name] = list(way)
            outside |= others
    if not bounds:
        raise InputError("the file holds no function of anomsdk.h; give the archive or the program")
    most = max(bounds, key=lambda name: bounds[name])
    text = f"At most {bounds[most]:,} bytes of stack, in {most}"
    if outside:
        text += f", without {', '.join(sorted(outside))}, which are not in this file"
    evidence = {"bytes": bounds, "deepest": deepest, "not in it": sorted(outside)}
    return _finding(build, False, f"{text}.", evidence)


_STATIC = "The file is read and nothing is run; whether this is the file on the device is not shown."
_ARM_ONLY = "Code is read for Arm Cortex-M (Thumb) alone; for other processors this is not shown."
_NAMES = "It rests on the symbols of the file, which whoever builds it can change."

CHECKS = (
    Check(
        id="firmware.symbols",
        title="The C port in this build needs no heap, no file, no network and no output.",
        method="Undefined symbols of objects are held against a list; in a linked program the calls from functions of "
        "the C port are followed in the disassembly.",
        limits=(
            _STATIC,
            _NAMES,
            "Functions that other code of the program calls are not judged.",
            "Undefined symbols are not judged for a linked program, and calls in it are read for Arm Cortex-M alone.",
        ),
        run=check_symbols,
        quick=True,
        needs="elf",
    ),
    Check(
        id="firmware.data",
        title="The C port in this build has no variables of its own.",
        method="Writable sections and symbols of the C port are listed; in a linked program also writable memory whose "
        "address its code makes.",
        limits=(_STATIC, _NAMES, "What the program itself keeps, such as its buffers for a microphone, is not judged."),
        run=check_data,
        quick=True,
        needs="elf",
    ),
    Check(
        id="firmware.wipe",
        title="The wipe is present in the object code, and the functions that must wipe call it.",
        method="anom_wipe is disassembled and searched for a loop that stores zeros; calls are followed from init, "
        "poll, gap and reset.",
        limits=(
            _STATIC,
            _ARM_ONLY,
            "Where a function wipes several buffers, one wipe that is missing is not seen; a dump shows it.",
            "Which bytes a call wipes is not shown; a run in the emulator shows it.",
        ),
        run=check_wipe,
        quick=True,
        needs="elf",
    ),
    Check(
        id="firmware.recursion",
        title="No function of the C port calls itself, directly or by others.",
        method="Calls are followed in the disassembly; a call through a register may lead to each function at the same "
        "place of the port's constant structs.",
        limits=(_STATIC, _ARM_ONLY),
        run=check_recursion,
        quick=True,
        needs="elf",
    ),
    Check(
        id="firmware.stack",
        title="The stack that the C port needs has a bound.",
        method="The deepest place of each function is added up along the deepest path of calls.",
        limits=(_STATIC, _ARM_ONLY, "Interrupts and functions that are not in the file need stack of their own."),
        run=check_stack,
        quick=True,
        needs="elf",
    ),
)
"""Checks on `anomsdk.audit.check.Subject.elf`."""
