"""Comparing two plans: which alarm is which, what a change is worth, and what passes."""

from __future__ import annotations

import dataclasses
import json
import math
from itertools import combinations, permutations

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from typer.testing import CliRunner

import anomsdk
from anomsdk.cli import app as cli
from anomsdk.compare import AlarmChanges, Judgement, Limits, as_json, as_text, diff, judge, match_alarms
from anomsdk.core.plan import MotionSensorPlan
from anomsdk.core.rung import levels
from anomsdk.errors import InputError
from anomsdk.evaluate.clip_scores import samples_to_decide
from anomsdk.sources.clips import Clips, clip_from_array
from anomsdk.stats.intervals import poisson_rate
from anomsdk.stats.paired import mcnemar, rate_change, share_change
from tests.support.make import BANDS, EXTERNAL, make_folder, noise

RATE = 16_000
QUIET, LOUD = 8000, 10**9
"""Alarm levels that rows at rest do not reach, and that nothing does."""
ONCE = "[alert]\nhigh_ratio = 0\nm = 1\nn = 1\nclear_ratio = 1.0\n"


def meter_at(folder, raise_score, text=EXTERNAL):
    """Rows at 10 Hz: every run of ticks at or above the level is an alarm, at its first tick."""
    text = text.replace("[alert]", ONCE).replace("off_delay_s = 1", "off_delay_s = 0").replace("_s = 3", "_s = 0")
    return anomsdk.plan(make_folder(folder, text, raise_score=raise_score))


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    return meter_at(tmp_path_factory.mktemp("meter"), QUIET)


@pytest.fixture(scope="module")
def voting(tmp_path_factory):
    """The same model, which takes 3 ticks of 5 before it alarms: 0.2 s later."""
    text = EXTERNAL.replace("[alert]", "[alert]\nhigh_ratio = 0")
    return anomsdk.plan(make_folder(tmp_path_factory.mktemp("voting"), text, raise_score=QUIET))


def at_level(plan, raise_score):
    return dataclasses.replace(plan, levels=levels(raise_score, plan.timing))


def rows(n, loud=(), *, seed=0, height=6000):
    """Rows at rest, loud from a to b."""
    values = np.random.default_rng(seed).integers(-20, 20, (n, 6)).astype(np.int16)
    for start, stop in loud:
        values[start:stop] += height
    return values


def clips(*samples, groups=None, name="a"):
    labels = groups or range(len(samples))
    found = zip(samples, labels, strict=True)
    return Clips(
        tuple(
            clip_from_array(f"{name}{i}", f"{name}{g}", x, kind="external", rate_hz=10)
            for i, (x, g) in enumerate(found)
        )
    )


# --- which alarm is which


def test_alarms_are_added_lost_and_moved():
    for old, new, within, wanted in (
        ([], [], 1, AlarmChanges((), (), (), ())),
        ([1.0], [], 1, AlarmChanges((), (), (), (1.0,))),
        ([], [1.0], 1, AlarmChanges((), (), (1.0,), ())),
        ([1.0], [1.0], 0, AlarmChanges((1.0,), (), (), ())),
        ([1.0], [2.0], 1, AlarmChanges((), ((1.0, 2.0),), (), ())),
        ([2.0], [1.0], 1, AlarmChanges((), ((2.0, 1.0),), (), ())),
        ([1.0], [2.0], 0.9, AlarmChanges((), (), (2.0,), (1.0,))),
        ([1.0], [2.0], 0, AlarmChanges((), (), (2.0,), (1.0,))),
        # One to one: the nearer one is it.
        ([5.0], [4.0, 5.5], 2, AlarmChanges((), ((5.0, 5.5),), (4.0,), ())),
        ([4.0, 5.5], [5.0], 2, AlarmChanges((), ((5.5, 5.0),), (), (4.0,))),
        # A tie goes to the earlier one.
        ([5.0], [4.0, 6.0], 2, AlarmChanges((), ((5.0, 4.0),), (6.0,), ())),
        ([4.0, 6.0], [5.0], 2, AlarmChanges((), ((4.0, 5.0),), (), (6.0,))),
        # As many pairs as can be, though the nearest neighbours would leave one alone.
        ([1.0, 3.0], [0.0, 1.4], 2, AlarmChanges((), ((1.0, 0.0), (3.0, 1.4)), (), ())),
        # What both raised at one time is the same alarm, though without it there would be two pairs.
        ([0.0, 5.0], [5.0, 10.0], 5, AlarmChanges((5.0,), (), (10.0,), (0.0,))),
        # As far as the tolerance, by a quotient that is not exact.
        ([0.1], [0.1 + 0.2], 0.2, AlarmChanges((), ((0.1, 0.1 + 0.2),), (), ())),
        ([0.1 + 0.2], [0.1], 0.2, AlarmChanges((), ((0.1 + 0.2, 0.1),), (), ())),
        # As far, though the sum is rounded below it, on the right, and above it, on the left.
        ([0.7], [0.8], 0.1, AlarmChanges((), ((0.7, 0.8),), (), ())),
        ([0.8], [0.7], 0.1, AlarmChanges((), ((0.8, 0.7),), (), ())),
        ([1.1], [1.2], 0.1, AlarmChanges((), ((1.1, 1.2),), (), ())),
        ([3.0, 8.7], [0.9, 8.8], 0.1, AlarmChanges((), ((8.7, 8.8),), (0.9,), (3.0,))),
        # Farther by a millionth is too far.
        ([0.7], [0.800001], 0.1, AlarmChanges((), (), (0.800001,), (0.7,))),
        ([0.800001], [0.7], 0.1, AlarmChanges((), (), (0.7,), (0.800001,))),
        # Nothing may move, but by the last bits.
        ([0.7], [0.7 + 1e-12], 0, AlarmChanges((), ((0.7, 0.7 + 1e-12),), (), ())),
        ([0.7], [0.7, 0.8], 0, AlarmChanges((0.7,), (), (0.8,), ())),
    ):
        assert match_alarms(old, new, within) == wanted, (old, new, within)


def best_pairs(old, new, within):
    """Most pairs, then the least distance in all, of everything that there is."""
    for n in range(min(len(old), len(new)), 0, -1):
        sums = [
            sum(abs(a - b) for a, b in zip(some, others, strict=True))
            for some in combinations(old, n)
            for others in permutations(new, n)
            if all(abs(a - b) <= within for a, b in zip(some, others, strict=True))
        ]
        if sums:
            return n, min(sums)
    return 0, 0


alarm_times = st.lists(st.integers(0, 30), max_size=5, unique=True).map(sorted)


@given(old=alarm_times, new=alarm_times, within=st.integers(0, 12))
@settings(max_examples=400, deadline=None)
def test_pairs_are_the_best_there_are(old, new, within):
    found = match_alarms(old, new, within)
    assert set(found.same) == set(old) & set(new)
    left = [t for t in old if t not in found.same], [t for t in new if t not in found.same]
    assert (len(found.moved), sum(abs(a - b) for a, b in found.moved)) == best_pairs(*left, within)
    assert sorted([*found.same, *found.lost, *(a for a, _ in found.moved)]) == old
    assert sorted([*found.same, *found.added, *(b for _, b in found.moved)]) == new
    assert all(list(times) == sorted(times) for times in (found.same, found.moved, found.added, found.lost))


def test_a_day_of_alarms_is_matched_at_once():
    rng = np.random.default_rng(0)
    old, new = (np.unique(rng.integers(0, 86_400 * 4, 9000)) / 4 for _ in range(2))
    found = match_alarms(old.tolist(), new.tolist(), 60)
    left = [np.setdiff1d(*pair).tolist() for pair in ((old, new), (new, old))]
    most = 0
    while all(left):  # the earliest with the earliest gives as many pairs as can be, though not the closest
        if abs(left[0][0] - left[1][0]) <= 60:
            most += 1
            left = [left[0][1:], left[1][1:]]
        else:
            left[left[0][0] > left[1][0]].pop(0)
    assert len(found.moved) == most > 7000
    assert max(abs(a - b) for a, b in found.moved) <= 60


# --- intervals


def test_a_change_that_is_none_has_the_exact_bound_of_the_hours():
    groups, hours = list("abcd"), np.full(4, 2.5)
    none = np.zeros(4, int)
    for alarms in (none, np.array([3, 0, 1, 2])):  # the same on both sides
        found = rate_change(groups, alarms, alarms, (hours, hours), (0, 0), 0)
        assert found.value == 0
        assert (found.low, found.high) == pytest.approx((-0.3689, 0.3689), abs=1e-4), "chi2(.975, 2) / 2 in 10 h"
    found = share_change(groups, none > 0, none > 0, 0)
    assert (found.low, found.value, found.high) == pytest.approx((-(1 - 0.025**0.25), 0, 1 - 0.025**0.25))


def test_few_changes_have_the_exact_interval():
    """3 added, 1 lost in 10 h, each in a group of its own: Garwood's 0.619 to 8.767 and 0.0253 to 5.572."""
    groups, hours = list("abcdefghij"), np.ones(10)
    new, old = np.zeros(10, int), np.zeros(10, int)
    new[:3] = old[3] = 1
    found = rate_change(groups, old, new, (hours, hours), (3, 1), 0)
    assert found.value == pytest.approx(0.2)
    low, high = 0.2 - math.hypot(3 - 0.6187, 5.5716 - 1) / 10, 0.2 + math.hypot(8.7673 - 3, 1 - 0.0253) / 10
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


def test_alarms_that_come_in_clusters_have_the_interval_of_groups():
    """40 added alarms in one of 8 groups are one observation."""
    groups, hours = [f"{i // 5}" for i in range(40)], np.full(40, 0.25)
    new = np.repeat([40, 0, 0, 0, 0, 0, 0, 0], 5) // 5
    old = np.zeros(40, int)
    found = rate_change(groups, old, new, (hours, hours), (40, 0), 0)
    exact = poisson_rate(40, 10.0)
    assert found.value == 4 and found.low == 0
    assert found.high == 12 > exact.high, "three of the eight draws hit it"
    alone = rate_change(["a"] * 40, old, new, (hours, hours), (40, 0), 0)
    low = 4 - math.hypot(4 - exact.low, 0.36889)  # what none lost leaves open
    assert (alone.low, alone.high) == pytest.approx((low, exact.high), abs=1e-4), "one group: counts alone"


def test_the_change_is_paired():
    """Recordings that differ a hundredfold, and all change by one: an unpaired interval would be as wide as they."""
    groups, hours = [str(i) for i in range(60)], np.ones(60)
    old = np.tile([0, 100, 10], 20)
    found = rate_change(groups, old, old + 1, (hours, hours), (60, 0), 0)
    exact = poisson_rate(60, 60.0)
    low = 1 - math.hypot(1 - exact.low, 3.6889 / 60)
    assert found.value == 1 and (found.low, found.high) == pytest.approx((low, exact.high), abs=1e-4)


def test_intervals_of_independent_alarms_cover_as_often_as_they_say():
    rng = np.random.default_rng(3)
    groups, hours = [str(i) for i in range(20)], np.ones(20)
    for added, lost in ((0.1, 0.1), (0.5, 0.05), (2.0, 1.0)):
        covered = 0
        for i in range(120):
            more, less = rng.poisson(added, 20), rng.poisson(lost, 20)
            found = rate_change(groups, less, more, (hours, hours), (int(more.sum()), int(less.sum())), i)
            covered += found.low <= added - lost <= found.high
        assert covered / 120 >= 0.93, (added, lost)


def test_hours_of_either_plan_are_its_own():
    """A plan with a longer context hears less of short pieces: twelve alarms in 6 h are more than in 12 h."""
    alarms = np.array([6, 6])
    found = rate_change("ab", alarms, alarms, (np.array([6.0, 6.0]), np.array([3.0, 3.0])), (0, 0), 0)
    assert found.value == 1.0


@given(gained=st.integers(0, 30), missed=st.integers(0, 30))
def test_mcnemar_is_the_exact_binomial_test(gained, missed):
    if gained + missed:
        assert mcnemar(gained, missed) == pytest.approx(binomtest(gained, gained + missed).pvalue)
    else:
        assert mcnemar(0, 0) == 1.0


# --- two plans


def test_a_plan_does_not_differ_from_itself(meter):
    odd = clips(rows(80, [(40, 44)], seed=9), rows(80, seed=8), name="b")
    found = diff(meter, meter, clips(rows(300, [(50, 55), (90, 91)]), rows(200, seed=1)), odd)
    assert found.same_plan and not any(each.alarms.changed for each in found.recordings)
    assert all(each.same_scores for each in found.recordings)
    assert [each.n_old for each in found.normal] == [2, 0] and found.old_rate == found.new_rate
    assert (found.rate_change.low, found.rate_change.value, found.rate_change.high) == (0, 0, 0)
    assert (found.detection.gained, found.detection.missed, found.detection.p_value) == (0, 0, 1.0)
    assert all(each.kept for each in judge(found))
    assert "the same plan" in as_text(found) and "no alarm changed, 2 alarms in both" in as_text(found)


def runs(scores, level):
    """Seconds at which runs of ticks at or above the level end their first tick: row 2 ends the first one."""
    above = np.append(False, scores >= level)
    return [round((i + 3) / 10, 6) for i in range(len(scores)) if above[i + 1] and not above[i]]


def test_another_alarm_level_differs_as_the_scores_say(meter):
    samples = [
        rows(400, [(50, 53), (120, 121)]),
        rows(300, [(70, 90)], seed=1, height=300),
        rows(300, seed=2),
        rows(2),
    ]
    scores = [anomsdk.score(meter, each) for each in samples[:3]]
    raised = at_level(meter, int(scores[1].max()) + 1)  # the second recording alarms no more
    lowered = at_level(meter, int(scores[2].max()))  # the third does, once
    for new in (raised, lowered):
        found = diff(meter, new, clips(*samples))
        assert found.left_out_normal.too_short == ("a3",)
        for each, values in zip(found.normal, scores, strict=True):
            wanted = [set(runs(values, plan.levels.raise_score)) for plan in (meter, new)]
            got = [set(), set()]
            got[0] |= {*each.alarms.same, *each.alarms.lost, *(a for a, _ in each.alarms.moved)}
            got[1] |= {*each.alarms.same, *each.alarms.added, *(b for _, b in each.alarms.moved)}
            assert got == wanted, each.name
            assert set(each.alarms.same) == wanted[0] & wanted[1]
            assert each.same_scores, "there is no baseline"
        assert meter.score_id == new.score_id and "equal score_id" in as_text(found)
    assert found.n_added + found.n_moved > 0
    lost = diff(meter, raised, clips(*samples))
    assert lost.n_lost > 0 and not all(each.kept for each in judge(lost))
    assert (lost.new_rate.value - lost.old_rate.value) * lost.hours[0] == pytest.approx(lost.n_added - lost.n_lost)
    assert lost.rate_change.value == pytest.approx(lost.new_rate.value - lost.old_rate.value)


def test_alarms_that_wait_for_votes_are_moved_within_the_longer_time_to_decide(meter, voting):
    samples = clips(rows(300, [(50, 60), (150, 151)]), rows(300, seed=1))
    assert samples_to_decide(voting) == 5 > samples_to_decide(meter)
    for pair, moved in (((meter, voting), (5.1, 5.3)), ((voting, meter), (5.3, 5.1))):
        found = diff(*pair, samples)
        assert found.match_s == 0.5
        assert found.normal[0].alarms.moved[0] == moved
        assert found.n_moved == 2 and not found.n_added and not found.n_lost
        assert found.rate_change.value == 0, "a moved alarm is one before and after"
    strict = diff(meter, voting, samples, match_s=0.1)
    assert (strict.n_moved, strict.n_added, strict.n_lost) == (0, 2, 2)


def test_what_is_found_is_paired_by_recording(meter):
    deaf = at_level(meter, LOUD)
    odd = clips(rows(80, [(40, 44)]), rows(80, [(20, 24)], seed=1), rows(80, seed=2), name="b")
    found = diff(meter, deaf, clips(rows(300), rows(300, seed=1)), odd).detection
    assert (found.n_old, found.n_new, found.gained, found.missed, found.p_value) == (2, 0, 0, 2, 0.5)
    assert found.change.value == pytest.approx(-2 / 3) and found.change.low < -2 / 3 < found.change.high
    back = diff(deaf, meter, clips(rows(300), rows(300, seed=1)), odd).detection
    assert (back.gained, back.missed, back.change.value) == (2, 0, pytest.approx(2 / 3))


def test_order_of_work_changes_nothing(meter, voting):
    samples = clips(*(rows(200 + i, [(50 + i, 55 + i)], seed=i) for i in range(12)))
    one, many = (as_json(diff(meter, voting, samples, jobs=jobs)) for jobs in (1, 4))
    assert one == many and [each["name"] for each in one["normal"]["recordings"]] == [f"a{i}" for i in range(12)]


def test_progress_goes_up_to_the_whole(meter, voting):
    sides = clips(*(rows(500, seed=i) for i in range(5))), clips(*(rows(100, seed=9 + i) for i in range(5)), name="b")
    for new in (voting, meter):
        seen = []
        diff(meter, new, *sides, jobs=1, progress=lambda *done, seen=seen: seen.append(done))
        assert seen == sorted(seen) and seen[-1] == (1000, 1000) and len(set(seen)) > 10


def test_the_interval_is_that_of_the_groups_and_of_what_changed(meter):
    """Twelve recordings of three animals, of which one alarms no more."""
    samples = [rows(300, [(50 * k, 50 * k + 2) for k in range(1, 5)] if i < 4 else (), seed=i) for i in range(12)]
    found = diff(meter, at_level(meter, LOUD), clips(*samples, groups=[i // 4 for i in range(12)]), seed=5)
    lost = np.repeat([4, 0, 0], 4)
    judged_s = meter.ticks_in(300) * meter.samples_per_tick / meter.rate_hz
    hours = np.full(12, judged_s / 3600)
    assert found.rate_change == rate_change(np.repeat(list("abc"), 4), lost, 0 * lost, (hours, hours), (0, 16), 5)
    assert found.rate_change.low == pytest.approx(-16 / (12 * judged_s) * 3600 * 3), "all three draws hit it"
    alone = diff(meter, at_level(meter, LOUD), clips(samples[0])).rate_change
    four, per_hour = poisson_rate(4, judged_s / 3600), 3600 / judged_s
    wanted = -4 * per_hour + math.hypot(4 * per_hour - four.low, 3.6889 * per_hour)
    assert alone.high == pytest.approx(wanted, abs=0.01), "counts alone"


def test_scores_of_another_model_are_other_scores(tmp_path, meter):
    text = EXTERNAL.replace("[alert]", ONCE).replace("off_delay_s = 1", "off_delay_s = 0").replace("_s = 3", "_s = 0")
    other = anomsdk.plan(make_folder(tmp_path, text, seed=1, raise_score=QUIET))
    found = diff(meter, other, clips(rows(100)))
    assert not found.normal[0].same_scores and "scores are equal in 0 of 1 recordings" in as_text(found)
    assert "equal score_id" not in as_text(found)


def test_alarms_do_not_change_scores_under_one_score_id(tmp_path):
    text = EXTERNAL + "[score]\nbaseline_s = 3\nbaseline_hold_s = 20\n"
    following = anomsdk.plan(make_folder(tmp_path, text, raise_score=QUIET))
    deaf = at_level(following, LOUD)
    found = diff(following, deaf, clips(rows(300, [(50, 200)])))
    assert following.score_id == deaf.score_id and found.normal[0].same_scores
    assert (found.normal[0].n_old, found.normal[0].n_new) == (1, 0)


# --- rates


def sound_plan(folder, rate_hz):
    return anomsdk.plan(
        make_folder(folder, BANDS.replace("16000", str(rate_hz)).replace("7500", "3500"), raise_score=1)
    )


def test_each_plan_hears_sound_at_its_own_rate(tmp_path):
    fine, coarse = (sound_plan(tmp_path / str(rate), rate) for rate in (16_000, 8_000))
    (tmp_path / "normal").mkdir()
    for i in range(2):
        soundfile.write(tmp_path / "normal" / f"{i}.wav", noise(40_000, seed=i), RATE)
    found = diff(fine, coarse, tmp_path / "normal")
    assert [each.name for each in found.normal] == ["0.wav", "1.wav"]
    for each in found.normal:
        assert each.old_s == pytest.approx(2.24) and each.new_s == pytest.approx(2.24, abs=0.01)
        assert each.n_old == each.n_new == 1 and len(each.alarms.moved) == 1 and not each.same_scores
    assert "at its own rate: 16000 and 8000 Hz" in as_text(found)
    np.save(tmp_path / "normal" / "2.npy", noise(40_000))
    with pytest.raises(
        InputError, match=r"2\.npy: does not say its rate, and the plans take 16000 and 8000 Hz; save it as \.wav"
    ):
        diff(fine, coarse, tmp_path / "normal")


def test_plans_of_other_sensors_are_refused(tmp_path, meter):
    slow = meter_at(tmp_path / "slow", QUIET, EXTERNAL.replace("rate_hz = 10", "rate_hz = 5"))
    wide = meter_at(tmp_path / "wide", QUIET, EXTERNAL.replace("n_features = 6", "n_features = 7"))
    room = sound_plan(tmp_path / "room", RATE)
    fine, coarse = (
        dataclasses.replace(meter, sensor=MotionSensorPlan(10_000, 6, counts, 16_000, 8_000))
        for counts in (10**6, 10**5)
    )
    with pytest.raises(InputError, match="counts_per_kilo_g differ, 1000000 and 100000; no recording fits both"):
        diff(fine, coarse, clips(rows(100)))
    for new, words in (
        (room, "plans meter and room: sensors differ, external and audio"),
        (wide, "columns differ, 6 and 7"),
        (slow, "rows a second differ, 10 and 5"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            diff(meter, new, clips(rows(100)))
        assert "\n" not in str(caught.value)


def test_recordings_that_tell_nothing_are_refused_or_named(tmp_path, meter):
    patient = meter_at(tmp_path, QUIET, EXTERNAL.replace("frames = 3", "frames = 50"))
    with pytest.raises(InputError, match=r"normal recordings: none is long enough for the new plan, which takes 5 s"):
        diff(meter, patient, clips(rows(30), rows(40, seed=1)))
    with pytest.raises(InputError, match=r"anomalous recordings: none .* for the old plan"):
        diff(patient, meter, clips(rows(80)), clips(rows(30, seed=1), name="b"))
    found = diff(meter, patient, clips(rows(80), rows(30, [(10, 12)], seed=1)))
    assert [(each.old_s, each.new_s) for each in found.normal] == [(7.8, 3.1), (2.8, 0.0)]
    assert found.n_lost == 1 and "1 recording too short for a tick of the new plan alone" in as_text(found)
    with pytest.raises(InputError, match="these samples are among the normal recordings"):
        diff(meter, meter, clips(rows(80)), clips(rows(80), name="b"))
    for options, words in (
        ({"match_s": -1}, "`match_s=-1`: give seconds"),
        ({"match_s": math.nan}, "`match_s=nan`"),
        ({"match_s": math.inf}, "`match_s=inf`"),
        ({"seed": -1}, "`seed=-1`: give 0 or more"),
        ({"engine": "abacus"}, "engine 'abacus'"),
        ({"jobs": 0}, "`jobs=0`: give a whole number"),
    ):
        with pytest.raises(InputError, match=words):
            diff(meter, meter, clips(rows(80)), **options)


# --- what passes


@pytest.fixture(scope="module")
def changed(meter, voting):
    """A plan that never alarms, after one that did: two false alarms in 90 s are lost, and what was found."""
    blip = clips(rows(300, [(50, 60)]), rows(300, [(60, 61)], seed=1), rows(300, seed=2))
    odd = clips(rows(80, [(40, 60)], seed=3), name="b")
    return diff(meter, at_level(voting, LOUD), blip, odd)


def kept(difference, **limits):
    return all(each.kept for each in judge(difference, Limits(**limits)))


def test_nothing_may_change_but_what_is_allowed(changed):
    assert (changed.n_added, changed.n_lost, changed.n_moved, changed.detection.missed) == (0, 3, 0, 1)
    assert [each.what for each in judge(changed) if not each.kept] == ["alarms lost", "anomalous recordings missed"]
    assert not kept(changed, max_lost=3) and not kept(changed, max_missed=1)
    assert kept(changed, max_lost=3, max_missed=1) and not kept(changed, max_lost=2, max_missed=1)
    plan = changed.old
    hours = 3 * plan.ticks_in(300) * plan.samples_per_tick / plan.rate_hz / 3600
    per_hour = 2 / hours
    assert changed.rate_change.value == pytest.approx(-per_hour)
    assert kept(changed, max_change=per_hour + 0.01, max_missed=1), "fewer is a change, too, and counts are free"
    assert not kept(changed, max_change=per_hour - 0.01, max_missed=1)
    assert not kept(changed, max_change=per_hour + 0.01, max_lost=2, max_missed=1), "unless they are given"
    assert not kept(changed, max_change=1e6), "what was found must stay found"
    note = [each.note for each in judge(changed, Limits(max_change=per_hour + 0.01)) if each.note]
    assert len(note) == 1 and "takes more hours" in note[0]
    reach = -changed.rate_change.low
    assert reach > per_hour
    assert kept(changed, max_change=reach + 0.01, max_missed=1, confident=True)
    assert not kept(changed, max_change=reach - 0.01, max_missed=1, confident=True)


def test_limits_that_cannot_be_meant_are_refused():
    for limits, words in (
        ({"max_change": -1.0}, "`max_change=-1`"),
        ({"max_change": math.nan}, "`max_change=nan`"),
        ({"max_change": math.inf}, "`max_change=inf`"),
        ({"max_added": -1}, "`max_added=-1`"),
        ({"max_missed": -2}, "`max_missed=-2`"),
        ({"confident": True}, "`confident`: it is about `max_change`"),
    ):
        with pytest.raises(InputError, match=words):
            Limits(**limits)
    assert Judgement("x", 1, 1).kept and not Judgement("x", 1.01, 1).kept


# --- what is printed


def test_text_is_narrow_printable_and_says_where(changed, meter, voting):
    text = as_text(changed, judge(changed))
    assert max(map(len, text.splitlines())) <= 102
    assert "lost 0:00:05.1" in text and "1 recording without change" in text and text.endswith("failed")
    assert "\na2 " not in text, "a recording without change is counted, not listed"
    both = diff(meter, at_level(voting, LOUD), clips(rows(300, [(50, 60), (90, 91)])))
    assert "lost 0:00:05.1" in as_text(both), "the first"
    named = clips(rows(300, [(50, 60)]), name="x" * 80 + "\x1b[31m\nend")
    text = as_text(diff(meter, voting, named))
    assert "\x1b" not in text and "..." in text and "moved 0:00:05.1, 200 ms later" in text
    assert "no anomalous recordings" in text and "passed" not in text, "nobody asked for a judgement"


def test_json_has_every_change(changed):
    tree = json.loads(json.dumps(as_json(changed, judge(changed))))
    assert tree["alarms"] == {"old": 3, "new": 0, "same": 0, "added": 0, "lost": 3, "moved": 0}
    assert tree["gate"]["passed"] is False and len(tree["gate"]["limits"]) == 4
    assert [each["lost_s"] for each in tree["normal"]["recordings"]] == [[5.1], [6.1]]
    assert tree["normal"]["n_unchanged"] == 1 and tree["anomalous"]["recordings"][0]["name"] == "b0"
    assert tree["detection"]["missed"] == 1 and set(tree["detection"]["change"]) == {"value", "low", "high"}
    assert set(tree["false_alarms_per_hour"]) == {"old", "new", "change"}
    assert as_json(changed)["gate"] is None


# --- the command


@pytest.fixture(scope="module")
def files(tmp_path_factory, meter):
    root = tmp_path_factory.mktemp("files")
    anomsdk.write_plan(meter, root / "old.json")
    anomsdk.write_plan(at_level(meter, LOUD), root / "new.json")
    for name, seed, loud in (("normal", 0, [(50, 51)]), ("odd", 9, [(40, 60)])):
        for day in ("monday", "tuesday"):
            (root / name / day).mkdir(parents=True)
            np.save(root / name / day / "0.npy", rows(200, loud, seed=seed + len(day)))
    return root


@pytest.fixture
def command(files, monkeypatch):
    monkeypatch.chdir(files)
    return lambda *words: CliRunner().invoke(cli.app, ["diff", *map(str, words)])


def test_exit_status_is_that_of_the_gate(command):
    done = command("old.json", "old.json", "--corpus", "normal", "--anomalous", "odd")
    assert done.exit_code == 0 and done.stdout.rstrip().endswith("passed") and done.stderr == ""
    done = command("old.json", "new.json", "--corpus", "normal")
    assert done.exit_code == 1 and done.stdout.rstrip().endswith("failed")
    assert done.stderr == "error: diff: changes exceed the limits: alarms lost: 2, at most 0\n"
    assert command("old.json", "new.json", "--corpus", "normal", "--max-lost", 2).exit_code == 0
    assert command("new.json", "old.json", "--corpus", "normal", "--max-lost", 2).exit_code == 1
    assert command("new.json", "old.json", "--corpus", "normal", "--max-added", 2).exit_code == 0
    assert command("old.json", "new.json", "--corpus", "normal", "--max-change", 182).exit_code == 0
    assert command("old.json", "new.json", "--corpus", "normal", "--max-change", 181).exit_code == 1
    assert command("old.json", "new.json", "--corpus", "normal", "--max-change", 182, "--confident").exit_code == 1
    both = ("old.json", "new.json", "--corpus", "normal", "--anomalous", "odd", "--max-change", 182)
    assert command(*both).exit_code == 1 and command(*both, "--max-missed", 2).exit_code == 0


def test_json_is_all_that_json_prints(command):
    done = command("old.json", "new.json", "--corpus", "normal", "--json", "--group", "file", "--seed", 4)
    tree = json.loads(done.stdout)
    assert done.exit_code == 1 and tree["seed"] == 4 and tree["normal"]["n_groups"] == 2
    assert {each["group"] for each in tree["normal"]["recordings"]} == {"normal/monday/0.npy", "normal/tuesday/0.npy"}
    by_folder = json.loads(command("old.json", "new.json", "--corpus", "normal", "--json").stdout)
    assert {each["group"] for each in by_folder["normal"]["recordings"]} == {"monday", "tuesday"}


def test_bad_requests_are_one_line(command, tmp_path):
    (tmp_path / "bad.npy").write_bytes(b"nothing")
    np.save(tmp_path / "good.npy", rows(100))
    for words, said in (
        (("nix", "old.json", "--corpus", "normal"), "'nix' is no file, folder or reference model"),
        (("old.json", "nix", "--corpus", "normal"), "'nix' is no file, folder or reference model"),
        (("old.json", "audio_scene", "--corpus", "normal"), "sensors differ, external and audio"),
        (("old.json", "new.json", "--corpus", "nix"), "nix: no such file or folder"),
        (("old.json", "new.json", "--corpus", "-"), "standard input: clips are read more than once"),
        (("old.json", "new.json", "--corpus", "normal", "--anomalous", "normal"), "are among the normal recordings"),
        (("old.json", "new.json", "--corpus", "normal", "--max-missed", 1), "--max-missed: there is nothing to miss"),
        (("old.json", "new.json", "--corpus", "normal", "--max-change", -1), "--max-change -1: give"),
        (("old.json", "new.json", "--corpus", "normal", "--match", "nan"), "give seconds, 0 or more"),
        (("old.json", "new.json", "--corpus", "normal", "--confident"), "confident"),
        (("old.json", "new.json", "--corpus", tmp_path), "--skip-bad leaves it out"),
    ):
        done = command(*words)
        assert done.exit_code == 2 and said in done.stderr, (said, done.output)
        assert done.stdout == "" and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    done = command("old.json", "new.json", "--corpus", tmp_path, "--skip-bad")
    assert done.exit_code == 0 and "left out, normal, cannot be read: 1 (" in done.stdout
