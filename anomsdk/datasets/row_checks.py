"""Checks of the rows of a data set, which another program may have written: counts, keys and the score_id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.record import SCORE_TAG_BYTES
from anomsdk.datasets.reading import DayFile, checked_names, row_name
from anomsdk.datasets.schema import MANY, SCORE_ID_DIGITS
from anomsdk.errors import InputError, quoted

Ints = NDArray[np.int64]

KEYS = ("device", "score_id", "start", "stop", "boot", "first")
"""Columns that say whose a row is, and where it begins and ends."""
SERVICE = ("service_ticks", "service_days")
NEVER = 1 << 62
"""Time or tick that is not known, where a row begins; where it ends, the negative."""
_OF_TICKS = ("alarm_ticks_", "alarms_")
"""Beginnings of the columns whose counts are among ticks of service; the others are among days of service."""
_WIDE = 8
"""Bytes of a number that may be beyond 32 bits."""
assert SCORE_ID_DIGITS == 2 * SCORE_TAG_BYTES


class RowChecks:
    """Checks of rows with some columns of counts.

    Parameters
    ----------
    columns : names of the counts, service_ticks and service_days first
    score_id : that all rows must have
    """

    def __init__(self, columns: Sequence[str], score_id: str) -> None:
        self._columns, self._score_id = tuple(columns), score_id[:SCORE_ID_DIGITS]

    def _check_score_id(self, column: Any, file: DayFile, at: int) -> None:
        names = checked_names(column.dictionary, file.name, "score_id")
        for index, text in enumerate(names.to_pylist()):
            if text is not None and text[:SCORE_ID_DIGITS] == self._score_id:
                continue
            rows = np.flatnonzero(column.indices.fill_null(-1).to_numpy(zero_copy_only=False) == index)
            if len(rows):
                raise InputError(
                    f"{row_name(file.path, at + int(rows[0]))}: counted under score_id {quoted(text)}, and "
                    f"the plan's is {self._score_id}; counts of one score_id add up, give the plan of these devices"
                )

    def checked(self, batch: list[Any], file: DayFile, at: int) -> tuple[list[NDArray[Any]], NDArray[np.bool_]]:
        """Return the columns that are added up, and which rows cannot be right."""
        self._check_keys(batch, file)
        self._check_score_id(batch[1], file, at)
        bad = np.zeros(len(batch[0]), bool)
        for label in batch[:2]:
            if label.null_count:
                bad |= label.is_null().to_numpy(zero_copy_only=False)
        numbers = list[NDArray[Any]]()
        for name, column in zip(self._columns, batch[len(KEYS) :], strict=True):
            if not _types().is_integer(column.type):
                raise InputError(
                    f"{file.name}: column {name} is {column.type}, and counts are whole numbers; see "
                    "docs/reference/data-sets.md"
                )
            if column.null_count:
                bad |= column.is_null().to_numpy(zero_copy_only=False)
                column = column.fill_null(0)
            values = column.to_numpy()
            if values.dtype.itemsize == _WIDE:
                bad |= (over := values > UINT32_MAX)
                values = np.where(over, 0, values).astype(np.int64)
            numbers.append(values)
        bad |= self._misplaced(batch)
        limits = [(each, int(each.min(initial=0))) for each in numbers[: len(SERVICE)]]
        for name, values in zip(self._columns, numbers, strict=True):
            if values.dtype.kind == "i" and int(values.min(initial=0)) < 0:
                bad |= values < 0
            if name in SERVICE:
                continue
            limit, least = limits[0 if name.startswith(_OF_TICKS) else 1]
            if int(values.max(initial=0)) > least:
                over = values > limit
                bad |= over if name.startswith("alarm_ticks_") else over & (values != MANY)
        return numbers, bad

    def _check_keys(self, batch: list[Any], file: DayFile) -> None:
        """Refuse columns that say where rows begin and end by something else than times and ticks."""
        types = _types()
        for name, column in zip(KEYS[2:], batch[2 : len(KEYS)], strict=True):
            is_time = name in ("start", "stop")
            is_kind, kind = (types.is_timestamp, "a time") if is_time else (types.is_integer, "whole numbers")
            if not (types.is_null(column.type) or is_kind(column.type)):
                raise InputError(
                    f"{file.name}: column {name} is {column.type}, not {kind}; see docs/reference/data-sets.md"
                )

    def _misplaced(self, batch: list[Any]) -> NDArray[np.bool_]:
        """Return which rows end before they begin, or have a boot or a tick that no ladder has."""
        n = len(batch[0])
        bad = np.zeros(n, bool)
        start, stop, *ticks = batch[2 : len(KEYS)]
        if start.null_count < n and stop.null_count < n:
            begins, ends = as_int64(start, NEVER), as_int64(stop, NEVER)
            bad |= (ends < begins) & (begins != NEVER)
        for column, most in zip(ticks, (MANY, UINT32_MAX), strict=True):
            if column.null_count < n:
                values = column.fill_null(0).to_numpy()
                bad |= (values < 0) | (values > most)
        return bad

    def why(self, batch: list[Any], row: int) -> str:
        """Say why a row cannot be right."""
        cells = {name: batch[i][row].as_py() for i, name in enumerate((*KEYS, *self._columns))}
        for name in (*KEYS[:2], *self._columns):
            if cells[name] is None:
                return f"{name} is missing"
        for name in self._columns:
            if cells[name] < 0:
                return f"{name} is {cells[name]}, and counts are 0 or more"
            if cells[name] > UINT32_MAX:
                return f"{name} is {cells[name]:,}, more than 32 bits hold"
        for name, most in (("boot", MANY), ("first", UINT32_MAX)):
            if cells[name] is not None and not 0 <= cells[name] <= most:
                return f"{name} is {cells[name]:,}, not 0 to {most:,}"
        if cells["start"] is not None and cells["stop"] is not None and cells["stop"] < cells["start"]:
            return "stop is before start"
        for name in self._columns:
            if name not in SERVICE:
                limit = "service_ticks" if name.startswith(_OF_TICKS) else "service_days"
                if cells[name] > cells[limit] and (cells[name] != MANY or name.startswith("alarm_ticks_")):
                    return f"{name} is {cells[name]:,}, more than its {limit}, {cells[limit]:,}"
        raise AssertionError("a row without a fault")


def as_int64(column: Any, none: int) -> Ints:
    """Return a column as int64, with a number for null; times are in microseconds since 1970."""
    import pyarrow

    if pyarrow.types.is_timestamp(column.type):
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    whole = column.cast(pyarrow.int64())
    return whole.fill_null(none).to_numpy() if whole.null_count else whole.to_numpy()


def _types() -> Any:
    import pyarrow

    return pyarrow.types
