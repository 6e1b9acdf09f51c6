"""Checks of rows before they are added up: no count is missing, below 0, or more than the service of its row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.datasets.schema import MANY
from anomsdk.errors import InputError

SERVICE = ("service_ticks", "service_days")
_OF_TICKS = ("alarm_ticks_", "alarms_")
"""Beginnings of the columns whose counts are among ticks of service; the others are among days of service."""
_OF_32_BITS = "alarm_ticks_"


def checked_numbers(
    labels: Sequence[Any], names: Sequence[str], columns: Sequence[Any], where: str
) -> tuple[list[NDArray[Any]], NDArray[np.bool_]]:
    """Return columns as numpy, 0 where a value is missing, and which rows cannot be right.

    Parameters
    ----------
    labels : columns in pyarrow that must have no null
    names : of the columns, those of `SERVICE` first
    columns : in pyarrow
    where : file, for messages

    Raises
    ------
    InputError : a column of another type
    """
    bad = np.zeros(len(columns[0]), bool)
    for label in labels:
        if label.null_count:
            bad |= label.is_null().to_numpy(zero_copy_only=False)
    numbers = list[NDArray[Any]]()
    for name, column in zip(names, columns, strict=True):
        if not _is_integer(column):
            raise InputError(
                f"{where}: column {name} is {column.type}, and counts are whole numbers; see "
                "docs/reference/data-sets.md"
            )
        if column.null_count:
            bad |= column.is_null().to_numpy(zero_copy_only=False)
            column = column.fill_null(0)
        numbers.append(column.to_numpy())
    limits = [(each, int(each.min(initial=0))) for each in numbers[: len(SERVICE)]]
    for name, values in zip(names, numbers, strict=True):
        if values.dtype.kind == "i" and int(values.min(initial=0)) < 0:
            bad |= values < 0
        if name in SERVICE:
            continue
        limit, least = limits[0 if name.startswith(_OF_TICKS) else 1]
        if int(values.max(initial=0)) > least:
            over = values > limit
            bad |= over if name.startswith(_OF_32_BITS) else over & (values != MANY)
    return numbers, bad


def fault_of(labels: Sequence[tuple[str, Any]], names: Sequence[str], columns: Sequence[Any], row: int) -> str:
    """Say why a row cannot be right.

    Parameters
    ----------
    labels : names and columns that must have no null
    names, columns : as `checked_numbers`
    row : its number in the columns
    """
    cells = {name: column[row].as_py() for name, column in (*labels, *zip(names, columns, strict=True))}
    missing = next((name for name, value in cells.items() if value is None), None)
    if missing is not None:
        return f"{missing} is missing"
    for name in names:
        if cells[name] < 0:
            return f"{name} is {cells[name]}, and counts are 0 or more"
        limit = SERVICE[0 if name.startswith(_OF_TICKS) else 1]
        is_many = cells[name] == MANY and not name.startswith(_OF_32_BITS)
        if name not in SERVICE and cells[name] > cells[limit] and not is_many:
            return f"{name} is {cells[name]:,}, more than its {limit}, {cells[limit]:,}"
    raise AssertionError("a row without a fault")


def _is_integer(column: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_integer(column.type))
