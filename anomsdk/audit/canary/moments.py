"""Moments at which processes are looked at, and the finding that follows from all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anomsdk.audit.canary.judging import Allowance, beyond
from anomsdk.audit.canary.looking import Look, Looking
from anomsdk.audit.canary.parts import Parts
from anomsdk.audit.canary.running import Child
from anomsdk.audit.check import Finding, Subject, Verdict
from anomsdk.audit.scan.process import Memory
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.memory import why_not_wiping
from anomsdk.utils.text import counted

_MOST_NAMED = 6
"""Most things that a result names; the evidence has all of them."""


@dataclass(frozen=True)
class Moment:
    """Look at one process at one moment.

    Parameters
    ----------
    name : of the moment, such as ``after Ctrl-C``
    look : what was found
    found_beyond : what stands there beyond what is allowed, in words
    unseen : parts of which the window of an open pipeline should have been found, and was not
    """

    name: str
    look: Look
    found_beyond: tuple[str, ...]
    unseen: tuple[str, ...]


@dataclass
class Moments:
    """Moments of one check, with one signal.

    Parameters
    ----------
    parts : signal that is heard
    seed : seed of the signal
    """

    parts: Parts
    seed: int
    seen: list[Moment] = field(default_factory=list)

    def look(self, name: str, child: Child, allowed: Mapping[str, Allowance] | None = None) -> None:
        """Look at a process that stands still, and let it go on.

        Parameters
        ----------
        name : name of the moment
        child : the process
        allowed : name of a part -> what an open pipeline may hold of it; nothing of all others
        """
        self.look_into(name, Memory.of(child.pid), allowed)
        child.go_on()

    def look_into(self, name: str, memory: Memory, allowed: Mapping[str, Allowance] | None = None) -> None:
        """Search a memory, see `look`."""
        allowed = allowed or {}
        look = _looking(self.parts, self.seed).at(memory)
        there = {each.part for each in look.remains}
        unseen = [part for part, each in allowed.items() if each.shows and part not in there]
        self.seen.append(Moment(name, look, tuple(beyond(look.remains, self.parts, allowed)), tuple(unseen)))


@lru_cache(maxsize=1)
def _looking(parts: Parts, seed: int) -> Looking:
    """Prepare the search for a signal; the last one is kept, because checks in a row search for the same one."""
    return Looking(parts, seed)


@lru_cache(maxsize=4)
def parts_of(plan: Plan, names: tuple[str, ...], seed: int, lengths: tuple[int, ...] = ()) -> Parts:
    """Return `Parts.of`, the same object for the same arguments."""
    return Parts.of(plan, names, seed, lengths)


@contextmanager
def scene(subject: Subject) -> Iterator[tuple[Plan, str, Path]]:
    """Give a check its plan, the name of the plan's file and an empty folder, which is deleted afterwards.

    Raises
    ------
    InputError : memory is not wiped here, so that nothing is claimed, or the memory of processes cannot be read here
    """
    if subject.plan is None or subject.plan_file is None:
        raise InputError("no plan was given; give one")
    if not Path("/proc/self/pagemap").exists():
        raise InputError("the memory of processes cannot be read here: there is no /proc; run the audit on Linux")
    if why := why_not_wiping():
        raise InputError(f"freed memory keeps its values here, and nothing else is claimed: {why}")
    subject.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=subject.folder) as folder:
        yield subject.plan, str(subject.plan_file.resolve()), Path(folder).resolve()


def finding(subject: Subject, moments: list[Moments], **evidence: Any) -> Finding:
    """Judge all moments of a check.

    A control that was not found makes it fail: a search that misses what is there shows nothing.

    Parameters
    ----------
    subject : Subject
    moments : those of each seed
    evidence : further values of the evidence
    """
    seen = [moment for each in moments for moment in each.seen]
    left = [f"{moment.name}: {what}" for moment in seen for what in moment.found_beyond]
    blind = [f"{moment.name}: planted {form}" for moment in seen for form in moment.look.scanned.missing]
    blind += [f"{moment.name}: a planted signal" for moment in seen if not moment.look.scanned.planted]
    blind += [f"{moment.name}: the window of {part}" for moment in seen for part in moment.unseen]
    forms = sorted({form for moment in seen for form in moment.look.scanned.rule})
    names = list(dict.fromkeys(moment.name for moment in seen))
    if blind:
        result = f"the search did not find what is there: {_some(blind)}"
    elif left:
        result = f"more than is allowed stands in memory: {_some(left)}"
    else:
        result = (
            f"nothing beyond what is allowed stands in memory at {counted(len(names), 'moment')}, "
            f"in {counted(len(forms), 'form')} of the signal"
        )
    samples = {f"signal of seed {each.seed}": _digest(each.parts) for each in moments}
    assert subject.plan is not None
    return Finding(
        Verdict.FAILED if blind or left else Verdict.SHOWN,
        result,
        {"moments": names, "forms": forms, "beyond": left, "controls_not_found": blind, **evidence},
        {"plan": subject.plan.id, **samples},
        {"looks": [_counts(moment) for moment in seen]},
    )


def _some(what: list[str]) -> str:
    """Name the first few."""
    more = f", and {len(what) - _MOST_NAMED:,} more" if len(what) > _MOST_NAMED else ""
    return "; ".join(what[:_MOST_NAMED]) + more


def _digest(parts: Parts) -> str:
    return hashlib.sha256(parts.samples.tobytes()).hexdigest()


def _counts(moment: Moment) -> dict[str, Any]:
    """Return the figures of one look, which depend on the machine."""
    scanned = moment.look.scanned
    return {
        "moment": moment.name,
        "bytes": scanned.searched_bytes,
        "rule": dict(scanned.rule),
        "longest_of_negative_control": dict(scanned.negative),
        "found": [f"{len(each.indices)} {each.unit} {each.form} of {each.part}" for each in moment.look.remains],
        "places": {form: [vars(place) for place in hits.places] for form, hits in scanned.found.items()},
    }
