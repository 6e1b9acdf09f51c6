"""Feature levels of samples, before normalisation, from the framer and extractor of the pipeline."""

from __future__ import annotations

import numpy as np

from anomsdk.core.checks import checked_cast
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.framer import BATCH, Framer, FramerPlan
from anomsdk.core.pipeline import extractor_for
from anomsdk.planner.front_end import framer_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources.dropouts import Samples
from anomsdk.train.data.input_maps import FeatureLevels, unlearnt_extractor

_BATCH, _SCRATCH_VALUES = 128, 1 << 16
"""Most windows, and most values in them, that are processed at once; larger than on a device, for speed only."""


def feature_levels_of(spec: PipelineSpec, samples: Samples) -> FeatureLevels:
    """Compute the feature levels (frames, n_features) of samples int16 (n,) or (n, columns) from a fresh pipeline."""
    stage = FeatureLevelStream(framer_plan(spec), unlearnt_extractor(spec))
    stage.push(samples.reshape(len(samples), -1))
    return stage.finish()


def amplified(samples: Samples, gain_db: float) -> Samples:
    """Amplify samples by a gain in dB, as a microphone of another gain would; they saturate at 16 bits."""
    return np.clip(np.rint(samples * 10 ** (gain_db / 20)), -32768, 32767).astype(np.int16)


class FeatureLevelStream:
    """Feature levels of one piece after the other, block by block."""

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
        """Process the next samples (n, columns) of the piece."""
        for _, frames in self._framer.push(rows):
            self._found.append(checked_cast(self._stage.levels(frames)[0], "i4", "feature levels"))

    def finish(self) -> FeatureLevels:
        """End the piece and return its feature levels (frames, n_features)."""
        levels = np.concatenate(self._found)
        self._start()
        return levels
