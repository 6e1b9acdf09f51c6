"""Herd of a day as a tree for JSON."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from anomsdk.herd.overview import AlarmedDevice, AlertRate, HerdDay
from anomsdk.herd.report_text import LIMIT, notes, share_line
from anomsdk.stats.intervals import Figure


def as_json(found: HerdDay) -> dict[str, Any]:
    """Return the figures of the herd and every device of each list."""
    share = found.share
    return {
        "finding": share_line(found),
        "day": found.day.isoformat(),
        "plan": found.plan,
        "days_before": [each.isoformat() for each in found.days_before],
        "levels": found.levels or None,
        "in_alarm": share.in_alarm,
        "animals": share.devices,
        "share": _figure(share.interval),
        "share_before": _figure(share.interval_before),
        "dispersion_before": round(share.dispersion, 6),
        "common_mode": share.is_common_mode,
        "alerts_per_1000_animal_days": _rate(found.alerts),
        "alerts_per_1000_animal_days_before": _rate(found.alerts_before),
        "look_at": [_animal(each) for each in found.look_at],
        "technical": [
            {
                "device": each.device,
                "alarms": each.alarms,
                "conditions": dict(each.conditions),
                "coverage": round(each.coverage, 6),
            }
            for each in found.technical
        ],
        "silent": [{"device": each.device, "last_day": each.last_day.isoformat()} for each in found.silent],
        "low_coverage": [{"device": each.device, "coverage": round(each.coverage, 6)} for each in found.sparse],
        "judged_at_level_in_force": found.unnamed if found.levels else share.devices,
        "notes": [each.removeprefix("note: ") for each in notes(found)],
        "limit": LIMIT,
    }


def time_text(us: int | None) -> str | None:
    """Write a time in microseconds since 1970 as ISO 8601 in UTC, in whole seconds; None stays None."""
    if us is None:
        return None
    return datetime.fromtimestamp(us // 1_000_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _figure(figure: Figure) -> dict[str, float | None]:
    values = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {name: None if value is None else round(value, 6) for name, value in values.items()}


def _rate(rate: AlertRate) -> dict[str, float | None]:
    return {**_figure(rate.rate), "alerts": rate.alerts, "animal_days": round(rate.animal_days, 6)}


def _animal(each: AlarmedDevice) -> dict[str, Any]:
    return {
        "device": each.device,
        "new": each.is_new,
        "alarm_days_before": each.alarm_days_before,
        "days_before": each.days_before,
        "alerts": each.alerts,
        "hours_in_alarm": round(each.hours, 6),
        "since": time_text(each.since_us),
        "from_before": each.from_before,
        "highest_over_median": None if each.factor is None else round(each.factor, 6),
        "rank": each.rank,
        "level_tag": each.level_tag,
        "level": each.level,
        "status": each.status or None,
    }
