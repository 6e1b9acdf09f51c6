"""The follower of the score: what it forgives, what it must not, and the integers that a spec makes of it."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anomsdk
from anomsdk.core.baseline import OFF, Baseline, BaselinePlan
from anomsdk.core.pipeline import Chain, Ticks
from anomsdk.core.rung import TimingPlan, levels
from anomsdk.errors import InputError
from anomsdk.planner.score import baseline_plan
from anomsdk.plans.describe import as_text, describe
from tests.support.make import FOLLOWING, SPECS, lively, make_folder

TICK_S = 0.25
NORMAL = 1000
RAISE = 2000
PLAN = baseline_plan(NORMAL, baseline_s=60, hold_s=30, tick_s=TICK_S, reference_score=RAISE)
TIMING = TimingPlan(m=3, n=5, on_delay=0, off_delay=20, cooldown=20, clear_ratio_q16=52429, high_ratio_q16=4 << 16)


class Watch:
    """The chain from its raw scores on: the level after each tick, and the ticks of its events."""

    def __init__(self, plans, baseline=PLAN):
        changes = {"baseline": baseline, "timing": TIMING, "levels": levels(RAISE, TIMING)}
        self.plan = dataclasses.replace(plans["external"], **changes)
        self.plan.check()
        self.chain = Chain(self.plan, None)
        self.scores, self.levels, self.raised, self.cleared = [], [], [], []

    def hear(self, raws):
        for raw in np.asarray(raws, np.int64):
            tick = len(self.levels)
            inputs = np.zeros((1, self.plan.n_inputs), np.int64)
            (result,) = self.chain.results(Ticks(np.array([tick]), inputs, inputs, raw[None]))
            self.scores.append(result.score)
            self.levels.append(self.chain._baseline.level_q16 / 65536)
            for event in result.events:
                (self.raised if event.state == 2 else self.cleared).append(tick)


def test_a_lasting_change_does_not_lock_it_up(plans):
    """Five times the score for good: the alarm ends by itself, and what comes on top raises again."""
    watch = Watch(plans)
    watch.hear([NORMAL] * 100)
    assert watch.raised == []
    watch.hear([5 * NORMAL] * 2000)
    (raised,), (cleared,) = watch.raised, watch.cleared
    assert raised == 102  # 3 of 5
    clear = watch.plan.levels.clear_score
    a_tick = min(PLAN.limit_q16, clear * PLAN.rise_q16) / 65536  # above the clear level it rises so much or more
    to_rise = math.ceil((5 * NORMAL - clear + 1 - NORMAL) / a_tick)
    assert PLAN.hold + to_rise // 2 < cleared - raised <= PLAN.hold + to_rise + TIMING.off_delay + 1
    assert watch.scores[-1] < RAISE / 10
    watch.hear([5 * NORMAL + 2 * RAISE] * 10)
    assert len(watch.raised) == 2 and watch.raised[-1] == 2102


def test_a_noisy_lasting_change_neither(plans):
    rng = np.random.default_rng(0)
    watch = Watch(plans)
    watch.hear(rng.uniform(0.85, 1.15, 200) * NORMAL)
    watch.hear(rng.uniform(0.75, 1.25, 4000) * 5 * NORMAL)
    (raised,), (cleared,) = watch.raised, watch.cleared
    assert raised < 210 and cleared < 1500
    watch.hear(rng.uniform(0.85, 1.15, 10) * 5 * NORMAL + 2 * RAISE)
    assert len(watch.raised) == 2


def test_it_settles_low():
    """Falling 4 times as fast, it balances where 4 times the distances below are those above."""
    rng = np.random.default_rng(0)
    baseline = Baseline(baseline_plan(10**6, baseline_s=60, hold_s=0, tick_s=TICK_S))
    baseline.run(rng.integers(50_000, 150_000, 20_000))
    # uniform: (b - x)**2 == 4 (x - a)**2
    assert abs(baseline.level_q16 / 65536 - 83_333) < 7_000


def test_without_a_limit_to_the_hold_it_would(plans):
    """What hold = 0 says: the alarm lasts as long as the change."""
    watch = Watch(plans, dataclasses.replace(PLAN, hold=0))
    watch.hear([NORMAL] * 100 + [5 * NORMAL] * 5000)
    assert len(watch.raised) == 1 and watch.cleared == []
    watch.hear([NORMAL] * 30)
    assert len(watch.cleared) == 1


@given(
    raws=st.lists(st.tuples(st.sampled_from([0, 1500, 2**20, 2**32 - 1]) | st.integers(0, 2**32 - 1), st.booleans())),
    start=st.sampled_from([0, 1, 1000, 2**32 - 1]) | st.integers(0, 2**32 - 1),
    baseline_s=st.floats(0.01, 1e6),
    hold_s=st.sampled_from([0, 0.01, 1]),
    tick_s=st.floats(0.001, 10),
)
def test_no_score_poisons_it_quickly(raws, start, baseline_s, hold_s, tick_s):
    """By its start in a time constant, rounded to 1/65536 a tick, whatever comes; and never beyond 32 bits."""
    plan = baseline_plan(start, baseline_s=baseline_s, hold_s=hold_s, tick_s=tick_s, reference_score=1)
    plan.check()
    a_tick = max(1, 65536 * start * tick_s / baseline_s + 0.5001)
    assert plan.limit_q16 <= a_tick
    baseline = Baseline(plan)
    lowest = baseline.level_q16
    for tick, (raw, alarm) in enumerate(raws):
        before = baseline.level_q16
        baseline.follow(raw, alarm)
        assert baseline.level_q16 - before <= plan.limit_q16
        assert 0 <= baseline.level_q16 < 2**48
        assert baseline.level_q16 - lowest <= (tick + 1) * a_tick
        lowest = min(lowest, baseline.level_q16 - (tick + 1) * a_tick)  # a level of which it may have risen since


def test_an_hour_of_the_loudest_score_raises_it_by_its_start_a_time_constant():
    baseline = Baseline(PLAN)
    for _ in range(round(3600 / TICK_S)):
        baseline.follow(2**32 - 1, alarm=False)
    assert abs(baseline.level_q16 / 65536 - (NORMAL + 60 * NORMAL)) < 1


def test_an_anomaly_shorter_than_the_hold_is_not_learnt(plans):
    watch = Watch(plans)
    watch.hear([NORMAL] * 100 + [9 * NORMAL] * PLAN.hold)
    (raised,) = watch.raised
    assert len(set(watch.levels[raised - 1 :])) == 1  # not moved from the tick that raised
    assert watch.levels[-1] - NORMAL <= (raised - 100) * PLAN.limit_q16 / 65536
    watch.hear([9 * NORMAL] * 4)
    assert watch.levels[-1] > watch.levels[-3]  # but longer it is


def test_an_alarm_that_clears_may_be_held_anew(plans):
    watch = Watch(plans)
    for _ in range(2):
        watch.hear([9 * NORMAL] * (PLAN.hold - 5))
        watch.hear([NORMAL] * 200)
    assert len(watch.raised) == len(watch.cleared) == 2
    watch.hear([9 * NORMAL] * (PLAN.hold - 5))
    assert len(set(watch.levels[watch.raised[2] :])) == 1


def test_it_falls_four_times_as_fast():
    plan = baseline_plan(100_000, baseline_s=60, hold_s=30, tick_s=TICK_S)
    falling = Baseline(plan)
    ticks = 0
    while falling.level_q16 >> 16 > 100_000 / math.e:
        falling.follow(0, alarm=False)
        ticks += 1
    assert abs(ticks * TICK_S - 60 / 4) < 0.5
    rising = Baseline(dataclasses.replace(plan, start=0))
    for _ in range(ticks):
        rising.follow(100_000, alarm=False)
    assert rising.level_q16 >> 16 < 26_000


def test_a_fresh_pipeline_in_a_louder_scene_does_not_alarm(plans):
    """It starts high: twice the normal score is below start + raise, though it is above raise alone."""
    watch = Watch(plans)
    watch.hear([NORMAL + RAISE - 1] * 1000)
    assert watch.raised == []
    assert Watch(plans, OFF).hear([NORMAL + RAISE - 1] * 1000) is None


def test_off_is_not_even_asked(plans, monkeypatch):
    def refuse(*_):
        raise AssertionError

    off, x = plans["external"], lively(plans["external"])
    expected = anomsdk.score(off, x)
    for name in ("above", "follow"):
        monkeypatch.setattr(Baseline, name, refuse)
    assert off.baseline == OFF and (anomsdk.score(off, x) == expected).all()
    with anomsdk.Pipeline(off) as pipeline:
        assert [r.score for r in pipeline.process(x)] == expected.tolist()


def test_off_subtracts_nothing():
    raws = np.array([0, 5, 2**32 - 1, 7])
    assert Baseline(OFF).run(raws).tolist() == raws.tolist()


def test_the_score_depends_on_alarms_of_the_reference(following):
    """So `anomsdk.score` runs the reference rung, too: recordings without alarms have other scores."""
    plan, x = following["external"], lively(following["external"])
    raw = anomsdk.score(dataclasses.replace(plan, baseline=OFF), x).astype(np.int64)
    calm = Baseline(plan.baseline).run(raw)
    assert (anomsdk.score(plan, x) != calm).any() and calm[0] == anomsdk.score(plan, x)[0]
    assert anomsdk.score(plan, x).dtype == np.uint32


# What a spec makes of it


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "room", SPECS["bands"].partition("[alert]")[0] + FOLLOWING)


def edit(folder, old, new):
    text = (folder / "spec.toml").read_text()
    assert text.count(old) == 1
    (folder / "spec.toml").write_text(text.replace(old, new))


def test_planned_integers(folder):
    """A tick is 64 ms: 65536 (1 - exp(-0.064 / 3)) is 1383.3, of 4 times the exponent 5360.4; 0.5 s are 7.8 ticks."""
    before = anomsdk.plan(folder)
    assert before.baseline == BaselinePlan(300_000, 1383, 5360, 419_430_400, 8, before.baseline.reference_score)
    edit(folder, "baseline_hold_s = 0.5", "baseline_hold_s = 0")  # editing it needs no recordings
    assert anomsdk.plan(folder).baseline == dataclasses.replace(before.baseline, hold=0)
    assert anomsdk.plan(folder).score_id != before.score_id and anomsdk.plan(folder).id != before.id


@pytest.mark.parametrize(
    ("start", "seconds", "hold_s", "tick_s", "expected"),
    [
        (5, 0.0, 60.0, 0.1, OFF),
        (5, 5e-324, 1e-12, 0.1, BaselinePlan(5, 65536, 65536, 2**48, 1)),  # held for a tick, not for good
        (2**32 - 1, 30 * 86400.0, 30 * 86400.0, 0.002, BaselinePlan(2**32 - 1, 1, 1, 217_187, 1_296_000_000)),
        (0, 60.0, 60.0, 0.1, BaselinePlan(0, 109, 435, 1, 600)),
    ],
)
def test_planned_integers_at_the_edges(start, seconds, hold_s, tick_s, expected):
    made = baseline_plan(start, baseline_s=seconds, hold_s=hold_s, tick_s=tick_s, reference_score=9)
    made.check()
    assert made == (expected if expected == OFF else dataclasses.replace(expected, reference_score=9))


def test_a_hold_beyond_31_bits_is_refused():
    with pytest.raises(anomsdk.InputError, match=r"score.baseline_hold_s: 2.592e\+06 s is 2592000000 ticks"):
        baseline_plan(1, baseline_s=1, hold_s=2_592_000, tick_s=0.001)


def without_start(folder):
    tree = json.loads((folder / "calibration.json").read_text())
    del tree["baseline_start"]
    (folder / "calibration.json").write_text(json.dumps(tree))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: edit(f, "baseline_s = 3", 'baseline_s = "chosen"'), 'still "chosen": train first, or give a number'),
        (lambda f: edit(f, "baseline_s = 3", "baseline_s = 4"), "score.baseline_s has changed since calibration.json"),
        (lambda f: edit(f, "baseline_s = 3", "baseline_s = 0"), "score.baseline_s has changed since calibration.json"),
        (without_start, "calibration.json has no baseline_start: train again"),
        (lambda f: (f / "calibration.json").unlink(), "calibration.json has no baseline_start: train again"),
    ],
)
def test_baselines_that_cannot_be_planned(folder, damage, words):
    damage(folder)
    with pytest.raises(anomsdk.InputError, match=words) as caught:
        anomsdk.plan(folder)
    assert "\n" not in str(caught.value)


def test_without_a_start_off_can_be_planned(tmp_path):
    folder = make_folder(tmp_path, SPECS["bands"])
    with_start = anomsdk.plan(folder)
    without_start(folder)
    assert anomsdk.plan(folder) == with_start and with_start.baseline == OFF


def test_inspect_says_what_follows(folder):
    plan = anomsdk.plan(folder)
    facts = describe(plan)
    assert facts["baseline"] == {
        "follows": "the score",
        "start": 300_000,
        "rise_s": 3.001,
        "fall_s": 0.75,
        "largest_rise_per_s": 100_000.0,
        "hold_ticks": 8,
        "hold_s": 0.512,
        "reference_score": plan.baseline.reference_score,
        "state_bytes": 12,
    }
    assert facts["retention"]["baseline_bytes"] == 12
    assert "largest_rise_per_s 100000.0" in as_text(facts)
    off = describe(dataclasses.replace(plan, baseline=OFF))
    assert off["baseline"] == {"follows": "off"} and off["retention"]["baseline_bytes"] == 0


@pytest.mark.parametrize("name", ["rise_q16", "fall_q16"])
@pytest.mark.parametrize("rate", [-1, 65537])
def test_a_rate_beyond_the_whole_distance_is_refused(name, rate):
    """Above 65536 a level would overshoot the score; below 0 it would run away from it."""
    with pytest.raises(InputError, match=f"baseline: {name} is {rate}, not 0 to 65536"):
        dataclasses.replace(PLAN, **{name: rate}).check()
    dataclasses.replace(PLAN, **{name: 65536}).check()
