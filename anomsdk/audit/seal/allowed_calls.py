"""System calls that a sealed process may make; the kernel kills it for any other.

They are what Python and the GNU C library need to read a stream, to compute, to print, and to end.
"""

from __future__ import annotations

from typing import NamedTuple

STDIN = 0
_READ, _WRITE, _EXEC = 1, 2, 4
_MAP_TYPE, _MAP_PRIVATE, _MAP_ANONYMOUS = 0x0F, 0x02, 0x20
_DONTNEED, _FREE, _HUGEPAGE, _DONTDUMP = 4, 8, 14, 16
_TCGETS, _TIOCGWINSZ, _TCGETS2 = 0x5401, 0x5413, 0x802C542A
_FUTEX_PRIVATE = 0x80
_WORD = 0xFFFFFFFF

NUMBERS = {
    "x86_64": {
        "read": 0,
        "write": 1,
        "close": 3,
        "mmap": 9,
        "mprotect": 10,
        "munmap": 11,
        "brk": 12,
        "rt_sigaction": 13,
        "rt_sigreturn": 15,
        "ioctl": 16,
        "select": 23,
        "mremap": 25,
        "madvise": 28,
        "exit": 60,
        "sigaltstack": 131,
        "mlock": 149,
        "futex": 202,
        "clock_gettime": 228,
        "exit_group": 231,
        "pselect6": 270,
    },
    "aarch64": {
        "ioctl": 29,
        "close": 57,
        "read": 63,
        "write": 64,
        "pselect6": 72,
        "exit": 93,
        "exit_group": 94,
        "futex": 98,
        "clock_gettime": 113,
        "sigaltstack": 132,
        "rt_sigaction": 134,
        "rt_sigreturn": 139,
        "brk": 214,
        "munmap": 215,
        "mremap": 216,
        "mmap": 222,
        "mprotect": 226,
        "mlock": 228,
        "madvise": 233,
    },
}
"""Architecture -> name of a system call -> its number."""


class Condition(NamedTuple):
    """Condition on the lower 32 bits of an argument: with the mask, it is one of some values."""

    argument: int
    mask: int
    values: tuple[int, ...]


def allowed_calls(events: tuple[int, ...]) -> dict[str, tuple[Condition, ...]]:
    """Return the system calls that are allowed, each with conditions that must all hold.

    Parameters
    ----------
    events : descriptors that may be written to
    """
    return {
        # The stream, and events
        "read": (Condition(0, _WORD, (STDIN,)),),
        "write": (Condition(0, _WORD, events),),
        # Waiting for a pipe that does not block; select(2) on x86-64 where the C library still calls it
        "pselect6": (),
        "select": (),
        # Asking whether an event descriptor is a terminal, and how wide it is
        "ioctl": (Condition(0, _WORD, events), Condition(1, _WORD, (_TCGETS, _TIOCGWINSZ, _TCGETS2))),
        # Memory: private, of no file, and never executable
        "brk": (),
        "mmap": (Condition(2, _EXEC, (0,)), Condition(3, _MAP_TYPE | _MAP_ANONYMOUS, (_MAP_PRIVATE | _MAP_ANONYMOUS,))),
        "mprotect": (Condition(2, _EXEC, (0,)),),
        "mremap": (),
        "munmap": (),
        "madvise": (Condition(2, _WORD, (_DONTNEED, _FREE, _HUGEPAGE, _DONTDUMP)),),
        # Keeping the buffer of the stream out of swap
        "mlock": (),
        # Locks within this process
        "futex": (Condition(1, _FUTEX_PRIVATE, (_FUTEX_PRIVATE,)),),
        # Signals: Ctrl-C and SIGTERM
        "rt_sigaction": (),
        "rt_sigreturn": (),
        "sigaltstack": (),
        # Time, where the kernel does not hand it out without a call
        "clock_gettime": (),
        # The end
        "close": (),
        "exit": (),
        "exit_group": (),
    }
