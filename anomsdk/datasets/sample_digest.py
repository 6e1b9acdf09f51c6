"""Digest of the samples of a recording, by which a plan knows the recordings that it was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from anomsdk.core.plan import Plan
from anomsdk.sources.dropouts import ConstantCutter, shortest_constant
from anomsdk.sources.formats.stored_samples import Block


class SampleDigest:
    """Sha256 of samples without constant stretches of sound, as `anomsdk.sources.clips.Facts.digest`.

    Parameters
    ----------
    plan : Plan; constant stretches are left out of sound only
    """

    def __init__(self, plan: Plan) -> None:
        self._cutter = ConstantCutter(shortest_constant(plan.rate_hz)) if plan.sensor.kind == "audio" else None
        self._sha256 = hashlib.sha256()

    def take(self, block: Block | int) -> None:
        """Take a block of samples, or a number of missing ones."""
        if self._cutter is not None:
            cut = self._cutter.gap(block) if isinstance(block, int) else self._cutter.push(block)
            for _, kept in cut:
                self._sha256.update(np.ascontiguousarray(kept).data)
        elif not isinstance(block, int):
            self._sha256.update(np.ascontiguousarray(block).data)

    def hexdigest(self) -> str:
        """Return the digest of the whole recording, 64 hex digits; only once."""
        for _, kept in () if self._cutter is None else self._cutter.finish():
            self._sha256.update(np.ascontiguousarray(kept).data)
        return self._sha256.hexdigest()


def digested(blocks: Iterator[Block | int], digest: SampleDigest | None) -> Iterator[Block | int]:
    """Yield blocks, and let a digest take each of them; None: no digest is needed."""
    for block in blocks:
        if digest is not None:
            digest.take(block)
        yield block
