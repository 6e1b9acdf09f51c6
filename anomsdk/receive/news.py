"""News: the fields of decoded events, of one as integers and of many as columns, equal for both layouts and forms."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias, get_type_hints

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.event import (
    COMPACT_BYTES,
    EVENT_BYTES,
    VERSION,
    VERSION_2,
    Condition,
    Event,
    Input,
    Kind,
    Promise,
    Restart,
    State,
)
from anomsdk.errors import InputError

U1: TypeAlias = Annotated[int, "u1"]
U2: TypeAlias = Annotated[int, "u2"]
U4: TypeAlias = Annotated[int, "u4"]
Columns: TypeAlias = NDArray[Any]
"""Structured array, one element an event or a device."""

LATCHED, SILENCED, OUT_OF_SERVICE, MARKED, HIGH = 8, 16, 32, 64, 128
"""Bits of `News.flags`: those of layout 2."""
_HIGH_1 = 64
_MIX, _MIX_TAG = 0xD6E8FEB86659FD93, 0x9E3779B97F4A7C15  # odd, half of their bits set
_MASK_64 = 2**64 - 1


class News(NamedTuple):
    """Fields of one decoded event.

    Parameters
    ----------
    kind, state : codes of `Kind` and `State`
    flags : bits as in layout 2
    number : sequence number
    hop : modulo 2**32, of a compact event modulo 2**24
    score : log2 in q8
    health : health byte
    code_1, code_2, code_3 : reasons or codes, 0 where the event has none
    tag : plan tag, of a compact event its low byte
    layout : 1 or 2
    compact : 1 for the compact form
    level : level tag of an event of layout 2 with 16 bytes, else 0
    check : 16 bits of a hash of the compact form, equal for both forms of an event
    """

    kind: U1
    state: U1
    flags: U1
    number: U2
    hop: U4
    score: U2
    health: U1
    code_1: U1
    code_2: U1
    code_3: U1
    tag: U2
    layout: U1
    compact: U1
    level: U1
    check: U2


def columns_of(fields: type) -> np.dtype[Any]:
    """Return the structured type whose columns are the annotated fields of a class."""
    hints = get_type_hints(fields, include_extras=True)
    return np.dtype([(name, hint.__metadata__[0]) for name, hint in hints.items()], align=True)


NEWS = columns_of(News)


def _known(
    codes: type[Kind] | type[State] | type[Condition] | type[Input] | type[Restart] | type[Promise],
) -> NDArray[np.bool_]:
    """Mark the values of a byte that are codes of an enumeration."""
    return np.isin(np.arange(256), [int(code) for code in codes])


_CODES = {
    Kind.TECHNICAL: _known(Condition),
    Kind.OPERATOR: _known(Input),
    Kind.RESTART: _known(Restart),
    Kind.LEVEL: _known(Promise),
}
"""Kind of an event -> bytes that its first code may be; other kinds take any."""
_KINDS, _STATES = _known(Kind), _known(State)


def news_of(event: Event | bytes) -> News:
    """Decode one event of 16 or 11 bytes.

    Raises
    ------
    InputError : the event cannot be decoded
    """
    if isinstance(event, Event):
        try:
            event = bytes(event)
        except (struct.error, ValueError, OverflowError):
            require(False, "event: a field is out of the range of its bytes")
    require(
        isinstance(event, bytes | bytearray | memoryview), f"event: {type(event).__name__}, neither bytes nor Event"
    )
    event = Event.from_bytes(bytes(event))
    reasons = (*event.reasons, 0)[:3]
    flags = event.latched * LATCHED | event.silenced * SILENCED | event.out_of_service * OUT_OF_SERVICE
    flags |= event.marked * MARKED | event.high * HIGH
    code = reasons[1] if event.kind == Kind.HEARTBEAT else reasons[0]
    if event.kind == Kind.TECHNICAL:
        code = (reasons[0] | reasons[1] << 7) & 255
    score, hop, tag = event.score_log2_q8, event.hop, event.plan_tag
    key = (event.layout << 4 | event.kind) | (event.state | flags) << 8 | event.health << 16 | code << 24
    key |= (score >> 5 & 255) << 32 | (hop & 0xFFFFFF) << 40
    check = ((key ^ (tag & 255) * _MIX_TAG) * _MIX & _MASK_64) >> 48
    return News(
        int(event.kind),
        int(event.state),
        flags,
        event.sequence,
        hop,
        score,
        event.health,
        reasons[0],
        reasons[1],
        reasons[2],
        tag,
        event.layout,
        int(event.compact),
        event.level_tag,
        check,
    )


def decoded(events: NDArray[np.uint8]) -> tuple[Columns, NDArray[np.bool_]]:
    """Decode many events of one form.

    Parameters
    ----------
    events : uint8 (n, 16) or (n, 11)

    Returns
    -------
    news : structured (n,) of type `NEWS`
    good : bool (n,), the events that can be decoded; the news of others mean nothing
    """
    compact = events.shape[1] == COMPACT_BYTES
    byte = events.T.astype(np.int64)
    news = np.zeros(len(events), NEWS)
    layout, kind, state = byte[0] >> 4, byte[0] & 15, byte[1] & 7
    first = layout == VERSION
    flags = np.where(first, (byte[1] & _HIGH_1) << 1, byte[1] & 0xF8)
    hop = byte[4] | byte[5] << 8 | byte[6] << 16
    technical, beat = kind == Kind.TECHNICAL, kind == Kind.HEARTBEAT  # never in layout 1
    if compact:
        score, health, tag, code = byte[7] << 5, byte[8], byte[10], byte[9]
        code_1 = np.where(technical, code & 127, code)
        code_2 = np.where(technical, code >> 7, np.where(beat, code, 0))
        code_3 = np.zeros_like(code)
    else:
        score, health, tag = byte[8] | byte[9] << 8, byte[10], byte[14] | byte[15] << 8
        code_1, code_2, code_3 = byte[11], byte[12], np.where(first, byte[13], 0)
        code = np.where(beat, code_2, np.where(technical, (code_1 | code_2 << 7) & 255, code_1))
    key = byte[0] | (state | flags) << 8 | health << 16 | code << 24 | (score >> 5 & 255) << 32
    mixed = key.view(np.uint64) | (hop & 0xFFFFFF).view(np.uint64) << np.uint64(40)
    mixed = (mixed ^ (tag & 255).view(np.uint64) * np.uint64(_MIX_TAG)) * np.uint64(_MIX)
    good = (first | (layout == VERSION_2)) & np.where(first, kind == Kind.ANOMALY, _KINDS[kind])
    good &= np.where(first, state <= State.UNACK_ALARM, _STATES[state])
    for each, known in _CODES.items():
        good &= (kind != each) | known[code_1]
    values = {"kind": kind, "state": state, "flags": flags, "number": byte[2] | byte[3] << 8, "score": score}
    values |= {"hop": hop if compact else hop | byte[7] << 24, "health": health, "tag": tag, "layout": layout}
    values |= {"code_1": code_1, "code_2": code_2, "code_3": code_3, "check": mixed >> np.uint64(48)}
    values["level"] = 0 if compact else np.where(first, 0, byte[13])
    for name, value in values.items():
        news[name] = value
    news["compact"] = compact
    return news, good


def decoded_of_both_forms(events: Sequence[bytes]) -> tuple[Columns, NDArray[np.bool_]]:
    """Decode many events, each of either form.

    Returns
    -------
    as `decoded`; what is no bytes, or of another length, is not good
    """
    news, good = np.zeros(len(events), NEWS), np.zeros(len(events), np.bool_)
    lengths = np.array([len(event) if isinstance(event, bytes) else 0 for event in events], np.int64)
    for length in (EVENT_BYTES, COMPACT_BYTES):
        at = np.flatnonzero(lengths == length)
        data = np.frombuffer(b"".join([events[i] for i in at.tolist()]), np.uint8).reshape(-1, length)
        news[at], good[at] = decoded(data)
    return news, good


def why_malformed(event: object) -> str:
    """Return why an event cannot be decoded; empty if it can."""
    if isinstance(event, np.ndarray):
        event = event.tobytes()
    if not isinstance(event, bytes):
        return f"event: {type(event).__name__}, not bytes"
    try:
        Event.from_bytes(event)
    except InputError as error:
        return str(error)
    return ""
