"""Sums of device days by device: integers, in memory that grows with the devices and not with the rows.

The sums of neighbouring days add up in any grouping (`DeviceSums.plus`), so that threads and machines can share them.
Rows are checked while they are added (`anomsdk.datasets.row_checks`, `anomsdk.datasets.row_spans`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.fixed import UINT32_MAX
from anomsdk.datasets.places import index_of
from anomsdk.datasets.reading import DayFile, batches, checked_names, row_name
from anomsdk.datasets.row_checks import KEYS, NEVER, SERVICE, RowChecks
from anomsdk.datasets.row_spans import BY_TICK, BY_TIME, SLACK, RowSpans, overlapping
from anomsdk.datasets.schema import MANY, import_pyarrow
from anomsdk.errors import InputError, quoted
from anomsdk.runtime.parallel import in_order

Ints = NDArray[np.int64]

_LABELS = 2
"""Number of the first of `KEYS` that are labels; the others say where a row begins and ends."""


@dataclass(frozen=True)
class Tally:
    """Number of rows that were added and left out.

    Parameters
    ----------
    rows, left_out : added; left out, as they cannot be right
    bad : one line for each file with rows that were left out
    """

    rows: int = 0
    left_out: int = 0
    bad: tuple[str, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.rows + other.rows, self.left_out + other.left_out, (*self.bad, *other.bad))


@dataclass(frozen=True, eq=False)
class DeviceSums:
    """Sums over the rows of consecutive days.

    Parameters
    ----------
    columns : names of the columns that are added up, service_ticks and service_days first
    devices : pyarrow strings, in the order in which they were met
    groups : of the devices; empty: none
    values : uint32 (columns, n), or int64 where that does not hold them
    begins, ends : int64 (2, n), spans of the rows of each device, see `anomsdk.datasets.row_spans`
    tally : number of rows
    doubtful : device whose rows overlap -> why, or that had a row that cannot be right -> ""; only where these are
        left out. What else is known of such a device is not all, and may lack alarms
    """

    columns: tuple[str, ...]
    devices: Any
    groups: list[str]
    values: NDArray[Any]
    begins: Ints
    ends: Ints
    tally: Tally = Tally()
    doubtful: dict[str, str] = field(default_factory=dict)
    leave_out: bool = False

    def of_two_kinds(self) -> dict[str, str]:
        """Return the devices with rows of scored recordings and of exports, and why these do not add up."""
        both = (self.begins[BY_TIME] != NEVER) & (self.begins[BY_TICK] != NEVER)
        names = [str(self.devices[place]) for place in np.flatnonzero(both).tolist()]
        return {
            name: f"data set: device {quoted(name)} has rows of recordings and of exports, which may count the same "
            "service twice; give one of both"
            for name in names
        }

    def plus(self, later: DeviceSums) -> DeviceSums:
        """Add the sums of later days.

        Raises
        ------
        InputError : rows of a device overlap, or a device is in two groups
        """
        pyarrow = import_pyarrow("data set")
        same = later.devices.equals(self.devices)
        at = np.arange(len(self.devices)) if same else index_of(later.devices, self.devices)
        new = at < 0
        devices = self.devices
        if new.any():
            devices = pyarrow.concat_arrays([devices, later.devices.filter(pyarrow.array(new))])
            at[new] = len(self.devices) + np.arange(int(new.sum()))
        grown = ((0, 0), (0, len(devices) - len(self.devices)))
        begins = np.pad(self.begins, grown, constant_values=NEVER)
        ends = np.pad(self.ends, grown, constant_values=-NEVER)
        doubtful = self.doubtful | later.doubtful
        for kind in (BY_TIME, BY_TICK):
            over = (later.begins[kind] != NEVER) & (later.begins[kind] < ends[kind, at] - SLACK[kind])
            for place in np.flatnonzero(over).tolist():
                name = str(later.devices[place])
                line = f"data set: {overlapping(name, kind, int(later.begins[kind, place]))}"
                if not self.leave_out:
                    raise InputError(line)
                doubtful[name] = doubtful.get(name) or line
        most = int(self.values.max(initial=0)) + int(later.values.max(initial=0))
        wide = np.int64 if most > UINT32_MAX else np.uint32
        if same:
            values = np.add(self.values, later.values, dtype=wide)
        else:
            values = np.pad(self.values.astype(wide, copy=False), grown)
            values[:, at] += later.values.astype(wide, copy=False)
        begins[:, at] = np.minimum(begins[:, at], later.begins)
        ends[:, at] = np.maximum(ends[:, at], later.ends)
        groups = [*self.groups, *(group for group, is_new in zip(later.groups, new.tolist(), strict=True) if is_new)]
        _check_groups(groups, later.groups, at, later.devices)
        tally = self.tally + later.tally
        return DeviceSums(self.columns, devices, groups, values, begins, ends, tally, doubtful, self.leave_out)


def add_up(
    files: Sequence[DayFile],
    columns: Sequence[str],
    score_id: str,
    *,
    skip_bad: bool = False,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DeviceSums:
    """Add up columns of data sets by device.

    Parameters
    ----------
    files : in the order of their days
    columns : names of further columns besides service_ticks and service_days
    score_id : that all rows must have
    skip_bad : leave out rows that cannot be right, and note devices whose rows overlap; by default they are an error
    jobs : number of threads, 1 or more; each adds up days that follow one another, in memory of its own
    progress : called with the number of files that were added, and the number of all

    Raises
    ------
    InputError : a file cannot be read or lacks a column, or a row of another score_id. Without ``skip_bad`` also a row
        with a count that is missing, below 0 or beyond its service, and rows that overlap
    """
    needed, done = (*KEYS, *SERVICE, *columns), list[int]()

    def work(number: int, part: Sequence[DayFile], stopped: Callable[[], bool]) -> DeviceSums:
        adding, day = _Adding(tuple(columns), score_id, skip_bad), ""
        for file in part:
            if file.day != day:
                adding.end_day()
            day = file.day
            adding.open(file)
            for batch in batches(file.path, needed):
                adding.take(batch)
            done.append(1)
            if stopped():
                raise InputError("adding up was stopped; start it again")
        adding.end_day()
        return adding.sums()

    found, parts = None, parts_of(files, jobs)
    for each in in_order(work, parts, max(1, len(parts)), meanwhile=lambda: progress(len(done), len(files))):
        import_pyarrow("data set").default_memory_pool().release_unused()
        found = each if found is None else found.plus(each)
    progress(len(files), len(files))
    return work(0, (), lambda: False) if found is None else found


def parts_of(files: Sequence[DayFile], n: int) -> list[list[DayFile]]:
    """Divide files into at most n parts of whole days that follow one another."""
    days: dict[str, list[DayFile]] = {}
    for file in files:
        days.setdefault(file.day, []).append(file)
    of_days = list(days.values())
    n = min(n, len(of_days))
    bounds = [len(of_days) * part // n for part in range(n + 1)] if n else []
    return [[file for day in of_days[a:b] for file in day] for a, b in pairwise(bounds)]


class _Adding:
    """Sums that grow file by file."""

    def __init__(self, columns: tuple[str, ...], score_id: str, skip_bad: bool) -> None:
        self._columns = (*SERVICE, *columns)
        self._checks, self._skip_bad = RowChecks(self._columns, score_id), skip_bad
        self._pyarrow = import_pyarrow("data set")
        self._devices = self._pyarrow.array([], self._pyarrow.string())
        self._groups: list[str] = []
        self._values: NDArray[Any] = np.zeros((len(self._columns), 0), np.uint32)
        self._most = 0  # no sum is larger
        self._spans = RowSpans(leave_out=skip_bad)
        self._known: tuple[Any, str, Ints] | None = None  # devices of the batch before, their group and places
        self._tally = Tally()
        self._file, self._at = DayFile("", ""), 0  # that is read, and the number of its rows so far
        self._doubtful: dict[str, str] = {}  # devices with a bad row
        self._bad_rows: list[tuple[str, int]] = []  # of the file: why the first of a batch is bad, and how many are

    def open(self, file: DayFile) -> None:
        """Begin with the rows of a file."""
        self._end_file()
        self._file, self._at = file, 0

    def take(self, batch: list[Any]) -> None:
        """Add rows of the file."""
        numbers, bad = self._checks.checked(batch, self._file, self._at)
        n = len(bad)
        rows = np.arange(self._at, self._at + n)
        if bad.any():
            first = int(bad.argmax())
            why = f"{row_name(self._file.path, self._at + first)}: {self._checks.why(batch, first)}"
            if not self._skip_bad:
                raise InputError(f"{why}; correct the row, or leave it out with `skip_bad`")
            self._bad_rows.append((why, int(bad.sum())))
            self._doubtful |= dict.fromkeys(batch[0].filter(self._pyarrow.array(bad)).drop_null().to_pylist(), "")
            good = np.flatnonzero(~bad)
            batch = [column.take(self._pyarrow.array(good)) for column in batch]
            numbers, rows = [each[good] for each in numbers], rows[good]
        self._at += n
        if len(rows):
            self._add(batch, numbers, rows)

    def end_day(self) -> None:
        """End a day; errors as `RowSpans.end_day`."""
        self._spans.end_day(self._devices)

    def sums(self) -> DeviceSums:
        """Return the sums so far."""
        self._end_file()
        n, spans = len(self._devices), self._spans
        cut = self._values[:, :n], spans.begins[:, :n], spans.ends[:, :n]
        doubtful = self._doubtful | {str(self._devices[place]): why for place, why in spans.doubtful.items()}
        return DeviceSums(self._columns, self._devices, self._groups, *cut, self._tally, doubtful, self._skip_bad)

    def _end_file(self) -> None:
        if self._bad_rows:
            n = sum(each for _, each in self._bad_rows)
            more = f" (and {n - 1:,} more {'row' if n == 2 else 'rows'} of this file)" if n > 1 else ""
            self._tally += Tally(0, n, (self._bad_rows[0][0] + more,))
        self._bad_rows = []

    def _add(self, batch: list[Any], numbers: list[NDArray[Any]], rows: Ints) -> None:
        places = self._places(batch[0])
        apart = np.diff(places)
        rising = bool((apart > 0).all())
        alone = rising or len(np.unique(places)) == len(places)
        self._make_room(max(int(numbers[0].max()), MANY) * (1 if alone else len(places)))
        kind = self._values.dtype
        numbers = [each if each.dtype in (np.uint16, np.uint32) else each.astype(kind) for each in numbers]
        if rising and int(places[-1] - places[0]) == len(places) - 1:
            span = slice(int(places[0]), int(places[-1]) + 1)
            for total, values in zip(self._values, numbers, strict=True):
                total[span] += values
        elif alone:
            for total, values in zip(self._values, numbers, strict=True):
                total[places] += values
        else:
            for total, values in zip(self._values, numbers, strict=True):
                np.add.at(total, places, values)
        self._tally += Tally(len(rows))
        columns = batch[_LABELS : len(KEYS)]
        self._spans.take(self._file.path, rows, places, columns, numbers[0], self._devices)

    def _make_room(self, most: int) -> None:
        """Make the sums 64 bits wide before they could exceed 32 bits; a batch adds at most so much to one."""
        if self._values.dtype == np.uint32 and self._most + most > UINT32_MAX:
            self._most = int(self._values.max(initial=0))
            if self._most + most > UINT32_MAX // 2:
                self._values = self._values.astype(np.int64)
        self._most += most

    def _places(self, column: Any) -> Ints:
        """Return the index of the device of each row; new devices are added."""
        names, group = column.dictionary, self._file.group
        if self._known is None or self._known[1] != group or not self._known[0].equals(names):
            self._known = names, group, self._placed(names, group)
        return self._known[2][column.indices.to_numpy()]

    def _placed(self, names: Any, group: str) -> Ints:
        at = index_of(checked_names(names, self._file.name, "device"), self._devices)
        new = at < 0
        if new.any():
            at[new] = len(self._devices) + np.arange(int(new.sum()))
            self._devices = self._pyarrow.concat_arrays([self._devices, names.filter(self._pyarrow.array(new))])
            self._groups += [group] * int(new.sum())
            size = self._values.shape[1]
            if len(self._devices) > size:
                room = max(len(self._devices), size + size // 2)
                self._values = np.pad(self._values, ((0, 0), (0, room - size)))
                self._spans.grow(room)
        _check_groups(self._groups, [group] * len(names), at, names)
        return at


def _check_groups(groups: list[str], given: Sequence[str], at: Ints, names: Any) -> None:
    for place, group, name in zip(at.tolist(), given, names, strict=True) if any(given) or any(groups) else ():
        if groups[place] != group:
            raise InputError(
                f"data set: device {quoted(name)} is in group {groups[place] or '(none)'} and in {group or '(none)'}; "
                "keep its rows in one"
            )
