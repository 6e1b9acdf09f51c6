"""Data sets that another program wrote or moved: they mean the same, or are refused in one line."""

from __future__ import annotations

import pytest

from anomsdk.errors import InputError
from anomsdk.stats.budgets import Budget
from anomsdk.tune.calendar_days import CalendarDays
from anomsdk.tune.herd import tune
from anomsdk.tune.inputs import open_herd
from anomsdk.tune.table import as_csv
from tests.support.herd_days import altered, device_day, write_days
from tests.support.herds import export_of, plan_with_ladder, scores_of, write_exports

pyarrow = pytest.importorskip("pyarrow")

PLAN = plan_with_ladder()
BUDGET = Budget.parse("1 alarm-day/3d")
HERD = ("cow 1", "cow 2", "cow 3")


def small(folder, devices=HERD, days=3):
    return write_days(folder, PLAN, [device_day(PLAN, name, day) for day in range(days) for name in devices])


def table(*paths, on_bad=None):
    herd = open_herd(PLAN, paths, BUDGET, on_bad=on_bad)
    CalendarDays.known(herd)
    return as_csv(tune(herd, BUDGET))


def files(folder):
    return sorted(folder.rglob("*.parquet"))


def column(path, name):
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path).read()[name].combine_chunks()


def wide(path):
    return {"service_ticks": column(path, "service_ticks").cast(pyarrow.uint64())}


def in_ms(path):
    kind = pyarrow.timestamp("ms", "UTC")
    return {"start": column(path, "start").cast(kind)}


def repeated(_):
    return {"device": pyarrow.DictionaryArray.from_arrays([3, 1, 2], ["cow 1", "cow 2", "cow 3", "cow 1", "unused"])}


@pytest.mark.parametrize("change", [wide, in_ms, repeated])
def test_other_types_mean_the_same(tmp_path, change):
    """uint64 as pandas writes sums, another unit of time, and a dictionary with entries twice and unused."""
    wanted = table(small(tmp_path / "a"))
    for path in files(small(tmp_path / "b")):
        altered(path, change(path))
    assert table(tmp_path / "b") == wanted


def test_rows_in_another_unit_of_time_still_overlap(tmp_path):
    small(tmp_path / "a")
    small(tmp_path / "b", days=1)
    (path,) = files(tmp_path / "b")
    kind = pyarrow.timestamp("ms", "UTC")
    altered(path, {name: column(path, name).cast(kind) for name in ("start", "stop")})
    with pytest.raises(InputError, match="two rows overlap at 2026-05-01"):
        table(tmp_path / "a", tmp_path / "b")


BAD = {
    "no names": ({"device": [[1], [2], [3]]}, r"column device is list<.*>, not names"),
    "floats": ({"device": [1.0, 2.0, 3.0]}, "column device is double, not names"),
    "bytes": ({"device": [b"\xff", b"b", b"c"]}, "column device is no text in UTF-8"),
    "boot": ({"boot": ["a", "b", "c"]}, "column boot is string, not whole numbers"),
    "boot floats": ({"boot": [1.5, 1.0, 1.0]}, "column boot is double, not whole numbers"),
    "start": ({"start": ["a", "b", "c"]}, "column start is string, not a time"),
}


@pytest.mark.parametrize("case", BAD)
def test_columns_of_another_kind_are_refused_by_name(tmp_path, case):
    columns, words = BAD[case]
    altered(files(small(tmp_path))[0], {name: pyarrow.array(values) for name, values in columns.items()})
    with pytest.raises(InputError, match=rf"day=2026-05-01.*{words}"):
        table(tmp_path)


def test_text_that_is_no_utf8_is_refused(tmp_path):
    altered(files(small(tmp_path))[0], {"device": pyarrow.array([b"\xff", b"b", b"c"]).view(pyarrow.string())})
    with pytest.raises(InputError, match="column device is no text in UTF-8"):
        table(tmp_path)


ROWS = {
    "service": ({"service_ticks": pyarrow.array([2**64 - 1, 10, 10], "uint64")}, "more than 32 bits hold"),
    "sum": ({"service_ticks": pyarrow.array([2**62, 10, 10])}, "more than 32 bits hold"),
    "first": ({"first": pyarrow.array([2**64 - 1, 0, 0], "uint64")}, "first is .*, not 0 to 4,294,967,295"),
    "boot": ({"boot": pyarrow.array([70000, None, None], "int64")}, "boot is 70,000, not 0 to 65,535"),
    "times": (
        {"stop": pyarrow.array([0, None, None], "int64").cast(pyarrow.timestamp("us", "UTC"))},
        "stop is before start",
    ),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_beyond_what_a_ladder_counts_are_named_and_can_be_left_out(tmp_path, case):
    columns, words = ROWS[case]
    altered(files(small(tmp_path))[0], columns)
    with pytest.raises(InputError, match=rf"row 0 \(from 0\): .*{words}"):
        table(tmp_path)
    lines = []
    left = table(tmp_path, on_bad=lines.append)
    assert b"cow 2" in left and b"cow 1" not in left, "all rows of the device are left out"
    assert len(lines) == 1


def test_a_column_twice_is_refused(tmp_path):
    import pyarrow.parquet as parquet

    path = files(small(tmp_path))[0]
    found = parquet.ParquetFile(path).read()
    parquet.write_table(found.append_column("device", found["device"]), path)
    with pytest.raises(InputError, match="has column device twice"):
        table(tmp_path)


def test_a_name_of_many_digits_is_a_name(tmp_path):
    assert b"9" * 5000 in table(small(tmp_path, ("9" * 5000, "7")))


def test_days_behind_a_link_are_read_and_a_link_to_nothing_is_refused(tmp_path):
    wanted = table(small(tmp_path / "a"))
    day = sorted(small(tmp_path / "b").iterdir())[0]
    day.rename(tmp_path / "other_disk")
    day.symlink_to(tmp_path / "other_disk")
    (day.parent / "back").symlink_to(tmp_path / "b")
    assert table(tmp_path / "b") == wanted
    (day / "z.parquet").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"z.parquet: cannot be read: .*No such file"):
        table(tmp_path / "b")


def test_exports_behind_a_link_are_read(tmp_path):
    write_exports(tmp_path / "other_disk" / "a.ladder", export_of(PLAN, scores_of(4, {}), 7))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "day=2026-05-01").symlink_to(tmp_path / "other_disk")
    assert list(open_herd(PLAN, [tmp_path / "in"], BUDGET).ladders) == [7]
