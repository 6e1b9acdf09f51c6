"""Scoring of one unit of work, in a thread of its own: rows in a buffer, and what there is to say about its files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from anomsdk.datasets.device_scoring import DeviceScoring, Scoring
from anomsdk.datasets.parts import PartWriter
from anomsdk.datasets.read_share import ReadShare
from anomsdk.datasets.row_buffer import RECORDING_BYTES, RowBuffer, RowMemory
from anomsdk.datasets.sample_digest import SampleDigest, digested
from anomsdk.datasets.units import Found, Input, Inputs, Unit, opened_recordings
from anomsdk.errors import InputError
from anomsdk.plans.recording_digests import known_recordings
from anomsdk.runtime.engines import Engine, open_engine
from anomsdk.runtime.judged_share import Judged
from anomsdk.runtime.memory import wiped_after_use
from anomsdk.sources.formats.motion.first_reading import Beginning, Blocks, gathered
from anomsdk.sources.recording import Recording


@dataclass
class ScoredUnit:
    """Result of a unit.

    Parameters
    ----------
    unit : Unit
    rows : its rows
    records : device -> its record
    share : that was judged
    devices : names of the devices that have rows
    notes : pairs of a recording's name and its notes
    bad : files that cannot be used, or not to their end, and why
    known : names of recordings that the plan was made from
    done : inputs that are done; those that cannot be used are not among them
    """

    unit: Unit
    rows: RowBuffer
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    share: Judged = field(default_factory=Judged)
    devices: set[str] = field(default_factory=set)
    notes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    bad: list[tuple[Input, str]] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    done: list[Input] = field(default_factory=list)
    opened: int = 0


@dataclass(frozen=True)
class _Scored:
    """Rows of a recording, the share of it that was judged, and the time of its end."""

    rows: RowBuffer
    share: Judged
    stop_us: int | None


class UnitScorer:
    """Scores units in any number of threads, and reuses its engines.

    Parameters
    ----------
    scoring : Scoring
    engine : name of the engine
    inputs : Inputs
    writer, memory : of all row buffers
    skip_bad : leave out recordings that cannot be read, and keep the others of their file or device
    go_on : recordings of one device go through one pipeline
    start_us : where the first recording of a device without times begins; None: not known
    before : device -> its record of an earlier run
    """

    def __init__(
        self,
        scoring: Scoring,
        engine: str,
        inputs: Inputs,
        writer: PartWriter,
        memory: RowMemory,
        *,
        skip_bad: bool,
        go_on: bool,
        start_us: int | None,
        before: dict[str, dict[str, Any]],
    ) -> None:
        self._scoring, self._engine, self._inputs = scoring, engine, inputs
        self._writer, self._memory, self._skip_bad = writer, memory, skip_bad
        self._go_on, self._start_us, self._before = go_on, start_us, before
        self._known = known_recordings(scoring.plan.provenance)
        self._lists_recordings = any(self._known.listed.values()) and scoring.counted.ladder is not None
        self._idle = deque[Engine]([open_engine(engine, scoring.plan)])

    def score(self, unit: Unit, stopped: Callable[[], bool], heard: Callable[[float], None]) -> ScoredUnit:
        """Score a unit.

        Parameters
        ----------
        unit : Unit
        stopped : asked before each block
        heard : called with the share of the unit that is done, 0 to 1
        """
        scored = ScoredUnit(unit, RowBuffer(self._writer, self._memory))
        try:
            if unit.device is None:
                self._score_files(scored, stopped, heard)
            else:
                self._score_device(scored, unit.device, stopped, heard)
            if scored.bad and not self._skip_bad:
                scored.rows.drop()
                scored.done = []
        except BaseException:
            scored.rows.drop()
            raise
        heard(1.0)
        return scored

    def _score_files(self, scored: ScoredUnit, stopped: Callable[[], bool], heard: Callable[[float], None]) -> None:
        """Score the recordings of a file, each with a fresh pipeline; motion while it is checked."""
        approved = list[_Scored]()

        def hear(blocks: Blocks, beginning: Beginning) -> _Scored | None:
            device = self._inputs.device_named(scored.unit.inputs[0], beginning.name)
            if device is None:
                return None
            start_us = self._start_us if beginning.start_ns is None else beginning.start_ns // 1000
            found = self._scored(device, beginning.name, blocks, start_us, stopped)
            if found is not None:
                approved.append(found)
            return found

        try:
            for each, found in opened_recordings(scored.unit, self._inputs, hear):
                if isinstance(found, str):
                    scored.bad.append((each, found))
                    continue
                scored.opened += 1
                scored.notes += _notes(self._scoring, found)
                read = 0
                for at, one in enumerate(found):
                    share = ReadShare(one.recording.length, at / len(found), 1 / len(found), heard)
                    try:
                        self._score_recording(scored, one, _start_us(one.recording, self._start_us), stopped, share)
                        read += 1
                    except InputError as error:
                        scored.bad.append((each, str(error)))
                if read or not found:
                    scored.done.append(each)
        finally:
            for wrong in approved:
                wrong.rows.drop()  # empty where they were right

    def _score_recording(
        self, scored: ScoredUnit, one: Found, start_us: int | None, stopped: Callable[[], bool], share: ReadShare
    ) -> int | None:
        """Score a recording with a fresh pipeline, if it was not when its file was opened; return the time of its end.

        One that the plan was made from is scored a second time, as its digest is known only at its end.
        """
        name, found = one.recording.name, one.recording.heard
        for certifies in (True, False) if found is None else ():
            if not certifies:
                scored.known.append(name)
            blocks = share.counted(one.recording.blocks())
            found = self._scored(one.device, name, blocks, start_us, stopped, certifies=certifies)
            if found is not None:
                break
        assert isinstance(found, _Scored)
        if found.rows.rows:
            scored.devices.add(one.device)
        scored.rows.take(found.rows)
        scored.share += found.share
        return found.stop_us

    def _scored(
        self,
        device: str,
        name: str,
        blocks: Blocks,
        start_us: int | None,
        stopped: Callable[[], bool],
        *,
        certifies: bool = True,
    ) -> _Scored | None:
        """Score blocks of a recording with a fresh pipeline; None: it may not certify, as the plan was made from it."""
        rows = RowBuffer(self._writer, self._memory, RECORDING_BYTES)
        digest = self._digest() if certifies else None
        try:
            with self._opened_engine() as engine:
                pipeline = DeviceScoring(self._scoring, engine, device)
                with closing(wiped_after_use(gathered(blocks))) as each:
                    for row in pipeline.take(
                        name, digested(each, digest), start_us, certifies=certifies, stopped=stopped
                    ):
                        rows.add(row)
                for row in pipeline.finish():
                    rows.add(row)
        except BaseException:
            rows.drop()
            raise
        if digest is not None and self._known.purposes(digest.hexdigest()):
            rows.drop()
            return None
        return _Scored(rows, pipeline.share, pipeline.stop_us)

    def _score_device(
        self, scored: ScoredUnit, device: str, stopped: Callable[[], bool], heard: Callable[[float], None]
    ) -> None:
        """Score the recordings of a device in the order of time, through one pipeline or each with a fresh one."""
        try:
            ordered = self._in_order(scored, device)
        except InputError as error:
            scored.bad.append((scored.unit.inputs[0], str(error)))
            scored.done = []
            return
        while ordered and not (scored.bad and not self._skip_bad):
            damaged = self._score_sequence(scored, device, ordered, stopped, heard)
            if damaged is None:
                return
            scored.bad.append(damaged)
            scored.rows.drop()
            scored.share, scored.known = Judged(), []
            ordered = [one for one in ordered if one.input is not damaged[0]]
            scored.done = [each for each in scored.done if each is not damaged[0]]

    def _score_sequence(
        self,
        scored: ScoredUnit,
        device: str,
        ordered: list[Found],
        stopped: Callable[[], bool],
        heard: Callable[[float], None],
    ) -> tuple[Input, str] | None:
        """Score recordings of a device in order; return the file that cannot be read, and why."""
        record = dict(self._before.get(device, {}))
        stop_us = record.get("stop_us")
        timed = all(one.recording.start_ns is not None for one in ordered)
        at_us = None if timed else stop_us if stop_us is not None else self._start_us
        with self._opened_engine() as engine:
            pipeline = DeviceScoring(self._scoring, engine, device)
            if self._go_on and "pipeline" in record:
                pipeline.go_on(record)
            for at, one in enumerate(ordered):
                share = ReadShare(one.recording.length, at / len(ordered), 1 / len(ordered), heard)
                start_us = _start_us(one.recording, at_us)
                try:
                    if self._go_on:
                        self._take(pipeline, scored, one, start_us, stopped, share)
                        stop_us = pipeline.stop_us
                    else:
                        stop_us = self._score_recording(scored, one, start_us, stopped, share)
                except InputError as error:
                    return one.input, str(error)
                at_us = None if at_us is None else stop_us
            if self._go_on:
                for row in pipeline.finish():
                    scored.rows.add(row)
                record = pipeline.record()
        if scored.rows.rows:
            scored.devices.add(device)
        scored.records[device] = record | {"stop_us": stop_us, "name": ordered[-1].recording.name}
        return None

    def _take(
        self,
        pipeline: DeviceScoring,
        scored: ScoredUnit,
        one: Found,
        start_us: int | None,
        stopped: Callable[[], bool],
        share: ReadShare,
    ) -> None:
        """Score a recording with the pipeline of its device."""
        certifies = not self._is_known(one.recording)
        if not certifies:
            scored.known.append(one.recording.name)
        with closing(wiped_after_use(gathered(share.counted(one.recording.blocks())))) as read:
            for row in pipeline.take(one.recording.name, read, start_us, certifies=certifies, stopped=stopped):
                scored.rows.add(row)
        scored.share += pipeline.share

    def _in_order(self, scored: ScoredUnit, device: str) -> list[Found]:
        """Open the files of a device, and return its recordings in the order of time, of names where none is known."""
        found = list[Found]()
        for each, several in opened_recordings(scored.unit, self._inputs):
            if isinstance(several, str):
                scored.bad.append((each, several))
                continue
            scored.opened += 1
            scored.notes += _notes(self._scoring, several)
            scored.done.append(each)
            found += several
        timed = [one for one in found if one.recording.start_ns is not None]
        if len(timed) == len(found):
            return sorted(found, key=lambda one: (one.recording.start_ns or 0, one.recording.name))
        last = self._before.get(device, {}).get("name")
        ordered = sorted(found, key=lambda one: one.recording.name)
        if last is not None and not timed and ordered[0].recording.name <= last:
            raise InputError(
                f"{ordered[0].recording.name}: comes before {last} by its name, which device {device} was scored to "
                "before; name recordings in the order of time"
            )
        return ordered

    def _is_known(self, recording: Recording) -> bool:
        """Read a recording to tell whether the plan was made from it; not where the plan lists none."""
        digest = self._digest()
        if digest is None:
            return False
        with closing(wiped_after_use(recording.blocks())) as blocks:
            for _ in digested(blocks, digest):
                pass
        return bool(self._known.purposes(digest.hexdigest()))

    def _digest(self) -> SampleDigest | None:
        """Make the digest of a recording; None where the plan lists no recordings, or nothing is certified."""
        return SampleDigest(self._scoring.plan) if self._lists_recordings else None

    @contextmanager
    def _opened_engine(self) -> Iterator[Engine]:
        try:
            engine = self._idle.pop()
        except IndexError:
            engine = open_engine(self._engine, self._scoring.plan)
        try:
            yield engine
        finally:
            engine.reset()
        self._idle.append(engine)


def _start_us(recording: Recording, otherwise: int | None) -> int | None:
    """Return the time at which a recording begins, in microseconds since 1970-01-01 UTC."""
    return otherwise if recording.start_ns is None else recording.start_ns // 1000


def _notes(scoring: Scoring, found: list[Found]) -> list[tuple[str, tuple[str, ...]]]:
    motion = scoring.plan.sensor.kind == "motion"
    return [(one.recording.name, one.recording.notes if motion else one.recording.odd) for one in found]
