"""Float networks of dense layers, and the autoencoder: scikit-learn's MLPRegressor, driven epoch by epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]

MAX_EPOCHS = 150
PATIENCE = 12
"""Epochs without a better loss on the held-out rows before training stops."""
_BATCH = 128


@dataclass(frozen=True)
class Dense:
    """``inputs @ weight + bias``, negative values set to 0 where ``relu``, and none above ``ceiling``.

    A ceiling costs nothing in int8: the layer's range ends there.
    """

    weight: Floats  # (n_in, n_out)
    bias: Floats  # (n_out,)
    relu: bool = False
    ceiling: float | None = None

    def run(self, inputs: Floats) -> Floats:
        """Outputs (n, n_out) of inputs (n, n_in)."""
        values = inputs @ self.weight + self.bias
        if self.ceiling is not None:
            values = np.minimum(values, self.ceiling)
        return np.maximum(values, 0) if self.relu else values


@dataclass(frozen=True)
class Network:
    """Dense layers, one after the other."""

    layers: tuple[Dense, ...]

    def run(self, inputs: Floats) -> Floats:
        """Reconstruction of inputs (n, n_in)."""
        for layer in self.layers:
            inputs = layer.run(inputs)
        return inputs

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(layer.weight.size for layer in self.layers)


def train_autoencoder(
    inputs: Floats,
    hidden: tuple[int, ...],
    *,
    seed: int,
    held_out: Floats | None = None,
    epochs: int = MAX_EPOCHS,
    progress: Callable[[int], None] = lambda epoch: None,
) -> tuple[Network, int]:
    """Fit an autoencoder with ReLU between its layers on rows of normal inputs.

    Parameters
    ----------
    inputs : (n, n_in), about unit variance
    hidden : hidden widths
    seed : of the initial weights and the order of the rows
    held_out : (m, n_in) of other recordings; training stops early where their error no longer falls
    epochs : how long to train, at most (with ``held_out``) or exactly
    progress : called after each epoch

    Returns
    -------
    network : of the best epoch, or of the last without ``held_out``
    epochs : how many it took
    """
    from sklearn.neural_network import MLPRegressor

    model = MLPRegressor(
        hidden_layer_sizes=hidden,
        alpha=1e-5,
        batch_size=min(_BATCH, len(inputs)),
        learning_rate_init=1e-3,
        random_state=seed,
    )
    order = np.random.default_rng(seed)
    best, best_loss, best_epoch = None, np.inf, 0
    for epoch in range(1, epochs + 1):
        rows = inputs[order.permutation(len(inputs))]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.partial_fit(rows, rows)
        # scikit-learn turns Ctrl-C into a warning; that one epoch does not converge is no news.
        if any("interrupted" in str(warning.message) for warning in caught):
            raise KeyboardInterrupt
        progress(epoch)
        if held_out is None:
            continue
        loss = float(np.mean((model.predict(held_out) - held_out) ** 2))
        if loss < best_loss * 0.999:
            best, best_loss, best_epoch = _network(model), loss, epoch
        elif epoch - best_epoch >= PATIENCE:
            break
    return (best, best_epoch) if best is not None else (_network(model), epochs)


def _network(model: Any) -> Network:
    last = len(model.coefs_) - 1
    pairs = enumerate(zip(model.coefs_, model.intercepts_, strict=True))
    return Network(tuple(Dense(weight.copy(), bias.copy(), relu=i < last) for i, (weight, bias) in pairs))
