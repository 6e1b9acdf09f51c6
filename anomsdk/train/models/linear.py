"""Linear models as reconstructions whose residual is a known distance.

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
"""Int8 steps of one standard deviation of a whitened residual: a fine resolution, far from saturation."""
_MOST_OF_COMPONENT = 0.25
"""Largest `influence` of one window on a stored component: 50 ordinary windows stay below it, outliers do not."""
_MOST_LEFT_OUT = 0.05
"""Largest share of the windows that is left out."""


def mahalanobis(
    inputs: Floats, input_scale: float, shrinkage: float | None = None, *, origins: Origins | None = None
) -> Network:
    """Build one dense layer whose residual is the whitened input, `MAHALANOBIS_STEPS` int8 steps a standard deviation.

    The covariance is shrunk (Ledoit and Wolf, J. Multivariate Analysis 2004, as in scikit-learn), and more so where one
    window would dominate a direction of it.

    Parameters
    ----------
    inputs : (n, n_in), model inputs of normal recordings
    input_scale : real value of one int8 step
    shrinkage : share of the mean variance that is mixed in, 0 to 1; None: estimated
    origins : origins of the inputs; None: each is a window of a group of its own
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
    """Build a linear bottleneck: encoder and decoder of the first principal components.

    The residual is the part of the input that the components do not explain. With ``whitened`` it also has the
    explained part, each component divided by its standard deviation and multiplied by that of the unexplained
    directions. The score is then the Mahalanobis distance of probabilistic PCA (Tipping and Bishop, J. R. Statist. Soc.
    B 1999).

    Parameters
    ----------
    inputs : (n, n_in), model inputs of normal recordings
    width : number of components, below n_in
    whitened : see above
    origins : origins of the inputs; None: each is a window of a group of its own

    Raises
    ------
    NotOfferedError : one window would dominate a component
    """
    origins = Origins.unknown(len(inputs)) if origins is None else origins
    found, n = Directions.of(inputs, origins), inputs.shape[1]
    mean, values, vectors = found.mean, found.values, found.vectors
    kept, noise = slice(n - width, None), float(np.maximum(values[: n - width].mean(), 1e-6))
    components, deviation = vectors[:, kept], np.sqrt(np.maximum(values[kept], noise))
    if (found.influence[kept] > _MOST_OF_COMPONENT).any():
        raise NotOfferedError("one window would make up most of a component")
    share = 1 - np.sqrt(noise) / deviation if whitened else np.ones(width)
    # Each component is in units of its own standard deviation, so that one int8 scale suits all of them.
    encoder = components / deviation
    return Network((Dense(encoder, -mean @ encoder), Dense((components * deviation * share).T, mean)))


@dataclass(frozen=True, eq=False)
class Directions:
    """Principal directions of normal inputs, without windows that would dominate a direction.

    Parameters
    ----------
    kept : bool (n,), True for inputs that are kept
    inputs : inputs that are kept, one row each
    mean : (n_in,), mean of the kept inputs
    values : (n_in,), variance along each direction, ascending
    vectors : (n_in, n_in), one direction in each column
    influence : (n_in,), largest `anomsdk.train.models.support.influence` of one window on each direction
    """

    kept: NDArray[np.bool_]
    inputs: Floats
    mean: Floats
    values: Floats
    vectors: Floats
    influence: Floats

    @classmethod
    def of(cls, inputs: Floats, origins: Origins) -> Directions:
        """Compute the directions of inputs (n, n_in); at most `_MOST_LEFT_OUT` of the windows is left out."""
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
    """Mix mean variance into a covariance until no window dominates a direction.

    Parameters
    ----------
    covariance : (n_in, n_in)
    values : (n_in,), variance of the windows along its directions
    parts : (n_in,), largest influence of one window on each direction
    """
    mean = float(np.trace(covariance)) / len(covariance)
    needed = float(np.max(values * (parts / MOST_OF_ONE - 1))) / max(mean, 1e-9)
    if needed <= 0:
        return covariance
    share = needed / (1 + needed)
    return (1 - share) * covariance + share * mean * np.eye(len(covariance))
