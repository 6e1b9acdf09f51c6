"""Audit: run the checks that this machine allows, and judge each claim of the register by them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from anomsdk._version import __version__
from anomsdk.audit.check import Check, Finding, Subject, Verdict
from anomsdk.audit.checks import all_checks, chosen_checks
from anomsdk.audit.claims import judge, read_claims
from anomsdk.audit.firmware.build import Build, read_build
from anomsdk.audit.report import Outcome, Report
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, printable
from anomsdk.plans.file import write_plan
from anomsdk.runtime.engines.tflite import model_bytes
from anomsdk.utils.files import packaged_folder

_LIBRARIES = ("numpy", "cffi", "soundfile", "soxr", "scipy", "pyarrow", "ziglang", "unicorn", "pyelftools", "capstone")
"""Packages whose code handles the signal, or looks for it."""
_PLAN_SYMBOL = re.compile(r"anom_plan_\w+")
_ONLY_IN_A_WHEEL = ("anomsdk/firmware_port/", "anomsdk/reference_models/", "anomsdk/register/")
"""Folders that a wheel has inside of the package, and a checkout beside it."""


def audit(
    plan: Plan | None,
    *,
    elf: Path | None = None,
    quick: bool = False,
    only: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    progress: Callable[[str, int, int], None] = lambda title, done, total: None,
) -> Report:
    """Run the checks that this machine allows.

    Parameters
    ----------
    plan : plan to audit; None: only a build is
    elf : linked program, archive or object file of the user's own build
    quick : run the quick checks only
    only : ids or areas of the checks to run; empty: all
    seeds : seeds of the signals that are searched for, 0 or more, at least one
    progress : called with the id of each check before it runs, the number of checks done, and of all

    Returns
    -------
    Report

    Raises
    ------
    InputError : neither a plan nor a build is given, there is no such check, or the build cannot be read or holds
        other plans only
    """
    if plan is None and elf is None:
        raise InputError("audit: nothing to look at; give a plan, or `elf`")
    if elf is not None:
        _check_its_plan(read_build(elf), plan)
    checks = chosen_checks(all_checks(), only)
    left_out = {check.id: why for check in all_checks() if (why := _why_left_out(check, checks, plan, elf, quick))}
    running = [check for check in checks if check.id not in left_out]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="anomsdk-audit-") as folder:
        plan_file = None
        if plan is not None:
            plan_file = _written(plan, Path(folder))
        for done, check in enumerate(running):
            progress(check.id, done, len(running))
            own = Path(folder) / check.id
            own.mkdir()
            outcomes.append(_outcome(check, Subject(plan, plan_file, own, tuple(seeds), elf)))
    findings = {outcome.check.id: outcome.finding for outcome in outcomes}
    return Report(
        subjects=_subjects(plan, elf),
        configuration=_configuration(quick, only, seeds),
        claims=judge(read_claims(), findings, left_out, plan),
        outcomes=tuple(outcomes),
        left_out=left_out,
        host=_host(),
    )


def _check_its_plan(build: Build, plan: Plan | None) -> None:
    """Refuse a build whose symbols name other plans only: its checks would be filed under the wrong plan."""
    names = sorted(name.name for name in build.names if _PLAN_SYMBOL.fullmatch(name.name) and not name.writable)
    if plan is None or not names or bytes.fromhex(plan.id) in build.path.read_bytes():
        return
    raise InputError(
        f"{printable(build.path)}: holds {', '.join(names)} and not the plan {plan.name} ({plan.id[:8]}); give the "
        "plan that it was emitted from, or emit it again"
    )


def _written(plan: Plan, folder: Path) -> Path:
    """Write a plan, and the model that engine tflite reads beside it if that is at hand; return the plan's file."""
    plan_file = folder / "plan.json"
    write_plan(plan, plan_file)
    with suppress(InputError):  # then engine tflite says what is missing
        data = model_bytes(plan)
        model = folder / plan.provenance.get("model_file", "model.tflite")
        model.parent.mkdir(parents=True, exist_ok=True)
        model.write_bytes(data)
    return plan_file


def _why_left_out(
    check: Check, chosen: Sequence[Check], plan: Plan | None, elf: Path | None, quick: bool
) -> str | None:
    """Say why a check is not run; None: it is."""
    if check not in chosen:
        return "left out by `only`"
    if quick and not check.quick:
        return "left out by `quick`"
    if check.needs == "plan" and plan is None:
        return "no plan was given"
    if check.needs == "elf" and elf is None:
        return "no build was given: `elf`"
    return None


def _outcome(check: Check, subject: Subject) -> Outcome:
    started = time.monotonic()
    try:
        finding = check.run(subject)
    except InputError as error:
        finding = Finding(Verdict.NOT_SHOWN, _same_words(str(error), subject), host={"said": str(error)})
    except (OSError, subprocess.SubprocessError, ImportError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        finding = Finding(
            Verdict.NOT_SHOWN,
            f"this machine does not let the check look ({reason}); the report's host.json says where",
            host={"said": str(error)},
        )
    json.dumps([finding.evidence, finding.host], allow_nan=False)  # what cannot be written is a fault of the check
    return Outcome(check, finding, time.monotonic() - started)


def _same_words(reason: str, subject: Subject) -> str:
    """Take numbers of processes and names of folders out of a reason, which is the same on every run."""
    reason = re.sub(r"\bprocess \d+\b", "the process that was looked at", reason)
    if subject.elf is not None:
        reason = reason.replace(str(subject.elf), subject.elf.name)
    return reason.replace(f"{subject.folder.parent}/", "")


def _subjects(plan: Plan | None, elf: Path | None) -> dict[str, str]:
    """Map the things that were looked at to the SHA-256 of each."""
    found = {"anomsdk": package_hash(Path(__file__).parents[1])}
    if plan is not None:
        found[f"{plan.name}/plan.json"] = hashlib.sha256(plan.canonical_bytes).hexdigest()
    for module in ("anomsdk.runtime._native", "anomsdk.audit.scan._scanner"):
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.origin is not None:
            found[module] = _file_hash(Path(spec.origin))
    if elf is not None:
        found[elf.name] = _file_hash(elf)
    return found


def package_hash(package: Path) -> str:
    """Hash all Python and C sources of the package: names and contents, in the order of the names.

    An installed wheel has the same hash as the checkout that it was built from.

    Parameters
    ----------
    package : folder of the package
    """
    port = packaged_folder("firmware_port")
    files = {f"anomsdk/{path.relative_to(package).as_posix()}": path for path in package.rglob("*.py")}
    files = {name: path for name, path in files.items() if not name.startswith(_ONLY_IN_A_WHEEL)}
    files |= {
        f"firmware_port/{path.relative_to(port).as_posix()}": path
        for folder in ("include", "src")
        for path in (port / folder).glob("*.[ch]")
    }
    lines = (f"{_file_hash(path)}  {name}\n" for name, path in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _configuration(quick: bool, only: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Return options and versions: the same audit with the same ones comes to the same verdicts."""
    return {
        "options": {"quick": quick, "only": list(only), "seeds": list(seeds)},
        "anomsdk": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _host() -> Mapping[str, Any]:
    """Return facts of this machine and this run, on which no verdict rests."""
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kernel": platform.release(),
        "swap": _swap(),
    }


def _swap() -> str:
    try:
        lines = Path("/proc/swaps").read_text().splitlines()
    except OSError:
        return "not known on this system"
    if len(lines) > 1:
        return "this machine has swap; the audit did not look into it"
    return "this machine has none: nothing is shown about swap"
