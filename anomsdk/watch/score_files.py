"""Scores of recordings in files, several at once, written as one .npz."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, UnusableInputsError, all_or_none, printable
from anomsdk.runtime.engines import default_engine
from anomsdk.runtime.judged_share import Judged, judged
from anomsdk.runtime.memory import wiped_after_use, wiping
from anomsdk.runtime.parallel import checked_jobs, in_order
from anomsdk.runtime.streams import scorer
from anomsdk.sources.clips import shared
from anomsdk.sources.files import open_skippable
from anomsdk.sources.formats.stored import Block
from anomsdk.sources.recording import Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat
from anomsdk.utils.files import write_atomically

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""What a .zip can say at least: the same scores give the same bytes."""
_MARK = b"anomsdk scores"


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
    """Score recordings in files and folders, each from a fresh pipeline; they are read in blocks, never whole.

    `score_and_judge` also says which share of the time was judged.

    Parameters
    ----------
    plan : Plan
    sources, reading : as `anomsdk.sources.open_recordings`
    engine, jobs : as `anomsdk.score_many`
    on_bad : called with one line for each file, and each recording that turns out damaged, which is then left out; by
        default they are an error, which names all of them: files before anything is scored
    report : called with what was noticed about the recordings, a line each, before they are scored
    progress : called with samples heard so far and all that are expected; 0 where that is not known

    Returns
    -------
    name of the recording -> uint32 (ticks,), in order

    Raises
    ------
    InputError : a recording cannot be read, or none can, or two of them have one name

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
    """`score_files`, and the share of the time that was judged.

    Parameters
    ----------
    plan, sources, reading, engine, jobs, on_bad, report, progress : as `score_files`

    Returns
    -------
    scores : as `score_files`
    judged : all recordings together
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
    lengths_of = [0] * len(recordings)  # missing samples among them

    def counted(number: int, blocks: Iterator[Block | int]) -> Iterator[Block | int]:
        nonlocal heard
        for block in blocks:
            yield block
            lengths_of[number] += block if isinstance(block, int) else len(block)
            with lock:
                heard += 0 if isinstance(block, int) else len(block)

    def work(number: int, recording: Recording, stopped: Callable[[], bool]) -> NDArray[np.uint32] | str:
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
            found[name] = scores
            share += judged(plan, len(scores), length)
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
            return open_skippable(source, StreamFormat.of(plan.sensor, plan.columns), reading=reading, on_bad=on_bad)
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
                    f"{printable(source)}: there are two recordings '{recording.name}'; give the folder that holds both"
                )
            named[recording.name] = recording
    if not named:
        raise InputError(f"none of {len(sources)} inputs can be used; give others")
    return named


def check_scores_place(path: Path) -> None:
    """Refuse, before anything is scored, a place that scores cannot be written to.

    Raises
    ------
    InputError : another kind of file, one that holds no scores, or a folder that is not there
    """
    where = printable(path)
    if path.suffix != ".npz":
        raise InputError(f"{where}: scores of recordings are written as .npz; give a name that ends so")
    if not path.parent.is_dir():
        raise InputError(f"{where}: there is no folder {printable(path.parent)}; make it first")
    if path.exists() and not _holds_scores(path):
        raise InputError(f"{where}: exists and holds no scores; choose another name, or move it away")


def write_scores(scores: Mapping[str, NDArray[np.uint32]], path: Path) -> None:
    """Write scores as a .npz, an array a recording, under its name.

    Parameters
    ----------
    scores : as `score_files` gives them
    path : replaced as a whole; see `check_scores_place`

    Raises
    ------
    InputError : the file cannot be written
    """
    check_scores_place(path)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.comment = _MARK
        for name, values in scores.items():
            member = io.BytesIO()
            np.save(member, checked_cast(values, "<u4", name))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _FIRST_DAY), member.getvalue())
    write_atomically(path.resolve(), data.getvalue())  # a link stays a link


def _holds_scores(path: Path) -> bool:
    """Whether this is what an earlier run may have written: nothing else is ever replaced."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment == _MARK
    except (OSError, zipfile.BadZipFile):
        return False
