"""Hourly tables with a column for each kind of event, as rows of animals and labelled events.

Such a table is that of R. Lardy et al., "Understanding anomalies in animal behaviour: data on cow activity in relation
to health and welfare", Animal - Open Space 1 (2022), doi:10.1016/j.anopes.2022.100004: the seconds of each hour that a
cow ate, rested and stood in alleys, and eleven kinds of events. It does not come with this package. The names of its
columns below are those of public programs that read it; other names can be given.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from anomsdk.core.days import MISSING
from anomsdk.errors import InputError, printable, quoted
from anomsdk.evaluate.day_events import DayEvent, local_seconds
from anomsdk.evaluate.day_scores import DAY_S, AnimalRows
from anomsdk.sources.formats.stored_samples import refusing

EVENTS = (
    *("oestrus", "calving", "lameness", "mastitis", "LPS", "acidosis"),
    *("other_disease", "accidents", "disturbance", "mixing", "management_changes"),
)
"""Columns of events that are looked for; those that a table does not have are passed over."""
_HOUR_S, _HOURS = 3600, 24
_YES, _NO = frozenset(("1", "1.0", "true", "yes")), frozenset(("0", "0.0", "false", "no", "", "nan", "na"))
_LARGEST = 32767
_MOST_DAYS = 10_000


@dataclass
class _Animal:
    """Hours of one animal: seconds since 1970 -> values, and the hours on which each kind of event is marked."""

    values: dict[int, list[int]] = field(default_factory=dict)
    marked: dict[str, set[int]] = field(default_factory=dict)


def read_labelled_diary(
    path: str | Path,
    columns: Sequence[str],
    *,
    scale: float = 1.0,
    offset: float = 0.0,
    animal: str = "cow",
    day: str = "date",
    hour: str = "hour",
    events: Sequence[str] | None = None,
) -> tuple[list[AnimalRows], list[DayEvent]]:
    """Read an hourly table with a column for each kind of event.

    Parameters
    ----------
    path : CSV file in UTF-8, divided by commas, semicolons or tabs; a line for each animal and hour, in any order
    columns : columns that become the columns of the rows, in the order of the plan's
    scale, offset : a row holds ``value * scale + offset``, rounded, 0 to 32767
    animal, day, hour : columns of the animal's name, the date as 2024-05-01, and the hour of the day, 0 to 23
    events : columns of events, marked by 1 or true; None: those of `EVENTS` that the table has

    Returns
    -------
    rows of each animal, from the midnight of its first day on, and its events: each begins with the first marked hour
    after one that is not marked; hours without a line end none

    Raises
    ------
    InputError : no such file, a missing column, an hour that occurs twice, or a value that is no number or out of range

    Examples
    --------
    >>> rows, events = read_labelled_diary("cows.csv", ["EAT", "REST"])  # doctest: +SKIP
    """
    where, found = printable(path), dict[str, _Animal]()
    with refusing(where), Path(path).open(encoding="utf-8-sig", newline="") as stream:
        head = stream.readline()
        comma = max(",;\t", key=head.count)
        names = next(csv.reader([head], delimiter=comma), [])
        reader = csv.DictReader(stream, names, delimiter=comma)
        wanted = [name for name in EVENTS if name in names] if events is None else list(events)
        for name in (animal, day, hour, *columns, *wanted):
            if name not in names:
                raise InputError(f"{where}: no column {name}; name the columns as the first line of the table does")
        try:
            for row in reader:
                place = f"{where}: line {reader.line_num + 1}"
                at = _time(row, day, hour, place)
                one = found.setdefault((row[animal] or "").strip(), _Animal())
                if at in one.values:
                    raise InputError(f"{place}: this hour of {quoted(row[animal])} occurs twice; leave one of both out")
                one.values[at] = [_value(row[name], name, scale, offset, place) for name in columns]
                for name in wanted:
                    if _is_marked(row[name], name, place):
                        one.marked.setdefault(name, set()).add(at)
        except csv.Error:
            raise InputError(f"{where}: line {reader.line_num + 1}: is damaged; save it as plain CSV") from None
    if not found:
        raise InputError(f"{where}: has no line but the first; give a table with rows")
    animals = [_rows(name, each, len(columns), where) for name, each in found.items()]
    return animals, [event for name, each in found.items() for event in _events(name, each)]


def _time(row: Mapping[str, str | None], day: str, hour: str, place: str) -> int:
    text = (row[day] or "").strip()
    try:
        midnight = local_seconds(date.fromisoformat(text).isoformat(), place)
    except ValueError:
        raise InputError(f"{place}: '{quoted(text)}' is no date; write it as 2024-05-01") from None
    at = (row[hour] or "").strip()
    if not at.isascii() or not at.isdigit() or int(at) >= _HOURS:
        raise InputError(f"{place}: '{quoted(at)}' is no hour; write 0 to 23")
    return int(midnight) + int(at) * _HOUR_S


def _value(text: str | None, name: str, scale: float, offset: float, place: str) -> int:
    given = (text or "").strip()
    if given.lower() in ("", "nan", "na"):
        return MISSING
    try:
        value = float(given) * scale + offset
    except ValueError:
        raise InputError(f"{place}: '{quoted(given)}' in {name} is no number; leave a missing value empty") from None
    if not 0 <= value < _LARGEST + 0.5:
        raise InputError(f"{place}: {name} becomes {value:g}, beyond 0 to {_LARGEST}; give another `scale` or `offset`")
    return min(round(value), _LARGEST)


def _is_marked(text: str | None, name: str, place: str) -> bool:
    given = (text or "").strip().lower()
    if given not in _YES | _NO:
        raise InputError(f"{place}: '{quoted(given)}' in {name} is neither 0 nor 1; name columns of events in `events`")
    return given in _YES


def _rows(name: str, each: _Animal, columns: int, where: str) -> AnimalRows:
    first = min(each.values) // DAY_S * DAY_S
    n = -(-(max(each.values) + _HOUR_S - first) // DAY_S) * _HOURS
    if n > _MOST_DAYS * _HOURS:
        raise InputError(f"{where}: {quoted(name)} has {n // _HOURS:,} days; check the dates")
    rows = np.full((n, columns), MISSING, np.int16)
    for at, values in each.values.items():
        rows[(at - first) // _HOUR_S] = values
    return AnimalRows(name, rows, float(first))


def _events(name: str, each: _Animal) -> list[DayEvent]:
    """List the beginnings of marked hours; an hour that the table lacks neither begins nor ends an event."""
    hours = sorted(each.values)
    found = []
    for label, marked in each.marked.items():
        starts = [
            at for before, at in zip([None, *hours], hours, strict=False) if at in marked and before not in marked
        ]
        found += [DayEvent(name, label, float(at)) for at in starts]
    return sorted(found, key=lambda event: event.start_s)
