"""Data that a device and a host keep beside the memory of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.core.diary import ROW
from anomsdk.core.event import EVENT_BYTES
from anomsdk.core.export import export_bytes
from anomsdk.core.ladder import ladder_bytes
from anomsdk.core.plan import Plan
from anomsdk.core.record import RECORD_BYTES
from anomsdk.cport.structs import learnt_bytes

_RESULT_BYTES = 12 + EVENT_BYTES
"""Bytes of anom_result: hop, score, number of events, and one event."""
_SLOTS = 2


@dataclass(frozen=True)
class Beyond:
    """Something that is kept outside of a pipeline's memory.

    Parameters
    ----------
    name : such as ``record``
    bytes : its bytes; None: they depend on the build or on the caller
    holds : contents in words
    kept : how long, and who wipes it
    """

    name: str
    bytes: int | None
    holds: str
    kept: str


def record_bytes(plan: Plan) -> int:
    """Return the bytes of a record of a plan, as ``anom_pipeline_record_bytes`` does."""
    return RECORD_BYTES + (0 if plan.ladder is None else ladder_bytes(plan.ladder)) + learnt_bytes(plan)


def beyond(plan: Plan) -> tuple[Beyond, ...]:
    """List what is kept beside the memory of a pipeline, on a device and on a host."""
    record = record_bytes(plan)
    state = "scores, counts and states, as the table has them; no sample and no feature"
    if plan.days is not None:
        state = "scores, counts and states, as the table has them, averages over days, and rows of 24 hours"
    rows = [
        Beyond(
            "blocks that are pushed",
            None,
            "raw samples: the caller's block, the DMA buffers and queues before it",
            "until the caller wipes them",
        ),
        Beyond(
            "result in C", _RESULT_BYTES, "hop, score and event of a tick", "until the caller polls again or wipes it"
        ),
        Beyond(
            "event queue",
            0,
            "nothing: an event that is due is a state of the supervisor, and is written when it is polled",
            "until the next poll",
        ),
        Beyond(
            "registers and unused stack",
            None,
            "whatever the last call computed with: samples, spectra, features",
            "until the next call, or until the caller overwrites them",
        ),
        Beyond("record", record, state, "until the caller deletes it; only where anom_pipeline_save is called"),
        Beyond(
            "flash slots",
            _SLOTS * record,
            f"{_SLOTS} records, where a device writes them in turn; flash keeps old ones until it erases them",
            "until the device erases them",
        ),
    ]
    if plan.diary is not None:
        means = "means over a slot of the diary: scores, movement of a motion plan, coverage; no sample"
        rows.append(
            Beyond("row of the diary", ROW.size, means, "until the caller wipes it, or its receiver deletes it")
        )
    if plan.ladder is not None:
        counts = "counts of each rung, the number of the device and tags of the plan; no score, no time of day"
        kept = "until the receiver deletes it; only where anom_pipeline_export is called"
        rows.append(Beyond("export", export_bytes(plan.ladder.n_rungs), counts, kept))
    rows.append(
        Beyond(
            "results of engine native",
            None,
            "hops, scores and events of the ticks of a block, as results",
            "until the caller drops them; the buffers behind them are zeroed before the call returns, except for hops",
        )
    )
    rows.append(
        Beyond(
            "arrays of the engines reference and tflite",
            None,
            "samples, spectra, features, inputs and outputs of the model",
            "within a call; then wiped where the C port was built, else until the memory is used again",
        )
    )
    return tuple(rows)
