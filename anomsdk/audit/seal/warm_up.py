"""Warm-up before a seal: a session on zeros, so that nothing is imported or allocated for the first time after it."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

from anomsdk.core.event import VERSION_2, Condition, Event, Input, Kind, Promise, State
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.sources.recording import Recording
from anomsdk.watch.alarm_change import AlarmChange
from anomsdk.watch.session import Sink, Watch, watch_recordings

_TICKS = 2
"""Ticks of the warm-up."""


class _Zeros(io.RawIOBase):
    """Stream of zeros that ends within a sample."""

    def __init__(self, n: int) -> None:
        self._left = n

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n = min(len(buffer), self._left)
        buffer[:n] = bytes(n)
        self._left -= n
        return n


def warm_up(plan: Plan, sink_of: Callable[[Watch, list[Recording]], Sink], say: Callable[[str], None]) -> None:
    """Watch zeros with a pipeline of its own up to its first results; nothing of it is printed.

    The session ends in the middle of a sample, so that an error is worded, too.

    Parameters
    ----------
    plan : plan that is watched with afterwards
    sink_of : makes a sink of the kind that is used afterwards
    say : prints an error of the session
    """
    samples = plan.samples_to_first_tick + (_TICKS - 1) * plan.samples_per_tick
    with _streams(2 * samples * plan.columns + 1), Watch(plan, "native") as watching:
        recordings = watching.open("-")
        sink = sink_of(watching, recordings)
        try:
            watch_recordings(watching, recordings, sink)
        except InputError as error:
            say(str(error))
        for event in _events():
            sink.alert(AlarmChange("warm-up", 0.0, 0, "normal", False, 1, plan.levels.raise_score, event))
        sink.too_short(recordings[0])
        for stopped in (True, False):
            sink.end(watching.summary(), stopped=stopped)


@contextlib.contextmanager
def _streams(n: int) -> Iterator[None]:
    """Put n zeros in the place of standard input, and memory in that of both outputs."""
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BufferedReader(_Zeros(n)))
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        sys.stdin = before


def _events() -> Iterator[Event]:
    """Yield an event of each kind, and of each code that is worded."""
    yield Event(Kind.ANOMALY, State.UNACK_ALARM, True, 0, 0, 0, 0, (1, 0, 0), 0)
    codes = {Kind.TECHNICAL: Condition, Kind.OPERATOR: Input, Kind.LEVEL: Promise}
    for kind in Kind:
        for code in codes.get(kind, (1,)):
            yield Event(kind, State.UNACK_ALARM, True, 0, 0, 0, 0, (int(code), 1), 0, layout=VERSION_2)
