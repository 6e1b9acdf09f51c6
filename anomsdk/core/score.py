"""Score: the weighted squared error of the reconstruction. High is anomalous."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require, require_array
from anomsdk.core.fixed import INT32_MAX, UINT32_MAX, Ints


@dataclass(frozen=True, eq=False)
class ScorePlan:
    """``sum weight * error**2`` with error ``(input_gain (x - zx) - output_gain (y - zy)) >> shift``, rounded.

    A model whose input and output share scale and zero point has gains 1 and shift 0: error = x - y.
    """

    weights: NDArray[np.uint8]  # (n_in,)
    input_zero_point: int
    output_zero_point: int
    input_gain: int
    output_gain: int
    shift: int

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
        total = largest_score(self)
        require(total <= UINT32_MAX, f"score: the sum can reach {total}, beyond 32 bits")


def largest_score(plan: ScorePlan) -> int:
    """Compute the largest score, for any int8 inputs and outputs."""
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
        return (self._weights * errors * errors).sum(axis=1)
