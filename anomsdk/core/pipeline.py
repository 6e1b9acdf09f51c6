"""Pipeline: the stages of a plan in their order. Reads like a table of contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.alert import Alert
from anomsdk.core.bands import Bands
from anomsdk.core.baseline import Baseline
from anomsdk.core.context import Context
from anomsdk.core.event import Event, State
from anomsdk.core.external import External
from anomsdk.core.extractor import Extractor, ExtractorPlan
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.core.framer import BATCH, Framer
from anomsdk.core.logmel import Logmel
from anomsdk.core.motion import Motion
from anomsdk.core.plan import Plan
from anomsdk.core.reasons import Reasons
from anomsdk.core.rung import Rung, levels
from anomsdk.core.score import Score


@dataclass(frozen=True)
class Result:
    """Result of one tick, which is one run of the model. Nothing else leaves a pipeline.

    Parameters
    ----------
    hop : index of the tick's last hop, modulo 2**32
    score : reconstruction error above the baseline, 0 to 2**32 - 1, high = anomalous
    events : changes of the alarm, usually none
    """

    hop: int
    score: int
    events: tuple[Event, ...]


@dataclass(frozen=True, eq=False)
class Ticks:
    """Ticks of one batch of windows, before the baseline and the alert logic."""

    hops: Ints  # (t,)
    inputs: Ints  # (t, n_in)
    outputs: Ints  # (t, n_in), of the model
    raw_scores: Ints  # (t,)


class Model(Protocol):
    """Model stage, the only part in which the engines in Python differ."""

    def run(self, inputs: Ints) -> Ints:
        """Compute outputs (n, n_out) from inputs (n, n_in), both int64 in int8 range."""


EXTRACTORS: dict[str, Callable[[Any, int], Extractor]] = {
    "logmel": Logmel,
    "bands": Bands,
    "motion": lambda plan, batch: Motion(plan),
    "external": lambda plan, batch: External(plan),
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
        self._framer = Framer(plan.framer, plan.columns)
        self._extractor = extractor_for(plan.extractor)
        self._context = Context(plan.context, plan.extractor.n_features)
        self._model = model
        self._score = Score(plan.score)
        self._baseline = Baseline(plan.baseline)
        self._reference = _reference_of(plan)
        self._alert = Alert(plan.timing, plan.levels, plan.tag)
        self._reasons = Reasons(plan.reasons, plan.score)

    def ticks(self, block: NDArray[np.int16]) -> Iterator[Ticks]:
        """Take a block (n, columns) and yield the ticks that it completes, batch by batch."""
        for first, frames in self._framer.push(block):
            features, at_window = self._extractor.push(frames)
            inputs, at_frame = self._context.push(features)
            if len(inputs):
                outputs = self._model.run(inputs)
                scores = self._score.run(inputs, outputs)
                yield Ticks(first + at_window[at_frame], inputs, outputs, scores)

    def results(self, ticks: Ticks) -> list[Result]:
        """Turn ticks into results, by the baseline and the alert logic."""
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
        return found

    def gap(self, n: int) -> None:
        """Go on after ``n`` lost samples as a fresh pipeline would, at the first hop after them.

        The hop count, the baseline and the alarm go on; windows and frames that span the gap are dropped.
        """
        lost = self._framer.gap(n)
        self._extractor.restart()
        self._context.restart()
        lost_ticks = lost // (self._plan.extractor.hops_per_frame * self._plan.context.stride)
        self._alert.gap(lost_ticks)
        if self._reference is not None:
            self._reference.gap(lost_ticks)

    def reset(self) -> None:
        """Zero every sample and feature, and start again."""
        self._framer.wipe()
        self._extractor.restart()
        self._extractor.wipe_scratch()
        self._context.restart()
        self._baseline.reset()
        self._alert.reset()
        if self._reference is not None:
            self._reference.reset()

    def _result(self, reference: Rung, hop: int, raw: int) -> Result:
        """Judge one tick; the reference rung decides whether the baseline follows the score."""
        score = self._baseline.above(raw)
        events = self._alert.step(score, hop)
        reference.step(score)
        self._baseline.follow(raw, alarm=reference.in_alarm)
        return Result(hop, score, events)

    def _explained(self, result: Result, inputs: Ints, outputs: Ints) -> Result:
        """Add reasons to the event that raised the alarm."""
        if result.events[0].state != State.UNACK_ALARM:
            return result
        (event,) = result.events
        return Result(result.hop, result.score, (event.with_reasons(self._reasons.run(inputs, outputs)),))
