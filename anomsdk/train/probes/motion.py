"""Probes of motion: generated movements that stand in for the anomalies that nobody has.

They are made up from what unusual movements are made of (a drop and an impact, a turn of the body, shaking, vigour),
put into normal motion; not from any recording. Where normal motion is vigorous, as at a wrist, so is what is unusual
there: forces are in proportion (staged falls at UMAFall's wrists peak at 1.5 times the acceleration of those at the
waists, whose normal motion has 1 / 1.5 of the vigour).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from anomsdk.planner.sections import MotionSensor
from anomsdk.synthetic.motion import direction, rotation
from anomsdk.train.models.network import Floats
from anomsdk.train.probes.sound import STRENGTHS, Samples

_GYRO_DPS = 200.0
"""Rotation that goes with an acceleration of 1 g."""
_USUAL_G = 0.5
"""Vigour of people who walk, climb and sit down, at the waist: less of it makes no unusual movement weaker."""


def vigour(pieces: Iterable[Samples], sensor: MotionSensor) -> float:
    """Root mean square of the acceleration around the mean of each piece, g; 0 where there is none.

    Parameters
    ----------
    pieces : int16 (n, axes) each, normal
    sensor : scale of the rows
    """
    squares, n = 0.0, 0
    for rows in pieces:
        acceleration = rows[:, :3] / sensor.counts_per_g
        squares += float(((acceleration - acceleration.mean(axis=0)) ** 2).sum())
        n += len(rows)
    return float(np.sqrt(squares / n)) if n else 0.0


def force_at(vigour_g: float) -> float:
    """How much stronger the forces of probes are where normal motion has this vigour: 1 or more."""
    return max(1.0, vigour_g / _USUAL_G)


def disturbed_motion(
    rows: Samples, strength_db: float, sensor: MotionSensor, rng: np.random.Generator, *, force: float = 1.0
) -> Samples:
    """Motion with one unusual movement in it.

    Parameters
    ----------
    rows : int16 (n, axes), normal
    strength_db : one of STRENGTHS
    sensor : rate and scale of the rows
    rng : the same state gives the same movement
    force : times the usual one, see `force_at`
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
    """Less weight for a moment, an impact that rings, then another posture."""
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
    """The body, or the device, turns and stays so."""
    found, n, axis = g.copy(), place.stop - place.start, direction(rng)
    angle = strength * rng.uniform(0.6, 1.0) * np.pi
    for i, share in enumerate(np.linspace(0, 1, n)):
        found[place.start + i] = found[place.start + i] @ rotation(axis, share * angle)
    found[place.stop :] = found[place.stop :] @ rotation(axis, angle)
    return found


def _shaking(g: Floats, place: slice, strength: float, force: float, rate: float, rng: np.random.Generator) -> Floats:
    """A swing of one frequency that comes and goes."""
    found, n = g.copy(), place.stop - place.start
    t = np.arange(n) / rate
    swing = np.sin(2 * np.pi * rng.uniform(1.0, 0.35 * rate) * t + rng.uniform(0, 6)) * np.hanning(n)
    found[place] += force * rng.uniform(2.0, 5.0) * swing[:, None] * direction(rng)
    return found


def _vigour(g: Floats, place: slice, strength: float, force: float, rate: float, rng: np.random.Generator) -> Floats:
    """The same movement with more force, and jolts that have no rhythm."""
    found, n = g.copy(), place.stop - place.start
    mean = g[place].mean(axis=0)
    found[place] = mean + (g[place] - mean) * (1 + strength * rng.uniform(2, 5))
    jolts = rng.standard_normal((n, 3)) * (rng.random((n, 1)) < 0.3)
    found[place] += force * rng.uniform(1.5, 4.0) * jolts
    return found


_KINDS = (_fall, _fall, _fall, _shaking, _vigour, _turn)
"""Drops and impacts most of all: what is unusual for a wearer of any kind is mostly violent."""
