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
from anomsdk.core.event import Condition, Input, Kind
from anomsdk.core.rung import levels
from anomsdk.runtime.engines.native import passes_selftest
from anomsdk.runtime.golden import golden_digest
from tests.support.anything import any_plan
from tests.support.make import SPECS
from tests.support.supervised import any_alarm, any_health, any_steps, supervised

HOPS = int(os.environ.get("ANOMSDK_DEEP_HOPS", "20000"))
"""Hops to compare, at least."""
PER_STREAM = 250 if HOPS < 100_000 else 2500
KINDS = ("external", "external", "external", "external", "motion", "motion", "bands", "logmel")


class Pair:
    """A pipeline on each of the two engines, used in the same way; every answer must be the same."""

    def __init__(self, plan):
        self.plan = plan
        self.pipelines = [anomsdk.Pipeline(plan, engine) for engine in ("reference", "native")]
        self.happened = Counter()

    def call(self, name, *arguments):
        reference, native = (getattr(pipeline, name)(*arguments) for pipeline in self.pipelines)
        assert reference == native, name
        for read in ("health", "annunciation"):
            ours, theirs = (getattr(pipeline, read) for pipeline in self.pipelines)
            assert ours == theirs, (name, read)
        for result in reference or ():
            self.happened["void"] += result.void
            self.happened.update(what for event in result.events for what in kinds_of(event))
        return reference

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


def test_any_plan_and_any_use(tmp_path, native, figure):
    """What this asserts last is that everything has happened in it, not only that nothing differed."""
    hops, plans, seed, happened, begin = 0, {}, 0, Counter(), time.perf_counter()
    while hops < HOPS:
        rng = np.random.default_rng(seed)
        kind = KINDS[seed % len(KINDS)]
        base = (kind, seed // len(KINDS) % 4)
        if base not in plans:
            plans[base] = any_plan(tmp_path / f"{kind}-{seed}", kind, seed)
        plan = supervised(plans[base], rng)
        pair = Pair(plan)
        try:
            for name, arguments in any_steps(plan, PER_STREAM, rng):
                pair.call(name, *arguments)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        finally:
            pair.close()
        happened += pair.happened
        hops, seed = hops + PER_STREAM, seed + 1
    rate = hops / (time.perf_counter() - begin)
    figure(f"supervised plans: {hops:,} hops of {seed} plans, {rate:,.0f} hops a second through both engines")
    expected = [kind.name for kind in Kind] + [given.name for given in Input] + ["escalated", "void"]
    expected += [f"{condition.name} {way}" for condition in Condition for way in ("on", "off")]
    expected.remove("WARM_UP on")  # a restart says it
    assert {name for name in expected if happened[name] == 0} == set()


@pytest.mark.parametrize("kind", sorted(SPECS))
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
                results = []
                for name, arguments in steps:
                    if name == "process":
                        (block,) = arguments
                        for start in range(0, max(1, len(block)), size):
                            results += pipeline.process(block[start : start + size])
                    else:
                        results += getattr(pipeline, name)(*arguments) or []
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
