"""Facts of a plan, to read or to print: the logic behind `anomsdk inspect`."""

from __future__ import annotations

import math
from typing import Any

from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.baseline import STATE_BYTES, BaselinePlan
from anomsdk.core.context import StackPlan, SummaryPlan
from anomsdk.core.plan import DiarySensorPlan, Plan
from anomsdk.errors import printable, without_a_branch
from anomsdk.plans.extractors import EXTRACTORS, Speech, milliseconds
from anomsdk.plans.recording_digests import for_people
from anomsdk.plans.speech import speech_remark, values_per_second
from anomsdk.plans.supervision import alarm_facts, diary_facts, health_facts, ladder_facts, retention_facts


def describe(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return the facts of a plan, section by section; all of them can be written as JSON.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    sections : name -> {fact -> str, int, float or list}; the unit is in a fact's name

    Examples
    --------
    >>> import anomsdk
    >>> describe(anomsdk.reference_model("audio_scene"))["sensor"]
    {'kind': 'audio', 'rate_hz': 16000.0, 'columns': 1}
    """
    rate = plan.rate_hz
    supervision = {"alarm": alarm_facts(plan), "health": health_facts(plan), "ladder": ladder_facts(plan)}
    supervision["diary"] = diary_facts(plan)
    return {
        "plan": {"name": plan.name, "id": plan.id, "score_id": plan.score_id, "tag": f"{plan.tag:04x}"},
        "sensor": {"kind": plan.sensor.kind, "rate_hz": rate, "columns": plan.columns, **_diary(plan), **_duty(plan)},
        "features": _features(plan),
        "context": _context(plan),
        "model": _model(plan),
        "baseline": _baseline(plan.baseline, plan.samples_per_tick / plan.rate_hz),
        "alert": _alert(plan),
        **{name: facts for name, facts in supervision.items() if facts},
        "retention": {
            "samples_ms": _ms(plan, plan.framer.window) if EXTRACTORS[plan.extractor.kind].keeps_window else 0.0,
            "features_ms": _ms(plan, _kept(plan)),
            "scores_ms": 0.0,
            "baseline_bytes": STATE_BYTES if plan.baseline.is_on else 0,
            **retention_facts(plan),
            "written": "nothing",
        },
        "provenance": dict(sorted(for_people(plan.provenance).items())),
    }


def as_text(sections: dict[str, dict[str, Any]]) -> str:
    """Format the sections of `describe` as `anomsdk inspect` prints them."""
    lines = []
    for name, facts in sections.items():
        lines.append(name)
        for fact, value in facts.items():
            values = value if fact == "layers" else [", ".join(map(str, value)) if isinstance(value, list) else value]
            for i, shown in enumerate(values):
                number = f"{shown:,}" if isinstance(shown, int) else shown
                lines.append(printable(f"  {'' if i else fact:<16} {number}"))
    return "\n".join(lines)


def _kept(plan: Plan) -> int:
    """Return the samples of which something is kept until the next tick, but for what is learnt."""
    context = plan.samples_to_first_tick - plan.extractor.warm_up * plan.framer.hop
    return max(context, EXTRACTORS[plan.extractor.kind].kept_samples(plan.extractor))


def _ms(plan: Plan, samples: int) -> float:
    return milliseconds(samples, plan.rate_hz)


def _diary(plan: Plan) -> dict[str, Any]:
    """Return the facts of a diary's slots and columns; empty for a plan of another sensor."""
    if not isinstance(plan.sensor, DiarySensorPlan):
        return {}
    columns = [f"{column.name} in {column.unit} ({column.sense})" for column in plan.sensor.columns]
    return {"slot_s": plan.sensor.slot_s, "rows_of": columns}


def _duty(plan: Plan) -> dict[str, Any]:
    """Return the facts of the duty cycle; empty for a plan without one."""
    duty = plan.duty
    if duty is None:
        return {}
    return {
        "duty_on_s": round(duty.on / plan.rate_hz, 3),
        "duty_every_s": round(duty.every / plan.rate_hz, 3),
        "duty_ticks": plan.ticks_in(duty.on),
        "declared_pause_s": [f"{samples / plan.rate_hz:.3f}" for samples in (duty.shortest_pause, duty.longest_pause)],
    }


def _features(plan: Plan) -> dict[str, Any]:
    extractor, framer = plan.extractor, plan.framer
    facts: dict[str, Any] = {"kind": extractor.kind, "n_features": extractor.n_features}
    words = EXTRACTORS[extractor.kind]
    if not words.keeps_window:
        return {**facts, "row_ms": _ms(plan, 1)}
    facts |= {
        "window_samples": framer.window,
        "window_ms": _ms(plan, framer.window),
        "hop_samples": framer.hop,
        "hop_ms": _ms(plan, framer.hop),
    }
    facts |= words.facts(extractor, plan.rate_hz, framer.hop)
    if words.speech is Speech.NEVER:
        return facts
    rate = values_per_second(extractor.n_features, framer, extractor.hops_per_frame, plan.sensor)
    facts["values_per_s"] = round(rate, 3)
    if remark := speech_remark(plan):
        facts["speech"] = remark
    return facts


def _context(plan: Plan) -> dict[str, Any]:
    context = plan.context
    facts: dict[str, Any] = {"kind": context.kind, "frames": context.frames, "stride": context.stride}
    if isinstance(context, SummaryPlan):
        facts["statistics"] = list(context.statistics)
    elif not isinstance(context, StackPlan):
        raise without_a_branch(context)
    return {
        **facts,
        "n_inputs": plan.n_inputs,
        "tick_ms": _ms(plan, plan.samples_per_tick),
        "first_tick_ms": _ms(plan, plan.samples_to_first_tick),
    }


def _model(plan: Plan) -> dict[str, Any]:
    weights = sum(layer.weights.size for layer in plan.layers)
    tables = sum(layer.bias.nbytes + layer.multiplier.nbytes + layer.shift.nbytes for layer in plan.layers)
    return {
        "file": plan.provenance.get("model_file", "model.tflite"),
        "sha256": plan.model.sha256,
        "layers": [_layer(layer) for layer in plan.layers],
        "macs_per_tick": plan.macs,
        "weight_bytes": weights,
        "table_bytes": tables,
        "plan_file_bytes": len(plan.canonical_bytes),
    }


def _layer(layer: LayerPlan) -> str:
    scales = "per channel" if len(layer.multiplier) > 1 else "per tensor"
    return f"{layer.n_in} x {layer.n_out}, {scales}, outputs {layer.act_low} to {layer.act_high}"


def _baseline(plan: BaselinePlan, tick_s: float) -> dict[str, Any]:
    """Facts of the baseline in score steps and seconds; it keeps one level, and no score."""
    if not plan.is_on:
        return {"follows": "off"}

    def time_constant_s(rate_q16: int) -> float:
        return 0.0 if rate_q16 == 1 << 16 else round(-tick_s / math.log1p(-rate_q16 / 65536), 3)

    return {
        "follows": "the score",
        "start": plan.start,
        "rise_s": time_constant_s(plan.rise_q16),
        "fall_s": time_constant_s(plan.fall_q16),
        "largest_rise_per_s": float(f"{plan.limit_q16 / 65536 / tick_s:.6g}"),
        "hold_ticks": plan.hold or "as long as the alarm lasts",
        "hold_s": round(plan.hold * tick_s, 3) if plan.hold else "as long as the alarm lasts",
        "reference_score": plan.reference_score,
        "state_bytes": STATE_BYTES,
    }


def _alert(plan: Plan) -> dict[str, Any]:
    timing, levels = plan.timing, plan.levels
    tick_s = plan.samples_per_tick / plan.rate_hz
    facts: dict[str, Any] = {
        "raise_score": levels.raise_score,
        "clear_score": levels.clear_score,
        "high_score": levels.high_score or "off",
        "m_of_n": f"{timing.m} of {timing.n} ticks",
    }
    for name in ("on_delay", "off_delay", "clear_after", "cooldown"):
        ticks = getattr(timing, name)
        if ticks is not None:
            facts |= {f"{name}_ticks": ticks, f"{name}_s": round(ticks * tick_s, 3)}
    return facts
