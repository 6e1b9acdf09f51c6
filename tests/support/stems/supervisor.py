"""supervisor: hops, ticks and inputs to events, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anomsdk.core.alarm import AlarmPlan
from anomsdk.core.health import HealthPlan
from anomsdk.core.ladder import LadderPlan, PromisePlan
from anomsdk.core.rung import LevelPlan, TimingPlan
from anomsdk.core.supervisor import Operation, Supervisor
from anomsdk.cport.fields import Constant
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems import health as health_stem
from tests.support.stems import ladder as ladder_stem
from tests.support.stems.alert import FOUR, HIGH, HIT, LONGEST, LOW, MIDDLE, RESET, TAG, TOP, Setting
from tests.support.stems.sections import Address, Native, Symbol, c_timing, core_plan

STEPS = ("hop", "tick", "due", "gap", "operate", "reset", "pause")
Events = list[bytes]


def by_scalar(given: Given) -> list:
    sections = [given[name] for name in ("alarm", "health", "timing", "levels", "columns", "hops_per_tick", "due_q31")]
    sections += [given["tag"].to_bytes(2, "little"), given.get("ladder"), given.get("promises")]
    supervisor, found = scalar.Supervisor(*sections), []
    supervisor.sequence = given["sequence"]
    for step, *what in given["steps"]:
        events: Events = []
        if step == "reset":
            supervisor = scalar.Supervisor(*sections)
        elif step == "operate":
            events = supervisor.operate(Operation(what[0]).name.lower(), *what[1:])
        else:
            events = getattr(supervisor, step)(*what) or []
        found.append([supervisor.annunciation, supervisor.byte, int(supervisor.voids), _hex(events)])
    return found


def _hex(events: Events) -> str:
    return b"".join(events).hex()


def by_core(given: Given) -> list:
    health = None if given["health"] is None else core_plan(HealthPlan, given["health"])
    ladder = core_plan(LadderPlan, given["ladder"]) if "ladder" in given else None
    promises = [core_plan(PromisePlan, promise) for promise in given.get("promises", ())]
    supervisor, found = (
        Supervisor(
            core_plan(AlarmPlan, given["alarm"]),
            health,
            core_plan(TimingPlan, given["timing"]),
            core_plan(LevelPlan, given["levels"]),
            given["columns"],
            given["hops_per_tick"],
            given["due_q31"],
            given["tag"],
            ladder,
            promises,
        ),
        [],
    )
    supervisor._sequence = given["sequence"]
    for step, *what in given["steps"]:
        events = [bytes(event) for event in _in_core(supervisor, step, what)]
        found.append([int(supervisor.annunciation), supervisor.health, int(supervisor.voids), _hex(events)])
    return found


def _in_core(supervisor: Supervisor, step: str, what: list) -> list:
    if step == "hop":
        return list(supervisor.hop(np.array(what[0], np.int64), what[1]))
    if step == "operate":
        return list(supervisor.operate(Operation(what[0]), *what[1:]))
    if step == "due":
        return list(supervisor.due(*what))
    if step == "tick":
        event, _ = supervisor.tick(*what)
        return [] if event is None else [event]
    getattr(supervisor, step)(*what)
    return []


def by_native(given: Given) -> list:
    native, found = Native(), []
    ffi, lib = native.ffi, native.lib
    size = ffi.sizeof("anom_supervisor")
    if given["health"] is not None:
        size += ffi.sizeof("anom_health") + given["columns"] * ffi.sizeof("anom_health_column")
    timing = native.struct("anom_timing_plan", c_timing(given["timing"]))
    level = native.struct("anom_level_plan", given["levels"])
    health_bytes = size - ffi.sizeof("anom_supervisor")
    if "ladder" in given:
        size += ffi.sizeof("anom_ladder") + 17 * len(given["ladder"]["raise_scores"])
    memory = native.new("uint64_t[]", size // 8 + 1)
    supervisor = ffi.cast("anom_supervisor *", memory)
    plan = native.struct("anom_supervisor_plan", c_plan(given, health_bytes))
    lib.anom_supervisor_init(supervisor, plan, timing, level, given["tag"])
    plan.type.reset(supervisor, plan)
    supervisor.alarm.alert.sequence = given["sequence"]
    for step, *what in given["steps"]:
        events = _in_c(native, supervisor, plan, step, what)
        signals = [lib.anom_supervisor_annunciation(supervisor), lib.anom_supervisor_health(supervisor)]
        found.append([*signals, lib.anom_supervisor_voids(supervisor), _hex(events)])
    return found


def _in_c(native: Native, supervisor: Any, plan: Any, step: str, what: list) -> Events:
    lib, event, events, hop = native.lib, native.struct("anom_event", {}), [], 0
    if step == "hop":
        values = [value for row in what[0] for value in row]
        lib.anom_supervisor_hop(supervisor, native.new("int16_t[]", values), len(what[0]))
        hop = what[1]
    elif step == "tick":
        judge = lib.anom_ladder_judge if plan.ladder else lib.anom_supervisor_judge
        if judge(native.ffi.addressof(supervisor, "alarm", "alert"), *what, event):
            events.append(bytes(event.bytes))
    elif step == "operate":
        hop = what[3]
        if lib.anom_supervisor_operate(supervisor, *what, event):
            events.append(bytes(event.bytes))
    elif step in ("gap", "pause"):
        getattr(plan.type, step)(supervisor, *what)
    elif step == "reset":
        plan.type.reset(supervisor, plan)
    elif step == "due":
        hop = what[0]
    while step in ("hop", "operate", "due") and lib.anom_supervisor_due(supervisor, hop, event):
        events.append(bytes(event.bytes))
    return events


def c_plan(given: Given, health_bytes: Any) -> dict[str, Any]:
    """All of `anom_supervisor_plan`; the ladder stands behind health."""
    plan = {
        "alarm": {**given["alarm"], "hops_per_tick": given["hops_per_tick"], "due_q31": given["due_q31"]},
        "type": Symbol("anom_supervisor_functions"),
    }
    if given["health"] is not None:
        plan["health"] = Address("anom_health_plan", health_stem.c_plan(given["health"], given["columns"]))
    if "ladder" in given:
        sections = {"plan": given["ladder"], "promises": given["promises"], "timing": given["timing"]}
        plan["type"] = Symbol("anom_ladder_supervisor_functions")
        plan["ladder"] = Address("anom_ladder_plan", ladder_stem.c_plan(sections, health_bytes, given["levels"]))
    return plan


def c_case(given: Given, expect: list) -> dict[str, Any]:
    health_bytes = Constant("0" if given["health"] is None else f"ANOM_HEALTH_BYTES({given['columns']})")
    steps = []
    for (step, *what), (annunciation, byte, voids, events) in zip(given["steps"], expect, strict=True):
        made: dict[str, Any] = {"step": STEPS.index(step)}
        if step == "hop":
            made |= {"n": len(what[0]), "samples": [value for row in what[0] for value in row], "hop": what[1]}
        elif step == "operate":
            made |= dict(zip(("operation", "number", "samples_so_far", "hop"), what, strict=True))
        elif step in ("tick", "gap", "pause"):
            made |= dict(zip(("number", "hop" if step == "tick" else "lost_ticks"), what, strict=True))
        elif step == "due":
            made |= {"hop": what[0]}
        made |= {"annunciation": annunciation, "health": byte, "voids": voids}
        steps.append(made | {"n_events": len(events) // 32, "events": list(bytes.fromhex(events)) or None})
    return {
        "plan": Address("anom_supervisor_plan", c_plan(given, health_bytes)),
        "timing": c_timing(given["timing"]),
        "level": given["levels"],
        "columns": 0 if given["health"] is None else given["columns"],
        "rungs": len(given["ladder"]["raise_scores"]) if "ladder" in given else 0,
        "tag": given["tag"],
        "sequence": given["sequence"],
        "n_steps": len(steps),
        "steps": steps,
    }


def given_of(
    *steps: Json,
    health: Given | None = None,
    hops_per_tick: int = 1,
    due_q31: int | None = None,
    sequence: int = 0,
    tag: int = TAG,
    setting: Setting | None = None,
    ladder: Given | None = None,
    **alarm: int,
) -> Given:
    """A number is a hop of one quiet value and the tick of this score; a list is the rows of a hop without a tick.

    Ticks are due each tick, unless ``due_q31`` says otherwise. ``ladder`` has the sections `ladder` and `promises`.
    """
    setting = setting or Setting(1, 1, high=FOUR)
    made: list[Json] = []
    hop = 100
    for step in steps:
        if isinstance(step, int):
            made += [["hop", [[hop % 7]], hop], ["tick", step, hop]]
            hop += 1
        elif not isinstance(step[0], str):
            made.append(["hop", [[value] for value in step], hop])
            hop += 1
        elif step[0] in ("gap", "pause"):
            hop = (hop + step[1]) % 2**32
            made += [list(step), ["due", hop]]
        elif step[0] == "operate":
            made.append([*step, hop])
        else:
            made.append(list(step))
    return {
        "alarm": scalar.NO_ALARM | alarm,
        "health": None if health is None else health["plan"],
        "timing": setting.timing,
        "levels": setting.levels,
        "columns": 1,
        "hops_per_tick": hops_per_tick,
        "due_q31": due_q31 or scalar.due_q31(None, 0, 1, hops_per_tick),
        "tag": tag,
        "sequence": sequence,
        **(ladder or {}),
        "steps": [["due", 100], *made],
    }


def operate(operation: Operation, argument: int = 0, samples: int = 0) -> list:
    return ["operate", int(operation), argument, samples]


LIMITS = health_stem.given_of(
    on={1: (1, 1), 4: (1, 1), 9: (1, 1)}, block=1, stuck=3, clip_low=-100, clip_high=100, missing_ms=300
)
WARMING = health_stem.given_of(on={}, warm_up=2)
TIMED = health_stem.given_of(on={}, rate_tolerance_q16=1310)
CLIPPED = [100]


def cases() -> Iterator[Case]:
    yield Case(
        "Restart, then quiet",
        "A restart that is told twice, or not before all else.",
        given_of(LOW, LOW, RESET, ["due", 7], ["due", 7], LOW),
    )
    yield Case(
        "A reset forgets",
        "A sequence, an alarm or a heartbeat that survives.",
        given_of(HIT, LOW, operate(Operation.SILENCE, 9), RESET, LOW, HIT, latch=1, heartbeat=3),
    )
    yield Case(
        "The sequence number wraps",
        "A number of more than 16 bits, or one that skips 0.",
        given_of(HIT, LOW, HIT, LOW, sequence=65534),
    )
    yield Case(
        "Bytes of hop and tag",
        "Numbers in the byte order of the processor.",
        given_of(
            ["hop", [[1]], 0x03040506], ["tick", HIT, 0x03040506], ["hop", [[2]], TOP], ["tick", LOW, TOP], tag=0x0102
        ),
    )
    yield Case(
        "Flags of each state",
        "A flag of the state before the event.",
        given_of(
            HIT,
            operate(Operation.SILENCE, 2),
            LOW,
            HIT,
            operate(Operation.TEST),
            operate(Operation.ACKNOWLEDGE),
            HIT,
            operate(Operation.OUT_OF_SERVICE, 1),
            operate(Operation.TEST),
            operate(Operation.OUT_OF_SERVICE, 0),
            latch=1,
            test=1,
        ),
    )
    yield Case(
        "A void tick",
        "A health byte that lacks in an event; a condition that is told after what it caused.",
        given_of(LOW, CLIPPED, HIT, CLIPPED, LOW, [0], HIGH, LOW, health=LIMITS),
    )
    yield Case(
        "Conditions come first",
        "Events that are due in another order than conditions, alarm, heartbeat.",
        given_of(
            HIT,
            operate(Operation.SILENCE, 3),
            MIDDLE,
            MIDDLE,
            CLIPPED,
            LOW,
            health=LIMITS,
            escalate_after=3,
            heartbeat=4,
        ),
    )
    yield Case(
        "A repeat and the end of a silence",
        "A heartbeat before what the alarm has to say.",
        given_of(HIT, operate(Operation.SILENCE, 3), MIDDLE, MIDDLE, MIDDLE, LOW, repeat=3, heartbeat=4),
    )
    yield Case(
        "The end of a prealarm and of a silence",
        "Two events in one.",
        given_of(HIT, operate(Operation.SILENCE, 2), 1500, LOW, LOW, cancel=2, heartbeat=3),
    )
    yield Case(
        "Heartbeats",
        "A heartbeat of the first hop; the highest score of all time; a share of hops instead of ticks.",
        given_of(HIT, LOW, LOW, LOW, [5], [6], LOW, 7, [8], 9, heartbeat=3),
    )
    yield Case(
        "Heartbeats of slow ticks",
        "A share above 1, or of no tick at all.",
        given_of([1], LOW, [2], [3], LOW, LOW, LOW, [4], [5], [6], [7], hops_per_tick=4, heartbeat=3),
    )
    yield Case(
        "A heartbeat before the first tick",
        "A share of ticks of which none was due.",
        given_of([1], [2], [3], [4], LOW, hops_per_tick=4, heartbeat=3),
    )
    yield Case(
        "A heartbeat after a gap",
        "One heartbeat for each period that was lost.",
        given_of(HIT, ("gap", 10, 10), LOW, LOW, ("gap", TOP, TOP), LOW, heartbeat=3),
    )
    yield Case(
        "An alarm in a gap",
        "Time that stands still in a gap.",
        given_of(HIT, ("gap", 5, 5), LOW, HIT, LOW, cancel=4, latch=1, escalate_after=3, health=LIMITS),
    )
    yield Case(
        "All inputs at once",
        "An input that acts after what is due.",
        given_of(
            HIT,
            *[
                operate(operation, argument)
                for operation, argument in (
                    (Operation.ACKNOWLEDGE, 0),
                    (Operation.SILENCE, 2),
                    (Operation.CANCEL, 0),
                    (Operation.OUT_OF_SERVICE, 1),
                    (Operation.OUT_OF_SERVICE, 0),
                    (Operation.TEST, 0),
                    (Operation.SUPPLY, 1),
                    (Operation.SELF_TEST, 1),
                    (Operation.SUPPLY, 0),
                    (Operation.SELF_TEST, 0),
                    (Operation.SILENCE, 0),
                    (Operation.CANCEL, 0),
                )
            ],
            cancel=2,
            health=LIMITS,
        ),
    )
    yield Case(
        "The longest silence",
        "A silence whose hops leave 32 bits.",
        given_of(HIT, operate(Operation.SILENCE, LONGEST), ("gap", TOP - 1, 9), LOW, LOW, hops_per_tick=4, latch=1),
    )
    yield Case(
        "Missing, and back",
        "A condition that is not told until the next hop; one that stays when hops come back.",
        given_of(
            LOW,
            operate(Operation.MISSING, 299),
            operate(Operation.MISSING, 1),
            operate(Operation.MISSING, 1),
            LOW,
            health=LIMITS,
        ),
    )
    yield Case(
        "The caller's clock",
        "A first reading that is compared with 0.",
        given_of(
            operate(Operation.CLOCK, 5, 0),
            operate(Operation.CLOCK, 60005, 50000),
            operate(Operation.CLOCK, 120005, 110000),
            health=TIMED,
        ),
    )
    yield Case(
        "Warm-up is no fault",
        "A warm-up that is annunciated as a fault, or that does not void.",
        given_of([1], HIT, [2], HIT, health=WARMING),
    )
    yield Case(
        "Stuck sensor in an alarm",
        "An alarm that a fault ends, or that reads as normal.",
        given_of(HIT, [3, 3, 3, 3], [3], [4], LOW, operate(Operation.ACKNOWLEDGE), latch=1, health=LIMITS),
    )
    yield Case(
        "Votes before and after a gap",
        "Votes that a gap leaves.",
        given_of(HIT, ("gap", 1, 1), HIT, HIT, setting=Setting(2, 2)),
    )
    yield Case(
        "A heartbeat each hop",
        "A heartbeat of one hop that is off.",
        given_of(LOW, MIDDLE, LOW, heartbeat=1),
    )
    yield Case(
        "More ticks than were due",
        "A share above all.",
        given_of(LOW, LOW, LOW, LOW, hops_per_tick=2, heartbeat=3),
    )
    yield Case(
        "Heartbeats on a grid of two hops and a half",
        "A grid that drifts by the part of a hop.",
        given_of(*[LOW] * 11, heartbeat=2, heartbeat_rest_q16=32768),
    )
    yield Case(
        "Heartbeats on a grid of a hop and the smallest part",
        "A part of a hop that is lost, or that counts a whole hop.",
        given_of(*[LOW] * 7, heartbeat=1, heartbeat_rest_q16=1),
    )
    yield Case(
        "A late heartbeat takes nothing from the next",
        "A grid that begins anew at a heartbeat that a gap made late.",
        given_of(LOW, LOW, ("gap", 3, 3), LOW, LOW, LOW, LOW, heartbeat=4, heartbeat_rest_q16=65535),
    )
    yield Case(
        "The longest heartbeat and the longest time",
        "A grid in 47 bits that is computed in 32.",
        given_of(
            LOW, ("gap", LONGEST, 9), ("gap", TOP, 9), LOW, ("gap", TOP, 9), heartbeat=LONGEST, heartbeat_rest_q16=65535
        ),
    )
    on_of_time = scalar.due_q31({"on": 2, "every": 5}, 2, 1, 1)
    yield Case(
        "A heartbeat over declared pauses",
        "A share of ticks that were never due.",
        given_of(*[LOW, LOW, ("pause", 3, 3)] * 4, LOW, ("gap", 4, 4), LOW, heartbeat=5, due_q31=on_of_time),
    )
    yield Case(
        "Ticks that are due, rounded down",
        "A share above all; a division by no tick at all.",
        given_of(LOW, [3], [4], [5], LOW, heartbeat=1, due_q31=1),
    )
    yield Case(
        "An alarm's time goes on in a declared pause",
        "A cancel window, a repeat, a silence or a test that waits for the end of a pause.",
        given_of(
            *(HIT, ("pause", 5, 5), operate(Operation.SILENCE, 4), operate(Operation.TEST), ("pause", 3, 3), LOW),
            *(("pause", 1, 1), LOW),
            cancel=4,
            latch=1,
            test=3,
            escalate_after=9,
        ),
    )
    yield Case(
        "A declared pause is no fault",
        "Hops of a pause that count as lost.",
        given_of(LOW, ("pause", 50, 50), LOW, ("gap", 50, 50), LOW, health=LIMITS),
    )
    by_time = Setting(1, 1, 0, 99, high=FOUR, clear_after=6)
    yield Case(
        "A declared pause while a fault voids",
        "Time that counts as calm although nothing could be judged.",
        given_of(*(HIT, LOW, CLIPPED, ("pause", 9, 9), LOW, LOW, ("pause", 3, 3), LOW), health=LIMITS, setting=by_time),
    )
    for name, guards, given in _ladders():
        yield Case(name, guards, given)


def _ladders() -> Iterator[tuple]:
    """Rungs at 500, 1000 and 1500; the plan's own level is 1000, a day two ticks."""

    def laddered(unit: int = ladder_stem.DAYS, gap: int = 1, broken: int = 100000) -> Given:
        promises = [ladder_stem.promise_of(unit, ladder_stem.NEEDS) | {"broken_q16": broken}]
        promises.append(ladder_stem.promise_of(ladder_stem.ALARMS, [2, *range(4, 19)], most=32768))
        return {"ladder": ladder_stem.plan_of(500, 1000, 1500, day=2, gap=gap), "promises": promises}

    calibrate, other = operate(Operation.CALIBRATE, 0), operate(Operation.CALIBRATE, 1)
    first, third = operate(Operation.SET_LEVEL, 1), operate(Operation.SET_LEVEL, 3)
    own = operate(Operation.SET_LEVEL, 0)
    yield (
        "All news of a level",
        "A code or an argument of other news; a score or a tag of the level before.",
        given_of(
            calibrate, *[LOW] * 4, calibrate, 600, LOW, calibrate, other, third, own, *[1600] * 20, calibrate, other
        )
        | laddered(),
    )
    yield (
        "A level in an alarm",
        "An alarm that a level ends without a tick, or that ends by the level before; a level that judges a tick late.",
        given_of(1100, third, 1300, 1199, first, 600, 500, 400, 399, own, 600, 1000, latch=1) | laddered(),
    )
    yield (
        "A level between two votes, and in a delay",
        "Votes for another level, or a delay of it, that go on.",
        given_of(1100, first, 600, 600, LOW, third, 1500, 1500, own, 1500, 1500, setting=Setting(2, 3, 1, 0))
        | laddered(),
    )
    yield (
        "A promise that a tick breaks",
        "News that leave with the tick; an event with the tag of the next level.",
        given_of(*[LOW] * 6, calibrate, 600, LOW, 600, LOW, 600, LOW, 1100, LOW, [1], calibrate) | laddered(),
    )
    yield (
        "A promise that each alarm breaks",
        "An alarm event with the level that the alarm brought about; news of a level that are told twice.",
        given_of(*[LOW] * 3, other, 600, LOW, 600, 1100, 600, LOW, 1600, LOW, other, other)
        | laddered(broken=10**6)
        | {"promises": [laddered()["promises"][0], laddered()["promises"][1] | {"broken_q16": 60000}]},
    )
    yield (
        "News of a level come before the heartbeat and after the alarm",
        "Events that are due in another order.",
        given_of(
            *[LOW] * 6,
            calibrate,
            *(600, LOW, 600, LOW, CLIPPED, LOW),
            health=LIMITS,
            heartbeat=1,
            repeat=1,
            latch=1,
            escalate_after=2,
        )
        | laddered(),
    )
    yield (
        "What is no service of a ladder",
        "A void tick, a tick out of service or a lost one that counts; an input without effect that ends alarms.",
        given_of(
            *(1600, operate(Operation.OUT_OF_SERVICE, 0), CLIPPED, 1600, CLIPPED, 1600, calibrate, other),
            *(operate(Operation.OUT_OF_SERVICE, 1), 1600, 1600, 1600, other, operate(Operation.OUT_OF_SERVICE, 0)),
            *(("gap", 50, 50), ("pause", 50, 50), other, LOW, other, LOW, calibrate),
            health=LIMITS,
        )
        | laddered(),
    )
    yield (
        "A ladder whose supervisor is reset",
        "A level, counts or news that survive.",
        given_of(*[LOW] * 6, calibrate, 600, first, RESET, ["due", 7], LOW, 600, calibrate) | laddered(),
    )
    yield (
        "A level above a score that grows",
        "A high level, or an escalation, of the plan's own level.",
        given_of(third, 4100, 5000, 6100, LOW, first, 2000, LOW, escalate_ratio_q16=1 << 16) | laddered(),
    )
