"""When events happen: a table with a line for each recording that has one."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.formats.stored import refusing

_COLUMNS = ("recording", "start_s", "stop_s")


def read_events(path: str | Path) -> dict[str, tuple[float, float]]:
    """Read a CSV with the columns recording, start_s and stop_s; others are passed over.

    Parameters
    ----------
    path : UTF-8; ``recording`` is the name that reports print: the path below the folder that is evaluated, or
        ``file.npz[3]``. Times are seconds from the beginning of the recording; a line with neither, or nan, says
        nothing

    Returns
    -------
    recording -> (start, stop)

    Raises
    ------
    InputError : no such file, no such columns, no numbers, an event that stops before it starts, a recording twice
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
                        f"{where}: line {reader.line_num}: {quoted(row['recording'])} for the second time; a "
                        "recording has one event: cut it between them"
                    )
                found[row["recording"]] = times
        except csv.Error:
            raise InputError(f"{where}: line {reader.line_num}: it is damaged; save it as plain CSV") from None
    return found


def _times(row: dict[str, str], where: str) -> tuple[float, float] | None:
    texts = [(row[name] or "nan").strip() or "nan" for name in _COLUMNS[1:]]
    try:
        start, stop = map(float, texts)
    except ValueError:
        raise InputError(f"{where}: '{quoted(' '.join(texts))}' are no seconds; write numbers") from None
    if math.isnan(start) and math.isnan(stop):
        return None
    if not 0 <= start < stop < math.inf:
        raise InputError(f"{where}: an event from {start:g} to {stop:g} s; it starts at 0 or later and stops after it")
    return start, stop
