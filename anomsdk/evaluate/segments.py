"""Segments of normal recordings that are as long as the anomalous ones, and padding of what is too short for a tick.

The highest score of a clip grows with its length. Where the anomalous recordings are shorter, length alone would
separate both sides.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.sources.dropouts import Samples


def piece_length(plan: Plan, piece_s: float | None, anomalous: Sequence[int]) -> int:
    """Length that a segment of a normal recording should have, in samples; 0: no cutting.

    Parameters
    ----------
    plan : plan that is evaluated
    piece_s : wished length, seconds; 0: no cutting. None: for motion the median of ``anomalous``, but long enough for a
        tick, so that no segment need be padded; no cutting for other sensors
    anomalous : number of samples of each anomalous recording; may be empty

    Raises
    ------
    InputError : ``piece_s`` is no length in seconds, or sound would be cut into segments too short for a tick
    """
    if piece_s is None:
        if plan.sensor.kind != "motion" or not len(anomalous):
            return 0
        return max(plan.samples_to_first_tick, round(float(np.median(anomalous))))
    if not 0 <= piece_s < float("inf"):
        raise InputError(f"`piece_s={piece_s:g}`: give seconds, or 0 to leave normal recordings whole")
    piece = round(piece_s * plan.rate_hz)
    least = plan.samples_to_first_tick
    if piece_s > 0 and piece < 1:
        raise InputError(f"`piece_s={piece_s:g}`: less than a sample at {plan.rate_hz:g} Hz; give more seconds")
    if plan.sensor.kind == "audio" and 0 < piece < least:
        raise InputError(
            f"`piece_s={piece_s:g}`: this plan needs {least / plan.rate_hz:g} s to its first tick, and sound is not "
            "padded; give at least that length"
        )
    return piece


def pads(plan: Plan, piece_s: float | None) -> bool:
    """Return True where recordings that are too short for a tick are padded.

    That is so for motion, and for other rows that are cut into segments; sound is never padded.
    """
    return plan.sensor.kind == "motion" or (plan.sensor.kind != "audio" and bool(piece_s))


def cuts(plan: Plan, stretches: Sequence[int], piece: int) -> list[tuple[int, int]]:
    """Places at which a recording is cut: each stretch between gaps into equal segments of about a wished length.

    A segment that is shorter than half the wished length and too short for a tick is dropped. Where all are so short,
    the longest one is kept.

    Parameters
    ----------
    plan : plan that is evaluated
    stretches : number of samples of each stretch between gaps, in order; at least one, none empty
    piece : wished length of a segment, samples, 1 or more

    Returns
    -------
    (start, stop) pairs in samples of all stretches together, in order. Each is 1/2 to 3/2 of the wished length where
    the stretch is long enough; it is long enough for a tick where ``piece`` is, and for sound always
    """
    least = plan.samples_to_first_tick
    found, begin = list[tuple[int, int]](), 0
    for length in stretches:
        n = max(1, (2 * length + piece) // (2 * piece))
        if piece >= least or plan.sensor.kind == "audio":
            n = max(1, min(n, length // least))
        found += [(begin + length * i // n, begin + length * (i + 1) // n) for i in range(n)]
        begin += length
    worth = [(start, stop) for start, stop in found if stop - start >= min(least, piece / 2)]
    return worth or [max(found, key=lambda cut: cut[1] - cut[0])]


def split(samples: Samples, at: int, places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, Samples]]:
    """Split a block of samples at the places of segments.

    Parameters
    ----------
    samples : block that begins at sample ``at``
    at : number of samples before the block
    places : result of `cuts`

    Yields
    ------
    index of a segment, and the samples of the block that lie in it
    """
    first = bisect_right(places, at, key=lambda place: place[1])
    for number in range(first, len(places)):
        start, stop = places[number]
        if start >= at + len(samples):
            return
        yield number, samples[max(0, start - at) : stop - at]


def padded(samples: Samples, n: int) -> tuple[int, Samples]:
    """Repeat the first and the last sample, as evenly as possible, up to n samples.

    Parameters
    ----------
    samples : int16 (length,) or (length, columns), 1 <= length <= n
    n : number of samples to return

    Returns
    -------
    before : number of samples that were put before the first one
    samples : int16 (n,) or (n, columns)

    Examples
    --------
    >>> padded(np.array([3, 5], np.int16), 5)
    (1, array([3, 3, 5, 5, 5], dtype=int16))
    """
    missing = n - len(samples)
    before = missing // 2
    widths = [(before, missing - before)] + [(0, 0)] * (samples.ndim - 1)
    return before, np.pad(samples, widths, mode="edge")
