"""`anomsdk score --out DIR`: recordings in, a data set out."""

import csv
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

import anomsdk
from anomsdk.core.event import Kind
from anomsdk.datasets.sample_clock import SampleClock, time_us
from anomsdk.datasets.schema import Facts, arrow_schema, column_table
from anomsdk.datasets.score_run import score_into
from anomsdk.errors import InputError
from anomsdk.plans.recording_digests import entries_of
from anomsdk.sources.clips import open_clips, survey
from anomsdk.sources.stream_format import StreamFormat
from anomsdk.tune.inputs import open_herd
from tests.support.data_sets import MIDNIGHT_S, days, rows_in, write_recording
from tests.support.herds import plan_with_ladder, rows_of
from tests.support.pages import DOCS, blocks

DAY_S = 86_400


@pytest.fixture(scope="module")
def herd(tmp_path_factory):
    """Two cows with two recordings each, of 4 s, 3 s apart, around midnight of UTC; and a plan with a ladder."""
    folder = tmp_path_factory.mktemp("herd")
    anomsdk.write_plan(plan_with_ladder(), folder / "plan.json")
    for cow in range(2):
        for part in range(2):
            path = folder / "herd" / f"cow{cow}" / f"{part}.npz"
            write_recording(path, t0=MIDNIGHT_S - 5 + 7 * part, seed=10 * cow + part, alarm=3)
    return folder


def scored(cli, herd, out, *words, status=0, source=None):
    result = cli("score", source or herd / "herd", "--plan", herd / "plan.json", "--out", out, *words)
    assert result.status == status, result.err
    return result


def sums(rows, name):
    found = {}
    for row in rows:
        found[row["device"]] = found.get(row["device"], 0) + row[name]
    return found


def test_the_last_line_says_what_was_written(cli, herd, tmp_path):
    result = scored(cli, herd, tmp_path / "out")
    assert result.out == f"wrote {tmp_path / 'out'}: 2 devices, 4 device days in 2 files; judged 100% of the time\n"
    again = scored(cli, herd, tmp_path / "out")
    assert again.out == f"wrote {tmp_path / 'out'}: 0 devices, 0 device days in 0 files; 4 done before\n"
    rows = rows_in(tmp_path / "out")
    assert {row["device"] for row in rows} == {"cow0", "cow1"}
    assert [row["recording"] for row in rows if row["device"] == "cow0"] == ["cow0/0.npz", "cow0/1.npz"]
    assert not (tmp_path / "out" / "_skipped.csv").exists()


def test_rows_add_up_to_the_ladders_of_tune(cli, herd, tmp_path):
    """A device whose recordings go through one pipeline has the counts that tune gives it today."""
    scored(cli, herd, tmp_path / "out", "--continue", "--scores", "exact")
    rows = rows_in(tmp_path / "out")
    plan = anomsdk.read_plan(herd / "plan.json")
    budget = anomsdk.tune.Budget.parse("1 alarm-day/30d")
    tuned = open_herd(plan, [herd / "herd"], budget, engine="reference")
    for device, ladder in tuned.ladders.items():
        mine = [row for row in rows if row["device"] == device]
        assert sum(row["service_ticks"] for row in mine) == ladder.ticks == 80
        assert sum(row["service_days"] for row in mine) == ladder.days == 8
        for tag, counts in enumerate(ladder.counts, 1):
            for name, value in zip(
                ("alarm_ticks", "alarms", "alarm_days", "episodes", "at_risk"),
                (counts.ticks, counts.alarms, counts.days, counts.episodes, counts.at_risk),
                strict=True,
            ):
                assert sum(row[f"{name}_{tag:02d}"] for row in mine) == value
        scores = [score for row in mine for score in row["scores"]]
        assert scores == [int(s) for stretch in tuned.scores[device].stretches for s in stretch.scores]


def test_metadata_and_columns_are_those_of_the_schema(cli, herd, tmp_path):
    import pyarrow.parquet as parquet

    scored(cli, herd, tmp_path / "out")
    plan = plan_with_ladder()
    for path in (tmp_path / "out").glob("day=*/*.parquet"):
        schema = parquet.read_schema(path)
        assert Facts.from_json(schema.metadata[b"anomsdk"], "x") == Facts.of(plan, plan, "log2")
        assert schema.names == arrow_schema(Facts.of(plan, plan, "log2")).names
    whole = parquet.read_table(tmp_path / "out", columns=["device", "day", "ticks"])  # days from the folders
    assert sorted(map(str, set(whole["day"].to_pylist()))) == ["2026-05-31", "2026-06-01"]


def test_recordings_of_one_device_go_on_in_one_pipeline(cli, herd, tmp_path):
    """4 s, 3 s without samples, 4 s, over midnight: one row before it, one after it with the gap."""
    scored(cli, herd, tmp_path / "out", "--continue")
    rows = rows_in(tmp_path / "out")
    assert [(row["device"], row["day"], row["ticks"], row["first"]) for row in rows] == [
        (f"cow{cow}", day, 40, first)
        for cow in range(2)
        for day, first in (("day=2026-05-31", 0), ("day=2026-06-01", 40))
    ]
    assert [[(gap["tick"], gap["samples"]) for gap in row["gaps"]] for row in rows] == [[], [(0, 30)]] * 2
    assert {row["service_days"] for row in rows} == {4}


@pytest.mark.parametrize("kind", ["recordings apart", "continued"])
def test_a_further_run_goes_on_from_the_record_of_a_device(cli, herd, tmp_path, kind):
    """Tomorrow's recordings, in a second run, give the rows of one run."""
    words = ["--continue"] if kind == "continued" else []
    scored(cli, herd, tmp_path / "one", *words)
    early = tmp_path / "herd"
    for path in sorted((herd / "herd").glob("*/0.npz")):
        (early / path.parent.name).mkdir(parents=True)
        (early / path.parent.name / path.name).write_bytes(path.read_bytes())
    scored(cli, herd, tmp_path / "two", *words, source=early)
    for path in sorted((herd / "herd").glob("*/1.npz")):
        (early / path.parent.name / path.name).write_bytes(path.read_bytes())
    second = scored(cli, herd, tmp_path / "two", *words, source=early)
    assert "2 done before" in second.out
    one, two = rows_in(tmp_path / "one"), rows_in(tmp_path / "two")
    for row in one + two if kind == "continued" else ():  # a restart is an event, and an end that is not known counts
        row.pop("coverage")
        kinds = [(each["tick"], anomsdk.Event.from_bytes(each["event"])) for each in row["events"]]
        row["events"] = [(tick, event.kind, event.hop) for tick, event in kinds if event.kind != Kind.RESTART]
    assert one == two
    late = write_recording(early / "cow0" / "2.npz", t0=MIDNIGHT_S - 4)
    if kind == "continued":
        failed = scored(cli, herd, tmp_path / "two", *words, source=early, status=2)
        why = (
            "cow0/2.npz: begins 10 s before the recording of device cow0 before it ends; an earlier run scored that one"
        )
        assert why in failed.err
        late.unlink()
        write_recording(early / "cow0" / "3.npz", t0=MIDNIGHT_S + 100)
        scored(cli, herd, tmp_path / "two", *words, source=early)


def test_one_folder_is_one_device_where_recordings_go_on(cli, herd, tmp_path):
    scored(cli, herd, tmp_path / "out", "--continue", source=herd / "herd" / "cow1")
    assert {row["device"] for row in rows_in(tmp_path / "out")} == {"cow1"}
    scored(cli, herd, tmp_path / "own", source=herd / "herd" / "cow1")
    assert {row["device"] for row in rows_in(tmp_path / "own")} == {"0.npz", "1.npz"}


def test_start_gives_recordings_a_time(cli, herd, tmp_path):
    """The first of a device begins there, the next one where it ended, also in a later run."""
    for part in range(2):
        np.save(tmp_path / f"{part}.npy", rows_of(np.r_[4 + 5 * part, np.ones(39, np.uint32)]))
    folder = tmp_path / "cows" / "cow"
    folder.mkdir(parents=True)
    words = ["--start", "2026-06-01T01:59:58+02:00", "--group", "folder", "--engine", "reference"]
    for out in ("apart", "on"):
        more = ["--continue"] if out == "on" else []
        for part in range(2):
            (folder / f"{part}.npy").write_bytes((tmp_path / f"{part}.npy").read_bytes())
            scored(cli, herd, tmp_path / out, *words, *more, source=tmp_path / "cows")
        rows = rows_in(tmp_path / out)
        assert [(row["device"], row["day"], row["ticks"]) for row in rows] == [
            ("cow", "day=2026-05-31", 20),
            ("cow", "day=2026-06-01", 20),
            ("cow", "day=2026-06-01", 40),
        ]
        assert rows[2]["start"].timestamp() >= rows[1]["stop"].timestamp()
        for path in folder.glob("*"):
            path.unlink()
    np.save(folder / "a.npy", rows_of(np.r_[16, np.ones(39, np.uint32)]))
    failed = scored(cli, herd, tmp_path / "on", *words, "--continue", source=tmp_path / "cows")
    assert failed.status == 0, "a comes after 1"
    np.save(folder / "0a.npy", rows_of(np.r_[25, np.ones(39, np.uint32)]))
    failed = scored(cli, herd, tmp_path / "on", *words, "--continue", source=tmp_path / "cows", status=2)
    assert "cow/0a.npy: comes before cow/a.npy by its name" in failed.err
    failed = scored(cli, herd, tmp_path / "no", "--start", "noon", status=2)
    assert "--start noon: give a date and time of the years 2000 to 2099" in failed.err


def test_without_any_time_the_day_is_not_known(cli, herd, tmp_path):
    np.save(tmp_path / "cow.npy", rows_of(np.ones(40, np.uint32)))
    scored(cli, herd, tmp_path / "out", source=tmp_path / "cow.npy")
    (row,) = rows_in(tmp_path / "out")
    assert (row["day"], row["start"], row["stop"]) == ("day=__HIVE_DEFAULT_PARTITION__", None, None)


def test_bad_files_are_named_at_the_end_and_the_others_are_committed(cli, herd, tmp_path):
    folder = tmp_path / "herd"
    for cow in range(3):
        write_recording(folder / f"cow{cow}.npz", t0=MIDNIGHT_S)
    (folder / "cow1.npz").write_bytes(b"no zip")
    failed = scored(cli, herd, tmp_path / "out", source=folder, status=2)
    assert "cow1.npz" in failed.err
    assert "--skip-bad leaves it out" in failed.err
    assert [row["device"] for row in rows_in(tmp_path / "out")] == ["cow0.npz", "cow2.npz"]
    skipped = scored(cli, herd, tmp_path / "out", "--skip-bad", source=folder)
    assert skipped.out.endswith("0 devices, 0 device days in 0 files; 2 done before; 1 left out\n")
    assert "left out: " in skipped.err
    (row,) = list(csv.DictReader((tmp_path / "out" / "_skipped.csv").open()))
    assert row["file"] == str(folder / "cow1.npz")
    assert "cow1.npz" in row["reason"]
    write_recording(folder / "cow1.npz", t0=MIDNIGHT_S)
    scored(cli, herd, tmp_path / "out", source=folder)
    assert len(rows_in(tmp_path / "out")) == 3, "a file that was repaired is tried again"
    assert not (tmp_path / "out" / "_skipped.csv").exists()


@pytest.mark.parametrize("words", [[], ["--continue"]])
def test_a_recording_that_is_damaged_in_the_middle_leaves_no_row(cli, herd, tmp_path, words):
    folder = tmp_path / "herd"
    for part in range(3):
        write_recording(folder / "cow" / f"{part}.npz", t0=MIDNIGHT_S + 10 * part)
        write_recording(folder / "ox" / f"{part}.npz", t0=MIDNIGHT_S + 10 * part)
    path = folder / "cow" / "1.npz"
    data = bytearray(path.read_bytes())
    at = data.index(b"NUMPY") + 150
    data[at] ^= 0x55  # a CRC of the archive is wrong
    path.write_bytes(data)
    failed = scored(cli, herd, tmp_path / "out", *words, source=folder, status=2)
    assert "cow/1.npz" in failed.err
    kept = {"ox": 120} if words else {"cow": 80, "ox": 120}
    assert sums(rows_in(tmp_path / "out"), "ticks") == kept
    scored(cli, herd, tmp_path / "out", *words, "--skip-bad", source=folder)
    assert sums(rows_in(tmp_path / "out"), "ticks") == {"cow": 80, "ox": 120}


@pytest.mark.parametrize("words", [[], ["--continue"]])
def test_recordings_that_the_plan_was_made_from_certify_nothing(cli, herd, tmp_path, words):
    plan = anomsdk.read_plan(herd / "plan.json")
    clips = open_clips(herd / "herd" / "cow0" / "0.npz", StreamFormat.of(plan.sensor, plan.columns))
    _, (facts,) = survey(clips)
    plan = replace(plan, provenance=dict(plan.provenance) | entries_of("trained", [facts.digest]))
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    result = cli("score", herd / "herd", "--plan", tmp_path / "plan.json", "--out", tmp_path / "out", *words)
    assert result.status == 0, result.err
    assert "1 recording that the plan was made from (cow0/0.npz): scored, but their ticks are no service" in result.err
    rows = rows_in(tmp_path / "out")
    assert sums(rows, "ticks") == {"cow0": 80, "cow1": 80}
    assert sums(rows, "service_ticks") == {"cow0": 40, "cow1": 80}
    scored(cli, herd, tmp_path / "none", *words)
    without = [row for row in rows_in(tmp_path / "none") if row["device"] == "cow1"]
    assert [row for row in rows if row["device"] == "cow1"] == without


def test_columns_that_divide_a_table_are_devices(cli, tmp_path):
    """Two cows in two tables of a day each: with --continue each cow has one pipeline."""
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    rng = np.random.default_rng(0)
    for day in range(2):
        n = 600
        columns = {"cow": ["a"] * n + ["b"] * n}
        times = (MIDNIGHT_S - 70 + 80 * day) * 10**6 + np.arange(n) * 10**5
        columns["time"] = pyarrow.array(np.tile(times, 2), pyarrow.timestamp("us", tz="UTC"))
        for axis in "xyz":
            columns[f"acc_{axis}_g"] = (axis == "z") + rng.normal(0, 0.1, 2 * n)
        for axis in "xyz":
            columns[f"gyro_{axis}_dps"] = rng.normal(0, 9, 2 * n)
        parquet.write_table(pyarrow.table(columns), tmp_path / f"day{day}.parquet")
    files = [tmp_path / "day0.parquet", tmp_path / "day1.parquet"]
    for words, pipelines in ([], 4), (["--continue"], 2):
        out = tmp_path / f"out{pipelines}"
        result = cli("score", *files, "--plan", "cattle_collar", "--out", out, "--by", "cow", *words)
        assert result.status == 0, result.err
        rows = rows_in(out)
        assert {row["device"] for row in rows} == {"a", "b"}
        assert days(out) == {"day=2026-05-31", "day=2026-06-01"}
        assert sum(row["first"] == 0 for row in rows) == pipelines
        assert {row["score_id"] for row in rows} == {json.loads(meta(out))["score_id"][:16]}
        assert len(rows[0]) > 130, "the default rungs count"


def meta(out):
    import pyarrow.parquet as parquet

    return parquet.read_schema(next(out.glob("day=*/*.parquet"))).metadata[b"anomsdk"]


def test_what_does_not_go_together_is_refused(cli, herd, tmp_path):
    for words in (["--scores", "log2"], ["--continue"], ["--start", "2026-06-01"], ["--group", "folder"]):
        failed = scored(cli, herd, tmp_path / "out.npz", *words, status=2)
        assert f"{words[0]}: is for a data set; give a folder as --out, or leave it out" in failed.err
    assert (
        "--scores some: give one of log2, exact, none"
        in scored(cli, herd, tmp_path / "o", "--scores", "some", status=2).err
    )
    assert "give a folder for a data set" in scored(cli, herd, tmp_path / "o.csv", status=2).err
    assert "standard input" in scored(cli, herd, tmp_path / "o", source="-", status=2).err
    assert not (tmp_path / "o").exists()
    twice = cli(
        *("score", herd / "herd", herd / "herd" / "cow0" / "0.npz"),
        *("--plan", herd / "plan.json", "--out", tmp_path / "o"),
    )
    assert (twice.status, "0.npz: is given twice" in twice.err) == (2, True)


def test_a_data_set_of_nothing_that_was_judged_is_a_failed_check(cli, herd, tmp_path):
    plan = plan_with_ladder()
    anomsdk.write_plan(replace(plan, duty=None), tmp_path / "plan.json")
    collar = np.random.default_rng(0).integers(-99, 99, (30, 6)).astype(np.int16)
    np.save(tmp_path / "short.npy", collar)
    result = cli("score", tmp_path / "short.npy", "--plan", "cattle_collar", "--out", tmp_path / "out")
    assert (result.status, "nothing was judged" in result.err) == (1, True)


def test_no_sample_is_in_a_data_set(tmp_path):
    """A rare value of the samples is in none of the files, neither as it is nor as text."""
    plan = plan_with_ladder()
    rows = rows_of(np.ones(4000, np.uint32))
    rows[:, 1] = 0x3A7B
    np.save(tmp_path / "cow.npy", rows)
    score_into(plan, [tmp_path / "cow.npy"], tmp_path / "out", engine="reference", jobs=1, go_on=True)
    mark = np.full(4, 0x3A7B, np.int16).tobytes()
    for path in (tmp_path / "out").glob("**/*"):
        if path.is_file():
            assert mark not in path.read_bytes()
            assert b"14971" not in path.read_bytes()


def test_a_time_is_read_in_utc():
    assert time_us("2026-06-01") == time_us("2026-06-01T02:00+02:00") == MIDNIGHT_S * 10**6
    for text in ("", "1999-12-31T23:59Z", "2100-01-01", "yesterday"):
        with pytest.raises(InputError, match="give a date and time"):
            time_us(text)
    clock = SampleClock(16_000_000)
    clock.set(5, MIDNIGHT_S * 10**6)
    assert clock.times(np.array([5, 16_005, 2**40])).tolist() == [clock.time(at) for at in (5, 16_005, 2**40)]


def test_pyarrow_that_is_missing_is_one_line(cli, herd, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    failed = scored(cli, herd, tmp_path / "out", status=2)
    assert "needs pyarrow; pip install 'anomsdk[parquet]'" in failed.err


PAGE = DOCS / "reference" / "data-sets.md"


def test_the_page_lists_the_columns():
    text = PAGE.read_text().partition("<!-- columns -->\n")[2].partition("<!-- end of columns -->")[0]
    rows = [tuple(cell.strip(" `") for cell in line.strip("|").split(" | ")) for line in text.splitlines()[2:]]
    assert rows == [tuple(cell.strip() for cell in row) for row in column_table()]


def test_rows_that_the_page_writes_are_tuned(cli, herd, tmp_path, monkeypatch):
    """With pyarrow alone: plain strings, int64, times without a zone, a column of nulls, and no metadata."""
    (text,) = (block.text for block in blocks(PAGE) if block.title == "write.py")
    monkeypatch.chdir(tmp_path)
    exec(text.replace("plan.json", str(herd / "plan.json")), {})
    for budget in ("1 alarm-day/30d", "1 alarm/30d", "1 episode/30d"):
        result = cli("tune", "herd", "--plan", herd / "plan.json", "--budget", budget, "--out", "levels.csv")
        assert result.status in (0, 3) and "1 device" in result.out, result.err
    failed = cli("herd", "herd", "--plan", herd / "plan.json")
    assert "has no column ticks, void_ticks, coverage" in failed.err


def test_the_sql_of_the_page_adds_up_rows(cli, herd, tmp_path):
    import duckdb
    import pyarrow.parquet as parquet

    scored(cli, herd, tmp_path / "out", "--continue")
    titled = {block.title: block.text for block in blocks(PAGE)}
    sql, pandas = titled["days.sql"], titled["sums.py"]
    sql = sql.replace("DIR", str(tmp_path / "out")).replace("_07", "_02")
    rows = rows_in(tmp_path / "out")
    alarm_days, service = sums(rows, "alarm_days_02"), sums(rows, "service_days")
    assert duckdb.sql(sql).fetchall() == [(device, alarm_days[device], service[device]) for device in sorted(service)]
    named = set(re.findall(r'"([a-z_]+(?:07)?)"', pandas)) | set(re.findall(r"sum\((\w+)\)", sql))
    schema = parquet.read_schema(next((tmp_path / "out").glob("day=*/*.parquet")))
    assert {name.replace("_07", "_02") for name in named} <= set(schema.names)
    table = parquet.read_table(tmp_path / "out", columns=["device", "alarm_days_02", "service_days"])
    assert sorted(set(table["device"].to_pylist())) == sorted(service), "commits and skipped files are no rows"


@pytest.mark.parametrize("words", [(), ("--continue",), ("--start", "2026-06-01"), ("--group", "folder")])
def test_a_copy_of_a_recording_without_a_time_is_refused(cli, herd, tmp_path, words):
    """Its service would count twice; of recordings that tell their time, tune finds the overlap."""
    first = write_recording(tmp_path / "in" / "cow" / "a.npz", seed=3)
    write_recording(tmp_path / "in" / "cow" / "b.npz", seed=4)
    write_recording(tmp_path / "in" / "other" / "a.npz", seed=3)  # of another device
    copy = tmp_path / "in" / "cow" / "c.npz"
    copy.write_bytes(first.read_bytes())
    result = scored(cli, herd, tmp_path / "out", *words, status=2, source=tmp_path / "in")
    why = "cow/c.npz: has the samples of cow/a.npz of device cow, and would count twice; give each recording once"
    assert why in result.err
    scored(cli, herd, tmp_path / "out", *words, "--skip-bad", source=tmp_path / "in")
    assert sums(rows_in(tmp_path / "out"), "service_ticks") == {"cow": 80, "other": 40}
    copy.rename(tmp_path / "in" / "cow" / "d.npz")
    later = scored(cli, herd, tmp_path / "out", *words, status=2, source=tmp_path / "in")
    assert "cow/d.npz: has the samples of cow/a.npz of device cow" in later.err  # as the commits say


def test_silence_is_no_copy_of_silence(cli, tmp_path):
    """A sound that is constant has no samples by which it could be told from others."""
    import soundfile

    (tmp_path / "in" / "room").mkdir(parents=True)
    (tmp_path / "in" / "hall").mkdir()
    for name in ("room/a", "room/b", "hall/a"):
        soundfile.write(tmp_path / "in" / f"{name}.wav", np.zeros(160_000, np.int16), 16_000)
    words = ("--plan", "audio_scene", "--out", tmp_path / "out", "--group", "folder")
    result = cli("score", tmp_path / "in", *words)
    assert result.status == 0, result.err


def test_a_data_set_in_the_folder_of_its_recordings_is_no_recording(cli, tmp_path):
    """A later run finds the same inputs, and names devices as before; files of the data set are .parquet, too."""
    import pyarrow.parquet as parquet

    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        columns = {f"{axis}_g": rng.normal(0.5, 0.1, 2000) for axis in ("ax", "ay", "az")}
        columns |= {f"{axis}_dps": rng.normal(0, 5, 2000) for axis in ("gx", "gy", "gz")}
        parquet.write_table(pyarrow_table({"t": np.arange(2000) / 10} | columns), tmp_path / "in" / f"{name}.parquet")
    words = ("score", tmp_path / "in", "--plan", "cattle_collar", "--out", tmp_path / "in" / "out")
    first = cli(*words)
    assert first.status == 0 and "2 devices" in first.out, first.err
    again = cli(*words)
    assert again.status == 0 and again.out.endswith("0 files; 2 done before\n"), again.err
    for name in ("a", "b"):
        (tmp_path / "in" / f"{name}.parquet").unlink()
    assert "holds no recordings besides the data set" in cli(*words).err


def pyarrow_table(columns):
    import pyarrow

    return pyarrow.table(columns)
