"""Events of a recording with their times, as a session hands them to sinks."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.core.event import VERSION, Event


@dataclass(frozen=True)
class AlarmChange:
    """Event of a recording: an alarm raised or cleared, or any other event of a plan with an alarm or health section.

    Parameters
    ----------
    recording : name of the recording
    time_s : time from the start of the recording to the end of the tick, in seconds; without a tick, to the end of the
        hop or the gap after which the event left
    hop : index of the tick's last hop, counted from the start of the recording; without a tick, the hop of the event
    state : word for the state after the event, as "alarm" or "normal"
    high : the score reached the high level
    score : score of the tick; 0 without a tick
    raise_score : alarm level of the plan, a score
    event : the event that a device would send, 16 bytes
    """

    recording: str
    time_s: float
    hop: int
    state: str
    high: bool
    score: int
    raise_score: int
    event: Event

    @property
    def ratio(self) -> float:
        """Score over alarm level: of the tick, or in an event of layout 2 the score that the event reports."""
        if self.event.layout == VERSION:
            return self.score / self.raise_score
        if self.event.raised and self.score:
            return self.score / self.raise_score  # exact; the event has a logarithm
        reported = self.event.score_log2_q8
        return 2 ** (reported / 256) / self.raise_score if reported else 0.0
