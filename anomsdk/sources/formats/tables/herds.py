"""Tables of a whole herd, recognised by a column that names animals or devices, or by times that go back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, parameter, quoted
from anomsdk.sources.formats.tables.time_headings import times_by_words, times_named

if TYPE_CHECKING:
    from anomsdk.sources.formats.tables.table import Table

_MOST_LOOKS = 8
"""Batches with a step back in time that are examined; a clock that is set once is no herd."""
_ROWS_OF_EACH = 2.0
"""Least average number of rows for each value of a column that names animals."""
_LEAST_IN_PACKET = 4
"""Fewest rows of one time that are taken for a packet."""
_MOST_SHARING = 200
"""Most animals whose rows share one time."""
_LEAST_SHARED = 4
"""Fewest times that such rows share."""
_FLAGS = {"0", "1", "True", "False", "true", "false", "0.0", "1.0", ""}
"""Values of a column of flags, which may change from row to row."""
_NO_NAMES = re.compile(
    r"(?<![a-z])(batt|bat|volt|vbat|temp|rssi|lqi|snr|seq|counter|count|packet|index|idx|row|frame|sample|steps?|lux|light|"
    r"button|unnamed|level_0|reboot|boot|reset|restart|retry|attempt|m?secs?(?![a-z])|[mun]s(?![a-z])|[nu]secs?(?![a-z])|"
    r"milli|micro|nano)",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"(?<![a-z])(cow|animal|subject|subj|device|dev|collar|tag|sensor|person|participant|patient|user|wearer|horse|dog|pig|"
    r"sheep|goat|calf|bird|mouse|rat|serial|mac|name|who|id|session|trial|recording|run|file)(?![a-z])|(?<=[a-z])ID$|_id$",
    re.IGNORECASE,
)
"""Headings of columns that name the animal or recording of a row, where the table has no time."""
ANIMALS = re.compile(
    r"(cow|animal|subject|subj|participant|patient|wearer|collar|horse|dog|pig|sheep|goat|calf|device|logger)"
    r"[ _.-]*(id|no|nr|num|number|name|code|tag|serial)?",
    re.IGNORECASE,
)
"""Headings of columns that name the animal or device of a row, even where times rise from row to row."""


class HerdWatch:
    """Check of the times of a table while it is read, which refuses a table of several animals.

    Parameters
    ----------
    table : table that is read
    time : column of time
    axes : columns of the axes
    date : column of days beside times of day; None where there is none
    """

    def __init__(self, table: Table, time: int, axes: Sequence[int], date: int | None = None) -> None:
        self._table, self._time, self._date = table, time, date
        self._others = _others(table, (time, *axes, *(() if date is None else (date,))))
        self._last: Any = None
        self._looks = 0 if self._others and time not in table.lists else _MOST_LOOKS

    def push(self, number: int, stamps: NDArray[Any]) -> None:
        """Check the times of one batch.

        Parameters
        ----------
        number : number of the batch, from 0
        stamps : its time stamps

        Raises
        ------
        InputError : times go back, but rise for each single value of another column, which the message names
        """
        if self._looks >= _MOST_LOOKS or not len(stamps):
            return
        first = number == 0 or self._last is None
        goes_back = bool((np.diff(stamps) <= 0).any()) or (not first and bool(stamps[0] <= self._last))
        self._last = stamps[-1]
        if goes_back:
            self._looks += 1
            self._look(number)

    def _look(self, number: int) -> None:
        """Examine batch ``number`` and the one before it, together with their other columns."""
        table, before = self._table, None
        labels = (row for batch in table.cells(self._others) for row in batch)
        for at, (stamps, _) in enumerate(table.read(self._time, (), self._date)):
            cells = list(islice(labels, len(stamps)))
            joined = stamps if before is None else np.concatenate([before[0], stamps])
            rows = cells if before is None else [*before[1], *cells]
            if table.lists or at == number:
                self._refuse(joined, rows)
            if at == number and not table.lists:
                return
            before = stamps, cells

    def _refuse(self, stamps: NDArray[Any], rows: list[tuple[str, ...]]) -> None:
        table = self._table
        back = np.flatnonzero(np.diff(stamps) <= 0)
        if len(rows) != len(stamps) or not len(back):
            return
        for place, column in enumerate(self._others):
            labels = [row[place] for row in rows]
            if not _NAMES.search(table.names[column]) and _counts_within(labels, stamps):
                continue
            shared = _shares_each_time(labels, stamps)
            if shared or _rises_by(labels, stamps):
                shown = quoted(table.names[column]) or str(column + 1)
                first = next((at for at in back.tolist() if labels[at] != labels[at + 1]), int(back[0]))
                before, now = labels[first], labels[first + 1]
                value = quoted(now or before)
                what = "stand still" if shared else "go back"
                said = f"times {what} where {shown} becomes {quoted(now) or 'empty'}"
                raise InputError(f"{table.where}: {said}: {_advice(shown, value)}")


def refuse_named_herd(table: Table, used: Sequence[int], *, timed: bool) -> None:
    """Refuse a table whose rows are of several animals or devices, by a column that names these.

    Parameters
    ----------
    table : table that is read
    used : columns of time and of the axes
    timed : the table has a column of time

    Raises
    ------
    InputError : rows of several animals; the message names the column
    """
    names = ANIMALS.fullmatch if timed else _NAMES.search
    named = [column for column in _others(table, used) if names(table.names[column].strip())]
    first: tuple[str, ...] | None = None
    for batch in table.cells(named) if named else ():
        first = batch[0] if first is None else first
        for cells in dict.fromkeys(batch):
            for column, was, now in zip(named, first, cells, strict=True):
                if was != now:
                    shown, value = quoted(table.names[column]), quoted(now or was)
                    said = f"{shown} is {quoted(was) or 'empty'} and {quoted(now) or 'empty'}"
                    raise InputError(f"{table.where}: {said}: {_advice(shown, value)}")


def _advice(column: str, value: str) -> str:
    by, where = parameter("by", column), parameter("where", f"{column}={value}")
    return f"rows of several; divide them with {by}, or choose one with {where}"


def _others(table: Table, used: Sequence[int]) -> list[int]:
    """List the columns that may name the animal or device of a row."""
    of_kind = range(len(table.names)) if table.labels is None else table.labels
    times = {*times_named(table.names), *times_by_words(table.names)}
    return [
        column
        for column in of_kind
        if column not in used
        and column not in times
        and column not in table.lists
        and column not in table.dated
        and not _NO_NAMES.search(table.names[column])
    ]


def _counts_within(labels: list[str], stamps: NDArray[Any]) -> bool:
    """Tell whether labels number the rows of one time, at least four: the samples of a packet."""
    steps, different = np.diff(stamps), set(labels)
    numbered = len(different) >= _LEAST_IN_PACKET and all(re.fullmatch(r"\d{1,9}", each) for each in different)
    return numbered and not (steps < 0).any() and bool((np.diff([int(each) for each in labels])[steps == 0] == 1).all())


def _shares_each_time(labels: list[str], stamps: NDArray[Any]) -> bool:
    """Tell whether a few labels share each time, with equal numbers of rows: animals with times in whole seconds."""
    different = sorted(set(labels))
    if not 2 <= len(different) <= _MOST_SHARING or set(different) <= _FLAGS or (np.diff(stamps) < 0).any():
        return False
    begins = np.flatnonzero(np.diff(stamps) > 0) + 1
    if len(begins) < _LEAST_SHARED:
        return False
    of_label = np.array([[each == label for label in different] for each in labels], np.int64)
    counts = np.add.reduceat(of_label, begins, axis=0)[:-1]  # the first and the last time may be partial
    least, most = counts.min(axis=1), counts.max(axis=1)
    return bool(((least >= 2) & (most - least <= 1 + 0.1 * most)).mean() > 0.9)


def _rises_by(labels: list[str], stamps: NDArray[Any]) -> bool:
    """Tell whether times rise within the rows of each label, with few labels, none of which is a fraction."""
    different = set(labels)
    if not 2 <= len(different) <= len(labels) / _ROWS_OF_EACH or any(
        re.fullmatch(r"-?\d*[.,]\d*[1-9]\d*", each) for each in different
    ):
        return False
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    least = 0 if (np.diff(stamps) < 0).any() else np.nextafter(0, 1)  # back to the start: times may be whole seconds
    return all(bool((np.diff(stamps[of_label]) >= least).all()) for of_label in rows.values())
