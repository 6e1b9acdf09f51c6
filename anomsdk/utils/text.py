"""What is printed: times, bars, tables and a plot as plain text; progress and the colours of states by rich.

Without a terminal there are no colours, no progress and no line breaks but our own: a pipe and a log file
get the text itself. On a terminal, or where COLUMNS says how wide lines may be, long lines are broken between words,
and tables that do not fit become lists. rich is imported when something is drawn with it.
"""

from __future__ import annotations

import io
import math
import os
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import rich.progress

STATE_STYLES = {"ALARM": "red", "clear": "green"}
"""Words that say what an alarm does -> their style in rich, for `show`."""

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_OCTAVES_BELOW, _OCTAVES_ABOVE = 6, 3
_PARTS = " ▏▎▍▌▋▊▉█"
LOGGED_EVERY_S = 10.0
_WIDEST = 10_000  # characters of a table's line: rich wants a limit
_NARROWEST = 30
"""Columns that anything is laid out for at least: on fewer, lines are what they are."""
_ASCII = str.maketrans("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉─▲▽", "__..::##  --==#-^v")


def show(
    text: str = "", *, stream: TextIO | None = None, styles: Mapping[str, str] | None = None, wrap: bool = True
) -> None:
    """Print lines at once; blocks become ASCII where the stream's encoding has none.

    Parameters
    ----------
    text : lines, printed as they are: rich's markup means nothing in them
    stream : stdout unless told otherwise
    styles : word -> style in rich, wherever the word stands; on a terminal only, and not under NO_COLOR
    wrap : break long lines as `line_width` says; False for JSON
    """
    stream = sys.stdout if stream is None else stream
    text = _encodable(text, stream)
    if wrap and (width := line_width(stream)) is not None:
        text = "\n".join(part for line in text.split("\n") for part in wrapped(line, width))
    if not styles or not stream.isatty():
        print(text, file=stream, flush=True)
        return
    from rich.console import Console
    from rich.text import Text

    styled = Text(text)
    for word, style in styles.items():
        styled.highlight_words([word], style)
    Console(file=stream, soft_wrap=True).print(styled)


def _encodable(text: str, stream: TextIO) -> str:
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
    return text


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss.s, rounded to the nearest tenth.

    Examples
    --------
    >>> clock(3725.04)
    '1:02:05.0'
    """
    tenths = math.floor(seconds * 10 + 0.5)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{tenths // 10:02}.{tenths % 10}"


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it, to three digits or more.

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
    """Hours to three digits, never in powers of ten and never 0 where there are any.

    Examples
    --------
    >>> in_hours(0.03111), in_hours(240.0), in_hours(12_345.6), in_hours(0.0)
    ('0.0311 h', '240 h', '12,346 h', '0 h')
    """
    return f"{_digits(hours, 3)} h"


def figure(value: float | None, *, digits: int = 3, signed: bool = False) -> str:
    """A share, an area or another figure; it never reads as 0 or 1 unless it is.

    Parameters
    ----------
    value : None: undefined
    digits : after the point; more where fewer would read as another whole number
    signed : with a + or a -, as differences are written

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
    """A share in percent; it never reads as 0 % or 100 % unless it is.

    Parameters
    ----------
    share : 0 to 1; None: undefined
    digits : after the point; more where fewer would read as none or all

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
    """Score over raise level, as people read it.

    Examples
    --------
    >>> ratio(3.24), ratio(0.071), ratio(0.002), ratio(128.3)
    ('3.2x', '0.07x', '<0.01x', '128x')
    """
    if 0 < value < 0.005:
        return "<0.01x"
    return f"{value:.2f}x" if value < 0.995 else f"{value:.1f}x" if value < 99.95 else f"{value:.0f}x"


_HOURS_IN = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.5, "year": 8766.0}
"""Hours in the units that rates are given in; months and years of the Julian calendar, on average."""


def rate_unit(*per_hour: float | None) -> str:
    """The shortest unit of time in which the first rate that is not 0 is 1 or more; else a year.

    Parameters
    ----------
    *per_hour : events an hour, the one that matters most first; None: undefined

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
    """How many that are in a unit of `rate_unit`, to two digits or more; 0 only where there are none.

    Parameters
    ----------
    per_hour : events an hour; None: undefined
    unit : "hour", "day", "week", "month" or "year"
    signed : with a + or a -, as differences are written

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
    """A rate in the unit that suits it: two digits, 1 or more where it can be, never 0 unless it is.

    Parameters
    ----------
    per_hour : events an hour
    noun : what they are, in the singular

    Examples
    --------
    >>> rate(103.0, "alarm"), rate(1.7), rate(3 / 240, "alarm"), rate(3 / 8766), rate(0.0)
    ('103 alarms an hour', '1.7 an hour', '2.1 alarms a week', '3.0 a year', '0 an hour')
    """
    unit = rate_unit(per_hour)
    return f"{rate_in(per_hour, unit)}{f' {noun}s' if noun else ''} {a_unit(unit)}"


def a_unit(unit: str) -> str:
    """A unit of `rate_unit` with its article: "an hour", "a day"."""
    return f"{'an' if unit == 'hour' else 'a'} {unit}"


def _digits(value: float, n: int) -> str:
    """A number >= 0 with ``n`` significant digits, and all of its whole ones, never in powers of ten above 1e-6."""
    if value == 0:
        return "0"
    if value < 1e-6:
        return f"{value:.{n}g}"
    after = max(0, n - 1 - math.floor(math.log10(value)))
    shown = f"{value:,.{after}f}"
    return shown.rstrip("0").rstrip(".") if n > 2 and "." in shown else shown


def line_width(stream: TextIO | None = None) -> int | None:
    """Characters that a line may have; None: any number.

    COLUMNS counts on stdout, else the terminal; on stderr the terminal alone, so that in a log an error is one line.

    Parameters
    ----------
    stream : stdout unless told otherwise
    """
    stream = sys.stdout if stream is None else stream
    columns, said = 0, os.environ.get("COLUMNS", "")
    if stream is not sys.stderr and said.isascii() and said.isdecimal():
        columns = int(said[:6])
    elif stream.isatty():
        with suppress(OSError, ValueError):  # a stream without a file
            columns = os.get_terminal_size(stream.fileno()).columns
    return columns if columns >= _NARROWEST else None


def wrapped(line: str, width: int) -> list[str]:
    """A line in pieces of at most ``width`` characters, broken between words; what goes on is indented.

    Examples
    --------
    >>> wrapped("  file             model.tflite", 20)
    ['  file', '      model.tflite']
    """
    if len(line) <= width:
        return [line]
    indent = min(len(line) - len(line.lstrip()) + 4, width // 2)
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * indent,
        expand_tabs=False,
        replace_whitespace=False,
        break_on_hyphens=False,
    )


def counted(n: int, noun: str) -> str:
    """A count and its noun.

    Examples
    --------
    >>> counted(1, "alarm"), counted(14059, "tick")
    ('1 alarm', '14,059 ticks')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def bar(fraction: float, width: int) -> str:
    """A bar of eighths of a character; ``fraction`` is cut to 0 to 1.

    Examples
    --------
    >>> bar(0.5, 5)
    '██▌  '
    """
    eighths = round(max(0.0, min(1.0, fraction)) * width * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_PARTS[part] if part else "")).ljust(width)


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), width: int | None = None) -> str:
    """Rows as aligned columns of plain text, as wide as they need, the first row being the heading.

    Where lines may not be so wide, each row becomes a paragraph in which every cell carries the name of its column.

    Parameters
    ----------
    rows : every row with as many cells
    right : columns that are aligned to the right
    width : characters of a line; None: as `line_width` says of stdout
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
    """A row of a table that is too wide: its first cell, then names and values, as many a line as there is room for."""
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
    """Score over raise level against time, on a logarithmic axis: one line an octave, 1/64 to 8.

    Parameters
    ----------
    ratios : score over raise level, evenly over the whole time; the highest of each column is drawn
    seconds : the whole time, > 0
    raised, cleared : seconds at which an alarm was raised (▲) and cleared (▽)
    width : columns of the plot itself, 16 or more; the axis takes 7 more. None: 72, or what `line_width` leaves
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
        if octave == 0:  # the lower edge of this line is the raise level
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
    """At most seven labels, at round times; fewer where there is little room."""
    most = max(1, min(6, width // 10))
    magnitude = 10.0 ** math.floor(math.log10(seconds / most))
    step = magnitude * next(f for f in (1, 1.5, 2, 3, 5, 10) if f * magnitude * most >= seconds * (1 - 1e-9))
    axis = ""
    for i in range(int(seconds / step + 1e-9) + 1):
        label = f"{i * step:.4g} s"
        axis = axis.ljust(min(width - len(label), round(i * step / seconds * width))) + label
    return axis


class Progress:
    """A line on a terminal that says how far a long task is; silent elsewhere, and in the first second.

    It is drawn by `update` and by nothing else: no thread runs. Leaving takes it away, however it is left.

    Parameters
    ----------
    total : units of the whole task, None when unknown: then nothing is drawn
    stream : stderr unless told otherwise
    log : name of a task that takes minutes: where the stream is no terminal, a line every 10 s says how far it is
    """

    def __init__(self, total: int | None, stream: TextIO | None = None, *, log: str | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        drawn = self._stream.isatty()
        self._total = total if total and (drawn or log is not None) else None
        self._log = None if drawn else log
        self._start = time.monotonic()
        self._next = self._start + (1.0 if self._log is None else LOGGED_EVERY_S)
        self._doing = ""
        self._drawn: rich.progress.Progress | None = None

    def doing(self, words: str) -> None:
        """Say what the task is at, for its lines in a log."""
        self._doing = f", {words}"

    def update(self, done: int) -> None:
        """Draw anew if a tenth of a second has gone by, or write a line after ten seconds."""
        if self._total is None or (now := time.monotonic()) < self._next:
            return
        if self._log is not None:
            self._next = now + LOGGED_EVERY_S
            percent, spent = 100 * min(done, self._total) // self._total, clock(now - self._start)
            show(f"{self._log}: {percent} % after {spent}{self._doing}", stream=self._stream, wrap=False)
            return
        self._next = now + 0.1
        if self._drawn is None:
            self._drawn = _progress_line(self._stream, self._total)
        self._drawn.update(self._drawn.task_ids[0], completed=min(done, self._total))
        self._drawn.start()  # again, after `clear`
        self._drawn.refresh()

    def clear(self) -> None:
        """Take the line away, before anything else is printed."""
        if self._drawn is not None and self._drawn.live.is_started:
            self._drawn.stop()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


def _progress_line(stream: TextIO, total: int) -> rich.progress.Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    console = Console(file=stream)
    line = Progress(
        BarColumn(bar_width=max(4, min(40, console.width - 16))),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not console.is_interactive,
    )
    line.add_task("", total=total)
    return line
