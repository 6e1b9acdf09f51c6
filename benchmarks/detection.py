"""How well audio_scene tells scenes with a foreign sound from scenes without, on a fold that did not train it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import anomsdk
from benchmarks.signals import ESC10, RATE, recipe

SNRS_DB = (20, 10, 0)
_RESAMPLES = 1000


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve of the clips' highest scores, with a 95 % bootstrap interval over clips."""

    value: float
    low: float
    high: float


def mixed(scene: np.ndarray, event: np.ndarray, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    """A scene with the loudest second of an event in it, at an SNR against the scene at that place."""
    power = np.convolve(event.astype(float) ** 2, np.ones(RATE), "valid")
    loudest = int(power.argmax())
    second = event[loudest : loudest + RATE].astype(float)
    at = int(rng.integers(0, len(scene) - RATE))
    there = scene[at : at + RATE].astype(float)
    gain = np.sqrt((np.mean(there**2) + 1) / (np.mean(second**2) + 1e-9) * 10 ** (snr_db / 10))
    found = scene.astype(float)
    found[at : at + RATE] += gain * second
    return np.clip(np.round(found), -32768, 32767).astype(np.int16)


def auc(normal: np.ndarray, anomalous: np.ndarray) -> Auc:
    """AUC with its interval: ties count one half."""

    def area(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean((b[:, None] > a[None]) + 0.5 * (b[:, None] == a[None])))

    rng = np.random.default_rng(0)
    resampled = [
        area(rng.choice(normal, len(normal)), rng.choice(anomalous, len(anomalous))) for _ in range(_RESAMPLES)
    ]
    return Auc(area(normal, anomalous), *np.quantile(resampled, [0.025, 0.975]).tolist())


def audio_scene(seed: int = 0) -> dict[int, Auc]:
    """AUC of the shipped model at each SNR; empty where the data is absent."""
    if not ESC10.exists():
        return {}
    made = recipe("audio_scene")
    clips, label, fold = made.load(ESC10)
    plan = anomsdk.reference_model("audio_scene")
    held_out, is_normal = fold == 4, np.isin(label, made.NORMAL)
    scenes, events = clips[held_out & is_normal], clips[held_out & ~is_normal]
    rng = np.random.default_rng(seed)
    normal = np.array([anomsdk.score(plan, clip).max() for clip in scenes])
    found = {}
    for snr in SNRS_DB:
        pairs = [(scenes[(7 * i) % len(scenes)], events[i % len(events)]) for i in range(4 * len(events))]
        peaks = np.array([anomsdk.score(plan, mixed(*pair, snr, rng)).max() for pair in pairs])
        found[snr] = auc(normal, peaks)
    return found
