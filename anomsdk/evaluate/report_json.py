"""Evaluation as JSON values."""

from __future__ import annotations

from typing import Any

from anomsdk.evaluate.alarms_by_label import LabelAlarms
from anomsdk.evaluate.clip_sets import Known, LeftOut
from anomsdk.evaluate.evaluation import Evaluation
from anomsdk.evaluate.figures import Figures
from anomsdk.stats.intervals import CONFIDENCE, RESAMPLES, Figure


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Convert an evaluation to JSON values, without the scores; undefined values are null.

    Parameters
    ----------
    evaluation : result of `evaluate`

    Returns
    -------
    ``auc``, ``auc_mean``, ``pauc``, ``sensitivity_at_fa_per_hour`` {"1", "0.1"}, ``precision``, ``recall``,
    ``false_alarms_per_hour`` and ``time_to_detect_s``, each {"value", "low", "high"}; ``normal_hours``, ``n_normal``,
    ``n_anomalous``, ``n_too_short`` and the other numbers of `Figures`; ``judged``: the same keys without clips that
    were padded or cannot be judged, null where there are none; ``by_snr``: ratio in dB -> the same keys; ``made_from``:
    recordings that the plan was made from, and under ``without`` the same keys without them; ``labels`` {"keys",
    "normal", "anomalous"}: a row for each label; ``piece_s``; ``padded`` {"normal", "anomalous"}; plan, engine, seed
    and what was left out. Rates are events an hour
    """
    return {
        **_figures(evaluation.figures),
        "by_snr": {ratio: _figures(figures) for ratio, figures in evaluation.by_snr.items()},
        "labels": {
            "keys": list(evaluation.label_keys),
            "normal": [_label(row) for row in evaluation.by_label_normal],
            "anomalous": [_label(row) for row in evaluation.by_label_anomalous],
        },
        "piece_s": evaluation.piece_s,
        "padded": {
            "normal": sum(clip.padded for clip in evaluation.normal),
            "anomalous": sum(clip.padded for clip in evaluation.anomalous),
        },
        "n_event_times": sum(clip.event_s is not None for clip in evaluation.anomalous),
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "plan": {"name": evaluation.plan.name, "id": evaluation.plan.id, "score_id": evaluation.plan.score_id},
        "raise_score": evaluation.plan.levels.raise_score,
        "engine": evaluation.engine,
        "seed": evaluation.seed,
        "decide_s": evaluation.decide_s,
        "raise_s": evaluation.raise_s,
        "made_from": {
            "known": evaluation.known_normal.says,
            "all_listed": evaluation.known_normal.is_whole,
            "normal": _known(evaluation.known_normal),
            "anomalous": _known(evaluation.known_anomalous),
            "without": None if evaluation.unknown is None else _figures(evaluation.unknown),
        },
        "left_out": {
            "normal": _left_out(evaluation.left_out_normal),
            "anomalous": _left_out(evaluation.left_out_anomalous),
        },
        "constant_s_cut": evaluation.cut_s,
        "clipped_samples": evaluation.clipped,
        "judged_share": {
            "normal": evaluation.judged_normal.share,
            "anomalous": evaluation.judged_anomalous.share if evaluation.judged_anomalous.of else None,
        },
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "auc": _interval(figures.auc),
        "auc_mean": _interval(figures.auc_mean),
        "pauc": _interval(figures.pauc),
        "sensitivity_at_fa_per_hour": {
            key: _interval(figure) for key, figure in figures.sensitivity_at_fa_per_hour.items()
        },
        "precision": _interval(figures.precision),
        "recall": _interval(figures.recall),
        "false_alarms_per_hour": _interval(figures.false_alarms_per_hour),
        "time_to_detect_s": _interval(figures.time_to_detect_s),
        "normal_hours": figures.normal_hours,
        "n_normal": figures.n_normal,
        "n_anomalous": figures.n_anomalous,
        "n_groups": figures.n_groups,
        "n_recordings": figures.n_recordings,
        "n_found": figures.n_found,
        "n_alarms": figures.n_alarms,
        "n_false_alarms": figures.n_false_alarms,
        "n_timed": figures.n_timed,
        "n_timed_found": figures.n_timed_found,
        "n_padded": {"normal": figures.n_padded_normal, "anomalous": figures.n_padded_anomalous},
        "n_too_short": figures.n_too_short,
        "n_too_short_missed": figures.n_too_short_missed,
        "judged": None if figures.judged is None else _figures(figures.judged),
        "notes": list(figures.notes),
    }


def _label(row: LabelAlarms) -> dict[str, Any]:
    return {
        "label": row.label,
        "n_recordings": row.n_recordings,
        "hours": row.hours,
        "n_raised": row.n_raised,
        "n_too_short": row.n_too_short,
        "raised": _interval(row.raised),
        "n_alarms": row.n_alarms,
        "alarms_per_hour": _interval(row.alarms_per_hour),
        "peak_over_raise": row.peak_over_raise,
    }


def _known(known: Known) -> dict[str, Any]:
    return {
        "n": known.n,
        "n_made_from": len(known.names),
        "trained": list(known.trained),
        "calibrated": list(known.calibrated),
        "chosen": list(known.chosen),
    }


def _interval(figure: Figure) -> dict[str, float | None]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _left_out(left_out: LeftOut) -> dict[str, Any]:
    return {
        "n": left_out.n,
        "unreadable": list(left_out.unreadable),
        "constant": list(left_out.constant),
        "too_short": list(left_out.too_short),
        "void": list(left_out.void),
    }
