"""reasons: inputs and outputs of the model to the groups that were most unusual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.reasons import Reasons, ReasonsPlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native, c_reasons, c_score, core_plan, rows_of, score_plan

HIGH_LOW, UNSTEADY, PLAIN = 0x90, 0x30, 0x00
"""Directions of an input, above and below."""


def by_scalar(given: Given) -> list:
    return [list(scalar.reasons(given["reasons"], given["score"], *row)) for row in given["rows"]]


def by_core(given: Given) -> list:
    plan, score = core_plan(ReasonsPlan, given["reasons"]), score_plan(given["score"])
    plan.check(len(score.weights))
    score.check(len(score.weights))
    return [list(Reasons(plan, score).run(*rows_of(row))) for row in given["rows"]]


def by_native(given: Given) -> list:
    native = Native()
    plan = native.struct("anom_reasons_plan", c_reasons(given["reasons"]))
    score = native.struct("anom_score_plan", c_score(given["score"]))
    return [_in_c(native, plan, score, *row) for row in given["rows"]]


def _in_c(native: Native, plan: Any, score: Any, inputs: Json, outputs: Json) -> list[int]:
    found = native.new("uint8_t[]", [0xA5] * 3)
    x, y = native.new("int8_t[]", inputs), native.new("int8_t[]", outputs)
    native.lib.anom_reasons_run(plan, score, x, y, len(inputs), found)
    return list(found)


def c_case(given: Given, expect: list) -> dict[str, Any]:
    return {
        "plan": c_reasons(given["reasons"]),
        "score": c_score(given["score"]),
        "n": len(given["score"]["weights"]),
        "n_rows": len(expect),
        "inputs": [value for inputs, _ in given["rows"] for value in inputs],
        "outputs": [value for _, outputs in given["rows"] for value in outputs],
        "expect": [value for row in expect for value in row],
    }


def given(
    groups: list[int],
    codes: list[int],
    gain: list[int],
    *rows: Json,
    weights: list[int] | None = None,
    zero_points: tuple = (0, 0),
    gains: tuple = (1, 1),
    shift: int = 0,
) -> Given:
    score = {"weights": weights or [1] * len(groups), "input_zero_point": zero_points[0]}
    score |= {"output_zero_point": zero_points[1], "input_gain": gains[0], "output_gain": gains[1], "shift": shift}
    return {"reasons": {"groups": groups, "codes": codes, "gain": gain}, "score": score, "rows": [*map(list, rows)]}


def alone(n: int) -> dict[str, list[int]]:
    """Groups of one input each, of one gain."""
    return {"groups": [HIGH_LOW | i for i in range(n)], "codes": list(range(1, n + 1)), "gain": [1] * n}


def cases() -> Iterator[Case]:
    four = [HIGH_LOW, HIGH_LOW | 1, UNSTEADY, PLAIN | 2]
    example = ([10, -20, 30, 5], [9, -25, 27, 0]), ([-9, 1, -7, -40], [0, 0, 0, 0]), ([1, 2, 3, 4], [1, 2, 3, 4])
    yield Case(
        "The worked example", "Any slip: it is in docs/spec.md.", given(four, [4, 1, 19], [300, 100, 200], *example)
    )
    none = [0] * 4
    yield Case(
        "The three largest of five",
        "A group that is named twice, or in the order of the groups.",
        given(*alone(5).values(), ([1, 2, 3, 4, 5], [0] * 5), ([5, 1, 4, 2, 3], [0] * 5)),
    )
    yield Case(
        "Ties go to the first group",
        "A comparison that takes the last one.",
        given(*alone(4).values(), ([3, -3, 3, 3], none), ([1, 2, 2, 2], none)),
    )
    yield Case(
        "Groups without a residual are not named",
        "A group 0 that is named where nothing is unusual.",
        given(*alone(4).values(), (none, none), ([0, 0, 0, 7], none), ([7, 7, 9, 7], [7, 9, 7, 7])),
    )
    yield Case(
        "One group",
        "A second group that is not there.",
        given([HIGH_LOW, HIGH_LOW], [63], [1 << 30], ([1, -2], [0, 0]), ([0, 0], [0, 0])),
    )
    yield Case(
        "Gains decide",
        "A gain that is left out, or of another group.",
        given(alone(3)["groups"], [1, 2, 3], [4, 9, 37], ([3, 2, 1], [0] * 3), ([3, 2, 0], [0] * 3)),
    )
    yield Case(
        "The largest products",
        "A product of 32 bits, or a signed one.",
        given(
            alone(3)["groups"],
            [5, 6, 7],
            [(1 << 30) - 1, 1 << 30, 1],
            ([127, 127, 127], [-128] * 3),
            ([127, 126, 127], [-128] * 3),
            zero_points=(-128, -128),
            gains=(148, 1),
        ),
    )
    yield Case(
        "A residual of 2**31 and more",
        "A residual of int32.",
        given([HIGH_LOW] * 40 + [HIGH_LOW | 1], [9, 8], [1, 1], ([127] * 41, [-128] * 41), weights=[255] * 41),
    )
    yield Case(
        "Above, at and below the zero point",
        "A direction of the error, or from 0.",
        given(
            [HIGH_LOW],
            [4],
            [1],
            *[([x], [y]) for x in (-6, -5, -4, 0) for y in (-128, 127)],
            zero_points=(-5, 3),
        ),
    )
    yield Case(
        "Each direction above and below",
        "Bits of the other direction.",
        given([0x10, 0x21, 0xC2], [4, 5, 6], [1, 1, 1], ([3, 2, 1], [0] * 3), ([-3, -2, -1], [0] * 3)),
    )
    yield Case(
        "The direction of the largest term",
        "That of the first, or the last, input of the group; of the largest error, whatever its weight.",
        given(
            [HIGH_LOW, HIGH_LOW | 1, HIGH_LOW, UNSTEADY],
            [4, 5],
            [1, 1],
            ([5, 90, -7, 6], none),
            ([5, 90, -4, -6], none),
            ([-3, 90, 5, 4], none),
            weights=[3, 1, 2, 1],
        ),
    )
    yield Case(
        "The first of equal terms",
        "The last of them.",
        given([HIGH_LOW, HIGH_LOW, UNSTEADY], [4], [1], ([5, -5, 5], [0] * 3), ([-5, 5, 5], [0] * 3)),
    )
    yield Case(
        "An input of weight 0",
        "A term without its weight.",
        given([HIGH_LOW, HIGH_LOW | 1], [4, 5], [1, 1], ([100, -1], [0, 0]), weights=[0, 1]),
    )
    yield Case(
        "Errors that a shift rounds away",
        "An error before its shift.",
        given(*alone(3).values(), ([1, 7, 8], [0] * 3), ([-9, -8, 7], [0] * 3), shift=4),
    )
    width = 67
    yield Case(
        "16 groups of 67 inputs",
        "A group beyond eight, or four bits that are read as three.",
        given(
            [HIGH_LOW | (5 * i) % 16 for i in range(width)],
            [i * 4 + 3 for i in range(16)],
            [1 + 997 * i for i in range(16)],
            *[
                ([(m * i) % 256 - 128 for i in range(width)], [(9 * m * i) % 251 - 125 for i in range(width)])
                for m in (37, 91, 5)
            ],
            weights=[1 + i % 7 for i in range(width)],
            zero_points=(1, -2),
            gains=(300, 400),
            shift=6,
        ),
    )
    yield from _of_groups()


def _of_groups() -> Iterator[Case]:
    parts = [
        {"first": 0, "last": 1, "squared": 0, "gain": 100, "shift": 0},
        {"first": 2, "last": 3, "squared": 0, "gain": 1, "shift": 0},
    ]

    def grouped(groups: list[int], codes: list[int], gain: list[int], *rows: Json, of: Json = parts) -> Given:
        made = given(groups, codes, gain, *rows)
        return {**made, "score": made["score"] | {"groups": of}}

    nothing = [0] * 4
    own = [HIGH_LOW, HIGH_LOW | 1, HIGH_LOW | 2, HIGH_LOW | 3]
    yield Case(
        "The largest group of the score names the first reason",
        "The largest product of all.",
        grouped(
            own,
            [1, 2, 3, 4],
            [1] * 4,
            ([5, -6, 120, 100], nothing),
            ([1, 0, 127, 127], nothing),
            ([0, 0, 9, 8], nothing),
        ),
    )
    yield Case(
        "A group of reasons in two groups of the score",
        "A group that is named twice, or whose part elsewhere is left out.",
        grouped(
            [HIGH_LOW, HIGH_LOW | 1, HIGH_LOW | 1, HIGH_LOW | 2],
            [10, 20, 30],
            [1] * 3,
            ([5, 4, 100, 90], nothing),
            ([3, 0, -100, 120], nothing),
        ),
    )
    yield Case(
        "Groups of equal size",
        "The last of equal groups.",
        grouped(own, [1, 2, 3, 4], [1] * 4, ([0, 1, 0, -100], nothing), ([0] * 4, nothing)),
    )
    small = [dict(part, gain=1, shift=20) for part in parts]
    yield Case(
        "Sizes of 0",
        "A first reason that is made up where its group has no error.",
        grouped(own, [1, 2, 3, 4], [1] * 4, ([0, 0, 3, 9], nothing), ([2, 0, 3, 9], nothing), of=small),
    )
