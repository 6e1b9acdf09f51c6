"""The float autoencoder: scikit-learn's MLPRegressor, driven epoch by epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anomsdk.train.quantise import Floats

MAX_EPOCHS = 300
PATIENCE = 20
"""Epochs without a better loss on the held-out rows before training stops."""


@dataclass(frozen=True)
class Network:
    """Trained weights (n_in, n_out) and biases (n_out,) of each layer; ReLU between them."""

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    loss: float
    epochs: int

    def run(self, inputs: Floats) -> Floats:
        """Reconstruction of inputs (n, n_in), in float."""
        values = inputs
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = values @ weight + bias
            if index < len(self.weights) - 1:
                values = np.maximum(values, 0)
        return values


def hidden_widths(n_inputs: int, max_macs: int) -> tuple[int, int, int]:
    """Widths of encoder, bottleneck and decoder that keep n -> h -> b -> h -> n within a budget of MACs."""
    bottleneck = max(2, min(16, n_inputs // 4))
    hidden = min(128, max_macs // (2 * (n_inputs + bottleneck)))
    return hidden, bottleneck, hidden


def train_network(
    inputs: Floats,
    held_out: Floats,
    widths: tuple[int, ...],
    *,
    seed: int,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Network:
    """Fit an autoencoder on rows of normal inputs, stopping early on rows of other recordings.

    Parameters
    ----------
    inputs, held_out : (n, n_in), about unit variance
    widths : hidden widths
    seed : of the initial weights and the order of the rows
    progress : called with epoch and held-out loss
    """
    from sklearn.neural_network import MLPRegressor

    model = MLPRegressor(
        hidden_layer_sizes=widths,
        alpha=1e-5,
        batch_size=min(128, len(inputs)),
        learning_rate_init=1e-3,
        random_state=seed,
    )
    order = np.random.default_rng(seed)
    best, best_loss, best_epoch = None, np.inf, 0
    for epoch in range(1, MAX_EPOCHS + 1):
        rows = inputs[order.permutation(len(inputs))]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.partial_fit(rows, rows)
        # scikit-learn turns Ctrl-C into a warning; that one epoch does not converge is no news.
        if any("interrupted" in str(warning.message) for warning in caught):
            raise KeyboardInterrupt
        loss = float(np.mean((model.predict(held_out) - held_out) ** 2))
        progress(epoch, loss)
        if loss < best_loss * 0.999:
            best_loss, best_epoch = loss, epoch
            best = tuple(w.copy() for w in model.coefs_), tuple(b.copy() for b in model.intercepts_)
        elif epoch - best_epoch >= PATIENCE:
            break
    assert best is not None
    return Network(*best, loss=best_loss, epochs=best_epoch)
