"""Memory of another process: read while it is stopped, or from a core file that it left."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anomsdk.errors import InputError

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_CHUNK = 1 << 26
_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61
"""Bits of an entry of pagemap: the page is in memory, it is swapped out, it belongs to a file or is shared."""
_MAP = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])[x-]([ps]) \S+ \S+ \S+ *(.*)")
_NOT_MEMORY = ("[vvar", "[vsyscall]", "[vdso]")
_SHARED = ("/dev/shm/", "/memfd:", "/dev/zero", "/SYSV")
_PT_LOAD, _PT_NOTE = 1, 4
_WRITABLE = 2
_QUIET = 5
"""Looks in a row that must find a process asleep."""


@dataclass(frozen=True)
class Region:
    """Bytes that stand in a row in the memory of a process.

    Parameters
    ----------
    name : path of the mapped file, ``[heap]``, ``[stack]``, ``anonymous``, or ``registers`` of a core file; ``shared``
        before it where other processes share the memory
    address : address of the first byte
    data : the bytes
    writable : the process may write to them
    joined : (address, name) of further mappings that follow the first one without a gap, by address
    """

    name: str
    address: int
    data: bytes
    writable: bool = True
    joined: tuple[tuple[int, str], ...] = ()

    def name_at(self, address: int) -> str:
        """Return the name of the mapping that an address of the region is in."""
        return next((name for start, name in reversed(self.joined) if start <= address), self.name)


@dataclass(frozen=True)
class Memory:
    """All that a process may have written to: pages of its own, and pages that it shares and may write to.

    Parameters
    ----------
    regions : the bytes, without pages that were never used
    unread : names of mappings that could not be read
    pid : the process, which stays stopped; None for a core file
    """

    regions: tuple[Region, ...]
    unread: tuple[str, ...] = ()
    pid: int | None = None

    @property
    def size(self) -> int:
        """Number of bytes."""
        return sum(len(region.data) for region in self.regions)

    def holds(self, needle: bytes) -> bool:
        """Tell whether bytes stand anywhere."""
        return any(needle in region.data for region in self.regions)

    @classmethod
    def of(cls, pid: int) -> Memory:
        """Read the memory of a process that is stopped.

        Raises
        ------
        InputError : it may not be read by this user, it has ended, or this system has no /proc
        """
        unread: list[str] = []
        try:
            regions = tuple(_regions(pid, unread))
        except FileNotFoundError:
            raise InputError(f"process {pid}: it has ended, or this system has no /proc; use Linux") from None
        except PermissionError:
            raise InputError(
                f"process {pid}: its memory may not be read; run as the same user, with ptrace allowed "
                "(/proc/sys/kernel/yama/ptrace_scope 0 or 1)"
            ) from None
        except OSError as error:
            raise InputError(f"process {pid}: its memory cannot be read: {error}") from None
        return cls(regions, tuple(unread), pid)

    @classmethod
    def of_core(cls, path: str | os.PathLike[str]) -> Memory:
        """Read an ELF core file: the memory that the kernel wrote, and the registers of all threads.

        Raises
        ------
        InputError : it cannot be read, or is no core file of 64 bits
        """
        data = _file(Path(path))
        where = f"{path}"
        if data[:4] != b"\x7fELF" or len(data) < 64 or data[4] != 2:
            raise InputError(f"{where}: it is no ELF file of 64 bits; give a core file that the kernel wrote")
        order = "<" if data[5] == 1 else ">"
        if struct.unpack_from(order + "H", data, 16)[0] != 4:
            raise InputError(f"{where}: it is an ELF file, but no core file; give one that the kernel wrote")
        start, size, count = (
            struct.unpack_from(order + form, data, at)[0] for form, at in (("Q", 32), ("H", 54), ("H", 56))
        )
        regions = []
        for index in range(count):
            at = start + index * size
            if at + 56 > len(data):
                raise InputError(f"{where}: it is cut short; give the whole core file")
            kind, flags, offset, address, _, stored, _, _ = struct.unpack_from(order + "IIQQQQQQ", data, at)
            if kind not in (_PT_LOAD, _PT_NOTE) or stored == 0:
                continue
            if offset + stored > len(data):
                raise InputError(
                    f"{where}: it is cut short, at {len(data)} of {offset + stored} bytes; raise ulimit -c"
                )
            name = "registers" if kind == _PT_NOTE else "anonymous"
            regions.append(Region(name, address, data[offset : offset + stored], bool(flags & _WRITABLE)))
        return cls(tuple(regions))


def write_memory(pid: int, address: int, data: bytes) -> None:
    """Write bytes into the memory of a process that is stopped."""
    with Path(f"/proc/{pid}/mem").open("r+b", buffering=0) as memory:
        memory.seek(address)
        written = memory.write(data)
    if written != len(data):
        raise InputError(f"process {pid}: only {written} of {len(data)} bytes could be written to its memory")


def read_memory(pid: int, address: int, size: int) -> bytes:
    """Read bytes of the memory of a process that is stopped."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        return _read(memory.fileno(), address, size)


@contextmanager
def stopped(pid: int, patience_s: float = 10.0) -> Iterator[None]:
    """Stop a process within this context, all its threads; it goes on afterwards if it still lives.

    Raises
    ------
    InputError : it has ended, or it does not stop in time
    """
    stop(pid, patience_s)
    try:
        yield
    finally:
        resume(pid)


def stop(pid: int, patience_s: float = 10.0) -> None:
    """Stop a process, all its threads."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        raise InputError(f"process {pid}: it has ended") from None
    except PermissionError:
        raise InputError(f"process {pid}: it may not be stopped; run as the same user") from None
    wait_until_stopped(pid, patience_s)


def wait_until_stopped(pid: int, patience_s: float = 10.0) -> None:
    """Wait until all threads of a process have stopped: it was sent a signal, or sends itself one."""
    end = time.monotonic() + patience_s
    while any(state not in "Tt" for state in _states(pid)):
        if time.monotonic() > end:
            raise InputError(f"process {pid}: it does not stop")
        time.sleep(0.002)


def resume(pid: int) -> None:
    """Let a stopped process go on; nothing happens if it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def at_rest(child: subprocess.Popen[bytes], pipes: Sequence[int], patience_s: float = 30.0) -> None:
    """Wait until a child has emptied its pipes and sleeps in its next read, then stop it.

    Parameters
    ----------
    child : process that reads
    pipes : descriptors of the pipes that it reads from, at either end
    patience_s : longest wait, seconds

    Raises
    ------
    InputError : it ended, or it did not come to rest in time
    """
    quiet, end = 0, time.monotonic() + patience_s
    while quiet < _QUIET:
        if child.poll() is not None:
            raise InputError(f"process {child.pid}: it ended with status {child.returncode} before it was looked at")
        if time.monotonic() > end:
            raise InputError(f"process {child.pid}: it never came to rest within {patience_s:g} s")
        time.sleep(0.02)
        asleep = all(state == "S" for state in _states(child.pid)) and not any(map(waiting_bytes, pipes))
        quiet = quiet + 1 if asleep else 0
    stop(child.pid)


def waiting_bytes(descriptor: int) -> int:
    """Count the bytes in a pipe that nobody has read yet."""
    import fcntl
    import termios

    return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0])


def _states(pid: int) -> list[str]:
    """List the state of each thread of a process, one letter each."""
    try:
        stats = [path.joinpath("stat").read_text() for path in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        raise InputError(f"process {pid}: it has ended") from None
    states = [stat.rpartition(") ")[2][0] for stat in stats]
    if all(state in "ZX" for state in states):
        raise InputError(f"process {pid}: it has ended")
    return states


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: it cannot be read: {error.strerror}") from None


def _regions(pid: int, unread: list[str]) -> Iterator[Region]:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for span in _spans(pid):
            name, start = span.names[0][1], span.start
            try:
                data = _read(memory.fileno(), start, span.stop - start)
            except OSError:
                unread.append(name)
            else:
                yield Region(name, start, data, span.writable, tuple(span.names[1:]))


@dataclass
class _Span:
    """Stretch of used pages: bounds, whether they are writable, and (address, name) of the mappings in it."""

    start: int
    stop: int
    writable: bool
    names: list[tuple[int, str]]


def _spans(pid: int) -> list[_Span]:
    """List the stretches of used pages of a process; those that touch are one, unless they are shared."""
    found: list[_Span] = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        match = _MAP.match(line)
        if match is None or match[6].startswith(_NOT_MEMORY):
            continue
        name = f"shared {match[6]}" if match[5] == "s" else match[6] or "anonymous"
        start, stop, writable = int(match[1], 16), int(match[2], 16), match[4] == "w"
        pages = np.fromfile(f"/proc/{pid}/pagemap", np.uint64, (stop - start) // _PAGE, offset=start // _PAGE * 8)
        used = pages & np.uint64(_PRESENT | _SWAPPED) != 0
        if not writable and not match[6].startswith(_SHARED):
            used &= pages & np.uint64(_OF_FILE) == 0  # what was never written to is the file itself
        at = np.flatnonzero(used)
        for group in np.split(at, np.flatnonzero(np.diff(at) != 1) + 1) if len(at) else ():
            first, last = start + int(group[0]) * _PAGE, start + (int(group[-1]) + 1) * _PAGE
            before = found[-1] if found else None
            shared = match[5] == "s" or (before is not None and before.names[-1][1].startswith("shared "))
            if before is not None and (before.stop, before.writable) == (first, writable) and not shared:
                before.stop = last
                before.names.append((first, name))
            else:
                found.append(_Span(first, last, writable, [(first, name)]))
    return found


def _read(descriptor: int, address: int, size: int) -> bytes:
    parts = []
    while size > 0:
        part = os.pread(descriptor, min(size, _CHUNK), address)
        if not part:
            raise OSError("nothing could be read")
        parts.append(part)
        address, size = address + len(part), size - len(part)
    return b"".join(parts)
