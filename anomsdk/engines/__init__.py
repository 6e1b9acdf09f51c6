"""Engines: ways to run a plan, all giving the same integers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.fixed import Ints
from anomsdk.core.pipeline import Result, Ticks
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError

ENGINES = ("reference", "tflite")


class Engine(Protocol):
    """What `anomsdk.Pipeline` needs of an engine. Blocks are int16 (n, columns), already checked."""

    def ticks(self, block: NDArray[np.int16]) -> Iterator[Ticks]:
        """Ticks that a block completes, before the baseline and the alert logic."""

    def results(self, ticks: Ticks) -> list[Result]:
        """Ticks through the baseline and the alert logic."""

    def scores(self, ticks: Ticks) -> Ints:
        """The scores of `results`, instead of it."""

    def reconstruct(self, inputs: Ints) -> Ints:
        """The model stage alone."""

    def gap(self, n: int) -> None:
        """N samples were lost."""

    def wipe(self) -> None:
        """Zero every sample and feature, and start again."""


def open_engine(name: str, plan: Plan) -> Engine:
    """An engine of a plan.

    Raises
    ------
    InputError : unknown name, or an engine that this machine does not have (says why)
    """
    if name == "reference":
        from anomsdk.engines.reference import ReferenceEngine

        return ReferenceEngine(plan)
    if name == "tflite":
        from anomsdk.engines.tflite import TfliteEngine

        return TfliteEngine(plan)
    raise InputError(f"engine '{name}' is unknown; choose from {', '.join(ENGINES)}")
