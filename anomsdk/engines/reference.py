"""Engine reference: numpy integers, the readable contract."""

from __future__ import annotations

from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.fixed import Ints
from anomsdk.core.pipeline import Chain
from anomsdk.core.plan import Plan


class ReferenceEngine(Chain):
    """The chain with the numpy model stage."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, Autoencoder(plan.layers))

    def reconstruct(self, inputs: Ints) -> Ints:
        """The model stage alone: int8 range (n, n_in) to (n, n_out), int64."""
        return self._model.run(inputs)
