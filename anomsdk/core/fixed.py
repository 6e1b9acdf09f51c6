"""Fixed-point arithmetic: every rounding rule of the package, and nothing else.

Values are numpy ``int64`` here so that nothing can wrap by accident; each function states the
32-bit range that its C twin relies on, and the planner proves that the range holds.

A right shift of a negative number floors, in Python, in numpy and in the C port.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]

INT32_MAX = 2**31 - 1
UINT32_MAX = 2**32 - 1

_POWERS_OF_TWO = 2 ** np.arange(32, dtype=np.int64)


def saturating_rounding_doubling_high_mul(a: Ints, b: Ints) -> Ints:
    """Compute the high half of ``2 * a * b``, rounded: ``a * b / 2**31``.

    Source: gemmlowp ``SaturatingRoundingDoublingHighMul``, as TensorFlow Lite uses it. The quotient
    truncates toward zero after a nudge that has the sign of the product.

    Parameters
    ----------
    a, b : int64 arrays in int32 range, not both ``-2**31``
    """
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # C's division truncates, a shift floors: divide the magnitude.
    return np.where(nudged >= 0, nudged >> 31, -(-nudged >> 31))


def rounding_divide_by_pot(x: Ints, exponent: Ints) -> Ints:
    """``x / 2**exponent`` rounded to nearest, ties away from zero.

    Source: gemmlowp ``RoundingDivideByPOT``.

    Parameters
    ----------
    x : int64 array in int32 range
    exponent : 0 to 31
    """
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def multiply_by_quantized_multiplier(x: Ints, multiplier: Ints, shift: Ints) -> Ints:
    """``x * multiplier * 2**(shift - 31)`` with TensorFlow Lite's double rounding.

    Parameters
    ----------
    x : int64 array; ``x << max(shift, 0)`` must lie in int32 range
    multiplier : 0, or 2**30 to 2**31 - 1
    shift : -31 to 30
    """
    left = np.maximum(shift, 0)
    right = np.maximum(-shift, 0)
    return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(x << left, multiplier), right)


def affine_int8(value: Ints, gain: Ints, bias: Ints, shift: Ints, low: int, high: int) -> Ints:
    """``(value * gain + bias) / 2**shift`` rounded down, clamped: the one map from integers to int8.

    The bias holds one half, so that the map rounds to nearest, ties up.

    Parameters
    ----------
    value : int64 array in int32 range
    gain : 0 to 2**31 - 1; the planner proves ``|value| * gain + |bias| < 2**31``
    bias : int32
    shift : 1 to 31
    low, high : bounds of the result, within -128 to 127
    """
    return np.clip((value * gain + bias) >> shift, low, high)


def bit_length(x: Ints) -> Ints:
    """Count the bits of x, 0 for 0: ``32 - clz(x)`` in C. x is 0 to 2**32 - 1."""
    return np.searchsorted(_POWERS_OF_TWO, x, side="right").astype(np.int64)


# fmt: off
LOG2_TABLE_Q15 = np.array(
    [0, 2866, 5568, 8124, 10549, 12855, 15055, 17156, 19168, 21098, 22952, 24736, 26455, 28114,
     29717, 31267, 32768],
    dtype=np.int64,
)
# fmt: on
"""``round(32768 * log2(1 + i / 16))`` for i = 0 to 16."""


def log2_q10(x: Ints) -> Ints:
    """Compute the binary logarithm of x in q10 (1024 is a factor of two), from a table with linear interpolation.

    Error: -0.0019 to +0 octaves (0.006 dB) for x >= 1. For x = 0 the result is 0, as for 1.

    Parameters
    ----------
    x : int64 array, 0 to 2**32 - 1

    Returns
    -------
    int64 array, 0 to 32767
    """
    exponent = bit_length(np.maximum(x, 1)) - 1
    mantissa = np.maximum(x, 1) << (31 - exponent)  # 2**31 to 2**32 - 1
    index = (mantissa >> 27) & 15
    fraction_q16 = (mantissa >> 11) & 0xFFFF
    low = LOG2_TABLE_Q15[index]
    step = LOG2_TABLE_Q15[index + 1] - low  # at most 2866, so step * fraction < 2**28
    return (exponent << 10) + ((low + ((step * fraction_q16) >> 16)) >> 5)


def log2_wide_q10(x: Ints) -> Ints:
    """Compute the binary logarithm in q10 of up to 63 bits: bits beyond 32 are shifted away, then as `log2_q10`.

    Parameters
    ----------
    x : int64 array, 0 to 2**63 - 1
    """
    beyond = bit_length(x >> 32)
    return log2_q10(x >> beyond) + (beyond << 10)


def floor_sqrt(x: Ints) -> Ints:
    """Compute the square root, rounded down.

    Parameters
    ----------
    x : int64 array, 0 to 2**32 - 1

    Returns
    -------
    int64 array, 0 to 65535
    """
    # A root of 32 bits lies further from the next integer than float64 rounds by.
    return np.sqrt(x.astype(np.float64)).astype(np.int64)


# fmt: off
ATAN_Q16 = np.array(
    [51472, 30386, 16055, 8150, 4091, 2047, 1024, 512, 256, 128, 64, 32, 16, 8, 4], dtype=np.int64
)
# fmt: on
"""``round(65536 * atan(2**-i))`` for i = 0 to 14."""


def angle_q12(x: Ints, y: Ints) -> Ints:
    """Compute the angle of the vector (x, y) from the x axis in radians q12, by CORDIC; for (0, 0) it is 0.

    Source: J. E. Volder, The CORDIC Trigonometric Computing Technique, 1959 (vectoring mode).

    Parameters
    ----------
    x : int64 array, -2**17 to 2**17
    y : int64 array, 0 to 2**17

    Returns
    -------
    int64 array, 0 to 12868
    """
    behind = x < 0
    # A quarter turn brings the vector to the front; twelve more bits make up for those that the shifts lose.
    along, across = np.where(behind, y, x) << 12, np.where(behind, -x, y) << 12
    angle = np.zeros_like(along)
    for i, step in enumerate(ATAN_Q16.tolist()):
        turn = np.where(across > 0, 1, -1)
        along, across = along + turn * (across >> i), across - turn * (along >> i)
        angle += turn * step
    angle += np.where(behind, 102944, 0)
    return (np.clip(angle, 0, 205887) + 8) >> 4
