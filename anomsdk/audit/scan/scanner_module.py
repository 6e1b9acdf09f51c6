"""Compiled scanner: finds runs of many known rows of elements in bytes, in one pass."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.scan.needles import Needles
from anomsdk.errors import InputError

RUN = np.dtype([("offset", "u8"), ("needle", "u4"), ("first", "u4"), ("length", "u4"), ("unused", "u4")])
"""Run of elements as the scanner gives it: offset in the searched bytes, index of the needle, first element, length."""


def why_missing() -> str | None:
    """Say why memory cannot be searched here; None if it can."""
    try:
        load_scanner()
    except InputError as error:
        return str(error)
    return None


def load_scanner() -> ModuleType:
    """Load the compiled module, which has ``ffi`` and ``lib``.

    Raises
    ------
    InputError : it was not built here
    """
    if importlib.util.find_spec("anomsdk.audit.scan._scanner") is None:
        raise InputError(
            "the scanner of memory was not built: no C compiler worked when anomsdk was installed; install gcc or "
            "clang, then install anomsdk again (in a checkout: make clean demo)"
        )
    try:
        from anomsdk.audit.scan import _scanner  # type: ignore[attr-defined]
    except ImportError as error:
        raise InputError(f"the scanner of memory cannot be loaded here ({error}); install anomsdk again") from None
    module: ModuleType = _scanner
    return module


class Scanner:
    """Search for needles, prepared once and used for many stretches of bytes.

    Parameters
    ----------
    needles : rows of elements that are searched for

    Raises
    ------
    InputError : the scanner was not built here, or memory is too small
    """

    def __init__(self, needles: Sequence[Needles]) -> None:
        module = load_scanner()
        self._ffi, self._lib = module.ffi, module.lib
        self._kept = [self._ffi.from_buffer("uint8_t[]", needle.data) for needle in needles]
        given = self._ffi.new("anom_scan_needle[]", max(1, len(needles)))
        for each, needle, data in zip(given, needles, self._kept, strict=False):
            each.data, each.minimum, each.element_bytes = data, needle.minimum, needle.element_bytes
            each.elements = len(needle.data) // needle.element_bytes
        scan = self._lib.anom_scan_new(given, len(needles))
        if scan == self._ffi.NULL:
            raise InputError("the scanner of memory has too little memory; search for a shorter signal")
        self._scan = self._ffi.gc(scan, self._lib.anom_scan_free)
        self.left_out = [int(self._lib.anom_scan_left_out(scan, index)) for index in range(len(needles))]

    def search(self, data: Any) -> NDArray[Any]:
        """Find the runs of at least the minimum of their needle, at every byte of a buffer.

        Returns
        -------
        (n,) of `RUN`, in the order of the keys that found them

        Raises
        ------
        InputError : more than a million runs
        """
        view = self._ffi.from_buffer("uint8_t[]", data)
        if self._lib.anom_scan_search(self._scan, view, len(view)):
            raise InputError("more than a million runs of the signal stand in memory; search for a shorter signal")
        n = int(self._lib.anom_scan_n_runs(self._scan))
        if n == 0:
            return np.zeros(0, RUN)
        runs = self._ffi.buffer(self._lib.anom_scan_runs(self._scan), n * RUN.itemsize)
        return np.frombuffer(bytes(runs), RUN)


def search_all(needles: Sequence[Needles], stretches: Iterable[Any]) -> list[NDArray[Any]]:
    """Find the runs of needles in each of several buffers."""
    scanner = Scanner(needles)
    return [scanner.search(data) for data in stretches]
