"""Events that a pipeline sends over random streams, held against what the retention of its plan says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.audit.retention.leaving import most_events_an_hour
from anomsdk.audit.streams import Press, applied, random_streams
from anomsdk.core.event import COMPACT_BYTES, EVENT_BYTES, VERSION, VERSION_2, Event, Kind
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.core.reasons import Direction
from anomsdk.runtime.pipeline import Pipeline

_DIRECTION_SHIFT = 6


@dataclass(frozen=True)
class Sent:
    """Events of one stream.

    Parameters
    ----------
    stream : its name
    hours : its length in hours of signal and gaps
    events, most : number of its events, and the bound that the plan gives for these hours
    wrong : what contradicts the retention of the plan, a sentence each
    """

    stream: str
    hours: float
    events: int
    most: int
    wrong: tuple[str, ...]


def sent(plan: Plan, *, hops: int = 2000, seed: int = 0, engine: str | None = None) -> list[Sent]:
    """Run random streams without inputs from outside, and look at all that leaves.

    Parameters
    ----------
    plan : Plan
    hops : length of each stream in hops
    seed : of the streams, 0 or more
    engine : as in `anomsdk.Pipeline`
    """
    found = []
    for name, pieces in random_streams(plan, hops, seed).items():
        if any(isinstance(piece, Press) for piece in pieces):
            continue
        with Pipeline(plan, engine) as pipeline:
            results: list[Result] = []
            samples = 0
            for piece in pieces:
                if isinstance(piece, np.ndarray):
                    results += pipeline.process(piece)
                    samples += len(piece)
                elif isinstance(piece, int):
                    results += applied(pipeline, piece)[0]
                    samples += piece
        hours = samples / plan.rate_hz / 3600
        events = [event for result in results for event in result.events if event.kind != Kind.RESTART]
        most = int(most_events_an_hour(plan, hours))
        wrong = _wrong(plan, [event for result in results for event in result.events])
        if len(events) > most:
            wrong.append(f"{len(events)} events, and the plan allows {most}")
        if any(len(result.events) > 1 for result in results):
            wrong.append("a result has more than one event")
        found.append(Sent(name, hours, len(events), most, tuple(wrong)))
    return found


def _wrong(plan: Plan, events: Sequence[Event]) -> list[str]:
    """Return what the events have beyond the values that the retention of the plan counts."""
    layout = VERSION_2 if plan.is_supervised else VERSION
    reasons = {0} | {int(code) | way << _DIRECTION_SHIFT for code in plan.reasons.codes for way in Direction}
    wrong = []
    for number, event in enumerate(events):
        sizes = (len(bytes(event)), len(bytes(event.compacted())))
        if sizes != (EVENT_BYTES, COMPACT_BYTES):
            wrong.append(f"event {number} has {sizes} bytes, not {EVENT_BYTES} and {COMPACT_BYTES}")
        if (event.layout, event.plan_tag, event.sequence) != (layout, plan.tag, number & 0xFFFF):
            wrong.append(f"event {number}: layout, plan tag or sequence do not follow from the plan and the one before")
        if event.kind == Kind.ANOMALY and not set(event.reasons) <= reasons:
            wrong.append(f"event {number} has reasons that are not among those of the plan")
        if plan.ladder is None and event.level_tag != 0:
            wrong.append(f"event {number} has a level, and the plan has no ladder")
    return wrong
