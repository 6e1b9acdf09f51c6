"""The rooms of the package, which imports join them, and which way these point: ``make house`` prints it.

A room is a folder or a file right below ``anomsdk/``. `LAYERS` is the one table of them: a room imports from those above
it in the table, never from those below.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import anomsdk

PACKAGE = Path(anomsdk.__file__).parent

LAYERS = {
    "errors": "what goes wrong, and how it is said",
    "_version": "the version",
    "utils": "files, text and the terminal",
    "core": "the stages of the chain; numpy only",
    "plans": "plans on disk and in words; numpy only where no .tflite is read",
    "cport": "a plan as structs of the C port",
    "runtime": "pipelines, engines, memory that is wiped; numpy only",
    "sources": "recordings of any format as samples",
    "watch": "sessions over sources, and where their alerts and scores go",
    "receive": "events of devices: decoded and followed",
    "mcu": "firmware folders, compiled, run and measured",
    "stats": "counts in, intervals and certificates out",
    "planner": "floats become integers",
    "synthetic": "generated sound and motion, and faults put into recordings",
    "evaluate": "a plan against recordings",
    "compare": "a plan against another one",
    "train": "recordings in, a folder with a plan out",
    "datasets": "what devices counted and said, by day, as Parquet",
    "tune": "levels that keep a budget of alarms, with evidence, for devices and herds",
    "herd": "a herd on one day, for the person who looks after it",
    "audit": "checks that anybody can repeat",
    "demo": "generated scenes and recordings",
    "cli": "the command line",
    "__init__": "the list of public names",
    "__main__": "python -m anomsdk",
}
"""Room -> what is in it, the lowest first."""

ANY_ROOM_MAY_BE_LISTED_IN = {"__init__"}
"""The front door names what it hands on, and imports it when somebody asks: no arrow of the chain."""


def module_name(path: Path) -> str:
    parts = ("anomsdk", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    """The room of a module: core of anomsdk.core.plan; that of anomsdk itself is __init__."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@cache
def imports(name: str, *, nested: bool) -> dict[str, set[str]]:
    """Modules that a file imports, and the names that it takes of each.

    What only a type checker reads does not count.

    Parameters
    ----------
    name : of the importing module, one of `SOURCES`
    nested : what is imported within functions, too; otherwise what is imported when the module is
    """
    found: dict[str, set[str]] = {}

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not nested:
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name, set())
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, f"{name}: imports are absolute"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                if module in SOURCES:
                    found.setdefault(module, set())
                else:
                    found.setdefault(node.module, set()).add(alias.name)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(SOURCES[name].read_text(encoding="utf-8")))
    return found


def arrows() -> dict[tuple[str, str], list[str]]:
    """(from, to) rooms -> the modules in the first that import from the second, whenever they do."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in SOURCES:
        if room_of(name) in ANY_ROOM_MAY_BE_LISTED_IN:
            continue
        for module in imports(name, nested=True):
            if module.partition(".")[0] == "anomsdk" and room_of(module) != room_of(name):
                found.setdefault((room_of(name), room_of(module)), []).append(name)
    return found


def pointing_up() -> dict[tuple[str, str], list[str]]:
    """Arrows from a room to one that stands no lower in `LAYERS`."""
    order = list(LAYERS)
    return {(a, b): names for (a, b), names in arrows().items() if order.index(b) >= order.index(a)}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of nodes that reach one another (Tarjan 1972), each sorted; empty where there is no circle."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in number:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], number[other])
        if lowest[node] == number[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1 or node in graph.get(node, ()):
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return sorted(found)


def module_graph() -> dict[str, set[str]]:
    """Module -> modules of the package that it imports, whenever it does; the front door apart."""
    return {
        name: {module for module in imports(name, nested=True) if module in SOURCES and module != "anomsdk"}
        for name in SOURCES
        if name != "anomsdk"
    }


def room_graph() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for before, after in arrows():
        graph.setdefault(before, set()).add(after)
    return graph


def longest(n: int) -> list[tuple[int, str]]:
    """The longest files outside of core, (lines, path below the package)."""
    lengths = [
        (len(path.read_text(encoding="utf-8").splitlines()), path.relative_to(PACKAGE).as_posix())
        for name, path in SOURCES.items()
        if room_of(name) != "core"
    ]
    return sorted(lengths, reverse=True)[:n]


def lines() -> Iterator[str]:
    found = arrows()
    for room, what in reversed(LAYERS.items()):
        below = [other for other in reversed(LAYERS) if (room, other) in found]
        yield f"{room:10} {what}" + (f"; imports from {', '.join(below)}" if below else "")
    yield ""
    yield f"{len(LAYERS)} rooms, {len(found)} import arrows between them, {len(pointing_up())} up, "
    yield f"{len(circles(room_graph()))} circles of rooms, {len(circles(module_graph()))} circles of modules"
    for (before, after), names in pointing_up().items():
        yield f"up: {before} -> {after}, by {', '.join(names)}"
    for circle in circles(module_graph()):
        yield f"circle: {', '.join(circle)}"
    for length, path in longest(5):
        yield f"{length:4} lines: {path}"


if __name__ == "__main__":
    print("\n".join(lines()))
