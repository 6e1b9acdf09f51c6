"""Trained folder: the spec, model and calibration that a calibration starts from, and the folder that it writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from anomsdk.core.checks import require
from anomsdk.core.plan import Plan
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration
from anomsdk.planner.planner import SPEC_FILE, plan
from anomsdk.planner.score import as_chosen
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.speech import check_speech
from anomsdk.plans.tflite.model import MAX_BYTES, TfliteModel
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.train.folder import write_folder
from anomsdk.utils.files import inside, read_limited


@dataclass(frozen=True)
class TrainedFolder:
    """Contents of a folder that training wrote."""

    folder: Path
    spec: PipelineSpec
    model: TfliteModel
    model_bytes: bytes
    calibration: Calibration

    @classmethod
    def of(cls, folder: Path) -> TrainedFolder:
        """Read a folder; InputError where training did not write it, or its level was set by hand."""
        for name in (SPEC_FILE, CALIBRATION_FILE):
            require(
                (folder / name).is_file(),
                f"{folder}: no {name} in it; calibrate a folder that train wrote, not a plan.json on its own",
            )
        spec = PipelineSpec.from_file(folder / SPEC_FILE)
        check_speech(spec)
        require(
            spec.alert.raise_score == "calibrated",
            f"{folder / SPEC_FILE}: alert.raise_score is {spec.alert.raise_score}, set by hand; make it "
            '"calibrated" so that recordings set it',
        )
        require(
            Path(spec.model.file).name == spec.model.file,
            f"{folder / SPEC_FILE}: model.file is {spec.model.file}; put the model into this folder to calibrate it",
        )
        data = read_limited(inside(folder, spec.model.file, f"{folder / SPEC_FILE}: model.file"), MAX_BYTES)
        model = parse_tflite(data, name=spec.model.file)
        calibration = Calibration.from_file(folder / CALIBRATION_FILE)
        return cls(folder, as_chosen(spec, calibration), model, data, calibration)

    def write(self, out: Path, made_from: Calibration, made: Plan) -> Plan:
        """Write the folder with another calibration, and return its plan as read back."""
        text = (self.folder / SPEC_FILE).read_text(encoding="utf-8")
        write_folder(
            out,
            {
                self.spec.model.file: self.model_bytes,
                CALIBRATION_FILE: json.dumps(made_from.model_dump(mode="json"), indent=1).encode("ascii") + b"\n",
                SPEC_FILE: PipelineSpec.from_toml(text).completed(text).encode(),
            },
            made,
        )
        return plan(out)


def check_new(out: Path) -> None:
    """Refuse a place that holds something; a calibration never replaces a folder."""
    require(
        not out.exists() or (out.is_dir() and not any(out.iterdir())),
        f"{out}: holds something, or is a file; give a new folder",
    )
