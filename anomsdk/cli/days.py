"""Command that lists what changed in a herd: days."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from anomsdk.cli.options import PlanOption, RunOptions, plan_named, takes, tell
from anomsdk.errors import InputError, printable


@takes("engine", "jobs")
def days(
    devices: Annotated[
        Path,
        typer.Option(
            "--devices",
            metavar="DIR|FILE",
            help="Diaries: a folder of .parquet and .csv named by device, or one such file with a column device. Each "
            "row has a time and the columns of the plan; its slot begins at that time.",
        ),
    ],
    plan: PlanOption,
    today: Annotated[
        str, typer.Option("--today", metavar="DATE", help="Day that is listed, YYYY-MM-DD, of the clock of the rows.")
    ],
    before: Annotated[
        int,
        typer.Option(
            "--before",
            metavar="DAYS",
            help="Compare with DAYS days before it, from the days that the plan learns to 60. Default: 14.",
            show_default=False,
        ),
    ] = 14,
    common_share: Annotated[
        float,
        typer.Option(
            "--common-share",
            metavar="R",
            help="Call it a common-mode day if more than this share of the animals has an alarm-day, or changed in the "
            "same direction, above 0 to 1. Default: 0.3.",
            show_default=False,
        ),
    ] = 0.3,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="DIR",
            help="Keep the rows of these days in DIR, so that the next run needs new rows only and gives the same "
            "list.",
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="OUT.csv", help="Write every animal and device of the list.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="OUT.html", help="Also write a page for a phone, without scripts.")
    ] = None,
    *,
    run: RunOptions,
) -> None:
    """List what changed in a herd on one day.

    New alarm-days come first, each with what changed against the animal's own days before, and beside the herd. Devices
    that are silent, off the body or learning stand apart. Needs the extra parquet: pip install 'anomsdk[parquet]'.
    """
    from anomsdk.herd.days.overview import days_list
    from anomsdk.herd.days.report_html import write_html
    from anomsdk.herd.days.report_text import as_text
    from anomsdk.herd.days.table import check_place, write_table

    chosen = plan_named(plan)
    try:
        day = date.fromisoformat(today)
    except ValueError:
        raise InputError(f"`today`: {printable(today)} is no day; give YYYY-MM-DD") from None
    for place, suffix, what in ((csv, ".csv", "the list of a day"), (html, ".html", "the page of a day")):
        if place is not None:
            check_place(place, suffix, what)
    with run.working("reading diaries") as progress:
        found = days_list(
            devices,
            chosen,
            day,
            before=before,
            common_share=common_share,
            state=state,
            engine=run.engine,
            jobs=run.jobs,
            progress=progress.update,
        )
        if csv is not None:
            write_table(found, csv)
        if html is not None:
            write_html(found, html)
    tell(as_text(found))
