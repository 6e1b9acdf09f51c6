"""Messages that leave a device: events, records, exports and scores, in bytes and in bits of information.

The bits are an upper bound: the logarithm of the number of values that the fields of a message can take, without those
that the receiver knows before. What a message says about the signal is less, as likely values carry less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from anomsdk.audit.retention.beyond import record_bytes
from anomsdk.core.diary import MOVEMENT, ROW, DiaryPlan
from anomsdk.core.event import COMPACT_BYTES, EVENT_BYTES, Condition, Input, Kind, Promise, Restart, State
from anomsdk.core.export import export_bytes
from anomsdk.core.health import IN_BLOCKS
from anomsdk.core.plan import Plan
from anomsdk.core.reasons import Direction
from anomsdk.plans.radio import most_alarms, radio_day
from anomsdk.plans.supervision import heartbeat_s, slot_s

SCORE_LEVELS = 32 * 256 + 1
"""Values of a score as log2 in 1/256: of 0, and of 1 to 2**32 - 1."""
_EVENT_SCORES, _COMPACT_SCORES = 1 << 13, 1 << 8
_SHARES, _COMPACT_SHARES = 1 << 16, 1 << 8
_HEALTH = 1 << 8
_REASONS_1, _REASONS_2 = 3, 2
_SCORE_BITS = 32
_DAY_H = 24


@dataclass(frozen=True)
class Flow:
    """Something that leaves a device, or that a program can hand on.

    Parameters
    ----------
    name : such as ``heartbeats``
    per : "an hour", or "each" for what leaves when somebody asks for it
    messages : number of messages an hour; 1 for "each"
    bytes : bytes of all of them
    bits : upper bound of the information in them
    how : how the numbers follow from the plan, in a sentence
    """

    name: str
    per: str
    messages: float
    bytes: float
    bits: float
    how: str


def leaving(plan: Plan) -> tuple[Flow, ...]:
    """List what leaves a device with this plan, and what a program can hand on.

    Examples
    --------
    >>> import anomsdk
    >>> flows = {flow.name: flow for flow in leaving(anomsdk.reference_model("audio_scene"))}
    >>> flows["events of an alarm"].bytes, flows["quiet hour"].bytes
    (32, 0.0)
    """
    event, compact = values_of_event(plan), values_of_event(plan, compact=True)
    heartbeats = 3600 / heartbeat_s(plan) if heartbeat_s(plan) else 0.0
    heartbeat, short_heartbeat = values_of_heartbeat(plan), values_of_heartbeat(plan, compact=True)
    alarm, worst = radio_day(plan).alarm, most_events_an_hour(plan)
    quiet = "Nothing but heartbeats leaves; without a heartbeat nothing does."
    one = "An alarm that nobody touches and that does not grow."
    most = (
        "Alarms as fast as votes, delays and cooldown allow, with repeats, escalations, technical conditions and "
        "heartbeats as often as their limits allow. Inputs from outside are not counted."
    )

    def hourly(name: str, n: float, size: int, bits: float, how: str) -> Flow:
        return Flow(name, "an hour", n, n * size, n * bits, how)

    flows = [
        hourly("quiet hour", heartbeats, EVENT_BYTES, bits_of(heartbeat), quiet),
        hourly("quiet hour, compact", heartbeats, COMPACT_BYTES, bits_of(short_heartbeat), quiet),
        Flow("events of an alarm", "each", alarm, alarm * EVENT_BYTES, alarm * bits_of(event), one),
        Flow("events of an alarm, compact", "each", alarm, alarm * COMPACT_BYTES, alarm * bits_of(compact), one),
        hourly("worst hour", worst, EVENT_BYTES, bits_of(event), most),
        hourly("worst hour, compact", worst, COMPACT_BYTES, bits_of(compact), most),
    ]
    if plan.diary is not None:
        means = "One row a slot, where your program sends it: its number, and means of the slot."
        bits = bits_of(values_of_row(plan.diary))
        flows.append(hourly("rows of the diary", 3600 / slot_s(plan), ROW.size, bits, means))
    record = record_bytes(plan)
    stays = "Stays on the device unless your program sends it; all of its bits are counted."
    flows.append(Flow("record", "each", 1, record, 8 * record, stays))
    if plan.ladder is not None:
        n_rungs, size = plan.ladder.n_rungs, export_bytes(plan.ladder.n_rungs)
        ticks = _ticks_an_hour(plan)
        flows += [
            hourly("events of the level", 0.0, EVENT_BYTES, 0.0, "One for each input that asks for a level, and one "
                   "for each promise that is broken; they are counted in the worst hour."),
            Flow("export", "each", 1, size, 8 * size, "All of its bits are counted; somebody has to ask for it."),
            hourly("export after each tick", ticks, size, math.log2(n_rungs + 1),
                   "Between which two rungs each score was: log2(rungs + 1) bits a tick. Export once a day or less."),
        ]  # fmt: skip
    ticks = _ticks_an_hour(plan)
    handed = (
        "Only where a program hands scores on: Result.score, watch with `scores`, score to arrays. 32 bits a tick. "
        "watch with `jsonl` prints the score of a tick with an event."
    )
    levels = (
        "Distinguishable levels of a score as log2 in 1/256, as score keeps it in a data set: log2(8,193) bits a tick."
    )
    flows += [
        hourly("scores, exact", ticks, _SCORE_BITS // 8, _SCORE_BITS, handed),
        hourly("scores, log2", ticks, 2, math.log2(SCORE_LEVELS), levels),
    ]
    return tuple(flows)


def values_of_event(plan: Plan, *, compact: bool = False) -> Mapping[str, int]:
    """Return the number of values of each field of an event that its receiver does not know before.

    Version, sequence and plan tag are known: they follow from the plan and the events before. The upper half of the hop
    follows from the time of arrival; its moment within an hour counts.
    """
    hops = math.ceil(3600 * plan.rate_hz / plan.framer.hop)
    score = _COMPACT_SCORES if compact else _EVENT_SCORES
    reasons = len(plan.reasons.codes) * len(Direction) + 1
    if not plan.is_supervised:
        return {
            "state": 2,
            "high": 2,
            "moment": hops,
            "score": score,
            "reasons": reasons ** (1 if compact else _REASONS_1),
        }
    codes = max(len(Condition) * 2, len(Input), len(Restart), len(Promise) * (1 if compact else 256))
    shares = _COMPACT_SHARES if compact else _SHARES
    values = {
        "kind": len(Kind),
        "state": len(State) - 1,
        "flags": 1 << 5,
        "moment": hops,
        "score": score,
        "health": _HEALTH if plan.health is not None else 1,
        "codes": max(reasons ** (1 if compact else _REASONS_2), codes, shares),
    }
    return values if compact or plan.ladder is None else values | {"level": plan.ladder.n_rungs + 1}


def values_of_heartbeat(plan: Plan, *, compact: bool = False) -> Mapping[str, int]:
    """Return the number of values of each field of a heartbeat that its receiver does not know before.

    The hop of a heartbeat lies on the grid of the plan, and so is known.
    """
    values = {**values_of_event(plan, compact=compact), "codes": _COMPACT_SHARES if compact else _SHARES}
    return {name: n for name, n in values.items() if name not in ("kind", "moment", "high", "reasons")}


def values_of_row(diary: DiaryPlan) -> Mapping[str, int]:
    """Return the number of values of each column of a row; its number is known to the receiver, who counts them."""
    score, movement = SCORE_LEVELS + 1, (1 << 15) + 1  # with one value for missing
    own = {"coverage": 1001, **dict.fromkeys(MOVEMENT, movement)}
    return {name: own.get(name, score) for name in diary.columns}


def bits_of(values: Mapping[str, int]) -> float:
    """Return the bits of a message: log2 of the number of values that all of its fields can take together."""
    return sum(math.log2(n) for n in values.values())


def most_events_an_hour(plan: Plan, hours: float = 1.0) -> float:
    """Bound the number of events that a signal can cause in some hours; inputs from outside are not counted."""
    hops = hours * 3600 * plan.rate_hz / plan.framer.hop
    alarms = most_alarms(plan, hops) + 1  # one may stand at the beginning
    day = radio_day(plan)
    standing = day.standing * hours / _DAY_H
    heartbeats = 3600 * hours / heartbeat_s(plan) + 1 if heartbeat_s(plan) else 0.0
    return math.ceil(alarms * day.alarm + standing + heartbeats + _grown(plan, hops, alarms) + _technical(plan, hops)
                     + _broken(plan))  # fmt: skip


def _ticks_an_hour(plan: Plan) -> float:
    """Return the ticks that a plan gives in an hour, without the pauses that it declares."""
    return 3600 * plan.rate_hz / plan.framer.hop * plan.due_q31 / (1 << 31)


def _grown(plan: Plan, hops: float, alarms: int) -> float:
    """Bound the escalations of alarms that grow: each needs a score above the last one by a ratio."""
    if plan.alarm is None or plan.alarm.escalate_ratio_q16 == 0:
        return 0.0
    ticks = hops / (plan.extractor.hops_per_frame * plan.context.stride)
    ratio = math.log2(plan.alarm.escalate_ratio_q16 / 65536)
    of_scores = alarms * (_SCORE_BITS / ratio + 2) if ratio > 0 else math.inf
    by_time = hops / plan.alarm.escalate_every + 1 if plan.alarm.escalate_every else math.inf
    return min(ticks + 1, of_scores, by_time)


def _technical(plan: Plan, hops: float) -> float:
    """Bound the changes of conditions that samples and gaps decide, and the ends of the warm-up that follow them."""
    health = plan.health
    if health is None:
        return 0.0
    blocks, cycles = hops / health.block + 1, 0.0
    for condition in IN_BLOCKS:
        begin, end = (int(each[condition - 1]) for each in (health.raise_blocks, health.clear_blocks))
        if begin > 0:
            at_once = condition == Condition.STUCK  # found between two ends of blocks
            cycles += blocks / (end if at_once else begin + end) + 1
    return 2 * cycles + cycles + 1


def _broken(plan: Plan) -> int:
    """Bound the promises that are broken without a new request: each time the level rises, or the promise ends."""
    return 0 if plan.ladder is None or not plan.promises else plan.ladder.n_rungs + 1
