"""Commands that run a plan, and one that reads what devices send: watch, score, decode."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anomsdk.cli.option_words import in_flags
from anomsdk.cli.options import CHOOSE, PlanOption, RunOptions, note, plan_named, takes, tell, tell_left_out
from anomsdk.cli.watch_seal import prepare_seal, seal_watching, sealable_engine
from anomsdk.errors import InputError, printable
from anomsdk.utils.terminal import show
from anomsdk.utils.text import counted

if TYPE_CHECKING:
    from anomsdk.sources.recording import Recording


@takes("engine", "skip_bad", reading=True)
def watch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A recording (.wav, .flac, .ogg, .npy, .npz or .csv; of motion .csv, .parquet, .npy or .npz), a "
            f"folder of recordings, or - for raw little-endian int16 on stdin. {CHOOSE}",
        ),
    ],
    plan: PlanOption,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object a line: each alert, then a summary.")
    ] = False,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.npy",
            help="Write the score of each tick as uint32, recordings one after the other. Nothing is written if the "
            "command is stopped early.",
        ),
    ] = None,
    sealed: Annotated[
        bool,
        typer.Option(
            "--sealed",
            callback=prepare_seal,
            help="Let the kernel kill this process if it does anything but read stdin, print and end: no file, no "
            "network, no other process. Linux, engine native and INPUT - only.",
        ),
    ] = False,
    *,
    run: RunOptions,
) -> None:
    """Run a plan over INPUT and print its alerts.

    INPUT is a recording, a folder of recordings or a live stream. When the command ends, nothing of the signal is left
    but the scores that --scores writes.
    """
    from anomsdk.plans.speech import speech_remark
    from anomsdk.runtime.judged_share import require_judged
    from anomsdk.watch.session import Sink, Watch, watch_recordings
    from anomsdk.watch.sinks.console import Lines
    from anomsdk.watch.sinks.jsonl import JsonLines

    def sink_of(watching: Watch, recordings: list[Recording]) -> Sink:
        if jsonl:
            return JsonLines(chosen, watching.engine, wording=in_flags)
        place = None if scores is None else str(scores)
        held = watching.more_is_held(recordings)
        return Lines(chosen, len(recordings), place, held, wording=in_flags, coloured=not sealed)

    engine = sealable_engine(source, run.engine, scores) if sealed else run.engine
    chosen = plan_named(plan)
    with run.working("opening recordings", log=not sealed) as progress:
        if source == "-":
            progress.update(0, 0)  # a live stream has no end
        with Watch(chosen, engine, scores=scores) as watching:
            recordings = watching.open(source, run.reading, on_bad=run.on_bad)
            sink = sink_of(watching, recordings)
            if remark := speech_remark(chosen):
                tell(remark, stream=sys.stderr if jsonl else sys.stdout)
            if sealed:
                seal_watching(chosen, sink_of)
            progress.doing("watching")
            try:
                watch_recordings(watching, recordings, sink, on_bad=run.on_bad, progress=progress.update)
            except (KeyboardInterrupt, SystemExit):
                sink.end(watching.summary(), stopped=True)
                raise
        sink.end(watching.summary(), stopped=False)  # only now are the scores in their place
        require_judged("watch", watching.summary().judged)


@takes("jobs", "engine", "skip_bad", "group", reading=True)
def score(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help=f"Recordings and folders of them, or - for stdin. {CHOOSE}"),
    ],
    plan: PlanOption,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR|OUT.npz",
            help="Write a data set to the folder DIR: Parquet by day of UTC, a row for each device and day. A later "
            "run adds what is not in it. OUT.npz: one array of uint32 for each recording under its name, with the "
            "score of each tick.",
        ),
    ],
    scores: Annotated[
        str | None,
        typer.Option(
            "--scores",
            metavar="KIND",
            help="DIR: keep the score of each tick as log2 in 1/256 (log2), as it is (exact), or not (none). Default: "
            "log2.",
            show_default=False,
        ),
    ] = None,
    go_on: Annotated[
        bool,
        typer.Option(
            "--continue",
            help="DIR: pass the recordings of one device through one pipeline in the order of time, with the gaps "
            "between them. Recordings of a later run go on from there. A device is a folder, or see --group.",
        ),
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="TIME",
            help="DIR: the first recording of each device that does not tell its time begins at TIME, in ISO 8601, UTC "
            "where no zone is said; further ones begin where the one before ended.",
        ),
    ] = None,
    *,
    run: RunOptions,
) -> None:
    """Score recordings and write the scores of each.

    Several recordings are scored at once. When the command ends, nothing of the signal is left but the scores.
    """
    if out.suffix.lower() in (".npy", ".csv", ".parquet"):
        raise InputError(f"{printable(out)}: give a folder for a data set, or a name that ends in .npz for arrays")
    if out.suffix.lower() != ".npz":
        _score_into(sources, plan, out, scores or "log2", go_on, start, run)
        return
    for name, given in (("scores", scores), ("go_on", go_on), ("start", start), ("group", run.group)):
        if given:
            raise InputError(f"`{name}`: is for a data set; give a folder as `out`, or leave it out")
    _score_npz(sources, plan, out, run)


def _score_into(
    sources: list[str], plan: str, out: Path, scores: str, go_on: bool, start: str | None, run: RunOptions
) -> None:
    """Score recordings into a data set."""
    from anomsdk.datasets.sample_clock import time_us
    from anomsdk.datasets.schema import score_column
    from anomsdk.datasets.score_run import score_into
    from anomsdk.runtime.judged_share import require_judged

    chosen, kind = plan_named(plan), score_column(scores)
    start_us = None if start is None else time_us(start)
    with run.working("scoring recordings") as progress:
        written = score_into(
            chosen,
            sources,
            out,
            scores=kind,
            go_on=go_on,
            start_us=start_us,
            reading=run.reading,
            group=run.group,
            engine=run.engine,
            jobs=run.jobs,
            on_bad=run.on_bad,
            report=note,
            progress=progress.update,
        )
    tell(f"wrote {out}: {written}")
    if not written.done_before:
        require_judged("score", written.judged)


def _score_npz(sources: list[str], plan: str, out: Path, run: RunOptions) -> None:
    """Score recordings into a .npz, all at once."""
    from anomsdk.evaluate.stretch_scores import without_ladder
    from anomsdk.runtime.judged_share import require_judged
    from anomsdk.watch.score_files import score_and_judge
    from anomsdk.watch.sinks.scores import check_scores_place, write_scores

    chosen = plan_named(plan)
    check_scores_place(out)
    left_out = list[str]()

    def on_bad(line: str) -> None:
        left_out.append(line)
        tell_left_out(line)

    with run.working("scoring recordings") as progress:
        if "-" in sources:
            progress.update(0, 0)  # a live stream has no end
        found, judged = score_and_judge(
            chosen,
            sources,
            reading=run.reading,
            engine=run.engine,
            jobs=run.jobs,
            on_bad=on_bad if run.skip_bad else None,
            report=note,
            progress=progress.update,
        )
        write_scores(found, out, without_ladder(chosen).score_id)
    ticks = sum(map(len, found.values()))
    without = f", {len(left_out):,} left out" if left_out else ""
    what = f"{counted(len(found), 'recording')}{without}, {counted(ticks, 'tick')}"
    tell(f"wrote {out}: {what}; judged {judged}")
    require_judged("score", judged)


def decode(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="INPUT",
            help="Bytes of events in hexadecimal or base64, a file, or - for stdin. A file or stdin holds a payload a "
            "line (hexadecimal, base64, or JSON of `watch --jsonl`, The Things Network or ChirpStack), or events of "
            "16 bytes in binary.",
            show_default=False,
        ),
    ] = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line for each event.")] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out lines and events that cannot be decoded, and name each.")
    ] = False,
    write_decoders: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the decoders in C and in JavaScript (The Things Network, ChirpStack) to DIR, and decode "
            "nothing. A file that is there and differs is not replaced.",
        ),
    ] = None,
) -> None:
    """Decode events that devices have sent.

    An event has 16 bytes, or 11 in the compact form. Each is printed as soon as its line or its bytes have arrived.
    """
    from anomsdk.receive.decoder_files import write_decoders as written
    from anomsdk.receive.decoding import decoded, line_of
    from anomsdk.receive.payloads import EventReader
    from anomsdk.watch.sinks.event_words import STYLES

    if (source is None) == (write_decoders is None):
        many = "nothing to decode: give" if source is None else "give either"
        raise InputError(f"{many} `source` or `write_decoders=DIR`")
    if write_decoders is not None:
        for path in written(write_decoders):
            tell(f"wrote {path}")
        return
    assert source is not None
    stdin = None if sys.stdin is None else sys.stdin.buffer
    reader = EventReader(source, stdin, on_bad=tell_left_out if skip_bad else None)
    for event in reader.read():
        if jsonl:
            show(json.dumps(decoded(event)), wrap=False)
        else:
            show(line_of(event), styles=STYLES)
    if reader.left_out:
        note(f"left out {reader.left_out:,}, decoded {counted(reader.events, 'event')}")
