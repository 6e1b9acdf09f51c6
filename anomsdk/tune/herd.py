"""Herd: levels of many devices for one budget, from their exports, scores or recordings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from anomsdk.core.checks import require
from anomsdk.core.ladder import N_NEEDS, LadderPlan
from anomsdk.core.plan import Plan
from anomsdk.planner.ladder import counted_in, promise_plan
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import Method, days_needed
from anomsdk.tune.cause import Cause, cause_of
from anomsdk.tune.certificates import Status, check_alarm_fraction, provisional_rung, rungs_of, upper_bound
from anomsdk.tune.data_sets import DataSetLadders
from anomsdk.tune.device_scores import ScoredDevice
from anomsdk.tune.exports import FiledExport, check_clock
from anomsdk.tune.herd_ladders import Choices, Device, HerdLadders, Ints, counted_at, in_days, walk_all
from anomsdk.tune.ladders import MergedLadder, merge


@dataclass(frozen=True, slots=True)
class Row:
    """Level of one device.

    Parameters
    ----------
    device : number of an exported ladder's device, else its name
    group : of the device; empty: none
    status : see `anomsdk.tune.certificates.Status`
    level : score of the level
    rung : index of its rung; None: the plan's own level
    bound : upper bound of the rate in the budget's unit per its period; None unless certified
    missing_days : days without another alarm until the highest rung is certified; 0: certified, or it fails
    count, days : alarms, alarm-days or episodes that the rung counted, or without one the highest rung, and the days of
        service among which they are judged
    cause : alarm that the rung below raises, and this one does not; None: not known, or no rung below
    fits : False where its own counts speak against the level of its group
    """

    device: Device
    group: str
    status: Status
    level: int
    rung: int | None
    bound: float | None
    missing_days: int
    count: int
    days: float
    cause: Cause | None = None
    fits: bool = True

    @property
    def level_tag(self) -> int:
        """Level tag of the row's level: 0 for the plan's own, else the index of its rung + 1."""
        return 0 if self.rung is None else self.rung + 1


@dataclass(frozen=True, eq=False)
class Herd:
    """Devices with their ladders, and where these are at hand their scores.

    Parameters
    ----------
    plan : Plan with a ladder
    ladders : device -> its ladder, in the order of the table
    groups : device -> its group
    scores : device -> its scores; empty for exports and data sets
    exports : exports that ladders were merged from
    data : data sets that ladders were added up from; None: there are none
    given : plan that the user gave; another one than ``plan`` where it has no ladder, and that is the default one
    """

    plan: Plan
    ladders: HerdLadders
    groups: dict[Device, str]
    scores: dict[Device, ScoredDevice]
    exports: tuple[FiledExport, ...] = ()
    given: Plan | None = None
    data: DataSetLadders | None = None

    @classmethod
    def of(
        cls,
        plan: Plan,
        exports: Sequence[FiledExport],
        scored: Sequence[ScoredDevice],
        count: Callable[[ScoredDevice], MergedLadder],
        given: Plan | None = None,
        data: DataSetLadders | None = None,
    ) -> Herd:
        """Make a herd of exports, of scores, and of data sets.

        Parameters
        ----------
        plan : Plan with a ladder
        exports : of any devices
        scored : devices whose scores are at hand, each once
        count : counts the scores of a device as a ladder
        given, data : as `Herd`

        Raises
        ------
        InputError : as `merge`, a device in two groups or in two inputs, a clock that goes backwards, or no device
        """
        check_clock(exports)
        merged = merge([each.export for each in exports], names=[each.name for each in exports])
        ladders = dict[Device, MergedLadder]()
        for number in merged:
            ladders[number] = merged[number]
        groups: dict[Device, str] = {}
        first: dict[Device, str] = {}
        for each in sorted(exports, key=lambda each: each.name):
            device = each.export.device
            require(
                groups.setdefault(device, each.group) == each.group,
                f"{first.get(device)} and {each.name}: device {device} is in group {groups[device] or '(none)'} and in "
                f"{each.group or '(none)'}; keep its exports in one",
            )
            first.setdefault(device, each.name)
        scores: dict[Device, ScoredDevice] = {}
        for one in scored:
            require(one.name not in scores, f"device {one.name}: is in two inputs; give each device once")
            scores[one.name], ladders[one.name], groups[one.name] = one, count(one), ""
        if data is not None:
            both = next((device for device in data.ladders if device in ladders), None)
            require(both is None, f"device {both}: is in two inputs; give each device once")
            if not ladders:
                return cls(plan, data.ladders, data.groups, {}, (), given, data)
            ladders |= dict(data.ladders)
            groups |= data.groups
        require(bool(ladders), "tune: no device in these inputs; give ladder exports, scores or recordings")
        return cls(plan, HerdLadders.of(ladders), groups, scores, tuple(exports), given, data)

    @property
    def devices(self) -> list[Device]:
        """Devices in the order of the table: by number, then by name."""
        return list(self.ladders)


@dataclass(frozen=True)
class Pooled:
    """Days on which a pooled certificate rests.

    Parameters
    ----------
    independent : each day of each device is a trial; False: each calendar day is one observation
    days : calendar days
    device_days : days of devices in service
    dispersion : variance of the daily share of devices in alarm, over that of independent devices
    """

    independent: bool
    days: int
    device_days: int
    dispersion: float


@dataclass(frozen=True, eq=False)
class Tuned:
    """Result of `tune`.

    Parameters
    ----------
    herd : Herd
    budget, confidence, method, max_alarm_fraction : as `anomsdk.tune.choose`
    rows : one for each device, in the order of the table
    pooled : where all devices have one certificate; None: each has its own
    """

    herd: Herd
    budget: Budget
    confidence: float
    method: Method
    max_alarm_fraction: float
    rows: tuple[Row, ...]
    pooled: Pooled | None = None

    @property
    def plan(self) -> Plan:
        """Plan with the ladder that the levels are taken of."""
        return self.herd.plan

    @property
    def given(self) -> Plan:
        """Plan that the user gave, with or without a ladder."""
        return self.herd.given or self.herd.plan

    def number(self, status: Status) -> int:
        """Return the number of devices with a status."""
        return sum(row.status == status for row in self.rows)

    def missing_time(self, row: Row) -> float:
        """Return the days, with their parts, until the highest rung is certified, without another alarm; 0: none."""
        if not row.missing_days or not self.budget.in_hours:
            return row.missing_days
        ladder = self.herd.ladders[row.device]
        count, days = counted_in(rungs_of(self.plan), ladder.counts[-1], ladder.ticks, ladder.days, self.budget.unit)
        return max(0.0, days_needed(count, self.budget, self.confidence, method=self.method) - days)

    @property
    def own_rung(self) -> int | None:
        """Rung for the plan's own level: that of one device, or that 90 % of the certified are at or below."""
        rungs = [row.rung for row in self.rows if row.status == "certified" and row.rung is not None]
        return provisional_rung(rungs) if rungs else None


def tune(
    herd: Herd,
    budget: str | Budget,
    confidence: float = 0.95,
    *,
    max_alarm_fraction: float = 0.05,
    method: Method = "anytime",
) -> Tuned:
    """Choose a level for each device of a herd.

    A device without a certificate gets the rung that 90 % of the certified devices of its group are at or below; where
    none of the group is certified, or where the device's highest rung fails, it keeps the plan's own level.

    Parameters
    ----------
    herd : Herd
    budget, confidence, max_alarm_fraction, method : as `anomsdk.tune.choose`

    Raises
    ------
    InputError : as `anomsdk.tune.choose`; but a device without a tick of service is an error only where all are so
    """
    parsed = Budget.parse(budget)
    check_alarm_fraction(max_alarm_fraction)
    ladders = herd.ladders
    served = bool(ladders.ticks.any())
    require(served, f"device {next(iter(ladders))}: zero hours of service certify nothing; let it run")
    rungs = rungs_of(herd.plan)
    promise = promise_plan(parsed, confidence, max_alarm_fraction, rungs, method=method)
    promise.check(rungs)
    choices = walk_all(rungs, promise, ladders)
    certified: dict[str, list[int]] = {}
    for device, rung in zip(ladders, choices.rungs.tolist(), strict=True):
        if rung >= 0:
            certified.setdefault(herd.groups[device], []).append(rung)
    typical = {group: provisional_rung(found) for group, found in certified.items()}
    lent = {
        group: _Lent(rung, *counted_at(ladders, rung, parsed.unit), ladders.count("ticks", rung))
        for group, rung in typical.items()
    }
    tuned = Tuned(herd, parsed, confidence, method, max_alarm_fraction, ())
    rows = tuple(
        _row(tuned, choices, device, place, lent.get(herd.groups[device])) for place, device in enumerate(ladders)
    )
    return replace(tuned, rows=rows)


@dataclass(frozen=True, eq=False)
class _Lent:
    """Rung that 90 % of the certified devices of a group are at or below, and what it counted on each device."""

    rung: int
    counted: Ints
    among: Ints
    in_alarm: Ints


def _row(tuned: Tuned, choices: Choices, device: Device, place: int, lent: _Lent | None) -> Row:
    """Make the row of a device.

    Parameters
    ----------
    tuned : with the settings of the promise
    choices : of all devices
    device, place : the device, and its place among all
    lent : rung for those of its group without a certificate; None: no device of the group has one
    """
    herd, unit, group = tuned.herd, tuned.budget.unit, tuned.herd.groups[device]
    rungs, ladders, scores = rungs_of(herd.plan), herd.ladders, herd.scores.get(device)
    rung, missing = int(choices.rungs[place]), int(choices.days[place])
    count, days = int(choices.counted[place]), in_days(int(choices.among[place]), rungs, unit)
    if rung >= 0:
        cause, fits = cause_of(scores, herd.plan, rung), lent is None or rung <= lent.rung
        bound = upper_bound(count, days, tuned.budget, tuned.confidence, tuned.method)
        return Row(device, group, "certified", level_of(rungs, rung), rung, bound, 0, count, days, cause, fits)
    status: Status = "more days" if missing else "fails"
    if status == "fails" or lent is None:
        cause = cause_of(scores, herd.plan, rungs.n_rungs) if status == "fails" else None
        own = herd.plan.levels.raise_score
        return Row(device, group, status, own, None, None, missing, count, days, cause, status != "fails")
    count, days = int(lent.counted[place]), in_days(int(lent.among[place]), rungs, unit)
    fits = (
        count < N_NEEDS
        and int(lent.in_alarm[place]) <= tuned.max_alarm_fraction * int(ladders.ticks[place])
        and (days == 0 or count <= max(1, math.ceil(float(tuned.budget.rate) * days)))
    )
    level = level_of(rungs, lent.rung)
    return Row(device, group, "provisional", level, lent.rung, None, missing, count, days, None, fits)


def level_of(rungs: LadderPlan, rung: int) -> int:
    """Return the score of a rung."""
    return int(rungs.raise_scores[rung])
