"""Generated signals that an audit plays and then searches for: nothing in them occurs anywhere by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan

_LOUDEST = 8000
"""Largest sample of a signal: loud, and far from clipping."""
_QUIETEST = 1 / 8
"""Peak of the quietest window relative to the loudest one."""
_ROW = 4
"""Samples in a row that occur once in a signal."""


def canary(plan: Plan, seed: int, n: int) -> NDArray[np.int16]:
    """Generate a signal for a plan. It holds no zero, and no 4 samples in a row occur twice in it.

    It is noise whose loudness changes with each window, so that spectra, energies and features vary, too.

    Parameters
    ----------
    plan : plan whose samples are generated
    seed : 0 or more; signals of different seeds have no more in common than chance gives them
    n : number of samples

    Returns
    -------
    int16 (n,) for a plan with one column, otherwise (n, columns)

    Examples
    --------
    >>> from anomsdk import reference_model
    >>> canary(reference_model("audio_scene"), 1, 32_000).shape
    (32000,)
    """
    rng = np.random.default_rng([seed, n, plan.columns])
    while True:
        peaks = rng.uniform(_QUIETEST, 1, (n // plan.framer.hop + 1, plan.columns)) * _LOUDEST
        peak = np.repeat(peaks, plan.framer.hop, axis=0)[:n]
        signs = rng.choice(np.array([-1, 1]), (n, plan.columns))
        samples = (signs * (1 + np.floor(rng.random((n, plan.columns)) * peak))).astype(np.int16)
        if not _repeats(samples):
            return samples[:, 0] if plan.columns == 1 else samples


def _repeats(samples: NDArray[np.int16]) -> bool:
    """Tell whether any `_ROW` samples in a row occur twice."""
    if len(samples) <= _ROW:
        return False
    rows = np.lib.stride_tricks.sliding_window_view(samples, _ROW, axis=0).reshape(len(samples) - _ROW + 1, -1)
    rows = np.ascontiguousarray(rows)
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
    return len(np.unique(keys)) < len(rows)
