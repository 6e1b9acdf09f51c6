"""Simple detectors in floating point on the same feature levels, to compare int8 models with.

Each learns from rows of normal inputs (n, n_in) and gives a positive score for each row; higher is more anomalous.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.dropouts import Samples

Floats = NDArray[np.floating]
SEED = 1


Peer = Callable[[Floats], Floats]
"""Function from rows (n, n_in) to scores (n,)."""
Learner = Callable[[Floats], Peer]


def summary(
    levels: Floats, frames: int, stride: int, statistics: Sequence[str] = ("mean", "deviation", "max")
) -> Floats:
    """Statistics of each feature over the context: (ticks, len(statistics) * n_features).

    The deviation is the mean absolute deviation.

    Parameters
    ----------
    levels : feature levels (n, n_features)
    frames : frames in the context
    stride : frames from one tick to the next
    statistics : mean, deviation, max, min
    """
    if len(levels) < frames:
        return np.zeros((0, len(statistics) * levels.shape[1]))
    windows = np.lib.stride_tricks.sliding_window_view(levels, frames, axis=0)[::stride]
    mean = windows.mean(axis=2)
    of = {
        "mean": lambda: mean,
        "deviation": lambda: np.abs(windows - mean[..., None]).mean(axis=2),
        "max": lambda: windows.max(axis=2),
        "min": lambda: windows.min(axis=2),
    }
    return np.concatenate([of[name]() for name in statistics], axis=1)


def stacked(levels: Floats, frames: int) -> Floats:
    """Last frames side by side, oldest first: float32 (ticks, frames * n_features)."""
    if len(levels) < frames:
        return np.zeros((0, frames * levels.shape[1]), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(levels.astype(np.float32), frames, axis=0)
    return windows.swapaxes(1, 2).reshape(len(windows), -1)


def in_parts(peer: Peer, parts: Sequence[Floats]) -> list[Floats]:
    """Score several parts with a single call of the peer."""
    return np.split(peer(np.concatenate(parts)), np.cumsum([len(part) for part in parts])[:-1])


def loudest_power(samples: Samples, n: int) -> float:
    """Mean power of the loudest n consecutive samples: a level meter, which learns nothing."""
    sums = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    n = min(n, len(samples))
    return float((sums[n:] - sums[:-n]).max() / n)


def _standardised(learner: Learner) -> Learner:
    """Wrap a learner so that each input has mean 0 and variance 1."""

    def learn(rows: Floats) -> Peer:
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(rows)
        peer = learner(scaler.transform(rows))
        return lambda others: peer(scaler.transform(others))

    return learn


@_standardised
def mahalanobis(rows: Floats) -> Peer:
    """Squared Mahalanobis distance, with the covariance shrunk after Ledoit and Wolf (2004)."""
    from sklearn.covariance import LedoitWolf

    return LedoitWolf().fit(rows).mahalanobis


@_standardised
def components(rows: Floats) -> Peer:
    """Squared reconstruction error of the principal components that explain 95 % of the variance."""
    from sklearn.decomposition import PCA

    model = PCA(0.95, svd_solver="full").fit(rows)
    return lambda others: ((others - model.inverse_transform(model.transform(others))) ** 2).sum(axis=1)


@_standardised
def nearest_mean(rows: Floats) -> Peer:
    """Distance to the nearest of 8 means (k-means)."""
    from sklearn.cluster import KMeans

    model = KMeans(min(8, len(rows)), n_init=5, random_state=SEED).fit(rows)
    return lambda others: model.transform(others).min(axis=1)


def isolation_forest(rows: Floats) -> Peer:
    """Isolation forest of 100 trees, with scikit-learn's defaults."""
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(random_state=SEED).fit(rows)
    return lambda others: -model.score_samples(others)


def ecod(rows: Floats) -> Peer:
    """ECOD (Li et al. 2022, doi:10.1109/TKDE.2022.3159580): product of the tail probabilities of all inputs.

    pyod takes the distribution from training rows and scored rows together, so that a score depends on what else
    is scored. Here the distribution is that of the training rows only. A test holds that both agree on these.
    """
    from scipy.stats import skew

    ordered, skewness, n = np.sort(rows, axis=0), np.sign(skew(rows, axis=0)), len(rows)

    def rarity(counts: np.ndarray) -> Floats:
        # A value beyond all training rows is as rare as one more row would be: below one in n.
        return -np.log(np.where(counts, counts, n / (n + 1)) / n)

    def score(others: Floats) -> Floats:
        found = np.zeros(len(others))
        for column, seen, side in zip(others.T, ordered.T, skewness, strict=True):
            left = rarity(np.searchsorted(seen, column, "right"))
            right = rarity(n - np.searchsorted(seen, column, "left"))
            skewed = {-1: left, 1: right}.get(side, left + right)
            found += np.maximum(np.maximum(left, right), skewed)
        return found

    return score


@_standardised
def autoencoder(rows: Floats) -> Peer:
    """Autoencoder of MLPerf Tiny and DCASE, 640-128x4-8-128x4-640 with ReLU: 100 epochs of Adam, batches of 512.

    scikit-learn has no batch normalisation; inputs are standardised instead.
    """
    from sklearn.neural_network import MLPRegressor

    model = MLPRegressor(
        hidden_layer_sizes=(128,) * 4 + (8,) + (128,) * 4,
        batch_size=min(512, len(rows)),
        max_iter=100,
        n_iter_no_change=100,
        tol=0.0,
        random_state=SEED,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 100 epochs need not converge
        model.fit(rows, rows)
    return lambda others: ((others - model.predict(others)) ** 2).mean(axis=1)


SIMPLE: dict[str, Learner] = {
    "Mahalanobis (Ledoit-Wolf)": mahalanobis,
    "PCA 95 %": components,
    "k-means distance (8)": nearest_mean,
    "IsolationForest": isolation_forest,
    "ECOD": ecod,
}
