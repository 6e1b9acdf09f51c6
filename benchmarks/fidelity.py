"""Errors of integer features against float64: log-mel against librosa, bands against a float64 filter bank.

Statistics of motion are compared with their formulas in float64, with scipy's running mean and periodogram.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anomsdk.core import motion
from anomsdk.core.motion import MotionPlan
from anomsdk.planner.front_end import FLOOR_DB, Q10_PER_DB, RANGE_DB, extractor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.data.feature_levels import feature_levels_of
from benchmarks.signals import RATE

LOGMEL_SHAPES = ((1024, 512, 128), (512, 256, 40))
BANDS_SHAPES = ((1024, 512, 24, 256), (512, 256, 16, 256))
BOUND_ALL_DB = 0.5
BOUND_80_DB = 0.06
MOTION_LINEAR = (
    "magnitude_mean",
    "magnitude_min",
    "axis_mean",
    "mean_crossings",
    "dominant_frequency",
    "posture_change",
)
MOTION_BOUND_DB = 0.05
"""Largest error of feature levels of 200 counts and more. Below, rounding by one count exceeds it."""
MOTION_BOUND_BANDS_DB = 0.1
"""Largest error of bands within 40 dB of the strongest band of their window."""
MOTION_BOUND_COUNTS = 1.5
"""Largest error of lengths: each is rounded down, and their mean to the nearest count."""
MOTION_BOUND_ANGLE = 3.0
"""Largest error of angles, in 1/4096 rad: directions have 14 bits, and the angle has steps."""
_SMALLEST = 1e-30


@dataclass(frozen=True)
class Fidelity:
    """Errors of one signal: sums of squares (dB^2) and counts, which can be pooled."""

    squares_all: float
    count_all: int
    squares_80: float
    count_80: int

    def __add__(self, other: Fidelity) -> Fidelity:
        return Fidelity(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def rms_all(self) -> float:
        """RMS error in dB of all cells above -110 dB."""
        return float(np.sqrt(self.squares_all / max(self.count_all, 1)))

    @property
    def rms_80(self) -> float:
        """RMS error in dB of the cells within 80 dB of their frame's maximum."""
        return float(np.sqrt(self.squares_80 / max(self.count_80, 1)))


def logmel_levels(x: np.ndarray, length: int, hop: int, n_mels: int) -> np.ndarray:
    """Log-mel levels in dB by the integer extractor: (hops, n_mels)."""
    features = {"kind": "logmel", "fft_length": length, "hop_length": hop, "n_mels": n_mels, "fmax_hz": RATE / 2}
    return _levels(x, features)


def librosa_levels(x: np.ndarray, length: int, hop: int, n_mels: int) -> np.ndarray:
    """Log-mel levels in dB by librosa in float64, with the same floor: (hops, n_mels)."""
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
    """Band levels in dB, peak and crest by the integer extractor: (frames, n_bands + 2)."""
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
    """Band levels in dB, peak and crest in float64: a band gets the share of each FFT bin that it covers."""
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


def motion_levels(x: np.ndarray, spec: PipelineSpec) -> dict[str, np.ndarray]:
    """Motion features by the integer extractor, logarithms in dB: name -> (hops, values)."""
    plan = extractor_plan(spec, None)
    assert isinstance(plan, MotionPlan)
    widths = [motion.FEATURES[name].width(plan.spectrum.n_bands) for name in plan.features]
    found = dict(zip(plan.features, np.split(feature_levels_of(spec, x), np.cumsum(widths)[:-1], axis=1), strict=True))
    return {name: level / (1.0 if name in MOTION_LINEAR else Q10_PER_DB) for name, level in found.items()}


def float_motion_levels(x: np.ndarray, spec: PipelineSpec) -> dict[str, np.ndarray]:
    """Motion features by their formulas in float64, logarithms in dB: name -> (hops, values)."""
    plan = extractor_plan(spec, None)
    assert isinstance(plan, MotionPlan)
    frames = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), plan.window, axis=0)[:: spec.hop_length]
    each = [_of_window(frame.T, plan, spec.sensor.rate_hz) for frame in frames]
    return {name: np.array([np.ravel(found[name]) for found in each]) for name in plan.features}


def _of_window(frame: np.ndarray, plan: MotionPlan, rate_hz: float) -> dict[str, np.ndarray]:
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import periodogram

    acceleration, floor = frame[:, :3], float(plan.floor)
    g, last = plan.gravity, plan.window - plan.gravity
    means = uniform_filter1d(acceleration, g, axis=0, mode="nearest")[g // 2 : g // 2 + last + 1]
    dynamic = acceleration - means[np.clip(np.arange(plan.window) - g // 2, 0, last)]
    magnitude, vedba = _norm(acceleration), _norm(dynamic)
    jerk = _norm(np.diff(acceleration, axis=0))
    about = magnitude - magnitude.mean()
    _, density = periodogram(about, 1.0, "hann", detrend=False, scaling="spectrum", return_onesided=False)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(plan.window) / plan.window)
    energy = density * window.sum() ** 2
    first = plan.spectrum.first_bin
    bands = np.array([energy[a:b].sum() for a, b in pairwise(first)])
    strongest = first[0] + energy[first[0] : first[-1]].argmax()
    found = {
        "magnitude_mean": magnitude.mean(),
        "magnitude_deviation": _db(magnitude.var() + floor**2) / 2,
        "magnitude_min": magnitude.min(),
        "magnitude_max": _db(magnitude.max() + floor),
        "magnitude_range": _db(np.ptp(magnitude) + floor),
        "sma": _db(np.abs(acceleration).sum(axis=1).mean() + floor),
        "band_energies": _db(bands + plan.spectrum.floor),
        "dominant_frequency": strongest if energy[strongest] > plan.spectrum.bin_floor else 0,
        "odba": _db(np.abs(dynamic).sum(axis=1).mean() + floor),
        "vedba_mean": _db(vedba.mean() + floor),
        "vedba_max": _db(vedba.max() + floor),
        "posture_change": 4096 * np.arctan2(_norm(np.cross(means[0], means[-1])), means[0] @ means[-1]),
        "axis_mean": acceleration.mean(axis=0),
        "axis_deviation": _db(acceleration.var(axis=0) + floor**2) / 2,
        "axis_range": _db(np.ptp(acceleration, axis=0) + floor),
        "jerk_mean": _db(jerk.mean() + floor),
        "jerk_max": _db(jerk.max() + floor),
    }
    side = np.sign(about) * (np.abs(about) > floor)
    found["mean_crossings"] = np.count_nonzero(np.diff(side[side != 0]))
    if plan.axes == 6:
        rotation, rest = frame[:, 3:], float(plan.rotation_floor)
        rate = _norm(rotation)
        found["rotation_mean"] = _db(rate.mean() + rest)
        found["rotation_deviation"] = _db(rate.var() + rest**2) / 2
        found["rotation_max"] = _db(rate.max() + rest)
        found["rotation_axis_deviation"] = _db(rotation.var(axis=0) + rest**2) / 2
    return found


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(axis=-1))


def _db(value: np.ndarray) -> np.ndarray:
    return 10 * np.log10(value)


def compare(ours: np.ndarray, oracle: np.ndarray, n_bands: int | None = None) -> Fidelity:
    """Errors of all cells above the floor, and of the cells within 80 dB of their frame's maximum."""
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
    return feature_levels_of(spec, x) / Q10_PER_DB


def _clamp(level: np.ndarray) -> np.ndarray:
    level = np.maximum(level, FLOOR_DB)
    return np.maximum(level, level.max(axis=1, keepdims=True) - RANGE_DB)
