"""Batch of events: its devices, events and times of arrival, checked before anything changes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.event import COMPACT_BYTES, EVENT_BYTES
from anomsdk.errors import InputError, quoted
from anomsdk.receive.news import Columns, decoded, decoded_of_both_forms

LONGEST_ID = 64
"""Characters of an id of a device."""
Indices: TypeAlias = NDArray[np.int64]


def listed(given: object, name: str, of: str) -> list[Any]:
    """Return what a parameter lists, or raise InputError: one text or one event is no list of its parts."""
    good = isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray | memoryview)
    require(good, f"Receiver: `{name}` is {type(given).__name__}; give a list of {of}")
    return list(cast(Iterable[Any], given))


def decoded_batch(events: NDArray[np.uint8] | Sequence[bytes], n: int) -> tuple[Columns, NDArray[np.bool_]]:
    """Decode a batch, or raise InputError if it has not n events."""
    if isinstance(events, np.ndarray):
        good = events.dtype == np.uint8 and events.ndim == 2 and events.shape[1] in (EVENT_BYTES, COMPACT_BYTES)
        form = f"must be uint8 (n, {EVENT_BYTES}) or (n, {COMPACT_BYTES})"
        require(good, f"take_many: `events` is {events.dtype} {events.shape}, {form}")
    require(len(events) == n, f"take_many: {n} devices and {len(events)} events")
    return decoded(events) if isinstance(events, np.ndarray) else decoded_of_both_forms(events)


def numbers_or_ids(devices: Sequence[str] | NDArray[np.integer[Any]]) -> tuple[Indices | None, Sequence[Any]]:
    """Return the devices of a batch as numbers, or None and their ids."""
    if not isinstance(devices, np.ndarray):
        return None, devices
    require(devices.ndim == 1, f"take_many: `devices` has shape {devices.shape}, must have one dimension")
    if devices.dtype.kind in "iu":
        return devices.astype(np.int64), ()
    return None, devices.tolist()


def checked_times(at_s: NDArray[np.float64] | float, n: int) -> NDArray[np.float64]:
    """Return the times of a batch, float64 (n,), or raise InputError if there are not n of them, nor one for all."""
    try:
        times = np.asarray(at_s, np.float64)
    except (TypeError, ValueError):
        raise InputError("take_many: `at_s` is not a number of seconds for each event") from None
    require(times.shape in ((), (n,)), f"take_many: `at_s` has shape {times.shape}, must be ({n},), or be one number")
    return np.broadcast_to(times, (n,))


def check_time(at_s: float) -> None:
    """Raise InputError unless a time is a finite number of seconds."""
    require(_is_finite(at_s), not_finite(at_s))


def check_above_0(name: str, value: float) -> None:
    """Raise InputError unless a parameter is a finite number above 0."""
    good = _is_finite(value) and not isinstance(value, bool) and value > 0
    require(good, f"Receiver: `{name}` is {quoted(value)}, not a number above 0")


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, int | float | np.integer | np.floating)
    return is_number and bool(abs(value) <= sys.float_info.max)


def not_finite(at_s: object) -> str:
    """Say that a time is of no use."""
    return f"Receiver: the time {quoted(at_s)} is not a finite number of seconds"


def not_an_id(device: object) -> str:
    """Say that something is no id of a device."""
    return f"Receiver: the id of a device is {quoted(device)!r}, not text of 1 to {LONGEST_ID} characters"
