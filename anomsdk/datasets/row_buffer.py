"""Rows that wait to be committed, by day: in memory up to a limit, then in pending files."""

from __future__ import annotations

import threading

from anomsdk.datasets.device_day import DeviceDay
from anomsdk.datasets.parts import Part, PartWriter

MOST_BYTES = 48 << 20
"""Memory of all rows that wait, roughly."""
RECORDING_BYTES = 1 << 20
"""Memory of the rows of one recording, roughly: its days go to a file each, however many recordings there are."""


class RowMemory:
    """Memory that the rows of several buffers take together, in bytes; any thread may change it."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most, self._used, self._lock = most, 0, threading.Lock()

    @property
    def is_full(self) -> bool:
        """Return True if rows must go to files."""
        return self._used > self.most

    def change(self, by: int) -> None:
        """Take memory, or give it back."""
        with self._lock:
            self._used += by


class RowBuffer:
    """Rows by day, and the pending files that hold more of them; used by one thread at a time.

    Parameters
    ----------
    writer : writes pending files
    memory : shared with other buffers
    most : bytes of this buffer alone from which on rows go to files; None: no such limit
    """

    def __init__(self, writer: PartWriter, memory: RowMemory, most: int | None = None) -> None:
        self._writer, self._memory, self._most = writer, memory, most
        self._days: dict[str, list[DeviceDay]] = {}
        self._bytes: dict[str, int] = {}
        self._parts = list[Part]()
        self.rows = 0

    @property
    def is_large(self) -> bool:
        """Return True if the rows should be committed, as much waits in memory or in files."""
        held = sum(self._bytes.values()) + sum(part.size for part in self._parts)
        return held > self._memory.most // 2

    def add(self, row: DeviceDay) -> None:
        """Take a row; the largest days go to files when there is too much in memory."""
        self._days.setdefault(row.partition, []).append(row)
        self._bytes[row.partition] = self._bytes.get(row.partition, 0) + row.memory
        self._memory.change(row.memory)
        self.rows += 1
        own = sum(self._bytes.values())
        too_many = self._most is not None and own > self._most
        if too_many or (self._memory.is_full and own > self._memory.most // 8):
            while sum(self._bytes.values()) > own // 2:
                self._write(max(self._bytes, key=lambda day: self._bytes[day]))

    def take(self, other: RowBuffer) -> None:
        """Take all rows and files of another buffer, which is empty then."""
        parts, other._parts = other._parts, []
        self._parts += parts
        self.rows += sum(part.rows for part in parts)
        days, other._days, other._bytes, other.rows = other._days, {}, {}, 0
        for rows in days.values():
            self._memory.change(-sum(row.memory for row in rows))
            for row in rows:
                self.add(row)

    def write(self) -> list[Part]:
        """Write all rows to pending files, and return these; the buffer is empty then."""
        while self._days:
            self._write(next(iter(self._days)))
        parts, self._parts, self.rows = self._parts, [], 0
        return parts

    def drop(self) -> None:
        """Forget all rows, and remove the pending files."""
        self._memory.change(-sum(self._bytes.values()))
        self._days, self._bytes, self.rows = {}, {}, 0
        while self._parts:
            self._writer.drop(self._parts.pop())

    def _write(self, day: str) -> None:
        self._parts.append(self._writer.write(day, self._days[day]))
        del self._days[day]
        self._memory.change(-self._bytes.pop(day))
