"""Generated motion: a person with a device on the belt, cattle with collars, and unusual movements of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Motion = NDArray[np.float64]
"""(n, 6): ax, ay, az in g, gx, gy, gz in degrees a second."""

_SETTLE_S = 1.5
"""Seconds that a change of posture takes."""


@dataclass(frozen=True)
class Behaviour:
    """Behaviour of a person or an animal for some time.

    Parameters
    ----------
    name : name of the behaviour
    posture : direction of gravity, before the wearer's own tilt
    rhythm_hz : frequency of the steps or of the jaw, Hz; 0: no rhythm
    swing_g : amplitude of the rhythm, g
    unrest_g : amplitude of movement without a rhythm, g
    seconds : shortest and longest duration, seconds
    """

    name: str
    posture: tuple[float, float, float]
    rhythm_hz: float
    swing_g: float
    unrest_g: float
    seconds: tuple[float, float]


PERSON = (
    Behaviour("standing", (0.0, 0.05, 1.0), 0.0, 0.0, 0.02, (5, 25)),
    Behaviour("walking", (0.0, 0.12, 1.0), 1.8, 0.25, 0.05, (10, 40)),
    Behaviour("sitting", (0.0, 0.45, 0.9), 0.0, 0.0, 0.015, (10, 60)),
    Behaviour("housework", (0.1, 0.2, 0.97), 0.7, 0.12, 0.12, (10, 40)),
)
CATTLE = (
    Behaviour("grazing", (0.75, 0.05, 0.65), 1.1, 0.06, 0.10, (20, 90)),
    Behaviour("ruminating", (0.25, 0.0, 0.97), 1.0, 0.05, 0.015, (20, 90)),
    Behaviour("resting", (0.35, 0.15, 0.92), 0.0, 0.0, 0.012, (20, 90)),
    Behaviour("walking", (0.2, 0.0, 0.98), 0.8, 0.14, 0.06, (10, 40)),
)


def day(rng: np.random.Generator, behaviours: Sequence[Behaviour], seconds: float, rate_hz: float) -> Motion:
    """Generate behaviours one after the other; ``rng`` also draws the wearer's build and the mount of the device."""
    vigour, tempo = rng.uniform(0.8, 1.25), rng.uniform(0.9, 1.1)
    mount = rotation(rng.standard_normal(3), rng.uniform(0, 0.12))
    n = round(seconds * rate_hz)
    gravity, moved = np.zeros((n, 3)), np.zeros((n, 6))
    at = 0
    while at < n:
        what = behaviours[rng.integers(len(behaviours))]
        end = min(n, at + round(rng.uniform(*what.seconds) * rate_hz))
        posture = np.array(what.posture) + rng.normal(0, 0.04, 3)
        gravity[at:end] = posture / np.linalg.norm(posture)
        moved[at:end] = _movement(rng, what, end - at, rate_hz, vigour, tempo)
        at = end
    settled = _smooth(gravity, round(_SETTLE_S * rate_hz))
    settled /= np.linalg.norm(settled, axis=1, keepdims=True)
    turning = np.cross(settled, np.gradient(settled, 1 / rate_hz, axis=0)) * (180 / np.pi)
    sensor = rng.normal(0, 1, (n, 6)) * np.repeat([0.004, 0.4], 3)
    return np.hstack([settled, turning]) @ np.kron(np.eye(2), mount) + moved + sensor


def fall(motion: Motion, start: int, rng: np.random.Generator, rate_hz: float) -> None:
    """Put a fall into a person's motion from sample ``start`` on: less weight, an impact, then lying."""
    drop, n = round(0.4 * rate_hz), len(motion)
    turned = rotation(rng.standard_normal(3) * (1, 1, 0.1), rng.uniform(1.2, 1.7))
    motion[start : start + drop, :3] *= np.linspace(1, 0.25, drop)[:, None]
    t = np.arange(n - start - drop) / rate_hz
    ring = np.exp(-t / 0.08) * np.cos(2 * np.pi * 9 * t)
    still = motion[start + drop :, :3]
    still[:] = still.mean(axis=0) + 0.2 * (still - still.mean(axis=0))
    still[:] = still @ turned + 3.5 * ring[:, None] * direction(rng)
    motion[start : start + 2 * drop, 3:] += 180 * np.hanning(2 * drop)[:, None] * direction(rng)


def shaking(motion: Motion, start: int, rng: np.random.Generator, rate_hz: float) -> None:
    """Put three seconds of a shaking head into an animal's motion from sample ``start`` on."""
    n = min(round(3 * rate_hz), len(motion) - start)
    swing = np.sin(2 * np.pi * 3.1 * np.arange(n) / rate_hz + rng.uniform(0, 6)) * np.hanning(n)
    motion[start : start + n, :3] += 1.1 * swing[:, None] * direction(rng)
    motion[start : start + n, 3:] += 260 * swing[:, None] * direction(rng)


Disturb = Callable[[Motion, int, np.random.Generator, float], None]


def _movement(rng: np.random.Generator, what: Behaviour, n: int, rate_hz: float, vigour: float, tempo: float) -> Motion:
    t = np.arange(n) / rate_hz
    found = np.zeros((n, 6))
    if what.rhythm_hz:
        phase = 2 * np.pi * what.rhythm_hz * tempo * t + np.cumsum(rng.normal(0, 0.6 / np.sqrt(rate_hz), n))
        for harmonic, share in ((1, 1.0), (2, 0.5), (3, 0.2)):
            lag = rng.uniform(0, 2 * np.pi, 6)
            scale = np.repeat([what.swing_g, 120 * what.swing_g], 3) * vigour * share * rng.uniform(0.4, 1, 6)
            found += scale * np.sin(harmonic * phase[:, None] + lag)
    unrest = _smooth(rng.standard_normal((n, 6)), max(1, round(0.08 * rate_hz)))
    pace = 1 + 0.5 * np.sin(2 * np.pi * t / rng.uniform(3, 9) + rng.uniform(0, 6))
    return found + unrest * pace[:, None] * np.repeat([what.unrest_g, 90 * what.unrest_g], 3) * vigour


def _smooth(values: Motion, n: int) -> Motion:
    """Running mean over n samples; at the ends the first and the last sample are repeated."""
    padded = np.pad(values, ((n // 2, n - 1 - n // 2), (0, 0)), mode="edge")
    sums = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(padded, axis=0)])
    return np.asarray((sums[n:] - sums[:-n]) / n)


def direction(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a unit vector (3,); all directions are equally likely."""
    vector = rng.standard_normal(3)
    return np.asarray(vector / np.linalg.norm(vector))


def rotation(axis: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Matrix (3, 3) of a rotation around an axis by an angle, radians (Rodrigues' formula)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)
