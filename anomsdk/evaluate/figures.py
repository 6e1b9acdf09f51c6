"""What a set of scored clips says about a plan, each figure with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.evaluate.metrics import (
    Counts,
    Figure,
    FigureOf,
    auc_of,
    bootstrap,
    pauc_of,
    poisson_rate,
    sensitivity_of,
)
from anomsdk.evaluate.scoring import ScoredClip

MAX_FPR = 0.1
_FEW_GROUPS = 5
ALARM_BUDGETS = {"1": 1.0, "0.1": 0.1}
"""Keys and false alarms an hour at which the sensitivity is given."""


@dataclass(frozen=True)
class Figures:
    """Figures of one set of clips; intervals are `metrics.bootstrap` over groups unless said otherwise.

    Parameters
    ----------
    auc, pauc : of the clips' peak scores; pauc up to 10 % of the normal clips, standardised
    sensitivity_at_fa_per_hour : "1" and "0.1" -> `metrics.sensitivity_at`
    precision : alarms raised in events, over all alarms, those on normal clips included
    recall : events in which an alarm was raised, over all
    false_alarms_per_hour : alarms raised on normal clips, with the exact Poisson interval
    time_to_detect_s : median over the events that were found
    normal_hours : of normal recordings judged, as long as their ticks take: a context that fills, constant stretches,
        gaps and padding are left out
    n_normal, n_anomalous, n_groups : clips, and different groups of them
    n_recordings : normal recordings, uncut
    n_found : events in which an alarm was raised
    n_alarms, n_false_alarms : all alarms, and those on normal clips
    notes : what is undefined or rests on little, in words
    """

    auc: Figure
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
    notes: tuple[str, ...]


def figures_of(
    normal: Sequence[ScoredClip],
    anomalous: Sequence[ScoredClip],
    *,
    recordings: Sequence[ScoredClip] | None = None,
    seed: int = 0,
) -> Figures:
    """All figures of normal and anomalous clips.

    Parameters
    ----------
    normal, anomalous : clips with at least one tick; either may be empty, which leaves figures undefined
    recordings : what ``normal`` are pieces of: their alarms and hours count, and the highest scores of the pieces;
        None: ``normal`` are whole
    seed : of the bootstrap
    """
    recordings = normal if recordings is None else recordings
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
    times = np.array([np.nan if (t := clip.time_to_detect_s) is None else t for clip in anomalous])
    total = sum(clip.seconds for clip in recordings) / 3600
    return Figures(
        auc=bootstrap(first, second, auc_of(low, high), seed=seed),
        pauc=bootstrap(first, second, pauc_of(low, high, MAX_FPR), seed=seed),
        sensitivity_at_fa_per_hour={
            key: bootstrap(first, second, sensitivity_of(low, hours, high, budget), seed=seed)
            for key, budget in ALARM_BUDGETS.items()
        },
        precision=bootstrap(whole, second, _precision_of(false, raised, inside), seed=seed)
        if anomalous
        else Figure(None),
        recall=bootstrap((), second, _share_of(inside > 0), seed=seed),
        false_alarms_per_hour=poisson_rate(int(false.sum()), total),
        time_to_detect_s=bootstrap((), second, _median_of(times), seed=seed),
        normal_hours=total,
        n_normal=len(normal),
        n_anomalous=len(anomalous),
        n_groups=len(set(first) | set(second)),
        n_recordings=len(recordings),
        n_found=int((inside > 0).sum()),
        n_alarms=int(false.sum() + raised.sum()),
        n_false_alarms=int(false.sum()),
        notes=_notes((whole, second), total, int(false.sum() + raised.sum()), int((inside > 0).sum())),
    )


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


def _median_of(values: NDArray[np.float64]) -> FigureOf:
    """Median of the values that are no NaN."""
    order = np.argsort(values)[: int((~np.isnan(values)).sum())]
    ranked = np.append(values[order], np.nan)  # the last one stands for none

    def figure(n_counts: Counts, a_counts: Counts) -> NDArray[np.float64]:
        reached = np.cumsum(a_counts[:, order], axis=1)
        total = a_counts[:, order].sum(axis=1, keepdims=True)
        lower, upper = ((reached <= place).sum(axis=1) for place in ((total - 1) // 2, total // 2))
        return (ranked[lower] + ranked[upper]) / 2

    return figure


def _notes(groups: tuple[list[str], list[str]], hours: float, alarms: int, found: int) -> tuple[str, ...]:
    notes = []
    for what, side in zip(("normal", "anomalous"), groups, strict=True):
        if not side:
            notes.append(f"no {what} clips: figures that compare both sides are undefined")
        elif len(set(side)) == 1:
            notes.append(f"one group of {what} clips: no interval for figures that rest on them; give others")
        elif len(set(side)) < _FEW_GROUPS:
            notes.append(f"{len(set(side))} groups of {what} clips: intervals over so few are too narrow")
    together = set(groups[0]) & set(groups[1])
    if all(1 < len(set(side)) < len(side) for side in groups) and not together:
        notes.append(
            "no group is on both sides: what sets groups apart (animal, device, place) may pass for an anomaly"
        )
    for key, budget in ALARM_BUDGETS.items():
        if groups[0] and groups[1] and budget * hours < 1:
            notes.append(
                f"{hours:.3g} h of normal recordings allow no false alarm at {key} an hour: that sensitivity is at "
                f"the highest normal score, and takes {1 / budget:g} h to say more"
            )
    if groups[1] and not alarms:
        notes.append("no alarm at all: precision is undefined")
    if groups[1] and not found:
        notes.append("no event was found: time to detect is undefined")
    return tuple(notes)
