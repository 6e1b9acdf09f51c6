"""Judgement of what was found in memory: what a moment allows, and what stands there beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from anomsdk.audit.canary.parts import Parts
from anomsdk.audit.scan.rows import LEAST_RUN
from anomsdk.core.plan import Plan
from anomsdk.plans.extractors import EXTRACTORS
from anomsdk.utils.text import counted


@dataclass(frozen=True)
class Allowance:
    """Most that may stand in memory of one part of a signal.

    Parameters
    ----------
    samples : most samples in any form that holds samples, the last ones that were heard
    frames : most frames of features
    sums : most frames whose energies are still being added up
    last : index behind the last sample that was heard, counted from the start of the part; None: its end
    reach : samples before `last` in which all that is allowed lies
    shows : something of the part must be found, because it is certain to be there
    text : most samples as text, where that is more than `samples`
    """

    samples: int = 0
    frames: int = 0
    sums: int = 0
    last: int | None = None
    reach: int = 0
    shows: bool = False
    text: int = 0


NOTHING = Allowance()
"""Allowance after the end of a pipeline or of a recording."""


def held_open(plan: Plan, last: int | None = None) -> Allowance:
    """Return what an open pipeline may hold: the samples of a window, features of a context and a sum of energies.

    A plan of days may hold the rows of a day. A window that is shorter than a run that counts is not found.

    Parameters
    ----------
    plan : Plan
    last : see `Allowance`
    """
    samples = max(plan.framer.window, EXTRACTORS[plan.extractor.kind].kept_samples(plan.extractor))
    shows = plan.framer.window * plan.columns >= LEAST_RUN
    return Allowance(samples, plan.context.frames, 1, last, 2 * samples, shows)


@dataclass(frozen=True)
class Remains:
    """Part of a signal that stands in memory in one form.

    Parameters
    ----------
    part : name of the part
    form : name of the form, such as ``int16``
    indices : indices of the samples, hops, frames or inputs in the whole signal that were found, rising
    unit : ``sample``, ``hop``, ``frame`` or ``input``: what the indices count
    reached : for inputs, names of the parts that their contexts reach into
    """

    part: str
    form: str
    indices: tuple[int, ...] = field(repr=False)
    unit: str = "sample"
    reached: frozenset[str] = frozenset()

    def beyond(self, allowed: Allowance, span: tuple[int, int]) -> str | None:
        """Say in words what is there beyond an allowance; None: nothing.

        Parameters
        ----------
        allowed : Allowance
        span : indices in the whole signal of the first sample of the part and of the one behind its last
        """
        n = len(self.indices)
        what = f"{counted(n, self.unit)} as {self.form} of {self.part}"
        if self.unit == "frame" and self.form.startswith("features"):
            return None if n <= allowed.frames else what
        # Of the first window of a frame, the sums are the energies.
        if self.unit == "hop" and self.form.startswith(("sums", "energies")):
            return None if n <= allowed.sums else what
        most = max(allowed.samples, allowed.text if self.form.startswith("text") else 0)
        if self.unit != "sample" or n > most:
            return what
        last = span[1] if allowed.last is None else span[0] + allowed.last
        early = last - self.indices[0]
        return None if early <= allowed.reach else f"{what}, the earliest {early:,} before the last one that was heard"


def beyond(remains: Iterable[Remains], parts: Parts, allowed: Mapping[str, Allowance]) -> list[str]:
    """List in words what stands in memory beyond the allowances.

    Parameters
    ----------
    remains : what was found
    parts : signal that was searched for
    allowed : name of a part -> its allowance; of other parts nothing may be there
    """
    found = list[str]()
    for each in remains:
        if each.form.startswith("statistics") and any(allowed.get(part, NOTHING).frames for part in each.reached):
            continue  # the least or greatest values of a context may all be those of one frame, which is held
        if said := each.beyond(allowed.get(each.part, NOTHING), parts.spans.get(each.part, (0, 0))):
            found.append(said)
    return found
