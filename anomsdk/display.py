"""Drawing in a terminal: times, bars, tables, a plot, progress. Strings in, strings out; no colour.

Plain text at 80 columns, so that a pipe, a log file and a terminal show the same.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from typing import TextIO

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_OCTAVES_BELOW, _OCTAVES_ABOVE = 6, 3
_PARTS = " ▏▎▍▌▋▊▉█"
_ASCII = str.maketrans("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉─▲▽", "__..::##  --==#-^v")


def safe(text: object) -> str:
    """Text of others (file names, messages) on one line, with nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def show(text: str = "", *, stream: TextIO | None = None) -> None:
    """Print lines at once; blocks become ASCII where the stream's encoding has none."""
    stream = sys.stdout if stream is None else stream
    print(_encodable(text, stream), file=stream, flush=True)


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
    """A length of time in the unit that suits it, to three digits.

    Examples
    --------
    >>> duration(0.032), duration(1.0235), duration(600.0)
    ('32 ms', '1.02 s', '10 min')
    """
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 600 else f"{seconds / 60:.5g} min"


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


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows as aligned columns, the first row being the heading.

    Parameters
    ----------
    rows : every row with as many cells
    right : columns that are aligned to the right
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = (
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return "\n".join([line(rows[0]), "  ".join("─" * w for w in widths), *map(line, rows[1:])])


def plot(
    ratios: Sequence[float],
    seconds: float,
    raised: Sequence[float] = (),
    cleared: Sequence[float] = (),
    *,
    width: int = 72,
) -> str:
    """Score over raise level against time, on a logarithmic axis: one line an octave, 1/64 to 8.

    Parameters
    ----------
    ratios : score over raise level, evenly over the whole time; the highest of each column is drawn
    seconds : the whole time, > 0
    raised, cleared : seconds at which an alarm was raised (▲) and cleared (▽)
    width : columns of the plot itself, 16 or more; the axis takes 7 more
    """
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
    """At most seven labels, at round times."""
    magnitude = 10.0 ** math.floor(math.log10(seconds / 6))
    step = magnitude * next(f for f in (1, 1.5, 2, 3, 5, 10) if f * magnitude * 6 >= seconds * (1 - 1e-9))
    axis = ""
    for i in range(int(seconds / step + 1e-9) + 1):
        label = f"{i * step:.4g} s"
        axis = axis.ljust(min(width - len(label), round(i * step / seconds * width))) + label
    return axis


class Progress:
    """A line on a terminal that says how far a long task is; silent elsewhere, and in the first second.

    Leaving takes the line away, however it is left.

    Parameters
    ----------
    total : units of the whole task, None when unknown: then nothing is drawn
    stream : stderr unless told otherwise
    """

    def __init__(self, total: int | None, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._total = total if total and self._stream.isatty() else None
        self._next = time.monotonic() + 1.0
        self._drawn = 0

    def update(self, done: int) -> None:
        """Draw anew if a tenth of a second has gone by."""
        if self._total is None or (now := time.monotonic()) < self._next:
            return
        self._next = now + 0.1
        fraction = min(1.0, done / self._total)
        text = _encodable(f"{bar(fraction, 40)} {fraction:4.0%}", self._stream)
        self._drawn = len(text)
        self._stream.write("\r" + text)
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, before anything else is printed."""
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._stream.flush()
            self._drawn = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
