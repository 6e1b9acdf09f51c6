"""Columns of dates, or of times of day, as nanoseconds.

A column has one form, which its first row shows: ISO 8601, or one that a logger, database or spreadsheet writes. Where
day and month are both numbers, the other rows tell them apart; a column that leaves this open is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.timing.date_forms import (
    DAY_NS,
    HOUR_NS,
    LONGEST_DATE,
    MINUTE_NS,
    DateCell,
    compact_date,
    days_since_1970,
    parsed_date,
)
from anomsdk.sources.formats.timing.iso_dates import FIXED_FORM, fixed_dates

_ORDERS = {"d/m/y": (0, 1, 2), "m/d/y": (1, 0, 2)}
"""Places of day, month and year among the three numbers of a date."""
_CONTIGUOUS_NS = HOUR_NS
"""Two rows with different dates show the order of day and month where, in that order alone, they are this close."""
_MOST_LENGTHS, _SHORTEST_ISO = 8, 19


class Dates:
    """Reads one column of dates, or of times of day, block by block.

    Parameters
    ----------
    name : heading of the column, for messages
    strict : refuse a column in which some cells have a zone and others have none

    Examples
    --------
    >>> column = Dates("time")
    >>> column.push(["11:59:59.5 PM", "12:00:00.5 AM"], lambda row: f"line {row}").tolist()
    [86399500000000, 86400500000000]
    """

    def __init__(self, name: str, *, strict: bool = True) -> None:
        self._name, self._strict = name, strict
        self._first: DateCell | None = None
        self._last: DateCell | None = None
        self._orders: dict[str, tuple[int, int, int]] = {}
        self._day = 0
        self._from_1970 = False

    def count_from_1970(self) -> None:
        """Take a column that is stored as nanoseconds since 1970, and need not be pushed."""
        self._from_1970 = True

    @property
    def zero_ns(self) -> int | None:
        """Time from which the values count, in nanoseconds since 1970-01-01 UTC; dates without a zone are taken as UTC.

        None for times of day, for a zone that is only named, and while day and month are not told apart.
        """
        first = self._first
        if first is None:
            return 0 if self._from_1970 else None
        if first.form.startswith("time of") or first.zone:
            return None
        if not first.form.startswith("three"):
            return 0
        days = {days_since_1970(first.date, order) for order in self._orders.values()}
        (day,) = days if len(days) == 1 else (None,)
        return None if day is None else day * DAY_NS

    @property
    def offset_ns(self) -> int | None:
        """Offset of the first date from UTC, in nanoseconds; 0 where it states none. None for durations."""
        if self._first is None:
            return 0 if self._from_1970 else None
        return (self._first.offset or 0) * MINUTE_NS

    def push(self, cells: Sequence[str], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Return the next cells as nanoseconds.

        They count from 1970: in UTC where the cells have an offset, in local time where they have none. Dates whose day
        and month are both numbers count from the first day of the column, times of day from the first midnight.

        Parameters
        ----------
        cells : texts; digits beyond nanoseconds are cut off
        where : names the cell with an index from 0 in messages, as in "line 12"

        Returns
        -------
        int64 (n,)

        Raises
        ------
        InputError : a cell is no date, a day is in no calendar, a year lies outside 1678 to 2261, the form or the zone
            differs from the first row, or day and month cannot be told apart
        """
        fast = self._fixed(cells)
        if fast is not None:
            return fast
        found = [self._one(cell, row, where) for row, cell in enumerate(cells)]
        self._first = self._first or found[0]
        times = np.array([each.since_midnight for each in found], np.int64)
        if self._first.form.startswith("time of"):
            return self._of_day(times, found, HOUR_NS if self._first.form == "time of hour" else DAY_NS)
        days = np.array(self._of_dates(found, cells, where), np.int64)
        offsets = np.array([each.offset or 0 for each in found], np.int64)
        self._last = found[-1]
        return days * DAY_NS + times - offsets * MINUTE_NS

    def fixed(self, matrix: NDArray[np.uint8]) -> NDArray[np.int64] | None:
        """Return nanoseconds as `push` does from characters (n, length) of one form of ISO 8601; None for any other."""
        if not len(matrix) or matrix.shape[1] > LONGEST_DATE:
            return None
        first = matrix[0].tobytes().decode("latin-1")
        form = FIXED_FORM.fullmatch(first)
        if form is None:
            return None
        parsed = parsed_date(first)
        if parsed is None or not self._fits(parsed):
            return None
        values = fixed_dates(matrix, first, form)
        if values is not None:
            self._first = self._first or parsed
            self._last = parsed
        return values

    def of_bytes(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], where: Callable[[int], str]
    ) -> NDArray[np.int64]:
        """Return nanoseconds as `push` does, from cells that begin at ``starts`` and end at ``ends`` in a text."""
        lengths = ends - starts
        used = np.flatnonzero(np.bincount(np.clip(lengths, 0, LONGEST_DATE + 1)))
        if len(used) <= _MOST_LENGTHS and used[0] >= _SHORTEST_ISO and used[-1] <= LONGEST_DATE:
            before = self._first
            parsed = parsed_date(data[starts[0] : ends[0]].tobytes().decode("latin-1"))
            found = np.empty(len(starts), np.int64)
            if parsed is not None and self._fits(parsed):
                self._first = self._first or parsed
                for length in used.tolist():
                    rows = np.flatnonzero(lengths == length) if len(used) > 1 else slice(None)
                    part = self.fixed(data[starts[rows, None] + np.arange(length)])
                    if part is None:
                        break
                    found[rows] = part
                else:
                    return found
            self._first = before
        cells = [
            data[start:end].tobytes().decode("utf-8", "replace").strip()
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        return self.push(cells, where)

    def _fixed(self, cells: Sequence[str]) -> NDArray[np.int64] | None:
        """Read cells of fixed forms of ISO 8601 together; None where one of them has another form."""
        lengths = set(map(len, cells))
        if len(lengths) > _MOST_LENGTHS or not lengths or max(lengths) > LONGEST_DATE or min(lengths) < _SHORTEST_ISO:
            return None
        if len(lengths) == 1:
            text = "".join(cells)
            if not text.isascii():
                return None
            return self.fixed(np.frombuffer(text.encode(), np.uint8).reshape(len(cells), -1))
        return self._by_length(cells, lengths)

    def _by_length(self, cells: Sequence[str], lengths: set[int]) -> NDArray[np.int64] | None:
        """Read cells of a few lengths, each of one form: many programs leave out the zeros at the end of a fraction."""
        of_length, before = np.array([len(cell) for cell in cells]), self._first
        parsed = parsed_date(cells[0])
        if parsed is None or not self._fits(parsed):
            return None
        self._first = self._first or parsed
        found = np.empty(len(cells), np.int64)
        for length in sorted(lengths):
            rows = np.flatnonzero(of_length == length)
            part = self._fixed([cells[row] for row in rows])
            if part is None:
                self._first = before
                return None
            found[rows] = part
        return found

    def _fits(self, parsed: DateCell) -> bool:
        """Tell whether a cell has the form and the zone of the first cell of the column."""
        if self._first is None:
            return True
        first = self._first
        same_zone = (parsed.offset is None) == (first.offset is None) or not self._strict
        return parsed.form == first.form and same_zone and parsed.zone == first.zone

    def _one(self, cell: str, row: int, where: Callable[[int], str]) -> DateCell:
        """Read one cell, and refuse one whose form or zone differs from the first cell of the column."""
        parsed = parsed_date(cell) if ":" in cell else compact_date(cell) or parsed_date(cell)
        if parsed is None:
            self._refuse(cell, where(row))
        self._first = self._first or parsed
        if parsed.form != self._first.form:
            what = "in another form than the rows above; write all of them alike"
            raise InputError(f"{where(row)}: {quoted(self._name)} is {quoted(cell)!r}, {what}")
        if not self._fits(parsed):
            one, other = (_zone(each) for each in (parsed, self._first))
            raise InputError(
                f"{where(row)}: {quoted(self._name)} is {quoted(cell)!r} with {one}, and rows above have {other}; "
                "write the same offset, such as +01:00, in each row"
            )
        return parsed

    def _refuse(self, cell: str, where: str) -> NoReturn:
        """Refuse a cell that is no date."""
        advice = "write it as in 2024-01-31T12:00:00"
        raise InputError(f"{where}: {quoted(self._name)} is {quoted(cell)!r}, no date and time; {advice}")

    def _of_day(self, times: NDArray[np.int64], found: list[DateCell], whole: int) -> NDArray[np.int64]:
        """Count times of day on past midnight: a step back by more than half a day begins the next day (or hour)."""
        before = self._last.since_midnight if self._last is not None else int(times[0])
        midnights = np.cumsum(np.diff(times, prepend=before) < -whole // 2)
        days = self._day + midnights
        self._day = int(days[-1])
        self._last = found[-1]
        return days * whole + times

    def _of_dates(self, found: list[DateCell], cells: Sequence[str], where: Callable[[int], str]) -> list[int]:
        """Return the days since 1970, or since the first date of the column, of each row."""
        assert self._first is not None
        texts = dict.fromkeys((each.date for each in found), 0)
        if not self._first.form.startswith("three"):
            for text in texts:
                days = days_since_1970(text, None)
                if days is None:
                    row = next(row for row, each in enumerate(found) if each.date == text)
                    self._refuse(cells[row], where(row))
                texts[text] = days
            return [texts[each.date] for each in found]
        order = self._order(found, list(texts), cells, where)
        origin = days_since_1970(self._first.date, order)
        assert origin is not None
        return [(days_since_1970(each.date, order) or 0) - origin for each in found]

    def _order(
        self, found: list[DateCell], texts: list[str], cells: Sequence[str], where: Callable[[int], str]
    ) -> tuple[int, int, int]:
        """Return an order of day, month and year that all rows allow; while several are left, they give equal steps."""
        assert self._first is not None
        if not self._orders:
            self._orders = dict(_ORDERS) if "." not in self._first.form else {"d.m.y": _ORDERS["d/m/y"]}
            if "." not in self._first.form and len(self._first.date.rsplit(self._first.form[6], 1)[1].strip()) == 2:
                self._orders["y/m/d"] = (2, 1, 0)
        left = {
            name: order
            for name, order in self._orders.items()
            if all(days_since_1970(text, order) is not None for text in (self._first.date, *texts))
        }
        if not left:
            row = next(
                (
                    row
                    for row, each in enumerate(found)
                    if all(days_since_1970(each.date, o) is None for o in self._orders.values())
                ),
                0,
            )
            self._refuse(cells[row], where(row))
        self._orders = left
        before = self._last or found[0]
        for row, each in enumerate(found):
            if each.date != before.date and len(self._orders) > 1:
                self._decide(before, each, where(row))
            before = each
        return next(iter(self._orders.values()))

    def _decide(self, before: DateCell, after: DateCell, where: str) -> None:
        """Keep the order in which the second of two rows comes less than an hour after the first, if only one does."""
        steps = dict[str, int]()
        for name, order in self._orders.items():
            apart = (days_since_1970(after.date, order) or 0) - (days_since_1970(before.date, order) or 0)
            steps[name] = apart * DAY_NS + after.since_midnight - before.since_midnight
        near = [name for name, step in steps.items() if 0 < step <= _CONTIGUOUS_NS]
        if len(near) == 1:
            self._orders = {near[0]: self._orders[near[0]]}
        elif len(set(steps.values())) > 1:
            raise InputError(
                f"{where}: {quoted(self._name)} is {quoted(after.date)!r}, and day and month cannot be told apart; "
                "write the year first, as in 2024-01-31"
            )


def _zone(parsed: DateCell) -> str:
    """Name the zone of a cell in a message."""
    if parsed.zone:
        return f"the zone {quoted(parsed.zone)}"
    return "no zone" if parsed.offset is None else "a zone"


def dates(cells: Sequence[str], wheres: Sequence[str], name: str) -> NDArray[np.int64]:
    """Return dates of one form as nanoseconds since 1970: in UTC where a cell has an offset, else in local time.

    Parameters
    ----------
    cells : text, e.g. ``2024-03-31T01:59:00.5+01:00``; digits beyond nanoseconds are cut off
    wheres : names of the cells in messages
    name : heading of the column

    Returns
    -------
    int64 (n,)

    Raises
    ------
    InputError : the same as `Dates.push`, but cells without an offset may stand beside cells with one
    """
    return Dates(name, strict=False).push(cells, lambda row: wheres[row])
