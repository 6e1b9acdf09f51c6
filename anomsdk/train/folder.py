"""The folder that training writes: spec, model, calibration and plan that belong together, all or nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from anomsdk.calibration import Calibration
from anomsdk.core.checks import require
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.files import uninterrupted
from anomsdk.plan_file import write_plan
from anomsdk.planner import CALIBRATION_FILE, PLAN_FILE, SPEC_FILE
from anomsdk.spec import PipelineSpec


def write_folder(out: Path, files: dict[str, bytes], made: Plan) -> None:
    """Write a folder's files so that Ctrl-C at any moment leaves the old ones or the new ones.

    Everything is written into a folder beside it first. A new folder appears by one rename; in an existing
    one each file is replaced by a rename, with signals held back. After a power cut between two of these
    the hashes do not match, and planning says so.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
            fresh = Path(temporary) / "new"
            fresh.mkdir()
            for name, data in files.items():
                (fresh / name).write_bytes(data)
            write_plan(made, fresh / PLAN_FILE)
            if not out.exists():
                os.replace(fresh, out)  # noqa: PTH105 (a folder)
                return
            with uninterrupted():
                for name in [*files, PLAN_FILE]:
                    (fresh / name).replace(out / name)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}") from None


def check_out(out: Path, source: str) -> None:
    """Before hours of training: the folder must be new, empty, or one that was trained from this very spec.

    Parameters
    ----------
    out : folder to be
    source : what the calibration of such a folder says under ``trained_from``
    """
    require(not out.exists() or out.is_dir(), f"{out}: is a file; give a folder to write")
    parent = next(p for p in out.absolute().parents if p.exists())
    require(parent.is_dir() and os.access(parent, os.W_OK), f"{out}: cannot be written below {parent}")
    taken = [name for name in (SPEC_FILE, "model.tflite", CALIBRATION_FILE, PLAN_FILE) if (out / name).exists()]
    require(
        not taken or _trained_from(out) == source,
        f"{out}: holds {', '.join(taken)} of another spec; give a new folder",
    )


def _trained_from(out: Path) -> str | None:
    try:
        return Calibration.from_file(out / CALIBRATION_FILE).provenance.get("trained_from")
    except InputError:
        return None


def as_written(spec: PipelineSpec) -> PipelineSpec:
    """The spec of the folder that is made: the model is the one that was trained."""
    return spec.model_copy(update={"model": spec.model.model_copy(update={"file": "model.tflite"})})


def says_the_same(path: Path, spec: PipelineSpec) -> bool:
    """Whether a spec file is there and means this spec, however it is written."""
    try:
        return PipelineSpec.from_file(path) == spec
    except InputError:
        return False
