"""Plans on an emulated core: the C port, called function by function."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.core.event import EVENT_BYTES, Event
from anomsdk.core.pipeline import Result
from anomsdk.mcu import Call, Machine, compile_firmware
from tests.support.c_build import C_PROGRAMS, PORT, SOURCES

BLOCK_VALUES = 8192
FUNCTIONS = ("anom_pipeline_init", "anom_pipeline_push", "anom_pipeline_poll", "anom_pipeline_gap", "anom_selftest")
VARIABLES = ("memory", "block", "pipeline", "result")


@dataclass(frozen=True)
class Firmware:
    """The port and plans, ready to be compiled: C sources, folders of headers, flags, and what is called."""

    sources: list[Path]
    include: list[Path]
    flags: list[str]
    keep: list[str]

    def compiled(self, target: str, optimise: str = "-Os") -> bytes:
        return compile_firmware(
            self.sources, target, keep=self.keep, include=self.include, flags=self.flags, optimise=optimise
        )


def firmware(
    plans: Sequence[anomsdk.Plan], folder: Path, more: Sequence[Path] = (), keep: Sequence[str] = ()
) -> Firmware:
    """All of the port with these plans, as `emit_c` writes them into a folder, and further sources."""
    emitted = [anomsdk.emit_c(plan, folder / plan.name) for plan in plans]
    goldens = folder / "goldens.c"
    goldens.write_text(
        "\n".join(f'#include "examples/anom_golden_{plan.name}.h"' for plan in plans)
        + "\nconst uint8_t *const goldens[] = {"
        + ", ".join(f"anom_golden_{plan.name}" for plan in plans)
        + "};\n"
    )
    plan_sources = [made.folder / f"anom_plan_{plan.name}.c" for made, plan in zip(emitted, plans, strict=True)]
    return Firmware(
        sources=[*SOURCES, C_PROGRAMS / "emulated.c", goldens, *plan_sources, *more],
        include=[PORT / "include", PORT / "src", *(made.folder for made in emitted)],
        flags=[f"-DMEMORY_BYTES={max(made.ram_bytes for made in emitted)}", f"-DBLOCK_VALUES={BLOCK_VALUES}"],
        keep=[*FUNCTIONS, *VARIABLES, "goldens", *(f"anom_plan_{plan.name}" for plan in plans), *keep],
    )


class EmulatedPipeline:
    """A pipeline on a machine."""

    def __init__(self, machine: Machine, plan: anomsdk.Plan) -> None:
        self._machine, self._plan = machine, plan
        self._handle = 0
        memory = machine.program.symbol("memory")
        self._handle = machine.address("pipeline")
        assert self._call("init", memory.address, memory.size, machine.address(f"anom_plan_{plan.name}")) == 0
        (self._handle,) = struct.unpack("<I", machine.read("pipeline"))

    def process(self, samples: NDArray[np.int16]) -> list[Result]:
        """As `anomsdk.Pipeline.process`."""
        return list(self._results(samples))

    def gap(self, n: int) -> None:
        """As `anomsdk.Pipeline.gap`."""
        self._call("gap", n)

    def _results(self, samples: NDArray[np.int16]) -> Iterator[Result]:
        columns = self._plan.columns
        rows = samples.reshape(-1, columns)
        while len(rows):
            given = rows[: BLOCK_VALUES // columns]
            self._machine.write("block", given.astype("<i2").tobytes())
            rows = rows[self._call("push", self._machine.address("block"), len(given)) :]
            while self._call("poll", self._machine.address("result")):
                yield self._result()

    def _result(self) -> Result:
        hop, score, n_events, event = struct.unpack(f"<IIi{EVENT_BYTES}s", self._machine.read("result"))
        return Result(hop, score, tuple(Event.from_bytes(event) for _ in range(n_events)))

    def _call(self, name: str, *arguments: int) -> int:
        return self._machine.run(f"anom_pipeline_{name}", self._handle, *arguments)


class MeasuredPipeline(EmulatedPipeline):
    """The same; ``calls`` are what it took, by the name of the function."""

    def __init__(self, machine: Machine, plan: anomsdk.Plan) -> None:
        self.calls: dict[str, list[Call]] = {}
        super().__init__(machine, plan)

    def _call(self, name: str, *arguments: int) -> int:
        call = self._machine.call(f"anom_pipeline_{name}", self._handle, *arguments)
        self.calls.setdefault(name, []).append(call)
        return call.signed


def passes_selftest(machine: Machine, plan: anomsdk.Plan, number: int) -> None:
    """Run the golden stream of the plan of this number in `firmware`."""
    (golden,) = struct.unpack_from("<I", machine.read("goldens"), 4 * number)
    memory = machine.program.symbol("memory")
    status = machine.run(
        "anom_selftest", memory.address, memory.size, machine.address(f"anom_plan_{plan.name}"), golden
    )
    assert status == 0, f"{plan.name}: anom_selftest gave {status}"
