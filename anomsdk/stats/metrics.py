"""Figures of a detector from the scores of normal and anomalous clips: AUC, partial AUC, sensitivity, median.

Each figure also exists as a function of counts, of how often each clip was drawn. The bootstrap of
`anomsdk.stats.intervals` then evaluates all resamples in one array operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Counts: TypeAlias = NDArray[np.int64]
"""int64 (resamples, clips): number of times that each clip was drawn."""
FigureOf: TypeAlias = Callable[[Counts, Counts], NDArray[np.float64]]
"""Function of the counts of normal and anomalous clips that returns a figure for each resample, NaN where undefined."""
Peaks: TypeAlias = NDArray[Any] | Sequence[float]
"""(clips,) scores, one for each clip; a higher score is more anomalous."""


def auc(normal: Peaks, anomalous: Peaks) -> float | None:
    """Area under the ROC curve: share of (normal, anomalous) pairs in the right order; ties count one half.

    Parameters
    ----------
    normal, anomalous : (n,) and (m,) scores; takes time O((n + m) log (n + m))

    Returns
    -------
    0 to 1, or None when either is empty

    Examples
    --------
    >>> auc([1, 2, 3], [2, 4])
    0.75
    """
    return value_of_all(auc_of(normal, anomalous), len(normal), len(anomalous))


def pauc(normal: Peaks, anomalous: Peaks, max_fpr: float = 0.1) -> float | None:
    """Partial AUC: area up to a false positive rate, standardised so that chance is 0.5 and perfect is 1.

    The standardisation is that of McClish, Medical Decision Making 9 (1989) 190. The value equals that of
    scikit-learn's ``roc_auc_score(max_fpr=...)``.

    Parameters
    ----------
    normal, anomalous : as `auc`
    max_fpr : largest false positive rate, above 0, at most 1

    Returns
    -------
    at most 1, below 0.5 when worse than chance; None when either is empty
    """
    return value_of_all(pauc_of(normal, anomalous, max_fpr), len(normal), len(anomalous))


def sensitivity_at(normal_peaks: Peaks, hours: float, anomalous_peaks: Peaks, per_hour: float) -> float | None:
    """Sensitivity at the lowest threshold that keeps a budget of false alarms.

    A clip counts as one alarm when its highest score reaches the threshold. The budget is ``floor(per_hour * hours)``
    normal clips.

    Parameters
    ----------
    normal_peaks, anomalous_peaks : (n,) and (m,) highest score of each clip
    hours : length of all normal clips together
    per_hour : false alarms an hour, >= 0

    Returns
    -------
    share of the anomalous clips that reach the threshold, 0 to 1; None when either side is empty or ``hours`` is 0
    """
    n = len(normal_peaks)
    each = np.full(n, hours / n) if n else np.zeros(0)
    return value_of_all(sensitivity_of(normal_peaks, each, anomalous_peaks, per_hour), n, len(anomalous_peaks))


def auc_of(normal: Peaks, anomalous: Peaks) -> FigureOf:
    """`auc` as a function of counts; parameters as there."""
    curve = _curve_of(normal, anomalous)

    def figure(n_counts: Counts, a_counts: Counts) -> NDArray[np.float64]:
        false, true = curve(n_counts, a_counts)
        area = (np.diff(false, axis=1) * (true[:, 1:] + true[:, :-1])).sum(axis=1) / 2
        return _ratio(area, false[:, -1] * true[:, -1])

    return figure


def pauc_of(normal: Peaks, anomalous: Peaks, max_fpr: float = 0.1) -> FigureOf:
    """`pauc` as a function of counts; parameters as there."""
    curve = _curve_of(normal, anomalous)

    def figure(n_counts: Counts, a_counts: Counts) -> NDArray[np.float64]:
        false, true = curve(n_counts, a_counts)
        limit = max_fpr * false[:, -1:]
        begin, end = np.minimum(false[:, :-1], limit), np.minimum(false[:, 1:], limit)
        width = np.maximum(np.diff(false, axis=1), 1)  # where the width is 0, the dividend is 0, too
        at_end = true[:, :-1] + np.diff(true, axis=1) * (end - begin) / width
        area = ((end - begin) * (true[:, :-1] + at_end)).sum(axis=1) / 2
        partial = _ratio(area, false[:, -1] * true[:, -1])
        chance = max_fpr**2 / 2
        return 0.5 * (1 + (partial - chance) / (max_fpr - chance))

    return figure


def sensitivity_of(normal: Peaks, hours: NDArray[np.float64], anomalous: Peaks, per_hour: float) -> FigureOf:
    """`sensitivity_at` as a function of counts; ``hours`` (n,) is the length of each normal clip."""
    curve = _curve_of(normal, anomalous)

    def figure(n_counts: Counts, a_counts: Counts) -> NDArray[np.float64]:
        false, true = curve(n_counts, a_counts)
        total = n_counts @ hours
        budget = np.floor(per_hour * total + 1e-9)
        kept = (false <= budget[:, None]).sum(axis=1) - 1
        found = _ratio(np.take_along_axis(true, kept[:, None], axis=1)[:, 0], true[:, -1])
        return np.where(total > 0, found, np.nan)

    return figure


def median_of(values: NDArray[np.float64]) -> FigureOf:
    """Median of the values of the anomalous clips as a function of counts; NaN values are left out."""
    order = np.argsort(values)[: int((~np.isnan(values)).sum())]
    ranked = np.append(values[order], np.nan)  # NaN is the median of no values

    def figure(n_counts: Counts, a_counts: Counts) -> NDArray[np.float64]:
        reached = np.cumsum(a_counts[:, order], axis=1)
        total = a_counts[:, order].sum(axis=1, keepdims=True)
        lower, upper = ((reached <= place).sum(axis=1) for place in ((total - 1) // 2, total // 2))
        return (ranked[lower] + ranked[upper]) / 2

    return figure


def value_of_all(figure: FigureOf, n: int, m: int) -> float | None:
    """Evaluate a figure with each of n normal and m anomalous clips drawn once; None where it is undefined."""
    value = float(figure(np.ones((1, n), np.int64), np.ones((1, m), np.int64))[0])
    return None if math.isnan(value) else value


def _curve_of(normal: Peaks, anomalous: Peaks) -> Callable[[Counts, Counts], tuple[Counts, Counts]]:
    """Return a function of counts that gives false and true positives (resamples, thresholds + 1).

    They start at (0, 0), above the highest score, and go down to the lowest score as the threshold.
    """
    peaks = np.concatenate([np.asarray(normal, np.float64), np.asarray(anomalous, np.float64)])
    order = np.argsort(-peaks, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(peaks[order]) != 0, len(peaks) > 0))
    is_normal = order < len(normal)

    def curve(n_counts: Counts, a_counts: Counts) -> tuple[Counts, Counts]:
        drawn = np.concatenate([n_counts, a_counts], axis=1)[:, order]
        false, true = (np.cumsum(np.where(side, drawn, 0), axis=1)[:, ends] for side in (is_normal, ~is_normal))
        return np.pad(false, ((0, 0), (1, 0))), np.pad(true, ((0, 0), (1, 0)))

    return curve


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Divide element by element; NaN where the divisor is 0."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)
