"""What fires: how often recordings of each label raise an alarm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.evaluate.clip_scores import ScoredClip
from anomsdk.stats.intervals import Figure, poisson_rate, share


@dataclass(frozen=True)
class LabelAlarms:
    """The recordings of one label, on one side.

    Parameters
    ----------
    label : what they are of
    n_recordings : how many gave a tick
    hours : judged of them, as long as their ticks take
    n_raised : of these recordings, those that raised an alarm
    n_too_short : of these recordings, those in which none can be raised (`ScoredClip.too_short_for`)
    raised : their share, with the exact interval (`metrics.share`)
    n_alarms : alarms that they raised
    alarms_per_hour : with the exact Poisson interval
    peak_over_raise : median highest score of what is compared (pieces, where recordings are cut), over the raise
        level; None where nothing is
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
    """One row for each label, what fires most first.

    Parameters
    ----------
    recordings : whole; those without a label are passed over
    compared : the same recordings, or their pieces
    raise_score : of the plan
    raise_s : what a fresh pipeline hears before it can raise an alarm

    Returns
    -------
    rows by falling share that raised an alarm, then by falling score, then by label
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
