"""Charts of a tuned herd as SVG, which any browser draws without a library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from statistics import median

from anomsdk.planner.ladder import counted_in
from anomsdk.tune.certificates import rungs_of, upper_bound
from anomsdk.tune.herd import Tuned

MOST_DEVICES = 200
"""Devices whose bounds are drawn; of more, these are taken evenly from the table."""
MOST_BUDGETS = 10
"""Highest bound that is drawn, in multiples of the budget."""
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 300, 60, 15, 15, 45
_BLUE, _RED, _GREY, _PALE = "#1f5fa8", "#c0392b", "#777777", "#c9d9ec"


def bounds_by_rung(tuned: Tuned) -> list[list[float]]:
    """Compute the upper bound of each rung in the budget's unit per its period, for the devices that are drawn.

    Returns
    -------
    (devices, rungs); empty for devices without a day of service
    """
    rungs, budget = rungs_of(tuned.plan), tuned.budget
    step = max(1, math.ceil(len(tuned.rows) / MOST_DEVICES))
    found = []
    for row in tuned.rows[::step]:
        ladder = tuned.herd.ladders[row.device]
        judged = [counted_in(rungs, each, ladder.ticks, ladder.days, budget.unit) for each in ladder.counts]
        if all(days > 0 for _, days in judged):
            found.append([upper_bound(count, days, budget, tuned.confidence, tuned.method) for count, days in judged])
    return found


def bound_chart(tuned: Tuned) -> str:
    """Draw the bound of each rung against the budget: the median device, the range of all, and the budget."""
    bounds = bounds_by_rung(tuned)
    if not bounds:
        return "<p>No device has a complete day of service yet.</p>"
    by_rung = list(zip(*bounds, strict=True))
    budget = float(tuned.budget.count)
    top = max(budget * 2, min(max(map(max, by_rung)), budget * MOST_BUDGETS))
    n = len(by_rung)

    def x(rung: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (rung / max(1, n - 1))

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(1.0, value / top)

    low, high = [min(each) for each in by_rung], [max(each) for each in by_rung]
    area = [(x(i), y(v)) for i, v in enumerate(high)] + [(x(i), y(v)) for i, v in reversed(list(enumerate(low)))]
    middle = [(x(i), y(median(each))) for i, each in enumerate(by_rung)]
    levels = rungs_of(tuned.plan).raise_scores.tolist()
    marks = "".join(
        _text(x(i), _HEIGHT - _BOTTOM + 16, f"{levels[i]:,}", "end" if i == n - 1 else "middle")
        for i in sorted({0, n // 3, 2 * n // 3, n - 1})
    )
    ticks = "".join(_text(_LEFT - 6, y(value) + 4, f"{value:g}", "end") for value in (0, budget, _nice(top)))
    body = (
        f'<polygon points="{_points(area)}" fill="{_PALE}"/>'
        f'<polyline points="{_points(middle)}" fill="none" stroke="{_BLUE}" stroke-width="2"/>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(budget):.1f}" y2="{y(budget):.1f}" stroke="{_RED}" '
        'stroke-width="2" stroke-dasharray="6 4"/>'
        + _text(_WIDTH - _RIGHT, y(budget) - 6, f"budget {tuned.budget}", "end", _RED)
        + marks
        + ticks
        + _text((_LEFT + _WIDTH) / 2, _HEIGHT - 8, "level of the rung (score)", "middle")
    )
    words = f"Upper bound of the rate by rung against the budget {tuned.budget}"
    return _svg(body, words)


def missing_chart(tuned: Tuned) -> str:
    """Draw how many devices miss how many days, or hours where the budget is in hours; empty where none does."""
    hours = tuned.budget.in_hours
    missing = [math.ceil(tuned.missing_time(row) * (24 if hours else 1)) for row in tuned.rows if row.missing_days]
    if not missing:
        return ""
    step = max(1, math.ceil(max(missing) / 20))
    counts: dict[int, int] = {}
    for days in missing:
        counts[(days - 1) // step] = counts.get((days - 1) // step, 0) + 1
    n, most = max(counts) + 1, max(counts.values())
    wide = (_WIDTH - _LEFT - _RIGHT) / n
    bars = "".join(
        f'<rect x="{_LEFT + i * wide:.1f}" width="{max(1.0, wide - 2):.1f}" '
        f'y="{_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * count / most:.1f}" '
        f'height="{(_HEIGHT - _TOP - _BOTTOM) * count / most:.1f}" fill="{_BLUE}"/>'
        for i, count in sorted(counts.items())
    )
    marks = "".join(
        _text(_LEFT + (i + 1) * wide, _HEIGHT - _BOTTOM + 16, str((i + 1) * step), "end") for i in sorted({0, n - 1})
    )
    body = (
        bars
        + marks
        + _text(_LEFT - 6, _TOP + 4, str(most), "end")
        + _text((_LEFT + _WIDTH) / 2, _HEIGHT - 8, f"further {'hours' if hours else 'days'} without an alarm", "middle")
    )
    return _svg(body, f"Devices by missing {'hours' if hours else 'days'}: {len(missing)} devices")


def _nice(value: float) -> float:
    return float(f"{value:.2g}")


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _text(x: float, y: float, text: str, anchor: str, colour: str = _GREY) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _svg(body: str, words: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(words)}"><title>{escape(words)}</title>'
        f'<line x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="{_GREY}"/>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM}" '
        f'stroke="{_GREY}"/>{body}</svg>'
    )
