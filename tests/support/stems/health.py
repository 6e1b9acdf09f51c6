"""health: samples, gaps and what a device says to technical conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anomsdk.core.event import Condition
from anomsdk.core.health import N_CONDITIONS, Health, HealthPlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Address, Native, Symbol, core_plan

OPERATIONS = ("look", "gap", "missing", "samples_in", "clock", "report", "change", "reset", "run")
"""Steps, in the order of their codes in C; `run` goes on as if so many samples in a row had been equal, in every column."""
TOP = 2**32 - 1
CHANGE, RESET = ["change"], ["reset"]


def by_scalar(given: Given) -> list:
    def fresh() -> scalar.Health:
        return scalar.Health(given["plan"], given["columns"])

    health, found = fresh(), []
    for operation, *what in given["steps"]:
        result = 0
        if operation == "reset":
            health = fresh()
        elif operation == "run":
            health.run = what * given["columns"]
        elif operation == "report":
            health.put(what[0], what[1] == 1)
        elif operation == "samples_in":
            result = health.samples_in(*what)
        elif operation == "change":
            result = _said(health.change())
        else:
            getattr(health, operation)(*what)
        active = sum(1 << condition for condition in health.active)
        columns = [list(column) for column in zip(health.last, health.run, health.mean_q8, strict=True)]
        found.append([result, active, health.byte, int(health.voids), columns])
    return found


def _said(change: Any) -> int:
    """A change as one number: its code, and 256 where it is active now."""
    return 0 if change is None else int(change[0]) + 256 * int(change[1])


def by_core(given: Given) -> list:
    plan = core_plan(HealthPlan, given["plan"])
    plan.check(1, 1, given["columns"])
    health, found = Health(plan, given["columns"]), []
    for operation, *what in given["steps"]:
        result = 0
        if operation == "look":
            health.look(np.array(what[0], np.int64))
        elif operation == "run":
            health._run[...] = what[0]
        elif operation == "report":
            health.report(Condition(what[0]), what[1] == 1)
        elif operation == "samples_in":
            result = health.samples_in(*what)
        elif operation == "change":
            result = _said(health.change())
        else:
            getattr(health, operation)(*what)
        columns = np.stack([health._last, health._run, health._mean_q8], axis=1).tolist()
        found.append([result, health.active, health.byte, int(health.voids), columns])
    return found


def by_native(given: Given) -> list:
    native, found = Native(), []
    ffi, lib, columns = native.ffi, native.lib, given["columns"]
    size = ffi.sizeof("anom_health") + columns * ffi.sizeof("anom_health_column")
    memory = native.new("uint64_t[]", size // 8 + 1)
    health = ffi.cast("anom_health *", memory)
    lib.anom_health_init(health, native.struct("anom_health_plan", c_plan(given["plan"], columns)))
    at = ffi.cast("anom_health_column *", health + 1)
    for operation, *what in given["steps"]:
        if operation == "run":
            for c in range(columns):
                at[c].run = what[0]
        result = 0 if operation == "run" else _in_c(native, health, operation, what)
        numbers = [[at[c].last, at[c].run, at[c].mean_q8] for c in range(columns)]
        found.append([result, health.active, lib.anom_health_byte(health), lib.anom_health_voids(health), numbers])
    return found


def _in_c(native: Native, health: Any, operation: str, what: list) -> int:
    lib = native.lib
    if operation == "look":
        values = [value for row in what[0] for value in row]
        lib.anom_health_look(health, native.new("int16_t[]", values), len(what[0]))
    elif operation == "samples_in":
        return int(lib.anom_health_samples_in(health, *what))
    elif operation == "change":
        code = int(lib.anom_health_change(health))
        return code + 256 * (health.active >> code & 1) if code else 0
    else:
        getattr(lib, f"anom_health_{operation}")(health, *what)
    return 0


def c_plan(section: Json, columns: int) -> dict[str, Any]:
    """All of `anom_health_plan`."""
    return {**section, "type": Symbol("anom_health_functions"), "columns": columns}


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, *what), (result, active, byte, voids, columns) in zip(given["steps"], expect, strict=True):
        step: dict[str, Any] = {"operation": OPERATIONS.index(operation)}
        if operation == "look":
            step |= {"n": len(what[0]), "samples": [value for row in what[0] for value in row]}
        else:
            step |= dict(zip(("number", "argument"), what, strict=False))
        step |= {"result": result, "active": active, "byte": byte, "voids": voids}
        step["columns"] = [dict(zip(("last", "run", "mean_q8"), column, strict=True)) for column in columns]
        steps.append(step)
    plan = Address("anom_health_plan", c_plan(given["plan"], given["columns"]))
    return {"plan": plan, "columns": given["columns"], "n_steps": len(steps), "steps": steps}


LIMITS = {
    **{"block": 2, "stuck": 4, "flat_range": 1, "clip_low": -32768, "clip_high": 32767, "clip_share_q16": 1 << 15},
    **{"floor_range": 0, "step": 65535, "dead_axis": 4, "dead_axis_range": 10, "rest_q16": 1024},
    **{"gravity_low": 810000, "gravity_high": 1210000, "still_range": 4, "posture": 20, "mean_shift": 2},
    **{"lost_share_q16": 1 << 15, "missing_ms": 0, "rate_tolerance_q16": 0, "samples_per_ms_q20": 1 << 20},
    **{"warm_up": 0, "settle": 0, "not_worn_voids": 0},
}


def given_of(*steps: Json, columns: int = 1, on: dict[int, tuple[int, int]] | None = None, **limits: int) -> Given:
    """A list is the rows of a hop; a number in it is a row of one column.

    Parameters
    ----------
    on : condition -> bad blocks that raise it, good ones that clear it
    """
    blocks = {"raise_blocks": [0] * N_CONDITIONS, "clear_blocks": [0] * N_CONDITIONS}
    for condition, (bad, good) in (on or {}).items():
        blocks["raise_blocks"][condition - 1], blocks["clear_blocks"][condition - 1] = bad, good
    made = []
    for step in steps:
        is_rows = not isinstance(step[0], str)
        made.append(["look", [row if isinstance(row, list) else [row] for row in step]] if is_rows else list(step))
    return {"plan": {**LIMITS, **limits, **blocks}, "columns": columns, "steps": made}


QUIET, LOUD, SAME, NOISE = [3, -2], [900, -900], [5, 5], [40, -30]


def cases() -> Iterator[Case]:
    for name, guards, given in [*_of_values(), *_of_motion(), *_of_time(), *_of_the_device(), *_at_limits()]:
        yield Case(name, guards, given)


def _of_values() -> Iterator[tuple]:
    yield (
        "Stuck, and moving again",
        "A run that ends with its block; one that the first sample begins.",
        given_of([5, 5, 5, 5], [5, 5], CHANGE, [5, 9], [9, 8], [7, 6], [5, 6], CHANGE, on={1: (1, 2)}),
    )
    yield (
        "Stuck in one of two columns",
        "A stuck column that counts although another one moves.",
        given_of(
            [[1, 1], [1, 2], [1, 3]], [[1, 4], [1, 5]], [[1, 5], [1, 5]], [[1, 5], [1, 5]], columns=2, on={1: (1, 1)}
        ),
    )
    yield (
        "Stuck in the last of two columns",
        "A run of the last column that stands for all.",
        given_of([[1, 1], [2, 1], [3, 1]], [[4, 1], [5, 1]], [[6, 1], [7, 1]], columns=2, on={1: (1, 1)}),
    )
    yield (
        "Values at the ends of int16",
        "A lowest or a highest value that begins within them.",
        given_of(
            [32767] * 4,
            [32767] * 4,
            [-32768] * 4,
            [-32768] * 4,
            on={2: (1, 1), 5: (1, 1)},
            flat_range=1,
            floor_range=1,
            block=1,
        ),
    )
    yield (
        "Limits that are met",
        "A step that is found at its limit.",
        given_of(NOISE, [105, 105], NOISE, on={6: (1, 1)}, step=100, block=1),
    )
    yield (
        "A range of the limit is flat, one above it is not",
        "A flat line that is never found.",
        given_of([1, 2], [2, 1], [1, 3], [3, 1], [5, 3], [7, 7], [4, 5], on={2: (1, 1)}, flat_range=1, block=1),
    )
    yield (
        "A mean vector at the limits of gravity",
        "A limit of gravity, rest or posture that is missed by one.",
        given_of(
            *[[[0, 0, z]] for z in (900, 899, 900, 1100, 1101, 1100)],
            [[0, 0, 1000], [4, 0, 1000]],
            [[0, 0, 1000], [0, 0, 1126]],
            *[[[0, 0, z]] for z in (1000, 1020, 1046)],
            columns=3,
            on={8: (1, 1), 12: (1, 1)},
            block=1,
        ),
    )
    yield (
        "Rest at its limit",
        "A rest that ends at its limit, or beyond it.",
        given_of(
            [[0, 0, 448], [0, 0, 576]],
            [[0, 0, 448], [0, 0, 577]],
            [[0, 0, 2048], [0, 0, 2048]],
            [[0, 0, 448], [0, 0, 577]],
            columns=3,
            on={8: (1, 1)},
            rest_q16=4096,
            gravity_low=512 * 512,
            gravity_high=512 * 512,
            block=1,
        ),
    )
    yield (
        "A dead axis while the device moves by its limit",
        "A movement or a run that is missed by one.",
        given_of(
            [[0, 5], [10, 5], [0, 5], [10, 5], [0, 5]],
            [[0, 6], [9, 6], [0, 6], [9, 6], [0, 6], [9, 6]],
            [[0, 7], [10, 7], [0, 7]],
            columns=2,
            on={7: (1, 1)},
            dead_axis=4,
            block=1,
        ),
    )
    yield (
        "A turn rate is no acceleration",
        "A fourth column that counts as an axis of the mean vector, or as movement.",
        given_of(
            *[[[0, 0, 1000, 900], [0, 0, 1000, -900]], [[0, 0, 1000, 0], [0, 0, 1000, 700]]] * 2,
            [[0, 0, 800, 600], [0, 0, 800, 600]],
            columns=4,
            on={5: (1, 1), 6: (1, 1), 7: (1, 1), 8: (1, 1)},
            step=100,
            floor_range=5,
            dead_axis_range=0,
            block=1,
        ),
    )
    yield (
        "No dead axis",
        "A run of 0 that counts as 1.",
        given_of(NOISE, NOISE, NOISE, [7, 7], on={7: (1, 1)}, dead_axis=1, block=1),
    )
    yield (
        "Stuck in the midst of a block",
        "A condition that waits for the end of its block.",
        given_of(*[[7] * 9] * 3, [7, 1], on={1: (1, 1)}, stuck=20, block=4),
    )
    yield (
        "The longest run",
        "A run that wraps after 65535 samples.",
        given_of([5, 5], ("run", 65532), [5, 5], [5, 5], [5, 5], [4, 4], on={1: (1, 1)}, stuck=65535),
    )
    yield (
        "Levels that leave one value",
        "A value that counts twice, or not at all.",
        given_of([4, 6], [5, 4], [5, 5], [0, 9], on={4: (1, 1)}, clip_low=4, clip_high=6, clip_share_q16=1 << 16),
    )
    yield (
        "A flat line",
        "A flat line that is constant; a range over two blocks.",
        given_of([1, 2], [1, 2], [2, 2], [2, 2], [1, 2], [2, 1], [1, 3], [3, 1], on={2: (2, 1)}),
    )
    yield (
        "Repeated blocks",
        "A block that is compared with itself; constant blocks that count as repeated ones.",
        given_of(
            [1, 2],
            [3, 4],
            [1, 2],
            [3, 4],
            [1, 2],
            [4, 3],
            [0, 0],
            [0, 0],
            [0, 0],
            [0, 0],
            [0, 0],
            [0, 0],
            on={3: (1, 1)},
        ),
    )
    yield (
        "The check of a block",
        "A check that an exchange of values leaves as it is; values with their sign.",
        given_of([-1, 2], [2, -1], [-1, 2], [-1, 2], [-1, 2], [-1, 2], on={3: (1, 1)}, block=1),
    )
    yield (
        "Clipped",
        "A share that must be exceeded; values beside the levels.",
        given_of(
            [100, 5],
            [-100, 5],
            [99, -99],
            [0, 5],
            [101, -101],
            [-32768, 32767],
            [1, 2],
            [2, 1],
            on={4: (1, 1)},
            clip_low=-100,
            clip_high=100,
        ),
    )
    yield (
        "Two bad blocks in a row",
        "Blocks that count although they are not in a row.",
        given_of([100], [0], [100], [100], [0], [100], [0], [0], on={4: (2, 2)}, clip_low=-100, clip_high=100, block=1),
    )
    yield (
        "Below the noise floor",
        "A range that must be below the floor.",
        given_of([0, 3], [3, 0], [0, 4], [4, 0], [1, 1], [1, 1], on={5: (1, 1)}, floor_range=4),
    )
    yield (
        "A step",
        "A slow mean that follows at once; one that starts at 0; a mean that is rounded toward 0.",
        given_of(NOISE, NOISE, [-101, -100], [-100, -100], [40, 30], [10, 20], on={6: (1, 1)}, step=100, block=1),
    )
    yield (
        "The largest values",
        "A sum, a range or a mean in 16 bits.",
        given_of(
            [-32768, 32767],
            [32767, 32767],
            [-32768, -32768],
            [-32768, -32768],
            on={2: (1, 1), 4: (1, 1), 6: (1, 1)},
            mean_shift=0,
        ),
    )
    yield (
        "A reset",
        "A run, a mean, a check or a condition that survives.",
        given_of([5, 5, 5, 5], [5, 5, 5], RESET, [5, 5], [5, 5], CHANGE, on={1: (1, 1), 3: (1, 1)}, stuck=3),
    )


REST = [[0, 0, 1000], [1, 0, 1001]]
TILTED = [[1000, 0, 0], [1001, 0, 1]]
MOVES = [[300, -200, 900], [-300, 100, 1300]]


def _of_motion() -> Iterator[tuple]:
    yield (
        "A dead axis",
        "An axis that is dead while nobody moves; a verdict without movement.",
        given_of(
            *[[[0, 5, 1000], [0, 6, 1001]]] * 3,
            *[[[0, -90, 900], [0, 90, 1100]]] * 3,
            MOVES,
            MOVES,
            columns=3,
            on={7: (1, 1)},
        ),
    )
    yield (
        "Gravity at rest",
        "A verdict while the device moves; a limit of the vector, not of its square.",
        given_of(
            REST,
            REST,
            [[0, 0, 1300]] * 2,
            [[0, 0, 1301]] * 2,
            MOVES,
            MOVES,
            [[0, 0, 500]] * 2,
            [[2, 0, 500]] * 2,
            TILTED,
            TILTED,
            columns=3,
            on={8: (1, 1)},
        ),
    )
    yield (
        "Rest of a sensor of another scale",
        "Rest by counts instead of by the length of the vector.",
        given_of(
            [[0, 0, 8000], [200, 0, 8100]],
            [[0, 0, 8000], [300, 0, 8200]],
            [[0, 0, 8000], [1100, 0, 8000]],
            [[0, 0, 8000], [1300, 0, 8000]],
            columns=3,
            on={8: (1, 1)},
            block=1,
            rest_q16=1024,
        ),
    )
    yield (
        "Noise without gravity",
        "Rest by the length of the vector alone: a dead accelerometer that gives noise is never at rest then.",
        given_of(
            [[1, -1, 0], [-1, 1, 2]],
            [[2, -2, 2], [-2, 2, -2]],
            [[3, -2, 2], [-2, 2, -2]],
            CHANGE,
            REST,
            CHANGE,
            columns=3,
            on={8: (2, 1)},
            block=1,
        ),
    )
    yield (
        "Not worn, and taken up",
        "A posture that changes slowly; a slow mean that stays where the device was.",
        given_of(
            *[REST] * 6,
            MOVES,
            TILTED,
            TILTED,
            TILTED,
            [[900, 300, 0], [900, 300, 0]],
            CHANGE,
            columns=3,
            on={12: (2, 2)},
            block=1,
            not_worn_voids=1,
        ),
    )
    yield (
        "Six columns",
        "A rate of rotation that counts as an axis.",
        given_of(
            *[[[0, 0, 1000, 700, 0, 0], [0, 0, 1001, -700, 5, 5]]] * 3,
            columns=6,
            on={8: (1, 1), 12: (1, 1), 1: (1, 1)},
            block=1,
        ),
    )


def _of_time() -> Iterator[tuple]:
    yield (
        "Gaps",
        "A share that must be exceeded; hops without a gap that count as one.",
        given_of(
            QUIET,
            QUIET,
            QUIET,
            ("gap", 1),
            LOUD,
            LOUD,
            ("gap", 1),
            QUIET,
            ("gap", 2),
            CHANGE,
            QUIET,
            QUIET,
            on={9: (2, 2)},
        ),
    )
    yield (
        "A long gap",
        "A gap that is one block, whatever its length; a share in 32 bits.",
        given_of(
            QUIET, ("gap", 9), CHANGE, ("gap", 20), QUIET, QUIET, ("gap", TOP), ("gap", TOP), CHANGE, on={9: (7, 2)}
        ),
    )
    yield (
        "Few hops lost",
        "A gap below the share, and one that is met.",
        given_of(
            QUIET,
            QUIET,
            QUIET,
            ("gap", 1),
            CHANGE,
            QUIET,
            QUIET,
            ("gap", 1),
            ("gap", 1),
            CHANGE,
            on={9: (1, 1)},
            block=4,
        ),
    )
    yield (
        "Lost hops at their end",
        "A count of hops that wraps.",
        given_of(
            QUIET, ("gap", 1), ("gap", TOP), CHANGE, QUIET, ("gap", TOP), CHANGE, QUIET, QUIET, on={9: (9, 2)}, block=4
        ),
    )
    yield (
        "A block that is lost for the most part",
        "A verdict of too few samples.",
        given_of(
            [100],
            ("gap", 3),
            CHANGE,
            [100],
            [100],
            ("gap", 2),
            CHANGE,
            on={4: (1, 1), 9: (9, 9)},
            block=4,
            clip_low=-100,
            clip_high=100,
        ),
    )
    yield (
        "Missing",
        "Time that a hop does not end; a condition that waits for a block.",
        given_of(
            ("missing", 150),
            ("missing", 149),
            ("missing", 1),
            CHANGE,
            QUIET,
            CHANGE,
            ("missing", 299),
            ("missing", TOP),
            missing_ms=300,
        ),
    )
    yield (
        "Missing is off",
        "A limit of 0 that is reached.",
        given_of(("missing", TOP), CHANGE),
    )
    yield (
        "Samples of missing time",
        "Rounding that adds up; a product in 32 bits.",
        given_of(
            ("samples_in", 25),
            ("missing", 25),
            ("samples_in", 25),
            ("missing", 25),
            ("samples_in", 49),
            ("samples_in", 50),
            ("samples_in", TOP),
            samples_per_ms_q20=20972,
        ),
    )
    yield (
        "Samples of missing time at a high rate",
        "More samples than a gap may have.",
        given_of(
            ("samples_in", TOP), ("samples_in", 1), ("missing", TOP), ("samples_in", 5), samples_per_ms_q20=1 << 24
        ),
    )
    yield (
        "The last millisecond of missing months",
        "A count that loses its lowest bit when it goes back.",
        given_of(
            *(("missing", 2**31 - 2), ("missing", 3), ("samples_in", 1), ("missing", 1), ("samples_in", 1)),
            samples_per_ms_q20=1 << 19,
        ),
    )
    yield (
        "Time that is missing for months",
        "Time that stands still once 32 bits of milliseconds are full; a rounding that changes then.",
        given_of(
            ("missing", TOP),
            ("samples_in", 1000),
            ("missing", 1000),
            ("samples_in", TOP),
            ("missing", TOP),
            ("samples_in", 1001),
            ("missing", 1001),
            ("samples_in", 7),
            CHANGE,
            missing_ms=2**31 - 1,
            samples_per_ms_q20=20972,
        ),
    )
    yield (
        "Rate",
        "Readings that are too close to each other; a rate that is off by the tolerance itself.",
        given_of(
            ("clock", 1000, 5),
            ("clock", 60999, 9),
            ("clock", 61000, 61206),
            CHANGE,
            ("clock", 121000, 122406),
            CHANGE,
            ("clock", 181000, 182406),
            CHANGE,
            rate_tolerance_q16=1310,
        ),
    )
    yield (
        "A rate that is off by its tolerance",
        "A rate that is found wrong at its limit.",
        given_of(
            ("clock", 0, 0),
            ("clock", 60000, 30000),
            ("clock", 120000, 59999),
            samples_per_ms_q20=1 << 20,
            rate_tolerance_q16=1 << 15,
        ),
    )
    yield (
        "The longest gap",
        "A count of blocks that wraps.",
        given_of(("gap", 1), ("gap", TOP), ("gap", 1), on={9: (3, 1)}, block=1, lost_share_q16=1),
    )
    yield (
        "A clock that wraps",
        "A difference of clocks or samples beyond 32 bits.",
        given_of(
            ("clock", TOP - 9, TOP - 4),
            ("clock", 59990, 59995),
            CHANGE,
            ("clock", 59989, 1),
            CHANGE,
            rate_tolerance_q16=655,
        ),
    )
    yield (
        "Days between two readings of a clock",
        "Samples beyond 32 bits, although both counts are modulo 2**32; a wrong sign of the difference.",
        given_of(
            ("clock", 0, 7),
            ("clock", 345600000, (7 + 16 * 345600000) % 2**32),
            CHANGE,
            ("clock", 691200000, (7 + 32 * 345600000 + 140000000) % 2**32),
            CHANGE,
            ("clock", 1036800000, (7 + 48 * 345600000 + 40000000) % 2**32),
            CHANGE,
            ("clock", 1382400000, (7 + 64 * 345600000 + 40000000 - 55296001) % 2**32),
            ("clock", 1728000000, (7 + 80 * 345600000 + 40000000 - 2 * 55296001) % 2**32),
            samples_per_ms_q20=1 << 24,
            rate_tolerance_q16=1310,
        ),
    )
    yield (
        "A rate that is not checked",
        "A tolerance of 0 that every rate exceeds.",
        given_of(("clock", 0, 0), ("clock", 60000, 7), CHANGE),
    )


def _of_the_device() -> Iterator[tuple]:
    yield (
        "Warm-up",
        "A warm-up of a hop less or more; one that is reported when it begins.",
        given_of(CHANGE, QUIET, ("gap", 3), QUIET, QUIET, CHANGE, CHANGE, RESET, QUIET, warm_up=3),
    )
    yield (
        "Ticks after a fault",
        "A tick that is judged while windows hold samples of the fault; a settling that is reported when it begins.",
        given_of(
            *(
                QUIET,
                CHANGE,
                ("report", 14, 1),
                CHANGE,
                QUIET,
                CHANGE,
                ("report", 14, 0),
                CHANGE,
                CHANGE,
                QUIET,
                CHANGE,
            ),
            *(QUIET, CHANGE, QUIET, CHANGE),
            settle=3,
        ),
    )
    yield (
        "Self-test and supply",
        "A low supply that voids; a failed self-test that does not.",
        given_of(
            ("report", 15, 1),
            CHANGE,
            ("report", 14, 1),
            ("report", 15, 1),
            CHANGE,
            CHANGE,
            ("report", 14, 0),
            ("report", 15, 0),
            CHANGE,
            CHANGE,
            CHANGE,
        ),
    )
    yield (
        "Changes by their codes",
        "Changes in the order in which they came.",
        given_of(
            ("report", 15, 1),
            ("report", 14, 1),
            ("missing", 9),
            [100, 100],
            [100, 100, 100],
            CHANGE,
            CHANGE,
            CHANGE,
            CHANGE,
            CHANGE,
            CHANGE,
            on={1: (1, 1), 4: (1, 1)},
            clip_low=-100,
            clip_high=100,
            missing_ms=5,
        ),
    )
    yield (
        "A change that is taken back",
        "A condition that is reported although it is as it was.",
        given_of(("report", 15, 1), ("report", 15, 0), CHANGE, ("missing", 9), QUIET, CHANGE, missing_ms=5),
    )


def _at_limits() -> Iterator[tuple]:
    yield (
        "Blocks that share their check",
        "Another factor of the check; one that begins elsewhere than at 0.",
        given_of([0, 33], [1, 0], CHANGE, [7, 9], [8, 0], CHANGE, on={3: (1, 1)}, block=1),
    )
    yield (
        "Blocks of other lengths that share their check",
        "A check that begins elsewhere than at 0.",
        given_of([0, 5], [1], [5], [1], CHANGE, on={3: (1, 1)}),
    )
    yield (
        "Repeats of one count",
        "A range of 1 that is taken for a constant.",
        given_of([1, 2], [1, 2], CHANGE, on={3: (1, 1)}, block=1),
    )
    yield (
        "Not worn after three blocks",
        "A counter of another condition.",
        given_of(*[[[0, 0, 1000]]] * 4, CHANGE, columns=3, on={12: (3, 1)}, block=1),
    )
    yield (
        "A step of nothing",
        "A distance of 1 that is none, or the reverse.",
        given_of([5], CHANGE, [5], CHANGE, [4], CHANGE, on={6: (1, 1)}, step=0, block=1),
    )
    yield (
        "A mean vector that is 1 g exactly",
        "A square that is off by one.",
        given_of(
            [[0, 0, 100], [1, 0, 100]],
            CHANGE,
            columns=3,
            on={8: (1, 1)},
            gravity_low=10000,
            gravity_high=10000,
            block=1,
        ),
    )
    yield (
        "A step behind the axes",
        "Means of the axes alone, because another condition is off.",
        given_of([[0, 0, 0, 0]], [[0, 0, 0, 50]], CHANGE, columns=4, on={6: (1, 1)}, step=10, block=1),
    )
    yield (
        "Axes at rest beside a column that moves",
        "A mean vector of all columns.",
        given_of(
            [[0, 0, 500, 100], [1, 0, 500, 900]], CHANGE, columns=4, on={6: (1, 1), 8: (1, 1)}, step=65535, block=1
        ),
    )
    yield (
        "Rest at an eighth of the mean vector",
        "A range that is compared with another part of the mean vector.",
        given_of(
            *([[-75, 0, 1000], [75, 0, 1000]], CHANGE, [[-63, 0, 1000], [63, 0, 1000]], CHANGE),
            *([[-62, 0, 1000], [63, 0, 1000]], CHANGE),
            columns=3,
            on={8: (1, 1)},
            gravity_low=0,
            gravity_high=10,
            block=1,
        ),
    )
    yield (
        "No gap, and any share of gaps is bad",
        "A gap where no hop was lost.",
        given_of([1], CHANGE, on={9: (1, 1)}, lost_share_q16=0, block=1),
    )
    yield (
        "A share of the lost and the seen hops",
        "A share of another number of hops.",
        given_of([1], [2], [3], ("gap", 1), CHANGE, on={9: (1, 1)}, lost_share_q16=1 << 14, block=4),
    )
    yield (
        "A block with a third of its samples",
        "A verdict of too few samples.",
        given_of([50], ("gap", 2), CHANGE, on={4: (1, 1)}, clip_high=10, block=3),
    )
    yield (
        "Two blocks in one gap",
        "A gap of blocks that counts as one.",
        given_of([1], ("gap", 3), CHANGE, on={9: (2, 1)}),
    )
    yield (
        "Two blocks in one gap, and no more",
        "A gap that counts once more with the samples of its block.",
        given_of(*([[0, 0, 0], [900, 0, 0]], ("gap", 3), CHANGE), columns=3, on={8: (1, 1), 9: (3, 1)}),
    )
    yield (
        "A gap that is no fault ends one",
        "A good share of gaps that counts for nothing.",
        given_of(("gap", 3), CHANGE, [1], ("gap", 2), CHANGE, on={9: (1, 1)}, lost_share_q16=1 << 16, block=3),
    )
    yield "Missing after a millisecond", "A limit of 1 that is off.", given_of(("missing", 1), CHANGE, missing_ms=1)
    yield (
        "A clock that is half the range ahead",
        "A difference whose sign is taken for another one.",
        given_of(
            *(("clock", 0, 0), ("clock", 1 << 20, 2**32 - 2), CHANGE),
            rate_tolerance_q16=1 << 16,
            samples_per_ms_q20=2**31 - 1,
        ),
    )
    yield (
        "Too few samples by the tolerance and one",
        "A difference below 0 that is off by one.",
        given_of(
            *(("clock", 0, 0), ("clock", 60000, 29998), CHANGE),
            samples_per_ms_q20=1 << 20,
            rate_tolerance_q16=1 << 15,
        ),
    )
    yield (
        "One sample more than a clock expects",
        "A sample that is a deviation; the smallest tolerance that is off.",
        given_of(
            *(("clock", 0, 0), ("clock", 60000, 60001), CHANGE, ("clock", 120000, 120004), CHANGE),
            samples_per_ms_q20=1 << 20,
            rate_tolerance_q16=1,
        ),
    )
