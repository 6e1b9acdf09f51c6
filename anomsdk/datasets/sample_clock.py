"""Times of samples: a position in a pipeline, and the time of UTC or the time since the first sample."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, parameter

DAY_US = 86_400_000_000
"""Microseconds of a day."""


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def time_us(text: str) -> int:
    """Read a date and time of ISO 8601 as microseconds since 1970-01-01 UTC; it is in UTC where it names no zone.

    Raises
    ------
    InputError : it is no date and time, or not of the years 2000 to 2100

    Examples
    --------
    >>> time_us("2026-05-31T06:00") == time_us("2026-05-31 08:00:00+02:00") == 1_780_207_200_000_000
    True
    """
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year < 2100:
        raise InputError(
            f"{parameter('start', text)}: give a date and time of the years 2000 to 2099 in ISO 8601, e.g. "
            "2026-05-31T06:00Z; without a zone it is UTC"
        )
    found = found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)
    return (found - _EPOCH) // timedelta(microseconds=1)


class SampleClock:
    """Clock that counts samples at the rate of a plan, and is set where a recording says when it begins.

    Parameters
    ----------
    n, per_us : samples in a time, and this time in microseconds; by default the rate in millihertz

    Examples
    --------
    >>> clock = SampleClock(10_000)
    >>> clock.set(20, 1_000_000_000)
    >>> clock.time(25), clock.position(1_000_500_000)
    (1000500000, 25)
    """

    def __init__(self, n: int, per_us: int = 1_000_000_000) -> None:
        self._n, self._per_us, self._at, self._us = n, per_us, 0, 0
        self.is_set = False

    def set(self, position: int, us: int) -> None:
        """Set the clock: the time of a position, in microseconds since 1970-01-01 UTC."""
        self._at, self._us, self.is_set = position, us, True

    def time(self, position: int) -> int:
        """Return the time of a position in microseconds: since 1970, or since the first sample."""
        return self._us + self.duration(position - self._at)

    def times(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the time of each position, as `time` does."""
        whole, rest = np.divmod(positions - self._at, self._n)
        return self._us + whole * self._per_us + rest * self._per_us // self._n

    def position(self, us: int) -> int:
        """Return the last position at or before a time."""
        return self._at + (us - self._us) * self._n // self._per_us

    def duration(self, samples: int) -> int:
        """Return how long samples take, in microseconds, rounded down."""
        return samples * self._per_us // self._n

    def samples(self, us: int) -> int:
        """Return the number of samples in a time, rounded."""
        return (us * self._n + self._per_us // 2) // self._per_us
