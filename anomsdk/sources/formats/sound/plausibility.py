"""Plausibility of sound files: whether levels, steps and channels of the samples fit the header."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.runtime.memory import wiped_after_use

SURVEYED_VALUES = 1 << 22
"""Most values that are looked at, in pieces spread evenly over a longer recording."""
MOST_BEYOND = 0.25
"""Largest share of floats, zeros apart, beyond full scale (1.0) that is believed; overdriven music has less."""
_LOUDEST, _LOUDEST_SHARE = 16.0, 0.01
"""Largest float that is believed of overdriven sound, 24 dB above full scale, if more than a share lies beyond."""
_DEAF_DB = 30.0
"""Level in dB below the loudest channel from which on a microphone is deaf; working ones differ by a few dB."""
_CANCELS = -0.9
"""Correlation with the other channels below which mixing attenuates by 13 dB or more."""
_FULL = 32768.0
"""Full scale in int16 units."""
_STEP_32 = 2.0**-16
"""One step of a stored 32-bit integer in int16 units."""


@dataclass(frozen=True)
class SoundStatistics:
    """Statistics of samples in int16 units.

    Parameters
    ----------
    values : number of values
    peak : largest magnitude
    beyond : share of values beyond full scale
    whole : every value is a whole multiple of full scale
    zeros : share of values that are 0
    lowest_bit : lowest bit that is set in any stored value, from 0; 64 where all values are 0
    deviations : standard deviation of each channel
    against : correlation of each channel with the sum of the others; 0 for a constant channel
    floats : the stored 32-bit integers are, bit by bit, floats from -4 to 4, as hardly any sound is
    """

    values: int
    peak: float
    beyond: float
    whole: bool
    zeros: float
    lowest_bit: int
    deviations: tuple[float, ...]
    against: tuple[float, ...]
    floats: bool = False


def statistics_of(
    blocks: Generator[NDArray[Any], None, None], channels: int, step: float | None = None
) -> SoundStatistics:
    """Return the statistics of blocks (n, channels) in int16 units, which are zeroed after use.

    Parameters
    ----------
    blocks : one or more
    channels : number of values in a row
    step : one step of a stored integer in int16 units; None where no integers are stored
    """
    n, peak, beyond, zeros, whole, bits, like_floats, distinct = 0, 0.0, 0, 0, True, 0, 0, 0
    sums, squares, products, totals = (np.zeros(channels) for _ in range(4))
    with closing(wiped_after_use(blocks)) as read:
        for block in read:
            values = block.astype(np.float64)
            n += len(values)
            size = np.abs(values)
            peak = max(peak, float(size.max()))
            beyond += int((size > _FULL).sum())
            zeros += int((size == 0).sum())
            whole = whole and not (size % _FULL).any()
            if step is not None:
                np.divide(size, step, out=size)
                bits |= int(np.bitwise_or.reduce(np.minimum(size, 2.0**62).astype(np.int64), axis=None))
            if step == _STEP_32:
                stored = (values / step).astype(np.int64) & 0x7FFFFFFF  # without the sign bit
                like_floats += int(((stored > 0x33800000) & (stored < 0x40800000)).sum())
                distinct = max(distinct, len(np.unique(stored[:1000])))
                del stored
            total = values.sum(axis=1)
            for channel in range(channels):
                column = values[:, channel]
                others = total - column
                sums[channel] += column.sum()
                squares[channel] += (column * column).sum()
                products[channel] += (column * others).sum()
                totals[channel] += (others * others).sum()
                del column, others
            del values, size, total
    n = max(1, n)
    means = sums / n
    variances = np.maximum(squares / n - means**2, 0)
    variances[variances < 1e-12 * (squares / n)] = 0  # rounding leaves this of a constant
    rest = means.sum() - means
    spread = np.sqrt(variances * np.maximum(totals / n - rest**2, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        against = np.where(spread > 0, (products / n - means * rest) / spread, 0.0)
    return SoundStatistics(
        n * channels,
        peak,
        beyond / (n * channels),
        whole,
        zeros / (n * channels),
        64 if bits == 0 else (bits & -bits).bit_length() - 1,
        tuple(np.sqrt(variances).tolist()),
        tuple(against.tolist()),
        distinct > 16 and like_floats > 0.98 * (n * channels - zeros),
    )


def check_float(statistics: SoundStatistics, where: str) -> tuple[str, ...]:
    """Refuse integers that are stored as floats; return a note on values that are clipped, if any."""
    advice = "divide the samples by their full scale (32768 for 16 bits), so that it is 1.0"
    if statistics.whole and statistics.peak and (statistics.peak > _FULL or 0.01 < 1 - statistics.zeros < 0.99):
        peak = statistics.peak / _FULL
        raise InputError(f"{where}: floats that are whole numbers up to {peak:g}, and full scale is 1.0; {advice}")
    beyond = statistics.beyond / max(1e-9, 1 - statistics.zeros)
    if beyond > MOST_BEYOND or (statistics.peak > _LOUDEST * _FULL and statistics.beyond > _LOUDEST_SHARE):
        raise InputError(
            f"{where}: {beyond:.0%} of the values that are not 0 lie beyond full scale, which is 1.0; {advice}"
        )
    if statistics.beyond:
        share = f"{100 * statistics.beyond:.1f} %" if statistics.beyond >= 0.001 else "less than 0.1 %"
        return (f"{share} of the values beyond full scale, up to {statistics.peak / _FULL:.3g}",)
    return ()


def check_audible(statistics: SoundStatistics, where: str) -> None:
    """Refuse sound so quiet that 16-bit samples of it are all 0."""
    if 0 < statistics.peak < 1:
        db = decibels(statistics.peak)
        raise InputError(f"{where}: nothing is above {db:.0f} dB of full scale, and 16 bits end at -90 dB; scale it up")


def check_channels(statistics: SoundStatistics) -> tuple[str, ...]:
    """Return notes on channels that spoil the mean of all channels, and which one to take instead."""
    found = list[str]()
    loudest = max(statistics.deviations)
    for number, deviation in enumerate(statistics.deviations, 1):
        if deviation == 0 and loudest > 0:
            found.append(f"channel {number} of {len(statistics.deviations)} is dead (constant)")
        elif loudest and deviation < loudest * 10 ** (-_DEAF_DB / 20):
            db = 20 * math.log10(loudest / deviation)
            found.append(f"channel {number} of {len(statistics.deviations)} is {db:.0f} dB below the loudest")
    if len(found) > 3:
        found[3:] = [f"{len(found) - 3} more such channels"]
    if crossed := [number for number, value in enumerate(statistics.against, 1) if value < _CANCELS]:
        of = ", ".join(map(str, crossed[:4]))
        found.append(f"channel{'s' if len(crossed) > 1 else ''} {of} inverted against the others, mixing cancels them")
    if not found:
        return ()
    best = 1 + statistics.deviations.index(loudest)
    return (*found[:-1], f"{found[-1]} (`channel={best}` takes that one alone)")


def decibels(peak: float) -> float:
    """Return a peak in int16 units in dB relative to full scale."""
    return 20 * math.log10(peak / _FULL)
