"""Values that the stage of motion makes of a window: lengths, what gravity leaves of them, and the windowed signal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anomsdk.audit.scan.layouts import window_by_window
from anomsdk.audit.scan.rows import Needles
from anomsdk.core.fixed import Ints, bit_length, floor_sqrt, saturating_rounding_doubling_high_mul
from anomsdk.core.motion import MotionPlan

_LARGEST = 32767
_OFFSET = 32768
"""C keeps lengths less this value, in 16 bits."""
_MAGNITUDE_BITS = 15
"""Bits of the sum of magnitudes beyond which the spectrum shifts its signal down."""


def motion_stages(plan: MotionPlan, frames: Ints) -> Iterator[Needles]:
    """Yield the series that windows of motion become, as numpy and as C hold them.

    Parameters
    ----------
    plan : section of the extractor
    frames : int64 (n, window, axes)
    """
    acceleration, rotation = frames[:, :, :3], frames[:, :, 3:]
    magnitude = _length(acceleration)
    yield from _lengths("magnitude", magnitude)
    yield from _lengths("jerk", _length(np.diff(acceleration, axis=1)))
    if rotation.shape[2]:
        yield from _lengths("rotation", _length(rotation))
    before = np.zeros((len(frames), 1, 3), np.int64)
    sums = np.concatenate([before, np.cumsum(acceleration, axis=1)], axis=1)
    yield from window_by_window("sums", sums, ("int64",), "hop")
    gravity = sums[:, plan.gravity :] - sums[:, : -plan.gravity]
    yield from window_by_window("gravity", gravity, ("int64",), "hop")
    last = plan.window - plan.gravity
    at = np.clip(np.arange(plan.window) - plan.gravity // 2, 0, last)
    without = plan.gravity * acceleration - gravity[:, at]
    dynamic = saturating_rounding_doubling_high_mul(without, np.array(plan.gravity_q31))
    yield from window_by_window("without gravity", dynamic, ("int32", "int64"), "hop")
    yield from _lengths("length without gravity", _length(dynamic))
    mean = saturating_rounding_doubling_high_mul(magnitude.sum(axis=1), np.array(plan.window_q31))
    yield from _transform(plan, np.clip(magnitude - mean[:, None], -_LARGEST, _LARGEST))


def _transform(plan: MotionPlan, signal: Ints) -> Iterator[Needles]:
    """Yield the magnitude about its mean, windowed, and folded for the transform."""
    yield from window_by_window("magnitude about its mean", signal, ("int16", "int64"), "hop")
    window = (32768 - plan.spectrum.cos_q15.astype(np.int64)) >> 1
    windowed = (signal * window + (1 << 14)) >> 15
    yield from window_by_window("windowed", windowed, ("int16", "int64"), "hop")
    shift = np.maximum(bit_length(np.abs(windowed).sum(axis=1)) - _MAGNITUDE_BITS, 0)
    shifted, n = windowed >> shift[:, None], signal.shape[1]
    near, far = shifted[:, 1 : (n + 1) // 2], shifted[:, : n // 2 : -1]
    folded = shifted.copy()
    folded[:, 1 : (n + 1) // 2], folded[:, : n // 2 : -1] = near + far, near - far
    yield from window_by_window("folded", folded, ("int16", "int64", "float64"), "hop")


def _lengths(form: str, lengths: Ints) -> Iterator[Needles]:
    """Yield lengths of vectors: numpy's int64, and the int16 of C, which has an offset."""
    yield from window_by_window(form, lengths, ("int64",), "hop")
    yield from window_by_window(f"{form} less {_OFFSET}", lengths - _OFFSET, ("int16",), "hop")


def _length(vectors: Ints) -> Ints:
    """Compute the length, rounded down, of vectors (..., 3) whose components are saturated."""
    parts = np.clip(vectors, -_LARGEST, _LARGEST)
    return floor_sqrt((parts * parts).sum(axis=-1))
