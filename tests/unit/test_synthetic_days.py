"""Generated herds and generated changes of days."""

from __future__ import annotations

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.synthetic.days import CHANGES, ONE_DAY, SLOW, usual_day
from anomsdk.synthetic.herd_days import MISSING, generated_herd

ROWS = generated_herd(1, 40, seed=3)[0][1]
USUAL = usual_day(ROWS[: 14 * 24], 24)


def put(name, rows, seed=0):
    return CHANGES[name].put(rows, USUAL, np.random.default_rng(seed))


def whole_day(first=14, days=1):
    """Return days of the generated animal without a missing slot."""
    rows = ROWS[first * 24 : (first + days) * 24].copy()
    rows[rows == MISSING] = 700
    return rows


def test_an_animal_does_not_depend_on_the_size_of_its_herd():
    small, large = generated_herd(2, 5, seed=1), generated_herd(4, 5, seed=1)
    assert [name for name, _ in large] == ["animal 01", "animal 02", "animal 03", "animal 04"]
    assert all((a[1] == b[1]).all() for a, b in zip(small, large, strict=False))
    assert (small[0][1] != generated_herd(1, 5, seed=2)[0][1]).any()
    assert (small[0][1] != small[1][1]).any()


def test_nights_of_a_generated_animal_are_quiet():
    for _, rows in generated_herd(5, 20):
        day = usual_day(rows, 24)[:, 0]
        assert day[[0, 1, 2, 23]].mean() < day[5:20].mean() / 2


@pytest.mark.parametrize("name", list(CHANGES))
def test_missing_slots_stay_missing_and_the_seed_decides(name):
    rows = whole_day(days=CHANGES[name].days)
    rows[[3, 20]] = MISSING
    made = put(name, rows)
    assert made.dtype == np.int16 and made.shape == rows.shape
    assert (made == put(name, rows)).all() and (made != rows).any()
    assert (made == MISSING).sum() == 2
    if name != "shifted_4h":
        assert (made[[3, 20]] == MISSING).all()
    assert (made[made != MISSING] >= 0).all()


def test_less_is_a_share_of_each_slot():
    rows = whole_day()
    assert (put("less_30", rows) == np.rint(rows * 0.7)).all()
    assert (put("less_50", rows) == np.rint(rows * 0.5)).all()


def test_more_is_ten_hours_in_a_row_at_any_time():
    rows = np.full((24, 1), 1000, np.int16)
    starts = set()
    for seed in range(40):
        made = put("more_10h", rows, seed)[:, 0]
        assert sorted(set(made.tolist())) == [1000, 2500] and (made == 2500).sum() == 10
        assert ((made == 2500) & (np.roll(made, 1) == 1000)).sum() == 1  # one stretch around midnight
        starts.add(int(np.flatnonzero((made == 2500) & (np.roll(made, 1) == 1000))[0]))
    assert len(starts) > 12
    assert put("more_10h", np.full((24, 1), 30000, np.int16)).max() == 32767


def test_a_shift_keeps_the_values_and_goes_both_ways():
    rows = whole_day()
    found = {seed: put("shifted_4h", rows, seed) for seed in range(10)}
    both = [np.roll(rows, 4, axis=0), np.roll(rows, -4, axis=0)]
    assert all(any((made == way).all() for way in both) for made in found.values())
    assert all(any((made == way).all() for made in found.values()) for way in both)


def test_without_a_rhythm_the_total_stays():
    rows = whole_day()
    made = put("no_rhythm", rows)
    assert abs(int(made.sum()) - int(rows.sum())) <= 12
    night, busy = np.argsort(USUAL[:, 0])[:8], np.argsort(USUAL[:, 0])[-8:]
    assert made[night].mean() > 2 * rows[night].mean() and made[busy].mean() < rows[busy].mean()


def test_a_restless_night_touches_the_quiet_third_alone():
    rows = whole_day()
    made, night = put("restless_night", rows), np.argsort(USUAL[:, 0], kind="stable")[:8]
    assert set(np.flatnonzero((made != rows)[:, 0]).tolist()) == set(night.tolist())
    assert 0.3 * USUAL.mean() < (made - rows)[night].mean() < 0.8 * USUAL.mean()


@pytest.mark.parametrize(("name", "days"), [("decline_7d", 7), ("decline_21d", 21)])
def test_a_decline_is_a_line_that_ends_at_30_percent(name, days):
    made = put(name, np.full((days * 24, 1), 10000, np.int16))[:, 0].astype(int)
    assert made[-1] == 7000 and made[0] == round(10000 - 3000 / len(made))
    assert set(np.diff(np.diff(made)).tolist()) <= {-2, -1, 0, 1, 2}


def test_several_days_are_changed_day_by_day():
    made = put("less_30", whole_day(days=3))
    assert (made == np.rint(whole_day(days=3) * 0.7)).all()


def test_rows_that_are_no_whole_days_are_refused():
    with pytest.raises(
        InputError, match=r"^`rows` of shape \(30, 1\) are no whole days of \(24, 1\) slots and columns"
    ):
        put("less_30", ROWS[:30])
    with pytest.raises(InputError, match=r"^`rows`: has 3 days; .* takes exactly 7$"):
        put("decline_7d", whole_day(days=3))
    assert set(CHANGES) == {*ONE_DAY, *SLOW}


def test_the_usual_day_is_a_mean_without_missing_slots():
    rows = np.array([[10], [MISSING], [30], [MISSING]], np.int16)
    assert usual_day(rows, 2).tolist() == [[20], [0]]
    assert usual_day(np.array([[9], [9], [1], [2]], np.int16), 2, days=1).tolist() == [[1], [2]]
