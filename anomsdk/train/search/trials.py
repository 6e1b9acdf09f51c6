"""Trials of candidates, and trained candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.plans.tflite.model import FullyConnected
from anomsdk.train.data.input_maps import InputMaps
from anomsdk.train.models.family import Candidate
from anomsdk.train.models.network import Network


@dataclass(frozen=True)
class Trial:
    """Result of the cross-validation of a candidate.

    Parameters
    ----------
    candidate : candidate that was trained
    auc : AUC of the int8 model
    float_auc : AUC before quantisation
    epochs : median of the epochs over the folds; 0 for linear models
    macs : multiply-accumulates of one run
    """

    candidate: Candidate
    auc: float
    float_auc: float
    epochs: int
    macs: int


@dataclass(frozen=True, eq=False)
class Trained:
    """Trained candidate: maps of its inputs, float network, int8 layers and score weights."""

    candidate: Candidate
    maps: InputMaps
    network: Network
    layers: tuple[FullyConnected, ...]
    model: Autoencoder
    weights: tuple[int, ...]
    epochs: int

    def terms(self, inputs: Ints) -> Ints:
        """Contribution of each of the model inputs (n, n_in) to the scores."""
        return (inputs - self.model.run(inputs)) ** 2 * np.array(self.weights, np.int64)

    def scores(self, inputs: Ints) -> Ints:
        """Scores (n,) of model inputs (n, n_in), before the baseline."""
        return (inputs - self.model.run(inputs)) ** 2 @ np.array(self.weights, np.int64)

    def float_scores(self, inputs: Ints) -> Ints:
        """Scores (n,) of the network before quantisation, rounded to the same steps."""
        scale = self.maps.input_scale
        errors = inputs - self.network.run(inputs * scale) / scale
        return np.minimum(np.rint(errors**2 @ np.array(self.weights)), UINT32_MAX).astype(np.int64)
