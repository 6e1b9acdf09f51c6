"""The nearest of several means as a reconstruction: the squared residual is the distance of k-means."""

from __future__ import annotations

import warnings

import numpy as np

from anomsdk.train.network import Dense, Floats, Network

_SHARPNESS = 16.0
"""Of the choice between two means, by half the difference of the squared distances."""
_RUNS = 4
"""Of k-means from other starts; the tightest counts."""


def nearest_mean(inputs: Floats, count: int, *, seed: int) -> Network:
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
    count : means, 2 to n
    seed : of the starts
    """
    means = _means(inputs, count, seed)
    half_square = (means**2).sum(axis=1) / 2
    mine, other = np.nonzero(~np.eye(count, dtype=bool))
    apart, nearer = means[other] - means[mine], half_square[mine] - half_square[other]
    bias = _SHARPNESS * nearer + 0.5
    same = ~apart.any(axis=1)  # fewer different inputs than means: the first of the same wins
    bias[same] = mine[same] > other[same]
    beaten = Dense(_SHARPNESS * apart.T, bias, True, 1.0)
    share = Dense(-(mine[:, None] == np.arange(count)).astype(float), np.ones(count), True, 1.0)
    return Network((beaten, share, Dense(means, np.zeros(inputs.shape[1]))))


def _means(inputs: Floats, count: int, seed: int) -> Floats:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():  # sums in one order, however many processors there are
        warnings.simplefilter("ignore")  # that there are fewer different inputs is no news
        return np.asarray(KMeans(count, n_init=_RUNS, random_state=seed).fit(inputs).cluster_centers_)
