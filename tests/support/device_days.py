"""Data sets of generated device days, of a tiny plan with a ladder whose days have 10 ticks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

import anomsdk
from anomsdk.core.event import Condition, Event, Kind, State
from anomsdk.datasets.device_day import DeviceDay, table_of
from anomsdk.datasets.schema import RUNG_COLUMNS, SCORE_ID_DIGITS, Facts
from tests.support.herds import DAY

FIRST_DAY = date(2026, 1, 1)
TICK_S = 8640.0
"""Length of a tick with which 10 ticks are 24 hours."""


def day(k: int) -> date:
    return FIRST_DAY + timedelta(k)


def midnight_us(of: date) -> int:
    return round(datetime(of.year, of.month, of.day, tzinfo=timezone.utc).timestamp() * 1_000_000)


def facts_of(plan: anomsdk.Plan, **changes: Any) -> Facts:
    facts = Facts.of(plan, plan, "none")
    return Facts(**{**vars(facts), "tick_s": TICK_S, **changes})


def device_day(plan: anomsdk.Plan, device: str, of: date, **changes: Any) -> DeviceDay:
    """A whole, quiet day; `changes` of its fields, and `rungs`: tag -> (alarm ticks, alarms)."""
    n_rungs = 0 if plan.ladder is None else len(plan.ladder.raise_scores)
    counts = np.zeros((n_rungs, len(RUNG_COLUMNS)), np.int64)
    for tag, (ticks, alarms) in changes.pop("rungs", {}).items():
        counts[tag - 1, :2] = ticks, alarms
    ticks = changes.pop("ticks", DAY)
    start = midnight_us(of)
    known = {
        "start_us": start,
        "stop_us": start + round(ticks * TICK_S * 1e6),
        "highest": 1000,
        "service_ticks": ticks - changes.get("void_ticks", 0),
    }
    score_id = changes.pop("score_id", plan.score_id[:SCORE_ID_DIGITS])
    return DeviceDay(device, of, score_id, TICK_S, ticks, counts, **{**known, **changes})


def write_rows(folder: Path, rows: Sequence[DeviceDay], facts: Facts, *, files: int = 1) -> Path:
    """Write rows into their partitions, dealt to some files each."""
    from pyarrow import parquet

    for partition in sorted({row.partition for row in rows}):
        place = folder / partition
        place.mkdir(parents=True, exist_ok=True)
        of_day = [row for row in rows if row.partition == partition]
        for part in range(files):
            if of_day[part::files]:
                parquet.write_table(table_of(of_day[part::files], facts), place / f"part-{part:05d}.parquet")
    return folder


def raised(plan: anomsdk.Plan, *, clear: bool = False, level_tag: int = 0) -> bytes:
    """Event of an alarm that is raised, or cleared."""
    state = State.NORMAL if clear else State.UNACK_ALARM
    return bytes(Event(Kind.ANOMALY, state, False, 1, 1, 1000, 0, (0, 0), plan.tag, layout=2, level_tag=level_tag))


def technical(plan: anomsdk.Plan, condition: Condition, *, active: bool = True) -> bytes:
    """Event of a technical condition."""
    codes = int(condition), int(active)
    return bytes(Event(Kind.TECHNICAL, State.NORMAL, False, 1, 1, 0, 0, codes, plan.tag, layout=2))
