"""Health: limits of the technical conditions, with defaults for each kind of sensor.

Defaults come from a study of normal recordings of rooms, people and cattle: docs/explanation/health.md has the margins.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from anomsdk.core.checks import checked_cast, require
from anomsdk.core.event import Condition
from anomsdk.core.health import (
    LONGEST_MISSING_MS,
    MAX_BLOCK_SAMPLES,
    MAX_RUN,
    N_CONDITIONS,
    RATE_PERIOD_MS,
    HealthPlan,
)
from anomsdk.planner.alarm import hops
from anomsdk.planner.sections import HealthSection, MotionSensor
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.tables import rounded

BLOCK_S = 0.64
"""Longest block. At 16 kHz and hops of 256 or 512 it is 10,240 samples, which most buffers of a DMA divide."""
SHORTEST_RUN = 10
"""Smallest number of equal samples that is taken for a fault, however slow the sensor is."""
MEAN_SHIFT = 6
REST_RATIO = 1 / 8
"""Largest range of an axis at rest, over the length of the mean vector."""
FLAT_RANGE = {"audio": 2, "motion": 1, "external": 1, "diary": 1}
"""Counts from the lowest to the highest value of a flat line: a microphone gives more than a dither of 1 count."""
SLOW_HZ = 1.0
SLOW_STUCK_S = 86_400.0
"""Default of `stuck_s` for rows at less than `SLOW_HZ`: counts of movement are 0 for whole nights."""
RATE_SAMPLES = 2.0
"""Samples that the tolerance of the rate stands for in a minute, at least: the last one may be early or late."""
RUN_BLOCKS = {Condition.STUCK: 1, Condition.DEAD_AXIS: 5}
"""Bad blocks of conditions whose time is a number of samples without a change."""
DEAD_AXIS_MG = 100
"""Range of an acceleration axis from which the device moves."""
_IN_A_RANGE = (Condition.FLAT, Condition.REPEATED, Condition.NOISE_FLOOR)
"""Conditions that show in a block of two samples or more: a single one has no range."""

DEFAULTS: dict[str, dict[str, float]] = {
    "audio": {
        "stuck_s": 0.5,
        "flat_s": 1.9,
        "repeated_s": 1.0,
        "clip_level": 32512,
        "clip_share": 0.05,
        "clip_s": 1.0,
        "noise_floor": 4,
        "noise_floor_s": 30,
        "step": 4096,
        "step_s": 1.0,
        "lost_share": 0.2,
        "lost_s": 1.5,
        "missing_s": 2,
        "rate_tolerance": 0.02,
    },
    "motion": {
        "stuck_s": 1.0,
        "flat_s": 10,
        "repeated_s": 1.0,
        "clip_share": 0.15,
        "clip_s": 1.0,
        "dead_axis_s": 5,
        "gravity_tolerance": 0.25,
        "gravity_rest_s": 5,
        "lost_share": 0.2,
        "lost_s": 1.5,
        "missing_s": 5,
        "rate_tolerance": 0.1,
        "not_worn_s": 3600,
        "still_mg": 50,
        "posture_mg": 50,
    },
    "diary": {
        "stuck_s": 129_600,
        "clip_level": 32767,
        "lost_share": 0.5,
        "lost_s": 43_200,
        "missing_s": 14_400,
        "rate_tolerance": 0,
    },
    "external": {
        "stuck_s": 60,
        "repeated_s": 10,
        "clip_level": 32767,
        "clip_share": 0.15,
        "clip_s": 1.0,
        "lost_share": 0.2,
        "lost_s": 1.5,
        "missing_s": 60,
        "rate_tolerance": 0.02,
    },
}
"""Kind of sensor -> key of the health section -> its default; a key that is not there is off."""

CLEAR_BLOCKS = {Condition.NOISE_FLOOR: 5, Condition.GRAVITY: 5, Condition.NOT_WORN: 3, Condition.GAP: 10}
"""Good blocks in a row that make a condition inactive; 2 for all others."""


def health_plan(spec: PipelineSpec) -> HealthPlan | None:
    """Plan the limits of the technical conditions; None for a spec without a health section."""
    section = spec.health
    if section is None:
        return None
    limits = _limits(section, spec)
    block = _block(spec)
    for key in ("flat_s", "repeated_s", "noise_floor"):
        require(
            not getattr(section, key) or block * spec.hop_length > 1,
            f"health.{key}: it compares samples within {BLOCK_S:g} s, and at {spec.sensor.rate_hz:g} Hz there is one; "
            "remove it",
        )
    seconds = _raise_seconds(limits)
    block_s = block * spec.hop_s
    wanted = {each: max(1, math.ceil(s / block_s - 1e-9)) if s > 0 else 0 for each, s in seconds.items()}
    for condition, blocks in RUN_BLOCKS.items():
        wanted[condition] = blocks if wanted[condition] > 0 else 0
    if wanted[Condition.GAP] > 0:
        wanted[Condition.GAP] = max(wanted[Condition.GAP], 1 + _blocks_of_a_gap(spec, block))
    for each, n in wanted.items():
        require(n <= MAX_RUN, f"health: {each.word} after {n} blocks is more than {MAX_RUN}; shorten its time")
    if block * spec.hop_length == 1:
        wanted |= dict.fromkeys(_IN_A_RANGE, 0)
    codes = [each for each in Condition if wanted.get(each, 0) > 0]
    raise_blocks, clear_blocks = np.zeros(N_CONDITIONS, np.int64), np.zeros(N_CONDITIONS, np.int64)
    for each in codes:
        raise_blocks[each - 1], clear_blocks[each - 1] = wanted[each], CLEAR_BLOCKS.get(each, 2)
    low, high = _clip_levels(spec, limits)
    one_g, per_mg = _scale(spec)
    tolerance = limits["gravity_tolerance"]
    return HealthPlan(
        block=block,
        stuck=_run(section.stuck_s, limits["stuck_s"], spec, "health.stuck_s"),
        flat_range=FLAT_RANGE[spec.sensor.kind],
        clip_low=low,
        clip_high=high,
        clip_share_q16=_limit(limits["clip_share"] * 65536),
        floor_range=_limit(limits["noise_floor"]),
        step=_limit(limits["step"]),
        dead_axis=_run(section.dead_axis_s, limits["dead_axis_s"], spec, "health.dead_axis_s"),
        dead_axis_range=min(MAX_RUN, _limit(DEAD_AXIS_MG * per_mg)),
        rest_q16=rounded(REST_RATIO**2 * 65536),
        gravity_low=rounded((one_g * (1 - tolerance)) ** 2),
        gravity_high=min(2**32 - 1, rounded((one_g * (1 + tolerance)) ** 2)),
        still_range=min(MAX_RUN, rounded(limits["still_mg"] * per_mg)),
        posture=min(MAX_RUN, rounded(limits["posture_mg"] * per_mg)),
        mean_shift=MEAN_SHIFT,
        lost_share_q16=_limit(limits["lost_share"] * 65536),
        missing_ms=_missing_ms(limits["missing_s"]),
        rate_tolerance_q16=_limit(limits["rate_tolerance"] * 65536),
        samples_per_ms_q20=max(1, rounded(spec.sensor.rate_hz / 1000 * 2**20)),
        warm_up=_warm_up(spec, section),
        settle=_settle(spec),
        not_worn_voids=int(section.not_worn_voids),
        raise_blocks=checked_cast(raise_blocks, "<u2", "health: raise_blocks"),
        clear_blocks=checked_cast(clear_blocks, "<u2", "health: clear_blocks"),
    )


def _limits(section: HealthSection, spec: PipelineSpec) -> dict[str, float]:
    """Return the value of each key: that of the spec, else the default of the sensor's kind, else 0."""
    given: dict[str, Any] = section.model_dump()
    defaults, rate_hz = dict(DEFAULTS[spec.sensor.kind]), spec.sensor.rate_hz
    if rate_hz < SLOW_HZ and spec.sensor.kind == "external":
        defaults["stuck_s"] = SLOW_STUCK_S
    if not _is_measurable(defaults["rate_tolerance"], rate_hz):
        defaults["rate_tolerance"] = 0
    tolerance = given["rate_tolerance"]
    require(
        tolerance is None or tolerance == 0 or _is_measurable(tolerance, rate_hz),
        f"health.rate_tolerance is {tolerance}: at {rate_hz:g} Hz a minute has too few samples to measure it; "
        f"give at least {RATE_SAMPLES / rate_hz / 60:.2g}, or 0",
    )
    return {key: defaults.get(key, 0) if value is None else value for key, value in given.items()}


def _is_measurable(tolerance: float, rate_hz: float) -> bool:
    """Tell whether a tolerance of the rate stands for enough samples, in the shortest time that is looked at."""
    return tolerance * rate_hz * RATE_PERIOD_MS / 1000 >= RATE_SAMPLES


def _raise_seconds(limits: dict[str, float]) -> dict[Condition, float]:
    """Return the time in seconds after which a condition of blocks is active; 0: off."""

    def if_on(seconds: str, *limit: str) -> float:
        return limits[seconds] if all(limits[each] > 0 for each in limit) else 0.0

    return {
        Condition.STUCK: limits["stuck_s"],
        Condition.FLAT: limits["flat_s"],
        Condition.REPEATED: limits["repeated_s"],
        Condition.CLIPPED: if_on("clip_s", "clip_share"),
        Condition.NOISE_FLOOR: if_on("noise_floor_s", "noise_floor"),
        Condition.STEP: if_on("step_s", "step"),
        Condition.DEAD_AXIS: limits["dead_axis_s"],
        Condition.GRAVITY: if_on("gravity_rest_s", "gravity_tolerance"),
        Condition.GAP: if_on("lost_s", "lost_share"),
        Condition.NOT_WORN: if_on("not_worn_s", "still_mg", "posture_mg"),
    }


def _block(spec: PipelineSpec) -> int:
    """Return the hops of a block: within `BLOCK_S`, and short enough for sums of 32 bits; at least 1."""
    longest = (MAX_BLOCK_SAMPLES - spec.window_length) // spec.hop_length + 1
    return max(1, min(int(BLOCK_S / spec.hop_s + 1e-9), longest))


def _limit(value: float) -> int:
    """Round a limit; one that is on stays on."""
    return max(1, rounded(value)) if value > 0 else 0


def _run(given: float | None, seconds: float, spec: PipelineSpec, name: str) -> int:
    """Return the equal samples in a row that are taken for a fault; a default is shortened to what can be counted."""
    n = math.ceil(seconds * spec.sensor.rate_hz - 1e-9)
    require(
        given is None or n <= MAX_RUN,
        f"{name}: {seconds:g} s is {n} samples, more than {MAX_RUN}; use at most {MAX_RUN / spec.sensor.rate_hz:.3g}",
    )
    return min(MAX_RUN, max(SHORTEST_RUN, n))


def _missing_ms(seconds: float) -> int:
    ms = _limit(seconds * 1000)
    require(
        ms <= LONGEST_MISSING_MS,
        f"health.missing_s: {seconds:g} s is {ms} ms, more than {LONGEST_MISSING_MS}; shorten it",
    )
    return ms


def _blocks_of_a_gap(spec: PipelineSpec, block: int) -> int:
    """Return the blocks without a window that a gap of a hop costs at most: until then a window is whole again."""
    hops_lost = -(-(spec.window_length + spec.hop_length - 1) // spec.hop_length)
    return (hops_lost + block - 1) // block


def _clip_levels(spec: PipelineSpec, limits: dict[str, float]) -> tuple[int, int]:
    """Return the values from which a sample is clipped; those of motion lie 1 % below the full scale."""
    level = limits["clip_level"]
    if level == 0 and isinstance(spec.sensor, MotionSensor):
        full_scale_g = spec.sensor.full_scale_g
        counts = 32768 if full_scale_g is None else full_scale_g * spec.sensor.counts_per_g
        level = min(0.99 * counts, 32512)
    return -_limit(level), _limit(level)


def _scale(spec: PipelineSpec) -> tuple[float, float]:
    """Return the counts of 1 g and of 1 mg; 0 for a sensor without acceleration."""
    counts_per_g = spec.sensor.counts_per_g if isinstance(spec.sensor, MotionSensor) else 0.0
    return counts_per_g, counts_per_g / 1000


def _warm_up(spec: PipelineSpec, section: HealthSection) -> int:
    """Return the hops of warm-up: until the first tick, or for as long as the spec says."""
    first = spec.hops_per_frame * spec.context.frames
    return max(first, hops(section.warm_up_s, spec, "health.warm_up_s"))


def _settle(spec: PipelineSpec) -> int:
    """Return the hops until no window and no frame of the context holds a sample from before."""
    return -(-spec.window_length // spec.hop_length) - 1 + spec.hops_per_frame * spec.context.frames
