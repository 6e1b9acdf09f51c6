"""The command line: every command is a thin call of a public function.

Exit status: 0 done, 1 a check failed (or a fault in anomsdk itself), 2 bad input, 130 stopped by Ctrl-C,
143 terminated, 141 nobody reads the output any more.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from anomsdk._version import __version__
from anomsdk.errors import CheckError, InputError, UnusableInputsError, all_or_none, printable
from anomsdk.utils.text import STATE_STYLES, Progress, counted, line_width, show

_NARROW = 52
"""Columns below which help does not fit by itself."""
_ClickContext: Any = TyperCommand.context_class  # typer brings click along, or its own copy of it
_ClickHelp: Any = _ClickContext.formatter_class


class _Help(_ClickHelp):  # type: ignore[misc]
    """Help for a narrow terminal: descriptions below names that are long."""

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl(rows, min(col_max, self.width // 3), col_spacing)


class _Context(_ClickContext):  # type: ignore[misc]
    def make_formatter(self) -> Any:
        width = line_width() if self.terminal_width is None else None
        return super().make_formatter() if width is None or width >= _NARROW else _Help(width=width - 1)


class _Command(TyperCommand):
    context_class = _Context


class _Commands(TyperGroup):
    """Turns what a command raises into one line and an exit status, in one place for all of them."""

    context_class = _Context

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BaseException as error:
            # typer's own exceptions carry their exit status, and its ways of showing them are fine.
            if isinstance(error, (typer.Abort, SystemExit)) or hasattr(error, "exit_code") or ctx.params["debug"]:
                raise
            raise typer.Exit(_complain(error)) from None


def _complain(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, BrokenPipeError):
        # What is still buffered would be written, and fail again, at exit. Not 0: alerts had nobody to go to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = f"the output cannot be written: {error.strerror}; free some space, or send it elsewhere"
    elif not isinstance(error, (InputError, CheckError)):
        message = f"internal: {type(error).__name__}: {message} (for a traceback: anomsdk --debug ...)"
    for line in error.shown() if isinstance(error, UnusableInputsError) else [message]:
        show(printable(f"error: {_in_options(line)}"), stream=sys.stderr)
    return 2 if isinstance(error, InputError) else 1


_PARAMETER = re.compile(r"`([a-z_]+)(?:=([^`]*))?`")


def _in_options(message: str) -> str:
    """Put options of the command line in place of the parameters that a message of the library names in backticks."""

    def option(found: re.Match[str]) -> str:
        name = {"rate_hz": "rate", "rotation": "unit"}.get(found[1], found[1]).replace("_", "-")
        if found[2] is None:
            return f"--{name}"
        before = "," if found[1] == "rotation" else ""
        return f"--{name} {before}{shlex.quote(found[2].strip(chr(39)))}"

    return _PARAMETER.sub(option, message)


app = typer.Typer(
    cls=_Commands,
    help="Watch without recording: sensor blocks go in, alerts of 16 bytes come out.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)

_PlanOption = Annotated[
    str,
    typer.Option("--plan", metavar="P", help="A plan.json, a folder that holds one, or the name of a reference model."),
]
_PlanArgument = Annotated[
    str, typer.Argument(metavar="PLAN", help="A plan.json, a folder that holds one, or the name of a reference model.")
]
_Engine = Annotated[
    str | None,
    typer.Option(
        metavar="E",
        help="native, reference or tflite: the integers are the same. Default: native, where it is built; where it "
        "is not, the other two leave copies in memory that they free.",
    ),
]

_Group = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="What belongs together: folder, file, an array of an .npz (subject, fold) or a column of --by. "
        "Default: the first of --by; else sub-folders, where there are any.",
    ),
]
_Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", min=1, help="Recordings at once. Default: one a processor.")
]
_Tolerate = Annotated[
    int,
    typer.Option(
        metavar="K", min=0, help="Alarms that the alarm level may raise on the recordings it is placed on; 0: none."
    ),
]
_SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave recordings out that cannot be read.")]


_CHOOSE = "FILE.npz:KEY=VALUE,... or KEY!=VALUE chooses recordings by an array, FILE.csv:... rows by a column."
"""How a part of a file is chosen, wherever recordings are given."""

_READING = {
    "unit": typer.Option(
        "--unit",
        metavar="A[,R]",
        help="Motion: unit of the accelerometer, g, mg, m/s2 or counts of the plan, and of the gyroscope, e.g. rad/s.",
    ),
    "axes": typer.Option(
        "--axes", metavar="NAME,...", help="Motion: columns that are ax,ay,az[,gx,gy,gz], by name or number from 1."
    ),
    "time": typer.Option(
        "--time",
        metavar="NAME[:UNIT]",
        help="Motion: column of time, by name or number; in s, ms, us, ns, min, h, d. none: no times.",
    ),
    "scale": typer.Option(
        "--scale",
        metavar="X[,X...]",
        help="Motion: one step of a stored value in its unit, 1/4096 or so, of all, each sensor or each axis.",
    ),
    "array": typer.Option("--array", metavar="NAME", help="Motion: array of an .npz that holds the samples, not x."),
    "rate_hz": typer.Option(
        "--rate", metavar="HZ", help="Motion: rows a second, where neither times nor the file say it."
    ),
    "where": typer.Option(
        "--where",
        metavar="KEY=VALUE,...",
        help="Motion: only rows of a table, or recordings of an .npz, of which KEY says so, or KEY!=VALUE not; several "
        "behind colons.",
    ),
    "by": typer.Option(
        "--by", metavar="NAME,...", help="Motion: columns of a table; each of their values is a recording of its own."
    ),
    "devices": typer.Option(
        "--devices",
        metavar="D.csv",
        help="Motion: unit, scale, axes, rate or time for each file or device, a line each.",
    ),
    "channel": typer.Option(
        "--channel", metavar="N|mix", help="Sound: the channel to take, from 1. Default: mix, the mean of all."
    ),
    "max_bridge": typer.Option(
        "--max-bridge",
        metavar="N",
        help="Motion: repeat the sample before a gap of up to N, at most 5 % of a recording; 0: never. Default: 2.",
    ),
}
"""What files of motion leave unsaid, of every command that takes them."""


def _reads_motion(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes the options of `_READING`, and is given them as ``reading``, a `ReadOptions`."""

    @wraps(command)
    def with_options(**given: Any) -> None:
        from anomsdk.sources.stream_format import ReadOptions

        said = {name: given.pop(name) for name in _READING}
        command(**given, reading=ReadOptions.parsed(**said))

    of_command = signature(command, eval_str=True)
    own = [each for name, each in of_command.parameters.items() if name != "reading"]
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option])
        for name, option in _READING.items()
    ]
    with_options.__signature__ = of_command.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    return with_options


def main() -> None:
    """Entry point of `anomsdk`."""
    try:
        app(prog_name="anomsdk")
    except OSError as error:  # help that cannot be written, too, which no command prints
        if "--debug" in sys.argv:
            raise
        sys.exit(_complain(error))


def _print_version(wanted: bool) -> None:
    if wanted:
        show(f"anomsdk {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(help="The whole chain on a generated scene; no files needed.")
def demo(
    engine: _Engine = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="DIR", help="Write recordings of such a scene to train on, and run nothing."),
    ] = None,
    scene: Annotated[
        str, typer.Option("--scene", metavar="S", help="With --write: room (sound), wearable or collar (motion).")
    ] = "room",
) -> None:
    """Run the reference model audio_scene over the built-in scene and draw what it found."""
    from anomsdk.demo import motion as demo_motion
    from anomsdk.demo import recordings as demo_recordings
    from anomsdk.demo import scene as demonstration
    from anomsdk.plans.file import reference_model
    from anomsdk.synthetic.sound import RATE_HZ

    if scene not in ("room", *demo_motion.SCENES):
        raise InputError(f"--scene {scene}: must be room, {' or '.join(demo_motion.SCENES)}")
    if write is not None:
        with _terminable(), Progress(100) as progress:

            def tell(done: int, n: int) -> None:
                progress.update(100 * done // n)

            if scene == "room":
                report = demo_recordings.written_report(demo_recordings.write(write, progress=tell))
            else:
                report = demo_motion.written_report(demo_motion.write(write, scene, progress=tell))
        show(report)
        return
    if scene != "room":
        raise InputError(f"--scene {scene} is for --write DIR: add it")
    with Progress(demonstration.SECONDS * RATE_HZ) as progress:
        found = demonstration.run(reference_model("audio_scene"), engine, progress=progress.update)
    show(demonstration.report(found), styles=STATE_STYLES)
    if not found.passed:
        raise CheckError("demo: the alarms do not match the anomalies of the scene")


@app.command(help="Run a plan over INPUT and print its alerts.")
@_reads_motion
def watch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A .wav, .flac, .ogg, .npy, .npz or .csv (motion: .csv, .parquet, .npy or .npz), a folder of them, or "
            f"- for raw little-endian int16 on stdin. {_CHOOSE}",
        ),
    ],
    plan: _PlanOption,
    engine: _Engine = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line: alerts, then a summary.")] = False,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.npy",
            help="Write the score of each tick, uint32; several recordings one after the other. "
            "Nothing is left there when stopped early.",
        ),
    ] = None,
    skip_bad: _SkipBad = False,
    *,
    reading: Any,
) -> None:
    """Watch recordings or a live stream; nothing of the signal is kept."""
    from anomsdk.plans.lookup import find_plan
    from anomsdk.plans.speech import speech_remark
    from anomsdk.runtime.judged_share import require_judged
    from anomsdk.watch.session import Watch
    from anomsdk.watch.sinks.console import JsonLines, Lines, announce

    chosen = find_plan(plan)
    with _terminable():
        with Watch(chosen, engine, scores=scores) as watching:
            on_bad = _left_out if skip_bad else None
            recordings = watching.open(source, reading, on_bad=on_bad)
            place = None if scores is None else str(scores)
            out = (
                JsonLines(chosen, watching.engine)
                if jsonl
                else Lines(chosen, len(recordings), place, watching.more_is_held(recordings))
            )
            if remark := speech_remark(chosen):
                show(remark, stream=sys.stderr if jsonl else sys.stdout)
            try:
                announce(watching, recordings, out, on_bad=on_bad)
            except (KeyboardInterrupt, SystemExit):
                out.closing(watching.summary(), stopped=True)
                raise
        out.closing(watching.summary(), stopped=False)  # only now are the scores where they belong
        require_judged("watch", watching.summary().judged)


@app.command(help="Score recordings, several at once, and write the scores of each.")
@_reads_motion
def score(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help=f"Files and folders, as `watch` takes them, or - for stdin. {_CHOOSE}"),
    ],
    plan: _PlanOption,
    out: Annotated[
        Path, typer.Option(metavar="OUT.npz", help="An array of uint32 a recording, under its name: a score each tick.")
    ],
    jobs: _Jobs = None,
    engine: _Engine = None,
    skip_bad: _SkipBad = False,
    *,
    reading: Any,
) -> None:
    """Score recordings; nothing of the signal is kept."""
    from anomsdk.plans.lookup import find_plan
    from anomsdk.runtime.judged_share import require_judged
    from anomsdk.watch.score_files import check_scores_place, score_and_judge, write_scores

    chosen = find_plan(plan)
    check_scores_place(out)
    left_out = list[str]()
    with _terminable(), Progress(1000) as progress:

        def say(line: str) -> None:
            progress.clear()
            show(printable(line), stream=sys.stderr)

        def on_bad(line: str) -> None:
            left_out.append(line)
            say(f"left out: {line}")

        found, judged = score_and_judge(
            chosen,
            sources,
            reading=reading,
            engine=engine,
            jobs=jobs,
            on_bad=on_bad if skip_bad else None,
            report=say,
            progress=lambda done, total: progress.update(1000 * done // max(done, total) if total else 0),
        )
        write_scores(found, out)
    ticks = sum(map(len, found.values()))
    without = f", {len(left_out):,} left out" if left_out else ""
    what = f"{counted(len(found), 'recording')}{without}, {counted(ticks, 'tick')}"
    show(printable(f"wrote {out}: {what}; judged {judged}"))
    require_judged("score", judged)


@app.command(help="Find and fit the best model for normal recordings, set its alarm level, and plan it.")
@_reads_motion
def train(
    normal: Annotated[Path, typer.Option(metavar="DIR|FILE", help=f"Recordings of normal behaviour only. {_CHOOSE}")],
    spec: Annotated[Path, typer.Option(metavar="spec.toml", help="What to build.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write spec, model, calibration and plan to.")],
    calibration: Annotated[
        Path | None, typer.Option(metavar="DIR|FILE", help="Other normal recordings, to place the alarm level on.")
    ] = None,
    anomalous: Annotated[
        Path | None,
        typer.Option(metavar="DIR|FILE", help="Anomalies to choose the model on; without, generated probes are used."),
    ] = None,
    group: _Group = None,
    segment: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Cut recordings into stretches, each a group; 0: do not."),
    ] = 0.0,
    search: Annotated[
        str, typer.Option(metavar="model|full", help="full: also which context and which, never finer, features.")
    ] = "model",
    gain_db: Annotated[
        float, typer.Option(metavar="DB", min=0, help="Hear each recording at this much less and more, too.")
    ] = 6.0,
    skip_bad: _SkipBad = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    tolerate: _Tolerate = 0,
    *,
    reading: Any,
) -> None:
    """Train from files."""
    from anomsdk.train import Options, fit_from

    def say(line: str) -> None:
        progress.clear()
        show(printable(line) if "\n" not in line else line)

    try:
        with _terminable(), Progress(100, log="train") as progress:
            fit_from(
                spec,
                str(normal),
                out,
                calibration=None if calibration is None else str(calibration),
                anomalous=None if anomalous is None else str(anomalous),
                group=group,
                reading=reading,
                skip_bad=skip_bad,
                options=Options(seed=seed, search=search, gain_db=gain_db, segment_s=segment, tolerate=tolerate),
                report=say,
                progress=lambda done, total: progress.update(100 * done // max(1, total)),
                doing=progress.doing,
            )
    except (KeyboardInterrupt, SystemExit):
        show("stopped; nothing was written. The same command goes on where this one was", stream=sys.stderr)
        raise


@app.command(help="Set a plan's alarm level from a device's own normal recordings; the model stays as it is.")
@_reads_motion
def calibrate(
    plan: _PlanArgument,
    normal: Annotated[
        str, typer.Option(metavar="DIR|FILE", help=f"Its own recordings of normal behaviour only. {_CHOOSE}")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write spec, model, calibration and plan to.")],
    normalisation: Annotated[
        bool, typer.Option("--normalisation", help="Learn the centre and width of each feature anew, too.")
    ] = False,
    skip_bad: _SkipBad = False,
    group: _Group = None,
    tolerate: _Tolerate = 0,
    *,
    reading: Any,
) -> None:
    """Local calibration from files."""
    from anomsdk.plans.lookup import find_plan
    from anomsdk.runtime.memory import wiping
    from anomsdk.sources.clips import noticed, open_clips, survey
    from anomsdk.sources.stream_format import StreamFormat
    from anomsdk.train import calibrate_clips

    chosen = find_plan(plan)
    if chosen.folder is None:
        raise InputError(f"{plan}: is not in a folder that train wrote")
    clips = open_clips(
        normal, StreamFormat.of(chosen.sensor, chosen.columns), reading=reading, group=group, skip_bad=skip_bad
    )
    with wiping(), Progress(len(clips.clips)) as reading_them:
        clips, _ = survey(clips, skip_bad=skip_bad, progress=reading_them.update)  # damage behind a header
    for line in (*(f"left out: {each}" for each in clips.bad), *noticed(clips.clips)):
        show(printable(line), stream=sys.stderr)
    total = sum(clip.length or 0 for clip in clips.clips)
    with _terminable(), Progress(total or None) as progress:

        def say(line: str) -> None:
            progress.clear()
            show(printable(line))

        calibrate_clips(
            chosen.folder,
            clips.clips,
            out=out,
            normalisation=normalisation,
            tolerate=tolerate,
            report=say,
            progress=progress.update,
        )


@app.command(help="Say what a plan is worth on normal and anomalous recordings, in figures with intervals.")
@_reads_motion
def evaluate(
    plan: _PlanOption,
    normal: Annotated[str, typer.Option(metavar="A", help=f"Normal recordings: a file or a folder. {_CHOOSE}")],
    anomalous: Annotated[
        str | None,
        typer.Option(metavar="B", help="Anomalous ones; with --snr, events to mix into A. Without: false alarms only."),
    ] = None,
    group: _Group = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="What recordings are of: folder, or an array of an .npz. Default: activity, label, class or "
            "behaviour, whichever there is, else folder.",
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(metavar="E.csv", help="When the events of B are: recording,start_s,stop_s, a line for each."),
    ] = None,
    piece: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            min=0,
            help="Compare pieces of A of about S seconds; 0: A as it is. Default: for motion, as long as those of B.",
        ),
    ] = None,
    snr: Annotated[str | None, typer.Option(metavar="20,10,0", help="Mix B into A at these ratios, dB.")] = None,
    engine: _Engine = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of mixes and intervals.")] = 0,
    skip_bad: _SkipBad = False,
    jobs: _Jobs = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="OUT.html", help="Write a page with charts, too.")] = None,
    *,
    reading: Any,
) -> None:
    """Evaluate a plan; only scores are kept."""
    from functools import partial

    from anomsdk import evaluate as evaluation
    from anomsdk.evaluate.report_html import check_place, write_html
    from anomsdk.plans.lookup import find_plan
    from anomsdk.runtime.judged_share import require_judged
    from anomsdk.sources.clips import noticed
    from anomsdk.sources.stream_format import StreamFormat
    from anomsdk.synthetic.mixing import parse_snr

    chosen = find_plan(plan)
    ratios = None if snr is None else parse_snr(snr)
    if anomalous is None and (ratios is not None or events is not None):
        raise InputError(f"{'--events' if ratios is None else '--snr'}: is about --anomalous recordings; give them")
    times = None if events is None else evaluation.read_events(events)
    if html is not None:
        check_place(html)
    clips = partial(
        evaluation.open_marked,
        stream_format=StreamFormat.of(chosen.sensor, chosen.columns),
        reading=reading,
        label=label,
        group=group,
        skip_bad=skip_bad,
    )
    sides = all_or_none(
        lambda: clips(normal), lambda: evaluation.Clips(()) if anomalous is None else clips(anomalous, events=times)
    )
    for line in noticed([clip for side in sides for clip in side.clips]):
        show(printable(line), stream=sys.stderr)
    with _terminable(), Progress(1000) as progress:
        found = evaluation.evaluate(
            chosen,
            *sides,
            snr=ratios,
            piece_s=piece,
            engine=engine,
            seed=seed,
            skip_bad=skip_bad,
            jobs=jobs,
            progress=lambda done, total: progress.update(1000 * done // total),
        )
        if html is not None:
            write_html(found, html)
    _show_either(as_json, lambda: evaluation.as_json(found), lambda: evaluation.as_text(found))
    require_judged("evaluate", found.judged_normal + found.judged_anomalous)


@app.command(help="Say how the alarms of two plans differ on the same recordings; fail when more than may changes.")
@_reads_motion
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The plan that is released, as for --plan elsewhere.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The plan that is to be released.")],
    corpus: Annotated[str, typer.Option(metavar="A", help=f"Normal recordings: a file or a folder. {_CHOOSE}")],
    anomalous: Annotated[str | None, typer.Option(metavar="B", help="Recordings with something to find.")] = None,
    match: Annotated[
        float | None,
        typer.Option(metavar="S", help="Seconds that an alarm may move by. Default: the longer time to decide."),
    ] = None,
    max_change: Annotated[
        float, typer.Option(metavar="R", help="Change in false alarms an hour that passes; 0: each alarm counts.")
    ] = 0.0,
    max_added: Annotated[
        int | None, typer.Option(metavar="N", help="Alarms of NEW only that pass. Default: 0; any with --max-change.")
    ] = None,
    max_lost: Annotated[
        int | None, typer.Option(metavar="N", help="Alarms of OLD only that pass. Default: 0; any with --max-change.")
    ] = None,
    max_moved: Annotated[
        int | None, typer.Option(metavar="N", help="Moved alarms that pass. Default: 0; any with --max-change.")
    ] = None,
    max_missed: Annotated[
        int | None, typer.Option(metavar="N", help="Recordings of B that OLD alone finds, and that pass. Default: 0.")
    ] = None,
    confident: Annotated[
        bool, typer.Option("--confident", help="Judge --max-change by its whole 95 % interval.")
    ] = False,
    group: _Group = None,
    engine: _Engine = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the intervals.")] = 0,
    skip_bad: _SkipBad = False,
    jobs: _Jobs = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    *,
    reading: Any,
) -> None:
    """Compare two plans; nothing of the signal is kept."""
    from anomsdk import compare
    from anomsdk.compare.report_text import failed_limits
    from anomsdk.plans.lookup import find_plan

    if max_missed is not None and anomalous is None:
        raise InputError("--max-missed: there is nothing to miss; give --anomalous, too")
    limits = compare.Limits(max_change, max_added, max_lost, max_moved, max_missed or 0, confident)
    plans = find_plan(old), find_plan(new)
    with _terminable(), Progress(1000) as progress:
        found = compare.diff(
            *plans,
            corpus,
            anomalous,
            match_s=match,
            reading=reading,
            group=group,
            engine=engine,
            seed=seed,
            skip_bad=skip_bad,
            jobs=jobs,
            progress=lambda done, total: progress.update(1000 * done // total),
        )
    judged = compare.judge(found, limits)
    _show_either(as_json, lambda: compare.as_json(found, judged), lambda: compare.as_text(found, judged))
    if failed := failed_limits(judged):
        raise CheckError(f"diff: more changed than may: {failed}")


@app.command("plan", help="Plan the folder DIR and write DIR/plan.json.")
def plan_folder(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds spec.toml, the model and calibration.json.")],
) -> None:
    """Turn spec, model and calibration into integers."""
    from anomsdk.planner.planner import plan
    from anomsdk.plans.changes import as_text
    from anomsdk.plans.file import read_plan, write_plan
    from anomsdk.plans.speech import speech_remark

    made, path = plan(folder), folder / "plan.json"
    change = None
    if path.exists():
        try:
            change = as_text(read_plan(path), made)
        except InputError as error:
            change = f"changed  what it was is not known: {error}"
    write_plan(made, path)
    show(printable(f"wrote {path}: {len(made.canonical_bytes):,} bytes, {counted(made.macs, 'MAC')} a tick"))
    show(f"id       {made.id}\nscore_id {made.score_id}\nraise    {made.levels.raise_score}")
    if change is not None:
        show(printable(change) if "\n" not in change else "\n".join(map(printable, change.split("\n"))))
    if note := made.provenance.get("rounded"):
        show(printable(f"rounded  {note}"))
    if remark := speech_remark(made):
        show(f"speech   {remark}")


@app.command(help="Compare the engines, integer by integer, and print the golden digest.")
@_reads_motion
def verify(
    plan: _PlanArgument,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILES]...", help=f"Recordings to run as well. {_CHOOSE}")
    ] = None,
    hops: Annotated[int, typer.Option(metavar="N", min=1, help="Length of each random stream.")] = 2000,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Of the random streams.")] = 0,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Count differences to ai-edge-litert, which rounds otherwise.")
    ] = False,
    require_all: Annotated[bool, typer.Option("--require-all", help="Fail when an engine is missing.")] = False,
    *,
    reading: Any,
) -> None:
    """Prove that the engines agree on a plan."""
    from anomsdk.audit.verify import as_text
    from anomsdk.audit.verify import verify as compare
    from anomsdk.plans.lookup import find_plan

    with Progress(100) as progress:
        report = compare(
            find_plan(plan),
            files or (),
            reading=reading,
            hops=hops,
            seed=seed,
            cross_check=cross_check,
            progress=lambda done, total: progress.update(100 * done // total),
        )
    show(as_text(report))
    if report.differences:
        raise CheckError(f"verify: {counted(report.differences, 'difference')}; the engines do not agree on this plan")
    if require_all and report.missing:
        raise CheckError(f"verify: engine {report.missing[0][0]} is missing")


@app.command("emit-c", help="Write a plan as a folder of C99 that compiles, with its boot self-test.")
def emit_folder(
    plan: _PlanArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write: new, empty, or as this command left it.")],
) -> None:
    """Emit a plan as C."""
    from anomsdk.mcu.emit import emit_c
    from anomsdk.plans.lookup import find_plan

    with _terminable():
        made = emit_c(find_plan(plan), out)
    show(printable(f"wrote {made.folder}: {counted(len(made.files), 'file')}"))
    show(f"memory   {made.ram_bytes:,} bytes on a 32-bit processor")
    show(f"tables   {made.tables_bytes:,} bytes\nmodel    {made.model_bytes:,} bytes")
    show(printable(f"try it   make -C {made.folder} selftest"))


@app.command(help="Say what a plan takes on a microcontroller: flash, RAM, instructions by stage, MHz. Extra mcu.")
def footprint(
    plan: _PlanArgument,
    target: Annotated[str, typer.Option(metavar="T", help="cortex-m0, cortex-m3, cortex-m4, cortex-m7 or cortex-m33.")],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Compile a plan and run it in an emulator."""
    from anomsdk.mcu import find_target
    from anomsdk.mcu import footprint as measured
    from anomsdk.mcu.measuring import as_json as json_of
    from anomsdk.mcu.measuring import as_text
    from anomsdk.plans.lookup import find_plan

    core = find_target(target).name
    chosen = find_plan(plan)
    with _terminable(), Progress(1000) as progress:
        found = measured(chosen, core, progress=lambda done, total: progress.update(1000 * done // total))
    _show_either(as_json, lambda: json_of(found), lambda: as_text(found))


@app.command(help="Say what a plan is: parts, sizes, alarm levels, and what it keeps in memory for how long.")
def inspect(
    plan: _PlanArgument,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Describe a plan."""
    from anomsdk.plans.describe import as_text, describe
    from anomsdk.plans.lookup import find_plan

    sections = describe(find_plan(plan))
    _show_either(as_json, lambda: sections, lambda: as_text(sections))


def _left_out(line: str) -> None:
    """Say what `--skip-bad` leaves out."""
    show(printable(f"left out: {line}"), stream=sys.stderr)


def _show_either(as_json: bool, tree: Callable[[], Any], text: Callable[[], str]) -> None:
    """Print a report for programs, as it is, or for people, as wide as there is room."""
    if as_json:
        show(json.dumps(tree(), indent=2), wrap=False)
    else:
        show(text())


@contextmanager
def _terminable() -> Iterator[None]:
    """Let a service manager's SIGTERM leave as little behind as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


for _each in app.registered_commands:
    _each.cls = _Command

if __name__ == "__main__":
    main()
