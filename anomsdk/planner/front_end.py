"""Front end: the stages before the model (sensor, windows, features, context), for each kind of extractor."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anomsdk.core import motion
from anomsdk.core.bands import BandsPlan, level_range
from anomsdk.core.checks import checked_cast, require
from anomsdk.core.context import STATISTICS, ContextPlan, StackPlan, SummaryPlan
from anomsdk.core.days import DAY_S, DaysPlan, largest_levels
from anomsdk.core.duty import MAX_EVERY, DutyPlan
from anomsdk.core.external import ExternalPlan
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.fft import FftPlan
from anomsdk.core.framer import FramerPlan
from anomsdk.core.levels import HIGHEST_LOG2, LimitsPlan
from anomsdk.core.logmel import LogmelPlan
from anomsdk.core.motion import FEATURES, MotionPlan, Unit
from anomsdk.core.plan import DiaryColumn, DiarySensorPlan, MotionSensorPlan, SensorPlan
from anomsdk.core.profile import ProfilePlan
from anomsdk.errors import InputError, without_a_branch
from anomsdk.planner.calibration import CALIBRATION_FILE, Normalisation
from anomsdk.planner.features import (
    BandsFeatures,
    DaysFeatures,
    ExternalFeatures,
    Features,
    LogmelFeatures,
    MotionFeatures,
    SoundFeatures,
)
from anomsdk.planner.normalisation import Source, check_width, feature_map, learnt_affine
from anomsdk.planner.sections import DiarySensor, MotionSensor, Sensor, StackContext, SummaryContext
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.tables import bands_filterbank, cos_q15, hann_q15, mel_filterbank, motion_spectrum, rounded

FLOOR_DB = -110.0
"""Level of silence in dB of librosa's unnormalised power of x / 32768."""
RANGE_DB = 80.0
"""Range in dB: levels further below the loudest band of their frame are raised to its end (librosa's top_db)."""
DB_PER_OCTAVE = 10 * math.log10(2)
Q10_PER_DB = 1024 / DB_PER_OCTAVE


@dataclass(frozen=True)
class FrontEnd:
    """Planning functions of one kind of extractor.

    Parameters
    ----------
    section : class of the features section in a spec
    plan : spec, its features section, source of the map to int8 (None: any map) -> section of the plan
    units : section of the plan -> integer steps per unit of calibration.json, for each value of a frame
    """

    section: type[Features]
    plan: Callable[[PipelineSpec, Any, Source | None], ExtractorPlan]
    units: Callable[[Any], list[float]]


def duty_plan(spec: PipelineSpec) -> DutyPlan | None:
    """Plan the duty cycle in samples; None for a spec without one."""
    duty = spec.sensor.duty
    if duty is None:
        return None
    on, every = (rounded(seconds * spec.sensor.rate_hz) for seconds in (duty.on_s, duty.every_s))
    require(every <= MAX_EVERY, f"sensor.duty: every_s {duty.every_s:g} is {every} samples, more than {MAX_EVERY}")
    require(
        1 <= on < every, f"sensor.duty: {duty.on_s:g} of {duty.every_s:g} s is {on} of {every} samples; lengthen both"
    )
    hop = spec.hop_length
    needed = spec.window_length + spec.hops_per_frame * spec.context.frames * hop - 1
    require(
        on >= needed,
        f"sensor.duty: on_s is {on} samples, but a tick may need {needed}, as a pause may end within a hop; "
        "lengthen on_s",
    )
    return DutyPlan(on, every)


def sensor_plan(spec: PipelineSpec) -> SensorPlan | MotionSensorPlan | DiarySensorPlan:
    """Plan the sensor: its rate, axes and counts per unit, as integers."""
    sensor = spec.sensor
    if isinstance(sensor, DiarySensor):
        columns = tuple(DiaryColumn(each.name, each.unit, each.sense) for each in sensor.columns)
        return DiarySensorPlan(sensor.slot_s, columns)
    rate = rounded(sensor.rate_hz * 1000)
    if isinstance(sensor, Sensor):
        return SensorPlan(sensor.kind, rate)
    if not isinstance(sensor, MotionSensor):
        raise without_a_branch(sensor)
    per_kilo_g = max(1, rounded(1000 * sensor.counts_per_g))
    full_scale_g = sensor.full_scale_g or 32768 / sensor.counts_per_g
    return MotionSensorPlan(
        rate,
        sensor.axes,
        counts_per_kilo_g=per_kilo_g,
        counts_per_kilo_dps=max(1, rounded(1000 * sensor.counts_per_dps)) if sensor.counts_per_dps else 0,
        # Rounded down, and within int16 at the rounded counts: the level must not lie above where the sensor clips.
        full_scale_milli_g=min(math.floor(1000 * full_scale_g), 32768 * 10**6 // per_kilo_g),
    )


def framer_plan(spec: PipelineSpec) -> FramerPlan:
    """Plan window and hop in samples; both are 1 for the external extractor, whose samples are rows."""
    return FramerPlan(spec.window_length, spec.hop_length)


def extractor_plan(spec: PipelineSpec, source: Source | None) -> ExtractorPlan:
    """Plan the extractor of a spec's features section; its map to int8 comes from ``source`` (None: any map)."""
    return EXTRACTORS[spec.features.kind].plan(spec, spec.features, source)


def feature_units(extractor: ExtractorPlan) -> list[float]:
    """Return the integer steps per unit of calibration.json, for each value of a frame.

    The unit is 1 dB for levels of sound, and 1 count for external features. For motion it depends on the feature's
    `Unit`: 1 dB of energy, the noise floor, 1 or 1 degree.
    """
    return EXTRACTORS[extractor.kind].units(extractor)


# Extractors


def _fft_plan(features: SoundFeatures) -> FftPlan:
    length = features.fft_length
    return FftPlan(length, hann_q15(length), cos_q15(length))


def _limits_plan() -> LimitsPlan:
    return LimitsPlan(rounded(FLOOR_DB * Q10_PER_DB), rounded(RANGE_DB * Q10_PER_DB))


def _logmel_plan(spec: PipelineSpec, features: LogmelFeatures, source: Source | None) -> LogmelPlan:
    limits, bank = _limits_plan(), mel_filterbank(features, spec.sensor.rate_hz)
    lowest = [limits.floor_q10] * bank.n_bands
    highest = [max(limits.floor_q10, (HIGHEST_LOG2 << 10) + int(o)) for o in bank.offset_q10]
    normalisation = feature_map(source, [Q10_PER_DB] * len(lowest), lowest, highest)
    return LogmelPlan(_fft_plan(features), bank, limits, normalisation)


def _bands_plan(spec: PipelineSpec, features: BandsFeatures, source: Source | None) -> BandsPlan:
    limits, bank = _limits_plan(), bands_filterbank(features, spec.sensor.rate_hz)
    hops, n = spec.hops_per_frame, features.n_bands
    lowest, highest = (r.tolist() for r in level_range(limits.floor_q10, int(bank.offset_q10[0]), n))
    return BandsPlan(
        _fft_plan(features),
        bank,
        limits,
        hops_per_frame=hops,
        mean_q10=rounded(-1024 * math.log2(hops)),
        headroom=(n - 1).bit_length(),
        normalisation=feature_map(source, [Q10_PER_DB] * len(lowest), lowest, highest),
    )


def _decibels(extractor: ExtractorPlan) -> list[float]:
    return [Q10_PER_DB] * extractor.n_features


def _motion_plan(spec: PipelineSpec, features: MotionFeatures, source: Source | None) -> MotionPlan:
    sensor = spec.sensor
    assert isinstance(sensor, MotionSensor)
    window, gravity = spec.window_length, features.samples_of("gravity_s", sensor.rate_hz)
    floor = _floor(features.floor_mg / 1000 * sensor.counts_per_g, "floor_mg")
    spectrum = motion_spectrum(features.band_edges_hz, window, sensor.rate_hz, floor)
    selected = features.selected(sensor.axes, turns=gravity < window)
    require(len(selected) > 0, "features.select: no feature is left; name one that the other keys allow")
    lowest, highest = (r.tolist() for r in motion.level_range(selected, window, spectrum.n_bands))
    return MotionPlan(
        axes=sensor.axes,
        window=window,
        gravity=gravity,
        window_q31=rounded(2**31 / window),
        gravity_q31=rounded(2**31 / gravity),
        window_log2_q10=rounded(1024 * math.log2(window)),
        jerk_log2_q10=rounded(1024 * math.log2(window - 1)),
        floor=floor,
        rotation_floor=_floor(features.floor_dps * (sensor.counts_per_dps or 1), "floor_dps"),
        features=selected,
        spectrum=spectrum,
        normalisation=feature_map(source, _motion_units(selected, floor, spectrum.n_bands), lowest, highest),
    )


def _motion_units(features: tuple[str, ...], floor: int, n_bands: int) -> list[float]:
    """Integer steps per unit of calibration.json: dB of energy for logarithms, the floor for counts, degrees, one."""
    steps = {Unit.LOG2_Q10: Q10_PER_DB, Unit.COUNTS: floor, Unit.NUMBER: 1, Unit.RADIANS_Q12: 4096 * math.pi / 180}
    return [float(steps[FEATURES[name].unit]) for name in features for _ in range(FEATURES[name].width(n_bands))]


def _units_of_motion(extractor: MotionPlan) -> list[float]:
    return _motion_units(extractor.features, extractor.floor, extractor.spectrum.n_bands)


def _floor(counts: float, key: str) -> int:
    require(counts <= 32767, f"features.{key} is {counts:.6g} counts, more than int16 holds; lower it")
    return max(1, rounded(counts))


def _external_plan(spec: PipelineSpec, features: ExternalFeatures, source: Source | None) -> ExternalPlan:
    n = features.n_features
    per_unit = features.counts_per_unit if features.normalisation == "model" else 1.0
    return ExternalPlan(feature_map(source, [per_unit] * n, [-32768] * n, [32767] * n))


def _counts(extractor: ExtractorPlan) -> list[float]:
    return [1.0] * extractor.n_features


def _days_plan(spec: PipelineSpec, features: DaysFeatures, source: Source | None) -> DaysPlan:
    sensor = spec.sensor
    assert isinstance(sensor, DiarySensor)
    slots, judged = DAY_S // sensor.slot_s, features.judged_of(sensor)
    shifts = [15 - sensor.columns[i].largest.bit_length() for i in judged]
    period = [rounded(16384 * math.cos(2 * math.pi * slot / slots)) for slot in range(slots)]
    largest = largest_levels(slots, len(judged)).tolist()
    return DaysPlan(
        columns=len(sensor.columns),
        judged=checked_cast(judged, "u1", "days: judged"),
        shift=checked_cast(shifts, "u1", "days: shift"),
        cos_q14=checked_cast(period, "<i2", "days: cos_q14"),
        profile=ProfilePlan(
            slots=slots,
            columns=len(judged),
            mature=features.mature_days,
            hold=max(1, rounded(features.profile_hold_days * slots)),
        ),
        most_missing=math.floor(features.missing_h * slots / 24 + 1e-9),
        off_body=math.ceil(features.off_body_h * slots / 24 - 1e-9),
        normalisation=feature_map(source, [1.0] * len(largest), [-each for each in largest], largest),
    )


EXTRACTORS = {
    "logmel": FrontEnd(LogmelFeatures, _logmel_plan, _decibels),
    "bands": FrontEnd(BandsFeatures, _bands_plan, _decibels),
    "motion": FrontEnd(MotionFeatures, _motion_plan, _units_of_motion),
    "external": FrontEnd(ExternalFeatures, _external_plan, _counts),
    "days": FrontEnd(DaysFeatures, _days_plan, _counts),
}
"""Kind of extractor -> its planning functions."""


# Context


def context_plan(spec: PipelineSpec, n_features: int, inputs: Normalisation | None) -> ContextPlan:
    """Plan the context of a spec, with the learnt map of its statistics."""
    context = spec.context
    if isinstance(context, StackContext):
        return StackPlan(context.frames, context.stride)
    if not isinstance(context, SummaryContext):
        raise without_a_branch(context)
    if inputs is None:
        raise InputError(f'context.kind "summary" needs the statistics that {CALIBRATION_FILE} holds: train first')
    names = context.statistics
    check_width(inputs, len(names) * n_features, "inputs")
    per_step = [STATISTICS[name].steps(context.frames) for name in names for _ in range(n_features)]
    ranges = [STATISTICS[name].range(context.frames) for name in names for _ in range(n_features)]
    low, high = zip(*ranges, strict=True)
    normalisation = learnt_affine(inputs, per_step, low, high)
    return SummaryPlan(context.frames, context.stride, names, normalisation)
