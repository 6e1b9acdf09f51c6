"""`anomsdk gather`: exports of devices into a data set that says what the exports say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomsdk.core.export import Export
from anomsdk.core.ladder import RungCounts
from anomsdk.datasets.gathering import gather_into
from anomsdk.datasets.life_journal import PERIOD, LifeJournal
from anomsdk.datasets.schema import rung_column
from anomsdk.errors import InputError
from anomsdk.herd.overview import herd_day
from anomsdk.herd.report_text import as_text
from anomsdk.plans.file import write_plan
from anomsdk.stats.budgets import Budget
from anomsdk.tune.calendar_days import CalendarDays
from anomsdk.tune.herd import tune
from anomsdk.tune.inputs import open_herd
from anomsdk.tune.ladders import merge
from anomsdk.tune.table import as_csv
from tests.support.command_line import anomsdk_command
from tests.support.herds import DAY, LEVELS, QUIET, export_of, plan_with_ladder, scores_of, write_exports

PLAN = plan_with_ladder()
BUDGETS = ("1 alarm-day/3d", "2 alarms/1d", "1 episode/5d")
FIRST = date(2026, 5, 1)
TAG = bytes.fromhex(PLAN.score_id[:16])


def place(day: int, name: str = "a", group: str = "") -> Path:
    folder = Path(f"group={group}") if group else Path()
    return folder / f"day={FIRST + timedelta(day)}" / f"{name}.ladder"


def rows_in(folder: Path) -> list[dict[str, object]]:
    import pyarrow.parquet as parquet

    found = []
    for path in sorted(folder.rglob("*.parquet")):
        found += [row | {"day": path.parent.name} for row in parquet.ParquetFile(path).read().to_pylist()]
    return found


def gathered(tmp_path: Path, *, skip: list[str] | None = None, out: str = "out") -> Path:
    gather_into(PLAN, [tmp_path / "in"], tmp_path / out, on_bad=None if skip is None else skip.append)
    return tmp_path / out


# ---- the data set says what the exports say


@st.composite
def herds(draw):
    """Exports of real ladders by day: from the first tick, differences of any earlier export, both, and copies."""
    found: list[tuple[int, str, str, Export]] = []
    for device in range(1, draw(st.integers(1, 3)) + 1):
        group = draw(st.sampled_from(["", "north"]))
        day = draw(st.integers(0, 2))
        for boot in draw(st.permutations([1, 2]))[: draw(st.integers(1, 2))]:
            length = draw(st.integers(1, 90))
            scores = np.array(
                draw(st.lists(st.sampled_from([QUIET, QUIET, 60, 500]), min_size=length, max_size=length))
            )
            scores = scores.astype(np.uint32)
            ends = sorted(draw(st.sets(st.integers(0, length), min_size=1, max_size=6)))
            kept = [0]  # ends of exports at which differences may begin
            for end in ends:
                day += draw(st.integers(0, 2))
                for _ in range(draw(st.integers(1, 2))):
                    since = draw(st.sampled_from(kept))
                    # a difference may not begin within an earlier one
                    export = export_of(PLAN, scores[:end], device, boot=boot, since=since)
                    found.append((day, draw(st.sampled_from("ab")), group, export))
                    kept = [each for each in kept if each <= since] if since else [0]
                kept.append(end)
            day += 1
    return found


def written(folder: Path, herd: list[tuple[int, str, str, Export]]) -> None:
    files: dict[Path, list[Export]] = {}
    for day, name, group, export in herd:
        files.setdefault(folder / "in" / place(day, name, group), []).append(export)
    for path, exports in files.items():
        write_exports(path, *exports)


def is_valid(herd: list[tuple[int, str, str, Export]]) -> bool:
    try:
        merge([export for *_, export in herd])
    except InputError:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(herds(), st.data())
def test_levels_and_calendar_days_of_the_data_set_are_those_of_the_exports(herd, data):
    if not is_valid(herd) or not any(export.ticks for *_, export in herd):
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        written(folder, herd)
        # in one run, or in two
        cut = data.draw(st.integers(0, max(day for day, *_ in herd) + 1))
        days = sorted({(folder / "in" / place(day, n, group)).parent for day, n, group, _ in herd})
        early = [path for path in days if path.name < place(cut).parent.name]
        if early and len(early) < len(days):
            gather_into(PLAN, early, folder / "out")
        gather_into(PLAN, [folder / "in"], folder / "out")
        for text in BUDGETS:
            budget = Budget.parse(text)
            of_exports, of_data = (open_herd(PLAN, [folder / each], budget) for each in ("in", "out"))
            assert as_csv(tune(of_data, budget)) == as_csv(tune(of_exports, budget))
        a, b = (CalendarDays.known(each) for each in (of_exports, of_data))
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            assert a.days == b.days
            assert (a.devices == b.devices).all() and (a.alarms == b.alarms).all()


def test_all_counts_of_a_device_add_up_to_the_merged_ladder(tmp_path):
    scores = scores_of(6, {1: 120, 3: 500})
    whole = [export_of(PLAN, scores[: n * DAY], 7) for n in (1, 2, 4, 6)]
    for day, export in enumerate(whole):
        write_exports(tmp_path / "in" / place(day), export)
    rows = rows_in(gathered(tmp_path))
    assert [(row["first"], row["service_ticks"], row["boot"]) for row in rows] == [
        (0, 10, 1),
        (10, 10, 1),
        (20, 20, 1),
        (40, 20, 1),
    ]
    merged = merge(whole)[7]
    for rung in range(len(LEVELS)):
        for count, name in (("alarm_ticks", "ticks"), ("alarms", "alarms"), ("alarm_days", "days"), ("at_risk",) * 2):
            total = sum(row[rung_column(count, rung + 1)] for row in rows)
            assert total == getattr(merged.counts[rung], name)


def test_a_difference_that_begins_within_others_asks_the_journal_of_an_earlier_run(tmp_path):
    """Differences of a day, and then one of all days since the third: it takes the place of those within it."""
    scores = scores_of(8, {0: 500, 2: 120, 4: 500, 6: 160})
    for day in range(6):
        export = export_of(PLAN, scores[: (day + 1) * DAY], 7, since=day * DAY)
        write_exports(tmp_path / "in" / place(day), export)
    gathered(tmp_path)
    write_exports(tmp_path / "in" / place(6), export_of(PLAN, scores, 7, since=3 * DAY))
    out = gathered(tmp_path)
    rows = rows_in(out)
    assert sum(row["service_ticks"] for row in rows) == 8 * DAY
    assert sum(row["alarms_01"] for row in rows) == 4
    assert rows[-1]["first"] == 6 * DAY and rows[-1]["boot"] == 1
    # one that begins within a difference overlaps it in part
    write_exports(tmp_path / "in" / place(7), export_of(PLAN, scores_of(9, {}), 7, since=2 * DAY + 5))
    with pytest.raises(InputError, match=r"day=2026-05-07.a.ladder and .*day=2026-05-08.a.ladder.* overlap"):
        gathered(tmp_path)


def test_saturated_counts_stay_65535(tmp_path):
    def export(last: int, alarms: int) -> Export:
        counts = (RungCounts(min(alarms, last), alarms, 1, 1, 1),) * len(LEVELS)
        return Export(7, 1, TAG, 0, 0, 0, 0, last, last // DAY, 3, counts)

    for day, (last, alarms) in enumerate([(100_000, 65_000), (200_000, 65_535), (300_000, 65_535)]):
        write_exports(tmp_path / "in" / place(day), export(last, alarms))
    out = gathered(tmp_path)
    assert sum(row["alarms_01"] for row in rows_in(out)) == 65_535
    budget = Budget.parse("1 alarm/1d")
    assert as_csv(tune(open_herd(PLAN, [out], budget), budget)) == as_csv(
        tune(open_herd(PLAN, [tmp_path / "in"], budget), budget)
    )


# ---- the level in force


@pytest.mark.parametrize(("tag", "rung"), [(0, 1), (1, 0), (6, 5)])
def test_alarms_of_a_row_are_those_of_the_rung_in_force(tmp_path, tag, rung):
    """The plan's own level takes the highest rung at or below it."""
    assert LEVELS[1] <= PLAN.levels.raise_score < LEVELS[2]
    counts = tuple(RungCounts(10 - i, 6 - i, 1, 1, 1) for i in range(6))
    write_exports(tmp_path / "in" / place(0), Export(7, 1, TAG, 0, tag, 0, 0, 20, 2, 3, counts))
    (row,) = rows_in(gathered(tmp_path))
    assert (row["alarm_ticks"], row["alarms"], row["level_tag"]) == (10 - rung, 6 - rung, tag)
    assert row["coverage"] == 1.0


# ---- what cannot be used


WHOLE = export_of(PLAN, scores_of(4, {1: 500}), 7)
BAD = {
    "overlap": ([WHOLE], [replace(WHOLE, first=30, last=60)], "a.ladder and .*: device 7, boot 1: .*overlap"),
    "clock": ([WHOLE], [replace(WHOLE, last=20, days=2)], "a.ladder and .*: .*a clock that goes backwards"),
    "fewer": ([WHOLE], [replace(WHOLE, last=60, counts=(RungCounts(),) * 6)], "a.ladder and .*count less"),
    "other": ([WHOLE], [replace(WHOLE, counts=(RungCounts(),) * 6)], "a.ladder and .*differ"),
    "same day": (
        [WHOLE, replace(WHOLE, counts=(RungCounts(),) * 6)],
        [],
        r"\(export 1\) and .*\(export 2\).*differ; two devices",
    ),
    "same day overlap": ([WHOLE, replace(WHOLE, first=30, last=60)], [], r"export 1\) and .*overlap"),
    "impossible": ([replace(WHOLE, counts=(RungCounts(99, 1, 1, 1, 1),) * 6)], [], "more ticks in alarm than ticks"),
}


@pytest.mark.parametrize("case", BAD)
def test_exports_that_contradict_one_another_are_named_and_can_be_left_out(tmp_path, case):
    first, second, words = BAD[case]
    other = export_of(PLAN, scores_of(4, {}), 8)
    write_exports(tmp_path / "in" / place(0), *first)
    write_exports(tmp_path / "in" / place(1), *second, other)
    with pytest.raises(InputError, match=words):
        gathered(tmp_path)
    lines: list[str] = []
    rows = rows_in(gathered(tmp_path, skip=lines))
    assert len(lines) == 1
    assert [row["device"] for row in rows] == (["7"] if second else []) + ["8"]
    # a good export of a later day goes on
    write_exports(tmp_path / "in" / place(2), export_of(PLAN, scores_of(8, {1: 500}), 7))
    rows = rows_in(gathered(tmp_path, skip=lines))
    assert sum(row["service_ticks"] for row in rows if row["device"] == "7") == 8 * DAY


def test_torn_exports_and_folders_that_are_no_day_are_named_and_can_be_left_out(tmp_path):
    good = [export_of(PLAN, scores_of(4, {}), device) for device in (1, 2, 3)]
    path = write_exports(tmp_path / "in" / place(0), *good)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    write_exports(tmp_path / "in" / "day=2026-13-01" / "b.ladder", good[0])
    write_exports(tmp_path / "in" / "c.ladder", good[0])
    write_exports(tmp_path / "in" / place(1, "d")).write_bytes(b"")
    write_exports(tmp_path / "in" / place(1, "e"), good[0]).write_bytes(bytes(good[0])[:-1])
    with pytest.raises(InputError):
        gathered(tmp_path)
    lines: list[str] = []
    rows = rows_in(gathered(tmp_path, skip=lines))
    assert [row["device"] for row in rows] == ["1", "3"]
    said = "\n".join(lines)
    for words in ("a.ladder (export 2): export: torn", "2026-13-01 is no day", "c.ladder: no folder", "d.ladder: is"):
        assert words in said
    assert len(lines) == 5


def test_other_plans_changed_folders_and_late_days_are_refused(tmp_path):
    write_exports(tmp_path / "in" / place(3), WHOLE)
    out = gathered(tmp_path)
    write_exports(tmp_path / "late" / place(2), export_of(PLAN, scores_of(4, {}), 8))
    with pytest.raises(InputError, match="up to 2026-05-04 were gathered before"):
        gather_into(PLAN, [tmp_path / "late"], out)
    write_exports(tmp_path / "other" / place(5), replace(WHOLE, score_tag=b"12345678"))
    with pytest.raises(InputError, match="score_id 3132333435363738, and the plan's is"):
        gather_into(PLAN, [tmp_path / "other"], out)
    with pytest.raises(InputError, match="has no ladder"):
        gather_into(replace(PLAN, ladder=None), [tmp_path / "in"], tmp_path / "new")
    for nothing in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError):
            gather_into(PLAN, [nothing / "x"], tmp_path / "new")
    write_exports(tmp_path / "in" / place(3, "b"), WHOLE)
    with pytest.raises(InputError, match="has changed since it was gathered"):
        gathered(tmp_path)


def test_a_device_in_two_groups_is_refused(tmp_path):
    write_exports(tmp_path / "in" / place(0, group="north"), WHOLE)
    write_exports(tmp_path / "in" / place(1, group="south"), WHOLE)
    with pytest.raises(InputError, match="two groups"):
        gathered(tmp_path)


def test_a_stopped_run_goes_on_and_gives_the_same_rows(tmp_path, monkeypatch):
    scores = scores_of(6, {1: 120, 3: 500})
    for day in range(6):
        exports = [
            export_of(PLAN, scores[: (day + 1) * DAY], device, since=day * DAY * (device % 2)) for device in (1, 2)
        ]
        write_exports(tmp_path / "in" / place(day), *exports)
    wanted = rows_in(gathered(tmp_path, out="whole"))
    from anomsdk.datasets import gathering

    monkeypatch.setattr(gathering, "_EVERY_S", -1.0)  # commit every day
    real, left = gathering.gathered_table, [4]

    def failing(*args):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(gathering, "gathered_table", failing)
    with pytest.raises(KeyboardInterrupt):
        gathered(tmp_path)
    assert len(rows_in(tmp_path / "out")) == 8
    monkeypatch.setattr(gathering, "gathered_table", real)
    assert rows_in(gathered(tmp_path)) == wanted
    assert len(list((tmp_path / "out" / "_commits").glob("*.lives"))) == 1


def test_the_command_says_what_it_wrote(tmp_path):
    write_plan(PLAN, tmp_path / "plan.json")
    write_exports(tmp_path / "in" / place(0, group="north"), WHOLE)
    write_exports(tmp_path / "in" / place(1, group="north"), export_of(PLAN, scores_of(8, {1: 500}), 7))
    done = anomsdk_command("gather", tmp_path / "in", "--plan", tmp_path / "plan.json", "--out", tmp_path / "out")
    assert done.status == 0, done.stderr
    assert "1 device, 2 device days of 2 days in 2 files" in done.stdout
    found = sorted((tmp_path / "out").rglob("*.parquet"))
    assert [path.parent.relative_to(tmp_path / "out").as_posix() for path in found] == [
        "group=north/day=2026-05-01",
        "group=north/day=2026-05-02",
    ]
    budget = Budget.parse("1 alarm-day/3d")
    assert open_herd(PLAN, [tmp_path / "out"], budget).groups == {7: "north"}


def test_the_list_of_a_day_says_what_exports_do_not_tell(tmp_path):
    """Devices of all groups are in it; nothing is made of scores and technical alarms that no export holds."""
    for day in range(3):
        for device, group in ((1, "north"), (2, "south"), (3, "south")):
            if device == 3 and day < 2:
                continue  # first read on the last day: its service is older
            scores = scores_of(3, {2: 500} if device != 2 else {})
            export = export_of(PLAN, scores[: (day + 1) * DAY], device)
            write_exports(tmp_path / "in" / place(day, str(device), group), export)
    found = herd_day(gathered(tmp_path), PLAN)
    assert [each.device for each in found.look_at] == ["1", "3"] and found.share.devices == 3
    assert {(each.factor, each.rank, each.alerts) for each in found.look_at} == {(None, None, 1)}
    text = as_text(found)
    assert "no technical alarm" not in text and "exports of ladders do not tell" in text
    assert "more than 24 hours of service since a device was read before" in text and "count twice" not in text


def test_a_row_of_a_smaller_boot_after_a_larger_one_has_no_boot_and_is_counted(tmp_path):
    for day, boot in enumerate((2, 1, 2)):
        write_exports(tmp_path / "in" / place(day), export_of(PLAN, scores_of(day + 1, {}), 7, boot=boot))
    out = gathered(tmp_path)
    assert [(row["boot"], row["first"], row["service_ticks"]) for row in rows_in(out)] == [
        (2, 0, 10),
        (None, 0, 20),
        (2, 10, 20),
    ]
    assert open_herd(PLAN, [out], Budget.parse("1 alarm-day/3d")).ladders[7].ticks == 5 * DAY


def test_first_service_of_more_than_a_day_counts_on_no_calendar_day(tmp_path):
    for day in (4, 5):
        write_exports(tmp_path / "in" / place(day), export_of(PLAN, scores_of(day, {1: 500}), 7))
    budget = Budget.parse("1 alarm-day/3d")
    for source in (tmp_path / "in", gathered(tmp_path)):
        days = CalendarDays(open_herd(PLAN, [source], budget))
        assert (days.days, days.alarms.sum()) == ([FIRST + timedelta(5)], 0)


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_period_that_a_longer_one_has_replaced_is_not_counted_again(tmp_path, on_disk):
    journal = LifeJournal()
    journal.add(np.array([(7, 1, 0, 10), (7, 1, 10, 20), (8, 1, 0, 20)], PERIOD), np.array([[1], [2], [90]], np.uint32))
    journal.add(np.array([(7, 1, 0, 20)], PERIOD), np.array([[5]], np.uint32))
    if on_disk:
        files = [tmp_path / f"{at}.journal" for at in range(2)]
        for file, block in zip(files, journal.pending, strict=True):
            file.write_bytes(block)
        journal = LifeJournal(files)
    lives = np.array([7], np.uint64), np.array([1], np.uint16)
    served, counts, over = journal.before(*lives, np.array([20]), np.array([30]), 1)
    assert (served.tolist(), counts.tolist(), over.tolist()) == ([20], [[5]], [False])
    served, counts, over = journal.before(*lives, np.array([15]), np.array([30]), 1)
    assert over.tolist() == [True], "the longer period reaches over the tick"
