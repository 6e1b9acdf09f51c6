"""Device of one animal that takes its level by downlink: an emulated Cortex-M4, and the same calls in Python."""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.event import EVENT_BYTES, Event, Kind
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.mcu.compile import compile_firmware
from anomsdk.mcu.emit import emit_c
from anomsdk.mcu.emulate import Machine
from anomsdk.runtime.pipeline import Pipeline

TARGET = "cortex-m4"
_MOST_SAMPLES, _MOST_EVENTS = 600, 32

_PROGRAM = """
#include "anom_plan_{name}.h"
#include "anomsdk.h"

#define MOST_SAMPLES {most_samples}
#define MOST_EVENTS {most_events}

int16_t samples[MOST_SAMPLES][ANOM_PLAN_{upper}_COLUMNS];
uint8_t downlink[3];
uint8_t sent[MOST_EVENTS][ANOM_EVENT_BYTES];

static ANOM_MEM(ANOM_PLAN_{upper}_BYTES) memory;
static anom_pipeline *pipeline;
static int32_t n_sent;

static void run(void)
{{
    anom_result result;
    while (anom_pipeline_poll(pipeline, &result) > 0)
        for (int32_t i = 0; i < result.n_events && n_sent < MOST_EVENTS; i++, n_sent++)
            for (int32_t k = 0; k < ANOM_EVENT_BYTES; k++) sent[n_sent][k] = result.events[i].bytes[k];
}}

/* Run half of n samples, take the downlink, and run the others: how many events left, or a negative error. */
int32_t live(int32_t n)
{{
    int32_t error = anom_pipeline_init(&pipeline, &memory, sizeof memory, &anom_plan_{name});
    if (error < 0) return error;
    for (int32_t i = 0; i < n; i++) {{
        if (i == n / 2) {{
            run();
            int32_t taken = anom_pipeline_downlink(pipeline, downlink, sizeof downlink);
            if (taken != 1) return taken < 0 ? taken : -100;
            run();
        }}
        while (anom_pipeline_push(pipeline, samples[i], 1) == 0) run();
        run();
    }}
    return n_sent;
}}
"""


@dataclass(frozen=True)
class LevelByDownlink:
    """Events of a device that took a downlink.

    Parameters
    ----------
    downlink : 3 bytes that came
    in_c, in_python : events of 16 bytes, in their order
    """

    downlink: bytes
    in_c: tuple[bytes, ...]
    in_python: tuple[bytes, ...]

    @property
    def level_event(self) -> Event | None:
        """Receipt of the level that C sent; None: it sent none."""
        events = map(Event.from_bytes, self.in_c)
        return next((event for event in events if event.kind == Kind.LEVEL), None)

    @property
    def is_taken(self) -> bool:
        """C sent the receipt with the level of the downlink, and its events are those of Python."""
        event = self.level_event
        return event is not None and event.level_tag == self.downlink[0] and self.in_c == self.in_python


def missing_tools() -> str | None:
    """Say what to install where the compiler or the emulator is missing; None: both are here."""
    if all(importlib.util.find_spec(module) is not None for module in ("ziglang", "unicorn", "elftools")):
        return None
    return "compiler and emulator for microcontrollers are missing here: pip install 'anomsdk[mcu]'"


def take_level(plan: Plan, downlink: bytes, samples: NDArray[np.int16]) -> LevelByDownlink:
    """Give samples and a downlink in their middle to an emulated device, and to a pipeline in Python.

    Parameters
    ----------
    plan : Plan with a ladder
    downlink : 3 bytes
    samples : int16 (n, columns), up to 600

    Raises
    ------
    InputError : the plan refuses the downlink, or the compiler or the emulator is missing
    """
    given = samples[:_MOST_SAMPLES]
    half = len(given) // 2
    with Pipeline(plan) as pipeline:
        results = [
            *pipeline.process(given[:half]), *pipeline.take_downlink(downlink), *pipeline.process(given[half:])
        ]  # fmt: skip
    in_python = tuple(bytes(event) for result in results for event in result.events)
    board = Machine(_compiled(plan), TARGET)
    board.write("samples", given.astype("<i2").tobytes())
    board.write("downlink", downlink)
    n = board.run("live", len(given))
    if n < 0:
        raise InputError(f"{TARGET}: the device refuses the downlink {downlink.hex()}: error {n}")
    sent = board.read("sent", EVENT_BYTES * n)
    in_c = tuple(sent[at : at + EVENT_BYTES] for at in range(0, len(sent), EVENT_BYTES))
    return LevelByDownlink(downlink, in_c, in_python)


def _compiled(plan: Plan) -> bytes:
    program = _PROGRAM.format(
        name=plan.name, upper=plan.name.upper(), most_samples=_MOST_SAMPLES, most_events=_MOST_EVENTS
    )
    with tempfile.TemporaryDirectory() as place:
        emitted = emit_c(plan, Path(place) / "firmware").folder
        device = Path(place) / "device.c"
        device.write_text(program, encoding="utf-8")
        sources = [*sorted(emitted.glob("src/*.c")), emitted / f"anom_plan_{plan.name}.c", device]
        include = [emitted, emitted / "include", emitted / "src"]
        return compile_firmware(sources, TARGET, keep=["live", "samples", "downlink", "sent"], include=include)
