"""rung: scores to changes of one alarm level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.rung import LevelPlan, Rung, TimingPlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.alert import FOUR, HIGH, HIT, LONGEST, LOW, MIDDLE, RESET, TOP, Setting, gap, pause
from tests.support.stems.sections import Native, c_timing, core_plan

OPERATIONS = ("tick", "gap", "reset", "pause")
STATE = ("in_alarm", "hits", "in_row", "calm", "cooldown")


def by_scalar(given: Given) -> list:
    """Each step by the alert of tests/scalar.py, whose only event says what changed."""
    timing = given["timing"] | {"cooldown": given["cooldown"]}
    rung, found = None, []
    for operation, *what in [RESET, *given["steps"]]:
        change = 0
        if operation == "tick":
            events = rung.tick(0, *what)
            high = sum(event[1] >> 6 for event in events)
            change = len(events) * (2 + high if rung.state == scalar.UNACK_ALARM else 1)
        elif operation in ("gap", "pause"):
            getattr(rung, operation)(*what)
        else:
            rung = scalar.Alert(timing, given["levels"], bytes(2))
        in_alarm = int(rung.state == scalar.UNACK_ALARM)
        found.append([change, in_alarm, *(getattr(rung, name) for name in STATE[1:])])
    return found[1:]


def by_core(given: Given) -> list:
    timing, levels = core_plan(TimingPlan, given["timing"]), core_plan(LevelPlan, given["levels"])
    timing.check()
    levels.check(timing)
    rung, found = Rung(timing, levels, given["cooldown"]), []
    for operation, *what in given["steps"]:
        change = 0
        if operation == "tick":
            change = int(rung.step(*what))
        else:
            {"gap": rung.gap, "pause": rung.pause, "reset": rung.reset}[operation](*what)
        found.append([change, *(int(getattr(rung, name)) for name in STATE)])
    return found


def by_native(given: Given) -> list:
    native, found = Native(), []
    rung, lib = native.struct("anom_rung", {}), native.lib
    timing = native.struct("anom_timing_plan", c_timing(given["timing"]))
    lib.anom_rung_init(rung, timing, native.struct("anom_level_plan", given["levels"]), given["cooldown"])
    for operation, *what in given["steps"]:
        run = getattr(lib, f"anom_rung_{'step' if operation == 'tick' else operation}")
        found.append([run(rung, *what) or 0, *(getattr(rung, name) for name in STATE)])
    return found


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, *what), (change, *state) in zip(given["steps"], expect, strict=True):
        step = {"operation": OPERATIONS.index(operation), "value": (what or [0])[0], "change": change}
        steps.append(step | dict(zip(STATE, state, strict=True)))
    return {
        "timing": c_timing(given["timing"]),
        "level": given["levels"],
        "cooldown": given["cooldown"],
        "n_steps": len(steps),
        "steps": steps,
    }


def given(setting: Setting, *steps: Json, cools: bool = True) -> Given:
    """Scores, and steps that are given as such; ``cools``: with the cooldown of the timing, not without any."""
    made = [["tick", step] if isinstance(step, int) else step for step in steps]
    cooldown = setting.timing["cooldown"] if cools else 0
    return {"timing": setting.timing, "levels": setting.levels, "cooldown": cooldown, "steps": made}


def cases() -> Iterator[Case]:
    scores = (1000, 999, 1200, 1100, 1100, 900, 799, 700, 1500, 1500, 1500, 1500, 1500, 4000, 100, 100, 5000, 100, 100)
    example = Setting(2, 3, 1, 1, 3, high=FOUR)
    yield Case("The worked example", "Any slip: it is in docs/spec.md.", given(example, *scores))
    yield Case(
        "The worked example without its cooldown",
        "A reference that is held back by the cooldown of the alert.",
        given(example, *scores, cools=False),
    )
    again = (HIT, LOW, HIT, LOW, HIT, HIGH)
    yield Case(
        "Alarms that follow each other",
        "A cooldown that starts although there is none.",
        given(Setting(1, 1, 0, 0, 3), *again, cools=False),
    )
    yield Case(
        "A cooldown of three ticks",
        "A cooldown that is one tick too short or too long.",
        given(Setting(1, 1, 0, 0, 3, high=FOUR), *again, LOW, HIT),
    )
    yield Case(
        "Every change",
        "A change of another code; a high score that is none where the votes would have raised, too.",
        given(Setting(1, 1, high=FOUR), LOW, HIT, MIDDLE, LOW, HIGH, HIGH, LOW),
    )
    yield Case(
        "Delays of two ticks",
        "A delay that is one tick too short or too long, or ticks that are not in a row.",
        given(Setting(1, 1, 2, 2), HIT, HIT, LOW, HIT, HIT, HIT, LOW, LOW, MIDDLE, LOW, LOW, LOW),
    )
    yield Case(
        "The longest delays, and the longest cooldown",
        "Counts that are compared as negative numbers.",
        given(Setting(1, 1, LONGEST, LONGEST, LONGEST, high=FOUR), HIT, HIT, HIGH, LOW, LOW, MIDDLE),
    )
    yield Case(
        "Sixteen of sixteen",
        "A register of fewer than 16 bits.",
        given(Setting(16, 16), *[HIT] * 15, LOW, *[HIT] * 16),
    )
    yield Case(
        "Gaps with and without an alarm",
        "An alarm that a gap ends; counts across a gap; a cooldown that stands.",
        given(Setting(1, 2, 0, 1, 5), HIT, LOW, gap(7), LOW, LOW, HIT, gap(2), HIT, gap(2**31 + 4094), HIT),
    )
    yield Case(
        "A reset in an alarm, and in a cooldown",
        "An alarm, a cooldown or hits that survive.",
        given(Setting(1, 2, 0, 0, 3), HIT, LOW, HIT, RESET, LOW, HIT, LOW, LOW, RESET, HIT),
    )
    yield Case(
        "A declared pause leaves what is counted in a row",
        "Hits, an on-delay or an off-delay that a pause takes back, or that count its ticks.",
        given(Setting(2, 3, 1, 1), HIT, pause(50), HIT, pause(1), HIT, LOW, pause(50), LOW, pause(0), LOW),
    )
    yield Case(
        "A cooldown runs on in a declared pause",
        "A cooldown that stands still in a pause, or that wraps.",
        given(Setting(1, 1, 0, 0, 5), HIT, LOW, pause(4), HIT, HIT, LOW, pause(6), HIT),
    )
    yield Case(
        "An alarm clears by time",
        "A time that is one tick too short or too long; scores between the levels that count as calm.",
        given(Setting(1, 1, 0, 9, clear_after=3), HIT, LOW, LOW, LOW, HIT, LOW, LOW, 800, LOW, 799, LOW),
    )
    yield Case(
        "The first of off-delay and time clears",
        "A time that replaces the off-delay.",
        given(Setting(1, 1, 0, 2, clear_after=9), HIT, LOW, LOW, LOW, HIT, LOW, pause(7), LOW, LOW),
    )
    yield Case(
        "A declared pause counts as calm behind a calm tick",
        "A pause that counts behind a score at the clear level; one that clears without a judged tick.",
        given(
            Setting(1, 1, 0, 99, clear_after=5), HIT, pause(50), LOW, pause(50), LOW, HIT, MIDDLE, pause(50), LOW, LOW
        ),
    )
    yield Case(
        "A gap is no calm",
        "Lost ticks that count as calm; a gap that takes back what was calm before it.",
        given(Setting(1, 1, 0, 99, clear_after=3), HIT, LOW, gap(50), LOW, gap(2**31), LOW, LOW),
    )
    yield Case(
        "A pause outside an alarm is no calm",
        "A calm from before the alarm.",
        given(Setting(1, 1, 0, 9, clear_after=2), LOW, pause(50), HIT, LOW, LOW, LOW, pause(50), HIT, LOW, HIT),
    )
    yield Case(
        "Calm at its end",
        "A count that wraps; one that is compared as a negative number.",
        given(
            Setting(1, 1, 0, LONGEST, clear_after=LONGEST), HIT, LOW, pause(LONGEST - 2), LOW, HIT, LOW, pause(TOP), LOW
        ),
    )
    yield Case(
        "A reset forgets what was calm",
        "A count that survives.",
        given(Setting(1, 1, 0, 9, clear_after=3), HIT, LOW, LOW, RESET, HIT, LOW, LOW, LOW),
    )
