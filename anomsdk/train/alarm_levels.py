"""From scores of normal recordings to where the alarm lies, and what set it there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anomsdk.core.checks import require
from anomsdk.planner.calibration import AlarmLevels, Tolerated, alarm_levels, alert_without_level
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.alarm_simulation import Herd, Moment, ScoredPiece, Scores, above, baseline_start_of, follower
from anomsdk.utils.text import counted, in_hours, rate

CONFIDENCE = 0.95
MOST_TOLERATED = 1000
_DECIDES = 0.8
"""One recording decides where the level without it would be this part of it, or less."""
ONE_WEARER = (
    "levels that single people of SisFall set in 15 to 25 minutes gave the others 0 to 17 false alarms an hour, 2.5 in "
    "the median (make bench-motion)"
)
_SHOWN = 5
"""Tolerated alarms that are named."""


@dataclass(frozen=True)
class PlacedLevel:
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


# FeatureLevels


def alarm_levels_from(raw: Sequence[Scores], spec: PipelineSpec) -> tuple[int, AlarmLevels]:
    """Where the follower of the score starts, and the alarm-level table above it; the spec says how it follows.

    Parameters
    ----------
    raw : (ticks,) each, of normal recordings, before the follower, each from a fresh pipeline
    """
    start = baseline_start_of(raw)
    return start, alarm_levels(above(raw, follower(start, spec, hold=False)))


def place_alarm_level(pieces: Sequence[ScoredPiece], spec: PipelineSpec, tolerate: int = 0) -> PlacedLevel:
    """The lowest raise level that raises at most so many alarms on normal recordings, and so does every level above it.

    Without any, the level is that of the table of `alarm_levels_from`. Alarms are counted as the life cycle raises them:
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
    whole = Herd(pieces, spec)
    level, tolerated, set_by = whole.lowest(tolerate)
    without = None
    others = [] if set_by is None else [piece for piece in pieces if piece.recording != set_by.recording]
    if others:
        without = Herd(others, spec, start=whole.start).lowest(tolerate)[0]
    ticks = sum(len(piece.scores) for piece in pieces)
    names, groups = {piece.recording for piece in pieces}, {piece.group for piece in pieces}
    return PlacedLevel(level, tolerated, set_by, without, ticks * spec.tick_s / 3600, len(names), len(groups))


def tolerated_of(found: PlacedLevel, spec: PipelineSpec, asked: int) -> Tolerated | None:
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


def alarms_at(pieces: Sequence[ScoredPiece], spec: PipelineSpec, level: int) -> list[Moment]:
    """Alarms of normal recordings at a raise level, as the life cycle raises them."""
    herd = Herd(pieces, spec)
    return [herd.moment(at) for at in herd.alarms(level)]
