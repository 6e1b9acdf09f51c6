"""Commands that make something: train, calibrate, plan, emit-c."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from anomsdk.cli.options import (
    CHOOSE,
    BudgetOrNone,
    Confidence,
    PlanArgument,
    RunOptions,
    Tolerate,
    note,
    plan_named,
    takes,
    tell,
    tell_left_out,
)
from anomsdk.errors import InputError
from anomsdk.utils.terminal import show
from anomsdk.utils.text import counted


@takes("group", "skip_bad", "seed", reading=True)
def train(
    normal: Annotated[Path, typer.Option(metavar="DIR|FILE", help=f"Recordings of normal behaviour only. {CHOOSE}")],
    spec: Annotated[
        Path,
        typer.Option(metavar="spec.toml", help="Spec of the plan: sensor, features, context and limits of the model."),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for spec, model, calibration and plan; replaced as a whole.")
    ],
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE", help="Place the alarm level on these normal recordings, held out of training."
        ),
    ] = None,
    anomalous: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE", help="Choose the model on these anomalous recordings. Default: on generated probes."
        ),
    ] = None,
    segment_s: Annotated[
        float,
        typer.Option(
            "--segment",
            metavar="S",
            min=0,
            help="Cut recordings into segments of S seconds, each a group of its own; 0: do not cut. Default: 0.",
            show_default=False,
        ),
    ] = 0.0,
    search: Annotated[
        str,
        typer.Option(
            metavar="model|full",
            help="model: search the model only. full: also search the context and the features, never finer ones than "
            "the spec has. Default: model.",
            show_default=False,
        ),
    ] = "model",
    gain_db: Annotated[
        float,
        typer.Option(
            metavar="DB",
            min=0,
            help="Also train on each recording attenuated and amplified by DB decibels, 0 or more. Default: 6.",
            show_default=False,
        ),
    ] = 6.0,
    tolerate: Tolerate = 0,
    *,
    run: RunOptions,
) -> None:
    """Train a plan on normal recordings.

    Search for the best model, fit it, set its alarm level, and write the plan.
    """
    from anomsdk.train import Options, fit_from

    try:
        with run.working("opening recordings") as progress:
            fit_from(
                spec,
                str(normal),
                out,
                calibration=None if calibration is None else str(calibration),
                anomalous=None if anomalous is None else str(anomalous),
                group=run.group,
                reading=run.reading,
                skip_bad=run.skip_bad,
                options=Options(seed=run.seed, search=search, gain_db=gain_db, segment_s=segment_s, tolerate=tolerate),
                report=tell,
                progress=progress.update,
                doing=progress.doing,
            )
    except (KeyboardInterrupt, SystemExit):
        show("stopped; nothing was written. Run the same command again to go on from here", stream=sys.stderr)
        raise


@takes("group", "skip_bad", reading=True)
def calibrate(
    plan: PlanArgument,
    normal: Annotated[
        str, typer.Option(metavar="DIR|FILE", help=f"Recordings of this device's normal behaviour only. {CHOOSE}")
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for spec, model, calibration and plan; replaced as a whole.")
    ],
    normalisation: Annotated[
        bool, typer.Option("--normalisation", help="Learn the centre and width of each feature anew as well.")
    ] = False,
    tolerate: Tolerate = 0,
    budget: BudgetOrNone = None,
    confidence: Confidence = 0.95,
    *,
    run: RunOptions,
) -> None:
    """Set a plan's alarm level for one device.

    The level is set from normal recordings of that device. The model does not change.
    """
    from anomsdk.runtime.memory import wiping
    from anomsdk.sources.clips import noticed, open_clips, survey
    from anomsdk.sources.stream_format import StreamFormat
    from anomsdk.stats.budgets import Budget
    from anomsdk.train import calibrate_clips

    chosen = plan_named(plan)
    if chosen.folder is None:
        raise InputError(f"{plan}: is not in a folder that train wrote; give such a folder")
    stream_format = StreamFormat.of(chosen.sensor, chosen.columns)
    with run.working("opening recordings") as progress:
        clips = open_clips(normal, stream_format, reading=run.reading, group=run.group, skip_bad=run.skip_bad)
        if budget is not None:
            Budget.parse(budget)  # before recordings are read
        n = len(clips.clips)
        if budget is None or run.skip_bad:  # a certificate needs no more than one reading
            progress.doing("reading recordings")
            with wiping():  # damage shows behind the header only
                clips, _ = survey(clips, skip_bad=run.skip_bad, progress=lambda done: progress.update(done, n))
        for line in clips.bad:
            tell_left_out(line)
        for line in noticed(clips.clips):
            note(line)
        total = sum(clip.length or 0 for clip in clips.clips)
        progress.doing("placing the alarm level")
        calibrate_clips(
            chosen.folder,
            clips.clips,
            out=out,
            normalisation=normalisation,
            tolerate=tolerate,
            budget=budget,
            confidence=confidence,
            report=tell,
            progress=lambda done: progress.update(done, total),
        )


def plan(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that holds spec.toml, the model and calibration.json.")
    ],
) -> None:
    """Turn the spec, model and calibration in DIR into DIR/plan.json."""
    from anomsdk.planner.planner import plan as planned
    from anomsdk.plans.changes import as_text
    from anomsdk.plans.file import read_plan, write_plan
    from anomsdk.plans.speech import speech_remark

    made, path = planned(folder), folder / "plan.json"
    change = None
    if path.exists():
        try:
            change = as_text(read_plan(path), made)
        except InputError as error:
            change = f"changed  the old plan.json is not known: {error}"
    write_plan(made, path)
    tell(f"wrote {path}: {len(made.canonical_bytes):,} bytes, {counted(made.macs, 'MAC')} a tick")
    show(f"id       {made.id}\nscore_id {made.score_id}\nraise    {made.levels.raise_score}")
    if change is not None:
        tell(change)
    if rounded := made.provenance.get("rounded"):
        tell(f"rounded  {rounded}")
    if remark := speech_remark(made):
        tell(f"speech   {remark}")


@takes()
def emit_c(
    plan: PlanArgument,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder to write: a new one, an empty one, or one that emit-c wrote before."),
    ],
    *,
    run: RunOptions,
) -> None:
    """Write a plan as C99 that compiles, with a boot self-test."""
    from anomsdk.mcu.emit import emit_c as emitted

    with run.working("writing C"):
        made = emitted(plan_named(plan), out)
    tell(f"wrote {made.folder}: {counted(len(made.files), 'file')}")
    show(f"memory   {made.ram_bytes:,} bytes on a 32-bit processor")
    show(f"tables   {made.tables_bytes:,} bytes\nmodel    {made.model_bytes:,} bytes")
    tell(f"try it   make -C {made.folder} selftest")
