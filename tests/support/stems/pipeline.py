"""pipeline: a stream of samples, gaps and resets through a whole plan."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

import anomsdk
from anomsdk.cport.fields import Constant
from anomsdk.cport.structs import C_FORMAT
from anomsdk.plans.file import parse_plan
from tests import scalar
from tests.support.make import ROOT
from tests.support.stems import Case, Given, Json
from tests.support.stems.autoencoder import network
from tests.support.stems.extractors import LIMITS
from tests.support.stems.fft import noise, tables
from tests.support.stems.filterbank import shares
from tests.support.stems.sections import (
    Address,
    Size,
    Symbol,
    c_autoencoder,
    c_context,
    c_extractor,
    c_reasons,
    c_timing,
)

OPERATIONS = ("push", "gap", "reset")
RESET = ["reset"]
LONGEST_GAP = 2**31 - 1


def file_of(plan: Json) -> bytes:
    """The plan's file: what the vectors hold, in its canonical form."""
    return scalar.canonical(plan).encode() + b"\n"


def by_scalar(given: Given) -> list:
    pipeline, found = scalar.Pipeline(file_of(given["plan"])), []
    for operation, *what in given["steps"]:
        if operation == "push":
            results = pipeline.process(*what)
            found.append([_result(r.hop, r.score, r.inputs, r.outputs, r.events) for r in results])
        else:
            getattr(pipeline, operation)(*what)
            found.append([])
    return found


def by_core(given: Given) -> list:
    return _in_engine(given, "reference")


def by_native(given: Given) -> list:
    return _in_engine(given, "native")


def _in_engine(given: Given, engine: str) -> list:
    plan, found = parse_plan(file_of(given["plan"]), name="plan"), []
    with anomsdk.Pipeline(plan, engine, tap=True) as pipeline:
        for operation, *what in given["steps"]:
            if operation == "push":
                block = np.array(what[0], np.int16)
                results = pipeline.process(block.reshape(-1, plan.columns) if plan.columns > 1 else block)
                outputs = anomsdk.reconstruct(plan, pipeline.tapped, engine).tolist()
                rows = zip(results, pipeline.tapped.tolist(), outputs, strict=True)
                found.append([_result(r.hop, r.score, x, y, [bytes(e) for e in r.events]) for r, x, y in rows])
            else:
                getattr(pipeline, operation)(*what)
                found.append([])
    return found


def _result(hop: int, score: int, inputs: Json, outputs: Json, events: list[bytes]) -> Json:
    found = {"hop": hop, "score": score, "inputs": inputs, "outputs": outputs}
    return found | {"events": [event.hex() for event in events]}


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, *what), found in zip(given["steps"], expect, strict=True):
        step: dict[str, Any] = {"operation": OPERATIONS.index(operation)}
        if operation == "push":
            samples = np.ravel(what[0]).astype(int).tolist()
            step |= {
                "n": len(what[0]),
                "samples": samples,
                "n_results": len(found),
                "results": [*map(_c_result, found)],
            }
        elif operation == "gap":
            step["n"] = what[0]
        steps.append(step)
    return {"plan": c_plan(given["plan"]), "n_steps": len(steps), "steps": steps}


def _c_result(found: Json) -> Json:
    (event,) = found["events"] or [""]
    kept = {name: value for name, value in found.items() if name != "events"}
    return kept | {"event": list(bytes.fromhex(event)) or None}


def c_plan(plan: Json) -> dict[str, Any]:
    """All of `anom_plan`."""
    sections = scalar.decoded({key: value for key, value in plan.items() if key != "provenance"})
    return {
        "format": C_FORMAT,
        "plan_size": Size("anom_plan"),
        "framer": sections["framer"],
        "extractor": c_extractor(sections["extractor"]),
        "context": c_context(sections["context"]),
        "autoencoder": c_autoencoder(sections["layers"]),
        "score": sections["score"],
        "baseline": c_baseline(sections["baseline"], sections["timing"]),
        "timing": c_timing(sections["timing"]),
        "levels": sections["levels"],
        "reasons": c_reasons(sections["reasons"]),
        "judge": Symbol("anom_alert_judge"),
        "record_bytes": Constant("ANOM_RECORD_BYTES"),
        "id": list(bytes.fromhex(scalar.plan_id(plan))),
    }


def c_baseline(baseline: Json, timing: Json) -> dict[str, Any]:
    """All of `anom_baseline_plan`: the levels of the reference, where there is one."""
    fields = {name: value for name, value in baseline.items() if name != "reference_score"}
    reference = scalar.reference_of(baseline, timing)
    return fields | {"reference": reference and Address("anom_level_plan", reference.levels)}


# Plans


def tiny() -> Json:
    """The whole plan of docs/spec.md."""
    page = (ROOT / "docs/spec.md").read_text(encoding="utf-8")
    return json.loads(re.findall(r'```text\n(\{"baseline".*\}\n)```', page)[-1])


DTYPES = {"weights": "i1", "multiplier": "<i4", "gain": "<i4", "bias": "<i4", "shift": "u1", "edges": "<u2"}
DTYPES |= {"window_q15": "<i2", "cos_q15": "<i2", "minus_rise_q15": "<i2", "offset_q10": "<i4"}
OFF = {"start": 0, "rise_q16": 0, "fall_q16": 0, "limit_q16": 0, "hold": 0}


def encoded(section: Json, **dtypes: str) -> Json:
    """A section as the file holds it: arrays in base64."""
    if isinstance(section, dict):
        dtypes = DTYPES | dtypes
        return {
            key: array(value, dtypes[key]) if key in dtypes and isinstance(value, list) else encoded(value)
            for key, value in section.items()
        }
    return section


def array(values: Json, dtype: str) -> Json:
    made = np.array(values, dtype)
    return {"data": base64.b64encode(made.tobytes()).decode(), "dtype": dtype, "shape": list(made.shape)}


def plan_of(
    name: str, extractor: Json, context: Json, layers: Json, alert: dict[str, int], baseline: Json, hop: int = 1
) -> Json:
    """A plan file: what is not given follows."""
    hears = extractor["kind"] != "external"
    first, last = layers[0]["input_zero_point"], layers[-1]["output_zero_point"]
    timing = {"off_delay": 0, "cooldown": 0, "clear_ratio_q16": 52429, "high_ratio_q16": 0} | alert
    raise_score = timing.pop("raise_score")
    n_in = len(layers[0]["weights"][0])
    score = {"weights": [1 + i % 3 for i in range(n_in)], "input_gain": 16384, "output_gain": 15000, "shift": 10}
    edge = {"scale_bits": 0x3D800000, "type": "int8"}
    plan = {
        "format": 1,
        "name": name,
        "sensor": {"kind": "audio" if hears else "external", "rate_millihertz": 16_000_000},
        "framer": {"window": extractor["fft"]["length"] if hears else 1, "hop": hop},
        "extractor": encoded(extractor),
        "context": encoded(context),
        "layers": [encoded(layer, shift="i1") for layer in layers],
        "score": encoded(score | {"input_zero_point": first, "output_zero_point": last}, weights="u1"),
        "baseline": baseline,
        "timing": timing,
        "levels": scalar.levels_of(raise_score, timing["clear_ratio_q16"], timing["high_ratio_q16"]),
        "reasons": encoded(reasons_of(n_in), groups="u1", codes="u1", gain="<i4"),
        "model": {"sha256": "0" * 64, "input": edge | {"zero_point": first}, "output": edge | {"zero_point": last}},
        "provenance": {"note": "golden vectors"},
    }
    return plan | {"sha256": scalar.digest(plan)}


def reasons_of(n_in: int) -> Json:
    """Groups that take turns, the last input of all directions."""
    n_groups = min(5, n_in)
    marks = [i % n_groups | (0x90 if i < n_in - 1 else 0x30) for i in range(n_in)]
    return {
        "groups": marks,
        "codes": [7 * g + 3 for g in range(n_groups)],
        "gain": [1 << (3 * g) for g in range(n_groups)],
    }


def layers_of(*widths: int, seed: int) -> Json:
    return network(list(widths), seed)["layers"]


def affine(n: int, gain: int, bias: int, shift: int) -> Json:
    return {"gain": [gain] * n, "bias": [bias] * n, "shift": [shift] * n, "low": -127, "high": 127}


def logmel_plan(frames: int = 2, hop: int = 24, **changes: int) -> Json:
    """Windows that overlap, two frames of three bands, an alarm of two votes."""
    bank = {"edges": [2, 5, 5, 9, 9, 14, 14, 20], "minus_rise_q15": shares(18), "value_bits": 13}
    extractor = {"kind": "logmel", "fft": tables(64), "filterbank": bank | {"offset_q10": [-78848] * 3}}
    extractor |= {"limits": LIMITS, "normalisation": affine(3, 19574, 134217728, 21)}
    alert = {"m": 2, "n": 3, "on_delay": 0, "raise_score": 12_500_000}
    context = {"kind": "stack", "frames": frames, "stride": 1}
    layers = layers_of(3 * frames, 2, 3 * frames, seed=71)
    return plan_of("logmel", extractor, context, layers, alert | changes, OFF, hop=hop)


def bands_plan() -> Json:
    """Two hops a frame, statistics of frames every second frame, a baseline."""
    bank = {"edges": [2, 3, 4, 5, 8, 9, 16, 17], "minus_rise_q15": [-16384] * 4, "value_bits": 14}
    extractor = {"kind": "bands", "fft": tables(64), "filterbank": bank | {"offset_q10": [-78848] * 3}}
    extractor |= {"limits": LIMITS, "hops_per_frame": 2, "mean_q10": -1024, "headroom": 2}
    extractor |= {"normalisation": affine(5, 19574, 134217728, 21)}
    statistics = {"kind": "summary", "frames": 2, "stride": 2, "statistics": ["deviation", "max"]}
    maps = affine(10, 3, 2, 2)
    alert = {"m": 1, "n": 2, "on_delay": 0, "raise_score": 1_000_000, "cooldown": 3, "high_ratio_q16": 4 * 65536}
    baseline = {"start": 33_000_000, "rise_q16": 6554, "fall_q16": 32768, "limit_q16": 1 << 37, "hold": 2}
    baseline["reference_score"] = 800_000
    layers = layers_of(10, 4, 10, seed=72)
    return plan_of("bands", extractor, statistics | {"normalisation": maps}, layers, alert, baseline, hop=24)


def rows_plan() -> Json:
    """Two values a row, two frames every third row: many ticks of few numbers."""
    extractor = {"kind": "external", "normalisation": affine(2, 1, 4, 3)}
    context = {"kind": "stack", "frames": 2, "stride": 3}
    alert = {"m": 1, "n": 1, "on_delay": 1, "off_delay": 0, "cooldown": 4, "raise_score": 400_000}
    baseline = {"start": 200_000, "rise_q16": 20000, "fall_q16": 50000, "limit_q16": 1 << 34, "hold": 2}
    baseline["reference_score"] = 500_000
    return plan_of("rows", extractor, context, layers_of(4, 2, 4, seed=73), alert, baseline)


def cut(samples: Json, *sizes: int) -> list:
    """Pushes of blocks of these sizes, then of the rest."""
    steps = []
    for size in (*sizes, len(samples)):
        steps.append(["push", samples[:size]])
        samples = samples[size:]
    return steps


def loud_then_quiet(n: int, seed: int) -> list[int]:
    """Noise whose loudness changes every 100 samples."""
    return [v >> (i // 100 * 5) % 9 for i, v in enumerate(noise(n, seed, 11))]


def rows_that_jump(n: int) -> list[list[int]]:
    """Rows whose values jump every eight rows."""
    return [[(i * 37) % 100 + (900 if i // 8 % 2 else 0), (i * 53) % 90] for i in range(n)]


def cases() -> Iterator[Case]:
    for name, guards, plan, steps in [*_of_the_page(), *_of_windows(), *_of_bands(), *_of_rows()]:
        yield Case(name, guards, {"plan": plan, "steps": steps})


def _of_the_page() -> Iterator[tuple]:
    rows = [[100, -50], [1100, -450], [0, 0], [-32768, 32767], [612, 120]]
    yield "The worked example", "Any slip: it is in docs/spec.md.", tiny(), cut(rows)
    yield (
        "The worked example row by row, and empty blocks",
        "Results that depend on how the stream is cut.",
        tiny(),
        cut(rows, 0, 1, 1, 0, 2, 1),
    )
    yield (
        "Gaps between rows",
        "A gap of 0 that is one; a hop index that stands still; an alarm that a gap ends.",
        tiny(),
        [*cut(rows[:2]), ["gap", 0], ["push", rows[1:2]], ["gap", 1], *cut(rows[:3]), ["gap", 1000], *cut(rows)],
    )
    yield (
        "The hop index wraps",
        "An index of 64 bits, or a signed one, in the result or the event.",
        tiny(),
        [["gap", LONGEST_GAP], ["push", rows[1:2]], ["gap", LONGEST_GAP - 1], *cut(rows)],
    )
    yield (
        "A reset in an alarm",
        "A hop index, an alarm or a sequence number that survives.",
        tiny(),
        [*cut(rows[:2]), RESET, *cut(rows), RESET, RESET, *cut(rows[1:2])],
    )


def _of_windows() -> Iterator[tuple]:
    samples = loud_then_quiet(64 + 24 * 8, 74)
    yield (
        "Windows that overlap, in one block",
        "Windows, frames or ticks that are counted from the wrong place.",
        logmel_plan(),
        cut(samples),
    )
    yield (
        "Windows that overlap, in blocks of 1, 63, 24 and more",
        "Results that depend on how the stream is cut, or a gap of 0 that is one.",
        logmel_plan(),
        [step for block in cut(samples, 1, 62, 1, 23, 2, 100, 0, 3) for step in (block, ["gap", 0])],
    )
    yield (
        "A gap in a window",
        "A window, or a context, that spans a gap.",
        logmel_plan(),
        [*cut(samples[:100]), ["gap", 7], *cut(samples[100:])],
    )
    loud, silence = samples[:64], [0] * 64  # of these, silence has the higher score
    yield (
        "The longest gap, with a hop of 1, ends the longest cooldown",
        "Lost hops in int32.",
        logmel_plan(1, 1, m=1, raise_score=30_000_000, cooldown=LONGEST_GAP),
        [*cut(silence), ["gap", 1], *cut(loud), ["gap", LONGEST_GAP], *cut(silence)],
    )


def _of_bands() -> Iterator[tuple]:
    samples = loud_then_quiet(64 + 24 * 12, 75)
    yield (
        "Bands, statistics and a baseline",
        "Ticks that do not come every hops_per_frame * stride hops.",
        bands_plan(),
        cut(samples, 100),
    )
    yield (
        "A gap within a frame of bands, and a reset",
        "A hop or a frame from before a gap; a level, a sum or a window from before a reset.",
        bands_plan(),
        [*cut(samples[:70]), ["gap", 40], *cut(samples[100:-24]), RESET, *cut(samples[-150:])],
    )


def _of_rows() -> Iterator[tuple]:
    rows = rows_that_jump(50)
    yield "Alarms over a baseline", "A level that moves in an alarm, or before the score.", rows_plan(), cut(rows)
    yield (
        "A reset of baseline, context and alert",
        "A level, a frame, the phase of the stride or a count that survives a reset.",
        rows_plan(),
        [*cut(rows[:12]), RESET, *cut(rows[4:12]), RESET, *cut(rows[8:17])],
    )
    yield (
        "Gaps and a cooldown",
        "Lost ticks that are counted in rows or frames, or whose remainders are added up.",
        rows_plan(),
        [step for i in range(5) for step in (*cut(rows[10 * i : 10 * i + 10]), ["gap", 4])],
    )
