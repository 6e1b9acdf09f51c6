"""affine: values to int8, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.affine import Affine, AffinePlan
from tests import scalar
from tests.support.stems import Case, Given
from tests.support.stems.sections import Native, core_plan, rows_of


def by_scalar(given: Given) -> list:
    return [scalar.Affine(given["affine"]).features(row) for row in given["rows"]]


def by_core(given: Given) -> list:
    plan = core_plan(AffinePlan, given["affine"])
    rows = rows_of(given["rows"])
    plan.check(len(plan.gain), rows.min(axis=0), rows.max(axis=0), "affine")
    return Affine(plan).run(rows).tolist()


def by_native(given: Given) -> list:
    native = Native()
    plan = native.struct("anom_affine_plan", given["affine"])
    return [[native.lib.anom_affine_run(plan, i, value) for i, value in enumerate(row)] for row in given["rows"]]


def c_case(given: Given, expect: list) -> dict[str, Any]:
    return {
        "plan": given["affine"],
        "n": len(given["affine"]["gain"]),
        "n_rows": len(expect),
        "rows": [value for row in given["rows"] for value in row],
        "expect": [value for row in expect for value in row],
    }


def one(gain: int, bias: int, shift: int, low: int, high: int, *values: int) -> dict[str, Any]:
    """A map of one entry, and values for it."""
    affine = {"gain": [gain], "bias": [bias], "shift": [shift], "low": low, "high": high}
    return {"affine": affine, "rows": [[value] for value in values]}


def cases() -> Iterator[Case]:
    top = 2**31 - 1
    yield Case("The worked example", "Any slip: it is in docs/spec.md.", one(3, -242, 4, -127, 127, 80, 81, 83, 86, 89))
    yield Case(
        "Ties go up on both sides of zero",
        "Ties away from zero, or to even.",
        one(1, 2, 2, -128, 127, -10, -7, -6, -5, -2, -1, 0, 1, 2, 5, 6, 7),
    )
    yield Case(
        "A shift below zero floors",
        "A shift that truncates.",
        one(1, 0, 3, -128, 127, -1, -7, -8, -9, -16, -17, 7, 8),
    )
    yield Case(
        "A low of -127",
        "A lower bound that is always -128.",
        one(2, 1, 1, -127, 127, -126, -127, -128, -129, 126, 127, 128),
    )
    yield Case(
        "A low of -128",
        "A lower bound that is always -127.",
        one(2, 1, 1, -128, 127, -126, -127, -128, -129, 126, 127, 128),
    )
    yield Case(
        "Results far beyond int8",
        "A cast to int8 before the clamp: 256 becomes 0.",
        one(2, 1, 1, -128, 127, 255, 256, 300, 384, 65536, -256, -257, -300, -65536, 1 << 29, -(1 << 29)),
    )
    yield Case("A gain of 0", "A division by the gain.", one(0, 1000, 4, -128, 127, -(2**31) + 1, 0, 5))
    yield Case(
        "A shift of 1", "One half that is made from the shift.", one(1, 1, 1, -128, 127, -4, -3, -2, -1, 0, 1, 2, 3)
    )
    yield Case(
        "A shift of 31",
        "A shift by 32, or one half of 2**31.",
        one(1 << 23, 1 << 30, 31, -128, 127, 127, -127, 1, 63, -63, -64, -65),
    )
    yield Case(
        "A product that fills 31 bits",
        "A product of 16 x 16 bits.",
        one(16383, 32766, 23, -128, 127, 131072, -131072, 131071, 65535, -65536),
    )
    yield Case("The largest gain", "A gain of fewer than 31 bits.", one(top, 0, 24, -128, 127, -1, 0, 1))
    yield Case(
        "A learnt map",
        "The map that most plans hold.",
        one(8156, 111236437, 19, -127, 127, -37418, -21777, -13606, -13638, -13575, 0, 133120),
    )
    yield Case(
        "A map of the model's own",
        "A map whose centre is not 0.",
        one(12330, 59768832, 21, -128, 127, -37418, -26536, -26537, -4847, 0, 16755, 16756, 100000),
    )
    yield Case(
        "Each entry has its own map",
        "Entry 0 for all, or entries of a struct of another layout.",
        {
            "affine": {
                "gain": [1, 3, 100, 0, 70000],
                "bias": [1, -40, 2048, 77, -1000000],
                "shift": [1, 2, 12, 3, 20],
                "low": -127,
                "high": 127,
            },
            "rows": [[5, 5, 5, 5, 5], [-9, 30, -400, 1 << 20, 900], [90, -90, 5000, -1, -2000]],
        },
    )
