"""Headings of columns of time and of days, in the spellings that loggers use."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anomsdk.errors import InputError
from anomsdk.sources.formats.tables.headings import listed, unit_in
from anomsdk.sources.formats.tables.units import TIME_UNITS

_TIMES = {"t", "time", "timestamp", "times", "timestamps", "datetime", "date_time", "epoch", "elapsed", "unix", "ts"}
_TIMES |= {"time_stamp", "unix_time", "unixtime", "epoch_time", "elapsed_time", "sensor_time", "seconds_elapsed"}
_RARER_TIMES = {"utc", "utc_time", "time_utc", "timestamp_utc", "datetime_utc", "gps_time", "local_time", "localtime"}
_RARER_TIMES |= {
    "date_time",
    "date_time_",
    "time_of_day",
    "time_since_start",
    "time_since_start_in",
    "clock",
    "wall_time",
}
_RARER_TIMES |= {"loggingtime", "logging_time", "iso_time", "time_local", "date"}
"""Names of a column of time that count where none of the usual names occurs."""
_CORE_OF_TIME = {"time", "timestamp", "datetime", "uptime", "millis", "micros", "nanos", "msec", "usec", "sec", "secs"}
_CORE_OF_TIME |= {
    "seconds",
    "epoch",
    "zeit",
    "zeitstempel",
    "uhrzeit",
    "temps",
    "horodatage",
    "heure",
    "tiempo",
    "tempo",
    "tijd",
}
_BESIDE_TIME = {
    "s",
    "ms",
    "us",
    "ns",
    "t",
    "at",
    "of",
    "since",
    "start",
    "up",
    "unix",
    "utc",
    "gps",
    "local",
    "absolute",
}
_BESIDE_TIME |= {
    "abs",
    "relative",
    "rel",
    "elapsed",
    "received",
    "recv",
    "date",
    "datum",
    "stamp",
    "host",
    "phone",
    "log",
}
_BESIDE_TIME |= {
    "device",
    "dev",
    "sensor",
    "sample",
    "system",
    "sys",
    "mcu",
    "esp",
    "arduino",
    "board",
    "logger",
    "boot",
}
_BESIDE_TIME |= {"record", "recording", "run", "running", "reboot", "monotonic", "steady", "kernel", "cpu", "clock"}
"""Words that may stand beside one of `_CORE_OF_TIME` in a heading that names the time by its words."""
_DAYS = {"date", "datum", "date_utc", "date utc", "local date", "local_date", "utc date", "utc_date"}


def time_column(names: Sequence[str], where: str) -> int:
    """Find the column of time stamps.

    Raises
    ------
    InputError : there is none, or several columns could be it
    """
    found = times_named(names)
    if not found:
        there = listed(names) or "no headings"
        raise InputError(
            f"{where}: no column of time (there is {there}); name it time, or give `time`, or `rate_hz` where "
            "rows are evenly spaced"
        )
    if len(found) > 1:
        several = listed(names[column] for column in found)
        raise InputError(f"{where}: the time could be {several}; choose with `time`")
    return found[0]


def times_named(names: Sequence[str]) -> list[int]:
    """List the columns whose heading is a usual name of time; if there are none, those with a rarer name."""
    bare = [unit_in(name)[0] for name in names]
    found = [i for i, name in enumerate(bare) if name.replace(" ", "_") in _TIMES or name in TIME_UNITS]
    return found or [i for i, name in enumerate(bare) if re.sub(r"[^a-z]+", "_", name) in _RARER_TIMES]


def times_by_words(names: Sequence[str]) -> list[int]:
    """List the columns whose heading consists of words of time, such as ``uptime_ms`` or ``Zeit``.

    If there are none, those with one word of time among others, and a unit of time.

    Examples
    --------
    >>> times_by_words(["time_to_fix", "uptime_ms", "@timestamp", "gx"]), times_by_words(["S1_Timestamp [ms]", "gx"])
    ([1, 2], [0])
    """
    only, beside = [], []
    for at, name in enumerate(names):
        bare, unit = unit_in(name)
        words = set(re.findall(r"[a-z]+", bare))
        if words & _CORE_OF_TIME and words <= _CORE_OF_TIME | _BESIDE_TIME:
            only.append(at)
        elif words & _CORE_OF_TIME and unit in TIME_UNITS:
            beside.append(at)
    return only or beside


def names_days(heading: str) -> bool:
    """Tell whether a heading names days; a column of times of day may stand beside it."""
    return unit_in(heading)[0] in _DAYS


def date_column(names: Sequence[str], time: int | None) -> int | None:
    """Find the column of days beside a column of time; None where there is none."""
    found = [at for at, name in enumerate(names) if at != time and names_days(name)]
    return found[0] if time is not None and len(found) == 1 else None
