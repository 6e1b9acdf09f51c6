"""Builds `anomsdk.runtime._native` from the C port with cffi. Run by setup.py.

Declarations come from the headers.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from cffi import FFI

PORT = Path(__file__).resolve().parents[1]
FOLDERS = [PORT / "include", PORT / "src", PORT / "native"]
HEADERS = ["anom_bands.h", "anom_days.h", "anom_external.h", "anom_fixed.h", "anom_logmel.h", "anom_motion.h"]
HEADERS += ["anom_alarm.h", "anom_diary.h", "anom_health.h", "anom_ladder.h", "anom_supervisor.h"]
HEADERS += ["anom_memory.h", "anom_pipeline.h", "anom_record.h", "anom_sha256.h", "anom_stream.h", "anom_wipe.h"]
KERNELS = "anom_kernels.h"  # the compiler decides about what is in it
MODULE = "anomsdk.runtime._native"
_AT_ONCE = ["-Wl,-z,now"] if sys.platform == "linux" else []
"""Look up functions when the module is loaded: a look-up saves registers, and what is in them, to the stack."""


def declarations(headers: list[str]) -> str:
    """What cffi is told of these headers and all that they include: types, constants, functions."""
    seen: set[str] = set()
    return "\n".join(["#define ANOM_FLIPPED ...", *(_declared(header, seen) for header in headers)])


def _declared(header: str, seen: set[str]) -> str:
    if header in seen or header == KERNELS:
        return ""
    seen.add(header)
    text = next(folder / header for folder in FOLDERS if (folder / header).exists()).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"^#ifdef (ANOM_TAP|__cplusplus)\n.*?^#endif\n", "", text, flags=re.M | re.S)
    text = re.sub(r"^ANOM_ASSERT\(.*\);\n", "", text, flags=re.M)
    text = re.sub(r"^static inline ([^{;]*?)\n\{.*?^\}\n", r"\1;\n", text, flags=re.M | re.S)
    included = [_declared(name, seen) for name in re.findall(r'^#include "(.*)"', text, re.M)]
    constants = re.findall(r"^#define (\w+) \(?(-?\d+)\)?[ \t]*$", text, re.M)
    defines = [f"#define {name} {value}" for name, value in constants]
    body = re.sub(r"^#(?:.*\\\n)*.*\n", "", text, flags=re.M)
    body = re.sub(r"^extern const ", "extern ", body, flags=re.M)  # what is const has no address for cffi
    return "\n".join([*included, *defines, body])


def builder(module: str = MODULE, extra: tuple[str, ...] = (), port: Path = PORT, *, optional: bool = False) -> FFI:
    """The cffi builder of the module.

    Parameters
    ----------
    module : its name
    extra : further flags of compiler and linker
    port : the C port; setuptools wants it relative to setup.py
    optional : go on without the module where it cannot be compiled
    """
    ffi = FFI()
    ffi.cdef(declarations(HEADERS))
    sources = [*sorted((port / "src").glob("*.c")), *sorted((port / "native").glob("*.c"))]
    ffi.set_source(
        module,
        "\n".join(f'#include "{header}"' for header in HEADERS),
        sources=[str(path) for path in sources],
        include_dirs=[str(port / folder.name) for folder in FOLDERS],
        extra_compile_args=["-std=c99", "-O3", "-Werror=implicit-function-declaration", *extra],
        extra_link_args=[*_AT_ONCE, *extra],
        optional=optional,
    )
    return ffi


# Without a compiler all else is installed, and says what is missing.
ffibuilder = builder(port=Path(os.path.relpath(PORT)), optional=True)
