"""Assumptions of certificates that the counts at hand can speak against: spells, drift, and days in common."""

from __future__ import annotations

from collections.abc import Iterator

from anomsdk.core.ladder import Unit
from anomsdk.stats.dependence import FLAGGED, MOST_DISPERSED, drift, spells
from anomsdk.stats.promises import dispersion
from anomsdk.tune.calendar_days import CalendarDays
from anomsdk.tune.certificates import rungs_of
from anomsdk.tune.herd import Tuned

_FEWEST = 2
"""Fewest calendar days that have halves."""


def doubts(tuned: Tuned) -> Iterator[str]:
    """Yield what the counts of the herd say against its certificates.

    The tests look at one rung, the lowest that is in alarm for no more than the limit: it counted most.
    """
    herd, rung = tuned.herd, _rung(tuned)
    if rung is None:
        return
    ladders = list(herd.ladders.values())
    level = f"{int(rungs_of(tuned.plan).raise_scores[rung]):,}"
    if tuned.budget.unit == Unit.ALARM_DAY and min(ladder.episode_gap for ladder in ladders) > 0:
        counts = [ladder.counts[rung] for ladder in ladders]
        usual = [at for at, each in enumerate(counts) if 0 < each.episodes <= each.days <= ladders[at].days]
        if usual:
            p = spells(
                [counts[at].days for at in usual],
                [counts[at].episodes for at in usual],
                [ladders[at].days for at in usual],
                ladders[0].episode_gap,
            )
            if float(p.item()) < FLAGGED:
                yield (
                    f"alarm-days come in spells (level {level}, p = {float(p.item()):.2g}): certificates in alarm-days "
                    "are false more often than they say; use a budget of episodes"
                )
    days = CalendarDays.known(herd)
    if days is None or len(days.days) < _FEWEST:
        return
    half = len(days.days) // 2
    alarms, devices = days.alarms[:, rung], days.devices
    p = drift(alarms[:half].sum(), devices[:half].sum(), alarms[half:].sum(), devices[half:].sum())
    if float(p.item()) < FLAGGED:
        fewer = alarms[:half].sum() * devices[half:].sum() > alarms[half:].sum() * devices[:half].sum()
        yield (
            f"alarm-days became {'fewer' if fewer else 'more'} from the first half of the calendar days to the second "
            f"(level {level}, p = {float(p.item()):.2g}): a certificate is about the days that were watched"
        )
    varies = dispersion(alarms, devices)
    if varies > MOST_DISPERSED:
        yield (
            f"devices alarm on the same days (level {level}: the daily share varies {varies:.2g} times as much as with "
            "independent devices): their certificates are false or true together"
        )


def _rung(tuned: Tuned) -> int | None:
    ladders = tuned.herd.ladders.values()
    ticks = sum(ladder.ticks for ladder in ladders)
    for rung in range(rungs_of(tuned.plan).n_rungs):
        if sum(ladder.counts[rung].ticks for ladder in ladders) <= tuned.max_alarm_fraction * ticks:
            return rung
    return None
