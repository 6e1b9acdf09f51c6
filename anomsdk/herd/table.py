"""Table of a herd's day as CSV: every device of each list."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from anomsdk.errors import InputError, printable
from anomsdk.herd.overview import HerdDay
from anomsdk.herd.report_json import time_text
from anomsdk.utils.files import write_atomically

COLUMNS = {
    "day": "day of UTC",
    "list": "new, goes on, technical, silent or low coverage; a device may stand in several",
    "device": "name of the device",
    "alarm_days_before": "days before on which it was in alarm",
    "days_before": "days before on which it was heard of",
    "alerts": "alarms that were raised on the day; in the list technical: technical alarms",
    "hours_in_alarm": "hours of the day in alarm",
    "since": "first raise of the day, UTC; empty: not told, or in alarm since before the day",
    "highest_over_median": "highest score of the day over the herd's median of them",
    "rank": "1 for the highest score of the herd",
    "level_tag": "level at which it is judged: 0 for the plan's own, else a rung from 1",
    "level": "own, if it is the device's own certified rung, table, if it is another rung of the table, or in force",
    "conditions": "technical conditions",
    "coverage": "judged share of the day, 0 to 1",
    "last_day": "last day on which a silent device was heard of",
}
"""Column -> its meaning."""


def check_table_place(path: Path) -> None:
    """Refuse a place that the table cannot be written to, before any work.

    Raises
    ------
    InputError : its name does not end in .csv, or there is no such folder
    """
    where = printable(path)
    if path.suffix.lower() != ".csv":
        raise InputError(f"{where}: the list of a day is written as .csv; give a name that ends so")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{where}: cannot be written: no such folder, or this is a folder; choose another place")


def write_table(found: HerdDay, path: Path) -> None:
    """Write the table in UTF-8, all or nothing."""
    check_table_place(path)
    write_atomically(path.resolve(), as_csv(found))


def as_csv(found: HerdDay) -> bytes:
    """Return the table; a cell that a spreadsheet would run gets an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in _rows(found):
        guarded = "'" if row["device"][:1] in ("=", "+", "-", "@") else ""
        writer.writerow({"day": found.day.isoformat(), **row, "device": guarded + row["device"]})
    return text.getvalue().encode("utf-8", "replace")


def _rows(found: HerdDay) -> Iterator[dict[str, str]]:
    for each in found.look_at:
        yield {
            "list": "new" if each.is_new else "goes on",
            "device": each.device,
            "alarm_days_before": str(each.alarm_days_before),
            "days_before": str(each.days_before),
            "alerts": str(each.alerts),
            "hours_in_alarm": _number(each.hours),
            "since": time_text(each.since_us) or "",
            "highest_over_median": "" if each.factor is None else _number(each.factor),
            "rank": "" if each.rank is None else str(each.rank),
            "level_tag": str(each.level_tag),
            "level": each.level,
        }
    for faulty in found.technical:
        words = ", ".join(word for word, _ in faulty.conditions)
        yield {
            "list": "technical",
            "device": faulty.device,
            "alerts": str(faulty.alarms),
            "conditions": words,
            "coverage": _number(faulty.coverage),
        }
    for silent in found.silent:
        yield {"list": "silent", "device": silent.device, "last_day": silent.last_day.isoformat()}
    for sparse in found.sparse:
        yield {"list": "low coverage", "device": sparse.device, "coverage": _number(sparse.coverage)}


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
