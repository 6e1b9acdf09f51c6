"""Parts of files wherever a command takes recordings: what is chosen, divided and said."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import anomsdk
from tests.support.command_line import anomsdk_command
from tests.support.files_mutants import COLLAR
from tests.support.make import make_folder

HZ, N = 50, 400
TAKE_RECORDINGS = ("watch", "score", "train", "calibrate", "evaluate", "diff", "verify")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A plan, the rows of two cows in one table, and the same as recordings of an .npz."""
    folder = tmp_path_factory.mktemp("commands")
    anomsdk.write_plan(anomsdk.plan(make_folder(folder / "plan", COLLAR)), folder / "plan" / "plan.json")
    x = np.random.default_rng(3).normal([0, 0, 1], 0.1, (2, N, 3)).round(4)
    lines = [f"{cow},{k / HZ:.2f},{a},{b},{c}" for cow in (0, 1) for k, (a, b, c) in enumerate(x[cow].tolist())]
    (folder / "herd.csv").write_text("cow,time_s,ax_g,ay_g,az_g\n" + "\n".join(lines))
    np.savez(folder / "herd.npz", x=x.reshape(-1, 3), fs=HZ, unit="g", offsets=[0, N, 2 * N], cow=[0, 1])
    return folder


@pytest.mark.parametrize("command", TAKE_RECORDINGS)
@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_help_says_how_a_part_is_chosen(command, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    ended = anomsdk_command(command, "--help")
    assert max(map(len, ended.stdout.splitlines())) <= int(columns)
    text = " ".join(ended.stdout.split())
    assert "FILE.npz:KEY=VALUE,... takes only recordings whose array KEY has one of the values" in text
    assert "KEY!=VALUE the others; FILE.csv:KEY=VALUE takes rows by a column." in text
    assert all(
        re.search(rf"{option}\b", text) for option in ("--rate HZ", "--where KEY=VALUE", "--by NAME", "--devices D")
    )


def scored(place, tmp_path, *arguments):
    ended = anomsdk_command("score", *arguments, "--plan", place / "plan", "--out", tmp_path / "s.npz", "--jobs", 1)
    assert ended.status == 0, ended.stderr
    with np.load(tmp_path / "s.npz") as scores:
        return {name: scores[name].tolist() for name in scores.files}


def test_a_table_and_an_npz_give_the_same_scores(place, tmp_path):
    by = scored(place, tmp_path, place / "herd.csv", "--by", "cow")
    apart = scored(place, tmp_path, place / "herd.npz")
    assert list(by) == ["herd.csv[cow=0]", "herd.csv[cow=1]"] and list(apart) == ["herd.npz[0]", "herd.npz[1]"]
    assert list(by.values()) == list(apart.values())
    assert by["herd.csv[cow=0]"] and by["herd.csv[cow=0]"] != by["herd.csv[cow=1]"]
    for chosen in ("cow=1", "cow!=0", "cow=true", "cow!=false"):
        for found in (
            scored(place, tmp_path, f"{place / 'herd.csv'}:{chosen}"),
            scored(place, tmp_path, place / "herd.csv", "--where", chosen),
            scored(place, tmp_path, f"{place / 'herd.npz'}:{chosen}"),
            scored(place, tmp_path, place / "herd.npz", "--where", chosen),
        ):
            assert list(found.values()) == [by["herd.csv[cow=1]"]]


def test_watch_and_verify(place):
    ended = anomsdk_command("watch", f"{place / 'herd.npz'}:cow!=0", "--plan", place / "plan", "--jsonl")
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert ended.status == 0 and summary["samples"] == N
    ended = anomsdk_command("verify", place / "plan", f"{place / 'herd.csv'}:cow=1", "--hops", 1)
    assert ended.status == 0, ended.stderr


def test_evaluate_and_diff(place):
    sides = "--normal", f"{place / 'herd.csv'}:cow=0", "--anomalous", f"{place / 'herd.npz'}:cow!=0"
    ended = anomsdk_command("evaluate", "--plan", place / "plan", *sides, "--by", "cow", "--jobs", 1)
    assert ended.status == 2 and "--by: " in ended.stderr and "is no table" in ended.stderr
    ended = anomsdk_command("evaluate", "--plan", place / "plan", *sides, "--json", "--jobs", 1)
    assert ended.status == 0, ended.stderr
    sides = "--normal", f"{place / 'herd.csv'}:cow=0", "--anomalous", f"{place / 'herd.csv'}:cow=1"
    by = anomsdk_command(
        "evaluate", "--plan", place / "plan", *sides, "--by", "cow", "--label", "cow", "--json", "--jobs", 1
    )
    assert by.status == 0, by.stderr
    labels = json.loads(by.stdout)["labels"]
    assert (labels["keys"], [each["label"] for each in labels["normal"]]) == (["cow"], ["0"])
    corpus = "--corpus", place / "herd.csv", "--by", "cow", "--jobs", 1
    ended = anomsdk_command("diff", place / "plan", place / "plan", *corpus)
    assert ended.status == 0 and "passed" in ended.stdout, ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("watch", "{}", "--plan", "plan"),
        ("score", "{}", "--plan", "plan", "--out", "out.npz"),
        ("train", "--normal", "{}", "--spec", "plan/spec.toml", "--out", "out"),
        ("calibrate", "plan", "--normal", "{}", "--out", "out"),
        ("evaluate", "--plan", "plan", "--normal", "{}"),
        ("diff", "plan", "plan", "--corpus", "{}"),
        ("verify", "plan", "{}", "--hops", "1"),
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize(
    "source, line",
    [
        ("herd.npz:cow=7", "error: herd.npz: no cow is 7; there is 0, 1"),
        (
            "herd.npz:cow",
            "error: herd.npz:cow: cow is no condition; write file.npz:key=value,value or file.npz:key!=value",
        ),
        ("herd.csv:cow=7", "error: herd.csv: no cow is 7; there is 0, 1"),
        (
            "herd.csv",
            "error: herd.csv: times go back where cow becomes 1: rows of several; divide them with --by cow, or choose one "
            "with --where cow=1",
        ),
    ],
)
def test_every_command_refuses_in_the_same_line(place, monkeypatch, arguments, source, line):
    monkeypatch.chdir(place)
    ended = anomsdk_command(*(each.format(source) for each in arguments))
    assert (ended.status, ended.stderr.strip().removesuffix("; --skip-bad leaves it out")) == (2, line)
    assert not (place / "out").exists() and not (place / "out.npz").exists()
