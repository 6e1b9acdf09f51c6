"""downlink: a stream through a whole plan, and downlinks that put a level in force, or that are refused."""

from __future__ import annotations

from collections.abc import Iterator

from anomsdk.core.supervisor import Operation
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.export import laddered, set_level
from tests.support.stems.pipeline import RESET, tiny
from tests.support.stems.record import (
    HIT,
    MIDDLE,
    QUIET,
    SAVE,
    by_core,
    by_native,
    by_scalar,
    c_case,
    operate,
    push,
    restored,
    supervised,
    with_sections,
)

__all__ = ["by_core", "by_native", "by_scalar", "c_case"]
FRAGMENT = "record"

TAGS = ("0000", "ffff", "00ff", "ff00", "0001", "0100", "1900", "cdab", "abcd", "8000", "0080")
"""Plan tags, byte by byte."""


def tag_of(plan: Json) -> bytes:
    return bytes.fromhex(scalar.plan_id(plan))[:2]


def downlink(plan: Json, level_tag: int) -> list:
    """The step of a downlink for a plan; the level tag is any byte."""
    return ["downlink", bytes([level_tag, *tag_of(plan)]).hex()]


def others(plan: Json, level_tag: int = 1) -> list:
    """Steps of downlinks for other plans: either byte of the tag is another one, or the two are swapped."""
    first, second = tag_of(plan)
    assert first != second
    tags = ((first ^ 1, second), (first, second ^ 1), (first, second ^ 128), (second, first), (0, 0), (255, 255))
    return [["downlink", bytes([level_tag, *tag]).hex()] for tag in tags]


def orders(case: Json) -> list[tuple[str, Json]]:
    """Each downlink of a case in hexadecimal, and its level tag and the digits of its plan tag; None: it is none."""
    steps = zip(case["given"]["steps"], case["expect"], strict=True)
    return [(step[1], found[0]) for step, found in steps if step[0] == "downlink"]


def cases() -> Iterator[Case]:
    for name, guards, plan, steps in _cases():
        given: Given = {"plan": plan, "steps": steps}
        yield Case(name, guards, given)


def _cases() -> Iterator[tuple]:
    plan = laddered()
    yield (
        "A level is put in force",
        "A downlink that is another request than set_level; a rung that is counted from 0.",
        plan,
        [push(QUIET), *[step for tag in (1, 3, 2) for step in (downlink(plan, tag), push(MIDDLE, HIT, QUIET))], SAVE],
    )
    yield (
        "Back to the plan's own level",
        "A level tag of 0 that is refused, or that does nothing.",
        plan,
        [downlink(plan, 3), push(HIT, QUIET), downlink(plan, 0), push(HIT, QUIET), downlink(plan, 0), SAVE],
    )
    yield (
        "Before the first sample, and behind a reset",
        "An order that waits for a sample, or that outlives a reset.",
        plan,
        [downlink(plan, 2), RESET, push(QUIET, HIT), downlink(plan, 2), push(HIT)],
    )
    yield (
        "The promise ends",
        "A budget that goes on at a level that somebody has set.",
        plan,
        [
            push(QUIET, QUIET, QUIET, QUIET),
            operate(Operation.CALIBRATE),
            *(downlink(plan, 2), push(HIT, QUIET, HIT, QUIET), SAVE, operate(Operation.CALIBRATE)),
        ],
    )
    yield (
        "A downlink of another plan",
        "A tag that is not looked at, or only in part; its bytes swapped.",
        plan,
        [push(QUIET), *others(plan), push(MIDDLE), *others(plan, 0), SAVE],
    )
    yield (
        "Levels that the ladder does not have",
        "A level tag beyond the last rung, or one that wraps.",
        plan,
        [set_level(1), *[downlink(plan, tag) for tag in (4, 5, 24, 25, 127, 128, 252, 255)], push(MIDDLE), SAVE],
    )
    lengths = [["downlink", (bytes([1, *tag_of(plan)]) * 3)[:n].hex()] for n in range(9) if n != 3]
    yield (
        "Other lengths",
        "A downlink that was cut off, or the first three bytes of something else.",
        plan,
        [*lengths, downlink(plan, 1), push(MIDDLE), SAVE],
    )
    plain, alarmed = with_sections(tiny()), supervised()
    for words, of in (("an alarm, a health and a ladder section", plain), ("a ladder section", alarmed)):
        yield (
            f"A plan without {words}",
            "A level of a ladder that is not there.",
            of,
            [push(QUIET), downlink(of, 0), downlink(of, 1), *others(of), ["downlink", ""], push(HIT), SAVE],
        )
    yield (
        "Under the plan of a record",
        "An order for the plan before, which goes on.",
        laddered(raise_score=900),
        [
            restored(plan, push(QUIET), set_level(2)),
            downlink(plan, 1),
            downlink(laddered(raise_score=900), 1),
            push(MIDDLE),
            SAVE,
        ],
    )
    yield (
        "Plan tags of any kind",
        "A tag in the other byte order, or that is signed.",
        plan,
        [
            ["downlink", f"{level:02x}{tag}"]
            for level, tag in zip((0, 1, 24, 2, 3, 5, 8, 13, 21, 25, 255), TAGS, strict=True)
        ],
    )
