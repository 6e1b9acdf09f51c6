"""Recordings of `benchmarks.promise_recordings`: what a plan knows certifies nothing, and days off the body are none."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

import anomsdk
from anomsdk.planner.calibration import Calibration
from anomsdk.plans.file import reference_models_folder
from benchmarks import day_recordings, signals
from benchmarks import promise_recordings as bench
from benchmarks.day_recordings import Device
from tests.support.make import ROOT

FOLDER = reference_models_folder() / "audio_scene"
NOISE = np.random.default_rng(0).normal(0, 400, 16_000 * 30).astype(np.int16)


def printed(table: Table) -> str:
    console = Console(file=io.StringIO(), width=300)
    console.print(table)
    return console.file.getvalue()


def row(certify, others, budget="4 alarms/1h") -> str:
    table = Table(*"abcdef")
    plan = bench.with_ladder(FOLDER, budget)
    bench.Recordings(Console(file=io.StringIO()), ROOT)._hours(table, "name", plan, budget, certify, others)
    return printed(table)


@pytest.mark.skipif(not signals.ESC10.exists(), reason="../shared/data is absent: ESC-10 is needed")
def test_recordings_that_trained_or_calibrated_certify_nothing():
    recipe = signals.recipe("audio_scene")
    clips, label, fold = recipe.load(signals.ESC10)
    plan, normal = anomsdk.reference_model("audio_scene"), np.isin(label, recipe.NORMAL)
    for part in (normal & (fold < 4), normal & (fold == 4)):
        assert bench.unknown(plan, [Device("known", list(clips[part]))]) == ([], part.sum())
    other = Device("other", list(clips[~normal][:5]))
    found, left = bench.unknown(plan, [other, Device("known", list(clips[normal][:5]))])
    assert left == 5 and [(device.name, len(device.recordings)) for device in found] == [("other", 5)]
    assert "knows all 3 recordings" in row([Device("known", list(clips[normal][:3]))], [other])


def test_half_a_minute_needs_an_hour_and_many_of_them_certify(monkeypatch):
    assert "needs 0.9 more hours" in row([Device("room", [NOISE])], [])
    plan = bench.with_ladder(FOLDER, "4 alarms/1h")
    monkeypatch.setattr(bench.anomsdk, "score_many", lambda plan, parts: [np.zeros(14_000, np.uint32) for _ in parts])
    found = bench.Level.of(plan, bench.counted(plan, Device("room", [NOISE])))
    assert found == bench.Level(0, 0)  # an hour without any alarm: the lowest rung


@pytest.mark.parametrize("name", ["audio_scene", "cattle_collar", "human_motion"])
def test_reference_models_say_where_rungs_begin(name):
    folder = reference_models_folder() / name
    levels = Calibration.from_file(folder / "calibration.json").alarm_levels
    assert 0 < levels.score_99 <= levels.highest_score
    plan = bench.with_ladder(folder, "1 alarm-day/30d")
    scores = plan.ladder.raise_scores.astype(float)
    assert scores[0] >= levels.score_99 and scores[-1] > levels.highest_score
    ratios = scores[1:] / scores[:-1]
    assert ratios.min() > 1.05 and ratios.max() < 1.21
    assert anomsdk.plan(folder) == anomsdk.reference_model(name)  # without the section nothing changes


def test_a_calibration_without_the_key_is_read_and_a_ladder_says_what_is_missing(tmp_path):
    import json
    import shutil

    old = tmp_path / "old"
    shutil.copytree(FOLDER, old)
    tree = json.loads((old / "calibration.json").read_text())
    del tree["alarm_levels"]["score_99"]
    (old / "calibration.json").write_text(json.dumps(tree))
    assert anomsdk.plan(old).id == anomsdk.reference_model("audio_scene").id
    with pytest.raises(anomsdk.InputError, match=r"calibration\.json: was written before it said where rungs begin"):
        bench.with_ladder(old, "1 alarm-day/30d")


def test_days_off_the_body_are_no_days(tmp_path, monkeypatch):
    """Three days of one person, the second one with 5 hours without movement; a missing minute ends a recording."""
    x = np.ones((3 * 1440, 1), np.int32)
    x[1440 + 600 : 1440 + 900] = 0
    x[2 * 1440 + 700] = -1
    arrays = {"x": x, "offsets": [0, len(x)], "t0": [10 * 86_400], "step_s": 60, "subject": ["one"]}
    np.savez(tmp_path / "days.npz", **arrays)
    monkeypatch.setattr(day_recordings, "DATA", tmp_path)
    (person,) = day_recordings.day_recordings("days.npz")
    assert [len(rows) for rows in person.recordings] == [96, 46, 49]
    assert person.recordings[0][0].tolist() == [(256 * 4), 1000, 0, 1000]
