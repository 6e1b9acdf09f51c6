"""Scoring jobs: whole recordings and segments of them, anomalous clips, and events mixed into normal recordings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.evaluate.clip_scores import ClipRun, ScoredClip, event_window, score_clip, spaced
from anomsdk.evaluate.clip_sets import ClipSet
from anomsdk.evaluate.labels import MarkedClip, label_of
from anomsdk.evaluate.segments import cuts, split
from anomsdk.runtime.parallel import in_order
from anomsdk.sources.clips import Clip, Facts, pieces
from anomsdk.sources.dropouts import Samples
from anomsdk.synthetic.mixing import loudest_piece, mixed

Progress = Callable[[int, int], None]

TOTAL, SURVEY = 1000, 50
"""Units of progress of the whole work, and those of the first pass, which only reads."""


class Mix(NamedTuple):
    """Event that was mixed into a normal recording, the scene."""

    scene: Clip
    event: Clip
    samples: Samples
    where: tuple[int, int]
    snr: float


class ScoredRecording(NamedTuple):
    """Scores of one normal recording."""

    whole: ScoredClip | None  # its alarms count, as on a device; None: too short for a tick
    pieces: tuple[ScoredClip, ...]  # segments, each from a fresh pipeline: their highest scores are compared


class Jobs:
    """Scores clips, several at once, returns them in order, and reports progress.

    Parameters
    ----------
    plan : plan that scores the clips
    engine : as `anomsdk.Pipeline`
    jobs : number of clips at once
    pads : as `anomsdk.evaluate.clip_scores.score_clip`
    progress : called with the work done and the whole work, in units of `TOTAL`
    """

    def __init__(self, plan: Plan, engine: str, jobs: int, pads: bool, progress: Progress) -> None:
        self.plan, self._engine, self._jobs, self._pads, self._progress = plan, engine, jobs, pads, progress
        self._heard, self._whole = 0, 1
        self._lock = threading.Lock()

    def expect(self, samples: int) -> None:
        """Set the approximate number of samples that will be scored."""
        self._whole = max(1, samples)

    def recordings(self, side: ClipSet, piece: int) -> list[ScoredRecording]:
        """Score whole recordings, and also segments of them where ``piece`` is not 0.

        Parameters
        ----------
        side : normal recordings
        piece : approximate length of a segment, samples; 0: no segments
        """

        def work(number: int, clip: Clip, stopped: Callable[[], bool]) -> ScoredRecording:
            heard = self._counter(stopped)
            return self._recording(clip, side.facts[number], piece, heard)

        return list(in_order(work, side.clips, self._jobs, meanwhile=self._show))

    def events(self, side: ClipSet) -> list[ScoredClip | None]:
        """Score anomalous recordings; they stay whole, because a cut could divide an event."""

        def work(number: int, clip: Clip, stopped: Callable[[], bool]) -> ScoredClip | None:
            return score_clip(
                self.plan,
                spaced(self.plan, clip),
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
        """Score events that were mixed into normal recordings."""

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
            places = []  # the whole recording is the only segment
        whole, parts, at = self._run(), _Parts(self._run, clip), 0
        try:
            for new_piece, samples, missing in spaced(self.plan, clip):
                whole.push(new_piece, samples, missing)
                for number, part in split(samples, at, places):
                    parts.push(number, places[number][0], part)
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
                raise InputError("scoring was stopped; start it again")
            with self._lock:
                self._heard += samples

        return heard

    def _show(self) -> None:
        self._progress(SURVEY + (TOTAL - SURVEY) * min(self._heard, self._whole) // self._whole, TOTAL)


class _Parts:
    """Segments of one recording, scored one after the other."""

    def __init__(self, open_run: Callable[[], ClipRun], clip: Clip) -> None:
        self.scored = list[ScoredClip]()
        self._open_run, self._clip = open_run, clip
        self._run: ClipRun | None = None
        self._number, self._start = -1, 0

    def push(self, number: int, start: int, samples: Samples) -> None:
        """Process samples of a segment that begins at sample ``start`` of the recording."""
        if number != self._number:
            self.end()
            self._run, self._number, self._start = self._open_run(), number, start
        assert self._run is not None
        self._run.push(False, samples)

    def end(self) -> None:
        """Finish the segment and keep its scores."""
        if self._run is None:
            return
        clip, start_s = self._clip, self._start / self._clip.rate_hz
        found = self._run.scored(f"{clip.name} from {start_s:.6g} s", clip.group, label=label_of(clip))
        self.scored += [] if found is None else [found]
        self.close()

    def close(self) -> None:
        """Close the open pipeline, which wipes its memory."""
        if self._run is not None:
            self._run.close()
            self._run = None


def _beds(plan: Plan, scenes: ClipSet) -> list[tuple[Clip, int]]:
    """Select normal recordings with a stretch that gives a tick, and the index of the longest stretch of each."""
    found = []
    for clip, facts in zip(scenes.clips, scenes.facts, strict=True):
        longest = int(np.argmax(facts.piece_lengths))
        if plan.ticks_in(facts.piece_lengths[longest]):
            found.append((clip, longest))
    return found


def event_of(plan: Plan, clip: Clip, facts: Facts) -> tuple[float, float] | None:
    """Start and end, in seconds, of the time in which an alarm counts for the event of a clip; None: the whole clip.

    Raises
    ------
    InputError : the event does not lie in the recording, or samples are missing, so that its place is unknown
    """
    times = clip.event_s if isinstance(clip, MarkedClip) else None
    if times is None:
        return None
    length_s = facts.kept / plan.rate_hz
    if len(facts.piece_lengths) > 1 or facts.cut:
        raise InputError(
            f"{clip.name}: has an event with times, and gaps or samples that were cut out; cut the recording there"
        )
    if times[0] >= length_s:
        raise InputError(
            f"{clip.name}: its event starts at {times[0]:g} s, and it is {length_s:g} s long; correct the times"
        )
    start, stop = (min(round(time * plan.rate_hz), facts.kept) for time in times)
    return event_window(plan, start, stop)


def mixed_length(plan: Plan, scenes: ClipSet, events: ClipSet, ratios: int) -> int:
    """Approximate number of samples of all mixes."""
    lengths = [max(facts.piece_lengths) for facts in scenes.facts]
    return ratios * max(len(lengths), len(events.clips)) * sum(lengths) // max(1, len(lengths))


def mixes(plan: Plan, scenes: ClipSet, events: ClipSet, snr: Sequence[float], seed: int) -> Iterator[Mix]:
    """Mix every event into a normal recording, at every ratio in the same place."""
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
    """Read one stretch of a clip, between gaps, into memory."""
    found, piece = list[Samples](), -1
    for new_piece, block in clip.blocks():
        piece += new_piece
        if piece == index:
            found.append(block)
    return np.concatenate(found)
