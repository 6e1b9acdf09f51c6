"""Alarm level from the scores of normal recordings, and the recording that sets it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anomsdk.core.checks import require
from anomsdk.planner.calibration import AlarmLevels, Tolerated, alarm_levels, alert_without_level
from anomsdk.planner.spec import PipelineSpec
from anomsdk.stats.intervals import poisson_upper
from anomsdk.train.alarm_simulation import (
    Moment,
    NormalRecordings,
    ScoredPiece,
    Scores,
    above,
    baseline_from,
    baseline_start_of,
)
from anomsdk.utils.text import counted, in_hours, rate

MOST_TOLERATED = 1000
"""Most alarms that an alarm level may tolerate."""
_DECIDES = 0.8
"""One recording is said to decide where the level without it would be at most this share of the level."""
ONE_WEARER = (
    "levels that single people of SisFall set in 15 to 25 minutes gave the others 0 to 17 false alarms an hour, 2.5 in "
    "the median (make bench-motion)"
)
_SHOWN = 5
"""Most tolerated alarms that are named in a line."""


@dataclass(frozen=True)
class PlacedLevel:
    """Alarm level, and what sets it.

    Parameters
    ----------
    raise_score : the alarm level
    tolerated : alarms that it raises on the normal recordings
    set_by : next alarm that a lower level would raise; None: a lower level would raise an alarm that hardly ever clears
    without : alarm level without the recording of ``set_by``; None: there is no other recording
    hours : hours of normal recordings, as long as their ticks take
    recordings : number of recordings with a tick
    groups : number of groups of these recordings
    """

    raise_score: int
    tolerated: tuple[Moment, ...]
    set_by: Moment | None
    without: int | None
    hours: float
    recordings: int
    groups: int

    def lines(self, asked: int, kind: str, used: int) -> Iterator[str]:
        """Yield lines that tell the user what the level is and what it rests on.

        Parameters
        ----------
        asked : number of alarms that may be tolerated
        kind : kind of the sensor: "audio", "motion", "external" or "diary"
        used : alarm level of the plan; it is another one where the spec sets ``alert.raise_score`` to a number
        """
        if used != self.raise_score:
            yield f"the alarm level is {used:,}, as alert.raise_score says; the recordings would have set another one:"
        n, heard = len(self.tolerated), f"{in_hours(self.hours)} of {counted(self.recordings, 'calibration recording')}"
        alarms = "no alarm" if n == 0 else counted(n, "alarm")
        yield (
            f"{alarms} in {heard} at an alarm level of {self.raise_score:,}: with 95 % confidence at most "
            f"{at_most(n, self.hours)}"
        )
        if asked:
            named = ", ".join(map(str, self.tolerated[:_SHOWN])) + (f" and {n - _SHOWN} more" if n > _SHOWN else "")
            yield f"tolerated: {named or 'none'}" + (
                "" if n == asked else f"; {asked} were allowed, but no lower level keeps to {asked}"
            )
        if self.set_by is not None:
            yield f"set by {self.set_by}, which would raise an alarm at a lower level{self._alone()}"
        if self.groups == 1:
            yield one_group(self.recordings, kind)

    def _alone(self) -> str:
        assert self.set_by is not None
        if self.without is None:
            return "; there is no other recording"
        ratio = self.without / self.raise_score
        words = f"; without this recording the level would be {self.without:,}, {ratio:.2g} of it"
        return words + (": one recording decides; look at what happened there" if ratio <= _DECIDES else "")


def at_most(alarms: int, hours: float) -> str:
    """Write the upper bound of a rate of alarms, in a unit of time that suits it.

    The bound is one-sided, exact and at 95 % (`anomsdk.stats.intervals.poisson_upper`).

    Parameters
    ----------
    alarms : number of alarms, >= 0
    hours : length of the recordings, above 0

    Examples
    --------
    >>> at_most(0, 0.029), at_most(2, 24), at_most(0, 240)
    ('103 alarms an hour', '6.3 alarms a day', '2.1 alarms a week')
    """
    return rate(poisson_upper(alarms, hours), "alarm")


def one_group(recordings: int, kind: str) -> str:
    """Say that recordings of one wearer, animal or day set the level, and what that means for others."""
    whose = {
        "motion": "wearer (or animal)",
        "audio": "place or day",
        "external": "source",
        "diary": "animal or person",
    }[kind]
    given = f"all {recordings} recordings are of one group" if recordings > 1 else "one recording is all there is"
    fact = ""
    if kind == "motion":
        fact = f": {ONE_WEARER}"
    return f"{given}: the level is that of one {whose}{fact}; calibrate on several before you use it on others"


# Alarm levels


def alarm_levels_from(raw: Sequence[Scores], spec: PipelineSpec) -> tuple[int, AlarmLevels]:
    """Compute the start of the baseline, and the table of alarm levels above it.

    Parameters
    ----------
    raw : scores (ticks,) of each piece of normal recordings, from a fresh pipeline, before the baseline is subtracted
    spec : settings of the baseline
    """
    start = baseline_start_of(raw)
    return start, alarm_levels(above(raw, baseline_from(start, spec)))


def place_alarm_level(pieces: Sequence[ScoredPiece], spec: PipelineSpec, tolerate: int = 0) -> PlacedLevel:
    """Place the alarm level: the lowest one at and above which normal recordings raise at most ``tolerate`` alarms.

    Where no alarm is tolerated, the level is that of the table of `alarm_levels_from`. Alarms are counted as the alert
    raises them, with votes, delays, cooldown, and the baseline of the score. No alarm level changes the scores: the
    reference rung, whose alarm freezes the baseline, raises no alarm on these recordings.

    Parameters
    ----------
    pieces : scored pieces of normal recordings, one or more
    spec : settings of alert and score; its ``alert.raise_score`` is not used
    tolerate : number of alarms, 0 to `MOST_TOLERATED`

    Raises
    ------
    InputError : ``tolerate`` out of range
    """
    require(0 <= tolerate <= MOST_TOLERATED, f"`tolerate={tolerate}`: give 0 to {MOST_TOLERATED} alarms")
    whole = NormalRecordings(pieces, spec)
    level, tolerated, set_by = whole.lowest(tolerate)
    without = None
    others = [] if set_by is None else [piece for piece in pieces if piece.recording != set_by.recording]
    if others:
        without = NormalRecordings(others, spec, start=whole.start).lowest(tolerate)[0]
    ticks = sum(len(piece.scores) for piece in pieces)
    names, groups = {piece.recording for piece in pieces}, {piece.group for piece in pieces}
    return PlacedLevel(level, tolerated, set_by, without, ticks * spec.tick_s / 3600, len(names), len(groups))


def tolerated_of(found: PlacedLevel, spec: PipelineSpec, asked: int) -> Tolerated | None:
    """Return the entry of a calibration for a level that tolerates alarms; None where none are tolerated."""
    if asked == 0:
        return None
    return Tolerated(alarms=asked, raise_score=found.raise_score, alert=alert_without_level(spec))


def first_tick_s(spec: PipelineSpec, start: int) -> float:
    """Compute the end of the first tick of a piece, in seconds from the start of its recording.

    Parameters
    ----------
    spec : settings of windows, hops and context
    start : number of samples of the recording before the piece
    """
    hops = spec.context.frames * spec.hops_per_frame - 1
    return (start + spec.window_length + hops * spec.hop_length) / spec.sensor.rate_hz


def alarms_at(pieces: Sequence[ScoredPiece], spec: PipelineSpec, level: int) -> list[Moment]:
    """List the alarms that normal recordings raise at an alarm level."""
    herd = NormalRecordings(pieces, spec)
    return [herd.moment(at) for at in herd.alarms(level)]
