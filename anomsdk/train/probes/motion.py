"""Probes of motion: generated unusual movements, for training without recorded anomalies.

They are made of the elements of unusual movements (a drop and an impact, a turn of the body, shaking, vigour) and put
into normal motion; no recording is part of them. Where normal motion is vigorous, as at a wrist, unusual motion is so,
too. Forces are therefore in proportion to the vigour: staged falls at the wrists of UMAFall peak at 1.5 times the
acceleration of those at the waists, and normal motion there has 1.5 times the vigour.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from anomsdk.planner.sections import MotionSensor
from anomsdk.synthetic.motion import direction, rotation
from anomsdk.train.models.network import Floats
from anomsdk.train.probes.sound import STRENGTHS, Samples

_GYRO_DPS = 200.0
"""Rotation that goes with an acceleration of 1 g, degrees a second."""
_USUAL_G = 0.5
"""Vigour at the waist of people who walk, climb and sit down, g; less vigour does not make probes weaker."""


def vigour(pieces: Iterable[Samples], sensor: MotionSensor) -> float:
    """Compute the root mean square of the acceleration around the mean of each piece, g; 0 without pieces.

    Parameters
    ----------
    pieces : int16 (n, axes) each, normal motion
    sensor : sensor with the scale of the samples
    """
    squares, n = 0.0, 0
    for rows in pieces:
        acceleration = rows[:, :3] / sensor.counts_per_g
        squares += float(((acceleration - acceleration.mean(axis=0)) ** 2).sum())
        n += len(rows)
    return float(np.sqrt(squares / n)) if n else 0.0


def force_at(vigour_g: float) -> float:
    """Factor of the forces of probes for a vigour of normal motion in g; 1 or more."""
    return max(1.0, vigour_g / _USUAL_G)


def disturbed_motion(
    rows: Samples, strength_db: float, sensor: MotionSensor, rng: np.random.Generator, *, force: float = 1.0
) -> Samples:
    """Put one unusual movement into normal motion.

    Parameters
    ----------
    rows : int16 (n, axes), normal motion
    strength_db : one of `STRENGTHS`, dB
    sensor : sensor with the rate and scale of the samples
    rng : generator; the same state gives the same movement
    force : factor of the forces, see `force_at`
    """
    rate, found = sensor.rate_hz, rows.astype(np.float64)
    acceleration = found[:, :3] / sensor.counts_per_g
    strength = 2 ** ((strength_db - STRENGTHS[0]) / 10)
    make = _KINDS[rng.integers(len(_KINDS))]
    seconds = float(rng.uniform(0.8, 3.0))
    n = min(len(rows), max(4, round(seconds * rate)))
    start = int(rng.integers(0, len(rows) - n + 1))
    place = slice(start, start + n)
    changed = make(acceleration, place, strength, strength * force, rate, rng)
    if rows.shape[1] == 6 and sensor.counts_per_dps is not None:
        moved = np.linalg.norm(changed[place] - acceleration[place], axis=1)
        axis = direction(rng)
        found[place, 3:] += (moved * _GYRO_DPS * sensor.counts_per_dps)[:, None] * axis
    found[:, :3] = changed * sensor.counts_per_g
    most = 32767 if sensor.full_scale_g is None else min(32767, sensor.full_scale_g * sensor.counts_per_g)
    found[:, :3] = np.clip(found[:, :3], -most, most)
    return np.clip(np.round(found), -32768, 32767).astype(np.int16)


def _fall(g: Floats, place: slice, strength: float, force: float, rate: float, rng: np.random.Generator) -> Floats:
    """Fall: less weight for a moment, an impact that rings, then another posture."""
    found, n = g.copy(), place.stop - place.start
    drop = min(n - 1, max(1, round(rng.uniform(0.15, 0.5) * rate)))
    found[place.start : place.start + drop] *= 1 - strength * rng.uniform(0.5, 0.95)
    t = np.arange(n - drop) / rate
    ring = np.cos(2 * np.pi * rng.uniform(1, 0.3 * rate) * t) * np.exp(-t / rng.uniform(0.05, 0.25))
    found[place.start + drop : place.stop] += force * rng.uniform(3.0, 8.0) * ring[:, None] * direction(rng)
    angle = strength * rng.uniform(0.7, 1.3) * np.pi / 2
    found[place.start + drop :] = found[place.start + drop :] @ rotation(direction(rng), angle)
    return found


def _turn(g: Floats, place: slice, strength: float, force: float, rate: float, rng: np.random.Generator) -> Floats:
    """Turn of the body or the device, which stays turned."""
    found, n, axis = g.copy(), place.stop - place.start, direction(rng)
    angle = strength * rng.uniform(0.6, 1.0) * np.pi
    for i, share in enumerate(np.linspace(0, 1, n)):
        found[place.start + i] = found[place.start + i] @ rotation(axis, share * angle)
    found[place.stop :] = found[place.stop :] @ rotation(axis, angle)
    return found


def _shaking(g: Floats, place: slice, strength: float, force: float, rate: float, rng: np.random.Generator) -> Floats:
    """Shaking: a swing of one frequency that comes and goes."""
    found, n = g.copy(), place.stop - place.start
    t = np.arange(n) / rate
    swing = np.sin(2 * np.pi * rng.uniform(1.0, 0.35 * rate) * t + rng.uniform(0, 6)) * np.hanning(n)
    found[place] += force * rng.uniform(2.0, 5.0) * swing[:, None] * direction(rng)
    return found


def _vigour(g: Floats, place: slice, strength: float, force: float, rate: float, rng: np.random.Generator) -> Floats:
    """Vigour: the same movement with more force, and jolts without a rhythm."""
    found, n = g.copy(), place.stop - place.start
    mean = g[place].mean(axis=0)
    found[place] = mean + (g[place] - mean) * (1 + strength * rng.uniform(2, 5))
    jolts = rng.standard_normal((n, 3)) * (rng.random((n, 1)) < 0.3)
    found[place] += force * rng.uniform(1.5, 4.0) * jolts
    return found


_KINDS = (_fall, _fall, _fall, _shaking, _vigour, _turn)
"""Kinds of movements, equally likely; falls are listed three times, because unusual motion is mostly violent."""
