"""List of a day over a large herd, beside DuckDB reading the same columns: time as a ratio, and memory.

Rows are generated: hourly movement of each animal for 15 days, sorted by device or by time. DuckDB sums the movement of
each device and day, which is the least that any list needs. Judgement is measured apart, on a part of the herd.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

TODAY, DAYS = date(2026, 5, 15), 15
_ANIMALS = 1000
"""Animals of a row group."""


def write_rows(path: Path, animals: int, *, by_time: bool) -> None:
    """Write a table of a generated herd, a row for each animal and hour."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    from anomsdk.synthetic.herd_days import animal_days
    from anomsdk.utils.slots import midnight_s

    rng = np.random.default_rng(0)
    pool = np.stack([np.rint(animal_days(rng, DAYS)).ravel() for _ in range(200)]).astype(np.int16)
    start = midnight_s(TODAY) - (DAYS - 1) * 86_400
    times = start + 3600 * np.arange(DAYS * 24)
    schema = pa.schema([("device", pa.string()), ("time", pa.timestamp("s")), ("movement", pa.int16())])
    names = np.array([f"cow-{animal:06}" for animal in range(animals)])
    with pq.ParquetWriter(path, schema) as writer:

        def write(devices: np.ndarray, stamps: np.ndarray, values: np.ndarray) -> None:
            columns = [pa.array(devices), pa.array(stamps).cast(pa.timestamp("s")), pa.array(values, pa.int16())]
            writer.write_table(pa.table(columns, schema=schema))

        if by_time:
            for slot in range(DAYS * 24):
                write(names, np.full(animals, times[slot]), pool[np.arange(animals) % len(pool), slot])
        else:
            for first in range(0, animals, _ANIMALS):
                some = np.arange(first, min(first + _ANIMALS, animals))
                write(np.repeat(names[some], len(times)), np.tile(times, len(some)), pool[some % len(pool)].ravel())


def read_with_duckdb(path: Path) -> int:
    """Sum the movement of each device and day; return the number of sums."""
    import duckdb

    query = (
        f"select device, date_trunc('day', time) as day, sum(movement), count(*) from read_parquet('{path}') "
        "group by device, day"
    )
    return len(duckdb.connect().execute(query).fetchnumpy()["device"])


def list_without_judgement(path: Path, plan: Path) -> int:
    """Read the rows, and compare each animal with its own days, all as if judged calm; return the number of devices."""
    from anomsdk.herd.days import overview
    from anomsdk.herd.days.diaries import read_diaries
    from anomsdk.herd.days.judgement import Verdict
    from anomsdk.plans.file import read_plan

    diaries = read_diaries(path, read_plan(plan), TODAY, DAYS - 1)
    calm = Verdict(diaries.slots, 0, (False,) * (diaries.before + 1), None, ())
    found = overview.listed(diaries, [calm] * len(diaries), overview.COMMON_SHARE)
    return found.devices


def judged(path: Path, plan: Path) -> int:
    """List the whole day; return the number of judged animals."""
    from anomsdk.herd.days import days_list
    from anomsdk.plans.file import read_plan

    return days_list(path, read_plan(plan), TODAY).judged


_TASKS: dict[str, Callable[..., int]] = {"duckdb": read_with_duckdb, "list": list_without_judgement, "judged": judged}


def largest_memory() -> float:
    """Return the largest memory of this process in MB; that of its parent is not in it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def run_alone(task: str, *words: str) -> tuple[float, float, float]:
    """Run a task in a process of its own: its seconds, seconds of the processor with imports, and memory in MB."""
    command = [sys.executable, "-m", "benchmarks.days_list", "--task", task, *words]
    cached = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=cached)
    seconds, processor, megabytes = map(float, done.stdout.split()[-3:])
    return seconds, processor, megabytes


def main() -> None:
    """Print ratios of time, and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--animals", type=int, default=100_000)
    parser.add_argument("--judged", type=int, default=20_000, help="animals of the part that is judged")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--task", choices=list(_TASKS))
    parser.add_argument("words", nargs="*", type=Path)
    given = parser.parse_args()
    if given.task:
        start = time.perf_counter()
        _TASKS[given.task](*given.words)
        print(time.perf_counter() - start, time.process_time(), largest_memory())
        return
    from anomsdk.demo.days import days_plan

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        days_plan(folder / "plan")
        plan, rows = str(folder / "plan" / "plan.json"), folder / "rows.parquet"
        print(f"{given.animals:,} animals, {DAYS} days of hourly rows: {given.animals * DAYS * 24:,} rows")
        for order in ("device", "time"):
            write_rows(rows, given.animals, by_time=order == "time")
            found = [(run_alone("duckdb", str(rows)), run_alone("list", str(rows), plan)) for _ in range(given.runs)]
            ratios = sorted(ours[0] / theirs[0] for theirs, ours in found)
            most = max(ours[2] for _, ours in found)
            processor = sorted(ours[1] / theirs[1] for theirs, ours in found)
            print(
                f"sorted by {order}: all but judgement takes {ratios[len(ratios) // 2]:.2f} times DuckDB "
                f"({ratios[0]:.2f} to {ratios[-1]:.2f}), {processor[len(processor) // 2]:.2f} times its processor, "
                f"{most:,.0f} MB (DuckDB {max(d[2] for d, _ in found):,.0f} MB)"
            )
        write_rows(rows, given.judged, by_time=False)
        theirs, without, whole = (
            run_alone("duckdb", str(rows)),
            run_alone("list", str(rows), plan),
            run_alone("judged", str(rows), plan),
        )
        print(
            f"{given.judged:,} animals with their judgement: {whole[0] / theirs[0]:.1f} times DuckDB, "
            f"{whole[1] / theirs[1]:.1f} times its processor; judgement is {1 - without[1] / whole[1]:.0%} of it"
        )


if __name__ == "__main__":
    main()
