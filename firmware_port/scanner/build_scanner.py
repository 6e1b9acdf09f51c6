"""Builds `anomsdk.audit.scan._scanner` with cffi: the scanner of memory that an audit uses. Run by setup.py.

Declarations come from the header.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cffi import FFI

FOLDER = Path(__file__).resolve().parent
MODULE = "anomsdk.audit.scan._scanner"


def declarations() -> str:
    """Types, constants and functions of the header, as cffi takes them."""
    text = re.sub(r"/\*.*?\*/", "", (FOLDER / "anom_scan.h").read_text(encoding="utf-8"), flags=re.S)
    constants = re.findall(r"^#define (\w+) (\d+)[ \t]*$", text, re.M)
    body = re.sub(r"^#.*\n", "", text, flags=re.M)
    return "\n".join([*(f"#define {name} {value}" for name, value in constants), body])


def builder(module: str = MODULE, extra: tuple[str, ...] = (), folder: Path = FOLDER, *, optional: bool = False) -> FFI:
    """The cffi builder of the module.

    Parameters
    ----------
    module : its name
    extra : further flags of compiler and linker
    folder : the scanner's; setuptools wants it relative to setup.py
    optional : go on without the module where it cannot be compiled
    """
    ffi = FFI()
    ffi.cdef(declarations())
    ffi.set_source(
        module,
        '#include "anom_scan.h"',
        sources=[str(folder / "anom_scan.c")],
        include_dirs=[str(folder)],
        extra_compile_args=["-std=c99", "-O2", "-Werror=implicit-function-declaration", *extra],
        extra_link_args=[*extra],
        optional=optional,
    )
    return ffi


# Without a compiler all else is installed, and says what is missing.
ffibuilder = builder(folder=Path(os.path.relpath(FOLDER)), optional=True)
