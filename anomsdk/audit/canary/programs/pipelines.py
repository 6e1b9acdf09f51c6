"""Program: pipelines of one engine that hear a part of a signal each, and what ends the stay of samples in them.

It stands still while some pipelines are open and the others have ended, and again when all have ended.

Arguments: plan.json, engine, signal.npy, and the bounds of the part of each name in `OPEN` and `ENDED` as JSON.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.canary.programs.moments import fed, part_of, stand_still
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.plans.file import read_plan
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.runtime.streams import features, reconstruct, score_many

UNEVEN = (700, 3, 1, 1999, 2, 5001, 640, 333)
"""Lengths of blocks that end nowhere in particular."""
SINGLY = 600
"""Samples that are handed on one by one at the end of a part."""
OPEN = ("in one block", "in uneven blocks", "sample by sample")
"""Parts whose pipelines are open at the first moment."""
LONG = ("in uneven blocks", "closed", "features", "score_many, stopped")
"""Parts that are long enough for several ticks."""
ENDED = (
    "before a gap",
    "before a record was restored",
    "before a reset",
    "closed",
    "left by an exception",
    "interrupted",
    "never closed",
    "tapped",
    "features",
    "score_many",
    "score_many, left early",
    "score_many, damaged",
    "score_many, stopped",
)
"""Parts of which nothing is left at either moment."""

KEPT = ENDED[:2]
"""Parts of `ENDED` of which a plan of days keeps the rows of a day: over a gap, and in a record."""
_TRIES = 200
"""Most attempts to interrupt a pipeline at its work."""
ODD = 37
"""Samples that a part is short of whole hops, so that a window is never just full."""

Samples = NDArray[np.int16]


def main() -> None:
    """Play each part, and stand still twice."""
    plan_file, engine, signal_file, bounds = sys.argv[1:5]
    plan, spans = read_plan(plan_file), json.loads(bounds)

    def part(name: str) -> Samples:
        first, last = spans[name]
        return part_of(signal_file, first, last - ODD, plan.columns)

    def opened(*, tap: bool = False) -> Pipeline:
        return Pipeline(plan, engine, tap=tap)

    several = [opened() for _ in OPEN]
    for pipeline, name in zip(several, OPEN, strict=True):
        samples = part(name)
        sizes = {OPEN[0]: (len(samples),), OPEN[1]: UNEVEN}.get(name, (len(samples) - SINGLY, 1))
        fed(pipeline.process, samples, sizes)
    del samples
    kept = [_after_a_gap(opened(), part), _restored(opened(), part), _reset(opened(), part)]
    _closed(opened(), part)
    errors = [_left(opened(), part), _interrupted(opened, part)]
    fed(opened().process, part("never closed"), (1500,))
    _tapped(opened(tap=True), part)
    _features(plan, engine, part)
    errors += _many(plan, engine, part)
    gc.collect()
    stand_still()
    for pipeline in several:
        pipeline.close()
    del pipeline
    stand_still()
    del several, kept, errors


def _after_a_gap(pipeline: Pipeline, part: Callable[[str], Samples]) -> Pipeline:
    """Lose samples; the pipeline stays open."""
    fed(pipeline.process, part("before a gap"), (1500,))
    pipeline.gap(1)
    return pipeline


def _restored(pipeline: Pipeline, part: Callable[[str], Samples]) -> tuple[Pipeline, bytes]:
    """Save after each block and go on with the last record; the pipeline and the record stay."""
    record = b""

    def take(block: Samples) -> None:
        nonlocal record
        pipeline.process(block)
        record = pipeline.state()

    fed(take, part("before a record was restored"), (1500,))
    pipeline.restore(record)
    return pipeline, record


def _reset(pipeline: Pipeline, part: Callable[[str], Samples]) -> Pipeline:
    """Reset the pipeline, which stays open."""
    fed(pipeline.process, part("before a reset"), (1500,))
    pipeline.reset()
    return pipeline


def _closed(pipeline: Pipeline, part: Callable[[str], Samples]) -> None:
    """Leave the context; all inputs from outside are given before."""
    with pipeline:

        def take(block: Samples) -> None:
            pipeline.process(block)
            if pipeline.plan.is_supervised:
                pipeline.acknowledge()
                pipeline.silence(1)
                pipeline.test()

        fed(take, part("closed"), UNEVEN)


def _left(pipeline: Pipeline, part: Callable[[str], Samples]) -> BaseException | None:
    """Raise within the context, and keep the exception with its traceback."""
    samples = part("left by an exception")
    try:
        with pipeline:
            fed(pipeline.process, samples, (1500,))
            pipeline.process(np.zeros(3, np.float32))
    except InputError as error:
        return error
    return None


def _interrupted(opened: Callable[[], Pipeline], part: Callable[[str], Samples]) -> BaseException | None:
    """Press Ctrl-C while a pipeline computes, which it ends with; keep the exception with its traceback."""
    samples = part("interrupted")
    handler = signal.signal(signal.SIGALRM, _press)
    kept: BaseException | None = None
    try:
        for attempt in range(_TRIES):
            pipeline = opened()
            try:
                signal.setitimer(signal.ITIMER_REAL, 2e-4 * (1 + attempt % 10))
                pipeline.process(samples)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt as error:
                kept = error
            try:
                pipeline.reset()
            except InputError:
                break  # it has ended
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        samples.fill(0)
    return kept


def _press(number: int, frame: Any) -> None:
    """Do what Python does on Ctrl-C."""
    raise KeyboardInterrupt


def _tapped(pipeline: Pipeline, part: Callable[[str], Samples]) -> None:
    """Keep the model's inputs readable, and close."""
    with pipeline:
        fed(pipeline.process, part("tapped"), (1500,))


def _features(plan: Plan, engine: str, part: Callable[[str], Samples]) -> None:
    """Compute the model's inputs and outputs; nobody keeps them."""
    samples = part("features")
    reconstruct(plan, features(plan, samples, engine), engine)
    samples.fill(0)


def _many(plan: Plan, engine: str, part: Callable[[str], Samples]) -> list[BaseException]:
    """Score recordings in threads: to their end, left early, and damaged."""
    errors = list[BaseException]()

    def blocks(name: str) -> Iterator[Samples]:
        samples = part(name)
        try:
            for at in range(0, len(samples), 1000):
                yield samples[at : at + 1000]
            if name.endswith("damaged"):
                raise InputError("damaged")
        finally:
            samples.fill(0)

    for scores in score_many(plan, [blocks("score_many")], engine=engine, jobs=2):
        del scores
    left = score_many(plan, [blocks("score_many, left early"), blocks("score_many")], engine=engine, jobs=2)
    next(left)
    left.close()  # type: ignore[attr-defined]
    for jobs, names in ((1, ["score_many, damaged"]), (2, ["score_many, damaged", "score_many, stopped"])):
        try:
            list(score_many(plan, [blocks(name) for name in names], engine=engine, jobs=jobs))
        except InputError as error:
            errors.append(error)
    return errors


if __name__ == "__main__":
    main()
