"""List of a day: animals that changed, new ones first, and devices that say nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.days import MISSING
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, printable
from anomsdk.herd.days.changes import Floats, Sizes, described, sizes, usual_day
from anomsdk.herd.days.diaries import Diaries, read_diaries, without_off_body
from anomsdk.herd.days.judgement import Verdict, judge, last_slot
from anomsdk.herd.days.kept_rows import fill_from, keep

LEAST_HERD = 5
"""Judged animals from which a herd can have a common-mode day."""
BEFORE = 14
COMMON_SHARE = 0.3
_DEVICES = 1024


@dataclass(frozen=True)
class Common:
    """Change that a large share of the herd has on one day.

    Parameters
    ----------
    kind : "alarm", "less" or "more"
    animals, judged : animals that have it, and judged ones
    median : median change of the herd
    """

    kind: str
    animals: int
    judged: int
    median: float | None


@dataclass(frozen=True, eq=False)
class ChangedAnimal:
    """Animal with an alarm-day.

    Parameters
    ----------
    device : name
    alarm_days_before : alarm-days on the days before
    is_new : the day before was no alarm-day
    raised : slot of today at which the alarm was raised; None: it stood before today
    changes : what changed, in words, the largest first
    change : ratio of today's total of the first judged column to the usual one, less 1; NaN: unknown
    rank : place among the judged animals by that change, from its own end of the herd; None: unknown
    is_common : the herd shares it
    factor : highest score of today over the alarm level of the plan
    totals : (days,), mean of the slots of each day, today last; NaN: none
    today, usual : (slots,), today and the mean of the days before
    """

    device: str
    alarm_days_before: int
    is_new: bool
    raised: int | None
    changes: tuple[str, ...]
    change: float
    rank: int | None
    is_common: bool
    factor: float
    totals: Floats = field(repr=False)
    today: Floats = field(repr=False)
    usual: Floats = field(repr=False)


@dataclass(frozen=True)
class QuietDevice:
    """Device that is not judged today.

    Parameters
    ----------
    device : name
    why : "silent", "off the body", "learning", "two rows for a slot" or "too few rows"
    number : silent: days since its last row, 0: none on these days; off the body: slots; learning: days that are
        learnt; two rows for a slot, too few rows: rows
    last_day : last day with a row; None: none of these days
    """

    device: str
    why: str
    number: int
    last_day: date | None = None


@dataclass(frozen=True, eq=False)
class DaysList:
    """Herd on one day, by its diaries.

    Parameters
    ----------
    today : day
    plan : name of the plan
    before : days before it
    slots, slots_today : slots of a day, and of today up to the last row of any device
    mature : days that are learnt before a judgement
    columns : names of the judged columns, the first is that of changes
    devices, judged : numbers of devices, and of those with a judged slot
    herd_change : median change of the judged animals; None: unknown
    common : changes that the herd shares
    common_share : share of the herd above which a change is shared
    changed : animals with an alarm-day, new ones first
    quiet : devices that are not judged
    """

    today: date
    plan: str
    before: int
    slots: int
    slots_today: int
    mature: int
    columns: tuple[str, ...]
    devices: int
    judged: int
    herd_change: float | None
    common: tuple[Common, ...]
    common_share: float
    changed: tuple[ChangedAnimal, ...]
    quiet: tuple[QuietDevice, ...]

    @property
    def n_new(self) -> int:
        """Number of new alarm-days."""
        return sum(each.is_new for each in self.changed)


def days_list(
    source: Path,
    plan: Plan,
    today: date,
    *,
    before: int = BEFORE,
    common_share: float = COMMON_SHARE,
    state: Path | None = None,
    engine: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, n: None,
) -> DaysList:
    """List what changed in a herd on one day.

    Parameters
    ----------
    source : folder of .parquet and .csv, or one of them: rows of devices with a time and the columns of the plan
    plan : Plan of a diary
    today : the day, of the clock that the rows have
    before : days before it that are compared, from the days that the plan learns up to 60
    common_share : share of the judged animals above which a change is shared by the herd, above 0 to 1
    state : folder that keeps rows from run to run; the rows of this run are added. None: nothing is kept
    engine : as in `Pipeline`
    jobs : number of threads
    progress : called with the number of devices judged and of all

    Raises
    ------
    InputError : the rows cannot be read, are of another plan, or none is of these days
    """
    if not 0 < common_share <= 1:
        raise InputError(f"`common_share={common_share:g}`: must be above 0 to 1")
    diaries = read_diaries(Path(source), plan, today, before)
    if state is not None:
        fill_from(Path(state), diaries)
    diaries.check(printable(source))
    verdicts = judge(diaries, engine, jobs, progress)
    found = listed(diaries, verdicts, common_share)
    if state is not None:
        keep(Path(state), diaries)
    return found


def listed(diaries: Diaries, verdicts: list[Verdict | None], common_share: float) -> DaysList:
    """Make the list of diaries and their judgements; None for a device that was not judged."""
    facts = _Facts.of(diaries)
    judged = np.array([verdict is not None and verdict.judged > 0 for verdict in verdicts], np.bool_)
    alarmed = np.array([verdict is not None and verdict.in_alarm for verdict in verdicts], np.bool_)
    change = np.where(judged, facts.sizes.change, np.nan)
    known = np.sort(change[~np.isnan(change)])
    median = float(np.median(known)) if len(known) else None
    common = _common(judged, alarmed, facts.sizes.direction, median, common_share)
    shared = {each.kind for each in common}
    changed = []
    for each in np.flatnonzero(alarmed).tolist():
        verdict = verdicts[each]
        assert verdict is not None
        direction = int(facts.sizes.direction[each]) if judged[each] else 0
        values = own_values(diaries, each)
        words = [
            word
            for at, number in enumerate(diaries.days.judged.tolist())
            for word in described(values[at], diaries.sensor.columns[number].sense, diaries.sensor.columns[number].name)
        ]
        reasons = ", ".join(verdict.reasons)
        words = words or [f"the day is unlike its own: {reasons}" if reasons else "an alarm goes on"]
        if facts.off_today[each]:
            words.insert(0, f"off the body for {facts.off_today[each] * 24 / diaries.slots:g} h of the day")
        if not judged[each]:
            words = [f"not judged on this day; the alarm was: {reasons}" if reasons else "not judged on this day"]
        days_before = verdict.alarm_days[:-1]
        changed.append(
            ChangedAnimal(
                device=diaries.names[each],
                alarm_days_before=sum(days_before),
                is_new=not days_before[-1],
                raised=verdict.raised,
                changes=tuple(words),
                change=float(change[each]),
                rank=_rank(known, float(change[each])),
                is_common=bool(judged[each]) and bool({"alarm", {-1: "less", 0: "", 1: "more"}[direction]} & shared),
                factor=verdict.highest / max(1, diaries.plan.levels.raise_score),
                totals=_daily_means(values[0]),
                today=values[0][-1],
                usual=usual_day(values[0]),
            )
        )
    return DaysList(
        today=diaries.today,
        plan=diaries.plan.name,
        before=diaries.before,
        slots=diaries.slots,
        slots_today=max(0, last_slot(diaries) - diaries.before * diaries.slots),
        mature=diaries.days.profile.mature,
        columns=tuple(diaries.sensor.columns[at].name for at in diaries.days.judged.tolist()),
        devices=len(diaries),
        judged=int(judged.sum()),
        herd_change=median,
        common=common,
        common_share=common_share,
        changed=tuple(sorted(changed, key=lambda each: (not each.is_new, each.is_common, -each.factor, each.device))),
        quiet=tuple(_quiet(diaries, facts, judged)),
    )


@dataclass(frozen=True, eq=False)
class _Facts:
    """Numbers of each device, from its rows."""

    sizes: Sizes
    off_today: NDArray[np.int64]  # slots of today off the body
    rows_today: NDArray[np.int64]
    learnt: NDArray[np.int64]  # days that a pipeline learns
    last: NDArray[np.int64]  # day of the last row, -1: none

    @classmethod
    def of(cls, diaries: Diaries) -> _Facts:
        change, spreads, off_today, rows_today, learnt, last = [], [], [], [], [], []
        days, slots, plan = diaries.before + 1, diaries.slots, diaries.days
        for start in range(0, len(diaries), _DEVICES):
            rows = diaries.rows[start : start + _DEVICES][:, :, plan.judged.astype(np.int64)]
            counts, off = without_off_body(rows, plan.off_body)
            values = np.where(counts, rows[:, :, 0], np.nan).reshape(-1, days, slots)
            found = sizes(values)
            change.append(found.change)
            spreads.append(found.spreads)
            off_today.append(off.reshape(-1, days, slots)[:, -1].sum(axis=1))
            here = (rows[:, :, 0] != MISSING).reshape(-1, days, slots)
            rows_today.append(here[:, -1].sum(axis=1))
            full = (counts.reshape(-1, days, slots).sum(axis=2) >= slots - plan.most_missing).sum(axis=1)
            learnt.append(np.minimum(full, plan.profile.mature))
            some = here.any(axis=2)
            last.append(np.where(some.any(axis=1), days - 1 - some[:, ::-1].argmax(axis=1), -1))
        none = [np.zeros(0)]
        whole = [np.concatenate(part or none) for part in (off_today, rows_today, learnt, last)]
        return cls(
            Sizes(np.concatenate(change or none), np.concatenate(spreads or none)),
            *(part.astype(np.int64) for part in whole),
        )


def own_values(diaries: Diaries, device: int) -> Floats:
    """Return the judged columns of a device, (columns, days, slots); NaN: missing or off the body."""
    rows = diaries.rows[device : device + 1][:, :, diaries.days.judged.astype(np.int64)]
    counts, _ = without_off_body(rows, diaries.days.off_body)
    values = np.where(counts[0][:, None], rows[0], np.nan)
    return np.asarray(values.T.reshape(-1, diaries.before + 1, diaries.slots))


def _daily_means(values: Floats) -> Floats:
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    means = np.where(known, values, 0).sum(axis=1) / np.maximum(counts, 1)
    return np.asarray(np.where(2 * counts >= values.shape[1], means, np.nan))


def _common(
    judged: NDArray[np.bool_],
    alarmed: NDArray[np.bool_],
    direction: NDArray[np.int64],
    median: float | None,
    common_share: float,
) -> tuple[Common, ...]:
    n = int(judged.sum())
    if n < LEAST_HERD:
        return ()
    kinds = {"alarm": alarmed, "less": direction < 0, "more": direction > 0}
    counts = {kind: int((judged & has).sum()) for kind, has in kinds.items()}
    return tuple(Common(kind, count, n, median) for kind, count in counts.items() if count > common_share * n)


def _rank(known: Floats, change: float) -> int | None:
    if np.isnan(change):
        return None
    if change < 0:
        return 1 + int(np.searchsorted(known, change, "left"))
    return 1 + len(known) - int(np.searchsorted(known, change, "right"))


def _quiet(diaries: Diaries, facts: _Facts, judged: NDArray[np.bool_]) -> list[QuietDevice]:
    found = []
    unclear = diaries.is_unclear
    for each in np.flatnonzero(~judged | unclear | (facts.off_today > 0)).tolist():
        name, last = diaries.names[each], int(facts.last[each])
        last_day = None if last < 0 else diaries.first + timedelta(days=last)
        if unclear[each]:
            found.append(QuietDevice(name, "two rows for a slot", int(diaries.n_different[each]), last_day))
        elif not facts.rows_today[each]:
            found.append(QuietDevice(name, "silent", 0 if last < 0 else diaries.before - last, last_day))
        elif facts.off_today[each]:
            found.append(QuietDevice(name, "off the body", int(facts.off_today[each]), last_day))
        elif facts.learnt[each] < diaries.days.profile.mature:
            found.append(QuietDevice(name, "learning", int(facts.learnt[each]), last_day))
        else:
            found.append(QuietDevice(name, "too few rows", int(facts.rows_today[each]), last_day))
    order = {why: at for at, why in enumerate(("silent", "off the body", "two rows for a slot", "too few rows"))}
    return sorted(found, key=lambda each: (order.get(each.why, len(order)), each.device))
