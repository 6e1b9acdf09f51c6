"""Event: the 16 bytes that may leave a pipeline."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.fixed import log2_q10
from anomsdk.core.reasons import words

EVENT_BYTES = 16
VERSION = 1

# version and kind, state and flags, sequence, hop, score, health, three reasons, plan tag; little-endian
_LAYOUT = struct.Struct("<BBHIHB3sH")


class Kind(IntEnum):
    """Kind of an event."""

    ANOMALY = 1


class State(IntEnum):
    """State of the alarm after the event: its code, ANOM_STATE_<NAME> in C, and the word for it."""

    word: str

    NORMAL = 0, "normal"
    PENDING = 1, "pending"
    UNACK_ALARM = 2, "alarm"

    def __new__(cls, code: int, word: str = "") -> State:
        """Make a state whose value is its code."""
        state = int.__new__(cls, code)
        state._value_, state.word = code, word
        return state


@dataclass(frozen=True)
class Event:
    """Change of the alarm, in integers; ``bytes(event)`` is the 16 bytes that leave the device.

    Parameters
    ----------
    kind : Kind
    state : State after the change
    high : the high level raised the alarm
    sequence : counts events, 0 to 65535, then from 0 again
    hop : index of the hop that ended the tick, modulo 2**32
    score_log2_q8 : log2 of the score in q8, 0 to 8191; 0 also for a score of 0
    health : 0
    reasons : three bytes, each a `Group` and a `Direction`, the most unusual first; 0: none, as in all but a raise
    plan_tag : first two bytes of the plan's id
    """

    kind: Kind
    state: State
    high: bool
    sequence: int
    hop: int
    score_log2_q8: int
    health: int
    reasons: tuple[int, int, int]
    plan_tag: int

    @property
    def words(self) -> tuple[str, ...]:
        """Reasons in words: the most unusual groups of features, which need not be the cause."""
        return words(self.reasons)

    def __bytes__(self) -> bytes:
        return _LAYOUT.pack(
            VERSION << 4 | self.kind,
            self.state | self.high << 6,
            self.sequence,
            self.hop,
            self.score_log2_q8,
            self.health,
            bytes(self.reasons),
            self.plan_tag,
        )

    def with_reasons(self, reasons: tuple[int, int, int]) -> Event:
        """Return a copy of the event with other reasons."""
        return replace(self, reasons=reasons)

    @classmethod
    def from_bytes(cls, data: bytes) -> Event:
        """Decode an event from its 16 bytes.

        Raises
        ------
        InputError : the length, version, kind or state is wrong

        Examples
        --------
        >>> from anomsdk.core.event import Event
        >>> event = Event.from_bytes(bytes.fromhex("11420201060504 03ee130000 0000cdab"))
        >>> event.hop == 0x03040506 and event.high
        True
        """
        require(len(data) == EVENT_BYTES, f"event: {len(data)} bytes, not {EVENT_BYTES}")
        what, flags, sequence, hop, score, health, reasons, plan_tag = _LAYOUT.unpack(data)
        require(what >> 4 == VERSION, f"event: version {what >> 4} is not {VERSION}")
        require(what & 15 in list(Kind), f"event: kind {what & 15} is unknown")
        require(flags & 7 in list(State), f"event: state {flags & 7} is unknown")
        high = bool(flags & 64)
        return cls(Kind(what & 15), State(flags & 7), high, sequence, hop, score, health, tuple(reasons), plan_tag)


def score_log2_q8(score: int) -> int:
    """Convert a score to the form in an event: log2 in q8, rounded down."""
    return int(log2_q10(np.array([score], np.int64))[0]) >> 2
