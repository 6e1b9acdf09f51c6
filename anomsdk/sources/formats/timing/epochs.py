"""Moments of an absolute clock as nanoseconds since 1970."""

from __future__ import annotations

import math
from fractions import Fraction

from anomsdk.sources.formats.timing.date_forms import SECOND_NS

EPOCHS_S = (946_684_800.0, 4_102_444_800.0)
"""Earliest and latest time of a recording that is believed, seconds since 1970: the years 2000 to 2100."""


def epoch_ns(value: float, unit_s: float = 1.0, zero: float = 0.0) -> int | None:
    """Convert a number of an absolute clock to nanoseconds since 1970; None outside the years 2000 to 2100.

    A clock that shows another year was not set, or the number does not count from 1970.

    Parameters
    ----------
    value : number of the clock, in its unit; may be NaN or infinite
    unit_s : length of the unit in seconds, a whole number of nanoseconds
    zero : number that the clock shows at 1970-01-01 UTC

    Examples
    --------
    >>> epoch_ns(1_717_200_000.5), epoch_ns(1_717_200_000_250, 1e-3), epoch_ns(12.5)
    (1717200000500000000, 1717200000250000000, None)
    """
    if not math.isfinite(value):
        return None
    return date_ns(round((Fraction(value) - Fraction(zero)) * round(unit_s * SECOND_NS)))


def date_ns(ns: int) -> int | None:
    """Return nanoseconds since 1970 as they are; None outside the years 2000 to 2100."""
    return ns if EPOCHS_S[0] * SECOND_NS <= ns <= EPOCHS_S[1] * SECOND_NS else None
