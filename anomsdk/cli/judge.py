"""Commands that judge a plan: evaluate, diff, verify, footprint, inspect."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from anomsdk.cli.judge_days import evaluate_days
from anomsdk.cli.options import (
    CHOOSE,
    Json,
    PlanArgument,
    PlanOption,
    RunOptions,
    note,
    plan_named,
    print_report,
    takes,
)
from anomsdk.errors import CheckError, InputError, all_or_none
from anomsdk.utils.text import counted


@takes("group", "engine", "seed", "skip_bad", "jobs", reading=True)
def evaluate(
    plan: PlanOption,
    normal: Annotated[str, typer.Option(metavar="A", help=f"Normal recordings, a file or a folder. {CHOOSE}")],
    anomalous: Annotated[
        str | None,
        typer.Option(
            metavar="B",
            help="Anomalous recordings, a file or a folder; with --snr, sounds to mix into A. Default: none, and only "
            "false alarms are measured.",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Name the activity in each recording by KEY: folder, or an array of an .npz. Default: activity, "
            "label, class or behaviour, the first that exists, else folder.",
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            metavar="E.csv", help="Times of the events in B: one line recording,start_s,stop_s for each recording."
        ),
    ] = None,
    piece_s: Annotated[
        float | None,
        typer.Option(
            "--piece",
            metavar="S",
            min=0,
            help="Cut A into segments of about S seconds and compare them with B; 0: do not cut. Default: the median "
            "length of B for motion, 0 for sound.",
        ),
    ] = None,
    snr: Annotated[
        str | None,
        typer.Option(
            metavar="20,10,0", help="Mix B into A at these signal-to-noise ratios in dB, each from -80 to 80."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="L.csv",
            help="Labelled events of animals, for a plan of days: one line animal,label,start for each event.",
        ),
    ] = None,
    as_json: Json = False,
    html: Annotated[Path | None, typer.Option(metavar="OUT.html", help="Also write a page with charts.")] = None,
    *,
    run: RunOptions,
) -> None:
    """Measure how well a plan tells anomalous from normal recordings.

    Prints AUC, false alarms an hour and other figures, with 95 % confidence intervals. For a plan of days: alarm-days
    of the animals in A, and generated changes that are put into their days and found.
    """
    from anomsdk import evaluate as evaluation
    from anomsdk.evaluate.report_html import check_place, write_html
    from anomsdk.runtime.judged_share import require_judged
    from anomsdk.sources.clips import noticed
    from anomsdk.sources.stream_format import StreamFormat
    from anomsdk.synthetic.mixing import parse_snr

    chosen = plan_named(plan)
    if chosen.sensor.kind == "diary":
        others = {"anomalous": anomalous, "label": label, "events": events, "piece_s": piece_s, "snr": snr}
        evaluate_days(chosen, normal, labels, html, as_json, others, run)
        return
    if labels is not None:
        raise InputError("`labels`: is about the days of a herd, and this plan judges none; leave it out")
    ratios = None if snr is None else parse_snr(snr)
    if anomalous is None and (ratios is not None or events is not None):
        raise InputError(f"`{'events' if ratios is None else 'snr'}`: is about `anomalous` recordings; give them")
    times = None if events is None else evaluation.read_events(events)
    if html is not None:
        check_place(html)
    clips = partial(
        evaluation.open_marked,
        stream_format=StreamFormat.of(chosen.sensor, chosen.columns, chosen.duty),
        reading=run.reading,
        label=label,
        group=run.group,
        skip_bad=run.skip_bad,
    )
    with run.working("opening recordings") as progress:
        sides = all_or_none(
            lambda: clips(normal),
            lambda: evaluation.Clips(()) if anomalous is None else clips(anomalous, events=times),
        )
        for line in noticed([clip for side in sides for clip in side.clips]):
            note(line)
        progress.doing("scoring recordings")
        found = evaluation.evaluate(
            chosen,
            *sides,
            snr=ratios,
            piece_s=piece_s,
            engine=run.engine,
            seed=run.seed,
            skip_bad=run.skip_bad,
            jobs=run.jobs,
            progress=progress.update,
        )
        if html is not None:
            write_html(found, html)
    print_report(as_json, lambda: evaluation.as_json(found), lambda: evaluation.as_text(found))
    require_judged("evaluate", found.judged_normal + found.judged_anomalous)


@takes("group", "engine", "seed", "skip_bad", "jobs", reading=True)
def diff(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="The released plan: a plan.json, its folder or a reference model.")
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The plan to release, named in the same way.")],
    corpus: Annotated[str, typer.Option(metavar="A", help=f"Normal recordings, a file or a folder. {CHOOSE}")],
    anomalous: Annotated[
        str | None, typer.Option(metavar="B", help="Anomalous recordings, a file or a folder.")
    ] = None,
    match_s: Annotated[
        float | None,
        typer.Option(
            "--match",
            metavar="S",
            help="Match an alarm of OLD with one of NEW at most S seconds away. Default: the longer time to decide of "
            "the two plans.",
        ),
    ] = None,
    max_change: Annotated[
        float,
        typer.Option(
            metavar="R",
            help="Fail if false alarms change by more than R an hour; 0: judge each alarm by itself. Default: 0.",
            show_default=False,
        ),
    ] = 0.0,
    max_added: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Fail if NEW alone raises more than N alarms. Default: 0; any number with --max-change.",
        ),
    ] = None,
    max_lost: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Fail if OLD alone raises more than N alarms. Default: 0; any number with --max-change.",
        ),
    ] = None,
    max_moved: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Fail if more than N alarms move in time. Default: 0; any number with --max-change.",
        ),
    ] = None,
    max_missed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Fail if OLD alone finds more than N recordings of B. Default: 0."),
    ] = None,
    confident: Annotated[
        bool,
        typer.Option("--confident", help="Apply --max-change to the far end of the 95 % confidence interval."),
    ] = False,
    as_json: Json = False,
    *,
    run: RunOptions,
) -> None:
    """Compare the alarms of two plans on the same recordings.

    Fails if more alarms change than the options allow.
    """
    from anomsdk import compare
    from anomsdk.compare.report_text import failed_limits

    if max_missed is not None and anomalous is None:
        raise InputError("`max_missed`: there is nothing to miss; give `anomalous`, too")
    limits = compare.Limits(max_change, max_added, max_lost, max_moved, max_missed or 0, confident)
    plans = plan_named(old), plan_named(new)
    with run.working("scoring recordings") as progress:
        found = compare.diff(
            *plans,
            corpus,
            anomalous,
            match_s=match_s,
            reading=run.reading,
            group=run.group,
            engine=run.engine,
            seed=run.seed,
            skip_bad=run.skip_bad,
            jobs=run.jobs,
            progress=progress.update,
        )
    judged = compare.judge(found, limits)
    print_report(as_json, lambda: compare.as_json(found, judged), lambda: compare.as_text(found, judged))
    if failed := failed_limits(judged):
        raise CheckError(f"diff: changes exceed the limits: {failed}")


@takes("seed", reading=True)
def verify(
    plan: PlanArgument,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILES", help=f"Recordings to run as well. {CHOOSE}")
    ] = None,
    hops: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Make each random stream N hops long, 1 or more. Default: 2000.",
            show_default=False,
        ),
    ] = 2000,
    cross_check: Annotated[
        bool,
        typer.Option(
            "--cross-check",
            help="Also count differences to ai-edge-litert, which rounds in another way; they are no failure.",
        ),
    ] = False,
    require_all: Annotated[bool, typer.Option("--require-all", help="Fail if an engine is missing.")] = False,
    *,
    run: RunOptions,
) -> None:
    """Compare all engines on a plan, integer by integer.

    Prints the golden digest. Any difference is a failure.
    """
    from anomsdk.audit.verify import as_text
    from anomsdk.audit.verify import verify as compare

    with run.working("comparing engines") as progress:
        report = compare(
            plan_named(plan),
            files or (),
            reading=run.reading,
            hops=hops,
            seed=run.seed,
            cross_check=cross_check,
            progress=progress.update,
        )
    print_report(False, dict, lambda: as_text(report))
    if report.differences:
        raise CheckError(f"verify: {counted(report.differences, 'difference')}; the engines do not agree on this plan")
    if require_all and report.missing:
        raise CheckError(f"verify: engine {report.missing[0][0]} is missing")


@takes()
def footprint(
    plan: PlanArgument,
    target: Annotated[
        str,
        typer.Option(metavar="T", help="Processor core: cortex-m0, cortex-m3, cortex-m4, cortex-m7 or cortex-m33."),
    ],
    as_json: Json = False,
    *,
    run: RunOptions,
) -> None:
    """Measure what a plan needs on a microcontroller.

    Compiles the plan and runs it in an emulator: bytes of flash and RAM, instructions of each stage, and MHz. Needs
    the extra mcu: pip install 'anomsdk[mcu]'
    """
    from anomsdk.mcu import find_target
    from anomsdk.mcu import footprint as measured
    from anomsdk.mcu.measuring import as_json as json_of
    from anomsdk.mcu.measuring import as_text

    core = find_target(target).name
    chosen = plan_named(plan)
    with run.working("compiling, then running") as progress:
        found = measured(chosen, core, progress=progress.update)
    print_report(as_json, lambda: json_of(found), lambda: as_text(found))


def inspect(
    plan: PlanArgument,
    retention: Annotated[
        bool,
        typer.Option(
            "--retention",
            help="Print what each byte of a pipeline's memory holds, for how long and what wipes it, and what leaves "
            "the device.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Describe a plan: parts, sizes, alarm levels, memory.

    Also says what a device keeps in memory, and for how long.
    """
    chosen = plan_named(plan)
    if retention:
        from anomsdk.audit.retention import report

        print_report(as_json, lambda: report.as_json(chosen), lambda: report.as_text(chosen))
        return
    from anomsdk.plans.describe import as_text, describe

    sections = describe(chosen)
    print_report(as_json, lambda: sections, lambda: as_text(sections))
