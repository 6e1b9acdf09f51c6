"""Evaluation as one page of HTML that loads nothing; it holds scores only, nothing of the signal."""

from __future__ import annotations

import importlib
from collections.abc import Container, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable
from anomsdk.evaluate.clip_scores import ScoredClip
from anomsdk.evaluate.evaluation import Evaluation
from anomsdk.evaluate.finding import sentence_of
from anomsdk.evaluate.report_text import figure_rows, footnotes, label_tables, sections, summary
from anomsdk.utils.files import write_atomically
from anomsdk.utils.page import page_head

_BLUE, _RED, _GREY = "#1f5fa8", "#c0392b", "#777777"
_REDS = (_RED, "#e08e0b", "#8e44ad", "#16a085", "#7f5539")
_EXTREMES = 2  # clips shown of each kind: clearest and weakest anomalous ones, highest normal ones
_MOST_POINTS = 2000  # points of a chart over time; where there are more scores, the highest are kept
_BINS = 40
_SHORT = (
    ("false positive rate", "FPR"),
    ("false alarm an hour", "alarm/h"),
    ("sensitivity at 0.1 false alarms an hour", "sensitivity at 0.1 alarms/h"),
    (": events with an alarm", ""),
    (": alarms within events", ""),
    ("  judged clips only", "- judged clips only"),
)
"""(words in the text report, shorter words on the page): with value and interval a name fits 360 pixels."""

_STYLE = """table {{ border-collapse: collapse; font-size: .9rem; margin-top: 1.5rem; }}
th, td {{ text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }}
.n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
[scope=row] {{ font-weight: normal; }}
@media screen and (max-width: 44rem) {{
  table, tbody {{ display: block; }} thead {{ display: none; }}
  tr {{ display: grid; grid-template-columns: 1fr 1fr; column-gap: 1.5rem; padding: .4rem 0;
    border-bottom: 1px solid #ddd; }}
  td {{ display: flex; justify-content: space-between; gap: 1rem; }}
  td, [scope=row] {{ padding: 0; border: 0; }} [scope=row] {{ grid-column: 1 / -1; font-weight: bold; }}
  td:not(.n) {{ grid-column: 1 / -1; }}
  td::before {{ content: attr(data-name); color: #555; }}
  .figures tr {{ display: flex; gap: .6rem; font-size: .8rem; white-space: nowrap; }}
  .figures [scope=row] {{ flex: 1; overflow: hidden; text-overflow: ellipsis; font-weight: normal; }}
  .figures td::before {{ content: none; }} .figures .rests {{ display: none; }}
  .phone {{ display: block; font-size: .9rem; }}
}}
.finding {{ font-size: 1.15rem; }} .small {{ color: #555; font-size: .9rem; }} .phone {{ display: none; }}
dl {{ margin: .5rem 0; }} dt {{ font-weight: bold; }} dd {{ margin: 0 0 .4rem; }}
figure {{ margin: 0; }} ul {{ padding-left: 1.2rem; }}
@media print {{
  @page {{ margin: 15mm; }}
  body {{ background: #fff; font-size: 10pt; max-width: none; padding: 0; }}
  table {{ font-size: 9pt; }} th, td {{ padding-right: .5rem; }}
  figure, tr, li {{ break-inside: avoid; }} h2 {{ break-after: avoid; }}
}}
"""
_POLICY = "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_PAGE = (
    page_head(_STYLE, policy=_POLICY, more="<script>{library}</script>\n")
    + """{charts}
<h2>Figures</h2>
{figures}
{labels}
<h2>What was evaluated</h2>
<p class="small">{summary}</p>
<ul>{notes}</ul>
{clips}
<script>
const charts = () => document.querySelectorAll(".js-plotly-plot");
addEventListener("beforeprint", () => charts().forEach(c => Plotly.relayout(c, {{width: 660, autosize: false}})));
addEventListener("afterprint", () => charts().forEach(c => Plotly.relayout(c, {{width: null, autosize: true}})));
</script>
</body>
</html>
"""
)


def as_html(evaluation: Evaluation) -> str:
    """Make a page: what was found in one sentence, charts, figures, alarms by label, and the scores of single clips.

    Parameters
    ----------
    evaluation : result of `evaluate`

    Returns
    -------
    one HTML document of about 5 MB; the library that draws the charts is in it

    Raises
    ------
    InputError : plotly is not installed
    """
    plotly = _plotly()
    charts = [("Highest score of each clip", _histogram(evaluation)), ("ROC", _roc(evaluation))]
    lines = [(heading, _time_line(evaluation, clip)) for heading, clip in _telling(evaluation)]
    return _PAGE.format(
        title=escape(f"Evaluation of {evaluation.plan.name}"),
        library=plotly.offline.get_plotlyjs(),
        finding=escape(printable(sentence_of(evaluation))),
        charts=_all_drawn(charts),
        figures="".join(
            _figures(heading, figure_rows(figures, evaluation)) for heading, figures in sections(evaluation)
        ),
        labels="".join(
            _table(f"{side}, by {rows[0][0]}", rows, range(1, len(rows[0]))) for side, rows in label_tables(evaluation)
        ),
        summary="<br>".join(map(escape, summary(evaluation))),
        notes="".join(f"<li>{escape(printable(line))}</li>" for line in footnotes(evaluation)),
        clips=_all_drawn(lines),
    )


def write_html(evaluation: Evaluation, path: str | Path) -> None:
    """Write the page to a file, all or nothing; errors as `check_place`."""
    write_atomically(check_place(path), as_html(evaluation).encode())


def check_place(path: str | Path) -> Path:
    """Check before hours of work that the page can be written at their end.

    Raises
    ------
    InputError : a name that does not end in .html, no such folder, or plotly is not installed
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: a page is written as .html; give a name that ends in .html")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{path}: cannot be written: no such folder, or this is a folder; choose another place")
    _plotly()
    return path


def _plotly() -> Any:
    try:
        importlib.import_module("plotly.graph_objects")
        importlib.import_module("plotly.offline")
        return importlib.import_module("plotly")
    except ModuleNotFoundError:
        raise InputError("plotly is missing, it draws the page; pip install 'anomsdk[report]'") from None


def _table(heading: str, rows: Sequence[Sequence[str]], numbers: Container[int]) -> str:
    """Write a table that becomes a list on a narrow screen: each cell has the name of its column."""
    names = [escape(name) for name in rows[0]]
    kinds = [' class="n"' if i in numbers else "" for i in range(len(names))]

    def line(row: Sequence[str]) -> str:
        first, *cells = map(escape, row)
        parts = zip(kinds[1:], names[1:], cells, strict=True)
        body = "".join(f'<td{kind} data-name="{name}">{cell}</td>' for kind, name, cell in parts)
        return f'<tr><th scope="row">{first}</th>{body}</tr>'

    top = "".join(f'<th scope="col"{kind}>{name}</th>' for kind, name in zip(kinds, names, strict=True))
    title = f"<h2>{escape(heading)}</h2>" if heading else ""
    return f"{title}<table><thead><tr>{top}</tr></thead><tbody>{''.join(map(line, rows[1:]))}</tbody></table>"


def _figures(heading: str, rows: Sequence[Sequence[str]]) -> str:
    """Write figures as a table of four columns; on a phone each is one line, and what they rest on follows below."""
    short = [(_shortened(name), value, _interval(low, high), rests_on) for name, value, low, high, rests_on in rows[1:]]
    names = ("figure", "value", "95 % interval", "rests on")
    kinds = ("", ' class="n"', ' class="n"', ' class="rests"')

    def line(row: Sequence[str]) -> str:
        parts = zip(kinds[1:], names[1:], row[1:], strict=True)
        cells = "".join(f'<td{kind} data-name="{name}">{escape(cell)}</td>' for kind, name, cell in parts)
        return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'

    top = "".join(f'<th scope="col"{kind}>{name}</th>' for kind, name in zip(kinds, names, strict=True))
    body = "".join(map(line, short))
    title = f"<h3>{escape(heading)}</h3>" if heading else ""
    below = "".join(f"<dt>{escape(row[0])}</dt><dd>{escape(row[3])}</dd>" for row in short)
    return (
        f'{title}<table class="figures"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
        f'<details class="phone"><summary>What each figure rests on</summary><dl>{below}</dl></details>'
    )


def _shortened(name: str) -> str:
    """Shorten the name of a figure so that a phone shows it in one line with its value."""
    for long, short in _SHORT:
        name = name.replace(long, short)
    return name


def _interval(low: str, high: str) -> str:
    return "no interval" if "-" in (low, high) else f"{low} to {high}"


def _all_drawn(charts: Sequence[tuple[str, Any]]) -> str:
    return "".join(_drawn(heading, figure) for heading, figure in charts if figure is not None)


def _drawn(heading: str, figure: Any) -> str:
    config = {"displayModeBar": False, "displaylogo": False, "responsive": True}
    chart = figure.to_html(full_html=False, include_plotlyjs=False, config=config)
    return f"<figure><h2>{escape(printable(heading))}</h2>{chart}</figure>"


def _chart(x: str, y: str, *, height: int = 340) -> Any:
    figure = _plotly().graph_objects.Figure()
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 55, "r": 15, "t": 10, "b": 45},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis_title=x,
        yaxis_title=y,
    )
    return figure


def _sets(evaluation: Evaluation) -> list[tuple[str, list[ScoredClip]]]:
    """Group anomalous clips by signal-to-noise ratio; without mixing they are one set."""
    if not evaluation.by_snr:
        return [("anomalous", list(evaluation.anomalous))]
    ratios = [(f"{ratio} dB", float(ratio)) for ratio in evaluation.by_snr]
    return [(name, [clip for clip in evaluation.anomalous if clip.snr_db == ratio]) for name, ratio in ratios]


def _peaks(clips: Sequence[ScoredClip]) -> NDArray[np.float64]:
    return np.array([max(1, clip.peak) for clip in clips], np.float64)  # a logarithm needs more than 0


def _histogram(evaluation: Evaluation) -> Any:
    sets = [("normal", list(evaluation.normal)), *_sets(evaluation)]
    level = evaluation.plan.levels.raise_score
    everything = np.append(_peaks([clip for _, clips in sets for clip in clips]), level)
    edges = np.geomspace(everything.min() / 1.1, everything.max() * 1.1, _BINS + 1)
    figure = _chart("highest score of the clip", "clips")
    most = 1
    for (name, clips), colour in zip(sets, (_BLUE, *_REDS * 9), strict=False):
        counts = np.histogram(_peaks(clips), edges)[0]
        most = max(most, int(counts.max()))
        steps = {"shape": "hv", "color": colour, "width": 1.5}
        x, y = np.append(edges[:1], edges), np.concatenate([[0], counts, [0]])
        figure.add_scatter(x=x.tolist(), y=y.tolist(), name=name, mode="lines", line=steps, fill="tozeroy")
    _level(figure, [level, level], [0, most], "alarm level")
    figure.update_xaxes(type="log")
    return figure


def _roc(evaluation: Evaluation) -> Any:
    if not evaluation.normal or not evaluation.anomalous:
        return None
    figure = _chart("false positive rate", "sensitivity", height=420)
    figure.add_shape(type="rect", x0=0, x1=0.1, y0=0, y1=1, fillcolor="#eeeeee", line_width=0, layer="below")
    normal = np.sort(_peaks(evaluation.normal))
    for (name, clips), colour in zip(_sets(evaluation), _REDS * 9, strict=False):
        if not clips:
            continue
        odd = np.sort(_peaks(clips))
        levels = np.unique(np.concatenate([normal, odd]))[::-1]
        shares = [1 - np.searchsorted(side, levels) / len(side) for side in (normal, odd)]
        x, y = (np.append(0, share).tolist() for share in shares)
        figure.add_scatter(x=x, y=y, name=name, mode="lines", line={"color": colour})
    _level(figure, [0, 1], [0, 1], "chance")
    figure.add_annotation(x=0.1, y=0.02, text="FPR <= 10 %", showarrow=False, xanchor="right")
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(range=[0, 1.02])
    return figure


def _telling(evaluation: Evaluation) -> list[tuple[str, ScoredClip]]:
    """Choose clips to show: the clearest and weakest anomalous ones, and the normal ones with the highest scores."""
    odd = sorted(evaluation.anomalous, key=lambda clip: clip.peak)
    normal = sorted(evaluation.normal, key=lambda clip: -clip.peak)
    missed = odd[: min(_EXTREMES, len(odd) // 2)]
    clearest = odd[len(missed) :][::-1][:_EXTREMES]
    parts = (("Clearest anomaly", clearest), ("Weakest anomaly", missed), ("Highest normal", normal[:_EXTREMES]))
    return [(f"{what}: {clip.name}", clip) for what, clips in parts for clip in clips]


def _time_line(evaluation: Evaluation, clip: ScoredClip) -> Any:
    times, scores = clip.times_s, np.maximum(1, clip.scores)
    if len(scores) > _MOST_POINTS:
        starts = np.arange(_MOST_POINTS) * len(scores) // _MOST_POINTS
        times, scores = times[starts], np.maximum.reduceat(scores, starts)
    figure = _chart("seconds", "score", height=260)
    if clip.event_s is not None:
        start, stop = clip.event_s
        figure.add_vrect(
            x0=start, x1=min(stop, float(clip.times_s[-1])), fillcolor="#fbe9e7", line_width=0, layer="below"
        )
    level = evaluation.plan.levels.raise_score
    figure.add_scatter(
        x=times.tolist(),
        y=scores.tolist(),
        name="score",
        mode="lines+markers",
        line={"color": _BLUE},
        marker={"size": 4},
    )
    _level(figure, [0, float(clip.times_s[-1])], [level, level], "alarm level")
    if clip.raised_s:
        figure.add_scatter(
            x=list(clip.raised_s),
            y=[level] * len(clip.raised_s),
            name="alarm",
            mode="markers",
            marker={"symbol": "triangle-up", "size": 11, "color": _RED},
        )
    figure.update_yaxes(type="log")
    return figure


def _level(figure: Any, x: list[float], y: list[float], name: str) -> None:
    figure.add_scatter(x=x, y=y, name=name, mode="lines", line={"color": _GREY, "dash": "dash", "width": 1.5})
