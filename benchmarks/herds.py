"""`make bench-herds`: device days of 100,000 animals, added up here, by pandas, by DuckDB and on two workers.

Each way runs in a process of its own on the same generated files; its time is that of the sums, without imports. The
ways take turns, and a ratio is the median over the turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

DEVICES, DAYS, RUNGS = 100_000, 90, 24
TURNS = 3
SCORE_ID = "00112233445566778899aabbccddeeff" * 2
TICKS_OF_DAY = 172_800
MOST_MB, MOST_OF_DUCKDB, MOST_OF_PANDAS, SHARE_OF_PANDAS, LEAST_OF_TWO = 400, 1.3, 1.0, 0.25, 1.6
COUNTS = ("alarm_ticks", "alarm_days")


def columns() -> list[str]:
    """Columns that a budget of alarm-days asks for."""
    return [f"{count}_{tag:02d}" for count in COUNTS for tag in range(1, RUNGS + 1)]


def generate(folder: Path, devices: int, days: int) -> None:
    """Write device days of devices whose rates of alarms differ, from one seed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from anomsdk.datasets.device_day import DeviceDay, table_of
    from anomsdk.datasets.schema import RUNG_COLUMNS, Facts, rung_column

    facts = Facts("", "herd", SCORE_ID, 0.5, "log2", tuple(range(1, RUNGS + 1)), TICKS_OF_DAY, 0, 3)
    quiet = np.zeros((RUNGS, len(RUNG_COLUMNS)), np.int64)
    plain = table_of([DeviceDay("", None, SCORE_ID[:16], 0.5, TICKS_OF_DAY, quiet, service_ticks=1)], facts)
    rng = np.random.default_rng(20)
    rates = rng.gamma(0.3, 1, devices)
    names = pa.array([f"cow {number:06d}" for number in range(devices)]).dictionary_encode()
    base = {name: pa.concat_arrays([plain.column(name).combine_chunks()] * 1) for name in plain.column_names}
    for number in range(days):
        day = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(days=number)
        at = int(day.timestamp()) * 1_000_000
        own: dict[str, Any] = {
            "device": names,
            "start": np.full(devices, at),
            "stop": np.full(devices, at + 86_400_000_000),
            "first": np.full(devices, number * TICKS_OF_DAY),
            "ticks": np.full(devices, TICKS_OF_DAY),
            "service_ticks": np.full(devices, TICKS_OF_DAY),
            "service_days": np.ones(devices, np.int64),
        }
        for tag in range(1, RUNGS + 1):
            alarmed = (rng.random(devices) < np.minimum(0.9, 0.3 * rates * np.exp(-(tag - 1) / 3))).astype(np.int64)
            own[rung_column("alarm_ticks", tag)] = alarmed * rng.integers(1, 4000, devices)
            for count in ("alarms", "alarm_days", "episodes"):
                own[rung_column(count, tag)] = alarmed
            own[rung_column("at_risk", tag)] = np.ones(devices, np.int64)
        arrays = [
            pa.array(own[field.name]).cast(field.type)
            if field.name in own
            else pa.concat_arrays([base[field.name]]).take(pa.array(np.zeros(devices, np.int64)))
            for field in plain.schema
        ]
        path = folder / f"day={day:%Y-%m-%d}" / "part-00000.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(arrays, schema=plain.schema), path, compression="zstd")


def added_here(folder: Path) -> int:
    from anomsdk.datasets.reading import day_files
    from anomsdk.datasets.sums import add_up

    return int(add_up(day_files(folder), columns(), SCORE_ID, jobs=2).values.sum())


def added_by_duckdb(folder: Path) -> int:
    import duckdb

    names = ["service_ticks", "service_days", *columns()]
    sums = ", ".join(f"sum({name}) AS {name}" for name in names)
    total = " + ".join(f"sum({name})" for name in names)
    with duckdb.connect() as connection:
        connection.sql("SET threads = 2")
        by_device = f"SELECT device, {sums} FROM read_parquet('{folder}/*/*.parquet') GROUP BY device"
        found = connection.sql(by_device).to_arrow_table()
        assert found.num_rows
        return int(connection.sql(f"SELECT ({total})::BIGINT FROM found").fetchall()[0][0])


def added_by_pandas(folder: Path) -> int:
    import pandas

    names = ["device", "service_ticks", "service_days", *columns()]
    by_device = pandas.read_parquet(folder, columns=names).groupby("device", observed=True).sum()
    return int(by_device.to_numpy().sum())


def added_by_cluster(folder: Path, workers: int) -> int:
    import distributed

    from anomsdk.datasets.reading import day_files
    from anomsdk.tune.cluster import Cluster

    started = distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    with started, Cluster(started.scheduler_address) as cluster:
        cluster.add_up(day_files(folder)[:2], columns(), SCORE_ID)  # imports
        before = time.perf_counter()
        found = int(cluster.add_up(day_files(folder), columns(), SCORE_ID).values.sum())
        print(json.dumps({"seconds": time.perf_counter() - before}), flush=True)
    return found


WAYS: dict[str, Callable[[Path], int]] = {
    "anomsdk": added_here,
    "DuckDB": added_by_duckdb,
    "pandas": added_by_pandas,
    "1 worker": lambda folder: added_by_cluster(folder, 1),
    "2 workers": lambda folder: added_by_cluster(folder, 2),
}


def run_one(way: str, folder: Path) -> None:
    """Run one way in this process, and print what it found, its seconds, and the peak of its memory."""
    imports = {"DuckDB": "duckdb", "pandas": "pandas", "anomsdk": "anomsdk.datasets.sums"}.get(way)
    if imports is not None:
        __import__(imports)
    __import__("pyarrow.parquet")
    before = time.perf_counter()
    found = WAYS[way](folder)
    seconds = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"found": found, "whole": seconds, "MB": peak}))


def measured(way: str, folder: Path) -> dict[str, float]:
    """Run one way in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.herds", "--way", way, "--folder", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    found: dict[str, float] = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    return {"seconds": found["whole"], **found}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 animals, which shows that it runs; no bounds")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.way:
        run_one(options.way, options.folder)
        return 0
    devices = 1000 if options.quick else DEVICES
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    place = Path(tempfile.mkdtemp(prefix="anomsdk-herds-"))
    try:
        generate(place / "all", devices, DAYS)
        days = sorted((place / "all").iterdir())
        for share in (1, 2):
            part = place / f"part{share}"
            part.mkdir()
            for day in days[: len(days) * share // 3]:
                shutil.copytree(day, part / day.name, copy_function=os.link)
        turns = [{way: measured(way, place / "all") for way in WAYS} for _ in range(TURNS)]
        parts = [measured("anomsdk", place / name) for name in ("part1", "part2", "all")]
    finally:
        shutil.rmtree(place, ignore_errors=True)
    good = report(console, turns, parts, devices)
    return 0 if good or options.quick else 1


def report(
    console: Console, turns: list[dict[str, dict[str, float]]], parts: list[dict[str, float]], devices: int
) -> bool:
    """Print the ratios and peaks against their bounds, and return True if all are met."""
    assert len({turn[way]["found"] for turn in turns for way in WAYS}) == 1, "the ways differ in what they added up"
    rows = devices * DAYS

    def ratio(a: str, b: str, what: str = "seconds") -> float:
        return statistics.median(turn[a][what] / turn[b][what] for turn in turns)

    peak = max(turn["anomsdk"]["MB"] for turn in turns)
    bounds = [
        ("time over that of DuckDB", ratio("anomsdk", "DuckDB"), MOST_OF_DUCKDB, True),
        ("time over that of pandas", ratio("anomsdk", "pandas"), MOST_OF_PANDAS, True),
        ("peak memory over that of pandas", ratio("anomsdk", "pandas", "MB"), SHARE_OF_PANDAS, True),
        ("peak memory, MB", peak, MOST_MB, True),
        ("Dask: time with one worker over two", ratio("1 worker", "2 workers"), LEAST_OF_TWO, False),
    ]
    table = Table(title=f"{rows:,} device days of {devices:,} animals, {RUNGS} rungs, medians of {len(turns)} turns")
    for heading in ("", "measured", "bound", ""):
        table.add_column(heading)
    good = True
    for name, found, bound, at_most in bounds:
        met = found <= bound if at_most else found >= bound
        good &= met
        words = f"{'at most' if at_most else 'at least'} {bound:g}"
        table.add_row(name, f"{found:.0f}" if found >= 10 else f"{found:.2f}", words, "met" if met else "MISSED")
    console.print(table)
    whole = parts[-1]["seconds"]
    line = ", ".join(
        f"{share:.0%} of the rows: {part['seconds'] / whole:.2f} of the time, {part['MB'] / parts[-1]['MB']:.2f} of "
        "the memory"
        for share, part in zip((1 / 3, 2 / 3, 1), parts, strict=True)
    )
    console.print(f"linear in rows: {line}")
    console.print(f"all bounds: {'met' if good else 'MISSED'}")
    return good


if __name__ == "__main__":
    sys.exit(main())
