"""Train the reference model person_days on days of people. Run it from the top of a checkout.

    python reference_models/person_days/recipe.py [people_days_1min.npz]

All days are taken to be normal: nobody labelled an illness. Every fourth person sets the alarm level, the others train.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import anomsdk
from anomsdk.planner.front_end import sensor_plan
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings, read_recording

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data" / "people_days_1min.npz"

CALIBRATES = 4
SCALE = (0.1,)
"""Rows are sums of an hour in tens of counts: an hour of a runner has more counts than int16 holds."""


def main() -> None:
    """Train, and write the files of this folder."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not path.exists():
        sys.exit(f"error: {path}: no such file; give the path of people_days_1min.npz")
    spec = anomsdk.PipelineSpec.from_file(HERE / "spec.toml")
    opened = open_recordings(path, StreamFormat.of(sensor_plan(spec), spec.columns), reading=ReadOptions(scale=SCALE))
    people = [read_recording(each) for each in opened]
    training = [rows for number, rows in enumerate(people) if number % CALIBRATES]
    with tempfile.TemporaryDirectory() as folder:
        made = anomsdk.train.fit(
            spec, training, calibration=people[::CALIBRATES], out=Path(folder) / "person_days", seed=1, report=print
        )
        for name in ("model.tflite", "calibration.json"):
            shutil.copyfile(made.folder / name, HERE / name)
    plan = anomsdk.plan(HERE)
    anomsdk.write_plan(plan, HERE / "plan.json")
    print(f"plan {plan.id}: {plan.macs} MACs a slot")


if __name__ == "__main__":
    main()
