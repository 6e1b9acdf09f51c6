"""Trials of candidates, and candidates that were trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.plans.tflite.reader import FullyConnected
from anomsdk.train.data.input_maps import InputMaps
from anomsdk.train.models.family import Candidate
from anomsdk.train.models.network import Network


@dataclass(frozen=True)
class Trial:
    """What is known of a candidate.

    Parameters
    ----------
    candidate : what was trained
    auc : area under the ROC curve, in int8
    float_auc : the same before quantisation
    epochs : median over the folds; 0 for linear models
    macs : multiply-accumulates of one run
    """

    candidate: Candidate
    auc: float
    float_auc: float
    epochs: int
    macs: int


@dataclass(frozen=True, eq=False)
class Trained:
    """A candidate that was trained on some recordings."""

    candidate: Candidate
    maps: InputMaps
    network: Network
    layers: tuple[FullyConnected, ...]
    model: Autoencoder
    weights: tuple[int, ...]
    epochs: int

    def terms(self, inputs: Ints) -> Ints:
        """What each of model inputs (n, n_in) adds to the scores."""
        return (inputs - self.model.run(inputs)) ** 2 * np.array(self.weights, np.int64)

    def scores(self, inputs: Ints) -> Ints:
        """Scores (n,) of model inputs (n, n_in), before the baseline."""
        return (inputs - self.model.run(inputs)) ** 2 @ np.array(self.weights, np.int64)

    def float_scores(self, inputs: Ints) -> Ints:
        """The same of the network before quantisation, rounded to the same steps."""
        scale = self.maps.input_scale
        errors = inputs - self.network.run(inputs * scale) / scale
        return np.minimum(np.rint(errors**2 @ np.array(self.weights)), UINT32_MAX).astype(np.int64)
