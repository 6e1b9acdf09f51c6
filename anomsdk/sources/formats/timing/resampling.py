"""Resampling of a stream: from one rate to another by soxr, and from jittering stamps to even times."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.runtime.memory import wipe

Values = NDArray[np.float64]


class Resampler:
    """Resamples rows without gaps from one rate to another, with soxr's anti-aliasing filter.

    The first row that is returned lies at the time of the first row that is taken. Before and after the rows, the
    filter sees their first and last values repeated: with zeros the step of gravity would ring.

    Parameters
    ----------
    from_hz, to_hz : rows per second, taken and returned
    """

    def __init__(self, from_hz: float, to_hz: float) -> None:
        self._rates = from_hz, to_hz
        self._stream: Any = None
        self._taken = self._given = 0
        self._first = self._last = np.zeros(0)

    def push(self, rows: Values) -> Values:
        """Take rows (n, axes); return the resampled rows (m, axes) that are ready."""
        import soxr

        if not len(rows):
            return rows
        if self._stream is None:
            self._first = rows[0].astype(np.float64)
            self._stream = soxr.ResampleStream(*self._rates, rows.shape[1], dtype="float64", quality="HQ")
        rows = rows.astype(np.float64, copy=False)
        self._last = rows[-1].copy()
        self._taken += len(rows)
        return self._resampled(rows - self._first, last=False)

    def finish(self) -> Values:
        """End the stream; return the remaining rows, so that all returned ones last as long as all that were taken."""
        if self._stream is None:
            return np.zeros((0, 0))
        from_hz, to_hz = self._rates
        n = math.floor((self._taken - 1) * to_hz / from_hz + 1e-6) + 1 - self._given
        beyond = 64 + math.ceil(64 * from_hz / to_hz)  # longer than half of the filter
        rest = self._resampled(np.repeat((self._last - self._first)[None], beyond, axis=0), last=True)
        self._stream = None
        return rest[: max(0, n)]

    def _resampled(self, rows: Values, *, last: bool) -> Values:
        """Pass rows, relative to the first one, through soxr."""
        found: Values = self._stream.resample_chunk(np.ascontiguousarray(rows), last=last)
        self._given += len(found)
        shifted: Values = found + self._first
        wipe(found)  # memory of soxr, which nobody else wipes
        return shifted


class Grid:
    """Interpolates stamped rows without gaps linearly at even times, from the first stamp on.

    Parameters
    ----------
    step_s : time from one row to the next, seconds
    """

    def __init__(self, step_s: float) -> None:
        self._step_s, self._start, self._done = step_s, 0.0, 0
        self._last: tuple[Values, Values] | None = None

    def push(self, stamps: Values, rows: Values) -> Values:
        """Take rows (n, axes) at rising stamps (n,) in seconds; return the rows (m, axes) up to the last stamp."""
        if not len(stamps):
            return rows
        if self._last is None:
            self._start = float(stamps[0])
        else:
            stamps, rows = np.concatenate([self._last[0], stamps]), np.concatenate([self._last[1], rows])
        self._last = stamps[-1:].copy(), rows[-1:].copy()
        end = math.floor((float(stamps[-1]) - self._start) / self._step_s + 1e-6) + 1
        at = self._start + self._step_s * np.arange(self._done, end)
        self._done = end
        return np.stack([np.interp(at, stamps, column) for column in rows.T], axis=1)
