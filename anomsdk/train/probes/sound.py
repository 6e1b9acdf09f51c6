"""Probes of sound and of other rows: generated events, for training without recorded anomalies.

Candidates are compared by how well they find probes in held-out recordings. Probes are made of the elements of events
(bursts, tones, clicks, sweeps; jumps, faults and noise of a sensor); no recording is part of them. They are used for
the choice of the model only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast

Samples = NDArray[np.int16]
_Floats = NDArray[np.floating[Any]]

STRENGTHS = (20.0, 10.0)
"""Strengths of probes, dB above the normal sound in the same place; for rows of values these are 6 and 3 standard
deviations."""
_LOUDEST = 16_000.0
"""Peak of a generated sound, int16 steps."""


def sound_event(rate_hz: float, rng: np.random.Generator) -> Samples:
    """Generate a sound of 0.05 to 1 s between 80 Hz and 0.45 of the rate, at full level.

    Parameters
    ----------
    rate_hz : samples a second
    rng : generator; the same state gives the same sound
    """
    seconds = float(np.exp(rng.uniform(np.log(0.05), 0)))
    t = np.arange(max(8, round(seconds * rate_hz))) / rate_hz
    make = (_burst, _tone, _clicks, _sweep)[rng.integers(4)]
    wave = make(t, rate_hz, rng)
    attack, decay = rng.uniform(0.002, 0.2, 2) * seconds
    wave = wave * np.minimum(1, t / attack) * np.minimum(1, (t[-1] - t) / decay)
    return checked_cast(np.round(wave * (_LOUDEST / max(float(np.abs(wave).max()), 1e-9))), "i2", "probe")


def _pitch(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _burst(t: _Floats, rate_hz: float, rng: np.random.Generator) -> _Floats:
    """Burst: noise in a band of a third to three octaves."""
    centre, octaves = _pitch(150, 0.35 * rate_hz, rng), rng.uniform(0.33, 3)
    spectrum = np.fft.rfft(rng.standard_normal(len(t)))
    hz = np.fft.rfftfreq(len(t), 1 / rate_hz)
    spectrum[(hz < centre * 2 ** (-octaves / 2)) | (hz > centre * 2 ** (octaves / 2))] = 0
    return np.fft.irfft(spectrum, len(t))


def _tone(t: _Floats, rate_hz: float, rng: np.random.Generator) -> _Floats:
    """Tone: harmonic, with a wavering pitch, as of voices, animals and sirens."""
    f0, slope = _pitch(90, 1500, rng), rng.uniform(0.2, 1.5)
    bend = rng.uniform(0, 0.15) * np.sin(2 * np.pi * rng.uniform(1, 8) * t + rng.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(f0 * (1 + bend)) / rate_hz
    n = max(1, min(20, int(0.45 * rate_hz / (f0 * 1.2))))
    return np.sum([np.sin(k * phase) / k**slope for k in range(1, n + 1)], axis=0)


def _clicks(t: _Floats, rate_hz: float, rng: np.random.Generator) -> _Floats:
    """Clicks: one to four knocks of noise that dies away within 2 to 60 ms."""
    wave = np.zeros(len(t))
    for start in rng.uniform(0, 0.8 * t[-1], rng.integers(1, 5)):
        after = t >= start
        wave[after] += rng.standard_normal(after.sum()) * np.exp(-(t[after] - start) / rng.uniform(0.002, 0.06))
    smooth = np.ones(rng.integers(1, 12))
    return np.convolve(wave, smooth, "same")


def _sweep(t: _Floats, rate_hz: float, rng: np.random.Generator) -> _Floats:
    """Sweep: a tone from one pitch to another, sometimes buzzing."""
    start, end = (_pitch(100, 0.4 * rate_hz, rng) for _ in range(2))
    phase = 2 * np.pi * np.cumsum(start * (end / start) ** (t / max(t[-1], 1e-9))) / rate_hz
    return np.sin(phase) * (1 + rng.uniform(0, 1) * np.sign(np.sin(2 * np.pi * rng.uniform(5, 60) * t)))


def disturbed_rows(rows: Samples, strength_db: float, ticks: int, rng: np.random.Generator) -> Samples:
    """Disturb some columns of rows for a while: moved, noisy, stuck, or mirrored at their mean.

    Parameters
    ----------
    rows : int16 (n, columns), normal rows
    strength_db : one of `STRENGTHS`, dB
    ticks : longest duration of the disturbance, rows
    rng : generator; the same state gives the same disturbance
    """
    found = rows.astype(np.float64)
    n, columns = rows.shape
    length = min(n, max(1, round(ticks * rng.uniform(0.3, 1))))
    start = int(rng.integers(0, n - length + 1))
    place = slice(start, start + length)
    which = rng.permutation(columns)[: max(1, round(columns * rng.uniform(0.1, 0.5)))]
    part, deviation = found[place][:, which], np.maximum(found[:, which].std(axis=0), 0.5)
    steps = 3.0 * 2 ** (strength_db / 10 - 1)
    kind = rng.integers(4)
    if kind == 0:
        part = part + rng.choice([-1, 1], len(which)) * steps * deviation
    elif kind == 1:
        part = part + rng.standard_normal(part.shape) * steps / 2 * deviation
    elif kind == 2:
        part = np.broadcast_to(part[:1] + rng.choice([-1, 1], len(which)) * steps / 2 * deviation, part.shape)
    else:
        part = found[:, which].mean(axis=0) - steps / 3 * (part - found[:, which].mean(axis=0))
    found[place, which] = part
    return np.clip(np.round(found), -32768, 32767).astype(np.int16)
