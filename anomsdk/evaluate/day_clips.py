"""Diary clips of a file or a folder as the rows of animals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anomsdk.errors import InputError
from anomsdk.evaluate.day_scores import AnimalRows
from anomsdk.runtime.memory import wiping
from anomsdk.sources.clips import Clip

_NS = 1_000_000_000


@wiping()
def animal_rows(clips: Sequence[Clip]) -> list[AnimalRows]:
    """Read clips of diary rows whole: a year of hours is 70 kB a column.

    An animal bears the name of its group where groups were named and each clip has another one, else that of its clip.

    Parameters
    ----------
    clips : clips of kind diary, one for each animal

    Raises
    ------
    InputError : a damaged clip, or one that is cut into pieces: a diary states missing slots, it has no gaps
    """
    named = not any(clip.group.endswith(clip.name) for clip in clips)
    apart = named and len({clip.group for clip in clips}) == len(clips)
    found = []
    for clip in clips:
        name = clip.group if apart else clip.name
        blocks = list(clip.blocks())
        if any(new_piece for new_piece, _ in blocks[1:]):
            raise InputError(f"{clip.name}: has a gap between its rows; write missing slots as empty cells")
        rows = np.concatenate([block for _, block in blocks]) if blocks else np.zeros((0, clip.columns), np.int16)
        start_s = None if clip.start_ns is None else clip.start_ns / _NS
        found.append(AnimalRows(name, rows.reshape(-1, clip.columns), start_s))
    return found
