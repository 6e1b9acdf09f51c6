"""Pipelines in a dump of memory, found by the pointers in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.retention.table import Field, table
from anomsdk.core.plan import Plan

_CLOSED, _IS_CLOSED = 65536, 32768
"""Value that the C port's framer adds to ``have`` while an input waits, and the smallest ``have`` with it."""


@dataclass(frozen=True)
class Found:
    """Pipeline in a dump.

    Parameters
    ----------
    offset : offset of its first byte in the dump
    base : address of the first byte of the dump, as its pointers say
    plan : address of the plan that it runs
    samples : number of samples in its framer
    """

    offset: int
    base: int
    plan: int
    samples: int


def fields_of(plan: Plan) -> dict[str, Field]:
    """Fields of a pipeline's memory on a 32-bit processor, by name."""
    return {field.name: field for field in table(plan, 4)}


def pipelines(dump: bytes, plan: Plan) -> list[Found]:
    """Find the pipelines of a plan in a dump of a little-endian 32-bit processor.

    Four pointers in a pipeline lead to buffers of the same memory, whose distances the plan says; the base of the dump
    need not be known.
    """
    fields = fields_of(plan)
    size = max(field.end for field in fields.values())
    words = np.frombuffer(dump[: len(dump) & ~3], "<u4").astype(np.int64)
    n = len(words) - (size + 3) // 4 + 1
    if n <= 0:
        return []

    def at(name: str) -> NDArray[np.int64]:
        first = fields[name].offset // 4
        return words[first : first + n]

    start = at("pipeline.framer.samples") - _buffer(fields, "framer.samples")
    holds = (start > 0) & (start % 4 == 0)
    for pointer, buffer in (
        ("pipeline.context.history", "context.history"),
        ("pipeline.features", "features"),
        ("pipeline.scratch", "scratch"),
        ("pipeline.extractor.scratch", "scratch"),
    ):
        holds &= at(pointer) - _buffer(fields, buffer) == start
    holds &= at("pipeline.framer.columns") == plan.columns
    holds &= at("pipeline.n_inputs") == plan.n_inputs
    found = []
    for index in np.flatnonzero(holds):
        have = int(at("pipeline.framer.have")[index])
        have = max(0, have - _CLOSED) if have >= _IS_CLOSED else have
        if have <= plan.framer.window:
            offset = 4 * int(index)
            found.append(Found(offset, int(start[index]) - offset, int(at("pipeline.plan")[index]), have))
    return found


def _buffer(fields: dict[str, Field], name: str) -> int:
    """Offset of a buffer; one that is empty begins where the next one does."""
    if name in fields:
        return fields[name].offset
    if name != "context.history":
        raise KeyError(name)
    return fields["features"].offset
