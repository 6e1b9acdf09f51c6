"""Diaries of a herd are put at their slots, whatever their order, and bad tables are refused in one line."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from anomsdk.core.days import MISSING
from anomsdk.errors import InputError
from anomsdk.herd.days.diaries import read_diaries, without_off_body
from tests.support.herd_of_days import TODAY, days_of, herd, rows_of, small_plan, write_csv, write_folder
from tests.support.herd_of_days import write_parquet as parquet

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return small_plan(tmp_path_factory.mktemp("days") / "plan")


def read(source, plan, today=TODAY, before=14):
    found = read_diaries(source, plan, today, before)
    found.check(str(source))
    return found


def by_name(diaries):
    return {name: diaries.rows[at, :, 0].tolist() for at, name in enumerate(diaries.names)}


def test_a_folder_and_tables_in_any_order_give_the_same(tmp_path, plan):
    animals = herd(3)
    rows = [(name, *row) for name, days in animals.items() for row in rows_of(days)]
    expected = {name: days.ravel().tolist() for name, days in animals.items()}
    by_time = sorted(rows, key=lambda row: row[1])
    mixed = [rows[at] for at in np.random.default_rng(1).permutation(len(rows))]
    assert by_name(read(write_folder(tmp_path / "csv", animals), plan)) == expected
    for name, some in (("device", rows), ("time", by_time), ("mixed", mixed), ("twice", rows + rows)):
        found = read(parquet(tmp_path / f"{name}.parquet", some), plan)
        assert by_name(found) == expected
        assert not found.is_unclear.any()


def test_rows_of_other_days_are_left_out(tmp_path, plan):
    write_csv(tmp_path / "cow.csv", rows_of(days_of(0)))
    found = read(tmp_path, plan, today=TODAY - timedelta(days=1), before=7)
    assert by_name(found) == {"cow": days_of(0)[6:14].ravel().tolist()}


def test_an_hour_that_comes_twice_keeps_its_first_row_and_one_that_is_left_out_is_missing(tmp_path, plan):
    rows = rows_of(days_of(0))
    at = rows.index(next(row for row in rows if row[0] == datetime(2026, 5, 10, 2)))
    write_csv(tmp_path / "long.csv", [*rows[: at + 1], (rows[at][0], 7), *rows[at + 1 :]])
    write_csv(tmp_path / "short.csv", [*rows[:at], *rows[at + 1 :]])
    found = read(tmp_path, plan)
    expected = days_of(0).ravel().copy()
    assert by_name(found)["long"] == expected.tolist()
    expected[at] = MISSING
    assert by_name(found)["short"] == expected.tolist()
    assert not found.is_unclear.any()


def test_a_time_that_goes_back_and_two_devices_of_one_name_are_told_apart(tmp_path, plan):
    animals = herd(4)
    rows = [(name, *row) for name, days in animals.items() for row in rows_of(days)]
    again = [("cow1", time, value + 1) for time, value in rows_of(days_of(1))[24:27]]
    found = read(parquet(tmp_path / "a.parquet", rows + again), plan)
    assert dict(zip(found.names, found.is_unclear.tolist(), strict=True)) == {
        "cow0": False,
        "cow1": True,
        "cow2": False,
        "cow3": False,
    }
    assert found.n_different[found.names.index("cow1")] == 3


def test_times_of_a_zone_are_those_of_its_wall_clock(tmp_path, plan):
    import pyarrow as pa
    from pyarrow import parquet as pq

    times = pa.array([datetime(2026, 5, 14, 22, 30), datetime(2026, 5, 15, 4)], pa.timestamp("s", tz="UTC"))
    table = {"time": times.cast(pa.timestamp("s", tz="Europe/Berlin")), "movement": pa.array([5, 6], pa.int32())}
    pq.write_table(pa.table(table), tmp_path / "cow.parquet")
    rows = read(tmp_path, plan).rows[0, 14 * 24 :, 0]
    assert (rows[0], rows[6], (rows != MISSING).sum()) == (5, 6, 2)


def test_missing_values_are_missing_rows(tmp_path, plan):
    lines = ["time,movement", "2026-05-15T00:00:00,-1", "2026-05-15T01:00:00,", "2026-05-15T02:00:00,NaN"]
    (tmp_path / "cow.csv").write_text("\n".join([*lines, "2026-05-15T03:00:00,4.6", ",9", ""]))
    rows = read(tmp_path, plan).rows[0, 14 * 24 :, 0]
    assert rows.tolist() == [MISSING] * 3 + [5] + [MISSING] * 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,steps\n2026-05-15T00:00:00,1\n", "has no column movement, only time, steps"),
        ("movement\n1\n", "has no column time"),
        ("time,movement\n2026-05-15T00:00:00,40000\n", "40000 in the column movement is beyond int16"),
        ("time,movement\n2026-05-15T00:00:00,-7\n", "-7 in the column movement is below 0"),
        ("time,movement\n2026-05-15T00:00:00,much\n", "is no whole CSV table"),
        ("time,movement\nyesterday,1\n", "the column time is no time"),
        ("time,movement\n1778803200000,1\n", "counts no seconds since 1970"),
        ("time,movement\n2020-05-15T00:00:00,1\n", "no row of 2026-05-01 to 2026-05-15"),
        ("", "has no column time"),
    ],
)
def test_bad_tables_are_refused_in_one_line(tmp_path, plan, text, words):
    (tmp_path / "cow.csv").write_text(text)
    with pytest.raises(InputError) as refused:
        read(tmp_path, plan)
    message = str(refused.value)
    assert words in message
    assert "\n" not in message
    assert str(tmp_path) in message


def test_a_torn_parquet_file_and_places_without_tables_are_refused(tmp_path, plan):
    whole = parquet(tmp_path / "a.parquet", [("cow", *row) for row in rows_of(days_of(0))])
    whole.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(InputError, match="is no whole Parquet"):
        read(tmp_path, plan)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="give the folder with the diaries"):
        read(tmp_path / "empty", plan)
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "nowhere", plan)


def test_two_files_of_one_device_are_refused(tmp_path, plan):
    write_csv(tmp_path / "cow.csv", rows_of(days_of(0)))
    import pyarrow as pa
    from pyarrow import parquet as pq

    pq.write_table(pa.table({"time": pa.array([0]), "movement": pa.array([0])}), tmp_path / "cow.parquet")
    with pytest.raises(InputError, match="is of the same device"):
        read(tmp_path, plan)


def test_rows_that_are_shorter_than_a_slot_are_refused(tmp_path, plan):
    start = datetime(2026, 5, 14)
    write_csv(tmp_path / "cow.csv", [(start + timedelta(minutes=15 * at), at) for at in range(96)])
    with pytest.raises(InputError, match="sum rows to slots of the plan first"):
        read(tmp_path, plan)


def test_plans_of_other_sensors_and_too_few_days_are_refused(tmp_path, plan, plans):
    write_csv(tmp_path / "cow.csv", rows_of(days_of(0)))
    with pytest.raises(InputError, match="not a diary"):
        read(tmp_path, plans["logmel"])
    for before in (6, 61):
        with pytest.raises(InputError, match="before"):
            read(tmp_path, plan, before=before)


def test_more_devices_than_there_was_room_for_keep_their_rows(tmp_path, plan):
    names = [f"d{at}" for at in range(1500)]
    rows = [(name, datetime(2026, 5, 15, hour), at % 1000) for hour in (1, 2) for at, name in enumerate(names)]
    found = read(parquet(tmp_path / "a.parquet", rows), plan)
    assert found.names == names
    here = found.rows[:, :, 0]
    assert (here[:, 14 * 24 + 1] == np.arange(1500) % 1000).all()
    assert int((here != MISSING).sum()) == 3000


def test_runs_of_nothing_are_off_the_body_and_shorter_ones_are_not():
    rows = np.ones((1, 12, 1), np.int16)
    rows[0, 2:4] = 0
    rows[0, 6:10] = 0
    rows[0, 10] = MISSING
    counts, off = without_off_body(rows, 4)
    assert np.flatnonzero(off[0]).tolist() == [6, 7, 8, 9]
    assert np.flatnonzero(~counts[0]).tolist() == [6, 7, 8, 9, 10]
    assert not without_off_body(rows, 0)[1].any()
