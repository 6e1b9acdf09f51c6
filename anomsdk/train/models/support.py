"""What a stored weight rests on: many windows of several groups, or it is not stored."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.fixed import Ints
from anomsdk.errors import InputError
from anomsdk.train.models.network import Dense, Floats, Network

LEAST_WINDOWS = 32
"""Windows that a stored mean or a hidden unit rests on, at least."""
LEAST_GROUPS = 2
LEAST_OF_OTHERS = 4
"""Windows that come from other groups than the one that gives most."""
STRETCHES, APART_S = 10, 60.0
"""Where all recordings are one group: stretches of it that a mean rests on, at least, and the seconds between two."""


class NotOfferedError(InputError):
    """A kind of model that would store too much of single windows; the message says why, for the table of trials."""


@dataclass(frozen=True, eq=False)
class Origins:
    """Where the rows that a model learns from lie.

    Parameters
    ----------
    window : int64 (n,), the same for rows that are one window of one recording at several gains
    group : int64 (n,), the same for recordings of one group
    start_s : (n,), start of the window since the beginning of its group, seconds
    length_s : length of a window, seconds
    least_groups : groups that a mean rests on; 1: all recordings are one group, its stretches count instead
    least_stretches : of one group, see `STRETCHES`; 1: not asked for
    """

    window: Ints
    group: Ints
    start_s: NDArray[np.float64]
    length_s: float = 0.0
    least_groups: int = LEAST_GROUPS
    least_stretches: int = 1

    @classmethod
    def unknown(cls, n: int) -> Origins:
        """Of n rows about which nothing is said: each is a window, and a group of its own."""
        each = np.arange(n, dtype=np.int64)
        return cls(each, each, np.zeros(n))

    @property
    def n_windows(self) -> int:
        """Different windows."""
        return len(np.unique(self.window))

    def part(self, rows: NDArray[np.bool_]) -> Origins:
        """Of some of the rows, (n,)."""
        return replace(self, window=self.window[rows], group=self.group[rows], start_s=self.start_s[rows])

    def support(self, rows: NDArray[np.bool_]) -> bool:
        """Whether rows are enough windows, from enough groups or stretches, to store their mean.

        Parameters
        ----------
        rows : (n,), which of them
        """
        windows, first = np.unique(self.window[rows], return_index=True)
        if len(windows) < LEAST_WINDOWS:
            return False
        if self.least_groups > 1:
            counts = np.unique(self.group[rows][first], return_counts=True)[1]
            return len(counts) >= self.least_groups and int(counts.sum() - counts.max()) >= LEAST_OF_OTHERS
        return self._stretches(self.start_s[rows]) >= self.least_stretches

    def rule(self) -> str:
        """What `support` asks for, in words."""
        if self.least_groups > 1:
            return f"{LEAST_WINDOWS} windows of {self.least_groups} groups"
        if self.least_stretches > 1:
            return f"{LEAST_WINDOWS} windows of {self.least_stretches} stretches {APART_S:g} s apart"
        return f"{LEAST_WINDOWS} windows"

    def by_window(self, parts: Floats) -> tuple[Floats, Ints]:
        """Sums over the rows of each window, of parts (n, m): (windows, m), and which of these each row is in: (n,)."""
        _, index = np.unique(self.window, return_inverse=True)
        return np.stack([np.bincount(index, column) for column in parts.T], axis=1), index

    def _stretches(self, starts: NDArray[np.float64]) -> int:
        found, free = 0, -np.inf
        for start in np.sort(starts).tolist():
            if start >= free:
                found, free = found + 1, start + self.length_s + APART_S
        return found


MOST_OF_ONE = 1 / LEAST_WINDOWS
"""Largest `influence` that a stored direction has of one window."""


def influence(centred: Floats, vectors: Floats) -> Floats:
    """How much each direction is of each row: its part of the variance there, times the squared cosine between both.

    A direction that one row makes up, and that points to it, has 1: who knows the direction knows that row up to its
    length.

    Parameters
    ----------
    centred : (n, n_in), rows around 0
    vectors : (n_in, m), of length 1

    Returns
    -------
    (n, m), 0 to 1
    """
    energy, tiny = (centred @ vectors) ** 2, np.finfo(float).tiny
    cosine: Floats = energy / np.maximum((centred**2).sum(axis=1), tiny)[:, None]
    return cosine * energy / np.maximum(energy.sum(axis=0), tiny)


def without_rare_units(network: Network, inputs: Floats, origins: Origins) -> Network:
    """A network whose hidden units that answer to few windows, or to those of one group, are set to 0.

    Units that answer to nothing hold what they started from, no signal, and stay.

    Parameters
    ----------
    network : dense layers with ReLU between them
    inputs : (n, n_in) that it was trained on
    origins : of these
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
