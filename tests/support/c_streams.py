"""Streams with gaps through small plans, and what engine reference gives for them: data for tests/c/streams.c."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.core.affine import AffinePlan
from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.bands import BandsPlan
from anomsdk.core.baseline import BaselinePlan
from anomsdk.core.context import SummaryPlan
from anomsdk.core.days import DaysPlan
from anomsdk.core.diary import COLUMNS, DiaryPlan
from anomsdk.core.external import ExternalPlan
from anomsdk.core.filterbank import FilterbankPlan
from anomsdk.core.fixed import log2_q10
from anomsdk.core.levels import LimitsPlan
from anomsdk.core.plan import Plan
from anomsdk.core.rung import levels
from anomsdk.core.score import ScorePlan
from anomsdk.cport.layout import layout
from anomsdk.cport.source import plan_source
from anomsdk.planner.score import reasons_plan
from anomsdk.runtime.golden import golden_digest
from tests import scalar
from tests.support import c_uses
from tests.support.day_plans import any_days_plan
from tests.support.make import BANDS, EXTERNAL, LOGMEL, MOTION, make_folder

# Plans: every branch of the stages is taken by one of them


def changed(text: str, **values: object) -> str:
    """A spec with other values; ``name_`` for a key of the [alert] section that is new."""
    for key, value in values.items():
        shown = f'"{value}"' if isinstance(value, str) else str(value).replace("'", '"')
        text, n = re.subn(rf"^{key} = .*$", f"{key} = {shown}", text, flags=re.M)
        if n == 0:
            text += f"{key} = {shown}\n"
    return text


SPECS = {
    "meter": changed(EXTERNAL, m=2, n=3, on_delay_s=0.1, off_delay_s=0.2, cooldown_s=0.6, high_ratio=6),
    "rows": changed(
        EXTERNAL.replace('kind = "stack"', 'kind = "summary"\nstatistics = ["deviation", "min", "mean", "max"]'),
        name="rows", n_features=5, frames=4, stride=3, m=1, n=1, off_delay_s=0, cooldown_s=0, high_ratio=0,
    ),
    "single": changed(EXTERNAL, name="single", n_features=1, frames=1, stride=1, m=4, n=16, high_ratio=0),
    "wide": changed(EXTERNAL, name="wide", n_features=300, frames=1, stride=20, m=1, n=1, off_delay_s=0, cooldown_s=0),
    "pair": changed(
        EXTERNAL.replace('kind = "stack"', 'kind = "summary"\nstatistics = ["max", "min"]'),
        name="pair", n_features=2, frames=256, stride=165, m=1, n=1, off_delay_s=0, cooldown_s=0,
    ),
    "room": changed(
        BANDS, fft_length=256, hop_length=100, n_bands=6, band_ms=18.75, frames=3, stride=2, fmin_hz=60, fmax_hz=8000,
        statistics=["mean", "max", "deviation", "min"], m=1, n=2, off_delay_s=0, cooldown_s=0.5,
    ),
    "hum": changed(
        BANDS, name="hum", fft_length=64, hop_length=64, n_bands=1, band_ms=32, frames=1, stride=1, fmin_hz=800, fmax_hz=3000,
        m=1, n=1, off_delay_s=0, cooldown_s=0, high_ratio=1.5,
    ),
    "edge": changed(
        BANDS, name="edge", fft_length=512, hop_length=255, n_bands=3, band_ms=31.875, frames=1, stride=1, m=1, n=1,
        off_delay_s=0, cooldown_s=0,
    ),
    "comb": changed(
        BANDS.replace('kind = "summary"', 'kind = "stack"').replace('statistics = ["mean", "deviation", "max"]\n', ""),
        name="comb", fft_length=64, hop_length=32, n_bands=1, band_ms=8, frames=1, stride=1, fmin_hz=800, fmax_hz=3000,
        m=1, n=1, off_delay_s=0, cooldown_s=0,
    ),
    "collar": changed(MOTION, window_s=0.34, hop_s=0.1, gravity_s=0.12, m=1, n=2, off_delay_s=0, cooldown_s=0.5),
    "machine": changed(
        LOGMEL, fft_length=128, hop_length=77, n_mels=11, frames=5, stride=2, off_delay_s=0.02, cooldown_s=0.05,
        fmax_hz=7000, m=2, n=3,
    ),
}  # fmt: skip
WIDTHS = {
    "rows": [20, 19, 5, 7],
    "single": [1, 1],
    "wide": [300, 1],
    "pair": [4],
    "comb": [68, 3],
    "odd_comb": [67, 3],
    "machine": [55, 3],
}
"""Models of their own: widths up to the last layer, which gives as many values as the first takes."""


def make_plans(folder: Path) -> dict[str, Plan]:
    """The plans, small and quick."""
    rng = np.random.default_rng(5)
    plans = {name: anomsdk.plan(make_folder(folder / name, text)) for name, text in SPECS.items()}
    follower = BaselinePlan(
        start=5_000, rise_q16=3_000, fall_q16=20_000, limit_q16=900 << 16, hold=3, reference_score=8_000
    )
    plans["meter"] = dataclasses.replace(plans["meter"], baseline=follower)
    plans["room"] = dataclasses.replace(plans["room"], baseline=dataclasses.replace(follower, start=0, hold=0))
    plans["pair"] = with_extremes(plans["pair"])
    plans["odd_comb"] = with_many_bands(dataclasses.replace(plans["comb"], name="odd_comb"), 65)
    plans["comb"] = with_many_bands(plans["comb"], 66)
    for name, widths in WIDTHS.items():
        layers = odd_layers([*widths, widths[0]], rng)
        plans[name] = with_layers(plans[name], layers, rng)
    high_bytes = ScorePlan(
        np.full(4, 255, np.uint8), *zero_points(plans["pair"]), input_gain=300, output_gain=211, shift=6
    )
    plans["pair"] = dataclasses.replace(plans["pair"], score=high_bytes)
    plans = {name: with_levels(plan) for name, plan in plans.items()}
    plans["cow"] = with_days(any_days_plan(folder / "cow", 2))
    for plan in plans.values():
        plan.check()
    scores = ("coverage", "highest_score", "mean_score")
    plans["room"] = dataclasses.replace(plans["room"], diary=DiaryPlan(900 << 16, 0, scores))
    plans["collar"] = dataclasses.replace(plans["collar"], diary=DiaryPlan((900 << 16) + 40_000, 65536, tuple(COLUMNS)))
    return plans


def with_levels(plan: Plan) -> Plan:
    """The plan with an alarm level that its stream crosses again and again."""
    scores = anomsdk.score(plan, make_stream(plan)[1], "reference")
    return dataclasses.replace(plan, levels=levels(int(np.percentile(scores, 55)), plan.timing))


def with_days(plan: Plan) -> Plan:
    """A plan of short days that are mature after two, and of columns that are missing or 0 now and then."""
    days = plan.extractor
    assert isinstance(days, DaysPlan)
    profile = dataclasses.replace(days.profile, mature=2, hold=5)
    days = dataclasses.replace(days, off_body=6, most_missing=days.slots // 4, profile=profile)
    plain = dataclasses.replace(plan, name="cow", extractor=days, alarm=None, health=None, ladder=None, promises=None)
    return with_levels(plain)


def with_extremes(plan: Plan) -> Plan:
    """Features that tell 32767 from 32766, and -32768 from -32767."""
    assert isinstance(plan.extractor, ExternalPlan)
    ends = dataclasses.replace(
        plan.extractor.normalisation,
        gain=np.array([2, 2], np.int32),
        bias=np.array([-2 * 32640, 2 * 32641], np.int32),
        shift=np.array([1, 1], np.uint8),
    )
    assert isinstance(plan.context, SummaryPlan)
    as_it_is = AffinePlan(np.full(4, 2, np.int32), np.zeros(4, np.int32), np.ones(4, np.uint8), -128, 127)
    context = dataclasses.replace(plan.context, normalisation=as_it_is)
    return dataclasses.replace(plan, extractor=ExternalPlan(ends), context=context)


def with_many_bands(plan: Plan, n_bands: int) -> Plan:
    """As many bands as 33 bins allow, each bin shared by two; a faint window, a floor out of reach."""
    assert isinstance(plan.extractor, BandsPlan)
    n_bins = 33
    edges = (np.arange(2 * n_bands + 2) + 1) // 4  # segments 2, 6, 10, ... have a bin each
    bank = FilterbankPlan(
        edges=edges.astype(np.uint16),
        minus_rise_q15=np.linspace(-32768, 0, n_bins).astype(np.int16),
        value_bits=14,
        offset_q10=np.full(n_bands, -90 << 10, np.int32),
    )
    n = n_bands + 2
    extractor = dataclasses.replace(
        plan.extractor,
        fft=dataclasses.replace(plan.extractor.fft, window_q15=np.ones(33, np.int16)),
        filterbank=bank,
        limits=LimitsPlan(floor_q10=-(1 << 20), range_q10=1 << 20),
        headroom=7,
        normalisation=AffinePlan(
            np.ones(n, np.int32), np.full(n, 80 << 10, np.int32), np.full(n, 9, np.uint8), -127, 127
        ),
    )
    return dataclasses.replace(plan, extractor=extractor)


def odd_layers(widths: list[int], rng: np.random.Generator) -> tuple[LayerPlan, ...]:
    """Layers with every liberty that a plan has: zero points of weights, one multiplier for all, shifts both ways."""
    layers = []
    zero_points = [int(z) for z in rng.integers(-20, 20, len(widths))]
    for index, (n_in, n_out) in enumerate(pairwise(widths)):
        n = 1 if index % 2 else n_out
        layers.append(
            LayerPlan(
                weights=rng.integers(-127, 128, (n_out, n_in)).astype(np.int8),
                bias=rng.integers(-3000, 3000, n_out).astype(np.int32),
                multiplier=rng.integers(1 << 30, 1 << 31, n).astype(np.int32),
                shift=rng.integers(-9, -6, n).astype(np.int8) - np.int8(round(np.log2(n_in) / 2)),
                input_zero_point=zero_points[index],
                weight_zero_point=int(rng.integers(-3, 4)),
                output_zero_point=zero_points[index + 1],
                act_low=-100 if index % 2 else -128,
                act_high=90 if index % 2 else 127,
            )
        )
    return tuple(layers)


def zero_points(plan: Plan) -> tuple[int, int]:
    """Of the model's inputs and outputs."""
    return plan.layers[0].input_zero_point, plan.layers[-1].output_zero_point


def with_layers(plan: Plan, layers: tuple[LayerPlan, ...], rng: np.random.Generator) -> Plan:
    """The plan with another model, whose inputs and outputs differ in scale and zero point."""
    first, last = layers[0].input_zero_point, layers[-1].output_zero_point
    weights = rng.integers(1, 4, layers[0].n_in).astype(np.uint8)
    edge = dataclasses.replace
    model = edge(
        plan.model, input=edge(plan.model.input, zero_point=first), output=edge(plan.model.output, zero_point=last)
    )
    score = ScorePlan(weights, first, last, input_gain=300, output_gain=211, shift=8)
    reasons = reasons_plan(plan.extractor, plan.context, score, None)
    return dataclasses.replace(plan, layers=layers, score=score, reasons=reasons, model=model)


# Streams

MOST_VALUES = 131_072
"""Of a block: as tests/c/streams.h has it."""


def make_stream(plan: Plan) -> tuple[list[tuple[str, int]], NDArray[np.int16]]:
    """Blocks of any length, gaps of any length and a reset; the samples of all blocks."""
    rng = np.random.default_rng(1)
    window, hop, tick, first = plan.framer.window, plan.framer.hop, plan.samples_per_tick, plan.samples_to_first_tick
    steps = [("PUSH", n) for n in (1, window - 1, hop, window, 2 * window + 1, 3 * tick)]
    for gap in (1, hop - 1, hop, hop + 1, window, 3 * tick, 2**31 - 1, 2**31 - 1):
        steps += [("PUSH", int(rng.integers(1, window + 1))), ("GAP", gap), ("PUSH", int(rng.integers(1, hop + 2)))]
        steps += [("GAP", int(rng.integers(1, hop + 1))), ("PUSH", first + tick)]
    steps += [("GAP", n) for n in (1, 1, 2, hop)]
    for _ in range(12):
        steps += [("PUSH", first + int(rng.integers(1, 3 * tick))), ("GAP", int(rng.integers(1, 6 * tick)))]
    steps += [("PUSH", 3 * tick) for _ in range(min(100, 60_000 // (3 * tick * plan.columns)))]
    steps += [("RESET", 0), ("PUSH", first + 3 * tick)]
    steps = [(kind, n) for kind, n in steps if n or kind == "RESET"]
    return steps, stream_values(sum(n for kind, n in steps if kind == "PUSH") * plan.columns).reshape(-1, plan.columns)


def stream_values(n: int) -> NDArray[np.int16]:
    """`value` of tests/c/streams.c, n of them."""
    i = np.arange(n, dtype=np.uint32)
    part = i // 1500 % 16
    x = i * np.uint32(0x9E3779B1)
    x = (x ^ x >> 15) * np.uint32(0x85EBCA77)
    x = (x ^ x >> 13) * np.uint32(0xC2B2AE3D)
    noise = (x >> 16).astype(np.uint16).view(np.int16)
    extreme = {
        10: 0,
        11: -32768,
        12: -(noise & 1),
        13: np.where(noise & 63 == 0, 32767, 0),
        14: np.where(i & 8, 32767, -32768),
    }
    return np.select(
        [part == k for k in extreme], list(extreme.values()), noise >> (part % 10).astype(np.int16)
    ).astype(np.int16)


def run(
    plan: Plan, steps: list[tuple[str, int]], samples: NDArray[np.int16], rows: list[list[int]]
) -> Iterator[tuple[anomsdk.Result, bytes]]:
    """The ticks, and the model's inputs of each; the rows of a diary are added to ``rows``."""
    at = 0
    with anomsdk.Pipeline(plan, "reference", tap=True) as pipeline:
        for kind, n in steps:
            if kind == "GAP":
                pipeline.gap(n)
                rows.extend(pipeline.rows().tolist())
            elif kind == "RESET":
                pipeline.reset()
            else:
                results = pipeline.process(samples[at : at + n])
                yield from zip(results, (row.tobytes() for row in pipeline.tapped), strict=True)
                at += n
                rows.extend(pipeline.rows().tolist())


# As C

MESSAGES = (0, 1, 3, 55, 56, 59, 60, 63, 64, 65, 119, 120, 127, 128, 200, 3_000_000)


def write(folder: Path) -> list[Path]:
    """Write the data and the plans into a folder; the sources to compile with tests/c/streams.c."""
    streams = make_plans(folder / "specs")
    used = c_uses.make_plans(folder / "herd", streams["comb"])
    assert not streams.keys() & used.keys()
    plans = {**streams, **used}
    made = [folder / "streams_data.c"]
    for name, plan in plans.items():
        source = folder / f"anom_plan_{name}.c"
        source.write_text(plan_source(plan))
        (folder / f"anom_plan_{name}.h").write_text(f'#include "anomsdk.h"\nextern const anom_plan anom_plan_{name};\n')
        made.append(source)
    includes = "".join(f'#include "anom_plan_{name}.h"\n' for name in plans)
    tables, entries = [], []
    for name, plan in plans.items():
        table, entry = _uses(name, plan) if name in used else _stream(name, plan)
        tables.append(table)
        entries.append(entry)
    messages = "".join(
        f"    {{{n}, {_bytes(hashlib.sha256((bytes(range(256)) * (n // 256 + 1))[:n]).digest())}}},\n" for n in MESSAGES
    )
    made[0].write_text(
        f'#include "streams.h"\n\n{includes}\n{"".join(tables)}const stream streams[] = {{\n{"".join(entries)}}};\n'
        f"const int32_t n_streams = {len(plans)};\n\nconst uint32_t logarithms = {_logarithms()}u;\n\nconst hashed messages[] = {{\n{messages}}};\n"
        f"const int32_t n_messages = {len(MESSAGES)};\n"
    )
    return made


def _stream(name: str, plan: Plan) -> tuple[str, str]:
    steps, samples = make_stream(plan)
    rows: list[list[int]] = []
    ticks = list(run(plan, steps, samples, rows))
    digest, _, _ = golden_digest(plan, "reference")
    tables = [
        f"static const step {name}_steps[] = {{{', '.join(f'{{{kind}, {n}}}' for kind, n in steps)}}};\n",
        f"static const tick {name}_ticks[] = {{\n{''.join(map(_tick, *zip(*ticks, strict=True)))}}};\n\n",
    ]
    entry = (
        f'    {{"{name}", &anom_plan_{name}, {layout(plan).buffers}, {name}_steps, {name}_ticks, '
        f"{len(steps)}, {len(ticks)}, {plan.n_inputs}, {_bytes(bytes.fromhex(digest))}, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL,\n"
        f"     {len(rows)}, {_fnv1a(np.array(rows, '<i2').tobytes())}u}},\n"
    )
    return "".join(tables), entry


def _uses(name: str, plan: Plan) -> tuple[str, str]:
    caller, own = c_uses.make_uses(plan, len(name), c_uses.CALLS), layout(plan)
    tables = [
        f"static const use {name}_uses[] = {{\n{''.join(map(_use, caller.calls))}}};\n",
        f"static const used {name}_results[] = {{\n{''.join(map(_used, caller.results))}}};\n",
        f"static const int16_t {name}_samples[] = {{{_numbers([x for row in caller.taken for x in row])}}};\n",
        f"static const uint8_t {name}_records[] = {{\n{''.join(map(_lines, caller.records))}}};\n\n",
    ]
    exports, counts = "NULL", "NULL"
    if caller.exports:
        exports, counts = f"{name}_exports", f"{name}_counts"
        known = [*dict.fromkeys(data for export in caller.exports for data in (export.since, export.made) if data)]
        tables.append(f"static const uint8_t {counts}[] = {{\n{''.join(map(_lines, known))}}};\n")
        rows = [
            f"    {{{e.device}u, {e.boot}, {e.size}, {known.index(e.since) if e.since else -1}, {known.index(e.made) if e.made else -1}}},\n"
            for e in caller.exports
        ]
        tables.append(f"static const exporting {exports}[] = {{\n{''.join(rows)}}};\n\n")
    size = str(own.buffers)
    if plan.is_supervised:
        size += " + ANOM_ALARM_BYTES"
    if plan.health is not None:
        size += f" + ANOM_HEALTH_BYTES({plan.columns})"
    if plan.ladder is not None:
        size += f" + (8 + ANOM_LADDER_BYTES({plan.ladder.n_rungs}) + 7) / 8 * 8"
    digest = bytes.fromhex(scalar.golden_digest(plan.canonical_bytes))
    entry = (
        f'    {{"{name}", &anom_plan_{name}, {size}, NULL, NULL, 0, 0, {plan.n_inputs}, {_bytes(digest)},\n'
        f"     {name}_uses, {name}_results, {name}_samples, {len(caller.calls)}, {len(caller.results)}, {name}_records,\n"
        f"     {exports}, {counts}, 0, 0}},\n"
    )
    return "".join(tables), entry


def _use(call: c_uses.Call) -> str:
    return f"    {{USE_{call.name}, {call.argument}u, {call.gives}, {call.signals}}},\n"


def _lines(data: bytes) -> str:
    return f"    {_numbers(list(data))},\n"


def _used(result: scalar.Result) -> str:
    inputs = bytes(value & 0xFF for value in result.inputs)
    (event,) = result.events or [b"\0"]
    numbers = f"{result.hop}u, {result.score}u, {_fnv1a(inputs)}u, {len(result.events)}"
    return f"    {{{{{numbers}, {_bytes(event)}}}, {int(result.judged)}}},\n"


def _tick(result: anomsdk.Result, inputs: bytes) -> str:
    (event,) = [bytes(event) for event in result.events] or [b"\0"]
    return f"    {{{result.hop}u, {result.score}u, {_fnv1a(inputs)}u, {len(result.events)}, {_bytes(event)}}},\n"


def _logarithms() -> int:
    i = np.arange(1 << 20, dtype=np.int64)
    return int(((2 * i + 1) * log2_q10(i + (1 << 20))).sum()) % 2**32


def _fnv1a(data: bytes) -> int:
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 % 2**32
    return value


def _bytes(data: bytes) -> str:
    return "{" + _numbers(list(data)) + "}"


def _numbers(values: list[int]) -> str:
    return ",".join(map(str, values))
