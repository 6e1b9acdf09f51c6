"""Judgement of diaries by a plan: one pipeline a device, from the first row of these days to the last.

Every run begins with fresh pipelines, so that the same rows give the same alarms, whatever was run before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.days import MISSING
from anomsdk.core.event import Event, Kind, State
from anomsdk.core.reasons import words
from anomsdk.herd.days.diaries import Diaries
from anomsdk.runtime.engines import Engine, open_engine
from anomsdk.runtime.parallel import checked_jobs, in_order

ALARMS = frozenset({State.UNACK_ALARM, State.ACK_ALARM})
"""States in which an alarm stands."""
_DEVICES = 64


@dataclass(frozen=True)
class Verdict:
    """Judgement of one device.

    Parameters
    ----------
    judged : number of slots of today with a score that counts
    highest : highest score of today; 0: none
    alarm_days : True for each day on which an alarm stood, the oldest first, today last
    raised : slot of today at which the alarm was raised first; None: it was not, or it stood before today
    reasons : words for the reasons of the latest alarm up to the end of today, the most unusual first
    """

    judged: int
    highest: int
    alarm_days: tuple[bool, ...]
    raised: int | None
    reasons: tuple[str, ...]

    @property
    def in_alarm(self) -> bool:
        """Return True if an alarm stood at some time of today."""
        return self.alarm_days[-1]


def judge(
    diaries: Diaries,
    engine: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, n: None,
) -> list[Verdict | None]:
    """Judge all devices.

    Parameters
    ----------
    diaries : rows
    engine : as in `Pipeline`
    jobs : number of threads
    progress : called with the number of devices judged and of all

    Returns
    -------
    judgement of each device; None for one without a row, or with two different rows for the same slots
    """
    n, last = len(diaries), last_slot(diaries)
    unclear = diaries.is_unclear

    def work(number: int, start: int, stopped: Callable[[], bool]) -> list[Verdict | None]:
        opened = open_engine(engine, diaries.plan)
        return [
            None if unclear[each] else _verdict(opened, diaries, each, last)
            for each in range(start, min(start + _DEVICES, n))
        ]

    found: list[Verdict | None] = []
    for some in in_order(work, range(0, n, _DEVICES), checked_jobs(jobs)):
        found += some
        progress(len(found), n)
    return found


def last_slot(diaries: Diaries) -> int:
    """Return the number of slots up to the last one of which any device has a row."""
    slots = np.zeros(diaries.n_slots, np.bool_)
    for start in range(0, len(diaries), 4096):
        slots |= (diaries.rows[start : start + 4096, :, 0] != MISSING).any(axis=0)
    return int(np.flatnonzero(slots)[-1]) + 1 if slots.any() else 0


def _verdict(engine: Engine, diaries: Diaries, device: int, last: int) -> Verdict | None:
    rows = diaries.rows[device, :last]
    there = np.flatnonzero(rows[:, 0] != MISSING)
    if not len(there):
        return None
    slots = diaries.slots
    first = int(there[0]) // slots * slots  # slots count from midnight
    try:
        processed = engine.process(np.ascontiguousarray(rows[first:]))
    finally:
        engine.reset()
    at = processed.hops.astype(np.int64) + first
    events = [(int(at[tick]), event) for tick, event in processed.events]
    events += [(event.hop + first, event) for _, event in processed.notices]
    today = at >= diaries.before * slots
    if processed.void is not None:
        today &= ~processed.void
    scores = processed.scores[today]
    stands, raised, reasons = _alarms(sorted(events, key=lambda each: each[0]), diaries.n_slots, last)
    days = stands.reshape(-1, slots).any(axis=1)
    before = stands[diaries.before * slots - 1]
    since = [slot - diaries.before * slots for slot in raised if slot >= diaries.before * slots]
    return Verdict(
        judged=len(scores),
        highest=int(scores.max(initial=0)),
        alarm_days=tuple(days.tolist()),
        raised=since[0] if since and not before else None,
        reasons=reasons,
    )


def _alarms(
    events: list[tuple[int, Event]], n_slots: int, last: int
) -> tuple[NDArray[np.bool_], list[int], tuple[str, ...]]:
    """Follow the state of the alarm: slots in which it stands, slots at which it was raised, and its latest reasons."""
    stands = np.zeros(n_slots, np.bool_)
    raised: list[int] = []
    reasons: tuple[str, ...] = ()
    since: int | None = None
    for slot, event in events:
        if event.state in ALARMS and since is None:
            since = slot
            raised.append(slot)
        if event.state in ALARMS and event.kind == Kind.ANOMALY and words(event.reasons):
            reasons = words(event.reasons)
        if event.state not in ALARMS and since is not None:
            stands[since:slot] = True
            since = None
    if since is not None:
        stands[since:last] = True
    return stands, raised, reasons
