"""Rows of motion as a file holds them, and their conversion to the rate and counts of the plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import MAX_GAP
from anomsdk.sources.formats.motion.survey import Survey
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES, Block
from anomsdk.sources.formats.timing.resampling import Grid, Resampler
from anomsdk.sources.formats.timing.timeline import Stamped, Timeline
from anomsdk.sources.formats.timing.timestamps import stretches
from anomsdk.sources.stream_format import IN_G, StreamFormat

Values = NDArray[np.float64]
SAME_RATE = 0.01
"""Relative difference below which two rates are the same; clocks of sensors are no more exact."""


MOST_SET_S = 7200.0
"""Longest time in seconds by which a clock is set, as for summer time, so that its first stamp is believed."""


@dataclass(frozen=True)
class MotionRows:
    """Rows of one recording, with the axes of the plan, as a file holds them.

    Parameters
    ----------
    name, where : name of the recording for people and in messages
    unit : unit of the accelerometer, one of `anomsdk.sources.stream_format.UNITS`
    units : size of one stored step of each axis: in ``unit`` for the accelerometer, in degrees a second for the
        gyroscope; in counts where ``unit`` is "counts"
    rate_hz : rows a second; None: by the stamps, and without stamps the rate of the plan
    stamped : rows have time stamps
    read : function; read() yields (stamps, values): stamps in seconds (n,), or empty without stamps; values (n, axes),
        floats, or int16 for counts
    row_name : function that names the row with an index from 0 in messages
    notes : facts that were found without options, in words
    rotation_unsaid : name of a gyroscope's column whose unit nothing states, so that degrees a second are assumed; None
        where it is known
    without_gravity : name of an axis that says that gravity was removed, and that the caller chose all the same; None
        where there is none
    start_ns : function; start_ns() is the stamp of the first row in nanoseconds since 1970-01-01 UTC, or None where it
        is not known; called after all rows were read, as the last of them may tell day and month apart
    """

    name: str
    where: str
    unit: str
    units: tuple[float, ...]
    rate_hz: float | None
    stamped: bool
    read: Callable[[], Iterator[Stamped]]
    row_name: Callable[[int], str]
    notes: tuple[str, ...] = ()
    rotation_unsaid: str | None = None
    without_gravity: str | None = None
    start_ns: Callable[[], int | None] = lambda: None


def row_from_0(row: int) -> str:
    """Name a row of a file without lines, in messages."""
    return f"row {row} (from 0)"


@dataclass(frozen=True)
class MotionRecording:
    """A recording of motion that was read and checked once, and can be read again in counts at the rate of the plan.

    Parameters
    ----------
    rows, stream_format : rows as a file holds them, and the format that the pipeline takes
    timeline, survey : timing and statistics of all rows
    notes : facts and remarks, in words
    stamp_ns : stamp of the first row, as `MotionRows.start_ns` gives it
    heard : what was made of the blocks on approval during the first reading; None where nothing was, or they were wrong
    """

    rows: MotionRows
    stream_format: StreamFormat
    timeline: Timeline
    survey: Survey
    notes: tuple[str, ...]
    stamp_ns: int | None = None
    heard: Any = field(default=None, repr=False, compare=False)

    @property
    def start_ns(self) -> int | None:
        """Time of the first sample, as in `anomsdk.sources.Recording`; the stamp of a packet is none of a sample."""
        exact = self.timeline.form is None and self.timeline.set_s <= MOST_SET_S
        return self.stamp_ns if exact else None

    @property
    def length(self) -> int:
        """Number of samples after conversion, without gaps; approximate when interpolated or resampled."""
        return max(1, round((self.survey.rows + self.timeline.bridged) * self.stream_format.rate_hz / self.from_hz))

    @property
    def from_hz(self) -> float:
        """Rate of the rows; exactly that of the plan where the two are the same within `SAME_RATE`."""
        rate_hz, wanted_hz = self.timeline.rate_hz, self.stream_format.rate_hz
        return wanted_hz if same_rate(rate_hz, wanted_hz) else rate_hz

    def blocks(self) -> Generator[Block | int, None, None]:
        """Yield blocks, int16 (n, axes), and at each gap the number of missing samples, an int."""
        return self.converted(self.rows.read())

    def converted(self, read: Iterator[Stamped]) -> Generator[Block | int, None, None]:
        """Yield the blocks of rows that are read from the beginning, as `blocks` does."""
        rows: Iterator[Stamped | int] = stretches(read, self.timeline) if self.rows.stamped else read
        conversion = self._conversion()
        for each in rows:
            if isinstance(each, int):
                yield from self._counts(conversion.finish())
                yield min(max(1, round(each * self.stream_format.rate_hz / self.from_hz)), MAX_GAP)
                conversion = self._conversion()
            else:
                yield from self._counts(conversion.push(*each))
        yield from self._counts(conversion.finish())

    @cached_property
    def _per_value(self) -> Values:
        """Counts in one stored step of each axis."""
        return _counts_per_value(self.rows, self.stream_format)

    @cached_property
    def _limits(self) -> Values:
        """Counts at which each axis is clipped."""
        return _limits(self.rows, self.stream_format)

    def _conversion(self) -> _Conversion:
        """Make the interpolation and resampling of one uninterrupted piece."""
        from_hz, to_hz = self.from_hz, self.stream_format.rate_hz
        return _Conversion(
            Grid(1 / from_hz) if self.timeline.jittered else None,
            Resampler(from_hz, to_hz) if from_hz != to_hz else None,
        )

    def _counts(self, values: NDArray[Any]) -> Iterator[Block]:
        """Convert to counts: round half to even and clip, once; int16 counts pass unchanged."""
        if not len(values):
            return
        if values.dtype != np.int16:
            values = _clipped(values, self._per_value, self._limits)
        n = BLOCK_VALUES // self.stream_format.columns
        for start in range(0, len(values), n):
            yield values[start : start + n]


@dataclass(frozen=True)
class _Conversion:
    """Interpolation to even times, then resampling, of one uninterrupted piece; either may be None."""

    grid: Grid | None
    resampler: Resampler | None

    def push(self, stamps: Values, values: Values) -> Values:
        if self.grid is not None:
            values = self.grid.push(stamps, values)
        return values if self.resampler is None else self.resampler.push(values)

    def finish(self) -> Values:
        return np.zeros((0, 0)) if self.resampler is None else self.resampler.finish()


def _clipped(values: NDArray[Any], per_value: Values, limits: Values) -> Block:
    """Scale rows (n, axes) to counts, round half to even, and clip at the limit of each axis."""
    found = np.empty(values.shape, np.int16)
    scaled = np.empty(len(values))
    for axis, (times, limit) in enumerate(zip(per_value.tolist(), limits.tolist(), strict=True)):
        np.multiply(values[:, axis], times, out=scaled)
        np.rint(scaled, out=scaled)
        if scaled.min() < -limit or scaled.max() > min(limit, 32767.0):
            np.clip(scaled, -limit, min(limit, 32767.0), out=scaled)
        found[:, axis] = scaled
    return found


def same_rate(a_hz: float, b_hz: float) -> bool:
    """Tell whether two rates in Hz are the same, within `SAME_RATE`."""
    return math.isclose(a_hz, b_hz, rel_tol=SAME_RATE)


def counts_per_unit(stream_format: StreamFormat) -> Values:
    """Give the plan's counts in one g, and in one degree a second, for each axis."""
    assert stream_format.counts_per_g is not None
    return np.array([stream_format.counts_per_g] * 3 + [stream_format.counts_per_dps or 1.0] * 3)[
        : stream_format.columns
    ]


def _counts_per_value(rows: MotionRows, stream_format: StreamFormat) -> Values:
    if rows.unit == "counts":
        return np.array(rows.units)
    in_g = np.array([IN_G[rows.unit]] * 3 + [1.0] * 3)[: stream_format.columns]
    return np.array(rows.units) * in_g * counts_per_unit(stream_format)


def _limits(rows: MotionRows, stream_format: StreamFormat) -> Values:
    """Give the counts at which the plan's sensor clips, for each axis; counts in files are not clipped again."""
    assert stream_format.full_scale_g is not None and stream_format.counts_per_g is not None
    full = (
        32768.0
        if rows.unit == "counts"
        else min(32768.0, np.rint(stream_format.full_scale_g * stream_format.counts_per_g))
    )
    return np.array([full] * 3 + [32768.0] * 3)[: stream_format.columns]
