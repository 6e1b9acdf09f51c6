"""Times of events: a table with one line for each recording that has an event."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.formats.stored_samples import refusing

_COLUMNS = ("recording", "start_s", "stop_s")


def read_events(path: str | Path) -> dict[str, tuple[float, float]]:
    """Read the times of events from a CSV file with the columns recording, start_s and stop_s.

    Parameters
    ----------
    path : CSV file in UTF-8; other columns are passed over. ``recording`` is the name that reports print: the path
        below the folder that is evaluated, or ``file.npz[3]``. Times are seconds from the beginning of the recording. A
        line whose times are empty or nan is passed over

    Returns
    -------
    recording -> (start, stop)

    Raises
    ------
    InputError : no such file, a missing column, times that are no numbers, an event that stops before it starts, or a
        recording that occurs twice
    """
    where = printable(path)
    with refusing(where), Path(path).open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{where}: no column {missing[0]}; begin with the line {','.join(_COLUMNS)}")
        found = dict[str, tuple[float, float]]()
        try:
            for row in reader:
                times = _times(row, f"{where}: line {reader.line_num}")
                if times is None:
                    continue
                if row["recording"] in found:
                    raise InputError(
                        f"{where}: line {reader.line_num}: {quoted(row['recording'])} occurs twice; a "
                        "recording has one event: cut the recording between its events"
                    )
                found[row["recording"]] = times
        except csv.Error:
            raise InputError(
                f"{where}: line {reader.line_num}: the line is damaged; save the file as plain CSV"
            ) from None
    return found


def _times(row: dict[str, str], where: str) -> tuple[float, float] | None:
    texts = [(row[name] or "nan").strip() or "nan" for name in _COLUMNS[1:]]
    try:
        start, stop = map(float, texts)
    except ValueError:
        raise InputError(f"{where}: '{quoted(' '.join(texts))}' are not times; write seconds as numbers") from None
    if math.isnan(start) and math.isnan(stop):
        return None
    if not 0 <= start < stop < math.inf:
        raise InputError(
            f"{where}: an event from {start:g} to {stop:g} s; give a start of 0 or more, and a stop after it"
        )
    return start, stop
