"""`anomsdk tune`: recordings, scores and exports in, a table per device, a page and a plan out."""

import csv
import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest

import anomsdk
from anomsdk.core.ladder import Ladder
from anomsdk.plans.recording_digests import entries_of
from anomsdk.sources.clips import open_clips, survey
from anomsdk.sources.stream_format import StreamFormat
from anomsdk.watch.sinks.scores import write_scores
from tests.support.herds import DAY, LEVELS, export_of, plan_with_ladder, rows_of, scores_of, write_exports
from tests.support.tiny_plans import CLIPS, tiny_plan

BUDGET = "1 alarm-day/30d"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A plan and 3 devices with 2 recordings of 80 and 81 days; the first has an alarm on day 5, 6 or 7."""
    folder = tmp_path_factory.mktemp("herd")
    plan = plan_with_ladder()
    anomsdk.write_plan(plan, folder / "plan.json")
    for device in range(3):
        (folder / "recordings" / f"cow{device}").mkdir(parents=True)
        for part in range(2):
            rows = rows_of(scores_of(80 + part, {device: 4} if part else {5 + device: 100}))
            np.save(folder / "recordings" / f"cow{device}" / f"{part}.npy", rows)
    return folder


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def tuned(cli, made, out, *words, budget=BUDGET, status=0):
    result = cli("tune", *words, "--plan", made / "plan.json", "--budget", budget, "--out", out)
    assert result.status == status, result.err
    return result


def test_recordings_become_a_level_for_each_device(cli, made, tmp_path):
    result = tuned(cli, made, tmp_path / "t.csv", made / "recordings", "--engine", "reference")
    rows = table(tmp_path / "t.csv")
    assert [row["device"] for row in rows] == ["cow0", "cow1", "cow2"]
    assert {(row["status"], row["level"], row["rung"], row["level_tag"]) for row in rows} == {
        ("certified", "150", "2", "3")
    }
    assert {(row["days"], row["count"], row["missing_days"]) for row in rows} == {("161", "0", "0")}
    assert {float(row["bound"]) for row in rows} == {round(anomsdk.tune.bound(0, 161) * 30, 6)}
    assert result.out.startswith("3 devices for 1 alarm-day/30d: 3 certified; each device has a chance")
    assert "device cow1: set by cow1/0.npy at 0:00:06.5" in " ".join(result.out.split())
    assert "not another season, place or wearer" in " ".join(result.out.split())


def test_recordings_that_nothing_groups_are_devices_by_their_names(cli, made, tmp_path):
    """The path of the folder is no part of a device's name, and a line says that each recording is a device."""
    shutil.copytree(made / "recordings" / "cow0", tmp_path / "loose")
    result = tuned(cli, made, tmp_path / "t.csv", tmp_path / "loose", "--engine", "reference")
    assert [row["device"] for row in table(tmp_path / "t.csv")] == ["0.npy", "1.npy"]
    assert "2 recordings are a device each" in result.err
    assert "--group" in result.err
    shutil.copytree(made / "recordings" / "cow1", tmp_path / "other")
    tuned(cli, made, tmp_path / "t.csv", tmp_path / "loose", tmp_path / "other", "--engine", "reference")
    assert len(table(tmp_path / "t.csv")) == 4, "names that two folders have keep the folder"


def test_void_ticks_are_no_service(cli, tmp_path):
    """A tick during a technical fault counts on no rung, as on the device."""
    plan = replace(tiny_plan(), alarm=None, ladder=plan_with_ladder().ladder, promises=())
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    rows = rows_of(scores_of(120, {2: 100, 5: 400}))
    rows[5 * DAY + 4, 1] = CLIPS
    rows[7 * DAY : 8 * DAY, 1] = CLIPS
    np.save(tmp_path / "cow.npy", rows)
    with anomsdk.Pipeline(plan, "reference") as pipeline:
        pipeline.process(rows)
        ladder = pipeline.export(0, 1)
    tuned(cli, tmp_path, tmp_path / "t.csv", tmp_path / "cow.npy", "--engine", "reference")
    (row,) = table(tmp_path / "t.csv")
    expected = anomsdk.tune.choose(ladder, BUDGET, plan=plan)
    assert anomsdk.tune.merge([ladder, ladder])[0].ticks == 120 * DAY - 11
    assert (int(row["rung"]), int(row["count"]), float(row["days"])) == (expected.rung, 0, expected.days)
    assert expected.rung == 2


def test_the_table_is_the_same_for_any_order_of_inputs_and_number_of_jobs(cli, made, tmp_path):
    places = [made / "recordings" / f"cow{device}" for device in range(3)]
    found = set()
    for jobs, order in ((1, places), (3, places[::-1])):
        tuned(cli, made, tmp_path / "t.csv", *order, "--group", "file", "--jobs", jobs, "--engine", "reference")
        found.add((tmp_path / "t.csv").read_bytes())
    assert len(found) == 1


def test_scores_and_exports_give_the_levels_of_the_recordings(cli, made, tmp_path):
    plan = plan_with_ladder()
    scores = {f"cow{d}": np.concatenate([scores_of(80, {5 + d: 100}), scores_of(81, {d: 4})]) for d in range(3)}
    write_scores(scores, tmp_path / "scores.npz")
    for number, values in enumerate(scores.values()):
        write_exports(tmp_path / "herd" / f"{number}.ladder", export_of(plan, values, number))
    for source in ("recordings", "scores.npz", "herd"):
        place = (made if source == "recordings" else tmp_path) / source
        tuned(cli, made, tmp_path / f"{source}.csv", place, "--engine", "reference")
    found = [
        [{k: v for k, v in row.items() if k != "device"} for row in table(tmp_path / f"{source}.csv")]
        for source in ("recordings", "scores.npz", "herd")
    ]
    assert found[0] == found[1] == found[2]


def test_the_plan_that_is_written_has_the_level_as_its_own(cli, made, tmp_path):
    words = ("--engine", "reference", "--write-plan", tmp_path / "new.json", "--html", tmp_path / "page.html", "--json")
    result = tuned(cli, made, tmp_path / "t.csv", made / "recordings", *words)
    new, old = anomsdk.read_plan(tmp_path / "new.json"), anomsdk.read_plan(made / "plan.json")
    assert (new.levels.raise_score, new.score_id) == (150, old.score_id)
    assert new.id != old.id
    assert json.loads(result.out)["devices"][0]["set_by"] == {"recording": "cow0/0.npy", "second": 5.5}
    assert "Budget against bound" in (tmp_path / "page.html").read_text()
    with anomsdk.Pipeline(new, "reference") as pipeline:
        rows = np.concatenate([np.load(made / "recordings" / "cow0" / f"{part}.npy") for part in range(2)])
        alarms = [event for result in pipeline.process(rows) for event in result.events if event.raised]
    ladder = Ladder(old.ladder, (), old.timing)
    for score in np.square(rows[:, 0].astype(int)).tolist():
        ladder.step(score)
    assert len(alarms) == ladder.counts[LEVELS.index(150)].alarms


def test_parquet_has_the_rows_of_the_csv(cli, made, tmp_path):
    pyarrow = pytest.importorskip("pyarrow.parquet")
    tuned(cli, made, tmp_path / "t.csv", made / "recordings", "--engine", "reference")
    tuned(cli, made, tmp_path / "t.parquet", made / "recordings", "--engine", "reference")
    rows = pyarrow.read_table(tmp_path / "t.parquet").to_pylist()
    assert [str(row["level"]) for row in rows] == [row["level"] for row in table(tmp_path / "t.csv")]


def test_recordings_that_the_plan_was_made_from_certify_nothing(cli, made, tmp_path):
    plan = plan_with_ladder()
    stream_format = StreamFormat.of(plan.sensor, plan.columns)
    clips, facts = survey(open_clips(made / "recordings", stream_format))
    known = [fact.digest for clip, fact in zip(clips.clips, facts, strict=True) if clip.name.startswith("cow0/")]
    anomsdk.write_plan(replace(plan, provenance=entries_of("calibrated", known)), tmp_path / "plan.json")
    result = tuned(cli, tmp_path, tmp_path / "t.csv", made / "recordings", "--engine", "reference")
    assert [row["device"] for row in table(tmp_path / "t.csv")] == ["cow1", "cow2"]
    assert "certify nothing: 2 recordings (cow0/0.npy, cow0/1.npy)" in " ".join(result.err.split())
    shutil.copytree(made / "recordings" / "cow0", tmp_path / "only")
    result = tuned(cli, tmp_path, tmp_path / "n.csv", tmp_path / "only", status=2)
    assert "the plan was made from them; give others" in " ".join(result.err.split())


def test_anomalous_recordings_are_found_at_the_level(cli, made, tmp_path):
    np.save(tmp_path / "odd.npy", rows_of(scores_of(2, {1: 400})))
    result = tuned(
        cli, made, tmp_path / "t.csv", made / "recordings", "--anomalous", tmp_path / "odd.npy", "--engine", "reference"
    )
    assert "at level 150: 1 of 1 anomalous recordings raise an alarm, the median after 1.5 s" in result.out


def test_without_a_certificate_no_plan_is_written(cli, made, tmp_path):
    words = (made / "recordings" / "cow0" / "0.npy", "--engine", "reference", "--write-plan", tmp_path / "new.json")
    result = tuned(cli, made, tmp_path / "t.csv", *words, status=1)
    assert "needs 29 more days" in " ".join(result.err.split())
    assert list(tmp_path.iterdir()) == []


def small_herd(folder, *exports):
    for index, export in enumerate(exports):
        write_exports(folder / "herd" / f"{index}.ladder", export)
    return folder / "herd"


PLAN = plan_with_ladder()
WHOLE = export_of(PLAN, scores_of(12, {3: 121}), 7)


@pytest.mark.parametrize(
    ("exports", "words", "said"),
    [
        ([WHOLE], ["--budget", "0/30d"], "is no budget"),
        ([WHOLE], ["--budget", "1/0d"], "is no budget"),
        ([WHOLE], ["--budget", "1 alarm-day/0d"], "is in no time"),
        ([WHOLE], ["--budget", "1 alarm-weak/30d"], "is no budget"),
        ([WHOLE], ["--budget", "1 alarm-day/365d"], "more than a year"),
        ([WHOLE], ["--confidence", "2"], "--confidence"),
        ([WHOLE], ["--pooled", "--independent"], "exclude each other"),
        ([WHOLE], ["--pooled"], "day=2026-05-31"),
        ([WHOLE], ["--out", "t.txt"], ".csv or .parquet"),
        ([WHOLE], ["--html", "t.txt"], ".html"),
        ([WHOLE], ["--write-plan", "no/such/plan.json"], "no such folder"),
        ([export_of(PLAN, scores_of(0, {}), 7)], [], "zero hours"),
        ([WHOLE, export_of(PLAN, scores_of(13, {}), 7, since=50)], [], "overlap"),
        ([WHOLE, replace(WHOLE, days=11)], [], "two devices with one number"),
        ([WHOLE, export_of(PLAN, scores_of(13, {}), 7)], [], "a clock that goes backwards"),
        ([replace(WHOLE, score_tag=bytes(8))], [], "0000000000000000"),
        ([replace(WHOLE, first=900)], [], "a clock that goes backwards"),
    ],
)
def test_bad_input_is_one_line_and_status_2(cli, made, tmp_path, exports, words, said):
    place = small_herd(tmp_path, *exports)
    usual = ["--budget", BUDGET] if "--budget" not in words else []
    usual += ["--out", tmp_path / "t.csv"] if "--out" not in words else []
    result = cli("tune", place, "--plan", made / "plan.json", *usual, *words)
    assert result.status == 2, result.out + result.err
    assert said in " ".join(result.err.split())
    assert not (tmp_path / "t.csv").exists()
    assert "Traceback" not in result.err


def test_torn_exports_can_be_left_out(cli, made, tmp_path):
    place = small_herd(tmp_path, WHOLE, export_of(PLAN, scores_of(12, {}), 8))
    torn = place / "1.ladder"
    torn.write_bytes(torn.read_bytes()[:-1] + b"?")
    result = tuned(cli, made, tmp_path / "t.csv", place, status=2)
    assert "1.ladder: export: torn" in " ".join(result.err.split())
    tuned(cli, made, tmp_path / "t.csv", place, "--skip-bad")
    assert [row["device"] for row in table(tmp_path / "t.csv")] == ["7"]


def test_groups_and_days_are_parts_of_the_path(cli, made, tmp_path):
    for device, group in ((7, "north"), (8, "south")):
        for day in range(1, 4):
            export = export_of(PLAN, scores_of(40 * day, {}), device)
            write_exports(tmp_path / "herd" / f"group={group}" / f"day=2026-01-0{day}" / f"{device}.ladder", export)
    tuned(cli, made, tmp_path / "t.csv", tmp_path / "herd")
    rows = table(tmp_path / "t.csv")
    assert [(row["device"], row["group"], row["days"]) for row in rows] == [
        ("7", "north", "120"),
        ("8", "south", "120"),
    ]
    write_exports(tmp_path / "herd" / "day=2026-13-01" / "9.ladder", WHOLE)
    result = tuned(cli, made, tmp_path / "t.csv", tmp_path / "herd", status=2)
    assert "day=2026-13-01 is no day" in " ".join(result.err.split())


def test_a_device_in_two_inputs_is_refused(cli, made, tmp_path):
    for name in ("a", "b"):
        write_scores({"cow": scores_of(12 * DAY, {})}, tmp_path / f"{name}.npz")
    result = tuned(cli, made, tmp_path / "t.csv", tmp_path / "a.npz", tmp_path / "b.npz", status=2)
    assert "device cow: is in two inputs" in " ".join(result.err.split())


def test_scores_of_another_plan_are_refused(cli, made, tmp_path):
    own, other = plan_with_ladder(), replace(plan_with_ladder(), score=replace(plan_with_ladder().score, shift=1))
    for name, plan in (("own", own), ("other", other)):
        anomsdk.write_plan(plan, tmp_path / f"{name}.json")
        made_scores = cli(
            "score", made / "recordings", "--plan", tmp_path / f"{name}.json", "--out", tmp_path / f"{name}.npz"
        )
        assert made_scores.status == 0, made_scores.err
    result = tuned(cli, made, tmp_path / "t.csv", tmp_path / "own.npz")
    assert "does not tell which recordings its scores are of" in " ".join(result.err.split())
    refused = tuned(cli, made, tmp_path / "u.csv", tmp_path / "other.npz", status=2)
    assert "other.npz: holds scores of score_id" in " ".join(refused.err.split())
    assert "score the recordings again with this plan" in " ".join(refused.err.split())
    assert not (tmp_path / "u.csv").exists()


@pytest.mark.parametrize(
    ("listed", "words"), [(0, "does not say which recordings"), (1, ""), (3000, "from more recordings than it lists")]
)
def test_a_plan_that_does_not_list_all_of_its_recordings_says_so(cli, made, tmp_path, listed, words):
    plan = plan_with_ladder()
    digests = [f"{number:04x}" * 16 for number in range(listed)]
    plan = replace(plan, provenance={**plan.provenance, **entries_of("trained", digests)})
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    err = " ".join(tuned(cli, tmp_path, tmp_path / "t.csv", made / "recordings" / "cow0").err.split())
    assert words in err
    assert ("this plan" in err) == bool(words)


def test_exports_count_whatever_the_case_of_their_suffix(cli, made, tmp_path):
    """A file that a folder hides would hide its alarms."""
    write_exports(tmp_path / "herd" / "a.ladder", export_of(PLAN, scores_of(120, {}), 7))
    write_exports(tmp_path / "herd" / "B.LADDER", export_of(PLAN, scores_of(60, {3: 500}), 7, boot=2))
    tuned(cli, made, tmp_path / "t.csv", tmp_path / "herd")
    assert [(row["device"], row["days"]) for row in table(tmp_path / "t.csv")] == [("7", "180")]


def test_fixed_and_pooled_exclude_each_other(cli, made, tmp_path):
    result = tuned(cli, made, tmp_path / "t.csv", tmp_path, "--pooled", "--fixed", status=2)
    assert "pooled certificates hold at any time" in " ".join(result.err.split())


def test_one_recording_of_two_devices_is_told(cli, made, tmp_path):
    for device in ("cow0", "cow9"):
        (tmp_path / device).mkdir()
        shutil.copy(made / "recordings" / "cow0" / "0.npy", tmp_path / device / f"{device}.npy")
    err = " ".join(tuned(cli, made, tmp_path / "t.csv", tmp_path).err.split())
    assert "cow0/cow0.npy and cow9/cow9.npy: the same recording on devices cow0 and cow9" in err
    assert "the same recording" not in tuned(cli, made, tmp_path / "t.csv", made / "recordings").err


NPY = (
    b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<u4', 'fortran_order': False, 'shape': (35184372088832,), }".ljust(117)
    + b"\n"
)


@pytest.mark.parametrize(
    ("member", "data", "words"),
    [
        ("cow.npy", NPY + bytes(40), "cannot be read as scores"),
        ("cow.npy", NPY[:40], "cannot be read as scores"),
        ("cow.npy", NPY.replace(b"}", b"("), "cannot be read as scores"),
        ("cow.txt", b"hello", "member cow.txt is no array"),
    ],
)
def test_a_damaged_file_of_scores_is_an_error_of_one_line(cli, made, tmp_path, member, data, words):
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        archive.comment = b"anomsdk scores"
        archive.writestr(member, data)
    result = tuned(cli, made, tmp_path / "t.csv", tmp_path / "s.npz", status=2)
    assert words in " ".join(result.err.split())
    assert "internal" not in result.err
