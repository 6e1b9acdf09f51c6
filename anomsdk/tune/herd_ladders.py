"""Ladders of a herd, column by column, and the walk of all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.ladder import N_NEEDS, LadderPlan, PromisePlan, RungCounts, Unit
from anomsdk.tune.ladders import MergedLadder

Ints = NDArray[np.int64]
Device = int | str

COUNTS = tuple(each.name for each in fields(RungCounts))
OF_UNIT = {Unit.ALARM: ("alarms",), Unit.ALARM_DAY: ("days",), Unit.EPISODE: ("episodes", "at_risk")}
"""Unit of a budget -> the counts of a rung that it asks for."""


class HerdLadders(Mapping[Device, MergedLadder]):
    """Ladders of many devices; a mapping from a device to its ladder, in the order of the table.

    Parameters
    ----------
    devices : by number, then by name
    score_tag, episode_gap : of all of them, as `MergedLadder`
    n_rungs : number of rungs
    ticks, days : int64 (devices,), of service
    counts : field of `RungCounts` -> uint32 or int64 (rungs, devices); those that were not read are missing, and 0 in a
        ladder
    """

    def __init__(
        self,
        devices: Iterable[Device],
        score_tag: bytes,
        episode_gap: int,
        n_rungs: int,
        ticks: Ints,
        days: Ints,
        counts: Mapping[str, NDArray[Any]],
    ) -> None:
        self._places = {device: place for place, device in enumerate(devices)}
        self.score_tag, self.episode_gap, self.n_rungs = score_tag, episode_gap, n_rungs
        self.ticks, self.days, self._counts = ticks, days, dict(counts)

    @classmethod
    def of(cls, ladders: Mapping[Device, MergedLadder]) -> HerdLadders:
        """Gather ladders of one score_id; at least one."""
        devices = in_table_order(ladders)
        found = [ladders[device] for device in devices]
        counts = {
            name: np.array([[getattr(each, name) for each in one.counts] for one in found], np.int64).T
            for name in COUNTS
        }
        ticks, days = (np.array([getattr(one, name) for one in found], np.int64) for name in ("ticks", "days"))
        first = found[0]
        return cls(devices, first.score_tag, first.episode_gap, len(first.counts), ticks, days, counts)

    def __getitem__(self, device: Device) -> MergedLadder:
        at = self._places[device]
        none = np.zeros((self.n_rungs, 1), np.int64)
        columns = [(self._counts[name][:, at] if name in self._counts else none[:, 0]).tolist() for name in COUNTS]
        counts = tuple(RungCounts(*each) for each in zip(*columns, strict=True))
        return MergedLadder(device, self.score_tag, int(self.ticks[at]), int(self.days[at]), self.episode_gap, counts)

    def has(self, name: str) -> bool:
        """Return True if a field of `RungCounts` was read."""
        return name in self._counts

    def count(self, name: str, rung: int | Ints) -> Ints:
        """Return a count of one rung, or of that of each device, int64 (devices,).

        Parameters
        ----------
        name : field of `RungCounts` that was read
        rung : index of the rung, for all or (devices,)
        """
        counts = self._counts[name]
        found = counts[rung] if isinstance(rung, int) else counts[rung, np.arange(len(self))]
        return found.astype(np.int64)

    def __iter__(self) -> Iterator[Device]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def in_table_order(devices: Iterable[Device]) -> list[Device]:
    """Sort devices as a table has them: by number, then by name."""
    return sorted(devices, key=lambda each: (isinstance(each, str), each))


@dataclass(frozen=True, eq=False)
class Choices:
    """Results of the walks of many devices, as `anomsdk.core.ladder.Choice` has that of one.

    Parameters
    ----------
    rungs : int64 (devices,), index of the lowest rung that keeps the promise; -1: none does
    days : int64 (devices,), days that the highest rung is still to be watched; 0: a rung was chosen, or it has failed
    counted, among : int64 (devices,), what the chosen rung counted in the unit of the budget, or else the highest one,
        and the ticks (alarms) or days among which it did
    """

    rungs: Ints
    days: Ints
    counted: Ints
    among: Ints


def walk_all(rungs: LadderPlan, promise: PromisePlan, ladders: HerdLadders) -> Choices:
    """Walk down the rungs of each device; the integers are those of `anomsdk.core.ladder.walk`.

    Parameters
    ----------
    rungs, promise : as `anomsdk.core.ladder.walk`
    ladders : with the counts of `OF_UNIT` and the ticks in alarm
    """
    unit, n = Unit(promise.unit), len(ladders)
    needs = promise.needs.astype(np.int64)
    chosen, walking = np.full(n, -1), np.ones(n, bool)
    for rung in range(rungs.n_rungs - 1, -1, -1):
        missing = _missing(needs, promise, ladders, unit, rung)
        walking &= missing == 0
        chosen[walking] = rung
        if rung == rungs.n_rungs - 1:
            of_highest = missing
        if not walking.any():
            break
    length = rungs.day_ticks if unit == Unit.ALARM else 1
    days = np.where((chosen < 0) & (of_highest > 0), -(-of_highest // length), 0)
    return Choices(chosen, days, *counted_at(ladders, np.where(chosen < 0, rungs.n_rungs - 1, chosen), unit))


def counted_at(ladders: HerdLadders, rung: int | Ints, unit: Unit) -> tuple[Ints, Ints]:
    """Return what a rung, or that of each device, counted in a unit, and among how many ticks (alarms) or days.

    Parameters
    ----------
    ladders : with the counts of `OF_UNIT`
    rung : index of the rung, for all or (devices,)
    unit : of a budget
    """
    count, *risk = (ladders.count(name, rung) for name in OF_UNIT[unit])
    if risk:
        return count, risk[0]
    return count, ladders.ticks if unit == Unit.ALARM else ladders.days


def in_days(among: int, rungs: LadderPlan, unit: Unit) -> float:
    """Convert what `counted_at` counts among to days of service."""
    return among * 65536 / rungs.day_q16 if unit == Unit.ALARM else among


def _missing(needs: Ints, promise: PromisePlan, ladders: HerdLadders, unit: Unit, rung: int) -> Ints:
    """Compute what a rung is still to be watched: 0: it passes; -1: it fails."""
    count, watched = counted_at(ladders, rung, unit)
    failed = (count >= N_NEEDS) | (ladders.count("ticks", rung) << 16 > promise.most_in_alarm_q16 * ladders.ticks)
    return np.where(failed, -1, np.maximum(0, needs[np.minimum(count, N_NEEDS - 1)] - watched))
