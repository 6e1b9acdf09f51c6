"""Alarm: the life cycle of an alarm, from its raise to its acknowledged end.

Two clocks drive it. Judged ticks count for votes, on-delay, off-delay and cooldown, which are those of a `Rung`. Hops
count for all that a person waits for: the cancel window, escalation, repeats, silence and test. So a sensor that dies
in a cancel window does not hold the alarm back.

Words are those of OPC UA Part 9 (alarms and conditions), which is free to read; no conformity is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from anomsdk.core.checks import require
from anomsdk.core.event import Input, Kind, State
from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.record import Record
from anomsdk.core.rung import Change, LevelPlan, Rung, TimingPlan

MAX_HOPS = 2**31 - 1
"""Largest duration of an alarm section."""
MAX_SILENCE = 2**31 - 1
"""Longest silence, in ticks."""


class Annunciation(IntFlag):
    """Bits of what a buzzer and a lamp should do now."""

    SOUND = 1
    """An alarm is unacknowledged and not silenced."""
    PREALARM = 2
    """The wearer's cancel window is open, and not silenced."""
    LIGHT = 4
    """An alarm or a prealarm stands, acknowledged or not; silence does not put it out."""
    FAULT = 8
    """A technical condition other than warm-up is active; nothing mutes it."""
    ESCALATED = 16
    """The alarm has escalated and is unacknowledged: be louder, call more people."""
    TEST = 32
    """A test is on."""
    SILENCED = 64
    OUT_OF_SERVICE = 128


@dataclass(frozen=True, eq=False)
class AlarmPlan:
    """Life cycle of the alarm. Durations are hops."""

    latch: int  # 1: an alarm that returned to normal stays until it is acknowledged; 0: it does not
    cancel: int  # from the prealarm to the alarm; 0: no prealarm
    escalate_ratio_q16: int  # score over the highest reported score, above which the alarm escalates; 0: never
    escalate_after: int  # without an acknowledgement until the alarm escalates; 0: never
    escalate_every: int  # from an escalation to the next, at least
    repeat: int  # from one "still alarming" to the next; 0: never
    test: int  # how long a test is annunciated
    heartbeat: int  # from one heartbeat to the next; 0: none
    heartbeat_rest_q16: int | None = None  # part of a hop that the heartbeat takes more, 1 to 65535; None: none

    def check(self) -> None:
        """Refuse durations that cannot be counted and a ratio that would always escalate."""
        require(self.latch in (0, 1), f"alarm: latch is {self.latch}, not 0 or 1")
        for name in ("cancel", "escalate_after", "escalate_every", "repeat", "test", "heartbeat"):
            hops = getattr(self, name)
            require(0 <= hops <= MAX_HOPS, f"alarm: {name} is {hops} hops, not 0 to {MAX_HOPS}")
        rest = self.heartbeat_rest_q16
        require(
            rest is None or (1 <= rest <= 65535 and self.heartbeat > 0),
            f"alarm: heartbeat_rest_q16 is {rest}, not 1 to 65535 beside a heartbeat",
        )
        ratio = self.escalate_ratio_q16
        require(
            ratio == 0 or 1 << 16 <= ratio <= 1 << 26,
            f"alarm: escalate_ratio_q16 is {ratio}, neither 0 nor 65536 to 2**26",
        )


PLAIN = AlarmPlan(
    latch=0,
    cancel=0,
    escalate_ratio_q16=0,
    escalate_after=0,
    escalate_every=0,
    repeat=0,
    test=0,
    heartbeat=0,
)
"""Life cycle of a plan that has a health section and no alarm section."""


@dataclass(frozen=True)
class Notice:
    """One thing that the alarm has to say; the supervisor makes an event of it.

    Parameters
    ----------
    kind : kind of the event
    score : score of the event, 0 to 2**32 - 1
    high : the score reached the high level
    marked : the event is an escalation or a test
    input : input of the operator; None for other kinds
    explained : the event takes the reasons of its tick
    """

    kind: Kind
    score: int
    high: bool = False
    marked: bool = False
    input: Input | None = None
    explained: bool = False


class Alarm:
    """Life cycle of one pipeline's alarm.

    Parameters
    ----------
    plan : AlarmPlan
    timing, level : votes, delays and levels
    hops_per_tick : hops from one tick to the next
    """

    def __init__(self, plan: AlarmPlan, timing: TimingPlan, level: LevelPlan, hops_per_tick: int) -> None:
        self._plan, self._level, self._hops_per_tick = plan, level, hops_per_tick
        self._rung = Rung(timing, level, timing.cooldown)
        self.reset()

    def reset(self) -> None:
        """Return to normal and in service, as if nothing had been seen."""
        self._rung.reset()
        self._state = State.NORMAL
        self.out_of_service = False
        self.silenced = False
        self._escalated = False  # since the alarm was raised, and not acknowledged since
        self._peak = 0  # highest score of the alarm, 0 to 2**32 - 1
        self._base = 0  # highest score that a raise or an escalation has reported
        self._waiting = 0  # hops unacknowledged, since the prealarm, the raise or the last escalation
        self._hold = 0  # hops until the next escalation may leave
        self._repeating = 0  # hops since the raise, the last escalation or the last repeat
        self._silence = 0  # hops of silence that are left
        self._test = 0  # hops of the test that are left

    @property
    def state(self) -> State:
        """Return the state; normal also while votes wait for the on-delay, as pending never leaves the device."""
        return self._state

    @property
    def raise_score(self) -> int:
        """Return the alarm level in force."""
        return self._level.raise_score

    @property
    def latched(self) -> bool:
        """Return True if the alarm stays until it is acknowledged."""
        return self._plan.latch == 1 and self._unacknowledged

    @property
    def annunciation(self) -> int:
        """Return what a buzzer and a lamp should do now, bits of `Annunciation` without `Annunciation.FAULT`."""
        heard = not self.silenced
        return (
            Annunciation.SOUND * (heard and self._unacknowledged)
            | Annunciation.PREALARM * (heard and self._state == State.PREALARM)
            | Annunciation.LIGHT * (self._state != State.NORMAL)
            | Annunciation.ESCALATED * self._escalated
            | Annunciation.TEST * (self._test > 0)
            | Annunciation.SILENCED * self.silenced
            | Annunciation.OUT_OF_SERVICE * self.out_of_service
        )

    def step(self, score: int) -> Notice | None:
        """Judge one tick.

        Parameters
        ----------
        score : 0 to 2**32 - 1

        Returns
        -------
        Notice of a raise, an escalation or a return to normal; None for none
        """
        if self.out_of_service:
            return None
        if self._state == State.PREALARM:
            self._peak = max(self._peak, score)
            return None
        change = self._rung.step(score)
        high = 0 < self._level.high_score <= score
        if change in (Change.RAISED, Change.RAISED_HIGH):
            return self._raise(score, high)
        if not self._standing:
            return None
        self._peak = max(self._peak, score)
        if change == Change.CLEARED:
            latched = self.latched
            self._state = State.RTN_UNACK if latched else State.NORMAL
            self._escalated = self._escalated and latched
            return Notice(Kind.ANOMALY, self._peak)
        if self._outgrown:
            return self._escalate(high, explained=score == self._peak)
        return None

    def advance(self, hops: int) -> None:
        """Let time go on: 1 hop, or the hops of a gap, up to 2**32 - 1."""
        if self._state != State.NORMAL:  # a raise begins both anew
            self._waiting = min(self._waiting + hops, UINT32_MAX)
            self._repeating = min(self._repeating + hops, UINT32_MAX)
        self._hold -= min(self._hold, hops)
        self._silence -= min(self._silence, hops)
        self._test -= min(self._test, hops)

    def due(self) -> Notice | None:
        """Take the next notice that time has made due; call it until it returns None."""
        plan = self._plan
        if self._state == State.PREALARM and self._waiting >= plan.cancel:
            self._state, self._base = State.UNACK_ALARM, self._peak
            self._waiting = self._repeating = 0
            return Notice(Kind.ANOMALY, self._peak)
        late = self._unacknowledged and 0 < plan.escalate_after <= self._waiting and self._hold == 0
        if late or (self._standing and self._outgrown):
            return self._escalate(False, explained=False)
        if self._standing and 0 < plan.repeat <= self._repeating:
            self._repeating = 0
            return Notice(Kind.REPEAT, self._peak)
        if self.silenced and self._silence == 0:
            return self._sound()
        return None

    def relevel(self, level: LevelPlan) -> None:
        """Go on at another level; an alarm that stands ends by it."""
        self._level = level
        self._rung.relevel(level)

    def gap(self, lost_ticks: int) -> None:
        """Account for lost ticks: all counts of ticks in a row start again, the cooldown runs on."""
        self._rung.gap(lost_ticks)

    def pause(self, ticks: int) -> None:
        """Account for the ticks of a declared pause: counts of ticks in a row stay, the cooldown runs on."""
        self._rung.pause(ticks)

    def save(self, record: Record) -> None:
        """Write the state into a record."""
        self._rung.save(record.rung)
        record.state = self._state
        record.silenced, record.out_of_service, record.escalated = self.silenced, self.out_of_service, self._escalated
        record.peak, record.base = self._peak, self._base
        record.waiting, record.hold, record.repeating = self._waiting, self._hold, self._repeating
        record.silence, record.test = self._silence, self._test

    def restore(self, record: Record, *, releveled: bool) -> None:
        """Take the state from a record; ``releveled``: from that of a plan with another level or alarm section."""
        self._rung.restore(record.rung, releveled=releveled)
        self._state, self._escalated = State(record.state), record.escalated
        if self._state == State.RTN_UNACK and self._plan.latch == 0:
            self._state, self._escalated = State.NORMAL, False
        self.silenced, self.out_of_service = record.silenced, record.out_of_service
        self._peak, self._base = record.peak, record.base
        self._waiting, self._hold, self._repeating = record.waiting, record.hold, record.repeating
        self._silence, self._test = record.silence, record.test

    def acknowledge(self) -> Notice | None:
        """Acknowledge the alarm; without an unacknowledged alarm it changes nothing."""
        if not self._unacknowledged:
            return None
        self._state = State.ACK_ALARM if self._state == State.UNACK_ALARM else State.NORMAL
        self._escalated = False
        return self._operated(Input.ACKNOWLEDGE, self._peak)

    def silence(self, ticks: int) -> Notice | None:
        """Mute annunciation for a number of ticks, 1 to 2**31 - 1; 0 ends a silence, if one is on."""
        if ticks == 0:
            return self._sound() if self.silenced else None
        self.silenced = True
        self._silence = min(ticks * self._hops_per_tick, UINT32_MAX)
        return self._operated(Input.SILENCE)

    def cancel(self) -> Notice | None:
        """Cancel a prealarm; in any other state it changes nothing."""
        if self._state != State.PREALARM:
            return None
        self._rung.clear()
        self._state = State.NORMAL
        return self._operated(Input.CANCEL, self._peak)

    def serve(self, on: bool) -> Notice | None:
        """Take the pipeline out of service, or back in; it comes back normal and with empty votes."""
        if self.out_of_service != on:
            return None
        peak = self._standing_peak
        self._rung.reset()
        self._state, self.out_of_service, self._escalated = State.NORMAL, not on, False
        return self._operated(Input.IN_SERVICE if on else Input.OUT_OF_SERVICE, peak)

    def test(self) -> Notice:
        """Test the way to the receiver and the annunciation; no state changes."""
        self._test = self._plan.test
        return Notice(Kind.OPERATOR, self._standing_peak, marked=True, input=Input.TEST)

    @property
    def _unacknowledged(self) -> bool:
        return self._state in (State.UNACK_ALARM, State.RTN_UNACK)

    @property
    def _standing(self) -> bool:
        """Return True while the score keeps an alarm up."""
        return self._state in (State.UNACK_ALARM, State.ACK_ALARM)

    @property
    def _standing_peak(self) -> int:
        return 0 if self._state == State.NORMAL else self._peak

    @property
    def _outgrown(self) -> bool:
        """Return True if the score has outgrown what was reported, and an escalation may leave."""
        ratio = self._plan.escalate_ratio_q16
        return ratio > 0 and self._hold == 0 and self._peak << 16 > ratio * self._base

    def _operated(self, given: Input, score: int | None = None) -> Notice:
        return Notice(Kind.OPERATOR, self._standing_peak if score is None else score, input=given)

    def _raise(self, score: int, high: bool) -> Notice:
        """Raise the alarm. One that comes again unacknowledged has no prealarm, and the wait for a person goes on."""
        again = self._state == State.RTN_UNACK
        self._state = State.PREALARM if self._plan.cancel > 0 and not again else State.UNACK_ALARM
        self._peak = self._base = score
        self._repeating = 0
        if not again:
            self._waiting = 0
        return Notice(Kind.ANOMALY, score, high=high, explained=True)

    def _escalate(self, high: bool, *, explained: bool) -> Notice:
        """Escalate: an acknowledged alarm is unacknowledged again, and one that has grown ends a silence."""
        if self._standing:
            self._state = State.UNACK_ALARM
        if self._outgrown:
            self.silenced = False
        self._escalated = True
        self._base, self._hold = self._peak, self._plan.escalate_every
        self._waiting = self._repeating = 0
        return Notice(Kind.ANOMALY, self._peak, high=high, marked=True, explained=explained)

    def _sound(self) -> Notice:
        self.silenced = False
        return self._operated(Input.SILENCE_OVER)
