"""List of a day as one page of HTML for a phone: one column, large type, no script, nothing that is loaded."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from pathlib import Path

import numpy as np

from anomsdk.herd.days.changes import Floats, clock
from anomsdk.herd.days.overview import ChangedAnimal, DaysList
from anomsdk.herd.days.report_text import LIMIT, beside_line, changes_line, common_line, heading, quiet_words
from anomsdk.herd.days.table import check_place
from anomsdk.utils.files import write_atomically
from anomsdk.utils.page import page_head
from anomsdk.utils.text import counted

MOST_CARDS = 300
"""Animals that the page shows before the rest is counted: a phone opens it over a slow network."""
MOST_QUIET = 300
_WIDTH, _HEIGHT, _EDGE = 300, 64, 4
_SPREADS = 2.0
"""Half-width of the own band, in deviations from day to day."""
_STYLE = """body {{ font-size: 19px; max-width: 34rem; }}
h2 {{ font-size: 1.35rem; }} h3 {{ font-size: 1.2rem; margin: 0; }}
article {{ border: 2px solid #ccc; border-left: 10px solid #c0392b; border-radius: 8px; padding: .7rem 1rem;
  margin: 1rem 0; }}
article.old {{ border-left-color: #e08e0b; }} article.common {{ border-left-color: #777; }}
p {{ margin: .4rem 0; }} .small {{ color: #444; font-size: 1rem; }}
.note {{ background: #fff3cd; border-radius: 8px; padding: .7rem 1rem; }}
svg {{ display: block; width: 100%; height: auto; margin-top: .4rem; }}
figure {{ margin: .3rem 0; }} figcaption {{ color: #444; font-size: .95rem; }}
ul {{ padding-left: 1.2rem; }} li {{ margin: .3rem 0; }}
"""
_BAND, _LINE, _NOW = "#cfe0f2", "#1f5fa8", "#c0392b"


def write_html(found: DaysList, path: Path) -> None:
    """Write the page in UTF-8, all or nothing."""
    check_place(path, ".html", "the page of a day")
    write_atomically(path.resolve(), as_html(found).encode("utf-8", "replace"))


def as_html(found: DaysList) -> str:
    """Return the page."""
    title = f"{found.today}: {counted(found.n_new, 'new alarm-day')}"
    parts = [page_head(_STYLE).format(title=escape(title), finding=escape(heading(found)))]
    if found.common:
        parts.append(f'<p class="note">{escape(common_line(found))}</p>')
    for name, is_new in (("New", True), ("Going on", False)):
        some = [each for each in found.changed if each.is_new == is_new]
        if some:
            parts.append(f"<h2>{name}: {len(some):,}</h2>")
            parts += [_card(found, each) for each in some[:MOST_CARDS]]
            parts += _rest(len(some), MOST_CARDS)
    if found.quiet:
        parts.append(f"<h2>Not judged: {len(found.quiet):,}</h2>\n<ul>")
        parts += [
            f"<li><b>{escape(each.device)}</b>: {escape(quiet_words(found, each))}</li>"
            for each in found.quiet[:MOST_QUIET]
        ]
        parts.append("</ul>")
        parts += _rest(len(found.quiet), MOST_QUIET)
    parts.append(
        f'<p class="small">The blue band is the animal\'s own: the mean of the days before, {_SPREADS:g} deviations '
        f"from day to day to each side. The red mark is {found.today}. {escape(LIMIT)}</p>\n</body>\n</html>\n"
    )
    return "\n".join(parts)


def _rest(n: int, most: int) -> list[str]:
    return [f"<p>and {n - most:,} more; the table has all</p>"] if n > most else []


def _card(found: DaysList, each: ChangedAnimal) -> str:
    kind = "common" if each.is_common else "new" if each.is_new else "old"
    first = found.today - timedelta(days=len(each.totals) - 1)
    return (
        f'<article class="{kind}">\n<h3>{escape(each.device)}</h3>\n'
        f"<p>{escape(changes_line(found, each))}</p>\n"
        f'<p class="small">{escape(beside_line(found, each))}</p>\n'
        f"<figure>{_of_days(each.totals)}<figcaption>{escape(found.columns[0])}, each day since {first}</figcaption>"
        f"</figure>\n<figure>{_of_hours(each.today, each.usual)}<figcaption>the day beside its usual one, 0:00 to "
        f"{clock(len(each.today), len(each.today))}</figcaption></figure>\n</article>"
    )


def _of_days(totals: Floats) -> str:
    """Draw the means of the days against the own band."""
    past = totals[:-1][~np.isnan(totals[:-1])]
    if not len(past):
        return ""
    mean, half = float(past.mean()), _SPREADS * float(past.std(ddof=1)) if len(past) > 1 else 0.0
    top = 1.05 * max(float(np.nanmax(totals)), mean + half, 1e-9)
    low, high = _y(max(0.0, mean - half), top), _y(mean + half, top)
    band = f'<rect x="0" y="{high:.1f}" width="{_WIDTH}" height="{max(low - high, 1):.1f}" fill="{_BAND}"/>'
    last = "" if np.isnan(totals[-1]) else _dot(len(totals) - 1, len(totals), float(totals[-1]), top)
    return _svg(band + _lines(totals, top, _LINE) + last, "means of the days, and the own band")


def _of_hours(today: Floats, usual: Floats) -> str:
    """Draw the slots of the day over the usual day."""
    if np.isnan(usual).all():
        return ""
    top = 1.05 * max(float(np.nanmax(np.concatenate([today, usual]))), 1e-9)
    known = np.where(np.isnan(usual), 0, usual)
    n = len(usual)
    corners = " ".join(f"{_x(at, n):.1f},{_y(float(value), top):.1f}" for at, value in enumerate(known))
    area = f'<polygon points="{_x(0, n):.1f},{_HEIGHT} {corners} {_x(n - 1, n):.1f},{_HEIGHT}" fill="{_BAND}"/>'
    return _svg(area + _lines(today, top, _NOW), "slots of the day, and the usual day")


def _svg(inside: str, label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{inside}</svg>'


def _x(at: int, n: int) -> float:
    return _EDGE + (_WIDTH - 2 * _EDGE) * at / max(1, n - 1)


def _y(value: float, top: float) -> float:
    return _HEIGHT - (_HEIGHT - _EDGE) * value / top


def _dot(at: int, n: int, value: float, top: float) -> str:
    return f'<circle cx="{_x(at, n):.1f}" cy="{_y(value, top):.1f}" r="4" fill="{_NOW}"/>'


def _lines(values: Floats, top: float, colour: str) -> str:
    """Draw a line through the values, broken where one is missing; a value alone is a point of it."""
    n, runs = len(values), list[list[str]]([[]])
    for at, value in enumerate(values.tolist()):
        if np.isnan(value):
            runs.append([])
        else:
            runs[-1].append(f"{_x(at, n):.1f},{_y(value, top):.1f}")
    style = f'fill="none" stroke="{colour}" stroke-width="2.5" stroke-linecap="round"'
    return "".join(f'<polyline points="{" ".join(run * 2 if len(run) == 1 else run)}" {style}/>' for run in runs if run)
