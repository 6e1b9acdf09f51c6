"""Score: the weighted squared error of the reconstruction. High is anomalous."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require, require_array
from anomsdk.core.fixed import INT32_MAX, UINT32_MAX, Ints

MAX_GROUPS = 4
LARGEST_AMPLITUDE = 65535


@dataclass(frozen=True, eq=False)
class ScoreGroup:
    """Inputs that are scored together, ``first`` to ``last``, and the scale that makes groups comparable.

    Its size is ``(sum * gain) >> shift`` of the sum of ``weight * |error|``, at most `LARGEST_AMPLITUDE`, squared; with
    ``squared`` it is that of the sum of ``weight * error**2``, at most the square of `LARGEST_AMPLITUDE`.
    """

    first: int
    last: int
    squared: int  # 0: errors count by their size; 1: by their square
    gain: int
    shift: int

    def check(self, plan: ScorePlan, n: int) -> None:
        """Prove that its sum stays in 32 bits and its product in 63."""
        require(0 <= self.first <= self.last < n, f"score: a group of the inputs {self.first} to {self.last} of {n}")
        require(self.squared in (0, 1), f"score: squared is {self.squared}, not 0 or 1")
        require(1 <= self.gain <= INT32_MAX, f"score: a gain of {self.gain} is not 1 to 2**31 - 1")
        require(0 <= self.shift <= 40, f"score: the shift of a group is {self.shift}, not 0 to 40")
        weight = int(plan.weights[self.first : self.last + 1].astype(np.int64).sum())
        require(weight > 0, "score: every weight of a group is 0")
        total = weight * largest_error(plan) ** (1 + self.squared)
        require(total <= UINT32_MAX, f"score: the sum of a group can reach {total}, beyond 32 bits")


@dataclass(frozen=True, eq=False)
class ScorePlan:
    """``sum weight * error**2`` with error ``(input_gain (x - zx) - output_gain (y - zy)) >> shift``, rounded.

    A model whose input and output share scale and zero point has gains 1 and shift 0: error = x - y. With groups, the
    largest of them counts instead of the sum, see `ScoreGroup`.
    """

    weights: NDArray[np.uint8]  # (n_in,)
    input_zero_point: int
    output_zero_point: int
    input_gain: int
    output_gain: int
    shift: int
    groups: tuple[ScoreGroup, ...] | None = None
    """Groups of which the largest counts, in the order of their inputs; None: the sum counts."""

    def check(self, n: int) -> None:
        """Prove that no score leaves 32 bits (unsigned)."""
        require_array(self.weights, "u1", (n,), "score: weights")
        require((self.weights > 0).any(), "score: every weight is 0")
        for zero_point in (self.input_zero_point, self.output_zero_point):
            require(-128 <= zero_point <= 127, f"score: a zero point of {zero_point} is not int8")
        require(1 <= self.input_gain <= 1 << 16, f"score: input_gain is {self.input_gain}, not 1 to 65536")
        require(1 <= self.output_gain <= 1 << 16, f"score: output_gain is {self.output_gain}, not 1 to 65536")
        require(0 <= self.shift <= 16, f"score: shift is {self.shift}, not 0 to 16")
        worst = largest_error(self)
        require(worst <= INT32_MAX, "score: the error of one input can leave 32 bits")
        if self.groups is not None:
            _check_groups(self, n)
            return
        total = largest_score(self)
        require(total <= UINT32_MAX, f"score: the sum can reach {total}, beyond 32 bits")


def _check_groups(plan: ScorePlan, n: int) -> None:
    """Refuse groups that overlap or leave out an input, and prove each."""
    groups = plan.groups or ()
    require(1 <= len(groups) <= MAX_GROUPS, f"score: {len(groups)} groups, not 1 to {MAX_GROUPS}")
    for group in groups:
        group.check(plan, n)
    ends = [0, *(group.last + 1 for group in groups)]
    worst = int(plan.weights.max()) * largest_error(plan) ** 2
    require(worst <= UINT32_MAX, f"score: the square of one error can reach {worst}, beyond 32 bits")
    require([group.first for group in groups] == ends[:-1] and ends[-1] == n, f"score: groups do not share {n} inputs")


def largest_score(plan: ScorePlan) -> int:
    """Compute the largest score, for any int8 inputs and outputs."""
    if plan.groups is not None:
        return LARGEST_AMPLITUDE**2
    return int(plan.weights.astype(np.int64).sum()) * largest_error(plan) ** 2


def largest_error(plan: ScorePlan) -> int:
    """Compute the largest magnitude of the error of one input, for any int8 input and output."""
    x = np.array([-128, 127]) - plan.input_zero_point
    y = np.array([-128, 127]) - plan.output_zero_point
    errors = np.abs(plan.input_gain * x[:, None] - plan.output_gain * y[None])
    return (int(errors.max()) + (1 << plan.shift >> 1) >> plan.shift) + (plan.shift > 0)


def error(plan: ScorePlan, inputs: Ints, outputs: Ints) -> Ints:
    """Compute the error of each input. All arrays are (..., n_in), inputs and outputs in int8 range."""
    difference = plan.input_gain * (inputs - plan.input_zero_point) - plan.output_gain * (
        outputs - plan.output_zero_point
    )
    return (difference + (1 << plan.shift >> 1)) >> plan.shift


class Score:
    """Reconstruction error of many inputs at once."""

    def __init__(self, plan: ScorePlan) -> None:
        self._plan = plan
        self._weights = plan.weights.astype(np.int64)

    def run(self, inputs: Ints, outputs: Ints) -> Ints:
        """Compute the scores.

        Parameters
        ----------
        inputs, outputs : int64 (n, n_in) in int8 range

        Returns
        -------
        int64 (n,), 0 to 2**32 - 1
        """
        errors = error(self._plan, inputs, outputs)
        if self._plan.groups is None:
            return (self._weights * errors * errors).sum(axis=1)
        return sizes(self._plan, errors).max(axis=1)


def sums(plan: ScorePlan, errors: Ints) -> Ints:
    """Compute the sum of each group of a plan that has groups.

    Parameters
    ----------
    errors : int64 (n, n_in), of `error`

    Returns
    -------
    int64 (n, n_groups), 0 to 2**32 - 1
    """
    assert plan.groups is not None
    weights, found = plan.weights.astype(np.int64), []
    for group in plan.groups:
        part = slice(group.first, group.last + 1)
        found.append((weights[part] * np.abs(errors[:, part]) ** (1 + group.squared)).sum(axis=1))
    return np.stack(found, axis=1)


def sizes(plan: ScorePlan, errors: Ints) -> Ints:
    """Compute the size of each group of a plan that has groups; parameters and shape as `sums`."""
    assert plan.groups is not None
    found = []
    for group, total in zip(plan.groups, sums(plan, errors).T, strict=True):
        scaled = total * group.gain >> group.shift
        amplitude = np.minimum(scaled, LARGEST_AMPLITUDE)
        found.append(np.minimum(scaled, LARGEST_AMPLITUDE**2) if group.squared else amplitude**2)
    return np.stack(found, axis=1)
