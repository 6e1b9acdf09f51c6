"""What one pass over a recording of motion tells: whether it can be what it is said to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.wanted import AXES, IN_G

Values = NDArray[np.float64]

MOVED_G, MOVED_DPS = 0.25, 20.0
"""An axis of a device that moved by so much is never constant."""
PINNED_G, PINNED_DPS, PINNED = 1.5, 200.0, 5
"""So many samples at one same extreme of at least this magnitude were cut off by the sensor."""
RESTING_G = (0.25, 4.0)
"""Where the median magnitude of an accelerometer lies that is worn or carried; gravity alone is 1 g."""


class Survey:
    """Extremes, magnitude and full scale of a recording, in memory that does not grow with length.

    Parameters
    ----------
    units : what one of a stored value is of each axis, in g and in degrees a second
    limits : where each axis of the plan's sensor clips, in g and in degrees a second
    """

    def __init__(self, units: Values, limits: Values) -> None:
        self.rows = 0
        self.clipped = 0
        self._units, self._limits = units, limits
        self._ends = np.full((2, len(units)), -np.inf)  # of -x and of x
        self._at_ends = np.zeros((2, len(units)), np.int64)
        self._medians: list[float] = []

    def push(self, values: Values) -> None:
        """Take rows (n, axes) as stored."""
        if not len(values):
            return
        self.rows += len(values)
        scaled = values * self._units
        self.clipped += int((np.abs(scaled) > self._limits).any(axis=1).sum())
        for side, signed in enumerate((-scaled, scaled)):
            top = signed.max(axis=0)
            at_top = (signed == top).sum(axis=0)
            before, ends = self._at_ends[side], self._ends[side]
            self._at_ends[side] = np.where(top > ends, at_top, before + np.where(top == ends, at_top, 0))
            self._ends[side] = np.maximum(ends, top)
        self._medians.append(float(np.median(np.sqrt((scaled[:, :3] ** 2).sum(axis=1)))))

    @property
    def magnitude_g(self) -> float:
        """Median magnitude of the acceleration: of the blocks' medians."""
        return float(np.median(self._medians))

    @property
    def stuck(self) -> list[str]:
        """Axes that stayed the same while the device moved."""
        spans = self._ends.sum(axis=0)
        if not ((spans[:3] > MOVED_G).any() or (spans[3:] > MOVED_DPS).any()):
            return []
        return [AXES[axis] for axis in np.flatnonzero(spans == 0)]

    @property
    def pinned(self) -> list[str]:
        """Where a sensor of a smaller full scale cut off, in words."""
        found = []
        for part, unit, least in ((slice(0, 3), "g", PINNED_G), (slice(3, 6), "deg/s", PINNED_DPS)):
            ends, at_ends = self._ends[:, part], self._at_ends[:, part]
            cut = (ends >= least) & (at_ends >= PINNED) & (ends < self._limits[part])
            if cut.any():
                found.append(f"{ends[cut].max():.2g} {unit}")
        return found


def rests_oddly(magnitude_g: float) -> bool:
    """Whether a median magnitude is not what gravity gives."""
    return not RESTING_G[0] <= magnitude_g <= RESTING_G[1]


def likely_unit(magnitude: float) -> str | None:
    """The unit that makes a median magnitude, as stored, about 1 g."""
    found = [unit for unit, in_g in IN_G.items() if 0.6 <= magnitude * in_g <= 1.7]
    return found[0] if len(found) == 1 else None
