"""Evaluation as a text report."""

from __future__ import annotations

import textwrap

from anomsdk.errors import printable
from anomsdk.evaluate.alarms_by_label import LabelAlarms
from anomsdk.evaluate.evaluation import Evaluation
from anomsdk.evaluate.figures import MAX_FPR, Figures
from anomsdk.evaluate.finding import sentence_of
from anomsdk.stats.intervals import RESAMPLES, Figure
from anomsdk.utils.text import (
    a_unit,
    counted,
    duration,
    figure,
    in_hours,
    percent,
    rate_in,
    rate_unit,
    ratio,
    table,
)

LINE = 100
"""Characters of a line of running text."""
_LONGEST, _WIDEST = 40, 32  # most rows of a table, and most characters of a label
_LABEL_COLUMNS = ("clips", "hours", "alarm in", "share", "95 % low", "high", "alarms", "peak")
_TOO_SHORT = "too short"
_JUDGED, _UNKNOWN = "  judged clips only", "without recordings that made the plan"


def as_text(evaluation: Evaluation) -> str:
    """Write the report that `anomsdk evaluate` prints.

    It begins with the sentence of `anomsdk.evaluate.finding`. What was evaluated, figures with intervals, alarms by
    label and notes follow.

    Parameters
    ----------
    evaluation : result of `evaluate`

    Returns
    -------
    printable lines of about 100 characters at most
    """
    lines = [
        *textwrap.wrap(printable(sentence_of(evaluation)), LINE, break_on_hyphens=False),
        "",
        *summary(evaluation),
        "",
    ]
    for heading, figures in sections(evaluation):
        if heading:
            lines.append(heading)
        lines += [table(figure_rows(figures, evaluation), right=(1, 2, 3)), ""]
    for side, (columns, *rows) in label_tables(evaluation):
        named = (f"{side}, by {columns[0]}", *columns[1:])
        lines += [table(_shortened([named, *rows]), right=range(1, len(named))), ""]
    lines += [printable(line) for line in footnotes(evaluation)]
    return "\n".join(lines)


def summary(evaluation: Evaluation) -> list[str]:
    """Describe the plan and the recordings that it was evaluated on, in lines."""
    figures, plan = evaluation.figures, evaluation.plan
    mixed = f"{figures.n_anomalous:,} mixes"
    against = mixed if evaluation.by_snr else counted(figures.n_anomalous, "anomalous clip")
    if left_out := len(evaluation.left_out_anomalous.too_short):
        against += f" ({left_out:,} more: too short for a tick, left out)"
    normal = f"{counted(figures.n_recordings, 'normal clip')} ({duration(3600 * figures.normal_hours)})"
    if left_out := len(evaluation.left_out_normal.too_short):
        normal += f" ({left_out:,} more: too short for a tick, left out)"
    lines = [
        f"plan {plan.name} {plan.id[:12]}, alarm level {plan.levels.raise_score:,}, engine {evaluation.engine}, "
        f"seed {evaluation.seed}",
        f"{normal}, {against}, {counted(figures.n_groups, 'group')}",
    ]
    shares = (("normal", evaluation.judged_normal), ("anomalous", evaluation.judged_anomalous))
    lines.append(
        "judged "
        + ", ".join(
            f"{each}{',' if each.void else ''} {'in' if each.duty else 'of'} {what} clips"
            for what, each in shares
            if each.of
        )
    )
    if evaluation.piece_s:
        lines.append(
            f"normal clips cut into {counted(figures.n_normal, 'segment')} of about {duration(evaluation.piece_s)}"
        )
    if evaluation.known_normal.names:
        left = 0 if evaluation.unknown is None else evaluation.unknown.n_recordings
        without = f"figures without them: {counted(left, 'normal clip')}, below" if left else "no others are left"
        lines.append(f"{evaluation.known_normal.line('normal')}; {without}")
    if evaluation.known_anomalous.names:
        lines.append(evaluation.known_anomalous.line("anomalous"))
    if evaluation.cut_s:
        lines.append(f"{duration(evaluation.cut_s)} of digitally constant samples cut out")
    if evaluation.clipped:
        lines.append(f"{counted(evaluation.clipped, 'sample')} clipped: the gain of the recording was too high")
    return [printable(line) for line in lines]


def sections(evaluation: Evaluation) -> list[tuple[str, Figures]]:
    """List the sets of figures that a report shows, each with its heading.

    They are those over all clips, those at each signal-to-noise ratio where there are several, and those without the
    recordings that made the plan.
    """
    parts = [("all signal-to-noise ratios" if len(evaluation.by_snr) > 1 else "", evaluation.figures)]
    if len(evaluation.by_snr) > 1:
        parts += [(f"{ratio} dB", figures) for ratio, figures in evaluation.by_snr.items()]
    if evaluation.unknown is not None:
        parts.append((_UNKNOWN, evaluation.unknown))
    return parts


def figure_rows(figures: Figures, evaluation: Evaluation) -> list[tuple[str, str, str, str, str]]:
    """Return a table as text: headings, then name, value, both ends of the interval and basis of each figure.

    Where some clips cannot be judged, the same figure without them follows below.
    """
    of_all, rests_on = _compared(figures), _clips(figures)
    judged = None if figures.judged is None else _compared(figures.judged)
    rows = list[tuple[str, Figure, str]]()
    for name, each in of_all.items() if figures.n_anomalous else ():
        rows.append((name, each, rests_on))
        if judged is not None and figures.judged is not None:
            rows.append((_JUDGED, judged[name], _clips(figures.judged)))
    if figures.n_anomalous:
        rows.append(("recall: events with an alarm", figures.recall, _found(figures, evaluation)))
        if figures.judged is not None:
            shown = f"{figures.judged.n_found:,} of {figures.judged.n_anomalous:,}"
            rows.append((_JUDGED, figures.judged.recall, shown))
        rows.append(("precision: alarms within events", figures.precision, counted(figures.n_alarms, "alarm")))
    unit = rate_unit(figures.false_alarms_per_hour.value, figures.false_alarms_per_hour.high)
    in_unit = [(name, *_numbers(each), what) for name, each, what in rows]
    value, low, high = (rate_in(each, unit) for each in _ends(figures.false_alarms_per_hour))
    in_unit.append((f"false alarms {a_unit(unit)}", value, low, high, _rate_rests_on(figures, evaluation)))
    if figures.n_timed:
        of_found = f"{counted(figures.n_timed_found, 'event')} found, of {figures.n_timed:,} with times"
        in_unit.append(("time to detect, s (median)", *_numbers(figures.time_to_detect_s), of_found))
    return [("figure", "value", "95 % low", "high", "rests on"), *in_unit]


def _compared(figures: Figures) -> dict[str, Figure]:
    """Collect the figures that compare the scores of both sides, by name."""
    return {
        "AUC of highest scores": figures.auc,
        f"partial AUC (false positive rate <= {100 * MAX_FPR:g} %)": figures.pauc,
        "AUC of mean scores": figures.auc_mean,
        **{
            f"sensitivity at {key} false alarm{'' if key == '1' else 's'} an hour": each
            for key, each in figures.sensitivity_at_fa_per_hour.items()
        },
    }


def _clips(figures: Figures) -> str:
    """Count the clips of both sides that are compared, and the padded ones among them."""
    pieces = " segments" if figures.n_normal != figures.n_recordings else ""
    padded = [f" ({n:,} padded)" if n else "" for n in (figures.n_padded_normal, figures.n_padded_anomalous)]
    return f"{figures.n_normal:,}{pieces}{padded[0]} + {figures.n_anomalous:,} clips{padded[1]}"


def _found(figures: Figures, evaluation: Evaluation) -> str:
    """Count the events that were found, and the missed ones in which no alarm could be raised."""
    shown = f"{figures.n_found:,} of {figures.n_anomalous:,}"
    if not figures.n_too_short:
        return shown
    plan, raise_s = evaluation.plan, evaluation.raise_s
    what = "the first tick" if raise_s * plan.rate_hz <= plan.samples_to_first_tick else "the time to decide"
    why = f"shorter than {duration(raise_s)}, {what}"
    if figures.n_no_tick == figures.n_too_short:
        why = "without a tick that ends in the event"
    elif figures.n_no_tick:
        why += ", or without a tick that ends in the event"
    if missed := figures.n_too_short_missed:
        all_missed = figures.n_anomalous - figures.n_found
        return f"{shown}; {missed:,} of the {all_missed:,} missed {'is' if missed == 1 else 'are'} {why}"
    return f"{shown}; {figures.n_too_short:,} {'is' if figures.n_too_short == 1 else 'are'} {why}"


def label_tables(evaluation: Evaluation) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Return a table of alarms by label for each side that has labels, with the name of the side."""
    odd = "mixes" if evaluation.by_snr else "anomalous"
    sides = (("normal", evaluation.by_label_normal), (odd, evaluation.by_label_anomalous))
    heading = (" or ".join(evaluation.label_keys) or "label", *_LABEL_COLUMNS)
    tables = []
    for what, rows in sides:
        with_short = any(row.n_too_short for row in rows)
        more = (_TOO_SHORT,) if with_short else ()
        cells = [(*_label_row(row), *([f"{row.n_too_short:,}"] if with_short else [])) for row in rows]
        tables += [(what, [(*heading, *more), *cells])] if rows else []
    return tables


def footnotes(evaluation: Evaluation) -> list[str]:
    """Say in lines what the figures mean, what they do not show, and what was left out."""
    elsewhere = "other people, animals or devices" if _is_motion(evaluation) else "other rooms or devices"
    lines = [*evaluation.figures.notes]
    lines.append(
        f"intervals: the wider of {RESAMPLES:,} resamples of whole groups and of the exact interval (Clopper and "
        "Pearson), of groups where there are two or more, else of clips"
    )
    lines.append(f"false alarms: exact Poisson interval (Garwood). No interval covers {elsewhere}")
    if evaluation.figures.n_anomalous:
        lines += [
            f"partial AUC: area below a false positive rate (FPR) of {100 * MAX_FPR:g} %, scaled so that chance is 0.5",
            "an alarm depends on the highest score of a clip; most publications compare mean scores",
        ]
    if not evaluation.known_normal.says and "trained_from" in evaluation.plan.provenance:
        lines.append(
            "this plan does not say which recordings it was trained on: figures on such recordings are not evidence"
        )
    elif not evaluation.known_normal.is_whole:
        lines.append("this plan was made from more recordings than it lists: some of these may be among them")
    lines += _how_cut(evaluation)
    if evaluation.by_label_normal or evaluation.by_label_anomalous:
        short = any(row.n_too_short for row in evaluation.by_label_normal + evaluation.by_label_anomalous)
        lines += [
            "alarm in: clips that raised at least one alarm, with the exact interval of a share (Clopper and Pearson), "
            "which takes clips as independent",
            *([f"{_TOO_SHORT}: clips in which no alarm can be raised, whatever their scores"] if short else []),
            "peak: median of the highest scores, as a multiple of the alarm level",
        ]
    if n := sum(clip.event_s is not None for clip in evaluation.anomalous) * (not evaluation.by_snr):
        lines.append(
            f"{n:,} of {evaluation.figures.n_anomalous:,} anomalous clips say when their event is: an alarm counts "
            f"from the start of the event to {duration(evaluation.decide_s)} after its end"
        )
    if _is_motion(evaluation):
        lines.append("an alarm flags unusual motion; the plan does not say what it was, or whether it matters")
    if evaluation.by_snr:
        lines.append(
            f"a mix counts as flagged when an alarm is raised between the start of the event and "
            f"{duration(evaluation.decide_s)} after its end"
        )
    lines += evaluation.left_out_normal.lines("normal") + evaluation.left_out_anomalous.lines("anomalous")
    return lines


def _how_cut(evaluation: Evaluation) -> list[str]:
    lines = []
    if evaluation.piece_s:
        lines += [
            f"normal clips are compared in equal segments of about {duration(evaluation.piece_s)}, never across gaps, "
            "because longer clips have higher highest scores",
            "alarms and hours are those of whole normal clips, as on a device",
        ]
    for what, clips in (("normal", evaluation.normal), ("anomalous", evaluation.anomalous)):
        if n := sum(clip.padded for clip in clips):
            lines.append(
                f"too short for a tick, {what}: {n:,} of {len(clips):,}; their first and last samples were repeated, "
                "and hours do not count the repetition"
            )
    return lines


def _is_motion(evaluation: Evaluation) -> bool:
    return evaluation.plan.sensor.kind == "motion"


def _label_row(row: LabelAlarms) -> tuple[str, ...]:
    per_hour = row.alarms_per_hour.value
    unit = rate_unit(per_hour)
    return (
        printable(row.label),
        f"{row.n_recordings:,}",
        in_hours(row.hours).removesuffix(" h"),
        f"{row.n_raised:,}",
        *(percent(each) for each in (row.raised.value, row.raised.low, row.raised.high)),
        "-" if per_hour is None else f"{rate_in(per_hour, unit)}/{unit if unit != 'hour' else 'h'}",
        "-" if row.peak_over_raise is None else ratio(row.peak_over_raise),
    )


def _shortened(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Limit rows to what a terminal can show: labels are cut, and the last rows are left out."""
    short = [(name if len(name) <= _WIDEST else f"{name[: _WIDEST - 3]}...", *cells) for name, *cells in rows]
    left = len(short) - 1 - _LONGEST
    if left <= 0:
        return short
    return [*short[: 1 + _LONGEST], (f"and {left:,} more, not shown", *[""] * (len(rows[0]) - 1))]


def _rate_rests_on(figures: Figures, evaluation: Evaluation) -> str:
    shown = f"{counted(figures.n_false_alarms, 'alarm')} in {in_hours(figures.normal_hours)}"
    known = evaluation.known_normal
    if known.names and figures is not evaluation.unknown:
        shown += f"; {len(known.names):,} of {known.n:,} recordings made the plan"
    return shown


def _ends(of: Figure) -> tuple[float | None, float | None, float | None]:
    return of.value, of.low, of.high


def _numbers(of: Figure) -> tuple[str, str, str]:
    value, low, high = map(figure, _ends(of))
    return value, low, high
