"""Training: normal recordings in, a folder with a plan out."""

from anomsdk.train.fitting import fit, fit_from

__all__ = ["fit", "fit_from"]
