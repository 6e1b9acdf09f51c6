"""`make bench-detection`: AUC of our detectors and of simple peers on the same clips, in one run.

The score of a clip is its highest tick. "One model a scene": each detector learns one scene, its clip scores are
divided by the median of that scene's normal clips, and all scenes are pooled. "One model for all": each detector
learns all scenes together, and nothing is divided. Intervals draw a normal clip and the mixes on it together.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

import anomsdk
from anomsdk.plans.file import reference_model_names
from anomsdk.stats.intervals import Figure, bootstrap, exact, paired_bootstrap, trials_of_pairs, wider
from anomsdk.stats.metrics import FigureOf, auc, auc_of
from anomsdk.utils.text import figure as shown
from benchmarks import peers, scenes, trained_plans
from benchmarks.clip_levels import ClipLevels, decibel, external_rows
from benchmarks.scenes import SNRS_DB, Item, Scenes
from benchmarks.signals import RATE
from benchmarks.trained_plans import Made

SHIPPED = "audio_scene"
GAINS_DB = (-6.0, 6.0)
A_SCENE, FOR_ALL = "one model a scene", "one model for all"
OURS = ("ours, bands", "ours, log-mel")
"""Names of our trained plans in the tables. The first must meet the bounds."""
BOUND_A_SCENE = {20: 0.99, 10: 0.96, 0: 0.86}
BOUND_FOR_ALL = {10: 0.88}
BOUND_GAIN = 0.03
BOUND_INT8 = 0.005

Peaks = np.ndarray
Say = Callable[[str], None]
Scorer = Callable[[Sequence[Item], float], Peaks]
"""Function from clips and a gain in dB to the scores of the clips."""
Make = Callable[[tuple[str, ...]], Made]
Given = Callable[[Item, float], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Detector:
    """A detector, which learns scenes and scores clips.

    Parameters
    ----------
    name : name in the tables
    kind : ours | simple | network | shipped
    learn : learns from the training recordings of some scenes
    """

    name: str
    kind: str
    learn: Callable[[tuple[str, ...]], Scorer]


@dataclass(frozen=True, eq=False)
class Row:
    """Clip scores of a detector, for each gain in dB."""

    name: str
    kind: str
    peaks: Mapping[float, Peaks]


@dataclass(frozen=True, eq=False)
class Bench:
    """Everything that was measured.

    Parameters
    ----------
    scenes : the recordings and clips
    rows : detectors by case (`A_SCENE`, `FOR_ALL`); the first is ours, and the others are compared with it
    quantised : clip scores in int8 and in float, by name of the plan
    chosen : the model that training chose, a line for each plan
    """

    scenes: Scenes
    rows: dict[str, list[Row]] = field(default_factory=dict)
    quantised: dict[str, tuple[Peaks, Peaks]] = field(default_factory=dict)
    chosen: list[str] = field(default_factory=list)

    def auc(self, peaks: Peaks, snr: int) -> Figure:
        """Area under the ROC curve at an SNR."""
        groups = self._groups(snr)
        return of_some_width(bootstrap(*groups, self._figure(peaks, snr)), trials_of_pairs(*groups))

    def difference(self, first: Peaks, second: Peaks, snr: int) -> Figure:
        """AUC of the first minus AUC of the second, on the same draws."""
        groups = self._groups(snr)
        pair = self._figure(first, snr), self._figure(second, snr)
        known = np.array_equal(first, second)  # a detector has no difference from itself
        return paired_bootstrap(*groups, *pair, rests_on=None if known else trials_of_pairs(*groups))

    def _where(self, snr: int | None) -> list[int]:
        return [i for i, item in enumerate(self.scenes.items) if item.snr_db == snr]

    def _groups(self, snr: int) -> tuple[list[str], list[str]]:
        items = self.scenes.items
        return [items[i].group for i in self._where(None)], [items[i].group for i in self._where(snr)]

    def _figure(self, peaks: Peaks, snr: int) -> FigureOf:
        return auc_of(peaks[self._where(None)], peaks[self._where(snr)])


def of_some_width(figure: Figure, rests_on: int) -> Figure:
    """Widen the interval of a share or an area to the exact one of ``rests_on`` trials, if all draws were alike."""
    alike = figure.value is not None and figure.low == figure.high
    return wider(figure, exact(figure.value or 0.0, rests_on)) if alike else figure


def scaled(peaks: Peaks, items: Sequence[Item]) -> Peaks:
    """Divide the clip scores of one scene by the median of its normal clips, for every detector alike.

    With a baseline most normal clips may have a score of 0. Then the mean is used, or 1 if all scores are 0.
    """
    normal = np.array([peak for peak, item in zip(peaks, items, strict=True) if item.snr_db is None])
    return peaks / (float(np.median(normal)) or float(np.mean(normal)) or 1.0)


def a_scene(detector: Detector, of: Scenes) -> Row:
    """Measure one model a scene, and pool the scenes."""
    found = np.zeros(len(of.items))
    for name in of.names:
        where = [i for i, item in enumerate(of.items) if item.scene == name]
        items = [of.items[i] for i in where]
        found[where] = scaled(detector.learn((name,))(items, 0.0), items)
    return Row(detector.name, detector.kind, {0.0: found})


def for_all(detector: Detector, of: Scenes) -> Row:
    """Measure one model for all scenes, also at other gains."""
    score = detector.learn(of.names)
    return Row(detector.name, detector.kind, {gain: score(of.items, gain) for gain in (0.0, *GAINS_DB)})


# Peers


def level_meter() -> Detector:
    """Make the detector that measures the loudest second."""

    def learn(names: tuple[str, ...]) -> Scorer:
        return lambda items, gain: np.array([peers.loudest_power(item.at_gain(gain), RATE) for item in items])

    return Detector("RMS level, loudest second", "simple", learn)


def simple_peer(
    name: str, learner: peers.Learner, clip_levels: ClipLevels, frames: int, stride: int, gain: float
) -> Detector:
    """Make a detector of a peer that learns statistics of feature levels.

    Parameters
    ----------
    name, learner : the peer
    clip_levels : feature levels
    frames, stride : context of the statistics
    gain : also learn each recording attenuated and amplified by this many dB, as ours do; 0: do not
    """

    def rows(levels: np.ndarray) -> np.ndarray:
        return peers.summary(decibel(levels), frames, stride)

    def learn(names: tuple[str, ...]) -> Scorer:
        gains = (0.0, -gain, gain) if gain else (0.0,)
        pieces = [piece for each in gains for piece in clip_levels.pieces(names, each)]
        peer = learner(np.concatenate([rows(levels) for levels in pieces]))
        return lambda items, at: np.array(
            [each.max() for each in peers.in_parts(peer, [rows(clip_levels.item(i, at)) for i in items])]
        )

    return Detector(name, "simple", learn)


def networks(clip_levels: ClipLevels, frames: int = 5) -> list[Detector]:
    """Make the float autoencoder of MLPerf Tiny, with the mean (as there) and the highest of the ticks as score."""

    @cache
    def learnt(names: tuple[str, ...]) -> peers.Peer:
        rows = [peers.stacked(decibel(piece), frames) for piece in clip_levels.pieces(names)]
        return peers.autoencoder(np.concatenate(rows))

    def detector(words: str, pooled: Callable[[np.ndarray], float]) -> Detector:
        def learn(names: tuple[str, ...]) -> Scorer:
            return lambda items, at: np.array(
                [
                    pooled(each)
                    for item in items
                    for each in peers.in_parts(
                        learnt(names), [peers.stacked(decibel(clip_levels.item(item, at)), frames)]
                    )
                ]
            )

        return Detector(f"MLPerf Tiny autoencoder, float, {words}", "network", learn)

    return [detector("mean of ticks", np.mean), detector("highest tick", np.max)]


# Ours


class Fitting:
    """Plans trained on the scenes, kept for the detectors that share them."""

    def __init__(self, bench: Bench, say: Say) -> None:
        self._bench, self._say = bench, say

    def detectors(self, name: str, make: Make, given: Given) -> list[Detector]:
        """Make two detectors of a plan, with and without the baseline of its score.

        Parameters
        ----------
        name : name in the tables
        make : trains a plan on some scenes
        given : gives the samples and the feature levels of a clip at a gain
        """

        @cache
        def made(names: tuple[str, ...]) -> Made:
            found = make(names)
            line = f"{name}, {names[0] if len(names) == 1 else 'all scenes'}: {found.words}"
            self._bench.chosen.append(line)
            self._say(line)
            return found

        def learn(names: tuple[str, ...], follow: bool) -> Scorer:
            plan, network = made(names).plan, made(names).trained

            def score(items: Sequence[Item], gain: float) -> Peaks:
                samples, levels = zip(*(given(item, gain) for item in items), strict=True)
                found = trained_plans.peaks(plan, levels, samples, follow=follow)
                if gain == 0 and follow:
                    self._compare(name, names, items, found, trained_plans.peaks(plan, levels, samples, network))
                return found

            return score

        return [
            Detector(name, "ours", lambda names: learn(names, True)),
            Detector(f"{name}, without its baseline", "ours", lambda names: learn(names, False)),
        ]

    def _compare(self, name: str, names: tuple[str, ...], items: Sequence[Item], integer: Peaks, real: Peaks) -> None:
        """Keep int8 and float scores of every clip, scaled as all clip scores are."""
        one, every = len(names) == 1, self._bench.scenes.items
        kept = self._bench.quantised.setdefault(
            f"{name}, {A_SCENE if one else FOR_ALL}", (np.zeros(len(every)), np.zeros(len(every)))
        )
        index = {item: i for i, item in enumerate(every)}
        where = [index[item] for item in items]
        for peaks, found in zip(kept, (integer, real), strict=True):
            peaks[where] = scaled(found, items) if one else found


def shipped(name: str, clip_levels: ClipLevels) -> Detector:
    """Make a detector of a reference model, which learns nothing here."""
    plan = anomsdk.reference_model(name)

    def score(items: Sequence[Item], gain: float) -> Peaks:
        samples = [item.at_gain(gain) for item in items]
        return trained_plans.peaks(plan, [clip_levels.item(item, gain) for item in items], samples)

    return Detector(f"{name}, as shipped", "shipped", lambda names: score)


# The run


def detectors(bench: Bench, say: Say) -> dict[str, list[Detector]]:
    """Make all detectors, by case. The first is ours and must meet the bounds."""
    of = bench.scenes
    bands, logmel = ClipLevels(trained_plans.bands_spec(0), of), ClipLevels(trained_plans.logmel_spec(0), of)
    fitting = Fitting(bench, say)
    own = [
        found
        for name, spec, clip_levels in (
            (OURS[0], trained_plans.bands_spec("chosen"), bands),
            (OURS[1], trained_plans.logmel_spec("chosen"), logmel),
        )
        for found in fitting.detectors(
            name,
            lambda names, spec=spec: trained_plans.fit(spec, of, names),
            lambda item, gain, clip_levels=clip_levels: (item.at_gain(gain), clip_levels.item(item, gain)),
        )
    ]

    def external(item: Item, gain: float) -> tuple[np.ndarray, np.ndarray]:
        rows = external_rows(logmel.item(item, gain))
        return rows, rows.astype(np.int32)

    given = fitting.detectors(
        "ours, external log-mels",
        lambda names: trained_plans.fit_rows(trained_plans.external_spec("chosen"), logmel, names),
        external,
    )
    simple = [level_meter()]
    for where, clip_levels, frames, stride in (("bands", bands, 4, 1), ("log-mel", logmel, 32, 8)):
        for gain, heard in ((0.0, ""), (6.0, ", +-6 dB")):
            simple += [
                simple_peer(f"{name}, {where}{heard}", learner, clip_levels, frames, stride, gain)
                for name, learner in peers.SIMPLE.items()
            ]
    stacks = networks(ClipLevels(trained_plans.logmel_spec(0, n_mels=128), of))
    whole = [*given[:1], *(shipped(name, bands) for name in reference_model_names() if name == SHIPPED)]
    return {A_SCENE: [*own, *simple, *stacks], FOR_ALL: [*own, *whole, *simple, *stacks]}


def run(of: Scenes, say: Say = lambda line: None) -> Bench:
    """Train all detectors and score all clips."""
    bench = Bench(of)
    for case, every in detectors(bench, say).items():
        measure = a_scene if case == A_SCENE else for_all
        bench.rows[case] = []
        for detector in every:
            say(f"{case}: {detector.name}")
            bench.rows[case].append(measure(detector, of))
    return bench


# What is printed


def show(figure: Figure, signed: bool = False) -> str:
    """Format a figure with its interval."""
    value, low, high = (shown(each, signed=signed) for each in (figure.value, figure.low, figure.high))
    return f"{value} ({low} to {high})"


def table_of(bench: Bench, case: str) -> Table:
    """Table of the AUC of every detector, and of the AUC of ours minus it."""
    first, *_ = rows = bench.rows[case]
    table = Table(case, *(f"AUC {snr} dB" for snr in SNRS_DB), *(f"ours minus it, {snr} dB" for snr in SNRS_DB))
    for row in rows:
        areas = [show(bench.auc(row.peaks[0], snr)) for snr in SNRS_DB]
        more = [show(bench.difference(first.peaks[0], row.peaks[0], snr), signed=True) for snr in SNRS_DB]
        table.add_row(row.name, *areas, *(more if row is not first else [""] * len(more)))
    return table


def gain_table(bench: Bench) -> Table:
    """Table of the AUC at each gain; all clips are amplified by it."""
    table = Table(
        f"AUC, {FOR_ALL}, clips at a gain", *(f"{snr} dB, {gain:+g} dB" for snr in SNRS_DB for gain in (0.0, *GAINS_DB))
    )
    for row in bench.rows[FOR_ALL]:
        table.add_row(
            row.name,
            *(f"{bench.auc(row.peaks[gain], snr).value:.3f}" for snr in SNRS_DB for gain in (0.0, *GAINS_DB)),
        )
    return table


def int8_table(bench: Bench) -> Table:
    """Table of the change of AUC by quantisation."""
    table = Table("AUC of int8 minus AUC of float, same inputs", *(f"{snr} dB" for snr in SNRS_DB))
    for name, pair in bench.quantised.items():
        table.add_row(name, *(show(bench.difference(*pair, snr), signed=True) for snr in SNRS_DB))
    return table


def best_simple(bench: Bench, case: str, snr: int, words: str = "") -> Row:
    """Simple detector with the largest AUC, of those whose names contain these words."""
    rows = [row for row in bench.rows[case] if row.kind == "simple" and words in row.name]
    return max(rows, key=lambda row: bench.auc(row.peaks[0], snr).value)


def best_table(bench: Bench) -> Table:
    """Table of ours beside the best simple detectors, chosen for each SNR after the fact."""
    table = Table("best simple detector", "", "AUC", "ours, bands, minus it", "ours, log-mel, minus it")
    for case in bench.rows:
        own = [row for row in bench.rows[case] if row.name in OURS]
        for snr in SNRS_DB:
            for words, heard in (("", "any features"), (", bands", "on bands"), (", log-mel", "on log-mels")):
                best = best_simple(bench, case, snr, words)
                more = [show(bench.difference(row.peaks[0], best.peaks[0], snr), signed=True) for row in own]
                area = show(bench.auc(best.peaks[0], snr))
                table.add_row(f"{case}, {snr} dB, {heard}", best.name, area, *more)
    return table


def verdicts(bench: Bench) -> Iterator[tuple[str, bool]]:
    """Words of every bound, with True if it is met."""
    for case, rows in bench.rows.items():
        first = rows[0]
        for snr in SNRS_DB:
            best = best_simple(bench, case, snr)
            more = bench.difference(first.peaks[0], best.peaks[0], snr)
            yield (
                f"{case}, {snr} dB: {first.name} {show(bench.auc(first.peaks[0], snr))}, best simple detector "
                f"{best.name} {show(bench.auc(best.peaks[0], snr))}, difference {show(more, signed=True)}: "
                "its interval reaches 0",
                more.value >= 0 if more.high is None else more.high >= 0,
            )
        for snr, bound in (BOUND_A_SCENE if case == A_SCENE else BOUND_FOR_ALL).items():
            area = bench.auc(first.peaks[0], snr).value
            yield f"{case}, {snr} dB: {first.name} {area:.3f} >= {bound}", area >= bound
    first = bench.rows[FOR_ALL][0]
    for snr in SNRS_DB:
        at = {gain: bench.auc(peaks, snr).value for gain, peaks in first.peaks.items()}
        loss = at[0] - min(at.values())
        yield (
            f"{FOR_ALL}, {snr} dB, clips 6 dB lower or higher: loss of AUC {loss:.3f} <= {BOUND_GAIN}",
            loss <= BOUND_GAIN,
        )
    for name, (integer, real) in bench.quantised.items():
        loss = max(bench.auc(real, snr).value - bench.auc(integer, snr).value for snr in SNRS_DB)
        yield f"int8 against float, {name}: loss of AUC {loss:+.4f} <= {BOUND_INT8}", loss <= BOUND_INT8


def unclipped(bench: Bench) -> Iterator[str]:
    """Lines with the AUC at the highest gain, over the normal clips and mixes that do not clip at it."""
    gain = max(GAINS_DB)
    items = bench.scenes.items
    fits = np.array([np.abs(item.at_gain(gain).astype(np.int32)).max() < 32767 for item in items])
    normal = fits & [item.snr_db is None for item in items]
    for row in bench.rows[FOR_ALL]:
        if row.kind not in ("ours", "shipped"):
            continue
        for snr in SNRS_DB:
            mixes = fits & [item.snr_db == snr for item in items]
            at = [auc(row.peaks[g][normal], row.peaks[g][mixes]) for g in (0.0, gain)]
            if None not in at:
                yield (
                    f"{row.name}, {snr} dB, only clips that do not clip at {gain:+g} dB ({normal.sum()} normal "
                    f"clips, {mixes.sum()} mixes): AUC {at[0]:.3f}, at {gain:+g} dB {at[1]:.3f}"
                )


def report(bench: Bench, console: Console) -> bool:
    """Print the tables and the bounds. Returns True if all bounds are met."""
    of = bench.scenes
    normal = [item for item in of.items if item.snr_db is None]
    console.print(
        f"{len(of.names)} scenes ({', '.join(of.names)}): {sum(map(len, of.training.values()))} training recordings, "
        f"{len(normal)} others as normal clips, {(len(of.items) - len(normal)) // len(SNRS_DB)} mixes of these with "
        "events at each SNR.\nThe score of a clip is its highest tick, unless the mean is named. "
        f"{A_SCENE}: clip scores are divided by the median of the scene's normal clips, then pooled. {FOR_ALL}: "
        'they are not divided.\n"+-6 dB": the peer also learns each recording at these gains, as ours do. '
        "Intervals: 95 %, over normal clips together with the mixes on them."
    )
    for case in bench.rows:
        console.print(table_of(bench, case))
    console.print(best_table(bench), gain_table(bench), int8_table(bench))
    for line in unclipped(bench):
        console.print(line, soft_wrap=True)
    console.print("models that training chose, on generated probes in held-out groups of folds 1 to 3:")
    for line in bench.chosen:
        console.print(f"  {line}", soft_wrap=True)
    good = True
    for words, met in verdicts(bench):
        good &= met
        console.print(f"{words}: {'met' if met else 'MISSED'}", soft_wrap=True)
    return good


def compare_with_pyod(console: Console) -> bool:
    """Print how far ECOD of `benchmarks.peers` is from that of pyod on the rows that both learnt; True within 1e-9."""
    try:
        from pyod.models.ecod import ECOD
    except ImportError:
        console.print("ECOD against pyod: not compared, pyod is missing; pip install --editable '.[bench]'")
        return False
    rows = np.random.default_rng(3).lognormal(size=(400, 6)).round(2)  # skewed, and with ties
    rows[:, 0] *= -1
    expected = ECOD().fit(rows).decision_scores_
    error = float(np.max(np.abs(peers.ecod(rows)(rows) / expected - 1)))
    console.print(f"ECOD against pyod, 400 rows of 6 values: largest relative difference {error:.1g}, bound 1e-09")
    return error <= 1e-9


def main(console: Console, quick: bool = False) -> bool:
    """Measure and print. Returns True if all bounds are met, or if the recordings do not exist."""
    agrees = compare_with_pyod(console)
    reason = scenes.missing()
    if reason:
        console.print(f"detection: skipped, {reason}")
        return agrees
    with Console(stderr=True).status("detection: reading recordings") as status:
        bench = run(scenes.load(quick), lambda line: status.update(f"detection: {line}"))
        status.update("detection: computing intervals")
        return report(bench, console) and agrees


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="use only two scenes and few events, to see that everything runs"
    )
    shown = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    raise SystemExit(0 if main(shown, parser.parse_args().quick) else 1)
