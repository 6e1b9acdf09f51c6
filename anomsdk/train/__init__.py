"""Training: normal recordings in, a folder with a plan out."""

from anomsdk.train.fitting import Options, fit, fit_from

__all__ = ["Options", "fit", "fit_from"]
