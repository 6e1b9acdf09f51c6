"""Energies and levels: zero, carry, precision, floor and range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomsdk.core import energy
from anomsdk.core.affine import AffinePlan
from anomsdk.core.bands import level_range
from anomsdk.core.external import ExternalPlan
from anomsdk.core.levels import LimitsPlan, floored, limited

LIMITS = LimitsPlan(floor_q10=-1000, range_q10=300)
mantissas = st.integers(0, 2**31 - 1)
exponents = st.integers(0, 90)


def array(*values):
    return np.array(values, np.int64)


def test_no_energy_is_the_floor_whatever_the_offset():
    assert floored(LIMITS, array(0, 1, 2), array(0, 0, 0), array(5, 5, 5)).tolist() == [-1000, 5, 1029]
    assert floored(LIMITS, array(0, 1), array(0, 0), array(-9999, -9999)).tolist() == [-1000, -1000]


def test_levels_stay_within_their_range_of_the_loudest_of_the_same_frame():
    assert limited(LIMITS, array(0, -299, -301, -900)[None]).tolist() == [[0, -299, -300, -300]]
    assert limited(LIMITS, np.array([[500, 0], [0, -100]])).tolist() == [[500, 200], [0, -100]]


@given(mantissas, exponents, mantissas, exponents)
def test_a_sum_is_as_precise_as_its_larger_part(a, ea, b, eb):
    ea, eb = ea * (a > 0), eb * (b > 0)
    m, e = (int(v[0]) for v in energy.add(array(a), array(ea), array(b), array(eb)))
    exact = a * 2**ea + b * 2**eb
    assert 0 <= m < 2**31 and m * 2**e <= exact
    assert exact - m * 2**e <= 2 * 2 ** max(ea, eb)


@given(st.lists(st.tuples(mantissas, exponents), min_size=1, max_size=16))
def test_a_total_of_many(parts):
    parts = [(m, e * (m > 0)) for m, e in parts]
    m, e = energy.total(*np.array(parts, np.int64).T[:, :, None], 4)
    exact = sum(m * 2**e for m, e in parts)
    assert 0 <= m[0] < 2**31 and int(m[0]) * 2 ** int(e[0]) <= exact
    assert exact - int(m[0]) * 2 ** int(e[0]) <= len(parts) * 2 ** (max(e for _, e in parts) + 4)
    assert m[0] > 0 or e[0] == 0


def test_range_of_band_levels():
    low, high = level_range(-37418, -70000, 3)
    assert low.tolist() == [-37418] * 4 + [-1024]
    top = (130 << 10) - 70000
    assert high.tolist() == [top] * 4 + [top + 37418]


@pytest.mark.parametrize(("floor", "reach"), [(1, 5), (-(1 << 20) - 1, 5), (0, 0), (0, (1 << 20) + 1)])
def test_limits_that_are_none(floor, reach):
    with pytest.raises(ValueError, match="limits: "):
        LimitsPlan(floor, reach).check()


def test_the_bound_of_external_rows_is_exact():
    """The most negative sample decides: 32768 * 65535 + 32767 is the last product that fits."""

    def plan(bias):
        gain = np.array([65535], np.int32)
        return ExternalPlan(AffinePlan(gain, np.array([bias], np.int32), np.array([8], np.uint8), -127, 127))

    plan(32767).check()
    with pytest.raises(ValueError, match="can leave 32 bits"):
        plan(32768).check()
