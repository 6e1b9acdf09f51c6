"""Tiny plans with an alarm and a health section, whose score and technical conditions a test sets row by row.

A row is one hop and one tick. Its first value is the root of the score, its second one clips or does not. Inputs are
words, as the table of the alarm's life cycle has them: see `INPUTS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from anomsdk import Pipeline
from anomsdk.core.affine import AffinePlan
from anomsdk.core.alarm import AlarmPlan
from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.baseline import BaselinePlan
from anomsdk.core.context import StackPlan
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import Condition, Event
from anomsdk.core.external import ExternalPlan
from anomsdk.core.framer import FramerPlan
from anomsdk.core.health import N_CONDITIONS, HealthPlan
from anomsdk.core.ladder import LadderPlan, PromisePlan, Unit
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import EdgePlan, ModelPlan, Plan, SensorPlan
from anomsdk.core.reasons import ReasonsPlan
from anomsdk.core.rung import TimingPlan, levels
from anomsdk.core.score import ScorePlan

RAISE, CLEAR, HIGH = 100, 80, 400
"""Levels of the score."""
ROOTS = {"low": 1, "middle": 9, "hit": 10, "grown": 15, "top": 20}
"""Word -> root of the score: below the clear level; between clear and raise; a hit; more than twice a hit; high."""
SCORES = {word: root * root for word, root in ROOTS.items()}
CLIPS = 32767
MS_PER_ROW = 100

INPUTS = {
    "low": "a tick below the clear level",
    "middle": "a tick between the clear and the raise level",
    "hit": "a tick at the raise level",
    "grown": "a tick at more than `escalate_ratio` times a hit",
    "top": "a tick at the high level",
    "fault": "a hop with a technical fault (clipped), high score",
    "acknowledge": "`acknowledge`",
    "silence 2": "`silence` for 2 ticks",
    "silence 0": "`silence` for 0 ticks",
    "cancel": "`cancel`",
    "out": "`out_of_service`",
    "in": "`out_of_service` off: back in service",
    "test": "`test`",
    "supply low": "`supply`: low",
    "supply well": "`supply`: well",
    "gap 1": "a gap of 1 hop",
    "gap 3": "a gap of 3 hops",
    "pause 3": "a gap of 3 hops that the duty of the plan declares",
    "restore": "`state`, a reset, and `restore` of that record",
}
"""Input -> words of a page."""


def tiny_plan(
    *,
    stride: int = 1,
    m: int = 1,
    n: int = 1,
    duty: DutyPlan | None = None,
    clear_after: int | None = None,
    heartbeat_rest_q16: int | None = None,
    **changes: int,
) -> Plan:
    """A plan of two columns: votes of one tick, no delays, and what `changes` says of timing, alarm and health.

    Parameters
    ----------
    stride : rows from one tick to the next
    m, n : votes
    duty : in rows
    clear_after : in ticks
    heartbeat_rest_q16 : part of a row beside ``heartbeat``
    changes : fields of `TimingPlan`, `AlarmPlan` and `HealthPlan`; others are 0, with a ratio of 2 where it escalates
    """
    timing = TimingPlan(
        m,
        n,
        on_delay=changes.pop("on_delay", 0),
        off_delay=changes.pop("off_delay", 0),
        cooldown=changes.pop("cooldown", 0),
        clear_ratio_q16=52429,
        high_ratio_q16=4 << 16,
        clear_after=clear_after,
    )
    alarm = AlarmPlan(
        **{
            name: changes.pop(name, 0)
            for name in ("latch", "cancel", "escalate_ratio_q16", "escalate_after", "escalate_every", "repeat")
        },
        test=changes.pop("test", 2),
        heartbeat=changes.pop("heartbeat", 0),
        heartbeat_rest_q16=heartbeat_rest_q16,
    )
    health = health_plan(**changes)
    layer = LayerPlan(
        weights=np.zeros((2, 2), np.int8),
        bias=np.zeros(2, np.int32),
        multiplier=np.array([1 << 30], np.int32),
        shift=np.array([0], np.int8),
        input_zero_point=0,
        weight_zero_point=0,
        output_zero_point=0,
        act_low=-128,
        act_high=127,
    )
    edge = EdgePlan("int8", 0, 0x3F800000)
    as_given = AffinePlan(np.array([2, 2], np.int32), np.array([1, 1], np.int32), np.array([1, 1], np.uint8), -127, 127)
    plan = Plan(
        name="tiny",
        sensor=SensorPlan("external", 1000 * 1000 // MS_PER_ROW),
        framer=FramerPlan(1, 1),
        extractor=ExternalPlan(as_given),
        context=StackPlan(1, stride),
        layers=(layer,),
        score=ScorePlan(np.array([1, 0], np.uint8), 0, 0, 1, 1, 0),
        baseline=BaselinePlan(0, 0, 0, 0, 0),
        timing=timing,
        levels=levels(RAISE, timing),
        reasons=ReasonsPlan(np.array([0x90, 0x91], np.uint8), np.array([48, 49], np.uint8), np.array([1, 1], np.int32)),
        model=ModelPlan("0" * 64, edge, edge),
        provenance={},
        alarm=alarm,
        health=health,
        duty=duty,
    )
    plan.check()
    return plan


def with_ladder(
    plan: Plan,
    *scores: int,
    day: int = 4,
    rest: int = 0,
    gap: int = 1,
    promises: Sequence[PromisePlan] | None = None,
) -> Plan:
    """The plan with rungs at these scores (a hit, and more than any, by default) and days of a few ticks."""
    rungs = np.array(scores or (RAISE, 2 * RAISE, HIGH + 1), np.uint32)
    made = replace(
        plan,
        ladder=LadderPlan(rungs, day, rest, gap),
        promises=(promise_plan(),) if promises is None else tuple(promises),
    )
    made.check()
    return made


def promise_plan(unit: Unit = Unit.ALARM_DAY, first: int = 2, most: int = 1 << 16, **evidence: int) -> PromisePlan:
    """A promise that needs ``first`` days (alarms: ticks) with nothing counted, and as many more for each count."""
    numbers = {"event_q16": 72000, "day_q16": 4370, "broken_q16": 200000} | evidence
    return PromisePlan(int(unit), np.arange(1, 17, dtype=np.uint32) * first, most, **numbers)


def health_plan(**changes: Any) -> HealthPlan:
    """Limits with which only clipping is looked for: one clipped value of one hop is active at once, and gone with it."""
    raised, cleared = np.zeros(N_CONDITIONS, np.uint16), np.zeros(N_CONDITIONS, np.uint16)
    raised[Condition.CLIPPED - 1] = cleared[Condition.CLIPPED - 1] = 1
    limits = {field.name: 0 for field in fields(HealthPlan)}
    limits |= {"block": 1, "clip_low": -32768, "clip_high": CLIPS, "clip_share_q16": 1 << 15}
    limits |= {"samples_per_ms_q20": (1 << 20) // MS_PER_ROW}
    return HealthPlan(**{**limits, "raise_blocks": raised, "clear_blocks": cleared, **changes})


def row(word: str) -> tuple[int, int]:
    """The row of a hop; a fault clips."""
    return (ROOTS["top"], CLIPS) if word == "fault" else (ROOTS[word], 0)


def give(pipeline: Pipeline, word: str) -> list[Result]:
    """Give one input to a pipeline of a tiny plan, and return what leaves; `nothing` takes the restart."""
    name, _, argument = word.partition(" ")
    if name == "nothing":
        return pipeline.process(np.zeros((0, 2), np.int16))
    if name == "fault" or name in ROOTS:
        return pipeline.process(np.array([row(name)], np.int16))
    if name == "silence":
        return pipeline.silence(int(argument))
    if name in ("gap", "pause"):
        return pipeline.gap(int(argument))
    if name == "restore":
        return pipeline.restore(pipeline.state())
    if name in ("out", "in"):
        return pipeline.out_of_service(name == "out")
    if name == "supply":
        return pipeline.supply(argument == "low")
    if name == "missing":
        return pipeline.missing(int(argument))
    if name == "reset":
        pipeline.reset()
        return []
    return {"acknowledge": pipeline.acknowledge, "cancel": pipeline.cancel, "test": pipeline.test}[name]()


def give_all(pipeline: Pipeline, words: Iterable[str]) -> list[Result]:
    """Give inputs one after the other."""
    return [result for word in words for result in give(pipeline, word)]


def events_of(results: Iterable[Result]) -> list[Event]:
    """The events of results, in their order."""
    return [event for result in results for event in result.events]
