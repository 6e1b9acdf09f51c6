"""Builds of the C port for an auditor: archives and programs, whole and with a fault, and dumps of an emulated device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.mcu import Machine, Program, compile_firmware, find_target
from tests.support.c_build import C_PROGRAMS, PORT, tool

FAULTS = {
    "SCRATCH": "anom_extractor",
    "MEMSET": "anom_reasons",
    "WIPE": "anom_wipe",
    "PRINT": "anom_framer",
    "HEAP": "anom_framer",
    "HISTORY": "anom_framer",
    "RECURSION": "anom_framer",
}
"""Fault of tests/c/port_faults.c -> source of the port that it stands for."""
RAM, RAM_BYTES = 0x20000000, 1 << 15
LIBRARY = "int printf(const char *f, ...) { return *f; }\nvoid *malloc(__SIZE_TYPE__ n) { return (void *)n; }\nvoid free(void *m) { (void)m; }\n"


@cache
def plan_of(name: str) -> anomsdk.Plan:
    """Reference model by its name."""
    return anomsdk.reference_model(name)


def zig(*arguments: str | Path, folder: Path) -> None:
    """Run a tool of ziglang in a folder."""
    tool("ziglang")
    command = [sys.executable, "-m", "ziglang", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Built:
    """Object files of a plan as `emit_c` writes it."""

    plan: anomsdk.Plan
    emitted: Path
    cpu: str
    objects: tuple[Path, ...]

    def without(self, fault: str) -> list[Path]:
        """Objects but the one that a faulty one replaces."""
        return [path for path in self.objects if path.stem != FAULTS.get(fault)]


def _command(emitted: Path, cpu: str, flags: Sequence[str]) -> list[str | Path]:
    bare = cpu.startswith("cortex")
    target = ["-target", "thumb-freestanding-eabi", f"-mcpu={cpu}"] if bare else ["-target", cpu]
    command: list[str | Path] = ["cc", *target, "-std=c99", "-ffreestanding", "-fno-sanitize=undefined"]
    command += ["-fno-stack-protector", "-ffunction-sections", "-g", *flags]
    command += [f"-I{emitted / 'include'}", f"-I{emitted / 'src'}", f"-I{emitted}"]
    return [*command, "-isystem", PORT / "boards" / "freestanding"] if bare or "freestanding" in cpu else command


def built(folder: Path, plan: anomsdk.Plan, cpu: str = "cortex_m4", flags: Sequence[str] = ("-Os",)) -> Built:
    """Compile a plan into object files."""
    emitted = anomsdk.emit_c(plan, folder / "firmware").folder
    sources = [*sorted((emitted / "src").glob("*.c")), emitted / f"anom_plan_{plan.name}.c"]
    objects = folder / "objects"
    objects.mkdir()
    for source in sources:  # one at a time: of several zig makes one object
        zig(*_command(emitted, cpu, flags), "-c", source, "-o", objects / f"{source.stem}.o", folder=objects)
    return Built(plan, emitted, cpu, tuple(sorted(objects.glob("*.o"))))


def archive(made: Built, folder: Path, fault: str = "", flags: Sequence[str] = ("-O2",)) -> Path:
    """Archive of a plan, one object of it replaced by a faulty one."""
    objects = made.without(fault)
    if fault:
        objects.append(folder / "port_faults.o")
        source = C_PROGRAMS / "port_faults.c"
        zig(
            *_command(made.emitted, made.cpu, flags), f"-DFAULT_{fault}", "-c", source, "-o", objects[-1], folder=folder
        )
    zig("ar", "rcs", folder / "libanom.a", *objects, folder=folder)
    return folder / "libanom.a"


def program(made: Built, folder: Path, fault: str = "", flags: Sequence[str] = ()) -> Path:
    """Program of tests/c/audited_device.c, linked, one object of the port replaced by a faulty source."""
    (folder / "library.c").write_text(LIBRARY)
    upper = made.plan.name.upper()
    elf = compile_firmware(
        [
            *made.without(fault),
            C_PROGRAMS / "audited_device.c",
            *([C_PROGRAMS / "port_faults.c", folder / "library.c"] if fault else []),
        ],
        made.cpu.replace("_", "-"),
        keep=["device_begin", "device_hear", "device_end", "memory", "arrived", f"anom_plan_{made.plan.name}"],
        include=[made.emitted, made.emitted / "include", made.emitted / "src"],
        flags=[
            *("-include", f"anom_plan_{made.plan.name}.h", f"-DPLAN=anom_plan_{made.plan.name}"),
            *(f"-DPLAN_BYTES=ANOM_PLAN_{upper}_BYTES", f"-DFAULT_{fault or 'NONE'}", *flags),
        ],
        optimise="-O2",
    )
    (folder / "device.elf").write_bytes(elf)
    return folder / "device.elf"


class Device:
    """Emulated device that hears samples, and whose RAM can be dumped."""

    def __init__(self, elf: Path, target: str = "cortex-m4") -> None:
        tool("unicorn")
        self.machine = Machine(elf.read_bytes(), find_target(target).name)
        assert self.machine.run("device_begin") == 0

    def hear(self, samples: NDArray[np.int16]) -> int:
        """Push samples in pieces of 512, and poll; number of ticks."""
        columns = 1 if samples.ndim == 1 else samples.shape[1]
        rows, ticks = 512 // columns, 0
        for at in range(0, len(samples), rows):
            piece = np.ascontiguousarray(samples[at : at + rows], "<i2")
            self.machine.write("arrived", piece.tobytes())
            ticks += self.machine.run("device_hear", len(piece), columns)
        return ticks

    def dump(self) -> bytes:
        """All of its RAM."""
        ram = bytearray(RAM_BYTES)
        for symbol in self.machine.program.symbols:
            if symbol.address >= RAM and symbol.size:
                ram[symbol.address - RAM : symbol.address - RAM + symbol.size] = self.machine.read(symbol.name)
        return bytes(ram)


def gnu_map(elf: Path) -> str:
    """Write the parts of a map that GNU ld would write, from the symbols of a program."""
    lines = ["Memory Configuration", "", "Name             Origin             Length             Attributes"]
    lines += [f"ram              {RAM:#018x} {RAM_BYTES:#018x} rw", "*default*        0x0 0xffffffffffffffff", ""]
    lines += ["Linker script and memory map", ""]
    for symbol in sorted(Program.from_elf(elf.read_bytes()).symbols, key=lambda symbol: symbol.address):
        name = f" .bss.{symbol.name}" if symbol.address >= RAM else f" .text.{symbol.name}"
        lines += [
            name,
            f"                {symbol.address:#018x} {symbol.size:#10x} /tmp/x/{symbol.source or 'device.o'}",
        ]
        lines += [f"                {symbol.address:#018x}                {symbol.name}"]
    return "\n".join([*lines, ""])


def lld_map(elf: Path) -> str:
    """Write the map that lld would write, from the symbols of a program."""
    program = Program.from_elf(elf.read_bytes())
    used = [symbol for symbol in program.symbols if symbol.address >= RAM]
    first, last = min(s.address for s in used), max(s.address + s.size for s in used)
    lines = ["             VMA              LMA     Size Align Out     In      Symbol"]
    lines += [f"{first:16x} {first:16x} {last - first:8x}     8 .bss"]
    for symbol in sorted(program.symbols, key=lambda symbol: symbol.address):
        row = f"{symbol.address:16x} {symbol.address:16x} {symbol.size:8x}"
        lines += [f"{row}     1         device.o:(.bss.{symbol.name})", f"{row}     1                 {symbol.name}"]
    return "\n".join([*lines, ""])
