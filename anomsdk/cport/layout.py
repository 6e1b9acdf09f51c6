"""Memory of a pipeline in the C port, and the constant data that it reads: byte for byte, before anything is compiled.

The buffers are those of `sizes_of` in firmware_port/src/anom_pipeline.c, in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.context import ContextPlan
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.framer import FramerPlan
from anomsdk.core.plan import Plan
from anomsdk.cport.extractors import EXTRACTORS, SAMPLE, rounded_up
from anomsdk.cport.fields import Blocks, Fields, Structs
from anomsdk.cport.structs import autoencoder_fields, front_fields


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

    @property
    def ram_bytes(self) -> int:
        """ANOM_PLAN_..._BYTES on a 32-bit processor."""
        return pipeline_bytes(4) + self.buffers


def layout(plan: Plan) -> Layout:
    """Buffers of a pipeline of this plan."""
    widths = [layer.n_in for layer in plan.layers] + [plan.layers[-1].n_out]
    return layout_of(plan.framer, plan.extractor, plan.context, widths)


def layout_of(framer: FramerPlan, extractor: ExtractorPlan, context: ContextPlan, widths: Sequence[int]) -> Layout:
    """Buffers of a pipeline of these parts.

    Parameters
    ----------
    framer, extractor, context : of a plan
    widths : of the model's input, its hidden layers and its output; none: what is left without a model
    """
    own = EXTRACTORS[extractor.kind]
    return Layout(
        samples=rounded_up(framer.window * extractor.columns * SAMPLE),
        state=own.state_bytes(extractor),
        history=rounded_up((context.frames - 1) * extractor.n_features),
        features=rounded_up(extractor.n_features),
        scratch=max(own.scratch_bytes(extractor), _model_scratch_bytes(widths) if widths else 0),
    )


def pipeline_bytes(pointer_bytes: int) -> int:
    """ANOM_PIPELINE_BYTES of anomsdk.h, for pointers of ``pointer_bytes`` bytes."""
    return 40 + 18 * pointer_bytes


def constant_bytes(plan: Plan) -> tuple[int, int]:
    """Bytes of the arrays that a plan reads, without the structs that point to them.

    Returns
    -------
    tables : of the features, the context, the score and the reasons
    model : weights, biases, multipliers and shifts
    """
    return table_bytes(plan.extractor, plan.context), model_bytes(plan.layers)


def table_bytes(extractor: ExtractorPlan, context: ContextPlan) -> int:
    """Bytes of the tables of the features, the context, the score and the reasons.

    The score has a weight of a byte for each input, the reasons a group of a byte, and code and gain of each group.
    """
    per_input, per_group = 1 + 1, 1 + 4
    n_groups = len(set(extractor.groups))
    return (
        _array_bytes(front_fields(extractor, context))
        + per_input * context.n_inputs(extractor.n_features)
        + per_group * n_groups
    )


def model_bytes(layers: Sequence[LayerPlan]) -> int:
    """Bytes of weights, biases, multipliers and shifts; what the inputs reach does not matter."""
    return _array_bytes(autoencoder_fields(layers, 127))


def _model_scratch_bytes(widths: Sequence[int]) -> int:
    """Scratch of the model: its input and output, then what a layer is prepared from and gives to the next."""
    hidden = widths[1:-1]
    prepared = max(4 * -(-n_in // 4) * 4 for n_in in widths[:-1])
    activations = sum(max(hidden[parity::2], default=0) for parity in (0, 1))
    return rounded_up(2 * widths[0]) + rounded_up(prepared + activations)


def _array_bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Blocks):
        return value.array.nbytes
    if isinstance(value, dict):
        fields: Fields = value
        return sum(_array_bytes(part) for part in fields.values())
    return sum(_array_bytes(item) for item in value.items) if isinstance(value, Structs) else 0
