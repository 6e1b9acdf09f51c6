"""Any plan and any stream, from seeds: what the parity tests run engines over."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.core import motion
from anomsdk.core.context import STATISTICS
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from benchmarks import signals
from tests.support.make import FOLLOWED, make_calibration, random_layers, widths_of

FFT_LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)
SHAPES = ("noise", "quiet noise", "square", "silence", "most negative", "impulses", "gaps", "reset", "real audio")


def any_plan(folder: Path, kind: str, seed: int) -> anomsdk.Plan:
    """A plan of a kind of extractor, everything else drawn; folder must not exist yet. Of days `any_days_plan` draws one.

    Widths of 1 to 67, one to five layers, scales by tensor or by channel, all contexts, follower on or off, levels that
    the streams reach.
    """
    assert kind in FOLLOWED
    rng = np.random.default_rng(seed)
    while True:
        spec_text = _spec(kind, rng)
        try:
            return _planned(folder, spec_text, rng)
        except anomsdk.InputError:  # a band without a bin, a product beyond 32 bits: draw again
            continue


def _spec(kind: str, rng: np.random.Generator) -> str:
    lines = ["format = 1", 'name = "any"', "[features]", f'kind = "{kind}"']
    if kind == "external":
        sensor = '[sensor]\nkind = "external"\nrate_hz = 10'
        lines += [f"n_features = {rng.integers(1, 40)}"]
        frames, tick_s = int(rng.integers(1, 9)), 0.1
    elif kind == "motion":
        sensor, tick_s = _motion(lines, rng)
        frames = int(rng.integers(1, 9))
    else:
        sensor = '[sensor]\nkind = "audio"\nrate_hz = 16000'
        length = int(rng.choice(FFT_LENGTHS, p=(0.25, 0.2, 0.2, 0.15, 0.1, 0.05, 0.05)))
        hop = int(rng.choice([length, length // 2, length // 4, int(rng.integers(length // 8, length + 1))]))
        n = int(rng.integers(1, 25))
        lines += [f"fft_length = {length}", f"hop_length = {hop}", f"fmin_hz = {int(rng.choice([0, 100, 300]))}"]
        lines += [f"fmax_hz = {int(rng.choice([4000, 7500, 8000]))}"]
        if kind == "logmel":
            lines += [f"n_mels = {n}", "allow_speech_features = true"]
        else:
            per_frame = int(rng.integers(1, 9))
            lines[-2] = f"fmin_hz = {int(rng.choice([60, 100, 300]))}"
            lines += [f"n_bands = {n}", f"band_ms = {per_frame * hop / 16}", "allow_speech_features = true"]
        frames, tick_s = int(rng.integers(1, 7)), hop / 16000
    lines += ["[context]", f"frames = {frames}", f"stride = {rng.integers(1, 6)}"]
    if rng.random() < 0.5:
        names = rng.permutation(list(STATISTICS))[: rng.integers(1, len(STATISTICS) + 1)]
        lines += ['kind = "summary"', f"statistics = {json.dumps(names.tolist())}"]
    else:
        lines += ['kind = "stack"']
    if rng.random() < 0.5:
        lines += ["[score]", f"baseline_s = {tick_s * 10 ** rng.uniform(0, 3)}"]
        lines += [f"baseline_hold_s = {rng.choice([0, tick_s * 10 ** rng.uniform(0, 2)])}"]
    n = int(rng.integers(1, 17))
    lines += ["[alert]", f"m = {rng.integers(1, n + 1)}", f"n = {n}", f"clear_ratio = {rng.uniform(0.1, 1)}"]
    lines += [f"raise_score = {int(10 ** rng.uniform(0, 6.5))}", f"high_ratio = {rng.choice([0, 1.5, 4])}"]
    for name in ("on_delay_s", "off_delay_s", "cooldown_s"):
        lines += [f"{name} = {rng.choice([0, tick_s * 10 ** rng.uniform(0, 1.5)])}"]
    return "\n".join([*lines[:2], sensor, *lines[2:]])


def _motion(lines: list[str], rng: np.random.Generator) -> tuple[str, float]:
    """Adds the features of motion; the sensor, and seconds of a hop."""
    axes, rate = int(rng.choice([3, 6])), int(rng.choice([10, 25, 50, 100, 200]))
    window = int(2 ** rng.uniform(2, 10))
    hop = int(rng.choice([window, -(-window // 2), -(-window // 4), int(rng.integers(-(-window // 8), window + 1))]))
    gravity = int(rng.integers(2, window + 1))
    names = [name for name, each in motion.FEATURES.items() if each.axes <= axes]
    names = [name for name in names if name != "posture_change" or gravity < window]
    if rng.random() < 0.7:
        names = rng.permutation(names)[: rng.integers(1, len(names) + 1)].tolist()
    lines += [f"window_s = {window / rate}", f"hop_s = {hop / rate}", f"gravity_s = {gravity / rate}"]
    lines += [f"select = {json.dumps(names)}", f"floor_mg = {rng.choice([0, 1, 4, 1000])}"]
    lines += [f"floor_dps = {rng.choice([0, 1, 1000])}"]
    sensor = f'[sensor]\nkind = "motion"\nrate_hz = {rate}\naxes = {axes}'
    sensor += f"\ncounts_per_g = {rng.choice([256, 4096, 16384])}" + "\ncounts_per_dps = 16.4" * (axes == 6)
    return sensor, hop / rate


def _planned(folder: Path, spec_text: str, rng: np.random.Generator) -> anomsdk.Plan:
    spec = PipelineSpec.from_toml(spec_text)
    _, n_inputs = widths_of(spec)
    hidden = rng.integers(1, 68, rng.integers(0, 5)).tolist()
    layers = random_layers([n_inputs, *hidden, n_inputs], rng, per_channel=bool(rng.random() < 0.5))
    if rng.random() < 0.3:  # another scale at the end than at the beginning: the score needs gains
        other = {
            "output_scale": float(np.float32(rng.uniform(0.02, 0.2))),
            "output_zero_point": int(rng.integers(-9, 9)),
        }
        layers[-1] = dataclasses.replace(layers[-1], **other)
    if rng.random() < 0.3:
        at = int(rng.integers(len(layers)))
        by_tensor = {"weight_scales": layers[at].weight_scales[:1], "weight_zero_point": int(rng.integers(-20, 20))}
        layers[at] = dataclasses.replace(layers[at], **by_tensor)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.toml").write_text(spec_text)
    (folder / "model.tflite").write_bytes(write_tflite(layers))
    model = parse_tflite((folder / "model.tflite").read_bytes(), name="model.tflite")
    calibration = make_calibration(spec, model, rng)
    (folder / "calibration.json").write_text(json.dumps(calibration.model_dump(mode="json")))
    return anomsdk.plan(folder)


def any_stream(plan: anomsdk.Plan, shape: str, hops: int, seed: int) -> list[NDArray[np.int16] | int | None]:
    """Blocks (arrays), gaps (numbers of samples) and resets (None), about so many hops in all."""
    rng = np.random.default_rng(seed)
    n = plan.framer.window + hops * plan.framer.hop
    rows = (n, plan.columns)
    noise = np.clip(rng.standard_normal(rows) * 10 ** rng.uniform(1, 4.5, (n, 1)), -32768, 32767).astype(np.int16)
    if shape == "noise":
        return cut(noise, rng)
    if shape == "quiet noise":
        return cut((noise >> int(rng.integers(6, 15))).astype(np.int16), rng)
    if shape == "square":
        wave = np.arange(n) // int(rng.integers(1, 100)) % 2
        return cut(np.where(wave[:, None], 32767, -32768).astype(np.int16) + np.zeros(rows, np.int16), rng)
    if shape == "silence":
        return cut(np.full(rows, rng.integers(-1, 2), np.int16), rng)
    if shape == "most negative":
        return cut(np.full(rows, -32768, np.int16), rng)
    if shape == "impulses":
        return cut(np.where(rng.random(rows) < 0.002, rng.choice([-32768, 32767], rows), 0).astype(np.int16), rng)
    if shape == "real audio":
        return cut(_real(rng, rows), rng)
    pieces: list[NDArray[np.int16] | int | None] = []
    for part in np.array_split(noise, int(rng.integers(3, 12))):
        pieces += cut(part, rng)
        far = int(rng.choice([1, plan.framer.hop, plan.samples_per_tick, plan.samples_to_first_tick * 9, 2**31 - 1]))
        pieces.append(None if shape == "reset" and rng.random() < 0.5 else int(rng.integers(0, far + 1)))
    return pieces


def cut(samples: NDArray[np.int16], rng: np.random.Generator) -> list[NDArray[np.int16] | int | None]:
    """Samples in blocks: one whole, or many of sizes that lie far apart."""
    if rng.random() < 0.3:
        return [samples]
    blocks: list[NDArray[np.int16] | int | None] = []
    start = 0
    while start < len(samples):
        size = int(2 ** rng.uniform(0, np.log2(len(samples) + 1))) - 1
        blocks.append(samples[start : start + size])
        start += size
    return blocks


def _real(rng: np.random.Generator, rows: tuple[int, int]) -> NDArray[np.int16]:
    """Real sound from anywhere in the clips, as often as needed; noise where there is none."""
    clips = list(signals.real_clips(8).values()) if signals.ESC10.exists() else [rng.integers(-9, 9, 999, np.int16)]
    sound = np.concatenate(clips)
    return np.resize(np.roll(sound, int(rng.integers(len(sound)))), rows[0] * rows[1]).reshape(rows)
