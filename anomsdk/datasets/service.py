"""Service of a device in one pipeline: what its ladder counts, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.ladder import RungCounts
from anomsdk.core.plan import Plan
from anomsdk.datasets.schema import MANY, RUNG_COLUMNS
from anomsdk.runtime.ladders import ScoreLadder

_ALARMING = slice(1, 4)
"""Places, in the order of `RungCounts`, of the counts of 16 bits that speak against a rung."""


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts of a row, as differences.

    Parameters
    ----------
    first : ticks of service before the row
    ticks, days : of service in the row; days that end in it
    counts : int64 (rungs, 5), in the order of `RungCounts`
    """

    first: int
    ticks: int
    days: int
    counts: NDArray[np.int64]


class Service:
    """Counter of the judged scores of one pipeline; without a ladder it counts ticks only.

    A plan with a duty has longer days where recordings come without its pauses. The first run of judged ticks shows
    which it is: it is longer than the ``on`` time, or a declared pause ends it. Until then both kinds of days are
    counted, and `cut` gives the counts of both.

    Parameters
    ----------
    plan : Plan with the ladder that counts, which may have none
    """

    def __init__(self, plan: Plan) -> None:
        self._plan, self._ticks, self._first = plan, 0, 0
        undecided = plan.duty is not None and plan.ladder is not None
        self._kinds = [True, False] if undecided else [False]
        self._open()
        self._run, self._last_hop = 0, 0  # judged ticks one after the other, and the hop of the last one

    def _open(self) -> None:
        """Open a ladder for each kind of days that is still possible, without counts."""
        ladders = [
            ScoreLadder(self._plan, without_pauses=kind) for kind in self._kinds if self._plan.ladder is not None
        ]
        self._ladders = ladders
        self._before = [self._counts_of(None)] * len(self._kinds)

    @property
    def is_decided(self) -> bool:
        """Return True if it is known whether the recordings have the pauses of the duty."""
        return len(self._kinds) == 1

    @property
    def chosen(self) -> int:
        """Index, among the counts that `cut` gave before it was decided, of those that hold."""
        return 0 if self._kinds[0] else 1

    def take(self, scores: NDArray[np.uint32], hops: NDArray[np.int64]) -> None:
        """Count judged scores (ticks,), whose ticks end with these hops (ticks,), of the whole pipeline."""
        self._ticks += len(scores)
        for ladder in self._ladders:
            ladder.take(scores)
        if not self.is_decided and len(scores):
            self._look(hops)

    def gap(self, *, pause: bool) -> None:
        """Account for missing samples; ``pause``: as many as the duty declares."""
        if pause:
            if not self.is_decided and self._run:
                self.decide(without_pauses=False)
            return
        self._run = 0
        for ladder in self._ladders:
            ladder.gap()

    def decide(self, *, without_pauses: bool) -> None:
        """Settle whether the recordings lack the pauses of the duty; nothing happens where that is known."""
        if self.is_decided:
            return
        at = self._kinds.index(without_pauses)
        self._kinds, self._ladders, self._before = [without_pauses], [self._ladders[at]], [self._before[at]]

    def cut(self) -> list[Counted]:
        """Return what was counted since the last cut, for each kind of days that is still possible.

        An alarm count of the ladder stays at 65,535 when it gets there. From then on it says nothing about a row, which
        has 65,535, too: that many or more.
        """
        found = list[Counted]()
        for at in range(len(self._kinds)):
            before, now = self._before[at], self._counts_of(self._ladders[at] if self._ladders else None)
            self._before[at] = now
            counts = now.counts - before.counts
            many = now.counts[:, _ALARMING] == MANY
            counts[:, _ALARMING][many] = MANY
            found.append(Counted(before.ticks, now.ticks - before.ticks, now.days - before.days, counts))
        return found

    def save(self) -> dict[str, Any]:
        """Return the state as a tree of JSON; whether the recordings have pauses must be known."""
        assert self.is_decided
        ladder = self._ladders[0].save().hex() if self._ladders else ""
        return {"ticks": self._ticks, "without_pauses": self._kinds[0], "ladder": ladder}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with a state that `save` returned, of the same plan and ladder.

        Raises
        ------
        InputError, KeyError, TypeError, ValueError : the state is damaged
        """
        self._kinds, self._ticks = [bool(state["without_pauses"])], int(state["ticks"])
        self._open()
        for ladder in self._ladders:
            ladder.restore(bytes.fromhex(state["ladder"]))
        self._before = [self._counts_of(self._ladders[0] if self._ladders else None)]

    def _counts_of(self, ladder: ScoreLadder | None) -> Counted:
        """Return the counts from the first tick on."""
        if ladder is None:
            rungs = 0 if self._plan.ladder is None else self._plan.ladder.n_rungs
            return Counted(0, self._ticks, 0, np.zeros((rungs, len(RUNG_COLUMNS)), np.int64))
        made = ladder.export(0)
        return Counted(0, made.ticks, made.days, np.array([_in_order(each) for each in made.counts], np.int64))

    def _look(self, hops: NDArray[np.int64]) -> None:
        """Look for a run of judged ticks that is longer than the duty lets a device sample."""
        plan = self._plan
        assert plan.duty is not None
        hops_per_tick = plan.samples_per_tick // plan.framer.hop
        joined = np.concatenate([[self._last_hop], hops]) if self._run else hops
        breaks = np.flatnonzero(np.diff(joined) > 1.5 * hops_per_tick) + 1
        starts = np.concatenate([[0], breaks, [len(joined)]])
        runs = np.diff(starts)
        if self._run:
            runs[0] += self._run - 1
        self._run, self._last_hop = int(runs[-1]), int(hops[-1])
        if runs.max() > plan.ticks_in(plan.duty.on) + 1:
            self.decide(without_pauses=True)


def _in_order(counts: RungCounts) -> tuple[int, ...]:
    return counts.ticks, counts.alarms, counts.days, counts.episodes, counts.at_risk
