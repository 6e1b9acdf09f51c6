"""Exact sizes of a pipeline's memory and constant data in the C port, without compiling anything.

The buffers and their order are those of `sizes_of` in firmware_port/src/anom_pipeline.c.
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
from anomsdk.cport.fields import Blocks, Bytes, Fields, Structs
from anomsdk.cport.structs import autoencoder_fields, front_fields, supervisor_bytes

DIARY = 80
"""Bytes of a diary, ANOM_DIARY_BYTES of anom_diary.h."""
REFERENCE = 32
"""Bytes of the rung that freezes the baseline, ANOM_REFERENCE_BYTES of anom_pipeline.h."""


@dataclass(frozen=True)
class Layout:
    """Buffers of a pipeline, in bytes; each is a multiple of 8.

    Parameters
    ----------
    supervisor : counts of the alarm's life cycle, of health, the heartbeat and the ladder, on a 32-bit processor; 0 for
        a plan without an alarm, a health and a ladder section
    diary : sums of a slot; 0 for a plan without a diary
    reference : counts of the rung that freezes the baseline; 0 where the baseline is off
    samples : samples of one window
    state : values that the extractor keeps for the next frame
    history : feature frames of the context, without the latest
    features : latest feature frame
    scratch : used by the extractor, then by the model; wiped after every hop
    """

    supervisor: int
    diary: int
    reference: int
    samples: int
    state: int
    history: int
    features: int
    scratch: int

    @property
    def buffers(self) -> int:
        """Sum of the buffers whose size is the same on every processor."""
        return sum(astuple(self)) - self.supervisor

    @property
    def ram_bytes(self) -> int:
        """Memory of a pipeline on a 32-bit processor: ANOM_PLAN_..._BYTES."""
        return pipeline_bytes(4) + self.supervisor + self.buffers


def layout(plan: Plan) -> Layout:
    """Compute the buffers of a pipeline from its plan."""
    widths = [layer.n_in for layer in plan.layers] + [plan.layers[-1].n_out]
    supervisor = in_memory(supervisor_bytes(plan), 4)
    return layout_of(
        plan.framer,
        plan.extractor,
        plan.context,
        widths,
        follows=plan.baseline.reference_score is not None,
        supervisor=supervisor,
        diary=0 if plan.diary is None else DIARY,
    )


def layout_of(
    framer: FramerPlan,
    extractor: ExtractorPlan,
    context: ContextPlan,
    widths: Sequence[int],
    *,
    follows: bool,
    supervisor: int = 0,
    diary: int = 0,
) -> Layout:
    """Compute the buffers of a pipeline from the parts of a plan.

    Parameters
    ----------
    framer, extractor, context : sections of a plan
    widths : widths of the model's input, hidden layers and output; empty: a pipeline without a model
    follows : there is a reference rung
    supervisor : bytes of the supervisor on a 32-bit processor; 0: none
    diary : bytes of the diary; 0: none
    """
    own = EXTRACTORS[extractor.kind]
    return Layout(
        supervisor=supervisor,
        diary=diary,
        reference=REFERENCE if follows else 0,
        samples=rounded_up(framer.window * extractor.columns * SAMPLE),
        state=own.state_bytes(extractor),
        history=rounded_up((context.frames - 1) * extractor.n_features),
        features=rounded_up(extractor.n_features),
        scratch=max(own.scratch_bytes(extractor), _model_scratch_bytes(widths) if widths else 0),
    )


def in_memory(size: Bytes, pointer_bytes: int) -> int:
    """Compute a size for pointers of ``pointer_bytes`` bytes."""
    return size.fixed + size.pointers * pointer_bytes


def pipeline_bytes(pointer_bytes: int) -> int:
    """Compute ANOM_PIPELINE_BYTES of anomsdk.h for pointers of ``pointer_bytes`` bytes."""
    return 40 + 18 * pointer_bytes


def constant_bytes(plan: Plan) -> tuple[int, int]:
    """Count the bytes of a plan's constant arrays, without the structs that point to them.

    Returns
    -------
    tables : bytes of the tables of features, context, score and reasons
    model : bytes of weights, biases, multipliers and shifts
    """
    return table_bytes(plan.extractor, plan.context), model_bytes(plan.layers)


def table_bytes(extractor: ExtractorPlan, context: ContextPlan) -> int:
    """Count the bytes of the tables of features, context, score and reasons.

    An input has a weight and a group of 1 byte each. A group has a code of 1 byte and a gain of 4 bytes.
    """
    per_input, per_group = 1 + 1, 1 + 4
    n_groups = len(set(extractor.groups))
    return (
        _array_bytes(front_fields(extractor, context))
        + per_input * context.n_inputs(extractor.n_features)
        + per_group * n_groups
    )


def model_bytes(layers: Sequence[LayerPlan]) -> int:
    """Count the bytes of weights, biases, multipliers and shifts; the range of the inputs does not matter."""
    return _array_bytes(autoencoder_fields(layers, 127))


def _model_scratch_bytes(widths: Sequence[int]) -> int:
    """Count the scratch bytes of the model: its input and output, then prepared inputs and hidden activations."""
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
