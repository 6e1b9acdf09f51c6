"""Folds of held-out groups, and what each holds: model inputs that train, and those that are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast, require
from anomsdk.core.fixed import Ints
from anomsdk.train.data.corpus import Recorded
from anomsdk.train.data.input_maps import FeatureLevels, InputMaps
from anomsdk.train.models.network import Floats
from anomsdk.train.models.support import Origins
from anomsdk.train.search.trials import Trained

FOLDS = 4


def folds_of(recordings: Sequence[Recorded], seed: int) -> list[frozenset[str]]:
    """Groups held out in each fold: every group once."""
    labels = sorted({recording.group for recording in recordings})
    require(
        len(labels) >= 2,
        "train: too few groups of recordings; training needs 2, and 1 more where no calibration recordings are given",
    )
    shuffled = np.random.default_rng(seed).permutation(labels).tolist()
    n = min(FOLDS, len(labels))
    return [frozenset(shuffled[fold::n]) for fold in range(n)]


@dataclass(frozen=True, eq=False)
class Batch:
    """Model inputs of several stretches, one after the other; int8, since there may be many."""

    inputs: NDArray[np.int8]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, maps: InputMaps, stretches: list[FeatureLevels]) -> Batch:
        found = [checked_cast(maps.run(levels), "i1", "model inputs") for levels in stretches]
        found = [each for each in found if len(each)]
        return cls(
            np.concatenate([np.zeros((0, maps.n_inputs), np.int8), *found]), tuple(np.cumsum(list(map(len, found))))
        )

    def split(self, scores: Ints) -> list[Ints]:
        return np.split(scores, self.ends[:-1]) if self.ends else []


@dataclass(frozen=True, eq=False)
class Fold:
    maps: InputMaps
    rows: Floats
    origins: Origins
    held_rows: Floats
    normal: Batch
    probes: list[Batch]


@dataclass(frozen=True, eq=False)
class FoldScores:
    trained: Trained
    integer: list[list[Ints]]  # scores of each stretch: normal, then each strength of probes
    real: list[list[Ints]]
