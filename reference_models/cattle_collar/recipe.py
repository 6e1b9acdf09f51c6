"""Train the reference model cattle_collar on recordings of WASP. Run it from the top of a checkout.

    python reference_models/cattle_collar/recipe.py [wasp_cow_dev.npz wasp_cow_mounts_dev.npz]

Normal recordings: grazing, resting, standing and walking. Every third cow calibrates. Collars with more than 2 g at
rest are miscalibrated and are left out.
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
SHARED = HERE.parents[2] / "shared" / "data"
DATA = (SHARED / "wasp_cow_dev.npz", SHARED / "wasp_cow_mounts_dev.npz")
CALIBRATES = 3
MOST_G = 2.0
SEED = 1


def load(path: Path, spec: anomsdk.PipelineSpec) -> list[tuple[str, np.ndarray]]:
    """Read the normal recordings: (cow, samples) of each, int16 (n, 6) in the counts of the spec."""
    stream_format = StreamFormat.of(sensor_plan(spec), spec.columns)
    opened = open_recordings(path, stream_format, reading=ReadOptions(unit="m/s2"))
    with np.load(path, allow_pickle=False) as archive:
        normal, cows = archive["normal"], archive["cow"]
    found = [(str(cows[i]), read_recording(opened[i])) for i in np.flatnonzero(normal)]
    most = MOST_G * spec.sensor.counts_per_g
    return [(cow, x) for cow, x in found if np.linalg.norm(x[:, :3].mean(axis=0)) <= most]


def main() -> None:
    """Train, and write the files of this folder."""
    paths = [Path(name) for name in sys.argv[1:]] or list(DATA)
    for path in paths:
        if not path.exists():
            sys.exit(f"error: {path}: no such file; give the paths of wasp_cow_dev.npz and wasp_cow_mounts_dev.npz")
    spec = anomsdk.PipelineSpec.from_file(HERE / "spec.toml")
    recordings = [each for path in paths for each in load(path, spec)]
    level = set(sorted({cow for cow, _ in recordings})[::CALIBRATES])
    training = [each for each in recordings if each[0] not in level]
    with tempfile.TemporaryDirectory() as folder:
        made = anomsdk.train.fit(
            spec,
            [x for _, x in training],
            groups=[cow for cow, _ in training],
            calibration=[x for cow, x in recordings if cow in level],
            out=Path(folder) / "cattle_collar",
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
