"""Printing: lines as wide as the terminal, colours for the states of an alarm, and progress of long tasks.

A pipe and a log file get the text itself: no colours, no bar, and no line breaks but those of the text. Long lines are
broken between words on a terminal, and where COLUMNS is set. rich is imported only when something is drawn with it.
"""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import rich.progress

STATE_STYLES = {"ALARM": "red", "clear": "green"}
"""Word for a change of the alarm -> its style in rich, for `show`."""

LOGGED_EVERY_S = 10.0
"""Seconds between two lines of progress in a log."""

_NARROWEST = 30
"""Fewest columns that text is laid out for. Where there are fewer, lines are not broken."""
_ASCII = str.maketrans("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉─▲▽", "__..::##  --==#-^v")
_bars: list[Progress] = []
"""Progress bars that stand on a terminal now; `show` takes them away before it prints."""


def show(
    text: str = "", *, stream: TextIO | None = None, styles: Mapping[str, str] | None = None, wrap: bool = True
) -> None:
    """Print lines at once; blocks become ASCII where the encoding of the stream has none.

    Parameters
    ----------
    text : lines, printed as they are: rich's markup means nothing in them
    stream : stdout by default
    styles : word -> style in rich, applied wherever the word stands; on a terminal only, and not under NO_COLOR
    wrap : break long lines at `line_width`; False for JSON
    """
    for bar in tuple(_bars):
        bar.clear()
    stream = sys.stdout if stream is None else stream
    text = _encodable(text, stream)
    if wrap and (width := line_width(stream)) is not None:
        text = "\n".join(part for line in text.split("\n") for part in wrapped(line, width))
    if not styles or not stream.isatty():
        stream.write(f"{text}\n")  # at once, so that lines of two threads do not mix
        stream.flush()
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


def line_width(stream: TextIO | None = None) -> int | None:
    """Characters that fit on a line; None: any number.

    On stdout COLUMNS comes first, then the width of the terminal. On stderr only the terminal counts, so that an error
    is one line in a log.

    Parameters
    ----------
    stream : stdout by default
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
    """Break a line between words into parts of at most ``width`` characters; all but the first are indented.

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


class Progress:
    """Progress of a long task: a bar on a terminal, a line every 10 s in a log.

    The bar appears after one second, and only `update` draws it. A line in a log says the share that is done, the time
    spent and the time left as h:mm:ss, and the current step. A thread writes it if no `update` comes for 10 s. Leaving
    the context takes the bar away and ends the thread.

    Parameters
    ----------
    total : units of the whole task. None: not known yet. 0: endless, and nothing is shown
    stream : stderr by default
    log : name of the task in a log; None: nothing is written to a log

    Examples
    --------
    >>> with Progress(log="evaluate") as progress:
    ...     progress.doing("scoring")
    ...     progress.update(3, 10)
    """

    def __init__(self, total: int | None = None, stream: TextIO | None = None, *, log: str | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._done, self._total = 0, total
        self._on_terminal, self._log = self._stream.isatty(), log
        self._start = time.monotonic()
        self._next = self._start + (1.0 if self._on_terminal else LOGGED_EVERY_S)
        self._step = ""
        self._drawn: rich.progress.Progress | None = None
        self._writing, self._left = threading.Lock(), threading.Event()
        self._writer: threading.Thread | None = None

    def doing(self, step: str) -> None:
        """Name the step that runs now; lines in a log say it, also while the total is not known."""
        self._step = step

    def update(self, done: int, total: int | None = None) -> None:
        """Draw the bar anew if 0.1 s have passed since the last time, or write a line if 10 s have.

        Parameters
        ----------
        done : units that are done; more than the total counts as the total
        total : units of the whole task, where that was not known before or has changed
        """
        self._done, self._total = done, self._total if total is None else total
        if not self._on_terminal:
            self._write()
        elif self._total and (now := time.monotonic()) >= self._next:
            self._next = now + 0.1
            self._draw(min(done, self._total), self._total)

    def clear(self) -> None:
        """Take the bar away until the next `update`."""
        if self in _bars:
            _bars.remove(self)
        if self._drawn is not None and self._drawn.live.is_started:
            self._drawn.stop()

    def __enter__(self) -> Progress:
        if self._log is not None and not self._on_terminal:
            self._writer = threading.Thread(target=self._keep_writing, daemon=True)
            self._writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self._left.set()
        if self._writer is not None:
            self._writer.join(1.0)  # not for ever, where nobody empties the pipe

    def _draw(self, done: int, total: int) -> None:
        if self._drawn is None:
            self._drawn = _progress_bar(self._stream, total)
        self._drawn.update(self._drawn.task_ids[0], completed=done, total=total)
        self._drawn.start()  # again, after `clear`
        if self not in _bars:
            _bars.append(self)
        self._drawn.refresh()

    def _keep_writing(self) -> None:
        with suppress(OSError, ValueError):  # nobody reads the log any more
            while not self._left.wait(max(0.05, self._next - time.monotonic())):
                self._write()

    def _write(self) -> None:
        """Write a line to the log if one is due and there is something to say."""
        if self._log is None or self._total == 0 or (self._total is None and not self._step):
            return
        with self._writing:
            if (now := time.monotonic()) < self._next:
                return
            self._next = now + LOGGED_EVERY_S
            spent, done = now - self._start, min(self._done, self._total or 0)
            share = f"{100 * done // self._total} % " if self._total else ""
            left = (
                f", {_clock(spent * (self._total - done) / done)} left"
                if self._total and 0 < done < self._total
                else ""
            )
            step = f", {self._step}" if self._step else ""
            line = f"{self._log}: {share}after {_clock(spent)}{left}{step}"
            show(line, stream=self._stream, wrap=False)


def _clock(seconds: float) -> str:
    """Write a time as h:mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _progress_bar(stream: TextIO, total: int) -> rich.progress.Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    console = Console(file=stream)
    bar = Progress(
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
    bar.add_task("", total=total)
    return bar
