"""Permission for features that can carry speech: a key of the spec."""

from __future__ import annotations

from anomsdk.errors import InputError
from anomsdk.planner.features import LogmelFeatures, SoundFeatures
from anomsdk.planner.front_end import framer_plan, sensor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.speech import MOST_VALUES, PERMISSION, can_carry_speech, values_per_second


def permission(spec: PipelineSpec) -> dict[str, str]:
    """Return the provenance entry of the spec's permission; empty if the features cannot carry speech."""
    if not _speaks(spec):
        return {}
    return {PERMISSION: "true"}


def _speaks(spec: PipelineSpec) -> bool:
    features = spec.features
    if not isinstance(features, SoundFeatures):
        return False
    return can_carry_speech(features.kind, features.values, framer_plan(spec), spec.hops_per_frame, sensor_plan(spec))


def check_speech(spec: PipelineSpec) -> None:
    """Refuse features that can carry speech, unless the spec permits them; called before any long work."""
    features = spec.features
    if not isinstance(features, SoundFeatures) or features.allow_speech_features:
        return
    if not _speaks(spec):
        return
    width = features.values
    rate = values_per_second(width, framer_plan(spec), spec.hops_per_frame, sensor_plan(spec))
    frame_ms = 1000 * width / rate
    if isinstance(features, LogmelFeatures):
        what = f"log-mels can carry speech at any rate, here {rate:.1f} values a second (for bands the limit is"
        what += f" {MOST_VALUES})"
        instead = 'use kind = "bands"'
    else:
        what = f"{width} values ({features.n_bands} bands, peak, crest) every {frame_ms:.4g} ms can carry speech: "
        what += f"{rate:.1f} values a second, the limit is {MOST_VALUES}"
        instead = "use fewer n_bands or a longer band_ms"
    raise InputError(f"features: {what}; {instead}, or permit them with {PERMISSION} = true in [features]")
