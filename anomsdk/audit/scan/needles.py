"""Everything that memory is searched for: a signal, and all that a plan makes of it, in every form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.scan.rows import Needles
from anomsdk.audit.scan.sample_forms import sample_forms
from anomsdk.audit.scan.stage_forms import stage_forms
from anomsdk.core.checks import checked_cast
from anomsdk.core.plan import Plan

__all__ = ["Needles", "needles_of"]


def needles_of(plan: Plan, samples: NDArray[np.int16]) -> list[Needles]:
    """Compute a signal in every form in which it, or what a plan makes of it, may stand in memory.

    Values of stages are computed by the stages of `anomsdk.core`, as a pipeline would that hears the signal from its
    first sample on.

    Parameters
    ----------
    plan : Plan
    samples : int16 (n,) or (n, columns)

    Returns
    -------
    Needles of each form. A form may hold too few elements, or elements that hardly vary: see `Needles.is_searched`.
    """
    rows = np.ascontiguousarray(checked_cast(samples, "i2", "samples")).reshape(len(samples), plan.columns)
    return [*sample_forms(rows), *stage_forms(plan, rows)]
