"""From recordings to feature levels: the only part of training that touches samples, and it keeps none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from anomsdk.clips import SKIP_HINT, Clip
from anomsdk.constant import Samples
from anomsdk.core.checks import require
from anomsdk.core.framer import Framer, FramerPlan
from anomsdk.core.pipeline import extractor_for
from anomsdk.core.plan import ExtractorPlan
from anomsdk.errors import InputError
from anomsdk.evaluate.mixing import mixed
from anomsdk.planner import framer_plan
from anomsdk.spec import ExternalFeatures, PipelineSpec
from anomsdk.train.maps import Levels, unlearnt_extractor
from anomsdk.train.probes import STRENGTHS, disturbed_rows, sound

EXCERPTS = 128
"""Most stretches of normal recordings, over the whole corpus, that probes are put into."""
PROBES, MOST_EACH = 256, 8
"""Probes at each strength, over the whole corpus; and at most, for one stretch."""
_EXCERPT_S, _EXCERPT_TICKS = 5.0, 40
"""Length of a stretch: the longer of the two."""
_MOSTLY_CLIPPED = 0.2


@dataclass(frozen=True)
class Excerpt:
    """A stretch of a normal recording, as it was and with probes in it: feature levels (frames, n_features)."""

    normal: Levels
    probes: tuple[tuple[Levels, ...], ...]  # one tuple a strength


@dataclass(frozen=True)
class Recorded:
    """What is kept of a recording: feature levels, before normalisation.

    Parameters
    ----------
    name : of the clip
    group : recordings that share it stay together
    digest : sha256 of the samples
    pieces : levels (frames, n_features) of the stretches between digitally constant ones
    at_gains : levels of the same pieces, played more quietly and louder
    excerpts : those stretches that were given probes
    """

    name: str
    group: str
    digest: str
    pieces: tuple[Levels, ...]
    at_gains: tuple[Levels, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """The recordings of one purpose, and what was noticed while they were read."""

    recordings: tuple[Recorded, ...]
    bad: tuple[str, ...]
    seconds: float
    cut_s: float  # digitally constant, left out
    clipped: int  # recordings that are clipped for a good part
    copies: int  # recordings whose samples another one has, too
    too_short: int  # for a single frame

    def part(self, groups: frozenset[str]) -> Corpus:
        """The recordings of some groups."""
        return replace(self, recordings=tuple(r for r in self.recordings if r.group in groups))

    def lines(self) -> Iterator[str]:
        """What a person should know of it."""
        n = len(self.recordings) + self.too_short
        yield f"{n} recordings, {self.seconds:.0f} s; {self.cut_s:.1f} s of constant samples cut out"
        yield from (f"left out: {line}" for line in self.bad)
        for count, what in (
            (self.too_short, "constant or shorter than a frame: left out"),
            (self.clipped, "clipped for a good part: lower the gain of the microphone"),
            (self.copies, "copies of others: keep copies in one group"),
        ):
            if count:
                yield f"{count} of {n} recordings are {what}"


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
    """Read recordings once, as streams; memory grows with their feature levels only.

    Parameters
    ----------
    spec : sensor and features
    clips : of one purpose
    seed : of the excerpts and the probes
    excerpts : how many of them; 0 where none are needed
    gain_db : hear each recording at this much less and more, too; 0: do not. Audio only
    segment_s : cut recordings into stretches of so many seconds, each a group of its own; 0: not
    bad : lines on what was left out before
    skip_bad : leave clips out that turn out damaged; by default the first is an error
    progress : called with the samples read so far

    Raises
    ------
    InputError : damaged or unsuitable recordings, or nothing in them
    """
    reader = _Reader(spec, excerpts, seed, gain_db, segment_s, progress)
    left_out = list(bad)
    for clip in clips:
        try:
            _check(spec, clip)
            reader.read(clip)
        except InputError as error:
            if not skip_bad:
                raise InputError(f"{error}; {SKIP_HINT}") from None
            left_out.append(str(error))
    return reader.corpus(tuple(left_out))


def _check(spec: PipelineSpec, clip: Clip) -> None:
    require(
        clip.kind == spec.sensor.kind and clip.columns == spec.columns,
        f"{clip.name}: rows of {clip.columns} values; the spec's features take {spec.columns}",
    )
    features, stored_hz = spec.features, clip.stored_hz
    if not isinstance(features, ExternalFeatures) and stored_hz is not None:
        require(
            2 * features.fmax_hz <= stored_hz,
            f"{clip.name}: recorded at {stored_hz:g} Hz, which holds nothing above {stored_hz / 2:g} Hz, but "
            f"features.fmax_hz is {features.fmax_hz:g}; lower it, or leave the recording out",
        )


def levels_of(spec: PipelineSpec, samples: Samples) -> Levels:
    """Feature levels of one stretch of samples, int16 (n,) or (n, columns), from a fresh pipeline."""
    stage = _Levels(framer_plan(spec), unlearnt_extractor(spec))
    stage.push(samples.reshape(len(samples), -1))
    return stage.finish()


def amplified(samples: Samples, gain_db: float) -> Samples:
    """The same sound through a microphone of another gain; what exceeds 16 bits saturates, as it would there."""
    return np.clip(np.rint(samples * 10 ** (gain_db / 20)), -32768, 32767).astype(np.int16)


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
        self._choice = np.random.default_rng(seed)
        self._segment = round(segment_s * spec.sensor.rate_hz)
        self._excerpts = excerpts
        self._stretches: list[tuple[int, Samples]] = []  # (recording, samples), a fair sample of all
        self._seen = 0
        self._found: list[Recorded] = []
        self._samples = self._cut = self._clipped = self._too_short = 0
        self._digests: set[str] = set()
        self._copies = 0

    def read(self, clip: Clip) -> None:
        """Take a clip, as one recording or as many; nothing of one that turns out damaged."""
        cutter = clip.cutter()
        segment, part = _Segment(self), 0
        whole: list[tuple[_Segment, str]] = []
        for new_piece, block in clip.blocks(cutter):
            if new_piece:
                segment.new_piece()
            rows = block.reshape(len(block), -1)
            while self._segment and segment.samples + len(rows) >= self._segment:
                rest = self._segment - segment.samples
                segment.push(rows[:rest])
                rows = rows[rest:]
                whole.append((segment, f" #{part}"))
                segment, part = _Segment(self), part + 1
            segment.push(rows)
            self._progress(self._samples + cutter.kept)
        if part == 0 or segment.samples:
            whole.append((segment, f" #{part}" if self._segment else ""))
        for each, suffix in whole:
            self._add(each, clip.name + suffix, clip.group + suffix)
        self._samples += cutter.kept + cutter.cut
        self._cut += cutter.cut
        self._clipped += cutter.clipped > _MOSTLY_CLIPPED * max(1, cutter.kept)

    def _add(self, segment: _Segment, name: str, group: str) -> None:
        pieces, at_gains, stretches, digest = segment.finish()
        if not pieces:
            self._too_short += 1
            return
        self._copies += digest in self._digests
        self._digests.add(digest)
        for samples, place in stretches:
            self._put(len(self._found), samples, place)
        self._found.append(Recorded(name, group, digest, tuple(pieces), tuple(at_gains)))

    def place(self) -> int | None:
        """Where the next stretch goes in a fair sample of all (Vitter's algorithm R); None: nowhere."""
        self._seen += 1
        if self._seen <= self._excerpts:
            return self._seen - 1
        place = int(self._choice.integers(self._seen))
        return place if place < self._excerpts else None

    def _put(self, recording: int, samples: Samples, place: int) -> None:
        if place < len(self._stretches):
            self._stretches[place] = recording, samples
        else:
            self._stretches.append((recording, samples))

    def corpus(self, bad: tuple[str, ...]) -> Corpus:
        n = len(self._found)
        require(n > 0, "train: nothing to learn from: every recording is constant (silent) or shorter than a frame")
        require(self._clipped < n, "train: every recording is clipped; record again at a lower gain")
        require(n == 1 or len(self._digests) > 1, f"train: {n} recordings, and all of them are the same one")
        of: dict[int, list[Excerpt]] = {}
        each = min(MOST_EACH, -(-PROBES // max(1, len(self._stretches))))
        for recording, samples in self._stretches:
            of.setdefault(recording, []).append(self._excerpt(samples, each))
        recordings = tuple(replace(r, excerpts=tuple(of.get(i, ()))) for i, r in enumerate(self._found))
        rate = self._spec.sensor.rate_hz
        return Corpus(
            recordings, bad, self._samples / rate, self._cut / rate, self._clipped, self._copies, self._too_short
        )

    @property
    def stretch_length(self) -> tuple[int, int]:
        """Least and most samples of a stretch."""
        spec = self._spec
        per_tick = round(spec.tick_s * spec.sensor.rate_hz)
        first = self.framer.window + (spec.context.frames * spec.hops_per_frame - 1) * self.framer.hop
        longest = first + _EXCERPT_TICKS * per_tick
        if spec.sensor.kind == "audio":
            return first + round(1.1 * spec.sensor.rate_hz), max(longest, round(_EXCERPT_S * spec.sensor.rate_hz))
        return first, longest

    def _excerpt(self, samples: Samples, probes: int) -> Excerpt:
        def probe(strength: float) -> Samples:
            if self._spec.sensor.kind == "audio":
                event = sound(self._spec.sensor.rate_hz, self._choice)
                return mixed(samples[:, 0], event, strength, self._choice, rate_hz=self._spec.sensor.rate_hz)[0]
            return disturbed_rows(samples, strength, _EXCERPT_TICKS // 2, self._choice)

        return Excerpt(
            levels_of(self._spec, samples),
            tuple(tuple(levels_of(self._spec, probe(strength)) for _ in range(probes)) for strength in STRENGTHS),
        )


class _Segment:
    """What becomes one recording: its pieces, and the stretches of them that are kept for probes."""

    def __init__(self, reader: _Reader) -> None:
        self.samples = 0
        self._digest = hashlib.sha256()
        self._levels, self._stretch = _Levels(reader.framer, reader.extractor), _Stretch(reader)
        self._others = [(gain_db, _Levels(reader.framer, reader.extractor)) for gain_db in reader.gains_db]
        self._pieces, self._at_gains = list[Levels](), list[Levels]()
        self._kept = list[tuple[Samples, int]]()

    def push(self, rows: Samples) -> None:
        self._digest.update(np.ascontiguousarray(rows).tobytes())
        self._levels.push(rows)
        for gain_db, levels in self._others:
            levels.push(amplified(rows, gain_db))
        self._kept += self._stretch.push(rows)
        self.samples += len(rows)

    def new_piece(self) -> None:
        self._pieces.append(self._levels.finish())
        self._at_gains += [levels.finish() for _, levels in self._others]
        self._kept += self._stretch.finish()

    def finish(self) -> tuple[list[Levels], list[Levels], list[tuple[Samples, int]], str]:
        """Levels of the pieces that have any, also at other gains, stretches and their places, digest."""
        self.new_piece()
        pieces, at_gains = ([each for each in part if len(each)] for part in (self._pieces, self._at_gains))
        return pieces, at_gains, self._kept, self._digest.hexdigest()


class _Levels:
    """Feature levels of one piece, block by block."""

    def __init__(self, framer: FramerPlan, extractor: ExtractorPlan) -> None:
        self._plans = framer, extractor
        self._start()

    def _start(self) -> None:
        framer, extractor = self._plans
        self._framer = Framer(framer, extractor.columns)
        self._stage = extractor_for(extractor)
        self._found = [np.zeros((0, extractor.n_features), np.int32)]

    def push(self, rows: Samples) -> None:
        for _, frames in self._framer.push(rows):
            self._found.append(self._stage.levels(frames)[0].astype(np.int32))

    def finish(self) -> Levels:
        levels = np.concatenate(self._found)
        self._start()
        return levels


class _Stretch:
    """Cuts pieces into stretches, and keeps those that the reader has a place for."""

    def __init__(self, reader: _Reader) -> None:
        self._of = reader
        self._least, self._most = reader.stretch_length
        self._rows: list[Samples] = []
        self._have = 0
        self._place: int | None = None

    def push(self, rows: Samples) -> list[tuple[Samples, int]]:
        kept = []
        while len(rows):
            if self._have == 0:
                self._place = self._of.place()
            taken = rows[: self._most - self._have]
            if self._place is not None:
                self._rows.append(taken.copy())
            self._have += len(taken)
            rows = rows[len(taken) :]
            if self._have == self._most:
                kept += self.finish()
        return kept

    def finish(self) -> list[tuple[Samples, int]]:
        kept = []
        if self._place is not None and self._have >= self._least:
            kept.append((np.concatenate(self._rows), self._place))
        self._rows, self._have, self._place = [], 0, None
        return kept
