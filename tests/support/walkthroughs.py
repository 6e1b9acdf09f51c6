"""The step-by-step sections of CONTRIBUTING.md as what they are: numbered steps, each of changes and commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.make import ROOT

PAGE = ROOT / "CONTRIBUTING.md"
NEEDED = ["anomsdk", "benchmarks", "docs", "firmware_port", "reference_models", "tests"]
NEEDED += ["pyproject.toml", "setup.py", "README.md", "CONTRIBUTING.md", "Makefile", "CHANGELOG.md", "mkdocs.yml"]
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.so", "*.o", "build")

_STEP = re.compile(r"^(\d+)\. (.*?)(?=^\d+\. |^Then |\Z)", re.S | re.M)
_FENCE = re.compile(r"^```(diff title=\"(?P<path>[^\"]+)\"|sh)\n(?P<text>.*?)^```$", re.S | re.M)


@dataclass(frozen=True)
class Change:
    """Lines of a file: what stands there, and what stands there afterwards."""

    path: str
    before: str
    after: str

    def apply(self, copy: Path) -> None:
        path = copy / self.path
        text = path.read_text(encoding="utf-8")
        assert text.count(self.before) == 1, (
            f"CONTRIBUTING.md's example does not fit {self.path}, which holds {self.before!r} {text.count(self.before)} "
            "times: quote the lines as they are now, and move the example on where its name or code is taken"
        )
        path.write_text(text.replace(self.before, self.after), encoding="utf-8")


@dataclass(frozen=True)
class Command:
    """A command in the copy."""

    line: str

    def apply(self, copy: Path) -> None:
        words = self.line.split()
        assert words[0] == ".venv/bin/python"
        done = subprocess.run([sys.executable, *words[1:]], cwd=copy, capture_output=True, text=True)
        if done.returncode:
            raise CommandError(done.stdout + done.stderr)


class CommandError(Exception):
    """A command that says what is missing."""


@dataclass(frozen=True)
class Step:
    """One numbered step."""

    number: int
    what: str
    parts: tuple[Change | Command, ...]


def steps(heading: str) -> list[Step]:
    """Steps of the section with this heading, in order."""
    page = PAGE.read_text(encoding="utf-8")
    section = page[page.index(f"\n## {heading}") :]
    end = section.find("\n## ", 1)
    found = []
    for number, text in _STEP.findall(section[: None if end < 0 else end]):
        parts = tuple(_part(match) for match in _FENCE.finditer(text))
        assert parts, f"step {number} of {heading!r} says nothing to do"
        found.append(Step(int(number), text.partition("\n")[0], parts))
    assert [step.number for step in found] == list(range(1, len(found) + 1))
    return found


def _part(match: re.Match[str]) -> Change | Command:
    if match["path"] is None:
        return Command(match["text"].strip())
    lines = [(line[:1] or " ", line[1:]) for line in match["text"].splitlines()]
    assert {sign for sign, _ in lines} <= {" ", "+", "-"}, match["text"]
    before, after = ("\n".join(text for sign, text in lines if sign in (" ", own)) for own in "-+")
    whole_lines = any(sign == " " for sign, _ in lines)
    ends = "\n" if whole_lines else ""
    return Change(match["path"], before + ends, after + ends)


def copied(place: Path, number_left_out: int | None, heading: str) -> Path:
    """A copy of the project with all steps applied but one."""
    place.mkdir()
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=NOT_COPIED)
        else:
            shutil.copy(source, place / name)
    for step in steps(heading):
        if step.number != number_left_out:
            for part in step.parts:
                part.apply(place)
    return place


BUILD = """
import sys
from build_native import builder
builder(extra=("-O0",)).compile(tmpdir=sys.argv[1])
"""


def built(copy: Path) -> Path:
    """The copy with its native engine, not optimised: what matters is what it gives."""
    with tempfile.TemporaryDirectory() as place:  # beside no pyproject.toml, which older setuptools would read
        command = [sys.executable, "-c", BUILD, place]
        done = subprocess.run(command, cwd=copy / "firmware_port/native", capture_output=True, text=True)
        if done.returncode:
            raise CommandError(done.stdout + done.stderr)
        (module,) = Path(place).glob("anomsdk/runtime/_native.*so")
        shutil.copy(module, copy / "anomsdk/runtime")
    return copy


def results(copy: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """The copy's own tests, of the copy's own package."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", *tests]
    # The recordings lie beside the project, not beside its copy.
    environment = {key: value for key, value in os.environ.items() if key != "ANOMSDK_NO_SKIPS"}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
