"""Compiler for microcontrollers: the clang of the PyPI package ziglang, which pip installs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from anomsdk.errors import InputError, printable
from anomsdk.mcu.targets import find_target
from anomsdk.utils.files import packaged_folder

_FLAGS = (
    "-std=c99",
    "-ffreestanding",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-sanitize=undefined",  # zig turns it on if optimisation is off
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-g",  # without it zig drops the symbols
)


def compile_firmware(
    sources: Sequence[Path],
    target: str,
    *,
    keep: Sequence[str],
    include: Sequence[Path] = (),
    flags: Sequence[str] = (),
    optimise: str = "-Os",
) -> bytes:
    """Compile and link C sources for a processor core.

    Parameters
    ----------
    sources : C files
    target : name of one of `anomsdk.mcu.TARGETS`
    keep : names of functions and variables that are linked, with everything that they use
    include : folders for ``#include``
    flags : further flags for the compiler, e.g. ``-DNAME=1``
    optimise : ``-O0`` to ``-O3``, ``-Os``, ``-Oz``

    Returns
    -------
    ELF file with its symbols

    Raises
    ------
    InputError : ziglang is missing, the target is unknown, or the sources do not compile

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from anomsdk.mcu import Machine, compile_firmware
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = Path(folder) / "twice.c"
    ...     _ = source.write_text("int twice(int x) { return 2 * x; }")
    ...     elf = compile_firmware([source], "cortex-m4", keep=["twice"])
    >>> Machine(elf, "cortex-m4").call("twice", 21).result
    42
    """
    cpu = find_target(target).cpu
    if importlib.util.find_spec("ziglang") is None:
        raise InputError("the compiler for microcontrollers is missing here: pip install 'anomsdk[mcu]'")
    boards = packaged_folder("firmware_port") / "boards"
    with tempfile.TemporaryDirectory() as folder:
        program, script = Path(folder) / "program.elf", Path(folder) / "program.ld"
        script.write_text(f'EXTERN({" ".join(keep)})\nINCLUDE "{boards / "emulator.ld"}"\n')
        command = [
            *(sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi", f"-mcpu={cpu}"),
            *(optimise, *_FLAGS, *flags),
            *(f"-I{path.resolve()}" for path in include),
            *("-isystem", str(boards / "freestanding")),
            *(f"-Wl,-T,{script}", "-Wl,--entry=0", "-Wl,--gc-sections"),
            *("-o", str(program)),
            *(str(path.resolve()) for path in sources),
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0:
            raise InputError(f"{target}: the sources do not compile: {_first_error(done.stderr)}")
        return program.read_bytes()


def _first_error(messages: str) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    return printable((errors or lines or ["the compiler does not say why"])[0])
