"""Builds of a pipeline that an audit runs in the emulator: shipped sources on each core, or a program of the user."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from anomsdk.audit.firmware.build import LARGEST
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, printable
from anomsdk.mcu.compile import compile_firmware
from anomsdk.mcu.program import Program
from anomsdk.mcu.stages import plan_file
from anomsdk.utils.files import read_limited

FUNCTIONS = ("pipeline_init", "pipeline_push", "pipeline_poll")
"""Functions that every build must have, without ``anom_``."""
MORE_FUNCTIONS = (
    *("pipeline_gap", "pipeline_reset"),
    *("pipeline_save", "pipeline_restore", "pipeline_export", "pipeline_downlink", "selftest"),
)
"""Functions that are called if a build has them."""

_CORES = {"v6-M": "cortex-m0", "v6S-M": "cortex-m0", "v7": "cortex-m3", "v7E-M": "cortex-m4"}
"""Architecture, as an ELF file names it -> target of the emulator; each v8-M is a Cortex-M33."""
_ARCHITECTURES = {10: "v7", 11: "v6-M", 12: "v6S-M", 13: "v7E-M"}
_FIRST_V8M = 16


@dataclass(frozen=True)
class Cell:
    """Core and options of the compiler of one build.

    Parameters
    ----------
    target : name of one of `anomsdk.mcu.TARGETS`
    optimise : ``-Os`` or ``-O2``
    whole : optimised when it is linked, ``-flto``
    """

    target: str
    optimise: str
    whole: bool = False

    @property
    def name(self) -> str:
        """Name, such as ``cortex-m4 -Os -flto``."""
        return f"{self.target} {self.optimise}{' -flto' if self.whole else ''}"


CELLS = tuple(
    Cell(f"cortex-{core}", optimise, whole)
    for core in ("m0", "m3", "m4", "m33")
    for optimise, whole in (("-Os", False), ("-O2", False), ("-Os", True))
)
"""Builds that an audit looks at."""


def compiled(plan: Plan, folder: Path, cell: Cell) -> bytes:
    """Compile and link the sources of an emitted folder with all functions of a pipeline.

    Parameters
    ----------
    plan : plan of the folder
    folder : folder that `anomsdk.emit_c` wrote
    cell : core and options

    Returns
    -------
    ELF file with its symbols

    Raises
    ------
    InputError : ziglang is missing, or the sources do not compile
    """
    return compile_firmware(
        [*sorted((folder / "src").glob("*.c")), folder / plan_file(plan)],
        cell.target,
        keep=[*(f"anom_{name}" for name in (*FUNCTIONS, *MORE_FUNCTIONS)), f"anom_plan_{plan.name}"],
        include=[folder, folder / "include", folder / "src"],
        flags=["-flto"] if cell.whole else [],
        optimise=cell.optimise,
    )


def users_build(path: Path, plan: Plan) -> tuple[bytes, str]:
    """Read a linked program of the user that runs a plan.

    Returns
    -------
    elf : the file
    target : name of the core that the emulator takes

    Raises
    ------
    InputError : it is no linked program for a Cortex-M, is stripped, or does not hold the plan
    """
    shown = printable(path)
    elf = read_limited(path, LARGEST, advice="give the linked program")
    target = _target_of(elf, shown)
    program = Program.from_elf(elf)
    names = {symbol.name for symbol in program.symbols}
    missing = [f"anom_{name}" for name in FUNCTIONS if f"anom_{name}" not in names]
    if missing:
        raise InputError(
            f"{shown}: has no symbol {', '.join(missing)}, so the emulator cannot run it; keep these functions and the"
            " symbols when it is linked"
        )
    if f"anom_plan_{plan.name}" not in names:
        raise InputError(f"{shown}: does not hold the plan '{plan.name}'; give the plan that it was emitted from")
    symbol = program.symbol(f"anom_plan_{plan.name}")
    if bytes.fromhex(plan.id) not in _bytes_at(program, symbol.address, symbol.size):
        raise InputError(
            f"{shown}: holds another plan '{plan.name}' than {plan.id[:8]}; emit it again, or give its plan"
        )
    return elf, target


def functions_without(elf: bytes) -> list[str]:
    """Name the functions of a pipeline that a program lacks: nothing is shown of them."""
    names = {symbol.name for symbol in Program.from_elf(elf).symbols}
    return [f"anom_{name}" for name in MORE_FUNCTIONS if f"anom_{name}" not in names]


def _bytes_at(program: Program, address: int, size: int) -> bytes:
    """Read the initial contents of a variable; empty if it has none."""
    for segment in program.segments:
        if segment.address <= address < segment.address + len(segment.data):
            return segment.data[address - segment.address :][:size]
    return b""


def _target_of(elf: bytes, shown: str) -> str:
    """Find the core of a linked program, or refuse the file."""
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise InputError("the reader of ELF files is missing here: pip install 'anomsdk[audit]'") from None
    if elf.startswith((b"!<arch>", b"!<thin>")):
        raise InputError(f"{shown}: is an archive, and the emulator runs a linked program; link it, and give that")
    try:
        file = ELFFile(io.BytesIO(elf))
        kind, machine = file["e_type"], file["e_machine"]
        if kind != "ET_EXEC" or machine != "EM_ARM" or not file.little_endian:
            raise InputError(f"{shown}: is no linked program for a Cortex-M; the emulator runs nothing else")
        attributes = file.get_section_by_name(".ARM.attributes")
        architecture = _architecture(attributes.iter_subsections() if attributes else ())
    except (ELFError, ValueError, KeyError, IndexError, AttributeError, UnicodeDecodeError):
        raise InputError(f"{shown}: is no ELF file that can be read; give the linked program") from None
    if architecture is not None and architecture >= _FIRST_V8M:
        return "cortex-m33"
    name = _ARCHITECTURES.get(-1 if architecture is None else architecture)
    if name is None:
        raise InputError(
            f"{shown}: is not compiled for a Cortex-M, as its attributes say; the emulator runs nothing else"
        )
    return _CORES[name]


def _architecture(subsections: Iterable[object]) -> int | None:
    """Read the number of the architecture from the build attributes; None if they do not say."""
    for subsection in subsections:
        for part in subsection.iter_subsubsections():  # type: ignore[attr-defined]
            for attribute in part.iter_attributes("TAG_CPU_ARCH"):
                return int(attribute.value)
    return None
