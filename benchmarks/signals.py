"""Generated and recorded signals for the measurements."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
from scipy.signal import lfilter

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
ESC10 = SHARED / "esc10_folds1-4.npz"
AD01 = SHARED / "mlperf_tiny" / "ad01_int8.tflite"
RATE = 16_000
LEVELS_DBFS = (0, -20, -40, -60)


def recipe(name: str) -> ModuleType:
    """Import the recipe of a reference model."""
    path = ROOT / "reference_models" / name / "recipe.py"
    spec = importlib.util.spec_from_file_location(f"recipe_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def real_clips(step: int = 32) -> dict[str, np.ndarray]:
    """Every ``step``-th clip of ESC-10, int16 at 16 kHz; empty if the data does not exist."""
    if not ESC10.exists():
        return {}
    clips, labels, _ = recipe("audio_scene").load(ESC10)
    return {f"{labels[i]} {i}": clips[i] for i in range(0, len(clips), step)}


def synthetic(seconds: float = 4.0, seed: int = 0) -> dict[str, np.ndarray]:
    """Generated 16-bit signals with peaks of 0, -20, -40 and -60 dBFS: noise, tone, sweep, impulses, a voiced sound."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    pink = lfilter([1], [1, -0.98], rng.standard_normal(n))
    voiced = sum(np.sin(2 * np.pi * 120 * h * t + h) / h for h in range(1, 30)) * (np.sin(2 * np.pi * 3 * t) > 0)
    impulses = np.zeros(n)
    impulses[::4001] = 1
    shapes = {
        "white": np.clip(rng.standard_normal(n) / 4, -1, 1),
        "pink": pink,
        "tone": np.sin(2 * np.pi * 440.3 * t),
        "sweep": np.sin(2 * np.pi * (50 * t + 0.5 * 7000 / seconds * t * t)),
        "impulses": impulses,
        "voiced": voiced,
    }
    return {
        f"{name} {level} dBFS": np.round(32767 * 10 ** (level / 20) * x / np.abs(x).max()).astype(np.int16)
        for name, x in shapes.items()
        for level in LEVELS_DBFS
    }
