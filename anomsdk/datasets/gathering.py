"""Exports of the ladders of a herd as a data set: day by day, in memory that grows with the devices."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anomsdk.core.ladder import LadderPlan
from anomsdk.core.plan import Plan
from anomsdk.datasets.commits import DataSet, Stamp
from anomsdk.datasets.day_exports import DayExports
from anomsdk.datasets.export_files import ExportFolder, export_folders, read_exports
from anomsdk.datasets.gathered_rows import gathered_table
from anomsdk.datasets.ladder_lives import LadderLives
from anomsdk.datasets.life_journal import LifeJournal
from anomsdk.datasets.packed_arrays import packed, read_packed
from anomsdk.datasets.parts import Part, PartWriter, write_pending
from anomsdk.datasets.schema import SCORE_ID_DIGITS, Facts, import_pyarrow
from anomsdk.errors import InputError, UnusableInputsError, printable
from anomsdk.runtime.blocks import NO_LADDER, checked_plan
from anomsdk.utils.text import counted

_EVERY_S = 30.0
"""Seconds after which the days that are done are committed."""
_NAMED_BY = "exported number"


@dataclass(frozen=True)
class Gathered:
    """Account of a run.

    Parameters
    ----------
    devices, device_days, days, files : numbers of devices, rows and days that were written, and of the files
    days_before : days that an earlier run has gathered
    left_out : lines on files and devices that were left out
    """

    devices: int
    device_days: int
    days: int
    files: int
    days_before: int
    left_out: int

    def __str__(self) -> str:
        rows = f"{counted(self.devices, 'device')}, {counted(self.device_days, 'device day')}"
        before = f"; {counted(self.days_before, 'day')} done before" if self.days_before else ""
        without = f"; {self.left_out:,} left out" if self.left_out else ""
        return f"{rows} of {counted(self.days, 'day')} in {counted(self.files, 'file')}{before}{without}"


def gather_into(
    plan: Plan,
    sources: Sequence[str | Path],
    out: Path,
    *,
    on_bad: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Gathered:
    """Add what the exports of devices tell to a data set, day by day.

    A row holds what a device and boot counted since its exports of earlier days. A later run goes on with later days.

    Parameters
    ----------
    plan : Plan with a ladder, that the devices run
    sources : .ladder files, and folders with such files in folders ``day=YYYY-MM-DD``
    out : folder of the data set, which may be there from an earlier run
    on_bad : called with one line for each file and export that cannot be read, and for each device whose exports
        contradict one another; these exports are left out. By default they are an error, and their day is not written
    progress : called with the bytes that were read, and those to read

    Raises
    ------
    InputError : a plan without a ladder, an export of another score_id, a folder that has changed since it was
        gathered, exports that cannot be used, or a data set that cannot be written
    """
    checked_plan(plan)
    import_pyarrow(printable(out))
    if plan.ladder is None:
        raise InputError(NO_LADDER.format(plan.name))
    facts = Facts.of(plan, plan, "none")
    settings = {"plan": plan.id, "score_id": facts.score_id, "scores": "none", "go_on": False, "group": _NAMED_BY}
    bad = list[str]()
    days = list(export_folders(sources, bad.append))
    with DataSet(out, settings).opened() as data_set:
        run = _Run(plan, plan.ladder, facts, data_set, skip_bad=on_bad is not None)
        run.left_out(bad)
        to_do = run.to_do(days)
        total = sum(stamp[0] for _, folders in to_do for _, stamp in folders)
        for day, folders in to_do:
            run.take(day, folders)
            progress(min(run.bytes, total), max(total, 1))
        run.commit()
        if run.bad and not (run.days or data_set.inputs):
            raise UnusableInputsError(run.bad)
        for line in run.bad:
            assert on_bad is not None
            on_bad(line)
        return Gathered(len(run.devices), run.rows, run.days, run.files, len(days) - len(to_do), len(run.bad))


class _Run:
    """Gathering of days into a data set, with those that are not committed yet."""

    def __init__(self, plan: Plan, ladder: LadderPlan, facts: Facts, data_set: DataSet, *, skip_bad: bool) -> None:
        self._plan, self._ladder, self._facts, self._data_set, self._skip_bad = plan, ladder, facts, data_set, skip_bad
        self._writer = PartWriter(data_set.folder, facts, data_set.number)
        journal = LifeJournal([data_set.folder / part.name for part in data_set.kept])
        self._lives = LadderLives(ladder.n_rungs, journal)
        self._groups, self._last_day = list[str](), ""
        if data_set.state is not None:
            self._restore(data_set.folder / data_set.state.name)
        self._inputs: dict[str, Stamp] = {}
        self._parts = list[Part]()
        self._since = time.monotonic()
        self.bad = list[str]()
        self.devices = set[int]()
        self.rows = self.days = self.files = self.bytes = 0

    def left_out(self, lines: Sequence[str], *, day_taken: bool = False) -> None:
        """Take note of what cannot be used, or refuse it; ``day_taken``: the lives hold a day that is not written."""
        if lines and not self._skip_bad:
            if not day_taken:
                self.commit()
            raise UnusableInputsError(lines, skippable=True)
        self.bad += lines

    def to_do(
        self, days: Sequence[tuple[str, list[ExportFolder]]]
    ) -> list[tuple[str, list[tuple[ExportFolder, Stamp]]]]:
        """Return the days and folders that no earlier run has gathered; refuse those that have changed since."""
        found, changed, late = list[tuple[str, list[tuple[ExportFolder, Stamp]]]](), list[str](), list[str]()
        before = self._data_set.inputs
        for day, folders in days:
            new = list[tuple[ExportFolder, Stamp]]()
            for folder in folders:
                stamp = folder.stamp()
                where = printable(folder.path)
                if folder.key not in before:
                    new.append((folder, stamp))
                elif before[folder.key] != stamp:
                    changed.append(
                        f"{where}: has changed since it was gathered into {printable(self._data_set.folder)}; put its "
                        "files back as they were, or gather into a new folder"
                    )
            if new and day <= self._last_day:
                late += [
                    f"{printable(folder.path)}: exports up to {self._last_day} were gathered before; give those of a "
                    "day all at once and in the order of the days, or gather into a new folder"
                    for folder, _ in new
                ]
            elif new:
                found.append((day, new))
        if changed:
            raise UnusableInputsError(changed)
        self.left_out(late)
        return found

    def take(self, day: str, folders: Sequence[tuple[ExportFolder, Stamp]]) -> None:
        """Read the exports of a day, and write what they add."""
        bad, files, groups = list[str](), list[str](), list[int]()
        for folder, _ in folders:
            found = [name for name, _ in folder.files()]
            files += found
            groups += [self._group(folder.group)] * len(found)
        exports, names, size = read_exports(files, self._ladder.n_rungs, bad.append)
        of_file = dict(zip(files, groups, strict=True))
        at = names.places(np.arange(len(exports)))[0]
        group = np.array([of_file[name] for name in names.files] or [0], np.int32)[at]
        tag = bytes.fromhex(self._facts.score_id[:SCORE_ID_DIGITS])
        other = np.flatnonzero(exports["score_tag"] != np.void(tag))
        if len(other):
            one = exports[other[0]]
            self.commit()
            raise InputError(
                f"{names[int(other[0])]}: device {one['device']} counted scores of score_id "
                f"{bytes(one['score_tag']).hex()}, and the plan's is {tag.hex()}; give the plan that the device runs"
            )
        self.left_out(bad)
        bad = []
        rows = self._lives.take(DayExports(exports, names, group), bad.append)
        self.left_out(bad, day_taken=True)
        for index, name in enumerate(self._groups):
            which = rows.group == index
            if which.any():
                partition = (f"group={name}/" if name else "") + f"day={day}"
                table = gathered_table(rows, which, self._plan, self._facts)
                self._parts.append(self._writer.write_table(partition, table))
        self._inputs |= {folder.key: stamp for folder, stamp in folders}
        self._last_day = day
        self.devices.update(np.unique(rows.device).tolist())
        self.rows, self.days, self.bytes = self.rows + len(rows.device), self.days + 1, self.bytes + size
        if time.monotonic() - self._since > _EVERY_S:
            self.commit()

    def commit(self) -> None:
        """Commit the days that are done, and what the lives have counted."""
        if not self._inputs:
            return
        folder, name = self._data_set.folder, self._data_set.next_record
        lives, journal = self._lives, self._lives.journal
        kept = [write_pending(folder, f"{name}-{index}.journal", data) for index, data in enumerate(journal.pending)]
        words = {"files": lives.files, "groups": self._groups, "day": self._last_day}
        arrays = {
            "lives": lives.lives,
            "total": lives.total,
            "last": lives.last,
            "words": np.frombuffer(json.dumps(words).encode(), np.uint8),
        }
        state = write_pending(folder, f"{name}.lives", packed(arrays))
        self._data_set.commit(self._inputs, {}, self._parts, state, kept)
        journal.keep([folder / part.name for part in kept])
        self.files += len(self._parts)
        self._inputs, self._parts, self._since = {}, [], time.monotonic()

    def _restore(self, path: Path) -> None:
        found = read_packed(path)
        words = json.loads(found["words"].tobytes())
        lives = self._lives
        lives.lives, lives.total, lives.last, lives.files = (
            found["lives"],
            found["total"],
            found["last"],
            list(words["files"]),
        )
        self._groups, self._last_day = list(words["groups"]), str(words["day"])

    def _group(self, name: str) -> int:
        if name not in self._groups:
            self._groups.append(name)
        return self._groups.index(name)
