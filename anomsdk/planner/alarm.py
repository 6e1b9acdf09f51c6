"""Alarm: the life cycle of an alarm, in hops."""

from __future__ import annotations

import math

from anomsdk.core.alarm import MAX_HOPS, AlarmPlan
from anomsdk.core.checks import require
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.tables import rounded


def alarm_plan(spec: PipelineSpec) -> AlarmPlan | None:
    """Plan the life cycle of the alarm; None for a spec without an alarm section."""
    alarm = spec.alarm
    if alarm is None:
        return None
    heartbeat, heartbeat_rest_q16 = _heartbeat(alarm.heartbeat_s, spec)
    return AlarmPlan(
        latch=int(alarm.latch),
        cancel=hops(alarm.cancel_s, spec, "alarm.cancel_s"),
        escalate_ratio_q16=rounded(alarm.escalate_ratio * 65536),
        escalate_after=hops(alarm.escalate_after_s, spec, "alarm.escalate_after_s"),
        escalate_every=hops(alarm.escalate_every_s, spec, "alarm.escalate_every_s"),
        repeat=hops(alarm.repeat_s, spec, "alarm.repeat_s"),
        test=hops(alarm.test_s, spec, "alarm.test_s"),
        heartbeat=heartbeat,
        heartbeat_rest_q16=heartbeat_rest_q16 or None,
    )


def _heartbeat(seconds: float, spec: PipelineSpec) -> tuple[int, int]:
    """Convert the time between heartbeats to whole hops and the rest of a hop in q16; at least one hop, or 0: none."""
    hops(seconds, spec, "alarm.heartbeat_s")
    whole, rest_q16 = divmod(rounded(seconds / spec.hop_s * 65536), 65536)
    return (1, 0) if seconds > 0 and whole == 0 else (whole, rest_q16)


def hops(seconds: float, spec: PipelineSpec, name: str) -> int:
    """Convert a duration in seconds to whole hops, rounded up; an error names the key ``name``."""
    n = math.ceil(seconds / spec.hop_s - 1e-9)
    require(n <= MAX_HOPS, f"{name}: {seconds:g} s is {n} hops, more than {MAX_HOPS}; shorten it")
    return n
