"""Train the reference model cattle_days on days of cows. Run it from the top of a checkout.

    python reference_models/cattle_days/recipe.py [cow_days_15min.npz]

All days are taken to be normal: nobody labelled an illness. The last cow sets the alarm level, the others train.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import anomsdk
from anomsdk.planner.front_end import sensor_plan
from anomsdk.sources import StreamFormat, open_recordings, read_recording

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data" / "cow_days_15min.npz"


def main() -> None:
    """Train, and write the files of this folder."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not path.exists():
        sys.exit(f"error: {path}: no such file; give the path of cow_days_15min.npz")
    spec = anomsdk.PipelineSpec.from_file(HERE / "spec.toml")
    stream_format = StreamFormat.of(sensor_plan(spec), spec.columns)
    *training, level = [read_recording(each) for each in open_recordings(path, stream_format)]
    with tempfile.TemporaryDirectory() as folder:
        made = anomsdk.train.fit(
            spec, training, calibration=[level], out=Path(folder) / "cattle_days", seed=1, report=print
        )
        for name in ("model.tflite", "calibration.json"):
            shutil.copyfile(made.folder / name, HERE / name)
    plan = anomsdk.plan(HERE)
    anomsdk.write_plan(plan, HERE / "plan.json")
    print(f"plan {plan.id}: {plan.macs} MACs a slot")


if __name__ == "__main__":
    main()
