"""Engine reference: numpy integers, the readable contract."""

from __future__ import annotations

from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.plan import Plan
from anomsdk.runtime.engines.chain import ChainEngine


class ReferenceEngine(ChainEngine):
    """Chain with the model stage in numpy."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, Autoencoder(plan.layers))
