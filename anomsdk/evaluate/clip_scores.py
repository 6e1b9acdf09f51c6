"""Scores and alarms of clips, each stretch from a fresh pipeline; no samples are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast
from anomsdk.core.duty import is_pause
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.evaluate.segments import padded
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.sources.clips import Clip
from anomsdk.sources.dropouts import Samples

_SLACK_S = 1e-9
"""Tolerance of lengths, seconds: a quotient that is just long enough must not fail by its last bit."""


@dataclass(frozen=True, eq=False)
class ScoredClip:
    """Scores and alarms of one clip.

    Times are seconds of the samples that were processed; digitally constant stretches that were cut out do not count.

    Parameters
    ----------
    name, group : name and group of the clip; a mix has the group of its normal recording
    seconds : time that was judged: as long as its ticks take, and for a padded clip at most its own length. Where the
        plan has a duty cycle and the clip its pauses, each tick stands for its part of the whole period
    scores : uint32 (ticks,), stretches between gaps one after the other; void ticks are left out
    times_s : float64 (ticks,), end of each tick
    raised_s : times at which alarms began: ends of ticks, or where the plan has a prealarm, of its cancel window
    event_s : start and end of the time in which an alarm counts for the event (`event_window`); None: the whole clip
    snr_db : signal-to-noise ratio of a mix, dB; None: no mix
    label : content of the recording, e.g. an activity; None: unknown
    padded : True where the clip is too short for a tick, so that its first and last samples were repeated
    longest_s : length of its longest stretch between gaps, seconds; None: unknown
    scene : normal recording that a mix was made in; None: no mix
    """

    name: str
    group: str
    seconds: float
    scores: NDArray[np.uint32]
    times_s: NDArray[np.float64]
    raised_s: tuple[float, ...]
    event_s: tuple[float, float] | None = None
    snr_db: float | None = None
    label: str | None = None
    padded: bool = False
    longest_s: float | None = None
    scene: str | None = None

    @property
    def peak(self) -> int:
        """Highest score of all ticks."""
        return int(self.scores.max())

    @property
    def mean(self) -> float:
        """Mean score of all ticks."""
        return float(self.scores.mean())

    def too_short_for(self, raise_s: float) -> bool:
        """Return True where no alarm can be raised in the event of the clip, whatever the scores are.

        Parameters
        ----------
        raise_s : seconds that a fresh pipeline needs before it can raise an alarm (`samples_to_raise`)
        """
        if self.padded or (self.longest_s is not None and self.longest_s < raise_s - _SLACK_S):
            return True
        if self.event_s is None:
            return False
        start, stop = self.event_s
        return not bool(((self.times_s > start) & (self.times_s <= stop)).any())

    @property
    def inside_s(self) -> tuple[float, ...]:
        """Times of the alarms that count for the event: after its start, until its window ends."""
        if self.event_s is None:
            return self.raised_s
        start, stop = self.event_s
        return tuple(time for time in self.raised_s if start < time <= stop)

    @property
    def time_to_detect_s(self) -> float | None:
        """Seconds from the start of the event to the end of the first tick that raised an alarm in it; None: missed."""
        start = 0.0 if self.event_s is None else self.event_s[0]
        return self.inside_s[0] - start if self.inside_s else None


def samples_to_decide(plan: Plan) -> int:
    """Number of samples that a fresh pipeline needs before it can decide.

    They fill a context and are longer than the warm-up; then come m votes, the on-delay, and the cancel window of a
    prealarm.
    """
    ticks = plan.timing.m - 1 + plan.timing.on_delay
    return _samples_to_judge(plan) + ticks * plan.samples_per_tick + _samples_to_cancel(plan)


def samples_to_raise(plan: Plan) -> int:
    """Number of samples that a fresh pipeline needs before it can raise any alarm.

    At the high level an alarm does not wait for votes, so that the first tick can raise one.
    """
    if plan.levels.high_score:
        return _samples_to_judge(plan) + _samples_to_cancel(plan)
    return samples_to_decide(plan)


def _samples_to_judge(plan: Plan) -> int:
    """Number of samples that a fresh pipeline needs before it gives a tick that the warm-up does not void."""
    first, tick = plan.samples_to_first_tick, plan.samples_per_tick
    if plan.health is None or plan.health.warm_up == 0:
        return first
    warm = (plan.health.warm_up - 1) * plan.framer.hop + plan.framer.window
    return first + max(0, -(-(warm - first) // tick)) * tick


def _samples_to_cancel(plan: Plan) -> int:
    """Length of the cancel window of a prealarm, in samples."""
    return 0 if plan.alarm is None else plan.alarm.cancel * plan.framer.hop


def event_window(plan: Plan, start: int, stop: int) -> tuple[float, float]:
    """Start and end, in seconds, of the time in which an alarm counts for an event.

    Parameters
    ----------
    plan : plan that raises the alarm
    start, stop : event, in samples of the clip; the time ends `samples_to_decide` after it
    """
    return start / plan.rate_hz, (stop + samples_to_decide(plan)) / plan.rate_hz


def score_clip(
    plan: Plan,
    blocks: Iterable[tuple[bool, Samples] | tuple[bool, Samples, int]],
    name: str,
    group: str,
    *,
    engine: str | None = None,
    event_s: tuple[float, float] | None = None,
    snr_db: float | None = None,
    label: str | None = None,
    scene: str | None = None,
    pads: bool = False,
    heard: Callable[[int], None] = lambda n: None,
) -> ScoredClip | None:
    """Run a clip through a plan; each stretch between gaps gets a fresh pipeline, and goes on over declared pauses.

    Parameters
    ----------
    plan : plan that scores the clip
    blocks : (new_piece, samples) pairs, as `anomsdk.sources.clips.Clip.blocks` yields them, or those of `spaced`
    name, group, event_s, snr_db, label, scene : as `ScoredClip`
    engine : as `anomsdk.Pipeline`
    pads : pad the longest stretch when none is long enough for a tick
    heard : called with the number of samples of each block

    Returns
    -------
    ScoredClip, or None when no stretch is long enough for a tick, or all ticks are void

    Raises
    ------
    InputError : as `anomsdk.sources.clips.Clip.blocks`
    """
    run = ClipRun(plan, engine, pads=pads)
    try:
        for new_piece, samples, *missing in blocks:
            run.push(new_piece, samples, *missing)
            heard(len(samples))
        return run.scored(name, group, event_s=event_s, snr_db=snr_db, label=label, scene=scene)
    finally:
        run.close()


def spaced(plan: Plan, clip: Clip) -> Iterator[tuple[bool, Samples, int]]:
    """Yield the blocks of a clip with the number of samples before each new piece that are not in it.

    Only for a plan with a duty cycle this number is known; for others it is 0.
    """
    if plan.duty is None:
        yield from ((new_piece, samples, 0) for new_piece, samples in clip.blocks())
        return
    cutter = clip.cutter()
    piece, end = -1, 0  # number of the present piece, and where it ends in the stream
    for new_piece, samples in clip.blocks(cutter):
        between = 0
        if new_piece:
            piece += 1
            between, end = cutter.starts[piece] - end, cutter.starts[piece]
        end += len(samples)
        yield new_piece, samples, between


class ClipRun:
    """One clip in progress: its pipelines, one after the other, and their scores and alarms so far.

    Parameters
    ----------
    plan, engine, pads : as `score_clip`
    """

    def __init__(self, plan: Plan, engine: str | None, *, pads: bool = False) -> None:
        self._plan, self._engine, self._pads = plan, engine, pads
        self._scores, self._times_s, self._raised_s = list[int](), list[float](), list[float]()
        self._ticks = 0  # void ones count
        self._longest_piece = 0  # length of the longest stretch, samples
        self._heard = 0  # number of samples of a padded clip
        self._pipeline: Pipeline | None = None
        self._begin = self._length = 0  # start and length of the current stretch, in samples of the clip
        self._stretch = self._paused = 0  # samples since the last gap or pause, and those of pauses in this stretch
        self._judged = 0  # ticks of this stretch
        self._seconds = 0.0  # those of all stretches before
        self._held = list[Samples]()  # blocks of the current stretch, while it is too short for a tick
        self._longest: tuple[int, Samples] | None = None  # start and samples of the longest stretch without a tick

    def push(self, new_piece: bool, samples: Samples, missing: int = 0) -> None:
        """Process a block, as `anomsdk.sources.clips.Clip.blocks` yields it.

        Parameters
        ----------
        new_piece, samples : a block
        missing : samples between a new piece and the one before; a pause that the plan declares ends no stretch
        """
        if new_piece and self._pipeline is not None and is_pause(self._plan.duty, missing):
            self._paused += missing
            self._stretch = 0
            self._take(self._pipeline.gap(missing), self._begin - self._paused)
        elif new_piece:
            self._end_piece()
        self._length += len(samples)
        self._stretch += len(samples)
        self._longest_piece = max(self._longest_piece, self._stretch)
        if self._pipeline is None:
            self._held.append(samples)
            if self._length < self._plan.samples_to_first_tick:
                return
            samples, self._held = np.concatenate(self._held), []
            self._pipeline = Pipeline(self._plan, self._engine)
        self._take(self._pipeline.process(samples), self._begin - self._paused)

    def scored(
        self,
        name: str,
        group: str,
        *,
        event_s: tuple[float, float] | None = None,
        snr_db: float | None = None,
        label: str | None = None,
        scene: str | None = None,
    ) -> ScoredClip | None:
        """Finish the clip and return its scores; None where no tick was judged."""
        self._end_piece()
        pads = self._pads and not self._ticks and self._longest is not None
        if pads:
            self._hear_padded()
        if not self._scores:
            return None
        self._end_piece()
        seconds = min(self._seconds, self._heard / self._plan.rate_hz) if pads else self._seconds
        scores, times = checked_cast(self._scores, "u4", "scores"), np.array(self._times_s)
        return ScoredClip(
            name,
            group,
            seconds,
            scores,
            times,
            tuple(self._raised_s),
            event_s,
            snr_db,
            label,
            padded=pads,
            longest_s=self._longest_piece / self._plan.rate_hz,
            scene=scene,
        )

    def close(self) -> None:
        """Close the open pipeline, which wipes its memory."""
        if self._pipeline is not None:
            self._pipeline.close()
            self._pipeline = None

    def _take(self, results: list[Result], begin: int) -> None:
        for result in results:
            framer = self._plan.framer
            end_s = (begin + result.hop * framer.hop + framer.window) / self._plan.rate_hz
            self._ticks += result.judged
            if result.judged and not result.void:
                self._judged += 1
                self._scores.append(result.score)
                self._times_s.append(end_s)
            self._raised_s += [end_s for event in result.events if event.raised]

    def _end_piece(self) -> None:
        longest = 0 if self._longest is None else len(self._longest[1])
        if self._pipeline is None and self._pads and self._length > longest:
            self._longest = self._begin, np.concatenate(self._held)
        self.close()
        self._begin += self._length
        self._length, self._held = 0, []
        self._seconds += self._judged_s
        self._stretch = self._paused = self._judged = 0

    @property
    def _judged_s(self) -> float:
        """Return the time that the ticks of this stretch stand for."""
        plan = self._plan
        if plan.duty is None or self._paused == 0:
            return self._judged * plan.samples_per_tick / plan.rate_hz
        return self._judged * plan.duty.every / plan.ticks_in(plan.duty.on) / plan.rate_hz

    def _hear_padded(self) -> None:
        assert self._longest is not None
        begin, samples = self._longest
        before, enough = padded(samples, self._plan.samples_to_first_tick)
        with Pipeline(self._plan, self._engine) as pipeline:
            self._take(pipeline.process(enough), begin - before)
        self._heard = len(samples)
