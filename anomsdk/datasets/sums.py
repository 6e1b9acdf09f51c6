"""Sums of device days by device: integers, in memory that grows with the devices and not with the rows.

The sums of neighbouring days add up in any grouping (`DeviceSums.plus`), so that threads and machines can share them.
Rows are checked while they are added: no count is missing or exceeds the service of its row, and no two rows of a
device overlap, in time or in ticks of one life of its ladder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.datasets.places import index_of
from anomsdk.datasets.reading import DayFile, batches, checked_names, row_name
from anomsdk.datasets.row_checks import KEYS, NEVER, SERVICE, RowChecks, as_int64
from anomsdk.datasets.schema import import_pyarrow
from anomsdk.errors import InputError, quoted
from anomsdk.runtime.parallel import one_ahead

Ints = NDArray[np.int64]

_BY_TIME, _BY_TICK = 0, 1


@dataclass(eq=False)
class DeviceSums:
    """Sums over the rows of consecutive days.

    Parameters
    ----------
    columns : names of the columns that are added up, service_ticks and service_days first
    devices : pyarrow strings, in the order in which they were met
    groups : of the devices; empty: none
    values : int64 (columns, n)
    begins, ends : int64 (2, n): where the rows of a device begin and end, in microseconds since 1970, and in ticks of
        service with the boot number above 32 bits; `NEVER` and its negative where no row tells
    rows : number of rows that were added
    left_out : number of rows that were left out
    bad : one line for each file with rows that were left out
    """

    columns: tuple[str, ...]
    devices: Any
    groups: list[str]
    values: Ints
    begins: Ints
    ends: Ints
    rows: int = 0
    left_out: int = 0
    bad: list[str] = field(default_factory=list)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields for a copy on another machine, with values of 32 bits where they fit."""
        narrow = int(self.values.max(initial=0)) <= np.iinfo(np.uint32).max
        return self.__dict__ | ({"values": self.values.astype(np.uint32)} if narrow else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, values=state["values"].astype(np.int64))

    def plus(self, later: DeviceSums) -> DeviceSums:
        """Add the sums of later days.

        Raises
        ------
        InputError : rows of a device overlap
        """
        pyarrow = import_pyarrow("data set")
        if not len(self.devices) or not len(later.devices):
            kept = later if not len(self.devices) else self
            counted = self.rows + later.rows, self.left_out + later.left_out, [*self.bad, *later.bad]
            return DeviceSums(self.columns, kept.devices, kept.groups, kept.values, kept.begins, kept.ends, *counted)
        at = index_of(later.devices, self.devices)
        new = at < 0
        devices = pyarrow.concat_arrays([self.devices, later.devices.filter(pyarrow.array(new))])
        at[new] = len(self.devices) + np.arange(int(new.sum()))
        old = ~new
        _check_order(
            self.ends[:, at[old]], later.begins[:, old], lambda i: str(later.devices.filter(pyarrow.array(old))[i])
        )
        grown = len(devices) - len(self.devices)
        values = np.pad(self.values, ((0, 0), (0, grown)))
        values[:, at] += later.values
        begins, ends = (
            np.pad(each, ((0, 0), (0, grown)), constant_values=none)
            for each, none in ((self.begins, NEVER), (self.ends, -NEVER))
        )
        begins[:, at] = np.minimum(begins[:, at], later.begins)
        ends[:, at] = np.maximum(ends[:, at], later.ends)
        groups = [*self.groups, *(group for group, is_new in zip(later.groups, new.tolist(), strict=True) if is_new)]
        _check_groups(groups, later.groups, at, later.devices)
        counted = self.rows + later.rows, self.left_out + later.left_out, [*self.bad, *later.bad]
        return DeviceSums(self.columns, devices, groups, values, begins, ends, *counted)


def add_up(
    files: Sequence[DayFile],
    columns: Sequence[str],
    score_id: str,
    *,
    skip_bad: bool = False,
    ahead: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DeviceSums:
    """Add up columns of data sets by device.

    Parameters
    ----------
    files : in the order of their days
    columns : names of further columns besides service_ticks and service_days
    score_id : that all rows must have
    skip_bad : leave out rows that cannot be right; by default the first one is an error
    ahead : read the next rows in a second thread
    progress : called with the number of files that were added, and the number of all

    Raises
    ------
    InputError : a file cannot be read or lacks a column, a row of another score_id, or rows that overlap. Without
        ``skip_bad`` also a row with a count that is missing, below 0 or beyond its service
    """
    adding = _Adding(tuple(columns), score_id, skip_bad)
    needed = (*KEYS, *SERVICE, *columns)
    numbered = ((number, batch) for number, file in enumerate(files) for batch in batches(file.path, needed))
    at = -1
    for number, batch in one_ahead(numbered) if ahead else numbered:
        if number != at:
            if at >= 0 and files[at].day != files[number].day:
                adding.end_day()
            adding.open(files[number])
            progress(number, len(files))
            at = number
        adding.take(batch)
    adding.end_day()
    progress(len(files), len(files))
    return adding.sums()


def parts_of(files: Sequence[DayFile], n: int) -> list[list[DayFile]]:
    """Divide files into at most n parts of whole days that follow one another."""
    days = _by_day(files)
    if not days:
        return []
    bounds = np.linspace(0, len(days), min(n, len(days)) + 1).round().astype(int).tolist()
    return [[file for day in days[a:b] for file in day] for a, b in pairwise(bounds)]


def _by_day(files: Sequence[DayFile]) -> list[list[DayFile]]:
    found: dict[str, list[DayFile]] = {}
    for file in files:
        found.setdefault(file.day, []).append(file)
    return list(found.values())


class _Adding:
    """Sums that grow file by file."""

    def __init__(self, columns: tuple[str, ...], score_id: str, skip_bad: bool) -> None:
        self._columns, self._skip_bad = (*SERVICE, *columns), skip_bad
        self._checks = RowChecks(self._columns, score_id)
        self._pyarrow = import_pyarrow("data set")
        self._devices: Any = _no_devices()
        self._groups: list[str] = []
        self._values, self._begins, self._ends = _empty(len(self._columns))
        self._known: tuple[Any, Ints] | None = None  # dictionary of the batch before, and the places of its devices
        # rows of the day by time and by tick: file, rows, places of their devices, begins, ends
        self._day: dict[int, list[tuple[str, Ints, Ints, Ints, Ints]]] = {_BY_TIME: [], _BY_TICK: []}
        self._rows = self._left_out = 0
        self._bad: list[str] = []
        self._file, self._at = DayFile("", ""), 0  # that is read, and the number of its rows so far
        self._bad_rows: list[tuple[str, int]] = []  # of the file: why the first of a batch is bad, and how many are

    def open(self, file: DayFile) -> None:
        """Begin with the rows of a file."""
        self._end_file()
        self._file, self._at = file, 0

    def take(self, batch: list[Any]) -> None:
        """Add rows of the file."""
        numbers, bad = self._checks.checked(batch, self._file, self._at)
        n = len(bad)
        kept = np.arange(self._at, self._at + n)
        if bad.any():
            first = int(bad.argmax())
            why = f"{row_name(self._file.path, self._at + first)}: {self._checks.why(batch, first)}"
            if not self._skip_bad:
                raise InputError(f"{why}; correct the row, or leave it out with `skip_bad`")
            self._bad_rows.append((why, int(bad.sum())))
            good = np.flatnonzero(~bad)
            batch = [column.take(self._pyarrow.array(good)) for column in batch]
            numbers, kept = [each[good] for each in numbers], kept[good]
        self._at += n
        if len(kept):
            self._add(batch, numbers, kept)

    def _end_file(self) -> None:
        if self._bad_rows:
            n = sum(each for _, each in self._bad_rows)
            self._left_out += n
            self._bad.append(self._bad_rows[0][0] + (f" (and {n - 1:,} more rows of this file)" if n > 1 else ""))
        self._bad_rows = []

    def end_day(self) -> None:
        """Check that no two rows of the day overlap, nor one of them with a day before."""
        for kind, parts in self._day.items():
            if parts:
                self._end_kind(kind, parts)
            parts.clear()

    def _end_kind(self, kind: int, parts: list[tuple[str, Ints, Ints, Ints, Ints]]) -> None:
        places, begins, ends = (np.concatenate([each[i] for each in parts]) for i in (2, 3, 4))
        order = np.arange(len(places))
        if not (places[1:] > places[:-1]).all():
            order = np.lexsort((begins, places))
            places, begins, ends = places[order], begins[order], ends[order]
        known = begins != NEVER
        if not known.all():
            order, places, begins, ends = order[known], places[known], begins[known], ends[known]
        if not len(places):
            return
        before = self._ends[kind, places]
        again = np.flatnonzero(places[1:] == places[:-1]) + 1
        before[again] = np.maximum(before[again], ends[again - 1])
        over = np.flatnonzero(begins < before)
        if len(over):
            first = int(over[0])
            raise InputError(self._overlap(parts, int(order[first]), int(places[first]), kind, int(begins[first])))
        last = np.r_[np.flatnonzero(places[1:] != places[:-1]), len(places) - 1]
        self._ends[kind, places[last]] = ends[last]
        first_rows = np.r_[0, last[:-1] + 1]
        new = self._begins[kind, places[first_rows]] == NEVER
        self._begins[kind, places[first_rows[new]]] = begins[first_rows[new]]

    def sums(self) -> DeviceSums:
        """Return the sums so far."""
        self._end_file()
        n = len(self._devices)
        cut = self._values[:, :n], self._begins[:, :n], self._ends[:, :n]
        return DeviceSums(self._columns, self._devices, self._groups, *cut, self._rows, self._left_out, self._bad)

    def _overlap(
        self, parts: list[tuple[str, Ints, Ints, Ints, Ints]], row: int, place: int, kind: int, begin: int
    ) -> str:
        for path, rows, *_ in parts:
            if row < len(rows):
                return f"{row_name(path, int(rows[row]))}: {_overlapping(str(self._devices[place]), kind, begin)}"
            row -= len(rows)
        raise AssertionError(row)

    def _add(self, batch: list[Any], numbers: list[NDArray[Any]], rows: Ints) -> None:
        places = self._places(batch[0])
        apart = np.diff(places)
        if bool((apart == 1).all()):
            span = slice(int(places[0]), int(places[-1]) + 1)
            for total, values in zip(self._values, numbers, strict=True):
                total[span] += values
        elif bool((apart > 0).all()) or len(np.unique(places)) == len(places):
            for total, values in zip(self._values, numbers, strict=True):
                total[places] += values
        else:
            for total, values in zip(self._values, numbers, strict=True):
                np.add.at(total, places, values.astype(np.int64))
        self._rows += len(rows)
        for kind, (begins, ends) in self._spans(batch, numbers[0]):
            self._day[kind].append((self._file.path, rows, places, begins, ends))

    def _spans(self, batch: list[Any], ticks: NDArray[Any]) -> Iterator[tuple[int, tuple[Ints, Ints]]]:
        """Yield where rows begin and end, by time, and by tick of their life; `NEVER` where that is not known."""
        start, stop, boot, first = batch[2:6]
        n, ungathered = len(ticks), boot.null_count
        if ungathered:
            begins, ends = as_int64(start, NEVER), as_int64(stop, NEVER)
            known = (begins != NEVER) & (ends != NEVER)
            if ungathered < n:
                known &= boot.is_null().to_numpy(zero_copy_only=False)
            yield _BY_TIME, (np.where(known, begins, NEVER), ends)
        if ungathered < n:
            begins = (as_int64(boot, 0) << 32) + as_int64(first, 0)
            known = np.ones(n, bool) if not ungathered else boot.is_valid().to_numpy(zero_copy_only=False)
            yield _BY_TICK, (np.where(known, begins, NEVER), begins + ticks.astype(np.int64))

    def _places(self, column: Any) -> Ints:
        """Return the index of the device of each row; new devices are added."""
        names, group = column.dictionary, self._file.group
        if self._known is None or not self._known[0].equals(names) or group != "":
            self._known = names, self._placed(names, group)
        return self._known[1][column.indices.to_numpy()]

    def _placed(self, names: Any, group: str) -> Ints:
        at = index_of(checked_names(names, self._file.name, "device"), self._devices)
        new = at < 0
        if new.any():
            at[new] = len(self._devices) + np.arange(int(new.sum()))
            self._devices = self._pyarrow.concat_arrays([self._devices, names.filter(self._pyarrow.array(new))])
            self._groups += [group] * int(new.sum())
            missing = len(self._devices) - self._values.shape[1]
            if missing > 0:
                more = ((0, 0), (0, max(missing, self._values.shape[1] // 2)))
                self._values = np.pad(self._values, more)
                self._begins = np.pad(self._begins, more, constant_values=NEVER)
                self._ends = np.pad(self._ends, more, constant_values=-NEVER)
        _check_groups(self._groups, [group] * len(names), at, names)
        return at


def _no_devices() -> Any:
    pyarrow = import_pyarrow("data set")
    return pyarrow.array([], pyarrow.string())


def _empty(n_columns: int) -> tuple[Ints, Ints, Ints]:
    return np.zeros((n_columns, 0), np.int64), np.full((2, 0), NEVER), np.full((2, 0), -NEVER)


def _check_order(ends: Ints, begins: Ints, name: Callable[[int], str]) -> None:
    for kind in (_BY_TIME, _BY_TICK):
        over = np.flatnonzero((begins[kind] != NEVER) & (begins[kind] < ends[kind]))
        if len(over):
            at = int(over[0])
            raise InputError(f"data set: {_overlapping(name(at), kind, int(begins[kind][at]))}")


def _overlapping(device: str, kind: int, begin: int) -> str:
    if kind == _BY_TIME:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=begin)
        at = f"at {moment:%Y-%m-%d %H:%M:%S} UTC"
    else:
        at = f"at tick {begin & 0xFFFFFFFF:,} of boot {begin >> 32}"
    return (
        f"device {quoted(device)}: two rows overlap {at}, which would count twice; give each recording once, and each "
        "device another name"
    )


def _check_groups(groups: list[str], given: Sequence[str], at: Ints, names: Any) -> None:
    for place, group, name in zip(at.tolist(), given, names, strict=True) if any(given) or any(groups) else ():
        if groups[place] != group:
            raise InputError(
                f"data set: device {quoted(name)} is in group {groups[place] or '(none)'} and in {group or '(none)'}; "
                "keep its rows in one"
            )
