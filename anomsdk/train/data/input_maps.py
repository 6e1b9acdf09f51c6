"""Maps from feature levels to model inputs, learnt from normal recordings and run in the integers of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.affine import Affine
from anomsdk.core.checks import checked_cast, require
from anomsdk.core.context import STATISTICS, Context, ContextPlan, statistics_of
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.fixed import Ints
from anomsdk.core.reasons import Group, marks
from anomsdk.errors import without_a_branch
from anomsdk.planner.calibration import Normalisation
from anomsdk.planner.front_end import context_plan, extractor_plan, feature_units
from anomsdk.planner.normalisation import unlearnt
from anomsdk.planner.sections import StackContext, SummaryContext
from anomsdk.planner.spec import PipelineSpec

FeatureLevels: TypeAlias = NDArray[np.int32]
"""int32 (frames, n_features): feature levels before normalisation, in the unit of the extractor."""

FRAME_DEVIATIONS = 8.0
"""Half-width of the int8 range of a frame's feature, in standard deviations, where statistics have their own range."""
_SMALLEST_UNIT = 0.5
"""Least standard deviation of a frame's feature, dB or counts, so that a constant one is not infinitely sensitive."""
_CHUNK = 4096  # most frames that are computed at once
_SMALLEST_STEP = 1.0
"""Least standard deviation of a statistic, in int8 steps of its feature."""


class InputMaps:
    """Normalisation of features and, for a summary context, of their statistics.

    Parameters
    ----------
    spec : features and context
    pieces : feature levels (frames, n_features) of pieces of normal recordings
    deviations : half-width of the int8 range of the model inputs, standard deviations
    """

    def __init__(self, spec: PipelineSpec, pieces: Iterable[FeatureLevels], deviations: float) -> None:
        levels = list(pieces)
        unit = np.array(feature_units(unlearnt_extractor(spec)))
        summary = isinstance(spec.context, SummaryContext)
        self.features = _normalisation(
            (chunk / unit for chunk in _chunks(levels)), FRAME_DEVIATIONS if summary else deviations, _SMALLEST_UNIT
        )
        self._extractor = extractor_plan(spec, self.features)
        self._affine = Affine(self._extractor.normalisation)
        self.inputs: Normalisation | None = None
        if isinstance(spec.context, SummaryContext):
            self.inputs = self._statistics(spec.context, levels, deviations)
        self._context = context_plan(spec, self._extractor.n_features, self.inputs)
        self.input_scale = deviations / 127
        """Standard deviations of normal recordings in one int8 step of a model input."""

    @property
    def n_inputs(self) -> int:
        """Number of model inputs."""
        return self._context.n_inputs(self._extractor.n_features)

    def run(self, levels: FeatureLevels) -> Ints:
        """Compute the model inputs (ticks, n_in) of one piece, as a fresh pipeline does."""
        features = self._affine.run(levels.astype(np.int64))
        return Context(self._context, self._extractor.n_features).push(features)[0]

    def group_levels(self, terms: NDArray[np.float64]) -> dict[str, float]:
        """Sum the contributions ``terms`` (n_in,) of the inputs to a score, by the group that reasons name."""
        groups, codes = marks(self._extractor.groups, self._context.unsteady)
        sums = np.bincount(groups & 15, terms)
        return {Group(code).name.lower(): round(float(level), 3) for code, level in zip(codes, sums, strict=True)}

    def inputs_of(self, piece: FeatureLevels, every: int) -> tuple[NDArray[np.int8], Ints]:
        """Compute one of ``every`` model inputs of a piece (n, n_in), and the first frame of each (n,)."""
        rows, starts = [np.zeros((0, self.n_inputs), np.int8)], [np.zeros(0, np.int64)]
        for first, chunk in enumerate(_chunks([piece])):
            rows.append(checked_cast(self.run(chunk)[::every], "i1", "model inputs"))
            starts.append(first * _CHUNK + np.arange(len(rows[-1])) * every * self._context.stride)
        return np.concatenate(rows), np.concatenate(starts)

    def _statistics(self, context: SummaryContext, levels: list[FeatureLevels], deviations: float) -> Normalisation:
        n, steps = self._extractor.n_features, [STATISTICS[name].steps(context.frames) for name in context.statistics]
        per_step = np.repeat(steps, n)
        windows = (_windows(self._affine.run(chunk.astype(np.int64)), context.frames) for chunk in _chunks(levels))
        found = (statistics_of(each, context.statistics) / per_step for each in windows if len(each))
        return _normalisation(found, deviations, _SMALLEST_STEP)


def unlearnt_extractor(spec: PipelineSpec) -> ExtractorPlan:
    """Plan the extractor of a spec for its feature levels only, before a map to int8 is learnt."""
    return extractor_plan(spec, None)


def unlearnt_context(spec: PipelineSpec, n_features: int) -> ContextPlan:
    """Plan the context of a spec for its sizes only, before a map of its statistics is learnt."""
    return context_plan(spec, n_features, unlearnt(n_model_inputs(spec.context, n_features)))


def n_model_inputs(context: StackContext | SummaryContext, n_features: int) -> int:
    """Count the model inputs of a context of ``n_features`` features."""
    if isinstance(context, StackContext):
        return context.frames * n_features
    if isinstance(context, SummaryContext):
        return len(context.statistics) * n_features
    raise without_a_branch(context)


def _chunks(pieces: Iterable[FeatureLevels]) -> Iterator[FeatureLevels]:
    """Split pieces into portions of at most `_CHUNK` frames."""
    for piece in pieces:
        for start in range(0, len(piece), _CHUNK):
            yield piece[start : start + _CHUNK]


def _normalisation(parts: Iterable[NDArray[np.float64]], deviations: float, smallest: float) -> Normalisation:
    """Compute centre and half-width of each column, to 6 decimals.

    The half-width is ``deviations`` times the standard deviation, which counts as ``smallest`` at least.
    """
    n, first, total, squares = 0, np.zeros(0), np.zeros(0), np.zeros(0)
    for part in parts:
        if n == 0:
            first = part[0]  # near the mean, so that squares do not cancel
            total, squares = np.zeros_like(first), np.zeros_like(first)
        n += len(part)
        total += (part - first).sum(axis=0)
        squares += ((part - first) ** 2).sum(axis=0)
    require(n > 0, "train: every recording is shorter than a context; give longer ones")
    mean = total / n
    half_width = deviations * np.maximum(np.sqrt(np.maximum(squares / n - mean**2, 0)), smallest)
    return Normalisation(
        centre=tuple(np.round(first + mean, 6).tolist()), half_width=tuple(np.round(half_width, 6).tolist())
    )


def _windows(features: Ints, frames: int) -> Ints:
    """All windows of ``frames`` consecutive frames: (n, frames, n_features)."""
    if len(features) < frames:
        return np.zeros((0, frames, features.shape[1]), np.int64)
    return np.lib.stride_tricks.sliding_window_view(features, frames, axis=0).swapaxes(1, 2)
