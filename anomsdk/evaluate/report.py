"""An evaluation as text."""

from __future__ import annotations

from anomsdk.display import counted, duration, table
from anomsdk.errors import printable
from anomsdk.evaluate.evaluation import Evaluation
from anomsdk.evaluate.figures import MAX_FPR, Figures
from anomsdk.evaluate.firing import Firing
from anomsdk.evaluate.metrics import RESAMPLES, Figure

_LONGEST, _WIDEST = 40, 32  # rows, and characters of a label, that are printed
_FIRING = ("clips", "hours", "alarm in", "share", "95 % low", "high", "alarms/h", "peak")


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
    for side, (columns, *rows) in firing_tables(evaluation):
        named = (f"{side}, by {columns[0]}", *columns[1:])
        lines += [table(_shortened([named, *rows]), right=range(1, len(named))), ""]
    lines += [printable(line) for line in footnotes(evaluation)]
    return "\n".join(lines)


def summary(evaluation: Evaluation) -> list[str]:
    """What was evaluated on what, in lines."""
    figures, plan = evaluation.figures, evaluation.plan
    mixed = f"{figures.n_anomalous:,} mixes"
    against = mixed if evaluation.by_snr else counted(figures.n_anomalous, "anomalous clip")
    lines = [
        f"plan {plan.name} {plan.id[:12]}, raise level {plan.levels.raise_score:,}, engine {evaluation.engine}, "
        f"seed {evaluation.seed}",
        f"{counted(figures.n_recordings, 'normal clip')} ({duration(3600 * figures.normal_hours)}), {against}, "
        f"{counted(figures.n_groups, 'group')}",
    ]
    shares = (("normal", evaluation.judged_normal), ("anomalous", evaluation.judged_anomalous))
    lines.append("judged " + ", ".join(f"{each} of {what} clips" for what, each in shares if each.of))
    if evaluation.piece_s:
        lines.append(f"normal clips cut into {counted(figures.n_normal, 'piece')} of about {evaluation.piece_s:.3g} s")
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
    pieces = " pieces" if figures.n_normal != figures.n_recordings else ""
    clips = f"{figures.n_normal:,}{pieces} + {figures.n_anomalous:,} clips"
    of_found = f"{counted(figures.n_found, 'event')} found"
    both = [
        ("AUC of the clips' highest scores", figures.auc, clips),
        (f"the same up to {MAX_FPR:.0%} of the normal clips", figures.pauc, clips),
        *(
            (f"sensitivity at {key} false alarms an hour", figure, clips)
            for key, figure in figures.sensitivity_at_fa_per_hour.items()
        ),
        ("recall: events that raised an alarm", figures.recall, f"{figures.n_found:,} of {figures.n_anomalous:,}"),
        ("precision: alarms that lie in events", figures.precision, counted(figures.n_alarms, "alarm")),
    ]
    rows = [
        *(both if figures.n_anomalous else ()),
        ("false alarms an hour", figures.false_alarms_per_hour, _rate_rests_on(figures)),
        *([("time to detect, s (median)", figures.time_to_detect_s, of_found)] if figures.n_anomalous else ()),
    ]
    heading = ("figure", "value", "95 % low", "high", "rests on")
    return [heading, *((name, *_numbers(figure), rests_on) for name, figure, rests_on in rows)]


def firing_tables(evaluation: Evaluation) -> list[tuple[str, list[tuple[str, ...]]]]:
    """For each side that has labels its name, and a heading and what fires, most first, as text."""
    odd = "mixes" if evaluation.by_snr else "anomalous"
    sides = (("normal", evaluation.firing_normal), (odd, evaluation.firing_anomalous))
    heading = (" or ".join(evaluation.label_keys) or "label", *_FIRING)
    return [(what, [heading, *map(_firing_row, rows)]) for what, rows in sides if rows]


def footnotes(evaluation: Evaluation) -> list[str]:
    """What the figures mean, what they do not, and what was left out, in lines."""
    elsewhere = "other people, animals or devices" if _is_motion(evaluation) else "other rooms or devices"
    lines = [*evaluation.figures.notes]
    lines.append(
        f"intervals: {RESAMPLES:,} resamples of whole groups; false alarms: exact Poisson interval (Garwood). "
        f"They do not cover {elsewhere}"
    )
    lines += _how_cut(evaluation)
    if evaluation.firing_normal or evaluation.firing_anomalous:
        lines += [
            "alarm in: clips that raised at least one, with the exact interval of a share (Clopper and Pearson), as if "
            "clips were independent",
            "peak: median highest score over the raise level",
        ]
    if n := sum(clip.event_s is not None for clip in evaluation.anomalous) * (not evaluation.by_snr):
        lines.append(
            f"{n:,} of {evaluation.figures.n_anomalous:,} anomalous clips say when their event is: an alarm counts "
            f"from its start to {duration(evaluation.decide_s)} after its end"
        )
    if _is_motion(evaluation):
        lines.append("an alarm flags unusual motion; what it was, and whether it matters, the plan does not say")
    if evaluation.by_snr:
        lines.append(
            f"a mix counts as found when an alarm is raised between the start of the event and "
            f"{duration(evaluation.decide_s)} after its end"
        )
    lines += evaluation.left_out_normal.lines("normal") + evaluation.left_out_anomalous.lines("anomalous")
    return lines


def _how_cut(evaluation: Evaluation) -> list[str]:
    lines = []
    if evaluation.piece_s:
        lines += [
            f"normal clips are compared in equal pieces, as near to {evaluation.piece_s:.3g} s as each allows, never "
            "across gaps: longer clips have higher peaks",
            "alarms and hours are those of whole normal clips, as a device hears them",
        ]
    for what, clips in (("normal", evaluation.normal), ("anomalous", evaluation.anomalous)):
        if n := sum(clip.padded for clip in clips):
            lines.append(
                f"too short for a tick, {what}: {n:,} of {len(clips):,}; their first and last samples were repeated, "
                "and no hours counted for that"
            )
    return lines


def _is_motion(evaluation: Evaluation) -> bool:
    return evaluation.plan.sensor.kind == "motion"


def _firing_row(row: Firing) -> tuple[str, ...]:
    low, value, high = ("-" if x is None else f"{x:.1%}" for x in (row.raised.low, row.raised.value, row.raised.high))
    rate = row.alarms_per_hour.value
    return (
        printable(row.label),
        f"{row.n_recordings:,}",
        f"{row.hours:.3g}",
        f"{row.n_raised:,}",
        value,
        low,
        high,
        "-" if rate is None else f"{rate:.3g}",
        "-" if row.peak_over_raise is None else f"{row.peak_over_raise:.2f}x",
    )


def _shortened(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows for a terminal: no longer and no wider than can be read there."""
    short = [(name if len(name) <= _WIDEST else f"{name[: _WIDEST - 3]}...", *cells) for name, *cells in rows]
    left = len(short) - 1 - _LONGEST
    if left <= 0:
        return short
    return [*short[: 1 + _LONGEST], (f"and {left:,} more: --json", *[""] * len(_FIRING))]


def _rate_rests_on(figures: Figures) -> str:
    return f"{counted(figures.n_false_alarms, 'alarm')} in {figures.normal_hours:.3g} h"


def _numbers(figure: Figure) -> tuple[str, str, str]:
    low, value, high = ("-" if x is None else f"{x:.3f}" for x in (figure.low, figure.value, figure.high))
    return value, low, high
