"""Engine native against the reference on days: every result and every record, over any plans and any diaries.

`make test-deep` runs 100,000 days of it.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np

import anomsdk
from anomsdk.core.event import NOT_READY
from anomsdk.cport.layout import in_memory, layout, pipeline_bytes
from anomsdk.cport.structs import supervisor_bytes
from anomsdk.runtime.engines.native import CPlan, passes_selftest
from anomsdk.runtime.golden import golden_digest
from anomsdk.runtime.native_module import load_native
from tests import scalar
from tests.support.day_plans import any_days_plan, any_diary
from tests.support.supervised import changed, restored

DAYS = int(os.environ.get("ANOMSDK_DEEP_DAYS", "2000"))
"""Days to compare, at least."""
PER_PLAN = 70
ENGINES = ("reference", "native")


def pieces_of(rows, slots, rng):
    """Blocks of rows, and between them gaps (numbers), records to save or restore, and a reset (words)."""
    start, found = 0, []
    while start < len(rows):
        size = int(rng.choice([1, 2, slots, 5 * slots]))
        found.append(rows[start : start + size])
        start += size
        if rng.random() < 0.15:
            found.append(int(rng.choice([1, 2, slots - 1, slots, 3 * slots + 1, 2**31 - 1])))
        if rng.random() < 0.3:
            found += ["save"] if rng.random() < 0.6 else ["save", "restore"]
        if rng.random() < 0.02:
            found.append(str(rng.choice(["forge", "reset"])))
    return found


def act(pipeline, piece, records, seed):
    if isinstance(piece, int):
        return pipeline.gap(piece)
    if not isinstance(piece, str):
        return pipeline.process(piece)
    if piece == "save":
        records.append(pipeline.state())
        return records[-1]
    if piece in ("restore", "forge"):
        return restored(pipeline, changed(records, 0, "forged" if piece == "forge" else "", seed)) if records else None
    return pipeline.reset()


def compare(plan, days, seed, happened):
    """Use a pipeline of each engine in the same way for so many days, and count what happened."""
    rng = np.random.default_rng(seed)
    pipelines, records = [anomsdk.Pipeline(plan, engine) for engine in ENGINES], ([], [])
    ours = pipelines[0]._engine._extractor
    for index, piece in enumerate(pieces_of(any_diary(plan, days, rng), plan.extractor.slots, rng)):
        found = [act(*each, index) for each in zip(pipelines, [piece] * 2, records, strict=True)]
        assert found[0] == found[1], (seed, index)
        assert pipelines[0].health == pipelines[1].health, (seed, index)
        if isinstance(found[0], list):
            happened["ticks"] += sum(result.judged for result in found[0])
            events = [event for result in found[0] for event in result.events]
            happened["learning"] += sum(event.health >> NOT_READY & 1 for event in events)
            happened["events"] += len(events)
        elif isinstance(found[0], tuple):
            happened["refused" if found[0][0] else "restored"] += 1
        elif isinstance(found[0], bytes):
            happened["saved"] += 1
            happened["frozen"] += ours._frozen > 0
            happened["held"] += ours._frozen == plan.extractor.profile.hold
    states = [pipeline.state() for pipeline in pipelines]
    assert states[0] == states[1], seed
    for pipeline in pipelines:
        pipeline.close()


def test_any_plan_and_any_diary(native, tmp_path):
    happened = Counter()
    for seed in range(-(-DAYS // PER_PLAN)):
        compare(any_days_plan(tmp_path / str(seed), seed), PER_PLAN, seed, happened)
    if DAYS >= 2000:
        rare = {name for name in ("refused", "frozen", "held") if happened[name] < 3}
        assert rare == set(), happened
        assert min(happened[name] for name in ("ticks", "learning", "events", "saved", "restored")) > 100, happened


def test_memory_and_self_test(native, tmp_path):
    """The memory that is planned is what C takes, and the self-test of C finds the digest of the reference."""
    module = load_native()
    for seed in range(6):
        plan = any_days_plan(tmp_path / str(seed), seed)
        planned = pipeline_bytes(8) + in_memory(supervisor_bytes(plan), 8) + layout(plan).buffers
        assert module.lib.anom_pipeline_bytes(CPlan(plan, module).pointer) == planned
        digest = golden_digest(plan, "reference")[0]
        assert passes_selftest(plan, digest)
        assert not passes_selftest(plan, digest[1:] + "0")


def test_scalars(tmp_path):
    """The reference against tests/scalar.py: ticks, events and records of whole pipelines, with gaps and restarts."""
    happened = Counter()
    for seed in range(8):
        plan, rng = any_days_plan(tmp_path / str(seed), seed), np.random.default_rng(seed)
        scalars, rows = scalar.pipeline_of(plan.canonical_bytes), any_diary(plan, 15, rng)
        with anomsdk.Pipeline(plan, "reference") as pipeline:
            for block in np.array_split(rows, 25):
                ours, theirs = pipeline.process(block), scalars.process(block.tolist())
                if rng.random() < 0.2:
                    n = int(rng.choice([1, 2, plan.extractor.slots, 5000]))
                    ours, theirs = ours + pipeline.gap(n), theirs + (scalars.gap(n) or [])
                assert [_fields(each) for each in ours] == [_fields(each) for each in theirs], seed
                record = pipeline.state()
                assert record == scalars.state(), seed
                if rng.random() < 0.2:
                    pipeline.restore(record)
                    assert scalars.restore(record)
                    scalars.process([])
                happened["ticks"] += len(ours)
                happened["events"] += sum(len(result.events) for result in ours)
    assert min(happened["ticks"], happened["events"]) > 100, happened


def _fields(result):
    return result.hop, result.score, result.judged, result.void, [bytes(event) for event in result.events]
