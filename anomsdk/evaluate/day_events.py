"""Labelled events of animals, and how long before them an alarm began."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, printable, quoted
from anomsdk.evaluate.day_scores import DAY_S, AnimalDay, AnimalRows, slots_of
from anomsdk.sources.formats.stored_samples import refusing
from anomsdk.stats.intervals import Figure, median
from anomsdk.stats.paired import share_found

COLUMNS = ("animal", "label", "start")
BEFORE_DAYS = 3
"""Days before an event in which an alarm counts for it."""
AFTER_DAYS = 1
"""Days after the start of an event in which an alarm counts for it."""


@dataclass(frozen=True)
class DayEvent:
    """Labelled event of an animal.

    Parameters
    ----------
    animal : name of the animal, as its rows have it
    label : what happened, e.g. oestrus
    start_s : its start, seconds since 1970 in local time
    """

    animal: str
    label: str
    start_s: float


@dataclass(frozen=True)
class LabelLead:
    """Figures of the events of one label.

    Parameters
    ----------
    label : the label
    n : number of events on judged days
    n_found : number of them with an alarm that began within `BEFORE_DAYS` before and `AFTER_DAYS` after the start
    found : share of them
    lead_h : median of the hours by which the first of these alarms came before the start; negative: after it
    """

    label: str
    n: int
    n_found: int
    found: Figure
    lead_h: Figure


@dataclass(frozen=True)
class LeadTimes:
    """Figures of all labelled events.

    Parameters
    ----------
    labels : figures of each label, in alphabetical order
    n_unjudged : events without a judged day around them, or of animals whose time or rows are not known
    """

    labels: tuple[LabelLead, ...]
    n_unjudged: int


def lead_times(
    plan: Plan,
    animals: Sequence[AnimalRows],
    judged: Mapping[str, Sequence[AnimalDay]],
    events: Sequence[DayEvent],
    seed: int,
) -> LeadTimes:
    """Compute the figures of labelled events.

    Parameters
    ----------
    plan : plan of a diary
    animals : rows of each animal
    judged : name -> judged days
    events : labelled events
    seed : seed of the bootstrap
    """
    slots = slots_of(plan)
    starts = checked_starts(animals, events)
    found, unjudged = dict[str, list[tuple[str, float | None]]](), 0
    for event in events:
        days = judged.get(event.animal, ())
        at = (event.start_s - starts[event.animal]) / DAY_S  # in days since the first slot
        if not any(at - BEFORE_DAYS <= day.day + 1 and day.day <= at + AFTER_DAYS for day in days):
            unjudged += 1
            continue
        raised = [(slot + 1) / slots for day in days for slot in day.raised]  # known once the slot is over
        within = [moment for moment in raised if at - BEFORE_DAYS <= moment <= at + AFTER_DAYS]
        lead = 24 * (at - min(within)) if within else None
        found.setdefault(event.label, []).append((event.animal, lead))
    return LeadTimes(tuple(_label(label, found[label], seed) for label in sorted(found)), unjudged)


def checked_starts(animals: Sequence[AnimalRows], events: Sequence[DayEvent]) -> dict[str, float]:
    """Return the time of the first slot of each animal with an event.

    Parameters
    ----------
    animals : rows of each animal
    events : labelled events

    Raises
    ------
    InputError : an event of an animal without rows, or of one whose rows have no time
    """
    starts = {each.name: each.start_s for each in animals}
    unknown = sorted({event.animal for event in events} - set(starts))
    if unknown:
        raise InputError(
            f"`labels`: no rows of {quoted(unknown[0])} ({len(unknown)} such); write names as reports do, "
            f"e.g. {next(iter(starts))}, or choose them by `group`"
        )
    found = dict[str, float]()
    for event in events:
        start_s = starts[event.animal]
        if start_s is None:
            raise InputError(f"`labels`: the rows of {event.animal} have no time; give files with a time")
        found[event.animal] = start_s
    return found


def _label(label: str, events: Sequence[tuple[str, float | None]], seed: int) -> LabelLead:
    seen = np.array([lead is not None for _, lead in events])
    leads = [(animal, lead) for animal, lead in events if lead is not None]
    return LabelLead(
        label,
        len(events),
        int(seen.sum()),
        share_found([animal for animal, _ in events], seen, seed),
        _median([lead for _, lead in leads], [animal for animal, _ in leads], seed),
    )


def _median(leads: Sequence[float], animals: Sequence[str], seed: int) -> Figure:
    """Compute the median of leads, which may be negative: `median` takes times of 0 and more."""
    if not leads:
        return Figure(None)
    shift = 24 * AFTER_DAYS
    each = median([lead + shift for lead in leads], animals, seed=seed)
    value, low, high = (None if end is None else end - shift for end in (each.value, each.low, each.high))
    return Figure(value, low, high)


def read_labels(path: str | Path) -> list[DayEvent]:
    """Read labelled events from a CSV file with the columns animal, label and start.

    Parameters
    ----------
    path : CSV file in UTF-8; other columns are passed over. ``start`` is a local time as 2024-05-01T06:00, or seconds
        since 1970 in local time; a line without a start is passed over

    Raises
    ------
    InputError : no such file, a missing column, or a start that is no time
    """
    where = printable(path)
    with refusing(where), Path(path).open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        gone = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if gone:
            raise InputError(f"{where}: no column {gone[0]}; begin with the line {','.join(COLUMNS)}")
        found = []
        try:
            for row in reader:
                animal, label, start = ((row[name] or "").strip() for name in COLUMNS)
                if start:
                    found.append(DayEvent(animal, label, local_seconds(start, f"{where}: line {reader.line_num}")))
        except csv.Error:
            raise InputError(f"{where}: line {reader.line_num}: the line is damaged; save it as plain CSV") from None
    return found


def local_seconds(text: str, where: str) -> float:
    """Convert a local time, or seconds since 1970 in local time, to seconds; a zone is passed over.

    Parameters
    ----------
    text : as 2024-05-01T06:00, or a number
    where : place in the file, for messages
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            seconds = float("nan")
    if not abs(seconds) < 1e11:
        raise InputError(f"{where}: '{quoted(text)}' is no time; write it as 2024-05-01T06:00")
    return seconds
