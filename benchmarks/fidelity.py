"""How far the integer front ends lie from float64: log-mel against librosa, bands against a float64 filter bank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomsdk.planner import FLOOR_DB, Q10_PER_DB, RANGE_DB
from anomsdk.spec import PipelineSpec
from anomsdk.train.levels import levels_of
from benchmarks.signals import RATE

LOGMEL_SHAPES = ((1024, 512, 128), (512, 256, 40))
BANDS_SHAPES = ((1024, 512, 24, 256), (512, 256, 16, 256))
BOUND_ALL_DB = 0.5
BOUND_80_DB = 0.06
_SMALLEST = 1e-30


@dataclass(frozen=True)
class Fidelity:
    """Errors in dB of one signal: squares and counts, so that they can be pooled."""

    squares_all: float
    count_all: int
    squares_80: float
    count_80: int

    def __add__(self, other: Fidelity) -> Fidelity:
        return Fidelity(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def rms_all(self) -> float:
        """RMS over all cells above -110 dB."""
        return float(np.sqrt(self.squares_all / max(self.count_all, 1)))

    @property
    def rms_80(self) -> float:
        """RMS over the cells within 80 dB of their frame's maximum."""
        return float(np.sqrt(self.squares_80 / max(self.count_80, 1)))


def logmel_levels(x: np.ndarray, length: int, hop: int, n_mels: int) -> np.ndarray:
    """Integer log-mel levels in dB: (hops, n_mels)."""
    features = {"kind": "logmel", "fft_length": length, "hop_length": hop, "n_mels": n_mels, "fmax_hz": RATE / 2}
    return _levels(x, features)


def librosa_levels(x: np.ndarray, length: int, hop: int, n_mels: int) -> np.ndarray:
    """The same from librosa in float64, clamped alike."""
    import librosa

    power = librosa.feature.melspectrogram(
        y=x / 32768.0,
        sr=RATE,
        n_fft=length,
        hop_length=hop,
        n_mels=n_mels,
        center=False,
        window="hann",
        dtype=np.float64,
    ).T
    return _clamp(10 * np.log10(np.maximum(power, _SMALLEST)))


def bands_levels(x: np.ndarray, length: int, hop: int, n_bands: int, band_ms: int) -> np.ndarray:
    """Integer band levels in dB, then peak and crest: (frames, n_bands + 2)."""
    features = {
        "kind": "bands",
        "fft_length": length,
        "hop_length": hop,
        "n_bands": n_bands,
        "fmin_hz": 100,
        "fmax_hz": 7500,
        "band_ms": band_ms,
    }
    return _levels(x, features)


def float_bands_levels(x: np.ndarray, length: int, hop: int, n_bands: int, band_ms: int) -> np.ndarray:
    """The same in float64 from the definition: a bin is spread evenly over its width, a band takes what it covers."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    frames = np.lib.stride_tricks.sliding_window_view(x / 32768.0, length)[::hop]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    edges = 100 * (7500 / 100) ** (np.arange(n_bands + 1) / n_bands) * length / RATE
    bins = np.arange(length // 2 + 1)[:, None]
    covered = np.clip(np.minimum(bins + 0.5, edges[None, 1:]) - np.maximum(bins - 0.5, edges[None, :-1]), 0, 1)
    energies = power @ covered
    hops = round(band_ms * RATE / 1000 / hop)
    groups = energies[: len(energies) // hops * hops].reshape(-1, hops, n_bands)
    level = 10 * np.log10(np.maximum(groups.mean(axis=1), _SMALLEST))
    together = groups.sum(axis=2)
    peak = np.maximum(10 * np.log10(np.maximum(together.max(axis=1), _SMALLEST)), FLOOR_DB)
    mean = np.maximum(10 * np.log10(np.maximum(together.mean(axis=1), _SMALLEST)), FLOOR_DB)
    return np.column_stack([_clamp(level), peak, peak - mean])


def compare(ours: np.ndarray, oracle: np.ndarray, n_bands: int | None = None) -> Fidelity:
    """Errors over the cells above the floor, and over those within 80 dB of their frame's maximum."""
    ours, oracle = ours[:, :n_bands], oracle[:, :n_bands]
    error = (ours - oracle) ** 2
    above = oracle > FLOOR_DB + 1e-9
    near = above & (oracle > oracle.max(axis=1, keepdims=True) - RANGE_DB + 1e-9)
    return Fidelity(float(error[above].sum()), int(above.sum()), float(error[near].sum()), int(near.sum()))


def _levels(x: np.ndarray, features: dict[str, object]) -> np.ndarray:
    spec = PipelineSpec.from_dict(
        {
            "format": 1,
            "name": "fidelity",
            "sensor": {"kind": "audio", "rate_hz": RATE},
            "features": features,
            "context": {"kind": "stack", "frames": 1},
        }
    )
    return levels_of(spec, x) / Q10_PER_DB


def _clamp(level: np.ndarray) -> np.ndarray:
    level = np.maximum(level, FLOOR_DB)
    return np.maximum(level, level.max(axis=1, keepdims=True) - RANGE_DB)
