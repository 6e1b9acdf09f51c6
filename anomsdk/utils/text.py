"""Figures as people read them: times, counts, shares and rates; bars, tables and a plot in plain text.

Tables and plots fit `anomsdk.utils.terminal.line_width`. A table that is wider becomes paragraphs.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from anomsdk.utils.terminal import line_width, wrapped

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_PARTS = " ▏▎▍▌▋▊▉█"
_OCTAVES_BELOW, _OCTAVES_ABOVE = 6, 3
"""Octaves of a plot below and above the alarm level: 1/64 to 8."""
_WIDEST = 10_000
"""Characters of a table's line before it is measured: rich needs a limit."""


def clock(seconds: float) -> str:
    """Format seconds as h:mm:ss.s, rounded to the nearest tenth.

    Examples
    --------
    >>> clock(3725.04)
    '1:02:05.0'
    """
    tenths = math.floor(seconds * 10 + 0.5)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{tenths // 10:02}.{tenths % 10}"


def day_clock(seconds: float) -> str:
    """Format the time since slot 0 of a diary as day, from 1, and hour of the day, rounded to the nearest minute.

    Examples
    --------
    >>> day_clock(0.0), day_clock(86_400 * 7 + 14.5 * 3600)
    ('day 1 00:00', 'day 8 14:30')
    """
    days, minutes = divmod(math.floor(seconds / 60 + 0.5), 1440)
    return f"day {days + 1} {minutes // 60:02}:{minutes % 60:02}"


def in_days(seconds: float) -> str:
    """Format a length of time in days, to three digits.

    Examples
    --------
    >>> in_days(7 * 86_400.0), in_days(86_400.0), in_days(90_000.0)
    ('7 days', '1 day', '1.04 days')
    """
    shown = _digits(seconds / 86_400, 3)
    return f"{shown} day" if shown == "1" else f"{shown} days"


def duration(seconds: float) -> str:
    """Format a length of time in ms, s, min or h, whichever suits it, to three digits or more.

    Examples
    --------
    >>> duration(0.032), duration(1.0235), duration(600.0), duration(864_000.0)
    ('32 ms', '1.02 s', '10 min', '240 h')
    """
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 600:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.5g} min" if seconds < 36_000 else f"{in_hours(seconds / 3600)}"


def in_hours(hours: float) -> str:
    """Format hours to three digits, without powers of ten; "0 h" means exactly none.

    Examples
    --------
    >>> in_hours(0.03111), in_hours(240.0), in_hours(12_345.6), in_hours(0.0)
    ('0.0311 h', '240 h', '12,346 h', '0 h')
    """
    return f"{_digits(hours, 3)} h"


def figure(value: float | None, *, digits: int = 3, signed: bool = False) -> str:
    """Format a share, an area or another figure; "0.000" and "1.000" mean exactly 0 and 1.

    Parameters
    ----------
    value : None: undefined
    digits : digits after the point; up to two more where fewer would read as a whole number that the value is not
    signed : write the sign of a positive value, too, as in a difference

    Examples
    --------
    >>> figure(0.8333), figure(1.0), figure(0.99973), figure(0.0004), figure(1e-9), figure(-0.00002, signed=True)
    ('0.833', '1.000', '0.9997', '0.0004', '<0.00001', '-0.00002')
    >>> figure(None)
    '-'
    """
    if value is None:
        return "-"
    sign = "+" if signed else ""
    for more in range(digits, digits + 3):
        shown = f"{value:{sign}.{more}f}"
        if float(shown) == value or float(shown) not in (-1.0, 0.0, 1.0):
            return shown
    if 0 <= value <= 1 and not signed:
        return f"<{10.0**-more:.{more}f}" if value < 0.5 else f">{1 - 10.0**-more:.{more}f}"
    return f"{value:{sign}.1g}" if abs(value) < 0.5 else f"{value:{sign}.9g}"


def percent(share: float | None, *, digits: int = 1) -> str:
    """Format a share in percent; "0.0%" and "100.0%" mean exactly none and all.

    Parameters
    ----------
    share : 0 to 1; None: undefined
    digits : digits after the point; up to two more where fewer would read as none or all

    Examples
    --------
    >>> percent(0.5), percent(1.0), percent(0.9997), percent(0.00004), percent(1e-9), percent(0.0)
    ('50.0%', '100.0%', '99.97%', '0.004%', '<0.001%', '0.0%')
    """
    if share is None:
        return "-"
    for more in range(digits, digits + 3):
        shown = f"{100 * share:.{more}f}"
        if float(shown) not in (0.0, 100.0) or share in (0.0, 1.0):
            return f"{shown}%"
    return f"<{10.0**-more:.{more}f}%" if share < 0.5 else f">{100 - 10.0**-more:.{more}f}%"


def ratio(value: float) -> str:
    """Format score over alarm level as a multiple, from "<0.01x" up.

    Examples
    --------
    >>> ratio(3.24), ratio(0.071), ratio(0.002), ratio(128.3)
    ('3.2x', '0.07x', '<0.01x', '128x')
    """
    if 0 < value < 0.005:
        return "<0.01x"
    return f"{value:.2f}x" if value < 0.995 else f"{value:.1f}x" if value < 99.95 else f"{value:.0f}x"


_HOURS_IN = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.5, "year": 8766.0}
"""Unit of a rate -> its hours; months and years are averages of the Julian calendar."""


def rate_unit(*per_hour: float | None) -> str:
    """Choose the shortest unit of time in which the first rate other than 0 is 1 or more; a year if there is none.

    Parameters
    ----------
    *per_hour : rates, events an hour, the most important first; None: undefined

    Examples
    --------
    >>> rate_unit(2.5), rate_unit(0.0, 3 / 240), rate_unit(1e-9), rate_unit(None)
    ('hour', 'week', 'year', 'hour')
    """
    first = next((rate for rate in per_hour if rate), None)
    if first is None:
        return "hour"
    return next((unit for unit, hours in _HOURS_IN.items() if abs(first) * hours >= 1), "year")


def rate_in(per_hour: float | None, unit: str, *, signed: bool = False) -> str:
    """Format a rate in events per unit of time, to two digits or more; "0" means exactly none.

    Parameters
    ----------
    per_hour : events an hour; None: undefined
    unit : "hour", "day", "week", "month" or "year"
    signed : write the sign of a positive rate, too, as in a difference

    Examples
    --------
    >>> rate_in(118.571, "hour"), rate_in(3 / 240, "week"), rate_in(0.0, "day"), rate_in(-1 / 240, "month", signed=True)
    ('119', '2.1', '0', '-3.0')
    """
    if per_hour is None:
        return "-"
    value = per_hour * _HOURS_IN[unit]
    return f"{'-' if value < 0 else '+' if signed and value > 0 else ''}{_digits(abs(value), 2)}"


def rate(per_hour: float, noun: str = "") -> str:
    """Format a rate in the unit that `rate_unit` chooses, to two digits or more; "0" means exactly none.

    Parameters
    ----------
    per_hour : events an hour
    noun : name of one event, in the singular

    Examples
    --------
    >>> rate(103.0, "alarm"), rate(1.7), rate(3 / 240, "alarm"), rate(3 / 8766), rate(0.0)
    ('103 alarms an hour', '1.7 an hour', '2.1 alarms a week', '3.0 a year', '0 an hour')
    """
    unit = rate_unit(per_hour)
    return f"{rate_in(per_hour, unit)}{f' {noun}s' if noun else ''} {a_unit(unit)}"


def a_unit(unit: str) -> str:
    """Put the article before a unit of `rate_unit`: "an hour", "a day"."""
    return f"{'an' if unit == 'hour' else 'a'} {unit}"


def _digits(value: float, n: int) -> str:
    """Format a number >= 0 to ``n`` significant digits, or all of its whole part; no powers of ten from 1e-6 up."""
    if value == 0:
        return "0"
    if value < 1e-6:
        return f"{value:.{n}g}"
    after = max(0, n - 1 - math.floor(math.log10(value)))
    shown = f"{value:,.{after}f}"
    return shown.rstrip("0").rstrip(".") if n > 2 and "." in shown else shown


def counted(n: int, noun: str) -> str:
    """Format a count with its noun in the singular or the plural.

    Examples
    --------
    >>> counted(1, "alarm"), counted(14059, "tick")
    ('1 alarm', '14,059 ticks')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def bar(fraction: float, width: int) -> str:
    """Draw a bar to an eighth of a character; ``fraction`` is clipped to 0 to 1.

    Examples
    --------
    >>> bar(0.5, 5)
    '██▌  '
    """
    eighths = round(max(0.0, min(1.0, fraction)) * width * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_PARTS[part] if part else "")).ljust(width)


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), width: int | None = None) -> str:
    """Lay rows out as aligned columns of plain text; the first row is the heading.

    A table wider than a line becomes paragraphs, one a row, in which every cell carries the name of its column.

    Parameters
    ----------
    rows : all of the same number of cells
    right : indices of the columns that are aligned to the right
    width : characters that fit on a line; None: those of stdout, see `anomsdk.utils.terminal.line_width`
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    heading, *body = rows
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for i, name in enumerate(heading):
        drawn.add_column(name, justify="right" if i in right else "left", no_wrap=True)
    for row in body:
        drawn.add_row(*row)
    console = Console(file=io.StringIO(), width=_WIDEST, color_system=None, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(drawn)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    width = line_width() if width is None else width
    if width is not None and max(map(len, lines), default=0) > width:
        return "\n".join(line for row in body for line in _paragraph(heading, row, width))
    return "\n".join(lines)


def _paragraph(heading: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """Write one row of a table that is too wide: its first cell, then pairs of name and value, filling each line."""
    first = f"{heading[0]}: {row[0]}" if heading[0] and row[0] else heading[0] + row[0]
    names, cells = heading[1:], row[1:]
    if not heading[0] and cells:  # a mark, such as that of the best
        first, names, cells = f"{first or '-'} {names[0]}: {cells[0]}", names[1:], cells[1:]
    lines, line = wrapped(first or "-", width), ""
    for name, cell in zip(names, cells, strict=True):
        if not cell.strip():
            continue
        pair = f"{name} {cell.strip()}".strip()
        if line and len(line) + 2 + len(pair) > width:
            lines += wrapped(line, width)
            line = ""
        line = f"{line}, {pair}" if line else f"  {pair}"
    return [*lines, *(wrapped(line, width) if line else [])]


def plot(
    ratios: Sequence[float],
    seconds: float,
    raised: Sequence[float] = (),
    cleared: Sequence[float] = (),
    *,
    width: int | None = None,
) -> str:
    """Plot score over alarm level against time on a logarithmic axis: one line an octave, from 1/64 to 8.

    Parameters
    ----------
    ratios : score over alarm level, at even steps over the whole time; each column shows its highest
    seconds : length of the whole time, > 0
    raised, cleared : times at which an alarm was raised (▲) and cleared (▽), in seconds
    width : columns of the plot without its axis, 16 or more; the axis takes 7 more. None: at most 72, to fit a line
    """
    if width is None:
        width = min(72, max(16, (line_width() or 79) - 7))
    eighths = []
    for column in range(width):
        start = column * len(ratios) // width
        highest = max(ratios[start : max(start + 1, (column + 1) * len(ratios) // width)], default=0.0)
        eighths.append(round(8 * (math.log2(max(highest, 2.0**-_OCTAVES_BELOW)) + _OCTAVES_BELOW)))
    lines = []
    for octave in range(_OCTAVES_ABOVE - 1, -_OCTAVES_BELOW - 1, -1):
        filled = (e - 8 * (octave + _OCTAVES_BELOW) for e in eighths)
        cells = "".join(_EIGHTHS[max(0, min(8, part))] for part in filled)
        if octave == 0:  # the lower edge of this line is the alarm level
            cells = cells.replace(" ", "_")
        name = {_OCTAVES_ABOVE - 1: "8x", 0: "raise", -_OCTAVES_BELOW: "1/64x"}.get(octave, "")
        lines.append(f"{name:>5} |{cells}".rstrip())
    marks = [" "] * width
    for times, mark in ((cleared, "▽"), (raised, "▲")):
        for t in times:
            marks[min(width - 1, int(t / seconds * width))] = mark
    if raised or cleared:
        lines.append(" " * 7 + "".join(marks).rstrip())
    lines.append(" " * 7 + _time_axis(seconds, width))
    return "\n".join(lines)


def _time_axis(seconds: float, width: int) -> str:
    """Label the time axis at round times: seven labels at most, fewer where there is little room."""
    most = max(1, min(6, width // 10))
    magnitude = 10.0 ** math.floor(math.log10(seconds / most))
    step = magnitude * next(f for f in (1, 1.5, 2, 3, 5, 10) if f * magnitude * most >= seconds * (1 - 1e-9))
    axis = ""
    for i in range(int(seconds / step + 1e-9) + 1):
        label = f"{i * step:.4g} s"
        axis = axis.ljust(min(width - len(label), round(i * step / seconds * width))) + label
    return axis
