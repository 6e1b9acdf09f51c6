"""Memory of a pipeline in the C port, and the constant data that it reads: byte for byte, before anything is compiled.

The buffers are those of `sizes_of` in firmware_port/src/anom_pipeline.c, in their order.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from anomsdk.c_plan import Blocks, Fields, Structs, c_fields
from anomsdk.core.bands import BandsPlan
from anomsdk.core.external import ExternalPlan
from anomsdk.core.plan import ExtractorPlan, Plan

_SAMPLE, _LEVEL, _COMPLEX, _ENERGY = 2, 4, 8, 8
"""Bytes of int16_t, int32_t, anom_complex and anom_energy."""
_GATHERED = 8
"""Bytes of the counters that anom_bands keeps beside its sums."""


@dataclass(frozen=True)
class Layout:
    """Buffers of a pipeline, in bytes; each is a multiple of 8.

    Parameters
    ----------
    samples : one window
    state : what the extractor gathers for the next frame
    history : feature frames of the context, without the latest
    features : the latest frame
    scratch : of the extractor, then of the model; wiped after every hop
    """

    samples: int
    state: int
    history: int
    features: int
    scratch: int

    @property
    def buffers(self) -> int:
        """All of them: ANOM_PLAN_..._BYTES without ANOM_PIPELINE_BYTES."""
        return sum(astuple(self))


def layout(plan: Plan) -> Layout:
    """Buffers of a pipeline of this plan."""
    n_features = plan.extractor.n_features
    hidden = [layer.n_out for layer in plan.layers[:-1]]
    prepared = max(4 * -(-layer.n_in // 4) * 4 for layer in plan.layers)
    activations = sum(max(hidden[parity::2], default=0) for parity in (0, 1))
    model = _rounded_up(2 * plan.n_inputs) + _rounded_up(prepared + activations)
    return Layout(
        samples=_rounded_up(plan.framer.window * plan.columns * _SAMPLE),
        state=_state_bytes(plan.extractor),
        history=_rounded_up((plan.context.frames - 1) * n_features),
        features=_rounded_up(n_features),
        scratch=max(_front_bytes(plan.extractor), model),
    )


def pipeline_bytes(pointer_bytes: int) -> int:
    """ANOM_PIPELINE_BYTES of anomsdk.h, where a pointer has so many bytes."""
    return 40 + 18 * pointer_bytes


def constant_bytes(plan: Plan) -> tuple[int, int]:
    """Bytes of the arrays that a plan reads, without the structs that point to them.

    Returns
    -------
    tables : of the features, the context and the score
    model : weights, biases, multipliers and shifts
    """
    fields = c_fields(plan)
    model = _array_bytes(fields.pop("autoencoder"))
    return _array_bytes(fields), model


def _state_bytes(extractor: ExtractorPlan) -> int:
    """`state_bytes` of the extractor."""
    if not isinstance(extractor, BandsPlan):
        return 0
    return _GATHERED + (extractor.filterbank.n_bands + 1) * _ENERGY


def _front_bytes(extractor: ExtractorPlan) -> int:
    """`scratch_bytes` of the extractor."""
    levels = _rounded_up(extractor.n_features * _LEVEL)
    if isinstance(extractor, ExternalPlan):
        return levels
    spectrum = (extractor.fft.length // 2 + 1) * _COMPLEX
    if isinstance(extractor, BandsPlan):
        spectrum = max(spectrum, levels)
    return spectrum + extractor.filterbank.n_bands * _ENERGY


def _array_bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Blocks):
        return value.array.nbytes
    if isinstance(value, dict):
        fields: Fields = value
        return sum(_array_bytes(part) for part in fields.values())
    return sum(_array_bytes(item) for item in value.items) if isinstance(value, Structs) else 0


def _rounded_up(n: int) -> int:
    return (n + 7) & ~7
