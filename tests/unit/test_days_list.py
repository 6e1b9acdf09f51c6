"""List of a day: alarms are those of pipelines, a run on new rows gives the same list, and every device has its place."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

import anomsdk
from anomsdk.core.days import MISSING
from anomsdk.core.event import State
from anomsdk.demo.days import OFF_SLOT
from anomsdk.errors import InputError
from anomsdk.herd.days import days_list
from anomsdk.herd.days.diaries import read_diaries
from anomsdk.herd.days.judgement import judge
from anomsdk.herd.days.report_html import as_html
from anomsdk.herd.days.report_text import as_text
from anomsdk.herd.days.table import as_csv
from anomsdk.synthetic.herd_days import less, shifted
from tests.support.herd_of_days import TODAY, days_of, herd, rows_of, small_plan, write_csv, write_folder, write_parquet

pytest.importorskip("pyarrow")
ENGINE = None


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return small_plan(tmp_path_factory.mktemp("days") / "plan")


@pytest.fixture(scope="module")
def animals():
    off, zeros, lost = days_of(3).copy(), days_of(4).copy(), days_of(5)[:14]
    off[14, OFF_SLOT:] = 0
    zeros[8:] = 0
    return herd(
        3,
        **{"<b>less": np.rint(less(days_of(6) * 1.0, 0.6, first=14, slot=10)).astype(np.int16)},
        late=shifted(days_of(7), 5, first=14).astype(np.int16),
        off=off,
        zeros=zeros,
        silent=lost,
        long=np.rint(less(days_of(8) * 1.0, 0.7, first=13)).astype(np.int16),
    )


@pytest.fixture(scope="module")
def rows(animals):
    found = [(name, *row) for name, days in animals.items() for row in rows_of(days)]
    found += [("young", *row) for row in rows_of(days_of(9)[:3], TODAY - timedelta(days=2))]
    found += [("twice", time, value + add) for add in (0, 5) for time, value in rows_of(days_of(10))]
    return found


@pytest.fixture(scope="module")
def listed(tmp_path_factory, plan, rows):
    return days_list(
        write_parquet(tmp_path_factory.mktemp("rows") / "a.parquet", rows), plan, TODAY, common_share=0.6, engine=ENGINE
    )


def test_alarms_and_scores_are_those_of_a_pipeline(plan, animals, listed):
    changed = {each.device: each for each in listed.changed}
    for name, days in animals.items():
        own = days.reshape(-1, 1)
        with anomsdk.Pipeline(plan, "reference") as pipeline:
            state, days_in_alarm, highest = State.NORMAL, set(), 0
            for slot in range(15 * 24):
                row = own[slot : slot + 1] if slot < len(own) else np.full((1, 1), MISSING, np.int16)
                for result in pipeline.process(row):
                    for event in result.events:
                        state = event.state
                    if slot >= 14 * 24 and result.judged:
                        highest = max(highest, result.score)
                if state == State.UNACK_ALARM:
                    days_in_alarm.add(slot // 24)
        assert (name in changed) == (14 in days_in_alarm), name
        if name in changed:
            assert changed[name].alarm_days_before == len(days_in_alarm - {14})
            assert changed[name].is_new == (13 not in days_in_alarm)
            assert changed[name].factor == highest / plan.levels.raise_score


def test_slots_of_an_animal_count_from_midnight(tmp_path, plan):
    rows = days_of(1).ravel()[34:]
    write_csv(tmp_path / "cow.csv", rows_of(days_of(1))[34:])
    found = judge(read_diaries(tmp_path, plan, TODAY, 14))
    padded = np.concatenate([np.full(10, MISSING, np.int16), rows]).reshape(-1, 1)
    assert found[0].highest == int(anomsdk.score(plan, padded)[-24:].max())
    assert found[0].highest != int(anomsdk.score(plan, padded[10:])[-24:].max()), "of other days"


def test_every_change_is_named_and_new_ones_come_first(listed):
    words = {each.device: "; ".join(each.changes) for each in listed.changed}
    assert re.search(r"moved \d\d % less than in the last 14 days, since 1\d:00", words["<b>less"])
    assert "rhythm 5 h later" in words["late"]
    new = [each.is_new for each in listed.changed]
    assert new == sorted(new, reverse=True)
    assert [each.device for each in listed.changed if not each.is_new] == ["long"]
    assert {"cow0", "cow1"}.isdisjoint(words)


def test_devices_that_are_not_judged_stand_apart(listed):
    quiet = {each.device: (each.why, each.number) for each in listed.quiet}
    assert quiet == {
        "silent": ("silent", 1),
        "off": ("off the body", 24 - OFF_SLOT),
        "zeros": ("off the body", 24),
        "young": ("learning", 3),
        "twice": ("two rows for a slot", 360),
    }
    assert "zeros" not in {each.device for each in listed.changed if each.is_new}


def test_an_animal_stands_beside_its_herd(listed):
    most = next(each for each in listed.changed if each.device == "long")
    assert (most.rank, round(most.change, 1)) == (1, -0.7)
    assert listed.common == ()
    assert abs(listed.herd_change) < 0.15


def test_runs_on_new_rows_give_the_list_of_a_run_on_all_rows(tmp_path, plan, rows, listed):
    state = tmp_path / "state"
    for day in range(3):
        last = TODAY - timedelta(days=2 - day)
        new = [row for row in rows if (row[1].date() <= last if day == 0 else row[1].date() == last)]
        found = days_list(
            write_parquet(tmp_path / "new.parquet", new), plan, last, state=state, common_share=0.6, engine=ENGINE
        )
        assert [each.name for each in state.iterdir()] == ["rows.parquet"]
    assert as_text(found) == as_text(listed).replace("360 rows differ", "24 rows differ")
    assert as_html(found).count("<article") == len(listed.changed)


def test_rows_of_another_plan_and_damaged_ones_are_refused(tmp_path, plan, rows, plans):
    place = tmp_path / "state" / "rows.parquet"
    table = write_parquet(tmp_path / "a.parquet", [row for row in rows if row[0] == "cow0"])
    days_list(table, plan, TODAY, state=place.parent, engine=ENGINE)
    kept = place.read_bytes()
    import pyarrow as pa
    from pyarrow import parquet as pq

    stored = pq.read_table(place)
    other = {**stored.schema.metadata, b"score_id": b"00", b"plan": b"goats"}
    pq.write_table(stored.replace_schema_metadata(other), place)
    with pytest.raises(InputError, match="is of the plan goats with another score_id"):
        days_list(table, plan, TODAY, state=place.parent, engine=ENGINE)
    pq.write_table(pa.table({"device": ["a"]}), place)
    with pytest.raises(InputError, match="holds no rows that `state` wrote"):
        days_list(table, plan, TODAY, state=place.parent, engine=ENGINE)
    place.write_bytes(kept[:-50])
    with pytest.raises(InputError, match="is damaged"):
        days_list(table, plan, TODAY, state=place.parent, engine=ENGINE)
    assert place.read_bytes() == kept[:-50], "a refused run changes nothing"


def test_a_herd_that_moves_less_together_is_one_line_and_each_alarm_is_marked(tmp_path, plan):
    animals = {f"cow{each}": np.rint(less(days_of(each) * 1.0, 0.6, first=14)).astype(np.int16) for each in range(6)}
    animals["calm"] = days_of(6)
    found = days_list(write_folder(tmp_path / "rows", animals), plan, TODAY, engine=ENGINE)
    assert {each.kind: (each.animals, each.judged) for each in found.common}["less"] == (6, 7)
    assert len(found.changed) >= 5
    assert all(each.is_common for each in found.changed)
    text = as_text(found)
    assert text.count("common-mode day") == 1
    assert f"shared by the herd, {len(found.changed)} animals" in text
    rare = days_list(tmp_path / "rows", plan, TODAY, common_share=0.9, engine=ENGINE)
    assert rare.common == ()
    assert not any(each.is_common for each in rare.changed)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.names = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "xlink:href", "onload", "onclick")]


def test_the_page_runs_and_loads_nothing_and_fits_a_phone(listed):
    text = as_html(listed)
    page = Page(text)
    assert page.links == []
    assert {"script", "img", "link", "iframe", "b>less"}.isdisjoint(page.tags)
    assert "url(" not in text
    assert "://" not in text
    assert 'name="viewport" content="width=device-width' in text
    assert page.tags.count("svg") == 2 * page.tags.count("article") == 2 * len(listed.changed)
    assert "&lt;b&gt;less" in text
    assert "nan" not in re.sub(r"[a-z]*nan[a-z]+", "", text.lower())


def test_the_table_has_every_animal_and_runs_no_formula(tmp_path, plan, listed):
    found = list(csv.DictReader(io.StringIO(as_csv(listed).decode())))
    assert len(found) == len(listed.changed) + len(listed.quiet)
    less_row = next(row for row in found if row["device"] == "<b>less")
    assert -0.6 < float(less_row["change"]) < -0.2
    write_csv(tmp_path / "=1+1.csv", rows_of(days_of(0)[:2]))
    odd = days_list(tmp_path, plan, TODAY, engine=ENGINE)
    assert "'=1+1" in as_csv(odd).decode()


def test_the_command_writes_all_and_says_what_is_wrong_in_one_line(tmp_path, plan, cli):
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    (tmp_path / "rows").mkdir()
    write_csv(tmp_path / "rows" / "cow.csv", rows_of(days_of(0)[:3]))
    run = ("days", "--devices", tmp_path / "rows", "--plan", tmp_path / "plan.json")
    out = ("--csv", tmp_path / "a.csv", "--html", tmp_path / "a.html")
    done = cli(*run, "--today", "2026-05-03", *out)
    assert done.status == 0, done.err
    assert "- cow: learning, 3 of 7 days" in done.out
    assert (tmp_path / "a.csv").exists()
    assert (tmp_path / "a.html").exists()
    for path in (tmp_path / "a.csv", tmp_path / "a.html"):
        path.unlink()
    for words, expected in (
        (("--today", "3 May"), "is no day"),
        (("--today", "2026-05-03", "--common-share", "0"), "--common-share"),
        (("--today", "2027-05-03"), "no row of"),
        (("--today", "2026-05-03", "--html", tmp_path / "a.txt"), "give a name that ends so"),
        (("--today", "2026-05-03", "--csv", tmp_path / "no" / "a.csv"), "no such folder"),
    ):
        failed = cli(*run, *out, *words)
        assert failed.status == 2
        assert expected in failed.err
        assert failed.err.count("\n") == 1
        assert not (tmp_path / "a.csv").exists()
        assert not (tmp_path / "a.html").exists()
