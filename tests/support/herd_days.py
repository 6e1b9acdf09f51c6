"""Data sets of tiny herds: device days made of counts, written as Parquet, and added up by DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.datasets.device_day import DeviceDay, table_of
from anomsdk.datasets.schema import RUNG_COLUMNS, Facts, rung_column
from tests.support.herds import DAY, LEVELS

FIRST_DAY = date(2026, 5, 1)
DAY_US = 86_400_000_000


def device_day(
    plan: anomsdk.Plan,
    device: str,
    day: int,
    counts: Any = None,
    *,
    start: float = 0.0,
    length: float = 1.0,
    **fields: Any,
) -> DeviceDay:
    """One day of service of a device, DAY ticks, quiet unless counts say otherwise.

    Parameters
    ----------
    day : days since `FIRST_DAY`; negative: not known
    counts : (rungs, 5), in the order of `RungCounts`; None: quiet
    start, length : of the row, in days
    fields : of `DeviceDay`
    """
    found = np.zeros((len(LEVELS), len(RUNG_COLUMNS)), np.int64) if counts is None else np.asarray(counts, np.int64)
    if counts is None:
        found[:, 4] = 1  # a day on which an episode could begin
    midnight = FIRST_DAY + timedelta(days=day)
    begin = int(datetime.combine(midnight, datetime.min.time(), timezone.utc).timestamp()) * 1_000_000
    at = begin + int(start * DAY_US)
    made = DeviceDay(
        *(device, None if day < 0 else midnight, plan.score_id[:16], 8640.0, DAY, found),
        start_us=None if day < 0 else at,
        stop_us=None if day < 0 else at + int(length * DAY_US),
        service_ticks=DAY,
        service_days=1,
    )
    return replace(made, **fields)


def write_days(folder: Path, plan: anomsdk.Plan, rows: Sequence[DeviceDay], *, files: int = 1) -> Path:
    """Write rows into partitions by day, those of a day into several files in turn; return the folder."""
    import pyarrow.parquet

    facts, parts = Facts.of(plan, plan, "log2"), dict[tuple[str, int], list[DeviceDay]]()
    for at, row in enumerate(rows):
        parts.setdefault((row.partition, at % files), []).append(row)
    for (partition, part), found in parts.items():
        path = folder / partition / f"part-{part:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(table_of(found, facts), path)
    return folder


def altered(path: Path, columns: Mapping[str, Any]) -> None:
    """Replace columns of a file by others, of any type; None: leave the column out."""
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(path).read()
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.remove_column(at) if values is None else table.set_column(at, name, [values])
    pyarrow.parquet.write_table(table, path)


def added_by_duckdb(folder: Path, n_rungs: int) -> dict[str, list[int]]:
    """Device -> service_ticks, service_days, and all counts of the rungs, as DuckDB adds them up."""
    import duckdb

    columns = ["service_ticks", "service_days"]
    columns += [rung_column(count, tag) for count in RUNG_COLUMNS for tag in range(1, n_rungs + 1)]
    sums = ", ".join(f"sum({name})::BIGINT" for name in columns)
    files = str(folder / "**" / "*.parquet").replace("'", "''")
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT device, {sums} FROM read_parquet('{files}') GROUP BY device").fetchall()
    return {device: list(values) for device, *values in found}


def random_days(rng: np.random.Generator, plan: anomsdk.Plan, devices: int, days: int) -> list[DeviceDay]:
    """Rows of devices that alarm at random, some of them missing, in any order within a day."""
    rows = []
    for day in range(days):
        of_day = []
        for device in range(devices):
            if rng.random() < 0.2:
                continue
            counts = np.zeros((len(LEVELS), len(RUNG_COLUMNS)), np.int64)
            counts[:, 4] = 1
            loud = int(rng.integers(0, len(LEVELS) + 1)) if rng.random() < 0.3 else 0
            counts[:loud] = (int(rng.integers(1, DAY)), int(rng.integers(1, 3)), 1, 1, 1)
            of_day.append(device_day(plan, f"cow {device}", day, counts))
        rows += [of_day[at] for at in rng.permutation(len(of_day))]
    return rows


def counts_of(rows: Sequence[DeviceDay], device: str) -> NDArray[np.int64]:
    """Sum of the counts of a device, (rungs, 5)."""
    return np.sum([row.counts for row in rows if row.device == device], axis=0, dtype=np.int64)
