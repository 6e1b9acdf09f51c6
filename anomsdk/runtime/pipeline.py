"""Running a plan: `Pipeline`, and whole streams in one call. Imports numpy only (and the engine's runtime)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.pipeline import Result
from anomsdk.core.plan import MAX_GAP, Plan
from anomsdk.errors import InputError
from anomsdk.runtime.engines import Engine, default_engine, open_engine
from anomsdk.runtime.engines.processed import Processed
from anomsdk.runtime.memory import wipe
from anomsdk.runtime.parallel import checked_jobs, in_order

_CHUNK = 1 << 20
"""Samples handed to an engine at once by the whole-stream calls: bounds memory, not results."""


class Pipeline:
    """A stream of samples becomes a stream of results: samples live for one window, features for one context.

    Parameters
    ----------
    plan : Plan
    engine : "native" (the default where it is built), "reference" or "tflite"; the integers are the same. Engine
        native keeps the signal in one buffer. The other two make arrays on the way: where the C port was built they
        are wiped, where it was not they leave copies in freed memory (see docs/explanation/privacy.md)
    tap : keep the model inputs of the last `process` call readable as `tapped` (for tuning on a bench)

    Raises
    ------
    InputError : the engine is unknown, or not available here. Of every method: the pipeline is closed, or another
        thread is using it, and nothing was done. A pipeline cannot be copied or pickled: it holds samples

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
        self.plan = _checked_plan(plan)
        self.engine = default_engine() if engine is None else engine
        self._tap = tap
        self._tapped: NDArray[np.int8] | None = None
        self._busy = threading.Lock()
        self._engine: Engine | None = open_engine(self.engine, plan)

    def process(self, block: NDArray[np.int16]) -> list[Result]:
        """Take a block of samples, give one result for each tick that it completes.

        However a stream is cut into blocks, the results are the same.

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
            samples = checked_block(block, self.plan.columns)
            try:
                processed = engine.process(samples, tap=self._tap)
            except BaseException:  # Ctrl-C, too: what was in scratch must not stay there
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
        """Model inputs (ticks, n_in) of the last `process` call, a copy; none after a `reset`. With ``tap=True``."""
        if not self._tap:
            raise InputError("Pipeline: tapped needs a pipeline opened with tap=True")
        inputs = self._tapped
        return np.zeros((0, self.plan.n_inputs), np.int8) if inputs is None else inputs.copy()

    def gap(self, n: int) -> None:
        """Tell the pipeline that n samples were lost, 0 to 2**31 - 1; 0 changes nothing.

        Hops go on counting as if they had come; no result spans the gap.
        """
        engine = self._taken("gap")
        try:
            lose(engine, n, "Pipeline.gap")
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
        """Wipe what was never closed; at the end of the interpreter there may be nothing left to do it with."""
        with suppress(Exception):
            self._close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse pickle, copy and deepcopy: each would be a second keeper of raw samples."""
        raise InputError("Pipeline: it holds samples and is never copied or pickled; open another one from its plan")

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
        """The engine, for this thread until it releases ``_busy``."""
        self._take(what)
        if self._engine is None:
            self._busy.release()
            raise InputError(f"Pipeline.{what}: the pipeline is closed; open a new one")
        return self._engine


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


def lose(engine: Engine, n: Any, what: str) -> None:
    """Tell an engine that n samples were lost; engines differ in what 0 would mean, so they are never told of it.

    Raises
    ------
    InputError : n is no whole number, of Python or numpy, from 0 to 2**31 - 1
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 0 <= n <= MAX_GAP:
        raise InputError(f"{what}: {n!r} is not a number of samples from 0 to {MAX_GAP}")
    if n > 0:
        engine.gap(int(n))


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
    """What scores a recording, block by block, in any number of threads; engines are used again.

    Parameters
    ----------
    plan : Plan
    engine : as `Pipeline`

    Returns
    -------
    called with blocks, int16 (n,) or (n, columns), or gaps, numbers of lost samples, and with what says that the
    scores are no longer wanted

    Raises
    ------
    InputError : as `Pipeline`; when called, as `Pipeline.process`
    """
    idle = deque([open_engine(engine, _checked_plan(plan))])

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
    _checked_plan(plan)
    if not isinstance(inputs, np.ndarray) or inputs.dtype != np.int8 or inputs.shape[1:] != (plan.n_inputs,):
        raise InputError(f"reconstruct: inputs are {_describe(inputs)}, must be int8 (n, {plan.n_inputs})")
    return open_engine(engine, plan).reconstruct(inputs)


def checked_block(block: Any, columns: int) -> NDArray[np.int16]:
    """A block as int16 (n, columns), or InputError."""
    wanted = "(n,)" if columns == 1 else f"(n, {columns})"
    if isinstance(block, np.ma.MaskedArray):
        raise InputError("samples are a masked array; fill it, or tell the pipeline of the gap")
    if not isinstance(block, np.ndarray) or block.dtype != np.dtype("=i2"):
        raise InputError(
            f"samples are {_describe(block)}, must be an int16 array {wanted}; scale and convert them first"
        )
    if block.ndim == 1 and (columns == 1 or len(block) == 0):
        return block.reshape(-1, columns)
    if block.ndim == 2 and block.shape[1] == columns:
        return block
    raise InputError(f"samples have shape {block.shape}, must be {wanted}")


def _checked_plan(plan: Any) -> Plan:
    if not isinstance(plan, Plan):
        raise InputError(f"expected a Plan, got {type(plan).__name__}; use anomsdk.read_plan or anomsdk.plan")
    return plan


def _processed(plan: Plan, samples: NDArray[np.int16], engine: str | None, *, tap: bool) -> Iterator[Processed]:
    """A whole stream through a fresh pipeline."""
    opened = open_engine(engine, _checked_plan(plan))
    rows = checked_block(samples, plan.columns)
    try:
        for start in range(0, len(rows), _CHUNK):
            yield opened.process(rows[start : start + _CHUNK], tap=tap)
    finally:
        opened.reset()


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__
