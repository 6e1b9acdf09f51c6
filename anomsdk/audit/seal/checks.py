"""Checks of the seal: what it denies is denied, and what it leaves is enough for the same alerts."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anomsdk.audit.check import Check, Finding, Subject, Verdict
from anomsdk.audit.seal.denied_calls import ATTEMPTS
from anomsdk.audit.seal.kernel import Kernel
from anomsdk.audit.seal.sealing import require_seccomp
from anomsdk.audit.streams import random_streams
from anomsdk.errors import InputError
from anomsdk.runtime.golden import golden_stream
from anomsdk.runtime.native_module import load_native

_TIMEOUT_S = 120.0
_NAMED = 6
"""Most attempts that a result names."""
_REFUSED = 2
"""Exit status of a command that was refused, and so heard nothing."""
_FILES = ("allowed_calls.py", "filter_program.py")
"""Modules that say what a sealed process may do."""
_HOPS = 500
"""Hops of noise for each seed."""


def _denied_calls(subject: Subject) -> Finding:
    """Make every attempt in a sealed process and, where it can be made, in one without a seal."""
    machine = _sealable()
    ended = json.loads(_run("-m", "anomsdk.audit.seal.denied_calls").stdout)
    if "refused" in ended:
        raise InputError(ended["refused"])
    sealed, unsealed = ended["sealed"], ended["unsealed"]
    made = {name: number for name, number in sealed.items() if number is not None}
    alive = sorted(name for name, number in made.items() if number != signal.SIGSYS)
    unproven = sorted(name for name, number in unsealed.items() if number not in (None, 0))
    evidence = {
        "machine": machine,
        "attempts": sorted(made),
        "not_denied": alive,
        "died_without_a_seal": unproven,
        "allowed_call_ended_with_signal": ended["allowed"],
    }
    looked_at = {name: hashlib.sha256((Path(__file__).parent / name).read_bytes()).hexdigest() for name in _FILES}
    if alive:
        return Finding(Verdict.FAILED, f"a sealed process survived: {_some(alive)}", evidence, looked_at)
    if unproven or ended["allowed"] or set(sealed) != set(ATTEMPTS):
        result = "processes also died where they should have lived, so that their deaths prove nothing"
        return Finding(Verdict.FAILED, result, evidence, looked_at)
    result = f"a sealed process died of each of {len(made)} attempts, and of none without a seal"
    return Finding(Verdict.SHOWN, result, evidence, looked_at)


def _same_alerts(subject: Subject) -> Finding:
    """Watch streams with and without a seal, and compare all that is printed."""
    _sealable()
    load_native()
    assert subject.plan is not None and subject.plan_file is not None
    noise = [random_streams(subject.plan, _HOPS, seed)["noise at changing levels"][0] for seed in subject.seeds]
    parts = [golden_stream(subject.plan), *noise]
    stream = b"".join(np.asarray(part).astype("<i2").tobytes() for part in parts)
    plain = _watched(subject.plan_file, stream)
    sealed = _watched(subject.plan_file, stream, "sealed")
    lines = plain.stdout.splitlines()
    evidence: dict[str, Any] = {
        "samples": len(stream) // 2,
        "lines": len(lines),
        "same": plain.stdout == sealed.stdout,
        "status": [plain.returncode, sealed.returncode],
    }
    looked_at = {"plan": subject.plan.id, "stdout": hashlib.sha256(plain.stdout).hexdigest()}
    host = {"seal": sealed.stderr.decode(errors="replace").splitlines()}
    if plain.returncode or not lines:
        raise InputError(f"the plan does not run without a seal: {_last_line(plain.stderr)}")
    if sealed.returncode == _REFUSED and not sealed.stdout:
        raise InputError(f"no process can be sealed here: {_last_line(sealed.stderr)}")
    if sealed.returncode or plain.stdout != sealed.stdout:
        result = f"a sealed run ended with status {sealed.returncode}, or printed something else than an unsealed one"
        return Finding(Verdict.FAILED, result, evidence, looked_at, host)
    result = f"a sealed run ended with status 0 and printed the same {len(lines)} lines as an unsealed one"
    return Finding(Verdict.SHOWN, result, evidence, looked_at, host)


def _some(names: Sequence[str]) -> str:
    """Name the first few; the evidence has all of them."""
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _last_line(said: bytes) -> str:
    """Return the last line that a command wrote."""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"


def _sealable() -> str:
    """Return the architecture of this machine.

    Raises
    ------
    InputError : no process can be sealed here
    """
    kernel = Kernel()
    require_seccomp(kernel)
    return kernel.machine


def _watched(plan_file: Path, stream: bytes, *switches: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command watch on a stream, with switches by the names of their parameters."""
    options = {"plan": plan_file, "engine": "native"}
    given = [f"--{name}={value}" for name, value in options.items()] + [f"--{name}" for name in ("jsonl", *switches)]
    return _run("-m", "anomsdk", "watch", "-", *given, stdin=stream, check=False)


def _run(*arguments: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
    command: Sequence[str] = (sys.executable, *arguments)
    try:
        return subprocess.run(command, input=stdin, capture_output=True, timeout=_TIMEOUT_S, check=check)
    except subprocess.TimeoutExpired:
        raise InputError(f"{arguments[1]} did not end within {_TIMEOUT_S:g} s; repeat it on an idle machine") from None
    except subprocess.CalledProcessError as error:
        raise InputError(f"{arguments[1]} did not run to its end: {_last_line(error.stderr)}") from None


CHECKS = (
    Check(
        "seal.denied-calls",
        "The kernel kills a sealed process that opens a file, connects, shares memory, or starts a process.",
        "Each of a list of system calls is made by a process of its own after `anomsdk.seal`, and without it.",
        (
            "The list holds the ways to keep or send data that were thought of; the filter denies all calls that it "
            "does not name, and they are few.",
            "What is written to the event descriptors leaves the process; nothing is known of who reads it there.",
            "A process with the rights of root, or one that traced it before, can read the memory of a sealed process.",
            "The exit status, the time that things take, and the load of the processor are not closed as channels.",
            "The filter of the other architecture is not run here.",
        ),
        _denied_calls,
        quick=True,
    ),
    Check(
        "seal.same-alerts",
        "A sealed run gives the same alerts as an unsealed one, and ends cleanly.",
        "The command watch reads the golden stream of the plan and noise at changing levels, with and without a seal; "
        "all bytes that it prints are compared.",
        ("It is shown for these streams, and for the Python and the C library of this machine.",),
        _same_alerts,
        quick=True,
    ),
)
"""Checks of the seal."""
