"""Mutants of the Python package: one small change at a time, and tests that must notice it.

    python -m tests.support.mutants_python [file or folder ...] [--sample N] [--seed N]      `make mutants-python`

Cosmic Ray makes the changes (https://cosmic-ray.readthedocs.io). Other tools change code within functions only, or follow
tests within one process only; here tables and defaults are code, too, and many tests start a command. Each mutant is
judged by the tests that `tests.support.affected` names for its file, in a copy of the checkout. A failed test, an error or
no end within ten times the usual time kills it.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import ClassVar

from tests.support.affected import tests_of
from tests.support.make import ROOT

FOLDERS = ("core", "planner", "sources/formats", "train", "evaluate", "runtime")
"""What is changed where no file is named, below anomsdk/."""
SAMPLE, SEED = 20, 1
SECONDS, TIMES = 10, 10
"""A mutant may take this many seconds, and this many times as long as the tests usually take."""
LEFT_OUT = (".venv", ".git", ".*_cache", ".hypothesis", "build", "dist", "site", "__pycache__")
"""What a copy of the checkout does without."""


@dataclass(frozen=True)
class Mutant:
    """A change of one file.

    Parameters
    ----------
    path : below the root of the checkout
    operator : name of the kind of change
    text : the whole file, changed
    """

    path: str
    operator: str
    text: str

    def shown(self, original: str) -> str:
        """Path, number of the first line that differs, and that line before and after."""
        pairs = zip(original.splitlines(), self.text.splitlines(), strict=False)
        number, old, new = next((i, a, b) for i, (a, b) in enumerate(pairs, 1) if a != b)
        return f"{self.path}:{number}: {old.strip()}  =>  {new.strip()}"


# What is changed


class _Plain(ast.NodeTransformer):
    """Removes what is not run: docstrings and types."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return ast.Pass() if is_text else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return ast.Pass() if is_for_types else self.generic_visit(node)


def changes(original: str, changed: str) -> bool:
    """True where a changed text is Python and differs in what is run, not only in a type or a docstring."""
    try:
        trees = [_Plain().visit(ast.parse(text)) for text in (original, changed)]
    except SyntaxError:
        return False
    return ast.dump(trees[0]) != ast.dump(trees[1])


def places_of(path: str) -> list[tuple[str, str, int]]:
    """Path, operator and occurrence of each change that Cosmic Ray knows for a file."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast((ROOT / path).read_text(encoding="utf-8"))))
    found = []
    for name in operator_names():
        if get_operator(name).arguments():
            continue  # asks for names of variables
        operator = get_operator(name)()
        n = sum(1 for node in nodes for _ in operator.mutation_positions(node))
        found += [(path, name, occurrence) for occurrence in range(n)]
    return found


def sampled(paths: Sequence[str], n: int, seed: int) -> tuple[list[Mutant], int]:
    """At most n mutants of these files, drawn with a seed, and the number of places that they were drawn from.

    Parameters
    ----------
    paths : below the root of the checkout
    n : number of mutants, 0: all
    seed : of the draw
    """
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    places = [place for path in paths for place in places_of(path)]
    random.Random(seed).shuffle(places)
    found: dict[tuple[str, str], Mutant] = {}
    for path, operator, occurrence in places:
        original = (ROOT / path).read_text(encoding="utf-8")
        text = mutate_code(original, get_operator(operator)(), occurrence)
        if text is not None and changes(original, text):
            found.setdefault((path, text), Mutant(path, operator, text))
        if n and len(found) == n:
            break
    return list(found.values()), len(places)


# Whether it is noticed


class Copy:
    """A copy of the checkout in which one mutant at a time is tested.

    Parameters
    ----------
    root : the checkout
    folder : new
    """

    usual_seconds: ClassVar[dict[tuple[str, ...], float]] = {}
    """Files of tests -> time that they take without a mutant, measured in the first copy that needs it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._folder = Path(shutil.copytree(root, folder, ignore=shutil.ignore_patterns(*LEFT_OUT)))

    def judge(self, mutant: Mutant, tests: Sequence[str]) -> str:
        """killed, or survived."""
        limit = SECONDS + TIMES * self._usual_seconds(tuple(tests))
        changed = self._folder / mutant.path
        original = changed.read_bytes()
        try:
            # Bytecode of the unchanged file could be taken for that of a text of the same length and second.
            for compiled in (changed.parent / "__pycache__").glob(f"{changed.stem}.*"):
                compiled.unlink()
            changed.write_text(mutant.text, encoding="utf-8")
            return "survived" if self._passes(tests, limit) else "killed"
        except subprocess.TimeoutExpired:
            return "killed"
        finally:
            changed.write_bytes(original)

    def _usual_seconds(self, tests: tuple[str, ...]) -> float:
        """Time that these tests take, measured once; they must pass."""
        if tests not in self.usual_seconds:
            began = time.monotonic()
            if not self._passes(tests, None, keep=True):
                raise SystemExit(f"error: without a mutant these tests fail: {' '.join(tests)}")
            self.usual_seconds[tests] = time.monotonic() - began
        return self.usual_seconds[tests]

    def _passes(self, tests: Sequence[str], limit: float | None, *, keep: bool = False) -> bool:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        environment = {**os.environ, "PYTHONPATH": str(self._folder), "OPENBLAS_NUM_THREADS": "1"}
        if not keep:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        done = subprocess.run(command, cwd=self._folder, env=environment, capture_output=True, text=True, timeout=limit)
        if keep and done.returncode in (4, 5):  # a wrong command line, or no test; of a mutant: it cannot be imported
            raise SystemExit(f"error: no test was run: {' '.join(tests)}\n{done.stdout[-500:]}{done.stderr[-500:]}")
        return done.returncode == 0


def judged(mutants: Sequence[Mutant], root: Path, folder: Path, workers: int) -> Iterator[tuple[Mutant, str]]:
    """Each mutant and what became of it."""
    copies: Queue[Copy] = Queue()
    for i in range(workers):
        copies.put(Copy(root, folder / f"worker_{i}"))

    def judge(mutant: Mutant) -> str:
        copy = copies.get()
        try:
            return copy.judge(mutant, tests_of(mutant.path))
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(workers) as pool:
        yield from zip(mutants, pool.map(judge, mutants), strict=True)


def report(found: Sequence[tuple[Mutant, str]]) -> str:
    """The share killed of each folder and of all, and the survivors."""
    counts: dict[str, Counter[str]] = {}
    for mutant, fate in found:
        for name in (str(Path(mutant.path).parent), "all"):
            counts.setdefault(name, Counter())[fate] += 1
    rows = [f"{'':32} mutants  killed survived"]
    for name in sorted(counts, key=lambda name: (name == "all", name)):
        n = counts[name]
        share = 100 * n["killed"] / n.total()
        rows.append(f"{name:32} {n.total():7} {n['killed']:7} {n['survived']:8}  {share:5.1f} % killed")
    texts = {mutant.path: (ROOT / mutant.path).read_text(encoding="utf-8") for mutant, _ in found}
    survivors = sorted(mutant.shown(texts[mutant.path]) for mutant, fate in found if fate == "survived")
    return "\n".join([*rows, *(f"survived: {line}" for line in survivors)])


def files_of(names: Sequence[str]) -> list[str]:
    """Paths of Python files below the root, of files and folders named from there."""
    found = []
    for name in names or [f"anomsdk/{folder}" for folder in FOLDERS]:
        path = ROOT / name
        if not path.exists():
            raise SystemExit(f"error: there is no {name}; name files or folders from the root of the checkout")
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [path.relative_to(ROOT).as_posix() for path in found]


def main() -> int:
    """Judge a sample of the mutants of the files named."""
    parser = argparse.ArgumentParser(description="Mutants of the Python package")
    parser.add_argument("files", nargs="*", help=f"files or folders; by default anomsdk/ {', '.join(FOLDERS)}")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="number of mutants, 0: all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the sample (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants that are judged at once")
    given = parser.parse_args()
    mutants, n_places = sampled(files_of(given.files), given.sample, given.seed)
    print(f"{len(mutants)} mutants from {n_places} places, seed {given.seed}", flush=True)
    began, found = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        for each in judged(mutants, ROOT, Path(folder), given.workers):
            found.append(each)
            if len(found) % 10 == 0:
                print(f"{len(found)} of {len(mutants)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(report(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
