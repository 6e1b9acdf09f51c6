"""Engines reference and tflite give the same results, whatever the plan and the stream."""

import dataclasses
import os
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk.core.rung import levels
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from benchmarks import signals
from tests.support.graphs import model_with_edges
from tests.support.make import (
    FOLLOWED,
    OF_ROWS,
    SPECS,
    lively,
    make_ad01,
    make_folder,
    noise,
    random_layers,
    without_missing,
)


def results(plan, engine, x, cuts=()):
    with anomsdk.Pipeline(plan, engine) as pipeline:
        return [r for part in np.split(x, cuts) for r in pipeline.process(part)]


@pytest.mark.parametrize("baseline", [False, True])
@pytest.mark.parametrize("kind", SPECS)
def test_noise(plans, following, kind, baseline, tflite):
    plan = (following if baseline else plans)[kind]
    x = without_missing(plan, noise(500 if kind in OF_ROWS else 60_000, columns=plan.columns))
    reference = results(plan, "reference", x)
    assert reference == results(plan, "tflite", x)
    for engine in anomsdk.runtime.engines.ENGINES:
        assert anomsdk.score(plan, x, engine).tolist() == [r.score for r in reference]


@given(
    kind=st.sampled_from(sorted(FOLLOWED)),
    seed=st.integers(0, 99),
    frames=st.integers(1, 7),
    stride=st.integers(1, 4),
    raise_score=st.integers(1, 2_000_000),
    baseline_s=st.sampled_from([0, 0.01, 1, 1000]),
    hold_s=st.sampled_from([0, 0.01, 0.3]),
    shape=st.sampled_from(["noise", "square", "silence", "most negative", "impulses"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_plan_and_stream(
    tmp_path_factory, tflite, kind, seed, frames, stride, raise_score, baseline_s, hold_s, shape
):
    text = re.sub(r"frames = \d+\nstride = \d+", f"frames = {frames}\nstride = {stride}", SPECS[kind])
    score = f"[score]\nbaseline_s = {baseline_s}\nbaseline_hold_s = {hold_s}"
    text = text.replace("[alert]", f"{score}\n[alert]\nraise_score = {raise_score}")
    plan = anomsdk.plan(make_folder(tmp_path_factory.mktemp("plan"), text, seed=seed))
    n = 200 if kind in OF_ROWS else 12_000
    x = {
        "noise": noise(n, seed=seed, columns=plan.columns),
        "square": np.where(np.arange(n) // 40 % 2, 32767, -32768).astype(np.int16),
        "silence": np.zeros(n, np.int16),
        "most negative": np.full(n, -32768, np.int16),
        "impulses": np.where(np.arange(n) % 997 == 0, 32767, 0).astype(np.int16),
    }[shape]
    if x.ndim < 2 and plan.columns > 1:
        x = np.repeat(x[:, None], plan.columns, axis=1)
    reference = results(plan, "reference", x)
    assert reference == results(plan, "tflite", x)
    assert len(reference) == plan.ticks_in(n)


@given(
    raise_scores=st.lists(st.integers(1, 300_000) | st.integers(1, 2**32 - 1), min_size=2, max_size=3),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_alarm_level_changes_a_score(following, tflite, raise_scores, seed):
    """What freezes the baseline is the plan's reference, not the alarm that a device raises."""
    plan, x = following["external"], noise(300, seed=seed, columns=following["external"].columns)
    found = set()
    for raise_score in raise_scores:
        other = dataclasses.replace(plan, levels=levels(raise_score, plan.timing))
        assert other.score_id == plan.score_id
        found |= {
            tuple(each.score for each in results(other, engine, x)) for engine in ("reference", "native", "tflite")
        }
    assert len(found) == 1


@pytest.mark.parametrize("kind", SPECS)
def test_alarms_at_any_level_leave_scores_alone(following, kind):
    """On a stream that raises alarms at the reference and at other levels, and freezes the baseline."""
    plan, x = following[kind], lively(following[kind])
    plans = [dataclasses.replace(plan, levels=levels(score, plan.timing)) for score in (1, 60_000, 10**6, 2**32 - 1)]
    expected = anomsdk.score(plan, x, "reference").tolist()
    free = dataclasses.replace(plan.baseline, reference_score=2**32 - 1)
    assert expected != anomsdk.score(dataclasses.replace(plan, baseline=free), x, "reference").tolist()
    for engine in ("reference", "native"):
        n_events = set()
        for each in plans:
            with anomsdk.Pipeline(each, engine) as pipeline:
                every = pipeline.process(x)
            assert [result.score for result in every] == expected
            n_events.add(sum(len(result.events) for result in every))
        assert len(n_events) > 1


@pytest.mark.parametrize(
    ("input_type", "output_type"), [("float32", "float32"), ("uint8", "uint8"), ("int8", "float32")]
)
def test_models_with_other_edges(plans, tmp_path, tflite, input_type, output_type):
    """QUANTIZE and DEQUANTIZE at the edges are undone exactly by the engine."""
    plan = plans["external"]
    layers = random_layers([18, 9, 18], np.random.default_rng(5))
    layers[0] = dataclasses.replace(layers[0], input_zero_point=3)
    layers[-1] = dataclasses.replace(layers[-1], output_zero_point=-7, output_scale=float(np.float32(0.061)))
    data = model_with_edges(layers, input_type, output_type)
    folder = make_folder(tmp_path / "edges", SPECS["external"].replace("[alert]", "[alert]\nraise_score = 9"))
    (folder / "model.tflite").write_bytes(data)
    (folder / "calibration.json").unlink()
    (folder / "spec.toml").write_text(
        (folder / "spec.toml")
        .read_text()
        .replace("n_features = 6", 'n_features = 6\nnormalisation = "model"\ncounts_per_unit = 1000')
    )
    plan = anomsdk.plan(folder)
    assert (plan.model.input.type, plan.model.output.type) == (input_type, output_type)
    assert plan.score.shift > 0
    rows = np.random.default_rng(1).integers(-128, 128, (500, 18)).astype(np.int8)
    assert (anomsdk.reconstruct(plan, rows) == anomsdk.reconstruct(plan, rows, engine="tflite")).all()
    x = noise(300, columns=6)
    assert results(plan, "reference", x) == results(plan, "tflite", x)


@pytest.mark.skipif(not signals.AD01.exists(), reason="../shared/data/mlperf_tiny is absent: ad01 not run")
def test_ad01_imports_and_runs(tmp_path, tflite):
    plan = make_ad01(tmp_path, signals.AD01)
    assert plan.macs == 264_192
    x = noise(40_000)
    assert results(plan, "reference", x) == results(plan, "tflite", x)
    inputs = anomsdk.features(plan, x).reshape(-1, 5, 128)
    from benchmarks.fidelity import librosa_levels

    expected = np.round(librosa_levels(x, 1024, 512, 128) / 0.39101523 + 89).clip(-128, 127)
    assert np.abs(inputs[0] - expected[:5]).max() <= 1  # a level at a rounding edge may fall to either side


def test_the_model_must_be_the_planned_one(plans, tmp_path, tflite):
    folder = make_folder(tmp_path / "x", SPECS["external"])
    plan = anomsdk.plan(folder)
    data = bytearray((folder / "model.tflite").read_bytes())
    data[-1] ^= 1
    (folder / "model.tflite").write_bytes(data)
    with pytest.raises(anomsdk.InputError, match="not the model of this plan"):
        anomsdk.Pipeline(plan, "tflite")
    (folder / "model.tflite").unlink()
    with pytest.raises(anomsdk.InputError, match=r"no such file; put the model there, or use `engine="):
        anomsdk.Pipeline(plan, "tflite")
    anomsdk.Pipeline(plan, "reference").close()
    os.mkfifo(folder / "fifo")
    words = {
        "/dev/zero": "leads out",
        "..": "leads out",
        "fifo": "cannot be read: not a regular",
        "\0": "no usable path",
    }
    for place, refusal in words.items():
        elsewhere = dataclasses.replace(plan, provenance={"model_file": place})
        with pytest.raises(anomsdk.InputError, match=refusal):
            anomsdk.Pipeline(elsewhere, "tflite")
    with pytest.raises(anomsdk.InputError, match="not read from a folder"):
        anomsdk.Pipeline(dataclasses.replace(plan, folder=None), "tflite")


def test_a_model_file_below_the_folder_is_found(tmp_path, tflite):
    """In a folder of its own, and through a link that stays inside."""
    spec = SPECS["external"].replace("[alert]", '[model]\nfile = "models/linked.tflite"\n[alert]')
    folder = make_folder(tmp_path / "a", spec)
    (folder / "models").mkdir()
    (folder / "model.tflite").rename(folder / "models" / "b.tflite")
    (folder / "models" / "linked.tflite").symlink_to("b.tflite")
    anomsdk.write_plan(anomsdk.plan(folder), folder / "plan.json")
    x = noise(100, columns=6)
    plan = anomsdk.read_plan(folder / "plan.json")
    assert results(plan, "reference", x) == results(plan, "tflite", x)


@pytest.mark.parametrize(
    "name", ["../b.tflite", "models/../../b.tflite", "ABSOLUTE", "linked.tflite", "linked/b.tflite"]
)
def test_a_model_file_elsewhere_is_refused(tmp_path, tflite, name):
    """By the planner, by the engine, and by calibrate, which copies it: a plan of others names no file of mine."""
    name = name.replace("ABSOLUTE", str(tmp_path / "b.tflite"))
    folder = make_folder(tmp_path / "a", SPECS["external"])
    good = anomsdk.plan(folder)
    (folder / "model.tflite").rename(tmp_path / "b.tflite")
    (folder / "linked.tflite").symlink_to(tmp_path / "b.tflite")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "spec.toml").write_text(SPECS["external"].replace("[alert]", f'[model]\nfile = "{name}"\n[alert]'))
    with pytest.raises(anomsdk.InputError, match=r"model.file is '.*leads out of the folder; put the file into the"):
        anomsdk.plan(folder)
    with pytest.raises(anomsdk.InputError, match=r"model_file is '.*leads out of the folder; put the file into the"):
        anomsdk.Pipeline(dataclasses.replace(good, provenance={"model_file": name}), "tflite")
    with pytest.raises(anomsdk.InputError, match=r"model\.file is "):
        anomsdk.train.calibrate(folder, [noise(900, columns=6)], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_plan_whose_layers_are_another_models_is_noticed(plans, tmp_path, tflite):
    other = anomsdk.plan(make_folder(tmp_path / "o", SPECS["external"], seed=9))
    mixed = dataclasses.replace(plans["external"], model=other.model, folder=other.folder)
    mixed.check()
    with pytest.raises(anomsdk.InputError, match="does not compute what the plan's layers say"):
        anomsdk.Pipeline(mixed, "tflite")


def test_unknown_engine(plans):
    with pytest.raises(anomsdk.InputError, match="engine 'magic' is unknown; choose from reference, tflite"):
        anomsdk.Pipeline(plans["bands"], "magic")


def test_writer_round_trip_gives_the_same_plan(plans):
    model = parse_tflite((plans["bands"].folder / "model.tflite").read_bytes(), name="m")
    assert write_tflite(model.layers) == (plans["bands"].folder / "model.tflite").read_bytes()
