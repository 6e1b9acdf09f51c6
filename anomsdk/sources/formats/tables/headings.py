"""Headings of columns of motion: the axis and the unit that they name, in the spellings that loggers use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.formats.tables.units import LONG_TIME_UNITS, unit_of
from anomsdk.sources.stream_format import AXES

_ACCELERATION = ("a", "acc", "accel", "acceleration", "accelerometer", "accelero")
_ROTATION = ("g", "gyr", "gyro", "gyroscope", "rot", "rotation", "rotationrate", "angularvelocity", "w", "omega")
_SPELLINGS = {
    **{f"{word}{axis}": f"a{axis}" for word in _ACCELERATION for axis in "xyz"},
    **{f"{axis}{word}": f"a{axis}" for word in _ACCELERATION[1:] for axis in "xyz"},
    **{f"{word}{axis}": f"g{axis}" for word in _ROTATION for axis in "xyz"},
    **{f"{axis}{word}": f"g{axis}" for word in _ROTATION[1:] for axis in "xyz"},
}
_TOTAL_FORCE = {f"{word}{axis}": f"a{axis}" for word in ("gf", "gforce") for axis in "xyz"}
"""Names of force in g, which includes gravity."""
_TOTAL = {
    **_TOTAL_FORCE,
    **{
        f"{word}{axis}": f"a{axis}"
        for word in ("accelerationincludinggravity", "accincludinggravity")
        for axis in "xyz"
    },
}
"""Names of acceleration with gravity; columns beside it may be without gravity."""
_WITHOUT_GRAVITY = {"linear", "lin", "user", "linacc", "dynamic", "dyn", "nograv", "nogravity", "gravityfree"}
_WITHOUT_GRAVITY |= {"useracceleration", "linearacceleration", "useraccel", "linaccel", "freeacc", "lacc"}
_WITHOUT_GRAVITY_TEXT = re.compile(
    r"with?out[ _-]*(g\b|grav)|no[ _-]*grav|grav\w*[ _-]*(removed|free|comp)|minus[ _-]*grav"
)
_IN_BRACKETS = re.compile(r"[\[({]\s*([^\[\](){}]+?)\s*[\])}]")
_BETWEEN = " _-.,:/|\t"
_STEPS = {"raw", "lsb", "lsbs", "counts", "count", "adc"}
_NO_UNITS = {*"xyz", *"012", "i", "j", "k"}
"""Text in brackets that is no unit but an axis."""
_RANGES = {"ln", "wr", "lownoise", "widerange"}
"""Names of one of two accelerometers: low noise, wide range."""
_CALIBRATED = {"cal", "calibrated"}
"""Words of Shimmer and others behind an axis whose values are calibrated."""
_BARE = {spelt: f"a{axis}" for axis in "xyz" for spelt in (axis, f"{axis}axis", f"axis{axis}")}


def unit_in(heading: str) -> tuple[str, str | None]:
    """Divide a heading into its lower-case name and its unit; None for no unit.

    Examples
    --------
    >>> unit_in("ax [m/s^2]"), unit_in("Accel_X_mg"), unit_in("time")
    (('ax', 'm/s2'), ('accel_x', 'mg'), ('time', None))
    """
    bare, unit = _split(heading)
    return bare.lower(), unit


def said_by(heading: str) -> str | None:
    """Find the unit that a heading states: as `unit_of` spells it, in quotes if unknown, None if there is none.

    Examples
    --------
    >>> said_by("gx (radians/sec)"), said_by("RawGyroX"), said_by("gx [furlong/h]"), said_by("gx")
    ('rad/s', 'counts', "'furlong/h'", None)
    """
    bare, unit = _split(heading)
    if unit is not None:
        return unit
    if _STEPS & set(_words(bare)):
        return "counts"
    if "".join(_words(bare)) in _TOTAL_FORCE:
        return "g"
    unknown = [each for each in _IN_BRACKETS.findall(heading) if each.strip().lower() not in _NO_UNITS]
    return repr(quoted(unknown[-1].strip(), 20)) if unknown else None


def _split(heading: str) -> tuple[str, str | None]:
    """Divide a heading into its name, as it is written, and its unit."""
    text = heading.strip()
    found = list(_IN_BRACKETS.finditer(text))
    for each in reversed(found):
        if (unit := unit_of(each[1])) is not None:
            return (text[: each.start()] + text[each.end() :]).strip(_BETWEEN), unit
    if found and found[-1].end() == len(text) and found[-1][1].strip().lower() not in _NO_UNITS:
        return text[: found[-1].start()].strip(_BETWEEN), None
    for at in (each.start() for each in re.finditer(rf"[{re.escape(_BETWEEN)}]+", text)):
        after = text[at:].strip(_BETWEEN)
        if text[:at].strip(_BETWEEN) and (unit := unit_of(after)) is not None and unit not in LONG_TIME_UNITS:
            return text[:at].strip(_BETWEEN), unit
    return text, None


def _words(heading: str) -> list[str]:
    """Divide a heading into lower-case words, at signs and capitals."""
    return [each.lower() for each in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", heading)]


def axis_of(heading: str) -> tuple[str | None, bool]:
    """Find the axis that a heading names, and whether the heading names nothing else.

    Examples
    --------
    >>> axis_of("acc_x [g]"), axis_of("Gyroscope Y"), axis_of("waist_az"), axis_of("mx")
    (('ax', True), ('gy', True), ('az', False), (None, False))
    """
    bare = _IN_BRACKETS.sub(lambda each: each[1] if each[1].strip().lower() in _NO_UNITS else " ", _split(heading)[0])
    words = re.findall(r"[a-z0-9]+", bare.lower())
    while len(words) > 1 and words[-1] in _WITHOUT_GRAVITY | _CALIBRATED:
        words.pop()
    whole = "".join(words)
    for known in (_SPELLINGS, _BARE, _TOTAL):
        if whole in known:
            return known[whole], True
    split = _words(bare)
    extra = (
        _STEPS
        | _RANGES
        | _CALIBRATED
        | (_WITHOUT_GRAVITY | {"without", "no", "gravity", "removed", "free"} if without_gravity(heading) else set())
    )
    for some in (words, split, [each for each in split if each not in extra]):
        if "gravity" in some and "including" not in some and "with" not in some and not without_gravity(heading):
            return None, False  # the direction of gravity, and no movement
        for n in (3, 2, 1):
            if len(some) >= n + (some in (words, split)) and (axis := (_SPELLINGS | _TOTAL).get("".join(some[-n:]))):
                return axis, False
    return None, False


def without_gravity(heading: str) -> bool:
    """Tell whether a heading says that gravity was removed from the acceleration.

    Examples
    --------
    >>> [without_gravity(each) for each in ("Linear Acceleration x (m/s^2)", "userAcceleration.x", "acc_x")]
    [True, True, False]
    """
    words = {*_words(heading), *re.findall(r"[a-z0-9]+", heading.lower())}
    joined = "".join(_words(heading))
    named = any(joined.startswith(each) for each in ("linacc", "linearacc", "useracc"))
    return bool(words & _WITHOUT_GRAVITY) or named or _WITHOUT_GRAVITY_TEXT.search(heading.lower()) is not None


def _says_total(heading: str) -> bool:
    """Tell whether a heading says that the acceleration includes gravity."""
    joined = re.sub(r"[^a-z0-9]", "", unit_in(heading)[0])
    return any(each in joined for each in _TOTAL) or re.search(
        r"(including|incl|with)[ _-]*g(rav|\b)|total|gforce", " ".join(_words(heading))
    ) is not None  # fmt: skip


def axis_columns(names: Sequence[str], chosen: Sequence[str], n_axes: int, where: str) -> list[int]:
    """Find the columns of ax, ay, az[, gx, gy, gz].

    Parameters
    ----------
    names : headings, "" for a column without one
    chosen : `ReadOptions.axes`: headings or numbers from 1, in the order of the axes; empty: by the headings
    n_axes : 3 or 6
    where : name of the file in messages

    Raises
    ------
    InputError : an axis is missing, several columns could be it, or gravity was removed from them
    """
    if chosen:
        return [column_of(names, each, "axes", where) for each in chosen]
    found = {axis: [column for column, name in enumerate(names) if axis_of(name)[0] == axis] for axis in AXES[:n_axes]}
    total = {axis: [column for column in found[axis] if _says_total(names[column])] for axis in AXES[:3]}
    if all(total.values()):
        found |= total
    for axis in AXES[:3]:
        linear = [column for column in found[axis] if without_gravity(names[column])]
        if linear and len(linear) == len(found[axis]):
            raise InputError(
                f"{where}: {quoted(names[linear[0]])} is acceleration without gravity, and the plan needs gravity; "
                "record the accelerometer itself (if gravity is in it all the same, name the columns with `axes`)"
            )
        found[axis] = [column for column in found[axis] if column not in linear]
    for axis, columns in found.items():
        exact = [column for column in columns if axis_of(names[column])[1]]
        found[axis] = exact if len(exact) == 1 else columns
        if len(found[axis]) > 1:
            several = listed(names[column] for column in found[axis])
            raise InputError(f"{where}: {axis} could be {several}; name the columns with `axes`")
    if missing := [axis for axis, columns in found.items() if not columns]:
        there = listed(names) or "no headings"
        raise InputError(f"{where}: no column {', '.join(missing)} (there is {there}); name the columns with `axes`")
    return [columns[0] for columns in found.values()]


def is_sensor(heading: str) -> bool:
    """Tell whether a heading names an accelerometer or gyroscope, but no axis of it.

    Examples
    --------
    >>> is_sensor("acc [g]"), is_sensor("Gyroscope"), is_sensor("acc_x"), is_sensor("g")
    (True, True, False, False)
    """
    words = re.findall(r"[a-z0-9]+", unit_in(heading)[0])
    return len("".join(words)) > 2 and "".join(words[-1:]) in (*_ACCELERATION[1:], *_ROTATION[1:])


def column_of(names: Sequence[str], name: str, option: str, where: str) -> int:
    """Find the column that an option names, by its heading or by its number from 1.

    Parameters
    ----------
    names : headings, "" for a column without one
    name : value of the option
    option : field of `ReadOptions`, for messages
    where : name of the file in messages

    Raises
    ------
    InputError : no column, or several, are named so
    """
    same = [column for column, each in enumerate(names) if each.strip().lower() == name.strip().lower()]
    if not same:  # a sign of a comment before the headings is not part of them
        same = [column for column, each in enumerate(names) if each.strip().lower() == name.lower().lstrip(" #%")]
    if len(same) == 1:
        return same[0]
    if not same and name.isdecimal() and 1 <= int(name) <= len(names):
        return int(name) - 1
    there = listed(names) or f"{len(names)} columns without names"
    what = "several columns are" if same else "no column is"
    raise InputError(f"{where}: {what} {printable(name)}; `{option}` takes one of {there}, or a number from 1")


def listed(names: Iterable[str]) -> str:
    """List headings for a message, shortened."""
    return quoted(", ".join(quoted(name) for name in names if name), 200)


def left_out(names: Sequence[str], columns: Sequence[int]) -> tuple[str, ...]:
    """Note that columns of acceleration without gravity stand beside those that were taken."""
    others = [name for at, name in enumerate(names) if at not in columns and (axis_of(name)[0] or "")[:1] == "a"]
    beside = [name for name in others if without_gravity(name) or _says_total(names[columns[0]])]
    if not beside:
        return ()
    return (f"acceleration taken from {quoted(names[columns[0]])} and so on; {quoted(beside[0])} has no gravity in it",)
