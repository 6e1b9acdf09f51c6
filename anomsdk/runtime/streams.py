"""Whole streams in one call, each through a fresh pipeline: scores, features, and the model stage alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.pipeline import record_for
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.blocks import checked_block, checked_plan, described, lose
from anomsdk.runtime.engines import default_engine, open_engine
from anomsdk.runtime.engines.block_results import Processed
from anomsdk.runtime.memory import clearing_frames, wipe_leftovers, wiping
from anomsdk.runtime.parallel import checked_jobs, in_order
from anomsdk.runtime.sealed_process import refuse_sealed

_CHUNK = 1 << 20
"""Samples handed to an engine at once; it limits the memory, and does not change the results."""


def score(
    plan: Plan, samples: NDArray[np.int16], engine: str | None = None, *, state: bytes | None = None
) -> NDArray[np.uint32]:
    """Score a whole stream with a fresh pipeline: one score for each of its results.

    A sample of a diary is the row of one slot; a missing row, one with a value of -32768, takes time and has no score.

    Parameters
    ----------
    plan : Plan
    samples : int16 (n,) or (n, columns). Of a diary: one row a slot, -32768 where it is missing. A missing row gives no
        score, and neither do the days that are learnt first
    engine : as in `Pipeline`
    state : record that `Pipeline.state` returned, from which the stream goes on: a plan of days judges at once what
        its profile has learnt; None: from the beginning

    Raises
    ------
    InputError : as in `Pipeline.process`, or ``state`` is torn or of another plan

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
    chunks = _processed(plan, samples, engine, tap=False, state=state)
    return np.concatenate([np.zeros(0, np.uint32), *(chunk.scores for chunk in chunks)])


def score_many(
    plan: Plan,
    recordings: Iterable[NDArray[np.int16] | Iterable[NDArray[np.int16] | int]],
    *,
    engine: str | None = None,
    jobs: int | None = None,
) -> Iterator[NDArray[np.uint32]]:
    """Score many recordings, several at a time, each as `score` does.

    Parameters
    ----------
    plan : Plan
    recordings : each int16 (n,) or (n, columns), or an iterable of such blocks, which is read in the thread that scores
        it; an int among the blocks is a gap in samples, as in `Pipeline.gap`. Recordings are taken only when they are
        needed: at most ``jobs + 1`` are alive at a time. A generator is closed when its recording ends, early or not
    engine : as in `Pipeline`
    jobs : number of threads, 1 to 1024; by default one for each processor that this process may use

    Yields
    ------
    uint32 (ticks,), in the order of the recordings

    Raises
    ------
    InputError : as in `score`; an error in a recording has its number, and comes after the scores of those before it

    Examples
    --------
    >>> import anomsdk, numpy as np
    >>> plan = anomsdk.reference_model("audio_scene")
    >>> recordings = (np.zeros(seconds * 16000, np.int16) for seconds in (2, 3, 4))
    >>> [len(scores) for scores in anomsdk.score_many(plan, recordings, jobs=2)]
    [4, 8, 12]
    """
    chosen = default_engine(checked_plan(plan)) if engine is None else engine
    score_one = scorer(plan, chosen)

    def work(number: int, recording: Any, stopped: Callable[[], bool]) -> NDArray[np.uint32]:
        try:
            return score_one([recording] if isinstance(recording, np.ndarray) else recording, stopped)[0]
        except InputError as error:
            raise InputError(f"recordings[{number}]: {error}") from None

    return in_order(work, recordings, checked_jobs(jobs))


def scorer(plan: Plan, engine: str) -> Callable[[Any, Callable[[], bool]], tuple[NDArray[np.uint32], int]]:
    """Make a function that scores recordings block by block, in any number of threads, and reuses its engines.

    Parameters
    ----------
    plan : Plan
    engine : as in `Pipeline`

    Returns
    -------
    function that takes an iterable of blocks, int16 (n,) or (n, columns), and gaps, numbers of lost samples, and a
    function that tells whether to stop; it returns the scores, uint32 (ticks,), and the number of void ticks

    Raises
    ------
    InputError : as in `Pipeline`; the returned function raises it as in `Pipeline.process`
    """
    idle = deque([open_engine(engine, checked_plan(plan))])

    def score_blocks(
        blocks: Iterable[NDArray[np.int16]], stopped: Callable[[], bool]
    ) -> tuple[NDArray[np.uint32], int]:
        try:
            opened = idle.pop()
        except IndexError:
            opened = open_engine(engine, plan)
        scores, void = [np.zeros(0, np.uint32)], 0
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
                    with clearing_frames():
                        processed = opened.process(rows[start : start + _CHUNK])
                    scores.append(processed.scores)
                    void += processed.n_void
        finally:
            opened.reset()
            if isinstance(blocks, Generator):
                blocks.close()  # a kept error would keep it in the middle, with its block
        idle.append(opened)
        return np.concatenate(scores), void

    return score_blocks


def features(plan: Plan, samples: NDArray[np.int16], engine: str | None = None) -> NDArray[np.int8]:
    """Compute the model's inputs for a whole stream with a fresh pipeline.

    Parameters
    ----------
    plan : Plan
    samples : int16 (n,) or (n, columns)
    engine : as in `Pipeline`

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
    refuse_sealed("features", "compute them in a process that is not sealed")
    chunks = [chunk.inputs for chunk in _processed(plan, samples, engine, tap=True) if chunk.inputs is not None]
    with wiping():
        joined = np.concatenate([np.zeros((0, plan.n_inputs), np.int8), *chunks])
    wipe_leftovers()
    return joined


def reconstruct(plan: Plan, inputs: NDArray[np.int8], engine: str | None = None) -> NDArray[np.int8]:
    """Run the model stage alone.

    Parameters
    ----------
    plan : Plan
    inputs : int8 (n, n_in), any values
    engine : as in `Pipeline`

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
        raise InputError(
            f"reconstruct: inputs are {described(inputs)}, must be int8 (n, {plan.n_inputs}); use those of features"
        )
    opened = open_engine(engine, plan)
    with wiping():
        outputs = opened.reconstruct(inputs)
    wipe_leftovers()
    return outputs


def _processed(
    plan: Plan, samples: NDArray[np.int16], engine: str | None, *, tap: bool, state: bytes | None = None
) -> Iterator[Processed]:
    """Run a whole stream through a fresh pipeline, or one that goes on from a record, chunk by chunk."""
    opened = open_engine(engine, checked_plan(plan))
    rows = checked_block(samples, plan.columns)
    try:
        if state is not None and not opened.restore(state):
            record_for(plan, state)  # refuses it, and says why
        for start in range(0, len(rows), _CHUNK):
            with clearing_frames():
                processed = opened.process(rows[start : start + _CHUNK], tap=tap)
            yield processed
    finally:
        opened.reset()
