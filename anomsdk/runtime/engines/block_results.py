"""Results of a block of samples, in the same form for every engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.event import Event
from anomsdk.core.pipeline import Result


@dataclass(frozen=True, eq=False)
class Processed:
    """Ticks that a block completed."""

    hops: NDArray[np.uint32]  # (t,)
    scores: NDArray[np.uint32]  # (t,), above the baseline
    events: tuple[tuple[int, Event], ...]  # with the index of their tick, in order
    inputs: NDArray[np.int8] | None  # (t, n_in), inputs of the model; None unless they were asked for

    def results(self) -> list[Result]:
        """Return one result for each tick."""
        results = [Result(*pair, ()) for pair in zip(self.hops.tolist(), self.scores.tolist(), strict=True)]
        for tick, event in self.events:
            results[tick] = Result(results[tick].hop, results[tick].score, (*results[tick].events, event))
        return results
