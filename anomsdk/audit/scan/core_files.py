"""Core files: what the kernel writes of a process that is aborted, where this machine lets it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from anomsdk.audit.scan.process import resume
from anomsdk.errors import InputError

_PATTERN = Path("/proc/sys/kernel/core_pattern")


def why_no_core_files() -> str | None:
    """Say why this machine writes no core file into the folder of a process; None if it does."""
    try:
        pattern = _PATTERN.read_text(encoding="utf-8").strip()
    except OSError:
        return "this system has no /proc/sys/kernel/core_pattern; use Linux"
    if pattern.startswith("|"):
        return f"core files go to a program here ({pattern.split()[0][1:]}); set /proc/sys/kernel/core_pattern to core"
    if "/" in pattern:
        return f"core files go to another folder here ({pattern}); set /proc/sys/kernel/core_pattern to core"
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard != resource.RLIM_INFINITY:
        return f"core files are limited to {hard} bytes here; raise the hard limit (ulimit -Hc unlimited)"
    return None


def allow_core_file() -> None:
    """Lift the limit of this process on core files. Meant for ``preexec_fn`` of a child."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def core_file_of(child: subprocess.Popen[bytes], folder: Path, patience_s: float = 60.0) -> Path:
    """Abort a child, which may be stopped, and return the core file that the kernel wrote of it.

    Parameters
    ----------
    child : process that was started with `allow_core_file` in a folder of its own
    folder : working folder of the child, with no core file in it
    patience_s : longest wait, seconds

    Raises
    ------
    InputError : no core file was written
    """
    if why := why_no_core_files():
        raise InputError(why)
    os.kill(child.pid, signal.SIGABRT)
    resume(child.pid)
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        raise InputError(f"process {child.pid}: it did not end within {patience_s:g} s after it was aborted") from None
    made = sorted(path for path in folder.iterdir() if path.name.startswith("core") and path.is_file())
    if not made:
        raise InputError(f"{folder}: the kernel wrote no core file here; look at ulimit -c and core_pattern")
    return made[-1]
