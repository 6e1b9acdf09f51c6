"""figures: a day and its own levels to eleven numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from anomsdk.core.figures import of_day
from tests import scalar
from tests.support.stems import Case, Given
from tests.support.stems.sections import Native

OTHER = -7777
"""Values of columns that are not looked at."""


def _interleaved(given: Given, name: str) -> list[int]:
    """Values as rows of ``stride`` columns, of which the first counts."""
    return [x for value in given[name] for x in (value, *[OTHER] * (given["stride"] - 1))]


def by_scalar(given: Given) -> list[int]:
    return scalar.figures(given["values"], given["levels"], given["latest"], given["cos_q14"])


def by_core(given: Given) -> list[int]:
    values, levels, cos_q14 = (np.array(given[name], np.int64) for name in ("values", "levels", "cos_q14"))
    return of_day(values, levels, given["latest"], cos_q14).tolist()


def by_native(given: Given) -> list[int]:
    native = Native()
    day = {
        "values": native.new("int16_t[]", _interleaved(given, "values")),
        "levels": native.new("int16_t[]", _interleaved(given, "levels")),
        "cos_q14": native.new("int16_t[]", given["cos_q14"]),
        "slots": len(given["values"]),
        "stride": given["stride"],
    }
    found = native.new("int32_t[]", native.lib.ANOM_FIGURES)
    native.lib.anom_figures_of_day(native.struct("anom_figures_day", day), given["latest"], found)
    return list(found)


def c_case(given: Given, expect: list[int]) -> dict[str, Any]:
    day = {"values": _interleaved(given, "values"), "levels": _interleaved(given, "levels")}
    day |= {"cos_q14": given["cos_q14"], "slots": len(given["values"]), "stride": given["stride"]}
    return {"day": day, "latest": given["latest"], "expect": expect}


def given(values: list[int], levels: list[int], latest: int = 0, stride: int = 1) -> Given:
    n = len(levels)
    cos_q14 = [round(16384 * math.cos(2 * math.pi * i / n)) for i in range(n)]
    return {"values": values, "levels": levels, "latest": latest, "cos_q14": cos_q14, "stride": stride}


def rhythm(n: int, peak: float, size: float = 1000, part: float = 0.8) -> list[int]:
    """A day with its busiest slot at ``peak``."""
    return [round(size * (1 + part * math.cos(2 * math.pi * (i - peak) / n))) for i in range(n)]


def turned(values: list[int], by: int) -> list[int]:
    return [*values[-by:], *values[:-by]]


def cases() -> Iterator[Case]:
    usual = rhythm(12, 6)
    yield Case("A day as usual", "A figure that is not 0, or the share of another stretch.", given(usual, usual))
    yield Case(
        "Less all day",
        "A share that tells the size of a day.",
        given([value * 7 // 10 for value in usual], usual),
    )
    for by in (1, 2, 3, 4, 6, 11):
        yield Case(
            f"A day that is {by} slots late",
            "A lag or a phase with the wrong sign, or one beyond six hours.",
            given(turned(usual, by), usual, latest=by),
        )
    restless = [value + 400 * (value < 800) for value in usual]
    yield Case("Restless in quiet hours", "Thirds that are swapped.", given(restless, usual, 11))
    yield Case("A flat day", "An amplitude of a day without a rhythm.", given([1000] * 12, usual))
    yield Case("A day of nothing", "A logarithm of 0; a division by the total.", given([0] * 12, usual))
    yield Case("A first day", "An own total of 0; ranks of levels that are all equal.", given(usual, [0] * 12))
    yield Case("Nothing on nothing", "A floor of 0.", given([0] * 12, [0] * 12))
    yield Case(
        "Slots of equal levels",
        "A rank that counts the later of equal slots first.",
        given(list(range(100, 1300, 100)), [5, 5, 5, 5, 5, 5, 9, 9, 9, 1, 1, 5]),
    )
    yield Case("Everything in one slot", "Ten hours that do not wrap.", given([0] * 11 + [30000], usual))
    yield Case(
        "Everything in the first slot", "A sum that leaves out the first slot.", given([30000, *[0] * 11], usual, 0)
    )
    yield Case(
        "The largest days",
        "A sum or a product that leaves 32 bits; a cut of less than 7 bits.",
        given([32767] * 96, [32767] * 96, 95),
    )
    halves = [32767] * 48 + [0] * 48
    yield Case("The largest components", "A component beyond 16 bits without a cut.", given(halves, halves[::-1], 50))
    yield Case("The largest against the smallest", "A difference that leaves 32 bits.", given(halves, [1] * 96, 20))
    yield Case("The smallest components", "A shift that rounds toward 0.", given([1, 0, 0] * 4, [0, 1, 0] * 4, 3))
    yield Case(
        "The last six hours across midnight",
        "Six hours that end a slot early, or that do not wrap.",
        given([100] * 10 + [5000, 7000], [100] * 12, 1),
    )
    for latest in (0, 5, 11):
        yield Case(
            f"The last six hours, up to slot {latest}",
            "A newest slot that is left out.",
            given(list(range(0, 2400, 200)), [1000] * 12, latest),
        )
    yield Case("Three columns", "Values of another column.", given(turned(usual, 1), usual, 4, stride=3))
    for n in (16, 20, 24, 32, 36, 40, 48, 60, 64, 72, 80, 96):
        odd = [(i * 7919 + n * 31) % 3000 for i in range(n)]
        yield Case(
            f"{n} slots",
            "Ten hours, six hours or a third of a day that is rounded another way.",
            given(odd, rhythm(n, n / 3), n // 2),
        )
