"""Words for units in the spellings that loggers use, and the unit of each sensor of a recording."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from anomsdk.errors import InputError, parameter, quoted
from anomsdk.sources.stream_format import IN_DPS, IN_G, UNITS, ReadOptions, StreamFormat

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Short units of time, in seconds."""
LONG_TIME_UNITS = {"min": 60.0, "h": 3600.0, "d": 86_400.0}
"""Long units of time, in seconds: a heading names them in brackets only; `ReadOptions.time` takes them, too."""
MORE_IN_G = {"mm/s2": ("m/s2", 1e-3), "cm/s2": ("m/s2", 1e-2), "ug": ("mg", 1e-3), "ft/s2": ("m/s2", 0.3048)}
"""Units of acceleration that are converted -> the unit that they are converted to, and their size in it."""
_ROTATION = {"degps": "deg/s", "dps": "deg/s", "degs": "deg/s", "mdps": "mdeg/s", "mdegps": "mdeg/s"}
_ROTATION |= {"radps": "rad/s", "rads": "rad/s", "mradps": "mrad/s", "rpm": "rpm", "r/min": "rpm", "revps": "rev/s"}
_ROTATION |= {"rev/min": "rpm", "revmin-1": "rpm", "turns/s": "rev/s", "turn/s": "rev/s"}
_TIMES = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "msecs", "millis", "millisec", "millisecs", "millisecond", "milliseconds"),
    "us": ("us", "usec", "usecs", "micros", "microsec", "microsecs", "microsecond", "microseconds"),
    "ns": ("ns", "nsec", "nsecs", "nanos", "nanosec", "nanosecs", "nanosecond", "nanoseconds"),
    "min": ("min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
}
_ALIASES = {spelt: unit for unit, spellings in _TIMES.items() for spelt in spellings}
_ALIASES |= dict.fromkeys(("ms2", "ms-2", "mps2", "m/s/s", "m/s2", "m/s-2", "m/ss"), "m/s2")
_ALIASES |= dict.fromkeys(("counts", "count", "lsb", "lsbs", "raw", "adc", "digit", "digits", "ticks"), "counts")
_ALIASES |= dict.fromkeys(("g", "gs", "gforce", "g-force", "gee", "gees", "gn", "g0"), "g")
_ALIASES |= dict.fromkeys(("mg", "mgs", "mgee", "milli-g", "millig", "mgn", "mg0"), "mg")
_ALIASES |= dict.fromkeys(("gal", "gals", "cms-2", "cm/s2", "cm/s/s"), "cm/s2")
_ALIASES |= dict.fromkeys(("mms-2", "mm/s2", "mm/s/s"), "mm/s2")
_ALIASES |= {"ug": "ug", "microg": "ug", "ft/s2": "ft/s2", "fts-2": "ft/s2", **_ROTATION}
for _name in ("deg", "mdeg", "rad", "mrad", "rev"):
    _ALIASES |= {f"{_name}/s": f"{_name}/s", f"{_name}s-1": f"{_name}/s", f"{_name}.s-1": f"{_name}/s"}
_SUBSTITUTES = (
    *(("â°", "deg"), ("â²", "2"), ("âµ", "u"), ("°", "deg"), ("º", "deg"), ("˚", "deg"), ("\ufffd/s", "deg/s")),
    *(("m/s\ufffd", "m/s2"), ("\ufffds", "us"), ("\ufffdg", "ug"), ("μ", "u"), ("−", "-"), ("–", "-"), ("**", "")),
    *(("^", ""), ("∕", "/"), ("⁄", "/"), ("·", " "), ("⋅", " "), ("∙", " "), ("•", " "), ("*", " "), ("_", " ")),
)
"""Substitutes for signs in lower-case text; a sign of Latin-1 that was read as UTF-8 is U+FFFD."""
_WORDS = (
    (r"\bmetres?\b|\bmeters?\b", "m"),
    (r"\bmillidegrees?\b", "mdeg"),
    (r"\bmilliradians?\b", "mrad"),
    (r"\bdegrees?\b", "deg"),
    (r"\bradians?\b", "rad"),
    (r"\brevolutions?\b|\brevs\b", "rev"),
    (r"\bmilli[ -]g(ravit(y|ies)|s|'s)?\b", "mg"),
    (r"\bg'?s\b|\bstandard gravit(y|ies)\b", "g"),
    (r"\bminutes?\b", "min"),
    (r"(?<=[a-z ])\bper sec(ond)?s? per sec(ond)?s?\b", "/s2"),
    (r"\bper square sec(ond)?\b|\bper sec(ond)?s? squared?\b|/ ?sec(ond)?s? squared?\b", "/s2"),
    (r"\bper\b", "/"),
    (r"(?<=/) ?sec(ond)?s?\b ?\^?2\b", "s2"),
    (r"(?<=/) ?sec(ond)?s?2", "s2"),
    (r"(?<=/) ?sec(ond)?s?\b", "s"),
    (r"(?<=deg|rad|rev|. m) sec(ond)?s?(?= ?-1)", "s"),
)
_ANY_WORD = re.compile("|".join(pattern for pattern, _ in _WORDS))
"""Any of these words; most headings have none."""


OFTEN_RADIANS = re.compile(r"rotation[ _.-]?rate|ang(ular)?[ _.-]?vel", re.IGNORECASE)
"""Headings without a unit that ROS and Core Motion use for rad/s, and others for deg/s."""


def unit_of(word: str) -> str | None:
    """Find the unit that a word means, in this package's spelling; None for any other word.

    Examples
    --------
    >>> [unit_of(word) for word in ("m s⁻²", "radians/sec", "°/s", "LSB", "milliseconds", "furlong")]
    ['m/s2', 'rad/s', 'deg/s', 'counts', 'ms', None]
    """
    text = word.strip().lower()
    for old, new in _SUBSTITUTES[:7]:
        text = text.replace(old, new)
    text = unicodedata.normalize("NFKC", text)
    for old, new in _SUBSTITUTES:
        text = text.replace(old, new)
    text = re.sub(r"(?<=[a-z])\.(?=[a-z])", " ", text)
    for pattern, new in _WORDS if _ANY_WORD.search(text) else ():
        text = re.sub(pattern, new, text)
    return _ALIASES.get(text.replace(" ", ""))


@dataclass(frozen=True)
class SensorUnits:
    """Units of stored values.

    Parameters
    ----------
    unit : unit of the accelerometer, one of `anomsdk.sources.stream_format.UNITS`
    units : size of one stored step of each axis: in ``unit`` for the accelerometer, in degrees a second for the
        gyroscope; in counts where ``unit`` is "counts"
    notes : units that were found or converted, in words
    unsaid : nothing states the gyroscope's unit, and degrees a second are assumed
    """

    unit: str
    units: tuple[float, ...]
    notes: tuple[str, ...] = ()
    unsaid: bool = False


def sensor_units(
    said: Sequence[str | None],
    shown: Sequence[str],
    stored: Sequence[float],
    magnitude: float,
    stream_format: StreamFormat,
    reading: ReadOptions,
    where: str,
    remedy: str = "",
) -> SensorUnits:
    """Find the unit of each sensor: by the options, else by the file.

    Parameters
    ----------
    said : unit that the file states for each axis, as `unit_of` spells it; an unknown unit in quotes; None where it
        states none
    shown : name of each axis in messages
    stored : size of one stored step of each axis, by the file or by `ReadOptions.scale`; 1 where neither states it
    magnitude : median magnitude of the acceleration as stored, for advice
    stream_format : format that the pipeline takes
    reading : options of the caller
    where : name of the file in messages
    remedy : another way to make the unit clear, for messages

    Raises
    ------
    InputError : a unit is missing or unknown, two units are mixed, or steps of a sensor have no scale
    """
    notes = list[str]()
    unit, factor = _acceleration(
        said[:3], shown[:3], magnitude, len(said), stream_format, reading, where, remedy, notes
    )
    scale = [each * factor for each in stored[:3]]
    if len(said) == 3:
        return SensorUnits(unit, tuple(scale), tuple(notes))
    turning, unsaid = _rotation(said[3:], shown[3:], unit, stored, stream_format, reading, where, notes)
    return SensorUnits(unit, (*scale, *(each * turning for each in stored[3:])), tuple(notes), unsaid)


def _acceleration(
    said: Sequence[str | None],
    shown: Sequence[str],
    magnitude: float,
    n_axes: int,
    stream_format: StreamFormat,
    reading: ReadOptions,
    where: str,
    remedy: str,
    notes: list[str],
) -> tuple[str, float]:
    """Find the unit of the accelerometer, and the size in it of the unit that the file states."""
    known = {each for each in said if each is not None}
    one = known.pop() if len(known) == 1 and None not in said else None
    if reading.unit is not None:
        if one is not None and one in (*IN_G, *MORE_IN_G) and one != reading.unit:
            notes.append(f"{one} by its headings, read as {reading.unit}")
        return reading.unit, 1.0
    choice = f"give `unit`, one of {', '.join(UNITS)}"
    if len(known) > 1:
        mixed = " and ".join(f"{name} in {unit}" for name, unit in _two(shown, said))
        raise InputError(f"{where}: {mixed}: one sensor has one unit; correct the headings, or {choice}")
    if one is None:
        raise InputError(f"{where}: does not say its unit; {choice}{remedy}")
    if one == "counts":
        raise InputError(f"{where}: {_steps(shown[0], magnitude, n_axes, stream_format)}")
    if one in MORE_IN_G:
        unit, factor = MORE_IN_G[one]
        notes.append(f"{one} turned into {unit}")
        return unit, factor
    if one not in IN_G:
        raise InputError(f"{where}: {quoted(shown[0])} is in {one}, no known unit of acceleration; {choice}")
    return one, 1.0


def _two(shown: Sequence[str], said: Sequence[str | None]) -> list[tuple[str, str]]:
    """Name the first axis of each of two units, for a message."""
    first = dict[str, str]()
    for name, unit in zip(shown, said, strict=True):
        first.setdefault(unit or "no unit", quoted(name))
    return [(name, unit) for unit, name in first.items()][:2]


def _steps(shown: str, magnitude: float, n_axes: int, stream_format: StreamFormat) -> str:
    """Say what to do about steps of a sensor, which are the plan's counts only if the caller says so."""
    usable = 1 <= magnitude <= 1e9
    scale = f"1/{likely_steps(magnitude) or round(magnitude)}" if usable else "X"
    advice = f"{parameter('unit', 'g')} and {parameter('scale', scale)}"
    if n_axes == 6:
        advice = f"{parameter('unit', 'g,deg/s')} and {parameter('scale', f'{scale},Y')} (g and deg/s in a step)"
    are = "they are the plan's" + (f" ({stream_format.counts_per_g:g} a g)" if stream_format.counts_per_g else "")
    return (
        f"{quoted(shown)} is in steps of a sensor, their median magnitude is {magnitude:.4g}; give {advice}, "
        f"or {parameter('unit', 'counts')} where {are}"
    )


def rotation_choice(unit: str) -> str:
    """Say how to give the unit of the gyroscope beside that of the accelerometer.

    Examples
    --------
    >>> rotation_choice("g")
    "give `unit='g,deg/s'`, or rad/s, mdeg/s, mrad/s, rpm, rev/s in place of deg/s"
    """
    first, *others = IN_DPS
    return f"give {parameter('unit', f'{unit},{first}')}, or {', '.join(others)} in place of {first}"


def likely_steps(magnitude: float) -> int | None:
    """Find the steps of a sensor in one g by a median magnitude in steps: a power of two, as most sensors have.

    Examples
    --------
    >>> likely_steps(4230.0), likely_steps(16800.0), likely_steps(5800.0), likely_steps(1.0)
    (4096, 16384, None, None)
    """
    return next((2**n for n in range(5, 22) if 0.9 <= magnitude / 2**n <= 1.12), None)


def _rotation(
    said: Sequence[str | None],
    shown: Sequence[str],
    unit: str,
    stored: Sequence[float],
    stream_format: StreamFormat,
    reading: ReadOptions,
    where: str,
    notes: list[str],
) -> tuple[float, bool]:
    """Find the size of one stored step of the gyroscope, and whether its unit is only assumed.

    Returns
    -------
    size : in degrees a second; in counts where the accelerometer is in counts
    unsaid : nothing states the unit
    """
    choice = rotation_choice(unit)
    known = {each for each in said if each is not None}
    turning = reading.rotation
    if turning is None:
        if len(known) > 1 or (known and None in said):
            mixed = " and ".join(f"{name} in {each}" for name, each in _two(shown, said))
            raise InputError(f"{where}: {mixed}: one sensor has one unit; correct the headings, or {choice}")
        turning = known.pop() if known else None
        if unit == "counts" and turning not in (None, "counts"):
            raise InputError(
                f"{where}: {quoted(shown[0])} is in {turning}, and {parameter('unit', 'counts')} means all axes; give "
                f"{parameter('unit', f'counts,{turning}' if turning in IN_DPS else 'counts,deg/s')}"
            )
        if turning == "counts" and unit != "counts":
            if len(reading.scale) < 2:
                raise InputError(
                    f"{where}: {quoted(shown[0])} is in steps of a sensor; give {parameter('unit', f'{unit},deg/s')} "
                    f"and {parameter('scale', '1,Y')} with Y deg/s in a step (e.g. 0.07 or 1/16.4), or "
                    f"{parameter('unit', f'{unit},counts')} where they are the plan's"
                )
            turning = "deg/s"
        if turning not in (None, "counts", *IN_DPS):
            raise InputError(f"{where}: {quoted(shown[0])} is in {turning}, no known unit of rotation; {choice}")
    elif known - {turning, None, "counts"}:
        notes.append(f"{' and '.join(sorted(known))} by its headings, read as {turning}")
    per_dps = stream_format.counts_per_dps or 1.0
    if unit == "counts":
        return (IN_DPS[turning] * per_dps, False) if turning in IN_DPS else (1.0, False)
    if turning == "counts":
        return 1 / per_dps, False
    if turning is None and not reading.scale and re.match(r"(w|omega|ω)[ _]?[xyz]?\b", shown[0].lower()):
        raise InputError(f"{where}: {quoted(shown[0])} has no unit, and is often rad/s; {choice}")
    if turning is None:
        # A scale for the gyroscope converts its steps to degrees a second.
        return 1.0, len(reading.scale) < 2 and set(stored[3:]) == {1.0}
    if turning != "deg/s":
        notes.append(f"{turning} turned into deg/s")
    return IN_DPS[turning], False


def scales(reading: ReadOptions, n_axes: int, where: str) -> tuple[float, ...]:
    """Spread `ReadOptions.scale` to each axis: one number is for all axes, two are for the sensors of six axes."""
    given = reading.scale or (1.0,)
    if len(given) == 1:
        return given * n_axes
    if len(given) == 2 and n_axes == 6:
        return (given[0],) * 3 + (given[1],) * 3
    if len(given) != n_axes:
        raise InputError(f"{where}: {len(given)} scales for {n_axes} axes; give one number as `scale`, or {n_axes}")
    return given


def units_in_sentence(text: str) -> tuple[str | None, str | None]:
    """Find the units of accelerometer and gyroscope in words such as ``acc g = x/2048; gyro deg/s = x/16``.

    Returns
    -------
    acceleration, rotation : units as `unit_of` spells them; an unknown word in quotes; None where there is no unit, or
        two

    Examples
    --------
    >>> units_in_sentence("acc g = x/2048; gyro rad/s = x/16"), units_in_sentence("m/s^2"), units_in_sentence("stones")
    (('g', 'rad/s'), ('m/s2', None), (None, None))
    """
    if (whole := unit_of(text)) is not None:
        return (None, whole) if whole in IN_DPS else (whole, None)
    clauses = [each for each in re.split(r"[;,\n]|\band\b|\s\+\s", text) if each.strip()]
    if any("=" in each for each in clauses):
        clauses = [each.partition("=")[0] for each in clauses if "=" in each]
    found: tuple[set[str], set[str]] = (set(), set())
    for clause in clauses:
        words = clause.replace(":", " ").split()
        units = (unit_of(" ".join(words[at:])) for at in range(len(words)))
        unit = next((each for each in units if each is not None), None)
        about_rotation = re.search(r"gyr|rot|ang|omega", clause.lower()) is not None
        if unit is None and about_rotation:
            unit = repr(quoted(words[-1])) if len(words) > 1 else None
        if unit is not None:
            found[unit in IN_DPS or about_rotation].add(unit)
    return tuple(each.pop() if len(each) == 1 else None for each in found)  # type: ignore[return-value]
