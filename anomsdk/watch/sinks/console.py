"""What `anomsdk watch` prints: lines for people, or one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, UnusableInputsError, printable
from anomsdk.sources.recording import Recording
from anomsdk.utils.text import STATE_STYLES, Progress, bar, clock, counted, duration, ratio, show
from anomsdk.watch.session import Alert, Summary, Watch

_FULL_BAR = 4.0
"""Score over raise level that fills the bar: where the high level usually lies."""
_BAR_WIDTH = 10

_WHAT = {"audio": "sound", "motion": "motion"}


class Announcer(Protocol):
    """The three moments that something is printed at."""

    def recording(self, recording: Recording) -> None:
        """A recording begins."""

    def alert(self, alert: Alert) -> None:
        """The alarm was raised or cleared."""

    def too_short(self, recording: Recording) -> None:
        """A recording ended before the first tick."""

    def closing(self, summary: Summary, *, stopped: bool) -> None:
        """Everything was heard, or somebody stopped it."""


def announce(
    watch: Watch, recordings: Sequence[Recording], out: Announcer, *, on_bad: Callable[[str], None] | None = None
) -> None:
    """Hear all recordings, and hand on what happens, under a progress line on stderr.

    Parameters
    ----------
    watch, recordings : what hears, and what is heard
    out : what prints
    on_bad : called with one line for a recording that turns out damaged, which is then left out; by default it ends all

    Raises
    ------
    InputError : a damaged recording, or none that is not
    """
    lengths, damaged = [recording.length for recording in recordings], list[str]()
    with Progress(None if None in lengths else sum(n or 0 for n in lengths)) as progress:
        for recording in recordings:
            before = watch.summary().too_short
            progress.clear()
            out.recording(recording)
            try:
                for alert in watch.hear(recording, progress.update):
                    progress.clear()
                    out.alert(alert)
            except InputError as error:
                if on_bad is None:
                    raise UnusableInputsError([str(error)], skippable=len(recordings) > 1) from None
                watch.leave_out()
                progress.clear()
                damaged.append(str(error))
                on_bad(damaged[-1])
                continue
            if watch.summary().too_short > before:
                progress.clear()
                out.too_short(recording)
    if damaged and len(damaged) == len(recordings):
        raise InputError(f"none of {len(damaged)} recordings can be heard to its end; the first is {damaged[0]}")


class Lines:
    """For people. A recording among several is named only once there is something to say about it."""

    def __init__(
        self, plan: Plan, n_recordings: int, scores: str | None = None, more_is_held: str | None = None
    ) -> None:
        self._plan, self._several, self._scores = plan, n_recordings > 1, scores
        self._more_is_held = more_is_held
        self._notes: tuple[str, ...] = ()
        self._named: str | None = None

    def recording(self, recording: Recording) -> None:
        """Say what is done to the samples, unless it was just said."""
        notes, self._notes = self._notes, recording.notes
        self._named = None
        if not self._several or recording.notes not in ((), notes):
            self._name(recording.name, ", ".join(recording.notes))

    def alert(self, alert: Alert) -> None:
        """One line: when, what, how far above the raise level, which features were most unusual."""
        self._name(alert.recording)
        word = "ALARM" if alert.state == "alarm" else "clear"
        line = f"  {clock(alert.time_s)}  {word}  {ratio(alert.ratio):>6}  {bar(alert.ratio / _FULL_BAR, _BAR_WIDTH)}"
        if alert.event.words:
            line += f"  {', '.join(alert.event.words)}"
        show(line.rstrip(), styles=STATE_STYLES)

    def too_short(self, recording: Recording) -> None:
        """Say how long it had to be."""
        self._name(recording.name)
        show(f"  too short: needs {duration(self._plan.samples_to_first_tick / self._plan.rate_hz)}")

    def closing(self, summary: Summary, *, stopped: bool) -> None:
        """How much was heard, and what is left of it."""
        plan, length = self._plan, clock(summary.seconds)
        what = _WHAT.get(plan.sensor.kind)
        heard = f"read {counted(summary.samples, 'row')} ({length})" if what is None else f"heard {length} of {what}"
        short = f", {summary.too_short:,} too short" if summary.too_short else ""
        short += f", {summary.left_out:,} left out" if summary.left_out else ""
        show(
            f"{'stopped: ' if stopped else ''}{heard} in {counted(summary.recordings, 'recording')}{short}: "
            f"{counted(summary.ticks, 'tick')}, {counted(summary.alarms, 'alarm')}; "
            f"judged {summary.judged}"
        )
        kept = "nothing" if self._scores is None or stopped else f"the scores, in {self._scores}"
        show(f"kept: {kept}; {held(plan, self._more_is_held)}")

    def _name(self, name: str, notes: str = "") -> None:
        if self._named != name:
            self._named = name
            show(printable(f"{name}: {notes}" if notes else name))


class JsonLines:
    """For programs: stdout holds one JSON object a line and nothing else; remarks go to stderr."""

    def __init__(self, plan: Plan, engine: str) -> None:
        self._plan, self._engine = plan, engine
        self._notes: tuple[str, ...] = ()

    def recording(self, recording: Recording) -> None:
        """Say what is done to the samples, unless it was just said."""
        if recording.notes not in ((), self._notes):
            show(printable(f"{recording.name}: {', '.join(recording.notes)}"), stream=sys.stderr)
        self._notes = recording.notes

    def alert(self, alert: Alert) -> None:
        """The alert, its 16 bytes as hexadecimal digits, and what was most unusual in words."""
        show(
            json.dumps(
                {
                    "type": "alert",
                    "recording": alert.recording,
                    "time_s": round(alert.time_s, 6),
                    "hop": alert.hop,
                    "state": alert.state,
                    "high": alert.high,
                    "score": alert.score,
                    "raise_score": alert.raise_score,
                    "event": bytes(alert.event).hex(),
                    "reasons": alert.event.words,
                }
            ),
            wrap=False,
        )

    def too_short(self, recording: Recording) -> None:
        """Say how long it had to be."""
        needed = duration(self._plan.samples_to_first_tick / self._plan.rate_hz)
        show(printable(f"{recording.name}: too short: needs {needed}"), stream=sys.stderr)

    def closing(self, summary: Summary, *, stopped: bool) -> None:
        """The last object."""
        show(
            json.dumps(
                {
                    "type": "summary",
                    "recordings": summary.recordings,
                    "too_short": summary.too_short,
                    "samples": summary.samples,
                    "seconds": round(summary.seconds, 6),
                    "ticks": summary.ticks,
                    "alarms": summary.alarms,
                    "left_out": summary.left_out,
                    "missing": summary.missing,
                    "judged_share": round(summary.judged.share, 6),
                    "stopped": stopped,
                    "engine": self._engine,
                    "plan_id": self._plan.id,
                }
            ),
            wrap=False,
        )


def held(plan: Plan, more: str | None = None) -> str:
    """What is in memory from one block to the next, at most; or why that is not said.

    Parameters
    ----------
    plan : Plan
    more : why more may be in memory, as `anomsdk.watch.session.Watch.more_is_held` says it
    """
    if more is not None:
        return f"what is held between blocks is not claimed: {more}"
    features = f"features of {duration(plan.samples_to_first_tick / plan.rate_hz)}"
    what = _WHAT.get(plan.sensor.kind)
    if what is None:
        return f"held between blocks: {features}"
    return f"held between blocks: at most {duration(plan.framer.window / plan.rate_hz)} of {what}, {features}"
