"""Alert: from scores to events, by one rung: an event says that the alarm is raised or cleared."""

from __future__ import annotations

from anomsdk.core.event import Event, Kind, State, score_log2_q8
from anomsdk.core.rung import Change, LevelPlan, Rung, TimingPlan


class Alert:
    """Alert logic of one pipeline."""

    def __init__(self, timing: TimingPlan, level: LevelPlan, plan_tag: int) -> None:
        self._rung, self._tag = Rung(timing, level, timing.cooldown), plan_tag
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
        return State.PENDING if self._rung.pending > 0 else State.NORMAL

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
