"""An evaluation as JSON values and as text."""

from __future__ import annotations

from typing import Any

from anomsdk.display import counted, duration, table
from anomsdk.errors import printable
from anomsdk.evaluate.evaluation import Evaluation
from anomsdk.evaluate.figures import MAX_FPR, Figures
from anomsdk.evaluate.metrics import CONFIDENCE, RESAMPLES, Figure
from anomsdk.evaluate.sides import LeftOut


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything but the scores, as JSON values; what is undefined is null.

    Parameters
    ----------
    evaluation : of `evaluate`

    Returns
    -------
    ``auc``, ``pauc``, ``sensitivity_at_fa_per_hour`` {"1", "0.1"}, ``precision``, ``recall``,
    ``false_alarms_per_hour`` and ``time_to_detect_s``, each {"value", "low", "high"}; ``normal_hours``, ``n_normal``,
    ``n_anomalous`` and other plain numbers; ``by_snr``: ratio in dB -> the same keys; what it rests on
    """
    return {
        **_figures(evaluation.figures),
        "by_snr": {ratio: _figures(figures) for ratio, figures in evaluation.by_snr.items()},
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "plan": {"name": evaluation.plan.name, "id": evaluation.plan.id, "score_id": evaluation.plan.score_id},
        "raise_score": evaluation.plan.levels.raise_score,
        "engine": evaluation.engine,
        "seed": evaluation.seed,
        "decide_s": evaluation.decide_s,
        "left_out": {
            "normal": _left_out(evaluation.left_out_normal),
            "anomalous": _left_out(evaluation.left_out_anomalous),
        },
        "constant_s_cut": evaluation.cut_s,
        "clipped_samples": evaluation.clipped,
    }


def as_text(evaluation: Evaluation) -> str:
    """What `anomsdk evaluate` prints: what was heard, the figures with their intervals, what they rest on.

    Parameters
    ----------
    evaluation : of `evaluate`

    Returns
    -------
    lines of at most about 100 characters, printable
    """
    lines = [*summary(evaluation), ""]
    for heading, figures in sections(evaluation):
        if heading:
            lines.append(heading)
        lines += [table(figure_rows(figures), right=(1, 2, 3)), ""]
    lines += [printable(line) for line in footnotes(evaluation)]
    return "\n".join(lines)


def summary(evaluation: Evaluation) -> list[str]:
    """What was evaluated on what, in lines."""
    figures, plan = evaluation.figures, evaluation.plan
    what = "mix" if evaluation.by_snr else "anomalous clip"
    mixes = f"{figures.n_anomalous:,} mixes" if what == "mix" else counted(figures.n_anomalous, what)
    lines = [
        f"plan {plan.name} {plan.id[:12]}, raise level {plan.levels.raise_score:,}, engine {evaluation.engine}, "
        f"seed {evaluation.seed}",
        f"{counted(figures.n_normal, 'normal clip')} ({duration(3600 * figures.normal_hours)}), {mixes}, "
        f"{counted(figures.n_groups, 'group')}",
    ]
    if evaluation.cut_s:
        lines.append(f"{duration(evaluation.cut_s)} of digitally constant samples cut out")
    if evaluation.clipped:
        lines.append(f"{counted(evaluation.clipped, 'sample')} clipped: recorded too loud")
    return [printable(line) for line in lines]


def sections(evaluation: Evaluation) -> list[tuple[str, Figures]]:
    """Headings and figures: over everything, then for each ratio where there are several."""
    parts = [("all ratios" if len(evaluation.by_snr) > 1 else "", evaluation.figures)]
    if len(evaluation.by_snr) > 1:
        parts += [(f"{ratio} dB", figures) for ratio, figures in evaluation.by_snr.items()]
    return parts


def figure_rows(figures: Figures) -> list[tuple[str, str, str, str, str]]:
    """A heading, then name, value, interval and foundation of each figure, as text."""
    clips = f"{figures.n_normal:,} + {figures.n_anomalous:,} clips"
    of_found = f"{counted(figures.n_found, 'event')} found"
    rows = [
        ("AUC of the clips' highest scores", figures.auc, clips),
        (f"the same up to {MAX_FPR:.0%} of the normal clips", figures.pauc, clips),
        *(
            (f"sensitivity at {key} false alarms an hour", figure, clips)
            for key, figure in figures.sensitivity_at_fa_per_hour.items()
        ),
        ("recall: events that raised an alarm", figures.recall, f"{figures.n_found:,} of {figures.n_anomalous:,}"),
        ("precision: alarms that lie in events", figures.precision, counted(figures.n_alarms, "alarm")),
        ("false alarms an hour", figures.false_alarms_per_hour, _rate_rests_on(figures)),
        ("time to detect, s (median)", figures.time_to_detect_s, of_found),
    ]
    heading = ("figure", "value", "95 % low", "high", "rests on")
    return [heading, *((name, *_numbers(figure), rests_on) for name, figure, rests_on in rows)]


def footnotes(evaluation: Evaluation) -> list[str]:
    """What the figures mean, what they do not, and what was left out, in lines."""
    lines = [*evaluation.figures.notes]
    lines.append(
        f"intervals: {RESAMPLES:,} resamples of whole groups; false alarms: exact Poisson interval (Garwood). "
        "They do not cover other rooms or devices"
    )
    if evaluation.by_snr:
        lines.append(
            f"a mix counts as found when an alarm is raised between the start of the event and "
            f"{duration(evaluation.decide_s)} after its end"
        )
    lines += evaluation.left_out_normal.lines("normal") + evaluation.left_out_anomalous.lines("anomalous")
    return lines


def _rate_rests_on(figures: Figures) -> str:
    return f"{counted(figures.n_false_alarms, 'alarm')} in {figures.normal_hours:.3g} h"


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "auc": _interval(figures.auc),
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
        "n_found": figures.n_found,
        "n_alarms": figures.n_alarms,
        "n_false_alarms": figures.n_false_alarms,
        "notes": list(figures.notes),
    }


def _interval(figure: Figure) -> dict[str, float | None]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _left_out(left_out: LeftOut) -> dict[str, Any]:
    return {
        "n": left_out.n,
        "unreadable": list(left_out.unreadable),
        "constant": list(left_out.constant),
        "too_short": list(left_out.too_short),
    }


def _numbers(figure: Figure) -> tuple[str, str, str]:
    low, value, high = ("-" if x is None else f"{x:.3f}" for x in (figure.low, figure.value, figure.high))
    return value, low, high
