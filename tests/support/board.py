"""Boards under QEMU: how a program is compiled for each, and how it is run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import anomsdk
from tests.support.c_build import INCLUDES, missing
from tests.support.make import ROOT

BOARDS_FOLDER = ROOT / "firmware_port" / "boards"
SECONDS = 120
"""Of the slowest program, with room for a busy machine."""

ARM = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm")
RISCV = ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc")
BIG_ENDIAN = ("qemu-user",)

_ARM_GCC = ("arm-none-eabi-gcc", "-mthumb")
_RISCV_GCC = ("riscv64-unknown-elf-gcc", "--specs=picolibc.specs")
_ZIG = (sys.executable, "-m", "ziglang", "cc")
_ARM_QEMU = ("qemu-system-arm", "-nographic", "-monitor", "none", "-serial", "none")
_RISCV_QEMU = ("qemu-system-riscv32", "-nographic", "-monitor", "none", "-serial", "none", "-bios", "none")
_SEMIHOSTING = ("-semihosting-config", "enable=on,target=native", "-kernel")
_FLAGS = ("-std=c99", "-ffunction-sections", "-fdata-sections")
_BARE = ("-nostartfiles", "-Wl,--gc-sections", f"-L{BOARDS_FOLDER}")


@dataclass(frozen=True)
class Board:
    """A machine that QEMU emulates.

    Parameters
    ----------
    name : for people
    compiler : command, with what chooses the processor
    optimise : of the compiler
    start : source of the start-up code
    link : flags of the linker
    runner : command that runs a program, whose path follows
    packages : of Debian
    """

    name: str
    compiler: tuple[str, ...]
    start: str
    link: tuple[str, ...]
    runner: tuple[str, ...]
    packages: tuple[str, ...]
    optimise: str = "-Os"

    @property
    def tools(self) -> set[str]:
        """Commands of the system that it needs."""
        return {self.compiler[0], self.runner[0]}

    def require(self) -> None:
        """Skip, or fail where nothing may be missing."""
        if [tool for tool in self.tools if shutil.which(tool) is None]:
            missing(f"{self.name} needs {' '.join(self.packages)}: make system")
        if self.compiler[: len(_ZIG)] == _ZIG and find_spec("ziglang") is None:
            missing(f"{self.name} needs ziglang: pip install 'anomsdk[mcu]'")

    def objects(self, sources: Sequence[Path], folder: Path, flags: Sequence[str] = ()) -> list[Path]:
        """Compile, one object a source, into a folder that is made."""
        folder.mkdir(parents=True, exist_ok=True)
        said([*self.compiler, *_FLAGS, self.optimise, *flags, *INCLUDES, "-c", *map(str, sources)], folder)
        return [folder / f"{source.stem}.o" for source in sources]

    def program(self, sources: Sequence[Path], folder: Path, flags: Sequence[str] = ()) -> Path:
        """Compile with the board's start-up code and link, into a folder that is made."""
        folder.mkdir(parents=True, exist_ok=True)
        whole = [str(source) for source in (BOARDS_FOLDER / self.start, *sources)]
        flags = [*_FLAGS, self.optimise, *flags, *INCLUDES, f"-I{BOARDS_FOLDER}"]
        said([*self.compiler, *flags, *whole, *self.link, "-o", "program.elf"], folder)
        return folder / "program.elf"

    def run(self, program: Path, *flags: str) -> tuple[int, list[str]]:
        """Exit status, and the lines that it printed; flags are for QEMU."""
        command = [*self.runner[:1], *flags, *self.runner[1:], str(program)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        return done.returncode, (done.stdout + done.stderr).splitlines()


def _arm(name: str, machine: str, script: str, *flags: str, optimise: str = "-Os") -> Board:
    return Board(
        name=name,
        compiler=(*_ARM_GCC, *flags),
        start="cortex_m.c",
        link=(*_BARE, "-T", f"{script}.ld"),
        runner=(*_ARM_QEMU, "-M", machine, *_SEMIHOSTING),
        packages=ARM,
        optimise=optimise,
    )


def _float(fpu: str) -> tuple[str, str]:
    return "-mfloat-abi=hard", f"-mfpu={fpu}"


BOARDS = {
    board.name: board
    for board in (
        _arm("cortex-m0", "mps2-an385", "mps2", "-mcpu=cortex-m0"),
        _arm("cortex-m3", "mps2-an385", "mps2", "-mcpu=cortex-m3"),
        _arm("cortex-m4f", "mps2-an386", "mps2", "-mcpu=cortex-m4", *_float("fpv4-sp-d16")),
        _arm("cortex-m7f", "mps2-an500", "mps2", "-mcpu=cortex-m7", *_float("fpv5-d16")),
        _arm("cortex-m33f", "mps2-an505", "mps2_an505", "-mcpu=cortex-m33", *_float("fpv5-sp-d16")),
        _arm("cortex-m55", "mps3-an547", "mps3_an547", "-mcpu=cortex-m55", "-mfloat-abi=hard", optimise="-O3"),
        Board(
            name="rv32imc",
            compiler=(*_RISCV_GCC, "-march=rv32imc", "-mabi=ilp32", "-mcmodel=medany"),
            start="riscv_virt.c",
            link=(*_BARE, "-T", "riscv_virt.ld", "-Wl,--entry=start"),
            runner=(*_RISCV_QEMU, "-M", "virt", *_SEMIHOSTING),
            packages=RISCV,
        ),
        Board(
            name="s390x",
            compiler=(
                *(*_ZIG, "-target", "s390x-freestanding", "-ffreestanding", "-fno-sanitize=undefined", "-g"),
                *("-isystem", str(BOARDS_FOLDER / "freestanding")),
            ),
            start="linux_s390x.c",
            link=("-static", "-Wl,--gc-sections"),
            runner=("qemu-s390x",),
            packages=BIG_ENDIAN,
        ),
    )
}
"""Name -> board. s390x is big-endian with pointers of 64 bits; the M55 runs vector code (MVE)."""


def sources_of(plan: anomsdk.Plan, folder: Path) -> tuple[list[Path], list[str]]:
    """C sources of a plan as `emit_c` writes them, and the flags that name it."""
    emitted = anomsdk.emit_c(plan, folder).folder
    name = plan.name
    return [*sorted((emitted / "src").glob("*.c")), emitted / f"anom_plan_{name}.c"], [
        f"-I{emitted}",
        *("-include", f"anom_plan_{name}.h", "-include", f"examples/anom_golden_{name}.h"),
        *(f"-DPLAN=anom_plan_{name}", f"-DPLAN_BYTES=ANOM_PLAN_{name.upper()}_BYTES", f"-DGOLDEN=anom_golden_{name}"),
    ]


def said(command: Sequence[str], folder: Path) -> str:
    """What a command prints; it must succeed, and warn of nothing."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
