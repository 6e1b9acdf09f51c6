"""Family of models that training chooses from: simple ones, hard to beat on little data, and autoencoders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anomsdk.train.models.linear import Directions, mahalanobis, principal_components
from anomsdk.train.models.means import nearest_mean
from anomsdk.train.models.network import MAX_EPOCHS, Floats, Network, train_autoencoder
from anomsdk.train.models.support import LEAST_WINDOWS, Origins, without_rare_units

KINDS = ("nearest mean", "mahalanobis", "whitened components", "components", "autoencoder")
"""Kinds of models; of equally good ones the first is preferred."""

_COMPONENTS = ("whitened components", "components")
"""Kinds of models whose decoder follows from their encoder."""
MEANS = (8, 16)
"""Numbers of means of the nearest-mean models."""
_SHRINKAGES = (0.1, 0.5)
"""Shrinkages above the estimate, for correlated inputs, so that directions that hardly vary count less."""
_WIDE = 7.0
"""Half-width of the range of motion's inputs, in standard deviations, for the nearest mean and for the Mahalanobis
distance with the estimated shrinkage.

On belts, wrists and collars these found more events at +-7 deviations than at +-4, on phones fewer. With more shrinkage
the Mahalanobis distance found more at +-4.
"""
_VALUES_EACH = 4
"""Least number of input values in the training windows for each free parameter of a model."""
_LARGEST_SUM = 2**32 // 255**2
"""Largest sum of the score weights, with which the score stays within 32 bits for any int8 errors."""


@dataclass(frozen=True)
class Candidate:
    """Model that may be trained.

    Parameters
    ----------
    kind : one of KINDS
    hidden : widths of the layers between input and output; empty for the Mahalanobis distance, numbers of pairs and of
        means for the nearest mean
    deviations : half-width of the int8 range of the model inputs, standard deviations of normal recordings
    weighted : True where the score divides the squared error of each input by its variance on normal recordings
    shrinkage : shrinkage of the covariance of the Mahalanobis distance, 0 to 1; None: Ledoit and Wolf's estimate
    """

    kind: str
    hidden: tuple[int, ...]
    deviations: float
    weighted: bool = False
    shrinkage: float | None = None

    def macs(self, n_inputs: int) -> int:
        """Multiply-accumulates of one run."""
        widths = (n_inputs, *self.hidden, n_inputs)
        return sum(a * b for a, b in pairwise(widths))

    def least_windows(self, n_inputs: int) -> int:
        """Fewest windows that the model may learn from, which grow with its free parameters."""
        if self.kind == "nearest mean":
            return self.hidden[-1] * LEAST_WINDOWS
        if self.kind == "mahalanobis":
            return LEAST_WINDOWS  # the fewer windows, the more its covariance is shrunk
        free = self.macs(n_inputs)
        if self.kind in _COMPONENTS:
            free //= 2  # encoder and decoder are one choice
        return max(LEAST_WINDOWS, -(-_VALUES_EACH * free // n_inputs))

    def __str__(self) -> str:
        widths = f" {'-'.join(map(str, self.hidden))}" if self.hidden else ""
        if self.kind == "nearest mean":
            widths = f" of {self.hidden[-1]}"
        shrunk = "" if self.shrinkage is None else f" shrunk {self.shrinkage:g}"
        return f"{self.kind}{shrunk}{widths}, +-{self.deviations:.3g} dev{', weighted' if self.weighted else ''}"


def family(n_inputs: int, max_macs: int, *, correlated: bool = False) -> list[Candidate]:
    """List candidates of every kind and several widths within a budget of MACs, cheapest first.

    Parameters
    ----------
    n_inputs : number of model inputs
    max_macs : most multiply-accumulates of one run
    correlated : True where the inputs are strongly correlated, as statistics of one movement are; there are then fewer
        autoencoders, which take longest to train
    """
    deep = max(2, min(16, n_inputs // 4))
    widths: set[tuple[int, ...]] = {(w,) for w in (8, 16, 32, 64, 96) if w < 2 * n_inputs}
    widths |= {(w, deep, w) for w in (64, 128)}
    found = [Candidate("mahalanobis", (), 12.0)]
    if correlated:
        widths = {(min(32, n_inputs),), (64, deep, 64)}
        found = [Candidate("mahalanobis", (), 4.0, shrinkage=share) for share in _SHRINKAGES]
        found.append(Candidate("mahalanobis", (), _WIDE))
        found += [Candidate("nearest mean", (k * (k - 1), k), _WIDE) for k in MEANS]
    narrow = sorted({max(1, n_inputs // d) for d in (12, 6, 3)})
    range_ = 4.0 if correlated else 12.0
    found += [Candidate(kind, (w,), range_) for kind in _COMPONENTS for w in narrow if w < n_inputs]
    found += [Candidate("autoencoder", hidden, 6.0) for hidden in widths]
    fitting = [candidate for candidate in found if candidate.macs(n_inputs) <= max_macs]
    return sorted(fitting, key=lambda candidate: (candidate.macs(n_inputs), KINDS.index(candidate.kind)))


def train_candidate(
    candidate: Candidate,
    inputs: Floats,
    held_out: Floats | None,
    *,
    seed: int,
    epochs: int = MAX_EPOCHS,
    origins: Origins | None = None,
    progress: Callable[[int], None] = lambda epoch: None,
) -> tuple[Network, int]:
    """Train the float network of a candidate; also return the number of epochs, 0 for linear models.

    Parameters
    ----------
    candidate : candidate to train
    inputs : (n, n_in), real values of unit variance, within ``candidate.deviations``
    held_out : (m, n_in), inputs of held-out recordings, on which training stops early; None: train for ``epochs``
    seed : seed of everything random
    epochs : most epochs of an autoencoder
    origins : origins of the inputs; None: each is a window of a group of its own
    progress : called with the number of each epoch of an autoencoder

    Raises
    ------
    NotOfferedError : the model would store numbers that rest on too few windows or groups
    """
    origins = Origins.unknown(len(inputs)) if origins is None else origins
    if candidate.kind == "mahalanobis":
        return mahalanobis(inputs, candidate.deviations / 127, candidate.shrinkage, origins=origins), 0
    if candidate.kind == "nearest mean":
        return nearest_mean(inputs, candidate.hidden[-1], seed=seed, origins=origins), 0
    if candidate.kind in _COMPONENTS:
        (width,) = candidate.hidden
        whitened = candidate.kind == "whitened components"
        return principal_components(inputs, width, whitened=whitened, origins=origins), 0
    if candidate.kind != "autoencoder":
        raise ValueError(f"candidate.kind is {candidate.kind!r}, none of {', '.join(KINDS)}")
    common = Directions.of(inputs, origins).kept
    network, taken = train_autoencoder(
        inputs[common], candidate.hidden, seed=seed, held_out=held_out, epochs=epochs, progress=progress
    )
    return without_rare_units(network, inputs[common], origins.part(common)), taken


def score_weights(candidate: Candidate, errors: Floats) -> tuple[int, ...]:
    """Compute integer weights of the score, 1 to 255: the inverse variance of each input's error, or all 1.

    Parameters
    ----------
    candidate : candidate, weighted or not
    errors : (n, n_in), reconstruction errors on normal recordings
    """
    if not candidate.weighted:
        return (1,) * errors.shape[1]
    inverse = 1 / np.maximum((errors**2).mean(axis=0), 1e-3)
    most = min(255, _LARGEST_SUM // len(inverse))
    return tuple(int(w) for w in np.clip(np.rint(16 * inverse / np.median(inverse)), 1, most))
