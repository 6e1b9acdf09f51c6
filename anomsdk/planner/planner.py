"""Planner: the only place where a float becomes an int. Its tables are in `tables`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from anomsdk.core import motion
from anomsdk.core.affine import AffinePlan
from anomsdk.core.alert import MAX_TICKS, TimingPlan, levels
from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.bands import BandsPlan, level_range
from anomsdk.core.baseline import MAX_LIMIT_Q16, OFF, BaselinePlan
from anomsdk.core.checks import checked_cast, require
from anomsdk.core.context import ContextPlan, StackPlan, SummaryPlan, statistic_range, statistic_steps
from anomsdk.core.external import ExternalPlan
from anomsdk.core.fft import FftPlan
from anomsdk.core.fixed import INT32_MAX, UINT32_MAX
from anomsdk.core.framer import FramerPlan
from anomsdk.core.levels import HIGHEST_LOG2, LimitsPlan
from anomsdk.core.logmel import LogmelPlan
from anomsdk.core.motion import MotionPlan
from anomsdk.core.plan import EdgePlan, ExtractorPlan, ModelPlan, MotionSensorPlan, Plan, SensorPlan
from anomsdk.core.reasons import Group, ReasonsPlan, marks
from anomsdk.core.score import ScorePlan, largest_score
from anomsdk.errors import InputError
from anomsdk.planner.calibration import (
    CHOSEN,
    Calibration,
    Normalisation,
    Tolerated,
    alert_without_level,
    signal_sections,
)
from anomsdk.planner.spec import (
    LONGEST_S,
    BandsFeatures,
    ExternalFeatures,
    LogmelFeatures,
    MotionFeatures,
    MotionSensor,
    PipelineSpec,
    StackContext,
)
from anomsdk.planner.tables import (
    bands_filterbank,
    cos_q15,
    hann_q15,
    mel_filterbank,
    motion_spectrum,
    reason_gains,
    rounded,
)
from anomsdk.plans.speech import MOST_VALUES, PERMISSION, can_carry_speech, values_per_second
from anomsdk.plans.tflite.reader import FullyConnected, TfliteModel, read_tflite
from anomsdk.utils.files import inside

FLOOR_DB = -110.0
"""Level of silence, dB of librosa's unnormalised power of x / 32768."""
RANGE_DB = 80.0
"""Levels further than this below the loudest band of their frame are raised to it (librosa's top_db)."""
DB_PER_OCTAVE = 10 * math.log10(2)
Q10_PER_DB = 1024 / DB_PER_OCTAVE
SCORE_FRACTION_BITS = 4
"""Most fraction bits that an error between different scales is given."""

FALL_FACTOR = 4
"""The baseline falls so many times as fast as it rises."""

SPEC_FILE, CALIBRATION_FILE, PLAN_FILE = "spec.toml", "calibration.json", "plan.json"


def plan(folder: str | Path) -> Plan:
    """Plan a pipeline from a folder; writes nothing.

    Parameters
    ----------
    folder : holds spec.toml, the model that it names, and calibration.json (unless the model is imported)

    Returns
    -------
    Plan

    Raises
    ------
    InputError : one line that names the file, the field or the stage

    Examples
    --------
    >>> import anomsdk
    >>> from anomsdk.plans.file import reference_models_folder
    >>> anomsdk.plan(reference_models_folder() / "audio_scene").name
    'audio_scene'
    """
    folder = Path(folder)
    require(folder.is_dir(), f"{folder}: no such folder; expected one with {SPEC_FILE} and a model")
    spec = PipelineSpec.from_file(folder / SPEC_FILE)
    calibration_path = folder / CALIBRATION_FILE
    calibration = Calibration.from_file(calibration_path) if calibration_path.exists() else None
    model = read_tflite(inside(folder, spec.model.file, f"{folder / SPEC_FILE}: model.file"))
    return plan_from(spec, model, calibration, folder=folder)


def plan_from(
    spec: PipelineSpec, model: TfliteModel, calibration: Calibration | None, *, folder: Path | None = None
) -> Plan:
    """Plan a pipeline from its parts. See `plan`."""
    check_speech(spec)
    spec = as_chosen(spec, calibration)
    baseline = _baseline(spec, calibration)
    if calibration is not None:
        _check_calibration(spec, model, calibration)
    extractor = extractor_plan(spec, _feature_source(spec, model, calibration))
    context = context_plan(spec, extractor.n_features, calibration.inputs if calibration is not None else None)
    n = context.n_inputs(extractor.n_features)
    require(
        model.n_in == n and model.n_out == n,
        f"{spec.model.file}: takes {model.n_in} and gives {model.n_out} values, but the features and context make {n}",
    )
    layers = tuple(layer_plan(layer) for layer in model.layers)
    score = _score(model, n, calibration)
    timing = timing_plan(spec)
    made = Plan(
        name=spec.name,
        sensor=sensor_plan(spec),
        framer=framer_plan(spec),
        extractor=extractor,
        context=context,
        layers=layers,
        score=score,
        baseline=baseline,
        timing=timing,
        levels=levels(_raise_score(spec, timing, calibration), timing),
        reasons=reasons_plan(extractor, context, score, None if calibration is None else calibration.group_levels),
        model=model_plan(model),
        provenance=_provenance(spec, calibration),
        folder=folder,
    )
    made.check()
    return made


# Normalisation


def _affine(
    gain: Sequence[float], offset: Sequence[float], smallest: Sequence[int], largest: Sequence[int], low: int
) -> AffinePlan:
    """Integers of ``value * gain + offset``: the finest shift that keeps it in 32 bits."""
    gains, biases, shifts = [], [], []
    for g, o, a, b in zip(gain, offset, smallest, largest, strict=True):
        shift = 31
        while shift > 1 and max(-a, b) * rounded(g * 2**shift) + abs(rounded((o + 0.5) * 2**shift)) > INT32_MAX:
            shift -= 1
        gains.append(min(INT32_MAX, rounded(g * 2**shift)))
        biases.append(max(-INT32_MAX, min(INT32_MAX, rounded((o + 0.5) * 2**shift))))
        shifts.append(shift)
    return AffinePlan(
        checked_cast(gains, "i4", "normalisation: gain"),
        checked_cast(biases, "i4", "normalisation: bias"),
        checked_cast(shifts, "u1", "normalisation: shift"),
        low,
        127,
    )


def _learnt_affine(
    learnt: Normalisation, per_unit: Sequence[float], smallest: Sequence[int], largest: Sequence[int]
) -> AffinePlan:
    """Map that takes centre to 0 and centre + half-width to 127; ``per_unit`` is integer steps per unit."""
    gains = [127 / (h * u) for h, u in zip(learnt.half_width, per_unit, strict=True)]
    offsets = [-127 * c / h for c, h in zip(learnt.centre, learnt.half_width, strict=True)]
    return _affine(gains, offsets, smallest, largest, -127)


def _feature_source(
    spec: PipelineSpec, model: TfliteModel, calibration: Calibration | None
) -> Normalisation | FullyConnected:
    """What the map of a frame's features comes from: learnt numbers, or the model's first layer."""
    if spec.features.normalisation == "model":
        return model.layers[0]
    if calibration is None:
        raise InputError(
            f'features.normalisation is "learnt", but there is no {CALIBRATION_FILE}: train first, or use '
            'normalisation = "model" for an imported model'
        )
    return calibration.features


def _feature_map(
    source: Normalisation | FullyConnected | None,
    per_unit: Sequence[float],
    smallest: Sequence[int],
    largest: Sequence[int],
) -> AffinePlan:
    """Map of a frame's features; ``per_unit`` is integer steps in one unit of each, see `feature_units`."""
    n = len(smallest)
    if source is None:
        source = unlearnt(n)
    if isinstance(source, FullyConnected):
        gain = [1 / (steps * source.input_scale) for steps in per_unit]
        return _affine(gain, [source.input_zero_point] * n, smallest, largest, -128)
    _check_width(source, n, "features")
    return _learnt_affine(source, per_unit, smallest, largest)


def unlearnt(n: int) -> Normalisation:
    """A map of n values where any will do."""
    return Normalisation(centre=(0.0,) * n, half_width=(100.0,) * n)


# Stages


def sensor_plan(spec: PipelineSpec) -> SensorPlan | MotionSensorPlan:
    """What the samples are."""
    sensor = spec.sensor
    rate = rounded(sensor.rate_hz * 1000)
    if not isinstance(sensor, MotionSensor):
        return SensorPlan(sensor.kind, rate)
    per_kilo_g = max(1, rounded(1000 * sensor.counts_per_g))
    full_scale_g = sensor.full_scale_g or 32768 / sensor.counts_per_g
    return MotionSensorPlan(
        rate,
        sensor.axes,
        counts_per_kilo_g=per_kilo_g,
        counts_per_kilo_dps=max(1, rounded(1000 * sensor.counts_per_dps)) if sensor.counts_per_dps else 0,
        # Rounded down, and within int16 at the counts that were rounded: clipping must not lie above the sensor's.
        full_scale_milli_g=min(math.floor(1000 * full_scale_g), 32768 * 10**6 // per_kilo_g),
    )


def framer_plan(spec: PipelineSpec) -> FramerPlan:
    """Window and hop; rows of the external extractor come one by one."""
    return FramerPlan(spec.window_length, spec.hop_length)


def extractor_plan(spec: PipelineSpec, source: Normalisation | FullyConnected | None) -> ExtractorPlan:
    """Tables of a spec's features section, with a map to int8 that is learnt or the model's own; None: any map."""
    features = spec.features
    if isinstance(features, ExternalFeatures):
        n = features.n_features
        per_unit = features.counts_per_unit if features.normalisation == "model" else 1.0
        return ExternalPlan(_feature_map(source, [per_unit] * n, [-32768] * n, [32767] * n))
    if isinstance(features, MotionFeatures):
        return _motion_plan(spec, features, source)
    length, rate = features.fft_length, spec.sensor.rate_hz
    fft = FftPlan(length, hann_q15(length), cos_q15(length))
    limits = LimitsPlan(rounded(FLOOR_DB * Q10_PER_DB), rounded(RANGE_DB * Q10_PER_DB))
    if isinstance(features, LogmelFeatures):
        bank = mel_filterbank(features, rate)
        lowest = [limits.floor_q10] * bank.n_bands
        highest = [max(limits.floor_q10, (HIGHEST_LOG2 << 10) + int(o)) for o in bank.offset_q10]
        return LogmelPlan(fft, bank, limits, _feature_map(source, [Q10_PER_DB] * len(lowest), lowest, highest))
    hops, n = spec.hops_per_frame, features.n_bands
    bank = bands_filterbank(features, rate)
    lowest, highest = (r.tolist() for r in level_range(limits.floor_q10, int(bank.offset_q10[0]), n))
    return BandsPlan(
        fft,
        bank,
        limits,
        hops_per_frame=hops,
        mean_q10=rounded(-1024 * math.log2(hops)),
        headroom=(n - 1).bit_length(),
        normalisation=_feature_map(source, [Q10_PER_DB] * len(lowest), lowest, highest),
    )


def _motion_plan(
    spec: PipelineSpec, features: MotionFeatures, source: Normalisation | FullyConnected | None
) -> MotionPlan:
    sensor = spec.sensor
    assert isinstance(sensor, MotionSensor)
    window, gravity = spec.window_length, spec.samples_of(features, "gravity_s")
    floor = _floor(features.floor_mg / 1000 * sensor.counts_per_g, "floor_mg")
    spectrum = motion_spectrum(features.band_edges_hz, window, sensor.rate_hz, floor)
    selected = features.selected(sensor.axes, turns=gravity < window)
    require(len(selected) > 0, "features.select: nothing is left of it")
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
        normalisation=_feature_map(source, _motion_units(selected, floor, spectrum.n_bands), lowest, highest),
    )


def feature_units(extractor: ExtractorPlan) -> list[float]:
    """Steps of a level in one of the units that calibration.json speaks of: dB, or counts."""
    if isinstance(extractor, MotionPlan):
        return _motion_units(extractor.features, extractor.floor, extractor.spectrum.n_bands)
    return [1.0 if isinstance(extractor, ExternalPlan) else Q10_PER_DB] * extractor.n_features


def _motion_units(features: Sequence[str], floor: int, n_bands: int) -> list[float]:
    """A dB of energy of what is logarithmic, the floor of what is in counts, a degree, one of what is counted."""
    linear: dict[str, float] = {"magnitude_mean": floor, "magnitude_min": floor, "axis_mean": floor}
    linear |= {"mean_crossings": 1, "dominant_frequency": 1, "posture_change": 4096 * math.pi / 180}
    units = [linear.get(name, Q10_PER_DB) for name in features for _ in range(motion.width(name, n_bands))]
    return [float(unit) for unit in units]


def _floor(counts: float, key: str) -> int:
    require(counts <= 32767, f"features.{key} is {counts:.6g} counts, more than int16 holds; lower it")
    return max(1, rounded(counts))


def context_plan(spec: PipelineSpec, n_features: int, inputs: Normalisation | None) -> ContextPlan:
    """A spec's context section, with the learnt map of its statistics."""
    context = spec.context
    if isinstance(context, StackContext):
        return StackPlan(context.frames, context.stride)
    if inputs is None:
        raise InputError(f'context.kind "summary" needs the statistics that {CALIBRATION_FILE} holds: train first')
    names = context.statistics
    _check_width(inputs, len(names) * n_features, "inputs")
    per_step = [statistic_steps(name, context.frames) for name in names for _ in range(n_features)]
    ranges = [statistic_range(name, context.frames) for name in names for _ in range(n_features)]
    low, high = zip(*ranges, strict=True)
    normalisation = _learnt_affine(inputs, per_step, low, high)
    return SummaryPlan(context.frames, context.stride, names, normalisation)


def layer_plan(layer: FullyConnected) -> LayerPlan:
    """A layer's integers as TensorFlow Lite 2.14's reference kernel derives them.

    The multiplier comes from the float32 product of input and weight scale where the weights have one
    scale, from the float64 product where each output has its own (`GetQuantizedConvolutionMultipler`,
    `PopulateConvolutionQuantizationParams`).
    """
    scales = layer.weight_scales
    if len(scales) == 1:
        product = [float(np.float32(layer.input_scale) * scales[0])]
    else:
        product = [layer.input_scale * float(scale) for scale in scales]
    pairs = [quantize_multiplier(p / layer.output_scale) for p in product]
    low, high = _activation_range(layer)
    return LayerPlan(
        weights=layer.weights,
        bias=layer.bias,
        multiplier=checked_cast([mantissa for mantissa, _ in pairs], "i4", f"{layer.name}: multiplier"),
        shift=checked_cast([shift for _, shift in pairs], "i1", f"{layer.name}: shift"),
        input_zero_point=layer.input_zero_point,
        weight_zero_point=layer.weight_zero_point,
        output_zero_point=layer.output_zero_point,
        act_low=low,
        act_high=high,
    )


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real`` as ``mantissa * 2**(shift - 31)``. Source: TensorFlow Lite `QuantizeMultiplier`."""
    fraction, shift = math.frexp(real)
    mantissa = math.floor(fraction * 2**31 + 0.5)
    if mantissa == 2**31:
        mantissa, shift = 2**30, shift + 1
    if shift < -31:
        return 0, 0
    require(shift <= 30, f"model: a scale ratio of {real:g} is beyond what 32 bits can hold")
    return mantissa, shift


def _activation_range(layer: FullyConnected) -> tuple[int, int]:
    """Clamp of a fused activation. Source: TensorFlow Lite `CalculateActivationRangeQuantized`."""
    ends = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
    low, high = ends[layer.activation]

    def quantized(real: float) -> int:
        ratio = float(np.float32(real) / np.float32(max(layer.output_scale, 2.0**-20)))  # beyond int8 long before
        return layer.output_zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))

    act_low = -128 if low is None else max(-128, quantized(low))
    act_high = 127 if high is None else min(127, quantized(high))
    require(act_low <= act_high, f"{layer.name}: its {layer.activation} leaves no value of int8")
    return act_low, act_high


def model_plan(model: TfliteModel) -> ModelPlan:
    """What engine tflite needs to know of the file."""

    def edge(kind: str, scale: float, zero_point: int) -> EdgePlan:
        return EdgePlan(kind, zero_point, int(np.array(scale, "<f4").view("<u4")))

    first, last = model.layers[0], model.layers[-1]
    return ModelPlan(
        model.sha256,
        edge(model.input_type, first.input_scale, first.input_zero_point),
        edge(model.output_type, last.output_scale, last.output_zero_point),
    )


def _score(model: TfliteModel, n: int, calibration: Calibration | None) -> ScorePlan:
    first, last = model.layers[0], model.layers[-1]
    weights = np.ones(n, np.uint8)
    if calibration is not None:
        require(
            len(calibration.score_weights) == n,
            f"{CALIBRATION_FILE}: {len(calibration.score_weights)} score_weights for {n} inputs; train again",
        )
        weights = checked_cast(calibration.score_weights, "u1", f"{CALIBRATION_FILE}: score_weights")
    zero_points = first.input_zero_point, last.output_zero_point
    if first.input_scale == last.output_scale:
        return ScorePlan(weights, *zero_points, input_gain=1, output_gain=1, shift=0)
    # Both in units of the coarser scale, with as many fraction bits as the sum of squares allows.
    coarser = max(first.input_scale, last.output_scale)
    for fraction_bits in range(SCORE_FRACTION_BITS, -1, -1):
        one = 2.0 ** (fraction_bits + 10)
        made = ScorePlan(
            weights,
            *zero_points,
            input_gain=max(1, rounded(one * first.input_scale / coarser)),
            output_gain=max(1, rounded(one * last.output_scale / coarser)),
            shift=10,
        )
        if largest_score(made) <= UINT32_MAX:
            return made
    return made  # check() refuses it by name


def baseline_plan(start: int, *, baseline_s: float, hold_s: float, tick_s: float) -> BaselinePlan:
    """Integers of the follower of the score.

    It rises by at most its start in ``baseline_s`` seconds: what makes the detector blind is slow and limited. It
    falls `FALL_FACTOR` times as fast: what makes it alert is not held back.

    Parameters
    ----------
    start : score that it starts from, 0 to 2**32 - 1
    baseline_s : time constant of the rise, seconds; 0: off
    hold_s : the longest that an alarm freezes it, seconds; 0: as long as the alarm lasts
    tick_s : seconds from one tick to the next
    """
    if baseline_s == 0:
        return OFF

    def rate_q16(factor: int) -> int:
        return max(1, min(1 << 16, rounded(65536 * (1 - math.exp(-factor * tick_s / baseline_s)))))

    limit_q16 = min(65536 * start * tick_s / baseline_s, float(MAX_LIMIT_Q16))
    hold = max(1, _ticks(hold_s, tick_s, "score.baseline_hold_s")) if hold_s > 0 else 0
    return BaselinePlan(start, rate_q16(1), rate_q16(FALL_FACTOR), max(1, rounded(limit_q16)), hold)


def as_chosen(spec: PipelineSpec, calibration: Calibration | None) -> PipelineSpec:
    """A spec in which "chosen" is what training chose, where calibration.json says that it did.

    So a spec that is copied for other recordings need not carry what was chosen from these.

    Parameters
    ----------
    spec : PipelineSpec
    calibration : None: nothing was trained

    Raises
    ------
    InputError : nothing was trained, or not with "chosen"
    """
    if spec.score.baseline_s != "chosen":
        return spec
    if calibration is None or calibration.provenance.get("baseline_s") != CHOSEN:
        raise InputError('score.baseline_s is still "chosen": train first, or give a number of seconds')
    score = calibration.signal.get("score")
    seconds = score.get("baseline_s") if isinstance(score, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= LONGEST_S:
        raise InputError(f"{CALIBRATION_FILE}: signal.score.baseline_s is no number of seconds; train again")
    return spec.model_copy(update={"score": spec.score.model_copy(update={"baseline_s": float(seconds)})})


def _baseline(spec: PipelineSpec, calibration: Calibration | None) -> BaselinePlan:
    score = spec.score
    assert score.baseline_s != "chosen"
    start = None if calibration is None else calibration.baseline_start
    if score.baseline_s > 0 and start is None:
        raise InputError(
            f"score.baseline_s is {score.baseline_s:g}, but {CALIBRATION_FILE} has no baseline_start: train again, or "
            "set it to 0"
        )
    return baseline_plan(start or 0, baseline_s=score.baseline_s, hold_s=score.baseline_hold_s, tick_s=spec.tick_s)


def reasons_plan(
    extractor: ExtractorPlan, context: ContextPlan, score: ScorePlan, group_levels: Mapping[str, float] | None
) -> ReasonsPlan:
    """Groups of the inputs, and gains that make them comparable.

    Parameters
    ----------
    extractor, context, score : of the plan
    group_levels : mean part of each group in normal scores, by its name; None: it is not known, and each input counts
        by its weight
    """
    groups, codes = marks(extractor.groups, context.parts)
    names = [Group(code).name.lower() for code in codes]
    for name in names:
        require(
            group_levels is None or name in group_levels,
            f"{CALIBRATION_FILE}: group_levels has no '{name}'; train again",
        )
    normal = [0.0 if group_levels is None else group_levels[name] for name in names]
    weight = [int(score.weights[groups & 15 == group].astype(np.int64).sum()) for group in range(len(codes))]
    return ReasonsPlan(groups, codes, reason_gains(normal, weight))


def timing_plan(spec: PipelineSpec) -> TimingPlan:
    """Votes, delays and ratios of the alarm, in ticks."""
    alert = spec.alert
    return TimingPlan(
        m=alert.m,
        n=alert.n,
        on_delay=_ticks(alert.on_delay_s, spec.tick_s, "alert.on_delay_s"),
        off_delay=_ticks(alert.off_delay_s, spec.tick_s, "alert.off_delay_s"),
        cooldown=_ticks(alert.cooldown_s, spec.tick_s, "alert.cooldown_s"),
        clear_ratio_q16=max(1, rounded(alert.clear_ratio * 65536)),
        high_ratio_q16=rounded(alert.high_ratio * 65536),
    )


def _ticks(seconds: float, tick_s: float, name: str) -> int:
    """Whole ticks that last at least this long."""
    ticks = math.ceil(seconds / tick_s - 1e-9)
    require(ticks <= MAX_TICKS, f"{name}: {seconds:g} s is {ticks} ticks, more than {MAX_TICKS}")
    return ticks


def _raise_score(spec: PipelineSpec, timing: TimingPlan, calibration: Calibration | None) -> int:
    if spec.alert.raise_score != "calibrated":
        return spec.alert.raise_score
    if calibration is None:
        raise InputError(
            f'alert.raise_score is "calibrated", but there is no {CALIBRATION_FILE}: train first, or give a number'
        )
    if calibration.tolerated is not None:
        return _tolerant_level(spec, calibration.tolerated)
    return calibration.alarm_levels.raise_score(timing.m, timing.n, timing.on_delay, timing.high_ratio_q16 / 65536)


def _tolerant_level(spec: PipelineSpec, tolerated: Tolerated) -> int:
    """The level that tolerates alarms: it was counted with one alert, and holds for no other."""
    now = alert_without_level(spec)
    changed = [key for key, value in now.items() if tolerated.alert.get(key) != value]
    if changed:
        (key, *_) = changed
        was = tolerated.alert.get(key)
        section = "score" if key in type(spec.score).model_fields else "alert"
        raise InputError(
            f"{section}.{key} is {now[key]:g}, but the level that tolerates {tolerated.alarms} alarms was counted at "
            f"{'another' if was is None else f'{was:g}'}: calibrate again with --tolerate {tolerated.alarms}, or set "
            f"alert.raise_score (it was {tolerated.raise_score})"
        )
    return tolerated.raise_score


def _provenance(spec: PipelineSpec, calibration: Calibration | None) -> dict[str, str]:
    from anomsdk._version import __version__

    facts = {"anomsdk": __version__, "model_file": spec.model.file}
    if spec.notes:
        facts["rounded"] = "; ".join(spec.notes)
    learnt = {} if calibration is None else calibration.provenance
    # Only the spec permits: what a calibration.json says of it, or of another rounding, is not handed on.
    learnt = {name: text for name, text in learnt.items() if name not in (PERMISSION, "rounded")}
    return {**learnt, **facts, **_permission(spec)}


def _permission(spec: PipelineSpec) -> dict[str, str]:
    """The spec's permission of features that can carry speech, where they need one."""
    if not _speaks(spec):
        return {}
    return {PERMISSION: "true"}


def _speaks(spec: PipelineSpec) -> bool:
    features = spec.features
    if not isinstance(features, (BandsFeatures, LogmelFeatures)):
        return False
    return can_carry_speech(features.kind, _width(features), framer_plan(spec), spec.hops_per_frame, sensor_plan(spec))


def _width(features: BandsFeatures | LogmelFeatures) -> int:
    return features.n_bands + 2 if isinstance(features, BandsFeatures) else features.n_mels


# Checks


def check_speech(spec: PipelineSpec) -> None:
    """Refuse features that can carry speech, unless the spec permits them; before hours of work, too."""
    features = spec.features
    if not isinstance(features, (BandsFeatures, LogmelFeatures)) or features.allow_speech_features:
        return
    if not _speaks(spec):
        return
    width = _width(features)
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


def _check_calibration(spec: PipelineSpec, model: TfliteModel, calibration: Calibration) -> None:
    require(
        calibration.model_sha256 == model.sha256,
        f"{CALIBRATION_FILE}: belongs to another model (sha256 {calibration.model_sha256[:12]}..., "
        f"{spec.model.file} has {model.sha256[:12]}...); restore the model or train again",
    )
    for name, section in signal_sections(spec).items():
        then = calibration.signal.get(name)
        if then != section:
            changed = [k for k in section if not isinstance(then, dict) or then.get(k) != section[k]]
            raise InputError(
                f"{SPEC_FILE}: {name}.{(changed or ['?'])[0]} has changed since {CALIBRATION_FILE} was made; "
                "change it back or train again (the alert section and baseline_hold_s may be edited freely)"
            )


def _check_width(part: Normalisation, n: int, what: str) -> None:
    require(
        len(part.centre) == n,
        f"{CALIBRATION_FILE}: {what} has {len(part.centre)} entries, the spec makes {n}; train again",
    )
