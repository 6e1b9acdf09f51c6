"""Evaluation of days as text, as JSON values, and as one page of HTML without a script."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from anomsdk.errors import InputError, printable
from anomsdk.evaluate.day_evaluation import DayEvaluation, KindFigures
from anomsdk.evaluate.day_events import AFTER_DAYS, BEFORE_DAYS, LabelLead
from anomsdk.stats.intervals import CONFIDENCE, RESAMPLES, Figure
from anomsdk.utils.files import write_atomically
from anomsdk.utils.page import page_head
from anomsdk.utils.text import counted, figure, percent, table

GENERATED = "changes are generated and put into the given days; nobody labelled an illness in them"
_MOST_ANIMALS = 40
_STYLE = """table {{ border-collapse: collapse; font-size: .9rem; margin-top: 1rem; display: block; overflow-x: auto; }}
th, td {{ text-align: right; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid #ddd; white-space: nowrap; }}
th:first-child, td:first-child {{ text-align: left; }}
.finding {{ font-size: 1.15rem; }} .small {{ color: #555; font-size: .9rem; }}
"""
_PAGE = page_head(_STYLE) + "{parts}\n<h2>What was evaluated</h2>\n<ul>{notes}</ul>\n</body>\n</html>\n"
_Rows = list[tuple[str, ...]]


def sentence_of(evaluation: DayEvaluation) -> str:
    """Say in one sentence on how many days there was an alarm, and how many generated changes were found."""
    judged, days = evaluation.total("judged"), evaluation.total("alarm_days")
    words = (
        f"On {days:,} of {counted(judged, 'judged animal-day')} an alarm stood "
        f"({_in_1000(evaluation.per_1000)} in 1,000)"
    )
    if evaluation.kinds:
        n, found = sum(each.n for each in evaluation.kinds), sum(each.n_found for each in evaluation.kinds)
        words += f", and on {found:,} of {n:,} generated changes"
    else:
        words += "; no change was put in"
    return f"{words}."


def tables(evaluation: DayEvaluation) -> list[tuple[str, _Rows]]:
    """Return the tables of the reports, each with its heading: rates, changes, labels, animals."""
    ends = ("95 % low", "high")
    rates: _Rows = [("in 1,000 judged animal-days", "value", *ends, "count")]
    for name, each, count in (
        ("alarm-days", evaluation.per_1000, evaluation.total("alarm_days")),
        ("episodes", evaluation.episodes_per_1000, evaluation.total("episodes")),
    ):
        rates.append((name, *(_number(end) for end in (each.value, each.low, each.high)), f"{count:,}"))
    found: list[tuple[str, _Rows]] = [("", rates)]
    if evaluation.kinds:
        rows: _Rows = [("generated change", "found", *ends, "of", "AUC", *ends)]
        rows += [_kind_row(each) for each in evaluation.kinds]
        untouched = evaluation.untouched_found
        rows.append(("no change: an alarm begins", *map(percent, _ends(untouched)), "", "", "", ""))
        found.append(("Generated changes", rows))
    if evaluation.leads is not None and evaluation.leads.labels:
        rows = [("label", "found", *ends, "of", "lead, h", *ends)]
        rows += [_label_row(each) for each in evaluation.leads.labels]
        found.append(("Labelled events", rows))
    rows = [("animal", "days", "judged", "alarm-days", "episodes")]
    worst = sorted(evaluation.animals, key=lambda each: (-each.alarm_days, each.name))
    for each_animal in worst[:_MOST_ANIMALS]:
        counts = (each_animal.days, each_animal.judged, each_animal.alarm_days, each_animal.episodes)
        rows.append((printable(each_animal.name), *(f"{count:,}" for count in counts)))
    found.append(("Animals", rows))
    return found


def notes(evaluation: DayEvaluation) -> list[str]:
    """Return the lines that say what was evaluated, and what the figures cannot show."""
    plan = evaluation.plan
    judged, given = evaluation.total("judged"), evaluation.total("days")
    lines = [
        f"plan {plan.name} {plan.id[:12]}, alarm level {plan.levels.raise_score:,}, engine {evaluation.engine}, "
        f"seed {evaluation.seed}",
        f"{counted(len(evaluation.animals), 'animal')}, {given:,} days, {judged:,} judged: the others were learnt, or "
        "had too few slots",
        f"an episode begins with an alarm-day after {counted(evaluation.episode_gap, 'day')} without one",
        f"intervals: {CONFIDENCE:.0%}".replace("95%", "95 %") + f", of {RESAMPLES:,} resamples of animals, or wider",
        GENERATED,
    ]
    if evaluation.kinds:
        lines.append(
            f"changes went into days of {counted(evaluation.n_changed_animals, 'animal')} that began without an alarm; "
            "found: an alarm stood on a changed day. AUC: by the score of the last slot, against untouched days"
        )
    if evaluation.leads is not None:
        lines.append(
            f"an alarm counts for an event from {BEFORE_DAYS} days before to {AFTER_DAYS} day after its start; a lead "
            f"below 0 came after it; {counted(evaluation.leads.n_unjudged, 'event')} without a judged day left out"
        )
    if len(evaluation.animals) > _MOST_ANIMALS:
        lines.append(f"the {_MOST_ANIMALS} animals with the most alarm-days are listed")
    return [printable(line) for line in lines]


def as_text(evaluation: DayEvaluation) -> str:
    """Write an evaluation of days as text.

    Parameters
    ----------
    evaluation : result of `evaluate_days`
    """
    parts = [sentence_of(evaluation)]
    for heading, rows in tables(evaluation):
        parts.append((f"{heading}\n" if heading else "") + table(rows, right=range(1, len(rows[0]))))
    parts.append("\n".join(notes(evaluation)))
    return "\n\n".join(parts)


def as_json(evaluation: DayEvaluation) -> dict[str, Any]:
    """Convert an evaluation of days to JSON values; undefined values are null.

    Parameters
    ----------
    evaluation : result of `evaluate_days`

    Returns
    -------
    ``alarm_days_per_1000`` and ``episodes_per_1000``, each {"value", "low", "high"}; ``judged_days``, ``alarm_days``
    and ``episodes``; ``changes``: name -> {"words", "n", "n_found", "found", "auc"}; ``untouched_found``; ``labels``:
    label -> {"n", "n_found", "found", "lead_h"}, null without labels; ``animals``: a list; plan, engine and seed
    """
    leads = evaluation.leads
    return {
        "judged_days": evaluation.total("judged"),
        "alarm_days": evaluation.total("alarm_days"),
        "episodes": evaluation.total("episodes"),
        "episode_gap_days": evaluation.episode_gap,
        "alarm_days_per_1000": _json(evaluation.per_1000),
        "episodes_per_1000": _json(evaluation.episodes_per_1000),
        "changes": {
            each.name: {
                "words": each.words,
                "n": each.n,
                "n_found": each.n_found,
                "found": _json(each.found),
                "auc": _json(each.auc),
            }
            for each in evaluation.kinds
        },
        "changes_are": GENERATED,
        "n_changed_animals": evaluation.n_changed_animals,
        "untouched_found": _json(evaluation.untouched_found),
        "labels": None
        if leads is None
        else {
            each.label: {
                "n": each.n,
                "n_found": each.n_found,
                "found": _json(each.found),
                "lead_h": _json(each.lead_h),
            }
            for each in leads.labels
        },
        "n_events_unjudged": None if leads is None else leads.n_unjudged,
        "animals": [vars(each) for each in evaluation.animals],
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "plan": {"name": evaluation.plan.name, "id": evaluation.plan.id, "score_id": evaluation.plan.score_id},
        "raise_score": evaluation.plan.levels.raise_score,
        "engine": evaluation.engine,
        "seed": evaluation.seed,
    }


def as_html(evaluation: DayEvaluation) -> str:
    """Make a page of an evaluation of days; it loads nothing and runs nothing.

    Parameters
    ----------
    evaluation : result of `evaluate_days`
    """
    parts = []
    for heading, rows in tables(evaluation):
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
        above = f"<h2>{escape(heading)}</h2>\n" if heading else ""
        parts.append(f"{above}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return _PAGE.format(
        title=escape(f"Evaluation of {printable(evaluation.plan.name)}"),
        finding=escape(sentence_of(evaluation)),
        parts="\n".join(parts),
        notes="".join(f"<li>{escape(line)}</li>" for line in notes(evaluation)),
    )


def check_place(path: Path) -> None:
    """Check before the work that a page can be written at its end.

    Raises
    ------
    InputError : a name that does not end in .html, or no such folder
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: a page is written as .html; give a name that ends in .html")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{path}: cannot be written: no such folder, or this is a folder; choose another place")


def write_html(evaluation: DayEvaluation, path: Path) -> None:
    """Write the page of an evaluation of days.

    Parameters
    ----------
    evaluation : result of `evaluate_days`
    path : file to write; it appears whole or not at all
    """
    write_atomically(path, as_html(evaluation).encode())


def _kind_row(each: KindFigures) -> tuple[str, ...]:
    shares = map(percent, _ends(each.found))
    return (each.words, *shares, f"{each.n:,}", *map(figure, _ends(each.auc)))


def _label_row(each: LabelLead) -> tuple[str, ...]:
    shares, leads = map(percent, _ends(each.found)), map(_number, _ends(each.lead_h))
    return (printable(each.label), *shares, f"{each.n:,}", *leads)


def _ends(each: Figure) -> tuple[float | None, float | None, float | None]:
    return each.value, each.low, each.high


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _in_1000(each: Figure) -> str:
    value = _number(each.value)
    return value if each.low is None else f"{value}, 95 % interval {_number(each.low)} to {_number(each.high)}"


def _json(each: Figure) -> dict[str, float | None]:
    return {"value": each.value, "low": each.low, "high": each.high}
