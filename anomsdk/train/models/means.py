"""The nearest of several means as a reconstruction: the squared residual is the distance of k-means."""

from __future__ import annotations

import warnings

import numpy as np

from anomsdk.train.models.network import Dense, Floats, Network
from anomsdk.train.models.support import NotOfferedError, Origins

_SHARPNESS = 16.0
"""Of the choice between two means, by half the difference of the squared distances."""
_RUNS = 4
"""Of k-means from other starts; the tightest counts."""
LEAST_MEANS = 2
"""One mean is what a Mahalanobis distance does better."""


def nearest_mean(inputs: Floats, count: int, *, seed: int, origins: Origins | None = None) -> Network:
    """Three dense layers that give the mean that an input is nearest to.

    The means are those of k-means (Lloyd, IEEE Trans. Inf. Theory 1982; started as Arthur and Vassilvitskii,
    SODA 2007, do). A mean c beats another d where the input's ``(c - d) x`` exceeds ``(|c|^2 - |d|^2) / 2``. The
    first layer holds, for each ordered pair, by how much one is beaten (times `_SHARPNESS`), plus a half and at
    most 1; the second, for each mean, 1 less what it is beaten by in all; the third mixes the means in these
    shares. They are 1 and 0s, but for inputs whose squared distances to two means differ by less than
    ``1 / _SHARPNESS``: these lie between both.

    Parameters
    ----------
    inputs : (n, n_in), of normal behaviour
    count : means, 2 to n; those that rest on too few windows or groups are left out (see `supported`)
    seed : of the starts
    origins : of the inputs; None: each is a window of a group of its own

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
    """The means that rest on many windows of several groups: `Origins.support` says how many.

    A mean that goes moves no other: what was nearest to it was never part of theirs. So those that are left rest on
    what they rested on before, and one pass is enough.

    Parameters
    ----------
    inputs : (n, n_in)
    means : (k, n_in), as k-means found them
    origins : of the inputs

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
        warnings.simplefilter("ignore")  # that there are fewer different inputs is no news
        return np.asarray(KMeans(count, n_init=_RUNS, random_state=seed).fit(inputs).cluster_centers_)
