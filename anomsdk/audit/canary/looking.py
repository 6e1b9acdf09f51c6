"""Look at the memory of a process that stands still: what is there of each part of a signal."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.audit.canary.judging import Remains
from anomsdk.audit.canary.parts import Parts
from anomsdk.audit.scan.process import Memory
from anomsdk.audit.scan.scanner import Hits, Scanned, Search
from anomsdk.core.plan import Plan


@dataclass(frozen=True)
class Look:
    """Search of the memory of a process at one moment.

    Parameters
    ----------
    remains : what was found, by part and form
    scanned : rules, controls and counts of the search
    """

    remains: tuple[Remains, ...]
    scanned: Scanned


class Looking:
    """Search for all parts of a signal in all forms, prepared once.

    Parameters
    ----------
    parts : signal that is heard
    seed : seed of the signal, from which those of the controls follow
    """

    def __init__(self, parts: Parts, seed: int) -> None:
        self._parts = parts
        self._search = Search(parts.plan, [parts.samples], seed)

    def at(self, memory: Memory) -> Look:
        """Search the memory of a process that stands still, or a core file."""
        (scanned,) = self._search.at(memory)
        found = [each for form, hits in scanned.found.items() for each in _by_part(form, hits, self._parts)]
        return Look(tuple(sorted(found, key=lambda each: (each.part, each.form))), scanned)


def _by_part(form: str, hits: Hits, parts: Parts) -> list[Remains]:
    """Divide what was found of a form among the parts."""
    starts, length = _first_samples(parts.plan, hits.unit)
    by_part: dict[str, list[int]] = {}
    for index in hits.indices.tolist():
        name = parts.part_at(starts + length * index)
        by_part.setdefault(name, []).append(index)
    return [
        Remains(
            name, form, tuple(indices), hits.unit, _reached(parts, indices) if hits.unit == "input" else frozenset()
        )
        for name, indices in by_part.items()
    ]


def _reached(parts: Parts, inputs: list[int]) -> frozenset[str]:
    """Return the names of the parts that the contexts of model inputs reach into."""
    plan = parts.plan
    starts = [index * plan.samples_per_tick for index in inputs]
    spans = [(start, start + plan.samples_to_first_tick) for start in starts]
    return frozenset(
        name for name, (first, last) in parts.spans.items() if any(a < last and first < b for a, b in spans)
    )


def _first_samples(plan: Plan, unit: str) -> tuple[int, int]:
    """Return the last sample of the first hop, frame or input, and the samples from one to the next."""
    framer, per_frame = plan.framer, plan.extractor.hops_per_frame
    if unit == "sample":
        return 0, 1
    if unit == "hop":
        return framer.window - 1, framer.hop
    if unit == "frame":
        return framer.window - 1 + framer.hop * (per_frame - 1), framer.hop * per_frame
    return plan.samples_to_first_tick - 1, plan.samples_per_tick
