"""record: a stream with gaps, inputs, saves and restores through a whole plan, plain or with an alarm and health."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import anomsdk
from anomsdk.core.downlink import LevelOrder
from anomsdk.core.supervisor import Operation
from anomsdk.cport.fields import Constant
from anomsdk.plans.file import parse_plan
from anomsdk.runtime.engines.native import NativeEngine
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems import health as health_stem
from tests.support.stems import ladder as ladder_stem
from tests.support.stems.pipeline import RESET, c_plan, encoded, file_of, rows_plan, rows_that_jump, tiny
from tests.support.stems.sections import Address, Symbol
from tests.support.stems.supervisor import LIMITS

OPERATIONS = ("push", "gap", "reset", "operate", "save", "restore", "export", "downlink")
REFUSED = {" bytes, not 3": -8, "for a plan whose id": -8, "no ladder section": -6, "the plan has no level": -7}
"""Words of an error of a downlink -> the status that C gives."""
SAVE = ["save"]


def by_scalar(given: Given) -> list:
    pipeline = scalar.pipeline_of(file_of(given["plan"]))
    return [_step_in_scalars(pipeline, *step) for step in given["steps"]]


def _step_in_scalars(pipeline: scalar.Pipeline, operation: str, *what: Json) -> Json:
    if operation == "save":
        return pipeline.state().hex()
    if operation == "restore":
        return [int(pipeline.restore(bytes.fromhex(*what))), _in_scalars(pipeline.process([]))]
    if operation == "push":
        return _in_scalars(pipeline.process(*what))
    if operation == "export":
        device, boot, since = what
        return (pipeline.export(device, boot, None if since is None else bytes.fromhex(since)) or b"").hex()
    if operation == "downlink":
        data = bytes.fromhex(*what)
        status, results = scalar.downlink(pipeline, data)
        order = scalar.decoded_downlink(data)
        results = results if status == 1 else pipeline.process([])
        return [None if "error" in order else list(order.values()), status, _in_scalars(results)]
    if operation == "operate":
        return _in_scalars(pipeline.operate(Operation(what[0]).name.lower(), what[1]))
    return _in_scalars(getattr(pipeline, operation)(*what) or [])


def _in_scalars(results: list) -> Json:
    return [[r.hop, r.score, int(r.judged), int(r.void), b"".join(r.events).hex()] for r in results]


def by_core(given: Given) -> list:
    return _in_engine(given, "reference")


def by_native(given: Given) -> list:
    return _in_engine(given, "native")


def _in_engine(given: Given, engine: str) -> list:
    plan = parse_plan(file_of(given["plan"]), name="plan")
    with anomsdk.Pipeline(plan, engine) as pipeline:
        return [_step_in_engine(pipeline, *step) for step in given["steps"]]


def _step_in_engine(pipeline: anomsdk.Pipeline, operation: str, *what: Json) -> Json:
    if operation == "save":
        return pipeline.state().hex()
    if operation == "restore":
        try:
            return [1, _in_results(pipeline.restore(bytes.fromhex(*what)))]
        except anomsdk.InputError:
            return [0, _in_results(pipeline.process(np.zeros((0, pipeline.plan.columns), np.int16)))]
    if operation == "push":
        return _in_results(pipeline.process(np.array(what[0], np.int16)))
    if operation == "export":
        device, boot, since = what
        try:
            return pipeline.export(device, boot, None if since is None else bytes.fromhex(since)).hex()
        except anomsdk.InputError:
            return ""
    if operation == "downlink":
        return [_order(bytes.fromhex(*what)), *_downlink_in_engine(pipeline, bytes.fromhex(*what))]
    if operation == "operate":
        argument = () if Operation(what[0]).highest == 0 else what[1:]
        return _in_results(getattr(pipeline, Operation(what[0]).name.lower())(*argument))
    return _in_results(getattr(pipeline, operation)(*what) or [])


def _order(data: bytes) -> Json:
    try:
        order = LevelOrder.from_bytes(data)
    except anomsdk.InputError:
        return None
    return [order.level_tag, bytes(order)[1:].hex()]


def _downlink_in_engine(pipeline: anomsdk.Pipeline, data: bytes) -> Json:
    """The status and the results; what Python refuses, the C port is given all the same."""
    try:
        return [1, _in_results(pipeline.take_downlink(data))]
    except anomsdk.InputError as error:
        (status,) = {code for words, code in REFUSED.items() if words in str(error)}
    engine = pipeline._engine
    if isinstance(engine, NativeEngine):
        status = engine._lib.anom_pipeline_downlink(engine._pipeline, data, len(data))
    return [status, _in_results(pipeline.process(np.zeros((0, pipeline.plan.columns), np.int16)))]


def _in_results(results: list) -> Json:
    return [[r.hop, r.score, int(r.judged), int(r.void), b"".join(map(bytes, r.events)).hex()] for r in results]


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, *what), found in zip(given["steps"], expect, strict=True):
        step: dict[str, Any] = {"operation": OPERATIONS.index(operation)}
        if operation == "push":
            step |= {"n": len(what[0]), "samples": np.ravel(what[0]).astype(int).tolist()}
        elif operation == "gap":
            step |= {"n": what[0]}
        elif operation == "operate":
            step |= {"n": what[0], "argument": what[1]}
        results = found
        if operation == "save":
            step, results = step | {"n": len(found) // 2, "record": list(bytes.fromhex(found))}, []
        elif operation == "export":
            step, results = step | _c_export(given["plan"], found, *what), []
        elif operation == "downlink":
            data = list(bytes.fromhex(*what))
            step, results = step | {"n": len(data), "record": data or None, "taken": found[1]}, found[2]
        elif operation == "restore":
            data = list(bytes.fromhex(*what))
            step, results = step | {"n": len(data), "record": data, "taken": found[0]}, found[1]
        step |= {"n_results": len(results), "results": [*map(_c_result, results)]}
        steps.append(step)
    return {"plan": c_whole_plan(given["plan"]), "n_steps": len(steps), "steps": steps}


def _c_export(plan: Json, found: str, device: int, boot: int, since: str | None) -> Json:
    """The fields of a step that exports: C knows the length of an earlier export, and is given no other one."""
    size = 44 + 12 * plan["ladder"]["raise_scores"]["shape"][0]
    made = {"n": size, "argument": boot, "device_high": device >> 32, "device_low": device & 0xFFFFFFFF}
    made["record"] = list(bytes.fromhex(found)) or None
    if since is not None:
        earlier = bytes.fromhex(since)
        made["since"] = list(earlier) if len(earlier) == size else [0] * size
    return made


def _c_result(found: Json) -> Json:
    hop, score, judged, _, event = found
    kept = {"hop": hop, "score": score, "judged": judged}
    return kept | {"event": list(bytes.fromhex(event)) or None}


def c_whole_plan(plan: Json) -> dict[str, Any]:
    """All of `anom_plan`, with duty, alarm and health where there are any."""
    made = c_plan(plan)
    columns, duty = scalar.columns_of(scalar.decoded({"extractor": plan["extractor"]})), plan.get("duty")
    made["record_bytes"] = Constant("ANOM_RECORD_BYTES")
    made["score_tag"] = list(bytes.fromhex(scalar.score_id(plan))[:8])
    if duty is not None:
        off = duty["every"] - duty["on"]
        pauses = {"shortest_pause": (off + 1) // 2, "longest_pause": off + duty["every"] // 16}
        pauses |= {"pause": Symbol("anom_duty_pause")}
        made["duty"] = Address("anom_duty_plan", pauses)
    if {"alarm", "health", "ladder"}.isdisjoint(plan):
        return made
    per_tick = plan["extractor"].get("hops_per_frame", 1) * plan["context"]["stride"]
    ticks_on = duty and scalar.ticks_in(duty["on"], plan)
    alarm = plan.get("alarm", scalar.NO_ALARM) | {"hops_per_tick": per_tick}
    alarm["due_q31"] = scalar.due_q31(duty, ticks_on, plan["framer"]["hop"], per_tick)
    supervisor, room = {"alarm": alarm, "type": Symbol("anom_supervisor_functions")}, "ANOM_ALARM_BYTES"
    if "health" in plan:
        supervisor["health"] = Address("anom_health_plan", health_stem.c_plan(scalar.decoded(plan["health"]), columns))
        room += f" + ANOM_HEALTH_BYTES({columns})"
    if "ladder" in plan:
        sections = {"plan": scalar.decoded(plan["ladder"]), "promises": scalar.decoded(plan["promises"])}
        health_bytes = Constant(f"ANOM_HEALTH_BYTES({columns})" if "health" in plan else "0")
        fields = ladder_stem.c_plan(sections | {"timing": plan["timing"]}, health_bytes, plan["levels"])
        supervisor["ladder"] = Address("anom_ladder_plan", fields)
        n = fields["n_rungs"]
        room += f" + ANOM_LADDER_BYTES({n}) + {8 + -(32 + 17 * n) % 8}"
        supervisor["type"] = Symbol("anom_ladder_supervisor_functions")
        made["record_bytes"] = Constant(f"ANOM_RECORD_BYTES + ANOM_LADDER_BYTES({n})")
    return made | {
        "judge": Symbol("anom_ladder_judge" if "ladder" in plan else "anom_supervisor_judge"),
        "supervisor": Address("anom_supervisor_plan", supervisor),
        "supervisor_bytes": Constant(room),
    }


# Plans and steps

QUIET, HIT, MIDDLE = [100, -50], [1100, -450], [1000, -400]
"""Rows of the page's plan: below the clear level, at the raise level, and whatever lies between."""
CLIPPED = [1100, 32767]
DUTY = {"on": 4, "every": 20}
ALARM = scalar.NO_ALARM | {"latch": 1, "escalate_after": 40, "repeat": 25, "test": 3, "heartbeat": 7}


def with_sections(plan: Json, timing: Json | None = None, raise_score: int = 0, **sections: Json) -> Json:
    """A plan with other sections, and its digest."""
    made = {key: value for key, value in plan.items() if key != "sha256"} | sections
    made["timing"] = plan["timing"] | (timing or {})
    ratios = made["timing"]["clear_ratio_q16"], made["timing"]["high_ratio_q16"]
    made["levels"] = scalar.levels_of(raise_score or plan["levels"]["raise_score"], *ratios)
    return made | {"sha256": scalar.digest(made)}


def supervised(alarm: Json | None = None, health: Json | None = None, **changes: Json) -> Json:
    """The page's plan with a life cycle, and with health where it is given."""
    sections = {"alarm": alarm or ALARM}
    if health is not None:
        sections["health"] = encoded(health["plan"], raise_blocks="<u2", clear_blocks="<u2")
    return with_sections(tiny(), **sections, **changes)


def push(*rows: Json) -> list:
    return ["push", list(rows)]


def operate(operation: Operation, argument: int = 0) -> list:
    return ["operate", int(operation), argument]


def saved(plan: Json, *steps: Json) -> str:
    """The record after these steps."""
    return by_scalar({"plan": plan, "steps": [*steps, SAVE]})[-1]


def restored(plan: Json, *steps: Json) -> list:
    """The step that goes on after these."""
    return ["restore", saved(plan, *steps)]


def sealed(record: str, at: int, *values: int) -> list:
    """The step that restores a record with other bytes and the CRC that fits them."""
    data = bytearray.fromhex(record)
    data[at : at + len(values)] = bytes(values)
    return ["restore", bytes(data[:-4]).hex() + scalar.crc32(bytes(data[:-4])).to_bytes(4, "little").hex()]


def cases() -> Iterator[Case]:
    for name, guards, plan, steps in [*_plain(), *_supervised(), *_pauses(), *_refused()]:
        yield Case(name, guards, {"plan": plan, "steps": steps})


def _plain() -> Iterator[tuple]:
    plan = with_sections(tiny(), {"off_delay": 2, "m": 2, "n": 3, "on_delay": 1})
    before = [push(QUIET, HIT, HIT, HIT), ["gap", 3], push(HIT)]
    yield (
        "The record of a fresh pipeline",
        "A part that a plan does not have and that is not 0.",
        tiny(),
        [SAVE, push(QUIET), SAVE, RESET, SAVE],
    )
    yield (
        "An alarm goes on",
        "Hits, delays or an alarm that a record forgets; a hop index that begins anew; a sequence that is used twice.",
        plan,
        [
            *(*before, SAVE, RESET, restored(plan, *before), push(QUIET, QUIET, QUIET, HIT, HIT), SAVE),
            *(restored(plan, push(HIT, HIT)), push(HIT, HIT)),
        ],
    )
    other, lower = with_sections(plan, raise_score=900), with_sections(plan, raise_score=200)
    yield (
        "Another level, an alarm stands",
        "Counts of another level that go on; an alarm that a new level ends without a judged tick.",
        other,
        [restored(plan, *before), SAVE, push(MIDDLE, MIDDLE, MIDDLE, HIT, HIT, HIT)],
    )
    yield (
        "Another level, between two votes",
        "Hits of another level.",
        lower,
        [restored(plan, push(HIT, HIT)), SAVE, push(HIT, HIT, HIT)],
    )
    rows, steps = rows_that_jump(50), []
    follows = rows_plan()
    for size in (7, 12, 22):
        steps += [push(*rows[:size]), restored(follows, push(*rows[:size])), push(*rows[size : size + 8]), SAVE]
    yield (
        "A baseline and its reference rung",
        "A level that begins anew, or that goes on while the reference was in alarm.",
        follows,
        steps,
    )
    full = "ffffffff"
    numbers = saved(plan, *before)
    yield (
        "Numbers at their end",
        "Numbers in the byte order of the processor; a hop index, a sequence or a count that is signed.",
        plan,
        [
            sealed(numbers, 20, 0xFE, 0xFF, 1, 0, *bytes.fromhex(full)),
            SAVE,
            push(HIT, QUIET),
            sealed(numbers, 28, *bytes.fromhex(full * 3)),
            SAVE,
            push(HIT, QUIET, HIT),
            SAVE,
        ],
    )


def _supervised() -> Iterator[tuple]:
    plan = supervised({**ALARM, "heartbeat": 2, "heartbeat_rest_q16": 40000})
    before = [push(QUIET, HIT, QUIET, QUIET), operate(Operation.SILENCE, 30), operate(Operation.TEST), push(QUIET)]
    yield (
        "A latched alarm goes on",
        "A flag, a score or a clock of the alarm that a record forgets; a restart that is not told as restored.",
        plan,
        [*before, SAVE, restored(plan, *before), SAVE, push(*[QUIET] * 6), operate(Operation.ACKNOWLEDGE), SAVE],
    )
    unlatched = supervised({**ALARM, "latch": 0})
    yield (
        "A latched alarm under a plan without latch",
        "An alarm that nothing can end.",
        unlatched,
        [restored(plan, *before), SAVE, push(QUIET)],
    )
    waits = supervised({**ALARM, "cancel": 9})
    early = [push(HIT, HIT)]
    yield (
        "A prealarm goes on",
        "A cancel window that begins anew.",
        waits,
        [
            restored(waits, *early),
            *[push(QUIET)] * 3,
            restored(waits, *early, push(*[QUIET] * 6)),
            push(HIT, HIT),
            SAVE,
        ],
    )
    out = [push(HIT), operate(Operation.OUT_OF_SERVICE, 1), push(HIT, QUIET)]
    yield (
        "Out of service",
        "A device that comes back in service by itself.",
        plan,
        [restored(plan, *out), push(HIT), operate(Operation.OUT_OF_SERVICE, 0), push(HIT), SAVE],
    )
    yield (
        "From a plan without a life cycle, and to one",
        "An alarm that no plan but its own takes.",
        plan,
        [restored(tiny(), push(QUIET, HIT, HIT)), SAVE, operate(Operation.ACKNOWLEDGE), push(QUIET, QUIET)],
    )
    yield (
        "To a plan without a life cycle",
        "An acknowledged alarm that is raised again.",
        tiny(),
        [restored(plan, push(QUIET, HIT), operate(Operation.ACKNOWLEDGE)), SAVE, push(HIT, QUIET, HIT)],
    )
    watched = supervised(health={"plan": LIMITS["plan"] | {"warm_up": 2, "settle": 1}})
    ill = [push(QUIET, QUIET, QUIET, HIT), operate(Operation.SUPPLY, 1), push(CLIPPED), operate(Operation.MISSING, 299)]
    yield (
        "Conditions go on and warm-up begins again",
        "A condition that is told twice, or that ends by itself; a block of before that decides.",
        watched,
        [*ill, SAVE, restored(watched, *ill), SAVE, push(QUIET, HIT, HIT, HIT), operate(Operation.SUPPLY, 0), SAVE],
    )
    beats = [push(HIT, QUIET, QUIET)]
    yield (
        "A heartbeat over a restart",
        "A highest score or a count of judged ticks from before that is forgotten.",
        plan,
        [push(QUIET), restored(plan, *beats), push(QUIET, QUIET, QUIET), SAVE],
    )


def _pauses() -> Iterator[tuple]:
    votes = {"m": 2, "n": 2, "off_delay": 9, "clear_after": 12}
    plain, plan = with_sections(tiny(), votes, duty=DUTY), supervised(timing=votes, duty=DUTY)
    yield (
        "The shortest and the longest pause",
        "A limit that is off by one; a half that is rounded down.",
        with_sections(plain, duty={"on": 5, "every": 32}),
        [step for n in (13, 14, 29, 30, 27) for step in (push(HIT), ["gap", n], push(HIT, QUIET), RESET)],
    )
    for kind, of in (("", plain), (" with a life cycle", plan)):
        yield (
            f"An alarm clears over pauses{kind}",
            "A pause that is a gap; an alarm that goes on for ever.",
            of,
            [push(HIT, HIT), ["gap", 16], push(QUIET), ["gap", 16], push(QUIET, HIT), ["gap", 17], push(HIT), SAVE],
        )
    yield (
        "A pause behind no tick is a gap",
        "A pause after a break in which no tick was completed.",
        plan,
        [["gap", 16], push(HIT), ["gap", 16], ["gap", 16], push(HIT, HIT), SAVE],
    )
    duty_rows = with_sections(
        rows_plan(), {"m": 2, "n": 2, "on_delay": 0, "clear_after": 9}, duty={"on": 9, "every": 40}
    )
    rows = rows_that_jump(50)
    yield (
        "A baseline over pauses",
        "A reference rung that a pause resets, or that it leaves alone.",
        duty_rows,
        [step for i in range(4) for step in (push(*rows[9 * i + 3 : 9 * i + 12]), ["gap", 31])] + [SAVE],
    )
    watched = health_stem.given_of(on={4: (1, 1)}, block=1, clip_low=-32768, clip_high=32767, warm_up=1, settle=1)
    yield (
        "A pause while a condition voids ticks",
        "Service that a fault does not interrupt; the health of another pipeline.",
        supervised(health=watched, timing=votes, duty=DUTY),
        [push(QUIET, QUIET, HIT, HIT, QUIET, CLIPPED), ["gap", 16], SAVE, push(QUIET, QUIET), SAVE],
    )
    wakes = supervised(health=watched, timing=votes, duty=DUTY)
    yield (
        "A pause behind a record, in warm-up",
        "A device whose sleep loses its memory, and whose alarm no pause ends.",
        wakes,
        [restored(wakes, push(QUIET, HIT, HIT, HIT, QUIET)), ["gap", 16], SAVE, push(QUIET, QUIET)],
    )
    rows = rows_that_jump(50)
    sections = {"health": encoded(watched["plan"], raise_blocks="<u2", clear_blocks="<u2")}
    follows = with_sections(rows_plan(), {"off_delay": 9, "clear_after": 12}, duty=DUTY, **sections)
    clipped = [32767, *rows[49][1:]]
    yield (
        "Pauses of the reference rung",
        "A baseline that stays frozen over pauses in which the alarm clears; a fault that counts as service.",
        follows,
        [push(*rows[:20]), ["gap", 16], SAVE, push(*rows[20:40], clipped), ["gap", 16], SAVE, push(*rows[:20]), SAVE],
    )


def _refused() -> Iterator[tuple]:
    plan = supervised()
    whole = saved(plan, push(QUIET, HIT))
    torn = whole[:40] + "00" * 20 + whole[80:]
    yield (
        "A torn record",
        "Half a record that is taken; a pipeline that goes on instead of beginning anew.",
        plan,
        [push(HIT, HIT), ["restore", torn], SAVE, push(HIT), ["restore", whole[:-2]], ["restore", whole + "00"]],
    )
    yield (
        "A record of the future, or none at all",
        "A version that nobody reads; a mark or a length that nobody looks at; a refusal that stays.",
        plan,
        [sealed(whole, 2, 2), sealed(whole, 0, 0x62), sealed(whole, 4, 0x89), ["restore", whole], push(QUIET)],
    )
    yield (
        "A record of another score_id",
        "Scores of another plan that go on as if they could be compared.",
        with_sections(plan, {"off_delay": 1}),
        [["restore", whole], push(HIT)],
    )
    outside = [sealed(whole, 17, state) for state in (1, 6, 8)] + [sealed(whole, 22, 2), sealed(whole, 22, 0xFF, 0xFF)]
    outside += [sealed(whole, 52, 2), sealed(whole, 54, 0, 1), sealed(whole, 62, 1), sealed(whole, 104, 0, 0x20)]
    yield (
        "Numbers out of range",
        "A number that no pipeline writes, and that leads out of a table or a register.",
        plan,
        [*outside, SAVE],
    )
    yield (
        "A refused record of a plain plan",
        "An alarm, a level or a sequence that survives.",
        rows_plan(),
        [push(*rows_that_jump(20)), ["restore", torn], SAVE, push(*rows_that_jump(6)), SAVE],
    )
