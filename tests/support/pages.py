"""The pages of the documentation, and what their fenced blocks mean to the tests.

console   run, in the order of the page, in the page's folder. A line is a command where it begins with "$ "; the lines
          below it are part of what it prints, where numbers may differ and others may come in between.
          `make ...` is not run: its target must exist.
text      not run: what needs a microphone or a file that is not here, and output. Commands in it must exist.
python    run, after the console blocks above it, all of a page as one program.
toml      a spec, or sections of one.
c         formulas of docs/spec.md, which tests/scalar.py holds; in a how-to, compiled against what emit-c writes for the
          reference model. With a title it is compiled by the python blocks of its page.

A block with title="NAME" is written into the page's folder under this name, whatever its kind, before it is run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.make import ROOT

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
RUN = ("console", "python", "toml")
NOT_RUN = ("text", "c")

_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.S | re.M)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    kind: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in _FENCE.findall(page.read_text(encoding="utf-8"))]


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """Commands of a block, each with the lines that are shown of its output."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip() and found:
            found[-1][1].append(line)
    return found


def run_page(page: Path, folder: Path) -> dict[str, str]:
    """Run the blocks of a page in a folder: what each command printed."""
    printed: dict[str, str] = {}
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        if block.title:
            (folder / block.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.title).write_text(block.text, encoding="utf-8")
        if block.kind == "python":
            with _inside(folder), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, page.name, "exec"), names)
        for command, shown in commands(block) if block.kind == "console" else ():
            if command.startswith("make "):
                continue
            output = printed[command] = run_command(command, folder)
            rest = iter(map(masked, output.splitlines()))
            for line in shown:
                assert masked(line) in rest, (
                    f"{page.name}: $ {command}\nshows, in this place: {line}\nprints:\n{output}"
                )
    return printed


def masked(line: str) -> str:
    """A line without what may differ: numbers, bars, the mark of the best, spaces."""
    line = re.sub(r"[-+]?\d[\d.,]*", "#", re.sub(r"[█▏▎▍▌▋▊▉>]", "", line))
    return " ".join(line.replace("alarms", "alarm").split())


def run_command(command: str, folder: Path) -> str:
    """A command as a reader would type it, where `anomsdk` is this package's."""
    for place in ("bin", ".venv/bin"):
        script = folder / place / "anomsdk"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m anomsdk "$@"\n')
        script.chmod(0o755)
    paths = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, **paths, "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@contextlib.contextmanager
def _inside(folder: Path):
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
