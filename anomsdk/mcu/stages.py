"""Instructions of each stage of a plan, hop by hop, on an emulated core."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import DiarySensorPlan, Plan
from anomsdk.mcu.compile import compile_firmware
from anomsdk.mcu.emit import Emitted
from anomsdk.mcu.emulate import Machine
from anomsdk.mcu.program import Symbol
from anomsdk.utils.files import packaged_folder

LIBRARY = "library"
"""Stage of functions from the compiler's library: copying, zeroing, and arithmetic that the core lacks."""
OPTIMISE = "-Os"
ADDED = "raised_by"
"""Name of the constant that footprint.c adds to a program."""

_FUNCTIONS = ("init", "push", "poll", "gap", "reset")
_VARIABLES = ("memory", "block", "pipeline", "result", "raising", ADDED)
_MIN_TICKS, _MIN_HOPS = 2, 8
_ENOUGH_HOPS = 32
"""Smallest number of hops measured in a long tick: whole frames, which stand for all frames but the last."""
_LOUDNESSES = 8


@dataclass(frozen=True)
class Hop:
    """Cost of one hop: a push of its samples, and polls until one returns 0.

    Parameters
    ----------
    ticked : the hop ran the model
    instructions : stage -> number of instructions
    weight : number of hops that it stands for, itself included
    """

    ticked: bool
    instructions: Counter[str]
    weight: float


@dataclass(frozen=True)
class Measured:
    """Cost of a run of a plan over noise.

    Parameters
    ----------
    stages : names of all stages that are linked, sorted
    hops : measured hops; their weights add up to the hops of a whole number of ticks
    quiet : hops without a tick: those in ``hops``, else one from before the first tick, else none
    stack_bytes : largest depth of the stack in all calls, with each function that a product calls, and at an alarm
    """

    stages: tuple[str, ...]
    hops: list[Hop]
    quiet: list[Hop]
    stack_bytes: int


def watching_program(plan: Plan, emitted: Emitted, target: str) -> bytes:
    """Compile and link the sources that `emit_c` wrote, without the self-test, and footprint.c for the emulator."""
    upper = plan.name.upper()
    return compile_firmware(
        [
            *sorted((emitted.folder / "src").glob("*.c")),
            emitted.folder / plan_file(plan),
            packaged_folder("firmware_port") / "boards" / "footprint.c",
        ],
        target,
        keep=[*(f"anom_pipeline_{name}" for name in _FUNCTIONS), *_VARIABLES, f"anom_plan_{plan.name}"],
        include=[emitted.folder, emitted.folder / "include", emitted.folder / "src"],
        flags=[
            *("-include", f"anom_plan_{plan.name}.h", f"-DPLAN_BYTES=ANOM_PLAN_{upper}_BYTES"),
            f"-DBLOCK_VALUES={_most_rows(plan) * plan.columns}",
        ],
        optimise=OPTIMISE,
    )


def plan_file(plan: Plan) -> str:
    """Return the name of the C file that holds the plan."""
    return f"anom_plan_{plan.name}.c"


def stage_of(symbol: Symbol | None) -> str:
    """Return the stage that a function belongs to: the stem of its source, or `LIBRARY`."""
    if symbol is None or not symbol.source.startswith("anom_"):
        return LIBRARY
    return Path(symbol.source).stem.removeprefix("anom_")


def measure(machine: Machine, plan: Plan, progress: Callable[[int, int], None]) -> Measured:
    """Run the program of `watching_program` over noise that is loud and soft in turn, and measure each hop.

    Parameters
    ----------
    machine : emulated core with the program
    plan : plan of that program
    progress : called with the number of hops done and of all hops
    """
    framer = plan.framer
    first = (plan.samples_to_first_tick - framer.window) // framer.hop
    hops_per_tick = plan.samples_per_tick // framer.hop
    n = hops_per_tick * max(_MIN_TICKS, -(-_MIN_HOPS // hops_per_tick))
    device = _Device(machine, plan)

    device.init(machine.address(f"anom_plan_{plan.name}"))
    hops, before = [], []
    for i in range(first + 1 + n):
        weight = _weight(plan, i - first - 1) if i > first else 0
        if weight:
            hops.append(device.measured_hop(i, weight))
        elif i == first - 1 > 0:
            before.append(device.measured_hop(i))  # used if every later hop has a tick
        else:
            device.hop(i)
        progress(i + 1, 2 * first + 2 + n)
    device.measured("gap", 2 * plan.samples_per_tick)
    device.measured("reset")

    device.init(device.raising())
    for i in range(first):
        device.hop(i)
        progress(first + 2 + n + i, 2 * first + 2 + n)
    device.measured_hop(first)
    progress(2 * first + 2 + n, 2 * first + 2 + n)
    return Measured(
        stages=tuple(sorted({stage_of(s) for s in machine.program.symbols if s.section == ".text"})),
        hops=hops,
        quiet=[hop for hop in hops if not hop.ticked] or before,
        stack_bytes=device.stack_bytes,
    )


class _Device:
    """Device that calls the functions of a pipeline as a product does."""

    def __init__(self, machine: Machine, plan: Plan) -> None:
        self._machine, self._plan = machine, plan
        self._noise = _noise(plan)
        self._pipeline = 0
        self._instructions: Counter[str] = Counter()
        self.stack_bytes = 0

    def init(self, plan: int) -> None:
        """Initialise the pipeline with the plan at an address."""
        memory = self._machine.program.symbol("memory")
        self._pipeline = self._machine.address("pipeline")
        status = self.measured("init", memory.address, memory.size, plan)
        assert status == 0, f"anom_pipeline_init gave {status}"
        (self._pipeline,) = struct.unpack("<I", self._machine.read("pipeline"))

    def raising(self) -> int:
        """Write a copy of the plan that raises an alarm at its first tick, and return its address."""
        plan = bytearray(self._machine.read(f"anom_plan_{self._plan.name}"))
        m, on_delay, raise_score = struct.unpack("<3I", self._machine.read(ADDED))
        for offset, value in ((m, 1), (on_delay, 0), (raise_score, 0)):
            struct.pack_into("<I", plan, offset, value)
        self._machine.write("raising", bytes(plan))
        return self._machine.address("raising")

    def hop(self, i: int) -> bool:
        """Run hop ``i`` without measuring; return True if it ran the model."""
        return self._hop(i, self._run)

    def measured_hop(self, i: int, weight: float = 1) -> Hop:
        """Run hop ``i`` and measure it."""
        self._instructions = instructions = Counter[str]()
        ticked = self._hop(i, self.measured)
        self._instructions = Counter()
        return Hop(ticked, instructions, weight)

    def measured(self, name: str, *arguments: int) -> int:
        """Call a function, and add its instructions and stack to the totals."""
        profile = self._machine.profile(f"anom_pipeline_{name}", self._pipeline, *arguments)
        for symbol, n in profile.functions.items():
            self._instructions[stage_of(symbol)] += n
        self.stack_bytes = max(self.stack_bytes, profile.stack_bytes)
        return profile.signed

    def _run(self, name: str, *arguments: int) -> int:
        return self._machine.run(f"anom_pipeline_{name}", self._pipeline, *arguments)

    def _hop(self, i: int, call: Callable[..., int]) -> bool:
        """Push the samples of hop ``i`` (the first hop takes a whole window), then poll; True if the model ran."""
        rows = self._plan.framer.hop if i else self._plan.framer.window
        self._machine.write("block", (self._noise[:rows] >> i % _LOUDNESSES).astype("<i2").tobytes())
        taken = call("push", self._machine.address("block"), rows)
        assert taken == rows, f"anom_pipeline_push took {taken} of {rows}"
        ticks = 0
        while (found := call("poll", self._machine.address("result"))) > 0:
            ticks += found == 1  # not an event without a tick
        return ticks > 0


def _weight(plan: Plan, i: int) -> float:
    """Number of hops that hop ``i`` after a tick stands for; 0 if another hop stands for it."""
    hops_per_frame, frames = plan.extractor.hops_per_frame, plan.context.stride
    enough = min(frames - 1, -(-_ENOUGH_HOPS // hops_per_frame))
    frame = i // hops_per_frame % frames
    if frame == frames - 1:
        return 1
    return (frames - 1) / enough if frame < enough else 0


def _most_rows(plan: Plan) -> int:
    return max(plan.framer.window, plan.framer.hop)


def _noise(plan: Plan) -> NDArray[np.int16]:
    """White noise over all of int16, from the raw bits of the generator, which no version of numpy changes.

    A diary gets values above 0: one with nothing but 0 lies on a table.
    """
    bits = np.random.PCG64(0).random_raw(_most_rows(plan) * plan.columns) & 0xFFFF
    if isinstance(plan.sensor, DiarySensorPlan):
        bits = bits & 0x7FFF | 0x4000
    return bits.astype(np.uint16).view(np.int16).reshape(-1, plan.columns)
