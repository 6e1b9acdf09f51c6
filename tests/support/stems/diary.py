"""diary: hops, ticks and lost hops to rows of slots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.diary import COLUMNS, Diary, DiaryPlan, encode
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Address, Native, c_extractor, core_plan

OPERATIONS = ("hops", "ticks", "lose", "rows", "resume", "reset", "encode")
EXTRACTOR = {
    "kind": "external",
    "normalisation": {"gain": [1, 1], "bias": [1, 1], "shift": [1, 1], "low": -128, "high": 127},
}
"""Its two values are the levels."""
ALL = ["mean_score", "highest_score", "vedba_mean", "jerk_mean", "coverage"]


def by_scalar(given: Given) -> list:
    made: list[Any] = [scalar.Diary(given["diary"], given["floor"])]
    return [_in_scalars(given, made, *step) for step in given["steps"]]


def _in_scalars(given: Given, made: list[Any], operation: str, *what: Json) -> list:
    (diary,) = made
    if operation in ("hops", "ticks"):
        for _ in range(what[0]):
            diary.hop(
                what[1] == 1, what[2] if given["diary"]["gain_q16"] else []
            ) if operation == "hops" else diary.tick(what[1])
    elif operation == "lose":
        diary.lose(what[0], what[1] == 1)
    elif operation == "rows":
        return diary.rows()
    elif operation == "encode":
        return [[*scalar.encoded_row(given["diary"], *what)]]
    else:
        made[0] = scalar.Diary(given["diary"], given["floor"])
        if operation == "resume":
            made[0].resume(*what)
    return []


def by_core(given: Given) -> list:
    plan = core_plan(DiaryPlan, given["diary"])
    plan.check()
    diary = Diary(plan, given["floor"])
    return [_in_core(plan, diary, *step) for step in given["steps"]]


def _in_core(plan: DiaryPlan, diary: Diary, operation: str, *what: Json) -> list:
    if operation == "hops":
        for _ in range(what[0]):
            diary.hop(what[1] == 1, what[2] if plan.gain_q16 else [])
    elif operation == "ticks":
        for _ in range(what[0]):
            diary.tick(what[1])
    elif operation == "lose":
        diary.lose(what[0], what[1] == 1)
    elif operation == "rows":
        return [[*row] for row in diary.rows()]
    elif operation == "encode":
        return [[*encode(plan, *what)]]
    else:
        diary.reset()
        if operation == "resume":
            diary.resume(*what)
    return []


def by_native(given: Given) -> list:
    native = Native()
    ffi, lib = native.ffi, native.lib
    health = native.struct("anom_health_plan", {})
    supervised = native.struct("anom_supervisor_plan", {"health": health})
    plan = native.struct("anom_plan", {"diary": native.struct("anom_diary_plan", c_diary(given))})
    plan.supervisor = supervised
    extractor = native.struct("anom_extractor_plan", c_extractor(EXTRACTOR))
    size = ffi.sizeof("anom_pipeline") + ffi.sizeof("anom_supervisor") + ffi.sizeof("anom_health")
    memory = native.new("uint64_t[]", size // 8 + 1)
    behind = native.new("uint64_t[]", lib.ANOM_DIARY_BYTES // 8 + 1)
    pipeline = ffi.cast("anom_pipeline *", memory)
    pipeline.plan = plan
    pipeline.framer.samples = ffi.cast("int16_t *", ffi.cast("uint8_t *", behind) + lib.ANOM_DIARY_BYTES)
    pipeline.features = native.new("int8_t[]", 2)
    lib.anom_extractor_init(
        ffi.addressof(pipeline, "extractor"), extractor, native.new("uint64_t[]", 1), native.new("uint64_t[]", 1)
    )
    found_at = ffi.cast("uintptr_t", ffi.addressof(pipeline, "alert"))
    state = ffi.cast("anom_health *", int(found_at) + ffi.sizeof("anom_supervisor"))
    state.plan = health
    lib.anom_diary_reset(pipeline)
    return [_in_c(native, pipeline, state, *step) for step in given["steps"]]


def _in_c(native: Native, pipeline: Any, health: Any, operation: str, *what: Json) -> list:
    lib = native.lib
    if operation == "hops":
        health.active = 1 << lib.ANOM_CONDITION_STUCK if what[1] else 0
        for _ in range(what[0]):
            lib.anom_diary_hop(pipeline, native.new("int16_t[]", what[2]))
    elif operation == "ticks":
        for _ in range(what[0]):
            lib.anom_diary_tick(pipeline, what[1])
    elif operation == "lose":
        lib.anom_diary_lose(pipeline, *what)
    elif operation == "rows":
        found, row = [], native.new("int16_t[]", lib.ANOM_DIARY_COLUMNS)
        while n := lib.anom_diary_rows(pipeline, row):
            found.append(list(row)[:n])
        return found
    elif operation == "encode":
        data = native.new("uint8_t[]", lib.ANOM_ROW_BYTES)
        assert lib.anom_diary_encode(pipeline.plan.diary, what[0], native.new("int16_t[]", what[1]), data) == len(data)
        return [list(data)]
    else:
        lib.anom_diary_reset(pipeline)
        if operation == "resume":
            (pipeline.framer.next_hop,) = what
            lib.anom_diary_resume(pipeline)
    return []


def c_diary(given: Given) -> dict[str, Any]:
    section = given["diary"]
    codes = [COLUMNS[name] for name in section["columns"]]
    return {
        "slot_q16": section["slot_q16"],
        "gain_q16": section["gain_q16"],
        "columns": codes,
        "n_columns": len(codes),
        "vedba_at": 0,
        "jerk_at": 1,
        "floor": given["floor"],
    }


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, *what), found in zip(given["steps"], expect, strict=True):
        numbers = [x for x in what if not isinstance(x, list)]
        values = [x for x in what if isinstance(x, list)]
        step: dict[str, Any] = {"operation": OPERATIONS.index(operation), "values": values[0] if values else None}
        step |= dict(zip(("number", "argument"), numbers, strict=False))
        flat = [x for row in found for x in row]
        steps.append(step | {"n_rows": len(found), "expect": flat or None})
    return {
        "plan": Address("anom_diary_plan", c_diary(given)),
        "extractor": c_extractor(EXTRACTOR),
        "n_steps": len(steps),
        "steps": steps,
    }


def given(
    *steps: Json, slot: float = 60, columns: list[str] | None = None, gain_q16: int | None = None, floor: int = 0
) -> Given:
    names = ALL if columns is None else columns
    moves = not {"vedba_mean", "jerk_mean"}.isdisjoint(names)
    gain = gain_q16 if gain_q16 is not None else 65536 * moves
    diary = {"slot_q16": round(slot * 65536), "gain_q16": gain, "columns": names}
    return {"diary": diary, "floor": floor, "steps": [list(step) for step in steps]}


ROWS = ["rows"]


def hops(n: int, vedba: int = 5000, jerk: int = 3000, void: int = 0) -> list:
    return ["hops", n, void, [vedba, jerk]]


def ticks(n: int, score: int) -> list:
    return ["ticks", n, score]


def lose(n: int, pause: int = 0) -> list:
    return ["lose", n, pause]


def slot_of(*steps: Json, **others: Any) -> Given:
    """A slot, and the hop behind it, with which it ends."""
    return given(*steps, hops(1), ROWS, **others)


def cases() -> Iterator[Case]:
    yield Case("A slot", "A column in another place.", slot_of(hops(59), ticks(3, 1000), hops(1), ticks(1, 5000)))
    yield Case(
        "A row is finished where it is asked for",
        "A row that waits for the next hop, or that comes twice.",
        given(hops(59), ticks(1, 9), ROWS, hops(1), ROWS, ROWS, hops(1), ROWS),
    )
    yield Case(
        "Less than half of a slot",
        "A limit that is one off; a coverage that is missing, too.",
        given(*[step for n in (29, 30, 31) for step in (hops(n), ticks(1, 7), lose(60 - n), ROWS)]),
    )
    yield Case("A slot without a tick", "A division by 0 ticks; movement without a score.", slot_of(hops(60)))
    yield Case("A slot of nothing", "A division by 0 hops.", given(lose(60), ROWS))
    yield Case(
        "Void hops",
        "Hops that count though their ticks are void; hops that are not due.",
        given(hops(20, void=1), hops(40, 9000, 9000), ticks(2, 50), ROWS, hops(60, void=1), ticks(1, 3), ROWS),
    )
    yield Case(
        "Lost hops and pauses",
        "A pause that lowers the coverage; a gap that does not.",
        given(
            *(hops(20), ticks(1, 8), lose(40, 1), ROWS),
            *(hops(40), ticks(1, 8), lose(20), ROWS),
            *(hops(10), ticks(1, 8), lose(40, 1), lose(10), ROWS),
        ),
    )
    yield Case(
        "A pause of a whole slot",
        "A division by 0 hops that are due.",
        given(lose(60, 1), ROWS, lose(70, 1), hops(50), ticks(1, 4), ROWS),
    )
    yield Case(
        "Gaps over many slots",
        "A slot that is left out; a row that is lost before the missing ones, or behind them.",
        given(hops(45), ticks(1, 77), lose(200), ROWS, hops(30), ticks(1, 5), lose(15), ROWS),
    )
    yield Case(
        "Rows that nobody took",
        "The order of rows; a row with a coverage that one without replaces.",
        given(lose(130), hops(50), ticks(1, 77), lose(120), ROWS, ROWS),
    )
    yield Case(
        "Slots that are no whole number of hops",
        "A rest that is dropped: a day would end early.",
        given(*[step for _ in range(6) for step in (hops(61), ticks(1, 12), ROWS)], slot=60.75),
    )
    yield Case(
        "A rest over a gap",
        "A gap that begins a slot at its first hop.",
        given(hops(30), lose(1000), ROWS, hops(58), ticks(1, 3), ROWS, hops(4), ROWS, slot=62.4),
    )
    yield Case(
        "The largest scores",
        "A sum of scores in 32 bits; a mean that is the last one.",
        slot_of(hops(60), ticks(50, 2**32 - 1), ticks(1, 0)),
    )
    yield Case("A mean score is rounded down", "A mean of logarithms.", slot_of(hops(60), ticks(1, 1), ticks(2, 1000)))
    yield Case("Scores of 0", "A logarithm of 0.", slot_of(hops(60), ticks(4, 0)))
    for level in (-32768, -1025, -1024, -1, 0, 63, 64, 1023, 1024, 14_999, 15_360, 20_480, 20_481, 32_767):
        yield Case(
            f"A level of {level}",
            "A power of 2 from another entry of the table, or a level beyond its ends.",
            slot_of(hops(60, level, level + 1 if level < 32767 else 0), ticks(1, 1), gain_q16=6_553_600),
        )
    yield Case(
        "Movement that differs from hop to hop",
        "A mean of levels in place of lengths; jerk in place of movement.",
        slot_of(hops(20, 2000, 9000), hops(20, 12_000, 100), hops(20, 7000, 8000), ticks(1, 1), gain_q16=131_072),
    )
    yield Case(
        "A floor is left out",
        "A floor that is left out of the mean in place of each hop; movement below 0.",
        slot_of(hops(30, 6000, 1000), hops(30, 3000, 7000), ticks(1, 1), gain_q16=1 << 22, floor=9),
    )
    yield Case(
        "Movement beyond int16",
        "A row that wraps.",
        slot_of(hops(60, 20_480, 16_000), ticks(1, 1), gain_q16=2**31 - 1),
    )
    yield Case(
        "Columns in another order",
        "Columns by their codes.",
        slot_of(hops(40), ticks(2, 600), lose(20), columns=["coverage", "jerk_mean", "highest_score"]),
    )
    yield Case(
        "Scores alone",
        "Movement of an extractor that has none.",
        slot_of(hops(60), ticks(2, 600), columns=["highest_score", "mean_score"]),
    )
    yield Case(
        "A reset in the middle of a slot",
        "A sum or a row that survives.",
        given(hops(130), ticks(3, 9), ["reset"], ROWS, hops(59), ticks(1, 1000), ROWS, hops(1), ROWS),
    )
    yield Case(
        "On in the middle of a slot",
        "A slot that begins anew behind a restart; hops from before it that count as seen.",
        given(
            *(["resume", 150], hops(29), ticks(1, 9), ROWS, hops(1), ROWS),
            *(["resume", 2**32 - 1], hops(60), ticks(1, 9), ROWS, ["resume", 0], lose(60), ROWS),
            slot=60.5,
        ),
    )
    row = [1, 2, 3, 4, 998]
    yield Case("A row for a radio", "Any slip: it is in docs/spec.md.", given(["encode", 1, row]))
    yield Case(
        "Slots and values beyond a byte",
        "Bytes in another order; a slot that does not wrap; a negative value that is cut.",
        given(
            ["encode", 258, [-32768, -2, 32767, 258, 4]],
            ["encode", 65_535, [0, 0, 0, 0, 1000]],
            ["encode", 70_000, [-32768, -32768, -32768, -32768, 0]],
        ),
    )
    yield Case(
        "A row without coverage",
        "A coverage of another column; columns behind the last that are 0.",
        given(["encode", 7, [600]], columns=["mean_score"]),
    )
