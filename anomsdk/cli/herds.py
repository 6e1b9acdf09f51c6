"""Commands for many devices: gather, tune and herd."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from anomsdk.cli.options import (
    CHOOSE,
    BudgetOption,
    Confidence,
    Json,
    PlanOption,
    RunOptions,
    note,
    plan_named,
    print_report,
    takes,
    tell,
)
from anomsdk.errors import InputError, printable


@takes("skip_bad")
def gather(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Folders with ladder exports (.ladder, one or more in a file) in folders day=YYYY-MM-DD, or such "
            "files. A folder group=NAME above them is kept.",
        ),
    ],
    plan: PlanOption,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Write a data set to the folder DIR: Parquet by day, a row for each device and day. A later run adds "
            "later days.",
        ),
    ],
    *,
    run: RunOptions,
) -> None:
    """Gather ladder exports of devices into a data set, by day.

    A device may be read once a day or more often. A row has what the ladder counted since the exports of earlier days.
    Memory grows with the devices, not with the exports.
    """
    from anomsdk.datasets.gathering import gather_into

    chosen = plan_named(plan)
    with run.working("gathering exports") as progress:
        found = gather_into(chosen, sources, out, on_bad=run.on_bad, progress=progress.update)
    tell(f"wrote {out}: {found}")


@takes("group", "engine", "skip_bad", "jobs", reading=True)
def tune(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="A data set that score or gather wrote, ladder exports (.ladder) and folders of them, a .npz of "
            f"scores, or recordings and folders of them. {CHOOSE}",
        ),
    ],
    plan: PlanOption,
    budget: BudgetOption,
    confidence: Confidence = 0.95,
    fixed: Annotated[
        bool,
        typer.Option("--fixed", help="Use bounds for a number of days that was fixed before; nobody may look earlier."),
    ] = False,
    max_alarm_fraction: Annotated[
        float,
        typer.Option(
            "--max-alarm-fraction",
            metavar="R",
            help="A rung fails if it is in alarm for more than this share of the time, above 0 to 1. Default: 0.05.",
            show_default=False,
        ),
    ] = 0.05,
    pooled: Annotated[
        bool,
        typer.Option(
            "--pooled",
            help="Certify the mean share of devices in alarm a day, for all devices together; needs exports in folders "
            "day=YYYY-MM-DD, or a data set.",
        ),
    ] = False,
    independent: Annotated[
        bool,
        typer.Option(
            "--independent",
            help="Declare that devices raise alarms independently of one another, and count each day of each device; "
            "needs exports in folders day=YYYY-MM-DD, or a data set.",
        ),
    ] = False,
    anomalous: Annotated[
        str | None,
        typer.Option(metavar="B", help="Anomalous recordings, a file or a folder: what the levels find of them."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="Write one row for each device, as .csv or .parquet.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="OUT.html", help="Also write a page with charts.")] = None,
    write_plan: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN.json",
            help="Write the plan with the level as its own: that of one device, or the one that 90 % of the certified "
            "devices are at or below.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Add up data sets on the cluster of this scheduler of Dask, e.g. tcp://10.0.0.1:8786, whose workers "
            "find them under the same path. Needs the extra herd: pip install 'anomsdk[herd]'.",
        ),
    ] = None,
    as_json: Json = False,
    *,
    run: RunOptions,
) -> None:
    """Find the level of each device that keeps a budget of alarms.

    A level is certified by what its rung of the ladder counted, at any time and however often somebody looks.
    """
    from anomsdk.plans.file import write_plan as written
    from anomsdk.stats.budgets import Budget
    from anomsdk.stats.promises import check_reachable
    from anomsdk.tune.alternatives import alternatives_text
    from anomsdk.tune.cluster import Cluster
    from anomsdk.tune.herd import tune as tuned_herd
    from anomsdk.tune.inputs import open_herd
    from anomsdk.tune.own_level import check_plan_place, with_own_level
    from anomsdk.tune.pooling import pool
    from anomsdk.tune.report_html import check_place, write_html
    from anomsdk.tune.report_json import as_json as tree_of
    from anomsdk.tune.report_text import as_text
    from anomsdk.tune.table import check_table_place, write_table

    chosen, parsed = plan_named(plan), Budget.parse(budget)
    if not (pooled or independent):
        check_reachable(parsed, confidence)
    if pooled and independent:
        raise InputError("`pooled`: and `independent` exclude each other; give one of them")
    if fixed and (pooled or independent):
        raise InputError("`fixed`: pooled certificates hold at any time, and no others are made; leave it out")
    for check, place in ((check_table_place, out), (check_place, html), (check_plan_place, write_plan)):
        if place is not None:
            check(place)
    with run.working("reading inputs") as progress, ExitStack() as opened:
        cluster = None
        if scheduler is not None:
            connected = Cluster(scheduler, skip_bad=run.skip_bad, progress=progress.update)
            cluster = opened.enter_context(connected)
        herd = open_herd(
            chosen,
            sources,
            parsed,
            confidence,
            reading=run.reading,
            group=run.group,
            engine=run.engine,
            jobs=run.jobs,
            on_bad=run.on_bad,
            add=None if cluster is None else cluster.add_up,
            report=note,
            progress=progress.update,
        )
        if scheduler is not None and herd.data is None:
            raise InputError("`scheduler`: adds up data sets, and none is given; leave it out")
        progress.doing("choosing levels")
        if pooled or independent:
            found = pool(herd, parsed, confidence, max_alarm_fraction=max_alarm_fraction, independent=independent)
        else:
            found = tuned_herd(
                herd,
                parsed,
                confidence,
                max_alarm_fraction=max_alarm_fraction,
                method="fixed" if fixed else "anytime",
            )
        made = None if write_plan is None else with_own_level(found)
        more = alternatives_text(
            found, anomalous, reading=run.reading, group=run.group, engine=run.engine, jobs=run.jobs, on_bad=run.on_bad
        )
        if out is not None:
            write_table(found, out)
        if html is not None:
            write_html(found, html, more)
        if write_plan is not None and made is not None:
            written(made, write_plan)
    print_report(as_json, lambda: tree_of(found), lambda: as_text(found, more))


@takes()
def herd(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A data set that score or gather wrote, with folders day=YYYY-MM-DD."),
    ],
    plan: PlanOption,
    day: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Day of UTC, YYYY-MM-DD. Default: the last one of the data set."),
    ] = None,
    levels: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="Judge each animal at its own rung, from the table that tune wrote with --out. Default: at the level "
            "in force on the device.",
        ),
    ] = None,
    before: Annotated[
        int,
        typer.Option(
            metavar="DAYS",
            help="Compare the day with DAYS days before it, 1 to 366. Default: 7.",
            show_default=False,
        ),
    ] = 7,
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(metavar="CSV", help="Write every device of each list, as .csv.")] = None,
    *,
    run: RunOptions,
) -> None:
    """List the animals of a herd to look at on one day.

    First come the share of the herd in alarm and the alerts per 1,000 animal-days, then animals, new ones first.
    Devices with technical alarms, silent devices and those with little coverage stand apart.
    """
    from datetime import date

    from anomsdk.herd.levels import read_levels
    from anomsdk.herd.overview import herd_day
    from anomsdk.herd.report_json import as_json as tree_of
    from anomsdk.herd.report_text import as_text
    from anomsdk.herd.table import check_table_place, write_table

    chosen = plan_named(plan)
    try:
        wanted = None if day is None else date.fromisoformat(day)
    except ValueError:
        raise InputError(f"`day`: {printable(day)} is no day; give YYYY-MM-DD") from None
    if out is not None:
        check_table_place(out)
    own = None if levels is None else read_levels(levels, chosen)
    with run.working("reading days") as progress:
        found = herd_day(folder, chosen, wanted, before=before, levels=own, progress=progress.update)
    if out is not None:
        write_table(found, out)
    print_report(as_json, lambda: tree_of(found), lambda: as_text(found))
