"""Inputs that cannot be used: all of them named at once, or left out and counted."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

import anomsdk
from anomsdk.errors import InputError, UnusableInputsError, all_or_none
from anomsdk.plans.lookup import find_plan
from anomsdk.watch.session import Watch
from tests.support.command_line import anomsdk_command
from tests.support.make import SPECS, make_folder, noise

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of a plan for sound."""
    place = make_folder(tmp_path_factory.mktemp("plan") / "room", SPECS["logmel"])
    anomsdk.write_plan(anomsdk.plan(place), place / "plan.json")
    return place


def mixed(place, *, good=2, bad=2, damaged=0):
    """Recordings that can be read, that cannot, and that turn out damaged while they are read."""
    place.mkdir(parents=True, exist_ok=True)
    for i in range(good):
        soundfile.write(place / f"{'aeg'[i]}.wav", noise(30_000, seed=i), RATE, "PCM_16")
    for i in range(bad):
        (place / f"bad{i:02}.wav").write_bytes(b"nothing")
    for i in range(damaged):
        text = "".join(f"{value}\n" for value in noise(40_000, seed=9 + i))
        (place / f"d{i}.csv").write_text(text + "x\n")
    return place


def scored(folder, *names):
    """What each recording scores alone."""
    plan = find_plan(str(folder))
    return {path.name: anomsdk.score(plan, soundfile.read(path, dtype="int16")[0]) for path in names}


@pytest.mark.parametrize(
    "command",
    [
        ("watch", "IN", "--plan", "PLAN"),
        ("score", "IN", "--plan", "PLAN", "--out", "OUT.npz"),
        ("evaluate", "--plan", "PLAN", "--normal", "IN"),
        ("diff", "PLAN", "PLAN", "--corpus", "IN"),
        ("verify", "PLAN", "IN"),
        ("calibrate", "PLAN", "--normal", "IN", "--out", "OUT"),
        ("train", "--normal", "IN", "--spec", "PLAN/spec.toml", "--out", "OUT"),
    ],
)
def test_every_command_names_all_unreadable_files_at_once(folder, tmp_path, command):
    place = mixed(tmp_path / "in", bad=3)
    words = [word.replace("PLAN", str(folder)).replace("IN", str(place)) for word in command]
    done = anomsdk_command(*(word.replace("OUT", str(tmp_path / "out")) for word in words))
    lines = done.stderr.splitlines()
    assert done.status == 2 and done.stdout == ""
    assert [f"bad{i:02}.wav: no wav file; convert or rename it" in line for i, line in enumerate(lines[:3])] == [
        True
    ] * 3
    assert lines[3].startswith("error: 3 inputs cannot be used") and len(lines) == 4
    assert ("--skip-bad leaves them out" in lines[3]) == (command[0] != "verify")
    assert [path.name for path in tmp_path.iterdir()] == ["in"], "nothing is written"


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "--plan", "PLAN", "--normal", "A", "--anomalous", "B"),
        ("diff", "PLAN", "PLAN", "--corpus", "A", "--anomalous", "B"),
        ("verify", "PLAN", "A", "B"),
        ("score", "A", "B", "--plan", "PLAN", "--out", "OUT.npz"),
        ("train", "--normal", "A", "--anomalous", "B", "--spec", "PLAN/spec.toml", "--out", "OUT"),
    ],
)
def test_all_sides_are_named(folder, tmp_path, command):
    mixed(tmp_path / "a", bad=1)
    mixed(tmp_path / "b", bad=2)
    places = {"PLAN": folder, "A": tmp_path / "a", "B": tmp_path / "b"}
    words = [places.get(word, word.replace("PLAN", str(folder))) for word in command]
    done = anomsdk_command(*(str(word).replace("OUT", str(tmp_path / "out")) for word in words))
    lines = done.stderr.splitlines()
    assert done.status == 2 and len(lines) == 4, lines
    for line, name in zip(lines, ("a/bad00.wav", "b/bad00.wav", "b/bad01.wav"), strict=False):
        assert f"{name}: no wav file" in line


def test_damage_behind_headers_is_named_of_all(folder, tmp_path):
    place = mixed(tmp_path / "in", bad=0, damaged=3)
    for command in (
        ("score", place, "--plan", folder, "--out", tmp_path / "out.npz"),
        ("evaluate", "--plan", folder, "--normal", place),
        ("train", "--normal", place, "--spec", folder / "spec.toml", "--out", tmp_path / "out"),
    ):
        done = anomsdk_command(*command)
        lines = done.stderr.splitlines()
        assert done.status == 2 and len(lines) == 4, lines
        assert [f"d{i}.csv" in line for i, line in enumerate(lines[:3])] == [True] * 3
        assert lines[3] == "error: 3 inputs cannot be used; --skip-bad leaves them out"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_many_are_named_shortly(folder, tmp_path):
    done = anomsdk_command("watch", mixed(tmp_path / "in", bad=25), "--plan", folder)
    lines = done.stderr.splitlines()
    assert len(lines) == 22 and lines[19].endswith("bad19.wav: no wav file; convert or rename it")
    assert lines[20:] == ["error: and 5 more", "error: 25 inputs cannot be used; --skip-bad leaves them out"]


def test_one_is_one_line(folder, tmp_path):
    place = mixed(tmp_path / "in", bad=1)
    for command in (("watch", place), ("score", place, "--out", tmp_path / "out.npz")):
        done = anomsdk_command(*command, "--plan", folder)
        assert done.status == 2 and done.stderr.count("\n") == 1
        assert done.stderr.endswith("bad00.wav: no wav file; convert or rename it; --skip-bad leaves it out\n")


def test_watch_leaves_out_and_counts(folder, tmp_path):
    place = mixed(tmp_path / "in", bad=2, damaged=1)
    out = tmp_path / "scores.npy"
    done = anomsdk_command("watch", place, "--plan", folder, "--skip-bad", "--jsonl", "--scores", out)
    assert done.status == 0
    left = [line for line in done.stderr.splitlines() if line.startswith("left out: ")]
    assert [name in line for name, line in zip(("bad00.wav", "bad01.wav", "d0.csv"), left, strict=True)] == [True] * 3
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["left_out"] == 3 and summary["recordings"] == 2, "no damaged one among them"
    alone = scored(folder, place / "a.wav", place / "e.wav")
    assert np.array_equal(np.load(out), np.concatenate(list(alone.values()))), "none of the damaged one"
    text = anomsdk_command("watch", place, "--plan", folder, "--skip-bad").stdout
    assert ", 3 left out: " in text


def test_score_leaves_out_and_counts(folder, tmp_path):
    place = mixed(tmp_path / "in", bad=2, damaged=1)
    (tmp_path / "alone.wav").write_bytes(b"nothing")
    out = tmp_path / "out.npz"
    words = ("score", place, tmp_path / "alone.wav", tmp_path / "missing", "--plan", folder, "--out", out, "--skip-bad")
    done = anomsdk_command(*words, "--jobs", 2)
    assert done.status == 0 and ": 2 recordings, 5 left out, " in done.stdout
    left = [line for line in done.stderr.splitlines() if line.startswith("left out: ")]
    for name, line in zip(("bad00.wav", "bad01.wav", "alone.wav", "missing", "d0.csv"), left, strict=True):
        assert name in line
    found, alone = np.load(out), scored(folder, place / "a.wav", place / "e.wav")
    assert found.files == list(alone) and all(np.array_equal(found[name], alone[name]) for name in alone)


@pytest.mark.parametrize("kinds", [{"bad": 2}, {"bad": 0, "damaged": 2}, {"bad": 1, "damaged": 1}])
def test_nothing_that_can_be_used_is_an_error(folder, tmp_path, kinds):
    place = mixed(tmp_path / "in", good=0, **kinds)
    for command in (("watch", place, "--scores", tmp_path / "out.npy"), ("score", place, "--out", tmp_path / "o.npz")):
        done = anomsdk_command(*command, "--plan", folder, "--skip-bad")
        assert done.status == 2 and "error: " in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_single_input_that_is_bad_is_an_error(folder, tmp_path):
    mixed(tmp_path, good=0, bad=1)
    for command in (("watch", tmp_path / "bad00.wav"), ("score", tmp_path / "bad00.wav", "--out", tmp_path / "o.npz")):
        done = anomsdk_command(*command, "--plan", folder, "--skip-bad")
        assert done.status == 2 and done.stderr.endswith("bad00.wav: no wav file; convert or rename it\n")


def test_damage_without_skipping_ends_the_watch(folder, tmp_path):
    place = mixed(tmp_path / "in", bad=0, damaged=1)
    done = anomsdk_command("watch", place, "--plan", folder, "--scores", tmp_path / "scores.npy")
    assert done.status == 2 and "d0.csv" in done.stderr and done.stderr.endswith("--skip-bad leaves it out\n")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_scores_are_taken_back_whatever_was_written(folder, tmp_path):
    """As many damaged recordings as one likes, first, last and between."""
    plan, out = find_plan(str(folder)), tmp_path / "scores.npy"
    place = mixed(tmp_path / "in", good=2, bad=0, damaged=3)
    with Watch(plan, scores=out) as watch:
        names = ["d0.csv", "a.wav", "d1.csv", "d2.csv", "e.wav", "d0.csv"]
        for name in names:
            (recording,) = watch.open(place / name)
            try:
                list(watch.hear(recording))
            except InputError:
                watch.leave_out()
    alone = scored(folder, place / "a.wav", place / "e.wav")
    assert np.array_equal(np.load(out), np.concatenate(list(alone.values())))
    assert watch.summary().left_out == 4


def test_errors_of_several_calls_are_one_exception():
    def fails(*lines):
        def call():
            raise UnusableInputsError(lines, skippable=len(lines) > 1)

        return call

    def refuses():
        raise InputError("an option")

    assert all_or_none(lambda: 1, lambda: 2) == [1, 2]
    with pytest.raises(InputError, match=r"^a$"):
        all_or_none(lambda: 1, fails("a"), fails("a"))
    with pytest.raises(InputError, match=r"^an option$"):
        all_or_none(refuses, fails("a"))
    with pytest.raises(UnusableInputsError) as caught:
        all_or_none(fails("a"), lambda: 1, fails("b", "c"), fails("a"))
    assert caught.value.lines == ("a", "b", "c") and caught.value.skippable
    assert str(caught.value) == "a (and 2 more inputs that cannot be used)"


@pytest.mark.parametrize(
    "command",
    [
        ("watch", "IN", "--plan", "PLAN"),
        ("score", "IN", "--plan", "PLAN", "--out", "OUT.npz"),
        ("evaluate", "--plan", "PLAN", "--normal", "IN"),
        ("diff", "PLAN", "PLAN", "--corpus", "IN"),
        ("calibrate", "PLAN", "--normal", "IN", "--out", "OUT"),
    ],
)
@pytest.mark.parametrize("skip", [False, True])
def test_where_nothing_can_be_used_skipping_is_no_advice(folder, tmp_path, command, skip):
    place = mixed(tmp_path / "in", good=0, bad=3)
    words = [word.replace("PLAN", str(folder)).replace("IN", str(place)) for word in command]
    words = [word.replace("OUT", str(tmp_path / "out")) for word in words] + ["--skip-bad"] * skip
    done = anomsdk_command(*words)
    assert done.status == 2 and "--skip-bad" not in done.stderr
    assert "4 inputs" not in done.stderr, "files are counted, not the folder"


def test_calibrate_leaves_out_what_turns_out_damaged(folder, tmp_path):
    place = mixed(tmp_path / "in", good=3, bad=1, damaged=2)
    for i in range(3):
        soundfile.write(place / f"{'aeg'[i]}.wav", noise(400_000, seed=i), RATE, "PCM_16")
    refused = anomsdk_command("calibrate", folder, "--normal", place, "--out", tmp_path / "out")
    assert refused.status == 2 and not (tmp_path / "out").exists()
    (place / "bad00.wav").unlink()
    refused = anomsdk_command("calibrate", folder, "--normal", place, "--out", tmp_path / "out")
    assert refused.status == 2 and "2 inputs cannot be used; --skip-bad leaves them out" in refused.stderr
    done = anomsdk_command("calibrate", folder, "--normal", place, "--out", tmp_path / "out", "--skip-bad")
    assert done.status == 0 and done.stderr.count("left out: ") == 2
    assert "of 3 calibration recordings" in done.stdout


def test_a_recording_that_is_left_out_is_none_that_was_heard(folder, tmp_path):
    place = mixed(tmp_path / "in", good=2, bad=0, damaged=1)
    done = anomsdk_command("watch", place, "--plan", folder, "--skip-bad", "--jsonl")
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["recordings"], summary["left_out"]) == (2, 1)
