"""From recordings to feature levels: the only part of training that touches samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.fixed import Ints
from anomsdk.core.framer import Framer, FramerPlan
from anomsdk.core.pipeline import extractor_for
from anomsdk.core.plan import ExtractorPlan
from anomsdk.runtime import checked_block

SHORTEST_CONSTANT_S = 0.1
"""Samples that do not change for this long come from a file, not from a microphone."""


def without_constant(samples: NDArray[np.int16], shortest: int) -> list[NDArray[np.int16]]:
    """Cut a recording where it is digitally constant (padding, drop-outs).

    Parameters
    ----------
    samples : int16 (n, columns)
    shortest : samples in a row with the same value that are cut out

    Returns
    -------
    The pieces between, in order
    """
    changes = np.flatnonzero((np.diff(samples, axis=0) != 0).any(axis=1)) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [len(samples)]])
    cut = ends - starts >= shortest
    pieces, begin = [], 0
    for start, end in zip(starts[cut], ends[cut], strict=True):
        if start > begin:
            pieces.append(samples[begin:start])
        begin = end
    if begin < len(samples):
        pieces.append(samples[begin:])
    return pieces


def levels_of(framer: FramerPlan, extractor: ExtractorPlan, samples: NDArray[np.int16]) -> Ints:
    """Feature levels of a recording, before normalisation: (frames, n_features) in the extractor's unit."""
    cutter = Framer(framer, extractor.columns)
    stage = extractor_for(extractor)
    found = [stage.levels(frames)[0] for _, frames in cutter.push(checked_block(samples, extractor.columns))]
    return np.concatenate([np.zeros((0, extractor.n_features), np.int64), *found])
