"""Words for events: one heading for each kind of news, and the details that follow it."""

from __future__ import annotations

from anomsdk.core.event import NOT_READY, Condition, Event, Input, Kind, Promise, State
from anomsdk.core.plan import DiarySensorPlan, Plan
from anomsdk.utils.text import duration, in_days

STYLES = {
    "ALARM": "red",
    "ESCALATED": "bold red",
    "STILL ALARM": "red",
    "PREALARM": "yellow",
    "FAULT": "magenta",
    "fault over": "green",
    "clear": "green",
    "heartbeat": "dim",
}
"""Heading of an event -> its style in rich."""

MOST_DAYS = 255
"""Largest argument of news that more days are needed; it also stands for more."""
_INPUTS = {
    Input.ACKNOWLEDGE: "acknowledged",
    Input.SILENCE: "silenced",
    Input.SILENCE_OVER: "silence over",
    Input.CANCEL: "cancelled",
    Input.OUT_OF_SERVICE: "out of service",
    Input.IN_SERVICE: "in service",
    Input.TEST: "test",
}
_OTHERS = {Kind.HEARTBEAT: "heartbeat", Kind.RESTART: "restart", Kind.REPEAT: "STILL ALARM", Kind.LEVEL: "level"}


def heading(event: Event) -> str:
    """Return the word or two that say what an event reports.

    Examples
    --------
    >>> from anomsdk.core.event import Event
    >>> heading(Event.from_bytes(bytes.fromhex("22004500f40100000000010101000000")))
    'FAULT'
    """
    if event.condition == Condition.WARM_UP:
        return "warming up" if event.active else "warm-up over" if event.health >> NOT_READY & 1 else "ready"
    if event.kind == Kind.TECHNICAL:
        return "FAULT" if event.active else "fault over"
    if event.input is not None:
        return _INPUTS[event.input]
    if event.kind != Kind.ANOMALY:
        return _OTHERS[event.kind]
    if event.escalated:
        return "ESCALATED"
    if event.state == State.PREALARM:
        return "PREALARM"
    return "ALARM" if event.raised else "clear"


def details(event: Event) -> str:
    """Return what an event says beyond its heading; empty where there is no more.

    Reasons of an anomaly, a technical condition, the share of the time that was judged, or news of the alarm level.

    Examples
    --------
    >>> from anomsdk.core.event import Event
    >>> details(Event.from_bytes(bytes.fromhex("2700450000000000000000026d000000")))
    'no level certified, 109 more days needed'
    """
    if event.promise is not None:
        return _news(event.promise, event)
    if event.kind == Kind.HEARTBEAT:
        return f"judged {event.judged_share:.0%}"
    if event.kind == Kind.TECHNICAL:
        return "" if event.condition == Condition.WARM_UP else ", ".join(event.words)
    reasons = list(event.words) if event.kind == Kind.ANOMALY else []
    if event.latched and event.state == State.RTN_UNACK:
        reasons.append("latched until acknowledged")
    return ", ".join(reasons)


def _news(promise: Promise, event: Event) -> str:
    """Return the words for news of the alarm level, with its days, its budget and the level that is in force."""
    known, argument = not event.compact, event.reasons[1]
    if promise == Promise.NEEDS:
        days = f"{argument} or more days" if argument == MOST_DAYS else f"{argument} more days"
        return f"no level certified, {days} needed" if known else promise.word
    if promise in (Promise.CERTIFIED, Promise.BROKEN) and known:
        return f"{promise.word}: rung {event.level_tag}, budget {argument}"
    if promise == Promise.SET and known:
        return f"{promise.word}: {f'rung {event.level_tag}' if event.level_tag else 'that of the plan'}"
    return promise.word


def too_short(plan: Plan) -> str:
    """Say how long a recording must be before anything in it is judged; a diary is learnt for some days first."""
    if isinstance(plan.sensor, DiarySensorPlan):
        return f"learning: needs {in_days(plan.extractor.warm_up * plan.sensor.slot_s)}"
    return f"too short: needs {duration(plan.samples_to_first_tick / plan.rate_hz)}"


def flags(event: Event) -> tuple[str, ...]:
    """Return the words for the flags that are set in an event."""
    marked = "test" if event.kind == Kind.OPERATOR else "escalated"
    named = {
        "high": event.high,
        "latched": event.latched,
        "silenced": event.silenced,
        "out of service": event.out_of_service,
        marked: event.marked,
    }
    return tuple(word for word, is_set in named.items() if is_set)


def health_words(byte: int) -> tuple[str, ...]:
    """Return the words for the bits that are set in a health byte: the conditions that share each bit.

    Bit `NOT_READY` also stands for a days plan that still learns, which is no condition.

    Examples
    --------
    >>> health_words(0b10010)
    ('clipped', 'gaps or missing or rate')
    """
    bits = (bit for bit in range(8) if byte >> bit & 1)
    return tuple(" or ".join(_words_of(bit)) for bit in bits)


def _words_of(bit: int) -> list[str]:
    """Return all that a bit of the health byte can stand for."""
    found = [each.word for each in Condition if each.bit == bit]
    if bit == NOT_READY:
        found.insert(1, "learning")
    return found
