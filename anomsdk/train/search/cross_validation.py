"""Cross-validation of candidates over groups of normal recordings, in the integers that a device would run.

Each fold trains on some groups and scores excerpts of the held-out ones without and with probes in them, or against
labelled anomalies where the user has some. The figure is the AUC of the highest scores. Scores are pooled over the
folds after those of each fold were divided by their normal median.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.autoencoder import Autoencoder, LayerPlan, check_layers
from anomsdk.core.baseline import Baseline
from anomsdk.core.checks import require
from anomsdk.core.fixed import Ints
from anomsdk.errors import InputError
from anomsdk.planner.layers import layer_plan
from anomsdk.planner.score import baseline_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite.model import FullyConnected
from anomsdk.stats.metrics import auc
from anomsdk.train.alarm_simulation import baseline_start_of
from anomsdk.train.data.corpus import Corpus, Recorded
from anomsdk.train.data.input_maps import FeatureLevels, InputMaps, n_model_inputs, unlearnt_extractor
from anomsdk.train.models.family import Candidate, score_weights, train_candidate
from anomsdk.train.models.network import Floats, Network
from anomsdk.train.models.quantise import quantise
from anomsdk.train.models.support import LEAST_GROUPS, STRETCHES, NotOfferedError, Origins
from anomsdk.train.probes.sound import STRENGTHS
from anomsdk.train.search.folds import Batch, Fold, FoldScores, folds_of
from anomsdk.train.search.trials import Trained, Trial

JUDGED_BASELINE_S = 8.0
"""Time constant of the baseline with which candidates are compared before one is chosen, seconds."""
SEARCH_ROWS, FINAL_ROWS = 12_000, 60_000
"""Most windows that a candidate in a fold, and the chosen one in the end, are trained on."""
FEWEST_ROWS = 50
"""Fewest windows that a candidate may learn from."""

Progress: TypeAlias = Callable[[int], None]


class CrossValidation:
    """Cross-validation of candidates for one set of features and one context.

    Parameters
    ----------
    spec : sensor, features, context and score
    corpus : normal recordings of two groups or more
    anomalous : labelled anomalies to judge on; None: generated probes
    seed : seed of everything random
    alive : called several times a second while models are trained
    """

    def __init__(
        self,
        spec: PipelineSpec,
        corpus: Corpus,
        *,
        anomalous: Corpus | None,
        seed: int,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.spec, self._seed, self._alive = spec, seed, alive
        self._extractor = unlearnt_extractor(spec)
        self._recordings = corpus.recordings
        self._anomalous = () if anomalous is None else anomalous.recordings
        self._folds = folds_of(corpus.recordings, seed)
        # What depends on the fold and the range of the inputs only is computed once for all candidates.
        self._prepared = lru_cache(maxsize=2 * len(self._folds))(self._prepare)
        self._whole = lru_cache(maxsize=4)(self._whole_of)

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return len(self._folds)

    @property
    def is_labelled(self) -> bool:
        """True where candidates are judged on labelled anomalies, not on probes."""
        return bool(self._anomalous)

    @property
    def n_inputs(self) -> int:
        """Width of the model's input."""
        return n_model_inputs(self.spec.context, self._extractor.n_features)

    def judge(self, candidate: Candidate, progress: Progress = lambda fold: None) -> Trial:
        """Train and score a candidate in every fold; ``progress`` is called with the index of each fold.

        Raises
        ------
        NotOfferedError : trained on all recordings, the candidate would store numbers that rest on too few windows or
            groups
        """
        self._check_offered(candidate)
        runs = []
        for fold in range(self.n_folds):
            runs.append(self._run(candidate, fold))
            progress(fold)
        seconds = self.spec.score.baseline_s
        seconds = JUDGED_BASELINE_S if seconds == "chosen" else seconds
        epochs = int(np.median([run.trained.epochs for run in runs]))
        return Trial(
            candidate,
            self._area([run.integer for run in runs], seconds),
            self._area([run.real for run in runs], seconds),
            epochs,
            candidate.macs(self.n_inputs),
        )

    def baselines(self, candidate: Candidate, seconds: Sequence[float]) -> list[float]:
        """AUC of a candidate with each time constant of the baseline of the score, seconds; 0: no baseline."""
        runs = [self._run(candidate, fold).integer for fold in range(self.n_folds)]
        return [self._area(runs, each) for each in seconds]

    def prepare(self, deviations: float) -> None:
        """Prepare every fold and the whole for candidates with a range of the inputs, as `judge` does first."""
        for fold in range(self.n_folds):
            self._prepared(fold, deviations)
        self._whole(deviations)

    def clipped(self, deviations: float) -> float:
        """Share of all normal windows in which an input is at an end of its range, 0 to 1."""
        rows = self._whole(deviations)[1]
        return float(((rows >= 127) | (rows <= -127)).any(axis=1).mean())

    def train(self, candidate: Candidate, epochs: int) -> Trained:
        """Train a candidate on all recordings for a number of epochs."""
        maps, rows, origins = self._whole(candidate.deviations)
        return self._trained(candidate, maps, rows * maps.input_scale, origins, None, max(1, epochs))

    def _check_offered(self, candidate: Candidate) -> None:
        """Refuse a candidate before its folds are trained, if training on all recordings would have to refuse it."""
        maps, rows, origins = self._whole(candidate.deviations)
        least = candidate.least_windows(self.n_inputs)
        if origins.n_windows < least:
            raise NotOfferedError(f"there are {origins.n_windows} windows to learn from, and it needs {least}")
        if candidate.kind != "autoencoder":  # other kinds are solved in closed form
            self._trained(candidate, maps, rows * maps.input_scale, origins, None, None)

    def _whole_of(self, deviations: float) -> tuple[InputMaps, NDArray[np.int8], Origins]:
        maps = self._maps(self._recordings, deviations)
        rows, origins = self._rows(maps, self._recordings, FINAL_ROWS)
        return maps, rows, self._with_rule(origins)

    def _with_rule(self, origins: Origins) -> Origins:
        """Let means rest on stretches instead of on groups where all recordings are of one group."""
        if len(np.unique(origins.group)) > 1:
            return origins
        return replace(origins, least_groups=1, least_stretches=STRETCHES)

    # Folds

    def _prepare(self, fold: int, deviations: float) -> Fold:
        held = self._folds[fold]
        training = [r for r in self._recordings if r.group not in held]
        holding = [r for r in self._recordings if r.group in held]
        maps = self._maps(training, deviations)
        rows, origins = self._rows(maps, training, SEARCH_ROWS)
        held_rows, _ = self._rows(maps, holding, SEARCH_ROWS)
        origins = replace(origins, least_groups=min(LEAST_GROUPS, len(np.unique(origins.group))))
        require(
            len(rows) >= FEWEST_ROWS and len(held_rows) > 0,
            f"train: {len(rows)} ticks to learn from and {len(held_rows)} held out are too few; give longer recordings",
        )
        excerpts = [excerpt for recording in holding for excerpt in recording.excerpts]
        if self._anomalous:
            probes = [[piece for recording in self._anomalous for piece in recording.pieces]]
        else:  # a fold has no excerpt where its recordings are too short
            strengths = range(len(STRENGTHS))
            probes = [[levels for excerpt in excerpts for levels in excerpt.probes[s]] for s in strengths]
        normal = Batch.of(maps, [excerpt.normal for excerpt in excerpts])
        scaled = rows * maps.input_scale, origins, held_rows * maps.input_scale
        return Fold(maps, *scaled, normal, [Batch.of(maps, each) for each in probes])

    def _run(self, candidate: Candidate, fold: int) -> FoldScores:
        prepared = self._prepared(fold, candidate.deviations)
        trained = self._trained(candidate, prepared.maps, prepared.rows, prepared.origins, prepared.held_rows, None)
        groups = [prepared.normal, *prepared.probes]
        return FoldScores(
            trained,
            [group.split(trained.scores(group.inputs.astype(np.int64))) for group in groups],
            [group.split(trained.float_scores(group.inputs.astype(np.int64))) for group in groups],
        )

    def _maps(self, recordings: Sequence[Recorded], deviations: float) -> InputMaps:
        return InputMaps(self.spec, list(self._heard(recordings)), deviations)

    def _heard(self, recordings: Sequence[Recorded]) -> Iterator[FeatureLevels]:
        for recording in recordings:
            yield from recording.pieces
            yield from recording.at_gains

    def _rows(self, maps: InputMaps, recordings: Sequence[Recorded], most: int) -> tuple[NDArray[np.int8], Origins]:
        """Sample model inputs (n, n_in) evenly from recordings, n about ``most`` at most, with their origins."""
        frames = sum(map(len, self._heard(recordings)))
        every = max(1, frames // most // self.spec.context.stride)
        rate, frame_s = self.spec.sensor.rate_hz, self.spec.tick_s / self.spec.context.stride
        rows, windows = [np.zeros((0, self.n_inputs), np.int8)], [np.zeros(0, np.int64)]
        groups, starts = [np.zeros(0, np.int64)], [np.zeros(0)]
        known: dict[str, tuple[int, int]] = {}  # by digest: a copy adds no window and no group
        owners: dict[str, int] = {}
        n_windows = 0
        for recording in recordings:
            owner = owners.setdefault(recording.owner, len(owners))
            first, group = known.setdefault(recording.digest, (n_windows, owner))
            before = list(accumulate(map(len, recording.pieces), initial=0))
            n_windows += before[-1]
            gains = len(recording.at_gains) // len(recording.pieces)
            of_piece = [*range(len(recording.pieces)), *np.repeat(range(len(recording.pieces)), gains).tolist()]
            for piece, levels in zip(of_piece, (*recording.pieces, *recording.at_gains), strict=True):
                found, at = maps.inputs_of(levels, every)
                rows.append(found)
                windows.append(first + before[piece] + at)
                groups.append(np.full(len(found), group))
                starts.append(recording.start / rate + (before[piece] + at) * frame_s)
        origins = Origins(
            np.concatenate(windows),
            np.concatenate(groups),
            np.concatenate(starts),
            length_s=self.spec.context.frames * frame_s,
        )
        return np.concatenate(rows), origins

    def _trained(
        self,
        candidate: Candidate,
        maps: InputMaps,
        rows: Floats,
        origins: Origins,
        held: Floats | None,
        epochs: int | None,
    ) -> Trained:
        more = {} if epochs is None else {"epochs": epochs}
        network, taken = train_candidate(
            candidate, rows, held, seed=self._seed, origins=origins, progress=lambda epoch: self._alive(), **more
        )
        self._alive()
        if candidate.kind == "nearest mean":  # means that rest on too few windows were left out
            candidate = replace(candidate, hidden=tuple(len(layer.bias) for layer in network.layers[:-1]))
        layers, planned = int8_layers(network, rows, maps.input_scale)
        model = Autoencoder(planned)
        weights = score_weights(candidate, rows - network.run(rows))
        return Trained(candidate, maps, network, layers, model, weights, taken)

    def _area(self, runs: list[list[list[Ints]]], baseline_s: float) -> float:
        """Mean over the strengths of probes of the AUC that is pooled over folds."""
        pooled: list[list[NDArray[np.float64]]] = [[] for _ in runs[0]]
        for normal, *probes in runs:
            if not normal:
                continue
            plan = baseline_plan(baseline_start_of(normal), baseline_s=baseline_s, hold_s=0, tick_s=self.spec.tick_s)
            peaks = [np.array([Baseline(plan).run(s).max() for s in each], float) for each in (normal, *probes)]
            for group, found in zip(pooled, peaks, strict=True):
                group.append(found / (np.median(peaks[0]) + 1))
        whole, *others = (np.concatenate([np.zeros(0), *group]) for group in pooled)
        areas = [auc(whole, each) for each in others]
        require(
            len(areas) > 0 and None not in areas,
            "train: every recording is too short for a probe, so that no model can be judged; give longer recordings",
        )
        return float(np.mean(areas))  # type: ignore[arg-type]


def int8_layers(
    network: Network, rows: Floats, input_scale: float
) -> tuple[tuple[FullyConnected, ...], tuple[LayerPlan, ...]]:
    """Quantise a network to int8 and plan its layers; a network whose sums could leave 32 bits is refused."""
    try:
        layers = tuple(quantise(network, rows, input_scale))
        planned = tuple(layer_plan(layer) for layer in layers)
        check_layers(planned)
    except InputError as error:
        raise NotOfferedError(f"it has no int8 form ({error})") from None
    return layers, planned
