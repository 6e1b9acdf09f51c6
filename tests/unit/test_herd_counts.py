"""Figures of `anomsdk.herd` against DuckDB's sums over the same files."""

from __future__ import annotations

import csv
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from anomsdk.core.duty import DutyPlan
from anomsdk.herd import Levels, herd_day
from anomsdk.herd.day_counts import DeviceNames, count_day, ticks_of_a_day
from anomsdk.stats.intervals import poisson_rate
from tests.support.device_days import day, device_day, facts_of, write_rows
from tests.support.herds import DAY, plan_with_ladder
from tests.support.tiny_plans import tiny_plan

N_DAYS = 8
N_DEVICES = 120


@pytest.fixture(scope="module")
def plan():
    return plan_with_ladder()


@pytest.fixture(scope="module")
def rows(plan):
    """Rows of devices that come and go, some in several rows a day, with counts that differ from rung to rung."""
    rng = np.random.default_rng(20)
    found = []
    for k in range(N_DAYS):
        for device in range(N_DEVICES):
            if rng.random() < 0.1:
                continue
            ticks = DAY
            for part in (DAY,) if rng.random() < 0.8 else (4, 3):
                ticks = part
                void = int(rng.integers(0, part + 1)) if rng.random() < 0.2 else 0
                counts = {tag: tuple(rng.integers(0, 4, 2).tolist()) for tag in range(1, 7) if rng.random() < 0.2 / tag}
                in_force = rng.random() < 0.08
                found.append(
                    device_day(
                        plan,
                        f"cow{device:03d}",
                        day(k),
                        ticks=ticks,
                        void_ticks=void,
                        coverage=float(np.float32(rng.choice([1.0, 0.75, 0.25]))) if part > void else 0.0,
                        highest=int(rng.integers(0, 4000)),
                        alarms=int(rng.integers(0, 3)) if in_force else 0,
                        alarm_ticks=int(rng.integers(0, 4)) if in_force else 0,
                        technical=int(rng.random() < 0.05) * 2,
                        level_tag=int(rng.integers(0, 7)),
                        rungs=counts,
                    )
                )
    return found


@pytest.fixture(scope="module")
def folder(plan, rows, tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("herd"), rows, facts_of(plan), files=3)


@pytest.fixture(scope="module")
def sql(folder):
    connection = duckdb.connect()
    connection.execute(
        f"create view rows as select * from read_parquet('{folder}/*/*.parquet', hive_partitioning = true, "
        "hive_types = {'day': date})"
    )
    return lambda text: connection.execute(text).fetchall()


LEVELS = {f"cow{device:03d}": (device % 7, "certified" if device % 2 else "provisional") for device in range(100)}
OWN = "case " + " ".join(f"when device = '{name}' then {tag}" for name, (tag, _) in LEVELS.items()) + " else 0 end"
"""Rung of each device in SQL; 0: the level in force."""


def at_level(count, own):
    """Count of a row in SQL, at the device's own rung or at the level in force."""
    if not own:
        return count
    return f"case {OWN} " + " ".join(f"when {tag} then {count}_{tag:02d}" for tag in range(1, 7)) + f" else {count} end"


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("chosen", [7, 4])
def test_sums_are_those_of_duckdb(plan, folder, sql, own, chosen):
    found = herd_day(folder, plan, day(chosen), before=3, levels=Levels("t.csv", LEVELS) if own else None)
    of_device = (
        "select device, day, count(*) as n, sum(ticks - void_ticks) as judged, "
        f"sum({at_level('alarms', own)}) as alarms, sum({at_level('alarm_ticks', own)}) as alarm_ticks, "
        "max(highest) as highest, sum(technical) as technical from rows group by device, day"
    )
    by_day = {
        each: (n, x, alerts)
        for each, n, x, alerts in sql(
            "select day, count(*), count(*) filter (where alarms > 0 or alarm_ticks > 0), sum(alarms)::bigint "
            f"from ({of_device}) group by day"
        )
    }
    before = [day(chosen - k) for k in (3, 2, 1)]
    assert found.days_before == tuple(before)
    assert (found.share.devices, found.share.in_alarm, found.alerts.alerts) == by_day[day(chosen)]
    assert found.share.devices_before == tuple(by_day[each][0] for each in before)
    assert found.share.in_alarm_before == tuple(by_day[each][1] for each in before)
    assert found.alerts_before.alerts == sum(by_day[each][2] for each in before)
    window = f"day >= '{before[0]}' and day < '{day(chosen)}'"
    heard = {
        name: (days, alarm_days, last)
        for name, days, alarm_days, last in sql(
            "select device, count(*), count(*) filter (where alarms > 0 or alarm_ticks > 0), max(day) "
            f"from ({of_device}) where {window} group by device"
        )
    }
    today = {
        row[0]: row[1:]
        for row in sql(
            f"select device, alarms::bigint, alarm_ticks::bigint, technical::bigint, highest from ({of_device}) "
            f"where day = '{day(chosen)}'"
        )
    }
    assert {each.device: (each.alerts, each.hours) for each in found.look_at} == {
        name: (alarms, 24 * ticks / DAY) for name, (alarms, ticks, *_) in today.items() if alarms or ticks
    }
    assert {each.device: (each.days_before, each.alarm_days_before) for each in found.look_at} == {
        each.device: heard.get(each.device, (0, 0))[:2] for each in found.look_at
    }
    assert {each.device: each.alarms for each in found.technical} == {
        name: faults for name, (_, _, faults, _) in today.items() if faults
    }
    assert {each.device: each.last_day for each in found.silent} == {
        name: last for name, (*_, last) in heard.items() if name not in today
    }
    assert len(found.silent) > 0 and found.n_new > 0 and any(not each.is_new for each in found.look_at)
    if own:
        assert found.unnamed == len([name for name in today if LEVELS.get(name, (0,))[0] == 0])


def test_the_median_and_the_ranks_are_those_of_duckdb(plan, folder, sql):
    found = herd_day(folder, plan)
    judged = (
        f"select device, max(highest) as highest from rows where day = '{day(7)}' group by device "
        "having sum(ticks - void_ticks) > 0"
    )
    (median,) = sql(f"select median(highest) from ({judged})")[0]
    ranks = {
        name: (high, rank) for name, high, rank in sql(f"select *, rank() over (order by highest desc) from ({judged})")
    }
    assert found.look_at
    for each in found.look_at:
        if each.device in ranks:
            highest, rank = ranks[each.device]
            assert (each.factor, each.rank) == (2 ** ((highest - median) / 256), rank)
        else:
            assert (each.factor, each.rank) == (None, None), "nothing of it was judged"


def test_days_of_little_coverage_count_in_service_days(plan, rows, folder):
    """Against plain Python over the rows: 1 from a half on, else the judged ticks over those of a day."""
    found = herd_day(folder, plan)
    judged, due = dict[str, int](), dict[str, float]()
    for row in rows:
        if row.day == day(7):
            ticks = row.ticks - row.void_ticks
            judged[row.device] = judged.get(row.device, 0) + ticks
            due[row.device] = due.get(row.device, 0) + (ticks / row.coverage if row.coverage else row.ticks)
    shares = {name: min(1, ticks / due[name], ticks / DAY) for name, ticks in judged.items()}
    days = sum(1 if share >= 0.5 else share for share in shares.values())
    assert found.alerts.animal_days == pytest.approx(days, rel=1e-12), "sums in another order"
    assert found.alerts.rate == poisson_rate(found.alerts.alerts, found.alerts.animal_days / 1000)
    assert {each.device for each in found.sparse} == {name for name, share in shares.items() if share < 0.5}
    assert [each.coverage for each in found.sparse] == sorted(each.coverage for each in found.sparse)


def test_files_and_batches_change_nothing(plan, rows, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("anomsdk.herd.partitions.BATCH_ROWS", 7)
    levels = Levels("t.csv", LEVELS)
    assert herd_day(folder, plan, levels=levels) == herd_day(
        write_rows(tmp_path, rows[::-1], facts_of(plan)), plan, levels=levels
    )


def test_counts_of_a_column_of_16_bits_add_up_beyond_it(plan, tmp_path):
    """And those of 32 bits beyond theirs: sums are int64."""
    top = {"ticks": 2**32 - 1, "alarm_ticks": 2**32 - 1, "stop_us": None}
    many = [device_day(plan, "cow", day(0), alarms=65_535, **top)] * 3
    write_rows(tmp_path, many, facts_of(plan))
    counts = count_day([tmp_path / f"day={day(0)}"], DeviceNames(), plan, of_the_day=True)
    assert (counts.alarms.tolist(), counts.alarm_ticks.tolist()) == ([196_605], [3 * (2**32 - 1)])


def test_a_day_has_the_ticks_that_the_data_set_says(plan):
    """A data set that was scored without the pauses of a duty says so; without metadata the plan does."""
    assert ticks_of_a_day(facts_of(plan, day_ticks=7, day_rest_q16=1 << 15), plan) == 7.5
    assert ticks_of_a_day(None, plan) == DAY


def test_a_day_of_a_plan_without_a_ladder_is_that_of_its_ladder():
    """With a duty, the ticks of its on times."""
    for duty in (None, DutyPlan(on=5, every=60)):
        plan = replace(tiny_plan(duty=duty), ladder=None)
        ticks = 86_400 * 10 if duty is None else 86_400 * 10 * 5 / 60
        assert ticks_of_a_day(None, plan) == ticks
        assert ticks_of_a_day(facts_of(plan), plan) == ticks


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary of large_string", "string_view"])
def test_names_of_any_text_are_read(plan, tmp_path, kind):
    """As pandas and polars write them."""
    import pyarrow
    from pyarrow import parquet

    from anomsdk.datasets.device_day import table_of

    table = table_of([device_day(plan, name, day(0), alarms=1) for name in ("a", "b", "a")], facts_of(plan))
    of = getattr(pyarrow, kind.split(" ")[-1])()
    for name in ("device", "score_id"):
        column = pyarrow.chunked_array([table.column(name).to_pylist()], of)
        column = column.dictionary_encode() if "dictionary" in kind else column
        table = table.set_column(table.schema.get_field_index(name), name, column)
    (tmp_path / f"day={day(0)}").mkdir()
    parquet.write_table(table, tmp_path / f"day={day(0)}" / "own.parquet")
    assert {each.device: each.alerts for each in herd_day(tmp_path, plan).look_at} == {"a": 2, "b": 1}


def test_names_that_are_numbers_and_files_without_metadata_are_read(plan, tmp_path):
    """A vendor's own files, with device numbers and wider integers."""
    import pyarrow
    from pyarrow import parquet

    from anomsdk.datasets.device_day import table_of

    table = table_of([device_day(plan, "1", day(0), alarms=1, alarm_ticks=2)], facts_of(plan)).replace_schema_metadata()
    for name, column in (
        ("device", pyarrow.array([41])),
        ("alarms", pyarrow.array([1])),
        ("score_id", pyarrow.array([plan.score_id[:16]])),
        ("coverage", pyarrow.array([1.0])),
    ):
        table = table.set_column(table.schema.get_field_index(name), name, column)
    (tmp_path / f"day={day(0)}").mkdir()
    parquet.write_table(table.drop_columns(["events", "start", "gaps"]), tmp_path / f"day={day(0)}" / "own.parquet")
    (each,) = herd_day(tmp_path, plan).look_at
    assert (each.device, each.alerts, each.since_us) == ("41", 1, None)


def test_the_table_has_every_device_of_each_list(plan, folder, tmp_path):
    from anomsdk.herd.table import COLUMNS, write_table

    found = herd_day(folder, plan)
    write_table(found, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert list(written[0]) == list(COLUMNS)
    listed = [("new" if each.is_new else "goes on", each.device) for each in found.look_at]
    listed += [("technical", each.device) for each in found.technical] + [
        ("silent", each.device) for each in found.silent
    ]
    listed += [("low coverage", each.device) for each in found.sparse]
    assert [(row["list"], row["device"]) for row in written] == listed
    assert [int(row["alerts"]) for row in written[: len(found.look_at)]] == [each.alerts for each in found.look_at]
