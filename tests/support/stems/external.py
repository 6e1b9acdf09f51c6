"""external: a row of values to a frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.stems import Case
from tests.support.stems.extractors import by_core, by_native, by_scalar, c_case

__all__ = ["FRAGMENT", "by_core", "by_native", "by_scalar", "c_case", "cases"]
FRAGMENT = "extractors"


def given(gain: list[int], bias: list[int], shift: list[int], low: int, *rows: list[int]) -> dict[str, Any]:
    normalisation = {"gain": gain, "bias": bias, "shift": shift, "low": low, "high": 127}
    extractor = {"kind": "external", "normalisation": normalisation}
    return {"extractor": extractor, "steps": [["gap"] if row == [] else ["window", row] for row in rows]}


def cases() -> Iterator[Case]:
    plain = [2], [1], [1], -128
    yield Case("A row of one value", "A row that is read as a block.", given(*plain, [5], [-5], [0], [127], [-128]))
    yield Case(
        "The ends of int16",
        "Values that are taken for unsigned, or that are negated.",
        given([1], [128], [8], -128, [-32768], [-32767], [32767], [32640], [32639]),
    )
    yield Case(
        "Values beyond the range of features",
        "A cast to int8 before the clamp.",
        given(*plain, [128], [255], [256], [-129], [-256], [-257], [32767], [-32768]),
    )
    yield Case(
        "A low of -127",
        "A lower bound that is always -128.",
        given([2], [1], [1], -127, [-126], [-127], [-128], [-129]),
    )
    yield Case(
        "Each value has its own map",
        "The map of value 0 for all.",
        given([1, 3, 65535, 0], [1, -40, 32767, 77], [1, 2, 24, 3], -127, [7, 7, 7, 7], [-9, 30, -32768, 1], [300] * 4),
    )
    yield Case(
        "Two rows are two frames",
        "A frame that is gathered over rows.",
        given([2, 2], [1, 1], [1, 1], -128, [1, 2], [3, 4], [1, 2]),
    )
    yield Case("A gap between rows", "A row that a gap takes with it.", given(*plain, [1], [], [2], [], [], [3]))
    width = 67
    yield Case(
        "A row of 67 values",
        "A row whose length is taken for a multiple of 4.",
        given(
            [1 + i for i in range(width)],
            [100 * i - 3000 for i in range(width)],
            [1 + i % 9 for i in range(width)],
            -128,
            [(37 * i) % 201 - 100 for i in range(width)],
            [(53 * i) % 257 - 128 for i in range(width)],
        ),
    )
