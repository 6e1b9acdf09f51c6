"""Score: its weights and gains, its baseline and its reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from anomsdk.core.baseline import MAX_LIMIT_Q16, OFF, BaselinePlan
from anomsdk.core.checks import checked_cast, require
from anomsdk.core.context import ContextPlan
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.fixed import INT32_MAX, UINT32_MAX
from anomsdk.core.reasons import Group, ReasonsPlan, marks
from anomsdk.core.rung import TimingPlan
from anomsdk.core.score import ScoreGroup, ScorePlan, largest_score
from anomsdk.errors import InputError
from anomsdk.planner.alert import calibrated_level, ticks
from anomsdk.planner.calibration import CALIBRATION_FILE, CHOSEN, Calibration
from anomsdk.planner.sections import LONGEST_S
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.tables import reason_gains, rounded
from anomsdk.plans.tflite.model import TfliteModel

SCORE_FRACTION_BITS = 4
"""Largest number of fraction bits of an error, where the model's input and output have different scales."""

FALL_FACTOR = 4
"""Speed at which the baseline falls, as a multiple of the speed at which it rises."""


GROUP_TAIL = 4096
"""Amplitude of each group of a score at the sum that `Calibration.score_tails` has for it."""


def score_plan(
    model: TfliteModel, n: int, calibration: Calibration | None, extractor: ExtractorPlan | None = None
) -> ScorePlan:
    """Plan the score; for an extractor whose frame has parts, the largest part counts.

    Parameters
    ----------
    model, n, calibration : as `_score_of_sum`
    extractor : section of the plan; None: the sum counts
    """
    made = _score_of_sum(model, n, calibration)
    if extractor is None or not extractor.parts:
        return made
    tails = None if calibration is None else calibration.score_tails
    if tails is None or len(tails) != len(extractor.parts):
        raise InputError(f"{CALIBRATION_FILE}: has no score_tails for {len(extractor.parts)} groups; train again")
    return replace(made, groups=tuple(map(score_group, extractor.parts, tails)))


def score_group(part: tuple[int, int, int], tail: float) -> ScoreGroup:
    """Plan a group of the score: its gain brings the sum ``tail`` to the amplitude `GROUP_TAIL`.

    Parameters
    ----------
    part : first and last input; 1: errors count by their square, 0: by their size
    tail : sum of the errors, above 0
    """
    first, last, squared = part
    ratio = GROUP_TAIL ** (1 + squared) / tail
    shift = max(0, min(40, 30 - math.ceil(math.log2(ratio))))
    return ScoreGroup(first, last, squared, max(1, min(INT32_MAX, rounded(ratio * 2.0**shift))), shift)


def _score_of_sum(model: TfliteModel, n: int, calibration: Calibration | None) -> ScorePlan:
    """Plan the weights and gains of the score; gains bring inputs and outputs to the coarser of their two scales.

    Parameters
    ----------
    model : scales and zero points come from its first and last layer
    n : number of the model's inputs
    calibration : weight of each input; None: all weights are 1
    """
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


def baseline_plan(
    start: int, *, baseline_s: float, hold_s: float, tick_s: float, reference_score: int | None = None
) -> BaselinePlan:
    """Plan the baseline, a level that follows the score.

    A rising baseline makes the detector less sensitive, so that its rise is slow and limited: by at most ``start`` in
    ``baseline_s`` seconds. A falling one makes it more sensitive: it falls `FALL_FACTOR` times as fast.

    Parameters
    ----------
    start : score that the baseline starts from, 0 to 2**32 - 1
    baseline_s : time constant of the rise, seconds; 0: off
    hold_s : longest time that an alarm freezes the baseline, seconds; 0: as long as the alarm lasts
    tick_s : seconds from one tick to the next
    reference_score : alarm level of the rung whose alarm freezes the baseline; None: nothing freezes it, which no plan
        may have
    """
    if baseline_s == 0:
        return OFF

    def rate_q16(factor: int) -> int:
        return max(1, min(1 << 16, rounded(65536 * (1 - math.exp(-factor * tick_s / baseline_s)))))

    limit_q16 = min(65536 * start * tick_s / baseline_s, float(MAX_LIMIT_Q16))
    hold = max(1, ticks(hold_s, tick_s, "score.baseline_hold_s")) if hold_s > 0 else 0
    return BaselinePlan(start, rate_q16(1), rate_q16(FALL_FACTOR), max(1, rounded(limit_q16)), hold, reference_score)


def as_chosen(spec: PipelineSpec, calibration: Calibration | None) -> PipelineSpec:
    """Replace ``baseline_s = "chosen"`` in a spec by the number that training chose, which calibration.json has.

    The spec file keeps "chosen": a copy of it for other recordings does not carry a number chosen from these.

    Parameters
    ----------
    spec : PipelineSpec
    calibration : None: nothing was trained

    Raises
    ------
    InputError : there is no calibration, or it was trained with a number of seconds
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


def spec_baseline(spec: PipelineSpec, timing: TimingPlan, calibration: Calibration | None) -> BaselinePlan:
    """Plan the baseline that a spec and its calibration.json ask for.

    Its reference is the level at which the calibration recordings raise no alarm, whatever alarm level the spec has.
    """
    score = spec.score
    assert score.baseline_s != "chosen"
    start = None if calibration is None else calibration.baseline_start
    if score.baseline_s > 0 and start is None:
        raise InputError(
            f"score.baseline_s is {score.baseline_s:g}, but {CALIBRATION_FILE} has no baseline_start: train again, or "
            "set it to 0"
        )
    reference = None if calibration is None else calibrated_level(timing, calibration)
    if spec.features.learns:
        return replace(OFF, reference_score=reference)
    return baseline_plan(
        start or 0,
        baseline_s=score.baseline_s,
        hold_s=score.baseline_hold_s,
        tick_s=spec.tick_s,
        reference_score=reference,
    )


def reasons_plan(
    extractor: ExtractorPlan, context: ContextPlan, score: ScorePlan, group_levels: Mapping[str, float] | None
) -> ReasonsPlan:
    """Plan the reasons: groups of the model's inputs, and gains that make groups comparable.

    Parameters
    ----------
    extractor, context, score : sections of the plan
    group_levels : name of a group -> its mean part of normal scores; None: not known, each input counts by its weight
    """
    groups, codes = marks(extractor.groups, context.unsteady)
    names = [Group(code).name.lower() for code in codes]
    for name in names:
        require(
            group_levels is None or name in group_levels,
            f"{CALIBRATION_FILE}: group_levels has no '{name}'; train again",
        )
    normal = [0.0 if group_levels is None else group_levels[name] for name in names]
    weight = [int(score.weights[groups & 15 == group].astype(np.int64).sum()) for group in range(len(codes))]
    return ReasonsPlan(groups, codes, reason_gains(normal, weight))
