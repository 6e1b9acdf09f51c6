"""Motion from files through pipelines: gaps reach them, and every command reads the same stream."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import anomsdk
from anomsdk.cli import app as cli
from anomsdk.evaluate.clip_scores import score_clip
from anomsdk.planner.calibration import Calibration, Normalisation, alarm_levels, signal_sections
from anomsdk.planner.front_end import extractor_plan
from anomsdk.planner.planner import plan_from
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.sources import ReadOptions, StreamFormat
from anomsdk.sources.clips import noticed, open_clips
from anomsdk.watch.score_files import score_files
from anomsdk.watch.session import Watch
from tests.support.make import random_layers

SPEC = """
format = 1
name = "collar"
[sensor]
kind = "motion"
rate_hz = 50
axes = 6
counts_per_g = 2048
counts_per_dps = 16
full_scale_g = 16
[features]
kind = "motion"
window_s = 1.28
hop_s = 0.64
[context]
kind = "stack"
frames = 2
[alert]
m = 1
n = 1
off_delay_s = 0
cooldown_s = 0
"""


@pytest.fixture(scope="module")
def plan():
    spec, rng = PipelineSpec.from_toml(SPEC), np.random.default_rng(3)
    n = extractor_plan(spec, None).n_features
    data = write_tflite(random_layers([2 * n, 12, 4, 12, 2 * n], rng))
    model = parse_tflite(data, name="model.tflite")
    calibration = Calibration(
        format=1,
        model_sha256=model.sha256,
        signal=signal_sections(spec),
        features=Normalisation(centre=(0.0,) * n, half_width=(60.0,) * n),
        inputs=None,
        score_weights=(1,) * 2 * n,
        baseline_start=300_000,
        alarm_levels=alarm_levels([rng.integers(0, 40000, 200)]),
        recordings=1,
        hours=0.1,
        provenance={"made_by": "tests"},
    )
    return plan_from(spec, model, calibration)


@pytest.fixture
def walk(tmp_path):
    """A .csv of a minute with 7 s missing, and what it holds in counts."""
    rng, n = np.random.default_rng(5), 3000
    t = np.arange(n) / 50
    rows = np.sin(2 * np.pi * (1 + 0.2 * np.arange(6)) * t[:, None]) + rng.normal(0, 0.1, (n, 6))
    rows[:, 2] += 1
    rows[:, 3:] *= 50
    counts = np.rint(rows * ([2048] * 3 + [16] * 3)).astype(np.int16)
    keep = (np.arange(n) < 1200) | (np.arange(n) >= 1550)
    lines = ["time_ms,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"]
    lines += [f"{20 * k},{','.join(map(str, row))}" for k, row in enumerate(rows) if keep[k]]
    path = tmp_path / "walk.csv"
    path.write_text("\n".join(lines))
    return path, counts[:1200], counts[1550:]


UNIT = ReadOptions(unit="g")


def expected(plan, before, after):
    """Results with the gap said by hand."""
    with anomsdk.Pipeline(plan, "reference") as pipeline:
        found = pipeline.process(before)
        pipeline.gap(350)
        return found, pipeline.process(after)


def test_watch_passes_the_gap_on(plan, walk, tmp_path):
    path, before, after = walk
    first, second = expected(plan, before, after)
    with Watch(plan, "reference", scores=tmp_path / "s.npy") as watch:
        (recording,) = watch.open(path, UNIT)
        alerts = list(watch.hear(recording))
        assert recording.notes == ("1 gap, 7 s missing",)
        assert watch.summary().samples == len(before) + len(after)
    assert np.load(tmp_path / "s.npy").tolist() == [result.score for result in first + second]
    assert [alert.hop for alert in alerts] == [r.hop for r in first + second for event in r.events]


def test_after_a_gap_a_pipeline_is_fresh_but_for_its_count(plan, walk):
    _, before, after = walk
    first, second = expected(plan, before, after)
    framer = plan.framer
    start = -(-(len(before) + 350) // framer.hop) * framer.hop  # the first hop that begins after the gap
    fresh = anomsdk.score(plan, after[start - len(before) - 350 :], "reference").tolist()
    assert [result.score for result in second] == fresh
    assert second[0].hop >= (len(before) + 350) // framer.hop
    assert first and second


def test_score_evaluate_and_train_see_the_gap(plan, walk):
    path, before, after = walk
    first, second = expected(plan, before, after)
    found = score_files(plan, [path], reading=UNIT, engine="reference")["walk.csv"]
    assert found.tolist() == [result.score for result in first + second]
    (clip,) = open_clips(path, StreamFormat.of(plan.sensor, plan.columns), reading=UNIT).clips
    scored = score_clip(plan, clip.blocks(), "walk", "walk", engine="reference")
    pieces = [anomsdk.score(plan, x, "reference") for x in (before, after)]
    assert np.array_equal(scored.scores, np.concatenate(pieces))
    assert list(noticed([clip])) == ["walk.csv: 1 gap, 7 s missing"]


def test_gaps_that_are_none_are_refused(plan):
    blocks = [np.zeros((100, 6), np.int16), -1]
    with pytest.raises(anomsdk.InputError, match="-1 is not a number of samples"):
        list(anomsdk.score_many(plan, [blocks], engine="reference"))


def test_command_line(plan, walk, tmp_path):
    path, *_ = walk
    anomsdk.write_plan(plan, tmp_path / "plan.json")

    def run(*words):
        return CliRunner().invoke(cli.app, [*map(str, words)], prog_name="anomsdk")

    common = ("--plan", tmp_path / "plan.json", "--engine", "reference")
    done = run("watch", path, *common, "--unit", "g")
    assert done.exit_code == 0, done.output
    assert "walk.csv: 1 gap, 7 s missing" in done.output
    assert "heard 0:00:53.0 of motion in 1 recording" in done.output and "at most 1.28 s of motion" in done.output
    done = run("score", path, *common, "--out", tmp_path / "s.npz", "--unit", "g")
    assert done.exit_code == 0, done.output
    columns = "acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
    done = run("score", path, *common, "--out", tmp_path / "t.npz", "--unit=g", "--axes", columns, "--time=time_ms")
    assert (tmp_path / "t.npz").read_bytes() == (tmp_path / "s.npz").read_bytes()
    done = run("score", path, *common, "--out", tmp_path / "u.npz")
    assert done.exit_code == 2 and not (tmp_path / "u.npz").exists()


def test_motion_on_standard_input(plan, walk, monkeypatch):
    path, before, _ = walk
    done = CliRunner()
    monkeypatch.chdir(path.parent)
    anomsdk.write_plan(plan, path.parent / "plan.json")
    line = ["watch", "-", "--plan", "plan.json", "--engine", "reference"]
    found = done.invoke(cli.app, line, input=before.tobytes())
    assert found.exit_code == 0 and "0:00:24.0 of motion" in found.output, found.output
