"""Structs of the C port for a plan, described once for engine native and for `emit_c`, so that both agree.

Field names are those of the headers in firmware_port/src. Sizes that Python takes from the shape of an array are fields
of their own in C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.alarm import PLAIN
from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.checks import checked_cast
from anomsdk.core.context import STATISTICS, ContextPlan, StackPlan, SummaryPlan
from anomsdk.core.diary import COLUMNS
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.fft import FftPlan
from anomsdk.core.filterbank import FilterbankPlan
from anomsdk.core.ladder import ladder_bytes
from anomsdk.core.plan import MAX_GAP, Plan
from anomsdk.core.reasons import ReasonsPlan
from anomsdk.core.record import RECORD_BYTES, SCORE_TAG_BYTES
from anomsdk.core.rung import levels
from anomsdk.core.score import ScorePlan
from anomsdk.core.spectrum import SpectrumPlan
from anomsdk.cport.extractors import EXTRACTORS
from anomsdk.cport.fields import Address, Blocks, Bytes, Constant, Fields, Member, Size, Structs
from anomsdk.errors import without_a_branch

C_FORMAT = 8
"""Layout of the structs: ANOM_PLAN_FORMAT of anom_plan.h."""


def c_fields(plan: Plan) -> Fields:
    """Return all fields of `anom_plan`."""
    return {
        "format": C_FORMAT,
        "plan_size": Size("anom_plan"),
        "framer": _fields(plan.framer),
        **front_fields(plan.extractor, plan.context),
        "autoencoder": autoencoder_fields(plan.layers, _input_reach(plan)),
        "score": score_fields(plan.score),
        "baseline": _baseline(plan),
        "timing": {
            **_fields(plan.timing, without=("clear_ratio_q16", "high_ratio_q16", "clear_after")),
            "clear_after": plan.timing.clear_after or 0,
        },
        "levels": _fields(plan.levels),
        "reasons": reasons_fields(plan.reasons),
        "judge": Address(_judge(plan)),
        "supervisor": _supervisor(plan),
        "supervisor_bytes": supervisor_bytes(plan),
        "record_bytes": record_bytes(plan),
        "learnt_bytes": learnt_bytes(plan),
        "duty": _duty(plan),
        "diary": _diary(plan),
        "id": tuple(bytes.fromhex(plan.id)),
        "score_tag": tuple(bytes.fromhex(plan.score_id)[:SCORE_TAG_BYTES]),
    }


def _judge(plan: Plan) -> str:
    """Return the function that judges the ticks of a plan."""
    if plan.ladder is not None:
        return "anom_ladder_judge"
    return "anom_supervisor_judge" if plan.is_supervised else "anom_alert_judge"


def _baseline(plan: Plan) -> Fields:
    """Return the fields of the baseline; C has the levels of its reference rung, where it is on."""
    score = plan.baseline.reference_score
    reference = None if score is None else Structs("anom_level_plan", (_fields(levels(score, plan.timing)),))
    return {**_fields(plan.baseline, without=("reference_score",)), "reference": reference}


def _duty(plan: Plan) -> Structs | None:
    """Return `anom_duty_plan`; None for a plan without a duty."""
    if plan.duty is None:
        return None
    longest = min(plan.duty.longest_pause, MAX_GAP)  # no gap is longer
    pauses = {"shortest_pause": plan.duty.shortest_pause, "longest_pause": longest}
    return Structs("anom_duty_plan", ({**pauses, "pause": Address("anom_duty_pause")},))


def _diary(plan: Plan) -> Structs | None:
    """Return `anom_diary_plan`; None for a plan without a diary."""
    if plan.diary is None:
        return None
    codes = checked_cast([COLUMNS[name] for name in plan.diary.columns], "u1", "diary: columns")
    vedba_at, jerk_at = plan.diary_levels or (0, 0)
    fields: Fields = {
        **_fields(plan.diary, without=("columns",)),
        "columns": codes,
        "n_columns": len(codes),
        "vedba_at": vedba_at,
        "jerk_at": jerk_at,
        "floor": plan.diary_floor,
        "type": Address("anom_diary_functions"),
    }
    return Structs("anom_diary_plan", (fields,))


def _supervisor(plan: Plan) -> Structs | None:
    """Return `anom_supervisor_plan`; None for a plan without an alarm, a health and a ladder section."""
    if not plan.is_supervised:
        return None
    health = None
    if plan.health is not None:
        own = {"type": Address("anom_health_functions"), "columns": plan.columns}
        health = Structs("anom_health_plan", ({**_fields(plan.health), **own},))
    hops_per_tick = plan.extractor.hops_per_frame * plan.context.stride
    alarm = plan.alarm or PLAIN
    fields: Fields = {
        "alarm": {
            **_fields(alarm, without=("heartbeat_rest_q16",)),
            "heartbeat_rest_q16": alarm.heartbeat_rest_q16 or 0,
            "hops_per_tick": hops_per_tick,
            "due_q31": plan.due_q31,
        },
        "health": health,
        "ladder": _ladder(plan),
        "type": Address("anom_ladder_supervisor_functions" if plan.ladder else "anom_supervisor_functions"),
        "is_ready": Address("anom_supervisor_is_ready") if learnt_bytes(plan) else None,
        "learns": int(learnt_bytes(plan) > 0),
    }
    return Structs("anom_supervisor_plan", (fields,))


def _ladder(plan: Plan) -> Structs | None:
    """Return `anom_ladder_plan`; None for a plan without a ladder. In C the plan's own level comes before the rungs."""
    if plan.ladder is None:
        return None
    rungs = [levels(int(score), plan.timing) for score in plan.ladder.raise_scores]
    promises = tuple(_fields(promise) for promise in plan.promises or ())
    fields: Fields = {
        "levels": Structs("anom_level_plan", tuple(_fields(each) for each in (plan.levels, *rungs))),
        "promises": Structs("anom_promise_plan", promises) if promises else None,
        "type": Address("anom_ladder_functions"),
        **_fields(plan.ladder, without=("raise_scores",)),
        "n_rungs": plan.ladder.n_rungs,
        "n_promises": len(promises),
        "offset": Bytes("0", 0, 0) if plan.health is None else _health_bytes(plan.columns),
    }
    return Structs("anom_ladder_plan", (fields,))


def supervisor_bytes(plan: Plan) -> Bytes:
    """Compute the bytes of the supervisor beyond ANOM_PIPELINE_BYTES, by the macros of anomsdk.h."""
    rungs = 0 if plan.ladder is None else plan.ladder.n_rungs
    return supervisor_bytes_of(plan.is_supervised, None if plan.health is None else plan.columns, rungs)


def supervisor_bytes_of(is_supervised: bool, columns: int | None, rungs: int = 0) -> Bytes:
    """Compute the bytes of a supervisor beyond ANOM_PIPELINE_BYTES.

    Parameters
    ----------
    is_supervised : there is an alarm, a health or a ladder section
    columns : values in a sample that health looks at; None: no health section
    rungs : of a ladder; 0: no ladder section
    """
    parts = [Bytes("ANOM_ALARM_BYTES", 48, 2) if is_supervised else Bytes("0", 0, 0)]
    if columns is not None:
        parts.append(_health_bytes(columns))
    if rungs > 0:
        used = 32 + 17 * rungs
        rest = 8 + -used % 8
        parts.append(Bytes(f"ANOM_LADDER_BYTES({rungs}) + {rest}", used + rest, 0))
    return Bytes(
        " + ".join(part.text for part in parts),
        sum(part.fixed for part in parts),
        sum(part.pointers for part in parts),
    )


def record_bytes(plan: Plan) -> Bytes:
    """Return the bytes of a record, by the macros of anomsdk.h."""
    text, fixed = "ANOM_RECORD_BYTES", RECORD_BYTES
    if plan.ladder is not None:
        text += f" + ANOM_LADDER_BYTES({plan.ladder.n_rungs})"
        fixed += ladder_bytes(plan.ladder)
    learnt = learnt_bytes(plan)
    return Bytes(f"{text} + {learnt}" if learnt else text, fixed + learnt, 0)


def learnt_bytes(plan: Plan) -> int:
    """Return the bytes of a record that hold what the extractor has learnt."""
    return EXTRACTORS[plan.extractor.kind].learnt_bytes(plan.extractor)


def _health_bytes(columns: int) -> Bytes:
    return Bytes(f"ANOM_HEALTH_BYTES({columns})", 56 + 16 * columns, 2)


def score_fields(plan: ScorePlan) -> Fields:
    """Return all fields of `anom_score_plan`."""
    groups = plan.groups or ()
    return {
        **_fields(plan, without=("groups",)),
        "groups": Structs("anom_score_group", tuple(_fields(group) for group in groups)) if groups else None,
        "n_groups": len(groups),
        "type": Address("anom_score_functions") if groups else None,
    }


def reasons_fields(plan: ReasonsPlan) -> Fields:
    """Return all fields of `anom_reasons_plan`."""
    return {**_fields(plan), "n_groups": len(plan.codes)}


def front_fields(extractor: ExtractorPlan, context: ContextPlan) -> Fields:
    """Return the fields of the stages before the model: extractor and context."""
    return {"extractor": _extractor(extractor), "context": _context(context)}


def _extractor(extractor: ExtractorPlan) -> Fields:
    own = EXTRACTORS[extractor.kind]
    tables = Structs(f"anom_{extractor.kind}_plan", ({**_fields(extractor), **own.fields(extractor)},))
    return {
        "type": Address(f"anom_{extractor.kind}"),
        "tables": tables,
        "normalisation": Member(tables, "normalisation"),
        "n_features": extractor.n_features,
        "columns": extractor.columns,
        "hops_per_frame": extractor.hops_per_frame,
        "warm_up": extractor.warm_up,
        "learning": Address(f"anom_{extractor.kind}_learning") if own.learnt_bytes(extractor) else None,
    }


def _context(context: ContextPlan) -> Fields:
    """Return the fields of the context; in C a stack is a summary without statistics."""
    if isinstance(context, StackPlan):
        return {**_fields(context), "statistics": None, "normalisation": {}, "n_statistics": 0}
    if not isinstance(context, SummaryPlan):
        raise without_a_branch(context)
    codes = checked_cast([STATISTICS[name].code for name in context.statistics], "u1", "context: statistics")
    return {
        **_fields(context, without=("statistics", "normalisation")),
        "statistics": codes,
        "normalisation": _fields(context.normalisation),
        "n_statistics": len(codes),
    }


def fft_fields(plan: FftPlan) -> Fields:
    """Return all fields of `anom_fft_plan`: tables in the order in which C reads them, two values in a word.

    Parameters
    ----------
    plan : FftPlan

    Returns
    -------
    length : N
    window_pairs_q15 : int32 (N/2,), w(2 n) and w(2 n + 1) of the first stage's two or four inputs
    twiddles_q15 : int32, pairs of cos and sin: for each radix-4 stage those of 1, 2 and 3 times k steps, for k from 1
        on; then those of 1 to N/4 - 1 steps, for the split
    """
    n, m, quarter = plan.length, plan.length // 2, plan.length // 4
    radix = 2 if m.bit_length() % 2 == 0 else 4
    window = np.concatenate([plan.window_q15, plan.window_q15[-2:0:-1]])
    cos = np.concatenate([plan.cos_q15, -plan.cos_q15[-2::-1], -plan.cos_q15[1:]])
    sin = np.concatenate([plan.cos_q15[::-1], plan.cos_q15[1:], -plan.cos_q15[-2::-1]])
    turns = [np.arange(0)]
    done = radix
    while done < m:
        turns.append(np.outer(np.arange(1, done), np.arange(1, 4)).ravel() * (n // (4 * done)))
        done *= 4
    angles = np.concatenate([*turns, np.arange(1, quarter)])
    return {
        "length": n,
        "window_pairs_q15": _pairs(window[0::2], window[1::2]).reshape(radix, -1).T.ravel(),
        "twiddles_q15": _pairs(cos[angles], sin[angles]),
    }


def _pairs(low: NDArray[np.int16], high: NDArray[np.int16]) -> NDArray[np.int32]:
    """Pack int16 values into the low and high halves of int32 numbers, which are the same in any byte order."""
    return (low.astype(np.int32) & 0xFFFF) | (high.astype(np.int32) << 16)


def _fields(part: Any, without: tuple[str, ...] = ()) -> Fields:
    """Return the fields of a section of a plan."""
    if isinstance(part, FftPlan):
        return fft_fields(part)
    found: Fields = {}
    for f in fields(part):
        if f.name not in without:
            value = getattr(part, f.name)
            found[f.name] = _fields(value) if is_dataclass(value) else _native(value)
    if isinstance(part, FilterbankPlan):
        found["n_bands"] = part.n_bands
    if isinstance(part, SpectrumPlan):
        found |= {"length": part.length, "n_bands": part.n_bands}
    return found


def autoencoder_fields(layers: Sequence[LayerPlan], input_reach: int) -> Fields:
    """Return all fields of `anom_autoencoder_plan`.

    Parameters
    ----------
    layers : layers of the plan
    input_reach : largest magnitude that an input of the first layer can have, 127 or 128
    """
    reaches = [input_reach, *(127 if layer.act_low > -128 else 128 for layer in layers)]
    structs = Structs("anom_layer_plan", tuple(map(_layer, layers, reaches)))
    return {"layers": structs, "n_layers": len(layers), "flipped": Constant("ANOM_FLIPPED")}


def _layer(layer: LayerPlan, input_reach: int) -> Fields:
    """Return the fields of a layer; terms that do not depend on the inputs are added to the bias."""
    weights = layer.weights.astype(np.int64)
    offset = layer.input_zero_point * (weights - layer.weight_zero_point).sum(axis=1)
    return {
        **_fields(layer, without=("input_zero_point",)),
        "weights": Blocks(weight_blocks(layer.weights)),
        "bias": (layer.bias - offset).astype(np.uint32).view(np.int32),
        "n_in": layer.n_in,
        "n_out": layer.n_out,
        "n_multipliers": len(layer.multiplier),
        "input_reach": input_reach,
        "weight_reach": int(np.abs(weights).max()),
    }


def weight_blocks(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Arrange weights (n_out, n_in) in blocks of four outputs by four inputs, (blocks, 16), padded with zeros."""
    n_out, n_in = (-(-n // 4) * 4 for n in weights.shape)
    padded = np.zeros((n_out, n_in), np.int8)
    padded[: weights.shape[0], : weights.shape[1]] = weights
    return np.ascontiguousarray(padded.reshape(n_out // 4, 4, n_in // 4, 4).transpose(0, 2, 1, 3).reshape(-1, 16))


def _input_reach(plan: Plan) -> int:
    """Return the largest magnitude of the model's inputs, 127 or 128, by the map that they come from."""
    context = plan.context
    normalisation = (context if isinstance(context, SummaryPlan) else plan.extractor).normalisation
    return 127 if normalisation.low > -128 else 128


def _native(value: int | NDArray[Any]) -> int | NDArray[Any]:
    """Make an array contiguous, in the byte order of this machine; return an integer as it is."""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value, value.dtype.newbyteorder("="))
    return value
