"""Local calibration: the level and, if asked, the normalisation, from recordings of one device."""

import json
import shutil

import numpy as np
import pytest

import anomsdk
from anomsdk.core.event import State
from anomsdk.planner.calibration import Calibration
from anomsdk.synthetic.motion import PERSON, day, fall
from anomsdk.train import calibrate
from anomsdk.train.alarm_levels import alarm_levels_from
from anomsdk.utils.text import clock
from tests.support.make import SPECS, make_folder, noise

SPEC = """
format = 1
name = "belt"
[sensor]
kind = "motion"
rate_hz = 20
counts_per_g = 2048
[features]
kind = "motion"
window_s = 1
hop_s = 0.5
gravity_s = 0.5
floor_mg = 20
[context]
kind = "stack"
frames = 2
[model]
max_macs = 2000
[alert]
m = 1
n = 1
"""


def counts(motion):
    return np.clip(np.rint(motion[:, :3] * 2048), -32767, 32767).astype(np.int16)


def days(seed, n, seconds=150):
    return [counts(day(np.random.default_rng([seed, i]), PERSON, seconds, 20.0)) for i in range(n)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    spec = anomsdk.PipelineSpec.from_toml(SPEC)
    return anomsdk.train.fit(spec, days(1, 6), out=tmp_path_factory.mktemp("trained") / "belt", seed=1)


def alarms(plan, recordings):
    found = 0
    for samples in recordings:
        with anomsdk.Pipeline(plan) as pipeline:
            events = [event for result in pipeline.process(samples) for event in result.events]
        found += sum(event.state == State.UNACK_ALARM for event in events)
    return found


def with_level(plan, folder, level):
    """The plan of a calibrated folder, at an alarm level of one's own."""
    text = (folder / "spec.toml").read_text()
    (folder / "spec.toml").write_text(text.replace('raise_score = "calibrated"', f"raise_score = {level}"))
    return anomsdk.plan(folder)


def test_trained_on_generated_motion_it_finds_a_generated_fall(trained):
    rng = np.random.default_rng(5)
    motion = day(rng, PERSON, 30, 20.0)
    fall(motion, 300, rng, 20.0)
    scores = anomsdk.score(trained, counts(motion))
    assert scores.max() > trained.levels.raise_score
    assert np.array_equal(scores, anomsdk.score(trained, counts(motion), engine="reference"))


def test_the_level_is_the_lowest_without_an_alarm(trained, tmp_path):
    own = days(2, 2)
    made = calibrate(trained.folder, own, out=tmp_path / "own")
    assert made.score_id == trained.score_id
    assert made.levels.raise_score != trained.levels.raise_score
    assert alarms(made, own) == 0
    lower = with_level(made, tmp_path / "own", made.levels.raise_score - 1)
    assert alarms(lower, own) > 0


def test_normalisation_moves_centres_and_bounds_widths(trained, tmp_path):
    still = np.tile(np.array([40, 90, 2040], np.int16), (1200, 1))
    made = calibrate(trained.folder, [still], out=tmp_path / "own", normalisation=True)
    assert made.score_id != trained.score_id
    then, now = (Calibration.from_file(folder / "calibration.json") for folder in (trained.folder, tmp_path / "own"))
    ratio = np.array(now.features.half_width) / np.array(then.features.half_width)
    assert (ratio >= 0.5 - 1e-6).all() and (ratio <= 2 + 1e-6).all() and np.isclose(ratio, 0.5).any()
    assert now.features.centre != then.features.centre
    assert now.provenance["calibrated"].startswith("1 recordings of its own")


def altered(trained, tmp_path, name, change):
    """A copy of the trained folder with a file changed."""
    folder = tmp_path / "altered"
    folder.mkdir()
    for path in trained.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / name).write_text(change((folder / name).read_text()))
    return folder


def without_deviations(text):
    return json.dumps({key: value for key, value in json.loads(text).items() if key != "deviations"})


def test_what_cannot_be_calibrated_is_said_in_one_line(trained, tmp_path):
    own = days(4, 1)
    out = tmp_path / "out"
    by_hand = altered(
        trained, tmp_path, "spec.toml", lambda text: text.replace('raise_score = "calibrated"', "raise_score = 9")
    )
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    for folder, recordings, place, words in (
        (by_hand, own, out, "set by hand"),
        (tmp_path, own, out, "no spec.toml in it"),
        (trained.folder, [own[0][:400]], out, "at least 100 are needed"),
        (trained.folder, own, full, "holds something"),
        (trained.folder, own, trained.folder, "holds something"),
    ):
        with pytest.raises(anomsdk.InputError, match=words) as caught:
            calibrate(folder, recordings, out=place)
        assert "\n" not in str(caught.value)
    assert not out.exists() and [path.name for path in full.iterdir()] == ["mine.txt"]


def test_an_old_calibration_keeps_its_normalisation(trained, tmp_path):
    folder = altered(trained, tmp_path, "calibration.json", without_deviations)
    own = days(6, 1)
    with pytest.raises(anomsdk.InputError, match="before it said how wide"):
        calibrate(folder, own, out=tmp_path / "out", normalisation=True)
    assert not (tmp_path / "out").exists()
    assert calibrate(folder, own, out=tmp_path / "out").score_id == trained.score_id


def test_pieces_of_a_recording_are_scored_apart(tmp_path):
    """What comes after a stretch that was cut out is heard by a pipeline of its own, as on a device that starts."""
    folder = make_folder(tmp_path / "room", SPECS["logmel"].replace("raise_score = 100000", ""))
    plan = anomsdk.plan(folder)
    before, after = noise(40_000, seed=1), noise(40_000, seed=2)
    cut = np.concatenate([before, np.zeros(4000, np.int16), after])
    calibrate(folder, [cut], out=tmp_path / "cut")
    calibrate(folder, [before, after], out=tmp_path / "apart")
    cut_levels, levels = (Calibration.from_file(tmp_path / name / "calibration.json") for name in ("cut", "apart"))
    assert cut_levels.alarm_levels == levels.alarm_levels and cut_levels.hours == levels.hours
    assert cut_levels.hours == pytest.approx(2 * len(anomsdk.score(plan, before)) * 0.032 / 3600, rel=0.5)


@pytest.mark.parametrize("factor, share", [(8, 2.0), (1 / 8, 0.5)])
def test_a_width_becomes_at_most_twice_and_at_least_half_of_what_it_was(trained, tmp_path, factor, share):
    rest = counts(np.tile([0, 0, 1.0, 0, 0, 0], (1, 1)))[0]
    own = [np.clip((each - rest) * factor + rest, -32767, 32767).astype(np.int16) for each in days(3, 2)]
    calibrate(trained.folder, own, out=tmp_path / "own", normalisation=True)
    then, now = (
        np.array(Calibration.from_file(folder / "calibration.json").features.half_width)
        for folder in (trained.folder, tmp_path / "own")
    )
    ratio = now / then
    assert ratio.min() >= 0.499 and ratio.max() <= 2.001
    assert (np.abs(ratio - share) < 1e-3).any(), ratio


def test_levels_of_a_plan_with_a_follower_rest_on_scores_before_it(tmp_path):
    """The follower starts from, and the levels are found behind, scores that no follower has touched."""
    text = SPECS["external"].partition("[alert]")[0]
    alert = "[alert]\nm = 1\nn = 1\noff_delay_s = 0\ncooldown_s = 0\n"
    folder = make_folder(tmp_path / "following", f"{text}[score]\nbaseline_s = 3\n{alert}")
    unfollowed = anomsdk.plan(make_folder(tmp_path / "not", text + alert))
    own = [noise(2000, seed=seed, columns=unfollowed.columns) for seed in range(3)]
    raw = [anomsdk.score(unfollowed, samples) for samples in own]
    made = calibrate(folder, own, out=tmp_path / "own")
    found = Calibration.from_file(tmp_path / "own" / "calibration.json")
    start, levels = alarm_levels_from(raw, anomsdk.PipelineSpec.from_file(folder / "spec.toml"))
    assert (found.baseline_start, found.alarm_levels) == (start, levels)
    assert found.baseline_start == int(np.quantile(np.concatenate(raw), 0.75))
    followed = np.concatenate([anomsdk.score(made, samples) for samples in own])
    assert not np.array_equal(followed, np.concatenate(raw)), "the follower is on in what was made"
    assert alarms(made, own) == 0


def test_void_ticks_set_no_level(trained, tmp_path):
    """A recording that begins with a sensor at its rails: with a warm-up of the health section nothing of it counts."""
    recordings = days(7, 3)
    recordings[1][: 20 * 15] = np.where(np.arange(300)[:, None] // 4 % 2, 32767, -32768)
    levels, shares = {}, {}
    for name, section in (("without", ""), ("with", "\n[health]\nwarm_up_s = 20\n")):
        folder, lines = tmp_path / name, []
        shutil.copytree(trained.folder, folder)
        (folder / "spec.toml").write_text((folder / "spec.toml").read_text() + section)
        plan = calibrate(folder, recordings, out=tmp_path / f"{name}_out", report=lines.append)
        levels[name], shares[name] = plan.levels.raise_score, next(line for line in lines if line.startswith("judged "))
    judged = []
    with anomsdk.Pipeline(plan) as pipeline:
        for samples in recordings:
            pipeline.reset()
            judged += [tick for tick in pipeline.process(samples) if tick.judged and not tick.void]
    highest = max(judged, key=lambda tick: tick.score)
    assert levels["with"] == highest.score + 1 < levels["without"] / 20
    at = clock((highest.hop * plan.framer.hop + plan.framer.window) / plan.rate_hz)
    assert any(line.startswith("set by ") and f" {at}," in line for line in lines), "void ticks are time, too"
    assert "void" not in shares["without"] and shares["with"].endswith("of the time, void 16.0%")
