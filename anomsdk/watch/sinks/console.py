"""Lines for people: alarms as they are raised and cleared, and what was kept."""

from __future__ import annotations

from collections.abc import Callable

from anomsdk.core.event import NOT_READY, Kind
from anomsdk.core.plan import DiarySensorPlan, Plan
from anomsdk.errors import printable
from anomsdk.sources.recording import Recording
from anomsdk.utils.terminal import show
from anomsdk.utils.text import bar, clock, counted, day_clock, duration, in_days, ratio
from anomsdk.watch.alarm_change import AlarmChange
from anomsdk.watch.session import Summary
from anomsdk.watch.sinks.event_words import STYLES, details, heading, too_short

_FULL_BAR = 4.0
"""Score over alarm level that fills the bar; the high level usually lies there."""
_BAR_WIDTH = 10

_WHAT = {"audio": "sound", "motion": "motion", "external": None, "diary": None}
"""Kind of the sensor -> word for its signal; rows have none."""


class Lines:
    """Sink that prints lines for people.

    One of several recordings is named before its first line, and not at all if it has none.

    Parameters
    ----------
    plan : plan that is watched with
    n_recordings : recordings of the session
    scores : place of the scores file; None: no scores are kept
    more_is_held : see `anomsdk.watch.session.Watch.more_is_held`
    wording : puts notes about recordings into the words of the user, such as options of the command line
    coloured : colour the words of an event on a terminal; the library that does it is imported with the first event
    """

    def __init__(
        self,
        plan: Plan,
        n_recordings: int,
        scores: str | None = None,
        more_is_held: str | None = None,
        *,
        wording: Callable[[str], str] = str,
        coloured: bool = True,
    ) -> None:
        self._plan, self._several, self._scores = plan, n_recordings > 1, scores
        self._more_is_held, self._wording = more_is_held, wording
        self._styles = STYLES if coloured else {}
        self._notes: tuple[str, ...] = ()
        self._named: str | None = None

    def begin(self, recording: Recording) -> None:
        """Print notes about the recording, unless the one before has the same."""
        notes, self._notes = self._notes, recording.notes
        self._named = None
        if not self._several or recording.notes not in ((), notes):
            self._name(recording.name, self._wording(", ".join(recording.notes)))

    def alert(self, alert: AlarmChange) -> None:
        """Print one line: time, what happened, score over alarm level, and the most unusual features or the fault.

        An event without a score has no bar: a fault, an input of the operator, a heartbeat, a restart.
        """
        self._name(alert.recording)
        event = alert.event
        when = day_clock if isinstance(self._plan.sensor, DiarySensorPlan) else clock
        line = f"  {when(alert.time_s)}  {heading(event)}"
        if event.kind in (Kind.ANOMALY, Kind.REPEAT):
            line += f"  {ratio(alert.ratio):>6}  {bar(alert.ratio / _FULL_BAR, _BAR_WIDTH)}"
        if more := details(event):
            line += f"  {more}"
        if self._plan.extractor.warm_up and event.health >> NOT_READY & 1:
            line += "  learning"
        show(line.rstrip(), styles=self._styles)

    def too_short(self, recording: Recording) -> None:
        """Print how long a recording must be."""
        self._name(recording.name)
        show(f"  {too_short(self._plan)}")

    def end(self, summary: Summary, *, stopped: bool) -> None:
        """Print how much was processed, and what was kept of it."""
        plan, length, row = self._plan, clock(summary.seconds), "row"
        if isinstance(plan.sensor, DiarySensorPlan):
            length, row = in_days(summary.seconds), "slot"
        what = _WHAT[plan.sensor.kind]
        heard = f"read {counted(summary.samples, row)} ({length})" if what is None else f"heard {length} of {what}"
        short = f", {summary.too_short:,} too short" if summary.too_short else ""
        short += f", {summary.left_out:,} left out" if summary.left_out else ""
        faults = f", {counted(summary.faults, 'fault')}" if plan.is_supervised else ""
        show(
            f"{'stopped: ' if stopped else ''}{heard} in {counted(summary.recordings, 'recording')}{short}: "
            f"{counted(summary.ticks, 'tick')}, {counted(summary.alarms, 'alarm')}{faults}; "
            f"judged {summary.judged}"
        )
        kept = "nothing" if self._scores is None or stopped else f"the scores, in {self._scores}"
        show(f"kept: {kept}; {held(plan, self._more_is_held)}")

    def _name(self, name: str, notes: str = "") -> None:
        if self._named != name:
            self._named = name
            show(printable(f"{name}: {notes}" if notes else name))


def held(plan: Plan, more: str | None = None) -> str:
    """Say what memory holds from one block to the next at most, or why nothing is claimed.

    Parameters
    ----------
    plan : Plan
    more : reason why memory may hold more, see `anomsdk.watch.session.Watch.more_is_held`
    """
    if more is not None:
        return f"what is held between blocks is not claimed: {more}"
    if isinstance(plan.sensor, DiarySensorPlan):
        return "held between blocks: the rows of 24 h, and an own profile of the day"
    features = f"features of {duration(plan.samples_to_first_tick / plan.rate_hz)}"
    what = _WHAT[plan.sensor.kind]
    if what is None:
        return f"held between blocks: {features}"
    return f"held between blocks: at most {duration(plan.framer.window / plan.rate_hz)} of {what}, {features}"
