"""`benchmarks.detection` on small synthetic scenes: the same mixes and the same rules for every detector."""

import sys
import types

import numpy as np
import pytest
from rich.console import Console

import anomsdk
from benchmarks import detection, peers, scenes, table_speed, trained_plans
from benchmarks.clip_levels import ClipLevels, external_rows
from benchmarks.signals import RATE


def noise(seed: int, seconds: float = 3.0, level: float = 300.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    slow = 1 + 0.2 * np.sin(np.arange(round(seconds * RATE)) / RATE * rng.uniform(2, 9))
    return np.round(level * slow * rng.standard_normal(round(seconds * RATE))).astype(np.int16)


def chirp(seed: int) -> np.ndarray:
    t = np.arange(RATE) / RATE
    return np.round(9000 * np.sin(2 * np.pi * (300 + 400 * seed) * t * (1 + 0.2 * t))).astype(np.int16)


@pytest.fixture(scope="module")
def made():
    training = {"low": [noise(i) for i in range(6)], "high": [noise(10 + i, level=2000) for i in range(6)]}
    held = {"low": [noise(20 + i) for i in range(4)], "high": [noise(30 + i, level=2000) for i in range(4)]}
    return scenes.make(training, held, [chirp(i) for i in range(4)])


@pytest.fixture(scope="module")
def bands(made):
    return ClipLevels(trained_plans.bands_spec(0), made)


ODD = np.array([40, -40, 40, 40, -40, 40])


def rows_of(seed: int, n: int = 400) -> np.ndarray:
    """Six inputs that three sources explain, and a little noise."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(100).standard_normal((3, 6))
    return rng.standard_normal((n, 3)) @ mix + 0.1 * rng.standard_normal((n, 6)) + 5


# Mixes


def test_every_event_lies_once_in_each_scene_at_each_ratio(made):
    normal = [item for item in made.items if item.snr_db is None]
    assert len(normal) == 8 and len(made.items) == 8 + 2 * 4 * 3
    for scene in made.names:
        for snr in scenes.SNRS_DB:
            assert sum(item.scene == scene and item.snr_db == snr for item in made.items) == 4
    assert {item.group for item in made.items} == {item.group for item in normal}


def test_a_mix_lies_on_the_bed_that_its_group_names(made):
    beds = {item.group: item.samples for item in made.items if item.snr_db is None}
    for item in made.items:
        if item.snr_db is not None:
            changed = np.flatnonzero(item.samples != beds[item.group])
            assert len(changed) > 0 and changed[-1] - changed[0] < RATE


def test_an_event_lies_in_the_same_place_at_every_ratio(made):
    beds = {item.group: item.samples for item in made.items if item.snr_db is None}
    mixes = [item for item in made.items if item.snr_db is not None]
    for loud, middle, quiet in zip(mixes[::3], mixes[1::3], mixes[2::3], strict=True):
        parts = [mix.samples.astype(float) - beds[mix.group] for mix in (loud, middle, quiet)]
        assert loud.group == middle.group == quiet.group
        powers = [10 * np.log10(np.mean(part**2)) for part in parts]
        np.testing.assert_allclose(np.diff(powers), -10, atol=0.3)


def test_the_same_seed_gives_the_same_mixes_and_another_does_not(made):
    again = scenes.make(made.training, made.held, [chirp(i) for i in range(4)])
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(made.items, again.items, strict=True))
    other = scenes.make(made.training, made.held, [chirp(i) for i in range(4)], seed=1)
    assert not all(np.array_equal(a.samples, b.samples) for a, b in zip(made.items, other.items, strict=True))


def test_a_bed_is_the_longest_piece_that_is_not_constant():
    clip = noise(1, seconds=5)
    clip[RATE : 2 * RATE] = 0
    found = scenes.make({"x": []}, {"x": [clip]}, [chirp(0)])
    assert np.array_equal(found.items[0].samples, clip[2 * RATE :])


def test_gain_saturates():
    item = scenes.Item("x", "x 0", None, np.array([-30000, -100, 0, 100, 30000], np.int16))
    assert item.at_gain(0) is item.samples
    assert item.at_gain(6).tolist() == [-32768, -200, 0, 200, 32767]
    assert item.at_gain(-6).tolist() == [-15036, -50, 0, 50, 15036]


# Peers


@pytest.mark.parametrize("learner", peers.SIMPLE.values(), ids=list(peers.SIMPLE))
def test_simple_peers_rank_an_obvious_anomaly_above_normals(learner):
    peer = learner(rows_of(0))
    normal, odd = peer(rows_of(1)), peer(rows_of(2, n=20) + ODD)
    assert normal.shape == (400,) and (normal > 0).all()
    assert np.median(odd) > np.quantile(normal, 0.99)


def test_the_autoencoder_ranks_an_obvious_anomaly_above_normals():
    peer = peers.autoencoder(rows_of(0))
    assert peer(rows_of(2, n=20) + ODD).min() > peer(rows_of(1)).max()


def test_a_score_depends_on_its_own_row_only():
    rows = rows_of(1, n=10)
    for learner in peers.SIMPLE.values():
        peer = learner(rows_of(0))
        np.testing.assert_allclose(peer(rows)[:1], peer(rows[:1]), rtol=1e-9)


LEARNT = np.array([[3, 1, 0], [1, 1, 2], [1, 2, 4], [-2, 4, 4], [0, 8, 6], [-6, 9, 8]], float)
"""Skewed to either side and not at all, with ties."""
ECOD_OF_PYOD = [4.6821312271, 3.0726933147, 2.1972245773, 2.6026896854, 3.0726933147, 5.3752784077]
"""What ECOD of pyod 3.6.7 gives for these rows; `make bench-detection` compares with the pyod that it installs."""


def test_ecod_is_that_of_pyod_on_the_rows_that_both_learnt():
    np.testing.assert_allclose(peers.ecod(LEARNT)(LEARNT), ECOD_OF_PYOD, rtol=1e-9)


class FakeEcod:
    """Stands for pyod's, where a test wants another result of it."""

    def fit(self, rows):
        self.decision_scores_ = peers.ecod(rows)(rows) * (1 + self.error)
        return self


@pytest.mark.parametrize(("error", "fine"), [(1e-12, True), (1e-6, False)])
def test_bench_detection_compares_ecod_with_pyod(error, fine, monkeypatch):
    module = types.ModuleType("pyod.models.ecod")
    module.ECOD = type("ECOD", (FakeEcod,), {"error": error})
    monkeypatch.setitem(sys.modules, "pyod.models.ecod", module)
    console = Console(record=True, width=200)
    assert detection.compare_with_pyod(console) is fine
    assert "pyod" in console.export_text()


def test_statistics_are_those_of_the_pipeline(bands, made):
    from anomsdk.core.context import statistics_of

    levels = bands.item(made.items[0]).astype(np.int64)
    windows = np.stack([levels[i : i + 4] for i in range(0, len(levels) - 3, 2)])
    steps = np.repeat([4, 16, 1], levels.shape[1])
    expected = statistics_of(windows, ("mean", "deviation", "max")) / steps
    np.testing.assert_allclose(peers.summary(levels, 4, 2), expected)


def test_stacks_are_oldest_frame_first():
    levels = np.arange(12).reshape(6, 2)
    assert peers.stacked(levels, 3)[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert peers.stacked(levels, 3).shape == (4, 6) and peers.stacked(levels[:2], 3).shape == (0, 6)


def test_the_level_meter_finds_the_loudest_second():
    quiet = np.full(3 * RATE, 10, np.int16)
    quiet[RATE : 2 * RATE] = 100
    assert peers.loudest_power(quiet, RATE) == 10000 and peers.loudest_power(quiet[:100], RATE) == 100


# Detectors


def test_peers_find_the_mixes_and_hear_the_same_clips(made, bands):
    heard = []

    def learner(rows):
        peer = peers.mahalanobis(rows)
        return lambda others: heard.append(others) or peer(others)

    bench = detection.Bench(made)
    for gain in (0.0, 6.0):
        row = detection.a_scene(detection.simple_peer("x", learner, bands, 4, 1, gain), made)
        assert bench.auc(row.peaks[0], 20).value > 0.9
    first, second = heard[:2], heard[2:]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_clip_scores_of_a_scene_are_over_the_median_of_its_normals_for_every_detector(made):
    asked = []

    def detector(factor):
        def learn(names):
            asked.append(names)
            return lambda items, gain: np.array(
                [factor * (1 + (item.snr_db or 0)) * (1 + made.names.index(item.scene)) for item in items]
            )

        return detection.Detector(f"times {factor}", "simple", learn)

    one, other = (detection.a_scene(detector(factor), made).peaks[0] for factor in (1, 1000))
    np.testing.assert_allclose(one, other)
    assert asked == [("low",), ("high",)] * 2
    assert all(one[i] == 1 + (item.snr_db or 0) for i, item in enumerate(made.items))
    raw = detection.for_all(detector(3), made).peaks
    assert asked[-1] == ("low", "high") and set(raw) == {0.0, -6.0, 6.0}
    assert raw[0].max() == 3 * 21 * 2


def test_normals_at_nought_are_scaled_by_their_mean_and_a_whole_scene_of_them_not_at_all(made):
    """The baseline takes the scores of most normal clips to 0."""
    normal = np.array([item.snr_db is None for item in made.items])
    peaks = np.where(normal, 0.0, 7.0)
    assert np.array_equal(detection.scaled(peaks, made.items), peaks)
    peaks[np.flatnonzero(normal)[0]] = 3.0
    assert np.array_equal(detection.scaled(peaks, made.items), peaks / (3.0 / normal.sum()))


def test_a_detector_is_no_better_than_itself(made):
    bench = detection.Bench(made)
    peaks = detection.for_all(detection.level_meter(), made).peaks[0]
    for snr in scenes.SNRS_DB:
        more = bench.difference(peaks, peaks, snr)
        assert (more.value, more.low, more.high) == (0, 0, 0)


def test_a_bound_that_is_missed_is_said(made):
    rng = np.random.default_rng(0)
    bench = detection.Bench(made)
    good = np.array([0.0 if item.snr_db is None else 1.0 for item in made.items]) + rng.uniform(0, 0.1, len(made.items))
    by_gain = dict.fromkeys((0.0, -6.0, 6.0), good)
    worse = {gain: rng.uniform(size=len(good)) for gain in by_gain}
    for case in (detection.A_SCENE, detection.FOR_ALL):
        bench.rows[case] = [detection.Row("ours", "ours", by_gain), detection.Row("peer", "simple", worse)]
    bench.quantised["ours"] = good, good
    assert all(met for _, met in detection.verdicts(bench))
    for case in bench.rows:
        bench.rows[case] = [detection.Row("ours", "ours", worse), detection.Row("peer", "simple", by_gain)]
    bench.quantised["ours"] = worse[0], good
    missed = [words for words, met in detection.verdicts(bench) if not met]
    assert len(missed) >= 8 and any("int8" in words for words in missed) and any("best simple" in w for w in missed)


def test_skips_with_its_reason_where_the_recordings_are_absent(monkeypatch, tmp_path):
    monkeypatch.setattr(scenes, "SESA", tmp_path / "sesa_train.npz")
    monkeypatch.setattr(detection, "compare_with_pyod", lambda console: True)
    console = Console(record=True, width=300)
    assert detection.main(console)
    shown = console.export_text()
    assert "skipped" in shown and "sesa_train.npz" in shown


# Ours


@pytest.fixture(scope="module")
def fitted(made):
    tree = trained_plans.bands_spec(4.0).model_dump()
    tree["model"]["max_macs"] = 500  # of 54 inputs: only the narrowest principal components
    return trained_plans.fit(anomsdk.PipelineSpec.from_dict(tree), made, made.names)


def test_scores_from_levels_are_those_of_the_pipeline(made, bands, fitted):
    items = made.items[:3]
    runner = trained_plans.Runner(fitted.plan)
    for item in items:
        inputs = runner.inputs(bands.item(item))
        assert np.array_equal(inputs, anomsdk.features(fitted.plan, item.samples))
        assert np.array_equal(runner.final(inputs, runner.raw(inputs)), anomsdk.score(fitted.plan, item.samples))
    samples = [item.samples for item in items]
    found = trained_plans.peaks(fitted.plan, [bands.item(item) for item in items], samples)
    assert found.tolist() == [anomsdk.score(fitted.plan, each).max() for each in samples]
    with pytest.raises(anomsdk.CheckError, match="from feature levels differ"):
        trained_plans.peaks(fitted.plan, [bands.item(item) for item in items], [sample // 2 for sample in samples])


def test_the_float_network_is_the_one_inside_the_plan(made, bands, fitted):
    items = made.of(["low"])
    levels, samples = [bands.item(item) for item in items], [item.samples for item in items]
    integer = trained_plans.peaks(fitted.plan, levels, samples, follow=False)
    real = trained_plans.peaks(fitted.plan, levels, samples, fitted.trained, follow=False)
    assert not np.array_equal(integer, real)
    assert np.corrcoef(np.log(integer), np.log(real))[0, 1] > 0.99


def test_rows_of_another_front_end_are_its_log_mels_in_steps_of_a_256th(made):
    clip_levels = ClipLevels(trained_plans.logmel_spec(0), made)
    levels = clip_levels.item(made.items[0])
    rows = external_rows(levels)
    assert rows.dtype == np.int16 and rows.shape == levels.shape
    np.testing.assert_allclose(rows / 256, detection.decibel(levels), atol=1 / 500)


# Reading


def test_a_table_of_dates_is_read_in_no_more_than_a_few_times_the_time_of_a_parquet(tmp_path):
    """`make bench` prints the ratio and holds it at a third; read cell by cell it was an eighteenth."""
    pytest.importorskip("pyarrow")
    assert table_speed.ratios(*table_speed.write(tmp_path, 40_000), repeats=3).max() > 1 / 8
