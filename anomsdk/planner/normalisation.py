"""Maps of features and statistics to int8: learnt on normal recordings, or taken from the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from anomsdk.core.affine import AffinePlan
from anomsdk.core.checks import checked_cast, require
from anomsdk.core.fixed import INT32_MAX
from anomsdk.errors import InputError
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration, Normalisation
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.tables import rounded
from anomsdk.plans.tflite.model import FullyConnected, TfliteModel

Source: TypeAlias = Normalisation | FullyConnected
"""Source of the map of a frame's features: learnt numbers, or the model's first layer."""


def _affine(
    gain: Sequence[float], offset: Sequence[float], smallest: Sequence[int], largest: Sequence[int], low: int
) -> AffinePlan:
    """Round ``value * gain + offset`` to integers, with the largest shift that keeps every product in 32 bits."""
    gains, biases, shifts = [], [], []
    for g, o, a, b in zip(gain, offset, smallest, largest, strict=True):
        shift = 31
        while shift > 1 and max(-a, b) * rounded(g * 2**shift) + abs(rounded((o + 0.5) * 2**shift)) > INT32_MAX:
            shift -= 1
        gains.append(min(INT32_MAX, rounded(g * 2**shift)))
        biases.append(max(-INT32_MAX, min(INT32_MAX, rounded((o + 0.5) * 2**shift))))
        shifts.append(shift)
    return AffinePlan(
        checked_cast(gains, "i4", "normalisation: gain"),
        checked_cast(biases, "i4", "normalisation: bias"),
        checked_cast(shifts, "u1", "normalisation: shift"),
        low,
        127,
    )


def learnt_affine(
    learnt: Normalisation, per_unit: Sequence[float], smallest: Sequence[int], largest: Sequence[int]
) -> AffinePlan:
    """Plan the map of centre to 0 and of centre + half-width to 127; ``per_unit``: integer steps per learnt unit."""
    gains = [127 / (h * u) for h, u in zip(learnt.half_width, per_unit, strict=True)]
    offsets = [-127 * c / h for c, h in zip(learnt.centre, learnt.half_width, strict=True)]
    return _affine(gains, offsets, smallest, largest, -127)


def feature_source(spec: PipelineSpec, model: TfliteModel, calibration: Calibration | None) -> Source:
    """Choose the source of the map of a frame's features: learnt numbers, or the model's first layer."""
    if spec.features.normalisation == "model":
        return model.layers[0]
    if calibration is None:
        raise InputError(
            f'features.normalisation is "learnt", but there is no {CALIBRATION_FILE}: train first, or use '
            'normalisation = "model" for an imported model'
        )
    return calibration.features


def feature_map(
    source: Source | None,
    per_unit: Sequence[float],
    smallest: Sequence[int],
    largest: Sequence[int],
) -> AffinePlan:
    """Plan the map of a frame's features from ``smallest`` to ``largest``; for ``per_unit`` see `feature_units`."""
    n = len(smallest)
    if source is None:
        source = unlearnt(n)
    if isinstance(source, FullyConnected):
        gain = [1 / (steps * source.input_scale) for steps in per_unit]
        return _affine(gain, [source.input_zero_point] * n, smallest, largest, -128)
    check_width(source, n, "features")
    return learnt_affine(source, per_unit, smallest, largest)


def unlearnt(n: int) -> Normalisation:
    """Return an arbitrary map of ``n`` values, for plans of which only the sizes matter."""
    return Normalisation(centre=(0.0,) * n, half_width=(100.0,) * n)


def check_width(part: Normalisation, n: int, what: str) -> None:
    """Refuse a calibration.json that was made for another number of values."""
    require(
        len(part.centre) == n,
        f"{CALIBRATION_FILE}: {what} has {len(part.centre)} entries, the spec makes {n}; train again",
    )
