"""external: a maker's own features, one int16 row a hop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from anomsdk.core.affine import AffinePlan
from anomsdk.core.checks import require
from anomsdk.core.extractor import Extractor
from anomsdk.core.fixed import Ints
from anomsdk.core.reasons import Group, part_groups

MAX_FEATURES = 1024


@dataclass(frozen=True, eq=False)
class ExternalPlan:
    """Plan of the external extractor: rows are normalised, and nothing else."""

    kind: ClassVar[str] = "external"
    sensor: ClassVar[str] = "external"
    warm_up: ClassVar[int] = 0
    parts: ClassVar[tuple[tuple[int, int, int], ...]] = ()
    hops_per_frame: ClassVar[int] = 1

    normalisation: AffinePlan

    @property
    def n_features(self) -> int:
        """Width of a row."""
        return len(self.normalisation.gain)

    @property
    def window(self) -> int:
        """Number of samples in a window: 1."""
        return 1

    @property
    def groups(self) -> tuple[Group, ...]:
        """Group that a reason names for each value, (n_features,)."""
        return part_groups(self.n_features)

    @property
    def columns(self) -> int:
        """Number of values in a sample: the width of a row."""
        return self.n_features

    def check(self) -> None:
        """Prove that no integer of the map leaves its range."""
        n = self.n_features
        require(1 <= n <= MAX_FEATURES, f"external: {n} features, not 1 to {MAX_FEATURES}")
        self.normalisation.check(
            n, np.full(n, -32768, np.int64), np.full(n, 32767, np.int64), "external: normalisation"
        )


class External(Extractor):
    """Streaming extractor: one feature frame for each row."""

    def __init__(self, plan: ExternalPlan) -> None:
        super().__init__(plan.normalisation)

    def levels(self, frames: Ints) -> tuple[Ints, Ints]:
        """Return the rows unchanged; ``frames`` is (n, 1, n_features)."""
        return frames[:, 0].copy(), np.arange(len(frames))  # frames are scratch
