"""What compiled code takes: stack, from gcc's call graphs, and bytes of flash, from the linker's map."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

LIBRARY_STACK = 40
"""Of memcpy, a division and the like, which have no call graph; a test holds them to it."""

POINTER = "__indirect_call"
EXTRACTORS = ("anom_bands", "anom_external", "anom_logmel")
MEMBERS = ("levels", "restart", "scratch_bytes", "state_bytes")


@dataclass
class CallGraph:
    """Frames in bytes, and who calls whom; a static function is "stem:name"."""

    frames: dict[str, int] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)

    def deepest(self, name: str) -> tuple[int, list[str]]:
        """Largest stack of a function with all that it calls, and on which way."""
        below, way = max((self.deepest(called) for called in self.calls.get(name, ())), default=(0, []))
        return self.frames.get(name, LIBRARY_STACK) + below, [name, *way]


def call_graph(files: Iterable[Path], *, observer: str | None = None) -> CallGraph:
    """From the .ci files of ``gcc -fcallgraph-info=su``.

    A call through a pointer may reach that member of every anom_extractor_type, or the observer, NULL where none is
    named.
    """
    pointers = {member: {f"{extractor}:{member}" for extractor in EXTRACTORS} for member in MEMBERS}
    pointers["observer"] = {observer} if observer else set()
    graph = CallGraph()
    for path in files:
        text = path.read_text(encoding="utf-8")
        nodes = re.findall(
            r'^node: { title: "(.*?)" label: "(\w+)\S*?\\n(.*?):\d+:\d+\\n(\d+) bytes \((.*?)\)', text, re.M
        )
        for title, name, source, size, kind in nodes:
            assert kind == "static", f"{title}: the size of its frame is only known when it runs"
            graph.frames[_short(title)] = int(size) + _assembly_bytes(source).get(name, 0)
        edges = re.findall(
            r'^edge: { sourcename: "(.*?)" targetname: "(.*?)"(?: label: "(.*?):(\d+):\d+")?', text, re.M
        )
        for source, target, file, line in edges:
            targets = {_short(target)}
            if target == POINTER:
                called = re.findall(r"(\w+)\(", Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1])
                (member,) = set(called) & pointers.keys()
                targets = pointers[member]
            graph.calls.setdefault(_short(source), set()).update(targets)
    assert graph.frames.keys() >= set().union(*pointers.values())
    return graph


@cache
def _assembly_bytes(source: str) -> dict[str, int]:
    """What the functions of a source take of the stack in assembly, of which no compiler knows."""
    text = re.sub(r"/\*.*?\*/|__attribute__\(\(.*?\)\) ", "", Path(source).read_text(encoding="utf-8"), flags=re.S)
    for name, body in re.findall(r"^#define (ANOM_\w+) +\\\n((?:.*\\\n)*.*)", text, re.M):
        text = re.sub(rf"\b{name}\b(?!.*\\$)", lambda _, body=body: body, text, flags=re.M)
    functions = re.findall(r"^\w[^;{}#()]*?\b(\w+)\([^;{}()]*\)\n\{\n(.*?)^\}", text, re.M | re.S)
    return {name: sum(map(_in_assembly, re.findall(r'"(.*?)"', body))) for name, body in functions}


def _in_assembly(line: str) -> int:
    if pushed := re.match(r"push \{(.*?)\}", line):
        return 4 * len(_registers(pushed[1]))
    lowered = re.match(r"sub sp, #(\d+)", line)
    return int(lowered[1]) if lowered else 0


def _short(title: str) -> str:
    path, _, name = title.rpartition(":")
    return f"{Path(path).stem}:{name}" if path else name


def linked_bytes(text: str) -> dict[str, int]:
    """Code and constants of each object file in a program, from the linker's map: file or library(member) -> bytes."""
    sizes: dict[str, int] = {}
    used = re.sub(r"^( \.\S+)\n +0x", r"\1 0x", text.partition("Linker script and memory map")[2], flags=re.M)
    for size, name in re.findall(r"^ \.(?:text|rodata)\S* +0x\w+ +0x(\w+) (\S+)$", used, re.M):
        sizes[Path(name).name] = sizes.get(Path(name).name, 0) + int(size, 16)
    return {name: size for name, size in sizes.items() if size}


def pushed_bytes(disassembly: str) -> dict[str, int]:
    """Bytes that each function takes of the stack, all that it pushes summed, from ``objdump -d`` for Arm."""
    bodies = re.findall(r"^\w+ <(\w+)>:\n(.*?)(?:^\n|\Z)", disassembly, re.M | re.S)
    return {name: sum(map(_taken, body.splitlines())) for name, body in bodies}


def _taken(line: str) -> int:
    if pushed := re.search(r"\t(?:push|stmdb\tsp!,|vpush)(?:\.w)?\s*\{(.*?)\}", line):
        return sum(8 if register[0] == "d" else 4 for register in _registers(pushed[1]))
    lowered = re.search(r"\tsub(?:\.w|w)?\tsp, (?:sp, )?#(\d+)|\tstr(?:\.w)?\t\w+, \[sp, #-(\d+)\]!", line)
    return int(lowered[1] or lowered[2]) if lowered else 0


def _registers(text: str) -> list[str]:
    found = []
    for part in text.split(", "):
        first, _, last = part.partition("-")
        found += [f"r{i}" for i in range(int(first[1:]), int(last[1:]) + 1)] if last else [first]
    return found
