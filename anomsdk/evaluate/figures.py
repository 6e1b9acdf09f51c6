"""Figures of a plan on a set of scored clips, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.evaluate.clip_scores import ScoredClip
from anomsdk.stats.intervals import FEWEST_RANKED, Figure, bootstrap, median, poisson_rate, trials, trials_of_pairs
from anomsdk.stats.metrics import Counts, FigureOf, auc_of, pauc_of, sensitivity_of
from anomsdk.utils.text import counted, in_hours

MAX_FPR = 0.1
"""False positive rate up to which the partial AUC is taken."""
_FEW_GROUPS = 5
_PAUC_SPAN = (0.5 * (1 - MAX_FPR / (2 - MAX_FPR)), 1.0)
"""Partial AUC where no anomalous clip lies above the highest normal ones, and where all do."""
ALARM_BUDGETS = {"1": 1.0, "0.1": 0.1}
"""Key in JSON -> false alarms an hour at which the sensitivity is given."""


@dataclass(frozen=True)
class Figures:
    """Figures of one set of clips.

    Each interval is the wider one of `anomsdk.stats.intervals.bootstrap` over groups and of an exact interval.

    Parameters
    ----------
    auc : AUC of the highest score of each clip, which is what an alarm depends on
    pauc : partial AUC of the highest scores (false positive rate <= 10 %), standardised
    auc_mean : AUC of the mean score of each clip, which most publications give
    sensitivity_at_fa_per_hour : "1" and "0.1" -> sensitivity at this many false alarms an hour
        (`anomsdk.stats.metrics.sensitivity_at`)
    precision : share of all alarms that were raised within an event; alarms on normal clips count as false
    recall : share of the events in which an alarm was raised
    false_alarms_per_hour : rate of alarms on normal recordings, with the exact Poisson interval
    time_to_detect_s : median time to detect, seconds, over the events that have times and were found
    normal_hours : hours of normal recordings that were judged, as long as their ticks take; the first context of each
        stretch, constant stretches, gaps and padding do not count
    n_normal, n_anomalous, n_groups : number of clips, and of different groups among them
    n_recordings : number of whole normal recordings
    n_found : number of events in which an alarm was raised
    n_alarms, n_false_alarms : number of all alarms, and of alarms on normal recordings
    n_timed, n_timed_found : number of events with times, and of those among them in which an alarm was raised
    n_padded_normal, n_padded_anomalous : number of clips that are too short for a tick and were padded
    n_too_short, n_too_short_missed : number of events that cannot be judged (`ScoredClip.too_short_for`), and of those
        among them that were missed
    n_no_tick : number of events among ``n_too_short`` in which no tick ends although the clip is long enough
    judged : the same figures without clips that were padded or cannot be judged; None: there are no such clips
    notes : sentences on figures that are undefined or rest on little
    """

    auc: Figure
    auc_mean: Figure
    pauc: Figure
    sensitivity_at_fa_per_hour: Mapping[str, Figure]
    precision: Figure
    recall: Figure
    false_alarms_per_hour: Figure
    time_to_detect_s: Figure
    normal_hours: float
    n_normal: int
    n_anomalous: int
    n_groups: int
    n_recordings: int
    n_found: int
    n_alarms: int
    n_false_alarms: int
    n_timed: int
    n_timed_found: int
    n_padded_normal: int
    n_padded_anomalous: int
    n_too_short: int
    n_too_short_missed: int
    n_no_tick: int
    judged: Figures | None
    notes: tuple[str, ...]


def figures_of(
    normal: Sequence[ScoredClip],
    anomalous: Sequence[ScoredClip],
    *,
    recordings: Sequence[ScoredClip] | None = None,
    raise_s: float = 0.0,
    tick_s: float = 0.0,
    seed: int = 0,
) -> Figures:
    """Compute all figures of normal and anomalous clips.

    Parameters
    ----------
    normal, anomalous : clips with at least one tick; where a side is empty, figures that need it are undefined
    recordings : whole recordings that ``normal`` holds segments of; their alarms and hours count, and the highest
        scores of the segments. None: ``normal`` holds whole recordings
    raise_s : seconds that a fresh pipeline needs before it can raise an alarm; a shorter event cannot be judged
    tick_s : seconds between two ticks, the resolution of times to detect
    seed : seed of the bootstrap
    """
    recordings = normal if recordings is None else recordings
    short = [clip.too_short_for(raise_s) for clip in anomalous]
    judged = None
    if any(short) or any(clip.padded for clip in normal):
        judged = figures_of(
            [clip for clip in normal if not clip.padded],
            [clip for clip, is_short in zip(anomalous, short, strict=True) if not is_short],
            recordings=[clip for clip in recordings if not clip.padded],
            tick_s=tick_s,
            seed=seed,
        )
    first, second, whole = ([clip.group for clip in side] for side in (normal, anomalous, recordings))
    low, high = (np.array([clip.peak for clip in side], np.int64) for side in (normal, anomalous))
    hours = np.array([clip.seconds / 3600 for clip in normal])
    false, raised, inside = (
        np.array(counts, np.int64)
        for counts in (
            [len(clip.raised_s) for clip in recordings],
            [len(clip.raised_s) for clip in anomalous],
            [len(clip.inside_s) for clip in anomalous],
        )
    )
    timed = [clip for clip in anomalous if clip.event_s is not None]
    found = [(t, clip.group) for clip in timed if (t := clip.time_to_detect_s) is not None]
    pairs = trials_of_pairs(first, second)
    means = ([clip.mean for clip in side] for side in (normal, anomalous))
    alarmed = [clip.group for clip in (*recordings, *anomalous) for _ in clip.raised_s]
    total = sum(clip.seconds for clip in recordings) / 3600
    return Figures(
        auc=bootstrap(first, second, auc_of(low, high), seed=seed, rests_on=pairs),
        auc_mean=bootstrap(first, second, auc_of(*means), seed=seed, rests_on=pairs),
        pauc=bootstrap(
            first,
            second,
            pauc_of(low, high, MAX_FPR),
            seed=seed,
            rests_on=min(trials(second), _highest(low, first)),
            span=_PAUC_SPAN,
        ),
        sensitivity_at_fa_per_hour={
            key: bootstrap(first, second, sensitivity_of(low, hours, high, budget), seed=seed, rests_on=trials(second))
            for key, budget in ALARM_BUDGETS.items()
        },
        precision=bootstrap(whole, second, _precision_of(false, raised, inside), seed=seed, rests_on=trials(alarmed))
        if anomalous
        else Figure(None),
        recall=bootstrap((), second, _share_of(inside > 0), seed=seed, rests_on=trials(second)),
        false_alarms_per_hour=poisson_rate(int(false.sum()), total),
        time_to_detect_s=median([t for t, _ in found], [group for _, group in found], step=tick_s, seed=seed),
        normal_hours=total,
        n_normal=len(normal),
        n_anomalous=len(anomalous),
        n_groups=len(set(first) | set(second)),
        n_recordings=len(recordings),
        n_found=int((inside > 0).sum()),
        n_alarms=int(false.sum() + raised.sum()),
        n_false_alarms=int(false.sum()),
        n_timed=len(timed),
        n_timed_found=len(found),
        n_padded_normal=sum(clip.padded for clip in normal),
        n_padded_anomalous=sum(clip.padded for clip in anomalous),
        n_too_short=sum(short),
        n_too_short_missed=sum(is_short and n == 0 for is_short, n in zip(short, inside.tolist(), strict=True)),
        n_no_tick=sum(
            is_short and not replace(clip, event_s=None).too_short_for(raise_s)
            for is_short, clip in zip(short, anomalous, strict=True)
        ),
        judged=judged,
        notes=_notes((whole, second), total, int(false.sum() + raised.sum()), (len(timed), len(found))),
    )


def _highest(peaks: NDArray[np.int64], groups: Sequence[str]) -> int:
    """Count independent trials among the highest normal clips, on which alone the partial AUC rests; at least one."""
    n = max(1, int(MAX_FPR * len(groups))) if groups else 0
    top = np.argsort(-peaks, kind="stable")[:n].tolist()
    return len({groups[i] for i in top}) if len(set(groups)) > 1 else n


def _precision_of(false: NDArray[np.int64], raised: NDArray[np.int64], inside: NDArray[np.int64]) -> FigureOf:
    def figure(n_counts: Counts, a_counts: Counts) -> NDArray[np.float64]:
        alarms = n_counts @ false + a_counts @ raised
        return np.where(alarms > 0, a_counts @ inside / np.maximum(alarms, 1), np.nan)

    return figure


def _share_of(found: NDArray[np.bool_]) -> FigureOf:
    def figure(n_counts: Counts, a_counts: Counts) -> NDArray[np.float64]:
        clips = a_counts.sum(axis=1)
        return np.where(clips > 0, a_counts @ found.astype(np.int64) / np.maximum(clips, 1), np.nan)

    return figure


def _notes(groups: tuple[list[str], list[str]], hours: float, alarms: int, timed: tuple[int, int]) -> tuple[str, ...]:
    notes = []
    for what, side in zip(("normal", "anomalous"), groups, strict=True):
        if not side:
            notes.append(f"no {what} clips: figures that compare both sides are undefined")
        elif len(set(side)) == 1:
            notes.append(f"one group of {what} clips: intervals take its clips as independent; give others")
        elif len(set(side)) < _FEW_GROUPS:
            notes.append(f"{len(set(side))} groups of {what} clips: so few say little, and intervals are wide")
    together = set(groups[0]) & set(groups[1])
    if all(1 < len(set(side)) < len(side) for side in groups) and not together:
        notes.append(
            "no group is on both sides: what sets groups apart (animal, device, place) may pass for an anomaly"
        )
    for key, budget in ALARM_BUDGETS.items():
        if groups[0] and groups[1] and budget * hours < 1:
            notes.append(
                f"{in_hours(hours)} of normal recordings allow no false alarm at {key} an hour: that sensitivity is "
                f"at the highest normal score, and takes {1 / budget:g} h to say more"
            )
    if groups[1] and not alarms:
        notes.append("no alarm at all: precision is undefined")
    n_timed, n_found = timed
    if n_timed and not n_found:
        notes.append("no event with times was found: time to detect is undefined")
    elif 0 < n_found < FEWEST_RANKED:
        notes.append(f"{counted(n_found, 'time')} to detect: a median has an interval from {FEWEST_RANKED} on")
    return tuple(notes)
