"""Reference models with an alarm and a health section, planned from their files."""

from __future__ import annotations

from typing import Any

from anomsdk import PipelineSpec
from anomsdk.core.plan import Plan
from anomsdk.planner.calibration import Calibration
from anomsdk.planner.planner import plan_from
from anomsdk.planner.sections import AlarmSection, HealthSection
from anomsdk.plans.file import reference_models_folder
from anomsdk.plans.tflite.reader import read_tflite


def supervised(
    name: str, alarm: dict[str, Any] | None = None, health: dict[str, Any] | None = None
) -> tuple[Plan, PipelineSpec]:
    """Plan a reference model with these sections.

    Parameters
    ----------
    name : of the reference model
    alarm, health : keys of the sections; {}: their defaults; None: the section is left out
    """
    folder = reference_models_folder() / name
    sections = {
        "alarm": None if alarm is None else AlarmSection(**alarm),
        "health": None if health is None else HealthSection(**health),
    }
    spec = PipelineSpec.from_file(folder / "spec.toml").model_copy(update=sections)
    calibration = Calibration.from_file(folder / "calibration.json")
    return plan_from(spec, read_tflite(folder / "model.tflite"), calibration, folder=folder), spec
