"""Calendar days of a herd: how many devices were in service and in alarm on each.

A device counts on a calendar day once its service since the day it counted on before makes a day of service. It counts
as in alarm if it was so at any time of that service. So ten quiet minutes a day are not a day without an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.export import Export
from anomsdk.core.ladder import LadderPlan
from anomsdk.datasets.places import Places
from anomsdk.datasets.reading import batches
from anomsdk.datasets.schema import rung_column
from anomsdk.errors import InputError
from anomsdk.tune.certificates import rungs_of
from anomsdk.tune.data_sets import COLUMN_OF, DataSetLadders
from anomsdk.tune.exports import FiledExport
from anomsdk.tune.herd import Herd
from anomsdk.tune.herd_ladders import Device

Flags = NDArray[np.int64]


class CalendarDays:
    """Devices in service and in alarm on each calendar day.

    Parameters
    ----------
    herd : herd of exports with calendar days, or of data sets
    rung : index of the only rung of interest, which saves time; None: all. The alarms of others are 0 then

    Raises
    ------
    InputError : an export without a day, or no day on which it is known what was counted
    """

    def __init__(self, herd: Herd, rung: int | None = None) -> None:
        rungs = rungs_of(herd.plan)
        if herd.data is not None and not herd.exports and not herd.scores:
            found = _of_data(herd.data, range(rungs.n_rungs) if rung is None else [rung], rungs)
        else:
            found = _of_exports(herd, rungs)
        require(
            bool(found[0]),
            "`pooled`: no input tells of a whole day of service by its calendar day; give the exports of two days or "
            "more, differences, or a data set of recordings that tell their time",
        )
        self.days: list[date] = found[0]
        self.devices: Flags = found[1]
        """(days,), devices in service."""
        self.alarms: Flags = found[2]
        """(days, rungs), devices in alarm."""

    @classmethod
    def known(cls, herd: Herd, rung: int | None = None) -> CalendarDays | None:
        """Return the calendar days of a herd, for one rung or all; None where its inputs do not tell them."""
        try:
            return cls(herd, rung)
        except InputError:
            return None

    def shares(self, rung: int) -> NDArray[np.float64]:
        """Return the share of devices in alarm on each day."""
        return self.alarms[:, rung] / self.devices


def _of_exports(herd: Herd, rungs: LadderPlan) -> tuple[list[date], Flags, Flags]:
    """Return the calendar days of exports, devices in service, and devices in alarm (days, rungs)."""
    undated = [each.name for each in herd.exports if each.day is None]
    require(
        bool(herd.exports) and not undated and not herd.scores and herd.data is None,
        (f"{undated[0]}: " if undated else "") + "`pooled` and `independent` count calendar days; give a data set, or "
        "ladder exports in folders such as day=2026-05-31",
    )
    seen = _whole_days(_observed(herd.exports, rungs.day_ticks + 1), rungs.day_ticks)
    days = sorted(seen)
    devices = np.array([len(seen[day]) for day in days])
    return days, devices, np.array([sum(seen[day].values()) for day in days]).reshape(len(days), -1)


def _of_data(data: DataSetLadders, of_interest: Sequence[int], rungs: LadderPlan) -> tuple[list[date], Flags, Flags]:
    """Return the calendar days of data sets, devices in service, and devices in alarm (days, rungs)."""
    n, places = len(data.ladders), Places(map(str, data.ladders))
    ticks = np.zeros(n, np.int64)
    waiting = np.zeros((rungs.n_rungs, n), bool)
    columns = ["device", "service_ticks", *(rung_column(COLUMN_OF["ticks"], rung + 1) for rung in of_interest)]
    days, devices, alarms = list[date](), list[int](), list[Flags]()
    for day, files in groupby((file for file in data.files if file.day), key=lambda file: file.day):
        served = np.zeros(n, bool)
        for file in files:
            for batch in batches(file.path, columns):
                at = places.of(batch[0])
                rows = np.flatnonzero(at >= 0)
                np.add.at(ticks, at[rows], batch[1].fill_null(0).to_numpy().astype(np.int64)[rows])
                served[at[rows]] = True
                for rung, column in zip(of_interest, batch[2:], strict=True):
                    alarmed = column.fill_null(0).to_numpy() > 0
                    waiting[rung, at[rows[alarmed[rows]]]] = True
        whole = np.flatnonzero(served & (ticks >= rungs.day_ticks))
        if len(whole):
            days.append(date.fromisoformat(day))
            devices.append(len(whole))
            alarms.append(waiting[:, whole].sum(axis=1))
            ticks[whole] %= rungs.day_ticks
            waiting[:, whole] = False
    return days, np.array(devices, np.int64), np.array(alarms, np.int64).reshape(len(days), rungs.n_rungs)


def _observed(exports: Sequence[FiledExport], day_ticks: int) -> list[tuple[Export, int, date]]:
    """Return what each device counted by each calendar day since its export before, and the ticks that are new in it.

    An export from the first tick that has none before it is used only if it is no longer than a day. What a device
    counted over several calendar days, for want of an export, counts on the last of them. Service that was read before
    counts on the day of the first reading.
    """
    found = list[tuple[Export, int, date]]()
    before: dict[tuple[int, int], Export] = {}
    reached: dict[tuple[int, int], int] = {}
    dated = sorted((each.day or date.min, each.export.last, -each.export.first, each.name, each) for each in exports)
    for day, *_, each in dated:
        export = each.export
        life = export.device, export.boot
        part = export
        known = reached.get(life, 0)
        reached[life] = max(known, export.last)
        if export.first == 0:
            earlier = before.get(life)
            before[life] = export
            if earlier is not None:
                part = export.since(earlier)
            elif export.ticks > day_ticks:
                continue
        new = part.last - max(part.first, known)
        if new > 0:
            found.append((part, new, day))
    return found


def _whole_days(
    observed: Sequence[tuple[Export, int, date]], day_ticks: int
) -> dict[date, dict[Device, NDArray[np.bool_]]]:
    """Return for each calendar day, and each device that counts on it, which rungs were in alarm."""
    found: dict[date, dict[Device, NDArray[np.bool_]]] = {}
    waiting: dict[Device, tuple[int, NDArray[np.bool_]]] = {}
    for export, ticks, day in observed:
        alarm = np.array([counts.ticks > 0 for counts in export.counts])
        of_day = found.setdefault(day, {})
        if export.device in of_day:
            of_day[export.device] |= alarm
        else:
            before, alarmed = waiting.get(export.device, (0, np.zeros_like(alarm)))
            ticks, alarm = before + ticks, alarmed | alarm
            if ticks >= day_ticks:
                of_day[export.device] = alarm
                ticks, alarm = ticks % day_ticks, np.zeros_like(alarm)
            waiting[export.device] = ticks, alarm
    return {day: of_day for day, of_day in found.items() if of_day}
