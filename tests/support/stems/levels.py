"""levels: energies to levels, and the span of a frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anomsdk.core.levels import LimitsPlan, floored, limited
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native, core_plan, rows_of

FUNCTIONS = ("floored", "limited")
USUAL = {"floor_q10": -37418, "range_q10": 27213}


def by_scalar(given: Given) -> list:
    levels = scalar.Levels(given["limits"])
    if given["function"] == "limited":
        return [levels.limited(*row) for row in given["rows"]]
    return [levels.floored(scalar.Energy(*energy), offset) for energy, offset in given["rows"]]


def by_core(given: Given) -> list:
    plan = core_plan(LimitsPlan, given["limits"])
    plan.check()
    if given["function"] == "limited":
        return [limited(plan, rows_of(row)).tolist()[0] for row in given["rows"]]
    return [int(floored(plan, *rows_of(energy), np.int64(offset))) for energy, offset in given["rows"]]


def by_native(given: Given) -> list:
    native = Native()
    plan = native.struct("anom_limits_plan", given["limits"])
    return [_in_c(native, plan, given["function"], *row) for row in given["rows"]]


def _in_c(native: Native, plan: Any, function: str, values: Json, *offset: int) -> Json:
    if function == "floored":
        return native.lib.anom_levels_floored(plan, values, *offset)
    levels = native.new("int32_t[]", values)
    native.lib.anom_levels_limited(plan, levels, len(values))
    return list(levels)


def c_case(given: Given, expect: list) -> dict[str, Any]:
    rows = []
    for row, found in zip(given["rows"], expect, strict=True):
        if given["function"] == "limited":
            rows.append({"n": len(found), "levels": row[0], "expect": found})
        else:
            rows.append({"energy": row[0], "offset_q10": row[1], "expect": [found]})
    return {"plan": given["limits"], "n_rows": len(rows), "rows": rows}


def cases() -> Iterator[Case]:
    for name, guards, limits, rows in _floored():
        yield Case(name, guards, {"function": "floored", "limits": limits, "rows": rows})
    for name, guards, limits, frames in _limited():
        yield Case(name, guards, {"function": "limited", "limits": limits, "rows": [[frame] for frame in frames]})


def _floored() -> Iterator[tuple]:
    top, lowest = 2**31 - 1, -(2**20)
    yield (
        "Nothing is at the floor",
        "A logarithm of 0 that gets the offset: 0 is taken for 1.",
        USUAL,
        [[[0, 0], offset] for offset in (-78848, 0, 5000, 2**20)],
    )
    yield (
        "Energies around the floor",
        "A floor that is off by one, or that is added.",
        USUAL,
        [[[1, 0], offset] for offset in (-37420, -37419, -37418, -37417, -37416, 0)],
    )
    yield (
        "The offset is added to the logarithm",
        "An offset in another unit, or of the wrong sign.",
        USUAL,
        [[[78430355, 44], -78848], [[162034117, 44], -78848], [[142080044, 46], -78848], [[1000, 20], -20480]],
    )
    yield (
        "The lowest floor",
        "A floor of 16 bits.",
        {"floor_q10": lowest, "range_q10": 2**20},
        [[[0, 0], 0], [[1, 0], lowest], [[3, 0], lowest], [[top, 98], lowest]],
    )
    yield (
        "The loudest energy",
        "A level of 16 bits.",
        USUAL,
        [[[top, 98], 2**20], [[top, 98], -78848], [[top, 76], 0]],
    )
    yield (
        "A floor of 0",
        "A floor of 0 that is taken for none.",
        {"floor_q10": 0, "range_q10": 1},
        [
            [[5, 0], -3000],
            [[5, 0], -2377],
            [[5, 0], -2376],
            [[0, 0], 100],
        ],
    )


def _limited() -> Iterator[tuple]:
    near = {"floor_q10": -37418, "range_q10": 1000}
    yield "A single band", "A search for the largest that starts beyond the first.", near, [[-5000], [0], [7]]
    yield (
        "The largest is anywhere",
        "A largest level that is that of the first or the last band.",
        near,
        [[500, -2000, -3000], [-2000, 500, -3000], [-2000, -3000, 500]],
    )
    yield (
        "Levels around the range",
        "A range that is off by one.",
        near,
        [[0, -999, -1000, -1001, -1002]],
    )
    yield (
        "All levels below zero",
        "A largest level that starts from 0.",
        near,
        [[-5000, -5500, -6000, -6001, -9000], [-37418, -37418], [-36000, -37418]],
    )
    yield "The smallest range", "A range of 0 or 1 that is taken for none.", USUAL | {"range_q10": 1}, [[5, 4, 3, 5]]
    yield (
        "The largest range",
        "A difference of 16 bits.",
        {"floor_q10": -(2**20), "range_q10": 2**20},
        [[133120, -(2**20), -915456, -915457], [-(2**20), 0]],
    )
