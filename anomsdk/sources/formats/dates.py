"""Dates and times of day as nanoseconds: every spelling is checked, none is guessed.

Loggers, databases and spreadsheets write ISO 8601 and much else. A column has one form, which its first row shows. Two
numbers that may be day and month are told apart by the rest of the column, or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.date_forms import (
    DAY_NS,
    HOUR_NS,
    LONGEST_DATE,
    MINUTE_NS,
    DateCell,
    compact_date,
    days_since_1970,
    parsed_date,
)
from anomsdk.sources.formats.iso_dates import FIXED_FORM, fixed_dates

_ORDERS = {"d/m/y": (0, 1, 2), "m/d/y": (1, 0, 2)}
"""Where day, month and year stand."""
_CONTIGUOUS_NS = HOUR_NS
"""From one day to the next without more than this between their rows: so the order of day and month shows."""
_MOST_LENGTHS, _SHORTEST_ISO = 8, 19


class Dates:
    """Cells of one column of dates, or of times of day, in the order of the file.

    Parameters
    ----------
    name : heading of the column, for messages
    strict : all of them have a zone, or none has

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

    def push(self, cells: Sequence[str], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Nanoseconds since 1970 in UTC, or of clocks without a zone; of forms with two numbers since the first day.

        Parameters
        ----------
        cells : text; digits beyond nanoseconds are cut off
        where : what messages call the cell with an index from 0

        Returns
        -------
        int64 (n,)

        Raises
        ------
        InputError : something else is among them, a day that there is not, a year outside 1678 to 2261, another form or
            zone than in the first row, or day and month cannot be told apart
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
        """The same of characters (n, length) that are all of one form of ISO 8601; None where they are not."""
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
        """As `push`, of cells at places of a text."""
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
        """Fractions that end in zeros are often left out: a few lengths, each of which is one form."""
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
        """Whether a cell has the form and the zone of the first."""
        if self._first is None:
            return True
        first = self._first
        same_zone = (parsed.offset is None) == (first.offset is None) or not self._strict
        return parsed.form == first.form and same_zone and parsed.zone == first.zone

    def _one(self, cell: str, row: int, where: Callable[[int], str]) -> DateCell:
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
        raise InputError(f"{where}: {quoted(self._name)} is {quoted(cell)!r}, no date of ISO 8601; correct it")

    def _of_day(self, times: NDArray[np.int64], found: list[DateCell], whole: int) -> NDArray[np.int64]:
        """Times of a day or an hour as nanoseconds since it began: a step back of half of it and more is the next."""
        before = self._last.since_midnight if self._last is not None else int(times[0])
        midnights = np.cumsum(np.diff(times, prepend=before) < -whole // 2)
        days = self._day + midnights
        self._day = int(days[-1])
        self._last = found[-1]
        return days * whole + times

    def _of_dates(self, found: list[DateCell], cells: Sequence[str], where: Callable[[int], str]) -> list[int]:
        """Days of each row."""
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
        """The one order of day, month and year that is left; any of them as long as they make no difference."""
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
        """Keep the order in which one row follows the other, within an hour."""
        steps = dict[str, int]()
        for name, order in self._orders.items():
            apart = (days_since_1970(after.date, order) or 0) - (days_since_1970(before.date, order) or 0)
            steps[name] = apart * DAY_NS + after.since_midnight - before.since_midnight
        near = [name for name, step in steps.items() if 0 < step <= _CONTIGUOUS_NS]
        if len(near) == 1:
            self._orders = {near[0]: self._orders[near[0]]}
        elif len(set(steps.values())) > 1:
            raise InputError(
                f"{where}: {quoted(self._name)} is {quoted(after.date)!r}, and which of it is the day cannot be told; "
                "write the year first, as in 2024-01-31"
            )


def _zone(parsed: DateCell) -> str:
    if parsed.zone:
        return f"the zone {quoted(parsed.zone)}"
    return "no zone" if parsed.offset is None else "a zone"


def dates(cells: Sequence[str], wheres: Sequence[str], name: str) -> NDArray[np.int64]:
    """Dates of one form as nanoseconds since 1970; those with a zone in UTC, those without beside them as they are.

    Parameters
    ----------
    cells : text, e.g. ``2024-03-31T01:59:00.5+01:00``; digits beyond nanoseconds are cut off
    wheres : what messages call each
    name : heading of the column

    Returns
    -------
    int64 (n,)

    Raises
    ------
    InputError : as `Dates.push`
    """
    return Dates(name, strict=False).push(cells, lambda row: wheres[row])
