"""Generated sound of the demonstration: rain, sea and crackle, and anomalous sounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
EVENT_S = 3.0
"""Length of an anomalous sound, seconds."""
_SEED = 7

Sound = NDArray[np.float64]
"""(n,) at `RATE_HZ`, full scale 1."""


@dataclass(frozen=True)
class Anomaly:
    """Anomalous sound in a scene, with its start and end in seconds."""

    start_s: float
    end_s: float
    name: str


def bed(
    rng: np.random.Generator,
    seconds: int,
    rain_db: float = 0.0,
    sea_db: float = 0.0,
    slow: float = 0.0,
    fast: float = 0.0,
) -> Sound:
    """Generate a normal scene: rain, a sea that swells, and crackle.

    Parameters
    ----------
    rng : generator of everything random
    seconds : length
    rain_db, sea_db : gain of the rain and of the sea, dB
    slow, fast : phases of the slow and the fast swell, radians
    """
    n = seconds * RATE_HZ
    t = np.arange(n) / RATE_HZ
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    # Slopes as recordings of rain and of the sea have them, levels in dB below full scale.
    rain = noise(rng, 1 / (1 + (hz / 2000) ** 2), -32.0 + rain_db)
    sea = noise(rng, hz**2 / (hz**2 + 250**2) / (1 + (hz / 1000) ** 2.2), -30.0 + sea_db)
    swell_db = 3 * np.sin(2 * np.pi * t / 11 + slow) + np.sin(2 * np.pi * t / 4.3 + fast)
    return np.asarray(rain + sea * 10 ** (swell_db / 20) + _crackle(rng, n))


def as_int16(sound: Sound) -> NDArray[np.int16]:
    """Convert a sound of full scale 1 to int16 samples, saturated at full scale."""
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


def noise(rng: np.random.Generator, power: Sound, level_db: float) -> Sound:
    """Generate Gaussian noise with a power spectrum, up to a factor, and a level in dB re full scale."""
    n = 2 * (len(power) - 1)
    shaped = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * np.sqrt(power), n)
    return np.asarray(shaped * 10 ** (level_db / 20) / shaped.std())


def _crackle(rng: np.random.Generator, n: int) -> Sound:
    """Generate quiet clicks of a few milliseconds, about three a second."""
    sound = np.zeros(n)
    decay = np.exp(-np.arange(160) / 25)
    for start in rng.integers(0, n - len(decay), 3 * n // RATE_HZ):
        sound[start : start + len(decay)] += rng.uniform(0.01, 0.05) * decay * rng.standard_normal(len(decay))
    return sound


def siren_of(seconds: float) -> Sound:
    """Generate a siren that rises and falls between 600 and 1400 Hz once a second."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return _tone(1000 - 400 * np.cos(2 * np.pi * t))


def two_tone_of(seconds: float) -> Sound:
    """Generate tones of 2 kHz and 5 kHz in turn, half a second each."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return _tone(np.where(t % 1 < 0.5, 2000.0, 5000.0))


def foreign() -> dict[str, Sound]:
    """Generate anomalous sounds of `EVENT_S`, by name."""
    t = np.arange(round(EVENT_S * RATE_HZ)) / RATE_HZ
    rng = np.random.default_rng(_SEED)
    noise = rng.standard_normal(len(t))

    def struck(every_s: float, decay_s: float) -> Sound:
        return np.asarray(np.exp(-(t % every_s) / decay_s))

    voice = np.sum([np.sin(2 * np.pi * k * (190 * t + 4 * np.sin(2 * np.pi * t))) / k for k in range(1, 20)], axis=0)
    pulse = np.sin(2 * np.pi * 3 * t) > 0
    sounds = {
        "siren": siren_of(EVENT_S),
        "two-tone alarm": two_tone_of(EVENT_S),
        "knocking": _lowpassed(noise, 8) * struck(0.4, 0.05),
        "glass": noise * struck(0.75, 0.12) + 0.5 * np.sin(2 * np.pi * 4300 * t) * struck(0.75, 0.2),
        "hum of a voice": voice,
        "beeps": np.sin(2 * np.pi * 3100 * t) * pulse,
        "saw": noise * (0.6 + 0.4 * np.sign(np.sin(2 * np.pi * 90 * t))),
        "thunder": _lowpassed(noise, 40) * struck(EVENT_S, 1.0),
    }
    quiet = 0.0003 * rng.standard_normal(len(t))  # a microphone is never digitally silent
    return {name: np.asarray(0.5 * sound / np.abs(sound).max() + quiet) for name, sound in sounds.items()}


def _lowpassed(noise: Sound, n: int) -> Sound:
    return np.convolve(noise, np.ones(n) / n, "same")


def _tone(hz: Sound) -> Sound:
    return np.asarray(0.7 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ))


def add(sound: Sound, anomaly: Anomaly, what: Sound) -> None:
    """Add the sound ``what`` of an anomaly to a scene, in place, from the start of the anomaly on."""
    start = round(anomaly.start_s * RATE_HZ)
    sound[start : start + len(what)] += what
