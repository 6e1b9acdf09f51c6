"""energy: sums and logarithms of mantissa * 2**exponent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anomsdk.core import energy
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native, rows_of

FUNCTIONS = ("add", "total", "log2")
TOP = 2**31 - 1
NOTHING = [0, 0]


def by_scalar(given: Given) -> list:
    function = given["function"]
    if function == "total":
        rows = [scalar.total([scalar.Energy(*e) for e in energies], n) for energies, n in given["rows"]]
        return [list(row) for row in rows]
    rows = [getattr(scalar, function)(*(scalar.Energy(*e) for e in row)) for row in given["rows"]]
    return rows if function == "log2" else [list(row) for row in rows]


def by_core(given: Given) -> list:
    return [_in_core(given["function"], row) for row in given["rows"]]


def _in_core(function: str, row: Json) -> Json:
    if function == "total":
        found = energy.total(*rows_of(row[0]).T, row[1])
    else:
        found = getattr(energy, function)(*rows_of(row).ravel())
    return np.array(found).tolist()


def by_native(given: Given) -> list:
    return [_in_c(Native(), given["function"], row) for row in given["rows"]]


def _in_c(native: Native, function: str, row: Json) -> Json:
    if function == "log2":
        return native.lib.anom_energy_log2(*row)
    if function == "add":
        found = native.lib.anom_energy_add(*row)
    else:
        energies, headroom = row
        found = native.lib.anom_energy_total(native.new("anom_energy[]", energies), len(energies), headroom)
    return [found.mantissa, found.exponent]


def c_case(given: Given, expect: list) -> dict[str, Any]:
    function = given["function"]
    rows = []
    for row, found in zip(given["rows"], expect, strict=True):
        energies, headroom = row if function == "total" else (row, 0)
        result = {"log2": found} if function == "log2" else {"sum": found}
        rows.append({"energies": energies, "n": len(energies), "headroom": headroom, **result})
    return {"function": FUNCTIONS.index(function), "n_rows": len(rows), "rows": rows}


def cases() -> Iterator[Case]:
    for function in FUNCTIONS:
        for name, guards, rows in globals()[f"_{function}"]():
            yield Case(name, guards, {"function": function, "rows": rows})


def _add() -> Iterator[tuple[str, str, list]]:
    yield (
        "add without a carry",
        "A carry that is taken from the wrong bit.",
        [[[5, 3], [6, 3]], [[2**30, 0], [2**30 - 1, 0]], [[1, 127], [1, 127]]],
    )
    yield (
        "add with a carry",
        "A mantissa of 32 bits, an exponent that stays, a carry that rounds.",
        [
            [[TOP, 4], [TOP, 4]],
            [[2**30, 7], [2**30, 7]],
            [[TOP, 0], [1, 0]],
            [[TOP, 9], [2, 9]],
            [[TOP, 126], [TOP, 126]],
        ],
    )
    yield (
        "add shifts the smaller exponent down",
        "The larger mantissa shifted in place of the smaller exponent, or a shift that rounds.",
        [[[1048576, 40], [2047, 30]], [[5, 0], [2**30, 10]], [[3, 1], [7, 0]], [[1, 8], [TOP, 5]], [[TOP, 5], [1, 8]]],
    )
    yield (
        "add across 30, 31, 32 and more exponents",
        "A shift by 32 or more, which is taken modulo 32 or is not defined.",
        [[[1, e], [TOP, 0]] for e in (29, 30, 31, 32, 33, 62, 63, 64, 95, 96, 127)],
    )
    yield (
        "add takes its operands in either order",
        "A difference of exponents that is negative.",
        [[[TOP, 0], [1, e]] for e in (1, 30, 31, 32, 64, 127)],
    )
    yield (
        "add of nothing",
        "Nothing that is taken for the smallest energy, or that brings its exponent.",
        [[NOTHING, NOTHING], [NOTHING, [7, 60]], [[7, 60], NOTHING], [NOTHING, [TOP, 0]], [[1, 127], NOTHING]],
    )
    a, b, c = [2**30 + 1, 31], [2**30 + 1, 31], [3, 30]
    a_and_b, b_and_c = (list(scalar.add(scalar.Energy(*one), scalar.Energy(*other))) for one, other in ((a, b), (b, c)))
    yield (
        "add is not associative",
        "Sums that are taken in another order: (a + b) + c and a + (b + c) differ.",
        [[a, b], [a_and_b, c], [b, c], [a, b_and_c]],
    )


def _total() -> Iterator[tuple[str, str, list]]:
    yield (
        "total of one energy",
        "A headroom that is there although it is 0.",
        [[[[TOP, 76]], 0], [[[1, 0]], 0], [[NOTHING], 0]],
    )
    yield (
        "total of as many as the headroom holds",
        "A sum that leaves 31 bits, a headroom that comes after the sum.",
        [[[[TOP, 5]] * 4, 2], [[[TOP, 0]] * 2, 1], [[[TOP, 76]] * 8, 3]],
    )
    yield (
        "total at the largest exponent",
        "The exponent of the first, or of the last energy.",
        [[[[8, 10], [8, 12], [8, 11]], 2], [[[8, 12], [8, 10]], 1], [[[8, 10], [8, 12]], 1]],
    )
    yield (
        "total floors each term by itself",
        "A sum that is shifted once.",
        [[[[3, 0], [3, 0], [3, 0]], 2], [[[7, 4], [7, 4], [7, 4], [7, 4]], 2], [[[15, 0], [15, 1], [15, 2]], 2]],
    )
    yield (
        "total across 31 and more exponents",
        "A shift by 32 or more.",
        [[[[TOP, 0], [1024, e]], 1] for e in (28, 29, 30, 31, 32, 62, 63, 76)],
    )
    yield (
        "total that is shifted away",
        "A mantissa of 0 that keeps its exponent.",
        [
            [[[1, 9], [1, 9]], 1],
            [[[3, 20], [2, 20], [1, 20]], 2],
            [[[2, 5], [1, 0]], 1],
            [[NOTHING, NOTHING, NOTHING], 2],
        ],
    )
    yield (
        "total with more headroom than it needs",
        "A headroom that is computed from the number of energies.",
        [[[[4096, 3], [4096, 3]], 9], [[[4096, 3], NOTHING, [4095, 3]], 4]],
    )


def _log2() -> Iterator[tuple[str, str, list]]:
    yield (
        "log2 of nothing and of 1",
        "A logarithm of 0 below 0.",
        [[NOTHING], [[1, 0]]],
    )
    yield (
        "log2 adds 1024 an exponent",
        "An exponent that is added in another unit.",
        [[[1, 1]], [[1, 127]], [[3, 76]], [[2**30, 99]], [[1000, 20]]],
    )
    yield (
        "log2 of the largest energy of a plan",
        "A result of 16 bits.",
        [[[TOP, 0]], [[TOP, 78]], [[TOP, 98]]],
    )
