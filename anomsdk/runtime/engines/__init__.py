"""Engines: ways to run a plan, all giving the same integers."""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, quoted
from anomsdk.runtime.engines.processed import Processed
from anomsdk.runtime.memory import wiping

ENGINES = ("reference", "tflite", "native")


class Engine(Protocol):
    """Methods that `anomsdk.Pipeline` needs of an engine. Blocks are int16 (n, columns), already checked."""

    def process(self, block: NDArray[np.int16], *, tap: bool = False) -> Processed:
        """Ticks that a block completes; with ``tap`` the model's inputs, too."""

    def reconstruct(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """The model stage alone: int8 (n, n_in) to (n, n_out)."""

    def gap(self, n: int) -> None:
        """N samples were lost."""

    def reset(self) -> None:
        """Zero every sample and feature, and start again."""


@cache
def default_engine() -> str:
    """The engine that runs where none is named: native, or reference where that was not built."""
    from anomsdk.runtime.library import why_missing

    return "reference" if why_missing() else "native"


def open_engine(name: str | None, plan: Plan) -> Engine:
    """An engine of a plan; None is the default one.

    Raises
    ------
    InputError : unknown name, or an engine that this machine does not have (says why)
    """
    name = default_engine() if name is None else name
    if name == "native":
        from anomsdk.runtime.engines.native import NativeEngine

        return NativeEngine(plan)
    with wiping():  # what a chain of numpy arrays is made of is wiped with it, closed or not
        if name == "reference":
            from anomsdk.runtime.engines.reference import ReferenceEngine

            return ReferenceEngine(plan)
        if name == "tflite":
            from anomsdk.runtime.engines.tflite import TfliteEngine

            return TfliteEngine(plan)
    raise InputError(f"engine '{quoted(name)}' is unknown; choose from {', '.join(ENGINES)}")
