"""Scores of recordings in files, several at once, written as one .npz."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast
from anomsdk.core.plan import Plan
from anomsdk.engines import default_engine
from anomsdk.errors import InputError, printable
from anomsdk.files import write_atomically
from anomsdk.in_order import checked_jobs, in_order
from anomsdk.judged import Judged, judged
from anomsdk.memory import wiped_after_use, wiping
from anomsdk.runtime import scorer
from anomsdk.sources import Block, Recording, open_recordings
from anomsdk.wanted import Reading, Wanted

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""What a .zip can say at least: the same scores give the same bytes."""
_MARK = b"anomsdk scores"


@wiping()
def score_files(
    plan: Plan,
    sources: Sequence[str | Path],
    *,
    reading: Reading | None = None,
    engine: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, NDArray[np.uint32]]:
    """Score recordings in files and folders, each from a fresh pipeline; they are read in blocks, never whole.

    `score_and_judge` also says which share of the time was judged.

    Parameters
    ----------
    plan : Plan
    sources, reading : as `anomsdk.sources.open_recordings`
    engine, jobs : as `anomsdk.score_many`
    progress : called with samples heard so far and all that are expected; 0 where that is not known

    Returns
    -------
    name of the recording -> uint32 (ticks,), in order

    Raises
    ------
    InputError : a recording cannot be read, or two of them have one name

    Examples
    --------
    >>> score_files(plan, ["monday/", "tuesday.wav"], jobs=2)  # doctest: +SKIP
    """
    return score_and_judge(plan, sources, reading=reading, engine=engine, jobs=jobs, progress=progress)[0]


@wiping()
def score_and_judge(
    plan: Plan,
    sources: Sequence[str | Path],
    *,
    reading: Reading | None = None,
    engine: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict[str, NDArray[np.uint32]], Judged]:
    """`score_files`, and the share of the time that was judged.

    Parameters
    ----------
    plan, sources, reading, engine, jobs, progress : as `score_files`

    Returns
    -------
    scores : as `score_files`
    judged : all recordings together
    """
    recordings = _named(plan, sources, reading)
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

    def work(number: int, recording: Recording, stopped: Callable[[], bool]) -> NDArray[np.uint32]:
        with closing(wiped_after_use(recording.blocks())) as blocks:
            return score_one(counted(number, blocks), stopped)

    found = in_order(work, recordings.values(), checked_jobs(jobs), meanwhile=lambda: progress(heard, whole))
    scores = dict(zip(recordings, found, strict=True))
    every = (judged(plan, len(each), n) for each, n in zip(scores.values(), lengths_of, strict=True))
    return scores, sum(every, Judged())


def _named(plan: Plan, sources: Sequence[str | Path], reading: Reading | None) -> dict[str, Recording]:
    named: dict[str, Recording] = {}
    for source in sources:
        for recording in open_recordings(source, Wanted.of(plan.sensor, plan.columns), reading=reading):
            if recording.name in named:
                raise InputError(
                    f"{printable(source)}: there are two recordings '{recording.name}'; give the folder that holds both"
                )
            named[recording.name] = recording
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
