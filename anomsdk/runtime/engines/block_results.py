"""Results of a block of samples, in the same form for every engine."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast
from anomsdk.core.event import Event
from anomsdk.core.pipeline import Result


@dataclass(frozen=True, eq=False)
class Processed:
    """Ticks that a block completed, and the events that left without a tick.

    Parameters
    ----------
    hops : (t,), indices of the last hops of the ticks
    scores : (t,), above the baseline
    events : events of ticks with the index of their tick, in order
    inputs : (t, n_in), inputs of the model; None unless they were asked for
    notices : events without a tick with the number of ticks before them, in order
    void : (t,), True for ticks that were void; None: none was
    """

    hops: NDArray[np.uint32]
    scores: NDArray[np.uint32]
    events: tuple[tuple[int, Event], ...]
    inputs: NDArray[np.int8] | None
    notices: tuple[tuple[int, Event], ...] = ()
    void: NDArray[np.bool_] | None = None

    @property
    def n_void(self) -> int:
        """Number of void ticks."""
        return 0 if self.void is None else int(self.void.sum())

    def results(self) -> list[Result]:
        """Return one result for each tick and for each event without a tick, in order."""
        results = [Result(*pair, ()) for pair in zip(self.hops.tolist(), self.scores.tolist(), strict=True)]
        for tick, event in self.events:
            results[tick] = replace(results[tick], events=(*results[tick].events, event))
        if self.void is not None:
            for tick in np.flatnonzero(self.void).tolist():
                results[tick] = replace(results[tick], void=True)
        merged, done = list[Result](), 0
        for before, event in self.notices:
            merged += results[done:before]
            merged.append(without_tick(event))
            done = before
        return merged + results[done:]


def processed_of(results: list[Result], inputs: NDArray[np.int8] | None) -> Processed:
    """Gather results in the form in which engines return them."""
    ticks = [result for result in results if result.judged]
    notices, before = [], 0
    for result in results:
        if result.judged:
            before += 1
        else:
            notices += [(before, event) for event in result.events]
    void = np.array([result.void for result in ticks], np.bool_)
    return Processed(
        checked_cast([result.hop for result in ticks], "u4", "hops of a stream"),
        checked_cast([result.score for result in ticks], "u4", "scores of a stream"),
        tuple((tick, event) for tick, result in enumerate(ticks) for event in result.events),
        inputs,
        tuple(notices),
        void if void.any() else None,
    )


def without_tick(event: Event) -> Result:
    """Return the result of an event that left without a tick."""
    return Result(event.hop, 0, (event,), judged=False)
