"""ISO 8601 dates whose characters stand at the same places in all rows, read many rows at once."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.formats.timing.date_forms import DAY_NS, MINUTE_NS, days_since_1970, parsed_date

FIXED_FORM = re.compile(
    r"\d{4}([-/])\d\d\1\d\d[T ]\d\d:\d\d:\d\d(?:[.,](?P<f>\d{1,12}))?(?P<zone>Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?",
    re.ASCII,
)
_MOST_RUNS = 64
"""Runs of rows with the same day in one block; a block with more runs is read row by row."""


def fixed_dates(matrix: NDArray[np.uint8], first: str, form: re.Match[str]) -> NDArray[np.int64] | None:
    """Return nanoseconds since 1970 of many dates; None where one of them has another form or is no date.

    Parameters
    ----------
    matrix : uint8 (n, length), the characters of one date in each row
    first : text of the first row
    form : match of `FIXED_FORM` with it
    """
    text = np.array(matrix.T, order="C")  # a copy in which one character of all rows is contiguous
    end = len(first) - len(form["zone"] or "")
    signs = [4, 7, 10, 13, 16, *([19] if form["f"] else []), *range(end, len(first))]
    digits = [*range(4), 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, *range(20, end)]
    if any((text[at] != first_of).any() for at, first_of in ((at, text[at, 0]) for at in signs)):
        return None
    text -= np.uint8(48)
    if int(text[digits].max()) > 9:
        return None

    def two(at: int) -> NDArray[np.uint8]:
        return text[at] * np.uint8(10) + text[at + 1]

    hours, minutes, seconds = two(11), two(14), two(17)
    if int(hours.max()) > 23 or int(minutes.max()) > 59 or int(seconds.max()) > 59:
        return None
    found = np.zeros(len(matrix), np.int64)
    for part, of_seconds in ((hours, 3600), (minutes, 60), (seconds, 1)):
        found += part.astype(np.int64) * of_seconds
    for at in range(20, 29):
        found *= 10
        if at < end:
            found += text[at]
    changed = np.flatnonzero((text[:10, 1:] != text[:10, :-1]).any(axis=0)) + 1
    if len(changed) >= _MOST_RUNS:
        return None
    starts = [0, *changed.tolist()]
    for start, stop in zip(starts, [*starts[1:], len(matrix)], strict=True):
        days = days_since_1970(matrix[start, :10].tobytes().decode("latin-1"), None)
        if days is None:
            return None
        found[start:stop] += days * DAY_NS
    if form["zone"]:
        parsed = parsed_date(first)
        assert parsed is not None
        found -= (parsed.offset or 0) * MINUTE_NS
    return found
