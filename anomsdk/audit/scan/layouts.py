"""Orders in which the values of several windows may lie in memory: numpy's batches have the window last."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.scan.rows import (
    EVIDENCE_BITS,
    INPUT_BITS,
    LEAST_RUN,
    Needles,
    entropy_bits,
    minimum_run,
    minimum_run_of_columns,
    row,
)

_ENOUGH_ROWS = 64
"""Rows from which on the information of each column can be measured; of fewer, that of all values is."""

_LOUD = 256
"""Median magnitude of a value in a window from which a few windows side by side are evidence."""


def window_by_window(form: str, values: NDArray[Any], dtypes: tuple[str, ...], unit: str) -> Iterator[Needles]:
    """Yield values of windows, one window after the other, in several dtypes.

    Parameters
    ----------
    form : name of the form; the dtype follows it
    values : integers (n, ...), the first axis counts what ``unit`` says
    dtypes : names of dtypes that hold the values
    unit : ``hop``, ``frame`` or ``input``; of the last two, the information of each column is measured
    """
    table = values.reshape(len(values), math.prod(values.shape[1:]))
    least = min(LEAST_RUN, table.shape[1])  # a whole row counts if it carries enough information
    bits = entropy_bits(values)
    evidence = INPUT_BITS if unit == "input" else EVIDENCE_BITS
    for dtype in dtypes:
        size = np.dtype(dtype).itemsize
        if unit == "hop" or len(table) < _ENOUGH_ROWS:
            minimum = minimum_run(bits, size, least, evidence)
        else:
            minimum = minimum_run_of_columns(table, size, least, evidence)
        yield row(f"{form} {dtype}", table.astype(dtype), np.arange(len(table))[:, None], minimum, unit)


def in_batches(form: str, values: NDArray[Any]) -> Needles:
    """Make needles of values of windows as numpy's stages hold them: int64, the windows of a batch as the last axis.

    A batch has 1 to 16 windows and may begin at any. Batches of fewer windows than a run that counts are all written
    out. In a larger batch, enough windows lie side by side: their values are written out window by window, for each
    place in a window.

    Parameters
    ----------
    form : name of the form
    values : int64 (n, width)
    """
    # A run lies at one place of a few windows; at the edges of a window all values are next to 0.
    values = values[:, np.median(np.abs(values), axis=0) >= _LOUD] if len(values) else values
    n, width = values.shape
    minimum = minimum_run(entropy_bits(values), 8, least=1)
    hops = np.arange(n)
    parts, origins = [values.T.reshape(-1)], [np.tile(hops, width)]
    for batch in range(1, min(minimum, n + 1)):
        for array, into in ((values, parts), (np.broadcast_to(hops[:, None], values.shape), origins)):
            cut = np.lib.stride_tricks.sliding_window_view(array, batch, axis=0)  # (n - batch + 1, width, batch)
            into.append(np.ascontiguousarray(cut).reshape(-1))
    return row(form, np.concatenate(parts).astype(np.int64), np.concatenate(origins), minimum, "hop")
