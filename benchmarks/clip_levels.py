"""Feature levels of the clips, computed once for every detector that looks at them, by the core's own extractors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anomsdk.planner.front_end import Q10_PER_DB
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources.dropouts import Samples
from anomsdk.train.data.feature_levels import amplified, levels_of
from anomsdk.train.data.input_maps import Levels
from benchmarks.scenes import Item, Scenes, without_constant


class ClipLevels:
    """Levels (frames, n_features) before normalisation, in the extractor's unit (1024 steps an octave of power).

    Parameters
    ----------
    spec : sensor and features; the rest does not matter
    scenes : whose clips
    """

    def __init__(self, spec: PipelineSpec, scenes: Scenes) -> None:
        self._spec, self._scenes = spec, scenes
        self._items: dict[tuple[Item, float], Levels] = {}
        self._recordings: dict[tuple[str, bool, float], list[Levels]] = {}

    def item(self, item: Item, gain_db: float = 0) -> Levels:
        """Of a clip that is scored, heard at a gain."""
        key = item, gain_db
        if key not in self._items:
            self._items[key] = self._levels(item.at_gain(gain_db))
        return self._items[key]

    def pieces(self, scenes: Sequence[str], gain_db: float = 0, *, held: bool = False) -> list[Levels]:
        """Of the recordings that train (or are held out), cut where they are constant, heard at a gain."""
        return [levels for scene in scenes for levels in self._of(scene, gain_db, held)]

    def _of(self, scene: str, gain_db: float, held: bool) -> list[Levels]:
        key = scene, held, gain_db
        if key not in self._recordings:
            recordings = (self._scenes.held if held else self._scenes.training)[scene]
            pieces = [piece for clip in recordings for piece in without_constant(clip)]
            found = [self._levels(amplified(piece, gain_db)) for piece in pieces]
            self._recordings[key] = [levels for levels in found if len(levels)]
        return self._recordings[key]

    def _levels(self, samples: Samples) -> Levels:
        return levels_of(self._spec, samples)


def decibel(levels: Levels) -> np.ndarray:
    """Levels in dB."""
    return levels / Q10_PER_DB


def external_rows(levels: Levels) -> Samples:
    """Levels as a maker's own front end would give them: int16 in 1/256 dB."""
    return np.clip(np.round(decibel(levels) * 256), -32768, 32767).astype(np.int16)
