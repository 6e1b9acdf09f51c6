"""Table of a tuned herd: one row for each device, as CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from anomsdk.core.downlink import LevelOrder
from anomsdk.errors import InputError, printable
from anomsdk.tune.herd import Tuned
from anomsdk.utils.files import write_atomically

COLUMNS: dict[str, tuple[str, str]] = {
    "device": ("string", "number of the device, or its name"),
    "group": ("string", "group of the device; empty: none"),
    "status": ("string", "certified, provisional, more days or fails"),
    "level": ("uint32", "score of the alarm level"),
    "rung": ("uint8", "index of its rung from 0; empty: the plan's own level"),
    "level_tag": ("uint8", "level tag of events at this level: 0 for the plan's own, else rung + 1"),
    "downlink": ("string", "bytes that put the level in force, 6 hexadecimal digits; empty: the device has no ladder"),
    "bound": ("float64", "upper bound of the rate in the budget's unit per its period; empty unless certified"),
    "missing_days": ("uint32", "whole days without another alarm until the highest rung is certified, rounded up"),
    "days": ("float64", "days of service among which the count is judged"),
    "count": ("uint32", "alarms, alarm-days or episodes of the rung; without a rung those of the highest one"),
    "plan": ("string", "id of the plan"),
    "score_id": ("string", "score_id of the plan"),
}
"""Column -> its type in Parquet, and its meaning."""
_ROWS_AT_ONCE = 65_536


def check_table_place(path: Path) -> None:
    """Refuse a place that the table cannot be written to, before any work.

    Raises
    ------
    InputError : neither .csv nor .parquet, no such folder, or pyarrow is missing
    """
    where = printable(path)
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise InputError(f"{where}: a table is written as .csv or .parquet; give a name that ends so")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{where}: cannot be written: no such folder, or this is a folder; choose another place")
    if path.suffix.lower() == ".parquet":
        _pyarrow(where)


def write_table(tuned: Tuned, path: Path) -> None:
    """Write the table, all or nothing; the suffix of the file says in which format."""
    check_table_place(path)
    write_atomically(path.resolve(), _parquet(tuned, path) if path.suffix.lower() == ".parquet" else as_csv(tuned))


def cells(tuned: Tuned) -> Iterator[dict[str, Any]]:
    """Yield the values of each row by the names of `COLUMNS`; None where a cell is empty."""
    plan = tuned.given
    plan_id, score_id = plan.id, plan.score_id
    for row in tuned.rows:
        yield {
            "device": str(row.device),
            "group": row.group,
            "status": row.status,
            "level": row.level,
            "rung": row.rung,
            "level_tag": row.level_tag,
            "downlink": None if plan.ladder is None else bytes(LevelOrder(row.level_tag, plan.tag)).hex(),
            "bound": None if row.bound is None else round(row.bound, 6),
            "missing_days": row.missing_days,
            "days": round(float(row.days), 3),
            "count": row.count,
            "plan": plan_id,
            "score_id": score_id,
        }


def as_csv(tuned: Tuned) -> bytes:
    """Write the table as CSV in UTF-8 with a heading; a cell that a spreadsheet would run gets an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in cells(tuned):
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return "'" + value
    return "" if value is None else str(value)


def _pyarrow(where: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(f"{where}: needs pyarrow; pip install 'anomsdk[parquet]', or write a .csv") from None
    return pyarrow, pyarrow.parquet


def _parquet(tuned: Tuned, path: Path) -> bytes:
    pyarrow, parquet = _pyarrow(printable(path))
    schema = pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, (kind, _) in COLUMNS.items()])
    data, rows = io.BytesIO(), cells(tuned)
    with parquet.ParquetWriter(data, schema, compression="zstd") as writer:
        while part := list(islice(rows, _ROWS_AT_ONCE)):
            columns = {name: [row[name] for row in part] for name in COLUMNS}
            writer.write_table(pyarrow.table(columns, schema=schema))
    return data.getvalue()
