"""Words for units, in the spellings that loggers use, and which unit each sensor of a recording is in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from anomsdk.errors import InputError, quoted
from anomsdk.sources.stream_format import IN_DPS, IN_G, UNITS, ReadOptions, StreamFormat

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
LONG_TIME_UNITS = {"min": 60.0, "h": 3600.0, "d": 86_400.0}
"""Units that a heading may name in brackets; ``--time NAME:UNIT`` takes these and the shorter ones."""
MORE_IN_G = {"mm/s2": ("m/s2", 1e-3), "cm/s2": ("m/s2", 1e-2), "ug": ("mg", 1e-3), "ft/s2": ("m/s2", 0.3048)}
"""Units of acceleration that are read as another one, and how much of it they are."""
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
"""Of text in lower case; a sign that Latin-1 wrote and UTF-8 cannot read is U+FFFD."""
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


OFTEN_RADIANS = re.compile(r"rotation[ _.-]?rate|ang(ular)?[ _.-]?vel", re.IGNORECASE)
"""Headings without a unit that ROS and Core Motion write above rad/s, and others above deg/s."""


def unit_of(word: str) -> str | None:
    """The unit that a word means, as this package spells it; None for any other word.

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
    for pattern, new in _WORDS:
        text = re.sub(pattern, new, text)
    return _ALIASES.get(text.replace(" ", ""))


@dataclass(frozen=True)
class SensorUnits:
    """What one of a stored value is.

    Parameters
    ----------
    unit : of the accelerometer, one of `anomsdk.sources.stream_format.UNITS`
    units : what one of a stored value is of each axis, in this unit and in degrees a second (counts: in counts)
    notes : what was found out or converted, in words
    unsaid : nothing names the gyroscope's unit: it is believed to be in degrees a second
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
    """Decide which unit each sensor is in: as the options say, else as the file does.

    Parameters
    ----------
    said : unit of each axis as `unit_of` spells it; a unit that nobody knows in quotes; None where nothing is said
    shown : what messages call each axis
    stored : what one of a stored value is, by the file or `ReadOptions.scale`; 1 where nobody says
    magnitude : median magnitude of the acceleration as stored, for advice
    remedy : what else would make the unit clear, for messages

    Raises
    ------
    InputError : a unit is missing or unknown, two are mixed, or it is steps of a sensor that nobody scales
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
    """Unit of the accelerometer, and how much of it one of what the file says is."""
    known = {each for each in said if each is not None}
    one = known.pop() if len(known) == 1 and None not in said else None
    if reading.unit is not None:
        if one is not None and one in (*IN_G, *MORE_IN_G) and one != reading.unit:
            notes.append(f"{one} by its headings, read as {reading.unit}")
        return reading.unit, 1.0
    choice = f"say --unit {'|'.join(UNITS)}"
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
    """The first axis of each of two units, for a message."""
    first = dict[str, str]()
    for name, unit in zip(shown, said, strict=True):
        first.setdefault(unit or "no unit", quoted(name))
    return [(name, unit) for unit, name in first.items()][:2]


def _steps(shown: str, magnitude: float, n_axes: int, stream_format: StreamFormat) -> str:
    """What to say of a sensor's steps, which are the plan's counts only where somebody knows it."""
    usable = 1 <= magnitude <= 1e9
    scale = f"1/{likely_steps(magnitude) or round(magnitude)}" if usable else "X"
    turning = ",deg/s --scale " + scale + ",Y (g and deg/s in a step)" if n_axes == 6 else f" --scale {scale}"
    are = "they are the plan's" + (f" ({stream_format.counts_per_g:g} a g)" if stream_format.counts_per_g else "")
    return (
        f"{quoted(shown)} is in steps of a sensor, their median magnitude is {magnitude:.4g}; say --unit g{turning}, "
        f"or --unit counts where {are}"
    )


def likely_steps(magnitude: float) -> int | None:
    """How many steps a g has by a median magnitude in steps: a power of two, as most sensors have.

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
    """Degrees a second (counts, with an accelerometer in counts) in one of what is stored; whether that is a guess."""
    choice = "say --unit " + f"{unit},{'|'.join(IN_DPS)}"
    known = {each for each in said if each is not None}
    turning = reading.rotation
    if turning is None:
        if len(known) > 1 or (known and None in said):
            mixed = " and ".join(f"{name} in {each}" for name, each in _two(shown, said))
            raise InputError(f"{where}: {mixed}: one sensor has one unit; correct the headings, or {choice}")
        turning = known.pop() if known else None
        if unit == "counts" and turning not in (None, "counts"):
            raise InputError(
                f"{where}: {quoted(shown[0])} is in {turning}, and --unit counts means all axes; say --unit "
                f"counts,{turning if turning in IN_DPS else 'deg/s'}"
            )
        if turning == "counts" and unit != "counts":
            if len(reading.scale) < 2:
                raise InputError(
                    f"{where}: {quoted(shown[0])} is in steps of a sensor; say --unit {unit},deg/s --scale 1,Y with Y "
                    f"deg/s in a step (e.g. 0.07 or 1/16.4), or --unit {unit},counts where they are the plan's"
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
        # A scale for the gyroscope is one that turns it into degrees a second.
        return 1.0, len(reading.scale) < 2 and set(stored[3:]) == {1.0}
    if turning != "deg/s":
        notes.append(f"{turning} turned into deg/s")
    return IN_DPS[turning], False


def scales(reading: ReadOptions, n_axes: int, where: str) -> tuple[float, ...]:
    """`ReadOptions.scale` for each axis: one number is for all, of six axes two are one for each sensor."""
    given = reading.scale or (1.0,)
    if len(given) == 1:
        return given * n_axes
    if len(given) == 2 and n_axes == 6:
        return (given[0],) * 3 + (given[1],) * 3
    if len(given) != n_axes:
        raise InputError(f"{where}: {len(given)} scales for {n_axes} axes; give --scale one number, or {n_axes}")
    return given


def units_in_sentence(text: str) -> tuple[str | None, str | None]:
    """Units of accelerometer and gyroscope out of words such as ``acc g = x/2048; gyro deg/s = x/16``.

    Returns
    -------
    acceleration, rotation : as `unit_of` spells them; in quotes where nobody knows the word; None where none is there,
        or two are

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
