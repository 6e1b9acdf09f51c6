"""Moments at which a program stands still, and signals that it reads without a copy."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES = 128
"""Length of the header of a .npy that numpy writes for a short shape."""


def stand_still() -> None:
    """Stop this process until somebody lets it go on: the moment at which its memory is looked at."""
    os.kill(os.getpid(), signal.SIGSTOP)


def part_of(path: str, first: int, last: int, columns: int) -> NDArray[np.int16]:
    """Read samples of a .npy of int16 straight into the array that is returned.

    Parameters
    ----------
    path : file, int16 (n,) or (n, columns)
    first, last : indices of the first sample and of the one behind the last
    columns : values of a sample

    Returns
    -------
    int16 (last - first,) or (last - first, columns)
    """
    values = np.zeros((last - first, columns), np.int16)
    with Path(path).open("rb", buffering=0) as file:
        file.seek(_HEADER_BYTES + 2 * columns * first)
        file.readinto(values)  # type: ignore[arg-type]
    return values[:, 0] if columns == 1 else values


def fed(
    take: Callable[[NDArray[np.int16]], Any], samples: NDArray[np.int16], sizes: Sequence[int], *, wiping: bool = True
) -> None:
    """Hand samples on in blocks, and zero them afterwards, as a careful caller does.

    Parameters
    ----------
    take : called with each block
    samples : int16 (n,) or (n, columns)
    sizes : lengths of the blocks in turn, 1 or more; the last one repeats
    wiping : zero the samples at the end
    """
    at, left = 0, list(sizes)
    try:
        while at < len(samples):
            size = left.pop(0) if len(left) > 1 else left[0]
            take(samples[at : at + size])
            at += size
    finally:
        if wiping:
            samples.fill(0)
