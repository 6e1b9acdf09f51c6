"""Cost of scoring a .parquet of raw motion, against the same samples in memory, and its memory by length.

Both ways are timed in turns in one process; the cost is the time of its processor. Memory is the peak of a process of
its own that reads and scores a recording, and counts the scores without keeping them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import anomsdk
from anomsdk import Plan
from anomsdk.runtime.engines import open_engine
from anomsdk.sources import StreamFormat, open_files, open_recordings, read_recording
from anomsdk.sources.formats.motion.first_reading import Beginning
from anomsdk.watch.score_files import score_files

MOST_RATIO = 1.3
"""Largest cost of a .parquet that is wanted, as a multiple of that of arrays."""
PLANS = ("cattle_collar", "human_motion")
DAYS, LENGTHS, TURNS = 2.0, (10.0, 100.0), 5
NAMES = ("acc_x_g", "acc_y_g", "acc_z_g", "gyro_x_dps", "gyro_y_dps", "gyro_z_dps")
ROWS = 100_000
"""Rows of a group in the files."""
BEGIN_US = 1_748_649_600_000_000


def write(path: Path, plan: Plan, days: float, step: float = 0.0) -> None:
    """Write generated motion at the rate of a plan, float32 with zstd.

    Parameters
    ----------
    path : file to write
    plan : its rate and axes are taken
    days : length
    step : size of one step of the values in g, deg/s are 64 times coarser; 0: no steps, so that nothing can be packed
    """
    rate_hz, axes = plan.sensor.rate_millihertz / 1000, plan.columns
    rows, rng = round(days * 86_400 * rate_hz), np.random.default_rng(0)
    kinds = [pa.field("time", pa.timestamp("us", "UTC")), *(pa.field(name, pa.float32()) for name in NAMES[:axes])]
    with pq.ParquetWriter(path, pa.schema(kinds), compression="zstd") as writer:
        for start in range(0, rows, ROWS):
            t = np.arange(start, min(start + ROWS, rows))
            values = rng.normal(0, 1, (len(t), axes)) * np.array([0.05] * 3 + [9.0] * 3)[:axes]
            values[:, 0] += 0.3 * np.sin(t / 50)
            values[:, 2] += 1
            if step:
                steps = np.array([step] * 3 + [64 * step] * 3)[:axes]
                values = np.rint(values / steps) * steps
            stamps = BEGIN_US + np.rint(t * (1e6 / rate_hz)).astype(np.int64)
            columns = [pa.array(stamps, kinds[0].type), *map(pa.array, values.astype(np.float32).T)]
            writer.write_table(pa.table(columns, schema=pa.schema(kinds)))


def ratios(path: Path, plan: Plan, turns: int) -> list[tuple[float, float]]:
    """Time the arrays and the file in turns, in seconds of the processor."""
    stream_format = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
    samples: NDArray[np.int16] = read_recording(open_recordings(path, stream_format)[0])
    found = []
    for _ in range(turns):
        os.utime(path)  # another version: nothing that was found out about the file before is used
        begin = time.process_time()
        scores = anomsdk.score(plan, samples)
        between = time.process_time()
        (of_file,) = score_files(plan, [path], jobs=1).values()
        found.append((between - begin, time.process_time() - between))
        assert np.array_equal(scores, of_file)
    return found


def peak_mb(path: Path, name: str) -> tuple[float, int]:
    """Measure the peak memory in MB of a process that scores a file, and the number of its scores."""
    line = [sys.executable, "-m", "benchmarks.parquet_cost", "--score", str(path), "--plans", name]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    kib, ticks = map(int, done.stdout.split())
    return kib * 1024 / 1e6, ticks


def score_and_count(path: Path, plan: Plan) -> None:
    """Read and score a file, keep no score, and print the peak memory in KiB and the number of scores."""

    def hear(blocks: Iterator[NDArray[np.int16] | int], _: Beginning) -> int:
        engine, ticks = open_engine(None, plan), 0
        for block in blocks:
            if isinstance(block, int):
                engine.gap(block)
            else:
                ticks += len(engine.process(block).scores)
        return ticks

    (recording,) = open_files(path, StreamFormat.of(plan.sensor, plan.columns, plan.duty), hear=hear)[0].recordings
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, recording.heard)


def main(arguments: list[str] | None = None) -> None:
    """Print the ratio for each plan, and the peak memory for each length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", nargs="*", default=PLANS, help="names of reference models of motion")
    parser.add_argument("--days", type=float, default=DAYS, help="length of the timed recordings")
    parser.add_argument("--turns", type=int, default=TURNS, help="number of paired runs")
    parser.add_argument("--lengths", nargs="*", type=float, default=LENGTHS, help="days whose memory is measured")
    parser.add_argument("--score", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    plans = {name: anomsdk.reference_model(name) for name in given.plans}
    if given.score is not None:
        score_and_count(given.score, next(iter(plans.values())))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "motion.parquet"
        for name, plan in plans.items():
            write(path, plan, given.days)
            found = ratios(path, plan, given.turns)
            ratio = statistics.median(of_file / arrays for arrays, of_file in found)
            print(
                f"{name}, {given.days:g} days of {plan.columns} axes: processor time of a .parquet over that of arrays "
                f"{ratio:.2f} (wanted: at most {MOST_RATIO})"
            )
        name, plan = next(iter(plans.items()))
        for days in given.lengths:
            write(path, plan, days, step=1 / 64)
            peak, ticks = peak_mb(path, name)
            print(f"{name}, {days:g} days in one file: peak {peak:.0f} MB, {ticks:,} scores")


if __name__ == "__main__":
    main()
