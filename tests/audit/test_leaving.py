"""What leaves: no signal sends more events, or other values, than the retention of a plan says."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import anomsdk
from anomsdk import Pipeline
from anomsdk.audit.retention.event_flow import sent
from anomsdk.audit.retention.leaving import (
    SCORE_LEVELS,
    bits_of,
    leaving,
    most_events_an_hour,
    values_of_event,
    values_of_heartbeat,
)
from anomsdk.core.event import Kind, score_log2_q8
from anomsdk.plans.radio import radio_day
from tests.support.anything import any_plan
from tests.support.supervised import laddered, supervised
from tests.support.tiny_plans import row, tiny_plan

ROWS = 3000
RATE_HZ = 10


def flows(plan):
    return {flow.name: flow for flow in leaving(plan)}


def test_scores_are_as_many_bits_as_their_levels():
    plan = anomsdk.reference_model("audio_scene")
    ticks = 3600 * plan.rate_hz / plan.samples_per_tick
    found = flows(plan)
    assert found["scores, exact"].bits == ticks * 32 and found["scores, exact"].bytes == ticks * 4
    assert found["scores, log2"].bits == pytest.approx(ticks * math.log2(SCORE_LEVELS), rel=1e-12)
    levels = {score_log2_q8(score) for score in (0, 1, 2**32 - 1)}
    assert levels == {0, SCORE_LEVELS - 2}  # 0 and 1 share one, so that the bound is above the truth


def test_pauses_that_a_plan_declares_give_no_scores(tmp_path):
    plan = supervised(any_plan(tmp_path / "external", "external", 3), np.random.default_rng(3))
    always = dataclasses.replace(plan, duty=None)
    on = plan.samples_to_first_tick * 2
    half = dataclasses.replace(plan, duty=anomsdk.core.duty.DutyPlan(on, 4 * on))
    assert flows(half)["scores, exact"].messages < flows(always)["scores, exact"].messages / 2


def test_a_quiet_hour_is_its_heartbeats():
    plan = tiny_plan(heartbeat=100)
    found = flows(plan)["quiet hour"]
    rows = 3600 * plan.rate_hz / plan.framer.hop
    assert found.messages == rows / 100 and found.bytes == 16 * found.messages
    assert found.messages * 24 == pytest.approx(radio_day(plan).heartbeats, rel=1e-12)
    assert flows(tiny_plan())["quiet hour"].bytes == 0


def test_bits_of_an_event_are_the_logarithm_of_all_that_it_can_be():
    assert bits_of({"state": 2, "score": 8192}) == 14
    for plan in (anomsdk.reference_model("audio_scene"), tiny_plan(heartbeat=9)):
        whole, compact = values_of_event(plan), values_of_event(plan, compact=True)
        assert bits_of(compact) < bits_of(whole) < 8 * 16
        assert bits_of(compact) < 8 * 11
        assert bits_of(values_of_heartbeat(plan)) < bits_of(whole)


@pytest.mark.parametrize("kind", ["logmel", "bands", "motion", "external"])
def test_random_streams_stay_within_the_bound(kind, tmp_path):
    for seed in range(2):
        plan = any_plan(tmp_path / str(seed), kind, seed)
        rng = np.random.default_rng(seed)
        for each in (plan, supervised(plan, rng), laddered(plan, rng)):
            for stream in sent(each, hops=200, seed=seed):
                assert stream.wrong == () and stream.events <= stream.most, stream


LIFE_CYCLES = (
    {},
    {"latch": 1, "repeat": 1},
    {"cancel": 1, "escalate_ratio_q16": 1 << 16, "heartbeat": 1},
    {"cancel": 2, "escalate_ratio_q16": 70000, "escalate_after": 3, "escalate_every": 2, "repeat": 2, "latch": 1},
    {"escalate_after": 1, "escalate_every": 1, "repeat": 1, "heartbeat": 7},
    {"off_delay": 2, "cooldown": 3, "m": 2, "n": 3, "on_delay": 1, "repeat": 5},
)


@pytest.mark.parametrize("changes", LIFE_CYCLES)
def test_an_adversary_does_not_send_more(changes):
    plan = tiny_plan(**changes)
    hours = ROWS * plan.framer.hop / plan.rate_hz / 3600
    rng = np.random.default_rng(7)
    most = 0
    for words in (("top", "low"), ("top", "low", "low", "fault"), ("low", "hit", "grown", "top"), ("fault", "low")):
        for choose in (lambda n, words=words: words[n % len(words)], lambda n, words=words: rng.choice(words)):
            with Pipeline(plan, "native") as pipeline:
                rows = np.array([row(str(choose(n))) for n in range(ROWS)], np.int16)
                events = [event for result in pipeline.process(rows) for event in result.events]
            most = max(most, sum(event.kind != Kind.RESTART for event in events))
    assert most <= most_events_an_hour(plan, hours)
    assert most > most_events_an_hour(plan, hours) / 8  # the bound says something


def test_heartbeats_lie_on_a_grid_that_is_known():
    """The moment of a heartbeat tells nothing: no bits are counted for it."""
    plan = tiny_plan(heartbeat=7, heartbeat_rest_q16=30000)
    every = (7 << 16) + 30000
    rows = np.array([row("low")] * 500, np.int16)
    with Pipeline(plan) as pipeline:
        hops = [e.hop for r in pipeline.process(rows) for e in r.events if e.kind == Kind.HEARTBEAT]
    assert hops == [-(-number * every // 65536) - 1 for number in range(1, len(hops) + 1)] and len(hops) > 50


def test_an_event_too_many_is_noticed(monkeypatch):
    plan = tiny_plan(heartbeat=1)
    assert all(stream.wrong == () for stream in sent(plan, hops=100))
    monkeypatch.setattr("anomsdk.audit.retention.event_flow.most_events_an_hour", lambda plan, hours: 3)
    assert all("and the plan allows 3" in stream.wrong[0] for stream in sent(plan, hops=100))
