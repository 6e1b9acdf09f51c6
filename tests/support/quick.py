"""The checks of a change while it is being made: lint, types, the fast core, and the tests of the changed files.

    python -m tests.support.quick [argument of pytest ...]      `make quick`
    python -m tests.support.quick --share                       `make quick-share`: its time as a share of `make test`

Changed files are those that differ from where the branch left main, committed or not, and new files. Which tests they
ask for says `tests.support.affected`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.affected import CORE, tests_of_all
from tests.support.make import ROOT

MAIN = ("origin/main", "main", "origin/master", "master")
"""Where branches leave from; the first that there is."""
BOUND = 0.10
"""Largest share of `make test` that an unchanged checkout may take."""


def git(folder: Path, *arguments: str) -> list[str]:
    """Names that a command of git prints, each with an end of 0; none where it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        return []
    return [name for name in done.stdout.rstrip("\n").split("\0") if name] if done.returncode == 0 else []


def files_of(folder: Path) -> list[str]:
    """Files of a checkout that git knows or would add; none where the folder is no checkout."""
    return git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")


def changed_files(folder: Path) -> list[str]:
    """Files that differ from where the branch left main, and new files; deleted ones as well.

    Parameters
    ----------
    folder : the root of a checkout
    """
    bases = (git(folder, "merge-base", "HEAD", name) for name in MAIN)
    base = next((found[0] for found in bases if found), "HEAD")
    names = git(folder, "diff", "-z", "--name-only", "--no-renames", base)
    names += git(folder, "ls-files", "-z", "--others", "--exclude-standard")
    return sorted(set(names))


def chosen(changed: Sequence[str]) -> list[str]:
    """Files of tests that are run where these files were changed."""
    return list(dict.fromkeys([*CORE, *tests_of_all(changed)]))


def quick(arguments: Sequence[str]) -> int:
    """Run the checks; the exit status is pytest's, or 2 where no row of the table fits a changed file."""
    changed = changed_files(ROOT)
    try:
        tests = chosen(changed)
    except KeyError as error:
        print(f"error: {error.args[0]}; add one, or run make test", file=sys.stderr)
        return 2
    print(
        f"{len(changed)} changed files ask for {len(tests) - len(CORE)} files of tests beside the fast core", flush=True
    )
    return pytest(*tests, *arguments)


def pytest(*arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-n", "auto", "--maxprocesses", "8", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT).returncode


def share() -> int:
    """Measure the fast core, then all tests, and print the first time as a share of the second."""
    pytest(*CORE, "--collect-only", "-q")  # whatever is compiled once is compiled here
    pytest(*CORE)
    figures = []
    for tests in (CORE, ()):
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        if status := pytest(*tests):
            return status
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        figures.append((processor, time.monotonic() - began))
    (quick_processor, quick_wall), (processor, wall) = figures
    print(f"make quick without a change, share of make test: {quick_processor / processor:.1%} of the processor time,")
    print(f"{quick_wall / wall:.1%} of the wall-clock time; bound {BOUND:.0%}")
    return int(quick_processor / processor > BOUND)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(share() if sys.argv[1:] == ["--share"] else quick(sys.argv[1:]))
