"""The lines above the rows of a table: headings, units, sensors, and facts such as ``Sample rate,20``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from anomsdk.errors import InputError
from anomsdk.sources.formats.tables.headings import unit_in
from anomsdk.sources.formats.tables.units import unit_of
from anomsdk.sources.formats.timing.epochs import EPOCHS_S

_TYPES = re.compile(
    r"(u?int(eger)?\d*|float\d*|double|real|decimal|number|num|numeric|long|short|str(ing)?|text|char|bool(ean)?|"
    r"object|category|date|datetime(64(\[\w+\])?)?|timestamp|cal|uncal|[fiu]\d)",
    re.IGNORECASE,
)
_SENSORS = re.compile(
    r"\W*(linear|user|raw|cal|calibrated|lsm\w*|mpu\w*|bmi\w*|icm\w*|adxl\w*|imu|"
    r"acc|accel|accelero|accelerometer|acceleration|gyr|gyro|gyroscope|rotation|rotationrate|angular|velocity|"
    r"mag|magneto|magnetometer|gravity|orientation|quaternion|attitude|pressure|temperature|temp|"
    r"time|timestamp|left|right|wrist|waist|chest|ankle|thigh|head|neck|ear|leg|[\W\d_])+\W*",
    re.IGNORECASE,
)
_RATE_KEY = re.compile(
    r"(sample|sampling|samples?|measurement|data|record(ing)?|acc(el(erometer)?)?|output)?[\s_.-]*"
    r"(rate|freq(uency)?|abtastrate|abtastfrequenz|messfrequenz|fs|sps|odr|samplerate|samplingrate)[\s_.]*"
    r"[\[(]?\s*(hz|hertz|1/s|sps)?\s*[\])]?",
    re.IGNORECASE,
)
_RATE_VALUE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:hz|hertz|1/s|sps)?", re.IGNORECASE)
_ACTIGRAPH = re.compile(r".*\bActiGraph\b.*\bat (\d+(?:[.,]\d+)?) ?Hz\b.*", re.IGNORECASE)
_EPOCH = re.compile(r"\W*Epoch Period \(hh:mm:ss\)\W*(\d\d:\d\d:\d\d)\b.*", re.IGNORECASE)
_E4_HZ = (1.0, 1000.0)
"""Lowest and highest rate of an Empatica E4 that is believed."""
_E4_STEP_G = 1 / 64
_LONGEST_UNIT = 8
"""Most characters of an unknown unit in a line of units."""


@dataclass(frozen=True)
class TableFacts:
    """Facts that the lines above a table tell of its samples.

    Parameters
    ----------
    rates : (rows per second, number of the line that says so)
    skip : number of lines of numbers that are no samples
    empatica : the lines are those of an Empatica E4, whose accelerometer has steps of 1/64 g
    """

    rates: tuple[tuple[float, int], ...] = ()
    skip: int = 0
    empatica: bool = False

    @property
    def unit(self) -> tuple[str, float] | None:
        """Unit of the accelerometer, and one step of a stored value in it; None where the lines do not say it."""
        return ("g", _E4_STEP_G) if self.empatica else None


NO_FACTS = TableFacts()


def headings_in(lines: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """Return the heading of each column, with its unit and sensor where lines of their own name these.

    Parameters
    ----------
    lines : cells of each line above the first row of numbers
    width : number of cells in a row

    Returns
    -------
    ``width`` headings, empty where a column has none

    Examples
    --------
    >>> headings_in([["", "Accelerometer", "", ""], ["t", "x", "y", "z"], ["s", "g", "g", "g"]], 4)
    ('t [s]', 'Accelerometer x [g]', 'Accelerometer y [g]', 'Accelerometer z [g]')
    """
    units, index_name = [""] * width, ""
    for at in reversed(range(len(lines))):
        cells = list(lines[at])
        if len(cells) != width:
            continue
        filled = [cell for cell in cells if cell]
        if (found := _units_of(cells)) is not None:
            units = found if not any(units) else units
        elif all(_TYPES.fullmatch(cell) for cell in filled):
            continue
        elif filled == cells[:1]:
            index_name = cells[0]  # pandas: the name of the index stands in a line of its own
        elif 2 * len(filled) > width and not _is_pair(cells):
            cells[0] = cells[0] or index_name
            above = [line for line in lines[max(0, at - 2) : at] if len(line) == width]
            for line in reversed(above):
                if not any(units) and (of_above := _units_of(line)) is not None:
                    units = of_above
                elif _are_sensors(line) and not _is_pair(line):
                    cells = _below_sensors(line, cells)
            if cells == [str(n) for n in range(width)]:
                return ("",) * width  # pandas numbers columns without names
            return tuple(_with_unit(name, unit) for name, unit in zip(cells, units, strict=True))
    return ("",) * width


def _with_unit(name: str, unit: str) -> str:
    """Append a unit to a heading, unless the heading names this unit itself."""
    said = unit_in(f"x [{unit}]")[1]
    return name if not name or not unit or unit_in(name)[1] == said is not None else f"{name} [{unit}]"


def facts_in(lines: Sequence[str], rows: Sequence[Sequence[str]], where: str) -> TableFacts:
    """Read the facts in the lines above a table, or in its first two rows where they are those of an Empatica E4.

    Raises
    ------
    InputError : each row is the sum of an epoch and no sample
    """
    if _is_empatica(rows):
        values = [_value(cell) or 0.0 for row in rows[2:] for cell in row]
        counts = all(-128 <= value < 128 and value == int(value) for value in values)
        return TableFacts(((float(rows[1][0]), 2),), 2, counts)
    rates = []
    for number, line in enumerate(lines, 1):
        if (epoch := _EPOCH.fullmatch(line.strip())) and epoch[1] != "00:00:00":
            raise InputError(
                f"{where}, line {number}: each row is the sum of an epoch of {epoch[1]}, not a sample; export raw data"
            )
        rate = _rate_in(line.strip())
        if rate is not None:
            rates.append((rate, number))
    return TableFacts(tuple(rates))


def _rate_in(line: str) -> float | None:
    """Return the rate that a line names, rows per second; None where it names none."""
    if found := _ACTIGRAPH.fullmatch(line):
        return _value(found[1])
    cells = [cell.strip(" \"'") for cell in re.split(r"[;\t=:|]|,(?!\d+\s*(?:hz)?\s*$)|,(?=\d+\s*(?:hz)?\s*$)", line)]
    cells = [cell for cell in (each.lstrip("#% ") for each in cells) if cell]
    for cut in (2, 3):
        if len(cells) == cut and _RATE_KEY.fullmatch(cells[0]):
            text = ".".join(cells[1:]) if cut == 3 and re.search(r"\d,\d", line) else cells[1]
            if cut == 3 and text == cells[1] and not re.fullmatch(r"hz|hertz|sps", cells[2], re.IGNORECASE):
                return None
            value = _RATE_VALUE.fullmatch(text)
            return None if value is None else _value(value[1])
    return None


def _is_empatica(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first line is a start time and the second one a rate, each repeated in all three columns."""
    if len(rows) < 3 or any(len(row) != 3 or len(set(row)) != 1 for row in rows[:2]):
        return False
    start, rate = _value(rows[0][0]), _value(rows[1][0])
    return (
        start is not None
        and rate is not None
        and EPOCHS_S[0] <= start <= EPOCHS_S[1]
        and _E4_HZ[0] <= rate <= _E4_HZ[1]
    )


def _value(text: str) -> float | None:
    """Return a number with a decimal point or comma; None for any other text."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _units_of(cells: Sequence[str]) -> list[str] | None:
    """Return the units in a line that holds nothing else, known ones or short words that recur; else None."""
    units = [re.sub(r"[()]", "", re.sub(r"^[\[(](.*)[\])]$", r"\1", cell)).strip() for cell in cells]
    if not any(units) or any(
        re.search(r"[\[\]]", unit) or (len(unit) > _LONGEST_UNIT and unit_of(unit) is None) for unit in units
    ):
        return None
    known = [unit_in(f"x [{unit}]")[1] is not None for unit in units if unit]
    recur = len(set(cells)) < len(cells) and sum(known) * 2 >= len(known)
    return units if recur or all(known) else None


def _is_pair(cells: Sequence[str]) -> bool:
    """Tell whether a line is a key and its value, followed by the empty cells that spreadsheets write."""
    return len(cells) > 2 and all(cells[:2]) and not any(cells[2:])


def _are_sensors(cells: Sequence[str]) -> bool:
    """Tell whether a line holds names of sensors, each above the first of its columns or above all of them."""
    filled = [cell for cell in cells if cell]
    named = [cell for cell in filled if re.search(r"[A-Za-z]", cell)]
    recur = len(set(filled)) < len(filled) or len(filled) < len(cells)
    return bool(named) and recur and all(_SENSORS.fullmatch(unit_in(cell)[0]) for cell in filled)


def _below_sensors(sensors: Sequence[str], names: Sequence[str]) -> list[str]:
    """Put the sensor in front of each heading: the one above it, or above the nearest column to its left."""
    found, sensor = [], ""
    for above, name in zip(sensors, names, strict=True):
        sensor = above or sensor
        bare, unit = unit_in(sensor)
        if not name or not sensor or bare == unit_in(name)[0] or bare in ("time", "timestamp"):
            found.append(name)
            continue
        own = f" [{unit}]" if unit and unit_in(name)[1] is None else ""
        shown = sensor if not own else re.sub(r"\s*[\[({].*$", "", sensor) or bare
        found.append(f"{shown} {name}{own}")
    return found
