"""Commands on a plan of days: trained from a table of a herd, inspected, watched and scored."""

from __future__ import annotations

import numpy as np
import pytest

import anomsdk
from anomsdk import PipelineSpec
from anomsdk.runtime.engines import default_engine
from anomsdk.sources import StreamFormat, open_recordings, read_recording
from tests.support.command_line import anomsdk_command as run

SPEC = """format = 1
name = "herd"

[sensor]
kind = "diary"
slot_s = 3600
columns = [{name = "activity", largest = 2000}, {name = "worn", unit = "%", sense = "coverage"}]

[features]
kind = "days"

[context]
kind = "stack"
frames = 1

[model]

[score]

[alert]
m = 2
n = 3
off_delay_s = 3600
cooldown_s = 0
"""


def days_of(n, seed):
    """Rows of n days of an animal that is busy by day, as lines of a table."""
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * n)
    level = 300 + 250 * np.cos(2 * np.pi * (hours % 24 - 14) / 24)
    return np.rint(level * rng.gamma(20, 1 / 20, len(hours))).astype(int)


def write_table(path, animals, n):
    start = np.datetime64("2026-03-01T00:00:00")
    lines = ["time,cow,activity,worn"]
    for animal in animals:
        lines += [f"{start + 3600 * hour},{animal},{value},100" for hour, value in enumerate(days_of(n, animal))]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("herd")
    (folder / "spec.toml").write_text(SPEC)
    table = write_table(folder / "herd.csv", range(6), 20)
    said = run("train", "--normal", table, "--spec", folder / "spec.toml", "--out", folder / "plan")
    assert said.status == 0, said.stderr
    return folder, said.stdout + said.stderr


def test_training_counts_days_and_animals(trained):
    folder, said = trained
    assert "6 recordings, 120 days" in said
    assert "constant samples" not in said
    plan = anomsdk.read_plan(folder / "plan" / "plan.json")
    assert plan.sensor.slot_s == 3600 and plan.columns == 2


def test_a_herd_of_too_few_days_is_refused_in_one_line(trained):
    folder, _ = trained
    table = write_table(folder / "short.csv", range(3), 3)
    said = run("train", "--normal", table, "--spec", folder / "spec.toml", "--out", folder / "none")
    assert said.status == 2 and "Traceback" not in said.stderr
    assert "no recording is longer than the 7 days that are learnt" in said.stderr
    assert not (folder / "none" / "plan.json").exists()


def test_an_animal_of_three_days_is_said_to_be_learnt_still(trained):
    folder, _ = trained
    table = write_table(folder / "new.csv", [7], 3)
    said = run("watch", table, "--plan", folder / "plan" / "plan.json")
    assert "learning: needs 7 days" in said.stdout
    assert "read 72 slots (3 days) in 1 recording, 1 too short" in said.stdout


def test_watching_tells_days_and_hours_and_scores_are_those_of_rows(trained):
    folder, _ = trained
    plan = anomsdk.read_plan(folder / "plan" / "plan.json")
    table = folder / "sick.csv"
    values = days_of(20, 3)
    values[24 * 15 :] //= 8
    start = np.datetime64("2026-03-01T00:00:00")
    table.write_text(
        "time,activity,worn\n" + "".join(f"{start + 3600 * h},{value},100\n" for h, value in enumerate(values))
    )
    out = folder / "s.npy"
    said = run("watch", table, "--plan", folder / "plan" / "plan.json", "--scores", out)
    assert said.status == 0, said.stderr
    assert "  day 16 " in said.stdout and "ALARM" in said.stdout
    assert "read 480 slots (20 days)" in said.stdout
    (recording,) = open_recordings(table, StreamFormat.of(plan.sensor, plan.columns))
    rows = read_recording(recording)
    assert (np.load(out) == anomsdk.score(plan, rows, engine="reference")).all()
    assert len(np.load(out)) == plan.ticks_in(len(rows)) == 480 - 7 * 24


def test_the_default_engine_runs_a_plan_of_days(trained):
    folder, _ = trained
    plan = anomsdk.read_plan(folder / "plan" / "plan.json")
    with anomsdk.Pipeline(plan) as pipeline:
        assert pipeline.engine == default_engine(plan)


def test_inspect_names_slots_and_columns(trained):
    folder, _ = trained
    said = run("inspect", folder / "plan" / "plan.json").stdout
    assert "activity in counts (movement), worn in % (coverage)" in said
    assert "3,600" in said


def test_a_spec_has_a_column_a_line_and_reads_back_the_same():
    spec = PipelineSpec.from_toml(SPEC)
    text = spec.to_toml()
    assert '    {name = "worn", unit = "%", sense = "coverage", largest = 32767},' in text.splitlines()
    assert max(map(len, text.splitlines())) <= 120
    assert PipelineSpec.from_toml(text) == spec
    assert PipelineSpec.from_toml(text).to_toml() == text
    assert PipelineSpec.from_toml(spec.completed(SPEC)) == spec
