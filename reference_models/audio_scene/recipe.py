"""Train the reference model audio_scene on recordings of ESC-10. Run it from the top of a checkout.

    python reference_models/audio_scene/recipe.py [esc10_folds1-4.npz]

Normal recordings: rain, sea waves, clock tick, fire crackling, helicopter. Folds 1 to 3 train, fold 4 calibrates.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

import anomsdk

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data" / "esc10_folds1-4.npz"
NORMAL = ("Rain", "Sea waves", "Clock tick", "Fire crackling", "Helicopter")


def load(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the clips, int16 (320, 80000) at 16 kHz, with their labels and folds."""
    with np.load(path, allow_pickle=False) as archive:
        return mu_law_to_int16(archive["x"]), archive["label"], archive["fold"]


def mu_law_to_int16(codes: np.ndarray) -> np.ndarray:
    """Convert 8-bit mu-law codes (mu = 255), as the data set stores them, to int16 samples."""
    y = np.arange(256) / 255 * 2 - 1
    table = np.sign(y) * (256 ** np.abs(y) - 1) / 255
    return np.round(table * 32767).astype(np.int16)[codes]


def main() -> None:
    """Train, and write the files of this folder."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not path.exists():
        sys.exit(f"error: {path}: no such file; give the path of esc10_folds1-4.npz")
    clips, label, fold = load(path)
    normal = np.isin(label, NORMAL)
    spec = anomsdk.PipelineSpec.from_file(HERE / "spec.toml")
    with tempfile.TemporaryDirectory() as folder:
        made = anomsdk.train.fit(
            spec,
            clips[normal & (fold <= 3)],
            calibration=clips[normal & (fold == 4)],
            out=Path(folder) / "audio_scene",
            seed=1,
            report=print,
        )
        for name in ("model.tflite", "calibration.json"):  # spec.toml stays: it lets training choose the baseline
            shutil.copyfile(made.folder / name, HERE / name)
    plan = anomsdk.plan(HERE)
    anomsdk.write_plan(plan, HERE / "plan.json")
    print(f"plan {plan.id}: {plan.macs} MACs a tick")


if __name__ == "__main__":
    main()
