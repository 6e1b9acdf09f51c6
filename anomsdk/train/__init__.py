"""Training and local calibration: normal recordings in, a folder with a plan out."""

from anomsdk.train.calibrating import calibrate, calibrate_clips
from anomsdk.train.fitting import fit, fit_from
from anomsdk.train.options import Options

__all__ = ["Options", "calibrate", "calibrate_clips", "fit", "fit_from"]
