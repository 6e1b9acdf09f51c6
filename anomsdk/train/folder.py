"""Folder that training writes: spec, model, calibration and plan, all of them or none."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from anomsdk.core.checks import require
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, printable
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration
from anomsdk.planner.planner import PLAN_FILE, SPEC_FILE
from anomsdk.planner.spec import PipelineSpec
from anomsdk.utils.files import parents_made, uninterrupted, unwritable

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


def write_folder(out: Path, files: dict[str, bytes], made: Plan) -> None:
    """Write the files of a folder so that Ctrl-C at any moment leaves either the old files or the new ones.

    All files are first written into a temporary folder beside it. A new folder then appears by one rename. In an
    existing folder each file is replaced by a rename, while signals are held back. After a power cut between two
    renames the hashes do not match, and planning refuses the folder.

    Parameters
    ----------
    out : folder to write
    files : name -> content of each file but plan.json
    made : plan to write as plan.json
    """
    try:
        with (
            parents_made(out),
            tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name[:64]}.") as temporary,
        ):
            fresh = Path(temporary) / "new"
            fresh.mkdir()
            for name, data in files.items():
                (fresh / name).write_bytes(data)
            (fresh / PLAN_FILE).write_bytes(made.canonical_bytes)
            if not out.exists():
                os.replace(fresh, out)  # noqa: PTH105 (a folder)
                return
            with uninterrupted():
                for name in [*files, PLAN_FILE]:
                    (fresh / name).replace(out / name)
    except OSError as error:
        raise unwritable(out, error) from None


@contextmanager
def claimed(out: Path) -> Iterator[None]:
    """Claim a folder, so that no other training or calibration writes to it meanwhile.

    The claim is a lock on a hidden file beside the folder, and the file is removed with it. A crash leaves the file
    without a lock, and the next training takes it. Where the file system has no locks, nothing is claimed.

    Raises
    ------
    InputError : another training or calibration writes to the folder, or nothing can be written beside it
    """
    with ExitStack() as stack:
        try:
            place = out.resolve()
            lock = place.parent / f".{place.name}.lock"
            stack.enter_context(parents_made(place))
            handle = _locked(lock, out)
        except InputError:
            raise
        except (OSError, RuntimeError, ValueError) as error:  # a circle of links, or a NUL in the name
            raise unwritable(out, error if isinstance(error, OSError) else ValueError()) from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)  # while it is locked: a process that opened it meanwhile finds the name gone
            os.close(handle)


def _locked(lock: Path, out: Path) -> int:
    """Open a file and lock it; the name still belongs to the file that is returned."""
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
                os.close(handle)
                raise InputError(
                    f"{printable(out)}: is in use, another training or calibration writes to it; wait, or give a new "
                    "folder"
                ) from None
        try:
            if os.path.samestat(os.fstat(handle), lock.stat()):
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)  # the owner of the lock removed the file between both calls


def check_out(out: Path, source: str) -> None:
    """Check before hours of training that the folder is new, empty, or trained from the same spec.

    Parameters
    ----------
    out : folder that will be written
    source : digest of the spec, as the calibration has it under ``trained_from``

    Raises
    ------
    InputError : a file, a place that cannot be written, or a folder of another spec
    """
    require(not out.exists() or out.is_dir(), f"{out}: is a file; give a folder")
    parent = next(p for p in out.absolute().parents if p.exists())
    require(
        parent.is_dir() and os.access(parent, os.W_OK), f"{out}: cannot be written below {parent}; choose another place"
    )
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
    """Return the spec as the folder will have it, with model.tflite as its model."""
    return spec.model_copy(update={"model": spec.model.model_copy(update={"file": "model.tflite"})})


def text_of(path: Path, spec: PipelineSpec) -> str | None:
    """Return the text of a spec file that means the same as ``spec``; None where there is no such file."""
    try:
        return path.read_text(encoding="utf-8") if PipelineSpec.from_file(path) == spec else None
    except InputError:
        return None
