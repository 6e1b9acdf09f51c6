"""Simulation of the alarms that normal recordings raise at an alarm level, from their scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.baseline import Baseline, BaselinePlan
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.core.rung import LevelPlan, TimingPlan, levels
from anomsdk.planner.alert import timing_plan
from anomsdk.planner.calibration import ON_DELAYS
from anomsdk.planner.score import baseline_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.utils.text import clock

START_QUANTILE = 0.75
"""Quantile of normal scores at which the baseline of the score starts."""
_MOST_IN_ALARM = 0.5
"""Largest share of the time in alarm at a level that tolerates alarms: an alarm that never clears is not one alarm."""
_LOOK_AHEAD = 256
"""Ticks in which the begin or end of an alarm is looked for first."""

Scores: TypeAlias = NDArray[np.integer[Any]]
"""(ticks,) scores."""


@dataclass(frozen=True, eq=False)
class ScoredPiece:
    """Scores of one piece of a normal recording, a stretch between gaps, from a fresh pipeline.

    Parameters
    ----------
    recording : name of the recording
    group : label that recordings of one wearer, animal or day share
    start_s : end of the first tick, seconds from the start of the recording
    scores : (ticks,), 1 or more, before the baseline is subtracted; void ticks are left out
    ticks : (ticks,), index of each score among all ticks of the piece; None: no tick was void
    """

    recording: str
    group: str
    start_s: float
    scores: Scores
    ticks: Ints | None = None


@dataclass(frozen=True)
class Moment:
    """Tick of a recording at which an alarm is raised, or would be at a lower level."""

    recording: str
    second: float

    def __str__(self) -> str:
        return f"{self.recording} at {clock(self.second)}"


def baseline_start_of(raw: Sequence[Scores]) -> int:
    """Compute the start of the baseline from raw scores of normal recordings."""
    return int(np.quantile(np.concatenate(raw), START_QUANTILE))


class NormalRecordings:
    """Normal recordings, which set the reference level, and the alarms that they raise at any level.

    Parameters
    ----------
    pieces : scored pieces of the recordings, one or more
    spec : settings of alert and score
    start : start of the baseline; None: computed from the pieces
    """

    def __init__(self, pieces: Sequence[ScoredPiece], spec: PipelineSpec, start: int | None = None) -> None:
        self._pieces, self._timing = pieces, timing_plan(spec)
        raw = [piece.scores for piece in pieces]
        self.start = baseline_start_of(raw) if start is None else start
        self._tick_s, self._ticks = spec.tick_s, sum(map(len, raw))
        self._scores = above(raw, baseline_from(self.start, spec))
        self._highest = [int(scores.max()) for scores in self._scores]

    def lowest(self, tolerate: int) -> tuple[int, tuple[Moment, ...], Moment | None]:
        """Find the lowest level with at most ``tolerate`` alarms, its alarms, and the next alarm below it."""
        level, decisive = self._without_alarm()
        kept: list[tuple[int, int]] = []
        if tolerate == 0:
            return level, (), decisive
        more: list[tuple[int, int]] = []
        for lower in self._candidates(level):
            found = list(islice(self._alarms_from(lower), tolerate + 1))
            more = [at for at, _ in found]
            if len(found) > tolerate or sum(ticks for _, ticks in found) > _MOST_IN_ALARM * self._ticks:
                break
            level, kept, more = lower, more, []
        return level, tuple(map(self.moment, kept)), next((self.moment(at) for at in more if at not in kept), None)

    def _without_alarm(self) -> tuple[int, Moment]:
        """Find the lowest level without an alarm, and the tick that would raise one first at a lower level."""
        timing = self._timing
        delay = max(ticks for ticks in ON_DELAYS if ticks <= timing.on_delay)
        ratio, best = timing.high_ratio_q16 / 65536, (-1, 0, 0)
        for i, scores in enumerate(self._scores):
            held = _held(scores, timing.m, timing.n, delay)
            best = max(best, (int(held.max(initial=0)), -i, int(held.argmax()) if len(held) else 0))
            if ratio > 0:
                best = max(best, (int(self._highest[i] / ratio), -i, int(scores.argmax())))
        return min(best[0] + 1, UINT32_MAX), self.moment((-best[1], best[2]))

    def _candidates(self, level: int) -> Iterator[int]:
        """Yield lower alarm levels, descending: those at which another score crosses one of the three levels."""
        timing, every = self._timing, np.unique(np.concatenate(self._scores))
        found = [every + 1, -(-(every + 1 << 16) // timing.clear_ratio_q16)]
        if timing.high_ratio_q16:
            found.append((every << 16) // timing.high_ratio_q16 + 1)
        below = np.unique(np.concatenate(found))
        yield from reversed(below[below < level].tolist())

    def alarms(self, level: int) -> list[tuple[int, int]]:
        """List the alarms at a level as (piece, tick)."""
        return [at for at, _ in self._alarms_from(level)]

    def _alarms_from(self, level: int) -> Iterator[tuple[tuple[int, int], int]]:
        """Yield each alarm at a level as (piece, tick), and the number of ticks that it lasts."""
        of = levels(level, self._timing)
        lowest = min(level, of.high_score) if of.high_score else level
        for i, scores in enumerate(self._scores):
            if self._highest[i] < lowest:
                continue
            for first, stop in alarms_of(scores, of, self._timing):
                yield (i, first), stop - first

    def moment(self, at: tuple[int, int]) -> Moment:
        """Convert (piece, tick) to the recording and the time of the tick."""
        piece = self._pieces[at[0]]
        tick = at[1] if piece.ticks is None else int(piece.ticks[at[1]])
        return Moment(piece.recording, piece.start_s + tick * self._tick_s)


def baseline_from(start: int, spec: PipelineSpec) -> BaselinePlan:
    """Plan the baseline of the score from its start, without the reference rung that freezes it.

    On the recordings that set the reference level, the reference rung raises no alarm. So their scores need no rung,
    whatever alarm level is simulated on them.
    """
    seconds = spec.score.baseline_s
    assert seconds != "chosen"
    return baseline_plan(start, baseline_s=seconds, hold_s=0.0, tick_s=spec.tick_s)


def above(raw: Sequence[Scores], baseline: BaselinePlan) -> list[Ints]:
    """Subtract the baseline from raw scores, on which its reference rung raises no alarm."""
    whole = [each.astype(np.int64) for each in raw]
    return [Baseline(baseline).run(each) for each in whole] if baseline.is_on else whole


def _held(scores: Ints, m: int, n: int, delay: int) -> Ints:
    """For each tick the highest level that m of n ticks reached, at this tick and at ``delay`` ticks before it."""
    padded = np.concatenate([np.zeros(n - 1, np.int64), scores])
    ranked = np.sort(np.lib.stride_tricks.sliding_window_view(padded, n), axis=1)[:, n - m]
    if delay >= len(ranked):
        return np.zeros(0, np.int64)
    held = np.lib.stride_tricks.sliding_window_view(ranked, delay + 1).min(axis=1)
    return np.concatenate([np.zeros(delay, np.int64), held])


def alarms_of(scores: Ints, of: LevelPlan, timing: TimingPlan) -> Iterator[tuple[int, int]]:
    """Yield the ticks (raised, cleared) of each alarm of a piece.

    They are those of `anomsdk.core.rung.Rung`, without a loop over ticks.

    Parameters
    ----------
    scores : (ticks,), above the baseline, void ticks left out
    of : levels of the alarm
    timing : votes and delays
    """
    start, free = 0, 0  # first tick whose votes count; first tick after the cooldown

    def raised(stop: int) -> NDArray[np.bool_]:
        rest = scores[start:stop]
        votes = np.convolve(rest >= of.raise_score, np.ones(timing.n, np.int64))[: len(rest)] >= timing.m
        found = (_in_a_row(votes) > timing.on_delay) & (np.arange(start, start + len(rest)) >= free)
        return found | (rest >= of.high_score) if of.high_score else found

    def quiet(stop: int) -> NDArray[np.bool_]:
        return _in_a_row(scores[first + 1 : stop] < of.clear_score) >= timing.ticks_to_clear

    while start < len(scores):
        begun = _first_in(raised, start, len(scores))
        if begun is None:
            return
        first = begun
        stop = _first_in(quiet, first + 1, len(scores))
        if stop is None:
            yield first, len(scores)
            return
        yield first, stop
        start, free = stop + 1, stop + 1 + timing.cooldown


def _first_in(is_so: Callable[[int], NDArray[np.bool_]], start: int, end: int) -> int | None:
    """Find the first tick from ``start`` on at which something is so; looks ahead no further than it must.

    Parameters
    ----------
    is_so : function of a stop, that returns an entry for each tick from ``start`` to it; none depends on later ticks
    """
    ahead = _LOOK_AHEAD
    while start < end:
        found = is_so(min(end, start + ahead))
        if found.any():
            return start + int(found.argmax())
        if start + ahead >= end:
            return None
        ahead *= 4
    return None


def _in_a_row(is_so: NDArray[np.bool_]) -> Ints:
    """Number of consecutive true entries up to and including each entry."""
    index = np.arange(1, len(is_so) + 1)
    return index - np.maximum.accumulate(np.where(is_so, 0, index))
