"""Forms of all that a plan makes of a signal: windows, levels, features, and inputs and outputs of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.scan.layouts import window_by_window
from anomsdk.audit.scan.motion_stages import motion_stages
from anomsdk.audit.scan.rows import Needles
from anomsdk.audit.scan.sound_stages import energy_sums, sound_stages
from anomsdk.core.affine import Affine
from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.context import Context, StackPlan, statistics_of
from anomsdk.core.fixed import Ints
from anomsdk.core.framer import Framer
from anomsdk.core.pipeline import extractor_for
from anomsdk.core.plan import Plan

_WHOLE = ("int8", "int16", "int32", "int64", "float32", "float64")
"""Dtypes that features, inputs and outputs may have."""


def _nothing(plan: Any, frames: Ints) -> Iterator[Needles]:
    """Yield nothing: rows of features become levels as they are."""
    yield from ()


EXTRACTORS: dict[str, Callable[[Any, Ints], Iterator[Needles]]] = {
    "logmel": sound_stages,
    "bands": energy_sums,
    "motion": motion_stages,
    "external": _nothing,
    "days": _nothing,
}
"""Kind of extractor -> forms of what its stages make of windows, before the levels."""


def stage_forms(plan: Plan, samples: NDArray[np.int16]) -> Iterator[Needles]:
    """Yield all that a plan makes of a signal, in every form.

    The inputs of a context that stacks frames are rows of features that lie one after the other: they are not yielded,
    because the features find them.

    Parameters
    ----------
    plan : Plan
    samples : int16 (n, columns)
    """
    framer = Framer(plan.framer, plan.columns)
    batches = [windows.copy() for _, windows in framer.push(samples)]
    if not batches:
        return
    frames = np.concatenate(batches)
    yield from EXTRACTORS[plan.extractor.kind](plan.extractor, frames)
    extractor = extractor_for(plan.extractor)
    levels = np.concatenate([extractor.levels(batch)[0] for batch in batches])
    yield from window_by_window("levels", levels, ("int32", "int64"), "frame")
    features = Affine(plan.extractor.normalisation).run(levels)
    yield from window_by_window("features", features, _WHOLE, "frame")
    if len(features) < plan.context.frames:
        return
    context = Context(plan.context, plan.extractor.n_features)
    inputs, _ = context.push(features)
    if not isinstance(plan.context, StackPlan):
        windows = np.lib.stride_tricks.sliding_window_view(features, plan.context.frames, axis=0).swapaxes(1, 2)
        statistics = statistics_of(windows[:: plan.context.stride], plan.context.statistics)
        yield from window_by_window("statistics", statistics, ("int32", "int64"), "input")
        yield from window_by_window("inputs", inputs, _WHOLE, "input")
    yield from window_by_window("outputs", Autoencoder(plan.layers).run(inputs), _WHOLE, "input")
