"""Extractor: what all feature extractors share. Windows in, int8 feature frames out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

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
    def n_features(self) -> int:
        """Number of values in one feature frame."""

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

    def __init__(self, normalisation: AffinePlan) -> None:
        self._affine = Affine(normalisation)

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
        levels.fill(0)
        return features, completed_by

    def restart(self) -> None:  # noqa: B027 (most extractors gather nothing)
        """Forget the windows that were gathered for the next frame."""

    def wipe_scratch(self) -> None:  # noqa: B027 (one that makes no scratch has none to wipe)
        """Zero the scratch that the last windows used."""
