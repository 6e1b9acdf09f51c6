"""Supervisor: health, the life cycle of the alarm and the heartbeat of one pipeline, in their order.

Whatever leaves the pipeline of a plan with an alarm, a health or a ladder section is an event that the supervisor made.
Without a tick, events leave one by one: technical changes first, then what time has made due, then news of the level,
then the heartbeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum

from anomsdk.core.alarm import MAX_SILENCE, Alarm, AlarmPlan, Annunciation, Notice
from anomsdk.core.event import NOT_READY, SHARE_ONE, VERSION_2, Condition, Event, Kind, Restart, score_log2_q8
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.core.health import Health, HealthPlan
from anomsdk.core.ladder import MAX_PROMISES, MAX_RUNGS, Ladder, LadderPlan, PromisePlan
from anomsdk.core.record import Record
from anomsdk.core.rung import LevelPlan, TimingPlan

MAX_ARGUMENT = {
    "acknowledge": 0,
    "silence": MAX_SILENCE,
    "cancel": 0,
    "out_of_service": 1,
    "test": 0,
    "supply": 1,
    "self_test": 1,
    "missing": UINT32_MAX,
    "clock": UINT32_MAX,
    "calibrate": MAX_PROMISES - 1,
    "set_level": MAX_RUNGS,
}
"""Operation -> largest argument."""


class Operation(IntEnum):
    """Input from outside, between two samples, with one argument."""

    ACKNOWLEDGE = 1
    SILENCE = 2
    """Argument: ticks, 0 to 2**31 - 1; 0 ends a silence."""
    CANCEL = 3
    OUT_OF_SERVICE = 4
    """Argument: 1 takes the pipeline out of service, 0 back in."""
    TEST = 5
    SUPPLY = 6
    """Argument: 1 if the supply is low, 0 if it is well again."""
    SELF_TEST = 7
    """Argument: 1 if a self-test of the device has failed, 0 if it passed."""
    MISSING = 8
    """Argument: more milliseconds without a sample, 0 to 2**32 - 1."""
    CLOCK = 9
    """Argument: the caller's clock in milliseconds, modulo 2**32."""
    CALIBRATE = 10
    """Argument: index of a promise of the plan."""
    SET_LEVEL = 11
    """Argument: 0 for the plan's own level, else index of a rung + 1."""

    @property
    def needs_health(self) -> bool:
        """Return True if the plan must have a health section."""
        return Operation.SUPPLY <= self <= Operation.CLOCK

    @property
    def needs_ladder(self) -> bool:
        """Return True if the plan must have a ladder section."""
        return self >= Operation.CALIBRATE

    @property
    def highest(self) -> int:
        """Largest argument; 0 if the operation takes none."""
        return MAX_ARGUMENT[self.name.lower()]


class Supervisor:
    """Supervisor of one pipeline.

    Parameters
    ----------
    alarm : life cycle of the alarm
    health : limits of the technical conditions; None: none is looked for
    timing, level : votes, delays and levels of the alarm
    columns : values in a sample
    hops_per_tick : hops from one tick to the next
    due_q31 : ticks that are due in each hop of time, see `anomsdk.core.duty.due_q31`
    plan_tag : first two bytes of the plan's id
    ladder : rungs; None: none
    promises : of the ladder
    """

    def __init__(
        self,
        alarm: AlarmPlan,
        health: HealthPlan | None,
        timing: TimingPlan,
        level: LevelPlan,
        columns: int,
        hops_per_tick: int,
        due_q31: int,
        plan_tag: int,
        ladder: LadderPlan | None = None,
        promises: Sequence[PromisePlan] = (),
    ) -> None:
        self._alarm, self._own_level = Alarm(alarm, timing, level, hops_per_tick), level
        self._ladder = None if ladder is None else Ladder(ladder, promises, timing)
        self._health = None if health is None else Health(health, columns)
        self._heartbeat_q16 = alarm.heartbeat << 16 | (alarm.heartbeat_rest_q16 or 0)
        self._due_q31, self._tag = due_q31, plan_tag
        self.is_ready = True
        """False while the extractor learns what it needs for its first frame: each event says so."""
        self.reset()

    def reset(self) -> None:
        """Start again: forget the samples, the alarm and all conditions. A restart is due."""
        self._alarm.reset()
        if self._health is not None:
            self._health.reset()
        if self._ladder is not None:
            self._ladder.reset()
            self._relevel()
        self._sequence = 0
        self._restart: Restart | None = Restart.ANEW  # due; None: none is
        self._elapsed = 0  # hops since a heartbeat was due
        self._late_q16 = 0  # part of a hop since then
        self._judged = 0  # ticks judged since the last heartbeat
        self._highest = 0  # highest score judged since then
        self._highest_log2_q8 = 0  # that of a record

    @property
    def voids(self) -> bool:
        """Return True if no tick is judged now: its score is returned, and nothing else follows from it."""
        return self._health is not None and self._health.voids

    @property
    def voids_by_fault(self) -> bool:
        """Return True if a condition other than warm-up voids ticks: then no service time runs."""
        return self._health is not None and self._health.voids_by_fault

    @property
    def health(self) -> int:
        """Return the health byte, see `Condition`; bit `NOT_READY` is also set while the extractor learns."""
        byte = 0 if self._health is None else self._health.byte
        return byte | (not self.is_ready) << NOT_READY

    @property
    def annunciation(self) -> int:
        """Return what a buzzer and a lamp should do now, bits of `Annunciation`."""
        faulty = self._health is not None and self._health.is_faulty
        return self._alarm.annunciation | Annunciation.FAULT * faulty

    @property
    def ladder(self) -> Ladder | None:
        """Return the ladder; None for a plan without one."""
        return self._ladder

    def hop(self, samples: Ints, hop: int) -> Iterator[Event]:
        """Take the new samples of one hop.

        Parameters
        ----------
        samples : int64 (n, columns) in int16 range
        hop : index of the hop

        Yields
        ------
        Events without a tick, each to be taken before the next one is asked for
        """
        if self._health is not None:
            self._health.look(samples)
        self._advance(1)
        yield from self.due(hop)

    def tick(self, score: int, hop: int) -> tuple[Event | None, bool]:
        """Judge one tick that is not void.

        Returns
        -------
        event : event of the tick; None for none
        explained : the event takes the reasons of the tick
        """
        self._judged = min(self._judged + 1, UINT32_MAX)
        self._highest = max(self._highest, score)
        in_service = not self._alarm.out_of_service
        notice = self._alarm.step(score)
        event = None if notice is None else self._noticed(notice, hop)
        if self._ladder is not None and in_service:
            tag = self._ladder.tag
            self._ladder.step(score)
            if self._ladder.tag != tag:
                self._relevel()
        return event, notice is not None and notice.explained

    def gap(self, lost: int, lost_ticks: int) -> None:
        """Account for lost hops and ticks, each 0 to 2**32 - 1."""
        if self._health is not None:
            self._health.gap(lost)
        self._alarm.gap(lost_ticks)
        if self._ladder is not None:
            self._ladder.gap()
        self._advance(lost)

    def pause(self, hops: int, ticks: int) -> None:
        """Account for the hops and ticks of a declared pause, each 0 to 2**32 - 1; a fault lets its delays stand."""
        if not self.voids_by_fault:
            self._alarm.pause(ticks)
            if self._ladder is not None:
                self._ladder.pause(ticks)
        self._advance(hops)

    def refuse(self) -> None:
        """Report at the restart that is due that a record was refused."""
        self._restart = Restart.REFUSED

    def save(self, record: Record) -> None:
        """Write the state into a record."""
        self._alarm.save(record)
        if self._health is not None:
            self._health.save(record)
        if self._ladder is not None:
            self._ladder.save(record)
        record.sequence, record.elapsed, record.late_q16 = self._sequence, self._elapsed, self._late_q16
        record.judged = self._judged
        record.highest_log2_q8 = max(self._highest_log2_q8, score_log2_q8(self._highest))

    def restore(self, record: Record, *, releveled: bool) -> None:
        """Take the state from a record; ``releveled``: from that of a plan with another level or alarm section.

        Only after `reset`. A restart is due.
        """
        if self._ladder is not None:
            self._ladder.restore(record, releveled=releveled)
            self._relevel()
        self._alarm.restore(record, releveled=releveled)
        if self._health is not None:
            self._health.restore(record)
        self._sequence, self._elapsed, self._late_q16 = record.next_sequence, record.elapsed, record.late_q16
        self._judged, self._highest_log2_q8 = record.judged, record.highest_log2_q8
        self._restart = Restart.RESTORED

    def samples_in(self, ms: int) -> int:
        """Count the samples that ``ms`` more milliseconds without a sample stand for."""
        assert self._health is not None
        return self._health.samples_in(ms)

    def operate(self, operation: Operation, argument: int, samples: int, hop: int) -> Iterator[Event]:
        """Apply an operation; the gap of an `Operation.MISSING` has been accounted for before.

        Parameters
        ----------
        operation : Operation
        argument : see `Operation`
        samples : samples so far, modulo 2**32
        hop : index of the hop that is being filled

        Yields
        ------
        Events without a tick
        """
        alarm, health, notice = self._alarm, self._health, None
        if operation == Operation.ACKNOWLEDGE:
            notice = alarm.acknowledge()
        elif operation == Operation.SILENCE:
            notice = alarm.silence(argument)
        elif operation == Operation.CANCEL:
            notice = alarm.cancel()
        elif operation == Operation.OUT_OF_SERVICE:
            notice = alarm.serve(argument == 0)
            if notice is not None and self._ladder is not None:
                self._ladder.stop()
        elif operation == Operation.TEST:
            notice = alarm.test()
        elif operation.needs_ladder:
            self._choose(operation, argument)
        else:
            assert health is not None
            if operation == Operation.SUPPLY:
                health.report(Condition.SUPPLY, argument == 1)
            elif operation == Operation.SELF_TEST:
                health.report(Condition.SELF_TEST, argument == 1)
            elif operation == Operation.MISSING:
                health.missing(argument)
            else:
                health.clock(argument, samples)
        if notice is not None:
            yield self._noticed(notice, hop)
        yield from self.due(hop)

    def due(self, hop: int) -> Iterator[Event]:
        """Yield the events that are due without a tick, in their order."""
        while (event := self._next(hop)) is not None:
            yield event

    def _next(self, hop: int) -> Event | None:
        """Take the next event that is due without a tick."""
        if self._restart is not None:
            began, self._restart = self._restart, None
            return self._event(Notice(Kind.RESTART, 0), hop, (int(began), 0))
        change = None if self._health is None else self._health.change()
        if change is not None:
            condition, active = change
            return self._event(Notice(Kind.TECHNICAL, 0), hop, (int(condition), int(active)))
        notice = self._alarm.due()
        if notice is not None:
            return self._noticed(notice, hop)
        news = None if self._ladder is None else self._ladder.take_news()
        if news is not None:
            return self._event(Notice(Kind.LEVEL, self._alarm.raise_score), hop, (int(news[0]), news[1]))
        if 0 < self._heartbeat_q16 <= self._elapsed_q16:
            return self._beat(hop)
        return None

    def _choose(self, operation: Operation, argument: int) -> None:
        """Apply an operation on the level in force."""
        assert self._ladder is not None
        tag = self._ladder.tag
        if operation == Operation.CALIBRATE:
            self._ladder.calibrate(argument)
        else:
            self._ladder.set_level(argument)
        if self._ladder.tag != tag:
            self._relevel()

    def _relevel(self) -> None:
        """Judge by the level in force from now on."""
        assert self._ladder is not None
        tag = self._ladder.tag
        self._alarm.relevel(self._own_level if tag == 0 else self._ladder.level_of(tag))

    @property
    def _elapsed_q16(self) -> int:
        return self._elapsed << 16 | self._late_q16

    def _advance(self, hops: int) -> None:
        self._alarm.advance(hops)
        self._elapsed = min(self._elapsed + hops, UINT32_MAX)

    def _noticed(self, notice: Notice, hop: int) -> Event:
        return self._event(notice, hop, (0 if notice.input is None else int(notice.input), 0))

    def _beat(self, hop: int) -> Event:
        """Make a heartbeat: the highest score, and the share of the ticks that were judged.

        Heartbeats are due on a grid that does not drift; one that is late takes nothing from the next.
        """
        left = self._elapsed_q16 % self._heartbeat_q16
        hops = self._elapsed_q16 - left >> 16
        share = min(SHARE_ONE, self._judged * SHARE_ONE // max(1, hops * self._due_q31 >> 31))
        highest = max(self._highest_log2_q8, score_log2_q8(self._highest))
        event = self._event(Notice(Kind.HEARTBEAT, 0), hop, (share & 255, share >> 8))
        self._elapsed, self._late_q16 = left >> 16, left & 0xFFFF
        self._judged = self._highest = self._highest_log2_q8 = 0
        return replace(event, score_log2_q8=highest)

    def _event(self, notice: Notice, hop: int, codes: tuple[int, int] = (0, 0)) -> Event:
        alarm = self._alarm
        event = Event(
            kind=notice.kind,
            state=alarm.state,
            high=notice.high,
            sequence=self._sequence,
            hop=hop,
            score_log2_q8=score_log2_q8(notice.score),
            health=self.health,
            reasons=codes,
            plan_tag=self._tag,
            layout=VERSION_2,
            latched=alarm.latched,
            silenced=alarm.silenced,
            out_of_service=alarm.out_of_service,
            marked=notice.marked,
            level_tag=0 if self._ladder is None else self._ladder.tag,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        return event
