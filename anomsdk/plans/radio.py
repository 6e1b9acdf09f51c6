"""Radio: the events that a plan sends in a day, and their bytes."""

from __future__ import annotations

from dataclasses import dataclass

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
    timing, alarm = plan.timing, plan.alarm
    until_raise = timing.m + timing.on_delay
    cycle = 1 if plan.levels.high_score else max(timing.cooldown + 1, until_raise)
    most = int(hops * plan.due_q31 / (1 << 31)) // (timing.ticks_to_clear + cycle)
    if alarm is None:
        return RadioDay(0.0, 2, 0.0, most)
    heartbeat = alarm.heartbeat + (alarm.heartbeat_rest_q16 or 0) / 65536
    late = max(alarm.escalate_after, alarm.escalate_every) if alarm.escalate_after else 0
    standing = [hops / each for each in (alarm.repeat, late) if each]
    return RadioDay(hops / heartbeat if heartbeat else 0.0, 3 if alarm.cancel else 2, sum(standing), most)


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
