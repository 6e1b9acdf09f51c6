"""Wipes in object code: what `anom_wipe` stores, and which functions call it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from anomsdk.audit.firmware.build import Name
from anomsdk.audit.firmware.calls import Edge, Graph
from anomsdk.utils.files import packaged_folder

WIPE = "anom_wipe"
ENTRIES = ("anom_pipeline_init", "anom_pipeline_poll", "anom_pipeline_gap", "anom_pipeline_reset")
"""Functions of anomsdk.h on whose paths something is wiped; a push stores samples and wipes nothing."""
_ZEROING = re.compile(r"(?:memset|__aeabi_mem(?:set|clr)\d*)$")


@dataclass(frozen=True)
class Wipes:
    """Wipes of a build.

    Parameters
    ----------
    stores_zeros : `anom_wipe` stores zeros in a loop, or calls a function that zeroes; None: it has no symbol
    wiping : functions that call it, or have a loop of their own that stores zeros
    forgetting : functions that call it in the sources of this package, and neither call it here nor store zeros
    unseen : functions that call it in the sources of this package and have no symbol here: inlined, or not linked
    entries : function of `ENTRIES` -> calls on its paths lead to a wipe; without those that have no symbol
    """

    stores_zeros: bool | None
    wiping: tuple[str, ...]
    forgetting: tuple[str, ...]
    unseen: tuple[str, ...]
    entries: dict[str, bool]


def wipes(graph: Graph) -> Wipes:
    """Look for the wipes of a build.

    Raises
    ------
    InputError : code of the build cannot be read
    """
    variants: dict[str, list[Name]] = {}
    for function in graph.roots:
        variants.setdefault(function.name.partition(".")[0], []).append(function)
    itself = variants.get(WIPE, [])
    inlined = not itself or "anom_pipeline_poll" not in variants
    wiping, forgetting, unseen = [], [], []
    for name in wiping_functions():
        if name not in variants:
            unseen.append(name)
        elif any(_wipes(graph, function, inlined=inlined) for function in variants[name]):
            wiping.append(name)
        else:
            forgetting.append(name)
    seen = set(wiping) | {WIPE}
    entries = {
        name: any(
            way[-1].partition(".")[0] in seen
            for function in variants[name]
            for way in graph.reached([function]).values()
        )
        for name in ENTRIES
        if name in variants
    }
    stores = all(_stores_zeros(graph, function) for function in itself) if itself else None
    return Wipes(stores, tuple(wiping), tuple(forgetting), tuple(unseen), entries)


@cache
def wiping_functions() -> tuple[str, ...]:
    """Names of the functions that call `anom_wipe` in the sources of this package, sorted."""
    found = set()
    for path in sorted((packaged_folder("firmware_port") / "src").glob("*.c")):
        for name, body in re.findall(
            r"^\w[\w *]*?\b(\w+)\([^;{]*\)\n\{\n(.*?)^\}", path.read_text("ascii"), re.M | re.S
        ):
            if f"{WIPE}(" in body:
                found.add(name)
    return tuple(sorted(found))


def _wipes(graph: Graph, function: Name, *, inlined: bool) -> bool:
    """Tell whether a function calls `anom_wipe`, or zeroes as that does where the compiler may have inlined it."""
    called = any(edge.name.partition(".")[0] == WIPE for edge in graph.edges(function))
    return called or (inlined and _stores_zeros(graph, function))


def _stores_zeros(graph: Graph, function: Name) -> bool:
    """Tell whether a function zeroes memory that is not its own stack, in a loop or by a call of the C library."""
    return graph.code(function).zeroes_in_a_loop or any(
        _is_zeroing(edge) for edge in graph.edges(function) if _ZEROING.match(edge.name)
    )


def _is_zeroing(edge: Edge) -> bool:
    """Tell whether a call zeroes; ``__aeabi_memset`` has the number of bytes before the value."""
    memory, *given = edge.call.arguments
    if memory is not None and memory[0] == "stack":
        return False
    if "memclr" in edge.name:
        return True
    value = given[1 if edge.name.startswith("__aeabi") else 0]
    return value is not None and value == ("const", 0)
