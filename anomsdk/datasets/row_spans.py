"""Spans of rows: where the rows of each device begin and end, so that rows that count the same service are found.

A row of a scored recording spans a time, one gathered from exports spans ticks of service in a life of its ladder.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.datasets.reading import row_name
from anomsdk.datasets.row_checks import NEVER, as_int64
from anomsdk.errors import InputError, quoted

Ints = NDArray[np.int64]

BY_TIME, BY_TICK = 0, 1
"""Kinds of spans: in microseconds since 1970, and in ticks of service with the boot number above 32 bits."""
SLACK = {BY_TIME: 1_000_000, BY_TICK: 0}
"""Kind -> length by which rows may overlap: clocks of recordings are often read in whole seconds."""
_MOST_UNCHECKED = 1 << 20
"""Rows of one day after which those so far are checked; the later ones must follow them."""


class RowSpans:
    """Spans of the rows of consecutive days, device by device.

    Parameters
    ----------
    leave_out : devices whose rows overlap are noted in ``doubtful``; False: they are an error
    """

    def __init__(self, *, leave_out: bool) -> None:
        self._leave_out = leave_out
        self.begins, self.ends = unknown_spans(0)
        self.doubtful: dict[int, str] = {}
        """Place of a device -> why its rows cannot be added up."""
        # rows of the day: file, number in the file, place of the device, begin, end
        self._day: dict[int, list[tuple[str, Ints, Ints, Ints, Ints]]] = {BY_TIME: [], BY_TICK: []}
        self._waiting = 0

    def grow(self, n: int) -> None:
        """Make room for n devices."""
        more = ((0, 0), (0, n - self.ends.shape[1]))
        self.begins = np.pad(self.begins, more, constant_values=NEVER)
        self.ends = np.pad(self.ends, more, constant_values=-NEVER)

    def take(self, path: str, rows: Ints, places: Ints, batch: list[Any], ticks: NDArray[Any], devices: Any) -> None:
        """Take rows of the day.

        Parameters
        ----------
        path : of their file
        rows : (n,), numbers in the file
        places : (n,), of their devices
        batch : columns start, stop, boot and first in pyarrow
        ticks : (n,), of service
        devices : names by place, for messages
        """
        for kind, begins, ends in _spans(batch, ticks):
            known = (begins != NEVER) & (ticks > 0)  # a row without service counts nothing
            if known.all():
                self._day[kind].append((path, rows, places, begins, ends))
            elif known.any():
                self._day[kind].append((path, rows[known], places[known], begins[known], ends[known]))
        self._waiting += len(rows)
        if self._waiting > _MOST_UNCHECKED:
            self.end_day(devices)

    def end_day(self, devices: Any) -> None:
        """Check that no two rows of the day overlap, nor one of them with a day before.

        Raises
        ------
        InputError : names the file, the row and the device, unless such devices are left out
        """
        for kind, parts in self._day.items():
            if parts:
                self._end(kind, parts, devices)
            parts.clear()
        self._waiting = 0

    def _end(self, kind: int, parts: list[tuple[str, Ints, Ints, Ints, Ints]], devices: Any) -> None:
        places, begins, ends = (np.concatenate([each[i] for each in parts]) for i in (2, 3, 4))
        order = np.arange(len(places))
        if not (places[1:] > places[:-1]).all():
            order = np.lexsort((ends, begins, places))
            places, begins, ends = places[order], begins[order], ends[order]
        is_new = np.r_[True, places[1:] != places[:-1]]
        new = np.flatnonzero(is_new)
        before = np.r_[ends[:1], ends[:-1]]
        same = ~is_new & (begins == np.r_[begins[:1], begins[:-1]]) & (ends == before)  # also where shorter than SLACK
        before[new] = self.ends[kind, places[new]]
        for over in np.flatnonzero((begins < before - SLACK[kind]) | same).tolist():
            place = int(places[over])
            if place not in self.doubtful:
                where = _named(parts, int(order[over]))
                line = f"{where}: {overlapping(str(devices[place]), kind, int(begins[over]))}"
                if not self._leave_out:
                    raise InputError(line)
                self.doubtful[place] = line
        of_device = np.maximum.reduceat(ends, new)
        self.ends[kind, places[new]] = np.maximum(self.ends[kind, places[new]], of_device)
        self.begins[kind, places[new]] = np.minimum(self.begins[kind, places[new]], begins[new])


def unknown_spans(n: int) -> tuple[Ints, Ints]:
    """Return begins and ends (2, n) of devices of which no row is known."""
    return np.full((2, n), NEVER), np.full((2, n), -NEVER)


def overlapping(device: str, kind: int, begin: int) -> str:
    """Say that a row of a device overlaps another one."""
    if kind == BY_TIME:
        at = f"at {datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=begin):%Y-%m-%d %H:%M:%S} UTC"
    else:
        at = f"at tick {begin & 0xFFFFFFFF:,} of boot {begin >> 32}"
    return (
        f"device {quoted(device)}: two rows overlap {at}, which would count twice; give each recording once, and each "
        "device another name"
    )


def _named(parts: list[tuple[str, Ints, Ints, Ints, Ints]], row: int) -> str:
    for path, rows, *_ in parts:
        if row < len(rows):
            return row_name(path, int(rows[row]))
        row -= len(rows)
    raise AssertionError(row)


def _spans(batch: list[Any], ticks: NDArray[Any]) -> Iterator[tuple[int, Ints, Ints]]:
    """Yield where rows begin and end, by time, and by tick of their life."""
    start, stop, boot, first = batch
    n, ungathered = len(ticks), boot.null_count
    if ungathered:
        begins, ends = as_int64(start, NEVER), as_int64(stop, NEVER)
        known = (begins != NEVER) & (ends != NEVER)
        if ungathered < n:
            known &= boot.is_null().to_numpy(zero_copy_only=False)
        yield BY_TIME, np.where(known, begins, NEVER), ends
    if ungathered < n:
        begins = (as_int64(boot, 0) << 32) + as_int64(first, 0)
        known = np.ones(n, bool) if not ungathered else boot.is_valid().to_numpy(zero_copy_only=False)
        yield BY_TICK, np.where(known, begins, NEVER), begins + ticks.astype(np.int64)
