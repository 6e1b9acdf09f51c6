"""Engine native against the reference on plans with an alarm or a health section: every result, after every call.

`make test-deep` runs a million hops of it.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter

import numpy as np
import pytest

import anomsdk
from anomsdk.core.duty import is_pause
from anomsdk.core.event import Condition, Input, Kind, Promise, Restart, State
from anomsdk.core.rung import levels
from anomsdk.runtime.engines.native import passes_selftest
from anomsdk.runtime.golden import golden_digest
from tests.support.anything import any_plan
from tests.support.make import FOLLOWED
from tests.support.supervised import (
    any_alarm,
    any_health,
    any_promises,
    any_steps,
    laddered,
    plain,
    relevelled,
    supervised,
    use,
)

HOPS = int(os.environ.get("ANOMSDK_DEEP_HOPS", "48000"))
"""Hops to compare, at least; three in seven of them with a ladder."""
PER_STREAM = 250 if HOPS < 100_000 else 2500
KINDS = ("external", "external", "external", "external", "motion", "motion", "bands", "logmel")


class Pair:
    """A pipeline on each of the two engines, used in the same way; every answer must be the same."""

    def __init__(self, plan):
        self.happened, self.records = Counter(), ([], [])
        self._open(plan)

    def _open(self, plan):
        self.plan = plan
        self.pipelines = [anomsdk.Pipeline(plan, engine) for engine in ("reference", "native")]

    def call(self, name, *arguments):
        if name == "gap":
            pauses = is_pause(self.plan.duty, *arguments) and self.pipelines[0]._engine._context.has_given
            self.happened["declared pause" if pauses else "gap"] += 1
        reference, native = (
            use(pipeline, name, arguments, records)
            for pipeline, records in zip(self.pipelines, self.records, strict=True)
        )
        assert reference == native, (name, arguments)
        for read in ("health", "level", *["annunciation"] * self.plan.is_supervised):
            ours, theirs = (getattr(pipeline, read) for pipeline in self.pipelines)
            assert ours == theirs, (name, read)
        if name in ("save", "relevel"):
            return reference
        if name == "export":
            self.happened[f"export {'refused' if isinstance(reference, str) else 'made'}"] += 1
            return reference
        if name == "restore":
            refused, reference = reference
            self.happened["refused" if refused else "restored"] += 1
        if name == "take_downlink":
            refused, reference = reference
            self.happened[f"downlink {'refused' if refused else 'taken'}"] += 1
        by_time = self.plan.timing.clear_after and self.plan.timing.off_delay == 2**31 - 1
        for result in reference or ():
            self.happened["void"] += result.void
            self.happened.update(what for event in result.events for what in kinds_of(event))
            over = [event for event in result.events if event.kind == Kind.ANOMALY and event.state == State.NORMAL]
            self.happened["cleared by time"] += bool(by_time and over)
        return reference

    def relevel(self, plan):
        """Go on under another plan with the same score_id, in other memory, each engine with the other one's record."""
        self.call("relevel")
        self.close()
        self._open(plan)
        self.records = self.records[::-1]
        self.call("restore", 0, "", 0)

    def close(self):
        for pipeline in self.pipelines:
            pipeline.close()


def kinds_of(event):
    """What an event says, in one or two words each."""
    yield event.kind.name
    yield event.state.name
    if event.condition is not None:
        yield f"{event.condition.name} {'on' if event.active else 'off'}"
    if event.input is not None:
        yield event.input.name
    if event.escalated:
        yield "escalated"
    if event.restart is not None:
        yield event.restart.name
    if event.promise is not None:
        yield event.promise.name
    if event.level_tag > 0:
        yield f"{event.kind.name} of a rung"


def compare(bases, folder, seed, hops):
    """Use a plan drawn from ``seed`` in a way drawn from it, on both engines; ``bases`` keeps the plans it is made from.

    Returns
    -------
    Counter of what has happened
    """
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    base = (kind, seed // len(KINDS) % 4)
    if base not in bases:
        bases[base] = any_plan(folder / f"{kind}-{seed}", kind, seed)
    plan = (plain if seed % 7 == 6 else laddered if seed % 7 in (1, 3, 5) else supervised)(bases[base], rng)
    pair = Pair(plan)
    try:
        for name, arguments in any_steps(plan, hops, rng):
            if name == "relevel":
                pair.relevel(relevelled(plan, rng))
            else:
                pair.call(name, *arguments)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    finally:
        pair.close()
    return pair.happened


def test_any_plan_and_any_use(tmp_path, native, figure):
    """What this asserts last is that everything has happened in it, not only that nothing differed."""
    hops, bases, seed, happened, begin = 0, {}, 0, Counter(), time.perf_counter()
    while hops < HOPS:
        happened += compare(bases, tmp_path, seed, PER_STREAM)
        hops, seed = hops + PER_STREAM, seed + 1
    rate = hops / (time.perf_counter() - begin)
    figure(f"supervised plans: {hops:,} hops of {seed} plans, {rate:,.0f} hops a second through both engines")
    expected = [kind.name for kind in Kind] + [given.name for given in Input] + ["escalated", "void"]
    expected += [news.name for news in Promise] + ["ANOMALY of a rung", "export made", "export refused"]
    expected += ["downlink taken", "downlink refused"]
    expected += [began.name for began in Restart] + ["declared pause", "gap", "cleared by time", "restored", "refused"]
    expected += [f"{condition.name} {way}" for condition in Condition for way in ("on", "off")]
    expected.remove("WARM_UP on")  # a restart says it
    assert {name for name in expected if happened[name] == 0} == set()


@pytest.mark.parametrize("kind", sorted(FOLLOWED))
def test_golden_digest_and_selftest(plans, native, kind):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        plan = supervised(plans[kind], rng)
        digest, ticks, events = golden_digest(plan, "reference")
        assert golden_digest(plan, "native") == (digest, ticks, events)
        assert passes_selftest(plan, digest), seed
        assert events > 0


def test_results_do_not_depend_on_how_blocks_are_cut(plans, native):
    for kind, seed in (("external", 1), ("motion", 2), ("bands", 3)):
        rng = np.random.default_rng(seed)
        plan = supervised(plans[kind], rng)
        steps = any_steps(plan, 300, rng)
        found = []
        for size in (1 if kind == "external" else 37, 10**9):
            with anomsdk.Pipeline(plan, "native") as pipeline:
                results, records = [], []
                for name, arguments in steps:
                    if name == "process":
                        (block,) = arguments
                        for start in range(0, max(1, len(block)), size):
                            results += pipeline.process(block[start : start + size])
                    else:
                        found_by_step = use(pipeline, name, arguments, records) or []
                        results += [found_by_step] if name in ("save", "restore", "relevel") else found_by_step
                found.append(results)
        assert found[0] == found[1]


def test_hops_wrap(plans, native):
    """The hop count passes 2**32, with an alarm up, a silence running and heartbeats."""
    rng = np.random.default_rng(5)
    plan = supervised(plans["external"], rng)
    timing = dataclasses.replace(plan.timing, m=1, n=1, on_delay=0)
    alarm = dataclasses.replace(any_alarm(rng), latch=1, cancel=0, heartbeat=10, repeat=3, escalate_after=40)
    health = dataclasses.replace(any_health(plan, rng), raise_blocks=np.zeros(15, np.uint16), warm_up=0)
    sections = {"alarm": alarm, "health": health, "timing": timing, "levels": levels(1, timing)}
    plan = dataclasses.replace(plan, **sections)
    pair = Pair(plan)
    noise = rng.integers(-3000, 3000, (60, plan.columns)).astype(np.int16)
    hops = [result.hop for result in pair.call("process", noise)]
    for n in (2**31 - 1, 2**31 - 90):
        hops += [result.hop for result in pair.call("gap", n)]
    pair.call("silence", 5)
    hops += [result.hop for result in pair.call("process", noise)]
    pair.close()
    assert max(hops) > 2**32 - 50 and hops[-1] < 100
    assert pair.happened["HEARTBEAT"] > 5 and pair.happened["REPEAT"] > 5 and pair.happened["SILENCE_OVER"] == 1


def test_sequence_wraps(plans, native):
    """An event more than 65,536: the sequence begins again at 0."""
    pair = Pair(supervised(plans["external"], np.random.default_rng(0)))
    pair.call("process", np.zeros((0, pair.plan.columns), np.int16))
    reference, native_pipeline = pair.pipelines
    while True:
        (ours,), (theirs,) = reference.test(), native_pipeline.test()
        if ours.events[0].sequence == 65535:
            break
    assert ours == theirs
    assert [pair.call("test")[0].events[0].sequence for _ in range(2)] == [0, 1]
    pair.close()


def test_many_events_in_one_block(plans, native):
    """More events without a tick than the native engine takes at once."""
    plan = plans["external"]
    alarm = dataclasses.replace(any_alarm(np.random.default_rng(0)), heartbeat=1)
    pair = Pair(dataclasses.replace(plan, alarm=alarm, folder=None))
    results = pair.call("process", np.zeros((500, plan.columns), np.int16))
    assert sum(not result.judged for result in results) > 500
    pair.close()


@pytest.fixture
def device(plans, native):
    """A pipeline of C with all sections, used as firmware uses it: lib, the pipeline, and a poll until nothing is left."""
    rng = np.random.default_rng(3)
    plan = plans["external"]
    plan = dataclasses.replace(plan, alarm=any_alarm(rng), health=any_health(plan, rng), folder=None)
    engine = anomsdk.Pipeline(plan, "native")._engine
    ffi, result = engine._ffi, engine._ffi.new("anom_result *")

    def poll():
        found = []
        while engine._lib.anom_pipeline_poll(engine._pipeline, result) > 0:
            found += (
                [anomsdk.Event.from_bytes(bytes(ffi.buffer(result.events[0].bytes)))] if result.n_events else [None]
            )
        return found

    poll()
    return engine, poll, np.zeros((8, plan.columns), np.int16)


def test_inputs_wait_in_their_order_and_hold_samples_back(device):
    engine, poll, rows = device
    lib, pipeline = engine._lib, engine._pipeline
    block = engine._ffi.from_buffer("int16_t[]", rows)
    assert lib.anom_pipeline_push(pipeline, block, 8) == 1, "a window is one row"
    assert [lib.anom_pipeline_test(pipeline), lib.anom_pipeline_silence(pipeline, 7)] == [1, 1]
    assert lib.anom_pipeline_missing(pipeline, 9) == lib.anom_pipeline_clock(pipeline, 9) == 0, "a number waits already"
    assert lib.anom_pipeline_out_of_service(pipeline, 1) == 1
    assert lib.anom_pipeline_test(pipeline) == 0, "three wait"
    assert lib.anom_pipeline_push(pipeline, block, 8) == 0
    assert [event.input for event in poll() if event and event.input] == [
        Input.TEST,
        Input.SILENCE,
        Input.OUT_OF_SERVICE,
    ]
    assert lib.anom_pipeline_push(pipeline, block, 8) == 1
    assert lib.anom_pipeline_annunciation(pipeline) & (lib_bit("SILENCED") | lib_bit("OUT_OF_SERVICE"))


def lib_bit(name):
    return int(anomsdk.core.alarm.Annunciation[name])


def test_a_gap_waits_behind_the_inputs_and_is_never_refused(device):
    engine, poll, rows = device
    lib, pipeline = engine._lib, engine._pipeline
    for _ in range(3):
        assert lib.anom_pipeline_test(pipeline) == 1
    for n in (5, 2**31 - 1, 7):
        lib.anom_pipeline_gap(pipeline, n)
    assert lib.anom_pipeline_acknowledge(pipeline) == 0, "a gap waits"
    block = engine._ffi.from_buffer("int16_t[]", rows)
    assert lib.anom_pipeline_push(pipeline, block, 1) == 0
    hops = [event.hop for event in poll() if event.input == Input.TEST]
    assert hops == [0, 0, 0]
    assert pipeline.framer.next_hop == 2**31 - 1, "together they are one gap of the largest size"
    assert lib.anom_pipeline_push(pipeline, block, 1) == 1


def test_an_input_that_cannot_be_is_refused_with_a_code(device, plans):
    engine, poll, _ = device
    lib, pipeline = engine._lib, engine._pipeline
    assert lib.anom_pipeline_silence(pipeline, 2**31) == lib.ANOM_ERROR_RANGE
    for name in ("out_of_service", "supply", "self_test"):
        for argument in (-1, 2):
            assert getattr(lib, f"anom_pipeline_{name}")(pipeline, argument) == lib.ANOM_ERROR_RANGE
    assert poll() == [], "nothing was done"
    without = anomsdk.Pipeline(plans["external"], "native")._engine
    assert lib.anom_pipeline_acknowledge(without._pipeline) == lib.ANOM_ERROR_SECTION
    assert lib.anom_pipeline_annunciation(without._pipeline) == lib.anom_pipeline_health(without._pipeline) == 0
    alarm = any_alarm(np.random.default_rng(0))
    alarm_only = anomsdk.Pipeline(dataclasses.replace(plans["external"], alarm=alarm, folder=None), "native")._engine
    assert lib.anom_pipeline_supply(alarm_only._pipeline, 1) == lib.ANOM_ERROR_SECTION
    assert lib.anom_pipeline_test(alarm_only._pipeline) == 1


def test_reset_leaves_nothing_of_the_signal(device):
    """The last value of a column and what inputs said are part of what is wiped."""
    engine, poll, rows = device
    rows[:] = 0x5A5A
    block = engine._ffi.from_buffer("int16_t[]", rows)
    engine._lib.anom_pipeline_push(engine._pipeline, block, 1)
    poll()
    assert bytes(engine._memory).find(b"\x5a\x5a") >= 0, "health keeps the last value"
    engine._lib.anom_pipeline_silence(engine._pipeline, 0x5A5A5A5A)
    engine.reset()
    assert bytes(engine._memory).find(b"\x5a\x5a") < 0


def test_what_a_ladder_cannot_do_is_refused_with_a_code(plans, native):
    """Every code of calibrate, set_level and export, and a number that waits holds back another one."""
    rng = np.random.default_rng(1)
    plan = dataclasses.replace(laddered(plans["external"], rng), health=None, duty=None)
    plan = dataclasses.replace(plan, promises=any_promises(plan.ladder, rng) or plan.promises)
    n, promises = plan.ladder.n_rungs, len(plan.promises)
    engine = anomsdk.Pipeline(plan, "native")._engine
    ffi, lib, pipeline = engine._ffi, engine._lib, engine._pipeline
    assert promises > 0
    assert lib.anom_pipeline_calibrate(pipeline, promises) == lib.ANOM_ERROR_RANGE
    assert lib.anom_pipeline_set_level(pipeline, n + 1) == lib.ANOM_ERROR_RANGE
    assert [lib.anom_pipeline_set_level(pipeline, n), lib.anom_pipeline_calibrate(pipeline, 0)] == [1, 0]
    assert lib.anom_pipeline_level(pipeline) == 0, "it waits for the next poll"
    assert [event.promise for result in engine._due() for event in result.events][-1] == Promise.SET
    assert lib.anom_pipeline_level(pipeline) == n
    size = 44 + 12 * n
    room, since = bytearray(size), bytearray(size)

    def export(boot=1, earlier=None, at=room, most=size, device=7):
        given = ffi.NULL if earlier is None else ffi.from_buffer(earlier)
        into = ffi.NULL if at is None else ffi.from_buffer(at)
        return lib.anom_pipeline_export(pipeline, device, boot, given, into, most)

    noise = rng.integers(-3000, 3000, (40, plan.columns)).astype(np.int16)
    engine.process(noise)
    assert export(at=None) == lib.ANOM_ERROR_NULL
    assert export(most=size - 1) == lib.ANOM_ERROR_MEMORY
    assert export(boot=0) == lib.ANOM_ERROR_RANGE
    assert export(at=since) == size == lib.anom_pipeline_export(pipeline, 7, 2, ffi.NULL, ffi.from_buffer(room), size)
    assert since == room, "the boot is the one that was given first"
    engine.process(noise)
    assert export(earlier=since) == size
    assert export(earlier=room, at=bytearray(size)) == lib.ANOM_ERROR_RECORD, "a difference"
    assert export(earlier=since, device=8) == lib.ANOM_ERROR_RECORD, "of another device"
    later = bytearray(size)
    assert export(at=later) == size
    engine.reset()
    assert export(earlier=later) == lib.ANOM_ERROR_RECORD, "it counts less"
    without = anomsdk.Pipeline(plans["external"], "native")._engine
    for refused in (
        lib.anom_pipeline_calibrate(without._pipeline, 0),
        lib.anom_pipeline_set_level(without._pipeline, 0),
        lib.anom_pipeline_export(without._pipeline, 7, 1, ffi.NULL, ffi.from_buffer(room), size),
    ):
        assert refused == lib.ANOM_ERROR_SECTION
    assert lib.anom_pipeline_level(without._pipeline) == 0


def test_a_broken_promise_leaves_behind_its_tick_however_blocks_are_cut(plans, native):
    """Not at the next hop: else its place would depend on where a block ends."""
    rng = np.random.default_rng(2)
    plan = dataclasses.replace(laddered(plans["external"], rng), health=None, duty=None)
    unit = dataclasses.replace(any_promises(plan.ladder, rng)[0], unit=1, event_q16=1 << 20, day_q16=1, broken_q16=1)
    ladder = dataclasses.replace(plan.ladder, day_ticks=3, day_rest_q16=0)
    timing = dataclasses.replace(plan.timing, m=1, n=1, on_delay=0)
    sections = {
        "timing": timing,
        "ladder": ladder,
        "promises": (dataclasses.replace(unit, needs=np.ones(16, np.uint32)),),
    }
    plan = dataclasses.replace(plan, levels=levels(plan.levels.raise_score, timing), **sections)
    quiet, loud = np.zeros((12, plan.columns), np.int16), np.full((12, plan.columns), 32000, np.int16)
    found = []
    for engine in ("reference", "native"):
        for size in (1, 100):
            with anomsdk.Pipeline(plan, engine) as pipeline:
                results = pipeline.process(quiet) + pipeline.calibrate(0)
                for at in range(0, len(loud), size):
                    results += pipeline.process(loud[at : at + size])
                found.append(results)
    assert found == found[:1] * 4
