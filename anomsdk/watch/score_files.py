"""Scores of recordings in files and folders, several recordings at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, UnusableInputsError, all_or_none, printable
from anomsdk.runtime.engines import default_engine
from anomsdk.runtime.judged_share import Judged, judged
from anomsdk.runtime.memory import wiped_after_use, wiping
from anomsdk.runtime.parallel import checked_jobs, in_order
from anomsdk.runtime.streams import scorer
from anomsdk.sources.clips import shared
from anomsdk.sources.files import open_skippable
from anomsdk.sources.formats.motion.first_reading import Beginning, Blocks, Hear, gathered
from anomsdk.sources.formats.stored_samples import Block
from anomsdk.sources.recording import Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat


@wiping()
def score_files(
    plan: Plan,
    sources: Sequence[str | Path],
    *,
    reading: ReadOptions | None = None,
    engine: str | None = None,
    jobs: int | None = None,
    on_bad: Callable[[str], None] | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, NDArray[np.uint32]]:
    """Score recordings in files and folders, each with a fresh pipeline and read in blocks, never whole.

    `score_and_judge` also returns the share of the time that was judged.

    Parameters
    ----------
    plan : Plan
    sources, reading : see `anomsdk.sources.open_recordings`
    engine, jobs : see `anomsdk.score_many`
    on_bad : called with one line for each unusable file and each damaged recording, which are then left out. By default
        they are an error that names all of them. Motion is scored while it is checked, in one reading where its first
        rows show how to convert it; scores of a file that turns out to be unusable are dropped
    report : called with each note about the recordings, one line, before an error about damaged recordings
    progress : called with the samples scored so far and the samples of all recordings; 0: not known

    Returns
    -------
    name of the recording -> uint32 (ticks,), in the order of the sources

    Raises
    ------
    InputError : a recording cannot be read, or with ``on_bad`` none can; two recordings have the same name

    Examples
    --------
    >>> score_files(plan, ["monday/", "tuesday.wav"], jobs=2)  # doctest: +SKIP
    """
    return score_and_judge(
        plan, sources, reading=reading, engine=engine, jobs=jobs, on_bad=on_bad, report=report, progress=progress
    )[0]


@wiping()
def score_and_judge(
    plan: Plan,
    sources: Sequence[str | Path],
    *,
    reading: ReadOptions | None = None,
    engine: str | None = None,
    jobs: int | None = None,
    on_bad: Callable[[str], None] | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict[str, NDArray[np.uint32]], Judged]:
    """Score recordings as `score_files` does, and measure the share of the time that was judged.

    Parameters
    ----------
    plan, sources, reading, engine, jobs, on_bad, report, progress : see `score_files`

    Returns
    -------
    scores : name of the recording -> uint32 (ticks,), see `score_files`
    judged : share of the time of all recordings together
    """
    score_one = scorer(plan, default_engine(plan) if engine is None else engine)
    lock = threading.Lock()
    done = whole = 0

    def took(n: int) -> None:
        nonlocal done
        with lock:
            done += n

    def hear(blocks: Blocks, beginning: Beginning) -> _Scored | str:
        nonlocal done
        before = done

        def heeded() -> bool:
            progress(done, 0)  # how much follows is not known yet
            return False

        scored = _scored(score_one, blocks, heeded, took)
        done = before  # counted where the recording is approved
        return scored

    recordings = _named(plan, sources, reading, on_bad, hear)
    motion = plan.sensor.kind == "motion"
    for line in shared((each.name, each.notes if motion else each.odd) for each in recordings.values()):
        report(line)
    lengths = [recording.length for recording in recordings.values()]
    whole = 0 if None in lengths else sum(length or 0 for length in lengths)

    def work(number: int, recording: Recording, stopped: Callable[[], bool]) -> _Scored | str:
        if recording.heard is None:
            return _scored(score_one, recording.blocks(), stopped, took)
        found: _Scored | str = recording.heard
        took(found.samples if isinstance(found, _Scored) else 0)
        return found

    found, damaged = dict[str, NDArray[np.uint32]](), list[str]()
    scored = in_order(work, recordings.values(), checked_jobs(jobs), meanwhile=lambda: progress(done, whole))
    share = Judged()
    for name, each in zip(recordings, scored, strict=True):
        if isinstance(each, str):
            damaged.append(each)
        else:
            found[name] = each.scores
            share += judged(plan, len(each.scores) - each.void, each.samples + each.missing, void=each.void)
    if damaged and (on_bad is None or not found):
        raise UnusableInputsError(damaged, skippable=on_bad is None and len(recordings) > 1)
    for line in damaged:
        assert on_bad is not None
        on_bad(line)
    recordings.clear()  # those of a diary hold its rows, and the functions above keep the dictionary alive
    return found, share


@dataclass
class _Scored:
    """Scores of one recording, uint32 (ticks,); its void ticks, samples, and samples missing in gaps."""

    scores: NDArray[np.uint32]
    void: int = 0
    samples: int = 0
    missing: int = 0


def _scored(
    score_one: Callable[[Any, Callable[[], bool]], tuple[NDArray[np.uint32], int]],
    blocks: Blocks,
    stopped: Callable[[], bool],
    took: Callable[[int], None],
) -> _Scored | str:
    """Score the blocks of one recording; return an error in words.

    Parameters
    ----------
    score_one : from `anomsdk.runtime.streams.scorer`
    blocks : blocks and gaps
    stopped : tells whether to stop
    took : called with the number of samples in each block that was scored
    """
    found = _Scored(np.zeros(0, np.uint32))

    def counted(blocks: Blocks) -> Iterator[Block | int]:
        for block in blocks:
            yield block
            if isinstance(block, int):
                found.missing += block
            else:
                found.samples += len(block)
                took(len(block))

    try:
        with closing(wiped_after_use(gathered(blocks))) as each:
            found.scores, found.void = score_one(counted(each), stopped)
    except InputError as error:
        return str(error)
    return found


def _named(
    plan: Plan,
    sources: Sequence[str | Path],
    reading: ReadOptions | None,
    on_bad: Callable[[str], None] | None,
    hear: Hear,
) -> dict[str, Recording]:
    def opened(source: str | Path) -> list[Recording]:
        try:
            stream_format = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
            return open_skippable(source, stream_format, reading=reading, on_bad=on_bad, hear=hear)
        except InputError as error:
            if isinstance(error, UnusableInputsError) or len(sources) == 1:
                raise
            if on_bad is None:
                raise UnusableInputsError([str(error)], skippable=True) from None
            on_bad(str(error))
            return []

    named: dict[str, Recording] = {}
    for source, recordings in zip(sources, all_or_none(*(partial(opened, each) for each in sources)), strict=True):
        for recording in recordings:
            if recording.name in named:
                raise InputError(
                    f"{printable(source)}: two recordings are named '{recording.name}'; give the folder that holds both"
                )
            named[recording.name] = recording
    if not named:
        raise InputError(f"none of {len(sources)} inputs can be used; give others")
    return named
