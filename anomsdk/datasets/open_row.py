"""Row of a data set that is still growing: the ticks of one device on one day, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.event import Condition, Event, Kind
from anomsdk.core.fixed import log2_q10
from anomsdk.datasets.schema import MANY, ScoreColumn

Scores = NDArray[np.uint32]
Mask = NDArray[np.bool_]


def log2_q8(scores: Scores) -> NDArray[np.uint16]:
    """Convert scores to log2 in q8, rounded down, as events have them.

    Examples
    --------
    >>> log2_q8(np.array([0, 1, 2, 1024, 2**32 - 1], np.uint32)).tolist()
    [0, 0, 256, 2560, 8191]
    """
    return (log2_q10(scores.astype(np.int64)) >> 2).astype(np.uint16)


@dataclass
class OpenRow:
    """Ticks of a row so far.

    Parameters
    ----------
    day : days since 1970-01-01 UTC, or since the first sample where no time is known
    recording : in which the row begins
    scores : how scores are kept
    """

    day: int
    recording: str
    scores: ScoreColumn
    first_us: int | None = None  # end of the first tick, and of the last one
    last_us: int | None = None
    ticks: int = 0
    void_ticks: int = 0
    highest: int = 0
    alarms: int = 0
    alarm_ticks: int = 0
    technical: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    void: list[tuple[int, int]] = field(default_factory=list)
    events: list[tuple[int, bytes]] = field(default_factory=list)
    kept: list[NDArray[np.uint16] | NDArray[np.uint32]] = field(default_factory=list)

    def say(self, events: Sequence[tuple[int, Event]]) -> None:
        """Take events, each with the number of ticks before it that are still to be taken."""
        for before, event in events:
            self.events.append((self.ticks + before, bytes(event)))
            self.alarms = min(self.alarms + event.raised, MANY)
            fault = event.kind == Kind.TECHNICAL and event.active and event.condition != Condition.WARM_UP
            self.technical = min(self.technical + fault, MANY)

    def lose(self, samples: int) -> None:
        """Take note of samples that are missing before the next tick."""
        self.gaps.append((self.ticks, samples))

    def take(self, scores: Scores, void: Mask | None, alarm: Mask, ends_us: NDArray[np.int64]) -> None:
        """Take ticks.

        Parameters
        ----------
        scores : (ticks,), one or more
        void : (ticks,); None: none is void
        alarm : (ticks,), True in alarm at the level in force
        ends_us : (ticks,), end of each tick in microseconds
        """
        judged = scores if void is None else scores[~void]
        if self.first_us is None:
            self.first_us = int(ends_us[0])
        self.last_us = int(ends_us[-1])
        if void is not None:
            self._take_void(void)
            alarm = alarm & ~void
        if len(judged):
            self.highest = max(self.highest, int(log2_q8(judged.max(keepdims=True))[0]))
        self.alarm_ticks += int(np.count_nonzero(alarm))
        if self.scores != "none":
            self.kept.append(scores.copy() if self.scores == "exact" else log2_q8(scores))
        self.ticks += len(scores)

    def _take_void(self, void: Mask) -> None:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], void, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            at, length = self.ticks + start, stop - start
            if self.void and sum(self.void[-1]) == at:
                at, before = self.void.pop()
                length += before
            self.void.append((at, length))
            self.void_ticks += stop - start

    def joined(self) -> NDArray[np.uint16] | NDArray[np.uint32] | None:
        """Return the scores of the row; None where they are left out."""
        if self.scores == "none":
            return None
        empty = np.zeros(0, np.uint32 if self.scores == "exact" else np.uint16)
        return np.concatenate([empty, *self.kept])


def pairs_of(pairs: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Return pairs as int64 (n, 2)."""
    return np.array(pairs, np.int64).reshape(-1, 2)
