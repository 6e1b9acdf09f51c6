"""Emulated processor core with the memory of a program: unicorn, set up for calls of C functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from anomsdk.errors import InputError, printable
from anomsdk.mcu.program import Program
from anomsdk.mcu.targets import Target

RETURN = 0x70000000
"""Return address of a measured function: `movs r3, #0`, then an endless loop of `adds r3, #1` and a branch."""
STOP = RETURN + 0x800
"""Return address of any other function. It never changes, as unicorn fixes the end when code first runs."""

_RETURN_CODE = bytes.fromhex("0023 0133 fde7")
_STACK = 0x60000000
_PAGE = 4096
_PAINT = b"\xa5"
_KEPT_REGISTERS = range(4, 12)
_FLOAT_REGISTERS = range(32)
_READ, _WRITE, _EXECUTE = 1, 2, 4


class Cpu:
    """Processor core with its memory and a stack.

    Parameters
    ----------
    program : initial contents of the memory
    target : processor core
    stack_bytes : size of the stack, a multiple of 4096

    Raises
    ------
    InputError : unicorn is missing, or the program's memory cannot be laid out
    """

    def __init__(self, program: Program, target: Target, stack_bytes: int) -> None:
        try:
            import unicorn
            from unicorn import arm_const
        except ImportError:
            raise InputError("the emulator is missing here: pip install 'anomsdk[mcu]'") from None
        self._program, self._target = program, target
        self._unicorn, self._arm = unicorn, arm_const
        # UC_MODE_MCLASS would make every core an M33.
        self._uc: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self._uc.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{target.model}"))
        self._numbers = [getattr(arm_const, f"UC_ARM_REG_R{number}") for number in range(13)]
        self._all_registers = {f"r{number}": constant for number, constant in enumerate(self._numbers)}
        self._all_registers |= {"lr": arm_const.UC_ARM_REG_LR, "flags": arm_const.UC_ARM_REG_APSR}
        if target.has_float:
            floats = {f"s{number}": getattr(arm_const, f"UC_ARM_REG_S{number}") for number in _FLOAT_REGISTERS}
            self._all_registers |= floats
        self._sp = _STACK + stack_bytes
        self._stack_bytes, self._painted = stack_bytes, _PAINT * stack_bytes
        self._variables: list[tuple[int, int]] = []
        self._refused: int | None = None
        self._uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._refuse)
        try:
            self._load()
        except unicorn.UcError as error:
            raise InputError(f"the program's memory cannot be laid out ({error}); check its linker script") from None

    def watch(self, first: int, last: int, seen: Callable[[int], None]) -> None:
        """Call ``seen`` with the address of each instruction from ``first`` to ``last``, whenever it runs."""
        self._uc.hook_add(
            self._unicorn.UC_HOOK_CODE, lambda _uc, address, _size, _data: seen(address), begin=first, end=last
        )

    def watch_blocks(self, seen: Callable[[int, int], None]) -> None:
        """Call ``seen`` with address and size of each straight piece of code, IT blocks included, whenever it runs."""
        self._uc.hook_add(self._unicorn.UC_HOOK_BLOCK, lambda _uc, address, size, _data: seen(address, size))

    def watch_writes(self, first: int, last: int, seen: Callable[[int, int], None]) -> None:
        """Call ``seen`` with address and size of each write to the bytes from ``first`` to ``last``."""
        self._uc.hook_add(
            self._unicorn.UC_HOOK_MEM_WRITE,
            lambda _uc, _access, address, size, _value, _data: seen(address, size),
            begin=first,
            end=last,
        )

    def add_memory(self, address: int, size: int) -> None:
        """Add writable memory, filled with zeros. Address and size are multiples of 4096.

        Raises
        ------
        InputError : the program has memory there
        """
        try:
            self._uc.mem_map(address, size, _protection(True, False))
        except self._unicorn.UcError:
            raise InputError(f"the program has memory of its own at 0x{address:08x}; link it elsewhere") from None

    def call(self, name: str, arguments: Sequence[int], *, count: int, back_to: int, paints_stack: bool = True) -> None:
        """Run a function for ``count`` instructions (0: any number), or until it returns to `STOP`.

        Parameters
        ----------
        name : function
        arguments : words, of which the first four are in registers and the others on the stack
        count : number of instructions
        back_to : return address
        paints_stack : fill the stack before, so that `stack_depth` is that of this call; False: leave it as it is

        Raises
        ------
        InputError : the function faults
        """
        if paints_stack:
            self._uc.mem_write(_STACK, self._painted)
        self._uc.context_restore(self._fresh)
        for number, argument in enumerate(arguments[:4]):
            self._uc.reg_write(self._numbers[number], argument & 0xFFFFFFFF)
        on_stack = b"".join((argument & 0xFFFFFFFF).to_bytes(4, "little") for argument in arguments[4:])
        self._sp = _STACK + self._stack_bytes - (len(on_stack) + 7 & -8)
        if on_stack:
            self._uc.mem_write(self._sp, on_stack)
            self._uc.reg_write(self._arm.UC_ARM_REG_SP, self._sp)
        self._uc.reg_write(self._arm.UC_ARM_REG_LR, back_to | 1)
        self._refused = None
        entry = self._program.symbol(name).address
        try:
            self._uc.emu_start(entry | 1, STOP, count=count)
        except self._unicorn.UcError as error:
            why = self._why(str(error).partition(" (")[0].lower())
            at = self._program.place(self.pc)
            raise InputError(f"{self._target.name}: {printable(name)} faults in {at}: {why}") from None

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return int(self._uc.reg_read(self._arm.UC_ARM_REG_PC)) & ~1

    def register(self, number: int) -> int:
        """Read register 0 to 12."""
        return int(self._uc.reg_read(self._numbers[number]))

    @property
    def registers(self) -> dict[str, int]:
        """Contents of all registers by name: r0 to r12, lr, the flags, and s0 to s31 where the core has them."""
        return {name: int(self._uc.reg_read(number)) for name, number in self._all_registers.items()}

    def set_register(self, name: str, value: int) -> None:
        """Set one of `registers`."""
        self._uc.reg_write(self._all_registers[name], value)

    @property
    def lost_registers(self) -> list[str]:
        """Names of the registers that the last function had to preserve, and changed."""
        lost = [f"r{number}" for number in _KEPT_REGISTERS if self.register(number) != _filling(number)]
        if self._uc.reg_read(self._arm.UC_ARM_REG_SP) != self._sp:
            lost.append("sp")
        return lost

    @property
    def stack_end(self) -> int:
        """Address behind the last byte of the stack."""
        return _STACK + self._stack_bytes

    @property
    def stack(self) -> bytes:
        """Contents of the whole stack, the deepest byte first."""
        return bytes(self._uc.mem_read(_STACK, self._stack_bytes))

    @property
    def stack_depth(self) -> int:
        """Number of bytes of the stack down to the deepest one that was written to."""
        stack = self.stack
        untouched, most = 0, len(stack)
        while untouched < most:
            middle = (untouched + most + 1) // 2
            if stack.startswith(self._painted[:middle]):
                untouched = middle
            else:
                most = middle - 1
        return len(stack) - untouched

    @property
    def variable_places(self) -> list[tuple[int, int]]:
        """Address and size of each range of `variables`."""
        return list(self._variables)

    @property
    def variables(self) -> list[bytes]:
        """Contents of all memory that the program may write to, except the stack."""
        return [bytes(self._uc.mem_read(*place)) for place in self._variables]

    @variables.setter
    def variables(self, contents: list[bytes]) -> None:
        for (address, _), data in zip(self._variables, contents, strict=True):
            self._uc.mem_write(address, data)

    def read(self, address: int, size: int) -> bytes:
        """Read bytes of memory."""
        try:
            return bytes(self._uc.mem_read(address, size))
        except self._unicorn.UcError:
            raise InputError(f"the program has no memory at 0x{address:08x}, {size} bytes long") from None

    def write(self, address: int, data: bytes) -> None:
        """Set bytes of memory."""
        self._uc.mem_write(address, data)

    def _load(self) -> None:
        """Map and fill the memory: program, stack, and code at the return address; set the registers."""
        pages: dict[int, int] = {}
        for segment in self._program.segments:
            for page in range(segment.address & -_PAGE, segment.address + len(segment.data), _PAGE):
                pages[page] = pages.get(page, 0) | _protection(segment.writable, segment.executable)
        for start, size, protection in _runs(pages):
            self._uc.mem_map(start, size, protection)
            if protection & _WRITE:
                self._variables.append((start, size))
        for segment in self._program.segments:
            self._uc.mem_write(segment.address, segment.data)
        self._uc.mem_map(_STACK, self._stack_bytes, _protection(True, False))
        self._uc.mem_map(RETURN, _PAGE, _protection(False, True))
        self._uc.mem_write(RETURN, _RETURN_CODE)
        for number, register in enumerate(self._numbers):
            self._uc.reg_write(register, _filling(number))
        self._uc.reg_write(self._arm.UC_ARM_REG_SP, _STACK + self._stack_bytes)
        self._fresh = self._uc.context_save()

    def _refuse(self, _uc: Any, _access: int, address: int, _size: int, _value: int, _data: Any) -> bool:
        """Remember an address that has no memory."""
        self._refused = address
        return False

    def _why(self, error: str) -> str:
        if error == "unhandled cpu exception":
            return "an exception of the core, e.g. an unaligned access"
        if self._refused is None:
            return error
        if _STACK - _PAGE <= self._refused < _STACK:
            return f"its stack needs more than {self._stack_bytes} bytes"
        return f"{error} at 0x{self._refused:08x}"


def _filling(number: int) -> int:
    """Initial value of a register that holds no argument."""
    return 0x01010101 * number


def _protection(writable: bool, executable: bool) -> int:
    return _READ | (_WRITE if writable else 0) | (_EXECUTE if executable else 0)


def _runs(pages: dict[int, int]) -> Iterator[tuple[int, int, int]]:
    """Join neighbouring pages with the same protection; yield start, size and protection of each run."""
    start, size, of = 0, 0, -1
    for page, protection in sorted(pages.items()):
        if size and (page, protection) == (start + size, of):
            size += _PAGE
            continue
        if size:
            yield start, size, of
        start, size, of = page, _PAGE, protection
    if size:
        yield start, size, of
