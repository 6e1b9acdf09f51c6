"""Scores of recordings in stretches between gaps, on the fast path of an engine; no samples are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.duty import is_pause
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.blocks import checked_block, lose
from anomsdk.runtime.engines import open_engine
from anomsdk.sources.clips import Clip

Scores = NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class ScoredStretch:
    """Scores of a stretch of service without a gap.

    Parameters
    ----------
    recording : name of the recording
    scores : uint32 (ticks,); void ticks are left out
    ends_s : (ticks,), end of each tick in seconds from the start of the recording
    """

    recording: str
    scores: Scores
    ends_s: NDArray[np.float64]


@dataclass(frozen=True)
class ScoredRecording:
    """Scores of a recording, and the sha256 of the samples that were judged, 64 hex digits."""

    stretches: tuple[ScoredStretch, ...]
    digest: str


def has_no_pauses(plan: Plan, stretches: Sequence[ScoredStretch]) -> bool:
    """Return True if scores of a plan with a duty came without its pauses, as those of recordings on a bench do.

    A stretch says so that has more ticks in a row than the ``on`` time of the duty.
    """
    if plan.duty is None:
        return False
    longest, apart = plan.ticks_in(plan.duty.on), 1.5 * plan.samples_per_tick / plan.rate_hz
    for stretch in stretches:
        breaks = np.flatnonzero(np.diff(stretch.ends_s) > apart) + 1
        if np.diff([0, *breaks, len(stretch.scores)]).max() > longest + 1:
            return True
    return False


def without_ladder(plan: Plan) -> Plan:
    """Return a plan that gives the same scores and void ticks on the fast path of an engine."""
    return replace(plan, ladder=None, promises=None, alarm=None)


def score_stretches(
    fast: Plan, clip: Clip, engine: str, stopped: Callable[[], bool] = lambda: False
) -> ScoredRecording:
    """Score a recording without keeping a sample; each stretch between gaps gets a fresh pipeline.

    Parameters
    ----------
    fast : plan of `without_ladder`
    clip : recording
    engine : as `anomsdk.Pipeline`
    stopped : asked before each block
    """
    opened, digest, cutter = open_engine(engine, fast), hashlib.sha256(), clip.cutter()
    found = list[ScoredStretch]()
    scores, ends = list[Scores](), list[NDArray[np.float64]]()
    piece, begin, stop = -1, 0, 0  # number of the piece; starts of the stretch and end of the last block, in samples

    def end() -> None:
        if sum(map(len, scores)):
            found.append(ScoredStretch(clip.name, np.concatenate(scores), np.concatenate(ends)))
        scores.clear()
        ends.clear()

    try:
        for new_piece, samples in clip.blocks(cutter):
            if stopped():
                raise InputError("scoring was stopped; start it again")
            if new_piece:
                piece += 1
                missing, stop = cutter.starts[piece] - stop, cutter.starts[piece]
                if piece and is_pause(fast.duty, missing):
                    lose(opened, missing, "tune")
                else:
                    end()
                    opened.reset()
                    begin = stop
            digest.update(np.ascontiguousarray(samples).data)
            processed = opened.process(checked_block(samples, fast.columns))
            judged = slice(None) if processed.void is None else ~processed.void
            scores.append(processed.scores[judged])
            ticks = processed.hops[judged].astype(np.float64)
            ends.append((begin + ticks * fast.framer.hop + fast.framer.window) / fast.rate_hz)
            stop += len(samples)
        end()
    finally:
        opened.reset()
    return ScoredRecording(tuple(found), digest.hexdigest())
