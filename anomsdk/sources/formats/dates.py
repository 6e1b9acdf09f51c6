"""Dates and times of day as nanoseconds: every spelling is checked, none is guessed.

Loggers, databases and spreadsheets write ISO 8601 and much else. A column has one form, which its first row shows. Two
numbers that may be day and month are told apart by the rest of the column, or refused.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted

_YEARS = (1678, 2262)
"""Nanoseconds of 64 bits hold the first and what is before the second."""
_DAY_NS, _HOUR_NS, _MINUTE_NS, _SECOND_NS = 86_400 * 10**9, 3600 * 10**9, 60 * 10**9, 10**9
_LONGEST = 80
"""Characters of a date, with its weekday and its zone."""
_OFFSET = r"(?:UTC|GMT)?\s?(?P<sign>[+-])(?P<zh>0\d|1[0-4])(?::?(?P<zm>[0-5]\d))?|(?:UTC|GMT)(?P<sign1>[+-])(?P<zh1>\d)"
_ZONE = re.compile(
    rf"(?<=[\d\sMm.])\s?(?:(?P<utc>Z|z|UTC|GMT)|{_OFFSET})?"
    r"(?:\s?\[(?P<region>[A-Za-z][A-Za-z0-9_+\-/]*)\])?(?:\s?\(?(?P<short>(?<![A-Za-z])[A-Z]{3,5})\)?)?$",
    re.ASCII,
)
_HALF = re.compile(r"\s?([AaPp])\.?[Mm]\.?$", re.ASCII)
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}[.,]?\s+", re.ASCII | re.IGNORECASE)
_TIME = re.compile(
    r"(?P<between>^|[T\s_-]|(?<=\d):|,\s?)\s?(?P<h>\d{1,2}):(?P<m>\d\d)"
    r"(?::(?P<s>\d\d)(?:[.,](?P<f>\d*)|:(?P<f3>\d{3}|\d{6}))?)?$",
    re.ASCII,
)
_MINUTES = re.compile(r"(?P<m>\d{1,2}):(?P<s>[0-5]\d)[.,](?P<f>\d+)$", re.ASCII)
_HOUR = re.compile(r"(?<=\d)[T ](?P<h>\d\d)$", re.ASCII)
_COMPACT = re.compile(
    r"(?P<y>\d{4})(?P<mo>\d\d)(?P<d>\d\d)[T _-]?(?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)(?:[.,]?(?P<f>\d*))$", re.ASCII
)
_CTIME = re.compile(r"(?P<mon>[A-Za-z]{3,9})\s+(?P<d>\d{1,2})\s+(?P<time>\d[\d:.,]*)\s+(?P<y>\d{4})$", re.ASCII)
_YMD = re.compile(r"(\d{4})(?:([-.:])(\d\d)\2(\d\d)|(/)(\d{1,2})/(\d{1,2}))$", re.ASCII)
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_THREE = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)$", re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[-/. ]*([A-Za-z]{3,9})[-/., ]*(\d{4}|\d\d)$", re.ASCII)
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})[. ]*(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS: tuple[str, ...] = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
)
_FULL_MONTHS += ("november", "december")
_ORDERS = {"d/m/y": (0, 1, 2), "m/d/y": (1, 0, 2)}
"""Where day, month and year stand."""
_CONTIGUOUS_NS = _HOUR_NS
"""From one day to the next without more than this between their rows: so the order of day and month shows."""
_FIXED = re.compile(
    r"\d{4}([-/])\d\d\1\d\d[T ]\d\d:\d\d:\d\d(?:[.,](?P<f>\d{1,12}))?(?P<zone>Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?",
    re.ASCII,
)
_MOST_RUNS, _MOST_LENGTHS, _SHORTEST_ISO = 64, 8, 19


class _Parsed:
    """One cell: text of its date, nanoseconds since midnight, form and zone."""

    __slots__ = ("date", "form", "offset", "since_midnight", "zone")

    def __init__(self, date: str, since_midnight: int, form: str, offset: int | None, zone: str) -> None:
        self.date, self.since_midnight, self.form, self.offset, self.zone = date, since_midnight, form, offset, zone


def is_date(cell: str) -> bool:
    """Whether a cell of text is a date, or a time of day.

    Examples
    --------
    >>> [is_date(cell) for cell in ("2024-03-05T09:24:51Z", "27.10.2024 02:59:10,050", "09:24:51.5", "1709630691", "x")]
    [True, True, True, False, False]
    """
    return (":" in cell and _parsed(cell) is not None) or _compact(cell) is not None


def is_time_of_day(cell: str) -> bool:
    """Whether a cell of text is a time without its day."""
    found = _parsed(cell) if ":" in cell else None
    return found is not None and found.form.startswith("time of day")


def _parsed(cell: str) -> _Parsed | None:
    """A cell taken apart; None where it is no date."""
    text = cell.strip()
    if not text or len(text) > _LONGEST or not text.isascii():
        return None
    offset: int | None = None
    zone = ""
    found = _ZONE.search(text) if ":" in text or text[8:9] == "T" else None
    if found is not None and found[0] and (":" in text[: found.start()] or text[8:9] == "T"):
        text = text[: found.start()].rstrip()
        if found["utc"]:
            offset = 0
        elif sign := found["sign"] or found["sign1"]:
            minutes = int(found["zh"] or found["zh1"]) * 60 + int(found["zm"] or 0)
            offset = -minutes if sign == "-" else minutes
        if offset is None:
            zone = found["region"] or found["short"] or ""
            if zone in ("AM", "PM"):
                return None
    half = _HALF.search(text)
    if half is not None:
        text = text[: half.start()].rstrip()
    text = _WEEKDAY.sub("", text)
    if (ctime := _CTIME.fullmatch(text)) is not None:
        text = f"{ctime['mon']} {ctime['d']} {ctime['y']} {ctime['time']}"
    compact = _COMPACT.fullmatch(text)
    if compact is not None:
        parts = _clock(compact["h"], compact["m"], compact["s"], compact["f"] or "", None)
        date = f"{compact['y']}-{compact['mo']}-{compact['d']}"
        return None if parts is None or half else _Parsed(date, parts, "compact", offset, zone)
    if half is None and offset is None and not zone and (of_hour := _MINUTES.fullmatch(text)) is not None:
        since = _clock("0", of_hour["m"], of_hour["s"], of_hour["f"], None)
        return None if since is None else _Parsed("", since, "time of hour", None, "")
    time = _TIME.search(text)
    if time is not None:
        parts = _clock(time["h"], time["m"], time["s"] or "0", time["f"] or time["f3"] or "", half and half[1].lower())
        text = text[: time.start()].rstrip(" ,")
        if (digits := _DIGITS.fullmatch(text)) is not None:
            text = "-".join(digits.groups())
        if len(time["h"]) == 1 and half is None and text[4:5] == "-":
            return None
    elif (hour := _HOUR.search(text)) is not None and half is None:
        parts, text = _clock(hour["h"], "0", "0", "", None), text[: hour.start()]
    elif half is None and offset is None and not zone:
        parts = 0
    else:
        return None
    if parts is None or (not text and time is None):
        return None
    form = "time of day" if not text else _form(text)
    return None if form is None else _Parsed(text, parts, f"{form} {'of 12 hours' if half else ''}", offset, zone)


def _compact(cell: str) -> _Parsed | None:
    """Digits of date and time in one number, such as 20240305092451050; None for any other."""
    text = cell.strip()
    if not re.match(r"(?:19|20)\d{12}(?:\d{3}|\d{6})?(?:[.,]\d*)?$", text, re.ASCII) and text[8:9] not in (
        "T",
        " ",
        "_",
    ):
        return None
    found = _parsed(text)
    return found if found is not None and found.form == "compact" and _days(found.date, None) is not None else None


def _clock(h: str, m: str, s: str, fraction: str, half: str | None) -> int | None:
    hour, minute, second = int(h), int(m), int(s)
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour * _HOUR_NS + minute * _MINUTE_NS + second * _SECOND_NS + int(fraction[:9].ljust(9, "0"))


def _form(date: str) -> str | None:
    """How a date without its time is written."""
    if _YMD.fullmatch(date):
        return "y-m-d"
    if (three := _THREE.fullmatch(date)) is not None:
        return f"three {three[2]}"
    return "month" if _DAY_MONTH.fullmatch(date) or _MONTH_DAY.fullmatch(date) else None


def _days(date: str, order: tuple[int, int, int] | None) -> int | None:
    """Days since 1970 of a date without its time; None where there is no such day."""
    if (found := _YMD.fullmatch(date)) is not None:
        year_text, month, day = found[1], int(found[3] or found[6]), int(found[4] or found[7])
    elif (found := _THREE.fullmatch(date)) is not None and order is not None:
        values = found[1], found[3], found[4]
        day, month, year_text = int(values[order[0]]), int(values[order[1]]), values[order[2]]
    elif (found := _DAY_MONTH.fullmatch(date)) is not None:
        day, month, year_text = int(found[1]), _month(found[2]), found[3]
    elif (found := _MONTH_DAY.fullmatch(date)) is not None:
        month, day, year_text = _month(found[1]), int(found[2]), found[3]
    else:
        return None
    year = int(year_text) + (2000 if len(year_text) < 4 else 0)
    if not _YEARS[0] <= year < _YEARS[1]:
        return None
    try:
        return datetime.date(year, month, day).toordinal() - 719_163
    except ValueError:
        return None


def _month(name: str) -> int:
    low = name.lower().rstrip(".")
    if low in _FULL_MONTHS:
        return _FULL_MONTHS.index(low) + 1
    return _MONTHS.index(low) + 1 if low in _MONTHS else _MONTHS.index("sep") + 1 if low == "sept" else 0


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
        self._first: _Parsed | None = None
        self._last: _Parsed | None = None
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
            return self._of_day(times, found, _HOUR_NS if self._first.form == "time of hour" else _DAY_NS)
        days = np.array(self._of_dates(found, cells, where), np.int64)
        offsets = np.array([each.offset or 0 for each in found], np.int64)
        self._last = found[-1]
        return days * _DAY_NS + times - offsets * _MINUTE_NS

    def fixed(self, matrix: NDArray[np.uint8]) -> NDArray[np.int64] | None:
        """The same of characters (n, length) that are all of one form of ISO 8601; None where they are not."""
        if not len(matrix) or matrix.shape[1] > _LONGEST:
            return None
        first = matrix[0].tobytes().decode("latin-1")
        form = _FIXED.fullmatch(first)
        if form is None:
            return None
        parsed = _parsed(first)
        if parsed is None or not self._fits(parsed):
            return None
        values = _iso(matrix, first, form)
        if values is not None:
            self._first = self._first or parsed
            self._last = parsed
        return values

    def of_bytes(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], where: Callable[[int], str]
    ) -> NDArray[np.int64]:
        """As `push`, of cells at places of a text."""
        lengths = ends - starts
        used = np.flatnonzero(np.bincount(np.clip(lengths, 0, _LONGEST + 1)))
        if len(used) <= _MOST_LENGTHS and used[0] >= _SHORTEST_ISO and used[-1] <= _LONGEST:
            before = self._first
            parsed = _parsed(data[starts[0] : ends[0]].tobytes().decode("latin-1"))
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
        if len(lengths) > _MOST_LENGTHS or not lengths or max(lengths) > _LONGEST or min(lengths) < _SHORTEST_ISO:
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
        parsed = _parsed(cells[0])
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

    def _fits(self, parsed: _Parsed) -> bool:
        """Whether a cell has the form and the zone of the first."""
        if self._first is None:
            return True
        first = self._first
        same_zone = (parsed.offset is None) == (first.offset is None) or not self._strict
        return parsed.form == first.form and same_zone and parsed.zone == first.zone

    def _one(self, cell: str, row: int, where: Callable[[int], str]) -> _Parsed:
        parsed = _parsed(cell) if ":" in cell else _compact(cell) or _parsed(cell)
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

    def _of_day(self, times: NDArray[np.int64], found: list[_Parsed], whole: int) -> NDArray[np.int64]:
        """Times of a day or an hour as nanoseconds since it began: a step back of half of it and more is the next."""
        before = self._last.since_midnight if self._last is not None else int(times[0])
        midnights = np.cumsum(np.diff(times, prepend=before) < -whole // 2)
        days = self._day + midnights
        self._day = int(days[-1])
        self._last = found[-1]
        return days * whole + times

    def _of_dates(self, found: list[_Parsed], cells: Sequence[str], where: Callable[[int], str]) -> list[int]:
        """Days of each row."""
        assert self._first is not None
        texts = dict.fromkeys((each.date for each in found), 0)
        if not self._first.form.startswith("three"):
            for text in texts:
                days = _days(text, None)
                if days is None:
                    row = next(row for row, each in enumerate(found) if each.date == text)
                    self._refuse(cells[row], where(row))
                texts[text] = days
            return [texts[each.date] for each in found]
        order = self._order(found, list(texts), cells, where)
        origin = _days(self._first.date, order)
        assert origin is not None
        return [(_days(each.date, order) or 0) - origin for each in found]

    def _order(
        self, found: list[_Parsed], texts: list[str], cells: Sequence[str], where: Callable[[int], str]
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
            if all(_days(text, order) is not None for text in (self._first.date, *texts))
        }
        if not left:
            row = next(
                (
                    row
                    for row, each in enumerate(found)
                    if all(_days(each.date, o) is None for o in self._orders.values())
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

    def _decide(self, before: _Parsed, after: _Parsed, where: str) -> None:
        """Keep the order in which one row follows the other, within an hour."""
        steps = dict[str, int]()
        for name, order in self._orders.items():
            apart = (_days(after.date, order) or 0) - (_days(before.date, order) or 0)
            steps[name] = apart * _DAY_NS + after.since_midnight - before.since_midnight
        near = [name for name, step in steps.items() if 0 < step <= _CONTIGUOUS_NS]
        if len(near) == 1:
            self._orders = {near[0]: self._orders[near[0]]}
        elif len(set(steps.values())) > 1:
            raise InputError(
                f"{where}: {quoted(self._name)} is {quoted(after.date)!r}, and which of it is the day cannot be told; "
                "write the year first, as in 2024-01-31"
            )


def _zone(parsed: _Parsed) -> str:
    if parsed.zone:
        return f"the zone {quoted(parsed.zone)}"
    return "no zone" if parsed.offset is None else "a zone"


def _iso(matrix: NDArray[np.uint8], first: str, form: re.Match[str]) -> NDArray[np.int64] | None:
    """Dates of one fixed form; None where a row has another."""
    text = np.array(matrix.T, order="C")  # a copy: a character of all rows after another
    end = len(first) - len(form["zone"] or "")
    signs = [4, 7, 10, 13, 16, *([19] if form["f"] else []), *range(end, len(first))]
    digits = [*range(4), 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, *range(20, end)]
    if any((text[at] != first_of).any() for at, first_of in ((at, text[at, 0]) for at in signs)):
        return None
    text -= np.uint8(48)
    if int(text[digits].max()) > 9:
        return None

    def two(at: int) -> NDArray[np.uint8]:
        return text[at] * np.uint8(10) + text[at + 1]

    hours, minutes, seconds = two(11), two(14), two(17)
    if int(hours.max()) > 23 or int(minutes.max()) > 59 or int(seconds.max()) > 59:
        return None
    found = np.zeros(len(matrix), np.int64)
    for part, of_seconds in ((hours, 3600), (minutes, 60), (seconds, 1)):
        found += part.astype(np.int64) * of_seconds
    for at in range(20, 29):
        found *= 10
        if at < end:
            found += text[at]
    changed = np.flatnonzero((text[:10, 1:] != text[:10, :-1]).any(axis=0)) + 1
    if len(changed) >= _MOST_RUNS:
        return None
    starts = [0, *changed.tolist()]
    for start, stop in zip(starts, [*starts[1:], len(matrix)], strict=True):
        days = _days(matrix[start, :10].tobytes().decode("latin-1"), None)
        if days is None:
            return None
        found[start:stop] += days * _DAY_NS
    if form["zone"]:
        parsed = _parsed(first)
        assert parsed is not None
        found -= (parsed.offset or 0) * _MINUTE_NS
    return found


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


class ClockNumbers:
    """Numbers that are digits of a clock, HHMMSSmmm or HHMMSS.mmm: 142530123 is 14:25:30.123.

    Parameters
    ----------
    per_second : 1000 or 1
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._before: float | None = None
        self._day = 0

    def seconds(self, stamps: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Seconds since the first midnight; None where a number is no time of day."""
        whole, part = np.divmod(stamps, self._per_second)
        hours, minutes, seconds = whole // 10_000, whole // 100 % 100, whole % 100
        if (stamps < 0).any() or not ((hours < 24) & (minutes < 60) & (seconds < 60)).all():
            return None
        found: NDArray[np.float64] = hours * 3600 + minutes * 60 + seconds + part / self._per_second
        before = float(found[0]) if self._before is None else self._before
        days = self._day + np.cumsum(np.diff(found, prepend=before) < -43_200)
        self._before, self._day = float(found[-1]), int(days[-1])
        return found + 86_400 * days


def clock_of(stamps: NDArray[np.float64]) -> int | None:
    """What `ClockNumbers` takes where numbers are digits of a clock, by a minute that is full; None where none is.

    Examples
    --------
    >>> clock_of(np.array([142558.0, 142559.0, 142600.0, 142601.0])), clock_of(np.array([142558.0, 142559.0, 142560.0]))
    (1, None)
    """
    for per_second in (1, 1000):
        found = ClockNumbers(per_second).seconds(stamps) if len(stamps) > 2 else None
        if found is None:
            continue
        steps, plain = np.diff(found), np.diff(stamps) / per_second
        step = float(np.median(steps))
        jumps = np.abs(plain - steps) > 1
        if jumps.any() and 0 < step < 10 and bool((np.abs(steps[jumps]) < 2.5 * step).all()):
            return per_second
    return None
