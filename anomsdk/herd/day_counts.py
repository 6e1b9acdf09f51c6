"""Counts of the devices of a herd on one day, summed over the rows of its partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan
from anomsdk.datasets.schema import SCORE_ID_DIGITS, Facts, import_pyarrow, rung_column
from anomsdk.herd.levels import Levels
from anomsdk.herd.partitions import PartFile, files_of

HOT = ("device", "score_id", "ticks", "void_ticks", "coverage", "alarms", "alarm_ticks")
"""Columns that are read of every day."""
HOT_OF_THE_DAY = ("highest", "technical", "level_tag")
"""Columns that are also read of the day itself."""
_OF_EXPORTS = "boot"
"""Column that only rows gathered from exports have; a vendor's files may leave it out."""
IN_FORCE = -1
"""Own level tag of a device that is judged at the level in force on it."""

_DAY_S = 86_400

Ints = NDArray[np.int64]


class DeviceNames:
    """Names of devices, numbered in the order in which they are first met.

    Parameters
    ----------
    levels : own level of each device; None: all are judged at the level in force
    """

    def __init__(self, levels: Levels | None = None) -> None:
        self._pyarrow: Any = import_pyarrow("data set")
        import pyarrow.compute

        self._compute: Any = pyarrow.compute
        self._known: Any = self._pyarrow.array([], self._pyarrow.string())
        self._levels = {} if levels is None else levels.rows
        self._last: tuple[Any, Ints] | None = None
        self.names = list[str]()
        self.own: Ints = np.zeros(0, np.int64)
        """Level tag at which each device is judged, int64 (devices,): a rung's, or `IN_FORCE`."""
        self.tags = sorted({tag for tag, _ in self._levels.values() if tag})
        """Level tags of rungs at which a device may be judged."""

    def __len__(self) -> int:
        return len(self.names)

    def numbers(self, labels: Any) -> Ints:
        """Return the number of the device of each row, int64 (rows,).

        Parameters
        ----------
        labels : dictionary array of names
        """
        words, rows = labels.dictionary, labels.indices.to_numpy(zero_copy_only=False)
        if self._last is None or not words.equals(self._last[0]):
            self._last = words, self._numbers(words)
        return self._last[1][rows]

    def _numbers(self, words: Any) -> Ints:
        found = self._compute.index_in(words, value_set=self._known)
        if found.null_count:
            new = words.filter(found.is_null()).unique()
            self._known = self._pyarrow.concat_arrays([self._known, new])
            names = new.to_pylist()
            self.names += names
            tags = [self._levels.get(name, (0, ""))[0] or IN_FORCE for name in names]
            self.own = np.concatenate([self.own, np.array(tags, np.int64)])
            found = self._compute.index_in(words, value_set=self._known)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


@dataclass(eq=False)
class DayCounts:
    """Counts of a day, each of shape (devices,), in the order of `DeviceNames`; may be shorter than the names.

    Parameters
    ----------
    rows : rows of the device; 0: nothing was heard of it
    judged : judged ticks
    due : judged ticks that the time of its rows would have had, float64
    alarms, alarm_ticks : at the level at which the device is judged
    highest : highest score, log2 q8
    technical : technical alarms
    level_tag : largest level in force at the end of a row
    facts : facts about the plan, of the first file that has them; None: none has
    exported : rows were gathered from exports, which tell neither highest scores nor technical alarms
    """

    rows: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    judged: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    due: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    alarms: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    alarm_ticks: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    highest: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    technical: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    level_tag: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    facts: Facts | None = None
    exported: bool = False

    def grow(self, n: int) -> None:
        """Give every count ``n`` devices; new ones have 0."""
        for name, each in vars(self).items():
            if isinstance(each, np.ndarray) and len(each) < n:
                setattr(self, name, np.concatenate([each, np.zeros(n - len(each), each.dtype)]))

    @property
    def heard(self) -> NDArray[np.bool_]:
        """Devices with a row."""
        return self.rows > 0

    @property
    def in_alarm(self) -> NDArray[np.bool_]:
        """Devices with an alarm or a tick in alarm."""
        return (self.alarms > 0) | (self.alarm_ticks > 0)

    def coverage(self, day_ticks: float) -> NDArray[np.float64]:
        """Return the judged share of the day, 0 to 1: the smaller one of that of the rows and that of 24 hours."""
        of_rows = np.divide(self.judged, self.due, out=np.zeros(len(self.judged)), where=self.due > 0)
        return np.minimum(1.0, np.minimum(of_rows, self.judged / day_ticks))

    def animal_days(self, day_ticks: float) -> float:
        """Return the animal-days: 1 for a device with coverage of a half or more, else its days of service."""
        share = self.coverage(day_ticks)
        return float(np.where(share >= 0.5, 1.0, np.minimum(share, self.judged / day_ticks))[self.heard].sum())


def count_day(folders: Sequence[Path], devices: DeviceNames, plan: Plan, *, of_the_day: bool) -> DayCounts:
    """Sum the rows of one day by device; memory grows with the devices, not with the rows.

    Parameters
    ----------
    folders : of the day, one for each group
    devices : gets the names that are new
    plan : Plan of the data set
    of_the_day : also read `HOT_OF_THE_DAY`

    Raises
    ------
    InputError : a file cannot be read, lacks a column, or has a row that is wrong or of another score_id
    """
    counts = DayCounts()
    rungs = [rung_column(count, tag) for tag in devices.tags for count in ("alarms", "alarm_ticks")]
    needed = [*HOT, *(HOT_OF_THE_DAY if of_the_day else ()), *rungs]
    for path in files_of(folders):
        with PartFile(path) as file:
            counts.facts = counts.facts or file.facts
            accepted = accepted_score_ids(file.facts, plan)
            for row, batch in file.batches(needed, [_OF_EXPORTS] if of_the_day else []):
                if of_the_day and file.has(_OF_EXPORTS):
                    counts.exported |= batch.column(_OF_EXPORTS).null_count < batch.num_rows
                file.check_score_id(batch, row, accepted)
                _add(counts, file, batch, row, devices, of_the_day)
    counts.grow(len(devices))
    return counts


def accepted_score_ids(facts: Facts | None, plan: Plan) -> list[str]:
    """List the score_ids of rows that add up with those of a plan, that of the plan first.

    Where the plan was counted with another ladder than its own, such as the default one, the metadata of the file has
    the score_id.
    """
    found = [plan.score_id[:SCORE_ID_DIGITS]]
    if facts is not None and facts.plan == plan.id:
        found.append(facts.score_id[:SCORE_ID_DIGITS])
    return found


def ticks_of_a_day(facts: Facts | None, plan: Plan) -> float:
    """Return the judged ticks of a whole day of service, as the data set counts them, else as the plan does."""
    if facts is not None and facts.day_ticks:
        return facts.day_ticks + facts.day_rest_q16 / 65536
    if plan.ladder is not None:
        return plan.ladder.day_q16 / 65536
    duty = plan.duty
    ticks, samples = (1, plan.samples_per_tick) if duty is None else (plan.ticks_in(duty.on), duty.every)
    return _DAY_S * float(plan.rate_hz) * ticks / samples


def _add(counts: DayCounts, file: PartFile, batch: Any, row: int, devices: DeviceNames, of_the_day: bool) -> None:
    """Add the rows of a batch."""
    at = devices.numbers(file.labels(batch, "device", row))
    counts.grow(len(devices))
    columns = {name: file.counts(batch, name, row) for name in ("ticks", "void_ticks", "alarms", "alarm_ticks")}
    ticks, judged = columns["ticks"], columns["ticks"] - columns["void_ticks"]
    file.refuse(judged < 0, row, "has more void ticks than ticks")
    own = devices.own[at]
    for tag in devices.tags:
        theirs = own == tag
        for name in ("alarms", "alarm_ticks"):
            of_rung = file.counts(batch, rung_column(name, tag), row)
            columns[name][theirs] = of_rung[theirs]
    file.refuse(columns["alarm_ticks"] > ticks, row, "has more ticks in alarm than ticks")
    coverage = file.shares(batch, "coverage", row)
    due = np.where(coverage > 0, np.divide(judged, coverage, out=ticks.astype(np.float64), where=coverage > 0), ticks)
    n = len(counts.rows)
    counts.rows += np.bincount(at, minlength=n)
    for name, values in (
        ("judged", judged),
        ("due", due),
        ("alarms", columns["alarms"]),
        ("alarm_ticks", columns["alarm_ticks"]),
    ):
        _sum(getattr(counts, name), at, values)
    if of_the_day:
        _sum(counts.technical, at, file.counts(batch, "technical", row))
        for name in ("highest", "level_tag"):
            np.maximum.at(getattr(counts, name), at, file.counts(batch, name, row))


def _sum(into: NDArray[Any], at: Ints, values: NDArray[Any]) -> None:
    """Add values to the counts of their devices; sums stay far below 2**53, so that they are exact."""
    into += np.bincount(at, values, len(into)).astype(into.dtype)
