"""Scores by groups: the largest group counts, each on its own scale, and names the first reason."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.reasons import Reasons, ReasonsPlan
from anomsdk.core.score import LARGEST_AMPLITUDE, Score, ScoreGroup, ScorePlan, largest_score
from anomsdk.errors import InputError
from anomsdk.planner.score import GROUP_TAIL, score_group

N = 8


def score_plan(groups, weights=None):
    weights = np.ones(N, "u1") if weights is None else np.array(weights, "u1")
    made = ScorePlan(weights, 0, 0, input_gain=1, output_gain=1, shift=0, groups=groups)
    made.check(N)
    return made


def in_python(plan, inputs, outputs):
    """Score of one input by unbounded integers."""
    found = []
    for group in plan.groups:
        part = range(group.first, group.last + 1)
        total = sum(int(plan.weights[i]) * abs(int(inputs[i]) - int(outputs[i])) ** (1 + group.squared) for i in part)
        scaled = total * group.gain >> group.shift
        found.append(min(scaled, 65535**2) if group.squared else min(scaled, 65535) ** 2)
    return max(found)


@given(st.data())
def test_the_largest_group_counts(data):
    cut = data.draw(st.integers(1, N - 1))
    gains, shifts = st.integers(1, 2**31 - 1), st.integers(0, 40)
    groups = tuple(
        ScoreGroup(first, last, data.draw(st.integers(0, 1)), data.draw(gains), data.draw(shifts))
        for first, last in ((0, cut - 1), (cut, N - 1))
    )
    plan = score_plan(groups, data.draw(st.lists(st.integers(1, 255), min_size=N, max_size=N)))
    int8 = st.lists(st.integers(-128, 127), min_size=N, max_size=N).map(np.array)
    inputs, outputs = data.draw(int8), data.draw(int8)
    (found,) = Score(plan).run(inputs[None], outputs[None]).tolist()
    assert found == in_python(plan, inputs, outputs) <= largest_score(plan) == LARGEST_AMPLITUDE**2 <= UINT32_MAX


@pytest.mark.parametrize("tail", [1.0, 3.7, 250.0, 48_000.0, 3e6])
@pytest.mark.parametrize("squared", [0, 1])
def test_every_group_has_the_same_size_at_its_tail(tail, squared):
    group = score_group((0, N - 1, squared), tail)
    scaled = round(tail) * group.gain >> group.shift
    assert scaled == pytest.approx(GROUP_TAIL ** (1 + squared) * round(tail) / tail, rel=1e-3)


def test_a_group_that_counts_by_size_does_not_prefer_one_far_value():
    one = ScoreGroup(0, N - 1, 0, 1, 0)
    far, many = np.zeros(N, int), np.full(N, 10)
    far[0] = 80
    zeros = np.zeros(N, int)
    by_size, by_square = score_plan((one,)), score_plan((dataclasses.replace(one, squared=1),))
    assert Score(by_size).run(far[None], zeros[None]) == Score(by_size).run(many[None], zeros[None])
    assert Score(by_square).run(far[None], zeros[None]) > Score(by_square).run(many[None], zeros[None])


def test_the_first_reason_is_of_the_group_that_counts():
    """By residual alone the last inputs would be named first; on its own scale the first group is the larger one."""
    plan = score_plan((ScoreGroup(0, 3, 0, 1000, 0), ScoreGroup(4, N - 1, 0, 1, 0)))
    groups = np.array([0, 0, 1, 1, 2, 2, 2, 2], "u1") | 0b0001_0000 | 0b1000_0000
    reasons = ReasonsPlan(groups, np.array([48, 49, 50], "u1"), np.array([1, 1, 1], "<i4"))
    inputs = np.array([0, 0, 5, 0, -90, 0, 0, 0])
    first, second, third = Reasons(reasons, plan).run(inputs, np.zeros(N, int))
    assert (first & 63, second & 63, third) == (49, 50, 0)
    assert (first >> 6, second >> 6) == (1, 2)
    plain = dataclasses.replace(plan, groups=None)
    assert Reasons(reasons, plain).run(inputs, np.zeros(N, int))[0] & 63 == 50


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ((), "0 groups"),
        ((ScoreGroup(0, 3, 0, 1, 0),), "do not share 8 inputs"),
        ((ScoreGroup(0, 4, 0, 1, 0), ScoreGroup(4, 7, 0, 1, 0)), "do not share 8 inputs"),
        ((ScoreGroup(0, 8, 0, 1, 0),), "0 to 8 of 8"),
        ((ScoreGroup(0, 7, 2, 1, 0),), "squared is 2"),
        ((ScoreGroup(0, 7, 0, 0, 0),), "a gain of 0"),
        ((ScoreGroup(0, 7, 0, 1, 41),), "shift of a group is 41"),
        (tuple(ScoreGroup(i, i, 0, 1, 0) for i in range(N)), "8 groups, not 1 to 4"),
    ],
)
def test_groups_that_cannot_be_scored_are_refused(groups, words):
    with pytest.raises(InputError, match=words):
        score_plan(groups)


def test_a_group_whose_sum_leaves_32_bits_is_refused():
    plan = ScorePlan(np.full(600, 255, "u1"), 0, 0, 1, 1, 0, groups=(ScoreGroup(0, 599, 1, 1, 0),))
    with pytest.raises(InputError, match="the sum of a group can reach"):
        plan.check(600)
