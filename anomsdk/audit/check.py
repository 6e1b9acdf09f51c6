"""Checks of an audit: what each one claims, how it looks, and what it found.

A check either shows its claim, or finds that it is false, or says why it could not look. A check that could not look
has shown nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from anomsdk.core.plan import Plan


class Verdict(str, Enum):
    """Outcome of a check, and of a claim."""

    SHOWN = "shown"
    FAILED = "failed"
    NOT_SHOWN = "not shown here"


@dataclass(frozen=True)
class Subject:
    """Object of an audit.

    Parameters
    ----------
    plan : plan that is audited; None if only a build is
    plan_file : its plan.json, for commands that run in processes of their own; None without a plan
    folder : folder for files that checks make; it is deleted when the audit ends
    seeds : seeds of the signals that are searched for, at least one
    elf : linked program, archive or object file of the user's own build; None if there is none
    """

    plan: Plan | None
    plan_file: Path | None
    folder: Path
    seeds: tuple[int, ...] = (0,)
    elf: Path | None = None


@dataclass(frozen=True)
class Finding:
    """Outcome of one check.

    Values in all fields but ``host`` are the same whenever the same check looks at the same things. All values can be
    written as JSON.

    Parameters
    ----------
    verdict : Verdict
    result : what was found, in one sentence; for `Verdict.NOT_SHOWN` the reason why nothing was
    evidence : name -> numbers and words that the verdict rests on
    looked_at : name of a file, module or plan -> its SHA-256 as 64 hex digits; a plan has its id
    host : name -> addresses, times, counts and versions of this machine and this run
    """

    verdict: Verdict
    result: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    looked_at: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One way of looking at a claim.

    Parameters
    ----------
    id : area and subject, such as ``canary.watch-stdin``
    title : what is shown if the check succeeds, in one sentence
    method : how it is looked at, in one sentence
    limits : what it does not show, a sentence each
    run : looks, and returns what it found; an `anomsdk.InputError` says why it cannot look here
    quick : part of ``anomsdk audit --quick``
    needs : ``plan`` or ``elf``, the field of `Subject` that must be given
    """

    id: str
    title: str
    method: str
    limits: tuple[str, ...]
    run: Callable[[Subject], Finding]
    quick: bool = False
    needs: str = "plan"

    @property
    def command(self) -> str:
        """Command that repeats this check alone."""
        given = {"plan": ("PLAN",), "elf": ("--elf", "FILE")}[self.needs]
        return " ".join(("anomsdk", "audit", *given, "--only", self.id))
