"""`fit`: learn the normalisation, train and quantise the autoencoder, set the alarm level."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.calibration import Calibration, Normalisation, alarm_levels, signal_sections
from anomsdk.core.affine import Affine
from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.checks import require
from anomsdk.core.context import Context, statistic_steps, statistics_of
from anomsdk.core.fixed import Ints
from anomsdk.core.framer import FramerPlan
from anomsdk.core.plan import ExtractorPlan, Plan
from anomsdk.core.score import Score
from anomsdk.planner import (
    CALIBRATION_FILE,
    Q10_PER_DB,
    SPEC_FILE,
    context_plan,
    extractor_plan,
    framer_plan,
    plan,
    plan_from,
)
from anomsdk.runtime import checked_block
from anomsdk.sources import open_recordings, read_recording
from anomsdk.spec import ExternalFeatures, PipelineSpec
from anomsdk.tflite_file import parse_tflite
from anomsdk.tflite_writer import write_tflite
from anomsdk.train.folder import as_written, check_out, says_the_same, write_folder
from anomsdk.train.network import Network, hidden_widths, train_network
from anomsdk.train.prepare import SHORTEST_CONSTANT_S, levels_of, without_constant
from anomsdk.train.quantise import quantise

DEVIATIONS = 6.0
"""Half-width of the int8 range in standard deviations of normal: an anomaly must not be clipped away."""
CALIBRATION_SHARE = 0.25
STOPPING_SHARE = 0.2
"""Shares of the groups held out for the alarm level, and of the rest for early stopping."""

Samples = NDArray[np.int16]
Report = Callable[[str], None]


@dataclass(frozen=True)
class _Recording:
    """Feature levels of the pieces of one recording, and the group that must stay together."""

    group: str
    pieces: tuple[Ints, ...]
    digest: str = ""  # of the samples


def fit(
    spec: PipelineSpec,
    recordings: Iterable[Samples],
    *,
    groups: Sequence[object] | None = None,
    calibration: Iterable[Samples] | None = None,
    out: str | Path,
    seed: int = 0,
    report: Report = lambda line: None,
    spec_text: str | None = None,
) -> Plan:
    """Train a detector on normal recordings and write its folder.

    Parameters
    ----------
    spec : PipelineSpec; ``model.max_macs`` bounds the model, ``model.file`` is written as model.tflite
    recordings : int16 (n,) or (n, columns) each, at the spec's rate; normal behaviour only
    groups : one label a recording (subject, animal, day); what shares a label is never split. Default: each
        recording is a group of its own
    calibration : other normal recordings for the alarm level; default: a quarter of the groups is held out
    out : folder to write: spec.toml, model.tflite, calibration.json, plan.json
    seed : the same seed, recordings and environment give the same plan
    report : called with lines that say what was done
    spec_text : TOML text of ``spec``, to be written as it is, with its comments

    Returns
    -------
    Plan, as read back from the folder

    Raises
    ------
    InputError : too little to learn from, or recordings of the wrong type
    """
    check_out(Path(out), spec)
    require(0 <= seed < 2**31, f"train: seed is {seed}, not 0 to 2**31 - 1")
    require(spec.features.normalisation == "learnt", f'{SPEC_FILE}: features.normalisation must be "learnt" to train')
    extractor = extractor_plan(spec, _unit_map(spec))
    framer = framer_plan(spec)
    given = _levels(spec, framer, extractor, recordings, groups, report)
    if calibration is None:
        training, calibrating = _split(given, CALIBRATION_SHARE, seed)
    else:
        training, calibrating = given, _levels(spec, framer, extractor, calibration, None, report)
        known = {recording.digest for recording in training}
        both = sum(recording.digest in known for recording in calibrating)
        require(both == 0, f"train: {both} of the calibration recordings also train; an alarm level needs others")
    learner = _Learner(spec, extractor, training, seed, report)
    return learner.write(Path(out), calibrating, spec_text)


def fit_from(
    spec_path: str | Path,
    normal: str | Path,
    out: str | Path,
    *,
    calibration: str | Path | None = None,
    seed: int = 0,
    report: Report = lambda line: None,
) -> Plan:
    """`fit`, from files: a folder of recordings, or a file (an .npz may hold many).

    Recordings in the same sub-folder of ``normal`` form a group; in one folder, or in one file, each is its own.
    """
    spec = PipelineSpec.from_file(spec_path)
    found, groups = _open(normal, spec)
    held = None if calibration is None else _open(calibration, spec)[0]
    return fit(
        spec,
        found,
        groups=groups,
        calibration=held,
        out=out,
        seed=seed,
        report=report,
        spec_text=Path(spec_path).read_text(encoding="utf-8"),
    )


class _Learner:
    """Everything that is learnt from the training recordings."""

    def __init__(
        self, spec: PipelineSpec, extractor: ExtractorPlan, training: list[_Recording], seed: int, report: Report
    ) -> None:
        self._spec = as_written(spec)
        learning, stopping = _split(training, STOPPING_SHARE, seed + 1)
        unit = 1.0 if isinstance(spec.features, ExternalFeatures) else Q10_PER_DB
        self.features = _normalisation(np.concatenate([p for r in learning for p in r.pieces]) / unit, 0.5)
        self._extractor = extractor_plan(spec, self.features)
        self.inputs = self._input_map(learning)
        self._context = context_plan(spec, extractor.n_features, self.inputs)
        self._input_scale = DEVIATIONS / 127
        rows, held_out = (self._rows(part) for part in (learning, stopping))
        require(len(rows) >= 50, f"train: {len(rows)} ticks to learn from are too few; give longer recordings")
        require(len(held_out) > 0, "train: the recordings held out for early stopping are shorter than a tick")
        widths = hidden_widths(rows.shape[1], spec.model.max_macs)
        require(widths[0] >= widths[1], f"model.max_macs {spec.model.max_macs} is too small for {rows.shape[1]} inputs")
        report(f"{len(rows)} ticks to learn from, {len(held_out)} to stop early on; widths {rows.shape[1]}-{widths}")
        network = train_network(rows * self._input_scale, held_out * self._input_scale, widths, seed=seed)
        report(f"best of {network.epochs} epochs: held-out error {network.loss:.4f} of a variance of 1")
        layers = quantise(network.weights, network.biases, rows * self._input_scale, self._input_scale)
        self._model_bytes = write_tflite(layers)
        self._report_quantisation(network, held_out, report)
        self._report = report

    def write(self, out: Path, calibrating: list[_Recording], spec_text: str | None) -> Plan:
        """Set the alarm level on the calibration recordings, and write the folder."""
        scores = [self._scores(piece) for recording in calibrating for piece in recording.pieces]
        ticks = sum(map(len, scores))
        require(ticks > 0, "train: the calibration recordings are shorter than a tick; give longer ones")
        hours = ticks * self._spec.tick_s / 3600
        calibration = self._calibration(scores, len(calibrating), hours)
        model = parse_tflite(self._model_bytes, name="model.tflite")
        made = plan_from(self._spec, model, calibration)
        self._report(
            f"no alarm in {hours:.3f} h of {len(calibrating)} calibration recordings at a raise level of "
            f"{made.levels.raise_score}: with 95 % confidence at most {3 / hours:.1f} alarms an hour (rule of three)"
        )
        files = {
            "model.tflite": self._model_bytes,
            CALIBRATION_FILE: json.dumps(calibration.model_dump(mode="json"), indent=1).encode("ascii") + b"\n",
        }
        if not says_the_same(out / SPEC_FILE, self._spec):
            kept = spec_text is not None and PipelineSpec.from_toml(spec_text) == self._spec
            files[SPEC_FILE] = (spec_text if spec_text is not None and kept else self._spec.to_toml()).encode()
        write_folder(out, files, made)
        return plan(out)

    def _input_map(self, learning: list[_Recording]) -> Normalisation | None:
        context = self._spec.context
        if context.kind == "stack":
            return None
        affine = Affine(self._extractor.normalisation)
        found = [
            statistics_of(windows, context.statistics)
            for recording in learning
            for piece in recording.pieces
            if len(windows := _windows(affine.run(piece), context.frames))
        ]
        require(len(found) > 0, "train: the recordings are shorter than a context; give longer ones")
        n = self._extractor.n_features
        per_step = np.repeat([statistic_steps(name, context.frames) for name in context.statistics], n)
        return _normalisation(np.concatenate(found) / per_step, 1.0)

    def _rows(self, recordings: list[_Recording]) -> NDArray[np.float64]:
        rows = [self._inputs(piece) for recording in recordings for piece in recording.pieces]
        return np.concatenate([np.zeros((0, self._n_inputs)), *rows])

    @property
    def _n_inputs(self) -> int:
        return self._context.n_inputs(self._extractor.n_features)

    def _inputs(self, levels: Ints) -> Ints:
        """Model inputs of one piece, through the integers that the pipeline uses."""
        features = Affine(self._extractor.normalisation).run(levels)
        return Context(self._context, self._extractor.n_features).push(features)[0]

    def _scores(self, levels: Ints) -> Ints:
        made = self._provisional
        inputs = self._inputs(levels)
        return Score(made.score).run(inputs, Autoencoder(made.layers).run(inputs))

    @property
    def _provisional(self) -> Plan:
        """The plan with an alarm level that nothing has set yet: scores do not depend on it."""
        model = parse_tflite(self._model_bytes, name="model.tflite")
        return plan_from(self._spec, model, self._calibration([np.ones(1, np.int64)], 1, 1.0))

    def _calibration(self, scores: list[Ints], recordings: int, hours: float) -> Calibration:
        return Calibration(
            format=1,
            model_sha256=parse_tflite(self._model_bytes, name="model.tflite").sha256,
            signal=signal_sections(self._spec),
            features=self.features,
            inputs=self.inputs,
            score_weights=(1,) * self._n_inputs,
            alarm_levels=alarm_levels(scores),
            recordings=recordings,
            hours=hours,
            provenance={},
        )

    def _report_quantisation(self, network: Network, inputs: NDArray[np.float64], report: Report) -> None:
        made = self._provisional
        real = inputs * self._input_scale
        exact = network.run(real)
        integer = Autoencoder(made.layers).run(inputs.astype(np.int64)) * self._input_scale
        noise = float(np.mean((integer - np.clip(exact, -DEVIATIONS, DEVIATIONS)) ** 2))
        float_score, int_score = (((real - y) ** 2).sum(axis=1) for y in (exact, integer))
        report(
            f"int8 against float: SQNR {10 * math.log10(float(np.mean(exact**2)) / max(noise, 1e-12)):.1f} dB, "
            f"correlation of the scores {np.corrcoef(float_score, int_score)[0, 1]:.4f}"
        )


def _levels(
    spec: PipelineSpec,
    framer: FramerPlan,
    extractor: ExtractorPlan,
    recordings: Iterable[Samples],
    groups: Sequence[object] | None,
    report: Report,
) -> list[_Recording]:
    shortest = max(2, round(SHORTEST_CONSTANT_S * spec.sensor.rate_hz))
    found, cut, total = [], 0, 0
    for index, recording in enumerate(recordings):
        samples = checked_block(recording, spec.columns)
        pieces = without_constant(samples, shortest) if spec.sensor.kind == "audio" else [samples]
        total += len(samples)
        cut += len(samples) - sum(map(len, pieces))
        require(groups is None or index < len(groups), "train: groups must have one label for each recording")
        label = str(index) if groups is None else str(groups[index])
        levels = (levels_of(framer, extractor, piece) for piece in pieces)
        digest = hashlib.sha256(np.ascontiguousarray(samples).tobytes()).hexdigest()
        found.append(_Recording(label, tuple(level for level in levels if len(level)), digest))
    seconds = total / spec.sensor.rate_hz
    report(f"{len(found)} recordings, {seconds:.0f} s; {cut / spec.sensor.rate_hz:.1f} s of constant samples cut out")
    require(groups is None or len(groups) == len(found), "train: groups must have one label for each recording")
    require(
        any(r.pieces for r in found), "train: nothing to learn from: recordings are constant or shorter than a frame"
    )
    return [r for r in found if r.pieces]


def _split(recordings: list[_Recording], share: float, seed: int) -> tuple[list[_Recording], list[_Recording]]:
    """Whole groups, at random: those that stay, those held out."""
    labels = sorted({recording.group for recording in recordings})
    require(
        len(labels) >= 2,
        "train: too few groups of recordings; training needs 2, and 1 more where no calibration recordings are given",
    )
    n = max(1, round(share * len(labels)))
    held = set(np.random.default_rng(seed).permutation(labels)[:n].tolist())
    return [r for r in recordings if r.group not in held], [r for r in recordings if r.group in held]


def _normalisation(values: NDArray[np.float64], smallest: float) -> Normalisation:
    """Mean and `DEVIATIONS` standard deviations (not below ``smallest``) of each column, to 6 decimals."""
    centre, deviation = values.mean(axis=0), np.maximum(values.std(axis=0), smallest)
    return Normalisation(
        centre=tuple(np.round(centre, 6).tolist()), half_width=tuple(np.round(DEVIATIONS * deviation, 6).tolist())
    )


def _unit_map(spec: PipelineSpec) -> Normalisation:
    """A stand-in while the levels are gathered, which it does not touch."""
    features = spec.features
    n = {"logmel": "n_mels", "bands": "n_bands", "external": "n_features"}[features.kind]
    width = getattr(features, n) + (2 if features.kind == "bands" else 0)
    return Normalisation(centre=(0.0,) * width, half_width=(100.0,) * width)


def _windows(features: Ints, frames: int) -> Ints:
    """Every run of ``frames`` frames: (n, frames, n_features)."""
    if len(features) < frames:
        return np.zeros((0, frames, features.shape[1]), np.int64)
    return np.lib.stride_tricks.sliding_window_view(features, frames, axis=0).swapaxes(1, 2)


def _open(path: str | Path, spec: PipelineSpec) -> tuple[Any, list[str]]:
    opened = open_recordings(path, rate_hz=spec.sensor.rate_hz, columns=spec.columns, kind=spec.sensor.kind)
    folders = [str(Path(recording.name).parent) for recording in opened]
    grouped = len(set(folders)) > 1
    groups = folders if grouped else [recording.name for recording in opened]
    return (read_recording(recording) for recording in opened), groups
