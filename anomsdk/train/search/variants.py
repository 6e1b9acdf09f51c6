"""Variants of a spec that a full search tries: other contexts, and features that are no finer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from anomsdk.errors import InputError
from anomsdk.planner.features import BandsFeatures, LogmelFeatures, MotionFeatures
from anomsdk.planner.sections import SummaryContext
from anomsdk.planner.spec import PipelineSpec


def variants_of(spec: PipelineSpec) -> Iterator[Callable[[PipelineSpec], PipelineSpec | None]]:
    """Yield changes of a spec to try, one after the other, each on the best spec so far.

    No change makes the features finer than those of the spec in frequency or time: a person decides what they reveal.
    """

    def context(**changes: object) -> Callable[[PipelineSpec], PipelineSpec | None]:
        return lambda s: _changed(s, "context", changes)

    frames = spec.context.frames
    yield from (context(frames=each) for each in (2 * frames, frames // 2) if 1 <= each <= 256)
    if isinstance(spec.context, SummaryContext):
        given = spec.context.statistics
        for statistics in (("mean", "deviation", "max"), ("mean", "deviation", "max", "min"), ("mean", "max")):
            if statistics != given:
                yield context(statistics=statistics)
    features = spec.features
    if isinstance(features, BandsFeatures):
        yield lambda s: _changed(s, "features", {"n_bands": features.n_bands // 2})
        longer = {key: 2 * value for key in ("band_ms", "band_hops") if (value := getattr(features, key)) is not None}
        yield lambda s: _changed(s, "features", longer)
    elif isinstance(features, LogmelFeatures):
        yield lambda s: _changed(s, "features", {"n_mels": features.n_mels // 2})
    elif isinstance(features, MotionFeatures):
        yield lambda s: _changed(s, "features", {"window_s": 2 * features.window_s, "hop_s": 2 * features.hop_s})
        yield lambda s: _changed(s, "features", {"floor_mg": min(1000.0, 3 * features.floor_mg)})


def _changed(spec: PipelineSpec, section: str, changes: dict[str, object]) -> PipelineSpec | None:
    """Change keys in a section of a spec; None where the result is no valid spec."""
    tree = spec.model_dump()
    tree[section] |= changes
    try:
        return PipelineSpec.from_dict(tree)
    except InputError:
        return None


def words_of(spec: PipelineSpec) -> str:
    """Describe the features and the context of a spec in a few words, for the table of trials."""
    features, context = spec.features, spec.context
    frame_ms = 1000 * spec.hops_per_frame * spec.hop_length / spec.sensor.rate_hz
    shape = {
        "bands": lambda: f"{features.n_bands} x {frame_ms:.4g} ms",  # type: ignore[union-attr]
        "logmel": lambda: f"{features.n_mels} mels",  # type: ignore[union-attr]
        "motion": lambda: f"{features.window_s:g} s windows, {features.hop_s:g} s hops",  # type: ignore[union-attr]
        "external": lambda: f"{features.n_features} features",  # type: ignore[union-attr]
    }[features.kind]()
    more = ", ".join(context.statistics) if isinstance(context, SummaryContext) else "stacked"
    return f"{shape}, {context.frames} frames, {more}"
