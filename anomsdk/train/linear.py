"""Linear models as reconstructions, so that their residual is a known distance.

The residual of ``y = x - A x`` is ``A x``. With ``A`` the inverse square root of the covariance, its squared
norm is the Mahalanobis distance; with ``A`` the projection beside the first principal components, it is the
error of a principal component analysis.
"""

from __future__ import annotations

import numpy as np

from anomsdk.train.network import Dense, Floats, Network

MAHALANOBIS_STEPS = 8.0
"""Int8 steps of one standard deviation of a whitened residual: fine enough, and far from saturation."""


def mahalanobis(inputs: Floats, input_scale: float, shrinkage: float | None = None) -> Network:
    """One dense layer whose residual is the whitened input, `MAHALANOBIS_STEPS` steps a standard deviation.

    The covariance is shrunk (Ledoit and Wolf, J. Multivariate Analysis 2004, as in scikit-learn).

    Parameters
    ----------
    inputs : (n, n_in), of normal behaviour
    input_scale : real value of one int8 step
    shrinkage : share of the mean variance that is mixed in, 0 to 1; None: as estimated
    """
    from sklearn.covariance import empirical_covariance, ledoit_wolf, shrunk_covariance

    if shrinkage is None:
        covariance = ledoit_wolf(inputs)[0]
    else:
        covariance = shrunk_covariance(empirical_covariance(inputs), shrinkage)
    values, vectors = np.linalg.eigh(covariance)
    whitening = (vectors / np.sqrt(np.maximum(values, 1e-6))) @ vectors.T
    distance = MAHALANOBIS_STEPS * input_scale * whitening
    return Network((Dense(np.eye(len(values)) - distance, inputs.mean(axis=0) @ distance),))


def principal_components(inputs: Floats, width: int, *, whitened: bool) -> Network:
    """A linear bottleneck: encoder and decoder of the first principal components.

    The residual is what the components do not explain. ``whitened``: also what they do, each component
    divided by its standard deviation and multiplied by that of the unexplained directions; the score is then
    the Mahalanobis distance of probabilistic PCA (Tipping and Bishop, J. R. Statist. Soc. B 1999).

    Parameters
    ----------
    inputs : (n, n_in), of normal behaviour
    width : components, below n_in
    whitened : see above
    """
    n, mean = inputs.shape[1], inputs.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(inputs, rowvar=False, bias=True))
    kept, noise = slice(n - width, None), float(np.maximum(values[: n - width].mean(), 1e-6))
    components, deviation = vectors[:, kept], np.sqrt(np.maximum(values[kept], noise))
    share = 1 - np.sqrt(noise) / deviation if whitened else np.ones(width)
    # Each component in units of its own deviation: one int8 scale then suits them all.
    encoder = components / deviation
    return Network((Dense(encoder, -mean @ encoder), Dense((components * deviation * share).T, mean)))
