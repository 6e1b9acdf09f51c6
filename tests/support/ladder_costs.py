"""Instructions of one tick of a ladder, on an emulated Cortex-M4: states of 24 rungs that scores can lead to."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import anomsdk
from anomsdk.core.ladder import COUNTS_BYTES, LadderPlan
from anomsdk.mcu import Machine
from anomsdk.planner.ladder import promise_plan, rung_scores
from anomsdk.stats.budgets import Budget
from tests.support.emulated import firmware

RUNGS, DAY = 24, 3600
BUDGETS = ("1 alarm-day/30d", "1 alarm/7d", "2 episodes/90d")
BUSY_AT, TICKS_AT, ELAPSED_AT, EVIDENCE_AT, LATE, DAYS_AT, TAG_AT, WAITING_AT, COUNTS_AT = (
    *(4, 16, 20, 24, 28),
    *(30, 34, 37, 40),
)
"""First bytes of fields of `anom_ladder`."""


def with_ladder(plan: anomsdk.Plan) -> anomsdk.Plan:
    """The plan with 24 rungs from half of its level on, three promises, episodes, and days of 3,600 ticks."""
    level = plan.levels.raise_score
    scores = np.array(rung_scores(level // 2, 4 * level, RUNGS), np.uint32)
    ladder = LadderPlan(scores, day_ticks=DAY, day_rest_q16=1, episode_gap=3)
    promises = tuple(promise_plan(Budget.parse(text), 0.95, 0.05, ladder) for text in BUDGETS)
    return dataclasses.replace(plan, ladder=ladder, promises=promises, folder=None)


class LadderCosts:
    """A ladder alone on a machine, with the timing of a plan.

    Parameters
    ----------
    plan : with a ladder
    folder : to build in
    optimise : of the compiler
    """

    def __init__(self, plan: anomsdk.Plan, folder: Path, optimise: str = "-Os") -> None:
        calls = ["anom_ladder_step", "anom_ladder_reset", "anom_ladder_set_level"]
        self._machine = machine = Machine(
            firmware([plan], folder, keep=calls).compiled("cortex-m4", optimise), "cortex-m4"
        )
        self._plan, self._ladder = plan, machine.program.symbol("memory").address
        self._rungs = machine.address(f"plan_{plan.name}_ladder")
        timing = plan.timing
        packed = struct.pack(
            "<6i", timing.m, timing.n, timing.on_delay, timing.off_delay, timing.cooldown, timing.clear_after or 0
        )
        name = f"anom_plan_{plan.name}"
        self._timing = machine.address(name) + machine.read(name).index(packed)
        machine.run("anom_ladder_reset", self._ladder, self._rungs)

    def step(self, score: int) -> int:
        """Count one tick; its instructions."""
        return self._machine.call("anom_ladder_step", self._ladder, self._rungs, self._timing, score).instructions

    def at_rest(self) -> int:
        """The most that a tick takes with all rungs at rest, also where a day ends or is counted."""
        self._begin()
        return max(self._day_in(left, [1] * 30) for left in (1, 5))

    def most(self) -> int:
        """The most that a tick takes, over scores that raise, hold and clear all rungs at once or one after the other."""
        found = 0
        for scores in self._courses():
            for left in range(1, 4):
                self._begin()
                found = max(found, self._day_in(left, scores))
                length = len(scores)
                self._begin()
                found = max(found, self._day_in(max(1, length - left), scores))
        return found

    def of_any_hits(self) -> int:
        """The instructions of a tick at a day's end in which all rungs raise, each with other hits than its neighbours.

        The states are written into memory: scores lead to as many different hits only with a long on-delay.
        """
        self._begin()
        self._differ()
        return self._day_in(1, [int(self._plan.ladder.raise_scores[-1])])

    def of_all_at_once(self) -> int:
        """The instructions of the same tick where the last day has not been counted yet, and the promise breaks.

        The walk then passes all rungs. It takes a day of fewer than 24 ticks that raise no rung.
        """
        self._begin()
        self._differ()
        self._put(WAITING_AT, "<B", RUNGS)
        self._put(TICKS_AT, "<I", 1 << 31)
        self._put(TAG_AT, "<BB", 1, 2)  # alarms a week
        self._put(EVIDENCE_AT, "<i", self._plan.promises[1].broken_q16 + (1 << 24))
        return self._day_in(1, [int(self._plan.ladder.raise_scores[-1])])

    def _differ(self) -> None:
        """Give each rung other hits than its neighbours have: the next score raises all of them."""
        timing = self._plan.timing
        enough = [hits for hits in range(1 << timing.n) if (2 * hits % (1 << timing.n) | 1).bit_count() >= timing.m]
        for rung in range(RUNGS):
            at = COUNTS_AT + COUNTS_BYTES * RUNGS + 4 * rung
            self._put(at, "<HH", timing.on_delay, enough[rung % len(enough)])
        self._put(BUSY_AT, "<I", 1 << RUNGS)

    def broken(self) -> int:
        """The instructions of a tick that breaks a promise of alarms, at the lowest rung."""
        self._begin()
        self._put(TAG_AT, "<BB", 1, 2)  # alarms a week
        self._put(EVIDENCE_AT, "<i", self._plan.promises[1].broken_q16 - 1)
        return max(self.step(2**31) for _ in range(1 + self._plan.timing.on_delay))

    def broken_by_a_day(self) -> int:
        """The instructions of a tick that breaks a promise of alarm-days: a day ends, and the walk passes all rungs."""
        self._begin()
        self._put(TICKS_AT, "<I", 1 << 31)
        self._put(TAG_AT, "<BB", 1, 1)  # alarm-days a month
        self._put(DAYS_AT, "<H", 1 << 15)
        self._put(EVIDENCE_AT, "<i", self._plan.promises[0].broken_q16 - 1)
        return self._day_in(3, [2**31] * 3)

    def _begin(self) -> None:
        self._machine.run("anom_ladder_reset", self._ladder, self._rungs)

    def _put(self, at: int, fields: str, *numbers: int) -> None:
        data = bytearray(self._machine.read("memory"))
        struct.pack_into(fields, data, at, *numbers)
        self._machine.write("memory", bytes(data))

    def _day_in(self, left: int, scores: list[int]) -> int:
        """The most of these ticks, the day ending after ``left`` of them."""
        self._put(ELAPSED_AT, "<I", DAY - left)
        self._put(LATE, "<H", 1)
        return max(map(self.step, scores))

    def _courses(self) -> Iterator[list[int]]:
        timing, rungs = self._plan.timing, self._plan.ladder.raise_scores.astype(int).tolist()
        raises = timing.n + timing.on_delay + 1
        clears = min(timing.ticks_to_clear, 12) + 1
        high = 2**31
        yield [high] * 3 + [1] * clears
        yield [rungs[-1]] * raises + [1] * clears
        yield [rungs[-1]] * raises + [1, rungs[-1]] * 4
        yield rungs + [rungs[-1]] * 3 + [1] * clears
        yield rungs[::-1] + [1] * clears
        yield [rungs[k] for k in (*range(0, RUNGS, 5), 23, 17, 11, 5, 23, 20, 3, 23)] + [1] * clears
        rng = np.random.default_rng(0)
        for _ in range(6):
            yield [rungs[int(k)] for k in rng.integers(0, RUNGS, 25)]
            yield [rungs[int(k)] for k in rng.integers(RUNGS // 2, RUNGS, 12)] + [high]
