"""What `inspect` says of an alarm section and a health section, and of what they keep."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import anomsdk
from anomsdk.core.health import Health
from anomsdk.demo import alarm as demo
from anomsdk.planner.calibration import Calibration
from anomsdk.planner.planner import plan_from
from anomsdk.planner.sections import AlarmSection, HealthSection
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.describe import as_text, describe
from anomsdk.plans.file import reference_models_folder
from anomsdk.plans.tflite.reader import read_tflite


def supervised(name, **sections):
    folder = reference_models_folder() / name
    spec = PipelineSpec.from_file(folder / "spec.toml").model_copy(update=sections)
    return plan_from(spec, read_tflite(folder / "model.tflite"), Calibration.from_file(folder / "calibration.json"))


def test_a_plan_without_the_sections_is_described_as_before():
    found = describe(anomsdk.reference_model("audio_scene"))
    assert {"alarm", "health"}.isdisjoint(found)
    assert list(found["retention"]) == ["samples_ms", "features_ms", "scores_ms", "baseline_bytes", "written"]


def test_the_facts_are_those_of_the_spec():
    alarm = AlarmSection(latch=True, cancel_s=15, escalate_ratio=0, repeat_s=120, heartbeat_s=0)
    health = HealthSection(stuck_s=2, gravity_tolerance=0.125, not_worn_s=0, missing_s=7, warm_up_s=3)
    facts = describe(supervised("human_motion", alarm=alarm, health=health))
    assert facts["alarm"] == {
        "latch": "on",
        "escalate_ratio": "off",
        "cancel_s": 15,
        "escalate_after_s": "off",
        "escalate_every_s": 60,
        "repeat_s": 120,
        "test_s": 3,
        "heartbeat_s": "off",
    }
    found = facts["health"]
    assert (found["stuck_s"], found["missing_s"], found["warm_up_s"], found["not_worn_s"]) == (2, 7, 3, "off")
    assert found["gravity_counts"] == "1792 to 2304", "an eighth of 2048 counts either way"
    assert found["noise_floor_s"] == found["step_counts"] == "off"
    assert "not worn" not in found["not_judged_while"] and "stuck" in found["not_judged_while"]
    voids = describe(supervised("human_motion", health=HealthSection(not_worn_voids=True)))
    assert "not worn" in voids["health"]["not_judged_while"] and "alarm" not in voids
    assert json.loads(json.dumps(facts)) == facts
    assert "cancel_s         15.0" in as_text(facts)


@pytest.mark.parametrize("columns", [1, 3, 6])
def test_health_keeps_the_numbers_that_are_listed(columns):
    """Six a column: a copy of a sample that is kept beside them would be found here."""
    health = demo.plan().health
    running = Health(replace(health), columns)
    kept = {name: value for name, value in vars(running).items() if isinstance(value, np.ndarray) and len(value) != 15}
    assert sorted(kept) == ["_highest", "_last", "_lowest", "_mean_q8", "_run", "_sum"]
    assert {value.shape for value in kept.values()} == {(columns,)}
    plan = demo.plan()
    found = describe(plan)["retention"]
    assert found["health_bytes"] == 16 and found["health_block_ms"] == 1000 * plan.health.block * 256 / 16000
    assert found["health_mean_s"] == pytest.approx(64 * found["health_block_ms"] / 1000)
