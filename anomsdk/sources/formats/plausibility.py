"""Whether sound can be what its header says: levels, steps and channels, from one look at the samples."""

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

LOOKED_AT = 1 << 22
"""Values of a long recording that are looked at, in pieces from everywhere in it; of a shorter one all are."""
MOST_BEYOND = 0.25
"""Share of floats, zeros apart, beyond 1.0 from which on it is not their full scale: overdriven music has less."""
_LOUDEST, _LOUDEST_SHARE = 16.0, 0.01
"""24 dB above full scale for more than a moment is no overdrive either."""
_DEAF_DB = 30.0
"""A channel so far below the loudest heard nothing: microphones in one place differ by a few dB."""
_CANCELS = -0.9
"""Correlation with the other channels from which on mixing takes away 13 dB and more."""
_FULL = 32768.0
_STEP_32 = 2.0**-16


@dataclass(frozen=True)
class Look:
    """What was seen of samples in int16 units.

    Parameters
    ----------
    values : how many
    peak : largest magnitude
    beyond : share of values beyond full scale
    whole : every value is a whole multiple of full scale
    zeros : share of values that are 0
    lowest_bit : of the stored values, 0 for odd ones; 64 where all are 0
    deviations : of each channel
    against : correlation of each channel with the sum of the others; 0 where it has none
    floats : stored integers of 32 bits that are, bit by bit, floats from -4 to 4: hardly any sound is
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


def looked(blocks: Generator[NDArray[Any], None, None], channels: int, step: float | None = None) -> Look:
    """Read blocks of (n, channels) in int16 units once, and zero them.

    Parameters
    ----------
    blocks : at least one
    channels : values in a row
    step : int16 units in one step of a stored integer; None where no integers are stored
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
                stored = (values / step).astype(np.int64) & 0x7FFFFFFF  # without the sign, as a float has it
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
    variances[variances < 1e-12 * (squares / n)] = 0  # what rounding leaves of a constant
    rest = means.sum() - means
    spread = np.sqrt(variances * np.maximum(totals / n - rest**2, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        against = np.where(spread > 0, (products / n - means * rest) / spread, 0.0)
    return Look(
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


def check_float(look: Look, where: str) -> tuple[str, ...]:
    """Refuse integers that are stored as floats; what is clipped, in words."""
    advice = "divide the samples by their full scale (32768 for 16 bits), so that it is 1.0"
    if look.whole and look.peak and (look.peak > _FULL or 0.01 < 1 - look.zeros < 0.99):
        peak = look.peak / _FULL
        raise InputError(f"{where}: floats in whole steps up to {peak:g}, and full scale is 1.0; {advice}")
    beyond = look.beyond / max(1e-9, 1 - look.zeros)
    if beyond > MOST_BEYOND or (look.peak > _LOUDEST * _FULL and look.beyond > _LOUDEST_SHARE):
        raise InputError(f"{where}: {beyond:.0%} of what is not 0 lies beyond full scale, which is 1.0; {advice}")
    if look.beyond:
        share = f"{100 * look.beyond:.1f} %" if look.beyond >= 0.001 else "less than 0.1 %"
        return (f"{share} beyond full scale, up to {look.peak / _FULL:.3g}",)
    return ()


def check_audible(look: Look, where: str) -> None:
    """Refuse what 16 bits reduce to nothing."""
    if 0 < look.peak < 1:
        db = decibels(look.peak)
        raise InputError(f"{where}: nothing is above {db:.0f} dB of full scale, and 16 bits end at -90; scale it up")


def check_channels(look: Look) -> tuple[str, ...]:
    """What is lost when channels are mixed down, in words, with the way out of it."""
    found = list[str]()
    loudest = max(look.deviations)
    for number, deviation in enumerate(look.deviations, 1):
        if deviation == 0 and loudest > 0:
            found.append(f"channel {number} of {len(look.deviations)} is dead (constant)")
        elif loudest and deviation < loudest * 10 ** (-_DEAF_DB / 20):
            db = 20 * math.log10(loudest / deviation)
            found.append(f"channel {number} of {len(look.deviations)} is {db:.0f} dB below the loudest")
    if len(found) > 3:
        found[3:] = [f"{len(found) - 3} more such channels"]
    if crossed := [number for number, value in enumerate(look.against, 1) if value < _CANCELS]:
        of = ", ".join(map(str, crossed[:4]))
        found.append(f"channel{'s' if len(crossed) > 1 else ''} {of} inverted against the others, mixing cancels")
    if not found:
        return ()
    best = 1 + look.deviations.index(loudest)
    return (*found[:-1], f"{found[-1]} (--channel {best} takes one)")


def decibels(peak: float) -> float:
    """Of full scale."""
    return 20 * math.log10(peak / _FULL)
