"""`anomsdk herd`: the morning's list of a herd, its order and its words, and data sets that it refuses."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import anomsdk
from anomsdk.core.event import Condition
from anomsdk.herd import HerdShare, herd_day, read_levels
from anomsdk.herd.overview import AlertRate
from anomsdk.herd.report_text import LIMIT, MOST_LINES, SHARED, as_text, share_line
from anomsdk.herd.table import as_csv
from tests.support.command_line import anomsdk_command
from tests.support.device_days import (
    TICK_S,
    day,
    device_day,
    facts_of,
    midnight_us,
    raised,
    technical,
    write_rows,
)
from tests.support.herds import DAY, plan_with_ladder


@pytest.fixture(scope="module")
def plan():
    return plan_with_ladder()


@pytest.fixture
def in_alarm():
    """Counts of a row that was in alarm."""
    return {"alarms": 1, "alarm_ticks": 2}


@pytest.fixture
def morning(plan, tmp_path, in_alarm):
    """Four days of a herd of 30; the last one has two new alarms, one that goes on, a fault, silence and little coverage."""
    rows = [device_day(plan, f"cow{k:02d}", day(d)) for d in range(4) for k in range(30)]
    rows = [
        row for row in rows if not (row.device in ("cow08", "cow09") and row.day >= day(2 + (row.device == "cow09")))
    ]
    at = {(row.device, row.day): i for i, row in enumerate(rows)}

    def put(device, d, **changes):
        rows[at[device, day(d)]] = device_day(plan, device, day(d), **changes)

    events = ((3, raised(plan)), (5, raised(plan, clear=True)), (7, raised(plan)))
    put("cow01", 3, alarms=2, alarm_ticks=3, highest=1256, events=events)
    put("cow02", 3, **in_alarm, highest=1512, level_tag=2)
    put("cow03", 3, alarms=0, alarm_ticks=9, highest=900)
    put("cow03", 1, **in_alarm)
    put("cow04", 2, **in_alarm)
    faults = [technical(plan, each) for each in (Condition.CLIPPED, Condition.SUPPLY, Condition.CLIPPED)]
    over = technical(plan, Condition.GAP, active=False)
    put("cow05", 3, technical=3, events=tuple((1, each) for each in (*faults, over)), void_ticks=1, coverage=0.9)
    put("cow06", 3, ticks=4)
    put("cow07", 3, void_ticks=10, coverage=0.0)
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    return write_rows(tmp_path / "set", rows, facts_of(plan), files=2)


def herd(folder, *words, plan=None, status=0):
    ended = anomsdk_command("herd", folder, "--plan", plan or folder.parent / "plan.json", *words)
    assert ended.status == status, ended.stderr
    return ended


# --- the list


def test_the_lines_stand_in_their_order(morning):
    text = herd(morning).stdout
    heads = [
        "3 of 28 animals in alarm on 2026-01-04 (10.7%), 0.7 on the days before (mean of 3 days, 2.2%)\n",
        "113.6 alerts per 1,000 animal-days (95% interval 23.4 to 332.1, 3 in 26.4 animal-days); on the days before 22.5",
        "animals to look at: 2 new, 1 that goes on\n",
        "cow01",
        "cow02",
        "cow03",
        "technical alarms, look at the device: 1 device\n",
        "- cow05: 3 technical alarms, clipped (2), supply; 90.0% of the day judged\n",
        "silent, heard of on the days before and not on 2026-01-04: 2 devices\n",
        "- cow09: last heard of on 2026-01-03\n",
        "- cow08: last heard of on 2026-01-02\n",
        "coverage below 50% of the day: 2 devices\n",
        "- cow07: 0.0%\n",
        "- cow06: 40.0%\n",
        "note: of 7 days before 2026-01-04 the data set has 3\n",
        "This is no diagnosis: ",
    ]
    found = [text.find(head) for head in heads]
    assert -1 not in found and found == sorted(found), text
    assert "sick" not in text and "healthy" not in text
    assert text.rstrip().replace("\n", " ").endswith(LIMIT)


def test_an_animal_has_its_alarms_its_time_and_its_place_in_the_herd(plan, morning):
    first, second, goes_on = herd_day(morning, plan).look_at
    assert (first.device, first.alerts, first.alarm_days_before, first.days_before) == ("cow01", 2, 0, 3)
    assert first.hours == 24 * 3 / DAY
    assert first.since_us == midnight_us(day(3)) + round(4 * TICK_S * 1e6), "the end of tick 3, of the first raise"
    assert (first.factor, first.rank) == (2.0, 2), "one octave above the median"
    assert (second.factor, second.rank, second.level_tag, second.level) == (4.0, 1, 2, "in force")
    assert second.since_us is None and not second.from_before
    assert (goes_on.device, goes_on.alarm_days_before, goes_on.from_before) == ("cow03", 1, True)
    text = as_text(herd_day(morning, plan))
    assert "09:36" in text and "before the day" in text and "1 of 3 days" in text


def test_the_day_may_be_an_earlier_one(plan, morning):
    found = herd_day(morning, plan, day(2), before=1)
    assert [each.device for each in found.look_at] == ["cow04"]
    assert found.days_before == (day(1),) and [each.device for each in found.silent] == ["cow08"]
    text = herd(morning, "--day", "2026-01-03", "--before", 1).stdout
    assert "1 of 29 animals in alarm on 2026-01-03" in text


def test_the_first_day_has_nobody_who_is_new(plan, morning):
    found = herd_day(morning, plan, day(0))
    text = as_text(found)
    assert found.days_before == () and "no days before to compare it with" in text
    assert "no animal is told apart as new" in text and "silent" not in text


def test_long_lists_are_counted_and_the_table_has_all(plan, tmp_path, in_alarm):
    rows = [device_day(plan, f"cow{k:03d}", day(0), **in_alarm, technical=1) for k in range(MOST_LINES + 5)]
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    write_rows(tmp_path / "set", rows, facts_of(plan))
    ended = herd(tmp_path / "set", "--out", tmp_path / "t.csv")
    assert ended.stdout.count("and 5 more; --out writes all") == 2
    assert "cow019" in ended.stdout and "cow020" not in ended.stdout
    with (tmp_path / "t.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * (MOST_LINES + 5)


def test_json_has_every_list_in_full(morning):
    tree = json.loads(herd(morning, "--json").stdout)
    assert (tree["in_alarm"], tree["animals"], tree["common_mode"]) == (3, 28, False)
    assert [each["device"] for each in tree["look_at"]] == ["cow01", "cow02", "cow03"]
    assert tree["look_at"][0]["since"] == "2026-01-04T09:36:00Z"
    assert [each["new"] for each in tree["look_at"]] == [True, True, False]
    assert tree["technical"][0]["conditions"] == {"clipped": 2, "supply": 1}
    assert tree["silent"][0] == {"device": "cow09", "last_day": "2026-01-03"}
    assert [each["device"] for each in tree["low_coverage"]] == ["cow07", "cow06"]
    rate = AlertRate(3, tree["alerts_per_1000_animal_days"]["animal_days"]).rate
    assert tree["alerts_per_1000_animal_days"]["value"] == round(rate.value, 6)
    assert tree["alerts_per_1000_animal_days"]["animal_days"] == 26 + 0.4, "cow06 with its days of service, cow07 none"


def test_a_raise_behind_a_gap_is_later(plan, tmp_path, in_alarm):
    """8 ticks in a day with a gap of 2 ticks' time before tick 4."""
    stop = midnight_us(day(1))
    gaps = np.array([[4, 1000]])
    cows = [
        device_day(plan, name, day(0), **in_alarm, ticks=8, stop_us=stop, gaps=gaps, events=((tick, raised(plan)),))
        for name, tick in (("a", 3), ("b", 4))
    ]
    found = herd_day(write_rows(tmp_path, cows, facts_of(plan)), plan).look_at
    assert [each.since_us for each in found] == [midnight_us(day(0)) + round(n * TICK_S * 1e6) for n in (4, 7)]


def test_hidden_files_are_no_part_of_a_data_set(plan, morning):
    found = herd_day(morning, plan)
    for name in (".part-00000.parquet", "_part.parquet", "part-00009.parquet.crc"):
        (morning / f"day={day(3)}" / name).write_bytes(b"")
    assert herd_day(morning, plan) == found


def test_a_name_that_a_spreadsheet_would_run_is_guarded(plan, tmp_path, in_alarm):
    found = herd_day(write_rows(tmp_path, [device_day(plan, "=1+1", day(0), **in_alarm)], facts_of(plan)), plan)
    assert "\n2026-01-01,new,'=1+1," in as_csv(found).decode()


def test_rows_that_overlap_are_named(plan, tmp_path):
    rows = [device_day(plan, "cow1", day(0)), device_day(plan, "cow2", day(1)), *[device_day(plan, "cow2", day(0))] * 2]
    found = herd_day(write_rows(tmp_path, rows, facts_of(plan)), plan)
    assert found.crowded == ("cow2",)
    assert "rows overlap and count twice: cow2" in as_text(found)


def test_files_that_are_being_written_are_noted(plan, morning):
    (morning / f"day={day(2)}" / "part-00007.parquet.tmp").write_bytes(b"PAR1")
    assert "1 file of these days not written to the end" in as_text(herd_day(morning, plan))


def test_a_short_day_is_noted(plan, tmp_path):
    rows = [device_day(plan, f"cow{k}", day(0), ticks=2) for k in range(5)]
    found = herd_day(write_rows(tmp_path, rows, facts_of(plan)), plan)
    assert (found.alerts.animal_days, len(found.sparse)) == (1.0, 5)
    assert "half of the animals were judged for 20.0% of the day or less; it may not be over" in as_text(found)


# --- days that the herd shares


def test_a_share_far_above_that_of_the_days_before_is_shared(plan, tmp_path, in_alarm):
    rows = [
        device_day(plan, f"cow{k}", day(d), **(in_alarm if k < (1, 2, 12)[d] else {}))
        for d in range(3)
        for k in range(60)
    ]
    found = herd_day(write_rows(tmp_path, rows, facts_of(plan)), plan)
    assert share_line(found).endswith(SHARED) and found.share.is_common_mode
    assert "common-mode day: the share is at least 2 times" in as_text(found)
    assert "firmware update" in share_line(found) and "\n" not in share_line(found)


@pytest.mark.parametrize(
    ("today", "before", "shared"),
    [
        ((12, 998), [(3, 1000)] * 7, True),
        ((4, 998), [(3, 1000)] * 7, False),  # as often as before
        ((5, 1000), [(2, 1000)] * 7, False),  # more than twice as many, and chance explains it
        ((150, 1000), [(100, 1000)] * 7, False),  # beyond chance, and less than twice as many
        ((120, 1000), [(10, 1000), (100, 1000), (0, 1000), (90, 1000)], False),  # no more than the days differ anyway
        ((15, 50), [(0, 1000), (20, 1000)] * 3, False),  # so few devices tell little where days differ
        ((12, 200), [(10, 1000), (30, 1000)] * 3, False),
        ((30, 200), [(10, 1000), (30, 1000)] * 3, True),
        ((3, 10), [(0, 10)] * 7, True),
        ((1, 10), [(0, 10)] * 7, False),
        ((0, 10), [(0, 10)] * 7, False),
        ((10, 10), [(10, 10)] * 7, False),
        ((10, 10), [], False),
        ((10, 10), [(0, 0)], False),
    ],
)
def test_the_rule_of_a_common_mode_day(today, before, shared):
    found = HerdShare(*today, tuple(x for x, _ in before), tuple(n for _, n in before))
    assert found.is_common_mode == shared


def test_independent_devices_rarely_make_a_common_mode_day():
    """A steady herd: below one day in 50."""
    rng = np.random.default_rng(5)
    flagged = 0
    for _ in range(400):
        days = rng.binomial(200, 0.02, 8).tolist()
        flagged += HerdShare(days[0], 200, tuple(days[1:]), (200,) * 7).is_common_mode
    assert flagged < 8


# --- levels of a table


HEADING = "device,group,status,level,rung,level_tag,plan,score_id"


def level_table(path, of, rows, **changes):
    ids = {"plan": of.id, "score_id": of.score_id, **changes}
    lines = [f"{device},,{status},100,,{tag},{ids['plan']},{ids['score_id']}" for device, status, tag in rows]
    path.write_text("\n".join([HEADING, *lines]) + "\n")
    return path


def test_each_animal_is_judged_at_its_own_rung(plan, tmp_path):
    rungs = {3: (2, 1), 1: (9, 5)}
    names = ("own", "borrowed", "higher", "none", "unnamed")
    rows = [device_day(plan, name, day(0), rungs=rungs, alarms=0, alarm_ticks=1) for name in names]
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    write_rows(tmp_path / "set", rows, facts_of(plan))
    chosen = [("own", "certified", 1), ("borrowed", "provisional", 3), ("higher", "certified", 5), ("none", "fails", 0)]
    table = level_table(tmp_path / "t.csv", plan, chosen)
    found = herd_day(tmp_path / "set", plan, levels=read_levels(table, plan))
    assert {each.device: (each.alerts, each.hours, each.level_tag, each.level) for each in found.look_at} == {
        "own": (5, 24 * 9 / DAY, 1, "own"),
        "borrowed": (1, 24 * 2 / DAY, 3, "table"),
        "none": (0, 24 / DAY, 0, "in force"),
        "unnamed": (0, 24 / DAY, 0, "in force"),
    }
    text = herd(tmp_path / "set", "--levels", table).stdout
    assert "its own, certified, tag 1" in text and "provisional, tag 3" in text and "in force, the plan's" in text
    assert "gives 2 animals of the day no rung; judged at the level in force" in " ".join(text.split())


def test_the_time_of_a_raise_is_told_only_at_the_level_that_raised_it(plan, tmp_path):
    rows = [
        device_day(plan, name, day(0), rungs={3: (2, 1)}, events=((4, raised(plan, level_tag=tag)),))
        for name, tag in (("same", 3), ("other", 2))
    ]
    write_rows(tmp_path / "set", rows, facts_of(plan))
    table = level_table(tmp_path / "t.csv", plan, [("same", "certified", 3), ("other", "certified", 3)])
    found = herd_day(tmp_path / "set", plan, levels=read_levels(table, plan)).look_at
    assert {each.device: each.since_us is None for each in found} == {"same": False, "other": True}


def test_tables_of_tune_are_read_in_both_formats(plan, tmp_path):
    """As tune writes them, names that a spreadsheet would run among them."""
    from anomsdk.stats.budgets import Budget
    from anomsdk.tune.herd import tune
    from anomsdk.tune.inputs import open_herd
    from anomsdk.tune.table import write_table
    from anomsdk.watch.sinks.scores import write_scores
    from tests.support.herds import scores_of

    budget = Budget.parse("1 alarm-day/30d")
    scores = {name: scores_of(days, {5: 100}) for name, days in (("-cow1", 160), ("cow2", 20))}
    write_scores(scores, tmp_path / "s.npz", replace(plan, ladder=None).score_id)
    tuned = tune(open_herd(plan, [tmp_path / "s.npz"], budget), budget, 0.95)
    expected = {str(row.device): (row.level_tag, row.status) for row in tuned.rows}
    for name in ("t.csv", "t.parquet"):
        write_table(tuned, tmp_path / name)
        assert read_levels(tmp_path / name, plan).rows == expected
    assert len({tag for tag, _ in expected.values()}) > 0 and "-cow1" in expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plan": "ab" * 32}, "has levels of plan abab"),
        ({"score_id": "cd" * 32}, "has levels of score_id cdcd"),
    ],
)
def test_a_table_of_another_plan_is_refused(plan, morning, tmp_path, changes, said):
    table = level_table(tmp_path / "t.csv", plan, [("cow01", "certified", 1)], **changes)
    assert said in one_line(herd(morning, "--levels", table, status=2))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "device,level\ncow01,3\n", "has no column status, level_tag, plan, score_id"),
        ("t.csv", f"{HEADING}\n", "names no device"),
        ("t.csv", "", "has no column"),
        ("t.csv", "{HEADING}\ncow01,,certified\n", "is cut off"),
        ("t.csv", "{HEADING}\ncow01,,certified,1,,25,{plan},{score_id}\n", "level_tag is 25, not 0 to 24"),
        ("t.csv", "{HEADING}\ncow01,,certified,1,,,{plan},{score_id}\n", "level_tag is , not 0 to 24"),
        (
            "t.csv",
            "{HEADING}\ncow01,,certified,1,,3,{plan},{score_id}\ncow01,,certified,1,,4,{plan},{score_id}\n",
            "row 2: device cow01 has two levels",
        ),
        ("t.parquet", "PAR1", "is no Parquet file"),
        ("t.txt", "", "is neither .csv nor .parquet"),
        ("missing.csv", None, "no such file"),
    ],
)
def test_a_damaged_table_is_refused(plan, morning, tmp_path, name, text, said):
    if text is not None:
        text = text.replace("{HEADING}", HEADING).replace("{plan}", plan.id).replace("{score_id}", plan.score_id)
        (tmp_path / name).write_text(text)
    assert said in one_line(herd(morning, "--levels", tmp_path / name, status=2))


def test_a_table_that_is_no_text_is_refused(plan, morning, tmp_path):
    (tmp_path / "t.csv").write_bytes(f"{HEADING}\n\xff\xfe".encode("latin-1"))
    assert "is no table in UTF-8" in one_line(herd(morning, "--levels", tmp_path / "t.csv", status=2))


# --- data sets that are refused


def one_line(ended):
    assert ended.stdout == "" and ended.stderr.startswith("error: "), ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1, "one line"
    return ended.stderr


def part(folder, d=3):
    return sorted((folder / f"day={day(d)}").glob("*.parquet"))[0]


def rewritten(path, change):
    from pyarrow import parquet

    parquet.write_table(change(parquet.read_table(path, partitioning=None)), path)


def with_column(name, value, at=1):
    """Put a value into a row, and the column into the type that it then needs."""

    def changed(table):
        import pyarrow

        index = table.schema.get_field_index(name)
        values = table.column(name).to_pylist()
        values[at] = value
        column = pyarrow.array(values)
        return table.set_column(index, name, column)

    return changed


@pytest.mark.parametrize("d", [3, 1])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop_columns(["alarm_ticks", "void_ticks"]), "has no column void_ticks, alarm_ticks"),
        (with_column("alarms", -1), "row 2: column alarms is not 0 to"),
        (with_column("alarms", 2**40), "row 2: column alarms is not 0 to 4294967295"),
        (with_column("alarms", None), "row 2: column alarms is empty"),
        (with_column("device", None), "row 2: column device is empty"),
        (with_column("coverage", float("nan")), "row 2: column coverage is not 0 to 1"),
        (with_column("coverage", 1.5), "row 2: column coverage is not 0 to 1"),
        (with_column("void_ticks", 11), "row 2: has more void ticks than ticks"),
        (with_column("alarm_ticks", 11), "row 2: has more ticks in alarm than ticks"),
        (with_column("score_id", "0123456789abcdef"), "row 2: was counted with score_id 0123456789abcdef, and"),
        (lambda t: t.set_column(t.schema.get_field_index("ticks"), "ticks", [["x"] * len(t)]), "ticks holds string"),
        (
            lambda t: t.set_column(t.schema.get_field_index("coverage"), "coverage", [[1] * len(t)]),
            "coverage holds int64",
        ),
        (lambda t: t.set_column(t.schema.get_field_index("device"), "device", [[1.5] * len(t)]), "device holds double"),
        (lambda t: t.replace_schema_metadata({"anomsdk": b"{"}), "is damaged; score the recordings again"),
        (lambda t: t.replace_schema_metadata({"anomsdk": b'{"format": "x", "version": 1}'}), "holds 'x' of version 1"),
    ],
)
def test_a_file_of_another_schema_or_with_a_bad_row_is_named(morning, change, said, d):
    rewritten(part(morning, d), change)
    line = one_line(herd(morning, status=2))
    assert f"day={day(d)}/part-00000.parquet" in line and said in line


@pytest.mark.parametrize("cut", [0, 4, 500, -1])
@pytest.mark.parametrize("d", [3, 1])
def test_a_file_that_is_half_written_is_named(morning, cut, d):
    path = part(morning, d)
    path.write_bytes(path.read_bytes()[:cut])
    line = one_line(herd(morning, status=2))
    assert f"day={day(d)}/part-00000.parquet: is no Parquet file, or was written only in part" in line


def test_pages_that_are_damaged_are_named(morning):
    path = part(morning)
    data = bytearray(path.read_bytes())
    data[4:2000] = bytes(1996)
    path.write_bytes(data)
    assert "part-00000.parquet: is no Parquet file, or was written only in part" in one_line(herd(morning, status=2))


def test_names_that_are_no_text_are_refused(morning):
    import pyarrow

    def changed(table):
        n = len(table)
        broken = pyarrow.array([b"\xff\xfe"] * n).view(pyarrow.string())
        return table.set_column(table.schema.get_field_index("device"), "device", broken)

    rewritten(part(morning), changed)
    assert "column device is no text in UTF-8" in one_line(herd(morning, status=2))


def test_events_of_another_form_are_named(morning):
    def changed(table):
        return table.set_column(table.schema.get_field_index("events"), "events", [[[7]] * len(table)])

    rewritten(part(morning), changed)
    assert "its events are no pairs of tick and event" in one_line(herd(morning, status=2))


def test_events_that_are_none_are_named(plan, tmp_path, in_alarm):
    rows = [device_day(plan, "cow1", day(0), **in_alarm, events=((1, b"no event"),))]
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    write_rows(tmp_path / "set", rows, facts_of(plan))
    line = one_line(herd(tmp_path / "set", status=2))
    assert "part-00000.parquet: device cow1: event: 8 bytes, not 16 or 11" in line


def test_a_data_set_of_another_plan_is_refused(morning, tmp_path):
    other = plan_with_ladder()
    other = replace(other, ladder=replace(other.ladder, day_ticks=11))
    anomsdk.write_plan(other, tmp_path / "other.json")
    assert "give the plan that the data set was made with" in one_line(
        herd(morning, plan=tmp_path / "other.json", status=2)
    )


def test_a_plan_without_a_ladder_reads_what_its_default_rungs_counted(plan, tmp_path, in_alarm):
    """The metadata names the plan, and the score_id under which its rows were counted."""
    bare = replace(plan, ladder=None)
    rows = [device_day(plan, "cow1", day(0), **in_alarm)]
    write_rows(tmp_path / "set", rows, replace(facts_of(plan), plan=bare.id))
    assert herd_day(tmp_path / "set", bare).share.in_alarm == 1
    write_rows(tmp_path / "other", rows, facts_of(plan))
    with pytest.raises(anomsdk.InputError, match="was counted with score_id"):
        herd_day(tmp_path / "other", bare)


def test_a_rung_that_the_data_set_has_not_is_named(plan, tmp_path):
    write_rows(tmp_path / "set", [device_day(plan, "cow1", day(0))], facts_of(plan))
    table = level_table(tmp_path / "t.csv", plan, [("cow1", "certified", 9)])
    with pytest.raises(anomsdk.InputError, match=r"part-00000\.parquet: has no column alarms_09"):
        herd_day(tmp_path / "set", plan, levels=read_levels(table, plan))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--day", "2026-13-01"], "--day: 2026-13-01 is no day; give YYYY-MM-DD"),
        (["--day", "2025-12-31"], "has no rows of 2025-12-31; its days are 2026-01-01 to 2026-01-04"),
        (["--before", 0], "--before: 0 days; give 1 to 366"),
        (["--before", 367], "--before: 367 days; give 1 to 366"),
        (["--out", "t.parquet"], "is written as .csv"),
        (["--out", "nowhere/t.csv"], "no such folder"),
    ],
)
def test_options_out_of_their_range_are_refused(morning, words, said):
    assert said in one_line(herd(morning, *words, status=2))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "no such folder; give the folder of a data set"),
        ("empty", "has no folder day=YYYY-MM-DD"),
        ("undated", "the day of its rows is not known"),
        ("odd", "day=20260101: is no day"),
        ("bare", "day=2026-01-01: has no rows"),
    ],
)
def test_a_folder_that_is_no_data_set_is_refused(plan, tmp_path, name, said):
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    for made in ("empty", "undated/day=__HIVE_DEFAULT_PARTITION__", "odd/day=20260101", "bare/day=2026-01-01"):
        (tmp_path / made).mkdir(parents=True)
    assert said in one_line(herd(tmp_path / name, status=2))


def test_nothing_is_written_where_the_data_set_is_refused(morning, tmp_path):
    part(morning).write_bytes(b"")
    herd(morning, "--out", tmp_path / "t.csv", status=2)
    assert not (tmp_path / "t.csv").exists()
    shutil.rmtree(morning / f"day={day(3)}")
    herd(morning, "--out", tmp_path / "t.csv")
    assert (tmp_path / "t.csv").exists()
