"""Ladders of scores that are at hand, as a pipeline would have counted them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.export import Export
from anomsdk.core.ladder import Ladder
from anomsdk.core.plan import Plan
from anomsdk.core.record import SCORE_TAG_BYTES


class ScoreLadder:
    """Ladder that counts scores, of one device in the order of time.

    Parameters
    ----------
    plan : Plan with a ladder
    """

    def __init__(self, plan: Plan) -> None:
        assert plan.ladder is not None
        self._plan, self._rungs = plan, plan.ladder
        self._ladder = Ladder(plan.ladder, plan.promises or (), plan.timing)

    def take(self, scores: NDArray[np.uint32]) -> None:
        """Count scores (ticks,) that were judged one after the other: void ticks are left out."""
        for score in scores.tolist():
            self._ladder.step(score)

    def gap(self) -> None:
        """Account for lost ticks, as at the start of another recording."""
        self._ladder.gap()

    def export(self, device: int, boot: int = 1) -> Export:
        """Return the counts from the first tick on."""
        ladder = self._ladder
        score_tag = bytes.fromhex(self._plan.score_id)[:SCORE_TAG_BYTES]
        counted = (0, ladder.ticks, ladder.days, self._rungs.episode_gap, tuple(map(replace, ladder.counts)))
        return Export(device, boot, score_tag, self._plan.tag, 0, 0, *counted)
