"""The own profile: how far a day can move it, what freezes it, and that a slow change is still seen by the anchor."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomsdk.core.days import MISSING, Days, largest_levels, state_bytes, takes_state
from anomsdk.core.figures import N_FIGURES
from anomsdk.core.profile import (
    FLOOR_SHIFT,
    LARGEST,
    MOST_SEEN,
    POWER_Q14,
    RELEARNT_SEEN,
    WINSOR_SPREADS,
    Profile,
    ProfilePlan,
    reciprocal_q16,
)
from anomsdk.errors import InputError
from tests.support.days import HOLD, MATURE, SLOTS, days_plan, rhythm

ANCHOR = -1
"""Place of the comparison with the anchor in a frame."""


def run(days, rows):
    """Frames of rows (n,) of one column; None where there is none."""
    return [days._step(None if value == MISSING else np.array([value])) for value in rows]


def learnt(days):
    """Bytes of all that is learnt, without the rows of the last 24 hours."""
    data, rows = days.save()[: -4 - SLOTS], 6 + 2 * N_FIGURES
    return data[6:rows] + data[rows + 2 * SLOTS :]


def test_the_tables_are_what_they_say():
    assert [reciprocal_q16(n) for n in range(MOST_SEEN + 1)] == [
        0,
        *(round(65536 / n) for n in range(1, MOST_SEEN + 1)),
    ]
    assert POWER_Q14.tolist() == [round(2**14 * 2 ** (-i / 16)) for i in range(16)]


@given(
    st.lists(st.lists(st.integers(0, LARGEST), min_size=2, max_size=2), min_size=1, max_size=40),
    st.integers(0, SLOTS - 1),
)
def test_no_day_moves_a_level_further_than_stated(values, slot):
    profile = Profile(ProfilePlan(SLOTS, 2, MATURE, HOLD))
    for number, each in enumerate(values):
        before, spread = profile.level[slot].copy(), profile.spread[slot].copy()
        floor = (profile.mean_total >> FLOOR_SHIFT) + 1
        n = min(number + 1, MOST_SEEN)
        profile.learn(slot, np.array(each))
        if number == 0:
            assert profile.level[slot].tolist() == each
            continue
        most = WINSOR_SPREADS * (spread + floor) if number >= 3 else np.abs(np.array(each) - before)
        moved = profile.level[slot] - before
        assert (np.abs(moved) <= -(-most // n) + 1).all()
        assert (moved * (np.array(each) - before) >= 0).all() and (
            np.abs(moved) <= np.abs(np.array(each) - before)
        ).all()
        assert (profile.level[slot] >= 0).all() and (profile.spread[slot] >= 0).all()
        assert max(profile.level[slot].max(), profile.spread[slot].max()) <= LARGEST
        profile.learn_day(np.array(each))


@given(st.lists(st.integers(0, LARGEST), min_size=4, max_size=40))
def test_no_total_moves_the_mean_of_fourteen_days_further_than_stated(totals):
    profile = Profile(ProfilePlan(SLOTS, 1, MATURE, HOLD))
    for number, each in enumerate(totals):
        remembered = profile.totals[: profile.n_totals, 0]
        profile.learn_day(np.array([each]))
        if number >= 3:
            reach = WINSOR_SPREADS * (np.sqrt(remembered.var()) + remembered.mean() / 16 + 3)
            assert abs(int(profile.totals[0, 0]) - remembered.mean()) <= reach + 3


def test_a_deviation_is_the_distance_in_spreads():
    profile = Profile(ProfilePlan(SLOTS, 1, MATURE, HOLD))
    rng = np.random.default_rng(1)
    for _ in range(200):
        for slot in range(SLOTS):
            profile.learn(slot, np.array([max(0, round(rng.normal(1000 + 10 * slot, 200)))]))
    assert abs(profile.level[:, 0] - (1000 + 10 * np.arange(SLOTS))).max() < 250  # a mean of 14 days
    assert 130 < np.median(profile.spread) < 260
    values = profile.level + 3 * (profile.spread + 1)
    assert np.abs(profile.deviations_q8(values, profile.mean_total)[:-1] / 256 - 3).max() < 0.15
    assert (profile.deviations_q8(profile.level, profile.mean_total) == 0).all()


def test_a_day_is_never_compared_with_itself():
    """A row is learnt when it leaves the last 24 hours: until then the profile is that of the days before."""
    days = Days(days_plan())
    run(days, rhythm(10))
    before = days._profile.level.copy()
    run(days, [30_000])
    learnt = days._profile.level != before
    assert learnt.sum() <= 1 and not learnt[1:].any()  # slot 0 of the day before
    run(days, rhythm(1)[1:])
    after = days._profile.level.copy()
    run(days, [0])
    assert days._profile.level[0, 0] > after[0, 0], "now the 30,000 of yesterday is learnt"


def test_an_alarm_freezes_all_that_is_learnt_for_the_stated_time_and_no_longer():
    days = Days(days_plan())
    run(days, rhythm(10))
    days.follow(alarm=True)
    frozen = learnt(days)
    run(days, rhythm(3, seed=5, scale=3000)[: HOLD - 1])
    assert learnt(days) == frozen
    run(days, rhythm(1, seed=6, scale=3000)[:1])
    assert days._profile.n_totals == RELEARNT_SEEN and int(days._profile.seen.max()) == RELEARNT_SEEN
    run(days, rhythm(2, seed=7, scale=3000))
    assert learnt(days) != frozen


def test_after_the_alarm_it_may_be_frozen_again_for_the_whole_time():
    days = Days(days_plan())
    run(days, rhythm(10))
    for _ in range(2):
        days.follow(alarm=True)
        level = days._profile.level.copy()
        run(days, rhythm(2, seed=5, scale=3000))
        assert (days._profile.level == level).all()
        days.follow(alarm=False)
        run(days, rhythm(1))


def test_a_lasting_step_is_accepted_after_the_hold_and_the_anchor_still_tells_it():
    days = Days(days_plan())
    run(days, rhythm(14))
    anchor = days._profile.total_anchor.copy()
    days.follow(alarm=True)
    step = rhythm(30, seed=3, scale=2000)
    found = run(days, step)
    total = SLOTS  # place of the deviation of the total
    assert found[SLOTS - 1][total] > 3 * 256, "at first it is far away"
    assert abs(found[-1][total]) < 2 * 256, "four weeks later it is usual"
    assert (days._profile.total_anchor == anchor).all()
    assert 800 < found[-1][ANCHOR] < 1200, "and it is an octave above the first days, in q10"


@pytest.mark.parametrize("a_day", [1.01, 1.03, 0.98])
def test_slow_poison_meets_the_anchor(a_day):
    """A change small enough to be learnt each day moves the profile, and the distance from the anchor grows with it."""
    days = Days(days_plan())
    run(days, rhythm(MATURE + 1))
    found = []
    for day in range(40):
        frames = run(days, np.minimum(rhythm(1, seed=100 + day) * a_day**day, LARGEST).astype(int))
        found.append(frames[-1])
    whole = 1024 * np.log2(a_day) * (40 - 14 / 2)  # the mean of fourteen days lies a week behind
    assert found[-1][ANCHOR] == pytest.approx(whole, abs=120)


@given(st.data())
def test_no_row_makes_anything_leave_its_range(data):
    plan = days_plan(
        columns=data.draw(st.integers(1, 2)), slots=data.draw(st.sampled_from([12, 24])), mature=2, most_missing=3
    )
    days = Days(plan)
    value = st.sampled_from([0, 1, 7, 32767]) | st.integers(0, LARGEST)
    row = st.none() | st.lists(value, min_size=plan.columns, max_size=plan.columns)
    largest = largest_levels(plan.slots, plan.columns)
    for each in data.draw(st.lists(row, min_size=3 * plan.slots, max_size=6 * plan.slots)):
        frame = days._step(None if each is None else np.array(each))
        if frame is not None:
            assert (np.abs(frame) <= largest).all()
        assert takes_state(plan, days.save())
        days.follow(alarm=data.draw(st.booleans()))


def test_missing_rows_take_time_and_give_nothing():
    days, rows = Days(days_plan()), rhythm(12)
    rows[9 * SLOTS + 3] = MISSING
    found = run(days, rows)
    assert [i for i, frame in enumerate(found) if frame is None and i >= MATURE * SLOTS] == [9 * SLOTS + 3]
    assert found[9 * SLOTS + 4][3] == 0, "a missing slot stands at its own level"


def test_a_day_with_too_many_missing_rows_is_not_judged_and_not_learnt():
    days, rows = Days(days_plan()), rhythm(12)
    rows[10 * SLOTS : 10 * SLOTS + 7] = MISSING
    found = run(days, rows)
    gone = [i - 10 * SLOTS for i, frame in enumerate(found) if frame is None and i >= MATURE * SLOTS]
    assert gone == [*range(7), *range(7, SLOTS)], "until six or fewer of the last 24 hours are missing"
    assert days._profile.n_totals == 11


def test_a_gap_is_that_many_missing_rows():
    one, other = Days(days_plan()), Days(days_plan())
    for days in (one, other):
        run(days, rhythm(9)[:-5])
    one.gap(30)
    run(other, [MISSING] * 30)
    assert one.save() == other.save()
    later = rhythm(3, seed=2)
    assert all(
        (a is None) == (b is None) and (a is None or (a == b).all())
        for a, b in zip(run(one, later), run(other, later), strict=True)
    )


def test_a_week_of_zeros_is_a_sensor_that_is_not_on_a_body():
    days = Days(days_plan())
    run(days, rhythm(9))
    found = run(days, [0] * SLOTS)
    assert all(frame is None for frame in found[6:])
    learnt = days.save()[4:]
    assert all(frame is None for frame in run(days, [0] * 6 * SLOTS))
    assert days.save()[4:] == learnt, "not one 0 is learnt"
    back = run(days, rhythm(2, seed=3))
    assert all(frame is None for frame in back[: SLOTS - 6 - 1]) and back[-1] is not None


def test_three_days_are_no_profile():
    assert all(frame is None for frame in run(Days(days_plan()), rhythm(3)))


@pytest.mark.parametrize("off_body", [0, 4])
def test_a_restored_state_goes_on_as_if_nothing_had_been(off_body):
    """At every slot of a day, also in the middle of a run of rows of nothing but 0."""
    plan, rows = days_plan(off_body=off_body), rhythm(11)
    rows[8 * SLOTS + 5 : 8 * SLOTS + 11] = 0
    rows[8 * SLOTS + 15 : 8 * SLOTS + 18] = 0
    rows[8 * SLOTS + 20] = MISSING
    one, expected = Days(plan), run(Days(plan), rows)
    run(one, rows[: 8 * SLOTS])
    for cut in range(8 * SLOTS, 9 * SLOTS):
        other, data = Days(plan), one.save()
        assert len(data) == state_bytes(plan) and takes_state(plan, data)
        other.restore(data)
        assert other.save() == data
        for left, right in zip(expected[cut:], run(other, rows[cut:]), strict=True):
            assert np.array_equal(left, right)
        run(one, rows[cut : cut + 1])


def test_a_state_out_of_range_is_no_state():
    plan = days_plan()
    days = Days(plan)
    run(days, rhythm(9))
    good = days.save()
    assert takes_state(plan, good)
    places = ((0, SLOTS), (2, HOLD + 1), (4, plan.off_body), (-4 - SLOTS, MATURE + 1), (-3 - SLOTS, MOST_SEEN + 1))
    for place, value in (*places, (-1, 15)):
        bad = bytearray(good)
        bad[place] = value
        assert not takes_state(plan, bytes(bad)), place
    first_row = 6 + 2 * N_FIGURES
    for place in (first_row + 1, first_row + 2 * SLOTS + 1):
        negative = bytearray(good)
        negative[place] |= 0x80
        assert not takes_state(plan, bytes(negative))
    missing = bytearray(good)
    missing[first_row : first_row + 2] = b"\x00\x80"
    assert takes_state(plan, bytes(missing))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": 9}, "9 columns"),
        ({"judged": np.array([0, 0], "u1"), "columns": 2, "shift": np.zeros(2, "u1")}, "named twice"),
        ({"shift": np.array([15], "u1")}, "more than 14"),
        ({"most_missing": 7}, "most_missing is 7"),
        ({"cos_q14": np.zeros(SLOTS, "<i2")}, "cosine"),
        ({"profile": ProfilePlan(SLOTS, 1, 1, HOLD)}, "mature after 1"),
        ({"profile": ProfilePlan(SLOTS, 1, MATURE, 0)}, "a hold of 0"),
        ({"profile": ProfilePlan(25, 1, MATURE, HOLD)}, "25 slots"),
    ],
)
def test_a_plan_of_days_that_cannot_run_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        dataclasses.replace(days_plan(), **changes).check()
