"""Digitally constant stretches (padding, drop-outs) are cut out of a stream; numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHORTEST_CONSTANT_S = 0.1
"""Samples that do not change for this long come from a file, not from a microphone."""
CLIPPED = 32767
"""Two or more samples in a row of at least this magnitude are taken to be clipped."""

Samples = NDArray[np.int16]


def shortest_constant(rate_hz: float) -> int:
    """Equal samples in a row that are cut out: `SHORTEST_CONSTANT_S`, 2 or more.

    Examples
    --------
    >>> shortest_constant(16_000)
    1600
    """
    return max(2, round(SHORTEST_CONSTANT_S * rate_hz))


class ConstantCutter:
    """Passes a stream on without its constant stretches, and counts.

    However the stream is cut into blocks, the pieces and counts are the same. Less than ``shortest`` samples are
    held back between calls.

    Parameters
    ----------
    shortest : equal samples (rows) in a row that are cut out, 2 or more; None: nothing is cut

    Attributes
    ----------
    cut : samples cut out so far
    kept : samples passed on so far
    missing : samples so far that were missing in gaps
    starts : samples of the stream before each piece that was passed on so far, those cut out or missing among them
    clipped : samples so far that stand in a row of two or more at the edge of int16 in their column

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
        self._seen = 0  # samples of the stream so far, those that are missing in gaps among them
        self._shortest = shortest
        self._tail: Samples | None = None  # equal rows at the end of the stream, too few to be cut so far
        self._constant: Samples | None = None  # the row of the constant stretch that the stream is in, (1, ...)
        self._new_piece = True
        self._edges: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None

    def push(self, block: Samples) -> list[tuple[bool, Samples]]:
        """Take a block.

        Parameters
        ----------
        block : int16 (n,) or (n, columns), the same columns at every call; never modified

        Returns
        -------
        (new_piece, samples) pairs, maybe none; ``new_piece`` says that the samples do not follow on the last ones
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
        starts, ends = _runs(rows)
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
        """The samples that were held back, as `push` gives them; what comes next does not follow on them.

        Parameters
        ----------
        missing : samples that were lost here
        """
        self.missing += missing
        held = self.finish()
        self._seen += missing
        self._new_piece, self._constant, self._edges = True, None, None
        return held

    def finish(self) -> list[tuple[bool, Samples]]:
        """The samples that were held back, as `push` gives them; the stream is over."""
        held, self._tail = self._tail, None
        return [] if held is None else self._passed([held], [0], len(held))

    def _after_constant(self, block: Samples, row: Samples) -> Samples:
        """What follows the constant stretch that goes on at the beginning of a block."""
        same = (block == row).reshape(len(block), -1).all(axis=1)
        n = len(block) if same.all() else int(same.argmin())
        self.cut += n
        if n < len(block):
            self._constant = None
        return block[n:]

    def _passed(
        self, kept: list[Samples], begins: list[int], n: int, *, cut_between: bool = False
    ) -> list[tuple[bool, Samples]]:
        """Pairs for what is kept of the last n samples, from ``begins`` on; between two of them something was cut."""
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


def _runs(rows: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and ends of the stretches of equal rows."""
    rows = rows.reshape(len(rows), -1)
    changes = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1
    return np.concatenate([[0], changes]), np.concatenate([changes, [len(rows)]])
