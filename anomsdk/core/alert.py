"""Alert: from scores to events, by one rung: an event says that the alarm is raised or cleared."""

from __future__ import annotations

from anomsdk.core.event import Event, Kind, State, score_log2_q8
from anomsdk.core.record import Record
from anomsdk.core.rung import Change, LevelPlan, Rung, TimingPlan


class Alert:
    """Alert logic of one pipeline."""

    def __init__(self, timing: TimingPlan, level: LevelPlan, plan_tag: int) -> None:
        self._rung, self._level, self._tag = Rung(timing, level, timing.cooldown), level, plan_tag
        self.reset()

    def reset(self) -> None:
        """Return to the normal state, as if no tick had been seen."""
        self._rung.reset()
        self._sequence = 0

    @property
    def state(self) -> State:
        """State of the alarm after the last tick."""
        if self._rung.in_alarm:
            return State.UNACK_ALARM
        return State.PENDING if self._rung.in_row > 0 else State.NORMAL

    def step(self, score: int, hop: int) -> tuple[Event, ...]:
        """Judge one tick.

        Parameters
        ----------
        score : 0 to 2**32 - 1
        hop : index of the tick's last hop, for the event

        Returns
        -------
        Events of this tick: none or one
        """
        change = self._rung.step(score)
        if change == Change.NONE:
            return ()
        event = Event(
            kind=Kind.ANOMALY,
            state=self.state,
            high=change == Change.RAISED_HIGH,
            sequence=self._sequence,
            hop=hop,
            score_log2_q8=score_log2_q8(score),
            health=0,
            reasons=(0, 0, 0),
            plan_tag=self._tag,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        return (event,)

    def gap(self, lost_ticks: int) -> None:
        """Account for lost ticks, as the rung does."""
        self._rung.gap(lost_ticks)

    def pause(self, ticks: int) -> None:
        """Account for the ticks of a declared pause, as the rung does."""
        self._rung.pause(ticks)

    def save(self, record: Record) -> None:
        """Write the state into a record, as a plan with an alarm section would have it."""
        self._rung.save(record.rung)
        record.sequence = self._sequence
        record.state = State.UNACK_ALARM if self._rung.in_alarm else State.NORMAL
        record.peak = record.base = self._level.raise_score if self._rung.in_alarm else 0

    def restore(self, record: Record, *, releveled: bool) -> None:
        """Take the state from a record; ``releveled``: from that of a plan with another level."""
        self._rung.restore(record.rung, releveled=releveled)
        self._sequence = record.next_sequence
