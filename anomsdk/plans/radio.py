"""Radio: the events that a plan sends in a day, and their bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anomsdk.core.alarm import AlarmPlan
from anomsdk.core.event import COMPACT_BYTES, EVENT_BYTES
from anomsdk.core.plan import Plan

_DAY_S = 86_400


@dataclass(frozen=True)
class RadioDay:
    """Events of a day of 86,400 s. Each takes 16 bytes, or 11 in its compact form; what a radio adds comes on top.

    Parameters
    ----------
    heartbeats : a day; 0 without an alarm section
    alarm : events of one alarm that nobody touches and that does not grow: prealarm, raise, clear
    standing : events of a day for which an alarm stands unacknowledged: repeats, and escalations by time
    most_alarms : largest number of alarms a day that votes, delays and cooldown let through

    Examples
    --------
    >>> import anomsdk
    >>> day = radio_day(anomsdk.reference_model("audio_scene"))
    >>> day.heartbeats, day.alarm, day.standing
    (0.0, 2, 0.0)
    """

    heartbeats: float
    alarm: int
    standing: float
    most_alarms: int


def radio_day(plan: Plan) -> RadioDay:
    """Count the events that a plan sends in a day."""
    hops = _DAY_S * plan.rate_hz / plan.framer.hop
    alarm = plan.alarm
    most = most_alarms(plan, hops)
    if alarm is None:
        return RadioDay(0.0, 2, 0.0, most)
    heartbeat = alarm.heartbeat + (alarm.heartbeat_rest_q16 or 0) / 65536
    heartbeats = hops / heartbeat if heartbeat else 0.0
    return RadioDay(heartbeats, 3 if alarm.cancel else 2, hops * _events_a_hop(alarm), most)


def _events_a_hop(alarm: AlarmPlan) -> float:
    """Count the events of each hop while an alarm stands; an escalation begins the time until a repeat anew."""
    late = max(alarm.escalate_after, alarm.escalate_every) if alarm.escalate_after else 0
    if late == 0:
        return 1 / alarm.repeat if alarm.repeat else 0.0
    return (1 + ((late - 1) // alarm.repeat if alarm.repeat else 0)) / late


def most_alarms(plan: Plan, hops: float) -> int:
    """Count the alarms that votes, delays and cooldown let through in a number of hops, at most.

    Two bounds hold. A cooldown and an end by time also count declared pauses, so that all of the time bounds them.
    Votes and delays count judged ticks only.
    """
    timing = plan.timing
    passing = hops / (plan.extractor.hops_per_frame * plan.context.stride)
    judged = hops * plan.due_q31 / (1 << 31)
    to_raise = 1 if plan.levels.high_score else timing.m + timing.on_delay
    held_back = 1 if plan.levels.high_score else timing.cooldown + 1
    to_clear = timing.off_delay + 1 if timing.clear_after is None else 1
    by_time = passing / (timing.ticks_to_clear + max(held_back, to_raise))
    return math.ceil(min(by_time, judged / (to_clear + to_raise)))


def line(day: RadioDay) -> str:
    """Return one line with the events of a day and their bytes.

    Examples
    --------
    >>> line(RadioDay(24.0, 2, 0.0, 7854))
    '24 heartbeats a day (384 bytes, compact 264); an alarm 2 events (32 bytes, compact 22), at most 7,854 a day'
    """
    parts = [f"{day.heartbeats:,.3g} heartbeats a day ({_bytes(day.heartbeats)})"] if day.heartbeats else []
    parts.append(f"an alarm {day.alarm} events ({_bytes(day.alarm)}), at most {day.most_alarms:,} a day")
    if day.standing:
        parts.append(f"{day.standing:,.3g} events a day while one stands ({_bytes(day.standing)})")
    return "; ".join(parts)


def _bytes(events: float) -> str:
    return f"{events * EVENT_BYTES:,.0f} bytes, compact {events * COMPACT_BYTES:,.0f}"
