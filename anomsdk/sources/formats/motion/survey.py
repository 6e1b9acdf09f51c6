"""Statistics of a recording of motion, from one pass, that show whether its unit and its axes are plausible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.formats.motion.columns import Columns
from anomsdk.sources.stream_format import AXES, IN_G

Values = NDArray[np.float64]

MOVED_G, MOVED_DPS = 0.25, 20.0
"""Span of an axis, in g and in degrees a second, beyond which the device moved, and no axis is constant."""
PINNED = 5
"""Fewest samples at the same extreme that show that the sensor saturated there."""
PINNED_G, PINNED_DPS = 1.5, 200.0
"""Least magnitude of such an extreme, in g and in degrees a second."""
RESTING_G = (0.25, 4.0)
"""Plausible median magnitude of an accelerometer that is worn or carried, in g; gravity alone is 1 g."""
PIECE_ROWS, MOST_PIECE_ROWS = 128, 1024
"""Rows of a piece in which rest is looked for; most rows of a piece whose mean vector is measured."""
RESTLESS = 0.1
"""Span of an axis in a piece, as a share of the magnitude, from which the device does not lie still."""
OFF_AT_REST = 0.1
"""Distance from 1 g at rest, in g, above which a note is made."""
MOST_GRAVITY = 1.15
"""Longest plausible mean vector of a piece, in g, however the device moves."""
LEAST_USUAL_G = 0.85
"""Least usual median magnitude, in g."""
LEAST_GRAVITY = 0.3
"""Least length of a piece's mean vector, as a share of the magnitude, where the acceleration includes gravity."""
MOST_G, MOST_DPS = 1000.0, 100_000.0
"""Largest values of sensors that are worn, in g and in degrees a second: a larger one is a damaged cell."""
MOST_GYRO_DPS = 5000.0
"""Largest value of a gyroscope without a stated unit that may be in degrees a second."""
WHOLE_DPS = 50.0
"""Largest value of a gyroscope in whole numbers, without a stated unit, that may be in degrees a second."""
MOST_RADIANS = 35.0
"""Range of gyroscopes that are worn, 2000 degrees a second, in radians a second: larger values are in degrees."""
AROUND_MIDDLE = 0.4
"""Largest distance of an axis from the middle of an unsigned range, as a share of it."""
_FEW_OF_MEDIAN, _BESIDE = 32, 0.08
"""Step between the values from which a median is guessed, and share of them on each side between which it is sought."""
_SURE_GRAVITY = (0.9, 1.14)
"""Lengths of a mean vector, in g, that no rule is near to, so that the order in which it was added up is no matter."""
_FEW = 16
"""Step between the rows of a piece that are looked at first."""
_ENDS_OF_INT16 = (32767.0, -32768.0, -32767.0)
"""Ends of int16, which mark a missing row where all axes have the same."""
_SENTINELS = (-9999.0, -999.0, -9999.9, -999.9, -999.99, -9999.99, 9999.0, 99_999.0, -99_999.0, 999_999.0)
"""Numbers that mark a missing value."""
_SENTINEL_TIMES = 4.0
"""Least ratio of such a mark to the largest other value of its column."""
_WRAPS = (8, 10, 12, 14, 16, 32)
"""Widths, in bits, of integers that may be printed without their sign."""


class Survey:
    """Statistics of a recording: extremes, magnitude, rest and clipping, in memory that does not grow with length.

    Parameters
    ----------
    units : size of one stored step of each axis, in g and in degrees a second
    limits : full scale of each axis of the plan's sensor, in g and in degrees a second
    """

    def __init__(self, units: Values, limits: Values) -> None:
        self.rows = 0
        self.clipped = 0
        self._units, self._limits = units, limits
        self._stored_in_g = not (units[:3] != 1).any()
        self._most = np.array([MOST_G] * 3 + [MOST_DPS] * 3)[: len(units)]
        self._damaged_from = np.maximum(self._most, 4 * np.where(np.isfinite(limits), limits, 0))
        self._ends = np.full((2, len(units)), -np.inf)  # largest -x, and largest x
        self._at_ends = np.zeros((2, len(units)), np.int64)
        self._medians: list[float] = []
        self._rests: list[float] = []
        self._gravities: list[float] = []
        self.damage: tuple[int, int] | None = None
        self._stored_medians: list[float] = []
        self._whole = True
        self._whole_acceleration = True

    def push(self, columns: Columns) -> None:
        """Take the next rows, as stored."""
        if not columns.n:
            return
        self.rows += columns.n
        ends = np.sort([columns.low * self._units, columns.high * self._units], axis=0)
        self._look(columns, ends)
        if (np.abs(ends) > self._limits).any():
            self.clipped += int((np.abs(columns.values.T * self._units) > self._limits).any(axis=1).sum())
        for side, tops in enumerate((-ends[0], ends[1])):
            for axis in np.flatnonzero(tops >= self._ends[side]).tolist():
                top = tops[axis] * (1 if side else -1)
                at_top = np.count_nonzero(self._scaled(columns, axis) == top)
                before = self._at_ends[side, axis] if tops[axis] == self._ends[side, axis] else 0
                self._at_ends[side, axis] = before + at_top
            self._ends[side] = np.maximum(self._ends[side], tops)

    def _scaled(self, columns: Columns, axis: int) -> Values:
        """Return the values of one axis in g, or in degrees a second."""
        return columns.values[axis] if self._units[axis] == 1 else columns.values[axis] * self._units[axis]

    def _look(self, columns: Columns, ends: Values) -> None:
        """Collect the signs of the unit in values: rest, gravity, whole numbers; and find a damaged cell.

        Parameters
        ----------
        columns : values as stored
        ends : float64 (2, axes), least and greatest value of each axis, in g and in degrees a second
        """
        acceleration = [self._scaled(columns, axis) for axis in range(3)]
        squares = _squares(acceleration)
        self._medians.append(_median_root(squares))
        stored = self._medians[-1]
        if not self._stored_in_g:
            stored = _median_root(_squares(list(columns.values[:3])))
        self._stored_medians.append(stored)
        if columns.n >= PIECE_ROWS:
            if (rest := _rest(acceleration, squares)) is not None:
                self._rests.append(rest)
            self._gravities.append(_gravity(acceleration))
        if self.damage is None and (np.abs(ends) > self._damaged_from).any():
            scaled = columns.values.T * self._units
            row = int((np.abs(scaled) > self._damaged_from).any(axis=1).argmax())
            self.damage = self.rows - columns.n + row, int((np.abs(scaled[row]) > self._most).argmax())
        self._whole = self._whole and _are_whole(columns.values[3:])
        self._whole_acceleration = self._whole_acceleration and _are_whole(columns.values[:3])

    @property
    def magnitude_g(self) -> float:
        """Median magnitude of the acceleration in g: the median of the blocks' medians."""
        return float(np.median(self._medians))

    @property
    def stored_magnitude(self) -> float:
        """Median magnitude of the acceleration as stored, for advice."""
        return float(np.median(self._stored_medians))

    @property
    def middle(self) -> int | None:
        """Middle of the range of an unsigned sensor, where all axes lie around it; None where they do not."""
        low, high = -self._ends[0, :3] / self._units[:3], self._ends[1, :3] / self._units[:3]
        if not self._whole_acceleration or float(low.min()) < 0:
            return None
        centres = (low + high) / 2
        near = (2**bits for bits in range(7, 16) if float(np.abs(centres / 2**bits - 1).max()) < AROUND_MIDDLE)
        return next(near, None)

    @property
    def at_rest_g(self) -> float | None:
        """Median magnitude, in g, of pieces in which the device lay still; None where there are none."""
        return float(np.median(self._rests)) if self._rests else None

    @property
    def gravity_g(self) -> float | None:
        """Median length of the mean vector of pieces, in g: about 1 with gravity; None for a recording of few rows."""
        return float(np.median(self._gravities)) if self._gravities else None

    @property
    def may_be_radians(self) -> bool:
        """Tell whether the gyroscope's values are too small to distinguish degrees from radians."""
        return float(self._ends[:, 3:].max()) <= MOST_RADIANS

    @property
    def no_dps(self) -> str | None:
        """Reason why the gyroscope's values are no degrees a second, in words; None where they may be."""
        most = float(self._ends[:, 3:].max())
        if most > MOST_GYRO_DPS:
            return f"up to {most:.6g}"
        if self._whole and not self._whole_acceleration and most > WHOLE_DPS:
            return f"whole numbers up to {most:.6g}"
        return None

    @property
    def stuck(self) -> list[str]:
        """Axes that never changed although the device moved."""
        spans = self._ends.sum(axis=0)
        if not ((spans[:3] > MOVED_G).any() or (spans[3:] > MOVED_DPS).any()):
            return []
        return [AXES[axis] for axis in np.flatnonzero(spans == 0)]

    @property
    def pinned(self) -> list[str]:
        """Values at which a sensor of a smaller full scale saturated, in words."""
        found = []
        for part, unit, least in ((slice(0, 3), "g", PINNED_G), (slice(3, 6), "deg/s", PINNED_DPS)):
            ends, at_ends = self._ends[:, part], self._at_ends[:, part]
            cut = (ends >= least) & (at_ends >= PINNED) & (ends < self._limits[part])
            if cut.any():
                found.append(f"{ends[cut].max():.2g} {unit}")
        return found


def missing_mark(columns: Columns) -> tuple[int, int] | None:
    """Find the row and the axis of the first value that marks a missing one, such as -9999; None where none does.

    Examples
    --------
    >>> missing_mark(Columns.of(np.array([[0.0, 1.0, 990.0], [0.0, -9999.0, 1010.0]])))
    (1, 1)
    """
    least, most = float(columns.low[:3].max()), float(columns.high[:3].min())  # of what all axes may have at once
    for mark in _ENDS_OF_INT16:  # no sensor saturates on all axes at once, to one side
        if not least <= mark <= most:
            continue
        if (rows := (columns.values[:3] == mark).all(axis=0)).any():
            return int(rows.argmax()), 0
    for axis, ends in enumerate(zip(columns.low.tolist(), columns.high.tolist(), strict=True)):
        for mark in ends:
            if mark not in _SENTINELS:
                continue
            column = columns.values[axis]
            others = column[column != mark]
            if len(others) and abs(mark) > _SENTINEL_TIMES * float(np.abs(others).max()):
                return int((column == mark).argmax()), axis
    return None


def unsigned_bits(columns: Columns) -> int | None:
    """Find the width in bits of signed integers that were printed without their sign; None where they have it.

    Of such integers, values lie at both ends of the range, and hardly any in its middle.

    Examples
    --------
    >>> unsigned_bits(Columns.of(np.array([[3.0], [65533.0], [12.0], [65530.0], [1.0], [4.0]])))
    16
    """
    if columns.n < 4 or float(columns.high.max()) <= 127:
        return None
    for column, low, high in zip(columns.values, columns.low.tolist(), columns.high.tolist(), strict=True):
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
    """Tell whether a median magnitude in g is implausible for a sensor under gravity."""
    return not RESTING_G[0] <= magnitude_g <= RESTING_G[1]


def likely_unit(magnitude: float) -> str | None:
    """Find the unit in which a median magnitude, as stored, is about 1 g; None where none or two are."""
    found = [unit for unit, in_g in IN_G.items() if 0.6 <= magnitude * in_g <= 1.7]
    return found[0] if len(found) == 1 else None


def _squares(acceleration: list[Values]) -> Values:
    """Return the squared magnitude (n,) of three axes, (n,) each."""
    found: Values = acceleration[0] * acceleration[0]
    square = np.empty_like(found)
    for axis in acceleration[1:]:
        found += np.multiply(axis, axis, out=square)
    return found


def _median(values: Values) -> float:
    """Return the median of a few values; `numpy.median` takes longer to begin than this takes."""
    in_order, n = np.sort(values), len(values)
    return float(in_order[(n - 1) // 2 : n // 2 + 1].mean())


def _median_root(squares: Values) -> float:
    """Return the median of the square roots, of which only those in the middle are computed."""
    n = len(squares)
    first, last = (n - 1) // 2, n // 2  # places of the middle in order
    some = np.sort(squares[::_FEW_OF_MEDIAN])
    beside = max(1, round(_BESIDE * len(some)))
    low, high = some[max(0, len(some) // 2 - beside)], some[min(len(some) - 1, len(some) // 2 + beside)]
    below = np.count_nonzero(squares < low)
    near = squares[(squares >= low) & (squares <= high)]
    if not below <= first <= last < below + len(near):  # the few that were looked at first mislead
        below, near = 0, squares
    middle = np.partition(near, sorted({first - below, last - below}))[first - below : last - below + 1]
    return float(np.sqrt(middle).mean())


def _rest(acceleration: list[Values], squares: Values) -> float | None:
    """Return the median magnitude of the pieces in which the device lay still; None where there are none.

    Parameters
    ----------
    acceleration : three axes, (n,) each, n >= `PIECE_ROWS`
    squares : squared magnitude (n,)
    """
    n = len(squares) // PIECE_ROWS
    pieces = [axis[: n * PIECE_ROWS].reshape(n, PIECE_ROWS) for axis in acceleration]
    magnitudes = squares[: n * PIECE_ROWS].reshape(n, PIECE_ROWS)
    # Few rows or one axis of most pieces show that the device moved: no mean is above the largest magnitude.
    most = 1.001 * RESTLESS * np.sqrt(magnitudes.max())
    few = np.array([each[:, ::_FEW] for each in pieces])
    may_rest = np.flatnonzero((few.max(axis=2) - few.min(axis=2)).max(axis=0) < most)
    spans = np.zeros(len(may_rest))
    for each in pieces:
        if not len(may_rest):
            return None
        spans = np.maximum(spans, np.ptp(each[may_rest] if len(may_rest) < n else each, axis=1))
        below = spans < most
        may_rest, spans = may_rest[below], spans[below]
    if not len(may_rest):
        return None
    means = np.sqrt(magnitudes[may_rest]).mean(axis=1)
    still = spans < RESTLESS * means
    return _median(means[still]) if still.any() else None


def _gravity(acceleration: list[Values]) -> float:
    """Return the median length of the mean vector of pieces of three axes, (n,) each, n >= `PIECE_ROWS`."""
    rows = len(acceleration[0])
    size = min(MOST_PIECE_ROWS, max(PIECE_ROWS, rows // 4))
    n = rows // size
    sums = np.array([values[: n * size].reshape(n, size).sum(axis=1) for values in acceleration])
    found = _median(np.sqrt(_squares(list(sums / size))))
    if _SURE_GRAVITY[0] < found < _SURE_GRAVITY[1]:  # the last digits of it decide nothing
        return found
    by_row = np.empty((size, 3, n))  # numpy adds up row after row, as if each row were the three axes of one piece
    for axis, values in enumerate(acceleration):
        by_row[:, axis] = values[: n * size].reshape(n, size).T
    means = by_row.reshape(size, 3 * n).mean(axis=0).reshape(3, n)
    return _median(np.sqrt(_squares(list(means))))


def _are_whole(values: Values) -> bool:
    """Tell whether all values are whole numbers."""
    return all(bool((axis == np.rint(axis)).all()) for axis in values)
