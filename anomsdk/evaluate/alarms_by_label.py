"""Alarms by label: how often recordings of each label raise an alarm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.evaluate.clip_scores import ScoredClip
from anomsdk.stats.intervals import Figure, poisson_rate, share


@dataclass(frozen=True)
class LabelAlarms:
    """Alarms on the recordings of one label, normal or anomalous.

    Parameters
    ----------
    label : content of the recordings, e.g. an activity
    n_recordings : number of recordings with a tick
    hours : hours that were judged, as long as the ticks take
    n_raised : number of recordings that raised an alarm
    n_too_short : number of recordings in which no alarm can be raised (`ScoredClip.too_short_for`)
    raised : share of the recordings that raised an alarm, with the exact interval (`anomsdk.stats.intervals.share`)
    n_alarms : number of alarms on the recordings
    alarms_per_hour : rate of alarms, with the exact Poisson interval
    peak_over_raise : median of the highest scores of the clips that are compared, over the alarm level; these clips are
        segments where recordings are cut. None where there are no such clips
    """

    label: str
    n_recordings: int
    hours: float
    n_raised: int
    n_too_short: int
    raised: Figure
    n_alarms: int
    alarms_per_hour: Figure
    peak_over_raise: float | None


def alarms_of_labels(
    recordings: Sequence[ScoredClip], compared: Sequence[ScoredClip], raise_score: int, raise_s: float = 0.0
) -> tuple[LabelAlarms, ...]:
    """Compute one row for each label, the largest share with an alarm first.

    Parameters
    ----------
    recordings : whole recordings; those without a label are passed over
    compared : the same recordings, or segments of them
    raise_score : alarm level of the plan
    raise_s : seconds that a fresh pipeline needs before it can raise an alarm

    Returns
    -------
    rows by falling share of recordings with an alarm, then by falling score, then by label
    """
    pieces = _by_label(compared)
    rows = [
        _row(label, clips, pieces.get(label, []), raise_score, raise_s)
        for label, clips in _by_label(recordings).items()
    ]
    return tuple(sorted(rows, key=lambda row: (-(row.raised.value or 0), -(row.peak_over_raise or 0), row.label)))


def _by_label(clips: Iterable[ScoredClip]) -> dict[str, list[ScoredClip]]:
    found = defaultdict[str, list[ScoredClip]](list)
    for clip in clips:
        if clip.label is not None:
            found[clip.label].append(clip)
    return found


def _row(
    label: str, clips: list[ScoredClip], pieces: list[ScoredClip], raise_score: int, raise_s: float
) -> LabelAlarms:
    hours = sum(clip.seconds for clip in clips) / 3600
    n_raised = sum(bool(clip.raised_s) for clip in clips)
    n_alarms = sum(len(clip.raised_s) for clip in clips)
    return LabelAlarms(
        label=label,
        n_recordings=len(clips),
        hours=hours,
        n_raised=n_raised,
        n_too_short=sum(clip.too_short_for(raise_s) for clip in clips),
        raised=share(n_raised, len(clips)),
        n_alarms=n_alarms,
        alarms_per_hour=poisson_rate(n_alarms, hours),
        peak_over_raise=float(np.median([clip.peak for clip in pieces])) / raise_score if pieces else None,
    )
