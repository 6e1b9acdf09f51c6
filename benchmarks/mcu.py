"""`make bench-mcu`: write the cost of the C port on microcontrollers, beside its peers, into firmware_port/README.md.

A count is the number of instructions of arm-none-eabi-gcc's code from entry to return of the named stage, the highest
of 100 inputs. It is taken in the emulator of anomsdk.mcu, or for cores that it lacks with a timer in QEMU. Both give
the same counts; `make test-boards` holds them to it.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import anomsdk
from anomsdk.core.duty import DutyPlan
from anomsdk.core.motion import FEATURES
from anomsdk.errors import InputError
from anomsdk.mcu import Machine
from anomsdk.mcu.stages import measure
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.train.models.network import Dense, Network
from anomsdk.train.models.quantise import quantise
from anomsdk.utils.files import write_atomically
from anomsdk.utils.terminal import Progress
from benchmarks import signals
from tests.support.board import BOARDS, BOARDS_FOLDER, Board, sources_of
from tests.support.ladder_costs import LadderCosts, with_ladder
from tests.support.make import ROOT, make_ad01, make_folder
from tests.support.sizes import callable_program, linked, stacks
from tests.support.supervised_models import supervised

README = ROOT / "firmware_port" / "README.md"
BEGIN, END = "<!-- bench-mcu -->", "<!-- /bench-mcu -->"
STAGES = Path(__file__).parent / "stages.c"

RUNS = 100
KNOWN = 2 * 100_000
"""Instructions of the loop in stages.c that calibrates the timer."""
LEVELS = ("-Os", "-O2")
SHAPE = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
"""Widths of the layers of MLPerf Tiny's model."""
MOTION_FEATURES = tuple(name for name, feature in FEATURES.items() if feature.axes == 3)
PORTABLE = ["-DANOM_PORTABLE"]
"""Compiler flags that leave the kernels out."""
ABSENT = "not measured: its file does not exist"

CMSIS_NN = "TensorFlow Lite Micro with CMSIS-NN"
MODEL = {"cortex-m4f": "582,997", "cortex-m3": "956,023", "cortex-m0": "1,763,714", "cortex-m55": "about 283,000"}
FRONT_END = {
    "cortex-m4f": "CMSIS-DSP q31 148,111, f32 on the FPU 73,120; microfrontend 202,282",
    "cortex-m0": "CMSIS-DSP q31 1,007,874; microfrontend 438,078",
}
FRONT_END_TABLES = "CMSIS-DSP q31 78,819, f32 9,104"
FRONT_END_RAM = "CMSIS-DSP q31 12,800, f32 8,704; microfrontend 24,528"
MODEL_CODE = "28,280 to 32,052 for the model alone"
WHOLE_RAM = "CMSIS-DSP q31 12,800 and, for the model, about 2,980"
"""Costs of the peers, counted once in the same way; the text under the table explains them."""

NAMES = {
    "cortex-m0": "Cortex-M0",
    "cortex-m3": "Cortex-M3",
    "cortex-m4f": "Cortex-M4",
    "cortex-m55": "Cortex-M55 (MVE)",
    "rv32imc": "rv32imc",
}


@dataclass(frozen=True)
class Row:
    """A line of the table: the quantity, the peer's cost, and ours at each optimisation level of `LEVELS`."""

    what: str
    peer: str
    ours: tuple[str, ...]

    def __str__(self) -> str:
        return f"| {' | '.join([self.what, self.peer, *self.ours])} |"


class Bench:
    """All measurements. Each program is compiled once.

    Parameters
    ----------
    folder : folder to build in
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._machines: dict[tuple[str, str, str], Machine] = {}
        self.audio_scene = anomsdk.reference_model("audio_scene")

    @cached_property
    def ad01(self) -> anomsdk.Plan | None:
        """Plan of MLPerf Tiny's model, or None if its file does not exist."""
        if not signals.AD01.exists():
            return None
        (self._folder / "ad01").mkdir()
        return make_ad01(self._folder / "ad01", signals.AD01)

    @cached_property
    def shape(self) -> anomsdk.Plan:
        """Plan with a model of the same shape that our quantiser made."""
        (self._folder / "shape").mkdir()
        return own_plan(self._folder / "shape")

    def model_row(self, which: str, name: str, *, own: bool = False) -> list[Row]:
        """Row with the instructions of `anom_autoencoder_run`."""
        plan = self.shape if own else self.ad01
        what = f"model, {which}, {NAMES[name]}, instructions"
        if plan is None:
            return [Row(what, MODEL[name], (ABSENT,) * len(LEVELS))]
        most = self.most_by_timer if name == "cortex-m55" else self.most_of_model
        return [Row(what, MODEL[name], tuple(f"{most(plan, name, level):,}" for level in LEVELS))]

    def front_end_row(self, name: str) -> list[Row]:
        """Row with the instructions of the extractor's `levels`, without normalisation."""
        counts = tuple(f"{self._most_of_levels(name, level):,}" for level in LEVELS)
        return [Row(f"log-mel, 1024/512/128, {NAMES[name]}, instructions a hop", FRONT_END[name], counts)]

    def front_end_bytes_rows(self) -> list[Row]:
        """Rows with the bytes of the tables of FFT, filter bank and logarithm, and the RAM of window and extractor."""
        machine = self._machine(self.shape, "cortex-m4f", "-Os")
        in_plan = tuple(f"plan_{self.shape.name}_tables_{stem}" for stem in ("fft", "filterbank"))
        in_code = ("anom_fft.c", "anom_filterbank.c", "anom_fixed.c")
        tables = sum(
            symbol.size
            for symbol in machine.program.symbols
            if symbol.section == ".rodata" and (symbol.name.startswith(in_plan) or symbol.source in in_code)
        )
        ram = 2 * self.shape.framer.window + machine.run("extractor_bytes")
        return [
            Row("its tables, bytes", FRONT_END_TABLES, (f"{tables:,}",) * 2),
            Row("its RAM with the samples, bytes", FRONT_END_RAM, (f"{ram:,}",) * 2),
        ]

    @cached_property
    def motion(self) -> anomsdk.Plan:
        """Plan of all features of three axes at 50 Hz, with a small model."""
        (self._folder / "motion").mkdir()
        return motion_plan(self._folder / "motion")

    def chain_row(self) -> list[Row]:
        """Row with the instructions of all pushes and polls for a second of sound, averaged over whole ticks."""
        ours = tuple(f"{self._second(self.audio_scene, level):,}" for level in LEVELS)
        return [Row("`audio_scene`, whole chain, Cortex-M4, instructions a second of sound", "", ours)]

    def code_row(self) -> list[Row]:
        """Row with the bytes of code of a program that runs the whole chain."""
        codes = [
            linked(at_level("cortex-m4f", level), self.audio_scene, self._folder / f"code{level}").code
            for level in LEVELS
        ]
        what = "`audio_scene`, code with alert, Cortex-M4, bytes"
        return [Row(what, MODEL_CODE, tuple(f"{code:,}" for code in codes))]

    def motion_rows(self) -> list[Row]:
        """Rows with instructions, code, state and scratch of a plan for motion, with and without kernels."""
        what = f"motion, 50 Hz, 3 axes, all {len(MOTION_FEATURES)} features of 2 s every second, Cortex-M4"
        ram = anomsdk.emit_c(self.motion, self._folder / "ram_motion").ram_bytes
        return [
            *self._watching_rows(what, self.motion, []),
            Row("its state and scratch, bytes", "", (f"{ram:,}",) * 2),
            *self._watching_rows("the same, `-DANOM_PORTABLE`", self.motion, PORTABLE),
        ]

    def human_motion_rows(self) -> list[Row]:
        """Rows with the costs of a reference model without a spectrum."""
        plan = anomsdk.reference_model("human_motion")
        what = f"`human_motion`, {plan.rate_hz:g} Hz, {len(plan.extractor.features)} features, Cortex-M4"
        ram = anomsdk.emit_c(plan, self._folder / "ram_human_motion").ram_bytes
        return [
            *self._watching_rows(what, plan, []),
            Row("its state and scratch, bytes", "", (f"{ram:,}",) * 2),
            *self._watching_rows("the same, `-DANOM_PORTABLE`", plan, PORTABLE),
        ]

    def supervised_rows(self) -> list[Row]:
        """Rows with what an alarm and a health section add to two reference models."""
        rows = []
        for name in ("audio_scene", "human_motion"):
            plain, alarm, both = (_supervised(name, health=health) for health in (None, False, True))
            values = plain.framer.hop * plain.columns
            codes, counts = self._codes(plain), self._hops(plain)
            for what, plan in (("`[alarm]`", alarm), ("`[alarm]` and `[health]`", both)):
                code = zip(self._codes(plan), codes, strict=True)
                rows.append(Row(f"`{name}`, {what} add code, bytes", "", tuple(f"{a - b:,}" for a, b in code)))
            second = round(plain.rate_hz)
            lasting = replace(both, duty=DutyPlan(10 * second, 60 * second), folder=None)
            code = zip(self._codes(lasting, ["-DRECORDS"]), self._codes(both), strict=True)
            rows.append(Row("save, restore and duty add code, bytes", "", tuple(f"{a - b:,}" for a, b in code)))
            ram = self._ram(both) - self._ram(plain)
            more = zip(self._hops(both), counts, strict=True)
            rows.append(Row(f"both add state, bytes ({plain.columns} columns)", "", (f"{ram:,}",) * 2))
            rows.append(
                Row(f"both add instructions a hop ({values} new values)", "", tuple(f"{a - b:,.0f}" for a, b in more))
            )
        return rows

    def ladder_rows(self) -> list[Row]:
        """Rows with what a ladder of 24 rungs adds to a plan with an alarm, and the most of one tick."""
        plain = _supervised("audio_scene", health=False)
        plan = with_ladder(plain)
        codes, base = self._codes(plan, ["-DLADDER"]), self._codes(plain)
        unsaved = self._codes(plan, ["-DLADDER", "-DANOM_WITHOUT_RECORDS"])
        rows = [_difference("`[ladder]`, calibrate and set_level add code, bytes", unsaved, base)]
        rows.append(_difference("its part of a record adds code, bytes", codes, unsaved))
        rows.append(_difference("export adds code, bytes", self._codes(plan, ["-DLADDER", "-DEXPORTS"]), codes))
        orders = self._codes(plan, ["-DLADDER", "-DDOWNLINKS"])
        rows.append(_difference("a downlink of a level adds code, bytes", orders, codes))
        ram = self._ram(plan) - self._ram(plain)
        rows.append(Row(f"a ladder of {plan.ladder.n_rungs} rungs adds state, bytes", "", (f"{ram:,}",) * 2))
        costs = [LadderCosts(plan, self._folder / f"ladder{level}", level) for level in LEVELS]
        rest = tuple(f"{each.at_rest():,}" for each in costs)
        most = tuple(f"{each.most():,}" for each in costs)
        rows.append(Row("it adds instructions a tick, all rungs at rest", "", rest))
        rows.append(Row("it adds instructions a tick at most, but for a broken promise", "", most))
        broken = tuple(f"{each.broken():,}" for each in costs)
        rows.append(Row("of the tick that breaks a promise of alarms", "", broken))
        by_a_day = tuple(f"{each.broken_by_a_day():,}" for each in costs)
        rows.append(Row("of the tick at a day's end that breaks a promise of alarm-days", "", by_a_day))
        differ = tuple(f"{each.of_any_hits():,}" for each in costs)
        at_once = tuple(f"{each.of_all_at_once():,}" for each in costs)
        rows.append(
            Row("of a tick in which all rungs raise and their hits differ, as a long on-delay allows", "", differ)
        )
        rows.append(Row("the same where a promise breaks and a day before has not been counted", "", at_once))
        return rows

    def _codes(self, plan: anomsdk.Plan, flags: Sequence[str] = ()) -> list[int]:
        folder, boards = (
            self._folder / f"code_{plan.id}{''.join(flags)}",
            [at_level("cortex-m4f", level) for level in LEVELS],
        )
        return [
            linked(with_flags(board, flags), plan, folder / level).code
            for board, level in zip(boards, LEVELS, strict=True)
        ]

    def _ram(self, plan: anomsdk.Plan) -> int:
        return anomsdk.emit_c(plan, self._folder / f"ram_{plan.id}").ram_bytes

    def _hops(self, plan: anomsdk.Plan) -> list[float]:
        """Instructions a hop on average, at each optimisation level."""
        folder, hops = self._folder / f"hops_{plan.id}", plan.rate_hz / plan.framer.hop
        return [self._second_on(at_level("cortex-m4f", level), plan, folder / level) / hops for level in LEVELS]

    def _watching_rows(self, what: str, plan: anomsdk.Plan, flags: list[str]) -> list[Row]:
        """Rows with the instructions of a second and the bytes of code, compiled with additional flags."""
        folder = self._folder / f"watching_{plan.name}{''.join(flags)}"
        boards = [with_flags(at_level("cortex-m4f", level), flags) for level in LEVELS]
        programs = [linked(board, plan, folder / board.optimise) for board in boards]
        seconds = [self._second_on(board, plan, folder / f"second{board.optimise}") for board in boards]
        return [
            Row(f"{what}, instructions a second", "", tuple(f"{count:,}" for count in seconds)),
            Row("its code with alert, bytes", "", tuple(f"{each.code:,}" for each in programs)),
            Row("of these, C library and compiler", "", tuple(f"{each.runtime:,}" for each in programs)),
        ]

    def ram_rows(self) -> list[Row]:
        """Rows with the bytes of state and scratch."""
        scene, shape = (
            anomsdk.emit_c(plan, self._folder / f"ram_{plan.name}").ram_bytes for plan in (self.audio_scene, self.shape)
        )
        return [
            Row("`audio_scene`, state and scratch, bytes", "", (f"{scene:,}",) * 2),
            Row("1024/512/128 x 5 with ad01's shape, state and scratch, bytes", WHOLE_RAM, (f"{shape:,}",) * 2),
        ]

    def jobs(self) -> list[Callable[[], list[Row]]]:
        """Functions that give the rows, in the order of the table."""
        return [
            *(partial(self.model_row, "MLPerf Tiny's ad01", name) for name in MODEL),
            partial(self.model_row, "the same shape, our quantiser", "cortex-m4f", own=True),
            *(partial(self.front_end_row, name) for name in FRONT_END),
            self.front_end_bytes_rows,
            self.chain_row,
            self.code_row,
            self.ram_rows,
            self.motion_rows,
            self.human_motion_rows,
            self.supervised_rows,
            self.ladder_rows,
        ]

    def sizes(self) -> list[str]:
        """Lines of the table with the sizes of `audio_scene` on each core, at -Os."""
        names = ("cortex-m0", "cortex-m4f", "rv32imc")
        programs = [linked(BOARDS[name], self.audio_scene, self._folder / f"size_{name}") for name in names]
        own = [f"anom_{self.audio_scene.extractor.kind}"]
        depths = [stacks(BOARDS[name], self._folder / f"stack_{name}", own) for name in names]
        numbers = {
            "code, bytes": [each.code for each in programs],
            "of these, C library and compiler": [each.runtime for each in programs],
            "tables and model, bytes": [each.data for each in programs],
            "RAM: state and scratch, bytes": [each.ram for each in programs],
            "stack of `anom_pipeline_poll`, bytes": [each.functions["anom_pipeline_poll"] for each in depths],
            "stack of `anom_selftest`, bytes": [each.selftest for each in depths],
        }
        return [
            f"| | {' | '.join(NAMES[name] for name in names)} |",
            f"|---|{'---:|' * len(names)}",
            *(f"| {what} | {' | '.join(f'{n:,}' for n in each)} |" for what, each in numbers.items()),
        ]

    def _machine(self, plan: anomsdk.Plan, name: str, level: str) -> Machine:
        key = plan.name, name, level
        if key not in self._machines:
            self._machines[key] = self._made(plan, name, level)
        return self._machines[key]

    def _made(self, plan: anomsdk.Plan, name: str, level: str) -> Machine:
        folder = self._folder / f"{plan.name}_{name}{level}"
        sources, flags = stage_sources(plan, folder / "emitted")
        keep = ["model", "inputs", "outputs", "hidden", "window", "extractor", "begin", "extractor_bytes", "fill"]
        program = at_level(name, level).program(
            sources, folder, [*flags, *(f"-Wl,--undefined={each}" for each in keep)]
        )
        return Machine(program.read_bytes(), name.removesuffix("f"))

    def most_of_model(self, plan: anomsdk.Plan, name: str, level: str) -> int:
        machine = self._machine(plan, name, level)
        arguments = [pointer(machine, each) for each in ("model", "inputs", "outputs", "hidden")]
        most = 0
        for i in range(RUNS):
            machine.run("fill", i)
            most = max(most, machine.call("anom_autoencoder_run", *arguments).instructions)
        return most

    def most_by_timer(self, plan: anomsdk.Plan, name: str, level: str) -> int:
        folder = self._folder / f"{plan.name}_{name}{level}_timer"
        board = at_level(name, level)
        sources, flags = stage_sources(plan, folder / "emitted")
        status, lines = board.run(board.program(sources, folder, flags), "-icount", "shift=6")
        ticks = {what: int(number) for what, number in map(str.split, lines)}
        assert status == 0
        return round((ticks["most"] - ticks["nothing"]) * KNOWN / (ticks["known"] - ticks["nothing"]))

    def _most_of_levels(self, name: str, level: str) -> int:
        machine = self._machine(self.shape, name, level)
        levels = machine.program.symbol_at(machine.run("begin") & ~1)
        assert levels is not None and machine.address(levels.name) == levels.address
        extractor, window = machine.address("extractor"), pointer(machine, "window")
        memory = pointer(machine, "inputs")
        most = 0
        for samples in windows(self.shape.framer.window):
            machine.write_at(window, samples.astype("<i2").tobytes())
            most = max(most, machine.call(levels.name, extractor, window, memory).instructions)
        return most

    def _second(self, plan: anomsdk.Plan, level: str) -> int:
        return self._second_on(at_level("cortex-m4f", level), plan, self._folder / f"chain_{plan.name}{level}")

    def _second_on(self, board: Board, plan: anomsdk.Plan, folder: Path) -> int:
        emitted = anomsdk.emit_c(plan, folder / "emitted")
        sources = [*sorted((emitted.folder / "src").glob("*.c")), emitted.folder / f"anom_plan_{plan.name}.c"]
        upper, values = plan.name.upper(), plan.framer.window * plan.columns
        flags = [f"-I{emitted.folder}", "-include", f"anom_plan_{plan.name}.h"]
        flags += [f"-DPLAN_BYTES=ANOM_PLAN_{upper}_BYTES", f"-DBLOCK_VALUES={values}"]
        keep = [f"anom_pipeline_{each}" for each in ("init", "push", "poll", "gap", "reset")]
        keep += ["memory", "block", "pipeline", "result", "raising", "raised_by", f"anom_plan_{plan.name}"]
        sources.append(BOARDS_FOLDER / "footprint.c")
        program = callable_program(board, sources, folder, flags, keep)
        hops = measure(Machine(program.read_bytes(), "cortex-m4"), plan, lambda done, total: None).hops
        each = sum(hop.instructions.total() for hop in hops) / len(hops)
        return round(each * plan.rate_hz / plan.framer.hop)


def _difference(what: str, ours: Sequence[int], without: Sequence[int]) -> Row:
    return Row(what, "", tuple(f"{a - b:,}" for a, b in zip(ours, without, strict=True)))


def _supervised(name: str, *, health: bool | None) -> anomsdk.Plan:
    """Plan a reference model with the defaults of the alarm section, and of health; None: without both."""
    if health is None:
        return anomsdk.reference_model(name)
    return supervised(name, alarm={}, health={} if health else None)[0]


def stage_sources(plan: anomsdk.Plan, folder: Path) -> tuple[list[Path], list[str]]:
    """Sources of a plan with stages.c, and compiler flags."""
    sources, flags = sources_of(plan, folder)
    return [*sources, STAGES], [*flags, f"-DN_INPUTS={plan.n_inputs}", f"-DRUNS={RUNS}"]


def at_level(name: str, level: str) -> Board:
    """Copy of a board with another optimisation level."""
    return replace(BOARDS[name], optimise=level)


def with_flags(board: Board, flags: Sequence[str]) -> Board:
    """Copy of a board with additional flags for compiler and linker."""
    return replace(board, compiler=(*board.compiler, *flags))


def pointer(machine: Machine, name: str) -> int:
    """Read the value of a constant pointer."""
    return int(struct.unpack("<I", machine.read(name))[0])


def own_plan(folder: Path) -> anomsdk.Plan:
    """Make the plan of MLPerf Tiny with a model of our quantiser: the same shape, random weights."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((1000, SHAPE[0]))
    pairs = list(pairwise(SHAPE))
    network = Network(
        tuple(
            Dense(
                rng.standard_normal((n_in, n_out)) * np.sqrt((2 if i < len(pairs) - 1 else 1) / n_in),
                rng.standard_normal(n_out) / 10,
                relu=i < len(pairs) - 1,
            )
            for i, (n_in, n_out) in enumerate(pairs)
        )
    )
    path = folder / "shape.tflite"
    path.write_bytes(write_tflite(quantise(network, inputs, 4 / 127)))
    plan = make_ad01(folder, path)
    normalisation = replace(plan.extractor.normalisation, low=-127)  # as train plans it
    return replace(plan, name="shape", extractor=replace(plan.extractor, normalisation=normalisation))


def motion_plan(folder: Path) -> anomsdk.Plan:
    """Make a plan with all features of three axes and an untrained model."""
    spec = f"""format = 1
name = "motion"
[sensor]
kind = "motion"
rate_hz = 50
counts_per_g = 2048
[features]
kind = "motion"
window_s = 2
hop_s = 1
select = {json.dumps(MOTION_FEATURES)}
[context]
kind = "summary"
frames = 4
[alert]
raise_score = 1000
"""
    return anomsdk.plan(make_folder(folder, spec))


def windows(length: int) -> list[np.ndarray]:
    """Make 100 windows: speech-like and other sounds at several levels, silence, full scale."""
    found = [
        samples[start : start + length]
        for samples in signals.synthetic(seconds=1).values()
        for start in (0, 3000, 7000, 11000)
    ]
    square = np.where(np.arange(length) & 64, 32767, -32768)
    found += [np.zeros(length), np.full(length, -32768), square, np.where(np.arange(length) & 1, 32767, -32768)]
    assert len(found) == RUNS
    return [each.astype(np.int16) for each in found]


def report(rows: list[Row], sizes: list[str]) -> str:
    """Text between the marks of the README."""
    return "\n".join(
        [
            BEGIN,
            "<!-- Generated by `make bench-mcu`. Do not edit. -->",
            "",
            f"| | {CMSIS_NN}, or the peer that is named | ours, {' | ours, '.join(f'`{each}`' for each in LEVELS)} |",
            "|---|---:|---:|---:|",
            *map(str, rows),
            "",
            "`audio_scene`, whole chain with alert, at `-Os`:",
            "",
            *sizes,
            "",
            "Compilers and flags, besides `-std=c99 -ffunction-sections -fdata-sections` and `--gc-sections`:",
            "",
            *(f"- {NAMES[name]}: {compiled_by(BOARDS[name])}" for name in NAMES),
            "",
            END,
        ]
    )


def compiled_by(board: Board) -> str:
    """Words for a board's compiler: name, version and the flags that choose the processor."""
    name, *flags = board.compiler
    version = subprocess.run([name, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{name} {version}, `{' '.join(flags)}`"


def rewritten(page: str, text: str) -> str:
    """Replace the text between the marks of a page."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{README}: the lines {BEGIN} and {END} are missing; put them where the table belongs")
    return before + text + after


def main() -> int:
    """Measure, print, and write the table into the README."""
    absent = sorted({tool for name in NAMES for tool in BOARDS[name].tools if shutil.which(tool) is None})
    if absent:
        print(f"error: {', '.join(absent)}: not found; make system installs what is needed", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        jobs, rows = bench.jobs(), list[Row]()
        with Progress(len(jobs) + 1) as progress:
            for done, job in enumerate(jobs):
                rows += job()
                progress.update(done + 1)
            text = report(rows, bench.sizes())
    print(text)
    if bench.ad01 is None:
        print(f"error: {signals.AD01}: no such file; {README} was not changed", file=sys.stderr)
        return 1
    write_atomically(README, rewritten(README.read_text("utf-8"), text).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
