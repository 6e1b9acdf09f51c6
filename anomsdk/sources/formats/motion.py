"""Motion as files hold it, brought to the plan's rate, axes and counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import MAX_GAP
from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.pauses import in_seconds
from anomsdk.sources.formats.resampling import Grid, Resampler
from anomsdk.sources.formats.stored import BLOCK_VALUES, Block
from anomsdk.sources.formats.survey import (
    LEAST_GRAVITY,
    LEAST_USUAL_G,
    MOST_DPS,
    MOST_G,
    MOST_GRAVITY,
    OFF_AT_REST,
    Survey,
    likely_unit,
    missing_mark,
    rests_oddly,
    unsigned_bits,
)
from anomsdk.sources.formats.timestamps import Stamped, StampSurvey, Timeline, stretches
from anomsdk.sources.formats.units import OFTEN_RADIANS, likely_steps
from anomsdk.sources.stream_format import AXES, IN_DPS, IN_G, StreamFormat

Values = NDArray[np.float64]
SAME_RATE = 0.01
"""Rates that differ by less are one: crystals of sensors are no better."""
LEAST_RATE = 0.5
"""A file with a lower rate than this much of the plan's is refused: what it lacks cannot be made up."""
MOST_HZ = 100_000.0
_LARGEST = 1e9
"""Magnitude of a value in g, or in degrees a second, that is damage whatever the unit: nothing is reckoned with it."""


@dataclass(frozen=True)
class MotionRows:
    """Rows of the wanted axes as a file holds them.

    Parameters
    ----------
    name, where : what people and messages call the recording
    unit : of the accelerometer, one of `anomsdk.sources.stream_format.UNITS`
    units : what one of a stored value is of each axis, in this unit and in degrees a second (counts: in counts)
    rate_hz : rows a second; None: by their stamps, and without stamps the wanted ones
    stamped : `read` gives stamps, too
    read : read() yields (stamps in seconds (n,), empty without; values (n, axes)); floats, or int16 that are counts
    row_name : what messages call the row with an index from 0
    notes : what was found out by itself, in words
    rotation_unsaid : a column of the gyroscope, where nothing names its unit and it is believed to be degrees a second
    without_gravity : a column that says that gravity was taken out, and that somebody chose all the same
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


def row_from_0(row: int) -> str:
    """What messages call a row of a file without lines."""
    return f"row {row} (from 0)"


@dataclass(frozen=True)
class Motion:
    """A recording of motion that was read once and can be read again, in the plan's counts at its rate."""

    rows: MotionRows
    stream_format: StreamFormat
    timeline: Timeline
    survey: Survey
    notes: tuple[str, ...]

    @property
    def length(self) -> int:
        """Samples after conversion, without what is missing; approximate when interpolated or resampled."""
        return max(1, round((self.survey.rows + self.timeline.bridged) * self.stream_format.rate_hz / self._from_hz))

    @property
    def _from_hz(self) -> float:
        """The wanted rate, if that is what the rows have."""
        rate_hz, wanted_hz = self.timeline.rate_hz, self.stream_format.rate_hz
        return wanted_hz if _same(rate_hz, wanted_hz) else rate_hz

    def blocks(self) -> Iterator[Block | int]:
        """Blocks int16 (n, axes), and between them the number of samples that are missing."""
        rows: Iterator[Stamped | int] = self.rows.read()
        if self.rows.stamped:
            rows = stretches(self.rows.read(), self.timeline)
        way = self._way()
        for each in rows:
            if isinstance(each, int):
                yield from self._counts(way.finish())
                yield min(max(1, round(each * self.stream_format.rate_hz / self._from_hz)), MAX_GAP)
                way = self._way()
            else:
                yield from self._counts(way.push(*each))
        yield from self._counts(way.finish())

    def _way(self) -> _Way:
        """What an uninterrupted piece goes through."""
        from_hz, to_hz = self._from_hz, self.stream_format.rate_hz
        return _Way(
            Grid(1 / from_hz) if self.timeline.jittered else None,
            Resampler(from_hz, to_hz) if from_hz != to_hz else None,
        )

    def _counts(self, values: NDArray[Any]) -> Iterator[Block]:
        """Round half to even and clip, once; int16 counts pass as they are."""
        if not len(values):
            return
        if values.dtype != np.int16:
            per_value, limits = _counts_per_value(self.rows, self.stream_format), _limits(self.rows, self.stream_format)
            values = np.clip(np.rint(values * per_value), -limits, np.minimum(limits, 32767)).astype(np.int16)
        n = BLOCK_VALUES // self.stream_format.columns
        for start in range(0, len(values), n):
            yield values[start : start + n]


@dataclass(frozen=True)
class _Way:
    grid: Grid | None
    resampler: Resampler | None

    def push(self, stamps: Values, values: Values) -> Values:
        if self.grid is not None:
            values = self.grid.push(stamps, values)
        return values if self.resampler is None else self.resampler.push(values)

    def finish(self) -> Values:
        return np.zeros((0, 0)) if self.resampler is None else self.resampler.finish()


def surveyed(rows: MotionRows, stream_format: StreamFormat, max_bridge: int) -> Motion:
    """Read a recording once, and refuse what cannot be right.

    Parameters
    ----------
    rows, stream_format : what there is, and what a pipeline takes
    max_bridge : as `anomsdk.sources.stream_format.ReadOptions`

    Raises
    ------
    InputError : damaged values or stamps, too low a rate, too many dropped samples, a stuck axis
    """
    in_units, limits = np.array(rows.units), np.array([np.inf] * len(rows.units))
    if rows.unit != "counts":
        in_units[:3] *= IN_G[rows.unit]
        limits = np.array([stream_format.full_scale_g] * 3 + [32767.5 / (stream_format.counts_per_dps or 1)] * 3)[
            : len(in_units)
        ]
    else:
        in_units /= _per_unit(stream_format)
    survey, stamps = Survey(in_units, limits), StampSurvey(rows.where, rows.row_name, stream_format.rate_hz, max_bridge)
    for times, values in rows.read():
        _check_values(values, survey.rows, in_units, rows)
        survey.push(values.astype(np.float64, copy=False))
        if rows.stamped:
            stamps.push(times, values)
    if not survey.rows:
        raise InputError(f"{rows.where}: there are no samples in it; record it again or leave it out")
    if survey.damage is not None and not rests_oddly(survey.magnitude_g):
        row, axis = survey.damage
        most, unit = (MOST_G, "g") if axis < 3 else (MOST_DPS, "deg/s")
        raise InputError(
            f"{rows.where}, {rows.row_name(row)}: {AXES[axis]} is more than {most:g} {unit}, and no sensor gives that; "
            "correct the value, or remove such rows: the gap is found by the time"
        )
    gravity = survey.magnitude_g if survey.gravity_g is None else survey.gravity_g
    if rows.without_gravity is not None and gravity < 2 * LEAST_GRAVITY:
        raise InputError(
            f"{rows.where}: {quoted(rows.without_gravity)} is acceleration without gravity, by its name and its "
            "values; name columns that have it, or record the accelerometer itself"
        )
    if rows.rotation_unsaid is not None and (why := survey.no_dps):
        raise InputError(
            f"{rows.where}: {quoted(rows.rotation_unsaid)} has no unit, and its values ({why}) are hardly deg/s; say "
            f"--unit {rows.unit},{'|'.join(IN_DPS)}, with --scale 1,Y where they are steps of Y"
        )
    if rows.rotation_unsaid is not None and survey.may_be_radians and OFTEN_RADIANS.search(rows.rotation_unsaid):
        raise InputError(
            f"{rows.where}: {quoted(rows.rotation_unsaid)} has no unit, is often rad/s, and its values do not tell; "
            f"say --unit {rows.unit},{'|'.join(IN_DPS)}"
        )
    if survey.stuck:
        axes = " and ".join(survey.stuck)
        raise InputError(f"{rows.where}: {axes} never changed while the others did; mend the sensor, or leave it out")
    rate_hz = stream_format.rate_hz if rows.rate_hz is None else rows.rate_hz
    timeline = stamps.timeline() if rows.stamped else Timeline(rate_hz)
    _check_rate(rows, stream_format, timeline.rate_hz)
    found = _notes(stream_format, timeline, survey, rotation_unsaid=rows.rotation_unsaid is not None)
    return Motion(rows, stream_format, timeline, survey, rows.notes + tuple(found))


def _check_values(values: NDArray[Any], done: int, in_units: Values, rows: MotionRows) -> None:
    """Refuse what is no number, and what no sensor gives: figures of it would not be finite."""
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        row = rows.row_name(done + int(bad.argmax()))
        raise InputError(f"{rows.where}, {row}: not a number; leave such rows out, the gap is found by the time")
    with np.errstate(over="ignore"):
        beyond = (np.abs(values * in_units) > _LARGEST).any(axis=1)
    if values.dtype != np.int16 and (bits := unsigned_bits(values)) is not None:
        raise InputError(
            f"{rows.where}: integers of {bits} bits that were printed without their sign (up to {2**bits - 1}); "
            f"subtract {2**bits} from those above {2 ** (bits - 1) - 1}"
        )
    if beyond.any():
        row = rows.row_name(done + int(beyond.argmax()))
        raise InputError(f"{rows.where}, {row}: more than {_LARGEST:.0e} g or deg/s; correct the value or the scale")
    if values.dtype != np.int16 and (mark := missing_mark(values)) is not None:
        row = rows.row_name(done + mark[0])
        raise InputError(
            f"{rows.where}, {row}: {AXES[mark[1]]} is {values[mark]:g}, which marks a missing value; remove such rows: "
            "the gap is found by the time"
        )


def check_unit(found: list[Motion]) -> list[Motion]:
    """Refuse recordings of one file whose magnitude cannot be gravity's; note the odd one.

    Raises
    ------
    InputError : the unit is another one
    """
    usual = float(np.median([each.survey.magnitude_g for each in found]))
    first = found[0].rows
    if rests_oddly(usual):
        where = first.where if len(found) == 1 else first.where.partition("[")[0]
        stored = float(np.median([each.survey.stored_magnitude for each in found]))
        middle = next((each.survey.middle for each in found if each.survey.middle), None)
        advice = _advice(first, stored)
        if middle is not None:
            advice = f"the values lie around {middle}, as of a sensor whose zero is there; subtract that from all"
        raise InputError(
            f"{where}: in {first.unit} its median acceleration is {usual:.4g} g, at rest it is 1; {advice}"
        )
    return [replace(each, notes=(*each.notes, *_of_gravity(each.survey))) for each in found]


def _advice(rows: MotionRows, stored: float) -> str:
    """What would make gravity about 1 g, by the median magnitude as it is stored."""
    unit, plain = likely_unit(stored), set(rows.units[:3]) == {1.0}
    if unit is not None and (unit != rows.unit or not plain):
        scale = "" if plain else " --scale 1"
        return f"the values look like {unit}: say --unit {unit}{scale}"
    steps = likely_steps(stored)
    if steps is not None and (rows.unit, rows.units[0]) != ("g", 1 / steps):
        also = ",Y (deg/s in a step)" if len(rows.units) == 6 else ""
        return f"the values look like steps of a sensor, {steps} a g: say --unit g --scale 1/{steps}{also}"
    return "correct the unit or the scale; gravity must be in it"


def _of_gravity(survey: Survey) -> tuple[str, ...]:
    """Remarks on what gravity makes of the recording, where that is not what it should."""
    if rests_oddly(survey.magnitude_g):
        return (f"rests at {survey.magnitude_g:.2g} g: is the sensor calibrated?",)
    gravity, rest = survey.gravity_g, survey.at_rest_g
    if gravity is not None and gravity < LEAST_GRAVITY * survey.magnitude_g:
        return (f"hardly any gravity in it, {gravity:.2g} g in the mean: was it taken out of the acceleration?",)
    if rest is not None and abs(rest - 1) > OFF_AT_REST:
        return (f"rests at {rest:.2g} g: is that the unit, and is the sensor calibrated?",)
    if gravity is not None and gravity > MOST_GRAVITY:
        return (f"{gravity:.3g} g in the mean, and gravity is 1: is that the unit?",)
    if gravity is not None and survey.magnitude_g < LEAST_USUAL_G:
        return (f"{survey.magnitude_g:.2g} g in the median, and gravity is 1: is that the unit?",)
    return ()


def _notes(stream_format: StreamFormat, timeline: Timeline, survey: Survey, *, rotation_unsaid: bool) -> Iterator[str]:
    rate_hz, wanted_hz = timeline.rate_hz, stream_format.rate_hz
    if rotation_unsaid and survey.may_be_radians:
        yield "rotation taken to be in deg/s: no unit is named, and its values do not tell"
    if timeline.jittered:
        yield "time stamps jitter: interpolated linearly"
    if not _same(rate_hz, wanted_hz):
        above = f", nothing above {rate_hz / 2:g} Hz in it" if rate_hz < wanted_hz else ""
        yield f"{rate_hz:g} Hz resampled to {wanted_hz:g} Hz{above}"
    elif abs(rate_hz - wanted_hz) > 1e-3 * wanted_hz:
        yield f"{rate_hz:g} Hz taken as {wanted_hz:g} Hz"
    yield from timeline.notes
    if timeline.gaps:
        yield f"{timeline.gaps} {'gap' if timeline.gaps == 1 else 'gaps'}, {in_seconds(timeline.lost_s)} missing"
    if survey.clipped:
        yield f"{survey.clipped} samples clipped at the full scale of the plan"
    if survey.pinned:
        yield f"saturated at {' and '.join(survey.pinned)}, below the full scale of the plan"


def _check_rate(rows: MotionRows, stream_format: StreamFormat, rate_hz: float) -> None:
    if not 0 < rate_hz <= MOST_HZ:
        raise InputError(f"{rows.where}: {rate_hz:g} Hz is no rate of motion (up to {MOST_HZ:g}); correct it")
    if rate_hz < LEAST_RATE * stream_format.rate_hz * (1 - SAME_RATE):
        raise InputError(
            f"{rows.where}: at {rate_hz:g} Hz it holds nothing above {rate_hz / 2:g} Hz, and "
            f"{stream_format.rate_hz:g} Hz are wanted; record at {stream_format.rate_hz:g} Hz, "
            f"or plan for {rate_hz:g} Hz"
        )


def _same(a_hz: float, b_hz: float) -> bool:
    return math.isclose(a_hz, b_hz, rel_tol=SAME_RATE)


def _per_unit(stream_format: StreamFormat) -> Values:
    """The plan's counts in one g, and in one degree a second, of each axis."""
    assert stream_format.counts_per_g is not None
    return np.array([stream_format.counts_per_g] * 3 + [stream_format.counts_per_dps or 1.0] * 3)[
        : stream_format.columns
    ]


def _counts_per_value(rows: MotionRows, stream_format: StreamFormat) -> Values:
    if rows.unit == "counts":
        return np.array(rows.units)
    in_g = np.array([IN_G[rows.unit]] * 3 + [1.0] * 3)[: stream_format.columns]
    return np.array(rows.units) * in_g * _per_unit(stream_format)


def _limits(rows: MotionRows, stream_format: StreamFormat) -> Values:
    """Counts at which the plan's sensor clips; counts in files are not clipped again."""
    assert stream_format.full_scale_g is not None and stream_format.counts_per_g is not None
    full = (
        32768.0
        if rows.unit == "counts"
        else min(32768.0, np.rint(stream_format.full_scale_g * stream_format.counts_per_g))
    )
    return np.array([full] * 3 + [32768.0] * 3)[: stream_format.columns]
