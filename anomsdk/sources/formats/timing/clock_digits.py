"""Times of day written as the digits of a clock, 142530 for 14:25:30."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class ClockNumbers:
    """Reads numbers that are the digits of a clock, HHMMSSmmm or HHMMSS.mmm: 142530123 is 14:25:30.123.

    Parameters
    ----------
    per_second : 1000 where the last three digits are milliseconds, 1 where the last digit is a second
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._before: float | None = None
        self._day = 0

    def seconds(self, stamps: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return seconds since the first midnight (n,) of the next numbers; None where one is no time of day."""
        whole, part = np.divmod(stamps, self._per_second)
        hours, minutes, seconds = whole // 10_000, whole // 100 % 100, whole % 100
        if (stamps < 0).any() or not ((hours < 24) & (minutes < 60) & (seconds < 60)).all():
            return None
        found: NDArray[np.float64] = hours * 3600 + minutes * 60 + seconds + part / self._per_second
        before = float(found[0]) if self._before is None else self._before
        days = self._day + np.cumsum(np.diff(found, prepend=before) < -43_200)
        self._before, self._day = float(found[-1]), int(days[-1])
        return found + 86_400 * days


def clock_of(stamps: NDArray[np.float64]) -> int | None:
    """Return the ``per_second`` of `ClockNumbers` where numbers are the digits of a clock; None where they are not.

    They are where steps that look long, such as from 142559 to 142600, have the usual length on a clock.

    Examples
    --------
    >>> clock_of(np.array([142558.0, 142559.0, 142600.0, 142601.0])), clock_of(np.array([142558.0, 142559.0, 142560.0]))
    (1, None)
    """
    for per_second in (1, 1000):
        found = ClockNumbers(per_second).seconds(stamps) if len(stamps) > 2 else None
        if found is None:
            continue
        steps, plain = np.diff(found), np.diff(stamps) / per_second
        step = float(np.median(steps))
        jumps = np.abs(plain - steps) > 1
        if jumps.any() and 0 < step < 10 and bool((np.abs(steps[jumps]) < 2.5 * step).all()):
            return per_second
    return None
