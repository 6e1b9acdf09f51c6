"""From scores of normal recordings to where the alarm lies, and what set it there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.alert import Alert, LevelPlan, TimingPlan, levels
from anomsdk.core.baseline import Baseline, BaselinePlan
from anomsdk.core.checks import require
from anomsdk.core.event import State
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.planner.alert import timing_plan
from anomsdk.planner.calibration import ON_DELAYS, AlarmLevels, Tolerated, alarm_levels, alert_without_level
from anomsdk.planner.score import baseline_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.utils.text import clock, counted, in_hours, rate

START_QUANTILE = 0.75
"""Of normal scores: where the follower of the score starts."""
CONFIDENCE = 0.95
MOST_TOLERATED = 1000
_MOST_IN_ALARM = 0.5
"""Share of the time that the alarm may be up at a level that tolerates alarms: one that never ends is no one alarm."""
_DECIDES = 0.8
"""One recording decides where the level without it would be this part of it, or less."""
ONE_WEARER = (
    "levels that single people of SisFall set in 15 to 25 minutes gave the others 0 to 17 false alarms an hour, 2.5 in "
    "the median (make bench-motion)"
)
_SHOWN = 5
"""Tolerated alarms that are named."""

Scores: TypeAlias = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Scored:
    """A stretch of a normal recording that a fresh pipeline scored.

    Parameters
    ----------
    recording : its name
    group : recordings that share it are of one wearer, animal or day
    start_s : end of its first tick, seconds from the start of the recording
    scores : (ticks,), 1 or more, before the follower of the score
    """

    recording: str
    group: str
    start_s: float
    scores: Scores


@dataclass(frozen=True)
class Moment:
    """A tick of a recording: an alarm, or what would be one."""

    recording: str
    second: float

    def __str__(self) -> str:
        return f"{self.recording} at {clock(self.second)}"


@dataclass(frozen=True)
class Placed:
    """Where the alarm lies, and why.

    Parameters
    ----------
    raise_score : the level
    tolerated : the alarms that it raises on the recordings
    set_by : what would have been an alarm more, one lower; None: nothing would, the alarm would never have ended
    without : the level without the recording of ``set_by``; None: there is no other
    hours : of ticks
    recordings : with a tick
    groups : of them
    """

    raise_score: int
    tolerated: tuple[Moment, ...]
    set_by: Moment | None
    without: int | None
    hours: float
    recordings: int
    groups: int

    def lines(self, asked: int, kind: str, used: int) -> Iterator[str]:
        """What a person should know of it.

        Parameters
        ----------
        asked : alarms that may be tolerated
        kind : of the sensor
        used : the raise level of the plan: another, where its spec gives a number
        """
        if used != self.raise_score:
            yield f"the raise level is {used:,}, as alert.raise_score says; the recordings would have set another:"
        n, heard = len(self.tolerated), f"{in_hours(self.hours)} of {counted(self.recordings, 'calibration recording')}"
        alarms = "no alarm" if n == 0 else counted(n, "alarm")
        yield (
            f"{alarms} in {heard} at a raise level of {self.raise_score:,}: with 95 % confidence at most "
            f"{at_most(n, self.hours)}"
        )
        if asked:
            named = ", ".join(map(str, self.tolerated[:_SHOWN])) + (f" and {n - _SHOWN} more" if n > _SHOWN else "")
            yield f"tolerated: {named or 'none'}" + (
                "" if n == asked else f"; {asked} were allowed, no lower level keeps to it"
            )
        if self.set_by is not None:
            yield f"set by {self.set_by}, which would raise an alarm at a lower level{self._alone()}"
        if self.groups == 1:
            yield one_group(self.recordings, kind)

    def _alone(self) -> str:
        assert self.set_by is not None
        if self.without is None:
            return "; no other recording has a say"
        ratio = self.without / self.raise_score
        words = f"; without this recording the level would be {self.without:,}, {ratio:.2g} of it"
        return words + (": one recording decides; look at what happened there" if ratio <= _DECIDES else "")


def at_most(alarms: int, hours: float) -> str:
    """Upper bound of a rate, in words: Garwood's exact one (Biometrika 1936), one-sided, in a unit that suits it.

    Parameters
    ----------
    alarms : counted
    hours : heard, above 0

    Examples
    --------
    >>> at_most(0, 0.029), at_most(2, 24), at_most(0, 240)
    ('103 alarms an hour', '6.3 alarms a day', '2.1 alarms a week')
    """
    from scipy.stats import chi2

    return rate(float(chi2.ppf(CONFIDENCE, 2 * alarms + 2)) / 2 / hours, "alarm")


def one_group(recordings: int, kind: str) -> str:
    """What a level is worth that one wearer, animal or day has set."""
    whose = {"motion": "wearer (or animal)", "audio": "place or day"}.get(kind, "source")
    given = f"all {recordings} recordings are of one group" if recordings > 1 else "one recording is all there is"
    fact = ""
    if kind == "motion":
        fact = f": {ONE_WEARER}"
    return f"{given}: the level is that of one {whose}{fact}; calibrate on several before it is used on others"


# Levels


def start_of(raw: Sequence[Scores]) -> int:
    """Where the follower of the score starts."""
    return int(np.quantile(np.concatenate(raw), START_QUANTILE))


def levels_from(raw: Sequence[Scores], spec: PipelineSpec) -> tuple[int, AlarmLevels]:
    """Where the follower of the score starts, and the alarm-level table above it; the spec says how it follows.

    Parameters
    ----------
    raw : (ticks,) each, of normal recordings, before the follower, each from a fresh pipeline
    """
    start = start_of(raw)
    return start, alarm_levels(_above(raw, _follower(start, spec, hold=False)))


def placed(pieces: Sequence[Scored], spec: PipelineSpec, tolerate: int = 0) -> Placed:
    """The lowest raise level that raises at most so many alarms on normal recordings, and so does every level above it.

    Without any, the level is that of the table of `levels_from`. Alarms are counted as the life cycle raises them:
    votes, delays, cooldown, and the follower of the score, which an alarm freezes. With a follower, levels are tried
    where the scores of recordings without an alarm cross them.

    Parameters
    ----------
    pieces : normal recordings, one or more
    spec : alert and score; the raise level that it says does not count
    tolerate : alarms, 0 to `MOST_TOLERATED`

    Raises
    ------
    InputError : ``tolerate`` out of range
    """
    require(0 <= tolerate <= MOST_TOLERATED, f"tolerate is {tolerate}, not 0 to {MOST_TOLERATED} alarms")
    whole = _Herd(pieces, spec)
    level, tolerated, set_by = whole.lowest(tolerate)
    without = None
    others = [] if set_by is None else [piece for piece in pieces if piece.recording != set_by.recording]
    if others:
        without = _Herd(others, spec, start=whole.start).lowest(tolerate)[0]
    ticks = sum(len(piece.scores) for piece in pieces)
    names, groups = {piece.recording for piece in pieces}, {piece.group for piece in pieces}
    return Placed(level, tolerated, set_by, without, ticks * spec.tick_s / 3600, len(names), len(groups))


def tolerated_of(found: Placed, spec: PipelineSpec, asked: int) -> Tolerated | None:
    """What a calibration says of a level that tolerates alarms; None where none may be."""
    if asked == 0:
        return None
    return Tolerated(alarms=asked, raise_score=found.raise_score, alert=alert_without_level(spec))


def first_tick_s(spec: PipelineSpec, start: int) -> float:
    """End of the first tick of a piece, seconds from the start of its recording.

    Parameters
    ----------
    spec : windows, hops and context
    start : samples of the recording before the piece
    """
    hops = spec.context.frames * spec.hops_per_frame - 1
    return (start + spec.window_length + hops * spec.hop_length) / spec.sensor.rate_hz


def alarms_at(pieces: Sequence[Scored], spec: PipelineSpec, level: int) -> list[Moment]:
    """Alarms of normal recordings at a raise level, as the life cycle raises them."""
    herd = _Herd(pieces, spec)
    return [herd.moment(at) for at in herd.alarms(level)]


class _Herd:
    """Normal recordings, and where they would alarm at a level."""

    def __init__(self, pieces: Sequence[Scored], spec: PipelineSpec, start: int | None = None) -> None:
        self._pieces, self._timing = pieces, timing_plan(spec)
        raw = [piece.scores for piece in pieces]
        self.start = start_of(raw) if start is None else start
        self._tick_s, self._ticks = spec.tick_s, sum(map(len, raw))
        self._follower = _follower(self.start, spec, hold=True)
        self._scores = _above(raw, self._follower)  # until the first alarm of each piece
        self._highest = [int(scores.max()) for scores in self._scores]
        self._trajectories: dict[int, list[int]] = {}

    def lowest(self, tolerate: int) -> tuple[int, tuple[Moment, ...], Moment | None]:
        """The level, its alarms, and what would be one more."""
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
        """The lowest level without an alarm, and the tick that is next to one."""
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
        """Levels below one, downwards: from each on, another score is below the raise, the high or the clear level."""
        timing, every = self._timing, np.unique(np.concatenate(self._scores))
        found = [every + 1, -(-(every + 1 << 16) // timing.clear_ratio_q16)]
        if timing.high_ratio_q16:
            found.append((every << 16) // timing.high_ratio_q16 + 1)
        below = np.unique(np.concatenate(found))
        yield from reversed(below[below < level].tolist())

    def alarms(self, level: int) -> list[tuple[int, int]]:
        """(piece, tick) of the alarms at a level."""
        return [at for at, _ in self._alarms_from(level)]

    def _alarms_from(self, level: int) -> Iterator[tuple[tuple[int, int], int]]:
        """(piece, tick) of each alarm at a level, and the ticks that it lasts."""
        of = levels(level, self._timing)
        lowest = min(level, of.high_score) if of.high_score else level
        for i, scores in enumerate(self._scores):
            if self._highest[i] < lowest:
                continue
            run = self._frozen(i, of) if self._follower.is_on else _alarms_of(scores, of, self._timing)
            for first, stop in run:
                yield (i, first), stop - first

    def _frozen(self, index: int, of: LevelPlan) -> Iterator[tuple[int, int]]:
        """(raised, cleared) of each alarm where an alarm freezes the follower: tick by tick from the first one on."""
        first, _ = next(_alarms_of(self._scores[index], of, self._timing), (None, None))
        if first is None:
            return
        scores = self._pieces[index].scores.tolist()
        alert, baseline = Alert(self._timing, of, 0), Baseline(self._follower)
        alert.state, baseline.level_q16 = State.UNACK_ALARM, self._followed(index)[first]
        baseline.follow(scores[first], alarm=True)
        for tick in range(first + 1, len(scores)):
            events = alert.step(baseline.above(scores[tick]), tick)
            in_alarm = alert.state == State.UNACK_ALARM
            baseline.follow(scores[tick], alarm=in_alarm)
            if events and in_alarm:
                first = tick
            elif events and first is not None:
                yield first, tick
                first = None
        if first is not None:
            yield first, len(scores)

    def _followed(self, index: int) -> list[int]:
        """Level of the follower before each tick of a piece without an alarm, q16."""
        if index not in self._trajectories:
            baseline, found = Baseline(self._follower), list[int]()
            for raw in self._pieces[index].scores.tolist():
                found.append(baseline.level_q16)
                baseline.follow(raw, alarm=False)
            self._trajectories[index] = found
        return self._trajectories[index]

    def moment(self, at: tuple[int, int]) -> Moment:
        """Which recording, and when."""
        piece = self._pieces[at[0]]
        return Moment(piece.recording, piece.start_s + at[1] * self._tick_s)


def _follower(start: int, spec: PipelineSpec, *, hold: bool) -> BaselinePlan:
    seconds, hold_s = spec.score.baseline_s, spec.score.baseline_hold_s if hold else 0.0
    assert seconds != "chosen"
    return baseline_plan(start, baseline_s=seconds, hold_s=hold_s, tick_s=spec.tick_s)


def _above(raw: Sequence[Scores], follower: BaselinePlan) -> list[Ints]:
    """Scores above their follower, of recordings without an alarm."""
    whole = [each.astype(np.int64) for each in raw]
    return [Baseline(follower).run(each) for each in whole] if follower.is_on else whole


def _held(scores: Ints, m: int, n: int, delay: int) -> Ints:
    """For each tick the highest level at which m of the last n ticks were, for ``delay`` ticks before it and in it."""
    padded = np.concatenate([np.zeros(n - 1, np.int64), scores])
    ranked = np.sort(np.lib.stride_tricks.sliding_window_view(padded, n), axis=1)[:, n - m]
    if delay >= len(ranked):
        return np.zeros(0, np.int64)
    held = np.lib.stride_tricks.sliding_window_view(ranked, delay + 1).min(axis=1)
    return np.concatenate([np.zeros(delay, np.int64), held])


def _alarms_of(scores: Ints, of: LevelPlan, timing: TimingPlan) -> Iterator[tuple[int, int]]:
    """(raised, cleared) of each alarm of a piece, as `anomsdk.core.alert.Alert` has them, without a loop over ticks."""
    start, free = 0, 0  # from where votes count; from where the cooldown is over
    while start < len(scores):
        rest = scores[start:]
        votes = np.convolve(rest >= of.raise_score, np.ones(timing.n, np.int64))[: len(rest)] >= timing.m
        raised = (_in_a_row(votes) > timing.on_delay) & (np.arange(start, len(scores)) >= free)
        if of.high_score:
            raised |= rest >= of.high_score
        if not raised.any():
            return
        first = start + int(raised.argmax())
        quiet = _in_a_row(scores[first + 1 :] < of.clear_score) > timing.off_delay
        if not quiet.any():
            yield first, len(scores)
            return
        stop = first + 1 + int(quiet.argmax())
        yield first, stop
        start, free = stop + 1, stop + 1 + timing.cooldown


def _in_a_row(is_so: NDArray[np.bool_]) -> Ints:
    """How many entries in a row are true, up to and with each."""
    index = np.arange(1, len(is_so) + 1)
    return index - np.maximum.accumulate(np.where(is_so, 0, index))
