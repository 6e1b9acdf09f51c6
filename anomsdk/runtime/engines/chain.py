"""Base of the engines in Python: the chain of the core, with a model stage of their own.

The core computes with numpy, one array after the other. All arrays are made within `wiping_libraries`: if the C port
was built, none leaves its values in freed memory. Neither do the buffers that numpy's loops take from the C library.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.pipeline import Chain
from anomsdk.runtime.engines.block_results import Processed, processed_of
from anomsdk.runtime.memory import wipe_leftovers, wiping_libraries


class ChainEngine(Chain):
    """Chain that collects the ticks of its batches."""

    def process(self, block: NDArray[np.int16], *, tap: bool = False) -> Processed:
        """Take a block (n, columns) and return the ticks that it completes."""
        with wiping_libraries():
            return self._process(block, tap)

    def reset(self) -> None:
        """Zero every sample and feature, and start again."""
        super().reset()
        wipe_leftovers()

    def restore(self, record: bytes) -> bool:
        """Begin anew with what a record holds; False: the record was refused."""
        with wiping_libraries():
            return super().restore(record)

    def reconstruct(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Run the model stage alone: int8 (n, n_in) to (n, n_out)."""
        with wiping_libraries():
            return self._model.run(inputs.astype(np.int64)).astype(np.int8)

    def _process(self, block: NDArray[np.int16], tap: bool) -> Processed:
        results, inputs = self.due(), [np.zeros((0, self._plan.n_inputs), np.int8)]
        for ticks in self.ticks(block):
            results += self.results(ticks)
            if tap:
                inputs.append(ticks.inputs.astype(np.int8))
        return processed_of(results, np.concatenate(inputs) if tap else None)
