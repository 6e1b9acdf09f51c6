"""Rows: all that a receiver keeps of one device, in a fixed number of bytes, and the fates of an event.

Numbers of events are followed in runs. A run is a row of numbers, each one more than the one before modulo 2**16, that
one start of one device sends. A receiver keeps the current run and the run before it, each with a window of its last 64
numbers. The run before is forgotten once the current one has gone on by 64 numbers.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from enum import IntEnum
from operator import attrgetter
from typing import Annotated, Any, TypeAlias

import numpy as np

from anomsdk.core.event import Condition
from anomsdk.receive.news import U1, U2, U4, Columns, columns_of

U8: TypeAlias = Annotated[int, "u8"]
Count: TypeAlias = Annotated[int, "i8"]
Time: TypeAlias = Annotated[float, "f8"]

WINDOW = 64
"""Numbers in the window of a run."""
FARTHEST = 32767
"""Largest distance ahead of the last number at which a number counts as newer."""
NAN = float("nan")

# Bits of Row.run: how the current run began
DOUBTFUL, WITHOUT_EVENT, JUMPED = 1, 2, 4
# Bits of Row.known
HEARD, EXPECTED, WHOLE_HOP, WHOLE_TAG, HAS_SHARE, HAS_LEVEL = 1, 2, 4, 8, 16, 32


class Fate(IntEnum):
    """Place of an event in the numbers of its device. Those from `FIRST` on are news, others are old."""

    REPEATED = 0
    LATE = 1
    """Number in the window of the current run that was not received before."""
    LATE_BEFORE = 2
    """Number in the window of the run before that was not received before."""
    EARLIER = 3
    """Earlier than the first number that was received of the current run."""
    FIRST = 4
    AHEAD = 5
    """Up to 64 ahead of the last number."""
    JUMP = 6
    """Further ahead."""
    BACK = 7
    """Up to 64 ahead of the last number of the run before, which goes on."""
    RESTART = 8
    CONFLICT = 9
    """A number that was seen with other bytes; a run begins."""


@dataclass(slots=True)
class Row:
    """State of one device."""

    window: U8 = 0
    """Bit k: the number k below the last one was received."""
    window_before: U8 = 0
    last_s: Time = NAN
    """Time of the last news, the largest so far; NaN before the first."""
    since_s: Time = NAN
    fault_since_s: Time = NAN
    tested_s: Time = NAN
    conflict_s: Time = NAN
    expected_s: Time = NAN
    events: Count = 0
    lost: Count = 0
    repeated: Count = 0
    late: Count = 0
    restarts: Count = 0
    conflicts: Count = 0
    clock_backwards: Count = 0
    hop: U4 = 0
    last: U2 = 0
    """Last number of the current run."""
    last_before: U2 = 0
    conditions: U2 = 0
    """Bit `code` of each condition that is known to be active."""
    raised: U2 = 0
    highest: U2 = 0
    share: U2 = 0
    tag: U2 = 0
    reach: U1 = 0
    """Numbers of the window that were received or counted as lost, 1 to 64."""
    reach_before: U1 = 0
    """Reach of the run before, 1 to 64; 0 if there is none."""
    age: U1 = 0
    """Numbers by which the current run has gone on, 0 to 64."""
    run: U1 = 0
    known: U1 = 0
    layout: U1 = 0
    state: U1 = 0
    flags: U1 = 0
    escalated: U1 = 0
    health: U1 = 0
    reason_1: U1 = 0
    reason_2: U1 = 0
    reason_3: U1 = 0
    level: U1 = 0
    """Level tag that an event of 16 bytes told."""


ROW = columns_of(Row)
NEW_ROW = np.array(astuple(Row()), ROW)
CHECKS = WINDOW
"""Checks a device, at the number modulo 64: the number in the upper 16 bits, the check of its event in the lower."""
BYTES_PER_DEVICE = ROW.itemsize + 4 * CHECKS
_values_of = attrgetter(*(field.name for field in fields(Row)))


def read_row(rows: Columns, at: int) -> Row:
    """Read the state of one device."""
    return Row(*rows[at].item())


def write_row(rows: Columns, at: int, row: Row) -> None:
    """Write the state of one device."""
    rows[at] = _values_of(row)


def _bits_of_conditions() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the health bits of every set of conditions, uint8 (65536,)."""
    sets = np.arange(1 << 16)
    found = np.zeros(1 << 16, np.uint8)
    for condition in Condition:
        found |= ((sets >> condition & 1) << condition.bit).astype(np.uint8)
    return found


BITS_OF = _bits_of_conditions()
"""Set of conditions, bits by code -> health byte."""
ALLOWED = np.array([sum(1 << c for c in Condition if byte >> c.bit & 1) for byte in range(256)], np.uint16)
"""Health byte -> conditions that can be active with it."""
WARM_UP, SELF_TEST = 1 << Condition.WARM_UP, 1 << Condition.SELF_TEST
