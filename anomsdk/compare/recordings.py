"""Alarms of two plans on each recording, several recordings at once; no samples and no scores are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.compare.matching import AlarmChanges, match_alarms
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.evaluate.clip_scores import ScoredClip, samples_to_raise, score_clip, spaced
from anomsdk.runtime.parallel import in_order
from anomsdk.sources.clips import Clip


@dataclass(frozen=True)
class ComparedRecording:
    """Alarms of two plans on one recording.

    Times are seconds of the samples that were processed; digitally constant stretches that were cut out do not count.

    Parameters
    ----------
    name, group : name and group of the recording
    old_s, new_s : seconds that the old and the new plan judged, as long as their ticks take; 0: no stretch was long
        enough for a tick, or all ticks were void
    alarms : alarms of both plans, matched; the times at which they clear are not compared
    same_scores : True where all ticks of both plans end at the same times with the same scores
    old_short, new_short : True where the recording is too short for the old and the new plan to raise an alarm
    old_ticks, new_ticks : number of ticks that the old and the new plan judged
    """

    name: str
    group: str
    old_s: float
    new_s: float
    alarms: AlarmChanges
    same_scores: bool
    old_short: bool = False
    new_short: bool = False
    old_ticks: int = 0
    new_ticks: int = 0

    @property
    def n_old(self) -> int:
        """Number of alarms of the old plan."""
        return len(self.alarms.same) + len(self.alarms.moved) + len(self.alarms.lost)

    @property
    def n_new(self) -> int:
        """Number of alarms of the new plan."""
        return len(self.alarms.same) + len(self.alarms.moved) + len(self.alarms.added)


def counts_of(recordings: Sequence[ComparedRecording]) -> dict[str, int]:
    """Count the alarms of recordings: "old", "new", "same", "added", "lost" and "moved"."""
    counts = {"old": sum(each.n_old for each in recordings), "new": sum(each.n_new for each in recordings)}
    for what in ("same", "added", "lost", "moved"):
        counts[what] = sum(len(getattr(each.alarms, what)) for each in recordings)
    return counts


def compare(
    old: Plan,
    new: Plan,
    pairs: Iterable[tuple[Clip, Clip]],
    *,
    within_s: float,
    engine: str,
    jobs: int,
    progress: Callable[[int], None],
) -> list[ComparedRecording | None]:
    """Run both plans over each recording, from fresh pipelines.

    Parameters
    ----------
    old, new : plans; where their ids are equal, one run serves both
    pairs : each recording, opened for the old and for the new plan
    within_s : as `anomsdk.compare.matching.match_alarms`
    engine : as `anomsdk.Pipeline`
    jobs : number of recordings at once
    progress : called, in this thread, with the number of samples that both plans have processed

    Returns
    -------
    one result for each pair; None: too short for a tick of either plan, or all ticks are void

    Raises
    ------
    InputError : as `anomsdk.sources.clips.Clip.blocks`
    """
    lock, heard, same = threading.Lock(), 0, old.id == new.id
    raise_s = samples_to_raise(old) / old.rate_hz, samples_to_raise(new) / new.rate_hz

    def work(number: int, pair: tuple[Clip, Clip], stopped: Callable[[], bool]) -> ComparedRecording | None:
        def count(samples: int) -> None:
            nonlocal heard
            if stopped():
                raise InputError("the comparison was stopped; start it again")
            with lock:
                heard += samples * (1 + same)

        first, *second = (
            score_clip(plan, spaced(plan, clip), clip.name, clip.group, engine=engine, heard=count)
            for plan, clip in zip((old,) if same else (old, new), pair, strict=False)
        )
        return _compared(pair[0], first, second[0] if second else first, within_s, raise_s)

    return list(in_order(work, pairs, jobs, meanwhile=lambda: progress(heard)))


def _compared(
    clip: Clip, old: ScoredClip | None, new: ScoredClip | None, within_s: float, raise_s: tuple[float, float]
) -> ComparedRecording | None:
    if old is None and new is None:
        return None
    raised_old, raised_new = (() if each is None else each.raised_s for each in (old, new))
    return ComparedRecording(
        name=clip.name,
        group=clip.group,
        old_s=0.0 if old is None else old.seconds,
        new_s=0.0 if new is None else new.seconds,
        alarms=match_alarms(raised_old, raised_new, within_s),
        same_scores=old is not None
        and new is not None
        and np.array_equal(old.scores, new.scores)
        and np.array_equal(old.times_s, new.times_s),
        old_short=old is None or old.too_short_for(raise_s[0]),
        new_short=new is None or new.too_short_for(raise_s[1]),
        old_ticks=0 if old is None else len(old.scores),
        new_ticks=0 if new is None else len(new.scores),
    )
