"""Lines for programs: one JSON object for each event and one for the summary."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from anomsdk.core.event import VERSION_2, Event, Kind
from anomsdk.core.plan import Plan
from anomsdk.errors import printable
from anomsdk.sources.recording import Recording
from anomsdk.utils.terminal import show
from anomsdk.watch.alarm_change import AlarmChange
from anomsdk.watch.session import Summary
from anomsdk.watch.sinks.event_words import flags, too_short


class JsonLines:
    """Sink that prints one JSON object a line on stdout, and notes about recordings on stderr.

    Parameters
    ----------
    plan : plan that is watched with
    engine : name of the engine that runs it
    wording : puts notes about recordings into the words of the user, such as options of the command line
    """

    def __init__(self, plan: Plan, engine: str, *, wording: Callable[[str], str] = str) -> None:
        self._plan, self._engine, self._wording = plan, engine, wording
        self._notes: tuple[str, ...] = ()

    def begin(self, recording: Recording) -> None:
        """Print notes about the recording on stderr, unless the one before has the same."""
        if recording.notes not in ((), self._notes):
            notes = self._wording(", ".join(recording.notes))
            show(printable(f"{recording.name}: {notes}"), stream=sys.stderr)
        self._notes = recording.notes

    def alert(self, alert: AlarmChange) -> None:
        """Print the event with its 16 bytes in hexadecimal and its reasons in words.

        An event of layout 2 has more keys. Its type is "alert" where it concerns an alarm, else "event".
        """
        event = alert.event
        fields: dict[str, Any] = {
            "type": "alert" if event.kind == Kind.ANOMALY else "event",
            "recording": alert.recording,
            "time_s": round(alert.time_s, 6),
            "hop": alert.hop,
            "state": alert.state,
            "high": alert.high,
            "score": alert.score,
            "raise_score": alert.raise_score,
            "event": bytes(event).hex(),
            "reasons": event.words if event.kind == Kind.ANOMALY else (),
        }
        show(json.dumps(fields | (_news(event) if event.layout == VERSION_2 else {})), wrap=False)

    def too_short(self, recording: Recording) -> None:
        """Print on stderr how long a recording must be."""
        show(printable(f"{recording.name}: {too_short(self._plan)}"), stream=sys.stderr)

    def end(self, summary: Summary, *, stopped: bool) -> None:
        """Print the counts of the session as the last object."""
        void, faults = dict[str, Any](), dict[str, Any]()
        if self._plan.is_supervised:
            void, faults = {"void_share": round(summary.judged.void_share, 6)}, {"faults": summary.faults}
        paused = {} if self._plan.duty is None else {"paused": summary.paused}
        fields = {
            "type": "summary",
            "recordings": summary.recordings,
            "too_short": summary.too_short,
            "samples": summary.samples,
            "seconds": round(summary.seconds, 6),
            "ticks": summary.ticks,
            "alarms": summary.alarms,
            **faults,
            "left_out": summary.left_out,
            "missing": summary.missing,
            **paused,
            "judged_share": round(summary.judged.share, 6),
            **void,
            "stopped": stopped,
            "engine": self._engine,
            "plan_id": self._plan.id,
        }
        show(json.dumps(fields), wrap=False)


def _news(event: Event) -> dict[str, Any]:
    """Return the keys that only an event of layout 2 has; the score of the event is rounded, as its logarithm is."""
    return {
        "kind": event.kind.word,
        "condition": None if event.condition is None else event.condition.word,
        "active": event.active if event.condition is not None else None,
        "input": None if event.input is None else event.input.word,
        "promise": None if event.promise is None else event.promise.word,
        "argument": None if event.promise is None else event.reasons[1],
        "level_tag": event.level_tag,
        "health": event.health,
        "flags": flags(event),
        "event_score": round(2 ** (event.score_log2_q8 / 256)) if event.score_log2_q8 else 0,
        "judged_share": round(event.judged_share, 6) if event.kind == Kind.HEARTBEAT else None,
    }
