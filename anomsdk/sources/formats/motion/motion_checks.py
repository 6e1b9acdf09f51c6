"""Checks of a recording of motion that is read once: plausible values, unit, axes and rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, parameter, quoted
from anomsdk.sources.formats.motion.columns import Columns
from anomsdk.sources.formats.motion.motion_rows import (
    SAME_RATE,
    MotionRecording,
    MotionRows,
    counts_per_unit,
    same_rate,
)
from anomsdk.sources.formats.motion.survey import (
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
from anomsdk.sources.formats.tables.units import OFTEN_RADIANS, likely_steps, rotation_choice
from anomsdk.sources.formats.timing.gaps import in_seconds
from anomsdk.sources.formats.timing.timeline import Timeline
from anomsdk.sources.formats.timing.timestamps import StampSurvey
from anomsdk.sources.stream_format import AXES, IN_G, StreamFormat

Values = NDArray[np.float64]
LEAST_RATE = 0.5
"""Least rate of a file, as a share of the plan's: a lower one lacks frequencies that the plan needs."""
MOST_HZ = 100_000.0
"""Highest rate of motion, in rows a second."""
_LARGEST = 1e9
"""Largest value, in g or in degrees a second, with which statistics are computed; a larger one is damage."""


class Checks:
    """Checks of a recording while it is read once: values, stamps, unit, axes and rate.

    Parameters
    ----------
    rows : rows of the recording
    stream_format : format that the pipeline takes
    max_bridge : missing samples, as `anomsdk.sources.stream_format.ReadOptions`
    """

    def __init__(self, rows: MotionRows, stream_format: StreamFormat, max_bridge: int) -> None:
        self.rows, self._stream_format = rows, stream_format
        in_units, limits = np.array(rows.units), np.array([np.inf] * len(rows.units))
        if rows.unit != "counts":
            in_units[:3] *= IN_G[rows.unit]
            limits = np.array([stream_format.full_scale_g] * 3 + [32767.5 / (stream_format.counts_per_dps or 1)] * 3)[
                : len(in_units)
            ]
        else:
            in_units /= counts_per_unit(stream_format)
        self._in_units = in_units
        self.survey = Survey(in_units, limits)
        self._stamps = StampSurvey(rows.where, rows.row_name, stream_format.rate_hz, max_bridge, stream_format.pause_s)

    def take(self, stamps: Values, values: NDArray[Any]) -> None:
        """Take the next rows.

        Raises
        ------
        InputError : damaged values or stamps
        """
        if len(values):
            columns = Columns.of(values)
            _check_values(columns, self.survey.rows, self._in_units, self.rows, exact=values.dtype == np.int16)
            self.survey.push(columns)
        if self.rows.stamped:
            self._stamps.push(stamps, values)

    @property
    def begun(self) -> bool:
        """Tell whether enough rows were taken to find out the kind of the stamps; True where there are none."""
        return not self.rows.stamped or self._stamps.begun

    def expected(self) -> Timeline | None:
        """Return the timeline of the recording if it goes on as it began; None where too few rows tell it."""
        return self._stamps.expected() if self.rows.stamped else Timeline(self._rate_hz)

    @property
    def _rate_hz(self) -> float:
        return self._stream_format.rate_hz if self.rows.rate_hz is None else self.rows.rate_hz

    def finish(self) -> MotionRecording:
        """End the recording, and return it with what was found.

        Raises
        ------
        InputError : no samples, implausible values or stamps, too low a rate, too many missing samples, an axis that
            never changes, or an unclear unit of the gyroscope
        """
        rows, stream_format, survey = self.rows, self._stream_format, self.survey
        _check_survey(rows, survey)
        timeline = self._stamps.timeline() if rows.stamped else Timeline(self._rate_hz)
        _check_rate(rows, stream_format, timeline.rate_hz)
        found = _notes(stream_format, timeline, survey, rotation_unsaid=rows.rotation_unsaid is not None)
        return MotionRecording(rows, stream_format, timeline, survey, rows.notes + tuple(found), rows.start_ns())


def _check_survey(rows: MotionRows, survey: Survey) -> None:
    """Refuse a recording for the statistics of all its values."""
    if not survey.rows:
        raise InputError(f"{rows.where}: there are no samples in it; record it again or leave it out")
    if survey.damage is not None and not rests_oddly(survey.magnitude_g):
        row, axis = survey.damage
        most, unit = (MOST_G, "g") if axis < 3 else (MOST_DPS, "deg/s")
        raise InputError(
            f"{rows.where}, {rows.row_name(row)}: {AXES[axis]} is more than {most:g} {unit}, which no sensor gives; "
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
            f"{rows.where}: {quoted(rows.rotation_unsaid)} has no unit, and its values ({why}) are hardly deg/s; "
            f"{rotation_choice(rows.unit)}, with {parameter('scale', '1,Y')} where they are steps of Y"
        )
    if rows.rotation_unsaid is not None and survey.may_be_radians and OFTEN_RADIANS.search(rows.rotation_unsaid):
        raise InputError(
            f"{rows.where}: {quoted(rows.rotation_unsaid)} has no unit, is often rad/s, and its values do not tell; "
            f"{rotation_choice(rows.unit)}"
        )
    if survey.stuck:
        axes = " and ".join(survey.stuck)
        raise InputError(
            f"{rows.where}: {axes} never changed while the others did; repair the sensor, or leave out the recording"
        )


def _check_values(columns: Columns, done: int, in_units: Values, rows: MotionRows, *, exact: bool) -> None:
    """Refuse values that are no numbers, and values of which statistics would not be finite.

    Parameters
    ----------
    columns : values of the next rows
    done : number of rows before them
    in_units : size of one stored step of each axis, in g and in degrees a second
    rows : rows of the recording
    exact : values are int16 counts, among which nothing marks a missing value
    """
    if not (np.isfinite(columns.low).all() and np.isfinite(columns.high).all()):
        bad = ~np.isfinite(columns.values).all(axis=0)
        row = rows.row_name(done + int(bad.argmax()))
        raise InputError(f"{rows.where}, {row}: not a number; leave such rows out, the gap is found by the time")
    if not exact and (bits := unsigned_bits(columns)) is not None:
        raise InputError(
            f"{rows.where}: integers of {bits} bits that were printed without their sign (up to {2**bits - 1}); "
            f"subtract {2**bits} from those above {2 ** (bits - 1) - 1}"
        )
    with np.errstate(over="ignore"):
        if max(np.abs(columns.low * in_units).max(), np.abs(columns.high * in_units).max()) > _LARGEST:
            beyond = (np.abs(columns.values.T * in_units) > _LARGEST).any(axis=1)
            row = rows.row_name(done + int(beyond.argmax()))
            what = f"more than {_LARGEST:.0e} g or deg/s; correct the value or the scale"
            raise InputError(f"{rows.where}, {row}: {what}")
    if not exact and (mark := missing_mark(columns)) is not None:
        row, value = rows.row_name(done + mark[0]), columns.values[mark[1], mark[0]]
        raise InputError(
            f"{rows.where}, {row}: {AXES[mark[1]]} is {value:g}, which marks a missing value; remove such rows: "
            "the gap is found by the time"
        )


def check_unit(found: list[MotionRecording]) -> list[MotionRecording]:
    """Check the unit of the recordings of one file, by gravity; add a note to a single one that rests oddly.

    Parameters
    ----------
    found : recordings in one unit

    Returns
    -------
    found : the same recordings, with notes

    Raises
    ------
    InputError : in this unit, their usual magnitude cannot be that of gravity
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
    """Say which unit or scale would make gravity about 1 g, by the median magnitude as stored."""
    unit, plain = likely_unit(stored), set(rows.units[:3]) == {1.0}
    if unit is not None and (unit != rows.unit or not plain):
        scale = "" if plain else f" and {parameter('scale', '1')}"
        return f"the values look like {unit}: give {parameter('unit', unit)}{scale}"
    steps = likely_steps(stored)
    if steps is not None and (rows.unit, rows.units[0]) != ("g", 1 / steps):
        scale = parameter("scale", f"1/{steps}")
        if len(rows.units) == 6:
            scale = f"{parameter('scale', f'1/{steps},Y')} (Y: deg/s in a step)"
        return f"the values look like steps of a sensor, {steps} a g: give {parameter('unit', 'g')} and {scale}"
    return "correct `unit` or `scale`; the acceleration must include gravity"


def _of_gravity(survey: Survey) -> tuple[str, ...]:
    """Note what is odd about gravity in a recording."""
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
        yield "rotation is assumed to be in deg/s: no unit is named, and its values do not tell"
    if timeline.jittered:
        yield "time stamps jitter: interpolated linearly"
    if not same_rate(rate_hz, wanted_hz):
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
        raise InputError(f"{rows.where}: {rate_hz:g} Hz is no rate of motion (at most {MOST_HZ:g} Hz); correct it")
    if rate_hz < LEAST_RATE * stream_format.rate_hz * (1 - SAME_RATE):
        raise InputError(
            f"{rows.where}: at {rate_hz:g} Hz it holds nothing above {rate_hz / 2:g} Hz, and "
            f"the plan needs {stream_format.rate_hz:g} Hz; record at {stream_format.rate_hz:g} Hz, "
            f"or plan for {rate_hz:g} Hz"
        )
