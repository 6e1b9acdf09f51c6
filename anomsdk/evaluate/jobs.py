"""Scoring many clips, some at once, in order: recordings whole and in pieces, events mixed into scenes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.evaluate.clip_scores import ClipRun, ScoredClip, event_window, score_clip
from anomsdk.evaluate.clip_sets import ClipSet
from anomsdk.evaluate.labels import MarkedClip, label_of
from anomsdk.evaluate.segments import cuts, split
from anomsdk.runtime.parallel import in_order
from anomsdk.sources.clips import Clip, Facts, pieces
from anomsdk.sources.dropouts import Samples
from anomsdk.synthetic.mixing import loudest_piece, mixed

Progress = Callable[[int, int], None]

TOTAL, SURVEY = 1000, 50
"""Units of progress, and how many of them reading alone is worth."""


class Mix(NamedTuple):
    """An event in a scene."""

    scene: Clip
    event: Clip
    samples: Samples
    where: tuple[int, int]
    snr: float


class ScoredRecording(NamedTuple):
    """What became of one normal recording."""

    whole: ScoredClip | None  # as a device hears it: its alarms count
    pieces: tuple[ScoredClip, ...]  # each from a fresh pipeline: their highest scores count


class Jobs:
    """Scores clips, some at once, in order, and says how far it is.

    Parameters
    ----------
    plan : Plan
    engine : as `anomsdk.Pipeline`
    jobs : clips at once
    pads : as `anomsdk.evaluate.clip_scores.score_clip`
    progress : called with what is done, and the whole
    """

    def __init__(self, plan: Plan, engine: str, jobs: int, pads: bool, progress: Progress) -> None:
        self.plan, self._engine, self._jobs, self._pads, self._progress = plan, engine, jobs, pads, progress
        self._heard, self._whole = 0, 1
        self._lock = threading.Lock()

    def expect(self, samples: int) -> None:
        """Say how many samples will be scored, about."""
        self._whole = max(1, samples)

    def recordings(self, side: ClipSet, piece: int) -> list[ScoredRecording]:
        """Recordings whole, and where ``piece`` is no 0, in pieces of about so many samples as well."""

        def work(number: int, clip: Clip, stopped: Callable[[], bool]) -> ScoredRecording:
            heard = self._counter(stopped)
            return self._recording(clip, side.facts[number], piece, heard)

        return list(in_order(work, side.clips, self._jobs, meanwhile=self._show))

    def events(self, side: ClipSet) -> list[ScoredClip | None]:
        """Anomalous recordings: always whole, for what is cut through is no event any more."""

        def work(number: int, clip: Clip, stopped: Callable[[], bool]) -> ScoredClip | None:
            return score_clip(
                self.plan,
                clip.blocks(),
                clip.name,
                clip.group,
                engine=self._engine,
                event_s=event_of(self.plan, clip, side.facts[number]),
                label=label_of(clip),
                pads=self._pads,
                heard=self._counter(stopped),
            )

        return list(in_order(work, side.clips, self._jobs, meanwhile=self._show))

    def mixes(self, mixes: Iterable[Mix]) -> list[ScoredClip | None]:
        """Events in scenes."""

        def work(number: int, mix: Mix, stopped: Callable[[], bool]) -> ScoredClip | None:
            return score_clip(
                self.plan,
                [(True, mix.samples)],
                f"{mix.event.name} in {mix.scene.name} at {mix.snr:g} dB",
                mix.scene.group,
                engine=self._engine,
                event_s=event_window(self.plan, *mix.where),
                snr_db=mix.snr,
                label=label_of(mix.event),
                scene=mix.scene.name,
                heard=self._counter(stopped),
            )

        return list(in_order(work, mixes, self._jobs, meanwhile=self._show))

    def _recording(self, clip: Clip, facts: Facts, piece: int, heard: Callable[[int], None]) -> ScoredRecording:
        places = cuts(self.plan, facts.piece_lengths, piece) if piece else []
        if len(places) < 2:
            places = []  # what is whole is its own only piece
        whole, parts, at = self._run(), _Parts(self._run, clip), 0
        try:
            for new_piece, samples in clip.blocks():
                whole.hear(new_piece, samples)
                for number, part in split(samples, at, places):
                    parts.hear(number, places[number][0], part)
                at += len(samples)
                heard(len(samples))
            found = whole.scored(clip.name, clip.group, label=label_of(clip))
            parts.end()
        finally:
            whole.close()
            parts.close()
        if not places:
            return ScoredRecording(found, () if found is None else (found,))
        return ScoredRecording(found, tuple(parts.scored))

    def _run(self) -> ClipRun:
        return ClipRun(self.plan, self._engine, pads=self._pads)

    def _counter(self, stopped: Callable[[], bool]) -> Callable[[int], None]:
        def heard(samples: int) -> None:
            if stopped():
                raise InputError("scoring was stopped")
            with self._lock:
                self._heard += samples

        return heard

    def _show(self) -> None:
        self._progress(SURVEY + (TOTAL - SURVEY) * min(self._heard, self._whole) // self._whole, TOTAL)


class _Parts:
    """The pieces of one recording, one after the other."""

    def __init__(self, open_run: Callable[[], ClipRun], clip: Clip) -> None:
        self.scored = list[ScoredClip]()
        self._open_run, self._clip = open_run, clip
        self._run: ClipRun | None = None
        self._number, self._start = -1, 0

    def hear(self, number: int, start: int, samples: Samples) -> None:
        """Take samples of a piece that begins at sample ``start``."""
        if number != self._number:
            self.end()
            self._run, self._number, self._start = self._open_run(), number, start
        assert self._run is not None
        self._run.hear(False, samples)

    def end(self) -> None:
        """The piece is over."""
        if self._run is None:
            return
        clip, start_s = self._clip, self._start / self._clip.rate_hz
        found = self._run.scored(f"{clip.name} from {start_s:.6g} s", clip.group, label=label_of(clip))
        self.scored += [] if found is None else [found]
        self.close()

    def close(self) -> None:
        """Wipe what a pipeline holds."""
        if self._run is not None:
            self._run.close()
            self._run = None


def _beds(plan: Plan, scenes: ClipSet) -> list[tuple[Clip, int]]:
    """Scenes that give a tick, and which of their pieces is the longest."""
    found = []
    for clip, facts in zip(scenes.clips, scenes.facts, strict=True):
        longest = int(np.argmax(facts.piece_lengths))
        if plan.ticks_in(facts.piece_lengths[longest]):
            found.append((clip, longest))
    return found


def event_of(plan: Plan, clip: Clip, facts: Facts) -> tuple[float, float] | None:
    """When an alarm finds the event of a clip; None: at any time.

    Raises
    ------
    InputError : the event does not lie in the recording, or samples are missing, so that nobody can say where it lies
    """
    times = clip.event_s if isinstance(clip, MarkedClip) else None
    if times is None:
        return None
    length_s = facts.kept / plan.rate_hz
    if len(facts.piece_lengths) > 1 or facts.cut:
        raise InputError(
            f"{clip.name}: has an event with times, and gaps or cut-out samples beside it; cut the recording there"
        )
    if times[0] >= length_s:
        raise InputError(
            f"{clip.name}: its event starts at {times[0]:g} s, and it is {length_s:g} s long; correct the times"
        )
    start, stop = (min(round(time * plan.rate_hz), facts.kept) for time in times)
    return event_window(plan, start, stop)


def mixed_length(plan: Plan, scenes: ClipSet, events: ClipSet, ratios: int) -> int:
    """About how many samples the mixes have."""
    lengths = [max(facts.piece_lengths) for facts in scenes.facts]
    return ratios * max(len(lengths), len(events.clips)) * sum(lengths) // max(1, len(lengths))


def mixes(plan: Plan, scenes: ClipSet, events: ClipSet, snr: Sequence[float], seed: int) -> Iterator[Mix]:
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
            yield Mix(scene, event, samples, (start, stop), ratio)


def _piece(clip: Clip, index: int) -> Samples:
    """One piece of a clip, in memory."""
    found, piece = list[Samples](), -1
    for new_piece, block in clip.blocks():
        piece += new_piece
        if piece == index:
            found.append(block)
    return np.concatenate(found)
