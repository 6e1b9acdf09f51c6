"""Train the reference model human_motion on recordings of UMAFall. Run it from the top of a checkout.

    python reference_models/human_motion/recipe.py [umafall_dev.npz]

Normal recordings: daily activities, accelerometer at the waist. Every fourth subject calibrates.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

import anomsdk
from anomsdk.planner.front_end import sensor_plan
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings, read_recording

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data" / "umafall_dev.npz"
WAIST = ("waist_ax", "waist_ay", "waist_az")
CALIBRATES = 4
SEED = 1


def main() -> None:
    """Train, and write the files of this folder."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not path.exists():
        sys.exit(f"error: {path}: no such file; give the path of umafall_dev.npz")
    spec = anomsdk.PipelineSpec.from_file(HERE / "spec.toml")
    stream_format = StreamFormat.of(sensor_plan(spec), spec.columns)
    opened = open_recordings(path, stream_format, reading=ReadOptions(unit="g", axes=WAIST))
    with np.load(path, allow_pickle=False) as archive:
        normal, subjects = archive["is_fall_recording"] == 0, archive["subject"]
    recordings = {i: read_recording(opened[i]) for i in np.flatnonzero(normal)}
    level = np.isin(subjects, np.unique(subjects)[::CALIBRATES])
    with tempfile.TemporaryDirectory() as folder:
        made = anomsdk.train.fit(
            spec,
            [x for i, x in recordings.items() if not level[i]],
            groups=[subjects[i] for i in recordings if not level[i]],
            calibration=[x for i, x in recordings.items() if level[i]],
            out=Path(folder) / "human_motion",
            seed=SEED,
            report=print,
        )
        for name in ("model.tflite", "calibration.json"):
            shutil.copyfile(made.folder / name, HERE / name)
    plan = anomsdk.plan(HERE)
    anomsdk.write_plan(plan, HERE / "plan.json")
    print(f"plan {plan.id}: {plan.macs} MACs a tick")


if __name__ == "__main__":
    main()
