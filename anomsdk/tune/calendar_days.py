"""Calendar days of a herd: how many devices were in service and in alarm on each.

A device counts on a calendar day once its service since the day it counted on before makes a day of service. It counts
as in alarm if it was so at any time of that service. So ten quiet minutes a day are not a day without an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.ladder import LadderPlan
from anomsdk.datasets.day_exports import DayExports
from anomsdk.datasets.export_files import ExportNames, export_dtype
from anomsdk.datasets.ladder_lives import LadderLives
from anomsdk.datasets.places import Places
from anomsdk.datasets.reading import batches
from anomsdk.datasets.schema import rung_column
from anomsdk.errors import InputError
from anomsdk.tune.certificates import rungs_of
from anomsdk.tune.data_sets import COLUMN_OF, DataSetLadders
from anomsdk.tune.exports import FiledExport
from anomsdk.tune.herd import Herd

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
    places = {str(device): place for place, device in enumerate(herd.ladders)}
    counting, lives = _Counting(len(places), rungs, range(rungs.n_rungs)), LadderLives(rungs.n_rungs)
    for day, filed in groupby(sorted(herd.exports, key=lambda each: each.day or date.min), key=lambda each: each.day):
        rows = lives.take(_arrays(list(filed), rungs.n_rungs), _refuse)
        at = np.array([places[str(device)] for device in rows.device.tolist()], np.int64)
        counting.add(at, rows.first, rows.ticks, [rows.counts[:, 1 + 5 * rung] for rung in range(rungs.n_rungs)])
        assert day is not None
        counting.end(day)
    return counting.found()


def _arrays(filed: Sequence[FiledExport], n_rungs: int) -> DayExports:
    """Make arrays of the exports of a day."""
    exports = np.frombuffer(b"".join(bytes(each.export) for each in filed), export_dtype(n_rungs))
    n = len(exports)
    names = ExportNames([each.name for each in filed], np.ones(n, np.int64), np.arange(n))
    return DayExports(exports, names, np.zeros(n, np.int32))


def _refuse(line: str) -> None:
    raise InputError(line)


def _of_data(data: DataSetLadders, of_interest: Sequence[int], rungs: LadderPlan) -> tuple[list[date], Flags, Flags]:
    """Return the calendar days of data sets, devices in service, and devices in alarm (days, rungs)."""
    places = Places(map(str, data.ladders))
    counting = _Counting(len(data.ladders), rungs, of_interest)
    names = ["first", "service_ticks", *(rung_column(COLUMN_OF["ticks"], rung + 1) for rung in of_interest)]
    for day, files in groupby((file for file in data.files if file.day), key=lambda file: file.day):
        for file in files:
            for labels, *columns in batches(file.path, ["device", *names]):
                at = places.of(labels)
                known = at >= 0
                first, ticks, *alarms = (column.fill_null(0).to_numpy()[known] for column in columns)
                counting.add(at[known], first, ticks, alarms)
        counting.end(date.fromisoformat(day))
    return counting.found()


class _Counting:
    """Calendar days that are counted one after the other.

    Service of unknown days counts on none: that of a ladder whose first export covers more than a day.

    Parameters
    ----------
    n : number of devices
    rungs : LadderPlan
    of_interest : indices of the rungs whose alarms are counted
    """

    def __init__(self, n: int, rungs: LadderPlan, of_interest: Sequence[int]) -> None:
        self._rungs, self._of_interest = rungs, of_interest
        self._ticks, self._waiting = np.zeros(n, np.int64), np.zeros((rungs.n_rungs, n), bool)
        self._served = np.zeros(n, bool)
        self._days, self._devices, self._alarms = list[date](), list[int](), list[Flags]()

    def add(self, places: Flags, first: Any, ticks: Any, alarm_ticks: Sequence[Any]) -> None:
        """Add rows of a day.

        Parameters
        ----------
        places : int64 (rows,), of their devices
        first, ticks : (rows,), ticks of service before each row, and in it
        alarm_ticks : (rows,) of each rung of interest, ticks in alarm
        """
        rows = np.flatnonzero((first != 0) | (ticks <= self._rungs.day_ticks + 1))
        at = places[rows]
        np.add.at(self._ticks, at, ticks[rows].astype(np.int64))
        self._served[at] = True
        for rung, alarmed in zip(self._of_interest, alarm_ticks, strict=True):
            self._waiting[rung, at[alarmed[rows] > 0]] = True

    def end(self, day: date) -> None:
        """End a day: devices that served for a day of service count on it."""
        whole = np.flatnonzero(self._served & (self._ticks >= self._rungs.day_ticks))
        if len(whole):
            self._days.append(day)
            self._devices.append(len(whole))
            self._alarms.append(self._waiting[:, whole].sum(axis=1))
            self._ticks[whole] %= self._rungs.day_ticks
            self._waiting[:, whole] = False
        self._served[:] = False

    def found(self) -> tuple[list[date], Flags, Flags]:
        """Return the days, devices in service, and devices in alarm (days, rungs)."""
        alarms = np.array(self._alarms, np.int64).reshape(len(self._days), self._rungs.n_rungs)
        return self._days, np.array(self._devices, np.int64), alarms
