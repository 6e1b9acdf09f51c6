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
_KEY = 4
"""Samples in a row that are looked up."""
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
    """A signal that is nowhere by chance, without a 0: 8 samples in a row have 100 bits."""
    rng = np.random.default_rng(seed)
    x = (rng.integers(1, 3000, (n, columns)) * rng.choice([-1, 1], (n, columns))).astype(np.int16)
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
        return self.samples_of([x], run)[0]

    def samples_of(self, signals: Sequence[np.ndarray], run: int = RUN) -> list[dict[str, list[int]]]:
        """As `samples`, of several signals in one pass over the memory."""
        found: list[dict[str, list[int]]] = [{} for _ in signals]
        for form, (dtype, scale) in _FORMS.items():
            rows = [(x.astype(np.float64) * scale).astype(dtype).reshape(len(x), -1) for x in signals]
            for each, hits in zip(found, self._rows(rows, run), strict=True):
                if hits:
                    each[form] = sorted(hits)
        return found

    def text(self, x: np.ndarray, run: int = RUN) -> int:
        """How many runs of values stand there as lines of decimal numbers."""
        needles = ("\n".join(map(str, x[at : at + run].tolist())).encode() for at in range(0, len(x) - run, run))
        return sum(self.holds(needle) for needle in needles)

    def holds(self, needle: bytes) -> bool:
        """Whether these bytes stand anywhere."""
        return any(needle in data for _, data in self.regions)

    def _rows(self, signals: Sequence[np.ndarray], run: int) -> list[set[int]]:
        """Where runs of rows begin and go on, whatever their alignment to 2 bytes."""
        sizes = [rows.itemsize * rows.shape[1] for rows in signals]
        data = [rows.tobytes() for rows in signals]
        found: list[set[int]] = [set() for _ in signals]
        for size in sorted(set(sizes)):
            alike = [i for i in range(len(signals)) if sizes[i] == size]
            keys = {
                data[i][at * size : (at + _KEY) * size]: (i, at)
                for i in alike
                for at in range(len(signals[i]) - run + 1)
            }
            words = np.frombuffer(b"".join(keys), np.uint16).reshape(len(keys), -1)
            maps = np.zeros((words.shape[1], 1 << 16), bool)
            for part, of_part in enumerate(maps):
                of_part[words[:, part]] = True
            order = np.argsort(maps.sum(axis=1)).tolist()  # the word that leaves least comes first
            for _, region in self.regions:
                given = np.frombuffer(region[: len(region) // 2 * 2], np.uint16)
                n = len(given) - words.shape[1] + 1
                if n < 1:
                    continue
                likely = np.flatnonzero(maps[order[0]][given[order[0] : order[0] + n]])
                for part in order[1:]:
                    likely = likely[maps[part][given[likely + part]]]
                for at in likely.tolist():
                    i, first = keys.get(region[2 * at : 2 * at + _KEY * size], (0, -1))
                    if (
                        first >= 0
                        and region[2 * at : 2 * at + run * size] == data[i][first * size : (first + run) * size]
                    ):
                        found[i].update(range(first, first + run))
        return found


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


_BEFORE = """
import os, signal
import numpy
def stop():
    os.kill(os.getpid(), signal.SIGSTOP)
def load(path):
    with open(path, "rb", buffering=0) as file:
        file.seek(128)
        values = numpy.zeros((os.path.getsize(path) - 128) // 2, numpy.int16)
        file.readinto(values)
    return values
"""


class Stopped:
    """A child that runs code and stops itself; memory is looked at while it stands still.

    Parameters
    ----------
    code : Python; it may call ``stop()`` once or more, and ``load(path)`` for an int16 .npy that is nowhere else
    arguments : sys.argv[1:] of the child
    """

    def __init__(self, code: str, *arguments: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-c", _BEFORE + code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
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
