"""Engine native: the C port, compiled for this machine. The same sources run on a microcontroller.

A pipeline lives in one buffer, which is allocated here. Calls into C release the GIL.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.event import EVENT_BYTES, Event
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.core.supervisor import Operation
from anomsdk.cport.fields import C_TYPES, Address, Blocks, Constant, Fields, Member, Size, Structs
from anomsdk.cport.structs import c_fields
from anomsdk.runtime.engines.block_results import Processed
from anomsdk.runtime.memory import wiping
from anomsdk.runtime.native_module import load_native


def passes_selftest(plan: Plan, digest: str) -> bool:
    """Tell whether the boot self-test of the C port finds a golden digest (64 hex digits)."""
    module = load_native()
    plan.check()  # C trusts every size
    c_plan = CPlan(plan, module)
    memory = module.ffi.from_buffer(c_plan.memory(), require_writable=True)
    status: int = module.lib.anom_selftest(memory, len(memory), c_plan.pointer, bytes.fromhex(digest))
    return status == 0


class NativeEngine:
    """The C port on this machine.

    Parameters
    ----------
    plan : Plan

    Raises
    ------
    InputError : the extension was not built here
    """

    def __init__(self, plan: Plan) -> None:
        module = load_native()
        plan.check()  # C trusts every size
        self._ffi, self._lib, self._plan = module.ffi, module.lib, plan
        self._c_plan = CPlan(plan, module)
        with wiping():  # wiped with the engine, closed or not
            self._memory = self._c_plan.memory()
        pipeline = self._ffi.new("anom_pipeline **")
        memory = self._ffi.from_buffer(self._memory, require_writable=True)
        status = self._lib.anom_pipeline_init(pipeline, memory, len(memory), self._c_plan.pointer)
        assert status == 0, f"anom_pipeline_init gave {status}"
        self._pipeline = pipeline[0]
        self._room = _Room(1, self._ffi)

    def process(self, block: NDArray[np.int16], *, tap: bool = False) -> Processed:
        """Take a block (n, columns) and return the ticks that it completes."""
        if block.flags.c_contiguous:
            return self._process(block, tap)
        samples = block.copy(order="C")
        try:
            return self._process(samples, tap)
        finally:
            samples.fill(0)

    def _process(self, samples: NDArray[np.int16], tap: bool) -> Processed:
        most = len(samples) // self._plan.samples_per_tick + 1
        if len(self._room.hops) < most:
            self._room = _Room(most, self._ffi)
        stream = self._room.emptied()
        inputs = None
        if tap:
            with wiping():
                inputs = np.zeros((most, self._plan.n_inputs), np.int8)
            stream.inputs = self._ffi.from_buffer("int8_t[]", inputs)
        pointer = self._ffi.from_buffer("int16_t[]", samples)
        self._lib.anom_stream_process(self._pipeline, pointer, len(samples), self._plan.columns, stream)
        return self._room.processed(inputs)

    def reconstruct(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Run the model stage alone: int8 (n, n_in) to (n, n_out)."""
        rows = np.ascontiguousarray(inputs)
        outputs = np.zeros_like(rows)
        scratch = np.zeros(self._lib.anom_stream_scratch_bytes(self._c_plan.pointer), np.int8)
        given, taken, hidden = (self._ffi.from_buffer("int8_t[]", array) for array in (rows, outputs, scratch))
        self._lib.anom_stream_reconstruct(self._c_plan.pointer, given, len(rows), taken, hidden)
        return outputs

    def gap(self, n: int) -> list[Result]:
        """Take note that ``n`` samples were lost."""
        self._lib.anom_pipeline_gap(self._pipeline, n)
        return []

    def operate(self, operation: Operation, argument: int) -> list[Result]:
        """Apply an input from outside to a supervised plan."""
        raise NotImplementedError

    @property
    def health(self) -> int:
        """Return the health byte; 0 for plans without a health section."""
        return 0

    @property
    def annunciation(self) -> int:
        """Return what a buzzer and a lamp should do now; only for a supervised plan."""
        raise NotImplementedError

    def reset(self) -> None:
        """Zero every sample and feature, and start again."""
        self._lib.anom_pipeline_reset(self._pipeline)
        self._lib.anom_memory_wipe_leftovers()


class _Room:
    """Buffers that C fills with the ticks of a block; reused for the next block, and empty in between."""

    def __init__(self, ticks: int, ffi: Any) -> None:
        self.hops, self._scores = np.zeros(ticks, np.uint32), np.zeros(ticks, np.uint32)
        self._event_ticks, self._events = np.zeros(ticks, np.int64), np.zeros((ticks, EVENT_BYTES), np.uint8)
        self._stream = ffi.new("anom_stream *")
        self._no_inputs = ffi.NULL
        self._pointers = [
            ffi.from_buffer("uint32_t[]", self.hops),
            ffi.from_buffer("uint32_t[]", self._scores),
            ffi.from_buffer("int64_t[]", self._event_ticks),
            ffi.from_buffer("anom_event[]", self._events),
        ]
        stream = self._stream
        stream.hops, stream.scores, stream.event_ticks, stream.events = self._pointers

    def emptied(self) -> Any:
        """Return the struct that C fills, with its counts set to 0."""
        self._stream.n_ticks = self._stream.n_events = 0
        self._stream.inputs = self._no_inputs
        return self._stream

    def processed(self, inputs: NDArray[np.int8] | None) -> Processed:
        """Copy the ticks out of the buffers, and zero the scores and events in them."""
        n, n_events = self._stream.n_ticks, self._stream.n_events
        happened = [(int(self._event_ticks[i]), Event.from_bytes(self._events[i].tobytes())) for i in range(n_events)]
        taken = None if inputs is None else inputs[:n]
        found = Processed(self.hops[:n].copy(), self._scores[:n].copy(), tuple(happened), taken)
        self._scores[:n] = 0
        self._events[:n_events] = 0
        return found


class CPlan:
    """An `anom_plan` in memory; ``pointer`` is valid as long as this lives.

    Parameters
    ----------
    plan : Plan
    module : returned by `load_native`
    """

    def __init__(self, plan: Plan, module: ModuleType) -> None:
        self._ffi, self._lib = module.ffi, module.lib
        self._kept: list[Any] = []
        self._structs: dict[int, Any] = {}
        self.pointer = self._ffi.new("anom_plan *", self._values(c_fields(plan)))

    def memory(self) -> NDArray[np.uint8]:
        """Allocate the exact memory of a pipeline of this plan, zeroed and aligned to 8 bytes."""
        return np.zeros(self._lib.anom_pipeline_bytes(self.pointer) // 8, np.uint64).view(np.uint8)

    def _values(self, fields: Fields) -> dict[str, Any]:
        return {name: self._value(value) for name, value in fields.items() if value is not None}

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._values(value)
        if isinstance(value, Size):
            return self._ffi.sizeof(value.of)
        if isinstance(value, Constant):
            return getattr(self._lib, value.name)
        if isinstance(value, Blocks):  # weights are flipped on some microcontrollers only
            self._kept.append(value.array)
            return self._ffi.cast("anom_weights *", value.array.ctypes.data)
        if isinstance(value, Address):
            return self._ffi.addressof(self._lib, value.name)
        if isinstance(value, Structs):
            made = self._ffi.new(f"{value.type}[]", [self._values(item) for item in value.items])
            self._kept.append(made)
            self._structs[id(value)] = made
            return made
        if isinstance(value, Member):
            return self._ffi.addressof(self._structs[id(value.of)][0], value.name)
        if isinstance(value, np.ndarray):
            return self._array(value)
        return value

    def _array(self, array: NDArray[Any]) -> Any:
        self._kept.append(array)
        return self._ffi.cast(f"{C_TYPES[array.dtype.name]} *", array.ctypes.data)
