"""The planner against tests/support/planned.py, which knows docs/spec.md only: every integer of a plan is equal."""

import ast
import dataclasses
import json
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk.core.context import STATISTICS
from anomsdk.plans.tflite.reader import read_tflite
from anomsdk.plans.tflite.writer import write_tflite
from tests import scalar
from tests.parity.test_scalar import spec_texts
from tests.support import planned
from tests.support.make import FOLLOWED, FOLLOWING, ROOT, SPECS, make_folder, random_layers

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHIPPED_DAYS = ("cattle_days", "person_days")
AD01 = ROOT.parent / "shared/data/mlperf_tiny/ad01_int8.tflite"


def from_the_page(folder):
    spec = tomllib.loads((folder / "spec.toml").read_text())
    path = folder / "calibration.json"
    calibration = json.loads(path.read_text()) if path.exists() else None
    return planned.planned(spec, calibration, read_tflite(folder / spec.get("model", {}).get("file", "model.tflite")))


def assert_same(found, page, where=""):
    """Names the integer that differs."""
    if isinstance(page, dict):
        assert isinstance(found, dict) and found.keys() == page.keys(), where
        for key, value in page.items():
            assert_same(found[key], value, f"{where}.{key}")
    else:
        assert found == page, where


def integers(data):
    plan = scalar.decoded(scalar.read(data))
    return {key: value for key, value in plan.items() if key not in ("provenance", "sha256")}


def test_it_knows_the_page_only():
    tree = ast.parse((ROOT / "tests/support/planned.py").read_text())
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"__future__", "math", "struct", "itertools", "typing", "tests.scalar"}
    assert "anomsdk" not in {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("name", ["audio_scene", "human_motion", "cattle_collar"])
def test_reference_models_as_they_are_shipped(name):
    folder = ROOT / "reference_models" / name
    assert_same(integers((folder / "plan.json").read_bytes()), from_the_page(folder))


def test_every_shipped_plan_is_compared():
    shipped = {path.parent.name for path in (ROOT / "reference_models").glob("*/plan.json")}
    assert shipped == {"audio_scene", "human_motion", "cattle_collar", *SHIPPED_DAYS}


@pytest.mark.parametrize("name", SHIPPED_DAYS)
def test_reference_models_of_days(name):
    """All but the alarm, the health and the ladder, which other tests hold."""
    folder = ROOT / "reference_models" / name
    found = integers((folder / "plan.json").read_bytes())
    supervised = {section: found.pop(section) for section in ("alarm", "health", "ladder", "promises")}
    assert all(supervised.values())
    assert_same(found, from_the_page(folder))


DAYS = {
    "as it is": "",
    "slots of 15 minutes": "slot_s = 900",
    "one judged column": 'judged = ["steps"]',
    "two in another order": 'judged = ["steps", "activity"]',
    "times that fall between slots": "profile_hold_days = 0.6\nmissing_h = 5.9\noff_body_h = 4.1\nmature_days = 14",
    "nothing is off the body": "off_body_h = 0\nmissing_h = 0",
    "a smaller largest": 'columns = [{name = "activity", largest = 600}, {name = "steps", largest = 16384}]',
}


@pytest.mark.parametrize("name", DAYS)
def test_days(tmp_path, name):
    keys = [line.partition(" = ")[0] for line in DAYS[name].splitlines()]
    lines = [line for line in SPECS["days"].splitlines() if line.partition(" = ")[0] not in keys]
    for line in DAYS[name].splitlines():
        section = "[sensor]" if line.startswith(("slot_s", "columns")) else "[features]"
        lines.insert(lines.index(section) + 1, line)
    folder = make_folder(tmp_path, "\n".join(lines) + "\n")
    path = folder / "calibration.json"
    tree = json.loads(path.read_text())
    tree["score_tails"] = [1.0, 12345.678, 4_000_000.5, 77.25]
    tree["group_levels"] = {name: 3.5 * code**2 for code, name in planned.NAMES.items()}
    path.write_text(json.dumps(tree))
    assert_same(integers(anomsdk.plan(folder).canonical_bytes), from_the_page(folder))


@pytest.mark.parametrize("model", ["generated", "ad01"])
def test_mlperf_tiny_ad(tmp_path, model):
    text = (ROOT / "reference_models/mlperf_tiny_ad/spec.toml").read_text()
    make_folder(tmp_path, text)
    (tmp_path / "calibration.json").unlink()
    source = tmp_path / "model.tflite"
    if model == "ad01":
        if not AD01.exists():
            pytest.skip("the model of MLPerf Tiny is not part of the package; the generated one was planned")
        source = AD01
    (tmp_path / "ad01_int8.tflite").write_bytes(source.read_bytes())
    assert_same(integers(anomsdk.plan(tmp_path).canonical_bytes), from_the_page(tmp_path))


def test_it_would_see_one_integer(tmp_path):
    """Guards the comparisons against one that compares nothing."""
    folder = make_folder(tmp_path, SPECS["bands"])
    page, found = from_the_page(folder), integers(anomsdk.plan(folder).canonical_bytes)
    assert_same(found, page)
    found["extractor"]["filterbank"]["minus_rise_q15"][3] += 1
    with pytest.raises(AssertionError, match=r"\.extractor\.filterbank\.minus_rise_q15"):
        assert_same(found, page)


def spec_of(kind, **values):
    """One of SPECS with other values of the sensor and the features; None: without the key."""
    lines, left = [], dict(values)
    for line in SPECS[kind].splitlines():
        key = line.partition(" = ")[0]
        if key == "[features]" and "full_scale_g" in left:
            lines += [f"full_scale_g = {left.pop('full_scale_g')}"]
        if key == "[context]":
            lines += [f"{name} = {json.dumps(value)}" for name, value in left.items() if value is not None]
            left = {}
        if key in left:
            value = left.pop(key)
            line = "" if value is None else f"{key} = {json.dumps(value)}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def moving(rate, axes=6, **values):
    dps = {"counts_per_dps": 16.4} if axes == 6 else {"counts_per_dps": None}
    return spec_of("motion", rate_hz=rate, axes=axes, **dps, **values)


VARIANTS = {
    "22050 Hz": spec_of("bands", rate_hz=22050, band_ms=256),
    "11025 Hz": spec_of("bands", rate_hz=11025, fmax_hz=5000, band_ms=40),
    "44100 Hz in hops": spec_of("bands", rate_hz=44100, n_bands=8, fft_length=1024, band_ms=None, band_hops=37),
    "48000 Hz, to half the rate": spec_of("bands", rate_hz=48000, fmax_hz=24000, n_bands=11, fft_length=2048),
    "a band": spec_of("bands", n_bands=1, band_ms=16),
    "an edge on a tie": spec_of("bands", n_bands=1, fmin_hz=31.25 * (3 + 1.5 / 32768), fmax_hz=31.25 * 200.5),
    "edges within 1e-9 of a bin": spec_of("bands", n_bands=2, fmin_hz=31.25 * 3.5, fmax_hz=31.25 * 3.5 * 49),
    "an inner edge on a bin": spec_of("bands", n_bands=3, fmin_hz=78.125, fmax_hz=2109.375),
    "4096": spec_of("bands", fft_length=4096, hop_length=4096, n_bands=64, band_ms=1024),
    "htk": spec_of("logmel", mel_scale="htk"),
    "no norm": spec_of("logmel", mel_norm="none", fmin_hz=50),
    "htk, no norm, 22050 Hz": spec_of("logmel", mel_scale="htk", mel_norm="none", rate_hz=22050, fmax_hz=11025),
    "slaney, 44100 Hz": spec_of("logmel", rate_hz=44100, fmax_hz=20000, n_mels=20, fft_length=1024),
    "corners on bins": spec_of("logmel", fmin_hz=0, fmax_hz=1000, n_mels=3, fft_length=1024),
    "fmin on a bin": spec_of("logmel", fmin_hz=1375, fmax_hz=2000, n_mels=1, fft_length=128, hop_length=64),
    "fmax on a bin": spec_of("logmel", rate_hz=8000, fmax_hz=1750, n_mels=1, fft_length=128, hop_length=64),
    "fmax within 1e-9 of a bin": spec_of("logmel", rate_hz=8000, fmax_hz=1750.0000008, n_mels=10),
    "a corner on a bin": spec_of("logmel", fmin_hz=1125, fmax_hz=8000, n_mels=3, fft_length=128, hop_length=64),
    "a rise on a tie": spec_of(
        "bands", fft_length=4096, fmin_hz=1037.454359671649, fmax_hz=2998.243099451065, n_bands=2, band_ms=256
    ),
    "6 axes": moving(50),
    "3 axes": moving(50, 3),
    "12.5 Hz": moving(12.5, window_s=2, hop_s=0.25, gravity_s=0.5, full_scale_g=8),
    "26 Hz, turned": moving(26, 3, window_s=2, hop_s=0.25, orientation_free=True, full_scale_g=2.3),
    "31.25 Hz, in counts a m/s2": moving(31.25, counts_per_g=16384 / 9.80665, floor_mg=0, floor_dps=0),
    "104 Hz, edges": moving(104, 3, window_s=4, band_edges_hz=[0.5, 1.25, 3, 8, 52], floor_mg=62.5),
    "counts of 0.01 m/s2": moving(50, counts_per_g=1000 / 9.80665),
    "counts that are no whole number": moving(50, counts_per_g=2100),
    "26 Hz, an edge on a bin": moving(26, window_s=7.5, band_edges_hz=[0.5, 4.4, 13]),
    "10.2 Hz, the lowest band on a bin": moving(10.2, window_s=30, hop_s=30),
    "200 Hz, long": moving(200, window_s=5.12, gravity_s=5.12, hop_s=5.12),
    "a full scale that is no float": moving(50, full_scale_g=1.001),
    "selected": moving(50, select=["jerk_max", "posture_change", "axis_mean", "mean_crossings", "rotation_max"]),
    "rows": SPECS["external"],
    "rows of 512 samples at 44100 Hz": spec_of("external", rate_hz=86.1328125),
    "26.0417 Hz": moving(1000 / 38.4, window_s=2, hop_s=0.25),
    "wide rows": spec_of("external", n_features=37, rate_hz=0.5),
}


@pytest.mark.parametrize("name", list(VARIANTS))
def test_variants(tmp_path, name):
    folder = make_folder(tmp_path, VARIANTS[name])
    assert_same(integers(anomsdk.plan(folder).canonical_bytes), from_the_page(folder))


@pytest.mark.parametrize("kind", FOLLOWED)
@pytest.mark.parametrize("context", ["stack", *STATISTICS])
def test_contexts_baselines_and_alerts(tmp_path, kind, context):
    text = SPECS[kind].partition("[context]")[0] + "[context]\nframes = 7\nstride = 3\n"
    text += (
        'kind = "stack"\n'
        if context == "stack"
        else f'kind = "summary"\nstatistics = ["{context}", "max"]\n'.replace('"max", "max"', '"max"')
    )
    folder = make_folder(tmp_path, text + FOLLOWING)
    path = folder / "calibration.json"
    tree = json.loads(path.read_text())
    tree["score_weights"] = [(i % 5) + (i % 3 == 0) for i in range(len(tree["score_weights"]))]
    tree["group_levels"] = {name: 3.5 * code**2 for code, name in planned.NAMES.items()}
    path.write_text(json.dumps(tree))
    assert_same(integers(anomsdk.plan(folder).canonical_bytes), from_the_page(folder))


@given(text=spec_texts(), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_spec(tmp_path_factory, text, seed):
    try:
        folder = make_folder(tmp_path_factory.mktemp("any"), text, seed=seed)
    except anomsdk.InputError:  # mel filters too narrow for the bins
        assume(False)
    assert_same(integers(anomsdk.plan(folder).canonical_bytes), from_the_page(folder))


ALERTS = (
    "m = 1\nn = 1\nhigh_ratio = 0\noff_delay_s = 0\ncooldown_s = 0",
    "m = 16\nn = 16\nhigh_ratio = 1.3\non_delay_s = 100\nclear_ratio = 0.123",
    "m = 2\nn = 7\nhigh_ratio = 1024\non_delay_s = 0.3\nclear_ratio = 1",
    "m = 3\nn = 5\nhigh_ratio = 1.0001\nclear_ratio = 0.000001\nraise_score = 4294967295",
)


@pytest.mark.parametrize("alert", ALERTS)
def test_alerts(tmp_path, alert):
    folder = make_folder(tmp_path, SPECS["external"].partition("[alert]")[0] + "[alert]\n" + alert)
    assert_same(integers(anomsdk.plan(folder).canonical_bytes), from_the_page(folder))


@pytest.mark.parametrize("hold", [0, 1e-12, 0.05, 60])
@pytest.mark.parametrize("baseline_s", [0.01, 4, 2_592_000])
def test_baselines(tmp_path, baseline_s, hold):
    score = f"[score]\nbaseline_s = {baseline_s}\nbaseline_hold_s = {hold}\n"
    folder = make_folder(tmp_path, SPECS["external"].partition("[alert]")[0] + score)
    assert_same(integers(anomsdk.plan(folder).canonical_bytes), from_the_page(folder))


IMPORTED = """
format = 1
name = "imported"
sensor = {kind = "external", rate_hz = 31.25}
features = {kind = "external", n_features = 5, counts_per_unit = 256, normalisation = "model"}
context = {kind = "stack", frames = 2}
alert = {raise_score = 77}
"""


@pytest.mark.parametrize("activation", ["RELU", "RELU6", "RELU_N1_TO_1", "NONE"])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("ratio", [1.0, 0.013, 1 / 3, 7.7, 3e5])
def test_imported_models(tmp_path, activation, per_channel, ratio):
    """Of any scale and zero point at each edge: multipliers, activations, gains of the score."""
    layers = random_layers([10, 6, 10], np.random.default_rng(8), per_channel=per_channel, activation=activation)
    between, edge = float(np.float32(0.0371)), float(np.float32(layers[0].input_scale * ratio))
    first = dataclasses.replace(layers[0], output_scale=between, output_zero_point=-31, input_zero_point=28)
    last = dataclasses.replace(
        layers[1], input_scale=between, input_zero_point=-31, output_scale=edge, output_zero_point=4
    )
    (tmp_path / "spec.toml").write_text(IMPORTED)
    (tmp_path / "model.tflite").write_bytes(write_tflite([first, last]))
    assert_same(integers(anomsdk.plan(tmp_path).canonical_bytes), from_the_page(tmp_path))


def test_a_clamp_is_that_of_a_float32_quotient(tmp_path):
    """6 over this scale is 24.4999998 in float64, and 24.5 in float32: the clamp of RELU6 is one higher."""
    scale = 0.2448979616165161
    layers = random_layers([10, 6, 10], np.random.default_rng(8), activation="RELU6")
    first = dataclasses.replace(layers[0], output_scale=scale, output_zero_point=-31)
    last = dataclasses.replace(layers[1], input_scale=scale, input_zero_point=-31)
    (tmp_path / "spec.toml").write_text(IMPORTED)
    (tmp_path / "model.tflite").write_bytes(write_tflite([first, last]))
    plan = anomsdk.plan(tmp_path)
    assert plan.layers[0].act_high == -31 + 25
    assert_same(integers(plan.canonical_bytes), from_the_page(tmp_path))
