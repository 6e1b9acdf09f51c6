"""Feature levels of clips, computed once for all detectors with the extractors of the package."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anomsdk.planner.front_end import Q10_PER_DB
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources.dropouts import Samples
from anomsdk.train.data.feature_levels import amplified, feature_levels_of
from anomsdk.train.data.input_maps import FeatureLevels
from benchmarks.scenes import Item, Scenes, without_constant


class ClipLevels:
    """Feature levels (frames, n_features) of clips, in the extractor's unit: 1024 steps for a factor of 2 in power.

    Parameters
    ----------
    spec : its sensor and features are used, nothing else
    scenes : recordings and clips
    """

    def __init__(self, spec: PipelineSpec, scenes: Scenes) -> None:
        self._spec, self._scenes = spec, scenes
        self._items: dict[tuple[Item, float], FeatureLevels] = {}
        self._recordings: dict[tuple[str, bool, float], list[FeatureLevels]] = {}

    def item(self, item: Item, gain_db: float = 0) -> FeatureLevels:
        """Feature levels of a clip that is scored, at a gain in dB."""
        key = item, gain_db
        if key not in self._items:
            self._items[key] = self._levels(item.at_gain(gain_db))
        return self._items[key]

    def pieces(self, scenes: Sequence[str], gain_db: float = 0, *, held: bool = False) -> list[FeatureLevels]:
        """Feature levels of the training (or held-out) recordings at a gain in dB, cut at constant stretches."""
        return [levels for scene in scenes for levels in self._of(scene, gain_db, held)]

    def _of(self, scene: str, gain_db: float, held: bool) -> list[FeatureLevels]:
        key = scene, held, gain_db
        if key not in self._recordings:
            recordings = (self._scenes.held if held else self._scenes.training)[scene]
            pieces = [piece for clip in recordings for piece in without_constant(clip)]
            found = [self._levels(amplified(piece, gain_db)) for piece in pieces]
            self._recordings[key] = [levels for levels in found if len(levels)]
        return self._recordings[key]

    def _levels(self, samples: Samples) -> FeatureLevels:
        return feature_levels_of(self._spec, samples)


def decibel(levels: FeatureLevels) -> np.ndarray:
    """Convert feature levels to dB."""
    return levels / Q10_PER_DB


def external_rows(levels: FeatureLevels) -> Samples:
    """Convert feature levels to rows of the extractor `external`: int16 in 1/256 dB."""
    return np.clip(np.round(decibel(levels) * 256), -32768, 32767).astype(np.int16)
