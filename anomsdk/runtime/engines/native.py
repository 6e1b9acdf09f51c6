"""Engine native: the C port, compiled for this machine. The same sources run on a microcontroller.

A pipeline lives in one buffer, which is allocated here. Calls into C release the GIL.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.diary import MAX_COLUMNS
from anomsdk.core.event import EVENT_BYTES, Event
from anomsdk.core.export import Export, export_bytes
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.core.supervisor import Operation
from anomsdk.cport.fields import C_TYPES, Address, Blocks, Bytes, Constant, Fields, Member, Size, Structs
from anomsdk.cport.structs import c_fields
from anomsdk.runtime.engines.block_results import Processed
from anomsdk.runtime.memory import private_block, wiping
from anomsdk.runtime.native_module import load_native

_ROWS = 64
"""Rows of a diary that C returns at once."""
_NOTICES = 64
"""Events without a tick that C returns at once."""


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
        module = load_native(plan.extractor.kind)
        plan.check()  # C trusts every size
        self._ffi, self._lib, self._plan = module.ffi, module.lib, plan
        self._c_plan = CPlan(plan, module)
        self._memory = self._c_plan.private_memory()  # given back with the engine, closed or not
        pipeline = self._ffi.new("anom_pipeline **")
        memory = self._ffi.from_buffer(self._memory, require_writable=True)
        status = self._lib.anom_pipeline_init(pipeline, memory, len(memory), self._c_plan.pointer)
        assert status == 0, f"anom_pipeline_init gave {status}"
        self._pipeline = pipeline[0]
        self._room = _Room(1, self._ffi)
        self._rows: list[tuple[int, ...]] = []
        self._inputs = {
            operation: getattr(self._lib, f"anom_pipeline_{operation.name.lower()}") for operation in Operation
        }

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
        columns, left = self._plan.columns, len(samples)
        while True:
            taken = self._lib.anom_stream_process(self._pipeline, pointer, left, columns, stream)
            pointer, left = pointer + taken * columns, left - taken
            more = self._room.take_notices()
            rows, full = self._room.take_rows(self._plan)
            self._rows += rows
            if not (more or full):
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
        return self._due()

    def operate(self, operation: Operation, argument: int) -> list[Result]:
        """Apply an input from outside to a supervised plan."""
        numbers = () if operation.highest == 0 else (argument,)
        status = self._inputs[operation](self._pipeline, *numbers)
        assert status == 1, f"anom_pipeline_{operation.name.lower()} gave {status}"
        return self._due()

    def downlink(self, data: bytes) -> list[Result]:
        """Put the level of a downlink in force that the plan takes."""
        status = self._lib.anom_pipeline_downlink(self._pipeline, self._ffi.from_buffer(data), len(data))
        assert status == 1, f"anom_pipeline_downlink gave {status}"
        return self._due()

    @property
    def health(self) -> int:
        """Return the health byte; 0 for plans without a health section."""
        return int(self._lib.anom_pipeline_health(self._pipeline))

    @property
    def annunciation(self) -> int:
        """Return what a buzzer and a lamp should do now; only for a supervised plan."""
        return int(self._lib.anom_pipeline_annunciation(self._pipeline))

    @property
    def level(self) -> int:
        """Return the tag of the level in force; 0 for plans without a ladder."""
        return int(self._lib.anom_pipeline_level(self._pipeline))

    def export(self, device: int, boot: int, since: Export | None) -> bytes:
        """Return the counts of the ladder, of a plan that has one."""
        assert self._plan.ladder is not None
        made = bytearray(export_bytes(self._plan.ladder.n_rungs))
        earlier = self._ffi.NULL if since is None else self._ffi.from_buffer(bytes(since))
        into = self._ffi.from_buffer(made)
        status = self._lib.anom_pipeline_export(self._pipeline, device, boot, earlier, into, len(made))
        if since is not None and status == self._lib.ANOM_ERROR_RECORD:
            since_first = Export.from_bytes(self.export(device, boot, None))
            raise AssertionError(f"C refused what Python takes: {since_first.since(since)}")
        assert status == len(made), f"anom_pipeline_export gave {status}"
        return bytes(made)

    def state(self) -> bytes:
        """Return the record of what must outlive a reset."""
        record = bytearray(self._lib.anom_pipeline_record_bytes(self._c_plan.pointer))
        status = self._lib.anom_pipeline_save(self._pipeline, self._ffi.from_buffer(record), len(record))
        assert status == len(record), f"anom_pipeline_save gave {status}"
        return bytes(record)

    def restore(self, record: bytes) -> bool:
        """Begin anew with what a record holds; False: the record was refused."""
        self._rows = []
        status = self._lib.anom_pipeline_restore(self._pipeline, self._ffi.from_buffer(record), len(record))
        self._lib.anom_memory_wipe_leftovers()
        return bool(status == 0)

    def rows(self) -> list[tuple[int, ...]]:
        """Take the rows of the diary that are finished."""
        if self._plan.diary is not None and not self._plan.is_supervised:
            self.process(np.zeros((0, self._plan.columns), np.int16))
        found, self._rows = self._rows, []
        return found

    def _due(self) -> list[Result]:
        """Return the events without a tick that are due, after what waits has been applied."""
        return self.process(np.zeros((0, self._plan.columns), np.int16)).results() if self._plan.is_supervised else []

    def reset(self) -> None:
        """Zero every sample and feature, and start again."""
        self._lib.anom_pipeline_reset(self._pipeline)
        self._rows = []
        self._lib.anom_memory_wipe_leftovers()


class _Room:
    """Buffers that C fills with the results of a block; reused for the next block, and empty in between."""

    def __init__(self, ticks: int, ffi: Any) -> None:
        self.hops, self._scores = np.zeros(ticks, np.uint32), np.zeros(ticks, np.uint32)
        self._voids = np.zeros(ticks, np.uint8)
        self._event_ticks, self._events = np.zeros(ticks, np.int64), np.zeros((ticks, EVENT_BYTES), np.uint8)
        self._notice_ticks, self._notices = np.zeros(_NOTICES, np.int64), np.zeros((_NOTICES, EVENT_BYTES), np.uint8)
        self._taken: list[tuple[int, Event]] = []
        self._stream = ffi.new("anom_stream *")
        self._no_inputs = ffi.NULL
        arrays = {
            "hops": ("uint32_t[]", self.hops),
            "scores": ("uint32_t[]", self._scores),
            "voids": ("uint8_t[]", self._voids),
            "event_ticks": ("int64_t[]", self._event_ticks),
            "events": ("anom_event[]", self._events),
            "notice_ticks": ("int64_t[]", self._notice_ticks),
            "notices": ("anom_event[]", self._notices),
        }
        self._pointers = {name: ffi.from_buffer(kind, array) for name, (kind, array) in arrays.items()}
        for name, pointer in self._pointers.items():
            setattr(self._stream, name, pointer)
        self._stream.most_notices = _NOTICES
        self._diary_rows = np.zeros((_ROWS, MAX_COLUMNS), np.int16)
        self._pointers["rows"] = ffi.from_buffer("int16_t[]", self._diary_rows)
        self._stream.rows, self._stream.most_rows = self._pointers["rows"], _ROWS

    def emptied(self) -> Any:
        """Return the struct that C fills, with its counts set to 0."""
        self._stream.n_ticks = self._stream.n_events = self._stream.n_notices = self._stream.n_rows = 0
        self._stream.inputs = self._no_inputs
        return self._stream

    def take_notices(self) -> bool:
        """Copy the events without a tick out of their buffer and zero it; True if it was full: more may follow."""
        n = self._stream.n_notices
        self._taken += _events(self._notice_ticks, self._notices, n)
        self._stream.n_notices = 0
        return bool(n == _NOTICES)

    def take_rows(self, plan: Plan) -> tuple[list[tuple[int, ...]], bool]:
        """Copy the rows of a diary out of their buffer and zero it; True if it was full: more may follow."""
        n, width = self._stream.n_rows, 0 if plan.diary is None else len(plan.diary.columns)
        found = [tuple(row) for row in self._diary_rows[:n, :width].tolist()]
        self._diary_rows[:n] = 0
        self._stream.n_rows = 0
        return found, bool(n == _ROWS)

    def processed(self, inputs: NDArray[np.int8] | None) -> Processed:
        """Copy the ticks out of the buffers, and zero the scores and events in them."""
        n = self._stream.n_ticks
        void = self._voids[:n].astype(np.bool_)
        found = Processed(
            self.hops[:n].copy(),
            self._scores[:n].copy(),
            tuple(_events(self._event_ticks, self._events, self._stream.n_events)),
            None if inputs is None else inputs[:n],
            tuple(self._taken),
            void if void.any() else None,
        )
        self._scores[:n] = 0
        self._voids[:n] = 0
        self._taken = []
        return found


def _events(ticks: NDArray[np.int64], events: NDArray[np.uint8], n: int) -> list[tuple[int, Event]]:
    """Decode the first ``n`` events of a buffer, each with the number of its tick, and zero them."""
    found = [(int(ticks[i]), Event.from_bytes(events[i].tobytes())) for i in range(n)]
    events[:n] = 0
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

    def private_memory(self) -> NDArray[np.uint8]:
        """Allocate what `memory` does in pages of its own, which no core file holds."""
        return private_block(self._lib.anom_pipeline_bytes(self.pointer))

    def _values(self, fields: Fields) -> dict[str, Any]:
        return {name: self._value(value) for name, value in fields.items() if value is not None}

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._values(value)
        if isinstance(value, Size):
            return self._ffi.sizeof(value.of)
        if isinstance(value, Bytes):
            return value.fixed + value.pointers * self._ffi.sizeof("void *")
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
