"""Journal of lives of ladders: the periods of service before the last one, which only differences leave behind.

An export that begins within them asks for what was counted before it. That is rare, so they are compressed, and those
of earlier commits stay on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.datasets.packed_arrays import packed, read_packed, unpacked

Ints = NDArray[np.int64]

PERIOD = np.dtype([("device", "<u8"), ("boot", "<u2"), ("first", "<u4"), ("last", "<u4")])


class LifeJournal:
    """Periods of lives that others follow, in the order in which they were left behind.

    Parameters
    ----------
    files : of earlier commits, the oldest first
    """

    def __init__(self, files: Sequence[Path] = ()) -> None:
        self._blocks: list[Path | bytes] = list(files)

    @property
    def pending(self) -> list[bytes]:
        """Blocks that are in memory only."""
        return [each for each in self._blocks if isinstance(each, bytes)]

    def add(self, periods: NDArray[Any], counts: NDArray[np.uint32]) -> None:
        """Add periods (n,) of `PERIOD` with their counts (n, columns)."""
        if len(periods):
            self._blocks.append(packed({"periods": periods, "counts": counts}))

    def keep(self, files: Sequence[Path]) -> None:
        """Read the pending blocks from these files from now on."""
        self._blocks = [*(each for each in self._blocks if isinstance(each, Path)), *files]

    def before(
        self, device: NDArray[np.uint64], boot: NDArray[np.uint16], ticks: Ints, tops: Ints, width: int
    ) -> tuple[Ints, NDArray[np.uint32], NDArray[np.bool_]]:
        """Return what lives counted before a tick, in periods that are still kept.

        Parameters
        ----------
        device, boot : (n,), lives, each once
        ticks : (n,), of service
        tops : (n,), where the last period of each life begins, behind the tick
        width : number of counts

        Returns
        -------
        ticks of service (n,), counts (n, width), and whether a period reaches over the tick (n,)
        """
        place = {life: at for at, life in enumerate(zip(device.tolist(), boot.tolist(), strict=True))}
        bound, over = tops.copy(), np.zeros(len(ticks), bool)
        served, counts = np.zeros(len(ticks), np.int64), np.zeros((len(ticks), width), np.uint32)
        wanted = np.unique(device)
        for block in reversed(self._blocks):
            found = read_packed(block) if isinstance(block, Path) else unpacked(block, "journal")
            periods, of_periods = found["periods"], found["counts"]
            for row in np.flatnonzero(np.isin(periods["device"], wanted)).tolist():
                one = periods[row]
                at = place.get((int(one["device"]), int(one["boot"])), -1)
                if at < 0 or int(one["last"]) > bound[at]:
                    continue  # of another life, or within a period that came later
                bound[at] = int(one["first"])
                if int(one["last"]) <= ticks[at]:
                    served[at] += int(one["last"]) - int(one["first"])
                    counts[at] += of_periods[row]
                elif int(one["first"]) < ticks[at]:
                    over[at] = True
        return served, counts, over
