"""List of a day as CSV: every animal with an alarm-day, and every device that is not judged."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anomsdk.errors import InputError, printable
from anomsdk.herd.days.changes import clock
from anomsdk.herd.days.overview import DaysList
from anomsdk.herd.days.report_text import quiet_words
from anomsdk.utils.files import write_atomically

COLUMNS = {
    "day": "day, of the clock that the rows have",
    "list": "new or going on: an alarm-day; silent, off the body, two rows for a slot, too few rows or learning",
    "device": "name of the device",
    "words": "what changed, or why the device is not judged",
    "alarm_at": "time of the first alarm of the day; empty: it stands since before the day",
    "alarm_days_before": "alarm-days on the days before",
    "change": "ratio of the day's total of the first judged column to the usual one, less 1",
    "herd_change": "median of it over the judged animals",
    "rank": "place by this change among the judged animals, from the animal's own end",
    "shared": "1: the herd shares the change, or the alarm-day",
    "score_over_level": "highest score of the day over the alarm level",
    "last_day": "last day with a row",
}
"""Column -> its meaning."""


def check_place(path: Path, suffix: str, what: str) -> None:
    """Refuse a place that cannot be written to, before any work.

    Raises
    ------
    InputError : its name does not end as it must, or there is no such folder
    """
    where = printable(path)
    if path.suffix.lower() != suffix:
        raise InputError(f"{where}: {what} is written as {suffix}; give a name that ends so")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{where}: cannot be written: no such folder, or this is a folder; choose another place")


def write_table(found: DaysList, path: Path) -> None:
    """Write the table in UTF-8, all or nothing."""
    check_place(path, ".csv", "the list of a day")
    write_atomically(path.resolve(), as_csv(found))


def as_csv(found: DaysList) -> bytes:
    """Return the table; a cell that a spreadsheet would run gets an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in _rows(found):
        guarded = "'" if row["device"][:1] in ("=", "+", "-", "@", "\t", "\r") else ""
        writer.writerow({"day": found.today.isoformat(), **row, "device": guarded + row["device"]})
    return text.getvalue().encode("utf-8", "replace")


def _rows(found: DaysList) -> Iterator[dict[str, str]]:
    for each in found.changed:
        yield {
            "list": "new" if each.is_new else "going on",
            "device": each.device,
            "words": "; ".join(each.changes),
            "alarm_at": "" if each.raised is None else clock(each.raised, found.slots),
            "alarm_days_before": str(each.alarm_days_before),
            "change": _number(each.change),
            "herd_change": _number(found.herd_change),
            "rank": "" if each.rank is None else str(each.rank),
            "shared": str(int(each.is_common)),
            "score_over_level": _number(each.factor),
        }
    for quiet in found.quiet:
        yield {
            "list": quiet.why,
            "device": quiet.device,
            "words": quiet_words(found, quiet),
            "last_day": "" if quiet.last_day is None else quiet.last_day.isoformat(),
        }


def _number(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.6f}".rstrip("0").rstrip(".")
