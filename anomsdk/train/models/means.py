"""Nearest of several means as a reconstruction: the squared residual is the distance of k-means."""

from __future__ import annotations

import warnings

import numpy as np

from anomsdk.train.models.network import Dense, Floats, Network
from anomsdk.train.models.support import NotOfferedError, Origins

_SHARPNESS = 16.0
"""Slope of the choice between two means, over half the difference of the squared distances."""
_RUNS = 4
"""Runs of k-means from different starts; the one with the least sum of distances counts."""
LEAST_MEANS = 2
"""Fewest means; for one mean the Mahalanobis distance is the better model."""


def nearest_mean(inputs: Floats, count: int, *, seed: int, origins: Origins | None = None) -> Network:
    """Build three dense layers that return the mean nearest to an input.

    The means are those of k-means (Lloyd, IEEE Trans. Inf. Theory 1982), started as by Arthur and Vassilvitskii (SODA
    2007). An input x is nearer to mean c than to mean d where ``(c - d) x`` exceeds ``(|c|^2 - |d|^2) / 2``. The first
    layer holds, for each ordered pair of means, `_SHARPNESS` times the amount by which the second one is nearer, plus a
    half, limited to 0 to 1. The second layer holds, for each mean, 1 minus the sum over its pairs. The third layer
    mixes the means in these shares. The shares are 1 for the nearest mean and 0 for the others; an input whose squared
    distances to two means differ by less than ``1 / _SHARPNESS`` gets a mix of both.

    Parameters
    ----------
    inputs : (n, n_in), model inputs of normal recordings
    count : number of means, 2 to n; means that rest on too few windows or groups are left out (see `supported`)
    seed : seed of the starts
    origins : origins of the inputs; None: each is a window of a group of its own

    Raises
    ------
    NotOfferedError : fewer than two means are left
    """
    origins = Origins.unknown(len(inputs)) if origins is None else origins
    means = supported(inputs, _means(inputs, count, seed), origins)
    if len(means) < LEAST_MEANS:
        raise NotOfferedError(f"fewer than {LEAST_MEANS} means rest on {origins.rule()}")
    count = len(means)
    half_square = (means**2).sum(axis=1) / 2
    mine, other = np.nonzero(~np.eye(count, dtype=bool))
    apart, nearer = means[other] - means[mine], half_square[mine] - half_square[other]
    beaten = Dense(_SHARPNESS * apart.T, _SHARPNESS * nearer + 0.5, True, 1.0)
    share = Dense(-(mine[:, None] == np.arange(count)).astype(float), np.ones(count), True, 1.0)
    return Network((beaten, share, Dense(means, np.zeros(inputs.shape[1]))))


def supported(inputs: Floats, means: Floats, origins: Origins) -> Floats:
    """Select the means that rest on enough windows of several groups, as `Origins.support` requires.

    Removing a mean does not move the others, because its windows were not part of theirs. The remaining means therefore
    rest on the same windows as before, and one pass is enough.

    Parameters
    ----------
    inputs : (n, n_in)
    means : (k, n_in), means of k-means
    origins : origins of the inputs

    Returns
    -------
    (at most k, n_in), in the order of ``means``
    """
    nearest = ((means**2).sum(axis=1) - 2 * inputs @ means.T).argmin(axis=1)
    return means[[k for k in range(len(means)) if origins.support(nearest == k)]]


def _means(inputs: Floats, count: int, seed: int) -> Floats:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():  # sums in one order, however many processors there are
        warnings.simplefilter("ignore")  # fewer different inputs than means are no problem
        return np.asarray(KMeans(count, n_init=_RUNS, random_state=seed).fit(inputs).cluster_centers_)
