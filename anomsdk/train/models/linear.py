"""Linear models as reconstructions, so that their residual is a known distance.

The residual of ``y = x - A x`` is ``A x``. With ``A`` the inverse square root of the covariance, its squared
norm is the Mahalanobis distance; with ``A`` the projection beside the first principal components, it is the
error of a principal component analysis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.train.models.network import Dense, Floats, Network
from anomsdk.train.models.support import MOST_OF_ONE, NotOfferedError, Origins, influence

MAHALANOBIS_STEPS = 8.0
"""Int8 steps of one standard deviation of a whitened residual: fine enough, and far from saturation."""
_MOST_OF_COMPONENT = 0.25
"""Largest `influence` of one window that a component may keep: 50 ordinary windows stay below it, odd ones are above."""
_MOST_LEFT_OUT = 0.05
"""Share of the inputs."""


def mahalanobis(
    inputs: Floats, input_scale: float, shrinkage: float | None = None, *, origins: Origins | None = None
) -> Network:
    """One dense layer whose residual is the whitened input, `MAHALANOBIS_STEPS` steps a standard deviation.

    The covariance is shrunk (Ledoit and Wolf, J. Multivariate Analysis 2004, as in scikit-learn), and more where one
    window would make up a direction of it.

    Parameters
    ----------
    inputs : (n, n_in), of normal behaviour
    input_scale : real value of one int8 step
    shrinkage : share of the mean variance that is mixed in, 0 to 1; None: as estimated
    origins : of the inputs; None: each is a window of a group of its own
    """
    from sklearn.covariance import empirical_covariance, ledoit_wolf, shrunk_covariance

    origins = Origins.unknown(len(inputs)) if origins is None else origins
    found = Directions.of(inputs, origins)
    inputs = found.inputs
    if shrinkage is None:
        covariance = ledoit_wolf(inputs)[0]
    else:
        covariance = shrunk_covariance(empirical_covariance(inputs), shrinkage)
    covariance = _evened(covariance, found.values, found.influence)
    values, vectors = np.linalg.eigh(covariance)
    whitening = (vectors / np.sqrt(np.maximum(values, 1e-6))) @ vectors.T
    distance = MAHALANOBIS_STEPS * input_scale * whitening
    return Network((Dense(np.eye(len(values)) - distance, found.mean @ distance),))


def principal_components(inputs: Floats, width: int, *, whitened: bool, origins: Origins | None = None) -> Network:
    """A linear bottleneck: encoder and decoder of the first principal components.

    The residual is what the components do not explain. ``whitened``: also what they do, each component
    divided by its standard deviation and multiplied by that of the unexplained directions; the score is then
    the Mahalanobis distance of probabilistic PCA (Tipping and Bishop, J. R. Statist. Soc. B 1999).

    Parameters
    ----------
    inputs : (n, n_in), of normal behaviour
    width : components, below n_in
    whitened : see above
    origins : of the inputs; None: each is a window of a group of its own

    Raises
    ------
    NotOfferedError : one window makes up a component
    """
    origins = Origins.unknown(len(inputs)) if origins is None else origins
    found, n = Directions.of(inputs, origins), inputs.shape[1]
    mean, values, vectors = found.mean, found.values, found.vectors
    kept, noise = slice(n - width, None), float(np.maximum(values[: n - width].mean(), 1e-6))
    components, deviation = vectors[:, kept], np.sqrt(np.maximum(values[kept], noise))
    if (found.influence[kept] > _MOST_OF_COMPONENT).any():
        raise NotOfferedError("one window would make up most of a component")
    share = 1 - np.sqrt(noise) / deviation if whitened else np.ones(width)
    # Each component in units of its own deviation: one int8 scale then suits them all.
    encoder = components / deviation
    return Network((Dense(encoder, -mean @ encoder), Dense((components * deviation * share).T, mean)))


@dataclass(frozen=True, eq=False)
class Directions:
    """Principal directions of normal inputs; windows that alone would make up a direction are left out.

    Parameters
    ----------
    kept : (n,), which inputs are left
    inputs : those of them, a row each
    mean : (n_in,) of them
    values : (n_in,) variance along each direction, ascending
    vectors : (n_in, n_in), a column each
    influence : (n_in,), largest `anomsdk.train.models.support.influence` that each direction still has of one window
    """

    kept: NDArray[np.bool_]
    inputs: Floats
    mean: Floats
    values: Floats
    vectors: Floats
    influence: Floats

    @classmethod
    def of(cls, inputs: Floats, origins: Origins) -> Directions:
        """The directions of inputs (n, n_in); the worst `_MOST_LEFT_OUT` of the windows are left out, at most."""
        kept, spare = np.ones(len(inputs), bool), int(_MOST_LEFT_OUT * origins.n_windows)
        while True:
            rows, here = inputs[kept], origins.part(kept)
            mean = rows.mean(axis=0)
            values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(rows, rowvar=False, bias=True)))
            parts, window = here.by_window(influence(rows - mean, vectors))
            worst = np.argsort(-parts.max(axis=1), kind="stable")[:spare]
            worst = worst[parts[worst].max(axis=1, initial=0.0) > MOST_OF_ONE]
            if len(worst) == 0:
                return cls(kept, rows, mean, values, vectors, parts.max(axis=0))
            kept[kept] = ~np.isin(window, worst)
            spare -= len(worst)


def _evened(covariance: Floats, values: Floats, parts: Floats) -> Floats:
    """A covariance with so much of the mean variance mixed in that no window is more than its part of a direction.

    Parameters
    ----------
    covariance : (n_in, n_in)
    values : (n_in,) variance of the windows along its directions
    parts : (n_in,), largest part of one window, see `influence`
    """
    mean = float(np.trace(covariance)) / len(covariance)
    needed = float(np.max(values * (parts / MOST_OF_ONE - 1))) / max(mean, 1e-9)
    if needed <= 0:
        return covariance
    share = needed / (1 + needed)
    return (1 - share) * covariance + share * mean * np.eye(len(covariance))
