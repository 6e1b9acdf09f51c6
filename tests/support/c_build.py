"""Compiles the C port for the tests: with gcc where there is one, and with the clang of ziglang."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

from tests.support.make import ROOT

PORT = ROOT / "firmware_port"
SOURCES = sorted((PORT / "src").glob("*.c"))
_IN_SRC = sorted((PORT / "src").glob("*.h"))
KERNELS = [path for path in _IN_SRC if any(path.stem.startswith(f"{source.stem}_") for source in SOURCES)]
"""Parts of a source for one kind of processor, which nothing else includes."""
HEADERS = [*sorted((PORT / "include").glob("*.h")), *(path for path in _IN_SRC if path not in KERNELS)]
INCLUDES = [f"-I{PORT / 'include'}", f"-I{PORT / 'src'}"]
C_PROGRAMS = ROOT / "tests" / "c"

WARNINGS = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Wvla", "-Werror"]
C_WARNINGS = [*WARNINGS, "-Wmissing-prototypes", "-Wstrict-prototypes"]


@dataclass(frozen=True)
class Compiler:
    """A compiler, and the flags without which it adds calls of its own to what it compiles."""

    command: tuple[str, ...]
    quiet: tuple[str, ...] = ()

    def run(self, *arguments: str | Path) -> None:
        """Compile or link; fails with what the compiler says."""
        command = [*self.command, *self.quiet, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, f"{' '.join(command)}\n{done.stderr}"

    def objects(self, folder: Path, *flags: str, sources: list[Path] = SOURCES) -> list[Path]:
        """One object a source."""
        folder.mkdir(parents=True, exist_ok=True)
        made = [folder / f"{source.stem}.o" for source in sources]
        for source, target in zip(sources, made, strict=True):
            self.run("-std=c99", *C_WARNINGS, *flags, *INCLUDES, "-c", source, "-o", target)
        return made


def gcc(name: str = "gcc") -> Compiler:
    """Where there is one."""
    if shutil.which(name) is None:
        missing(f"no {name} on this machine")
    return Compiler((name,), ("-fno-stack-protector",))


def clang(*, cpp: bool = False) -> Compiler:
    """The clang that the package ziglang brings along."""
    tool("ziglang")
    return Compiler(
        (sys.executable, "-m", "ziglang", "c++" if cpp else "cc"),
        ("-fno-sanitize=undefined", "-fno-stack-protector", "-Wno-unused-command-line-argument"),
    )


def compiler(name: str) -> Compiler:
    """By the name that a test is parametrised with."""
    return gcc() if name == "gcc" else clang()


COMPILERS = ("gcc", "clang")


def tool(name: str) -> ModuleType:
    """A module of the extra mcu."""
    if find_spec(name.partition(".")[0]) is None:
        missing(f"{name} is not installed: pip install 'anomsdk[mcu]'")
    return import_module(name)


def missing(reason: str) -> NoReturn:
    """Skip, or fail where ANOMSDK_REQUIRE_BOARDS=1 says that every tool is there."""
    if os.environ.get("ANOMSDK_REQUIRE_BOARDS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
