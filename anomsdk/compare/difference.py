"""`diff`: run two plans over the same recordings, and compare their alarms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.compare.pairing import Place, read_corpora, refuse_other_sensor
from anomsdk.compare.recordings import ComparedRecording, compare, counts_of
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.evaluate.clip_scores import samples_to_decide
from anomsdk.evaluate.clip_sets import Known, LeftOut
from anomsdk.plans.recording_digests import known_recordings
from anomsdk.runtime.judged_share import Judged
from anomsdk.runtime.memory import wiping
from anomsdk.runtime.parallel import checked_jobs
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.sources.clips import Clips
from anomsdk.sources.stream_format import ReadOptions
from anomsdk.stats.intervals import Figure, poisson_rate
from anomsdk.stats.paired import mcnemar, rate_change, share_change, share_found
from anomsdk.utils.text import duration

_TOTAL, _SURVEY = 1000, 50  # units of progress of the whole work, and those of the first pass, which only reads


@dataclass(frozen=True)
class Detection:
    """Sensitivity of both plans: a plan finds an anomalous recording when it raises an alarm in it.

    Parameters
    ----------
    old, new : share of the recordings that the old and the new plan found
    change : share of the new plan minus that of the old one
    n_old, n_new : number of recordings that the old and the new plan found
    gained, missed : number of recordings that only the new plan found, and that only the old plan found
    p_value : p-value of McNemar's exact test, which takes recordings as independent
    n, n_short_old, n_short_new : number of recordings, and of those in which the old and the new plan can raise no
        alarm, because they are too short
    judged : the same figures on the recordings that are long enough for both plans; None: all or none of them are
    """

    old: Figure
    new: Figure
    change: Figure
    n_old: int
    n_new: int
    gained: int
    missed: int
    p_value: float
    n: int
    n_short_old: int
    n_short_new: int
    judged: Detection | None


@dataclass(frozen=True)
class Rates:
    """False alarms of both plans on a set of normal recordings.

    Parameters
    ----------
    n : number of recordings
    hours : hours that the old and the new plan judged
    alarms : "old", "new", "same", "added", "lost" and "moved" -> number of alarms
    old, new : false alarms an hour, with the exact Poisson interval
    change : rate of the new plan minus that of the old one, as `Difference.rate_change`
    """

    n: int
    hours: tuple[float, float]
    alarms: Mapping[str, int]
    old: Figure
    new: Figure
    change: Figure


@dataclass(frozen=True, eq=False)
class Difference:
    """Result of `diff`: alarms of both plans, figures, and what limits them.

    Parameters
    ----------
    old, new : plans that were compared
    engine, seed : as given to `diff`
    match_s : most seconds between both times of a moved alarm
    normal, anomalous : recordings with a tick of at least one plan
    left_out_normal, left_out_anomalous : recordings that were left out
    old_rate, new_rate : false alarms an hour on normal recordings, with the exact Poisson interval
    rate_change : rate of the new plan minus that of the old one, with an interval that is paired by recording and
        resampled over groups
    detection : sensitivity of both plans; None without anomalous recordings
    cut_s : seconds of digitally constant samples that were cut out
    known_normal, known_anomalous : recordings that the old and the new plan were made from
    unknown : figures of the normal recordings that neither plan was made from; None: the plans were made from none of
        them, or no others are left
    judged_old, judged_new : share of the time of normal recordings that the old and the new plan judged
    """

    old: Plan
    new: Plan
    engine: str
    seed: int
    match_s: float
    normal: tuple[ComparedRecording, ...]
    anomalous: tuple[ComparedRecording, ...]
    left_out_normal: LeftOut
    left_out_anomalous: LeftOut
    old_rate: Figure
    new_rate: Figure
    rate_change: Figure
    detection: Detection | None
    cut_s: float
    known_normal: tuple[Known, Known]
    known_anomalous: tuple[Known, Known]
    unknown: Rates | None
    judged_old: Judged
    judged_new: Judged

    @property
    def recordings(self) -> tuple[ComparedRecording, ...]:
        """Normal recordings, then anomalous ones."""
        return self.normal + self.anomalous

    @property
    def n_added(self) -> int:
        """Number of alarms that only the new plan raised."""
        return counts_of(self.recordings)["added"]

    @property
    def n_lost(self) -> int:
        """Number of alarms that only the old plan raised."""
        return counts_of(self.recordings)["lost"]

    @property
    def n_moved(self) -> int:
        """Number of alarms that both plans raised, at different times."""
        return counts_of(self.recordings)["moved"]

    @property
    def same_plan(self) -> bool:
        """True where both ids are equal, so that nothing can differ on any recording."""
        return self.old.id == self.new.id

    @property
    def hours(self) -> tuple[float, float]:
        """Hours of normal recordings that the old and the new plan judged."""
        return sum(each.old_s for each in self.normal) / 3600, sum(each.new_s for each in self.normal) / 3600


@wiping()
def diff(
    old: Plan,
    new: Plan,
    corpus: Place,
    anomalous: Place | None = None,
    *,
    match_s: float | None = None,
    reading: ReadOptions | None = None,
    group: str | None = None,
    engine: str | None = None,
    seed: int = 0,
    skip_bad: bool = False,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Difference:
    """Run two plans over the same recordings, and compare their alarms.

    Every stretch of a recording between gaps runs through a fresh pipeline of each plan, as in `anomsdk.evaluate`.
    Sound is resampled to the rate of each plan; for every other sensor both plans must have the same rate.

    Parameters
    ----------
    old, new : plans of one sensor
    corpus : normal recordings: a path for `anomsdk.sources.clips.open_clips`, or clips that fit both plans
    anomalous : anomalous recordings: a path or clips; None: there are none
    match_s : most seconds between two alarms that count as one alarm that moved, >= 0; by default the longer of both
        plans' times to decide (a full context, m votes, the on-delay)
    reading, group : as `anomsdk.sources.clips.open_clips`, for paths
    engine : as `anomsdk.Pipeline`
    seed : seed of the intervals, 0 or more
    skip_bad : leave damaged recordings out; by default they are an error
    jobs : number of recordings at once, one thread each; by default one for each available processor
    progress : called with the work done and the whole work, in thousandths

    Returns
    -------
    Difference

    Raises
    ------
    InputError : plans of different sensors, recordings that do not fit, are damaged or too short, the same recording on
        both sides, a parameter out of range, or an engine that is not available

    Examples
    --------
    >>> old, new = anomsdk.read_plan("released.json"), anomsdk.read_plan("plan.json")  # doctest: +SKIP
    >>> diff(old, new, "normal/", "odd/").n_lost  # doctest: +SKIP
    """
    refuse_other_sensor(old, new)
    with Pipeline(old, engine) as pipeline, Pipeline(new, engine):  # what is missing shows before hours of work
        engine = pipeline.engine
    if seed < 0:
        raise InputError(f"`seed={seed}`: give 0 or more")
    within = max(samples_to_decide(plan) / plan.rate_hz for plan in (old, new)) if match_s is None else match_s
    if not 0 <= within < math.inf:
        raise InputError(f"`match_s={within:g}`: give seconds, 0 or more")
    at_once = checked_jobs(jobs)
    rest, odd = read_corpora(
        old,
        new,
        [("normal", corpus), ("anomalous", Clips(()) if anomalous is None else anomalous)],
        reading=reading,
        group=group,
        skip_bad=skip_bad,
        progress=lambda done, n: progress(_SURVEY * done // max(1, n), _TOTAL),
    )
    found = compare(
        old,
        new,
        [*rest.pairs, *odd.pairs],
        within_s=within,
        engine=engine,
        jobs=at_once,
        progress=lambda n: progress(_SURVEY + (_TOTAL - _SURVEY) * n // max(n, rest.kept + odd.kept, 1), _TOTAL),
    )
    listed = [known_recordings(plan.provenance) for plan in (old, new)]
    known = [tuple(map(Known.of, corpus.sides, listed)) for corpus in (rest, odd)]
    split = len(rest.pairs)
    normal = _heard(old, new, "normal", found[:split])
    others = () if anomalous is None else _heard(old, new, "anomalous", found[split:])
    same = old.id == new.id
    of_all = _rates(normal, seed, same=same)
    made = known[0][0].names | known[0][1].names
    others_left = [each for each in normal if each.name not in made]
    return Difference(
        old=old,
        new=new,
        engine=engine,
        seed=seed,
        match_s=within,
        normal=normal,
        anomalous=others,
        left_out_normal=rest.left_out((old, new), found[:split]),
        left_out_anomalous=odd.left_out((old, new), found[split:]),
        old_rate=of_all.old,
        new_rate=of_all.new,
        rate_change=of_all.change,
        detection=_detection(others, seed, same=same) if others else None,
        cut_s=sum(corpus.sides[0].cut for corpus in (rest, odd)) / old.rate_hz,
        known_normal=(known[0][0], known[0][1]),
        known_anomalous=(known[1][0], known[1][1]),
        unknown=_rates(others_left, seed, same=same) if made and others_left else None,
        judged_old=rest.judged(0, old, [0 if each is None else each.old_ticks for each in found[:split]]),
        judged_new=rest.judged(1, new, [0 if each is None else each.new_ticks for each in found[:split]]),
    )


def _heard(old: Plan, new: Plan, what: str, found: Sequence[ComparedRecording | None]) -> tuple[ComparedRecording, ...]:
    """Select recordings with a tick of a plan; each plan must have one in some recording."""
    heard = tuple(each for each in found if each is not None)
    for which, plan, seconds in (
        ("old", old, [each.old_s for each in heard]),
        ("new", new, [each.new_s for each in heard]),
    ):
        if not any(seconds):
            needed = duration(plan.samples_to_first_tick / plan.rate_hz)
            void = "" if plan.health is None else ", or in all of them a technical condition makes each tick void"
            raise InputError(
                f"{what} recordings: none is long enough for the {which} plan, which takes {needed}{void}; give longer "
                f"ones{' of a sound sensor' if void else ''}"
            )
    return heard


def _rates(normal: Sequence[ComparedRecording], seed: int, *, same: bool) -> Rates:
    """Compute the false alarms an hour of both plans and the change, which is 0 for the ``same`` plan."""
    counts = counts_of(normal)
    old, new = np.array([(each.n_old, each.n_new) for each in normal]).T
    old_h, new_h = np.array([(each.old_s, each.new_s) for each in normal]).T / 3600
    groups, changed = [each.group for each in normal], (counts["added"], counts["lost"])
    hours = float(old_h.sum()), float(new_h.sum())
    return Rates(
        n=len(normal),
        hours=hours,
        alarms=counts,
        old=poisson_rate(counts["old"], hours[0]),
        new=poisson_rate(counts["new"], hours[1]),
        change=Figure(0.0, 0.0, 0.0) if same else rate_change(groups, old, new, (old_h, new_h), changed, seed),
    )


def _detection(anomalous: Sequence[ComparedRecording], seed: int, *, same: bool) -> Detection:
    groups = [each.group for each in anomalous]
    judged = [each for each in anomalous if not each.old_short and not each.new_short]
    old, new = np.array([(each.n_old > 0, each.n_new > 0) for each in anomalous]).T
    gained, missed = int((new & ~old).sum()), int((old & ~new).sum())
    return Detection(
        old=share_found(groups, old, seed),
        new=share_found(groups, new, seed),
        change=Figure(0.0, 0.0, 0.0) if same else share_change(groups, old, new, seed),
        n_old=int(old.sum()),
        n_new=int(new.sum()),
        gained=gained,
        missed=missed,
        p_value=mcnemar(gained, missed),
        n=len(anomalous),
        n_short_old=sum(each.old_short for each in anomalous),
        n_short_new=sum(each.new_short for each in anomalous),
        judged=_detection(judged, seed, same=same) if 0 < len(judged) < len(anomalous) else None,
    )
