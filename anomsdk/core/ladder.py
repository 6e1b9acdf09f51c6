"""Ladder: rungs at fixed levels, each with its own counts, from which a level is chosen that keeps a promise.

A rung is the alert logic of one level without a cooldown. In each tick of service it counts alarms and ticks in alarm;
at the end of each day of service it counts the day if a tick of it was in alarm. A day is 86,400 s of ticks that were
judged: void ticks, lost ticks and ticks out of service make no day. Only complete days count. Counts are all that is
kept of a score, and those of several devices add up.

A promise is a budget, such as one alarm-day in 30 days. A rung keeps it once the rung has been watched for
``needs[count]`` days (alarms: ticks), and is in alarm for no more than a share of the time. The walk begins at the
highest rung and stops at the first one that does not keep the promise; the level is that of the rung above.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require, require_array
from anomsdk.core.event import Promise
from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.record import Record, RungRecord
from anomsdk.core.rung import Change, LevelPlan, Rung, TimingPlan, levels

MAX_RUNGS = 24
MAX_PROMISES = 4
N_NEEDS = 16
MAX_COUNT = 65535
MAX_GAP_DAYS = 254
MAX_DELAY = 65534
"""Longest delay in ticks of a plan with a ladder: a rung of a ladder counts in 16 bits."""
LEAST_EVIDENCE_Q16 = -(1 << 30)

# rungs in alarm, today, ticks, elapsed, evidence, late, days, boot; tag, promise, lowest, 0, news and its argument
_HEAD = struct.Struct("<IIIIiHHHBBBBBB")
HEAD_BYTES = _HEAD.size
COUNTS_BYTES = 12
RUNG_BYTES = COUNTS_BYTES + 4 + 1
"""Bytes of a rung: its counts, what it counts in a row, and its quiet days."""


class Unit(IntEnum):
    """Unit of a budget: what is counted, and among what."""

    ALARM = 0
    """Alarms, in ticks of service."""
    ALARM_DAY = 1
    """Days with a tick in alarm, among days."""
    EPISODE = 2
    """Alarm-days after at least ``episode_gap`` days without one, among the days on which one could begin."""


@dataclass(frozen=True, eq=False)
class LadderPlan:
    """Levels of the rungs, and the length of a day. Together with the score they determine `score_id`."""

    raise_scores: NDArray[np.uint32]  # (rungs,), 2 to 24, ascending, 1 to 2**32 - 1
    day_ticks: int  # ticks in 86,400 s, rounded down, 1 to 2**32 - 1
    day_rest_q16: int  # and the rest of a tick
    episode_gap: int  # quiet days after which an alarm-day begins an episode, 1 to 254; 0: no episodes are counted

    @property
    def n_rungs(self) -> int:
        """Number of rungs."""
        return len(self.raise_scores)

    @property
    def day_q16(self) -> int:
        """Ticks of a day in q16."""
        return self.day_ticks << 16 | self.day_rest_q16

    def check(self, timing: TimingPlan) -> None:
        """Refuse rungs that do not rise, days without a tick, and delays that 16 bits do not hold."""
        n = len(self.raise_scores)
        require(2 <= n <= MAX_RUNGS, f"ladder: {n} rungs, not 2 to {MAX_RUNGS}")
        require_array(self.raise_scores, "<u4", (n,), "ladder: raise_scores")
        scores = self.raise_scores.astype(np.int64)
        require(scores[0] >= 1 and bool((np.diff(scores) > 0).all()), "ladder: raise_scores do not rise from 1 or more")
        require(
            1 <= self.day_ticks <= UINT32_MAX,
            f"ladder: a day of {self.day_ticks} ticks, not 1 to 2**32 - 1",
        )
        require(0 <= self.day_rest_q16 < 1 << 16, f"ladder: day_rest_q16 is {self.day_rest_q16}, not 0 to 65535")
        require(
            0 <= self.episode_gap <= MAX_GAP_DAYS,
            f"ladder: episode_gap is {self.episode_gap} days, not 0 to {MAX_GAP_DAYS}",
        )
        for name in ("on_delay", "off_delay", "clear_after"):
            ticks = getattr(timing, name) or 0
            require(
                ticks <= MAX_DELAY,
                f"ladder: {name} is {ticks} ticks, more than {MAX_DELAY}; shorten it",
            )


@dataclass(frozen=True, eq=False)
class PromisePlan:
    """Promise: a budget with the evidence that it asks for. All tables are made by the planner."""

    unit: int  # Unit
    needs: NDArray[np.uint32]  # (16,), days (alarms: ticks) to be watched with 0 to 15 counted; not falling
    most_in_alarm_q16: int  # share of the ticks of service, above which a rung fails
    event_q16: int  # evidence against a running promise: ln that each counted one adds
    day_q16: int  # ln that each day takes off
    broken_q16: int  # ln at which the promise is broken

    def check(self, ladder: LadderPlan) -> None:
        """Refuse needs that fall, and episodes that the ladder does not count."""
        require(self.unit in list(Unit), f"promise: unit {self.unit} is unknown")
        require(
            self.unit != Unit.EPISODE or ladder.episode_gap > 0,
            "promise: a budget of episodes, but the ladder counts none; set episode_gap_days",
        )
        require_array(self.needs, "<u4", (N_NEEDS,), "promise: needs")
        needs = self.needs.astype(np.int64)
        require(needs[0] >= 1 and bool((np.diff(needs) >= 0).all()), "promise: needs fall, or begin with 0")
        require(
            1 <= self.most_in_alarm_q16 <= 1 << 16,
            f"promise: most_in_alarm_q16 is {self.most_in_alarm_q16}, not 1 to 65536",
        )
        for name in ("event_q16", "day_q16", "broken_q16"):
            number = getattr(self, name)
            require(1 <= number <= 1 << 24, f"promise: {name} is {number}, not 1 to 2**24")


@dataclass
class RungCounts:
    """Counts of one rung: ticks up to 2**32 - 1, all others up to 65535."""

    ticks: int = 0  # in alarm
    alarms: int = 0
    days: int = 0  # with a tick in alarm
    episodes: int = 0
    at_risk: int = 0  # days on which an episode could begin


@dataclass(frozen=True)
class Choice:
    """Result of a walk.

    Parameters
    ----------
    rung : index of the lowest rung that keeps the promise, as all above it do; None: none does
    days : without a rung, days that the highest one is still to be watched, if nothing more is counted; 0: it has
        failed, as more was counted than the table of needs has, or it is in alarm for too much of the time
    """

    rung: int | None
    days: int = 0


def walk(
    ladder: LadderPlan, promise: PromisePlan, counts: Sequence[RungCounts], ticks: int, days: int, lowest: int = 0
) -> Choice:
    """Choose the rung for a promise.

    The first rung that fails ends the walk. In a fixed order this is one hypothesis: no correction for the number of
    rungs is due, nor for the number of looks, as `PromisePlan.needs` holds at any time (docs/explanation/promises.md).

    Parameters
    ----------
    ladder, promise : sections of the plan
    counts : counts of each rung
    ticks : of service
    days : complete days of service
    lowest : index of the lowest rung to look at

    Returns
    -------
    Choice
    """
    chosen: int | None = None
    for rung in range(ladder.n_rungs - 1, lowest - 1, -1):
        missing = _missing(promise, counts[rung], ticks, days)
        if missing == 0:
            chosen = rung
            continue
        if chosen is None and missing is not None:
            unit = ladder.day_ticks if promise.unit == Unit.ALARM else 1
            return Choice(None, -(-missing // unit))
        break
    return Choice(chosen)


def _missing(promise: PromisePlan, counts: RungCounts, ticks: int, days: int) -> int | None:
    """Return the days (alarms: ticks) that a rung is still to be watched, 0 if it passes, None if it fails."""
    count, watched = {
        Unit.ALARM: (counts.alarms, ticks),
        Unit.ALARM_DAY: (counts.days, days),
        Unit.EPISODE: (counts.episodes, counts.at_risk),
    }[Unit(promise.unit)]
    if count >= N_NEEDS or counts.ticks << 16 > promise.most_in_alarm_q16 * ticks:
        return None
    return max(0, int(promise.needs[count]) - watched)


class Ladder:
    """Ladder of one pipeline.

    Parameters
    ----------
    plan : LadderPlan
    promises : of the same plan, 0 to 4
    timing : votes and delays of the alarm; a rung has no cooldown
    """

    def __init__(self, plan: LadderPlan, promises: Sequence[PromisePlan], timing: TimingPlan) -> None:
        self._plan, self._promises, self._timing = plan, promises, timing
        self._rungs = [Rung(timing, self.level_of(tag), cooldown=0) for tag in range(1, plan.n_rungs + 1)]
        self.reset()

    def reset(self) -> None:
        """Forget all counts, and return to the plan's own level."""
        self.stop()
        self.counts = [RungCounts() for _ in self._rungs]
        self._quiet = [self._plan.episode_gap] * len(self._rungs)  # days since the last alarm-day, up to episode_gap
        self._today = [False] * len(self._rungs)  # a tick of the day was in alarm
        self.ticks = 0  # of service, 0 to 2**32 - 1
        self.days = 0  # of service, complete
        self._elapsed = 0  # ticks since the day began
        self._late_q16 = 0  # part of a tick since then
        self._evidence_q16 = 0  # ln of the evidence against the promise that runs
        self.boot = 0  # number of this ladder's life; 0: none was given
        self.tag = 0  # level in force: 0: the plan's own, else index of the rung + 1
        self.promise = 0  # that runs: index + 1; 0: none
        self._lowest = 0  # rungs below it have broken a promise
        self._news: tuple[Promise, int] | None = None

    def level_of(self, tag: int) -> LevelPlan:
        """Return the levels of a tag, 1 to the number of rungs."""
        return levels(int(self._plan.raise_scores[tag - 1]), self._timing)

    def step(self, score: int) -> None:
        """Count one tick of service by its score, 0 to 2**32 - 1."""
        running = self._running
        for index, (rung, counts) in enumerate(zip(self._rungs, self.counts, strict=True)):
            raised = rung.step(score) in (Change.RAISED, Change.RAISED_HIGH)
            counts.alarms = min(counts.alarms + raised, MAX_COUNT)
            counts.ticks = min(counts.ticks + rung.in_alarm, UINT32_MAX)
            self._today[index] |= rung.in_alarm
            if raised and running is not None and running.unit == Unit.ALARM and index == self.tag - 1:
                self._evidence_q16 += running.event_q16
        self.ticks = min(self.ticks + 1, UINT32_MAX)
        self._elapsed += 1
        left = (self._elapsed << 16 | self._late_q16) - self._plan.day_q16
        if left >= 0:
            self._elapsed, self._late_q16 = left >> 16, left & 0xFFFF
            self._end_day()
        if running is not None and self._evidence_q16 >= running.broken_q16:
            self._break()

    def gap(self) -> None:
        """Account for lost ticks, as each rung does; they are no service."""
        for rung in self._rungs:
            rung.gap(0)

    def pause(self, ticks: int) -> None:
        """Account for the ticks of a declared pause, as each rung does."""
        for rung in self._rungs:
            rung.pause(ticks)

    def stop(self) -> None:
        """End all alarms of the rungs, as when the pipeline is taken out of service."""
        for rung in self._rungs:
            rung.reset()

    def choose(self, promise: int) -> Choice:
        """Walk down the rungs for a promise of the plan, by its index."""
        return walk(self._plan, self._promises[promise], self.counts, self.ticks, self.days, self._lowest)

    def calibrate(self, promise: int) -> None:
        """Take the level that keeps a promise of the plan; what came of it is news.

        A level that runs under the same promise is lowered, never raised: what was certified stays until it is broken.
        Without a rung that keeps the promise the level stays as it is.
        """
        choice, runs = self.choose(promise), self.promise == promise + 1
        if choice.rung is None and not runs:
            self._news = (Promise.NEEDS, min(choice.days, 255)) if choice.days else (Promise.FAILED, 0)
            return
        if choice.rung is not None and (not runs or choice.rung + 1 < self.tag):
            self._put_in_force(choice.rung + 1, promise + 1)
        self._news = (Promise.CERTIFIED, promise)

    def set_level(self, tag: int) -> None:
        """Put a level in force: 0 for the plan's own, else a rung by its index + 1. No promise runs."""
        self._put_in_force(tag, 0)
        self._lowest = 0
        self._news = (Promise.SET, 0)

    def take_news(self) -> tuple[Promise, int] | None:
        """Take what is to be reported: its code and an argument of 0 to 255; None: nothing."""
        news, self._news = self._news, None
        return news

    def save(self, record: Record) -> None:
        """Write the state into a record."""
        states = [RungRecord() for _ in self._rungs]
        for rung, state in zip(self._rungs, states, strict=True):
            rung.save(state)
        news, argument = (0, 0) if self._news is None else self._news
        record.level_tag = self.tag
        record.ladder = (
            _HEAD.pack(
                *(_bits([state.in_alarm for state in states]), _bits(self._today)),
                *(self.ticks, self._elapsed, self._evidence_q16, self._late_q16, self.days, self.boot),
                *(self.tag, self.promise, self._lowest, 0, news, argument),
            )
            + b"".join(pack_counts(counts) for counts in self.counts)
            + b"".join(struct.pack("<HH", min(s.in_row, MAX_COUNT), _second(s)) for s in states)
            + bytes(self._quiet)
        )

    def restore(self, record: Record, *, releveled: bool) -> None:
        """Take the state from a record; ``releveled``: from that of a plan with other levels, whose promises end."""
        n = len(self._rungs)
        head = _HEAD.unpack_from(record.ladder)
        in_alarm, today, self.ticks, self._elapsed, self._evidence_q16, self._late_q16, self.days, self.boot = head[:8]
        self.tag, self.promise, self._lowest, _, news, argument = head[8:]
        self._news = (Promise(news), argument) if news else None
        self._today = [bool(today >> index & 1) for index in range(n)]
        self.counts = [unpack_counts(record.ladder, HEAD_BYTES + COUNTS_BYTES * index) for index in range(n)]
        after = HEAD_BYTES + COUNTS_BYTES * n
        for index, rung in enumerate(self._rungs):
            in_row, second = struct.unpack_from("<HH", record.ladder, after + 4 * index)
            up = bool(in_alarm >> index & 1)
            rung.restore(RungRecord(in_row, second if up else 0, 0, 0 if up else second, up))
        self._quiet = list(record.ladder[after + 4 * n :])
        if releveled:
            self.promise = self._evidence_q16 = 0

    @property
    def _running(self) -> PromisePlan | None:
        return self._promises[self.promise - 1] if self.promise and self.tag else None

    def _put_in_force(self, tag: int, promise: int) -> None:
        """Put a level in force under a promise; the evidence against it begins anew, with a day paid in advance."""
        self.tag, self.promise = tag, promise
        running = self._running
        self._evidence_q16 = -running.day_q16 if running is not None and running.unit == Unit.ALARM else 0

    def _end_day(self) -> None:
        """Count a day: of each rung that was in alarm, and for the promise that runs."""
        gap, running = self._plan.episode_gap, self._running
        for index, counts in enumerate(self.counts):
            alarm, at_risk = self._today[index], 0 < gap <= self._quiet[index]
            counts.days = min(counts.days + alarm, MAX_COUNT)
            counts.at_risk = min(counts.at_risk + at_risk, MAX_COUNT)
            counts.episodes = min(counts.episodes + (alarm and at_risk), MAX_COUNT)
            self._quiet[index] = 0 if alarm else min(self._quiet[index] + 1, gap)
            if running is not None and index == self.tag - 1 and (running.unit != Unit.EPISODE or at_risk):
                counted = alarm and running.unit != Unit.ALARM
                self._evidence_q16 += running.event_q16 * counted - running.day_q16
                self._evidence_q16 = max(self._evidence_q16, LEAST_EVIDENCE_Q16)
        self.days = min(self.days + 1, MAX_COUNT)
        self._today = [False] * len(self._rungs)

    def _break(self) -> None:
        """Raise a level whose promise is broken, to the lowest rung above it that keeps the promise by all counts.

        Where none does, to the next rung, and no promise runs. No `calibrate` comes back to the level that was left.
        """
        promise = self.promise
        self._lowest = min(self.tag, len(self._rungs) - 1)
        rung = self.choose(promise - 1).rung
        self._put_in_force(self._lowest + 1 if rung is None else rung + 1, 0 if rung is None else promise)
        self._news = (Promise.BROKEN, promise - 1)


def ladder_bytes(plan: LadderPlan) -> int:
    """Return the bytes of a ladder's state, in a record and in C."""
    return HEAD_BYTES + RUNG_BYTES * plan.n_rungs


def takes(plan: LadderPlan, n_promises: int, timing: TimingPlan, record: Record) -> bool:
    """Return True if a ladder with this plan could have written its part of a record."""
    data, n = record.ladder, plan.n_rungs
    in_alarm, today, _, elapsed, evidence, late, _, _, tag, promise, lowest, _, news, _ = _HEAD.unpack_from(data)
    after = HEAD_BYTES + COUNTS_BYTES * n
    seconds = [struct.unpack_from("<H", data, after + 4 * index + 2)[0] for index in range(n)]
    hits = max((each for index, each in enumerate(seconds) if not in_alarm >> index & 1), default=0)
    return (
        (in_alarm | today) >> n == 0
        and (elapsed << 16 | late) < plan.day_q16
        and abs(evidence) <= -LEAST_EVIDENCE_Q16
        and tag == record.level_tag <= n
        and lowest < n
        and promise <= n_promises
        and news <= max(Promise)
        and hits >> timing.n == 0
        and max(data[after + 4 * n :]) <= plan.episode_gap
    )


def pack_counts(counts: RungCounts) -> bytes:
    """Pack the counts of a rung into 12 bytes, little-endian."""
    return struct.pack("<IHHHH", counts.ticks, counts.alarms, counts.days, counts.episodes, counts.at_risk)


def unpack_counts(data: bytes, at: int) -> RungCounts:
    """Unpack the counts of a rung from 12 bytes at an offset."""
    return RungCounts(*struct.unpack_from("<IHHHH", data, at))


def _bits(flags: Sequence[bool]) -> int:
    return sum(flag << index for index, flag in enumerate(flags))


def _second(state: RungRecord) -> int:
    """Return what a rung counts beside its ticks in a row: calm ticks in an alarm, else hits."""
    return min(state.calm, MAX_COUNT) if state.in_alarm else state.hits
