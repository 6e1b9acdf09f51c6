"""Energies as ``mantissa * 2**exponent``: 31 bits of precision over any range, without a float.

A mantissa is 0 to 2**31 - 1, an exponent 0 to 127; an energy of 0 has exponent 0.
"""

from __future__ import annotations

import numpy as np

from anomsdk.core.fixed import Ints, log2_q10


def add(mantissa_a: Ints, exponent_a: Ints, mantissa_b: Ints, exponent_b: Ints) -> tuple[Ints, Ints]:
    """Add two energies: the one with the smaller exponent is shifted down, a carry halves the sum."""
    exponent = np.maximum(exponent_a, exponent_b)
    total = (mantissa_a >> np.minimum(exponent - exponent_a, 31)) + (
        mantissa_b >> np.minimum(exponent - exponent_b, 31)
    )
    carry = total >> 31  # total < 2**32
    return total >> carry, exponent + carry


def total(mantissa: Ints, exponent: Ints, headroom: int) -> tuple[Ints, Ints]:
    """Sum energies along the first axis: all are shifted down to the largest exponent plus ``headroom``.

    Parameters
    ----------
    mantissa, exponent : int64 (m, n), m <= 2**headroom
    """
    common = exponent.max(axis=0) + headroom
    mantissas = (mantissa >> np.minimum(common - exponent, 31)).sum(axis=0)
    return mantissas, np.where(mantissas == 0, 0, common)


def log2(mantissa: Ints, exponent: Ints) -> Ints:
    """Compute the binary logarithm in q10; for an energy of 0 it is 0, as for 1."""
    return log2_q10(mantissa) + (exponent << 10)
