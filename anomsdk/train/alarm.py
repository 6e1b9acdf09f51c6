"""From scores of normal recordings to where the alarm lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.calibration import AlarmLevels, alarm_levels
from anomsdk.core.baseline import Baseline
from anomsdk.planner import baseline_plan
from anomsdk.spec import PipelineSpec

START_QUANTILE = 0.75
"""Of normal scores: where the follower of the score starts."""

Scores = Sequence[NDArray[np.integer[Any]]]
"""Of normal recordings, before the follower; each from a fresh pipeline."""


def start_of(raw: Scores) -> int:
    """Where the follower of the score starts."""
    return int(np.quantile(np.concatenate(raw), START_QUANTILE))


def levels_from(raw: Scores, spec: PipelineSpec) -> tuple[int, AlarmLevels]:
    """Where the follower of the score starts, and the alarm-level table above it; the spec says how it follows."""
    start, seconds = start_of(raw), spec.score.baseline_s
    assert seconds != "chosen"
    follower = baseline_plan(start, baseline_s=seconds, hold_s=0, tick_s=spec.tick_s)
    scores = [Baseline(follower).run(each.astype(np.int64)) if follower.is_on else each for each in raw]
    return start, alarm_levels(scores)
