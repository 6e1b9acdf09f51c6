"""Float networks of dense layers, and autoencoders trained by scikit-learn's MLPRegressor, epoch by epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
"""Array of float values."""

MAX_EPOCHS = 150
"""Most epochs that an autoencoder is trained for."""
PATIENCE = 12
"""Epochs without a better loss on the held-out inputs after which training stops."""
_BATCH = 128


@dataclass(frozen=True)
class Dense:
    """Dense layer ``inputs @ weight + bias``; ``relu`` sets negative values to 0, ``ceiling`` limits values from above.

    A ceiling costs nothing in int8, where the range of the layer ends there.
    """

    weight: Floats  # (n_in, n_out)
    bias: Floats  # (n_out,)
    relu: bool = False
    ceiling: float | None = None

    def run(self, inputs: Floats) -> Floats:
        """Compute the outputs (n, n_out) of inputs (n, n_in)."""
        values = inputs @ self.weight + self.bias
        if self.ceiling is not None:
            values = np.minimum(values, self.ceiling)
        return np.maximum(values, 0) if self.relu else values


@dataclass(frozen=True)
class Network:
    """Dense layers, one after the other."""

    layers: tuple[Dense, ...]

    def run(self, inputs: Floats) -> Floats:
        """Compute the reconstruction (n, n_in) of inputs (n, n_in)."""
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
    """Train an autoencoder with ReLU between its layers on inputs of normal recordings.

    Parameters
    ----------
    inputs : (n, n_in), of about unit variance
    hidden : widths of the hidden layers
    seed : seed of the initial weights and of the order of the inputs
    held_out : (m, n_in), inputs of held-out recordings; training stops when their error no longer falls
    epochs : most epochs with ``held_out``; without it, exactly this number
    progress : called with the number of each epoch

    Returns
    -------
    network : network of the best epoch, or of the last one without ``held_out``
    epochs : number of this epoch
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
        # scikit-learn turns Ctrl-C into a warning; a warning that one epoch does not converge is expected.
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
