"""Facts of the alarm, the health and the ladder section of a plan, and of what they keep."""

from __future__ import annotations

import math
from typing import Any

from anomsdk.core.diary import ROW
from anomsdk.core.event import Condition
from anomsdk.core.export import export_bytes
from anomsdk.core.health import HealthPlan
from anomsdk.core.ladder import LadderPlan, PromisePlan, Unit, ladder_bytes
from anomsdk.core.plan import Plan
from anomsdk.core.record import RECORD_BYTES

_BYTES_A_COLUMN = 16
_SHOWN_NEEDS = 4
_SCORES = 3
"""Highest scores that are kept: of the alarm, of its last raise or escalation, and since the last heartbeat."""


def alarm_facts(plan: Plan) -> dict[str, Any]:
    """Return the facts of the life cycle of the alarm: seconds, or "off"; empty without an alarm section."""
    alarm = plan.alarm
    if alarm is None:
        return {}
    facts: dict[str, Any] = {
        "latch": "on" if alarm.latch else "off",
        "escalate_ratio": round(alarm.escalate_ratio_q16 / 65536, 4) or "off",
    }
    for name in ("cancel", "escalate_after", "escalate_every", "repeat", "test"):
        facts[f"{name}_s"] = _hops_s(plan, getattr(alarm, name)) or "off"
    return facts | {"heartbeat_s": round(heartbeat_s(plan), 3) or "off"}


def heartbeat_s(plan: Plan) -> float:
    """Return the seconds from one heartbeat to the next, with its part of a hop; 0 for none."""
    alarm = plan.alarm
    if alarm is None:
        return 0.0
    hops = alarm.heartbeat + (alarm.heartbeat_rest_q16 or 0) / 65536
    return hops * plan.framer.hop / plan.rate_hz


def health_facts(plan: Plan) -> dict[str, Any]:
    """Return the limits of the technical conditions in the units of a spec, or "off"; empty without a health section.

    A time in seconds that a block decides is rounded up to whole blocks.
    """
    health = plan.health
    if health is None:
        return {}
    block_s = _hops_s(plan, health.block)
    facts: dict[str, Any] = {"block_s": block_s}

    def add(condition: Condition, **limits: Any) -> None:
        on = health.raise_blocks[condition - 1] > 0
        facts.update({name: value if on else "off" for name, value in limits.items()})

    def lasting_s(condition: Condition) -> float:
        return round(int(health.raise_blocks[condition - 1]) * block_s, 3)

    rate = plan.rate_hz
    add(Condition.STUCK, stuck_s=round(health.stuck / rate, 3))
    add(Condition.FLAT, flat_counts=health.flat_range, flat_s=lasting_s(Condition.FLAT))
    add(Condition.REPEATED, repeated_s=lasting_s(Condition.REPEATED))
    clipped = f"{health.clip_low} and {health.clip_high}"
    share = round(health.clip_share_q16 / 65536, 4)
    add(Condition.CLIPPED, clip_counts=clipped, clip_share=share, clip_s=lasting_s(Condition.CLIPPED))
    floor_s = lasting_s(Condition.NOISE_FLOOR)
    add(Condition.NOISE_FLOOR, noise_counts=health.floor_range, noise_floor_s=floor_s)
    add(Condition.STEP, step_counts=health.step, step_s=lasting_s(Condition.STEP))
    add(Condition.DEAD_AXIS, dead_axis_s=round(health.dead_axis / rate, 3))
    if plan.sensor.kind == "motion":
        low, high = (round(math.sqrt(square)) for square in (health.gravity_low, health.gravity_high))
        add(Condition.GRAVITY, gravity_counts=f"{low} to {high}", gravity_rest_s=lasting_s(Condition.GRAVITY))
        still, posture = health.still_range, health.posture
        not_worn_s = lasting_s(Condition.NOT_WORN)
        add(Condition.NOT_WORN, not_worn_s=not_worn_s, still_counts=still, posture_counts=posture)
    add(Condition.GAP, lost_share=round(health.lost_share_q16 / 65536, 4), lost_s=lasting_s(Condition.GAP))
    return facts | {
        "missing_s": round(health.missing_ms / 1000, 3) or "off",
        "rate_tolerance": round(health.rate_tolerance_q16 / 65536, 4) or "off",
        "warm_up_s": _hops_s(plan, health.warm_up),
        "not_judged_while": _voiding(health),
    }


def ladder_facts(plan: Plan) -> dict[str, Any]:
    """Return the facts of the ladder: its levels, its budgets with the days that they need, and bytes.

    A budget is told as its spec has it, where the provenance says so, else by the integers of the plan; with it go the
    days that a rung must be watched with 0, 1, 2 and 3 counted. Empty without a ladder section.
    """
    ladder = plan.ladder
    if ladder is None:
        return {}
    facts: dict[str, Any] = {
        "rungs": ladder.n_rungs,
        "levels": [int(score) for score in ladder.raise_scores],
        "ticks_per_day": round(ladder.day_q16 / 65536, 3),
        "episode_gap_days": ladder.episode_gap or "off",
    }
    promises = plan.promises or ()
    texts = plan.provenance.get("budgets", "").split("; ")
    for index, promise in enumerate(promises):
        text = texts[index] if len(texts) == len(promises) and texts[index] else _rate(promise)
        hours = promise.unit == Unit.ALARM and text.endswith("h")
        needs = _needs(promise, ladder, 24 if hours else 1)
        facts |= {
            f"budget_{index}": f"{text}, {_terms(promise)}",
            f"needs_{index}_{'hours' if hours else 'days'}": needs,
        }
    return facts | {
        "state_bytes": ladder_bytes(ladder),
        "record_bytes": RECORD_BYTES + ladder_bytes(ladder),
        "export_bytes": export_bytes(ladder.n_rungs),
    }


def _rate(promise: PromisePlan) -> str:
    """Return the rate that a promise allows, to about four digits: a plan has it as evidence that a day takes off."""
    unit = Unit(promise.unit).name.lower().replace("_", "-")
    return f"1 {unit} in {2 * 65536 / promise.day_q16:.4g} days"


def _terms(promise: PromisePlan) -> str:
    """Return the confidence of a promise, and its limit of the time in alarm."""
    confidence = 1 - math.exp(-promise.broken_q16 / 65536)
    share = promise.most_in_alarm_q16 / 65536
    return f"{confidence:.4g} confidence, in alarm for at most {share:.4g} of the time"


def _needs(promise: PromisePlan, ladder: LadderPlan, parts: int) -> list[str]:
    """Return the service that a rung needs with 0, 1, 2 and 3 counted, in parts of a day: 1 for days, 24 for hours."""
    day = ladder.day_q16 / 65536 / parts if promise.unit == Unit.ALARM else 1
    return [f"{count}: {int(need) / day:.4g}" for count, need in enumerate(promise.needs[:_SHOWN_NEEDS])]


def diary_facts(plan: Plan) -> dict[str, Any]:
    """Return the facts of the diary: its slot in seconds, its columns, and the bytes of a row; empty without one."""
    diary = plan.diary
    if diary is None:
        return {}
    units = {"vedba_mean": " (0.1 mg)", "jerk_mean": " (0.1 mg)", "coverage": " (0.1 %)"}
    return {
        "slot_s": round(slot_s(plan), 3),
        "columns": [f"{name}{units.get(name, ' (log2 in 1/256)')}" for name in diary.columns],
        "row_bytes": ROW.size,
    }


def slot_s(plan: Plan) -> float:
    """Return the seconds of a slot of the diary, with its part of a hop; 0 for a plan without one."""
    return 0.0 if plan.diary is None else plan.diary.slot_q16 * plan.framer.hop / 65536 / plan.rate_hz


def retention_facts(plan: Plan) -> dict[str, Any]:
    """Return what life cycle, ladder, health and diary keep, see docs/privacy.md; empty for other plans."""
    facts: dict[str, Any] = {}
    if plan.diary is not None:
        facts |= {
            "diary_s": round(slot_s(plan), 3),
            "diary_kept": "sums over a slot; its row for one slot more, or until it is polled",
        }
    if plan.is_supervised:
        facts |= {"highest_scores": f"{_SCORES}: of the alarm, of its last report, since the last heartbeat"}
    if plan.ladder is not None:
        facts |= {
            "ladder_bytes": ladder_bytes(plan.ladder),
            "ladder_counts": "of each rung: ticks, alarms, days and episodes; no signal",
            "ladder_kept": "until a reset; a record carries them on, an export hands them out",
        }
    health = plan.health
    if health is not None:
        facts |= {
            "health_bytes": _BYTES_A_COLUMN * plan.columns,
            "health_samples": "the last one of each column",
            "health_block_ms": round(1000 * _hops_s(plan, health.block), 3),
            "health_mean_s": round(_hops_s(plan, health.block) * 2**health.mean_shift, 3),
        }
    return facts


def _voiding(health: HealthPlan) -> list[str]:
    """Return the words of the conditions during which no tick is judged."""
    return [condition.word for condition in Condition if health.void_mask >> condition.bit & 1]


def _hops_s(plan: Plan, hops: int) -> float:
    return round(hops * plan.framer.hop / plan.rate_hz, 3)
