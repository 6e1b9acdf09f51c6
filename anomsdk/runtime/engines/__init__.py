"""Engines: implementations that run a plan and give the same integers."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.export import Export
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.core.supervisor import Operation
from anomsdk.errors import InputError, quoted
from anomsdk.runtime.engines.block_results import Processed
from anomsdk.runtime.memory import wiping

ENGINES = ("reference", "tflite", "native")


class Engine(Protocol):
    """Interface that `anomsdk.Pipeline` needs from an engine. Blocks are int16 (n, columns), already checked."""

    def process(self, block: NDArray[np.int16], *, tap: bool = False) -> Processed:
        """Take a block and return the ticks that it completes; ``tap`` adds the model's inputs."""

    def reconstruct(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Run the model stage alone: int8 (n, n_in) to (n, n_out)."""

    def gap(self, n: int) -> list[Result]:
        """Take note that ``n`` samples were lost; return the results without a tick that follow from it."""

    def operate(self, operation: Operation, argument: int) -> list[Result]:
        """Apply an input from outside to a supervised plan; return the results without a tick that follow from it."""

    def downlink(self, data: bytes) -> list[Result]:
        """Put the level of a downlink in force that the plan takes; return the results without a tick."""

    @property
    def health(self) -> int:
        """Return the health byte; 0 for plans without a health section."""

    @property
    def annunciation(self) -> int:
        """Return what a buzzer and a lamp should do now; only for a supervised plan."""

    @property
    def level(self) -> int:
        """Return the tag of the level in force; 0 for plans without a ladder."""

    def export(self, device: int, boot: int, since: Export | None) -> bytes:
        """Return the counts of the ladder of a plan that has one."""

    def rows(self) -> list[tuple[int, ...]]:
        """Take the rows of the diary that are finished."""

    def state(self) -> bytes:
        """Return the record of what must outlive a reset."""

    def restore(self, record: bytes) -> bool:
        """Begin anew with what a record holds; False: the record was refused."""

    def reset(self) -> None:
        """Zero every sample and feature, and start again."""


def default_engine(plan: Plan | None = None) -> str:
    """Return the name of the default engine: native, or reference where native was not built or cannot run the plan."""
    from anomsdk.runtime.native_module import why_missing

    return "reference" if why_missing(None if plan is None else plan.extractor.kind) else "native"


def open_engine(name: str | None, plan: Plan) -> Engine:
    """Open an engine for a plan; None opens the default engine.

    Raises
    ------
    InputError : unknown name, or an engine that this machine does not have (says why)
    """
    name = default_engine(plan) if name is None else name
    if name == "native":
        from anomsdk.runtime.engines.native import NativeEngine

        return NativeEngine(plan)
    with wiping():  # the arrays of a chain are wiped when it is freed, closed or not
        if name == "reference":
            from anomsdk.runtime.engines.reference import ReferenceEngine

            return ReferenceEngine(plan)
        if name == "tflite":
            from anomsdk.runtime.engines.tflite import TfliteEngine

            return TfliteEngine(plan)
    raise InputError(f"engine '{quoted(name)}' is unknown; choose from {', '.join(ENGINES)}")
