"""Whole streams in one call, each through a fresh pipeline: scores, features, and the model stage alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.blocks import checked_block, checked_plan, described, lose
from anomsdk.runtime.engines import default_engine, open_engine
from anomsdk.runtime.engines.processed import Processed
from anomsdk.runtime.parallel import checked_jobs, in_order

_CHUNK = 1 << 20
"""Samples handed to an engine at once by the whole-stream calls: bounds memory, not results."""


def score(plan: Plan, samples: NDArray[np.int16], engine: str | None = None) -> NDArray[np.uint32]:
    """Scores of a whole stream, from a fresh pipeline: those of its results.

    Parameters
    ----------
    plan : Plan
    samples : int16 (n,) or (n, columns)
    engine : as `Pipeline`

    Returns
    -------
    uint32 (ticks,)

    Examples
    --------
    >>> import anomsdk, numpy as np
    >>> scores = anomsdk.score(anomsdk.reference_model("audio_scene"), np.zeros(32000, np.int16))
    >>> scores.dtype, scores.shape
    (dtype('uint32'), (4,))
    """
    chunks = _processed(plan, samples, engine, tap=False)
    return np.concatenate([np.zeros(0, np.uint32), *(chunk.scores for chunk in chunks)])


def score_many(
    plan: Plan,
    recordings: Iterable[NDArray[np.int16] | Iterable[NDArray[np.int16] | int]],
    *,
    engine: str | None = None,
    jobs: int | None = None,
) -> Iterator[NDArray[np.uint32]]:
    """Scores of many recordings, several at once: for each those that `score` gives.

    Parameters
    ----------
    plan : Plan
    recordings : each int16 (n,) or (n, columns), or an iterable of such blocks, which is read where it is scored, in a
        thread; an int among them is a gap, as `Pipeline.gap` takes it. They are taken as they are needed: no more than
        ``jobs + 1`` are alive at a time
    engine : as `Pipeline`
    jobs : threads; by default one for each processor that this process may use

    Yields
    ------
    uint32 (ticks,), in the order of the recordings

    Raises
    ------
    InputError : as `score`; of a recording in its turn, with its number, after the scores of those before it

    Examples
    --------
    >>> import anomsdk, numpy as np
    >>> plan = anomsdk.reference_model("audio_scene")
    >>> recordings = (np.zeros(seconds * 16000, np.int16) for seconds in (2, 3, 4))
    >>> [len(scores) for scores in anomsdk.score_many(plan, recordings, jobs=2)]
    [4, 8, 12]
    """
    chosen = default_engine() if engine is None else engine
    score_one = scorer(plan, chosen)

    def work(number: int, recording: Any, stopped: Callable[[], bool]) -> NDArray[np.uint32]:
        try:
            return score_one([recording] if isinstance(recording, np.ndarray) else recording, stopped)
        except InputError as error:
            raise InputError(f"recordings[{number}]: {error}") from None

    return in_order(work, recordings, checked_jobs(jobs))


def scorer(plan: Plan, engine: str) -> Callable[[Any, Callable[[], bool]], NDArray[np.uint32]]:
    """Make a function that scores a recording, block by block, in any number of threads; engines are used again.

    Parameters
    ----------
    plan : Plan
    engine : as `Pipeline`

    Returns
    -------
    function of the blocks, int16 (n,) or (n, columns), or gaps, numbers of lost samples, and of a function that returns
    True once the scores are no longer wanted

    Raises
    ------
    InputError : as `Pipeline`; when called, as `Pipeline.process`
    """
    idle = deque([open_engine(engine, checked_plan(plan))])

    def score_blocks(blocks: Iterable[NDArray[np.int16]], stopped: Callable[[], bool]) -> NDArray[np.uint32]:
        try:
            opened = idle.pop()
        except IndexError:
            opened = open_engine(engine, plan)
        scores = [np.zeros(0, np.uint32)]
        try:
            if not isinstance(blocks, Iterable):
                checked_block(blocks, plan.columns)  # refuses it
                blocks = ()
            for block in blocks:
                if isinstance(block, (int, np.integer)):
                    lose(opened, block, "score_many")
                    continue
                rows = checked_block(block, plan.columns)
                for start in range(0, len(rows), _CHUNK):
                    if stopped():
                        raise InputError("scoring was stopped")
                    scores.append(opened.process(rows[start : start + _CHUNK]).scores)
        finally:
            opened.reset()
        idle.append(opened)
        return np.concatenate(scores)

    return score_blocks


def features(plan: Plan, samples: NDArray[np.int16], engine: str | None = None) -> NDArray[np.int8]:
    """Inputs of the model for a whole stream, from a fresh pipeline.

    Parameters
    ----------
    plan : Plan
    samples : int16 (n,) or (n, columns)
    engine : as `Pipeline`

    Returns
    -------
    int8 (ticks, n_in)

    Examples
    --------
    >>> import anomsdk, numpy as np
    >>> plan = anomsdk.reference_model("audio_scene")
    >>> inputs = anomsdk.features(plan, np.zeros(32000, np.int16))
    >>> inputs.shape == (plan.ticks_in(32000), plan.n_inputs)
    True
    """
    chunks = [chunk.inputs for chunk in _processed(plan, samples, engine, tap=True) if chunk.inputs is not None]
    return np.concatenate([np.zeros((0, plan.n_inputs), np.int8), *chunks])


def reconstruct(plan: Plan, inputs: NDArray[np.int8], engine: str | None = None) -> NDArray[np.int8]:
    """The model stage alone.

    Parameters
    ----------
    plan : Plan
    inputs : int8 (n, n_in), any values
    engine : as `Pipeline`

    Returns
    -------
    int8 (n, n_out)

    Examples
    --------
    >>> import anomsdk, numpy as np
    >>> plan = anomsdk.reference_model("audio_scene")
    >>> inputs = np.zeros((3, plan.n_inputs), np.int8)
    >>> anomsdk.reconstruct(plan, inputs).shape == inputs.shape
    True
    """
    checked_plan(plan)
    if not isinstance(inputs, np.ndarray) or inputs.dtype != np.int8 or inputs.shape[1:] != (plan.n_inputs,):
        raise InputError(f"reconstruct: inputs are {described(inputs)}, must be int8 (n, {plan.n_inputs})")
    return open_engine(engine, plan).reconstruct(inputs)


def _processed(plan: Plan, samples: NDArray[np.int16], engine: str | None, *, tap: bool) -> Iterator[Processed]:
    """A whole stream through a fresh pipeline."""
    opened = open_engine(engine, checked_plan(plan))
    rows = checked_block(samples, plan.columns)
    try:
        for start in range(0, len(rows), _CHUNK):
            yield opened.process(rows[start : start + _CHUNK], tap=tap)
    finally:
        opened.reset()
