"""Context: the model's input from the last feature frames, stacked or summarised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from anomsdk.core.affine import Affine, AffinePlan
from anomsdk.core.checks import require
from anomsdk.core.fixed import Ints
from anomsdk.errors import quoted

MAX_FRAMES = 256


@dataclass(frozen=True)
class Statistic:
    """Statistic of one feature over the F frames of a context: a whole number, before normalisation.

    Parameters
    ----------
    code : ANOM_STATISTIC_<NAME> of the C port, fixed for good
    value : windows, int64 (n, F, n_features) in int8 range -> int64 (n, n_features), without a division
    range : F -> bounds of the value
    steps : F -> steps of the value in one int8 step of the feature
    unsteady : a reason calls a high value "unsteady", not "high"
    """

    code: int
    value: Callable[[Ints], Ints]
    range: Callable[[int], tuple[int, int]]
    steps: Callable[[int], int]
    unsteady: bool


def _deviation(windows: Ints) -> Ints:
    """Compute the sum of absolute deviations from the mean, times F: ``sum |F x - sum x|``."""
    return np.abs(windows.shape[1] * windows - windows.sum(axis=1)[:, None]).sum(axis=1)


STATISTICS = {
    # mean is the sum over the frames
    "mean": Statistic(0, lambda x: x.sum(axis=1), lambda f: (-128 * f, 127 * f), lambda f: f, False),
    "deviation": Statistic(1, _deviation, lambda f: (0, f * f * 255), lambda f: f * f, True),
    "max": Statistic(2, lambda x: x.max(axis=1), lambda f: (-128, 127), lambda f: 1, False),
    "min": Statistic(3, lambda x: x.min(axis=1), lambda f: (-128, 127), lambda f: 1, False),
}
"""Name -> statistic: all that a spec may choose from."""


@dataclass(frozen=True, eq=False)
class StackPlan:
    """Context of the last ``frames`` feature frames, oldest first."""

    kind: ClassVar[str] = "stack"

    frames: int
    stride: int  # frames between model runs

    @property
    def unsteady(self) -> tuple[bool, ...]:
        """Mark of each frame of the input, (frames,): True where a high value means "unsteady"."""
        return (False,) * self.frames

    def n_inputs(self, n_features: int) -> int:
        """Width of the model's input."""
        return self.frames * n_features

    def check(self, n_features: int) -> None:
        """Refuse a number of frames or a stride out of range."""
        _check_frames(self.frames, self.stride)


@dataclass(frozen=True, eq=False)
class SummaryPlan:
    """Context of statistics of each feature over the last ``frames`` frames, statistic by statistic."""

    kind: ClassVar[str] = "summary"

    frames: int
    stride: int
    statistics: tuple[str, ...]
    normalisation: AffinePlan

    @property
    def unsteady(self) -> tuple[bool, ...]:
        """Mark of each statistic of the input, (n_statistics,): True where a high value means "unsteady"."""
        return tuple(STATISTICS[name].unsteady for name in self.statistics)

    def n_inputs(self, n_features: int) -> int:
        """Width of the model's input."""
        return len(self.statistics) * n_features

    def check(self, n_features: int) -> None:
        """Prove the map of each statistic."""
        _check_frames(self.frames, self.stride)
        known = ", ".join(STATISTICS)
        require(len(self.statistics) > 0, f"context: no statistics; choose from {known}")
        for name in self.statistics:
            require(name in STATISTICS, f"context: statistic '{quoted(name)}' is unknown; choose from {known}")
        require(len(set(self.statistics)) == len(self.statistics), "context: a statistic is named twice")
        ranges = [STATISTICS[name].range(self.frames) for name in self.statistics]
        smallest, largest = np.repeat(np.array(ranges, np.int64), n_features, axis=0).T
        self.normalisation.check(self.n_inputs(n_features), smallest, largest, "context: normalisation")


ContextPlan: TypeAlias = StackPlan | SummaryPlan


def statistics_of(windows: Ints, names: tuple[str, ...]) -> Ints:
    """Compute statistics of each feature, before normalisation, without a division.

    Parameters
    ----------
    windows : int64 (n, frames, n_features) in int8 range
    names : keys of `STATISTICS`

    Returns
    -------
    int64 (n, len(names) * n_features), statistic by statistic
    """
    return np.concatenate([STATISTICS[name].value(windows) for name in names], axis=1)


class Context:
    """Buffer of the last ``frames`` frames; once full, it gives an input every ``stride`` frames."""

    def __init__(self, plan: ContextPlan, n_features: int) -> None:
        self._plan = plan
        self._affine = Affine(plan.normalisation) if isinstance(plan, SummaryPlan) else None
        self._history = np.zeros((plan.frames - 1, n_features), np.int64)
        self._seen = 0  # frames since the restart; counts on only until the phase of the stride is known
        self.has_given = False  # an input was given since the restart; a restored one goes on with what was saved

    def push(self, features: Ints) -> tuple[Ints, Ints]:
        """Take feature frames and return the inputs that they complete.

        Parameters
        ----------
        features : int64 (m, n_features) in int8 range

        Returns
        -------
        inputs : int8 range, int64 (t, n_in)
        completed_by : int64 (t,), which frame completed each input
        """
        plan, m = self._plan, len(features)
        frames = np.concatenate([self._history, features])
        seen = self._seen + 1 + np.arange(m)
        completed_by = np.flatnonzero((seen >= plan.frames) & ((seen - plan.frames) % plan.stride == 0))
        windows = frames[completed_by[:, None] + np.arange(plan.frames)]
        self._history[:] = frames[m:]
        self.has_given = self.has_given or len(completed_by) > 0
        self._seen += m
        if self._seen >= plan.frames:
            self._seen = plan.frames + (self._seen - plan.frames) % plan.stride
        if self._affine is None:
            return windows.reshape(len(windows), plan.frames * frames.shape[1]), completed_by
        return self._affine.run(statistics_of(windows, plan.statistics)), completed_by  # type: ignore[union-attr]

    def restart(self) -> None:
        """Forget every frame: the next input needs a full context."""
        self._history.fill(0)
        self._seen = 0
        self.has_given = False


def _check_frames(frames: int, stride: int) -> None:
    require(1 <= frames <= MAX_FRAMES, f"context: {frames} frames, not 1 to {MAX_FRAMES}")
    require(1 <= stride <= MAX_FRAMES, f"context: stride is {stride} frames, not 1 to {MAX_FRAMES}")
