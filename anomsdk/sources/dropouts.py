"""Cutting digitally constant stretches, such as padding and dropouts, out of a stream of sound; numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHORTEST_CONSTANT_S = 0.1
"""Shortest stretch of unchanging samples, in seconds, that no microphone gives: it was made by a file or a driver."""
CLIPPED = 32767
"""Magnitude of a clipped int16 sample, where two or more in a row have it."""

Samples = NDArray[np.int16]


def shortest_constant(rate_hz: float) -> int:
    """Convert `SHORTEST_CONSTANT_S` to samples at a rate in Hz, at least 2.

    Examples
    --------
    >>> shortest_constant(16_000)
    1600
    """
    return max(2, round(SHORTEST_CONSTANT_S * rate_hz))


class ConstantCutter:
    """Removes constant stretches from a stream, passes on the pieces between them, and counts both.

    Pieces and counts do not depend on the lengths of the blocks. Between calls fewer than ``shortest`` samples are held
    back.

    Parameters
    ----------
    shortest : shortest constant stretch that is cut out, in samples (rows), 2 or more; None: nothing is cut

    Attributes
    ----------
    cut : samples cut out
    kept : samples passed on
    missing : samples missing in gaps
    starts : position of each piece in the stream, in samples; samples cut out or missing before it count, too
    clipped : samples with two or more in a row at the edge of int16, in any one column

    Examples
    --------
    >>> cutter = ConstantCutter(3)
    >>> found = cutter.push(np.array([1, 2, 5, 5], np.int16)) + cutter.push(np.array([5, 7], np.int16))
    >>> [(new_piece, block.tolist()) for new_piece, block in found + cutter.finish()], cutter.cut
    ([(True, [1, 2]), (True, [7])], 3)
    """

    def __init__(self, shortest: int | None) -> None:
        self.cut = self.kept = self.clipped = self.missing = 0
        self.starts = list[int]()
        self._seen = 0  # samples of the stream, missing ones included
        self._shortest = shortest
        self._tail: Samples | None = None  # equal rows at the end of the stream, too few to be cut yet
        self._constant: Samples | None = None  # the repeated row, (1, ...), while the stream is in a constant stretch
        self._new_piece = True
        self._edges: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None

    def push(self, block: Samples) -> list[tuple[bool, Samples]]:
        """Take a block, and return the samples that are certainly kept.

        Parameters
        ----------
        block : int16 (n,) or (n, columns), with the same columns at every call; it is not modified

        Returns
        -------
        pairs : (new_piece, samples); may be empty. ``new_piece`` is true where the samples do not directly follow those
            before them
        """
        if len(block) == 0:
            return []
        self._count_clipped(block)
        self._seen += len(block)
        if self._shortest is None:
            return self._passed([block], [0], len(block))
        if self._constant is not None:
            block = self._after_constant(block, self._constant)
            if len(block) == 0:
                return []
        rows = block if self._tail is None else np.concatenate([self._tail, block])
        starts, ends = _runs(rows) if _may_be_constant(rows, self._shortest) else _last_run(rows, self._shortest)
        cut = ends - starts >= self._shortest
        kept, begins, begin = [], [0], 0
        for start, end in zip(starts[cut].tolist(), ends[cut].tolist(), strict=True):
            kept.append(rows[begin:start])
            begins.append(end)
            begin = end
        self.cut += int((ends - starts)[cut].sum())
        if cut[-1]:
            self._tail, self._constant = None, rows[-1:].copy()
        else:
            last = int(starts[-1])
            kept.append(rows[begin:last])
            self._tail = rows[last:].copy()
        return self._passed(kept, begins, len(rows), cut_between=True)

    def gap(self, missing: int = 0) -> list[tuple[bool, Samples]]:
        """End a piece at a gap, and return the samples held back, as `push` returns them.

        Parameters
        ----------
        missing : samples missing in the gap, >= 0
        """
        self.missing += missing
        held = self.finish()
        self._seen += missing
        self._new_piece, self._constant, self._edges = True, None, None
        return held

    def finish(self) -> list[tuple[bool, Samples]]:
        """End the stream, and return the samples held back, as `push` returns them."""
        held, self._tail = self._tail, None
        return [] if held is None else self._passed([held], [0], len(held))

    def _after_constant(self, block: Samples, row: Samples) -> Samples:
        """Cut the continuation of a constant stretch from the beginning of a block, and return the rest."""
        same = (block == row).reshape(len(block), -1).all(axis=1)
        n = len(block) if same.all() else int(same.argmin())
        self.cut += n
        if n < len(block):
            self._constant = None
        return block[n:]

    def _passed(
        self, kept: list[Samples], begins: list[int], n: int, *, cut_between: bool = False
    ) -> list[tuple[bool, Samples]]:
        """Make the pairs that `push` returns.

        Parameters
        ----------
        kept : pieces of the last n samples that are kept
        begins : where each of them begins within these n samples
        cut_between : a constant stretch was cut out between two pieces
        """
        found = []
        for index, samples in enumerate(kept):
            self._new_piece |= cut_between and index > 0
            if len(samples):
                if self._new_piece:
                    self.starts.append(self._seen - n + begins[index])
                found.append((self._new_piece, samples))
                self.kept += len(samples)
                self._new_piece = False
        self._new_piece |= self._constant is not None
        return found

    def _count_clipped(self, block: Samples) -> None:
        at_edge = ((block >= CLIPPED) | (block <= -CLIPPED)).reshape(len(block), -1)
        none = np.zeros_like(at_edge[:1])
        last, last_pair = (none, none) if self._edges is None else self._edges
        pairs = at_edge & np.concatenate([last, at_edge[:-1]])  # with the sample before
        begun = pairs & ~np.concatenate([last_pair, pairs[:-1]])
        self.clipped += int(pairs.sum()) + int(begun.sum())
        self._edges = at_edge[-1:], pairs[-1:]


def _may_be_constant(rows: Samples, shortest: int) -> bool:
    """Return False if no stretch of ``shortest`` equal rows is there, which few comparisons show nearly always.

    Such a stretch has ``shortest`` - 1 pairs of equal neighbours in a row, so every half of it is met by a probe.
    """
    probes = np.arange(0, len(rows) - 1, max(1, shortest // 2))
    flat = rows.reshape(len(rows), -1)
    return shortest < 2 or bool((flat[probes] == flat[probes + 1]).all(axis=1).any())


def _last_run(rows: Samples, shortest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the start and end of the last stretch of equal rows, which is shorter than ``shortest``."""
    before = max(0, len(rows) - shortest - 1)
    starts, ends = _runs(rows[before:])
    return starts[-1:] + before, ends[-1:] + before


def _runs(rows: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the starts and ends of the stretches of equal rows."""
    rows = rows.reshape(len(rows), -1)
    changes = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1
    return np.concatenate([[0], changes]), np.concatenate([changes, [len(rows)]])
