"""Decoded events: the keys that every decoder gives, and a line for people."""

from __future__ import annotations

from typing import Any

from anomsdk.core.event import VERSION, Event, Kind
from anomsdk.watch.sinks.event_words import details, flags, heading, health_words

_LARGEST_SCORE = (1 << 32) - 1
_SHARE_DIGITS = 6


def decoded(data: bytes) -> dict[str, Any]:
    """Decode an event into a dictionary that JSON can hold.

    All events have the same keys, in the same order, and so have those that the decoders in C and JavaScript give.

    Parameters
    ----------
    data : 16 bytes of layout 1 or 2, or the 11 bytes of a compact form

    Returns
    -------
    dictionary with these keys; None stands for what an event of this kind or form does not carry

    - layout : 1 or 2
    - compact : True for the compact form, in which `hop` is modulo 2**24
    - kind, state : words
    - flags : words for the flags that are set
    - raised, cleared, escalated : True if an alarm begins, has returned to normal, or escalates with this event
    - sequence : 0 to 65535
    - hop : 0 to 2**32 - 1
    - score : score, rounded; 0 without a score
    - score_log2 : log2 of the score, as the event carries it
    - health, health_words : health byte, and words for its bits
    - reasons : most unusual groups of features of an anomaly, in words
    - condition, active : technical condition in words, and whether it begins or ends
    - input : input of an operator in words
    - restart : what the pipeline began with, in words
    - promise : news of the alarm level in words
    - argument : of news of the level: days that are needed, 255 also for more, or index of the promise
    - judged_share : judged share of the ticks since the last heartbeat, 0 to 1
    - level_tag : 0 to 255, layout 2 only
    - plan_tag : beginning of the plan's id, 4 hexadecimal digits; 2 in a compact form
    - event : bytes in hexadecimal

    Raises
    ------
    InputError : the bytes are no event

    Examples
    --------
    >>> found = decoded(bytes.fromhex("22010400 10020000 0000 01 0101 00 cdab"))
    >>> found["kind"], found["condition"], found["active"], found["plan_tag"], found["input"]
    ('technical', 'stuck', True, 'cdab', None)
    """
    event = Event.from_bytes(data)
    technical, compact = event.condition is not None, event.compact
    return {
        "layout": event.layout,
        "compact": compact,
        "kind": event.kind.word,
        "state": event.state.word,
        "flags": list(flags(event)),
        "raised": event.raised,
        "cleared": event.cleared,
        "escalated": event.escalated,
        "sequence": event.sequence,
        "hop": event.hop,
        "score": _score(event.score_log2_q8),
        "score_log2": event.score_log2_q8 / 256,
        "health": event.health,
        "health_words": list(health_words(event.health)),
        "reasons": list(event.words) if event.kind == Kind.ANOMALY else [],
        "condition": None if event.condition is None else event.condition.word,
        "active": event.active if technical else None,
        "input": None if event.input is None else event.input.word,
        "restart": None if event.restart is None else event.restart.word,
        "promise": None if event.promise is None else event.promise.word,
        "argument": None if event.promise is None or compact else event.reasons[1],
        "judged_share": round(event.judged_share, _SHARE_DIGITS) if event.kind == Kind.HEARTBEAT else None,
        "level_tag": None if compact or event.layout == VERSION else event.level_tag,
        "plan_tag": event.plan_tag.to_bytes(1 if compact else 2, "little").hex(),
        "event": data.hex(),
    }


def line_of(data: bytes) -> str:
    """Write an event as one line for people.

    Examples
    --------
    >>> line_of(bytes.fromhex("1142020106050403ee1300440000cdab"))
    '#258  hop 50595078  ALARM  state alarm  score 998,697  loudness high  (high)  plan cdab'
    >>> line_of(bytes.fromhex("22000400100200000282cd"))
    '#4  hop 528  FAULT  state normal  score 0  health: clipped  flat  plan cd  compact'
    """
    event, fields = Event.from_bytes(data), decoded(data)
    parts = [f"#{event.sequence}", f"hop {event.hop}", heading(event), f"state {event.state.word}"]
    parts.append(f"score {fields['score']:,}")
    if event.layout != VERSION:
        parts.append(f"health: {', '.join(fields['health_words']) or 'no condition active'}")
    parts += [text for text in (details(event), "" if event.restart is None else event.restart.word) if text]
    if fields["level_tag"]:
        parts.append(f"level {fields['level_tag']}")
    if fields["flags"]:
        parts.append(f"({', '.join(fields['flags'])})")
    parts.append(f"plan {fields['plan_tag']}")
    return "  ".join(parts + ["compact"] * event.compact)


def _score(log2_q8: int) -> int:
    """Return the score that a logarithm in q8 stands for; a device has none above 8191."""
    return min(round(2 ** (log2_q8 / 256)), _LARGEST_SCORE) if log2_q8 else 0
