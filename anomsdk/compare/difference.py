"""`diff`: two plans over the same recordings, and how their alarms differ."""

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

_TOTAL, _SURVEY = 1000, 50  # units of progress, and how many of them reading alone is worth


@dataclass(frozen=True)
class Detection:
    """What became of the anomalous recordings: one is found when an alarm is raised in it.

    Parameters
    ----------
    old, new : share found by either plan
    change : new less old
    n_old, n_new : recordings found by either plan
    gained, missed : recordings found by the new plan only, and by the old one only
    p_value : of McNemar's exact test, which takes recordings as independent
    n, n_short_old, n_short_new : recordings, and those too short for either plan to raise an alarm in
    judged : the same of recordings that are long enough for both; None: that is all or none of them
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
    """False alarms of both plans on some normal recordings.

    Parameters
    ----------
    n : recordings
    hours : heard of them by the old and by the new plan
    alarms : "old", "new", "same", "added", "lost" and "moved" -> how many
    old, new : false alarms an hour, with the exact Poisson interval
    change : new less old, as `Difference.rate_change`
    """

    n: int
    hours: tuple[float, float]
    alarms: Mapping[str, int]
    old: Figure
    new: Figure
    change: Figure


@dataclass(frozen=True, eq=False)
class Difference:
    """What `diff` found.

    Parameters
    ----------
    old, new : plans
    engine, seed : as given
    match_s : how far apart the two times of a moved alarm may be
    normal, anomalous : recordings that at least one plan gave a tick on
    left_out_normal, left_out_anomalous : recordings that tell nothing
    old_rate, new_rate : false alarms an hour: alarms raised on normal recordings, with the exact Poisson interval
    rate_change : new less old, with an interval that is paired by recording and drawn over groups
    detection : None without anomalous recordings
    cut_s : seconds of digitally constant audio cut out
    known_normal, known_anomalous : recordings that the old and the new plan were made from
    unknown : figures of the normal recordings that neither was made from; None: there are no others, or nothing is left
    judged_old, judged_new : the share of the time of normal recordings that either plan judged
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
        """Normal and anomalous ones."""
        return self.normal + self.anomalous

    @property
    def n_added(self) -> int:
        """Alarms of the new plan only."""
        return counts_of(self.recordings)["added"]

    @property
    def n_lost(self) -> int:
        """Alarms of the old plan only."""
        return counts_of(self.recordings)["lost"]

    @property
    def n_moved(self) -> int:
        """Alarms that both raised, at different times."""
        return counts_of(self.recordings)["moved"]

    @property
    def same_plan(self) -> bool:
        """Equal ids: nothing can differ, on any recording."""
        return self.old.id == self.new.id

    @property
    def hours(self) -> tuple[float, float]:
        """Normal hours heard by the old and by the new plan."""
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
    """Run two plans over the same recordings, and say how their alarms differ.

    Every piece of a recording runs through a fresh pipeline of either plan, as in `anomsdk.evaluate`. Sound is heard
    by each plan at its own rate; every other sensor must have one rate.

    Parameters
    ----------
    old, new : plans of one sensor
    corpus : normal recordings: a path as `anomsdk.sources.clips.open_clips` takes it, or clips that fit both plans
    anomalous : recordings with something to find, in the same way
    match_s : how far apart in seconds two alarms may be and count as one that moved, >= 0; by default the longer of
        the two plans' times to decide (a full context, m votes, the on-delay)
    reading, group : of paths, as `anomsdk.sources.clips.open_clips`
    engine : as `anomsdk.Pipeline`
    seed : of the intervals, 0 or more
    skip_bad : leave damaged recordings out; by default the first is an error
    jobs : recordings at once, by threads; by default one for each processor that this process may use
    progress : called with what is done, and the whole, in units of its own

    Returns
    -------
    Difference

    Raises
    ------
    InputError : plans of different sensors, recordings that do not fit, are damaged or too short, the same recording
        in both corpora, an engine that is not available

    Examples
    --------
    >>> old, new = anomsdk.read_plan("released.json"), anomsdk.read_plan("plan.json")  # doctest: +SKIP
    >>> diff(old, new, "normal/", "odd/").n_lost  # doctest: +SKIP
    """
    refuse_other_sensor(old, new)
    with Pipeline(old, engine) as pipeline, Pipeline(new, engine):  # what is missing shows before hours of work
        engine = pipeline.engine
    if seed < 0:
        raise InputError(f"seed is {seed}; give 0 or more")
    within = max(samples_to_decide(plan) / plan.rate_hz for plan in (old, new)) if match_s is None else match_s
    if not 0 <= within < math.inf:
        raise InputError(f"--match {within:g}: give seconds, 0 or more")
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
        left_out_normal=rest.left_out(found[:split]),
        left_out_anomalous=odd.left_out(found[split:]),
        old_rate=of_all.old,
        new_rate=of_all.new,
        rate_change=of_all.change,
        detection=_detection(others, seed, same=same) if others else None,
        cut_s=sum(corpus.sides[0].cut for corpus in (rest, odd)) / old.rate_hz,
        known_normal=(known[0][0], known[0][1]),
        known_anomalous=(known[1][0], known[1][1]),
        unknown=_rates(others_left, seed, same=same) if made and others_left else None,
        judged_old=rest.judged(0, old, [0.0 if each is None else each.old_s for each in found[:split]]),
        judged_new=rest.judged(1, new, [0.0 if each is None else each.new_s for each in found[:split]]),
    )


def _heard(old: Plan, new: Plan, what: str, found: Sequence[ComparedRecording | None]) -> tuple[ComparedRecording, ...]:
    """Recordings that a plan gave a tick on; either plan must have done so somewhere."""
    heard = tuple(each for each in found if each is not None)
    for which, plan, seconds in (
        ("old", old, [each.old_s for each in heard]),
        ("new", new, [each.new_s for each in heard]),
    ):
        if not any(seconds):
            needed = duration(plan.samples_to_first_tick / plan.rate_hz)
            raise InputError(
                f"{what} recordings: none is long enough for the {which} plan, which takes {needed}; give longer ones"
            )
    return heard


def _rates(normal: Sequence[ComparedRecording], seed: int, *, same: bool) -> Rates:
    """False alarms an hour of either plan, and the change, which is none for the ``same`` plan."""
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
