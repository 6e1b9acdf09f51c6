"""Retention table of a plan: every byte of the memory that a pipeline asks for, and what becomes of it."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from anomsdk.audit.retention.extractor_state import EXTRACTORS
from anomsdk.audit.retention.kept import CALL, CONTEXT, RESET, WINDOW, Holds
from anomsdk.audit.retention.members import POINTER_TYPE, Member
from anomsdk.audit.retention.placing import Placed, buffer, filled, parts_of, places
from anomsdk.core.plan import Plan
from anomsdk.cport.extractors import SAMPLE
from anomsdk.cport.layout import REFERENCE, layout
from anomsdk.plans.extractors import EXTRACTORS as IN_WORDS

_GIVEN = Member("has_given", "uint16_t", Holds.COUNTS, RESET, "1 after the first tick since a gap; a day may have none")
_LEVEL_IN_FORCE = Member("level", POINTER_TYPE, Holds.COUNTS, RESET, "alarm level in force, which the ladder chooses")


@dataclass(frozen=True)
class Field:
    """Some bytes of a pipeline's memory; a row of the retention table.

    Parameters
    ----------
    name : such as ``framer.samples`` for a buffer and ``pipeline.framer.have`` for a member of a struct
    offset, size : bytes from the beginning of the memory, and bytes
    holds : contents
    ms : longest time in ms for which the contents stay, in a stream without gaps, see `Kept`; None: no limit but the
        event of ``wiped_by``
    wiped_by : event that wipes or replaces the bytes
    what : contents in words
    """

    name: str
    offset: int
    size: int
    holds: Holds
    ms: float | None
    wiped_by: str
    what: str

    @property
    def end(self) -> int:
        """Offset of the first byte behind the field."""
        return self.offset + self.size


def table(plan: Plan, pointer_bytes: int = 4) -> tuple[Field, ...]:
    """Return the retention table of a plan: its fields follow one another without a space between them.

    Parameters
    ----------
    plan : Plan
    pointer_bytes : 4 for the microcontrollers of `anomsdk.mcu`, 8 for engine native on a 64-bit machine

    Returns
    -------
    fields : in the order of their offsets; their sizes sum up to the bytes that ``anom_pipeline_bytes`` returns

    Examples
    --------
    >>> import anomsdk
    >>> field = field_at(anomsdk.reference_model("audio_scene"), 144)
    >>> field.name, field.holds.value, field.ms
    ('framer.samples', 'raw samples', 32.0)
    """
    return _cached(plan, pointer_bytes)


def field_at(plan: Plan, offset: int, pointer_bytes: int = 4) -> Field:
    """Return the field that holds a byte of a pipeline's memory.

    Parameters
    ----------
    plan : Plan
    offset : of the byte from the beginning of the memory, below the bytes of the pipeline
    pointer_bytes : as for `table`

    Raises
    ------
    IndexError : the pipeline has no byte at this offset
    """
    fields = table(plan, pointer_bytes)
    if not 0 <= offset < fields[-1].end:
        raise IndexError(f"a pipeline of {fields[-1].end} bytes has no byte at {offset}")
    return fields[bisect.bisect_right(fields, offset, key=lambda field: field.offset) - 1]


@lru_cache(maxsize=8)
def _cached(plan: Plan, pointer_bytes: int) -> tuple[Field, ...]:
    """Return the table; those who name many bytes ask for it again and again."""
    found: list[Field] = []
    at = 0
    for placed in _parts(plan, pointer_bytes):
        kept = placed.member.kept
        found.append(
            Field(placed.name, at, placed.size, placed.member.holds, kept.ms(plan), kept.wiped_by, placed.member.what)
        )
        at += placed.size
    return tuple(found)


def _parts(plan: Plan, pointer_bytes: int) -> Iterator[Placed]:
    """Yield all parts of the memory in order; their offsets are not set."""
    alert = [part for part in places("anom_pipeline", pointer_bytes) if part.name.startswith("alert.")]
    for part in places("anom_pipeline", pointer_bytes):
        if part not in alert:
            of_days = plan.days is not None and part.name == "context.has_given"
            yield part._replace(name=f"pipeline.{part.name}", member=_GIVEN if of_days else part.member)
    if plan.is_supervised:
        yield from _supervisor(plan, pointer_bytes)
    else:
        yield from (part._replace(name=f"pipeline.{part.name}") for part in alert)
    if plan.diary is not None:
        yield from parts_of("diary", "anom_diary", pointer_bytes)
    if plan.baseline.reference_score is not None:
        yield from filled("reference", parts_of("reference", "anom_rung", pointer_bytes), REFERENCE)
    yield from _buffers(plan)


def _supervisor(plan: Plan, pointer_bytes: int) -> Iterator[Placed]:
    """Yield the supervisor of a plan, which stands in the place of the alert, with health and ladder behind it."""
    for part in parts_of("supervisor", "anom_supervisor", pointer_bytes):
        in_force = plan.ladder is not None and part.name.endswith("alert.rung.level")
        yield part._replace(member=_LEVEL_IN_FORCE) if in_force else part
    if plan.health is not None:
        yield from parts_of("health", "anom_health", pointer_bytes)
        for column in range(plan.columns):
            yield from parts_of(f"health.column[{column}]", "anom_health_column", pointer_bytes)
    if plan.ladder is not None:
        yield from filled("ladder", _ladder(plan.ladder.n_rungs, pointer_bytes), None)


def _ladder(n_rungs: int, pointer_bytes: int) -> Iterator[Placed]:
    yield from parts_of("ladder", "anom_ladder", pointer_bytes)
    for rung in range(n_rungs):
        yield from parts_of(f"ladder.counts[{rung}]", "anom_ladder_counts", pointer_bytes)
    for name, size, what in (
        ("states", 4, "votes or calm ticks, and ticks in a row"),
        ("quiet", 1, "days since the last day in alarm, up to the gap between episodes"),
    ):
        for rung in range(n_rungs):
            yield buffer(f"ladder.{name}[{rung}]", size, Holds.COUNTS, RESET, what)


def _buffers(plan: Plan) -> Iterator[Placed]:
    """Yield the buffers behind the structs, in the order of `Layout`."""
    sizes, extractor = layout(plan), plan.extractor
    words = IN_WORDS[extractor.kind]
    holds, what = Holds.SAMPLES, "samples of one window"
    if not words.keeps_window:
        holds, what = Holds.FEATURES, "the row of features that the next poll takes"
    samples = buffer("framer.samples", plan.framer.window * plan.columns * SAMPLE, holds, WINDOW, what)
    yield from filled("framer.samples", iter([samples]), sizes.samples)
    yield from EXTRACTORS[extractor.kind](extractor, sizes.state)
    n = extractor.n_features
    history = "feature frames of the context, without the latest"
    frames = buffer("context.history", (plan.context.frames - 1) * n, Holds.FEATURES, CONTEXT, history)
    yield from filled("context.history", iter([frames] if frames.size else []), sizes.history)
    latest = buffer("features", n, Holds.NOTHING, CALL, "the latest feature frame, during a call")
    yield from filled("features", iter([latest]), sizes.features)
    used = f"during a call: {words.scratch}; then inputs, outputs and activations of the model"
    yield buffer("scratch", sizes.scratch, Holds.NOTHING, CALL, used)
