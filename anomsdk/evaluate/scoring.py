"""Clips through fresh pipelines: scores and alarms are kept, samples never."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.constant import Samples
from anomsdk.core.event import State
from anomsdk.core.plan import Plan
from anomsdk.runtime import Pipeline


@dataclass(frozen=True, eq=False)
class ScoredClip:
    """What a plan made of one clip. Times are seconds of what was heard: constant stretches do not count.

    Parameters
    ----------
    name, group : of the clip; a mix has the group of its scene
    seconds : heard in pieces that were long enough for a tick
    scores : uint32 (ticks,), pieces one after the other
    times_s : float64 (ticks,), when each tick ended
    raised_s : when the ticks that raised alarms ended
    event_s : from when to when an alarm finds the event (`event_window`); None: the whole clip
    snr_db : of a mix
    """

    name: str
    group: str
    seconds: float
    scores: NDArray[np.uint32]
    times_s: NDArray[np.float64]
    raised_s: tuple[float, ...]
    event_s: tuple[float, float] | None = None
    snr_db: float | None = None

    @property
    def peak(self) -> int:
        """Highest score; a clip without a tick has none."""
        return int(self.scores.max())

    @property
    def inside_s(self) -> tuple[float, ...]:
        """Times of the alarms that were raised in the event: after its start, until its window ends."""
        if self.event_s is None:
            return self.raised_s
        start, stop = self.event_s
        return tuple(time for time in self.raised_s if start < time <= stop)

    @property
    def time_to_detect_s(self) -> float | None:
        """From the start of the event to the end of the first tick that raised an alarm in it; None: missed."""
        start = 0.0 if self.event_s is None else self.event_s[0]
        return self.inside_s[0] - start if self.inside_s else None


def samples_to_decide(plan: Plan) -> int:
    """Samples that a fresh pipeline needs before it can raise: a full context, m votes, the on-delay."""
    ticks = plan.timing.m - 1 + plan.timing.on_delay
    return plan.samples_to_first_tick + ticks * plan.samples_per_tick


def event_window(plan: Plan, start: int, stop: int) -> tuple[float, float]:
    """Seconds between which an alarm finds an event of samples start to stop: the end is `samples_to_decide` later."""
    return start / plan.rate_hz, (stop + samples_to_decide(plan)) / plan.rate_hz


def score_clip(
    plan: Plan,
    blocks: Iterable[tuple[bool, Samples]],
    name: str,
    group: str,
    *,
    engine: str | None = None,
    event_s: tuple[float, float] | None = None,
    snr_db: float | None = None,
    heard: Callable[[int], None] = lambda n: None,
) -> ScoredClip | None:
    """Run a clip, each of its pieces from a fresh pipeline.

    Parameters
    ----------
    plan : Plan
    blocks : (new_piece, samples) pairs, as `anomsdk.clips.Clip.blocks`
    name, group, event_s, snr_db : as `ScoredClip`
    engine : as `anomsdk.Pipeline`
    heard : called with the samples of each block

    Returns
    -------
    ScoredClip, or None when no piece is long enough for a tick

    Raises
    ------
    InputError : as `anomsdk.clips.Clip.blocks`
    """
    run = _Run(plan, engine)
    try:
        for new_piece, samples in blocks:
            run.hear(new_piece, samples)
            heard(len(samples))
        run.end_piece()
    finally:
        run.close()
    if not run.scores:
        return None
    scores, times = np.array(run.scores, np.uint32), np.array(run.times_s)
    return ScoredClip(name, group, run.heard / plan.rate_hz, scores, times, tuple(run.raised_s), event_s, snr_db)


class _Run:
    """The pipelines of one clip, one after the other, and what came out of them."""

    def __init__(self, plan: Plan, engine: str | None) -> None:
        self.scores, self.times_s, self.raised_s = list[int](), list[float](), list[float]()
        self.heard = 0  # samples of pieces that gave a tick
        self._plan, self._engine = plan, engine
        self._pipeline: Pipeline | None = None
        self._begin = self._length = 0  # of the piece, in samples of the clip
        self._ticks_before = 0

    def hear(self, new_piece: bool, samples: Samples) -> None:
        if new_piece or self._pipeline is None:
            self.end_piece()
            self._pipeline = Pipeline(self._plan, self._engine)
        for result in self._pipeline.process(samples):
            framer = self._plan.framer
            end_s = (self._begin + result.hop * framer.hop + framer.window) / self._plan.rate_hz
            self.scores.append(result.score)
            self.times_s.append(end_s)
            self.raised_s += [end_s for event in result.events if event.state == State.UNACK_ALARM]
        self._length += len(samples)

    def end_piece(self) -> None:
        self.close()
        if len(self.scores) > self._ticks_before:
            self.heard += self._length
        self._begin += self._length
        self._length, self._ticks_before = 0, len(self.scores)

    def close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.close()
            self._pipeline = None
