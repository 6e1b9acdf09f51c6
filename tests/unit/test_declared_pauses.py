"""Recordings of a device that samples ten seconds a minute, through watch, score, evaluate and compare."""

from __future__ import annotations

import json

import numpy as np
import pytest

import anomsdk
from anomsdk.runtime.judged_share import Judged, judged
from anomsdk.sources.formats.timing.gaps import Gaps
from tests.support.command_line import anomsdk_command
from tests.unit.test_duty import DUTY, EVENTS, folder_of

N = 30
"""Minutes of a recording."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A collar whose plan declares ten seconds a minute, and one without a duty."""
    place = tmp_path_factory.mktemp("collars")
    for name, sensor in (("duty", DUTY), ("always", "")):
        made = folder_of(place / name, "cattle_collar", sensor, "clear_after_s = 60")
        anomsdk.write_plan(anomsdk.plan(made), made / "plan.json")
    return place


def plan_in(folder, name="duty"):
    return folder / name / "cattle_collar"


def recording(path, *, late=(), short=(), events=EVENTS, n=N):
    """Ten seconds of rows a minute in g and deg/s, with stamps; minutes in ``late`` and ``short`` have fewer rows."""
    rng, lines = np.random.default_rng(1), ["time,ax,ay,az,gx,gy,gz"]
    for minute in range(n):
        rows = rng.normal(0, 1, (100, 6)) * [0.01, 0.01, 0.01, 0.3, 0.3, 0.3]
        rows[:, 2] += 1
        if minute in events:
            rows += rng.normal(0, 1, rows.shape) * [3, 3, 3, 300, 300, 300]
        kept = range(0 if minute in late else 100)
        for i in kept[: 50 if minute in short else 100]:
            lines.append(",".join([f"{60 * minute + i / 10:.1f}", *(f"{value:.4f}" for value in rows[i])]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def watched(folder, path, *more, name="duty"):
    ended = anomsdk_command("watch", "--plan", plan_in(folder, name), path, "--unit", "g,deg/s", "--jsonl", *more)
    assert ended.status == 0, ended.stderr
    *alerts, summary = map(json.loads, ended.stdout.splitlines())
    return alerts, summary, " ".join(ended.stderr.split())


@pytest.mark.parametrize("more", [(), ("--max-bridge", "100"), ("--max-bridge", "0")])
def test_watch_takes_declared_pauses_for_no_loss(folder, tmp_path, more):
    alerts, summary, notes = watched(folder, recording(tmp_path / "a.csv"), *more)
    assert [alert["state"] for alert in alerts] == ["alarm", "normal"] * 3
    assert [int(alert["time_s"] // 60) for alert in alerts[::2]] == [*EVENTS]
    assert (summary["missing"], summary["paused"]) == (0, (N - 1) * 500)
    assert summary["judged_share"] == 1
    assert "paused 29 times as the plan declares, 1,450 s in all" in notes
    assert "piece of its own" not in notes and "missing" not in notes


def test_a_pause_without_a_tick_before_it_is_a_loss_as_it_is_for_the_pipeline(folder, tmp_path):
    """Minute 10 has 5.9 s of rows, one too few for a tick: the pause behind it is not declared, the one before it is."""
    path = recording(tmp_path / "a.csv", events=())
    head, *rows = path.read_text().splitlines()
    rows = [
        row for row in rows if not 600 <= float(row.split(",")[0]) < 660 or 602 <= float(row.split(",")[0]) < 607.85
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    _, summary, _ = watched(folder, path)
    assert (summary["missing"], summary["paused"]) == (521, (N - 3) * 500 + 520)


def test_watch_says_in_words_which_time_was_judged(folder, tmp_path):
    path = recording(tmp_path / "a.csv")
    said = anomsdk_command("watch", "--plan", plan_in(folder), path, "--unit", "g,deg/s").stdout
    assert "judged 100% of the time that the duty declares" in " ".join(said.split())
    said = anomsdk_command("watch", "--plan", plan_in(folder, "always"), path, "--unit", "g,deg/s").stdout
    assert "judged 7.7% of the time" in " ".join(said.split()) and "duty" not in said


def test_without_a_duty_the_same_recording_is_in_pieces(folder, tmp_path):
    alerts, summary, notes = watched(folder, recording(tmp_path / "a.csv"), name="always")
    assert [alert["state"] for alert in alerts] == ["alarm"]
    assert summary["missing"] == (N - 1) * 500 and "paused" not in summary
    assert summary["judged_share"] < 0.1 and "each burst a piece of its own" in notes


def test_bursts_that_fail_are_lost_and_lower_the_share(folder, tmp_path):
    """Two bursts never came, and one is half as long, which is too short for a tick."""
    _, summary, notes = watched(folder, recording(tmp_path / "a.csv", late=(7, 20), short=(11,), events=()))
    assert summary["missing"] == 2 * 1100 + 550, "two pauses with the burst between them, and one that is too long"
    assert summary["paused"] == (N - 1 - 5) * 500
    assert summary["judged_share"] == round((N - 3) / N, 6)
    assert "3 gaps, 275 s missing" in notes and "24 times as the plan declares, 1,200 s in all" in notes


def test_two_bursts_are_enough_to_be_no_dropout(folder, tmp_path):
    _, summary, notes = watched(folder, recording(tmp_path / "a.csv", n=2, events=()))
    assert (summary["missing"], summary["paused"], summary["judged_share"]) == (0, 500, 1)
    assert "paused 1 time as the plan declares" in notes and "1 gap" not in notes


def test_score_judges_the_time_that_the_duty_declares(folder, tmp_path):
    path, out = recording(tmp_path / "a.csv"), tmp_path / "scores.npz"
    ended = anomsdk_command("score", "--plan", plan_in(folder), path, "--unit", "g,deg/s", "--out", out)
    assert ended.status == 0
    assert "270 ticks; judged 100% of the time that the duty declares" in " ".join(ended.stdout.split())
    with np.load(out) as scores:
        assert sum(len(scores[name]) for name in scores) == N * 9


def test_evaluate_counts_the_alarms_of_the_device_over_its_time_of_service(folder, tmp_path):
    """Three alarms in half an hour, though only five minutes were sampled: each alarm clears and comes again."""
    path = recording(tmp_path / "a.csv")
    said = anomsdk_command("evaluate", "--plan", plan_in(folder), "--normal", path, "--unit", "g,deg/s").stdout
    words = " ".join(said.split())
    assert "In 0.5 h of normal recordings, the plan would have raised 3 false alarms (6.0 an hour" in words
    assert "judged 100% of the time that the duty declares in normal clips" in words


def test_compare_judges_both_plans_by_what_they_declare(folder, tmp_path):
    path = recording(tmp_path / "a.csv")
    old, new = plan_in(folder, "always"), plan_in(folder)
    ended = anomsdk_command("diff", old, new, "--corpus", path, "--unit", "g,deg/s", "--json")
    assert ended.status in (0, 1), ended.stderr  # 1: alarms have changed
    share = json.loads(ended.stdout)["judged_share"]
    assert share["new"] == 1 and share["old"] < 0.1


# The share, and the kinds of gaps


def test_the_share_of_a_duty_is_of_the_ticks_that_it_declares(folder):
    plan = anomsdk.read_plan(plan_in(folder) / "plan.json")
    assert judged(plan, 9 * 10, 600 * 10) == Judged(90, 90, duty=True)
    assert judged(plan, 9 * 10, 600 * 9 + 100) == Judged(90, 90, duty=True)
    assert judged(plan, 9 * 9 + 1, 600 * 9 + 60) == Judged(82, 82, duty=True)
    assert judged(plan, 0, 600 * 10) == Judged(0, 90, duty=True)
    assert judged(plan, 0, 30) == Judged(0, 6, duty=True), "too short for a tick"
    assert judged(plan, 45, 600 * 10, void=45).share == 0.5
    assert judged(plan, 1190, 6000).share == 1, "a recording without pauses has more ticks than are due"
    assert (judged(plan, 1190, 6000) + judged(plan, 45, 6000)).share < 1, "and lends none of them to another one"
    assert judged(plan, 0, 0) == Judged(0, 0, duty=True)


@pytest.mark.parametrize(
    ("missing", "declared"), [(249, False), (250, True), (500, True), (537, True), (537.4, True), (539, False)]
)
def test_which_gaps_of_a_recording_the_plan_declares(missing, declared):
    gaps = Gaps(2, (25.0, 53.7))
    gaps.rows(100)
    gaps.gap(100, 9.9, 9.9 + missing / 10 + 0.1, missing, 0.1)
    gaps.rows(100)
    gaps.end()
    assert (gaps.declared, gaps.pauses + gaps.others) == ((1, 0) if declared else (0, 1))
    assert gaps.left(2)[0] == (0 if declared else 1)


def test_a_short_pause_that_is_declared_is_not_bridged(tmp_path):
    """A pause of 20 samples could be bridged with `max_bridge=100`."""
    made = folder_of(tmp_path / "quick", "human_motion", "duty = {on_s = 3, every_s = 4}")
    plan = anomsdk.plan(made)
    anomsdk.write_plan(plan, made / "plan.json")
    lines = ["time,ax,ay,az"]
    rows = np.random.default_rng(0).normal((0, 0, 1), 0.01, (20 * 60, 3))
    for second in range(20):
        for i in range(60):
            x, y, z = rows[60 * second + i]
            lines.append(f"{4 * second + i / 20:.2f},{x:.4f},{y:.4f},{z:.4f}")
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for bridge in ("0", "100"):
        ended = anomsdk_command("watch", "--plan", made, path, "--unit", "g", "--jsonl", "--max-bridge", bridge)
        summary = json.loads(ended.stdout.splitlines()[-1])
        assert (summary["samples"], summary["paused"], summary["missing"]) == (1200, 19 * 20, 0)
        assert summary["judged_share"] == 1
