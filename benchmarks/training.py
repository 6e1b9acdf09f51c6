"""Processor time of training for another hour of sound, against the former implementation, which reads hop by hop.

Beyond the first hour, only two costs grow: reading (each recording is read at three gains), and what every fold
prepares from it. Models learn from a bounded number of rows, and the number of probes is fixed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import numpy as np

from anomsdk.core import energy
from anomsdk.core.bands import Bands, BandsPlan
from anomsdk.core.fixed import Ints
from anomsdk.core.framer import BATCH, Framer
from anomsdk.core.levels import floored, limited
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources.dropouts import Samples
from anomsdk.synthetic.sound import as_int16
from anomsdk.train.data.corpus import Corpus, clips_of, gather
from anomsdk.train.data.feature_levels import FeatureLevelStream
from anomsdk.train.search.cross_validation import CrossValidation

MOST_S_AN_HOUR, MOST_RATIO = 60.0, 60 / 110
MINUTES, GROUPS = 12, 6
DEVIATIONS = (12.0, 8.0, 16.0)
"""Ranges of the inputs that a search tries, in standard deviations."""
SPEC = """
format = 1
name = "room"
sensor = {kind = "audio", rate_hz = 16000}
context = {kind = "summary", frames = 4}
model = {max_macs = 3000}
[features]
kind = "bands"
fft_length = 512
hop_length = 256
n_bands = 16
fmin_hz = 100
fmax_hz = 7500
band_ms = 256
"""
"""Spec of the tutorial."""


class HopByHop(Bands):
    """Former implementation of the bands, which adds up energies hop by hop: `run` compares with it."""

    def levels(self, frames: Ints) -> tuple[Ints, Ints]:
        """Feature levels of the frames that these windows complete, and the window that completes each."""
        mantissa, exponent = self._filterbank.run(*self._fft.run(frames[:, :, 0]))
        together = energy.total(mantissa, exponent, self._plan.headroom)
        mantissa = np.concatenate([mantissa, together[0][None]])
        exponent = np.concatenate([exponent, together[1][None]])
        levels, completed_by = [], []
        for hop in range(mantissa.shape[1]):
            self._add(mantissa[:, hop], exponent[:, hop])
            if self._hops == self._plan.hops_per_frame:
                levels.append(self._frame())
                completed_by.append(hop)
                self.restart()
        return np.array(levels, np.int64).reshape(-1, self._plan.n_features), np.array(completed_by, np.int64)

    def _add(self, mantissa: Ints, exponent: Ints) -> None:
        self._sums[:] = energy.add(self._sums[0], self._sums[1], mantissa, exponent)
        level = floored(self._plan.limits, mantissa[-1], exponent[-1], self._offset_q10)
        self._peak_q10 = max(self._peak_q10, int(level))
        self._hops += 1

    def _frame(self) -> Ints:
        limits, mean_q10 = self._plan.limits, self._offset_q10 + self._plan.mean_q10
        mean = floored(limits, self._sums[0], self._sums[1], mean_q10)
        return np.append(limited(limits, mean[:-1]), [self._peak_q10, self._peak_q10 - mean[-1]])


class LevelsBefore(FeatureLevelStream):
    """Feature levels of one piece, by the former implementation."""

    def _start(self) -> None:
        framer, extractor = self._plans
        assert isinstance(extractor, BandsPlan)
        self._framer = Framer(framer, extractor.columns, BATCH)
        self._stage = HopByHop(extractor, BATCH)
        self._found = [np.zeros((0, extractor.n_features), np.int32)]


@contextmanager
def path_before() -> Iterator[None]:
    """Let training read with the former implementation."""
    with (
        mock.patch("anomsdk.train.data.corpus.FeatureLevelStream", LevelsBefore),
        mock.patch("anomsdk.train.data.feature_levels.FeatureLevelStream", LevelsBefore),
    ):
        yield


def recordings(minutes: float = MINUTES) -> list[Samples]:
    """Generate recordings of noise, 30 s each, with varying level and colour."""
    found = []
    for i in range(round(2 * minutes)):
        rng = np.random.default_rng(i)
        noise = np.convolve(rng.standard_normal(30 * 16_000), np.ones(1 + i % 7) / (1 + i % 7), "same")
        found.append(
            as_int16(noise * np.interp(np.arange(len(noise)), np.linspace(0, len(noise), 9), rng.uniform(0.01, 0.1, 9)))
        )
    return found


def gathered(spec: PipelineSpec, sounds: list[Samples], excerpts: int = 0) -> Corpus:
    """Gather from recordings what training needs."""
    groups = [i % GROUPS for i in range(len(sounds))]
    return gather(spec, list(clips_of(spec, sounds, groups, "recording")), seed=0, excerpts=excerpts, gain_db=6.0)


def seconds(spec: PipelineSpec, sounds: list[Samples]) -> float:
    """Processor time of the work that grows with the recordings, s."""
    begin = time.process_time()
    judge = CrossValidation(spec, gathered(spec, sounds), anomalous=None, seed=0)
    for deviations in DEVIATIONS:
        judge.prepare(deviations)
    return time.process_time() - begin


def same_levels(spec: PipelineSpec, sounds: list[Samples]) -> bool:
    """True if both implementations give equal feature levels, from which the same choice and plan follow."""
    now = gathered(spec, sounds, excerpts=4)
    with path_before():
        before = gathered(spec, sounds, excerpts=4)
    return all(
        np.array_equal(one, other)
        for pair in zip(now.recordings, before.recordings, strict=True)
        for one, other in zip(*map(_levels, pair), strict=True)
    )


def _levels(recorded: object) -> list[np.ndarray]:
    found = [*recorded.pieces, *recorded.at_gains]  # type: ignore[attr-defined]
    for excerpt in recorded.excerpts:  # type: ignore[attr-defined]
        found += [excerpt.normal, *(levels for strength in excerpt.probes for levels in strength)]
    return found


@dataclass(frozen=True)
class Measured:
    """Processor time for an hour of sound.

    Parameters
    ----------
    now, before : seconds of each round, with the present and the former implementation
    same : both give equal feature levels
    """

    now: list[float]
    before: list[float]
    same: bool

    @property
    def ratio(self) -> float:
        """Median over the rounds of the present time over the former."""
        return float(np.median(np.divide(self.now, self.before)))

    @property
    def is_met(self) -> bool:
        """True if the feature levels are equal and the ratio is within its bound."""
        return self.same and self.ratio <= MOST_RATIO


def run(rounds: int = 3, minutes: float = MINUTES) -> Measured:
    """Measure both implementations in turns on the same recordings."""
    spec, sounds = PipelineSpec.from_toml(SPEC), recordings(minutes)
    hours = sum(map(len, sounds)) / 16_000 / 3600
    now, before = list[float](), list[float]()
    for _ in range(rounds):
        now.append(seconds(spec, sounds) / hours)
        with path_before():
            before.append(seconds(spec, sounds) / hours)
    return Measured(now, before, same_levels(spec, sounds[:4]))
