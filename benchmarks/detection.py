"""How well audio_scene tells scenes with a foreign sound from scenes without, on a fold that did not train it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import anomsdk
from anomsdk.evaluate.mixing import mixed
from benchmarks.signals import ESC10, recipe

SNRS_DB = (20, 10, 0)
_RESAMPLES = 1000


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve of the clips' highest scores, with a 95 % bootstrap interval over clips."""

    value: float
    low: float
    high: float


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
        peaks = np.array([anomsdk.score(plan, mixed(*pair, snr, rng)[0]).max() for pair in pairs])
        found[snr] = auc(normal, peaks)
    return found
