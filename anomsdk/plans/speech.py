"""Test for features that can carry speech, computed from a plan's integers, whatever its provenance says.

Measured with simple attackers, which give lower bounds. From 16 bands every 256 ms they recovered no intelligible
speech, but told 61 % of known phrases apart. From 40 log-mels every 32 ms they recovered both.
"""

from __future__ import annotations

from typing import TypeAlias

from anomsdk.core.framer import FramerPlan
from anomsdk.core.plan import DiarySensorPlan, MotionSensorPlan, Plan, SensorPlan
from anomsdk.plans.extractors import EXTRACTORS, Speech

MOST_VALUES = 72
"""Feature values a second, peak and crest counted, above which bands need the spec's permission.

With 16 bands, peak and crest every 256 ms there are 70.3."""
AnySensor: TypeAlias = SensorPlan | MotionSensorPlan | DiarySensorPlan
PERMISSION = "allow_speech_features"
"""Key of the permission in the spec's features section and in a plan's provenance."""


def values_per_second(n_features: int, framer: FramerPlan, hops_per_frame: int, sensor: AnySensor) -> float:
    """Compute the feature values a second: width of a frame times frames a second.

    Examples
    --------
    >>> values_per_second(18, FramerPlan(512, 256), 16, SensorPlan("audio", 16_000_000))
    70.3125
    """
    return n_features * sensor.rate_hz / (framer.hop * hops_per_frame)


def can_carry_speech(kind: str, n_features: int, framer: FramerPlan, hops_per_frame: int, sensor: AnySensor) -> bool:
    """Tell whether features need a permission: log-mels at any rate, bands above `MOST_VALUES` values a second.

    The result is False for motion and days, and for external features, of which nothing is known.
    """
    if isinstance(sensor, DiarySensorPlan):
        return False
    speech = EXTRACTORS[kind].speech
    rate = n_features * sensor.rate_millihertz
    is_fast = rate > MOST_VALUES * 1000 * framer.hop * hops_per_frame
    return speech is Speech.ALWAYS or (speech is Speech.ABOVE_LIMIT and is_fast)


def speech_remark(plan: Plan) -> str | None:
    """Return a remark on a plan whose features can carry speech; None for any other plan.

    A plan without a permission in its provenance was written by hand, or by a version that needed none.

    Examples
    --------
    >>> import anomsdk
    >>> speech_remark(anomsdk.reference_model("audio_scene")) is None
    True
    """
    extractor = plan.extractor
    per_frame = extractor.hops_per_frame
    if not can_carry_speech(extractor.kind, extractor.n_features, plan.framer, per_frame, plan.sensor):
        return None
    allowed = plan.provenance.get(PERMISSION) == "true"
    return f"these features can carry speech: {'allowed by the spec' if allowed else 'the plan notes no permission'}"
