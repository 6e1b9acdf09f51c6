"""Dates of ISO 8601 as nanoseconds: every spelling is checked before numpy sees it, which guesses, warns and wraps."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d(?::\d\d(?::\d\d(?:\.\d*)?)?)?))?", re.ASCII)
_ZONE = re.compile(r"(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)$", re.ASCII)
_YEARS = ("1678", "2262")
"""Nanoseconds of 64 bits hold the first and what is before the second."""
_DIGITS = len("2024-01-01T00:00:00.123456789")


def dates(cells: Sequence[str], wheres: Sequence[str], name: str) -> NDArray[np.int64]:
    """Dates of ISO 8601 as nanoseconds since 1970; those with a zone in UTC.

    Parameters
    ----------
    cells : text, e.g. ``2024-03-31T01:59:00.5+01:00``; digits beyond nanoseconds are cut off
    wheres : what messages call each
    name : heading of the column

    Returns
    -------
    int64 (n,)

    Raises
    ------
    InputError : something else is among them, a day that there is not, or a year outside 1678 to 2261
    """
    zones = [_ZONE.search(cell) for cell in cells]
    bare = [
        _plain((cell[: zone.start()] if zone and ":" in cell[: zone.start()] else cell).strip())
        for cell, zone in zip(cells, zones, strict=True)
    ]
    try:
        if None in bare:
            raise ValueError
        found = np.array(bare, "datetime64[ns]").astype(np.int64)
    except ValueError:
        at = next(i for i, cell in enumerate(bare) if not _is_date(cell))
        raise InputError(
            f"{wheres[at]}: {quoted(name)} is {quoted(cells[at])!r}, no date of ISO 8601; correct it"
        ) from None
    return found - np.array([_offset_ns(zone[0]) if zone else 0 for zone in zones], np.int64)


def _plain(cell: str) -> str | None:
    """A date as numpy reads it without a question; None for anything else."""
    text = cell.replace("/", "-").replace(",", ".")
    found = _DATE.fullmatch(text)
    return text[:_DIGITS] if found and _YEARS[0] <= text[:4] < _YEARS[1] else None


def _is_date(text: str | None) -> bool:
    try:
        return text is not None and not bool(np.isnat(np.datetime64(text, "ns")))
    except ValueError:
        return False


def _offset_ns(zone: str) -> int:
    if zone == "Z":
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 60 + int(zone[-2:])) * 60 * 10**9
