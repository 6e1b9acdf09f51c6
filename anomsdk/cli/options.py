"""Options that commands share, and the one place where commands look up a plan, report progress and print."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, signature
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

from anomsdk.cli.option_words import in_flags
from anomsdk.errors import printable
from anomsdk.utils.terminal import Progress, show

if TYPE_CHECKING:
    from anomsdk.core.plan import Plan
    from anomsdk.sources.stream_format import ReadOptions

CHOOSE = (
    "FILE.npz:KEY=VALUE,... takes only recordings whose array KEY has one of the values, KEY!=VALUE the others; "
    "FILE.csv:KEY=VALUE takes rows by a column."
)
"""Help on choosing a part of a file, for every argument that takes recordings."""

_PLAN = "A plan.json, a folder that holds one, or the name of a reference model."
PlanOption = Annotated[str, typer.Option("--plan", metavar="P", help=_PLAN)]
PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help=_PLAN)]
Json = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]
Tolerate = Annotated[
    int,
    typer.Option(
        metavar="K",
        min=0,
        help="Place the alarm level so that it raises at most K alarms on the recordings it is placed on. Default: 0.",
        show_default=False,
    ),
]

_BUDGET = (
    "At most N alarms, alarm-days or episodes in a time, e.g. '1 alarm-day/30d', '1 alarm/8h' or '2 episodes/90d'."
)
BudgetOption = Annotated[str, typer.Option("--budget", metavar="BUDGET", help=_BUDGET)]
BudgetOrNone = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="BUDGET",
        help=f"Set the lowest level that these recordings certify. {_BUDGET} Default: the level above all of them.",
    ),
]
Confidence = Annotated[
    float,
    typer.Option(
        "--confidence",
        metavar="C",
        help="Confidence of a certificate, 0.5 to 0.999. Default: 0.95.",
        show_default=False,
    ),
]

_SHARED: dict[str, tuple[Any, Any]] = {
    "group": (
        Annotated[
            str | None,
            typer.Option(
                "--group",
                metavar="KEY",
                help="Keep recordings of the same KEY together, e.g. of one animal or one day. KEY is folder, file, an "
                "array of an .npz (subject, fold) or a column of --by. Default: the first column of --by, else "
                "sub-folders if there are any.",
            ),
        ],
        None,
    ),
    "engine": (
        Annotated[
            str | None,
            typer.Option(
                "--engine",
                metavar="E",
                help="native, reference or tflite; all give the same integers. Default: native if it is built, else "
                "reference. Where native is not built, the other two leave copies of samples in freed memory.",
            ),
        ],
        None,
    ),
    "seed": (
        Annotated[
            int,
            typer.Option(
                "--seed",
                metavar="N",
                min=0,
                help="Start all random numbers from N, 0 or more; the same N gives the same result. Default: 0.",
                show_default=False,
            ),
        ],
        0,
    ),
    "skip_bad": (
        Annotated[bool, typer.Option("--skip-bad", help="Leave out recordings that cannot be read, and name each.")],
        False,
    ),
    "jobs": (
        Annotated[
            int | None,
            typer.Option(
                "--jobs", metavar="N", min=1, help="Process N recordings at once. Default: one for each processor."
            ),
        ],
        None,
    ),
}
"""Field of `RunOptions` -> its option and default."""

_READING = {
    "unit": typer.Option(
        "--unit",
        metavar="A[,R]",
        help="Motion: unit A of the accelerometer, g, mg, m/s2 or counts (integers of the plan, not converted); "
        "unit R of the gyroscope, e.g. rad/s.",
    ),
    "axes": typer.Option(
        "--axes",
        metavar="NAME,...",
        help="Motion: columns that hold ax,ay,az or ax,ay,az,gx,gy,gz, in this order, by name or by number from 1.",
    ),
    "time": typer.Option(
        "--time",
        metavar="NAME[:UNIT]",
        help="Motion: column of time stamps, by name or by number from 1, and their unit: s, ms, us, ns, min, h or d. "
        "none: ignore time stamps.",
    ),
    "scale": typer.Option(
        "--scale",
        metavar="X[,X...]",
        help="Motion: multiply stored values by X to get their unit, e.g. 1/4096; one X for all axes, one for each of "
        "two sensors, or one for each axis.",
    ),
    "array": typer.Option(
        "--array", metavar="NAME", help="Motion: array of an .npz that holds the samples. Default: x."
    ),
    "rate_hz": typer.Option(
        "--rate",
        metavar="HZ",
        help="Motion: sampling rate in Hz, above 0, of files that hold neither times nor a rate.",
    ),
    "where": typer.Option(
        "--where",
        metavar="KEY=VALUE,...",
        help="Motion: take only rows of a table, or recordings of an .npz, whose KEY has one of the values; KEY!=VALUE "
        "takes the others. Colons separate several conditions.",
    ),
    "by": typer.Option(
        "--by",
        metavar="NAME,...",
        help="Motion: divide a table by these columns; the rows of each value are one recording.",
    ),
    "devices": typer.Option(
        "--devices",
        metavar="D.csv",
        help="Motion: table of unit, scale, axes, rate or time, one line for each file or device.",
    ),
    "channel": typer.Option(
        "--channel", metavar="N|mix", help="Sound: take channel N, from 1. Default: mix, the mean of all channels."
    ),
    "max_bridge": typer.Option(
        "--max-bridge",
        metavar="N",
        help="Motion: fill a gap of at most N missing samples, 0 to 100, with the sample before it; at most 5 % of a "
        "recording is filled. Default: 2.",
    ),
}
"""Field of `ReadOptions` -> its option, for every command that takes recordings."""


@dataclass(frozen=True)
class RunOptions:
    """Values of the options that commands share; a field keeps its default where the command has no such option.

    Parameters
    ----------
    command : name of the command
    reading : how files are read; None: the command reads no recordings
    group, engine, seed, skip_bad, jobs : see the help of the options in `takes`
    """

    command: str
    reading: ReadOptions | None = None
    group: str | None = None
    engine: str | None = None
    seed: int = 0
    skip_bad: bool = False
    jobs: int | None = None

    @contextmanager
    def working(self, step: str, *, log: bool = True) -> Iterator[Progress]:
        """Show progress while the command works, and let SIGTERM end it as cleanly as Ctrl-C does.

        Parameters
        ----------
        step : what the command does first, for lines in a log
        log : write progress to a log, from a thread; False for a command that must have one thread
        """

        def stop(number: int, frame: FrameType | None) -> NoReturn:
            raise SystemExit(128 + number)

        before = signal.signal(signal.SIGTERM, stop)
        try:
            with Progress(log=self.command if log else None) as progress:
                progress.doing(step)
                yield progress
        finally:
            signal.signal(signal.SIGTERM, before)

    @property
    def on_bad(self) -> Callable[[str], None] | None:
        """Printer of a recording that --skip-bad leaves out; None without --skip-bad."""
        return tell_left_out if self.skip_bad else None


def takes(*names: str, reading: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command some of the shared options, and hand their values to it as ``run``, a `RunOptions`.

    Parameters
    ----------
    names : fields of `RunOptions` that become options: group, engine, seed, skip_bad, jobs
    reading : the command takes recordings, so that the options of `ReadOptions` are added as well
    """

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        name = command.__name__.replace("_", "-")

        @wraps(command)
        def with_options(**given: Any) -> None:
            shared = {each: given.pop(each) for each in names}
            if reading:
                from anomsdk.sources.stream_format import ReadOptions

                shared["reading"] = ReadOptions.parsed(**{each: given.pop(each) for each in _READING})
            command(**given, run=RunOptions(name, **shared))

        of_command = signature(command, eval_str=True)
        options = {each: _SHARED[each] for each in names}
        if reading:
            options |= {each: (Annotated[str | None, option], None) for each, option in _READING.items()}
        added = [
            Parameter(each, Parameter.KEYWORD_ONLY, default=default, annotation=option)
            for each, (option, default) in options.items()
        ]
        own = [each for each_name, each in of_command.parameters.items() if each_name != "run"]
        with_options.__signature__ = of_command.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
        return with_options

    return decorated


def plan_named(text: str) -> Plan:
    """Look up a plan by the path or name that the user gave."""
    from anomsdk.plans.lookup import find_plan

    return find_plan(text)


def tell(text: str, *, stream: TextIO | None = None) -> None:
    """Print text of the library: parameters as options, and nothing that a terminal would obey."""
    show("\n".join(map(printable, in_flags(text).split("\n"))), stream=stream)


def note(text: str) -> None:
    """Print a note about recordings on stderr."""
    tell(text, stream=sys.stderr)


def tell_left_out(line: str) -> None:
    """Print on stderr that a recording was left out, and why."""
    note(f"left out: {line}")


def print_report(as_json: bool, tree: Callable[[], Any], text: Callable[[], str]) -> None:
    """Print a report as JSON in the words of the library, or as text that fits the terminal."""
    if as_json:
        show(json.dumps(tree(), indent=2), wrap=False)
    else:
        tell(text())
