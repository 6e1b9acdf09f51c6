"""Attempts to keep or send something, each made by a sealed process of its own: ``python -m`` this module makes them.

The same attempts are made without a seal, too. A call that fails there, because its arguments are wrong or a right is
missing, is an attempt all the same: the filter comes first.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import sys
from typing import Any, NamedTuple

from anomsdk.audit.seal.kernel import ARCHITECTURES
from anomsdk.audit.seal.sealing import seal
from anomsdk.errors import InputError

_O_WRONLY, _O_CREAT = 1, 64
_PR_SET_DUMPABLE = 4
_TIOCSTI, _TCGETS = 0x5412, 0x5401
_MADV_DODUMP = 17
_SIGCHLD = 17
_AT_FDCWD = -100
_READ_WRITE, _READ_EXEC = 3, 5
_SHARED, _PRIVATE, _PRIVATE_ANONYMOUS, _SHARED_ANONYMOUS = 1, 2, 0x22, 0x21
_NOTHING = -1
"""Descriptor that is not open."""
_PAGE = mmap.PAGESIZE
_X32_WRITE = 0x40000001


class Attempt(NamedTuple):
    """System call that a sealed process dies of.

    Parameters
    ----------
    numbers : number of the call on each of `ARCHITECTURES`; None: there is no such call
    arguments : integers, bytes (a pointer to them), or words that `_argument` replaces
    returns_once : the call can also be made without a seal, and neither replaces the process nor borrows its stack
    """

    numbers: tuple[int | None, int | None]
    arguments: tuple[int | bytes | str, ...]
    returns_once: bool = True


_NUL = b"/dev/null\0"
ATTEMPTS = {
    "open for write": Attempt((2, None), (_NUL, _O_WRONLY, 0)),
    "open for read": Attempt((2, None), (_NUL, 0, 0)),
    "openat for write": Attempt((257, 56), (_AT_FDCWD, _NUL, _O_WRONLY, 0)),
    "openat for read": Attempt((257, 56), (_AT_FDCWD, _NUL, 0, 0)),
    "openat2": Attempt((437, 437), (_AT_FDCWD, _NUL, 0, 0)),
    "shm_open": Attempt((257, 56), (_AT_FDCWD, b"/dev/shm/\0", _O_WRONLY | _O_CREAT, 0o600)),
    "creat": Attempt((85, None), (b"/dev/null\0", 0o600)),
    "read of another descriptor": Attempt((0, 63), ("null", "buffer", 1)),
    "write to another descriptor": Attempt((1, 64), ("null", b"x", 1)),
    "write to standard input": Attempt((1, 64), (0, b"x", 0)),
    "writev": Attempt((20, 66), (1, 0, 0)),
    "pwrite64": Attempt((18, 68), (1, b"x", 0, 0)),
    "pwritev": Attempt((296, 70), (1, 0, 0, 0, 0)),
    "sendfile": Attempt((40, 71), (1, _NOTHING, 0, 0)),
    "splice": Attempt((275, 76), (0, 0, 1, 0, 0, 0)),
    "tee": Attempt((276, 77), (0, 1, 0, 0)),
    "vmsplice": Attempt((278, 75), (1, 0, 0, 0)),
    "copy_file_range": Attempt((326, 285), (_NOTHING, 0, 1, 0, 0, 0)),
    "ftruncate": Attempt((77, 46), (_NOTHING, 0)),
    "unlinkat": Attempt((263, 35), (_NOTHING, 0, 0)),
    "mkdirat": Attempt((258, 34), (_NOTHING, 0, 0)),
    "setxattr": Attempt((188, 5), (0, 0, 0, 0, 0)),
    "utimensat": Attempt((280, 88), (_NOTHING, 0, 0, 0)),
    "flock": Attempt((73, 32), (_NOTHING, 0)),
    "fcntl": Attempt((72, 25), (1, 1, 0)),
    "dup": Attempt((32, 23), (1,)),
    "dup2": Attempt((33, None), (1, 5)),
    "dup3": Attempt((292, 24), (1, 5, 0)),
    "socket": Attempt((41, 198), (2, 2, 0)),
    "socketpair": Attempt((53, 199), (1, 1, 0, "buffer")),
    "connect": Attempt((42, 203), (_NOTHING, 0, 0)),
    "sendto": Attempt((44, 206), (_NOTHING, b"x", 1, 0, 0, 0)),
    "sendmsg": Attempt((46, 211), (_NOTHING, 0, 0)),
    "memfd_create": Attempt((319, 279), (b"x\0", 0)),
    "pipe": Attempt((22, None), ("buffer",)),
    "pipe2": Attempt((293, 59), ("buffer", 0)),
    "eventfd2": Attempt((290, 19), (0, 0)),
    "fork": Attempt((57, None), (), returns_once=False),
    "vfork": Attempt((58, None), (), returns_once=False),
    "clone": Attempt((56, 220), (_SIGCHLD, 0, 0, 0, 0), returns_once=False),
    "clone3": Attempt((435, 435), (0, 0)),
    "execve": Attempt((59, 221), (0, 0, 0)),
    "execveat": Attempt((322, 281), (_NOTHING, 0, 0, 0, 0)),
    "shmget": Attempt((29, 194), (0, 0, 0)),
    "shmat": Attempt((30, 196), (_NOTHING, 0, 0)),
    "msgget": Attempt((68, 186), (1, 0)),
    "mq_open": Attempt((240, 180), (0, 0, 0, 0)),
    "mmap of a file": Attempt((9, 222), (0, _PAGE, _READ_WRITE, _PRIVATE, "null", 0)),
    "mmap of a file, shared": Attempt((9, 222), (0, _PAGE, 1, _SHARED, "null", 0)),
    "mmap shared": Attempt((9, 222), (0, _PAGE, _READ_WRITE, _SHARED_ANONYMOUS, _NOTHING, 0)),
    "mmap executable": Attempt((9, 222), (0, _PAGE, _READ_EXEC, _PRIVATE_ANONYMOUS, _NOTHING, 0)),
    "mprotect executable": Attempt((10, 226), (0, _PAGE, _READ_EXEC)),
    "madvise into a core file": Attempt((28, 233), (0, _PAGE, _MADV_DODUMP)),
    "ptrace": Attempt((101, 117), (2, _NOTHING, 0, 0)),
    "process_vm_readv": Attempt((310, 270), (1, 0, 0, 0, 0, 0)),
    "process_vm_writev": Attempt((311, 271), (1, 0, 0, 0, 0, 0)),
    "pidfd_getfd": Attempt((438, 438), (_NOTHING, 0, 0)),
    "kill of another process": Attempt((62, 129), (1, 0)),
    "tgkill": Attempt((234, 131), (1, 1, 0)),
    "io_uring_setup": Attempt((425, 425), (0, 0)),
    "io_uring_enter": Attempt((426, 426), (_NOTHING, 0, 0, 0, 0, 0)),
    "prctl that makes dumpable again": Attempt((157, 167), (_PR_SET_DUMPABLE, 1, 0, 0, 0)),
    "prlimit64": Attempt((302, 261), (0, 4, 0, 0)),
    "setrlimit": Attempt((160, 164), (1, 0)),
    "another seccomp filter": Attempt((317, 277), (1, 0, 0)),
    "bpf": Attempt((321, 280), (_NOTHING, 0, 0)),
    "perf_event_open": Attempt((298, 241), (0, 0, _NOTHING, _NOTHING, 0)),
    "userfaultfd": Attempt((323, 282), (_NOTHING,)),
    "add_key": Attempt((248, 217), (0, 0, 0, 0, 0)),
    "syslog": Attempt((103, 116), (_NOTHING, 0, 0)),
    "ioctl that types into a terminal": Attempt((16, 29), (1, _TIOCSTI, b"x")),
    "ioctl of another descriptor": Attempt((16, 29), ("null", _TCGETS, "buffer")),
    "call of x32": Attempt((_X32_WRITE, None), (1, b"", 0)),
}
"""Name -> attempt; a sealed process dies of each with SIGSYS."""
HARMLESS = Attempt((1, 64), (1, b"", 0))
"""Call that is allowed: a write of no bytes to the event descriptor."""


def ended(attempt: Attempt, *, sealed: bool) -> int | None:
    """Make an attempt in a process of its own.

    Returns
    -------
    signal that ended the process; 0 if none did, None if there is no such call here
    """
    number = attempt.numbers[ARCHITECTURES.index(os.uname().machine)]
    if number is None:
        return None
    child = os.fork()
    if child == 0:
        try:
            null = os.open(os.devnull, os.O_RDWR)
            buffer = ctypes.create_string_buffer(_PAGE)
            words: dict[Any, Any] = {"null": null, "buffer": buffer}
            arguments = [words.get(each, each) for each in attempt.arguments]
            arguments = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
            libc = ctypes.CDLL(None)
            if sealed:
                seal()
            libc.syscall(ctypes.c_long(number), *arguments)
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def refusal() -> str:
    """Seal a process, and return the reason why it cannot be sealed here; empty if it can."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            seal()
        except InputError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        return said.read().decode()


def main() -> None:
    """Print as JSON how each process ended: of the attempts, of those without a seal, and of an allowed call.

    Where no process can be sealed, print the reason instead.
    """
    if why := refusal():
        sys.stdout.write(json.dumps({"refused": why}) + "\n")
        return
    found = {
        "sealed": {name: ended(attempt, sealed=True) for name, attempt in ATTEMPTS.items()},
        "unsealed": {name: ended(attempt, sealed=False) for name, attempt in ATTEMPTS.items() if attempt.returns_once},
        "allowed": ended(HARMLESS, sealed=True),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
