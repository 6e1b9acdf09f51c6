"""Looks for a signal in the memory of another process, from outside: /proc/PID/mem of one that is stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RUN = 8
"""Samples in a row that count as found."""
_FORMS = {
    "int16": ("<i2", 1.0),
    "int32": ("<i4", 1.0),
    "int64": ("<i8", 1.0),
    "float32": ("<f4", 1.0),
    "float64": ("<f8", 1.0),
    "float32 of 1.0": ("<f4", 1 / 32768),
    "float64 of 1.0": ("<f8", 1 / 32768),
}


def noise(seed: int, n: int = 32_000, columns: int = 1) -> np.ndarray:
    """A signal that is nowhere by chance: 8 samples in a row have 100 bits."""
    x = np.random.default_rng(seed).integers(-3000, 3000, (n, columns)).astype(np.int16)
    return x[:, 0] if columns == 1 else x


@dataclass(frozen=True)
class Memory:
    """What a process may write to and has written to.

    Parameters
    ----------
    regions : (name, bytes), without the pages of 0
    """

    regions: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, pid: int) -> Memory:
        """All that a stopped process could have put a sample into."""
        return cls(tuple(_regions(pid)))

    def samples(self, x: np.ndarray, run: int = RUN) -> dict[str, list[int]]:
        """Indices of samples of x that stand there in a row of `run` or more, by the form that they stand in."""
        found = {}
        for form, (dtype, scale) in _FORMS.items():
            rows = (x.astype(np.float64) * scale).astype(dtype)
            if hits := self._rows(rows.reshape(len(x), -1), run):
                found[form] = hits
        return found

    def text(self, x: np.ndarray, run: int = RUN) -> int:
        """How many runs of values stand there as lines of decimal numbers."""
        needles = ("\n".join(map(str, x[at : at + run].tolist())).encode() for at in range(0, len(x) - run, run))
        return sum(self.holds(needle) for needle in needles)

    def holds(self, needle: bytes) -> bool:
        """Whether these bytes stand anywhere."""
        return any(needle in data for _, data in self.regions)

    def _rows(self, rows: np.ndarray, run: int) -> list[int]:
        """Where runs of rows begin and go on, whatever their alignment to 2 bytes."""
        size = rows.itemsize * rows.shape[1]
        data = rows.tobytes()
        keys = {data[at * size : at * size + 8]: at for at in range(len(rows) - -(-8 // size) + 1)}
        wanted = np.unique(np.frombuffer(b"".join(keys), np.uint64))
        parts = [np.unique(wanted >> np.uint64(16 * i) & np.uint64(0xFFFF)) for i in range(4)]
        maps = [np.isin(np.arange(1 << 16), part) for part in parts]
        found: set[int] = set()
        for _, region in self.regions:
            words = np.frombuffer(region[: len(region) // 2 * 2], np.uint16)
            if len(words) < 4:
                continue
            n = len(words) - 3
            likely = np.flatnonzero(maps[0][words[:n]])
            for i in (1, 2, 3):
                likely = likely[maps[i][words[likely + i]]]
            for at in likely.tolist():
                first = keys.get(region[2 * at : 2 * at + 8])
                if first is not None and first + run <= len(rows):
                    given = region[2 * at : 2 * at + run * size]
                    if given == data[first * size : (first + run) * size]:
                        found.update(range(first, first + run))
        return sorted(found)


def _regions(pid: int) -> Iterator[tuple[str, bytes]]:
    page = 4096
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r)(w)", line)
            if span is None:
                continue
            start, stop = int(span[1], 16), int(span[2], 16)
            name = line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) == 6 else "anonymous"
            pages = np.fromfile(f"/proc/{pid}/pagemap", np.uint64, (stop - start) // page, offset=start // page * 8)
            there = np.flatnonzero(pages >> np.uint64(62) != 0)  # in memory, or swapped out
            for group in np.split(there, np.flatnonzero(np.diff(there) != 1) + 1) if len(there) else ():
                memory.seek(start + int(group[0]) * page)
                yield name, memory.read(len(group) * page)


class Stopped:
    """A child that runs code and stops itself; memory is looked at while it stands still.

    Parameters
    ----------
    code : Python; it may call ``stop()`` once or more
    arguments : sys.argv[1:] of the child
    """

    def __init__(self, code: str, *arguments: str) -> None:
        stop = "import os, signal\ndef stop(): os.kill(os.getpid(), signal.SIGSTOP)\n"
        self._child = subprocess.Popen(
            [sys.executable, "-c", stop + code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> Stopped:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.communicate()

    def memory(self) -> Memory:
        """What it holds at the next ``stop()``; it goes on after that."""
        _, status = os.waitpid(self._child.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            self._child.returncode = status
            assert self._child.stdout is not None
            raise AssertionError(self._child.stdout.read().decode(errors="replace"))
        found = Memory.of(self._child.pid)
        os.kill(self._child.pid, signal.SIGCONT)
        return found


def at_rest(child: subprocess.Popen[bytes], waiting: Sequence[int], patience_s: float = 30.0) -> None:
    """Wait until a process has emptied its pipe and sleeps in its next read, then stop it."""
    quiet, end = 0, time.monotonic() + patience_s
    while quiet < 5:
        assert child.poll() is None, "it ended"
        assert time.monotonic() < end, "it never rested"
        time.sleep(0.05)
        state = Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2][0]
        quiet = quiet + 1 if state == "S" and not any(waiting_bytes(each) for each in waiting) else 0
    os.kill(child.pid, signal.SIGSTOP)
    os.waitpid(child.pid, os.WUNTRACED)


def waiting_bytes(descriptor: int) -> int:
    """Bytes in a pipe that nobody has read yet."""
    import fcntl
    import struct
    import termios

    return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0])
