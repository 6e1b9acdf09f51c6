"""`anomsdk demo --herd`: a few animals from motion to a level by downlink, and the files of a small herd."""

from __future__ import annotations

import csv
import dataclasses
import re
from functools import partial

import numpy as np
import pytest

import anomsdk
from anomsdk.datasets.score_run import score_into
from anomsdk.datasets.units import Inputs
from anomsdk.demo import herd as demo
from anomsdk.demo import herd_device, herd_files, herd_motion
from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings, read_recording
from tests.support.command_line import anomsdk_command
from tests.support.data_sets import rows_in
from tests.support.herd_days import added_by_duckdb

ANIMALS = 5
STEPS = ["resample", "score", "ladders", "tune", "table", "herd", "downlink"]
needs_recordings = pytest.mark.skipif(
    herd_motion.recordings_at_hand() is None, reason="../shared/data is absent: recordings of collars are needed"
)


@pytest.fixture(scope="module")
def plan():
    return demo.herd_plan()


@pytest.fixture(scope="module")
def generated(plan):
    return herd_motion.pieces(plan, None, demo.SEED)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The folder, what was found, and the lines that were said, of generated motion."""
    folder, lines = tmp_path_factory.mktemp("herd"), list[str]()
    found = demo.run(folder, animals=ANIMALS, say=lambda text: lines.extend(text.splitlines()))
    return folder, found, lines


def test_each_step_says_what_it_found(ran):
    _, found, lines = ran
    assert found.failed == () and (found.devices, found.rows) == (ANIMALS, 2 * ANIMALS)
    assert [line.split()[0] for line in lines if line.split()[0] in STEPS] == STEPS
    assert any("generated motion" in line for line in lines) and lines[-1].startswith("These levels certify nothing: ")
    assert f"{ANIMALS} rows, a device each" in "\n".join(lines)


def test_the_rows_add_up_to_the_time_of_the_animals(ran, plan):
    """In DuckDB; a recording has no tick before its context is full, and midnight cuts rows and loses none."""
    folder, _, _ = ran
    sums = added_by_duckdb(folder / demo.DAYS, 24)
    assert sorted(sums) == [herd_motion.name_of(animal) for animal in range(ANIMALS)]
    ticks = {animal: sums[herd_motion.name_of(animal)][0] for animal in range(ANIMALS)}
    length = round(herd_motion.HOURS * 3600 * plan.rate_hz)
    assert ticks[1] == plan.ticks_in(length)
    parts = [plan.ticks_in(round(hours * 3600 * plan.rate_hz)) for _, hours in herd_motion.SEVERAL]
    assert sum(parts) <= ticks[0] <= plan.ticks_in(length) and ticks[4] == ticks[0]
    assert {path.name for path in (folder / demo.DAYS).glob("day=*")} == {"day=2026-06-01", "day=2026-06-02"}


def test_what_is_written_is_what_the_command_tune_finds(ran, tmp_path):
    folder, _, _ = ran
    words = ("tune", folder / demo.DAYS, "--plan", folder, "--budget", demo.BUDGET, "--out", tmp_path / "again.csv")
    done = anomsdk_command(*words)
    assert done.status == 0, done.stderr
    assert (tmp_path / "again.csv").read_bytes() == (folder / demo.LEVELS).read_bytes()


def test_the_device_in_c_sends_the_receipt_that_python_sends(ran, plan):
    folder, found, lines = ran
    with (folder / demo.LEVELS).open() as file:
        row = next(row for row in csv.DictReader(file) if row["status"] == "certified")
    level = found.level
    assert level.is_taken and level.in_c == level.in_python
    assert level.downlink.hex() == row["downlink"] and level.level_event.level_tag == int(row["level_tag"]) > 0
    assert level.level_event.plan_tag == plan.tag
    assert any(bytes(level.level_event).hex() in line for line in lines)


def test_a_device_of_another_plan_takes_no_level(plan, generated):
    other = bytes([3]) + (plan.tag ^ 1).to_bytes(2, "little")
    with pytest.raises(InputError, match="for a plan whose id begins"):
        herd_device.take_level(plan, other, generated.cows[0][0])


def test_without_compiler_the_last_step_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "missing_tools", lambda: "missing here: pip install 'anomsdk[mcu]'")
    lines = list[str]()
    found = demo.run(tmp_path, animals=1, say=lines.append)
    assert found.level is None and found.failed == ()
    assert "downlink  left out: missing here: pip install 'anomsdk[mcu]'" in lines


def wrong_export(counted, *given):
    export = counted(*given)
    counts = (dataclasses.replace(export.counts[0], ticks=export.counts[0].ticks + 1), *export.counts[1:])
    return dataclasses.replace(export, counts=counts)


def wrong_level(plan, downlink, samples):
    receipt = bytes.fromhex("2700010039000000280e000400114fbf")
    return herd_device.LevelByDownlink(downlink, (receipt,), (receipt[:2] + receipt[:14],))


def lost_row(tuned, path):
    demo_table(dataclasses.replace(tuned, rows=tuned.rows[1:]), path)


def more_rows(*given, **named):
    written = score_into(*given, **named)
    return dataclasses.replace(written, device_days=written.device_days + 1)


demo_table = demo.write_table


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        ("_export_of", partial(wrong_export, demo._export_of), "cow-0001: the sum of its rows is not what a pipeline"),
        ("score_into", more_rows, "4 rows of 2 devices were added up, not all that were written"),
        ("write_table", lost_row, "the table has 1 row for 2 animals"),
        ("take_level", wrong_level, "the events of C are not those of Python"),
    ],
)
def test_a_check_that_fails_is_an_exit_status_of_1_and_nothing_is_kept(monkeypatch, tmp_path, name, wrong, says):
    monkeypatch.setattr(demo, "run", partial(demo.run, animals=2))
    monkeypatch.setattr(demo, "missing_tools", lambda: None if name == "take_level" else "missing here")
    monkeypatch.setattr(herd_motion, "recordings_at_hand", lambda: None)
    monkeypatch.setattr(demo, name, wrong)
    done = anomsdk_command("demo", "--herd", "--write", tmp_path / "kept")
    assert done.status == 1 and says in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_command_keeps_what_it_is_told_to(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "run", partial(demo.run, animals=2))
    monkeypatch.setattr(demo, "missing_tools", lambda: "missing here")
    monkeypatch.setattr(herd_motion, "recordings_at_hand", lambda: None)
    monkeypatch.chdir(tmp_path)
    done = anomsdk_command("demo", "--herd")
    assert done.status == 0 and list(tmp_path.iterdir()) == [] and done.stdout.endswith("written: nothing\n")
    done = anomsdk_command("demo", "--herd", "--write", "kept")
    assert done.status == 0 and sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        demo.DAYS,
        demo.LEVELS,
        "plan.json",
    ]
    assert anomsdk_command("demo", "--herd", "--write", "kept").status == 2, "it is not empty"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--recordings", "a.npz"), "--recordings: are for --herd"),
        (("--herd", "--alarm"), "--alarm: does not go with --herd"),
        (("--herd", "--scene", "collar"), "--scene: does not go with --herd"),
        (("--herd", "--recordings", "a.npz"), "a.npz: no such file"),
        (("--herd", "--recordings", "b.npz"), "b.npz: has no array cow"),
        (("--scene", "herd"), "is generated for --write only"),
    ],
)
def test_what_does_not_go_together_is_one_line(monkeypatch, tmp_path, words, says):
    monkeypatch.chdir(tmp_path)
    still = np.tile(np.array([0, 0, 2048, 0, 0, 0], np.int16), (300, 1))
    np.savez(tmp_path / "b.npz", x=still, fs=10.0, scale=1 / 208.8, normal=np.array([True]))
    done = anomsdk_command("demo", *words)
    assert done.status == 2 and says in done.stderr and done.stderr.count("error: ") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.npz"]


# Motion


def test_recordings_at_hand_are_scored_as_files_are(plan, generated, tmp_path):
    """Each column of each row, whether the samples came from memory or from files in the folder of the animal."""
    herd = {herd_motion.name_of(animal): shortened(plan, generated, animal) for animal in (0, 1)}
    for name, recordings in herd.items():
        (tmp_path / "files" / name).mkdir(parents=True)
        for at, each in enumerate(recordings):
            place = tmp_path / "files" / name / f"{at + 1}.npz"
            np.savez(place, x=read_recording(each), fs=plan.rate_hz, t0=each.start_ns / 1e9)
    held = score_into(plan, Inputs.at_hand(herd), tmp_path / "held", go_on=True)
    read = score_into(plan, [tmp_path / "files"], tmp_path / "read", go_on=True, reading=ReadOptions(unit="counts"))
    assert str(held) == str(read)

    def without_names(folder):
        return [{key: value for key, value in row.items() if key != "recording"} for row in rows_in(folder)]

    assert without_names(tmp_path / "held") == without_names(tmp_path / "read")
    again = score_into(plan, Inputs.at_hand(dict(reversed(herd.items()))), tmp_path / "held", go_on=True)
    assert (again.done_before, again.device_days) == (2, 0)
    alone = score_into(plan, Inputs.at_hand(herd), tmp_path / "alone")
    assert alone.device_days == 6, "without `go_on`, each recording has a pipeline and rows of its own"


def shortened(plan, of, animal):
    """Recordings of an animal of 10 minutes around midnight, or of several such parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(herd_motion, "SEVERAL", ((20.0, 0.1), (23.95, 0.1), (27.0, 0.1)))
        patch.setattr(herd_motion, "ONE_RECORDING", ((23.9, 0.2),))
        return herd_motion.recordings_of(animal, of, plan, 3)


def test_a_seed_gives_one_herd(plan, generated):
    def samples(animal, seed):
        return np.concatenate([read_recording(each) for each in shortened_of(plan, generated, animal, seed)])

    assert np.array_equal(samples(0, 1), samples(0, 1))
    assert not np.array_equal(samples(0, 1), samples(0, 2)) and not np.array_equal(samples(0, 1), samples(6, 1))
    again = herd_motion.pieces(plan, None, demo.SEED)
    assert all(np.array_equal(a, b) for a, b in zip(generated.cows[3], again.cows[3], strict=True))
    with pytest.raises(InputError, match="seed"):
        demo.run(None, seed=-1)


def shortened_of(plan, of, animal, seed):
    return [
        dataclasses.replace(each, _read=partial(herd_motion._blocks, animal, part, of, plan, seed, 3000, False))
        for part, each in enumerate(herd_motion.recordings_of(animal, of, plan, seed))
    ]


def test_pieces_pass_into_one_another():
    """Each sample is one of a piece, or lies between the two that are mixed."""
    low, high = np.full((100, 6), -1000, np.int16), np.full((60, 6), 3000, np.int16)
    found = herd_motion.joined(np.random.default_rng(1), (low, high), 2000, 10)
    assert found.shape == (2000, 6) and found.dtype == np.int16
    assert found.min() == -1000 and found.max() == 3000
    assert np.abs(np.diff(found[:, 0].astype(int))).max() <= 4000 // 11 + 1, "no step"
    ramp = np.repeat(np.arange(100, dtype=np.int16)[:, None], 6, axis=1)
    found = herd_motion.joined(np.random.default_rng(1), (ramp,), 300, 10)
    assert np.array_equal(found[:90], ramp[:90]) and np.array_equal(found[100:180], ramp[10:90])
    short = np.full((4, 6), 7, np.int16)
    assert (herd_motion.joined(np.random.default_rng(1), (short,), 50, 10) == 7).all()


def test_restless_animals_alarm_on_the_second_day(plan, generated):
    restless = next(animal for animal in range(100) if herd_motion.is_restless(animal))
    recording = herd_motion.recordings_of(restless, generated, plan, demo.SEED)[-1]
    scores = anomsdk.score(plan, read_recording(recording))
    half = len(scores) // 2
    raised = scores >= plan.levels.raise_score
    assert raised[half:].sum() > 10 and raised[:half].sum() == 0


@needs_recordings
def test_real_recordings_are_resampled(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "missing_tools", lambda: "missing here")
    lines = list[str]()
    found = demo.run(tmp_path, animals=2, recordings=herd_motion.recordings_at_hand(), say=lines.append)
    assert found.failed == () and found.devices == 2
    assert re.search(r"\d{2,} pieces of real recordings of 6 cows", lines[0])
    assert lines[-1].startswith("These levels certify nothing: recordings like these trained the model")
    of = herd_motion.pieces(plan, herd_motion.recordings_at_hand(), 0)
    rests = [np.linalg.norm(piece[:, :3].mean(axis=0)) / 2048 for pieces in of.cows for piece in pieces]
    assert max(rests) <= 2.0, "a miscalibrated collar is left out"


# Files of a small herd


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(herd_files, "EVENING_S", 600)
        return herd_files.write(tmp_path_factory.mktemp("small") / "herd")


def test_the_small_herd_is_what_was_said(written, plan):
    folder = written.folder
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.npz"))]
    assert (len(names), written.evenings, written.later) == (35, 24, 11)
    assert "later/cow-11/2026-06-03.npz" not in names and "later/cow-12/2026-06-03.npz" in names
    assert anomsdk.read_plan(folder / "plan" / "plan.json").id == plan.id
    stream = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
    readable = 0
    for name in names:
        if name == "evenings/cow-09/2026-06-02.npz":
            with pytest.raises(InputError):
                open_recordings(folder / name, stream)
            continue
        (recording,) = open_recordings(folder / name, stream)
        assert recording.length == 6000 and recording.start_ns is not None
        readable += 1
    assert readable == 34
    said = herd_files.written_report(written)
    assert all(word in said for word in ("24 recordings", "11 recordings", "cow-05", "cow-03", "cow-11", "cow-09"))
    with np.load(folder / "evenings/cow-01/2026-06-01.npz") as archive:
        (recording,) = open_recordings(folder / "evenings/cow-01/2026-06-01.npz", stream)
        assert np.array_equal(read_recording(recording), archive["x"]), "counts of the plan, bit for bit"


def test_a_small_herd_is_repeatable_and_overwrites_nothing(written, monkeypatch, tmp_path):
    monkeypatch.setattr(herd_files, "EVENING_S", 600)
    herd_files.write(tmp_path / "again")
    for path in written.folder.rglob("*.npz"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(written.folder)).read_bytes()
    with pytest.raises(InputError, match="not empty"):
        herd_files.write(tmp_path / "again")
    with pytest.raises(InputError, match="seed"):
        herd_files.write(tmp_path / "other", seed=-1)
