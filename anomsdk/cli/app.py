"""The command line: every command is a thin call of a public function.

Exit status: 0 done, 1 a check failed (or a fault in anomsdk itself), 2 bad input, 130 stopped by Ctrl-C,
143 terminated, 141 nobody reads the output any more.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from anomsdk._version import __version__
from anomsdk.cli import audits, build, days, demos, herds, judge, run
from anomsdk.cli.options import tell
from anomsdk.errors import CheckError, InputError, UnusableInputsError
from anomsdk.runtime.sealed_process import is_sealed
from anomsdk.utils.terminal import line_width, show

_NARROW = 52
"""Columns below which help puts descriptions below long names."""
_ClickContext: Any = TyperCommand.context_class  # typer brings click along, or its own copy of it
_ClickHelp: Any = _ClickContext.formatter_class
_TYPE = re.compile(r"(?<=[A-Z]) <\S+>$")
"""Type that typer puts behind the name of an argument: INPUT <str>."""
_RANGE = re.compile(r"  \[x[<>]=[\d.]+\]$")
"""Range that typer puts behind the description of an option."""
_STDERR = 2
"""Descriptor of standard error."""


class _Help(_ClickHelp):  # type: ignore[misc]
    """Help without types of Python and without ranges, which descriptions give in words.

    In a narrow terminal, descriptions stand below names that are long.
    """

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, re.sub(r"[{}]", "", args), prefix)

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        plain = [(_TYPE.sub("", name), _RANGE.sub("", text)) for name, text in rows]
        super().write_dl(plain, col_max if self.width >= _NARROW else min(col_max, self.width // 3), col_spacing)


class _Context(_ClickContext):  # type: ignore[misc]
    def make_formatter(self) -> Any:
        formatter = super().make_formatter()
        width = line_width() if self.terminal_width is None else None
        return _Help(width=formatter.width if width is None or width >= _NARROW else width - 1)


class _Command(TyperCommand):
    context_class = _Context


class _Commands(TyperGroup):
    """Group of all commands; it turns what any of them raises into one line and an exit status."""

    context_class = _Context

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BaseException as error:
            # typer's own exceptions carry their exit status, and typer shows them well.
            if isinstance(error, (typer.Abort, SystemExit)) or hasattr(error, "exit_code") or ctx.params["debug"]:
                raise
            raise typer.Exit(_complain(error)) from None


def _complain(error: BaseException) -> int:
    """Print an error in one line and return the exit status."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, BrokenPipeError):
        # Buffered output would be written, and fail again, at exit. Not status 0: nobody received the alerts.
        if is_sealed():
            os._exit(141)  # a sealed process opens no file; all contexts are left already
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = f"the output cannot be written: {error.strerror}; free some space, or send it elsewhere"
    elif not isinstance(error, (InputError, CheckError)):
        message = f"internal: {type(error).__name__}: {message} (for a traceback: anomsdk --debug ...)"
    for line in error.shown() if isinstance(error, UnusableInputsError) else [message]:
        tell("error: " + line.replace("\n", "?"), stream=sys.stderr)
    return 2 if isinstance(error, InputError) else 1


app = typer.Typer(
    cls=_Commands,
    help="Watch without recording: blocks of samples go in, alerts of 16 bytes come out.",
    epilog="Example:\n\nanomsdk demo",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)

_COMMANDS: tuple[tuple[Callable[..., None], str], ...] = (
    (demos.demo, "demo --write demo"),
    (run.watch, "watch demo/tonight.wav --plan audio_scene"),
    (run.score, "score demo/later --plan audio_scene --out scores.npz"),
    (run.decode, "decode 22000400100200000282cd"),
    (build.train, "train --normal demo/normal --spec spec.toml --out my_room"),
    (build.calibrate, "calibrate my_room --normal demo/later --out my_hall"),
    (herds.gather, "gather exports --plan my_collar --out collars"),
    (herds.tune, "tune demo/later --budget '1 alarm-day/30d' --plan my_room"),
    (herds.herd, "herd my_herd --plan my_room"),
    (days.days, "days --devices rows --plan cows --today 2026-05-15 --html today.html"),
    (judge.evaluate, "evaluate --plan my_room --normal demo/later --anomalous demo/events"),
    (judge.diff, "diff audio_scene my_room --corpus demo/later"),
    (build.plan, "plan my_room"),
    (judge.verify, "verify audio_scene"),
    (build.emit_c, "emit-c audio_scene --out firmware"),
    (judge.footprint, "footprint audio_scene --target cortex-m4"),
    (judge.inspect, "inspect audio_scene"),
    (audits.audit, "audit audio_scene --quick --out report"),
)
"""Commands in the order of the help, each with the example at the end of its own help."""

for _command, _example in _COMMANDS:
    app.command(_command.__name__.replace("_", "-"), cls=_Command, epilog=f"Example:\n\nanomsdk {_example}")(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        show(f"anomsdk {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def _replace_closed_stderr() -> None:
    """Open the null device where stderr is closed, so that no note goes elsewhere and no file takes its descriptor."""
    if sys.stderr is not None:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    if null != _STDERR:
        os.dup2(null, _STDERR)
        os.close(null)
    sys.stderr = os.fdopen(_STDERR, "w", encoding="utf-8", errors="backslashreplace")


def main() -> None:
    """Run the command line; entry point of `anomsdk`."""
    _replace_closed_stderr()
    if sys.stdout is None:
        sys.exit(_complain(InputError("standard output is closed; send it to a file, a pipe or /dev/null")))
    try:
        app(prog_name="anomsdk")
    except OSError as error:  # also help that cannot be written, which is printed outside of any command
        if "--debug" in sys.argv:
            raise
        sys.exit(_complain(error))


if __name__ == "__main__":
    main()
