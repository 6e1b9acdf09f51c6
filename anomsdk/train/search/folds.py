"""Folds of held-out groups, with the model inputs that train and those that are scored."""

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
"""Most folds; fewer where there are fewer groups."""


def folds_of(recordings: Sequence[Recorded], seed: int) -> list[frozenset[str]]:
    """Choose the groups that each fold holds out; every group is held out once."""
    labels = sorted({recording.group for recording in recordings})
    require(
        len(labels) >= 2,
        "train: too few groups of recordings; give at least 2, and 1 more where no calibration recordings are given",
    )
    shuffled = np.random.default_rng(seed).permutation(labels).tolist()
    n = min(FOLDS, len(labels))
    return [frozenset(shuffled[fold::n]) for fold in range(n)]


@dataclass(frozen=True, eq=False)
class Batch:
    """Model inputs of several excerpts, one after the other.

    Parameters
    ----------
    inputs : int8 (n, n_in)
    ends : end of each excerpt in ``inputs``
    """

    inputs: NDArray[np.int8]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, maps: InputMaps, stretches: list[FeatureLevels]) -> Batch:
        """Compute the model inputs of excerpts; those that are too short for one are left out."""
        found = [checked_cast(maps.run(levels), "i1", "model inputs") for levels in stretches]
        found = [each for each in found if len(each)]
        return cls(
            np.concatenate([np.zeros((0, maps.n_inputs), np.int8), *found]), tuple(np.cumsum(list(map(len, found))))
        )

    def split(self, scores: Ints) -> list[Ints]:
        """Split scores (n,) of the inputs into those of each excerpt."""
        return np.split(scores, self.ends[:-1]) if self.ends else []


@dataclass(frozen=True, eq=False)
class Fold:
    """Data of one fold, for one range of the inputs.

    Parameters
    ----------
    maps : maps from feature levels to model inputs, learnt from the groups that train
    rows, origins : model inputs (n, n_in) that train, real values, and where they come from
    held_rows : model inputs (m, n_in) of the held-out groups
    normal : excerpts of the held-out groups
    probes : one batch for each strength: the same excerpts with probes in them, or the labelled anomalies
    """

    maps: InputMaps
    rows: Floats
    origins: Origins
    held_rows: Floats
    normal: Batch
    probes: list[Batch]


@dataclass(frozen=True, eq=False)
class FoldScores:
    """Scores of one candidate in one fold.

    Parameters
    ----------
    trained : the trained candidate
    integer : scores of each excerpt in int8, first the normal ones, then those with probes of each strength
    real : the same scores before quantisation
    """

    trained: Trained
    integer: list[list[Ints]]
    real: list[list[Ints]]
