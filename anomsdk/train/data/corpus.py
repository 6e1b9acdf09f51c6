"""Corpus of training: feature levels of recordings, and excerpts of them; no samples are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from anomsdk.core.checks import require
from anomsdk.errors import InputError, UnusableInputsError
from anomsdk.planner.features import SoundFeatures
from anomsdk.planner.front_end import duty_plan, framer_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.runtime.blocks import checked_block
from anomsdk.runtime.judged_share import Judged, ticks_due
from anomsdk.sources.clips import Clip, clip_from_array
from anomsdk.sources.dropouts import Samples
from anomsdk.train.data.excerpts import EXCERPTS, Excerpt, Excerpts
from anomsdk.train.data.feature_levels import FeatureLevelStream, amplified
from anomsdk.train.data.input_maps import FeatureLevels, unlearnt_extractor
from anomsdk.train.data.sensor_at_rest import check_moves
from anomsdk.train.models.support import APART_S
from anomsdk.utils.text import in_days

LABELS = "train: `groups` must have one label for each recording"
"""Message where there are too few or too many labels."""
_MOSTLY_CLIPPED = 0.2
"""Share of clipped samples from which on a recording is reported as clipped."""


@dataclass(frozen=True)
class Recorded:
    """Feature levels of a recording or of a segment of one, before normalisation.

    Parameters
    ----------
    name : name of the clip, with the number of the segment
    group : label that recordings share which are never split between training and held out
    digest : sha256 of the samples
    pieces : feature levels (frames, n_features) of each stretch between gaps and digitally constant samples
    owner : group of the clip that a segment was cut from; segments have groups of their own
    start : number of samples of this owner that were read before
    starts : start of each piece, in samples of the file or array that it comes from
    at_gains : feature levels of the same pieces, attenuated and amplified
    excerpts : excerpts that probes were put into
    whole : sha256 of the samples of the clip that a segment was cut from
    """

    name: str
    group: str
    digest: str
    pieces: tuple[FeatureLevels, ...]
    owner: str
    start: int
    starts: tuple[int, ...]
    at_gains: tuple[FeatureLevels, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    whole: str = ""


@dataclass(frozen=True)
class Corpus:
    """Recordings of one purpose, and what was noticed while they were read."""

    recordings: tuple[Recorded, ...]
    bad: tuple[str, ...]
    seconds: float
    cut_s: float  # seconds of digitally constant samples that were cut out
    clipped: int  # number of recordings with a large share of clipped samples
    copies: int  # number of recordings with the same samples as another one
    too_short: int  # number of recordings too short for a single frame
    judged: Judged  # ticks with the context of the spec, and those without gaps
    of_days: bool = False  # recordings are diaries

    def part(self, groups: frozenset[str]) -> Corpus:
        """Select the recordings of some groups."""
        return replace(self, recordings=tuple(r for r in self.recordings if r.group in groups))

    def lines(self) -> Iterator[str]:
        """Yield lines that tell the user what was read and what was noticed."""
        n = len(self.recordings) + self.too_short
        if self.of_days:
            yield f"{n} recordings, {in_days(self.seconds)}"
        else:
            yield f"{n} recordings, {self.seconds:.0f} s; {self.cut_s:.1f} s of constant samples cut out"
        yield f"judged {self.judged}"
        yield from (f"left out: {line}" for line in self.bad)
        for count, what in (
            (
                self.too_short,
                "of too few days: left out" if self.of_days else "constant or shorter than a frame: left out",
            ),
            (self.clipped, "clipped in a large part: lower the gain, or use a sensor with a wider range"),
            (self.copies, "copies of others: keep copies in one group"),
        ):
            if count:
                yield f"{count} of {n} recordings are {what}"


def clips_of(
    spec: PipelineSpec, arrays: Iterable[Samples], groups: Sequence[object] | None, what: str
) -> Iterator[Clip]:
    """Convert arrays int16 (n,) or (n, columns) to clips; without labels each is a group of its own."""
    for index, samples in enumerate(arrays):
        require(groups is None or index < len(groups), LABELS)
        rows = checked_block(samples, spec.columns)
        label = index if groups is None else groups[index]
        yield clip_from_array(f"{what} {index}", label, rows, kind=spec.sensor.kind, rate_hz=spec.sensor.rate_hz)


def gather(
    spec: PipelineSpec,
    clips: Iterable[Clip],
    *,
    seed: int,
    excerpts: int = EXCERPTS,
    gain_db: float = 0.0,
    segment_s: float = 0.0,
    bad: tuple[str, ...] = (),
    skip_bad: bool = False,
    progress: Callable[[int], None] = lambda samples: None,
) -> Corpus:
    """Read recordings once, as streams, and keep their feature levels and excerpts.

    Memory grows with the number of feature levels only.

    Parameters
    ----------
    spec : sensor, features and context
    clips : recordings of one purpose
    seed : seed of the excerpts and the probes
    excerpts : most excerpts; 0: none
    gain_db : also keep feature levels of each recording attenuated and amplified by this many dB; 0: off. Sound only
    segment_s : cut recordings into segments of this many seconds, each a group of its own; 0: no cutting
    bad : messages on recordings that were left out before
    skip_bad : leave damaged clips out; by default they are an error that names all of them
    progress : called with the number of samples read so far

    Raises
    ------
    InputError : damaged or unsuitable recordings, or recordings with nothing to learn from
    """
    reader = _Reader(spec, excerpts, seed, gain_db, segment_s, progress)
    left_out = list(bad)
    for clip in clips:
        try:
            _check(spec, clip)
            reader.read(clip)
        except InputError as error:
            left_out.append(str(error))
    if not skip_bad and (damaged := left_out[len(bad) :]):
        raise UnusableInputsError(damaged, skippable=True)
    return reader.corpus(tuple(left_out))


def _check(spec: PipelineSpec, clip: Clip) -> None:
    require(
        clip.kind == spec.sensor.kind and clip.columns == spec.columns,
        f"{clip.name}: rows of {clip.columns} values; the spec's features take {spec.columns}",
    )
    features, stored_hz = spec.features, clip.stored_hz
    if isinstance(features, SoundFeatures) and stored_hz is not None:
        require(
            2 * features.fmax_hz <= stored_hz,
            f"{clip.name}: recorded at {stored_hz:g} Hz, which holds nothing above {stored_hz / 2:g} Hz, but "
            f"features.fmax_hz is {features.fmax_hz:g}; lower it, or leave the recording out",
        )


class _Reader:
    def __init__(
        self,
        spec: PipelineSpec,
        excerpts: int,
        seed: int,
        gain_db: float,
        segment_s: float,
        progress: Callable[[int], None],
    ) -> None:
        self.gains_db = (-gain_db, gain_db) if gain_db > 0 and spec.sensor.kind == "audio" else ()
        self._spec, self._progress = spec, progress
        self.framer, self.extractor = framer_plan(spec), unlearnt_extractor(spec)
        self._segment = round(segment_s * spec.sensor.rate_hz)
        self.excerpts = Excerpts(spec, excerpts, seed)
        self._found: list[Recorded] = []
        self._samples = self._cut = self._clipped = self._too_short = 0
        self._digests: set[str] = set()
        self._copies = 0
        self._judged = Judged()
        self._of_owner: dict[str, int] = {}  # samples so far, with a pause after each recording

    def read(self, clip: Clip) -> None:
        """Read a clip as one recording or as several segments; a damaged clip adds nothing."""
        cutter = clip.cutter()
        segment, part, digest = _Segment(self, 0), 0, hashlib.sha256()
        pieces = at = 0  # number of pieces that have begun; number of samples of the clip before the next row
        whole: list[tuple[_Segment, str]] = []
        for new_piece, block in clip.blocks(cutter):
            if new_piece:
                at, pieces = cutter.starts[pieces], pieces + 1
                segment.new_piece(at)
            rows = block.reshape(len(block), -1)
            digest.update(np.ascontiguousarray(block).data)
            while self._segment and segment.samples + len(rows) >= self._segment:
                rest = self._segment - segment.samples
                segment.push(rows[:rest])
                rows, at = rows[rest:], at + rest
                whole.append((segment, f" #{part}"))
                segment, part = _Segment(self, at), part + 1
            segment.push(rows)
            at += len(rows)
            self._progress(self._samples + cutter.kept)
        if part == 0 or segment.samples:
            whole.append((segment, f" #{part}" if self._segment else ""))
        for each, suffix in whole:
            self._add(each, clip.name + suffix, clip.group + suffix, clip.group, digest.hexdigest())
        self._of_owner[clip.group] = self._of_owner.get(clip.group, 0) + round(APART_S * self._spec.sensor.rate_hz)
        self._samples += cutter.kept + cutter.cut
        self._judged += Judged(0, self._ticks_of(cutter.kept + cutter.cut + cutter.missing))
        self._cut += cutter.cut
        self._clipped += cutter.clipped > _MOSTLY_CLIPPED * max(1, cutter.kept)

    def _ticks_of(self, samples: int) -> int:
        """Number of ticks that ``samples`` give without gaps, as `anomsdk.runtime.judged_share.judged` counts them."""
        each = self.framer.hop * self._spec.hops_per_frame * self._spec.context.stride
        return ticks_due(duty_plan(self._spec), self._ticks_among, each, samples)

    def _ticks_among(self, samples: int) -> int:
        """Number of ticks that ``samples`` give without a gap; 0 where they are too few."""
        hops = max(0, 1 + (samples - self.framer.window) // self.framer.hop)
        return self._ticks_in(hops // self._spec.hops_per_frame)

    def _ticks_in(self, frames: int) -> int:
        context = self._spec.context
        return max(0, 1 + (frames - context.frames) // context.stride)

    def _add(self, segment: _Segment, name: str, group: str, owner: str, whole: str) -> None:
        start = self._of_owner.get(owner, 0)
        self._of_owner[owner] = start + segment.samples
        pieces, starts, at_gains, stretches, digest = segment.finish()
        self._judged += Judged(sum(self._ticks_in(len(piece)) for piece in pieces), 0)
        if not pieces:
            self._too_short += 1
            return
        self._copies += digest in self._digests
        self._digests.add(digest)
        for samples, place in stretches:
            self.excerpts.put(len(self._found), samples, place)
        self._found.append(
            Recorded(name, group, digest, tuple(pieces), owner, start, tuple(starts), tuple(at_gains), whole=whole)
        )

    def corpus(self, bad: tuple[str, ...]) -> Corpus:
        n, spec = len(self._found), self._spec
        if spec.sensor.kind == "diary":
            learnt = in_days(self.extractor.warm_up / spec.sensor.rate_hz)
            require(n > 0, f"train: no recording is longer than the {learnt} that are learnt; give longer ones")
        require(
            n > 0,
            "train: nothing to learn from: every recording is constant (silent) or shorter than a frame; give others",
        )
        require(self._clipped < n, "train: every recording is clipped; record again at a lower gain")
        if n > 1 and len(self._digests) == 1:  # a sensor at rest has a clearer message than equal recordings
            check_moves(self.extractor, [recording.pieces for recording in self._found])
        require(
            n == 1 or len(self._digests) > 1,
            f"train: {n} recordings, and all of them are the same one; give different ones",
        )
        of = self.excerpts.made(lambda: self._progress(self._samples))
        recordings = tuple(replace(r, excerpts=tuple(of.get(i, ()))) for i, r in enumerate(self._found))
        rate = self._spec.sensor.rate_hz
        return Corpus(
            recordings,
            bad,
            self._samples / rate,
            self._cut / rate,
            self._clipped,
            self._copies,
            self._too_short,
            self._judged,
            self._spec.sensor.kind == "diary",
        )


class _Segment:
    """Recording or segment that is being read: its pieces, and the samples that are kept for excerpts."""

    def __init__(self, reader: _Reader, at: int) -> None:
        self.samples = 0
        self._at, self._starts = at, list[int]()
        self._digest = hashlib.sha256()
        self._levels, self._stretch = FeatureLevelStream(reader.framer, reader.extractor), reader.excerpts.cutter()
        self._others = [(gain_db, FeatureLevelStream(reader.framer, reader.extractor)) for gain_db in reader.gains_db]
        self._pieces, self._at_gains = list[FeatureLevels](), list[FeatureLevels]()
        self._kept = list[tuple[Samples, int]]()

    def push(self, rows: Samples) -> None:
        self._digest.update(np.ascontiguousarray(rows).tobytes())
        self._levels.push(rows)
        for gain_db, levels in self._others:
            levels.push(amplified(rows, gain_db))
        self._kept += self._stretch.push(rows)
        self.samples += len(rows)

    def new_piece(self, at: int) -> None:
        """End the piece; the next one begins after ``at`` samples of the clip."""
        self._starts.append(self._at)
        self._at = at
        self._pieces.append(self._levels.finish())
        self._at_gains += [levels.finish() for _, levels in self._others]
        self._kept += self._stretch.finish()

    def finish(self) -> tuple[list[FeatureLevels], list[int], list[FeatureLevels], list[tuple[Samples, int]], str]:
        """End the segment.

        Returns
        -------
        feature levels of the pieces that have any, starts of these, feature levels at other gains, (samples, place) of
        excerpts, and the digest
        """
        self.new_piece(0)
        starts = [start for start, each in zip(self._starts, self._pieces, strict=True) if len(each)]
        pieces, at_gains = ([each for each in part if len(each)] for part in (self._pieces, self._at_gains))
        return pieces, starts, at_gains, self._kept, self._digest.hexdigest()
