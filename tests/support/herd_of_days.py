"""A small herd of days with a plan for it, for the tests of the list of a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache

import numpy as np

from anomsdk import PipelineSpec, read_plan
from anomsdk.demo.days import SPEC
from anomsdk.synthetic.herd_days import animal_days, as_rows, weather
from anomsdk.train.fitting import fit

FIRST, TODAY = date(2026, 5, 1), date(2026, 5, 15)
DAYS = 15


def small_plan(folder, name="herd_days"):
    """A plan that was trained on the fewest days that it can be."""
    shared = weather(np.random.default_rng(80), 14)
    rows = [as_rows(animal_days(np.random.default_rng([81, each]), 14, shared=shared)) for each in range(6)]
    fit(PipelineSpec.from_dict({**SPEC, "name": name}), rows, groups=[f"a{each}" for each in range(6)], out=folder)
    return read_plan(folder / "plan.json")


@cache
def days_of(animal, n_days=DAYS):
    """Normal days of an animal, (days, 24); not to be written to."""
    return as_rows(animal_days(np.random.default_rng([82, animal]), n_days))[:, 0].reshape(n_days, 24)


def herd(n=6, **changed):
    """Days of some animals, by name; ``changed`` are those of single ones, ``cow1=days``."""
    return {f"cow{each}": days_of(each) for each in range(n)} | changed


def rows_of(days, first=FIRST):
    """Rows of an animal: (time, value) of each hour."""
    start = datetime(first.year, first.month, first.day)
    return [(start + timedelta(hours=at), int(value)) for at, value in enumerate(np.ravel(days))]


def write_csv(path, rows):
    lines = [f"{time:%Y-%m-%dT%H:%M:%S},{value}" for time, value in rows]
    path.write_text("\n".join(["time,movement", *lines, ""]), encoding="utf-8")


def write_folder(folder, animals):
    """A .csv for each animal, named by it."""
    folder.mkdir()
    for name, days in animals.items():
        write_csv(folder / f"{name}.csv", rows_of(days))
    return folder


def write_parquet(path, rows):
    """One table of rows (device, time, value)."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    device, time, value = zip(*rows, strict=True)
    columns = {
        "device": pa.array(device),
        "time": pa.array(time, pa.timestamp("us")),
        "movement": pa.array(value, pa.int16()),
    }
    pq.write_table(pa.table(columns), path, row_group_size=500)
    return path
