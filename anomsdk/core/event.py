"""Event: the 16 bytes that may leave a pipeline.

Plans without an alarm, a health and a ladder section write layout 1, all other plans layout 2. For radios that carry
less, both have a compact form of 11 bytes. All four are decoded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.fixed import log2_q10
from anomsdk.core.reasons import words

EVENT_BYTES = 16
COMPACT_BYTES = 11
"""Length of the compact form."""
VERSION = 1
"""Layout of the events of a plan without an alarm, a health and a ladder section."""
VERSION_2 = 2
"""Layout of the events of a plan with an alarm, a health or a ladder section."""
SHARE_ONE = 65535
"""Judged share of a heartbeat in which every tick that was due was judged."""

# version and kind, state and flags, sequence, hop, score, health, three reasons, plan tag; little-endian
_LAYOUT = struct.Struct("<BBHIHB3sH")
# version and kind, state and flags, sequence, hop, score, health, two codes, level tag, plan tag; little-endian
_LAYOUT_2 = struct.Struct("<BBHIHB2sBH")

# version and kind, state and flags, sequence, hop modulo 2**24, score in q3, health, code, low byte of the plan tag
_COMPACT = struct.Struct("<BBH3sBBBB")

_LATCHED, _SILENCED, _OUT_OF_SERVICE, _MARKED, _HIGH = 8, 16, 32, 64, 128
_HIGH_1 = 64


class _Worded(IntEnum):
    """Code with the word for it."""

    word: str

    def __new__(cls, code: int, word: str = "", *facts: int) -> _Worded:
        """Make a member whose value is its code; ``facts`` are for the class that adds them."""
        member = int.__new__(cls, code)
        member._value_, member.word = code, word
        return member


class Kind(_Worded):
    """Kind of an event; layout 1 has anomaly only."""

    ANOMALY = 1, "anomaly"
    TECHNICAL = 2, "technical"
    HEARTBEAT = 3, "heartbeat"
    OPERATOR = 4, "operator"
    RESTART = 5, "restart"
    REPEAT = 6, "repeat"
    LEVEL = 7, "level"


class State(_Worded):
    """State of the alarm after the event: its code, ANOM_STATE_<NAME> in C, and the word for it."""

    NORMAL = 0, "normal"
    PENDING = 1, "pending"
    UNACK_ALARM = 2, "alarm"
    PREALARM = 3, "prealarm"
    ACK_ALARM = 4, "acknowledged"
    RTN_UNACK = 5, "returned, unacknowledged"


class Input(_Worded):
    """Input of an operator that an event reports; `SILENCE_OVER` also says that a silence has expired."""

    ACKNOWLEDGE = 1, "acknowledged"
    SILENCE = 2, "silenced"
    SILENCE_OVER = 3, "silence over"
    CANCEL = 4, "cancelled"
    OUT_OF_SERVICE = 5, "out of service"
    IN_SERVICE = 6, "in service"
    TEST = 7, "test"


class Restart(_Worded):
    """Beginning of a pipeline, as a restart event reports it."""

    ANEW = 0, "anew"
    RESTORED = 1, "restored from a record"
    REFUSED = 2, "anew, as the record was refused"


class Promise(_Worded):
    """News of the level in force, as a level event reports it."""

    CERTIFIED = 1, "level certified"
    """Argument: index of the promise."""
    NEEDS = 2, "no level certified, more days needed"
    """Argument: days, 1 to 255; 255 also stands for more."""
    BROKEN = 3, "promise broken"
    """Argument: index of the promise."""
    SET = 4, "level set"
    FAILED = 5, "no level keeps the promise"


class Condition(_Worded):
    """Technical condition: its code, the word for it and its bit in the health byte."""

    bit: int

    def __init__(self, code: int, word: str = "", bit: int = 0) -> None:
        self.bit = bit

    STUCK = 1, "stuck", 0
    FLAT = 2, "flat", 0
    REPEATED = 3, "repeated", 0
    CLIPPED = 4, "clipped", 1
    NOISE_FLOOR = 5, "below the noise floor", 2
    STEP = 6, "step", 3
    DEAD_AXIS = 7, "dead axis", 3
    GRAVITY = 8, "not gravity", 3
    GAP = 9, "gaps", 4
    MISSING = 10, "missing", 4
    RATE = 11, "rate", 4
    NOT_WORN = 12, "not worn", 5
    WARM_UP = 13, "warm-up", 6
    SELF_TEST = 14, "self-test failed", 6
    SUPPLY = 15, "supply", 7


NOT_READY = 6
"""Bit of the health byte that warm-up and a failed self-test share with a profile that is still learnt."""


@dataclass(frozen=True)
class Event:
    """Change of the alarm, or news of the device, in integers; ``bytes(event)`` is the bytes that leave the device.

    Parameters
    ----------
    kind : Kind
    state : State after the change
    high : the score reached the high level at the tick of the event
    sequence : counts events, 0 to 65535, then from 0 again
    hop : index of the hop that ended the tick; without a tick, of the hop that was being filled; modulo 2**32
    score_log2_q8 : log2 of a score in q8, 0 to 8191; 0 also for a score of 0. Layout 2: see docs/spec.md for the score
        of each kind
    health : health byte, see `Condition`; 0 in layout 1
    reasons : layout 1: three bytes, each a `Group` and a `Direction`, the most unusual first; 0: none, as in all but a
        raise. Layout 2: two bytes, see docs/spec.md
    plan_tag : first two bytes of the plan's id
    layout : 1 or 2
    latched : the alarm stays until it is acknowledged
    silenced : annunciation of the alarm is muted
    out_of_service : no alarm can be raised until the pipeline is back in service
    marked : kind anomaly: the event is an escalation; kind operator: it is a test
    level_tag : which alarm level is in use, 0 to 255; 0: the plan's own
    compact : the event has the compact form of 11 bytes, see `compacted`
    """

    kind: Kind
    state: State
    high: bool
    sequence: int
    hop: int
    score_log2_q8: int
    health: int
    reasons: tuple[int, ...]
    plan_tag: int
    layout: int = VERSION
    latched: bool = False
    silenced: bool = False
    out_of_service: bool = False
    marked: bool = False
    level_tag: int = 0
    compact: bool = False

    @property
    def raised(self) -> bool:
        """Return True if an alarm begins with this event; neither a prealarm nor an escalation counts."""
        return self.kind == Kind.ANOMALY and self.state == State.UNACK_ALARM and not self.marked

    @property
    def cleared(self) -> bool:
        """Return True if the score of an alarm returned to normal with this event, acknowledged or not."""
        return self.kind == Kind.ANOMALY and self.state in (State.NORMAL, State.RTN_UNACK) and not self.marked

    @property
    def escalated(self) -> bool:
        """Return True if the event is an escalation of an alarm that stands."""
        return self.kind == Kind.ANOMALY and self.marked

    @property
    def condition(self) -> Condition | None:
        """Return the condition of a technical event; None for other kinds."""
        return Condition(self.reasons[0]) if self.kind == Kind.TECHNICAL else None

    @property
    def active(self) -> bool:
        """Return True if a technical event raises its condition, False if it clears it."""
        return self.kind == Kind.TECHNICAL and self.reasons[1] == 1

    @property
    def input(self) -> Input | None:
        """Return the input of an operator event; None for other kinds."""
        return Input(self.reasons[0]) if self.kind == Kind.OPERATOR else None

    @property
    def restart(self) -> Restart | None:
        """Return what the pipeline of a restart event began with; None for other kinds."""
        return Restart(self.reasons[0]) if self.kind == Kind.RESTART else None

    @property
    def promise(self) -> Promise | None:
        """Return the news of a level event; None for other kinds. Its argument is the second of ``reasons``."""
        return Promise(self.reasons[0]) if self.kind == Kind.LEVEL else None

    @property
    def judged_share(self) -> float:
        """Return the share of the ticks since the last heartbeat that were judged, 0 to 1; 0 for other kinds."""
        return int.from_bytes(self.reasons, "little") / SHARE_ONE if self.kind == Kind.HEARTBEAT else 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """Reasons of an anomaly in words: the most unusual groups of features, which need not be the cause.

        For a technical, an operator, a restart or a level event: the word for its condition, input, beginning or news.
        """
        if self.kind == Kind.ANOMALY:
            return words(self.reasons)
        codes = (self.condition, self.input, self.restart, self.promise)
        named = next((each for each in codes if each is not None), None)
        return () if named is None else (named.word,)

    def __bytes__(self) -> bytes:
        start, state = self.layout << 4 | self.kind, self.state | self._flags
        if self.compact:
            hop = (self.hop & 0xFFFFFF).to_bytes(3, "little")
            score, tag = min(self.score_log2_q8 >> 5, 255), self.plan_tag & 0xFF
            return _COMPACT.pack(start, state, self.sequence, hop, score, self.health, self._code, tag)
        middle = (self.sequence, self.hop, self.score_log2_q8, self.health, bytes(self.reasons))
        if self.layout == VERSION:
            return _LAYOUT.pack(start, state, *middle, self.plan_tag)
        return _LAYOUT_2.pack(start, state, *middle, self.level_tag, self.plan_tag)

    @property
    def _flags(self) -> int:
        """Return the flags beside the state."""
        if self.layout == VERSION:
            return self.high * _HIGH_1
        return (
            self.latched * _LATCHED
            | self.silenced * _SILENCED
            | self.out_of_service * _OUT_OF_SERVICE
            | self.marked * _MARKED
            | self.high * _HIGH
        )

    @property
    def _code(self) -> int:
        """Return what the compact form keeps of the reasons, 0 to 255."""
        if self.kind == Kind.TECHNICAL:
            return self.reasons[0] | self.active << 7
        return self.reasons[1 if self.kind == Kind.HEARTBEAT else 0]

    def compacted(self) -> Event:
        """Return the event in its compact form, as a receiver decodes it.

        It lacks the upper byte of the hop and of the plan tag, the level tag, all reasons but the first, and the
        fraction of the score's log2 below 1/8. A heartbeat has its judged share in 1/255.

        Examples
        --------
        >>> from anomsdk.core.event import Event
        >>> event = Event.from_bytes(bytes.fromhex("22010400 10020000 0000 01 0101 00 cdab"))
        >>> bytes(event.compacted()).hex(), event.compacted().active
        ('22010400100200000181cd', True)
        """
        return Event.from_bytes(bytes(replace(self, compact=True)))

    def with_reasons(self, reasons: tuple[int, ...]) -> Event:
        """Return a copy of the event with other reasons; an event of layout 2 takes the first two."""
        return replace(self, reasons=reasons[: len(self.reasons)])

    @classmethod
    def from_bytes(cls, data: bytes) -> Event:
        """Decode an event from its 16 bytes, or from the 11 bytes of its compact form.

        Raises
        ------
        InputError : the length, version, kind, state, condition, input, beginning or news is wrong

        Examples
        --------
        >>> from anomsdk.core.event import Event
        >>> event = Event.from_bytes(bytes.fromhex("11420201060504 03ee130000 0000cdab"))
        >>> event.hop == 0x03040506 and event.high
        True
        """
        compact = len(data) == COMPACT_BYTES
        require(compact or len(data) == EVENT_BYTES, f"event: {len(data)} bytes, not {EVENT_BYTES} or {COMPACT_BYTES}")
        version, kind, state = data[0] >> 4, data[0] & 15, data[1] & 7
        require(version in (VERSION, VERSION_2), f"event: version {version} is neither {VERSION} nor {VERSION_2}")
        known = [Kind.ANOMALY] if version == VERSION else list(Kind)
        require(kind in known, f"event: kind {kind} is unknown")
        states = (State.NORMAL, State.PENDING, State.UNACK_ALARM) if version == VERSION else tuple(State)
        require(state in states, f"event: state {state} is unknown")
        whole = _expanded(data) if compact else data
        if version == VERSION:
            _, flags, sequence, hop, score, health, reasons, plan_tag = _LAYOUT.unpack(whole)
            high = bool(flags & _HIGH_1)
            numbers = (sequence, hop, score, health, tuple(reasons), plan_tag)
            return cls(Kind(kind), State(state), high, *numbers, compact=compact)
        _, flags, sequence, hop, score, health, codes, level_tag, plan_tag = _LAYOUT_2.unpack(whole)
        require(
            kind != Kind.TECHNICAL or codes[0] in list(Condition), f"event: technical condition {codes[0]} is unknown"
        )
        require(kind != Kind.OPERATOR or codes[0] in list(Input), f"event: operator input {codes[0]} is unknown")
        require(kind != Kind.RESTART or codes[0] in list(Restart), f"event: beginning {codes[0]} is unknown")
        require(kind != Kind.LEVEL or codes[0] in list(Promise), f"event: news {codes[0]} of a level is unknown")
        return cls(
            Kind(kind),
            State(state),
            bool(flags & _HIGH),
            sequence,
            hop,
            score,
            health,
            tuple(codes),
            plan_tag,
            layout=VERSION_2,
            latched=bool(flags & _LATCHED),
            silenced=bool(flags & _SILENCED),
            out_of_service=bool(flags & _OUT_OF_SERVICE),
            marked=bool(flags & _MARKED),
            level_tag=level_tag,
            compact=compact,
        )


def _expanded(data: bytes) -> bytes:
    """Return the 16 bytes that a compact form of 11 stands for, with 0 for what it lacks."""
    start, state, sequence, hop, score, health, code, tag = _COMPACT.unpack(data)
    codes = (code, 0)
    if start >> 4 == VERSION_2 and start & 15 == Kind.TECHNICAL:
        codes = (code & 127, code >> 7)
    if start >> 4 == VERSION_2 and start & 15 == Kind.HEARTBEAT:
        codes = (code, code)  # the share in 1/65535 is 257 times that in 1/255
    numbers = (sequence, int.from_bytes(hop, "little"), score << 5, health)
    return _LAYOUT_2.pack(start, state, *numbers, bytes(codes), 0, tag)


def score_log2_q8(score: int) -> int:
    """Convert a score to the form in an event: log2 in q8, rounded down."""
    return int(log2_q10(np.array([score], np.int64))[0]) >> 2
