"""What one pass over a recording of motion tells: whether it can be what it is said to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.stream_format import AXES, IN_G

Values = NDArray[np.float64]

MOVED_G, MOVED_DPS = 0.25, 20.0
"""An axis of a device that moved by so much is never constant."""
PINNED_G, PINNED_DPS, PINNED = 1.5, 200.0, 5
"""So many samples at one same extreme of at least this magnitude were cut off by the sensor."""
RESTING_G = (0.25, 4.0)
"""Where the median magnitude of an accelerometer lies that is worn or carried; gravity alone is 1 g."""
PIECE_ROWS, MOST_PIECE_ROWS = 128, 1024
RESTLESS, OFF_AT_REST = 0.1, 0.1
"""A piece lies still where no axis spans a tenth of the magnitude; what rests a tenth off 1 g is said."""
MOST_GRAVITY, LEAST_USUAL_G = 1.15, 0.85
"""The mean vector of a piece is no longer than the first, however it moves, and the median magnitude hardly below the
second."""
LEAST_GRAVITY = 0.3
"""The mean vector of a piece is gravity where it is in it, whatever moves: at least this much of the magnitude."""
MOST_G, MOST_DPS = 1000.0, 100_000.0
"""No accelerometer and no gyroscope that is worn measures more: one such cell is damage."""
MOST_GYRO_DPS, WHOLE_DPS = 5000.0, 50.0
"""What names no unit is no degrees a second above the first, nor where all are whole numbers, some above the second."""
MOST_RADIANS = 35.0
"""2000 degrees a second, where gyroscopes that are worn end, in radians: what is above them is in degrees."""
AROUND_MIDDLE = 0.4
_ENDS_OF_INT16 = (32767.0, -32768.0, -32767.0)
_SENTINELS = (-9999.0, -999.0, -9999.9, -999.9, -999.99, -9999.99, 9999.0, 99_999.0, -99_999.0, 999_999.0)
_SENTINEL_TIMES = 4.0
"""A mark of a missing value is more than so many times whatever else its column holds."""
_WRAPS = (8, 10, 12, 14, 16, 32)
"""Bits of integers that are printed without their sign."""


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
        self._rests: list[float] = []
        self._gravities: list[float] = []
        self.damage: tuple[int, int] | None = None
        self._stored_medians: list[float] = []
        self._whole = True
        self._whole_acceleration = True

    def push(self, values: Values) -> None:
        """Take rows (n, axes) as stored."""
        if not len(values):
            return
        self.rows += len(values)
        scaled = values * self._units
        self._look(values, scaled)
        self.clipped += int((np.abs(scaled) > self._limits).any(axis=1).sum())
        for side, signed in enumerate((-scaled, scaled)):
            top = signed.max(axis=0)
            at_top = (signed == top).sum(axis=0)
            before, ends = self._at_ends[side], self._ends[side]
            self._at_ends[side] = np.where(top > ends, at_top, before + np.where(top == ends, at_top, 0))
            self._ends[side] = np.maximum(ends, top)

    def _look(self, values: Values, scaled: Values) -> None:
        """What tells the unit by values: rest, gravity, whole numbers, and one cell that no sensor gave."""
        magnitude = np.sqrt((scaled[:, :3] ** 2).sum(axis=1))
        self._medians.append(float(np.median(magnitude)))
        self._stored_medians.append(float(np.median(np.sqrt((values[:, :3] ** 2).sum(axis=1)))))
        if n := len(scaled) // PIECE_ROWS:
            pieces = scaled[: n * PIECE_ROWS, :3].reshape(n, PIECE_ROWS, 3)
            means = magnitude[: n * PIECE_ROWS].reshape(n, PIECE_ROWS).mean(axis=1)
            still = np.ptp(pieces, axis=1).max(axis=1) < RESTLESS * means
            if still.any():
                self._rests.append(float(np.median(means[still])))
            size = min(MOST_PIECE_ROWS, max(PIECE_ROWS, len(scaled) // 4))
            pieces = scaled[: len(scaled) // size * size, :3].reshape(-1, size, 3)
            self._gravities.append(float(np.median(np.sqrt((pieces.mean(axis=1) ** 2).sum(axis=1)))))
        most = np.array([MOST_G] * 3 + [MOST_DPS] * 3)[: scaled.shape[1]]
        beyond = (np.abs(scaled) > np.maximum(most, 4 * np.where(np.isfinite(self._limits), self._limits, 0))).any(
            axis=1
        )
        if self.damage is None and beyond.any():
            row = int(beyond.argmax())
            self.damage = self.rows - len(values) + row, int((np.abs(scaled[row]) > most).argmax())
        self._whole = self._whole and bool((values[:, 3:] == np.rint(values[:, 3:])).all())
        self._whole_acceleration = self._whole_acceleration and bool((values[:, :3] == np.rint(values[:, :3])).all())

    @property
    def magnitude_g(self) -> float:
        """Median magnitude of the acceleration: of the blocks' medians."""
        return float(np.median(self._medians))

    @property
    def stored_magnitude(self) -> float:
        """The same of the values as they are stored, for advice."""
        return float(np.median(self._stored_medians))

    @property
    def middle(self) -> int | None:
        """Half of the range of an unsigned sensor, where all axes lie around it; None where they do not."""
        low, high = -self._ends[0, :3] / self._units[:3], self._ends[1, :3] / self._units[:3]
        if not self._whole_acceleration or float(low.min()) < 0:
            return None
        centres = (low + high) / 2
        near = (2**bits for bits in range(7, 16) if float(np.abs(centres / 2**bits - 1).max()) < AROUND_MIDDLE)
        return next(near, None)

    @property
    def at_rest_g(self) -> float | None:
        """Median magnitude of pieces in which the device lay still; None where it hardly ever did."""
        return float(np.median(self._rests)) if self._rests else None

    @property
    def gravity_g(self) -> float | None:
        """How long the mean vector of pieces is: about 1 where gravity is in them; None for a recording of few rows."""
        return float(np.median(self._gravities)) if self._gravities else None

    @property
    def may_be_radians(self) -> bool:
        """Whether the gyroscope's values are too small to tell degrees from radians."""
        return float(self._ends[:, 3:].max()) <= MOST_RADIANS

    @property
    def no_dps(self) -> str | None:
        """Why the gyroscope's values are no degrees a second, in words; None where they can be."""
        most = float(self._ends[:, 3:].max())
        if most > MOST_GYRO_DPS:
            return f"up to {most:.6g}"
        if self._whole and not self._whole_acceleration and most > WHOLE_DPS:
            return f"whole numbers up to {most:.6g}"
        return None

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


def missing_mark(values: Values) -> tuple[int, int] | None:
    """Row and axis of the first value that marks a missing one, such as -9999; None where none does.

    Examples
    --------
    >>> missing_mark(np.array([[0.0, 1.0, 990.0], [0.0, -9999.0, 1010.0]]))
    (1, 1)
    """
    for mark in _ENDS_OF_INT16:  # no sensor saturates on all axes at once, to one side
        if (rows := (values[:, :3] == mark).all(axis=1)).any():
            return int(rows.argmax()), 0
    for axis in range(values.shape[1]):
        column = values[:, axis]
        ends = float(column.min()), float(column.max())
        for mark in ends:
            if mark not in _SENTINELS:
                continue
            others = column[column != mark]
            if len(others) and abs(mark) > _SENTINEL_TIMES * float(np.abs(others).max()):
                return int((column == mark).argmax()), axis
    return None


def unsigned_bits(values: Values) -> int | None:
    """Bits of signed integers that were printed without their sign: both ends of the range are full, its middle empty.

    Examples
    --------
    >>> unsigned_bits(np.array([[3.0], [65533.0], [12.0], [65530.0], [1.0], [4.0]]))
    16
    """
    if len(values) < 4 or float(values.max()) <= 127:
        return None
    for column in values.T:
        low, high = float(column.min()), float(column.max())
        bits = next((each for each in _WRAPS if high < 2.0**each), None)
        if bits is None or low < 0 or high < 0.9 * 2.0**bits:
            continue
        quarter = 2.0**bits / 4
        in_middle = float(((column >= quarter) & (column < 3 * quarter)).mean())
        at_ends = float((column < quarter).mean()), float((column >= 3 * quarter).mean())
        if (
            in_middle < (0.3 if bits >= 16 else 0.02)
            and min(at_ends) > 0.01
            and bool((column == np.rint(column)).all())
        ):
            return bits
    return None


def rests_oddly(magnitude_g: float) -> bool:
    """Whether a median magnitude is not what gravity gives."""
    return not RESTING_G[0] <= magnitude_g <= RESTING_G[1]


def likely_unit(magnitude: float) -> str | None:
    """The unit that makes a median magnitude, as stored, about 1 g."""
    found = [unit for unit, in_g in IN_G.items() if 0.6 <= magnitude * in_g <= 1.7]
    return found[0] if len(found) == 1 else None
