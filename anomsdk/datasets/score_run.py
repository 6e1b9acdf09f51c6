"""Scores of recordings as a data set: in bounded memory, committed now and then, and gone on with by a later run."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomsdk.core.plan import Plan
from anomsdk.datasets.commits import SKIPPED, DataSet, Stamp
from anomsdk.datasets.default_ladder import counting
from anomsdk.datasets.device_scoring import Scoring
from anomsdk.datasets.parts import PartWriter
from anomsdk.datasets.repeats import Repeats, Untimed
from anomsdk.datasets.row_buffer import RowBuffer, RowMemory
from anomsdk.datasets.schema import Facts, ScoreColumn, import_pyarrow, score_column
from anomsdk.datasets.scored_unit import ScoredUnit
from anomsdk.datasets.unit_scoring import UnitScorer
from anomsdk.datasets.units import Input, Inputs, Unit
from anomsdk.errors import InputError, UnusableInputsError, printable
from anomsdk.plans.recording_digests import known_recordings
from anomsdk.runtime.blocks import checked_plan
from anomsdk.runtime.engines import default_engine
from anomsdk.runtime.judged_share import Judged
from anomsdk.runtime.memory import wiping
from anomsdk.runtime.parallel import checked_jobs, in_order
from anomsdk.sources.clips import shared
from anomsdk.sources.stream_format import ReadOptions
from anomsdk.train.certified_level import doubt_line
from anomsdk.utils.files import write_atomically
from anomsdk.utils.text import counted

_EVERY_S, _MOST_UNITS = 30.0, 256
"""Seconds and units after which what is done is committed."""


@dataclass(frozen=True)
class Written:
    """Account of a run.

    Parameters
    ----------
    devices, device_days, files : numbers of devices and rows that were written, and of the files that hold them
    done_before : inputs that an earlier run has scored
    inputs : inputs that this run has scored
    judged : share of their time that was judged
    left_out : inputs that cannot be used
    """

    devices: int
    device_days: int
    files: int
    done_before: int
    inputs: int
    judged: Judged
    left_out: int

    def __str__(self) -> str:
        rows = f"{counted(self.devices, 'device')}, {counted(self.device_days, 'device day')}"
        before = f"; {self.done_before:,} done before" if self.done_before else ""
        without = f"; {self.left_out:,} left out" if self.left_out else ""
        share = f"; judged {self.judged}" if self.inputs else ""
        return f"{rows} in {counted(self.files, 'file')}{before}{without}{share}"


@wiping()
def score_into(
    plan: Plan,
    sources: Sequence[str | Path] | Inputs,
    out: Path,
    *,
    scores: ScoreColumn = "log2",
    go_on: bool = False,
    start_us: int | None = None,
    reading: ReadOptions | None = None,
    group: str | None = None,
    engine: str | None = None,
    jobs: int | None = None,
    on_bad: Callable[[str], None] | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Written:
    """Score recordings, and add what their devices counted and said to a data set.

    Files are opened one by one, and each recording is read in blocks, so that memory grows neither with their number
    nor with their length. What is done is committed now and then; a run that is stopped leaves all that was committed,
    and the next run goes on from there.

    Parameters
    ----------
    plan : Plan
    sources, reading : as `anomsdk.sources.open_recordings`, but not standard input; or inputs, which are taken as they
        are
    out : folder of the data set, which may be there from an earlier run with the same options
    scores : "log2", "exact" or "none": how the score of each tick is kept, see `anomsdk.datasets.schema.ScoreColumn`
    go_on : recordings of one device go through one pipeline in the order of time, and those of a later run go on from
        there; the time between two is a gap
    start_us : time at which the first recording of each device begins that does not tell it, in microseconds since
        1970-01-01 UTC; further ones begin where the one before ended. None: not known
    group : what names a device, as in `anomsdk.sources.clips.open_clips`. None with ``go_on``: its folder
    engine, jobs : as `anomsdk.score_many`
    on_bad : called with one line for each file that cannot be used, which is then left out. By default they are an
        error that names all of them, after all others were scored and committed
    report : called with lines on recordings
    progress : called with the bytes of files that are done, and those of all files to do

    Raises
    ------
    InputError : no input can be used, one has changed since it was scored, or the data set cannot be written
    """
    checked_plan(plan)
    score_column(scores)
    import_pyarrow(printable(out))
    n_jobs, by_device = checked_jobs(jobs), go_on or start_us is not None
    if isinstance(sources, Inputs):
        inputs = sources
    else:
        inputs = Inputs.listed(plan, sources, reading=reading, group=group, by_device=go_on, out=out)
    counted_by = counting(plan)
    facts = Facts.of(plan, counted_by or plan, scores)
    if counted_by is None:
        report(f"plan {plan.name} has no ladder, and no calibration is beside it: no rungs are counted")
    settings = {
        "plan": plan.id,
        "score_id": facts.score_id,
        "scores": scores,
        "go_on": go_on,
        "group": inputs.group,
    }
    with DataSet(out, settings).opened() as data_set:
        to_do = _not_done(inputs, data_set)
        memory, writer = RowMemory(), PartWriter(out, facts, data_set.number)
        scorer = UnitScorer(
            Scoring(plan, counted_by or plan, scores),
            default_engine(plan) if engine is None else engine,
            inputs,
            writer,
            memory,
            skip_bad=on_bad is not None,
            go_on=go_on,
            start_us=start_us,
            before=data_set.devices,
            repeats=data_set.repeats,
        )
        run = _Run(data_set, RowBuffer(writer, memory), out)
        if by_device:
            units = inputs.units_of_devices(to_do, n_jobs, run.leave_out, lambda: progress(0, 1))
        else:
            units = inputs.units(to_do)
        with closing(_scored(scorer, units, n_jobs, progress)) as scored:
            for each in scored:
                run.take(each)
        run.commit()
        for line in shared(run.notes):
            report(line)
        _say_known(plan, run.known, counted_by is not None, report)
        if len(to_do) == len(inputs.files) == run.opened:
            for listing in {id(each.listing): each.listing for each in inputs.files}.values():
                if listing is not None:
                    listing.check_chosen()
        _write_skipped(out, run.bad)
        if run.bad and (on_bad is None or not (run.done or data_set.inputs)):
            raise UnusableInputsError([why for _, why in run.bad], skippable=on_bad is None and len(inputs.files) > 1)
        for _, why in run.bad:
            assert on_bad is not None
            on_bad(why)
        return Written(
            len(run.devices),
            run.rows,
            run.files,
            len(inputs.files) - len(to_do),
            run.done,
            run.share,
            len({name for name, _ in run.bad}),
        )


class _Run:
    """Account of a run, and the rows that it has not committed yet."""

    def __init__(self, data_set: DataSet, rows: RowBuffer, out: Path) -> None:
        self._data_set, self._rows, self._out = data_set, rows, out
        self._inputs: dict[str, Stamp] = {}
        self._records: dict[str, dict[str, Any]] = {}
        self._untimed, self._repeats = list[Untimed](), Repeats()
        self._units, self._last = 0, time.monotonic()
        self.notes = list[tuple[str, tuple[str, ...]]]()
        self.bad = list[tuple[str, str]]()
        self.known = list[str]()
        self.devices = set[str]()
        self.rows = self.files = self.done = self.opened = 0
        self.share = Judged()

    def leave_out(self, each: Input, why: str) -> None:
        """Take note of a file that cannot be used."""
        self.bad.append((str(each.file.path), why))

    def take(self, scored: ScoredUnit) -> None:
        """Take a unit that is done, and commit if it is time."""
        self._refuse_repeats(scored)
        for each, why in scored.bad:
            self.leave_out(each, why)
        self.opened += scored.opened
        self.notes += scored.notes
        self.known += scored.known
        if scored.done:
            self.rows += scored.rows.rows
            self._rows.take(scored.rows)
            self._records |= scored.records
            self._untimed += scored.untimed
            self._repeats.add(scored.untimed)
            self._inputs |= {each.key: each.stamp for each in scored.done}
            self.devices |= scored.devices
            self.share += scored.share
            self.done += len(scored.done)
            self._units += 1
        late = time.monotonic() - self._last > _EVERY_S
        if self._units >= _MOST_UNITS or late or self._rows.is_large:
            self.commit()

    def commit(self) -> None:
        """Commit what is done."""
        if self._inputs:
            parts = self._rows.write()
            self._data_set.commit(self._inputs, self._records, parts, untimed=self._untimed)
            self.files += len(parts)
        self._inputs, self._records, self._untimed = {}, {}, []
        self._units, self._last = 0, time.monotonic()

    def _refuse_repeats(self, scored: ScoredUnit) -> None:
        """Leave out a unit with a copy of a recording that another unit of this run has."""
        try:
            for each in scored.untimed:
                self._repeats.check(each)
        except InputError as error:
            scored.bad.append((scored.unit.inputs[0], str(error)))
            scored.rows.drop()
            scored.done = []


def _not_done(inputs: Inputs, data_set: DataSet) -> list[Input]:
    """Return the inputs that no earlier run has committed; refuse those that have changed since."""
    before = data_set.inputs
    changed = [each for each in inputs.files if before.get(each.key, each.stamp) != each.stamp]
    if changed:
        raise UnusableInputsError(
            f"{printable(each.file.path)}: has changed since it was scored into {printable(data_set.folder)}; put the "
            "file back as it was, or score into a new folder"
            for each in changed
        )
    return [each for each in inputs.files if each.key not in before]


def _scored(
    scorer: UnitScorer, units: Sequence[Unit], jobs: int, progress: Callable[[int, int], None]
) -> Generator[ScoredUnit, None, None]:
    """Score units in threads, in order."""
    total, lock, shares = sum(unit.bytes for unit in units), threading.Lock(), dict[int, float]()
    done = 0.0

    def meanwhile() -> None:
        with lock:
            progress(int(done + sum(units[number].bytes * share for number, share in shares.items())), max(total, 1))

    def work(number: int, unit: Unit, stopped: Callable[[], bool]) -> ScoredUnit:
        nonlocal done

        def heard(share: float) -> None:
            with lock:
                shares[number] = share

        found = scorer.score(unit, stopped, heard)
        with lock:
            shares.pop(number, None)
            done += unit.bytes
        return found

    yield from in_order(work, units, jobs, meanwhile=meanwhile)


def _say_known(plan: Plan, names: Sequence[str], counts: bool, report: Callable[[str], None]) -> None:
    """Say which recordings certify nothing, and whether others may be among them."""
    if names:
        more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
        report(
            f"{counted(len(names), 'recording')} that the plan was made from ({', '.join(names[:3])}{more}): scored, "
            "but their ticks are no service, as they certify nothing"
        )
    if counts and (doubt := doubt_line(known_recordings(plan.provenance))):
        report(doubt)


def _write_skipped(out: Path, bad: Sequence[tuple[str, str]]) -> None:
    """List the files that were left out, beside the days; no list where there are none."""
    place = out / SKIPPED
    if not bad:
        place.unlink(missing_ok=True)
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "reason"])
    writer.writerows([printable(name), why] for name, why in bad)
    write_atomically(place, text.getvalue().encode())
