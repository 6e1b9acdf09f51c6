"""From one rate to another, as a stream: soxr, with its filter against aliases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.runtime.memory import wipe

Values = NDArray[np.float64]


class Resampler:
    """One uninterrupted piece of rows from one rate to another.

    The first row lies at the first one of the piece. Beyond its ends a piece goes on as it began and ended: zeros would
    make gravity ring.

    Parameters
    ----------
    from_hz, to_hz : rows a second
    """

    def __init__(self, from_hz: float, to_hz: float) -> None:
        self._rates = from_hz, to_hz
        self._stream: Any = None
        self._taken = self._given = 0
        self._first = self._last = np.zeros(0)

    def push(self, rows: Values) -> Values:
        """What is ready after rows (n, axes)."""
        import soxr

        if not len(rows):
            return rows
        if self._stream is None:
            self._first = rows[0].astype(np.float64)
            self._stream = soxr.ResampleStream(*self._rates, rows.shape[1], dtype="float64", quality="HQ")
        rows = rows.astype(np.float64, copy=False)
        self._last = rows[-1].copy()
        self._taken += len(rows)
        return self._heard(rows - self._first, last=False)

    def finish(self) -> Values:
        """The rest: rows as long as those taken lasted."""
        if self._stream is None:
            return np.zeros((0, 0))
        from_hz, to_hz = self._rates
        n = math.floor((self._taken - 1) * to_hz / from_hz + 1e-6) + 1 - self._given
        beyond = 64 + math.ceil(64 * from_hz / to_hz)  # longer than half of the filter
        rest = self._heard(np.repeat((self._last - self._first)[None], beyond, axis=0), last=True)
        self._stream = None
        return rest[: max(0, n)]

    def _heard(self, rows: Values, *, last: bool) -> Values:
        found: Values = self._stream.resample_chunk(np.ascontiguousarray(rows), last=last)
        self._given += len(found)
        shifted: Values = found + self._first
        wipe(found)  # it is soxr's memory, not numpy's
        return shifted


class Grid:
    """One uninterrupted piece of stamped rows, interpolated linearly at even times from its first stamp on.

    Parameters
    ----------
    step_s : from one time to the next
    """

    def __init__(self, step_s: float) -> None:
        self._step_s, self._start, self._done = step_s, 0.0, 0
        self._last: tuple[Values, Values] | None = None

    def push(self, stamps: Values, rows: Values) -> Values:
        """What is known after rows (n, axes) at ``stamps`` (n,), seconds, which rise."""
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
