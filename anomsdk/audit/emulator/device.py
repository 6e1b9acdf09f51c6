"""Device in the emulator: a pipeline of a compiled program, in memory that the audit gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.retention.table import table
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.mcu.cpu import STOP, Cpu
from anomsdk.mcu.emulate import LIMIT
from anomsdk.mcu.program import Program
from anomsdk.mcu.targets import find_target

STACK_BYTES = 8192
_MEMORY, _HANDED = 0x68000000, 0x6A000000
"""Addresses of the memory of the pipeline, and of what is handed in or out: blocks, results, records."""
_PIPELINE, _RESULT, _RECORD, _EXPORT, _BLOCK = (_HANDED + 4096 * page for page in (0, 1, 2, 6, 10))
_RECORD_BYTES = _EXPORT_BYTES = 4 * 4096
_PAGE = 4096


@dataclass(frozen=True)
class Snapshot:
    """State of a device when a function has returned.

    Parameters
    ----------
    registers : name -> contents, r0 to r12, lr, flags, s0 to s31
    stack : whole stack, with everything below the caller that was ever written and not wiped
    memory : memory of the pipeline
    variables : other memory that the program may write to: address -> contents
    """

    registers: dict[str, int]
    stack: bytes
    memory: bytes
    variables: dict[int, bytes]


class Device:
    """Pipeline of a compiled program on an emulated core.

    The stack is never painted: what a call leaves on it stays there.

    Parameters
    ----------
    elf : program, with the functions of a pipeline and the plan
    target : name of one of `anomsdk.mcu.TARGETS`
    plan : plan that the program holds

    Raises
    ------
    InputError : unicorn or pyelftools is missing, or the program faults
    """

    def __init__(self, elf: bytes, target: str, plan: Plan) -> None:
        self.program, self.plan, self._target = Program.from_elf(elf), plan, find_target(target)
        self.cpu = Cpu(self.program, self._target, STACK_BYTES)
        self.fields = table(plan)
        self.size = self.fields[-1].end
        self._names = {symbol.name for symbol in self.program.symbols}
        self._block_bytes = 2 * plan.columns * (plan.framer.window + plan.framer.hop)
        for address, size in ((_MEMORY, self.size + 1), (_HANDED, _BLOCK - _HANDED + self._block_bytes)):
            self.cpu.add_memory(address, (size + _PAGE - 1) & -_PAGE)
        self.memory = _MEMORY
        self._pipeline = 0

    def has(self, name: str) -> bool:
        """Tell whether the program has a function, whose name begins with ``anom_``."""
        return f"anom_{name}" in self._names

    def init(self) -> None:
        """Initialise the pipeline in memory that is full of zeros."""
        plan = self.program.symbol(f"anom_plan_{self.plan.name}").address
        status = self.call("pipeline_init", _PIPELINE, _MEMORY, self.size, plan)
        if status != 0:
            raise InputError(f"anom_pipeline_init returns {status}; the program was built from another plan or version")
        self._pipeline = int.from_bytes(self.cpu.read(_PIPELINE, 4), "little")

    def block(self, rows: NDArray[np.int16]) -> None:
        """Put samples (n, columns) where `push` takes them from."""
        self.cpu.write(_BLOCK, rows.astype("<i2").tobytes())

    def push(self, first: int, n: int) -> int:
        """Push ``n`` samples of the block from sample ``first`` on; return the number that was taken."""
        return self.call("pipeline_push", self._pipeline, _BLOCK + 2 * self.plan.columns * first, n)

    def poll(self) -> int:
        """Poll once."""
        return self.call("pipeline_poll", self._pipeline, _RESULT)

    def gap(self, n: int) -> int:
        """Lose ``n`` samples."""
        return self.call("pipeline_gap", self._pipeline, n)

    def reset(self) -> int:
        """Reset the pipeline."""
        return self.call("pipeline_reset", self._pipeline)

    def save(self) -> int:
        """Save a record."""
        return self.call("pipeline_save", self._pipeline, _RECORD, _RECORD_BYTES)

    def restore(self) -> int:
        """Restore the record that `save` wrote."""
        return self.call("pipeline_restore", self._pipeline, _RECORD, _RECORD_BYTES)

    def export(self) -> int:
        """Export the counts of the ladder, with the number 1 of the device and of its boot."""
        return self.call("pipeline_export", self._pipeline, 0, 1, 0, 1, 0, _EXPORT, _EXPORT_BYTES)

    def downlink(self) -> int:
        """Hand in a downlink of zeros."""
        return self.call("pipeline_downlink", self._pipeline, _EXPORT + _EXPORT_BYTES - 4, 3)

    def selftest(self) -> int:
        """Run the self-test in the memory of the pipeline, with a digest that is not the plan's."""
        plan = self.program.symbol(f"anom_plan_{self.plan.name}").address
        return self.call("selftest", _MEMORY, self.size, plan, _PIPELINE)

    def call(self, name: str, *arguments: int) -> int:
        """Call a function and return its int32_t.

        Raises
        ------
        InputError : it faults, does not return, or changes a register that it must preserve
        """
        self.cpu.call(f"anom_{name}", arguments, count=LIMIT, back_to=STOP, paints_stack=False)
        if self.cpu.pc != STOP:
            raise InputError(f"{self._target.name}: anom_{name} takes more than {LIMIT:,} instructions")
        if lost := self.cpu.lost_registers:
            raise InputError(f"{self._target.name}: anom_{name} returns without restoring {', '.join(lost)}")
        result = self.cpu.register(0)
        return result - (1 << 32) if result >> 31 else result

    def look(self) -> Snapshot:
        """Take a snapshot of everything but what is handed to the product: blocks, results, records and exports."""
        pages = zip(self.cpu.variable_places, self.cpu.variables, strict=True)
        return Snapshot(
            self.cpu.registers, self.cpu.stack, self.cpu.read(_MEMORY, self.size), {at: data for (at, _), data in pages}
        )

    def watch_memory(self, seen: Callable[[int, int], None]) -> None:
        """Call ``seen`` with offset and size of each write to the memory of the pipeline."""
        self.cpu.watch_writes(_MEMORY, _MEMORY + self.size - 1, lambda address, size: seen(address - _MEMORY, size))
