"""Small plans, models and streams for the tests: made here, from seeds, so that no data is needed."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.planner.calibration import Calibration, Normalisation, alarm_levels, signal_sections
from anomsdk.planner.front_end import extractor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite.model import FullyConnected, TfliteModel
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite

ROOT = Path(__file__).resolve().parents[2]

BANDS = """
format = 1
name = "room"
[sensor]
kind = "audio"
rate_hz = 16000
[features]
kind = "bands"
fft_length = 512
hop_length = 256
n_bands = 16
fmin_hz = 100
fmax_hz = 7500
band_ms = 64
allow_speech_features = true
[context]
kind = "summary"
frames = 4
stride = 1
statistics = ["mean", "deviation", "max"]
[alert]
off_delay_s = 0.5
cooldown_s = 1
"""

LOGMEL = """
format = 1
name = "machine"
[sensor]
kind = "audio"
rate_hz = 16000
[features]
kind = "logmel"
fft_length = 512
hop_length = 256
n_mels = 40
fmax_hz = 8000
allow_speech_features = true
[context]
kind = "stack"
frames = 5
stride = 2
[alert]
off_delay_s = 0.5
cooldown_s = 1
"""

EXTERNAL = """
format = 1
name = "meter"
[sensor]
kind = "external"
rate_hz = 10
[features]
kind = "external"
n_features = 6
[context]
kind = "stack"
frames = 3
stride = 1
[alert]
off_delay_s = 1
cooldown_s = 3
"""

MOTION = """
format = 1
name = "collar"
[sensor]
kind = "motion"
rate_hz = 50
axes = 6
counts_per_g = 4096
counts_per_dps = 16
[features]
kind = "motion"
window_s = 1.02
hop_s = 0.26
gravity_s = 0.5
[context]
kind = "summary"
frames = 3
stride = 1
statistics = ["mean", "max"]
[alert]
off_delay_s = 1
cooldown_s = 3
"""

AD01 = """
format = 1
name = "ad01"
sensor = {kind = "audio", rate_hz = 16000}
[features]
kind = "logmel"
fft_length = 1024
hop_length = 512
n_mels = 128
fmax_hz = 8000
normalisation = "model"
allow_speech_features = true
[context]
kind = "stack"
frames = 5
[model]
file = "ad01.tflite"
[alert]
raise_score = 1000000
"""
"""The anomaly detection model of MLPerf Tiny, a large one."""

DAYS = """
format = 1
name = "herd"
[sensor]
kind = "diary"
slot_s = 7200
columns = [{name = "activity", unit = "s"}, {name = "coverage", unit = "%", sense = "coverage"}, {name = "steps"}]
[features]
kind = "days"
mature_days = 2
profile_hold_days = 0.5
off_body_h = 8
[context]
kind = "stack"
frames = 1
[alert]
off_delay_s = 7200
cooldown_s = 14400
"""

SPECS = {"bands": BANDS, "logmel": LOGMEL, "motion": MOTION, "external": EXTERNAL, "days": DAYS}

FOLLOWING = """
[score]
baseline_s = 3
baseline_hold_s = 0.5
[alert]
raise_score = 150000
m = 1
n = 2
off_delay_s = 0.1
cooldown_s = 0.2
"""
"""A baseline and an alert that raise often on the streams of the tests, and hold longer than the baseline freezes."""


FOLLOWING_DAYS = """
[alert]
raise_score = 1000000000
m = 1
n = 2
off_delay_s = 7200
cooldown_s = 14400
"""
"""The same for days, whose profile the reference rung freezes; they follow by it and have no baseline."""
OF_ROWS = ("external", "days")
"""Kinds of SPECS whose window is a row, so that a few hundred samples are many hops."""
FOLLOWED = ("bands", "logmel", "motion", "external")
"""Kinds of SPECS that may have a baseline."""


def random_layers(
    widths: list[int], rng: np.random.Generator, *, per_channel: bool = True, activation: str = "RELU"
) -> list[FullyConnected]:
    """A chain whose last layer has the scale and zero point of its input, as our own models have."""
    layers = []
    scale, zero_point = 0.05, 0
    for index, (n_in, n_out) in enumerate(pairwise(widths)):
        last = index == len(widths) - 2
        n_scales = n_out if per_channel and n_out > 1 else 1
        out_scale, out_zero_point = (0.05, 0) if last else (0.04, -127)
        layers.append(
            FullyConnected(
                name=f"layer {index + 1}",
                weights=rng.integers(-127, 128, (n_out, n_in)).astype(np.int8),
                bias=rng.integers(-2000, 2000, n_out).astype(np.int32),
                input_scale=float(np.float32(scale)),
                input_zero_point=zero_point,
                weight_scales=(rng.uniform(0.5, 1.5, n_scales) * 0.02 / np.sqrt(n_in)).astype(np.float32),
                weight_zero_point=0,
                output_scale=float(np.float32(out_scale)),
                output_zero_point=out_zero_point,
                activation="NONE" if last else activation,
            )
        )
        scale, zero_point = out_scale, out_zero_point
    return layers


def make_folder(folder: Path, spec_text: str, *, seed: int = 0, raise_score: int | None = None) -> Path:
    """A folder with spec, random model and a calibration that fits them."""
    rng = np.random.default_rng(seed)
    spec = PipelineSpec.from_toml(spec_text)
    _, n_inputs = widths_of(spec)
    model = parse_tflite(write_tflite(random_layers([n_inputs, 12, 4, 12, n_inputs], rng)), name="model.tflite")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.toml").write_text(spec_text)
    (folder / "model.tflite").write_bytes(write_tflite(model.layers))
    calibration = make_calibration(spec, parse_tflite((folder / "model.tflite").read_bytes(), name="m"), rng)
    if raise_score is not None:
        levels = alarm_levels([np.full(64, raise_score - 1)])
        calibration = calibration.model_copy(update={"alarm_levels": levels})
    (folder / "calibration.json").write_text(json.dumps(calibration.model_dump(mode="json")))
    return folder


def widths_of(spec: PipelineSpec) -> tuple[int, int]:
    """Features of a frame, inputs of the model."""
    n, context = extractor_plan(spec, None).n_features, spec.context
    return n, n * (context.frames if context.kind == "stack" else len(context.statistics))


def make_calibration(spec: PipelineSpec, model: TfliteModel, rng: np.random.Generator) -> Calibration:
    """Plausible normalisation, and an alarm level that noise reaches now and then."""
    n_features, n_inputs = widths_of(spec)
    parts = extractor_plan(spec, None).parts
    level, spread = {
        "audio": (-20.0, 60.0),
        "motion": (40.0, 60.0),
        "external": (0.0, 6000.0),
        "diary": (0.0, 1500.0),
    }[spec.sensor.kind]
    inputs = None
    if spec.context.kind == "summary":
        inputs = Normalisation(centre=(0.0,) * n_inputs, half_width=tuple(rng.uniform(60, 130, n_inputs).tolist()))
    return Calibration(
        format=1,
        model_sha256=model.sha256,
        signal=signal_sections(spec),
        features=Normalisation(centre=(level,) * n_features, half_width=(spread,) * n_features),
        inputs=inputs,
        score_weights=(1,) * n_inputs,
        score_tails=tuple(rng.uniform(300, 3000, len(parts)).tolist()) if parts else None,
        baseline_start=300_000,
        alarm_levels=alarm_levels([rng.integers(0, 2**30 if parts else 40000, 200)]),
        recordings=1,
        hours=0.1,
        provenance={"made_by": "tests"},
    )


def make_plan(folder: Path, kind: str, *, seed: int = 0) -> anomsdk.Plan:
    """A plan of one of SPECS, in a folder of its own."""
    return anomsdk.plan(make_folder(folder / kind, SPECS[kind], seed=seed))


def make_ad01(folder: Path, model: Path) -> anomsdk.Plan:
    """The plan of AD01 in a folder that is there, from the model's file."""
    (folder / "ad01.tflite").write_bytes(model.read_bytes())
    (folder / "spec.toml").write_text(AD01)
    return anomsdk.plan(folder)


def make_following(folder: Path, kind: str, *, seed: int = 0) -> anomsdk.Plan:
    """The same with a baseline, which another level than that of the alert freezes."""
    text = SPECS[kind].partition("[alert]")[0] + (FOLLOWING if kind in FOLLOWED else FOLLOWING_DAYS)
    return anomsdk.plan(make_folder(folder / kind, text, seed=seed, raise_score=120_000))


def noise(n: int, *, seed: int = 0, level: float = 3000.0, columns: int = 1) -> np.ndarray:
    """Gaussian int16 noise whose level changes, with silence and full scale in it."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, columns)) * level
    x *= 2.0 ** rng.integers(-8, 4, 1 + n // 1000).repeat(1000)[:n, None]
    samples = np.clip(np.round(x), -32768, 32767).astype(np.int16)
    return samples[:, 0] if columns == 1 else samples


def lively(plan: anomsdk.Plan) -> np.ndarray:
    """A stream that raises alarms in `make_following`."""
    if plan.sensor.kind == "diary":
        return without_missing(plan, noise(300, columns=plan.columns))
    if plan.columns == 1:
        return noise(50_000)
    every = 50 if plan.framer.window == 1 else 10
    return noise(20_000, columns=plan.columns)[::every].copy()


def without_missing(plan: anomsdk.Plan, samples: np.ndarray) -> np.ndarray:
    """Samples as they are; rows of a diary with values of at least 1, so that none is missing or off the body."""
    return np.maximum(samples, 1) if plan.sensor.kind == "diary" else samples


def with_folder(plan: anomsdk.Plan, folder: Path) -> anomsdk.Plan:
    """The same plan, as if read from another folder."""
    return dataclasses.replace(plan, folder=folder)


def without_constant(samples: NDArray[np.int16], shortest: int) -> list[NDArray[np.int16]]:
    """Cut a recording where it is digitally constant (padding, drop-outs).

    Parameters
    ----------
    samples : int16 (n, columns)
    shortest : samples in a row with the same value that are cut out

    Returns
    -------
    The pieces between, in order
    """
    changes = np.flatnonzero((np.diff(samples, axis=0) != 0).any(axis=1)) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [len(samples)]])
    cut = ends - starts >= shortest
    pieces, begin = [], 0
    for start, end in zip(starts[cut], ends[cut], strict=True):
        if start > begin:
            pieces.append(samples[begin:start])
        begin = end
    if begin < len(samples):
        pieces.append(samples[begin:])
    return pieces


def collar_spec(alert: str) -> str:
    """A spec of motion at 10 Hz with a tick each 0.5 s from 1.5 s on, for `make_collar`.

    Parameters
    ----------
    alert : lines of its section
    """
    return f"""
format = 1
name = "collar"
[sensor]
kind = "motion"
rate_hz = 10
axes = 3
counts_per_g = 1000
[features]
kind = "motion"
window_s = 1
hop_s = 0.5
select = ["magnitude_deviation", "vedba_max", "jerk_max"]
[context]
kind = "stack"
frames = 2
[alert]
raise_score = "calibrated"
{alert}
"""


def make_collar(folder: Path, text: str) -> anomsdk.Plan:
    """The plan of a `collar_spec`, in its folder: a level of 20,000; rest scores below 8,000, shaking above 40,000."""
    folder.mkdir(exist_ok=True)
    spec = PipelineSpec.from_toml(text)
    (folder / "spec.toml").write_text(text)
    data = write_tflite(random_layers([6, 4, 6], np.random.default_rng(0)))
    (folder / "model.tflite").write_bytes(data)
    calibration = Calibration(
        format=1,
        model_sha256=parse_tflite(data, name="m").sha256,
        signal=signal_sections(spec),
        features=Normalisation(centre=(20.0,) * 3, half_width=(60.0,) * 3),
        inputs=None,
        score_weights=(1,) * 6,
        baseline_start=300_000,
        alarm_levels=alarm_levels([np.full(64, 19_999)]),
        recordings=1,
        hours=0.1,
        provenance={"made_by": "tests"},
    )
    (folder / "calibration.json").write_text(json.dumps(calibration.model_dump(mode="json")))
    return anomsdk.plan(folder)
