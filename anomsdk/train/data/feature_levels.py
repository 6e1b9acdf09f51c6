"""Feature levels of samples, before normalisation, through the pipeline's own framer and extractor."""

from __future__ import annotations

import numpy as np

from anomsdk.core.checks import checked_cast
from anomsdk.core.framer import BATCH, Framer, FramerPlan
from anomsdk.core.pipeline import extractor_for
from anomsdk.core.plan import ExtractorPlan
from anomsdk.planner.planner import framer_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources.dropouts import Samples
from anomsdk.train.data.input_maps import FeatureLevels, unlearnt_extractor

_BATCH, _SCRATCH_VALUES = 128, 1 << 16
"""Most windows that are processed together, and the values in them: more than a device takes, for speed alone."""


def feature_levels_of(spec: PipelineSpec, samples: Samples) -> FeatureLevels:
    """Feature levels of one stretch of samples, int16 (n,) or (n, columns), from a fresh pipeline."""
    stage = FeatureLevelStream(framer_plan(spec), unlearnt_extractor(spec))
    stage.push(samples.reshape(len(samples), -1))
    return stage.finish()


def amplified(samples: Samples, gain_db: float) -> Samples:
    """The same sound through a microphone of another gain; what exceeds 16 bits saturates, as it would there."""
    return np.clip(np.rint(samples * 10 ** (gain_db / 20)), -32768, 32767).astype(np.int16)


class FeatureLevelStream:
    """Feature levels of one piece, block by block."""

    def __init__(self, framer: FramerPlan, extractor: ExtractorPlan) -> None:
        self._plans = framer, extractor
        self._start()

    def _start(self) -> None:
        framer, extractor = self._plans
        batch = min(_BATCH, max(BATCH, _SCRATCH_VALUES // (framer.window * extractor.columns)))
        self._framer = Framer(framer, extractor.columns, batch)
        self._stage = extractor_for(extractor, batch)
        self._found = [np.zeros((0, extractor.n_features), np.int32)]

    def push(self, rows: Samples) -> None:
        """Take the next samples (n, columns)."""
        for _, frames in self._framer.push(rows):
            self._found.append(checked_cast(self._stage.levels(frames)[0], "i4", "feature levels"))

    def finish(self) -> FeatureLevels:
        """FeatureLevels (frames, n_features) since the last call; the next piece starts afresh."""
        levels = np.concatenate(self._found)
        self._start()
        return levels
