"""The models that training chooses from: simple ones, which are hard to beat on little data, and autoencoders."""

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
"""The first of those that are as good is preferred."""

MEANS = (8, 16)
"""Of the nearest-mean model."""
_SHRINKAGES = (0.1, 0.5)
"""More than the estimate, for correlated inputs: what hardly varied counts less. The first wins where all are alike."""
_WIDE = 7.0
"""Range of motion's inputs for the nearest mean, and for the Mahalanobis distance as estimated: on belts, wrists and
collars it found more at +-7 deviations than at +-4, on phones less. More shrunk it found more at +-4."""
_VALUES_EACH = 4
"""Values of the windows that a model learns from, for each number that it is free to choose."""
_LARGEST_SUM = 2**32 // 255**2
"""Of the score weights: with any int8 errors, the score stays within 32 bits."""


@dataclass(frozen=True)
class Candidate:
    """A model that may be trained.

    Parameters
    ----------
    kind : one of KINDS
    hidden : widths between input and output; none for the Mahalanobis distance, pairs and means for the nearest
    deviations : half-width of the int8 range of the model's inputs, standard deviations of normal
    weighted : the score divides each input's error by its variance on normal recordings
    shrinkage : of the covariance of the Mahalanobis distance; None: Ledoit and Wolf's estimate
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
        """Windows that it must learn from: several values for each number that it is free to choose."""
        if self.kind == "nearest mean":
            return self.hidden[-1] * LEAST_WINDOWS
        if self.kind == "mahalanobis":
            return LEAST_WINDOWS  # the fewer windows, the more its covariance is shrunk
        free = self.macs(n_inputs)
        if self.kind in KINDS[2:4]:
            free //= 2  # encoder and decoder are one choice
        return max(LEAST_WINDOWS, -(-_VALUES_EACH * free // n_inputs))

    def __str__(self) -> str:
        widths = f" {'-'.join(map(str, self.hidden))}" if self.hidden else ""
        if self.kind == "nearest mean":
            widths = f" of {self.hidden[-1]}"
        shrunk = "" if self.shrinkage is None else f" shrunk {self.shrinkage:g}"
        return f"{self.kind}{shrunk}{widths}, +-{self.deviations:.3g} dev{', weighted' if self.weighted else ''}"


def family(n_inputs: int, max_macs: int, *, correlated: bool = False) -> list[Candidate]:
    """Candidates of every kind and several widths that fit a budget of MACs, cheapest first.

    Parameters
    ----------
    n_inputs : width of the model's input
    max_macs : multiply-accumulates of one run, at most
    correlated : the inputs are nearly multiples of each other, as statistics of one movement are; then there are
        fewer autoencoders, which take longest to train
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
    found += [Candidate(kind, (w,), range_) for kind in KINDS[2:4] for w in narrow if w < n_inputs]
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
    """The float network of a candidate, and the epochs that it took (0 for the linear ones).

    Parameters
    ----------
    candidate : what to train
    inputs : (n, n_in), real values, unit variance, within ``candidate.deviations``
    held_out : (m, n_in) of other recordings, to stop early on; None: train for ``epochs``
    seed : of everything random
    epochs : of an autoencoder
    origins : of the inputs; None: each is a window of a group of its own
    progress : called after each epoch of an autoencoder

    Raises
    ------
    NotOfferedError : it would store what rests on too few windows or groups
    """
    origins = Origins.unknown(len(inputs)) if origins is None else origins
    if candidate.kind == "mahalanobis":
        return mahalanobis(inputs, candidate.deviations / 127, candidate.shrinkage, origins=origins), 0
    if candidate.kind == "nearest mean":
        return nearest_mean(inputs, candidate.hidden[-1], seed=seed, origins=origins), 0
    if candidate.kind != "autoencoder":
        (width,) = candidate.hidden
        whitened = candidate.kind.startswith("whitened")
        return principal_components(inputs, width, whitened=whitened, origins=origins), 0
    common = Directions.of(inputs, origins).kept
    network, taken = train_autoencoder(
        inputs[common], candidate.hidden, seed=seed, held_out=held_out, epochs=epochs, progress=progress
    )
    return without_rare_units(network, inputs[common], origins.part(common)), taken


def score_weights(candidate: Candidate, errors: Floats) -> tuple[int, ...]:
    """Integer weights of the score: the inverse variance of each input's error (1 to 255), or all 1.

    Parameters
    ----------
    candidate : weighted or not
    errors : (n, n_in), of normal recordings
    """
    if not candidate.weighted:
        return (1,) * errors.shape[1]
    inverse = 1 / np.maximum((errors**2).mean(axis=0), 1e-3)
    most = min(255, _LARGEST_SUM // len(inverse))
    return tuple(int(w) for w in np.clip(np.rint(16 * inverse / np.median(inverse)), 1, most))
