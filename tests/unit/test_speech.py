"""Features that can carry speech need the spec's permission; the plan says so, and no integer knows of it."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

import anomsdk
from anomsdk.planner.calibration import Calibration, signal_sections
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.speech import check_speech
from anomsdk.plans.describe import as_text, describe
from anomsdk.plans.file import parse_plan
from anomsdk.plans.lookup import find_plan
from anomsdk.plans.speech import speech_remark
from anomsdk.train.training_run import spec_digest
from tests.support.make import EXTERNAL, MOTION, SPECS, make_folder, noise

PERMITTED = "allow_speech_features = true\n"
ALLOWED = "these features can carry speech: allowed by the spec"
NOT_NOTED = "these features can carry speech: the plan notes no permission"


def without(text):
    assert PERMITTED in text
    return text.replace(PERMITTED, "")


def bands_of(n_bands, hops, *, rate=16000, hop=256, fft=512):
    text = without(SPECS["bands"]).replace("rate_hz = 16000", f"rate_hz = {rate}")
    text = text.replace("hop_length = 256", f"hop_length = {hop}").replace("fft_length = 512", f"fft_length = {fft}")
    text = text.replace("n_bands = 16", f"n_bands = {n_bands}").replace("fmax_hz = 7500", f"fmax_hz = {rate * 0.4}")
    return PipelineSpec.from_toml(text.replace("band_ms = 64", f"band_hops = {hops}"))


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        (bands_of(16, 16), None),  # 70.3 a second: the shipped model
        (bands_of(16, 15), "75.0"),
        (bands_of(4, 16, rate=48000, hop=1000, fft=4096), None),  # 18 a second
        (bands_of(4, 4, rate=48000, hop=1000, fft=4096), None),  # 72 a second, the limit itself
        (bands_of(5, 4, rate=48000, hop=1000, fft=4096), "84.0"),
        (bands_of(64, 1, hop=256, fft=4096), "4125.0"),
        (bands_of(1, 1, rate=8000, hop=64, fft=64), "375.0"),
    ],
)
def test_bands_above_72_values_a_second_need_a_permission(spec, values):
    if values is None:
        check_speech(spec)
        return
    with pytest.raises(anomsdk.InputError) as refused:
        check_speech(spec)
    line = str(refused.value)
    assert line.startswith("features: ") and f"{values} values a second" in line and "\n" not in line
    assert "the limit is 72" in line and "permit them with allow_speech_features = true in [features]" in line
    assert "fewer n_bands or a longer band_ms" in line


@pytest.mark.parametrize("change", [("", ""), ("n_mels = 40", "n_mels = 1"), ("hop_length = 256", "hop_length = 512")])
def test_log_mels_need_a_permission_at_any_rate(change):
    spec = PipelineSpec.from_toml(without(SPECS["logmel"]).replace(*change))
    with pytest.raises(anomsdk.InputError, match=r"log-mels can carry speech at any rate, here [\d.]+ values a second"):
        check_speech(spec)


@pytest.mark.parametrize("text", [MOTION, EXTERNAL, EXTERNAL.replace("n_features = 6", "n_features = 128")])
def test_rows_and_motion_are_not_judged(text):
    check_speech(PipelineSpec.from_toml(text))
    with pytest.raises(anomsdk.InputError, match="allow_speech_features: unknown key"):
        PipelineSpec.from_toml(text.replace("[context]", PERMITTED + "[context]"))


@pytest.mark.parametrize("kind", ["bands", "logmel"])
def test_a_permission_is_noted_and_in_no_id(tmp_path, plans, kind):
    """The calibration of a folder without the key serves one with it: it is no part of what was learnt."""
    plan = plans[kind]
    assert plan.provenance["allow_speech_features"] == "true" and speech_remark(plan) == ALLOWED
    bare = dataclasses.replace(plan, provenance={"model_file": "model.tflite"})
    bare = parse_plan(bare.canonical_bytes, name="written by an earlier version")
    assert (bare.id, bare.score_id) == (plan.id, plan.score_id)
    assert speech_remark(bare) == NOT_NOTED and NOT_NOTED in as_text(describe(bare))
    folder = make_folder(tmp_path / "a", SPECS[kind])
    assert anomsdk.plan(folder).id == plan.id
    (folder / "spec.toml").write_text(without(SPECS[kind]))
    with pytest.raises(anomsdk.InputError, match="can carry speech"):
        anomsdk.plan(folder)


def test_sections_and_digests_are_those_of_a_spec_without_the_key():
    """Folders of an earlier version are still planned, and still known as trained from their spec."""
    with_key, bare = PipelineSpec.from_toml(SPECS["bands"]), PipelineSpec.from_toml(without(SPECS["bands"]))
    assert with_key != bare
    assert signal_sections(with_key) == signal_sections(bare)
    assert set(signal_sections(bare)["features"]) == {
        "kind", "fft_length", "hop_length", "fmin_hz", "fmax_hz", "n_bands", "band_ms", "normalisation"
    }  # fmt: skip
    assert spec_digest(with_key) == spec_digest(bare)


def test_a_permission_that_is_not_needed_is_not_noted(tmp_path):
    """And one that a calibration claims is not handed on: only the spec permits."""
    coarse = SPECS["bands"].replace("band_ms = 64", "band_ms = 256")
    folder = make_folder(tmp_path / "room", coarse)
    path = folder / "calibration.json"
    tree = json.loads(path.read_text())
    tree["provenance"] |= {"allow_speech_features": "true", "rounded": "no"}
    path.write_text(json.dumps(tree))
    assert Calibration.from_file(path).provenance["allow_speech_features"] == "true"
    plan = anomsdk.plan(folder)
    assert not {"allow_speech_features", "rounded"} & set(plan.provenance) and speech_remark(plan) is None
    assert "speech" not in describe(plan)["features"] and describe(plan)["features"]["values_per_s"] == 70.312


def test_training_and_calibrating_refuse_before_any_work(tmp_path):
    text = without(SPECS["bands"])

    def recordings():
        raise AssertionError("a recording was asked for")
        yield

    with pytest.raises(anomsdk.InputError, match="can carry speech"):
        anomsdk.train.fit(PipelineSpec.from_toml(text), recordings(), out=tmp_path / "out")
    (tmp_path / "spec.toml").write_text(text)
    with pytest.raises(anomsdk.InputError, match="can carry speech"):
        anomsdk.train.fit_from(tmp_path / "spec.toml", tmp_path / "there are none", tmp_path / "out")
    folder = make_folder(tmp_path / "room", text)
    with pytest.raises(anomsdk.InputError, match="can carry speech"):
        anomsdk.train.calibrate(folder, recordings(), out=tmp_path / "out", normalisation=True)
    assert not (tmp_path / "out").exists()


def test_commands_say_it_or_refuse(tmp_path):
    """A log-mel plan whose provenance is silent is watched and inspected all the same, and said to carry speech."""
    folder = make_folder(tmp_path / "machine", SPECS["logmel"])
    plan = dataclasses.replace(anomsdk.plan(folder), provenance={"model_file": "model.tflite"})
    anomsdk.write_plan(plan, folder / "plan.json")
    np.save(tmp_path / "a.npy", noise(8000))

    def command(*arguments):
        line = [sys.executable, "-m", "anomsdk", *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)

    assert speech_remark(find_plan(str(folder))) == NOT_NOTED
    assert command("watch", "a.npy", "--plan", folder).stdout.splitlines()[0] == NOT_NOTED
    assert NOT_NOTED in command("inspect", folder).stdout
    (folder / "spec.toml").write_text(without(SPECS["logmel"]))
    before = (folder / "plan.json").read_bytes()
    done = command("plan", folder)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "2500.0 values a second" in done.stderr
    assert (folder / "plan.json").read_bytes() == before
