"""Tuned herd as one page of HTML that loads nothing; it holds counts only, nothing of the signal."""

from __future__ import annotations

from html import escape
from itertools import islice
from pathlib import Path

from anomsdk.errors import InputError, printable
from anomsdk.tune.assumptions import doubts
from anomsdk.tune.charts import MOST_BUDGETS, MOST_DEVICES, bound_chart, missing_chart
from anomsdk.tune.herd import Tuned
from anomsdk.tune.report_text import causes, limits, misfits, sentence
from anomsdk.tune.table import COLUMNS, cells
from anomsdk.utils.files import write_atomically
from anomsdk.utils.page import page_head

MOST_ROWS = 500
"""Devices of the page's table; the CSV has all."""
_SHOWN = [name for name in COLUMNS if name not in ("plan", "score_id")]

_STYLE = """svg {{ width: 100%; height: auto; font: 12px system-ui, sans-serif; }}
.scroll {{ overflow-x: auto; }} table {{ border-collapse: collapse; font-size: .9rem; }}
th, td {{ text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid #ddd; white-space: nowrap; }}
.finding {{ font-size: 1.15rem; }} .small {{ color: #555; font-size: .9rem; }}
pre {{ overflow-x: auto; font-size: .85rem; }}
@media print {{ @page {{ margin: 15mm; }} body {{ max-width: none; padding: 0; font-size: 10pt; }} }}
"""
_PAGE = (
    page_head(_STYLE)
    + """<h2>Budget against bound, by rung</h2>
{bounds}
<p class="small">Upper bound of the {unit}, for each level that was counted; drawn up to {most} times the budget.
{drawn} A level is certified where it and all higher ones are at the budget or below. {settings}</p>
<h2>Devices and days that do not fit</h2>
<ul>{misfits}</ul>
<h2>{time} missing</h2>
{missing}
<h2>What this does not say</h2>
<ul>{limits}</ul>
<h2>What set the levels</h2>
<ul>{causes}</ul>
{more}
<h2>Devices</h2>
<div class="scroll">{table}</div>
<p class="small">plan {plan}<br>score_id {score_id}</p>
</body>
</html>
"""
)


def as_html(tuned: Tuned, more: str = "") -> str:
    """Make the page: one sentence, charts, devices that do not fit, days missing, assumptions, and the table.

    Parameters
    ----------
    tuned : Tuned
    more : text of `anomsdk.tune.alternatives.alternatives_text`
    """
    n, plan = len(tuned.rows), tuned.given
    settings = f"Confidence {tuned.confidence:g}, bounds {tuned.method}, at most {tuned.max_alarm_fraction:g} in alarm."
    first, *said = limits(tuned)
    del first
    return _PAGE.format(
        title=escape(f"Levels of {plan.name} for {tuned.budget}"),
        finding=escape(printable(sentence(tuned))),
        bounds=bound_chart(tuned),
        unit=escape(f"number of {tuned.budget.unit.name.lower().replace('_', '-')}s in {tuned.budget.period}"),
        most=MOST_BUDGETS,
        drawn=escape(_drawn(n)),
        time="Hours" if tuned.budget.in_hours else "Days",
        settings=escape(settings),
        misfits=_items([*misfits(tuned), *doubts(tuned)]) or "<li>none</li>",
        missing=missing_chart(tuned) or "<p>none</p>",
        limits=_items([line.removeprefix("- ") for line in said]),
        causes=_items(list(causes(tuned))) or "<li>not known: ladders hold counts, no scores</li>",
        more=f"<h2>Other votes and delays</h2><pre>{escape(more)}</pre>" if more else "",
        table=_table(tuned),
        plan=plan.id,
        score_id=plan.score_id,
    )


def _drawn(n: int) -> str:
    if n == 1:
        return "Line: the device."
    drawn = f"{n:,} devices" if n <= MOST_DEVICES else f"{MOST_DEVICES} devices at most, taken evenly of {n:,}"
    return f"Line: the median device; area: all of {drawn}."


def write_html(tuned: Tuned, path: Path, more: str = "") -> None:
    """Write the page to a file, all or nothing; errors as `check_place`."""
    check_place(path)
    write_atomically(path, as_html(tuned, more).encode("utf-8", "replace"))


def check_place(path: Path) -> None:
    """Check before any work that the page can be written at its end.

    Raises
    ------
    InputError : a name that does not end in .html, or no such folder
    """
    where = printable(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{where}: a page is written as .html; give a name that ends in .html")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{where}: cannot be written: no such folder, or this is a folder; choose another place")


def _items(lines: list[str]) -> str:
    return "".join(f"<li>{escape(printable(line))}</li>" for line in lines)


def _table(tuned: Tuned) -> str:
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in _SHOWN)
    rows = list(islice(cells(tuned), MOST_ROWS))
    body = "".join(
        "<tr>" + "".join(f"<td>{'' if row[name] is None else escape(str(row[name]))}</td>" for name in _SHOWN) + "</tr>"
        for row in rows
    )
    rest = len(tuned.rows) - len(rows)
    more = f"<p>and {rest:,} more devices</p>" if rest > 0 else ""
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{more}"
