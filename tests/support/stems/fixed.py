"""fixed: rules of rounding, function by function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core import fixed
from tests import scalar
from tests.support.stems import Case, Given
from tests.support.stems.sections import Native, rows_of

FUNCTIONS = (
    "mulw",
    "saturating_rounding_doubling_high_mul",
    "rounding_divide_by_pot",
    "multiply_by_quantized_multiplier",
    "affine_int8",
    "bit_length",
    "log2_q10",
    "log2_wide_q10",
    "floor_sqrt",
    "angle_q12",
)
NOT_IN_CORE = ("mulw",)
LOW, HIGH = -(2**31), 2**31 - 1
HALF = 2**30  # as a multiplier: one half


def by_scalar(given: Given) -> list[int]:
    return [getattr(scalar, given["function"])(*row) for row in given["rows"]]


def by_core(given: Given) -> list[int]:
    function, columns = getattr(fixed, given["function"]), rows_of(given["rows"]).T
    if given["function"] == "affine_int8":  # its bounds are the same for all
        return [int(function(*rows_of(row))) for row in given["rows"]]
    return function(*columns).tolist()


def by_native(given: Given) -> list[int]:
    function = getattr(Native().lib, f"anom_{given['function']}")
    return [function(*row) for row in given["rows"]]


def c_case(given: Given, expect: list[int]) -> dict[str, Any]:
    return {
        "function": FUNCTIONS.index(given["function"]),
        "n_rows": len(given["rows"]),
        "n_columns": len(given["rows"][0]),
        "rows": [value for row in given["rows"] for value in row],
        "expect": expect,
    }


def cases() -> Iterator[Case]:
    for function in FUNCTIONS:
        for name, guards, rows in globals()[f"_{function}"]():
            yield Case(name, guards, {"function": function, "rows": [list(row) for row in rows]})


def both(x: int, *others: int) -> list[tuple[int, ...]]:
    """A row for x, and one for -x."""
    return [(x, *others), (-x, *others)]


def _mulw() -> Iterator[tuple[str, str, list]]:
    yield (
        "mulw floors a product below zero",
        "A shift that truncates toward zero, or a division by 65536 in its place.",
        [(-1, 1), (1, -1), (-65535, 1), (-65536, 1), (-65537, 1), (65535, 1), (65536, 1), (3, -21846), (-3, -21846)],
    )
    yield (
        "mulw takes the low half of z as unsigned",
        "A low half that is sign-extended, or a high half that is not.",
        [(0x8000, 32767), (0xFFFF, 32767), (0xFFFF, -32768), (0x18000, 3), (-0x8000, 32767), (-1, 32767), (-1, -32768)],
    )
    yield (
        "mulw at the edges of z and w",
        "A product of 32 bits that wraps.",
        [(z, w) for z in (LOW, LOW + 1, HIGH - 1, HIGH) for w in (-32768, -32767, 32766, 32767)],
    )
    yield "mulw by zero", "A rounding constant that is added before the shift.", [(LOW, 0), (HIGH, 0), (0, -1), (0, 5)]


def _saturating_rounding_doubling_high_mul() -> Iterator[tuple[str, str, list]]:
    yield (
        "high_mul rounds ties toward plus infinity",
        "Ties away from zero, ties to even, or a nudge without the product's sign.",
        [row for x in (1, 3, 5, 7, 1001) for row in both(x, HALF)],
    )
    yield (
        "high_mul beside a tie",
        "A nudge of 2**30 - 1 or of 2**30 + 1.",
        [row for b in (HALF - 1, HALF + 1) for x in (1, 2, 3) for row in both(x, b)],
    )
    yield (
        "high_mul divides a negative product toward zero",
        "An arithmetic shift by 31 where the division truncates: one too low for nearly every negative product.",
        [row for x in (1000, 12345, 99999999) for row in both(x, 1500000000)] + [(-2, 1), (-1, 1), (-2, HIGH)],
    )
    yield (
        "high_mul at the edges of int32",
        "A product of 32 bits; a nudged product that leaves 63.",
        [(HIGH, HIGH), (-HIGH, HIGH), (LOW, HIGH), (LOW, HALF), (HIGH, HALF), (LOW, 1), (HIGH, 1), (HIGH, 2)],
    )
    yield (
        "high_mul by zero",
        "A negative nudge for a product of zero.",
        [(0, HIGH), (0, HALF), (LOW, 0), (HIGH, 0), (-1, 0)],
    )


def _rounding_divide_by_pot() -> Iterator[tuple[str, str, list]]:
    yield (
        "divide_by_pot rounds ties away from zero",
        "Ties toward plus infinity: one half added before an arithmetic shift.",
        [
            row
            for x, exponent in ((1, 1), (5, 1), (6, 2), (2, 2), (10, 2), (24, 4), (1000, 4))
            for row in both(x, exponent)
        ],
    )
    yield (
        "divide_by_pot beside a tie",
        "A threshold without its + 1 for negative numbers, or with it for all.",
        [row for x, exponent in ((5, 2), (7, 2), (3, 3), (4, 3), (23, 4), (25, 4)) for row in both(x, exponent)],
    )
    yield (
        "divide_by_pot by 1",
        "A mask or a threshold that is not 0 for exponent 0.",
        [(x, 0) for x in (LOW, -3, -1, 0, 1, 3, HIGH)],
    )
    yield (
        "divide_by_pot by 2**31 and 2**30",
        "A mask of 32 bits that is built from a signed 1 << 31, or a sum that wraps.",
        [(x, 31) for x in (LOW, LOW + 1, -HALF - 1, -HALF, -HALF + 1, -1, 0, HALF - 1, HALF, HIGH)]
        + [(x, 30) for x in (LOW, -(2**29), 1 - 2**29, 2**29 - 1, 2**29, HIGH)],
    )
    yield (
        "divide_by_pot near the ends of int32",
        "One half that is added first, and wraps.",
        [(x, exponent) for x in (LOW, LOW + 1, HIGH - 1, HIGH) for exponent in (1, 2, 16)],
    )


def _multiply_by_quantized_multiplier() -> Iterator[tuple[str, str, list]]:
    yield (
        "multiply rounds twice",
        "One rounding of the 64-bit product, as newer kernels do it: here the two differ.",
        [row for x, shift in ((5, -1), (9, -1), (11, -2), (19, -3), (43, -4)) for row in both(x, HALF, shift)]
        + [(12345, 1518500250, -7), (-12345, 1518500250, -7)],
    )
    yield (
        "multiply shifts left before it multiplies",
        "A left shift after the rounding, which loses the low bits.",
        [row for x in (1, 3, 5) for row in both(x, HALF, 2)]
        + [(1, 1518500250, 3), (-7, 1717986918, 5), (9, 1200000001, 1)],
    )
    yield (
        "multiply with ties at both roundings",
        "The first rounds ties upward, the second away from zero: the same rule for both.",
        [
            row
            for x, shift in ((1, 0), (3, 0), (5, 0), (6, -1), (2, -1), (3, -1), (2, -2), (7, -1))
            for row in both(x, HALF, shift)
        ],
    )
    yield (
        "multiply by zero",
        "A multiplier of 0 that is taken for one that is not normalised.",
        [(7, 0, 0), (-7, 0, -31), (HIGH, 0, 0), (LOW, 0, 0), (1, 0, 30), (0, HIGH, -5), (0, HALF, 30)],
    )
    yield (
        "multiply with the widest left shifts",
        "x << left in fewer than 32 bits, or a negative x shifted as unsigned.",
        [(1, HIGH, 30), (-1, HIGH, 30), (-2, HALF, 30), (HALF - 1, HIGH, 1), (-HALF, HALF, 1), (-HALF, HIGH, 1)],
    )
    yield (
        "multiply with the widest right shifts",
        "A right shift of 31 that is masked to 5 bits of something else, or taken as one of 32.",
        [(x, m, -31) for x in (HIGH, LOW, -1, HALF, -HALF) for m in (HIGH, HALF)] + [(100663295, HALF, -20)],
    )
    yield (
        "multiply with multipliers of real layers",
        "Any other slip: signs, order of the operands, the direction of the shift.",
        [row for x in (1, 100, 32476, 8388607) for row in both(x, 1690499128, -6)] + [(1000000, 1717986918, 3)],
    )


def _affine_int8() -> Iterator[tuple[str, str, list]]:
    yield (
        "affine_int8 floors",
        "A shift that truncates: values just below zero go up.",
        [(value, 3, -242, 4, -127, 127) for value in (75, 80, 81, 83, 86, 89)] + [(-1, 1, 0, 31, -128, 127)],
    )
    yield (
        "affine_int8 clamps to its own bounds",
        "A clamp to -128 to 127 always, or a cast to int8 before the clamp.",
        [(value, 3, -242, 4, -127, 127) for value in (-1000, -596, -595, -594, 757, 758, 759, 760, 5000)]
        + [(1000, 1, 0, 1, -128, -5), (-1000, 1, 0, 1, 3, 127), (-300, 1, 0, 1, -128, 127), (514, 1, 0, 1, -128, 127)],
    )
    yield (
        "affine_int8 fills 31 bits",
        "A product in fewer than 32 bits.",
        [
            (*row, -128, 127)
            for row in (
                (32767, 65536, 65535, 24),
                (-32768, 65535, -32767, 24),
                (0, HIGH, -HIGH, 31),
                (1, HIGH - 1, 1, 24),
                (-1, HIGH, 0, 24),
                (HIGH, 1, 0, 25),
            )
        ],
    )


def _bit_length() -> Iterator[tuple[str, str, list]]:
    yield (
        "bit_length of 0",
        "An instruction that counts leading zeros, whose result for 0 is not defined.",
        [(0,), (1,), (2,), (3,), (4,)],
    )
    yield (
        "bit_length around the powers of two",
        "A step of a binary search that is missing, or a signed comparison of the top bit.",
        [(x,) for bit in (8, 15, 16, 17, 30, 31) for x in (2**bit - 1, 2**bit)] + [(2**32 - 1,)],
    )


def _log2_q10() -> Iterator[tuple[str, str, list]]:
    yield (
        "log2_q10 of 0 is that of 1",
        "A logarithm of 0 that is negative, undefined or not 0.",
        [(0,), (1,), (2,)],
    )
    yield (
        "log2_q10 of the powers of two",
        "A mantissa that is shifted by one too many or too few.",
        [(2**bit,) for bit in range(32)],
    )
    yield (
        "log2_q10 at the entries of its table",
        "A table of 16 entries, an index off by one, a wrong entry.",
        [(x,) for x in range(16, 33)] + [(x << 23,) for x in range(256, 512, 16)],
    )
    yield (
        "log2_q10 where one step of a table entry shows",
        "An entry of the table that is off by one; a fraction without its lowest bits.",
        [(x,) for x in (223, 261, 367, 397, 475, 1009, 1233, 1271, 1635, 1877, 6993, 11037, 13622, 21836, 32113)]
        + [(x,) for x in (35336, 35651, 47914, 1049308, 1051503)],
    )
    yield (
        "log2_q10 between the entries of its table",
        "An interpolation that rounds, or takes its fraction from other bits.",
        [(x,) for x in (3, 5, 10, 33, 63, 1000, 32767, 65535, 65537, 100000, 16777215, 305419896, 2863311530)],
    )
    yield (
        "log2_q10 at the top of uint32",
        "A signed x, a mantissa of 31 bits, a result of 32768.",
        [(x,) for x in (HIGH - 1, HIGH, HIGH + 1, HIGH + 2, 2**32 - 2048, 2**32 - 2, 2**32 - 1)],
    )
    yield (
        "log2_q10 floors in q10",
        "A last shift that rounds.",
        [(x,) for x in (1023, 1025, 1030, 1055, 2047, 4095, 8191, 1000003)],
    )


def _log2_wide_q10() -> Iterator[tuple[str, str, list]]:
    yield (
        "log2_wide_q10 of 32 bits is log2_q10",
        "A shift that is taken where nothing lies beyond 32 bits; a shift of 32, which C does not have.",
        [(x,) for x in (0, 1, 3, 1000003, HIGH, HIGH + 1, 2**32 - 2, 2**32 - 1)],
    )
    yield (
        "log2_wide_q10 of the powers of two beyond, and at its top",
        "A shift that is off by one; a signed x, a result beyond 64511.",
        [(2**bit,) for bit in range(32, 63)] + [(2**63 - 1,), (2**63 - 2**31,), (2**62 - 1,)],
    )
    yield (
        "log2_wide_q10 joins both halves",
        "A low half that is lost, or high bits that are not shifted into it.",
        [(x,) for x in (2**32 + 2**31, 2**33 + 2**32 + 5, 0x123456789ABCDEF, 0x7FFFFFFF80000000, 0x600000001, 3 << 61)],
    )


def _floor_sqrt() -> Iterator[tuple[str, str, list]]:
    yield (
        "floor_sqrt of 0",
        "A shift by 32, a table that is read before its first entry.",
        [(0,), (1,), (2,), (3,), (4,)],
    )
    yield (
        "floor_sqrt around and between squares",
        "A root that is rounded to nearest; a last step that is not taken, or taken at the wrong side of equality.",
        [(r * r + d,) for r in (3, 16, 100, 255, 256, 4096, 23170, 46341, 65534, 65535) for d in (-1, 0, 1, r, r + 1)],
    )
    yield (
        "floor_sqrt at the entries of a table of 24, and at the top of uint32",
        "An entry that is off by much, an index from other bits; a signed x, a square that wraps.",
        [((i << 27) + d,) for i in range(8, 32) for d in (0, (1 << 27) - 1)] + [(HIGH + 1,), (3 * 32767**2,)],
    )


def _angle_q12() -> Iterator[tuple[str, str, list]]:
    yield (
        "angle_q12 along the axes, and of nothing",
        "An angle of (0, 0) that is not 0; an end beyond half a turn, or below 0.",
        [(0, 0), (1, 0), (-1, 0), (0, 1), (2**17, 0), (-(2**17), 0), (0, 2**17), (2**17, 2**17), (-(2**17), 2**17)],
    )
    yield (
        "angle_q12 in both quarters",
        "A quarter turn the other way; a turn at across = 0; a shift that rounds; one step more or less.",
        [
            (s * x, y)
            for x, y in ((3, 1), (1, 3), (100, 7), (7, 100), (30000, 29999), (16384, 1), (1, 16384), (5, 5))
            for s in (1, -1)
        ],
    )
    yield (
        "angle_q12 of small angles",
        "Bits that were lost to the shifts.",
        [(12345, y) for y in (1, 2, 3, 5, 8, 13, 100, 1000)] + [(-14962, 862), (24751, 8992), (-15057, 25559)],
    )
