"""Training on days: a model of own-relative days over a herd, with a scale for each group of figures.

There is no search. The residual of the model is the Mahalanobis distance of the day's figures, and the value itself of
everything else: deviations of slots, totals and trends are in units of the animal's own spread already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from anomsdk.core.affine import Affine
from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.checks import require
from anomsdk.core.days import DAY_S
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.fixed import Ints
from anomsdk.core.reasons import Group, marks
from anomsdk.core.score import ScorePlan, error, sizes, sums
from anomsdk.planner.calibration import AlarmLevels, Calibration, Normalisation, Tolerated, signal_sections
from anomsdk.planner.front_end import extractor_plan
from anomsdk.planner.layers import layer_plan
from anomsdk.planner.score import score_group
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.train.alarm_levels import first_tick_s
from anomsdk.train.alarm_simulation import ScoredPiece
from anomsdk.train.data.corpus import Recorded
from anomsdk.train.models.linear import mahalanobis
from anomsdk.train.models.network import Dense, Floats, Network
from anomsdk.train.models.quantise import quantise
from anomsdk.train.models.support import Origins

DEVIATIONS = 6.0
"""Half-width of the int8 range of a value, in standard deviations of the herd's normal days."""
SHRINKAGE = 0.1
"""Shrinkage of the covariance of the figures: .1 to .5 found about as much on cows and people."""
TAILS = (0.95, 0.95, 0.95, 0.995)
"""Quantiles of the normal ticks at which the groups of the score are made equal: slots, totals, figures, trends. That
of the trends is higher, as a slow change lasts: at .95 the trends of a few animals would hide what changes from one
day to the next."""
_SMALLEST = 16.0
"""Least standard deviation of a value of a frame, in its own steps."""


class DayModel:
    """Model of the own-relative days of a herd.

    Parameters
    ----------
    spec : sensor diary, features days
    recordings : frames of normal days, one recording or more for each animal

    Raises
    ------
    InputError : no animal has enough days for a judged one
    """

    def __init__(self, spec: PipelineSpec, recordings: Sequence[Recorded]) -> None:
        self._spec = spec
        frames = [(recording.group, piece.astype(np.int64)) for recording in recordings for piece in recording.pieces]
        self._n_animals, self._n_ticks = len({group for group, _ in frames}), sum(len(piece) for _, piece in frames)
        require(self._n_ticks > 0, "train: no animal has enough days for a judged one; give longer recordings")
        self._features = _normalisation(np.concatenate([piece for _, piece in frames]))
        self._extractor = extractor = extractor_plan(spec, self._features)
        self._affine = Affine(extractor.normalisation)
        inputs = [self._affine.run(piece) for _, piece in frames]
        every = np.concatenate(inputs)
        origins = _origins(spec.tick_s, [group for group, _ in frames], [len(piece) for piece in inputs])
        scale = DEVIATIONS / 127
        real = every * scale
        self._layers = quantise(_embedded(extractor, real, scale, origins), real, scale)
        self._model = Autoencoder(tuple(layer_plan(layer) for layer in self._layers))
        ones = np.ones(extractor.n_features, np.uint8)
        plain = ScorePlan(ones, 0, 0, input_gain=1, output_gain=1, shift=0)
        parts = replace(plain, groups=tuple(score_group(part, 1.0) for part in extractor.parts))
        found = sums(parts, error(plain, every, self._model.run(every)))
        tails = [float(np.quantile(each, place)) for each, place in zip(found.T, TAILS, strict=True)]
        self._tails = tuple(round(max(tail, 1.0), 3) for tail in tails)
        self._score = replace(plain, groups=tuple(map(score_group, extractor.parts, self._tails)))

    def __str__(self) -> str:
        return f"days of {self._n_animals} animals, {self._n_ticks} judged slots"

    @cached_property
    def tflite(self) -> bytes:
        """Content of the model file."""
        return write_tflite(list(self._layers))

    def scores(self, frames: Ints) -> Ints:
        """Compute the scores of frames (ticks, n_features) before normalisation."""
        return sizes(self._score, self._errors(frames)).max(axis=1)

    def calibrated(self, recordings: Sequence[Recorded]) -> tuple[list[ScoredPiece], Floats]:
        """Score each piece of recordings, and sum the squared errors of each input."""
        found, total = list[ScoredPiece](), np.zeros(self._extractor.n_features)
        for recording in recordings:
            for start, piece in zip(recording.starts, recording.pieces, strict=True):
                second = first_tick_s(self._spec, start)
                found.append(ScoredPiece(recording.name, recording.owner, second, self.scores(piece.astype(np.int64))))
                total += (self._errors(piece.astype(np.int64)) ** 2).sum(axis=0)
        return found, total

    def group_levels(self, terms: Floats) -> dict[str, float]:
        """Sum the contributions ``terms`` (n_in,) of the inputs by the group that reasons name."""
        groups, codes = marks(self._extractor.groups, (False,))
        levels = np.bincount(groups & 15, terms)
        return {Group(code).name.lower(): round(float(level), 3) for code, level in zip(codes, levels, strict=True)}

    def calibration(
        self,
        *,
        levels: AlarmLevels,
        tolerated: Tolerated | None,
        group_levels: dict[str, float],
        recordings: int,
        hours: float,
        provenance: dict[str, str],
    ) -> Calibration:
        """Put together the contents of a calibration.json; parameters as the fields of `Calibration`."""
        return Calibration(
            format=1,
            model_sha256=parse_tflite(self.tflite, name="model.tflite").sha256,
            signal=signal_sections(self._spec),
            features=self._features,
            inputs=None,
            deviations=DEVIATIONS,
            score_weights=(1,) * self._extractor.n_features,
            score_tails=self._tails,
            alarm_levels=levels,
            tolerated=tolerated,
            group_levels=group_levels,
            recordings=recordings,
            hours=hours,
            provenance=provenance,
        )

    def _errors(self, frames: Ints) -> Ints:
        inputs = self._affine.run(frames)
        return error(self._score, inputs, self._model.run(inputs))


def _normalisation(frames: Ints) -> Normalisation:
    """Learn the map of frames (n, n_features) to int8; 0 stays 0, as each value is a distance from an own level."""
    deviation = np.maximum(np.sqrt((frames.astype(np.float64) ** 2).mean(axis=0)), _SMALLEST)
    half_width = np.round(DEVIATIONS * deviation, 6)
    return Normalisation(centre=(0.0,) * len(deviation), half_width=tuple(half_width.tolist()))


def _embedded(extractor: ExtractorPlan, inputs: Floats, scale: float, origins: Origins) -> Network:
    """Fit the Mahalanobis distance of the inputs that it is for, and let all others have no reconstruction."""
    n = extractor.n_features
    weight, bias = np.zeros((n, n)), np.zeros(n)
    for first, last, squared in extractor.parts:
        if squared:
            part = slice(first, last + 1)
            (layer,) = mahalanobis(inputs[:, part], scale, SHRINKAGE, origins=origins).layers
            weight[part, part], bias[part] = layer.weight, layer.bias
    return Network((Dense(weight, bias),))


def _origins(slot_s: float, groups: Sequence[str], lengths: Sequence[int]) -> Origins:
    """Return the origins of the ticks of all pieces, one a slot: the slots of one day are one window."""
    labels = sorted(set(groups))
    group = np.repeat([labels.index(each) for each in groups], lengths)
    at = np.concatenate([np.arange(n) for n in lengths])
    piece = np.repeat(np.arange(len(lengths)), lengths)
    window = piece * (1 << 20) + at // round(DAY_S / slot_s)
    return Origins(window, group.astype(np.int64), at * slot_s, length_s=slot_s)
