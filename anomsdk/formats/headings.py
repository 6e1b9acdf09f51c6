"""Headings of columns: which axis, which unit, which time; in the spellings that loggers use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from anomsdk.errors import InputError, printable, quoted
from anomsdk.wanted import AXES

_UNITS = {
    "g": "g",
    "mg": "mg",
    **dict.fromkeys(("m/s2", "m/s^2", "m/s²", "m/s/s", "ms2", "ms-2", "m_s2", "mps2", "m/s**2", "m_s_2"), "m/s2"),
    **dict.fromkeys(("counts", "count", "lsb", "raw"), "counts"),
    **dict.fromkeys(("deg/s", "dps", "°/s", "deg_s", "degs", "degps", "deg_per_s"), "deg/s"),
    **dict.fromkeys(("rad/s", "rad_s", "rads", "radps", "rps"), "rad/s"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "µs", "usec", "micros", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), "ns"),
}
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_TIMES = {"t", "time", "timestamp", "times", "timestamps", "datetime", "date_time", "epoch", "elapsed", "unix", "ts"}
_TIMES |= {"time_stamp", "unix_time", "unixtime", "epoch_time", "elapsed_time", "sensor_time", "seconds_elapsed"}
_ACCELERATION = ("a", "acc", "accel", "acceleration", "accelerometer", "accelero")
_ROTATION = ("g", "gyr", "gyro", "gyroscope", "rot", "rotation", "rotationrate", "angularvelocity", "w", "omega")
_SPELLINGS = {
    **{f"{word}{axis}": f"a{axis}" for word in _ACCELERATION for axis in "xyz"},
    **{f"{axis}{word}": f"a{axis}" for word in _ACCELERATION[1:] for axis in "xyz"},
    **{f"{word}{axis}": f"g{axis}" for word in _ROTATION for axis in "xyz"},
    **{f"{axis}{word}": f"g{axis}" for word in _ROTATION[1:] for axis in "xyz"},
}
_BARE = {spelt: f"a{axis}" for axis in "xyz" for spelt in (axis, f"{axis}axis", f"axis{axis}")}


def unit_in(heading: str) -> tuple[str, str | None]:
    """A heading without its unit, and the unit.

    Examples
    --------
    >>> unit_in("ax [m/s^2]"), unit_in("Accel_X_mg"), unit_in("time")
    (('ax', 'm/s2'), ('accel_x', 'mg'), ('time', None))
    """
    text = heading.strip().lower()
    if found := re.fullmatch(r"(.*?)\s*[\[({]\s*([^\[\](){}]+?)\s*[\])}]", text):
        return found[1].strip(" _-."), _UNITS.get(found[2])
    for spelt in sorted(_UNITS, key=len, reverse=True):
        for between in ("_", " ", "-", "."):
            if text.endswith(between + spelt) and len(text) > len(between + spelt):
                return text.removesuffix(between + spelt), _UNITS[spelt]
    return text, None


def axis_of(heading: str) -> tuple[str | None, bool]:
    """Which axis a heading names, and whether nothing else stands before it.

    Examples
    --------
    >>> axis_of("acc_x [g]"), axis_of("Gyroscope Y"), axis_of("waist_az"), axis_of("mx")
    (('ax', True), ('gy', True), ('az', False), (None, False))
    """
    words = re.findall(r"[a-z0-9]+", unit_in(heading)[0])
    whole = "".join(words)
    for known in (_SPELLINGS, _BARE):
        if whole in known:
            return known[whole], True
    for n in (2, 1):
        if len(words) > n and (axis := _SPELLINGS.get("".join(words[-n:]))):
            return axis, False
    return None, False


def axis_columns(names: Sequence[str], chosen: Sequence[str], n_axes: int, where: str) -> list[int]:
    """Columns of ax, ay, az[, gx, gy, gz].

    Parameters
    ----------
    names : headings; empty ones where there are none
    chosen : names or numbers from 1 that somebody gave, in this order; none: by the headings

    Raises
    ------
    InputError : an axis is missing, or several columns could be it
    """
    if chosen:
        return [column_of(names, each, "--axes", where) for each in chosen]
    found = {axis: [column for column, name in enumerate(names) if axis_of(name)[0] == axis] for axis in AXES[:n_axes]}
    for axis, columns in found.items():
        exact = [column for column in columns if axis_of(names[column])[1]]
        found[axis] = exact if len(exact) == 1 else columns
        if len(found[axis]) > 1:
            several = _listed(names[column] for column in found[axis])
            raise InputError(f"{where}: {axis} could be {several}; choose with --axes NAME,NAME,...")
    if missing := [axis for axis, columns in found.items() if not columns]:
        there = _listed(names) or "no headings"
        raise InputError(f"{where}: no column {', '.join(missing)} (there is {there}); name the columns with --axes")
    return [columns[0] for columns in found.values()]


def time_column(names: Sequence[str], where: str) -> int:
    """The column of time stamps.

    Raises
    ------
    InputError : there is none, or several could be it
    """
    found = times_named(names)
    if not found:
        there = _listed(names) or "no headings"
        raise InputError(
            f"{where}: no column of time (there is {there}); name it time, say --time NAME, or --rate HZ where "
            "rows are even"
        )
    if len(found) > 1:
        several = _listed(names[column] for column in found)
        raise InputError(f"{where}: the time could be {several}; choose with --time NAME")
    return found[0]


def times_named(names: Sequence[str]) -> list[int]:
    """Columns whose heading says that they are the time."""
    bare = [unit_in(name)[0] for name in names]
    return [i for i, name in enumerate(bare) if name.replace(" ", "_") in _TIMES or name in TIME_UNITS]


def is_sensor(heading: str) -> bool:
    """Whether a heading names an accelerometer or gyroscope, and no axis of it.

    Examples
    --------
    >>> is_sensor("acc [g]"), is_sensor("Gyroscope"), is_sensor("acc_x"), is_sensor("g")
    (True, True, False, False)
    """
    words = re.findall(r"[a-z0-9]+", unit_in(heading)[0])
    return len("".join(words)) > 2 and "".join(words[-1:]) in (*_ACCELERATION[1:], *_ROTATION[1:])


def column_of(names: Sequence[str], name: str, option: str, where: str) -> int:
    """The column that an option names, or numbers from 1."""
    same = [column for column, each in enumerate(names) if each.strip().lower() == name.strip().lower()]
    if len(same) == 1:
        return same[0]
    if not same and name.isdecimal() and 1 <= int(name) <= len(names):
        return int(name) - 1
    there = _listed(names) or f"{len(names)} columns without names"
    what = "several columns are" if same else "no column is"
    raise InputError(f"{where}: {what} {printable(name)}; {option} takes one of {there}, or a number from 1")


def _listed(names: Iterable[str]) -> str:
    """Headings for a message, shortened."""
    return quoted(", ".join(quoted(name) for name in names if name), 200)


def said_unit(names: Sequence[str]) -> str | None:
    """The unit that the headings of accelerometer columns agree on."""
    units = {unit_in(name)[1] for name in names}
    return units.pop() if len(units) == 1 else None
