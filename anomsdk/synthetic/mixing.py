"""A foreign event in a normal scene, at a stated signal-to-noise ratio."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable

SNR_LIMIT_DB = 80.0

Samples = NDArray[np.int16]


def mixed(
    scene: Samples, event: Samples, snr_db: float, rng: np.random.Generator, *, rate_hz: float = 16_000
) -> tuple[Samples, int, int]:
    """A scene with the loudest second of an event in it.

    The SNR is the mean power of that second over the mean power of the scene at the same place, plus 1 (one step
    squared: a scene that is silent there has no ratio).

    Parameters
    ----------
    scene, event : int16 (n,) and (m,), each at least 1; an event shorter than a second is taken as it is, one
        longer than the scene only so far as it fits
    snr_db : dB
    rng : draws the place, evenly
    rate_hz : samples a second

    Returns
    -------
    samples : int16 (n,); what exceeds 16 bits saturates
    start, stop : where the event lies, 0 <= start < stop <= n
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
    """Where the n samples in a row with the most energy begin, 1 <= n <= len(samples); the first of several."""
    return int(_energies(samples, n).argmax())


def loudest_piece(pieces: list[Samples], rate_hz: float) -> Samples:
    """The piece with the most energy within a second, out of at least one."""
    second = round(rate_hz)
    return max(pieces, key=lambda piece: int(_energies(piece, min(second, len(piece))).max()))


def parse_snr(text: str) -> tuple[float, ...]:
    """Ratios in dB from text such as ``20,10,0``.

    Raises
    ------
    InputError : no numbers, one beyond +-80 dB, or one twice
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    return checked_snr(found, printable(text))


def checked_snr(snr: tuple[float, ...], shown: str) -> tuple[float, ...]:
    """Refuse ratios that cannot be meant."""
    if not snr or len(set(snr)) < len(snr) or not all(abs(ratio) <= SNR_LIMIT_DB for ratio in snr):
        raise InputError(f"--snr '{shown}': give ratios from -80 to 80 dB, each once, separated by commas, as 20,10,0")
    return snr


def _energies(samples: Samples, n: int) -> NDArray[np.int64]:
    """Sums of squares of every n samples in a row."""
    sums = np.concatenate([[0], np.cumsum(samples.astype(np.int64) ** 2)])
    return sums[n:] - sums[:-n]
