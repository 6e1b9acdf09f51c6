"""Herd of a day in words: the herd first, then single animals, then what is technical."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import TypeVar

from anomsdk.errors import printable
from anomsdk.herd.common_mode import FACTOR
from anomsdk.herd.overview import LEAST_COVERAGE, AlarmedDevice, AlertRate, FaultyDevice, HerdDay
from anomsdk.stats.intervals import Figure
from anomsdk.utils.text import counted, in_hours, percent, ratio, table

MOST_LINES = 20
"""Devices of each list that are named before the rest is counted."""
SHARED = "the herd shares it, look at feed, weather, handling and a firmware update first"
LIMIT = (
    "This is no diagnosis: an alarm says that a signal was unlike the recordings that the plan learnt from, so look at "
    "the animal; no alarm does not say that nothing is wrong."
)

_T = TypeVar("_T")


def as_text(found: HerdDay) -> str:
    """Write the report."""
    parts = [
        share_line(found),
        *rule_line(found),
        rate_line(found),
        *_animals(found),
        *_technical(found),
        *_silent(found),
        *notes(found),
    ]
    return "\n".join([*parts, LIMIT])


def share_line(found: HerdDay) -> str:
    """Say which share of the herd is in alarm, and whether the herd shares it."""
    share, days = found.share, len(found.days_before)
    line = (
        f"{share.in_alarm:,} of {counted(share.devices, 'animal')} in alarm on {found.day} ({percent(share.value)}), "
    )
    if share.before is None:
        return f"{line}no days before to compare it with"
    mean = sum(share.in_alarm_before) / days
    line += f"{f'{mean:,.1f}'.removesuffix('.0')} on the days before (mean of {counted(days, 'day')}, "
    line += f"{percent(share.before)})"
    return f"{line}: {SHARED}" if share.is_common_mode else line


def rule_line(found: HerdDay) -> Iterator[str]:
    """Yield the rule by which the day is a common-mode day, where it is one."""
    share = found.share
    if share.is_common_mode:
        yield (
            f"common-mode day: the share is at least {FACTOR:g} times that of the days before, and its 95% interval, "
            f"{_interval(share.interval)}, lies above theirs, {_interval(share.interval_before)}, with a dispersion of "
            f"{share.dispersion:.3g} from day to day"
        )


def rate_line(found: HerdDay) -> str:
    """Say how many alerts there were per 1,000 animal-days."""
    line = f"{_rate(found.alerts)} alerts per 1,000 animal-days{_basis(found.alerts)}"
    if not found.days_before:
        return line
    return f"{line}; on the days before {_rate(found.alerts_before)}{_basis(found.alerts_before)}"


def _rate(rate: AlertRate) -> str:
    value = rate.rate.value
    return "-" if value is None else f"{value:,.1f}"


def _basis(rate: AlertRate) -> str:
    figure = rate.rate
    between = (
        "" if figure.low is None or figure.high is None else f"95% interval {figure.low:,.1f} to {figure.high:,.1f}, "
    )
    return f" ({between}{rate.alerts:,} in {f'{rate.animal_days:,.1f}'.removesuffix('.0')} animal-days)"


def _interval(figure: Figure) -> str:
    return f"{percent(figure.low)} to {percent(figure.high)}"


def _animals(found: HerdDay) -> Iterator[str]:
    if not found.look_at:
        yield "no animal to look at"
        return
    old = len(found.look_at) - found.n_new
    yield f"animals to look at: {found.n_new:,} new, {old:,} that go{'es' * (old == 1)} on"
    heading = ["animal", "before", "alerts", "in alarm", "since (UTC)", "highest", "rank", "level"]
    shown = found.look_at[:MOST_LINES]
    yield table([heading, *(_animal(found, each) for each in shown)], right=(2, 3, 5, 6))
    yield from _rest(len(found.look_at))
    if not found.exported:
        yield "highest: highest score of the day over the median of the herd of the day; rank: 1 for the highest of all"


def _animal(found: HerdDay, each: AlarmedDevice) -> list[str]:
    before = "new" if found.days_before else ""
    if not each.is_new:
        before = f"{each.alarm_days_before} of {counted(each.days_before, 'day')}"
    elif found.days_before and not each.days_before:
        before = "new, not heard of"
    return [
        printable(each.device),
        before,
        f"{each.alerts:,}",
        in_hours(each.hours),
        since(each),
        "-" if each.factor is None else ratio(each.factor),
        "-" if each.rank is None else f"{each.rank:,}",
        level_words(each),
    ]


def since(each: AlarmedDevice) -> str:
    """Say since when a device is in alarm on the day; empty where the events do not tell."""
    if each.from_before:
        return "before the day"
    if each.since_us is None:
        return ""
    return datetime.fromtimestamp(each.since_us / 1e6, timezone.utc).strftime("%H:%M")


def level_words(each: AlarmedDevice) -> str:
    """Say at which level a device is judged, and whether it is its own certified one."""
    if each.level == "own":
        return f"its own, certified, tag {each.level_tag}"
    if each.level == "table":
        return f"{printable(each.status)}, tag {each.level_tag}"
    return f"in force, tag {each.level_tag}" if each.level_tag else "in force, the plan's"


def _technical(found: HerdDay) -> Iterator[str]:
    if not found.technical:
        yield "technical alarms: exports of ladders do not tell them" if found.exported else "no technical alarm"
        return
    yield f"technical alarms, look at the device: {counted(len(found.technical), 'device')}"
    yield from _listed(found.technical, _fault)


def _fault(each: FaultyDevice) -> str:
    words = ", ".join(f"{word} ({n:,})" if n > 1 else word for word, n in each.conditions)
    return (
        f"{printable(each.device)}: {counted(each.alarms, 'technical alarm')}"
        f"{f', {words}' if words else ''}; {percent(each.coverage)} of the day judged"
    )


def _silent(found: HerdDay) -> Iterator[str]:
    if found.silent:
        yield f"silent, heard of on the days before and not on {found.day}: {counted(len(found.silent), 'device')}"
        yield from _listed(found.silent, lambda each: f"{printable(each.device)}: last heard of on {each.last_day}")
    elif found.days_before:
        yield "no silent device"
    if found.sparse:
        yield f"coverage below {LEAST_COVERAGE:.0%} of the day: {counted(len(found.sparse), 'device')}"
        yield from _listed(found.sparse, lambda each: f"{printable(each.device)}: {percent(each.coverage)}")


def _listed(rows: Sequence[_T], line: Callable[[_T], str]) -> Iterator[str]:
    for each in rows[:MOST_LINES]:
        yield f"- {line(each)}"
    yield from _rest(len(rows))


def _rest(n: int) -> Iterator[str]:
    if n > MOST_LINES:
        yield f"and {n - MOST_LINES:,} more; `out` writes all"


def notes(found: HerdDay) -> Iterator[str]:
    """Yield what limits the figures of this day."""
    there = len(found.days_before)
    if there < found.asked_before:
        yield (
            f"note: of {counted(found.asked_before, 'day')} before {found.day} the data set has {there}"
            + (": no animal is told apart as new" if not there else "")
        )
    if found.median_coverage < LEAST_COVERAGE:
        share = percent(found.median_coverage)
        yield f"note: half of the animals were judged for {share} of the day or less; it may not be over"
    if found.unnamed:
        yield (
            f"note: {printable(found.levels)} gives {counted(found.unnamed, 'animal')} of the day no rung; judged at "
            "the level in force"
        )
    if found.crowded:
        named = ", ".join(map(printable, found.crowded[:5]))
        more = f" and {len(found.crowded) - 5:,} more" if len(found.crowded) > 5 else ""
        why = "more than 24 hours were judged on one day, so that rows overlap and count twice"
        advice = "; score each recording once"
        if found.exported:
            why = "more than 24 hours of service since a device was read before, so that alarms may be of earlier days"
            advice = ""
        yield f"note: {why}: {named}{more}{advice}"
    if found.pending:
        yield (
            f"note: {counted(found.pending, 'file')} of these days not written to the end; run the same score command "
            "again, then look again"
        )
