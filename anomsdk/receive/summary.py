"""Summary of rows: what is kept of a device as the reports that a receiver gives."""

from __future__ import annotations

import math

from anomsdk.core.event import SHARE_ONE, Condition, State
from anomsdk.core.reasons import words
from anomsdk.receive.news import LATCHED, OUT_OF_SERVICE, SILENCED
from anomsdk.receive.reports import Counts, Device, Standing, Technical
from anomsdk.receive.rows import BITS_OF, HAS_LEVEL, HAS_SHARE, HEARD, WARM_UP, WHOLE_HOP, WHOLE_TAG, Row

COUNTED = ("events", "repeated", "late", "lost", "restarts", "conflicts", "clock_backwards")
"""Columns of a row that are counts."""
_Q8 = 256


def standing_of(name: str, row: Row, now_s: float | None = None) -> Standing | None:
    """Describe the alarm of a device; None if none stands."""
    if row.state < State.UNACK_ALARM:
        return None
    reasons = (row.reason_1, row.reason_2, row.reason_3)
    return Standing(
        device=name,
        state=State(row.state),
        since_s=row.since_s,
        age_s=None if now_s is None else max(0.0, now_s - row.since_s),
        raised_log2=row.raised / _Q8 if row.raised or row.reason_1 else None,
        highest_log2=row.highest / _Q8,
        reasons=words(reasons),
        latched=row.flags & LATCHED > 0,
        silenced=row.flags & SILENCED > 0,
        escalated=row.escalated > 0,
        unacknowledged=row.state in (State.UNACK_ALARM, State.RTN_UNACK),
    )


def urgency(alarm: Standing) -> tuple[bool, bool, float, str]:
    """Return the key that sorts alarms, the most urgent first: escalated, unacknowledged, the longest."""
    return (not alarm.escalated, not alarm.unacknowledged, alarm.since_s, alarm.device)


def technical_of(name: str, row: Row) -> Technical | None:
    """Describe the technical conditions of a device; None if there are none but warm-up."""
    unnamed = row.health & ~int(BITS_OF[row.conditions])
    if row.conditions & ~WARM_UP == 0 and unnamed == 0:
        return None
    others = [tuple(c for c in Condition if c.bit == bit) for bit in range(8) if unnamed >> bit & 1]
    conditions = tuple(c for c in Condition if row.conditions >> c & 1)
    return Technical(name, row.fault_since_s, conditions, tuple(others), row.health)


def device_of(name: str, row: Row) -> Device:
    """Summarise a device."""
    return Device(
        device=name,
        heard=row.known & HEARD > 0,
        last_s=known_time(row.last_s),
        state=State(row.state),
        standing=standing_of(name, row),
        technical=technical_of(name, row),
        health=row.health,
        out_of_service=row.flags & OUT_OF_SERVICE > 0,
        tested_s=known_time(row.tested_s),
        number=row.last,
        hop=row.hop,
        whole_hop=row.known & WHOLE_HOP > 0,
        plan_tag=row.tag,
        whole_tag=row.known & WHOLE_TAG > 0,
        layout=row.layout,
        judged_share=row.share / SHARE_ONE if row.known & HAS_SHARE else None,
        level_tag=row.level if row.known & HAS_LEVEL else None,
        counts=Counts(**{name: getattr(row, name) for name in COUNTED}),
    )


def known_time(time_s: float) -> float | None:
    """Return a time of a row, or None before there is one."""
    return None if math.isnan(time_s) else time_s
