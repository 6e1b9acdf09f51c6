"""Variants of a spec that a full search tries: other contexts, and features that are no finer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from anomsdk.errors import InputError, without_a_branch
from anomsdk.planner.features import BandsFeatures, DaysFeatures, ExternalFeatures, LogmelFeatures, MotionFeatures
from anomsdk.planner.sections import StackContext, SummaryContext
from anomsdk.planner.spec import PipelineSpec


def variants_of(spec: PipelineSpec) -> Iterator[Callable[[PipelineSpec], PipelineSpec | None]]:
    """Yield changes of a spec to try, one after the other, each on the best spec so far.

    No change makes the features finer than those of the spec in frequency or time: a person decides what they reveal.
    """

    def context(**changes: object) -> Callable[[PipelineSpec], PipelineSpec | None]:
        return lambda s: _changed(s, "context", changes)

    def features(changes: dict[str, object]) -> Callable[[PipelineSpec], PipelineSpec | None]:
        return lambda s: _changed(s, "features", changes)

    frames = spec.context.frames
    yield from (context(frames=each) for each in (2 * frames, frames // 2) if 1 <= each <= 256)
    if isinstance(spec.context, SummaryContext):
        given = spec.context.statistics
        for statistics in (("mean", "deviation", "max"), ("mean", "deviation", "max", "min"), ("mean", "max")):
            if statistics != given:
                yield context(statistics=statistics)
    yield from map(features, EXTRACTORS[spec.features.kind].coarser(spec.features))


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
    context = spec.context
    shape = EXTRACTORS[spec.features.kind].words(spec)
    if isinstance(context, SummaryContext):
        more = ", ".join(context.statistics)
    elif isinstance(context, StackContext):
        more = "stacked"
    else:
        raise without_a_branch(context)
    return f"{shape}, {context.frames} frames, {more}"


# Extractors


@dataclass(frozen=True)
class SearchedExtractor:
    """One kind of extractor, for a search.

    Parameters
    ----------
    coarser : features section of a spec -> changes of its keys to try, each no finer in frequency or time
    words : spec -> its features in a few words, for the table of trials
    is_searched : a search looks for the best model; False: its one model is fitted by `anomsdk.train.days.DayModel`
    """

    coarser: Callable[[Any], list[dict[str, object]]]
    words: Callable[[PipelineSpec], str]
    is_searched: bool = True


def _coarser_bands(features: BandsFeatures) -> list[dict[str, object]]:
    lengths = {key: getattr(features, key) for key in ("band_ms", "band_hops")}
    longer: dict[str, object] = {key: 2 * value for key, value in lengths.items() if value is not None}
    return [{"n_bands": features.n_bands // 2}, longer]


def _bands_words(spec: PipelineSpec) -> str:
    assert isinstance(spec.features, BandsFeatures)
    frame_ms = 1000 * spec.hops_per_frame * spec.hop_length / spec.sensor.rate_hz
    return f"{spec.features.n_bands} x {frame_ms:.4g} ms"


def _coarser_logmel(features: LogmelFeatures) -> list[dict[str, object]]:
    return [{"n_mels": features.n_mels // 2}]


def _logmel_words(spec: PipelineSpec) -> str:
    assert isinstance(spec.features, LogmelFeatures)
    return f"{spec.features.n_mels} mels"


def _coarser_motion(features: MotionFeatures) -> list[dict[str, object]]:
    longer: dict[str, object] = {"window_s": 2 * features.window_s, "hop_s": 2 * features.hop_s}
    return [longer, {"floor_mg": min(1000.0, 3 * features.floor_mg)}]


def _motion_words(spec: PipelineSpec) -> str:
    assert isinstance(spec.features, MotionFeatures)
    return f"{spec.features.window_s:g} s windows, {spec.features.hop_s:g} s hops"


def _external_words(spec: PipelineSpec) -> str:
    assert isinstance(spec.features, ExternalFeatures)
    return f"{spec.features.n_features} features"


def _days_words(spec: PipelineSpec) -> str:
    assert isinstance(spec.features, DaysFeatures)
    return f"{spec.features.mature_days} days learnt, slots of {spec.tick_s:g} s"


EXTRACTORS = {
    "logmel": SearchedExtractor(_coarser_logmel, _logmel_words),
    "bands": SearchedExtractor(_coarser_bands, _bands_words),
    "motion": SearchedExtractor(_coarser_motion, _motion_words),
    "external": SearchedExtractor(lambda features: [], _external_words),
    "days": SearchedExtractor(lambda features: [], _days_words, is_searched=False),
}
"""Kind -> what a search tries of it."""
