"""Herd of one day: the share in alarm, the devices to look at, technical alarms and silent devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, printable
from anomsdk.herd.common_mode import HerdShare
from anomsdk.herd.day_counts import IN_FORCE, DayCounts, DeviceNames, count_day, ticks_of_a_day
from anomsdk.herd.event_details import Details, read_details
from anomsdk.herd.levels import Levels
from anomsdk.herd.partitions import partitions, pending_of
from anomsdk.stats.intervals import Figure, poisson_rate

BEFORE_DAYS = 7
"""Days before the day that it is compared with, where nobody says another number."""
MOST_BEFORE = 366
LEAST_COVERAGE = 0.5
"""Coverage of a day below which a device is named."""
PER = 1000
"""Animal-days of the rate of alerts."""

LevelSource = Literal["own", "table", "in force"]
"""Level at which a device is judged: its own certified rung, another rung of the table, or the level in force on it."""


@dataclass(frozen=True)
class AlertRate:
    """Alerts per 1,000 animal-days.

    Parameters
    ----------
    alerts : alarms that were raised
    animal_days : see `anomsdk.herd.day_counts.DayCounts.animal_days`
    """

    alerts: int
    animal_days: float

    @property
    def rate(self) -> Figure:
        """Rate with its exact Poisson interval of 95 %, which takes alerts to be independent."""
        return poisson_rate(self.alerts, self.animal_days / PER)


@dataclass(frozen=True)
class AlarmedDevice:
    """Device in alarm on the day.

    Parameters
    ----------
    device : name
    alarm_days_before : days before the day on which it was in alarm; 0: it is new
    days_before : days before the day on which it was heard of
    alerts : alarms that were raised on the day
    hours : time in alarm, hours of service
    since_us : first raise of the day, microseconds since 1970 UTC; None: the events do not tell
    from_before : it was in alarm when the day began, and raised no further alarm
    factor : highest score of the day over the herd's median of them; None: nothing was judged
    rank : 1 for the device with the highest score of the herd; None: nothing was judged
    level_tag : level at which it is judged
    level : where that level comes from
    status : status of the device in the table; empty: none
    """

    device: str
    alarm_days_before: int
    days_before: int
    alerts: int
    hours: float
    since_us: int | None
    from_before: bool
    factor: float | None
    rank: int | None
    level_tag: int
    level: LevelSource
    status: str = ""

    @property
    def is_new(self) -> bool:
        """Return True if the device was not in alarm on the days before."""
        return self.alarm_days_before == 0


@dataclass(frozen=True)
class FaultyDevice:
    """Device with technical alarms on the day.

    Parameters
    ----------
    device : name
    alarms : technical alarms that were raised
    conditions : word of each condition, and how often it was raised; empty: the events do not tell
    coverage : judged share of the day, 0 to 1
    """

    device: str
    alarms: int
    conditions: tuple[tuple[str, int], ...]
    coverage: float


@dataclass(frozen=True)
class SilentDevice:
    """Device that was heard of on the days before, and not on the day; `last_day` is the last one."""

    device: str
    last_day: date


@dataclass(frozen=True)
class SparseDevice:
    """Device of which less than half of the day was judged; `coverage` is the judged share, 0 to 1."""

    device: str
    coverage: float


@dataclass(frozen=True)
class HerdDay:
    """One day of a herd; `herd_day` makes it.

    Parameters
    ----------
    day : day of UTC
    plan : name of the plan
    days_before : days before it that the data set has, the earliest first
    asked_before : number of calendar days before it that were asked for
    share : devices in alarm on the day and before
    alerts, alerts_before : alerts per 1,000 animal-days
    look_at : devices in alarm, new ones first, then those that go on; each by hours in alarm, the longest first
    technical : devices with technical alarms, most first
    silent : devices that are silent, those heard of last first
    sparse : devices with coverage below a half, the least first
    median_coverage : of the devices that were heard of, 0 to 1
    levels : name of the table of levels; empty: all are judged at the level in force
    unnamed : devices of the day that the table gives no rung: they are judged at the level in force
    crowded : devices with more than a day's ticks on one day: rows overlap, or an export tells of several days
    pending : files of these days that are still being written
    exported : rows of the day were gathered from exports, which tell neither highest scores nor technical alarms
    """

    day: date
    plan: str
    days_before: tuple[date, ...]
    asked_before: int
    share: HerdShare
    alerts: AlertRate
    alerts_before: AlertRate
    look_at: tuple[AlarmedDevice, ...]
    technical: tuple[FaultyDevice, ...]
    silent: tuple[SilentDevice, ...]
    sparse: tuple[SparseDevice, ...]
    median_coverage: float
    levels: str = ""
    unnamed: int = 0
    crowded: tuple[str, ...] = ()
    pending: int = 0
    exported: bool = False

    @property
    def n_new(self) -> int:
        """Number of devices in alarm that were not on the days before."""
        return sum(each.is_new for each in self.look_at)


def herd_day(
    folder: str | Path,
    plan: Plan,
    day: date | None = None,
    *,
    before: int = BEFORE_DAYS,
    levels: Levels | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> HerdDay:
    """Read one day of a data set, and compare it with the days before.

    Memory grows with the number of devices, not with the rows.

    Parameters
    ----------
    folder : data set
    plan : Plan of the data set
    day : day of UTC; None: the last one of the data set
    before : calendar days before it, 1 to 366
    levels : judge each device that it names at its own rung; None: all at the level in force on them
    progress : called with the days that were read, and their number

    Raises
    ------
    InputError : no data set, no such day, a file that cannot be read, rows of another score_id, or wrong counts
    """
    if not 1 <= before <= MOST_BEFORE:
        raise InputError(f"`before`: {before} days; give 1 to {MOST_BEFORE}")
    there = partitions(Path(folder))
    day = max(there) if day is None else day
    if day not in there:
        first, last = min(there), max(there)
        raise InputError(
            f"`day`: {printable(folder)} has no rows of {day}; its days are {first} to {last}, give one of them"
        )
    earlier = [each for each in there if day - timedelta(before) <= each < day]
    devices = DeviceNames(levels)
    today = count_day(there[day], devices, plan, of_the_day=True)
    if not today.heard.any():
        raise InputError(f"{printable(there[day][0])}: has no rows; give another `day`")
    progress(1, 1 + len(earlier))
    past = _Past.of([there[each] for each in earlier], devices, plan, lambda n: progress(1 + n, 1 + len(earlier)))
    today.grow(len(devices))
    day_ticks = ticks_of_a_day(today.facts, plan)
    in_alarm = today.in_alarm
    faulty = today.technical > 0
    details = read_details(there[day], devices, in_alarm | faulty)
    heard = today.heard
    coverage = today.coverage(day_ticks)
    sparse = np.flatnonzero(heard & (coverage < LEAST_COVERAGE))
    silent = np.flatnonzero(~heard & (past.last >= 0))
    names = devices.names
    return HerdDay(
        day=day,
        plan=plan.name,
        days_before=tuple(earlier),
        asked_before=before,
        share=HerdShare(int(in_alarm.sum()), int(heard.sum()), tuple(past.in_alarm), tuple(past.heard)),
        alerts=AlertRate(int(today.alarms.sum()), today.animal_days(day_ticks)),
        alerts_before=AlertRate(past.alerts, past.animal_days),
        look_at=_look_at(today, past, devices, levels, details, day_ticks),
        technical=tuple(
            FaultyDevice(
                names[each],
                int(today.technical[each]),
                tuple(details[each].conditions.items()) if each in details else (),
                float(coverage[each]),
            )
            for each in _sorted(np.flatnonzero(faulty), names, -today.technical)
        ),
        silent=tuple(
            SilentDevice(names[each], earlier[past.last[each]]) for each in _sorted(silent, names, -past.last)
        ),
        sparse=tuple(SparseDevice(names[each], float(coverage[each])) for each in _sorted(sparse, names, coverage)),
        median_coverage=float(np.median(coverage[heard])),
        levels="" if levels is None else levels.where,
        unnamed=0 if levels is None else int((heard & (devices.own == IN_FORCE)).sum()),
        crowded=tuple(names[each] for each in np.flatnonzero(past.crowded | _crowded(today, day_ticks))),
        pending=sum(pending_of(there[each]) for each in (*earlier, day)),
        exported=today.exported,
    )


@dataclass(eq=False)
class _Past:
    """Days before the day: sums over them, and by device."""

    in_alarm: list[int]
    heard: list[int]
    alerts: int
    animal_days: float
    last: NDArray[np.int64]  # index of the last day on which the device was heard of; -1: on none
    alarm_days: NDArray[np.int64]
    days: NDArray[np.int64]
    crowded: NDArray[np.bool_]

    @classmethod
    def of(
        cls, days: Sequence[Sequence[Path]], devices: DeviceNames, plan: Plan, progress: Callable[[int], None]
    ) -> _Past:
        """Count the days one after the other; ``progress`` is called with the number of those done."""
        none = np.zeros(0, np.int64)
        found = cls([], [], 0, 0.0, none, none, none, np.zeros(0, bool))
        found._grow(len(devices))
        for index, folders in enumerate(days):
            counts = count_day(folders, devices, plan, of_the_day=False)
            found._grow(len(devices))
            day_ticks = ticks_of_a_day(counts.facts, plan)
            found.in_alarm.append(int(counts.in_alarm.sum()))
            found.heard.append(int(counts.heard.sum()))
            found.alerts += int(counts.alarms.sum())
            found.animal_days += counts.animal_days(day_ticks)
            found.last[counts.heard] = index
            found.alarm_days += counts.in_alarm
            found.days += counts.heard
            found.crowded |= _crowded(counts, day_ticks)
            progress(index + 1)
        return found

    def _grow(self, n: int) -> None:
        more = n - len(self.last)
        self.last = np.concatenate([self.last, np.full(more, -1, np.int64)])
        self.alarm_days = np.concatenate([self.alarm_days, np.zeros(more, np.int64)])
        self.days = np.concatenate([self.days, np.zeros(more, np.int64)])
        self.crowded = np.concatenate([self.crowded, np.zeros(more, bool)])


def _crowded(counts: DayCounts, day_ticks: float) -> NDArray[np.bool_]:
    """Find devices with more judged ticks on a day than it has, rounded up."""
    return counts.judged > day_ticks + 1


def _sorted(chosen: NDArray[np.int64], names: Sequence[str], by: NDArray[np.generic]) -> list[int]:
    """Sort devices by a value, the smallest first, then by name."""
    return sorted(chosen.tolist(), key=lambda each: (by[each], names[each]))


def _look_at(
    today: DayCounts,
    past: _Past,
    devices: DeviceNames,
    levels: Levels | None,
    details: dict[int, Details],
    day_ticks: float,
) -> tuple[AlarmedDevice, ...]:
    """Describe the devices in alarm, new ones first."""
    judged = (today.judged > 0) & (not today.exported)
    highest = np.sort(today.highest[judged])
    median = float(np.median(highest)) if len(highest) else 0.0
    rows = {} if levels is None else levels.rows
    found = []
    for each in np.flatnonzero(today.in_alarm).tolist():
        name, own = devices.names[each], int(devices.own[each])
        status = rows.get(name, (0, ""))[1]
        level: LevelSource = "in force" if own == IN_FORCE else "own" if status == "certified" else "table"
        top = int(today.highest[each])
        found.append(
            AlarmedDevice(
                device=name,
                alarm_days_before=int(past.alarm_days[each]),
                days_before=int(past.days[each]),
                alerts=int(today.alarms[each]),
                hours=float(24 * today.alarm_ticks[each] / day_ticks),
                since_us=details[each].raised_us if each in details else None,
                from_before=bool(today.alarms[each] == 0),
                factor=2 ** ((top - median) / 256) if judged[each] else None,
                rank=1 + len(highest) - int(np.searchsorted(highest, top, "right")) if judged[each] else None,
                level_tag=int(today.level_tag[each]) if own == IN_FORCE else own,
                level=level,
                status=status,
            )
        )
    return tuple(sorted(found, key=lambda each: (not each.is_new, -each.hours, -each.alerts, each.device)))
