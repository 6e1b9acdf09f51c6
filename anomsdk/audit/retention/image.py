"""Memory of a native pipeline after known samples, compared byte by byte with the retention table.

A byte is accounted for if it is what the samples make it, or what it was before any sample came, or if it differs
between two signals only where the table says that it comes from the signal.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.retention.expectation import Expectation, unsettled
from anomsdk.audit.retention.kept import Holds
from anomsdk.audit.retention.table import Field, table
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.engines.native import CPlan
from anomsdk.runtime.native_module import load_native

BEFORE = (0xA5, 0x5A)
"""Bytes that fill the memory before the pipeline begins in it, for each of the two signals."""
_SAME = {Holds.POINTER, Holds.CONFIGURATION, Holds.PADDING}
_TIMED = {Holds.SAMPLES, Holds.ONE_SAMPLE, Holds.STATISTICS, Holds.ENERGIES, Holds.FEATURES, Holds.NOTHING}
_POSITIONS = {Holds.POSITION, Holds.INPUTS, Holds.NOTHING}
_LONGEST_MS = 600_000
"""Longest time in ms that `outlived` waits for: below the slot of any diary, whose fields it leaves out."""


@dataclass(frozen=True)
class Compared:
    """Outcome of a comparison of memory with the table.

    Parameters
    ----------
    moments : moments at which the memory was read: after blocks, gaps and resets
    bytes : bytes of the memory
    exact : bytes that were compared with an expected value at each moment
    of_signal : names of fields without an expected value, in which two signals may differ
    wrong : (moment, name of a field, what is wrong), in the order in which they were found
    """

    moments: int
    bytes: int
    exact: int
    of_signal: tuple[str, ...]
    wrong: tuple[tuple[str, str, str], ...]


class NativePipeline:
    """Pipeline of the C port whose memory can be read.

    Parameters
    ----------
    plan : Plan

    Raises
    ------
    InputError : engine native was not built here, or the machine is big-endian
    """

    def __init__(self, plan: Plan) -> None:
        module = load_native()
        if sys.byteorder != "little":
            raise InputError("the memory image is compared on little-endian machines only; run it on one")
        plan.check()  # C trusts every size
        self._ffi, self._lib, self._columns = module.ffi, module.lib, plan.columns
        self._c_plan = CPlan(plan, module)
        self._memory = self._c_plan.memory()
        self._result = self._ffi.new("anom_result *")
        self.pointer_bytes = int(self._ffi.sizeof("void *"))

    def begin(self, before: int) -> None:
        """Fill the memory with a byte, and begin a pipeline in it."""
        self._memory.fill(before)
        made = self._ffi.new("anom_pipeline **")
        memory = self._ffi.from_buffer(self._memory, require_writable=True)
        status = self._lib.anom_pipeline_init(made, memory, len(memory), self._c_plan.pointer)
        assert status == 0, f"anom_pipeline_init gave {status}"
        self._pipeline = made[0]

    def push(self, block: NDArray[np.int16]) -> None:
        """Take samples (n, columns) and do all that is due."""
        samples = self._ffi.from_buffer("int16_t[]", np.ascontiguousarray(block))
        left = len(block)
        self._poll()
        while left > 0:
            at = samples + (len(block) - left) * self._columns
            left -= self._lib.anom_pipeline_push(self._pipeline, at, left)
            self._poll()

    def gap(self, n: int) -> None:
        """Lose ``n`` samples, 1 or more."""
        self._lib.anom_pipeline_gap(self._pipeline, n)
        self._poll()

    def reset(self) -> None:
        """Wipe the pipeline and let it begin anew."""
        self._lib.anom_pipeline_reset(self._pipeline)

    def image(self) -> NDArray[np.uint8]:
        """Return a copy of the memory."""
        return self._memory.copy()

    def _poll(self) -> None:
        while self._lib.anom_pipeline_poll(self._pipeline, self._result) > 0:
            pass


def compare(plan: Plan, *, seed: int = 0, fields: Sequence[Field] | None = None) -> Compared:
    """Run a native pipeline over two known signals, and compare its memory with the retention table at each moment.

    Parameters
    ----------
    plan : Plan
    seed : of the signals and of the lengths of their blocks, 0 or more
    fields : table that is compared; None: that of the plan

    Raises
    ------
    InputError : engine native was not built here, or the machine is big-endian
    """
    pipeline = NativePipeline(plan)
    rows = table(plan, pipeline.pointer_bytes) if fields is None else tuple(fields)
    steps = _steps(plan, seed)
    wrong: list[tuple[str, str, str]] = []
    images: list[list[NDArray[np.uint8]]] = []
    exact: set[str] = set()
    starts: list[NDArray[np.uint8]] = []
    for signal, before in enumerate(BEFORE):
        pipeline.begin(before)
        start = pipeline.image()
        starts.append(start)
        expectation = Expectation(plan)
        images.append([])
        samples = _signal(plan, sum(step for step in steps if step > 0), seed, signal)
        at = 0
        for number, step in enumerate(steps):
            if step > 0:
                expectation.push(samples[at : at + step])
                pipeline.push(samples[at : at + step])
                at += step
            else:
                expectation.gap(-step)
                pipeline.gap(-step)
            image = pipeline.image()
            images[signal].append(image)
            found, compared = _wrong(rows, image, start, expectation.fields())
            wrong += [(f"signal {signal}, step {number}", name, what) for name, what in found]
            exact |= compared
        pipeline.reset()
        again = _different(rows, pipeline.image(), start)
        wrong += [("after a reset", name, "is not what it was at the start") for name in again]
    declared = [row for row in rows if not row.holds.is_of_signal and row.holds != Holds.PADDING]
    again = _different([row for row in rows if row.holds != Holds.PADDING], *starts)
    wrong += [("at the start", name, "keeps what the memory held before") for name in again]
    for number, (one, other) in enumerate(zip(*images, strict=True)):
        for name in _different(declared, one, other):
            wrong.append((f"step {number}", name, "differs between two signals, against the table"))
    return Compared(
        moments=2 * (len(steps) + 2),
        bytes=rows[-1].end,
        exact=sum(row.size for row in rows if row.name in exact),
        of_signal=tuple(row.name for row in rows if row.name not in exact),
        wrong=tuple(wrong),
    )


def outlived(
    plan: Plan, *, seed: int = 0, fields: Sequence[Field] | None = None
) -> tuple[int, list[tuple[float, str]]]:
    """Run a native pipeline over two signals that differ at the beginning only, and look for what outlives its time.

    Parameters
    ----------
    plan : Plan
    seed : of the signals, 0 or more
    fields : table that is compared; None: that of the plan

    Returns
    -------
    moments : moments at which the memories were compared, one after each hop
    outlived : (age of the last sample that differs in ms, name of a field that depends on it and must not)

    Raises
    ------
    InputError : engine native was not built here, or the machine is big-endian
    """
    hop = plan.framer.hop
    first = plan.samples_to_first_tick + plan.samples_per_tick + int(np.random.default_rng([seed, 13]).integers(hop))
    pipeline = NativePipeline(plan)
    rows = table(plan, pipeline.pointer_bytes) if fields is None else tuple(fields)
    timed = [row for row in rows if row.ms is not None and row.ms <= _LONGEST_MS and row.holds in _TIMED]
    longest = max(row.ms for row in timed if row.ms is not None)
    after = int(longest * plan.rate_hz / 1000) // hop + 2
    same = _signal(plan, after * hop, seed, 2)
    images: list[list[NDArray[np.uint8]]] = []
    for signal in (0, 1):
        pipeline.begin(BEFORE[0])
        pipeline.push(_signal(plan, first, seed, signal))
        images.append([])
        for at in range(0, len(same), hop):
            pipeline.push(same[at : at + hop])
            images[signal].append(pipeline.image())
    found = []
    for number, (one, other) in enumerate(zip(*images, strict=True)):
        age_ms = round(1000 * (number + 1) * hop / plan.rate_hz, 3)
        over = [row for row in timed if row.ms is not None and row.ms <= age_ms]
        found += [(age_ms, name) for name in _different(over, one, other)]
    return len(images[0]), found


def _steps(plan: Plan, seed: int) -> list[int]:
    """Return the lengths of blocks in samples, and between them gaps as negative numbers."""
    rng = np.random.default_rng([seed, 11])
    window = plan.framer.window
    whole = plan.samples_to_first_tick + 4 * plan.samples_per_tick
    steps: list[int] = []
    for gap in (1, window + 1, 3 * plan.samples_per_tick + 1, 0):
        left = whole
        while left > 0:
            steps.append(int(min(left, rng.integers(1, 3 * window + whole // 12))))
            left -= steps[-1]
        steps += [-gap] if gap else []
    return steps


def _signal(plan: Plan, n: int, seed: int, signal: int) -> NDArray[np.int16]:
    """Return noise at changing levels, int16 (n, columns), without a 0; rows of a diary count from 1 on."""
    rng = np.random.default_rng([seed, 12, signal])
    level = 2.0 ** rng.uniform(3, 14, 1 + n // (8 * plan.framer.window)).repeat(8 * plan.framer.window)[:n, None]
    noise = np.clip(np.rint(rng.standard_normal((n, plan.columns)) * level), -32768, 32767)
    noise = noise if plan.days is None else np.minimum(np.abs(noise), 32767)
    return np.where(noise == 0, 1, noise).astype(np.int16)


def _different(rows: Sequence[Field], one: NDArray[np.uint8], other: NDArray[np.uint8]) -> list[str]:
    """Return the names of fields in which two images differ."""
    return [row.name for row in rows if not np.array_equal(one[row.offset : row.end], other[row.offset : row.end])]


def _wrong(
    rows: Sequence[Field], image: NDArray[np.uint8], start: NDArray[np.uint8], expected: dict[str, Any]
) -> tuple[list[tuple[str, str]], set[str]]:
    """Compare an image with what is expected.

    Returns
    -------
    wrong : (name of a field, what is wrong)
    compared : names of fields that have an expected value
    """
    by_name = {row.name: row for row in rows}
    if "ladder.waiting" in by_name:
        waiting = int(image[by_name["ladder.waiting"].offset])
        expected = {name: value for name, value in expected.items() if name not in unsettled(expected, waiting)}
    wrong: list[tuple[str, str]] = [(name, "is not in the table") for name in sorted(set(expected) - set(by_name))]
    compared: set[str] = set()
    for row in rows:
        memory = image[row.offset : row.end].tobytes()
        if row.name in expected:
            compared.add(row.name)
            if not _is(memory, expected[row.name]):
                wrong.append((row.name, f"does not hold {row.holds.value}: {row.what}"))
        elif row.holds in _SAME:
            compared.add(row.name)
            if memory != start[row.offset : row.end].tobytes():
                wrong.append((row.name, "has changed since the start"))
        elif row.holds in _POSITIONS:
            wrong.append((row.name, "has no expected value, and does not come from the signal"))
    return wrong, compared


def _is(memory: bytes, expected: bytes | int | tuple[int, int]) -> bool:
    if isinstance(expected, bytes):
        return memory == expected
    value, mask = expected if isinstance(expected, tuple) else (expected, -1)
    return int.from_bytes(memory, "little") & mask == value & mask & (1 << 8 * len(memory)) - 1
