"""Speed of reading tables of motion: a .csv with dates in ISO 8601 against the same rows in a .parquet."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from anomsdk.sources import StreamFormat, open_recordings

STREAM_FORMAT = StreamFormat(50, "motion", 3, counts_per_g=2048, full_scale_g=16)
GOAL = 1 / 3
DIGITS = 5
"""Digits after the decimal point: steps of 0.01 mg, finer than those of sensors."""


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write the same recording as .csv and as .parquet, with a time stamp every 20 ms."""
    import pyarrow
    import pyarrow.parquet

    values = np.round(np.random.default_rng(0).normal((0, 0, 1), 0.1, (rows, 3)), DIGITS)
    stamps = np.datetime64("2024-03-05T09:24:51.000", "ms") + 20 * np.arange(rows)
    text, columns = folder / "rows.csv", folder / "rows.parquet"
    lines = (
        ",".join([str(stamp), *(f"{each:.{DIGITS}f}" for each in row)])
        for stamp, row in zip(stamps, values, strict=True)
    )
    text.write_text("\n".join(["time,ax_g,ay_g,az_g", *lines]) + "\n", encoding="utf-8")
    axes = dict(zip(("ax_g", "ay_g", "az_g"), values.T, strict=True))
    pyarrow.parquet.write_table(pyarrow.table({"time": stamps.astype("datetime64[ns]"), **axes}), columns)
    return text, columns


def read(path: Path) -> bytes:
    """Open a recording and read all of its samples."""
    (recording,) = open_recordings(path, STREAM_FORMAT)
    return b"".join(block.tobytes() for block in recording.blocks() if not isinstance(block, int))


def ratios(text: Path, columns: Path, repeats: int = 5) -> np.ndarray:
    """Speed of reading the .csv over that of the .parquet, in processor time, measured in turns.

    Raises
    ------
    RuntimeError : the files hold different samples
    """
    if read(text) != read(columns):
        raise RuntimeError("the files hold different samples")
    return np.array([_seconds(read, columns) / _seconds(read, text) for _ in range(repeats)])


def _seconds(run: Callable[[Path], bytes], path: Path) -> float:
    start = time.process_time()
    run(path)
    return time.process_time() - start
