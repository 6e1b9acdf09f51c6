"""Slots of the day: pure arithmetic on times of a wall clock."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400
_EPOCH = date(1970, 1, 1).toordinal()


def midnight_s(day: date) -> int:
    """Return the first second of a day, in seconds since 1970 of the same wall clock.

    Examples
    --------
    >>> midnight_s(date(1970, 1, 3))
    172800
    """
    return (day.toordinal() - _EPOCH) * DAY_S


def slot_of(times_s: NDArray[np.int64], first_s: int, slot_s: int) -> NDArray[np.int64]:
    """Number the slots in which times lie, from the one that begins at ``first_s``; earlier ones are negative.

    Parameters
    ----------
    times_s : seconds since 1970 of a wall clock
    first_s : beginning of slot 0
    slot_s : length of a slot in seconds

    Examples
    --------
    >>> slot_of(np.array([3599, 3600, 7201]), 3600, 3600).tolist()
    [-1, 0, 1]
    """
    return (times_s - first_s) // slot_s
