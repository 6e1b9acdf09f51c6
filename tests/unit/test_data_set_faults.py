"""Faults of data sets by which a certificate would come out too low: each is an error, or counts against a rung."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomsdk.datasets.parts import PartWriter
from anomsdk.datasets.reading import day_files
from anomsdk.datasets.schema import RUNG_COLUMNS, Facts, rung_column
from anomsdk.datasets.service import Service
from anomsdk.datasets.sums import add_up
from anomsdk.errors import InputError
from anomsdk.herd.partitions import PartFile, files_of
from anomsdk.stats.budgets import Budget
from anomsdk.tune.inputs import open_herd
from tests.support.data_sets import write_recording
from tests.support.herd_days import FIRST_DAY, altered, device_day, random_days, write_days
from tests.support.herds import DAY, LEVELS, plan_with_ladder

PLAN = plan_with_ladder()
ALL = [rung_column(count, tag) for count in RUNG_COLUMNS for tag in range(1, len(LEVELS) + 1)]
BUDGET = Budget.parse("1 alarm-day/30d")


def added(folder):
    return add_up(day_files(folder), ALL, PLAN.score_id)


def by_device(folder):
    sums = added(folder)
    return {name: sums.values[:, at].tolist() for at, name in enumerate(sums.devices.to_pylist())}


def opened(*folders, **how):
    return open_herd(PLAN, folders, BUDGET, **how)


def test_alarms_beyond_65_535_of_a_pipeline_stay_alarms():
    """The ladder's own count stays at 65,535; rows after that must not say that nothing happened."""
    service, beats = Service(PLAN), np.tile(np.array([1, 400], np.uint32), 70_000)
    rows = []
    for ticks in (140_000, 40, 40):
        service.take(beats[:ticks], np.arange(ticks))
        rows += service.cut()
    assert [row.ticks for row in rows] == [140_000, 40, 40]
    assert [row.counts[0].tolist() for row in rows[1:]] == [[20, 65_535, 4, 0, 0]] * 2
    assert rows[0].counts[0, 0] == 70_000  # ticks in alarm have 32 bits


def test_no_bit_of_a_file_changes_a_count_unseen(tmp_path):
    """Each bit is turned in a sample of bytes: the file is refused, or its sums are as before."""
    rows = random_days(np.random.default_rng(1), PLAN, devices=20, days=1)
    part = PartWriter(tmp_path, Facts.of(PLAN, PLAN, "log2"), 0).write(rows[0].partition, rows)
    path = tmp_path / part.name
    data = path.with_name(path.name + ".tmp").read_bytes()
    path.write_bytes(data)
    whole, refused = by_device(tmp_path), 0
    rng = np.random.default_rng(2)
    for at, bit in zip(rng.integers(0, len(data), 400), rng.integers(0, 8, 400), strict=True):
        damaged = bytearray(data)
        damaged[at] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            assert by_device(tmp_path) == whole, (at, bit)
        except InputError:
            refused += 1
    assert refused > 200


def damaged_page(tmp_path):
    """A file whose first page of the column alarm_days_01 says that it holds no values, as a flipped bit may."""
    folder = write_days(tmp_path, PLAN, [device_day(PLAN, f"cow {i:03}", 0) for i in range(300)])
    path = folder / f"day={FIRST_DAY}" / "part-00000.parquet"
    data = bytearray(path.read_bytes())
    found = pq.ParquetFile(path).metadata.row_group(0)
    at = next(found.column(i) for i in range(found.num_columns) if found.column(i).path_in_schema == "alarm_days_01")
    start = at.data_page_offset
    header = data[start : start + 40]
    place = header.index(bytes([0xD8, 0x04]))  # 300 values as a zigzag varint
    data[start + place : start + place + 2] = bytes([0x80, 0x00])
    path.write_bytes(data)
    return folder, path


def test_rows_that_are_missing_behind_a_damaged_page_are_an_error(tmp_path):
    """pyarrow then gives fewer rows than the file has, without an error."""
    folder, path = damaged_page(tmp_path)
    with pytest.raises(InputError, match=r"part-00000.parquet: cannot be read"):
        added(folder)
    with PartFile(path) as file, pytest.raises(InputError, match="was written only in part"):
        list(file.batches(["device", "alarm_days_01"]))


@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.timestamp("ms", "UTC"), pa.timestamp("us", "Europe/Berlin")])
def test_times_of_any_resolution_are_compared_as_times(tmp_path, kind):
    """pandas writes nanoseconds without a zone; an overlap with rows in microseconds is found."""
    rows = [device_day(PLAN, "a", 0), device_day(PLAN, "a", 0, start=0.5)]
    folder = write_days(tmp_path, PLAN, rows, files=2)
    path = folder / f"day={FIRST_DAY}" / "part-00001.parquet"
    table = pq.ParquetFile(path).read()
    altered(path, {name: table[name].combine_chunks().cast(kind, safe=False) for name in ("start", "stop")})
    with pytest.raises(InputError, match=r"two rows overlap at 2026-05-01 12:00:00 UTC"):
        added(folder)


def test_a_time_may_be_a_column_of_nulls(tmp_path):
    folder = write_days(tmp_path, PLAN, [device_day(PLAN, "a", 0)])
    altered(folder / f"day={FIRST_DAY}" / "part-00000.parquet", dict.fromkeys(("start", "stop", "boot"), pa.nulls(1)))
    assert by_device(folder)["a"][0] == DAY


@pytest.mark.parametrize(("name", "values"), [("start", pa.array(["2026-05-01"])), ("first", pa.array([0.5]))])
def test_a_time_that_is_no_time_is_one_line(tmp_path, name, values):
    folder = write_days(tmp_path, PLAN, [device_day(PLAN, "a", 0)])
    altered(folder / f"day={FIRST_DAY}" / "part-00000.parquet", {name: values})
    with pytest.raises(InputError, match=rf"column {name} is (string|double), not"):
        added(folder)


def test_the_same_span_twice_is_an_overlap_however_short(tmp_path):
    rows = [device_day(PLAN, "a", 0, length=0.4 / 86_400), device_day(PLAN, "a", 0, length=0.3 / 86_400)] * 2
    with pytest.raises(InputError, match="device a: two rows overlap"):
        added(write_days(tmp_path, PLAN, rows, files=2))


def test_a_data_set_without_times_is_counted_once(tmp_path):
    folder = write_days(tmp_path / "one", PLAN, [device_day(PLAN, "a", -1)])
    file = next(folder.glob("day=*/*.parquet"))
    (tmp_path / "link").symlink_to(folder)
    for twice in (folder, file, tmp_path / "link"):
        with pytest.raises(InputError, match="is given twice; give each data set once"):
            opened(folder, twice)
    copy = tmp_path / "copy" / file.relative_to(folder)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(file.read_bytes())
    with pytest.raises(InputError, match=r"part-00000.parquet: the same rows twice; give each data set once"):
        opened(folder, tmp_path / "copy")


def test_days_behind_links_belong_to_the_data_set(tmp_path):
    rows = [device_day(PLAN, "a", day) for day in range(3)]
    folder = write_days(tmp_path / "set", PLAN, rows)
    day = folder / f"day={FIRST_DAY + timedelta(1)}"
    day.rename(tmp_path / "elsewhere")
    day.symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(folder)
    assert by_device(folder)["a"][0] == 3 * DAY


def test_all_rows_of_a_device_with_a_bad_row_are_left_out(tmp_path):
    """The bad row may be the one that holds the alarms: without it the device would look quiet."""
    loud = np.array([[5, 2, 1, 1, 1]] * len(LEVELS))
    rows = [
        device_day(PLAN, device, day, loud if (device, day) == ("b", 1) else None)
        for day in range(3)
        for device in "ab"
    ]
    folder = write_days(tmp_path, PLAN, rows)
    path = folder / f"day={FIRST_DAY + timedelta(1)}" / "part-00000.parquet"
    altered(path, {"alarm_days_01": pa.array([0, 9], pa.uint16())})
    said, lines = [], []
    herd = opened(folder, on_bad=lines.append, report=said.append)
    assert list(herd.ladders) == ["a"] and herd.ladders["a"].ticks == 3 * DAY
    why = f"{path}, row 1 (from 0): alarm_days_01 is 9, more than its service_days, 1"
    assert lines == [f"{why}; all rows of its device are left out, as alarms may be missing"]
    assert said == ["1 row of 6 left out; 1 device left out as a whole, as its counts may lack alarms"]
    files = day_files(folder)
    parts = [add_up([file], ALL, PLAN.score_id, skip_bad=True) for file in files]
    assert parts[0].plus(parts[1]).plus(parts[2]).doubtful == {"b": ""}
    altered(path, {"alarm_days_01": pa.array([9, 9], pa.uint16())})
    with pytest.raises(InputError, match="no row of this data set can be used"):
        opened(folder, on_bad=lines.append)


def test_recordings_besides_a_data_set_are_not_passed_over(tmp_path):
    write_days(tmp_path / "in" / "out", PLAN, [device_day(PLAN, "a", 0)])
    recording = write_recording(tmp_path / "in" / "cow" / "a.npz")
    with pytest.raises(InputError, match=rf"in: holds a data set and recordings \({recording}\); give"):
        opened(tmp_path / "in")
    recording.unlink()
    for name in ("levels.csv", "_skipped.csv"):
        (tmp_path / "in" / "out" / name).write_text("device\n")
    assert list(opened(tmp_path / "in").ladders) == list(opened(tmp_path / "in" / "out").ladders) == ["a"]


def test_files_that_are_still_written_are_said(tmp_path):
    folder, said = write_days(tmp_path, PLAN, [device_day(PLAN, "a", day) for day in range(2)]), []
    path = folder / f"day={FIRST_DAY}" / "part-00000.parquet"
    path.rename(f"{path}.tmp")
    assert opened(folder, report=said.append).ladders["a"].ticks == DAY
    assert said == [
        f"{folder}: 1 file not written to the end, whose rows do not count: wait for score to end, or score again, which "
        "completes them"
    ]


def test_a_copy_of_a_file_is_refused_by_herd(tmp_path):
    folder = write_days(tmp_path, PLAN, [device_day(PLAN, "a", 0)])
    path = folder / f"day={FIRST_DAY}" / "part-00000.parquet"
    path.with_name("part-00000 copy.parquet").write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"part-00000 copy.parquet and .*: the same rows twice"):
        files_of([path.parent])


def test_a_device_counts_from_its_recordings_or_its_exports(tmp_path):
    """A time and ticks of a life cannot be compared, so that nothing would find the same service twice."""
    scored = write_days(tmp_path / "scored", PLAN, [device_day(PLAN, name, 0) for name in ("7", "8")])
    gathered = write_days(tmp_path / "gathered", PLAN, [device_day(PLAN, "7", 0, boot=1, start_us=None, stop_us=None)])
    with pytest.raises(InputError, match="device 7 has rows of recordings and of exports, which may count the same"):
        opened(scored, gathered)
    lines = []
    assert list(opened(scored, gathered, on_bad=lines.append).ladders) == [8]
    assert len(lines) == 1 and lines[0].endswith("give one of both; its rows are left out")


@pytest.mark.parametrize("name", ["device", "score_id"])
def test_a_name_that_is_no_text_is_one_line(tmp_path, name):
    folder = write_days(tmp_path, PLAN, [device_day(PLAN, "a", 0)])
    texts = pa.array([b"\xff\xfe"]).view(pa.string())
    altered(folder / f"day={FIRST_DAY}" / "part-00000.parquet", {name: texts})
    with pytest.raises(InputError, match=rf"part-00000.parquet: column {name} is no text in UTF-8"):
        added(folder)
