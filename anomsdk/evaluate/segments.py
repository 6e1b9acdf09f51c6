"""Normal recordings in pieces as long as the anomalous ones, and what is too short padded.

The peak of a clip grows with its length: where the anomalous recordings are the shorter ones, length alone would tell
both sides apart.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.sources.dropouts import Samples


def piece_length(plan: Plan, piece_s: float | None, anomalous: Sequence[int]) -> int:
    """Samples that a piece of a normal recording should have, 0: nothing is cut.

    Parameters
    ----------
    plan : Plan
    piece_s : seconds, 0: do not cut; None: the median of ``anomalous`` for motion, but long enough for a tick, so that
        no piece need be padded; else do not cut
    anomalous : samples of each anomalous recording, maybe none

    Raises
    ------
    InputError : no length in seconds, or sound in pieces that are too short for a tick
    """
    if piece_s is None:
        if plan.sensor.kind != "motion" or not len(anomalous):
            return 0
        return max(plan.samples_to_first_tick, round(float(np.median(anomalous))))
    if not 0 <= piece_s < float("inf"):
        raise InputError(f"--piece {piece_s:g}: give seconds, or 0 to leave normal recordings whole")
    piece = round(piece_s * plan.rate_hz)
    least = plan.samples_to_first_tick
    if piece_s > 0 and piece < 1:
        raise InputError(f"--piece {piece_s:g}: less than a sample at {plan.rate_hz:g} Hz; give more seconds")
    if plan.sensor.kind == "audio" and 0 < piece < least:
        raise InputError(
            f"--piece {piece_s:g}: this plan needs {least / plan.rate_hz:g} s to its first tick, and sound is not "
            "padded; give at least that"
        )
    return piece


def pads(plan: Plan, piece_s: float | None) -> bool:
    """Whether what is too short for a tick is padded: motion, rows that were asked to be cut, never sound."""
    return plan.sensor.kind == "motion" or (plan.sensor.kind != "audio" and bool(piece_s))


def cuts(plan: Plan, stretches: Sequence[int], piece: int) -> list[tuple[int, int]]:
    """Where a recording is cut: each stretch between gaps into equal pieces, as near to a length as can be.

    Nothing is dropped, but a stretch that is shorter than half a piece and too short for a tick, unless there is
    nothing else: then the longest is kept.

    Parameters
    ----------
    plan : Plan
    stretches : samples of each, one after the other, at least one, none empty
    piece : wished length, 1 or more

    Returns
    -------
    (start, stop) pairs in samples of all stretches together, in order: of half the wished length to 3/2 of it, where
    the stretch has that; long enough for a tick, too, if ``piece`` is and of sound
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
    """Parts of a block that lie in places.

    Parameters
    ----------
    samples : a block that begins at sample ``at``
    places : of `cuts`, in order

    Yields
    ------
    number of the place, and the samples of the block that lie in it
    """
    first = bisect_right(places, at, key=lambda place: place[1])
    for number in range(first, len(places)):
        start, stop = places[number]
        if start >= at + len(samples):
            return
        yield number, samples[max(0, start - at) : stop - at]


def padded(samples: Samples, n: int) -> tuple[int, Samples]:
    """Samples with the first and the last one repeated, as evenly as possible, up to n of them.

    Parameters
    ----------
    samples : int16 (length,) or (length, columns), 1 <= length <= n
    n : samples wanted

    Returns
    -------
    how many lie before the first, and int16 (n,) or (n, columns)

    Examples
    --------
    >>> padded(np.array([3, 5], np.int16), 5)
    (1, array([3, 3, 5, 5, 5], dtype=int16))
    """
    missing = n - len(samples)
    before = missing // 2
    widths = [(before, missing - before)] + [(0, 0)] * (samples.ndim - 1)
    return before, np.pad(samples, widths, mode="edge")
