"""Excerpts: a fair sample of stretches of normal recordings, without and with probes in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anomsdk.errors import InputError, without_a_branch
from anomsdk.planner.front_end import framer_plan
from anomsdk.planner.sections import MotionSensor
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources.dropouts import Samples
from anomsdk.synthetic.mixing import mixed
from anomsdk.train.data.feature_levels import feature_levels_of
from anomsdk.train.data.input_maps import FeatureLevels
from anomsdk.train.probes.motion import disturbed_motion, force_at, vigour
from anomsdk.train.probes.sound import STRENGTHS, disturbed_rows, sound_event

EXCERPTS = 128
"""Most excerpts of a corpus."""
PROBES, MOST_EACH = 256, 8
"""Probes at each strength over a whole corpus, and most probes at each strength for one excerpt."""
_EXCERPT_S, _EXCERPT_TICKS = 5.0, 40
"""Length of an excerpt in seconds and in ticks; the longer one counts."""


@dataclass(frozen=True)
class Excerpt:
    """Feature levels (frames, n_features) of an excerpt of a normal recording, without and with probes in it."""

    normal: FeatureLevels
    probes: tuple[tuple[FeatureLevels, ...], ...]  # one tuple for each strength


class Excerpts:
    """Keeps samples of a fair sample of stretches while recordings are read, and makes excerpts of them in the end.

    Parameters
    ----------
    spec : sensor, features and context
    most : most excerpts
    seed : seed of the choice and of the probes
    """

    def __init__(self, spec: PipelineSpec, most: int, seed: int) -> None:
        self._spec, self._most = spec, most
        self._choice = np.random.default_rng(seed)
        self._stretches: list[tuple[int, Samples]] = []  # (recording, samples)
        self._seen = 0

    def cutter(self) -> ExcerptCutter:
        """Make a cutter for the pieces of one recording."""
        return ExcerptCutter(self, *self._lengths())

    def place(self) -> int | None:
        """Draw a place for the next stretch in a fair sample of all (Vitter's algorithm R); None: it is not kept."""
        self._seen += 1
        if self._seen <= self._most:
            return self._seen - 1
        place = int(self._choice.integers(self._seen))
        return place if place < self._most else None

    def put(self, recording: int, samples: Samples, place: int) -> None:
        """Keep the samples of a stretch in its place; ``recording`` is the index of its recording."""
        if place < len(self._stretches):
            self._stretches[place] = recording, samples
        else:
            self._stretches.append((recording, samples))

    def made(self, alive: Callable[[], None] = lambda: None) -> dict[int, list[Excerpt]]:
        """Make the excerpts, by index of the recording; ``alive`` is called after each."""
        found: dict[int, list[Excerpt]] = {}
        each = min(MOST_EACH, -(-PROBES // max(1, len(self._stretches))))
        force = 1.0
        if isinstance(self._spec.sensor, MotionSensor):
            force = force_at(vigour((samples for _, samples in self._stretches), self._spec.sensor))
        for recording, samples in self._stretches:
            found.setdefault(recording, []).append(self._excerpt(samples, each, force))
            alive()
        return found

    def _lengths(self) -> tuple[int, int]:
        """Least and most samples of an excerpt."""
        spec, framer = self._spec, framer_plan(self._spec)
        per_tick = round(spec.tick_s * spec.sensor.rate_hz)
        first = framer.window + (spec.context.frames * spec.hops_per_frame - 1) * framer.hop
        longest = first + _EXCERPT_TICKS * per_tick
        if spec.sensor.kind == "audio":
            return first + round(1.1 * spec.sensor.rate_hz), max(longest, round(_EXCERPT_S * spec.sensor.rate_hz))
        return first, longest

    def _excerpt(self, samples: Samples, probes: int, force: float) -> Excerpt:
        def probe(strength: float) -> Samples:
            sensor = self._spec.sensor
            if sensor.kind == "audio":
                event = sound_event(sensor.rate_hz, self._choice)
                return mixed(samples[:, 0], event, strength, self._choice, rate_hz=sensor.rate_hz)[0]
            if sensor.kind == "motion":
                return disturbed_motion(samples, strength, sensor, self._choice, force=force)
            if sensor.kind == "external":
                return disturbed_rows(samples, strength, _EXCERPT_TICKS // 2, self._choice)
            if sensor.kind == "diary":
                raise InputError("train: days are trained without probes; take no excerpts of them")
            raise without_a_branch(sensor.kind)

        return Excerpt(
            feature_levels_of(self._spec, samples),
            tuple(
                tuple(feature_levels_of(self._spec, probe(strength)) for _ in range(probes)) for strength in STRENGTHS
            ),
        )


class ExcerptCutter:
    """Cuts pieces into stretches, and returns (samples, place) of those that `Excerpts` has a place for."""

    def __init__(self, excerpts: Excerpts, least: int, most: int) -> None:
        self._of, self._least, self._most = excerpts, least, most
        self._rows: list[Samples] = []
        self._have = 0
        self._place: int | None = None

    def push(self, rows: Samples) -> list[tuple[Samples, int]]:
        """Process the next samples (n, columns) of a piece."""
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
        """End the piece."""
        kept = []
        if self._place is not None and self._have >= self._least:
            kept.append((np.concatenate(self._rows), self._place))
        self._rows, self._have, self._place = [], 0, None
        return kept
