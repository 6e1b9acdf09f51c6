"""Technical faults of a sensor, put into int16 recordings: dead, stuck, clipped, repeated, miscalibrated, not worn.

Each function returns new arrays and leaves its input alone. A recording is int16 (n,) for sound or (n, columns) for
motion, whose first three columns are the acceleration. ``start`` is the index of the first sample with the fault,
0 <= start < n.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from anomsdk.synthetic.motion import direction, rotation

Samples = NDArray[np.int16]
Values = NDArray[np.float64]
Stream = list[Samples | int]
"""Blocks of samples in order; an int among them is a gap in samples, as `anomsdk.score_many` takes them."""

LOWEST, HIGHEST = -32768, 32767
TABLE_NOISE_MG = 3.0
"""Standard deviation of an accelerometer at rest in mg, about 0.3 mg per root of Hz in a bandwidth of 50 to 100 Hz."""
TABLE_NOISE_COUNTS = 1.5
"""Standard deviation of a gyroscope at rest in counts."""


def stuck(samples: Samples, start: int, value: int = 0) -> Samples:
    """Hold every column at one value from ``start`` on; at 0, the sensor is dead.

    Examples
    --------
    >>> stuck(np.array([5, 6, 7], np.int16), 1).tolist()
    [5, 0, 0]
    """
    found = samples.copy()
    found[start:] = value
    return found


def frozen(samples: Samples, start: int) -> Samples:
    """Repeat the last sample before ``start`` in every column, as a driver does that is never told of new samples.

    Parameters
    ----------
    start : 1 or more
    """
    found = samples.copy()
    found[start:] = samples[start - 1]
    return found


def axis_dead(samples: Samples, start: int, axis: int) -> Samples:
    """Repeat the last value before ``start`` in one column, and leave the others as they are.

    Parameters
    ----------
    start : 1 or more
    axis : index of the column
    """
    found = samples.copy()
    found[start:, axis] = samples[start - 1, axis]
    return found


def clipped(samples: Samples, start: int, share: float, highest: int = HIGHEST, *, every: int | None = None) -> Samples:
    """Amplify from ``start`` on until a share of the values reaches the end of the sensor's range.

    A gain below 1 is never taken: a recording with a larger share of clipped values stays as it is.

    Parameters
    ----------
    share : share of the values of all columns that are clipped, above 0 and below 1
    highest : largest magnitude that the sensor gives, counts, 1 to 32767
    every : the share is reached in every stretch of this many samples but the last, shorter one; None: over all

    Examples
    --------
    >>> clipped(np.array([1, -2, 3, -4], np.int16), 0, 0.5, highest=300).tolist()
    [100, -200, 300, -300]
    """
    magnitudes = np.abs(samples[start:].astype(np.float64))
    whole = 1 if every is None else max(1, len(magnitudes) // every)
    stretches = magnitudes[: len(magnitudes) if every is None else whole * every].reshape(whole, -1)
    reached = float(np.quantile(stretches, 1 - share, axis=1, method="higher").min())
    gain = max(1.0, highest / max(1.0, reached))
    return _changed(samples, start, lambda rest: np.clip(gain * rest, -highest, highest))


def scaled(samples: Samples, start: int, factor: float, columns: slice = slice(None)) -> Samples:
    """Multiply by a factor from ``start`` on, as a sensor does that was set to another range.

    Parameters
    ----------
    factor : above 0
    columns : columns that change, e.g. ``slice(3)`` for the acceleration of six axes
    """
    if samples.ndim == 1:
        return _changed(samples, start, lambda rest: factor * rest)
    each = np.ones(samples.shape[1])
    each[columns] = factor
    return _changed(samples, start, lambda rest: each * rest)


def offset(samples: Samples, start: int, counts: Values | float) -> Samples:
    """Add a constant from ``start`` on.

    Parameters
    ----------
    counts : what is added, one number or one for each column
    """
    return _changed(samples, start, lambda rest: rest + counts)


def repeated(samples: Samples, start: int, length: int) -> Samples:
    """Repeat the last ``length`` samples before ``start`` until the end, as a buffer does that is never filled again.

    Parameters
    ----------
    start : at least ``length``
    length : samples of the buffer, 1 or more

    Examples
    --------
    >>> repeated(np.array([1, 2, 3, 4, 5, 6], np.int16), 3, 2).tolist()
    [1, 2, 3, 2, 3, 2]
    """
    found = samples.copy()
    rest = len(samples) - start
    found[start:] = samples[start - length + np.arange(rest) % length]
    return found


def packets_lost(samples: Samples, start: int, length: int, share: float, rng: np.random.Generator) -> Stream:
    """Lose a share of the packets from ``start`` on; each is lost independently.

    Parameters
    ----------
    length : samples of a packet, 1 or more
    share : share of the packets that is lost, 0 to 1
    rng : generator that draws the packets

    Returns
    -------
    blocks : the samples before ``start``, then packets, and the number of lost samples in the place of lost packets
    """
    found: Stream = [samples[:start].copy()] if start else []
    for at in range(start, len(samples), length):
        packet = samples[at : at + length]
        found.append(len(packet) if rng.random() < share else packet.copy())
    return found


def unplugged(samples: Samples, start: int, stop: int) -> Stream:
    """Unplug the sensor at sample ``start`` and plug it in again at sample ``stop``: the samples between are missing.

    Returns
    -------
    blocks : samples, the number of missing samples, samples
    """
    return [samples[:start].copy(), stop - start, samples[stop:].copy()]


def on_table(
    samples: Samples, start: int, n: int, rng: np.random.Generator, rate_hz: float, noise_counts: float
) -> Samples:
    """Take the device off at sample ``start`` and put it on a table: n samples of constant gravity and noise.

    The recording's own calibration stays: gravity has the length of its mean acceleration before ``start``. Handling
    takes one second, in which gravity turns to a direction that ``rng`` draws.

    Parameters
    ----------
    samples : motion (n, columns); columns beyond the acceleration are a gyroscope, which has noise alone on a table
    start : 1 or more
    n : samples after ``start``; those of the recording are not used
    rng : generator of the direction and the noise
    rate_hz : samples a second
    noise_counts : standard deviation of the accelerometer's noise, counts

    Returns
    -------
    int16 (start + n, columns)
    """
    before = samples[:start, :3].astype(np.float64)
    gravity = before.mean(axis=0)
    lifted = min(n, round(rate_hz))
    axis, angle = direction(rng), rng.uniform(0.5, 2.5)
    still = np.zeros((n, samples.shape[1]))
    still[:, :3] = gravity @ rotation(axis, angle)
    for i in range(lifted):
        still[i, :3] = gravity @ rotation(axis, angle * i / lifted)
    noise = np.full(samples.shape[1], TABLE_NOISE_COUNTS)
    noise[:3] = noise_counts
    return np.concatenate([samples[:start], _as_int16(still + noise * rng.standard_normal(still.shape))])


def _changed(samples: Samples, start: int, change: Callable[[Values], Values]) -> Samples:
    """Change the samples from ``start`` on, in floating point; results are rounded and saturated at int16."""
    return np.concatenate([samples[:start], _as_int16(change(samples[start:].astype(np.float64)))])


def _as_int16(values: Values) -> Samples:
    return np.clip(np.rint(values), LOWEST, HIGHEST).astype(np.int16)
