"""Emulator that runs the functions of a compiled program on a core, and counts their instructions exactly."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from anomsdk.errors import InputError, printable
from anomsdk.mcu.conditional import ItBlock, it_blocks, skipped, watched
from anomsdk.mcu.cpu import RETURN, STOP, Cpu
from anomsdk.mcu.program import Program, Symbol
from anomsdk.mcu.targets import find_target

LIMIT = 1_000_000_000
_FIRST_ATTEMPT = 1 << 14


@dataclass(frozen=True)
class Call:
    """Result and cost of a function call.

    Parameters
    ----------
    result : r0 after the call, 0 to 2**32 - 1
    instructions : number from the first one to the return; one that an IT block skips counts, too, as it takes time
    stack_bytes : largest depth of the stack
    """

    result: int
    instructions: int
    stack_bytes: int

    @property
    def signed(self) -> int:
        """Result of a function that returns int32_t."""
        return _signed(self.result)


@dataclass(frozen=True)
class Profile:
    """Result of a function call, and its cost in each function that it ran.

    Parameters
    ----------
    result, stack_bytes : as in `Call`
    functions : function -> its own instructions, without the functions that it calls, counted as in `Call`; the key
        None stands for code that belongs to no function
    """

    result: int
    stack_bytes: int
    functions: dict[Symbol | None, int]

    @property
    def signed(self) -> int:
        """Result of a function that returns int32_t."""
        return _signed(self.result)

    @property
    def instructions(self) -> int:
        """Number of all instructions, as in `Call`."""
        return sum(self.functions.values())


class Machine:
    """Emulated core with the memory of a program.

    Variables keep their values from call to call. There are no devices, no interrupts and no start-up code: the initial
    memory is that of the ELF file.

    Parameters
    ----------
    elf : program, as `compile_firmware` returns it
    target : name of one of `anomsdk.mcu.TARGETS`. The emulated M0 refuses instructions that it lacks. The M3
        would run the DSP instructions of the M4, but a compiler does not emit them for it
    stack_bytes : size of the stack, a multiple of 4096; to exceed it is a fault

    Raises
    ------
    InputError : unicorn or pyelftools is missing, the target is unknown, or the program cannot be read
    """

    def __init__(self, elf: bytes, target: str, *, stack_bytes: int = 1 << 16) -> None:
        self.target = find_target(target)
        self.program = Program.from_elf(elf)
        self._stack_bytes = stack_bytes
        self._cpu = Cpu(self.program, self.target, stack_bytes)
        self._attempts: dict[str, int] = {}
        self._blocks: dict[tuple[int, int], Counter[Symbol | None]] = {}

    def run(self, name: str, *arguments: int, limit: int = LIMIT) -> int:
        """Run a function until it returns, without measuring: much faster than `call`.

        Parameters
        ----------
        name : name of the function
        arguments : up to four integers or addresses, -2**31 to 2**32 - 1
        limit : largest number of instructions that it may take

        Returns
        -------
        Result of a function that returns int32_t

        Raises
        ------
        InputError : there is no such function, or it faults, does not return in time, or changes a register that it
            must preserve
        """
        self._start(self._cpu, name, arguments, count=limit, back_to=STOP)
        if self._cpu.pc != STOP:
            raise self._too_long(name, limit)
        self._check_registers(self._cpu, name)
        return _signed(self._cpu.register(0))

    def call(self, name: str, *arguments: int, limit: int = LIMIT) -> Call:
        """Run a function until it returns, and measure it. Parameters and errors are those of `run`.

        The emulator runs a given number of instructions, which is far faster than to count them by a hook. The function
        returns into a loop that counts the instructions that were left. If the number was too small the call is run
        again from the start with a larger one, as the emulator cannot stop inside an IT block and go on.
        """
        before = self._cpu.variables
        count = min(self._attempts.get(name, _FIRST_ATTEMPT), limit)
        while True:
            self._start(self._cpu, name, arguments, count=count, back_to=RETURN)
            left = self._left()
            if left is not None:
                break
            if count >= limit:
                raise self._too_long(name, limit)
            count = min(4 * count, limit)
            self._cpu.variables = before
        self._attempts[name] = 2 * (count - left)
        self._check_registers(self._cpu, name)
        return Call(
            result=self._cpu.register(0),
            instructions=count - left + self._skipped(name, arguments, before),
            stack_bytes=self._cpu.stack_depth,
        )

    def profile(self, name: str, *arguments: int, limit: int = LIMIT) -> Profile:
        """Run a function as `run` does, but slower, and count the instructions of each function that it runs."""
        cpu, ran = self._profiling
        ran.clear()
        cpu.variables = self._cpu.variables
        self._start(cpu, name, arguments, count=limit, back_to=STOP)
        if cpu.pc != STOP:
            raise self._too_long(name, limit)
        self._check_registers(cpu, name)
        self._cpu.variables = cpu.variables
        functions: Counter[Symbol | None] = Counter()
        for block, times in ran.items():
            for symbol, n in self._in_block(*block).items():
                functions[symbol] += n * times
        return Profile(result=cpu.register(0), stack_bytes=cpu.stack_depth, functions=dict(functions))

    def address(self, name: str) -> int:
        """Return the address of a function or variable."""
        return self.program.symbol(name).address

    def read(self, name: str, size: int | None = None, *, offset: int = 0) -> bytes:
        """Read ``size`` bytes of a variable from ``offset`` on; None: all of them."""
        symbol = self.program.symbol(name)
        return self.read_at(symbol.address + offset, symbol.size - offset if size is None else size)

    def write(self, name: str, data: bytes, *, offset: int = 0) -> None:
        """Set bytes of a variable."""
        symbol = self.program.symbol(name)
        if offset < 0 or offset + len(data) > symbol.size:
            raise InputError(f"{printable(name)} has {symbol.size} bytes; {len(data)} do not fit at {offset}")
        self._cpu.write(symbol.address + offset, data)

    def read_at(self, address: int, size: int) -> bytes:
        """Read bytes of memory."""
        return self._cpu.read(address, size)

    def write_at(self, address: int, data: bytes) -> None:
        """Set bytes of memory."""
        self._cpu.write(address, data)

    def _start(self, cpu: Cpu, name: str, arguments: tuple[int, ...], *, count: int, back_to: int) -> None:
        if len(arguments) > 4:
            raise InputError(f"{printable(name)}: {len(arguments)} arguments; at most 4 fit into registers")
        cpu.call(name, arguments, count=count, back_to=back_to)

    def _left(self) -> int | None:
        """Count the instructions that ran after the return; None if the function did not return."""
        counted = self._cpu.register(3)
        return {RETURN: 0, RETURN + 2: 1 + 2 * counted, RETURN + 4: 2 * counted}.get(self._cpu.pc)

    def _check_registers(self, cpu: Cpu, name: str) -> None:
        if lost := cpu.lost_registers:
            raise InputError(f"{self.target.name}: {printable(name)} returns without restoring {', '.join(lost)}")

    def _too_long(self, name: str, limit: int) -> InputError:
        return InputError(
            f"{self.target.name}: {printable(name)} takes more than {limit:,} instructions; raise `limit`"
        )

    @cached_property
    def _it_blocks(self) -> list[ItBlock]:
        return it_blocks(self.program)

    @cached_property
    def _watching(self) -> tuple[Cpu, Counter[int]]:
        """Second core, which counts how often each IT instruction and the instructions in its block run."""
        cpu, ran = Cpu(self.program, self.target, self._stack_bytes), Counter[int]()

        def seen(address: int) -> None:
            ran[address] += 1

        for first, last in watched(self._it_blocks):
            cpu.watch(first, last, seen)
        return cpu, ran

    def _skipped(self, name: str, arguments: tuple[int, ...], before: list[bytes]) -> int:
        """Count the instructions that IT blocks skip, by running the call once more."""
        if not self._it_blocks:
            return 0
        cpu, ran = self._watching
        ran.clear()
        cpu.variables = before
        self._start(cpu, name, arguments, count=0, back_to=STOP)
        return skipped(self._it_blocks, ran)

    @cached_property
    def _profiling(self) -> tuple[Cpu, Counter[tuple[int, int]]]:
        """Core of its own for `profile`, which counts how often each piece of code runs.

        Unicorn does not report code that ran before it was watched.
        """
        cpu, ran = Cpu(self.program, self.target, self._stack_bytes), Counter[tuple[int, int]]()

        def seen(address: int, size: int) -> None:
            ran[address, size] += 1

        cpu.watch_blocks(seen)
        return cpu, ran

    def _in_block(self, address: int, size: int) -> Counter[Symbol | None]:
        """Count the instructions of each function in a piece of code."""
        if (address, size) not in self._blocks:
            code = self.program.code(address, address + size)
            self._blocks[address, size] = Counter(self.program.symbol_at(at) for at in code)
        return self._blocks[address, size]


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value
