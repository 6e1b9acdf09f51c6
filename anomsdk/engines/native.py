"""Engine native: the C port, compiled for this machine. The same sources run on a microcontroller.

A pipeline lives in one buffer that is made here; calls into C release the GIL.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.c_plan import C_TYPES, Fields, Member, Size, Structs, Symbol, c_fields
from anomsdk.core.event import EVENT_BYTES, Event
from anomsdk.core.plan import Plan
from anomsdk.engines.processed import Processed
from anomsdk.errors import InputError

_ALIGNMENT = 8


def why_missing() -> str | None:
    """Why the native engine cannot run here; None where it can."""
    try:
        load_native()
    except InputError as error:
        return str(error)
    return None


def load_native() -> ModuleType:
    """The compiled module, with ``ffi`` and ``lib``.

    Raises
    ------
    InputError : it was not built here
    """
    try:
        from anomsdk.engines import _native  # type: ignore[attr-defined]
    except ImportError as error:
        raise InputError(
            f"engine native is not built here ({error}): it needs a C compiler when anomsdk is installed; "
            "install gcc or clang, then: pip install --force-reinstall --no-deps anomsdk"
        ) from None
    module: ModuleType = _native
    return module


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
        self._ffi, self._lib, self._plan = module.ffi, module.lib, plan
        self._c_plan = CPlan(plan, module)
        size = self._lib.anom_pipeline_bytes(self._c_plan.pointer)
        room = np.zeros(size + _ALIGNMENT, np.uint8)
        self._memory = room[-room.ctypes.data % _ALIGNMENT :][:size]
        pipeline = self._ffi.new("anom_pipeline **")
        memory = self._ffi.from_buffer(self._memory, require_writable=True)
        status = self._lib.anom_pipeline_init(pipeline, memory, size, self._c_plan.pointer)
        assert status == 0, f"anom_pipeline_init gave {status}"
        self._pipeline = pipeline[0]
        self._busy = threading.Lock()

    def process(self, block: NDArray[np.int16], *, tap: bool = False) -> Processed:
        """Take a block (n, columns), give the ticks that it completes."""
        samples = block if block.flags.c_contiguous else block.copy(order="C")
        most = len(samples) // self._plan.samples_per_tick + 1
        hops, scores = np.zeros(most, np.uint32), np.zeros(most, np.uint32)
        event_ticks, events = np.zeros(most, np.int64), np.zeros((most, EVENT_BYTES), np.uint8)
        inputs = np.zeros((most, self._plan.n_inputs), np.int8) if tap else None
        stream = self._ffi.new("anom_stream *")
        for name, array in (("hops", hops), ("scores", scores), ("event_ticks", event_ticks)):
            setattr(stream, name, self._pointer(array))
        stream.events = self._ffi.cast("anom_event *", self._pointer(events))
        if inputs is not None:
            stream.inputs = self._pointer(inputs)
        with self._alone():
            self._lib.anom_stream_process(
                self._pipeline, self._pointer(samples), len(samples), self._plan.columns, stream
            )
        if samples is not block:
            samples.fill(0)
        n, n_events = stream.n_ticks, stream.n_events
        happened = [(int(event_ticks[i]), Event.from_bytes(events[i].tobytes())) for i in range(n_events)]
        return Processed(hops[:n], scores[:n], tuple(happened), None if inputs is None else inputs[:n])

    def reconstruct(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """The model stage alone: int8 (n, n_in) to (n, n_out)."""
        rows = np.ascontiguousarray(inputs)
        outputs = np.zeros_like(rows)
        scratch = np.zeros(self._lib.anom_stream_scratch_bytes(self._c_plan.pointer) + 1, np.int8)
        self._lib.anom_stream_reconstruct(
            self._c_plan.pointer, self._pointer(rows), len(rows), self._pointer(outputs), self._pointer(scratch)
        )
        return outputs

    def gap(self, n: int) -> None:
        """N samples were lost."""
        with self._alone():
            self._lib.anom_pipeline_gap(self._pipeline, n)

    def wipe(self) -> None:
        """Zero every sample and feature, and start again."""
        with self._alone():
            self._lib.anom_pipeline_reset(self._pipeline)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The C port is not reentrant, and a call into it lets other threads run."""
        if not self._busy.acquire(blocking=False):
            raise InputError("the pipeline is in use by another thread; give each thread a pipeline of its own")
        try:
            yield
        finally:
            self._busy.release()

    def _pointer(self, array: NDArray[Any]) -> Any:
        return self._ffi.cast(f"{_C_SCALARS[array.dtype.name]} *", array.ctypes.data)


_C_SCALARS = {**C_TYPES, "uint32": "uint32_t", "int64": "int64_t"}


class CPlan:
    """An `anom_plan` in memory; ``pointer`` is valid as long as this lives.

    Parameters
    ----------
    plan : Plan
    module : as `load_native` gives it
    """

    def __init__(self, plan: Plan, module: ModuleType) -> None:
        self._ffi, self._lib = module.ffi, module.lib
        self._kept: list[Any] = []
        self._structs: dict[int, Any] = {}
        self.pointer = self._ffi.new("anom_plan *", self._values(c_fields(plan)))

    def _values(self, fields: Fields) -> dict[str, Any]:
        return {name: self._value(value) for name, value in fields.items() if value is not None}

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._values(value)
        if isinstance(value, Size):
            return self._ffi.sizeof(value.of)
        if isinstance(value, Symbol):
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
