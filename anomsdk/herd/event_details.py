"""Details that the events of a day tell of single devices: when the alarm was raised, and which faults there were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.event import Event
from anomsdk.errors import InputError, quoted
from anomsdk.herd.day_counts import IN_FORCE, DeviceNames
from anomsdk.herd.partitions import PartFile, files_of

COLUMNS = ("device", "start", "stop", "tick_s", "ticks", "gaps", "events")
"""Columns that are read of the devices that are looked at; all but the first may be missing in a vendor's files."""


@dataclass
class Details:
    """Events of one device on one day.

    Parameters
    ----------
    raised_us : time of the first raise in microseconds since 1970; None: the events do not tell
    conditions : word of a technical condition -> how often it was raised, in the order in which they first were
    """

    raised_us: int | None = None
    conditions: dict[str, int] = field(default_factory=dict)


def read_details(folders: Sequence[Path], devices: DeviceNames, wanted: NDArray[np.bool_]) -> dict[int, Details]:
    """Read the events of some devices.

    Parameters
    ----------
    folders : of the day, one for each group
    devices : names of all devices
    wanted : (devices,), those whose events are read

    Returns
    -------
    number of the device -> details, for devices with events

    Raises
    ------
    InputError : a file is damaged, or its bytes are no events
    """
    found = dict[int, Details]()
    if not wanted.any():
        return found
    for path in files_of(folders):
        with PartFile(path) as file:
            if not (file.has("events") and file.has("ticks")):
                continue
            for row, batch in file.batches(COLUMNS[:1], COLUMNS[1:]):
                numbers = devices.numbers(file.labels(batch, "device", row))
                chosen = np.flatnonzero(wanted[numbers])
                for number, values in zip(numbers[chosen], _rows(batch, chosen), strict=True):
                    _take(found.setdefault(int(number), Details()), values, int(devices.own[number]), file.where)
    return found


def _take(details: Details, row: dict[str, Any], own: int, where: str) -> None:
    for each in row["events"] or ():
        device = quoted(row["device"])
        try:
            tick, event = int(each["tick"]), Event.from_bytes(each["event"])
        except InputError as error:
            raise InputError(f"{where}: device {device}: {error}; write the file again with score") from None
        except (TypeError, KeyError):
            raise InputError(
                f"{where}: device {device}: its events are no pairs of tick and event; see the schema of data sets"
            ) from None
        condition = event.condition
        if condition is not None and event.active:
            details.conditions[condition.word] = details.conditions.get(condition.word, 0) + 1
        if event.raised and own in (IN_FORCE, event.level_tag):
            at = _time_us(row, tick)
            if at is not None and (details.raised_us is None or at < details.raised_us):
                details.raised_us = at


def _time_us(row: dict[str, Any], tick: int) -> int | None:
    """Return the end of a tick in microseconds since 1970.

    Time that is missing in the row is put where its gaps are, in proportion to their samples, so that the time is exact
    with one gap or none.
    """
    start, stop, ticks, tick_s = (row.get(name) for name in ("start", "stop", "ticks", "tick_s"))
    if start is None or stop is None or not ticks or not tick_s:
        return None
    done = min(tick + 1, ticks)
    missing = stop - start - round(ticks * tick_s * 1e6)
    gaps = [(each["tick"], each["samples"]) for each in row.get("gaps") or ()]
    total = sum(samples for _, samples in gaps)
    if total <= 0 or missing <= 0:
        return int(start + (stop - start) * done // ticks)
    before = sum(samples for at, samples in gaps if at <= tick)
    return int(start + round(done * tick_s * 1e6) + missing * before // total)


def _rows(batch: Any, chosen: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return the chosen rows of a batch, with times as microseconds since 1970."""
    import pyarrow

    taken = batch.take(pyarrow.array(chosen))
    columns = {}
    for name in taken.schema.names:
        column = taken.column(name)
        if name in ("start", "stop"):
            if not pyarrow.types.is_timestamp(column.type):
                continue
            column = column.cast(pyarrow.timestamp("us", "UTC"), safe=False).cast(pyarrow.int64())
        columns[name] = column.to_pylist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
