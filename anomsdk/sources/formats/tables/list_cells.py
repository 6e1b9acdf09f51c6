"""Tables whose rows hold a list of samples each: one time stamp a row, spread over its samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError

Times = NDArray[Any]
MAX_PACKET = 4096
"""Most samples in one row."""
_GAP_STEPS = 1.5
"""Longest step between the samples of a row, in usual steps; beyond, a row is missing, and the usual step is taken."""


def spread_packets(
    packets: Iterable[tuple[Times, Sequence[int], NDArray[np.float64]]], where: str
) -> Iterator[tuple[Times, Any]]:
    """Yield the samples of packets with a stamp each, spread evenly from the stamp of a packet to that of the next one.

    Parameters
    ----------
    packets : batches of (stamps, lengths, samples): stamps (p,), empty in a table without a time; the number of samples
        of each packet, 1 or more; the samples of all packets (n, columns)
    where : name of the file in messages

    Yields
    ------
    stamps : (n,) of the type of the stamps of packets, int64 or float64
    values : (n, columns)

    Raises
    ------
    InputError : there is a single packet, or all packets have the same time
    """
    held: tuple[Times, list[int], NDArray[np.float64]] | None = None
    step = 0.0
    for stamps, lengths, values in packets:
        if not len(stamps):
            yield stamps, values
            continue
        if held is not None:
            stamps, lengths = np.concatenate([held[0], stamps]), [*held[1], *lengths]
            values = np.concatenate([held[2], values])
        apart = np.diff(stamps).astype(np.float64)
        rises = apart / np.array(lengths[:-1], np.float64)
        if not step and (rises > 0).any():
            step = float(np.median(rises[rises > 0]))
        done = len(values) - lengths[-1]
        if len(stamps) > 1:
            yield _stamps(stamps[:-1], lengths[:-1], rises, step), values[:done]
        held = stamps[-1:], [lengths[-1]], values[done:].copy()
    if held is not None:
        if not step and held[1][0] > 1:
            raise InputError(
                f"{where}: a single time of {held[1][0]} samples tells no rate; give `rate_hz` and `time='none'`"
            )
        yield _stamps(held[0], held[1], np.zeros(1), step), held[2]


def _stamps(stamps: Times, lengths: Sequence[int], rises: NDArray[np.float64], step: float) -> Times:
    """Return a stamp for each sample of packets; ``rises`` are the steps to the next packet, ``step`` the usual one."""
    steps = np.where((rises > 0) & (rises <= _GAP_STEPS * step), rises, step)
    n = np.array(lengths)
    within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    later = within * np.repeat(steps, n)
    if stamps.dtype == np.int64:
        later = np.rint(later).astype(np.int64)
    found: Times = np.repeat(stamps, n) + later
    return found


def cells_in_list(cell: str) -> list[str]:
    """Divide a list into its numbers.

    Commas separate them, unless white space or semicolons do, within which commas are decimal.
    """
    apart = [each for each in re.split(r"[\s;\[\](){}]+", cell) if each]
    if len(apart) > 1 and any("," in each.strip(",") for each in apart) and all(each.count(",") <= 2 for each in apart):
        return [each.strip(",") for each in apart]
    return [each for each in re.split(r"[\s,;\[\](){}]+", cell) if each]


def separators_in_list(cell: str) -> str:
    """Join the separators of a list, without commas that stand within white space."""
    return "".join(re.findall(r"\s*[,;]\s+|\s+[,;]\s*|\s+", cell.strip(" [](){}")))


def one_or_two_numbers(cell: str) -> bool:
    """Tell whether a list may be one number with a decimal comma as well as two numbers."""
    return re.fullmatch(r"[+-]?\d+,\d+", cell.strip(" [](){}")) is not None
