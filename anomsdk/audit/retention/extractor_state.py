"""State of the extractors: the parts of a pipeline's memory that last from one window to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from anomsdk.audit.retention.kept import DAY, RESET, Holds
from anomsdk.audit.retention.placing import Placed, buffer, filled, parts_of
from anomsdk.core.bands import BandsPlan
from anomsdk.core.days import DaysPlan
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.figures import N_FIGURES
from anomsdk.core.profile import MOST_SEEN
from anomsdk.cport.extractors import EXTRACTORS as IN_C


def _nothing(extractor: ExtractorPlan, size: int) -> Iterator[Placed]:
    """Yield nothing: each window is forgotten with its frame."""
    yield from ()


def _gathered(extractor: BandsPlan, size: int) -> Iterator[Placed]:
    """Yield the sums of the frame that is under way."""
    return filled("extractor.state", _sums(IN_C[extractor.kind].sums(extractor)), size)


def _sums(n_sums: int) -> Iterator[Placed]:
    yield from parts_of("extractor.state", "gathered", 4)
    for band in range(n_sums):
        yield from parts_of(f"extractor.state.sums[{band}]", "anom_energy", 4)


def _learnt(extractor: DaysPlan, size: int) -> Iterator[Placed]:
    """Yield the profile, its counts and the rows of a day."""
    return filled("extractor.state", _days(extractor), size)


def _days(extractor: DaysPlan) -> Iterator[Placed]:
    """Yield what is kept in the order of `anomsdk.core.days.Days.save`, and the alarm, which no record has there."""
    n, slots = extractor.profile.columns, extractor.slots
    parts = (
        ("slot", 1, 2, Holds.POSITION, RESET, "slot of the day of the next row"),
        ("frozen", 1, 2, Holds.COUNTS, RESET, "slots for which an alarm has frozen the profile"),
        ("zeros", 1, 2, Holds.COUNTS, RESET, "rows of nothing but 0 in a row"),
        ("own", N_FIGURES, 2, Holds.PROFILE, RESET, "moving mean of each figure of a day"),
        ("rows", slots * n, 2, Holds.FEATURES, DAY, "rows of the last 24 hours"),
        ("total_anchor", n, 2, Holds.PROFILE, RESET, "mean total of the first days"),
        ("totals", MOST_SEEN * n, 2, Holds.PROFILE, RESET, f"totals of the last {MOST_SEEN} days"),
        ("level", slots * n, 2, Holds.PROFILE, RESET, "moving mean of each slot of the day"),
        ("spread", slots * n, 2, Holds.PROFILE, RESET, "moving mean of the distance from it"),
        ("anchor", slots * n, 2, Holds.PROFILE, RESET, "that mean at the end of the first days"),
        ("counts", 4, 1, Holds.COUNTS, RESET, "days that were learnt"),
        ("seen", slots, 1, Holds.COUNTS, RESET, "days that each slot has learnt"),
        ("alarm", 1, 1, Holds.COUNTS, RESET, "whether the reference rung is in alarm"),
    )
    for name, length, size, holds, kept, what in parts:
        yield buffer(f"extractor.state.{name}", length * size, holds, kept, what)


EXTRACTORS: dict[str, Callable[[Any, int], Iterator[Placed]]] = {
    "logmel": _nothing,
    "bands": _gathered,
    "motion": _nothing,
    "external": _nothing,
    "days": _learnt,
}
"""Kind of extractor -> plan section and bytes of its state -> what the state holds."""
