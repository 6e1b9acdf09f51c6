"""Figures of a day against their formulas in floats, and what does not change them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomsdk.core.figures import N_FIGURES, Figure, of_day
from anomsdk.core.reasons import Group

Q10 = 1024


def cos_q14(slots):
    return np.rint(16384 * np.cos(2 * np.pi * np.arange(slots) / slots)).astype(np.int64)


def in_floats(values, levels, latest):
    """Figures by their formulas, (N_FIGURES,); logarithms in q10."""
    v, p, slots = values.astype(float), levels.astype(float), len(values)
    total, own = v.sum(), p.sum()
    floor = max(int(own) >> 6, 1)
    log = lambda x: Q10 * np.log2(x)  # noqa: E731
    found = np.zeros(N_FIGURES)
    found[Figure.TOTAL] = log(total + floor)
    ten = slots * 10 // 24
    runs = [np.roll(v, -first)[:ten].sum() for first in range(slots)]
    found[Figure.BUSIEST_10H] = log((max(runs) + floor) / (total + floor))
    found[Figure.QUIETEST_10H] = log((min(runs) + floor) / (total + floor))
    apart = np.abs(v / max(total, 1) - p / max(own, 1)).sum()
    found[Figure.UNLIKENESS] = log(apart + 1 / 32)
    turn = np.exp(2j * np.pi * np.arange(slots) / slots)
    mine, usual = (v * turn).sum(), (p * turn).sum()
    found[Figure.AMPLITUDE] = log(max(abs(mine), 1) / (total + floor))
    found[Figure.PHASE] = 4096 * np.angle(mine * np.conj(usual))
    order = np.argsort(levels, kind="stable")
    for figure, part in ((Figure.QUIET_HOURS, order[: slots // 3]), (Figure.BUSY_HOURS, order[-(slots // 3) :])):
        found[figure] = log((v[part].sum() + floor) / (p[part].sum() + floor))
    likes = {lag: max((np.roll(p, side) * v).sum() for side in (lag, -lag)) for lag in range(slots * 6 // 24 + 1)}
    found[Figure.LAG] = 256 * max(likes, key=likes.get)
    found[Figure.ROUGHNESS] = log((np.abs(v - np.roll(v, 1)).sum() + floor) / (total + floor))
    last = (latest - np.arange(slots * 6 // 24)) % slots
    found[Figure.LAST_6H] = log((v[last].sum() + floor) / (p[last].sum() + floor))
    return found


def day(seed, slots=24, scale=3000.0):
    rng = np.random.default_rng(seed)
    shape = 1 + 0.8 * np.sin(2 * np.pi * (np.arange(slots) - slots // 4) / slots)
    levels = np.rint(scale * shape).astype(np.int64)
    return np.rint(levels * rng.gamma(4, 1 / 4, slots)).astype(np.int64), levels


@pytest.mark.parametrize("slots", [12, 24, 60, 96])
@pytest.mark.parametrize("seed", range(8))
def test_every_figure_is_its_formula(seed, slots):
    values, levels = day(seed, slots)
    found, expected = of_day(values, levels, seed, cos_q14(slots)), in_floats(values, levels, seed)
    close = dict.fromkeys(Figure, 6.0) | {Figure.UNLIKENESS: 16.0, Figure.AMPLITUDE: 10.0, Figure.PHASE: 12.0}
    for figure in Figure:
        assert abs(found[figure] - expected[figure]) <= close[figure], figure.name


def test_more_of_everything_changes_the_total_alone():
    values, levels = day(3)
    once, twice = (of_day(values * k, levels * k, 5, cos_q14(24)) for k in (1, 2))
    assert twice[Figure.TOTAL] - once[Figure.TOTAL] == pytest.approx(Q10, abs=3)
    others = [figure for figure in Figure if figure != Figure.TOTAL]
    assert np.abs(twice[others] - once[others]).max() <= 4


def test_a_day_that_is_moved_is_moved_by_so_many_slots():
    _, levels = day(0)
    for lag in (0, 1, 3, 6):
        for side in (lag, -lag):
            found = of_day(np.roll(levels, side), levels, 0, cos_q14(24))
            assert found[Figure.LAG] == lag << 8
            assert found[Figure.PHASE] == pytest.approx(4096 * 2 * np.pi * side / 24, abs=16)


@given(st.data())
def test_no_day_breaks_them(data):
    slots = data.draw(st.sampled_from([12, 24, 96]))
    value = st.sampled_from([0, 1, 32767]) | st.integers(0, 32767)
    rows = st.lists(value, min_size=slots, max_size=slots).map(np.array)
    found = of_day(data.draw(rows), data.draw(rows), data.draw(st.integers(0, slots - 1)), cos_q14(slots))
    assert np.abs(found).max() < 32768, "they are kept in int16"


def test_every_figure_has_a_group_of_days():
    assert {figure.group for figure in Figure} <= set(Group) and len({figure.group for figure in Figure}) == 6
