"""Mixing of an anomalous sound into a normal recording, at a given signal-to-noise ratio."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable

SNR_LIMIT_DB = 80.0
"""Largest signal-to-noise ratio, up and down, dB."""

Samples = NDArray[np.int16]


def mixed(
    scene: Samples, event: Samples, snr_db: float, rng: np.random.Generator, *, rate_hz: float = 16_000
) -> tuple[Samples, int, int]:
    """Mix the loudest second of an event into a normal recording, the scene.

    The signal-to-noise ratio is the mean power of that second over the mean power of the scene at the same place. One
    step squared is added to the power of the scene, because a silent scene has no ratio.

    Parameters
    ----------
    scene, event : int16 (n,) and (m,), n and m >= 1; a shorter event than a second is mixed whole, a longer one than
        the scene only as far as it fits
    snr_db : signal-to-noise ratio, dB
    rng : generator that draws the place, all places equally likely
    rate_hz : samples a second

    Returns
    -------
    samples : int16 (n,), saturated at 16 bits
    start, stop : place of the event in samples, 0 <= start < stop <= n
    """
    n = min(round(rate_hz), len(event), len(scene))
    loudest = loudest_start(event, n)
    sound = event[loudest : loudest + n].astype(np.float64)
    start = int(rng.integers(0, max(1, len(scene) - n)))
    there = scene[start : start + n].astype(np.float64)
    gain = math.sqrt((np.mean(there**2) + 1) / (np.mean(sound**2) + 1e-9) * 10 ** (snr_db / 10))
    samples = scene.copy()
    samples[start : start + n] = np.clip(np.round(there + gain * sound), -32768, 32767)
    return samples, start, start + n


def loudest_start(samples: Samples, n: int) -> int:
    """Index of the first of the n consecutive samples with the most energy, 1 <= n <= len(samples)."""
    return int(_energies(samples, n).argmax())


def loudest_piece(pieces: list[Samples], rate_hz: float) -> Samples:
    """Select the piece that holds the second with the most energy; there must be at least one piece."""
    second = round(rate_hz)
    return max(pieces, key=lambda piece: int(_energies(piece, min(second, len(piece))).max()))


def parse_snr(text: str) -> tuple[float, ...]:
    """Read signal-to-noise ratios in dB from text such as ``20,10,0``.

    Raises
    ------
    InputError : text that is no numbers, a ratio beyond -80 to 80 dB, or a ratio that occurs twice
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    return checked_snr(found, printable(text))


def checked_snr(snr: tuple[float, ...], shown: str) -> tuple[float, ...]:
    """Refuse ratios beyond `SNR_LIMIT_DB` and ratios that occur twice; ``shown`` is the text of all."""
    if not snr or len(set(snr)) < len(snr) or not all(abs(ratio) <= SNR_LIMIT_DB for ratio in snr):
        raise InputError(f"`snr='{shown}'`: give ratios from -80 to 80 dB, each once, e.g. 20,10,0")
    return snr


def _energies(samples: Samples, n: int) -> NDArray[np.int64]:
    """Sums of squares (len(samples) - n + 1,) of every n consecutive samples."""
    sums = np.concatenate([[0], np.cumsum(samples.astype(np.int64) ** 2)])
    return sums[n:] - sums[:-n]
