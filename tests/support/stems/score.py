"""score: inputs and outputs of the model to a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.score import Score
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native, c_score, rows_of, score_plan


def by_scalar(given: Given) -> list[int]:
    return [scalar.score(given["score"], *row) for row in given["rows"]]


def by_core(given: Given) -> list[int]:
    plan = score_plan(given["score"])
    plan.check(len(plan.weights))
    inputs, outputs = rows_of(given["rows"]).swapaxes(0, 1)
    return Score(plan).run(inputs, outputs).tolist()


def by_native(given: Given) -> list[int]:
    native = Native()
    plan = native.struct("anom_score_plan", c_score(given["score"]))
    return [
        native.lib.anom_score_run(plan, *(native.new("int8_t[]", part) for part in row), len(row[0]))
        for row in given["rows"]
    ]


def c_case(given: Given, expect: list[int]) -> dict[str, Any]:
    return {
        "plan": c_score(given["score"]),
        "n": len(given["score"]["weights"]),
        "n_rows": len(expect),
        "inputs": [value for inputs, _ in given["rows"] for value in inputs],
        "outputs": [value for _, outputs in given["rows"] for value in outputs],
        "expect": expect,
    }


def given(weights: list[int], zero_points: tuple, gains: tuple, shift: int, *rows: Json) -> Given:
    score = {"weights": weights, "input_zero_point": zero_points[0], "output_zero_point": zero_points[1]}
    score |= {"input_gain": gains[0], "output_gain": gains[1], "shift": shift}
    return {"score": score, "rows": [list(row) for row in rows]}


def one(zero_points: tuple, gains: tuple, shift: int, *pairs: tuple[int, int]) -> Given:
    """One value of weight 1: the square of its error is seen."""
    return given([1], zero_points, gains, shift, *[([x], [y]) for x, y in pairs])


def cases() -> Iterator[Case]:
    same, plain = (0, 0), (1, 1)
    example = [10, -20, 127], [9, -25, 100]
    yield Case(
        "The worked example without a shift",
        "Any slip: it is in docs/spec.md.",
        given([1, 2, 3], (-3, -3), plain, 0, example),
    )
    yield Case(
        "The worked example with a shift",
        "Any slip: it is in docs/spec.md.",
        given([1, 2, 3], (-3, 5), (16384, 13107), 10, example),
    )
    yield Case(
        "Outputs that are the inputs", "An error that is not 0.", given([7, 9], (5, 5), plain, 0, ([3, -4], [3, -4]))
    )
    yield Case(
        "Errors of both signs",
        "An error that is not squared, or whose sign is lost before the sum.",
        one(same, plain, 0, (5, 3), (3, 5), (127, -128), (-128, 127)),
    )
    yield Case(
        "Weights of 0 and 255",
        "A weight of int8, or one that is squared.",
        given([0, 255, 1], same, plain, 0, ([100, 2, 3], [-100, 1, 1]), ([0, 127, 0], [0, -128, 0])),
    )
    yield Case(
        "Zero points that differ",
        "A zero point of the other end.",
        one((-3, 5), plain, 0, (-3, 5), (10, 10), (-128, 127), (127, -128)),
    )
    yield Case(
        "Gains that differ",
        "The gain of the other end, or a gain before the zero point.",
        one((2, 3), (5, 7), 0, (10, 10), (2, 3), (2, -100), (-100, 3)),
    )
    halves = [(x, y) for x in (-3, 3) for y in range(-4, 5)]
    yield Case(
        "A shift of 1 rounds negative errors up",
        "A shift that truncates, or ties away from zero.",
        one(same, plain, 1, *halves),
    )
    yield Case(
        "A shift of 4",
        "One half of the wrong size.",
        one(same, (3, 5), 4, *[(x, y) for x in (-8, 0, 9) for y in (-9, -8, -5, 4, 5, 7)]),
    )
    yield Case(
        "A shift of 16",
        "An error of 25 bits that is cut.",
        one(same, (65536, 65535), 16, (127, -128), (-128, 127), (1, 0), (0, 1), (-1, 0), (127, 127), (64, -63)),
    )
    yield Case(
        "The largest error",
        "A square of 65535 in int32.",
        one((-128, -128), (257, 1), 0, (127, -128), (127, 127), (-128, 127), (53, 0)),
    )
    loud = [127] * 64, [-128] * 64
    yield Case(
        "A sum near 2**32",
        "A sum in int32, or one that saturates.",
        given([255] * 64, same, plain, 0, loud, loud[::-1], ([0] * 64, loud[1])),
    )
    yield Case(
        "Each value has its own weight",
        "Weights that are read in another order.",
        given([1, 10, 100], same, plain, 0, ([1, 0, 0], [0] * 3), ([0, 1, 0], [0] * 3), ([0, 0, 1], [0] * 3)),
    )
    width = 67
    yield Case(
        "67 values",
        "A tail of a vector loop that is left out.",
        given(
            [i % 7 for i in range(width)],
            (1, -2),
            (300, 400),
            6,
            ([(37 * i) % 256 - 128 for i in range(width)], [(91 * i) % 256 - 128 for i in range(width)]),
            ([0] * 66 + [9], [0] * 66 + [-9]),
        ),
    )
    yield from _of_groups()


def grouped(n: int, groups: list[tuple[int, int, int, int, int]], *rows: Json, **of: Any) -> Given:
    """Inputs of weight 1, and groups as first, last, squared, gain, shift."""
    names = ("first", "last", "squared", "gain", "shift")
    made = given(of.get("weights", [1] * n), (0, 0), of.get("gains", (1, 1)), 0, *rows)
    return {**made, "score": made["score"] | {"groups": [dict(zip(names, group, strict=True)) for group in groups]}}


def _of_groups() -> Iterator[Case]:
    nothing = [0] * 4
    each = [([0] * i + [9, -5] + [0] * (2 - i), nothing) for i in range(3)]
    plain, square = (0, 1, 0, 3, 0), (2, 3, 1, 3, 0)
    yield Case(
        "Two groups",
        "The sum of groups; a square of a group that counts by size, or none of one that counts by square.",
        grouped(4, [plain, square], *each, ([1, 1, 7, 7], nothing), ([7, 7, 1, 1], nothing)),
    )
    yield Case(
        "A group of one input, first and last",
        "An input that is left out at an end.",
        grouped(
            4,
            [(0, 0, 0, 1, 0), (1, 2, 0, 1, 0), (3, 3, 1, 1, 0)],
            *[([0] * i + [8] + [0] * (3 - i), nothing) for i in range(4)],
        ),
    )
    yield Case(
        "Four groups with gains and shifts",
        "The gain of another group; a shift before the gain.",
        grouped(
            4,
            [(0, 0, 0, 3, 1), (1, 1, 0, 1 << 20, 19), (2, 2, 1, 77, 3), (3, 3, 1, 2**31 - 1, 31)],
            *[([x, 0, 0, 0], nothing) for x in (-128, 1, 3)],
            *[([0, x, 0, 0], nothing) for x in (-128, 1, 3)],
            *[([0, 0, x, 0], nothing) for x in (-128, 1, 3)],
            *[([0, 0, 0, x], nothing) for x in (-128, 1, 3)],
        ),
    )
    yield Case(
        "Groups at their ends",
        "A size beyond 65535; one that wraps in the product.",
        grouped(
            4,
            [(0, 1, 0, 2**31 - 1, 0), (2, 3, 1, 2**31 - 1, 0)],
            *[(inputs, nothing) for inputs in ([1, 0, 0, 0], [0, 0, 1, 0], [0] * 4, [0, 0, 2, 0], [127] * 4)],
        ),
    )
    yield Case(
        "A shift of 40",
        "A product of 32 bits; a sum that is shifted first.",
        grouped(
            4,
            [(0, 1, 0, 2**31 - 1, 30), (2, 3, 1, 2**31 - 1, 40)],
            *[(inputs, [-x - 1 for x in inputs]) for inputs in ([127, 127, 0, 0], [0, 0, 127, 127], [0, 0, 30, 0])],
            weights=[255] * 4,
        ),
    )
    yield Case(
        "Weights in groups",
        "A weight that is squared; weights from the beginning in each group.",
        grouped(4, [plain, square], *each, weights=[1, 10, 100, 255]),
    )
    yield Case(
        "Errors of 65535 in a group by size",
        "A magnitude in 16 bits; a size below 65535 for the largest.",
        grouped(2, [(0, 0, 0, 1, 0), (1, 1, 0, 1, 1)], ([127, 0], [-128, 0]), ([0, 127], [0, -128]), gains=(257, 1)),
    )
