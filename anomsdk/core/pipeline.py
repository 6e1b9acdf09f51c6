"""Pipeline: the stages of a plan in their order. Reads like a table of contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.alarm import PLAIN
from anomsdk.core.alert import Alert
from anomsdk.core.bands import Bands
from anomsdk.core.baseline import Baseline
from anomsdk.core.checks import require
from anomsdk.core.context import Context
from anomsdk.core.days import Days, DaysPlan, state_bytes, takes_state
from anomsdk.core.diary import Diary
from anomsdk.core.downlink import level_for
from anomsdk.core.duty import is_pause
from anomsdk.core.event import Event, State
from anomsdk.core.export import Export
from anomsdk.core.external import External
from anomsdk.core.extractor import Extractor, ExtractorPlan
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.core.framer import BATCH, Framer
from anomsdk.core.ladder import MAX_PROMISES, Ladder, ladder_bytes, takes
from anomsdk.core.logmel import Logmel
from anomsdk.core.motion import Motion, MotionPlan
from anomsdk.core.plan import Plan
from anomsdk.core.reasons import Reasons
from anomsdk.core.record import SCORE_TAG_BYTES, Record
from anomsdk.core.rung import Rung, levels
from anomsdk.core.score import Score
from anomsdk.core.supervisor import Operation, Supervisor
from anomsdk.errors import InputError


@dataclass(frozen=True)
class Result:
    """Result of one tick, which is one run of the model, or one event without a tick. Nothing else leaves a pipeline.

    Parameters
    ----------
    hop : index of the tick's last hop, modulo 2**32; without a tick, index of the hop that was being filled
    score : reconstruction error above the baseline, 0 to 2**32 - 1, high = anomalous; 0 without a tick
    events : changes of the alarm, usually none
    judged : True for a tick, also a void one; False for an event without a tick, which only plans with an alarm or a
        health section have
    void : True for a tick whose score led to nothing, because a technical condition was active
    """

    hop: int
    score: int
    events: tuple[Event, ...]
    judged: bool = True
    void: bool = False


@dataclass(frozen=True, eq=False)
class Ticks:
    """Ticks of one batch of windows, before the baseline and the alert logic.

    Parameters
    ----------
    hops : (t,), indices of the last hops of the ticks
    inputs, outputs : (t, n_in), of the model
    raw_scores : (t,), before the baseline
    first : index of the first window
    frames : (n, window, columns), the windows themselves, valid until the next batch is asked for; None: not needed
    movement : (n, 0 or 2), levels of each window that a diary takes
    """

    hops: Ints
    inputs: Ints
    outputs: Ints
    raw_scores: Ints
    first: int = 0
    frames: Ints | None = None
    movement: Ints | None = None


class Model(Protocol):
    """Model stage, the only part in which the engines in Python differ."""

    def run(self, inputs: Ints) -> Ints:
        """Compute outputs (n, n_out) from inputs (n, n_in), both int64 in int8 range."""


EXTRACTORS: dict[str, Callable[[Any, int], Extractor]] = {
    "logmel": Logmel,
    "bands": Bands,
    "motion": lambda plan, batch: Motion(plan),
    "external": lambda plan, batch: External(plan),
    "days": lambda plan, batch: Days(plan),
}
"""Kind -> extractor, made from a plan's section of this kind and the largest number of windows at once."""


def extractor_for(plan: ExtractorPlan, batch: int = BATCH) -> Extractor:
    """Make the extractor for a plan's section; it takes at most ``batch`` windows at once."""
    return EXTRACTORS[plan.kind](plan, batch)


def _reference_of(plan: Plan) -> Rung | None:
    """Make the rung whose alarm freezes the baseline; None where the baseline is off."""
    score = plan.baseline.reference_score
    return None if score is None else Rung(plan.timing, levels(score, plan.timing), cooldown=0)


class Chain:
    """Running pipeline around a model stage.

    Parameters
    ----------
    plan : Plan
    model : the model stage
    """

    def __init__(self, plan: Plan, model: Model) -> None:
        self._plan = plan
        self._extractor = extractor_for(plan.extractor)
        self._framer = Framer(plan.framer, plan.columns, self._extractor.largest_batch or BATCH)
        self._context = Context(plan.context, plan.extractor.n_features)
        self._model = model
        self._score = Score(plan.score)
        self._baseline = Baseline(plan.baseline)
        self._reference = _reference_of(plan)
        self._alert = Alert(plan.timing, plan.levels, plan.tag)
        self._supervisor = _supervisor(plan)
        self._diary = _diary(plan)
        self._extractor.watched = plan.diary_levels
        self._fresh = True  # no window has been full since the start
        self._reasons = Reasons(plan.reasons, plan.score)
        self._say_readiness()

    def ticks(self, block: NDArray[np.int16]) -> Iterator[Ticks]:
        """Take a block (n, columns) and yield the ticks that it completes, batch by batch."""
        for first, frames in self._framer.push(block):
            try:
                yield from self._ticks_of(first, frames)
            finally:
                self._extractor.wipe_watched()

    def _ticks_of(self, first: int, frames: Ints) -> Iterator[Ticks]:
        """Yield the ticks that windows complete, at most one batch; also one without a tick where hops are counted."""
        features, at_window = self._extractor.push(frames)
        inputs, at_frame = self._context.push(features)
        movement, supervised = None, self._supervisor is not None
        if self._diary is not None:
            watched = self._extractor.watched
            movement = self._extractor.watched_levels if watched else np.zeros((len(frames), 0), np.int64)
        if len(inputs) or supervised or movement is not None:
            outputs = self._model.run(inputs)
            scores = self._score.run(inputs, outputs)
            hops = first + at_window[at_frame]
            yield Ticks(hops, inputs, outputs, scores, first, frames if supervised else None, movement)

    def results(self, ticks: Ticks) -> list[Result]:
        """Turn ticks into results, by the baseline and the alert logic."""
        if self._supervisor is not None:
            return list(self._supervised(self._supervisor, ticks))
        hops, raw_scores = (ticks.hops & UINT32_MAX).tolist(), ticks.raw_scores.tolist()
        if self._reference is not None:
            rung = self._reference
            found = [self._result(rung, hop, raw) for hop, raw in zip(hops, raw_scores, strict=True)]
        else:
            step = self._alert.step
            found = [Result(hop, score, step(score, hop)) for hop, score in zip(hops, raw_scores, strict=True)]
        for tick, result in enumerate(found):
            if result.events:
                found[tick] = self._explained(result, ticks.inputs[tick], ticks.outputs[tick])
        if self._diary is not None and ticks.movement is not None:
            at_hop = dict(zip(ticks.hops.tolist(), found, strict=True))
            for window, levels in enumerate(ticks.movement.tolist()):
                self._diary.hop(False, levels)
                if ticks.first + window in at_hop:
                    self._diary.tick(at_hop[ticks.first + window].score)
        return found

    def rows(self) -> list[tuple[int, ...]]:
        """Take the rows of the diary that are finished; none for a plan without one."""
        return [] if self._diary is None else self._diary.rows()

    def due(self) -> list[Result]:
        """Return the events that are due without a tick: at the start a restart."""
        return [] if self._supervisor is None else self._without_tick(self._supervisor.due(self._hop))

    def operate(self, operation: Operation, argument: int) -> list[Result]:
        """Apply an input from outside; only for plans with an alarm or a health section.

        Parameters
        ----------
        operation : Operation
        argument : see `Operation`

        Returns
        -------
        Results without a tick
        """
        supervisor = self._supervisor
        assert supervisor is not None
        found = self.due()
        if operation == Operation.MISSING:
            self._lose(supervisor.samples_in(argument))
        samples = self._framer.position & UINT32_MAX
        return found + self._without_tick(supervisor.operate(operation, argument, samples, self._hop))

    def downlink(self, data: bytes) -> list[Result]:
        """Put the level of a downlink in force.

        Returns
        -------
        Results without a tick

        Raises
        ------
        InputError : as `level_for`; nothing was changed
        """
        n_rungs = 0 if self._plan.ladder is None else self._plan.ladder.n_rungs
        return self.operate(Operation.SET_LEVEL, level_for(data, self._plan.tag, n_rungs))

    def gap(self, n: int) -> list[Result]:
        """Go on after ``n`` lost samples as a fresh pipeline would, at the first hop after them.

        The hop count, the baseline and the alarm go on; windows and frames that span the gap are dropped.

        Returns
        -------
        Results without a tick
        """
        found = self.due()
        self._lose(n, pause=is_pause(self._plan.duty, n) and self._context.has_given)
        return found + self.due()

    def state(self) -> bytes:
        """Return a record of what must outlive a reset, see `Record`; no sample and no feature is in it."""
        record = Record(
            plan_tag=self._plan.tag,
            score_tag=bytes.fromhex(self._plan.score_id)[:SCORE_TAG_BYTES],
            next_hop=self._framer.next_hop & UINT32_MAX,
            ahead=self._framer.ahead,
            has_given=self._context.has_given,
        )
        self._baseline.save(record)
        if self._reference is not None:
            self._reference.save(record.reference)
        (self._alert if self._supervisor is None else self._supervisor).save(record)
        record.learnt = self._extractor.save()
        return bytes(record)

    def export(self, device: int, boot: int, since: Export | None) -> bytes:
        """Return the counts of the ladder, of a plan that has one.

        Parameters
        ----------
        device : number of the device
        boot : number that the ladder takes where it has none yet
        since : earlier export of the same ladder; None: from its first tick

        Raises
        ------
        InputError : ``since`` is not an earlier export of this ladder, from its first tick
        """
        ladder, plan = self.ladder, self._plan
        assert plan.ladder is not None
        ladder.boot = ladder.boot or boot
        made = Export(
            device=device,
            boot=ladder.boot,
            score_tag=bytes.fromhex(plan.score_id)[:SCORE_TAG_BYTES],
            plan_tag=plan.tag,
            level_tag=ladder.tag,
            promise=ladder.promise,
            first=0,
            last=ladder.ticks,
            days=ladder.days,
            episode_gap=plan.ladder.episode_gap,
            counts=tuple(replace(counts) for counts in ladder.counts),
        )
        return bytes(made if since is None else made.since(since))

    def restore(self, data: bytes) -> bool:
        """Begin anew with what a record holds; a restart is due.

        Parameters
        ----------
        data : bytes that `state` returned, of a plan with the same ``score_id``

        Returns
        -------
        False if the record is torn or foreign: the pipeline has begun anew without it
        """
        self.reset()
        try:
            record = record_for(self._plan, data)
        except InputError:
            if self._supervisor is not None:
                self._supervisor.refuse()
            return False
        if self._reference is not None:
            self._baseline.restore(record)
            self._reference.restore(record.reference)
            self._extractor.follow(alarm=self._reference.in_alarm)
        if record.learnt:
            self._extractor.restore(record.learnt)
        releveled = record.plan_tag != self._plan.tag or (self._plan.ladder is None and record.level_tag != 0)
        (self._alert if self._supervisor is None else self._supervisor).restore(record, releveled=releveled)
        self._context.has_given = record.has_given
        if self._diary is not None:
            self._diary.resume(record.next_hop)
        lost = self._framer.resume(record.next_hop, record.ahead)
        self._extractor.gap(lost)
        self._pass(lost, pause=True)
        self._say_readiness()
        return True

    @property
    def health(self) -> int:
        """Return the health byte; 0 for plans that are not supervised."""
        return 0 if self._supervisor is None else self._supervisor.health

    @property
    def ladder(self) -> Ladder:
        """Return the ladder of a plan that has one."""
        assert self._supervisor is not None and self._supervisor.ladder is not None
        return self._supervisor.ladder

    @property
    def level(self) -> int:
        """Return the tag of the level in force, 0: the plan's own; 0 for plans without a ladder."""
        return 0 if self._plan.ladder is None else self.ladder.tag

    @property
    def annunciation(self) -> int:
        """Return what a buzzer and a lamp should do now, bits of `Annunciation`."""
        assert self._supervisor is not None
        return self._supervisor.annunciation

    def reset(self) -> None:
        """Zero every sample and feature, and start again."""
        self._framer.wipe()
        self._extractor.reset()
        self._extractor.wipe_scratch()
        self._context.restart()
        self._baseline.reset()
        self._alert.reset()
        if self._diary is not None:
            self._diary.reset()
        self._fresh = True
        if self._reference is not None:
            self._reference.reset()
        if self._supervisor is not None:
            self._supervisor.reset()
        self._say_readiness()

    def _say_readiness(self) -> None:
        """Tell the supervisor whether the extractor has learnt what it needs."""
        if self._supervisor is not None:
            self._supervisor.is_ready = self._extractor.is_ready

    def _lose(self, n: int, *, pause: bool = False) -> None:
        if n == 0:
            return
        lost = self._framer.gap(n)
        self._extractor.gap(lost)
        self._context.restart()
        self._say_readiness()
        self._pass(lost, pause=pause)

    def _pass(self, hops: int, *, pause: bool) -> None:
        """Let hops pass without a sample, in a declared pause or in a gap."""
        if self._diary is not None:
            self._diary.lose(hops, pause)
        ticks = hops // (self._plan.extractor.hops_per_frame * self._plan.context.stride)
        faulty = self._supervisor is not None and self._supervisor.voids_by_fault
        for rung in (self._alert, self._reference):
            if rung is not None and not pause:
                rung.gap(ticks)
            elif rung is not None and not faulty:
                rung.pause(ticks)
        if self._supervisor is not None and pause:
            self._supervisor.pause(hops, ticks)
        elif self._supervisor is not None:
            self._supervisor.gap(hops, ticks)

    def _supervised(self, supervisor: Supervisor, ticks: Ticks) -> Iterator[Result]:
        """Yield the results of a batch of windows, hop by hop."""
        assert ticks.frames is not None
        at_hop = {hop: tick for tick, hop in enumerate(ticks.hops.tolist())}
        for window, frame in enumerate(ticks.frames):
            at = ticks.first + window
            hop = at & UINT32_MAX
            new = frame if self._fresh else frame[-self._framer.hop :]
            self._fresh = False
            for event in supervisor.hop(new, hop):
                yield Result(hop, 0, (event,), judged=False)
            self._say_readiness()
            if self._diary is not None and ticks.movement is not None:
                self._diary.hop(supervisor.voids, ticks.movement[window].tolist())
            if at in at_hop:
                tick = at_hop[at]
                result = self._supervised_tick(supervisor, hop, ticks, tick)
                if self._diary is not None and not result.void:
                    self._diary.tick(result.score)
                yield result
                if supervisor.ladder is not None:
                    yield from self._without_tick(supervisor.due(hop + 1 & UINT32_MAX))

    def _supervised_tick(self, supervisor: Supervisor, hop: int, ticks: Ticks, tick: int) -> Result:
        """Judge one tick; a void one is scored and nothing more."""
        raw = int(ticks.raw_scores[tick])
        score = self._baseline.above(raw)
        if supervisor.voids:
            return Result(hop, score, (), void=True)
        event, explained = supervisor.tick(score, hop)
        if self._reference is not None:
            self._follow(self._reference, raw, score)
        if event is not None and explained:
            event = event.with_reasons(self._reasons.run(ticks.inputs[tick], ticks.outputs[tick]))
        return Result(hop, score, () if event is None else (event,))

    def _without_tick(self, events: Iterator[Event]) -> list[Result]:
        return [Result(event.hop, 0, (event,), judged=False) for event in events]

    @property
    def _hop(self) -> int:
        return self._framer.next_hop & UINT32_MAX

    def _result(self, reference: Rung, hop: int, raw: int) -> Result:
        """Judge one tick; the reference rung decides whether the baseline follows the score."""
        score = self._baseline.above(raw)
        events = self._alert.step(score, hop)
        self._follow(reference, raw, score)
        return Result(hop, score, events)

    def _follow(self, reference: Rung, raw: int, score: int) -> None:
        """Let the baseline follow the score, unless the reference rung is in alarm."""
        reference.step(score)
        self._baseline.follow(raw, alarm=reference.in_alarm)
        self._extractor.follow(alarm=reference.in_alarm)

    def _explained(self, result: Result, inputs: Ints, outputs: Ints) -> Result:
        """Add reasons to the event that raised the alarm."""
        if result.events[0].state != State.UNACK_ALARM:
            return result
        (event,) = result.events
        return Result(result.hop, result.score, (event.with_reasons(self._reasons.run(inputs, outputs)),))


def record_for(plan: Plan, data: bytes) -> Record:
    """Read a record for a plan.

    Raises
    ------
    InputError : the record is torn, or of a plan with another ``score_id``
    """
    ladder = plan.ladder
    days = plan.extractor if isinstance(plan.extractor, DaysPlan) else None
    record = Record.from_bytes(
        data, 0 if ladder is None else ladder_bytes(ladder), 0 if days is None else state_bytes(days)
    )
    record.check(bytes.fromhex(plan.score_id)[:SCORE_TAG_BYTES], plan.framer.window, plan.framer.hop, plan.timing.n)
    n_promises = len(plan.promises or ()) if record.plan_tag == plan.tag else MAX_PROMISES  # else no promise goes on
    require(
        ladder is None or takes(ladder, n_promises, plan.timing, record),
        "record: a number of its ladder is out of its range; the pipeline begins anew",
    )
    require(
        days is None or takes_state(days, record.learnt),
        "record: a number of its profile is out of its range; the pipeline begins anew",
    )
    return record


def _diary(plan: Plan) -> Diary | None:
    """Make the diary of a plan; None for a plan without one."""
    floor = plan.extractor.floor if isinstance(plan.extractor, MotionPlan) else 0
    return None if plan.diary is None else Diary(plan.diary, floor)


def _supervisor(plan: Plan) -> Supervisor | None:
    """Make the supervisor of a plan; None for plans without an alarm, a health and a ladder section."""
    if not plan.is_supervised:
        return None
    return Supervisor(
        plan.alarm or PLAIN,
        plan.health,
        plan.timing,
        plan.levels,
        plan.columns,
        plan.extractor.hops_per_frame * plan.context.stride,
        plan.due_q31,
        plan.tag,
        plan.ladder,
        plan.promises or (),
    )
