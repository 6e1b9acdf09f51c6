"""`make bench-motion`: AUC and sensitivity of our detectors and of simple peers on recordings of motion, in one run.

The score of a recording is its highest tick. A recording that is too short for a tick is padded with its first and last
sample. In cross-validation whole subjects or animals are held out, the scores of each fold are divided by the median of
its training recordings, and all folds are pooled. Peers learn the same features, in floating point.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

import anomsdk
from anomsdk.core.plan import Plan
from anomsdk.planner.front_end import feature_units
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.file import reference_models_folder
from anomsdk.sources.dropouts import Samples
from anomsdk.stats.intervals import Figure, bootstrap, paired_bootstrap, trials, trials_of_pairs
from anomsdk.stats.metrics import auc_of, sensitivity_of
from anomsdk.train.alarm_levels import alarms_at, place_alarm_level
from anomsdk.train.alarm_simulation import ScoredPiece
from anomsdk.train.data.feature_levels import feature_levels_of
from anomsdk.train.data.input_maps import unlearnt_extractor
from benchmarks import peers
from benchmarks.detection import of_some_width, show
from benchmarks.motion_recordings import DATA, Movement, cattle, joined, missing, sisfall, umafall

SEED, FOLDS = 1, 3
MOST_ROWS = 60_000
"""Most inputs that a peer learns from, taken evenly from all recordings."""
CALIBRATION_S = 600.0
SPECS = Path(__file__).parent / "specs"
OURS, PEAK = "ours", "peak magnitude"
ONE_WEARER = "alarm level set by one wearer"

Peaks = np.ndarray
Say = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """A task of detection.

    Parameters
    ----------
    name : name in the tables
    spec : name of a spec in benchmarks/specs, or of a reference model
    train : data set whose normal recordings train; None: the reference model is not trained again
    test : data set that is scored; None: cross-validation over the groups of ``train``
    odd : labels of the events that count as anomalous; none: all anomalous recordings
    auc, sensitivity : bounds; the sensitivity is at one false alarm an hour
    calibrated : calibrate on 10 minutes of some subjects of ``test``, who are not scored
    """

    name: str
    spec: str
    train: Callable[[], Movement] | None
    test: Callable[[], Movement] | None = None
    odd: tuple[str, ...] = ()
    auc: float | None = None
    sensitivity: float | None = None
    calibrated: bool = False


def elsewhere() -> Movement:
    """Recordings of UMAFall, at other positions and from other devices than SisFall's."""
    return joined("other places and devices", [umafall(place) for place in ("waist", "wrist", "phone")])


MOUNTS, NODS = ("active_mount",), ("head_nodding",)
RARE = ("Shaking", "Scratching", "Licking", "Pitching", "Rising", "LyingDown", "Drinking", "Trotting")
TASKS = (
    Task("SisFall", "worn_anyhow", sisfall, auc=0.996, sensitivity=0.88),
    Task("UMAFall waist", "human_motion", lambda: umafall("waist"), auc=0.99),
    Task("UMAFall phone", "worn_anyhow", lambda: umafall("phone"), auc=0.93),
    Task("UMAFall wrist", "human_motion", lambda: umafall("wrist"), auc=0.85, sensitivity=0.2),
    Task("trained on SisFall, elsewhere", "human_motion", sisfall, elsewhere, auc=0.92),
    *(
        Task(
            f"SisFall, calibrated at a {place}",
            spec,
            sisfall,
            partial(umafall, place),
            sensitivity=0.5,
            calibrated=True,
        )
        for place, spec in (("waist", "human_motion"), ("phone", "worn_anyhow"), ("wrist", "human_motion"))
    ),
    Task("human_motion on SisFall", "human_motion", None, sisfall, auc=0.93),
    Task("human_motion on a wrist", "human_motion", None, lambda: umafall("wrist"), auc=0.90),
    Task("cattle, rare events", "cattle_collar", cattle, odd=RARE, auc=0.95),
    Task("cattle, mounts", "cattle_collar", cattle, odd=MOUNTS, auc=0.995),
    Task("cattle, head nods", "cattle_collar", cattle, odd=NODS, auc=0.965),
)


@dataclass(eq=False)
class Scored:
    """Recordings with their scores by each detector, and our alarm level if it was calibrated there."""

    movement: Movement
    peaks: dict[str, Peaks] = field(default_factory=dict)
    level: int | None = None

    def figure(self, name: str, other: str | None = None) -> Figure:
        """AUC of a detector, or the AUC minus that of another detector."""
        first = auc_of(*self._sides(name))
        groups = self._groups()
        if other is None:
            return of_some_width(bootstrap(*groups, first), trials_of_pairs(*groups))
        return paired_bootstrap(*groups, first, auc_of(*self._sides(other)), rests_on=trials_of_pairs(*groups))

    def sensitivity(self, name: str) -> Figure:
        """Sensitivity of a detector at one false alarm an hour."""
        normal, odd = self._sides(name)
        groups = self._groups()
        found = bootstrap(*groups, sensitivity_of(normal, self.movement.hours, odd, 1.0))
        return of_some_width(found, trials(groups[1]))

    def _sides(self, name: str) -> tuple[Peaks, Peaks]:
        peaks, odd = self.peaks[name], self.movement.anomalous
        return peaks[~odd], peaks[odd]

    def _groups(self) -> tuple[list[str], list[str]]:
        groups, odd = self.movement.groups, self.movement.anomalous
        return groups[~odd].tolist(), groups[odd].tolist()


def spec_of(name: str) -> PipelineSpec:
    """Read a spec of benchmarks/specs or of a reference model."""
    path = SPECS / f"{name}.toml"
    return PipelineSpec.from_file(path if path.exists() else reference_models_folder() / name / "spec.toml")


def peak_magnitude(recordings: Sequence[Samples]) -> Peaks:
    """Largest magnitude of the acceleration in each recording, in counts: a peer that learns nothing."""
    return np.array([np.linalg.norm(x[:, :3].astype(float), axis=1).max() for x in recordings])


class Peers:
    """Simple detectors on the features and the context of a spec, with each feature in its own unit."""

    def __init__(self, spec: PipelineSpec, normal: Sequence[Samples]) -> None:
        self._spec, self._units = spec, np.array(feature_units(unlearnt_extractor(spec)))
        rows = np.concatenate([self._rows(x) for x in normal])
        rows = rows[:: max(1, len(rows) // MOST_ROWS)]
        self._learnt = {name: learn(rows) for name, learn in peers.SIMPLE.items()}

    def peaks(self, recordings: Sequence[Samples]) -> dict[str, Peaks]:
        """Scores of the recordings by each peer: the highest tick of each recording."""
        rows = [self._rows(x) for x in recordings]
        highest = {
            name: np.array([each.max() for each in peers.in_parts(peer, rows)]) for name, peer in self._learnt.items()
        }
        return {PEAK: peak_magnitude(recordings), **highest}

    def _rows(self, samples: Samples) -> np.ndarray:
        levels = feature_levels_of(self._spec, samples) / self._units
        context = self._spec.context
        if context.kind == "stack":
            return peers.stacked(levels, context.frames)
        return peers.summary(levels, context.frames, context.stride, context.statistics)


class Bench:
    """Trains the plans and peers of the tasks once, and scores the recordings."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._crossed: dict[tuple[str, str], Scored] = {}
        self._trained: dict[str, tuple[Plan, Peers, tempfile.TemporaryDirectory[str]]] = {}
        self.chosen: list[str] = []

    def run(self, task: Task) -> Scored:
        """Score the recordings of a task with every detector."""
        self._say(task.name)
        if task.test is None:
            assert task.train is not None
            movement = task.train()
            key = task.spec, movement.name
            scored = self._crossed.get(key) or self._cross(task.spec, movement)
            self._crossed[key] = scored
        else:
            scored = self._transferred(task, task.test())
        return _only(scored, task.odd)

    def _cross(self, name: str, movement: Movement) -> Scored:
        spec, scored = spec_of(name), Scored(movement)
        samples = movement.counts(spec)
        labels = sorted(set(movement.groups[~movement.anomalous]) | set(movement.groups[movement.anomalous]))
        shuffled = np.random.default_rng(SEED).permutation(labels)
        for fold in range(FOLDS):
            held = np.isin(movement.groups, shuffled[fold::FOLDS])
            normal = ~movement.anomalous & ~held
            words = f"{name} on {movement.name}, fold {fold}"
            plan, simple, folder = self._fitted(words, spec, samples, movement, normal, held)
            with folder:
                training = [samples[i] for i in np.flatnonzero(normal)]
                testing = [samples[i] for i in np.flatnonzero(held)]
                for detector, (known, found) in _both(plan, simple, training, testing).items():
                    peaks = scored.peaks.setdefault(detector, np.zeros(len(samples)))
                    peaks[held] = found / np.median(known)
        return scored

    def _transferred(self, task: Task, test: Movement) -> Scored:
        folder: Path | None = None
        simple: Peers | None = None
        if task.train is None:
            plan = anomsdk.reference_model(task.spec)
            folder = plan.folder
            spec = PipelineSpec.from_file(plan.folder / "spec.toml")  # type: ignore[operator]
        else:
            spec = spec_of(task.spec)
            if task.spec not in self._trained:
                movement = task.train()
                samples, every = movement.counts(spec), ~movement.anomalous
                held = np.isin(movement.groups, sorted(set(movement.groups[every]))[::8])
                self._trained[task.spec] = self._fitted(task.spec, spec, samples, movement, every & ~held, held)
            plan, simple, temporary = self._trained[task.spec]
            folder = Path(temporary.name) / "plan"
        if task.calibrated:
            assert simple is not None
            return _calibrated(folder, spec, simple, test)
        samples = test.counts(spec)
        scored = Scored(test, {OURS: _peaks(plan, samples)})
        if simple is not None:
            scored.peaks |= simple.peaks(samples)
        else:
            scored.peaks[PEAK] = peak_magnitude(samples)
        return scored

    def _fitted(
        self,
        words: str,
        spec: PipelineSpec,
        samples: Sequence[Samples],
        movement: Movement,
        normal: np.ndarray,
        held: np.ndarray,
    ) -> tuple[Plan, Peers, tempfile.TemporaryDirectory[str]]:
        """Train a plan and the peers on normal recordings; held-out ones set the alarm level, which no figure uses."""
        folder = tempfile.TemporaryDirectory()
        training = [samples[i] for i in np.flatnonzero(normal)]
        level = [samples[i] for i in np.flatnonzero(held & ~movement.anomalous)]
        lines = list[str]()
        plan = anomsdk.train.fit(
            spec,
            training,
            groups=movement.groups[normal].tolist(),
            calibration=level,
            out=Path(folder.name) / "plan",
            seed=SEED,
            report=lines.append,
        )
        chosen = next(line for line in lines if line.startswith("chosen: "))
        self.chosen.append(f"{words}: {chosen.removeprefix('chosen: ')}")
        self._say(self.chosen[-1])
        return plan, Peers(spec, training), folder


def _both(
    plan: Plan, simple: Peers, training: Sequence[Samples], testing: Sequence[Samples]
) -> dict[str, tuple[Peaks, Peaks]]:
    known, found = ({OURS: _peaks(plan, part), **simple.peaks(part)} for part in (training, testing))
    return {name: (known[name], found[name]) for name in found}


def _peaks(plan: Plan, samples: Sequence[Samples]) -> Peaks:
    return np.array([scores.max() for scores in anomsdk.score_many(plan, samples)], float)


def _calibrated(folder: Path, spec: PipelineSpec, simple: Peers, test: Movement) -> Scored:
    """Set the alarm level on some minutes of the test data, and score the subjects who are not in them."""
    samples, taken = test.counts(spec), _minutes(test)
    rest = ~np.isin(test.groups, np.unique(test.groups[taken]))
    scored = [samples[i] for i in np.flatnonzero(rest)]
    with tempfile.TemporaryDirectory() as temporary:
        own = [samples[i] for i in np.flatnonzero(taken)]
        plan = anomsdk.train.calibrate(folder, own, out=Path(temporary) / "own")
        peaks = {OURS: _peaks(plan, scored), **simple.peaks(scored)}
        return Scored(test.part(rest), peaks, plan.levels.raise_score)


def one_wearer() -> str:
    """Line with the false alarms that others get at an alarm level that one person of SisFall set."""
    plan, movement = anomsdk.reference_model("human_motion"), sisfall()
    assert plan.folder is not None
    spec = PipelineSpec.from_file(plan.folder / "spec.toml")
    normal = movement.part(~movement.anomalous)
    scores = anomsdk.score_many(plan, normal.counts(spec))
    every = [ScoredPiece("", who, 0.0, each) for who, each in zip(normal.groups, scores, strict=True)]
    own, rates = list[float](), list[float]()
    for who in sorted(set(normal.groups)):
        level = place_alarm_level([piece for piece in every if piece.group == who], spec).raise_score
        others = normal.groups != who
        rates.append(len(alarms_at([p for p in every if p.group != who], spec, level)) / normal.hours[others].sum())
        own.append(float(normal.hours[~others].sum()))
    return (
        f"{ONE_WEARER} ({len(own)} people of SisFall, {60 * min(own):.0f} to {60 * max(own):.0f} minutes each, "
        f"human_motion): the other people have {min(rates):.2g} to {max(rates):.2g} false alarms an hour, median "
        f"{np.median(rates):.2g}"
    )


def _only(scored: Scored, odd: Sequence[str]) -> Scored:
    """Keep the normal recordings, and the anomalous recordings with these labels."""
    if not odd:
        return scored
    which = ~scored.movement.anomalous | np.isin(scored.movement.labels, odd)
    return Scored(scored.movement.part(which), {name: peaks[which] for name, peaks in scored.peaks.items()})


def _minutes(movement: Movement) -> np.ndarray:
    """Mask of normal recordings of the first subjects, `CALIBRATION_S` seconds in all."""
    taken, seconds = np.zeros(len(movement.places), bool), 0.0
    for i in np.argsort(movement.groups, kind="stable"):
        if not movement.anomalous[i] and seconds < CALIBRATION_S:
            taken[i] = True
            seconds += movement.seconds[i]
    return taken


# What is printed


def table_of(task: Task, scored: Scored) -> Table:
    """Table of every detector on a task."""
    odd = scored.movement.anomalous
    heading = (
        f"{task.name}: {(~odd).sum()} normal, {odd.sum()} anomalous, {scored.movement.hours.sum():.2f} normal hours"
    )
    table = Table(heading, "AUC", "sensitivity at 1 false alarm an hour", "AUC of ours minus it")
    for name in scored.peaks:
        more = "" if name == OURS else show(scored.figure(OURS, name), signed=True)
        table.add_row(name, show(scored.figure(name)), show(scored.sensitivity(name)), more)
    return table


def at_level(scored: Scored) -> str:
    """Line with the false alarms and the events found at the calibrated alarm level."""
    above, odd = scored.peaks[OURS] >= scored.level, scored.movement.anomalous
    false, hours = int(above[~odd].sum()), scored.movement.hours.sum()
    return (
        f"ours at the level calibrated there: {false} of the normal recordings above it in {hours:.2f} h, "
        f"{above[odd].sum()} of {odd.sum()} anomalous ones"
    )


def verdicts(task: Task, scored: Scored) -> Iterator[tuple[str, bool]]:
    """Words of each bound of a task, with True if it is met."""
    area, found = scored.figure(OURS).value or 0.0, scored.sensitivity(OURS).value or 0.0
    if task.auc is not None:
        yield f"{task.name}: AUC {area:.3f} >= {task.auc}", area >= task.auc
    if task.sensitivity is not None:
        yield f"{task.name}: sensitivity {found:.2f} >= {task.sensitivity}", found >= task.sensitivity
    simple = [name for name in scored.peaks if name != OURS]
    best = max(simple, key=lambda name: scored.figure(name).value or 0.0)
    more = scored.figure(OURS, best)
    reached = (more.value if more.high is None else more.high) or 0.0
    yield f"{task.name}: ours minus {best} {show(more, signed=True)}: its interval reaches 0", reached >= 0


def main(console: Console, only: Sequence[str] = ()) -> bool:
    """Measure and print. Returns True if all bounds are met, or if the recordings do not exist."""
    reason = missing()
    if reason:
        console.print(f"motion: skipped, {reason}")
        return True
    good = True
    with Console(stderr=True).status("motion") as status:
        bench = Bench(lambda line: status.update(f"motion: {line}"))
        for task in TASKS:
            if only and not any(word in task.name for word in only):
                continue
            scored = bench.run(task)
            console.print(table_of(task, scored))
            if scored.level is not None:
                console.print(at_level(scored))
            for words, met in verdicts(task, scored):
                good &= met
                console.print(f"{words}: {'met' if met else 'MISSED'}", soft_wrap=True)
        if not only or any(word in ONE_WEARER for word in only):
            status.update(f"motion: {ONE_WEARER}")
            console.print(one_wearer(), soft_wrap=True)
    console.print(f"recordings: {DATA.name}; models that training chose, on generated probes in held-out groups:")
    for line in bench.chosen:
        console.print(f"  {line}", soft_wrap=True)
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.motion", description=__doc__)
    parser.add_argument("task", nargs="*", help="run only the tasks whose names contain one of these words")
    shown = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    raise SystemExit(0 if main(shown, parser.parse_args().task) else 1)
