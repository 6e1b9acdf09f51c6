"""Training run: search for a model, train the best one on all recordings, set the alarm level, write the folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.fixed import Ints
from anomsdk.core.plan import Plan
from anomsdk.planner.calibration import CALIBRATION_FILE, CHOSEN, Calibration, signal_sections
from anomsdk.planner.planner import SPEC_FILE, check_sections, plan, plan_from
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.speech import check_speech
from anomsdk.plans.recording_digests import entries_of
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.sources.clips import Clip
from anomsdk.train.alarm_levels import PlacedLevel, alarm_levels_from, first_tick_s, place_alarm_level, tolerated_of
from anomsdk.train.alarm_simulation import ScoredPiece
from anomsdk.train.data.corpus import Corpus, Recorded, gather
from anomsdk.train.data.excerpts import EXCERPTS
from anomsdk.train.data.input_maps import unlearnt_extractor
from anomsdk.train.data.sensor_at_rest import check_moves
from anomsdk.train.days import DayModel
from anomsdk.train.folder import as_written, check_out, text_of, write_folder
from anomsdk.train.options import Options, Progress, Report
from anomsdk.train.search.budget import candidates, checked_need
from anomsdk.train.search.cross_validation import CrossValidation
from anomsdk.train.search.journal import Journal
from anomsdk.train.search.search import Found, Search
from anomsdk.train.search.trials import Trained
from anomsdk.train.search.variants import EXTRACTORS
from anomsdk.utils.text import figure

CALIBRATION_SHARE = 0.25
"""Share of the groups that is held out for the alarm level where no calibration recordings are given."""

_STEPS, _READ, _SEARCHED = 1000, 150, 970
"""Steps of progress of the whole run, and those done when the recordings are read and when the search is over."""


@dataclass(frozen=True)
class Given:
    """Recordings of one purpose, and messages on those that cannot be read."""

    clips: Sequence[Clip]
    bad: tuple[str, ...] = ()


class TrainingRun:
    """One training, from recordings to a folder; parameters as `anomsdk.train.fitting.fit_from`.

    Parameters
    ----------
    resumable : keep a journal beside the folder, from which a stopped run continues
    """

    def __init__(
        self,
        spec: PipelineSpec,
        out: Path,
        options: Options,
        report: Report,
        progress: Progress,
        doing: Report,
        *,
        skip_bad: bool = False,
        resumable: bool = False,
    ) -> None:
        options.check()
        require(
            spec.features.normalisation == "learnt", f'{SPEC_FILE}: features.normalisation must be "learnt" to train'
        )
        self._spec, self._out, self._options = as_written(spec), out, options
        check_speech(self._spec)
        check_sections(self._spec)  # they are planned last
        self._source = spec_digest(self._spec)
        check_out(out, self._source)
        candidates(self._spec)  # refuses budgets that no model keeps before hours of reading
        self._report, self._progress, self._doing = report, progress, doing
        self._step = 0
        self._skip_bad, self._resumable = skip_bad, resumable

    def run(self, normal: Given, held: Given | None, odd: Given | None, spec_text: str | None) -> Plan:
        """Run the training.

        Parameters
        ----------
        normal, held, odd : normal recordings, those for the alarm level, and anomalous ones
        spec_text : text of the spec file, whose comments are kept; None: there is no file
        """
        for line in self._spec.notes:
            self._report(line)
        self._doing("reading recordings, and putting probes into excerpts of them")
        is_searched = EXTRACTORS[self._spec.features.kind].is_searched
        corpus = self._gather(self._spec, normal, EXCERPTS if is_searched else 0, steps=(0, _READ))
        for line in corpus.lines():
            self._report(line)
        check_moves(unlearnt_extractor(self._spec), [recording.pieces for recording in corpus.recordings], self._report)
        learning = _groups(corpus)
        if held is None:
            learning, _ = split_groups(learning, self._options.seed)
        learnt = {recording.digest for recording in corpus.part(learning).recordings}
        if not is_searched:
            require(odd is None, "train: a model of days is not chosen by anomalous recordings; leave them out")
            return self._fitted_days(corpus, learning, held, spec_text)
        anomalous = None if odd is None else self._anomalous(self._spec, odd, learnt)
        self._journal = self._open_journal(corpus.part(learning), anomalous)
        try:
            return self._searched(corpus, learning, normal, held, odd, anomalous, spec_text)
        except BaseException:
            if not len(self._journal):  # an empty journal is of no use
                self._journal.remove()
            raise

    def _fitted_days(self, corpus: Corpus, learning: frozenset[str], held: Given | None, spec_text: str | None) -> Plan:
        """Fit the model of days, set its alarm level and write the folder."""
        spec = self._spec
        self._doing("fitting the model of days")
        model = DayModel(spec, corpus.part(learning).recordings)
        self._doing("placing the alarm level")
        if held is None:
            level = corpus.part(_groups(corpus) - learning)
        else:
            level = self._gather(spec, held, excerpts=0, steps=(_SEARCHED, _STEPS))
        pieces, total = model.calibrated(level.recordings)
        ticks = sum(len(piece.scores) for piece in pieces)
        require(ticks > 0, "train: no calibration animal has enough days for a judged one; give longer recordings")
        asked = self._options.tolerate
        placed = place_alarm_level(pieces, spec, asked)
        heard = {
            **entries_of("trained", (recording.whole for recording in corpus.part(learning).recordings)),
            **entries_of("calibrated", (recording.whole for recording in level.recordings)),
        }
        calibration = model.calibration(
            levels=alarm_levels_from([piece.scores for piece in pieces], spec)[1],
            tolerated=tolerated_of(placed, spec, asked),
            group_levels=model.group_levels(total / ticks),
            recordings=len(level.recordings),
            hours=ticks * spec.tick_s / 3600,
            provenance={"model": str(model), "trained_from": self._source, **heard},
        )
        return self._store(spec, model.tflite, calibration, placed, spec_text)

    def _searched(
        self,
        corpus: Corpus,
        learning: frozenset[str],
        normal: Given,
        held: Given | None,
        odd: Given | None,
        anomalous: Corpus | None,
        spec_text: str | None,
    ) -> Plan:
        """Search, train the best candidate on all recordings, set its alarm level and write the folder."""
        learnt = {recording.digest for recording in corpus.part(learning).recordings}

        def judge(spec: PipelineSpec) -> CrossValidation:
            same = spec.sensor == self._spec.sensor and spec.features == self._spec.features
            heard = corpus if same else self._gather(spec, normal)
            labelled = anomalous if same or odd is None else self._anomalous(spec, odd, learnt)
            alive = self._alive
            return CrossValidation(spec, heard.part(learning), anomalous=labelled, seed=self._options.seed, alive=alive)

        searching = self._between(_READ, _SEARCHED)
        found = Search(judge, self._journal, self._report, searching, self._doing).run(self._spec, self._options.search)
        self._report(found.as_text())
        on = "labelled anomalies" if anomalous is not None else "generated probes"
        self._report(
            f"chosen: {found.trial.candidate}, AUC {figure(found.trial.auc)} on {on} in "
            f"{found.validation.n_folds} folds of held-out groups; int8 against float "
            f"{figure(found.trial.auc - found.trial.float_auc, digits=4, signed=True)}"
        )
        self._doing(f"training {found.trial.candidate} on all recordings")
        final = found.validation.train(found.trial.candidate, found.trial.epochs)
        if final.candidate != found.trial.candidate:
            self._report(f"stored: {final.candidate}, because other means would rest on too few windows or groups")
        self._doing("placing the alarm level")
        if held is None:
            again = corpus if found.spec.features == self._spec.features else self._gather(found.spec, normal)
            level = again.part(_groups(corpus) - learning)
        else:
            level = self._gather(found.spec, held, excerpts=0, steps=(_SEARCHED, _STEPS))
            both = sum(recording.digest in learnt for recording in level.recordings)
            require(
                both == 0,
                f"train: {both} of the calibration recordings also train; give other recordings for the alarm level",
            )
        odd_ones = () if anomalous is None else anomalous.recordings
        heard = {
            **entries_of("trained", (recording.whole for recording in corpus.part(learning).recordings)),
            **entries_of("calibrated", (recording.whole for recording in level.recordings)),
            **entries_of("chosen", (recording.whole for recording in odd_ones)),
        }
        made = self._write(found, final, level.recordings, spec_text, heard)
        self._journal.remove()
        return made

    def _between(self, first: int, last: int) -> Progress:
        """Return a progress function that maps a part of the run to steps ``first`` to ``last`` of the whole."""

        def tell(done: int, total: int) -> None:
            self._step = first + (last - first) * min(done, total) // max(1, total)
            self._alive()

        return tell

    def _alive(self) -> None:
        self._progress(self._step, _STEPS)

    def _gather(
        self, spec: PipelineSpec, given: Given, excerpts: int = EXCERPTS, steps: tuple[int, int] | None = None
    ) -> Corpus:
        total = sum(clip.length or 0 for clip in given.clips)
        tell = self._between(*steps) if steps is not None else lambda done, total: None
        return gather(
            spec,
            given.clips,
            seed=self._options.seed,
            excerpts=excerpts,
            gain_db=self._options.gain_db if excerpts else 0.0,
            segment_s=self._options.segment_s,
            bad=given.bad,
            skip_bad=self._skip_bad,
            progress=lambda samples: tell(samples, total),
        )

    def _anomalous(self, spec: PipelineSpec, odd: Given, digests: set[str]) -> Corpus:
        corpus = self._gather(spec, odd, excerpts=0)
        same = [recording.name for recording in corpus.recordings if recording.digest in digests]
        require(
            not same,
            f"train: {len(same)} of the anomalous recordings also train as normal ({', '.join(same[:3])}); "
            "take them out of one side",
        )
        return corpus

    def _open_journal(self, learning: Corpus, anomalous: Corpus | None) -> Journal:
        from anomsdk._version import __version__

        path = self._out.parent / f".{self._out.name}.search" if self._resumable else None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        parts = [learning.recordings, () if anomalous is None else anomalous.recordings]
        digests = [[(r.group, r.digest) for r in part] for part in parts]
        options = self._options
        journal = Journal(path, [__version__, self._source, digests, options.seed, options.gain_db, options.segment_s])
        if len(journal):
            self._report(f"continuing a search that was stopped: {len(journal)} trials are done")
        return journal

    def _write(
        self,
        found: Found,
        final: Trained,
        calibrating: Sequence[Recorded],
        spec_text: str | None,
        heard: dict[str, str],
    ) -> Plan:
        """Set the alarm level on the calibration recordings, and write the folder."""
        spec = found.spec
        pieces, total = _calibrated(final, calibrating, spec)
        ticks = sum(len(piece.scores) for piece in pieces)
        require(ticks > 0, "train: every calibration recording is too short for a tick; give longer ones")
        hours, asked = ticks * spec.tick_s / 3600, self._options.tolerate
        start, levels = alarm_levels_from([piece.scores for piece in pieces], spec)
        level = place_alarm_level(pieces, spec, asked)
        model_bytes = write_tflite(list(final.layers))
        model = parse_tflite(model_bytes, name="model.tflite")
        calibration = Calibration(
            format=1,
            model_sha256=model.sha256,
            signal=signal_sections(spec),
            features=final.maps.features,
            inputs=final.maps.inputs,
            deviations=final.candidate.deviations,
            score_weights=final.weights,
            baseline_start=start,
            alarm_levels=levels,
            tolerated=tolerated_of(level, spec, asked),
            group_levels=final.maps.group_levels(total / ticks),
            recordings=len(calibrating),
            hours=hours,
            provenance={
                "model": str(final.candidate),
                "trained_from": self._source,
                "judged": f"AUC {figure(found.trial.auc)} in {found.validation.n_folds} folds of held-out groups",
                **({"baseline_s": CHOSEN} if self._spec.score.baseline_s == "chosen" else {}),
                **heard,
            },
        )
        return self._store(spec, model_bytes, calibration, level, spec_text)

    def _store(
        self,
        spec: PipelineSpec,
        model_bytes: bytes,
        calibration: Calibration,
        level: PlacedLevel,
        spec_text: str | None,
    ) -> Plan:
        """Plan, say what the alarm level rests on, and write the folder."""
        asked = self._options.tolerate
        made = plan_from(spec, parse_tflite(model_bytes, name="model.tflite"), calibration)
        need = checked_need(made, spec.model)
        if (spec.model.max_ram, spec.model.max_flash) != (None, None):
            self._report(
                f"in C it takes {need.ram:,} bytes of RAM and {need.flash:,} of constant data on a 32-bit processor; "
                "stack and code come on top"
            )
        for line in level.lines(asked, spec.sensor.kind, made.levels.raise_score):
            self._report(line)
        files = {
            "model.tflite": model_bytes,
            CALIBRATION_FILE: json.dumps(calibration.model_dump(mode="json"), indent=1).encode("ascii") + b"\n",
        }
        written = text_of(self._out / SPEC_FILE, spec)
        text = spec_text if written is None else written
        kept = text is not None and PipelineSpec.from_toml(text) == spec
        files[SPEC_FILE] = (spec.completed(text) if text is not None and kept else spec.to_toml()).encode()
        write_folder(self._out, files, made)
        return plan(self._out)


def _calibrated(final: Trained, recordings: Sequence[Recorded], spec: PipelineSpec) -> tuple[list[ScoredPiece], Ints]:
    """Score each piece of the recordings before the baseline is subtracted, and sum what each input adds."""
    found, total = list[ScoredPiece](), np.zeros(final.maps.n_inputs, np.int64)
    for recording in recordings:
        for start, piece in zip(recording.starts, recording.pieces, strict=True):
            terms = final.terms(final.maps.run(piece))
            if len(terms):
                second = first_tick_s(spec, start)
                found.append(ScoredPiece(recording.name, recording.owner, second, terms.sum(axis=1)))
                total += terms.sum(axis=0)
    return found, total


def spec_digest(spec: PipelineSpec) -> str:
    """Digest of the spec that a folder is trained from.

    It is that of the spec before the search changes it; the permission of speech features does not count, nor does a
    newer key that is off.
    """
    off = set() if spec.alert.clear_after_s else {"clear_after_s"}
    exclude = {"features": {"allow_speech_features"}, "alert": off}
    tree = spec.model_dump(mode="json", exclude_none=True, exclude=exclude)
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:32]


def _groups(corpus: Corpus) -> frozenset[str]:
    return frozenset(recording.group for recording in corpus.recordings)


def split_groups(groups: frozenset[str], seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Split groups at random into those that train and those that are held out for the alarm level."""
    labels = sorted(groups)
    require(
        len(labels) >= 3,
        f"train: {len(labels)} group(s) of recordings; training needs 2 and the alarm level another: give more "
        "recordings, or cut a long one with `segment_s`",
    )
    n = max(1, round(CALIBRATION_SHARE * len(labels)))
    held = frozenset(np.random.default_rng(seed).permutation(labels)[:n].tolist())
    return groups - held, held
