"""Plans that `anomsdk.train` made of the scenes, their scores, and the scores of the float networks behind them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import anomsdk
from anomsdk.core.affine import Affine
from anomsdk.core.context import Context
from anomsdk.core.fixed import Ints
from anomsdk.core.pipeline import Ticks
from anomsdk.core.plan import Plan
from anomsdk.core.score import Score
from anomsdk.errors import CheckError
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration
from anomsdk.planner.front_end import sensor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.runtime.engines.reference import ReferenceEngine
from anomsdk.sources.clips import Clip, clip_from_array, open_clips
from anomsdk.sources.stream_format import StreamFormat
from anomsdk.train.data.corpus import gather
from anomsdk.train.data.excerpts import EXCERPTS
from anomsdk.train.data.input_maps import FeatureLevels
from anomsdk.train.models.family import Candidate, family
from anomsdk.train.search.cross_validation import CrossValidation
from anomsdk.train.search.trials import Trained
from benchmarks.clip_levels import ClipLevels, external_rows
from benchmarks.scenes import Scenes
from benchmarks.signals import RATE, ROOT

SEED = 1
CHECKED = 50
"""Every 50th clip is also scored from its samples by `anomsdk.score`, and the scores must be equal."""


def bands_spec(baseline_s: float | str) -> PipelineSpec:
    """Spec of audio_scene with another time constant of the baseline."""
    return _with_baseline(PipelineSpec.from_file(ROOT / "reference_models" / "audio_scene" / "spec.toml"), baseline_s)


def logmel_spec(baseline_s: float | str, n_mels: int = 64) -> PipelineSpec:
    """Spec of log-mels, with statistics over 1 s and a tick every 256 ms."""
    features = {"kind": "logmel", "fft_length": 1024, "hop_length": _HOP, "n_mels": n_mels, "fmax_hz": 8000}
    features["allow_speech_features"] = True
    return _logmel({"kind": "audio", "rate_hz": RATE}, features, baseline_s)


def external_spec(baseline_s: float | str) -> PipelineSpec:
    """Spec of `logmel_spec` for log-mels that come as rows of the extractor `external`."""
    features = {"kind": "external", "n_features": 64, "counts_per_unit": 256}
    return _logmel({"kind": "external", "rate_hz": RATE / _HOP}, features, baseline_s)


_HOP = 512


def _logmel(sensor: dict[str, object], features: dict[str, object], baseline_s: float | str) -> PipelineSpec:
    tree = {
        "format": 1,
        "name": "logmel",
        "sensor": sensor,
        "features": features,
        "context": {"kind": "summary", "frames": 32, "stride": 8, "statistics": ["mean", "deviation", "max"]},
        "model": {"max_macs": 150_000},
        "score": {"baseline_s": baseline_s},
    }
    return PipelineSpec.from_dict(tree)


def _with_baseline(spec: PipelineSpec, baseline_s: float | str) -> PipelineSpec:
    tree = spec.model_dump()
    tree["score"]["baseline_s"] = baseline_s
    return PipelineSpec.from_dict(tree)


@dataclass(frozen=True, eq=False)
class Made:
    """A plan and the float network that it was quantised from."""

    plan: Plan
    trained: Trained
    words: str  # the model that training chose, and the time constant of its baseline


def fit(spec: PipelineSpec, scenes: Scenes, names: Sequence[str]) -> Made:
    """Train a plan on the recordings of some scenes; the held-out recordings set its alarm level."""
    training = [clip for name in names for clip in scenes.training[name]]
    held = [clip for name in names for clip in scenes.held[name]]
    chosen: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "plan"
        plan = anomsdk.train.fit(spec, training, calibration=held, out=out, seed=SEED, report=chosen.append)
        clips = [clip_from_array(f"recording {i}", i, clip, rate_hz=RATE) for i, clip in enumerate(training)]
        return _made(spec, plan, out, clips, chosen)


def fit_rows(spec: PipelineSpec, clip_levels: ClipLevels, names: Sequence[str]) -> Made:
    """Train a plan as `fit` does, on .npy files of rows for the extractor `external`."""
    chosen: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        for held in (False, True):
            folder = temporary / ("held" if held else "training")
            folder.mkdir()
            for i, levels in enumerate(clip_levels.pieces(names, held=held)):
                if len(levels) >= spec.context.frames:
                    np.save(folder / f"{i:04d}.npy", external_rows(levels))
        (temporary / "spec.toml").write_text(spec.to_toml(), encoding="utf-8")
        out = temporary / "plan"
        plan = anomsdk.train.fit_from(
            temporary / "spec.toml",
            temporary / "training",
            out,
            calibration=temporary / "held",
            seed=SEED,
            report=chosen.append,
        )
        found = open_clips(temporary / "training", StreamFormat.of(sensor_plan(spec), spec.columns))
        return _made(spec, plan, out, list(found.clips), chosen)


def _made(spec: PipelineSpec, plan: Plan, out: Path, clips: Sequence[Clip], lines: Sequence[str]) -> Made:
    """Train the chosen model once more for its float network, whose int8 layers must equal the plan's."""
    calibration = Calibration.model_validate_json((out / CALIBRATION_FILE).read_text())
    words = calibration.provenance["model"]
    candidate = _candidate(words, plan.n_inputs, spec.model.max_macs)
    is_linear = candidate.kind != "autoencoder"  # only autoencoders depend on the number of epochs
    gain_db = anomsdk.train.Options().gain_db
    corpus = gather(spec, clips, seed=SEED, excerpts=0 if is_linear else EXCERPTS, gain_db=gain_db)
    judge = CrossValidation(spec, corpus, anomalous=None, seed=SEED)
    trained = judge.train(candidate, 0 if is_linear else judge.judge(candidate).epochs)
    layers = parse_tflite((out / "model.tflite").read_bytes(), name="model.tflite").layers
    for ours, theirs in zip(trained.layers, layers, strict=True):
        if not (np.array_equal(ours.weights, theirs.weights) and np.array_equal(ours.bias, theirs.bias)):
            raise CheckError(
                f"{words}: trained again, the int8 layers differ from the plan's; use the same environment"
            )
    follower = [line.split(" (")[0].split(" = ")[1] for line in lines if line.startswith("score.baseline_s")]
    return Made(plan, trained, words + (f", baseline {follower[0]} s" if follower else ""))


def _candidate(words: str, n_inputs: int, max_macs: int) -> Candidate:
    """Find the candidate of the search with this name."""
    for base in family(n_inputs, max_macs):
        for deviations in (4.0, 6.0, 8.0, 12.0, 16.0):
            for weighted in (False, True):
                candidate = replace(base, deviations=deviations, weighted=weighted)
                if str(candidate) == words:
                    return candidate
    raise CheckError(f"'{words}' is no model of the family")


class Runner:
    """Scores feature levels with the stages of a plan that follow its extractor."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._affine = Affine(plan.extractor.normalisation)
        self._score = Score(plan.score)
        self._engine = ReferenceEngine(plan)

    def inputs(self, levels: FeatureLevels) -> Ints:
        """Model inputs (ticks, n_in) of feature levels (frames, n_features)."""
        features = self._affine.run(levels.astype(np.int64))
        return Context(self.plan.context, self.plan.extractor.n_features).push(features)[0]

    def raw(self, inputs: Ints) -> Ints:
        """Scores of the int8 model before the baseline is subtracted."""
        outputs = self._engine.reconstruct(inputs.astype(np.int8))
        return self._score.run(inputs, outputs.astype(np.int64))

    def final(self, inputs: Ints, raw: Ints) -> Ints:
        """Scores of a whole stream after the baseline, which an alarm freezes, is subtracted."""
        outputs = inputs  # no reasons are read from them
        results = self._engine.results(Ticks(np.arange(len(raw)), inputs, outputs, raw))
        self._engine.reset()
        return np.array([result.score for result in results], np.int64)


def peaks(
    plan: Plan,
    levels: Sequence[FeatureLevels],
    samples: Sequence[np.ndarray | None],
    network: Trained | None = None,
    *,
    follow: bool = True,
) -> np.ndarray:
    """Highest score of each clip.

    Parameters
    ----------
    plan : Plan
    levels : feature levels of each clip
    samples : samples of each clip; those of every `CHECKED`-th are scored by `anomsdk.score`, which must agree
    network : use the scores of this float network instead of the plan's int8 model
    follow : subtract the baseline from the scores
    """
    runner = Runner(plan)
    inputs = [runner.inputs(each) for each in levels]
    together = np.concatenate(inputs)
    raw = runner.raw(together) if network is None else network.float_scores(together)
    parts = np.split(raw, np.cumsum([len(each) for each in inputs])[:-1])
    scores = [runner.final(*pair) for pair in zip(inputs, parts, strict=True)] if follow else parts
    if follow and network is None:
        for i in range(0, len(scores), CHECKED):
            if not np.array_equal(scores[i], anomsdk.score(plan, samples[i])):
                raise CheckError(f"clip {i}: its scores from feature levels differ from those from samples")
    return np.array([each.max() for each in scores], float)
