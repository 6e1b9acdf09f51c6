"""Diaries of a herd for some days: rows of any order, put at their slots of the wall clock.

A slot for which two rows come keeps the first one. On a day of 25 h one hour comes twice, on one of 23 h one is
missing.
A device with more than a few slots that have two different rows is two devices under one name, or one whose time went
back: it is told apart and not judged.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.days import MISSING, DaysPlan
from anomsdk.core.plan import DiarySensorPlan, Plan
from anomsdk.errors import InputError
from anomsdk.herd.days.tables import Batch, read_batches, table_files
from anomsdk.utils.slots import midnight_s, slot_of

MOST_DIFFERENT_S = 7200
"""Time for which a device may have two different rows for a slot: the hour of a clock that is put back, and more."""
LONGEST_BEFORE = 60
_ROOM = 1024


class Diaries:
    """Rows of many devices on one day and on days before it.

    Parameters
    ----------
    plan : Plan of a diary
    today : the last day
    before : number of days before it
    """

    def __init__(self, plan: Plan, today: date, before: int) -> None:
        self.plan, self.today, self.before = plan, today, before
        self.sensor, self.days = diary_of(plan)
        mature = self.days.profile.mature
        if not mature <= before <= LONGEST_BEFORE:
            raise InputError(
                f"days: `before={before}`; must be {mature} to {LONGEST_BEFORE} days, as the plan learns {mature} days"
            )
        self.slots, self.first = self.days.slots, today - timedelta(days=before)
        self.n_slots = (before + 1) * self.slots
        self.names: list[str] = []
        self._known: Any = None  # names, as an Arrow array; not all that are new
        self._latest: tuple[Any, NDArray[np.int64]] | None = None
        self._rows = np.zeros((0, self.n_slots, len(self.sensor.columns)), np.int16)
        self._different = np.zeros(0, np.int64)
        self.taken = 0
        """Rows that were read for these days, those for a slot that had one already included."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rows(self) -> NDArray[np.int16]:
        """Rows of the devices, (devices, slots of all days, columns), -32768: missing."""
        return self._rows[: len(self.names)]

    @property
    def is_unclear(self) -> NDArray[np.bool_]:
        """True for devices with two different rows for more slots than a change of the clock explains, (devices,)."""
        return self._different[: len(self.names)] > MOST_DIFFERENT_S // self.sensor.slot_s

    @property
    def n_different(self) -> NDArray[np.int64]:
        """Number of rows that differ from the first one for their slot, (devices,)."""
        return self._different[: len(self.names)]

    def add(self, batch: Batch) -> None:
        """Put rows at their slots; rows of other days and rows with a missing value are left out."""
        ids = self.ids(batch.names)[batch.codes]
        slot = slot_of(batch.times_s, midnight_s(self.first), self.sensor.slot_s)
        inside = (slot >= 0) & (slot < self.n_slots) & (batch.values != MISSING).all(axis=1)
        values = batch.values
        if not inside.all():
            ids, slot, values = ids[inside], slot[inside], values[inside]
        self.taken += len(ids)
        places = self._rows.reshape(-1, self._rows.shape[2])
        at = ids * self.n_slots + slot
        free = places[at, 0] == MISSING
        if free.all():
            places[at[::-1]] = values[::-1]  # the first of two stays
        else:
            places[at[free][::-1]] = values[free][::-1]
        different = (places[at] != values).any(axis=1)
        if different.any():
            self._different += np.bincount(ids[different], minlength=len(self._different))

    def fill(self, names: Any, rows: NDArray[np.int16]) -> None:
        """Put rows (devices, slots of all days, columns) where there are none yet."""
        ids = self.ids(names)
        here = self._rows[ids]
        self._rows[ids] = np.where(here == MISSING, rows, here)

    def ids(self, names: Any) -> NDArray[np.int64]:
        """Number devices, given as an Arrow array of strings; new ones get room."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._latest is not None and names.equals(self._latest[0]):
            return self._latest[1]
        if self._known is None or len(self._known) < len(self.names):
            self._known = pa.array(self.names, pa.string())
        found = np.asarray(pc.index_in(names, value_set=self._known).fill_null(-1)).astype(np.int64)
        new = np.flatnonzero(found < 0)
        found[new] = len(self.names) + np.arange(len(new))
        self.names += names.take(pa.array(new)).to_pylist()
        old = len(self._rows)
        if len(self.names) > old:
            room = max(_ROOM, len(self.names), old * 5 // 4)
            self._rows.resize((room, *self._rows.shape[1:]), refcheck=False)
            self._rows[old:] = MISSING
            self._different.resize(room, refcheck=False)
        self._latest = names, found
        return found

    def check(self, source: str) -> None:
        """Refuse a table of which nothing can be said.

        Raises
        ------
        InputError : no row is of these days, or rows come more often than slots
        """
        if not self.names or not self.taken:
            raise InputError(
                f"{source}: no row of {self.first} to {self.today} with all columns of the plan; check `today` and the "
                "column time"
            )
        if 2 * int(self.is_unclear.sum()) > len(self):
            raise InputError(
                f"{source}: most devices have different rows for one slot of {self.sensor.slot_s} s; sum rows to slots "
                "of the plan first"
            )


def diary_of(plan: Plan) -> tuple[DiarySensorPlan, DaysPlan]:
    """Return the sensor and the extractor of a plan for diaries.

    Raises
    ------
    InputError : the plan is for another sensor
    """
    if plan.days is None:
        raise InputError(f"days: plan {plan.name} takes {plan.sensor.kind}, not a diary; give a plan for days")
    return plan.days


def read_diaries(
    source: Path, plan: Plan, today: date, before: int, progress: Callable[[int, int], None] = lambda done, n: None
) -> Diaries:
    """Read the diaries of a herd.

    Parameters
    ----------
    source : folder of .parquet and .csv, or one of them
    plan : Plan of a diary
    today : the last day
    before : number of days before it
    progress : called with the number of files read and of all

    Raises
    ------
    InputError : see `read_batches` and `Diaries`
    """
    found = Diaries(plan, today, before)
    files = table_files(source)
    for index, batch in read_batches(files, [column.name for column in found.sensor.columns]):
        progress(index, len(files))
        found.add(batch)
    return found


def without_off_body(rows: NDArray[np.int16], off_body: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which slots count: they are there, and not in a run of nothing but 0.

    Parameters
    ----------
    rows : (devices, slots, judged columns)
    off_body : slots in a row with nothing but 0 that are off the body; 0: none are

    Returns
    -------
    counts, is_off_body : (devices, slots)
    """
    there = rows[:, :, 0] != MISSING
    off = np.zeros_like(there)
    zero = there & (rows == 0).all(axis=2)
    some = np.flatnonzero(zero.sum(axis=1) >= off_body) if off_body else np.zeros(0, np.int64)
    if len(some):
        ends = np.diff(np.pad(zero[some], ((0, 0), (1, 1))).view(np.int8), axis=1)
        (device, begin), end = np.nonzero(ends > 0), np.nonzero(ends < 0)[1]
        for each in np.flatnonzero(end - begin >= off_body).tolist():
            off[some[device[each]], begin[each] : end[each]] = True
    return there & ~off, off
