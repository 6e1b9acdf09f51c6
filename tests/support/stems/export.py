"""export: a stream through a whole plan with a ladder: requests, level events, records and exports."""

from __future__ import annotations

from collections.abc import Iterator

from anomsdk.core.supervisor import Operation
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems import health as health_stem
from tests.support.stems.ladder import ALARMS, DAYS, plan_of, promise_of
from tests.support.stems.pipeline import RESET, encoded, rows_plan, rows_that_jump, tiny
from tests.support.stems.record import (
    CLIPPED,
    DUTY,
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
    saved,
    sealed,
    with_sections,
)

__all__ = ["by_core", "by_native", "by_scalar", "c_case"]
FRAGMENT = "record"

SCORES = (400, 1600, 1849)
"""Rungs: of the rows, only a hit reaches the highest, the middle one two, a little one the lowest."""
LITTLE = [612, 120]
NEEDS = [2, 3, 4, 5, *range(7, 19)]
WATCHED = health_stem.given_of(on={4: (1, 1)}, block=1, clip_low=-32768, clip_high=32767)
AT = {"in_alarm": 132, "today": 136, "ticks": 140, "elapsed": 144, "evidence": 148, "late": 152, "boot": 156}
AT |= {"tag": 158, "promise": 159, "lowest": 160, "zero": 161, "news": 162, "argument": 163}
"""Number of a ladder -> its place in a record."""
COUNTS, STATES, QUIET_DAYS = 164, 200, 212
DEVICE = 0x0807060504030201


def laddered(
    plan: Json | None = None,
    *,
    unit: int = DAYS,
    gap: int = 2,
    day: int = 2,
    rest: int = 0,
    broken: int = 100000,
    **sections: Json,
) -> Json:
    """A plan with three rungs and a promise whose evidence is soon enough; `timing` and `raise_score` as in records."""
    ladder = plan_of(*SCORES, day=day, rest=rest, gap=gap)
    promises = [promise_of(unit, NEEDS) | {"broken_q16": broken}, promise_of(ALARMS, [3, 6, *range(7, 21)])]
    sections["ladder"] = encoded(ladder, raise_scores="<u4")
    sections["promises"] = [encoded(promise, needs="<u4") for promise in promises]
    return with_sections(plan or tiny(), **sections)


def calibrate(promise: int = 0) -> list:
    return operate(Operation.CALIBRATE, promise)


def set_level(tag: int) -> list:
    return operate(Operation.SET_LEVEL, tag)


def export(since: str | None = None, device: int = DEVICE, boot: int = 0x0201) -> list:
    return ["export", device, boot, since]


def exported(plan: Json, *steps: Json) -> str:
    """The export after these steps."""
    return by_scalar({"plan": plan, "steps": [*steps, export()]})[-1]


def closed(export: str, at: int, *values: int) -> str:
    """An export with other bytes, and the CRC that fits them."""
    data = bytearray.fromhex(export)
    data[at : at + len(values)] = bytes(values)
    return bytes(data[:-4]).hex() + scalar.crc32(bytes(data[:-4])).to_bytes(4, "little").hex()


def cases() -> Iterator[Case]:
    for name, guards, plan, steps in [*_levels(), *_services(), *_records(), *_refused(), *_exports()]:
        given: Given = {"plan": plan, "steps": steps}
        yield Case(name, guards, given)


def _levels() -> Iterator[tuple]:
    yield (
        "From the plan's own level to a certified one, and to one that is set",
        "A level that the plan alone decides; news before the restart; a score that is none of the level.",
        laddered(),
        [
            *(calibrate(), push(LITTLE, QUIET, QUIET, QUIET), calibrate(), push(LITTLE, MIDDLE, QUIET), SAVE),
            *(set_level(3), push(MIDDLE, HIT, QUIET), set_level(0), push(LITTLE, QUIET), set_level(3), RESET),
            push(LITTLE),
        ],
    )
    yield (
        "A baseline beneath the ladder",
        "Rungs that see the score of the model; a baseline that the level in force freezes.",
        laddered(rows_plan(), day=4),
        [push(*rows_that_jump(34)), set_level(2), push(*rows_that_jump(34)), SAVE],
    )


def _services() -> Iterator[tuple]:
    out, back = operate(Operation.OUT_OF_SERVICE, 1), operate(Operation.OUT_OF_SERVICE, 0)
    yield (
        "Out of service is no service",
        "A tick that is counted; a rung whose alarm goes on; an input that changes nothing and ends alarms.",
        laddered(day=3),
        [push(HIT), back, SAVE, out, push(HIT, HIT, HIT), SAVE, back, push(HIT, HIT), SAVE],
    )
    yield (
        "Gaps are no service, declared pauses neither",
        "Lost ticks that count; a pause that ends an alarm of a rung at once, or never.",
        laddered(timing={"m": 2, "n": 2, "off_delay": 9, "clear_after": 12}, duty=DUTY),
        [push(HIT, HIT, QUIET), ["gap", 16], SAVE, push(QUIET, HIT), ["gap", 1000], push(HIT, HIT), SAVE],
    )
    watched = {"health": encoded(WATCHED["plan"], raise_blocks="<u2", clear_blocks="<u2")}
    yield (
        "Void ticks are no service, and no pause counts while they last",
        "A tick of a fault that is counted; a fault that ends a day; a pause of the rungs that the alarm does not have.",
        laddered(timing={"off_delay": 99, "clear_after": 12}, duty=DUTY, **watched),
        [push(HIT, HIT, QUIET, CLIPPED, CLIPPED), calibrate(), ["gap", 16], SAVE, push(QUIET), SAVE],
    )


def _records() -> Iterator[tuple]:
    plan = laddered(timing={"m": 1, "n": 2, "off_delay": 1}, rest=32768)
    before = [push(QUIET, QUIET, QUIET, QUIET, QUIET), calibrate(), push(LITTLE, HIT)]
    out = [push(LITTLE), operate(Operation.OUT_OF_SERVICE, 1), push(HIT)]
    yield (
        "A ladder goes on, in service and out of it",
        "A count, a level, a promise or a day that a record forgets; a rung in alarm that comes back in service.",
        plan,
        [
            *(*before, SAVE, RESET, restored(plan, *before), SAVE, push(QUIET, LITTLE, QUIET, QUIET), SAVE),
            *(restored(plan, *out), push(HIT, HIT), operate(Operation.OUT_OF_SERVICE, 0), push(HIT), SAVE),
        ],
    )
    yield (
        "Under a plan with another own level",
        "A level that the new plan overrides; a promise that goes on; hits of another plan.",
        with_sections(plan, raise_score=1000),
        [restored(plan, *before), SAVE, push(LITTLE, QUIET, QUIET), calibrate(), set_level(0), push(LITTLE, MIDDLE)],
    )
    waits = [push(*[QUIET] * 6), calibrate(1), push(LITTLE, QUIET)]
    both = laddered()
    yield (
        "Under a plan with fewer promises",
        "A record that is refused as its promise is none of the new plan; a promise that goes on.",
        with_sections(both, promises=both["promises"][:1]),
        [restored(both, *waits), SAVE, push(LITTLE, QUIET, LITTLE, QUIET), calibrate(), export()],
    )
    told = [push(QUIET, QUIET, QUIET, QUIET), calibrate(), push(LITTLE, QUIET, LITTLE, QUIET)]
    often = laddered(unit=ALARMS, broken=60000)
    yield (
        "News that wait survive",
        "A broken promise that nobody hears of.",
        often,
        [*told, SAVE, restored(often, *told), push(QUIET), restored(often, *told, push(QUIET)), push(QUIET)],
    )
    full = saved(plan, *before)
    yield (
        "Numbers of a ladder at their end",
        "A number that is signed, or in the byte order of the processor; a byte that must be 0.",
        plan,
        [
            *(sealed(full, AT["ticks"], *[255] * 4), push(QUIET), SAVE),
            *(sealed(full, AT["evidence"], 0, 0, 0, 0xC0, 0, 0, 0xFF, 0xFF), push(QUIET, QUIET, QUIET), SAVE),
            *(sealed(full, AT["zero"], 200), SAVE, sealed(full, AT["news"], 0, 9), SAVE),
            *(sealed(full, COUNTS, *[255] * 36), push(HIT, QUIET, QUIET), calibrate(), SAVE),
        ],
    )


def _refused() -> Iterator[tuple]:
    plan = laddered(timing={"m": 1, "n": 2}, rest=32768)
    whole = saved(plan, push(QUIET, LITTLE, QUIET, QUIET))
    tagged = by_scalar({"plan": plan, "steps": [["restore", whole], set_level(3), SAVE]})[-1]
    yield (
        "A record without a ladder, or of a level above the highest rung",
        "A record of another length that is taken; a level tag that leads out of the table.",
        plan,
        [
            *(push(HIT), restored(with_sections(tiny(), timing={"m": 1, "n": 2}), push(HIT))),
            *(["restore", whole[:-8]], ["restore", whole[:264] + whole[-8:]], sealed(whole, 4, 136), push(HIT), SAVE),
            *(
                ["restore", tagged],
                sealed(tagged, 16, 4),
                _both_tags(tagged, 4),
                _both_tags(tagged, 3),
                push(MIDDLE),
                push(HIT),
            ),
        ],
    )
    yield (
        "A record with a ladder for a plan without one",
        "A record of which the end is not looked at.",
        tiny(),
        [["restore", whole], push(HIT), SAVE],
    )
    outside = [
        *(sealed(whole, AT["in_alarm"], 8), sealed(whole, AT["in_alarm"] + 3, 128), sealed(whole, AT["today"], 8)),
        *(sealed(whole, AT["elapsed"], 2, 0, 0, 0, 0, 0, 0, 0, 0, 128), sealed(whole, AT["evidence"], 1, 0, 0, 0x40)),
        *(sealed(whole, AT["evidence"], 255, 255, 255, 0xBF), sealed(whole, AT["tag"], 1), sealed(whole, 16, 1)),
        *(sealed(whole, AT["promise"], 3), sealed(whole, AT["lowest"], 3), sealed(whole, AT["news"], 6)),
        *(sealed(whole, STATES + 2, 4), sealed(whole, STATES + 11, 1), sealed(whole, QUIET_DAYS + 2, 3)),
    ]
    yield (
        "Numbers of a ladder out of range",
        "A number that no ladder writes, and that leads out of a table or a register.",
        plan,
        [*outside, SAVE],
    )


def _both_tags(record: str, tag: int) -> list:
    _, changed = sealed(record, 16, tag)
    return sealed(changed, AT["tag"], tag)


def _exports() -> Iterator[tuple]:
    plan = laddered()
    some, more = [push(QUIET, LITTLE, QUIET)], [push(HIT, QUIET, MIDDLE, LITTLE, QUIET)]
    empty, first = exported(plan), exported(plan, *some)
    yield (
        "Exports of all, and of what came after one",
        "Counts that reading clears; a period that begins a tick off; a boot that changes, or that survives a reset.",
        plan,
        [
            *(export(), *some, export(empty), export(first), *more, export(boot=9), export(first)),
            *(set_level(2), export(first), SAVE, RESET, export(boot=8), export(boot=10)),
            *(restored(plan, *some, export(boot=0xFFFF)), export(boot=9)),
        ],
    )
    difference = by_scalar({"plan": plan, "steps": [*some, *more, export(first)]})[-1]
    later = exported(plan, *some, *more, *more)
    crowded = sealed(saved(plan, *some), COUNTS, *[255] * 12)
    yield (
        "Exports that are none of this ladder, or that count more",
        "A torn export, a difference, or one of another device, life, score or length that is taken; less than nothing; a full count.",
        plan,
        [
            *(*some, *more),
            *(export(since) for since in ("", first[:-2], first + "00", first[:60] + "00" + first[62:], difference)),
            *(export(closed(first, at, value)) for at, value in ((0, 0), (2, 2), (3, 4), (4, 1), (6, 9), (8, 0))),
            *(export(closed(first, 15, 9)), export(closed(first, 16, 9)), export(closed(first, 28, 1))),
            *(export(later), export(first, device=1), export(first)),
            *(export(closed(first, at, 255)) for at in (32, 36, 40, 44, 46, 48, 50, 52, 56, 75)),
            *(export(closed(first, at, 255)) for at in (39, 24, 26, 27)),
            *(crowded, push(QUIET), export(exported(plan, crowded))),
        ],
    )
    yield (
        "Exports over a plan with another own level",
        "A plan tag that must be the same; one that is that of the earlier export.",
        with_sections(plan, raise_score=900),
        [restored(plan, *some, export()), *more, export(first), export()],
    )
    yield (
        "An export of a promise that runs",
        "A level tag, a promise or a plan tag in another place.",
        laddered(gap=0),
        [push(*[QUIET] * 4), calibrate(), export(device=0, boot=1), export(device=2**64 - 1, boot=65535)],
    )
