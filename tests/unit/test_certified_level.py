"""`calibrate` for a budget: the level of one device by certificate, and nothing written without one."""

import json
import re

import numpy as np
import pytest

import anomsdk
from anomsdk.datasets.default_ladder import with_rungs
from anomsdk.errors import CheckError, InputError
from anomsdk.planner.calibration import Calibration
from anomsdk.plans.recording_digests import entries_of
from anomsdk.runtime.ladders import ScoreLadder
from anomsdk.sources.clips import Clips, clip_from_array, survey
from anomsdk.stats.budgets import Budget
from anomsdk.train import calibrate
from tests.support.command_line import anomsdk_command
from tests.support.make import make_folder

BUDGET = "4 alarms/1h"
"""Nearly the largest rate that a budget may have: an hour without an alarm is enough."""
SPEC = """
format = 1
name = "rows"
[sensor]
kind = "external"
rate_hz = 2
[features]
kind = "external"
n_features = 2
[context]
kind = "stack"
frames = 1
[model]
max_macs = 2000
[alert]
m = 1
n = 1
high_ratio = 0
"""


def hours(seed, n=0.75, level=9000):
    """Rows of some hours."""
    return np.random.default_rng(seed).integers(-level, level, (round(n * 7200), 2)).astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("trained") / "rows", SPEC)


def test_the_level_is_that_of_the_lowest_certified_rung(folder, tmp_path):
    own, said = [hours(1), hours(2)], []
    made = calibrate(folder, own, out=tmp_path / "own", budget=BUDGET, report=said.append)
    before = anomsdk.plan(folder)
    plan = with_rungs(before, Budget.parse(BUDGET), 0.95)
    ladder = ScoreLadder(plan)
    for samples in own:
        ladder.take(anomsdk.score(before, samples))
        ladder.gap()
    expected = anomsdk.tune.choose(ladder.export(0), BUDGET, plan=plan)
    assert made.levels.raise_score == expected.level > before.levels.raise_score
    assert expected.rung > 0
    assert made.score_id == before.score_id
    assert f"certified for {BUDGET} at confidence 0.95: {expected.count} in 1.5 hours of service" in "\n".join(said)
    kept, then = (Calibration.from_file(each / "calibration.json") for each in (tmp_path / "own", folder))
    assert kept.alarm_levels == then.alarm_levels, "what placed the rungs stays"
    assert kept.provenance["certified"].startswith(f"level certified for {BUDGET} on 2 recordings of its own")
    assert anomsdk.plan(tmp_path / "own").id == made.id


def test_too_few_days_are_said_and_nothing_is_written(folder, tmp_path):
    with pytest.raises(CheckError, match=r"'1 alarm-day/30d' needs 109 more days .*nothing was written"):
        calibrate(folder, [hours(1)], out=tmp_path / "own", budget="1 alarm-day/30d")
    assert list(tmp_path.iterdir()) == []


def test_a_highest_rung_that_alarms_certifies_nothing(folder, tmp_path):
    low = make_folder(tmp_path / "low", SPEC + "[ladder]\nlowest = 1000\nhighest = 2000\nrungs = 4\n")
    with pytest.raises(CheckError, match="even the highest rung"):
        calibrate(low, [hours(1)], out=tmp_path / "own", budget=BUDGET)
    assert not (tmp_path / "own").exists()


def test_recordings_that_the_plan_was_made_from_are_left_out(folder, tmp_path):
    own = [hours(seed) for seed in (1, 2, 3)]
    clips = Clips(tuple(clip_from_array(str(i), i, rows, kind="external", rate_hz=2) for i, rows in enumerate(own)))
    digests = [facts.digest for facts in survey(clips)[1]]
    known = make_folder(tmp_path / "known", SPEC)
    tree = json.loads((known / "calibration.json").read_text())
    tree["provenance"] |= entries_of("trained", digests[:1]) | entries_of("calibrated", digests[1:2])
    (known / "calibration.json").write_text(json.dumps(tree))
    said = []
    with pytest.raises(CheckError, match="without 2 recordings that the plan was made from"):
        calibrate(known, own, out=tmp_path / "own", budget=BUDGET)
    calibrate(known, [*own, hours(4)], out=tmp_path / "own", budget=BUDGET, report=said.append)
    assert any(line.startswith("left out, as the plan was made from them") for line in said)
    with pytest.raises(InputError, match="the plan was made from them; give others"):
        calibrate(known, own[:2], out=tmp_path / "none", budget=BUDGET)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"normalisation": True}, "`normalisation` exclude each other"),
        ({"tolerate": 1}, "`tolerate` exclude each other"),
        ({"budget": "1 alarm-weak/30d"}, "is no budget"),
        ({"budget": "1 alarm-day/365d"}, "more than a year"),
        ({"confidence": 2}, "`confidence`"),
    ],
)
def test_what_cannot_be_certified_is_refused(folder, tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        calibrate(folder, [hours(1)], out=tmp_path / "own", **{"budget": BUDGET, **change})
    assert list(tmp_path.iterdir()) == []


def test_the_same_recording_twice_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match="the same recording twice"):
        calibrate(folder, [hours(1), hours(1)], out=tmp_path / "own", budget=BUDGET)


def test_another_alert_needs_another_certificate(folder, tmp_path):
    """But for the cooldown, which no rung has."""
    made = calibrate(folder, [hours(1), hours(2)], out=tmp_path / "own", budget=BUDGET)
    spec = tmp_path / "own" / "spec.toml"
    text = spec.read_text()
    spec.write_text(re.sub("cooldown_s = .*", "cooldown_s = 33", text))
    again = anomsdk.plan(tmp_path / "own")
    assert (again.levels.raise_score, again.timing.cooldown) == (made.levels.raise_score, 66)
    spec.write_text(re.sub("on_delay_s = .*", "on_delay_s = 3", text))
    with pytest.raises(InputError, match=r"certified for 4 alarms/1h was counted at 0: calibrate again with `budget="):
        anomsdk.plan(tmp_path / "own")


def test_without_a_budget_the_level_lies_above_the_recordings_and_is_no_promise(folder, tmp_path):
    said = []
    first = calibrate(folder, [hours(1), hours(2)], out=tmp_path / "certified", budget=BUDGET)
    made = calibrate(tmp_path / "certified", [hours(1)], out=tmp_path / "own", report=said.append)
    assert made.levels.raise_score == anomsdk.score(first, hours(1)).max() + 1
    assert "certified" not in made.provenance
    assert (
        "no promise: 0.0312 days of service set this level, and a certificate for '1 alarm-day/30d' takes 109 days "
        "without an alarm; `budget` says how many are missing" in said
    )


def test_the_command(folder, tmp_path):
    (tmp_path / "days").mkdir()
    anomsdk.write_plan(anomsdk.plan(folder), folder / "plan.json")
    for seed in (1, 2):
        np.save(tmp_path / "days" / f"{seed}.npy", hours(seed))
    words = ("calibrate", folder, "--normal", tmp_path / "days", "--out", tmp_path / "own", "--budget")
    ended = anomsdk_command(*words, "1 alarm-day/30d")
    assert ended.status == 1
    assert "needs 109 more days" in " ".join(ended.stderr.split())
    assert anomsdk_command(*words, "0/30d").status == 2
    assert not (tmp_path / "own").exists()
    ended = anomsdk_command(*words, BUDGET)
    assert ended.status == 0, ended.stderr
    assert "certified for 4 alarms/1h" in " ".join(ended.stdout.split())
