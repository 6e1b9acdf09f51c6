"""The life cycle of an alarm as one table: state, input, next state, events, annunciation.

tests/support/alarm_table.txt holds the rows. It is the source of docs/reference/alarm-life-cycle.md and of
docs/pictures/alarm.svg (`tests.support.alarm_page`), and of tests/contract/test_alarm_table.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from anomsdk import Pipeline
from anomsdk.core.alarm import Annunciation
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import Event, Kind, Restart, State, score_log2_q8
from anomsdk.core.plan import Plan
from tests.support.tiny_plans import SCORES, events_of, give, give_all, tiny_plan

SOURCE = Path(__file__).with_suffix(".txt")
START = "start"


class Row(NamedTuple):
    """A row: what is given, and what must follow."""

    heading: str
    plan: str
    after: tuple[str, ...]
    state: str
    input: tuple[str, ...]
    next: str
    events: tuple[str, ...]
    annunciation: str
    note: str

    @property
    def at_start(self) -> bool:
        """Whether nothing was given before, and the restart has not left."""
        return self.after == (START,)

    @property
    def given(self) -> tuple[str, ...]:
        """Inputs that lead to the state."""
        return () if self.at_start else self.after


def rows() -> Iterator[Row]:
    """The rows of the table, in their order."""
    heading = ""
    for line in SOURCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif "|" in line and not line.startswith(("#", "plan")):
            plan, after, state, given, then, events, annunciation, *note = (cell.strip() for cell in line.split("|"))
            yield Row(
                heading,
                plan,
                _items(after, ","),
                state,
                _items(given, ","),
                then,
                _items(events, ";"),
                annunciation,
                *note,
            )


def _items(cell: str, separator: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in cell.split(separator) if item.strip())


def plan_of(row: Row) -> Plan:
    """The tiny plan of a row."""
    changes: dict[str, Any] = {}
    for item in _items(row.plan, ","):
        name, value = item.split(" ")
        if name == "duty":
            on, every = value.split("/")
            changes[name] = DutyPlan(int(on), int(every))
        elif name == "escalate_ratio":
            changes[f"{name}_q16"] = int(value) << 16
        else:
            changes[name] = int(value)
    return tiny_plan(**changes)


def found(row: Row, engine: str) -> Row:
    """The row as an engine has it."""
    plan = plan_of(row)
    with Pipeline(plan, engine) as pipeline:
        if not row.at_start:
            give(pipeline, "nothing")
        give_all(pipeline, row.given)
        events = tuple(spoken(event) for event in events_of(give_all(pipeline, row.input)))
        annunciation = signals(pipeline.annunciation)
    return row._replace(
        state=state_after(plan, engine, row.given),
        next=state_after(plan, engine, (*row.given, *row.input)),
        events=events,
        annunciation=annunciation,
    )


def state_after(plan: Plan, engine: str, words: Sequence[str]) -> str:
    """The state after these inputs, as the event of a test says it."""
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, words)
        return events_of(pipeline.test())[-1].state.name


def spoken(event: Event) -> str:
    """An event in words: what it is, the state, and what else is not 0 in it."""
    scores = {score_log2_q8(score): f"score {word}" for word, score in SCORES.items()}
    parts = {
        event.state.name: True,
        scores.get(event.score_log2_q8, "another score"): event.score_log2_q8 > 0,
        f"{event.judged_share:.0%} judged": event.kind == Kind.HEARTBEAT,
        "latched": event.latched,
        "silenced": event.silenced,
        "out of service": event.out_of_service,
        "high": event.high,
        f"health {event.health}": event.health > 0,
    }
    return ", ".join([_happened(event), *(part for part, is_so in parts.items() if is_so)])


def _happened(event: Event) -> str:
    if event.kind == Kind.TECHNICAL:
        return f"{event.words[0]} {'raised' if event.active else 'cleared'}"
    if event.kind == Kind.OPERATOR:
        return event.words[0]
    if event.restart not in (None, Restart.ANEW):
        return f"restart ({event.words[0]})"
    if event.kind != Kind.ANOMALY:
        return event.kind.word
    if event.escalated:
        return "escalation"
    return {State.UNACK_ALARM: "raise", State.PREALARM: "prealarm"}.get(event.state, "clear")


def signals(annunciation: int) -> str:
    """Bits of the annunciation by their names."""
    return ", ".join(bit.name or "" for bit in Annunciation if annunciation & bit)
