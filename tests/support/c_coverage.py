"""Branches of the C port that its tests take, as gcov counts them.

    python -m tests.support.c_coverage          a line a file; `make coverage-c`

The port is built twice at -O0: as this machine compiles it, and as a 32-bit processor does. Golden vectors and
tests/c/streams.c run in both. gcc itself folds some `a > b ? a : b` into one instruction, which is then no branch.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TypeAlias

from tests.support.c_build import C_PROGRAMS, HEADERS, SOURCES
from tests.support.c_text import without_comments
from tests.support.mutants import WIDE, write_data

CORTEX_M = "for Cortex-M: tests/mcu/test_kernels.py runs it"
X86 = "for processors that have more: tests/parity/test_host_kernels.py runs it"
BIG_ENDIAN = "for big-endian processors: tests/boards/test_programs.py runs it"
NOT_COMPILED = {
    ("anom_fft.c", "#if ANOM_KERNELS_X86"): X86,
    ("anom_filterbank.c", "#if ANOM_KERNELS_X86"): X86,
    ("anom_copy.c", "#if ANOM_KERNELS_DSP || ANOM_KERNELS_V7M || ANOM_KERNELS_V6M"): CORTEX_M,
    ("anom_wipe.c", "#if ANOM_KERNELS_DSP || ANOM_KERNELS_V7M || ANOM_KERNELS_V6M"): CORTEX_M,
    ("anom_days.c", "#if ANOM_MAY_TURN"): BIG_ENDIAN,
    ("anom_ladder.c", "#if ANOM_MAY_TURN"): BIG_ENDIAN,
    ("anom_record.c", "#if ANOM_MAY_TURN"): BIG_ENDIAN,
    (
        "anom_ladder.c",
        "#ifdef ANOM_WITHOUT_RECORDS",
    ): "for programs without records: tests/boards/test_sizes.py compiles it",
    ("anom_ladder.c", "#else"): "a table of functions, which is compiled but has no lines to count",
    ("anom_wipe.c", "#else"): "for compilers other than gcc and clang: tests/contract/test_c_build.py runs it",
}
"""Parts of which neither build counts a line, with the test that runs them."""
NOT_TAKEN = {
    ("anom_framer.c", 1, "if (anom_copy("): CORTEX_M,
}
"""File, index of a branch, and how its line begins, of branches that neither build takes, with the test that does."""
FLAGS = ("-std=c99", "-O0", "--coverage", "-DANOM_PORTABLE", "-DANOM_TAP", "-DVECTORS", "-DSECONDS=60")

Counts: TypeAlias = dict[tuple[str, int, int], int]
"""File, line, and index of a branch in it, or -1 for the line itself -> how often it was taken."""


def measure(folder: Path, data: list[Path]) -> Counts:
    """Both builds, run, and their counts added up."""
    counts: Counts = defaultdict(int)
    for name, seen in (("wide", WIDE), ("narrow", "#elif 0")):
        for key, n in _build_and_run(folder / name, data, seen).items():
            counts[key] += n
    return counts


def _build_and_run(folder: Path, data: list[Path], seen: str) -> Counts:
    folder.mkdir()
    for path in (*SOURCES, *HEADERS):
        (folder / path.name).write_text(path.read_text(encoding="utf-8").replace(WIDE, seen))
    ours = [path.name for path in SOURCES]
    includes = [f"-I{folder}", f"-I{C_PROGRAMS}"]
    for name in ours:
        subprocess.run(["gcc", *FLAGS, *includes, "-c", name], cwd=folder, check=True)
    objects = [f"{Path(name).stem}.o" for name in ours]
    # The inline functions of the header are counted in the vectors, too.
    plain = [flag for flag in FLAGS if flag != "--coverage"]
    made = []
    for path in data:
        made.append(f"data_{path.stem}.o")
        kept = FLAGS if path.stem == "vectors" else plain
        subprocess.run(
            ["gcc", *kept, *includes, f"-I{path.parent}", "-c", path, "-o", made[-1]], cwd=folder, check=True
        )
    subprocess.run(["gcc", "--coverage", *objects, *made, "-o", "program"], cwd=folder, check=True)
    done = subprocess.run(["./program"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    subprocess.run(
        ["gcov", "--json-format", "--branch-probabilities", *objects, "data_vectors.o"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return _counts(folder)


def _counts(folder: Path) -> Counts:
    counts: Counts = defaultdict(int)
    names = {path.name for path in (*SOURCES, *HEADERS)}
    for path in folder.glob("*.gcov.json.gz"):
        for file in json.loads(gzip.decompress(path.read_bytes()))["files"]:
            name = Path(file["file"]).name
            for line in file["lines"] if name in names else ():
                counts[name, line["line_number"], -1] += line["count"]
                for index, branch in enumerate(line["branches"]):
                    counts[name, line["line_number"], index] += branch["count"]
    return counts


def missing(counts: Counts) -> list[str]:
    """Lines that were not run, and branches that were not taken, each with its text."""
    texts = {path.name: path.read_text(encoding="utf-8").splitlines() for path in (*SOURCES, *HEADERS)}
    found = []
    for (name, line, index), n in sorted(counts.items()):
        text = texts[name][line - 1].strip()
        if n == 0 and not any((name, index) == place[:2] and text.startswith(place[2]) for place in NOT_TAKEN):
            what = "line" if index < 0 else f"branch {index}"
            found.append(f"{name}:{line}: {what} never taken: {text}")
    return found


def left_out(counts: Counts) -> set[tuple[str, str]]:
    """Parts between #if, #else and #endif of which neither build has a line."""
    found = set()
    for path in SOURCES:
        text = without_comments(path.read_text(encoding="utf-8")).splitlines()
        begin, directive = 0, ""
        for number, line in enumerate([*text, "#endif"], 1):
            if not re.match(r"#(if|else|elif|endif)", line):
                continue
            inside = text[begin : number - 1]
            seen = any(counts.get((path.name, at, -1)) for at in range(begin + 1, number))
            if directive and any(re.match(r"\s+\S", code) for code in inside) and not seen:
                found.add((path.name, directive))
            begin, directive = number, "" if line.startswith("#endif") else line.strip()
    return found


def report(counts: Counts) -> str:
    """Lines and branches by file."""
    rows = []
    for name in [path.name for path in (*SOURCES, *HEADERS)]:
        lines = [n for (file, _, index), n in counts.items() if file == name and index < 0]
        branches = [n for (file, _, index), n in counts.items() if file == name and index >= 0]
        if lines:
            taken = f"{sum(map(bool, lines)):4} of {len(lines):4} lines  {sum(map(bool, branches)):4} of {len(branches):4} branches"
            rows.append(f"{name:22} {taken}")
    n = [n for (_, _, index), n in counts.items() if index >= 0]
    rows.append(f"{'all':22} {100 * sum(map(bool, n)) / len(n):.2f} % of {len(n)} branches")
    rows += [f"not compiled: {name}, {directive}: {why}" for (name, directive), why in NOT_COMPILED.items()]
    return "\n".join(rows)


def main() -> int:
    """Measure, and name what is missing."""
    if shutil.which("gcc") is None or shutil.which("gcov") is None:
        sys.exit("error: there is no gcc with gcov on this machine")
    with tempfile.TemporaryDirectory() as folder:
        counts = measure(Path(folder), write_data(Path(folder)))
    print(report(counts))
    problems = missing(counts) + [
        f"{name}: {part}: not compiled" for name, part in left_out(counts) - set(NOT_COMPILED)
    ]
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
