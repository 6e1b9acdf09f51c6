"""Tables with a column of time and a column an axis, .csv and .parquet: which column is what, and in which unit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.formats.headings import TIME_UNITS, axis_columns, column_of, said_unit, time_column, unit_in
from anomsdk.formats.motion import MotionRows
from anomsdk.formats.stamps import Stamped, usual_step
from anomsdk.wanted import AXES, UNITS, Reading, Wanted

BATCH_ROWS = 16_384
_EPOCHS_S = (946_684_800.0, 4_102_444_800.0)
"""The years 2000 to 2100."""
_LONGEST_STEP, _SHORTEST_STEP = 1e20, 1e-20
"""Between these lies any step of time, in seconds to nanoseconds."""
_RATES = (0.4, 8.0)
"""A rate of this many times the wanted one is believed of time stamps that do not say their unit."""

Times = NDArray[Any]
"""float64 in a unit to be found out, or int64 nanoseconds of dates."""


@dataclass(frozen=True)
class Table:
    """A file of rows and columns.

    Parameters
    ----------
    name, where : what people and messages call it
    names : headings, empty where there are none
    read : read(time, columns) yields (stamps (n,), values float64 (n, columns)); damaged cells are refused
    row_name : what messages call the row with an index from 0
    """

    name: str
    where: str
    names: tuple[str, ...]
    read: Callable[[int, Sequence[int]], Iterator[tuple[Times, NDArray[np.float64]]]]
    row_name: Callable[[int], str]


def table_motion(table: Table, wanted: Wanted, reading: Reading) -> MotionRows:
    """Find axes, units and time, and read the first rows.

    Raises
    ------
    InputError : a column, the unit or the unit of time is not clear
    """
    names, where = table.names, table.where
    columns = axis_columns(names, reading.axes, wanted.columns, where)
    chosen, _, given = (reading.time or "").rpartition(":") if _has_unit(reading) else (reading.time or "", "", "")
    time = column_of(names, chosen, "--time", where) if chosen else time_column(names, where)
    if time in columns:
        raise InputError(f"{where}: {quoted(names[time] or time + 1)} is the time and an axis; correct --axes")
    unit, units, notes = _units([names[column] for column in columns], reading, where)
    first = next(table.read(time, columns), None)
    if first is None:
        raise InputError(f"{where}: there are no samples in it; record it again or leave it out")
    factor, note = _time_factor(names[time], given, first[0], wanted.rate_hz, where)
    origin = first[0][0]

    def read() -> Iterator[Stamped]:
        for stamps, values in table.read(time, columns):
            yield _seconds(stamps, origin, factor), values

    return MotionRows(
        table.name, where, unit, units, None, stamped=True, read=read, row_name=table.row_name, notes=(*notes, *note)
    )


def _seconds(stamps: Times, origin: Any, factor: float) -> NDArray[np.float64]:
    """Seconds since the first stamp; infinite where the difference is beyond what 64 bits hold."""
    if stamps.dtype == np.int64:
        apart = stamps - origin  # wraps, and then it has the sign of neither
        wrapped = ((stamps ^ origin) & (stamps ^ apart)) < 0
        return np.where(wrapped, np.inf, apart * factor)
    with np.errstate(over="ignore"):
        return (stamps - origin) * factor


def _has_unit(reading: Reading) -> bool:
    return reading.time is not None and reading.time.rpartition(":")[2] in TIME_UNITS and ":" in reading.time


def _units(names: Sequence[str], reading: Reading, where: str) -> tuple[str, tuple[float, ...], tuple[str, ...]]:
    """Unit of the accelerometer, what one of a stored value is of each axis, and remarks."""
    said = said_unit(names[:3])
    unit = reading.unit or (said if said in UNITS else None)
    if unit is None:
        raise InputError(
            f"{where}: does not say its unit; say --unit {'|'.join(UNITS)}, or name the columns ax_g or so"
        )
    scale = reading.scale * len(names) if len(reading.scale) == 1 else reading.scale or (1.0,) * len(names)
    if len(scale) != len(names):
        raise InputError(
            f"{where}: {len(scale)} scales for {len(names)} axes; give --scale one number, or {len(names)}"
        )
    rotation = said_unit(names[3:])
    if rotation == "rad/s" and unit != "counts":
        scale = (*scale[:3], *(math.degrees(each) for each in scale[3:]))
        return unit, scale, ("rad/s turned into deg/s",)
    if rotation not in (None, "deg/s", "counts"):
        raise InputError(f"{where}: {AXES[3]} is in {rotation}, and rotation is deg/s; rename or convert the columns")
    return unit, scale, ()


def _time_factor(name: str, given: str, stamps: Times, wanted_hz: float, where: str) -> tuple[float, tuple[str, ...]]:
    """Seconds in one of a stored time, and how that is known when nobody said it."""
    if stamps.dtype == np.int64:
        return 1e-9, ()
    bare, said = unit_in(name)
    said = given or said or (unit_in(f"t_{bare}")[1] if bare in TIME_UNITS else None) or ""
    if said in TIME_UNITS:
        return TIME_UNITS[said], ()
    if len(stamps) < 2:
        raise InputError(f"{where}: a single row has no rate; record more, or leave it out")
    with np.errstate(over="ignore"):
        steps = np.diff(stamps)
    if not (np.abs(steps) < _LONGEST_STEP).all():
        raise InputError(f"{where}: times that are {_LONGEST_STEP:.0e} apart and more; correct the column of times")
    step = usual_step(np.abs(steps))
    rates = {unit: 1 / (step * seconds) / wanted_hz for unit, seconds in TIME_UNITS.items() if step > _SHORTEST_STEP}
    low, high = _EPOCHS_S
    epochs = [u for u, s in TIME_UNITS.items() if low <= abs(stamps[0]) * s <= high and 0.01 <= rates.get(u, 0) <= 1000]
    near = [u for u, ratio in rates.items() if _RATES[0] <= ratio <= _RATES[1]]
    numbered = bool((steps == 1).all()) and not epochs
    found = epochs or near
    if len(found) != 1 or numbered:
        shown = quoted(name) or "--time"
        raise InputError(
            f"{where}: times in steps of {step:.6g} and no unit: say which, e.g. --time {shown}:ms; they are no "
            "numbers of samples"
        )
    return TIME_UNITS[found[0]], (f"time in {found[0]}, by its values",)
