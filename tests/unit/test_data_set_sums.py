"""Data sets in `anomsdk tune`: device days added up by device, what is refused, and the walk of many ladders at once."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk.core.export import Export
from anomsdk.core.ladder import LadderPlan, PromisePlan, RungCounts, Unit, walk
from anomsdk.datasets.reading import day_files, is_data_set
from anomsdk.datasets.row_spans import RowSpans
from anomsdk.datasets.schema import RUNG_COLUMNS, rung_column
from anomsdk.datasets.sums import add_up, parts_of
from anomsdk.errors import CheckError, InputError
from anomsdk.stats.budgets import Budget
from anomsdk.tune.certificates import score_tag_of
from anomsdk.tune.exports import FiledExport
from anomsdk.tune.herd import Herd
from anomsdk.tune.herd import tune as tune_herd
from anomsdk.tune.herd_ladders import HerdLadders, walk_all
from anomsdk.tune.inputs import open_herd
from anomsdk.tune.ladders import MergedLadder
from anomsdk.tune.pooling import pool
from anomsdk.tune.table import as_csv
from tests.support.herd_days import (
    DAY_US,
    FIRST_DAY,
    added_by_duckdb,
    altered,
    counts_of,
    device_day,
    random_days,
    write_days,
)
from tests.support.herds import DAY, LEVELS, plan_with_ladder

PLAN = plan_with_ladder()
N = len(LEVELS)
NOTHING = np.zeros((N, len(RUNG_COLUMNS)), np.int64)
ALL = [rung_column(count, tag) for count in RUNG_COLUMNS for tag in range(1, N + 1)]
BUDGET = "1 alarm-day/30d"


def added(folder, columns=ALL, **how):
    return add_up(day_files(folder), columns, PLAN.score_id, **how)


def by_device(sums):
    names = sums.devices.to_pylist()
    return {name: sums.values[:, at].tolist() for at, name in enumerate(names)}


def opened(folder, budget=BUDGET, **how):
    return open_herd(PLAN, [folder], Budget.parse(budget), **how)


# Sums


@pytest.mark.parametrize("files", [1, 3])
def test_the_sums_are_those_of_duckdb(tmp_path, files):
    rows = random_days(np.random.default_rng(files), PLAN, devices=40, days=12)
    sums = added(write_days(tmp_path, PLAN, rows, files=files))
    assert by_device(sums) == added_by_duckdb(tmp_path, N)
    assert sums.tally.rows == len(rows) and not sums.tally.left_out


def test_parts_of_the_days_add_up_to_the_whole_in_any_grouping(tmp_path):
    files = day_files(write_days(tmp_path, PLAN, random_days(np.random.default_rng(4), PLAN, devices=15, days=10)))
    whole = by_device(added(tmp_path))
    for n in (2, 3, 10, 50):
        parts = [add_up(part, ALL, PLAN.score_id) for part in parts_of(files, n)]
        left = parts[0]
        for part in parts[1:]:
            left = left.plus(part)
        right = parts[-1]
        for part in parts[-2::-1]:
            right = part.plus(right)
        assert by_device(left) == by_device(right) == whole


@pytest.mark.parametrize("jobs", [1, 2])
def test_sums_beyond_32_bits_are_whole(tmp_path, jobs):
    most = 4_000_000_000
    counts = NOTHING.copy()
    counts[2, 0] = most
    rows = [device_day(PLAN, name, day, service_ticks=most, counts=counts) for day in range(5) for name in "ab"]
    sums = added(write_days(tmp_path, PLAN, rows), jobs=jobs)
    assert by_device(sums)["a"][0] == by_device(sums)["b"][2 + ALL.index("alarm_ticks_03")] == 5 * most
    assert added_by_duckdb(tmp_path, N) == by_device(sums)
    parts = [add_up(part, ALL, PLAN.score_id) for part in parts_of(day_files(tmp_path), 5)]
    joined = parts[0].plus(parts[1])
    assert by_device(joined)["a"][0] == 2 * most
    one = add_up(day_files(write_days(tmp_path / "c", PLAN, [device_day(PLAN, "c", 9)])), ALL, PLAN.score_id)
    assert by_device(one.plus(joined))["b"][0] == 2 * most


def test_rows_are_checked_and_let_go_day_by_day(tmp_path, monkeypatch):
    ended = list[int]()
    end = RowSpans._end

    def noted(spans, kind, parts, devices):
        ended.append(sum(len(rows) for _, rows, *_ in parts))
        end(spans, kind, parts, devices)

    monkeypatch.setattr(RowSpans, "_end", noted)
    rows = [device_day(PLAN, f"{device}", day) for day in range(6) for device in range(3)]
    added(write_days(tmp_path, PLAN, rows, files=2))
    assert ended == [3] * 6


def test_a_day_is_never_divided_among_parts(tmp_path):
    files = day_files(
        write_days(tmp_path, PLAN, random_days(np.random.default_rng(1), PLAN, devices=9, days=5), files=3)
    )
    days = [[file.day for file in part] for part in parts_of(files, 3)]
    assert [day for part in days for day in part] == [file.day for file in files]
    assert all(not set(a) & set(b) for i, a in enumerate(days) for b in days[i + 1 :])


def test_memory_grows_with_devices_and_not_with_rows(tmp_path):
    rows = random_days(np.random.default_rng(2), PLAN, devices=400, days=2)
    for name, copies in (("few", 1), ("many", 40)):
        for later in range(0, 2 * copies, 2):
            moved = [
                replace(
                    row,
                    day=row.day + timedelta(later),
                    start_us=row.start_us + later * DAY_US,
                    stop_us=row.stop_us + later * DAY_US,
                )
                for row in rows
            ]
            write_days(tmp_path / name, PLAN, moved)
    script = (
        "import sys, tracemalloc; from pathlib import Path; from anomsdk.datasets.reading import day_files; "
        "from anomsdk.datasets.sums import add_up; files = day_files(Path(sys.argv[1])); tracemalloc.start(); "
        f"add_up(files, {ALL!r}, {PLAN.score_id!r}); print(tracemalloc.get_traced_memory()[1])"
    )
    few, many = (
        int(
            subprocess.run([sys.executable, "-c", script, str(tmp_path / name)], capture_output=True, check=True).stdout
        )
        for name in ("few", "many")
    )
    assert many < 1.2 * few, "40 times the rows"


# A herd of data sets is a herd of exports


def test_levels_from_a_data_set_are_those_from_exports_of_the_same_counts(tmp_path):
    rows = random_days(np.random.default_rng(3), PLAN, devices=20, days=150)
    folder = write_days(tmp_path, PLAN, rows)
    exports = []
    for device in sorted({row.device for row in rows}):
        days = sum(row.device == device for row in rows)
        counts = tuple(RungCounts(*each) for each in counts_of(rows, device).tolist())
        exports.append((device, Export(7, 1, score_tag_of(PLAN), 0, 0, 0, 0, days * DAY, days, 3, counts)))
    for budget in (BUDGET, "1 alarm-day/20d", "2 alarms/10d", "1 episode/40d"):
        tuned = tune_herd(opened(folder, budget), budget)
        for row, (device, export) in zip(tuned.rows, exports, strict=True):
            alone = anomsdk.tune.choose(export, budget, plan=PLAN)
            assert row.device == device
            if alone.rung is not None or row.status != "provisional":
                assert (row.status, row.rung, row.count, row.days) == (
                    alone.status,
                    alone.rung,
                    alone.count,
                    alone.days,
                )
                assert row.bound == alone.bound and row.missing_days == alone.missing_days


def test_numbers_come_first_as_numbers_and_groups_from_the_folders(tmp_path):
    for group, names in (("north", ("10", "9")), ("south", ("bella", "007"))):
        rows = [device_day(PLAN, name, day) for name in names for day in range(120)]
        write_days(tmp_path / f"group={group}", PLAN, rows)
    tuned = tune_herd(opened(tmp_path), BUDGET)
    assert [(row.device, row.group) for row in tuned.rows] == [
        (9, "north"),
        (10, "north"),
        ("007", "south"),
        ("bella", "south"),
    ]
    assert as_csv(tuned).splitlines()[1].startswith(b"9,north,certified,")


def test_pooled_levels_come_from_the_calendar_days_of_a_data_set(tmp_path):
    quiet = [device_day(PLAN, f"{device}", day) for device in range(5) for day in range(100)]
    found = pool(opened(write_days(tmp_path, PLAN, quiet)), Budget.parse(BUDGET))
    assert (found.rows[0].status, found.rows[0].rung) == ("certified", 0)
    assert found.pooled.days == 100 and found.pooled.device_days == 500


def test_calendar_days_are_those_of_exports(tmp_path):
    rng = np.random.default_rng(8)
    rows = random_days(rng, PLAN, devices=10, days=60)
    herd = opened(write_days(tmp_path, PLAN, rows))
    from anomsdk.tune.calendar_days import CalendarDays

    filed, counted = [], dict[str, tuple[int, np.ndarray]]()
    for row in rows:
        before, counts = counted.get(row.device, (0, np.zeros_like(row.counts)))
        after = counts + row.counts
        number = int(row.device.removeprefix("cow "))
        of_day = tuple(RungCounts(*each) for each in row.counts.tolist())
        export = Export(number, 1, score_tag_of(PLAN), 0, 0, 0, before, before + DAY, 1, 3, of_day)
        filed.append(FiledExport(f"{len(filed)}", export, row.day, ""))
        counted[row.device] = before + DAY, after
    wanted = CalendarDays(Herd.of(PLAN, filed, [], lambda device: device.ladder(PLAN)))
    found = CalendarDays(herd)
    assert found.days == wanted.days
    assert found.devices.tolist() == wanted.devices.tolist()
    assert found.alarms.tolist() == wanted.alarms.tolist()
    one = CalendarDays(herd, rung=2)
    assert one.alarms[:, 2].tolist() == wanted.alarms[:, 2].tolist()


def test_independent_devices_are_refused_where_days_are_few(tmp_path):
    quiet = [device_day(PLAN, f"{device}", day) for device in range(5) for day in range(30)]
    with pytest.raises(CheckError, match="30 calendar days"):
        pool(opened(write_days(tmp_path, PLAN, quiet)), Budget.parse(BUDGET), independent=True)


# Many walks at once


counts = st.integers(0, 20)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_walk_of_many_is_the_walk_of_each(data):
    unit = data.draw(st.sampled_from(list(Unit)))
    n = data.draw(st.integers(2, 6))
    needs = np.cumsum(data.draw(st.lists(st.integers(1, 60), min_size=16, max_size=16))).astype(np.uint32)
    rungs = LadderPlan(np.arange(1, n + 1, dtype=np.uint32), data.draw(st.integers(1, 50)), 0, 3)
    promise = PromisePlan(unit, needs, data.draw(st.integers(1, 65536)), 1, 1, 1)
    herd = {}
    for device in range(data.draw(st.integers(1, 5))):
        ticks = data.draw(st.integers(0, 3000))
        found = tuple(
            RungCounts(
                data.draw(st.integers(0, ticks)), *data.draw(st.tuples(counts, counts, counts, st.integers(0, 900)))
            )
            for _ in range(n)
        )
        herd[device] = MergedLadder(device, bytes(8), ticks, data.draw(st.integers(0, 900)), 3, found)
    ladders = HerdLadders.of(herd)
    assert dict(ladders) == herd
    choices = walk_all(rungs, promise, ladders)
    for place, ladder in enumerate(herd.values()):
        wanted = walk(rungs, promise, ladder.counts, ladder.ticks, ladder.days)
        rung = int(choices.rungs[place])
        assert (None if rung < 0 else rung, int(choices.days[place])) == (wanted.rung, wanted.days)


def test_counts_of_32_bits_are_judged_without_wrapping():
    rungs = LadderPlan(np.array([1, 2], np.uint32), DAY, 0, 3)
    promise = PromisePlan(Unit.ALARM_DAY, np.arange(1, 17, dtype=np.uint32), 3276, 1, 1, 1)  # 5 % of the time
    counts = {"ticks": np.full((2, 1), 70_000, np.uint32), "days": np.zeros((2, 1), np.uint32)}
    ladders = HerdLadders(["a"], bytes(8), 3, 2, np.array([100_000]), np.array([500]), counts)
    assert walk_all(rungs, promise, ladders).rungs.tolist() == [-1], "70,000 << 16 is beyond 32 bits"


# What is refused


def one_file(tmp_path, rows=5):
    folder = write_days(tmp_path, PLAN, [device_day(PLAN, f"cow {i}", 0) for i in range(rows)])
    return folder, folder / f"day={FIRST_DAY}" / "part-00000.parquet"


BAD_COLUMNS = {
    "device is missing": ("device", pa.array(["a", "b", None, "d", "e"])),
    "service_ticks is missing": ("service_ticks", pa.array([DAY, DAY, None, DAY, DAY], pa.uint32())),
    "alarm_days_03 is missing": ("alarm_days_03", pa.array([0, 0, None, 0, 0], pa.uint16())),
    "alarm_days_03 is -1, and counts are 0 or more": ("alarm_days_03", pa.array([0, 0, -1, 0, 0], pa.int32())),
    "alarm_days_03 is 2, more than its service_days, 1": ("alarm_days_03", pa.array([0, 0, 2, 0, 1], pa.uint16())),
    "alarm_ticks_01 is 11, more than its service_ticks, 10": (
        "alarm_ticks_01",
        pa.array([0, 1, 11, 10, 0], pa.uint32()),
    ),
    "alarms_06 is 99, more than its service_ticks, 10": ("alarms_06", pa.array([0, 1, 99, 10, 0], pa.uint16())),
    "episodes_01 is 3, more than its service_days, 1": ("episodes_01", pa.array([0, 1, 3, 1, 0], pa.uint16())),
}


@pytest.mark.parametrize("why", BAD_COLUMNS)
def test_a_row_that_cannot_be_right_is_named_and_can_be_left_out(tmp_path, why):
    folder, file = one_file(tmp_path)
    altered(file, dict([BAD_COLUMNS[why]]))
    with pytest.raises(InputError) as caught:
        added(folder)
    assert str(caught.value) == f"{file}, row 2 (from 0): {why}; correct the row, or leave it out with `skip_bad`"
    sums = added(folder, skip_bad=True)
    assert (
        sums.tally.rows == 4 and sums.tally.left_out == 1 and list(sums.tally.bad) == [f"{file}, row 2 (from 0): {why}"]
    )
    served = {device: values[0] for device, values in by_device(sums).items()}
    assert sorted(served.values())[-4:] == [DAY] * 4 and sum(served.values()) == 4 * DAY


def test_a_bad_row_far_down_is_named_by_its_number(tmp_path):
    folder, file = one_file(tmp_path, rows=70_000)
    days = np.zeros(70_000, np.uint16)
    days[[66_123, 69_999]] = 9
    altered(file, {"alarm_days_01": pa.array(days)})
    with pytest.raises(InputError, match=r"row 66,123 \(from 0\): alarm_days_01 is 9"):
        added(folder)
    sums = added(folder, skip_bad=True)
    assert sums.tally.left_out == 2 and sums.tally.bad[0].endswith("(and 1 more row of this file)")


def test_a_count_at_its_end_may_exceed_the_service(tmp_path):
    folder, file = one_file(tmp_path)
    altered(file, {"alarm_days_01": pa.array([65_535] * 5, pa.uint16())})
    assert by_device(added(folder))["cow 0"][2 + ALL.index("alarm_days_01")] == 65_535


OVERLAPS = {
    "in a file": ([("a", 0, 0.0, 0.6), ("a", 0, 0.5, 0.2)], 1, 1),
    "in two files of a day": ([("a", 0, 0.5, 0.2), ("b", 0, 0, 1), ("a", 0, 0.0, 0.6)], 3, 0),
    "within": ([("a", 0, 0.0, 1.0), ("b", 0, 0, 1), ("a", 0, 0.1, 0.1)], 1, 2),
    "with the day before": ([("a", 0, 0.0, 1.5), ("a", 1, 0.0, 1.0)], 1, 0),
    "with a day long before": ([("a", 0, 0.0, 9.0), ("a", 1, 7.5, 0.1)], 1, 0),
}


@pytest.mark.parametrize("how", OVERLAPS)
def test_rows_that_overlap_in_time_are_refused(tmp_path, how):
    spans, files, row = OVERLAPS[how]
    rows = [device_day(PLAN, name, day, start=start, length=length) for name, day, start, length in spans]
    folder = write_days(tmp_path, PLAN, rows, files=files)
    with pytest.raises(InputError, match=rf"(row {row} \(from 0\)|data set): device a: two rows overlap at 2026-05-0"):
        added(folder)
    parts = parts_of(day_files(folder), 2)
    if len(parts) > 1:
        with pytest.raises(InputError, match="device a: two rows overlap at 2026-05-0"):
            add_up(parts[0], ALL, PLAN.score_id).plus(add_up(parts[1], ALL, PLAN.score_id))


def test_a_device_whose_rows_overlap_is_left_out_as_a_whole(tmp_path):
    rows = [device_day(PLAN, name, 0) for name in ("a", "b")] + [device_day(PLAN, "a", 0, start=0.5, length=0.1)]
    rows += [device_day(PLAN, "c", 3, length=9.0), device_day(PLAN, "c", 5)]
    lines = []
    herd = opened(write_days(tmp_path, PLAN, rows), on_bad=lines.append)
    assert list(herd.ladders) == ["b"]
    assert len(lines) == 2 and all(line.endswith("; its rows are left out") for line in lines)
    parts = [add_up(part, ALL, PLAN.score_id, skip_bad=True) for part in parts_of(day_files(tmp_path), 3)]
    assert set(parts[0].plus(parts[1].plus(parts[2])).doubtful) == {"a", "c"}


def test_rows_without_service_may_overlap_as_they_count_nothing(tmp_path):
    rows = [device_day(PLAN, "a", 0)] + [device_day(PLAN, "a", 0, service_ticks=0, service_days=0, counts=NOTHING)] * 2
    assert by_device(added(write_days(tmp_path, PLAN, rows)))["a"][0] == DAY


def test_clocks_in_whole_seconds_may_overlap_by_one(tmp_path):
    rows = [device_day(PLAN, "a", 0), device_day(PLAN, "a", 1, start=-0.9 / 86_400)]
    assert by_device(added(write_days(tmp_path / "good", PLAN, rows)))["a"][0] == 2 * DAY
    rows = [device_day(PLAN, "a", 0), device_day(PLAN, "a", 1, start=-1.1 / 86_400)]
    with pytest.raises(InputError, match="two rows overlap"):
        added(write_days(tmp_path / "bad", PLAN, rows))


def test_rows_that_touch_and_rows_without_a_time_are_added(tmp_path):
    rows = [device_day(PLAN, "a", 0, start=0.25 * i, length=0.25) for i in (3, 1, 0, 2)]
    rows += [device_day(PLAN, "a", -1), device_day(PLAN, "a", -1)]
    assert by_device(added(write_days(tmp_path, PLAN, rows)))["a"][0] == 6 * DAY


def test_rows_of_one_life_that_count_the_same_ticks_are_refused(tmp_path):
    lives = [(1, 0), (1, DAY), (2, 0), (2, 5 * DAY)]
    rows = [device_day(PLAN, "7", day, boot=boot, first=first) for day, (boot, first) in enumerate(lives)]
    assert by_device(added(write_days(tmp_path / "good", PLAN, rows)))["7"][0] == 4 * DAY
    again = [*rows, device_day(PLAN, "7", 9, boot=2, first=6 * DAY - 1)]
    with pytest.raises(InputError, match="device 7: two rows overlap at tick 59 of boot 2"):
        added(write_days(tmp_path / "bad", PLAN, again))


def test_ladders_of_another_plan_are_refused_with_file_and_row(tmp_path):
    rows = [device_day(PLAN, f"cow {i}", 0) for i in range(3)]
    other = device_day(PLAN, "cow 9", 0, score_id="0123456789abcdef")
    folder = write_days(tmp_path, PLAN, [*rows, other])
    with pytest.raises(
        InputError, match=r"row 3 \(from 0\): counted under score_id 0123456789abcdef, and the plan's is"
    ):
        opened(folder)
    with pytest.raises(InputError, match="counted under score_id 0123456789abcdef"):
        opened(folder, on_bad=lambda line: None)


def test_the_first_file_tells_of_which_plan_a_data_set_is(tmp_path):
    assert PLAN.ladder is not None
    higher = replace(PLAN.ladder, raise_scores=PLAN.ladder.raise_scores + np.uint32(1))
    other = replace(PLAN, ladder=higher)
    folder = write_days(tmp_path, other, [device_day(other, "a", 0)])
    with pytest.raises(InputError, match=r"its ladders are of plan .*; give the plan that these devices run"):
        opened(folder)


def test_a_file_that_is_half_written_or_of_another_schema_is_named(tmp_path):
    folder, file = one_file(tmp_path / "torn")
    other = folder / f"day={FIRST_DAY + timedelta(1)}" / "part-00000.parquet"
    other.parent.mkdir()
    other.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(
        InputError, match=r"day=2026-05-02/part-00000.parquet: cannot be read \(it is no complete .parquet\)"
    ):
        opened(folder)
    altered(file, {"service_days": None})
    other.unlink()
    good = folder / f"day={FIRST_DAY - timedelta(1)}" / "part-00000.parquet"
    write_days(folder, PLAN, [device_day(PLAN, "z", -1)])
    good.parent.mkdir()
    (folder / "day=__HIVE_DEFAULT_PARTITION__" / "part-00000.parquet").rename(good)
    with pytest.raises(InputError, match="has no column service_days, so it is no file of a data set"):
        opened(folder)


def test_counts_that_are_no_whole_numbers_are_refused(tmp_path):
    folder, file = one_file(tmp_path)
    altered(file, {"alarm_days_01": pa.array([0.5] * 5)})
    with pytest.raises(InputError, match="column alarm_days_01 is double, and counts are whole numbers"):
        added(folder)


def test_a_folder_of_motion_is_no_data_set(tmp_path):
    import pyarrow.parquet

    (tmp_path / "cow").mkdir()
    pyarrow.parquet.write_table(pa.table({"t": [0.0], "ax": [0.0]}), tmp_path / "cow" / "a.parquet")
    assert not is_data_set(tmp_path)
    assert is_data_set(one_file(tmp_path / "set")[0])
    with pytest.raises(InputError, match="day=yesterday is no day"):
        (tmp_path / "set" / "day=yesterday").mkdir()
        (tmp_path / "set" / "day=yesterday" / "x.parquet").write_bytes(b"x")
        day_files(tmp_path / "set")


def test_devices_may_be_numbers_in_the_file(tmp_path):
    folder, file = one_file(tmp_path)
    altered(file, {"device": pa.array([5, 6, 7, 8, 9], pa.int64()), "score_id": pa.array([PLAN.score_id] * 5)})
    assert list(opened(folder).ladders) == [5, 6, 7, 8, 9]
