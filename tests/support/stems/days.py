"""days: rows of a diary, and what happens between them, to frames of features."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from anomsdk.core.days import Days, DaysPlan, largest_levels, takes_state
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native, c_extractor, core_plan, rows_of

OPERATIONS = ("row", "restart", "gap", "reset", "alarm", "save", "restore", "learn")
MISSING = -32768


def by_scalar(given: Given) -> list:
    days = scalar.Days(given["extractor"])
    return [_in_scalars(days, *step) for step in given["steps"]]


def _in_scalars(days: scalar.Days, operation: str, *what: Json) -> Json:
    if operation == "row":
        return [int(days.is_ready), *(days.hop([what[0]]) or [])]
    if operation == "learn":
        assert all(days.hop([[value]]) is None for value in what[0])
    elif operation == "alarm":
        days.alarm = what[0] == 1
    elif operation == "save":
        return [*days.save()]
    elif operation == "restore":
        days.reset()
        taken = days.takes(bytes(what[0]))
        if taken:
            days.restore(bytes(what[0]))
        return [int(taken)]
    else:
        {"gap": days.lose, "restart": days.gap, "reset": days.reset}[operation](*what)
    return []


def by_core(given: Given) -> list:
    plan = core_plan(DaysPlan, given["extractor"])
    plan.check()
    days = Days(plan)
    return [_in_core(days, plan, *step) for step in given["steps"]]


def _in_core(days: Days, plan: DaysPlan, operation: str, *what: Json) -> Json:
    if operation == "row":
        ready = int(days.is_ready)
        features, _ = days.push(rows_of(what[0]).reshape(1, 1, plan.columns))
        return [ready, *features.ravel().tolist()]
    if operation == "learn":
        assert not any(days.push(rows_of([[[value]]]))[1].tolist() for value in what[0])
    elif operation == "alarm":
        days.follow(alarm=what[0] == 1)
    elif operation == "save":
        return [*days.save()]
    elif operation == "restore":
        days.reset()
        taken = takes_state(plan, bytes(what[0]))
        if taken:
            days.restore(bytes(what[0]))
        return [int(taken)]
    else:
        getattr(days, operation)(*what)
    return []


def by_native(given: Given) -> list:
    native = Native()
    plan = native.struct("anom_extractor_plan", c_extractor(given["extractor"]))
    state, scratch = (
        native.new("uint64_t[]", size(plan.tables) // 8 + 1)
        for size in (plan.type.state_bytes, plan.type.scratch_bytes)
    )
    extractor = native.struct("anom_extractor", {})
    native.lib.anom_extractor_init(extractor, plan, state, scratch)
    native.lib.anom_extractor_reset(extractor)
    n_saved = state_bytes(given["extractor"])
    return [_in_c(native, extractor, n_saved, *step) for step in given["steps"]]


def _in_c(native: Native, extractor: Any, n_saved: int, operation: str, *what: Json) -> Json:
    lib, learning = native.lib, extractor.plan.learning
    if operation == "row":
        features = native.new("int8_t[]", extractor.plan.n_features)
        ready = learning.is_ready(extractor)
        complete = lib.anom_extractor_push(extractor, native.new("int16_t[]", what[0]), features)
        return [ready, *(features if complete else [])]
    if operation == "learn":
        features = native.new("int8_t[]", extractor.plan.n_features)
        assert not any(lib.anom_extractor_push(extractor, native.new("int16_t[]", [x]), features) for x in what[0])
    elif operation == "alarm":
        lib.anom_extractor_follow(extractor, what[0])
    elif operation == "save":
        data = native.new("uint8_t[]", n_saved)
        lib.anom_extractor_save(extractor, data)
        return list(data)
    elif operation == "restore":
        lib.anom_extractor_reset(extractor)
        taken = lib.anom_extractor_restore(extractor, native.new("uint8_t[]", what[0]))
        if not taken:
            lib.anom_extractor_reset(extractor)
        return [taken]
    else:
        getattr(lib, f"anom_extractor_{operation}")(extractor, *what)
    return []


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, *what), found in zip(given["steps"], expect, strict=True):
        step: dict[str, Any] = {"operation": OPERATIONS.index(operation)}
        if operation in ("gap", "alarm"):
            step["number"] = what[0]
        elif operation == "learn":
            step |= {"number": len(what[0]), "row": what[0]}
        elif operation == "row":
            step |= {"row": what[0], "number": found[0], "features": found[1:] or None}
        elif operation == "save":
            step["bytes"] = found
        elif operation == "restore":
            step |= {"number": found[0], "bytes": what[0]}
        steps.append(step)
    n = state_bytes(given["extractor"])
    return {"plan": c_extractor(given["extractor"]), "n_bytes": n, "n_steps": len(steps), "steps": steps}


# Sections and steps


def state_bytes(section: Json) -> int:
    """Bytes of a saved state, as docs/spec.md counts them."""
    slots, columns = section["profile"]["slots"], section["profile"]["columns"]
    return 2 * (3 + 11 + columns * (1 + 14 + 4 * slots)) + 4 + slots


def section(
    columns: int = 1,
    judged: tuple[int, ...] = (0,),
    shift: tuple[int, ...] = (0,),
    slots: int = 12,
    mature: int = 2,
    hold: int = 5,
    most_missing: int = 3,
    off_body: int = 0,
) -> Json:
    """A section whose features tell small values to the last bit, and all by their sign."""
    n = (slots + 1) * len(judged) + 18
    largest = largest_levels(slots, len(judged)).tolist()
    return {
        "kind": "days",
        "columns": columns,
        "judged": list(judged),
        "shift": list(shift),
        "cos_q14": [round(16384 * math.cos(2 * math.pi * i / slots)) for i in range(slots)],
        "profile": {"slots": slots, "columns": len(judged), "mature": mature, "hold": hold},
        "most_missing": most_missing,
        "off_body": off_body,
        "normalisation": {
            "gain": [(127 << 16) // reach for reach in largest],
            "bias": [1 << 15] * n,
            "shift": [16] * n,
            "low": -127,
            "high": 127,
        },
    }


def rows(values: list[int], *, others: tuple[int, ...] = ()) -> list[Json]:
    return [["row", [value, *others]] for value in values]


def learn(values: list[int]) -> Json:
    """Rows of one column, none of which gives a frame."""
    return ["learn", values]


def day(size: int = 1000, late: int = 0, slots: int = 12) -> list[int]:
    """A day of a plain rhythm, a little different from slot to slot."""
    return [
        round(size * (1 + 0.8 * math.cos(2 * math.pi * (i - late) / slots))) + 13 * (i * 7 % 5) for i in range(slots)
    ]


def given(days: Json, *steps: Json) -> Given:
    return {"extractor": days, "steps": [*steps]}


SAVE = ["save"]


def cases() -> Iterator[Case]:
    plain = section()
    yield Case(
        "A change after two days",
        "A row that is learnt at once; a frame before the profile is mature, or a day later.",
        given(plain, learn(day() * 2), *rows(day(700)), SAVE),
    )
    yield Case(
        "Trends of ten days",
        "A slope whose newest day counts last; three days that are two.",
        given(
            section(mature=9), learn([x for i in range(9) for x in day(1000 - 60 * i)]), *rows(day(460)), SAVE
        ),
    )  # fmt: skip
    yield Case(
        "Two of three columns, in another order",
        "A column of the row that is taken for one of the profile; a shift of another column.",
        given(
            section(columns=3, judged=(2, 0), shift=(1, 3)),
            *[["row", [x // 8, -5, 3 * x // 2]] for x in day() * 2 + day(1500)],
            *[["row", [32767, 0, -1]], ["row", [0, 0, 32767]], ["row", [5000, 1, 17000]]],
            SAVE,
        ),
    )
    missing = day()
    missing[4] = MISSING
    yield Case(
        "Missing rows",
        "A missing slot that counts as 0, or one that is learnt; a frame of a missing row.",
        given(plain, learn(day() * 2), *rows(missing), SAVE),
    )
    yield Case(
        "A column that is missing",
        "A row that is missing only where a judged column is.",
        given(section(columns=2), *rows(day() * 2, others=(7,)), ["row", [900, MISSING]], *rows([900], others=(7,))),
    )
    yield Case(
        "More than the most missing rows",
        "A day that is judged, or learnt, with too few rows; a limit that is one off.",
        given(section(most_missing=1), learn(day() * 2), *rows([MISSING, 900, MISSING, 900, 900, *day()]), SAVE),
    )
    yield Case(
        "Off the body",
        "A table that is learnt; zeros that are missing too early, or of which the first ones are kept.",
        given(
            section(off_body=3, most_missing=3),
            learn(day() * 2),
            *rows([0, 0, 500, 0, 0, 0, 600, 0, 0, 0, 0, 0, 700, 800]),
            SAVE,
        ),
    )
    yield Case(
        "Zeros count where the device is on the body",
        "Rows of 0 that are missing though `off_body` is 0.",
        given(plain, learn(day() * 2), *rows([0] * 3)),
    )
    yield Case(
        "Off the body across midnight",
        "Zeros behind slot 0 that stand.",
        given(section(off_body=4), learn(day() * 2), *rows(day()[:10] + [0] * 5 + [300])),
    )
    yield Case(
        "An alarm freezes the profile",
        "A row that is learnt in an alarm; a hold that is a slot too short or too long.",
        given(
            plain, learn(day() * 2), ["alarm", 1], *rows(day(300)[:8]), SAVE, ["alarm", 0], *rows(day(300)[8:]), SAVE
        ),
    )
    yield Case(
        "A change that lasts",
        "A profile that learns as slowly after the hold as before it; one that freezes again at once.",
        given(section(hold=14, mature=10), learn(day() * 8), ["alarm", 1], *rows((day(400) * 3)[:27]), SAVE),
    )
    yield Case(
        "A new alarm freezes anew",
        "A count of frozen slots that survives the end of an alarm.",
        given(
            section(hold=3),
            learn(day() * 2),
            *(["alarm", 1], *rows(day(300)[:2]), ["alarm", 0], *rows(day(300)[2:3]), ["alarm", 1]),
            *rows(day(300)[3:8]),
            SAVE,
        ),
    )
    yield Case(
        "No day is learnt in an alarm",
        "Totals of a frozen day.",
        given(section(hold=24), learn(day() * 2), *rows(day()[:6]), ["alarm", 1], *rows(day(500)[6:]), SAVE),
    )
    for n in (1, 13, 4_294_967_295):
        yield Case(
            f"A gap of {n} slots",
            "Time that stands still in a gap, or rows from before it that count as those of today.",
            given(
                plain, learn(day() * 2), *rows(day()[:4]), ["gap", n], *rows(day()[6:]), *([SAVE] if n == 13 else [])
            ),
        )
    yield Case(
        "A restart keeps the profile",
        "Rows that survive; a profile that does not.",
        given(plain, learn(day() * 2), ["restart"], *rows(day())),
    )
    yield Case(
        "A reset forgets",
        "A level, a count or an alarm that survives.",
        given(plain, learn(day() * 2), ["alarm", 1], *rows([5]), ["reset"], SAVE, learn(day() * 2), *rows([600]), SAVE),
    )
    saved = scalar.Days(plain)
    for value in day() * 3 + day()[:5]:
        saved.hop([[value]])
    data = [*saved.save()]
    yield Case(
        "Save and restore",
        "A slot that begins anew; rows of the last 24 hours that are lost.",
        given(plain, ["restore", data], SAVE, *rows((day() * 2)[5:])),
    )
    n_wide = len(data) - 16
    old = [*data[: n_wide + 2], 14, *data[n_wide + 3 :]]
    yield Case(
        "Figures of fourteen days",
        "A fifteenth day of figures: a part of 1 / 15.",
        given(section(mature=14), ["restore", old], *rows((day() * 2)[5:]), SAVE),
    )
    yield Case(
        "The largest changes of figures",
        "A figure beyond int16, or one that is limited at one end only.",
        given(plain, ["restore", [*data[:6], 255, 127, 0, 128, *data[10:]]], *rows(day()[5:] + day()[:3])),
    )
    counts = {0: 12, 1: 128, 2: 6, 3: 255, 4: 1, n_wide: 3}
    numbers = {29: 128, 53: 128, n_wide - 1: 128}
    numbers |= {n_wide + 1: 15, n_wide + 3: 1, len(data) - 1: 15}
    for name, odd in (("counts", counts), ("numbers", numbers)):
        forged = [["restore", [*data[:at], value, *data[at + 1 :]]] for at, value in odd.items()]
        yield Case(
            f"States with {name} out of range",
            "A slot or a count that is believed; a negative level.",
            given(plain, *forged, ["restore", data], *rows(day()[5:7])),
        )
    wide = section(columns=2, judged=(0, 1), shift=(0, 0), off_body=3)
    saved = scalar.Days(wide)
    for value in [*day() * 2, 0, 0]:
        saved.hop([[value, value // 2]])
    data = [*saved.save()]
    first = 28 + 4 * 5  # row of slot 5
    gone = [*data[:first], 0, 128, 0, 128, *data[first + 4 :]]
    yield Case(
        "Rows of a saved day that are missing",
        "A row with one column missing that is taken, or one with both that is refused; zeros that begin anew.",
        given(
            wide,
            *(["restore", [*data[:at], 0, 128, *data[at + 2 :]]] for at in (first, first + 2)),
            *(["restore", gone], ["row", [0, 0]], ["row", [500, 60]], SAVE),
        ),
    )
    yield Case(
        "Days of 24 slots and two columns",
        "A quarter of a day of other slots; a total that is shifted by another number of bits.",
        given(
            section(columns=2, judged=(0, 1), shift=(0, 2), slots=24),
            *[["row", [x, x // 3]] for x in day(slots=24) * 2 + day(1300, slots=24)[:2]],
        ),
    )
