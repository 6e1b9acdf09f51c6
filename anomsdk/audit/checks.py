"""All checks of an audit, in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from anomsdk.audit.check import Check
from anomsdk.errors import InputError, printable

_AREAS = ("engines", "retention", "canary", "seal", "emulator", "firmware")
"""Folders beside this file; each has a module ``checks`` with ``CHECKS``."""


def all_checks() -> tuple[Check, ...]:
    """Return the checks of all areas."""
    return tuple(check for area in _AREAS for check in import_module(f"anomsdk.audit.{area}.checks").CHECKS)


def chosen_checks(checks: Sequence[Check], only: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks with these ids; an area stands for all of its checks.

    Parameters
    ----------
    checks : all of them
    only : ids, such as ``canary.watch-stdin``, or areas, such as ``canary``; empty: all

    Raises
    ------
    InputError : there is no such check
    """
    if not only:
        return tuple(checks)
    for name in only:
        if not any(_named(check, name) for check in checks):
            raise InputError(
                f"`only`: there is no check '{printable(name)}'; choose from {', '.join(check.id for check in checks)}"
            )
    return tuple(check for check in checks if any(_named(check, name) for name in only))


def _named(check: Check, name: str) -> bool:
    return check.id == name or check.id.partition(".")[0] == name
