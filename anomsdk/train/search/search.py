"""Search for the best model and range of its inputs, and on request for features and context."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from anomsdk.errors import InputError
from anomsdk.planner.calibration import signal_sections
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.models.family import KINDS, Candidate
from anomsdk.train.models.support import NotOfferedError
from anomsdk.train.search.budget import candidates
from anomsdk.train.search.cross_validation import CrossValidation
from anomsdk.train.search.journal import Journal
from anomsdk.train.search.trials import Trial
from anomsdk.train.search.variants import variants_of, words_of
from anomsdk.utils.text import figure, table

SEARCHES = ("model", "full")
BASELINES_S = (0.0, 4.0, 16.0, 60.0)
"""Time constants of the baseline of the score that are tried, seconds; 0: no baseline."""


@dataclass(frozen=True)
class Margin:
    """Differences of AUC that do not count.

    Parameters
    ----------
    model : margin between two models of a kind: within it the cheaper one is chosen, and of equally cheap ones the
        first
    kind : margin between two kinds of models: within it the kind that comes first in `KINDS` is chosen
    because : reason to choose a kind that comes first although others are as good and cheaper
    """

    model: float = 0.002
    kind: float = 0.01
    because: str = "it finds more of what is weaker than the probes"


_HEARD = Margin()
"""Margins for every sensor but motion.

The probes are strong, so that many models find all of them. On the mixes of ESC-10 down to 0 dB the first kind within
0.01 had on average 0.0025 more AUC than the cheapest model within 0.002. On the mixes of the tutorial at -10 dB it had
an AUC of 0.84, and the cheapest model one of 0.67."""
_MOVED = Margin(0.03, 0.06, "generated movements tell kinds apart no better")
"""Margins for motion on generated probes, which rank similar models less well than for sound (`make bench-motion`).

Models were trained on two thirds of the people of UMAFall and SisFall and of the cows. The nearest of several means
then found more staged or rare events of the others than any other kind. On a third of them, the probes still ranked the
Mahalanobis distance up to 0.053 above it.
"""
_MOST_CLIPPED = 0.03
"""Largest share of normal windows that a narrower range of motion's inputs may clip.

Ranges that clip more of them find hardly any event at one false alarm an hour, whatever the probes show."""
_BASELINE_GAIN = 0.003
"""AUC that a baseline of the score must gain to be switched on; within this margin the slower one is chosen."""
_RANGES = (2 / 3, 4 / 3)
"""Ranges of the inputs that are tried, as factors of the one that a candidate was first tried with."""
_COST = 8
"""Cost of an autoencoder's trial in the progress; a linear model costs 1."""

Open = Callable[[PipelineSpec], CrossValidation]
"""Function that reads the recordings for the features of a spec."""


@dataclass(frozen=True, eq=False)
class Found:
    """Result of a search.

    Parameters
    ----------
    spec : given spec with the features, context and time constant that were chosen
    validation : cross-validation with that spec
    trial : trial of the model that was chosen
    trials : every trial, with words for its features and context
    why : reason for the choice, in words
    refused : every candidate that was not offered, with words for its features and context, and the reason
    """

    spec: PipelineSpec
    validation: CrossValidation
    trial: Trial
    trials: tuple[tuple[str, Trial], ...]
    why: str
    refused: tuple[tuple[str, Candidate, str], ...] = ()

    def as_text(self) -> str:
        """Write a table of all trials, the chosen one marked, then the reasons for the choice and for refusals."""
        rows = [("", "features and context", "model", "MACs", "AUC int8", "AUC float")]
        for words, trial in sorted(self.trials, key=lambda pair: -pair[1].auc):
            rows.append(
                (
                    ">" if trial is self.trial else "",
                    words,
                    str(trial.candidate),
                    f"{trial.macs:,}",
                    figure(trial.auc),
                    figure(trial.float_auc),
                )
            )
        rows += [("", words, str(candidate), "", "-", "-") for words, candidate, _ in self.refused]
        lines = [f"not offered: {candidate}: {why}" for _, candidate, why in self.refused]
        return "\n".join([table(rows, right=(3, 4, 5)), f"taken: {self.why}", *dict.fromkeys(lines)])


class Search:
    """Search over models, and on request over features and contexts.

    Parameters
    ----------
    open_validation : called with a spec whose recordings are to be read
    journal : trials of a run that was stopped
    report : called with lines on what was decided
    progress : called with the cost of the trials done and expected, in hundredths
    doing : called with words for the current trial
    """

    def __init__(
        self,
        open_validation: Open,
        journal: Journal,
        report: Callable[[str], None],
        progress: Callable[[int, int], None],
        doing: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._doing = doing
        self._open, self._journal, self._report, self._progress = open_validation, journal, report, progress
        self._done = self._expected = 0
        self._trials: list[tuple[str, Trial]] = []
        self._refused: list[tuple[str, Candidate, str]] = []
        self._why = ""

    def run(self, spec: PipelineSpec, scope: str) -> Found:
        """Find the best model for a spec.

        Parameters
        ----------
        spec : spec with budgets
        scope : one of `SEARCHES`; "full": also search for the best features and context

        Raises
        ------
        InputError : no candidate keeps the budgets or may be offered
        """
        fitting = candidates(spec, self._report)
        validation = self._open(spec)
        variants = list(variants_of(spec)) if scope == "full" else []
        self._expected = sum(map(_cost, fitting)) + 4 * _COST + 4 * _COST * len(variants)
        trials = self._all_judged(validation, fitting)
        if not trials:
            reasons = "; ".join(f"{candidate}: {why}" for _, candidate, why in self._refused[:2])
            raise InputError(
                f"train: too few recordings for a model that stores no single window ({reasons}); give more"
            )
        best = _choice(trials, self._margin(validation))
        self._why = _why(trials, best, self._margin(validation))
        for variant in variants:
            spec, validation, best = self._varied(spec, validation, best, variant)
        best = self._refined(validation, best)
        spec = self._with_baseline(spec, validation, best)
        self._progress(100 * self._expected, 100 * self._expected)
        return Found(spec, validation, best, tuple(self._trials), self._why, tuple(self._refused))

    def _margin(self, validation: CrossValidation) -> Margin:
        return _MOVED if validation.spec.sensor.kind == "motion" and not validation.is_labelled else _HEARD

    def _all_judged(self, validation: CrossValidation, some: Iterable[Candidate]) -> list[Trial]:
        """Run the trials of candidates, and note those that are refused."""
        found = []
        for candidate in some:
            try:
                found.append(self._judged(validation, candidate))
            except NotOfferedError as error:
                self._refused.append((words_of(validation.spec), candidate, str(error)))
                self._expected -= _cost(candidate)
        return found

    def _judged(self, validation: CrossValidation, candidate: Candidate) -> Trial:
        setting = setting_id(validation.spec)
        trial = self._journal.get(setting, candidate)
        if trial is None:
            self._doing(f"model {len(self._trials) + 1}, {candidate}")
            trial = validation.judge(
                candidate, lambda fold: self._tell(_cost(candidate) * (fold + 1) / validation.n_folds)
            )
            self._journal.put(setting, trial)
        self._trials.append((words_of(validation.spec), trial))
        self._done += _cost(candidate)
        self._tell(0.0)
        return trial

    def _tell(self, more: float) -> None:
        """Report the progress, in hundredths of a linear model's trial."""
        expected = 100 * self._expected
        self._progress(min(round(100 * (self._done + more)), expected - 1), expected)

    def _varied(
        self,
        spec: PipelineSpec,
        validation: CrossValidation,
        best: Trial,
        variant: Callable[[PipelineSpec], PipelineSpec | None],
    ) -> tuple[PipelineSpec, CrossValidation, Trial]:
        """Try a variant of a spec; return it if it is clearly better, else the unchanged spec."""
        varied = variant(spec)
        if varied is None:
            return spec, validation, best
        try:
            fitting = candidates(varied)
            other = self._open(varied)
        except InputError as error:  # the variant exceeds a budget, or needs longer recordings
            self._report(f"not tried: {words_of(varied)} ({error})")
            return spec, validation, best
        near = [c for c in fitting if c.kind == best.candidate.kind]
        near = sorted(near, key=lambda c: abs(sum(c.hidden) - sum(best.candidate.hidden)))[:2]
        trials = self._all_judged(other, dict.fromkeys(near + fitting[:1]))
        if not trials:
            return spec, validation, best
        found = _choice(trials, self._margin(validation))
        if found.auc <= best.auc + self._margin(validation).model:
            return spec, validation, best
        self._why = f"{found.candidate} on {words_of(varied)}: {found.auc - best.auc:.3f} more than the best before"
        return varied, other, found

    def _refined(self, validation: CrossValidation, best: Trial) -> Trial:
        """Try the best model with other ranges of its inputs, and with weights in the score."""
        ranges = [best.candidate.deviations * share for share in _RANGES]
        offered = [
            replace(best.candidate, deviations=each) for each in ranges if self._is_wide_enough(validation, best, each)
        ]
        trials = self._all_judged(validation, offered)
        margin = self._margin(validation).model
        refined = max([best, *(trial for trial in trials if trial.auc > best.auc + margin / 2)], key=lambda t: t.auc)
        if refined is not best:
            self._why += f"; then +-{refined.candidate.deviations:.3g} dev, which gained {refined.auc - best.auc:.3f}"
        weighted = self._judged(
            validation, replace(refined.candidate, weighted=True)
        )  # the same network, other weights of the score
        if weighted.auc <= refined.auc + margin:
            return refined
        self._why += f"; then weighted, which gained {weighted.auc - refined.auc:.3f}"
        return weighted

    def _is_wide_enough(self, validation: CrossValidation, best: Trial, deviations: float) -> bool:
        """Return False where a narrower range clips too many normal windows, which probes of motion do not show."""
        if deviations >= best.candidate.deviations or self._margin(validation) is not _MOVED:
            return True
        if (clipped := validation.clipped(deviations)) <= _MOST_CLIPPED:
            return True
        why = f"{100 * clipped:.2g} % of the normal windows leave its range"
        self._refused.append((words_of(validation.spec), replace(best.candidate, deviations=deviations), why))
        self._expected -= _cost(best.candidate)
        return False

    def _with_baseline(self, spec: PipelineSpec, validation: CrossValidation, best: Trial) -> PipelineSpec:
        if spec.score.baseline_s != "chosen":
            return spec
        areas = validation.baselines(best.candidate, BASELINES_S)
        enough = max(areas) - _BASELINE_GAIN
        chosen = 0.0 if areas[0] >= enough else max(s for s, a in zip(BASELINES_S, areas, strict=True) if a >= enough)
        shown = ", ".join(f"{s:g} s {figure(area)}" for s, area in zip(BASELINES_S, areas, strict=True))
        self._report(f"score.baseline_s = {chosen:g} (AUC with {shown}; 0: off)")
        return spec.model_copy(update={"score": spec.score.model_copy(update={"baseline_s": chosen})})


def setting_id(spec: PipelineSpec) -> str:
    """Digest of the sensor, features, context and score of a spec, 16 characters."""
    return hashlib.sha256(json.dumps(signal_sections(spec), sort_keys=True).encode()).hexdigest()[:16]


def _choice(trials: Sequence[Trial], margin: Margin) -> Trial:
    """Choose the first kind that is as good as any, and of it the cheapest model that is as good as its best."""
    most = max(trial.auc for trial in trials)
    kind = min((t.candidate.kind for t in trials if t.auc >= most - margin.kind), key=KINDS.index)
    same = [trial for trial in trials if trial.candidate.kind == kind]
    enough = max(trial.auc for trial in same) - margin.model
    return min((trial for trial in same if trial.auc >= enough), key=lambda trial: trial.macs)


def _why(trials: Sequence[Trial], taken: Trial, margin: Margin) -> str:
    """Give the reason in words for which `_choice` took a trial."""
    kind, most = taken.candidate.kind, max(trial.auc for trial in trials)
    best = max((trial for trial in trials if trial.candidate.kind == kind), key=lambda trial: trial.auc)
    words = f"the best {kind}" if taken is best else f"the cheapest {kind} within {margin.model:g} of the best one"
    rivals = [t for t in trials if t.candidate.kind != kind and t.auc >= most - margin.kind]
    if any(rival.auc > taken.auc or rival.macs < taken.macs for rival in rivals):
        words += f"; of the kinds within {margin.kind:g} of the best it comes first: {margin.because}"
    if cheaper := min((rival.macs for rival in rivals if rival.macs < taken.macs), default=0):
        words += f". Set model.max_macs below {taken.macs:,} for one of {cheaper:,}"
    return words


def _cost(candidate: Candidate) -> int:
    return _COST if candidate.kind == "autoencoder" else 1
