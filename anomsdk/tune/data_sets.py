"""Ladders of data sets: their device days, added up by device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.export import MAX_DEVICE
from anomsdk.core.ladder import LadderPlan, Unit
from anomsdk.core.plan import Plan
from anomsdk.datasets.places import Places
from anomsdk.datasets.reading import DayFile, batches, check_once, day_files, facts_of
from anomsdk.datasets.schema import SCORE_ID_DIGITS, rung_column
from anomsdk.datasets.sums import DeviceSums, add_up
from anomsdk.errors import InputError
from anomsdk.runtime.parallel import checked_jobs
from anomsdk.tune.certificates import rungs_of, score_tag_of
from anomsdk.tune.herd_ladders import OF_UNIT, Device, HerdLadders, Ints, in_table_order
from anomsdk.utils.text import counted

COLUMN_OF = {"ticks": "alarm_ticks", "alarms": "alarms", "days": "alarm_days"}
"""Field of `RungCounts` -> its column in a data set, where the names differ or the field has an own meaning there."""

_THREADS = 2
"""Most threads that add up: each has sums of its own in memory."""

AddUp = Callable[[Sequence[DayFile], Sequence[str], str], DeviceSums]
"""Function that adds up columns of files under a score_id, here or on a cluster."""


@dataclass(frozen=True, eq=False)
class DataSetLadders:
    """Ladders of the devices of data sets.

    Parameters
    ----------
    files : of the data sets, in the order of their days
    ladders : of the devices
    groups : device -> its group; empty: none
    rows : number of device days
    left_out : number of rows that were left out, as they cannot be right
    devices_out : number of devices that were left out with such rows, or with rows that overlap
    """

    files: tuple[DayFile, ...]
    ladders: HerdLadders
    groups: dict[Device, str]
    rows: int
    left_out: int
    devices_out: int


def read_data_sets(
    plan: Plan,
    paths: Sequence[Path],
    unit: Unit,
    *,
    skip_bad: bool = False,
    on_bad: Callable[[str], None] | None = None,
    add: AddUp | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DataSetLadders:
    """Add up the device days of data sets by device.

    Parameters
    ----------
    plan : Plan with a ladder
    paths : folders of data sets, or files of them
    unit : of the budget; only its counts are read, and the ticks in alarm
    skip_bad : leave out rows that cannot be right, with all others of their devices
    on_bad : called with one line for each file with such rows
    add : adds up somewhere else; None: in this process
    progress : called with the number of files that were read, and of all

    Raises
    ------
    InputError : as `add_up` and `check_once`, no file, or a data set that was scored without a ladder
    """
    files = tuple(sorted(file for path in paths for file in day_files(path)))
    check_once(files)
    rungs = rungs_of(plan)
    _check_facts(files[0], plan, rungs)
    names = ["ticks", *OF_UNIT[unit]]
    columns = [rung_column(COLUMN_OF.get(name, name), tag) for name in names for tag in range(1, rungs.n_rungs + 1)]
    if add is None:
        jobs = min(_THREADS, checked_jobs(None))
        sums = add_up(files, columns, plan.score_id, skip_bad=skip_bad, jobs=jobs, progress=progress)
    else:
        sums = add(files, columns, plan.score_id)
    mixed = sums.of_two_kinds()
    if mixed and not skip_bad:
        raise InputError(next(iter(mixed.values())))
    sums.doubtful.update({name: sums.doubtful.get(name) or why for name, why in mixed.items()})
    bad = (f"{line}; all rows of its device are left out, as alarms may be missing" for line in sums.tally.bad)
    for line in (*bad, *(f"{line}; its rows are left out" for line in sums.doubtful.values() if line)):
        if on_bad is not None:
            on_bad(line)
    ladders, groups = _ladders(sums, plan, rungs, names)
    require(bool(ladders), f"{files[0].name}: no row of this data set can be used; score the recordings again")
    return DataSetLadders(files, ladders, groups, sums.tally.rows, sums.tally.left_out, len(sums.doubtful))


def _ladders(
    sums: DeviceSums, plan: Plan, rungs: LadderPlan, names: Sequence[str]
) -> tuple[HerdLadders, dict[Device, str]]:
    names_of = enumerate(sums.devices.to_pylist())
    place = {_device(name): at for at, name in names_of if name not in sums.doubtful}
    ordered = in_table_order(place)
    order = [place[device] for device in ordered]
    values = sums.values if order == list(range(len(sums.devices))) else sums.values[:, order]
    counts = {name: values[2 + at * rungs.n_rungs : 2 + (at + 1) * rungs.n_rungs] for at, name in enumerate(names)}
    tag = score_tag_of(plan)
    ticks, days = values[:2].astype(np.int64)
    ladders = HerdLadders(ordered, tag, rungs.episode_gap, rungs.n_rungs, ticks, days, counts)
    return ladders, {device: sums.groups[place[device]] for device in ordered}


def _device(name: str) -> Device:
    """Return the number of a device whose name is one, as exports have it."""
    is_number = name.isascii() and name.isdecimal() and len(name) <= len(str(MAX_DEVICE)) and str(int(name)) == name
    return int(name) if is_number else name


def _check_facts(file: DayFile, plan: Plan, rungs: LadderPlan) -> None:
    """Refuse a data set without a ladder, or of other rungs, by what its first file says about itself."""
    facts = facts_of(file.path)
    if facts is None:
        return
    if facts.n_rungs == 0:
        raise InputError(
            f"{file.name}: was scored without a ladder, so nothing counts alarms at other levels; add [ladder] to the "
            "spec, plan and score again"
        )
    if facts.score_id[:SCORE_ID_DIGITS] != plan.score_id[:SCORE_ID_DIGITS]:
        raise InputError(
            f"{file.name}: its ladders are of plan {facts.name}, score_id {facts.score_id[:SCORE_ID_DIGITS]}, and that "
            f"of plan {plan.name} is {plan.score_id[:SCORE_ID_DIGITS]}; give the plan that these devices run"
        )
    assert facts.n_rungs == rungs.n_rungs


def rung_counts(data: DataSetLadders, count: str, rung: int) -> Ints:
    """Add up one more count of a rung by device, in the order of the ladders; int64 (devices,).

    Parameters
    ----------
    data : data sets that were read
    count : field of `anomsdk.core.ladder.RungCounts`
    rung : index of the rung
    """
    places, found = Places(map(str, data.ladders)), np.zeros(len(data.ladders), np.int64)
    column = rung_column(COLUMN_OF.get(count, count), rung + 1)
    for file in data.files:
        for names, values in batches(file.path, ["device", column]):
            at = places.of(names)
            np.add.at(found, at[at >= 0], values.fill_null(0).to_numpy().astype(np.int64)[at >= 0])
    return found


def left_out_words(ladders: DataSetLadders) -> str:
    """Say how many rows and devices were left out; empty: none."""
    rows, devices = ladders.left_out, ladders.devices_out
    found = [f"{counted(rows, 'row')} of {ladders.rows + rows:,} left out"] if rows else []
    if devices:
        whose = "its" if devices == 1 else "their"
        found.append(f"{counted(devices, 'device')} left out as a whole, as {whose} counts may lack alarms")
    return "; ".join(found)
