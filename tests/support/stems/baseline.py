"""baseline: raw scores to scores above a level that follows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.baseline import Baseline, BaselinePlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native, core_plan

OPERATIONS = ("tick", "reset")
RESET = ["reset"]
TOP = 2**32 - 1


def by_scalar(given: Given) -> list:
    baseline, found = None, []
    for operation, *what in [RESET, *given["steps"]]:
        above = 0
        if operation == "reset":
            baseline = scalar.Baseline(given["baseline"])
        else:
            above = baseline.above(what[0])
            baseline.follow(what[0], bool(what[1]))
        found.append([above, baseline.level_q16, baseline.frozen])
    return found[1:]


def by_core(given: Given) -> list:
    plan = core_plan(BaselinePlan, given["baseline"])
    plan.check()
    baseline = Baseline(plan)
    return [[_in_core(baseline, *step), baseline.level_q16, baseline._frozen] for step in given["steps"]]


def _in_core(baseline: Baseline, operation: str, raw: int = 0, alarm: int = 0) -> int:
    if operation == "reset":
        baseline.reset()
        return 0
    above = baseline.above(raw)
    baseline.follow(raw, bool(alarm))
    return above


def by_native(given: Given) -> list:
    native = Native()
    baseline = native.struct("anom_baseline", {})
    native.lib.anom_baseline_init(baseline, native.struct("anom_baseline_plan", c_fields(given)))
    return [[_in_c(native.lib, baseline, *step), baseline.level_q16, baseline.frozen] for step in given["steps"]]


def _in_c(lib: Any, baseline: Any, operation: str, raw: int = 0, alarm: int = 0) -> int:
    if operation == "reset":
        lib.anom_baseline_reset(baseline)
        return 0
    above = lib.anom_baseline_above(baseline, raw)
    lib.anom_baseline_follow(baseline, raw, alarm)
    return above


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, *what), (above, level_q16, frozen) in zip(given["steps"], expect, strict=True):
        raw, alarm = what or (0, 0)
        step = {"operation": OPERATIONS.index(operation), "raw": raw, "alarm": alarm}
        steps.append(step | {"above": above, "level_q16": level_q16, "frozen": frozen})
    return {"plan": c_fields(given), "n_steps": len(steps), "steps": steps}


def c_fields(given: Given) -> dict[str, Any]:
    """A baseline as the stage reads it; who keeps the reference rung tells it of alarms."""
    return {name: value for name, value in given["baseline"].items() if name != "reference_score"}


def ticks(*raws: int, alarm: int = 0) -> list:
    return [["tick", raw, alarm] for raw in raws]


def given(start: int, rates: tuple[int, int], limit_q16: int, hold: int, steps: Json) -> Given:
    baseline = {"start": start, "rise_q16": rates[0], "fall_q16": rates[1], "limit_q16": limit_q16, "hold": hold}
    if rates[0]:
        baseline["reference_score"] = 2000
    return {"baseline": baseline, "steps": steps}


def cases() -> Iterator[Case]:
    example = (1000, (6554, 52429), 3276800)
    raws = (1000, 1003, 1400, 9000, 9000, 9000, 9000, 9000, 1200, 700, TOP, 9000, 700, 0)
    alarms = (0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0)
    steps = [["tick", raw, alarm] for raw, alarm in zip(raws, alarms, strict=True)]
    yield Case("The worked example", "Any slip: it is in docs/spec.md.", given(*example, 2, steps))
    yield Case(
        "Off",
        "A level that moves although it is off.",
        given(0, (0, 0), 0, 0, [*ticks(0, 5, TOP, 7), *ticks(TOP, 3, alarm=1), *ticks(9)]),
    )
    yield Case(
        "The score is what is above the level before it moves",
        "A level that moves first.",
        given(100, (65536, 65536), 2**48, 0, ticks(150, 150, 50, 150, 100)),
    )
    yield Case(
        "Below the level there is no score",
        "A difference that wraps to a huge score.",
        given(1000, (1, 1), 1, 0, ticks(999, 1000, 1001, 0)),
    )
    yield Case(
        "The level keeps a fraction",
        "A level that is rounded to whole scores: small steps would never move it.",
        given(0, (1, 1), 2**48, 0, ticks(*[1000] * 8, 0, 0)),
    )
    yield Case(
        "A fall is computed from whole scores",
        "A distance that is taken in q16, or a product that truncates.",
        given(10, (100, 40000), 2**48, 0, ticks(11, 12, 9, 8, 3, 0, 0, 0)),
    )
    yield Case(
        "A limited rise",
        "A limit that is off by one, or that limits the distance.",
        given(0, (65536, 65536), 10 << 16, 0, ticks(9, 19, 30, 5000, 50)),
    )
    yield Case(
        "A fall is not limited", "A limit in both directions.", given(TOP, (1, 65536), 1, 0, ticks(TOP, 0, 0, 1))
    )
    yield Case(
        "Rises to the largest score and falls to 0",
        "Products of 32 bits; a level of fewer than 48.",
        given(0, (65536, 65536), 2**48, 0, ticks(TOP, TOP, 0, 0, TOP)),
    )
    yield Case(
        "Rises and falls by nearly all of it",
        "A level above the score, or below 0.",
        given(0, (65535, 65535), 2**48, 0, ticks(TOP, TOP, 0, 0, 1, 0)),
    )
    yield Case(
        "A start at the largest score",
        "A start that is shifted in 32 bits.",
        given(TOP, (557, 2199), 559241, 0, ticks(TOP, 1, TOP)),
    )
    yield Case(
        "A score at the level",
        "A rise, or a rounding, where there is no distance.",
        given(77, (30000, 30000), 2**48, 0, [*ticks(77, 78), *ticks(77, 77)]),
    )
    alarm = ticks(*[5000] * 6, alarm=1)
    yield Case(
        "An alarm without a hold freezes for good",
        "A hold of 0 that is taken for no ticks.",
        given(*example, 0, [*ticks(1100), *alarm, *ticks(5000)]),
    )
    yield Case(
        "A hold of 1",
        "A tick that raises and does not count.",
        given(*example, 1, [*ticks(1100), *alarm, *ticks(5000, 900)]),
    )
    yield Case(
        "A hold of 3",
        "A count that goes on, or starts again, at the hold.",
        given(*example, 3, [*ticks(1100), *alarm, *ticks(5000)]),
    )
    yield Case(
        "A second alarm is held as long as the first",
        "A count that an alarm's end does not take back.",
        given(*example, 2, [*alarm[:2], *ticks(5000), *alarm[:3], *ticks(0), *alarm[:1]]),
    )
    yield Case(
        "The longest hold",
        "A count that is compared in fewer than 32 bits.",
        given(*example, 2**31 - 1, [*alarm, *ticks(5000)]),
    )
    yield Case(
        "The level falls in an alarm that is past its hold",
        "A level that only rises then.",
        given(*example, 1, [*alarm[:2], *ticks(100, 200, alarm=1)]),
    )
    yield Case(
        "A reset",
        "A level, or a count, that survives.",
        given(*example, 2, [*ticks(9000, 9000), *alarm[:2], RESET, *ticks(9000), *alarm[:3], RESET]),
    )
