"""Pipeline: runs a plan on a stream, block by block. It imports numpy and the engine's runtime only."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.alarm import Annunciation
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.core.supervisor import Operation
from anomsdk.errors import InputError
from anomsdk.runtime.blocks import NO_SECTION, checked_block, checked_plan, downlink, export, lose, operate, restore
from anomsdk.runtime.engines import Engine, default_engine, open_engine
from anomsdk.runtime.memory import clearing_frames, wipe, wiping
from anomsdk.runtime.sealed_process import refuse_sealed


class Pipeline:
    """Pipeline from samples to results, block by block; samples live for one window, features for one context.

    Parameters
    ----------
    plan : Plan
    engine : "native" (the default where it is built), "reference" or "tflite"; the integers are the same. Engine
        native keeps the signal in one buffer. The other two also make arrays, which are wiped if the C port was built;
        if it was not, they leave copies in freed memory (see docs/privacy.md)
    tap : keep the model inputs of the last `process` call readable as `tapped` (for tuning on a bench)

    Raises
    ------
    InputError : the engine is unknown, or not available here. Every method raises it, and does nothing, if the pipeline
        is closed or in use by another thread. So do copying and pickling, as a pipeline holds samples

    Examples
    --------
    >>> import anomsdk, numpy as np
    >>> plan = anomsdk.reference_model("audio_scene")
    >>> with anomsdk.Pipeline(plan) as pipeline:
    ...     results = pipeline.process(np.zeros(32000, np.int16))
    >>> len(results), results[0].hop
    (4, 63)
    """

    def __init__(self, plan: Plan, engine: str | None = None, *, tap: bool = False) -> None:
        self.plan = checked_plan(plan)
        self.engine = default_engine(plan) if engine is None else engine
        if tap:
            refuse_sealed("Pipeline: `tap`", "leave it out")
        if self.engine != "native":
            refuse_sealed(f"Pipeline: `engine={self.engine!r}`", "take `engine='native'`")
        self._tap = tap
        self._tapped: NDArray[np.int8] | None = None
        self._busy = threading.Lock()
        self._engine: Engine | None = open_engine(self.engine, plan)

    def process(self, block: NDArray[np.int16]) -> list[Result]:
        """Take a block of samples and return one result for each tick that it completes.

        However a stream is cut into blocks, the results are the same. A plan with an alarm or a health section also
        gives a result for each event that leaves without a tick, for example a fault or a heartbeat: there
        `Result.judged` is False and the score is 0.

        Parameters
        ----------
        block : int16 (n,) or (n, columns), any n, never modified

        Returns
        -------
        list of Result, maybe empty

        Raises
        ------
        InputError : wrong dtype or shape
        """
        engine = self._taken("process")
        try:
            if self._tap:  # opened before the seal
                refuse_sealed("Pipeline.process: `tap=True`", "open the pipeline without it")
            samples = checked_block(block, self.plan.columns)
            try:
                with clearing_frames():
                    processed = engine.process(samples, tap=self._tap)
            except BaseException:  # Ctrl-C, too: no sample may stay in scratch
                self._close()
                raise
            if processed.inputs is not None:
                wipe(self._tapped)
                self._tapped = processed.inputs
            return processed.results()
        finally:
            self._busy.release()

    @property
    def tapped(self) -> NDArray[np.int8]:
        """Copy of the model inputs (ticks, n_in) of the last `process` call with ``tap=True``; empty after `reset`."""
        refuse_sealed("Pipeline.tapped", "process the stream in a process that is not sealed")
        if not self._tap:
            raise InputError("Pipeline.tapped: no model inputs are kept; open the pipeline with `tap=True`")
        inputs = self._tapped
        with wiping():
            return np.zeros((0, self.plan.n_inputs), np.int8) if inputs is None else inputs.copy()

    def gap(self, n: int) -> list[Result]:
        """Tell the pipeline that n samples were lost, 0 to 2**31 - 1; 0 changes nothing.

        The hop count goes on as if the samples had come; no result spans the gap.

        Returns
        -------
        list of Result without a tick, as those of `acknowledge`; empty for a plan without an alarm and health section
        """
        engine = self._taken("gap")
        try:
            return lose(engine, n, "Pipeline.gap")
        finally:
            self._busy.release()

    def rows(self) -> NDArray[np.int16]:
        """Take the rows of the diary that were finished since the last call, (slots, columns), one for each slot.

        A value that is missing is -32768; of a plan without a diary section there are none. Each row is given once.
        """
        engine = self._taken("rows")
        try:
            width = 0 if self.plan.diary is None else len(self.plan.diary.columns)
            return np.array(engine.rows(), np.int16).reshape(-1, width) if width else np.zeros((0, 0), np.int16)
        finally:
            self._busy.release()

    def acknowledge(self) -> list[Result]:
        """Acknowledge the alarm; without an unacknowledged alarm nothing changes.

        Like all inputs from outside it takes effect after the last sample that was processed and before the next one.

        Returns
        -------
        list of Result, one for each event that leaves because of it; `Result.judged` is False

        Raises
        ------
        InputError : the plan has neither an alarm nor a health section
        """
        return self._operate(Operation.ACKNOWLEDGE, 0, "acknowledge")

    def silence(self, ticks: int) -> list[Result]:
        """Mute the annunciation of alarms for some ticks, 1 to 2**31 - 1; 0 ends a silence. See `acknowledge`.

        A tick lasts ``plan.samples_per_tick / plan.rate_hz`` seconds. Events go on, technical alarms are never muted,
        and an alarm that escalates because it has grown ends the silence.
        """
        return self._operate(Operation.SILENCE, ticks, "silence: `ticks`")

    def cancel(self) -> list[Result]:
        """Cancel a prealarm, as its wearer does; in any other state nothing changes. See `acknowledge`."""
        return self._operate(Operation.CANCEL, 0, "cancel")

    def out_of_service(self, on: bool = True) -> list[Result]:
        """Take the pipeline out of service, or back in with ``on=False``. See `acknowledge`.

        An alarm that stands is closed by an event. Out of service no alarm is raised; scores, technical alarms and
        heartbeats go on. Back in service the alarm is normal and its votes are empty.
        """
        return self._operate(Operation.OUT_OF_SERVICE, on, "out_of_service: `on`")

    def test(self) -> list[Result]:
        """Send a test event and annunciate a test; no state changes. See `acknowledge`."""
        return self._operate(Operation.TEST, 0, "test")

    def supply(self, low: bool) -> list[Result]:
        """Tell whether the battery or supply is low. Needs a health section; see `acknowledge`."""
        return self._operate(Operation.SUPPLY, low, "supply: `low`")

    def self_test(self, failed: bool) -> list[Result]:
        """Tell whether a self-test of the device has failed. Needs a health section; see `acknowledge`."""
        return self._operate(Operation.SELF_TEST, failed, "self_test: `failed`")

    def missing(self, ms: int) -> list[Result]:
        """Tell that no sample came for ``ms`` more milliseconds, 0 to 2**32 - 1, as from an unplugged sensor.

        Time goes on as by a `gap`. Needs a health section; see `acknowledge`.
        """
        return self._operate(Operation.MISSING, ms, "missing: `ms`")

    def clock(self, ms: int) -> list[Result]:
        """Tell the time of a clock of your own in milliseconds, modulo 2**32, now and then: it checks the sample rate.

        Two readings at least 60 s apart are compared with the samples that came between them. Needs a health section;
        see `acknowledge`.
        """
        return self._operate(Operation.CLOCK, ms, "clock: `ms`")

    def calibrate(self, budget: int = 0) -> list[Result]:
        """Take the lowest alarm level that keeps a budget, as the ladder has certified it. See `acknowledge`.

        The walk begins at the highest rung and ends at the first one that does not keep the budget. A level that runs
        under the same budget is lowered, never raised, and stays certified until its promise is broken. If no rung
        keeps another budget, the level stays as it is. Either way a level event says what came of it, see
        `anomsdk.core.event.Promise`. The pipeline does not ask who calls this.

        Parameters
        ----------
        budget : index of a budget in the ladder section of the spec, from 0

        Raises
        ------
        InputError : the plan has no ladder, or not that many budgets
        """
        return self._operate(Operation.CALIBRATE, budget, "calibrate: `budget`")

    def set_level(self, level: int) -> list[Result]:
        """Put an alarm level in force: 0 for the plan's own, else a rung by its number from 1, the lowest.

        No budget runs after that. A level event follows. The pipeline does not ask who calls this. See `calibrate`.
        """
        return self._operate(Operation.SET_LEVEL, level, "set_level: `level`")

    def take_downlink(self, data: bytes) -> list[Result]:
        """Put the alarm level of a downlink in force, as `set_level` does, if the downlink is for this plan.

        The pipeline does not ask who sent it: check that first.

        Parameters
        ----------
        data : 3 bytes, see `anomsdk.core.downlink.LevelOrder`

        Raises
        ------
        InputError : there are not 3 bytes, the plan is another one, or it has no ladder or no such level; nothing was
            changed
        """
        engine = self._taken("take_downlink")
        try:
            return downlink(engine, self.plan, data, "Pipeline.take_downlink")
        finally:
            self._busy.release()

    @property
    def level(self) -> int:
        """Return the tag of the alarm level in force: 0 for the plan's own, else a rung by its number from 1.

        The same plan id and level tag mean the same alarms. 0 for a plan without a ladder.
        """
        engine = self._taken("level")
        try:
            return engine.level
        finally:
            self._busy.release()

    def export(self, device: int, boot: int, since: bytes | None = None) -> bytes:
        """Return the counts of the ladder over a period of service; no signal is in it. Nothing is cleared.

        Call `state` and store that record before an export leaves the device: a ladder that is restored from an older
        one would count some time a second time, under ticks that were exported already.

        Parameters
        ----------
        device : number of the device, 0 to 2**64 - 1
        boot : how often the device has begun anew, 1 to 65535. The ladder keeps the number that it was given first,
            also over `restore`
        since : earlier export of this ladder, from its first tick: the period begins behind it. None: at the first tick

        Returns
        -------
        bytes, see `anomsdk.core.export.Export`

        Raises
        ------
        InputError : the plan has no ladder, a number is out of range, or ``since`` is not an earlier export of it
        """
        engine = self._taken("export")
        try:
            return export(engine, self.plan, device, boot, since, "Pipeline.export")
        finally:
            self._busy.release()

    @property
    def annunciation(self) -> Annunciation:
        """Return what a buzzer and a lamp should do now.

        Raises
        ------
        InputError : the plan has neither an alarm nor a health section
        """
        engine = self._taken("annunciation")
        try:
            if not self.plan.is_supervised:
                raise InputError(f"Pipeline.annunciation: {NO_SECTION.format(self.plan.name)}")
            return Annunciation(engine.annunciation)
        finally:
            self._busy.release()

    @property
    def health(self) -> int:
        """Return the health byte, 0 to 255, see `anomsdk.core.event.Condition`; 0 without a health section."""
        engine = self._taken("health")
        try:
            return engine.health
        finally:
            self._busy.release()

    def state(self) -> bytes:
        """Return what must outlive a reset or a power cut, as a record of 136 bytes; with a ladder up to 576.

        In it are the state of the alarm, its counts and scores, the baseline, technical conditions, the count of hops
        and events, and the counts of the ladder. No sample, no feature, and no mean or extreme of samples is in it, but
        for a plan of days, whose record has the own profile and the rows of the last 24 hours: averages of one animal's
        days over weeks, the totals of the last 14, and one day slot by slot, in up to 3,320 bytes more.
        """
        engine = self._taken("state")
        try:
            return engine.state()
        finally:
            self._busy.release()

    def restore(self, record: bytes) -> list[Result]:
        """Wipe everything and go on with a record that `state` returned, of this plan or of one with its ``score_id``.

        The hop count goes on behind the samples that came before the record; tell a `gap` for time that passed since.
        Event numbers go on from the record's next + 1,024, so that a receiver sees none twice. Call `state` again at
        once and store that record: the same record restored twice gives the same numbers twice. Under a plan with other
        levels an alarm that stands goes on, and its end is judged by the new levels.

        Parameters
        ----------
        record : bytes

        Returns
        -------
        list of Result without a tick: a restart; empty for a plan without an alarm and a health section

        Raises
        ------
        InputError : the record is torn, of another version, or of a plan with another ``score_id``; then the pipeline
            has begun anew without it, and a restart leaves with the next call
        """
        engine = self._taken("restore")
        try:
            self._forget_tapped()
            return restore(engine, self.plan, record, "Pipeline.restore")
        finally:
            self._busy.release()

    def reset(self) -> None:
        """Wipe everything and start again at hop 0."""
        engine = self._taken("reset")
        try:
            engine.reset()
            self._forget_tapped()
        finally:
            self._busy.release()

    def close(self) -> None:
        """Wipe everything; the pipeline cannot be used after this. Closing twice is fine."""
        self._take("close")
        try:
            self._close()
        finally:
            self._busy.release()

    def __enter__(self) -> Pipeline:
        self._taken("with")
        self._busy.release()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        """Wipe a pipeline that was not closed; errors are ignored, as the interpreter may be ending."""
        with suppress(Exception):
            self._close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse pickle, copy and deepcopy: a copy would hold raw samples a second time."""
        raise InputError("Pipeline: it holds samples and is never copied or pickled; open another one from its plan")

    def _operate(self, operation: Operation, argument: int, what: str) -> list[Result]:
        engine = self._taken(operation.name.lower())
        try:
            return operate(engine, self.plan, operation, argument, f"Pipeline.{what}")
        finally:
            self._busy.release()

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.reset()
            self._engine = None
        self._forget_tapped()

    def _forget_tapped(self) -> None:
        wipe(self._tapped)
        self._tapped = None

    def _take(self, what: str) -> None:
        if not self._busy.acquire(blocking=False):
            raise InputError(f"Pipeline.{what}: in use by another thread; give each thread a pipeline of its own")

    def _taken(self, what: str) -> Engine:
        """Take the pipeline for this thread, until it releases ``_busy``, and return the engine."""
        self._take(what)
        if self._engine is None:
            self._busy.release()
            raise InputError(f"Pipeline.{what}: the pipeline is closed; open a new one")
        return self._engine
