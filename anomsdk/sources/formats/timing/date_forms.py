"""The forms in which a date, a time of day and a zone are written, and what one cell of text says in its form."""

from __future__ import annotations

import datetime
import re

_YEARS = (1678, 2262)
"""The first year that is read, and the year after the last one: int64 nanoseconds hold the years between in full."""
DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS = 86_400 * 10**9, 3600 * 10**9, 60 * 10**9, 10**9
LONGEST_DATE = 80
"""Most characters of a date with its time, weekday and zone."""
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


class DateCell:
    """The parts of one cell that holds a date, a time of day, or both.

    Parameters
    ----------
    date : text of the date without its time; empty for a time of day
    since_midnight : nanoseconds since midnight, or since the full hour where ``form`` is "time of hour"
    form : the form that all cells of a column must share, such as "y-m-d" or "three /"
    offset : minutes that the zone is ahead of UTC; None where no offset is written
    zone : name of the zone, such as "Europe/Berlin" or "CET"; empty where an offset or nothing is written
    """

    __slots__ = ("date", "form", "offset", "since_midnight", "zone")

    def __init__(self, date: str, since_midnight: int, form: str, offset: int | None, zone: str) -> None:
        self.date, self.since_midnight, self.form, self.offset, self.zone = date, since_midnight, form, offset, zone


def is_date(cell: str) -> bool:
    """Tell whether a cell of text is a date or a time of day.

    Examples
    --------
    >>> [is_date(cell) for cell in ("2024-03-05T09:24:51Z", "27.10.2024 02:59:10,050", "09:24:51.5", "1709630691", "x")]
    [True, True, True, False, False]
    """
    return (":" in cell and parsed_date(cell) is not None) or compact_date(cell) is not None


def is_time_of_day(cell: str) -> bool:
    """Tell whether a cell of text is a time of day without a date."""
    found = parsed_date(cell) if ":" in cell else None
    return found is not None and found.form.startswith("time of day")


def parsed_date(cell: str) -> DateCell | None:
    """Take a cell apart into date, time and zone; None where it is neither a date nor a time of day."""
    text = cell.strip()
    if not text or len(text) > LONGEST_DATE or not text.isascii():
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
        return None if parts is None or half else DateCell(date, parts, "compact", offset, zone)
    if half is None and offset is None and not zone and (of_hour := _MINUTES.fullmatch(text)) is not None:
        since = _clock("0", of_hour["m"], of_hour["s"], of_hour["f"], None)
        return None if since is None else DateCell("", since, "time of hour", None, "")
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
    return None if form is None else DateCell(text, parts, f"{form} {'of 12 hours' if half else ''}", offset, zone)


def compact_date(cell: str) -> DateCell | None:
    """Read a cell that writes date and time as one number, such as 20240305092451050; None for any other cell."""
    text = cell.strip()
    if not re.match(r"(?:19|20)\d{12}(?:\d{3}|\d{6})?(?:[.,]\d*)?$", text, re.ASCII) and text[8:9] not in (
        "T",
        " ",
        "_",
    ):
        return None
    found = parsed_date(text)
    return (
        found
        if found is not None and found.form == "compact" and days_since_1970(found.date, None) is not None
        else None
    )


def _clock(h: str, m: str, s: str, fraction: str, half: str | None) -> int | None:
    """Return nanoseconds since midnight, ``half`` being "a" or "p" of a 12-hour clock; None for no time of day."""
    hour, minute, second = int(h), int(m), int(s)
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour * HOUR_NS + minute * MINUTE_NS + second * SECOND_NS + int(fraction[:9].ljust(9, "0"))


def _form(date: str) -> str | None:
    """Return the form of a date without its time; None where no known form fits."""
    if _YMD.fullmatch(date):
        return "y-m-d"
    if (three := _THREE.fullmatch(date)) is not None:
        return f"three {three[2]}"
    return "month" if _DAY_MONTH.fullmatch(date) or _MONTH_DAY.fullmatch(date) else None


def days_since_1970(date: str, order: tuple[int, int, int] | None) -> int | None:
    """Return the days from 1970-01-01 to a date; None where the calendar has no such day.

    Parameters
    ----------
    date : text without a time
    order : places of day, month and year among three numbers; None where the form of the date says it
    """
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
    """Return the month, 1 to 12, of an English name or its short form; 0 for any other word."""
    low = name.lower().rstrip(".")
    if low in _FULL_MONTHS:
        return _FULL_MONTHS.index(low) + 1
    return _MONTHS.index(low) + 1 if low in _MONTHS else _MONTHS.index("sep") + 1 if low == "sept" else 0
