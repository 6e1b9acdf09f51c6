"""Spec sections [alarm] and [health]: what they become in a plan, and what is refused."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

import anomsdk
from anomsdk import InputError, PipelineSpec
from anomsdk.core.alarm import AlarmPlan
from anomsdk.core.event import Condition
from anomsdk.core.health import HealthPlan
from anomsdk.planner.alarm import alarm_plan
from anomsdk.planner.health import DEFAULTS, health_plan
from anomsdk.planner.sections import HealthSection
from anomsdk.plans.changes import changes
from anomsdk.plans.file import parse_plan
from tests.support.supervised_models import supervised

AUDIO = {
    "format": 1,
    "name": "room",
    "sensor": {"kind": "audio", "rate_hz": 16000},
    "features": {"kind": "logmel", "fft_length": 512, "hop_length": 256, "n_mels": 20, "fmax_hz": 8000},
    "context": {"kind": "stack", "frames": 3},
}
MOTION = {
    **AUDIO,
    "sensor": {"kind": "motion", "rate_hz": 50, "counts_per_g": 2048, "full_scale_g": 8},
    "features": {"kind": "motion", "window_s": 2, "hop_s": 1},
    "context": {"kind": "stack", "frames": 1},
}
ROWS = {
    **AUDIO,
    "sensor": {"kind": "external", "rate_hz": 0.1},
    "features": {"kind": "external", "n_features": 2, "counts_per_unit": 1e-6},
    "context": {"kind": "stack", "frames": 2},
}


def spec_of(tree, **sections):
    return PipelineSpec.from_dict({**tree, **sections})


def test_sections_that_are_left_out_leave_the_plan_as_it_was():
    assert alarm_plan(spec_of(AUDIO)) is None and health_plan(spec_of(AUDIO)) is None
    tree = anomsdk.reference_model("human_motion").canonical_bytes
    assert b'"alarm"' not in tree and b'"health"' not in tree


def test_durations_of_an_alarm_are_hops_rounded_up():
    alarm = {"latch": True, "cancel_s": 0.017, "escalate_ratio": 2.5, "escalate_after_s": 1.6, "heartbeat_s": 16}
    assert alarm_plan(spec_of(AUDIO, alarm=alarm)).__dict__ == AlarmPlan(
        latch=1,
        cancel=2,
        escalate_ratio_q16=163840,
        escalate_after=100,
        escalate_every=3750,
        repeat=0,
        test=188,
        heartbeat=1000,
    ).__dict__  # fmt: skip


def test_health_of_audio_has_its_defaults():
    plan = health_plan(spec_of(AUDIO, health={}))
    assert plan.block * 256 == 10240
    assert (plan.stuck, plan.clip_low, plan.clip_high, plan.missing_ms) == (8000, -32512, 32512, 2000)
    on = {Condition(i + 1) for i in np.flatnonzero(plan.raise_blocks)}
    motion_only = {Condition.DEAD_AXIS, Condition.GRAVITY, Condition.NOT_WORN}
    assert on == {each for each in Condition if each <= Condition.GAP} - motion_only
    assert plan.void_mask == 0b0100_1011


def test_health_of_motion_is_in_units_of_g():
    plan = health_plan(spec_of(MOTION, health={"not_worn_s": 600, "not_worn_voids": True}))
    assert plan.block == 1 and plan.clip_high == 16220
    assert (plan.gravity_low, plan.gravity_high) == (1536**2, 2560**2)
    assert (plan.still_range, plan.posture, plan.dead_axis_range) == (102, 102, 205)
    assert plan.raise_blocks[Condition.NOT_WORN - 1] == 600
    assert plan.void_mask == 0b0110_1011
    assert plan.raise_blocks[Condition.STEP - 1] == plan.raise_blocks[Condition.NOISE_FLOOR - 1] == 0


def test_slow_rows_are_not_stuck_after_a_single_repeat():
    assert health_plan(spec_of(ROWS, health={"stuck_s": 60})).stuck == 10


def test_counts_of_movement_may_be_0_for_a_whole_night():
    assert health_plan(spec_of(ROWS, health={})).stuck == 8640  # of 0.1 Hz: a day
    every_second = {**ROWS, "sensor": {"kind": "external", "rate_hz": 1}}
    assert health_plan(spec_of(every_second, health={})).stuck == 60


def test_a_dither_of_one_count_is_a_flat_line_of_sound():
    assert [health_plan(spec_of(tree, health={})).flat_range for tree in (AUDIO, MOTION)] == [2, 1]


def conditions_of(plan, blocks):
    """Conditions that are raised, and the ticks that are not void after the first of them."""
    with anomsdk.Pipeline(plan) as pipeline:
        answers = [pipeline.gap(block) if isinstance(block, int) else pipeline.process(block) for block in blocks]
    found = [result for answer in answers for result in answer]
    raised = [(at, event.condition) for at, each in enumerate(found) for event in each.events if event.active]
    raised = [(at, condition) for at, condition in raised if condition not in (None, Condition.WARM_UP)]
    judged = [each for each in found[raised[0][0] :] if each.judged and not each.void] if raised else None
    return [condition for _, condition in raised], judged


def still(n, columns, rng, counts=3):
    """A device at rest, with a little noise."""
    rest = np.zeros((n, columns))
    rest[:, 2] = 2048
    return np.rint(rest + rng.standard_normal(rest.shape) * counts).astype(np.int16)


@pytest.mark.parametrize("name", ["human_motion", "cattle_collar"])
def test_a_lost_row_now_and_then_is_no_technical_alarm_and_half_of_the_rows_are_one(name):
    """A row that is lost costs a window of watching, which may be longer than `lost_s`."""
    plan, rng = supervised(name, None, {})[0], np.random.default_rng(1)
    seconds = [round(plan.rate_hz * s) for s in (20, 20.1, 20.2, 20.3, 20.5)]
    now_and_then = [block for n in seconds * 3 for block in (still(n, plan.columns, rng), 1)]
    assert conditions_of(plan, now_and_then)[0] == []
    half = [block for _ in range(round(5 * plan.rate_hz)) for block in (still(1, plan.columns, rng), 1)]
    assert conditions_of(plan, [*now_and_then[:-1], *half])[0] == [Condition.GAP]


@pytest.mark.parametrize("name", ["human_motion", "cattle_collar"])
@pytest.mark.parametrize("noise", [1, 2, 8])
def test_an_accelerometer_that_gives_noise_without_gravity_is_at_fault(name, noise):
    plan, rng = supervised(name, None, {})[0], np.random.default_rng(2)
    alive = still(round(20 * plan.rate_hz), plan.columns, rng)
    dead = rng.integers(-noise, noise + 1, (round(6 * plan.rate_hz), plan.columns)).astype(np.int16)
    assert conditions_of(plan, [alive])[0] == []
    assert conditions_of(plan, [alive, dead]) == ([Condition.GRAVITY], [])


def test_rows_that_come_one_a_block_have_no_range():
    on = health_plan(spec_of(ROWS, health={})).raise_blocks
    assert on[Condition.REPEATED - 1] == on[Condition.FLAT - 1] == on[Condition.NOISE_FLOOR - 1] == 0
    assert on[Condition.STUCK - 1] > 0


def test_a_rate_too_low_for_its_clock_is_not_checked():
    fast = {**ROWS, "sensor": {"kind": "external", "rate_hz": 2}}
    assert health_plan(spec_of(fast, health={})).rate_tolerance_q16 == 1311
    assert health_plan(spec_of(ROWS, health={})).rate_tolerance_q16 == 0


def test_a_limit_that_is_on_is_never_rounded_to_off():
    tiny = dict.fromkeys(("clip_share", "lost_share", "noise_floor", "step"), 1e-6)
    plan = health_plan(spec_of(AUDIO, health={**tiny, "missing_s": 1e-6}))
    limits = (plan.clip_share_q16, plan.lost_share_q16, plan.floor_range, plan.step)
    assert (*limits, plan.missing_ms) == (1, 1, 1, 1, 1)


def test_a_coarse_accelerometer_that_lies_still_has_no_dead_axis():
    coarse = {**MOTION, "sensor": {"kind": "motion", "rate_hz": 50, "counts_per_g": 4}}
    assert health_plan(spec_of(coarse, health={})).dead_axis_range == 1


def test_a_default_is_shortened_to_what_can_be_counted():
    fast = {**AUDIO, "sensor": {"kind": "audio", "rate_hz": 384000}}
    assert health_plan(spec_of(fast, health={})).stuck == 65535


@pytest.mark.parametrize(
    ("tree", "health", "said"),
    [
        (AUDIO, {"stuck_s": 60}, "health.stuck_s: 60 s is 960000 samples, more than 65535; use at most 4.1"),
        (MOTION, {"dead_axis_s": 3600}, "health.dead_axis_s: 3600 s is 180000 samples, more than 65535"),
        (AUDIO, {"missing_s": 2592000}, "health.missing_s: 2.592e+06 s is 2592000000 ms, more than 2147483647"),
        (ROWS, {"noise_floor": 4}, "health.noise_floor: it compares samples within 0.64 s, and at 0.1 Hz there is one"),
        (ROWS, {"flat_s": 4}, "health.flat_s: it compares samples within 0.64 s"),
        (
            {**ROWS, "sensor": {"kind": "external", "rate_hz": 1 / 60}},
            {"rate_tolerance": 0.02},
            "health.rate_tolerance is 0.02: at 0.0166667 Hz a minute has too few samples to measure it",
        ),
    ],
)
def test_limits_that_cannot_be_kept_are_refused(tree, health, said):
    with pytest.raises(InputError) as caught:
        health_plan(spec_of(tree, health=health))
    assert said in str(caught.value)


@pytest.mark.parametrize("key", [key for key in DEFAULTS["motion"] if key.endswith("_s")])
def test_a_time_of_0_switches_a_condition_off(key):
    on = health_plan(spec_of(MOTION, health={}))
    off = health_plan(spec_of(MOTION, health={key: 0}))
    assert (on.raise_blocks > 0).sum() + (on.missing_ms > 0) == (off.raise_blocks > 0).sum() + (off.missing_ms > 0) + 1


@pytest.mark.parametrize(
    ("tree", "sections", "said"),
    [
        (AUDIO, {"health": {"not_worn_s": 60}}, "health.not_worn_s is for a motion sensor, and sensor.kind is audio"),
        (MOTION, {"health": {"noise_floor": 4}}, "health.noise_floor is for sound or rows, and sensor.kind is motion"),
        (AUDIO, {"health": {"clip_share": 2}}, "health.clip_share: input should be less than or equal to 1"),
        (AUDIO, {"health": {"stuck": 2}}, "health.stuck: unknown key"),
        (AUDIO, {"health": {"stuck": "default"}}, "health.stuck: unknown key"),
        (AUDIO, {"health": {"stuck_s": "none"}}, 'health.stuck_s: must be a number, or "default"; 0 switches a'),
        (AUDIO, {"alarm": {"escalate_ratio": 0.5}}, "escalate_ratio 0.5 would escalate every alarm at once"),
        (AUDIO, {"alarm": {"cancel_s": -1}}, "alarm.cancel_s: input should be greater than or equal to 0"),
        (AUDIO, {"alarm": {"latch": 1}}, "alarm.latch: input should be a valid boolean"),
    ],
)
def test_what_no_device_can_do_is_refused(tree, sections, said):
    with pytest.raises(InputError) as caught:
        spec_of(tree, **sections)
    assert said in str(caught.value)


@pytest.mark.parametrize("key", ["still_mg", "posture_mg"])
def test_a_limit_of_0_switches_not_worn_off(key):
    assert health_plan(spec_of(MOTION, health={key: 0})).raise_blocks[Condition.NOT_WORN - 1] == 0


def test_every_key_of_health_may_say_default():
    given = spec_of(MOTION, health=dict.fromkeys(HealthSection.model_fields, "default"))
    assert given.health == HealthSection()


def test_score_id_depends_on_health_and_not_on_the_life_cycle():
    plain, _ = supervised("human_motion", alarm={}, health=None)
    latching, _ = supervised("human_motion", alarm={"latch": True, "heartbeat_s": 60}, health=None)
    watched, _ = supervised("human_motion", alarm={}, health={})
    assert plain.id != latching.id and plain.score_id == latching.score_id
    assert plain.score_id == anomsdk.reference_model("human_motion").score_id
    assert watched.score_id != plain.score_id
    assert changes(plain, latching) == ["alarm.heartbeat: 14400 -> 240 hops", "alarm.latch: 0 -> 1"]


@pytest.mark.parametrize(
    "sections", [{"alarm": {}, "health": None}, {"alarm": None, "health": {}}, {"alarm": {}, "health": {}}]
)
def test_a_supervised_plan_is_read_back(sections):
    plan, spec = supervised("audio_scene", **sections)
    assert parse_plan(plan.canonical_bytes, name="plan.json") == plan
    assert PipelineSpec.from_toml(spec.to_toml()) == spec


def test_null_is_no_section():
    plan, _ = supervised("audio_scene", alarm={}, health=None)
    with pytest.raises(InputError, match="damaged"):
        parse_plan(plan.canonical_bytes.replace(b'{"alarm":{', b'{"alarm":null,"x":{'), name="plan.json")


OUT_OF_RANGE = [
    *(("alarm", f.name, value) for f in fields(AlarmPlan) for value in (-1, 2**31)),
    *(
        ("health", f.name, value)
        for f in fields(HealthPlan)
        if not f.name.endswith("_blocks")
        for value in (-32769, 2**32)
    ),
    ("alarm", "latch", 2),
    ("alarm", "escalate_ratio_q16", 65535),
    ("health", "block", 0),
    ("health", "block", 256),
    ("health", "clip_low", 32512),
    ("health", "mean_shift", 16),
    ("health", "not_worn_voids", 2),
    ("health", "missing_ms", 2**31),
]


@pytest.mark.parametrize(("section", "name", "value"), OUT_OF_RANGE)
def test_a_plan_out_of_range_is_refused_in_one_line(section, name, value):
    plan, _ = supervised("audio_scene", alarm={}, health={})
    with pytest.raises(InputError) as caught:
        replace(plan, **{section: replace(getattr(plan, section), **{name: value})}).check()
    assert str(caught.value).startswith(f"{section}: ") and "\n" not in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("model", "changes", "blocks", "said"),
    [
        ("audio_scene", {}, {Condition.GRAVITY: (1, 1)}, "gravity and not_worn need three axes, not 1 columns"),
        ("audio_scene", {}, {Condition.CLIPPED: (1, 0)}, "clear_blocks is 0 for a condition that is on"),
        ("audio_scene", {}, {Condition.MISSING: (1, 1)}, "raise_blocks is not 0 for missing, which no block decides"),
        ("human_motion", {}, {Condition.STEP: (1, 1)}, "step and not_worn cannot both be on"),
        ("human_motion", {"gravity_low": 9, "gravity_high": 8}, {}, "gravity_low is 9, above gravity_high 8"),
    ],
)
def test_conditions_that_no_device_can_decide_are_refused(model, changes, blocks, said):
    plan, _ = supervised(model, alarm={}, health={})
    health = replace(plan.health, raise_blocks=plan.health.raise_blocks.copy(), **changes)
    health = replace(health, clear_blocks=health.clear_blocks.copy())
    for condition, numbers in blocks.items():
        health.raise_blocks[condition - 1], health.clear_blocks[condition - 1] = numbers
    with pytest.raises(InputError, match=said):
        replace(plan, health=health).check()


def test_samples_of_a_fault_that_is_over_are_never_judged():
    """A collar that thaws: windows and the context hold samples of the fault for longer than the fault lasts."""
    plan, _ = supervised("cattle_collar", alarm={}, health={})
    frames = plan.extractor.hops_per_frame * plan.context.frames
    assert plan.health.settle == plan.framer.window // plan.framer.hop - 1 + frames
    rng = np.random.default_rng(5)
    moving = rng.normal((0, 0, 2048, 0, 0, 0), 300, (1200, 6))
    moving[600:700] = 9000  # frozen at a value that no cow has, then moving as before
    with anomsdk.Pipeline(plan) as pipeline:
        results = pipeline.process(moving.astype(np.int16))
    kinds = [(event.condition, event.active) for result in results for event in result.events if event.condition]
    assert (Condition.STUCK, True) in kinds and kinds[-1] == (Condition.WARM_UP, False)
    thawed = 700 // plan.framer.hop
    back = next(result.hop for result in results if result.judged and not result.void and result.hop > thawed)
    assert back * plan.framer.hop - (plan.samples_to_first_tick - plan.framer.window) >= 700
    assert (Condition.WARM_UP, True) not in kinds
