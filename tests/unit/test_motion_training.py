"""What training on motion adds: probes, shrunk covariances, generated recordings."""

import numpy as np
import pytest

import anomsdk
from anomsdk.demo import motion as demo_motion
from anomsdk.planner.sections import MotionSensor
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings
from anomsdk.train.data.excerpts import Excerpts
from anomsdk.train.models.family import Candidate, family, train_candidate
from anomsdk.train.probes.motion import disturbed_motion, force_at, vigour
from anomsdk.train.probes.sound import STRENGTHS
from anomsdk.train.search.search import _MOVED, _choice
from anomsdk.train.search.trials import Trial

THREE = MotionSensor(kind="motion", rate_hz=50.0, axes=3, counts_per_g=2048.0, full_scale_g=4.0)
WIDE = MotionSensor(kind="motion", rate_hz=50.0, axes=3, counts_per_g=1000.0)
SIX = MotionSensor(kind="motion", rate_hz=50.0, axes=6, counts_per_g=2048.0, counts_per_dps=16.0)


def trial(kind, auc, macs):
    return Trial(Candidate(kind, (macs,), 6.0), auc, auc, 0, macs)


def still(axes, n=600):
    return np.tile(np.array([100, -200, 2030, 5, -3, 8][:axes], np.int16), (n, 1))


def moved(sensor, strength, seed):
    rows = still(sensor.axes)
    found = disturbed_motion(rows, strength, sensor, np.random.default_rng(seed))
    return found, np.abs(found.astype(int) - rows)


def test_a_probe_is_what_its_seed_makes_it_and_leaves_what_it_was_given():
    rows = still(3)
    first, again, other = (disturbed_motion(rows, 20.0, THREE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert np.array_equal(rows, still(3)) and first.dtype == np.int16


def test_a_stronger_probe_moves_more():
    strong, weak = (np.mean([moved(THREE, strength, seed)[1].max() for seed in range(40)]) for strength in STRENGTHS)
    assert strong > 1.2 * weak


def test_probes_are_as_forceful_as_the_normal_motion_asks():
    rng = np.random.default_rng(0)
    lively, quiet = (
        [np.round(rng.normal(0, g * 2048, (500, 3))).astype(np.int16) + still(3, 500) for _ in range(3)]
        for g in (0.6, 0.1)
    )
    assert vigour(lively, THREE) == pytest.approx(0.6 * 3**0.5, rel=0.05), "gravity is none"
    assert force_at(vigour(quiet, THREE)) == 1.0 and vigour([], THREE) == 0.0
    assert force_at(0.8) == pytest.approx(1.6)
    usual, forced = (
        np.mean(
            [
                np.abs(disturbed_motion(still(3), 10.0, WIDE, np.random.default_rng(seed), force=each) - 0.0).max()
                for seed in range(40)
            ]
        )
        for each in (1.0, 1.6)
    )
    assert forced > 1.25 * usual


def test_excerpts_of_vigorous_motion_have_forceful_probes():
    """Loudest jerk of the probes over that of the stretch itself, where the normal motion is mild and where it is not."""
    features = {"kind": "motion", "window_s": 1, "hop_s": 0.5, "gravity_s": 0.5, "select": ["magnitude_max"]}
    sensor = {"kind": "motion", "rate_hz": 50, "counts_per_g": 1000}
    spec = PipelineSpec.from_dict(
        {"format": 1, "name": "w", "sensor": sensor, "features": features, "context": {"kind": "stack", "frames": 1}}
    )

    def highest(g):
        made = Excerpts(spec, 4, 0)
        rng = np.random.default_rng(1)
        for place in range(4):
            made.put(0, np.round(rng.normal(0, g * 1000, (1100, 3))).astype(np.int16), place)
        return np.mean([[p.max() for p in excerpt.probes[1]] for excerpt in made.made()[0]])

    mild, wild = highest(0.25), highest(1.0)
    assert wild > mild + 1024, "in log2 of the length, q10: with the same forces it is some 500 more"


def test_probes_stay_within_the_full_scale_of_the_sensor():
    highest = max(np.abs(moved(THREE, 20.0, seed)[0].astype(int)).max() for seed in range(60))
    assert highest == 4 * 2048


def test_a_probe_turns_the_gyroscope_where_the_acceleration_moves():
    turned = [moved(SIX, 20.0, seed)[1] for seed in range(20)]
    assert all(each[:, 3:].max() > 0 for each in turned)
    for each in turned:
        assert each[each[:, :3].max(axis=1) == 0, 3:].max(initial=0) <= 1  # what was rounded away


def test_probes_turn_shake_and_fall():
    ends = set()
    for seed in range(60):
        found = moved(THREE, 20.0, seed)[0].astype(int)
        turned = np.abs(found[-1] - still(3)[-1]).max() > 100
        lengths = np.linalg.norm(found, axis=1)
        ends.add((turned, np.ptp(lengths) > 100))
    assert ends >= {(True, True), (True, False), (False, True)}, "falls, turns, shaking"


def test_a_recording_shorter_than_a_probe_is_disturbed_all_the_same():
    rows = still(3, 20)
    assert any(
        not np.array_equal(disturbed_motion(rows, 20.0, THREE, np.random.default_rng(seed)), rows) for seed in range(5)
    )


def test_shrunk_covariances_are_tried_for_motion_only():
    plain, correlated = (
        [c for c in family(20, 2000, correlated=each) if c.kind == "mahalanobis"] for each in (False, True)
    )
    assert [(c.shrinkage, c.deviations) for c in plain] == [(None, 12.0)]
    assert [(c.shrinkage, c.deviations) for c in correlated] == [(0.1, 4.0), (0.5, 4.0), (None, 7.0)]
    assert str(correlated[0]) == "mahalanobis shrunk 0.1, +-4 dev"


def test_nearest_means_are_tried_for_motion_only_and_win_where_they_are_as_good():
    plain, correlated = (
        [c for c in family(20, 15_000, correlated=each) if c.kind == "nearest mean"] for each in (False, True)
    )
    assert plain == []
    assert [(str(c), c.macs(20)) for c in correlated] == [
        ("nearest mean of 8, +-7 dev", 56 * (20 + 8) + 8 * 20),
        ("nearest mean of 16, +-7 dev", 240 * (20 + 16) + 16 * 20),
    ]
    others = [trial("mahalanobis", 0.9, 400), trial("autoencoder", 0.92, 900)]
    assert _choice([*others, trial("nearest mean", 0.865, 1728)], _MOVED).candidate.kind == "nearest mean"
    assert _choice([*others, trial("nearest mean", 0.85, 1728)], _MOVED).candidate.kind == "mahalanobis"


def test_fewer_autoencoders_are_tried_for_motion():
    few, many = (
        [c.hidden for c in family(57, 15_000, correlated=each) if c.kind == "autoencoder"] for each in (True, False)
    )
    assert few == [(32,), (64, 14, 64)] and len(many) > 2


def test_shrinkage_makes_what_hardly_varied_count_less():
    rng = np.random.default_rng(0)
    common = rng.standard_normal((5000, 1))
    rows = np.hstack([common, common + 0.01 * rng.standard_normal((5000, 1))])
    rows /= rows.std(axis=0)
    against = np.array([[1.0, -1.0]])  # never seen: both are nearly one

    def distance(share):
        network = train_candidate(Candidate("mahalanobis", (), 4.0, shrinkage=share), rows, None, seed=0)[0]
        return float(((against - network.run(against)) ** 2).sum())

    assert distance(None) > 3 * distance(0.1) > 3 * distance(0.5)


@pytest.mark.parametrize(("scene", "unit"), [("wearable", "g"), ("collar", "m/s2")])
def test_generated_files_are_read_as_motion(tmp_path, scene, unit, monkeypatch):
    monkeypatch.setattr(demo_motion, "WEARERS", 1)
    monkeypatch.setattr(demo_motion, "LATER_WEARERS", 1)
    monkeypatch.setattr(demo_motion, "RECORDINGS", 1)
    written = demo_motion.write(tmp_path / "there", scene)
    made = demo_motion.SCENES[scene]
    axes = len(made.scales)
    stream_format = StreamFormat(made.rate_hz, "motion", axes, 2048.0, 16.0 if axes == 6 else None, 16.0)
    (live,) = open_recordings(tmp_path / "there" / "live.csv", stream_format, reading=ReadOptions(unit=unit))
    blocks = list(live.blocks())
    gaps = [block for block in blocks if isinstance(block, int)]
    assert gaps == [round(8 * made.rate_hz)]
    samples = np.concatenate([block for block in blocks if not isinstance(block, int)])
    assert samples.shape == (round(172 * made.rate_hz), axes)
    assert 0.95 < np.median(np.linalg.norm(samples[:, :3] / 2048, axis=1)) < 1.05
    assert scene in written.scene and "live.csv" in demo_motion.written_report(written)


def test_generated_files_want_a_seed_and_a_new_folder(tmp_path):
    with pytest.raises(anomsdk.InputError, match="0 or more"):
        demo_motion.write(tmp_path / "there", "collar", seed=-1)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(anomsdk.InputError, match="not empty"):
        demo_motion.write(tmp_path, "collar")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
