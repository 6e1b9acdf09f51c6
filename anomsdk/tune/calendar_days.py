"""Calendar days of a herd: how many devices were in service and in alarm on each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.export import Export
from anomsdk.errors import InputError
from anomsdk.tune.certificates import rungs_of
from anomsdk.tune.exports import FiledExport
from anomsdk.tune.herd import Device, Herd

Flags = NDArray[np.int64]


class CalendarDays:
    """Devices in service and in alarm on each calendar day.

    Parameters
    ----------
    herd : herd of exports with calendar days

    Raises
    ------
    InputError : an export without a day, or no day on which it is known what was counted
    """

    def __init__(self, herd: Herd) -> None:
        rungs = rungs_of(herd.plan)
        undated = [each.name for each in herd.exports if each.day is None]
        require(
            bool(herd.exports) and not undated and not herd.scores,
            (f"{undated[0]}: " if undated else "") + "`pooled` and `independent` count calendar days; give ladder "
            "exports in folders such as day=2026-05-31",
        )
        seen: dict[date, dict[Device, NDArray[np.bool_]]] = {}
        for export, day in _observed(herd.exports, rungs.day_ticks + 1):
            alarm = np.array([counts.ticks > 0 for counts in export.counts])
            of_day = seen.setdefault(day, {})
            of_day[export.device] = of_day.get(export.device, np.zeros_like(alarm)) | alarm
        require(
            bool(seen),
            "`pooled`: no export tells of one calendar day; give the exports of two days or more, or differences",
        )
        self.days = sorted(seen)
        self.devices: Flags = np.array([len(seen[day]) for day in self.days])
        """(days,), devices in service."""
        self.alarms: Flags = np.array([sum(seen[day].values()) for day in self.days]).reshape(len(self.days), -1)
        """(days, rungs), devices in alarm."""

    @classmethod
    def known(cls, herd: Herd) -> CalendarDays | None:
        """Return the calendar days of a herd; None where its exports do not tell them."""
        try:
            return cls(herd)
        except InputError:
            return None

    def shares(self, rung: int) -> NDArray[np.float64]:
        """Return the share of devices in alarm on each day."""
        return self.alarms[:, rung] / self.devices


def _observed(exports: Sequence[FiledExport], day_ticks: int) -> list[tuple[Export, date]]:
    """Return what each device counted by each calendar day since its export before.

    An export from the first tick that has none before it is used only if it is no longer than a day. What a device
    counted over several calendar days, for want of an export, counts on the last of them.
    """
    found = list[tuple[Export, date]]()
    before: dict[tuple[int, int], Export] = {}
    dated = sorted((each.day or date.min, each.export.last, -each.export.first, each.name, each) for each in exports)
    for day, *_, each in dated:
        export = each.export
        life = export.device, export.boot
        part = export
        if export.first == 0:
            earlier = before.get(life)
            before[life] = export
            if earlier is not None:
                part = export.since(earlier)
            elif export.ticks > day_ticks:
                continue
        if part.ticks:
            found.append((part, day))
    return found
