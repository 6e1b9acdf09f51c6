"""`evaluate`: a plan against normal and anomalous clips."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anomsdk.clips import Clip, Clips, pieces
from anomsdk.constant import Samples
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.evaluate.figures import Figures, figures_of
from anomsdk.evaluate.mixing import checked_snr, loudest_piece, mixed
from anomsdk.evaluate.scoring import ScoredClip, event_window, samples_to_decide, score_clip
from anomsdk.evaluate.sides import LeftOut, Side, refuse_same, usable
from anomsdk.in_order import checked_jobs, in_order
from anomsdk.runtime import Pipeline

Progress = Callable[[int, int], None]

_TOTAL, _SURVEY = 1000, 50  # units of progress, and how many of them reading alone is worth


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` found.

    Parameters
    ----------
    plan : Plan
    engine, seed : as given
    figures : over all anomalous clips, or all mixes at all ratios together
    by_snr : ratio in dB as text, e.g. "20" -> figures over the mixes at it; empty without mixing
    normal, anomalous : scored clips; with mixing, ``anomalous`` are the mixes
    left_out_normal, left_out_anomalous : clips that tell nothing
    decide_s : how long after its end an alarm still finds a mixed event: a full context, m votes, the on-delay
    cut_s : seconds of digitally constant audio cut out, both sides
    clipped : clipped samples on both sides, as `anomsdk.constant.ConstantCutter` counts them
    """

    plan: Plan
    engine: str
    seed: int
    figures: Figures
    by_snr: Mapping[str, Figures]
    normal: tuple[ScoredClip, ...]
    anomalous: tuple[ScoredClip, ...]
    left_out_normal: LeftOut
    left_out_anomalous: LeftOut
    decide_s: float
    cut_s: float
    clipped: int


def evaluate(
    plan: Plan,
    normal: Clips,
    anomalous: Clips,
    *,
    snr: Sequence[float] | None = None,
    engine: str | None = None,
    seed: int = 0,
    skip_bad: bool = False,
    jobs: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Score normal and anomalous clips, and say what the plan is worth on them.

    Every piece of a clip runs through a fresh pipeline; its score is its highest tick. Nothing is adjusted to the
    labels: an alarm counts where it was raised.

    Parameters
    ----------
    plan : Plan
    normal, anomalous : of `anomsdk.clips`, at the plan's rate and width; ``anomalous`` may be empty
    snr : dB; each anomalous clip is an event, and its loudest second is mixed into normal clips, each at least
        once and at least as many times as there are normal clips, at every ratio. Normal clips are taken in turn,
        in an order that ``seed`` shuffles, the longest piece of each. Sound only
    engine : as `anomsdk.Pipeline`
    seed : of the places in mixes and of the bootstrap, 0 or more
    skip_bad : leave damaged clips out; by default the first is an error
    jobs : clips that are scored at once, by threads; by default one for each processor that this process may use
    progress : called with what is done, and the whole, in units of its own

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError : clips that do not fit the plan, damaged or constant ones, the same clip on both sides, a ratio
        that cannot be meant, an engine that is not available

    Examples
    --------
    >>> clips = [open_clips(path, Wanted(16_000)) for path in ("normal/", "odd/")]  # doctest: +SKIP
    >>> evaluate(anomsdk.read_plan("plan.json"), *clips).figures.auc  # doctest: +SKIP
    """
    with Pipeline(plan, engine) as pipeline:  # an engine that is missing shows before hours of work
        engine = pipeline.engine
    if snr is not None:
        snr = checked_snr(tuple(snr), ",".join(f"{ratio:g}" for ratio in snr))
        if plan.sensor.kind != "audio":
            raise InputError(f"--snr: sounds can be mixed, and this plan watches {plan.sensor.kind} rows; leave it out")
    if seed < 0:
        raise InputError(f"seed is {seed}; give 0 or more")
    at_once = checked_jobs(jobs)
    n = max(1, len(normal.clips) + len(anomalous.clips))

    def read(before: int) -> Callable[[int], None]:
        return lambda done: progress(_SURVEY * (before + done) // n, _TOTAL)

    scenes = usable(plan, normal, "normal", skip_bad, read(0))
    others = usable(plan, anomalous, "anomalous", skip_bad, read(len(normal.clips)))
    refuse_same(scenes, others)
    work = _Jobs(plan, engine, at_once, progress)
    work.expect(scenes.kept + (others.kept if snr is None else _mixed_length(plan, scenes, others, len(snr))))
    scored = work.clips(scenes.clips)
    odd = work.clips(others.clips) if snr is None else work.mixes(_mixes(plan, scenes, others, snr, seed))
    heard = tuple(clip for clip in scored if clip is not None)
    found = tuple(clip for clip in odd if clip is not None)
    return Evaluation(
        plan=plan,
        engine=engine,
        seed=seed,
        figures=figures_of(heard, found, seed=seed),
        by_snr={
            f"{ratio:g}": figures_of(heard, [clip for clip in found if clip.snr_db == ratio], seed=seed)
            for ratio in snr or ()
        },
        normal=heard,
        anomalous=found,
        left_out_normal=scenes.left_out(scored),
        left_out_anomalous=others.left_out(odd if snr is None else ()),
        decide_s=samples_to_decide(plan) / plan.rate_hz,
        cut_s=(scenes.cut + others.cut) / plan.rate_hz,
        clipped=scenes.clipped + others.clipped,
    )


class _Mix(NamedTuple):
    """An event in a scene."""

    scene: Clip
    event: Clip
    samples: Samples
    where: tuple[int, int]
    snr: float


class _Jobs:
    """Scores clips, some at once, in order, and says how far it is."""

    def __init__(self, plan: Plan, engine: str, jobs: int, progress: Progress) -> None:
        self.plan, self._engine, self._jobs, self._progress = plan, engine, jobs, progress
        self._heard, self._whole = 0, 1
        self._lock = threading.Lock()

    def expect(self, samples: int) -> None:
        self._whole = max(1, samples)

    def clips(self, clips: Iterable[Clip]) -> list[ScoredClip | None]:
        def work(number: int, clip: Clip, stopped: Callable[[], bool]) -> ScoredClip | None:
            heard = self._counter(stopped)
            return score_clip(self.plan, clip.blocks(), clip.name, clip.group, engine=self._engine, heard=heard)

        return list(in_order(work, clips, self._jobs, meanwhile=self._show))

    def mixes(self, mixes: Iterable[_Mix]) -> list[ScoredClip | None]:
        def work(number: int, mix: _Mix, stopped: Callable[[], bool]) -> ScoredClip | None:
            return score_clip(
                self.plan,
                [(True, mix.samples)],
                f"{mix.event.name} in {mix.scene.name} at {mix.snr:g} dB",
                mix.scene.group,
                engine=self._engine,
                event_s=event_window(self.plan, *mix.where),
                snr_db=mix.snr,
                heard=self._counter(stopped),
            )

        return list(in_order(work, mixes, self._jobs, meanwhile=self._show))

    def _counter(self, stopped: Callable[[], bool]) -> Callable[[int], None]:
        def heard(samples: int) -> None:
            if stopped():
                raise InputError("scoring was stopped")
            with self._lock:
                self._heard += samples

        return heard

    def _show(self) -> None:
        self._progress(_SURVEY + (_TOTAL - _SURVEY) * min(self._heard, self._whole) // self._whole, _TOTAL)


def _beds(plan: Plan, scenes: Side) -> list[tuple[Clip, int]]:
    """Scenes that give a tick, and which of their pieces is the longest."""
    found = []
    for clip, facts in zip(scenes.clips, scenes.facts, strict=True):
        longest = int(np.argmax(facts.piece_lengths))
        if plan.ticks_in(facts.piece_lengths[longest]):
            found.append((clip, longest))
    return found


def _mixed_length(plan: Plan, scenes: Side, events: Side, ratios: int) -> int:
    """About how many samples the mixes have."""
    lengths = [max(facts.piece_lengths) for facts in scenes.facts]
    return ratios * max(len(lengths), len(events.clips)) * sum(lengths) // max(1, len(lengths))


def _mixes(plan: Plan, scenes: Side, events: Side, snr: Sequence[float], seed: int) -> Iterator[_Mix]:
    """Every event in a scene, at every ratio in the same place."""
    beds = _beds(plan, scenes)
    if not beds or not events.clips:
        return
    order = np.random.default_rng(seed).permutation(len(beds)).tolist()
    for i in range(max(len(beds), len(events.clips))):
        scene, longest = beds[order[i % len(beds)]]
        event = events.clips[i % len(events.clips)]
        bed = _piece(scene, longest)
        sound = loudest_piece(pieces(event), event.rate_hz)
        for ratio in snr:
            rng = np.random.default_rng([seed, i])
            samples, start, stop = mixed(bed, sound, ratio, rng, rate_hz=plan.rate_hz)
            yield _Mix(scene, event, samples, (start, stop), ratio)


def _piece(clip: Clip, index: int) -> Samples:
    """One piece of a clip, in memory."""
    found, piece = list[Samples](), -1
    for new_piece, block in clip.blocks():
        piece += new_piece
        if piece == index:
            found.append(block)
    return np.concatenate(found)
