"""`benchmarks.health` on generated streams: faults are found in time, and what misses a bound is said."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from anomsdk.core.event import Condition
from anomsdk.synthetic import faults
from anomsdk.synthetic.motion import PERSON, day
from benchmarks import health, health_streams
from benchmarks.health_faults import OF_MOTION, OF_SOUND, UNSEEN_IN_MOTION, UNSEEN_IN_SOUND, Fault
from benchmarks.health_margins import margins
from benchmarks.health_streams import AUDIO, COUNTS_PER_G, Stream
from benchmarks.health_streams import PERSON as WEARER
from tests.support.supervised_models import supervised

REFERENCE = "reference"


@pytest.fixture(scope="module")
def plans():
    return {name: supervised(name, health={})[0] for name in (AUDIO, WEARER)}


@pytest.fixture(scope="module")
def sound():
    noise = np.random.default_rng(1).normal(0, 300, 30 * 16_000)
    return Stream(AUDIO, "generated", "noise", np.round(noise).astype(np.int16), 16_000)


def generated(behaviours) -> Stream:
    moved = day(np.random.default_rng(3), behaviours, 600, 20.0)[:, :3]
    return Stream(WEARER, "generated", "person", np.round(moved * COUNTS_PER_G).astype(np.int16), 20.0)


@pytest.fixture(scope="module")
def motion():
    return generated(PERSON)


@pytest.fixture(scope="module")
def walking():
    return generated([behaviour for behaviour in PERSON if behaviour.name == "walking"])


def shown() -> Console:
    return Console(file=io.StringIO(), width=160)


def bench(plans, console: Console) -> health.Bench:
    return health.Bench(plans, console, REFERENCE, lambda line: None)


@pytest.mark.parametrize("fault", OF_SOUND, ids=lambda fault: fault.name)
def test_a_fault_of_sound_is_found_in_time(fault, plans, sound):
    assert 0 < health.delay_of(fault, sound, plans[AUDIO], 0, REFERENCE) <= fault.within_s


@pytest.mark.parametrize("fault", OF_MOTION, ids=lambda fault: fault.name)
def test_a_fault_of_motion_is_found_in_time(fault, plans, motion, walking):
    stream = walking if fault.conditions == (Condition.DEAD_AXIS,) else motion  # it shows where the device moves
    assert 0 <= health.delay_of(fault, stream, plans[WEARER], 0, REFERENCE) <= fault.within_s


def test_what_is_said_to_be_unseen_is_not_found(plans, sound, motion):
    for stream, unseen in ((sound, UNSEEN_IN_SOUND), (motion, UNSEEN_IN_MOTION)):
        assert all(health.delay_of(f, stream, plans[stream.plan], 0, REFERENCE) == math.inf for f in unseen)


def test_a_condition_that_never_clears_is_not_unplugged_and_back(plans, motion):
    def away(stream, start, rng):
        return [stream.samples[:start], len(stream.samples) - start]

    fault = Fault("unplugged for good", away, (Condition.MISSING,), 6, unplugged=True)
    assert health.delay_of(fault, motion, plans[WEARER], 0, REFERENCE) == math.inf


def test_twenty_recordings_are_needed_and_the_fault_found_in_nineteen(plans, motion):
    console = shown()
    dead = OF_MOTION[:1]
    assert bench(plans, console).faults("motion", dead, [motion] * 20)
    assert not bench(plans, console).faults("motion", dead, [motion] * 19)
    at_once = [Fault("dead", dead[0].put, dead[0].conditions, within_s=0.1)]
    assert not bench(plans, console).faults("motion", at_once, [motion] * 20)
    text = console.file.getvalue()
    assert "20 of 20" in text and "19 of 19" in text and "0 of 20" in text and text.count("MISSED") == 2


def test_a_technical_alarm_of_a_normal_recording_is_named(plans, motion):
    console = shown()
    assert bench(plans, console).normal([motion], 1.5)
    stuck = faults.frozen(motion.samples, 6000)
    other = Stream(WEARER, "generated", "stuck", stuck, 20.0)
    assert not bench(plans, console).normal([motion, other], 1.5)
    text = console.file.getvalue()
    assert "generated, stuck: stuck after 301.0 s" in text and "1.5 s of sound were digitally constant" in text


def test_margins_are_computed_from_the_samples_alone(plans, motion):
    held = faults.frozen(motion.samples[:3000], 2990)
    found = {m.what: m for m in margins([motion, Stream(WEARER, "generated", "held", held, 20.0)], plans)}
    stuck = found["stuck: samples without a change"]
    assert (stuck.value, stuck.limit, stuck.distance) == (10, 20, 2) and stuck.where == "generated, held"
    rest = found["not gravity: g away from 1 g at rest"]
    assert 0 < rest.value < 0.1 and rest.limit == pytest.approx(0.25, abs=0.001)
    flat = found["flat: range, counts"]
    assert flat.value > flat.limit == 1 and flat.distance == flat.value, "a range is a fault where it is small"


def test_without_recordings_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(health_streams, "missing", lambda: "sesa_train.npz not in data")
    console = shown()
    assert health.main(console) and "skipped, sesa_train.npz" in console.file.getvalue()
