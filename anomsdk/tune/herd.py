"""Herd: levels of many devices for one budget, from their exports, scores or recordings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anomsdk.core.checks import require
from anomsdk.core.ladder import N_NEEDS, LadderPlan
from anomsdk.core.plan import Plan
from anomsdk.planner.ladder import counted_in
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import Method, days_needed
from anomsdk.tune.cause import Cause, cause_of
from anomsdk.tune.certificates import Certificate, Status, choose, provisional_rung, rungs_of
from anomsdk.tune.device_scores import ScoredDevice
from anomsdk.tune.exports import FiledExport, check_clock
from anomsdk.tune.ladders import MergedLadder, merge

Device = int | str


@dataclass(frozen=True)
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
    ladders : device -> its ladder
    groups : device -> its group
    scores : device -> its scores; empty for exports
    exports : exports that the ladders were merged from
    given : plan that the user gave; another one than ``plan`` where it has no ladder, and that is the default one
    """

    plan: Plan
    ladders: dict[Device, MergedLadder]
    groups: dict[Device, str]
    scores: dict[Device, ScoredDevice]
    exports: tuple[FiledExport, ...] = ()
    given: Plan | None = None

    @classmethod
    def of(
        cls,
        plan: Plan,
        exports: Sequence[FiledExport],
        scored: Sequence[ScoredDevice],
        count: Callable[[ScoredDevice], MergedLadder],
        given: Plan | None = None,
    ) -> Herd:
        """Make a herd of exports and of scores.

        Parameters
        ----------
        plan : Plan with a ladder
        exports : of any devices
        scored : devices whose scores are at hand, each once
        count : counts the scores of a device as a ladder
        given : as `Herd`

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
        require(bool(ladders), "tune: no device in these inputs; give ladder exports, scores or recordings")
        return cls(plan, ladders, groups, scores, tuple(exports), given)

    @property
    def devices(self) -> list[Device]:
        """Devices in the order of the table: by number, then by name."""
        return sorted(self.ladders, key=lambda each: (isinstance(each, str), each))


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
    new = [device for device in herd.devices if herd.ladders[device].ticks == 0]
    served = [device for device in herd.devices if herd.ladders[device].ticks > 0] or new
    found: dict[Device, Certificate] = {
        device: choose(
            herd.ladders[device],
            parsed,
            confidence,
            plan=herd.plan,
            max_alarm_fraction=max_alarm_fraction,
            method=method,
        )
        for device in served
    }
    days = math.ceil(days_needed(0, parsed, confidence, method=method))
    found |= {device: Certificate("more days", None, None, None, days, 0, 0) for device in new}
    found = {device: found[device] for device in herd.devices}
    certified: dict[str, list[int]] = {}
    for device, each in found.items():
        if each.rung is not None:
            certified.setdefault(herd.groups[device], []).append(each.rung)
    rows = tuple(
        _row(herd, device, each, certified.get(herd.groups[device], []), parsed, max_alarm_fraction)
        for device, each in found.items()
    )
    return Tuned(herd, parsed, confidence, method, max_alarm_fraction, rows)


def _row(
    herd: Herd, device: Device, own: Certificate, certified: list[int], budget: Budget, max_alarm_fraction: float
) -> Row:
    rungs, ladder, group = rungs_of(herd.plan), herd.ladders[device], herd.groups[device]
    scores = herd.scores.get(device)
    typical = provisional_rung(certified) if certified else None
    if own.rung is not None:
        level, cause = level_of(rungs, own.rung), cause_of(scores, herd.plan, own.rung)
        fits = typical is None or own.rung <= typical
        return Row(device, group, own.status, level, own.rung, own.bound, 0, own.count, own.days, cause, fits)
    if own.status == "fails" or typical is None:
        top, level = rungs.n_rungs, herd.plan.levels.raise_score
        cause = cause_of(scores, herd.plan, top) if own.status == "fails" else None
        fits = own.status != "fails"
        missing = own.missing_days
        return Row(device, group, own.status, level, None, None, missing, own.count, own.days, cause, fits)
    counts = ladder.counts[typical]
    count, days = counted_in(rungs, counts, ladder.ticks, ladder.days, budget.unit)
    fits = (
        count < N_NEEDS
        and counts.ticks <= max_alarm_fraction * ladder.ticks
        and (days == 0 or count <= max(1, math.ceil(float(budget.rate) * days)))
    )
    level = level_of(rungs, typical)
    return Row(device, group, "provisional", level, typical, None, own.missing_days, count, days, None, fits)


def level_of(rungs: LadderPlan, rung: int) -> int:
    """Return the score of a rung."""
    return int(rungs.raise_scores[rung])
