"""Support of stored weights: each must rest on many windows of several groups, so that no single window is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.fixed import Ints
from anomsdk.errors import InputError
from anomsdk.train.models.network import Dense, Floats, Network

LEAST_WINDOWS = 32
"""Fewest windows that a stored mean or a hidden unit may rest on."""
LEAST_GROUPS = 2
"""Fewest groups that these windows may come from."""
LEAST_OF_OTHERS = 4
"""Fewest windows that must come from other groups than the largest one."""
STRETCHES, APART_S = 10, 60.0
"""Fewest stretches that a mean may rest on where all recordings are one group, and the seconds between two of them."""


class NotOfferedError(InputError):
    """Refusal of a candidate because it would store too much of single windows; the message gives the reason."""


@dataclass(frozen=True, eq=False)
class Origins:
    """Origins of the inputs that a model learns from: their windows, groups and times.

    Parameters
    ----------
    window : int64 (n,), number of the window; equal for inputs of the same window at several gains
    group : int64 (n,), number of the group
    start_s : (n,), start of the window from the beginning of its group, seconds
    length_s : length of a window, seconds
    least_groups : fewest groups that a mean may rest on; 1: all recordings are one group, whose stretches count instead
    least_stretches : fewest stretches of one group, see `STRETCHES`; 1: no such rule
    """

    window: Ints
    group: Ints
    start_s: NDArray[np.float64]
    length_s: float = 0.0
    least_groups: int = LEAST_GROUPS
    least_stretches: int = 1

    @classmethod
    def unknown(cls, n: int) -> Origins:
        """Make origins of n inputs of unknown origin: each is a window of a group of its own."""
        each = np.arange(n, dtype=np.int64)
        return cls(each, each, np.zeros(n))

    @property
    def n_windows(self) -> int:
        """Number of different windows."""
        return len(np.unique(self.window))

    def part(self, rows: NDArray[np.bool_]) -> Origins:
        """Select the origins of some inputs; ``rows`` is bool (n,)."""
        return replace(self, window=self.window[rows], group=self.group[rows], start_s=self.start_s[rows])

    def support(self, rows: NDArray[np.bool_]) -> bool:
        """Return True where inputs are enough windows, from enough groups or stretches, to store their mean.

        Parameters
        ----------
        rows : bool (n,), True for these inputs
        """
        windows, first = np.unique(self.window[rows], return_index=True)
        if len(windows) < LEAST_WINDOWS:
            return False
        if self.least_groups > 1:
            counts = np.unique(self.group[rows][first], return_counts=True)[1]
            return len(counts) >= self.least_groups and int(counts.sum() - counts.max()) >= LEAST_OF_OTHERS
        return self._stretches(self.start_s[rows]) >= self.least_stretches

    def rule(self) -> str:
        """Requirement of `support`, in words."""
        if self.least_groups > 1:
            return f"{LEAST_WINDOWS} windows of {self.least_groups} groups"
        if self.least_stretches > 1:
            return f"{LEAST_WINDOWS} windows of {self.least_stretches} stretches {APART_S:g} s apart"
        return f"{LEAST_WINDOWS} windows"

    def by_window(self, parts: Floats) -> tuple[Floats, Ints]:
        """Sum parts (n, m) over the inputs of each window: (windows, m), and the window of each input (n,)."""
        _, index = np.unique(self.window, return_inverse=True)
        return np.stack([np.bincount(index, column) for column in parts.T], axis=1), index

    def _stretches(self, starts: NDArray[np.float64]) -> int:
        found, free = 0, -np.inf
        for start in np.sort(starts).tolist():
            if start >= free:
                found, free = found + 1, start + self.length_s + APART_S
        return found


MOST_OF_ONE = 1 / LEAST_WINDOWS
"""Largest `influence` of one window on a stored direction."""


def influence(centred: Floats, vectors: Floats) -> Floats:
    """Influence of each row on each direction: its share of the variance there, times the squared cosine of both.

    A direction that points to a row which alone makes up its variance has influence 1: the direction then reveals that
    row up to its length.

    Parameters
    ----------
    centred : (n, n_in), rows with mean 0
    vectors : (n_in, m), directions of length 1

    Returns
    -------
    float (n, m), 0 to 1
    """
    energy, tiny = (centred @ vectors) ** 2, np.finfo(float).tiny
    cosine: Floats = energy / np.maximum((centred**2).sum(axis=1), tiny)[:, None]
    return cosine * energy / np.maximum(energy.sum(axis=0), tiny)


def without_rare_units(network: Network, inputs: Floats, origins: Origins) -> Network:
    """Set hidden units to 0 that are active in too few windows, or in those of one group only.

    Units that are never active hold their random start and nothing of the signal; they stay.

    Parameters
    ----------
    network : dense layers with ReLU between them
    inputs : (n, n_in), inputs that the network was trained on
    origins : origins of these inputs
    """
    layers, values = list(network.layers), inputs
    for index, layer in enumerate(layers[:-1]):
        values = layer.run(values)
        active = values > 0
        rare = np.array([bool(unit.any()) and not origins.support(unit) for unit in active.T])
        if rare.any():
            following = layers[index + 1]
            layers[index] = Dense(
                np.where(rare, 0.0, layer.weight), np.where(rare, 0.0, layer.bias), layer.relu, layer.ceiling
            )
            layers[index + 1] = Dense(
                np.where(rare[:, None], 0.0, following.weight), following.bias, following.relu, following.ceiling
            )
            values = np.where(rare, 0.0, values)
    return Network(tuple(layers))
