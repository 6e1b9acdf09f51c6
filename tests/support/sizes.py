"""What compiled code takes: stack, from gcc's call graphs, and bytes of flash, from the linker's map."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import anomsdk
from tests.support.board import BOARDS_FOLDER, Board, said, sources_of
from tests.support.c_build import C_PROGRAMS, SOURCES

PUBLIC = ("anom_pipeline_init", "anom_pipeline_push", "anom_pipeline_poll", "anom_pipeline_gap", "anom_pipeline_reset")
"""What a product calls."""

LIBRARY_STACK = 40
"""Of memcpy, a division and the like, which have no call graph; a test holds them to it."""

POINTER = "__indirect_call"
EXTRACTORS = ("anom_bands", "anom_external", "anom_logmel", "anom_motion")
MEMBERS = ("levels", "restart", "scratch_bytes", "state_bytes")


SUPERVISED = (
    "poll",
    "lose",
    "pause",
    "reset",
    "annunciation",
    "health",
    "byte",
    "look",
    "gap",
    "missing",
    "samples_in",
    "clock",
    *("operate", "due", "settle", "save", "restore"),
    *("is_ready", "follow"),
    *("hop", "tick", "rows", "encode", "resume"),
    *("largest", "marked"),
)
"""Members of the supervisor, of health, of a ladder, of an extractor that learns, of a diary and of groups of a score,
which a plan without these sections does not call."""


@dataclass
class CallGraph:
    """Frames in bytes, and who calls whom; a static function is "stem:name"."""

    frames: dict[str, int] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)

    def deepest(self, name: str) -> tuple[int, list[str]]:
        """Largest stack of a function with all that it calls, and on which way."""
        below, way = max((self.deepest(called) for called in self.calls.get(name, ())), default=(0, []))
        return self.frames.get(name, LIBRARY_STACK) + below, [name, *way]

    def reached(self, name: str) -> frozenset[str]:
        """A function and all that it may call."""
        return frozenset({name}).union(*map(self.reached, self.calls.get(name, ())))


def call_graph(
    files: Iterable[Path],
    *,
    observer: str | None = None,
    extractors: Iterable[str] = EXTRACTORS,
    transform: str | None = "anom_spectrum_run",
) -> CallGraph:
    """From the .ci files of ``gcc -fcallgraph-info=su``.

    A call through a pointer may reach that member of the extractors that are linked, the observer, or the transform of
    motion: both NULL where none is named. The plan has no section but [alert], which judges its ticks.
    """
    pointers = {
        member: {f"{extractor}:{extractor.removeprefix('anom_')}_{member}" for extractor in extractors}
        for member in MEMBERS
    }
    pointers |= {"observer": {observer} if observer else set(), "transform": {transform} if transform else set()}
    wipes = {"anom_wipe_stack_motion" if each == "anom_motion" else "anom_wipe_stack" for each in extractors}
    pointers |= {"wipe_stack": wipes, "judge": {"anom_alert_judge"}} | {
        member: set() for member in SUPERVISED if member not in pointers
    }
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


@dataclass(frozen=True)
class Stacks:
    """Worst paths of the call graph, bytes.

    Parameters
    ----------
    functions : of each function that a product calls
    reached : what `anom_pipeline_poll` may call
    selftest : of `anom_selftest`
    """

    functions: dict[str, int]
    reached: frozenset[str]
    selftest: int


def stacks(board: Board, folder: Path, extractors: Iterable[str] = EXTRACTORS) -> Stacks:
    """Of the port with these extractors, compiled into a folder."""
    board.objects(SOURCES, folder, ["-fcallgraph-info=su"])
    files = sorted(folder.glob("*.ci"))
    assert len(files) == len(SOURCES)
    graph = call_graph(files, extractors=extractors)
    return Stacks(
        functions={function: graph.deepest(function)[0] for function in PUBLIC},
        reached=graph.reached("anom_pipeline_poll"),
        selftest=call_graph(files, observer="anom_selftest:observe", extractors=extractors).deepest("anom_selftest")[0],
    )


@dataclass(frozen=True)
class Linked:
    """What a program takes that watches with a plan, bytes.

    Parameters
    ----------
    code : all that is linked, but the plan, and what the board and the program add
    runtime : of that, the C library's and the compiler's
    data : the plan, its tables and its model
    ram : memory of the pipeline
    files : object files that code is of
    """

    code: int
    runtime: int
    data: int
    ram: int
    files: frozenset[str]


def linked(board: Board, plan: anomsdk.Plan, folder: Path) -> Linked:
    """Compile, link and look at the linker's map; files are left in the folder."""
    sources, flags = sources_of(plan, folder / "emitted")
    sources += [BOARDS_FOLDER / board.start, C_PROGRAMS / "board_watch.c"]
    objects = board.objects(sources, folder, [*flags, f"-I{BOARDS_FOLDER}"])
    said([*board.compiler, *map(str, objects), *board.link, "-Wl,-Map=map", "-o", "program.elf"], folder)
    text = (folder / "map").read_text()
    sizes = linked_bytes(text)
    data = sizes.pop(f"anom_plan_{plan.name}.o")
    for other in ("board_watch.o", f"{board.start.removesuffix('.c')}.o"):
        assert sizes.pop(other) > 0
    (ram,) = re.findall(r"^ \.bss\.memory\s+0x\w+\s+0x(\w+)", text, re.M)
    return Linked(
        code=sum(sizes.values()),
        runtime=sum(size for file, size in sizes.items() if "(" in file),
        data=data,
        ram=int(ram, 16),
        files=frozenset(sizes),
    )


def callable_program(
    board: Board, sources: Sequence[Path], folder: Path, flags: Sequence[str], keep: Sequence[str]
) -> Path:
    """Link sources for a machine of anomsdk.mcu: functions and variables that it uses, and an empty program."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "start.c").write_text("int main(void);\nint main(void)\n{\n    return 0;\n}\n")
    objects = board.objects(
        [BOARDS_FOLDER / board.start, *sources, folder / "start.c"], folder, [*flags, f"-I{BOARDS_FOLDER}"]
    )
    kept = [f"-Wl,--undefined={symbol}" for symbol in keep]
    said([*board.compiler, *map(str, objects), *board.link, *kept, "-o", "program.elf"], folder)
    return folder / "program.elf"


@cache
def _assembly_bytes(source: str) -> dict[str, int]:
    """What the functions of a source take of the stack in assembly, of which no compiler knows."""
    text = re.sub(r"/\*.*?\*/|ANOM_NOINLINE |__attribute__\(\(.*?\)\) ", "", _with_kernels(Path(source)), flags=re.S)
    macros = dict(re.findall(r"^#define (ANOM_\w+) +\\\n((?:.*\\\n)*.*)", text, re.M))
    text = re.sub(r"^#define .*\n(?:.*\\\n)*.*|\\$", "", text, flags=re.M)
    while any(re.search(rf"\b{name}\b", text) for name in macros):
        text = re.sub(r"\bANOM_\w+\b", lambda name: macros.get(name[0], "").replace("\\\n", "\n"), text)
    functions = re.findall(r"^\w[^;{}#()]*?\b(\w+)\([^;{}()]*\)\n\{\n(.*?)^\}", text, re.M | re.S)
    found: dict[str, int] = {}
    for name, body in functions:  # one that is written twice takes the most of the two
        found[name] = max(found.get(name, 0), sum(map(_in_assembly, re.findall(r'"(.*?)"', body))))
    return found


def _with_kernels(source: Path) -> str:
    """A source and the kernels that it includes."""
    text = source.read_text(encoding="utf-8")
    kernels = [source.with_name(name) for name in re.findall(r'^#include "(anom_[a-z0-9]+_\w+\.h)"', text, re.M)]
    return "".join([*map(_with_kernels, kernels), text])


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
