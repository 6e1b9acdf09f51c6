"""The shipped model on the recordings that it was made from, where they are at hand."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

import anomsdk
from anomsdk.sources.clips import clip_from_array, pieces
from benchmarks import signals
from tests.support.make import ROOT

FOLDER = ROOT / "reference_models" / "audio_scene"
needs_data = pytest.mark.skipif(not signals.ESC10.exists(), reason="../shared/data is absent: ESC-10 is needed")


def test_the_shipped_plan_is_what_its_folder_plans_to():
    plan = anomsdk.reference_model("audio_scene")
    assert anomsdk.plan(FOLDER) == plan
    assert plan.macs <= 30_000
    assert plan.samples_per_tick == 4096 and plan.extractor.hops_per_frame * plan.framer.hop == 4096
    assert plan.extractor.filterbank.n_bands <= 16


@needs_data
def test_no_alarm_on_the_calibration_fold_and_events_stand_out():
    recipe = signals.recipe("audio_scene")
    clips, label, fold = recipe.load(signals.ESC10)
    plan = anomsdk.reference_model("audio_scene")
    normal = clips[np.isin(label, recipe.NORMAL) & (fold == 4)]
    events = clips[~np.isin(label, recipe.NORMAL) & (fold == 4)]
    for clip in normal:
        with anomsdk.Pipeline(plan) as pipeline:
            for piece in pieces(clip_from_array("clip", 0, clip)):
                pipeline.reset()
                assert not any(result.events for result in pipeline.process(piece))
    best = [np.array([anomsdk.score(plan, clip).max() for clip in part]) for part in (normal, events)]
    auc = (best[1][:, None] > best[0][None]).mean()
    assert auc > 0.8


@needs_data
def test_the_recipe_makes_a_folder_that_works(tmp_path):
    """On some of the recordings, so that it takes a minute: it runs, and what it makes tells events from scenes."""
    copy = tmp_path / "models" / "x" / "audio_scene"
    shutil.copytree(FOLDER, copy)
    for name in ("plan.json", "model.tflite", "calibration.json"):
        (copy / name).unlink()
    with np.load(signals.ESC10, allow_pickle=False) as archive:
        x, label, fold = archive["x"], archive["label"], archive["fold"]
    some = np.concatenate([np.flatnonzero((label == s) & (fold == f))[:3] for s in np.unique(label) for f in (1, 2, 4)])
    np.savez(tmp_path / "some.npz", x=x[some], label=label[some], fold=fold[some])
    run = subprocess.run([sys.executable, copy / "recipe.py", tmp_path / "some.npz"], cwd=ROOT, capture_output=True)
    assert run.returncode == 0, run.stderr
    made = anomsdk.read_plan(copy / "plan.json")
    assert anomsdk.plan(copy) == made and made.macs <= 30_000
    recipe = signals.recipe("audio_scene")
    clips, label, fold = recipe.load(tmp_path / "some.npz")
    best = [
        np.array(
            [anomsdk.score(made, clip).max() for clip in clips[(np.isin(label, recipe.NORMAL) == side) & (fold == 4)]]
        )
        for side in (True, False)
    ]
    assert (best[1][:, None] > best[0][None]).mean() > 0.8


@pytest.mark.skipif(not signals.AD01.exists(), reason="../shared/data is absent: ad01 is needed")
def test_the_spec_for_mlperf_tiny_plans_its_model(tmp_path):
    shutil.copy(ROOT / "reference_models" / "mlperf_tiny_ad" / "spec.toml", tmp_path)
    shutil.copy(signals.AD01, tmp_path)
    plan = anomsdk.plan(tmp_path)
    assert (plan.macs, plan.n_inputs, plan.name) == (264_192, 640, "mlperf_tiny_ad")
    assert len(anomsdk.score(plan, np.zeros(16_000, np.int16))) == plan.ticks_in(16_000) == 26
