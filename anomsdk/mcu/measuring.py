"""Footprint of a plan on a processor core: flash, RAM, stack and instructions, measured by compiling and running it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from anomsdk.core.plan import Plan
from anomsdk.cport.layout import layout
from anomsdk.errors import InputError
from anomsdk.mcu.emit import emit_c
from anomsdk.mcu.emulate import Machine
from anomsdk.mcu.program import Program
from anomsdk.mcu.stages import ADDED, OPTIMISE, Hop, measure, plan_file, watching_program
from anomsdk.mcu.targets import find_target
from anomsdk.plans.radio import RadioDay, radio_day
from anomsdk.plans.radio import line as radio_line
from anomsdk.utils.text import counted, table

_FLASH = (".text", ".rodata", ".data")


@dataclass(frozen=True)
class Flash:
    """Bytes of flash.

    Parameters
    ----------
    code : everything that is linked except the plan: functions and constants, also of the compiler's library
    tables : plan without its model: arrays of features, context, score and reasons, and all structs
    model : weights, biases, multipliers and shifts
    """

    code: int
    tables: int
    model: int

    @property
    def total(self) -> int:
        """Sum of all flash."""
        return self.code + self.tables + self.model


@dataclass(frozen=True)
class Ram:
    """Bytes of RAM.

    Parameters
    ----------
    state : memory that is kept from hop to hop; state and scratch together are ANOM_PLAN_..._BYTES
    scratch : memory that is wiped after every hop
    stack : largest depth of the stack in all calls that were run
    """

    state: int
    scratch: int
    stack: int

    @property
    def total(self) -> int:
        """Sum of all RAM."""
        return self.state + self.scratch + self.stack


@dataclass(frozen=True)
class Footprint:
    """Flash, RAM and instructions that a plan takes on a processor core.

    Instructions are not cycles: a core takes one to a few cycles for each, depending on its kind and on the speed of
    the flash. A stage has the name of its source, ``anom_<stage>.c`` beside ``anomsdk/core/<stage>.py``; ``library`` is
    the compiler's library. Instructions of a hop are those of `anom_pipeline_push` with the samples of one hop, and of
    `anom_pipeline_poll` until it returns 0.

    Parameters
    ----------
    plan, target : their names
    compiler : compiler with its version, and the level of optimisation
    flash, ram : bytes of each kind
    hops_per_second : hops of the plan a second
    hops, ticks : numbers that were measured; in a long tick some hops stand for those after them, which are alike
    mean_hop : stage -> instructions of a hop, for all stages that are linked; mean over a whole number of ticks
    quiet_hop : stage -> instructions of a hop, mean of hops without a tick; None if every hop has one
    tick_hop : stage -> instructions of a hop, mean of hops with a tick
    worst_hop : stage -> instructions of the hop that takes the most
    radio : events of a day
    """

    plan: str
    target: str
    compiler: str
    flash: Flash
    ram: Ram
    hops_per_second: float
    hops: int
    ticks: int
    mean_hop: dict[str, int]
    quiet_hop: dict[str, int] | None
    tick_hop: dict[str, int]
    worst_hop: dict[str, int]
    radio: RadioDay

    @property
    def mhz(self) -> float:
        """Millions of instructions a second on average: the clock in MHz of a core with one cycle an instruction."""
        return self._mhz(self.mean_hop)

    @property
    def worst_mhz(self) -> float:
        """Clock in MHz, with one cycle an instruction, at which even the worst hop is done before the next one."""
        return self._mhz(self.worst_hop)

    @property
    def dominant(self) -> tuple[str, float]:
        """Stage that takes most instructions of a mean hop, and its share of them, 0 to 1."""
        stage = max(self.mean_hop, key=lambda name: self.mean_hop[name])
        return stage, self.mean_hop[stage] / sum(self.mean_hop.values())

    def _mhz(self, hop: dict[str, int]) -> float:
        return sum(hop.values()) * self.hops_per_second / 1e6


def footprint(plan: Plan, target: str, *, progress: Callable[[int, int], None] = lambda done, total: None) -> Footprint:
    """Measure flash, RAM and instructions of a plan on a processor core.

    The sources that `anomsdk.emit_c` writes are compiled with the clang of the package ziglang at ``-Os``, linked
    with ``--gc-sections`` and without the self-test, and run in an emulator on noise that is loud and soft in turn.
    The same plan and the same ziglang give the same numbers.

    Parameters
    ----------
    plan : Plan
    target : name of one of `anomsdk.mcu.TARGETS`
    progress : called with the number of hops done and of all hops; with 0 and 1 before the plan is compiled

    Returns
    -------
    Footprint

    Raises
    ------
    InputError : the target is unknown, ziglang, unicorn or pyelftools is missing, or the plan cannot be emitted

    Examples
    --------
    >>> import anomsdk
    >>> from anomsdk.mcu import footprint
    >>> found = footprint(anomsdk.reference_model("audio_scene"), "cortex-m4")
    >>> found.ram.state + found.ram.scratch, found.flash.model
    (3576, 8230)
    >>> found.flash.code < 8200 and found.mhz < 10
    True
    """
    core = find_target(target)
    _check_tools()
    progress(0, 1)
    with tempfile.TemporaryDirectory() as folder:
        emitted = emit_c(plan, Path(folder) / plan.name)
        machine = Machine(watching_program(plan, emitted, core.name), core.name)
    measured = measure(machine, plan, progress)
    ticks = [hop for hop in measured.hops if hop.ticked]
    worst = max(measured.hops, key=lambda hop: hop.instructions.total())
    scratch = layout(plan).scratch
    return Footprint(
        plan=plan.name,
        target=core.name,
        compiler=f"clang of ziglang {importlib.metadata.version('ziglang')}, {OPTIMISE}",
        flash=_flash(machine.program, plan, emitted.model_bytes),
        ram=Ram(state=emitted.ram_bytes - scratch, scratch=scratch, stack=measured.stack_bytes),
        hops_per_second=plan.rate_hz / plan.framer.hop,
        hops=len(measured.hops),
        ticks=len(ticks),
        mean_hop=_mean(measured.hops, measured.stages),
        quiet_hop=_mean(measured.quiet, measured.stages) if measured.quiet else None,
        tick_hop=_mean(ticks, measured.stages),
        worst_hop=_mean([worst], measured.stages),
        radio=radio_day(plan),
    )


def _check_tools() -> None:
    """Refuse to begin if the compiler or the emulator is missing."""
    for module in ("ziglang", "unicorn", "elftools"):
        if importlib.util.find_spec(module) is None:
            raise InputError("compiler and emulator for microcontrollers are missing here: pip install 'anomsdk[mcu]'")


def as_json(found: Footprint) -> dict[str, Any]:
    """Make the JSON values of ``anomsdk footprint --json``; ``mhz`` has three significant digits."""
    return {
        "target": found.target,
        "flash_bytes": asdict(found.flash),
        "ram_bytes": asdict(found.ram),
        "instructions_per_hop": {"total": sum(found.mean_hop.values()), **found.mean_hop},
        "mhz": float(f"{found.mhz:.3g}"),
        "radio_a_day": asdict(found.radio),
    }


def as_text(found: Footprint) -> str:
    """Format a footprint as ``anomsdk footprint`` prints it."""
    flash, ram = found.flash, found.ram
    stage, share = found.dominant
    measured = f"{counted(found.hops, 'hop')}, {counted(found.ticks, 'tick')}"
    return "\n".join(
        [
            f"{found.plan} on {found.target}, compiled by {found.compiler}",
            "",
            f"flash  {flash.total:>10,} bytes: code {flash.code:,}, tables {flash.tables:,}, model {flash.model:,}",
            f"RAM    {ram.total:>10,} bytes: state {ram.state:,}, scratch {ram.scratch:,}, stack {ram.stack:,}",
            f"MHz    {found.mhz:>10.3g} on average; {found.worst_mhz:.3g} if a hop must be done before the next comes",
            f"most   {share:>10.0%} of all instructions are those of {stage}",
            f"radio  {radio_line(found.radio)}",
            "",
            _hops_table(found),
            "",
            f"Counted in {measured}. Instructions are not cycles: a core takes one to a few for each, and",
            "waits for slow flash. The MHz are those of a core that takes one.",
        ]
    )


def _hops_table(found: Footprint) -> str:
    """Format the instructions by stage, the largest first; a stage that ran in no hop is left out."""
    columns = {"mean hop": found.mean_hop}
    if found.quiet_hop is not None:
        quiet = found.quiet_hop
        adds = {stage: n - quiet[stage] for stage, n in found.tick_hop.items()}
        columns |= {"without a tick": quiet, "a tick adds": adds}
    columns["worst hop"] = found.worst_hop
    stages = sorted(found.mean_hop, key=lambda stage: -found.mean_hop[stage])
    rows = [[stage, *(f"{hop[stage]:,}" for hop in columns.values())] for stage in stages]
    rows = [row for row in rows if set(row[1:]) != {"0"}]
    total = ["total", *(f"{sum(hop.values()):,}" for hop in columns.values())]
    return table([["instructions", *columns], *rows, total], right=range(1, len(columns) + 1))


def _flash(program: Program, plan: Plan, model: int) -> Flash:
    """Divide the linked bytes into code, tables and model; padding between variables counts as code."""
    kept = [symbol for symbol in program.symbols if symbol.section in _FLASH]
    own = sum(s.size for s in kept if s.source == plan_file(plan) or s.name == f"anom_plan_{plan.name}")
    linked = sum(program.section_bytes.get(name, 0) for name in _FLASH)
    return Flash(code=linked - own - program.symbol(ADDED).size, tables=own - model, model=model)


def _mean(hops: Sequence[Hop], stages: Sequence[str]) -> dict[str, int]:
    """Mean instructions by stage, rounded by largest remainders, so that they add up to the rounded mean of all."""
    n = sum(hop.weight for hop in hops)
    exact = {stage: sum(hop.weight * hop.instructions[stage] for hop in hops) / n for stage in stages}
    mean = {stage: int(value) for stage, value in exact.items()}
    missing = round(sum(exact.values())) - sum(mean.values())
    for stage in sorted(stages, key=lambda stage: mean[stage] - exact[stage])[:missing]:
        mean[stage] += 1
    return mean
