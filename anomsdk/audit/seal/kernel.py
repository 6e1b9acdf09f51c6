"""Kernel calls that a seal is made of, through ctypes, and what the kernel says about this process."""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anomsdk.errors import InputError

RLIMIT_FSIZE, RLIMIT_CORE = 1, 4
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL = 1, 2
SECCOMP_FILTER_FLAG_TSYNC = 1
LANDLOCK_CREATE_RULESET_VERSION = 1

ARCHITECTURES = ("x86_64", "aarch64")
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
"""Numbers of system calls; those of Landlock are the same on every architecture."""


class _Limit(ctypes.Structure):
    _fields_ = (("soft", ctypes.c_uint64), ("hard", ctypes.c_uint64))


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


class Kernel:
    """Linux kernel below this process; every method raises OSError with the errno of the call.

    Parameters
    ----------
    libc : C library with ``prctl``, ``setrlimit`` and ``syscall``, which return -1 and set errno; by default that of
        this process

    Raises
    ------
    InputError : this is not Linux on x86-64 or 64-bit ARM
    """

    def __init__(self, libc: Any = None) -> None:
        self.machine = os.uname().machine if sys.platform == "linux" else sys.platform
        if self.machine not in ARCHITECTURES or ctypes.sizeof(ctypes.c_void_p) != 8:
            raise InputError(
                f"seal: needs Linux and Python of 64 bits on x86-64 or aarch64, and this is {self.machine}; "
                "run it there, or without the seal"
            )
        self._libc = ctypes.CDLL(None, use_errno=True) if libc is None else libc

    def set_limit(self, resource: int, value: int) -> None:
        """Set the soft and the hard limit of a resource."""
        self._checked(self._libc.setrlimit(resource, ctypes.byref(_Limit(value, value))))

    def prctl(self, option: int, value: int) -> None:
        """Set an attribute of this process."""
        self._checked(self._libc.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))))

    def landlock_version(self) -> int:
        """Return the version of the interface of Landlock, 1 or more."""
        flags = LANDLOCK_CREATE_RULESET_VERSION
        return self._syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(flags))

    def landlock(self, rights: Sequence[int]) -> None:
        """Deny this thread all rights that a ruleset names.

        Parameters
        ----------
        rights : bits of the fields of struct landlock_ruleset_attr: files, network, scopes
        """
        attributes = (ctypes.c_uint64 * len(rights))(*rights)
        size = ctypes.c_size_t(ctypes.sizeof(attributes))
        ruleset = self._syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(attributes), size, ctypes.c_uint32(0))
        try:
            self._syscall(_LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
        finally:
            os.close(ruleset)

    def has_action(self, action: int) -> bool:
        """Tell whether seccomp has an action."""
        try:
            self._seccomp(SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(ctypes.c_uint32(action)))
        except OSError:
            return False
        return True

    def probe_seccomp(self) -> None:
        """Ask for a filter without a program: a kernel that has seccomp filters answers EFAULT, others anything else.

        Raises
        ------
        OSError : the kernel has no seccomp filters, or does not let this process have one
        """
        try:
            self._seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, None)
        except OSError as error:
            if error.errno != _EFAULT:
                raise

    def seccomp(self, program: Sequence[tuple[int, int, int, int]]) -> None:
        """Put a filter before the system calls of all threads of this process; nothing takes it away.

        Parameters
        ----------
        program : instructions of classic BPF: code, jump if true, jump if false, constant
        """
        instructions = (_Instruction * len(program))(*(_Instruction(*each) for each in program))
        whole = _Program(len(program), instructions)
        thread = self._seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, ctypes.byref(whole))
        if thread:
            raise OSError(_EBUSY, f"thread {thread} has another filter")

    def _seccomp(self, operation: int, flags: int, argument: Any) -> int:
        return self._syscall(_SECCOMP[self.machine], ctypes.c_uint(operation), ctypes.c_uint(flags), argument)

    def _syscall(self, number: int, *arguments: Any) -> int:
        return self._checked(self._libc.syscall(ctypes.c_long(number), *arguments))

    def _checked(self, result: int) -> int:
        if result == -1:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


_EFAULT, _EBUSY = 14, 16


def threads() -> int:
    """Count the threads of this process."""
    return len(list(Path("/proc/self/task").iterdir()))


def shared_mappings() -> list[str]:
    """Name the memory that this process shares with others or with a file and can write to, or can come to."""
    found, name, flags = [], "", "VmFlags:"
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(flags):
            words = line.removeprefix(flags).split()
            if "sh" in words and "mw" in words:
                found.append(name)
        elif not line.partition(" ")[0].endswith(":"):
            name = line.split(maxsplit=5)[-1]
    return found


def is_regular_file(descriptor: int) -> bool:
    """Tell whether a descriptor is open on a file of a disk; an OSError says that it is not open."""
    return stat.S_ISREG(os.fstat(descriptor).st_mode)
