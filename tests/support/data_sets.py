"""Small data sets: recordings of tiny plans as files, and the rows that score wrote of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from anomsdk.datasets.sample_clock import time_us
from tests.support.herds import rows_of

MIDNIGHT_S = time_us("2026-06-01T00:00Z") // 1_000_000
"""Midnight of UTC before 1 June 2026, in seconds since 1970."""


def write_recording(path: Path, ticks: int = 40, *, t0: float | None = None, seed: int = 0, alarm: int = 1) -> Path:
    """Write a recording of a tiny plan, 10 rows a second, with an alarm or more; ``t0``: when it begins, in s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    scores = rng.choice([1, 1, 1, 1, 4], ticks)
    scores[rng.integers(0, ticks, alarm)] = 121
    start = {} if t0 is None else {"t0": np.float64(t0)}
    np.savez(path, x=rows_of(scores), fs=np.float64(10), **start)
    return path


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """All rows of a data set with their day, sorted; refuses files that are not committed."""
    import pyarrow.parquet as parquet

    found = []
    for path in sorted(folder.glob("day=*/*")):
        assert path.suffix == ".parquet", path
        table = parquet.ParquetFile(path).read()
        found += [row | {"day": path.parent.name} for row in table.to_pylist()]
    return sorted(found, key=lambda row: (row["device"], row["recording"], row["day"], row["first"]))


def days(folder: Path) -> set[str]:
    """Names of the partitions of a data set."""
    return {path.name for path in folder.glob("day=*")}
