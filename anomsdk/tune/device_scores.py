"""Scores of devices: from recordings that are scored now, or from the .npz that scoring wrote."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, UnusableInputsError, printable
from anomsdk.evaluate.stretch_scores import (
    ScoredRecording,
    ScoredStretch,
    has_no_pauses,
    score_stretches,
    without_ladder,
)
from anomsdk.plans.recording_digests import known_recordings
from anomsdk.runtime.engines import default_engine, open_engine
from anomsdk.runtime.ladders import ScoreLadder
from anomsdk.runtime.memory import wiping
from anomsdk.runtime.parallel import checked_jobs, in_order
from anomsdk.sources.clips import Clip
from anomsdk.train.certified_level import doubt_line, left_out_line
from anomsdk.tune.ladders import MergedLadder
from anomsdk.utils.text import counted

_UNREADABLE = (
    *(OSError, ValueError, EOFError, KeyError, SyntaxError, TokenError, MemoryError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
"""Errors of numpy and zipfile for a damaged .npz."""


@dataclass(frozen=True, eq=False)
class ScoredDevice:
    """Scores of a device in the order of its recordings' names."""

    name: str
    stretches: tuple[ScoredStretch, ...]

    def ladder(self, plan: Plan) -> MergedLadder:
        """Count the scores as the ladder of a pipeline would, with a gap between stretches."""
        ladder = ScoreLadder(plan, without_pauses=has_no_pauses(plan, self.stretches))
        for index, stretch in enumerate(self.stretches):
            if index:
                ladder.gap()
            ladder.take(stretch.scores)
        made = ladder.export(0)
        return MergedLadder(self.name, made.score_tag, made.ticks, made.days, made.episode_gap, made.counts)


@wiping()
def score_devices(
    plan: Plan,
    clips: Sequence[Clip],
    *,
    engine: str | None = None,
    jobs: int | None = None,
    on_bad: Callable[[str], None] | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[ScoredDevice]:
    """Score recordings, and gather them by device.

    Recordings that trained or calibrated the plan, or that it was chosen on, are left out: they certify nothing.

    Parameters
    ----------
    plan : Plan
    clips : recordings; the group of each is its device
    engine, jobs : as `anomsdk.score_many`
    on_bad : called with one line for each damaged recording, which is left out; None: they are an error
    report : called with lines on recordings that are left out
    progress : called with the recordings scored so far, and their number

    Returns
    -------
    devices in the order of their names, each with a tick or more

    Raises
    ------
    InputError : a damaged recording, the same recording twice, or none is left
    """
    fast = without_ladder(plan)
    chosen = default_engine(plan) if engine is None else engine
    open_engine(chosen, fast).reset()  # an engine that is missing shows before hours of work

    def work(number: int, clip: Clip, stopped: Callable[[], bool]) -> ScoredRecording | str:
        try:
            return score_stretches(fast, clip, chosen, stopped)
        except InputError as error:
            return str(error)

    ordered = sorted(clips, key=lambda clip: clip.name)
    scored = list[tuple[Clip, ScoredRecording]]()
    damaged = list[str]()
    results = in_order(work, ordered, checked_jobs(jobs))
    for done, (clip, result) in enumerate(zip(ordered, results, strict=True), 1):
        progress(done, len(ordered))
        if isinstance(result, str):
            damaged.append(result)
        else:
            scored.append((clip, result))
    if damaged and (on_bad is None or not scored):
        raise UnusableInputsError(damaged, skippable=on_bad is None and len(ordered) > 1)
    for line in damaged:
        assert on_bad is not None
        on_bad(line)
    return _gathered(plan, scored, report)


def read_scores(path: Path, plan: Plan) -> list[ScoredDevice]:
    """Read a .npz that scoring wrote: each of its arrays holds the scores of a device.

    Raises
    ------
    InputError : the file is damaged or of a plan with other scores, or one of its arrays holds no scores
    """
    from anomsdk.watch.sinks.scores import score_tag_in

    name, found = printable(path), list[ScoredDevice]()
    tag, own = score_tag_in(path), without_ladder(plan).score_id
    require(
        not tag or own.startswith(tag),
        f"{name}: holds scores of score_id {tag}, and those of this plan, without a ladder, are of {own[:16]}; score "
        "the recordings again with this plan",
    )
    try:
        with np.load(path, allow_pickle=False) as archive:
            for device in sorted(archive.files):
                scores = archive[device]
                require(
                    isinstance(scores, np.ndarray),
                    f"{name}: member {printable(device)} is no array; give a file that anomsdk score wrote",
                )
                require(
                    scores.dtype == np.uint32 and scores.ndim == 1,
                    f"{name}: array {printable(device)} is {scores.dtype} {scores.shape}, and scores are uint32 "
                    "(ticks,); give a file that anomsdk score wrote",
                )
                ends = (np.arange(len(scores)) * plan.samples_per_tick + plan.samples_to_first_tick) / plan.rate_hz
                stretch = ScoredStretch(printable(device), scores, ends)
                found.append(ScoredDevice(printable(device), (stretch,)))
    except InputError:
        raise
    except _UNREADABLE:
        raise InputError(f"{name}: cannot be read as scores; score the recordings again") from None
    return found


def is_scores(path: Path) -> bool:
    """Return True for a .npz that `anomsdk score` wrote, by its mark."""
    from anomsdk.watch.sinks.scores import is_scores_npz

    return path.suffix.lower() == ".npz" and path.is_file() and is_scores_npz(path)


def _gathered(
    plan: Plan, scored: Sequence[tuple[Clip, ScoredRecording]], report: Callable[[str], None]
) -> list[ScoredDevice]:
    """Gather recordings by device; leave out those that the plan was made from."""
    known = known_recordings(plan.provenance)
    seen: dict[tuple[str, str], str] = {}
    heard: dict[str, Clip] = {}
    taken: dict[str, list[ScoredStretch]] = {}
    left_out = list[str]()
    for clip, each in scored:
        if not each.stretches:
            continue
        if known.purposes(each.digest):
            left_out.append(clip.name)
            continue
        twice = seen.setdefault((clip.group, each.digest), clip.name)
        require(
            twice == clip.name,
            f"{twice} and {clip.name}: the same recording twice on device {clip.group}; give each once",
        )
        first = heard.setdefault(each.digest, clip)
        if first.group != clip.group:
            report(
                f"{first.name} and {clip.name}: the same recording on devices {first.group} and {clip.group}; one of "
                "them certifies nothing, leave it out"
            )
        taken.setdefault(clip.group, []).extend(each.stretches)
    if left_out:
        report(left_out_line(left_out))
    if doubt := doubt_line(known):
        report(doubt)
    require(
        bool(taken),
        f"none of {counted(len(scored), 'recording')} certifies anything: "
        + ("the plan was made from them; give others" if left_out else "zero hours of service; record for longer"),
    )
    return [ScoredDevice(name, tuple(stretches)) for name, stretches in sorted(taken.items())]
