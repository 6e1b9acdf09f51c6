"""Assumptions of certificates that the counts at hand can speak against: spells, drift, and days in common."""

from __future__ import annotations

from collections.abc import Iterator

from anomsdk.core.ladder import Unit
from anomsdk.stats.dependence import FLAGGED, MOST_DISPERSED, drift, spells
from anomsdk.stats.promises import dispersion
from anomsdk.tune.calendar_days import CalendarDays
from anomsdk.tune.certificates import rungs_of
from anomsdk.tune.data_sets import rung_counts
from anomsdk.tune.herd import Herd, Tuned
from anomsdk.tune.herd_ladders import Ints

_FEWEST = 2
"""Fewest calendar days that have halves."""


def doubts(tuned: Tuned) -> Iterator[str]:
    """Yield what the counts of the herd say against its certificates.

    The tests look at one rung, the lowest that is in alarm for no more than the limit: it counted most.
    """
    herd, rung = tuned.herd, _rung(tuned)
    if rung is None:
        return
    ladders = herd.ladders
    level = f"{int(rungs_of(tuned.plan).raise_scores[rung]):,}"
    if tuned.budget.unit == Unit.ALARM_DAY and ladders.episode_gap > 0:
        episodes, days = _episodes(herd, rung), ladders.count("days", rung)
        usual = (episodes > 0) & (episodes <= days) & (days <= ladders.days)
        if usual.any():
            p = spells(days[usual], episodes[usual], ladders.days[usual], ladders.episode_gap)
            if float(p.item()) < FLAGGED:
                yield (
                    f"alarm-days come in spells (level {level}, p = {float(p.item()):.2g}): certificates in alarm-days "
                    "are false more often than they say; use a budget of episodes"
                )
    calendar = CalendarDays.known(herd, rung)
    if calendar is None or len(calendar.days) < _FEWEST:
        return
    half = len(calendar.days) // 2
    alarms, devices = calendar.alarms[:, rung], calendar.devices
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


def _episodes(herd: Herd, rung: int) -> Ints:
    """Return the episodes of a rung on each device; data sets are asked for them only here."""
    if herd.ladders.has("episodes"):
        return herd.ladders.count("episodes", rung)
    assert herd.data is not None
    return rung_counts(herd.data, "episodes", rung)


def _rung(tuned: Tuned) -> int | None:
    ladders = tuned.herd.ladders
    most = tuned.max_alarm_fraction * int(ladders.ticks.sum())
    rungs = range(ladders.n_rungs)
    return next((rung for rung in rungs if int(ladders.count("ticks", rung).sum()) <= most), None)
