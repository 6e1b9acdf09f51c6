"""The shipped model on the recordings that it was made from, where they are at hand."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

import anomsdk
from benchmarks import signals
from tests.make import ROOT

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
        pieces = anomsdk.train.prepare.without_constant(clip[:, None], 1600)
        with anomsdk.Pipeline(plan) as pipeline:
            for piece in pieces:
                pipeline.reset()
                assert not any(result.events for result in pipeline.process(piece[:, 0]))
    best = [np.array([anomsdk.score(plan, clip).max() for clip in part]) for part in (normal, events)]
    auc = (best[1][:, None] > best[0][None]).mean()
    assert auc > 0.8


@needs_data
def test_the_recipe_makes_a_folder_that_works(tmp_path):
    """Same numbers need the same environment: here only that it runs, and that the result is as good."""
    copy = tmp_path / "models" / "x" / "audio_scene"
    shutil.copytree(FOLDER, copy)
    (copy / "plan.json").unlink()
    subprocess.run([sys.executable, copy / "recipe.py", signals.ESC10], cwd=ROOT, check=True, capture_output=True)
    made, shipped = anomsdk.read_plan(copy / "plan.json"), anomsdk.reference_model("audio_scene")
    assert made.macs == shipped.macs
    assert 0.5 < made.levels.raise_score / shipped.levels.raise_score < 2
