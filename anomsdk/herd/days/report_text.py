"""List of a day in words: what the herd shares, animals that changed, devices that say nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anomsdk.errors import printable
from anomsdk.herd.days.changes import clock, share
from anomsdk.herd.days.overview import ChangedAnimal, DaysList, QuietDevice
from anomsdk.utils.text import counted, percent, ratio

MOST_LINES = 20
"""Animals and devices of each list that are named before the rest is counted."""
LIMIT = (
    "This is no diagnosis: an alarm-day says that a day was unlike the animal's own days before, so look at the "
    "animal; no alarm does not say that nothing is wrong."
)


def as_text(found: DaysList) -> str:
    """Write the list."""
    common = [common_line(found)] if found.common else []
    return "\n".join([heading(found), *common, *_changed(found), *_quiet(found), LIMIT])


def heading(found: DaysList) -> str:
    """Say how many animals have an alarm-day, and how the herd as a whole changed."""
    going_on = len(found.changed) - found.n_new
    line = (
        f"{found.today}: {counted(found.n_new, 'new alarm-day')}, {going_on:,} going on, of {found.judged:,} judged "
        f"animals; {counted(found.devices, 'device')}"
    )
    if found.herd_change is not None:
        line += f"; the herd: {signed(found.herd_change)} {found.columns[0]} (median)"
    if found.slots_today < found.slots:
        line += f"; the day is known up to {clock(found.slots_today, found.slots)}"
    return line


def common_line(found: DaysList) -> str:
    """Say what a large share of the herd has in common on the day; empty: nothing."""
    if not found.common:
        return ""
    what = {"alarm": "have an alarm-day", "less": "are below their own days", "more": "are above their own days"}
    parts = [f"{each.animals:,} ({percent(each.animals / each.judged)}) {what[each.kind]}" for each in found.common]
    middle = "" if found.herd_change is None else f", the median by {signed(found.herd_change)}"
    return (
        f"common-mode day: of {counted(found.judged, 'animal')} {' and '.join(parts)}{middle}; look at feed, weather, "
        "handling and a firmware update first"
    )


def signed(change: float) -> str:
    """Write a change in percent with its direction."""
    if np.isnan(change):
        return "unknown"
    return f"{share(change)} {'more' if change > 0 else 'less'}" if share(change) != "0 %" else "as usual,"


def changes_line(found: DaysList, each: ChangedAnimal) -> str:
    """Say what changed in an animal, and since when it is in alarm."""
    since = "since before the day" if each.raised is None else f"alarm at {clock(each.raised, found.slots)}"
    if each.factor:
        since += f", {ratio(each.factor)} its level"
    return f"{'; '.join(each.changes)} ({since})"


def beside_line(found: DaysList, each: ChangedAnimal) -> str:
    """Put an animal beside its herd."""
    if each.rank is None or np.isnan(each.change) or found.herd_change is None:
        return "beside the herd: unknown"
    end = "least" if each.change < 0 else "most"
    line = f"beside the herd: {signed(each.change).rstrip(',')}, the herd {signed(found.herd_change).rstrip(',')}; "
    line += f"rank {each.rank:,} of {found.judged:,}, {end} first"
    return f"{line}; the herd shares it" if each.is_common else line


def _changed(found: DaysList) -> Iterator[str]:
    for name, is_new in (("new", True), ("going on", False)):
        some = [each for each in found.changed if each.is_new == is_new]
        if not some:
            if is_new:
                yield "no new alarm-day" if found.judged else "no animal was judged"
            continue
        yield f"{name}:"
        own = [each for each in some if not each.is_common]
        for each in own[:MOST_LINES]:
            yield f"- {printable(each.device)}: {changes_line(found, each)}"
            yield f"  {beside_line(found, each)}"
        yield from _rest(len(own))
        if len(own) < len(some):
            yield from _shared([each for each in some if each.is_common])


def _shared(some: list[ChangedAnimal]) -> Iterator[str]:
    """Name the animals whose alarm-day the herd shares, those that changed most first."""
    order = sorted(some, key=lambda each: (-abs(np.nan_to_num(each.change)), each.device))
    named = [f"{printable(each.device)} {signed(each.change).rstrip(',')}" for each in order[:MOST_LINES]]
    more = f" and {len(order) - MOST_LINES:,} more; `csv` writes all" if len(order) > MOST_LINES else ""
    yield f"- shared by the herd, {counted(len(order), 'animal')}: {', '.join(named)}{more}"


def quiet_words(found: DaysList, each: QuietDevice) -> str:
    """Say why a device is not judged."""
    hours = f"{each.number * 24 / found.slots:g} h"
    return {
        "silent": f"last row on {each.last_day}" if each.last_day else "no row on these days",
        "off the body": f"off the body for {hours} of the day",
        "learning": f"learning, {min(each.number, found.mature)} of {found.mature} days",
        "two rows for a slot": f"{counted(each.number, 'row')} differ from another row of the same slot: two devices "
        "of one name, or its time went back",
        "too few rows": f"{hours} of the day have a row, too few to judge",
    }[each.why]


def _quiet(found: DaysList) -> Iterator[str]:
    for why in ("silent", "off the body", "two rows for a slot", "too few rows", "learning"):
        some = [each for each in found.quiet if each.why == why]
        if not some:
            continue
        yield f"{why}: {counted(len(some), 'device')}"
        for each in some[:MOST_LINES]:
            yield f"- {printable(each.device)}: {quiet_words(found, each)}"
        yield from _rest(len(some))


def _rest(n: int) -> Iterator[str]:
    if n > MOST_LINES:
        yield f"and {n - MOST_LINES:,} more; `csv` writes all"
