"""`evaluate` on days: alarm-days, generated changes, labelled events, and their reports, on a generated herd."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import numpy as np
import pytest
from typer.testing import CliRunner

import anomsdk
from anomsdk import PipelineSpec
from anomsdk.cli.app import app
from anomsdk.errors import InputError
from anomsdk.evaluate import AnimalRows, DayEvent, day_evaluation, day_report, day_scores, evaluate_days, read_labels
from anomsdk.evaluate.day_clips import animal_rows
from anomsdk.sources.clips import clip_from_array
from anomsdk.stats.budgets import Budget
from anomsdk.synthetic.days import CHANGES
from anomsdk.synthetic.herd_days import generated_herd
from anomsdk.tune.herd import tune
from anomsdk.tune.inputs import open_herd
from tests.support.make import make_plan

SPEC = {
    "format": 1,
    "name": "herd",
    "sensor": {"kind": "diary", "slot_s": 3600, "columns": [{"name": "activity", "largest": 16383}]},
    "features": {"kind": "days"},
    "context": {"kind": "stack", "frames": 1},
    "alert": {"m": 2, "n": 3, "off_delay_s": 3600, "cooldown_s": 0, "high_ratio": 0},
    "ladder": {"budgets": ["1 episode/30d"], "episode_gap_days": 2},
}
START = datetime(2024, 5, 1, tzinfo=timezone.utc).timestamp()
KINDS = {name: CHANGES[name] for name in ("less_50", "shifted_4h", "decline_7d")}


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    herd = generated_herd(4, 12, seed=5)
    out = tmp_path_factory.mktemp("days") / "herd"
    return anomsdk.train.fit(
        PipelineSpec.from_dict(SPEC), [rows for _, rows in herd], groups=[name for name, _ in herd], out=out
    )


@pytest.fixture(scope="module")
def animals():
    """Three animals of another herd; the second moves half as much on two days."""
    herd = [AnimalRows(name, rows.copy(), START) for name, rows in generated_herd(3, 15, seed=77)]
    odd = herd[1].rows[10 * 24 : 12 * 24]
    odd[:] = np.where(odd == -32768, odd, odd // 2)
    return herd


@pytest.fixture(scope="module")
def found(plan, animals):
    events = [
        DayEvent("animal 02", "illness", START + 11.5 * 86_400),
        DayEvent("animal 03", "illness", START + 2 * 86_400),
    ]
    return evaluate_days(plan, animals, events=events, changes=KINDS, engine="reference", most_changed=5)


def test_changed_days_score_as_a_stream_with_the_same_rows(plan, animals):
    """Catches a copy of a pipeline that shares rows with it, or lacks some."""
    rng = np.random.default_rng(3)
    made = list(day_scores.changed_days(plan, animals[0], [CHANGES["shifted_4h"], CHANGES["decline_7d"]], rng))
    again, checked = np.random.default_rng(3), set()
    for each in made:
        change, first = CHANGES[each.kind], each.day - CHANGES[each.kind].days + 1
        part = slice(first * 24, (each.day + 1) * 24)
        rows = animals[0].rows.copy()
        usual = day_scores.usual_day(rows[: part.start], 24)
        rows[part] = change.put(rows[part], usual, again)
        days = day_scores.judged_days(plan, AnimalRows("x", rows[: part.stop]), "reference")
        assert days[-1].day == each.day and days[-1].score == each.score
        assert any(day.in_alarm for day in days if day.day >= first) == each.found
        checked.add(each.kind)
    assert checked == {"shifted_4h", "decline_7d"}
    assert len({each.score for each in made}) > len(made) / 2


def test_alarm_days_are_those_of_a_pipeline(plan, animals, found):
    counts = {each.name: each for each in found.animals}
    for each in animals:
        stands, days, judged = False, set(), set()
        with anomsdk.Pipeline(plan, "reference") as pipeline:
            for result in pipeline.process(each.rows):
                stands = any(event.raised for event in result.events) or stands
                if stands:
                    days.add(result.hop // 24)
                stands = stands and not any(event.cleared for event in result.events)
                judged |= {result.hop // 24} if result.judged else set()
        assert (counts[each.name].judged, counts[each.name].alarm_days) == (len(judged), len(days))
    assert counts["animal 02"].alarm_days >= 2
    total = sum(each.alarm_days for each in found.animals)
    judged = sum(each.judged for each in found.animals)
    assert found.per_1000.value == pytest.approx(1000 * total / judged)
    assert found.per_1000.low < found.per_1000.value < found.per_1000.high


@pytest.mark.parametrize(("alarms", "episodes"), [([1, 2, 3], 1), ([1, 4], 1), ([1, 5], 2), ([], 0), ([0, 3, 7], 2)])
def test_episodes_begin_after_quiet_days(alarms, episodes):
    days = [day_scores.AnimalDay("a", day, 0, day in alarms, ()) for day in range(9)]
    assert day_evaluation._episodes(days, 3) == episodes


def test_kinds_are_counted_and_a_halved_day_is_found(found):
    kinds = {each.name: each for each in found.kinds}
    assert set(kinds) == set(KINDS)
    half = kinds["less_50"]
    assert half.n >= 5 and half.n_found / half.n == half.found.value and half.auc.value > 0.9
    assert kinds["decline_7d"].n < half.n
    assert found.n_changed_animals >= 1 and found.episode_gap == 2


def test_lead_times_are_hours_from_the_first_alarm_to_the_event(plan, animals):
    """The alarm of slot 250 is known 251 hours after the start; those of slots 160 and 300 are too far from the event."""
    raised = {6: (160,), 10: (250, 255), 12: (300,)}
    days = {
        "animal 02": [day_scores.AnimalDay("animal 02", day, 0, False, raised.get(day, ())) for day in range(6, 17)]
    }
    for at_h, lead_h in ((251 + 30, 30), (251 - 12, -12), (251 + 72, 72)):
        events = [DayEvent("animal 02", "illness", START + at_h * 3600)]
        (illness,) = day_evaluation.lead_times(plan, animals, days, events, 0).labels
        assert illness.n_found == 1 and illness.lead_h.value == pytest.approx(lead_h)
    missed = [DayEvent("animal 02", "illness", START + (251 - 26) * 3600)]
    days["animal 02"] = [day for day in days["animal 02"] if day.day != 6]
    (illness,) = day_evaluation.lead_times(plan, animals, days, missed, 0).labels
    assert (illness.n, illness.n_found, illness.lead_h.value) == (1, 0, None)


def test_events_without_a_judged_day_are_said(found):
    assert found.leads.n_unjudged == 1
    (illness,) = found.leads.labels
    assert (illness.label, illness.n, illness.n_found) == ("illness", 1, 1)


def test_reports_say_that_changes_are_generated(found):
    text, page = day_report.as_text(found), day_report.as_html(found)
    for words in ("nobody labelled an illness", "50 % less", "illness", "in 1,000"):
        assert words in text and words in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    values = json.loads(json.dumps(day_report.as_json(found), allow_nan=False))
    assert values["alarm_days_per_1000"]["value"] == found.per_1000.value
    assert values["changes"]["less_50"]["n"] == found.kinds[0].n
    assert values["labels"]["illness"]["n"] == 1 and values["changes_are"] == day_report.GENERATED
    assert [each["name"] for each in values["animals"]] == ["animal 01", "animal 02", "animal 03"]


def test_without_labels_and_changes_the_report_says_so(plan, animals):
    found = evaluate_days(plan, animals[:1], engine="reference", most_changed=0)
    assert found.kinds == () and found.leads is None
    assert "no change was put in" in day_report.as_text(found)
    assert day_report.as_json(found)["labels"] is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "there is no animal"),
        ([AnimalRows("a", np.zeros((24, 1), np.int16))], "no animal has a judged day; give more than 7 days"),
        ([AnimalRows("a", np.zeros((24, 2), np.int16))], "the plan takes int16 with 1 column"),
        ([AnimalRows("a", np.zeros((24, 1), np.int16))] * 2, "occur twice, e.g. a"),
    ],
)
def test_bad_rows_are_one_clear_line(plan, given, message):
    with pytest.raises(InputError, match=message):
        evaluate_days(plan, given, engine="reference")


def test_a_plan_without_days_and_unknown_animals_are_refused(tmp_path, plan, animals):
    with pytest.raises(InputError, match="no days; give a plan of a diary"):
        evaluate_days(make_plan(tmp_path, "logmel"), animals)
    events = [DayEvent("Berta", "oestrus", START)]
    with pytest.raises(InputError, match="`labels`: no rows of Berta"):
        evaluate_days(plan, animals[:1], events=events, engine="reference", most_changed=0)
    timeless = [AnimalRows("Berta", animals[0].rows)]
    with pytest.raises(InputError, match="the rows of Berta have no time"):
        evaluate_days(plan, timeless, events=events, engine="reference", most_changed=0)


def test_labels_are_read(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("animal,label,start,note\nBerta,oestrus,2024-05-01T06:00,x\nAda,calving,86400,\nAda,none,,\n")
    assert read_labels(path) == [DayEvent("Berta", "oestrus", START + 6 * 3600), DayEvent("Ada", "calving", 86400.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("animal,start\n", "no column label"),
        ("animal,label,start\na,b,soon\n", "line 2: 'soon' is no time"),
        ("animal,label,start\na,b,nan\n", "is no time"),
    ],
)
def test_bad_labels_are_one_clear_line(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_labels(path)


def diary_clip(name, group, rows):
    return clip_from_array(name, group, rows, kind="external", rate_hz=1 / 3600)


def test_animals_bear_the_names_of_their_groups(animals):
    clips = [diary_clip(f"f[{n}]", each.name, each.rows) for n, each in enumerate(animals)]
    read = animal_rows(clips)
    assert [each.name for each in read] == ["animal 01", "animal 02", "animal 03"]
    assert all((a.rows == b.rows).all() for a, b in zip(read, animals, strict=True))
    same = [diary_clip(f"f[{n}]", "barn", each.rows) for n, each in enumerate(animals)]
    assert [each.name for each in animal_rows(same)] == ["f[0]", "f[1]", "f[2]"]
    alone = [diary_clip(f"f[{n}]", f"barn/f[{n}]", each.rows) for n, each in enumerate(animals)]
    assert [each.name for each in animal_rows(alone)] == ["f[0]", "f[1]", "f[2]"]


@pytest.fixture
def herd_file(tmp_path, animals):
    """Write the first animal and the second as an .npz of days."""
    rows = [np.where(each.rows == -32768, -1, each.rows).astype(np.int32) for each in animals[:2]]
    path = tmp_path / "herd.npz"
    np.savez(
        path,
        x=np.concatenate(rows),
        offsets=np.cumsum([0, *map(len, rows)]),
        step_s=3600,
        t0=np.full(2, int(START)),
        columns=np.array(["activity"]),
        subject=np.array(["Ada", "Berta"]),
    )
    return path


def test_the_command_evaluates_days(tmp_path, monkeypatch, plan, animals, herd_file):
    monkeypatch.setattr(day_evaluation, "MOST_CHANGED", 0)
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    page, labels = tmp_path / "page.html", tmp_path / "labels.csv"
    labels.write_text("animal,label,start\nBerta,oestrus,2024-05-12T12:00\n")
    command = ["evaluate", "--plan", str(tmp_path / "plan.json"), "--normal", str(herd_file)]
    more = ["--engine", "reference", "--group", "subject", "--labels", str(labels)]
    done = CliRunner().invoke(app, [*command, *more, "--html", str(page), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["judged_days"] == sum(len(day_scores.judged_days(plan, each, "reference")) for each in animals[:2])
    assert [each["name"] for each in found["animals"]] == ["Ada", "Berta"]
    assert found["labels"]["oestrus"]["n_found"] == 1
    assert page.read_text().startswith("<!doctype html>")
    for option, message in (
        (["--anomalous", str(herd_file)], "--anomalous: a plan of days is evaluated on normal days"),
        (["--labels", str(tmp_path / "none.csv")], "none.csv"),
        (["--html", str(tmp_path / "page.pdf")], "a page is written as .html"),
    ):
        done = CliRunner().invoke(app, [*command, *option])
        assert done.exit_code == 2 and message in " ".join(done.output.split()), done.output


def test_tuning_counts_days_and_episodes_of_diaries(plan, animals, herd_file):
    """A day of service is 24 judged slots, and the ladder's episodes are those of the alarm at its rung."""
    herd = open_herd(plan, [herd_file], Budget.parse("1 episode/30d"), group="subject", engine="reference")
    tuned = tune(herd, "1 episode/30d")
    assert [row.device for row in tuned.rows] == ["Ada", "Berta"]
    for row, each in zip(tuned.rows, animals, strict=False):
        ticks = len(anomsdk.score(plan, each.rows, engine="reference"))
        assert herd.ladders[row.device].days == ticks // 24
        assert row.status in ("more days", "fails") and row.days <= ticks // 24
    counts = [rung.episodes for rung in herd.ladders["Berta"].counts]
    assert counts[0] >= 1 and counts == sorted(counts, reverse=True)
