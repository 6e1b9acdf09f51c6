"""Check for a sensor at rest: features that never change, found before a search that they would mislead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.plans.extractors import EXTRACTORS
from anomsdk.train.data.input_maps import FeatureLevels

_SHOWN = 6
"""Most feature names in one line."""


def check_moves(
    extractor: ExtractorPlan,
    recordings: Sequence[Sequence[FeatureLevels]],
    report: Callable[[str], None] = lambda line: None,
) -> None:
    """Refuse recordings in which no feature changes, and report features that never change.

    Parameters
    ----------
    extractor : extractor of the feature levels
    recordings : feature levels (frames, n_features) of the pieces of each recording
    report : called with a line on features that never change

    Raises
    ------
    InputError : no feature changes within any recording
    """
    still = _still(recordings)
    if still is None or not still.any():
        return
    names = [name for name, is_still in zip(feature_names(extractor), still, strict=True) if is_still]
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    require(
        not still.all(),
        f"train: no feature changes within any of {len(recordings)} recordings ({shown}): the sensor was at rest or "
        "not connected; record it in use",
    )
    report(
        f"{len(names)} of {len(still)} features never change within a recording ({shown}): any change of these will "
        "raise the score; leave them out of the spec if they carry no information"
    )


def feature_names(extractor: ExtractorPlan) -> list[str]:
    """Name each feature of a frame for people, with numbers from 1."""
    return EXTRACTORS[extractor.kind].values(extractor)


def _still(recordings: Sequence[Sequence[FeatureLevels]]) -> NDArray[np.bool_] | None:
    """Find features (n_features,) that are constant in each recording; None: no recording has two frames."""
    found: NDArray[np.bool_] | None = None
    for pieces in recordings:
        if sum(map(len, pieces)) < 2:
            continue
        same = np.all([(piece == pieces[0][0]).all(axis=0) for piece in pieces], axis=0)
        found = same if found is None else found & same
    return found
