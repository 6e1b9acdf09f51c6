"""`evaluate` on a plan that judges days."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anomsdk.cli.options import RunOptions, note, print_report
from anomsdk.errors import InputError

if TYPE_CHECKING:
    from anomsdk.core.plan import Plan


def evaluate_days(
    plan: Plan,
    normal: str,
    labels: Path | None,
    html: Path | None,
    as_json: bool,
    others: Mapping[str, Any],
    run: RunOptions,
) -> None:
    """Evaluate a plan on the days of a herd, and print the report.

    Parameters
    ----------
    plan : plan of a diary
    normal : file or folder of diary rows
    labels : CSV of labelled events; None: none
    html : page to write; None: none
    as_json : print JSON
    others : options that are about recordings; one that is given is refused
    run : common options
    """
    from anomsdk.evaluate import day_report
    from anomsdk.evaluate.day_clips import animal_rows
    from anomsdk.evaluate.day_evaluation import evaluate_days as evaluated
    from anomsdk.evaluate.day_events import read_labels
    from anomsdk.sources.clips import noticed, open_clips
    from anomsdk.sources.stream_format import StreamFormat

    given = sorted(name for name, value in others.items() if value is not None)
    if given:
        raise InputError(
            f"`{given[0]}`: a plan of days is evaluated on normal days, into which changes are put; leave it out"
        )
    events = None if labels is None else read_labels(labels)
    if html is not None:
        day_report.check_place(html)
    with run.working("opening diaries") as progress:
        stream_format = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
        clips = open_clips(normal, stream_format, reading=run.reading, group=run.group, skip_bad=run.skip_bad)
        for line in noticed(clips.clips):
            note(line)
        progress.doing("judging days, and changes put into them")
        found = evaluated(
            plan,
            animal_rows(clips.clips),
            events=events,
            engine=run.engine,
            seed=run.seed,
            progress=progress.update,
        )
        if html is not None:
            day_report.write_html(found, html)
    print_report(as_json, lambda: day_report.as_json(found), lambda: day_report.as_text(found))
