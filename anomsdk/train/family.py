"""The models that training chooses from: linear ones, which are hard to beat on little data, and autoencoders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anomsdk.train.linear import mahalanobis, principal_components
from anomsdk.train.network import MAX_EPOCHS, Floats, Network, train_autoencoder

KINDS = ("mahalanobis", "whitened components", "components", "autoencoder")
"""The simplest first."""


_SHRINKAGES = (0.05, 0.2)
"""More than the estimate, for correlated inputs: what hardly varied counts less."""
_LARGEST_SUM = 2**32 // 255**2
"""Of the score weights: with any int8 errors, the score stays within 32 bits."""


@dataclass(frozen=True)
class Candidate:
    """A model that may be trained.

    Parameters
    ----------
    kind : one of KINDS
    hidden : widths between input and output; none for the Mahalanobis distance
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

    def __str__(self) -> str:
        widths = f" {'-'.join(map(str, self.hidden))}" if self.hidden else ""
        shrunk = "" if self.shrinkage is None else f" shrunk {self.shrinkage:g}"
        return f"{self.kind}{shrunk}{widths}, +-{self.deviations:g} dev{', weighted' if self.weighted else ''}"


def family(n_inputs: int, max_macs: int, *, correlated: bool = False) -> list[Candidate]:
    """Candidates of every kind and several widths that fit a budget of MACs, cheapest first.

    Parameters
    ----------
    n_inputs : width of the model's input
    max_macs : multiply-accumulates of one run, at most
    correlated : the inputs are nearly multiples of each other, as statistics of one movement are
    """
    deep = max(2, min(16, n_inputs // 4))
    widths: set[tuple[int, ...]] = {(w,) for w in (8, 16, 32, 64, 96) if w < 2 * n_inputs}
    widths |= {(w, deep, w) for w in (64, 128)}
    found = [Candidate("mahalanobis", (), 12.0)]
    found += [Candidate("mahalanobis", (), 6.0, shrinkage=share) for share in _SHRINKAGES if correlated]
    narrow = sorted({max(1, n_inputs // d) for d in (12, 6, 3)})
    found += [Candidate(kind, (w,), 12.0) for kind in KINDS[1:3] for w in narrow if w < n_inputs]
    found += [Candidate("autoencoder", hidden, 6.0) for hidden in widths]
    fitting = [candidate for candidate in found if candidate.macs(n_inputs) <= max_macs]
    return sorted(fitting, key=lambda candidate: (candidate.macs(n_inputs), KINDS.index(candidate.kind)))


def train_candidate(
    candidate: Candidate, inputs: Floats, held_out: Floats | None, *, seed: int, epochs: int = MAX_EPOCHS
) -> tuple[Network, int]:
    """The float network of a candidate, and the epochs that it took (0 for the linear ones).

    Parameters
    ----------
    candidate : what to train
    inputs : (n, n_in), real values, unit variance, within ``candidate.deviations``
    held_out : (m, n_in) of other recordings, to stop early on; None: train for ``epochs``
    seed : of everything random
    epochs : of an autoencoder
    """
    if candidate.kind == "mahalanobis":
        return mahalanobis(inputs, candidate.deviations / 127, candidate.shrinkage), 0
    if candidate.kind != "autoencoder":
        (width,) = candidate.hidden
        return principal_components(inputs, width, whitened=candidate.kind.startswith("whitened")), 0
    return train_autoencoder(inputs, candidate.hidden, seed=seed, held_out=held_out, epochs=epochs)


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
