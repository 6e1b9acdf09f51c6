"""Lookup of the plan that a user names: a file, a folder or a reference model."""

from __future__ import annotations

from pathlib import Path

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.plans.file import read_plan, reference_model, reference_model_names


def find_plan(text: str) -> Plan:
    """Read the plan that a text names: a plan.json, a folder that holds one, or a reference model.

    Parameters
    ----------
    text : a path, or the name of a reference model; an existing path comes before a name

    Returns
    -------
    Plan

    Raises
    ------
    InputError : there is no such plan, or it is damaged
    """
    path = Path(text)
    is_folder, exists = _looked_up(path)
    if is_folder and text:
        if not (path / "plan.json").exists():
            raise InputError(f"{text}: no plan.json in this folder; write it with: anomsdk plan {text}")
        return read_plan(path / "plan.json")
    if exists and text:
        return read_plan(path)
    names = reference_model_names()
    if text not in names:
        raise InputError(f"'{text}' is no file, folder or reference model; reference models: {', '.join(names)}")
    return reference_model(text)


def _looked_up(path: Path) -> tuple[bool, bool]:
    """Return whether the path is a folder, and whether anything exists there."""
    try:
        return path.is_dir(), path.exists() or path.is_symlink()
    except OSError:  # a name that is too long, a folder that must not be entered
        return False, True
