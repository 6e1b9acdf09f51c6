"""Extractor: what all feature extractors share. Windows in, int8 feature frames out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import numpy as np

from anomsdk.core.affine import Affine, AffinePlan
from anomsdk.core.fixed import Ints
from anomsdk.core.reasons import Group


class ExtractorPlan(Protocol):
    """Extractor section of a plan, whatever its kind: the interface that other stages, sources and reports use.

    `anomsdk.core.plan.EXTRACTORS` has one class for each kind.
    """

    kind: ClassVar[str]
    """Name of the kind in a spec and in a plan file; `anom_<kind>` in C."""
    sensor: ClassVar[str]
    """Kind of the sensor whose samples the extractor takes."""

    @property
    def columns(self) -> int:
        """Number of values in one sample: 1 for audio, the axes of motion, the width of a row otherwise."""

    @property
    def window(self) -> int:
        """Number of samples in one window."""

    @property
    def hops_per_frame(self) -> int:
        """Number of windows in one feature frame, 1 or more; frames do not overlap."""

    @property
    def warm_up(self) -> int:
        """Number of windows after the start of which none is a part of the first frame; 0 for most kinds."""

    @property
    def n_features(self) -> int:
        """Number of values in one feature frame."""

    @property
    def parts(self) -> tuple[tuple[int, int, int], ...]:
        """Groups of the score: first and last input; 1: errors count by their square, 0: by their size.

        The largest group counts. Most kinds have none: the sum of all errors counts.
        """

    @property
    def groups(self) -> tuple[Group, ...]:
        """Group that a reason names for each value of a frame, (n_features,)."""

    @property
    def normalisation(self) -> AffinePlan:
        """Map of each value of a frame to int8."""

    def check(self) -> None:
        """Prove that no integer of any window leaves its range, or raise InputError."""


class Extractor(ABC):
    """Streaming extractor: `levels` differs in each kind, `push` adds the normalisation.

    Parameters
    ----------
    normalisation : map from levels to int8
    """

    largest_batch: ClassVar[int | None] = None
    """Most windows at once; None: any number. One that learns from what follows a window takes each by itself."""

    def __init__(self, normalisation: AffinePlan) -> None:
        self._affine = Affine(normalisation)
        self.watched: tuple[int, ...] = ()
        """Values of a frame whose levels a diary takes, before normalisation."""
        self.watched_levels: Ints = np.zeros((0, 0), np.int64)
        """Levels at `watched` of the frames that the last windows completed, (m, len(watched)), until wiped."""

    @abstractmethod
    def levels(self, frames: Ints) -> tuple[Ints, Ints]:
        """Compute the feature frames that windows complete, before normalisation.

        Parameters
        ----------
        frames : int64 (n, window, columns), n <= batch

        Returns
        -------
        levels : int64 (m, n_features), in the extractor's own unit
        completed_by : int64 (m,), which window completed each frame
        """

    def push(self, frames: Ints) -> tuple[Ints, Ints]:
        """Compute the feature frames that windows complete, and wipe the scratch.

        Returns
        -------
        features : int64 (m, n_features) in int8 range
        completed_by : int64 (m,), which window completed each frame
        """
        levels, completed_by = self.levels(frames)
        self.wipe_scratch()
        features = self._affine.run(levels)
        if self.watched:
            self.watched_levels = levels[:, list(self.watched)]
        levels.fill(0)
        return features, completed_by

    def restart(self) -> None:  # noqa: B027 (most extractors gather nothing)
        """Forget the windows that were gathered for the next frame."""

    def reset(self) -> None:
        """Start again: forget everything."""
        self.restart()
        self.wipe_watched()

    def wipe_watched(self) -> None:
        """Zero the levels that a diary has taken."""
        self.watched_levels.fill(0)
        self.watched_levels = np.zeros((0, 0), np.int64)

    def gap(self, hops: int) -> None:
        """Go on after windows that did not come."""
        self.restart()

    @property
    def is_ready(self) -> bool:
        """Return False while it learns what it needs for its first frame."""
        return True

    def follow(self, alarm: bool) -> None:  # noqa: B027 (most extractors learn nothing)
        """Take note whether the reference rung is in alarm after the last tick."""

    def save(self) -> bytes:
        """Return what must outlive a reset: nothing, for most kinds."""
        return b""

    def restore(self, data: bytes) -> None:  # noqa: B027 (most extractors keep nothing)
        """Take what `save` returned; only after `reset`."""

    def wipe_scratch(self) -> None:  # noqa: B027 (one that makes no scratch has none to wipe)
        """Zero the scratch that the last windows used."""
