"""Levels of devices, as the table of a tuned herd has them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomsdk.core.ladder import MAX_RUNGS
from anomsdk.core.plan import Plan
from anomsdk.datasets.schema import import_pyarrow
from anomsdk.errors import InputError, printable, quoted

NEEDED = ("device", "status", "level_tag", "plan", "score_id")
"""Columns of the table that are read."""
_MOST_CELL = 10_000


@dataclass(frozen=True)
class Levels:
    """Level tag and status of each device that a table names.

    Parameters
    ----------
    where : name of the table
    rows : device -> level tag, 0 to 24, and status as `anomsdk.tune.certificates.Status`
    """

    where: str
    rows: dict[str, tuple[int, str]]


def read_levels(path: str | Path, plan: Plan) -> Levels:
    """Read the table that `anomsdk.tune.table.write_table` wrote.

    Parameters
    ----------
    path : .csv or .parquet
    plan : Plan that the table must be of

    Raises
    ------
    InputError : no such table, or one of another plan or score_id, without a column, or with a device that has two
        levels
    """
    path = Path(path)
    where = printable(path)
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise InputError(f"{where}: is neither .csv nor .parquet; give the table that tune wrote with `out`")
    if not path.is_file():
        raise InputError(f"{where}: no such file; give the table that tune wrote with `out`")
    rows = dict[str, tuple[int, str]]()
    for number, row in enumerate(_of_csv(path) if path.suffix.lower() == ".csv" else _of_parquet(path), 1):
        at = f"{where}: row {number:,}"
        if row["plan"] != plan.id:
            raise InputError(
                f"{at}: has levels of plan {quoted(row['plan'], 16)}, and the given one is {plan.id[:16]}; give the "
                "plan that was tuned, or tune again"
            )
        if row["score_id"] != plan.score_id:
            raise InputError(
                f"{at}: has levels of score_id {quoted(row['score_id'], 16)}, and the plan's is {plan.score_id[:16]}; "
                "tune again with this plan"
            )
        tag = _tag(row["level_tag"])
        if tag is None:
            raise InputError(f"{at}: level_tag is {quoted(row['level_tag'], 20)}, not 0 to {MAX_RUNGS}; tune again")
        level = tag, str(row["status"])
        if rows.setdefault(str(row["device"]), level) != level:
            raise InputError(f"{at}: device {quoted(row['device'])} has two levels; keep one row for each device")
    if not rows:
        raise InputError(f"{where}: names no device; give the table that tune wrote with `out`")
    return Levels(where, rows)


def _tag(value: Any) -> int | None:
    try:
        tag = int(value)
    except (TypeError, ValueError):
        return None
    return tag if 0 <= tag <= MAX_RUNGS else None


def _of_csv(path: Path) -> Iterator[dict[str, Any]]:
    where = printable(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_columns(reader.fieldnames or (), where)
            for row in reader:
                if any(row[name] is None or len(row[name]) > _MOST_CELL for name in NEEDED):
                    raise InputError(f"{where}: line {reader.line_num:,}: is cut off; write the table again with tune")
                # An apostrophe keeps a spreadsheet from running a name; it is no part of the name.
                guarded = row["device"][:1] == "'" and row["device"][1:2] in ("=", "+", "-", "@")
                yield row | {"device": row["device"][guarded:]}
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror}; check the path") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{where}: is no table in UTF-8; give the table that tune wrote with `out`") from None


def _of_parquet(path: Path) -> Iterator[dict[str, Any]]:
    where = printable(path)
    pyarrow = import_pyarrow(where)
    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check_columns(file.schema_arrow.names, where)
        for batch in file.iter_batches(columns=list(NEEDED)):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError):
        raise InputError(f"{where}: is no Parquet file, or only a part of one; write it again with tune") from None


def _check_columns(names: Any, where: str) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise InputError(f"{where}: has no column {', '.join(missing)}; give the table that tune wrote with `out`")
