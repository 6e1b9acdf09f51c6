"""Checks of the retention table and of what leaves."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

from anomsdk.audit.check import Check, Finding, Subject, Verdict
from anomsdk.audit.retention.compiled import differences, of_cffi
from anomsdk.audit.retention.event_flow import sent
from anomsdk.audit.retention.image import compare, outlived
from anomsdk.audit.retention.leaving import leaving
from anomsdk.audit.retention.table import table
from anomsdk.core.plan import Plan
from anomsdk.cport.layout import layout
from anomsdk.runtime.engines.native import CPlan
from anomsdk.runtime.native_module import load_native, why_missing
from anomsdk.utils.text import counted

_NAMED = 5
"""Most differences that a result names."""


def check_sum(subject: Subject) -> Finding:
    """Compare the sum of the retention table with the memory that the plan asks for."""
    plan = _plan_of(subject)
    module = load_native()
    pointer_bytes = int(module.ffi.sizeof("void *"))
    sums = {size: sum(field.size for field in table(plan, size)) for size in {4, pointer_bytes}}
    asked = {4: layout(plan).ram_bytes}
    asked[pointer_bytes] = int(module.lib.anom_pipeline_bytes(CPlan(plan, module).pointer))
    wrong = [f"{sums[size]} bytes in the table, {asked[size]} asked for" for size in sums if sums[size] != asked[size]]
    wrong += _holes(plan)
    wrong += differences(of_cffi(module.ffi), pointer_bytes)
    evidence = {
        "bytes_in_table": {str(size): sums[size] for size in sorted(sums)},
        "bytes_asked_for": {str(size): asked[size] for size in sorted(asked)},
        "fields": len(table(plan)),
        "differences": wrong,
    }
    result = f"{counted(len(table(plan)), 'field')} of {sums[4]:,} bytes together, as the plan asks for"
    return _finding(plan, wrong, result, evidence)


def check_image(subject: Subject) -> Finding:
    """Compare the memory of a native pipeline with the retention table, byte by byte."""
    plan = _plan_of(subject)
    found = [compare(plan, seed=seed) for seed in subject.seeds]
    lines = [f"{moment}: {name} {what}" for each in found for moment, name, what in each.wrong]
    evidence = {
        "seeds": list(subject.seeds),
        "bytes": found[0].bytes,
        "bytes_with_an_expected_value": min(each.exact for each in found),
        "fields_without_an_expected_value": list(found[0].of_signal),
        "moments": sum(each.moments for each in found),
        "differences": lines,
    }
    result = (
        f"all {found[0].bytes:,} bytes are what the table says, at {counted(sum(f.moments for f in found), 'moment')}"
    )
    return _finding(plan, lines, result, evidence)


def check_times(subject: Subject) -> Finding:
    """Look for bytes that depend on a sample for longer than the retention table says."""
    plan = _plan_of(subject)
    found = [outlived(plan, seed=seed) for seed in subject.seeds]
    lines = [f"{name} depends on a sample of {age_ms:,g} ms ago" for _, each in found for age_ms, name in each]
    evidence = {
        "seeds": list(subject.seeds),
        "ms": {field.name: field.ms for field in table(plan) if field.ms},
        "moments": sum(moments for moments, _ in found),
        "differences": lines,
    }
    result = f"no field outlives its time, at {counted(sum(moments for moments, _ in found), 'moment')}"
    return _finding(plan, lines, result, evidence)


def check_events(subject: Subject) -> Finding:
    """Count the events of random streams, and look at what they hold."""
    plan = _plan_of(subject)
    found = [each for seed in subject.seeds for each in sent(plan, seed=seed)]
    wrong = [f"{each.stream}: {line}" for each in found for line in each.wrong]
    evidence = {
        "seeds": list(subject.seeds),
        "streams": [asdict(each) for each in found],
        "leaves": [asdict(flow) for flow in leaving(plan)],
    }
    events = sum(each.events for each in found)
    hours = sum(each.hours for each in found)
    result = f"{counted(events, 'event')} in {hours:.3g} h of signal, none beyond what the plan allows"
    return _finding(plan, wrong, result, evidence)


def _plan_of(subject: Subject) -> Plan:
    assert subject.plan is not None, "the runner gives a plan to checks that need one"
    return subject.plan


def _holes(plan: Plan) -> list[str]:
    """Return the fields of the table that do not begin where the one before ends."""
    fields = table(plan)
    ends = [0, *(field.end for field in fields)]
    return [
        f"{f.name} begins at {f.offset}, not at {end}" for f, end in zip(fields, ends, strict=False) if f.offset != end
    ]


def _finding(plan: Plan, wrong: list[str], result: str, evidence: dict[str, object]) -> Finding:
    if wrong:
        result = f"{counted(len(wrong), 'difference')}: {'; '.join(wrong[:_NAMED])}"
    looked_at = {f"plan {plan.name}": plan.id}
    if why_missing() is None:
        compiled = Path(str(load_native().__file__))
        looked_at["anomsdk.runtime._native"] = hashlib.sha256(compiled.read_bytes()).hexdigest()
    return Finding(Verdict.FAILED if wrong else Verdict.SHOWN, result, evidence=evidence, looked_at=looked_at)


CHECKS: tuple[Check, ...] = (
    Check(
        id="retention.sum",
        title="The retention table names every byte of the memory that the plan asks for.",
        method="The table is computed from the plan; its sum is compared with the size that Python computes and with "
        "the size that the C port asks for, and the members of its structs with those that the compiler has placed.",
        limits=(
            "The structs are compared on this machine; for a microcontroller the project's tests compare the debug "
            "information of a program for a Cortex-M4.",
            "Registers, the stack and the blocks that are pushed are not part of this memory.",
        ),
        run=check_sum,
        quick=True,
    ),
    Check(
        id="retention.image",
        title="Each byte of a pipeline's memory holds what the retention table says, after every block, gap and reset.",
        method="A native pipeline takes two known signals in memory that the check reads. Each byte is compared with "
        "its expected value: samples of the window, features and counts of the engine reference, zeros in the scratch. "
        "Bytes in which the two signals differ must be declared as coming from the signal.",
        limits=(
            "The memory is read between two calls, not during one.",
            "It is the memory of the native engine on this machine; no input from outside is given.",
            "The signals are noise with gaps; other signals could reach other states.",
        ),
        run=check_image,
        quick=True,
    ),
    Check(
        id="retention.times",
        title="No sample, statistic, energy or feature stays for longer than the retention table says.",
        method="A native pipeline takes two signals that differ at the beginning and are equal from then on. After "
        "each hop their memories may differ only in fields whose time has not passed.",
        limits=(
            "Time is that of the stream: while no sample comes and no gap is declared, what is kept stays.",
            "Scores, counts and slow means depend on all of the past and have no time; reset wipes them.",
        ),
        run=check_times,
        quick=True,
    ),
    Check(
        id="leaving.events",
        title="Events leave no more often, and with no other fields, than the retention of the plan says.",
        method="Random streams with silence, impulses, full scale and gaps run through a pipeline; their events are "
        "counted and compared with the bound that follows from the plan, and their fields with the values that count.",
        limits=(
            "Bits are an upper bound that counts values; what somebody concludes from events is not measured.",
            "The times of alarms say something about people, however few the bits are.",
            "Inputs from outside and what a program sends beside events are not counted.",
        ),
        run=check_events,
        quick=True,
    ),
)
"""Checks of this area."""
