"""Framer: cuts the stream into overlapping windows. The only keeper of raw samples.

Hop k covers samples ``[k * hop, k * hop + window)``; nothing is centred or padded. At most one
window of samples is kept between calls; samples that are no longer needed are wiped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.fixed import Ints

MAX_WINDOW = 4096
BATCH = 16
"""Windows that are cut and processed together: a matter of speed, never of results."""


@dataclass(frozen=True, eq=False)
class FramerPlan:
    """Window and hop, in samples; both 1 for the external extractor, whose samples are rows."""

    window: int
    hop: int

    def check(self) -> None:
        """Refuse a window or hop out of range."""
        require(1 <= self.window <= MAX_WINDOW, f"framer: window is {self.window} samples, not 1 to {MAX_WINDOW}")
        require(
            1 <= self.hop <= self.window,
            f"framer: hop is {self.hop} samples, not 1 to the window {self.window}",
        )


class Framer:
    """Framer of one stream; ``next_hop`` is the index of the next window.

    Parameters
    ----------
    plan : FramerPlan
    columns : values in a sample: 1 for audio, 3 or 6 axes for motion, n_features for external
    batch : largest number of windows that are given together
    """

    def __init__(self, plan: FramerPlan, columns: int, batch: int = BATCH) -> None:
        self.window, self.hop = plan.window, plan.hop
        span = plan.window + (batch - 1) * plan.hop
        self._samples = np.zeros((span, columns), np.int16)
        self._frames = np.zeros((batch, plan.window, columns), np.int64)
        cut = np.lib.stride_tricks.sliding_window_view(self._samples, plan.window, axis=0)[:: plan.hop]
        self._cut = np.swapaxes(cut, 1, 2)  # (batch, window, columns), a view: hop k of the buffer
        self._have = 0  # samples in the buffer
        self._skip = 0  # samples to drop before the next window starts
        self.next_hop = 0

    def push(self, block: NDArray[np.int16]) -> Iterator[tuple[int, Ints]]:
        """Take a block and yield the windows that it completes.

        Parameters
        ----------
        block : int16 (n, columns), any n; only read

        Yields
        ------
        first : index of the first of these windows
        frames : int64 (n, window, columns), n <= batch; scratch, valid until the next one is asked for
        """
        start = min(self._skip, len(block))
        self._skip -= start
        while start < len(block):
            taken = min(len(block) - start, len(self._samples) - self._have)
            self._samples[self._have : self._have + taken] = block[start : start + taken]
            self._have += taken
            start += taken
            if self._have < self.window:
                return
            n = 1 + (self._have - self.window) // self.hop
            np.copyto(self._frames[:n], self._cut[:n])
            yield self.next_hop, self._frames[:n]
            self._frames[:n] = 0
            self.next_hop += n
            self._discard(n * self.hop)

    @property
    def position(self) -> int:
        """Number of samples so far, with those that were lost."""
        return self.next_hop * self.hop + self._have - self._skip

    def _discard(self, n: int) -> None:
        kept = self._have - n
        # Forward in pieces of at most n: source and target never overlap, so numpy makes no hidden copy.
        for at in range(0, kept, n):
            size = min(n, kept - at)
            self._samples[at : at + size] = self._samples[at + n : at + n + size]
        self._samples[kept : self._have] = 0
        self._have = kept

    def gap(self, n: int) -> int:
        """Go on as if n samples had passed unseen; the next window starts at the first hop after them.

        Returns
        -------
        Number of hops that are lost
        """
        position = self._have - self._skip + n  # relative to the start of the window that was being filled
        lost = -(-position // self.hop)
        self._skip = lost * self.hop - position
        self._samples.fill(0)
        self._have = 0
        self.next_hop += lost
        return lost

    @property
    def ahead(self) -> int:
        """Number of samples since the start of the next window; negative while samples before it are dropped."""
        return self._have - self._skip

    def resume(self, next_hop: int, ahead: int) -> int:
        """Go on where a framer was saved, without its samples. Only after `wipe`.

        Returns
        -------
        Number of hops that are lost with the samples
        """
        self.next_hop, self._skip = next_hop, -ahead
        return self.gap(0)

    def wipe(self) -> None:
        """Zero every sample, here and in scratch, and start again at hop 0."""
        self._samples.fill(0)
        self._frames.fill(0)
        self._have = self._skip = self.next_hop = 0
