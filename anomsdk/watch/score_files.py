"""Scores of recordings in files and folders, several recordings at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

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
        they are an error that names all of them; unusable files are found before anything is scored
    report : called with each note about the recordings, one line, before they are scored
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
    recordings = _named(plan, sources, reading, on_bad)
    motion = plan.sensor.kind == "motion"
    for line in shared((each.name, each.notes if motion else each.odd) for each in recordings.values()):
        report(line)
    score_one = scorer(plan, default_engine() if engine is None else engine)
    lengths = [recording.length for recording in recordings.values()]
    whole = 0 if None in lengths else sum(length or 0 for length in lengths)
    heard = 0
    lock = threading.Lock()
    lengths_of = [0] * len(recordings)  # with missing samples

    def counted(number: int, blocks: Iterator[Block | int]) -> Iterator[Block | int]:
        nonlocal heard
        for block in blocks:
            yield block
            lengths_of[number] += block if isinstance(block, int) else len(block)
            with lock:
                heard += 0 if isinstance(block, int) else len(block)

    def work(number: int, recording: Recording, stopped: Callable[[], bool]) -> tuple[NDArray[np.uint32], int] | str:
        try:
            with closing(wiped_after_use(recording.blocks())) as blocks:
                return score_one(counted(number, blocks), stopped)
        except InputError as error:
            return str(error)

    found, damaged = dict[str, NDArray[np.uint32]](), list[str]()
    scored = in_order(work, recordings.values(), checked_jobs(jobs), meanwhile=lambda: progress(heard, whole))
    share = Judged()
    for name, scores, length in zip(recordings, scored, lengths_of, strict=True):
        if isinstance(scores, str):
            damaged.append(scores)
        else:
            found[name], void = scores
            share += judged(plan, len(found[name]) - void, length, void=void)
    if damaged and (on_bad is None or not found):
        raise UnusableInputsError(damaged, skippable=on_bad is None and len(recordings) > 1)
    for line in damaged:
        assert on_bad is not None
        on_bad(line)
    return found, share


def _named(
    plan: Plan, sources: Sequence[str | Path], reading: ReadOptions | None, on_bad: Callable[[str], None] | None
) -> dict[str, Recording]:
    def opened(source: str | Path) -> list[Recording]:
        try:
            return open_skippable(
                source, StreamFormat.of(plan.sensor, plan.columns, plan.duty), reading=reading, on_bad=on_bad
            )
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
