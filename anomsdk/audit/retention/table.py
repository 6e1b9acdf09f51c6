"""Retention table of a plan: every byte of the memory that a pipeline asks for, and what becomes of it."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from anomsdk.audit.retention.kept import CALL, CONTEXT, RESET, WINDOW, Holds, Kept
from anomsdk.audit.retention.members import POINTER_TYPE, Member
from anomsdk.audit.retention.placing import Placed, padding, places
from anomsdk.core.plan import Plan
from anomsdk.cport.extractors import EXTRACTORS, SAMPLE
from anomsdk.cport.layout import REFERENCE, layout
from anomsdk.plans.extractors import EXTRACTORS as IN_WORDS

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
            yield part._replace(name=f"pipeline.{part.name}")
    if plan.is_supervised:
        yield from _supervisor(plan, pointer_bytes)
    else:
        yield from (part._replace(name=f"pipeline.{part.name}") for part in alert)
    if plan.baseline.is_on:
        yield from _filled("reference", _struct("reference", "anom_rung", pointer_bytes), REFERENCE)
    yield from _buffers(plan)


def _supervisor(plan: Plan, pointer_bytes: int) -> Iterator[Placed]:
    """Yield the supervisor of a plan, which stands in the place of the alert, with health and ladder behind it."""
    for part in _struct("supervisor", "anom_supervisor", pointer_bytes):
        in_force = plan.ladder is not None and part.name.endswith("alert.rung.level")
        yield part._replace(member=_LEVEL_IN_FORCE) if in_force else part
    if plan.health is not None:
        yield from _struct("health", "anom_health", pointer_bytes)
        for column in range(plan.columns):
            yield from _struct(f"health.column[{column}]", "anom_health_column", pointer_bytes)
    if plan.ladder is not None:
        yield from _filled("ladder", _ladder(plan.ladder.n_rungs, pointer_bytes), None)


def _ladder(n_rungs: int, pointer_bytes: int) -> Iterator[Placed]:
    yield from _struct("ladder", "anom_ladder", pointer_bytes)
    for rung in range(n_rungs):
        yield from _struct(f"ladder.counts[{rung}]", "anom_ladder_counts", pointer_bytes)
    for name, size, what in (
        ("states", 4, "votes or calm ticks, and ticks in a row"),
        ("quiet", 1, "days since the last day in alarm, up to the gap between episodes"),
    ):
        for rung in range(n_rungs):
            yield _buffer(f"ladder.{name}[{rung}]", size, Holds.COUNTS, RESET, what)


def _buffers(plan: Plan) -> Iterator[Placed]:
    """Yield the buffers behind the structs, in the order of `Layout`."""
    sizes, extractor = layout(plan), plan.extractor
    words = IN_WORDS[extractor.kind]
    holds, what = Holds.SAMPLES, "samples of one window"
    if not words.keeps_window:
        holds, what = Holds.FEATURES, "the row of features that the next poll takes"
    samples = _buffer("framer.samples", plan.framer.window * plan.columns * SAMPLE, holds, WINDOW, what)
    yield from _filled("framer.samples", iter([samples]), sizes.samples)
    if n_sums := EXTRACTORS[extractor.kind].sums(extractor):
        yield from _filled("extractor.state", _gathered(n_sums), sizes.state)
    n = extractor.n_features
    history = "feature frames of the context, without the latest"
    frames = _buffer("context.history", (plan.context.frames - 1) * n, Holds.FEATURES, CONTEXT, history)
    yield from _filled("context.history", iter([frames] if frames.size else []), sizes.history)
    latest = _buffer("features", n, Holds.NOTHING, CALL, "the latest feature frame, during a call")
    yield from _filled("features", iter([latest]), sizes.features)
    used = f"during a call: {words.scratch}; then inputs, outputs and activations of the model"
    yield _buffer("scratch", sizes.scratch, Holds.NOTHING, CALL, used)


def _gathered(n_sums: int) -> Iterator[Placed]:
    """Yield what an extractor keeps for its next frame."""
    yield from _struct("extractor.state", "gathered", 4)
    for band in range(n_sums):
        yield from _struct(f"extractor.state.sums[{band}]", "anom_energy", 4)


def _struct(name: str, struct: str, pointer_bytes: int) -> Iterator[Placed]:
    return (part._replace(name=f"{name}.{part.name}") for part in places(struct, pointer_bytes))


def _buffer(name: str, size: int, holds: Holds, kept: Kept, what: str) -> Placed:
    return Placed(name, 0, size, Member(name, "uint8_t", holds, kept, what))


def _filled(name: str, parts: Iterator[Placed], size: int | None) -> Iterator[Placed]:
    """Yield parts and the padding behind them, up to a size in bytes; None: up to a multiple of 8."""
    used = 0
    for part in parts:
        used += part.size
        yield part
    rest = -used % 8 if size is None else size - used
    assert rest >= 0, f"{name} has {used} bytes, more than {size}"
    if rest:
        yield padding(name, 0, rest)
